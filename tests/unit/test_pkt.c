/*
 * The packet decoder: what it says of each packet of hex_packets.h, and what
 * it says of each of them cut short.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/pkt.h>
#include <rsthop/text.h>

#include "hex_packets.h"
#include "proves.h"

/* The bytes that the last struct pkt points into. */
static uint8_t *frame;
static size_t frame_len;

static void
load(const struct hex_packet *h)
{
	struct fault f = {0};

	free(frame);
	frame = NULL;
	if (text_from_hex(h->name, h->hex, &frame, &frame_len, &f) == -1)
		fail_msg("%s", f.text);
}

static const struct hex_packet *
find(const char *name)
{
	for (size_t i = 0; i < HEX_PACKETS; i++)
		if (strcmp(hex_packets[i].name, name) == 0)
			return &hex_packets[i];
	fail_msg("no packet is called %s", name);
	abort(); /* which cmocka never lets come */
}

/* Nothing may stand on what a record held before. */
static struct pkt
decode(const char *name)
{
	const struct hex_packet *h = find(name);
	struct pkt p;

	load(h);
	memset(&p, 0xa5, sizeof(p));
	pkt_decode(h->link, frame, frame_len, frame_len + h->unseen, &p);
	return p;
}

static void
assert_addr(const struct addr *a, const char *want)
{
	char text[ADDR_TEXT];

	assert_string_equal(addr_format(a, text), want);
}

static void
assert_mac(const uint8_t mac[ADDR_MAC], const char *want)
{
	char text[ADDR_MAC_TEXT];

	assert_string_equal(addr_format_mac(mac, text), want);
}

static void
assert_payload(const struct pkt *p, const char *want, size_t n)
{
	assert_int_equal(p->payload_len, n);
	assert_int_equal(p->payload_wire, n);
	assert_memory_equal(p->payload, want, n);
}

/* --- the table as a whole --- */

static void
test_has(void **state)
{
	(void)state;
	for (size_t i = 0; i < HEX_PACKETS; i++) {
		const struct hex_packet *h = &hex_packets[i];
		struct pkt p = decode(h->name);

		if (p.has != h->has)
			fail_msg(
			    "%s: has %#x, not %#x", h->name, p.has, h->has);
	}
	print_message("%zu packets\n", HEX_PACKETS);
}

static bool
inside(const uint8_t *p, size_t n, const uint8_t *buf, size_t len)
{
	return p == NULL ||
	    (p >= buf && n <= len && (size_t)(p - buf) <= len - n);
}

/* What a cut may leave out it must not change. */
static void
check_prefix(const struct hex_packet *h, const struct pkt *full,
    const struct pkt *p, const uint8_t *buf, size_t len)
{
	uint32_t kept = p->has & ~(uint32_t)PKT_SNAPPED;

	/* Cut before it shows that it is a tunnel: the MACs of that. */
	if (full->n_tunnels > 0 && kept == PKT_HAS_MAC)
		return;
	if ((kept & ~full->has) != 0)
		fail_msg("%s, %zu bytes: has %#x, of %#x", h->name, len, p->has,
		    full->has);
	if ((p->has & PKT_SNAPPED) == 0)
		fail_msg("%s, %zu bytes: not snapped", h->name, len);
	if ((p->has & PKT_HAS_TCP) != 0) {
		assert_int_equal(p->tcp.seq, full->tcp.seq);
		assert_int_equal(p->tcp.flags, full->tcp.flags);
		assert_int_equal(p->payload_wire, full->payload_wire);
		assert_true(p->payload_len <= full->payload_len);
		assert_true(inside(p->payload, p->payload_len, buf, len));
		assert_true(inside(p->tcp.opts, p->tcp.opts_len, buf, len));
		assert_true(p->tcp.n_sacks <= full->tcp.n_sacks);
	}
	if ((p->has & PKT_HAS_QUOTE) != 0) {
		const struct pkt_quote *q = &p->quote;

		assert_true(addr_equal(&q->ip.dst, &full->quote.ip.dst));
		assert_true(q->n_mpls <= full->quote.n_mpls);
		assert_true(!q->has_ports || q->seq == full->quote.seq);
		assert_true(!q->has_ack || q->ack == full->quote.ack);
		assert_true(!q->has_flags || q->flags == full->quote.flags);
		assert_true(inside(q->tcp_opts, q->tcp_opts_len, buf, len));
	}
}

/* From an allocation of that very size, so that ASan sees every overread. */
static void
decode_prefix(const struct hex_packet *h, size_t len, size_t wire_len,
    const struct pkt *full)
{
	uint8_t *buf = malloc(len);
	struct pkt p;

	assert_true(len == 0 || buf != NULL);
	if (len > 0)
		memcpy(buf, frame, len);
	memset(&p, 0xa5, sizeof(p));
	pkt_decode(h->link, buf, len, wire_len, &p);
	if (full != NULL)
		check_prefix(h, full, &p, buf, len);
	else if ((p.has & PKT_SNAPPED) != 0)
		fail_msg("%s, %zu bytes: snapped", h->name, len);
	else if ((p.has & PKT_MALFORMED) == 0)
		fail_msg("%s, %zu bytes: not malformed", h->name, len);
	free(buf);
}

static void
test_prefixes(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < HEX_PACKETS; i++) {
		const struct hex_packet *h = &hex_packets[i];
		struct pkt full = decode(h->name);

		for (size_t len = 0; len < frame_len; len++, n++)
			decode_prefix(h, len, frame_len + h->unseen, &full);
	}
	print_message("%zu prefixes\n", n);
}

/* Of which packets does every byte belong to IP, and is IP's length true? */
static bool
is_exact(const struct hex_packet *h)
{
	static const char *const not_exact[] = {
	    "rst_padded", "tso", "tso6", "snapped", "arp"};

	for (size_t i = 0; i < sizeof(not_exact) / sizeof(not_exact[0]); i++)
		if (strcmp(h->name, not_exact[i]) == 0)
			return false;
	return (h->has & PKT_MALFORMED) == 0;
}

static void
test_truncated(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < HEX_PACKETS; i++) {
		const struct hex_packet *h = &hex_packets[i];

		if (!is_exact(h))
			continue;
		load(h);
		for (size_t len = 0; len < frame_len; len++, n++)
			decode_prefix(h, len, len, NULL);
	}
	print_message("%zu truncations\n", n);
}

/* Each packet with each of its bytes set to values that hurt. */
static void
test_mutations(void **state)
{
	static const uint8_t hurts[] = {0x00, 0x01, 0x3f, 0x40, 0x7f, 0xff};
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < HEX_PACKETS; i++) {
		const struct hex_packet *h = &hex_packets[i];

		load(h);
		for (size_t at = 0; at < frame_len * sizeof(hurts); at++, n++) {
			size_t byte = at / sizeof(hurts);
			uint8_t was = frame[byte];
			struct pkt p;

			frame[byte] = hurts[at % sizeof(hurts)];
			pkt_decode(h->link, frame, frame_len,
			    frame_len + h->unseen, &p);
			frame[byte] = was;
			if ((p.has & PKT_HAS_TCP) != 0)
				assert_true(inside(p.payload, p.payload_len,
				    frame, frame_len));
		}
	}
	print_message("%zu mutations\n", n);
}

/* --- link layers --- */

static void
test_ethernet(void **state)
{
	struct pkt p = decode("syn");

	(void)state;
	assert_mac(p.mac_src, "02:00:00:00:00:05");
	assert_mac(p.mac_dst, "58:69:6c:00:00:01");
	assert_int_equal(p.ethertype, 0x0800);
	assert_int_equal(p.n_vlans, 0);
	assert_int_equal(decode("arp").ethertype, 0x0806);
}

static void
test_padding(void **state)
{
	struct pkt p = decode("rst_padded");

	(void)state;
	assert_int_equal(frame_len, 60);
	assert_null(p.payload);
	assert_int_equal(p.payload_len, 0);
	assert_int_equal(p.payload_wire, 0);
	assert_int_equal(p.ip.ttl, 63);
	assert_int_equal(p.ip.id, 13052);
}

static void
test_vlans(void **state)
{
	struct pkt p = decode("vlan");

	(void)state;
	assert_int_equal(p.n_vlans, 1);
	assert_int_equal(p.vlans[0], 100);
	p = decode("qinq");
	assert_int_equal(p.n_vlans, 2);
	assert_int_equal(p.vlans[0], 200);
	assert_int_equal(p.vlans[1], 300);
	p = decode("qinq_9100");
	assert_int_equal(p.vlans[0], 4094);
	assert_int_equal(p.vlans[1], 1);
	assert_int_equal(p.ethertype, 0x86dd);
	p = decode("three_tags");
	assert_int_equal(p.n_vlans, 2);
	assert_int_equal(p.vlans[0], 10);
	assert_int_equal(p.vlans[1], 20);
	assert_int_equal(p.tcp.sport, 3306);
}

static void
test_cooked(void **state)
{
	struct pkt p = decode("sll");

	(void)state;
	assert_mac(p.mac_src, "58:69:6c:00:00:01");
	assert_mac(p.mac_dst, "00:00:00:00:00:00");
	assert_int_equal(p.ip.ttl, 47);
	assert_int_equal(p.ip.id, 23403);
	assert_int_equal(p.tcp.flags, PKT_TH_RST | PKT_TH_ACK);
	p = decode("sll2");
	assert_mac(p.mac_src, "58:69:6c:00:00:01");
	assert_int_equal(p.ethertype, 0x86dd);
	assert_int_equal(p.ip.ttl, 57);
	assert_int_equal(decode("sll_ppp").tcp.sport, 3306);
}

static void
test_bare_links(void **state)
{
	static const char *const names[] = {
	    "raw4", "raw6", "null_le", "null_be", "loop"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct pkt p = decode(names[i]);

		assert_int_equal(p.tcp.sport, 3306);
		assert_int_equal(p.tcp.dport, 51514);
		assert_int_equal(p.tcp.seq, 0x20000001);
		assert_int_equal(
		    p.ethertype, p.ip.version == 4 ? 0x0800 : 0x86dd);
	}
}

/* --- IP --- */

static void
test_ip4(void **state)
{
	struct pkt p = decode("data");

	(void)state;
	assert_addr(&p.ip.src, "10.0.0.5");
	assert_addr(&p.ip.dst, "1.2.3.4");
	assert_int_equal(p.ip.version, 4);
	assert_int_equal(p.ip.ttl, 64);
	assert_int_equal(p.ip.tos, 0x10);
	assert_int_equal(p.ip.proto, PKT_PROTO_TCP);
	assert_int_equal(p.ip.id, 13052);
	assert_true(p.ip.has_id);
	assert_true(p.ip.df);
	assert_false(p.ip.mf);
	assert_int_equal(p.ip.frag_off, 0);
	assert_int_equal(p.ip.header_len, 20);
	assert_int_equal(p.ip.total_len, 59);
	assert_int_equal(p.ip.flow_label, 0);
	assert_false(decode("rst_padded").ip.df);
}

static void
test_ip4_options(void **state)
{
	struct pkt p = decode("ip4_options");

	(void)state;
	assert_int_equal(p.ip.header_len, 28);
	assert_int_equal(p.tcp.dport, 3306);
	assert_payload(&p, "abc", 3);
}

static void
test_fragments(void **state)
{
	struct pkt p = decode("ip4_first_fragment");

	(void)state;
	assert_true(p.ip.mf);
	assert_int_equal(p.ip.id, 0x7777);
	assert_payload(&p, "ffffffffffff", 12);
	p = decode("ip4_later_fragment");
	assert_int_equal(p.ip.frag_off, 32);
	assert_false(p.ip.df);
	p = decode("ip6_later_fragment");
	assert_int_equal(p.ip.frag_off, 1448);
	assert_int_equal(p.ip.id6, 0xdeadbeef);
	assert_int_equal(p.ip.proto, PKT_PROTO_TCP);
	assert_int_equal(p.ip.header_len, 48);
}

static void
test_ip6(void **state)
{
	struct pkt p = decode("raw6");

	(void)state;
	assert_addr(&p.ip.src, "2001:db8:6::2");
	assert_addr(&p.ip.dst, "2001:db8::5");
	assert_int_equal(p.ip.version, 6);
	assert_int_equal(p.ip.ttl, 61);
	assert_int_equal(p.ip.tos, 0xb8);
	assert_int_equal(p.ip.flow_label, 0xabcde);
	assert_int_equal(p.ip.header_len, 40);
	assert_int_equal(p.ip.total_len, 65);
	assert_false(p.ip.has_id);
	assert_false(p.ip.df);
	assert_payload(&p, "hello", 5);
}

static void
test_ip6_extensions(void **state)
{
	struct pkt p = decode("ip6_extensions");

	(void)state;
	/* 8 hop-by-hop, 16, 24 routing, 8 fragment, 24 AH, 16 */
	assert_int_equal(p.ip.header_len, 40 + 8 + 16 + 24 + 8 + 24 + 16);
	assert_int_equal(p.ip.proto, PKT_PROTO_TCP);
	assert_true(p.ip.has_id);
	assert_int_equal(p.ip.id6, 0xdeadbeef);
	assert_true(p.ip.mf);
	assert_int_equal(p.ip.frag_off, 0);
	assert_payload(&p, "v6", 2);
	assert_int_equal(decode("ip6_no_next").ip.total_len, 40);
	assert_int_equal(decode("ip6_esp").ip.proto, 50);
}

static void
test_offload(void **state)
{
	struct pkt p = decode("tso");

	(void)state;
	assert_int_equal(p.payload_wire, 100);
	assert_int_equal(p.payload_len, 100);
	assert_int_equal(p.ip.total_len, 140);
	p = decode("tso6");
	assert_int_equal(p.payload_wire, 100);
	assert_int_equal(p.ip.total_len, 160);
}

static void
test_snapped(void **state)
{
	struct pkt p = decode("snapped");

	(void)state;
	assert_int_equal(p.payload_wire, 1460);
	assert_int_equal(p.payload_len, 70 - 54);
	assert_int_equal(p.ip.total_len, 1500);
	/* A file may say that less was sent than it holds. */
	pkt_decode(PKT_LINK_ETHERNET, frame, 70, 60, &p);
	assert_true(p.has & PKT_MALFORMED);
	assert_false(p.has & PKT_SNAPPED);
}

/* --- TCP --- */

static void
test_tcp(void **state)
{
	struct pkt p = decode("data");

	(void)state;
	assert_int_equal(p.tcp.sport, 51514);
	assert_int_equal(p.tcp.dport, 3306);
	assert_int_equal(p.tcp.seq, 0x10000001);
	assert_int_equal(p.tcp.ack, 0x20000001);
	assert_int_equal(p.tcp.flags, PKT_TH_PSH | PKT_TH_ACK);
	assert_int_equal(p.tcp.window, 502);
	assert_int_equal(p.tcp.checksum, frame[50] << 8 | frame[51]);
	assert_int_equal(p.tcp.header_len, 32);
	assert_int_equal(p.tcp.opts_len, 12);
	assert_ptr_equal(p.tcp.opts, frame + 54);
	assert_ptr_equal(p.payload, frame + 66);
	assert_payload(&p,
	    "\x03\0\0\0\x02"
	    "db",
	    7);
	p = decode("flags_all");
	assert_int_equal(p.tcp.flags, 0xff);
	assert_int_equal(p.tcp.window, 0xffff);
	assert_int_equal(p.tcp.urg, 0x1234);
	assert_null(p.tcp.opts);
}

static void
test_syn_options(void **state)
{
	struct pkt p = decode("syn");

	(void)state;
	assert_true(p.tcp.has_mss && p.tcp.has_wscale);
	assert_true(p.tcp.sack_ok && p.tcp.has_ts);
	assert_int_equal(p.tcp.mss, 1460);
	assert_int_equal(p.tcp.wscale, 7);
	assert_int_equal(p.tcp.tsval, 0x01020304);
	assert_int_equal(p.tcp.tsecr, 0x0a0b0c0d);
	assert_int_equal(p.tcp.n_sacks, 0);
	p = decode("data");
	assert_true(p.tcp.has_ts);
	assert_int_equal(p.tcp.opts_len, 12);
	assert_int_equal(p.tcp.tsval, 0x01020304);
	assert_int_equal(p.tcp.tsecr, 0x0a0b0c0d);
	assert_false(p.tcp.has_mss || p.tcp.has_wscale || p.tcp.sack_ok);
	p = decode("rst_padded");
	assert_false(p.tcp.has_mss || p.tcp.has_wscale);
	assert_false(p.tcp.sack_ok || p.tcp.has_ts);
}

static void
test_sacks(void **state)
{
	struct pkt p = decode("dsack");

	(void)state;
	assert_true(p.tcp.has_ts);
	assert_int_equal(p.tcp.n_sacks, 3);
	assert_int_equal(p.tcp.sacks[0].left, 100);
	assert_int_equal(p.tcp.sacks[0].right, 200);
	assert_int_equal(p.tcp.sacks[2].left, 500);
	assert_int_equal(p.tcp.sacks[2].right, 600);
	p = decode("four_sacks");
	assert_int_equal(p.tcp.n_sacks, 4);
	assert_int_equal(p.tcp.sacks[3].right, 8);
}

static void
test_options_end(void **state)
{
	struct pkt p = decode("option_eol");

	(void)state;
	assert_true(p.tcp.has_mss);
	assert_false(p.tcp.has_wscale);
	assert_int_equal(p.tcp.opts_len, 8);
	assert_int_equal(decode("option_unknown").tcp.mss, 1460);
}

/* What stood before the lie is kept, and so is the payload. */
static void
test_options_lie(void **state)
{
	struct pkt p = decode("option_len_0");

	(void)state;
	assert_int_equal(p.tcp.mss, 1460);
	assert_false(p.tcp.has_wscale);
	assert_payload(&p, "xyz", 3);
	assert_false(decode("option_len_1").tcp.has_ts);
	p = decode("option_long");
	assert_true(p.tcp.has_mss);
	assert_false(p.tcp.has_ts);
	assert_int_equal(p.payload_len, 20);
	assert_true(decode("option_no_len").tcp.has_mss);
	p = decode("option_mss_3");
	assert_false(p.tcp.has_mss || p.tcp.has_wscale);
	assert_int_equal(decode("option_sack_half").tcp.n_sacks, 0);
}

static void
test_offset_lies(void **state)
{
	static const char *const names[] = {"offset_4", "offset_15"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct pkt p = decode(names[i]);

		assert_int_equal(p.tcp.sport, 51514);
		assert_int_equal(p.tcp.flags, PKT_TH_RST);
		assert_null(p.tcp.opts);
		assert_null(p.payload);
		assert_int_equal(p.payload_wire, 0);
	}
}

/* Half the options must not be sent again as if they were all. */
static void
test_options_cut(void **state)
{
	struct pkt p = decode("syn");

	(void)state;
	pkt_decode(PKT_LINK_ETHERNET, frame, frame_len - 1, frame_len, &p);
	assert_null(p.tcp.opts);
	assert_int_equal(p.tcp.opts_len, 0);
	assert_int_equal(p.tcp.mss, 1460);
	assert_true(p.tcp.has_ts);
	assert_false(p.tcp.has_wscale);
	assert_false(p.has & PKT_MALFORMED);
}

/* --- ICMP --- */

static void
check_echo(const char *name, uint16_t id, uint16_t seq, bool request)
{
	struct pkt p = decode(name);

	assert_int_equal(p.icmp.id, id);
	assert_int_equal(p.icmp.seq, seq);
	assert_int_equal(p.icmp.is_echo_request, request);
	assert_int_equal(p.icmp.is_echo_reply, !request);
	assert_false(p.icmp.is_time_exceeded || p.icmp.is_unreachable);
}

static void
test_echo(void **state)
{
	struct pkt p = decode("echo4");

	(void)state;
	assert_int_equal(p.icmp.checksum, frame[36] << 8 | frame[37]);
	check_echo("echo4", 0x4242, 9, true);
	check_echo("reply4", 0x4242, 9, false);
	check_echo("echo6", 0x4343, 10, true);
	check_echo("reply6", 0x4343, 10, false);
	p = decode("mld6");
	assert_int_equal(p.icmp.type, 131);
	assert_false(p.icmp.is_echo_request || p.icmp.is_echo_reply);
}

static void
check_error(const char *name, int type, int code, bool exceeded, bool unreach)
{
	struct pkt p = decode(name);

	assert_int_equal(p.icmp.type, type);
	assert_int_equal(p.icmp.code, code);
	assert_int_equal(p.icmp.is_time_exceeded, exceeded);
	assert_int_equal(p.icmp.is_unreachable, unreach);
	assert_false(p.icmp.is_echo_request || p.icmp.is_echo_reply);
	assert_int_equal(p.icmp.id, 0);
	assert_int_equal(p.quote.sport, 51514);
	assert_false(p.quote.has_extensions);
}

static void
test_errors(void **state)
{
	(void)state;
	check_error("te4_full", 11, 0, true, false);
	check_error("te4_reassembly", 11, 1, false, false);
	check_error("unreach4", 3, 3, false, true);
	check_error("unreach4_mtu", 3, 4, false, true);
	check_error("redirect4", 5, 1, false, false);
	check_error("parameter4", 12, 0, false, false);
	check_error("te6_full", 3, 0, true, false);
	check_error("unreach6", 1, 1, false, true);
	check_error("too_big6", 2, 0, false, false);
}

static void
test_quote_min(void **state)
{
	struct pkt p = decode("te4_min");
	const struct pkt_quote *q = &p.quote;

	(void)state;
	assert_addr(&p.ip.src, "10.9.1.2");
	assert_int_equal(p.ip.ttl, 254);
	assert_addr(&q->ip.src, "10.0.0.5");
	assert_addr(&q->ip.dst, "1.2.3.4");
	assert_int_equal(q->ip.ttl, 1);
	assert_int_equal(q->ip.id, 4);
	/* the probe's own length, not that of the quote */
	assert_int_equal(q->ip.total_len, 59);
	assert_int_equal(q->quoted_len, 28);
	assert_true(q->has_ports);
	assert_int_equal(q->sport, 51514);
	assert_int_equal(q->dport, 3306);
	assert_int_equal(q->seq, 0x10000001);
	assert_false(q->has_ack || q->has_flags || q->has_checksum);
	assert_false(q->has_echo || q->has_extensions);
	assert_null(q->tcp_opts);
}

static void
test_quote_longer(void **state)
{
	struct pkt p = decode("te4_12");

	(void)state;
	assert_true(p.quote.has_ack);
	assert_int_equal(p.quote.ack, 0x20000001);
	assert_false(p.quote.has_flags);
	p = decode("te4_17");
	assert_true(p.quote.has_flags);
	assert_int_equal(p.quote.flags, PKT_TH_PSH | PKT_TH_ACK);
	assert_int_equal(p.quote.window, 502);
	assert_false(p.quote.has_checksum);
	p = decode("te4_full");
	assert_true(p.quote.has_checksum);
	assert_int_equal(p.quote.checksum, decode("data").tcp.checksum);
	p = decode("te4_full");
	assert_int_equal(p.quote.tcp_opts_len, 12);
	assert_ptr_equal(p.quote.tcp_opts, frame + 20 + 8 + 20 + 20);
	assert_int_equal(p.quote.quoted_len, 59);
}

static void
test_quote_kinds(void **state)
{
	struct pkt p = decode("te4_echo");

	(void)state;
	assert_true(p.quote.has_echo);
	assert_false(p.quote.has_ports);
	assert_int_equal(p.quote.echo_id, 0x4242);
	assert_int_equal(p.quote.echo_seq, 5);
	p = decode("te6_echo");
	assert_true(p.quote.has_echo);
	assert_int_equal(p.quote.echo_id, 0x4343);
	p = decode("te4_udp");
	assert_true(p.quote.has_ports);
	assert_int_equal(p.quote.ip.proto, PKT_PROTO_UDP);
	assert_int_equal(p.quote.sport, 33000);
	assert_int_equal(p.quote.dport, 33435);
	assert_false(p.quote.has_ack);
	p = decode("te4_fragment");
	assert_int_equal(p.quote.ip.frag_off, 64);
	assert_false(p.quote.has_ports);
}

static void
test_quote_odd(void **state)
{
	struct pkt p = decode("te4_length_0");

	(void)state;
	assert_int_equal(p.quote.ip.total_len, 0);
	assert_int_equal(p.quote.quoted_len, 40);
	assert_true(p.quote.has_checksum);
	p = decode("te4_options");
	assert_int_equal(p.quote.ip.header_len, 24);
	assert_true(p.quote.has_ports);
	assert_false(p.quote.has_ack);
}

static void
test_quote_forged(void **state)
{
	struct pkt p = decode("forged_rst");

	(void)state;
	assert_true(p.icmp.is_time_exceeded);
	assert_int_equal(p.quote.flags, PKT_TH_RST | PKT_TH_ACK);
	assert_int_equal(p.quote.ip.id, 13052);
	assert_int_equal(p.quote.seq, 0x10000008);
}

static void
test_quote6(void **state)
{
	struct pkt p = decode("te6_full");

	(void)state;
	assert_addr(&p.ip.src, "2001:db8:1::1");
	assert_addr(&p.quote.ip.dst, "2001:db8:6::2");
	assert_int_equal(p.quote.ip.tos, 4);
	assert_int_equal(p.quote.ip.flow_label, 0x12345);
	assert_int_equal(p.quote.ip.total_len, 78);
	assert_int_equal(p.quote.quoted_len, 78);
	assert_true(p.quote.has_checksum);
	p = decode("te6_min");
	assert_int_equal(p.quote.quoted_len, 48);
	assert_true(p.quote.has_ports);
	assert_false(p.quote.has_ack);
	p = decode("te6_extensions");
	assert_int_equal(p.quote.ip.header_len, 56);
	assert_int_equal(p.quote.ip.id6, 0xcafe);
	assert_int_equal(p.quote.window, 77);
	p = decode("te6_extensions_cut");
	assert_false(p.quote.has_ports);
	assert_int_equal(p.quote.quoted_len, 52);
}

static void
check_mpls(
    const struct pkt_mpls *m, uint32_t label, int tc, bool bottom, int ttl)
{
	assert_int_equal(m->label, label);
	assert_int_equal(m->tc, tc);
	assert_int_equal(m->bottom, bottom);
	assert_int_equal(m->ttl, ttl);
}

static void
test_mpls(void **state)
{
	struct pkt p = decode("te4_mpls");

	(void)state;
	assert_true(p.quote.has_extensions);
	assert_int_equal(p.quote.n_mpls, 2);
	check_mpls(&p.quote.mpls[0], 24001, 5, false, 1);
	check_mpls(&p.quote.mpls[1], 299776, 0, true, 254);
	/* the padding up to 128 bytes is not the probe's */
	assert_int_equal(p.quote.quoted_len, 59);
	p = decode("te4_mpls_second");
	assert_true(p.quote.has_extensions);
	assert_int_equal(p.quote.n_mpls, 1);
	check_mpls(&p.quote.mpls[0], 16, 1, true, 2);
	p = decode("te6_mpls");
	assert_int_equal(p.quote.n_mpls, 1);
	check_mpls(&p.quote.mpls[0], 1048575, 7, true, 255);
	assert_int_equal(p.quote.quoted_len, 78);
	p = decode("te4_ten_labels");
	assert_int_equal(p.quote.n_mpls, PKT_MPLS);
	check_mpls(&p.quote.mpls[7], 1007, 0, false, 8);
}

static void
test_mpls_unannounced(void **state)
{
	struct pkt p = decode("te4_old");

	(void)state;
	assert_true(p.quote.has_extensions);
	check_mpls(&p.quote.mpls[0], 24001, 5, true, 1);
	p = decode("te4_old_bad");
	assert_false(p.quote.has_extensions);
	assert_int_equal(p.quote.n_mpls, 0);
	p = decode("te4_old_zero");
	assert_false(p.quote.has_extensions);
	assert_int_equal(p.quote.n_mpls, 0);
}

static void
test_extensions_lie(void **state)
{
	struct pkt p = decode("te4_ext_bad");

	(void)state;
	assert_false(p.quote.has_extensions);
	assert_int_equal(p.quote.n_mpls, 0);
	assert_true(p.quote.has_checksum);
	assert_false(decode("te4_ext_v1").quote.has_extensions);
	p = decode("te4_object_0");
	assert_int_equal(p.quote.n_mpls, 1);
	p = decode("te4_object_long");
	assert_int_equal(p.quote.n_mpls, 0);
	p = decode("te4_len_1");
	assert_int_equal(p.quote.quoted_len, 59);
	assert_true(p.quote.has_checksum);
	assert_int_equal(decode("te4_len_255").quote.quoted_len, 59);
}

/* --- helpers --- */

static void
test_flow_key(void **state)
{
	struct pkt p = decode("rst_padded");
	char text[ADDR_ENDPOINT];
	struct flow_key k;

	(void)state;
	assert_true(pkt_flow_key(&p, &k));
	assert_string_equal(endpoint_format(&k.src, text), "1.2.3.4:3306");
	assert_string_equal(endpoint_format(&k.dst, text), "10.0.0.5:51514");
	p = decode("te4_full");
	assert_false(pkt_flow_key(&p, &k));
}

static void
test_initial_ttl(void **state)
{
	(void)state;
	for (int ttl = 0; ttl <= 255; ttl++) {
		int want = ttl <= 32 ? 32
		    : ttl <= 64	     ? 64
		    : ttl <= 128     ? 128
				     : 255;

		assert_int_equal(pkt_initial_ttl((uint8_t)ttl), want);
	}
}

static void
test_flags(void **state)
{
	char b[PKT_FLAGS_TEXT];

	(void)state;
	assert_string_equal(pkt_format_flags(PKT_TH_RST | PKT_TH_ACK, b), "RA");
	assert_string_equal(pkt_format_flags(PKT_TH_SYN, b), "S");
	assert_string_equal(pkt_format_flags(PKT_TH_PSH | PKT_TH_ACK, b), "PA");
	assert_string_equal(pkt_format_flags(0xff, b), "RSFPAUEC");
	assert_string_equal(pkt_format_flags(0, b), "");
}

/* RFC 9293, section 3.4: numbers are compared modulo 2^32. */
static void
test_seq_after(void **state)
{
	static const uint32_t starts[] = {
	    0, 1, 0x7fffffff, 0x80000000, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		uint32_t a = starts[i];

		assert_false(seq_after(a, a));
		assert_true(seq_after(a + 1, a));
		assert_false(seq_after(a, a + 1));
		assert_true(seq_after(a + 0x7fffffff, a));
		assert_false(seq_after(a + 0x80000001, a));
	}
}

static int
teardown(void **state)
{
	(void)state;
	free(frame);
	frame = NULL;
	return 0;
}

static void
tunnels_to_the_provider(void **state)
{
	static const char *const names[] = {"pppoe", "mpls"};
	struct pkt bare = decode("syn");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pkt p = decode(names[i]);

		assert_int_equal(p.ethertype, 0x0800);
		assert_true(addr_equal(&p.ip.dst, &bare.ip.dst));
		assert_int_equal(p.tcp.seq, bare.tcp.seq);
		assert_int_equal(p.tcp.tsval, bare.tcp.tsval);
	}
}

/* --- tunnels --- */

static void
assert_founding_reset(const struct pkt *p, const char *name)
{
	if (p->n_tunnels == 0 || p->ip.ttl != 63 || p->ip.id != 0x32fc ||
	    p->tcp.sport != 3306 || p->tcp.dport != 51514 ||
	    p->tcp.flags != (PKT_TH_RST | PKT_TH_ACK))
		fail_msg("%s: not the founding reset", name);
	assert_addr(&p->ip.src, "1.2.3.4");
	assert_addr(&p->ip.dst, "10.0.0.5");
	assert_int_equal(p->payload_wire, 0);
}

static void
test_tunnels(void **state)
{
	static const char *const framed[] = {"vxlan", "vxlan_8472", "geneve",
	    "nvgre", "erspan", "erspan_1", "erspan_3"};
	static const char *const bare[] = {"gtp_u", "gre", "ip_in_ip",
	    "four_in_six", "tunnels_4", "geneve_gre"};
	static const char *const six[] = {
	    "gtp_u_extension", "gre_all", "six_in_four"};
	struct pkt p;

	(void)state;
	for (size_t i = 0; i < sizeof(framed) / sizeof(framed[0]); i++) {
		p = decode(framed[i]);
		assert_founding_reset(&p, framed[i]);
		assert_mac(p.mac_src, "58:69:6c:00:00:01");
	}
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
		p = decode(bare[i]);
		assert_founding_reset(&p, bare[i]);
	}
	for (size_t i = 0; i < sizeof(six) / sizeof(six[0]); i++) {
		p = decode(six[i]);
		assert_addr(&p.ip.src, "2001:db8:6::2");
		assert_int_equal(p.tcp.flags, PKT_TH_RST);
	}
	p = decode("tunnels_4");
	assert_int_equal(p.n_tunnels, 4);
	p = decode("rst_padded");
	assert_int_equal(p.n_tunnels, 0);
}

static void
test_tunnel_vlans(void **state)
{
	struct pkt p = decode("vxlan_vlans");

	(void)state;
	assert_int_equal(p.n_vlans, 1);
	assert_int_equal(p.vlans[0], 300);
}

/* What is none keeps its own facts, and is not called malformed. */
static void
test_no_tunnels(void **state)
{
	static const char *const names[] = {"vxlan_not", "vxlan_arp",
	    "geneve_version", "gtp_u_empty", "gtp_u_echo", "gre_pptp"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct pkt p = decode(names[i]);

		assert_addr(&p.ip.src, "10.20.0.1");
		assert_addr(&p.ip.dst, "10.20.0.2");
		assert_int_equal(p.ip.ttl, 64);
		assert_int_equal(p.n_tunnels, 0);
		assert_int_equal(p.ethertype, 0x0800);
		assert_mac(p.mac_src, "02:00:00:00:00:05");
		assert_mac(p.mac_dst, "58:69:6c:00:00:01");
	}
}

static void
test_tunnel_bounds(void **state)
{
	struct pkt p = decode("tunnels_5");

	(void)state;
	assert_int_equal(p.n_tunnels, PKT_TUNNELS);
	assert_addr(&p.ip.src, "10.20.0.1");
	/* The inner length is no lie: the rest is in other fragments. */
	p = decode("tunnel_fragment");
	assert_addr(&p.ip.src, "1.2.3.4");
	assert_int_equal(p.n_tunnels, 1);
	assert_int_equal(p.payload_len, 0);
	assert_int_equal(p.payload_wire, 100);
}

/* What stands between an IP header and the IP packet in a tunnel. */
struct nest {
	const char *name;
	uint8_t proto;
	size_t len;
	uint8_t header[32];
};

static const struct nest nests[] = {
    {"IP in IP", 4, 0, {0}},
    {"GRE", 47, 4, {[2] = 0x08}},
    {"VXLAN", 17, 30,
	{[2] = 0x12, 0xb5, [8] = 0x08, [16] = 2, [22] = 2, [28] = 0x08}},
    {"Geneve", 17, 16, {[2] = 0x17, 0xc1, [10] = 0x08}},
    {"GTP-U", 17, 16, {[2] = 0x08, 0x68, [8] = 0x30, 255}},
};

#define NESTS	 (sizeof(nests) / sizeof(nests[0]))
#define NEST_MAX 512

/* The n bytes at p go into a tunnel from 10.20.layer.1; the new length. */
static size_t
nest_wrap(uint8_t *p, size_t n, const struct nest *k, uint8_t layer)
{
	size_t total = 20 + k->len + n;
	uint8_t ip[20] = {0x45, 0, (uint8_t)(total >> 8),
	    (uint8_t)total, [8] = 64, [9] = k->proto, [12] = 10, 20, layer, 1,
	    10, 20, layer, 2};

	assert_true(total <= NEST_MAX);
	memmove(p + 20 + k->len, p, n);
	memcpy(p, ip, 20);
	memcpy(p + 20, k->header, k->len);
	return total;
}

/* So many layers around the founding reset, of kinds from `first` on. */
static size_t
nest_build(uint8_t *p, size_t first, unsigned int layers)
{
	size_t n = 40; /* without Ethernet's padding */

	load(find("rst_padded"));
	memcpy(p, frame + 14, n);
	for (unsigned int i = 0; i < layers; i++)
		n = nest_wrap(
		    p, n, &nests[(first + i) % NESTS], (uint8_t)(i + 1));
	return n;
}

/* A cut capture may lose the innermost; it never shows another instead. */
static void
check_nest_prefixes(const uint8_t *p, size_t n, const struct pkt *full)
{
	for (size_t len = 0; len < n; len++) {
		uint8_t *exact = malloc(len + 1);
		struct pkt cut;

		assert_non_null(exact);
		memcpy(exact + 1, p, len);
		pkt_decode(PKT_LINK_RAW, exact + 1, len, n, &cut);
		if ((cut.has & PKT_HAS_IP) != 0) {
			assert_true(addr_equal(&cut.ip.src, &full->ip.src));
			assert_int_equal(cut.n_tunnels, full->n_tunnels);
		}
		assert_true(cut.n_tunnels <= PKT_TUNNELS);
		assert_int_equal(cut.has & PKT_MALFORMED, 0);
		free(exact);
	}
}

static void
test_tunnel_nests(void **state)
{
	uint8_t p[NEST_MAX];
	struct pkt got;
	size_t n;

	(void)state;
	for (size_t first = 0; first < NESTS; first++)
		for (unsigned int layers = 1; layers <= PKT_TUNNELS; layers++) {
			n = nest_build(p, first, layers);
			pkt_decode(PKT_LINK_RAW, p, n, n, &got);
			assert_founding_reset(&got, nests[first].name);
			assert_int_equal(got.n_tunnels, layers);
			check_nest_prefixes(p, n, &got);
		}
}

/* One layer more than are looked through: its own header is what is shown. */
static void
test_tunnel_beyond(void **state)
{
	uint8_t p[NEST_MAX];
	struct pkt got;
	size_t n;

	(void)state;
	for (size_t first = 0; first < NESTS; first++) {
		n = nest_build(p, first, PKT_TUNNELS + 1);
		pkt_decode(PKT_LINK_RAW, p, n, n, &got);
		assert_int_equal(got.has & ~(uint32_t)PKT_HAS_MAC, PKT_HAS_IP);
		assert_int_equal(got.n_tunnels, PKT_TUNNELS);
		assert_addr(&got.ip.src, "10.20.1.1");
		check_nest_prefixes(p, n, &got);
	}
}

/* What the innermost tunnel holds is none: the packet around it is shown. */
static void
test_tunnel_false_end(void **state)
{
	uint8_t p[NEST_MAX];
	struct pkt got;
	size_t n;

	(void)state;
	for (size_t first = 0; first < NESTS; first++) {
		p[0] = 0x15; /* a version that is none */
		n = nest_wrap(p, 1, &nests[0], 1);
		for (unsigned int i = 1; i < PKT_TUNNELS; i++)
			n = nest_wrap(p, n, &nests[(first + i) % NESTS],
			    (uint8_t)(i + 1));
		pkt_decode(PKT_LINK_RAW, p, n, n, &got);
		assert_int_equal(got.has & ~(uint32_t)PKT_HAS_MAC, PKT_HAS_IP);
		assert_int_equal(got.n_tunnels, PKT_TUNNELS - 1);
		assert_int_equal(got.ethertype, 0x0800);
		assert_addr(&got.ip.src, "10.20.1.1");
		assert_int_equal(got.ip.proto, 4);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("sequence numbers go on past their end", test_seq_after),
	    PROVES("PPPoE sessions and MPLS labels are looked through",
		tunnels_to_the_provider),
	    PROVES("tunnels show the innermost packet", test_tunnels),
	    PROVES("tags outside of a tunnel are not its packet's",
		test_tunnel_vlans),
	    PROVES("what is no tunnel keeps its facts", test_no_tunnels),
	    PROVES("tunnels are looked through to a depth", test_tunnel_bounds),
	    PROVES(
		"tunnels of all kinds nest in each other", test_tunnel_nests),
	    PROVES("one tunnel beyond the depth is not looked through",
		test_tunnel_beyond),
	    PROVES("where the innermost is none, the one around it is shown",
		test_tunnel_false_end),
	    PROVES("each packet gives the records it should", test_has),
	    PROVES("a cut capture loses facts and changes none", test_prefixes),
	    PROVES("a truncated packet is called malformed", test_truncated),
	    PROVES(
		"no byte, however wrong, breaks the decoder", test_mutations),
	    PROVES("Ethernet shows MACs and type", test_ethernet),
	    PROVES("Ethernet's padding is no payload", test_padding),
	    PROVES("802.1Q, 802.1ad and 0x9100 tags are read", test_vlans),
	    PROVES("both cooked headers are read", test_cooked),
	    PROVES("raw, null and loop links are read", test_bare_links),
	    PROVES("IPv4 headers are read", test_ip4),
	    PROVES("IPv4 options are stepped over", test_ip4_options),
	    PROVES("only the first fragment has ports", test_fragments),
	    PROVES("IPv6 headers are read", test_ip6),
	    PROVES("IPv6 extensions are walked", test_ip6_extensions),
	    PROVES("total length 0 means the whole frame", test_offload),
	    PROVES("payload is counted as sent and as kept", test_snapped),
	    PROVES("TCP headers are read", test_tcp),
	    PROVES("a SYN's options are read", test_syn_options),
	    PROVES("SACK blocks are read", test_sacks),
	    PROVES("the end of options is the end", test_options_end),
	    PROVES("options that lie stop cleanly", test_options_lie),
	    PROVES("a data offset that lies stops cleanly", test_offset_lies),
	    PROVES("cut options are not shown as whole", test_options_cut),
	    PROVES("echo requests and replies are told apart", test_echo),
	    PROVES("ICMP errors are told apart", test_errors),
	    PROVES("a quote of 8 bytes shows ports and seq", test_quote_min),
	    PROVES("a longer quote shows more", test_quote_longer),
	    PROVES("quotes of echo, UDP and fragments", test_quote_kinds),
	    PROVES("quotes that routers got wrong", test_quote_odd),
	    PROVES("a forged reset is seen in a quote", test_quote_forged),
	    PROVES("IPv6 quotes are read", test_quote6),
	    PROVES("MPLS labels are read behind quotes", test_mpls),
	    PROVES("unannounced extensions need a checksum",
		test_mpls_unannounced),
	    PROVES("extensions that lie are dropped", test_extensions_lie),
	    PROVES("a flow key is addresses and ports", test_flow_key),
	    PROVES("the initial TTL is the next of four", test_initial_ttl),
	    PROVES("flags are letters in a fixed order", test_flags),
	};

	return cmocka_run_group_tests_name("pkt", tests, NULL, teardown);
}
