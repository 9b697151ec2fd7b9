/*
 * Why a verdict was given: its odds, the weights of its reasons, their words.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rsthop/verdict_reasons.h>

#include "proves.h"
#include "verdict_scene.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

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
		scene_add_arm(sc, TRIAL_FULL, 1, 3);
		scene_add_burst(sc, 4, 61, false);
		scene_set_device(sc, 4, 0.99, 0);
		memcpy(sc->b.post.dice, rows[i].dice, sizeof(rows[i].dice));
		sc->b.post.rate = rows[i].rate;
		scene_judge(sc);
		assert_int_equal(sc->out.verdict.firing, rows[i].firing);
		if (rows[i].code != NULL)
			scene_assert_reason(sc, rows[i].code, rows[i].words);
		else
			assert_null(scene_find_reason(sc, "fires-per-packet"));
		scene_free(sc);
	}
}

/* The hop that an alternative names for a device that the answer triggers. */
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
		sc = scene_new_response(rows[i].ttl);
		scene_judge(sc);
		assert_int_equal(sc->out.verdict.hop, 0);
		assert_int_equal(response_hop(sc, &p), rows[i].hop);
		scene_assert_reason(
		    sc, "response-triggered", "the server's answer");
		if (rows[i].hop == 0) {
			assert_null(scene_find_reason(sc, "return-distance"));
		} else {
			scene_assert_reason(
			    sc, "return-distance", rows[i].words);
			assert_near(p, 0.48, 1e-9);
		}
		scene_free(sc);
	}
}

/* The way back has two routers more from hop 3 on; TTLs that differ. */
static void
test_response_ways(void **state)
{
	struct scene *sc = scene_new_response(60);
	double p;

	(void)state;
	for (int h = 3; h <= SCENE_HOPS; h++)
		sc->b.path.traversed[h] = h + 1;
	scene_judge(sc);
	assert_int_equal(response_hop(sc, &p), 3);
	scene_free(sc);
	sc = scene_new_response(60);
	sc->r.s.resets[1].facts.ttl = 61;
	scene_judge(sc);
	assert_int_equal(response_hop(sc, &p), 0);
	scene_free(sc);
	/* The server's own TTL, although a hop would fit it too. */
	sc = scene_new_response(62);
	sc->out.path.server_ttl = 62;
	scene_judge(sc);
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
		sc = scene_new_response(58);
		sc->b.id_follow = 3;
		sc->r.s.conns[3].tcb.answer_ns = CLOCK_S;
		if (server != 0) {
			sc->b.post.cause[INFER_SERVER] = 0.95;
			sc->b.post.cause[INFER_RESPONSE] = 0.03;
		}
		scene_judge(sc);
		assert_int_equal(response_hop(sc, &p), 0);
		if (server != 0)
			scene_assert_reason(
			    sc, "rewriting-possible", "look the same");
		else
			scene_assert_reason(sc, "response-rewritten",
			    "tells nothing of the place");
		assert_int_equal(
		    scene_find_reason(sc, "response-rewritten") == NULL,
		    server);
		scene_free(sc);
	}
}

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
	scene_judge(sc);
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
	scene_add_arm(sc, TRIAL_CONTROL, 0, 3);
	scene_add_arm(sc, TRIAL_FULL, 2, 3);
	scene_add_burst(sc, 4, 62, false);
	scene_set_device(sc, 3, 0.01, 0.965);
	for (int h = 1; h <= SCENE_HOPS; h++)
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

		scene_add_probe(
		    sc, scene_add_trial(sc, TRIAL_FULL, TRIAL_SETTLED, 1), 64);
		r = scene_add_reset(sc, 63, CLOCK_MS);
		r->facts.id_echoed = true;
		sc->b.clues.echo = echo;
		scene_add_burst(sc, 2, 1, false);
		scene_set_device(sc, 1, 0, 0.99);
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
	scene_add_arm(sc, TRIAL_FULL, 1, 1);
	scene_add_burst(sc, 4, 61, true);
	scene_set_device(sc, 4, 0.99, 0);
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
	scene_add_arm(sc, TRIAL_FULL, 3, 3);
	scene_add_burst(sc, 0, 0, true);
	scene_set_device(sc, 6, 0, 0.04);
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
	struct scene *sc = scene_new_response(58);

	(void)state;
	sc->b.id_follow = 3;
	fill_by_hand(sc);
	assert_weights(sc, rows, ROWS(rows));
	scene_free(sc);
}

static double
reason_weight_of(const struct scene *sc, const char *code)
{
	const struct reason *r = scene_find_reason(sc, code);

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

	scene_update(sc, true);
	scene_judge(sc);
	assert_true(sc->out.verdict.has_odds);
	assert_int_equal(e->one.cause, cause);
	assert_int_equal(e->one.hop, hop);
	sum = e->prior;
	for (size_t i = 0; i < INFER_EVIDENCES; i++)
		sum += e->weight[i];
	assert_near(sum, e->log_odds, 1e-9);
	assert_near(e->log_odds,
	    log(of_posterior(sc, &e->one) / of_posterior(sc, &e->other)), 1e-9);
}

static void
test_odds(void **state)
{
	struct scene *sc = scene_new();
	const struct infer_explanation *e = &sc->out.verdict.odds;

	(void)state;
	scene_add_arm(sc, TRIAL_FULL, 2, 2);
	scene_add_burst(sc, 4, 62, false);
	/* What waits still counts as silent for the odds too. */
	scene_add_probe(sc, scene_add_trial(sc, TRIAL_FULL, TRIAL_SENT, 1), 64);
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

	scene_add_arm(sc, TRIAL_FULL, 6, 6);
	for (size_t i = 0; i < 6; i++) {
		sc->r.s.resets[i].facts.ttl = 58;
		sc->r.s.probes[i].rst_ttl = 58;
		sc->r.s.probes[i].drew_ns += 30 * CLOCK_MS;
	}
	scene_add_silent(sc, true, 6);
	return sc;
}

/* Each kind of verdict that the posterior gives is what its odds are of. */
static void
test_odds_of_causes(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	scene_add_arm(sc, TRIAL_FULL, 0, 12);
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
	scene_update(sc, true);
	assert_odds(sc, INFER_DEVICE, sc->b.post.best_hop);
	assert_int_equal(sc->out.verdict.odds.other.cause, INFER_SERVER);
	assert_true(sc->out.verdict.odds.log_odds < 0);
	scene_free(sc);

	/* Named by a TTL alone. */
	sc = scene_new();
	sc->ask.trigger = RESULT_TRIGGER_NONE;
	scene_add_arm(sc, TRIAL_CONTROL, 0, 1);
	sc->r.s.conns[0].tcb.client_ttl = 64;
	sc->ask.n_rst_ttls = sc->out.n_given_ttls = 1;
	sc->ask.rst_ttls[0] = sc->out.given_ttls[0] = 63;
	sc->out.path.n_hops = SCENE_HOPS;
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
	scene_add_arm(sc, TRIAL_FULL, 1, 1);
	scene_update(sc, true);
	scene_judge(sc);
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
			scene_add_arm(sc, TRIAL_FULL, 3, 3);
			scene_add_arm(sc, TRIAL_FULL, 0, 30);
		} else if (i == 1) { /* broken off */
			scene_add_arm(sc, TRIAL_FULL, 0, 2);
			sc->out.head.interrupted = SIGINT;
		} else { /* a block remains */
			scene_add_arm(sc, TRIAL_FULL, 3, 3);
		}
		scene_update(sc, true);
		sc->b.clues.blocked = i == 2;
		scene_judge(sc);
		assert_int_equal(sc->out.verdict.kind, RESULT_UNDETERMINED);
		assert_false(sc->out.verdict.has_odds);
		for (size_t k = 0; k < sc->out.verdict.reasons.n; k++)
			assert_true(sc->out.verdict.reasons.r[k].weight == 0);
		scene_free(sc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("what the dice are rolled for, where clear", test_firing),
	    PROVES("its hops, by the TTL alone, on trust", test_response_hops),
	    PROVES("by the hops' own way back; none where TTLs differ",
		test_response_ways),
	    PROVES("a rewritten answer names no hop", test_rewritten),
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
	};

	return cmocka_run_group_tests_name(
	    "verdict_reasons", tests, NULL, NULL);
}
