/*
 * infer_explain: prior and weights add up to the verdict's log odds, and each
 * weight is that of its own class.  Scenes are random; what they were seen to
 * hold is told class by class from here, beside the explanation.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <rsthop/infer.h>
#include <rsthop/rng.h>

#include "judge/infer_int.h"
#include "proves.h"

#define SCENES	  60
#define TRIALS	  8
#define SHOTS	  12
#define GIVEN	  3
#define EPS	  1e-9
#define DEVICE(h) ((struct infer_hypothesis){INFER_DEVICE, (h)})
#define CAUSE(c)  ((struct infer_hypothesis){(c), 0})

/* All that a scene may hold, one kind of field for each class. */
struct scene {
	struct infer_path path;
	size_t n_trials;
	struct infer_trial trials[TRIALS];
	struct infer_shot shots[TRIALS][SHOTS];
	size_t n_given;
	int given[GIVEN], client[GIVEN];
	int echoed; /* -1: not seen */
	bool own_segment;
	unsigned int alive, dead;
	struct infer_answers answers;
	unsigned int follow, break_off;
};

static bool
often(struct rng *r, unsigned int percent)
{
	return rng_below(r, 100) < percent;
}

static void
draw_path(struct rng *r, struct infer_path *p)
{
	memset(p, 0, sizeof(*p));
	p->hops = 1 + (int)rng_below(r, 20);
	p->server_ttl = often(r, 80) ? 65 - p->hops : 0;
	p->has_ip_id = often(r, 80);
	for (int i = 0; i <= INFER_MAX_HOPS; i++) {
		p->traversed[i] =
		    i > 0 && i < p->hops && often(r, 80) ? i - 1 : -1;
		p->answers[i] = often(r, 80) ? 0.9 : 0;
	}
}

static void
draw_shot(struct rng *r, const struct scene *s, struct infer_shot *shot)
{
	int device = 1 + s->path.hops / 2;

	shot->ttl = often(r, 30) ? 64 : 1 + (int)rng_below(r, 20);
	shot->drew = often(r, shot->ttl >= device ? 80 : 3);
	if (shot->drew && often(r, 80))
		shot->rst_ttl = 64 - device + (int)rng_below(r, 2);
	shot->te = (enum infer_te)rng_below(r, 3);
}

static void
draw_trial(struct rng *r, struct scene *s, size_t i)
{
	struct infer_trial *t = &s->trials[i];

	t->n_shots = rng_below(r, SHOTS + 1);
	t->shots = s->shots[i];
	for (size_t k = 0; k < t->n_shots; k++)
		draw_shot(r, s, &s->shots[i][k]);
	t->drew_unknown = often(r, 20);
	for (size_t k = 0; k < t->n_shots && t->drew_unknown; k++)
		s->shots[i][k].drew = false;
	t->rst_ttl = t->drew_unknown ? 60 : 0;
	t->faster_than_server = often(r, 20);
}

static void
draw_answers(struct rng *r, struct infer_answers *a)
{
	a->unacked = rng_below(r, 3);
	a->refused = rng_below(r, 2);
	a->acked = rng_below(r, 3);
	a->behind = rng_below(r, 3);
	a->beyond = rng_below(r, 3);
	a->early = rng_below(r, a->acked + a->behind + a->beyond + 1);
	a->talks = often(r, 50);
	a->mute = often(r, 20);
}

static void
draw_scene(struct rng *r, struct scene *s)
{
	memset(s, 0, sizeof(*s));
	draw_path(r, &s->path);
	s->n_trials = rng_below(r, TRIALS + 1);
	for (size_t i = 0; i < s->n_trials; i++)
		draw_trial(r, s, i);
	s->n_given = often(r, 50) ? rng_below(r, GIVEN + 1) : 0;
	for (size_t i = 0; i < s->n_given; i++) {
		s->given[i] = 50 + (int)rng_below(r, 15);
		s->client[i] = 64;
	}
	s->echoed = (int)rng_below(r, 3) - 1;
	s->own_segment = often(r, 20);
	s->alive = often(r, 30);
	s->dead = often(r, 30);
	if (often(r, 60))
		draw_answers(r, &s->answers);
	s->follow = often(r, 30) ? rng_below(r, 4) : 0;
	s->break_off = often(r, 30) ? rng_below(r, 4) : 0;
}

/* Is this class among the first `n` of the list in the header? */
static bool
is_told(enum infer_evidence e, size_t n)
{
	return (size_t)e < n;
}

/* A trial of which no more is known than the first n classes tell. */
static void
tell_trial(const struct scene *s, size_t i, size_t n, struct infer *in)
{
	struct infer_trial t = s->trials[i];
	struct infer_shot shots[SHOTS];

	memcpy(shots, s->shots[i], sizeof(shots));
	t.shots = shots;
	for (size_t k = 0; k < t.n_shots; k++) {
		if (!is_told(INFER_EVIDENCE_TIME_EXCEEDED, n))
			shots[k].te = INFER_TE_UNKNOWN;
		if (!is_told(INFER_EVIDENCE_RESET_TTL, n))
			shots[k].rst_ttl = 0;
	}
	if (!is_told(INFER_EVIDENCE_RESET_TTL, n))
		t.rst_ttl = 0;
	if (!is_told(INFER_EVIDENCE_LATENCY, n))
		t.faster_than_server = false;
	if (is_told(INFER_EVIDENCE_SHOTS, n))
		infer_see_trial(in, &t);
}

/*
 * The scene's first n classes.  Clues come before the trials here and after
 * them in the explanation: the order does not matter.
 */
static struct infer *
tell(const struct scene *s, size_t n)
{
	struct fault f = {0};
	struct infer *in = NULL;

	assert_int_equal(infer_new(&s->path, &in, &f), 0);
	if (is_told(INFER_EVIDENCE_ID_STEPS, n))
		infer_set_id_steps(in, s->follow, s->break_off);
	if (is_told(INFER_EVIDENCE_ANSWERS, n))
		infer_set_answers(in, &s->answers);
	for (unsigned int i = 0;
	     i < s->alive && is_told(INFER_EVIDENCE_SERVER_SIDE, n); i++)
		infer_see_server_alive(in, true);
	for (unsigned int i = 0;
	     i < s->dead && is_told(INFER_EVIDENCE_SERVER_SIDE, n); i++)
		infer_see_server_alive(in, false);
	if (s->own_segment && is_told(INFER_EVIDENCE_OWN_SEGMENT, n))
		infer_see_own_segment(in);
	if (s->echoed != -1 && is_told(INFER_EVIDENCE_ID_ECHO, n))
		infer_see_id_echo(in, s->echoed == 1);
	for (size_t i = 0; i < s->n_trials; i++)
		tell_trial(s, i, n, in);
	for (size_t i = 0;
	     i < s->n_given && is_told(INFER_EVIDENCE_GIVEN_TTL, n); i++)
		infer_see_given_ttl(in, s->given[i], s->client[i]);
	return in;
}

static void
near(double a, double b, double eps)
{
	if (!(fabs(a - b) <= eps))
		print_error("%.15g is not %.15g\n", a, b);
	assert_true(fabs(a - b) <= eps);
}

static struct infer_explanation
explain(const struct infer *in, const struct infer_hypothesis *one,
    const struct infer_hypothesis *other)
{
	struct infer_explanation e;
	struct fault f = {0};

	assert_int_equal(infer_explain(in, one, other, &e, &f), 0);
	return e;
}

static void
assert_same(
    const struct infer_explanation *a, const struct infer_explanation *b)
{
	assert_int_equal(a->one.cause, b->one.cause);
	assert_int_equal(a->one.hop, b->one.hop);
	assert_int_equal(a->other.cause, b->other.cause);
	assert_int_equal(a->other.hop, b->other.hop);
	assert_true(a->prior == b->prior && a->log_odds == b->log_odds);
	for (size_t i = 0; i < INFER_EVIDENCES; i++) {
		assert_true(a->weight[i] == b->weight[i]);
		assert_int_equal(a->seen[i], b->seen[i]);
	}
}

static double
sum_of(const struct infer_explanation *e, size_t n)
{
	double sum = e->prior;

	for (size_t i = 0; i < n; i++)
		sum += e->weight[i];
	return sum;
}

static double
probability(const struct infer_posterior *p, const struct infer_hypothesis *h)
{
	return h->cause == INFER_DEVICE ? p->hop[h->hop] : p->cause[h->cause];
}

static struct infer_posterior
posterior(const struct infer *in)
{
	struct infer_posterior p;
	struct fault f = {0};

	assert_int_equal(infer_get_posterior(in, &p, &f), 0);
	return p;
}

/* Any hypothesis of the path. */
static struct infer_hypothesis
draw_hypothesis(struct rng *r, const struct scene *s)
{
	unsigned int i = rng_below(r, (uint32_t)s->path.hops + 3);

	if (i < (unsigned int)s->path.hops)
		return DEVICE((int)i + 1);
	return CAUSE((enum infer_cause)(
	    INFER_SERVER + (i - (unsigned int)s->path.hops)));
}

static void
test_sums(void **state)
{
	unsigned int compared = 0;
	struct scene s;
	struct rng r;

	(void)state;
	rng_seed(&r, 1);
	for (int i = 0; i < SCENES; i++) {
		struct infer_posterior p;
		struct infer_explanation e;
		struct infer *in;

		draw_scene(&r, &s);
		in = tell(&s, INFER_EVIDENCES);
		e = explain(in, NULL, NULL);
		near(sum_of(&e, INFER_EVIDENCES), e.log_odds, EPS);
		p = posterior(in);
		if (probability(&p, &e.other) > 1e-200) {
			near(e.log_odds,
			    log(probability(&p, &e.one)) -
				log(probability(&p, &e.other)),
			    EPS);
			compared++;
		}
		infer_free(in);
	}
	assert_true(compared >= SCENES * 9 / 10);
}

/* The weights of any two hypotheses, against what is told class by class. */
static void
test_each_class(void **state)
{
	unsigned int moved[INFER_EVIDENCES] = {0};
	struct scene s;
	struct rng r;

	(void)state;
	rng_seed(&r, 2);
	for (int i = 0; i < SCENES; i++) {
		struct infer_hypothesis one, other;
		struct infer_explanation e;
		struct infer *in;

		draw_scene(&r, &s);
		one = draw_hypothesis(&r, &s);
		other = draw_hypothesis(&r, &s);
		in = tell(&s, INFER_EVIDENCES);
		e = explain(in, &one, &other);
		infer_free(in);
		for (size_t n = 0; n <= INFER_EVIDENCES; n++) {
			struct infer_explanation part;

			in = tell(&s, n);
			part = explain(in, &one, &other);
			near(part.log_odds, sum_of(&e, n), EPS);
			infer_free(in);
		}
		for (size_t k = 0; k < INFER_EVIDENCES; k++)
			moved[k] += e.seen[k] && fabs(e.weight[k]) > 0.01;
	}
	/* No class is always nothing. */
	for (size_t k = 0; k < INFER_EVIDENCES; k++)
		assert_true(moved[k] >= SCENES / 20);
}

static void
test_unseen_is_zero(void **state)
{
	struct scene s;
	struct rng r;

	(void)state;
	rng_seed(&r, 3);
	for (int i = 0; i < SCENES; i++) {
		struct infer_explanation e;
		struct infer *in;

		draw_scene(&r, &s);
		for (size_t n = 0; n <= INFER_EVIDENCES; n += 5) {
			in = tell(&s, n);
			e = explain(in, NULL, NULL);
			for (size_t k = n; k < INFER_EVIDENCES; k++)
				assert_true(e.weight[k] == 0 && !e.seen[k]);
			if (n == 0)
				assert_true(e.prior == e.log_odds);
			infer_free(in);
		}
		if (!s.own_segment) {
			in = tell(&s, INFER_EVIDENCES);
			e = explain(in, NULL, NULL);
			assert_true(e.weight[INFER_EVIDENCE_OWN_SEGMENT] == 0);
			assert_false(e.seen[INFER_EVIDENCE_OWN_SEGMENT]);
			infer_free(in);
		}
	}
}

static void
test_best_and_next(void **state)
{
	struct scene s;
	struct rng r;

	(void)state;
	rng_seed(&r, 4);
	for (int i = 0; i < SCENES; i++) {
		struct infer_explanation e, of;
		struct infer_posterior p;
		struct infer_hypothesis h;
		unsigned int above = 0, level = 0;
		struct infer *in;

		draw_scene(&r, &s);
		in = tell(&s, INFER_EVIDENCES);
		p = posterior(in);
		e = explain(in, NULL, NULL);
		for (int n = 1; n <= s.path.hops; n++) {
			above += p.hop[n] > probability(&p, &e.other);
			level += p.hop[n] > probability(&p, &e.one);
		}
		for (size_t c = INFER_SERVER; c < INFER_CAUSES; c++) {
			above += p.cause[c] > probability(&p, &e.other);
			level += p.cause[c] > probability(&p, &e.one);
		}
		assert_int_equal(level, 0);
		assert_true(above <= 1);
		assert_true(
		    e.one.cause != e.other.cause || e.one.hop != e.other.hop);
		assert_true(e.log_odds >= 0);
		/* Asked of any other, it is compared with the best. */
		h = e.other;
		of = explain(in, &h, NULL);
		assert_int_equal(of.other.cause, e.one.cause);
		assert_int_equal(of.other.hop, e.one.hop);
		near(of.log_odds, -e.log_odds, EPS);
		infer_free(in);
	}
}

/* So many bursts of 1 .. 7, reset from TTL 4 on. */
static double
shots_weight(unsigned int bursts, const struct infer_hypothesis *other)
{
	struct infer_hypothesis one = DEVICE(4);
	struct infer_explanation e;
	struct scene s = {.echoed = -1};
	struct infer *in;
	struct rng r;

	rng_seed(&r, 5);
	draw_path(&r, &s.path);
	s.path.hops = 8;
	in = tell(&s, 0);
	for (unsigned int i = 0; i < bursts; i++) {
		struct infer_shot shots[7] = {{0}};
		struct infer_trial t = {.n_shots = 7, .shots = shots};

		for (int n = 1; n <= 7; n++)
			shots[n - 1] =
			    (struct infer_shot){.ttl = n, .drew = n >= 4};
		infer_see_trial(in, &t);
	}
	e = explain(in, &one, other);
	infer_free(in);
	return e.weight[INFER_EVIDENCE_SHOTS];
}

/*
 * Hop 2 is none of them: the low resets of a copier there die on their way, so
 * it looks like hop 4.
 */
static void
test_more_weighs_more(void **state)
{
	struct infer_hypothesis others[] = {
	    CAUSE(INFER_SERVER), DEVICE(1), DEVICE(6)};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		double one = shots_weight(1, &others[i]);
		double many = shots_weight(60, &others[i]);

		print_message("  1 of 1: %.1f, 60 of 60: %.1f\n", one, many);
		assert_true(one > 1);
		assert_true(many > 10 * one);
	}
}

/* A copy has the record, and what it sees later is its own. */
static void
test_copy_and_reset(void **state)
{
	struct scene s;
	struct rng r;

	(void)state;
	rng_seed(&r, 6);
	for (int i = 0; i < SCENES / 4; i++) {
		struct infer_explanation a, b;
		struct infer *in, *copy;
		struct fault f = {0};

		draw_scene(&r, &s);
		in = tell(&s, INFER_EVIDENCES);
		a = explain(in, NULL, NULL);
		assert_int_equal(infer_copy(in, &copy, &f), 0);
		b = explain(copy, NULL, NULL);
		assert_same(&a, &b);
		for (size_t k = 0; k < TRIALS; k++)
			tell_trial(&s, k, INFER_EVIDENCES, copy);
		infer_see_own_segment(copy);
		b = explain(in, NULL, NULL);
		assert_same(&a, &b);
		b = explain(copy, NULL, NULL);
		near(sum_of(&b, INFER_EVIDENCES), b.log_odds, EPS);
		infer_free(in);
		infer_reset(copy);
		b = explain(copy, NULL, NULL);
		for (size_t k = 0; k < INFER_EVIDENCES; k++)
			assert_true(b.weight[k] == 0);
		assert_true(b.prior == b.log_odds);
		infer_free(copy);
	}
}

/* A record that is not complete explains nothing, until it is cleared. */
static void
test_lost_record(void **state)
{
	struct scene s;
	struct infer_explanation e;
	struct infer *in, *copy = NULL;
	struct fault f = {0};
	struct rng r;

	(void)state;
	rng_seed(&r, 8);
	draw_scene(&r, &s);
	in = tell(&s, INFER_EVIDENCES);
	in->record.is_lost = true;
	assert_int_equal(infer_explain(in, NULL, NULL, &e, &f), -1);
	assert_int_equal(f.kind, FAULT_SYSTEM);
	assert_int_equal(infer_copy(in, &copy, &f), 0);
	assert_int_equal(infer_explain(copy, NULL, NULL, &e, &f), -1);
	infer_reset(copy);
	assert_int_equal(infer_explain(copy, NULL, NULL, &e, &f), 0);
	infer_free(in);
	infer_free(copy);
}

/* A hundred trials of a dozen shots: explained before anyone notices. */
static void
test_time(void **state)
{
	struct scene s = {.echoed = -1};
	struct infer_explanation e;
	struct infer *in;
	clock_t begun;
	double took;
	struct rng r;

	(void)state;
	rng_seed(&r, 7);
	draw_path(&r, &s.path);
	s.path.hops = 13;
	in = tell(&s, 0);
	for (int i = 0; i < 100; i++) {
		struct infer_shot shots[SHOTS] = {{0}};
		struct infer_trial t = {.n_shots = SHOTS, .shots = shots};

		for (int n = 1; n <= SHOTS; n++)
			shots[n - 1] = (struct infer_shot){.ttl = n,
			    .drew = n >= 5,
			    .rst_ttl = n >= 5 ? 60 : 0,
			    .te = n >= 5 ? INFER_TE_MISSING : INFER_TE_SEEN};
		infer_see_trial(in, &t);
	}
	begun = clock();
	e = explain(in, NULL, NULL);
	took = (double)(clock() - begun) / CLOCKS_PER_SEC;
	print_message("  %.1f ms\n", took * 1e3);
	near(sum_of(&e, INFER_EVIDENCES), e.log_odds, EPS);
	/* A sanitizer's build takes several times as long. */
	assert_true(took < 0.5);
	infer_free(in);
}

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < INFER_EVIDENCES; i++) {
		const char *name = infer_evidence_name((enum infer_evidence)i);

		assert_non_null(name);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(
			    name, infer_evidence_name((enum infer_evidence)k));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("prior and weights add up to the log odds", test_sums),
	    PROVES("each class weighs what telling it moves", test_each_class),
	    PROVES("what was not seen weighs nothing", test_unseen_is_zero),
	    PROVES("the best is compared with the next", test_best_and_next),
	    PROVES("60 of 60 weigh more than 1 of 1", test_more_weighs_more),
	    PROVES("copies remember, resets forget", test_copy_and_reset),
	    PROVES("what was lost is not explained", test_lost_record),
	    PROVES("an explanation takes little time", test_time),
	    PROVES("each class has a name of its own", test_names),
	};

	return cmocka_run_group_tests_name("infer_explain", tests, NULL, NULL);
}
