/*
 * The beginning of a connection to MySQL: greetings and logins, whole, cut at
 * every byte, and with each byte changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/mysql.h>
#include <rsthop/text.h>

#include "proves.h"

/* Protocol 10, "8.0.36", connection 7, challenge, capabilities df ff ff f7. */
#define GREETING                       \
	"2c000000 0a 382e302e333600"   \
	"07000000 0102030405060708 00" \
	"fff7 ff 0200 ffdf 15"         \
	"00000000000000000000"         \
	"090a0b0c0d0e0f1011121300"

#define FILLER "0000000000000000000000000000000000000000000000"

static const struct login {
	const char *what, *hex;
	bool good, tls;
	const char *user, *database;
} logins[] = {
    {"a length before the answer, and a database",
	"2d000001 08820000 00000001 21" FILLER "616e6e00 04deadbeef 646200",
	true, false, "ann", "db"},
    {"a length-encoded answer, more behind the database",
	"31000001 0882a000 00000001 ff" FILLER "61 00 04deadbeef 646200"
	"6d7973716c00",
	true, false, "a", "db"},
    {"an answer of 300 bytes cannot be in so short a packet",
	"2d000001 0882a000 00000001 ff" FILLER "61 00 fc2c01deadbeef6462 00",
	false, false, "", ""},
    {"an answer up to its NUL",
	"29000001 08020000 00000001 21" FILLER "61 00 dead00 64623200", true,
	false, "a", "db2"},
    {"no database where the capabilities tell of none",
	"27000001 00820000 00000001 21" FILLER "61 00 04deadbeef", true, false,
	"a", ""},
    {"a database without its NUL is none",
	"29000001 08820000 00000001 21" FILLER "61 00 04deadbeef 6462", true,
	false, "a", ""},
    {"an SSLRequest", "20000001 008a0000 00000001 21" FILLER, true, true, "",
	""},
    {"so short a packet without TLS", "20000001 00820000 00000001 21" FILLER,
	false, false, "", ""},
    {"the protocol before 4.1",
	"27000001 00800000 00000001 21" FILLER "61 00 04deadbeef", false, false,
	"", ""},
    {"a command: sequence number 0",
	"27000000 00820000 00000001 21" FILLER "61 00 04deadbeef", false, false,
	"", ""},
    {"a user without an end", "22000001 00820000 00000001 21" FILLER "6161",
	false, false, "", ""},
};
#define LOGINS (sizeof(logins) / sizeof(logins[0]))

static uint8_t *
bytes(const char *hex, size_t *n)
{
	struct fault f = {0};
	uint8_t *p;

	if (text_from_hex("bytes", hex, &p, n, &f) != 0)
		fail_msg("%s", f.text);
	return p;
}

static void
test_packet(void **state)
{
	static const uint8_t p[] = {2, 0, 0, 9, 0xaa, 0xbb, 0xcc};
	struct mysql_packet m;

	(void)state;
	print_message("a packet is its length, its number and its body\n");
	assert_true(mysql_parse_packet(p, sizeof(p), &m));
	assert_int_equal(m.seq, 9);
	assert_int_equal(m.len, 2);
	assert_int_equal(m.size, 6);
	assert_ptr_equal(m.body, p + 4);
	assert_false(mysql_parse_packet(p, 5, &m));
	assert_false(mysql_parse_packet(p, 3, &m));
}

static void
test_greeting(void **state)
{
	struct mysql_greeting g;
	size_t n;
	uint8_t *p = bytes(GREETING, &n);

	(void)state;
	print_message("a greeting gives its version and capabilities\n");
	p[0] = (uint8_t)(n - MYSQL_HEADER);
	assert_true(mysql_parse_greeting(p, n, &g));
	assert_string_equal(g.version, "8.0.36");
	assert_int_equal(g.capabilities, 0xdffff7ffu);
	print_message("another protocol, a later packet, an error are none\n");
	p[4] = 9;
	assert_false(mysql_parse_greeting(p, n, &g));
	p[4] = 0xff;
	assert_false(mysql_parse_greeting(p, n, &g));
	p[4] = 10;
	p[3] = 1;
	assert_false(mysql_parse_greeting(p, n, &g));
	free(p);
}

static void
test_logins(void **state)
{
	struct mysql_login l;

	(void)state;
	for (size_t i = 0; i < LOGINS; i++) {
		size_t n;
		uint8_t *p = bytes(logins[i].hex, &n);

		print_message("%s\n", logins[i].what);
		p[0] = (uint8_t)(n - MYSQL_HEADER);
		assert_int_equal(mysql_parse_login(p, n, &l), logins[i].good);
		if (logins[i].good) {
			assert_int_equal(l.asks_tls, logins[i].tls);
			assert_string_equal(l.user, logins[i].user);
			assert_string_equal(l.database, logins[i].database);
		}
		free(p);
	}
}

static void
test_long_user(void **state)
{
	uint8_t p[MYSQL_HEADER + 32 + 300 + 1] = {
	    77, 1, 0, 1, 0x00, 0x82}; /* 333 bytes */
	struct mysql_login l;

	(void)state;
	print_message("a name longer than any is no login\n");
	memset(p + MYSQL_HEADER + 32, 'x', 299);
	assert_false(mysql_parse_login(p, sizeof(p), &l));
	p[MYSQL_HEADER + 32 + MYSQL_NAME - 1] = '\0';
	print_message("... and one of just the room is\n");
	p[MYSQL_HEADER + 32 + MYSQL_NAME] = 4;
	assert_true(mysql_parse_login(p, sizeof(p), &l));
	assert_int_equal(strlen(l.user), MYSQL_NAME - 1);
}

/* All of it that fits, in memory of that very size. */
static void
parse_cut(const uint8_t *p, size_t len, bool *good)
{
	uint8_t *part = malloc(len + (len == 0));
	struct mysql_greeting g;
	struct mysql_login l;

	assert_non_null(part);
	memcpy(part, p, len);
	*good = mysql_parse_greeting(part, len, &g) ||
	    mysql_parse_login(part, len, &l);
	free(part);
}

static void
test_prefixes(void **state)
{
	(void)state;
	print_message("no prefix of a packet is one, with its own length; with "
		      "that of the prefix all reads stay within it\n");
	for (size_t i = 0; i <= LOGINS; i++) {
		size_t n;
		uint8_t *p = bytes(i < LOGINS ? logins[i].hex : GREETING, &n);
		bool good;

		for (size_t len = 0; len < n; len++) {
			p[0] = (uint8_t)(n - MYSQL_HEADER);
			parse_cut(p, len, &good);
			assert_false(good);
			if (len < MYSQL_HEADER)
				continue;
			p[0] = (uint8_t)(len - MYSQL_HEADER);
			parse_cut(p, len, &good);
		}
		free(p);
	}
}

static void
test_changed_bytes(void **state)
{
	(void)state;
	print_message("each byte as each of its values is read in bounds\n");
	for (size_t i = 0; i <= LOGINS; i++) {
		size_t n;
		uint8_t *p = bytes(i < LOGINS ? logins[i].hex : GREETING, &n);
		bool good;

		p[0] = (uint8_t)(n - MYSQL_HEADER);
		for (size_t at = 0; at < n; at++) {
			uint8_t was = p[at];

			for (int v = 0; v < 256; v++) {
				p[at] = (uint8_t)v;
				parse_cut(p, n, &good);
			}
			p[at] = was;
		}
		free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("packet", test_packet),
	    PROVES("greeting", test_greeting),
	    PROVES("logins", test_logins),
	    PROVES("long user", test_long_user),
	    PROVES("prefixes", test_prefixes),
	    PROVES("changed bytes", test_changed_bytes),
	};

	return cmocka_run_group_tests_name("mysql", tests, NULL, NULL);
}
