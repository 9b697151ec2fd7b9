/*
 * trial: what it sends, when it is over, and what it tells infer.
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
#include <rsthop/trial.h>

#define TRIGGER "use db"
#define CONTROL "hfr qo"
#define MS	CLOCK_MS

/* The time that a tap may take, and more (PHYSICS, trap 2; tcpkill). */
#define TAP_LATE (900 * MS)

struct scene {
	struct sw *sw;
	struct session s;
	struct path path;
	struct trial_load load;
	struct trial_timing tm;
	struct trial t;
	struct fault f;
};

static struct scene *
scene_new(int rate_pps)
{
	struct scene *sc = calloc(1, sizeof(*sc));
	struct session_ask ask = {0};

	assert_non_null(sc);
	sc->sw = sw_new(4);
	ask.w = &sc->sw->w;
	ask.target = sc->sw->server;
	ask.src = sc->sw->client.addr;
	ask.max_hops = 30;
	ask.rate_pps = rate_pps;
	ask.path = &sc->path;
	session_init(&sc->s, &ask);
	sc->load = (struct trial_load){
	    (const uint8_t *)TRIGGER, 6, (const uint8_t *)CONTROL, 6, 6};
	sc->tm.rtt_ns = sc->sw->rtt_ns;
	sc->path.server_rtt_ns = sc->sw->rtt_ns;
	return sc;
}

static void
scene_free(struct scene *sc)
{
	session_free(&sc->s);
	free(sc->sw);
	free(sc);
}

/* All that is due then included, hence the nanosecond. */
static void
pump(struct scene *sc, int64_t ns)
{
	int64_t until = session_now(&sc->s) + ns + 1;

	assert_int_equal(session_pump(&sc->s, until, NULL, NULL, &sc->f), 0);
}

static void
step(struct scene *sc)
{
	assert_int_equal(
	    trial_step(&sc->s, &sc->t, &sc->load, &sc->tm, &sc->f), 0);
}

static bool
quiet(struct scene *sc)
{
	return trial_is_quiet(&sc->s, &sc->t, &sc->tm);
}

static void
begin(struct scene *sc, enum trial_kind kind)
{
	struct shot_plan plan = {.kind = kind};

	assert_int_equal(trial_begin(&sc->s, &sc->t, &plan, &sc->f), 0);
}

/* A trial that has just been sent. */
static void
send_plan(struct scene *sc, struct shot_plan plan)
{
	assert_int_equal(trial_begin(&sc->s, &sc->t, &plan, &sc->f), 0);
	pump(sc, sc->sw->rtt_ns);
	step(sc);
	assert_int_equal(sc->t.state, TRIAL_SENT);
}

static void
send_kind(struct scene *sc, enum trial_kind kind, int ttl)
{
	send_plan(sc, (struct shot_plan){.kind = kind, .ttl = ttl});
}

static void
send_plain(struct scene *sc, enum trial_kind kind)
{
	send_plan(sc, (struct shot_plan){.kind = kind, .plain = true});
}

/* Waits and steps, as the campaign does, until it is settled or `until`. */
static void
settle(struct scene *sc, int64_t until)
{
	int64_t wake;

	while (sc->t.state < TRIAL_SETTLED && session_now(&sc->s) < until) {
		step(sc);
		wake = trial_wakes_at(&sc->s, &sc->t, &sc->tm);
		if (sc->t.state >= TRIAL_SETTLED)
			return;
		assert_true(wake > session_now(&sc->s));
		/* Packets stir it too: look each millisecond. */
		pump(sc, MS);
	}
}

/* The time at which it settles, since it was sent; to the millisecond. */
static int64_t
settles_after(struct scene *sc)
{
	settle(sc, session_now(&sc->s) + 20 * CLOCK_S);
	assert_int_equal(sc->t.state, TRIAL_SETTLED);
	return session_now(&sc->s) - sc->t.sent_ns;
}

static const struct probe *
shot(const struct scene *sc, int i)
{
	return &sc->s.probes[sc->t.first_probe + (size_t)i];
}

/* Each shot of the trial draws a time-exceeded, up to TTL `upto`. */
static void
answer_all(struct scene *sc, int upto)
{
	const struct sw_sent *s;
	char from[] = "10.9.0.2";

	for (size_t i = 0; i < sc->sw->n_sent; i++) {
		s = &sc->sw->sent[i];
		if (s->kind != SW_TCP || s->tcp.ttl > upto ||
		    s->at_ns < sc->t.sent_ns)
			continue;
		from[5] = (char)('0' + s->tcp.ttl - 1);
		sw_push_te(sc->sw, s->at_ns + s->tcp.ttl * MS, from, 60,
		    s->packet, 28);
	}
}

static void
reset_at(struct scene *sc, int64_t after_ns, uint8_t ttl, uint32_t seq)
{
	struct craft_tcp t = sw_reset(sc->sw, sc->t.conn, ttl, seq);

	sw_push_tcp(sc->sw, sc->t.sent_ns + after_ns, &t);
}

static uint32_t
rcv_nxt(const struct scene *sc)
{
	return sc->s.conns[sc->t.conn].tcb.rcv_nxt;
}

/* --- what is sent --- */

static void
test_burst(void **state)
{
	struct scene *sc = scene_new(0);

	(void)state;
	begin(sc, TRIAL_BURST);
	step(sc); /* not open yet */
	assert_int_equal(sc->t.state, TRIAL_OPENING);
	assert_int_equal(sc->sw->n_sent, 0);
	assert_false(trial_is_ready(&sc->s, &sc->t));
	pump(sc, sc->sw->rtt_ns);
	assert_true(trial_is_ready(&sc->s, &sc->t));
	step(sc);
	assert_int_equal(sc->t.n_probes, 6);
	for (int i = 0; i < 6; i++) {
		const struct probe *p = shot(sc, i);

		assert_int_equal(p->kind, PROBE_SHOT);
		assert_int_equal(p->ttl, i + 1);
		assert_int_equal(p->ack, rcv_nxt(sc) - (uint32_t)(i + 1));
		assert_int_equal(p->seq, shot(sc, 0)->seq);
		assert_int_equal(p->len, 6);
		assert_false(p->plain);
		for (int j = 0; j < i; j++)
			assert_true(p->ip_id != shot(sc, j)->ip_id &&
			    p->window != shot(sc, j)->window);
	}
	/* At once: the clock has not moved. */
	assert_true(sc->sw->sent[0].at_ns == sc->sw->sent[5].at_ns);
	scene_free(sc);
}

/* Its copies are told apart by IP ID and window alone. */
static void
test_plain(void **state)
{
	struct scene *sc = scene_new(0);
	const struct probe *p;

	(void)state;
	send_plain(sc, TRIAL_BURST);
	assert_true(sc->t.plain);
	assert_int_equal(sc->t.n_probes, 6);
	for (int i = 0; i < 6; i++) {
		p = shot(sc, i);
		assert_int_equal(p->ttl, 6 - i);
		assert_int_equal(p->ack, rcv_nxt(sc));
		assert_int_equal(p->seq, shot(sc, 0)->seq);
		assert_true(p->plain);
		for (int j = 0; j < i; j++)
			assert_true(p->ip_id != shot(sc, j)->ip_id &&
			    p->window != shot(sc, j)->window);
	}
	scene_free(sc);
}

static void
test_single(void **state)
{
	struct scene *sc = scene_new(0);

	(void)state;
	send_kind(sc, TRIAL_SINGLE, 4);
	assert_int_equal(sc->t.n_probes, 1);
	assert_int_equal(shot(sc, 0)->ttl, 4);
	assert_int_equal(shot(sc, 0)->ack, rcv_nxt(sc));
	assert_int_equal(shot(sc, 0)->window, 502);
	scene_free(sc);
}

/*
 * More than a segment takes: behind each copy go the others, alike in all but
 * seq, and are no probes of their own.
 */
static void
test_long_trigger(void **state)
{
	struct scene *sc = scene_new(0);
	uint8_t bytes[3000];
	const struct sw_sent *s;
	size_t k, first, at;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	sc->load.trigger = bytes;
	sc->load.trigger_len = sizeof(bytes);
	begin(sc, TRIAL_BURST);
	pump(sc, sc->sw->rtt_ns);
	first = sc->sw->n_sent;
	step(sc);
	assert_int_equal(sc->t.n_probes, 6);
	assert_int_equal(sc->sw->n_sent - first, 18);
	for (size_t i = 0; i < 6; i++) {
		const struct probe *p = shot(sc, (int)i);

		for (k = 0, at = 0; k < 3; k++, at += s->tcp.payload_len) {
			s = &sc->sw->sent[first + 3 * i + k];
			assert_int_equal(s->tcp.ttl, i + 1);
			assert_int_equal(s->tcp.id, p->ip_id);
			assert_int_equal(s->tcp.ack, p->ack);
			assert_int_equal(s->tcp.window, p->window);
			assert_int_equal(s->tcp.seq, p->seq + at);
			assert_true(s->tcp.payload_len <= 1400);
			assert_memory_equal(
			    s->packet + s->len - s->tcp.payload_len, bytes + at,
			    s->tcp.payload_len);
		}
		assert_int_equal(at, sizeof(bytes));
	}
	scene_free(sc);
}

static void
test_full_and_control(void **state)
{
	struct scene *sc = scene_new(0);
	const struct sw_sent *s;

	(void)state;
	send_kind(sc, TRIAL_FULL, 0);
	s = &sc->sw->sent[0];
	assert_int_equal(s->kind, SW_DATA);
	assert_memory_equal(s->packet + s->len - 6, TRIGGER, 6);
	assert_int_equal(sc->s.conns[sc->t.conn].arm, ARM_TRIGGER);
	send_kind(sc, TRIAL_CONTROL, 0);
	s = &sc->sw->sent[1];
	assert_memory_equal(s->packet + s->len - 6, CONTROL, 6);
	assert_int_equal(sc->s.conns[sc->t.conn].arm, ARM_CONTROL);
	scene_free(sc);
}

/* The control's bytes in copies that are tagged, or not, as the trigger's. */
/* What each state says of a trial. */
static void
test_states(void **state)
{
	static const struct {
		enum trial_state state;
		bool sent, done, nothing;
	} rows[] = {
	    {TRIAL_OPENING, false, false, false},
	    {TRIAL_SENT, true, false, false},
	    {TRIAL_SETTLED, true, true, false},
	    {TRIAL_FAILED, false, true, true},
	    {TRIAL_SPOILED, false, true, true},
	};
	struct trial t = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		t.state = rows[i].state;
		assert_int_equal(trial_was_sent(&t), rows[i].sent);
		assert_int_equal(trial_is_done(&t), rows[i].done);
		assert_int_equal(trial_came_to_nothing(&t), rows[i].nothing);
	}
}

static void
test_control_burst(void **state)
{
	struct scene *sc;
	const struct sw_sent *s;

	(void)state;
	for (int plain = 0; plain < 2; plain++) {
		sc = scene_new(0);
		send_plan(sc,
		    (struct shot_plan){
			.kind = TRIAL_CONTROL_BURST, .plain = plain != 0});
		assert_true(trial_is_control(&sc->t));
		assert_int_equal(sc->s.conns[sc->t.conn].arm, ARM_CONTROL);
		assert_int_equal(sc->t.n_probes, sc->load.last_ttl);
		for (int i = 0; i < sc->load.last_ttl; i++) {
			s = &sc->sw->sent[i];
			assert_int_equal(s->tcp.ttl,
			    plain != 0 ? sc->load.last_ttl - i : i + 1);
			assert_memory_equal(s->packet + s->len - 6, CONTROL, 6);
			assert_int_equal(s->tcp.ack,
			    rcv_nxt(sc) - (uint32_t)(plain != 0 ? 0 : i + 1));
		}
		scene_free(sc);
	}
}

/* The kernel itself sends it with the TTL that it was asked for. */
static void
test_full_other_ttl(void **state)
{
	struct infer_shot shots[INFER_MAX_HOPS];
	struct scene *sc = scene_new(0);
	struct infer_trial it;

	(void)state;
	send_kind(sc, TRIAL_FULL, 78);
	assert_int_equal(sc->sw->conns[0].set, 1);
	assert_int_equal(sc->sw->conns[0].ttl, 78);
	assert_int_equal(sc->sw->sent[0].tcp.ttl, 78);
	assert_int_equal(sc->s.conns[0].tcb.client_ttl, 78);
	/* A copier on hop 2's ingress: 78 - 1, less one on its way back. */
	reset_at(sc, 2 * MS, 76, rcv_nxt(sc));
	settles_after(sc);
	assert_int_equal(shot(sc, 0)->ttl, 78);
	assert_int_equal(sc->s.resets[0].facts.probe_ttl, 78);
	trial_to_infer(&sc->s, &sc->t, shots, &it);
	assert_int_equal(shots[0].ttl, 78);
	assert_true(shots[0].drew && shots[0].rst_ttl == 76);
	/* Others are left as they are. */
	send_kind(sc, TRIAL_FULL, 0);
	send_kind(sc, TRIAL_CONTROL, 0);
	send_kind(sc, TRIAL_SINGLE, 3);
	assert_int_equal(sc->sw->conns[1].set, 0);
	assert_int_equal(sc->sw->conns[2].set, 0);
	assert_int_equal(sc->sw->conns[3].set, 0);
	assert_int_equal(sc->sw->sent[1].tcp.ttl, 64);
	scene_free(sc);
}

static int
tick_echo(struct session *s, void *arg, struct fault *f)
{
	(void)arg;
	return session_echo(s, 3, f) == -1 ? -1 : 0;
}

/* A trace's retry that falls due between paced copies waits for the last. */
static void
test_paced_burst(void **state)
{
	struct infer_shot shots[INFER_MAX_HOPS];
	struct scene *sc = scene_new(100);
	struct infer_trial it;

	(void)state;
	sc->s.tick = tick_echo;
	sc->s.tick_ns = session_now(&sc->s) + sc->sw->rtt_ns + 25 * MS;
	send_kind(sc, TRIAL_BURST, 0);
	assert_int_equal(sc->sw->n_sent, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(sc->sw->sent[i].kind, SW_TCP);
		assert_true(sc->sw->sent[i].at_ns ==
		    sc->sw->sent[0].at_ns + (int64_t)i * 10 * MS);
	}
	assert_true(session_now(&sc->s) > sc->s.tick_ns);
	trial_to_infer(&sc->s, &sc->t, shots, &it);
	assert_int_equal(it.n_shots, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(shots[i].ttl, i + 1);
	pump(sc, 10 * MS);
	assert_int_equal(sc->sw->n_sent, 7);
	assert_int_equal(sc->sw->sent[6].kind, SW_ECHO);
	/* It is none of the burst's. */
	trial_to_infer(&sc->s, &sc->t, shots, &it);
	assert_int_equal(it.n_shots, 6);
	scene_free(sc);
}

/* --- no connection, no trial --- */

static void
test_failed(void **state)
{
	struct scene *sc = scene_new(0);
	int64_t start = session_now(&sc->s);

	(void)state;
	sc->sw->deaf = true;
	begin(sc, TRIAL_FULL);
	settle(sc, start + 20 * CLOCK_S);
	assert_int_equal(sc->t.state, TRIAL_FAILED);
	assert_true(session_now(&sc->s) - start - 4 * CLOCK_S < 2 * MS);
	assert_true(quiet(sc));
	begin(sc, TRIAL_FULL);
	sc->sw->conns[1].state = CONN_REFUSED;
	step(sc);
	assert_int_equal(sc->t.state, TRIAL_FAILED);
	assert_int_equal(sc->sw->n_sent, 0);
	assert_true(trial_wakes_at(&sc->s, &sc->t, &sc->tm) == INT64_MAX);
	scene_free(sc);
}

/* A reset before the trigger left, as a residual block makes it. */
static void
test_spoiled(void **state)
{
	struct scene *sc = scene_new(0);
	struct craft_tcp t;

	(void)state;
	begin(sc, TRIAL_FULL);
	t = sw_reset(sc->sw, 0, 62, sc->sw->irs + 1);
	sw_push_tcp(sc->sw, session_now(&sc->s) + sc->sw->rtt_ns, &t);
	pump(sc, sc->sw->rtt_ns);
	step(sc);
	assert_int_equal(sc->t.state, TRIAL_SPOILED);
	assert_int_equal(sc->sw->n_sent, 0);
	scene_free(sc);
}

/* --- when it is over --- */

static void
test_silence_waits_for_taps(void **state)
{
	static const enum trial_kind kinds[] = {
	    TRIAL_FULL, TRIAL_CONTROL, TRIAL_SINGLE, TRIAL_BURST};
	struct scene *sc;
	int64_t after;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		sc = scene_new(0);
		send_kind(sc, kinds[i], kinds[i] == TRIAL_SINGLE ? 3 : 0);
		after = settles_after(sc);
		assert_true(
		    after > TAP_LATE + sc->sw->rtt_ns && after < 2 * CLOCK_S);
		assert_false(trial_drew_reset(&sc->s, &sc->t));
		scene_free(sc);
	}
}

/* All copies were answered; a device at a tap sends its reset 0.9 s later. */
static void
test_answered_burst_waits(void **state)
{
	struct scene *sc = scene_new(0);
	int64_t after;

	(void)state;
	send_kind(sc, TRIAL_BURST, 0);
	answer_all(sc, 6);
	assert_false(quiet(sc));
	reset_at(sc, TAP_LATE, 61, rcv_nxt(sc) - 4);
	pump(sc, 30 * MS);
	step(sc);
	assert_int_equal(sc->t.state, TRIAL_SENT);
	assert_true(quiet(sc)); /* others may go on beside it */
	after = settles_after(sc);
	assert_true(shot(sc, 3)->drew_reset && shot(sc, 3)->rst_ttl == 61);
	assert_true(after > TAP_LATE && after < TAP_LATE + 30 * MS);
	scene_free(sc);
}

/* Without it, the same burst waits its whole time. */
static void
test_answered_burst_silent(void **state)
{
	struct scene *sc = scene_new(0);

	(void)state;
	send_kind(sc, TRIAL_BURST, 0);
	answer_all(sc, 6);
	assert_true(settles_after(sc) > TAP_LATE + sc->sw->rtt_ns);
	scene_free(sc);
}

static void
test_full_settles_at_once(void **state)
{
	struct scene *sc = scene_new(0);

	(void)state;
	send_kind(sc, TRIAL_FULL, 0);
	reset_at(sc, 2 * MS, 63, rcv_nxt(sc));
	pump(sc, MS);
	assert_false(trial_is_ready(&sc->s, &sc->t));
	pump(sc, MS);
	assert_true(trial_is_ready(&sc->s, &sc->t));
	step(sc);
	assert_int_equal(sc->t.state, TRIAL_SETTLED);
	assert_true(trial_drew_reset(&sc->s, &sc->t));
	scene_free(sc);
}

/* After the first reset of a burst, its companions are awaited a moment. */
static void
test_burst_awaits_companions(void **state)
{
	struct scene *sc = scene_new(0);
	int64_t after;

	(void)state;
	send_kind(sc, TRIAL_BURST, 0);
	for (int i = 4; i <= 6; i++)
		reset_at(sc, i * 3 * MS, 62, rcv_nxt(sc) - (uint32_t)i);
	after = settles_after(sc);
	for (int i = 1; i <= 6; i++)
		assert_int_equal(shot(sc, i - 1)->drew_reset, i >= 4);
	assert_true(after > 18 * MS && after < 50 * MS);
	scene_free(sc);
}

/* Three prompt resets, and silence tells sooner. */
static void
test_patience_learns(void **state)
{
	static const struct {
		unsigned int n;
		int64_t latency;
		int64_t least, most;
	} rows[] = {
	    {0, 0, 1100, 1200},
	    {2, 2, 1100, 1200},
	    {3, 2, 100, 200},
	    {9, 30, 100, 200},
	    {3, 600, 1650, 1750},
	};
	struct scene *sc;
	int64_t after;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sc = scene_new(0);
		sc->tm.latencies = rows[i].n;
		sc->tm.latency_ns = rows[i].latency * MS;
		send_kind(sc, TRIAL_BURST, 0);
		after = settles_after(sc);
		print_message("  %u resets, %d ms at most: %d ms\n", rows[i].n,
		    (int)rows[i].latency, (int)(after / MS));
		assert_true(
		    after >= rows[i].least * MS && after <= rows[i].most * MS);
		scene_free(sc);
	}
}

/* Quiet: the campaign goes on, once the server has acknowledged. */
static void
test_quiet_full(void **state)
{
	struct scene *sc = scene_new(0);

	(void)state;
	send_kind(sc, TRIAL_CONTROL, 0);
	pump(sc, sc->sw->rtt_ns - MS);
	assert_false(quiet(sc));
	pump(sc, 10 * MS);
	assert_true(quiet(sc));
	assert_int_equal(sc->t.state, TRIAL_SENT);
	scene_free(sc);
}

/* A device behind a buffer: nothing is quiet before its time. */
static void
test_quiet_buffered(void **state)
{
	struct scene *sc = scene_new(0);

	(void)state;
	sc->tm.latencies = 1;
	sc->tm.latency_ns = 500 * MS;
	send_kind(sc, TRIAL_BURST, 0);
	answer_all(sc, 6);
	pump(sc, 600 * MS);
	assert_false(quiet(sc));
	pump(sc, CLOCK_S + MS);
	assert_true(quiet(sc));
	scene_free(sc);
}

/* --- what it tells infer --- */

static void
test_to_infer_burst(void **state)
{
	struct infer_shot shots[INFER_MAX_HOPS];
	struct scene *sc = scene_new(0);
	struct infer_trial it;

	(void)state;
	send_kind(sc, TRIAL_BURST, 0);
	answer_all(sc, 3);
	for (int i = 4; i <= 6; i++)
		reset_at(sc, 4 * MS, 62, rcv_nxt(sc) - (uint32_t)i);
	settles_after(sc);
	trial_to_infer(&sc->s, &sc->t, shots, &it);
	assert_int_equal(it.n_shots, 6);
	assert_ptr_equal(it.shots, shots);
	assert_false(it.drew_unknown || it.faster_than_server);
	for (int i = 1; i <= 6; i++) {
		assert_int_equal(shots[i - 1].ttl, i);
		assert_int_equal(shots[i - 1].drew, i >= 4);
		assert_int_equal(shots[i - 1].rst_ttl, i >= 4 ? 62 : 0);
		assert_int_equal(
		    shots[i - 1].te, i <= 3 ? INFER_TE_SEEN : INFER_TE_MISSING);
	}
	scene_free(sc);
}

static void
test_to_infer_full(void **state)
{
	struct infer_shot shots[INFER_MAX_HOPS];
	struct scene *sc = scene_new(0);
	struct infer_trial it;

	(void)state;
	for (int64_t latency = 2 * MS; latency <= 20 * MS; latency += 18 * MS) {
		send_kind(sc, TRIAL_FULL, 0);
		reset_at(sc, latency, 63, rcv_nxt(sc));
		settles_after(sc);
		trial_to_infer(&sc->s, &sc->t, shots, &it);
		assert_int_equal(it.n_shots, 1);
		assert_int_equal(shots[0].ttl, 64);
		assert_true(shots[0].drew);
		assert_int_equal(shots[0].rst_ttl, 63);
		assert_int_equal(shots[0].te, INFER_TE_UNKNOWN);
		assert_int_equal(it.faster_than_server, latency == 2 * MS);
	}
	scene_free(sc);
}

static void
test_to_infer_untagged(void **state)
{
	struct infer_shot shots[INFER_MAX_HOPS];
	struct scene *sc = scene_new(0);
	struct infer_trial it;

	(void)state;
	send_kind(sc, TRIAL_BURST, 0);
	reset_at(sc, 4 * MS, 77, 0x7777);
	settles_after(sc);
	trial_to_infer(&sc->s, &sc->t, shots, &it);
	assert_true(it.drew_unknown);
	assert_int_equal(it.rst_ttl, 77);
	for (int i = 0; i < 6; i++)
		assert_false(shots[i].drew);
	scene_free(sc);
}

/* Of a plain burst, one copy alone is named, by its IP ID. */
static void
test_to_infer_plain(void **state)
{
	struct infer_shot shots[INFER_MAX_HOPS];
	struct scene *sc = scene_new(0);
	struct infer_trial it;
	struct craft_tcp t;

	(void)state;
	send_plain(sc, TRIAL_BURST);
	t = sw_reset(sc->sw, sc->t.conn, 61, rcv_nxt(sc));
	t.id = shot(sc, 2)->ip_id; /* TTL 4 */
	sw_push_tcp(sc->sw, sc->t.sent_ns + 4 * MS, &t);
	settles_after(sc);
	trial_to_infer(&sc->s, &sc->t, shots, &it);
	assert_int_equal(it.n_shots, 6);
	assert_false(it.drew_unknown);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(shots[i].ttl, 6 - i);
		assert_int_equal(shots[i].drew, i == 2);
	}
	/* Without ID or window, the number that all share names none. */
	send_plain(sc, TRIAL_BURST);
	reset_at(sc, 4 * MS, 61, rcv_nxt(sc));
	settles_after(sc);
	trial_to_infer(&sc->s, &sc->t, shots, &it);
	assert_true(it.drew_unknown);
	assert_int_equal(it.rst_ttl, 61);
	for (int i = 0; i < 6; i++)
		assert_false(shots[i].drew);
	scene_free(sc);
}

/*
 * Several copies of one TTL: tags tell them apart; without, a reset tells
 * the TTL alone.
 */
static void
test_copies(void **state)
{
	struct shot_plan plan = {
	    .kind = TRIAL_SINGLE, .ttl = 4, .copies = 6, .tagged = true};
	struct infer_shot shots[INFER_MAX_HOPS];
	struct scene *sc = scene_new(0);
	struct infer_trial it;

	(void)state;
	send_plan(sc, plan);
	assert_int_equal(sc->t.n_probes, 6);
	reset_at(sc, 4 * MS, 61, rcv_nxt(sc) - 3);
	settles_after(sc);
	trial_to_infer(&sc->s, &sc->t, shots, &it);
	assert_false(it.drew_unknown);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(shots[i].ttl, 4);
		assert_int_equal(shots[i].drew, i == 2);
	}
	plan.ttl = 5;
	plan.tagged = false;
	send_plan(sc, plan);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(
		    sc->s.probes[sc->t.first_probe + i].ack, rcv_nxt(sc));
	reset_at(sc, 4 * MS, 61, rcv_nxt(sc));
	settles_after(sc);
	trial_to_infer(&sc->s, &sc->t, shots, &it);
	assert_true(it.drew_unknown);
	assert_int_equal(it.rst_ttl, 61);
	assert_int_equal(it.n_shots, 6);
	scene_free(sc);
}

/*
 * Linux sends a target six time-exceeded at once, then one a second: what is
 * missing beyond that tells nothing.
 */
static void
test_rate_limited(void **state)
{
	struct infer_shot shots[INFER_MAX_HOPS];
	struct scene *sc = scene_new(0);
	struct infer_trial it;

	(void)state;
	/* The trace has asked each of these hops once already. */
	for (int i = 1; i <= 6; i++)
		assert_true(session_echo(&sc->s, i, &sc->f) >= 0);
	for (int i = 0; i < 8; i++) {
		send_kind(sc, TRIAL_BURST, 0);
		trial_to_infer(&sc->s, &sc->t, shots, &it);
		assert_int_equal(
		    shots[2].te, i < 5 ? INFER_TE_MISSING : INFER_TE_UNKNOWN);
	}
	/* Nor does one that is seen: to count but those would lean. */
	answer_all(sc, 6);
	pump(sc, 10 * MS);
	trial_to_infer(&sc->s, &sc->t, shots, &it);
	assert_int_equal(shots[2].te, INFER_TE_UNKNOWN);
	/*
	 * A rest fills it again; yet where hops that answered before are all
	 * silent, it is not what a device does.
	 */
	pump(sc, 2 * CLOCK_S);
	send_kind(sc, TRIAL_BURST, 0);
	trial_to_infer(&sc->s, &sc->t, shots, &it);
	assert_int_equal(shots[2].te, INFER_TE_UNKNOWN);
	answer_all(sc, 3);
	pump(sc, 10 * MS);
	trial_to_infer(&sc->s, &sc->t, shots, &it);
	assert_int_equal(shots[1].te, INFER_TE_SEEN);
	assert_int_equal(shots[4].te, INFER_TE_MISSING);
	scene_free(sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("a burst is one tagged copy for each TTL, all at once",
		test_burst),
	    PROVES("a plain burst goes from N - 1 down to 1 with the number "
		   "that is due",
		test_plain),
	    PROVES("a single has one TTL and no tag", test_single),
	    PROVES("a long trigger goes in segments behind each copy",
		test_long_trigger),
	    PROVES("full and control go through the socket",
		test_full_and_control),
	    PROVES("a control burst is one of the control's bytes",
		test_control_burst),
	    PROVES("what each state says of a trial", test_states),
	    PROVES("a full trigger may leave with another TTL",
		test_full_other_ttl),
	    PROVES("the tick is held while a burst is sent", test_paced_burst),
	    PROVES("without a connection it fails", test_failed),
	    PROVES("a reset before it was sent spoils it", test_spoiled),
	    PROVES("silence counts only after a tap had its time",
		test_silence_waits_for_taps),
	    PROVES("also where all copies were answered: a reset 0.9 s "
		   "later is theirs",
		test_answered_burst_waits),
	    PROVES("and where it does not come, the time is waited out",
		test_answered_burst_silent),
	    PROVES("a full trigger that is reset is settled at once",
		test_full_settles_at_once),
	    PROVES("a burst that is reset waits for the companions",
		test_burst_awaits_companions),
	    PROVES(
		"three prompt resets shorten the wait", test_patience_learns),
	    PROVES(
		"a control is quiet once it is acknowledged", test_quiet_full),
	    PROVES("nothing is quiet while a slow device may send a reset",
		test_quiet_buffered),
	    PROVES(
		"infer is told which copies drew a reset, and which an answer",
		test_to_infer_burst),
	    PROVES("infer is told when a reset outran the server",
		test_to_infer_full),
	    PROVES("infer is told of resets without a tag",
		test_to_infer_untagged),
	    PROVES("of a plain burst it is told what IP IDs name",
		test_to_infer_plain),
	    PROVES("several copies of one TTL are told apart by tags, or not",
		test_copies),
	    PROVES("a missing answer of a rate-limited hop is unknown",
		test_rate_limited),
	};

	return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
