/*
 * libFuzzer over dialogues: a file of any kind, and if it parses, a server
 * that says anything, cut anywhere.  The file and the server's bytes are the
 * two parts of an input, with its first NUL between them; a text file has none.
 *
 * The server's bytes are heard twice, byte by byte and all that lies between
 * two sends at once: the talks must say the same and be ready or not as one.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/dialogue.h>
#include <rsthop/text.h>

#include "../unit/dialogues.h"

#define SHIPPED "share/dialogues"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static bool
is_line(const char *s)
{
	return *s != '\0' && strchr(s, '\n') == NULL;
}

/* One talk, and all that it said; a time that runs an hour at most a step. */
struct side {
	struct talk t;
	int64_t now_ns;
	struct text said;
	enum talk_state state;
	size_t sends;
};

static void
check_step(const struct side *s, const struct talk_step *o, int rc,
    const struct fault *f)
{
	must(rc == 0 || rc == -1);
	must((rc == -1) == (o->state == TALK_FAILED));
	must((rc == -1) == (o->failure == TALK_FAIL_ODD));
	must(rc == 0 || (f->kind == FAULT_NETWORK && is_line(f->text)));
	must(o->state == TALK_WAITS || o->say_len == 0);
	must(o->state == TALK_WAITS || o->wake_ns == INT64_MAX);
	must(o->wake_ns > s->now_ns || o->say_len > 0);
}

/* One call of the talk; the bytes in memory of that very size. */
static struct talk_step
step(struct side *s, const uint8_t *in, size_t n)
{
	uint8_t *exact = malloc(n);
	struct fault f = {0};
	struct talk_step o;
	int rc;

	must(n == 0 || exact != NULL);
	if (n > 0)
		memcpy(exact, in, n);
	memset(&o, 0xa5, sizeof(o));
	rc = s->t.step(s->t.ctx, s->now_ns, exact, n, &o, &f);
	free(exact);
	check_step(s, &o, rc, &f);
	must(s->state == TALK_WAITS || s->state == o.state);
	s->state = o.state;
	s->sends += o.say_len > 0;
	text_add_bytes(&s->said, o.say, o.say_len);
	return o;
}

/* Until it waits for the server: sends go out, pauses pass. */
static void
settle(struct side *s, int64_t patience_ns)
{
	struct talk_step o = step(s, NULL, 0);

	for (int i = 0; s->state == TALK_WAITS; i++) {
		must(i <= 2 * DIALOGUE_STEPS);
		if (o.wake_ns - s->now_ns > patience_ns)
			return;
		s->now_ns = o.wake_ns;
		o = step(s, NULL, 0);
	}
}

static void
begin(struct side *s, struct dialogue *d)
{
	struct talk_maker m = dialogue_maker(d);
	struct fault f;

	memset(s, 0, sizeof(*s));
	must(m.make(m.ctx, &s->t, &f) == 0);
	settle(s, 0);
}

/* No more than `n` bytes, cut by the bytes themselves, time going on. */
static void
hear_any_cut(struct dialogue *d, const uint8_t *p, size_t n)
{
	struct side s;

	begin(&s, d);
	while (n > 0) {
		size_t cut = 1 + p[0] % 7;

		if (cut > n)
			cut = n;
		step(&s, p, cut);
		s.now_ns += (int64_t)p[0] * CLOCK_MS;
		settle(&s, (int64_t)(p[0] >> 4) * CLOCK_MS);
		p += cut;
		n -= cut;
	}
	settle(&s, INT64_MAX / 2);
	must(s.state != TALK_WAITS);
	step(&s, (const uint8_t *)"late", 4);
	text_free(&s.said);
	s.t.free(s.t.ctx);
}

/*
 * Byte by byte shows where the first send comes; up to there it makes no
 * difference how the bytes are cut.
 */
static void
hear_twice(struct dialogue *d, const uint8_t *p, size_t n)
{
	struct side one, all;
	size_t at = 0, sends;

	begin(&one, d);
	begin(&all, d);
	sends = one.sends;
	while (at < n && one.sends == sends && one.state == TALK_WAITS)
		step(&one, p + at++, 1);
	step(&all, p, at);
	must(one.state == all.state && one.sends == all.sends);
	must(strcmp(text_str(&one.said), text_str(&all.said)) == 0);
	text_free(&one.said);
	text_free(&all.said);
	one.t.free(one.t.ctx);
	all.t.free(all.t.ctx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size == 0 ? NULL : memchr(data, '\0', size);
	size_t len = nul == NULL ? size : (size_t)(nul - data), n;
	struct dialogue *d = NULL;
	struct fault f = {0};
	char *exact = malloc(len);

	must(len == 0 || exact != NULL);
	if (len > 0)
		memcpy(exact, data, len);
	if (dialogue_parse("x", exact, len, &d, &f) == -1) {
		must(d == NULL && f.kind == FAULT_INPUT && is_line(f.text));
		must(strncmp(f.text, "x:", 2) == 0);
	} else {
		const uint8_t *p = nul == NULL ? data : nul + 1;

		must((dialogue_trigger(d, &n) == NULL) == (n == 0));
		must((dialogue_control(d, &n) == NULL) == (n == 0));
		n = nul == NULL ? 0 : size - len - 1;
		hear_any_cut(d, p, n);
		hear_twice(d, p, n);
	}
	free(exact);
	dialogue_free(d);
	return 0;
}

/* answers, with C escapes: NULL ends them. */
static void
write_seed(const char *dir, const char *name, size_t i, const char *text,
    const char *const *answers)
{
	char path[4096];
	struct fault f;
	uint8_t *p;
	size_t n;
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s-%zu", dir, name, i);
	out = fopen(path, "wb");
	if (out == NULL) {
		perror(path);
		exit(1);
	}
	fputs(text, out);
	fputc('\0', out);
	for (; *answers != NULL; answers++) {
		if (text_unescape(path, *answers, &p, &n, &f) == -1)
			abort();
		fwrite(p, 1, n, out);
		free(p);
	}
	fclose(out);
}

/* The dialogues that are shipped, each with what its server said once. */
static void
write_shipped(const char *dir)
{
	for (size_t i = 0; i < SHIPPED_DIALOGUES; i++) {
		const struct shipped_dialogue *s = &shipped_dialogues[i];
		char path[256], text[8192];
		size_t n;
		FILE *in;

		snprintf(path, sizeof(path), SHIPPED "/%s.dialogue", s->name);
		in = fopen(path, "rb");
		if (in == NULL) {
			perror(path);
			exit(1);
		}
		n = fread(text, 1, sizeof(text) - 1, in);
		text[n] = '\0';
		fclose(in);
		write_seed(dir, s->name, i, text, s->answers);
	}
}

/* With FUZZ_SEEDS=DIR the unit tests' dialogues are written there, no more. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const chat[] = {
	    "220 mail\\r\\n250-a\\r\\n250 b\\r\\n", NULL};
	const char *dir = getenv("FUZZ_SEEDS");

	(void)argc;
	(void)argv;
	if (dir == NULL)
		return 0;
	for (size_t i = 0; i < BAD_DIALOGUES; i++)
		write_seed(dir, "bad", i, bad_dialogues[i].text, chat + 1);
	for (size_t i = 0; i < GOOD_DIALOGUES; i++)
		write_seed(dir, "good", i, good_dialogues[i].text, chat);
	write_shipped(dir);
	exit(0);
}
