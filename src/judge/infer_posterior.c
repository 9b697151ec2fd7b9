/*
 * From the grid to what is asked of it.
 *
 * The weight of a cell is that of its firings times that of the TTLs of the
 * model that it is of; all weights are taken relative to the largest.
 */
#include <math.h>
#include <string.h>

#include "infer_int.h"

/* Cells of one (hop, model). */
#define STORY (2 * INFER_DICES * INFER_NP)

static double
max_of(const double *w, size_t n)
{
	double top = -INFINITY;
	size_t i;

	for (i = 0; i < n; i++)
		top = w[i] > top ? w[i] : top;
	return top;
}

static double
sum_exp(const double *w, size_t n, double top)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += exp(w[i] - top);
	return sum;
}

/* The TTLs' part of each story and cause, and the largest whole weight. */
struct ttls {
	double model[INFER_MAX_HOPS + 1][INFER_MODELS_MAX];
	double cause[INFER_CAUSES];
	double top;
};

static void
fill_ttls(const struct infer *in, struct ttls *t)
{
	size_t h, m, c;
	double w;

	t->top = -INFINITY;
	for (h = 1; h <= (size_t)in->path.hops; h++)
		for (m = 0; m < infer_n_models; m++) {
			t->model[h][m] = infer_ttl_model(in, h, m);
			w = max_of(&in->logw[infer_index(h, m, 0)], STORY) +
			    t->model[h][m];
			t->top = w > t->top ? w : t->top;
		}
	for (c = INFER_SERVER; c <= INFER_NOTHING; c++) {
		t->cause[c] = infer_ttl_cause(in, (enum infer_cause)c);
		w = max_of(
			&in->logw[infer_cause_index(in, (enum infer_cause)c)],
			INFER_NP) +
		    t->cause[c];
		t->top = w > t->top ? w : t->top;
	}
}

static double
story_weight(const struct infer *in, const struct ttls *t, size_t h, size_t m)
{
	return sum_exp(
	    &in->logw[infer_index(h, m, 0)], STORY, t->top - t->model[h][m]);
}

static double
cause_weight(const struct infer *in, const struct ttls *t, size_t c)
{
	return sum_exp(&in->logw[infer_cause_index(in, (enum infer_cause)c)],
	    INFER_NP, t->top - t->cause[c]);
}

static double
total_weight(const struct infer *in, const struct ttls *t)
{
	double total = 0;
	size_t h, m, c;

	for (h = 1; h <= (size_t)in->path.hops; h++)
		for (m = 0; m < infer_n_models; m++)
			total += story_weight(in, t, h, m);
	for (c = INFER_SERVER; c <= INFER_NOTHING; c++)
		total += cause_weight(in, t, c);
	return total;
}

/* Adds one story's part to what is said of the device. */
static double
detail_story(const struct infer *in, const struct ttls *t, size_t hop, size_t m,
    struct infer_posterior *out)
{
	size_t k;
	const double *w = &in->logw[infer_index(hop, m, 0)];
	double e, total = 0;

	for (k = 0; k < STORY; k++) {
		e = exp(w[k] + t->model[hop][m] - t->top);
		total += e;
		out->dice[k / INFER_NP % INFER_DICES] += e;
		out->drops += k >= STORY / 2 ? e : 0;
		out->rate += e * infer_p[k % INFER_NP];
	}
	out->policy[infer_models[m].policy] += total;
	if (infer_models[m].policy == INFER_FIXED)
		out->initial[infer_models[m].initial] += total;
	return total;
}

static void
detail_device(
    const struct infer *in, const struct ttls *t, struct infer_posterior *out)
{
	double total = 0;
	size_t h, i;

	for (h = 1; h <= (size_t)in->path.hops; h++)
		for (i = 0; i < infer_n_models; i++)
			total += detail_story(in, t, h, i, out);
	for (i = 0; i < INFER_POLICIES; i++)
		out->policy[i] /= total;
	for (i = 0; i < 256; i++)
		out->initial[i] /= total;
	for (i = 0; i < INFER_DICES; i++)
		out->dice[i] /= total;
	out->drops /= total;
	out->rate /= total;
}

static void
fill_threshold(const struct infer *in, struct infer_posterior *out)
{
	double w;
	int t;

	for (t = 1; t <= in->path.hops; t++) {
		w = out->at[t][INFER_WIRE];
		if (t > 1)
			w += out->at[t - 1][INFER_ROUTER];
		if (w > out->threshold) {
			out->threshold = w;
			out->best_threshold = t;
		}
	}
}

void
infer_get_posterior(const struct infer *in, struct infer_posterior *out)
{
	struct ttls t;
	double total, w;
	size_t h, m, c;

	memset(out, 0, sizeof(*out));
	fill_ttls(in, &t);
	total = total_weight(in, &t);
	for (h = 1; h <= (size_t)in->path.hops; h++)
		for (m = 0; m < infer_n_models; m++) {
			w = story_weight(in, &t, h, m) / total;
			out->at[h][infer_models[m].place] += w;
			out->hop[h] += w;
			out->cause[INFER_DEVICE] += w;
		}
	for (c = INFER_SERVER; c <= INFER_NOTHING; c++)
		out->cause[c] = cause_weight(in, &t, c) / total;
	for (h = 1; h <= (size_t)in->path.hops; h++)
		if (out->hop[h] > out->hop[out->best_hop])
			out->best_hop = (int)h;
	fill_threshold(in, out);
	if (out->best_hop != 0)
		detail_device(in, &t, out);
}

/* The weight of one (hop, model) story, and that times its mean rate. */
static void
story_rate(const struct infer *in, const struct ttls *t, size_t h, size_t m,
    double *weight, double *fires)
{
	const double *w = &in->logw[infer_index(h, m, 0)];
	double e;
	size_t k;

	*weight = *fires = 0;
	for (k = 0; k < STORY; k++) {
		e = exp(w[k] + t->model[h][m] - t->top);
		*weight += e;
		*fires += e * infer_p[k % INFER_NP];
	}
}

/* Binary entropy in nats. */
static double
entropy(double p)
{
	if (p <= 0 || p >= 1)
		return 0;
	return -p * log(p) - (1 - p) * log(1 - p);
}

double
infer_gain(const struct infer *in, int n)
{
	double weight, fires, total, mean = 0, inner = 0;
	double at[INFER_PLACES], fire_at[INFER_PLACES];
	const struct infer_model *model;
	struct ttls t;
	size_t h, m, p;

	fill_ttls(in, &t);
	total = total_weight(in, &t);
	for (h = 1; h <= (size_t)in->path.hops; h++) {
		memset(at, 0, sizeof(at));
		memset(fire_at, 0, sizeof(fire_at));
		for (m = 0; m < infer_n_models; m++) {
			model = &infer_models[m];
			story_rate(in, &t, h, m, &weight, &fires);
			at[model->place] += weight;
			if (n >= infer_threshold((int)h, model->place) &&
			    infer_expected_ttl(in, (int)h, model, n) != 0)
				fire_at[model->place] += fires;
		}
		for (p = 0; p < INFER_PLACES; p++) {
			if (at[p] <= 0)
				continue;
			mean += fire_at[p] / total;
			inner += at[p] / total * entropy(fire_at[p] / at[p]);
		}
	}
	return entropy(mean) - inner;
}
