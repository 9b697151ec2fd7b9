/*
 * The connections of a capture by their endpoints.
 *
 * An open table of 8-byte slots (tag, place), probed in line, over nodes that
 * stand in chunks and never move.  A lookup touches one line of slots and
 * then the node itself; uthash walks a chain of nodes instead, a cache miss
 * each, and adds 56 bytes to every one.  Other tables use <rsthop/hash.h>; this
 * one is read for every packet, which pays for its own code.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rsthop/vec.h>

#include "flow_int.h"

#define NODES_CHUNK	     (FLOW_CHUNK / sizeof(struct node))
#define NODES_SLOTS_AT_FIRST 1024
#define NODES_VICTIMS	     16 /* that are looked at for the best to give up */

struct slot {
	uint32_t tag;
	uint32_t place; /* + 1; 0: free */
};

struct node_table {
	uint32_t max;
	uint32_t n;	 /* in use */
	uint32_t places; /* that were ever used */
	uint32_t room;	 /* that exist */
	uint32_t free;	 /* first that was used and is not, FLOW_NONE */
	uint32_t hand;
	uint32_t mask; /* slots - 1 */
	uint64_t seed;
	struct slot *slots;
	struct node **chunks;
	size_t chunks_cap;
};

int
node_table_new(
    uint32_t max, uint64_t seed, struct node_table **out, struct fault *f)
{
	struct node_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	t->max = max;
	t->seed = seed;
	t->free = FLOW_NONE;
	t->mask = NODES_SLOTS_AT_FIRST - 1;
	t->slots = calloc(NODES_SLOTS_AT_FIRST, sizeof(*t->slots));
	if (t->slots == NULL) {
		free(t);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	*out = t;
	return 0;
}

void
node_table_free(struct node_table *t)
{
	if (t == NULL)
		return;
	for (uint32_t i = 0; i < t->room / NODES_CHUNK; i++)
		free(t->chunks[i]);
	free(t->chunks);
	free(t->slots);
	free(t);
}

/* Multiply and fold: each bit of the input reaches all of the output. */
static uint64_t
nodes_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static uint64_t
nodes_hash_end(const struct endpoint *e, uint64_t seed)
{
	uint64_t w[2];

	memcpy(w, e->addr.b, sizeof(w));
	w[0] = nodes_mix(w[0] ^ seed, UINT64_C(0x9e3779b97f4a7c15) + e->port);
	return e->addr.version == 4
	    ? w[0]
	    : nodes_mix(w[0] ^ w[1], UINT64_C(0xd6e8feb86659fd93) ^ seed);
}

uint64_t
node_hash(const struct node_table *t, const struct flow_ends *e)
{
	return nodes_mix(
	    nodes_hash_end(&e->e[0], t->seed) ^ UINT64_C(0xa0761d6478bd642f),
	    nodes_hash_end(&e->e[1], t->seed ^ UINT64_C(0xe7037ed1a0b428db)) |
		1);
}

struct node *
node_at(struct node_table *t, uint32_t at)
{
	struct node *n = &t->chunks[at / NODES_CHUNK][at % NODES_CHUNK];

	return n->used ? n : NULL;
}

uint32_t
node_places(const struct node_table *t)
{
	return t->places;
}

uint32_t
node_count(const struct node_table *t)
{
	return t->n;
}

static bool
nodes_same_end(const struct endpoint *a, const struct endpoint *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a->addr.b, sizeof(x));
	memcpy(y, b->addr.b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0 && a->port == b->port &&
	    a->addr.version == b->addr.version;
}

/* A packet touches these all; fetched at once, they cost one wait, not five. */
static void
nodes_fetch(const struct node *n, int side)
{
	__builtin_prefetch(n, 1);
	__builtin_prefetch(&n->half[side], 1);
	__builtin_prefetch(&n->half[side].last, 1);
	__builtin_prefetch(&n->half[side].payload, 1);
	__builtin_prefetch(&n->half[!side], 1);
}

void
node_expect(const struct node_table *t, uint64_t hash)
{
	__builtin_prefetch(&t->slots[(uint32_t)hash & t->mask]);
}

/* Its tag will do: a node too many is fetched once in four billion times. */
void
node_expect_soon(const struct node_table *t, uint64_t hash, int side)
{
	uint32_t tag = (uint32_t)hash;
	uint32_t i = tag & t->mask;

	for (; t->slots[i].place != 0; i = (i + 1) & t->mask)
		if (t->slots[i].tag == tag) {
			nodes_fetch(
			    &t->chunks[(t->slots[i].place - 1) / NODES_CHUNK]
				      [(t->slots[i].place - 1) % NODES_CHUNK],
			    side);
			return;
		}
}

struct node *
node_find(
    struct node_table *t, const struct flow_ends *e, uint64_t hash, int side)
{
	uint32_t tag = (uint32_t)hash;
	uint32_t i = tag & t->mask;
	struct node *n;

	for (; t->slots[i].place != 0; i = (i + 1) & t->mask) {
		if (t->slots[i].tag != tag)
			continue;
		n = &t->chunks[(t->slots[i].place - 1) / NODES_CHUNK]
			      [(t->slots[i].place - 1) % NODES_CHUNK];
		nodes_fetch(n, side);
		if (nodes_same_end(&n->ends.e[0], &e->e[0]) &&
		    nodes_same_end(&n->ends.e[1], &e->e[1]))
			return n;
	}
	return NULL;
}

static void
nodes_put_slot(struct slot *slots, uint32_t mask, uint32_t tag, uint32_t place)
{
	uint32_t i = tag & mask;

	while (slots[i].place != 0)
		i = (i + 1) & mask;
	slots[i].tag = tag;
	slots[i].place = place + 1;
}

/* The tags alone say where a slot goes: no node is touched. */
static bool
nodes_grow_slots(struct node_table *t)
{
	uint32_t mask = 2 * t->mask + 1;
	struct slot *slots = calloc((size_t)mask + 1, sizeof(*slots));

	if (slots == NULL)
		return false;
	for (uint32_t i = 0; i <= t->mask; i++)
		if (t->slots[i].place != 0)
			nodes_put_slot(slots, mask, t->slots[i].tag,
			    t->slots[i].place - 1);
	free(t->slots);
	t->slots = slots;
	t->mask = mask;
	return true;
}

void *
flow_chunk_new(void)
{
	void *p = aligned_alloc(FLOW_CHUNK, FLOW_CHUNK);

	/* Only a wish; without it each look costs a walk of page tables. */
	if (p != NULL)
		(void)madvise(p, FLOW_CHUNK, MADV_HUGEPAGE);
	return p;
}

static bool
nodes_grow(struct node_table *t)
{
	size_t n = t->room / NODES_CHUNK;

	if (VEC_ROOM(t->chunks, n, t->chunks_cap) != 0)
		return false;
	t->chunks[n] = flow_chunk_new();
	if (t->chunks[n] == NULL)
		return false;
	t->room += NODES_CHUNK;
	return true;
}

/* The place of an unused node; FLOW_NONE where there is no memory for one. */
static uint32_t
nodes_take_place(struct node_table *t)
{
	uint32_t place = t->free;

	if (place != FLOW_NONE) {
		t->free = t->chunks[place / NODES_CHUNK][place % NODES_CHUNK]
			      .next_free;
		return place;
	}
	if (t->places == t->room && !nodes_grow(t))
		return FLOW_NONE;
	return t->places++;
}

struct node *
node_add(struct node_table *t, const struct flow_ends *e, uint64_t hash)
{
	struct node *n;
	uint32_t place;

	if (t->n >= t->max)
		return NULL;
	if (t->n >= t->mask / 2 + 1 && !nodes_grow_slots(t) && t->n >= t->mask)
		return NULL;
	place = nodes_take_place(t);
	if (place == FLOW_NONE)
		return NULL;
	n = &t->chunks[place / NODES_CHUNK][place % NODES_CHUNK];
	memset(n, 0, sizeof(*n));
	n->ends = *e;
	n->place = place;
	n->used = true;
	nodes_put_slot(t->slots, t->mask, (uint32_t)hash, place);
	t->n++;
	return n;
}

/*
 * Those behind the gap that may stand nearer to their own place are moved up,
 * so that no mark of a removed one is ever needed.
 */
static void
nodes_close_gap(struct node_table *t, uint32_t gap)
{
	for (uint32_t i = (gap + 1) & t->mask; t->slots[i].place != 0;
	     i = (i + 1) & t->mask) {
		uint32_t home = t->slots[i].tag & t->mask;

		if (((i - home) & t->mask) < ((i - gap) & t->mask))
			continue;
		t->slots[gap] = t->slots[i];
		gap = i;
	}
	t->slots[gap].place = 0;
}

void
node_remove(struct node_table *t, struct node *n)
{
	uint32_t i = (uint32_t)node_hash(t, &n->ends) & t->mask;

	while (t->slots[i].place != n->place + 1)
		i = (i + 1) & t->mask;
	nodes_close_gap(t, i);
	n->used = false;
	n->next_free = t->free;
	t->free = n->place;
	t->n--;
}

void
node_clear(struct node_table *t)
{
	memset(t->slots, 0, ((size_t)t->mask + 1) * sizeof(*t->slots));
	t->n = t->places = t->hand = 0;
	t->free = FLOW_NONE;
}

struct node *
node_sweep(struct node_table *t)
{
	uint32_t at;

	if (t->places == 0)
		return NULL;
	at = t->hand;
	if (++t->hand >= t->places)
		t->hand = 0;
	__builtin_prefetch(&t->chunks[t->hand / NODES_CHUNK][t->hand %
	    NODES_CHUNK]); /* the next time's */
	return node_at(t, at);
}

static bool
nodes_is_over(const struct node *n)
{
	uint32_t both = n->half[0].seen & n->half[1].seen;
	uint32_t any = n->half[0].seen | n->half[1].seen;

	return (both & FLOW_SEEN_FIN) != 0 || (any & FLOW_SEEN_RST) != 0;
}

struct node *
node_victim(struct node_table *t)
{
	struct node *best = NULL;

	for (unsigned int i = 0; i < NODES_VICTIMS; i++) {
		struct node *n = node_sweep(t);

		if (n == NULL)
			continue;
		if (best == NULL || nodes_is_over(n) > nodes_is_over(best) ||
		    (nodes_is_over(n) == nodes_is_over(best) &&
			n->seen_ns < best->seen_ns))
			best = n;
	}
	return best;
}
