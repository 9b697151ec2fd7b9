/*
 * A verdict on one reset.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/rst.h>

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
rst_place_name(enum rst_place p)
{
	switch (p) {
	case RST_PLACE_UNKNOWN:
		return NULL;
	case RST_WIRE:
		return "wire";
	case RST_ROUTER:
		return "router";
	}
	return NULL;
}

void
rst_verdict_free(struct rst_verdict *v)
{
	free(v->reasons);
	free(v->words);
	v->reasons = NULL;
	v->words = NULL;
	v->missing = NULL;
	v->n_reasons = 0;
}
