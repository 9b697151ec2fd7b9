/*
 * infer: what it may say by the laws of probability, and what it does say in
 * the cases of PHYSICS.  The world that trials are drawn from here is written
 * anew, from the header's words: of the judge it has the priors, so that both
 * speak of the same world, and none of the arithmetic.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/infer.h>
#include <rsthop/rng.h>

#include "../rng_unit.h"
#include "judge/infer_int.h"
#include "proves.h"

/*
 * A path of n hops whose routers mostly answer, the way back as long as the
 * way out; the server at TTL 64 less.
 */
static struct infer_path
path_of(int hops)
{
	struct infer_path p = {
	    .hops = hops, .server_ttl = 64 - (hops - 1), .has_ip_id = true};

	for (int i = 0; i <= INFER_MAX_HOPS; i++) {
		p.traversed[i] = i >= 1 && i < hops ? i - 1 : -1;
		p.answers[i] = 0.9;
	}
	return p;
}

/* Likewise, and no router's way back is known. */
static struct infer_path
path_guessed(int hops)
{
	struct infer_path p = path_of(hops);

	for (int i = 1; i < hops; i++)
		p.traversed[i] = -1;
	return p;
}

static struct infer *
infer_of(const struct infer_path *p)
{
	struct fault f = {0};
	struct infer *in = NULL;

	assert_int_equal(infer_new(p, &in, &f), 0);
	return in;
}

static struct infer_posterior
posterior(const struct infer *in)
{
	struct infer_posterior p;
	struct fault f = {0};

	assert_int_equal(infer_get_posterior(in, &p, &f), 0);
	return p;
}

static void
near(double a, double b, double eps)
{
	if (fabs(a - b) > eps)
		print_error("%.12g is not %.12g\n", a, b);
	assert_true(fabs(a - b) <= eps);
}

static void
at_least(double a, double b)
{
	if (!(a >= b))
		print_error("%.12g is not at least %.12g\n", a, b);
	assert_true(a >= b);
}

static void
show(const char *what, const struct infer_posterior *p)
{
	print_message("  %s: hop %d %.4f (wire %.4f, router %.4f), T %d "
		      "%.4f; server %.4f, response %.4f, nothing %.4f\n",
	    what, p->best_hop, p->hop[p->best_hop],
	    p->at[p->best_hop][PLACE_WIRE], p->at[p->best_hop][PLACE_ROUTER],
	    p->best_threshold, p->threshold, p->cause[INFER_SERVER],
	    p->cause[INFER_RESPONSE], p->cause[INFER_NOTHING]);
}

/* All that the header says of sums. */
static void
assert_sums(const struct infer_posterior *p, int hops)
{
	double cause = 0, at = 0, hop = 0, policy = 0, initial = 0, dice = 0;

	for (int i = 0; i < INFER_CAUSES; i++)
		cause += p->cause[i];
	for (int i = 1; i <= hops; i++) {
		near(p->hop[i], p->at[i][PLACE_WIRE] + p->at[i][PLACE_ROUTER],
		    1e-12);
		at += p->at[i][PLACE_WIRE] + p->at[i][PLACE_ROUTER];
		hop += p->hop[i];
	}
	for (int i = 0; i < TTL_POLICIES; i++)
		policy += p->policy[i];
	for (int i = 0; i < 256; i++)
		initial += p->initial[i];
	for (int i = 0; i < INFER_DICES; i++)
		dice += p->dice[i];
	near(cause, 1, 1e-9);
	near(at, p->cause[INFER_DEVICE], 1e-9);
	near(hop, p->cause[INFER_DEVICE], 1e-9);
	near(policy, 1, 1e-9);
	near(initial, p->policy[TTL_POLICY_FIXED], 1e-9);
	near(dice, 1, 1e-9);
	assert_true(p->rate > 0 && p->rate <= 1);
	assert_true(p->drops >= 0 && p->drops <= 1);
	assert_true(p->threshold <= p->cause[INFER_DEVICE] + 1e-12);
	for (int i = 1; i <= hops; i++)
		assert_true(p->hop[i] <= p->hop[p->best_hop]);
}

static void
assert_same(const struct infer_posterior *a, const struct infer_posterior *b,
    double eps)
{
	for (int i = 0; i < INFER_CAUSES; i++)
		near(a->cause[i], b->cause[i], eps);
	for (int i = 1; i <= INFER_MAX_HOPS; i++) {
		near(a->at[i][PLACE_WIRE], b->at[i][PLACE_WIRE], eps);
		near(a->at[i][PLACE_ROUTER], b->at[i][PLACE_ROUTER], eps);
	}
	for (int i = 0; i < TTL_POLICIES; i++)
		near(a->policy[i], b->policy[i], eps);
	for (int i = 0; i < INFER_DICES; i++)
		near(a->dice[i], b->dice[i], eps);
	near(a->drops, b->drops, eps);
	near(a->rate, b->rate, eps);
}

/* --- trials by hand --- */

static void
see(struct infer *in, const struct infer_shot *shots, size_t n)
{
	struct infer_trial t = {.n_shots = n, .shots = shots};

	infer_see_trial(in, &t);
}

static void
see_one(struct infer *in, int ttl, bool drew, int rst_ttl, enum infer_te te)
{
	struct infer_shot s = {ttl, drew, rst_ttl, te};

	see(in, &s, 1);
}

/*
 * A burst with TTL 1 … N - 1 of which `from` and more fired, their resets
 * arriving with rst_ttl; a slope of 1 adds the shot's TTL to that.  Routers
 * below `from` answer; those beyond as te says.
 */
static void
see_burst(struct infer *in, int hops, int from, int rst_ttl, int slope,
    enum infer_te te)
{
	struct infer_shot s[INFER_MAX_HOPS];

	for (int i = 1; i < hops; i++) {
		s[i - 1] = (struct infer_shot){i, i >= from, 0, INFER_TE_SEEN};
		if (i < from)
			continue;
		s[i - 1].rst_ttl = rst_ttl + slope * i;
		s[i - 1].te = te;
	}
	see(in, s, (size_t)hops - 1);
}

static void
see_silent_burst(struct infer *in, int hops, enum infer_te te)
{
	struct infer_shot s[INFER_MAX_HOPS];

	for (int i = 1; i < hops; i++)
		s[i - 1] = (struct infer_shot){i, false, 0, te};
	see(in, s, (size_t)hops - 1);
}

/* --- laws --- */

static void
test_prior(void **state)
{
	struct infer_path path;
	struct infer_posterior p;
	struct infer *in;

	(void)state;
	for (int hops = 1; hops <= INFER_MAX_HOPS; hops += 7) {
		path = path_of(hops);
		in = infer_of(&path);
		p = posterior(in);
		assert_sums(&p, hops);
		near(p.at[hops][PLACE_ROUTER], 0, 0);
		infer_free(in);
	}
	infer_free(NULL);
}

static void
test_bad_path(void **state)
{
	struct infer_path path = path_of(3);
	struct fault f = {0};
	struct infer *in = NULL;

	(void)state;
	path.hops = 0;
	assert_int_equal(infer_new(&path, &in, &f), -1);
	path.hops = INFER_MAX_HOPS + 1;
	assert_int_equal(infer_new(&path, &in, &f), -1);
	assert_string_equal(f.text, "a path of 65 hops cannot be judged");
	assert_null(in);
}

/* A trial of any shape, likely or not. */
static size_t
random_shots(struct rng *r, int hops, struct infer_shot *s)
{
	size_t n = 1 + rng_below(r, (uint32_t)hops);

	for (size_t i = 0; i < n; i++) {
		s[i].ttl = (int)(1 + rng_below(r, (uint32_t)hops + 2));
		s[i].drew = rng_below(r, 3) == 0;
		s[i].rst_ttl = s[i].drew ? (int)rng_below(r, 256) : 0;
		s[i].te = (enum infer_te)rng_below(r, 3);
	}
	return n;
}

static void
test_sums_always(void **state)
{
	struct infer_shot s[INFER_MAX_HOPS];
	struct infer_path path = path_of(6);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;
	struct rng r;

	(void)state;
	rng_seed(&r, 1);
	for (int i = 0; i < 60; i++) {
		infer_reset(in);
		for (int j = 0; j < 10; j++) {
			see(in, s, random_shots(&r, path.hops, s));
			p = posterior(in);
			assert_sums(&p, path.hops);
		}
		infer_see_given_ttl(in, (int)rng_below(&r, 256), 64);
		infer_see_id_echo(in, i % 2 == 0);
		infer_see_server_alive(in, i % 3 == 0);
		p = posterior(in);
		assert_sums(&p, path.hops);
	}
	infer_free(in);
}

/* Evidence beyond what a double's exponent holds. */
static struct infer_posterior
after_much(const struct infer_path *path)
{
	struct infer *in = infer_of(path);
	struct infer_posterior p;

	for (int i = 0; i < 200; i++) {
		see_burst(in, 20, 9, 56, 0, INFER_TE_MISSING);
		see_silent_burst(in, 20, INFER_TE_SEEN);
	}
	p = posterior(in);
	infer_free(in);
	assert_sums(&p, 20);
	assert_int_equal(p.best_threshold, 9);
	at_least(p.threshold, 0.999);
	return p;
}

static void
test_sums_after_much(void **state)
{
	struct infer_path path = path_of(20);
	struct infer_posterior p = after_much(&path), q;

	(void)state;
	show("T 9, TTL 56, 200 times, ways back known", &p);
	at_least(p.at[9][PLACE_WIRE], 0.95);
	/*
	 * That hop 8's way back is longer by one stays an open possibility,
	 * however often it is seen, and more so where it is a guess.
	 */
	path = path_guessed(20);
	q = after_much(&path);
	show("ways back guessed", &q);
	at_least(p.hop[9], q.hop[9] + 0.05);
	at_least(q.hop[9], 0.8);
	at_least(q.hop[8], 0.05);
}

static void
test_order(void **state)
{
	enum { TRIALS = 7 };
	struct infer_shot s[TRIALS][INFER_MAX_HOPS];
	struct infer_path path = path_of(7);
	struct infer *a = infer_of(&path), *b = infer_of(&path);
	struct infer_posterior pa, pb;
	size_t n[TRIALS];
	struct rng r;

	(void)state;
	rng_seed(&r, 2);
	for (int round = 0; round < 20; round++) {
		infer_reset(a);
		infer_reset(b);
		for (int i = 0; i < TRIALS; i++)
			n[i] = random_shots(&r, path.hops, s[i]);
		for (int i = 0; i < TRIALS; i++)
			see(a, s[i], n[i]);
		infer_see_id_echo(a, true);
		infer_see_server_alive(a, true);
		infer_see_server_alive(b, true);
		for (int i = TRIALS; i-- > 0;)
			see(b, s[i], n[i]);
		infer_see_id_echo(b, true);
		pa = posterior(a);
		pb = posterior(b);
		assert_same(&pa, &pb, 1e-9);
	}
	infer_free(a);
	infer_free(b);
}

static void
test_uninformative(void **state)
{
	struct infer_path path = path_of(7);
	struct infer *in = infer_of(&path);
	struct infer_posterior before = posterior(in), after;

	(void)state;
	see(in, NULL, 0);
	see_one(in, 0, false, 0, INFER_TE_UNKNOWN);
	after = posterior(in);
	assert_same(&before, &after, 1e-12);
	/* Where something is known already, it leaves that too. */
	see_burst(in, 7, 4, 62, 0, INFER_TE_SEEN);
	before = posterior(in);
	see(in, NULL, 0);
	see_one(in, 0, false, 0, INFER_TE_UNKNOWN);
	after = posterior(in);
	assert_same(&before, &after, 1e-9);
	path.has_ip_id = false;
	infer_free(in);
	in = infer_of(&path);
	before = posterior(in);
	infer_see_id_echo(in, true);
	after = posterior(in);
	assert_same(&before, &after, 0);
	infer_free(in);
}

static void
test_reset(void **state)
{
	struct infer_path path = path_of(7);
	struct infer *in = infer_of(&path);
	struct infer_posterior before = posterior(in), after;

	(void)state;
	see_burst(in, 7, 4, 62, 0, INFER_TE_SEEN);
	infer_see_id_echo(in, true);
	infer_see_given_ttl(in, 60, 64);
	infer_reset(in);
	after = posterior(in);
	assert_same(&before, &after, 0);
	infer_free(in);
}

/* A copy has seen the same, and goes its own way from there. */
static void
test_copy(void **state)
{
	struct infer_path path = path_of(7);
	struct infer *in = infer_of(&path), *copy = NULL;
	struct infer_posterior a, b;
	struct fault f = {0};

	(void)state;
	see_burst(in, 7, 4, 62, 0, INFER_TE_SEEN);
	infer_see_id_echo(in, true);
	infer_see_given_ttl(in, 60, 64);
	assert_int_equal(infer_copy(in, &copy, &f), 0);
	a = posterior(in);
	b = posterior(copy);
	assert_same(&a, &b, 0);
	see_burst(copy, 7, 2, 60, 0, INFER_TE_MISSING);
	b = posterior(in);
	assert_same(&a, &b, 0);
	see_burst(in, 7, 2, 60, 0, INFER_TE_MISSING);
	infer_see_server_alive(in, true);
	infer_see_server_alive(copy, true);
	a = posterior(in);
	b = posterior(copy);
	assert_same(&a, &b, 0);
	infer_free(in);
	infer_free(copy);
}

/* The probability of a device with a threshold of k or less. */
static double
threshold_up_to(const struct infer_posterior *p, int k)
{
	double sum = 0;

	for (int h = 1; h <= INFER_MAX_HOPS; h++) {
		sum += h <= k ? p->at[h][PLACE_WIRE] : 0;
		sum += h + 1 <= k ? p->at[h][PLACE_ROUTER] : 0;
	}
	return sum;
}

static void
test_silence(void **state)
{
	struct infer_path path = path_of(10);
	struct infer *in = infer_of(&path);
	struct infer_posterior first = posterior(in), p = first, q;

	(void)state;
	for (int i = 0; i < 30; i++) {
		see_silent_burst(
		    in, 10, i % 2 != 0 ? INFER_TE_SEEN : INFER_TE_UNKNOWN);
		q = posterior(in);
		at_least(p.at[1][PLACE_WIRE] + 1e-12, q.at[1][PLACE_WIRE]);
		for (int k = 1; k < 10; k++)
			at_least(
			    threshold_up_to(&first, k), threshold_up_to(&q, k));
		for (int k = INFER_SERVER; k <= INFER_NOTHING; k++)
			at_least(q.cause[k] + 1e-12, p.cause[k]);
		p = q;
	}
	print_message(
	    "  after 30 silent bursts: device %.5f\n", p.cause[INFER_DEVICE]);
	infer_free(in);
}

/* One more of the same makes it surer, and the rate follows the share. */
static void
test_monotone(void **state)
{
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_posterior p = posterior(in), q;

	(void)state;
	for (int i = 0; i < 10; i++) {
		see_burst(in, 8, 5, 60, 0, INFER_TE_SEEN);
		q = posterior(in);
		at_least(q.threshold + 1e-9, p.threshold);
		at_least(q.rate + 1e-9, p.rate);
		at_least(p.drops + 1e-9, q.drops);
		p = q;
	}
	assert_int_equal(p.best_threshold, 5);
	for (int i = 0; i < 10; i++) {
		see_one(in, 7, false, 0, INFER_TE_SEEN);
		q = posterior(in);
		at_least(p.rate, q.rate);
		p = q;
	}
	infer_free(in);
}

/* --- the table of PHYSICS, section 1 --- */

static void
test_kernel_reject(void **state)
{
	struct infer_path path = path_of(7);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;

	(void)state;
	see_burst(in, 7, 4, 62, 0, INFER_TE_MISSING);
	see_burst(in, 7, 4, 62, 0, INFER_TE_MISSING);
	infer_see_id_echo(in, false);
	p = posterior(in);
	show("REJECT in r3", &p);
	assert_int_equal(p.best_hop, 3);
	at_least(p.at[3][PLACE_ROUTER], 0.95);
	at_least(p.policy[TTL_POLICY_FIXED], 0.95);
	at_least(p.initial[64], 0.95);
	at_least(p.drops, 0.95);
	infer_free(in);
}

static void
test_tap(void **state)
{
	struct infer_path path = path_of(7);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;

	(void)state;
	see_burst(in, 7, 4, 61, 0, INFER_TE_SEEN);
	see_burst(in, 7, 4, 61, 0, INFER_TE_SEEN);
	infer_see_id_echo(in, false);
	p = posterior(in);
	show("tap before r4", &p);
	assert_int_equal(p.best_hop, 4);
	at_least(p.at[4][PLACE_WIRE], 0.95);
	at_least(0.05, p.drops);
	infer_free(in);
}

static void
test_copier(void **state)
{
	struct infer_path path = path_of(7);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;

	(void)state;
	see_burst(in, 7, 5, -4, 1, INFER_TE_MISSING);
	see_one(in, 64, true, 60, INFER_TE_UNKNOWN);
	infer_see_id_echo(in, true);
	p = posterior(in);
	show("PREROUTING copier in r3", &p);
	assert_int_equal(p.best_hop, 3);
	at_least(p.at[3][PLACE_WIRE], 0.9);
	at_least(p.policy[TTL_POLICY_COPIED], 0.95);
	at_least(0.01, p.hop[5]);
	infer_free(in);
}

/* A template copier in hop 1's router: n - 1, visible from n = 2 on. */
static void
test_founding_case(void **state)
{
	struct infer_path path = path_of(18);
	struct infer *in;
	struct infer_posterior p;

	(void)state;
	path.server_ttl = 47;
	in = infer_of(&path);
	/* The TTL alone, with the echoed ID. */
	see_one(in, 64, true, 63, INFER_TE_UNKNOWN);
	infer_see_id_echo(in, true);
	p = posterior(in);
	show("63 for 64, ID echoed", &p);
	assert_int_equal(p.best_hop, 1);
	at_least(p.policy[TTL_POLICY_COPIED], 0.5);
	at_least(p.hop[2], 0.02); /* fixed 64 stays possible */
	/* And with a burst. */
	see_burst(in, 18, 2, -1, 1, INFER_TE_MISSING);
	p = posterior(in);
	show("and 1 for 2, 2 for 3 ...", &p);
	assert_int_equal(p.best_hop, 1);
	at_least(p.at[1][PLACE_ROUTER], 0.95);
	at_least(p.policy[TTL_POLICY_COPIED], 0.99);
	infer_free(in);
}

static void
test_given_ttl(void **state)
{
	struct infer_path path = path_of(18);
	struct infer *in;
	struct infer_posterior p;

	(void)state;
	path.server_ttl = 47;
	in = infer_of(&path);
	infer_see_given_ttl(in, 63, 64);
	p = posterior(in);
	show("--rst-ttl 63", &p);
	print_message("  hop 1 %.3f, hop 2 %.3f\n", p.hop[1], p.hop[2]);
	/* Fixed 64 at hop 2, a copy at hop 1: both, and little else. */
	at_least(p.hop[1], 0.1);
	at_least(p.hop[2], 0.1);
	at_least(p.hop[1] + p.hop[2], 0.7);
	assert_true(p.hop[1] < 0.9 && p.hop[2] < 0.9);
	at_least(0.05, p.cause[INFER_NOTHING]);
	/* The server's own TTL names no hop. */
	infer_reset(in);
	infer_see_given_ttl(in, 47, 64);
	p = posterior(in);
	show("--rst-ttl as the server's", &p);
	at_least(p.cause[INFER_SERVER], 2 * p.hop[p.best_hop]);
	at_least(p.cause[INFER_SERVER], 0.5);
	infer_free(in);
}

/* --- how it behaves --- */

static double
drops_after(const struct infer_path *path, enum infer_te te)
{
	struct infer *in = infer_of(path);
	struct infer_posterior p;

	see_burst(in, path->hops, 4, 62, 0, te);
	p = posterior(in);
	infer_free(in);
	return p.drops;
}

static void
test_in_path(void **state)
{
	struct infer_path path = path_of(9);
	double unknown = drops_after(&path, INFER_TE_UNKNOWN);

	(void)state;
	assert_true(unknown > 0.3 && unknown < 0.8);
	at_least(drops_after(&path, INFER_TE_MISSING), 0.95);
	at_least(0.05, drops_after(&path, INFER_TE_SEEN));
	/* Routers that never answer tell nothing. */
	memset(path.answers, 0, sizeof(path.answers));
	near(drops_after(&path, INFER_TE_MISSING), unknown, 0.01);
}

/* Some bursts fire at full, others not at all: once for all their packets. */
static void
test_dice_connection(void **state)
{
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;

	(void)state;
	for (int i = 0; i < 8; i++)
		if (i % 2 == 0)
			see_burst(in, 8, 3, 62, 0, INFER_TE_SEEN);
		else
			see_silent_burst(in, 8, INFER_TE_SEEN);
	p = posterior(in);
	show("full bursts and silent ones", &p);
	at_least(p.dice[INFER_DICE_CONNECTION], 0.95);
	near(p.rate, 0.5, 0.2);
	assert_int_equal(p.best_threshold, 3);
	infer_free(in);
}

/* One shot of each burst fires, always the first that can. */
static void
test_dice_once(void **state)
{
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;
	struct infer_shot s[7];

	(void)state;
	for (int i = 0; i < 4; i++) {
		for (int j = 1; j < 8; j++)
			s[j - 1] = (struct infer_shot){
			    j, j == 3, j == 3 ? 62 : 0, INFER_TE_SEEN};
		see(in, s, 7);
	}
	p = posterior(in);
	show("one reset a connection", &p);
	at_least(p.dice[INFER_DICE_ONCE], 0.95);
	assert_int_equal(p.best_hop, 3);
	at_least(p.at[3][PLACE_WIRE], 0.9);
	infer_free(in);
}

/* Each shot for itself, by halves. */
static void
test_dice_packet(void **state)
{
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;
	struct infer_shot s[7];

	(void)state;
	for (int i = 0; i < 4; i++) {
		for (int j = 1; j < 8; j++) {
			s[j - 1] =
			    (struct infer_shot){j, false, 0, INFER_TE_SEEN};
			if (j < 3 || (i + j) % 2 == 0)
				continue;
			s[j - 1].drew = true;
			s[j - 1].rst_ttl = 62;
		}
		see(in, s, 7);
	}
	p = posterior(in);
	at_least(p.dice[INFER_DICE_PACKET], 0.99);
	near(p.rate, 0.5, 0.15);
	infer_free(in);
}

/* The echo of the keyword in the server's answer fires it (trap 4). */
static void
test_response_triggered(void **state)
{
	struct infer_answers a = {.behind = 5};
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;

	(void)state;
	for (int i = 0; i < 5; i++) {
		see_one(in, 64, true, 59, INFER_TE_UNKNOWN);
		see_silent_burst(in, 8, INFER_TE_SEEN);
	}
	infer_see_server_alive(in, true);
	p = posterior(in);
	show("full fires, bursts silent, server alive", &p);
	at_least(p.cause[INFER_RESPONSE], 0.7);
	infer_set_answers(in, &a);
	p = posterior(in);
	show("and the server's word came first", &p);
	at_least(p.cause[INFER_RESPONSE], 0.8);
	infer_free(in);
}

static void
test_server_abort(void **state)
{
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;

	(void)state;
	for (int i = 0; i < 5; i++) {
		see_one(in, 64, true, path.server_ttl, INFER_TE_UNKNOWN);
		see_silent_burst(in, 8, INFER_TE_SEEN);
	}
	infer_see_id_echo(in, false);
	infer_see_server_alive(in, false);
	p = posterior(in);
	show("the server aborts", &p);
	at_least(p.cause[INFER_SERVER], 0.9);
	infer_set_id_steps(in, 5, 0);
	p = posterior(in);
	show("and its IP IDs go on", &p);
	/* Who makes its answer the reset looks the same, and is rarer. */
	at_least(p.cause[INFER_SERVER], 0.96);
	at_least(p.cause[INFER_RESPONSE], 0.01);
	infer_set_id_steps(in, 0, 5);
	p = posterior(in);
	show("or break off", &p);
	at_least(0.9, p.cause[INFER_SERVER]);
	infer_free(in);
}

/* The server's TTL and IDs, while its side still stands: the answer, remade. */
static void
test_rewritten(void **state)
{
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;

	(void)state;
	for (int i = 0; i < 4; i++) {
		see_one(in, 64, true, path.server_ttl, INFER_TE_UNKNOWN);
		see_silent_burst(in, 8, INFER_TE_SEEN);
	}
	infer_see_id_echo(in, false);
	infer_see_server_alive(in, true);
	infer_set_id_steps(in, 4, 0);
	p = posterior(in);
	show("the answer made the reset, for this end alone", &p);
	at_least(p.cause[INFER_RESPONSE], 0.9);
	infer_set_id_steps(in, 0, 4);
	p = posterior(in);
	show("the IDs break off", &p);
	at_least(p.cause[INFER_RESPONSE], 0.5);
	infer_free(in);
}

/* Its answer to the trigger goes beyond what the reset counts. */
static void
test_reset_behind_data(void **state)
{
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_answers a = {.behind = 3, .talks = true};
	struct infer_posterior p;

	(void)state;
	for (int i = 0; i < 3; i++) {
		see_one(in, 64, true, path.server_ttl, INFER_TE_UNKNOWN);
		see_silent_burst(in, 8, INFER_TE_SEEN);
	}
	p = posterior(in);
	show("nothing said", &p);
	at_least(p.cause[INFER_SERVER], 0.8);
	infer_set_answers(in, &a);
	p = posterior(in);
	show("data after the reset", &p);
	at_least(0.001, p.cause[INFER_SERVER]);
	infer_free(in);
}

/* What the server never acknowledged, never reached it. */
static void
test_answers_tell_drops(void **state)
{
	struct infer_answers unacked = {.unacked = 3};
	struct infer_answers acked = {.acked = 3, .early = 3};
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;

	(void)state;
	for (int i = 0; i < 3; i++)
		see_one(in, 64, true, 62, INFER_TE_UNKNOWN);
	infer_set_answers(in, &unacked);
	p = posterior(in);
	at_least(p.drops, 0.75);
	infer_set_answers(in, &acked);
	p = posterior(in);
	at_least(0.05, p.drops);
	infer_free(in);
}

/* A server whose side was reset too refuses the trigger: it got there. */
static void
test_refused_trigger(void **state)
{
	struct infer_answers refused = {.refused = 3};
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;

	(void)state;
	for (int i = 0; i < 3; i++)
		see_one(in, 64, true, 62, INFER_TE_UNKNOWN);
	infer_set_answers(in, &refused);
	p = posterior(in);
	at_least(0.05, p.drops);
	infer_free(in);
}

/* Sooner than the server's word: what the server says did not fire it. */
static void
test_early_reset(void **state)
{
	struct infer_answers early = {.behind = 3, .early = 3};
	struct infer_answers late = {.behind = 3};
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_posterior p, q;

	(void)state;
	see_one(in, 64, true, 62, INFER_TE_UNKNOWN);
	infer_set_answers(in, &early);
	p = posterior(in);
	infer_set_answers(in, &late);
	q = posterior(in);
	at_least(q.cause[INFER_RESPONSE], 20 * p.cause[INFER_RESPONSE]);
	infer_free(in);
}

static void
test_nothing(void **state)
{
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_posterior p;

	(void)state;
	for (int i = 0; i < 40; i++) {
		see_one(in, 64, false, 0, INFER_TE_UNKNOWN);
		see_silent_burst(in, 8, INFER_TE_SEEN);
	}
	p = posterior(in);
	at_least(p.cause[INFER_NOTHING], 0.8);
	infer_free(in);
}

/* A reset in less time than the server needs was not the server's. */
static void
test_faster_than_server(void **state)
{
	struct infer_path path = path_of(8);
	struct infer *a = infer_of(&path), *b = infer_of(&path);
	struct infer_shot s = {64, true, 57, INFER_TE_UNKNOWN};
	struct infer_trial t = {.n_shots = 1, .shots = &s};
	struct infer_posterior pa, pb;

	(void)state;
	infer_see_trial(a, &t);
	t.faster_than_server = true;
	infer_see_trial(b, &t);
	pa = posterior(a);
	pb = posterior(b);
	at_least(pa.cause[INFER_SERVER], 0.2);
	at_least(0.001, pb.cause[INFER_SERVER]);
	infer_free(a);
	infer_free(b);
}

/* The way back of hop 3's own replies is two routers longer. */
static void
test_calibrated(void **state)
{
	struct infer_path path = path_of(7);
	struct infer *in;
	struct infer_posterior p;

	(void)state;
	path.traversed[3] = 4;
	in = infer_of(&path);
	see_burst(in, 7, 4, 60, 0, INFER_TE_MISSING);
	p = posterior(in);
	show("T 4, TTL 60, hop 3 four routers away", &p);
	assert_int_equal(p.best_hop, 3);
	at_least(p.at[3][PLACE_ROUTER], 0.9);
	infer_free(in);
}

static struct infer_posterior
after_burst(const struct infer_path *path, int from, int rst_ttl)
{
	struct infer *in = infer_of(path);
	struct infer_posterior p;

	see_burst(in, path->hops, from, rst_ttl, 0, INFER_TE_UNKNOWN);
	p = posterior(in);
	infer_free(in);
	return p;
}

/* A silent hop between two whose distances leave but one way to be. */
static void
test_between_known(void **state)
{
	struct infer_path path = path_of(7);
	struct infer_posterior known = after_burst(&path, 4, 62), p;

	(void)state;
	path.traversed[3] = -1;
	p = after_burst(&path, 4, 62);
	assert_same(&known, &p, 1e-12);
	/* Hop 4 is two further: whether 3 is, nobody can say. */
	path.traversed[4] = 5;
	p = after_burst(&path, 4, 62);
	show("T 4, TTL 62, hop 3's way back open", &p);
	at_least(known.at[3][PLACE_ROUTER], p.at[3][PLACE_ROUTER] + 0.02);
	assert_int_equal(p.best_hop, 3);
}

/*
 * A bridge before hop 4 sends home by hop 3, whatever way hop 4's own replies
 * take; hop 4's ingress by that.
 */
static void
test_wire_by_router_before(void **state)
{
	struct infer_path path = path_of(7);
	struct infer_posterior p;

	(void)state;
	path.traversed[4] = 5;
	p = after_burst(&path, 4, 61);
	show("T 4, TTL 61, hop 4 five routers away", &p);
	assert_int_equal(p.best_hop, 4);
	at_least(p.at[4][PLACE_WIRE], 0.9);
	p = after_burst(&path, 4, 59);
	show("T 4, TTL 59, hop 4 five routers away", &p);
	assert_int_equal(p.best_hop, 4);
	at_least(p.at[4][PLACE_WIRE], 0.9);
	/* Neither way: no fixed 64. */
	p = after_burst(&path, 4, 55);
	at_least(0.3, p.initial[64]);
}

/* Frames of a stranger: a hundred to one for the wire before hop 1. */
static void
test_own_segment(void **state)
{
	struct infer_path path = path_of(7);
	struct infer *in = infer_of(&path);
	struct infer_posterior p, q;
	double wire;

	(void)state;
	see_one(in, 64, true, 64, INFER_TE_UNKNOWN);
	see_one(in, 64, true, 64, INFER_TE_UNKNOWN);
	p = posterior(in);
	infer_see_own_segment(in);
	q = posterior(in);
	assert_sums(&q, 7);
	show("TTL 64", &p);
	show("and from the own segment", &q);
	wire = q.at[1][PLACE_WIRE] / p.at[1][PLACE_WIRE];
	assert_true(wire > 1);
	at_least(q.at[1][PLACE_WIRE], 0.97);
	for (int h = 1; h <= 7; h++) {
		if (h > 1)
			at_least(wire * p.at[h][PLACE_WIRE],
			    90 * q.at[h][PLACE_WIRE]);
		at_least(
		    wire * p.at[h][PLACE_ROUTER], 90 * q.at[h][PLACE_ROUTER]);
	}
	near(q.cause[INFER_SERVER] / p.cause[INFER_SERVER], wire / 100, 1e-9);
	near(q.cause[INFER_RESPONSE] / p.cause[INFER_RESPONSE], wire / 100,
	    1e-9);
	infer_reset(in);
	p = posterior(in);
	near(p.at[1][PLACE_WIRE], p.at[2][PLACE_WIRE], 1e-12);
	infer_free(in);
}

/* Untagged: the reset proves that one of the shots fired, and its TTL. */
static void
test_fired_unknown(void **state)
{
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	struct infer_shot s[3] = {{1, false, 0, INFER_TE_UNKNOWN},
	    {2, false, 0, INFER_TE_UNKNOWN}, {3, false, 0, INFER_TE_UNKNOWN}};
	struct infer_trial t = {
	    .n_shots = 3, .shots = s, .drew_unknown = true, .rst_ttl = 62};
	struct infer_posterior p;

	(void)state;
	infer_see_trial(in, &t);
	p = posterior(in);
	at_least(threshold_up_to(&p, 3), 0.99);
	assert_int_equal(p.best_hop, 3);
	infer_free(in);
}

/* --- gain --- */

static void
gains(const struct infer *in, int upto, double *g)
{
	struct fault f = {0};

	assert_int_equal(infer_gains(in, upto, 1, g, &f), 0);
}

static void
test_gain_bounds(void **state)
{
	struct infer_shot s[INFER_MAX_HOPS];
	struct infer_path path = path_of(7);
	struct infer *in = infer_of(&path);
	double g[INFER_MAX_HOPS + 1];
	struct rng r;

	(void)state;
	rng_seed(&r, 3);
	for (int i = 0; i < 40; i++) {
		if (i % 5 == 0)
			infer_reset(in);
		see(in, s, random_shots(&r, path.hops, s));
		gains(in, 9, g);
		for (int n = 1; n <= 9; n++) {
			at_least(g[n], -1e-12);
			at_least(log(2), g[n]);
		}
	}
	infer_free(in);
}

/* Where all is known, no shot tells anything; TTL 1 fires no hop beyond. */
static void
test_gain_certain(void **state)
{
	struct infer_path path = path_of(8);
	struct infer *in = infer_of(&path);
	double g[INFER_MAX_HOPS + 1];

	(void)state;
	for (int i = 0; i < 40; i++)
		see_burst(in, 8, 5, 60, 0, INFER_TE_SEEN);
	gains(in, 7, g);
	for (int n = 1; n < 8; n++)
		at_least(1e-6, g[n]);
	infer_free(in);
}

/* It fires from 6 on, 3 draws nothing: ask between. */
static void
test_gain_prefers_threshold(void **state)
{
	struct infer_path path = path_of(10);
	struct infer *in = infer_of(&path);
	double g[INFER_MAX_HOPS + 1], inside;

	(void)state;
	for (int i = 0; i < 6; i++) {
		see_one(in, 7, true, 0, INFER_TE_UNKNOWN);
		see_one(in, 3, false, 0, INFER_TE_UNKNOWN);
	}
	gains(in, 9, g);
	inside = fmax(g[4], fmax(g[5], g[6]));
	for (int n = 1; n < 10; n++) {
		print_message("  TTL %d: %.4f nats\n", n, g[n]);
		if (n <= 3 || n >= 7)
			at_least(inside, 3 * g[n]);
	}
	infer_free(in);
}

/* --- calibration: a world of its own, by the header's words --- */

#define HOPS 8

struct story {
	enum infer_cause cause;
	int hop;
	const struct infer_model *model;
	bool drops;
	enum infer_dice dice;
	double p;
	int back; /* routers that its resets cross */
	int any;  /* the TTL of constants that nobody knows */
};

static int
draw_weighted(struct rng *r, const double *w, int n)
{
	double total = 0, u;
	int i;

	for (i = 0; i < n; i++)
		total += w[i];
	u = rng_unit(r) * total;
	for (i = 0; i < n - 1; i++) {
		if (u < w[i])
			break;
		u -= w[i];
	}
	return i;
}

/*
 * Now and then the way back is longer from some hop on, and some hop never
 * answers: home[h] is what a packet of hop h's router crosses.
 */
static void
draw_path(struct rng *r, struct infer_path *path, int home[HOPS + 1])
{
	int from = HOPS + 1, more = 0;

	*path = path_of(HOPS);
	if (rng_unit(r) < 0.15) {
		from = (int)(2 + rng_below(r, HOPS - 1));
		more = (int)(1 + rng_below(r, 2));
	}
	for (int h = 1; h <= HOPS; h++)
		home[h] = h - 1 + (h >= from ? more : 0);
	path->server_ttl = 64 - home[HOPS];
	for (int h = 1; h < HOPS; h++) {
		path->traversed[h] = home[h];
		if (rng_unit(r) >= 0.1)
			continue;
		path->traversed[h] = -1;
		path->answers[h] = 0;
	}
}

/* Hop and model, by the judge's own prior. */
static void
draw_device(struct rng *r, const struct infer *in, struct story *s)
{
	double w[HOPS * INFER_MODELS_MAX];
	size_t n = 0;

	for (size_t h = 1; h <= HOPS; h++)
		for (size_t m = 0; m < infer_n_models; m++)
			w[n++] = infer_prior(in, h, m);
	n = (size_t)draw_weighted(r, w, (int)n);
	s->hop = (int)(n / infer_n_models) + 1;
	s->model = &infer_models[n % infer_n_models];
}

/* By which way its resets come home. */
static int
draw_back(struct rng *r, const struct story *s, const int home[HOPS + 1])
{
	static const double off[5] = {0.001, 0.004, 0.99, 0.004, 0.001};
	int back = home[s->hop];

	/* A bridge's by the router before it; an ingress's as hop h's. */
	if (s->model->place == PLACE_WIRE && s->hop > 1 && rng_unit(r) > 0.25)
		back = home[s->hop - 1] + 1;
	return back + s->model->decrement + draw_weighted(r, off, 5) - 2;
}

static void
draw_story(struct rng *r, const struct infer *in, const int home[HOPS + 1],
    struct story *s)
{
	struct infer_posterior prior = posterior(in);

	memset(s, 0, sizeof(*s));
	s->cause =
	    (enum infer_cause)draw_weighted(r, prior.cause, INFER_CAUSES);
	draw_device(r, in, s);
	s->drops = rng_unit(r) < infer_drop_prior(s->model->place, 1);
	s->dice = (enum infer_dice)draw_weighted(r, prior.dice, INFER_DICES);
	s->p = rng_unit(r) < 0.25 ? 1 : 0.05 + 0.95 * rng_unit(r);
	s->back = draw_back(r, s, home);
	s->any = (int)(1 + rng_below(r, 255));
	/* The answer itself made a reset. */
	if (s->cause == INFER_RESPONSE && rng_unit(r) < 0.15)
		s->any = 64 - home[HOPS];
}

/* With which TTL a reset for a shot of TTL n arrives; 0: it does not. */
static int
arrival(
    struct rng *r, const struct story *s, const struct infer_path *path, int n)
{
	int ttl = 0;

	switch (s->model->policy) {
	case TTL_POLICY_FIXED:
		ttl = s->model->initial == 0 ? s->any
					     : s->model->initial - s->back;
		break;
	case TTL_POLICY_COPIED:
		ttl = n - (s->hop - 1) - (s->model->place == PLACE_ROUTER) -
		    s->back;
		break;
	case TTL_POLICY_UNKNOWN:
	case TTL_POLICY_ARBITRARY:
		return (int)(40 + rng_below(r, 200));
	case TTL_POLICY_IMITATED:
		ttl = path->server_ttl;
		break;
	}
	if (ttl > 0 && rng_unit(r) > 0.97)
		ttl += rng_below(r, 2) != 0 ? 1 : -1;
	return ttl > 0 ? ttl : 0;
}

/* Does the device fire on this shot?  roll: of the connection's dice. */
static bool
device_fires(
    struct rng *r, const struct story *s, int ttl, bool roll, bool *spent)
{
	int t = s->model->place == PLACE_WIRE ? s->hop : s->hop + 1;
	bool draws = false;

	if (ttl < t)
		return false;
	switch (s->dice) {
	case INFER_DICE_PACKET:
		draws = rng_unit(r) < s->p;
		break;
	case INFER_DICE_CONNECTION:
		draws = roll;
		break;
	case INFER_DICE_ONCE:
		draws = !*spent && rng_unit(r) < s->p;
		break;
	}
	*spent = *spent || draws;
	return draws;
}

static void
play_shot(struct rng *r, const struct story *s, const struct infer_path *path,
    bool roll, bool *spent, struct infer_shot *shot)
{
	bool draws = false, dropped = false;

	if (s->cause == INFER_DEVICE) {
		draws = device_fires(r, s, shot->ttl, roll, spent);
		dropped = draws && s->drops;
		shot->rst_ttl = draws ? arrival(r, s, path, shot->ttl) : 0;
	} else if (s->cause != INFER_NOTHING && shot->ttl >= HOPS) {
		draws = rng_unit(r) < s->p;
		shot->rst_ttl =
		    s->cause == INFER_SERVER ? path->server_ttl : s->any;
	}
	shot->drew = draws && shot->rst_ttl > 0 && rng_unit(r) > 0.01;
	if (!shot->drew)
		shot->rst_ttl = 0;
	shot->te = INFER_TE_UNKNOWN;
	if (shot->ttl < HOPS)
		shot->te = !dropped && rng_unit(r) < path->answers[shot->ttl]
		    ? INFER_TE_SEEN
		    : INFER_TE_MISSING;
}

static void
play_trial(struct rng *r, const struct story *s, const struct infer_path *path,
    bool full, struct infer *in)
{
	struct infer_shot shots[HOPS];
	bool roll = rng_unit(r) < s->p, spent = false;
	size_t n = full ? 1 : HOPS - 1;

	for (size_t i = 0; i < n; i++) {
		memset(&shots[i], 0, sizeof(shots[i]));
		shots[i].ttl = full ? 64 : (int)i + 1;
		play_shot(r, s, path, roll, &spent, &shots[i]);
	}
	see(in, shots, n);
}

struct tally {
	unsigned int draws, sure, sure_right;
	unsigned int sure_t, sure_t_right; /* of thresholds */
	double claimed, came;		   /* over all draws: of the best hop */
};

static void
judge_story(struct rng *r, struct tally *t)
{
	int home[HOPS + 1];
	struct infer_path path;
	struct infer_posterior p;
	struct infer *in;
	struct story s;
	bool right;

	draw_path(r, &path, home);
	in = infer_of(&path);
	draw_story(r, in, home, &s);
	for (int i = 0; i < 4; i++) {
		play_trial(r, &s, &path, true, in);
		play_trial(r, &s, &path, false, in);
	}
	p = posterior(in);
	infer_free(in);
	right = s.cause == INFER_DEVICE && s.hop == p.best_hop;
	t->draws++;
	t->claimed += p.hop[p.best_hop];
	t->came += right;
	if (p.hop[p.best_hop] >= 0.95) {
		t->sure++;
		t->sure_right += right;
	}
	if (p.threshold >= 0.95) {
		t->sure_t++;
		t->sure_t_right += s.cause == INFER_DEVICE &&
		    p.best_threshold ==
			s.hop + (s.model->place == PLACE_ROUTER);
	}
}

static void
test_calibration(void **state)
{
	struct tally t = {0};
	struct rng r;

	(void)state;
	rng_seed(&r, 20261122);
	while ((t.sure < 300 || t.sure_t < 300) && t.draws < 2000)
		judge_story(&r, &t);
	print_message("  %u stories; %u claimed with 0.95 or more, %u right "
		      "(%.1f %%); on average %.3f claimed, %.3f right\n",
	    t.draws, t.sure, t.sure_right, 100.0 * t.sure_right / t.sure,
	    t.claimed / t.draws, t.came / t.draws);
	print_message("  %u thresholds claimed so, %u right (%.1f %%)\n",
	    t.sure_t, t.sure_t_right, 100.0 * t.sure_t_right / t.sure_t);
	assert_true(t.sure >= 300 && t.sure_t >= 300);
	at_least(t.sure_right, 0.93 * t.sure);
	at_least(t.sure_t_right, 0.93 * t.sure_t);
	near(t.claimed / t.draws, t.came / t.draws, 0.05);
}

/* As test_wire_by_router_before, hop 4's own way home three longer. */
static void
test_own_way_of_three(void **state)
{
	struct infer_path path = path_of(7);
	struct infer_posterior p;

	(void)state;
	path.traversed[4] = 6; /* by way of hop 3 it were 3 */
	p = after_burst(&path, 4, 58);
	show("T 4, TTL 58, hop 4 six routers away", &p);
	assert_int_equal(p.best_hop, 4);
	at_least(p.at[4][PLACE_WIRE], 0.8);
}

/* Beyond hop 1, frames of a stranger tell nothing between wire and router. */
static void
test_stranger_beyond(void **state)
{
	struct infer_path path = path_of(7);
	struct infer *in = infer_of(&path);
	struct infer_posterior p, q;

	(void)state;
	see_burst(in, 7, 4, 62, 0, INFER_TE_UNKNOWN);
	p = posterior(in);
	infer_see_own_segment(in);
	q = posterior(in);
	show("T 4, TTL 62", &p);
	show("and frames of a stranger", &q);
	near(q.at[3][PLACE_ROUTER] / q.at[4][PLACE_WIRE],
	    p.at[3][PLACE_ROUTER] / p.at[4][PLACE_WIRE],
	    1e-6 * p.at[3][PLACE_ROUTER] / p.at[4][PLACE_WIRE]);
	infer_free(in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("the prior sums to 1 on paths of any length", test_prior),
	    PROVES("a path that can't be is refused", test_bad_path),
	    PROVES(
		"whatever is seen, the posterior sums to 1", test_sums_always),
	    PROVES("also after more than a double's exponent holds",
		test_sums_after_much),
	    PROVES("the order of the trials does not matter", test_order),
	    PROVES(
		"what tells nothing leaves all as it was", test_uninformative),
	    PROVES("a reset forgets everything", test_reset),
	    PROVES("a copy has seen the same and goes its own way", test_copy),
	    PROVES(
		"silence never speaks for a device at a low TTL", test_silence),
	    PROVES("more of the same makes it surer", test_monotone),
	    PROVES("a kernel's REJECT in r3: T 4, TTL 62: hop 3, router",
		test_kernel_reject),
	    PROVES("a tap before r4: T 4, TTL 61: hop 4, wire", test_tap),
	    PROVES("a copier on r3's ingress, seen from 5 on: hop 3, wire",
		test_copier),
	    PROVES("the founding case: hop 1, router, by a copied template",
		test_founding_case),
	    PROVES("a TTL alone: two candidates; the server's own: none",
		test_given_ttl),
	    PROVES("in the path or beside it, by what comes from beyond",
		test_in_path),
	    PROVES("full bursts and silent ones: one roll a connection",
		test_dice_connection),
	    PROVES("one reset a burst, of the first that can: once",
		test_dice_once),
	    PROVES("each shot for itself: one roll a packet", test_dice_packet),
	    PROVES("only what reaches the server fires: its answer does",
		test_response_triggered),
	    PROVES("a reset that does not count the server's data is not "
		   "the server's",
		test_reset_behind_data),
	    PROVES("acknowledged triggers were let through, others dropped",
		test_answers_tell_drops),
	    PROVES("a trigger that the server refused was let through",
		test_refused_trigger),
	    PROVES("a reset before the server's word was not fired by it",
		test_early_reset),
	    PROVES("the server's TTL, its side closed: the server's abort",
		test_server_abort),
	    PROVES("the answer made the reset, while the server stands",
		test_rewritten),
	    PROVES("silence throughout: nothing fires", test_nothing),
	    PROVES("a reset faster than the server is not the server's",
		test_faster_than_server),
	    PROVES("a longer way back is counted where it is known",
		test_calibrated),
	    PROVES("a silent hop's way back may be known by its neighbours'",
		test_between_known),
	    PROVES("the wire's way home is that of the router before it",
		test_wire_by_router_before),
	    PROVES("frames of a stranger speak for the wire before hop 1",
		test_own_segment),
	    PROVES("a reset without a tag bounds the threshold",
		test_fired_unknown),
	    PROVES("the gain is within 0 and one bit", test_gain_bounds),
	    PROVES("nothing is gained where all is known", test_gain_certain),
	    PROVES("most is gained between silent and firing TTLs",
		test_gain_prefers_threshold),
	    PROVES(
		"hops and thresholds claimed with 0.95 are right in 93 of 100 and more",
		test_calibration),
	    PROVES("a hop's own way home may differ by three",
		test_own_way_of_three),
	    PROVES("a stranger's frames part no hops beyond the first",
		test_stranger_beyond),
	};

	return cmocka_run_group_tests_name("infer", tests, NULL, NULL);
}
