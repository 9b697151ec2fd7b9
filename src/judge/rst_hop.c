/*
 * Where a forged reset may come from: its TTL, against how boxes make TTLs
 * (PHYSICS, section 1).  The makers are infer's own table of models, so that
 * a capture and a campaign agree on them.
 */
#include <stdio.h>
#include <string.h>

#include <rsthop/infer.h>

#include "infer_odds.h"
#include "rst_int.h"

#define HOP_HOPS_UNKNOWN 40 /* that may be, where the server's are not known */

/*
 * The way back may be longer or shorter than the way there (PHYSICS, trap
 * 12), the more so the farther it is.
 */
#define HOP_DETOUR_FROM 4    /* hops from which it may */
#define HOP_DETOUR_ONE	0.06 /* by one router, either way */
/* A device beyond where its trigger expired: only where routes changed. */
#define HOP_BEYOND 0.02

/* Round trips from which near and far can be told apart. */
#define HOP_FAR_NS INT64_C(20000000)

struct hop_grid {
	double p[INFER_MAX_HOPS + 1][PLACES];
	int hops; /* that there may be */
	int own_initial;
};

/*
 * The TTL of what fired it as it passed here, on its way to the device; hops
 * count from here as well, be this the client or not.  0: not known.
 */
static int
hop_left_with(const struct flow_reset *r)
{
	return r->trigger.frame != 0 ? r->trigger.ttl : 0;
}

/* The TTL with which a reset of this model arrives from there; -1: none. */
static int
hop_arrives_with(const struct infer_model *m, int hop, int left)
{
	int traversed = hop - 1 + m->decrement;
	int seen; /* by the device, of the trigger */

	switch (m->policy) {
	case TTL_POLICY_FIXED:
		return m->initial != 0 ? m->initial - traversed : -1;
	case TTL_POLICY_COPIED:
		seen = left - (m->place == PLACE_WIRE ? hop - 1 : hop);
		return left != 0 && seen > 0 ? seen - traversed : -1;
	case TTL_POLICY_UNKNOWN:
	case TTL_POLICY_ARBITRARY:
	case TTL_POLICY_IMITATED:
		break;
	}
	return -1;
}

static double
hop_likelihood(int expected, int hop, const struct flow_reset *r)
{
	int off = expected - r->mark.ttl;

	if (expected < 0 || off < -1 || off > 1)
		return 0;
	if (off == 0)
		return 1;
	return hop > HOP_DETOUR_FROM ? HOP_DETOUR_ONE : 0;
}

static double
hop_fill_grid(const struct judging *j, struct hop_grid *g)
{
	const struct flow_reset *r = j->r;
	int left = hop_left_with(r);
	double sum = 0;
	int upto = r->trigger_was_probe ? left : INFER_MAX_HOPS;

	for (size_t i = 0; i < infer_n_models; i++) {
		const struct infer_model *m = &infer_models[i];
		bool copied = m->policy == TTL_POLICY_COPIED;
		double w = m->prior;

		if (r->has_id && left != 0) {
			double l =
			    copied ? INFER_ECHO_IF_COPIED : INFER_ECHO_IF_NOT;

			w *= j->id_echo ? l : 1 - l;
		}
		for (int h = 1; h <= g->hops; h++) {
			double l =
			    hop_likelihood(hop_arrives_with(m, h, left), h, r);

			if (h + (m->place == PLACE_ROUTER) > upto)
				l *= HOP_BEYOND;
			g->p[h][m->place] += w * l;
			sum += w * l;
		}
	}
	return sum;
}

static void
hop_put_candidate(struct rst_verdict *v, int hop, enum place place, double p)
{
	size_t at = v->n_candidates;

	if (at < RST_CANDIDATES)
		v->n_candidates++;
	else if (v->candidates[--at].probability >= p)
		return;
	for (; at > 0 && v->candidates[at - 1].probability < p; at--)
		v->candidates[at] = v->candidates[at - 1];
	v->candidates[at] = (struct rst_candidate){.hop = hop,
	    .place = place == PLACE_WIRE ? PLACE_WIRE : PLACE_ROUTER,
	    .probability = p};
}

/*
 * It took as long as the way to the server takes, so that a device one or two
 * hops away, which answers at once, is not what the TTL makes it look like.
 * Later still is a tap behind a buffer (PHYSICS, trap 2), as near as may be.
 */
static bool
hop_came_from_afar(const struct flow_reset *r, int traversed)
{
	int64_t took = r->mark.unix_ns - r->trigger.unix_ns;
	int64_t rtt = rst_known_rtt(r);

	return traversed <= 1 && r->trigger_exact && rtt >= HOP_FAR_NS &&
	    took >= rtt * 3 / 5 && took <= rtt * 8 / 5;
}

static void
hop_find_usable(struct judging *j)
{
	struct rst_verdict *v = j->v;
	const struct flow_reset *r = j->r;

	v->ttl_usable = false;
	if (rst_crowd_wanders(j->crowd, r, v->ttl_why, sizeof(v->ttl_why)))
		return;
	if (j->any_ttl)
		snprintf(v->ttl_why, sizeof(v->ttl_why),
		    "this forger's TTLs say nothing of its distance");
	else if (v->ruling != RST_GENUINE &&
	    hop_came_from_afar(r, rst_distance(r->mark.ttl)))
		snprintf(v->ttl_why, sizeof(v->ttl_why),
		    "it would be next door, yet took as long as the %s does",
		    rst_sender_name(r));
	else if (j->ttl_own && v->ruling == RST_FORGED)
		snprintf(v->ttl_why, sizeof(v->ttl_why),
		    "it is the %s's own: imitated, or alike by chance",
		    rst_sender_name(r));
	else if (rst_distance(r->mark.ttl) > HOP_HOPS_UNKNOWN)
		snprintf(v->ttl_why, sizeof(v->ttl_why),
		    "no initial TTL in use arrives as %u", r->mark.ttl);
	else
		v->ttl_usable = true;
}

void
rst_find_hops(struct judging *j)
{
	struct rst_verdict *v = j->v;
	struct hop_grid g = {.hops = HOP_HOPS_UNKNOWN};
	double sum = 0;

	hop_find_usable(j);
	v->traversed = -1;
	if (!v->ttl_usable)
		return;
	if (v->ruling != RST_GENUINE && v->kind != RST_KIND_LOAD_BALANCER) {
		/* A device is before the server, by the server's own TTL. */
		if (j->base_ttl != 0)
			g.hops = rst_usual_distance(j->base_ttl) + 2;
		if (g.hops > HOP_HOPS_UNKNOWN)
			g.hops = HOP_HOPS_UNKNOWN;
		sum = hop_fill_grid(j, &g);
		if (sum == 0) {
			v->ttl_usable = false;
			snprintf(v->ttl_why, sizeof(v->ttl_why),
			    "no device before the %s would give it",
			    rst_sender_name(j->r));
			return;
		}
	}
	v->initial_ttl = pkt_initial_ttl(j->r->mark.ttl);
	v->traversed = rst_distance(j->r->mark.ttl);
	for (int h = 1; h <= g.hops; h++)
		for (int p = PLACE_WIRE; p < PLACES; p++)
			if (g.p[h][p] > 0.02 * sum)
				hop_put_candidate(
				    v, h, (enum place)p, g.p[h][p] / sum);
}
