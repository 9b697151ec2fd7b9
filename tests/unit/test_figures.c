/*
 * The figures of a report, from campaigns that are written down by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proves.h"
#include "verdict_scene.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

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
		scene_add_arm(sc, TRIAL_FULL, rows[i].k, rows[i].n);
		scene_fill_figures(sc);
		assert_int_equal(sc->out.reproduction.trials, rows[i].n);
		assert_int_equal(sc->out.reproduction.resets, rows[i].k);
		assert_near(sc->out.reproduction.rate, rows[i].rate, 1e-12);
		assert_near(sc->out.reproduction.rate_lo, rows[i].lo, 1e-6);
		assert_near(sc->out.reproduction.rate_hi, rows[i].hi, 1e-6);
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
		scene_add_arm(sc, TRIAL_FULL, rows[i].k, rows[i].n);
		scene_add_arm(sc, TRIAL_CONTROL, rows[i].ck, rows[i].cn);
		scene_fill_figures(sc);
		assert_int_equal(
		    sc->out.reproduction.control_trials, rows[i].cn);
		assert_int_equal(
		    sc->out.reproduction.control_resets, rows[i].ck);
		assert_near(sc->out.reproduction.p_value, rows[i].p, 1e-8);
		scene_free(sc);
	}
}

/* Trials that were never sent are none. */
static void
test_what_counts(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	scene_add_arm(sc, TRIAL_FULL, 1, 2);
	scene_add_trial(sc, TRIAL_FULL, TRIAL_FAILED, 0);
	scene_add_trial(sc, TRIAL_FULL, TRIAL_SPOILED, 0);
	scene_add_trial(sc, TRIAL_FULL, TRIAL_OPENING, 0);
	scene_add_trial(sc, TRIAL_FULL, TRIAL_SENT, 0);
	scene_add_burst(sc, 4, 62, true);
	scene_fill_figures(sc);
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
	scene_add_arm(sc, TRIAL_FULL, 1, 1);
	scene_add_burst(sc, 5, 60, true);
	scene_add_burst(sc, 4, 60, true);
	scene_add_burst(sc, 0, 0, true);
	scene_fill_figures(sc);
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
	scene_add_arm(sc, TRIAL_FULL, 1, 4);
	scene_add_arm(sc, TRIAL_CONTROL, 0, 3);
	for (size_t i = 0; i < 4; i++)
		scene_add_burst(sc, 4, 60, true);
	scene_fill_figures(sc);
	assert_near(sc->out.reproduction.p_value, 4.0 / 7, 1e-9);
	locate_result_free(&sc->out);
	sc->out.n_by_ttl = 0;
	for (size_t i = 0; i < 3; i++) {
		scene_add_burst(sc, 0, 0, true);
		sc->r.trials[sc->r.n_trials - 1].kind = TRIAL_CONTROL_BURST;
		sc->r.s.conns[sc->r.s.n_conns - 1].arm = ARM_CONTROL;
	}
	scene_fill_figures(sc);
	assert_near(sc->out.reproduction.p_value, 4.0 / 7 / 35, 1e-9);
	assert_int_equal(sc->out.reproduction.burst_trials, 4);
	assert_int_equal(sc->out.reproduction.burst_resets, 4);
	assert_int_equal(sc->out.reproduction.control_burst_trials, 3);
	assert_int_equal(sc->out.reproduction.control_burst_resets, 0);
	assert_int_equal(sc->out.by_ttl[0].trials, 4);
	assert_int_equal(sc->out.by_ttl[5].resets, 4);
	assert_near(sc->out.by_ttl[5].rate, 1, 1e-12);
	assert_near(sc->out.by_ttl[5].rate_lo, 0.5101, 1e-4);
	assert_near(sc->out.by_ttl[0].rate_hi, 0.4899, 1e-4);
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
	scene_fill_figures(sc);
	assert_true(sc->out.reproduction.latency_ns == -1);
	for (size_t i = 0; i < 6; i++) {
		t = scene_add_trial(sc, TRIAL_FULL, TRIAL_SETTLED, 1);
		scene_add_probe(sc, t, 64);
		scene_add_reset(sc, 62, i < 3 ? ms[i] * CLOCK_MS : CLOCK_S);
	}
	sc->r.s.resets[3].answers_alive = true;
	sc->r.s.resets[4].late = true;
	sc->r.s.resets[5].facts.latency_ns = -1;
	scene_fill_figures(sc);
	assert_int_equal(sc->out.n_resets, 4);
	assert_true(sc->out.reproduction.latency_ns == 5 * CLOCK_MS);
	scene_free(sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("the rate and Wilson's interval", test_rate),
	    PROVES("Fisher's exact test, one-sided", test_p_value),
	    PROVES("only what was sent counts", test_what_counts),
	    PROVES("shots and resets by TTL, and the threshold", test_by_ttl),
	    PROVES("control bursts count with bursts", test_control_bursts),
	    PROVES("the median latency of what is known", test_latency),
	};

	return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
