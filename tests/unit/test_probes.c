/*
 * Probes with limited TTLs found in captures that are made here, packet by
 * packet, of a chain of routers with a forger of known habits in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/analyze.h>
#include <rsthop/clock.h>

#include "proves.h"

#define PACKETS 4096
#define BYTES	160
#define MS	CLOCK_MS
#define ISN_C	1000u
#define ISN_S	777000u
#define WORD	"use db"
#define CONTROL "use ok"

/* A capture, and the chain that it is of. */
struct tape {
	size_t n, at;
	struct {
		int64_t ns;
		uint32_t len;
		uint8_t b[BYTES];
	} p[PACKETS];
	int64_t now;
	uint16_t port, id;
	bool dead; /* this connection's dice say no */

	int server;  /* hops to it */
	bool mute;   /* it answers no data */
	bool aborts; /* it resets on the word */
	int hop;     /* of the forger; 0: none */
	bool router, copies, random;
	unsigned int one_in; /* connections that it fires in; 0: all */
	unsigned int conns;
	uint32_t rng;
};

static const uint8_t client[4] = {10, 0, 0, 1};
static const uint8_t server[4] = {192, 0, 2, 9};

static uint32_t
roll(struct tape *t)
{
	t->rng = t->rng * 1664525u + 1013904223u;
	return t->rng >> 16;
}

static void
put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* An IPv4 header of 20 bytes; gives where its payload goes. */
static uint8_t *
put_ip(uint8_t *b, size_t total, unsigned int id, int ttl, int proto,
    const uint8_t src[4], const uint8_t dst[4])
{
	memset(b, 0, 20);
	b[0] = 0x45;
	put16(b + 2, (unsigned int)total);
	put16(b + 4, id);
	b[6] = 0x40;
	b[8] = (uint8_t)ttl;
	b[9] = (uint8_t)proto;
	memcpy(b + 12, src, 4);
	memcpy(b + 16, dst, 4);
	return b + 20;
}

/* A segment, up or down. */
struct seg {
	bool down;
	int ttl;
	unsigned int id, window, flags;
	uint32_t seq, ack;
	const char *data;
};

static size_t
put_seg(const struct tape *t, const struct seg *s, int ttl, uint8_t *b)
{
	size_t len = s->data != NULL ? strlen(s->data) : 0;
	uint8_t *p = put_ip(b, 40 + len, s->id, ttl, 6,
	    s->down ? server : client, s->down ? client : server);

	memset(p, 0, 20);
	put16(p, s->down ? 3306 : t->port);
	put16(p + 2, s->down ? t->port : 3306);
	put32(p + 4, s->seq);
	put32(p + 8, s->ack);
	p[12] = 0x50;
	p[13] = (uint8_t)s->flags;
	put16(p + 14, s->window);
	if (len > 0)
		memcpy(p + 20, s->data, len);
	return 40 + len;
}

static void
show(struct tape *t, const struct seg *s)
{
	assert_true(t->n < PACKETS);
	t->now += MS / 10;
	t->p[t->n].ns = t->now;
	t->p[t->n].len = (uint32_t)put_seg(t, s, s->ttl, t->p[t->n].b);
	t->n++;
}

/* A time-exceeded of this hop, which quotes all of the segment. */
static void
show_expired(struct tape *t, const struct seg *s, int hop)
{
	uint8_t from[4] = {10, 0, (uint8_t)hop, 1}, quote[BYTES], *p;
	size_t n = put_seg(t, s, 1, quote);

	assert_true(t->n < PACKETS);
	t->now += MS / 10;
	t->p[t->n].ns = t->now;
	t->p[t->n].len = (uint32_t)(28 + n);
	p = put_ip(t->p[t->n].b, 28 + n, 1, 64 - (hop - 1), 1, from, client);
	memset(p, 0, 8);
	p[0] = 11;
	memcpy(p + 8, quote, n);
	t->n++;
}

static void
begin(struct tape *t)
{
	int ttl = 64 - (t->server - 1);

	t->port++;
	t->now += 5 * CLOCK_S;
	t->dead = t->one_in != 0 && ++t->conns % t->one_in != 0;
	show(t,
	    &(struct seg){.ttl = 64,
		.id = ++t->id,
		.window = 500,
		.flags = 2,
		.seq = ISN_C});
	show(t,
	    &(struct seg){.down = true,
		.ttl = ttl,
		.window = 400,
		.flags = 0x12,
		.seq = ISN_S,
		.ack = ISN_C + 1});
	show(t,
	    &(struct seg){.ttl = 64,
		.id = ++t->id,
		.window = 500,
		.flags = 0x10,
		.seq = ISN_C + 1,
		.ack = ISN_S + 1});
}

/* The forger's reset, if this shot reaches it; whether it came. */
static void
fire(struct tape *t, const struct seg *s)
{
	int traversed = t->hop - 1;
	int seen = s->ttl - (t->router ? t->hop : t->hop - 1);
	int ttl = 64 - traversed;

	if (t->copies)
		ttl = seen - traversed;
	else if (t->random)
		ttl = 60 + (int)(roll(t) % 190);
	if (t->hop == 0 || t->dead || seen < 1 || ttl < 1 ||
	    strcmp(s->data, WORD) != 0)
		return;
	show(t,
	    &(struct seg){.down = true,
		.ttl = ttl,
		.id = roll(t) & 0xffff,
		.flags = 0x14,
		.seq = s->ack,
		.ack = s->seq + (uint32_t)strlen(s->data)});
}

/* Data with this TTL, its acknowledgement `tag` too low; what comes of it. */
static void
shoot_only(
    struct tape *t, int ttl, const char *data, unsigned int tag, struct seg *s)
{
	*s = (struct seg){.ttl = ttl,
	    .id = ++t->id,
	    .window = 500,
	    .flags = 0x18,
	    .seq = ISN_C + 1,
	    .ack = ISN_S + 1 - tag,
	    .data = data};
	show(t, s);
}

static void
answer(struct tape *t, const struct seg *s)
{
	struct seg a = {.down = true,
	    .ttl = 64 - (t->server - 1),
	    .window = 400,
	    .flags = t->aborts ? 0x14u : 0x10u,
	    .seq = ISN_S + 1,
	    .ack = ISN_C + 1 + (uint32_t)strlen(s->data)};

	if (s->ttl < t->server)
		show_expired(t, s, s->ttl);
	else if (!t->mute)
		show(t, &a);
	fire(t, s);
}

static void
shoot(struct tape *t, int ttl, const char *data, unsigned int tag)
{
	struct seg s;

	shoot_only(t, ttl, data, tag, &s);
	answer(t, &s);
}

/* One connection a TTL. */
static void
sweep(struct tape *t, int from, int to, const char *data)
{
	for (int n = from; n <= to; n++) {
		begin(t);
		shoot(t, n, data, 0);
	}
}

/* All TTLs at once on one connection. */
static void
burst(struct tape *t, int to, bool tagged)
{
	struct seg s[64];

	begin(t);
	for (int n = 1; n <= to; n++)
		shoot_only(t, n, WORD, tagged ? (unsigned int)n : 0, &s[n]);
	for (int n = 1; n <= to; n++)
		answer(t, &s[n]);
}

static int
next(void *ctx, struct capture_packet *out, struct fault *f)
{
	struct tape *t = ctx;

	(void)f;
	if (t->at == t->n)
		return 0;
	*out = (struct capture_packet){.unix_ns = t->p[t->at].ns,
	    .data = t->p[t->at].b,
	    .len = t->p[t->at].len,
	    .wire_len = t->p[t->at].len,
	    .link = PKT_LINK_RAW,
	    .frame = t->at + 1};
	t->at++;
	return 1;
}

static struct tape *
new_tape(int hops)
{
	struct tape *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->server = hops;
	t->port = 40000;
	t->now = 1000 * CLOCK_S;
	t->rng = 7;
	return t;
}

/* The one client and server that it holds probes of. */
static const struct analysis_probed *
look(struct tape *t, struct analysis *a)
{
	static const struct analyze_path path = {.path = "made.pcap"};
	struct analyze_ask ask = {
	    .n_paths = 1, .paths = &path, .max_resets = 1000};
	struct analyze_input in = {.ctx = t, .next = next};
	struct fault f = {0};

	assert_int_equal(analyze_run(&ask, &in, a, &f), 0);
	assert_int_equal(a->n_probed, 1);
	free(t);
	return &a->probed[0];
}

static void
test_reject(void **state)
{
	struct tape *t = new_tape(7);
	struct analysis a;
	const struct analysis_probed *p;

	(void)state;
	t->hop = 3;
	t->router = true;
	sweep(t, 1, 8, CONTROL); /* the path, and who answers */
	burst(t, 6, true);
	burst(t, 6, true);
	p = look(t, &a);
	assert_int_equal(p->probes, 12);
	assert_int_equal(p->drew, 6);
	assert_int_equal(p->threshold_ttl, 4);
	assert_int_equal(p->path.server_hops, 7);
	assert_int_equal(p->path.n_hops, 6);
	assert_int_equal(p->path.hops[3].responders[0].addr.b[2], 4);
	assert_int_equal(p->hop, 3);
	assert_int_equal(p->place, PLACE_ROUTER);
	assert_true(p->confidence > 0.95);
	for (size_t i = 0; i < a.n_resets; i++)
		if (a.resets[i].to_client)
			assert_int_equal(a.resets[i].elsewhere.expired_ttl, 6);
	assert_true(a.forged > 0);
	analysis_free(&a);
}

static void
test_tap(void **state)
{
	struct tape *t = new_tape(9);
	struct analysis a;
	const struct analysis_probed *p;
	bool told = false;

	(void)state;
	t->hop = 4;
	sweep(t, 1, 9, CONTROL);
	sweep(t, 1, 9, WORD);
	p = look(t, &a);
	assert_int_equal(p->threshold_ttl, 4);
	assert_int_equal(p->hop, 4);
	assert_int_equal(p->place, PLACE_WIRE);
	assert_true(p->confidence > 0.9);
	for (size_t i = 0; i < a.n_groups; i++)
		if (a.groups[i].ruling == RST_FORGED) {
			assert_int_equal(a.groups[i].candidates[0].hop, 4);
			told = true;
		}
	assert_true(told);
	analysis_free(&a);
}

static void
test_copier(void **state)
{
	struct tape *t = new_tape(12);
	struct analysis a;
	const struct analysis_probed *p;

	(void)state;
	t->hop = 3;
	t->copies = true;
	sweep(t, 1, 12, WORD);
	p = look(t, &a);
	assert_int_equal(p->threshold_ttl, 5);
	assert_int_equal(p->hop, 3);
	assert_int_equal(p->place, PLACE_WIRE);
	assert_true(p->confidence > 0.9);
	analysis_free(&a);
}

static void
test_random(void **state)
{
	struct tape *t = new_tape(10);
	struct analysis a;
	const struct analysis_probed *p;

	(void)state;
	t->hop = 5;
	t->random = true;
	sweep(t, 1, 10, WORD);
	sweep(t, 1, 10, WORD);
	p = look(t, &a);
	assert_int_equal(p->threshold_ttl, 5);
	assert_int_equal(p->place, PLACE_UNKNOWN);
	assert_true(p->confidence < 0.6);
	assert_true(p->n_candidates >= 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(p->candidates[i].hop +
			(p->candidates[i].place == PLACE_ROUTER),
		    5);
	analysis_free(&a);
}

static void
test_dice(void **state)
{
	struct tape *t = new_tape(9);
	struct analysis a;
	const struct analysis_probed *p;

	(void)state;
	t->hop = 4;
	t->router = true;
	t->one_in = 2;
	for (int i = 0; i < 7; i++)
		sweep(t, 1, 9, WORD);
	p = look(t, &a);
	assert_int_equal(p->threshold_ttl, 5);
	assert_int_equal(p->hop, 4);
	assert_int_equal(p->place, PLACE_ROUTER);
	analysis_free(&a);
}

static void
test_plain_burst(void **state)
{
	struct tape *t = new_tape(8);
	struct analysis a;
	const struct analysis_probed *p;

	(void)state;
	t->hop = 4;
	t->random = true;
	burst(t, 7, false);
	p = look(t, &a);
	assert_int_equal(p->threshold_ttl, 0);
	assert_int_equal(p->drew, 1);
	assert_int_equal(p->hop, 0);
	analysis_free(&a);
}

static void
test_one_probe(void **state)
{
	struct tape *t = new_tape(14);
	struct analysis a;
	const struct analysis_probed *p;

	(void)state;
	t->hop = 5;
	t->random = true;
	t->mute = true;
	sweep(t, 9, 9, WORD);
	p = look(t, &a);
	assert_int_equal(p->drew, 1);
	assert_int_equal(p->threshold_ttl, 9);
	assert_int_equal(p->path.server_hops, 0);
	assert_int_equal(p->hop, 0);
	analysis_free(&a);
}

static void
test_nothing_fires(void **state)
{
	struct tape *t = new_tape(6);
	struct analysis a;
	const struct analysis_probed *p;

	(void)state;
	sweep(t, 1, 7, WORD);
	p = look(t, &a);
	assert_int_equal(p->probes, 7);
	assert_int_equal(p->drew, 0);
	assert_int_equal(p->hop, 0);
	assert_int_equal(p->n_candidates, 0);
	assert_int_equal(p->path.n_hops, 5);
	assert_int_equal(p->path.server_hops, 6);
	analysis_free(&a);
}

static void
test_server_aborts(void **state)
{
	struct tape *t = new_tape(6);
	struct analysis a;
	const struct analysis_probed *p;

	(void)state;
	t->aborts = true;
	for (int i = 0; i < 3; i++)
		sweep(t, 1, 9, WORD);
	p = look(t, &a);
	assert_int_equal(p->hop, 0);
	analysis_free(&a);
}

/* The data of the control says nothing of where the word would fire. */
static void
test_control(void **state)
{
	struct tape *t = new_tape(9);
	struct analysis a;
	const struct analysis_probed *p;

	(void)state;
	t->hop = 3;
	t->router = true;
	for (int i = 0; i < 5; i++)
		sweep(t, 1, 9, CONTROL);
	sweep(t, 1, 6, WORD);
	p = look(t, &a);
	assert_int_equal(p->probes, 6);
	assert_int_equal(p->drew, 3);
	assert_int_equal(p->hop, 3);
	analysis_free(&a);
}

/* The same data, sent with its full TTL later on, drew the reset. */
static void
test_went_on(void **state)
{
	struct tape *t = new_tape(9);
	struct analysis a;
	const struct analysis_probed *p;

	(void)state;
	t->hop = 4;
	sweep(t, 1, 9, CONTROL);
	begin(t);
	shoot(t, 2, WORD, 0);
	t->now += 2 * CLOCK_S;
	shoot(t, 64, WORD, 0);
	p = look(t, &a);
	assert_int_equal(a.n_resets, 1);
	assert_int_equal(p->drew, 0);
	assert_int_equal(p->threshold_ttl, 0);
	analysis_free(&a);
}

/*
 * PHYSICS, trap 1: a forged reset toward the server expires as well; what
 * quotes it has the probe's own IP ID.
 */
static void
test_other_end(void **state)
{
	struct tape *t = new_tape(8);
	struct analysis a;
	const struct analysis_probed *p;
	struct seg s;

	(void)state;
	t->hop = 3;
	for (int n = 1; n <= 7; n++) {
		begin(t);
		shoot_only(t, n, WORD, 0, &s);
		fire(t, &s);
		if (n >= 3) {
			s.data = NULL;
			s.flags = 4;
			show_expired(t, &s, 6);
		} else
			show_expired(t, &s, n);
	}
	p = look(t, &a);
	assert_int_equal(p->path.n_hops, 2);
	assert_int_equal(p->hop, 3);
	analysis_free(&a);
}

/* What is cut or turned round breaks nothing. */
static void
test_hostile(void **state)
{
	(void)state;
	for (unsigned int seed = 0; seed < 60; seed++) {
		static const struct analyze_path path = {.path = "made.pcap"};
		struct analyze_ask ask = {.n_paths = 1, .paths = &path};
		struct tape *t = new_tape(7);
		struct analyze_input in = {.ctx = t, .next = next};
		struct analysis a;

		t->hop = 3;
		sweep(t, 1, 8, WORD);
		burst(t, 6, seed % 2 != 0);
		t->rng = seed;
		for (size_t i = 0; i < t->n; i++) {
			if (roll(t) % 4 == 0)
				t->p[i].len = roll(t) % (t->p[i].len + 1);
			if (roll(t) % 4 == 0)
				t->p[i].b[roll(t) % BYTES] ^= (uint8_t)roll(t);
			if (roll(t) % 16 == 0)
				t->p[i].ns = -t->p[i].ns;
		}
		assert_int_equal(analyze_run(&ask, &in, &a, NULL), 0);
		analysis_free(&a);
		free(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("numbered bursts: a router's REJECT to its hop and place",
		test_reject),
	    PROVES("one TTL a connection: a tap on the wire, told to its group",
		test_tap),
	    PROVES("a box that copies TTLs is not taken for one farther off",
		test_copier),
	    PROVES("random TTLs leave two places, and both are shown",
		test_random),
	    PROVES("a device that fires in every other connection is found",
		test_dice),
	    PROVES("a burst without numbers names no hop", test_plain_burst),
	    PROVES("one probe alone names no hop", test_one_probe),
	    PROVES("where nothing fires the path remains, and no hop",
		test_nothing_fires),
	    PROVES("a server that resets is no device on the way",
		test_server_aborts),
	    PROVES("control data is no sign of a silent device", test_control),
	    PROVES("what goes on with its full TTL drew the reset itself",
		test_went_on),
	    PROVES("what quotes the reset to the other end is no hop's answer",
		test_other_end),
	    PROVES("cut and twisted captures do no harm", test_hostile),
	};

	return cmocka_run_group_tests_name("probes", tests, NULL, NULL);
}
