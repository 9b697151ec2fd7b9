/*
 * Seeded hashes, and a table from hashes to the places of elements in an array
 * of the caller's.
 *
 * Keys come out of captures, so a sender may choose them.  A hash begins with
 * a seed that no sender knows; else one could choose keys that all share one
 * place.  This floor has no chance of its own: the seed is handed down.
 */
#ifndef RSTHOP_HASH_H
#define RSTHOP_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Each takes the hash so far, which is the seed at first. */
uint64_t hash_u64(uint64_t h, uint64_t v);
uint64_t hash_bytes(uint64_t h, const void *p, size_t n);

#define HASH_NONE UINT32_MAX

struct hash_slot {
	uint32_t tag;	/* low half of the hash */
	uint32_t value; /* plus 1; 0: the slot is free */
};

/*
 * All 0 is an empty one.  The elements stay with the caller, who compares
 * their keys: two different keys may share a hash.
 */
struct hash_index {
	struct hash_slot *slots; /* mask + 1 of them, owned */
	uint32_t mask;
	uint32_t n; /* slots in use */
};

void hash_index_free(struct hash_index *x);
/* value is below HASH_NONE.  -1 where there is no memory. */
int hash_index_add(struct hash_index *x, uint64_t hash, uint32_t value);
/*
 * The values that may belong to the hash, one a call, in the order they were
 * added while none is removed; HASH_NONE after the last.  *at begins at 0.
 */
uint32_t hash_index_next(
    const struct hash_index *x, uint64_t hash, uint32_t *at);
/* What is not there is left alone.  *at of a walk is void afterwards. */
void hash_index_remove(struct hash_index *x, uint64_t hash, uint32_t value);
/* Asks the processor ahead for what hash_index_next() will read. */
void hash_index_expect(const struct hash_index *x, uint64_t hash);

#endif
