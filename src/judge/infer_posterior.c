/*
 * From the grid to what is asked of it.
 *
 * The weight of a device, one model at one hop, is its prior, times the sum
 * over the cells of its firing class, times the likelihood of the resets'
 * TTLs under it.  All is taken relative to the largest.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infer_int.h"
#include "infer_odds.h"

/* What the cells of a (class, drops) add up to. */
struct sum {
	double log;  /* of the sum */
	double rate; /* mean p */
	double dice[INFER_DICES];
};

/* A device's log weight, by whether it drops. */
struct weights {
	double device[INFER_MAX_HOPS + 1][INFER_MODELS_MAX][INFER_DROPS];
	double cause[INFER_CAUSES];
	double top;
	double total; /* of exp(weight - top) */
};

static double
posterior_log_sum(const double *w, size_t n)
{
	double top = -INFINITY, sum = 0;

	for (size_t i = 0; i < n; i++)
		top = w[i] > top ? w[i] : top;
	if (isinf(top))
		return top;
	for (size_t i = 0; i < n; i++)
		sum += exp(w[i] - top);
	return top + log(sum);
}

static struct sum
posterior_sum_cells(const struct infer *in, size_t class, size_t drops)
{
	const double *w = infer_cells(in, class, drops);
	struct sum s = {0};
	double all = 0;

	for (size_t i = 0; i < INFER_STORY; i++) {
		all += w[i];
		s.rate += w[i] * infer_p[i % INFER_NP];
		s.dice[i / INFER_NP] += w[i];
	}
	s.log = *infer_scale(in, class, drops) + log(all);
	s.rate /= all;
	for (size_t i = 0; i < INFER_DICES; i++)
		s.dice[i] /= all;
	return s;
}

/* The sums of all classes; the caller has room for them. */
static void
posterior_sum_classes(const struct infer *in, struct sum *v)
{
	for (size_t i = 0; i < in->n_classes * INFER_DROPS; i++)
		v[i] =
		    posterior_sum_cells(in, i / INFER_DROPS, i % INFER_DROPS);
}

static void
posterior_weigh_device(const struct infer *in, const struct sum *v, size_t h,
    size_t m, struct weights *w)
{
	const struct infer_model *model = &infer_models[m];
	double l = log(infer_prior(in, h, m)) + in->clue[m] +
	    infer_ttl_model(in, h, m);

	if (in->own_segment && (h > 1 || model->place != PLACE_WIRE))
		l += log(INFER_UNKNOWN_SENDER);

	for (size_t d = 0; d < INFER_DROPS; d++) {
		w->device[h][m][d] = l + in->id_steps[INFER_DEVICE] +
		    (d == 1 ? in->answers_dropped : in->answers[INFER_DEVICE]) +
		    v[infer_class(in, h, m) * INFER_DROPS + d].log +
		    log(infer_drop_prior(model->place, d));
		if (w->device[h][m][d] > w->top)
			w->top = w->device[h][m][d];
	}
}

static void
posterior_weigh_all(
    const struct infer *in, const struct sum *v, struct weights *w)
{
	w->top = -INFINITY;
	w->total = 0;
	for (size_t h = 1; h <= (size_t)in->path.hops; h++)
		for (size_t m = 0; m < infer_n_models; m++)
			posterior_weigh_device(in, v, h, m, w);
	for (size_t c = INFER_SERVER; c <= INFER_NOTHING; c++) {
		w->cause[c] = posterior_log_sum(in->cause[c], INFER_NP) +
		    infer_ttl_cause(in, (enum infer_cause)c) + in->answers[c];
		w->top = w->cause[c] > w->top ? w->cause[c] : w->top;
	}
	for (size_t h = 1; h <= (size_t)in->path.hops; h++)
		for (size_t m = 0; m < infer_n_models; m++)
			for (size_t d = 0; d < INFER_DROPS; d++)
				w->total += exp(w->device[h][m][d] - w->top);
	for (size_t c = INFER_SERVER; c <= INFER_NOTHING; c++)
		w->total += exp(w->cause[c] - w->top);
}

/* Adds one device's part to what is said of all. */
static void
posterior_tell_device(const struct infer *in, const struct sum *v,
    const struct weights *w, size_t h, size_t m, struct infer_posterior *out)
{
	const struct infer_model *model = &infer_models[m];
	const struct sum *s;
	double e;

	for (size_t d = 0; d < INFER_DROPS; d++) {
		e = exp(w->device[h][m][d] - w->top) / w->total;
		s = &v[infer_class(in, h, m) * INFER_DROPS + d];
		out->cause[INFER_DEVICE] += e;
		out->at[h][model->place] += e;
		out->hop[h] += e;
		out->policy[model->policy] += e;
		if (model->policy == TTL_POLICY_FIXED)
			out->initial[model->initial] += e;
		out->drops += d == 1 ? e : 0;
		out->rate += e * s->rate;
		for (size_t i = 0; i < INFER_DICES; i++)
			out->dice[i] += e * s->dice[i];
	}
}

/* From joint to conditional: given that it is a device. */
static void
posterior_condition(struct infer_posterior *out)
{
	double all = out->cause[INFER_DEVICE];

	if (all <= 0)
		return;
	for (size_t i = 0; i < TTL_POLICIES; i++)
		out->policy[i] /= all;
	for (size_t i = 0; i < 256; i++)
		out->initial[i] /= all;
	for (size_t i = 0; i < INFER_DICES; i++)
		out->dice[i] /= all;
	out->drops /= all;
	out->rate /= all;
}

static void
posterior_fill_threshold(const struct infer *in, struct infer_posterior *out)
{
	double w;

	for (int t = 1; t <= in->path.hops; t++) {
		w = out->at[t][PLACE_WIRE];
		if (t > 1)
			w += out->at[t - 1][PLACE_ROUTER];
		if (w > out->threshold) {
			out->threshold = w;
			out->best_threshold = t;
		}
	}
}

int
infer_get_posterior(
    const struct infer *in, struct infer_posterior *out, struct fault *f)
{
	struct sum *v = calloc(in->n_classes * INFER_DROPS, sizeof(struct sum));
	struct weights w;

	memset(out, 0, sizeof(*out));
	if (v == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	posterior_sum_classes(in, v);
	posterior_weigh_all(in, v, &w);
	for (size_t h = 1; h <= (size_t)in->path.hops; h++) {
		for (size_t m = 0; m < infer_n_models; m++)
			posterior_tell_device(in, v, &w, h, m, out);
		if (out->hop[h] > out->hop[out->best_hop])
			out->best_hop = (int)h;
	}
	for (size_t c = INFER_SERVER; c <= INFER_NOTHING; c++)
		out->cause[c] = exp(w.cause[c] - w.top) / w.total;
	posterior_condition(out);
	posterior_fill_threshold(in, out);
	free(v);
	return 0;
}

/* The log of what all devices at a hop weigh together. */
static double
posterior_log_hop(const struct weights *w, size_t h)
{
	double v[INFER_MODELS_MAX * INFER_DROPS];
	size_t n = 0;

	for (size_t m = 0; m < infer_n_models; m++)
		for (size_t d = 0; d < INFER_DROPS; d++)
			v[n++] = w->device[h][m][d];
	return posterior_log_sum(v, n);
}

int
infer_get_joint(
    const struct infer *in, struct infer_joint *out, struct fault *f)
{
	struct sum *v = calloc(in->n_classes * INFER_DROPS, sizeof(struct sum));
	struct weights w;

	memset(out, 0, sizeof(*out));
	if (v == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	posterior_sum_classes(in, v);
	posterior_weigh_all(in, v, &w);
	for (size_t h = 1; h <= (size_t)in->path.hops; h++)
		out->hop[h] = posterior_log_hop(&w, h);
	for (size_t c = INFER_SERVER; c <= INFER_NOTHING; c++)
		out->cause[c] = w.cause[c];
	free(v);
	return 0;
}

/* Binary entropy in nats. */
static double
posterior_entropy(double p)
{
	if (p <= 0 || p >= 1)
		return 0;
	return -p * log(p) - (1 - p) * log(1 - p);
}

/* Would a shot of TTL n that fires this device be seen to have? */
static bool
posterior_draws_visibly(const struct infer *in, size_t h, size_t m, int n)
{
	const struct infer_model *model = &infer_models[m];

	return n >= infer_threshold((int)h, model->place) &&
	    infer_expected_ttl(in, (int)h, model, n) != 0;
}

/* The chance that one of so many shots on a connection fires, by class. */
static void
posterior_fill_rates(const struct infer *in, int copies, double *rate)
{
	const double *w;
	double all, p;

	for (size_t c = 0; c < in->n_classes * INFER_DROPS; c++) {
		w = infer_cells(in, c / INFER_DROPS, c % INFER_DROPS);
		all = rate[c] = 0;
		for (size_t i = 0; i < INFER_STORY; i++) {
			p = infer_p[i % INFER_NP];
			if (i / INFER_NP != INFER_DICE_CONNECTION)
				p = 1 - pow(1 - p, copies);
			all += w[i];
			rate[c] += w[i] * p;
		}
		rate[c] /= all;
	}
}

/*
 * The mutual information of the outcome and (hop, place): the entropy of the
 * outcome less its mean entropy once the device is known.
 */
static double
posterior_gain_at(
    const struct infer *in, const double *rate, const struct weights *w, int n)
{
	double at[PLACES], draws[PLACES], e, mean = 0, inner = 0;
	size_t p;

	for (size_t h = 1; h <= (size_t)in->path.hops; h++) {
		memset(at, 0, sizeof(at));
		memset(draws, 0, sizeof(draws));
		for (size_t m = 0; m < infer_n_models; m++)
			for (size_t d = 0; d < INFER_DROPS; d++) {
				e = exp(w->device[h][m][d] - w->top);
				p = infer_models[m].place;
				at[p] += e;
				if (posterior_draws_visibly(in, h, m, n))
					draws[p] += e *
					    rate[infer_class(in, h, m) *
						    INFER_DROPS +
						d];
			}
		for (p = PLACE_WIRE; p < PLACES; p++) {
			if (at[p] <= 0)
				continue;
			mean += draws[p] / w->total;
			inner += at[p] / w->total *
			    posterior_entropy(draws[p] / at[p]);
		}
	}
	return posterior_entropy(mean) - inner;
}

int
infer_gains(
    const struct infer *in, int n, int copies, double *gains, struct fault *f)
{
	size_t cells = in->n_classes * INFER_DROPS;
	struct sum *v = calloc(cells, sizeof(*v));
	double *rate = calloc(cells, sizeof(*rate));
	struct weights w;

	if (v == NULL || rate == NULL) {
		free(v);
		free(rate);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	posterior_sum_classes(in, v);
	posterior_weigh_all(in, v, &w);
	posterior_fill_rates(in, copies, rate);
	for (int i = 1; i <= n; i++)
		gains[i] = posterior_gain_at(in, rate, &w, i);
	free(v);
	free(rate);
	return 0;
}
