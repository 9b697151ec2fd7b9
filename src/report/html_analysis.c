/*
 * Judged captures as one page: the answer, the resets by what they have in
 * common, what probes and two vantages show, the resets one by one, the files.
 * The number of rows is bounded: --json has all.
 */
#include <inttypes.h>
#include <string.h>

#include <rsthop/clock.h>

#include "html_parts.h"
#include "words.h"
#include "words_analysis.h"
#include "writers.h"

#define HTML_ANALYSIS_RESETS 200
#define HTML_ANALYSIS_PROBED 20
#define HTML_ANALYSIS_FILES  200

/* --- the answer --- */

static void
html_analysis_subject(struct text *t, const struct analysis *a)
{
	text_add(t, "rsthop analyze: ");
	if (a->n_files == 1)
		words_safe(t, a->files[0].path);
	else
		words_count(t, a->n_files, "file", "files");
}

static void
html_analysis_add_tally(
    struct text *t, const char *class, const char *word, uint64_t n)
{
	text_addf(t, "<div class=\"%s\"><b>%" PRIu64 "</b>%s</div>\n",
	    n > 0 ? class : "none", n, word);
}

static void
html_analysis_add_answer(struct text *t, const struct analysis *a)
{
	struct text words = {0};

	html_analysis_subject(&words, a);
	html_begin(t, &words);
	words_analysis(&words, a);
	html_element(t, "<h1>", &words, "</h1>\n");
	words_captures(&words, a);
	html_element(t,
	    a->interrupted != 0 || a->trouble.kind != FAULT_NONE
		? "<p class=\"partial\">"
		: "<p>",
	    &words, "</p>\n");
	if (a->forged + a->undetermined + a->genuine == 0)
		return;
	text_add(t, "<div class=\"tally\">\n");
	html_analysis_add_tally(t, "forged", "forged", a->forged);
	html_analysis_add_tally(t, "doubt", "undetermined", a->undetermined);
	html_analysis_add_tally(t, "genuine", "genuine", a->genuine);
	text_add(t, "</div>\n");
}

/* --- probes and vantages --- */

static void
html_analysis_add_probed_fact(struct text *t, const char *what,
    const struct analysis_probed *p,
    void (*fill)(struct text *, const struct analysis_probed *))
{
	struct text words = {0};

	fill(&words, p);
	if (words.len == 0)
		return;
	text_addf(t, "<dt>%s</dt>", what);
	html_element(t, "<dd>", &words, "</dd>\n");
}

static void
html_analysis_add_one_probed(struct text *t, const struct analysis_probed *p)
{
	struct text words = {0};
	char buf[ADDR_TEXT];
	bool named;

	text_addf(&words, "%s to ", addr_format(&p->client, buf));
	if (p->server.port != 0)
		words_endpoint(&words, &p->server);
	else
		text_add(&words, addr_format(&p->server.addr, buf));
	text_add(t, "<section class=\"box kind\">\n");
	html_element(t, "<h3>", &words, "</h3>\n<dl>\n");
	html_analysis_add_probed_fact(t, "Sent", p, words_probes);
	html_analysis_add_probed_fact(t, "Device at", p, words_probed_place);
	html_analysis_add_probed_fact(t, "Path", p, words_probed_path);
	text_add(t, "</dl>\n</section>\n");
	/* The likelier where no probe tells two neighbours apart. */
	named = p->hop != 0 && p->n_candidates > 0;
	if (p->path.n_hops > 0)
		html_chain_at(t, &p->path, named ? p->candidates[0].hop : 0,
		    named && p->candidates[0].place == PLACE_WIRE);
}

static void
html_analysis_add_probed(struct text *t, const struct analysis *a)
{
	if (a->n_probed == 0)
		return;
	text_add(t, "<h2>Probes in the captures</h2>\n");
	for (size_t i = 0; i < a->n_probed && i < HTML_ANALYSIS_PROBED; i++)
		html_analysis_add_one_probed(t, &a->probed[i]);
	html_more(t,
	    a->n_probed > HTML_ANALYSIS_PROBED
		? a->n_probed - HTML_ANALYSIS_PROBED
		: 0,
	    "more path was probed", "more paths were probed");
}

static void
html_analysis_add_compared(struct text *t, const struct analysis *a)
{
	struct text words = {0};

	words_compared(&words, a);
	if (words.len > 0)
		html_element(t,
		    "<h2>Both vantages</h2>\n<ul class=\"box\"><li>", &words,
		    "</li></ul>\n");
}

/* --- the genuine ones --- */

static void
html_analysis_add_genuine(struct text *t, const struct analysis *a)
{
	if (a->genuine == 0)
		return;
	text_add(t, "<h2>Genuine resets</h2>\n<div class=\"box\"><table>\n");
	for (int k = RST_KIND_UNDETERMINED; k <= RST_KIND_IDLE; k++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < a->n_groups; i++)
			if (a->groups[i].ruling == RST_GENUINE &&
			    (int)a->groups[i].kind == k)
				sum += a->groups[i].resets;
		if (sum > 0)
			text_addf(t,
			    "<tr><td class=\"r n\">%" PRIu64
			    "</td><td>%s</td></tr>\n",
			    sum, words_genuine((enum rst_kind)k));
	}
	text_add(t, "</table></div>\n");
}

/* --- resets one by one --- */

static void
html_analysis_add_time_cell(struct text *t, int64_t unix_ns)
{
	char when[CLOCK_TEXT];
	size_t date;

	/* 2026-11-22T16:53:00.123456Z, to the millisecond */
	clock_format_utc(unix_ns, when, sizeof(when));
	date = strcspn(when, "T");
	text_addf(t, "<td class=\"nw\">%.*s %.*s</td>", (int)date, when,
	    (int)strcspn(when + date, ".") + 3,
	    when[date] == '\0' ? "" : when + date + 1);
}

static void
html_analysis_add_ends(struct text *t, const struct analysis_reset *r)
{
	struct text words = {0};

	words_endpoint(&words, r->to_client ? &r->server : &r->client);
	text_add(&words, " to ");
	words_endpoint(&words, r->to_client ? &r->client : &r->server);
	html_element(t, "<td class=\"w\">", &words, "</td>");
}

static void
html_analysis_add_reset(
    struct text *t, const struct analysis *a, const struct analysis_reset *r)
{
	char percent[WORDS_PERCENT], flags[PKT_FLAGS_TEXT];
	struct text words = {0};

	if (a->n_files > 1) {
		words_safe(&words, a->files[r->file].path);
		html_element(t, "<tr><td class=\"w\">", &words, "</td>");
	} else {
		text_add(t, "<tr>");
	}
	text_addf(t, "<td class=\"r\">%" PRIu64 "</td>", r->frame);
	html_analysis_add_time_cell(t, r->unix_ns);
	html_analysis_add_ends(t, r);
	text_addf(
	    t, "<td class=\"nw\">%s ", rst_ruling_name(r->verdict.ruling));
	html_escape(t, words_percent(r->verdict.probability, percent));
	text_addf(t, "</td><td class=\"r\">%u</td>", r->ttl);
	if (r->has_ip_id)
		text_addf(t, "<td class=\"r\">%u</td>", r->ip_id);
	else
		text_add(t, "<td class=\"r\">-</td>");
	text_addf(t, "<td>%s</td>", pkt_format_flags(r->flags, flags));
	if (r->trigger_frame != 0)
		text_addf(t, "<td class=\"r\">%" PRIu64 "</td></tr>\n",
		    r->trigger_frame);
	else
		text_add(t, "<td class=\"r\">-</td></tr>\n");
}

/* Of one ruling, as long as there is room; how many are drawn by then. */
static size_t
html_analysis_add_resets_of(struct text *t, const struct analysis *a,
    enum rst_ruling ruling, size_t drawn)
{
	for (size_t i = 0; i < a->n_resets && drawn < HTML_ANALYSIS_RESETS;
	     i++) {
		if (a->resets[i].verdict.ruling != ruling)
			continue;
		html_analysis_add_reset(t, a, &a->resets[i]);
		drawn++;
	}
	return drawn;
}

static void
html_analysis_add_resets(struct text *t, const struct analysis *a)
{
	uint64_t all = a->forged + a->undetermined;
	size_t drawn;

	if (all == 0 || a->n_resets == 0)
		return;
	text_addf(t,
	    "<h2>Resets one by one</h2>\n<div class=\"box resets\"><table>\n"
	    "<thead><tr>%s<th class=\"r\">frame</th><th>time, UTC</th>"
	    "<th>from, to</th><th>verdict</th><th class=\"r\">TTL</th>"
	    "<th class=\"r\">IP ID</th><th>flags</th>"
	    "<th class=\"r\">by frame</th></tr></thead>\n",
	    a->n_files > 1 ? "<th>file</th>" : "");
	drawn = html_analysis_add_resets_of(t, a, RST_FORGED, 0);
	drawn = html_analysis_add_resets_of(t, a, RST_UNDETERMINED, drawn);
	text_add(t, "</table></div>\n");
	html_more(t, all > drawn ? all - drawn : 0,
	    "more; the JSON report has all", "more; the JSON report has all");
}

/* --- files and notes --- */

static const char *
html_analysis_vantage_word(enum analysis_vantage v)
{
	switch (v) {
	case ANALYSIS_VANTAGE_ANY:
		return "-";
	case ANALYSIS_VANTAGE_CLIENT:
		return "client";
	case ANALYSIS_VANTAGE_SERVER:
		return "server";
	}
	return "-";
}

static void
html_analysis_add_file(struct text *t, const struct analysis_file *f)
{
	struct text words = {0};

	words_safe(&words, f->path);
	html_element(t, "<tr><td class=\"w\">", &words, "</td>");
	text_addf(t,
	    "<td>%s</td><td class=\"r\">%" PRIu64
	    "</td><td class=\"r\">%" PRIu64 "</td>",
	    html_analysis_vantage_word(f->vantage), f->packets, f->undecoded);
	if (f->packets > 0) {
		html_analysis_add_time_cell(t, f->first_unix_ns);
		html_analysis_add_time_cell(t, f->last_unix_ns);
	} else {
		text_add(t, "<td>-</td><td>-</td>");
	}
	if (f->damage[0] != '\0')
		text_addf(t, "<td>behind frame %" PRIu64 "</td></tr>\n",
		    f->damage_frame);
	else
		text_add(t, "<td>-</td></tr>\n");
}

static void
html_analysis_add_files(struct text *t, const struct analysis *a)
{
	text_add(t,
	    "<h2>Files</h2>\n<div class=\"box resets\"><table>\n"
	    "<thead><tr><th>file</th><th>taken at</th>"
	    "<th class=\"r\">packets</th><th class=\"r\">not IP</th>"
	    "<th>first, UTC</th><th>last, UTC</th><th>damaged</th></tr>"
	    "</thead>\n");
	for (size_t i = 0; i < a->n_files && i < HTML_ANALYSIS_FILES; i++)
		html_analysis_add_file(t, &a->files[i]);
	text_add(t, "</table></div>\n");
	html_more(t,
	    a->n_files > HTML_ANALYSIS_FILES ? a->n_files - HTML_ANALYSIS_FILES
					     : 0,
	    "more file", "more files");
}

/* Each line of words is one. */
static void
html_analysis_add_notes(struct text *t, const struct analysis *a)
{
	struct text words = {0};
	char *end;

	words_analysis_notes(&words, a);
	if (words.len > 0)
		text_add(t, "<h2>Notes</h2>\n<ul class=\"box\">\n");
	for (char *line = words.p; line != NULL; line = end + 1) {
		end = strchr(line, '\n');
		if (end == NULL)
			break;
		*end = '\0';
		text_add(t, "<li>");
		html_escape(t, line);
		text_add(t, "</li>\n");
	}
	if (words.len > 0)
		text_add(t, "</ul>\n");
	t->bad |= words.bad;
	text_free(&words);
}

int
html_analysis(const struct analysis *a, const struct report_style *st,
    FILE *out, struct fault *f)
{
	struct batches bs = {0};
	struct text t = {0};

	(void)st;
	html_analysis_add_answer(&t, a);
	batches_make(&bs, a);
	html_batches(&t, &bs);
	batches_free(&bs);
	html_analysis_add_probed(&t, a);
	html_analysis_add_compared(&t, a);
	html_analysis_add_genuine(&t, a);
	html_analysis_add_resets(&t, a);
	html_analysis_add_files(&t, a);
	html_analysis_add_notes(&t, a);
	html_end(&t, a->started_unix_ns);
	return writers_finish(&t, out, f);
}
