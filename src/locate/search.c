/*
 * The search: what to fire next, and when it is enough.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rsthop/clock.h>

#include "locate_int.h"

#define SILENT_BURSTS 3	 /* plain ones, before it is said to be the server */
#define FULLS_FIRED   3	 /* likewise: more than a whim of its own */
#define STALE	      10 /* of each: no more will come of it */
#define FULLS_WANTED  3	 /* triggers at full TTL, at the least */
/* What else there is to know is worth so many rounds once the hop is sure. */
#define EXTRA_ROUNDS 14
#define EXTRA_QUICK  4 /* of them without a pause */
/* Of a single TTL: what a router's time-exceeded may be asked for at once. */
#define COPIES	     6
#define DETAIL_SURE  0.9
#define MARGIN	     0.5
#define GAIN_MIN     0.02 /* nats */
#define PLACE_MARGIN 0.25
#define REST_NS	     (CLOCK_S + 50 * CLOCK_MS)

/* Is the campaign's question answered? */

/*
 * To stop as soon as the bar is touched is to stop by luck, now and then: the
 * search goes on for a little more than was asked, where more can be had.
 */
static double
goal(const struct campaign *c, double margin)
{
	return 1 - (1 - c->ask->confidence) * margin;
}

static bool
drops_known(const struct infer_posterior *p)
{
	return p->drops >= DETAIL_SURE || p->drops <= 1 - DETAIL_SURE;
}

/* Place within the hop, and in the path or beside it. */
static bool
details_known(const struct campaign *c)
{
	const double *at = c->post.at[c->post.best_hop];

	double sure = goal(c, PLACE_MARGIN);

	return (at[INFER_WIRE] >= sure || at[INFER_ROUTER] >= sure) &&
	    drops_known(&c->post);
}

/* The resets' TTLs tell of a distance, so that hops can still part. */
static bool
ttls_tell(const struct infer_posterior *p)
{
	return p->policy[INFER_COPIED] + p->policy[INFER_FIXED] -
	    p->initial[0] >
	    0.5;
}

static bool
hop_is_sure(const struct campaign *c)
{
	return c->post.hop[c->post.best_hop] >= goal(c, MARGIN);
}

/* Hop and threshold, or the threshold alone, are as sure as was asked. */
static bool
threshold_is_sure(const struct campaign *c)
{
	return c->post.threshold >= goal(c, MARGIN);
}

/*
 * It fires, and nothing short of the server ever does: more of the same would
 * not tell the server from what stands right before it.
 */
static bool
is_stale(const struct campaign *c)
{
	if (c->clues.blocked && !campaign_tags_name(c))
		return campaign_count(c, TRIAL_BURST, false) >= STALE;
	return campaign_count(c, TRIAL_BURST, true) == 0 &&
	    campaign_count(c, TRIAL_SINGLE, true) == 0 &&
	    campaign_count_plain(c) >= STALE &&
	    campaign_count(c, TRIAL_FULL, true) >= STALE;
}

/*
 * The server, or a device that makes its answer the reset: TTL, IP ID and seq
 * are the same, and no probe that can be sent from here tells them apart.
 */
static bool
is_twin_of_answer(const struct campaign *c)
{
	const struct infer_posterior *p = &c->post;

	return c->id_follow > c->id_break &&
	    p->cause[INFER_SERVER] + p->cause[INFER_RESPONSE] >=
	    c->ask->confidence;
}

static bool
is_sure(const struct campaign *c)
{
	const struct infer_posterior *p = &c->post;

	/* That packets short of the server fire nothing, must have been seen. */
	if (is_twin_of_answer(c) ||
	    p->cause[INFER_SERVER] >= c->ask->confidence ||
	    p->cause[INFER_RESPONSE] >= c->ask->confidence)
		return campaign_count(c, TRIAL_FULL, true) >= FULLS_FIRED &&
		    (c->load.last_ttl < 1 ||
			campaign_count_plain(c) >= SILENT_BURSTS);
	if (is_stale(c))
		return true;
	if (hop_is_sure(c))
		return details_known(c) || c->extra_rounds >= EXTRA_ROUNDS;
	if (!threshold_is_sure(c))
		return false;
	return c->extra_rounds >= EXTRA_ROUNDS ||
	    (c->extra_rounds >= EXTRA_QUICK && drops_known(p) && !ttls_tell(p));
}

/*
 * Sure as if of all that still waits nothing came: to leave the silent ones
 * out while those that fired count would make the device look surer than it
 * is.  And sure by what has settled, or once it has.  1 yes, 0 no, -1.
 */
static int
has_verdict(struct campaign *c, struct fault *f)
{
	if (campaign_update(c, false, f) == -1)
		return -1;
	if (is_sure(c)) {
		if (campaign_update(c, true, f) == -1)
			return -1;
		return is_sure(c);
	}
	if (campaign_update(c, true, f) == -1)
		return -1;
	if (!is_sure(c))
		return 0;
	if (campaign_settle(c, true, f) == -1 ||
	    campaign_update(c, true, f) == -1)
		return -1;
	return is_sure(c);
}

/* The single TTL whose outcome would tell most, and how much, in nats. */
static int
best_single(const struct campaign *c, int *best, double *gain, struct fault *f)
{
	double gains[INFER_MAX_HOPS + 1];
	int ttl;

	if (infer_gains(c->assumed, c->load.last_ttl, COPIES, gains, f) == -1)
		return -1;
	*best = 1;
	for (ttl = 2; ttl <= c->load.last_ttl; ttl++)
		if (gains[ttl] > gains[*best])
			*best = ttl;
	*gain = gains[*best];
	return 0;
}

/* A burst's copy was named by the reset that it fired. */
static bool
tags_name(const struct campaign *c)
{
	const struct trial *t;
	size_t i, k;

	for (i = 0; i < c->n_trials; i++) {
		t = &c->trials[i];
		for (k = 0; t->kind == TRIAL_BURST && k < t->n_probes; k++)
			if (c->s.probes[t->first_probe + k].drew_reset)
				return true;
	}
	return false;
}

/* A plain burst has drawn a reset. */
static bool
plain_fires(const struct campaign *c)
{
	size_t i;

	for (i = 0; i < c->n_trials; i++)
		if (c->trials[i].plain && !trial_is_control(&c->trials[i]) &&
		    trial_drew_reset(&c->s, &c->trials[i]))
			return true;
	return false;
}

/*
 * What is fired below the server: tagged bursts, which tell most; singles
 * where the tags do not come back.  While no tagged burst has drawn anything,
 * plain ones in turn with them; and once a plain one has, singles.
 */
static enum trial_kind
choose_kind(const struct campaign *c, bool *plain)
{
	unsigned int fired = campaign_count(c, TRIAL_BURST, false) +
	    campaign_count(c, TRIAL_SINGLE, false);

	*plain = false;
	if (c->clues.blocked)
		return TRIAL_BURST;
	if (c->untagged && !tags_name(c))
		return TRIAL_SINGLE;
	if (c->clues.tags_pass && (hop_is_sure(c) || threshold_is_sure(c)))
		return TRIAL_SINGLE;
	/* What is not tagged could end another program's connection. */
	if (c->clues.tags_pass || fired % 2 == 0 || c->ask->attach.port != 0)
		return TRIAL_BURST;
	if (plain_fires(c))
		return TRIAL_SINGLE;
	*plain = true;
	return TRIAL_BURST;
}

/* What the next round sends. */
static size_t
choose_round(const struct campaign *c, unsigned int width,
    struct shot_plan plans[CAMPAIGN_ROUND])
{
	struct shot_plan first = {.kind = TRIAL_FULL};
	size_t n = 0;

	if (c->load.last_ttl >= 1)
		first.kind = choose_kind(c, &first.plain);
	if (first.kind == TRIAL_SINGLE) {
		first.copies = COPIES;
		first.tagged = c->clues.tags_pass || c->ask->attach.port != 0;
	}
	plans[n++] = first;
	while (first.kind == TRIAL_BURST && n < width && n < CAMPAIGN_ROUND - 2)
		plans[n++] = first;
	/* What bears no tag, and meets the block of a firing, tells nothing. */
	if (campaign_minds_block(c) && campaign_tags_name(c) &&
	    !campaign_is_spaced(c))
		return n;
	if (campaign_count(c, TRIAL_FULL, false) < FULLS_WANTED ||
	    (campaign_count(c, TRIAL_BURST, true) == 0 && !c->untagged)) {
		n = campaign_add_triggers(c, 1, plans, n);
	}
	return n;
}

static void
tell_trials(const struct campaign *c)
{
	char text[120];
	const struct infer_posterior *p = &c->post;

	snprintf(text, sizeof(text),
	    "%zu connections, %zu resets; hop %d %.0f %%", c->s.n_conns,
	    c->s.n_resets, p->best_hop, 100 * p->hop[p->best_hop]);
	campaign_progress(c, text);
}

/*
 * Whether it drops what fires it, shows in time-exceeded that do not come;
 * routers that are asked too often tell nothing.
 */
static int
let_routers_rest(struct campaign *c, struct fault *f)
{
	int64_t until = session_now(&c->s) + REST_NS;

	return session_pump(&c->s, until < c->end_ns ? until : c->end_ns, NULL,
		   NULL, f) == -1
	    ? -1
	    : 0;
}

int
campaign_find_device(struct campaign *c, struct fault *f)
{
	struct shot_plan plans[CAMPAIGN_ROUND];
	unsigned int width = 1;
	double gain = 0;
	size_t n;
	int rc;

	while (!campaign_is_over(c, 1)) {
		rc = has_verdict(c, f);
		if (rc != 0)
			return rc == 1 ? 0 : -1;
		tell_trials(c);
		if ((hop_is_sure(c) || threshold_is_sure(c)) &&
		    ++c->extra_rounds > EXTRA_QUICK && !drops_known(&c->post) &&
		    let_routers_rest(c, f) == -1)
			return -1;
		c->vary_full = campaign_count(c, TRIAL_BURST, true) == 0;
		n = choose_round(c, width, plans);
		if (plans[0].kind == TRIAL_SINGLE &&
		    best_single(c, &plans[0].ttl, &gain, f) == -1)
			return -1;
		/* What is sure is told, and what is not can't be known. */
		if (plans[0].kind == TRIAL_SINGLE && gain < GAIN_MIN &&
		    hop_is_sure(c) && drops_known(&c->post) &&
		    c->extra_rounds > 1)
			return campaign_settle(c, true, f);
		if (campaign_run(c, plans, n, f) == -1)
			return -1;
		/* Silent: more side by side. */
		width =
		    campaign_count(c, TRIAL_BURST, true) == 0 ? 2 * width : 1;
		if (width > CAMPAIGN_ROUND / 2)
			width = CAMPAIGN_ROUND / 2;
		if (!c->alone && campaign_is_refused(c) &&
		    campaign_go_alone(c, f) == -1)
			return -1;
	}
	campaign_tell_end(c, 1);
	return campaign_settle(c, true, f);
}
