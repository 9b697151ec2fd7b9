/*
 * What the resets of one sender to one receiver have in common.  One reset's TTL says
 * how far it came; a dozen that wander say that none of them does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rst_int.h"

#define SENDERS 8192 /* pairs that there is room for; others go unknown */
#define PROBES	8

struct sender {
	struct addr from, to;
	uint32_t seen[8]; /* TTLs, a bit each */
	uint8_t lo, hi, last;
	uint16_t distinct;
	uint16_t rising; /* times that it was the last one plus 1 */
};

struct rst_crowd {
	struct sender senders[SENDERS];
};

int
rst_crowd_new(struct rst_crowd **out, struct fault *f)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? 0 : fault(f, FAULT_SYSTEM, "out of memory");
}

void
rst_crowd_free(struct rst_crowd *c)
{
	free(c);
}

static const struct addr *
sender_of(const struct flow_reset *r)
{
	return r->to_client ? &r->server.addr : &r->client.addr;
}

static const struct addr *
receiver_of(const struct flow_reset *r)
{
	return r->to_client ? &r->client.addr : &r->server.addr;
}

static bool
is_host_ttl(const struct flow_host *h, uint8_t ttl)
{
	for (size_t i = 0; i < h->n_ttls; i++)
		if (h->ttls[i].ttl == ttl)
			return true;
	return false;
}

static uint64_t
mix(uint64_t h, const struct addr *a)
{
	uint64_t w[2];

	memcpy(w, a->b, sizeof(w));
	h = (h ^ w[0]) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ h >> 29 ^ w[1]) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

/* The pair's row, or an empty one; SENDERS where there is no room. */
static size_t
find(const struct rst_crowd *c, const struct flow_reset *r)
{
	const struct addr *from = sender_of(r), *to = receiver_of(r);
	uint64_t at = mix(mix(0, from), to);

	for (unsigned int i = 0; i < PROBES; i++) {
		size_t k = (at + i) % SENDERS;

		if (addr_is_none(&c->senders[k].from) ||
		    (addr_equal(&c->senders[k].from, from) &&
			addr_equal(&c->senders[k].to, to)))
			return k;
	}
	return SENDERS;
}

/* Only what is not the sender's own TTL: its genuine resets are no clue. */
void
rst_crowd_see(struct rst_crowd *c, const struct flow_reset *r)
{
	uint8_t ttl = r->mark.ttl;
	size_t at = find(c, r);
	struct sender *s;

	if (at == SENDERS || flow_side_sent_ttl(&r->sender, ttl) ||
	    is_host_ttl(&r->host, ttl))
		return;
	s = &c->senders[at];
	if (s->seen[ttl / 32] & UINT32_C(1) << ttl % 32) {
		s->last = ttl;
		return;
	}
	s->seen[ttl / 32] |= UINT32_C(1) << ttl % 32;
	s->lo = s->distinct == 0 || ttl < s->lo ? ttl : s->lo;
	s->hi = ttl > s->hi ? ttl : s->hi;
	if (s->distinct > 0 && ttl == s->last + 1)
		s->rising++;
	s->from = *sender_of(r);
	s->to = *receiver_of(r);
	s->last = ttl;
	s->distinct++;
}

bool
rst_crowd_wanders(const struct rst_crowd *c, const struct flow_reset *r,
    char *why, size_t size)
{
	const struct sender *s;
	size_t at;

	if (c == NULL)
		return false;
	at = find(c, r);
	if (at == SENDERS)
		return false;
	s = &c->senders[at];
	if (s->distinct < 3 || (s->hi - s->lo < 4 && s->rising < 2))
		return false;
	snprintf(why, size,
	    s->rising + 1U >= s->distinct
		? "its resets' TTLs are counted up, %u to %u"
		: "its resets' TTLs wander between %u and %u",
	    s->lo, s->hi);
	return true;
}
