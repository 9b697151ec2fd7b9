/*
 * Suspects in words: a line each, and why there is none.
 */
#include <inttypes.h>
#include <string.h>

#include "suspect_int.h"

#define SHOWN 40 /* hostile bytes in a line */

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void
add_ttls(const struct suspect *s, struct text *t)
{
	text_add(t, s->n_rst_ttls == 1 ? ", TTL " : ", TTLs ");
	for (size_t i = 0; i < s->n_rst_ttls; i++)
		text_addf(t, "%s%d", i > 0 ? " " : "", s->rst_ttls[i]);
}

static void
add_trigger(const struct suspect *s, struct text *t)
{
	if (s->trigger_len == 0) {
		text_add(t, "no data");
		return;
	}
	if (s->what.protocol == TRIGGER_UNKNOWN) {
		text_add(t, "\"");
		text_add_safe(t, s->trigger, s->trigger_len, SHOWN);
		text_add(t, "\"");
		return;
	}
	text_add(t, s->what.command);
	if (s->what.key[0] == '\0')
		return;
	text_add(t, " ");
	text_add_safe(t, s->what.key, strlen(s->what.key), SHOWN);
}

void
suspect_describe(const struct suspect *s, size_t number, struct text *t)
{
	char client[ADDR_TEXT], server[ADDR_ENDPOINT];

	text_addf(t, "%zu  %s -> %s  %s %.3f  %" PRIu64 " reset%s", number,
	    addr_format(&s->client.addr, client),
	    endpoint_format(&s->server, server), rst_ruling_name(s->ruling),
	    s->probability, s->resets, plural(s->resets));
	if (s->n_rst_ttls > 0)
		add_ttls(s, t);
	text_add(t, "  ");
	add_trigger(s, t);
}

/* "2 refused, 1 abort" */
static void
add_kinds(const struct suspects *s, struct text *t)
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
explain_resets(const struct suspects *s, struct text *t)
{
	if (s->toward_server > 0) {
		text_addf(t,
		    "%" PRIu64 " reset%s that may be forged, but toward the "
		    "server: capture at the client",
		    s->toward_server, plural(s->toward_server));
		return;
	}
	if (s->resets == 1)
		text_add(t, "the one reset is genuine: ");
	else
		text_addf(t, "all %" PRIu64 " resets are genuine: ", s->resets);
	add_kinds(s, t);
}

void
suspects_explain_none(const struct suspects *s, struct text *t)
{
	if (s->resets == 0)
		text_addf(t, "no reset in %" PRIu64 " packet%s", s->packets,
		    plural(s->packets));
	else
		explain_resets(s, t);
	if (s->damage[0] != '\0')
		text_addf(t, "; %s", s->damage);
}
