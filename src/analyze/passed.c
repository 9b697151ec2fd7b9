/*
 * How often each kind of client data went by.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/passed.h>

#define PASSED_MAX   65536
#define PASSED_BYTES 64 /* that tell unknown data apart */
#define PASSED_LOOKS 32 /* places that are tried */
#define PASSED_LINE  8	/* of them in a line of the cache */

/*
 * The numbers stand apart from the ids: to find an id, or that there is no room
 * for it, only its few lines of ids are read.
 */
struct passed {
	uint64_t seed;
	size_t mask;
	uint64_t *ids; /* 0: free */
	uint64_t *n;
	uint64_t waiting; /* seen last, to be counted; 0: none */
};

/* Multiply and fold: the high half of the product holds what was mixed. */
static uint64_t
passed_mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

uint64_t
analyze_hash(uint64_t h, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t v;

	for (; n >= sizeof(v); n -= sizeof(v), p += sizeof(v)) {
		memcpy(&v, p, sizeof(v));
		h = passed_mix(h, v);
	}
	v = n;
	if (n > 0)
		memcpy(&v, p, n);
	return passed_mix(passed_mix(h, v), n);
}

int
passed_new(size_t max, uint64_t seed, struct passed **out, struct fault *f)
{
	struct passed *p = calloc(1, sizeof(*p));
	size_t n = 64;

	if (p == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	while (n < (max != 0 ? max : PASSED_MAX))
		n *= 2;
	p->seed = seed;
	p->mask = n - 1;
	p->ids = calloc(n, sizeof(*p->ids));
	p->n = calloc(n, sizeof(*p->n));
	if (p->ids == NULL || p->n == NULL) {
		passed_free(p);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	*out = p;
	return 0;
}

void
passed_free(struct passed *p)
{
	if (p == NULL)
		return;
	free(p->ids);
	free(p->n);
	free(p);
}

uint64_t
passed_id(const struct passed *p, const struct endpoint *server,
    const struct trigger *t, const uint8_t *data, size_t len, uint32_t sent)
{
	uint64_t h =
	    passed_mix(p->seed, (uint64_t)t->protocol << 16 | server->port);

	h = analyze_hash(h, server->addr.b, sizeof(server->addr.b));
	if (t->protocol != TRIGGER_UNKNOWN) {
		h = analyze_hash(h, t->command, strlen(t->command));
		h = analyze_hash(h, t->key, strlen(t->key));
	} else {
		if (len > PASSED_BYTES)
			len = PASSED_BYTES;
		h = passed_mix(analyze_hash(h, data, len), sent);
	}
	return h != 0 ? h : 1;
}

/* Where its places begin: with a line. */
static size_t
passed_home(const struct passed *p, uint64_t id)
{
	return id & p->mask & ~(size_t)(PASSED_LINE - 1);
}

/* Its place, or a free one, or -1. */
static ptrdiff_t
passed_find(const struct passed *p, uint64_t id)
{
	size_t at = passed_home(p, id);

	for (size_t i = 0; i < PASSED_LOOKS; i++, at = (at + 1) & p->mask)
		if (p->ids[at] == id || p->ids[at] == 0)
			return (ptrdiff_t)at;
	return -1;
}

/* Counted when the next one comes: the cache has its places by then. */
void
passed_see(struct passed *p, uint64_t id)
{
	ptrdiff_t at = p->waiting != 0 ? passed_find(p, p->waiting) : -1;

	if (at >= 0) {
		p->ids[at] = p->waiting;
		p->n[at]++;
	}
	p->waiting = id;
	for (uint64_t i = 0; i < PASSED_LOOKS; i += PASSED_LINE)
		__builtin_prefetch(&p->ids[passed_home(p, id + i)]);
}

uint64_t
passed_count(const struct passed *p, uint64_t id)
{
	ptrdiff_t at = passed_find(p, id);

	return at >= 0 ? p->n[at] + (p->waiting == id) : 0;
}
