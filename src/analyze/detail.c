/*
 * Of one group of resets: what triggered them, how often that passed without
 * one, and where the device may be.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/stats.h>

#include "detail.h"

#define DETAIL_TALLIES	  4  /* kinds of triggers that are told apart */
#define DETAIL_SAMPLES	  8  /* triggers that are compared byte by byte */
#define DETAIL_PLACES	  32 /* hops and places that are weighed */
#define DETAIL_COMMON_MIN 4  /* bytes in common that say something */

struct tally {
	uint64_t id;
	uint64_t drew;
	uint64_t whole; /* of these: by packets that were no probes */
	struct trigger trigger;
};

struct detail {
	size_t n_tallies;
	struct tally tallies[DETAIL_TALLIES];
	uint64_t others;
	size_t n_samples;
	struct trigger_bytes samples[DETAIL_SAMPLES]; /* owned */
	uint64_t resets, placed; /* placed: with candidates of their own */
	size_t n_places;
	struct rst_candidate places[DETAIL_PLACES]; /* probability: summed up */
};

struct detail *
detail_new(void)
{
	return calloc(1, sizeof(struct detail));
}

static void
detail_free_sample(struct trigger_bytes *s)
{
	union {
		const uint8_t *p;
		void *owned;
	} u = {s->p};

	free(u.owned);
}

void
detail_free(struct detail *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n_samples; i++)
		detail_free_sample(&d->samples[i]);
	free(d);
}

static bool
detail_has_sample(const struct detail *d, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < d->n_samples; i++)
		if (d->samples[i].len == len &&
		    memcmp(d->samples[i].p, p, len) == 0)
			return true;
	return d->n_samples == DETAIL_SAMPLES;
}

static int
detail_add_sample(struct detail *d, const uint8_t *p, size_t len)
{
	uint8_t *copy;

	if (len > ANALYSIS_TRIGGER)
		len = ANALYSIS_TRIGGER;
	if (detail_has_sample(d, p, len))
		return 0;
	copy = malloc(len);
	if (copy == NULL)
		return -1;
	memcpy(copy, p, len);
	d->samples[d->n_samples].p = copy;
	d->samples[d->n_samples++].len = len;
	return 0;
}

static void
detail_add_tally(struct detail *d, const struct tally *t)
{
	for (size_t i = 0; i < d->n_tallies; i++)
		if (d->tallies[i].id == t->id) {
			d->tallies[i].drew += t->drew;
			d->tallies[i].whole += t->whole;
			return;
		}
	if (d->n_tallies == DETAIL_TALLIES)
		d->others += t->drew;
	else
		d->tallies[d->n_tallies++] = *t;
}

static void
detail_add_place(struct detail *d, const struct rst_candidate *c)
{
	for (size_t i = 0; i < d->n_places; i++)
		if (d->places[i].hop == c->hop &&
		    d->places[i].place == c->place) {
			d->places[i].probability += c->probability;
			return;
		}
	if (d->n_places < DETAIL_PLACES)
		d->places[d->n_places++] = *c;
}

int
detail_add(struct detail *d, const struct flow_reset *r,
    const struct rst_verdict *v, const struct passed *passed, bool fresh)
{
	struct tally t = {.drew = 1};

	d->resets++;
	d->placed += v->n_candidates > 0;
	for (size_t i = 0; i < v->n_candidates; i++)
		detail_add_place(d, &v->candidates[i]);
	/* Toward the server there is only what the server sent before. */
	if (!fresh || !r->to_client || r->payload_len == 0)
		return 0;
	trigger_parse(r->payload, r->payload_len, r->trigger.len, &t.trigger);
	t.id = passed_id(passed, &r->server, &t.trigger, r->payload,
	    r->payload_len, r->trigger.len);
	t.whole = r->trigger.ttl > PASSED_PROBE_TTL;
	detail_add_tally(d, &t);
	return detail_add_sample(d, r->payload, r->payload_len);
}

void
detail_merge(struct detail *d, struct detail *from)
{
	for (size_t i = 0; i < from->n_tallies; i++)
		detail_add_tally(d, &from->tallies[i]);
	d->resets += from->resets;
	d->placed += from->placed;
	d->others += from->others;
	for (size_t i = 0; i < from->n_places; i++)
		detail_add_place(d, &from->places[i]);
	for (size_t i = 0; i < from->n_samples; i++) {
		struct trigger_bytes *s = &from->samples[i];

		if (detail_has_sample(d, s->p, s->len))
			detail_free_sample(s);
		else
			d->samples[d->n_samples++] = *s;
	}
	from->n_samples = 0;
}

static void
detail_set_rate(struct analysis_trigger *t)
{
	uint64_t n = t->drew + t->unharmed;

	t->rate = (double)t->drew / (double)n;
	stats_wilson_packets(t->drew, n, &t->rate_lo, &t->rate_hi);
}

static void
detail_finish_tally(const struct detail *d, const struct passed *passed,
    struct analysis_group *g)
{
	struct analysis_trigger *t = &g->trigger;
	const struct tally *top = NULL;
	const char *name;
	uint64_t all;

	t->others = d->others;
	for (size_t i = 0; i < d->n_tallies; i++) {
		t->others += d->tallies[i].drew;
		if (top == NULL || d->tallies[i].drew > top->drew)
			top = &d->tallies[i];
	}
	if (top == NULL)
		return;
	t->others -= top->drew;
	t->drew = top->drew;
	name = trigger_protocol_name(top->trigger.protocol);
	if (name != NULL)
		memcpy(t->protocol, name, strlen(name) + 1);
	memcpy(t->command, top->trigger.command, sizeof(t->command));
	memcpy(t->key, top->trigger.key, sizeof(t->key));
	/* Fewer where it began nothing, or the table was full. */
	all = passed_count(passed, top->id);
	if (top->whole == 0 || all < top->whole)
		return;
	t->drew = top->whole; /* for the rate to be what it says */
	t->unharmed = all - t->drew;
	detail_set_rate(t);
}

static int
detail_finish_common(const struct detail *d, struct analysis_group *g)
{
	const uint8_t *at;
	size_t n = trigger_common(d->samples, d->n_samples, &at);

	if (n < DETAIL_COMMON_MIN)
		return 0;
	g->trigger.common = malloc(n);
	if (g->trigger.common == NULL)
		return -1;
	memcpy(g->trigger.common, at, n);
	g->trigger.common_len = n;
	return 0;
}

static int
detail_by_probability(const void *a, const void *b)
{
	double x = ((const struct rst_candidate *)a)->probability;
	double y = ((const struct rst_candidate *)b)->probability;

	return x < y ? 1 : x > y ? -1 : 0;
}

/*
 * The mean over the resets: what misleads one of them misleads them all.
 * Nothing where most of them can't be placed, as where TTLs wander: the first
 * of such resets were only judged before that was known.
 */
static void
detail_finish_places(struct detail *d, struct analysis_group *g)
{
	double sum = 0;

	qsort(d->places, d->n_places, sizeof(d->places[0]),
	    detail_by_probability);
	for (size_t i = 0; i < d->n_places; i++)
		sum += d->places[i].probability;
	for (size_t i = 0;
	     i < d->n_places && i < RST_CANDIDATES && 2 * d->placed > d->resets;
	     i++) {
		g->candidates[i] = d->places[i];
		g->candidates[i].probability /= sum;
		g->n_candidates = i + 1;
	}
}

int
detail_finish(struct detail *d, const struct passed *passed, bool common,
    struct analysis_group *g)
{
	detail_finish_tally(d, passed, g);
	detail_finish_places(d, g);
	return common ? detail_finish_common(d, g) : 0;
}
