/*
 * Results for people: the answer, the path, why, what else, what to do.
 */
#include <stdio.h>
#include <string.h>

#include "rows.h"
#include "sheet.h"
#include "words.h"
#include "writers.h"

#define TEXT_GAP 2 /* blanks between columns */
#define TEXT_NOTES_MIN \
	26 /* notes narrower than this go on lines of their own */

/* Widths of the columns of the path's table. */
struct widths {
	int hop, responder, rtt, via, draws;
	int notes; /* the column at which notes begin */
};

static void
text_widen(int *width, const char *words)
{
	int n = (int)strlen(words);

	if (n > *width)
		*width = n;
}

static const char *
text_hop(const struct row *r, char buf[ROWS_CELL])
{
	if (r->more)
		buf[0] = '\0';
	else if (r->from == 0)
		snprintf(buf, ROWS_CELL, "?");
	else if (r->to > r->from)
		snprintf(buf, ROWS_CELL, "%d-%d", r->from, r->to);
	else
		snprintf(buf, ROWS_CELL, "%d", r->from);
	return buf;
}

static void
text_measure(const struct rows *rs, bool trace, struct widths *w)
{
	char hop[ROWS_CELL];

	memset(w, 0, sizeof(*w));
	text_widen(&w->hop, "hop");
	text_widen(&w->responder, "responder");
	text_widen(&w->rtt, "silent");
	if (trace)
		text_widen(&w->via, "via");
	if (rs->has_draws)
		text_widen(&w->draws, "reset fires");
	for (size_t i = 0; i < rs->n; i++) {
		text_widen(&w->hop, text_hop(&rs->row[i], hop));
		text_widen(&w->responder, rs->row[i].responder);
		text_widen(&w->rtt, rs->row[i].rtt);
		if (trace)
			text_widen(&w->via, rs->row[i].via);
		text_widen(&w->draws, rs->row[i].draws);
	}
	w->notes =
	    1 + w->hop + TEXT_GAP + w->responder + TEXT_GAP + w->rtt + TEXT_GAP;
	if (trace)
		w->notes += w->via + TEXT_GAP;
	if (rs->has_draws)
		w->notes += w->draws + TEXT_GAP;
}

static void
text_put_cells(struct sheet *s, const struct widths *w, const char *hop,
    const char *responder, const char *rtt, const char *via, const char *draws)
{
	text_pad(&s->t, ' ', 1);
	sheet_right(s, hop, w->hop);
	text_pad(&s->t, ' ', TEXT_GAP);
	sheet_left(s, responder, w->responder);
	text_pad(&s->t, ' ', TEXT_GAP);
	sheet_right(s, rtt, w->rtt);
	text_pad(&s->t, ' ', TEXT_GAP);
	if (w->via > 0)
		sheet_left(s, via, w->via + TEXT_GAP);
	if (w->draws > 0)
		sheet_left(s, draws, w->draws + TEXT_GAP);
}

/*
 * A note in its column where it fits there, else on a line of its own.  It is
 * fresh where the line is still empty.
 */
static void
text_put_note(
    struct sheet *s, const struct widths *w, const char *note, bool fresh)
{
	int room = s->columns - w->notes;
	int beneath = 1 + w->hop + TEXT_GAP;
	int n = (int)strlen(note);

	if (n <= room || (room >= TEXT_NOTES_MIN && n <= 2 * room)) {
		sheet_wrap(s, note, w->notes, 0, fresh ? 0 : w->notes);
		return;
	}
	if (!fresh)
		sheet_end_line(s);
	sheet_wrap(s, note, beneath, 2, 0);
}

/* All on one line where they fit, else each on its own. */
static void
text_put_notes(struct sheet *s, const struct widths *w, const struct row *r)
{
	bool fresh = r->mark.len > 0;
	struct text all = {0};

	for (size_t i = 0; i < r->n_notes; i++) {
		if (i > 0)
			text_add(&all, "; ");
		text_add(&all, text_str(&r->notes[i]));
	}
	if (w->notes + (int)all.len <= s->columns) {
		if (r->n_notes > 0)
			text_put_note(s, w, text_str(&all), fresh);
	} else {
		for (size_t i = 0; i < r->n_notes; i++)
			text_put_note(
			    s, w, text_str(&r->notes[i]), fresh || i > 0);
	}
	s->t.bad |= all.bad;
	text_free(&all);
}

static void
text_put_row(struct sheet *s, const struct widths *w, const struct row *r)
{
	struct text mark = {0};
	char hop[ROWS_CELL];
	bool dash = strcmp(r->draws, "-") == 0;

	if (r->device)
		sheet_ink(s, SHEET_ALERT);
	text_put_cells(s, w, text_hop(r, hop), r->responder, r->rtt, r->via,
	    dash ? sheet_dash(s) : r->draws);
	if (r->mark.len > 0) {
		text_addf(&mark, "<== %s", text_str(&r->mark));
		text_put_note(s, w, text_str(&mark), false);
	}
	if (r->device)
		sheet_ink(s, SHEET_PLAIN);
	text_put_notes(s, w, r);
	if (r->mark.len == 0 && r->n_notes == 0)
		sheet_end_line(s);
	s->t.bad |= mark.bad;
	text_free(&mark);
}

static void
text_put_table(struct sheet *s, const struct rows *rs, bool trace)
{
	struct widths w;

	text_add(&s->t, "\n");
	if (rs->n == 0) {
		text_add(&s->t, " No hop answered.\n");
		return;
	}
	text_measure(rs, trace, &w);
	text_put_cells(s, &w, "hop", "responder", "rtt", "via", "reset fires");
	sheet_end_line(s);
	for (size_t i = 0; i < rs->n; i++)
		text_put_row(s, &w, &rs->row[i]);
	s->t.bad |= rs->bad;
}

/* "15 of 15  10.9.2.6  40001, 40004", the ports wrapped in their column. */
static void
text_put_ports(struct sheet *s, const struct words_ports *g, const int width[2])
{
	char draws[ROWS_CELL];
	int at = 2 + width[0];

	snprintf(draws, sizeof(draws), "%u of %u", g->resets, g->trials);
	text_pad(&s->t, ' ', 2);
	sheet_right(s, draws, width[0]);
	text_pad(&s->t, ' ', TEXT_GAP);
	at += TEXT_GAP;
	if (width[1] > 0) {
		sheet_left(s, text_str(&g->path), width[1]);
		text_pad(&s->t, ' ', TEXT_GAP);
		at += width[1] + TEXT_GAP;
	}
	sheet_wrap(s, text_str(&g->ports), at, 0, at);
	s->t.bad |= g->ports.bad || g->path.bad;
}

static void
text_put_sweep(struct sheet *s, const struct result_sweep *w)
{
	struct words_ports groups[RESULT_PORTS];
	char draws[ROWS_CELL];
	struct text t = {0};
	int width[2] = {0};
	size_t n;

	if (w->n_ports == 0)
		return;
	text_add(&s->t, "\nSource ports\n");
	words_sweep(&t, w);
	sheet_wrap(s, text_str(&t), 2, 0, 0);
	n = words_port_groups(w, groups);
	for (size_t i = 0; i < n; i++) {
		snprintf(draws, sizeof(draws), "%u of %u", groups[i].resets,
		    groups[i].trials);
		text_widen(&width[0], draws);
		text_widen(&width[1], text_str(&groups[i].path));
	}
	for (size_t i = 0; i < n; i++)
		text_put_ports(s, &groups[i], width);
	words_port_groups_free(groups, n);
	s->t.bad |= t.bad;
	text_free(&t);
}

/* One wrapped paragraph of prose. */
static void
text_put_prose(struct sheet *s, const char *words, int indent)
{
	struct text t = {0};

	words_prose(&t, words);
	sheet_wrap(s, text_str(&t), indent, 0, 0);
	s->t.bad |= t.bad;
	text_free(&t);
}

static void
text_put_why(struct sheet *s, const struct reasons *rs)
{
	if (rs->n == 0)
		return;
	text_add(&s->t, "\nWhy\n");
	for (size_t i = 0; i < rs->n && i < REASONS_MAX; i++)
		text_put_prose(s, rs->r[i].text, 2);
}

static void
text_put_alternatives(
    struct sheet *s, const struct locate_result *r, bool names)
{
	const struct result_alternative *a = r->verdict.alternatives;
	char percent[WORDS_PERCENT];
	bool begun = false;

	for (size_t i = 0;
	     i < r->verdict.n_alternatives && i < RESULT_ALTERNATIVES; i++) {
		struct text t = {0};

		if (a[i].probability < WORDS_ALTERNATIVE_MIN)
			continue;
		if (!begun)
			text_add(&s->t, "\nAlso possible\n");
		begun = true;
		words_alternative(&t, r, &a[i], names);
		text_pad(&s->t, ' ', 2);
		sheet_right(s, words_percent(a[i].probability, percent), 5);
		text_pad(&s->t, ' ', 2);
		sheet_wrap(s, text_str(&t), 9, 0, 9);
		s->t.bad |= t.bad;
		text_free(&t);
	}
}

static void
text_put_next(struct sheet *s, const struct locate_result *r)
{
	size_t n = sizeof(r->verdict.next) / sizeof(r->verdict.next[0]);

	if (r->verdict.next[0][0] == '\0')
		return;
	text_add(&s->t, "\nNext\n");
	for (size_t i = 0; i < n && r->verdict.next[i][0] != '\0'; i++)
		text_put_prose(s, r->verdict.next[i], 2);
}

static void
text_put_notes_section(struct sheet *s, const struct result_notes *notes,
    const struct result_head *h)
{
	struct text t = {0};

	words_dropped(&t, h);
	if (notes->n > 0 || t.len > 0)
		text_add(&s->t, "\nNotes\n");
	for (size_t i = 0; i < notes->n && i < RESULT_NOTES; i++)
		text_put_prose(s, notes->text[i], 2);
	if (t.len > 0)
		text_put_prose(s, text_str(&t), 2);
	s->t.bad |= t.bad;
	text_free(&t);
}

static void
text_put_partial(struct sheet *s, const struct result_head *h)
{
	struct text t = {0};

	words_partial(&t, h);
	if (t.len > 0)
		sheet_wrap(s, text_str(&t), 0, 0, 0);
	s->t.bad |= t.bad;
	text_free(&t);
}

static void
text_put_answer(struct sheet *s, const struct locate_result *r, bool names)
{
	struct text head = {0}, numbers = {0}, before = {0};

	words_headline(&head, r, names);
	words_numbers(&numbers, r);
	words_before(&before, r);
	sheet_ink(s, SHEET_BOLD);
	sheet_wrap(s, text_str(&head), 0, 0, 0);
	sheet_ink(s, SHEET_PLAIN);
	text_put_partial(s, &r->head);
	sheet_wrap(s, text_str(&numbers), 0, 0, 0);
	if (before.len > 0)
		sheet_wrap(s, text_str(&before), 0, 0, 0);
	s->t.bad |= head.bad || numbers.bad || before.bad;
	text_free(&head);
	text_free(&numbers);
	text_free(&before);
}

int
text_locate(const struct locate_result *r, const struct report_style *st,
    FILE *out, struct fault *f)
{
	struct rows rs = {0};
	struct sheet s;

	sheet_begin(&s, st);
	text_put_answer(&s, r, st->names);
	rows_locate(&rs, r, st->names);
	text_put_table(&s, &rs, false);
	rows_free(&rs);
	text_put_sweep(&s, &r->sweep);
	text_put_why(&s, &r->verdict.reasons);
	text_put_alternatives(&s, r, st->names);
	text_put_next(&s, r);
	text_put_notes_section(&s, &r->notes, &r->head);
	return writers_finish(&s.t, out, f);
}

int
text_trace(const struct trace_result *r, const struct report_style *st,
    FILE *out, struct fault *f)
{
	struct rows rs = {0};
	struct text t = {0};
	struct sheet s;

	sheet_begin(&s, st);
	words_trace(&t, r);
	sheet_ink(&s, SHEET_BOLD);
	sheet_wrap(&s, text_str(&t), 0, 0, 0);
	sheet_ink(&s, SHEET_PLAIN);
	text_put_partial(&s, &r->head);
	rows_trace(&rs, r, st->names);
	text_put_table(&s, &rs, true);
	rows_free(&rs);
	text_put_notes_section(&s, &r->notes, &r->head);
	s.t.bad |= t.bad;
	text_free(&t);
	return writers_finish(&s.t, out, f);
}
