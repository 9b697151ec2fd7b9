/*
 * From the posterior to the verdict: who, how sure, what else it could be.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/stats.h>

#include "locate_int.h"

/* What is said of the device beside its hop must be this likely. */
#define DETAIL_SURE 0.8
#define DROPS_SURE  0.9
#define DICE_SURE   0.9
/* A cause other than a device may be named from here on. */
#define CAUSE_SURE 0.8
/* What judge/rst calls genuine is forged in fewer than one in ten. */
#define GENUINE_SURE 0.9
/* The resets have stopped, if so many at least failed, so improbably. */
#define STOPPED_MIN 5
#define STOPPED_P   0.002
/* Alternatives that are worth a line. */
#define WORTH_SAYING 0.005

static enum result_place
to_place(enum infer_place p)
{
	return p == INFER_WIRE ? RESULT_WIRE : RESULT_ROUTER;
}

static enum result_kind
to_kind(enum infer_cause c)
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
add_alternative(struct locate_result *r, const struct result_alternative *a)
{
	size_t i, n = r->verdict.n_alternatives;

	if (a->probability < WORTH_SAYING)
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

/* A device that the answer fires: hops that its resets' TTL speaks for. */
static void
add_response_hops(const struct campaign *c)
{
	struct result_alternative v[VERDICT_RESPONSE_HOPS];
	size_t i, n = verdict_response_hops(c, v);

	if (c->out->verdict.kind != RESULT_RESPONSE_TRIGGERED)
		return;
	for (i = 0; i < n; i++)
		add_alternative(c->out, &v[i]);
}

/* All that is not what the verdict says, most probable first. */
static void
fill_alternatives(const struct campaign *c)
{
	const struct infer_posterior *p = &c->post;
	struct locate_result *r = c->out;
	struct result_alternative a = {0};
	int h, place, cause;

	a.kind = RESULT_MIDDLEBOX;
	for (h = 1; h <= c->infer_path.hops; h++)
		for (place = 0; place < INFER_PLACES; place++) {
			a.hop = h;
			a.place = to_place((enum infer_place)place);
			a.probability = p->at[h][place];
			if (h == r->verdict.hop &&
			    (r->verdict.place == a.place ||
				r->verdict.place == RESULT_PLACE_UNKNOWN))
				continue;
			add_alternative(r, &a);
		}
	a.hop = 0;
	a.place = RESULT_PLACE_UNKNOWN;
	for (cause = INFER_SERVER; cause <= INFER_NOTHING; cause++) {
		a.kind = to_kind((enum infer_cause)cause);
		a.probability = p->cause[cause];
		if (a.kind != r->verdict.kind)
			add_alternative(r, &a);
	}
	add_response_hops(c);
}

static void
fill_policy(const struct campaign *c)
{
	const struct infer_posterior *p = &c->post;
	struct locate_result *r = c->out;
	int i;

	if (p->policy[INFER_COPIED] >= DETAIL_SURE)
		r->verdict.policy = RESULT_POLICY_COPY;
	else if (p->policy[INFER_ARBITRARY] >= DETAIL_SURE)
		r->verdict.policy = RESULT_POLICY_RANDOM;
	else if (p->policy[INFER_IMITATED] >= DETAIL_SURE)
		r->verdict.policy = RESULT_POLICY_IMITATES_SERVER;
	else if (p->policy[INFER_FIXED] >= DETAIL_SURE)
		r->verdict.policy = RESULT_POLICY_FIXED;
	for (i = 1; i < 256; i++)
		if (r->verdict.policy == RESULT_POLICY_FIXED &&
		    p->initial[i] >= DETAIL_SURE)
			r->verdict.initial_ttl = i;
}

/* Was the server's side reset too? */
static enum result_tri
server_side(const struct campaign *c)
{
	enum result_tri t = RESULT_UNSURE;
	const struct session_conn *sc;
	size_t i;

	for (i = 0; i < c->s.n_conns; i++) {
		sc = &c->s.conns[i];
		if (sc->quoted_reset || sc->server_alive == RESULT_NO)
			return RESULT_YES;
		if (sc->server_alive == RESULT_YES)
			t = RESULT_NO;
	}
	return t;
}

/* What it rolls its dice for, where its silences and firings have shown it. */
static enum result_firing
firing(const struct campaign *c)
{
	const struct infer_posterior *p = &c->post;

	if (c->out->sweep.firing == RESULT_SWEEP_BY_FLOW)
		return RESULT_FIRING_PER_FLOW;
	if (p->dice[INFER_DICE_CONNECTION] >= DICE_SURE)
		return RESULT_FIRING_PER_CONNECTION;
	if (p->dice[INFER_DICE_PACKET] + p->dice[INFER_DICE_ONCE] >= DICE_SURE)
		return RESULT_FIRING_PER_PACKET;
	return RESULT_FIRING_UNKNOWN;
}

/* How it behaves: its TTLs, in the path or not, one end or both, its dice. */
static void
fill_manner(const struct campaign *c)
{
	const struct infer_posterior *p = &c->post;
	struct locate_result *r = c->out;

	fill_policy(c);
	if (c->ask->trigger == RESULT_TRIGGER_NONE)
		return;
	if (p->drops >= DROPS_SURE)
		r->verdict.in_path = RESULT_YES;
	else if (p->drops <= 1 - DROPS_SURE)
		r->verdict.in_path = RESULT_NO;
	r->verdict.resets_server_too = server_side(c);
	r->verdict.firing = firing(c);
}

static void
fill_device(const struct campaign *c)
{
	const struct infer_posterior *p = &c->post;
	struct locate_result *r = c->out;
	int hop = p->best_hop;
	enum infer_place place;

	r->verdict.kind = RESULT_MIDDLEBOX;
	r->verdict.forged = RESULT_YES;
	r->verdict.hop = hop;
	r->verdict.confidence = p->hop[hop];
	place = p->at[hop][INFER_WIRE] > p->at[hop][INFER_ROUTER]
	    ? INFER_WIRE
	    : INFER_ROUTER;
	if (p->at[hop][place] >= c->ask->confidence ||
	    c->ask->trigger == RESULT_TRIGGER_NONE)
		r->verdict.place = to_place(place);
	verdict_fill_neighbours(c);
	fill_manner(c);
}

/*
 * A device for sure, yet not which: its threshold may say between which two
 * hops it is, and how it behaves is known all the same.
 */
static void
fill_unlocated(const struct campaign *c)
{
	const struct infer_posterior *p = &c->post;
	struct locate_result *r = c->out;

	r->verdict.forged = RESULT_YES;
	fill_manner(c);
	if (p->threshold < c->ask->confidence || p->best_threshold < 2)
		return;
	r->verdict.between[0] = verdict_hop_address(c, p->best_threshold - 1);
	r->verdict.between[1] = verdict_hop_address(c, p->best_threshold);
}

static void
fill_cause(const struct campaign *c, enum infer_cause cause)
{
	struct locate_result *r = c->out;

	r->verdict.kind = to_kind(cause);
	r->verdict.confidence = c->post.cause[cause];
	if (cause == INFER_SERVER)
		r->verdict.forged = RESULT_NO;
	if (cause != INFER_RESPONSE)
		return;
	r->verdict.forged = RESULT_YES;
	r->verdict.resets_server_too = server_side(c);
}

/*
 * The user's own client, which drew no reset that a device could have sent.
 * Were there one that fires with a probability of which nothing is known, n
 * runs would all be silent once in n + 1 times.
 */
static void
judge_exec(const struct campaign *c)
{
	struct locate_result *r = c->out;

	if (r->exec_resets > 0) {
		r->verdict.kind = RESULT_SERVER;
		r->verdict.forged = RESULT_NO;
		r->verdict.confidence = GENUINE_SURE;
		return;
	}
	r->verdict.kind = RESULT_NOT_REPRODUCED;
	r->verdict.confidence = (r->exec_runs + 1.0) / (r->exec_runs + 2.0);
}

/*
 * From --rst-ttl and the trace alone: the best candidate, however likely.
 * Does the verdict rest on the posterior?
 */
static bool
judge_given(const struct campaign *c)
{
	if (c->ask->n_rst_ttls == 0 && c->out->exec_runs > 0) {
		judge_exec(c);
		return false;
	}
	if (c->ask->n_rst_ttls == 0 || c->out->path.n_hops == 0)
		return false;
	if (c->post.cause[INFER_SERVER] > c->post.hop[c->post.best_hop])
		fill_cause(c, INFER_SERVER);
	else
		fill_device(c);
	c->out->verdict.forged = RESULT_UNSURE;
	return true;
}

static bool
tags_came_back(const struct session *s)
{
	size_t i;

	for (i = 0; i < s->n_resets; i++)
		if (s->resets[i].facts.seq_match == RESULT_SEQ_TAG)
			return true;
	return false;
}

/*
 * The resets stopped: of n triggers at full TTL k were reset, all among the
 * first m.  By chance that is C(m, k) in C(n, k).  What was fired later, below
 * the server, then says nothing; and no device may be named by it, nor the
 * server.
 */
static bool
has_stopped(const struct campaign *c)
{
	unsigned int n = 0, k = 0, m = 0;
	double p;
	size_t i;

	for (i = 0; i < c->n_trials; i++) {
		if (c->trials[i].kind != TRIAL_FULL ||
		    campaign_is_contaminated(c, &c->trials[i]) ||
		    (c->trials[i].state != TRIAL_SENT &&
			c->trials[i].state != TRIAL_SETTLED))
			continue;
		n++;
		if (!trial_drew_reset(&c->s, &c->trials[i]))
			continue;
		k++;
		m = n;
	}
	if (k == 0 || n - m < STOPPED_MIN ||
	    campaign_count(c, TRIAL_BURST, true) +
		    campaign_count(c, TRIAL_SINGLE, true) >
		0)
		return false;
	p = exp(stats_log_choose(m, k) - stats_log_choose(n, k));
	if (p >= STOPPED_P)
		return false;
	result_note(&c->out->notes,
	    "The resets stopped: %u of the first %u triggers were reset, none "
	    "of the %u after them. Run it again when they are back.",
	    k, m, n - m);
	return true;
}

/* No reset came.  Does the verdict rest on the posterior? */
static bool
judge_silence(const struct campaign *c)
{
	const struct result_head *h = &c->out->head;

	if (h->interrupted || h->trouble.kind != FAULT_NONE)
		return false;
	fill_cause(c, INFER_NOTHING);
	return true;
}

/* Likewise, where trials were made. */
static bool
judge_trials(const struct campaign *c)
{
	const struct infer_posterior *p = &c->post;
	struct locate_result *r = c->out;

	if (r->reproduction.trials == 0)
		return false;
	if (c->s.n_resets == 0 || r->n_resets == 0)
		return judge_silence(c);
	if (c->clues.blocked && !tags_came_back(&c->s)) {
		result_note(&r->notes,
		    "Whatever is sent is reset once the trigger was: "
		    "something blocks the pair of addresses for a while. Run "
		    "it again with --cooldown longer than that.");
		return false;
	}
	if (has_stopped(c)) {
		if (p->cause[INFER_SERVER] < 0.01)
			r->verdict.forged = RESULT_YES;
		return false;
	}
	if (p->hop[p->best_hop] >= c->ask->confidence)
		fill_device(c);
	else if (p->cause[INFER_SERVER] >= CAUSE_SURE)
		fill_cause(c, INFER_SERVER);
	else if (p->cause[INFER_RESPONSE] >= CAUSE_SURE)
		fill_cause(c, INFER_RESPONSE);
	else if (p->cause[INFER_DEVICE] >= c->ask->confidence)
		fill_unlocated(c);
	else if (p->cause[INFER_SERVER] < 0.01)
		r->verdict.forged = RESULT_YES;
	return true;
}

/* What the verdict names; false: nothing. */
static bool
named_hypothesis(const struct locate_result *r, struct infer_hypothesis *out)
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
fill_odds(const struct campaign *c, struct fault *f)
{
	struct locate_result *r = c->out;
	struct infer_hypothesis named;
	bool is_named = named_hypothesis(r, &named);

	if (infer_explain(c->assumed, is_named ? &named : NULL, NULL,
		&r->verdict.odds, f) == -1)
		return -1;
	r->verdict.has_odds = true;
	return 0;
}

int
verdict_fill(struct campaign *c, struct fault *f)
{
	struct locate_result *r = c->out;
	bool by_posterior;

	r->verdict.kind = RESULT_UNDETERMINED;
	by_posterior = c->ask->trigger == RESULT_TRIGGER_NONE ? judge_given(c)
							      : judge_trials(c);
	if (by_posterior && c->assumed != NULL && fill_odds(c, f) == -1)
		return -1;
	if (r->verdict.kind == RESULT_UNDETERMINED)
		r->verdict.confidence = c->post.hop[c->post.best_hop];
	if (r->n_resets > 0 || r->n_given_ttls > 0)
		fill_alternatives(c);
	verdict_fill_reasons(c);
	verdict_fill_next(c);
	return 0;
}
