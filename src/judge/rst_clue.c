/*
 * Clues as they are found, and the names of what a verdict is made of.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rst_int.h"

const char *
rst_ruling_name(enum rst_ruling r)
{
	switch (r) {
	case RST_GENUINE:
		return "genuine";
	case RST_FORGED:
		return "forged";
	case RST_UNDETERMINED:
		return "undetermined";
	}
	return "undetermined";
}

const char *
rst_kind_name(enum rst_kind k)
{
	switch (k) {
	case RST_KIND_UNDETERMINED:
		return "undetermined";
	case RST_KIND_MIDDLEBOX:
		return "middlebox";
	case RST_KIND_RESPONSE_TRIGGERED:
		return "response-triggered";
	case RST_KIND_LOAD_BALANCER:
		return "load-balancer";
	case RST_KIND_ABORT:
		return "abort";
	case RST_KIND_NO_CONNECTION:
		return "no-connection";
	case RST_KIND_HALF_OPEN:
		return "half-open";
	case RST_KIND_AFTER_FIN:
		return "after-fin";
	case RST_KIND_REFUSED:
		return "refused";
	case RST_KIND_IDLE:
		return "idle";
	}
	return "undetermined";
}

const char *
rst_sender_name(const struct flow_reset *r)
{
	return r->to_client ? "server" : "client";
}

const char *
rst_receiver_name(const struct flow_reset *r)
{
	return r->to_client ? "client" : "server";
}

void
clue_add(struct judging *j, enum clue c, double scale, const char *fmt, ...)
{
	char buf[240];
	va_list ap;

	if (j->n == RST_CLUES || scale == 0)
		return;
	j->found[j->n].clue = c;
	j->found[j->n].weight = rst_clues[c].weight * scale;
	j->found[j->n].text = j->words.len;
	j->n++;
	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	text_add_bytes(&j->words, buf, strlen(buf) + 1);
}

bool
rst_has_clue(const struct judging *j, enum clue c)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->found[i].clue == c)
			return true;
	return false;
}
