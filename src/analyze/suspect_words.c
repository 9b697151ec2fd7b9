/*
 * Suspects in words: a line each, and why there is none.
 */
#include <inttypes.h>
#include <string.h>

#include <rsthop/suspect.h>

#define WORDS_SHOWN 40 /* hostile bytes in a line */

static const char *
words_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void
words_add_ttls(const struct suspect *s, struct text *t)
{
	text_add(t, s->n_rst_ttls == 1 ? ", TTL " : ", TTLs ");
	for (size_t i = 0; i < s->n_rst_ttls; i++)
		text_addf(t, "%s%d", i > 0 ? " " : "", s->rst_ttls[i]);
}

static void
words_add_trigger(const struct suspect *s, struct text *t)
{
	if (s->trigger_len == 0) {
		text_add(t, "no data");
		return;
	}
	if (s->what.protocol == TRIGGER_UNKNOWN) {
		text_add(t, "\"");
		text_add_safe(t, s->trigger, s->trigger_len, WORDS_SHOWN);
		text_add(t, "\"");
		return;
	}
	text_add(t, s->what.command);
	if (s->what.key[0] == '\0')
		return;
	text_add(t, " ");
	text_add_safe(t, s->what.key, strlen(s->what.key), WORDS_SHOWN);
}

void
suspect_describe(const struct suspect *s, size_t number, struct text *t)
{
	char client[ADDR_TEXT], server[ADDR_ENDPOINT];

	text_addf(t, "%zu  %s -> %s  %s %.3f  %" PRIu64 " reset%s", number,
	    addr_format(&s->client.addr, client),
	    endpoint_format(&s->server, server), rst_ruling_name(s->ruling),
	    s->probability, s->resets, words_plural(s->resets));
	if (s->n_rst_ttls > 0)
		words_add_ttls(s, t);
	text_add(t, "  ");
	words_add_trigger(s, t);
}

/* "2 refused, 1 abort" */
static void
words_add_kinds(const struct suspects *s, struct text *t)
{
	const char *between = "";

	for (int k = 0; k <= RST_KIND_IDLE; k++) {
		if (s->by_kind[k] == 0)
			continue;
		text_addf(t, "%s%" PRIu64 " %s", between, s->by_kind[k],
		    rst_kind_name((enum rst_kind)k));
		between = ", ";
	}
}

static void
words_explain_resets(const struct suspects *s, struct text *t)
{
	if (s->toward_server > 0) {
		text_addf(t,
		    "%" PRIu64 " reset%s that may be forged, but toward the "
		    "server: capture at the client",
		    s->toward_server, words_plural(s->toward_server));
		return;
	}
	if (s->resets == 1)
		text_add(t, "the one reset is genuine: ");
	else
		text_addf(t, "all %" PRIu64 " resets are genuine: ", s->resets);
	words_add_kinds(s, t);
}

void
suspects_explain_none(const struct suspects *s, struct text *t)
{
	if (s->resets == 0)
		text_addf(t, "no reset in %" PRIu64 " packet%s", s->packets,
		    words_plural(s->packets));
	else
		words_explain_resets(s, t);
	if (s->damage[0] != '\0')
		text_addf(t, "; %s", s->damage);
}
