/*
 * What a client asked for: MySQL, HTTP and TLS, cut at every byte, and what
 * several requests have in common.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/text.h>
#include <rsthop/trigger.h>

#include "proves.h"

#define HELLO                                                                \
	"160301004a010000460303000102030405060708090a0b0c0d0e0f101112131415" \
	"161718191a1b1c1d1e1f0000021301010000"                               \
	"1b"                                                                 \
	"000500050100000000"                                                 \
	"0000000e000c0000"                                                   \
	"09612e6578616d706c65"

static const struct request {
	const char *what;
	const char *bytes; /* C escapes; hex where is_hex */
	bool is_hex;
	enum trigger_protocol protocol;
	const char *command, *key;
} requests[] = {
    {"COM_INIT_DB names its database", "\\x03\\0\\0\\0\\x02db", false,
	TRIGGER_MYSQL, "COM_INIT_DB", "db"},
    {"COM_QUERY gives its statement", "\\x07\\0\\0\\0\\x03use db", false,
	TRIGGER_MYSQL, "COM_QUERY", "use db"},
    {"COM_QUERY of 8.0.23 skips its counts",
	"\\x09\\0\\0\\0\\x03\\0\\x01use db", false, TRIGGER_MYSQL, "COM_QUERY",
	"use db"},
    {"COM_PING has no words", "\\x01\\0\\0\\0\\x0e", false, TRIGGER_MYSQL,
	"COM_PING", ""},
    {"a MySQL length that lies is none", "\\x04\\0\\0\\0\\x02db", false,
	TRIGGER_UNKNOWN, "", ""},
    {"a MySQL answer, sequence number 1, is none", "\\x03\\0\\0\\x01\\x02db",
	false, TRIGGER_UNKNOWN, "", ""},
    {"binary behind a MySQL command is none", "\\x03\\0\\0\\0\\x02\\x01\\x02",
	false, TRIGGER_UNKNOWN, "", ""},
    {"GET gives its Host",
	"GET /a HTTP/1.1\\r\\nhOsT: \\tb.example \\r\\n\\r\\n", false,
	TRIGGER_HTTP, "GET", "b.example"},
    {"a Host behind the header is none",
	"GET / HTTP/1.1\\r\\n\\r\\nHost: x\\r\\n", false, TRIGGER_HTTP, "GET",
	""},
    {"a request of HTTP/0.9 is none", "GET /a\\r\\nHost: x\\r\\n", false,
	TRIGGER_UNKNOWN, "", ""},
    {"a ClientHello gives its server's name", HELLO, true, TRIGGER_TLS,
	"ClientHello", "a.example"},
    {"words of no protocol are none", "hello, world", false, TRIGGER_UNKNOWN,
	"", ""},
};
#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

static uint8_t *
bytes_of(const struct request *r, size_t *n)
{
	struct fault f;
	uint8_t *p;
	int rc = r->is_hex ? text_from_hex("request", r->bytes, &p, n, &f)
			   : text_unescape("request", r->bytes, &p, n, &f);

	assert_int_equal(rc, 0);
	return p;
}

static void
test_requests(void **state)
{
	struct trigger t;
	size_t n;

	(void)state;
	for (size_t i = 0; i < REQUESTS; i++) {
		const struct request *r = &requests[i];
		uint8_t *p = bytes_of(r, &n);
		bool known = trigger_parse(p, n, n, &t);

		print_message("%s\n", r->what);
		assert_int_equal(known, r->protocol != TRIGGER_UNKNOWN);
		assert_int_equal(t.protocol, r->protocol);
		assert_string_equal(t.command, r->command);
		assert_string_equal(t.key, r->key);
		free(p);
	}
}

/* Each prefix stands in memory of its very size: a read beyond it is seen. */
static void
test_prefixes(void **state)
{
	struct trigger t;
	size_t n;

	(void)state;
	print_message("every prefix, told as cut or as whole, is read within "
		      "its bounds, and gives no key that is not there\n");
	for (size_t i = 0; i < REQUESTS; i++) {
		uint8_t *p = bytes_of(&requests[i], &n);

		for (size_t len = 0; len < n; len++) {
			uint8_t *part = malloc(len + (len == 0));

			assert_non_null(part);
			memcpy(part, p, len);
			trigger_parse(part, len, len, &t);
			trigger_parse(part, len, n, &t);
			if (t.key[0] != '\0')
				assert_memory_equal(t.key, requests[i].key, 1);
			free(part);
		}
		free(p);
	}
}

static void
test_cut_hello(void **state)
{
	struct trigger t;
	uint8_t *p;
	size_t n;

	(void)state;
	print_message("a ClientHello cut before its name is still one\n");
	p = bytes_of(&requests[10], &n);
	assert_true(trigger_parse(p, n - 12, n, &t));
	assert_int_equal(t.protocol, TRIGGER_TLS);
	assert_string_equal(t.key, "");
	free(p);
}

static void
test_long_key(void **state)
{
	uint8_t p[600] = "GET / HTTP/1.1\r\nHost: ";
	struct trigger t;

	(void)state;
	print_message("a name that is too long is cut, not overrun\n");
	memset(p + 22, 'x', 500);
	memcpy(p + 522, "\r\n", 2);
	assert_true(trigger_parse(p, 524, 524, &t));
	assert_int_equal(strlen(t.key), TRIGGER_KEY - 1);
}

static struct trigger_bytes
words(const char *s)
{
	return (struct trigger_bytes){(const uint8_t *)s, strlen(s)};
}

static void
test_common(void **state)
{
	struct trigger_bytes s[3] = {
	    words("select 1; use db"), words("use db -- x"), words("-use db-")};
	const uint8_t *at;

	(void)state;
	print_message("the longest bytes that all have in common are found\n");
	assert_int_equal(trigger_common(s, 3, &at), 6);
	assert_memory_equal(at, "use db", 6);
	print_message("of one alone it is all of it, of none nothing\n");
	assert_int_equal(trigger_common(s, 1, &at), s[0].len);
	assert_ptr_equal(at, s[0].p);
	assert_int_equal(trigger_common(s, 0, &at), 0);
	assert_null(at);
	print_message("what has nothing in common gives nothing\n");
	s[1] = words("XYZ");
	assert_int_equal(trigger_common(s, 2, &at), 0);
	s[1] = words("");
	assert_int_equal(trigger_common(s, 2, &at), 0);
}

/* abc in all three, yet not in what the first two have as their longest. */
static void
test_common_not_greedy(void **state)
{
	struct trigger_bytes s[3] = {
	    words("12345 abc"), words("abc 12345"), words("zabcz")};
	const uint8_t *at;

	(void)state;
	print_message("... even where two of them share a longer run\n");
	assert_int_equal(trigger_common(s, 3, &at), 3);
	assert_memory_equal(at, "abc", 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("requests", test_requests),
	    PROVES("prefixes", test_prefixes),
	    PROVES("cut hello", test_cut_hello),
	    PROVES("long key", test_long_key),
	    PROVES("common", test_common),
	    PROVES("common not greedy", test_common_not_greedy),
	};

	return cmocka_run_group_tests_name("trigger", tests, NULL, NULL);
}
