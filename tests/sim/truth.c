/*
 * Drawing a network and its forger.
 *
 * The shares are those of what is met: most forgers use a fixed initial TTL,
 * some copy the trigger's; most paths are clean, some lose packets, some come
 * back another way.
 */
#include <string.h>

#include <rsthop/clock.h>

#include "../rng_unit.h"
#include "truth.h"

static bool
chance(struct rng *r, double p)
{
	return rng_unit(r) < p;
}

/* lo .. hi, both included. */
static int
between(struct rng *r, int lo, int hi)
{
	return lo + (int)rng_below(r, (uint32_t)(hi - lo + 1));
}

/* An index, by weights that need not sum to 1. */
static int
pick(struct rng *r, const double *weight, int n)
{
	double total = 0, x;

	for (int i = 0; i < n; i++)
		total += weight[i];
	x = rng_unit(r) * total;
	for (int i = 0; i < n - 1; i++) {
		if (x < weight[i])
			return i;
		x -= weight[i];
	}
	return n - 1;
}

static void
draw_delays(struct rng *r, struct sim_truth *t)
{
	int64_t mean = (int64_t)between(r, 1, 60) * CLOCK_MS / t->hops, link;

	t->out_ns[0] = t->home_ns[0] = 0;
	for (int i = 1; i <= t->hops; i++) {
		link = 20 * CLOCK_US +
		    (int64_t)(2 * rng_unit(r) * (double)mean / 2);
		t->out_ns[i] = t->out_ns[i - 1] + link;
		t->home_ns[i] = t->home_ns[i - 1] + link;
	}
}

/*
 * The way home.  Where it parts from the way out, it does so at one router,
 * and stays apart for that one alone or for all beyond it.
 */
static void
draw_back(struct rng *r, struct sim_truth *t)
{
	int at, d, far = 0;

	t->asymmetric = chance(r, 0.25);
	for (int i = 1; i <= t->hops; i++)
		t->back[i] = i - 1;
	if (!t->asymmetric)
		return;
	at = between(r, 2, t->hops);
	d = chance(r, 0.5) ? between(r, 1, 3) : -between(r, 1, 2);
	far = chance(r, 0.6) ? t->hops : at;
	for (int i = at; i <= far; i++) {
		if (t->back[i] + d < 1)
			d = 1 - t->back[i];
		t->back[i] += d;
		t->home_ns[i] += d > 0 ? d * CLOCK_MS / 2 : 0;
	}
}

static void
draw_routers(struct rng *r, struct sim_truth *t)
{
	double silent = chance(r, 0.4) ? 0.15 : 0.02;
	bool limits = chance(r, 0.5);

	for (int i = 1; i <= t->hops; i++) {
		t->silent[i] = chance(r, silent);
		t->limited[i] = limits && chance(r, 0.8);
		t->reply_ttl[i] = chance(r, 0.7) ? 255 : 64;
	}
	if (chance(r, 0.2) && t->hops > 3) {
		t->ecmp_hop = between(r, 2, t->hops - 1);
		t->ecmp_salt = rng_u64(r);
	}
}

static void
draw_path(struct rng *r, struct sim_truth *t)
{
	static const double loss[] = {0.0002, 0.001, 0.003};
	static const uint8_t initial[] = {64, 64, 64, 128, 255};

	t->hops = between(r, 3, SIM_HOPS);
	t->v6 = chance(r, 0.15);
	draw_delays(r, t);
	draw_back(r, t);
	draw_routers(r, t);
	if (chance(r, 0.4))
		t->loss = loss[rng_below(r, 3)];
	t->server_ttl = initial[rng_below(r, 5)];
	t->server_echo = chance(r, 0.7);
	t->server_talks = chance(r, 0.6);
}

static void
draw_ttl(struct rng *r, struct sim_device *d)
{
	static const double weight[SIM_TTLS] = {
	    [SIM_TTL_FIXED] = 64,
	    [SIM_TTL_CONSTANT] = 5,
	    [SIM_TTL_COPIED] = 18,
	    [SIM_TTL_COPIED_EARLY] = 0.5,
	    [SIM_TTL_RANDOM] = 4,
	    [SIM_TTL_STEPPING] = 3,
	    [SIM_TTL_IMITATED] = 3,
	};
	static const int usual[] = {64, 255, 128, 32};
	static const double how_usual[] = {50, 28, 20, 2};

	d->ttl = (enum sim_ttl)pick(r, weight, SIM_TTLS);
	if (d->ttl == SIM_TTL_COPIED_EARLY && d->place == PLACE_WIRE)
		d->ttl = SIM_TTL_COPIED;
	if (d->ttl == SIM_TTL_FIXED)
		d->initial = usual[pick(r, how_usual, 4)];
	else if (d->ttl == SIM_TTL_CONSTANT)
		d->initial = between(r, 40, 250);
	else if (d->ttl == SIM_TTL_STEPPING)
		d->initial = between(r, 40, 200);
	d->decrement = d->place == PLACE_ROUTER && chance(r, 0.02) &&
	    d->ttl != SIM_TTL_COPIED_EARLY;
}

/* When it fires. */
static void
draw_dice(struct rng *r, struct sim_device *d)
{
	static const double p[] = {0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1};
	static const double how_often[] = {1, 2, 3, 3, 3, 2, 5};
	static const double dice[SIM_DICES] = {50, 30, 20};

	if (chance(r, 0.7))
		d->p = p[pick(r, how_often, 7)];
	else
		d->p = 0.05 + 0.95 * rng_unit(r);
	d->dice = (enum sim_dice)pick(r, dice, SIM_DICES);
	d->once = chance(r, 0.35);
}

/* What it sends, and when. */
static void
draw_manner(struct rng *r, struct sim_device *d)
{
	d->drops = chance(r, 0.45);
	d->both_ends = chance(r, 0.6);
	d->tags = chance(r, 0.6);
	/* A box that copies the TTL has the trigger for a template. */
	if (d->ttl == SIM_TTL_COPIED || d->ttl == SIM_TTL_COPIED_EARLY)
		d->id = chance(r, 0.6) ? SIM_ID_COPIED : SIM_ID_ZERO;
	else
		d->id = chance(r, 0.06) ? SIM_ID_COPIED
		    : chance(r, 0.5)	? SIM_ID_ZERO
					: SIM_ID_RANDOM;
	d->window = chance(r, 0.7) ? SIM_WINDOW_ZERO
	    : chance(r, 0.3)	   ? SIM_WINDOW_COPIED
				   : SIM_WINDOW_OWN;
	d->with_ack = chance(r, 0.5);
	d->resets = chance(r, 0.75) ? 1 : between(r, 2, 3);
	if (d->resets > 1)
		d->step = (enum sim_step)rng_below(r, 4);
	/* The GFW's rising TTLs; they go with no template. */
	if (d->step == SIM_STEP_TTL &&
	    (d->ttl == SIM_TTL_COPIED || d->ttl == SIM_TTL_COPIED_EARLY ||
		d->ttl == SIM_TTL_IMITATED))
		d->step = SIM_STEP_NONE;
	d->work_ns = (int64_t)(CLOCK_MS * (0.02 + 2 * rng_unit(r)));
	if (chance(r, 0.07) && !d->drops)
		d->buffer_ns = CLOCK_S / 2;
	if (chance(r, 0.02))
		d->block_ns = (int64_t)between(r, 60, 180) * CLOCK_S;
}

static void
draw_device(struct rng *r, struct sim_truth *t)
{
	struct sim_device *d = &t->dev;

	d->place = chance(r, 0.5) ? PLACE_ROUTER : PLACE_WIRE;
	d->hop = between(r, 1, t->hops - 1);
	if (d->place == PLACE_WIRE && chance(r, 0.3 / t->hops))
		d->hop = t->hops;
	draw_ttl(r, d);
	draw_dice(r, d);
	draw_manner(r, d);
	d->branch = -1;
	if (t->ecmp_hop != 0 && chance(r, 0.3)) {
		d->branch = (int)rng_below(r, 2);
		d->hop = t->ecmp_hop;
	}
}

void
sim_truth_draw(uint64_t seed, struct sim_truth *t)
{
	static const double cause[INFER_CAUSES] = {
	    [INFER_DEVICE] = 80,
	    [INFER_SERVER] = 10,
	    [INFER_RESPONSE] = 4,
	    [INFER_NOTHING] = 6,
	};
	struct rng r;

	memset(t, 0, sizeof(*t));
	rng_seed(&r, seed);
	t->seed = seed;
	draw_path(&r, t);
	t->cause = (enum infer_cause)pick(&r, cause, INFER_CAUSES);
	draw_device(&r, t);
	if (t->cause == INFER_SERVER)
		t->server_p = t->dev.p;
	if (t->cause == INFER_RESPONSE) {
		t->server_talks = true;
		t->dev.block_ns = 0;
		t->dev.branch = -1;
	}
	if (chance(&r, 0.08))
		t->alarm = chance(&r, 0.5) ? 0.01 : 0.05;
	t->dev.server_first = chance(&r, 0.5);
	t->server_acks = chance(&r, 0.7);
	t->server_ids = chance(&r, 0.65) ? SIM_IDS_COUNTED
	    : chance(&r, 0.6)		 ? SIM_IDS_ZERO
					 : SIM_IDS_RANDOM;
	t->answer_ns = chance(&r, 0.75) ? between(&r, 100, 3000) * CLOCK_US
					: between(&r, 5, 200) * CLOCK_MS;
}

void
sim_truth_plain(int hops, int hop, enum place place, double p, uint64_t seed,
    struct sim_truth *t)
{
	memset(t, 0, sizeof(*t));
	t->seed = seed;
	t->cause = INFER_DEVICE;
	t->hops = hops;
	for (int i = 1; i <= hops; i++) {
		t->out_ns[i] = t->home_ns[i] = i * CLOCK_MS;
		t->back[i] = i - 1;
		t->reply_ttl[i] = 255;
	}
	t->server_ttl = 128;
	t->server_echo = true;
	t->server_acks = true;
	t->answer_ns = CLOCK_MS;
	t->dev.hop = hop;
	t->dev.place = place;
	t->dev.ttl = SIM_TTL_FIXED;
	t->dev.initial = 64;
	t->dev.p = p;
	t->dev.tags = true;
	t->dev.id = SIM_ID_ZERO;
	t->dev.resets = 1;
	t->dev.work_ns = 50 * CLOCK_US;
	t->dev.branch = -1;
}

int
sim_truth_threshold(const struct sim_truth *t)
{
	return t->dev.place == PLACE_WIRE ? t->dev.hop : t->dev.hop + 1;
}

/*
 * What is made on a link goes to the router at its near end, which sends it
 * on by its own way home; what a router makes goes that router's way.
 */
int
sim_truth_crossed(const struct sim_truth *t)
{
	int h = t->dev.hop;

	if (t->dev.place == PLACE_WIRE)
		return h == 1 ? 0 : t->back[h - 1] + 1;
	return t->back[h] + t->dev.decrement;
}

int
sim_truth_server_ttl(const struct sim_truth *t)
{
	return t->server_ttl - t->back[t->hops];
}

bool
sim_truth_tagged(const struct sim_truth *t)
{
	return t->dev.tags || (t->dev.id == SIM_ID_COPIED && !t->v6) ||
	    t->dev.window == SIM_WINDOW_COPIED;
}

bool
sim_truth_device_silent(const struct sim_truth *t)
{
	return t->silent[t->dev.hop];
}

/* Fired by full TTLs alone, with resets that could be the server's own. */
static bool
looks_like_server(const struct sim_truth *t)
{
	int ttl = t->dev.initial - sim_truth_crossed(t);

	return sim_truth_threshold(t) == t->hops &&
	    t->dev.ttl == SIM_TTL_FIXED && ttl == sim_truth_server_ttl(t);
}

/*
 * The server's own packet made a reset, both ends reset, and nothing comes
 * that the reset does not count.
 */
static bool
rewrites_answer(const struct sim_truth *t)
{
	const struct sim_device *d = &t->dev;

	return t->cause == INFER_RESPONSE && (d->drops || !d->tags) &&
	    d->both_ends &&
	    (d->ttl == SIM_TTL_COPIED || d->ttl == SIM_TTL_COPIED_EARLY ||
		d->ttl == SIM_TTL_IMITATED);
}

bool
sim_truth_twin(const struct sim_truth *t)
{
	if (t->cause != INFER_DEVICE)
		return rewrites_answer(t);
	switch (t->dev.ttl) {
	case SIM_TTL_FIXED:
		return t->dev.decrement || looks_like_server(t);
	case SIM_TTL_COPIED:
		return t->dev.decrement;
	case SIM_TTL_CONSTANT:
	case SIM_TTL_COPIED_EARLY:
	case SIM_TTL_RANDOM:
	case SIM_TTL_STEPPING:
	case SIM_TTL_IMITATED:
		return true;
	}
	return true;
}

bool
sim_truth_odd(const struct sim_truth *t)
{
	return t->dev.block_ns != 0 || t->dev.branch >= 0;
}

const char *
sim_ttl_name(enum sim_ttl t)
{
	switch (t) {
	case SIM_TTL_FIXED:
		return "fixed";
	case SIM_TTL_CONSTANT:
		return "other constant";
	case SIM_TTL_COPIED:
		return "copied";
	case SIM_TTL_COPIED_EARLY:
		return "copied early";
	case SIM_TTL_RANDOM:
		return "random";
	case SIM_TTL_STEPPING:
		return "stepping";
	case SIM_TTL_IMITATED:
		return "imitates server";
	}
	return "?";
}

const char *
sim_dice_name(enum sim_dice d)
{
	switch (d) {
	case SIM_DICE_PACKET:
		return "packet";
	case SIM_DICE_CONNECTION:
		return "connection";
	case SIM_DICE_FLOW:
		return "flow";
	}
	return "?";
}

static void
print_path(const struct sim_truth *t, FILE *out)
{
	fprintf(out,
	    "path    %d hops, IPv%d, server TTL %d arriving as %d%s, loss "
	    "%.4f a link, rtt %.1f ms, alarms %.2f\n",
	    t->hops, t->v6 ? 6 : 4, t->server_ttl, sim_truth_server_ttl(t),
	    t->asymmetric ? ", asymmetric" : "", t->loss,
	    (double)(t->out_ns[t->hops] + t->home_ns[t->hops]) / 1e6, t->alarm);
	fprintf(out, "home   ");
	for (int i = 1; i <= t->hops; i++)
		fprintf(out, " %d:%d%s%s", i, t->back[i],
		    t->silent[i] ? "*" : "", i == t->ecmp_hop ? "=" : "");
	fprintf(out, "   (hop:crossed, * silent, = two routers)\n");
}

static void
print_device(const struct sim_truth *t, FILE *out)
{
	const struct sim_device *d = &t->dev;

	fprintf(out,
	    "device  hop %d, %s%s, TTL %s %d, threshold %d, crossed %d\n",
	    d->hop, d->place == PLACE_WIRE ? "wire" : "router",
	    d->decrement ? " with a decrement" : "", sim_ttl_name(d->ttl),
	    d->initial, sim_truth_threshold(t), sim_truth_crossed(t));
	fprintf(out, "        p %.3f a %s%s%s%s%s%s%s%s\n", d->p,
	    sim_dice_name(d->dice), d->once ? ", once" : "",
	    d->drops ? ", drops" : "", d->both_ends ? ", both ends" : "",
	    d->tags ? ", seq tag" : "",
	    d->id == SIM_ID_COPIED && !t->v6 ? ", ID tag" : "",
	    d->window == SIM_WINDOW_COPIED ? ", window tag" : "",
	    d->branch >= 0 ? ", one branch only" : "");
	fprintf(out, "        %d resets (step %d), %.2f ms%s, block %.0f s%s\n",
	    d->resets, (int)d->step, (double)d->work_ns / 1e6,
	    d->buffer_ns != 0 ? " and a buffer" : "", (double)d->block_ns / 1e9,
	    sim_truth_twin(t) ? "; has a twin" : "");
}

void
sim_truth_print(const struct sim_truth *t, FILE *out)
{
	static const char *const cause[INFER_CAUSES] = {
	    "a device", "the server", "a device, by the response", "nothing"};

	fprintf(out, "seed    %llu: %s\n", (unsigned long long)t->seed,
	    cause[t->cause]);
	print_path(t, out);
	if (t->cause == INFER_DEVICE || t->cause == INFER_RESPONSE)
		print_device(t, out);
	if (t->cause == INFER_SERVER)
		fprintf(out, "server  resets with p %.3f\n", t->server_p);
}
