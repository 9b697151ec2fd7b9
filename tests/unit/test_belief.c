/*
 * belief: from trials to the posterior.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proves.h"
#include "verdict_scene.h"

static void
test_update(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	scene_add_arm(sc, TRIAL_CONTROL, 0, 2);
	scene_add_arm(sc, TRIAL_FULL, 2, 2);
	scene_add_burst(sc, 4, 62, false);
	scene_update(sc, false);
	assert_int_equal(sc->r.load.last_ttl, SCENE_HOPS - 1);
	assert_int_equal(sc->b.post.best_hop, 3);
	assert_true(sc->b.post.at[3][PLACE_ROUTER] > 0.9);
	assert_int_equal(sc->b.path.hops, SCENE_HOPS);
	assert_int_equal(sc->b.path.server_ttl, 58);
	assert_int_equal(sc->b.path.traversed[3], 2);
	assert_int_equal(sc->b.path.traversed[SCENE_HOPS], -1);
	assert_false(sc->b.untagged);
	/* Asked again, it is the same. */
	scene_update(sc, false);
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
	for (int i = 1; i < SCENE_HOPS; i++) {
		add_trace_probe(sc, i, i != 5);
		add_trace_probe(sc, i, i != 5 && i != 2);
	}
	/* 9 of 10, but hop 5's. */
	scene_update(sc, false);
	assert_near(a[1], 10.0 / 11, 1e-9);
	assert_near(a[2], 1.1 / 2.2, 1e-9);
	assert_near(a[5], 0.1 / 2.2, 1e-9);
	scene_free(sc);
}

/* By steps or at once: the same posterior. */
static void
test_update_by_steps(void **state)
{
	struct scene *a = scene_new(), *b = scene_new();

	(void)state;
	for (int i = 0; i < 3; i++) {
		scene_add_arm(a, TRIAL_FULL, 1, 1);
		scene_add_burst(a, i == 1 ? 0 : 4, 62, false);
		scene_update(a, false);
		scene_add_arm(b, TRIAL_FULL, 1, 1);
		scene_add_burst(b, i == 1 ? 0 : 4, 62, false);
	}
	scene_update(b, false);
	for (int i = 1; i <= SCENE_HOPS; i++)
		assert_near(a->b.post.hop[i], b->b.post.hop[i], 1e-9);
	assert_near(a->b.post.drops, b->b.post.drops, 1e-9);
	scene_free(a);
	scene_free(b);
}

static void
assert_same(const struct infer_posterior *a, const struct infer_posterior *b)
{
	for (int i = 1; i <= SCENE_HOPS; i++)
		assert_near(a->hop[i], b->hop[i], 1e-9);
	for (int i = 0; i < INFER_CAUSES; i++)
		assert_near(a->cause[i], b->cause[i], 1e-9);
}

/* A clue that comes later is taken in once, and a changed path anew. */
static void
test_update_anew(void **state)
{
	struct scene *a = scene_new(), *b = scene_new();
	double before;

	(void)state;
	scene_add_arm(a, TRIAL_FULL, 2, 2);
	scene_add_arm(b, TRIAL_FULL, 2, 2);
	scene_update(a, false);
	before = a->b.post.cause[INFER_SERVER];
	a->r.s.conns[0].server_alive = RESULT_YES;
	b->r.s.conns[0].server_alive = RESULT_YES;
	scene_update(a, false);
	assert_true(a->b.post.cause[INFER_SERVER] < 0.1 * before);
	scene_update(a, false);
	scene_update(b, false);
	assert_same(&a->b.post, &b->b.post);
	a->out.path.hops[2].responders[0].reply_ttl = 60;
	b->out.path.hops[2].responders[0].reply_ttl = 60;
	belief_free(&b->b);
	scene_update(a, false);
	scene_update(b, false);
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
	struct trial *t = scene_add_trial(sc, TRIAL_FULL, TRIAL_SETTLED, 1);
	double settled, assumed;

	(void)state;
	/* As the server's own would come. */
	scene_add_probe(sc, t, 64);
	scene_add_reset(sc, 58, 21 * CLOCK_MS);
	scene_update(sc, false);
	settled = sc->b.post.cause[INFER_DEVICE];
	scene_add_silent(sc, true, 4);
	for (int i = 0; i < 4; i++)
		sc->r.trials[1 + i].state = TRIAL_SENT;
	scene_update(sc, true);
	assumed = sc->b.post.cause[INFER_DEVICE];
	assert_true(assumed < 0.9 * settled);
	scene_update(sc, false);
	assert_near(sc->b.post.cause[INFER_DEVICE], settled, 1e-12);
	for (int i = 0; i < 4; i++)
		sc->r.trials[1 + i].state = TRIAL_SETTLED;
	scene_update(sc, false);
	assert_near(sc->b.post.cause[INFER_DEVICE], assumed, 1e-9);
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
	scene_add_arm(a, TRIAL_FULL, 2, 2);
	scene_update(a, false);
	before = a->b.post;
	scene_add_silent(a, false, 4);
	scene_update(a, false);
	assert_same(&a->b.post, &before);
	assert_false(a->b.clues.tags_pass || a->b.marks[2].counted);
	/* Nor is it assumed of those that wait. */
	a->r.trials[5].state = TRIAL_SENT;
	scene_update(a, true);
	assert_same(&a->b.post, &before);
	a->r.trials[5].state = TRIAL_SETTLED;
	/* A plain one's counts, and a plain one's reset vouches for no tag. */
	scene_add_silent(a, true, 1);
	scene_update(a, false);
	assert_true(a->b.post.cause[INFER_DEVICE] < before.cause[INFER_DEVICE]);
	scene_add_burst(a, 4, 62, false);
	a->r.trials[a->r.n_trials - 1].plain = true;
	scene_update(a, false);
	assert_false(a->b.clues.tags_pass || a->b.marks[2].counted);
	before = a->b.post;
	/* Once a tagged one draws, all of them do, as if known before. */
	scene_add_burst(a, 4, 62, false);
	scene_update(a, false);
	assert_true(a->b.clues.tags_pass && a->b.marks[2].counted);
	assert_true(a->b.post.rate < before.rate);
	scene_add_arm(b, TRIAL_FULL, 2, 2);
	scene_add_silent(b, false, 4);
	scene_add_silent(b, true, 1);
	scene_add_burst(b, 4, 62, false);
	b->r.trials[b->r.n_trials - 1].plain = true;
	scene_add_burst(b, 4, 62, false);
	scene_update(b, false);
	assert_same(&a->b.post, &b->b.post);
	scene_free(a);
	scene_free(b);
}

/* Resets in frames of one who never sent anything else: before hop 1. */
static void
test_own_segment(void **state)
{
	static const uint8_t stranger[ADDR_MAC] = {2, 0, 0, 0, 0, 9};
	struct scene *sc = scene_new(), *beyond = scene_new();
	struct infer_posterior *p = &sc->b.post;

	(void)state;
	scene_add_arm(sc, TRIAL_FULL, 3, 3);
	scene_add_arm(beyond, TRIAL_FULL, 3, 3);
	for (size_t i = 0; i < 3; i++) {
		sc->r.s.resets[i].facts.ttl = 64;
		sc->r.s.probes[i].rst_ttl = 64;
		beyond->r.s.resets[i].facts.ttl = 64;
		beyond->r.s.probes[i].rst_ttl = 64;
		memcpy(sc->r.s.resets[i].facts.mac, stranger, ADDR_MAC);
	}
	scene_update(sc, false);
	scene_update(beyond, false);
	assert_true(sc->b.clues.own_segment);
	assert_false(beyond->b.clues.own_segment);
	print_message("  wire before hop 1: %.4f by its frames, else %.4f\n",
	    p->at[1][PLACE_WIRE], beyond->b.post.at[1][PLACE_WIRE]);
	assert_true(p->at[1][PLACE_WIRE] > 0.95);
	assert_true(beyond->b.post.at[1][PLACE_WIRE] < 0.8);
	scene_judge(sc);
	assert_int_equal(sc->out.verdict.hop, 1);
	assert_int_equal(sc->out.verdict.place, PLACE_WIRE);
	scene_assert_reason(sc, "mac-differs", "comes from 02:00:00:00:00:09");
	scene_assert_reason(
	    sc, "mac-differs", "packets from 02:00:00:00:00:01");
	scene_judge(beyond);
	assert_null(scene_find_reason(beyond, "mac-differs"));
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
		scene_add_arm(sc, TRIAL_FULL, 1, 2);
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
		scene_update(sc, false);
		assert_int_equal(sc->b.clues.own_segment, i == 0);
		scene_free(sc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests_name("belief", tests, NULL, NULL);
}
