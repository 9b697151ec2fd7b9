/*
 * A campaign of locate, written down by hand, for the tests of what is made of
 * it: figures, the posterior, the verdict and its reasons.  The test includes
 * cmocka.h before.
 */
#ifndef RSTHOP_UNIT_VERDICT_SCENE_H
#define RSTHOP_UNIT_VERDICT_SCENE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/belief.h>
#include <rsthop/clock.h>
#include <rsthop/figures.h>
#include <rsthop/verdict.h>

#include "scripted_world.h"

#define SCENE_HOPS 7
#define SCENE_ROOM 128 /* trials, probes, resets of a case */

struct scene {
	struct rounds r;
	struct belief b;
	struct sw *sw;
	struct locate_ask ask;
	struct locate_result out;
	struct fault f;
};

/* Six routers, 10.9.0.2 … 10.9.5.2, and the server as the seventh. */
static inline void
scene_fill_path(struct path *p, const struct sw *sw)
{
	struct path_responder *r;

	p->n_hops = p->server_hops = SCENE_HOPS;
	p->distance = PATH_DISTANCE_PROBE;
	p->server_ttl = 58;
	p->server_rtt_ns = 20 * CLOCK_MS;
	for (int i = 0; i < SCENE_HOPS; i++) {
		r = &p->hops[i].responders[0];
		p->hops[i].ttl = (uint8_t)(i + 1);
		p->hops[i].asked = p->hops[i].answered = 2;
		p->hops[i].n_responders = 1;
		r->addr = (struct addr){4, {10, 9, (uint8_t)i, 2}};
		r->reply_ttl = (uint8_t)(64 - i);
		r->replies = 2;
	}
	p->hops[SCENE_HOPS - 1].is_server = true;
	p->hops[SCENE_HOPS - 1].responders[0].addr = sw->server.addr;
}

static inline struct scene *
scene_new(void)
{
	struct scene *sc = calloc(1, sizeof(*sc));
	struct session_ask sa = {0};
	struct rounds *rounds;

	assert_non_null(sc);
	rounds = &sc->r;
	sc->sw = sw_new(4);
	sc->ask.host = "db.example.com";
	sc->ask.target = sc->sw->server;
	sc->ask.trigger = RESULT_TRIGGER_PAYLOAD;
	sc->ask.confidence = 0.95;
	sc->out.head.target = sc->sw->server;
	sc->out.head.source.addr = sc->sw->client.addr;
	rounds->ask = &sc->ask;
	sa.w = &sc->sw->w;
	sa.target = sc->sw->server;
	sa.src = sc->sw->client.addr;
	sa.max_hops = 30;
	sa.path = &sc->out.path;
	session_init(&rounds->s, &sa);
	scene_fill_path(&sc->out.path, sc->sw);
	rounds->tracing.s = &rounds->s;
	rounds->tracing.conn = -1;
	sc->b.path.hops = SCENE_HOPS;
	rounds->trials = calloc(SCENE_ROOM, sizeof(*rounds->trials));
	rounds->s.conns = calloc(SCENE_ROOM, sizeof(*rounds->s.conns));
	rounds->s.probes = calloc(SCENE_ROOM, sizeof(*rounds->s.probes));
	rounds->s.resets = calloc(SCENE_ROOM, sizeof(*rounds->s.resets));
	rounds->s.cap_conns = rounds->s.cap_probes = rounds->s.cap_resets =
	    SCENE_ROOM;
	assert_true(rounds->trials != NULL && rounds->s.conns != NULL &&
	    rounds->s.probes != NULL && rounds->s.resets != NULL);
	return sc;
}

static inline void
scene_free(struct scene *sc)
{
	for (size_t i = 0; i < sc->r.s.n_conns; i++)
		sc->r.s.conns[i].closed = true; /* the world never had it */
	session_free(&sc->r.s);
	belief_free(&sc->b);
	free(sc->r.trials);
	locate_result_free(&sc->out);
	free(sc->sw);
	free(sc);
}

/* A settled trial on a connection of its own, with n probes to come. */
static inline struct trial *
scene_add_trial(
    struct scene *sc, enum trial_kind kind, enum trial_state state, size_t n)
{
	struct rounds *rounds = &sc->r;
	struct session_conn *sn = &rounds->s.conns[rounds->s.n_conns];
	struct trial *t = &rounds->trials[rounds->n_trials++];

	assert_true(
	    rounds->n_trials < SCENE_ROOM && rounds->s.n_conns < SCENE_ROOM);
	sn->arm = kind == TRIAL_CONTROL || kind == TRIAL_CONTROL_BURST
	    ? ARM_CONTROL
	    : ARM_TRIGGER;
	sn->local = sc->sw->client;
	sn->local.port = (uint16_t)(40001 + rounds->s.n_conns);
	sn->tcb.client_ttl = 64;
	sn->tcb.server_ttl = 58;
	sn->tcb.server_ip_id = 23403;
	sn->tcb.has_server_mac = true;
	memcpy(sn->tcb.server_mac, sw_router_mac, ADDR_MAC);
	t->kind = kind;
	t->state = state;
	t->conn = (int)rounds->s.n_conns++;
	t->first_probe = rounds->s.n_probes;
	t->n_probes = n;
	return t;
}

static inline struct probe *
scene_add_probe(struct scene *sc, const struct trial *t, int ttl)
{
	struct probe *p = &sc->r.s.probes[sc->r.s.n_probes++];

	assert_true(sc->r.s.n_probes < SCENE_ROOM);
	p->kind = t->kind == TRIAL_BURST || t->kind == TRIAL_CONTROL_BURST
	    ? PROBE_SHOT
	    : PROBE_FULL;
	p->conn = t->conn;
	p->ttl = (uint8_t)ttl;
	p->ip_id = 13052;
	p->sent_ns = 100 * CLOCK_S;
	p->plain = t->plain;
	return p;
}

/* A reset that the last probe drew. */
static inline struct seen_reset *
scene_add_reset(struct scene *sc, int rst_ttl, int64_t latency_ns)
{
	struct session *s = &sc->r.s;
	struct probe *p = &s->probes[s->n_probes - 1];
	struct seen_reset *r = &s->resets[s->n_resets++];

	assert_true(s->n_resets < SCENE_ROOM);
	p->drew_reset = true;
	p->rst_ttl = (uint8_t)rst_ttl;
	p->drew_ns = p->sent_ns + latency_ns;
	r->conn = p->conn;
	r->probe = (int)s->n_probes - 1;
	r->at_ns = p->drew_ns;
	r->facts.ttl = (uint8_t)rst_ttl;
	r->facts.has_ip_id = true;
	r->facts.ip_id = 777;
	r->facts.probe_ttl = p->ttl;
	r->facts.latency_ns = latency_ns;
	r->facts.has_mac = true;
	memcpy(r->facts.mac, sw_router_mac, ADDR_MAC);
	s->conns[p->conn].resets++;
	return r;
}

/* n trials at full TTL of which k drew a reset. */
static inline void
scene_add_arm(
    struct scene *sc, enum trial_kind kind, unsigned int k, unsigned int n)
{
	struct trial *t;

	for (unsigned int i = 0; i < n; i++) {
		t = scene_add_trial(sc, kind, TRIAL_SETTLED, 1);
		scene_add_probe(sc, t, 64);
		if (i < k)
			scene_add_reset(sc, 62, CLOCK_MS);
	}
}

/* A burst whose copies with TTL `from` and more drew resets; 0: none did. */
static inline void
scene_add_burst(struct scene *sc, int from, int rst_ttl, bool te)
{
	struct trial *t =
	    scene_add_trial(sc, TRIAL_BURST, TRIAL_SETTLED, SCENE_HOPS - 1);
	struct probe *p;

	for (int i = 1; i < SCENE_HOPS; i++) {
		p = scene_add_probe(sc, t, i);
		if (from != 0 && i >= from) {
			scene_add_reset(sc, rst_ttl, CLOCK_MS);
			p->te = te;
		} else {
			p->te = true;
		}
	}
}

/* Bursts that drew nothing, as many copies as came back as time-exceeded. */
static inline void
scene_add_silent(struct scene *sc, bool plain, int n)
{
	while (n-- > 0) {
		scene_add_burst(sc, 0, 0, true);
		sc->r.trials[sc->r.n_trials - 1].plain = plain;
	}
}

static inline void
assert_near(double a, double b, double eps)
{
	if (!(fabs(a - b) <= eps))
		fail_msg("%.9g is not %.9g", a, b);
}

static inline const struct reason *
scene_find_reason(const struct scene *sc, const char *code)
{
	const struct reasons *rs = &sc->out.verdict.reasons;

	for (size_t i = 0; i < rs->n; i++)
		if (strcmp(rs->r[i].code, code) == 0)
			return &rs->r[i];
	return NULL;
}

static inline void
scene_assert_reason(const struct scene *sc, const char *code, const char *words)
{
	const struct reason *r = scene_find_reason(sc, code);
	const char *text = r != NULL ? r->text : "";

	if (r == NULL)
		fail_msg("no reason %s", code);
	if (strstr(text, words) == NULL)
		fail_msg(
		    "%s: \"%s\" says nothing of \"%s\"", code, text, words);
}

static inline void
scene_fill_figures(struct scene *sc)
{
	assert_int_equal(figures_fill(&sc->r, &sc->out, &sc->f), 0);
}

/* The figures, then the verdict, as at the end of a campaign. */
static inline void
scene_judge(struct scene *sc)
{
	scene_fill_figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
}

static inline void
assert_addr(const struct addr *a, const char *want)
{
	char text[ADDR_TEXT];

	assert_string_equal(addr_is_none(a) ? "" : addr_format(a, text), want);
}

/* A device for sure at hop h. */
static inline void
scene_set_device(struct scene *sc, int h, double wire, double router)
{
	struct infer_posterior *p = &sc->b.post;
	int t = wire > router ? h : h + 1;

	memset(p, 0, sizeof(*p));
	p->at[h][PLACE_WIRE] = wire;
	p->at[h][PLACE_ROUTER] = router;
	p->hop[h] = wire + router;
	p->best_hop = h;
	p->best_threshold = t;
	p->threshold = wire > router ? wire : router;
	p->cause[INFER_DEVICE] = 0.999;
	p->cause[INFER_SERVER] = 0.001;
	p->drops = 0.5;
}

/* Three triggers reset, and the response to blame. */
static inline struct scene *
scene_new_response(int rst_ttl)
{
	struct scene *sc = scene_new();

	scene_add_arm(sc, TRIAL_FULL, 3, 3);
	scene_add_arm(sc, TRIAL_CONTROL, 0, 3);
	scene_add_burst(sc, 0, 0, true);
	for (size_t i = 0; i < sc->r.s.n_resets; i++)
		sc->r.s.resets[i].facts.ttl = (uint8_t)rst_ttl;
	for (int h = 1; h <= INFER_MAX_HOPS; h++)
		sc->b.path.traversed[h] = h <= SCENE_HOPS ? h - 1 : -1;
	sc->b.post.cause[INFER_DEVICE] = 0.02;
	sc->b.post.cause[INFER_SERVER] = 0.02;
	sc->b.post.cause[INFER_RESPONSE] = 0.96;
	return sc;
}

static inline void
scene_update(struct scene *sc, bool assume)
{
	rounds_conclude_path(&sc->r);
	assert_int_equal(belief_update(&sc->b, &sc->r, assume, &sc->f), 0);
}

#endif
