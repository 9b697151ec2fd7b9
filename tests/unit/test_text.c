/*
 * Growing strings, escapes, hex, and bytes made safe to show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/rng.h>
#include <rsthop/text.h>

#include "proves.h"

static void
test_grow(void **state)
{
	struct text t = {0};

	(void)state;
	assert_string_equal(text_str(&t), "");
	text_add(&t, "");
	assert_null(t.p);
	for (int i = 0; i < 1000; i++)
		text_addf(&t, "%03d,", i);
	assert_int_equal(t.len, 4000);
	assert_int_equal(strlen(text_str(&t)), 4000);
	assert_memory_equal(t.p + 4 * 517, "517,", 4);
	assert_false(t.bad);
	text_free(&t);
	assert_null(t.p);
	text_add(&t, "again");
	assert_string_equal(text_str(&t), "again");
	text_free(&t);
}

static void
test_add(void **state)
{
	struct text t = {0};

	(void)state;
	text_add_bytes(&t, "a\0b", 3);
	assert_int_equal(t.len, 3);
	assert_memory_equal(t.p, "a\0b", 4);
	text_pad(&t, '.', 3);
	text_pad(&t, '!', 0);
	text_pad(&t, '!', -5);
	text_addf(&t, "%s", "");
	assert_memory_equal(t.p, "a\0b...", 7);
	text_free(&t);
}

static void
test_no_memory(void **state)
{
	struct text t = {0};

	(void)state;
	text_add(&t, "kept");
	t.bad = true;
	text_add(&t, " lost");
	text_addf(&t, "%d", 1);
	text_pad(&t, 'x', 9);
	assert_string_equal(text_str(&t), "kept");
	text_free(&t);
	assert_false(t.bad);
	/* A length that no memory holds is caught before it wraps. */
	text_add_bytes(&t, "x", SIZE_MAX - 1);
	assert_true(t.bad);
	text_free(&t);
}

static void
check_unescape(const char *s, const char *want, size_t n)
{
	struct fault f = {0};
	uint8_t *p;
	size_t len;

	if (text_unescape("--payload", s, &p, &len, &f) == -1)
		fail_msg("%s", f.text);
	assert_int_equal(len, n);
	assert_memory_equal(p, want, n);
	assert_int_equal(p[len], 0);
	free(p);
}

static void
test_unescape(void **state)
{
	(void)state;
	check_unescape("", "", 0);
	check_unescape("use db", "use db", 6);
	check_unescape("GET /\\r\\n\\t", "GET /\r\n\t", 8);
	check_unescape("\\\\ \\\" \\'", "\\ \" '", 5);
	check_unescape("a\\0b", "a\0b", 3);
	check_unescape("\\x00\\xfF\\x7e", "\0\xff~", 3);
	check_unescape("\\x412", "A2", 2);
	check_unescape("\\101\\377\\0011",
	    "A\xff\001"
	    "1",
	    4);
	check_unescape("\\18", "\0018", 2);
	check_unescape("caf\xc3\xa9", "caf\xc3\xa9", 5);
}

static void
bad_unescape(const char *s, const char *at)
{
	struct fault f = {0};
	uint8_t *p = NULL;
	size_t len;
	char want[200];

	if (text_unescape("--payload", s, &p, &len, &f) != -1)
		fail_msg("\"%s\" was taken", s);
	assert_null(p);
	assert_int_equal(f.kind, FAULT_USAGE);
	snprintf(want, sizeof(want),
	    "--payload: no escape known (\\n \\r \\t \\0 \\\\ \\\" \\' \\xHH "
	    "\\ooo) at \"%s\"",
	    at);
	assert_string_equal(f.text, want);
}

static void
test_unescape_refuses(void **state)
{
	(void)state;
	bad_unescape("\\", "\\\\");
	bad_unescape("ab\\", "\\\\");
	bad_unescape("\\q", "\\\\q");
	bad_unescape("\\x", "\\\\x");
	bad_unescape("\\x4", "\\\\x4");
	bad_unescape("\\x4g", "\\\\x4g");
	bad_unescape("\\400", "\\\\400");
	bad_unescape("\\8", "\\\\8");
	bad_unescape("x\\\nrest of a line", "\\\\\\nrest o...");
}

static void
check_hex(const char *s, const char *want, size_t n)
{
	struct fault f = {0};
	uint8_t *p;
	size_t len;

	if (text_from_hex("--payload-hex", s, &p, &len, &f) == -1)
		fail_msg("%s", f.text);
	assert_int_equal(len, n);
	assert_memory_equal(p, want, n);
	assert_int_equal(p[len], 0);
	free(p);
}

static void
bad_hex(const char *s)
{
	struct fault f = {0};
	uint8_t *p = NULL;
	size_t len;

	if (text_from_hex("--payload-hex", s, &p, &len, &f) != -1)
		fail_msg("\"%s\" was taken", s);
	assert_null(p);
	assert_int_equal(f.kind, FAULT_USAGE);
}

static void
test_from_hex(void **state)
{
	(void)state;
	check_hex("", "", 0);
	check_hex(" :\n", "", 0);
	check_hex("757365206462", "use db", 6);
	check_hex("75 73:65\t20\n64 62 ", "use db", 6);
	check_hex("00fFAb", "\0\xff\xab", 3);
	bad_hex("7");
	bad_hex("757");
	bad_hex("7 5");
	bad_hex("7:5");
	bad_hex("0x75");
	bad_hex("75-73");
	bad_hex("zz");
}

static void
test_add_hex(void **state)
{
	struct text t = {0};

	(void)state;
	text_add_hex(&t, "use db\0\xff", 8);
	assert_string_equal(text_str(&t), "75736520646200ff");
	text_free(&t);
}

static void
check_safe(const char *s, size_t n, size_t max, const char *want)
{
	struct text t = {0};

	text_add_safe(&t, s, n, max);
	assert_string_equal(text_str(&t), want);
	text_free(&t);
}

static void
test_safe(void **state)
{
	(void)state;
	check_safe("", 0, 9, "");
	check_safe("use db", 6, 6, "use db");
	check_safe("use db", 6, 3, "use...");
	check_safe("use db", 6, 0, "...");
	check_safe("\033[2J\a\x7f\x80\0", 8, 9, "\\x1b[2J\\x07\\x7f\\x80\\x00");
	check_safe("a\r\n\t\\\"b", 7, 9, "a\\r\\n\\t\\\\\"b");
}

/* What is shown can be given back as --payload. */
static void
test_round_trip(void **state)
{
	uint8_t in[256];
	struct text t = {0};
	struct rng r;

	(void)state;
	rng_seed(&r, 3);
	for (int i = 0; i < 256; i++)
		in[i] = (uint8_t)i;
	for (int i = 0; i < 200; i++) {
		for (uint32_t k = 255; k > 0; k--) {
			uint32_t with = rng_below(&r, k + 1);
			uint8_t was = in[k];

			in[k] = in[with];
			in[with] = was;
		}
		text_add_safe(&t, in, sizeof(in), sizeof(in));
		check_unescape(text_str(&t), (const char *)in, sizeof(in));
		text_free(&t);
		text_add_hex(&t, in, sizeof(in));
		check_hex(text_str(&t), (const char *)in, sizeof(in));
		text_free(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("a text grows and can be used again", test_grow),
	    PROVES("bytes and padding are added", test_add),
	    PROVES("without memory it says so and stays whole", test_no_memory),
	    PROVES("C escapes become bytes", test_unescape),
	    PROVES(
		"other escapes are refused, and named", test_unescape_refuses),
	    PROVES("hex becomes bytes, and only hex", test_from_hex),
	    PROVES("bytes become hex", test_add_hex),
	    PROVES("hostile bytes are shown safely", test_safe),
	    PROVES(
		"what is shown reads back as the same bytes", test_round_trip),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
