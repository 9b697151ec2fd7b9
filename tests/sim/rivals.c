/*
 * The published rules.
 *
 * An ascending run fires TTL 1, 2, … N, one connection each, and says the
 * first that drew a reset.  CenTrace (Raman et al., CoNEXT 2022) takes the
 * mode of several; others take the smallest.  The posterior is the textbook's:
 * threshold and p unknown, a reset below the threshold impossible.
 */
#include <math.h>
#include <string.h>

#include "../rng_unit.h"
#include "rivals.h"

#define MODE_RUNS    5
#define MINIMUM_RUNS 3
#define SURE	     0.95
#define CONNECTIONS  400 /* the posterior gives up */
#define STRAY	     1e-9

/* The values of p, all alike at first. */
static const double grid_p[] = {
    0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1};
#define GRID (sizeof(grid_p) / sizeof(grid_p[0]))

/* What a rule may do: fire, and look. */
struct range {
	const struct sim_truth *t;
	struct rng rng;
	unsigned int connections;
};

/* Does the reset for a trigger of TTL n get home at all? */
static bool
gets_home(const struct sim_truth *t, int n)
{
	const struct sim_device *d = &t->dev;
	int left = n - sim_truth_threshold(t) + 1;

	if (d->ttl == SIM_TTL_COPIED_EARLY)
		left++;
	if (d->ttl == SIM_TTL_COPIED || d->ttl == SIM_TTL_COPIED_EARLY)
		return left > sim_truth_crossed(t);
	return true;
}

static bool
range_fires(struct range *r, int n)
{
	const struct sim_truth *t = r->t;
	int links = sim_truth_threshold(t) + sim_truth_crossed(t) + 1;
	double p = t->dev.p * pow(1 - t->loss, links);

	r->connections++;
	if (t->dev.branch >= 0)
		p /= 2;
	return n >= sim_truth_threshold(t) && gets_home(t, n) &&
	    rng_unit(&r->rng) < p;
}

/* 0: it came to the server without a reset. */
static int
ascend(struct range *r)
{
	for (int n = 1; n <= r->t->hops; n++)
		if (range_fires(r, n))
			return n;
	return 0;
}

/* The most frequent outcome, no reset being one; of ties the first met. */
static int
rule_mode(struct range *r)
{
	int seen[MODE_RUNS], count[MODE_RUNS] = {0}, k, best = 0;

	for (int i = 0; i < MODE_RUNS; i++) {
		seen[i] = ascend(r);
		for (k = 0; seen[k] != seen[i]; k++)
			;
		count[k]++;
	}
	for (int i = 1; i < MODE_RUNS; i++)
		best = count[i] > count[best] ? i : best;
	return seen[best];
}

static int
rule_minimum(struct range *r)
{
	int n, least = 0;

	for (int i = 0; i < MINIMUM_RUNS; i++) {
		n = ascend(r);
		if (n != 0 && (least == 0 || n < least))
			least = n;
	}
	return least;
}

/* Weights of (threshold, p), not logs: made to sum to 1 after each shot. */
struct grid {
	int n;
	double w[SIM_HOPS + 1][GRID];
	double at[SIM_HOPS + 1];   /* of a threshold */
	double rate[SIM_HOPS + 1]; /* the mean p there */
};

static void
grid_sum(struct grid *g)
{
	double total = 0;

	for (int t = 1; t <= g->n; t++)
		for (size_t k = 0; k < GRID; k++)
			total += g->w[t][k];
	for (int t = 1; t <= g->n; t++) {
		g->at[t] = g->rate[t] = 0;
		for (size_t k = 0; k < GRID; k++) {
			g->w[t][k] /= total;
			g->at[t] += g->w[t][k];
			g->rate[t] += g->w[t][k] * grid_p[k];
		}
		if (g->at[t] > 0)
			g->rate[t] /= g->at[t];
	}
}

static void
grid_see(struct grid *g, int n, bool drew)
{
	double p;

	for (int t = 1; t <= g->n; t++)
		for (size_t k = 0; k < GRID; k++) {
			p = t <= n ? grid_p[k] : 0;
			g->w[t][k] *= drew ? p + STRAY : 1 - p;
		}
	grid_sum(g);
}

static double
entropy(double p)
{
	return p <= 0 || p >= 1 ? 0 : -p * log(p) - (1 - p) * log(1 - p);
}

/* The TTL whose outcome tells most of the threshold. */
static int
grid_choose(const struct grid *g)
{
	double mean = 0, inner = 0, gain, top = -1;
	int best = 1;

	/* What a shot at n adds to that at n - 1 is threshold n alone. */
	for (int n = 1; n <= g->n; n++) {
		mean += g->at[n] * g->rate[n];
		inner += g->at[n] * entropy(g->rate[n]);
		gain = entropy(mean) - inner;
		if (gain > top) {
			top = gain;
			best = n;
		}
	}
	return best;
}

static int
rule_posterior(struct range *r)
{
	struct grid g;
	int n, best;

	g.n = r->t->hops;
	for (int t = 1; t <= g.n; t++)
		for (size_t k = 0; k < GRID; k++)
			g.w[t][k] = 1;
	grid_sum(&g);
	for (;;) {
		best = 1;
		for (int t = 2; t <= g.n; t++)
			best = g.at[t] > g.at[best] ? t : best;
		if (g.at[best] >= SURE || r->connections >= CONNECTIONS)
			return best;
		n = grid_choose(&g);
		grid_see(&g, n, range_fires(r, n));
	}
}

static int
apply(enum sim_rule rule, struct range *r)
{
	switch (rule) {
	case SIM_RULE_ASCENDING:
		return ascend(r);
	case SIM_RULE_MODE:
		return rule_mode(r);
	case SIM_RULE_MINIMUM:
		return rule_minimum(r);
	case SIM_RULE_POSTERIOR:
		return rule_posterior(r);
	}
	return 0;
}

void
sim_rivals_run(const struct sim_truth *t, struct sim_rival out[SIM_RULES])
{
	struct range r;

	for (int i = 0; i < SIM_RULES; i++) {
		memset(&r, 0, sizeof(r));
		r.t = t;
		rng_seed(&r.rng, t->seed * SIM_RULES + (uint64_t)i);
		out[i].threshold = apply((enum sim_rule)i, &r);
		out[i].right = out[i].threshold == sim_truth_threshold(t);
		out[i].connections = r.connections;
	}
}

void
sim_rivals_plain(int hops, int threshold, double p, uint64_t seed,
    struct sim_rival out[SIM_RULES])
{
	struct sim_truth t;

	sim_truth_plain(hops, threshold, PLACE_WIRE, p, seed, &t);
	sim_rivals_run(&t, out);
}

const char *
sim_rule_name(enum sim_rule r)
{
	switch (r) {
	case SIM_RULE_ASCENDING:
		return "one ascending run";
	case SIM_RULE_MODE:
		return "mode of five runs";
	case SIM_RULE_MINIMUM:
		return "minimum of three";
	case SIM_RULE_POSTERIOR:
		return "plain posterior";
	}
	return "?";
}
