/*
 * The figures of a report: how many were sent, how many drew a reset, when and
 * at which TTL.
 */
#include <stdlib.h>

#include <rsthop/stats.h>

#include "locate_int.h"

static int
compare_latency(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int
median_latency(const struct locate_result *r, int64_t *out, struct fault *f)
{
	int64_t *v;
	size_t i, n = 0;

	*out = -1;
	if (r->n_resets == 0)
		return 0;
	v = calloc(r->n_resets, sizeof(*v));
	if (v == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (i = 0; i < r->n_resets; i++)
		if (r->resets[i].latency_ns >= 0)
			v[n++] = r->resets[i].latency_ns;
	qsort(v, n, sizeof(*v), compare_latency);
	if (n > 0)
		*out = v[n / 2];
	free(v);
	return 0;
}

static int
fill_resets(const struct campaign *c, struct fault *f)
{
	struct locate_result *r = c->out;
	size_t i;

	if (c->s.n_resets == 0)
		return 0;
	r->resets = calloc(c->s.n_resets, sizeof(*r->resets));
	if (r->resets == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (i = 0; i < c->s.n_resets; i++)
		if (!c->s.resets[i].answers_alive && !c->s.resets[i].late)
			r->resets[r->n_resets++] = c->s.resets[i].facts;
	return 0;
}

static void
fill_by_ttl(const struct campaign *c)
{
	struct locate_result *r = c->out;
	struct result_by_ttl by[PATH_MAX_HOPS + 1] = {{0}};
	const struct trial *t;
	const struct probe *p;
	size_t i, k;

	for (i = 0; i < c->n_trials; i++) {
		t = &c->trials[i];
		if (trial_is_control(t) || campaign_is_contaminated(c, t))
			continue;
		for (k = 0; k < t->n_probes; k++) {
			p = &c->s.probes[t->first_probe + k];
			if (p->kind != PROBE_SHOT || p->ttl > PATH_MAX_HOPS)
				continue;
			by[p->ttl].trials++;
			by[p->ttl].resets += p->drew_reset;
		}
	}
	for (i = 1; i <= PATH_MAX_HOPS; i++) {
		if (by[i].trials == 0)
			continue;
		by[i].ttl = (int)i;
		by[i].rate = (double)by[i].resets / by[i].trials;
		stats_wilson((struct stats_count){by[i].resets, by[i].trials},
		    &by[i].rate_lo, &by[i].rate_hi);
		if (by[i].resets > 0 && r->threshold_ttl == 0)
			r->threshold_ttl = (int)i;
		r->by_ttl[r->n_by_ttl++] = by[i];
	}
}

/* Trials of one kind, and those of them that drew a reset. */
static struct stats_count
count_arm(const struct campaign *c, enum trial_kind kind)
{
	return (struct stats_count){campaign_count_clean(c, kind, true),
	    campaign_count_clean(c, kind, false)};
}

/* Bursts are compared where some were controls. */
static void
fill_bursts(const struct campaign *c)
{
	struct stats_count burst = count_arm(c, TRIAL_BURST);
	struct stats_count control = count_arm(c, TRIAL_CONTROL_BURST);
	struct locate_result *r = c->out;

	r->reproduction.burst_trials = burst.n;
	r->reproduction.burst_resets = burst.k;
	r->reproduction.control_burst_trials = control.n;
	r->reproduction.control_burst_resets = control.k;
}

int
verdict_fill_figures(struct campaign *c, struct fault *f)
{
	struct stats_count full = count_arm(c, TRIAL_FULL);
	struct stats_count control = count_arm(c, TRIAL_CONTROL);
	struct locate_result *r = c->out;

	r->residual = c->residual;
	r->residual.contaminated = campaign_count_contaminated(c);
	r->reproduction.trials = full.n;
	r->reproduction.resets = full.k;
	r->reproduction.control_trials = control.n;
	r->reproduction.control_resets = control.k;
	r->reproduction.rate = full.n > 0 ? (double)full.k / full.n : 0;
	stats_wilson(full, &r->reproduction.rate_lo, &r->reproduction.rate_hi);
	r->reproduction.p_value = campaign_p_value(c);
	fill_bursts(c);
	fill_by_ttl(c);
	if (fill_resets(c, f) == -1)
		return -1;
	return median_latency(r, &r->reproduction.latency_ns, f);
}
