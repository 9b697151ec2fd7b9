/*
 * How often each kind of client data went by.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/hash.h>
#include <rsthop/passed.h>
#include <rsthop/vec.h>

#define PASSED_MAX   65536
#define PASSED_BYTES 64 /* that tell unknown data apart */

struct passed_kind {
	uint64_t id;
	uint64_t n;
};

struct passed {
	uint64_t seed;
	size_t max;
	size_t n, cap;
	struct passed_kind *kinds; /* owned */
	struct hash_index by_id;
	uint64_t waiting; /* seen last, to be counted; 0: none */
};

int
passed_new(size_t max, uint64_t seed, struct passed **out, struct fault *f)
{
	struct passed *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	p->seed = seed;
	p->max = max != 0 ? max : PASSED_MAX;
	*out = p;
	return 0;
}

void
passed_free(struct passed *p)
{
	if (p == NULL)
		return;
	free(p->kinds);
	hash_index_free(&p->by_id);
	free(p);
}

uint64_t
passed_id(const struct passed *p, const struct endpoint *server,
    const struct trigger *t, const uint8_t *data, size_t len, uint32_t sent)
{
	uint64_t h = hash_u64(p->seed, (uint64_t)t->protocol);

	h = endpoint_hash(h, server);
	if (t->protocol != TRIGGER_UNKNOWN) {
		h = hash_bytes(h, t->command, strlen(t->command));
		h = hash_bytes(h, t->key, strlen(t->key));
	} else {
		if (len > PASSED_BYTES)
			len = PASSED_BYTES;
		h = hash_u64(hash_bytes(h, data, len), sent);
	}
	return h != 0 ? h : 1;
}

/* NULL: not in the table. */
static struct passed_kind *
passed_find(const struct passed *p, uint64_t id)
{
	uint32_t at = 0, i;

	while ((i = hash_index_next(&p->by_id, id, &at)) != HASH_NONE)
		if (p->kinds[i].id == id)
			return &p->kinds[i];
	return NULL;
}

/* Where there is no memory it is not counted either, as where it is full. */
static void
passed_add(struct passed *p, uint64_t id)
{
	if (p->n >= p->max || VEC_ROOM(p->kinds, p->n, p->cap) != 0 ||
	    hash_index_add(&p->by_id, id, (uint32_t)p->n) != 0)
		return;
	p->kinds[p->n++] = (struct passed_kind){.id = id, .n = 1};
}

/* Counted when the next one comes: the cache has its slot by then. */
void
passed_see(struct passed *p, uint64_t id)
{
	struct passed_kind *k =
	    p->waiting != 0 ? passed_find(p, p->waiting) : NULL;

	if (k != NULL)
		k->n++;
	else if (p->waiting != 0)
		passed_add(p, p->waiting);
	p->waiting = id;
	hash_index_expect(&p->by_id, id);
}

uint64_t
passed_count(const struct passed *p, uint64_t id)
{
	const struct passed_kind *k = passed_find(p, id);
	bool waits = p->waiting == id;

	if (k != NULL)
		return k->n + waits;
	return waits && p->n < p->max ? 1 : 0;
}
