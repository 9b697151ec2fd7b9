/*
 * rerun: the course of its runs, with a scripted client on a scripted network.
 */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/clock.h>
#include <rsthop/rerun.h>

#include "proves.h"
#include "scripted_world.h"

#define WORDS	"GET /secret\r\n"
#define CALL_NS (200 * CLOCK_MS)
#define RUN_NS	(20 * CLOCK_S)

/* Each run: a connection, words, an answer or a reset; then its end. */
struct scene {
	struct sw *sw;
	struct rerun_result out;
	struct rerun_ask ask;
	struct rerun_client client;
	struct fault f;
	unsigned int runs, stops;
	unsigned int resets_at; /* in this run the device fires; 0: in none */
	bool hangs;		/* ends only when it is stopped */
	bool running;
	int64_t ends_ns;
	unsigned int told;
};

static void
say(struct scene *sc, bool client, int64_t at_ns, uint8_t flags, uint32_t seq,
    uint32_t ack, const char *words, uint8_t ttl)
{
	struct craft_tcp t = {.flow = {sc->sw->client, sc->sw->server},
	    .ttl = ttl,
	    .id = (uint16_t)(client ? sc->sw->kernel_id++ : 23403 + seq),
	    .df = true,
	    .seq = seq,
	    .ack = ack,
	    .flags = flags,
	    .window = (flags & PKT_TH_RST) != 0 ? 0 : 500,
	    .payload = (const uint8_t *)words,
	    .payload_len = words != NULL ? strlen(words) : 0};

	if (!client)
		t.flow = flow_key_reverse(&t.flow);
	sw_push_tcp(sc->sw, at_ns, &t);
}

static void
talk(struct scene *sc, int64_t at)
{
	bool reset = sc->runs == sc->resets_at;
	uint32_t c = 1000 * sc->runs, s = 900000 + 1000 * sc->runs,
		 n = (uint32_t)strlen(WORDS);
	const uint8_t ack = PKT_TH_ACK, psh = PKT_TH_PSH | PKT_TH_ACK;

	sc->sw->client.port++;
	say(sc, true, at, PKT_TH_SYN, c, 0, NULL, 64);
	at += 20 * CLOCK_MS;
	say(sc, false, at, PKT_TH_SYN | ack, s, c + 1, NULL, 58);
	say(sc, true, at, ack, c + 1, s + 1, NULL, 64);
	say(sc, true, at + CLOCK_MS, psh, c + 1, s + 1, WORDS, 64);
	at += 21 * CLOCK_MS;
	if (reset)
		say(sc, false, at - 19 * CLOCK_MS, PKT_TH_RST | ack, s + 1,
		    c + 1 + n, NULL, 62);
	else
		say(sc, false, at, psh, s + 1, c + 1 + n, "answer", 58);
}

static int
client_start(void *ctx, struct fault *f)
{
	struct scene *sc = ctx;

	(void)f;
	assert_false(sc->running);
	sc->running = true;
	sc->runs++;
	sc->ends_ns = sc->hangs ? INT64_MAX : sc->sw->now_ns + CALL_NS;
	talk(sc, sc->sw->now_ns + CLOCK_MS);
	return 0;
}

static int
client_fd(void *ctx)
{
	assert_true(((struct scene *)ctx)->running);
	return 77;
}

static bool
client_has_ended(void *ctx, int *status)
{
	struct scene *sc = ctx;

	assert_int_equal(sc->sw->also, 77);
	*status = 0;
	return sc->sw->now_ns >= sc->ends_ns;
}

static void
client_stop(void *ctx)
{
	struct scene *sc = ctx;

	assert_int_equal(sc->sw->also, -1);
	sc->running = false;
	sc->stops++;
}

/* As the live world: next() returns when the client has ended. */
static int
next_or_end(
    void *ctx, int64_t until_ns, struct world_packet *out, struct fault *f)
{
	struct sw *sw = ctx;
	struct scene *sc = sw->arg;

	if (sc->running && sc->ends_ns < until_ns)
		until_ns = sc->ends_ns;
	return sw_next(ctx, until_ns, out, f);
}

static void
count_told(void *ctx, const char *text)
{
	assert_non_null(strstr(text, "running the client"));
	((struct scene *)ctx)->told++;
}

static struct scene *
scene_new(void)
{
	struct scene *sc = calloc(1, sizeof(*sc));

	assert_non_null(sc);
	sc->sw = sw_new(4);
	sc->sw->arg = sc;
	sc->sw->w.next = next_or_end;
	sc->client = (struct rerun_client){.ctx = sc,
	    .start = client_start,
	    .fd = client_fd,
	    .has_ended = client_has_ended,
	    .stop = client_stop};
	sc->ask = (struct rerun_ask){.target = sc->sw->server,
	    .client = &sc->client,
	    .max_runs = 10,
	    .run_ns = RUN_NS,
	    .end_ns = sc->sw->now_ns + 1000 * CLOCK_S,
	    .hash_seed = 7,
	    .progress = count_told,
	    .progress_ctx = sc};
	return sc;
}

static void
run(struct scene *sc)
{
	if (rerun_run(&sc->ask, &sc->sw->w, &sc->out, &sc->f) != 0)
		fail_msg("%s", sc->f.text);
	assert_false(sc->running);
	assert_int_equal(sc->stops, sc->runs);
	assert_int_equal(sc->out.runs, sc->runs);
	assert_int_equal(sc->told, sc->runs);
}

static void
scene_free(struct scene *sc)
{
	rerun_free(&sc->out);
	free(sc->sw);
	free(sc);
}

static void
test_until_reset(void **state)
{
	struct scene *sc = scene_new();
	const struct suspect *s;

	(void)state;
	sc->resets_at = 4;
	run(sc);
	assert_int_equal(sc->out.runs, 4);
	assert_int_equal(sc->out.reset, 1);
	assert_int_equal(sc->out.connections, 4);
	assert_int_equal(sc->out.suspects.n, 1);
	s = &sc->out.suspects.list[0];
	assert_int_equal(s->trigger_len, strlen(WORDS));
	assert_memory_equal(s->trigger, WORDS, strlen(WORDS));
	assert_int_equal(s->n_rst_ttls, 1);
	assert_int_equal(s->rst_ttls[0], 62);
	assert_int_equal(s->server_ttl, 58);
	/* The runs before said nothing that is worth keeping. */
	assert_int_equal(sc->out.n, 5);
	scene_free(sc);
}

/* In vain it may take its time; once it was reset, little of it. */
static void
test_hangs(void **state)
{
	struct scene *sc = scene_new();
	int64_t begun = sc->sw->now_ns;

	(void)state;
	sc->hangs = true;
	sc->resets_at = 2;
	run(sc);
	assert_int_equal(sc->out.runs, 2);
	assert_int_equal(sc->out.suspects.n, 1);
	assert_int_equal(sc->out.failed, 0); /* we ended it */
	assert_true(sc->sw->now_ns - begun > RUN_NS);
	assert_true(sc->sw->now_ns - begun < RUN_NS + 4 * CLOCK_S);
	scene_free(sc);
}

static void
test_time(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	sc->ask.end_ns = sc->sw->now_ns + 3 * CALL_NS;
	run(sc);
	assert_in_range(sc->out.runs, 2, 4);
	scene_free(sc);
}

static int
interrupted(
    void *ctx, int64_t until_ns, struct world_packet *out, struct fault *f)
{
	(void)ctx;
	(void)until_ns;
	(void)out;
	return fault_interrupted(f, 2);
}

/* Its client is ended all the same. */
static void
test_interrupted(void **state)
{
	struct scene *sc = scene_new();

	(void)state;
	sc->sw->w.next = interrupted;
	assert_int_equal(rerun_run(&sc->ask, &sc->sw->w, &sc->out, &sc->f), -1);
	assert_int_equal(sc->f.kind, FAULT_INTERRUPTED);
	assert_int_equal(sc->stops, 1);
	assert_int_equal(sc->sw->also, -1);
	scene_free(sc);
}

static void
test_evidence(void **state)
{
	struct scene *sc = scene_new();
	struct locate_result r = {0};
	unsigned int blanked = 0;

	(void)state;
	sc->resets_at = 1;
	run(sc);
	rerun_keep(&sc->out, &r.evidence);
	assert_int_equal(r.evidence.n, 5);
	for (size_t i = 0; i < r.evidence.n; i++) {
		const struct result_packet *p = &r.evidence.packets[i];

		assert_int_equal(p->len, sc->out.packets[i].len);
		assert_null(memmem(p->data, p->len, "secret", 6));
		/* The headers are there: so is the reset's TTL. */
		assert_memory_equal(p->data, sc->out.packets[i].data, 14 + 40);
		blanked += strstr(p->note, "blanked") != NULL;
	}
	assert_int_equal(blanked, 1);
	locate_result_free(&r);
	scene_free(sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("a client is run until it is reset; what it said is the "
		   "trigger",
		test_until_reset),
	    PROVES(
		"one that hangs is ended, soon once it was reset", test_hangs),
	    PROVES("none is begun when the time is over", test_time),
	    PROVES("a signal ends the client too", test_interrupted),
	    PROVES("its words are not kept as evidence, its headers are",
		test_evidence),
	};

	return cmocka_run_group_tests_name(
	    "rerun, its course", tests, NULL, NULL);
}
