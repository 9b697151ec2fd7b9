/*
 * session_talk: a scripted talk on a scripted network: when it is called, what
 * it says is sent, what it hears, and what of that is kept as evidence.
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

#include "proves.h"
#include "scripted_world.h"
#include <rsthop/session.h>

#define GREETING "greeting with a challenge"
#define LOGIN	 "login with its proof"
#define WELCOME	 "welcome"
#define TRIGGER	 "use db"
#define BYE	 "bye"

/*
 * Says LOGIN to GREETING, is ready with WELCOME, fails at "no"; whatever else
 * it hears, it waits.
 */
struct script {
	char heard[256];
	size_t n_heard;
	enum talk_state state;
	int64_t wake_ns, called_ns;
	unsigned int calls, byes, frees;
};

struct scene {
	struct sw *sw;
	struct session s;
	struct path path;
	struct result_evidence evidence;
	struct fault f;
	struct script script;
	bool secret;
};

static bool
has_heard(const struct script *k, const char *words)
{
	return strstr(k->heard, words) != NULL;
}

static int
script_step(void *ctx, int64_t now_ns, const uint8_t *in, size_t n,
    struct talk_step *out, struct fault *f)
{
	struct script *k = ctx;
	bool begun = has_heard(k, GREETING);

	assert_true((n == 0) == (in == NULL));
	assert_true(k->n_heard + n < sizeof(k->heard));
	if (n > 0)
		memcpy(k->heard + k->n_heard, in, n);
	k->n_heard += n;
	k->calls++;
	k->called_ns = now_ns;
	memset(out, 0, sizeof(*out));
	out->wake_ns = k->wake_ns;
	if (has_heard(k, "no")) {
		out->state = TALK_FAILED;
		out->failure = TALK_FAIL_FINAL;
		return fault(f, FAULT_INPUT, "it said no");
	}
	if (!begun && has_heard(k, GREETING)) {
		out->say = (const uint8_t *)LOGIN;
		out->say_len = strlen(LOGIN);
	}
	out->state = k->state = has_heard(k, WELCOME) ? TALK_READY : TALK_WAITS;
	return 0;
}

static const uint8_t *
script_bye(void *ctx, size_t *n)
{
	((struct script *)ctx)->byes++;
	*n = strlen(BYE);
	return (const uint8_t *)BYE;
}

static void
script_free(void *ctx)
{
	((struct script *)ctx)->frees++;
}

static int
script_make(void *ctx, struct talk *out, struct fault *f)
{
	struct scene *sc = ctx;

	(void)f;
	*out = (struct talk){.ctx = &sc->script,
	    .secret = sc->secret,
	    .step = script_step,
	    .bye = script_bye,
	    .free = script_free};
	return 0;
}

static struct scene *
scene_new(bool secret)
{
	struct scene *sc = calloc(1, sizeof(*sc));
	struct session_ask ask = {.max_hops = 30};

	assert_non_null(sc);
	sc->sw = sw_new(4);
	sc->secret = secret;
	sc->script.wake_ns = INT64_MAX;
	ask.w = &sc->sw->w;
	ask.target = sc->sw->server;
	ask.src = sc->sw->client.addr;
	ask.maker.ctx = sc;
	ask.maker.make = script_make;
	ask.path = &sc->path;
	ask.evidence = &sc->evidence;
	session_init(&sc->s, &ask);
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

static void
pump(struct scene *sc, int64_t ns)
{
	assert_int_equal(
	    session_pump(&sc->s, session_now(&sc->s) + ns, NULL, NULL, &sc->f),
	    0);
}

static void
open_one(struct scene *sc)
{
	assert_int_equal(session_open(&sc->s, ARM_TRIGGER, 0, &sc->f), 0);
	pump(sc, 2 * sc->sw->rtt_ns);
}

static void
hear(struct scene *sc, const char *words)
{
	sw_says(
	    sc->sw, 0, sc->sw->now_ns + sc->sw->rtt_ns, words, strlen(words));
	pump(sc, 2 * sc->sw->rtt_ns);
}

/* Data that left through the socket. */
static unsigned int
count_sent(const struct scene *sc, const char *words)
{
	size_t n = strlen(words);
	unsigned int found = 0;

	for (size_t i = 0; i < sc->sw->n_sent; i++)
		found += sc->sw->sent[i].kind == SW_DATA &&
		    sc->sw->sent[i].len == 40 + n &&
		    memcmp(sc->sw->sent[i].packet + 40, words, n) == 0;
	return found;
}

/* Packets of the evidence that hold these bytes anywhere. */
static unsigned int
count_kept(const struct scene *sc, const char *words)
{
	unsigned int found = 0;

	for (size_t i = 0; i < sc->evidence.n; i++)
		found += memmem(sc->evidence.packets[i].data,
			     sc->evidence.packets[i].len, words,
			     strlen(words)) != NULL;
	return found;
}

static void
test_course(void **state)
{
	struct scene *sc = scene_new(true);

	(void)state;
	assert_int_equal(session_open(&sc->s, ARM_TRIGGER, 0, &sc->f), 0);
	pump(sc, sc->sw->rtt_ns / 2);
	assert_int_equal(sc->script.calls, 0);
	pump(sc, sc->sw->rtt_ns);
	assert_int_equal(sc->script.calls, 1);
	assert_false(session_talk_ready(&sc->s, 0));
	hear(sc, "greeting ");
	assert_int_equal(count_sent(sc, LOGIN), 0);
	hear(sc, "with a challenge");
	assert_int_equal(count_sent(sc, LOGIN), 1);
	assert_false(session_talk_ready(&sc->s, 0));
	hear(sc, WELCOME);
	assert_true(session_talk_ready(&sc->s, 0));
	assert_false(session_talk_failed(&sc->s, 0));
	assert_string_equal(sc->script.heard, GREETING WELCOME);
	scene_free(sc);
}

/* Its numbers have to be right before anything is injected behind it. */
static void
test_ready_when_acknowledged(void **state)
{
	struct scene *sc = scene_new(true);
	struct craft_tcp t;

	(void)state;
	open_one(sc);
	sc->sw->acks = false;
	hear(sc, GREETING);
	t = sw_from_server(sc->sw, 0);
	sc->sw->conns[0].snd_nxt -= (uint32_t)strlen(LOGIN);
	hear(sc, WELCOME); /* acknowledges nothing of the login */
	assert_int_equal(sc->script.state, TALK_READY);
	assert_false(session_talk_ready(&sc->s, 0));
	t.seq += (uint32_t)strlen(WELCOME);
	sw_push_tcp(sc->sw, sc->sw->now_ns + CLOCK_MS, &t);
	pump(sc, 2 * CLOCK_MS);
	assert_true(session_talk_ready(&sc->s, 0));
	scene_free(sc);
}

static void
test_wakes(void **state)
{
	struct scene *sc = scene_new(true);
	int64_t due;

	(void)state;
	due = sc->script.wake_ns = session_now(&sc->s) + 3 * CLOCK_S;
	open_one(sc);
	pump(sc, CLOCK_S);
	assert_int_equal(sc->script.calls, 1);
	sc->script.wake_ns = INT64_MAX;
	pump(sc, 3 * CLOCK_S);
	assert_int_equal(sc->script.calls, 2);
	assert_int_equal(sc->script.called_ns, due);
	scene_free(sc);
}

static void
test_fails(void **state)
{
	struct scene *sc = scene_new(true);
	unsigned int calls;

	(void)state;
	open_one(sc);
	hear(sc, "no");
	assert_true(session_talk_failed(&sc->s, 0));
	assert_false(session_talk_ready(&sc->s, 0));
	assert_int_equal(sc->s.talk_failure, TALK_FAIL_FINAL);
	assert_string_equal(sc->s.talk_fault.text, "it said no");
	calls = sc->script.calls;
	hear(sc, GREETING);
	assert_int_equal(sc->script.calls, calls);
	scene_free(sc);
}

/* Also when the trigger's answer says so. */
static void
test_fails_late(void **state)
{
	struct scene *sc = scene_new(true);

	(void)state;
	open_one(sc);
	hear(sc, GREETING);
	hear(sc, WELCOME);
	assert_true(session_talk_ready(&sc->s, 0));
	hear(sc, "no");
	assert_true(session_talk_failed(&sc->s, 0));
	assert_int_equal(sc->s.talk_failure, TALK_FAIL_FINAL);
	scene_free(sc);
}

static void
test_server_ends(void **state)
{
	struct scene *sc = scene_new(true);

	(void)state;
	open_one(sc);
	sc->sw->conns[0].state = CONN_CLOSED;
	pump(sc, CLOCK_MS);
	assert_true(session_talk_failed(&sc->s, 0));
	assert_int_equal(sc->s.talk_failure, TALK_FAIL_ODD);
	assert_non_null(strstr(sc->s.talk_fault.text,
	    "10.9.6.2:3306 ended the connection before the trigger was due"));
	scene_free(sc);
	/* Once the trigger is due, it may. */
	sc = scene_new(true);
	open_one(sc);
	hear(sc, GREETING);
	hear(sc, WELCOME);
	sc->sw->conns[0].state = CONN_CLOSED;
	pump(sc, CLOCK_MS);
	assert_false(session_talk_failed(&sc->s, 0));
	scene_free(sc);
}

static void
test_blanked(void **state)
{
	static const char *const words[] = {GREETING, LOGIN, WELCOME};
	struct scene *sc;
	unsigned int notes;

	(void)state;
	for (int secret = 0; secret < 2; secret++) {
		sc = scene_new(secret == 1);
		open_one(sc);
		hear(sc, GREETING);
		hear(sc, WELCOME);
		assert_true(
		    session_send_full(&sc->s, 0, (const uint8_t *)TRIGGER,
			strlen(TRIGGER), &sc->f) >= 0);
		hear(sc, "answer");
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			assert_int_equal(count_kept(sc, words[i]), !secret);
		/* What came of the trigger is not the login's. */
		assert_int_equal(count_kept(sc, TRIGGER), 1);
		assert_int_equal(count_kept(sc, "answer"), 1);
		notes = 0;
		for (size_t i = 0; i < sc->evidence.n; i++)
			notes += strstr(sc->evidence.packets[i].note,
				     "blanked") != NULL;
		assert_int_equal(notes, secret != 0 ? 3 : 0);
		/* SYN, SYN-ACK, ACK, five with data, two acknowledgements. */
		assert_int_equal(sc->evidence.n, 10);
		scene_free(sc);
	}
}

/* Also what is sent again, whole or in other pieces. */
static void
test_blanked_again(void **state)
{
	struct scene *sc = scene_new(true);
	struct craft_tcp t;

	(void)state;
	open_one(sc);
	hear(sc, GREETING);
	hear(sc, WELCOME);
	t = sw_from_client(sc->sw, 0);
	t.seq -= 7;
	t.flags |= PKT_TH_PSH;
	t.payload = (const uint8_t *)LOGIN + strlen(LOGIN) - 7;
	t.payload_len = 7;
	sw_push_tcp(sc->sw, sc->sw->now_ns, &t);
	pump(sc, CLOCK_MS);
	assert_int_equal(count_kept(sc, "s proof"), 0);
	scene_free(sc);
}

static void
test_quote_cut(void **state)
{
	struct scene *sc = scene_new(true);
	const struct sw_sent *login;

	(void)state;
	open_one(sc);
	hear(sc, GREETING);
	login = &sc->sw->sent[sc->sw->n_sent - 1];
	assert_int_equal(login->len, 40 + strlen(LOGIN));
	sw_push_te(
	    sc->sw, sc->sw->now_ns, "10.9.0.2", 64, login->packet, login->len);
	pump(sc, CLOCK_MS);
	assert_int_equal(count_kept(sc, "proof"), 0);
	/* Ethernet, IP, ICMP, the quoted IP and eight bytes: that is all. */
	assert_int_equal(
	    sc->evidence.packets[sc->evidence.n - 1].len, 14 + 20 + 8 + 20 + 8);
	scene_free(sc);
}

static void
test_bye(void **state)
{
	struct scene *sc = scene_new(true);

	(void)state;
	open_one(sc);
	hear(sc, GREETING);
	hear(sc, WELCOME);
	session_close(&sc->s, 0);
	session_close(&sc->s, 0);
	assert_int_equal(sc->script.byes, 1);
	assert_int_equal(sc->script.frees, 1);
	assert_int_equal(count_sent(sc, BYE), 1);
	scene_free(sc);
}

static void
test_no_bye(void **state)
{
	struct scene *sc = scene_new(true);
	struct craft_tcp t;

	(void)state;
	/* Its end was reset. */
	open_one(sc);
	t = sw_reset(sc->sw, 0, 62, sc->sw->conns[0].rcv_nxt);
	sw_push_tcp(sc->sw, sc->sw->now_ns, &t);
	pump(sc, CLOCK_MS);
	session_close(&sc->s, 0);
	assert_int_equal(sc->script.byes, 0);
	assert_int_equal(sc->script.frees, 1);
	scene_free(sc);
	/* It never opened: the talk is freed all the same. */
	sc = scene_new(true);
	sc->sw->deaf = true;
	open_one(sc);
	session_close(&sc->s, 0);
	assert_int_equal(sc->script.calls, 0);
	assert_int_equal(sc->script.byes, 0);
	assert_int_equal(sc->script.frees, 1);
	scene_free(sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("a talk begins once the connection is open, and carries "
		   "bytes both ways",
		test_course),
	    PROVES("the trigger is due once the server has all that was said",
		test_ready_when_acknowledged),
	    PROVES(
		"it is called when it asked to be, and not before", test_wakes),
	    PROVES("once it has failed, it is called no more", test_fails),
	    PROVES("the trigger's answer may fail it", test_fails_late),
	    PROVES("a server that ends before the trigger is due fails it",
		test_server_ends),
	    PROVES("of a secret talk nothing is kept but headers, of the "
		   "trigger all",
		test_blanked),
	    PROVES("nor what is sent again", test_blanked_again),
	    PROVES("nor what a router quotes", test_quote_cut),
	    PROVES("the last words are said once", test_bye),
	    PROVES("and not to a connection that is no more", test_no_bye),
	};

	return cmocka_run_group_tests_name("session_talk", tests, NULL, NULL);
}
