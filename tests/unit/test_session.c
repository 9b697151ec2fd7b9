/*
 * session: which probe does a packet answer, and what is said of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/clock.h>

#include "proves.h"
#include "scripted_world.h"
#include <rsthop/session.h>
#include <rsthop/trial.h>

#define TRIGGER "use db"

struct scene {
	struct sw *sw;
	struct session s;
	struct path path;
	struct result_evidence evidence;
	struct fault f;
	uint16_t src_port; /* 0: any */
	uint32_t snd, rcv; /* of connection 0 */
};

static struct scene *
scene_bare(int version, uint16_t src_port, int rate_pps)
{
	struct scene *sc = calloc(1, sizeof(*sc));
	struct session_ask ask = {0};

	assert_non_null(sc);
	sc->sw = sw_new(version);
	ask.w = &sc->sw->w;
	ask.target = sc->sw->server;
	ask.src = sc->sw->client.addr;
	ask.max_hops = 30;
	ask.rate_pps = rate_pps;
	ask.path = &sc->path;
	ask.evidence = &sc->evidence;
	session_init(&sc->s, &ask);
	sc->src_port = src_port;
	return sc;
}

static void
open_one(struct scene *sc, enum arm arm)
{
	int conn = session_open(&sc->s, arm, sc->src_port, &sc->f);

	assert_true(conn >= 0);
	assert_int_equal(session_wait_open(&sc->s, conn, CLOCK_S, &sc->f), 1);
	sc->snd = sc->s.conns[conn].tcb.snd_nxt;
	sc->rcv = sc->s.conns[conn].tcb.rcv_nxt;
}

static struct scene *
scene_new(int version)
{
	struct scene *sc = scene_bare(version, 0, 0);

	open_one(sc, ARM_TRIGGER);
	return sc;
}

static void
scene_free(struct scene *sc)
{
	struct locate_result r = {.evidence = sc->evidence};

	session_free(&sc->s);
	locate_result_free(&r);
	free(sc->sw);
	free(sc);
}

/* Lets time pass and all that is due arrive. */
static void
pump(struct scene *sc, int64_t ns)
{
	assert_int_equal(
	    session_pump(&sc->s, session_now(&sc->s) + ns, NULL, NULL, &sc->f),
	    0);
}

static int
inject(struct scene *sc, enum probe_kind kind, int ttl, int tag)
{
	struct probe p = {.kind = kind, .conn = 0, .ttl = (uint8_t)ttl};
	uint8_t zeros[PATH_MAX_HOPS] = {0};
	bool shot = kind == PROBE_SHOT;
	int i;

	p.ip_id = (uint16_t)(3000 + ttl);
	p.seq = shot ? sc->snd : sc->snd - (uint32_t)ttl;
	p.ack = sc->rcv - (uint32_t)tag;
	p.len = (uint16_t)(shot ? sizeof(TRIGGER) - 1 : (size_t)ttl);
	p.flags = PKT_TH_ACK | (shot ? PKT_TH_PSH : 0);
	p.window = (uint16_t)(tag != 0 ? 512 + 73 * tag : 0);
	i = session_inject(
	    &sc->s, &p, shot ? (const uint8_t *)TRIGGER : zeros, &sc->f);
	assert_true(i >= 0);
	return i;
}

/* The copies of a burst, TTL 1 … n; gives the first's index. */
static int
burst(struct scene *sc, int n)
{
	int first = (int)sc->s.n_probes;

	for (int i = 1; i <= n; i++)
		inject(sc, PROBE_SHOT, i, i);
	return first;
}

/* Likewise plain ones: one acknowledgement number for all. */
static int
plain_burst(struct scene *sc, int n)
{
	int first = (int)sc->s.n_probes;
	struct probe p;

	for (int ttl = n; ttl >= 1; ttl--) {
		p = (struct probe){.kind = PROBE_SHOT, .plain = true};
		p.ttl = (uint8_t)ttl;
		p.ip_id = (uint16_t)(3000 + ttl);
		p.seq = sc->snd;
		p.ack = sc->rcv;
		p.len = sizeof(TRIGGER) - 1;
		p.flags = PKT_TH_ACK | PKT_TH_PSH;
		p.window = (uint16_t)(512 + 73 * ttl);
		assert_true(session_inject(&sc->s, &p, (const uint8_t *)TRIGGER,
				&sc->f) >= 0);
	}
	return first;
}

/* What was put on the wire for a probe. */
static const struct sw_sent *
sent_for(const struct scene *sc, int ttl)
{
	for (size_t i = sc->sw->n_sent; i-- > 0;)
		if (sc->sw->sent[i].tcp.ttl == ttl)
			return &sc->sw->sent[i];
	fail_msg("nothing was sent with TTL %d", ttl);
	return &sc->sw->sent[0];
}

/* A router quotes n bytes of t, 3 ms from now. */
static void
quote(struct scene *sc, const char *from, const struct craft_tcp *t, size_t n)
{
	uint8_t b[SW_FRAME];
	size_t len = sw_write_tcp(b, t);

	sw_push_te(sc->sw, session_now(&sc->s) + 3 * CLOCK_MS, from, 61, b,
	    n < len ? n : len);
	pump(sc, 10 * CLOCK_MS);
}

/* The segment as it was sent, ready to be changed on its way. */
static struct craft_tcp
copy_of(const struct scene *sc, int ttl)
{
	struct craft_tcp t = sent_for(sc, ttl)->tcp;

	t.opts_len = 0;
	return t;
}

static void
reset_comes(struct scene *sc, const struct craft_tcp *t)
{
	sw_push_tcp(sc->sw, session_now(&sc->s) + CLOCK_MS, t);
	pump(sc, 5 * CLOCK_MS);
}

static const struct seen_reset *
last_reset(const struct scene *sc)
{
	assert_true(sc->s.n_resets > 0);
	return &sc->s.resets[sc->s.n_resets - 1];
}

/* No probe has drawn an answer. */
static void
assert_none_answered(const struct scene *sc)
{
	for (size_t i = 0; i < sc->s.n_probes; i++)
		assert_false(sc->s.probes[i].te || sc->s.probes[i].from_server);
	for (size_t i = 0; i < PATH_MAX_HOPS; i++)
		assert_int_equal(sc->path.hops[i].n_responders, 0);
}

/* This one alone has. */
static void
assert_answered(const struct scene *sc, int probe)
{
	for (size_t i = 0; i < sc->s.n_probes; i++)
		if (sc->s.probes[i].te != ((int)i == probe))
			fail_msg("probe %zu, TTL %u: te %d", i,
			    sc->s.probes[i].ttl, sc->s.probes[i].te);
}

static void
assert_fired(const struct scene *sc, int probe)
{
	for (size_t i = 0; i < sc->s.n_probes; i++)
		if (sc->s.probes[i].drew_reset != ((int)i == probe))
			fail_msg("probe %zu, TTL %u: drew a reset %d", i,
			    sc->s.probes[i].ttl, sc->s.probes[i].drew_reset);
}

/* --- connections --- */

static void
test_open(void **state)
{
	struct scene *sc = scene_new(4);

	(void)state;
	assert_int_equal(sc->snd, sc->sw->iss + 1);
	assert_int_equal(sc->rcv, sc->sw->irs + 1);
	assert_int_equal(sc->s.conns[0].tcb.server_ttl, 58);
	assert_true(sc->s.conns[0].tcb.rtt_ns == sc->sw->rtt_ns);
	session_close(&sc->s, 0);
	assert_true(sc->sw->conns[0].closed);
	assert_false(sc->sw->conns[0].aborted);
	open_one(sc, ARM_CONTROL);
	scene_free(sc);
}

static void
test_close_for_the_port(void **state)
{
	struct scene *sc = scene_bare(4, 47000, 0);

	(void)state;
	open_one(sc, ARM_NONE);
	assert_int_equal(sc->s.conns[0].local.port, 47000);
	session_close(&sc->s, 0);
	assert_true(sc->sw->conns[0].aborted);
	/* The same port again: packets go to the newer connection. */
	open_one(sc, ARM_TRIGGER);
	assert_true(sc->s.conns[1].tcb.established);
	scene_free(sc);
}

static void
test_close_for_a_chosen_port(void **state)
{
	struct scene *sc = scene_new(4);

	(void)state;
	session_keep_port(&sc->s, 0);
	session_close(&sc->s, 0);
	assert_true(sc->sw->conns[0].aborted);
	scene_free(sc);
}

static void
test_no_open(void **state)
{
	static const struct {
		enum conn_state state;
		const char *says;
	} rows[] = {
	    {CONN_CONNECTING, "did not answer the SYN"},
	    {CONN_TIMED_OUT, "did not answer the SYN"},
	    {CONN_REFUSED, "refused the connection"},
	    {CONN_UNREACHABLE, "cannot be reached"},
	    {CONN_OPEN, "was not seen on the interface"},
	    {CONN_RESET, "ended the connection at once"},
	    {CONN_CLOSED, "ended the connection at once"},
	    {CONN_FAILED, "ended the connection at once"},
	};
	struct scene *sc = scene_bare(4, 0, 0);
	int64_t before;

	(void)state;
	sc->sw->deaf = true;
	assert_int_equal(session_open(&sc->s, ARM_NONE, 0, &sc->f), 0);
	before = session_now(&sc->s);
	assert_int_equal(session_wait_open(&sc->s, 0, CLOCK_S, &sc->f), 0);
	assert_true(session_now(&sc->s) == before + CLOCK_S);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sc->sw->conns[0].state = rows[i].state;
		assert_int_equal(session_open_fault(&sc->s, 0, &sc->f), -1);
		assert_int_equal(sc->f.kind, FAULT_NETWORK);
		assert_non_null(strstr(sc->f.text, "10.9.6.2:3306"));
		assert_non_null(strstr(sc->f.text, rows[i].says));
	}
	scene_free(sc);
}

/* --- sending --- */

static void
test_inject(void **state)
{
	static const uint8_t opts[12] = {1, 1, 8, 10, 0, 0, 0, 77, 0, 0, 0, 77};
	struct scene *sc = scene_bare(4, 0, 0);
	const struct sw_sent *s;
	struct probe p;
	struct pkt k;
	int i;

	(void)state;
	sc->sw->timestamps = true;
	open_one(sc, ARM_TRIGGER);
	i = inject(sc, PROBE_SHOT, 5, 5);
	p = sc->s.probes[i];
	s = sent_for(sc, 5);
	pkt_decode(PKT_LINK_RAW, s->packet, s->len, s->len, &k);
	assert_int_equal(k.ip.ttl, 5);
	assert_int_equal(k.ip.id, 3005);
	assert_true(k.ip.df);
	assert_int_equal(k.tcp.seq, sc->snd);
	assert_int_equal(k.tcp.ack, sc->rcv - 5);
	assert_int_equal(k.tcp.window, 512 + 73 * 5);
	assert_int_equal(k.tcp.opts_len, sizeof(opts));
	assert_memory_equal(k.tcp.opts, opts, sizeof(opts));
	assert_int_equal(k.payload_wire, 6);
	assert_memory_equal(k.payload, TRIGGER, 6);
	assert_true(p.sent_ns == s->at_ns);
	assert_int_equal(sc->path.hops[4].asked, 1);
	assert_int_equal(sc->s.packets_sent, 1);
	/* Seen by the capture, it moves nothing. */
	pump(sc, CLOCK_MS);
	assert_int_equal(sc->s.conns[0].tcb.snd_nxt, sc->snd);
	assert_string_equal(
	    sc->evidence.packets[sc->evidence.n - 1].note, "probe with TTL 5");
	scene_free(sc);
}

static void
test_rate(void **state)
{
	struct scene *sc = scene_bare(4, 0, 100);
	int64_t first;

	(void)state;
	open_one(sc, ARM_TRIGGER);
	burst(sc, 5);
	first = sc->sw->sent[0].at_ns;
	for (size_t i = 0; i < 5; i++)
		assert_true(sc->sw->sent[i].at_ns ==
		    first + (int64_t)i * 10 * CLOCK_MS);
	/* A pause earns no credit. */
	pump(sc, CLOCK_S);
	assert_int_equal(session_echo(&sc->s, 1, &sc->f), 5);
	assert_int_equal(session_echo(&sc->s, 2, &sc->f), 6);
	assert_true(
	    sc->sw->sent[6].at_ns - sc->sw->sent[5].at_ns == 10 * CLOCK_MS);
	scene_free(sc);
}

/* What the kernel sent is known from the capture; repeats don't count. */
static void
test_full(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp again;
	struct probe p;

	(void)state;
	assert_int_equal(
	    session_send_full(&sc->s, 0, (const uint8_t *)TRIGGER, 6, &sc->f),
	    0);
	pump(sc, CLOCK_MS);
	p = sc->s.probes[0];
	assert_int_equal(p.ttl, 64);
	assert_int_equal(p.ip_id, sc->sw->kernel_id - 1);
	assert_int_equal(p.seq, sc->snd);
	assert_int_equal(p.ack, sc->rcv);
	assert_int_equal(p.window, 502);
	again = sc->sw->sent[0].tcp;
	again.id = 9;
	sw_push_tcp(sc->sw, session_now(&sc->s) + CLOCK_MS, &again);
	pump(sc, 5 * CLOCK_MS);
	assert_memory_equal(&sc->s.probes[0], &p, sizeof(p));
	scene_free(sc);
}

/* What the kernel sends from then on is still known as the kernel's. */
static void
test_set_ttl(void **state)
{
	struct scene *sc = scene_new(4);

	(void)state;
	assert_int_equal(session_set_ttl(&sc->s, 0, 85, &sc->f), 0);
	assert_int_equal(sc->sw->conns[0].ttl, 85);
	assert_int_equal(sc->s.conns[0].tcb.client_ttl, 85);
	session_send_full(&sc->s, 0, (const uint8_t *)TRIGGER, 6, &sc->f);
	pump(sc, CLOCK_MS);
	assert_int_equal(sc->s.probes[0].ttl, 85);
	assert_int_equal(sc->s.conns[0].tcb.snd_nxt, sc->snd + 6);
	/* A world that cannot: all stays as it was. */
	sc->sw->w.set_ttl = NULL;
	assert_int_equal(session_set_ttl(&sc->s, 0, 90, &sc->f), 0);
	assert_int_equal(sc->s.conns[0].tcb.client_ttl, 85);
	scene_free(sc);
}

/* --- quotes --- */

static void
test_quote_min(void **state)
{
	struct scene *sc = scene_new(4);
	const struct path_hop *hop;
	struct craft_tcp t;
	int probe[4];

	(void)state;
	for (int i = 1; i <= 3; i++)
		probe[i] = inject(sc, PROBE_TRACE, i, 0);
	t = copy_of(sc, 2);
	quote(sc, "10.9.1.2", &t, 28);
	assert_answered(sc, probe[2]);
	hop = &sc->path.hops[1];
	assert_int_equal(hop->asked, 1);
	assert_int_equal(hop->answered, 1);
	assert_false(hop->is_server);
	assert_int_equal(hop->n_responders, 1);
	assert_true(addr_equal(
	    &hop->responders[0].addr, &(struct addr){4, {10, 9, 1, 2}}));
	assert_true(hop->responders[0].rtt_ns == 3 * CLOCK_MS);
	assert_int_equal(hop->responders[0].reply_ttl, 61);
	assert_int_equal(hop->responders[0].via, PATH_VIA_TCP);
	assert_int_equal(hop->responders[0].rewrites, 0);
	assert_false(hop->responders[0].has_mac);
	assert_int_equal(sc->path.hops[0].n_responders, 0);
	assert_int_equal(sc->path.hops[2].n_responders, 0);
	scene_free(sc);
}

static void
test_quote_first_mac(void **state)
{
	struct scene *sc = scene_new(4);
	const struct path_responder *r = &sc->path.hops[0].responders[0];
	struct craft_tcp t;

	(void)state;
	inject(sc, PROBE_TRACE, 1, 0);
	t = copy_of(sc, 1);
	quote(sc, "10.9.0.2", &t, 28);
	assert_true(r->has_mac);
	assert_memory_equal(r->mac, sw_router_mac, ADDR_MAC);
	/* A second answer to it: counted, the quickest time kept. */
	quote(sc, "10.9.0.2", &t, 28);
	assert_int_equal(r->replies, 2);
	assert_true(r->rtt_ns == 3 * CLOCK_MS);
	assert_int_equal(sc->path.hops[0].answered, 1);
	scene_free(sc);
}

/* Copies of a burst share seq and length: each single tag tells them apart. */
static void
test_quote_tags(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t;
	int first = burst(sc, 6);

	(void)state;
	t = copy_of(sc, 3);
	quote(sc, "10.9.2.2", &t, 28);
	assert_answered(sc, first + 2);
	sc->s.probes[first + 2].te = false;
	t = copy_of(sc, 4);
	t.id = 0; /* rewritten on the way */
	quote(sc, "10.9.3.2", &t, 32);
	assert_answered(sc, first + 3);
	sc->s.probes[first + 3].te = false;
	t = copy_of(sc, 5);
	t.id = 0;
	t.ack += 100;
	quote(sc, "10.9.4.2", &t, 40);
	assert_answered(sc, first + 4);
	assert_int_equal(sc->path.hops[4].responders[0].via, PATH_VIA_PROBE);
	sc->s.probes[first + 4].te = false;
	/* No tag left: whose it is can't be said, so nobody's. */
	t = copy_of(sc, 6);
	t.id = 0;
	quote(sc, "10.9.5.2", &t, 28);
	assert_answered(sc, -1);
	scene_free(sc);
}

/* Of plain copies, the ID or the window; their number is no tag. */
static void
test_quote_plain(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t;
	int first = plain_burst(sc, 6);

	(void)state;
	t = copy_of(sc, 3);
	quote(sc, "10.9.2.2", &t, 28);
	assert_answered(sc, first + 3);
	sc->s.probes[first + 3].te = false;
	t = copy_of(sc, 5);
	t.id = 0;
	quote(sc, "10.9.4.2", &t, 40);
	assert_answered(sc, first + 1);
	sc->s.probes[first + 1].te = false;
	t = copy_of(sc, 4);
	t.id = 0;
	quote(sc, "10.9.3.2", &t, 32); /* the number alone */
	t.window = 9;
	quote(sc, "10.9.3.2", &t, 40);
	assert_answered(sc, -1);
	assert_int_equal(sc->path.hops[3].n_responders, 0);
	scene_free(sc);
	sc = scene_new(6);
	first = plain_burst(sc, 6);
	t = copy_of(sc, 2);
	quote(sc, "2001:db8:1::2", &t, 400);
	assert_answered(sc, first + 4);
	scene_free(sc);
}

static void
test_quote_v6(void **state)
{
	struct scene *sc = scene_new(6);
	struct craft_tcp t;
	int first = burst(sc, 6);

	(void)state;
	t = copy_of(sc, 3);
	quote(sc, "2001:db8:2::2", &t, 400);
	assert_answered(sc, first + 2);
	assert_int_equal(sc->path.hops[2].responders[0].rewrites, 0);
	sc->s.probes[first + 2].te = false;
	t = copy_of(sc, 4);
	t.flow_label = 7;
	quote(sc, "2001:db8:3::2", &t, 52);
	assert_answered(sc, first + 3);
	assert_int_equal(
	    sc->path.hops[3].responders[0].rewrites, PATH_REWRITE_FLOW_LABEL);
	scene_free(sc);
}

/*
 * PHYSICS, trap 1: a box resets the server too, with the probe's own IP ID and
 * TTL; the hop where that reset expires quotes it to us.
 */
static void
test_quoted_reset(void **state)
{
	static const size_t cuts[] = {28, 32, 40};
	struct scene *sc;
	struct craft_tcp t;

	(void)state;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		sc = scene_new(4);
		burst(sc, 6);
		t = copy_of(sc, 4);
		t.flags = PKT_TH_RST | PKT_TH_ACK;
		t.payload_len = 0;
		t.window = 0;
		assert_int_equal(t.id, 3004);
		quote(sc, "10.9.4.2", &t, cuts[i]);
		assert_none_answered(sc);
		assert_true(sc->s.conns[0].quoted_reset);
		assert_string_equal(
		    sc->evidence.packets[sc->evidence.n - 1].note,
		    "quotes a reset in the client's name that it never sent");
		/* The probe itself, quoted by the same hop, still counts. */
		t = copy_of(sc, 5);
		quote(sc, "10.9.4.2", &t, cuts[i]);
		assert_int_equal(sc->path.hops[4].answered, 1);
		scene_free(sc);
	}
}

/* As long as the probe, by a payload of its own: the flags give it away. */
static void
test_quoted_long_reset(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t;

	(void)state;
	burst(sc, 6);
	t = copy_of(sc, 4);
	t.flags = PKT_TH_RST;
	quote(sc, "10.9.4.2", &t, 400);
	assert_none_answered(sc);
	assert_true(sc->s.conns[0].quoted_reset);
	scene_free(sc);
}

static void
test_quote_rewrites(void **state)
{
	struct scene *sc = scene_new(4);
	const struct path_responder *r;
	struct craft_tcp t;

	(void)state;
	inject(sc, PROBE_TRACE, 2, 0);
	inject(sc, PROBE_TRACE, 3, 0);
	/* NAT: another address and port, so seq and length decide alone. */
	t = copy_of(sc, 2);
	t.flow.src.addr = sw_addr("203.0.113.9");
	t.flow.src.port = 1024;
	quote(sc, "10.9.1.2", &t, 28);
	r = &sc->path.hops[1].responders[0];
	assert_int_equal(r->rewrites, PATH_REWRITE_SRC | PATH_REWRITE_SPORT);
	/* All that a middlebox can turn, and still be known by its seq. */
	t = copy_of(sc, 3);
	t.flow.dst.addr = sw_addr("10.9.6.3");
	t.flow.dst.port = 13306;
	t.id = 77;
	t.tos = 4;
	t.df = false;
	t.ack++;
	t.window++;
	t.flags |= PKT_TH_PSH;
	quote(sc, "10.9.2.2", &t, 400);
	r = &sc->path.hops[2].responders[0];
	assert_int_equal(r->rewrites,
	    PATH_REWRITE_DST | PATH_REWRITE_DPORT | PATH_REWRITE_IP_ID |
		PATH_REWRITE_TOS | PATH_REWRITE_DF | PATH_REWRITE_ACK |
		PATH_REWRITE_WINDOW | PATH_REWRITE_FLAGS);
	scene_free(sc);
}

/* The path strips the timestamps: the quote shows other options than sent. */
static void
test_quote_options(void **state)
{
	struct scene *sc = scene_bare(4, 0, 0);
	struct craft_tcp t;

	(void)state;
	sc->sw->timestamps = true;
	open_one(sc, ARM_TRIGGER);
	inject(sc, PROBE_TRACE, 2, 0);
	assert_int_equal(sent_for(sc, 2)->tcp.opts_len, 12);
	t = sent_for(sc, 2)->tcp; /* unharmed */
	quote(sc, "10.9.1.2", &t, 400);
	t = copy_of(sc, 2); /* cut before they would come */
	quote(sc, "10.9.1.2", &t, 28);
	assert_int_equal(sc->path.hops[1].responders[0].replies, 2);
	assert_int_equal(sc->path.hops[1].responders[0].rewrites, 0);
	inject(sc, PROBE_TRACE, 15, 0);
	t = copy_of(sc, 15);
	quote(sc, "10.9.14.2", &t, 400);
	assert_int_equal(
	    sc->path.hops[14].responders[0].rewrites, PATH_REWRITE_OPTIONS);
	scene_free(sc);
}

/* Quotes of others, of another length, of what was never sent. */
static void
test_quote_of_others(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t;

	(void)state;
	inject(sc, PROBE_TRACE, 2, 0);
	t = copy_of(sc, 2);
	t.seq++;
	quote(sc, "10.9.1.2", &t, 28);
	t = copy_of(sc, 2);
	t.payload_len = 200;
	quote(sc, "10.9.1.2", &t, 28);
	t.flow.src.port = 5;
	t.seq = 5;
	quote(sc, "10.9.1.2", &t, 400);
	assert_none_answered(sc);
	assert_false(sc->s.conns[0].quoted_reset);
	scene_free(sc);
}

static void
test_unreachable(void **state)
{
	struct scene *sc = scene_new(4);
	const struct sw_sent *s;

	(void)state;
	inject(sc, PROBE_TRACE, 2, 0);
	s = sent_for(sc, 2);
	sw_push_icmp(sc->sw, session_now(&sc->s) + CLOCK_MS, "10.9.1.2", 63, 3,
	    0, s->packet, 28);
	pump(sc, 5 * CLOCK_MS);
	assert_true(sc->path.hops[1].responders[0].unreachable);
	/* Another error, a redirect, answers no probe. */
	inject(sc, PROBE_TRACE, 3, 0);
	s = sent_for(sc, 3);
	sw_push_icmp(sc->sw, session_now(&sc->s) + CLOCK_MS, "10.9.1.2", 63, 5,
	    0, s->packet, 28);
	pump(sc, 5 * CLOCK_MS);
	assert_int_equal(sc->path.hops[2].n_responders, 0);
	scene_free(sc);
}

/* From the target itself it says that the probe went all the way. */
static void
test_unreachable_target(void **state)
{
	struct scene *sc = scene_new(4);
	const struct sw_sent *s;
	int router, target;

	(void)state;
	router = inject(sc, PROBE_TRACE, 4, 0);
	s = sent_for(sc, 4);
	sw_push_icmp(sc->sw, session_now(&sc->s) + CLOCK_MS, "10.9.3.2", 61, 3,
	    0, s->packet, 28);
	target = inject(sc, PROBE_TRACE, 7, 0);
	s = sent_for(sc, 7);
	sw_push_icmp(sc->sw, session_now(&sc->s) + CLOCK_MS, "10.9.6.2", 58, 3,
	    0, s->packet, 28);
	pump(sc, 5 * CLOCK_MS);
	assert_true(
	    sc->s.probes[router].te && sc->s.probes[router].unreachable);
	assert_false(sc->path.hops[3].is_server);
	assert_true(sc->s.probes[target].from_server);
	assert_false(sc->s.probes[target].te);
	assert_true(sc->path.hops[6].is_server);
	assert_true(sc->path.hops[6].responders[0].unreachable);
	scene_free(sc);
}

/* Five routers at one hop: four are kept, the probe is answered. */
static void
test_many_responders(void **state)
{
	static const char *const from[] = {
	    "10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5"};
	struct scene *sc = scene_new(4);
	struct craft_tcp t;

	(void)state;
	for (int i = 0; i < 5; i++) {
		inject(sc, PROBE_TRACE, 2, 0);
		t = copy_of(sc, 2);
		quote(sc, from[i], &t, 28);
		assert_true(sc->s.probes[i].te);
	}
	assert_int_equal(sc->path.hops[1].n_responders, PATH_RESPONDERS);
	assert_int_equal(sc->path.hops[1].answered, 5);
	scene_free(sc);
}

/* --- echoes, SYNs, D-SACKs --- */

static void
test_echo(void **state)
{
	struct scene *sc = scene_new(4);
	uint8_t quoted[28] = {0x45, 0, 0, 44, 0, 1, 0, 0, 1, 1, 0, 0, 10, 9, 0,
	    1, 10, 9, 6, 2, 8, 0, 0, 0};
	uint32_t word;

	(void)state;
	assert_int_equal(session_echo(&sc->s, 2, &sc->f), 0);
	assert_int_equal(session_echo(&sc->s, 7, &sc->f), 1);
	assert_true(
	    sc->sw->sent[0].echo.echo_seq != sc->sw->sent[1].echo.echo_seq);
	assert_int_equal(
	    sc->sw->sent[0].echo.checksum, sc->sw->sent[1].echo.checksum);
	word = (uint32_t)sc->s.echo_id << 16;
	sw_be(quoted + 24, word | sc->sw->sent[0].echo.echo_seq, 4);
	sw_push_te(sc->sw, session_now(&sc->s), "10.9.1.2", 63, quoted, 28);
	sw_push_icmp(sc->sw, session_now(&sc->s) + 20 * CLOCK_MS, "10.9.6.2",
	    58, 0, word | sc->sw->sent[1].echo.echo_seq, NULL, 0);
	/* Someone else's ping. */
	sw_push_icmp(sc->sw, session_now(&sc->s), "10.9.6.2", 58, 0,
	    (word ^ 0x10000) | sc->sw->sent[0].echo.echo_seq, NULL, 0);
	pump(sc, 50 * CLOCK_MS);
	assert_true(sc->s.probes[0].te && !sc->s.probes[0].from_server);
	assert_true(sc->s.probes[1].from_server && !sc->s.probes[1].te);
	assert_true(sc->path.hops[6].is_server);
	assert_int_equal(sc->path.hops[6].responders[0].via, PATH_VIA_ICMP);
	assert_int_equal(sc->path.hops[6].responders[0].reply_ttl, 58);
	assert_false(sc->path.hops[1].is_server);
	scene_free(sc);
}

static void
test_syn(void **state)
{
	struct scene *sc = scene_bare(4, 0, 0);
	struct craft_tcp t;

	(void)state;
	for (int i = 1; i <= 3; i++)
		assert_int_equal(session_syn(&sc->s, i, &sc->f), i - 1);
	assert_int_equal(sc->sw->sent[0].tcp.flow.src.port, 61000);
	t = sc->sw->sent[1].tcp;
	quote(sc, "10.9.1.2", &t, 28);
	assert_answered(sc, 1);
	t = sc->sw->sent[2].tcp;
	t.flow = flow_key_reverse(&t.flow);
	t.ttl = 58;
	t.ack = t.seq + 1;
	t.seq = 0;
	t.flags = PKT_TH_RST | PKT_TH_ACK;
	t.opts_len = 0;
	sw_push_tcp(sc->sw, session_now(&sc->s) + CLOCK_MS, &t);
	t.ack++; /* answers nothing of ours */
	sw_push_tcp(sc->sw, session_now(&sc->s) + CLOCK_MS, &t);
	pump(sc, 5 * CLOCK_MS);
	assert_true(sc->s.probes[2].from_server);
	assert_int_equal(sc->path.hops[2].responders[0].replies, 1);
	assert_int_equal(sc->path.hops[2].responders[0].via, PATH_VIA_SYN);
	assert_false(sc->s.probes[0].from_server);
	scene_free(sc);
}

/* An acknowledgement with one SACK block. */
static void
sack_comes(struct scene *sc, uint32_t left, uint32_t right)
{
	struct craft_tcp t = sw_from_server(sc->sw, 0);
	uint8_t opts[12] = {1, 1, 5, 10};

	sw_be(opts + 4, left, 4);
	sw_be(opts + 8, right, 4);
	t.opts = opts;
	t.opts_len = sizeof(opts);
	sw_push_tcp(sc->sw, session_now(&sc->s) + CLOCK_MS, &t);
	pump(sc, 5 * CLOCK_MS);
}

static void
test_dsack(void **state)
{
	struct scene *sc = scene_new(4);

	(void)state;
	for (int i = 1; i <= 9; i++)
		inject(sc, PROBE_TRACE, i, 0);
	sack_comes(sc, sc->snd - 8, sc->snd - 1); /* not what we sent */
	sack_comes(sc, sc->snd + 5, sc->snd + 9); /* a SACK, no D-SACK */
	assert_none_answered(sc);
	sack_comes(sc, sc->snd - 8, sc->snd);
	for (int i = 1; i <= 9; i++) {
		assert_int_equal(sc->s.probes[i - 1].from_server, i == 8);
		assert_int_equal(sc->path.hops[i - 1].is_server, i == 8);
	}
	assert_int_equal(sc->path.hops[7].responders[0].reply_ttl, 58);
	assert_true(addr_equal(
	    &sc->path.hops[7].responders[0].addr, &sc->sw->server.addr));
	scene_free(sc);
}

/* --- resets --- */

static void
test_reset_by_tag(void **state)
{
	struct scene *sc = scene_new(4);
	const struct seen_reset *r;
	struct craft_tcp t;
	int first = burst(sc, 6);

	(void)state;
	t = sw_reset(sc->sw, 0, 62, sc->rcv - 4);
	reset_comes(sc, &t);
	assert_fired(sc, first + 3);
	r = last_reset(sc);
	assert_int_equal(r->probe, first + 3);
	assert_int_equal(r->facts.seq_match, RESULT_SEQ_TAG);
	assert_int_equal(r->facts.probe_ttl, 4);
	assert_int_equal(r->facts.ttl, 62);
	assert_true(r->facts.latency_ns == CLOCK_MS);
	assert_false(r->facts.id_echoed || r->late || r->answers_alive);
	assert_true(r->facts.has_mac);
	assert_memory_equal(r->facts.mac, sw_router_mac, ADDR_MAC);
	assert_int_equal(sc->s.probes[first + 3].rst_ttl, 62);
	assert_int_equal(sc->s.conns[0].resets, 1);
	/* A second for the same copy changes nothing of the first. */
	t.ttl = 99;
	reset_comes(sc, &t);
	assert_int_equal(sc->s.probes[first + 3].rst_ttl, 62);
	assert_int_equal(sc->s.conns[0].resets, 2);
	assert_int_equal(sc->s.n_resets, 2);
	scene_free(sc);
}

/* tcpkill: three resets, seq +0, +w, +3w of the segment that drew them. */
static void
test_reset_stepped(void **state)
{
	static const uint32_t steps[] = {0, 1, 3};
	struct scene *sc = scene_new(4);
	struct craft_tcp t;
	int first = burst(sc, 6);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		t = sw_reset(
		    sc->sw, 0, 61, sc->rcv - 5 + steps[i] * (512 + 73 * 5));
		t.id = (uint16_t)(40000 + i);
		reset_comes(sc, &t);
		assert_int_equal(last_reset(sc)->probe, first + 4);
		assert_int_equal(last_reset(sc)->facts.seq_match,
		    i == 0 ? RESULT_SEQ_TAG : RESULT_SEQ_STEPPED);
	}
	assert_fired(sc, first + 4);
	scene_free(sc);
}

/* A step without its beginning may lie anywhere: it names nobody. */
static void
test_reset_stepped_alone(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t;

	(void)state;
	burst(sc, 6);
	t = sw_reset(sc->sw, 0, 61, sc->rcv - 5 + (512 + 73 * 5));
	reset_comes(sc, &t);
	assert_fired(sc, -1);
	assert_int_equal(last_reset(sc)->probe, -1);
	assert_int_equal(last_reset(sc)->facts.seq_match, RESULT_SEQ_NONE);
	scene_free(sc);
}

/* Whatever copy drew resets, and however far these step, they name it. */
static void
test_tags_distinct(void **state)
{
	struct scene *sc = scene_new(4);
	struct trial_load load = {
	    (const uint8_t *)TRIGGER, 6, NULL, 0, PATH_MAX_HOPS - 1};
	struct trial_timing tm = {.rtt_ns = 20 * CLOCK_MS};
	struct craft_tcp t;
	struct probe p;
	struct trial tr;

	(void)state;
	assert_int_equal(trial_begin(&sc->s, &tr,
			     &(struct shot_plan){.kind = TRIAL_BURST}, &sc->f),
	    0);
	pump(sc, 50 * CLOCK_MS);
	assert_int_equal(trial_step(&sc->s, &tr, &load, &tm, &sc->f), 0);
	assert_int_equal(tr.n_probes, PATH_MAX_HOPS - 1);
	for (size_t i = 0; i < tr.n_probes; i++)
		for (uint32_t k = 0; k <= 8; k++) {
			p = sc->s.probes[tr.first_probe + i];
			t = sw_reset(sc->sw, tr.conn, 62, p.ack + k * p.window);
			reset_comes(sc, &t);
			if (last_reset(sc)->facts.probe_ttl != p.ttl)
				fail_msg("step %u of TTL %u is charged to %d",
				    k, p.ttl, last_reset(sc)->facts.probe_ttl);
		}
	scene_free(sc);
}

/* Copies of a plain burst: by ID, by window, never by the number they share. */
static void
test_reset_plain(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t;
	int first = plain_burst(sc, 6);

	(void)state;
	t = sw_reset(sc->sw, 0, 62, sc->rcv);
	reset_comes(sc, &t);
	assert_fired(sc, -1);
	assert_int_equal(last_reset(sc)->probe, -1);
	assert_int_equal(last_reset(sc)->facts.seq_match, RESULT_SEQ_EXACT);
	assert_int_equal(sc->s.conns[0].resets, 1);
	t.id = 3004;
	reset_comes(sc, &t);
	assert_fired(sc, first + 2);
	assert_int_equal(last_reset(sc)->facts.probe_ttl, 4);
	assert_int_equal(last_reset(sc)->facts.seq_match, RESULT_SEQ_EXACT);
	assert_true(last_reset(sc)->facts.id_echoed);
	/* A copy that drew one is not charged with those of the others. */
	t.id = 0;
	reset_comes(sc, &t);
	assert_int_equal(last_reset(sc)->probe, -1);
	t.window = 512 + 73 * 5;
	reset_comes(sc, &t);
	assert_int_equal(last_reset(sc)->facts.probe_ttl, 5);
	assert_false(last_reset(sc)->facts.id_echoed);
	assert_true(sc->s.probes[first + 1].drew_reset);
	scene_free(sc);
}

/* R+A with seq 0: what answers a segment without ACK. */
static void
test_reset_zero(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t = sw_reset(sc->sw, 0, 63, 0);

	(void)state;
	session_send_full(&sc->s, 0, (const uint8_t *)TRIGGER, 6, &sc->f);
	t.flags = PKT_TH_RST | PKT_TH_ACK;
	reset_comes(sc, &t);
	assert_int_equal(last_reset(sc)->probe, 0);
	assert_int_equal(last_reset(sc)->facts.seq_match, RESULT_SEQ_ZERO);
	scene_free(sc);
	/* It is no tag: of several copies it names none but by its ID. */
	sc = scene_new(4);
	burst(sc, 6);
	reset_comes(sc, &t);
	assert_int_equal(last_reset(sc)->probe, -1);
	assert_int_equal(last_reset(sc)->facts.seq_match, RESULT_SEQ_ZERO);
	t.id = 3006;
	reset_comes(sc, &t);
	assert_int_equal(last_reset(sc)->facts.probe_ttl, 6);
	/* Without ACK, 0 is a number like any other. */
	t.flags = PKT_TH_RST;
	reset_comes(sc, &t);
	assert_int_equal(last_reset(sc)->facts.seq_match, RESULT_SEQ_NONE);
	scene_free(sc);
}

static void
test_reset_by_id(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t = sw_reset(sc->sw, 0, 62, 0x7777);
	int first = burst(sc, 6);

	(void)state;
	t.id = 3002;
	reset_comes(sc, &t);
	assert_fired(sc, first + 1);
	assert_true(last_reset(sc)->facts.id_echoed);
	assert_int_equal(last_reset(sc)->facts.seq_match, RESULT_SEQ_NONE);
	assert_int_equal(last_reset(sc)->facts.ip_id, 3002);
	scene_free(sc);
}

static void
test_reset_by_window(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t = sw_reset(sc->sw, 0, 62, 0x7777);
	int first = burst(sc, 6);

	(void)state;
	t.window = 512 + 73 * 6;
	reset_comes(sc, &t);
	assert_fired(sc, first + 5);
	assert_int_equal(last_reset(sc)->facts.window, 512 + 73 * 6);
	scene_free(sc);
}

static void
test_reset_untagged(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t = sw_reset(sc->sw, 0, 62, 0x7777);

	(void)state;
	burst(sc, 6);
	reset_comes(sc, &t);
	assert_fired(sc, -1);
	assert_int_equal(last_reset(sc)->probe, -1);
	assert_true(last_reset(sc)->facts.latency_ns == -1);
	assert_int_equal(last_reset(sc)->facts.probe_ttl, 0);
	assert_int_equal(sc->s.conns[0].resets, 1);
	scene_free(sc);
}

static void
test_reset_full(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t;

	(void)state;
	/* Beside it, trace probes, which can draw no reset. */
	inject(sc, PROBE_TRACE, 3, 0);
	session_send_full(&sc->s, 0, (const uint8_t *)TRIGGER, 6, &sc->f);
	t = sw_reset(sc->sw, 0, 63, sc->rcv);
	t.id = sc->sw->sent[1].tcp.id;
	reset_comes(sc, &t);
	assert_fired(sc, 1);
	assert_int_equal(last_reset(sc)->facts.seq_match, RESULT_SEQ_EXACT);
	assert_true(last_reset(sc)->facts.id_echoed);
	assert_int_equal(last_reset(sc)->facts.probe_ttl, 64);
	/* Whatever its seq, it can only be this one's. */
	t = sw_reset(sc->sw, 0, 63, 0x7777);
	reset_comes(sc, &t);
	assert_int_equal(last_reset(sc)->probe, 1);
	scene_free(sc);
}

static void
test_reset_control(void **state)
{
	struct scene *sc = scene_bare(4, 0, 0);
	struct craft_tcp t;

	(void)state;
	open_one(sc, ARM_CONTROL);
	session_send_full(&sc->s, 0, (const uint8_t *)TRIGGER, 6, &sc->f);
	t = sw_reset(sc->sw, 0, 63, sc->rcv);
	reset_comes(sc, &t);
	assert_true(last_reset(sc)->facts.control);
	scene_free(sc);
}

/* After our FIN or reset the server may well send one. */
static void
test_reset_late(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t = sw_reset(sc->sw, 0, 62, sc->rcv - 4);

	(void)state;
	burst(sc, 6);
	session_close(&sc->s, 0);
	reset_comes(sc, &t);
	assert_fired(sc, -1);
	assert_true(last_reset(sc)->late);
	assert_int_equal(sc->s.conns[0].resets, 0);
	scene_free(sc);
}

/* Half a second behind, beside another connection: the tag says whose. */
static void
test_reset_of_another(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t = sw_reset(sc->sw, 0, 62, sc->rcv - 4);
	int first = burst(sc, 6);

	(void)state;
	sc->sw->iss += 0x1000;
	sc->sw->irs += 0x1000;
	open_one(sc, ARM_TRIGGER);
	session_send_full(&sc->s, 1, (const uint8_t *)TRIGGER, 6, &sc->f);
	pump(sc, 500 * CLOCK_MS);
	reset_comes(sc, &t);
	assert_fired(sc, first + 3);
	assert_int_equal(sc->s.conns[0].resets, 1);
	assert_int_equal(sc->s.conns[1].resets, 0);
	scene_free(sc);
}

/* --- is the server's side still open? --- */

static struct scene *
asked_alive(void)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t;

	session_send_full(&sc->s, 0, (const uint8_t *)TRIGGER, 6, &sc->f);
	t = sw_reset(sc->sw, 0, 63, sc->rcv);
	reset_comes(sc, &t);
	pump(sc, 50 * CLOCK_MS);
	assert_int_equal(sc->s.conns[0].server_alive, RESULT_UNSURE);
	assert_int_equal(session_ask_alive(&sc->s, 0, &sc->f), 1);
	return sc;
}

static void
test_alive_bytes(void **state)
{
	struct scene *sc = asked_alive();
	const struct sw_sent *s = &sc->sw->sent[sc->sw->n_sent - 1];

	(void)state;
	assert_int_equal(s->tcp.ttl, 64);
	assert_int_equal(s->tcp.seq, sc->snd + 6 - 1);
	assert_int_equal(s->tcp.ack, sc->rcv);
	assert_int_equal(s->tcp.payload_len, 1);
	pump(sc, CLOCK_MS);
	assert_int_equal(sc->s.conns[0].server_alive, RESULT_UNSURE);
	assert_int_equal(sc->s.conns[0].tcb.snd_nxt, sc->snd + 6);
	scene_free(sc);
}

static void
test_alive_no(void **state)
{
	struct scene *sc = asked_alive();
	struct craft_tcp t = sw_reset(sc->sw, 0, 58, sc->rcv);

	(void)state;
	pump(sc, sc->sw->rtt_ns);
	reset_comes(sc, &t);
	assert_int_equal(sc->s.conns[0].server_alive, RESULT_NO);
	assert_true(last_reset(sc)->answers_alive);
	assert_int_equal(last_reset(sc)->probe, -1);
	assert_int_equal(sc->s.conns[0].resets, 1);
	scene_free(sc);
}

/* Its socket gone, our own kernel resets the server: that tells nothing. */
static void
test_alive_we_reset(void **state)
{
	struct scene *sc = asked_alive();
	struct craft_tcp t = sw_from_client(sc->sw, 0);

	(void)state;
	t.flags = PKT_TH_RST;
	sw_push_tcp(sc->sw, session_now(&sc->s) + CLOCK_MS, &t);
	t = sw_reset(sc->sw, 0, 58, sc->rcv);
	pump(sc, sc->sw->rtt_ns);
	reset_comes(sc, &t);
	assert_int_equal(sc->s.conns[0].server_alive, RESULT_UNSURE);
	assert_true(last_reset(sc)->answers_alive);
	assert_int_equal(sc->s.conns[0].resets, 1);
	scene_free(sc);
}

static void
test_alive_yes(void **state)
{
	struct scene *sc = asked_alive();

	(void)state;
	pump(sc, sc->sw->rtt_ns);
	sack_comes(sc, sc->snd + 5, sc->snd + 6);
	assert_int_equal(sc->s.conns[0].server_alive, RESULT_YES);
	assert_int_equal(sc->s.n_resets, 1);
	scene_free(sc);
}

/* The server's answer to the trigger, sent before it was asked. */
static void
test_alive_stale(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t = sw_reset(sc->sw, 0, 63, sc->rcv);

	(void)state;
	session_send_full(&sc->s, 0, (const uint8_t *)TRIGGER, 6, &sc->f);
	reset_comes(sc, &t);
	assert_int_equal(session_ask_alive(&sc->s, 0, &sc->f), 1);
	/* Its ACK of the trigger, 15 of 20 ms after the question. */
	pump(sc, 18 * CLOCK_MS);
	assert_int_equal(sc->s.conns[0].tcb.snd_una, sc->snd + 6);
	assert_int_equal(sc->s.conns[0].server_alive, RESULT_UNSURE);
	scene_free(sc);
}

/* Where both ends have SACK, only the very byte that was sent again counts. */
static void
test_alive_dsack(void **state)
{
	struct scene *sc = asked_alive();
	struct craft_tcp t = sw_from_server(sc->sw, 0);

	(void)state;
	pump(sc, sc->sw->rtt_ns);
	sw_push_tcp(sc->sw, session_now(&sc->s) + CLOCK_MS, &t);
	sack_comes(sc, sc->snd, sc->snd + 6);
	assert_int_equal(sc->s.conns[0].server_alive, RESULT_UNSURE);
	sack_comes(sc, sc->snd + 5, sc->snd + 6);
	assert_int_equal(sc->s.conns[0].server_alive, RESULT_YES);
	scene_free(sc);
}

/* Where they have not, what comes a round trip later. */
static void
test_alive_no_sack(void **state)
{
	struct scene *sc = asked_alive();
	struct craft_tcp t = sw_from_server(sc->sw, 0);

	(void)state;
	sc->s.conns[0].tcb.sack_ok = false;
	sw_push_tcp(sc->sw, session_now(&sc->s) + 10 * CLOCK_MS, &t);
	pump(sc, 15 * CLOCK_MS);
	assert_int_equal(sc->s.conns[0].server_alive, RESULT_UNSURE);
	sw_push_tcp(sc->sw, session_now(&sc->s) + 5 * CLOCK_MS, &t);
	pump(sc, 10 * CLOCK_MS);
	assert_int_equal(sc->s.conns[0].server_alive, RESULT_YES);
	scene_free(sc);
}

/* The device's next reset is not the server's word. */
static void
test_alive_forged(void **state)
{
	struct scene *sc = asked_alive();
	struct craft_tcp t = sw_reset(sc->sw, 0, 63, sc->rcv);

	(void)state;
	reset_comes(sc, &t);
	assert_int_equal(sc->s.conns[0].server_alive, RESULT_UNSURE);
	assert_false(last_reset(sc)->answers_alive);
	scene_free(sc);
}

/* --- time --- */

static int
count_tick(struct session *s, void *arg, struct fault *f)
{
	int *n = arg;

	(void)f;
	if (++*n < 3)
		s->tick_ns = session_now(s) + CLOCK_S;
	return 0;
}

static bool
always(void *arg)
{
	(void)arg;
	return true;
}

static void
test_ticks(void **state)
{
	struct scene *sc = scene_new(4);
	int64_t start = session_now(&sc->s);
	int n = 0;

	(void)state;
	sc->s.tick = count_tick;
	sc->s.tick_arg = &n;
	sc->s.tick_ns = start + CLOCK_S;
	assert_int_equal(
	    session_pump(&sc->s, start + 10 * CLOCK_S, always, NULL, &sc->f),
	    1);
	assert_int_equal(n, 0);
	pump(sc, 2 * CLOCK_S);
	assert_int_equal(n, 2);
	pump(sc, 5 * CLOCK_S);
	assert_int_equal(n, 3);
	assert_true(session_now(&sc->s) == start + 7 * CLOCK_S);
	scene_free(sc);
}

static void
test_ticks_held(void **state)
{
	static const struct {
		enum probe_kind kind;
		int ticks;
	} rows[] = {
	    {PROBE_SHOT, 0},
	    {PROBE_BLOCK, 0},
	    {PROBE_TRACE, 1},
	    {PROBE_FLOW, 1},
	    {PROBE_ALIVE, 1},
	};
	struct scene *sc;
	int n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sc = scene_bare(4, 0, 100);
		open_one(sc, ARM_TRIGGER);
		inject(sc, rows[i].kind, 1, 1);
		n = 2; /* the last */
		sc->s.tick = count_tick;
		sc->s.tick_arg = &n;
		sc->s.tick_ns = session_now(&sc->s) + CLOCK_MS;
		inject(sc, rows[i].kind, 2, 2);
		assert_int_equal(n - 2, rows[i].ticks);
		if (rows[i].ticks == 0) {
			assert_int_equal(session_pump_only(&sc->s,
					     session_now(&sc->s) + CLOCK_S,
					     NULL, NULL, &sc->f),
			    0);
			assert_int_equal(n, 2);
			pump(sc, CLOCK_MS);
			assert_int_equal(n, 3);
		}
		scene_free(sc);
	}
}

/* Many connections, probes and resets: all tables grow. */
static void
test_growth(void **state)
{
	struct scene *sc = scene_new(4);
	struct craft_tcp t;

	(void)state;
	for (int i = 0; i < 200; i++) {
		inject(sc, PROBE_SHOT, 1 + i % 30, 1 + i % 30);
		t = sw_reset(sc->sw, 0, 62, sc->rcv - (uint32_t)(1 + i % 30));
		reset_comes(sc, &t);
	}
	assert_int_equal(sc->s.n_probes, 200);
	assert_int_equal(sc->s.n_resets, 200);
	assert_int_equal(sc->s.conns[0].resets, 200);
	scene_free(sc);
}

/* A single has the number that is due: a reset with it shows no tag. */
static void
test_reset_single(void **state)
{
	struct scene *sc = scene_new(4);
	struct trial_load load = {(const uint8_t *)TRIGGER, 6, NULL, 0, 6};
	struct trial_timing tm = {.rtt_ns = 20 * CLOCK_MS};
	struct craft_tcp t;
	struct trial tr;

	(void)state;
	assert_int_equal(
	    trial_begin(&sc->s, &tr,
		&(struct shot_plan){.kind = TRIAL_SINGLE, .ttl = 4}, &sc->f),
	    0);
	pump(sc, 50 * CLOCK_MS);
	assert_int_equal(trial_step(&sc->s, &tr, &load, &tm, &sc->f), 0);
	t = sw_reset(sc->sw, tr.conn, 62, sc->s.conns[tr.conn].tcb.rcv_nxt);
	reset_comes(sc, &t);
	assert_int_equal(last_reset(sc)->facts.probe_ttl, 4);
	assert_int_equal(last_reset(sc)->facts.seq_match, RESULT_SEQ_EXACT);
	scene_free(sc);
}

/* The server says eight bytes more; what is kept of them. */
static const struct result_packet *
server_says(struct scene *sc, uint32_t seq, const char *words)
{
	struct craft_tcp t = sw_from_server(sc->sw, 0);

	t.seq = seq;
	t.flags = PKT_TH_ACK | PKT_TH_PSH;
	t.payload = (const uint8_t *)words;
	t.payload_len = strlen(words);
	sw_push_tcp(sc->sw, session_now(&sc->s), &t);
	pump(sc, CLOCK_MS);
	return &sc->evidence.packets[sc->evidence.n - 1];
}

static bool
holds(const struct result_packet *p, const char *words)
{
	return memcmp(p->data + p->len - strlen(words), words, strlen(words)) ==
	    0;
}

/*
 * The socket may be read before the capture is: the login is over then, and
 * the capture still has to show what it was.
 */
static void
test_blanks_late(void **state)
{
	struct scene *sc = scene_new(4);
	struct session_conn *c = &sc->s.conns[0];
	const struct result_packet *p;

	(void)state;
	c->secret = true;
	c->heard = 8;
	c->talked.state = TALK_READY;
	p = server_says(sc, sc->rcv, "greeting");
	assert_false(holds(p, "greeting"));
	assert_string_equal(
	    p->note, "before the trigger: its 8 bytes are blanked");
	/* What answers the trigger is kept. */
	p = server_says(sc, sc->rcv + 8, "response");
	assert_true(holds(p, "response"));
	assert_string_equal(p->note, "");
	scene_free(sc);
}

static void
test_plain_header(void **state)
{
	static const uint8_t lengths[] = {20 + 12, 20};
	const struct sw_sent *shot;
	struct scene *sc;

	(void)state;
	for (int plain = 0; plain < 2; plain++) {
		sc = scene_bare(4, 0, 0);
		sc->sw->timestamps = true;
		sc->s.plain_header = plain == 1;
		open_one(sc, ARM_TRIGGER);
		burst(sc, 1);
		shot = &sc->sw->sent[sc->sw->n_sent - 1];
		assert_int_equal(shot->kind, SW_TCP);
		/* Data offset: RFC 9293, section 3.1. */
		assert_int_equal(
		    (shot->packet[20 + 12] >> 4) * 4, lengths[plain]);
		scene_free(sc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("a connection opens, with its numbers from the capture",
		test_open),
	    PROVES("a port that is asked for is freed by a reset",
		test_close_for_the_port),
	    PROVES("so is one that the kernel chose, if it is kept",
		test_close_for_a_chosen_port),
	    PROVES("a connection that does not open is told in plain words",
		test_no_open),
	    PROVES("an injected segment is one of its connection", test_inject),
	    PROVES("a rate holds, and a pause earns no credit", test_rate),
	    PROVES("what the kernel sent is known from the capture", test_full),
	    PROVES("also where it sends with another TTL", test_set_ttl),
	    PROVES("a quote of 8 bytes names the probe by its seq",
		test_quote_min),
	    PROVES("the first hop's MAC is known", test_quote_first_mac),
	    PROVES("a burst's copies are told apart by ID, ack or window",
		test_quote_tags),
	    PROVES(
		"plain copies by ID or window, never by ack", test_quote_plain),
	    PROVES("likewise in IPv6, where there is no ID", test_quote_v6),
	    PROVES("a quoted reset with the probe's own ID is none of ours",
		test_quoted_reset),
	    PROVES("nor is one as long as the probe", test_quoted_long_reset),
	    PROVES(
		"what was rewritten on the way is told", test_quote_rewrites),
	    PROVES("stripped options are told, where the quote would show them",
		test_quote_options),
	    PROVES("quotes of others answer nothing", test_quote_of_others),
	    PROVES("unreachable answers a probe, a redirect does not",
		test_unreachable),
	    PROVES("unreachable from the target is the server's answer",
		test_unreachable_target),
	    PROVES("a hop has room for four routers", test_many_responders),
	    PROVES("echoes are named by id and sequence", test_echo),
	    PROVES("SYNs are named by seq, by quote or by answer", test_syn),
	    PROVES(
		"a D-SACK names the probe that reached the server", test_dsack),
	    PROVES("a reset names the copy by its tag in the seq",
		test_reset_by_tag),
	    PROVES("resets stepped by the window belong to one copy",
		test_reset_stepped),
	    PROVES("a step without its beginning names none",
		test_reset_stepped_alone),
	    PROVES("63 copies and 9 steps of each are never mistaken",
		test_tags_distinct),
	    PROVES("plain copies are named by ID or window, never by seq",
		test_reset_plain),
	    PROVES("seq 0 with ACK is told as such", test_reset_zero),
	    PROVES("a reset names the copy by the IP ID", test_reset_by_id),
	    PROVES(
		"a reset names the copy by the window", test_reset_by_window),
	    PROVES("a reset without a tag names none", test_reset_untagged),
	    PROVES(
		"a reset to a full-TTL trigger is that one's", test_reset_full),
	    PROVES("a reset to a control is marked so", test_reset_control),
	    PROVES("a reset after we closed is not charged", test_reset_late),
	    PROVES("a late reset goes to its own connection",
		test_reset_of_another),
	    PROVES("the server is asked by one byte that it has",
		test_alive_bytes),
	    PROVES("the server's own reset to that is no forged one",
		test_alive_no),
	    PROVES("unless our own kernel had reset it", test_alive_we_reset),
	    PROVES("its acknowledgement says that it holds the connection",
		test_alive_yes),
	    PROVES(
		"what it said before it was asked does not", test_alive_stale),
	    PROVES("nor what names other bytes", test_alive_dsack),
	    PROVES("without SACK, a round trip must have passed",
		test_alive_no_sack),
	    PROVES("the device's next reset does not speak for the server",
		test_alive_forged),
	    PROVES("the tick comes when it is due", test_ticks),
	    PROVES("no tick comes between the copies of a trigger",
		test_ticks_held),
	    PROVES("what is injected has no TCP options where that is asked",
		test_plain_header),
	    PROVES("tables grow as they must", test_growth),
	    PROVES("a reset to a single shows no tag", test_reset_single),
	    PROVES("a login is blanked also where the capture is behind",
		test_blanks_late),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
