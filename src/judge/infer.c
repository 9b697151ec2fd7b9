/*
 * The posterior, exact on a grid.
 *
 * A cell is one full story: a device at hop h by one row of the table of
 * models, that drops what fires it or not, rolls its dice in one of three
 * ways, and fires with probability p; or one of the other causes with its p.
 * Each observation multiplies every cell by its likelihood; all in logs.
 *
 * The likelihood of one shot is that of two stories: A, the device fired on
 * it, and B, it passed.  How A and B of the shots of a trial combine is the
 * dice's part.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/infer.h>

/* p is rarely tiny and often exactly 1: a box that always fires. */
static const double grid_p[] = {
    0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.0};
static const double grid_prior[] = {0.02, 0.04, 0.06, 0.06, 0.07, 0.07, 0.06,
    0.08, 0.06, 0.05, 0.05, 0.05, 0.05, 0.28};
#define NP (sizeof(grid_p) / sizeof(grid_p[0]))

static const double cause_prior[INFER_CAUSES] = {
    [INFER_DEVICE] = 0.60,
    [INFER_SERVER] = 0.20,
    [INFER_RESPONSE] = 0.05,
    [INFER_NOTHING] = 0.15,
};

static const double dice_prior[INFER_DICES] = {
    [INFER_DICE_PACKET] = 0.5,
    [INFER_DICE_CONNECTION] = 0.2,
    [INFER_DICE_ONCE] = 0.3,
};

#define RESET_LOST  0.01  /* a reset that was sent and not seen */
#define RESET_STRAY 1e-5  /* a reset charged to a shot that can't fire */
#define TE_STRAY    0.005 /* a time-exceeded for a packet that was dropped */
/* On the server's own segment: a small part of the path, no hop beyond. */
#define LAST_WIRE_PRIOR 0.3
/* The IP ID of the trigger in the reset. */
#define ECHO_IF_COPIED 0.6
#define ECHO_IF_NOT    0.06
#define ECHO_IF_SERVER 1e-4
/* The server's side still stands after its own reset. */
#define ALIVE_IF_SERVER 1e-3
/* A reset in less time than the server needs. */
#define FAST_IF_SERVER 1e-4

struct infer {
	struct infer_path path;
	/* The log weights: devices, then NP each of the other causes. */
	size_t n_cells;
	double *prior;
	double *logw;
};

/* One (hop, model, drops) story, common to all its dice and p. */
struct story {
	int hop;
	const struct infer_model *model;
	bool drops;
};

/* A and B of one shot. */
struct pair {
	double fired;
	double passed;
	bool reached; /* else only `passed` counts */
};

static size_t
device_index(size_t hop, size_t model, size_t drops)
{
	return ((((hop - 1) * infer_n_models + model) * 2 + drops) *
		   INFER_DICES) *
	    NP;
}

static size_t
n_device_cells(const struct infer *in)
{
	return device_index((size_t)in->path.hops + 1, 0, 0);
}

static size_t
cause_index(const struct infer *in, enum infer_cause c)
{
	return n_device_cells(in) + ((size_t)c - 1) * NP;
}

static double
model_prior(const struct infer *in, int hop, const struct infer_model *m)
{
	/* Behind the last TTL check there is only the server. */
	if (hop == in->path.hops && m->place == INFER_ROUTER)
		return 0;
	if (hop == in->path.hops && in->path.hops > 1)
		return m->prior * LAST_WIRE_PRIOR;
	return m->prior;
}

static void
fill_device_prior(struct infer *in)
{
	double w, total = 0;
	size_t h, m, d, k, i;

	for (h = 1; h <= (size_t)in->path.hops; h++)
		for (m = 0; m < infer_n_models; m++)
			total += model_prior(in, (int)h, &infer_models[m]);
	for (h = 1; h <= (size_t)in->path.hops; h++)
		for (m = 0; m < infer_n_models; m++)
			for (d = 0; d < 2 * INFER_DICES; d++) {
				k = device_index(h, m, 0) + d * NP;
				w = model_prior(in, (int)h, &infer_models[m]);
				w *= cause_prior[INFER_DEVICE] / total / 2;
				w *= dice_prior[d % INFER_DICES];
				for (i = 0; i < NP; i++)
					in->prior[k + i] =
					    log(w * grid_prior[i]);
			}
}

int
infer_new(const struct infer_path *path, struct infer **out, struct fault *f)
{
	struct infer *in;
	size_t c, i;

	if (path->hops < 1 || path->hops > INFER_MAX_HOPS)
		return fault(f, FAULT_SYSTEM,
		    "a path of %d hops cannot be judged", path->hops);
	in = calloc(1, sizeof(*in));
	if (in == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	in->path = *path;
	in->n_cells = n_device_cells(in) + (INFER_CAUSES - 1) * NP;
	in->prior = calloc(in->n_cells, sizeof(double));
	in->logw = calloc(in->n_cells, sizeof(double));
	if (in->prior == NULL || in->logw == NULL) {
		infer_free(in);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	fill_device_prior(in);
	for (c = INFER_SERVER; c <= INFER_NOTHING; c++)
		for (i = 0; i < NP; i++)
			in->prior[cause_index(in, (enum infer_cause)c) + i] =
			    log(cause_prior[c] * grid_prior[i]);
	infer_reset(in);
	*out = in;
	return 0;
}

void
infer_free(struct infer *in)
{
	if (in == NULL)
		return;
	free(in->prior);
	free(in->logw);
	free(in);
}

void
infer_reset(struct infer *in)
{
	memcpy(in->logw, in->prior, in->n_cells * sizeof(double));
}

/* T of PHYSICS, section 1. */
static int
threshold(int hop, enum infer_place place)
{
	return place == INFER_WIRE ? hop : hop + 1;
}

/* Routers between hop's responder and us on the way back. */
static int
crossed(const struct infer *in, int hop)
{
	return in->path.crossed[hop] >= 0 ? in->path.crossed[hop] : hop - 1;
}

/*
 * The TTL with which the story's reset arrives for a shot of TTL n: PHYSICS,
 * section 1.  0 where it dies on its way; -1 where the TTL could be any.
 */
static int
expected_ttl(const struct infer *in, const struct story *s, int n)
{
	const struct infer_model *m = s->model;
	int back = crossed(in, s->hop) + m->decrement;
	int seen, r = 0;

	switch (m->policy) {
	case INFER_FIXED:
		r = m->initial - back;
		break;
	case INFER_COPIED:
		seen = n - (s->hop - 1) - (m->place == INFER_ROUTER);
		r = seen - back;
		break;
	case INFER_ARBITRARY:
		return -1;
	case INFER_IMITATED:
		return in->path.server_ttl > 0 ? in->path.server_ttl : -1;
	}
	return r > 0 ? r : 0;
}

/*
 * The probability of a TTL `off` away from the expected one: paths back are
 * not always the paths out (PHYSICS, trap 12).
 */
static double
ttl_likelihood(int seen, int expected)
{
	int off = abs(seen - expected);

	if (seen == 0)
		return 1;
	if (expected < 0)
		return 1.0 / 200;
	if (off == 0)
		return 0.93;
	if (off == 1)
		return 0.015;
	if (off == 2)
		return 0.005;
	return 1.2e-4;
}

static double
te_likelihood(const struct infer *in, const struct infer_shot *s, bool dropped)
{
	double q = in->path.answers[s->ttl <= INFER_MAX_HOPS ? s->ttl : 0];

	if (s->te == INFER_TE_UNKNOWN || s->ttl >= in->path.hops)
		return 1;
	if (dropped)
		q *= TE_STRAY;
	if (q > 0.97)
		q = 0.97; /* routers answer when they have time to */
	if (q < 1e-4)
		q = 1e-4;
	return s->te == INFER_TE_SEEN ? q : 1 - q;
}

static struct pair
shot_pair(const struct infer *in, const struct story *s,
    const struct infer_shot *shot)
{
	int expected = expected_ttl(in, s, shot->ttl);
	double hit, miss;
	struct pair p;

	p.reached = shot->ttl >= threshold(s->hop, s->model->place);
	p.passed =
	    te_likelihood(in, shot, false) * (shot->fired ? RESET_STRAY : 1);
	p.fired = te_likelihood(in, shot, s->drops);
	hit = expected == 0
	    ? RESET_STRAY
	    : ttl_likelihood(shot->rst_ttl, expected) * (1 - RESET_LOST);
	miss = expected == 0 ? 1 : RESET_LOST;
	p.fired *= shot->fired ? hit : miss;
	return p;
}

/*
 * The likelihood of a trial under probability p, by each kind of dice.  The
 * products are kept in logs only at the end: a trial has at most 64 shots and
 * no factor is below 1e-10, so a double holds them.
 */
static double
trial_packet(const struct pair *v, size_t n, double p)
{
	double l = 1;
	size_t i;

	for (i = 0; i < n; i++)
		l *= v[i].reached ? p * v[i].fired + (1 - p) * v[i].passed
				  : v[i].passed;
	return l;
}

static double
trial_connection(const struct pair *v, size_t n, double p)
{
	double all = 1, none = 1;
	size_t i;

	for (i = 0; i < n; i++) {
		all *= v[i].reached ? v[i].fired : v[i].passed;
		none *= v[i].passed;
	}
	return p * all + (1 - p) * none;
}

/*
 * Until one has fired: sum over which one.  live is the weight of "none has
 * fired yet", spent that of "one has".
 */
static double
trial_once(const struct pair *v, size_t n, double p)
{
	double live = 1, spent = 0, fire;
	size_t i;

	for (i = 0; i < n; i++) {
		fire = v[i].reached ? p * live * v[i].fired : 0;
		spent = spent * v[i].passed + fire;
		live *= v[i].passed * (v[i].reached ? 1 - p : 1);
	}
	return live + spent;
}

static double
trial_likelihood(const struct pair *v, size_t n, enum infer_dice d, double p)
{
	switch (d) {
	case INFER_DICE_PACKET:
		return trial_packet(v, n, p);
	case INFER_DICE_CONNECTION:
		return trial_connection(v, n, p);
	case INFER_DICE_ONCE:
		return trial_once(v, n, p);
	}
	return 0;
}

/*
 * Resets came, from one of the shots, not known which: at least one that
 * could be seen fired, and one of those that could gave this TTL.
 */
static double
untagged_likelihood(const struct infer *in, const struct story *s,
    const struct infer_trial *t, double p)
{
	double none = 1, best = 0, l;
	size_t i, visible = 0;
	int e;

	for (i = 0; i < t->n_shots; i++) {
		e = expected_ttl(in, s, t->shots[i].ttl);
		if (t->shots[i].ttl < threshold(s->hop, s->model->place) ||
		    e == 0)
			continue;
		visible++;
		none *= 1 - p * (1 - RESET_LOST);
		l = ttl_likelihood(t->rst_ttl, e);
		best = l > best ? l : best;
	}
	if (visible == 0)
		return RESET_STRAY;
	return (1 - none) * best + RESET_STRAY;
}

static void
see_story(struct infer *in, const struct story *s, const struct infer_trial *t,
    double *logw)
{
	struct pair v[INFER_MAX_HOPS];
	size_t n = t->n_shots, d, i;
	double l;

	for (i = 0; i < n; i++)
		v[i] = shot_pair(in, s, &t->shots[i]);
	for (d = 0; d < INFER_DICES; d++)
		for (i = 0; i < NP; i++) {
			l = t->fired_unknown
			    ? untagged_likelihood(in, s, t, grid_p[i])
			    : trial_likelihood(
				  v, n, (enum infer_dice)d, grid_p[i]);
			logw[d * NP + i] += log(l + 1e-300);
		}
}

/*
 * The causes that only a shot which reaches the server can fire.  The
 * server's own reset has the TTL of its other packets, or at least its
 * distance below another initial TTL (a stateless reset of some systems);
 * one that a device makes of its answer could have any.
 */
static double
beyond_ttl_likelihood(const struct infer *in, enum infer_cause c, int rst_ttl)
{
	static const int steps[] = {32, 64, 96, 127, 128, 191, 223};
	int server = in->path.server_ttl;
	double l;
	size_t i;

	if (rst_ttl == 0)
		return 1;
	if (c == INFER_RESPONSE || server == 0)
		return 1.0 / 100;
	l = ttl_likelihood(rst_ttl, server);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (abs(rst_ttl - server) == steps[i])
			l = 0.008;
	return l;
}

static double
beyond_likelihood(const struct infer *in, enum infer_cause c,
    const struct infer_trial *t, double p)
{
	const struct infer_shot *s;
	double l = 1, ttl;
	bool reaches = false;
	size_t i;

	for (i = 0; i < t->n_shots; i++) {
		s = &t->shots[i];
		ttl = beyond_ttl_likelihood(in, c, s->rst_ttl);
		l *= te_likelihood(in, s, false);
		if (s->ttl < in->path.hops || c == INFER_NOTHING) {
			l *= s->fired ? RESET_STRAY : 1;
			continue;
		}
		reaches = true;
		l *=
		    s->fired ? p * ttl + RESET_STRAY : 1 - p * (1 - RESET_LOST);
	}
	if (t->fired_unknown && (!reaches || c == INFER_NOTHING))
		l *= RESET_STRAY;
	if (t->faster_than_server)
		l *= FAST_IF_SERVER;
	return l;
}

void
infer_see_trial(struct infer *in, const struct infer_trial *t)
{
	struct story s;
	size_t h, m, d, c, i;
	double *w;

	for (h = 1; h <= (size_t)in->path.hops; h++)
		for (m = 0; m < infer_n_models; m++)
			for (d = 0; d < 2; d++) {
				s.hop = (int)h;
				s.model = &infer_models[m];
				s.drops = d == 1;
				w = &in->logw[device_index(h, m, d)];
				if (!isinf(w[0]))
					see_story(in, &s, t, w);
			}
	for (c = INFER_SERVER; c <= INFER_NOTHING; c++) {
		w = &in->logw[cause_index(in, (enum infer_cause)c)];
		for (i = 0; i < NP; i++)
			w[i] += log(beyond_likelihood(
					in, (enum infer_cause)c, t, grid_p[i]) +
			    1e-300);
	}
}

/* Multiplies all cells of one story or cause by l. */
static void
weigh(double *w, size_t n, double l)
{
	size_t i;

	for (i = 0; i < n; i++)
		w[i] += log(l);
}

void
infer_see_given_ttl(struct infer *in, int rst_ttl, int client_ttl)
{
	struct story s = {0};
	size_t h, m;
	int e;

	for (h = 1; h <= (size_t)in->path.hops; h++)
		for (m = 0; m < infer_n_models; m++) {
			s.hop = (int)h;
			s.model = &infer_models[m];
			e = expected_ttl(in, &s, client_ttl);
			weigh(&in->logw[device_index(h, m, 0)],
			    2 * INFER_DICES * NP,
			    e == 0 ? RESET_STRAY : ttl_likelihood(rst_ttl, e));
		}
	weigh(&in->logw[cause_index(in, INFER_SERVER)], NP,
	    beyond_ttl_likelihood(in, INFER_SERVER, rst_ttl));
	weigh(&in->logw[cause_index(in, INFER_RESPONSE)], NP,
	    beyond_ttl_likelihood(in, INFER_RESPONSE, rst_ttl));
	/* Somebody saw a reset: that nothing fires is out. */
	weigh(&in->logw[cause_index(in, INFER_NOTHING)], NP, RESET_STRAY);
}

void
infer_see_id_echo(struct infer *in, bool echoed)
{
	size_t h, m;
	double l;

	if (!in->path.has_ip_id)
		return;
	for (h = 1; h <= (size_t)in->path.hops; h++)
		for (m = 0; m < infer_n_models; m++) {
			l = infer_models[m].policy == INFER_COPIED
			    ? ECHO_IF_COPIED
			    : ECHO_IF_NOT;
			weigh(&in->logw[device_index(h, m, 0)],
			    2 * INFER_DICES * NP, echoed ? l : 1 - l);
		}
	weigh(&in->logw[cause_index(in, INFER_SERVER)], NP,
	    echoed ? ECHO_IF_SERVER : 1 - ECHO_IF_SERVER);
	weigh(&in->logw[cause_index(in, INFER_RESPONSE)], NP,
	    echoed ? ECHO_IF_NOT : 1 - ECHO_IF_NOT);
}

void
infer_see_server_alive(struct infer *in, bool alive)
{
	weigh(in->logw, n_device_cells(in), 0.5);
	weigh(&in->logw[cause_index(in, INFER_SERVER)], NP,
	    alive ? ALIVE_IF_SERVER : 1 - ALIVE_IF_SERVER);
	weigh(&in->logw[cause_index(in, INFER_RESPONSE)], NP, 0.5);
}

static double
max_log(const struct infer *in)
{
	double top = -INFINITY;
	size_t i;

	for (i = 0; i < in->n_cells; i++)
		top = in->logw[i] > top ? in->logw[i] : top;
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

/* What is likely of the device, given that it is at the best hop. */
static void
detail_best(const struct infer *in, double top, struct infer_posterior *out)
{
	const struct infer_model *m;
	double w, total = 0;
	const double *cell;
	size_t k, d, i;

	for (k = 0; k < infer_n_models * 2 * INFER_DICES; k++) {
		m = &infer_models[k / (2 * INFER_DICES)];
		cell = &in->logw[device_index((size_t)out->best_hop, 0, 0) +
		    k * NP];
		d = k % INFER_DICES;
		for (i = 0; i < NP; i++) {
			w = exp(cell[i] - top);
			total += w;
			out->policy[m->policy] += w;
			if (m->policy == INFER_FIXED)
				out->initial[m->initial] += w;
			out->dice[d] += w;
			out->drops += (k / INFER_DICES) % 2 ? w : 0;
			out->rate += w * grid_p[i];
		}
	}
	for (i = 0; i < INFER_POLICIES; i++)
		out->policy[i] /= total;
	for (i = 0; i < 256; i++)
		out->initial[i] /= total;
	for (i = 0; i < INFER_DICES; i++)
		out->dice[i] /= total;
	out->drops /= total;
	out->rate /= total;
}

void
infer_get_posterior(const struct infer *in, struct infer_posterior *out)
{
	double top = max_log(in), total, w;
	size_t h, m, c;

	memset(out, 0, sizeof(*out));
	total = sum_exp(in->logw, in->n_cells, top);
	for (h = 1; h <= (size_t)in->path.hops; h++)
		for (m = 0; m < infer_n_models; m++) {
			w = sum_exp(&in->logw[device_index(h, m, 0)],
				2 * INFER_DICES * NP, top) /
			    total;
			out->at[h][infer_models[m].place] += w;
			out->hop[h] += w;
			out->cause[INFER_DEVICE] += w;
		}
	for (c = INFER_SERVER; c <= INFER_NOTHING; c++)
		out->cause[c] =
		    sum_exp(&in->logw[cause_index(in, (enum infer_cause)c)], NP,
			top) /
		    total;
	for (h = 1; h <= (size_t)in->path.hops; h++)
		if (out->hop[h] > out->hop[out->best_hop])
			out->best_hop = (int)h;
	if (out->best_hop != 0)
		detail_best(in, top, out);
}

/* The mean firing probability, and the weight, of one (hop, model) story. */
static void
story_rate(const struct infer *in, size_t h, size_t m, double top,
    double *weight, double *fires)
{
	const double *w = &in->logw[device_index(h, m, 0)];
	double e;
	size_t k;

	*weight = *fires = 0;
	for (k = 0; k < 2 * INFER_DICES * NP; k++) {
		e = exp(w[k] - top);
		*weight += e;
		*fires += e * grid_p[k % NP];
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
	double top = max_log(in), weight, fires, total, mean = 0, inner = 0;
	double at[INFER_PLACES], fire_at[INFER_PLACES];
	struct story s = {0};
	size_t h, m, p;

	total = sum_exp(in->logw, in->n_cells, top);
	for (h = 1; h <= (size_t)in->path.hops; h++) {
		memset(at, 0, sizeof(at));
		memset(fire_at, 0, sizeof(fire_at));
		for (m = 0; m < infer_n_models; m++) {
			s.hop = (int)h;
			s.model = &infer_models[m];
			story_rate(in, h, m, top, &weight, &fires);
			at[s.model->place] += weight;
			if (n >= threshold(s.hop, s.model->place) &&
			    expected_ttl(in, &s, n) != 0)
				fire_at[s.model->place] += fires;
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
