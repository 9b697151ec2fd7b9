/*
 * The random numbers: the same for the same seed, and evenly spread.  All of
 * it is seeded, so that a test that passes once passes always.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/rng.h>

#include "../rng_unit.h"
#include "proves.h"

static void
test_deterministic(void **state)
{
	struct rng a, b, other;
	int same = 0;

	(void)state;
	rng_seed(&a, 42);
	rng_seed(&b, 42);
	rng_seed(&other, 43);
	for (int i = 0; i < 1000; i++) {
		uint64_t v = rng_u64(&a);

		assert_true(v == rng_u64(&b));
		same += v == rng_u64(&other);
	}
	assert_int_equal(same, 0);
}

/*
 * splitmix64 from 0 begins with 0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4,
 * 0x06c45d188009454f, 0xf88bb8a8724c81ec, its published values; xoshiro256**
 * gives rotl(s[1] * 5, 7) * 9 first.
 */
static void
test_known(void **state)
{
	struct rng r;
	uint64_t x;

	(void)state;
	rng_seed(&r, 0);
	assert_true(r.s[0] == UINT64_C(0xe220a8397b1dcdaf));
	assert_true(r.s[1] == UINT64_C(0x6e789e6aa1b965f4));
	assert_true(r.s[2] == UINT64_C(0x06c45d188009454f));
	assert_true(r.s[3] == UINT64_C(0xf88bb8a8724c81ec));
	x = r.s[1] * 5;
	x = (x << 7 | x >> 57) * 9;
	assert_true(rng_u64(&r) == x);
	/* From the state 1, 2, 3, 4 the generator's first values. */
	r = (struct rng){{1, 2, 3, 4}};
	assert_true(rng_u64(&r) == 11520);
	assert_true(rng_u64(&r) == 0);
	assert_true(rng_u64(&r) == 1509978240);
	assert_true(rng_u64(&r) == UINT64_C(1215971899390074240));
}

/* Chi-squared over n boxes: far beyond it by chance once in 10^6 seeds. */
static void
check_even(uint32_t n, double limit)
{
	unsigned int count[64] = {0};
	double chi = 0, want = 64000.0 / n;
	struct rng r;

	rng_seed(&r, n);
	for (int i = 0; i < 64000; i++) {
		uint32_t v = rng_below(&r, n);

		assert_true(v < n);
		count[v]++;
	}
	for (uint32_t i = 0; i < n; i++)
		chi += (count[i] - want) * (count[i] - want) / want;
	print_message("%u boxes: chi-squared %.1f\n", n, chi);
	assert_true(chi < limit);
}

static void
test_below(void **state)
{
	struct rng r;

	(void)state;
	check_even(2, 24);
	check_even(7, 38);
	check_even(64, 130);
	rng_seed(&r, 1);
	for (int i = 0; i < 100; i++)
		assert_int_equal(rng_below(&r, 1), 0);
}

/*
 * Of these, x % n would give the lowest third twice as often as the rest, and
 * x * n >> 32 every third.
 */
static void
test_no_bias(void **state)
{
	uint32_t n = UINT32_C(3) << 30, low = 0, thirds = 0;
	struct rng r;

	(void)state;
	rng_seed(&r, 5);
	for (int i = 0; i < 30000; i++) {
		uint32_t v = rng_below(&r, n);

		low += v < n / 3;
		thirds += v % 3 == 0;
	}
	print_message("%u of 30000 in the lowest third, %u multiples of 3\n",
	    low, thirds);
	assert_in_range(low, 9600, 10400);
	assert_in_range(thirds, 9600, 10400);
}

static void
test_unit(void **state)
{
	double sum = 0, lowest = 1, highest = 0;
	struct rng r;

	(void)state;
	rng_seed(&r, 9);
	for (int i = 0; i < 100000; i++) {
		double v = rng_unit(&r);

		assert_true(v >= 0 && v < 1);
		sum += v;
		lowest = v < lowest ? v : lowest;
		highest = v > highest ? v : highest;
	}
	assert_true(sum > 49500 && sum < 50500);
	assert_true(lowest < 0.001 && highest > 0.999);
	/* The greatest 64 bits still give less than 1. */
	assert_true((double)(UINT64_MAX >> 11) * 0x1.0p-53 < 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("one seed gives one sequence", test_deterministic),
	    PROVES(
		"seeding and stepping give the published values", test_known),
	    PROVES("rng_below is even", test_below),
	    PROVES("rng_below has no modulo bias", test_no_bias),
	    PROVES("rng_unit fills [0, 1)", test_unit),
	};

	return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
