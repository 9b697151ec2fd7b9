/*
 * verdict: the figures of a campaign, and what is made of its posterior.  The
 * campaigns are written down by hand; so are most posteriors.
 */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/belief.h>
#include <rsthop/block.h>
#include <rsthop/clock.h>
#include <rsthop/control.h>
#include <rsthop/figures.h>
#include <rsthop/locate.h>
#include <rsthop/run.h>
#include <rsthop/verdict.h>
#include <rsthop/verdict_reasons.h>

#include "proves.h"
#include "scripted_world.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))
#define HOPS	7
#define ROOM	128 /* trials, probes, resets of a case */

struct scene {
	struct rounds r;
	struct belief b;
	struct sw *sw;
	struct locate_ask ask;
	struct locate_result out;
	struct fault f;
};

/* Six routers, 10.9.0.2 … 10.9.5.2, and the server as the seventh. */
static void
fill_path(struct path *p, const struct sw *sw)
{
	struct path_responder *r;

	p->n_hops = p->server_hops = HOPS;
	p->distance = PATH_DISTANCE_PROBE;
	p->server_ttl = 58;
	p->server_rtt_ns = 20 * CLOCK_MS;
	for (int i = 0; i < HOPS; i++) {
		r = &p->hops[i].responders[0];
		p->hops[i].ttl = (uint8_t)(i + 1);
		p->hops[i].asked = p->hops[i].answered = 2;
		p->hops[i].n_responders = 1;
		r->addr = (struct addr){4, {10, 9, (uint8_t)i, 2}};
		r->reply_ttl = (uint8_t)(64 - i);
		r->replies = 2;
	}
	p->hops[HOPS - 1].is_server = true;
	p->hops[HOPS - 1].responders[0].addr = sw->server.addr;
}

static struct scene *
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
	fill_path(&sc->out.path, sc->sw);
	rounds->tracing.s = &rounds->s;
	rounds->tracing.conn = -1;
	sc->b.path.hops = HOPS;
	rounds->trials = calloc(ROOM, sizeof(*rounds->trials));
	rounds->s.conns = calloc(ROOM, sizeof(*rounds->s.conns));
	rounds->s.probes = calloc(ROOM, sizeof(*rounds->s.probes));
	rounds->s.resets = calloc(ROOM, sizeof(*rounds->s.resets));
	rounds->s.cap_conns = rounds->s.cap_probes = rounds->s.cap_resets =
	    ROOM;
	assert_true(rounds->trials != NULL && rounds->s.conns != NULL &&
	    rounds->s.probes != NULL && rounds->s.resets != NULL);
	return sc;
}

static void
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
static struct trial *
add_trial(
    struct scene *sc, enum trial_kind kind, enum trial_state state, size_t n)
{
	struct rounds *rounds = &sc->r;
	struct session_conn *sn = &rounds->s.conns[rounds->s.n_conns];
	struct trial *t = &rounds->trials[rounds->n_trials++];

	assert_true(rounds->n_trials < ROOM && rounds->s.n_conns < ROOM);
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

static struct probe *
add_probe(struct scene *sc, const struct trial *t, int ttl)
{
	struct probe *p = &sc->r.s.probes[sc->r.s.n_probes++];

	assert_true(sc->r.s.n_probes < ROOM);
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

/* A reset that the last probe fired. */
static struct seen_reset *
add_reset(struct scene *sc, int rst_ttl, int64_t latency_ns)
{
	struct session *s = &sc->r.s;
	struct probe *p = &s->probes[s->n_probes - 1];
	struct seen_reset *r = &s->resets[s->n_resets++];

	assert_true(s->n_resets < ROOM);
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
static void
add_arm(struct scene *sc, enum trial_kind kind, unsigned int k, unsigned int n)
{
	struct trial *t;

	for (unsigned int i = 0; i < n; i++) {
		t = add_trial(sc, kind, TRIAL_SETTLED, 1);
		add_probe(sc, t, 64);
		if (i < k)
			add_reset(sc, 62, CLOCK_MS);
	}
}

/* A burst whose copies with TTL `from` and more fired; 0: none. */
static void
add_burst(struct scene *sc, int from, int rst_ttl, bool te)
{
	struct trial *t = add_trial(sc, TRIAL_BURST, TRIAL_SETTLED, HOPS - 1);
	struct probe *p;

	for (int i = 1; i < HOPS; i++) {
		p = add_probe(sc, t, i);
		if (from != 0 && i >= from) {
			add_reset(sc, rst_ttl, CLOCK_MS);
			p->te = te;
		} else {
			p->te = true;
		}
	}
}

/* Bursts that drew nothing, as many copies as came back as time-exceeded. */
static void
add_silent(struct scene *sc, bool plain, int n)
{
	while (n-- > 0) {
		add_burst(sc, 0, 0, true);
		sc->r.trials[sc->r.n_trials - 1].plain = plain;
	}
}

static void
near(double a, double b, double eps)
{
	if (!(fabs(a - b) <= eps))
		fail_msg("%.9g is not %.9g", a, b);
}

static const struct reason *
find_reason(const struct scene *sc, const char *code)
{
	const struct reasons *rs = &sc->out.verdict.reasons;

	for (size_t i = 0; i < rs->n; i++)
		if (strcmp(rs->r[i].code, code) == 0)
			return &rs->r[i];
	return NULL;
}

static void
assert_reason(const struct scene *sc, const char *code, const char *words)
{
	const struct reason *r = find_reason(sc, code);
	const char *text = r != NULL ? r->text : "";

	if (r == NULL)
		fail_msg("no reason %s", code);
	if (strstr(text, words) == NULL)
		fail_msg(
		    "%s: \"%s\" says nothing of \"%s\"", code, text, words);
}

static void
figures(struct scene *sc)
{
	assert_int_equal(figures_fill(&sc->r, &sc->out, &sc->f), 0);
}

static void
assert_addr(const struct addr *a, const char *want)
{
	char text[ADDR_TEXT];

	assert_string_equal(addr_is_none(a) ? "" : addr_format(a, text), want);
}

/* --- figures --- */

static void
test_rate(void **state)
{
	static const struct {
		unsigned int k, n;
		double rate, lo, hi;
	} rows[] = {
	    {4, 8, 0.5, 0.215216, 0.784784},
	    {0, 10, 0, 0, 0.277533},
	    {10, 10, 1, 0.722467, 1},
	    {1, 1, 1, 0.206549, 1},
	    {1, 40, 0.025, 0.004427, 0.128814},
	    {0, 0, 0, 0, 1},
	};
	struct scene *sc;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		sc = scene_new();
		add_arm(sc, TRIAL_FULL, rows[i].k, rows[i].n);
		figures(sc);
		assert_int_equal(sc->out.reproduction.trials, rows[i].n);
		assert_int_equal(sc->out.reproduction.resets, rows[i].k);
		near(sc->out.reproduction.rate, rows[i].rate, 1e-12);
		near(sc->out.reproduction.rate_lo, rows[i].lo, 1e-6);
		near(sc->out.reproduction.rate_hi, rows[i].hi, 1e-6);
		scene_free(sc);
	}
}

static void
test_p_value(void **state)
{
	static const struct {
		unsigned int k, n, ck, cn;
		double p;
	} rows[] = {
	    {4, 8, 0, 8, 0.038461538},
	    {3, 3, 0, 3, 0.05},
	    {1, 1, 0, 1, 0.5},
	    {10, 20, 2, 20, 0.006907074},
	    {5, 5, 1, 7, 0.007575758},
	    {1, 40, 0, 40, 0.5},
	    {8, 8, 8, 8, 1},
	    {0, 8, 3, 8, 1},
	    {0, 8, 0, 8, 1},
	    {4, 8, 0, 0, -1},
	    {0, 0, 0, 8, -1},
	};
	struct scene *sc;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		sc = scene_new();
		add_arm(sc, TRIAL_FULL, rows[i].k, rows[i].n);
		add_arm(sc, TRIAL_CONTROL, rows[i].ck, rows[i].cn);
		figures(sc);
		assert_int_equal(
		    sc->out.reproduction.control_trials, rows[i].cn);
		assert_int_equal(
		    sc->out.reproduction.control_resets, rows[i].ck);
		near(sc->out.reproduction.p_value, rows[i].p, 1e-8);
		scene_free(sc);
	}
}

/* Trials that were never sent are none. */
static void
test_what_counts(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 1, 2);
	add_trial(sc, TRIAL_FULL, TRIAL_FAILED, 0);
	add_trial(sc, TRIAL_FULL, TRIAL_SPOILED, 0);
	add_trial(sc, TRIAL_FULL, TRIAL_OPENING, 0);
	add_trial(sc, TRIAL_FULL, TRIAL_SENT, 0);
	add_burst(sc, 4, 62, true);
	figures(sc);
	assert_int_equal(sc->out.reproduction.trials, 3);
	assert_int_equal(sc->out.reproduction.resets, 1);
	scene_free(sc);
}

static void
test_by_ttl(void **state)
{
	struct scene *sc = scene_new();
	const struct result_by_ttl *by = sc->out.by_ttl;

	(void)state;
	add_arm(sc, TRIAL_FULL, 1, 1);
	add_burst(sc, 5, 60, true);
	add_burst(sc, 4, 60, true);
	add_burst(sc, 0, 0, true);
	figures(sc);
	assert_int_equal(sc->out.threshold_ttl, 4);
	assert_int_equal(sc->out.n_by_ttl, 6);
	for (int i = 1; i <= 6; i++) {
		assert_int_equal(by[i - 1].ttl, i);
		assert_int_equal(by[i - 1].trials, 3);
		assert_int_equal(by[i - 1].resets, i < 4 ? 0 : i == 4 ? 1 : 2);
	}
	assert_int_equal(sc->out.n_resets, 6);
	scene_free(sc);
}

/*
 * Control bursts make the trigger's bursts count, each kind by itself; but
 * they are no shots of the trigger.
 */
static void
test_control_bursts(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 1, 4);
	add_arm(sc, TRIAL_CONTROL, 0, 3);
	for (size_t i = 0; i < 4; i++)
		add_burst(sc, 4, 60, true);
	figures(sc);
	near(sc->out.reproduction.p_value, 4.0 / 7, 1e-9);
	locate_result_free(&sc->out);
	sc->out.n_by_ttl = 0;
	for (size_t i = 0; i < 3; i++) {
		add_burst(sc, 0, 0, true);
		sc->r.trials[sc->r.n_trials - 1].kind = TRIAL_CONTROL_BURST;
		sc->r.s.conns[sc->r.s.n_conns - 1].arm = ARM_CONTROL;
	}
	figures(sc);
	near(sc->out.reproduction.p_value, 4.0 / 7 / 35, 1e-9);
	assert_int_equal(sc->out.reproduction.burst_trials, 4);
	assert_int_equal(sc->out.reproduction.burst_resets, 4);
	assert_int_equal(sc->out.reproduction.control_burst_trials, 3);
	assert_int_equal(sc->out.reproduction.control_burst_resets, 0);
	assert_int_equal(sc->out.by_ttl[0].trials, 4);
	assert_int_equal(sc->out.by_ttl[5].resets, 4);
	near(sc->out.by_ttl[5].rate, 1, 1e-12);
	near(sc->out.by_ttl[5].rate_lo, 0.5101, 1e-4);
	near(sc->out.by_ttl[0].rate_hi, 0.4899, 1e-4);
	scene_free(sc);
}

/* The median of what is known; the server's own and late ones are none. */
static void
test_latency(void **state)
{
	static const int64_t ms[] = {9, 1, 5};
	struct scene *sc = scene_new();
	struct trial *t;

	(void)state;
	figures(sc);
	assert_true(sc->out.reproduction.latency_ns == -1);
	for (size_t i = 0; i < 6; i++) {
		t = add_trial(sc, TRIAL_FULL, TRIAL_SETTLED, 1);
		add_probe(sc, t, 64);
		add_reset(sc, 62, i < 3 ? ms[i] * CLOCK_MS : CLOCK_S);
	}
	sc->r.s.resets[3].answers_alive = true;
	sc->r.s.resets[4].late = true;
	sc->r.s.resets[5].facts.latency_ns = -1;
	figures(sc);
	assert_int_equal(sc->out.n_resets, 4);
	assert_true(sc->out.reproduction.latency_ns == 5 * CLOCK_MS);
	scene_free(sc);
}

/* --- verdicts --- */

/* A device for sure at hop h. */
static void
set_device(struct scene *sc, int h, double wire, double router)
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

static void
test_device(void **state)
{
	struct scene *sc = scene_new();
	struct locate_result *o = &sc->out;

	(void)state;
	add_arm(sc, TRIAL_CONTROL, 0, 3);
	add_arm(sc, TRIAL_FULL, 2, 3);
	add_burst(sc, 4, 62, false);
	set_device(sc, 3, 0.01, 0.965);
	sc->b.post.at[4][PLACE_WIRE] = sc->b.post.hop[4] = 0.02;
	sc->b.post.at[5][PLACE_WIRE] = sc->b.post.hop[5] = 0.004;
	sc->b.post.drops = 0.97;
	sc->b.post.policy[TTL_POLICY_FIXED] = 0.95;
	sc->b.post.initial[64] = 0.94;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(o->verdict.kind, RESULT_MIDDLEBOX);
	assert_int_equal(o->verdict.forged, RESULT_YES);
	assert_int_equal(o->verdict.hop, 3);
	assert_int_equal(o->verdict.place, PLACE_ROUTER);
	near(o->verdict.confidence, 0.975, 1e-12);
	assert_addr(&o->verdict.address, "10.9.2.2");
	assert_addr(&o->verdict.between[0], "10.9.1.2");
	assert_addr(&o->verdict.between[1], "10.9.3.2");
	assert_int_equal(o->verdict.in_path, RESULT_YES);
	assert_int_equal(o->verdict.policy, TTL_POLICY_FIXED);
	assert_int_equal(o->verdict.initial_ttl, 64);
	assert_int_equal(o->verdict.resets_server_too, RESULT_UNSURE);
	assert_int_equal(locate_exit_status(o), 0);
	/* The rest that is worth a line, most probable first. */
	assert_int_equal(o->verdict.n_alternatives, 2);
	assert_int_equal(o->verdict.alternatives[0].hop, 4);
	assert_int_equal(o->verdict.alternatives[0].place, PLACE_WIRE);
	assert_int_equal(o->verdict.alternatives[1].hop, 3);
	near(o->verdict.alternatives[1].probability, 0.01, 1e-12);
	assert_reason(sc, "threshold", "TTL 4 and more fired it, 3 of 3");
	assert_reason(sc, "threshold", "never did, 0 of 3");
	assert_reason(sc, "ttl-distance", "62: 64 less the 2 routers");
	assert_reason(sc, "ttl-differs", "the server's own packets with 58");
	assert_reason(sc, "in-path-silent", "0 of 3");
	assert_reason(sc, "control-clean", "0 of 3");
	assert_reason(sc, "faster-than-path", "the server is 20.0 ms away");
	assert_null(find_reason(sc, "ip-id-echo"));
	assert_non_null(strstr(o->verdict.next[0], "Ask who runs 10.9.2.2"));
	assert_non_null(strstr(o->verdict.next[0], "10.9.6.2:3306"));
	scene_free(sc);
}

/* Its hop is sure, its place there is not. */
static void
test_place_unsure(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 1, 1);
	set_device(sc, 3, 0.5, 0.46);
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.hop, 3);
	assert_int_equal(sc->out.verdict.place, PLACE_UNKNOWN);
	assert_int_equal(sc->out.verdict.n_alternatives, 0);
	assert_int_equal(sc->out.verdict.in_path, RESULT_UNSURE);
	assert_int_equal(sc->out.verdict.policy, TTL_POLICY_UNKNOWN);
	scene_free(sc);
}

/* A silent hop still counts: named by its neighbours. */
static void
test_silent_device(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	sc->out.path.hops[2].n_responders = 0;
	sc->out.path.hops[3].n_responders = 0;
	add_arm(sc, TRIAL_FULL, 1, 1);
	set_device(sc, 3, 0.99, 0);
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.hop, 3);
	assert_addr(&sc->out.verdict.address, "");
	assert_addr(&sc->out.verdict.between[0], "10.9.1.2");
	assert_addr(&sc->out.verdict.between[1], "10.9.4.2");
	assert_non_null(strstr(sc->out.verdict.next[0],
	    "the segment between 10.9.1.2 and 10.9.4.2"));
	scene_free(sc);
}

/* Two routers share a hop: the one that the flows which were reset saw. */
static void
share_hop(struct scene *sc, int hop)
{
	struct path_hop *h = &sc->out.path.hops[hop - 1];

	h->n_responders = 2;
	h->responders[0].replies = 9;
	h->responders[1] = h->responders[0];
	h->responders[1].addr.b[3] = 3;
	h->responders[1].replies = 1;
}

/* A time-exceeded for the trial's probe of this TTL, from 10.9.x.last. */
static void
answer_from(struct scene *sc, const struct trial *t, int ttl, uint8_t last)
{
	struct probe *p = &sc->r.s.probes[t->first_probe + (size_t)ttl - 1];

	p->te = true;
	p->from = (struct addr){4, {10, 9, (uint8_t)(ttl - 1), last}};
}

static void
test_shared_hop(void **state)
{
	struct scene *sc;

	(void)state;
	for (int drew = 0; drew < 2; drew++) {
		sc = scene_new();
		share_hop(sc, 2);
		share_hop(sc, 3);
		add_arm(sc, TRIAL_FULL, 1, 1);
		/* Three flows by way of .2, which nobody resets. */
		add_silent(sc, true, 3);
		for (int i = 0; i < 3; i++) {
			answer_from(sc, &sc->r.trials[1 + i], 2, 2);
			answer_from(sc, &sc->r.trials[1 + i], 3, 2);
		}
		add_burst(sc, drew != 0 ? 4 : 0, 62, false);
		answer_from(sc, &sc->r.trials[4], 2, 3);
		answer_from(sc, &sc->r.trials[4], 3, 3);
		set_device(sc, 3, 0, 0.99);
		figures(sc);
		assert_int_equal(
		    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f),
		    0);
		/* Silent flows went by both: then neither is named. */
		assert_addr(
		    &sc->out.verdict.address, drew != 0 ? "10.9.2.3" : "");
		assert_addr(&sc->out.verdict.between[0],
		    drew != 0 ? "10.9.1.3" : "10.9.0.2");
		scene_free(sc);
	}
}

/*
 * The way of the port that the sweep kept to counts more than what is silent.
 */
static void
test_swept_hop(void **state)
{
	struct scene *sc = scene_new();
	struct result_sweep *w = &sc->out.sweep;

	(void)state;
	share_hop(sc, 3);
	add_arm(sc, TRIAL_FULL, 1, 1);
	set_device(sc, 3, 0, 0.99);
	w->n_ports = 2;
	w->firing = RESULT_SWEEP_BY_FLOW;
	w->ports[0].port = 40001;
	w->ports[1].port = 40002;
	w->ports[0].n_path = w->ports[1].n_path = 1;
	w->ports[0].path[0] = (struct result_port_hop){3, {4, {10, 9, 2, 2}}};
	w->ports[1].path[0] = (struct result_port_hop){3, {4, {10, 9, 2, 3}}};
	w->ports[1].resets = 3;
	sc->r.src_port = 40002;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_addr(&sc->out.verdict.address, "10.9.2.3");
	assert_int_equal(sc->out.verdict.firing, RESULT_FIRING_PER_FLOW);
	assert_reason(sc, "fires-per-flow", "1 of 2 source ports");
	scene_free(sc);
}

/* At the ends, the client and the server are the neighbours. */
static void
test_neighbours_at_the_ends(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 1, 1);
	set_device(sc, 1, 0, 0.99);
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_addr(&sc->out.verdict.between[0], "10.9.0.1");
	assert_addr(&sc->out.verdict.between[1], "10.9.1.2");
	scene_free(sc);
	sc = scene_new();
	add_arm(sc, TRIAL_FULL, 1, 1);
	set_device(sc, HOPS, 0.99, 0);
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_addr(&sc->out.verdict.address, "10.9.6.2");
	assert_addr(&sc->out.verdict.between[0], "10.9.5.2");
	scene_free(sc);
}

static void
test_copier(void **state)
{
	struct scene *sc = scene_new();
	struct seen_reset *r;
	struct trial *t;

	(void)state;
	t = add_trial(sc, TRIAL_FULL, TRIAL_SETTLED, 1);
	add_probe(sc, t, 64);
	r = add_reset(sc, 63, CLOCK_MS);
	r->facts.ip_id = 13052;
	r->facts.id_echoed = true;
	add_burst(sc, 2, 1, false);
	set_device(sc, 1, 0, 0.99);
	sc->b.post.policy[TTL_POLICY_COPIED] = 0.99;
	sc->r.s.conns[1].quoted_reset = true;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.policy, TTL_POLICY_COPIED);
	assert_int_equal(sc->out.verdict.resets_server_too, RESULT_YES);
	assert_reason(sc, "ip-id-echo", "13052; the server's stood at 23403");
	assert_reason(sc, "ttl-follows-probe", "63 for a packet sent with 64");
	assert_reason(sc, "ttl-follows-probe", "1 for 2");
	assert_reason(sc, "quoted-reset", "both ends");
	scene_free(sc);
}

/* What the dice are rolled for is said where it is clear, and not else. */
static void
test_firing(void **state)
{
	static const struct {
		double dice[INFER_DICES];
		double rate;
		enum result_firing firing;
		const char *code, *words;
	} rows[] = {
	    {{0.94, 0.03, 0.03}, 0.31, RESULT_FIRING_PER_PACKET,
		"fires-per-packet", "about 3 of 10 packets"},
	    {{0.05, 0.03, 0.92}, 0.04, RESULT_FIRING_PER_PACKET,
		"fires-per-packet", "fewer than 1 of 10 packets"},
	    {{0.05, 0.03, 0.92}, 0.5, RESULT_FIRING_PER_PACKET,
		"fires-per-packet", "until one of the connection has"},
	    {{0.02, 0.97, 0.01}, 0.5, RESULT_FIRING_PER_CONNECTION,
		"fires-per-connection", "about 5 of 10 connections"},
	    {{0.55, 0.25, 0.2}, 0.99, RESULT_FIRING_UNKNOWN, NULL, NULL},
	};
	struct scene *sc;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		sc = scene_new();
		add_arm(sc, TRIAL_FULL, 1, 3);
		add_burst(sc, 4, 61, false);
		set_device(sc, 4, 0.99, 0);
		memcpy(sc->b.post.dice, rows[i].dice, sizeof(rows[i].dice));
		sc->b.post.rate = rows[i].rate;
		figures(sc);
		assert_int_equal(
		    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f),
		    0);
		assert_int_equal(sc->out.verdict.firing, rows[i].firing);
		if (rows[i].code != NULL)
			assert_reason(sc, rows[i].code, rows[i].words);
		else
			assert_null(find_reason(sc, "fires-per-packet"));
		scene_free(sc);
	}
}

static void
test_on_path(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 1, 1);
	add_burst(sc, 4, 61, true);
	set_device(sc, 4, 0.99, 0);
	sc->b.post.drops = 0.03;
	sc->b.post.policy[TTL_POLICY_ARBITRARY] = 0.9;
	sc->r.s.conns[0].server_alive = RESULT_YES;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.in_path, RESULT_NO);
	assert_int_equal(sc->out.verdict.resets_server_too, RESULT_NO);
	assert_int_equal(sc->out.verdict.policy, TTL_POLICY_ARBITRARY);
	assert_reason(sc, "on-path-answered", "3 of 3");
	assert_reason(sc, "server-still-open", "still held the connection");
	assert_reason(sc, "ttl-unusable", "only the threshold locates");
	scene_free(sc);
}

static void
test_server(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 3, 3);
	add_arm(sc, TRIAL_CONTROL, 1, 3);
	add_burst(sc, 0, 0, true);
	set_device(sc, 6, 0, 0.04);
	sc->r.s.resets[0].facts.ttl = 58;
	sc->r.s.resets[0].facts.ip_id = 0;
	sc->r.s.conns[0].server_alive = RESULT_NO;
	sc->b.post.cause[INFER_DEVICE] = 0.04;
	sc->b.post.cause[INFER_SERVER] = 0.95;
	sc->b.post.cause[INFER_RESPONSE] = 0.01;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_SERVER);
	assert_int_equal(sc->out.verdict.forged, RESULT_NO);
	assert_int_equal(sc->out.verdict.hop, 0);
	near(sc->out.verdict.confidence, 0.95, 1e-12);
	assert_int_equal(locate_exit_status(&sc->out), 1);
	assert_int_equal(sc->out.verdict.alternatives[0].hop, 6);
	assert_int_equal(
	    sc->out.verdict.alternatives[1].kind, RESULT_RESPONSE_TRIGGERED);
	assert_reason(sc, "fires-at-server-only", "None of 6 probes");
	assert_reason(sc, "ttl-matches", "58");
	assert_reason(sc, "ip-id-zero", "IP ID 0");
	assert_reason(sc, "server-closed-too", "did not know");
	assert_reason(sc, "control-fires", "1 of 3");
	assert_non_null(
	    strstr(sc->out.verdict.next[0], "the log of the server"));
	scene_free(sc);
}

/*
 * After the first firing everything is reset, controls too: no reset tells
 * what fired it, unless by a tag.
 */
static void
test_residual_block(void **state)
{
	struct scene *sc;
	struct seen_reset *r;

	(void)state;
	for (int tagged = 0; tagged < 2; tagged++) {
		sc = scene_new();
		add_arm(sc, TRIAL_FULL, 2, 2);
		add_arm(sc, TRIAL_CONTROL, 2, 2);
		add_burst(sc, 4, 62, false);
		for (size_t i = 0; i < sc->r.s.n_resets; i++) {
			r = &sc->r.s.resets[i];
			r->at_ns += (int64_t)i * CLOCK_S;
			r->facts.control =
			    sc->r.s.conns[r->conn].arm == ARM_CONTROL;
			r->facts.seq_match = i >= 4 && tagged != 0
			    ? RESULT_SEQ_TAG
			    : RESULT_SEQ_EXACT;
		}
		set_device(sc, 3, 0, 0.99);
		sc->b.clues.blocked = block_is_on(&sc->r);
		figures(sc);
		assert_int_equal(
		    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f),
		    0);
		assert_int_equal(sc->out.verdict.kind,
		    tagged != 0 ? RESULT_MIDDLEBOX : RESULT_UNDETERMINED);
		assert_int_equal(sc->out.verdict.hop, tagged != 0 ? 3 : 0);
		assert_int_equal(sc->out.notes.n, !tagged);
		if (tagged == 0)
			assert_non_null(
			    strstr(sc->out.notes.text[0], "--cooldown"));
		scene_free(sc);
	}
}

static void
test_response(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 3, 3);
	set_device(sc, 6, 0, 0.04);
	sc->b.post.cause[INFER_DEVICE] = 0.04;
	sc->b.post.cause[INFER_RESPONSE] = 0.95;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_RESPONSE_TRIGGERED);
	assert_int_equal(sc->out.verdict.forged, RESULT_YES);
	assert_int_equal(locate_exit_status(&sc->out), 1);
	assert_true(sc->out.verdict.next[0][0] != '\0');
	scene_free(sc);
}

/* Three triggers reset, and the response to blame. */
static struct scene *
response_scene(int rst_ttl)
{
	struct scene *sc = scene_new();

	add_arm(sc, TRIAL_FULL, 3, 3);
	add_arm(sc, TRIAL_CONTROL, 0, 3);
	add_burst(sc, 0, 0, true);
	for (size_t i = 0; i < sc->r.s.n_resets; i++)
		sc->r.s.resets[i].facts.ttl = (uint8_t)rst_ttl;
	for (int h = 1; h <= INFER_MAX_HOPS; h++)
		sc->b.path.traversed[h] = h <= HOPS ? h - 1 : -1;
	sc->b.post.cause[INFER_DEVICE] = 0.02;
	sc->b.post.cause[INFER_SERVER] = 0.02;
	sc->b.post.cause[INFER_RESPONSE] = 0.96;
	return sc;
}

/* The hop that an alternative names for the device the answer fires; 0. */
static int
response_hop(const struct scene *sc, double *probability)
{
	const struct result_alternative *a;

	for (size_t i = 0; i < sc->out.verdict.n_alternatives; i++) {
		a = &sc->out.verdict.alternatives[i];
		if (a->kind != RESULT_RESPONSE_TRIGGERED || a->hop == 0)
			continue;
		*probability = a->probability;
		return a->hop;
	}
	return 0;
}

/* A hop for each usual initial TTL that fits the path, on trust. */
static void
test_response_hops(void **state)
{
	static const struct {
		int ttl, hop;
		const char *words;
	} rows[] = {
	    {62, 3, "hop 3, had it made the reset with TTL 64"},
	    {125, 4, "hop 4, had it made the reset with TTL 128"},
	    {255, 1, "hop 1, had it made the reset with TTL 255"},
	    {58, 0, NULL},  /* the server's own */
	    {100, 0, NULL}, /* beyond the path, whatever it was made with */
	};
	struct scene *sc;
	double p = 0;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		sc = response_scene(rows[i].ttl);
		figures(sc);
		assert_int_equal(
		    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f),
		    0);
		assert_int_equal(sc->out.verdict.hop, 0);
		assert_int_equal(response_hop(sc, &p), rows[i].hop);
		assert_reason(sc, "response-triggered", "the server's answer");
		if (rows[i].hop == 0) {
			assert_null(find_reason(sc, "return-distance"));
		} else {
			assert_reason(sc, "return-distance", rows[i].words);
			near(p, 0.48, 1e-9);
		}
		scene_free(sc);
	}
}

/* The way back has two routers more from hop 3 on; TTLs that differ. */
static void
test_response_ways(void **state)
{
	struct scene *sc = response_scene(60);
	double p;

	(void)state;
	for (int h = 3; h <= HOPS; h++)
		sc->b.path.traversed[h] = h + 1;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(response_hop(sc, &p), 3);
	scene_free(sc);
	sc = response_scene(60);
	sc->r.s.resets[1].facts.ttl = 61;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(response_hop(sc, &p), 0);
	scene_free(sc);
	/* The server's own TTL, although a hop would fit it too. */
	sc = response_scene(62);
	sc->out.path.server_ttl = 62;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(response_hop(sc, &p), 0);
	scene_free(sc);
}

/* All that the answer should have had: no hop, and the reason why. */
static void
test_rewritten(void **state)
{
	struct scene *sc;
	double p;

	(void)state;
	for (int server = 0; server < 2; server++) {
		sc = response_scene(58);
		sc->b.id_follow = 3;
		sc->r.s.conns[3].tcb.answer_ns = CLOCK_S;
		if (server != 0) {
			sc->b.post.cause[INFER_SERVER] = 0.95;
			sc->b.post.cause[INFER_RESPONSE] = 0.03;
		}
		figures(sc);
		assert_int_equal(
		    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f),
		    0);
		assert_int_equal(response_hop(sc, &p), 0);
		if (server != 0)
			assert_reason(
			    sc, "rewriting-possible", "look the same");
		else
			assert_reason(sc, "response-rewritten",
			    "tells nothing of the place");
		assert_int_equal(
		    find_reason(sc, "response-rewritten") == NULL, server);
		scene_free(sc);
	}
}

static void
test_not_reproduced(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 0, 40);
	set_device(sc, 6, 0.02, 0.04);
	sc->b.post.cause[INFER_NOTHING] = 0.9;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_NOT_REPRODUCED);
	assert_int_equal(sc->out.verdict.hop, 0);
	assert_int_equal(locate_exit_status(&sc->out), 1);
	assert_int_equal(sc->out.verdict.n_alternatives, 0);
	assert_non_null(strstr(sc->out.verdict.next[1], "--rst-ttl"));
	scene_free(sc);
	/* Broken off midway, nothing is said of that. */
	sc = scene_new();
	add_arm(sc, TRIAL_FULL, 0, 2);
	sc->out.head.interrupted = SIGINT;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_UNDETERMINED);
	assert_int_equal(sc->out.verdict.forged, RESULT_UNSURE);
	assert_string_equal(sc->out.verdict.next[0], "Let it run to its end.");
	scene_free(sc);
}

/* A device for sure, its threshold too; which of two hops, nobody can say. */
static void
test_between_two(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 1, 1);
	add_burst(sc, 4, 62, true);
	set_device(sc, 3, 0, 0.5);
	sc->b.post.at[4][PLACE_WIRE] = sc->b.post.hop[4] = 0.49;
	sc->b.post.threshold = 0.99;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_UNDETERMINED);
	assert_int_equal(sc->out.verdict.forged, RESULT_YES);
	assert_int_equal(sc->out.verdict.hop, 0);
	assert_addr(&sc->out.verdict.between[0], "10.9.2.2");
	assert_addr(&sc->out.verdict.between[1], "10.9.3.2");
	assert_int_equal(sc->out.verdict.n_alternatives, 2);
	assert_non_null(strstr(
	    sc->out.verdict.next[0], "the wire before hop 4 look alike"));
	scene_free(sc);
}

static void
test_undetermined(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 1, 8);
	set_device(sc, 3, 0.2, 0.2);
	sc->b.post.cause[INFER_DEVICE] = 0.7;
	sc->b.post.cause[INFER_SERVER] = 0.3;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_UNDETERMINED);
	assert_int_equal(sc->out.verdict.forged, RESULT_UNSURE);
	assert_int_equal(sc->out.verdict.hop, 0);
	near(sc->out.verdict.confidence, 0.4, 1e-12);
	assert_int_equal(sc->out.verdict.n_alternatives, 3);
	assert_int_equal(sc->out.verdict.alternatives[0].kind, RESULT_SERVER);
	scene_free(sc);
}

/* More than are told: the most probable twelve, in order. */
static void
test_alternatives(void **state)
{
	struct scene *sc = scene_new();
	const struct result_alternative *a = sc->out.verdict.alternatives;

	(void)state;
	add_arm(sc, TRIAL_FULL, 1, 1);
	set_device(sc, 3, 0.2, 0.2);
	for (int h = 1; h <= HOPS; h++)
		for (int p = PLACE_WIRE; p < PLACES; p++)
			sc->b.post.at[h][p] = 0.01 * (2 * h + p - PLACE_WIRE);
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.n_alternatives, RESULT_ALTERNATIVES);
	for (int i = 0; i < RESULT_ALTERNATIVES; i++)
		near(a[i].probability, 0.01 * (15 - i), 1e-12);
	scene_free(sc);
}

/* --rst-ttl and the trace alone. */
static void
test_given(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	sc->ask.trigger = RESULT_TRIGGER_NONE;
	sc->ask.n_rst_ttls = sc->out.n_given_ttls = 1;
	sc->ask.rst_ttls[0] = sc->out.given_ttls[0] = 63;
	set_device(sc, 2, 0.37, 0.36);
	sc->b.post.at[1][PLACE_ROUTER] = sc->b.post.hop[1] = 0.2;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_MIDDLEBOX);
	assert_int_equal(sc->out.verdict.forged, RESULT_UNSURE);
	assert_int_equal(sc->out.verdict.hop, 2);
	near(sc->out.verdict.confidence, 0.73, 1e-12);
	assert_int_equal(sc->out.verdict.in_path, RESULT_UNSURE);
	/* The better place is named, the other one is the first of the rest. */
	assert_int_equal(sc->out.verdict.place, PLACE_WIRE);
	assert_int_equal(sc->out.verdict.n_alternatives, 2);
	assert_int_equal(sc->out.verdict.alternatives[0].hop, 2);
	assert_int_equal(sc->out.verdict.alternatives[0].place, PLACE_ROUTER);
	near(sc->out.verdict.alternatives[0].probability, 0.36, 1e-12);
	assert_int_equal(sc->out.verdict.alternatives[1].hop, 1);
	assert_reason(sc, "given-ttl", "TTL 63 was reported");
	assert_reason(sc, "given-ttl", "arrive with 58");
	scene_free(sc);
}

static void
test_given_servers(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	sc->ask.trigger = RESULT_TRIGGER_NONE;
	sc->ask.n_rst_ttls = sc->out.n_given_ttls = 1;
	sc->ask.rst_ttls[0] = sc->out.given_ttls[0] = 58;
	set_device(sc, 6, 0.01, 0.01);
	sc->b.post.cause[INFER_DEVICE] = 0.1;
	sc->b.post.cause[INFER_SERVER] = 0.9;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_SERVER);
	assert_int_equal(sc->out.verdict.hop, 0);
	assert_int_equal(sc->out.verdict.forged, RESULT_UNSURE);
	assert_int_equal(locate_exit_status(&sc->out), 1);
	scene_free(sc);
}

/* The user's own client, in n runs, k of which were reset, none forged. */
static struct scene *
scene_exec(unsigned int n, unsigned int k)
{
	struct scene *sc = scene_new();

	sc->ask.trigger = RESULT_TRIGGER_NONE;
	sc->out.exec_runs = n;
	sc->out.exec_resets = k;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	return sc;
}

static void
test_exec_silent(void **state)
{
	struct scene *sc = scene_exec(66, 0);

	(void)state;
	assert_int_equal(sc->out.verdict.kind, RESULT_NOT_REPRODUCED);
	assert_int_equal(sc->out.verdict.forged, RESULT_UNSURE);
	assert_int_equal(sc->out.verdict.hop, 0);
	near(sc->out.verdict.confidence, 67 / 68.0, 1e-12);
	assert_int_equal(locate_exit_status(&sc->out), 1);
	assert_null(strstr(sc->out.verdict.next[0], "--max-time"));
	scene_free(sc);
	/* Time ended the runs: more of it may help. */
	sc = scene_exec(3, 0);
	near(sc->out.verdict.confidence, 0.8, 1e-12);
	assert_non_null(strstr(sc->out.verdict.next[0], "--max-time"));
	scene_free(sc);
}

static void
test_exec_genuine(void **state)
{
	struct scene *sc = scene_exec(66, 2);

	(void)state;
	assert_int_equal(sc->out.verdict.kind, RESULT_SERVER);
	assert_int_equal(sc->out.verdict.forged, RESULT_NO);
	assert_int_equal(locate_exit_status(&sc->out), 1);
	scene_free(sc);
}

/* --- odds, and the reasons that have a part in them --- */

/* What a reason's weight must be: a class's, or none. */
struct weight_row {
	const char *code;
	double weight;
};

/* A weight that stands for one class, where odds are set by hand. */
#define WEIGHT_OF(e) ((double)(e) + 1)

/* The verdict's reasons, as if each class weighed its WEIGHT_OF. */
static void
fill_by_hand(struct scene *sc)
{
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_false(sc->out.verdict.has_odds);
	for (size_t i = 0; i < sc->out.verdict.reasons.n; i++)
		assert_true(sc->out.verdict.reasons.r[i].weight == 0);
	sc->out.verdict.reasons.n = 0;
	sc->out.verdict.has_odds = true;
	for (size_t e = 0; e < INFER_EVIDENCES; e++)
		sc->out.verdict.odds.weight[e] = WEIGHT_OF(e);
	verdict_fill_reasons(
	    &(struct verdict_basis){&sc->ask, &sc->r, &sc->b}, &sc->out);
}

/* These are all reasons, in this order; none has another's weight. */
static void
assert_weights(const struct scene *sc, const struct weight_row *rows, size_t n)
{
	const struct reasons *rs = &sc->out.verdict.reasons;

	for (size_t i = 0; i < rs->n && i < n; i++) {
		assert_string_equal(rs->r[i].code, rows[i].code);
		if (rs->r[i].weight != rows[i].weight)
			fail_msg("%s weighs %g", rows[i].code, rs->r[i].weight);
	}
	assert_int_equal(rs->n, n);
}

static void
test_weights_device(void **state)
{
	static const uint8_t stranger[ADDR_MAC] = {2, 0, 0, 0, 0, 9};
	static const struct weight_row rows[] = {
	    {"mac-differs", WEIGHT_OF(INFER_EVIDENCE_OWN_SEGMENT)},
	    {"ttl-distance", WEIGHT_OF(INFER_EVIDENCE_RESET_TTL)},
	    {"ttl-differs", 0},
	    {"threshold", WEIGHT_OF(INFER_EVIDENCE_SHOTS)},
	    {"distances-agree", 0},
	    {"faster-than-path", WEIGHT_OF(INFER_EVIDENCE_LATENCY)},
	    {"in-path-silent", WEIGHT_OF(INFER_EVIDENCE_TIME_EXCEEDED)},
	    {"data-after-reset", WEIGHT_OF(INFER_EVIDENCE_ANSWERS)},
	    {"trigger-acknowledged", 0},
	    {"ip-id-breaks-sequence", WEIGHT_OF(INFER_EVIDENCE_ID_STEPS)},
	    {"server-still-open", WEIGHT_OF(INFER_EVIDENCE_SERVER_SIDE)},
	    {"control-clean", 0},
	    {"given-ttl", WEIGHT_OF(INFER_EVIDENCE_GIVEN_TTL)},
	    {"given-ttl", 0},
	};
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_CONTROL, 0, 3);
	add_arm(sc, TRIAL_FULL, 2, 3);
	add_burst(sc, 4, 62, false);
	set_device(sc, 3, 0.01, 0.965);
	for (int h = 1; h <= HOPS; h++)
		sc->b.path.traversed[h] = h - 1;
	sc->b.post.drops = 0.97;
	sc->b.post.policy[TTL_POLICY_FIXED] = 0.95;
	sc->b.post.initial[64] = 0.94;
	sc->b.clues.own_segment = true;
	memcpy(sc->r.s.resets[0].facts.mac, stranger, ADDR_MAC);
	sc->b.answers = (struct infer_answers){.behind = 1, .acked = 1};
	sc->b.id_break = 1;
	sc->r.s.conns[0].server_alive = RESULT_YES;
	sc->out.n_given_ttls = 2;
	sc->out.given_ttls[0] = sc->out.given_ttls[1] = 62;
	fill_by_hand(sc);
	assert_weights(sc, rows, ROWS(rows));
	scene_free(sc);
}

/* One echo is a clue only where most resets echo. */
static void
test_weights_copier(void **state)
{
	(void)state;
	for (int echo = 0; echo < 2; echo++) {
		struct weight_row rows[] = {
		    {"ip-id-echo",
			echo == 1 ? WEIGHT_OF(INFER_EVIDENCE_ID_ECHO) : 0},
		    {"ttl-follows-probe", WEIGHT_OF(INFER_EVIDENCE_RESET_TTL)},
		    {"ttl-differs", 0},
		    {"threshold", WEIGHT_OF(INFER_EVIDENCE_SHOTS)},
		    {"distances-differ", 0},
		    {"faster-than-path", WEIGHT_OF(INFER_EVIDENCE_LATENCY)},
		    {"quoted-reset", 0},
		};
		struct scene *sc = scene_new();
		struct seen_reset *r;

		add_probe(sc, add_trial(sc, TRIAL_FULL, TRIAL_SETTLED, 1), 64);
		r = add_reset(sc, 63, CLOCK_MS);
		r->facts.id_echoed = true;
		sc->b.clues.echo = echo;
		add_burst(sc, 2, 1, false);
		set_device(sc, 1, 0, 0.99);
		sc->b.post.policy[TTL_POLICY_COPIED] = 0.99;
		sc->r.s.conns[1].quoted_reset = true;
		fill_by_hand(sc);
		assert_weights(sc, rows, ROWS(rows));
		scene_free(sc);
	}
}

static void
test_weights_on_path(void **state)
{
	static const struct weight_row rows[] = {
	    {"ttl-unusable", 0},
	    {"ttl-differs", WEIGHT_OF(INFER_EVIDENCE_RESET_TTL)},
	    {"threshold", WEIGHT_OF(INFER_EVIDENCE_SHOTS)},
	    {"faster-than-path", WEIGHT_OF(INFER_EVIDENCE_LATENCY)},
	    {"on-path-answered", WEIGHT_OF(INFER_EVIDENCE_TIME_EXCEEDED)},
	    {"trigger-acknowledged", WEIGHT_OF(INFER_EVIDENCE_ANSWERS)},
	};
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 1, 1);
	add_burst(sc, 4, 61, true);
	set_device(sc, 4, 0.99, 0);
	sc->b.path.traversed[4] = 3;
	sc->b.post.drops = 0.03;
	sc->b.post.policy[TTL_POLICY_ARBITRARY] = 0.9;
	sc->b.answers.acked = 1;
	fill_by_hand(sc);
	assert_weights(sc, rows, ROWS(rows));
	scene_free(sc);
}

static void
test_weights_server(void **state)
{
	static const struct weight_row rows[] = {
	    {"ip-id-zero", 0},
	    {"ttl-matches", WEIGHT_OF(INFER_EVIDENCE_RESET_TTL)},
	    {"fires-at-server-only", WEIGHT_OF(INFER_EVIDENCE_SHOTS)},
	    {"trigger-unacknowledged", WEIGHT_OF(INFER_EVIDENCE_ANSWERS)},
	    {"ip-id-continues", WEIGHT_OF(INFER_EVIDENCE_ID_STEPS)},
	    {"server-closed-too", WEIGHT_OF(INFER_EVIDENCE_SERVER_SIDE)},
	};
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 3, 3);
	add_burst(sc, 0, 0, true);
	set_device(sc, 6, 0, 0.04);
	for (size_t i = 0; i < 3; i++)
		sc->r.s.resets[i].facts.latency_ns = 30 * CLOCK_MS;
	sc->r.s.resets[0].facts.ttl = 58;
	sc->r.s.resets[0].facts.ip_id = 0;
	sc->r.s.conns[0].server_alive = RESULT_NO;
	sc->b.post.cause[INFER_DEVICE] = 0.04;
	sc->b.post.cause[INFER_SERVER] = 0.95;
	sc->b.answers.unacked = 3;
	sc->b.id_follow = 3;
	fill_by_hand(sc);
	assert_weights(sc, rows, ROWS(rows));
	scene_free(sc);
}

/* The response's own reasons draw on several classes, and have none. */
static void
test_weights_response(void **state)
{
	static const struct weight_row rows[] = {
	    {"ttl-matches", WEIGHT_OF(INFER_EVIDENCE_RESET_TTL)},
	    {"fires-at-server-only", WEIGHT_OF(INFER_EVIDENCE_SHOTS)},
	    {"faster-than-path", WEIGHT_OF(INFER_EVIDENCE_LATENCY)},
	    {"ip-id-continues", WEIGHT_OF(INFER_EVIDENCE_ID_STEPS)},
	    {"response-triggered", 0},
	    {"response-rewritten", 0},
	    {"control-clean", 0},
	};
	struct scene *sc = response_scene(58);

	(void)state;
	sc->b.id_follow = 3;
	fill_by_hand(sc);
	assert_weights(sc, rows, ROWS(rows));
	scene_free(sc);
}

/* --- from trials to the posterior --- */

static void
update(struct scene *sc, bool assume)
{
	rounds_conclude_path(&sc->r);
	assert_int_equal(belief_update(&sc->b, &sc->r, assume, &sc->f), 0);
}

static void
test_update(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_CONTROL, 0, 2);
	add_arm(sc, TRIAL_FULL, 2, 2);
	add_burst(sc, 4, 62, false);
	update(sc, false);
	assert_int_equal(sc->r.load.last_ttl, HOPS - 1);
	assert_int_equal(sc->b.post.best_hop, 3);
	assert_true(sc->b.post.at[3][PLACE_ROUTER] > 0.9);
	assert_int_equal(sc->b.path.hops, HOPS);
	assert_int_equal(sc->b.path.server_ttl, 58);
	assert_int_equal(sc->b.path.traversed[3], 2);
	assert_int_equal(sc->b.path.traversed[HOPS], -1);
	assert_false(sc->b.untagged);
	/* Asked again, it is the same. */
	update(sc, false);
	assert_true(sc->b.post.at[3][PLACE_ROUTER] > 0.9);
	scene_free(sc);
}

static void
add_trace_probe(struct scene *sc, int ttl, bool te)
{
	struct probe *p = &sc->r.s.probes[sc->r.s.n_probes++];

	p->kind = PROBE_ECHO;
	p->conn = -1;
	p->ttl = (uint8_t)ttl;
	p->te = te;
}

/*
 * No hop is taken to answer more than the trace's probes did on the whole;
 * one that never answered is not in that.
 */
static void
test_answers(void **state)
{
	struct scene *sc = scene_new();
	const double *a = sc->b.path.answers;

	(void)state;
	sc->out.path.hops[4].answered = 0;
	for (int i = 1; i < HOPS; i++) {
		add_trace_probe(sc, i, i != 5);
		add_trace_probe(sc, i, i != 5 && i != 2);
	}
	/* 9 of 10, but hop 5's. */
	update(sc, false);
	near(a[1], 10.0 / 11, 1e-9);
	near(a[2], 1.1 / 2.2, 1e-9);
	near(a[5], 0.1 / 2.2, 1e-9);
	scene_free(sc);
}

/* By steps or at once: the same posterior. */
static void
test_update_by_steps(void **state)
{
	struct scene *a = scene_new(), *b = scene_new();

	(void)state;
	for (int i = 0; i < 3; i++) {
		add_arm(a, TRIAL_FULL, 1, 1);
		add_burst(a, i == 1 ? 0 : 4, 62, false);
		update(a, false);
		add_arm(b, TRIAL_FULL, 1, 1);
		add_burst(b, i == 1 ? 0 : 4, 62, false);
	}
	update(b, false);
	for (int i = 1; i <= HOPS; i++)
		near(a->b.post.hop[i], b->b.post.hop[i], 1e-9);
	near(a->b.post.drops, b->b.post.drops, 1e-9);
	scene_free(a);
	scene_free(b);
}

static void
assert_same(const struct infer_posterior *a, const struct infer_posterior *b)
{
	for (int i = 1; i <= HOPS; i++)
		near(a->hop[i], b->hop[i], 1e-9);
	for (int i = 0; i < INFER_CAUSES; i++)
		near(a->cause[i], b->cause[i], 1e-9);
}

/* A clue that comes later is taken in once, and a changed path anew. */
static void
test_update_anew(void **state)
{
	struct scene *a = scene_new(), *b = scene_new();
	double before;

	(void)state;
	add_arm(a, TRIAL_FULL, 2, 2);
	add_arm(b, TRIAL_FULL, 2, 2);
	update(a, false);
	before = a->b.post.cause[INFER_SERVER];
	a->r.s.conns[0].server_alive = RESULT_YES;
	b->r.s.conns[0].server_alive = RESULT_YES;
	update(a, false);
	assert_true(a->b.post.cause[INFER_SERVER] < 0.1 * before);
	update(a, false);
	update(b, false);
	assert_same(&a->b.post, &b->b.post);
	a->out.path.hops[2].responders[0].reply_ttl = 60;
	b->out.path.hops[2].responders[0].reply_ttl = 60;
	belief_free(&b->b);
	update(a, false);
	update(b, false);
	assert_same(&a->b.post, &b->b.post);
	assert_int_equal(a->b.path.traversed[3], 4);
	scene_free(a);
	scene_free(b);
}

/* What still waits counts as silent where it is assumed to be, only there. */
static void
test_update_assume(void **state)
{
	struct scene *sc = scene_new();
	struct trial *t = add_trial(sc, TRIAL_FULL, TRIAL_SETTLED, 1);
	double settled, assumed;

	(void)state;
	/* As the server's own would come. */
	add_probe(sc, t, 64);
	add_reset(sc, 58, 21 * CLOCK_MS);
	update(sc, false);
	settled = sc->b.post.cause[INFER_DEVICE];
	add_silent(sc, true, 4);
	for (int i = 0; i < 4; i++)
		sc->r.trials[1 + i].state = TRIAL_SENT;
	update(sc, true);
	assumed = sc->b.post.cause[INFER_DEVICE];
	assert_true(assumed < 0.9 * settled);
	update(sc, false);
	near(sc->b.post.cause[INFER_DEVICE], settled, 1e-12);
	for (int i = 0; i < 4; i++)
		sc->r.trials[1 + i].state = TRIAL_SETTLED;
	update(sc, false);
	near(sc->b.post.cause[INFER_DEVICE], assumed, 1e-9);
	scene_free(sc);
}

/*
 * A NAT may drop resets with old numbers: silence of a tagged burst is none
 * until one has drawn a reset.
 */
static void
test_tags_pass(void **state)
{
	struct scene *a = scene_new(), *b = scene_new();
	struct infer_posterior before;

	(void)state;
	add_arm(a, TRIAL_FULL, 2, 2);
	update(a, false);
	before = a->b.post;
	add_silent(a, false, 4);
	update(a, false);
	assert_same(&a->b.post, &before);
	assert_false(a->b.clues.tags_pass || a->b.marks[2].counted);
	/* Nor is it assumed of those that wait. */
	a->r.trials[5].state = TRIAL_SENT;
	update(a, true);
	assert_same(&a->b.post, &before);
	a->r.trials[5].state = TRIAL_SETTLED;
	/* A plain one's counts, and a plain one's reset vouches for no tag. */
	add_silent(a, true, 1);
	update(a, false);
	assert_true(a->b.post.cause[INFER_DEVICE] < before.cause[INFER_DEVICE]);
	add_burst(a, 4, 62, false);
	a->r.trials[a->r.n_trials - 1].plain = true;
	update(a, false);
	assert_false(a->b.clues.tags_pass || a->b.marks[2].counted);
	before = a->b.post;
	/* Once a tagged one draws, all of them do, as if known before. */
	add_burst(a, 4, 62, false);
	update(a, false);
	assert_true(a->b.clues.tags_pass && a->b.marks[2].counted);
	assert_true(a->b.post.rate < before.rate);
	add_arm(b, TRIAL_FULL, 2, 2);
	add_silent(b, false, 4);
	add_silent(b, true, 1);
	add_burst(b, 4, 62, false);
	b->r.trials[b->r.n_trials - 1].plain = true;
	add_burst(b, 4, 62, false);
	update(b, false);
	assert_same(&a->b.post, &b->b.post);
	scene_free(a);
	scene_free(b);
}

static double
reason_weight_of(const struct scene *sc, const char *code)
{
	const struct reason *r = find_reason(sc, code);

	if (r == NULL)
		fail_msg("no reason %s", code);
	return r != NULL ? r->weight : 0;
}

static double
of_posterior(const struct scene *sc, const struct infer_hypothesis *h)
{
	const struct infer_posterior *p = &sc->b.post;

	return h->cause == INFER_DEVICE ? p->hop[h->hop] : p->cause[h->cause];
}

/* The odds are those of the posterior that the verdict was given by. */
static void
assert_odds(struct scene *sc, enum infer_cause cause, int hop)
{
	const struct infer_explanation *e = &sc->out.verdict.odds;
	double sum;

	update(sc, true);
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_true(sc->out.verdict.has_odds);
	assert_int_equal(e->one.cause, cause);
	assert_int_equal(e->one.hop, hop);
	sum = e->prior;
	for (size_t i = 0; i < INFER_EVIDENCES; i++)
		sum += e->weight[i];
	near(sum, e->log_odds, 1e-9);
	near(e->log_odds,
	    log(of_posterior(sc, &e->one) / of_posterior(sc, &e->other)), 1e-9);
}

static void
test_odds(void **state)
{
	struct scene *sc = scene_new();
	const struct infer_explanation *e = &sc->out.verdict.odds;

	(void)state;
	add_arm(sc, TRIAL_FULL, 2, 2);
	add_burst(sc, 4, 62, false);
	/* What waits still counts as silent for the odds too. */
	add_probe(sc, add_trial(sc, TRIAL_FULL, TRIAL_SENT, 1), 64);
	assert_odds(sc, INFER_DEVICE, 3);
	assert_int_equal(sc->out.verdict.hop, 3);
	assert_true(e->weight[INFER_EVIDENCE_SHOTS] != 0);
	assert_true(reason_weight_of(sc, "threshold") ==
	    e->weight[INFER_EVIDENCE_SHOTS]);
	assert_true(reason_weight_of(sc, "ttl-distance") ==
	    e->weight[INFER_EVIDENCE_RESET_TTL]);
	scene_free(sc);
}

/* Only what reaches the server is reset, with the server's own TTL. */
static struct scene *
server_scene(void)
{
	struct scene *sc = scene_new();

	add_arm(sc, TRIAL_FULL, 6, 6);
	for (size_t i = 0; i < 6; i++) {
		sc->r.s.resets[i].facts.ttl = 58;
		sc->r.s.probes[i].rst_ttl = 58;
		sc->r.s.probes[i].drew_ns += 30 * CLOCK_MS;
	}
	add_silent(sc, true, 6);
	return sc;
}

/* Each kind of verdict that the posterior gives is what its odds are of. */
static void
test_odds_of_causes(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 0, 12);
	assert_odds(sc, INFER_NOTHING, 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_NOT_REPRODUCED);
	scene_free(sc);

	sc = server_scene();
	assert_odds(sc, INFER_SERVER, 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_SERVER);
	scene_free(sc);

	/* Asked to name a hop at any confidence: odds against it. */
	sc = server_scene();
	sc->ask.confidence = 0;
	update(sc, true);
	assert_odds(sc, INFER_DEVICE, sc->b.post.best_hop);
	assert_int_equal(sc->out.verdict.odds.other.cause, INFER_SERVER);
	assert_true(sc->out.verdict.odds.log_odds < 0);
	scene_free(sc);

	/* Named by a TTL alone. */
	sc = scene_new();
	sc->ask.trigger = RESULT_TRIGGER_NONE;
	add_arm(sc, TRIAL_CONTROL, 0, 1);
	sc->r.s.conns[0].tcb.client_ttl = 64;
	sc->ask.n_rst_ttls = sc->out.n_given_ttls = 1;
	sc->ask.rst_ttls[0] = sc->out.given_ttls[0] = 63;
	sc->out.path.n_hops = HOPS;
	assert_odds(sc, INFER_DEVICE, 2);
	assert_int_equal(sc->out.verdict.hop, 2);
	assert_true(reason_weight_of(sc, "given-ttl") ==
	    sc->out.verdict.odds.weight[INFER_EVIDENCE_GIVEN_TTL]);
	assert_true(reason_weight_of(sc, "given-ttl") != 0);
	scene_free(sc);
}

/* Where nothing is named, the odds are of the most probable. */
static void
test_odds_undetermined(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 1, 1);
	update(sc, true);
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_UNDETERMINED);
	assert_true(sc->out.verdict.has_odds);
	assert_true(sc->out.verdict.odds.log_odds > 0);
	scene_free(sc);
}

/* No odds, no weights: the verdict does not rest on the posterior. */
static void
test_no_odds(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct scene *sc = scene_new();

		if (i == 0) { /* they stopped */
			add_arm(sc, TRIAL_FULL, 3, 3);
			add_arm(sc, TRIAL_FULL, 0, 30);
		} else if (i == 1) { /* broken off */
			add_arm(sc, TRIAL_FULL, 0, 2);
			sc->out.head.interrupted = SIGINT;
		} else { /* a block remains */
			add_arm(sc, TRIAL_FULL, 3, 3);
		}
		update(sc, true);
		sc->b.clues.blocked = i == 2;
		figures(sc);
		assert_int_equal(
		    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f),
		    0);
		assert_int_equal(sc->out.verdict.kind, RESULT_UNDETERMINED);
		assert_false(sc->out.verdict.has_odds);
		for (size_t k = 0; k < sc->out.verdict.reasons.n; k++)
			assert_true(sc->out.verdict.reasons.r[k].weight == 0);
		scene_free(sc);
	}
}

/* Resets in frames of one who never sent anything else: before hop 1. */
static void
test_own_segment(void **state)
{
	static const uint8_t stranger[ADDR_MAC] = {2, 0, 0, 0, 0, 9};
	struct scene *sc = scene_new(), *beyond = scene_new();
	struct infer_posterior *p = &sc->b.post;

	(void)state;
	add_arm(sc, TRIAL_FULL, 3, 3);
	add_arm(beyond, TRIAL_FULL, 3, 3);
	for (size_t i = 0; i < 3; i++) {
		sc->r.s.resets[i].facts.ttl = 64;
		sc->r.s.probes[i].rst_ttl = 64;
		beyond->r.s.resets[i].facts.ttl = 64;
		beyond->r.s.probes[i].rst_ttl = 64;
		memcpy(sc->r.s.resets[i].facts.mac, stranger, ADDR_MAC);
	}
	update(sc, false);
	update(beyond, false);
	assert_true(sc->b.clues.own_segment);
	assert_false(beyond->b.clues.own_segment);
	print_message("  wire before hop 1: %.4f by its frames, else %.4f\n",
	    p->at[1][PLACE_WIRE], beyond->b.post.at[1][PLACE_WIRE]);
	assert_true(p->at[1][PLACE_WIRE] > 0.95);
	assert_true(beyond->b.post.at[1][PLACE_WIRE] < 0.8);
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.hop, 1);
	assert_int_equal(sc->out.verdict.place, PLACE_WIRE);
	assert_reason(sc, "mac-differs", "comes from 02:00:00:00:00:09");
	assert_reason(sc, "mac-differs", "packets from 02:00:00:00:00:01");
	figures(beyond);
	assert_int_equal(verdict_fill(&beyond->ask, &beyond->r, &beyond->b,
			     &beyond->out, &beyond->f),
	    0);
	assert_null(find_reason(beyond, "mac-differs"));
	scene_free(sc);
	scene_free(beyond);
}

/* Frames that say nothing of a stranger. */
static void
test_no_stranger(void **state)
{
	static const uint8_t stranger[ADDR_MAC] = {2, 0, 0, 0, 0, 9};
	struct scene *sc;
	struct seen_reset *r;

	(void)state;
	for (int i = 0; i < 6; i++) {
		sc = scene_new();
		add_arm(sc, TRIAL_FULL, 1, 2);
		r = &sc->r.s.resets[0];
		memcpy(r->facts.mac, stranger, ADDR_MAC);
		if (i == 1)
			r->late = true;
		else if (i == 2)
			r->answers_alive = true;
		else if (i == 3)
			r->facts.has_mac = false;
		else if (i == 4) /* a second gateway, known already */
			memcpy(sc->r.s.conns[1].tcb.server_mac, stranger,
			    ADDR_MAC);
		else if (i == 5)
			sc->r.s.conns[0].tcb.has_server_mac =
			    sc->r.s.conns[1].tcb.has_server_mac = false;
		update(sc, false);
		assert_int_equal(sc->b.clues.own_segment, i == 0);
		scene_free(sc);
	}
}

/* --- rounds --- */

/* A campaign whose first connection stands. */
static struct scene *
scene_open(void)
{
	struct scene *sc = scene_new();
	struct rounds *rounds = &sc->r;

	sc->ask.max_connections = 60;
	rounds->end_ns = session_now(&rounds->s) + 60 * CLOCK_S;
	rounds->timing.rtt_ns = sc->sw->rtt_ns;
	rounds->load.trigger = rounds->load.control = (const uint8_t *)"use db";
	rounds->load.trigger_len = rounds->load.control_len = 6;
	assert_int_equal(session_open(&rounds->s, ARM_NONE, 0, &sc->f), 0);
	assert_int_equal(session_wait_open(&rounds->s, 0, CLOCK_S, &sc->f), 1);
	return sc;
}

static int
full_leaves_with(struct scene *sc)
{
	static const struct shot_plan pair[] = {
	    {.kind = TRIAL_CONTROL}, {.kind = TRIAL_FULL}};
	size_t n = sc->sw->n_sent;

	assert_int_equal(run_trials(&sc->r, pair, 2, &sc->f), 0);
	assert_int_equal(sc->sw->n_sent, n + 2);
	assert_int_equal(sc->sw->sent[n].tcp.ttl, 64); /* never the control */
	return sc->sw->sent[n + 1].tcp.ttl;
}

/* The kernel's own TTL and larger ones in turn, where it was asked for. */
static void
test_full_ttls(void **state)
{
	static const int turns[] = {64, 71, 78, 85, 64, 71};
	struct scene *sc = scene_open();

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(full_leaves_with(sc), 64);
	scene_free(sc);
	sc = scene_open();
	sc->r.vary_full = true;
	for (size_t i = 0; i < ROWS(turns); i++)
		assert_int_equal(full_leaves_with(sc), turns[i]);
	scene_free(sc);
	/* A system that begins with 255 has nothing above it. */
	sc = scene_open();
	sc->r.vary_full = true;
	sc->r.s.conns[0].tcb.client_ttl = 255;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(full_leaves_with(sc), 64);
	scene_free(sc);
}

/* --- the control and the exit status --- */

static void
control(const char *in, size_t len, const char *want)
{
	uint8_t out[64];

	assert_true(len <= sizeof(out));
	control_default((const uint8_t *)in, len, out);
	assert_memory_equal(out, want, len);
}

static void
test_default_control(void **state)
{
	(void)state;
	control("use db", 6, "hfr qo");
	control("SELECT 1;", 9, "FRYRPG 6;");
	control("abcmnzABCMNZ", 12, "nopzamNOPZAM");
	control("0123456789", 10, "5678901234");
	control("GET /x\r\n", 8, "TRG /k\r\n");
	control("\x03\x00\x00\x01q", 5,
	    "\x03\x00\x00\x01"
	    "d");
	/* Nothing in it that turns: all bits do. */
	control("\x16\x03\x01\xff", 4, "\xe9\xfc\xfe\x00");
	control("-- !", 4, "\xd2\xd2\xdf\xde");
	control("", 0, "");
}

static void
test_exit_status(void **state)
{
	static struct locate_result r;

	(void)state;
	assert_int_equal(locate_exit_status(&r), 1);
	r.verdict.hop = 1;
	assert_int_equal(locate_exit_status(&r), 0);
}

/* One stray control that draws three resets (tcpkill) is one, not three. */
static void
test_one_control(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	add_arm(sc, TRIAL_FULL, 3, 3);
	add_arm(sc, TRIAL_CONTROL, 1, 8);
	for (size_t i = 0; i < 2; i++)
		sc->r.s.resets[sc->r.s.n_resets++] = sc->r.s.resets[3];
	for (size_t i = 0; i < sc->r.s.n_resets; i++)
		sc->r.s.resets[i].facts.control = i >= 3;
	set_device(sc, 3, 0, 0.99);
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.verdict.hop, 3);
	scene_free(sc);
}

/*
 * A server that resets whatever it is sent, controls from the very first: no
 * block that the trigger began.
 */
static void
test_server_resets_all(void **state)
{
	struct scene *sc = scene_new();
	struct seen_reset *r;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		add_arm(sc, TRIAL_CONTROL, 1, 1);
		add_arm(sc, TRIAL_FULL, 1, 1);
	}
	for (size_t i = 0; i < 6; i++) {
		r = &sc->r.s.resets[i];
		r->at_ns += (int64_t)i * CLOCK_MS;
		r->facts.ttl = 58;
		r->facts.control = i % 2 == 0;
		r->facts.seq_match = RESULT_SEQ_EXACT;
	}
	add_silent(sc, true, 3);
	set_device(sc, 6, 0, 0.04);
	sc->b.post.cause[INFER_DEVICE] = 0.04;
	sc->b.post.cause[INFER_SERVER] = 0.96;
	figures(sc);
	assert_int_equal(
	    verdict_fill(&sc->ask, &sc->r, &sc->b, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.notes.n, 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_SERVER);
	scene_free(sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("the rate and Wilson's interval", test_rate),
	    PROVES("Fisher's exact test, one-sided", test_p_value),
	    PROVES("control bursts count with bursts", test_control_bursts),
	    PROVES("the way of the port that was kept to", test_swept_hop),
	    PROVES("what the dice are rolled for, where clear", test_firing),
	    PROVES("only what was sent counts", test_what_counts),
	    PROVES("shots and resets by TTL, and the threshold", test_by_ttl),
	    PROVES("the median latency of what is known", test_latency),
	    PROVES("a device: its hop, place, manners, reasons", test_device),
	    PROVES("a sure hop may leave its place open", test_place_unsure),
	    PROVES("a silent device is named by its neighbours",
		test_silent_device),
	    PROVES("of two routers at a hop, the one that the flows which "
		   "were reset went through",
		test_shared_hop),
	    PROVES("client and server are neighbours at the ends",
		test_neighbours_at_the_ends),
	    PROVES("a copier, both ends reset", test_copier),
	    PROVES("beside the path, one end reset", test_on_path),
	    PROVES("the server itself", test_server),
	    PROVES(
		"a residual block: no hop but by a tag", test_residual_block),
	    PROVES("fired by the response", test_response),
	    PROVES("its hops, by the TTL alone, on trust", test_response_hops),
	    PROVES("by the hops' own way back; none where TTLs differ",
		test_response_ways),
	    PROVES("a rewritten answer names no hop", test_rewritten),
	    PROVES("nothing reproduced", test_not_reproduced),
	    PROVES("between two hops", test_between_two),
	    PROVES("undetermined", test_undetermined),
	    PROVES(
		"alternatives: the most probable, in order", test_alternatives),
	    PROVES("weights of reasons: a device", test_weights_device),
	    PROVES("weights of reasons: a copier", test_weights_copier),
	    PROVES("weights of reasons: beside the path", test_weights_on_path),
	    PROVES("weights of reasons: the server", test_weights_server),
	    PROVES("weights of reasons: the response", test_weights_response),
	    PROVES("the odds are the posterior's", test_odds),
	    PROVES("and of what is named", test_odds_of_causes),
	    PROVES(
		"undetermined: of the most probable", test_odds_undetermined),
	    PROVES("no posterior, no odds, no weights", test_no_odds),
	    PROVES("a given TTL: the best candidate", test_given),
	    PROVES(
		"a given TTL that is the server's: no hop", test_given_servers),
	    PROVES("a client that was never reset: not reproduced",
		test_exec_silent),
	    PROVES(
		"a client that its server reset: no device", test_exec_genuine),
	    PROVES("trials, path and clues become a posterior", test_update),
	    PROVES("a hop answers no better than the path does", test_answers),
	    PROVES("by steps or at once, it is the same", test_update_by_steps),
	    PROVES("a new clue, a changed path are taken in once",
		test_update_anew),
	    PROVES("what still waits is silent only by assumption",
		test_update_assume),
	    PROVES("a tagged burst's silence counts once tags come through",
		test_tags_pass),
	    PROVES("frames of a stranger: the own segment, before hop 1",
		test_own_segment),
	    PROVES("frames that show no stranger", test_no_stranger),
	    PROVES(
		"triggers at full TTL take other TTLs in turn", test_full_ttls),
	    PROVES("the default control keeps length and shape",
		test_default_control),
	    PROVES("the exit status says whether it was located",
		test_exit_status),
	    PROVES(
		"one control that was reset makes no block", test_one_control),
	    PROVES("nor do controls that were reset from the first",
		test_server_resets_all),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
