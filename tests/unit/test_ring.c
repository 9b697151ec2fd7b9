/*
 * The ring of the last packets, and the job analyze on a live line: verdicts
 * that come by the clock alone, and an end after so many resets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/analyze.h>
#include <rsthop/clock.h>
#include <rsthop/ring.h>

#include "proves.h"

#define LEN   40 /* IPv4 and TCP, bare */
#define START (INT64_C(1700000000) * CLOCK_S)

/* From 10.0.0.1:port to 10.0.0.2:80, or back. */
static void
make(uint8_t p[LEN], uint16_t port, bool back, uint8_t flags)
{
	static const uint8_t ip[20] = {0x45, 0, 0, LEN, 0, 1, 0x40, 0, 64, 6, 0,
	    0, 10, 0, 0, 1, 10, 0, 0, 2};
	uint8_t *t = p + 20;
	uint8_t here[2] = {(uint8_t)(port >> 8), (uint8_t)port};
	uint8_t there[2] = {0, 80};

	memset(p, 0, LEN);
	memcpy(p, ip, sizeof(ip));
	if (back) {
		memcpy(p + 12, ip + 16, 4);
		memcpy(p + 16, ip + 12, 4);
	}
	memcpy(t, back ? there : here, 2);
	memcpy(t + 2, back ? here : there, 2);
	t[12] = 0x50;
	t[13] = flags;
}

static struct capture_packet
captured(const uint8_t p[LEN], uint64_t frame)
{
	return (struct capture_packet){
	    .unix_ns = START + (int64_t)frame * CLOCK_MS,
	    .data = p,
	    .len = LEN,
	    .wire_len = LEN,
	    .link = PKT_LINK_RAW,
	    .frame = frame};
}

struct got {
	size_t n, fail_at;
	uint64_t frames[RING_TAKEN];
};

static int
take(void *ctx, const struct capture_packet *p, struct fault *f)
{
	struct got *g = ctx;

	assert_int_equal(p->len, LEN);
	assert_int_equal(p->data[0], 0x45);
	assert_true(g->n < RING_TAKEN);
	g->frames[g->n++] = p->frame;
	if (g->n == g->fail_at)
		return fault(f, FAULT_INPUT, "full");
	return 0;
}

static struct endpoint
end(uint8_t host, uint16_t port)
{
	const uint8_t b[4] = {10, 0, 0, host};

	return (struct endpoint){addr_from_v4(b), port};
}

static int
take_port(struct ring *r, uint16_t port, struct got *g)
{
	struct endpoint a = end(1, port), b = end(2, 80);
	struct fault f = {0};

	return ring_take(r, &a, &b, g, take, &f);
}

static void
both_ways_once(void **state)
{
	struct got g = {0}, none = {0};
	struct fault f = {0};
	struct ring *r;

	(void)state;
	assert_int_equal(ring_new(1 << 20, 7, &r, &f), 0);
	for (uint64_t i = 1; i <= 30; i++) {
		uint8_t p[LEN];
		struct capture_packet cp = captured(p, i);

		make(p, (uint16_t)(1000 + i % 3), i % 2 != 0, PKT_TH_ACK);
		ring_add(r, &cp);
	}
	assert_int_equal(take_port(r, 1001, &g), 0);
	assert_int_equal(g.n, 10);
	for (size_t i = 0; i < g.n; i++)
		assert_int_equal(g.frames[i], 1 + 3 * i);
	assert_int_equal(take_port(r, 1001, &none), 0);
	assert_int_equal(none.n, 0);
	assert_int_equal(take_port(r, 1003, &none), 0);
	assert_int_equal(none.n, 0);
	g = (struct got){.fail_at = 2};
	assert_int_equal(take_port(r, 1000, &g), -1);
	assert_int_equal(g.n, 2);
	ring_free(r);
}

/* Written round many times: what is left is the newest, and whole. */
static void
goes_round(void **state)
{
	struct fault f = {0};
	struct ring *r;
	struct got g = {0};

	(void)state;
	assert_int_equal(ring_new(RING_MIN, 7, &r, &f), 0);
	for (uint64_t i = 1; i <= 20000; i++) {
		uint8_t p[LEN];
		struct capture_packet cp = captured(p, i);

		make(p, (uint16_t)(1000 + i % 7), false, PKT_TH_ACK);
		ring_add(r, &cp);
	}
	assert_int_equal(take_port(r, 1000 + 20000 % 7, &g), 0);
	assert_true(g.n > 10 && g.n < 100);
	assert_int_equal(g.frames[g.n - 1], 20000);
	for (size_t i = 1; i < g.n; i++)
		assert_int_equal(g.frames[i], g.frames[i - 1] + 7);
	ring_free(r);
}

static void
hostile(void **state)
{
	static const uint8_t big[RING_MIN];
	uint8_t p[LEN];
	struct capture_packet cp;
	struct fault f = {0};
	struct got g = {0};
	struct ring *r;

	(void)state;
	assert_int_equal(ring_new(1, 7, &r, &f), 0);
	make(p, 1000, false, PKT_TH_ACK);
	for (uint32_t n = 0; n < LEN; n++) {
		uint8_t *exact = malloc(n + !n);

		assert_non_null(exact);
		memcpy(exact, p, n);
		cp = captured(exact, 1);
		cp.len = n;
		ring_add(r, &cp);
		free(exact);
	}
	cp = captured(big, 2);
	cp.len = cp.wire_len = sizeof(big);
	ring_add(r, &cp);
	cp = captured(p, 3);
	ring_add(r, &cp);
	assert_int_equal(take_port(r, 1000, &g), 0);
	assert_int_equal(g.n, 1);
	assert_int_equal(g.frames[0], 3);
	ring_free(r);
	ring_free(NULL);
}

/* --- the job on a live line --- */

/* n resets, one each millisecond, then silence by the clock. */
struct live {
	uint64_t resets, at;
	int ticks, ticks_max;
	uint8_t p[LEN];
	uint64_t told;
	int first_told; /* at which tick; -1: before any */
};

static int
next_live(void *ctx, struct capture_packet *out, struct fault *f)
{
	struct live *l = ctx;

	(void)f;
	memset(out, 0, sizeof(*out));
	if (l->at < l->resets) {
		l->at++;
		make(l->p, (uint16_t)(1000 + l->at), true, PKT_TH_RST);
		*out = captured(l->p, l->at);
		return 1;
	}
	if (l->ticks == l->ticks_max)
		return 0;
	l->ticks++;
	out->unix_ns = START + l->ticks * 100 * CLOCK_MS;
	return ANALYZE_TICK;
}

static int
told(void *ctx, const struct analysis *a, const struct analysis_reset *r,
    struct fault *f)
{
	struct live *l = ctx;

	(void)a;
	(void)f;
	if (l->told++ == 0)
		l->first_told = l->ticks;
	assert_int_equal(r->frame, l->told);
	return 0;
}

static void
run_live(struct live *l, uint64_t max_judged, struct analysis *a)
{
	struct analyze_path path = {.path = "eth0"};
	struct analyze_input in = {.ctx = l, .next = next_live};
	struct analyze_ask ask = {.n_paths = 1,
	    .paths = &path,
	    .settle_ns = CLOCK_S,
	    .max_judged = max_judged,
	    .ctx = l,
	    .reset = told};
	struct fault f = {0};

	assert_int_equal(analyze_run(&ask, &in, a, &f), 0);
}

static void
judged_in_silence(void **state)
{
	struct live l = {.resets = 5, .ticks_max = 30};
	struct analysis a;

	(void)state;
	run_live(&l, 0, &a);
	assert_int_equal(l.told, 5);
	assert_int_equal(l.first_told, 11); /* 1 s after 1 ms */
	assert_int_equal(l.ticks, 30);
	assert_int_equal(a.packets, 5);
	analysis_free(&a);
	/* The line ends before their time: judged all the same. */
	l = (struct live){.resets = 5, .ticks_max = 3};
	run_live(&l, 0, &a);
	assert_int_equal(l.told, 5);
	assert_int_equal(l.first_told, 3);
	analysis_free(&a);
}

static void
ends_after_so_many(void **state)
{
	struct live l = {.resets = 5, .ticks_max = 30};
	struct analysis a;

	(void)state;
	run_live(&l, 3, &a);
	assert_int_equal(l.told, 3);
	assert_int_equal(l.ticks, 11);
	assert_int_equal(a.forged + a.genuine + a.undetermined, 3);
	analysis_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("a connection's packets come both ways, in order, once",
		both_ways_once),
	    PROVES("the newest are left once it has gone round", goes_round),
	    PROVES("cut and oversized packets do no harm", hostile),
	    PROVES("a verdict comes when its time is up, or the line ends",
		judged_in_silence),
	    PROVES("it ends with so many resets", ends_after_so_many),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
