/*
 * Presets: golden bytes, and requests and ClientHellos held to those that
 * clients sent (tests/data/presets).  Run from the root of the checkout.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include <rsthop/preset.h>
#include <rsthop/text.h>
#include <rsthop/trigger.h>

#include "proves.h"
#include "wire/cur.h"

#define DATA "tests/data/presets/"

static char *
read_file(const char *name)
{
	char path[128], *p = calloc(1, 8192);
	FILE *in;

	snprintf(path, sizeof(path), DATA "%s", name);
	in = fopen(path, "rb");
	assert_non_null(in);
	assert_non_null(p);
	assert_true(fread(p, 1, 8191, in) > 0);
	fclose(in);
	return p;
}

/* --- names --- */

/* s, n times, then end. */
static const char *
repeat(struct text *t, const char *s, int n, const char *end)
{
	text_free(t);
	for (int i = 0; i < n; i++)
		text_add(t, s);
	text_add(t, end);
	return text_str(t);
}

#define ELEVEN "abcdefghij."

static void
test_good_names(void **state)
{
	static const char *const names[] = {"a", "example.com", "A-1.b--c.D",
	    "xn--bcher-kva.example", "1.2.3.4", "3com.example", "localhost"};
	struct text t = {0};
	struct fault f;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(preset_check_name("-x", names[i], &f), 0);
	assert_int_equal(
	    preset_check_name("-x", repeat(&t, "a", 63, ".b"), &f), 0);
	assert_int_equal(
	    preset_check_name("-x", repeat(&t, ELEVEN, 22, "elevenchars"), &f),
	    0);
	assert_int_equal(t.len, 253);
	text_free(&t);
}

static void
expect_bad_name(const char *name, const char *words)
{
	struct fault f = {0};

	assert_int_equal(preset_check_name("--tls-sni", name, &f), -1);
	assert_int_equal(f.kind, FAULT_USAGE);
	assert_memory_equal(f.text, "--tls-sni: ", 11);
	if (strstr(f.text, words) == NULL)
		fail_msg("%s\nwanted: %s", f.text, words);
}

static void
test_bad_names(void **state)
{
	static const struct {
		const char *name, *words;
	} bad[] = {
	    {"", "empty; give a host's name"},
	    {".", "take the dot out"},
	    {"a..b", "take the dot out"},
	    {".a", "take the dot out"},
	    {"a.", "take the dot out"},
	    {"-a.b", "a hyphen"},
	    {"a-.b", "a hyphen"},
	    {"a.b-", "a hyphen"},
	    {"a_b", "is no host name"},
	    {"a b", "is no host name"},
	    {"a\x1b[2J", "\"a\\x1b[2J\" is no host name"},
	    {"b\xc3\xbc"
	     "cher.example",
		"xn-- form"},
	    {"a.example:80", "leave out port"},
	    {"http://a.example", "leave out port"},
	    {"a.example/x", "leave out port"},
	    {"a\r\nX: y", "\"a\\r\\nX"},
	};
	struct text t = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_bad_name(bad[i].name, bad[i].words);
	expect_bad_name(repeat(&t, "a", 64, ".b"), "over 63 letters");
	expect_bad_name(
	    repeat(&t, ELEVEN, 22, "twelve-chars"), "over 253 letters");
	assert_int_equal(t.len, 254);
	text_free(&t);
}

static void
expect_control(const char *name)
{
	char control[PRESET_NAME];
	struct fault f;

	preset_control_name(name, control);
	assert_int_equal(strlen(control), strlen(name));
	if (preset_check_name("-x", control, &f) == -1)
		fail_msg("%s: %s", name, f.text);
	assert_int_not_equal(strcasecmp(control, name), 0);
	if (strlen(name) > 8)
		assert_string_equal(control + strlen(control) - 8, ".example");
}

static void
test_control_names(void **state)
{
	static const char *const names[] = {"e", "E", "h", "example",
	    "Examples", "harmless", "a.example", "B.example", "aaa.example",
	    "www.example.com"};
	struct text t = {0};
	char control[PRESET_NAME];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		expect_control(names[i]);
	for (int n = 1; n <= 253; n++)
		expect_control(repeat(&t, "z", n, ""));
	text_free(&t);
	preset_control_name("www.example.com", control);
	assert_string_equal(control, "aaaaaaa.example");
	preset_control_name("aaaaaaa.example", control);
	assert_string_equal(control, "bbbbbbb.example");
	preset_control_name("db", control);
	assert_string_equal(control, "ex");
}

/* --- HTTP --- */

static void
expect_bytes(const uint8_t *p, size_t n, const char *want, size_t len)
{
	assert_int_equal(n, len);
	assert_memory_equal(p, want, len);
}

/* Headless, it says so; a browser with a head says Chrome. */
static void
test_request(void **state)
{
	char *want = read_file("chromium-156.request");
	char *head = strstr(want, "HeadlessChrome");
	struct fault f;
	struct trigger t;
	uint8_t *p;
	size_t n;

	(void)state;
	assert_non_null(head);
	memmove(head, head + 8, strlen(head + 8) + 1);
	assert_int_equal(
	    preset_http("-x", "example.com", 80, NULL, &p, &n, &f), 0);
	expect_bytes(p, n, want, strlen(want));
	assert_true(trigger_parse(p, n, n, &t));
	assert_string_equal(t.key, "example.com");
	free(p);
	free(want);
}

static void
test_request_parts(void **state)
{
	static const char want[] =
	    "GET /a%20b?c HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nConnection: ";
	struct fault f = {0};
	uint8_t *p = NULL;
	size_t n;

	(void)state;
	assert_int_equal(
	    preset_http("-x", "10.0.0.1", 8080, "/a%20b?c", &p, &n, &f), 0);
	assert_true(n > strlen(want));
	assert_memory_equal(p, want, strlen(want));
	assert_memory_equal(p + n - 4, "\r\n\r\n", 4);
	free(p);
	p = NULL;
	assert_int_equal(preset_http("-x", "a", 0, "b", &p, &n, &f), -1);
	assert_non_null(strstr(f.text, "begin it with /"));
	assert_int_equal(preset_http("-x", "a", 0, "/b c", &p, &n, &f), -1);
	assert_int_equal(preset_http("-x", "a", 0, "/\r\nb", &p, &n, &f), -1);
	assert_int_equal(preset_http("-x", "a", 0, "/\xc3", &p, &n, &f), -1);
	assert_non_null(strstr(f.text, "write them as %XX"));
	assert_int_equal(preset_http("-x", "a b", 0, "/", &p, &n, &f), -1);
	assert_int_equal(f.kind, FAULT_USAGE);
	assert_null(p);
}

/* --- TLS --- */

#define EXTENSIONS_MAX 32

struct hello {
	uint16_t record_version, version;
	size_t session, n_ciphers, n_ext, compressions;
	uint16_t ciphers[64];
	struct {
		uint16_t type;
		struct cur body;
	} ext[EXTENSIONS_MAX];
};

static bool
is_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static struct cur
sub16(struct cur *c)
{
	return cur_sub(c, cur_be16(c));
}

/* RFC 8446, sections 5.1 and 4.1.2; nothing may be left at any length's end. */
static void
parse_hello(const uint8_t *p, size_t n, struct hello *h)
{
	struct cur c = cur_new(p, n, 0), record, message, list;

	memset(h, 0, sizeof(*h));
	assert_int_equal(cur_u8(&c), 22);
	h->record_version = cur_be16(&c);
	record = sub16(&c);
	assert_int_equal(cur_left(&c), 0);
	assert_int_equal(cur_be16(&record), 0x0100);
	message = sub16(&record);
	assert_int_equal(cur_left(&record), 0);
	h->version = cur_be16(&message);
	cur_skip(&message, 32);
	h->session = cur_u8(&message);
	cur_skip(&message, h->session);
	list = sub16(&message);
	while (cur_left(&list) > 0 && h->n_ciphers < 64)
		h->ciphers[h->n_ciphers++] = cur_be16(&list);
	assert_false(list.bad);
	h->compressions = cur_be16(&message);
	list = sub16(&message);
	assert_int_equal(cur_left(&message), 0);
	while (cur_left(&list) > 0) {
		assert_true(h->n_ext < EXTENSIONS_MAX);
		h->ext[h->n_ext].type = cur_be16(&list);
		h->ext[h->n_ext++].body = sub16(&list);
		assert_false(list.bad);
	}
	assert_false(c.bad || record.bad || message.bad);
}

/* The body of an extension that must be there once. */
static struct cur
find_ext(const struct hello *h, uint16_t type)
{
	struct cur found = {0};
	size_t n = 0;

	for (size_t i = 0; i < h->n_ext; i++)
		if (h->ext[i].type == type) {
			found = h->ext[i].body;
			n++;
		}
	assert_int_equal(n, 1);
	return found;
}

/* A list of 16-bit values, all GREASE in it as 0x0a0a. */
static size_t
take_list(struct cur c, size_t head, uint16_t out[64])
{
	size_t n = 0;

	cur_skip(&c, head);
	while (cur_left(&c) > 0 && n < 64) {
		uint16_t v = cur_be16(&c);

		out[n++] = is_grease(v) ? 0x0a0a : v;
	}
	assert_false(c.bad);
	return n;
}

static void
expect_same_list(
    const struct hello *a, const struct hello *b, uint16_t type, size_t head)
{
	uint16_t x[64], y[64];
	size_t n = take_list(find_ext(a, type), head, x);

	assert_int_equal(take_list(find_ext(b, type), head, y), n);
	assert_memory_equal(x, y, n * sizeof(x[0]));
}

/* Groups and lengths of the shares. */
static size_t
take_shares(const struct hello *h, uint16_t out[16])
{
	struct cur c = find_ext(h, 51);
	size_t n = cur_be16(&c);

	assert_int_equal(n, cur_left(&c));
	n = 0;
	while (cur_left(&c) > 0 && n < 16) {
		uint16_t group = cur_be16(&c);
		struct cur key = sub16(&c);

		out[n++] = is_grease(group) ? 0x0a0a : group;
		out[n++] = (uint16_t)cur_left(&key);
	}
	assert_false(c.bad);
	return n;
}

static uint64_t
sort_of_types(const struct hello *h)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < h->n_ext; i++)
		if (!is_grease(h->ext[i].type))
			sum += (uint64_t)h->ext[i].type * h->ext[i].type;
	return sum;
}

/* Extensions whose bodies are always the same, bit for bit. */
static const uint16_t fixed[] = {
    0, 5, 11, 16, 18, 23, 27, 35, 45, 0x44cd, 0xca34, 0xff01};

static void
expect_like(const struct hello *ours, const struct hello *real)
{
	assert_int_equal(ours->record_version, real->record_version);
	assert_int_equal(ours->version, real->version);
	assert_int_equal(ours->session, real->session);
	assert_int_equal(ours->compressions, real->compressions);
	assert_int_equal(ours->n_ciphers, real->n_ciphers);
	assert_true(is_grease(ours->ciphers[0]));
	assert_true(is_grease(real->ciphers[0]));
	assert_memory_equal(ours->ciphers + 1, real->ciphers + 1,
	    (ours->n_ciphers - 1) * sizeof(ours->ciphers[0]));
	assert_int_equal(ours->n_ext, real->n_ext);
	assert_int_equal(sort_of_types(ours), sort_of_types(real));
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		struct cur a = find_ext(ours, fixed[i]);
		struct cur b = find_ext(real, fixed[i]);

		assert_int_equal(cur_left(&a), cur_left(&b));
		assert_memory_equal(a.p, b.p, cur_left(&a));
	}
	expect_same_list(ours, real, 13, 2);
	expect_same_list(ours, real, 43, 1);
}

/* First and last, and what is in them. */
static void
expect_grease_ends(const struct hello *h)
{
	size_t last = h->n_ext - 1;

	assert_true(is_grease(h->ext[0].type));
	assert_true(is_grease(h->ext[last].type));
	assert_int_not_equal(h->ext[0].type, h->ext[last].type);
	assert_int_equal(cur_left(&h->ext[0].body), 0);
	assert_int_equal(cur_left(&h->ext[last].body), 1);
	assert_int_equal(h->ext[last].body.p[0], 0);
	for (size_t i = 1; i < last; i++)
		assert_false(is_grease(h->ext[i].type));
}

/* The sham of an encrypted hello; gives the length of its payload. */
static size_t
expect_ech(const struct hello *h)
{
	struct cur c = find_ext(h, 0xfe0d), key, payload;

	assert_int_equal(cur_u8(&c), 0);
	assert_int_equal(cur_be32(&c), 0x00010001);
	cur_skip(&c, 1);
	key = sub16(&c);
	payload = sub16(&c);
	assert_false(c.bad);
	assert_int_equal(cur_left(&key), 32);
	assert_int_equal(cur_left(&c), 0);
	return cur_left(&payload);
}

static void
load_hello(const char *name, uint8_t **p, size_t *n, struct hello *h)
{
	char *hex = read_file(name);
	struct fault f;

	assert_int_equal(text_from_hex(name, hex, p, n, &f), 0);
	free(hex);
	parse_hello(*p, *n, h);
}

static size_t
make_hello(const char *sni, enum preset_tls kind, uint64_t seed, uint8_t **p,
    struct hello *h)
{
	struct fault f;
	struct rng r;
	size_t n;

	rng_seed(&r, seed);
	assert_int_equal(preset_tls_hello("-x", sni, kind, &r, p, &n, &f), 0);
	parse_hello(*p, n, h);
	return n;
}

static void
test_full(void **state)
{
	uint8_t *real_bytes, *p;
	struct hello real, ours;
	uint16_t x[16], y[16];
	unsigned int sizes = 0;
	size_t n, len;

	(void)state;
	load_hello("chromium-156.hello.hex", &real_bytes, &len, &real);
	expect_grease_ends(&real);
	for (uint64_t seed = 0; seed < 200; seed++) {
		n = make_hello("example.com", PRESET_TLS_FULL, seed, &p, &ours);
		expect_like(&ours, &real);
		expect_same_list(&ours, &real, 10, 2);
		assert_int_equal(take_shares(&ours, x), take_shares(&real, y));
		assert_memory_equal(x, y, 6 * sizeof(x[0]));
		expect_grease_ends(&ours);
		/* As long as the real one, but for the sham. */
		assert_int_equal(
		    n - expect_ech(&ours), len - expect_ech(&real));
		assert_true(n == 1919 || n == 1951 || n == 1983 || n == 2015);
		sizes |= 1u << ((n - 1919) / 32);
		free(p);
	}
	assert_int_equal(sizes, 0xf);
	free(real_bytes);
}

static void
test_one(void **state)
{
	uint8_t *real_bytes, *p;
	struct hello real, ours;
	uint16_t groups[64], x[16];
	size_t n, len;

	(void)state;
	load_hello("chromium-156.hello.hex", &real_bytes, &len, &real);
	for (uint64_t seed = 0; seed < 200; seed++) {
		static const uint16_t want[] = {0x0a0a, 0x001d, 0x0017, 0x0018};
		static const uint16_t shares[] = {0x0a0a, 1, 0x001d, 32};

		n = make_hello("example.com", PRESET_TLS_ONE, seed, &p, &ours);
		expect_like(&ours, &real);
		expect_grease_ends(&ours);
		assert_int_equal(take_list(find_ext(&ours, 10), 2, groups), 4);
		assert_memory_equal(groups, want, sizeof(want));
		assert_int_equal(take_shares(&ours, x), 4);
		assert_memory_equal(x, shares, sizeof(shares));
		assert_int_equal(n - expect_ech(&ours),
		    len - expect_ech(&real) - 2 - 4 - 1216);
		free(p);
	}
	free(real_bytes);
}

/* The bounds that the header promises; neither needs RFC 7685's padding. */
static void
test_sizes(void **state)
{
	struct text name = {0};
	struct hello h;
	size_t least = SIZE_MAX, most = 0;
	uint8_t *p;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		size_t n = make_hello("a", PRESET_TLS_ONE, seed, &p, &h);

		free(p);
		least = n < least ? n : least;
		n = make_hello(repeat(&name, ELEVEN, 22, "elevenchars"),
		    PRESET_TLS_ONE, seed, &p, &h);
		most = n > most ? n : most;
		free(p);
		/* The share and its group; the noise is another. */
		n = make_hello("a", PRESET_TLS_FULL, seed, &p, &h);
		assert_true(n >= 1909 && n <= 2257);
		free(p);
	}
	assert_int_equal(least, 687);
	assert_int_equal(most, 1035);
	text_free(&name);
}

/* A server checks that each coefficient is below q (FIPS 203, section 7.2). */
static void
test_key(void **state)
{
	struct hello h;
	uint8_t *p;
	struct cur c;
	unsigned int most = 0;

	(void)state;
	make_hello("a.example", PRESET_TLS_FULL, 5, &p, &h);
	c = find_ext(&h, 51);
	cur_skip(&c, 2 + 5);
	assert_int_equal(cur_be16(&c), 0x11ec);
	assert_int_equal(cur_be16(&c), 1216);
	for (int i = 0; i < 1152; i += 3) {
		unsigned int a = c.p[i] | (c.p[i + 1] & 15u) << 8;
		unsigned int b = c.p[i + 1] >> 4 | (unsigned)c.p[i + 2] << 4;

		assert_true(a < 3329 && b < 3329);
		most = a > most ? a : most;
		most = b > most ? b : most;
	}
	assert_true(most > 3200);
	assert_int_equal(c.p[1215] >> 7, 0);
	free(p);
}

/* The control: the same noise, another name, and nothing else. */
static void
test_control_hello(void **state)
{
	static const char name[] = "www.example.com";
	char control[PRESET_NAME];
	struct hello h;
	struct trigger t;
	uint8_t *a, *b;
	size_t n, differ = 0;

	(void)state;
	preset_control_name(name, control);
	n = make_hello(name, PRESET_TLS_ONE, 9, &a, &h);
	assert_int_equal(make_hello(control, PRESET_TLS_ONE, 9, &b, &h), n);
	for (size_t i = 0; i < n; i++)
		differ += a[i] != b[i];
	assert_true(differ > 0 && differ <= strlen(name));
	assert_true(trigger_parse(a, n, n, &t));
	assert_string_equal(t.key, name);
	assert_true(trigger_parse(b, n, n, &t));
	assert_string_equal(t.key, control);
	free(a);
	free(b);
}

/* Two of three hellos in a row have not the same order of extensions. */
static void
test_order(void **state)
{
	struct hello a, b;
	uint8_t *p, *q;
	size_t same = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		make_hello("a.example", PRESET_TLS_ONE, seed, &p, &a);
		make_hello("a.example", PRESET_TLS_ONE, seed + 1000, &q, &b);
		for (size_t i = 1; i + 1 < a.n_ext; i++)
			same += a.ext[i].type == b.ext[i].type;
		free(p);
		free(q);
	}
	/* Of 1700 places 100 agree by chance, give or take 10. */
	assert_in_range(same, 50, 150);
}

/* Real hellos of other makes, by the same parser: it reads more than ours. */
static void
test_others(void **state)
{
	static const char *const names[] = {
	    "curl-7.88.hello.hex", "openssl-3.0.hello.hex"};
	struct hello h;
	struct trigger t;
	uint8_t *p;
	size_t n;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		load_hello(names[i], &p, &n, &h);
		assert_false(is_grease(h.ciphers[0]));
		assert_true(trigger_parse(p, n, n, &t));
		assert_int_equal(t.protocol, TRIGGER_TLS);
		assert_string_equal(t.key, "example.com");
		free(p);
	}
}

static void
test_bad_sni(void **state)
{
	struct fault f = {0};
	struct rng r;
	uint8_t *p = NULL;
	size_t n;

	(void)state;
	rng_seed(&r, 1);
	assert_int_equal(preset_tls_hello("--tls-sni", "10.0.0.1",
			     PRESET_TLS_ONE, &r, &p, &n, &f),
	    -1);
	assert_int_equal(f.kind, FAULT_USAGE);
	assert_non_null(strstr(f.text, "--tls-sni: \"10.0.0.1\" is an addr"));
	assert_int_equal(
	    preset_tls_hello("-x", "a..b", PRESET_TLS_ONE, &r, &p, &n, &f), -1);
	assert_null(p);
}

/* --- MySQL --- */

static void
test_mysql(void **state)
{
	struct fault f;
	struct trigger t;
	uint8_t *p;
	size_t n;

	(void)state;
	assert_int_equal(preset_mysql_init_db("-x", "db", &p, &n, &f), 0);
	expect_bytes(p, n,
	    "\x03\0\0\0\x02"
	    "db",
	    7);
	free(p);
	assert_int_equal(preset_mysql_query("-x", "use db", &p, &n, &f), 0);
	expect_bytes(p, n, "\x07\0\0\0\x03use db", 11);
	assert_true(trigger_parse(p, n, n, &t));
	assert_string_equal(t.command, "COM_QUERY");
	assert_string_equal(t.key, "use db");
	free(p);
	p = NULL;
	assert_int_equal(preset_mysql_init_db("-x", "", &p, &n, &f), -1);
	assert_int_equal(f.kind, FAULT_USAGE);
	assert_null(p);
}

static void
test_mysql_long(void **state)
{
	struct text sql = {0};
	struct fault f;
	uint8_t *p = NULL;
	size_t n;

	(void)state;
	text_pad(&sql, 's', 0x012344);
	assert_int_equal(
	    preset_mysql_query("-x", text_str(&sql), &p, &n, &f), 0);
	assert_int_equal(n, 0x012349);
	assert_memory_equal(p, "\x45\x23\x01\0\x03s", 6);
	free(p);
	p = NULL;
	text_pad(&sql, 's', 0xfffffe - 0x012344);
	assert_int_equal(
	    preset_mysql_query("-x", text_str(&sql), &p, &n, &f), -1);
	assert_null(p);
	assert_int_equal(preset_mysql_control(SIZE_MAX, &p, &n, &f), -1);
	assert_null(p);
	text_free(&sql);
}

static void
test_mysql_control(void **state)
{
	struct fault f;
	struct trigger t;
	uint8_t *p;
	size_t n;

	(void)state;
	assert_int_equal(preset_mysql_control(11, &p, &n, &f), 0);
	expect_bytes(p, n,
	    "\x07\0\0\0\x03"
	    "DO 0  ",
	    11);
	free(p);
	assert_int_equal(preset_mysql_control(9, &p, &n, &f), 0);
	expect_bytes(p, n,
	    "\x05\0\0\0\x03"
	    "DO 0",
	    9);
	free(p);
	for (size_t len = 0; len < 9; len++) {
		assert_int_equal(preset_mysql_control(len, &p, &n, &f), 0);
		expect_bytes(p, n, "\x01\0\0\0\x0e", 5);
		free(p);
	}
	for (size_t len = 9; len < 400; len++) {
		assert_int_equal(preset_mysql_control(len, &p, &n, &f), 0);
		assert_int_equal(n, len);
		assert_true(trigger_parse(p, n, n, &t));
		assert_string_equal(t.command, "COM_QUERY");
		free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("names of hosts pass", test_good_names),
	    PROVES("what is no name is refused in its words", test_bad_names),
	    PROVES("a control's name is as long, valid, another",
		test_control_names),
	    PROVES("a request is Chromium's, byte for byte", test_request),
	    PROVES("a request has its port and path", test_request_parts),
	    PROVES("a full hello is as Chromium's", test_full),
	    PROVES("a hello of one segment is, less the share", test_one),
	    PROVES("hellos keep their bounds", test_sizes),
	    PROVES("the post-quantum share passes for a key", test_key),
	    PROVES("a control differs in its name alone", test_control_hello),
	    PROVES("extensions are shuffled", test_order),
	    PROVES("hellos of other clients are read", test_others),
	    PROVES("no hello names an address", test_bad_sni),
	    PROVES("MySQL commands are as the protocol has them", test_mysql),
	    PROVES("MySQL packets have a bound", test_mysql_long),
	    PROVES(
		"MySQL controls are as long, and harmless", test_mysql_control),
	};

	return cmocka_run_group_tests_name("preset", tests, NULL, NULL);
}
