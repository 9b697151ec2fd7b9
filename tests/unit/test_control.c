/*
 * The control that is made from the trigger.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rsthop/control.h>

#include "proves.h"

static void
control(const char *in, size_t len, const char *want)
{
	uint8_t out[64];

	assert_true(len <= sizeof(out));
	control_default((const uint8_t *)in, len, out);
	assert_memory_equal(out, want, len);
}

static void
test_default_control(void **state)
{
	(void)state;
	control("use db", 6, "hfr qo");
	control("SELECT 1;", 9, "FRYRPG 6;");
	control("abcmnzABCMNZ", 12, "nopzamNOPZAM");
	control("0123456789", 10, "5678901234");
	control("GET /x\r\n", 8, "TRG /k\r\n");
	control("\x03\x00\x00\x01q", 5,
	    "\x03\x00\x00\x01"
	    "d");
	/* Nothing in it that turns: all bits do. */
	control("\x16\x03\x01\xff", 4, "\xe9\xfc\xfe\x00");
	control("-- !", 4, "\xd2\xd2\xdf\xde");
	control("", 0, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("the default control keeps length and shape",
		test_default_control),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
