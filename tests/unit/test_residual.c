/*
 * Residual blocks, measured: of what, and for how long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rsthop/block.h>
#include <rsthop/figures.h>
#include <rsthop/verdict_reasons.h>

#include "proves.h"
#include "residual_scene.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

static void
test_lengths(void **state)
{
	static const int64_t ms[] = {400, 1500, 5000, 9000, 14000, 21000};
	struct scene *sc;
	int tuple4;

	(void)state;
	for (size_t i = 0; i < 2 * ROWS(ms); i++) {
		tuple4 = i >= ROWS(ms);
		sc = scene_new(0);
		sc->dev.block_ns = ms[i % ROWS(ms)] * CLOCK_MS;
		sc->dev.tuple4 = tuple4 != 0;
		scene_measure(sc);
		assert_length(sc,
		    tuple4 != 0 ? RESULT_SCOPE_4TUPLE : RESULT_SCOPE_3TUPLE,
		    sc->dev.block_ns, RESULT_NO);
		scene_free(sc);
	}
}

/* Polls without an end would never let it end. */
static void
test_refreshed(void **state)
{
	static const int64_t ms[] = {400, 2500, 5000};
	struct scene *sc;

	(void)state;
	for (size_t i = 0; i < ROWS(ms); i++) {
		sc = scene_new(0);
		sc->dev.block_ns = ms[i] * CLOCK_MS;
		sc->dev.refresh = true;
		scene_measure(sc);
		assert_length(
		    sc, RESULT_SCOPE_3TUPLE, sc->dev.block_ns, RESULT_YES);
		scene_free(sc);
	}
}

/* Two connections more; that from another port is a control like any. */
static void
test_none(void **state)
{
	struct scene *sc = scene_new(0);
	int64_t before;

	(void)state;
	scene_draw_first(sc);
	before = sc->sw->now_ns;
	assert_int_equal(residual_measure(&sc->r, &sc->f), 0);
	assert_true(sc->r.residual.measured);
	assert_int_equal(sc->r.residual.scope, RESULT_SCOPE_NONE);
	/* None is opened for it: the trace's takes a control. */
	assert_int_equal(sc->sw->n_conns, 3);
	assert_int_equal(block_count_clean(&sc->r, TRIAL_CONTROL, false), 2);
	assert_false(sc->r.s.conns[0].closed);
	assert_int_equal(block_count_spoiled(&sc->r), 0);
	assert_true(sc->sw->now_ns - before < CLOCK_S / 4);
	assert_false(block_meets_trials(&sc->r));
	scene_free(sc);
}

/* One reset is no block. */
static void
test_fluke(void **state)
{
	struct scene *sc = scene_new(0);

	(void)state;
	scene_draw_first(sc);
	sc->dev.flukes = 1;
	assert_int_equal(residual_measure(&sc->r, &sc->f), 0);
	assert_int_equal(sc->dev.flukes, 0);
	assert_true(sc->r.residual.measured);
	assert_int_equal(sc->r.residual.scope, RESULT_SCOPE_NONE);
	scene_free(sc);
}

/*
 * A reset that is lost on its way does not end the block, also where no
 * connection may be opened to confirm that.
 */
static void
test_loss(void **state)
{
	struct scene *sc = scene_new(0);

	(void)state;
	sc->dev.block_ns = 5 * CLOCK_S;
	scene_draw_first(sc);
	sc->dev.lost = 6;
	sc->r.alone = true;
	assert_int_equal(residual_measure(&sc->r, &sc->f), 0);
	assert_int_equal(sc->dev.lost, 0);
	assert_length(sc, RESULT_SCOPE_3TUPLE, 5 * CLOCK_S, RESULT_NO);
	scene_free(sc);
}

/* What expires before the server it does not see: connections ask, fewer. */
static void
test_by_connections(void **state)
{
	struct scene *sc;

	(void)state;
	for (int tuple4 = 0; tuple4 < 2; tuple4++) {
		/* That of a port counts where the port is used again. */
		sc = scene_new(tuple4 != 0 ? 40123 : 0);
		sc->dev.block_ns = 5 * CLOCK_S;
		sc->dev.tuple4 = tuple4 != 0;
		sc->dev.least_ttl = SCENE_HOPS;
		scene_measure(sc);
		assert_length(sc,
		    tuple4 != 0 ? RESULT_SCOPE_4TUPLE : RESULT_SCOPE_3TUPLE,
		    5 * CLOCK_S, RESULT_NO);
		assert_in_range(sc->sw->n_conns, 15, 40);
		/* None of those that met the block is a control. */
		assert_int_equal(
		    block_count_clean(&sc->r, TRIAL_CONTROL, true), 0);
		scene_free(sc);
	}
}

/* Where a talk comes first, hardly any connection is opened to ask. */
static int
no_talk(void *ctx, struct talk *out, struct fault *f)
{
	(void)ctx;
	(void)out;
	(void)f;
	return 0;
}

static void
test_gentle(void **state)
{
	struct scene *sc = scene_new(0);

	(void)state;
	sc->ask.maker.make = no_talk; /* the session has none to begin */
	sc->dev.block_ns = 5 * CLOCK_S;
	scene_measure(sc);
	assert_length(sc, RESULT_SCOPE_3TUPLE, 5 * CLOCK_S, RESULT_NO);
	/* The trace's, two arms; one that confirms it is over, one fired. */
	assert_int_equal(sc->sw->n_conns, 5);
	scene_free(sc);
}

/* It ends by its bound, and says no more than it saw. */
static void
test_endless(void **state)
{
	struct scene *sc = scene_new(0);
	int64_t before;

	(void)state;
	sc->dev.block_ns = 1000 * CLOCK_S;
	scene_draw_first(sc);
	before = sc->sw->now_ns;
	assert_int_equal(residual_measure(&sc->r, &sc->f), 0);
	assert_in_range(sc->sw->now_ns - before, 20 * CLOCK_S, 31 * CLOCK_S);
	assert_int_equal(sc->r.residual.scope, RESULT_SCOPE_3TUPLE);
	assert_int_equal(sc->r.residual.length_ns, 0);
	assert_int_equal(sc->r.residual.hi_ns, 0);
	assert_in_range(sc->r.residual.lo_ns, CLOCK_S, 31 * CLOCK_S);
	assert_true(sc->r.residual.seen_ns > 20 * CLOCK_S);
	assert_int_equal(sc->r.residual.refreshed, RESULT_UNSURE);
	assert_true(block_is_on(&sc->r));
	assert_false(block_spaces_trials(&sc->r));
	scene_free(sc);
}

static void
test_cooldown(void **state)
{
	struct scene *sc = scene_new(0);
	size_t sent;

	(void)state;
	sc->dev.block_ns = 5 * CLOCK_S;
	scene_draw_first(sc);
	sc->ask.cooldown_ns = CLOCK_S;
	sent = sc->sw->n_sent;
	assert_int_equal(residual_measure(&sc->r, &sc->f), 0);
	assert_false(sc->r.residual.measured);
	assert_int_equal(sc->sw->n_sent, sent);
	scene_free(sc);
}

static const char *
reason_text(const struct scene *sc)
{
	const struct reasons *rs = &sc->out.verdict.reasons;

	for (size_t i = 0; i < rs->n; i++)
		if (strcmp(rs->r[i].code, "residual-block") == 0)
			return rs->r[i].text;
	return "";
}

static void
test_words(void **state)
{
	static const struct {
		struct result_residual r;
		const char *words[2];
	} rows[] = {
	    {{.scope = RESULT_SCOPE_3TUPLE,
		 .length_ns = 5100 * CLOCK_MS,
		 .hi_ns = 5300 * CLOCK_MS},
		{"for 5.1 s", "(3-tuple)."}},
	    {{.scope = RESULT_SCOPE_4TUPLE,
		 .length_ns = 1500 * CLOCK_MS,
		 .hi_ns = 1600 * CLOCK_MS,
		 .refreshed = RESULT_YES},
		{"for 1.5 s", "(4-tuple); what meets the block prolongs"}},
	    {{.scope = RESULT_SCOPE_3TUPLE,
		 .seen_ns = 28 * CLOCK_S,
		 .lo_ns = 4400 * CLOCK_MS},
		{"for longer than 28.0 s", "a silence of more than 4.4 s"}},
	    {{.scope = RESULT_SCOPE_NONE}, {"", ""}},
	};
	struct scene *sc;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		sc = scene_new(0);
		scene_draw_first(sc);
		sc->r.residual = rows[i].r;
		sc->r.residual.measured = true;
		assert_int_equal(figures_fill(&sc->r, &sc->out, &sc->f), 0);
		verdict_fill_reasons(
		    &(struct verdict_basis){&sc->ask, &sc->r, &sc->b},
		    &sc->out);
		assert_int_equal(reason_text(sc)[0] != '\0',
		    rows[i].r.scope != RESULT_SCOPE_NONE);
		for (size_t k = 0; k < 2; k++)
			if (strstr(reason_text(sc), rows[i].words[k]) == NULL)
				fail_msg("\"%s\" says nothing of \"%s\"",
				    reason_text(sc), rows[i].words[k]);
		scene_free(sc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("a length, within its error", test_lengths),
	    PROVES("a block that what meets it prolongs", test_refreshed),
	    PROVES("no block", test_none),
	    PROVES("one control that was reset is no block", test_fluke),
	    PROVES("a reset that is lost ends no block", test_loss),
	    PROVES("by connections, where nothing can be injected",
		test_by_connections),
	    PROVES(
		"where a talk comes first, few connections ask", test_gentle),
	    PROVES("a block that outlasts the measurement", test_endless),
	    PROVES("with --cooldown nothing is measured", test_cooldown),
	    PROVES("the words of the reason", test_words),
	};

	return cmocka_run_group_tests_name("residual", tests, NULL, NULL);
}
