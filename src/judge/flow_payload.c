/*
 * Room for the payloads that are remembered: blocks of whole units, cut from
 * large chunks and handed round by their size.  All of it is bounded, what is
 * lost between the blocks included; malloc bounds only what it is asked for,
 * and a capture's hundred thousand blocks kept it busy for longer than their
 * bytes took to copy.
 */
#include <stdlib.h>
#include <string.h>

#include "flow_int.h"

#define PAYLOAD_CHUNK_UNITS (FLOW_CHUNK / PAYLOAD_UNIT)
#define PAYLOAD_UNITS_MAX   (FLOW_PAYLOAD / PAYLOAD_UNIT)

struct payload_pool {
	size_t max;  /* units that there may be */
	size_t cut;  /* ... and are, in use or free */
	size_t used; /* of them */
	size_t n_chunks;
	uint8_t **chunks; /* room for all that max allows */
	size_t at;	  /* units cut from the last of them */
	/* Free blocks by their units; each begins with the next one's place. */
	uint8_t *free[PAYLOAD_UNITS_MAX + 1];
};

int
payload_pool_new(size_t bytes, struct payload_pool **out, struct fault *f)
{
	struct payload_pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	p->max = bytes / PAYLOAD_UNIT;
	/* What a chunk's end is too short for counts as cut, so these do. */
	p->chunks =
	    calloc(p->max / PAYLOAD_CHUNK_UNITS + 1, sizeof(p->chunks[0]));
	if (p->chunks == NULL) {
		free(p);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	*out = p;
	return 0;
}

void
payload_pool_clear(struct payload_pool *p)
{
	for (size_t i = 0; i < p->n_chunks; i++)
		free(p->chunks[i]);
	memset(p->free, 0, sizeof(p->free));
	p->n_chunks = p->cut = p->used = p->at = 0;
}

void
payload_pool_free(struct payload_pool *p)
{
	if (p == NULL)
		return;
	payload_pool_clear(p);
	free(p->chunks);
	free(p);
}

size_t
payload_pool_used(const struct payload_pool *p)
{
	return p->used * PAYLOAD_UNIT;
}

static void
payload_put(struct payload_pool *p, uint8_t *block, size_t units)
{
	memcpy(block, &p->free[units], sizeof(p->free[units]));
	p->free[units] = block;
}

static uint8_t *
payload_pop(struct payload_pool *p, size_t units)
{
	uint8_t *block = p->free[units];

	if (block != NULL)
		memcpy(&p->free[units], block, sizeof(p->free[units]));
	return block;
}

static bool
payload_add_chunk(struct payload_pool *p)
{
	uint8_t *chunk = flow_chunk_new();

	if (chunk == NULL)
		return false;
	p->chunks[p->n_chunks++] = chunk;
	p->at = 0;
	return true;
}

/* A new block, from the last chunk or one more; NULL: no room for it. */
static uint8_t *
payload_cut(struct payload_pool *p, size_t units)
{
	size_t left = p->n_chunks > 0 ? PAYLOAD_CHUNK_UNITS - p->at : 0;
	uint8_t *block;

	/* The end of a chunk is a block too. */
	if (left > 0 && left < units && p->cut + left <= p->max) {
		payload_put(
		    p, p->chunks[p->n_chunks - 1] + p->at * PAYLOAD_UNIT, left);
		p->cut += left;
		p->at = PAYLOAD_CHUNK_UNITS;
		left = 0;
	}
	if (p->cut + units > p->max)
		return NULL;
	if (left == 0 && !payload_add_chunk(p))
		return NULL;
	block = p->chunks[p->n_chunks - 1] + p->at * PAYLOAD_UNIT;
	p->at += units;
	p->cut += units;
	return block;
}

uint8_t *
payload_pool_take(struct payload_pool *p, size_t *units)
{
	size_t n = *units;
	uint8_t *block = payload_pop(p, n);

	if (block == NULL)
		block = payload_cut(p, n);
	/* Where all is cut, a larger one that is free will do. */
	while (block == NULL && ++n <= PAYLOAD_UNITS_MAX)
		block = payload_pop(p, n);
	if (block == NULL)
		return NULL;
	*units = n;
	p->used += n;
	return block;
}

void
payload_pool_give(struct payload_pool *p, uint8_t *block, size_t units)
{
	if (block == NULL)
		return;
	payload_put(p, block, units);
	p->used -= units;
}
