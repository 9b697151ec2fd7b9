/*
 * run: what the trials of a round are sent with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rsthop/run.h>

#include "proves.h"
#include "verdict_scene.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

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

/* Where a control asks for a block, a refusal is the block's doing. */
static void
test_failures(void **state)
{
	struct scene *sc = scene_open();
	int trial;

	(void)state;
	for (int poll = 0; poll < 2; poll++) {
		sc->r.failures = 2;
		trial = run_begin_control(&sc->r, 0, &sc->f);
		assert_int_not_equal(trial, -1);
		sc->r.trials[trial].poll = poll != 0;
		sc->sw->conns[sc->sw->n_conns - 1].state = CONN_REFUSED;
		assert_int_equal(run_settle(&sc->r, true, &sc->f), 0);
		assert_int_equal(sc->r.trials[trial].state, TRIAL_FAILED);
		assert_int_equal(sc->r.failures, poll != 0 ? 2 : 3);
	}
	/* One that gets through ends the row. */
	assert_int_equal(full_leaves_with(sc), 64);
	assert_int_equal(run_settle(&sc->r, true, &sc->f), 0);
	assert_int_equal(sc->r.failures, 0);
	scene_free(sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES(
		"triggers at full TTL take other TTLs in turn", test_full_ttls),
	    PROVES("failures in a row, but of controls that ask for a block",
		test_failures),
	};

	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
