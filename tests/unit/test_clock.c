/*
 * Instants as text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include <rsthop/clock.h>

#include "proves.h"

static void
check_utc(int64_t unix_ns, const char *want)
{
	char b[CLOCK_TEXT];

	clock_format_utc(unix_ns, b, sizeof(b));
	assert_string_equal(b, want);
}

static void
test_utc(void **state)
{
	(void)state;
	check_utc(0, "1970-01-01T00:00:00.000000Z");
	check_utc(INT64_C(1795366380) * CLOCK_S + 123456 * CLOCK_US + 999,
	    "2026-11-22T16:53:00.123456Z");
	check_utc(INT64_C(951782399) * CLOCK_S + CLOCK_S - 1,
	    "2000-02-28T23:59:59.999999Z");
	check_utc(INT64_C(951782400) * CLOCK_S, "2000-02-29T00:00:00.000000Z");
	check_utc(INT64_MAX, "2262-04-11T23:47:16.854775Z");
}

static void
test_before_1970(void **state)
{
	(void)state;
	check_utc(-1, "1969-12-31T23:59:59.999999Z");
	check_utc(-CLOCK_S, "1969-12-31T23:59:59.000000Z");
	check_utc(INT64_MIN, "1677-09-21T00:12:43.145224Z");
}

static void
check_local(const char *tz, const char *want)
{
	char b[CLOCK_TEXT];

	setenv("TZ", tz, 1);
	tzset();
	clock_format_local(
	    INT64_C(1795366380) * CLOCK_S + 999 * CLOCK_MS, b, sizeof(b));
	assert_string_equal(b, want);
}

/* Zones in POSIX form, which need no zone database. */
static void
test_local(void **state)
{
	(void)state;
	check_local("XST-8", "00:53:00 +0800");
	check_local("XST3:30", "13:23:00 -0330");
	check_local("UTC0", "16:53:00 +0000");
}

static void
test_small_buffer(void **state)
{
	char b[8];

	(void)state;
	memset(b, 'x', sizeof(b));
	clock_format_utc(0, b, 5);
	assert_string_equal(b, "1970");
	assert_int_equal(b[5], 'x');
	clock_format_local(0, b, 3);
	assert_int_equal(strlen(b), 2);
	assert_int_equal(b[5], 'x');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("UTC is RFC 3339 with microseconds", test_utc),
	    PROVES("instants before 1970 round down too", test_before_1970),
	    PROVES("local time carries its offset", test_local),
	    PROVES("a small buffer is not overrun", test_small_buffer),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
