/*
 * Residual blocks: what is made of trials that met one, or would.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rsthop/block.h>
#include <rsthop/figures.h>

#include "proves.h"
#include "residual_scene.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Trials wait for the end of the block that the last firing began; of a block
 * of the five-tuple only where one source port was asked for.
 */
static void
test_spacing(void **state)
{
	static const struct {
		uint16_t port;
		bool tuple4, waits;
	} rows[] = {
	    {0, false, true},
	    {0, true, false},
	    {41234, false, true},
	    {41234, true, true},
	};
	struct scene *sc;
	int64_t one, two;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		sc = scene_new(rows[i].port);
		sc->dev.block_ns = 3 * CLOCK_S;
		sc->dev.tuple4 = rows[i].tuple4;
		scene_measure(sc);
		assert_length(sc,
		    rows[i].tuple4 ? RESULT_SCOPE_4TUPLE : RESULT_SCOPE_3TUPLE,
		    3 * CLOCK_S, RESULT_NO);
		assert_int_equal(block_meets_trials(&sc->r), rows[i].waits);
		assert_int_equal(block_spaces_trials(&sc->r), rows[i].waits);
		one = scene_draw_again(sc);
		two = scene_draw_again(sc);
		assert_int_equal(two - one > 3 * CLOCK_S, rows[i].waits);
		assert_true(two - one < 4 * CLOCK_S);
		assert_int_equal(block_count_spoiled(&sc->r), 0);
		scene_free(sc);
	}
}

/* The first tagged burst shows at once that tags tell: nothing waits then. */
static void
test_tags(void **state)
{
	static const struct shot_plan plans[] = {
	    {.kind = TRIAL_BURST}, {.kind = TRIAL_BURST}, {.kind = TRIAL_FULL}};
	struct scene *sc = scene_new(0);
	int64_t before;

	(void)state;
	sc->dev.block_ns = 5 * CLOCK_S;
	scene_measure(sc);
	before = sc->sw->now_ns;
	assert_true(block_spaces_trials(&sc->r));
	assert_int_equal(run_trials(&sc->r, plans, 3, &sc->f), 0);
	assert_true(block_tags_name(&sc->r));
	assert_false(block_spaces_trials(&sc->r));
	assert_true(sc->sw->now_ns - before < CLOCK_S);
	/* What would have met the block without a tag was not sent. */
	assert_int_equal(rounds_count(&sc->r, TRIAL_BURST, false), 1);
	assert_int_equal(block_count_spoiled(&sc->r), 0);
	scene_free(sc);
}

/*
 * Sent within the block, on purpose: a trigger tells nothing, and is in no
 * figure; a tagged burst does; what comes after the block is in order.
 */
static void
test_contaminated(void **state)
{
	struct scene *sc = scene_new(0);
	struct rounds *rounds = &sc->r;

	(void)state;
	sc->dev.block_ns = 5 * CLOCK_S;
	scene_draw_first(sc);
	scene_draw_again(sc);
	assert_int_equal(block_count_clean(rounds, TRIAL_FULL, true), 2);
	assert_int_equal(block_count_spoiled(rounds), 0);
	rounds->residual.measured = true;
	rounds->residual.scope = RESULT_SCOPE_3TUPLE;
	rounds->residual.lo_ns = rounds->residual.hi_ns = 5 * CLOCK_S;
	assert_int_equal(block_count_spoiled(rounds), 1);
	assert_int_equal(block_count_clean(rounds, TRIAL_FULL, true), 1);
	assert_int_equal(block_count_clean(rounds, TRIAL_CONTROL, false), 1);
	assert_int_equal(
	    run_trials(
		rounds, &(struct shot_plan){.kind = TRIAL_BURST}, 1, &sc->f),
	    0);
	assert_int_equal(block_count_clean(rounds, TRIAL_BURST, true), 1);
	assert_int_equal(block_await_end(rounds, &sc->f), 0);
	assert_true(sc->sw->now_ns > sc->dev.until_ns);
	scene_draw_again(sc);
	assert_int_equal(block_count_clean(rounds, TRIAL_FULL, true), 2);
	assert_int_equal(figures_fill(&sc->r, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.reproduction.trials, 2);
	assert_int_equal(sc->out.reproduction.control_trials, 1);
	assert_int_equal(sc->out.residual.contaminated, 1);
	scene_free(sc);
}

/* Of another port's block a trial minds nothing. */
static void
test_other_port(void **state)
{
	struct scene *sc = scene_new(0);
	struct rounds *rounds = &sc->r;

	(void)state;
	scene_draw_first(sc);
	scene_draw_again(sc);
	rounds->residual.measured = true;
	rounds->residual.scope = RESULT_SCOPE_4TUPLE;
	rounds->residual.lo_ns = rounds->residual.hi_ns = 5 * CLOCK_S;
	assert_int_equal(block_count_spoiled(rounds), 0);
	assert_int_equal(block_count_clean(rounds, TRIAL_FULL, true), 2);
	scene_free(sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("trials wait for the end of a block that meets them",
		test_spacing),
	    PROVES("nothing waits once a tag has told", test_tags),
	    PROVES("what was sent within a block is in no figure",
		test_contaminated),
	    PROVES("the block of another port spoils nothing", test_other_port),
	};

	return cmocka_run_group_tests_name("block", tests, NULL, NULL);
}
