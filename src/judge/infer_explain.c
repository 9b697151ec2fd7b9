/*
 * What each class of observations was worth to a verdict.
 *
 * A second infer is told the same again, class by class.  After each one, the
 * log odds of the two hypotheses have moved by that class's weight.
 *
 * To see trials is what costs time, so that is done once more only, for what
 * the shots drew.  Cells and TTLs are sums over all that was seen of them;
 * when their last class is added, they are copied from the first infer.
 */
#include <math.h>
#include <string.h>

#include "infer_int.h"

struct explain_state {
	const struct infer *in;
	struct infer *again;
	double causes[INFER_CAUSES][INFER_NP]; /* before the first trial */
};

/* What a class needs to be told again. */
struct explain_class {
	enum infer_evidence evidence;
	bool (*is_seen)(const struct infer_record *r);
	void (*add)(struct explain_state *s);
};

/* The trial as it was told; the pointer holds until the record changes. */
static struct infer_trial
explain_trial(const struct infer_record *r, size_t i, size_t *first)
{
	struct infer_trial t = r->trials[i];

	t.shots = t.n_shots > 0 ? &r->shots[*first] : NULL;
	*first += t.n_shots;
	return t;
}

static bool
explain_has_shots(const struct infer_record *r)
{
	return r->n_trials > 0;
}

/* All trials, without what else than a reset was seen of them. */
static void
explain_add_shots(struct explain_state *s)
{
	const struct infer_record *r = &s->in->record;
	struct infer_shot bare[INFER_MAX_HOPS];
	size_t first = 0;

	for (size_t i = 0; i < r->n_trials; i++) {
		struct infer_trial t = explain_trial(r, i, &first);

		for (size_t k = 0; k < t.n_shots; k++)
			bare[k] = (struct infer_shot){
			    .ttl = t.shots[k].ttl, .drew = t.shots[k].drew};
		t.shots = bare;
		t.rst_ttl = 0;
		t.faster_than_server = false;
		infer_see_trial(s->again, &t);
	}
}

static bool
explain_has_te(const struct infer_record *r)
{
	for (size_t i = 0; i < r->n_shots; i++)
		if (r->shots[i].te != INFER_TE_UNKNOWN)
			return true;
	return false;
}

/* The causes anew, by the trials with or without their latency. */
static void
explain_weigh_causes(struct explain_state *s, bool with_latency)
{
	const struct infer_record *r = &s->in->record;
	size_t first = 0;

	memcpy(s->again->cause, s->causes, sizeof(s->causes));
	for (size_t i = 0; i < r->n_trials; i++) {
		struct infer_trial t = explain_trial(r, i, &first);

		if (!with_latency)
			t.faster_than_server = false;
		infer_weigh_causes(s->again, &t);
	}
}

/* Cells know of trials nothing but what the shots drew, and this. */
static void
explain_add_te(struct explain_state *s)
{
	const struct infer *in = s->in;
	size_t n = in->n_classes * INFER_DROPS;

	memcpy(s->again->cells, in->cells, n * INFER_STORY * sizeof(double));
	memcpy(s->again->scale, in->scale, n * sizeof(double));
	explain_weigh_causes(s, false);
}

static bool
explain_has_latency(const struct infer_record *r)
{
	for (size_t i = 0; i < r->n_trials; i++)
		if (r->trials[i].faster_than_server)
			return true;
	return false;
}

static void
explain_add_latency(struct explain_state *s)
{
	explain_weigh_causes(s, true);
}

static bool
explain_has_given(const struct infer_record *r)
{
	return r->n_given > 0;
}

static void
explain_add_given(struct explain_state *s)
{
	const struct infer_record *r = &s->in->record;

	for (size_t i = 0; i < r->n_given; i++)
		infer_see_given_ttl(
		    s->again, r->given[i].rst_ttl, r->given[i].client_ttl);
}

static bool
explain_has_ttl(const struct infer_record *r)
{
	for (size_t i = 0; i < r->n_shots; i++)
		if (r->shots[i].drew && r->shots[i].rst_ttl != 0)
			return true;
	for (size_t i = 0; i < r->n_trials; i++)
		if (r->trials[i].drew_unknown && r->trials[i].rst_ttl != 0)
			return true;
	return false;
}

/* The user's TTLs are in these too, and stood there before. */
static void
explain_add_ttl(struct explain_state *s)
{
	const struct infer *in = s->in;
	size_t n = (size_t)in->path.hops * infer_n_models * INFER_WAYS;

	memcpy(s->again->ttl, in->ttl, n * sizeof(double));
	memcpy(s->again->seen, in->seen, sizeof(in->seen));
	s->again->some_constant = in->some_constant;
	s->again->arbitrary = in->arbitrary;
}

static bool
explain_has_id_echo(const struct infer_record *r)
{
	return r->echoed + r->not_echoed > 0;
}

static void
explain_add_id_echo(struct explain_state *s)
{
	for (unsigned int i = 0; i < s->in->record.echoed; i++)
		infer_see_id_echo(s->again, true);
	for (unsigned int i = 0; i < s->in->record.not_echoed; i++)
		infer_see_id_echo(s->again, false);
}

static bool
explain_has_own_segment(const struct infer_record *r)
{
	return r->own_segment > 0;
}

static void
explain_add_own_segment(struct explain_state *s)
{
	for (unsigned int i = 0; i < s->in->record.own_segment; i++)
		infer_see_own_segment(s->again);
}

static bool
explain_has_server_side(const struct infer_record *r)
{
	return r->alive + r->dead > 0;
}

static void
explain_add_server_side(struct explain_state *s)
{
	for (unsigned int i = 0; i < s->in->record.alive; i++)
		infer_see_server_alive(s->again, true);
	for (unsigned int i = 0; i < s->in->record.dead; i++)
		infer_see_server_alive(s->again, false);
}

static bool
explain_has_answers(const struct infer_record *r)
{
	const struct infer_answers *a = &r->answers;

	return a->unacked + a->refused + a->acked + a->behind + a->beyond > 0 ||
	    a->mute;
}

static void
explain_add_answers(struct explain_state *s)
{
	infer_set_answers(s->again, &s->in->record.answers);
}

static bool
explain_has_id_steps(const struct infer_record *r)
{
	return r->id_follow + r->id_break > 0;
}

static void
explain_add_id_steps(struct explain_state *s)
{
	infer_set_id_steps(
	    s->again, s->in->record.id_follow, s->in->record.id_break);
}

/* In the order in which they are added. */
static const struct explain_class explain_classes[INFER_EVIDENCES] = {
    {INFER_EVIDENCE_SHOTS, explain_has_shots, explain_add_shots},
    {INFER_EVIDENCE_TIME_EXCEEDED, explain_has_te, explain_add_te},
    {INFER_EVIDENCE_LATENCY, explain_has_latency, explain_add_latency},
    {INFER_EVIDENCE_GIVEN_TTL, explain_has_given, explain_add_given},
    {INFER_EVIDENCE_RESET_TTL, explain_has_ttl, explain_add_ttl},
    {INFER_EVIDENCE_ID_ECHO, explain_has_id_echo, explain_add_id_echo},
    {INFER_EVIDENCE_OWN_SEGMENT, explain_has_own_segment,
	explain_add_own_segment},
    {INFER_EVIDENCE_SERVER_SIDE, explain_has_server_side,
	explain_add_server_side},
    {INFER_EVIDENCE_ANSWERS, explain_has_answers, explain_add_answers},
    {INFER_EVIDENCE_ID_STEPS, explain_has_id_steps, explain_add_id_steps},
};

static double
explain_log(const struct infer_joint *j, const struct infer_hypothesis *h)
{
	return h->cause == INFER_DEVICE ? j->hop[h->hop] : j->cause[h->cause];
}

static bool
explain_is_same(
    const struct infer_hypothesis *a, const struct infer_hypothesis *b)
{
	return a->cause == b->cause && a->hop == b->hop;
}

/* The most probable hypothesis that is not `but`, which may be NULL. */
static struct infer_hypothesis
explain_best(const struct infer *in, const struct infer_joint *j,
    const struct infer_hypothesis *but)
{
	struct infer_hypothesis best = {0}, h = {INFER_DEVICE, 0};
	double top = -INFINITY;

	for (h.hop = 1; h.hop <= in->path.hops; h.hop++)
		if ((but == NULL || !explain_is_same(&h, but)) &&
		    explain_log(j, &h) > top) {
			best = h;
			top = explain_log(j, &h);
		}
	h.hop = 0;
	for (size_t c = INFER_SERVER; c <= INFER_NOTHING; c++) {
		h.cause = (enum infer_cause)c;
		if ((but == NULL || !explain_is_same(&h, but)) &&
		    explain_log(j, &h) > top) {
			best = h;
			top = explain_log(j, &h);
		}
	}
	return best;
}

static int
explain_odds(const struct infer *in, const struct infer_explanation *e,
    double *out, struct fault *f)
{
	struct infer_joint j;

	if (infer_get_joint(in, &j, f) == -1)
		return -1;
	*out = explain_log(&j, &e->one) - explain_log(&j, &e->other);
	return 0;
}

/* Adds class after class; the weight of each is what it moves. */
static int
explain_weigh(
    struct explain_state *s, struct infer_explanation *e, struct fault *f)
{
	double before, after;

	memcpy(s->causes, s->again->cause, sizeof(s->causes));
	if (explain_odds(s->again, e, &e->prior, f) == -1)
		return -1;
	before = e->prior;
	for (size_t i = 0; i < INFER_EVIDENCES; i++) {
		const struct explain_class *c = &explain_classes[i];

		if (!c->is_seen(&s->in->record))
			continue;
		c->add(s);
		if (explain_odds(s->again, e, &after, f) == -1)
			return -1;
		e->seen[c->evidence] = true;
		e->weight[c->evidence] = after - before;
		before = after;
	}
	return 0;
}

int
infer_explain(const struct infer *in, const struct infer_hypothesis *one,
    const struct infer_hypothesis *other, struct infer_explanation *out,
    struct fault *f)
{
	struct explain_state s = {.in = in};
	struct infer_joint j;
	int rc;

	memset(out, 0, sizeof(*out));
	if (in->record.is_lost)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (infer_get_joint(in, &j, f) == -1)
		return -1;
	out->one = one != NULL ? *one : explain_best(in, &j, NULL);
	out->other = other != NULL ? *other : explain_best(in, &j, &out->one);
	out->log_odds =
	    explain_log(&j, &out->one) - explain_log(&j, &out->other);
	if (infer_new(&in->path, &s.again, f) == -1)
		return -1;
	rc = explain_weigh(&s, out, f);
	infer_free(s.again);
	return rc;
}

const char *
infer_evidence_name(enum infer_evidence e)
{
	switch (e) {
	case INFER_EVIDENCE_SHOTS:
		return "shots";
	case INFER_EVIDENCE_TIME_EXCEEDED:
		return "time_exceeded";
	case INFER_EVIDENCE_LATENCY:
		return "latency";
	case INFER_EVIDENCE_GIVEN_TTL:
		return "given_ttl";
	case INFER_EVIDENCE_RESET_TTL:
		return "reset_ttl";
	case INFER_EVIDENCE_ID_ECHO:
		return "ip_id_echo";
	case INFER_EVIDENCE_OWN_SEGMENT:
		return "own_segment";
	case INFER_EVIDENCE_SERVER_SIDE:
		return "server_side";
	case INFER_EVIDENCE_ANSWERS:
		return "answers";
	case INFER_EVIDENCE_ID_STEPS:
		return "ip_id_steps";
	}
	return NULL;
}
