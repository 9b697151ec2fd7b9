/*
 * A verdict on one reset: clues to log odds, log odds to a ruling, and what
 * kind of reset it is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rst_int.h"

/*
 * Before any clue, one reset in five: people bring captures because something
 * broke; of the resets on any link, far fewer are forged.
 */
#define RST_PRIOR	 (-1.5)
#define RST_SURE_FORGED	 0.9
#define RST_SURE_GENUINE 0.1
#define RST_IDLE_NS	 INT64_C(25000000000)

/* Is there a stronger one of its family and sign, or as strong and earlier? */
static bool
rst_is_second(const struct judging *j, size_t at)
{
	const struct found *f = &j->found[at];

	if (rst_clues[f->clue].family == FAMILY_NONE)
		return false;
	for (size_t i = 0; i < j->n; i++) {
		const struct found *o = &j->found[i];

		if (i == at ||
		    rst_clues[o->clue].family != rst_clues[f->clue].family ||
		    (o->weight > 0) != (f->weight > 0))
			continue;
		if (fabs(o->weight) > fabs(f->weight) ||
		    (fabs(o->weight) == fabs(f->weight) && i < at))
			return true;
	}
	return false;
}

/* Seconds are told from the weights as found: so all first, then halve. */
static void
rst_weigh_families(struct judging *j)
{
	bool second[RST_CLUES];

	for (size_t i = 0; i < j->n; i++)
		second[i] = rst_is_second(j, i);
	for (size_t i = 0; i < j->n; i++)
		if (second[i])
			j->found[i].weight *= 0.5;
}

static void
rst_rule(struct judging *j)
{
	struct rst_verdict *v = j->v;

	v->log_odds = RST_PRIOR;
	for (size_t i = 0; i < j->n; i++)
		v->log_odds += j->found[i].weight;
	v->probability = 1 / (1 + exp(-v->log_odds));
	if (v->probability >= RST_SURE_FORGED)
		v->ruling = RST_FORGED;
	else if (v->probability <= RST_SURE_GENUINE)
		v->ruling = RST_GENUINE;
	else
		v->ruling = RST_UNDETERMINED;
}

/* --- what kind --- */

static int64_t
rst_idle_before(const struct flow_reset *r)
{
	int64_t a = r->sender.last.unix_ns, b = r->receiver.last.unix_ns;
	int64_t last = a > b ? a : b;

	return last != 0 ? r->mark.unix_ns - last : 0;
}

static enum rst_kind
rst_kind_of_genuine(const struct judging *j)
{
	const struct flow_reset *r = j->r;
	bool idle = rst_idle_before(r) >= RST_IDLE_NS;

	if (rst_is_refusal(r) && r->sender.packets == 0)
		return RST_KIND_REFUSED;
	if (j->from == BASELINE_FLOW && !j->ttl_own && r->to_client)
		return RST_KIND_LOAD_BALANCER;
	if ((r->sender.seen & FLOW_SEEN_FIN) != 0)
		return RST_KIND_AFTER_FIN;
	if (rst_is_stateless(r)) {
		if (r->sender.packets == 0 || rst_idle_before(r) >= RST_IDLE_NS)
			return RST_KIND_HALF_OPEN;
		/* A silence of long before what it answers. */
		if (r->trigger.unix_ns - r->sender.last.unix_ns >=
			RST_IDLE_NS &&
		    (r->sender.seen & FLOW_SEEN_RST) == 0)
			return RST_KIND_HALF_OPEN;
		return RST_KIND_NO_CONNECTION;
	}
	return idle ? RST_KIND_IDLE : RST_KIND_ABORT;
}

static enum rst_kind
rst_find_kind(const struct judging *j)
{
	switch (j->v->ruling) {
	case RST_UNDETERMINED:
		break;
	case RST_GENUINE:
		return rst_kind_of_genuine(j);
	case RST_FORGED:
		if (j->signature_kind != RST_KIND_UNDETERMINED)
			return j->signature_kind;
		if (rst_has_clue(j, CLUE_REWRITTEN) && j->r->to_client)
			return RST_KIND_RESPONSE_TRIGGERED;
		return RST_KIND_MIDDLEBOX;
	}
	return RST_KIND_UNDETERMINED;
}

/* --- what would settle it --- */

static const char *
rst_find_missing(const struct judging *j)
{
	const struct flow_reset *r = j->r;

	if (j->v->ruling != RST_UNDETERMINED)
		return NULL;
	if (j->from == BASELINE_NONE)
		return r->to_client
		    ? "a packet that surely is the server's own, such as its "
		      "SYN-ACK, in this capture: to compare TTL and IP ID"
		    : "a packet that surely is the client's own, such as its "
		      "SYN, in this capture: to compare TTL and IP ID";
	if (j->elsewhere != NULL && j->elsewhere->shows != RST_SHOWS_NOTHING)
		return "a capture without gaps at both ends";
	return r->to_client
	    ? "a capture at the server: did it send this reset?"
	    : "a capture at the client: did it send this reset?";
}

static bool
rst_both_ends(const struct flow_reset *r)
{
	for (size_t i = 0; i < r->n_others; i++)
		if (!r->others[i].same_side &&
		    llabs(r->others[i].mark.unix_ns - r->mark.unix_ns) <=
			INT64_C(10000000))
			return true;
	for (size_t i = 0; i < r->n_expired; i++)
		if (r->expired[i].quotes_rst &&
		    r->expired[i].quotes_client == r->to_client)
			return true;
	return false;
}

/* --- hand over --- */

static int
rst_by_weight(const void *a, const void *b)
{
	double x = fabs(((const struct rst_reason *)a)->weight);
	double y = fabs(((const struct rst_reason *)b)->weight);

	return x < y ? 1 : x > y ? -1 : 0;
}

static int
rst_hand_reasons(struct judging *j, struct fault *f)
{
	struct rst_verdict *v = j->v;

	if (j->words.bad)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (j->n == 0)
		return 0;
	v->reasons = calloc(j->n, sizeof(*v->reasons));
	if (v->reasons == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	v->words = j->words.p;
	j->words.p = NULL;
	for (size_t i = 0; i < j->n; i++)
		v->reasons[i] = (struct rst_reason){
		    .code = rst_clues[j->found[i].clue].code,
		    .weight = j->found[i].weight,
		    .text = v->words + j->found[i].text};
	v->n_reasons = j->n;
	qsort(v->reasons, v->n_reasons, sizeof(*v->reasons), rst_by_weight);
	return 0;
}

int
rst_judge(const struct flow_reset *r, const struct rst_crowd *crowd,
    const struct rst_elsewhere *elsewhere, struct rst_verdict *out,
    struct fault *f)
{
	struct judging j = {
	    .r = r, .crowd = crowd, .elsewhere = elsewhere, .v = out};
	int rc;

	memset(out, 0, sizeof(*out));
	rst_find_baseline(&j);
	rst_weigh_header(&j);
	rst_weigh_course(&j);
	rst_weigh_signatures(&j);
	rst_weigh_families(&j);
	rst_rule(&j);
	out->kind = rst_find_kind(&j);
	rst_find_hops(&j);
	out->both_ends = rst_both_ends(r);
	out->missing = rst_find_missing(&j);
	rc = rst_hand_reasons(&j, f);
	text_free(&j.words);
	return rc;
}

void
rst_verdict_free(struct rst_verdict *v)
{
	free(v->reasons);
	free(v->words);
	v->reasons = NULL;
	v->words = NULL;
	v->n_reasons = 0;
}
