/*
 * What the resets of one sender to one receiver have in common.  One reset's
 * TTL says how far it came.  Where a dozen of them wander, none says that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/hash.h>
#include <rsthop/vec.h>

#include "rst_int.h"

#define CROWD_MAX 8192 /* pairs that are known; others go unknown */

struct crowd_pair {
	struct addr from, to;
	uint32_t seen[8]; /* TTLs, a bit each */
	uint8_t lo, hi, last;
	uint16_t distinct;
	uint16_t rising; /* times that it was the last one plus 1 */
};

struct rst_crowd {
	uint64_t seed;
	uint32_t n;
	size_t cap;
	struct crowd_pair *pairs;
	struct hash_index by_ends;
};

int
rst_crowd_new(uint64_t seed, struct rst_crowd **out, struct fault *f)
{
	struct rst_crowd *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	c->seed = seed;
	*out = c;
	return 0;
}

void
rst_crowd_free(struct rst_crowd *c)
{
	if (c == NULL)
		return;
	hash_index_free(&c->by_ends);
	free(c->pairs);
	free(c);
}

static const struct addr *
crowd_sender(const struct flow_reset *r)
{
	return r->to_client ? &r->server.addr : &r->client.addr;
}

static const struct addr *
crowd_receiver(const struct flow_reset *r)
{
	return r->to_client ? &r->client.addr : &r->server.addr;
}

static bool
crowd_is_host_ttl(const struct flow_host *h, uint8_t ttl)
{
	for (size_t i = 0; i < h->n_ttls; i++)
		if (h->ttls[i].ttl == ttl)
			return true;
	return false;
}

static uint64_t
crowd_hash(const struct rst_crowd *c, const struct flow_reset *r)
{
	return addr_hash(
	    addr_hash(c->seed, crowd_sender(r)), crowd_receiver(r));
}

/* The pair's index; HASH_NONE where it is not known. */
static uint32_t
crowd_find(const struct rst_crowd *c, const struct flow_reset *r)
{
	uint64_t hash = crowd_hash(c, r);
	uint32_t at = 0, i;

	while ((i = hash_index_next(&c->by_ends, hash, &at)) != HASH_NONE)
		if (addr_equal(&c->pairs[i].from, crowd_sender(r)) &&
		    addr_equal(&c->pairs[i].to, crowd_receiver(r)))
			break;
	return i;
}

/* The same of a new one; HASH_NONE where there is no room. */
static uint32_t
crowd_add(struct rst_crowd *c, const struct flow_reset *r)
{
	struct crowd_pair *p;

	if (c->n == CROWD_MAX || VEC_ROOM(c->pairs, c->n, c->cap) != 0 ||
	    hash_index_add(&c->by_ends, crowd_hash(c, r), c->n) != 0)
		return HASH_NONE;
	p = &c->pairs[c->n];
	memset(p, 0, sizeof(*p));
	p->from = *crowd_sender(r);
	p->to = *crowd_receiver(r);
	return c->n++;
}

static void
crowd_note(struct crowd_pair *p, uint8_t ttl)
{
	uint32_t bit = UINT32_C(1) << ttl % 32;

	if ((p->seen[ttl / 32] & bit) == 0) {
		p->seen[ttl / 32] |= bit;
		p->lo = p->distinct == 0 || ttl < p->lo ? ttl : p->lo;
		p->hi = ttl > p->hi ? ttl : p->hi;
		if (p->distinct > 0 && ttl == p->last + 1)
			p->rising++;
		p->distinct++;
	}
	p->last = ttl;
}

/* Only what is not the sender's own TTL: its genuine resets are no clue. */
void
rst_crowd_see(struct rst_crowd *c, const struct flow_reset *r)
{
	uint8_t ttl = r->mark.ttl;
	uint32_t i;

	if (flow_side_sent_ttl(&r->sender, ttl) ||
	    crowd_is_host_ttl(&r->host, ttl))
		return;
	i = crowd_find(c, r);
	if (i == HASH_NONE)
		i = crowd_add(c, r);
	if (i != HASH_NONE)
		crowd_note(&c->pairs[i], ttl);
}

bool
rst_crowd_wanders(const struct rst_crowd *c, const struct flow_reset *r,
    char *why, size_t size)
{
	uint32_t i = c != NULL ? crowd_find(c, r) : HASH_NONE;
	const struct crowd_pair *p;

	if (i == HASH_NONE)
		return false;
	p = &c->pairs[i];
	if (p->distinct < 3 || (p->hi - p->lo < 4 && p->rising < 2))
		return false;
	snprintf(why, size,
	    p->rising + 1U >= p->distinct
		? "its resets' TTLs are counted up, %u to %u"
		: "its resets' TTLs wander between %u and %u",
	    p->lo, p->hi);
	return true;
}
