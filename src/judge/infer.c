/*
 * The posterior, exact on a grid.
 *
 * A cell is one full story of what fires: a threshold (or a copying model at
 * a hop), dropping what fires it or not, with dice rolled in one of three
 * ways, and a probability p; or one of the other causes with its p.  Each
 * trial multiplies every cell by its likelihood; all in logs.
 *
 * The likelihood of one shot is that of two stories: A, the device fired on
 * it, and B, it passed.  How A and B of the shots of a trial combine is the
 * dice's part.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infer_int.h"
#include "infer_odds.h"

const double infer_p[INFER_NP] = {INFER_P_VALUES};

static const double cause_prior[INFER_CAUSES] = {
    [INFER_DEVICE] = INFER_PRIOR_DEVICE,
    [INFER_SERVER] = INFER_PRIOR_SERVER,
    [INFER_RESPONSE] = INFER_PRIOR_RESPONSE,
    [INFER_NOTHING] = INFER_PRIOR_NOTHING,
};

static const double dice_prior[INFER_DICES] = {
    [INFER_DICE_PACKET] = INFER_PRIOR_DICE_PACKET,
    [INFER_DICE_CONNECTION] = INFER_PRIOR_DICE_CONNECTION,
    [INFER_DICE_ONCE] = INFER_PRIOR_DICE_ONCE,
};

static const double drop_prior[PLACES] = {
    [PLACE_WIRE] = INFER_DROPS_IF_WIRE,
    [PLACE_ROUTER] = INFER_DROPS_IF_ROUTER,
};

/* Of a trial's likelihood, lest it be 0. */
#define INFER_FLOOR 1e-250

/* One firing class with a way of treating what fires it. */
struct story {
	int threshold;
	int hop; /* of a copying model, else 0: its resets all arrive */
	const struct infer_model *model;
	bool drops;
};

/* A and B of one shot. */
struct pair {
	double drew;
	double passed;
	bool reached; /* else only `passed` counts */
};

/* Classes: T = 1 .. hops + 1, then hop by hop the models that copy. */
static size_t
infer_copied_before(size_t model)
{
	size_t n = 0;

	for (size_t i = 0; i < model; i++)
		n += infer_models[i].policy == TTL_POLICY_COPIED;
	return n;
}

size_t
infer_class(const struct infer *in, size_t hop, size_t model)
{
	const struct infer_model *m = &infer_models[model];

	if (m->policy != TTL_POLICY_COPIED)
		return (size_t)infer_threshold((int)hop, m->place) - 1;
	return (size_t)in->path.hops + 1 + (hop - 1) * in->n_copied +
	    infer_copied_before(model);
}

static double
infer_relative_prior(const struct infer *in, size_t hop, size_t model)
{
	const struct infer_model *m = &infer_models[model];
	size_t last = (size_t)in->path.hops;

	/* Behind the last TTL check there is only the server. */
	if (hop == last && m->place == PLACE_ROUTER)
		return 0;
	if (hop == last && last > 1)
		return m->prior * INFER_WEIGHT_LAST_WIRE;
	return m->prior;
}

static double
infer_p_prior(size_t i)
{
	if (i == 0)
		return INFER_PRIOR_P_TINY;
	if (i == INFER_NP - 1)
		return INFER_PRIOR_P_ALWAYS;
	return INFER_PRIOR_P_USUAL / (INFER_NP - 2);
}

double
infer_prior(const struct infer *in, size_t hop, size_t model)
{
	size_t last = (size_t)in->path.hops;
	double total = 0;

	/* All hops but the last weigh the same. */
	for (size_t m = 0; m < infer_n_models; m++) {
		total += infer_relative_prior(in, last, m);
		total += infer_models[m].prior * (double)(last - 1);
	}
	return cause_prior[INFER_DEVICE] *
	    infer_relative_prior(in, hop, model) / total;
}

double
infer_drop_prior(enum place place, size_t drops)
{
	return drops != 0 ? drop_prior[place] : 1 - drop_prior[place];
}

int
infer_new(const struct infer_path *path, struct infer **out, struct fault *f)
{
	struct infer *in;
	size_t hops = (size_t)path->hops;

	if (path->hops < 1 || path->hops > INFER_MAX_HOPS)
		return fault(f, FAULT_SYSTEM,
		    "a path of %d hops cannot be judged", path->hops);
	in = calloc(1, sizeof(*in));
	if (in == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	in->path = *path;
	in->n_copied = infer_copied_before(infer_n_models);
	in->n_classes = hops + 1 + hops * in->n_copied;
	in->cells =
	    calloc(in->n_classes * INFER_DROPS * INFER_STORY, sizeof(double));
	in->scale = calloc(in->n_classes * INFER_DROPS, sizeof(double));
	in->ttl = calloc(hops * infer_n_models * INFER_WAYS, sizeof(double));
	if (in->cells == NULL || in->scale == NULL || in->ttl == NULL) {
		infer_free(in);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	infer_reset(in);
	*out = in;
	return 0;
}

void
infer_free(struct infer *in)
{
	if (in == NULL)
		return;
	free(in->cells);
	free(in->scale);
	free(in->ttl);
	infer_record_free(&in->record);
	free(in);
}

void
infer_reset(struct infer *in)
{
	size_t n = in->n_classes * INFER_DROPS;

	for (size_t i = 0; i < n * INFER_STORY; i++)
		in->cells[i] = dice_prior[i / INFER_NP % INFER_DICES] *
		    infer_p_prior(i % INFER_NP);
	memset(in->scale, 0, n * sizeof(double));
	for (size_t c = 0; c < INFER_CAUSES; c++)
		for (size_t i = 0; i < INFER_NP; i++)
			in->cause[c][i] =
			    log(cause_prior[c] * infer_p_prior(i));
	memset(in->ttl, 0,
	    (size_t)in->path.hops * infer_n_models * INFER_WAYS *
		sizeof(double));
	memset(in->seen, 0, sizeof(in->seen));
	in->some_constant = 0;
	in->arbitrary = 0;
	memset(in->clue, 0, sizeof(in->clue));
	in->own_segment = false;
	memset(in->answers, 0, sizeof(in->answers));
	in->answers_dropped = 0;
	memset(in->id_steps, 0, sizeof(in->id_steps));
	in->id_rewritten = 0;
	infer_record_clear(&in->record);
}

int
infer_copy(const struct infer *in, struct infer **out, struct fault *f)
{
	size_t n = in->n_classes * INFER_DROPS;
	struct infer *c = NULL;
	struct infer_record record;
	double *cells, *scale, *ttl;

	if (infer_new(&in->path, &c, f) == -1 || c == NULL)
		return -1;
	if (infer_record_copy(&in->record, &record) == -1) {
		infer_free(c);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	cells = c->cells;
	scale = c->scale;
	ttl = c->ttl;
	*c = *in;
	c->cells = cells;
	c->scale = scale;
	c->ttl = ttl;
	c->record = record;
	memcpy(cells, in->cells, n * INFER_STORY * sizeof(double));
	memcpy(scale, in->scale, n * sizeof(double));
	memcpy(ttl, in->ttl,
	    (size_t)in->path.hops * infer_n_models * INFER_WAYS *
		sizeof(double));
	*out = c;
	return 0;
}

static double
infer_te_likelihood(
    const struct infer *in, const struct infer_shot *s, bool dropped)
{
	double q = in->path.answers[s->ttl <= INFER_MAX_HOPS ? s->ttl : 0];

	if (s->te == INFER_TE_UNKNOWN || s->ttl >= in->path.hops)
		return 1;
	if (dropped)
		q *= INFER_TE_STRAY;
	if (q > INFER_TE_MOST)
		q = INFER_TE_MOST;
	if (q < INFER_TE_LEAST)
		q = INFER_TE_LEAST;
	return s->te == INFER_TE_SEEN ? q : 1 - q;
}

static struct pair
infer_shot_pair(const struct infer *in, const struct story *s,
    const struct infer_shot *shot)
{
	bool unseen = s->hop != 0 &&
	    infer_expected_ttl(in, s->hop, s->model, shot->ttl) == 0;
	double hit, miss;
	struct pair p;

	p.reached = shot->ttl >= s->threshold;
	p.passed = infer_te_likelihood(in, shot, false) *
	    (shot->drew ? INFER_RESET_STRAY : 1);
	p.drew = infer_te_likelihood(in, shot, s->drops);
	hit = unseen ? INFER_RESET_STRAY : 1 - INFER_RESET_LOST;
	miss = unseen ? 1 : INFER_RESET_LOST;
	p.drew *= shot->drew ? hit : miss;
	return p;
}

/*
 * The likelihoods of a trial for each p, by each kind of dice.  A trial has at
 * most 64 shots and hardly a factor is below 1e-5, so a double holds them.
 */
static void
infer_trial_packet(const struct pair *v, size_t n, double l[INFER_NP])
{
	for (size_t k = 0; k < INFER_NP; k++)
		l[k] = 1;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < INFER_NP; k++)
			l[k] *= v[i].reached ? v[i].passed +
				infer_p[k] * (v[i].drew - v[i].passed)
					     : v[i].passed;
}

static void
infer_trial_connection(const struct pair *v, size_t n, double l[INFER_NP])
{
	double all = 1, none = 1;

	for (size_t i = 0; i < n; i++) {
		all *= v[i].reached ? v[i].drew : v[i].passed;
		none *= v[i].passed;
	}
	for (size_t k = 0; k < INFER_NP; k++)
		l[k] = infer_p[k] * all + (1 - infer_p[k]) * none;
}

/*
 * Until one has fired: sum over which one.  live is the weight of "none has
 * fired yet", spent that of "one has".
 */
static void
infer_trial_once(const struct pair *v, size_t n, double l[INFER_NP])
{
	double live, spent, p;

	for (size_t k = 0; k < INFER_NP; k++) {
		live = 1;
		spent = 0;
		for (size_t i = 0; i < n; i++) {
			p = v[i].reached ? infer_p[k] : 0;
			spent = spent * v[i].passed + p * live * v[i].drew;
			live *= v[i].passed * (1 - p);
		}
		l[k] = live + spent;
	}
}

static void
infer_trial_likelihood(
    const struct pair *v, size_t n, enum infer_dice d, double l[INFER_NP])
{
	switch (d) {
	case INFER_DICE_PACKET:
		infer_trial_packet(v, n, l);
		break;
	case INFER_DICE_CONNECTION:
		infer_trial_connection(v, n, l);
		break;
	case INFER_DICE_ONCE:
		infer_trial_once(v, n, l);
		break;
	}
}

/* Resets came, from one of the shots that could be seen to fire. */
static void
infer_untagged_likelihood(const struct infer *in, const struct story *s,
    const struct infer_trial *t, enum infer_dice d, double l[INFER_NP])
{
	double none;
	double rolls;
	size_t could = 0;

	for (size_t i = 0; i < t->n_shots; i++)
		could += t->shots[i].ttl >= s->threshold &&
		    (s->hop == 0 ||
			infer_expected_ttl(
			    in, s->hop, s->model, t->shots[i].ttl) != 0);
	rolls = d == INFER_DICE_CONNECTION && could > 1 ? 1 : (double)could;
	for (size_t k = 0; k < INFER_NP; k++) {
		none = pow(1 - infer_p[k] * (1 - INFER_RESET_LOST), rolls);
		l[k] = 1 - none + INFER_RESET_STRAY;
	}
}

/* Multiplies a story's cells, and keeps the largest at 1. */
static void
infer_weigh_cells(double *w, double *scale, double l[INFER_DICES][INFER_NP])
{
	double top = 0;

	for (size_t i = 0; i < INFER_STORY; i++) {
		w[i] *= l[i / INFER_NP][i % INFER_NP] + INFER_FLOOR;
		top = w[i] > top ? w[i] : top;
	}
	*scale += log(top);
	for (size_t i = 0; i < INFER_STORY; i++)
		w[i] /= top;
}

static void
infer_see_story(const struct infer *in, const struct story *s,
    const struct infer_trial *t, double *w, double *scale)
{
	struct pair v[INFER_MAX_HOPS];
	double l[INFER_DICES][INFER_NP];
	size_t n = t->n_shots;

	if (n > INFER_MAX_HOPS)
		n = INFER_MAX_HOPS;
	for (size_t i = 0; i < n; i++)
		v[i] = infer_shot_pair(in, s, &t->shots[i]);
	for (size_t d = 0; d < INFER_DICES; d++)
		if (t->drew_unknown)
			infer_untagged_likelihood(
			    in, s, t, (enum infer_dice)d, l[d]);
		else
			infer_trial_likelihood(v, n, (enum infer_dice)d, l[d]);
	infer_weigh_cells(w, scale, l);
}

/* Both ways of treating what fires it. */
static void
infer_see_class(struct infer *in, size_t class, struct story *s,
    const struct infer_trial *t)
{
	for (size_t d = 0; d < INFER_DROPS; d++) {
		s->drops = d == 1;
		infer_see_story(in, s, t, infer_cells(in, class, d),
		    infer_scale(in, class, d));
	}
}

static void
infer_see_classes(struct infer *in, const struct infer_trial *t)
{
	struct story s = {0};

	for (int n = 1; n <= in->path.hops + 1; n++) {
		s.threshold = n;
		infer_see_class(in, (size_t)n - 1, &s, t);
	}
	for (size_t h = 1; h <= (size_t)in->path.hops; h++)
		for (size_t m = 0; m < infer_n_models; m++) {
			s.model = &infer_models[m];
			if (s.model->policy != TTL_POLICY_COPIED)
				continue;
			s.hop = (int)h;
			s.threshold = infer_threshold(s.hop, s.model->place);
			infer_see_class(in, infer_class(in, h, m), &s, t);
		}
}

/* The causes that only a shot which reaches the server can fire. */
static double
infer_beyond_likelihood(const struct infer *in, enum infer_cause c,
    const struct infer_trial *t, double p)
{
	const struct infer_shot *s;
	double l = 1;
	bool reaches = false;

	for (size_t i = 0; i < t->n_shots; i++) {
		s = &t->shots[i];
		l *= infer_te_likelihood(in, s, false);
		if (s->ttl < in->path.hops || c == INFER_NOTHING) {
			l *= s->drew ? INFER_RESET_STRAY : 1;
			continue;
		}
		reaches = true;
		l *= s->drew ? p * (1 - INFER_RESET_LOST) + INFER_RESET_STRAY
			     : 1 - p * (1 - INFER_RESET_LOST);
	}
	if (t->drew_unknown && (!reaches || c == INFER_NOTHING))
		l *= INFER_RESET_STRAY;
	if (t->faster_than_server)
		l *= INFER_HARDLY_IF_SERVER;
	return l;
}

static void
infer_see_ttls(struct infer *in, const struct infer_trial *t)
{
	const struct infer_shot *s;

	for (size_t i = 0; i < t->n_shots; i++) {
		s = &t->shots[i];
		if (s->drew)
			infer_ttl_see(in, s->rst_ttl, s->ttl);
	}
	/* Which of the shots is open: a TTL that is not copied shows. */
	if (t->drew_unknown && t->n_shots > 0)
		infer_ttl_see(in, t->rst_ttl, t->shots[t->n_shots - 1].ttl);
}

void
infer_weigh_causes(struct infer *in, const struct infer_trial *t)
{
	for (size_t c = INFER_SERVER; c <= INFER_NOTHING; c++)
		for (size_t i = 0; i < INFER_NP; i++)
			in->cause[c][i] +=
			    log(infer_beyond_likelihood(
				    in, (enum infer_cause)c, t, infer_p[i]) +
				1e-300);
}

void
infer_see_trial(struct infer *in, const struct infer_trial *t)
{
	struct infer_trial counted = *t;

	if (counted.n_shots > INFER_MAX_HOPS)
		counted.n_shots = INFER_MAX_HOPS;
	infer_record_trial(&in->record, &counted);
	infer_see_ttls(in, &counted);
	infer_see_classes(in, &counted);
	infer_weigh_causes(in, &counted);
}

/* Multiplies all cells of a cause by l. */
static void
infer_weigh_cause(struct infer *in, enum infer_cause c, double l)
{
	for (size_t i = 0; i < INFER_NP; i++)
		in->cause[c][i] += log(l);
}

static void
infer_weigh_devices(struct infer *in, double l)
{
	for (size_t m = 0; m < infer_n_models; m++)
		in->clue[m] += log(l);
}

void
infer_see_given_ttl(struct infer *in, int rst_ttl, int client_ttl)
{
	infer_record_given(&in->record, rst_ttl, client_ttl);
	infer_ttl_see(in, rst_ttl, client_ttl);
	/* Somebody saw a reset: that nothing fires is out. */
	infer_weigh_cause(in, INFER_NOTHING, INFER_RESET_STRAY);
}

void
infer_see_id_echo(struct infer *in, bool echoed)
{
	double l;

	if (!in->path.has_ip_id)
		return;
	in->record.echoed += echoed;
	in->record.not_echoed += !echoed;
	for (size_t m = 0; m < infer_n_models; m++) {
		l = infer_models[m].policy == TTL_POLICY_COPIED
		    ? INFER_ECHO_IF_COPIED
		    : INFER_ECHO_IF_NOT;
		in->clue[m] += log(echoed ? l : 1 - l);
	}
	infer_weigh_cause(in, INFER_SERVER,
	    echoed ? INFER_HARDLY_IF_SERVER : 1 - INFER_HARDLY_IF_SERVER);
	infer_weigh_cause(in, INFER_RESPONSE,
	    echoed ? INFER_ECHO_IF_ANSWER : 1 - INFER_ECHO_IF_ANSWER);
}

void
infer_see_server_alive(struct infer *in, bool alive)
{
	double device =
	    alive ? INFER_ALIVE_IF_DEVICE : 1 - INFER_ALIVE_IF_DEVICE;

	in->record.alive += alive;
	in->record.dead += !alive;
	infer_weigh_devices(in, device);
	infer_weigh_cause(in, INFER_SERVER,
	    alive ? INFER_ALIVE_IF_SERVER : 1 - INFER_ALIVE_IF_SERVER);
	infer_weigh_cause(in, INFER_RESPONSE, device);
}

/*
 * A rewritten answer has its own ID, always: that is one story of the
 * RESPONSE, weighed with the TTL that belongs to it (infer_ttl.c), the other
 * makes its own.
 */
static const double id_follows[INFER_CAUSES] = {
    [INFER_DEVICE] = INFER_FOLLOWS_IF_DEVICE,
    [INFER_SERVER] = INFER_FOLLOWS_IF_SERVER,
    [INFER_RESPONSE] = INFER_FOLLOWS_IF_DEVICE,
    [INFER_NOTHING] = INFER_FOLLOWS_IF_SERVER,
};

void
infer_set_id_steps(
    struct infer *in, unsigned int follow, unsigned int break_off)
{
	unsigned int all = follow + break_off;
	double k =
	    all > INFER_ID_STEPS_COUNT ? (double)INFER_ID_STEPS_COUNT / all : 1;

	in->record.id_follow = follow;
	in->record.id_break = break_off;
	for (size_t c = 0; c < INFER_CAUSES; c++)
		in->id_steps[c] = k *
		    (follow * log(id_follows[c]) +
			break_off * log(1 - id_follows[c]));
	in->id_rewritten = k *
	    (follow * log(INFER_FOLLOWS_IF_REWRITTEN) +
		break_off * log(1 - INFER_FOLLOWS_IF_REWRITTEN));
}

/* The likelihood of each kind of answer: passed, dropped, server, response. */
struct answer_odds {
	double passed;
	double dropped;
	double server;
	double response;
};

static const struct answer_odds odds_unacked = {INFER_ODDS_UNACKED};
static const struct answer_odds odds_refused = {INFER_ODDS_REFUSED};
static const struct answer_odds odds_acked = {INFER_ODDS_ACKED};
static const struct answer_odds odds_acked_talks = {INFER_ODDS_ACKED_TALKS};
static const struct answer_odds odds_acked_mute = {INFER_ODDS_ACKED_MUTE};
static const struct answer_odds odds_behind = {INFER_ODDS_BEHIND};
static const struct answer_odds odds_beyond = {INFER_ODDS_BEYOND};
static const struct answer_odds odds_early = {
    INFER_EARLY_IF_PASSED, 1, INFER_EARLY_IF_SERVER, INFER_EARLY_IF_RESPONSE};
static const struct answer_odds odds_late = {1 - INFER_EARLY_IF_PASSED, 1,
    1 - INFER_EARLY_IF_SERVER, 1 - INFER_EARLY_IF_RESPONSE};
static const struct answer_odds odds_mute = {1, 1, 1, INFER_MUTE_IF_RESPONSE};

static void
infer_weigh_answers(
    struct infer *in, const struct answer_odds *o, unsigned int n)
{
	unsigned int k = n < INFER_ANSWERS_COUNT ? n : INFER_ANSWERS_COUNT;

	in->answers[INFER_DEVICE] += k * log(o->passed);
	in->answers_dropped += k * log(o->dropped);
	in->answers[INFER_SERVER] += k * log(o->server);
	in->answers[INFER_RESPONSE] += k * log(o->response);
}

void
infer_set_answers(struct infer *in, const struct infer_answers *a)
{
	unsigned int timed = a->acked + a->behind + a->beyond;

	in->record.answers = *a;
	memset(in->answers, 0, sizeof(in->answers));
	in->answers_dropped = 0;
	/* Who resets the server before the trigger gets there, always does. */
	infer_weigh_answers(in, &odds_unacked, a->unacked > 0);
	infer_weigh_answers(in, &odds_refused, a->refused > 0);
	infer_weigh_answers(in,
	    a->mute	   ? &odds_acked_mute
		: a->talks ? &odds_acked_talks
			   : &odds_acked,
	    a->acked);
	infer_weigh_answers(in, &odds_behind, a->behind);
	infer_weigh_answers(in, &odds_beyond, a->beyond);
	infer_weigh_answers(in, &odds_early, a->early);
	infer_weigh_answers(in, &odds_late, timed - a->early);
	infer_weigh_answers(in, &odds_mute, a->mute);
}

void
infer_see_own_segment(struct infer *in)
{
	in->record.own_segment++;
	in->own_segment = true;
	infer_weigh_cause(in, INFER_SERVER, INFER_UNKNOWN_SENDER);
	infer_weigh_cause(in, INFER_RESPONSE, INFER_UNKNOWN_SENDER);
}
