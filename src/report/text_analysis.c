/*
 * Judged captures for people: the answer, then the forged resets by what they
 * have in common, then the doubtful ones, then the genuine ones in sum.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rsthop/clock.h>

#include "sheet.h"
#include "words.h"
#include "words_analysis.h"
#include "writers.h"

#define TEXT_ANALYSIS_LABEL	 14 /* columns of the left margin */
#define TEXT_ANALYSIS_SHOWN	 8  /* batches that are told one by one */
#define TEXT_ANALYSIS_SHOWN_LESS 4  /* ... of the undetermined */
#define TEXT_ANALYSIS_REASONS	 3
#define TEXT_ANALYSIS_EACH_FILE \
	20 /* columns of a file's name in the list of all */

/* A paragraph behind its label. */
static void
text_analysis_put_field(
    struct sheet *s, const char *label, const struct text *words)
{
	if (words->len == 0)
		return;
	text_pad(&s->t, ' ', 2);
	sheet_left(s, label, TEXT_ANALYSIS_LABEL - 2);
	sheet_wrap(
	    s, text_str(words), TEXT_ANALYSIS_LABEL, 0, TEXT_ANALYSIS_LABEL);
	s->t.bad |= words->bad;
}

/* Fills words by one of the functions below, and puts it. */
static void
text_analysis_put_words(struct sheet *s, const char *label,
    const struct batch *b, void (*fill)(struct text *, const struct batch *))
{
	struct text t = {0};

	fill(&t, b);
	text_analysis_put_field(s, label, &t);
	text_free(&t);
}

static void
text_analysis_put_why(struct sheet *s, const struct batch *b)
{
	const struct rst_verdict *v = &b->first->why;
	bool forged = b->first->ruling == RST_FORGED;
	size_t said = 0;

	for (size_t i = 0; i < v->n_reasons && said < TEXT_ANALYSIS_REASONS;
	     i++) {
		struct text t = {0};

		if (forged && v->reasons[i].weight <= 0)
			continue;
		words_prose(&t, v->reasons[i].text);
		text_analysis_put_field(s, said == 0 ? "why" : "", &t);
		text_free(&t);
		said++;
	}
}

static void
text_analysis_put_batch(struct sheet *s, const struct batch *b)
{
	struct text head = {0};

	words_batch(&head, b);
	text_add(&s->t, "\n");
	if (b->first->ruling == RST_FORGED)
		sheet_ink(s, SHEET_ALERT);
	sheet_wrap(s, text_str(&head), 0, 2, 0);
	sheet_ink(s, SHEET_PLAIN);
	s->t.bad |= head.bad;
	text_free(&head);
	text_analysis_put_words(s, "in name of", b, words_batch_names);
	text_analysis_put_words(s, "sent by", b, words_batch_sender);
	text_analysis_put_words(s, "from", b, words_batch_place);
	text_analysis_put_words(s, "fired by", b, words_batch_trigger);
	text_analysis_put_why(s, b);
	text_analysis_put_words(s, "first", b, words_batch_first);
	text_analysis_put_words(s, "next", b, words_batch_next);
}

/* What was not told one by one, of this ruling. */
static void
text_analysis_put_rest(
    struct sheet *s, uint64_t resets, size_t batches, const char *ruling)
{
	struct text t = {0};

	if (batches == 0)
		return;
	text_addf(&t,
	    "And %" PRIu64 " %s %s more, of %zu other %s: --json has "
	    "all.",
	    resets, ruling, resets == 1 ? "reset" : "resets", batches,
	    batches == 1 ? "kind" : "kinds");
	text_add(&s->t, "\n");
	sheet_wrap(s, text_str(&t), 0, 2, 0);
	s->t.bad |= t.bad;
	text_free(&t);
}

static void
text_analysis_put_batches(struct sheet *s, const struct batches *bs,
    enum rst_ruling ruling, size_t shown)
{
	uint64_t rest = 0;
	size_t n = 0;

	for (size_t i = 0; i < bs->n; i++) {
		const struct batch *b = &bs->b[i];

		if (b->first->ruling != ruling)
			continue;
		if (n++ < shown)
			text_analysis_put_batch(s, b);
		else
			rest += b->resets;
	}
	text_analysis_put_rest(
	    s, rest, n > shown ? n - shown : 0, rst_ruling_name(ruling));
}

/* --- the genuine ones --- */

static void
text_analysis_put_genuine(struct sheet *s, const struct analysis *a)
{
	char n[24];

	if (a->genuine == 0)
		return;
	text_add(&s->t, "\nGenuine\n");
	for (int k = RST_KIND_UNDETERMINED; k <= RST_KIND_IDLE; k++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < a->n_groups; i++)
			if (a->groups[i].ruling == RST_GENUINE &&
			    (int)a->groups[i].kind == k)
				sum += a->groups[i].resets;
		if (sum == 0)
			continue;
		snprintf(n, sizeof(n), "%" PRIu64, sum);
		sheet_right(s, n, TEXT_ANALYSIS_LABEL - 2);
		text_pad(&s->t, ' ', 2);
		sheet_wrap(s, words_genuine((enum rst_kind)k),
		    TEXT_ANALYSIS_LABEL, 0, TEXT_ANALYSIS_LABEL);
	}
}

/* --- probes --- */

static void
text_analysis_put_probed_words(struct sheet *s, const char *label,
    const struct analysis_probed *p,
    void (*fill)(struct text *, const struct analysis_probed *))
{
	struct text t = {0};

	fill(&t, p);
	text_analysis_put_field(s, label, &t);
	text_free(&t);
}

static void
text_analysis_put_probed(struct sheet *s, const struct analysis_probed *p)
{
	struct text head = {0};
	char buf[ADDR_TEXT];

	text_addf(&head, "Probes of %s to ", addr_format(&p->client, buf));
	if (p->server.port != 0)
		words_endpoint(&head, &p->server);
	else
		text_add(&head, addr_format(&p->server.addr, buf));
	text_add(&s->t, "\n");
	sheet_wrap(s, text_str(&head), 0, 2, 0);
	s->t.bad |= head.bad;
	text_free(&head);
	text_analysis_put_probed_words(s, "sent", p, words_probes);
	text_analysis_put_probed_words(s, "device at", p, words_probed_place);
	text_analysis_put_probed_words(s, "path", p, words_probed_path);
}

/* --- all, one by one --- */

static void
text_analysis_put_reset(
    struct sheet *s, const struct analysis *a, const struct analysis_reset *r)
{
	const struct endpoint *from = r->to_client ? &r->server : &r->client;
	const struct endpoint *to = r->to_client ? &r->client : &r->server;
	char time[CLOCK_TEXT], percent[WORDS_PERCENT];
	struct text t = {0};

	clock_format_utc(r->unix_ns, time, sizeof(time));
	if (a->n_files > 1) {
		text_add_safe(&t, a->files[r->file].path,
		    strlen(a->files[r->file].path), TEXT_ANALYSIS_EACH_FILE);
		text_add(&t, " ");
	}
	text_addf(&t, "frame %" PRIu64 "  %s  %s (%s), %s, TTL %u: ", r->frame,
	    time + strcspn(time, "T") + 1, rst_ruling_name(r->verdict.ruling),
	    words_percent(r->verdict.probability, percent),
	    rst_kind_name(r->verdict.kind), r->ttl);
	words_endpoint(&t, from);
	text_add(&t, " to ");
	words_endpoint(&t, to);
	sheet_wrap(s, text_str(&t), 2, 2, 0);
	s->t.bad |= t.bad;
	text_free(&t);
}

static void
text_analysis_put_each(struct sheet *s, const struct analysis *a)
{
	struct text t = {0};

	if (a->n_resets == 0)
		return;
	text_add(&s->t, "\nAll resets, and how likely each is forged\n");
	for (size_t i = 0; i < a->n_resets; i++)
		text_analysis_put_reset(s, a, &a->resets[i]);
	if (a->resets_left_out > 0) {
		words_count(
		    &t, a->resets_left_out, "more reset is", "more resets are");
		text_add(&t, " not listed, but counted above.");
		sheet_wrap(s, text_str(&t), 2, 2, 0);
	}
	s->t.bad |= t.bad;
	text_free(&t);
}

/* --- head and tail --- */

static void
text_analysis_put_answer(struct sheet *s, const struct analysis *a)
{
	struct text head = {0}, numbers = {0};

	words_analysis(&head, a);
	words_captures(&numbers, a);
	sheet_ink(s, SHEET_BOLD);
	sheet_wrap(s, text_str(&head), 0, 0, 0);
	sheet_ink(s, SHEET_PLAIN);
	sheet_wrap(s, text_str(&numbers), 0, 0, 0);
	s->t.bad |= head.bad || numbers.bad;
	text_free(&head);
	text_free(&numbers);
}

static void
text_analysis_put_compared(struct sheet *s, const struct analysis *a)
{
	struct text t = {0};

	words_compared(&t, a);
	if (t.len > 0) {
		text_add(&s->t, "\nBoth vantages\n");
		sheet_wrap(s, text_str(&t), 2, 0, 0);
	}
	s->t.bad |= t.bad;
	text_free(&t);
}

static void
text_analysis_put_notes(struct sheet *s, const struct analysis *a)
{
	struct text t = {0};
	char *end;

	words_analysis_notes(&t, a);
	if (t.len > 0)
		text_add(&s->t, "\nNotes\n");
	for (char *line = t.p; line != NULL && *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		if (end == NULL)
			break;
		*end = '\0';
		sheet_wrap(s, line, 2, 0, 0);
	}
	s->t.bad |= t.bad;
	text_free(&t);
}

int
text_analysis(const struct analysis *a, const struct report_style *st,
    FILE *out, struct fault *f)
{
	struct batches bs = {0};
	struct sheet s;

	sheet_begin(&s, st);
	text_analysis_put_answer(&s, a);
	batches_make(&bs, a);
	s.t.bad |= bs.bad;
	text_analysis_put_batches(&s, &bs, RST_FORGED, TEXT_ANALYSIS_SHOWN);
	text_analysis_put_batches(
	    &s, &bs, RST_UNDETERMINED, TEXT_ANALYSIS_SHOWN_LESS);
	batches_free(&bs);
	for (size_t i = 0; i < a->n_probed && i < TEXT_ANALYSIS_SHOWN; i++)
		text_analysis_put_probed(&s, &a->probed[i]);
	text_analysis_put_genuine(&s, a);
	if (st->each)
		text_analysis_put_each(&s, a);
	text_analysis_put_compared(&s, a);
	text_analysis_put_notes(&s, a);
	return writers_finish(&s.t, out, f);
}
