/*
 * Small-sample statistics for counts.
 */
#include <math.h>

#include <rsthop/stats.h>

#define STATS_Z95 1.959964 /* of the normal distribution, two-sided 95 % */
/* Two tables are as probable as each other within this, in logs. */
#define STATS_SAME 1e-9
/* Hits that a convolution has room for; more are lumped at the top. */
#define STATS_HITS_MAX 512

double
stats_log_choose(unsigned int n, unsigned int k)
{
	return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0);
}

void
stats_wilson_packets(uint64_t k, uint64_t trials, double *lo, double *hi)
{
	double n = (double)trials, p, mid, half, d;

	*lo = 0;
	*hi = 1;
	if (trials == 0)
		return;
	p = (double)k / n;
	d = 1 + STATS_Z95 * STATS_Z95 / n;
	mid = (p + STATS_Z95 * STATS_Z95 / (2.0 * n)) / d;
	half = STATS_Z95 / d *
	    sqrt(p * (1 - p) / n + STATS_Z95 * STATS_Z95 / (4.0 * n * n));
	*lo = mid - half > 0 ? mid - half : 0;
	*hi = mid + half < 1 ? mid + half : 1;
}

void
stats_wilson(struct stats_count c, double *lo, double *hi)
{
	stats_wilson_packets(c.k, c.n, lo, hi);
}

/* The chance of i hits in the arm, of all that there are in both. */
static double
stats_hypergeometric(
    struct stats_count arm, struct stats_count control, unsigned int i)
{
	unsigned int all = arm.k + control.k;

	if (i > arm.n || i > all || all - i > control.n)
		return 0;
	return exp(stats_log_choose(arm.n, i) +
	    stats_log_choose(control.n, all - i) -
	    stats_log_choose(arm.n + control.n, all));
}

/* Adds a pair of arms to the distribution of all hits in first arms. */
static void
stats_convolve(double *dist, struct stats_count arm, struct stats_count control)
{
	double sum[STATS_HITS_MAX + 1] = {0}, p;
	unsigned int all = arm.k + control.k, at;

	for (unsigned int i = 0; i <= all && i <= arm.n; i++) {
		p = stats_hypergeometric(arm, control, i);
		if (p <= 0)
			continue;
		for (unsigned int j = 0; j <= STATS_HITS_MAX; j++) {
			at = j + i < STATS_HITS_MAX ? j + i : STATS_HITS_MAX;
			sum[at] += p * dist[j];
		}
	}
	for (unsigned int j = 0; j <= STATS_HITS_MAX; j++)
		dist[j] = sum[j];
}

double
stats_fisher_strata(const struct stats_count *arms,
    const struct stats_count *controls, size_t n)
{
	double dist[STATS_HITS_MAX + 1] = {1}, p = 0;
	unsigned int hits = 0;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		if (arms[i].n == 0 || controls[i].n == 0)
			continue;
		stats_convolve(dist, arms[i], controls[i]);
		hits += arms[i].k;
		used++;
	}
	if (used == 0)
		return -1;
	for (unsigned int j = hits < STATS_HITS_MAX ? hits : STATS_HITS_MAX;
	     j <= STATS_HITS_MAX; j++)
		p += dist[j];
	return p < 1 ? p : 1;
}

/*
 * The log probability of a table, but for what the margins alone decide: the
 * sum of the logs of n over k of all groups (Freeman and Halton).
 */
static double
stats_table_weight(const struct stats_count *g, size_t n, const unsigned int *k)
{
	double w = 0;

	for (size_t i = 0; i < n; i++)
		w += stats_log_choose(g[i].n, k[i]);
	return w;
}

/*
 * Deals so many hits to the groups' trials at random: trial by trial, each a
 * hit with the chance that is left to it, which gives every table with these
 * margins its own probability.
 */
static void
stats_deal(const struct stats_count *g, size_t n, unsigned int hits,
    unsigned int trials, struct rng *rng, unsigned int *k)
{
	for (size_t i = 0; i < n; i++) {
		k[i] = 0;
		for (unsigned int t = 0; t < g[i].n; t++, trials--)
			if (rng_below(rng, trials) < hits) {
				k[i]++;
				hits--;
			}
	}
}

double
stats_homogeneity(const struct stats_count *groups, size_t n,
    unsigned int draws, struct rng *rng)
{
	unsigned int k[STATS_GROUPS_MAX], hits = 0, trials = 0, as_rare = 0;
	unsigned int filled = 0;
	double observed;

	if (n > STATS_GROUPS_MAX)
		n = STATS_GROUPS_MAX;
	for (size_t i = 0; i < n; i++) {
		k[i] = groups[i].k;
		hits += groups[i].k;
		trials += groups[i].n;
		filled += groups[i].n > 0;
	}
	if (filled < 2 || hits == 0 || hits == trials)
		return -1;
	observed = stats_table_weight(groups, n, k);
	for (unsigned int d = 0; d < draws; d++) {
		stats_deal(groups, n, hits, trials, rng, k);
		as_rare +=
		    stats_table_weight(groups, n, k) <= observed + STATS_SAME;
	}
	return (as_rare + 1.0) / (draws + 1.0);
}
