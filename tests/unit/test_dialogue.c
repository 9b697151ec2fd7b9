/*
 * Dialogues: what is refused and in which words, and that a talk says and
 * waits for what its file has, however the server's bytes are cut.  Run from
 * the root of the checkout.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <rsthop/clock.h>
#include <rsthop/dialogue.h>
#include <rsthop/text.h>

#include "dialogues.h"
#include "proves.h"

/* --- files --- */

/* From an exact-size allocation, so that ASan guards its end. */
static int
parse_bytes(const char *p, size_t n, struct dialogue **out, struct fault *f)
{
	char *exact = malloc(n == 0 ? 1 : n);
	int rc;

	assert_non_null(exact);
	memcpy(exact, p, n);
	rc = dialogue_parse("x", exact, n, out, f);
	free(exact);
	return rc;
}

static struct dialogue *
parse(const char *text)
{
	struct dialogue *d = NULL;
	struct fault f = {0};

	if (parse_bytes(text, strlen(text), &d, &f) == -1)
		fail_msg("%s", f.text);
	return d;
}

static void
expect_refused(const char *text, size_t n, const char *words)
{
	struct dialogue *d = NULL;
	struct fault f = {0};

	assert_int_equal(parse_bytes(text, n, &d, &f), -1);
	assert_null(d);
	if (f.kind != FAULT_INPUT || strstr(f.text, words) == NULL)
		fail_msg("kind %d: %s\nwanted: %s", (int)f.kind, f.text, words);
	assert_int_equal(parse_bytes(text, n, &d, NULL), -1);
}

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < BAD_DIALOGUES; i++) {
		const struct bad_dialogue *b = &bad_dialogues[i];

		print_message("    %s\n", b->what);
		expect_refused(b->text, strlen(b->text), b->fault);
	}
}

static void
expect_bytes(const uint8_t *p, size_t n, const char *want)
{
	if (want == NULL) {
		assert_null(p);
		assert_int_equal(n, 0);
		return;
	}
	assert_int_equal(n, strlen(want));
	assert_memory_equal(p, want, n);
}

/* By the room that is left; d is of no use afterwards. */
static size_t
use_up(struct dialogue *d)
{
	struct fault f;
	size_t left = 0;

	while (dialogue_add_pause(d, 1, &f) == 0)
		left++;
	assert_non_null(strstr(f.text, "more than 256 steps"));
	return DIALOGUE_STEPS - left;
}

static void
test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOOD_DIALOGUES; i++) {
		const struct good_dialogue *g = &good_dialogues[i];
		struct dialogue *d = parse(g->text);
		const uint8_t *p;
		size_t n;

		print_message("    %s\n", g->what);
		p = dialogue_trigger(d, &n);
		expect_bytes(p, n, g->trigger);
		p = dialogue_control(d, &n);
		expect_bytes(p, n, g->control);
		assert_int_equal(use_up(d), g->steps);
		dialogue_free(d);
	}
	dialogue_free(NULL);
}

static void
test_every_prefix(void **state)
{
	const char *text = good_dialogues[0].text;
	struct dialogue *d;
	struct fault f;

	(void)state;
	for (size_t n = 0; n < strlen(text); n++) {
		d = NULL;
		if (parse_bytes(text, n, &d, &f) == 0)
			dialogue_free(d);
		else
			assert_int_equal(f.kind, FAULT_INPUT);
	}
}

static void
test_nul(void **state)
{
	(void)state;
	expect_refused("send \"a\"\n\0", 10, "x:2: a NUL byte");
	expect_refused("\0", 1, "x:1: a NUL byte");
}

/* before, then n letters, then after. */
static char *
make_long(const char *before, size_t n, const char *after, size_t *len)
{
	struct text t = {0};

	text_add(&t, before);
	text_pad(&t, 'a', (int)n);
	text_add(&t, after);
	assert_false(t.bad);
	*len = t.len;
	return t.p;
}

static void
test_long(void **state)
{
	size_t n, steps = 0;
	struct dialogue *d;
	struct fault f;
	char *p;

	(void)state;
	p = make_long("send \"", DIALOGUE_TEXT_MAX, "\"", &n);
	assert_int_equal(parse_bytes(p, n, &d, &f), 0);
	steps = use_up(d);
	dialogue_free(d);
	free(p);
	assert_int_equal(steps, 1);
	p = make_long("send \"", DIALOGUE_TEXT_MAX + 1, "\"", &n);
	expect_refused(p, n, "x:1: send: a text of 65537 bytes; 65536 at most");
	free(p);
	p = make_long("", DIALOGUE_FILE_MAX, "", &n);
	expect_refused(p, n, "x:1: no statement: begin with");
	free(p);
	p = make_long("#", DIALOGUE_FILE_MAX, "", &n);
	expect_refused(p, n, "x: over 1048576 bytes");
	free(p);
	p = make_long("# ", 500000, "\ntrigger \"a\"", &n);
	assert_int_equal(parse_bytes(p, n, &d, &f), 0);
	dialogue_free(d);
	free(p);
}

static void
test_steps(void **state)
{
	struct text t = {0};
	struct dialogue *d;

	(void)state;
	for (int i = 0; i < DIALOGUE_STEPS; i++)
		text_add(&t, "pause 1ms\n");
	d = parse(text_str(&t));
	assert_int_equal(use_up(d), DIALOGUE_STEPS);
	dialogue_free(d);
	text_add(&t, "pause 1ms\n");
	expect_refused(t.p, t.len, "x:257: pause: more than 256 steps");
	text_free(&t);
}

/* A name that is long, and one that no terminal should see. */
static void
test_names(void **state)
{
	struct dialogue *d;
	struct fault f;
	size_t n;
	char *p;

	(void)state;
	p = make_long("/", 300, "/smtp.dialogue", &n);
	assert_int_equal(dialogue_parse(p, "send", 4, &d, &f), -1);
	assert_memory_equal(f.text, "...aaa", 6);
	assert_non_null(strstr(f.text, "a/smtp.dialogue:1: send: a text in"));
	free(p);
	assert_int_equal(dialogue_parse("a\x1b[2J", "send", 4, &d, &f), -1);
	assert_non_null(strstr(f.text, "a\\x1b[2J:1: send: "));
}

static void
test_load(void **state)
{
	char path[] = "/tmp/rsthop-dialogue-XXXXXX";
	int fd = mkstemp(path);
	struct dialogue *d;
	struct fault f = {0};
	size_t n;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "trigger \"a\"\n", 12), 12);
	assert_int_equal(dialogue_load(path, &d, &f), 0);
	expect_bytes(dialogue_trigger(d, &n), 1, "a");
	dialogue_free(d);
	assert_int_equal(write(fd, "send", 4), 4);
	assert_int_equal(dialogue_load(path, &d, &f), -1);
	assert_int_equal(f.kind, FAULT_INPUT);
	assert_memory_equal(f.text, path, strlen(path));
	assert_non_null(strstr(f.text, ":2: send: "));
	close(fd);
	unlink(path);
	assert_int_equal(dialogue_load(path, &d, &f), -1);
	assert_int_equal(f.kind, FAULT_INPUT);
	assert_non_null(strstr(f.text, "cannot read "));
	assert_int_equal(dialogue_load("/tmp", &d, &f), -1);
	assert_int_equal(f.kind, FAULT_INPUT);
}

/* --- talks --- */

static struct talk
talk_of(struct dialogue *d)
{
	struct talk_maker m = dialogue_maker(d);
	struct talk t = {0};
	struct fault f;

	assert_non_null(m.make);
	assert_int_equal(m.make(m.ctx, &t, &f), 0);
	return t;
}

/* One step that must not fail; nor say anything together with READY. */
static struct talk_step
step(struct talk *t, int64_t now_ns, const char *in, size_t n)
{
	uint8_t *exact = malloc(n == 0 ? 1 : n);
	struct talk_step s;
	struct fault f = {0};

	assert_non_null(exact);
	memcpy(exact, in, n);
	memset(&s, 0xa5, sizeof(s));
	if (t->step(t->ctx, now_ns, exact, n, &s, &f) == -1)
		fail_msg("%s", f.text);
	free(exact);
	assert_int_equal(s.failure, TALK_FAIL_NONE);
	assert_true(s.state == TALK_WAITS || s.say_len == 0);
	assert_true(s.state == TALK_WAITS || s.wake_ns == INT64_MAX);
	return s;
}

/* Steps until the talk waits for the server or is ready; what it says. */
static enum talk_state
run(struct talk *t, int64_t now_ns, const char *in, size_t n, struct text *said)
{
	struct talk_step s;

	do {
		s = step(t, now_ns, in, n);
		text_add_bytes(said, s.say, s.say_len);
		n = 0;
	} while (s.state == TALK_WAITS && s.wake_ns <= now_ns);
	return s.state;
}

/*
 * In turn: what the server says, then what the talk must have said, "" for
 * nothing, until NULL.  Then it must be ready.
 */
struct turn {
	const char *in;
	const char *out;
};

/* Each `in` is cut after `cut` bytes; -1: into single bytes. */
static void
play(const char *text, const struct turn *turns, int cut)
{
	struct dialogue *d = parse(text);
	struct talk t = talk_of(d);
	struct text said = {0};
	enum talk_state state = run(&t, 0, "", 0, &said);

	for (; turns->in != NULL; turns++) {
		size_t len = strlen(turns->in), n;

		text_free(&said);
		for (size_t at = 0; at < len; at += n) {
			n = cut < 0 ? 1 : len - at;
			if (at == 0 && cut > 0 && (size_t)cut < len)
				n = (size_t)cut;
			state = run(&t, 1, turns->in + at, n, &said);
		}
		assert_string_equal(text_str(&said), turns->out);
	}
	assert_int_equal(state, TALK_READY);
	text_free(&said);
	t.free(t.ctx);
	dialogue_free(d);
}

static const char chat[] = "expect \"220 mail\\r\\n\"\n"
			   "send \"EHLO\\r\\n\"\n"
			   "expect \"250-\"\n"
			   "expect \"250 \"\n"
			   "expect 4 bytes\n"
			   "send \"A\"\n"
			   "send \"B\"\n"
			   "expect \"abababc\"\n"
			   "trigger \"X\"\n";

static const struct turn chat_turns[] = {
    {"220-hello\r\n220 220 mail\r\n", "EHLO\r\n"},
    {"250-250-x\r\n250-y\r\n250 ok\r\n", "AB"},
    {"abababababc", ""},
    {NULL, NULL},
};

static void
test_cuts(void **state)
{
	(void)state;
	for (int cut = -1; cut < 30; cut++)
		play(chat, chat_turns, cut);
}

/* Each text is found where one like it has begun before. */
static void
test_restarts(void **state)
{
	static const struct {
		const char *text, *in;
	} cases[] = {
	    {"expect \"aab\"", "aaab"},
	    {"expect \"abcabd\"", "abcabcabd"},
	    {"expect \"aaaa\"", "aabaaaa"},
	    {"expect \"\\r\\n\\r\\n\"", "a\r\n\r\r\n\r\n"},
	    {"expect \"abaabaaab\"", "abaabaabaaab"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct turn turns[] = {{cases[i].in, ""}, {NULL, NULL}};

		for (int cut = -1; cut < 13; cut++)
			play(cases[i].text, turns, cut);
	}
}

/* Against the plain search, over all short texts of two letters. */
static void
test_search(void **state)
{
	(void)state;
	for (unsigned int bits = 0; bits < 1u << 12; bits++) {
		char want[5], in[9], file[32];
		struct dialogue *d;
		struct talk t;
		struct talk_step s = {0};

		for (int i = 0; i < 4; i++)
			want[i] = (bits >> i & 1) != 0 ? 'a' : 'b';
		for (int i = 0; i < 8; i++)
			in[i] = (bits >> (4 + i) & 1) != 0 ? 'a' : 'b';
		want[4] = in[8] = '\0';
		snprintf(file, sizeof(file), "expect \"%s\"", want);
		d = parse(file);
		t = talk_of(d);
		for (int i = 0; i < 8; i++)
			s = step(&t, i, in + i, 1);
		assert_int_equal(s.state,
		    strstr(in, want) != NULL ? TALK_READY : TALK_WAITS);
		t.free(t.ctx);
		dialogue_free(d);
	}
}

/* What came before a send and nobody asked for is no answer to it. */
static void
test_stale(void **state)
{
	struct dialogue *d =
	    parse("expect \"a\"\nsend \"S\"\nexpect \"ok\"\nsend \"T\"\n"
		  "expect 3 bytes\n");
	struct talk t = talk_of(d);
	struct text said = {0};

	(void)state;
	assert_int_equal(run(&t, 0, "a ok ok", 7, &said), TALK_WAITS);
	assert_string_equal(text_str(&said), "S");
	assert_int_equal(run(&t, 0, "k", 1, &said), TALK_WAITS);
	assert_string_equal(text_str(&said), "S");
	assert_int_equal(run(&t, 0, "ok12345", 7, &said), TALK_WAITS);
	assert_string_equal(text_str(&said), "ST");
	assert_int_equal(run(&t, 0, "12", 2, &said), TALK_WAITS);
	assert_int_equal(run(&t, 0, "3", 1, &said), TALK_READY);
	assert_int_equal(run(&t, 0, "more", 4, &said), TALK_READY);
	assert_int_equal(run(&t, INT64_MAX, "", 0, &said), TALK_READY);
	assert_string_equal(text_str(&said), "ST");
	text_free(&said);
	t.free(t.ctx);
	dialogue_free(d);
}

/* A server may speak before it is asked: the first expect looks back. */
static void
test_pause(void **state)
{
	struct dialogue *d = parse(
	    "pause 200ms\nexpect \"a\"\npause 1s\nexpect \"b\"\nsend \"S\"");
	struct talk t = talk_of(d);
	struct talk_step s;

	(void)state;
	s = step(&t, 5 * CLOCK_S, "xa", 2);
	assert_int_equal(s.state, TALK_WAITS);
	assert_int_equal(s.wake_ns, 5200 * CLOCK_MS);
	s = step(&t, 5100 * CLOCK_MS, "yb", 2);
	assert_int_equal(s.wake_ns, 5200 * CLOCK_MS);
	s = step(&t, 5200 * CLOCK_MS, "", 0);
	assert_int_equal(s.wake_ns, 6200 * CLOCK_MS);
	assert_int_equal(s.say_len, 0);
	s = step(&t, 6199 * CLOCK_MS, "", 0);
	assert_int_equal(s.wake_ns, 6200 * CLOCK_MS);
	s = step(&t, 6300 * CLOCK_MS, "", 0);
	assert_int_equal(s.say_len, 1);
	assert_memory_equal(s.say, "S", 1);
	assert_int_equal(s.state, TALK_WAITS);
	assert_int_equal(s.wake_ns, 6300 * CLOCK_MS);
	s = step(&t, 6300 * CLOCK_MS, "", 0);
	assert_int_equal(s.state, TALK_READY);
	t.free(t.ctx);
	dialogue_free(d);
}

static void
expect_failed(struct talk *t, int64_t now_ns, const char *in, const char *words)
{
	struct talk_step s;
	struct fault f = {0};

	memset(&s, 0xa5, sizeof(s));
	assert_int_equal(
	    t->step(t->ctx, now_ns, (const uint8_t *)in, strlen(in), &s, &f),
	    -1);
	assert_int_equal(s.state, TALK_FAILED);
	assert_int_equal(s.failure, TALK_FAIL_ODD);
	assert_int_equal(s.say_len, 0);
	assert_int_equal(s.wake_ns, INT64_MAX);
	assert_int_equal(f.kind, FAULT_NETWORK);
	if (strstr(f.text, words) == NULL)
		fail_msg("%s\nwanted: %s", f.text, words);
}

static void
test_late(void **state)
{
	struct dialogue *d = parse("send \"S\"\n\nexpect \"250 \" 1.5s\n");
	struct talk t = talk_of(d);
	struct talk_step s;

	(void)state;
	s = step(&t, 0, "", 0);
	assert_int_equal(s.say_len, 1);
	s = step(&t, CLOCK_S, "", 0);
	assert_int_equal(s.wake_ns, 2500 * CLOCK_MS);
	s = step(&t, 2400 * CLOCK_MS, "554 no\x1b[2J\r\n", 12);
	assert_int_equal(s.wake_ns, 2500 * CLOCK_MS);
	expect_failed(&t, 2500 * CLOCK_MS, "",
	    "x:3: expect \"250 \": the server said 12 bytes, "
	    "\"554 no\\x1b[2J\\r\\n\" in 1.5 s; ");
	/* What has failed stays so. */
	expect_failed(&t, 2500 * CLOCK_MS, "250 ", "x:3: expect \"250 \": ");
	t.free(t.ctx);
	/* What comes with the last call in time counts. */
	t = talk_of(d);
	step(&t, 0, "", 0);
	step(&t, 0, "", 0);
	s = step(&t, 2 * CLOCK_S, "250 ", 4);
	assert_int_equal(s.state, TALK_READY);
	t.free(t.ctx);
	dialogue_free(d);
}

static void
test_late_words(void **state)
{
	struct dialogue *d = parse("expect \"a\"\nexpect 200 bytes\n");
	struct talk t = talk_of(d);
	struct talk_step s = step(&t, 0, "", 0);
	char many[100];

	(void)state;
	assert_int_equal(s.wake_ns, DIALOGUE_WAIT_S * CLOCK_S);
	expect_failed(&t, DIALOGUE_WAIT_S * CLOCK_S, "",
	    "x:1: expect \"a\": the server said nothing in 10 s; ");
	t.free(t.ctx);
	t = talk_of(d);
	memset(many, 'z', sizeof(many));
	step(&t, 0, "a", 1);
	step(&t, 0, many, sizeof(many));
	expect_failed(&t, INT64_MAX, "",
	    "x:2: expect 200 bytes: the server said 100 bytes, \"zzzzz");
	t.free(t.ctx);
	dialogue_free(d);
}

/* The shipped file, its server's answers each cut after `cut` bytes. */
static void
play_shipped(const struct shipped_dialogue *s, size_t cut)
{
	struct text said = {0};
	struct dialogue *d;
	struct fault f = {0};
	struct talk t;
	char path[128];

	snprintf(path, sizeof(path), "share/dialogues/%s.dialogue", s->name);
	if (dialogue_load(path, &d, &f) == -1)
		fail_msg("%s", f.text);
	t = talk_of(d);
	for (size_t i = 0; i < 4 && s->answers[i] != NULL; i++) {
		bool is_last = i == 3 || s->answers[i + 1] == NULL;
		size_t len, n;
		uint8_t *in;

		assert_int_equal(
		    text_unescape(path, s->answers[i], &in, &len, &f), 0);
		n = cut < len ? cut : len;
		assert_int_equal(run(&t, 1, (char *)in, n, &said),
		    is_last && n == len ? TALK_READY : TALK_WAITS);
		assert_int_equal(run(&t, 1, (char *)in + n, len - n, &said),
		    is_last ? TALK_READY : TALK_WAITS);
		assert_true(is_last ? said.len == 0 : said.len > 0);
		text_free(&said);
		free(in);
	}
	t.free(t.ctx);
	dialogue_free(d);
}

static void
check_shipped_ends(const struct shipped_dialogue *s)
{
	struct dialogue *d;
	struct fault f;
	char path[128];
	const uint8_t *p;
	size_t n;

	snprintf(path, sizeof(path), "share/dialogues/%s.dialogue", s->name);
	assert_int_equal(dialogue_load(path, &d, &f), 0);
	p = dialogue_trigger(d, &n);
	assert_true(n >= strlen(s->trigger) && n <= 1400);
	assert_memory_equal(p, s->trigger, strlen(s->trigger));
	assert_non_null(dialogue_control(d, &n));
	dialogue_free(d);
}

static void
test_shipped(void **state)
{
	(void)state;
	for (size_t i = 0; i < SHIPPED_DIALOGUES; i++) {
		print_message("    %s\n", shipped_dialogues[i].name);
		check_shipped_ends(&shipped_dialogues[i]);
		for (size_t cut = 0; cut < 250; cut++)
			play_shipped(&shipped_dialogues[i], cut);
	}
}

/* Each shipped file has its answers here: none goes untested. */
static void
test_shipped_all(void **state)
{
	DIR *dir = opendir("share/dialogues");
	struct dirent *e;
	size_t n = 0;

	(void)state;
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		n += strstr(e->d_name, ".dialogue") != NULL;
	closedir(dir);
	assert_int_equal(n, SHIPPED_DIALOGUES);
}

static void
test_two_at_once(void **state)
{
	struct dialogue *d =
	    parse("expect \"a\"\nsend \"S\"\nexpect \"b\"\ntrigger \"T\"\n"
		  "control \"C\"");
	struct talk one = talk_of(d), two = talk_of(d);
	struct text said = {0};
	const uint8_t *p;
	size_t n;

	(void)state;
	assert_int_equal(run(&one, 0, "a", 1, &said), TALK_WAITS);
	assert_int_equal(run(&two, 0, "b", 1, &said), TALK_WAITS);
	assert_int_equal(run(&one, 0, "b", 1, &said), TALK_READY);
	assert_int_equal(run(&two, 0, "a", 1, &said), TALK_WAITS);
	assert_string_equal(text_str(&said), "SS");
	p = dialogue_trigger(d, &n);
	expect_bytes(p, n, "T");
	p = dialogue_control(d, &n);
	expect_bytes(p, n, "C");
	assert_null(one.bye);
	text_free(&said);
	one.free(one.ctx);
	two.free(two.ctx);
	dialogue_free(d);
}

static void
test_by_hand(void **state)
{
	static const uint8_t hello[] = {0, 1, 2, 255};
	struct dialogue *d;
	struct fault f = {0};
	struct talk t;
	struct text said = {0};
	size_t n = 1;

	(void)state;
	assert_int_equal(dialogue_new(&d, &f), 0);
	assert_int_equal(dialogue_add_send(d, hello, 4, &f), 0);
	assert_int_equal(dialogue_add_expect(d, hello + 1, 3, CLOCK_S, &f), 0);
	assert_int_equal(dialogue_add_expect_bytes(d, 2, INT64_MAX, &f), 0);
	assert_int_equal(dialogue_add_pause(d, 0, &f), 0);
	assert_null(dialogue_trigger(d, &n));
	assert_int_equal(n, 0);
	t = talk_of(d);
	assert_int_equal(run(&t, 7, "", 0, &said), TALK_WAITS);
	assert_int_equal(said.len, 4);
	assert_memory_equal(said.p, hello, 4);
	assert_int_equal(run(&t, 7, "\x01\x02\xff", 3, &said), TALK_WAITS);
	assert_int_equal(run(&t, 8, "ab", 2, &said), TALK_READY);
	text_free(&said);
	t.free(t.ctx);
	t = talk_of(d);
	step(&t, 7, "", 0);
	step(&t, 7, "", 0);
	expect_failed(&t, 8 * CLOCK_S, "",
	    "expect \"\\x01\\x02\\xff\": the server said nothing in 1 s");
	t.free(t.ctx);
	dialogue_free(d);
}

static void
expect_no(int rc, const struct fault *f, const char *words)
{
	assert_int_equal(rc, -1);
	assert_int_equal(f->kind, FAULT_INPUT);
	if (strstr(f->text, words) == NULL)
		fail_msg("%s\nwanted: %s", f->text, words);
}

static void
test_by_hand_refused(void **state)
{
	static uint8_t big[DIALOGUE_TEXT_MAX + 1];
	struct dialogue *d;
	struct fault f = {0};

	(void)state;
	assert_int_equal(dialogue_new(&d, &f), 0);
	expect_no(dialogue_add_send(d, big, 0, &f), &f, "send: an empty text");
	expect_no(dialogue_add_send(d, big, sizeof(big), &f), &f, "at most");
	expect_no(
	    dialogue_add_expect(d, big, 0, 1, &f), &f, "expect: an empty");
	expect_no(dialogue_add_expect(d, big, sizeof(big), 1, &f), &f,
	    "expect: a text of 65537 bytes");
	expect_no(dialogue_add_expect(d, big, 1, -1, &f), &f, "below zero");
	expect_no(dialogue_add_pause(d, -1, &f), &f, "pause: a time below");
	expect_no(dialogue_add_expect_bytes(d, 0, 1, &f), &f, "give 1 to");
	expect_no(dialogue_add_expect_bytes(d, SIZE_MAX, 1, &f), &f, "give 1");
	assert_int_equal(use_up(d), 0);
	expect_no(dialogue_add_send(d, big, 1, &f), &f, "more than 256 steps");
	dialogue_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("each wrong file is refused in its words", test_bad),
	    PROVES("each good file gives what it says", test_good),
	    PROVES("each prefix of a file is judged safely", test_every_prefix),
	    PROVES("a NUL byte is refused, with its line", test_nul),
	    PROVES("texts, lines and files have bounds", test_long),
	    PROVES("steps have a bound", test_steps),
	    PROVES("names are shown safely, their ends first", test_names),
	    PROVES("files are read, or it is said why not", test_load),
	    PROVES("an expect matches across every cut", test_cuts),
	    PROVES("a text is found where one like it began", test_restarts),
	    PROVES("it finds what a plain search finds", test_search),
	    PROVES("what came before a send does not answer it", test_stale),
	    PROVES("a pause wakes in time and loses nothing", test_pause),
	    PROVES("an expect's time ends in a fault that tells", test_late),
	    PROVES("it says what came instead, cut", test_late_words),
	    PROVES("the shipped ones talk with their servers", test_shipped),
	    PROVES("no shipped one goes untested", test_shipped_all),
	    PROVES("talks of one dialogue go apart", test_two_at_once),
	    PROVES("one made by hand talks the same", test_by_hand),
	    PROVES("one made by hand has bounds", test_by_hand_refused),
	};

	return cmocka_run_group_tests_name("dialogue", tests, NULL, NULL);
}
