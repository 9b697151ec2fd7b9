/*
 * tcb: the state of a connection from its packets alone, each told what it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/clock.h>
#include <rsthop/tcb.h>

#include "proves.h"
#include "scripted_world.h"

#define SYN    PKT_TH_SYN
#define ACK    PKT_TH_ACK
#define SYNACK (PKT_TH_SYN | PKT_TH_ACK)

/* One connection under test, and the segment that a test is about to show. */
struct scene {
	struct tcb t;
	struct craft_tcp c, s; /* client's and server's next segment */
	int64_t now_ns;
};

/* MSS 1460, SACK permitted, NOP, NOP, timestamps. */
static const uint8_t full_opts[20] = {
    2, 4, 5, 180, 4, 2, 1, 1, 1, 1, 8, 10, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0};

static struct scene
scene_new(int version)
{
	bool v4 = version == 4;
	struct scene sc = {.now_ns = CLOCK_S};
	struct flow_key flow = {
	    {sw_addr(v4 ? "10.9.0.1" : "2001:db8::1"), 40001},
	    {sw_addr(v4 ? "10.9.6.2" : "2001:db8:6::2"), 3306}};

	sc.c = (struct craft_tcp){.flow = flow,
	    .ttl = 64,
	    .tos = 0x10,
	    .id = 13052,
	    .df = true,
	    .flow_label = 0x12345,
	    .window = 502};
	sc.s = (struct craft_tcp){.flow = flow_key_reverse(&flow),
	    .ttl = 47,
	    .id = 23403,
	    .window = 600};
	tcb_init(&sc.t, &flow);
	return sc;
}

static enum tcb_event
show(struct scene *sc, const struct craft_tcp *t)
{
	uint8_t frame[SW_ETHER + SW_FRAME] = {0};
	struct pkt p;
	size_t n;

	memcpy(frame + 6, sw_router_mac, ADDR_MAC);
	sw_be(frame + 12, t->flow.src.addr.version == 4 ? 0x0800 : 0x86dd, 2);
	n = SW_ETHER + sw_write_tcp(frame + SW_ETHER, t);
	pkt_decode(PKT_LINK_ETHERNET, frame, n, n, &p);
	return tcb_see(&sc->t, &p, sc->now_ns);
}

static enum tcb_event
show_client(
    struct scene *sc, uint8_t flags, uint32_t seq, uint32_t ack, size_t len)
{
	sc->c.flags = flags;
	sc->c.seq = seq;
	sc->c.ack = ack;
	sc->c.payload_len = len;
	return show(sc, &sc->c);
}

static enum tcb_event
show_server(
    struct scene *sc, uint8_t flags, uint32_t seq, uint32_t ack, size_t len)
{
	sc->s.flags = flags;
	sc->s.seq = seq;
	sc->s.ack = ack;
	sc->s.payload_len = len;
	return show(sc, &sc->s);
}

/* SYN at 1 s, SYN-ACK 30 ms later, ACK; opts_len of each side's SYN. */
static void
shake_hands(struct scene *sc, uint32_t iss, uint32_t irs, size_t client_opts,
    size_t server_opts)
{
	sc->c.opts = sc->s.opts = full_opts;
	sc->c.opts_len = client_opts;
	sc->s.opts_len = server_opts;
	assert_int_equal(show_client(sc, SYN, iss, 0, 0), TCB_SENT);
	assert_false(sc->t.established);
	sc->now_ns += 30 * CLOCK_MS;
	assert_int_equal(
	    show_server(sc, SYNACK, irs, iss + 1, 0), TCB_RECEIVED);
	assert_false(sc->t.established);
	sc->c.opts_len = sc->s.opts_len = 0;
	assert_int_equal(show_client(sc, ACK, iss + 1, irs + 1, 0), TCB_SENT);
	assert_true(sc->t.established);
}

static void
test_handshake(void **state)
{
	struct scene sc = scene_new(4);
	const struct tcb *t = &sc.t;

	(void)state;
	shake_hands(&sc, 1000, 5000, 20, 20);
	assert_true(t->has_syn && t->has_synack);
	assert_int_equal(t->iss, 1000);
	assert_int_equal(t->irs, 5000);
	assert_int_equal(t->snd_nxt, 1001);
	assert_int_equal(t->snd_una, 1001);
	assert_int_equal(t->rcv_nxt, 5001);
	assert_int_equal(t->client_ttl, 64);
	assert_int_equal(t->client_tos, 0x10);
	assert_true(t->client_df);
	assert_int_equal(t->client_window, 502);
	assert_int_equal(t->client_ip_id, 13052);
	assert_int_equal(t->server_ttl, 47);
	assert_true(t->has_server_ip_id);
	assert_int_equal(t->server_ip_id, 23403);
	assert_true(t->has_server_mac);
	assert_memory_equal(t->server_mac, sw_router_mac, ADDR_MAC);
	assert_int_equal(t->server_mss, 1460);
	assert_true(t->syn_ns == CLOCK_S);
	assert_true(t->synack_ns == CLOCK_S + 30 * CLOCK_MS);
	assert_true(t->rtt_ns == 30 * CLOCK_MS);
	assert_true(t->data_ns == 0);
	assert_false(t->server_fin);
}

static void
test_handshake_v6(void **state)
{
	struct scene sc = scene_new(6);

	(void)state;
	shake_hands(&sc, 1000, 5000, 20, 20);
	assert_int_equal(sc.t.client_ttl, 64);
	assert_int_equal(sc.t.server_ttl, 47);
	assert_int_equal(sc.t.flow_label, 0x12345);
	assert_false(sc.t.has_server_ip_id);
}

/* What is agreed upon is what both SYNs offered. */
static void
test_negotiation(void **state)
{
	static const struct {
		size_t client, server;
		bool sack, ts;
	} rows[] = {{20, 20, true, true}, {20, 8, true, false},
	    {8, 20, true, false}, {8, 8, true, false}, {20, 4, false, false},
	    {4, 20, false, false}, {20, 0, false, false}};
	struct scene sc;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sc = scene_new(4);
		shake_hands(&sc, 1, 2, rows[i].client, rows[i].server);
		assert_int_equal(sc.t.sack_ok, rows[i].sack);
		assert_int_equal(sc.t.ts_ok, rows[i].ts);
		assert_int_equal(
		    sc.t.server_mss, rows[i].server == 0 ? 0 : 1460);
	}
}

static void
test_data_both_ways(void **state)
{
	struct scene sc = scene_new(4);
	int64_t sent;

	(void)state;
	shake_hands(&sc, 1000, 5000, 8, 8);
	sent = sc.now_ns += CLOCK_S;
	show_client(&sc, ACK, 1001, 5001, 100);
	assert_int_equal(sc.t.snd_nxt, 1101);
	assert_int_equal(sc.t.snd_una, 1001);
	assert_true(sc.t.data_ns == sent && sc.t.acked_ns == 0);
	/* At the same time the server sends, before it has our data. */
	show_server(&sc, ACK, 5001, 1001, 50);
	assert_int_equal(sc.t.rcv_nxt, 5051);
	assert_int_equal(sc.t.snd_una, 1001);
	assert_true(sc.t.acked_ns == 0);
	sc.now_ns += CLOCK_MS;
	show_server(&sc, ACK, 5051, 1041, 0);
	assert_int_equal(sc.t.snd_una, 1041);
	assert_true(sc.t.acked_ns == 0);
	sc.now_ns += CLOCK_MS;
	show_server(&sc, ACK, 5051, 1101, 0);
	assert_int_equal(sc.t.snd_una, 1101);
	assert_true(sc.t.acked_ns == sent + 2 * CLOCK_MS);
	/* New data: its acknowledgement is awaited anew. */
	show_client(&sc, ACK, 1101, 5051, 10);
	assert_true(sc.t.acked_ns == 0);
}

/* Repeats, gaps and impossible acknowledgements don't move the state. */
static void
test_odd_segments(void **state)
{
	struct scene sc = scene_new(4);
	int64_t sent;

	(void)state;
	shake_hands(&sc, 1000, 5000, 8, 8);
	sent = sc.now_ns += CLOCK_S;
	show_client(&sc, ACK, 1001, 5001, 100);
	sc.now_ns += CLOCK_S;
	show_client(&sc, ACK, 1001, 5001, 100);
	assert_int_equal(sc.t.snd_nxt, 1101);
	assert_true(sc.t.data_ns == sent);
	show_server(&sc, ACK, 5101, 1001, 50); /* a gap before it */
	assert_int_equal(sc.t.rcv_nxt, 5001);
	show_server(&sc, ACK, 5001, 1102, 0); /* data never sent */
	assert_int_equal(sc.t.snd_una, 1001);
	show_server(&sc, ACK, 4990, 900, 5); /* old both ways */
	assert_int_equal(sc.t.rcv_nxt, 5001);
	assert_int_equal(sc.t.snd_una, 1001);
	show_server(&sc, ACK, 4990, 1001, 31); /* half old, half new */
	assert_int_equal(sc.t.rcv_nxt, 5021);
}

static void
test_wrap(void **state)
{
	struct scene sc = scene_new(4);

	(void)state;
	shake_hands(&sc, 0xfffffff0, 0xffffffff, 20, 20);
	assert_int_equal(sc.t.rcv_nxt, 0);
	show_client(&sc, ACK, 0xfffffff1, 0, 0x20);
	assert_int_equal(sc.t.snd_nxt, 0x11);
	assert_true(sc.t.snd_una == 0xfffffff1);
	show_server(&sc, ACK, 0, 5, 7);
	assert_int_equal(sc.t.snd_una, 5);
	assert_int_equal(sc.t.rcv_nxt, 7);
	assert_true(sc.t.acked_ns == 0);
	show_server(&sc, ACK, 7, 0xfffffff8, 0); /* older than that */
	assert_int_equal(sc.t.snd_una, 5);
	show_server(&sc, ACK, 7, 0x11, 0);
	assert_int_equal(sc.t.snd_una, 0x11);
	assert_true(sc.t.acked_ns != 0);
}

/* Karn: the round trip is that of the SYN that was answered last. */
static void
test_syn_again(void **state)
{
	struct scene sc = scene_new(4);

	(void)state;
	show_client(&sc, SYN, 1000, 0, 0);
	sc.now_ns += CLOCK_S;
	show_client(&sc, SYN, 1000, 0, 0);
	assert_int_equal(sc.t.snd_nxt, 1001);
	sc.now_ns += 40 * CLOCK_MS;
	show_server(&sc, SYNACK, 5000, 1001, 0);
	assert_true(sc.t.rtt_ns == 40 * CLOCK_MS);
	/* A second SYN-ACK, from afar as it seems, changes nothing. */
	sc.now_ns += CLOCK_S;
	sc.s.ttl = 200;
	show_server(&sc, SYNACK, 5000, 1001, 0);
	assert_int_equal(sc.t.server_ttl, 47);
	assert_true(sc.t.rtt_ns == 40 * CLOCK_MS);
	assert_int_equal(sc.t.rcv_nxt, 5001);
}

static void
test_fin(void **state)
{
	struct scene sc = scene_new(4);

	(void)state;
	shake_hands(&sc, 1000, 5000, 8, 8);
	show_server(&sc, ACK | PKT_TH_FIN, 5001, 1001, 3);
	assert_true(sc.t.server_fin);
	assert_int_equal(sc.t.rcv_nxt, 5005);
	show_client(&sc, ACK | PKT_TH_FIN, 1001, 5005, 0);
	assert_int_equal(sc.t.snd_nxt, 1002);
	show_server(&sc, ACK, 5005, 1002, 0);
	assert_int_equal(sc.t.snd_una, 1002);
	assert_true(sc.t.acked_ns == 0);
}

/* The server's word on our data: acknowledged, then answered. */
static void
test_answer(void **state)
{
	struct scene sc = scene_new(4);
	int64_t acked;

	(void)state;
	shake_hands(&sc, 1000, 5000, 8, 8);
	show_server(&sc, ACK, 5001, 1001, 20); /* a greeting is no answer */
	show_client(&sc, ACK, 1001, 5021, 10);
	show_server(&sc, ACK, 5021, 1001, 7); /* nor what crossed it */
	assert_true(sc.t.acked_ns == 0 && sc.t.answer_ns == 0);
	sc.now_ns += CLOCK_MS;
	show_server(&sc, ACK, 5028, 1011, 0);
	acked = sc.t.acked_ns;
	assert_true(acked != 0 && sc.t.answer_ns == 0);
	sc.now_ns += CLOCK_MS;
	show_server(&sc, ACK, 5028, 1011, 30);
	assert_int_equal(sc.t.answer_seq, 5028);
	assert_true(sc.t.answer_ns > acked);
	/* Our FIN is no data: what was said stays said. */
	show_client(&sc, ACK | PKT_TH_FIN, 1011, 5058, 0);
	show_server(&sc, ACK, 5058, 1012, 0);
	assert_int_equal(sc.t.acked_ns, acked);
	assert_true(sc.t.answer_ns > acked);
}

static void
test_id_steps(void **state)
{
	(void)state;
	assert_true(tcb_id_follows(7, 8));
	assert_true(tcb_id_follows(0xffff, 3));
	assert_true(tcb_id_follows(100, 100 + TCB_ID_STEP));
	assert_false(tcb_id_follows(100, 101 + TCB_ID_STEP));
	assert_false(tcb_id_follows(7, 7));
	assert_false(tcb_id_follows(8, 7));
}

static void
test_injected(void **state)
{
	struct scene sc = scene_new(4);
	struct tcb before;

	(void)state;
	shake_hands(&sc, 1000, 5000, 20, 20);
	before = sc.t;
	sc.c.ttl = 5;
	sc.c.id = 999;
	sc.c.window = 549;
	sc.c.opts_len = 20;
	sc.now_ns += CLOCK_S;
	assert_int_equal(show_client(&sc, ACK, 1001, 4996, 7), TCB_INJECTED);
	assert_int_equal(show_client(&sc, SYN, 7777, 0, 0), TCB_INJECTED);
	assert_memory_equal(&sc.t, &before, sizeof(before));
}

static void
test_resets(void **state)
{
	struct scene sc = scene_new(4);
	struct tcb before;

	(void)state;
	shake_hands(&sc, 1000, 5000, 20, 20);
	before = sc.t;
	sc.now_ns += CLOCK_S;
	sc.s.id = 13052;
	sc.s.ttl = 63;
	assert_int_equal(show_server(&sc, PKT_TH_RST, 5001, 0, 0), TCB_RESET);
	assert_int_equal(
	    show_server(&sc, PKT_TH_RST | ACK, 5001, 1001, 10), TCB_RESET);
	assert_memory_equal(&sc.t, &before, sizeof(before));
	/* Of our own kernel's it is but a segment sent. */
	assert_int_equal(show_client(&sc, PKT_TH_RST, 1001, 0, 0), TCB_SENT);
}

/* A reset to the SYN is not a handshake (PHYSICS, trap 5). */
static void
test_refused(void **state)
{
	struct scene sc = scene_new(4);

	(void)state;
	show_client(&sc, SYN, 1000, 0, 0);
	assert_int_equal(
	    show_server(&sc, PKT_TH_RST | ACK, 0, 1001, 0), TCB_RESET);
	assert_false(sc.t.has_synack || sc.t.established);
	assert_int_equal(sc.t.server_ttl, 0);
	show_client(&sc, PKT_TH_RST | ACK, 1001, 0, 0);
	assert_false(sc.t.established);
}

static void
test_foreign(void **state)
{
	struct scene sc = scene_new(4), other = scene_new(4);
	struct pkt icmp = {.has = PKT_HAS_IP | PKT_HAS_ICMP};
	struct tcb before;

	(void)state;
	shake_hands(&sc, 1000, 5000, 20, 20);
	before = sc.t;
	other.c.flow.src.port = 40002;
	assert_int_equal(show(&sc, &other.c), TCB_OTHER);
	other.c = sc.c;
	other.c.flow.dst.addr = sw_addr("10.9.6.3");
	assert_int_equal(show(&sc, &other.c), TCB_OTHER);
	other.s.flow.dst.port = 40002;
	other.s.flags = PKT_TH_RST;
	assert_int_equal(show(&sc, &other.s), TCB_OTHER);
	assert_int_equal(tcb_see(&sc.t, &icmp, 1), TCB_OTHER);
	assert_memory_equal(&sc.t, &before, sizeof(before));
}

static void
test_opts(void **state)
{
	static const uint8_t golden[TCB_OPTS] = {
	    1, 1, 8, 10, 0x01, 0x02, 0x03, 0x04, 0xa1, 0xb2, 0xc3, 0xd4};
	static const uint8_t client[12] = {
	    1, 1, 8, 10, 0x01, 0x02, 0x03, 0x04, 9, 9, 9, 9};
	static const uint8_t server[12] = {
	    1, 1, 8, 10, 0xa1, 0xb2, 0xc3, 0xd4, 8, 8, 8, 8};
	struct scene sc = scene_new(4);
	uint8_t out[TCB_OPTS];

	(void)state;
	shake_hands(&sc, 1000, 5000, 20, 20);
	sc.c.opts = client;
	sc.s.opts = server;
	sc.c.opts_len = sc.s.opts_len = 12;
	show_client(&sc, ACK, 1001, 5001, 1);
	show_server(&sc, ACK, 5001, 1002, 0);
	assert_int_equal(tcb_write_opts(&sc.t, out), TCB_OPTS);
	assert_memory_equal(out, golden, sizeof(golden));
	sc = scene_new(4);
	shake_hands(&sc, 1000, 5000, 20, 8);
	assert_int_equal(tcb_write_opts(&sc.t, out), 0);
}

/* The second SYN crossed the SYN-ACK: what was agreed upon stays so. */
static void
test_syn_after_synack(void **state)
{
	struct scene sc = scene_new(4);

	(void)state;
	sc.c.opts = full_opts;
	sc.c.opts_len = 20;
	show_client(&sc, SYN, 1000, 0, 0);
	sc.now_ns += 30 * CLOCK_MS;
	show_server(&sc, SYNACK, 5000, 1001, 0); /* no options at all */
	assert_false(sc.t.sack_ok || sc.t.ts_ok);
	sc.now_ns += CLOCK_MS;
	assert_int_equal(show_client(&sc, SYN, 1000, 0, 0), TCB_SENT);
	assert_false(sc.t.sack_ok || sc.t.ts_ok);
	assert_int_equal(sc.t.snd_nxt, 1001);
	assert_false(sc.t.established);
	sc.c.opts_len = 0;
	show_client(&sc, ACK, 1001, 5001, 0);
	assert_true(sc.t.established);
}

/* The job had the kernel send with another TTL: that is the kernel's now. */
static void
test_other_ttl(void **state)
{
	struct scene sc = scene_new(4);

	(void)state;
	shake_hands(&sc, 1000, 5000, 20, 20);
	sc.t.client_ttl = 71;
	sc.c.ttl = 71;
	assert_int_equal(show_client(&sc, ACK, 1001, 5001, 6), TCB_SENT);
	assert_int_equal(sc.t.snd_nxt, 1007);
	sc.c.ttl = 64;
	assert_int_equal(show_client(&sc, ACK, 1007, 5001, 6), TCB_INJECTED);
	assert_int_equal(sc.t.snd_nxt, 1007);
}

static struct scene
scene_adopted(int version)
{
	struct scene sc = scene_new(version);

	tcb_adopt(&sc.t, &sc.c.flow);
	return sc;
}

/* What either side's first packet says of both. */
static void
expect_numbers(const struct tcb *t, uint32_t ours, uint32_t theirs)
{
	assert_true(t->has_syn && t->has_synack && t->established);
	assert_int_equal(t->snd_nxt, ours);
	assert_int_equal(t->rcv_nxt, theirs);
	assert_int_equal(t->iss + 1, ours);
	assert_int_equal(t->irs + 1, theirs);
}

static void
test_adopt_by_client(void **state)
{
	struct scene sc = scene_adopted(4);

	(void)state;
	assert_false(sc.t.established);
	assert_int_equal(show_client(&sc, ACK, 7000, 9000, 0), TCB_SENT);
	expect_numbers(&sc.t, 7000, 9000);
	assert_int_equal(sc.t.client_ttl, 64);
	/* From here on as with any other. */
	assert_int_equal(show_client(&sc, ACK, 7000, 9000, 5), TCB_SENT);
	assert_int_equal(sc.t.snd_nxt, 7005);
	assert_int_equal(show_server(&sc, ACK, 9000, 7005, 3), TCB_RECEIVED);
	assert_int_equal(sc.t.snd_una, 7005);
	assert_int_equal(sc.t.rcv_nxt, 9003);
}

static void
test_adopt_by_server(void **state)
{
	struct scene sc = scene_adopted(6);

	(void)state;
	assert_int_equal(show_server(&sc, ACK, 9000, 7000, 0), TCB_RECEIVED);
	expect_numbers(&sc.t, 7000, 9000);
	assert_int_equal(sc.t.server_ttl, 47);
	/* The kernel's TTL is not known yet: its first packet tells. */
	assert_int_equal(show_client(&sc, ACK, 7000, 9000, 1), TCB_SENT);
	assert_int_equal(sc.t.client_ttl, 64);
	sc.c.ttl = 3;
	assert_int_equal(show_client(&sc, ACK, 7001, 9000, 9), TCB_INJECTED);
	assert_int_equal(sc.t.snd_nxt, 7001);
}

static void
test_adopt_nothing(void **state)
{
	struct scene sc = scene_adopted(4);

	(void)state;
	assert_int_equal(show_server(&sc, PKT_TH_RST, 9000, 0, 0), TCB_RESET);
	assert_int_equal(
	    show_server(&sc, PKT_TH_RST | ACK, 9000, 7000, 0), TCB_RESET);
	assert_false(sc.t.established || sc.t.has_syn || sc.t.has_synack);
}

static void
test_adopt_timestamps(void **state)
{
	static const uint8_t stamps[12] = {
	    1, 1, 8, 10, 0x01, 0x02, 0x03, 0x04, 0xa1, 0xb2, 0xc3, 0xd4};
	static const uint8_t golden[TCB_OPTS] = {
	    1, 1, 8, 10, 0xa1, 0xb2, 0xc3, 0xd4, 0x01, 0x02, 0x03, 0x04};
	struct scene sc = scene_adopted(4);
	uint8_t out[TCB_OPTS];

	(void)state;
	sc.s.opts = stamps;
	sc.s.opts_len = sizeof(stamps);
	show_server(&sc, ACK, 9000, 7000, 0);
	assert_int_equal(tcb_write_opts(&sc.t, out), TCB_OPTS);
	assert_memory_equal(out, golden, sizeof(golden));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("a packet of the client's gives a standing connection's "
		   "numbers",
		test_adopt_by_client),
	    PROVES("so does one of the server's", test_adopt_by_server),
	    PROVES("a reset gives none", test_adopt_nothing),
	    PROVES("its timestamps are the server's, turned round",
		test_adopt_timestamps),
	    PROVES("a handshake gives both ends' numbers, TTLs and the round "
		   "trip",
		test_handshake),
	    PROVES("likewise in IPv6, with the flow label", test_handshake_v6),
	    PROVES("SACK and timestamps count where both ends offered them",
		test_negotiation),
	    PROVES("data both ways at once moves each side by itself",
		test_data_both_ways),
	    PROVES("repeats, gaps and impossible acknowledgements move nothing",
		test_odd_segments),
	    PROVES("sequence numbers wrap around", test_wrap),
	    PROVES("data of ours is acknowledged once, and answered once",
		test_answer),
	    PROVES("an IP ID follows another by a few, also over the top",
		test_id_steps),
	    PROVES("a repeated SYN starts the round trip anew", test_syn_again),
	    PROVES("a SYN that crosses the SYN-ACK unsettles nothing agreed",
		test_syn_after_synack),
	    PROVES("the kernel is known by the TTL that it was given",
		test_other_ttl),
	    PROVES("FINs count in sequence space", test_fin),
	    PROVES("what we inject is told by its TTL and moves nothing",
		test_injected),
	    PROVES("resets are told apart and move nothing", test_resets),
	    PROVES("a reset to the SYN is no handshake", test_refused),
	    PROVES("packets of others are of others", test_foreign),
	    PROVES("our segments' options are these bytes", test_opts),
	};

	return cmocka_run_group_tests_name("tcb", tests, NULL, NULL);
}
