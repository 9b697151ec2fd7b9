/*
 * What can be said of a device that the server's answer triggers.  No probe
 * that expires before the server reaches it, so no threshold places it; the TTL
 * of its resets gives candidates, where it is not the server's own.
 */
#include <stdio.h>
#include <string.h>

#include "verdict_int.h"

/*
 * Of all devices that answers trigger, so many at the most may be where a usual
 * initial TTL puts them: that it is one, and that the way back is as long as
 * the way there, is taken on trust.
 */
#define RESPONSE_ON_TRUST 0.5

/* Usual initial TTLs, and how usual, as infer has them. */
static const struct {
	int initial;
	double share;
} usual[] = {{64, 0.5}, {255, 0.3}, {128, 0.2}};
#define RESPONSE_USUAL (sizeof(usual) / sizeof(usual[0]))

/* The TTL with which all resets came that full triggers drew; 0: several. */
static int
response_one_ttl(const struct verdict_basis *by)
{
	const struct seen_reset *r;
	int ttl = 0;

	for (size_t i = 0; i < by->rounds->s.n_resets; i++) {
		r = &by->rounds->s.resets[i];
		if (r->answers_alive || r->late || r->probe == -1)
			continue;
		if (ttl != 0 && r->facts.ttl != ttl)
			return 0;
		ttl = r->facts.ttl;
	}
	return ttl;
}

/*
 * The hop from which so many routers are traversed on the way here: by what the
 * hops' own replies have shown, else one more than they are.  0: none.
 */
static int
response_hop_of(const struct verdict_basis *by, int traversed)
{
	const struct infer_path *p = &by->belief->path;
	int h, n = p->hops;

	for (h = 1; h < n && h <= INFER_MAX_HOPS; h++)
		if (p->traversed[h] == traversed)
			return h;
	h = traversed + 1;
	return traversed >= 0 && h < n && p->traversed[h] < 0 ? h : 0;
}

/* The hop for each usual initial TTL, 0 where it is none. */
static bool
response_find_hops(const struct verdict_basis *by,
    const struct locate_result *out, int hops[RESPONSE_USUAL])
{
	int ttl = response_one_ttl(by);
	bool any = false;

	memset(hops, 0, RESPONSE_USUAL * sizeof(hops[0]));
	if (ttl == 0 || ttl == out->path.server_ttl)
		return false;
	for (size_t i = 0; i < RESPONSE_USUAL; i++) {
		hops[i] = response_hop_of(by, usual[i].initial - ttl);
		any = any || hops[i] != 0;
	}
	return any;
}

size_t
verdict_response_hops(const struct verdict_basis *by,
    const struct locate_result *out,
    struct result_alternative found[VERDICT_RESPONSE_HOPS])
{
	double all = 0;
	int hops[RESPONSE_USUAL];
	size_t n = 0;

	_Static_assert(RESPONSE_USUAL == VERDICT_RESPONSE_HOPS, "one for each");
	if (!response_find_hops(by, out, hops))
		return 0;
	for (size_t i = 0; i < RESPONSE_USUAL; i++)
		all += hops[i] != 0 ? usual[i].share : 0;
	for (size_t i = 0; i < RESPONSE_USUAL; i++) {
		if (hops[i] == 0)
			continue;
		memset(&found[n], 0, sizeof(found[n]));
		found[n].hop = hops[i];
		found[n].kind = RESULT_RESPONSE_TRIGGERED;
		found[n++].probability =
		    by->belief->post.cause[INFER_RESPONSE] * RESPONSE_ON_TRUST *
		    usual[i].share / all;
	}
	return n;
}

/*
 * The reset has all that the answer should have had: TTL, IP ID and sequence
 * number; and the answer itself never came.
 */
static bool
response_is_like_answer(
    const struct verdict_basis *by, const struct locate_result *out)
{
	return by->belief->id_follow > by->belief->id_break &&
	    response_one_ttl(by) == out->path.server_ttl &&
	    by->belief->answers.behind + by->belief->answers.beyond == 0;
}

/* Where nothing resets, it has data to say. */
static bool
response_server_answers(const struct verdict_basis *by)
{
	const struct trial *t;

	for (size_t i = 0; i < by->rounds->n_trials; i++) {
		t = &by->rounds->trials[i];
		if ((t->kind == TRIAL_CONTROL || t->kind == TRIAL_FULL) &&
		    !trial_drew_reset(&by->rounds->s, t) &&
		    by->rounds->s.conns[t->conn].tcb.answer_ns != 0)
			return true;
	}
	return false;
}

static void
response_reason_return_distance(
    const struct verdict_basis *by, struct locate_result *out)
{
	char text[REASON_TEXT] = "";
	int hops[RESPONSE_USUAL];
	size_t n = 0;

	if (!response_find_hops(by, out, hops))
		return;
	for (size_t i = 0; i < RESPONSE_USUAL && n < sizeof(text); i++)
		if (hops[i] != 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%shop %d, had it made the reset with TTL %d",
			    n > 0 ? "; " : "", hops[i], usual[i].initial);
	reasons_add(&out->verdict.reasons, "return-distance", 0,
	    "Its reset's TTL, %d, is not the server's and would put it at %s. "
	    "No probe confirms that.",
	    response_one_ttl(by), text);
}

void
verdict_reason_response(
    const struct verdict_basis *by, struct locate_result *out)
{
	struct reasons *rs = &out->verdict.reasons;

	switch (out->verdict.kind) {
	case RESULT_RESPONSE_TRIGGERED:
		break;
	case RESULT_SERVER:
		if (response_is_like_answer(by, out) &&
		    response_server_answers(by))
			reasons_add(rs, "rewriting-possible", 0,
			    "Where nothing resets, the server answers with "
			    "data. A device that makes this answer the reset, "
			    "for both ends, would look the same from here; a "
			    "capture at the server would tell.");
		return;
	case RESULT_MIDDLEBOX:
	case RESULT_LOAD_BALANCER:
	case RESULT_NOT_REPRODUCED:
	case RESULT_UNDETERMINED:
		return;
	}
	reasons_add(rs, "response-triggered", 0,
	    "No probe short of the server fires it, yet the reset is not the "
	    "server's: what fires it is the server's answer, on its way "
	    "back.");
	if (response_is_like_answer(by, out))
		reasons_add(rs, "response-rewritten", 0,
		    "The reset has the TTL, the IP ID and the sequence number "
		    "that the server's answer should have had, and the answer "
		    "never came: a device makes it the reset. Its TTL is then "
		    "the server's own, and tells nothing of the place.");
	response_reason_return_distance(by, out);
}
