/*
 * Dialogues, and the talks that follow them.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/text.h>
#include <rsthop/vec.h>

#include "dialogue_int.h"

/* How much a fault shows of what was expected and of what came. */
#define DIALOGUE_SHOWN_WANT 24
#define DIALOGUE_SHOWN_CAME 48

/* A file's name is shown up to here; its end tells more than its start. */
#define DIALOGUE_SHOWN_NAME 80

/* --- how one is made --- */

int
dialogue_new(struct dialogue **out, struct fault *f)
{
	struct dialogue *d = calloc(1, sizeof(*d));

	if (d == NULL || (d->name = calloc(1, 1)) == NULL) {
		free(d);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	*out = d;
	return 0;
}

void
dialogue_free(struct dialogue *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++) {
		free(d->steps[i].text.p);
		free(d->steps[i].border);
	}
	free(d->steps);
	free(d->trigger.p);
	free(d->control.p);
	free(d->name);
	free(d);
}

void
dialogue_where(const struct dialogue *d, unsigned int line, const char *word,
    char out[DIALOGUE_WHERE])
{
	size_t n = strlen(d->name);
	bool cut = n > DIALOGUE_SHOWN_NAME;

	if (line == 0)
		snprintf(out, DIALOGUE_WHERE, "%s", word);
	else
		snprintf(out, DIALOGUE_WHERE, "%s%s:%u: %s", cut ? "..." : "",
		    d->name + (cut ? n - DIALOGUE_SHOWN_NAME : 0), line, word);
}

int
dialogue_copy_text(struct dialogue *d, const char *word, const uint8_t *p,
    size_t n, struct dialogue_text *out, struct fault *f)
{
	char where[DIALOGUE_WHERE];

	dialogue_where(d, d->line, word, where);
	if (n == 0)
		return fault(f, FAULT_INPUT,
		    "%s: an empty text; give at least a byte", where);
	if (n > DIALOGUE_TEXT_MAX)
		return fault(f, FAULT_INPUT,
		    "%s: a text of %zu bytes; %d at most: shorten it", where, n,
		    DIALOGUE_TEXT_MAX);
	out->p = malloc(n);
	if (out->p == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	memcpy(out->p, p, n);
	out->n = n;
	return 0;
}

/* Room for one more step, which is zeroed and not yet counted. */
static struct dialogue_step *
dialogue_next(struct dialogue *d, const char *word, int64_t ns, struct fault *f)
{
	char where[DIALOGUE_WHERE];
	struct dialogue_step *s;

	dialogue_where(d, d->line, word, where);
	if (ns < 0) {
		fault(f, FAULT_INPUT, "%s: a time below zero; give another",
		    where);
		return NULL;
	}
	if (d->n == DIALOGUE_STEPS) {
		fault(f, FAULT_INPUT,
		    "%s: more than %d steps; leave some out, or send several "
		    "texts as one",
		    where, DIALOGUE_STEPS);
		return NULL;
	}
	if (VEC_ROOM(d->steps, d->n, d->cap) != 0) {
		fault(f, FAULT_SYSTEM, "out of memory");
		return NULL;
	}
	s = &d->steps[d->n];
	memset(s, 0, sizeof(*s));
	s->line = d->line;
	s->ns = ns;
	return s;
}

static void
dialogue_set_borders(struct dialogue_step *s)
{
	const uint8_t *p = s->text.p;
	uint32_t k = 0;

	s->border[0] = 0;
	for (size_t i = 1; i < s->text.n; i++) {
		while (k > 0 && p[i] != p[k])
			k = s->border[k - 1];
		k += p[i] == p[k];
		s->border[i] = k;
	}
}

int
dialogue_add_expect(struct dialogue *d, const uint8_t *p, size_t n,
    int64_t wait_ns, struct fault *f)
{
	struct dialogue_step *s = dialogue_next(d, "expect", wait_ns, f);

	if (s == NULL || dialogue_copy_text(d, "expect", p, n, &s->text, f) < 0)
		return -1;
	s->kind = DIALOGUE_EXPECT;
	s->border = calloc(n, sizeof(*s->border));
	if (s->border == NULL) {
		free(s->text.p);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	dialogue_set_borders(s);
	d->n++;
	return 0;
}

int
dialogue_add_expect_bytes(
    struct dialogue *d, size_t n, int64_t wait_ns, struct fault *f)
{
	struct dialogue_step *s = dialogue_next(d, "expect", wait_ns, f);
	char where[DIALOGUE_WHERE];

	if (s == NULL)
		return -1;
	dialogue_where(d, d->line, "expect", where);
	if (n == 0 || n > DIALOGUE_BYTES_MAX)
		return fault(f, FAULT_INPUT, "%s: %zu bytes; give 1 to %d",
		    where, n, DIALOGUE_BYTES_MAX);
	s->kind = DIALOGUE_EXPECT_BYTES;
	s->text.n = n;
	d->n++;
	return 0;
}

int
dialogue_add_send(
    struct dialogue *d, const uint8_t *p, size_t n, struct fault *f)
{
	struct dialogue_step *s = dialogue_next(d, "send", 0, f);

	if (s == NULL || dialogue_copy_text(d, "send", p, n, &s->text, f) < 0)
		return -1;
	s->kind = DIALOGUE_SEND;
	d->n++;
	return 0;
}

int
dialogue_add_pause(struct dialogue *d, int64_t ns, struct fault *f)
{
	struct dialogue_step *s = dialogue_next(d, "pause", ns, f);

	if (s == NULL)
		return -1;
	s->kind = DIALOGUE_PAUSE;
	d->n++;
	return 0;
}

const uint8_t *
dialogue_trigger(const struct dialogue *d, size_t *n)
{
	*n = d->trigger.n;
	return d->trigger.p;
}

const uint8_t *
dialogue_control(const struct dialogue *d, size_t *n)
{
	*n = d->control.n;
	return d->control.p;
}

/* --- how one is followed --- */

/*
 * Two places in the steps: `at` is the one that is due; `ear` the one that
 * listens, which runs ahead of a pause, so that nothing said during it is lost
 * and nothing need be kept.  ear > at where the expect that is due is
 * satisfied already.  No send is ever between them.
 */
struct follower {
	const struct dialogue *d;
	size_t at;
	size_t ear;
	size_t got;	/* by the ear: bytes counted, or of its text */
	bool begun;	/* due_ns is that of the step that is due */
	int64_t due_ns; /* when its time is over */
	size_t came;	/* since the last send or satisfied expect */
	uint8_t shown[DIALOGUE_SHOWN_CAME]; /* the first of these */
	bool failed;
	struct fault why;
};

static void
dialogue_follower_listen(struct follower *w, size_t ear)
{
	w->ear = ear;
	w->got = 0;
	w->came = 0;
}

/* Takes a byte; true where it completes the text. */
static bool
dialogue_follower_match(
    struct follower *w, const struct dialogue_step *s, uint8_t b)
{
	while (w->got > 0 && s->text.p[w->got] != b)
		w->got = s->border[w->got - 1];
	w->got += s->text.p[w->got] == b;
	return w->got == s->text.n;
}

/* Takes bytes until the expect is satisfied; gives how many. */
static size_t
dialogue_follower_expect(struct follower *w, const struct dialogue_step *s,
    const uint8_t *p, size_t n)
{
	size_t took = 0;
	bool done = false;

	while (took < n && !done) {
		if (w->came < sizeof(w->shown))
			w->shown[w->came] = p[took];
		w->came++;
		if (s->kind == DIALOGUE_EXPECT)
			done = dialogue_follower_match(w, s, p[took]);
		else
			done = ++w->got == s->text.n;
		took++;
	}
	if (done)
		dialogue_follower_listen(w, w->ear + 1);
	return took;
}

/* What is left over once a send is next was not asked for, and is dropped. */
static void
dialogue_follower_hear(struct follower *w, const uint8_t *p, size_t n)
{
	const struct dialogue_step *s;
	size_t took;

	while (n > 0 && w->ear < w->d->n) {
		s = &w->d->steps[w->ear];
		switch (s->kind) {
		case DIALOGUE_EXPECT:
		case DIALOGUE_EXPECT_BYTES:
			took = dialogue_follower_expect(w, s, p, n);
			p += took;
			n -= took;
			break;
		case DIALOGUE_PAUSE:
			w->ear++;
			break;
		case DIALOGUE_SEND:
			return;
		}
	}
}

static int
dialogue_follower_late(
    struct follower *w, const struct dialogue_step *s, struct fault *f)
{
	struct text want = {0}, came = {0};
	char where[DIALOGUE_WHERE];
	size_t shown = w->came < sizeof(w->shown) ? w->came : sizeof(w->shown);

	dialogue_where(w->d, s->line, "expect", where);
	if (s->kind == DIALOGUE_EXPECT_BYTES)
		text_addf(&want, "%zu bytes", s->text.n);
	else {
		text_add(&want, "\"");
		text_add_safe(&want, s->text.p, s->text.n, DIALOGUE_SHOWN_WANT);
		text_add(&want, "\"");
	}
	if (w->came == 0)
		text_add(&came, "nothing");
	else {
		text_addf(&came, "%zu bytes, \"", w->came);
		text_add_safe(&came, w->shown, shown, shown);
		text_add(&came, w->came > shown ? "...\"" : "\"");
	}
	fault(&w->why, FAULT_NETWORK,
	    "%s %s: the server said %s in %g s; correct the line, or give it "
	    "more time",
	    where, text_str(&want), text_str(&came),
	    (double)s->ns / (double)CLOCK_S);
	text_free(&want);
	text_free(&came);
	w->failed = true;
	if (f != NULL)
		*f = w->why;
	return -1;
}

static int64_t
dialogue_add_ns(int64_t now_ns, int64_t ns)
{
	return now_ns > INT64_MAX - ns ? INT64_MAX : now_ns + ns;
}

/* Whether the time of step s, which is due, is over. */
static bool
dialogue_follower_is_over(
    struct follower *w, const struct dialogue_step *s, int64_t now_ns)
{
	if (!w->begun)
		w->due_ns = dialogue_add_ns(now_ns, s->ns);
	w->begun = true;
	return now_ns >= w->due_ns;
}

static void
dialogue_follower_go_on(struct follower *w)
{
	w->at++;
	w->begun = false;
}

static void
dialogue_follower_say(
    struct follower *w, const struct dialogue_step *s, struct talk_step *out)
{
	out->say = s->text.p;
	out->say_len = s->text.n;
	dialogue_follower_go_on(w);
	dialogue_follower_listen(w, w->at);
}

/* Goes on as far as it can now: to a send, to a wait, to the end. */
static int
dialogue_follower_advance(
    struct follower *w, int64_t now_ns, struct talk_step *out, struct fault *f)
{
	while (w->at < w->d->n) {
		const struct dialogue_step *s = &w->d->steps[w->at];

		switch (s->kind) {
		case DIALOGUE_EXPECT:
		case DIALOGUE_EXPECT_BYTES:
			if (w->ear > w->at)
				break;
			if (dialogue_follower_is_over(w, s, now_ns))
				return dialogue_follower_late(w, s, f);
			out->wake_ns = w->due_ns;
			return 0;
		case DIALOGUE_SEND:
			dialogue_follower_say(w, s, out);
			out->wake_ns = now_ns;
			return 0;
		case DIALOGUE_PAUSE:
			if (dialogue_follower_is_over(w, s, now_ns))
				break;
			out->wake_ns = w->due_ns;
			return 0;
		}
		dialogue_follower_go_on(w);
	}
	out->state = TALK_READY;
	return 0;
}

static int
dialogue_follower_step(void *ctx, int64_t now_ns, const uint8_t *in, size_t n,
    struct talk_step *out, struct fault *f)
{
	struct follower *w = ctx;
	int rc = 0;

	*out = (struct talk_step){.state = TALK_WAITS, .wake_ns = INT64_MAX};
	if (!w->failed) {
		dialogue_follower_hear(w, in, n);
		rc = dialogue_follower_advance(w, now_ns, out, f);
	} else {
		if (f != NULL)
			*f = w->why;
		rc = -1;
	}
	if (rc == -1) {
		out->state = TALK_FAILED;
		out->failure = TALK_FAIL_ODD;
		out->wake_ns = INT64_MAX;
	}
	return rc;
}

static int
dialogue_follower_make(void *ctx, struct talk *out, struct fault *f)
{
	struct follower *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	w->d = ctx;
	/* What is sent may hold a password. */
	*out = (struct talk){.ctx = w,
	    .secret = true,
	    .step = dialogue_follower_step,
	    .free = free};
	return 0;
}

struct talk_maker
dialogue_maker(struct dialogue *d)
{
	return (struct talk_maker){.ctx = d, .make = dialogue_follower_make};
}
