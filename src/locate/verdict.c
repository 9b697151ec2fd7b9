/*
 * From the posterior to the verdict: who, how sure, what else it could be.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/stats.h>

#include <rsthop/block.h>
#include <rsthop/verdict.h>

#include "verdict_int.h"

/* What is said of the device beside its hop must be this likely. */
#define VERDICT_DETAIL_SURE 0.8
#define VERDICT_DROPS_SURE  0.9
#define VERDICT_DICE_SURE   0.9
/* A cause other than a device may be named from here on. */
#define VERDICT_CAUSE_SURE 0.8
/* What judge/rst calls genuine is forged in fewer than one in ten. */
#define VERDICT_GENUINE_SURE 0.9
/* The resets have stopped, if so many at least failed, so improbably. */
#define VERDICT_STOPPED_MIN 5
#define VERDICT_STOPPED_P   0.002
/* Alternatives that are worth a line. */
#define VERDICT_WORTH_SAYING 0.005

static enum result_kind
verdict_to_kind(enum infer_cause c)
{
	switch (c) {
	case INFER_DEVICE:
		return RESULT_MIDDLEBOX;
	case INFER_SERVER:
		return RESULT_SERVER;
	case INFER_RESPONSE:
		return RESULT_RESPONSE_TRIGGERED;
	case INFER_NOTHING:
		return RESULT_NOT_REPRODUCED;
	}
	return RESULT_UNDETERMINED;
}

static void
verdict_add_alternative(
    struct locate_result *r, const struct result_alternative *a)
{
	size_t i, n = r->verdict.n_alternatives;

	if (a->probability < VERDICT_WORTH_SAYING)
		return;
	if (n == RESULT_ALTERNATIVES) {
		if (r->verdict.alternatives[n - 1].probability >=
		    a->probability)
			return;
		n--;
	}
	for (i = n; i > 0 &&
	     r->verdict.alternatives[i - 1].probability < a->probability;
	     i--)
		r->verdict.alternatives[i] = r->verdict.alternatives[i - 1];
	r->verdict.alternatives[i] = *a;
	r->verdict.n_alternatives = n + 1;
}

/* A device that the answer triggers: hops that its resets' TTL speaks for. */
static void
verdict_add_response_hops(
    const struct verdict_basis *by, struct locate_result *out)
{
	struct result_alternative v[VERDICT_RESPONSE_HOPS];
	size_t n = verdict_response_hops(by, out, v);

	if (out->verdict.kind != RESULT_RESPONSE_TRIGGERED)
		return;
	for (size_t i = 0; i < n; i++)
		verdict_add_alternative(out, &v[i]);
}

/* All that is not what the verdict says, most probable first. */
static void
verdict_fill_alternatives(
    const struct verdict_basis *by, struct locate_result *out)
{
	const struct infer_posterior *p = &by->belief->post;
	struct result_alternative a = {0};

	a.kind = RESULT_MIDDLEBOX;
	for (int h = 1; h <= by->belief->path.hops; h++)
		for (int place = PLACE_WIRE; place < PLACES; place++) {
			a.hop = h;
			a.place = (enum place)place;
			a.probability = p->at[h][place];
			if (h == out->verdict.hop &&
			    (out->verdict.place == a.place ||
				out->verdict.place == PLACE_UNKNOWN))
				continue;
			verdict_add_alternative(out, &a);
		}
	a.hop = 0;
	a.place = PLACE_UNKNOWN;
	for (int cause = 0; cause < INFER_CAUSES; cause++) {
		a.kind = verdict_to_kind((enum infer_cause)cause);
		a.probability = p->cause[cause];
		if (cause != INFER_DEVICE && a.kind != out->verdict.kind)
			verdict_add_alternative(out, &a);
	}
	verdict_add_response_hops(by, out);
}

static void
verdict_fill_policy(const struct verdict_basis *by, struct locate_result *out)
{
	const struct infer_posterior *p = &by->belief->post;

	if (p->policy[TTL_POLICY_COPIED] >= VERDICT_DETAIL_SURE)
		out->verdict.policy = TTL_POLICY_COPIED;
	else if (p->policy[TTL_POLICY_ARBITRARY] >= VERDICT_DETAIL_SURE)
		out->verdict.policy = TTL_POLICY_ARBITRARY;
	else if (p->policy[TTL_POLICY_IMITATED] >= VERDICT_DETAIL_SURE)
		out->verdict.policy = TTL_POLICY_IMITATED;
	else if (p->policy[TTL_POLICY_FIXED] >= VERDICT_DETAIL_SURE)
		out->verdict.policy = TTL_POLICY_FIXED;
	for (int i = 1; i < 256; i++)
		if (out->verdict.policy == TTL_POLICY_FIXED &&
		    p->initial[i] >= VERDICT_DETAIL_SURE)
			out->verdict.initial_ttl = i;
}

/* Was the server's side reset too? */
static enum result_tri
verdict_server_side(const struct verdict_basis *by)
{
	enum result_tri t = RESULT_UNSURE;
	const struct session_conn *sc;

	for (size_t i = 0; i < by->rounds->s.n_conns; i++) {
		sc = &by->rounds->s.conns[i];
		if (sc->quoted_reset || sc->server_alive == RESULT_NO)
			return RESULT_YES;
		if (sc->server_alive == RESULT_YES)
			t = RESULT_NO;
	}
	return t;
}

/* What it rolls its dice for, where resets and silences have shown it. */
static enum result_firing
verdict_firing(const struct verdict_basis *by, const struct locate_result *out)
{
	const struct infer_posterior *p = &by->belief->post;

	if (out->sweep.firing == RESULT_SWEEP_BY_FLOW)
		return RESULT_FIRING_PER_FLOW;
	if (p->dice[INFER_DICE_CONNECTION] >= VERDICT_DICE_SURE)
		return RESULT_FIRING_PER_CONNECTION;
	if (p->dice[INFER_DICE_PACKET] + p->dice[INFER_DICE_ONCE] >=
	    VERDICT_DICE_SURE)
		return RESULT_FIRING_PER_PACKET;
	return RESULT_FIRING_UNKNOWN;
}

/* How it behaves: its TTLs, in the path or not, one end or both, its dice. */
static void
verdict_fill_manner(const struct verdict_basis *by, struct locate_result *out)
{
	const struct infer_posterior *p = &by->belief->post;

	verdict_fill_policy(by, out);
	if (by->ask->trigger == RESULT_TRIGGER_NONE)
		return;
	if (p->drops >= VERDICT_DROPS_SURE)
		out->verdict.in_path = RESULT_YES;
	else if (p->drops <= 1 - VERDICT_DROPS_SURE)
		out->verdict.in_path = RESULT_NO;
	out->verdict.resets_server_too = verdict_server_side(by);
	out->verdict.firing = verdict_firing(by, out);
}

static void
verdict_fill_device(const struct verdict_basis *by, struct locate_result *out)
{
	const struct infer_posterior *p = &by->belief->post;
	int hop = p->best_hop;
	enum place place;

	out->verdict.kind = RESULT_MIDDLEBOX;
	out->verdict.forged = RESULT_YES;
	out->verdict.hop = hop;
	out->verdict.confidence = p->hop[hop];
	place = p->at[hop][PLACE_WIRE] > p->at[hop][PLACE_ROUTER]
	    ? PLACE_WIRE
	    : PLACE_ROUTER;
	if (p->at[hop][place] >= by->ask->confidence ||
	    by->ask->trigger == RESULT_TRIGGER_NONE)
		out->verdict.place = place;
	verdict_fill_neighbours(by, out);
	verdict_fill_manner(by, out);
}

/*
 * A device for sure, yet not which: its threshold may say between which two
 * hops it is, and how it behaves is known all the same.
 */
static void
verdict_fill_unlocated(
    const struct verdict_basis *by, struct locate_result *out)
{
	const struct infer_posterior *p = &by->belief->post;

	out->verdict.forged = RESULT_YES;
	verdict_fill_manner(by, out);
	if (p->threshold < by->ask->confidence || p->best_threshold < 2)
		return;
	out->verdict.between[0] =
	    verdict_hop_address(by, out, p->best_threshold - 1);
	out->verdict.between[1] =
	    verdict_hop_address(by, out, p->best_threshold);
}

static void
verdict_fill_cause(const struct verdict_basis *by, struct locate_result *out,
    enum infer_cause cause)
{
	out->verdict.kind = verdict_to_kind(cause);
	out->verdict.confidence = by->belief->post.cause[cause];
	if (cause == INFER_SERVER)
		out->verdict.forged = RESULT_NO;
	if (cause != INFER_RESPONSE)
		return;
	out->verdict.forged = RESULT_YES;
	out->verdict.resets_server_too = verdict_server_side(by);
}

/*
 * The user's own client, which drew no reset that a device could have sent.
 * Were there a device that resets with a probability of which nothing is known,
 * n runs would all be silent once in n + 1 times.
 */
static void
verdict_judge_exec(struct locate_result *out)
{
	if (out->exec_resets > 0) {
		out->verdict.kind = RESULT_SERVER;
		out->verdict.forged = RESULT_NO;
		out->verdict.confidence = VERDICT_GENUINE_SURE;
		return;
	}
	out->verdict.kind = RESULT_NOT_REPRODUCED;
	out->verdict.confidence =
	    (out->exec_runs + 1.0) / (out->exec_runs + 2.0);
}

/*
 * From --rst-ttl and the trace alone: the best candidate, however likely.
 * Does the verdict rest on the posterior?
 */
static bool
verdict_judge_given(const struct verdict_basis *by, struct locate_result *out)
{
	if (by->ask->n_rst_ttls == 0 && out->exec_runs > 0) {
		verdict_judge_exec(out);
		return false;
	}
	if (by->ask->n_rst_ttls == 0 || out->path.n_hops == 0)
		return false;
	if (by->belief->post.cause[INFER_SERVER] >
	    by->belief->post.hop[by->belief->post.best_hop])
		verdict_fill_cause(by, out, INFER_SERVER);
	else
		verdict_fill_device(by, out);
	out->verdict.forged = RESULT_UNSURE;
	return true;
}

static bool
verdict_tags_came_back(const struct session *s)
{
	for (size_t i = 0; i < s->n_resets; i++)
		if (s->resets[i].facts.seq_match == RESULT_SEQ_TAG)
			return true;
	return false;
}

/*
 * The resets stopped: of n triggers at full TTL k were reset, all among the
 * first m.  By chance that is C(m, k) in C(n, k).  What was sent later, below
 * the server, then says nothing; and no device may be named by it, nor the
 * server.
 */
static bool
verdict_has_stopped(const struct verdict_basis *by, struct locate_result *out)
{
	unsigned int n = 0, k = 0, m = 0;
	double p;

	for (size_t i = 0; i < by->rounds->n_trials; i++) {
		if (by->rounds->trials[i].kind != TRIAL_FULL ||
		    block_spoils(by->rounds, &by->rounds->trials[i]) ||
		    (by->rounds->trials[i].state != TRIAL_SENT &&
			by->rounds->trials[i].state != TRIAL_SETTLED))
			continue;
		n++;
		if (!trial_drew_reset(&by->rounds->s, &by->rounds->trials[i]))
			continue;
		k++;
		m = n;
	}
	if (k == 0 || n - m < VERDICT_STOPPED_MIN ||
	    rounds_count(by->rounds, TRIAL_BURST, true) +
		    rounds_count(by->rounds, TRIAL_SINGLE, true) >
		0)
		return false;
	p = exp(stats_log_choose(m, k) - stats_log_choose(n, k));
	if (p >= VERDICT_STOPPED_P)
		return false;
	result_note(&out->notes,
	    "The resets stopped: %u of the first %u triggers were reset, none "
	    "of the %u after them. Run it again when they are back.",
	    k, m, n - m);
	return true;
}

/* No reset came.  Does the verdict rest on the posterior? */
static bool
verdict_judge_silence(const struct verdict_basis *by, struct locate_result *out)
{
	const struct result_head *h = &out->head;

	if (h->interrupted != 0 || h->trouble.kind != FAULT_NONE)
		return false;
	verdict_fill_cause(by, out, INFER_NOTHING);
	return true;
}

/* Likewise, where trials were made. */
static bool
verdict_judge_trials(const struct verdict_basis *by, struct locate_result *out)
{
	const struct infer_posterior *p = &by->belief->post;

	if (out->reproduction.trials == 0)
		return false;
	if (by->rounds->s.n_resets == 0 || out->n_resets == 0)
		return verdict_judge_silence(by, out);
	if (by->belief->clues.blocked &&
	    !verdict_tags_came_back(&by->rounds->s)) {
		result_note(&out->notes,
		    "Whatever is sent is reset once the trigger was: "
		    "something blocks the pair of addresses for a while. Run "
		    "it again with --cooldown longer than that.");
		return false;
	}
	if (verdict_has_stopped(by, out)) {
		if (p->cause[INFER_SERVER] < 0.01)
			out->verdict.forged = RESULT_YES;
		return false;
	}
	if (p->hop[p->best_hop] >= by->ask->confidence)
		verdict_fill_device(by, out);
	else if (p->cause[INFER_SERVER] >= VERDICT_CAUSE_SURE)
		verdict_fill_cause(by, out, INFER_SERVER);
	else if (p->cause[INFER_RESPONSE] >= VERDICT_CAUSE_SURE)
		verdict_fill_cause(by, out, INFER_RESPONSE);
	else if (p->cause[INFER_DEVICE] >= by->ask->confidence)
		verdict_fill_unlocated(by, out);
	else if (p->cause[INFER_SERVER] < 0.01)
		out->verdict.forged = RESULT_YES;
	return true;
}

/* What the verdict names; false: nothing. */
static bool
verdict_named_hypothesis(
    const struct locate_result *r, struct infer_hypothesis *out)
{
	*out = (struct infer_hypothesis){INFER_DEVICE, 0};
	switch (r->verdict.kind) {
	case RESULT_MIDDLEBOX:
	case RESULT_LOAD_BALANCER:
		out->hop = r->verdict.hop;
		return true;
	case RESULT_SERVER:
		out->cause = INFER_SERVER;
		return true;
	case RESULT_RESPONSE_TRIGGERED:
		out->cause = INFER_RESPONSE;
		return true;
	case RESULT_NOT_REPRODUCED:
		out->cause = INFER_NOTHING;
		return true;
	case RESULT_UNDETERMINED:
		break;
	}
	return false;
}

/* What each class of observations was worth to the verdict. */
static int
verdict_fill_odds(
    const struct verdict_basis *by, struct locate_result *out, struct fault *f)
{
	struct infer_hypothesis named;
	bool is_named = verdict_named_hypothesis(out, &named);

	if (infer_explain(by->belief->assumed, is_named ? &named : NULL, NULL,
		&out->verdict.odds, f) == -1)
		return -1;
	out->verdict.has_odds = true;
	return 0;
}

int
verdict_fill(const struct locate_ask *ask, const struct rounds *rounds,
    const struct belief *belief, struct locate_result *out, struct fault *f)
{
	const struct verdict_basis basis = {ask, rounds, belief}, *by = &basis;
	bool by_posterior;

	out->verdict.kind = RESULT_UNDETERMINED;
	by_posterior = by->ask->trigger == RESULT_TRIGGER_NONE
	    ? verdict_judge_given(by, out)
	    : verdict_judge_trials(by, out);
	if (by_posterior && by->belief->assumed != NULL &&
	    verdict_fill_odds(by, out, f) == -1)
		return -1;
	if (out->verdict.kind == RESULT_UNDETERMINED)
		out->verdict.confidence =
		    by->belief->post.hop[by->belief->post.best_hop];
	if (out->n_resets > 0 || out->n_given_ttls > 0)
		verdict_fill_alternatives(by, out);
	verdict_fill_reasons(by, out);
	verdict_fill_next(by, out);
	return 0;
}
