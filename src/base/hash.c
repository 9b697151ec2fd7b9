/*
 * Hashes by multiplication, and an open table that is probed in line.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/hash.h>

#define HASH_SLOTS_AT_FIRST 64
#define HASH_SLOTS_MASK_MAX (UINT32_MAX / 2)

/*
 * Multiply and fold, as wyhash does (Wang Yi, 2019): each half of the product
 * holds what the other lacks.
 */
static uint64_t
hash_fold(uint64_t h, uint64_t v)
{
	__extension__ unsigned __int128 p =
	    (unsigned __int128)(h ^ v) * UINT64_C(0xa0761d6478bd642f);

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* Folded twice, or keys in a row would still stand in rows. */
uint64_t
hash_u64(uint64_t h, uint64_t v)
{
	return hash_fold(hash_fold(h, v), UINT64_C(0xe7037ed1a0b428db));
}

/* The length last, so that zeros at the end count too. */
uint64_t
hash_bytes(uint64_t h, const void *data, size_t n)
{
	const uint8_t *p = data;
	size_t left = n;
	uint64_t v;

	for (; left >= sizeof(v); left -= sizeof(v), p += sizeof(v)) {
		memcpy(&v, p, sizeof(v));
		h = hash_fold(h, v);
	}
	v = 0;
	if (left > 0)
		memcpy(&v, p, left);
	return hash_u64(hash_fold(h, v), n);
}

void
hash_index_free(struct hash_index *x)
{
	free(x->slots);
	memset(x, 0, sizeof(*x));
}

static void
hash_put(struct hash_index *x, struct hash_slot s)
{
	uint32_t i = s.tag & x->mask;

	while (x->slots[i].value != 0)
		i = (i + 1) & x->mask;
	x->slots[i] = s;
	x->n++;
}

/* Twice the slots.  The tags alone say where each goes. */
static int
hash_grow(struct hash_index *x)
{
	size_t slots =
	    x->slots == NULL ? HASH_SLOTS_AT_FIRST : 2 * ((size_t)x->mask + 1);
	struct hash_index more = {.mask = (uint32_t)(slots - 1)};

	if (more.mask > HASH_SLOTS_MASK_MAX)
		return -1;
	more.slots = calloc(slots, sizeof(*more.slots));
	if (more.slots == NULL)
		return -1;
	for (size_t i = 0; x->slots != NULL && i <= x->mask; i++)
		if (x->slots[i].value != 0)
			hash_put(&more, x->slots[i]);
	free(x->slots);
	*x = more;
	return 0;
}

/* Half of the slots stay free; where memory is short, one at least. */
int
hash_index_add(struct hash_index *x, uint64_t hash, uint32_t value)
{
	if (x->n >= x->mask / 2 && hash_grow(x) != 0 && x->n >= x->mask)
		return -1;
	hash_put(x, (struct hash_slot){(uint32_t)hash, value + 1});
	return 0;
}

uint32_t
hash_index_next(const struct hash_index *x, uint64_t hash, uint32_t *at)
{
	uint32_t tag = (uint32_t)hash;

	for (; x->slots != NULL; ++*at) {
		const struct hash_slot *s = &x->slots[(tag + *at) & x->mask];

		if (s->value == 0)
			break;
		if (s->tag == tag) {
			++*at;
			return s->value - 1;
		}
	}
	return HASH_NONE;
}

/*
 * Those behind the gap that may stand nearer to their own place are moved up,
 * so that no mark of a removed one is ever needed.
 */
static void
hash_close_gap(struct hash_index *x, uint32_t gap)
{
	for (uint32_t i = (gap + 1) & x->mask; x->slots[i].value != 0;
	     i = (i + 1) & x->mask) {
		uint32_t home = x->slots[i].tag & x->mask;

		if (((i - home) & x->mask) < ((i - gap) & x->mask))
			continue;
		x->slots[gap] = x->slots[i];
		gap = i;
	}
	x->slots[gap].value = 0;
}

void
hash_index_remove(struct hash_index *x, uint64_t hash, uint32_t value)
{
	uint32_t at = 0, v;

	while ((v = hash_index_next(x, hash, &at)) != HASH_NONE)
		if (v == value) {
			hash_close_gap(x, ((uint32_t)hash + at - 1) & x->mask);
			x->n--;
			return;
		}
}

void
hash_index_expect(const struct hash_index *x, uint64_t hash)
{
	if (x->slots != NULL)
		__builtin_prefetch(&x->slots[(uint32_t)hash & x->mask]);
}
