/*
 * The search: what to send next, and when it is enough.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rsthop/block.h>
#include <rsthop/pkt.h>
#include <rsthop/run.h>

#include "refusal.h"
#include "search.h"

/*
 * The search's own numbers.  tests/sim/SENSITIVITY.md shows what depends on
 * each; the word behind it is explained in src/judge/infer_odds.h.
 */

/* Plain bursts without a reset, before it is said to be the server. */
#define SEARCH_SILENT_BURSTS 3 /* count */
/* Likewise triggers at full TTL that drew one: more than a whim of its own. */
#define SEARCH_FULLS_DREW 3 /* count */
/* Of each kind, without anything new: no more will come of it. */
#define SEARCH_STALE 10 /* count */
/* Triggers at full TTL, at the least. */
#define SEARCH_FULLS_WANTED 3 /* count */
/* What else there is to know is worth so many rounds once the hop is sure. */
#define SEARCH_EXTRA_ROUNDS 14 /* count */
/* The first of them, without a pause. */
#define SEARCH_EXTRA_QUICK 4 /* count */
/* Of a single TTL: Linux answers 6 with time-exceeded at once (trap 8). */
#define SEARCH_COPIES 6 /* count */
/* Whether it drops what triggers it is known, so surely. */
#define SEARCH_DETAIL_SURE 0.9 /* odds */
/* Most of the resets' TTLs tell of a distance: nearly always all or none. */
#define SEARCH_TTLS_TELL 0.5 /* odds */
/* Of the doubt that was asked for, what may be left for the hop, the place. */
#define SEARCH_MARGIN	    0.5	 /* odds */
#define SEARCH_PLACE_MARGIN 0.25 /* odds */
/* What the best single TTL must tell, in nats. */
#define SEARCH_GAIN_MIN 0.02 /* weight */

/* --- is the campaign's question answered? --- */

/*
 * To stop as soon as the bar is touched is to stop by luck, now and then: the
 * search goes on for a little more than was asked, where more can be had.
 */
static double
search_goal(const struct rounds *rounds, double margin)
{
	return 1 - (1 - rounds->ask->confidence) * margin;
}

static bool
search_drops_known(const struct infer_posterior *p)
{
	return p->drops >= SEARCH_DETAIL_SURE ||
	    p->drops <= 1 - SEARCH_DETAIL_SURE;
}

/* Place within the hop, and in the path or beside it. */
static bool
search_details_known(const struct rounds *rounds, const struct belief *b)
{
	const double *at = b->post.at[b->post.best_hop];

	double sure = search_goal(rounds, SEARCH_PLACE_MARGIN);

	return (at[PLACE_WIRE] >= sure || at[PLACE_ROUTER] >= sure) &&
	    search_drops_known(&b->post);
}

/* The resets' TTLs tell of a distance, so that hops can still part. */
static bool
search_ttls_tell(const struct infer_posterior *p)
{
	return p->policy[TTL_POLICY_COPIED] + p->policy[TTL_POLICY_FIXED] -
	    p->initial[0] >
	    SEARCH_TTLS_TELL;
}

static bool
search_hop_is_sure(const struct rounds *rounds, const struct belief *b)
{
	return b->post.hop[b->post.best_hop] >=
	    search_goal(rounds, SEARCH_MARGIN);
}

/* Hop and threshold, or the threshold alone, are as sure as was asked. */
static bool
search_threshold_is_sure(const struct rounds *rounds, const struct belief *b)
{
	return b->post.threshold >= search_goal(rounds, SEARCH_MARGIN);
}

/*
 * Triggers draw resets, but none short of the server does: more of the same
 * would not tell the server from what stands right before it.
 */
static bool
search_is_stale(const struct rounds *rounds, const struct belief *b)
{
	if (b->clues.blocked && !block_tags_name(rounds))
		return rounds_count(rounds, TRIAL_BURST, false) >= SEARCH_STALE;
	return rounds_count(rounds, TRIAL_BURST, true) == 0 &&
	    rounds_count(rounds, TRIAL_SINGLE, true) == 0 &&
	    rounds_count_plain(rounds) >= SEARCH_STALE &&
	    rounds_count(rounds, TRIAL_FULL, true) >= SEARCH_STALE;
}

/*
 * The server, or a device that makes its answer the reset: TTL, IP ID and seq
 * are the same, and no probe that can be sent from here tells them apart.
 */
static bool
search_is_twin_of_answer(const struct rounds *rounds, const struct belief *b)
{
	const struct infer_posterior *p = &b->post;

	return b->id_follow > b->id_break &&
	    p->cause[INFER_SERVER] + p->cause[INFER_RESPONSE] >=
	    rounds->ask->confidence;
}

static bool
search_is_sure(
    const struct rounds *rounds, const struct belief *b, unsigned int extra)
{
	const struct infer_posterior *p = &b->post;

	/*
	 * That packets short of the server draw no reset, must have been seen.
	 */
	if (search_is_twin_of_answer(rounds, b) ||
	    p->cause[INFER_SERVER] >= rounds->ask->confidence ||
	    p->cause[INFER_RESPONSE] >= rounds->ask->confidence)
		return rounds_count(rounds, TRIAL_FULL, true) >=
		    SEARCH_FULLS_DREW &&
		    (rounds->load.last_ttl < 1 ||
			rounds_count_plain(rounds) >= SEARCH_SILENT_BURSTS);
	if (search_is_stale(rounds, b))
		return true;
	if (search_hop_is_sure(rounds, b))
		return search_details_known(rounds, b) ||
		    extra >= SEARCH_EXTRA_ROUNDS;
	if (!search_threshold_is_sure(rounds, b))
		return false;
	return extra >= SEARCH_EXTRA_ROUNDS ||
	    (extra >= SEARCH_EXTRA_QUICK && search_drops_known(p) &&
		!search_ttls_tell(p));
}

static int
search_update(
    struct rounds *rounds, struct belief *b, bool assume, struct fault *f)
{
	rounds_conclude_path(rounds);
	return belief_update(b, rounds, assume, f);
}

/*
 * Is it sure, as if nothing came any more to what still waits?  To leave the
 * silent ones out, while those that drew resets count, would make the device
 * look surer than it is.  And is it sure by what has settled, or once it has?
 * 1 yes, 0 no, -1.
 */
static int
search_has_verdict(struct rounds *rounds, struct belief *b, unsigned int extra,
    struct fault *f)
{
	if (search_update(rounds, b, false, f) == -1)
		return -1;
	if (search_is_sure(rounds, b, extra)) {
		if (search_update(rounds, b, true, f) == -1)
			return -1;
		return search_is_sure(rounds, b, extra);
	}
	if (search_update(rounds, b, true, f) == -1)
		return -1;
	if (!search_is_sure(rounds, b, extra))
		return 0;
	if (run_settle(rounds, true, f) == -1 ||
	    search_update(rounds, b, true, f) == -1)
		return -1;
	return search_is_sure(rounds, b, extra);
}

/* The single TTL whose outcome would tell most, and how much, in nats. */
static int
search_best_single(const struct rounds *rounds, const struct belief *b,
    int *best, double *gain, struct fault *f)
{
	double gains[INFER_MAX_HOPS + 1];

	if (infer_gains(b->assumed, rounds->load.last_ttl, SEARCH_COPIES, gains,
		f) == -1)
		return -1;
	*best = 1;
	for (int ttl = 2; ttl <= rounds->load.last_ttl; ttl++)
		if (gains[ttl] > gains[*best])
			*best = ttl;
	*gain = gains[*best];
	return 0;
}

/* A copy of a burst, tagged or plain, was named by the reset that it drew. */
static bool
search_burst_named_copy(const struct rounds *rounds)
{
	const struct trial *t;

	for (size_t i = 0; i < rounds->n_trials; i++) {
		t = &rounds->trials[i];
		for (size_t k = 0; t->kind == TRIAL_BURST && k < t->n_probes;
		     k++)
			if (rounds->s.probes[t->first_probe + k].drew_reset)
				return true;
	}
	return false;
}

/* A plain burst has drawn a reset. */
static bool
search_plain_draws(const struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->n_trials; i++)
		if (rounds->trials[i].plain &&
		    !trial_is_control(&rounds->trials[i]) &&
		    trial_drew_reset(&rounds->s, &rounds->trials[i]))
			return true;
	return false;
}

/*
 * What is sent below the server: tagged bursts, which tell most; singles
 * where the tags do not come back.  While no tagged burst has drawn anything,
 * plain ones in turn with them; and once a plain one has, singles.
 */
static enum trial_kind
search_choose_kind(
    const struct rounds *rounds, const struct belief *b, bool *plain)
{
	unsigned int drew = rounds_count(rounds, TRIAL_BURST, false) +
	    rounds_count(rounds, TRIAL_SINGLE, false);

	*plain = false;
	if (b->clues.blocked)
		return TRIAL_BURST;
	if (b->untagged && !search_burst_named_copy(rounds))
		return TRIAL_SINGLE;
	if (b->clues.tags_pass &&
	    (search_hop_is_sure(rounds, b) ||
		search_threshold_is_sure(rounds, b)))
		return TRIAL_SINGLE;
	/* What is not tagged could end another program's connection. */
	if (b->clues.tags_pass || drew % 2 == 0 ||
	    rounds->ask->attach.port != 0)
		return TRIAL_BURST;
	if (search_plain_draws(rounds))
		return TRIAL_SINGLE;
	*plain = true;
	return TRIAL_BURST;
}

/* What the next round sends. */
static size_t
search_choose_round(const struct rounds *rounds, const struct belief *b,
    unsigned int width, struct shot_plan plans[ROUNDS_WIDTH])
{
	struct shot_plan first = {.kind = TRIAL_FULL};
	size_t n = 0;

	if (rounds->load.last_ttl >= 1)
		first.kind = search_choose_kind(rounds, b, &first.plain);
	if (first.kind == TRIAL_SINGLE) {
		first.copies = SEARCH_COPIES;
		first.tagged =
		    b->clues.tags_pass || rounds->ask->attach.port != 0;
	}
	plans[n++] = first;
	while (first.kind == TRIAL_BURST && n < width && n < ROUNDS_WIDTH - 2)
		plans[n++] = first;
	/* What bears no tag, and meets the block of a reset, tells nothing. */
	if (block_meets_trials(rounds) && block_tags_name(rounds) &&
	    !block_spaces_trials(rounds))
		return n;
	if (rounds_count(rounds, TRIAL_FULL, false) < SEARCH_FULLS_WANTED ||
	    (rounds_count(rounds, TRIAL_BURST, true) == 0 && !b->untagged)) {
		n = rounds_add_triggers(rounds, 1, plans, n);
	}
	return n;
}

static void
search_tell_trials(const struct rounds *rounds, const struct belief *b)
{
	char text[120];
	const struct infer_posterior *p = &b->post;

	snprintf(text, sizeof(text),
	    "%zu connections, %zu resets; hop %d %.0f %%", rounds->s.n_conns,
	    rounds->s.n_resets, p->best_hop, 100 * p->hop[p->best_hop]);
	rounds_progress(rounds, text);
}

/*
 * Whether it drops what triggers it, shows in time-exceeded that do not come;
 * routers that are asked too often tell nothing.
 */
static int
search_let_routers_rest(struct rounds *rounds, struct fault *f)
{
	return rounds_wait(rounds, PKT_ICMP_REST_NS, f);
}

int
search_run(struct rounds *rounds, struct belief *b, struct fault *f)
{
	struct shot_plan plans[ROUNDS_WIDTH];
	unsigned int width = 1;
	unsigned int extra = 0; /* rounds since the hop or T is sure */
	double gain = 0;
	size_t n;
	int rc;

	while (!rounds_are_over(rounds, 1)) {
		rc = search_has_verdict(rounds, b, extra, f);
		if (rc != 0)
			return rc == 1 ? 0 : -1;
		search_tell_trials(rounds, b);
		if ((search_hop_is_sure(rounds, b) ||
			search_threshold_is_sure(rounds, b)) &&
		    ++extra > SEARCH_EXTRA_QUICK &&
		    !search_drops_known(&b->post) &&
		    search_let_routers_rest(rounds, f) == -1)
			return -1;
		rounds->vary_full =
		    rounds_count(rounds, TRIAL_BURST, true) == 0;
		n = search_choose_round(rounds, b, width, plans);
		if (plans[0].kind == TRIAL_SINGLE &&
		    search_best_single(rounds, b, &plans[0].ttl, &gain, f) ==
			-1)
			return -1;
		/* What is sure is told, and what is not can't be known. */
		if (plans[0].kind == TRIAL_SINGLE && gain < SEARCH_GAIN_MIN &&
		    search_hop_is_sure(rounds, b) &&
		    search_drops_known(&b->post) && extra > 1)
			return run_settle(rounds, true, f);
		if (run_trials(rounds, plans, n, f) == -1)
			return -1;
		/* Silent: more side by side. */
		width = rounds_count(rounds, TRIAL_BURST, true) == 0 ? 2 * width
								     : 1;
		if (width > ROUNDS_WIDTH / 2)
			width = ROUNDS_WIDTH / 2;
		if (!rounds->alone && refusal_is_seen(rounds) &&
		    refusal_go_alone(rounds, !belief_has_begun(b), f) == -1)
			return -1;
	}
	rounds_tell_end(rounds, 1);
	return run_settle(rounds, true, f);
}
