/*
 * The number parser: what it takes, what it refuses, and in which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/num.h>

#include "proves.h"

static uint64_t
good_u64(const char *s, uint64_t lo, uint64_t hi)
{
	struct fault f = {0};
	uint64_t v = 77;

	if (num_u64("--n", s, lo, hi, &v, &f) == -1)
		fail_msg("%s", f.text);
	return v;
}

static void
bad_u64(const char *s, uint64_t lo, uint64_t hi, const char *text)
{
	struct fault f = {0};
	uint64_t v = 77;

	if (num_u64("--n", s, lo, hi, &v, &f) != -1)
		fail_msg("\"%s\" was taken", s);
	assert_int_equal(f.kind, FAULT_USAGE);
	assert_string_equal(f.text, text);
	assert_int_equal(v, 77);
}

static void
test_u64(void **state)
{
	(void)state;
	assert_true(good_u64("0", 0, 9) == 0);
	assert_true(good_u64("9", 0, 9) == 9);
	assert_true(good_u64("007", 0, 9) == 7);
	assert_true(
	    good_u64("18446744073709551615", 0, UINT64_MAX) == UINT64_MAX);
	assert_true(
	    good_u64("18446744073709551614", 0, UINT64_MAX) == UINT64_MAX - 1);
}

static void
test_u64_refuses(void **state)
{
	static const char *const words[] = {"", " ", "1 ", " 1", "+1", "-1",
	    "0x10", "1e3", "1.0", "ten", "1_000", "1,000", "\xd9\xa1"};
	struct fault f = {0};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (num_u64("--n", words[i], 0, UINT64_MAX, &v, &f) != -1)
			fail_msg("\"%s\" was taken", words[i]);
	bad_u64("ten", 0, 9, "--n: \"ten\" is not a whole number");
	bad_u64("", 0, 9, "--n: \"\" is not a whole number");
}

static void
test_u64_range(void **state)
{
	(void)state;
	bad_u64("10", 1, 9, "--n: \"10\" is out of range: give 1 to 9");
	bad_u64("0", 1, 9, "--n: \"0\" is out of range: give 1 to 9");
	bad_u64("18446744073709551616", 0, UINT64_MAX,
	    "--n: \"18446744073709551616\" is out of range: give 0 to "
	    "18446744073709551615");
	bad_u64("99999999999999999999999999", 0, 9,
	    "--n: \"99999999999999999999999999\" is out of range: give 0 to "
	    "9");
	/* Wraps round to 5 in 64 bits. */
	bad_u64("18446744073709551621", 0, 9,
	    "--n: \"18446744073709551621\" is out of range: give 0 to 9");
}

static void
test_one_line(void **state)
{
	(void)state;
	bad_u64(
	    "1\n2\033[m", 0, 9, "--n: \"1\\n2\\x1b[m\" is not a whole number");
	bad_u64("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee", 0, 9,
	    "--n: \"aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd...\" is not a "
	    "whole number");
}

static void
test_int(void **state)
{
	struct fault f = {0};
	int v = 77;

	(void)state;
	assert_int_equal(num_int("--n", "255", 1, 255, &v, &f), 0);
	assert_int_equal(v, 255);
	assert_int_equal(num_int("--n", "2147483647", 0, INT32_MAX, &v, &f), 0);
	assert_int_equal(v, INT32_MAX);
	assert_int_equal(
	    num_int("--n", "2147483648", 0, INT32_MAX, &v, &f), -1);
	assert_int_equal(num_int("--n", "256", 1, 255, &v, &f), -1);
	assert_string_equal(
	    f.text, "--n: \"256\" is out of range: give 1 to 255");
	assert_int_equal(num_int("--n", "-1", -5, 5, &v, &f), -1);
	assert_int_equal(v, INT32_MAX);
}

static double
good_double(const char *s)
{
	struct fault f = {0};
	double v;

	if (num_double("--p", s, 0, 1e18, &v, &f) == -1)
		fail_msg("%s", f.text);
	return v;
}

/* As exact as the compiler's own reading of the same digits. */
static void
test_double(void **state)
{
	(void)state;
	assert_true(good_double("0") == 0);
	assert_true(good_double("2") == 2);
	assert_true(good_double("0.95") == 0.95);
	assert_true(good_double(".5") == .5);
	assert_true(good_double("0.1") == 0.1);
	assert_true(good_double("3.141592653589") == 3.141592653589);
	assert_true(good_double("123456789.125") == 123456789.125);
	assert_true(good_double("0.00000000000000000001") < 1e-15);
	assert_true(good_double("0.33333333333333333333333") > 0.333333333333);
	assert_true(good_double("1000000000000000000") == 1e18);
}

static void
test_double_refuses(void **state)
{
	static const char *const words[] = {"", ".", "5.", "1..2", "1.2.3",
	    "-1", "+1", "1e3", "nan", "inf", "infinity", "0x1p3", " 1", "1 ",
	    "0,5", "1.x"};
	struct fault f = {0};
	char many[500];
	double v = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (num_double("--p", words[i], 0, 9, &v, &f) != -1)
			fail_msg("\"%s\" was taken", words[i]);
	assert_string_equal(f.text, "--p: \"1.x\" is not a decimal number");
	assert_int_equal(num_double("--p", "1.01", 0.5, 1, &v, &f), -1);
	assert_string_equal(
	    f.text, "--p: \"1.01\" is out of range: give 0.5 to 1");
	/* More than a double can hold. */
	memset(many, '9', sizeof(many));
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(num_double("--p", many, 0, 1e18, &v, &f), -1);
	assert_true(v == 77);
}

static void
test_bytes(void **state)
{
	static const char *const bad[] = {"", "K", "1KB", "1.5M", "-1", " 1",
	    "1T", "18446744073709551615G", "17179869184G", "3", "2M",
	    "111111111111111111111111111111111K"};
	struct fault f = {0};
	uint64_t v;

	(void)state;
	assert_int_equal(num_bytes("--n", "4", 4, 8, &v, &f), 0);
	assert_true(v == 4);
	assert_int_equal(num_bytes("--n", "3k", 0, 1 << 20, &v, &f), 0);
	assert_true(v == 3 << 10);
	assert_int_equal(num_bytes("--n", "2M", 0, UINT64_MAX, &v, &f), 0);
	assert_true(v == 2 << 20);
	assert_int_equal(num_bytes("--n", "5G", 0, UINT64_MAX, &v, &f), 0);
	assert_true(v == UINT64_C(5) << 30);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		v = 77;
		assert_int_equal(
		    num_bytes("--n", bad[i], 4, 1 << 20, &v, &f), -1);
		assert_int_equal(f.kind, FAULT_USAGE);
		assert_true(v == 77);
	}
}

static void
test_least_and_most(void **state)
{
	(void)state;
	assert_true(num_min64(-2, 1) == -2 && num_min64(1, -2) == -2);
	assert_true(num_max64(-2, 1) == 1 && num_max64(1, -2) == 1);
	assert_true(num_min64(INT64_MIN, INT64_MAX) == INT64_MIN);
	assert_true(num_max64(INT64_MIN, INT64_MAX) == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("the lesser and the larger of two, at the ends too",
		test_least_and_most),
	    PROVES("whole numbers up to 2^64 - 1 are read", test_u64),
	    PROVES("what is not all digits is refused", test_u64_refuses),
	    PROVES("what is out of range is refused", test_u64_range),
	    PROVES("a fault is one safe line, however bad the word",
		test_one_line),
	    PROVES("num_int keeps to its range", test_int),
	    PROVES("sizes take K, M and G, and nothing else", test_bytes),
	    PROVES("decimal fractions are read exactly", test_double),
	    PROVES(
		"what is no decimal fraction is refused", test_double_refuses),
	};

	return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
