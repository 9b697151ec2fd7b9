/*
 * A judged reset as one line, for eyes and for grep.
 */
#include <string.h>

#include <rsthop/clock.h>

#include "sheet.h"
#include "words.h"
#include "writers.h"

#define TEXT_WATCH_CODES 3 /* reasons that are named */

/* Does this reason speak for what was ruled? */
static bool
text_watch_is_for(const struct rst_verdict *v, const struct rst_reason *r)
{
	switch (v->ruling) {
	case RST_FORGED:
		return r->weight > 0;
	case RST_GENUINE:
		return r->weight < 0;
	case RST_UNDETERMINED:
		break;
	}
	return true;
}

static void
text_watch_add_codes(struct text *t, const struct rst_verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_reasons && n < TEXT_WATCH_CODES; i++)
		if (text_watch_is_for(v, &v->reasons[i]))
			text_addf(t, "%s%s", n++ > 0 ? ", " : "; ",
			    v->reasons[i].code);
}

static void
text_watch_add_words(struct text *t, const struct rst_verdict *v)
{
	for (size_t i = 0; i < v->n_reasons; i++) {
		if (!text_watch_is_for(v, &v->reasons[i]))
			continue;
		text_add(t, ": ");
		words_prose(t, v->reasons[i].text);
		return;
	}
}

static void
text_watch_add_line(struct text *t, const struct analysis_reset *r, bool each)
{
	const struct rst_verdict *v = &r->verdict;
	char time[CLOCK_TEXT], percent[WORDS_PERCENT];

	clock_format_utc(r->unix_ns, time, sizeof(time));
	text_addf(t, "%s ", time);
	words_endpoint(t, &r->client);
	/* Toward whom it went. */
	text_add(t, r->to_client ? " < " : " > ");
	words_endpoint(t, &r->server);
	text_addf(t, " %s (%s), %s", rst_ruling_name(v->ruling),
	    words_percent(v->probability, percent), rst_kind_name(v->kind));
	if (v->n_candidates > 0)
		text_addf(t, ", hop %d", v->candidates[0].hop);
	text_addf(t, ", TTL %u", r->ttl);
	if (v->sender_ttl != 0 && v->sender_ttl != r->ttl)
		text_addf(t, " not %u", v->sender_ttl);
	text_watch_add_codes(t, v);
	if (each)
		text_watch_add_words(t, v);
}

int
report_write_reset_text(const struct analysis_reset *r,
    const struct report_style *st, FILE *out, struct fault *f)
{
	struct sheet s;

	sheet_begin(&s, st);
	if (r->verdict.ruling == RST_FORGED)
		sheet_ink(&s, SHEET_ALERT);
	text_watch_add_line(&s.t, r, st->each);
	sheet_ink(&s, SHEET_PLAIN);
	text_add(&s.t, "\n");
	return writers_finish(&s.t, out, f);
}
