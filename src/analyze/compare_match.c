/*
 * Which connection of one vantage is which of the other, what the clocks
 * differ by, and how many routers lie between.
 */
#include <stdlib.h>
#include <string.h>

#include "compare_match.h"

#define MATCH_CANDIDATES 8
/* Connections of one five-tuple that are looked at */
#define MATCH_OLDER 64

/* Packets that both vantages saw, by half of the first. */
struct votes {
	uint32_t flow; /* of vantage 1 */
	bool flipped;
	unsigned int n[2];
};

/* A sample of vantage 1. */
struct match_place {
	uint64_t hash;
	uint32_t flow;
	uint8_t half;
};

static void
match_join(struct compare *c, uint32_t a, uint32_t b, bool flipped)
{
	c->sides[0].flows[a].match = b;
	c->sides[0].flows[a].flipped = flipped;
	c->sides[1].flows[b].match = a;
	c->sides[1].flows[b].flipped = flipped;
	c->n_flows++;
}

/* --- under the same addresses --- */

static unsigned int
match_count_common(const struct compare_half *a, const struct compare_half *b)
{
	unsigned int n = 0;

	for (uint8_t i = 0; i < a->n_samples; i++)
		for (uint8_t k = 0; k < b->n_samples; k++)
			n += a->samples[i].hash == b->samples[k].hash;
	return n;
}

/* The same numbers were sent in both: initial ones are drawn at random. */
static bool
match_overlaps(const struct compare_half *a, const struct compare_half *b)
{
	return a->seen && b->seen && seq_after(b->seq_next, a->seq_first) &&
	    seq_after(a->seq_next, b->seq_first);
}

/* 0: another connection. */
static unsigned int
match_count_alike(const struct compare_flow *a, const struct compare_flow *b)
{
	unsigned int n = 0;

	for (int i = 0; i < 2; i++) {
		const struct compare_half *x = &a->half[i], *y = &b->half[i];

		if (x->syn && y->syn && x->isn != y->isn)
			return 0;
		n += 2 * match_count_common(x, y);
	}
	if (n == 0 && match_overlaps(&a->half[0], &b->half[0]) &&
	    match_overlaps(&a->half[1], &b->half[1]))
		return 1;
	return n;
}

static uint32_t
match_find_same_key(const struct compare *c, const struct compare_flow *a)
{
	const struct compare_side *s = &c->sides[1];
	uint64_t h = compare_hash_key(c, &a->key);
	uint32_t at = 0, i;

	while ((i = hash_index_next(&s->by_key, h, &at)) != HASH_NONE)
		if (flow_key_equal(&s->flows[i].key, &a->key))
			return i;
	return COMPARE_NONE;
}

static void
match_same(struct compare *c, uint32_t a)
{
	const struct compare_side *s = &c->sides[1];
	uint32_t root = match_find_same_key(c, &c->sides[0].flows[a]);
	uint32_t best = COMPARE_NONE;
	unsigned int most = 0;
	int looks = 0;

	if (root == COMPARE_NONE)
		return;
	for (uint32_t i = s->flows[root].newest;
	     i != COMPARE_NONE && looks < MATCH_OLDER;
	     i = s->flows[i].older, looks++) {
		unsigned int n;

		if (s->flows[i].match != COMPARE_NONE)
			continue;
		n = match_count_alike(&c->sides[0].flows[a], &s->flows[i]);
		if (n > most) {
			most = n;
			best = i;
		}
	}
	if (best != COMPARE_NONE)
		match_join(c, a, best, false);
}

/* --- under others: NAT --- */

static int
match_by_hash(const void *x, const void *y)
{
	uint64_t a = ((const struct match_place *)x)->hash;
	uint64_t b = ((const struct match_place *)y)->hash;

	return (a > b) - (a < b);
}

static struct match_place *
match_list_places(const struct compare_side *s, size_t *n)
{
	struct match_place *p;

	*n = 0;
	for (uint32_t i = 0; i < s->n_flows; i++)
		if (s->flows[i].match == COMPARE_NONE)
			*n += s->flows[i].half[0].n_samples +
			    s->flows[i].half[1].n_samples;
	p = calloc(*n + 1, sizeof(*p));
	if (p == NULL)
		return NULL;
	*n = 0;
	for (uint32_t i = 0; i < s->n_flows; i++)
		for (int h = 0; h < 2; h++) {
			const struct compare_half *half = &s->flows[i].half[h];

			if (s->flows[i].match != COMPARE_NONE)
				break;
			for (uint8_t k = 0; k < half->n_samples; k++)
				p[(*n)++] = (struct match_place){
				    half->samples[k].hash, i, (uint8_t)h};
		}
	qsort(p, *n, sizeof(*p), match_by_hash);
	return p;
}

static const struct match_place *
match_first_place(const struct match_place *p, size_t n, uint64_t hash)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p[mid].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	return p + lo;
}

static void
match_vote(struct votes *v, size_t *n, uint32_t flow, bool flipped, int half)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (v[i].flow == flow && v[i].flipped == flipped)
			break;
	if (i == MATCH_CANDIDATES)
		return;
	if (i == *n) {
		v[i] = (struct votes){.flow = flow, .flipped = flipped};
		++*n;
	}
	v[i].n[half]++;
}

/* Only what is alike in both directions, and alone in that. */
static void
match_other(
    struct compare *c, uint32_t a, const struct match_place *p, size_t n)
{
	const struct compare_flow *fl = &c->sides[0].flows[a];
	const struct votes *best = NULL;
	struct votes v[MATCH_CANDIDATES] = {{0}};
	size_t n_votes = 0, good = 0;

	for (int h = 0; h < 2; h++)
		for (uint8_t i = 0; i < fl->half[h].n_samples; i++) {
			uint64_t hash = fl->half[h].samples[i].hash;
			const struct match_place *q =
			    match_first_place(p, n, hash);

			for (; q < p + n && q->hash == hash; q++)
				match_vote(
				    v, &n_votes, q->flow, q->half != h, h);
		}
	for (size_t i = 0; i < n_votes; i++)
		if (v[i].n[0] > 0 && v[i].n[1] > 0) {
			best = &v[i];
			good++;
		}
	if (good != 1 || n_votes == MATCH_CANDIDATES ||
	    c->sides[1].flows[best->flow].match != COMPARE_NONE)
		return;
	match_join(c, a, best->flow, best->flipped);
	c->nat = true;
}

/* --- what a connection's packets say of ends, clocks and routers --- */

static const struct compare_sample *
match_find_sample(
    const struct compare_half *h, const struct compare_sample *like)
{
	for (uint8_t i = 0; i < h->n_samples; i++)
		if (h->samples[i].hash == like->hash &&
		    !h->samples[i].duplicate)
			return like->duplicate ? NULL : &h->samples[i];
	return NULL;
}

/* TTL at vantage 0 less that at vantage 1, in sum over a half: its sign. */
static int
match_compare_ttls(const struct compare_half *a, const struct compare_half *b)
{
	int sum = 0;

	for (uint8_t i = 0; i < a->n_samples; i++) {
		const struct compare_sample *s =
		    match_find_sample(b, &a->samples[i]);

		if (s != NULL)
			sum += a->samples[i].ttl - s->ttl;
	}
	return (sum > 0) - (sum < 0);
}

static struct compare_half *
match_other_half(struct compare *c, const struct compare_flow *a, int half)
{
	struct compare_flow *b = &c->sides[1].flows[a->match];

	return &b->half[half ^ (int)a->flipped];
}

/* Which half comes from vantage 0's end: by TTL, else by which opened it. */
static void
match_find_ends(struct compare *c, struct compare_flow *a)
{
	struct compare_flow *b = &c->sides[1].flows[a->match];
	int t[2], client = -1;

	for (int h = 0; h < 2; h++) {
		t[h] =
		    match_compare_ttls(&a->half[h], match_other_half(c, a, h));
		if (a->half[h].opens || match_other_half(c, a, h)->opens)
			client = h;
	}
	if (client < 0 && a->key.src.port != a->key.dst.port)
		client = a->key.src.port > a->key.dst.port ? 0 : 1;
	if (t[0] * t[1] < 0) {
		a->near = t[0] > 0 ? 0 : 1;
		c->sided_ttl++;
		c->reversed += client >= 0 && a->near != client;
	} else if (t[0] * t[1] > 0 || client < 0) {
		c->against++;
		return;
	} else
		a->near = (uint8_t)client;
	a->sided = true;
	b->sided = true;
	b->near = a->near ^ (uint8_t)a->flipped;
}

/*
 * A packet from vantage 0 to 1 takes its time: the stamps differ by more than
 * the clocks do.  One the other way, by less.
 */
static void
match_see_delta(struct compare_flow *a, bool from_near, int64_t delta)
{
	if (from_near && (!a->has_hi || delta < a->offset_hi)) {
		a->offset_hi = delta;
		a->has_hi = true;
	} else if (!from_near && (!a->has_lo || delta > a->offset_lo)) {
		a->offset_lo = delta;
		a->has_lo = true;
	}
}

static void
match_measure(struct compare *c, struct compare_flow *a,
    unsigned int tally[2][COMPARE_HOPS])
{
	for (int h = 0; h < 2; h++) {
		const struct compare_half *half = &a->half[h];
		bool from_near = h == a->near;

		for (uint8_t i = 0; i < half->n_samples; i++) {
			const struct compare_sample *x = &half->samples[i];
			const struct compare_sample *y =
			    match_find_sample(match_other_half(c, a, h), x);
			int hops;

			if (y == NULL)
				continue;
			match_see_delta(a, from_near, y->unix_ns - x->unix_ns);
			hops = from_near ? x->ttl - y->ttl : y->ttl - x->ttl;
			if (hops >= 0 && hops < COMPARE_HOPS)
				tally[!from_near][hops]++;
		}
	}
}

static int
match_most_hops(const unsigned int tally[COMPARE_HOPS])
{
	int best = -1;

	for (int i = 0; i < COMPARE_HOPS; i++)
		if (tally[i] > 0 && (best < 0 || tally[i] > tally[best]))
			best = i;
	return best;
}

/*
 * Clocks that drift leave no offset that fits all connections; then it is
 * what they say at the ends, with an error that covers both.
 */
static void
match_find_offset(struct compare *c)
{
	bool has_lo = false, has_hi = false;

	for (uint32_t i = 0; i < c->sides[0].n_flows; i++) {
		const struct compare_flow *a = &c->sides[0].flows[i];

		if (a->has_lo && (!has_lo || a->offset_lo > c->offset_lo)) {
			c->offset_lo = a->offset_lo;
			has_lo = true;
		}
		if (a->has_hi && (!has_hi || a->offset_hi < c->offset_hi)) {
			c->offset_hi = a->offset_hi;
			has_hi = true;
		}
	}
	c->has_offset = has_lo && has_hi;
	if (c->has_offset && c->offset_lo > c->offset_hi) {
		int64_t lo = c->offset_hi;

		c->offset_hi = c->offset_lo;
		c->offset_lo = lo;
	}
}

int
compare_match(struct compare *c, struct fault *f)
{
	unsigned int tally[2][COMPARE_HOPS] = {{0}};
	struct compare_side *s = &c->sides[0];
	struct match_place *p;
	size_t n;

	for (uint32_t i = 0; i < s->n_flows; i++)
		match_same(c, i);
	p = match_list_places(&c->sides[1], &n);
	if (p == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (uint32_t i = 0; i < s->n_flows && n > 0; i++)
		if (s->flows[i].match == COMPARE_NONE)
			match_other(c, i, p, n);
	free(p);
	for (uint32_t i = 0; i < s->n_flows; i++) {
		if (s->flows[i].match == COMPARE_NONE)
			continue;
		match_find_ends(c, &s->flows[i]);
		if (s->flows[i].sided)
			match_measure(c, &s->flows[i], tally);
	}
	for (int i = 0; i < 2; i++)
		c->hops[i] = match_most_hops(tally[i]);
	match_find_offset(c);
	return 0;
}
