/*
 * One page for people who did not run the program: no script, nothing from
 * elsewhere.  The order is that of the text.
 */
#include <stdio.h>
#include <string.h>

#include <rsthop/clock.h>

#include "html_parts.h"
#include "rows.h"
#include "words.h"
#include "writers.h"

#define HTML_RESETS_MAX 200 /* rows; the JSON has them all */

/* "rsthop locate: db.example.com (10.9.6.2), port 3306" */
static void
html_add_head(struct text *t, const char *job, const struct result_head *h)
{
	struct text words = {0};

	text_addf(&words, "rsthop %s: ", job);
	words_target(&words, h);
	if (h->target.port != 0)
		text_addf(&words, ", port %u", h->target.port);
	html_begin(t, &words);
}

static void
html_add_hop_cell(struct text *t, const struct row *r)
{
	if (r->more)
		text_add(t, "<td class=\"r\"></td>");
	else if (r->from == 0)
		text_add(t, "<td class=\"r\">?</td>");
	else if (r->to > r->from)
		text_addf(t, "<td class=\"r\">%d-%d</td>", r->from, r->to);
	else
		text_addf(t, "<td class=\"r\">%d</td>", r->from);
}

static void
html_add_row(struct text *t, const struct row *r, bool trace, bool draws)
{
	text_add(t, r->device ? "<tr class=\"device\">" : "<tr>");
	html_add_hop_cell(t, r);
	text_addf(t, "<td class=\"m\">%s</td><td class=\"r\">%s</td>",
	    r->responder, r->rtt);
	if (trace)
		text_addf(t, "<td>%s</td>", r->via);
	if (draws)
		text_addf(t, "<td class=\"r\">%s</td>", r->draws);
	text_add(t, "<td class=\"note\">");
	if (r->mark.len > 0) {
		text_add(t, "<span class=\"mark\">");
		html_escape(t, text_str(&r->mark));
		text_add(t, "</span>");
	}
	for (size_t i = 0; i < r->n_notes; i++) {
		if (i > 0)
			text_add(t, "; ");
		html_escape(t, text_str(&r->notes[i]));
	}
	text_add(t, "</td></tr>\n");
}

static void
html_add_table(struct text *t, const struct rows *rs, bool trace)
{
	t->bad |= rs->bad;
	text_add(t, "<h2>Path</h2>\n<div class=\"box\">");
	if (rs->n == 0) {
		text_add(t, "<ul><li>No hop answered.</li></ul></div>\n");
		return;
	}
	text_add(t,
	    "<table>\n<tr><th class=\"r\">hop</th>"
	    "<th>responder</th><th class=\"r\">rtt</th>");
	if (trace)
		text_add(t, "<th>via</th>");
	if (rs->has_draws)
		text_add(t, "<th class=\"r\">reset fires</th>");
	text_add(t, "<th></th></tr>\n");
	for (size_t i = 0; i < rs->n; i++)
		html_add_row(t, &rs->row[i], trace, rs->has_draws);
	text_add(t, "</table></div>\n");
}

static void
html_add_why(struct text *t, const struct reasons *rs)
{
	if (rs->n == 0)
		return;
	text_add(t, "<h2>Why</h2>\n<ul class=\"box\">\n");
	for (size_t i = 0; i < rs->n && i < REASONS_MAX; i++)
		html_prose(t, "<li>", rs->r[i].text, "</li>\n");
	text_add(t, "</ul>\n");
}

static void
html_add_sweep(struct text *t, const struct result_sweep *w)
{
	struct words_ports groups[RESULT_PORTS];
	struct text words = {0};
	size_t n;

	if (w->n_ports == 0)
		return;
	text_add(t, "<h2>Source ports</h2>\n<div class=\"box\">");
	words_sweep(&words, w);
	html_element(t, "<p>", &words, "</p>\n");
	text_add(t,
	    "<table>\n<tr><th class=\"r\">reset fires</th>"
	    "<th>by way of</th><th>ports</th></tr>\n");
	n = words_port_groups(w, groups);
	for (size_t i = 0; i < n; i++) {
		text_addf(t, "<tr><td class=\"r\">%u of %u</td>",
		    groups[i].resets, groups[i].trials);
		html_element(t, "<td class=\"m\">", &groups[i].path, "</td>");
		html_element(
		    t, "<td class=\"note\">", &groups[i].ports, "</td></tr>\n");
	}
	words_port_groups_free(groups, n);
	text_add(t, "</table></div>\n");
}

static void
html_add_alternative(struct text *t, const struct locate_result *r,
    const struct result_alternative *a, bool names)
{
	char percent[WORDS_PERCENT];
	struct text words = {0};

	text_add(t, "<tr><td class=\"r\">");
	html_escape(t, words_percent(a->probability, percent));
	words_alternative(&words, r, a, names);
	html_element(t, "</td><td>", &words, "</td>");
	text_addf(t,
	    "<td class=\"bar\"><i style=\"width:%.1f%%\"></i></td></tr>\n",
	    a->probability > 1 ? 100.0 : a->probability * 100);
}

static void
html_add_alternatives(struct text *t, const struct locate_result *r, bool names)
{
	const struct result_alternative *a;
	bool begun = false;

	for (size_t i = 0;
	     i < r->verdict.n_alternatives && i < RESULT_ALTERNATIVES; i++) {
		a = &r->verdict.alternatives[i];
		if (!(a->probability >= WORDS_ALTERNATIVE_MIN))
			continue;
		if (!begun)
			text_add(t,
			    "<h2>Also possible</h2>\n"
			    "<div class=\"box\"><table>\n");
		begun = true;
		html_add_alternative(t, r, a, names);
	}
	if (begun)
		text_add(t, "</table></div>\n");
}

static void
html_add_next(struct text *t, const struct locate_result *r)
{
	size_t n = sizeof(r->verdict.next) / sizeof(r->verdict.next[0]);

	if (r->verdict.next[0][0] == '\0')
		return;
	text_add(t, "<h2>Next</h2>\n<ul class=\"box\">\n");
	for (size_t i = 0; i < n && r->verdict.next[i][0] != '\0'; i++)
		html_prose(t, "<li>", r->verdict.next[i], "</li>\n");
	text_add(t, "</ul>\n");
}

static void
html_add_notes(struct text *t, const struct result_notes *notes,
    const struct result_head *h)
{
	struct text dropped = {0};

	words_dropped(&dropped, h);
	if (notes->n > 0 || dropped.len > 0) {
		text_add(t, "<h2>Notes</h2>\n<ul class=\"box\">\n");
		for (size_t i = 0; i < notes->n && i < RESULT_NOTES; i++)
			html_prose(t, "<li>", notes->text[i], "</li>\n");
		if (dropped.len > 0)
			html_prose(t, "<li>", text_str(&dropped), "</li>\n");
		text_add(t, "</ul>\n");
	}
	t->bad |= dropped.bad;
	text_free(&dropped);
}

static void
html_add_reset(struct text *t, const struct result_reset *s)
{
	char when[CLOCK_TEXT], flags[PKT_FLAGS_TEXT], ms[WORDS_MS];
	char mac[ADDR_MAC_TEXT];
	const char *seq = result_seq_match_name(s->seq_match);

	/* The page's foot has the date: 2026-11-22T16:53:00.123456Z. */
	clock_format_utc(s->unix_ns, when, sizeof(when));
	text_addf(t, "<tr><td class=\"m\">%.12s</td><td class=\"r\">%u</td>",
	    strlen(when) > 11 ? when + 11 : when, s->ttl);
	if (s->has_ip_id)
		text_addf(t, "<td class=\"r\">%u%s</td>", s->ip_id,
		    s->id_echoed ? " (yours)" : "");
	else
		text_add(t, "<td class=\"r\">-</td>");
	text_addf(t, "<td>%s</td><td>%s</td><td class=\"r\">%u</td>",
	    pkt_format_flags(s->flags, flags), seq == NULL ? "-" : seq,
	    s->window);
	if (s->probe_ttl > 0)
		text_addf(t, "<td class=\"r\">%d</td>", s->probe_ttl);
	else
		text_add(t, "<td class=\"r\">-</td>");
	text_addf(t,
	    "<td class=\"r\">%s</td><td class=\"m\">%s</td>"
	    "<td>%s</td></tr>\n",
	    words_ms(s->latency_ns, ms),
	    s->has_mac ? addr_format_mac(s->mac, mac) : "-",
	    s->control ? "control" : "trigger");
}

static void
html_add_resets(struct text *t, const struct locate_result *r)
{
	if (r->n_resets == 0)
		return;
	text_add(t,
	    "<h2>Resets</h2>\n<div class=\"box resets\"><table>\n<tr>"
	    "<th>time, UTC</th><th class=\"r\">TTL</th>"
	    "<th class=\"r\">IP ID</th>"
	    "<th>flags</th><th>seq is</th><th class=\"r\">window</th>"
	    "<th class=\"r\">fired by TTL</th><th class=\"r\">after</th>"
	    "<th>from MAC</th><th>arm</th></tr>\n");
	for (size_t i = 0; i < r->n_resets && i < HTML_RESETS_MAX; i++)
		html_add_reset(t, &r->resets[i]);
	text_add(t, "</table></div>\n");
	if (r->n_resets > HTML_RESETS_MAX)
		text_addf(t, "<p class=\"soft\">And %zu more.</p>\n",
		    r->n_resets - HTML_RESETS_MAX);
}

static void
html_add_fact(struct text *t, const char *what, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	text_addf(t, "<dt>%s</dt>", what);
	html_prose(t, "<dd>", value, "</dd>\n");
}

static const char *
html_tri_word(enum result_tri t)
{
	switch (t) {
	case RESULT_UNSURE:
		return NULL;
	case RESULT_NO:
		return "no";
	case RESULT_YES:
		return "yes";
	}
	return NULL;
}

static void
html_add_verdict_facts(struct text *t, const struct locate_result *r)
{
	struct text hex = {0};

	html_add_fact(t, "Verdict", result_kind_name(r->verdict.kind));
	html_add_fact(t, "Place", place_name(r->verdict.place));
	html_add_fact(
	    t, "TTL of its resets", ttl_policy_name(r->verdict.policy));
	html_add_fact(t, "In the path", html_tri_word(r->verdict.in_path));
	html_add_fact(t, "Resets the server too",
	    html_tri_word(r->verdict.resets_server_too));
	html_add_fact(t, "Signature", r->verdict.signature);
	if (r->trigger == RESULT_TRIGGER_NONE)
		return;
	text_add_safe(&hex, r->trigger_bytes, r->trigger_len, 200);
	html_element(t, "<dt>Trigger</dt><dd class=\"m\">", &hex, "</dd>\n");
}

static void
html_add_flow_facts(struct text *t, const struct result_head *h)
{
	char when[CLOCK_TEXT];
	struct text words = {0};

	clock_format_local(h->started_unix_ns, when, sizeof(when));
	if (!addr_is_none(&h->source.addr)) {
		words_endpoint(&words, &h->source);
		if (h->ifname[0] != '\0') {
			text_add(&words, " on ");
			words_safe(&words, h->ifname);
		}
		html_element(t, "<dt>From</dt><dd>", &words, "</dd>\n");
	}
	words_endpoint(&words, &h->target);
	html_element(t, "<dt>To</dt><dd>", &words, "</dd>\n");
	html_add_fact(t, "Local time", when);
	words_count(&words, h->connections, "connection, ", "connections, ");
	words_count(&words, h->packets_sent, "packet", "packets");
	text_add(&words, " injected, ");
	words_span(&words, h->duration_ns);
	html_element(t, "<dt>Effort</dt><dd>", &words, "</dd>\n");
}

static void
html_add_partial(struct text *t, const struct result_head *h)
{
	struct text words = {0};

	words_partial(&words, h);
	if (words.len > 0)
		html_element(t, "<p class=\"partial\">", &words, "</p>\n");
}

static void
html_add_answer(struct text *t, const struct locate_result *r, bool names)
{
	struct text words = {0};

	words_headline(&words, r, names);
	html_element(t, "<h1>", &words, "</h1>\n");
	html_add_partial(t, &r->head);
	words_numbers(&words, r);
	html_element(t, "<p>", &words, "</p>\n");
	words_before(&words, r);
	if (words.len > 0)
		html_element(t, "<p>", &words, "</p>\n");
}

int
html_locate(const struct locate_result *r, const struct report_style *st,
    FILE *out, struct fault *f)
{
	struct rows rs = {0};
	struct text t = {0};

	html_add_head(&t, "locate", &r->head);
	html_add_answer(&t, r, st->names);
	html_chain(&t, &r->path, r);
	rows_locate(&rs, r, st->names);
	html_add_table(&t, &rs, false);
	rows_free(&rs);
	html_add_sweep(&t, &r->sweep);
	html_add_why(&t, &r->verdict.reasons);
	html_add_alternatives(&t, r, st->names);
	html_add_next(&t, r);
	html_add_notes(&t, &r->notes, &r->head);
	html_add_resets(&t, r);
	text_add(&t, "<h2>Facts</h2>\n<dl class=\"box\">\n");
	html_add_verdict_facts(&t, r);
	html_add_flow_facts(&t, &r->head);
	text_add(&t, "</dl>\n");
	html_end(&t, r->head.started_unix_ns);
	return writers_finish(&t, out, f);
}

int
html_trace(const struct trace_result *r, const struct report_style *st,
    FILE *out, struct fault *f)
{
	struct rows rs = {0};
	struct text t = {0}, words = {0};

	html_add_head(&t, "trace", &r->head);
	words_trace(&words, r);
	html_element(&t, "<h1>", &words, "</h1>\n");
	html_add_partial(&t, &r->head);
	html_chain(&t, &r->path, NULL);
	rows_trace(&rs, r, st->names);
	html_add_table(&t, &rs, true);
	rows_free(&rs);
	html_add_notes(&t, &r->notes, &r->head);
	text_add(&t, "<h2>Facts</h2>\n<dl class=\"box\">\n");
	html_add_flow_facts(&t, &r->head);
	text_add(&t, "</dl>\n");
	html_end(&t, r->head.started_unix_ns);
	return writers_finish(&t, out, f);
}
