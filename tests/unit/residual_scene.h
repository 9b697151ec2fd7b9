/*
 * A device that goes on to reset for a while after a trigger, and the rounds
 * that meet it, for the tests of what is made of such a block.  The test
 * includes cmocka.h before.
 */
#ifndef RSTHOP_UNIT_RESIDUAL_SCENE_H
#define RSTHOP_UNIT_RESIDUAL_SCENE_H

#include <stdlib.h>
#include <string.h>

#include <rsthop/belief.h>
#include <rsthop/clock.h>
#include <rsthop/residual.h>
#include <rsthop/run.h>

#include "scripted_world.h"

#define SCENE_HOPS    7
#define SCENE_TRIGGER "use db"
#define SCENE_CONTROL "hfr qo"
#define SCENE_RST_TTL 62

struct scene_device {
	int64_t block_ns; /* 0: none */
	bool tuple4;	  /* of the source port too */
	bool refresh;	  /* what meets it prolongs it */
	int least_ttl;	  /* of what it sees */
	int64_t until_ns;
	uint16_t port;
	unsigned int flukes; /* controls that it resets without a block */
	unsigned int lost;   /* so many resets of a block on, one is */
};

struct scene {
	struct rounds r;
	struct belief b;
	struct sw *sw;
	struct scene_device dev;
	struct locate_ask ask;
	struct locate_result out;
	struct fault f;
};

static inline int
scene_conn_of(const struct sw *sw, uint16_t port)
{
	for (int i = sw->n_conns; i-- > 0;)
		if (sw->conns[i].local.port == port)
			return i;
	return -1;
}

static inline bool
scene_holds(const struct sw_sent *s, const char *word)
{
	size_t n = strlen(word);

	return s->len >= n && memcmp(s->packet + s->len - n, word, n) == 0;
}

static inline void
scene_meet(struct sw *sw, const struct sw_sent *s)
{
	struct scene_device *d = &((struct scene *)sw->arg)->dev;
	bool trigger = scene_holds(s, SCENE_TRIGGER), hit, fluke;
	struct craft_tcp t;

	if (s->kind == SW_ECHO || s->tcp.payload_len == 0 ||
	    s->tcp.ttl < d->least_ttl)
		return;
	hit = sw->now_ns < d->until_ns &&
	    (!d->tuple4 || s->tcp.flow.src.port == d->port);
	fluke = !trigger && !hit && d->flukes > 0;
	if (!trigger && !hit && !fluke)
		return;
	d->flukes -= fluke;
	if (trigger || (hit && d->refresh)) {
		d->until_ns = sw->now_ns + d->block_ns;
		d->port = s->tcp.flow.src.port;
	}
	if (hit && d->lost > 0 && --d->lost == 0)
		return;
	t = sw_reset(sw, scene_conn_of(sw, s->tcp.flow.src.port), SCENE_RST_TTL,
	    s->tcp.ack);
	sw_push_tcp(sw, sw->now_ns + sw->rtt_ns / 2, &t);
}

static inline struct scene *
scene_new(uint16_t src_port)
{
	struct scene *sc = calloc(1, sizeof(*sc));
	struct rounds *rounds;
	struct session_ask sa = {0};

	assert_non_null(sc);
	rounds = &sc->r;
	sc->sw = sw_new(4);
	sc->sw->arg = sc;
	sc->sw->on_sent = scene_meet;
	sc->dev.least_ttl = 3;
	sc->ask.target = sc->sw->server;
	sc->ask.trigger = RESULT_TRIGGER_PAYLOAD;
	sc->ask.confidence = 0.95;
	sc->ask.max_connections = 160;
	sc->ask.max_time_ns = 120 * CLOCK_S;
	sc->ask.src_port = src_port;
	rounds->ask = &sc->ask;
	rounds->src_port = src_port;
	rounds->reuses_ports = src_port != 0;
	sa.w = &sc->sw->w;
	sa.target = sc->sw->server;
	sa.src = sc->sw->client.addr;
	sa.max_hops = 30;
	sa.path = &sc->out.path;
	session_init(&rounds->s, &sa);
	sc->out.path.n_hops = sc->out.path.server_hops = SCENE_HOPS;
	sc->out.path.server_ttl = 58;
	rounds->tracing.s = &rounds->s;
	rounds->end_ns = session_now(&rounds->s) + sc->ask.max_time_ns;
	rounds->timing.rtt_ns = sc->sw->rtt_ns;
	rounds->load.trigger = (const uint8_t *)SCENE_TRIGGER;
	rounds->load.control = (const uint8_t *)SCENE_CONTROL;
	rounds->load.trigger_len = rounds->load.control_len =
	    strlen(SCENE_TRIGGER);
	rounds->load.last_ttl = SCENE_HOPS - 1;
	return sc;
}

/* The trace's connection, and a trigger that was reset, with its control. */
static inline void
scene_draw_first(struct scene *sc)
{
	static const struct shot_plan pair[] = {
	    {.kind = TRIAL_CONTROL}, {.kind = TRIAL_FULL}};
	struct rounds *rounds = &sc->r;

	assert_int_equal(
	    session_open(&rounds->s, ARM_NONE, rounds->src_port, &sc->f), 0);
	assert_int_equal(session_wait_open(&rounds->s, 0, CLOCK_S, &sc->f), 1);
	if (sc->ask.src_port != 0)
		session_close(&rounds->s, 0);
	assert_int_equal(run_trials(rounds, pair, 2, &sc->f), 0);
	assert_int_equal(rounds_count(rounds, TRIAL_FULL, true), 1);
	assert_int_equal(rounds_count(rounds, TRIAL_CONTROL, true), 0);
}

static inline void
scene_measure(struct scene *sc)
{
	scene_draw_first(sc);
	assert_int_equal(residual_measure(&sc->r, &sc->f), 0);
}

static inline void
scene_free(struct scene *sc)
{
	session_free(&sc->r.s);
	belief_free(&sc->b);
	free(sc->r.trials);
	locate_result_free(&sc->out);
	free(sc->sw);
	free(sc);
}

static inline void
assert_length(const struct scene *sc, enum result_scope scope, int64_t ns,
    enum result_tri refreshed)
{
	const struct result_residual *r = &sc->r.residual;

	assert_true(r->measured);
	assert_int_equal(r->scope, scope);
	assert_int_equal(r->refreshed, refreshed);
	if (r->lo_ns > ns || r->hi_ns < ns || r->length_ns < ns * 85 / 100 ||
	    r->length_ns > ns * 115 / 100)
		fail_msg("%.3f s is measured as %.3f (%.3f to %.3f)",
		    (double)ns / 1e9, (double)r->length_ns / 1e9,
		    (double)r->lo_ns / 1e9, (double)r->hi_ns / 1e9);
}

/* One more trigger at full TTL; gives when it left. */
static inline int64_t
scene_draw_again(struct scene *sc)
{
	static const struct shot_plan full = {.kind = TRIAL_FULL};

	assert_int_equal(run_trials(&sc->r, &full, 1, &sc->f), 0);
	return sc->sw->sent[sc->sw->n_sent - 1].at_ns;
}

#endif
