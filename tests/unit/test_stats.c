/*
 * stats: against values that others have computed, and by brute force.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <rsthop/stats.h>

#include "../rng_unit.h"
#include "proves.h"

#define DRAWS	20000
#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

static void
near(double seen, double wanted, double by)
{
	if (!(fabs(seen - wanted) <= by))
		fail_msg("%.6f is not %.6f", seen, wanted);
}

/*
 * The twins and the lady tasting tea are the examples of R's fisher.test(),
 * one-sided there; the others were counted with exact integers.
 */
static void
test_fisher(void **state)
{
	static const struct {
		struct stats_count arm, control;
		double p;
	} rows[] = {
	    {{3, 4}, {1, 4}, 0.2428571}, /* the lady tasting tea */
	    {{4, 4}, {0, 4}, 0.01428571},
	    {{3, 3}, {0, 3}, 0.05},
	    {{10, 13}, {2, 17}, 0.0004652}, /* Fisher's twins */
	    {{4, 8}, {0, 8}, 0.03846154},
	    {{1, 5}, {0, 3}, 0.625},
	    {{0, 7}, {0, 7}, 1},
	    {{2, 9}, {3, 9}, 0.8529412},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		near(stats_fisher_strata(&rows[i].arm, &rows[i].control, 1),
		    rows[i].p, 1e-6);
	near(stats_fisher_strata(
		 &(struct stats_count){1, 2}, &(struct stats_count){0, 0}, 1),
	    -1, 0);
}

/* The sum over all pairs of tables, written out. */
static double
two_strata_by_hand(const struct stats_count *a, const struct stats_count *c)
{
	unsigned int want = a[0].k + a[1].k;
	double p = 0;

	for (unsigned int i = 0; i <= a[0].k + c[0].k; i++)
		for (unsigned int j = 0; j <= a[1].k + c[1].k; j++) {
			unsigned int x = a[0].k + c[0].k - i;
			unsigned int y = a[1].k + c[1].k - j;

			if (i + j < want || i > a[0].n || j > a[1].n ||
			    x > c[0].n || y > c[1].n)
				continue;
			p += exp(stats_log_choose(a[0].n, i) +
			    stats_log_choose(c[0].n, x) -
			    stats_log_choose(a[0].n + c[0].n, i + x) +
			    stats_log_choose(a[1].n, j) +
			    stats_log_choose(c[1].n, y) -
			    stats_log_choose(a[1].n + c[1].n, j + y));
		}
	return p;
}

static void
test_strata(void **state)
{
	static const struct stats_count arms[][2] = {
	    {{1, 4}, {3, 4}}, {{3, 3}, {2, 2}}, {{2, 9}, {5, 6}}};
	static const struct stats_count controls[][2] = {
	    {{0, 3}, {0, 3}}, {{0, 1}, {0, 2}}, {{1, 8}, {2, 6}}};

	(void)state;
	for (size_t i = 0; i < ROWS(arms); i++)
		near(stats_fisher_strata(arms[i], controls[i], 2),
		    two_strata_by_hand(arms[i], controls[i]), 1e-9);
	/* All hits in the trigger arms: the product of both. */
	near(stats_fisher_strata(arms[1], controls[1], 2), 1.0 / 24, 1e-9);
}

static void
test_empty_stratum(void **state)
{
	static const struct stats_count arms[] = {{3, 3}, {4, 9}};
	static const struct stats_count controls[] = {{0, 3}, {0, 0}};

	(void)state;
	near(stats_fisher_strata(arms, controls, 2), 0.05, 1e-9);
	near(stats_fisher_strata(arms + 1, controls + 1, 1), -1, 0);
}

/* Worked out apart from it with z = 1.959963985. */
static void
test_wilson(void **state)
{
	double lo, hi;

	(void)state;
	stats_wilson((struct stats_count){4, 8}, &lo, &hi);
	near(lo, 0.2152161, 1e-6);
	near(hi, 0.7847839, 1e-6);
	stats_wilson((struct stats_count){0, 10}, &lo, &hi);
	near(lo, 0, 1e-12);
	near(hi, 0.2775328, 1e-6);
	stats_wilson((struct stats_count){10, 10}, &lo, &hi);
	near(lo, 0.7224672, 1e-6);
	near(hi, 1, 1e-12);
	/* More packets than 32 bits count. */
	stats_wilson_packets(UINT64_C(1) << 40, UINT64_C(1) << 41, &lo, &hi);
	near(lo, 0.499999339, 1e-9);
	near(hi, 0.500000661, 1e-9);
	stats_wilson((struct stats_count){0, 0}, &lo, &hi);
	near(lo, 0, 0);
	near(hi, 1, 0);
}

/* Two groups: the two-sided test of Fisher, as R's fisher.test() has it. */
static void
test_two_groups(void **state)
{
	static const struct {
		struct stats_count g[2];
		double p;
	} rows[] = {
	    {{{3, 4}, {1, 4}}, 0.4857143},
	    {{{10, 13}, {2, 17}}, 0.0005367}, /* Fisher's twins */
	    {{{4, 8}, {4, 8}}, 1},
	    {{{5, 5}, {0, 5}}, 0.007936508},
	};
	struct rng rng;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		rng_seed(&rng, 1 + i);
		near(stats_homogeneity(rows[i].g, 2, DRAWS, &rng), rows[i].p,
		    4 * sqrt(rows[i].p / DRAWS) + 1e-4);
	}
}

/* Three groups of two trials, two hits: 9 tables in one of five kinds. */
static void
test_three_groups(void **state)
{
	/* Both hits in one group: 3 of the C(6, 2) = 15 ways. */
	static const struct stats_count one[] = {{2, 2}, {0, 2}, {0, 2}};
	/* One hit in each of two groups: the likeliest kind. */
	static const struct stats_count two[] = {{1, 2}, {1, 2}, {0, 2}};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 7);
	near(stats_homogeneity(one, 3, DRAWS, &rng), 0.2, 0.012);
	near(stats_homogeneity(two, 3, DRAWS, &rng), 1, 1e-9);
}

/* 5 of 16 ports always, the others never. */
static void
test_by_flow(void **state)
{
	struct stats_count g[16];
	struct rng rng;

	(void)state;
	for (size_t i = 0; i < ROWS(g); i++)
		g[i] = (struct stats_count){i % 3 == 1 ? 3 : 0, 3};
	rng_seed(&rng, 3);
	assert_true(stats_homogeneity(g, ROWS(g), DRAWS, &rng) < 0.001);
}

/*
 * Under one rate it must not cry wolf: of many tables at 5 %, about 5 % or
 * fewer are significant.
 */
static void
test_size(void **state)
{
	unsigned int tables = 400, wrong = 0;
	struct stats_count g[8];
	struct rng rng;
	double p;

	(void)state;
	rng_seed(&rng, 11);
	for (unsigned int t = 0; t < tables; t++) {
		for (unsigned int i = 0; i < ROWS(g); i++) {
			g[i] = (struct stats_count){0, 4};
			for (unsigned int k = 0; k < 4; k++)
				g[i].k += rng_unit(&rng) < 0.3;
		}
		p = stats_homogeneity(g, ROWS(g), 500, &rng);
		wrong += p >= 0 && p <= 0.05;
	}
	assert_true(wrong <= tables * 8 / 100);
}

static void
test_nothing_to_compare(void **state)
{
	static const struct stats_count none[] = {{0, 3}, {0, 3}};
	static const struct stats_count all[] = {{3, 3}, {2, 2}};
	static const struct stats_count alone[] = {{1, 3}, {0, 0}};
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	near(stats_homogeneity(none, 2, DRAWS, &rng), -1, 0);
	near(stats_homogeneity(all, 2, DRAWS, &rng), -1, 0);
	near(stats_homogeneity(alone, 2, DRAWS, &rng), -1, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES(
		"Fisher's one-sided test gives the known values", test_fisher),
	    PROVES("pairs of arms count together, each by its own margins",
		test_strata),
	    PROVES("a pair without controls says nothing", test_empty_stratum),
	    PROVES("Wilson's interval gives the known values", test_wilson),
	    PROVES("two groups: Fisher's two-sided test", test_two_groups),
	    PROVES("three groups: as counted by hand", test_three_groups),
	    PROVES("5 of 16 ports always, others never: no one rate",
		test_by_flow),
	    PROVES("one rate is seldom taken for several", test_size),
	    PROVES("no hits, hits alone, one group: nothing to compare",
		test_nothing_to_compare),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
