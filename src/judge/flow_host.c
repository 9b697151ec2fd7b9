/*
 * What is known of an address as a sender, over all its connections: stacks
 * with one counter of IP IDs for all of them, and the TTL with which a server
 * arrives that refuses this very connection.
 *
 * Nothing is ever taken out.  Where there is no room, new addresses go
 * unknown.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/hash.h>
#include <rsthop/vec.h>

#include "flow_int.h"

struct host_table {
	uint32_t max;
	uint32_t n;
	size_t cap;
	struct host *hosts;
	uint64_t seed;
	struct hash_index by_addr;
};

int
host_table_new(
    uint32_t max, uint64_t seed, struct host_table **out, struct fault *f)
{
	struct host_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	t->max = max;
	t->seed = seed;
	*out = t;
	return 0;
}

void
host_table_free(struct host_table *t)
{
	if (t == NULL)
		return;
	hash_index_free(&t->by_addr);
	free(t->hosts);
	free(t);
}

static uint32_t
host_find(const struct host_table *t, const struct addr *a, uint64_t hash)
{
	uint32_t at = 0, i;

	while ((i = hash_index_next(&t->by_addr, hash, &at)) != HASH_NONE)
		if (addr_equal(&t->hosts[i].addr, a))
			return i;
	return FLOW_NONE;
}

static uint32_t
host_add(struct host_table *t, const struct addr *a, uint64_t hash)
{
	if (t->n >= t->max || VEC_ROOM(t->hosts, t->n, t->cap) != 0 ||
	    hash_index_add(&t->by_addr, hash, t->n) != 0)
		return FLOW_NONE;
	memset(&t->hosts[t->n], 0, sizeof(t->hosts[t->n]));
	t->hosts[t->n].addr = *a;
	return t->n++;
}

uint32_t
host_table_get(struct host_table *t, const struct addr *a)
{
	uint64_t hash = addr_hash(t->seed, a);
	uint32_t i = host_find(t, a, hash);

	if (i == FLOW_NONE)
		i = host_add(t, a, hash);
	if (i != FLOW_NONE)
		t->hosts[i].flows++;
	return i;
}

void
host_table_hint(const struct host_table *t, uint32_t at)
{
	if (at != FLOW_NONE)
		__builtin_prefetch(&t->hosts[at], 1);
}

void
host_table_see(struct host_table *t, uint32_t at, const struct flow_seen *s)
{
	const struct pkt *p = s->pkt;
	struct host *h;

	if (at == FLOW_NONE)
		return;
	h = &t->hosts[at];
	h->packets++;
	ttl_tally_add(&h->ttl, p->ip.ttl);
	if (p->ip.has_id && p->ip.version == 4 && p->ip.id != 0) {
		id_run_add(&h->run, p->ip.id);
		h->id_ns = s->unix_ns;
	}
	if ((p->has & PKT_HAS_MAC) == 0)
		return;
	if (!h->has_mac)
		memcpy(h->mac, p->mac_src, ADDR_MAC);
	else if (memcmp(h->mac, p->mac_src, ADDR_MAC) != 0)
		h->other_mac = true;
	h->has_mac = true;
}

void
host_table_see_rtt(struct host_table *t, uint32_t at, int64_t rtt_ns)
{
	struct host *h;

	if (at == FLOW_NONE || rtt_ns <= 0)
		return;
	h = &t->hosts[at];
	if (h->rtt_min_ns == 0 || rtt_ns < h->rtt_min_ns)
		h->rtt_min_ns = rtt_ns;
}

static uint32_t
host_tally_of(const struct ttl_tally *t, uint8_t ttl)
{
	for (unsigned int i = 0; i < t->n; i++)
		if (t->ttl[i] == ttl)
			return t->packets[i];
	return 0;
}

/* Of so many packets of a connection, those that the host was told of. */
static uint32_t
host_told(uint32_t n)
{
	return n <= HOST_FIRST ? n : HOST_FIRST + n / HOST_EVERY - 1;
}

/* What the tally holds without the connection's own. */
static void
host_subtract(const struct ttl_tally *all, const struct ttl_tally *own,
    struct ttl_tally *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned int i = 0; i < all->n; i++) {
		uint32_t n = host_told(host_tally_of(own, all->ttl[i]));

		if (n >= all->packets[i])
			continue;
		out->ttl[out->n] = all->ttl[i];
		out->packets[out->n++] = all->packets[i] - n;
	}
	out->others = all->others;
}

void
host_table_report(const struct host_table *t, uint32_t at, const struct half *h,
    struct flow_host *out)
{
	const struct host *a;
	struct ttl_tally rest;
	uint32_t own = host_told(h->packets);

	memset(out, 0, sizeof(*out));
	if (at == FLOW_NONE)
		return;
	a = &t->hosts[at];
	host_subtract(&a->ttl, &h->ttl, &rest);
	ttl_tally_report(&rest, out->ttls, &out->n_ttls, &out->ttl_others);
	out->packets = a->packets > own ? a->packets - own : 0;
	out->flows = a->flows > 0 ? a->flows - 1 : 0;
	out->rtt_min_ns = a->rtt_min_ns;
	out->has_id = id_run_packets(&a->run) > 0;
	out->id = a->run.last;
	out->id_unix_ns = a->id_ns;
	out->id_kind = id_run_kind(&a->run);
	memcpy(out->mac, a->mac, ADDR_MAC);
	out->has_mac = a->has_mac;
	out->other_mac = a->other_mac;
}
