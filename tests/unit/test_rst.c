/*
 * rst: each clue of the founding case by itself, what stacks send that must
 * not be called forged, the known forgers, and where a reset came from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow_scene.h"
#include "proves.h"

/* What a box answers `use db` with, by default as the founding case. */
static struct scene_hand
box(void)
{
	struct scene_hand h = {.ttl = 63, .id = 13053, .df = true};
	static const uint8_t gateway[] = {0x58, 0x69, 0x6c, 0, 0, 1};

	memcpy(h.mac, gateway, ADDR_MAC);
	return h;
}

/* The box resets the client right after the trigger. */
static const struct rst_verdict *
fire(struct scene *sc, const struct scene_hand *h)
{
	scene_until_trigger(sc);
	scene_reset(sc, &sc->s, h, RSTACK, 92, 69, 700);
	return scene_judge(sc, 0);
}

static void
whole_founding_case(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	sc.c.id = 13048;
	h.id = 13052;
	v = fire(&sc, &h);
	assert_int_equal(sc.facts[0].trigger.id, 13052);
	assert_int_equal(v->ruling, RST_FORGED);
	assert_int_equal(v->kind, RST_KIND_MIDDLEBOX);
	assert_true(v->probability > 0.999);
	assert_true(v->ttl_usable);
	assert_int_equal(v->initial_ttl, 64);
	assert_int_equal(v->traversed, 1);
	assert_int_equal(v->sender_ttl, 47);
	assert_int_equal(v->candidates[0].hop, 1);
	assert_int_equal(v->candidates[0].place, PLACE_ROUTER);
	assert_true(v->n_candidates >= 2 && v->candidates[1].hop == 2);
	assert_string_equal(v->signature, "lan-firewall-id-echo");
	scene_end(&sc);
}

static void
id_echo_alone(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	h.ttl = 47; /* the box imitates the server's TTL */
	h.id = 13052 + 2;
	v = fire(&sc, &h);
	assert_int_equal(sc.facts[0].trigger.id, 13054);
	assert_true(scene_weight(v, "ip-id-echo") > 6);
	assert_true(scene_weight(v, "ttl-matches") < 0);
	assert_int_equal(v->ruling, RST_FORGED);
	assert_false(v->ttl_usable); /* its TTL names no hop */
	assert_int_equal(v->n_candidates, 0);
	scene_end(&sc);
}

static void
id_breaks_the_servers_sequence(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	h.id = 40000; /* neither's: the server's stood at 23402 */
	v = fire(&sc, &h);
	assert_true(scene_weight(v, "ip-id-breaks-sequence") > 1);
	assert_true(scene_weight(v, "ip-id-echo") == 0);
	assert_int_equal(v->ruling, RST_FORGED);
	scene_end(&sc);
}

static void
ttl_alone_is_not_enough(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	/* No ID to go by, and a time that proves nothing. */
	sc.c.self.addr = scene_addr("2001:db8::5");
	sc.s.self.addr = scene_addr("2001:db8:6::2");
	scene_until_trigger(&sc);
	scene_reset(&sc, &sc.s, &h, RSTACK, 92, 69, 25000);
	v = scene_judge(&sc, 0);
	assert_true(scene_weight(v, "ttl-differs") > 3);
	assert_int_equal(v->ruling, RST_UNDETERMINED);
	assert_non_null(v->missing);
	assert_non_null(strstr(v->missing, "capture at the server"));
	scene_end(&sc);
}

/* A kernel's REJECT at hop 3: no ID, no haste, the server far behind. */
static void
made_without_a_socket(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	h.ttl = 62;
	h.id = 0;
	scene_until_trigger(&sc);
	scene_reset(&sc, &sc.s, &h, RST, 92, 0, 25000);
	v = scene_judge(&sc, 0);
	assert_true(scene_weight(v, "no-socket") > 1);
	assert_int_equal(v->ruling, RST_FORGED);
	assert_int_equal(v->candidates[0].hop, 3);
	scene_end(&sc);
}

/* A load balancer is nearer than what it stands for, by a few routers. */
static void
just_before_the_server(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	sc.s.ttl = 51; /* 13 routers; the reset 10, from 255 */
	h.ttl = 245;
	h.id = 40000;
	scene_until_trigger(&sc);
	scene_reset(&sc, &sc.s, &h, RSTACK, 92, 69, 40100);
	v = scene_judge(&sc, 0);
	assert_int_equal(v->ruling, RST_UNDETERMINED);
	scene_end(&sc);
}

static void
refusal_faster_than_the_path(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	/* The server's distance is known from a connection that worked. */
	scene_handshake(&sc);
	sc.c.self.port++;
	h.id = 0;
	scene_say(&sc, &sc.c, SYN, 0, 0, 0, 1000000);
	sc.s.isn = 0;
	scene_reset(&sc, &sc.s, &h, RSTACK, 0, 1, 700);
	v = scene_judge(&sc, 0);
	assert_true(scene_weight(v, "faster-than-path") > 2);
	assert_int_equal(v->ruling, RST_FORGED);
	scene_end(&sc);
}

static void
faster_than_the_path(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	h.ttl = 47;
	h.id = 50000;
	v = fire(&sc, &h); /* after 0.7 ms; the server is 40 ms away */
	assert_true(scene_weight(v, "faster-than-path") > 3);
	assert_int_equal(v->ruling, RST_FORGED);
	scene_end(&sc);
}

static void
data_after_the_reset(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	h.id = 0;
	scene_until_trigger(&sc);
	scene_reset(&sc, &sc.s, &h, RST, 92, 0, 30000);
	scene_say(&sc, &sc.s, PSHACK, 92, 69, 11, 10000);
	v = scene_judge(&sc, 0);
	assert_true(scene_weight(v, "data-after-reset") > 3);
	assert_int_equal(v->ruling, RST_FORGED);
	scene_end(&sc);
}

static void
at_the_servers_own_capture(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	/* Here the server's packets leave, and the client's arrive. */
	sc.c.ttl = 47;
	sc.s.ttl = 64;
	scene_until_trigger(&sc);
	/* The box resets the server in the client's name, ID echoed. */
	h.ttl = 48;
	h.id = (uint16_t)(sc.c.id - 1);
	scene_reset(&sc, &sc.c, &h, RSTACK, 69, 92, 300);
	v = scene_judge(&sc, 0);
	assert_false(sc.facts[0].to_client);
	assert_true(scene_weight(v, "ip-id-repeats") > 4);
	assert_int_equal(v->ruling, RST_FORGED);
	assert_int_equal(v->kind, RST_KIND_MIDDLEBOX);
	scene_end(&sc);
}

static void
mac_of_another_device(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	h.ttl = 64;
	h.id = 40000;
	h.mac[5] = 9; /* not the gateway that the server's packets come from */
	v = fire(&sc, &h);
	assert_true(scene_weight(v, "mac-differs") > 1);
	assert_true(v->same_segment);
	assert_int_equal(v->ruling, RST_FORGED);
	assert_int_equal(v->candidates[0].hop, 1);
	scene_end(&sc);
}

static void
load_balancer_by_its_mark(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	h.ttl = 102;
	h.id = 31415;
	scene_until_trigger(&sc);
	scene_say(&sc, &sc.s, PSHACK, 92, 69, 11, 40000);
	scene_reset(&sc, &sc.s, &h, RSTACK, 103, 69, 900000000);
	v = scene_judge(&sc, 0);
	assert_int_equal(v->kind, RST_KIND_LOAD_BALANCER);
	assert_string_equal(v->signature, "alibaba-slb");
	assert_true(scene_weight(v, "signature") > 5);
	/* No hop is named on the client's side for it. */
	assert_int_equal(v->n_candidates, 0);
	scene_end(&sc);
}

/* --- genuine ones --- */

static void
no_such_connection(void **state)
{
	static struct scene sc;
	struct scene_hand h;
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	h = sc.s;
	h.id = 0; /* Linux without a socket */
	h.window = 0;
	scene_reset(&sc, &sc.s, &h, RST, 92, 0, 40200);
	v = scene_judge(&sc, 0);
	assert_true(scene_weight(v, "ip-id-zero") < 0);
	assert_true(scene_weight(v, "timing-fits") < 0);
	assert_int_equal(v->ruling, RST_GENUINE);
	assert_int_equal(v->kind, RST_KIND_NO_CONNECTION);
	scene_end(&sc);
}

static void
abort_by_the_application(void **state)
{
	static struct scene sc;
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	scene_say(&sc, &sc.s, RSTACK, 92, 69, 0, 40200);
	v = scene_judge(&sc, 0);
	assert_true(scene_weight(v, "ip-id-continues") < -3);
	assert_int_equal(v->ruling, RST_GENUINE);
	assert_int_equal(v->kind, RST_KIND_ABORT);
	assert_true(v->probability < 0.01);
	scene_end(&sc);
}

static void
after_its_fin(void **state)
{
	static struct scene sc;
	struct scene_hand h;
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	scene_handshake(&sc);
	scene_say(&sc, &sc.s, FINACK, 1, 1, 0, 40000);
	scene_say(&sc, &sc.c, PSHACK, 1, 2, 30, 50);
	h = sc.s;
	h.id = 0;
	h.window = 0;
	scene_reset(&sc, &sc.s, &h, RST, 2, 0, 40000);
	v = scene_judge(&sc, 0);
	assert_int_equal(v->ruling, RST_GENUINE);
	assert_int_equal(v->kind, RST_KIND_AFTER_FIN);
	scene_end(&sc);
}

static void
refused_port(void **state)
{
	static struct scene sc;
	struct scene_hand h;
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	h = sc.s;
	h.id = 0;
	h.window = 0;
	scene_say(&sc, &sc.c, SYN, 0, 0, 0, 0);
	sc.s.isn = 0;
	scene_reset(&sc, &sc.s, &h, RSTACK, 0, 1, 40000);
	/* Another port of the server is open: its TTL is the reset's. */
	sc.c.self.port++;
	sc.s.self.port = 80;
	sc.s.isn = 900000;
	scene_handshake(&sc);
	v = scene_judge(&sc, 0);
	assert_true(scene_weight(v, "ttl-matches") < -2);
	assert_int_equal(v->ruling, RST_GENUINE);
	assert_int_equal(v->kind, RST_KIND_REFUSED);
	scene_end(&sc);
}

static void
refused_by_a_stranger(void **state)
{
	static struct scene sc;
	struct scene_hand h;
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	h = sc.s;
	h.id = 0;
	h.window = 0;
	scene_say(&sc, &sc.c, SYN, 0, 0, 0, 0);
	sc.s.isn = 0;
	scene_reset(&sc, &sc.s, &h, RSTACK, 0, 1, 40000);
	v = scene_judge(&sc, 0);
	assert_true(v->ruling != RST_FORGED);
	assert_int_equal(v->sender_ttl, 0);
	scene_end(&sc);
}

static void
half_open(void **state)
{
	static struct scene sc;
	struct scene_hand h;
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	scene_say(&sc, &sc.s, PSHACK, 92, 69, 11, 40000);
	/* An hour later the client asks again; the server has rebooted. */
	scene_say(&sc, &sc.c, PSHACK, 69, 103, 8, INT64_C(300000000));
	h = sc.s;
	h.id = 0;
	h.window = 0;
	scene_reset(&sc, &sc.s, &h, RST, 103, 0, 40000);
	v = scene_judge(&sc, 0);
	assert_int_equal(v->ruling, RST_GENUINE);
	assert_int_equal(v->kind, RST_KIND_HALF_OPEN);
	scene_end(&sc);
}

static void
idle_time_out(void **state)
{
	static struct scene sc;
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	scene_say(&sc, &sc.s, PSHACK, 92, 69, 11, 40000);
	scene_say(&sc, &sc.s, RSTACK, 103, 69, 0, 60000000);
	v = scene_judge(&sc, 0);
	assert_int_equal(v->ruling, RST_GENUINE);
	assert_int_equal(v->kind, RST_KIND_IDLE);
	scene_end(&sc);
}

/*
 * A front end answers for what has no socket, with an initial TTL of its own.
 */
static void
front_end(void **state)
{
	static struct scene sc;
	struct scene_hand h;
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	sc.s.ttl = 123;
	scene_until_trigger(&sc);
	scene_say(&sc, &sc.c, FINACK, 69, 92, 0, 100);
	h = sc.s;
	h.ttl = 59; /* as far away, from 64 instead of 128 */
	h.id = 0;
	h.window = 0;
	scene_reset(&sc, &sc.s, &h, RST, 92, 0, 40100);
	v = scene_judge(&sc, 0);
	assert_int_equal(v->ruling, RST_GENUINE);
	assert_int_equal(v->kind, RST_KIND_LOAD_BALANCER);
	scene_end(&sc);
}

/* TTL 1 between neighbours, and 64 in their kernels' own resets. */
static void
single_hop_bgp(void **state)
{
	static struct scene sc;
	struct scene_hand h;
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	sc.s.self = (struct endpoint){scene_addr("10.0.0.6"), 179};
	sc.c.ttl = sc.s.ttl = 1;
	scene_until_trigger(&sc);
	h = sc.s;
	h.ttl = 64;
	h.id = 0;
	h.window = 0;
	scene_reset(&sc, &sc.s, &h, RST, 92, 0, 40100);
	v = scene_judge(&sc, 0);
	assert_int_equal(v->ruling, RST_GENUINE);
	scene_end(&sc);
}

/* A challenge ACK drew the reset, and the connection lives (RFC 5961). */
static void
challenged(void **state)
{
	static struct scene sc;
	struct scene_hand h;
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	scene_say(&sc, &sc.s, PSHACK, 92, 69, 11, 40000);
	scene_say(&sc, &sc.c, ACK, 69, 92, 0, 100);
	h = sc.s;
	h.id = 0;
	h.window = 0;
	scene_reset(&sc, &sc.s, &h, RST, 92, 0, 40000);
	scene_say(&sc, &sc.s, PSHACK, 103, 69, 11, 30000);
	v = scene_judge(&sc, 0);
	assert_true(v->ruling != RST_FORGED);
	scene_end(&sc);
}

/* Every packet twice, once before and once behind a router. */
static void
both_sides_of_a_router(void **state)
{
	static struct scene sc;
	struct pkt p;
	struct scene_hand h;

	(void)state;
	scene_begin(&sc, NULL);
	scene_handshake(&sc);
	for (uint32_t i = 0; i < 4; i++) {
		scene_say(&sc, &sc.s, PSHACK, 1 + 10 * i, 1, 10, 1000);
		p = sc.last;
		p.ip.ttl--;
		scene_show(&sc, &p, 5);
		scene_say(&sc, &sc.c, ACK, 1, 11 + 10 * i, 0, 50);
	}
	h = sc.s;
	scene_reset(&sc, &sc.s, &h, RSTACK, 41, 1, 1000);
	h.ttl--;
	scene_reset(&sc, &sc.s, &h, RSTACK, 41, 1, 5);
	assert_int_equal(scene_judge(&sc, 0)->ruling, RST_GENUINE);
	assert_int_equal(scene_judge(&sc, 1)->ruling, RST_GENUINE);
	assert_int_equal(sc.facts[0].sender.twice, 4);
	scene_end(&sc);
}

/* --- forgers --- */

static void
loopback_is_never_forged(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	sc.c.self.addr = sc.s.self.addr = scene_addr("127.0.0.1");
	sc.s.ttl = 64;
	h.ttl = 64;
	h.id = 40000;
	v = fire(&sc, &h);
	assert_true(scene_weight(v, "loopback") < -5);
	assert_int_equal(v->ruling, RST_GENUINE);
	scene_end(&sc);
}

static void
three_with_ttl_and_window_rising(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	for (uint16_t i = 0; i < 3; i++) {
		h.ttl = (uint8_t)(90 + i);
		h.window = (uint16_t)(1400 + i);
		h.id = (uint16_t)(5000 + 700 * i);
		scene_reset(&sc, &sc.s, &h, RSTACK, 92, 69, 100);
	}
	for (size_t i = 0; i < 3; i++) {
		const struct rst_verdict *v = scene_judge(&sc, i);

		assert_int_equal(v->ruling, RST_FORGED);
		assert_string_equal(v->signature, "gfw-2023");
		assert_false(v->ttl_usable);
		assert_int_equal(v->n_candidates, 0);
	}
	scene_end(&sc);
}

static void
three_with_stepped_seq(void **state)
{
	static const uint32_t steps[] = {0, 1460, 4380};
	static struct scene sc;
	struct scene_hand h = box();

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	h.ttl = 55;
	for (size_t i = 0; i < 3; i++) {
		h.id = (uint16_t)(100 + 9000 * i);
		scene_reset(&sc, &sc.s, &h, RSTACK, 92 + steps[i], 69, 100);
	}
	for (size_t i = 0; i < 3; i++) {
		const struct rst_verdict *v = scene_judge(&sc, i);

		assert_int_equal(v->ruling, RST_FORGED);
		assert_string_equal(v->signature, "gfw-classic");
		assert_true(scene_weight(v, "seq-stepped") > 1);
	}
	scene_end(&sc);
}

static void
tcpkill(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	h.ttl = 64;
	h.df = false;
	for (uint32_t i = 0; i < 3; i++) {
		h.id = (uint16_t)(40000 - 777 * i);
		scene_reset(&sc, &sc.s, &h, RST, 92 + i * sc.c.window, 0, 30);
	}
	for (size_t i = 0; i < 3; i++) {
		const struct rst_verdict *v = scene_judge(&sc, i);

		assert_int_equal(v->ruling, RST_FORGED);
		assert_string_equal(v->signature, "tcpkill");
	}
	scene_end(&sc);
}

static void
suricata(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	h.ttl = 62;
	h.df = false;
	h.id = 7;
	h.window = sc.c.window;
	v = fire(&sc, &h);
	assert_string_equal(v->signature, "suricata-reject");
	assert_int_equal(v->ruling, RST_FORGED);
	assert_int_equal(v->candidates[0].hop, 3);
	scene_end(&sc);
}

static void
payload_of_ten_bytes(void **state)
{
	static const uint8_t ten[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0};
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;
	struct pkt p;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	h.ttl = 58;
	h.id = 1;
	p = scene_make(&sc, &sc.s, &h, RSTACK, 92, 69);
	p.payload = ten;
	p.payload_len = p.payload_wire = sizeof(ten);
	scene_show(&sc, &p, 9000);
	v = scene_judge(&sc, 0);
	assert_string_equal(v->signature, "henan-firewall");
	assert_int_equal(v->ruling, RST_FORGED);
	scene_end(&sc);
}

static void
rewritten_response(void **state)
{
	static struct scene sc;
	struct scene_hand h;
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	h = sc.s;
	scene_say(&sc, &sc.s, PSHACK, 92, 69, 11, 40000);
	h.window = 0;
	scene_reset(&sc, &sc.s, &h, RST, 92, 0, 20);
	v = scene_judge(&sc, 0);
	assert_true(scene_weight(v, "response-rewritten") > 5);
	assert_int_equal(v->kind, RST_KIND_RESPONSE_TRIGGERED);
	scene_end(&sc);
}

static void
wandering_ttls_name_no_hop(void **state)
{
	static const uint8_t ttls[] = {200, 65, 90, 180, 74};
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	for (size_t i = 0; i < 5; i++) {
		sc.c.self.port++;
		h.ttl = ttls[i];
		h.id = 40000;
		scene_until_trigger(&sc);
		scene_reset(&sc, &sc.s, &h, RSTACK, 92, 69, 700);
	}
	v = scene_judge(&sc, 4);
	assert_int_equal(v->ruling, RST_FORGED);
	assert_false(v->ttl_usable);
	assert_non_null(strstr(v->ttl_why, "wander"));
	assert_int_equal(v->n_candidates, 0);
	scene_end(&sc);
}

/* The n-th pair of hosts; their resets' TTLs are the caller's. */
static struct flow_reset
crowd_reset(uint32_t n, uint8_t ttl)
{
	const uint8_t client[4] = {10, 0, (uint8_t)(n % 3), 5};
	const uint8_t server[4] = {
	    1, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

	return (struct flow_reset){.client = {addr_from_v4(client), 51514},
	    .server = {addr_from_v4(server), 80},
	    .to_client = true,
	    .mark = {.ttl = ttl, .flags = RST, .frame = 1}};
}

static bool
crowd_knows(const struct rst_crowd *crowd, uint32_t n)
{
	struct flow_reset r = crowd_reset(n, 200);
	struct rst_verdict v;
	bool wanders;

	assert_int_equal(rst_judge(&r, crowd, NULL, &v, NULL), 0);
	wanders = strstr(v.ttl_why, "wander") != NULL;
	rst_verdict_free(&v);
	return wanders;
}

/* 8,192 pairs are known, each of them; those that come later are not. */
static void
many_wandering_senders_are_known(void **state)
{
	static const uint8_t ttls[] = {200, 65, 90};
	const uint32_t max = 8192;
	struct rst_crowd *crowd;

	(void)state;
	assert_int_equal(rst_crowd_new(1, &crowd, NULL), 0);
	for (uint32_t n = 0; n < max + 10; n++) {
		assert_false(crowd_knows(crowd, n));
		for (size_t i = 0; i < sizeof(ttls); i++) {
			struct flow_reset r = crowd_reset(n, ttls[i]);

			rst_crowd_see(crowd, &r);
		}
		assert_int_equal(crowd_knows(crowd, n), n < max);
	}
	for (uint32_t n = 0; n < max; n++)
		assert_true(crowd_knows(crowd, n));
	rst_crowd_free(crowd);
}

/* TTL 128, as from next door; but it took the whole way. */
static void
near_ttl_from_afar_names_no_hop(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	scene_until_trigger(&sc);
	h.ttl = 128;
	h.id = 40000;
	scene_reset(&sc, &sc.s, &h, RSTACK, 92, 69, 30000);
	v = scene_judge(&sc, 0);
	assert_int_equal(v->ruling, RST_FORGED);
	assert_false(v->ttl_usable);
	assert_int_equal(v->n_candidates, 0);
	scene_end(&sc);
}

static void
injected_data_gives_it_away(void **state)
{
	static struct scene sc;
	struct scene_hand h = box(), page;
	const struct rst_verdict *v;
	struct pkt p;

	(void)state;
	scene_begin(&sc, NULL);
	sc.s.ttl = 238; /* 17 routers away, as 47 may be */
	scene_until_trigger(&sc);
	page = (struct scene_hand){
	    .ttl = 83, .tos = 0x28, .id = 51492, .window = 16384};
	p = scene_make(&sc, &sc.s, &page, FIN | PSHACK, 92, 69);
	p.payload_wire = 553;
	scene_show(&sc, &p, 41000);
	h = (struct scene_hand){.ttl = 47, .tos = 0x28, .id = 51493};
	scene_reset(&sc, &sc.s, &h, RST, 92, 0, 100);
	v = scene_judge(&sc, 0);
	assert_int_equal(sc.facts[0].sender.injected, 1);
	assert_true(scene_weight(v, "injected-data") > 4);
	assert_int_equal(v->ruling, RST_FORGED);
	scene_end(&sc);
}

static void
reset_before_the_syn_ack(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;

	(void)state;
	scene_begin(&sc, NULL);
	scene_say(&sc, &sc.c, SYN, 0, 0, 0, 0);
	h.id = 13050; /* the SYN's */
	h.ttl = 46;
	sc.s.isn = 0;
	scene_reset(&sc, &sc.s, &h, RSTACK, 0, 0, 5000);
	sc.s.isn = 900000;
	scene_say(&sc, &sc.s, SYNACK, 0, 1, 0, 35000);
	scene_say(&sc, &sc.c, ACK, 1, 1, 0, 100);
	v = scene_judge(&sc, 0);
	assert_true(scene_weight(v, "handshake-after-reset") > 2);
	assert_true(scene_weight(v, "ack-odd") > 2);
	assert_int_equal(v->ruling, RST_FORGED);
	scene_end(&sc);
}

/* --- the other vantage --- */

static void
other_vantage_settles_it(void **state)
{
	static struct scene sc;
	const struct rst_verdict *v;

	(void)state;
	/* It looks like an abort in every way, but the server sent none. */
	scene_begin(&sc, NULL);
	sc.elsewhere.shows = RST_SHOWS_NEVER_SENT;
	scene_until_trigger(&sc);
	scene_say(&sc, &sc.s, RSTACK, 92, 69, 0, 40200);
	v = scene_judge(&sc, 0);
	assert_true(scene_weight(v, "peer-never-sent") >= 8);
	assert_true(v->ruling != RST_GENUINE);
	scene_end(&sc);

	/* It looks forged, but there the server is seen to send it. */
	scene_begin(&sc, NULL);
	sc.elsewhere.shows = RST_SHOWS_SENT;
	scene_until_trigger(&sc);
	sc.s.ttl = 63;
	sc.s.id = 40000;
	scene_say(&sc, &sc.s, RSTACK, 92, 69, 0, 40200);
	v = scene_judge(&sc, 0);
	assert_int_equal(v->ruling, RST_GENUINE);
	scene_end(&sc);
}

/* --- flow labels --- */

/* The server's label for its k-th packet is labels[k]; then the reset comes. */
static const struct rst_verdict *
judge_labels(struct scene *sc, const uint32_t labels[3], uint8_t flags,
    uint8_t ttl, uint32_t label)
{
	struct scene_hand h = {.ttl = ttl, .label = label};

	scene_begin(sc, NULL);
	sc->c.self.addr = scene_addr("2001:db8::5");
	sc->s.self.addr = scene_addr("2001:db8:6::2");
	sc->c.label = 0xc1111;
	memcpy(h.mac, sc->s.mac, ADDR_MAC);
	scene_say(sc, &sc->c, SYN, 0, 0, 0, 0);
	sc->s.label = labels[0];
	scene_say(sc, &sc->s, SYNACK, 0, 1, 0, 40000);
	scene_say(sc, &sc->c, PSHACK, 1, 1, 60, 1000);
	sc->s.label = labels[1];
	scene_say(sc, &sc->s, ACK, 1, 61, 0, 40000);
	sc->s.label = labels[2];
	scene_say(sc, &sc->s, PSHACK, 1, 61, 11, 1000);
	scene_say(sc, &sc->c, PSHACK, 61, 12, 8, 1000);
	scene_reset(sc, &sc->s, &h, flags, 12, 69, 30000);
	return scene_judge(sc, 0);
}

static void
flow_labels(void **state)
{
	static const uint32_t steady[3] = {0xabcde, 0xabcde, 0xabcde};
	static const uint32_t wander[3] = {0xabcde, 0xabcde, 0x12345};
	static const uint32_t none[3] = {0, 0, 0};
	static struct scene sc;
	const struct rst_verdict *v;

	(void)state;
	/* A TTL alone leaves it open; a label that no socket gives does not. */
	v = judge_labels(&sc, none, RSTACK, 62, 0);
	assert_int_equal(v->ruling, RST_UNDETERMINED);
	scene_end(&sc);
	v = judge_labels(&sc, steady, RSTACK, 62, 0);
	assert_true(scene_weight(v, "flow-label-differs") > 0);
	assert_int_equal(v->ruling, RST_FORGED);
	scene_end(&sc);
	/* Its own TTL and label. */
	v = judge_labels(&sc, steady, RSTACK, 47, 0xabcde);
	assert_true(scene_weight(v, "flow-label-continues") < 0);
	assert_int_equal(v->ruling, RST_GENUINE);
	scene_end(&sc);
	/*
	 * What has no socket has another label, or none; so has what wanders.
	 */
	v = judge_labels(&sc, steady, RST, 62, 0);
	assert_true(scene_weight(v, "flow-label-differs") == 0);
	scene_end(&sc);
	v = judge_labels(&sc, wander, RSTACK, 62, 0);
	assert_true(scene_weight(v, "flow-label-differs") == 0);
	scene_end(&sc);
}

/* In answer to data that left with TTL 5, where that one expired at `far`. */
static void
judge_short(struct scene *sc, uint8_t far)
{
	struct scene_hand h = box(), own;

	scene_begin(sc, NULL);
	sc->elsewhere.expired_ttl = far;
	scene_handshake(sc);
	own = sc->c;
	sc->c.ttl = 5;
	scene_say(sc, &sc->c, PSHACK, 1, 1, 60, 1000);
	sc->c = own;
	h.ttl = 44;
	scene_reset(sc, &sc->s, &h, RST, 1, 0, 41000);
	scene_judge(sc, 0);
}

static void
short_trigger(void **state)
{
	static struct scene sc;

	(void)state;
	judge_short(&sc, 5);
	assert_true(scene_weight(&sc.verdicts[0], "trigger-short") > 4);
	assert_int_equal(sc.verdicts[0].ruling, RST_FORGED);
	scene_end(&sc);
	judge_short(&sc, 4);
	assert_true(scene_weight(&sc.verdicts[0], "trigger-short") == 0);
	assert_true(sc.verdicts[0].ruling != RST_FORGED);
	scene_end(&sc);
}

static void
weights_add_up(void **state)
{
	static struct scene sc;
	struct scene_hand h = box();
	const struct rst_verdict *v;
	double odds = -1.5; /* the prior */

	(void)state;
	scene_begin(&sc, NULL);
	v = fire(&sc, &h);
	for (size_t i = 0; i < v->n_reasons; i++) {
		odds += v->reasons[i].weight;
		if (i > 0)
			assert_true(v->reasons[i - 1].weight *
				v->reasons[i - 1].weight >=
			    v->reasons[i].weight * v->reasons[i].weight);
	}
	assert_true(odds - v->log_odds < 1e-9 && v->log_odds - odds < 1e-9);
	scene_end(&sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("the founding case is a firewall at hop 1, hop 2's wire "
		   "the other reading",
		whole_founding_case),
	    PROVES("the client's own IP ID in the reset is enough, even with "
		   "the server's TTL",
		id_echo_alone),
	    PROVES("an IP ID that breaks the server's sequence and a nearer "
		   "TTL tell a forgery",
		id_breaks_the_servers_sequence),
	    PROVES("a nearer TTL alone is not enough; the report says what "
		   "would be",
		ttl_alone_is_not_enough),
	    PROVES("no socket, though it just spoke, and a nearer TTL: a "
		   "REJECT and its hop",
		made_without_a_socket),
	    PROVES("what stands just before the server may be its load "
		   "balancer: undetermined",
		just_before_the_server),
	    PROVES("a refusal faster than other connections' handshakes is "
		   "forged",
		refusal_faster_than_the_path),
	    PROVES("who acknowledges data faster than the path allows is not "
		   "the server",
		faster_than_the_path),
	    PROVES("a server that goes on after its reset never sent it",
		data_after_the_reset),
	    PROVES("seen at the server: the client's ID twice is a forgery",
		at_the_servers_own_capture),
	    PROVES("a MAC that no packet of the server came from is named",
		mac_of_another_device),
	    PROVES("TTL 102 and ID 31415 is a load balancer, not the server, "
		   "not a LAN firewall",
		load_balancer_by_its_mark),
	    PROVES("ID 0 for a connection that the server no longer knows is "
		   "genuine",
		no_such_connection),
	    PROVES("an abort goes on with the connection's counter: genuine",
		abort_by_the_application),
	    PROVES(
		"what comes after a FIN draws a genuine reset", after_its_fin),
	    PROVES("a refused port is genuine by the server's other packets",
		refused_port),
	    PROVES("a refusal with nothing to compare is not called forged",
		refused_by_a_stranger),
	    PROVES(
		"a server that forgot an old connection: half-open", half_open),
	    PROVES("a reset after a minute of silence: idle", idle_time_out),
	    PROVES("a front end with another initial TTL, as far away, is "
		   "genuine",
		front_end),
	    PROVES("TTL 1 of single-hop BGP against a kernel's 64 is genuine",
		single_hop_bgp),
	    PROVES("data after a reset that a challenge ACK drew proves "
		   "nothing",
		challenged),
	    PROVES("a reset seen on both sides of a router is genuine twice",
		both_sides_of_a_router),
	    PROVES("nothing stands between a host and itself",
		loopback_is_never_forged),
	    PROVES("three R+A, TTL and window rising: the firewall of 2023",
		three_with_ttl_and_window_rising),
	    PROVES("seq +0, +1460, +4380: the firewall of old",
		three_with_stepped_seq),
	    PROVES(
		"bare resets stepped by the window, no DF: tcpkill", tcpkill),
	    PROVES(
		"a copied window without DF: Suricata, and its hop", suricata),
	    PROVES(
		"ten bytes of payload: Henan's firewall", payload_of_ten_bytes),
	    PROVES("the server's data packet turned into a reset is known by "
		   "ID and seq",
		rewritten_response),
	    PROVES("TTLs that wander from reset to reset name no hop",
		wandering_ttls_name_no_hop),
	    PROVES("senders whose TTLs wander are known up to a bound",
		many_wandering_senders_are_known),
	    PROVES("a TTL from next door on a reset that came from afar names "
		   "no hop",
		near_ttl_from_afar_names_no_hop),
	    PROVES("a reset that counts on from injected data is forged, "
		   "though as far away as the server",
		injected_data_gives_it_away),
	    PROVES("a refusal that the SYN-ACK belies is forged",
		reset_before_the_syn_ack),
	    PROVES("the other vantage settles it either way",
		other_vantage_settles_it),
	    PROVES("a flow label tells a socket's own resets", flow_labels),
	    PROVES("what a packet drew that cannot arrive is forged",
		short_trigger),
	    PROVES("the weights given add up to the odds, strongest first",
		weights_add_up),
	};

	return cmocka_run_group_tests_name("rst", tests, NULL, NULL);
}
