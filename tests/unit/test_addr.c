/*
 * Addresses, endpoints and five-tuples.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <rsthop/addr.h>

#include "proves.h"

static struct addr
parse(const char *s)
{
	struct addr a;

	if (addr_parse(s, &a) == -1)
		fail_msg("%s was refused", s);
	return a;
}

static void
test_text(void **state)
{
	static const char *const same[] = {"0.0.0.0", "10.0.0.5",
	    "255.255.255.255", "::", "::1", "2001:db8::5",
	    "2001:db8:1:2:3:4:5:6", "fe80::1", "::ffff:1.2.3.4",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
	char b[ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct addr a = parse(same[i]);

		assert_string_equal(addr_format(&a, b), same[i]);
		assert_int_equal(
		    a.version, strchr(same[i], ':') == NULL ? 4 : 6);
	}
	assert_string_equal(addr_format(&(struct addr){0}, b), "-");
}

static void
test_refused(void **state)
{
	static const char *const words[] = {"", "localhost", "1.2.3",
	    "1.2.3.4 ", "1.2.3.256", "1.2.3.4.5", "01.2.3.4x", "[::1]",
	    "::1%eth0", ":::", "2001:db8", "1.2.3.4:80", "0x7f.1"};
	struct addr a = {.version = 9};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (addr_parse(words[i], &a) != -1)
			fail_msg("\"%s\" was taken", words[i]);
	assert_int_equal(a.version, 9);
}

static void
test_bytes(void **state)
{
	static const uint8_t v4[4] = {1, 2, 3, 4};
	static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 5};
	struct addr a = addr_from_v4(v4), b = addr_from_v6(v6);
	struct addr want4 = parse("1.2.3.4"), want6 = parse("2001:db8::5");

	(void)state;
	assert_true(addr_equal(&a, &want4));
	assert_true(addr_equal(&b, &want6));
	for (int i = 4; i < 16; i++)
		assert_int_equal(a.b[i], 0);
}

static void
test_equal(void **state)
{
	struct addr a = parse("1.2.3.4"), b = parse("1.2.3.5");
	struct addr c = parse("102:304::"), none = {0}, none2 = {.b = {7}};

	(void)state;
	assert_true(addr_equal(&a, &a));
	assert_false(addr_equal(&a, &b));
	/* The same bytes in the other version are another address. */
	assert_false(addr_equal(&a, &c));
	assert_false(addr_equal(&a, &none));
	assert_true(addr_equal(&none, &none2));
	assert_true(addr_is_none(&none));
	assert_false(addr_is_none(&a));
}

static void
test_flow_key(void **state)
{
	struct flow_key k = {
	    {parse("10.0.0.5"), 51514}, {parse("1.2.3.4"), 3306}};
	struct flow_key r = flow_key_reverse(&k), rr = flow_key_reverse(&r);

	(void)state;
	assert_false(flow_key_equal(&k, &r));
	assert_true(flow_key_equal(&k, &rr));
	assert_true(endpoint_equal(&k.src, &r.dst));
	assert_true(endpoint_equal(&k.dst, &r.src));
	rr.dst.port++;
	assert_false(flow_key_equal(&k, &rr));
	rr = k;
	rr.src.addr.b[3]++;
	assert_false(flow_key_equal(&k, &rr));
}

/* Equal ones hash alike whatever lies in the struct's padding. */
static void
test_hash(void **state)
{
	struct endpoint e, same, other;

	(void)state;
	memset(&e, 0, sizeof(e));
	memset(&same, 0xff, sizeof(same));
	e.addr = parse("10.0.0.5");
	same.addr = e.addr;
	e.port = same.port = 443;
	assert_true(endpoint_hash(1, &e) == endpoint_hash(1, &same));
	assert_true(endpoint_hash(1, &e) != endpoint_hash(2, &e));
	assert_true(addr_hash(1, &e.addr) == addr_hash(1, &same.addr));
	assert_true(addr_hash(1, &e.addr) != addr_hash(2, &e.addr));
	other = e;
	other.port = 444;
	assert_true(endpoint_hash(1, &e) != endpoint_hash(1, &other));
	other = e;
	other.addr.version = 6;
	assert_true(endpoint_hash(1, &e) != endpoint_hash(1, &other));
	assert_true(addr_hash(1, &e.addr) != addr_hash(1, &other.addr));
	other.addr = parse("2001:db8::5");
	e.addr = parse("2001:db8::6");
	assert_true(endpoint_hash(1, &e) != endpoint_hash(1, &other));
	assert_true(addr_hash(1, &e.addr) != addr_hash(1, &other.addr));
}

static void
test_endpoint_text(void **state)
{
	struct endpoint e = {parse("1.2.3.4"), 80};
	char b[ADDR_ENDPOINT];

	(void)state;
	assert_string_equal(endpoint_format(&e, b), "1.2.3.4:80");
	e.addr = parse("2001:db8::5");
	e.port = 65535;
	assert_string_equal(endpoint_format(&e, b), "[2001:db8::5]:65535");
	/* The longest there is fits. */
	e.addr = parse("1111:2222:3333:4444:5555:6666:7777:8888");
	assert_string_equal(endpoint_format(&e, b),
	    "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

static void
check_sockaddr(const char *text, int family, size_t size)
{
	struct endpoint e = {parse(text), 0x1234}, back = {0};
	struct sockaddr_storage ss;

	memset(&ss, 0xa5, sizeof(ss));
	assert_int_equal(endpoint_to_sockaddr(&e, &ss), size);
	assert_int_equal(ss.ss_family, family);
	assert_int_equal(
	    endpoint_from_sockaddr((const struct sockaddr *)&ss, &back), 0);
	assert_true(endpoint_equal(&e, &back));
}

static void
test_sockaddr(void **state)
{
	struct endpoint e = {{0}, 80};
	struct sockaddr_storage ss = {.ss_family = AF_UNIX};

	(void)state;
	check_sockaddr("1.2.3.4", AF_INET, sizeof(struct sockaddr_in));
	check_sockaddr("2001:db8::5", AF_INET6, sizeof(struct sockaddr_in6));
	assert_int_equal(
	    endpoint_from_sockaddr((const struct sockaddr *)&ss, &e), -1);
	assert_int_equal(endpoint_to_sockaddr(&e, &ss), 0);
}

static void
test_mac(void **state)
{
	static const uint8_t mac[ADDR_MAC] = {0x58, 0x69, 0x6c, 0, 0xa, 0xff};
	char b[ADDR_MAC_TEXT];

	(void)state;
	assert_string_equal(addr_format_mac(mac, b), "58:69:6c:00:0a:ff");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("addresses read and write the same text", test_text),
	    PROVES("what is no numeric address is refused", test_refused),
	    PROVES("addresses are made from bytes", test_bytes),
	    PROVES("equal means version and bytes", test_equal),
	    PROVES(
		"a reversed five-tuple is the other direction", test_flow_key),
	    PROVES("a hash takes in version, bytes, port and seed", test_hash),
	    PROVES("endpoints are written with brackets in v6",
		test_endpoint_text),
	    PROVES("socket addresses go there and back", test_sockaddr),
	    PROVES("MACs are written in lower case", test_mac),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
