/*
 * What the TTLs of the resets say.
 *
 * A path back that is longer than the path out is so for each reset alike
 * (PHYSICS, trap 12): the difference is one unknown, not one for each reset.
 * So is a constant that no system is known to use.
 */
#include <math.h>
#include <stdlib.h>

#include "infer_int.h"
#include "infer_odds.h"

/* Of the way back's length: -2 .. +2 routers; with braces, a row of them. */
#define TTL_WAYS(one, two) two, one, 1 - 2 * ((one) + (two)), one, two

static const double off_known[INFER_OFFS] = {
    TTL_WAYS(INFER_BACK_ONE, INFER_BACK_TWO)};
static const double off_guessed[INFER_OFFS] = {
    TTL_WAYS(INFER_BACK_GUESSED_ONE, INFER_BACK_GUESSED_TWO)};

/*
 * Routers between hop's responder and us on the way back.  Known by its own
 * replies, or between two hops whose distances leave but one way to be.
 */
static int
infer_ttl_traversed_from(const struct infer *in, int hop, bool *known)
{
	int below = hop, above = hop, back;

	*known = true;
	while (below > 0 && in->path.traversed[below] < 0)
		below--;
	while (above < in->path.hops && in->path.traversed[above] < 0)
		above++;
	back = below > 0 ? in->path.traversed[below] + hop - below : hop - 1;
	if (below != hop)
		*known = in->path.traversed[above] == back + above - hop;
	return back;
}

/*
 * What a model's reset crosses.  What is made on the wire before hop h goes
 * to the router before it, and by that one's way home; what hop h makes at
 * its ingress goes its own way: *own says how much that differs.
 */
static int
infer_ttl_traversed(const struct infer *in, int hop,
    const struct infer_model *m, bool *known, int *own)
{
	int back = infer_ttl_traversed_from(in, hop, known), wire;

	*own = 0;
	if (m->place == PLACE_ROUTER || hop == 1)
		return back + m->decrement;
	wire = infer_ttl_traversed_from(in, hop - 1, known) + 1;
	*own = back - wire;
	return wire;
}

int
infer_expected_ttl(
    const struct infer *in, int hop, const struct infer_model *m, int n)
{
	bool known;
	int own, seen, r = 0;
	int back = infer_ttl_traversed(in, hop, m, &known, &own);

	switch (m->policy) {
	case TTL_POLICY_FIXED:
		if (m->initial == 0)
			return -1;
		r = m->initial - back;
		break;
	case TTL_POLICY_COPIED:
		seen = n - (hop - 1) - (m->place == PLACE_ROUTER);
		r = seen - back;
		break;
	case TTL_POLICY_UNKNOWN:
	case TTL_POLICY_ARBITRARY:
		return -1;
	case TTL_POLICY_IMITATED:
		return in->path.server_ttl > 0 ? in->path.server_ttl : -1;
	}
	return r > 0 ? r : 0;
}

static double
infer_ttl_near(int seen, int expected)
{
	int off = abs(seen - expected);

	if (off == 0)
		return INFER_TTL_EXACT;
	if (off == 1)
		return INFER_TTL_NEAR;
	return off == 2 ? INFER_TTL_FAR : INFER_TTL_STRAY;
}

static double
infer_ttl_log_add(double a, double b)
{
	double top = a > b ? a : b;

	if (isinf(top))
		return top;
	return top + log(exp(a - top) + exp(b - top));
}

/* All resets, were they all sent to arrive with `value`. */
static double
infer_ttl_log_constant(const struct infer *in, int value)
{
	double l = 0;

	for (int i = 1; i < 256; i++)
		if (in->seen[i] > 0)
			l += in->seen[i] * log(infer_ttl_near(i, value));
	return l;
}

/*
 * Were they all sent to arrive with one value, whichever.  Far from all that
 * were seen, one value is like another.
 */
static double
infer_ttl_log_some_constant(const struct infer *in)
{
	double l = -INFINITY;
	int from, to, last = 0, close = 0;

	for (int i = 1; i < 256; i++) {
		if (in->seen[i] == 0)
			continue;
		from = i - 2 > last ? i - 2 : last + 1;
		to = i + 2 < 255 ? i + 2 : 255;
		for (; from <= to; from++, close++)
			l = infer_ttl_log_add(
			    l, infer_ttl_log_constant(in, from));
		last = to;
	}
	l = infer_ttl_log_add(
	    l, infer_ttl_log_constant(in, -9) + log(255 - close));
	return l - log(255);
}

/*
 * TTLs that say nothing of a distance: drawn anew each time; or counted up,
 * so that all differ and lie close together.
 */
static double
infer_ttl_log_arbitrary(const struct infer *in)
{
	int n = 0, first = 0, last = 0;
	bool twice = false;
	double l;

	for (int i = 1; i < 256; i++) {
		if (in->seen[i] == 0)
			continue;
		first = first == 0 ? i : first;
		last = i;
		n += (int)in->seen[i];
		twice = twice || in->seen[i] > 1;
	}
	l = log(INFER_ARBITRARY_DRAWN) + n * log(INFER_TTL_ANY);
	if (n == 0 || twice || last - first >= INFER_ARBITRARY_SPAN * n)
		return l;
	return infer_ttl_log_add(l,
	    log(INFER_ARBITRARY_COUNTED) + log(INFER_TTL_ANY) -
		(n - 1) * log(INFER_ARBITRARY_SPAN * n));
}

/*
 * A device's reset beside what it should be; the server may reset now and
 * then as well, for reasons of its own.
 */
static double
infer_ttl_like(const struct infer *in, int seen, int expected)
{
	double p = infer_ttl_near(seen, expected);

	if (p < INFER_TTL_BACKGROUND && seen == in->path.server_ttl)
		return INFER_TTL_BACKGROUND;
	return p;
}

void
infer_ttl_see(struct infer *in, int rst_ttl, int n)
{
	double *w;
	bool known;
	int e, own;

	if (rst_ttl < 1 || rst_ttl > 255)
		return;
	in->seen[rst_ttl]++;
	in->some_constant = infer_ttl_log_some_constant(in);
	in->arbitrary = infer_ttl_log_arbitrary(in);
	for (size_t h = 1; h <= (size_t)in->path.hops; h++)
		for (size_t m = 0; m < infer_n_models; m++) {
			e = infer_expected_ttl(in, (int)h, &infer_models[m], n);
			infer_ttl_traversed(
			    in, (int)h, &infer_models[m], &known, &own);
			w = &in->ttl[((h - 1) * infer_n_models + m) *
			    INFER_WAYS];
			for (size_t off = 0; off < INFER_OFFS; off++)
				w[off] += e < 0
				    ? log(INFER_TTL_ANY)
				    : log(infer_ttl_like(
					  in, rst_ttl, e + (int)off - 2));
			/* A longer way home is a smaller TTL. */
			w[INFER_OFFS] += e < 0
			    ? log(INFER_TTL_ANY)
			    : log(infer_ttl_like(in, rst_ttl, e - own));
		}
}

double
infer_ttl_model(const struct infer *in, size_t hop, size_t model)
{
	const struct infer_model *m = &infer_models[model];
	const double *w =
	    &in->ttl[((hop - 1) * infer_n_models + model) * INFER_WAYS];
	double l = -INFINITY, prior;
	int own;
	bool known;

	if (m->policy == TTL_POLICY_FIXED && m->initial == 0)
		return in->some_constant;
	if (m->policy == TTL_POLICY_ARBITRARY)
		return in->arbitrary;
	infer_ttl_traversed(in, (int)hop, m, &known, &own);
	for (int off = -2; off <= 2; off++) {
		prior = known ? off_known[off + 2] : off_guessed[off + 2];
		l = infer_ttl_log_add(l, w[off + 2] + log(prior));
	}
	if (own != 0)
		l = infer_ttl_log_add(l, w[INFER_OFFS] + log(INFER_BACK_OWN));
	return l;
}

/*
 * The server's own resets arrive as its other packets do; or, where a system
 * makes them apart from any connection, as far below another initial TTL.
 */
static double
infer_ttl_log_server(const struct infer *in)
{
	static const int steps[] = {0, -1, 1, -32, -64, -96, -127, -128, -191,
	    -223, 32, 64, 96, 127, 128, 191, 223};
	const size_t n = sizeof(steps) / sizeof(steps[0]);
	double l = -INFINITY, prior;
	int v;

	if (in->path.server_ttl == 0)
		return in->some_constant;
	for (size_t i = 0; i < n; i++) {
		v = in->path.server_ttl + steps[i];
		prior = i == 0 ? INFER_SERVER_SAME
		    : i <= 2   ? INFER_SERVER_ONE_OFF / 2
			       : INFER_SERVER_INITIAL / (double)(n - 3);
		if (v >= 1 && v <= 255)
			l = infer_ttl_log_add(
			    l, infer_ttl_log_constant(in, v) + log(prior));
	}
	return l;
}

/*
 * What a device's reset would arrive with, were it as likely at each hop: the
 * share of one value.
 */
static double
infer_ttl_some_hop_prior(const struct infer *in, int value)
{
	static const struct {
		int initial;
		double weight;
	} common[] = {{64, INFER_WEIGHT_64}, {255, INFER_WEIGHT_255},
	    {128, INFER_WEIGHT_128}};
	const double all =
	    INFER_WEIGHT_64 + INFER_WEIGHT_255 + INFER_WEIGHT_128;
	double p = 0;

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (value <= common[i].initial &&
		    value > common[i].initial - in->path.hops)
			p += common[i].weight / all / in->path.hops;
	return p;
}

/*
 * Of a device that the answer fires: the answer itself turned into a reset,
 * so that it arrives as the server's packets do, and has their IP IDs (PHYSICS,
 * section 6); one that imitates these TTLs; a reset of the device's own, from
 * some hop; any constant; anything.
 */
static double
infer_ttl_log_response(const struct infer *in, unsigned int n)
{
	double l = log(INFER_RESPONSE_ANY) + n * log(INFER_TTL_ANY), share;

	l = infer_ttl_log_add(
	    l, log(INFER_RESPONSE_CONSTANT) + in->some_constant);
	if (in->path.server_ttl > 0)
		l = infer_ttl_log_add(l,
		    log(INFER_RESPONSE_IMITATED) +
			infer_ttl_log_constant(in, in->path.server_ttl));
	for (int i = 1; i < 256; i++) {
		share = in->seen[i] > 0 ? infer_ttl_some_hop_prior(in, i) : 0;
		if (share > 0)
			l = infer_ttl_log_add(l,
			    log(INFER_RESPONSE_AT_HOP * share) +
				infer_ttl_log_constant(in, i));
	}
	l += in->id_steps[INFER_RESPONSE];
	if (in->path.server_ttl > 0)
		l = infer_ttl_log_add(l,
		    log(INFER_RESPONSE_REWRITTEN) +
			infer_ttl_log_constant(in, in->path.server_ttl) +
			in->id_rewritten);
	return l;
}

double
infer_ttl_cause(const struct infer *in, enum infer_cause c)
{
	unsigned int n = 0;

	for (int i = 1; i < 256; i++)
		n += in->seen[i];
	switch (c) {
	case INFER_SERVER:
		return infer_ttl_log_server(in) + in->id_steps[c];
	case INFER_RESPONSE:
		return infer_ttl_log_response(in, n);
	case INFER_DEVICE:
	case INFER_NOTHING:
		break;
	}
	return n * log(INFER_TTL_ANY) + in->id_steps[c];
}
