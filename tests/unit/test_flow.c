/*
 * flow: what it remembers of each side, when it hands a reset over and with
 * what, and that its memory stays bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <rsthop/rng.h>

#include "flow_scene.h"
#include "proves.h"

static void
baseline_of_both_sides(void **state)
{
	static struct scene sc;
	const struct flow_reset *r;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	scene_reset(&sc, &sc.s, &sc.s, RSTACK, 92, 69, 700);
	scene_judge(&sc, 0);
	r = &sc.facts[0];
	assert_int_equal(r->roles, FLOW_ROLES_SYN);
	assert_true(r->to_client);
	assert_int_equal(r->client.port, 51514);
	assert_int_equal(r->sender.packets, 3);
	assert_int_equal(r->sender.data_packets, 2);
	assert_int_equal(flow_side_ttl(&r->sender), 47);
	assert_true(flow_side_sent_ttl(&r->receiver, 64));
	assert_int_equal(r->sender.id_kind, FLOW_ID_COUNTER);
	assert_int_equal(r->sender.ids[0], 23402);
	assert_int_equal(r->sender.seq_next, 900000 + 92);
	assert_int_equal(r->sender.ack_high, 1000 + 61);
	assert_int_equal(r->receiver.seq_next, 1000 + 69);
	assert_true(r->sender.rtt_handshake);
	assert_true(r->sender.rtt_min_ns == 40 * CLOCK_MS);
	assert_true(r->receiver.rtt_min_ns == 50 * CLOCK_US);
	scene_end(&sc);
}

static void
trigger_with_its_payload(void **state)
{
	static struct scene sc;
	const struct flow_reset *r;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	scene_reset(&sc, &sc.s, &sc.s, RSTACK, 92, 69, 700);
	scene_judge(&sc, 0);
	r = &sc.facts[0];
	assert_int_equal(r->trigger.frame, 8);
	assert_true(r->trigger_exact);
	assert_int_equal(r->payload_len, 8);
	assert_memory_equal(sc.payload[0], "\3\0\0\0\2db\n", 8);
	scene_end(&sc);
}

static void
what_comes_after(void **state)
{
	static struct scene sc;
	const struct flow_after *a;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	scene_reset(&sc, &sc.s, &sc.s, RSTACK, 92, 69, 700);
	scene_say(&sc, &sc.s, PSHACK, 81, 61, 11, 1000); /* again */
	scene_say(&sc, &sc.s, PSHACK, 92, 69, 20, 1000);
	scene_say(&sc, &sc.c, ACK, 69, 92, 0, 1000);
	scene_judge(&sc, 0);
	a = &sc.facts[0].after;
	assert_int_equal(a->packets, 2);
	assert_int_equal(a->old_packets, 1);
	assert_int_equal(a->data_packets, 1);
	assert_true(a->acked_more);
	assert_int_equal(a->first_data.frame, 11);
	assert_int_equal(a->receiver_packets, 1);
	assert_true(a->receiver_challenge);
	assert_int_equal(sc.facts[0].end, FLOW_END_CAPTURE);
	scene_end(&sc);
}

static void
settled_in_time(void **state)
{
	static struct scene sc;
	const struct flow_config cfg = {.settle_ns = CLOCK_S};

	(void)state;
	scene_begin(&sc, &cfg);
	scene_until_trigger(&sc);
	scene_reset(&sc, &sc.s, &sc.s, RSTACK, 92, 69, 700);
	flow_table_tick(sc.t, sc.now_ns + CLOCK_S - 1, NULL);
	assert_int_equal(sc.n, 0);
	flow_table_tick(sc.t, sc.now_ns + CLOCK_S, NULL);
	assert_int_equal(sc.n, 1);
	assert_int_equal(sc.facts[0].end, FLOW_END_SETTLED);
	assert_true(sc.facts[0].after.waited_ns == CLOCK_S);
	scene_end(&sc);
}

static void
begun_anew(void **state)
{
	static struct scene sc;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	scene_reset(&sc, &sc.s, &sc.s, RSTACK, 92, 69, 700);
	sc.c.isn += 5000;
	sc.s.isn += 5000;
	scene_handshake(&sc);
	assert_int_equal(sc.n, 1);
	assert_true(sc.facts[0].after.begun_anew);
	assert_int_equal(sc.facts[0].end, FLOW_END_ANEW);
	scene_reset(&sc, &sc.s, &sc.s, RSTACK, 1, 1, 700);
	scene_judge(&sc, 1);
	/* Of the old one nothing is left, but the host is known. */
	assert_int_equal(sc.facts[1].sender.packets, 1);
	assert_int_equal(sc.facts[1].host.packets, 3);
	assert_int_equal(sc.facts[1].n_others, 0);
	scene_end(&sc);
}

static void
syn_sent_again_is_not_anew(void **state)
{
	static struct scene sc;

	(void)state;
	scene_begin(&sc, NULL);
	scene_say(&sc, &sc.c, SYN, 0, 0, 0, 0);
	scene_reset(&sc, &sc.s, &sc.s, RSTACK, 0, 1, 700);
	scene_say(&sc, &sc.c, SYN, 0, 0, 0, 1000000);
	assert_int_equal(sc.n, 0);
	scene_say(&sc, &sc.s, SYNACK, 0, 1, 0, 40000);
	scene_judge(&sc, 0);
	assert_true(sc.facts[0].after.synack);
	/* Sent twice, nobody can tell which one was answered. */
	assert_true(sc.facts[0].receiver.rtt_min_ns == 0);
	scene_end(&sc);
}

static void
joined_in_its_midst(void **state)
{
	static struct scene sc;

	(void)state;
	scene_begin(&sc, NULL);
	scene_say(&sc, &sc.s, PSHACK, 500, 600, 80, 0);
	scene_say(&sc, &sc.c, ACK, 600, 580, 0, 50);
	scene_reset(&sc, &sc.s, &sc.s, RSTACK, 580, 600, 700);
	scene_judge(&sc, 0);
	/* Neither port is below 1024: the first to be seen is the client. */
	assert_int_equal(sc.facts[0].roles, FLOW_ROLES_FIRST);
	scene_end(&sc);

	scene_begin(&sc, NULL);
	sc.s.self.port = 443;
	scene_say(&sc, &sc.s, PSHACK, 500, 600, 80, 0);
	scene_reset(&sc, &sc.s, &sc.s, RSTACK, 580, 600, 700);
	scene_judge(&sc, 0);
	assert_int_equal(sc.facts[0].roles, FLOW_ROLES_PORT);
	assert_int_equal(sc.facts[0].server.port, 443);
	scene_end(&sc);
}

static enum flow_id_kind
id_kind_of(const uint16_t *ids, size_t n)
{
	static struct scene sc;
	enum flow_id_kind k;

	scene_begin(&sc, NULL);
	scene_handshake(&sc);
	for (uint32_t i = 0; i < n; i++) {
		sc.c.id = ids[i];
		scene_say(&sc, &sc.c, PSHACK, 1 + i, 1, 1, 1000);
	}
	scene_reset(&sc, &sc.c, &sc.c, RSTACK, 9, 1, 10);
	scene_judge(&sc, 0);
	k = sc.facts[0].sender.id_kind;
	scene_end(&sc);
	return k;
}

static void
kinds_of_ids(void **state)
{
	static const struct {
		enum flow_id_kind kind;
		uint16_t ids[8];
	} cases[] = {
	    {FLOW_ID_COUNTER, {1, 2, 3, 5, 6, 9, 10, 11}},
	    {FLOW_ID_COUNTER, {65534, 65535, 0, 1, 2, 3, 4, 5}},
	    {FLOW_ID_SHARED, {100, 400, 900, 1500, 3000, 3100, 4000, 5000}},
	    {FLOW_ID_SWAPPED,
		{0x0100, 0x0200, 0x0300, 0x0400, 0x0500, 0x0600, 0x0700,
		    0x0800}},
	    {FLOW_ID_ZERO, {0}},
	    {FLOW_ID_CONSTANT, {7, 7, 7, 7, 7, 7, 7, 7}},
	    {FLOW_ID_RANDOM, {40000, 3, 51234, 20001, 9, 61000, 30303, 12}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* The handshake's two packets take part: let them vanish. */
		uint16_t ids[64];

		for (size_t k = 0; k < 64; k++)
			ids[k] = cases[i].kind == FLOW_ID_COUNTER
			    ? (uint16_t)(cases[i].ids[0] + k)
			    : cases[i].ids[k % 8];
		if (cases[i].kind == FLOW_ID_SHARED)
			for (size_t k = 0; k < 64; k++)
				ids[k] = (uint16_t)(300 * k);
		if (cases[i].kind == FLOW_ID_SWAPPED)
			for (size_t k = 0; k < 64; k++)
				ids[k] = (uint16_t)(k << 8);
		assert_int_equal(id_kind_of(ids, 64), cases[i].kind);
	}
}

static void
injected_packets_stay_apart(void **state)
{
	static struct scene sc;
	struct scene_hand h = {.ttl = 83, .tos = 0x28, .id = 5};
	struct pkt p;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	p = scene_make(&sc, &sc.s, &h, FIN | PSHACK, 92, 69);
	p.payload_wire = 500;
	scene_show(&sc, &p, 100);
	scene_reset(&sc, &sc.s, &sc.s, RSTACK, 92, 69, 700);
	scene_judge(&sc, 0);
	assert_int_equal(sc.facts[0].sender.injected, 1);
	assert_int_equal(sc.facts[0].sender.last_injected.ttl, 83);
	assert_int_equal(sc.facts[0].sender.packets, 3);
	assert_int_equal(sc.facts[0].sender.n_ttls, 1);
	assert_int_equal(sc.facts[0].sender.seq_next, 900000 + 92);
	assert_false(sc.facts[0].sender.seen & FLOW_SEEN_FIN);
	scene_end(&sc);
}

static void
probes_and_what_they_draw(void **state)
{
	static struct scene sc;
	struct scene_hand h;
	struct pkt te = {.has = PKT_HAS_IP | PKT_HAS_ICMP | PKT_HAS_QUOTE,
	    .icmp = {.is_time_exceeded = true},
	    .quote = {.has_ports = true}};
	const struct flow_reset *r;

	(void)state;
	scene_begin(&sc, NULL);
	scene_handshake(&sc);
	h = sc.c;
	sc.c.ttl = 5;
	scene_say(&sc, &sc.c, PSHACK, 1, 1, 60, 1000);
	sc.c = h;
	te.ip.src = scene_addr("10.9.4.2");
	te.ip.ttl = 60;
	te.quote.ip = (struct pkt_ip){.version = 4,
	    .id = h.id,
	    .src = sc.c.self.addr,
	    .dst = sc.s.self.addr,
	    .proto = PKT_PROTO_TCP};
	te.quote.sport = sc.c.self.port;
	te.quote.dport = sc.s.self.port;
	te.quote.seq = sc.c.isn + 1;
	scene_show(&sc, &te, 9000);
	/* Of another packet with the same data, which nobody saw leave. */
	te.quote.ip.id++;
	scene_show(&sc, &te, 10);
	h = sc.s;
	h.ttl = 60;
	h.id = 7;
	scene_reset(&sc, &sc.s, &h, RSTACK, 1, 61, 100);
	scene_judge(&sc, 0);
	r = &sc.facts[0];
	assert_int_equal(r->n_expired, 2);
	assert_int_equal(sc.expired[0].probe_ttl, 5);
	assert_int_equal(sc.expired_next[0].probe_ttl, 0);
	assert_true(sc.expired[0].quotes_client);
	assert_true(r->trigger_was_probe);
	assert_true(scene_weight(&sc.verdicts[0], "trigger-expired") > 5);
	assert_int_equal(sc.verdicts[0].ruling, RST_FORGED);
	assert_int_equal(sc.verdicts[0].candidates[0].hop, 5);
	assert_int_equal(sc.n_probes, 1);
	assert_int_equal(sc.probes[0].mark.ttl, 5);
	assert_true(sc.probes[0].reset && !sc.probes[0].answered);
	assert_int_equal(sc.probes[0].reset_mark.ttl, 60);
	assert_true(sc.probes[0].has_expired);
	scene_end(&sc);
}

static void
idle_ones_are_let_go(void **state)
{
	static struct scene sc;
	const struct flow_config cfg = {.idle_ns = 60 * CLOCK_S};
	struct flow_stats st;

	(void)state;
	scene_begin(&sc, &cfg);
	scene_handshake(&sc);
	scene_say(&sc, &sc.s, PSHACK, 1, 1, 80, 61000000);
	scene_reset(&sc, &sc.s, &sc.s, RSTACK, 81, 1, 700);
	scene_judge(&sc, 0);
	flow_table_get_stats(sc.t, &st);
	assert_int_equal(st.aged, 1);
	assert_int_equal(st.flows, 2);
	assert_int_equal(sc.facts[0].sender.packets, 1);
	scene_end(&sc);
}

static void
no_more_than_allowed(void **state)
{
	static struct scene sc;
	const struct flow_config cfg = {
	    .max_flows = 100, .payload_bytes = 4096, .max_hosts = 4};
	struct flow_stats st;

	(void)state;
	scene_begin(&sc, &cfg);
	for (unsigned int i = 0; i < 5000; i++) {
		sc.c.self.port = (uint16_t)(1024 + i);
		scene_handshake(&sc);
		if (i % 500 == 0)
			scene_reset(&sc, &sc.s, &sc.s, RSTACK, 1, 1, 10);
	}
	assert_int_equal(flow_table_end(sc.t, NULL), 0);
	flow_table_get_stats(sc.t, &st);
	assert_int_equal(st.flows, 5000);
	assert_int_equal(st.evicted, 4900);
	/* None of the resets is lost with its connection. */
	assert_int_equal(sc.n, 10);
	scene_end(&sc);
}

static void
many_resets_of_one_connection(void **state)
{
	static struct scene sc;
	struct flow_stats st;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	for (unsigned int i = 0; i < 60; i++)
		scene_reset(&sc, &sc.s, &sc.s, RSTACK, 92, 69, 10);
	assert_int_equal(sc.n, 60 - 16);
	assert_int_equal(flow_table_end(sc.t, NULL), 0);
	assert_int_equal(sc.n, 60);
	flow_table_get_stats(sc.t, &st);
	assert_int_equal(st.resets, 60);
	assert_int_equal(st.hurried, 44);
	/* In the order in which they came, whoever waited for what. */
	for (size_t i = 0; i < 60; i++)
		assert_int_equal(sc.facts[i].mark.frame, 9 + i);
	scene_end(&sc);
}

/* --- anything at all --- */

#define CHAOS_PACKETS 2000

static uint32_t chaos_resets;

static int
chaos_on_reset(void *ctx, const struct flow_reset *r, struct fault *f)
{
	struct rst_verdict v;
	double sum = 0;

	rst_crowd_see(ctx, r);
	if (rst_judge(r, ctx, NULL, &v, f) != 0)
		return -1;
	assert_true(v.probability >= 0 && v.probability <= 1);
	for (size_t i = 0; i < v.n_candidates; i++)
		sum += v.candidates[i].probability;
	assert_true(sum < 1.0001);
	assert_true((v.ruling == RST_UNDETERMINED) == (v.missing != NULL));
	rst_verdict_free(&v);
	chaos_resets++;
	return 0;
}

/* A few ends, numbers near each other, and now and then nonsense. */
static struct pkt
chaos_packet(struct rng *g)
{
	static const uint8_t flags[] = {SYN, SYNACK, ACK, PSHACK, FINACK, RST,
	    RSTACK, RST, RSTACK, 0, 0xff};
	static const uint8_t data[1500];
	bool up = rng_below(g, 2) != 0;
	uint8_t c[4] = {10, 0, 0, (uint8_t)rng_below(g, 3)};
	uint8_t s[4] = {1, 2, 3, (uint8_t)rng_below(g, 3)};
	uint16_t port = (uint16_t)(1000 + rng_below(g, 4));
	uint32_t len = rng_below(g, 3) != 0 ? 0 : rng_below(g, sizeof(data));
	struct pkt p = {.has = PKT_HAS_IP | PKT_HAS_TCP | PKT_HAS_MAC};

	p.ip = (struct pkt_ip){.version = 4,
	    .src = addr_from_v4(up ? c : s),
	    .dst = addr_from_v4(up ? s : c),
	    .ttl = (uint8_t)(rng_below(g, 4) != 0 ? 64U - 10U * up
						  : rng_below(g, 256)),
	    .id = (uint16_t)rng_below(g, rng_below(g, 3) != 0 ? 300 : 65536),
	    .tos = (uint8_t)(rng_below(g, 5) != 0 ? 0 : rng_u64(g)),
	    .proto = PKT_PROTO_TCP,
	    .df = rng_below(g, 2) != 0,
	    .has_id = true};
	p.tcp = (struct pkt_tcp){.sport = up ? port : 80,
	    .dport = up ? 80 : port,
	    .seq = 1000 +
		(uint32_t)(rng_u64(g) >> (rng_below(g, 4) != 0 ? 57 : 32)),
	    .ack = 1000 +
		(uint32_t)(rng_u64(g) >> (rng_below(g, 4) != 0 ? 57 : 32)),
	    .flags = flags[rng_below(g, sizeof(flags))],
	    .window = (uint16_t)rng_u64(g),
	    .wscale = (uint8_t)rng_u64(g),
	    .has_wscale = true,
	    .header_len = 20};
	p.payload = len > 0 ? data : NULL;
	p.payload_len = p.payload_wire = len;
	return p;
}

static void
chaos_quote(struct pkt *p)
{
	p->has = PKT_HAS_IP | PKT_HAS_ICMP | PKT_HAS_QUOTE;
	p->icmp.is_time_exceeded = true;
	p->quote = (struct pkt_quote){.ip = p->ip,
	    .has_ports = true,
	    .sport = p->tcp.sport,
	    .dport = p->tcp.dport,
	    .seq = p->tcp.seq,
	    .has_flags = true,
	    .flags = p->tcp.flags};
}

static int64_t
chaos_stamp(struct rng *g, int64_t now_ns)
{
	switch (rng_below(g, 100)) {
	case 0:
		return INT64_MAX - rng_below(g, 100);
	case 1:
		return INT64_MIN + rng_below(g, 100);
	case 2:
		return now_ns - rng_below(g, 1000000000);
	default:
		return now_ns + rng_below(g, 10000000);
	}
}

static uint32_t
chaos_run(uint64_t seed)
{
	struct rng g;
	struct flow_config cfg;
	struct flow_sink sink = {.reset = chaos_on_reset};
	struct flow_table *t = NULL;
	struct rst_crowd *crowd = NULL;
	uint32_t shown = 0;

	rng_seed(&g, seed);
	cfg = (struct flow_config){.max_flows = 1 + rng_below(&g, 20),
	    .max_pending = 1 + rng_below(&g, 8),
	    .payload_bytes = 1 + rng_below(&g, 5000),
	    .max_hosts = 1 + rng_below(&g, 6),
	    .settle_pkts = 1 + rng_below(&g, 10),
	    .settle_ns = 1 + rng_below(&g, 100000000),
	    .idle_ns = 1 + rng_below(&g, 1000000000)};
	assert_int_equal(rst_crowd_new(7, &crowd, NULL), 0);
	sink.ctx = crowd;
	assert_int_equal(flow_table_new(&cfg, &sink, &t, NULL), 0);
	for (unsigned int i = 0; i < CHAOS_PACKETS; i++) {
		struct pkt p = chaos_packet(&g);
		struct flow_seen s = {.pkt = &p, .frame = i + 1};

		s.unix_ns = chaos_stamp(&g, CLOCK_S + i * CLOCK_MS);
		if (rng_below(&g, 20) == 0)
			chaos_quote(&p);
		else if ((p.tcp.flags & RST) != 0)
			shown++;
		assert_int_equal(flow_table_see(t, &s, NULL), 0);
	}
	assert_int_equal(flow_table_end(t, NULL), 0);
	flow_table_free(t);
	rst_crowd_free(crowd);
	return shown;
}

static void
any_packets_in_any_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		uint32_t shown;

		chaos_resets = 0;
		shown = chaos_run(seed);
		assert_true(shown > 100);
		assert_int_equal(shown, chaos_resets);
	}
}

static void
unknown_packets_are_left_alone(void **state)
{
	static struct scene sc;
	struct pkt p = {.has = PKT_HAS_IP};
	struct flow_stats st;

	(void)state;
	scene_begin(&sc, NULL);
	assert_int_equal(scene_show(&sc, &p, 1), 0);
	p.has = PKT_HAS_IP | PKT_HAS_ICMP | PKT_HAS_QUOTE;
	p.icmp.is_time_exceeded = true;
	p.quote.has_ports = true;
	p.quote.ip.proto = PKT_PROTO_TCP;
	assert_int_equal(scene_show(&sc, &p, 1), 0);
	flow_table_get_stats(sc.t, &st);
	assert_int_equal(st.packets, 0);
	assert_int_equal(st.flows, 0);
	scene_end(&sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("both sides' TTL, IDs, numbers and round trips are known",
		baseline_of_both_sides),
	    PROVES("a reset comes with what fired it, payload and all",
		trigger_with_its_payload),
	    PROVES("what comes after is told apart: old, new, acknowledged",
		what_comes_after),
	    PROVES("a reset waits until its time is up, not longer",
		settled_in_time),
	    PROVES("a SYN with another number begins another connection",
		begun_anew),
	    PROVES("a SYN sent again does not", syn_sent_again_is_not_anew),
	    PROVES("a connection joined in its midst has a client as well",
		joined_in_its_midst),
	    PROVES("the ways in which IP IDs run are told apart", kinds_of_ids),
	    PROVES("packets that somebody injects do not spoil the baseline",
		injected_packets_stay_apart),
	    PROVES("a probe is handed over with its reset and its "
		   "time-exceeded",
		probes_and_what_they_draw),
	    PROVES("connections that fell silent are let go",
		idle_ones_are_let_go),
	    PROVES("no more connections are held than allowed, no reset lost",
		no_more_than_allowed),
	    PROVES("resets of one connection are handed over in order",
		many_resets_of_one_connection),
	    PROVES("of any packets in any order, every reset is judged once",
		any_packets_in_any_order),
	    PROVES("what is no TCP of a known connection changes nothing",
		unknown_packets_are_left_alone),
	};

	return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
