/*
 * Small-sample statistics for counts: how often, how surely, and whether two
 * or many rates are one.  Exact, or by seeded chance; pure.
 */
#ifndef RSTHOP_STATS_H
#define RSTHOP_STATS_H

#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>
#include <rsthop/rng.h>

/* So many of so many trials. */
struct stats_count {
	unsigned int k, n;
};

/* The log of n over k. */
double stats_log_choose(unsigned int n, unsigned int k);

/*
 * Wilson's score interval, 95 % (J. Am. Stat. Assoc. 22, 1927): it holds where
 * all or none are hits, too.  0 and 1 where there was no trial.
 */
void stats_wilson(struct stats_count c, double *lo, double *hi);
/* The same for k of n packets, which may be more than a count holds. */
void stats_wilson_packets(uint64_t k, uint64_t n, double *lo, double *hi);

/*
 * Fisher's exact test, one-sided: how likely are so many or more of the hits
 * in the first arms, were both arms alike?  Each of n pairs of arms was treated
 * in its own way and keeps its own margins; so for one pair it is Fisher's own
 * test, for more that of a common odds ratio (Gart, Biometrika 57, 1970).
 * Pairs without trials in either arm say nothing; -1 where all are such.
 */
double stats_fisher_strata(const struct stats_count *arms,
    const struct stats_count *controls, size_t n);

#define STATS_GROUPS_MAX 64

/*
 * Do n groups, STATS_GROUPS_MAX at most, share one rate?  The exact test of
 * Freeman and Halton (Biometrika 38, 1951): how likely are tables with these
 * margins which are no more probable than this one.  Their share is taken
 * from `draws` random ones, the observed counted with them, so that it is
 * never 0 (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010).  -1
 * where there is nothing to compare: fewer than two groups with trials, no
 * hits, or hits alone.
 */
double stats_homogeneity(const struct stats_count *groups, size_t n,
    unsigned int draws, struct rng *rng);

#endif
