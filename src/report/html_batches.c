/*
 * Resets by what they have in common: a row each in an overview, then a part
 * each with all that is known of it.
 */
#include <inttypes.h>

#include "html_parts.h"
#include "words.h"

#define BATCHES_ROWS	200 /* of the overview */
#define BATCHES_DETAILS 40  /* parts; a row beyond has none */
#define BATCHES_SERVERS 250 /* rows of all parts together */

/* --- the overview --- */

static void
batches_add_words(struct text *t, const char *open, const struct batch *b,
    void (*fill)(struct text *, const struct batch *), const char *close)
{
	struct text words = {0};

	fill(&words, b);
	if (words.len > 0)
		html_element(t, open, &words, close);
}

static void
batches_add_ruling(struct text *t, const struct batch *b, size_t number)
{
	bool forged = b->first->ruling == RST_FORGED;
	const char *word = forged ? "Forged" : "Undetermined";
	char percent[WORDS_PERCENT];

	text_addf(t, "<td><b class=\"%s\">", forged ? "mark" : "open");
	if (number <= BATCHES_DETAILS)
		text_addf(t, "<a href=\"#k%zu\">%s</a>", number, word);
	else
		text_add(t, word);
	text_add(t, "</b>");
	html_escape(t, words_percent(b->first->probability, percent));
	text_add(t, "</td>");
}

static void
batches_add_reason(struct text *t, const struct batch *b)
{
	const struct rst_verdict *v = &b->first->why;

	for (size_t i = 0; i < v->n_reasons; i++) {
		if (b->first->ruling == RST_FORGED && v->reasons[i].weight <= 0)
			continue;
		html_prose(t, "<p class=\"note\">", v->reasons[i].text, "</p>");
		return;
	}
}

static void
batches_add_row(struct text *t, const struct batch *b, size_t number)
{
	struct text words = {0};

	text_add(t,
	    b->first->ruling == RST_FORGED ? "<tr class=\"device\">" : "<tr>");
	batches_add_ruling(t, b, number);
	text_addf(t,
	    "<td class=\"r\">%" PRIu64 "<p class=\"note\">in %" PRIu64
	    "</p></td><td>",
	    b->resets, b->flows);
	words_batch_names(&words, b);
	html_element(t, "<p>In the name of ", &words, "</p>");
	batches_add_words(t, "<p>", b, words_batch_sender, "</p>");
	batches_add_reason(t, b);
	text_add(t, "</td><td>");
	if (b->first->ruling == RST_FORGED)
		html_places(t, b->first->candidates, b->first->n_candidates);
	batches_add_words(
	    t, "<p class=\"note\">", b, words_batch_place, "</p>");
	text_add(t, "</td><td>");
	batches_add_words(t, "", b, words_batch_trigger, "");
	text_add(t, "</td></tr>\n");
}

static void
batches_add_overview(struct text *t, const struct batches *bs)
{
	uint64_t rest = 0;

	text_add(t,
	    "<h2>Forged and doubtful resets</h2>\n"
	    "<div class=\"box kinds\"><table>\n<thead><tr><th>verdict</th>"
	    "<th class=\"r\">resets,<br>connections</th><th>who and why</th>"
	    "<th>where from</th><th>fired by</th></tr></thead>\n");
	for (size_t i = 0; i < bs->n; i++) {
		if (i < BATCHES_ROWS)
			batches_add_row(t, &bs->b[i], i + 1);
		else
			rest += bs->b[i].resets;
	}
	text_add(t, "</table></div>\n");
	html_more(t, rest, "such reset, of other kinds",
	    "such resets, of other kinds");
}

/* --- one by itself --- */

static void
batches_add_fact(struct text *t, const char *what, const struct batch *b,
    void (*fill)(struct text *, const struct batch *))
{
	struct text words = {0};

	fill(&words, b);
	if (words.len == 0)
		return;
	text_addf(t, "<dt>%s</dt>", what);
	html_element(t, "<dd>", &words, "</dd>\n");
}

static void
batches_add_reasons(struct text *t, const struct rst_verdict *v)
{
	if (v->n_reasons == 0)
		return;
	text_add(t,
	    "<table class=\"why\"><tr><th class=\"r\">weight</th>"
	    "<th>reason, of the surest of them</th><th>code</th></tr>\n");
	for (size_t i = 0; i < v->n_reasons; i++) {
		const struct rst_reason *r = &v->reasons[i];

		text_addf(t, "<tr><td class=\"r\">%+.1f</td>", r->weight);
		html_prose(t, "<td>", r->text, "</td>");
		text_addf(t, "<td class=\"m\">%s</td></tr>\n", r->code);
	}
	text_add(t, "</table>\n");
}

static void
batches_add_candidates(struct text *t, const struct analysis_group *g)
{
	struct text words = {0};

	if (g->ruling != RST_FORGED || g->n_candidates < 2)
		return;
	text_add(t, "<table>\n");
	for (size_t i = 0; i < g->n_candidates; i++) {
		const struct rst_candidate *c = &g->candidates[i];

		if (!(c->probability >= WORDS_ALTERNATIVE_MIN))
			continue;
		words_candidate(&words, c);
		html_element(t, "<tr><td>", &words, "</td>");
		text_addf(t,
		    "<td class=\"bar\"><i style=\"width:%.1f%%\"></i></td>"
		    "</tr>\n",
		    c->probability > 1 ? 100.0 : c->probability * 100);
	}
	text_add(t, "</table>\n");
}

static void
batches_add_server(struct text *t, const struct analysis_group *g)
{
	struct text words = {0};
	char percent[WORDS_PERCENT];

	if (addr_is_none(&g->server.addr))
		text_add(&words, "many others");
	else
		words_endpoint(&words, &g->server);
	html_element(t, "<tr><td class=\"m\">", &words, "</td>");
	text_addf(t,
	    "<td class=\"r\">%" PRIu64 "</td><td class=\"r\">%" PRIu64 "</td>",
	    g->resets, g->flows);
	text_add(t, "<td class=\"r\">");
	html_escape(t, words_percent(g->probability, percent));
	text_addf(t,
	    "</td><td class=\"r\">%" PRIu64 "</td><td class=\"r\">%" PRIu64
	    "</td></tr>\n",
	    g->trigger.drew, g->frame);
}

/* left: rows that may still be drawn. */
static void
batches_add_servers(struct text *t, const struct batch *b, size_t *left)
{
	const struct analysis *a = b->a;
	size_t drawn = 0;

	if (b->servers < 2)
		return;
	text_add(t,
	    "<table><tr><th>server</th><th class=\"r\">resets</th>"
	    "<th class=\"r\">connections</th><th class=\"r\">forged</th>"
	    "<th class=\"r\">fired by data</th>"
	    "<th class=\"r\">first frame</th></tr>\n");
	for (size_t i = 0; i<a->n_groups && * left> 0; i++) {
		if (!batch_has(b, &a->groups[i]))
			continue;
		batches_add_server(t, &a->groups[i]);
		drawn++;
		--*left;
	}
	text_add(t, "</table>\n");
	html_more(t, b->servers - drawn, "more server", "more servers");
}

static void
batches_add_part(
    struct text *t, const struct batch *b, size_t number, size_t *left)
{
	struct text words = {0};

	text_addf(t, "<section class=\"box kind\" id=\"k%zu\">\n", number);
	words_batch(&words, b);
	html_element(t, "<h3>", &words, "</h3>\n<dl>\n");
	batches_add_fact(t, "In the name of", b, words_batch_names);
	batches_add_fact(t, "Sent by", b, words_batch_sender);
	batches_add_fact(t, "From", b, words_batch_place);
	batches_add_fact(t, "Fired by", b, words_batch_trigger);
	batches_add_fact(t, "First", b, words_batch_first);
	batches_add_fact(t, "Next", b, words_batch_next);
	text_add(t, "</dl>\n");
	batches_add_candidates(t, b->first);
	batches_add_reasons(t, &b->first->why);
	batches_add_servers(t, b, left);
	text_add(t, "</section>\n");
}

void
html_batches(struct text *t, const struct batches *bs)
{
	size_t left = BATCHES_SERVERS;

	t->bad |= bs->bad;
	if (bs->n == 0)
		return;
	batches_add_overview(t, bs);
	text_add(t, "<h2>Each of them</h2>\n");
	for (size_t i = 0; i < bs->n && i < BATCHES_DETAILS; i++)
		batches_add_part(t, &bs->b[i], i + 1, &left);
}
