/*
 * The probes: golden bytes, and every fact read back from what was built.
 * The checksums are verified by a routine that shares nothing with the
 * one that made them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/craft.h>
#include <rsthop/pkt.h>
#include <rsthop/rng.h>
#include <rsthop/text.h>

#include "proves.h"

/* Written from the RFCs, not by the code under test. */
#define GOLDEN_TCP4                                                        \
	"4510003b123440000506556f0a00000501020304c93a0cea1000000120000001" \
	"801801f6f48000000101080a000102030405060775736520646221"
#define GOLDEN_SYN4                                                        \
	"4510002812344000050655820a00000501020304c93a0cea1000000120000001" \
	"500201f699bb0000"
#define GOLDEN_TCP6                                                        \
	"610123450027060520010db800000000000000000000000520010db800060000" \
	"0000000000000002c93a0cea1000000120000001801801f6a70c00000101080a" \
	"000102030405060775736520646221"
#define GOLDEN_ECHO4                                                       \
	"45b80025000700000301a90f0a000005010203040800beef42420009f6c40000" \
	"0000000000"
#define GOLDEN_ECHO6                                                       \
	"6b8abcde00113a0320010db800000000000000000000000520010db800060000" \
	"00000000000000028000beef4242000922fa00000000000000"

/* NOP, NOP, timestamps */
static const uint8_t ts_opts[12] = {1, 1, 8, 10, 0, 1, 2, 3, 4, 5, 6, 7};

static struct addr
addr(const char *s)
{
	struct addr a;

	assert_int_equal(addr_parse(s, &a), 0);
	return a;
}

static struct craft_tcp
tcp_probe(bool v6)
{
	return (struct craft_tcp){
	    .flow = {{addr(v6 ? "2001:db8::5" : "10.0.0.5"), 51514},
		{addr(v6 ? "2001:db8:6::2" : "1.2.3.4"), 3306}},
	    .ttl = 5,
	    .tos = 0x10,
	    .id = 0x1234,
	    .df = true,
	    .flow_label = 0x12345,
	    .seq = 0x10000001,
	    .ack = 0x20000001,
	    .flags = PKT_TH_PSH | PKT_TH_ACK,
	    .window = 502,
	    .opts = ts_opts,
	    .opts_len = sizeof(ts_opts),
	    .payload = (const uint8_t *)"use db!",
	    .payload_len = 7,
	};
}

static struct craft_echo
echo_probe(bool v6)
{
	return (struct craft_echo){
	    .src = addr(v6 ? "2001:db8::5" : "10.0.0.5"),
	    .dst = addr(v6 ? "2001:db8:6::2" : "1.2.3.4"),
	    .ttl = 3,
	    .tos = 0xb8,
	    .id = 7,
	    .flow_label = 0xabcde,
	    .echo_id = 0x4242,
	    .echo_seq = 9,
	    .checksum = 0xbeef,
	    .payload_len = 9,
	};
}

/* --- checksums, once more --- */

/*
 * RFC 1071 by end-around carry, a byte at a time: adds n bytes, the first of
 * which is high.
 */
static uint32_t
carry_add(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sum += (i & 1) != 0 ? p[i] : p[i] * 256u;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

static void
check_sum(uint32_t sum, const char *what)
{
	if (sum % 0xffff != 0 || sum == 0)
		fail_msg("%s: the checksum is wrong by %#x", what, sum);
}

static void
check_sums(const uint8_t *p, size_t n)
{
	bool v6 = p[0] >> 4 == 6;
	size_t header = v6 ? 40 : 20, body = n - header;
	uint8_t proto = v6 ? p[6] : p[9];
	uint8_t tail[4] = {(uint8_t)(body >> 8), (uint8_t)body, 0, proto};
	uint32_t sum = 0;

	if (!v6)
		check_sum(carry_add(0, p, 20), "IPv4");
	if (proto != PKT_PROTO_ICMP) {
		sum = carry_add(sum, v6 ? p + 8 : p + 12, v6 ? 32 : 8);
		sum = carry_add(sum, tail, 4);
	}
	check_sum(carry_add(sum, p + header, body), "upper layer");
}

/* --- building --- */

static int
setup(void **state)
{
	struct craft *c;
	struct fault f;

	if (craft_new(&c, &f) == -1)
		return -1;
	*state = c;
	return 0;
}

static int
teardown(void **state)
{
	craft_free(*state);
	return 0;
}

/* Built into an allocation of that very size, and read back. */
static struct pkt
read_back(const uint8_t *p, size_t n)
{
	struct pkt out;

	check_sums(p, n);
	pkt_decode(PKT_LINK_RAW, p, n, n, &out);
	assert_false(out.has & PKT_MALFORMED);
	assert_int_equal(out.ip.total_len, n);
	return out;
}

static size_t
build_tcp(struct craft *c, const struct craft_tcp *t, uint8_t *buf, size_t cap)
{
	struct fault f = {0};
	size_t len = 0;

	if (craft_tcp(c, t, buf, cap, &len, &f) == -1)
		fail_msg("%s", f.text);
	return len;
}

static size_t
build_echo(
    struct craft *c, const struct craft_echo *e, uint8_t *buf, size_t cap)
{
	struct fault f = {0};
	size_t len = 0;

	if (craft_echo(c, e, buf, cap, &len, &f) == -1)
		fail_msg("%s", f.text);
	return len;
}

static void
assert_hex(const uint8_t *p, size_t n, const char *want)
{
	struct text t = {0};

	text_add_hex(&t, p, n);
	assert_string_equal(text_str(&t), want);
	text_free(&t);
}

/* --- golden bytes --- */

static void
test_golden_tcp4(void **state)
{
	struct craft_tcp t = tcp_probe(false);
	uint8_t b[CRAFT_MAX];
	size_t n = build_tcp(*state, &t, b, sizeof(b));

	assert_hex(b, n, GOLDEN_TCP4);
	t.opts_len = t.payload_len = 0;
	t.flags = PKT_TH_SYN;
	n = build_tcp(*state, &t, b, sizeof(b));
	assert_hex(b, n, GOLDEN_SYN4);
}

static void
test_golden_tcp6(void **state)
{
	struct craft_tcp t = tcp_probe(true);
	uint8_t b[CRAFT_MAX];
	size_t n = build_tcp(*state, &t, b, sizeof(b));

	assert_hex(b, n, GOLDEN_TCP6);
}

static void
test_golden_echo(void **state)
{
	struct craft_echo e4 = echo_probe(false), e6 = echo_probe(true);
	uint8_t b[CRAFT_MAX];
	size_t n = build_echo(*state, &e4, b, sizeof(b));

	assert_hex(b, n, GOLDEN_ECHO4);
	n = build_echo(*state, &e6, b, sizeof(b));
	assert_hex(b, n, GOLDEN_ECHO6);
}

/* --- facts there and back --- */

static void
check_tcp(const struct craft_tcp *t, const struct pkt *p)
{
	bool v6 = t->flow.src.addr.version == 6;
	struct flow_key k;

	assert_true(pkt_flow_key(p, &k));
	assert_true(flow_key_equal(&k, &t->flow));
	assert_int_equal(p->ip.ttl, t->ttl);
	assert_int_equal(p->ip.tos, t->tos);
	assert_int_equal(p->ip.flow_label, v6 ? t->flow_label : 0);
	assert_int_equal(p->ip.id, v6 ? 0 : t->id);
	assert_int_equal(p->ip.df, v6 ? false : t->df);
	assert_int_equal(p->tcp.seq, t->seq);
	assert_int_equal(p->tcp.ack, t->ack);
	assert_int_equal(p->tcp.flags, t->flags);
	assert_int_equal(p->tcp.window, t->window);
	assert_int_equal(p->tcp.urg, 0);
	assert_int_equal(p->tcp.opts_len, t->opts_len);
	if (t->opts_len > 0)
		assert_memory_equal(p->tcp.opts, t->opts, t->opts_len);
	assert_int_equal(p->payload_wire, t->payload_len);
	if (t->payload_len > 0)
		assert_memory_equal(p->payload, t->payload, t->payload_len);
}

static void
random_tcp(struct rng *r, struct craft_tcp *t, uint8_t *payload)
{
	static const uint8_t nops[40] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	    1, 1, 1, 1};

	*t = tcp_probe(rng_below(r, 2) == 1);
	t->ttl = (uint8_t)rng_u64(r);
	t->tos = (uint8_t)rng_u64(r);
	t->id = (uint16_t)rng_u64(r);
	t->df = rng_below(r, 2) == 1;
	t->flow_label = rng_below(r, 1 << 20);
	t->seq = (uint32_t)rng_u64(r);
	t->ack = (uint32_t)rng_u64(r);
	t->flags = (uint8_t)rng_u64(r);
	t->window = (uint16_t)rng_u64(r);
	t->opts = nops;
	t->opts_len = rng_below(r, 11) * 4;
	t->payload = payload;
	t->payload_len = rng_below(r, 1401);
	for (size_t i = 0; i < t->payload_len; i++)
		payload[i] = (uint8_t)rng_u64(r);
}

static void
test_tcp_facts(void **state)
{
	uint8_t payload[CRAFT_MAX];
	struct craft_tcp t;
	struct rng r;

	rng_seed(&r, 11);
	for (int i = 0; i < 2000; i++) {
		size_t want, n;
		uint8_t *b;
		struct pkt p;

		random_tcp(&r, &t, payload);
		want = (t.flow.src.addr.version == 6 ? 60 : 40) + t.opts_len +
		    t.payload_len;
		b = malloc(want);
		assert_non_null(b);
		n = build_tcp(*state, &t, b, want);
		assert_int_equal(n, want);
		p = read_back(b, n);
		check_tcp(&t, &p);
		free(b);
	}
}

/*
 * Paris: whatever changes from probe to probe, the checksum and the other
 * bytes that load balancers hash do not.
 */
static void
test_echo_facts(void **state)
{
	struct rng r;

	rng_seed(&r, 12);
	for (int i = 0; i < 2000; i++) {
		bool v6 = i % 2 == 1;
		struct craft_echo e = echo_probe(v6);
		uint8_t b[CRAFT_MAX];
		struct pkt p;

		e.ttl = (uint8_t)(1 + rng_below(&r, 255));
		e.echo_seq = (uint16_t)rng_u64(&r);
		e.id = (uint16_t)rng_u64(&r);
		if (i >= 500) {
			e.echo_id = (uint16_t)rng_u64(&r);
			e.checksum = (uint16_t)(1 + rng_below(&r, 0xfffe));
			e.payload_len = 2 + rng_below(&r, 1000);
		}
		p = read_back(b, build_echo(*state, &e, b, sizeof(b)));
		assert_true(p.icmp.is_echo_request);
		assert_int_equal(p.icmp.checksum, e.checksum);
		assert_int_equal(p.icmp.id, e.echo_id);
		assert_int_equal(p.icmp.seq, e.echo_seq);
		assert_int_equal(p.ip.ttl, e.ttl);
		assert_int_equal(p.ip.tos, e.tos);
		assert_int_equal(p.ip.id, v6 ? 0 : e.id);
		assert_int_equal(p.ip.flow_label, v6 ? e.flow_label : 0);
		assert_int_equal(
		    p.ip.total_len, (v6 ? 48 : 28) + e.payload_len);
		assert_true(addr_equal(&p.ip.src, &e.src));
		assert_true(addr_equal(&p.ip.dst, &e.dst));
	}
}

/* What the last packet had must not show in the next. */
static void
test_reuse(void **state)
{
	struct craft_tcp t = tcp_probe(false), bare = tcp_probe(true);
	struct craft_echo e = echo_probe(false);
	uint8_t b[CRAFT_MAX], again[CRAFT_MAX];
	size_t n = build_tcp(*state, &t, b, sizeof(b));

	bare.opts_len = bare.payload_len = 0;
	assert_int_equal(build_tcp(*state, &bare, again, sizeof(again)), 60);
	assert_int_equal(build_echo(*state, &e, again, sizeof(again)), 37);
	assert_int_equal(build_tcp(*state, &t, again, sizeof(again)), n);
	assert_memory_equal(b, again, n);
}

/* --- refusals --- */

static void
bad_tcp(
    struct craft *c, const struct craft_tcp *t, size_t cap, const char *text)
{
	uint8_t b[CRAFT_MAX] = {0};
	struct fault f = {0};
	size_t len = 77;

	assert_true(cap <= sizeof(b));
	assert_int_equal(craft_tcp(c, t, b, cap, &len, &f), -1);
	assert_int_equal(f.kind, FAULT_SYSTEM);
	assert_string_equal(f.text, text);
	assert_int_equal(len, 77);
	assert_int_equal(b[0], 0);
}

static void
test_tcp_refused(void **state)
{
	struct craft_tcp t = tcp_probe(false);

	bad_tcp(
	    *state, &t, 58, "a probe of 59 bytes is too long: at most 58 fit");
	t.payload_len = CRAFT_MAX;
	bad_tcp(*state, &t, CRAFT_MAX,
	    "a probe of 2100 bytes is too long: at most 2048 fit");
	t = tcp_probe(false);
	t.opts_len = 11;
	bad_tcp(*state, &t, CRAFT_MAX,
	    "11 bytes of TCP options can't be sent: give a multiple of 4, at "
	    "most 40");
	t.opts_len = 44;
	bad_tcp(*state, &t, CRAFT_MAX,
	    "44 bytes of TCP options can't be sent: give a multiple of 4, at "
	    "most 40");
	t = tcp_probe(false);
	t.flow.dst.addr = addr("::1");
	bad_tcp(
	    *state, &t, CRAFT_MAX, "a probe from IPv4 to IPv6 can't be built");
	t.flow.src.addr = t.flow.dst.addr = (struct addr){0};
	bad_tcp(
	    *state, &t, CRAFT_MAX, "a probe from IPv0 to IPv0 can't be built");
}

static void
bad_echo(struct craft *c, const struct craft_echo *e, const char *text)
{
	uint8_t b[CRAFT_MAX];
	struct fault f = {0};
	size_t len;

	assert_int_equal(craft_echo(c, e, b, sizeof(b), &len, &f), -1);
	assert_string_equal(f.text, text);
}

static void
test_echo_refused(void **state)
{
	struct craft_echo e = echo_probe(false);

	e.payload_len = 1;
	bad_echo(*state, &e,
	    "an echo needs 2 bytes of payload to hold its checksum");
	e.payload_len = CRAFT_MAX;
	bad_echo(
	    *state, &e, "a probe of 2076 bytes is too long: at most 2048 fit");
	e = echo_probe(false);
	e.checksum = 0;
	bad_echo(*state, &e, "an echo's checksum can't be held at 0");
	e.checksum = 0xffff;
	bad_echo(*state, &e, "an echo's checksum can't be held at 0xffff");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("IPv4 TCP probes are these bytes", test_golden_tcp4),
	    PROVES("IPv6 TCP probes are these bytes", test_golden_tcp6),
	    PROVES("echo probes are these bytes", test_golden_echo),
	    PROVES("a TCP probe reads back as what was asked", test_tcp_facts),
	    PROVES("an echo's checksum holds whatever else changes",
		test_echo_facts),
	    PROVES("one context builds one packet after another", test_reuse),
	    PROVES("TCP probes that can't be are refused", test_tcp_refused),
	    PROVES("echo probes that can't be are refused", test_echo_refused),
	};

	return cmocka_run_group_tests_name("craft", tests, setup, teardown);
}
