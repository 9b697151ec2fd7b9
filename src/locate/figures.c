/*
 * The figures of a report: how many were sent, how many drew a reset, when and
 * at which TTL.
 */
#include <stdlib.h>

#include <rsthop/stats.h>

#include <rsthop/block.h>
#include <rsthop/figures.h>

#include "controls.h"

static int
figures_compare_latency(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int
figures_median_latency(
    const struct locate_result *r, int64_t *out, struct fault *f)
{
	int64_t *v;
	size_t n = 0;

	*out = -1;
	if (r->n_resets == 0)
		return 0;
	v = calloc(r->n_resets, sizeof(*v));
	if (v == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (size_t i = 0; i < r->n_resets; i++)
		if (r->resets[i].latency_ns >= 0)
			v[n++] = r->resets[i].latency_ns;
	qsort(v, n, sizeof(*v), figures_compare_latency);
	if (n > 0)
		*out = v[n / 2];
	free(v);
	return 0;
}

static int
figures_fill_resets(
    const struct rounds *rounds, struct locate_result *out, struct fault *f)
{
	if (rounds->s.n_resets == 0)
		return 0;
	out->resets = calloc(rounds->s.n_resets, sizeof(*out->resets));
	if (out->resets == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (size_t i = 0; i < rounds->s.n_resets; i++)
		if (!rounds->s.resets[i].answers_alive &&
		    !rounds->s.resets[i].late)
			out->resets[out->n_resets++] =
			    rounds->s.resets[i].facts;
	return 0;
}

static void
figures_fill_by_ttl(const struct rounds *rounds, struct locate_result *out)
{
	struct result_by_ttl by[PATH_MAX_HOPS + 1] = {{0}};
	const struct trial *t;
	const struct probe *p;

	for (size_t i = 0; i < rounds->n_trials; i++) {
		t = &rounds->trials[i];
		if (trial_is_control(t) || block_spoils(rounds, t))
			continue;
		for (size_t k = 0; k < t->n_probes; k++) {
			p = &rounds->s.probes[t->first_probe + k];
			if (p->kind != PROBE_SHOT || p->ttl > PATH_MAX_HOPS)
				continue;
			by[p->ttl].trials++;
			by[p->ttl].resets += p->drew_reset;
		}
	}
	for (size_t i = 1; i <= PATH_MAX_HOPS; i++) {
		if (by[i].trials == 0)
			continue;
		by[i].ttl = (int)i;
		by[i].rate = (double)by[i].resets / by[i].trials;
		stats_wilson((struct stats_count){by[i].resets, by[i].trials},
		    &by[i].rate_lo, &by[i].rate_hi);
		if (by[i].resets > 0 && out->threshold_ttl == 0)
			out->threshold_ttl = (int)i;
		out->by_ttl[out->n_by_ttl++] = by[i];
	}
}

/* Trials of one kind, and those of them that drew a reset. */
static struct stats_count
figures_count_arm(const struct rounds *rounds, enum trial_kind kind)
{
	return (struct stats_count){block_count_clean(rounds, kind, true),
	    block_count_clean(rounds, kind, false)};
}

/* Bursts are compared where some were controls. */
static void
figures_fill_bursts(const struct rounds *rounds, struct locate_result *out)
{
	struct stats_count burst = figures_count_arm(rounds, TRIAL_BURST);
	struct stats_count control =
	    figures_count_arm(rounds, TRIAL_CONTROL_BURST);

	out->reproduction.burst_trials = burst.n;
	out->reproduction.burst_resets = burst.k;
	out->reproduction.control_burst_trials = control.n;
	out->reproduction.control_burst_resets = control.k;
}

int
figures_fill(
    const struct rounds *rounds, struct locate_result *out, struct fault *f)
{
	struct stats_count full = figures_count_arm(rounds, TRIAL_FULL);
	struct stats_count control = figures_count_arm(rounds, TRIAL_CONTROL);

	out->residual = rounds->residual;
	out->residual.contaminated = block_count_spoiled(rounds);
	out->reproduction.trials = full.n;
	out->reproduction.resets = full.k;
	out->reproduction.control_trials = control.n;
	out->reproduction.control_resets = control.k;
	out->reproduction.rate = full.n > 0 ? (double)full.k / full.n : 0;
	stats_wilson(
	    full, &out->reproduction.rate_lo, &out->reproduction.rate_hi);
	out->reproduction.p_value = controls_p_value(rounds);
	figures_fill_bursts(rounds, out);
	figures_fill_by_ttl(rounds, out);
	if (figures_fill_resets(rounds, out, f) == -1)
		return -1;
	return figures_median_latency(out, &out->reproduction.latency_ns, f);
}
