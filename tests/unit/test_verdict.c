/*
 * verdict: what is made of a posterior: kind, hop, place, neighbours, manners,
 * alternatives, advice.  Campaigns and posteriors are written down by hand.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rsthop/block.h>
#include <rsthop/locate.h>

#include "proves.h"
#include "verdict_scene.h"

static void
test_device(void **state)
{
	struct scene *sc = scene_new();
	struct locate_result *o = &sc->out;

	(void)state;
	scene_add_arm(sc, TRIAL_CONTROL, 0, 3);
	scene_add_arm(sc, TRIAL_FULL, 2, 3);
	scene_add_burst(sc, 4, 62, false);
	scene_set_device(sc, 3, 0.01, 0.965);
	sc->b.post.at[4][PLACE_WIRE] = sc->b.post.hop[4] = 0.02;
	sc->b.post.at[5][PLACE_WIRE] = sc->b.post.hop[5] = 0.004;
	sc->b.post.drops = 0.97;
	sc->b.post.policy[TTL_POLICY_FIXED] = 0.95;
	sc->b.post.initial[64] = 0.94;
	scene_judge(sc);
	assert_int_equal(o->verdict.kind, RESULT_MIDDLEBOX);
	assert_int_equal(o->verdict.forged, RESULT_YES);
	assert_int_equal(o->verdict.hop, 3);
	assert_int_equal(o->verdict.place, PLACE_ROUTER);
	assert_near(o->verdict.confidence, 0.975, 1e-12);
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
	assert_near(o->verdict.alternatives[1].probability, 0.01, 1e-12);
	scene_assert_reason(sc, "threshold", "TTL 4 and more fired it, 3 of 3");
	scene_assert_reason(sc, "threshold", "never did, 0 of 3");
	scene_assert_reason(sc, "ttl-distance", "62: 64 less the 2 routers");
	scene_assert_reason(
	    sc, "ttl-differs", "the server's own packets with 58");
	scene_assert_reason(sc, "in-path-silent", "0 of 3");
	scene_assert_reason(sc, "control-clean", "0 of 3");
	scene_assert_reason(
	    sc, "faster-than-path", "the server is 20.0 ms away");
	assert_null(scene_find_reason(sc, "ip-id-echo"));
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
	scene_add_arm(sc, TRIAL_FULL, 1, 1);
	scene_set_device(sc, 3, 0.5, 0.46);
	scene_judge(sc);
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
	scene_add_arm(sc, TRIAL_FULL, 1, 1);
	scene_set_device(sc, 3, 0.99, 0);
	scene_judge(sc);
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
		scene_add_arm(sc, TRIAL_FULL, 1, 1);
		/* Three flows by way of .2, which nobody resets. */
		scene_add_silent(sc, true, 3);
		for (int i = 0; i < 3; i++) {
			answer_from(sc, &sc->r.trials[1 + i], 2, 2);
			answer_from(sc, &sc->r.trials[1 + i], 3, 2);
		}
		scene_add_burst(sc, drew != 0 ? 4 : 0, 62, false);
		answer_from(sc, &sc->r.trials[4], 2, 3);
		answer_from(sc, &sc->r.trials[4], 3, 3);
		scene_set_device(sc, 3, 0, 0.99);
		scene_judge(sc);
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
	scene_add_arm(sc, TRIAL_FULL, 1, 1);
	scene_set_device(sc, 3, 0, 0.99);
	w->n_ports = 2;
	w->firing = RESULT_SWEEP_BY_FLOW;
	w->ports[0].port = 40001;
	w->ports[1].port = 40002;
	w->ports[0].n_path = w->ports[1].n_path = 1;
	w->ports[0].path[0] = (struct result_port_hop){3, {4, {10, 9, 2, 2}}};
	w->ports[1].path[0] = (struct result_port_hop){3, {4, {10, 9, 2, 3}}};
	w->ports[1].resets = 3;
	sc->r.src_port = 40002;
	scene_judge(sc);
	assert_addr(&sc->out.verdict.address, "10.9.2.3");
	assert_int_equal(sc->out.verdict.firing, RESULT_FIRING_PER_FLOW);
	scene_assert_reason(sc, "fires-per-flow", "1 of 2 source ports");
	scene_free(sc);
}

/* At the ends, the client and the server are the neighbours. */
static void
test_neighbours_at_the_ends(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	scene_add_arm(sc, TRIAL_FULL, 1, 1);
	scene_set_device(sc, 1, 0, 0.99);
	scene_judge(sc);
	assert_addr(&sc->out.verdict.between[0], "10.9.0.1");
	assert_addr(&sc->out.verdict.between[1], "10.9.1.2");
	scene_free(sc);
	sc = scene_new();
	scene_add_arm(sc, TRIAL_FULL, 1, 1);
	scene_set_device(sc, SCENE_HOPS, 0.99, 0);
	scene_judge(sc);
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
	t = scene_add_trial(sc, TRIAL_FULL, TRIAL_SETTLED, 1);
	scene_add_probe(sc, t, 64);
	r = scene_add_reset(sc, 63, CLOCK_MS);
	r->facts.ip_id = 13052;
	r->facts.id_echoed = true;
	scene_add_burst(sc, 2, 1, false);
	scene_set_device(sc, 1, 0, 0.99);
	sc->b.post.policy[TTL_POLICY_COPIED] = 0.99;
	sc->r.s.conns[1].quoted_reset = true;
	scene_judge(sc);
	assert_int_equal(sc->out.verdict.policy, TTL_POLICY_COPIED);
	assert_int_equal(sc->out.verdict.resets_server_too, RESULT_YES);
	scene_assert_reason(
	    sc, "ip-id-echo", "13052; the server's stood at 23403");
	scene_assert_reason(
	    sc, "ttl-follows-probe", "63 for a packet sent with 64");
	scene_assert_reason(sc, "ttl-follows-probe", "1 for 2");
	scene_assert_reason(sc, "quoted-reset", "both ends");
	scene_free(sc);
}

static void
test_on_path(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	scene_add_arm(sc, TRIAL_FULL, 1, 1);
	scene_add_burst(sc, 4, 61, true);
	scene_set_device(sc, 4, 0.99, 0);
	sc->b.post.drops = 0.03;
	sc->b.post.policy[TTL_POLICY_ARBITRARY] = 0.9;
	sc->r.s.conns[0].server_alive = RESULT_YES;
	scene_judge(sc);
	assert_int_equal(sc->out.verdict.in_path, RESULT_NO);
	assert_int_equal(sc->out.verdict.resets_server_too, RESULT_NO);
	assert_int_equal(sc->out.verdict.policy, TTL_POLICY_ARBITRARY);
	scene_assert_reason(sc, "on-path-answered", "3 of 3");
	scene_assert_reason(
	    sc, "server-still-open", "still held the connection");
	scene_assert_reason(sc, "ttl-unusable", "only the threshold locates");
	scene_free(sc);
}

static void
test_server(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	scene_add_arm(sc, TRIAL_FULL, 3, 3);
	scene_add_arm(sc, TRIAL_CONTROL, 1, 3);
	scene_add_burst(sc, 0, 0, true);
	scene_set_device(sc, 6, 0, 0.04);
	sc->r.s.resets[0].facts.ttl = 58;
	sc->r.s.resets[0].facts.ip_id = 0;
	sc->r.s.conns[0].server_alive = RESULT_NO;
	sc->b.post.cause[INFER_DEVICE] = 0.04;
	sc->b.post.cause[INFER_SERVER] = 0.95;
	sc->b.post.cause[INFER_RESPONSE] = 0.01;
	scene_judge(sc);
	assert_int_equal(sc->out.verdict.kind, RESULT_SERVER);
	assert_int_equal(sc->out.verdict.forged, RESULT_NO);
	assert_int_equal(sc->out.verdict.hop, 0);
	assert_near(sc->out.verdict.confidence, 0.95, 1e-12);
	assert_int_equal(locate_exit_status(&sc->out), 1);
	assert_int_equal(sc->out.verdict.alternatives[0].hop, 6);
	assert_int_equal(
	    sc->out.verdict.alternatives[1].kind, RESULT_RESPONSE_TRIGGERED);
	scene_assert_reason(sc, "fires-at-server-only", "None of 6 probes");
	scene_assert_reason(sc, "ttl-matches", "58");
	scene_assert_reason(sc, "ip-id-zero", "IP ID 0");
	scene_assert_reason(sc, "server-closed-too", "did not know");
	scene_assert_reason(sc, "control-fires", "1 of 3");
	assert_non_null(
	    strstr(sc->out.verdict.next[0], "the log of the server"));
	scene_free(sc);
}

/*
 * After the first reset everything is reset, controls too: no reset tells
 * what triggered it, unless by a tag.
 */
static void
test_residual_block(void **state)
{
	struct scene *sc;
	struct seen_reset *r;

	(void)state;
	for (int tagged = 0; tagged < 2; tagged++) {
		sc = scene_new();
		scene_add_arm(sc, TRIAL_FULL, 2, 2);
		scene_add_arm(sc, TRIAL_CONTROL, 2, 2);
		scene_add_burst(sc, 4, 62, false);
		for (size_t i = 0; i < sc->r.s.n_resets; i++) {
			r = &sc->r.s.resets[i];
			r->at_ns += (int64_t)i * CLOCK_S;
			r->facts.control =
			    sc->r.s.conns[r->conn].arm == ARM_CONTROL;
			r->facts.seq_match = i >= 4 && tagged != 0
			    ? RESULT_SEQ_TAG
			    : RESULT_SEQ_EXACT;
		}
		scene_set_device(sc, 3, 0, 0.99);
		sc->b.clues.blocked = block_is_on(&sc->r);
		scene_judge(sc);
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
	scene_add_arm(sc, TRIAL_FULL, 3, 3);
	scene_set_device(sc, 6, 0, 0.04);
	sc->b.post.cause[INFER_DEVICE] = 0.04;
	sc->b.post.cause[INFER_RESPONSE] = 0.95;
	scene_judge(sc);
	assert_int_equal(sc->out.verdict.kind, RESULT_RESPONSE_TRIGGERED);
	assert_int_equal(sc->out.verdict.forged, RESULT_YES);
	assert_int_equal(locate_exit_status(&sc->out), 1);
	assert_true(sc->out.verdict.next[0][0] != '\0');
	scene_free(sc);
}

static void
test_not_reproduced(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	scene_add_arm(sc, TRIAL_FULL, 0, 40);
	scene_set_device(sc, 6, 0.02, 0.04);
	sc->b.post.cause[INFER_NOTHING] = 0.9;
	scene_judge(sc);
	assert_int_equal(sc->out.verdict.kind, RESULT_NOT_REPRODUCED);
	assert_int_equal(sc->out.verdict.hop, 0);
	assert_int_equal(locate_exit_status(&sc->out), 1);
	assert_int_equal(sc->out.verdict.n_alternatives, 0);
	assert_non_null(strstr(sc->out.verdict.next[1], "--rst-ttl"));
	scene_free(sc);
	/* Broken off midway, nothing is said of that. */
	sc = scene_new();
	scene_add_arm(sc, TRIAL_FULL, 0, 2);
	sc->out.head.interrupted = SIGINT;
	scene_judge(sc);
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
	scene_add_arm(sc, TRIAL_FULL, 1, 1);
	scene_add_burst(sc, 4, 62, true);
	scene_set_device(sc, 3, 0, 0.5);
	sc->b.post.at[4][PLACE_WIRE] = sc->b.post.hop[4] = 0.49;
	sc->b.post.threshold = 0.99;
	scene_judge(sc);
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
	scene_add_arm(sc, TRIAL_FULL, 1, 8);
	scene_set_device(sc, 3, 0.2, 0.2);
	sc->b.post.cause[INFER_DEVICE] = 0.7;
	sc->b.post.cause[INFER_SERVER] = 0.3;
	scene_judge(sc);
	assert_int_equal(sc->out.verdict.kind, RESULT_UNDETERMINED);
	assert_int_equal(sc->out.verdict.forged, RESULT_UNSURE);
	assert_int_equal(sc->out.verdict.hop, 0);
	assert_near(sc->out.verdict.confidence, 0.4, 1e-12);
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
	scene_add_arm(sc, TRIAL_FULL, 1, 1);
	scene_set_device(sc, 3, 0.2, 0.2);
	for (int h = 1; h <= SCENE_HOPS; h++)
		for (int p = PLACE_WIRE; p < PLACES; p++)
			sc->b.post.at[h][p] = 0.01 * (2 * h + p - PLACE_WIRE);
	scene_judge(sc);
	assert_int_equal(sc->out.verdict.n_alternatives, RESULT_ALTERNATIVES);
	for (int i = 0; i < RESULT_ALTERNATIVES; i++)
		assert_near(a[i].probability, 0.01 * (15 - i), 1e-12);
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
	scene_set_device(sc, 2, 0.37, 0.36);
	sc->b.post.at[1][PLACE_ROUTER] = sc->b.post.hop[1] = 0.2;
	scene_judge(sc);
	assert_int_equal(sc->out.verdict.kind, RESULT_MIDDLEBOX);
	assert_int_equal(sc->out.verdict.forged, RESULT_UNSURE);
	assert_int_equal(sc->out.verdict.hop, 2);
	assert_near(sc->out.verdict.confidence, 0.73, 1e-12);
	assert_int_equal(sc->out.verdict.in_path, RESULT_UNSURE);
	/* The better place is named, the other one is the first of the rest. */
	assert_int_equal(sc->out.verdict.place, PLACE_WIRE);
	assert_int_equal(sc->out.verdict.n_alternatives, 2);
	assert_int_equal(sc->out.verdict.alternatives[0].hop, 2);
	assert_int_equal(sc->out.verdict.alternatives[0].place, PLACE_ROUTER);
	assert_near(sc->out.verdict.alternatives[0].probability, 0.36, 1e-12);
	assert_int_equal(sc->out.verdict.alternatives[1].hop, 1);
	scene_assert_reason(sc, "given-ttl", "TTL 63 was reported");
	scene_assert_reason(sc, "given-ttl", "arrive with 58");
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
	scene_set_device(sc, 6, 0.01, 0.01);
	sc->b.post.cause[INFER_DEVICE] = 0.1;
	sc->b.post.cause[INFER_SERVER] = 0.9;
	scene_judge(sc);
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
	scene_judge(sc);
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
	assert_near(sc->out.verdict.confidence, 67 / 68.0, 1e-12);
	assert_int_equal(locate_exit_status(&sc->out), 1);
	assert_null(strstr(sc->out.verdict.next[0], "--max-time"));
	scene_free(sc);
	/* Time ended the runs: more of it may help. */
	sc = scene_exec(3, 0);
	assert_near(sc->out.verdict.confidence, 0.8, 1e-12);
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
	scene_add_arm(sc, TRIAL_FULL, 3, 3);
	scene_add_arm(sc, TRIAL_CONTROL, 1, 8);
	for (size_t i = 0; i < 2; i++)
		sc->r.s.resets[sc->r.s.n_resets++] = sc->r.s.resets[3];
	for (size_t i = 0; i < sc->r.s.n_resets; i++)
		sc->r.s.resets[i].facts.control = i >= 3;
	scene_set_device(sc, 3, 0, 0.99);
	scene_judge(sc);
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
		scene_add_arm(sc, TRIAL_CONTROL, 1, 1);
		scene_add_arm(sc, TRIAL_FULL, 1, 1);
	}
	for (size_t i = 0; i < 6; i++) {
		r = &sc->r.s.resets[i];
		r->at_ns += (int64_t)i * CLOCK_MS;
		r->facts.ttl = 58;
		r->facts.control = i % 2 == 0;
		r->facts.seq_match = RESULT_SEQ_EXACT;
	}
	scene_add_silent(sc, true, 3);
	scene_set_device(sc, 6, 0, 0.04);
	sc->b.post.cause[INFER_DEVICE] = 0.04;
	sc->b.post.cause[INFER_SERVER] = 0.96;
	scene_judge(sc);
	assert_int_equal(sc->out.notes.n, 0);
	assert_int_equal(sc->out.verdict.kind, RESULT_SERVER);
	scene_free(sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("a device: its hop, place, manners, reasons", test_device),
	    PROVES("a sure hop may leave its place open", test_place_unsure),
	    PROVES("a silent device is named by its neighbours",
		test_silent_device),
	    PROVES("of two routers at a hop, the one that the flows which "
		   "were reset went through",
		test_shared_hop),
	    PROVES("the way of the port that was kept to", test_swept_hop),
	    PROVES("client and server are neighbours at the ends",
		test_neighbours_at_the_ends),
	    PROVES("a copier, both ends reset", test_copier),
	    PROVES("beside the path, one end reset", test_on_path),
	    PROVES("the server itself", test_server),
	    PROVES(
		"a residual block: no hop but by a tag", test_residual_block),
	    PROVES("fired by the response", test_response),
	    PROVES("nothing reproduced", test_not_reproduced),
	    PROVES("between two hops", test_between_two),
	    PROVES("undetermined", test_undetermined),
	    PROVES(
		"alternatives: the most probable, in order", test_alternatives),
	    PROVES("a given TTL: the best candidate", test_given),
	    PROVES(
		"a given TTL that is the server's: no hop", test_given_servers),
	    PROVES("a client that was never reset: not reproduced",
		test_exec_silent),
	    PROVES(
		"a client that its server reset: no device", test_exec_genuine),
	    PROVES("the exit status says whether it was located",
		test_exit_status),
	    PROVES(
		"one control that was reset makes no block", test_one_control),
	    PROVES("nor do controls that were reset from the first",
		test_server_resets_all),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
