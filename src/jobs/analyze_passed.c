/*
 * How often each kind of client data went by.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze_int.h"

#define PASSED_MAX   65536
#define PASSED_BYTES 64 /* that tell unknown data apart */
#define PASSED_LOOKS 32 /* places that are tried */

struct passed_row {
	uint64_t id; /* 0: free */
	uint64_t n;
};

struct passed {
	uint64_t seed;
	size_t mask;
	struct passed_row *rows;
};

/* Multiply and fold: the high half of the product holds what was mixed. */
static uint64_t
mix(uint64_t h, uint64_t v)
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
		h = mix(h, v);
	}
	v = n;
	if (n > 0)
		memcpy(&v, p, n);
	return mix(mix(h, v), n);
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
	p->rows = calloc(n, sizeof(*p->rows));
	if (p->rows == NULL) {
		free(p);
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
	free(p->rows);
	free(p);
}

uint64_t
passed_id(const struct passed *p, const struct endpoint *server,
    const struct trigger *t, const uint8_t *data, size_t len, uint32_t sent)
{
	uint64_t h = mix(p->seed, (uint64_t)t->protocol << 16 | server->port);

	h = analyze_hash(h, server->addr.b, sizeof(server->addr.b));
	if (t->protocol != TRIGGER_UNKNOWN) {
		h = analyze_hash(h, t->command, strlen(t->command));
		h = analyze_hash(h, t->key, strlen(t->key));
	} else {
		if (len > PASSED_BYTES)
			len = PASSED_BYTES;
		h = mix(analyze_hash(h, data, len), sent);
	}
	return h != 0 ? h : 1;
}

/* Its row, or a free one, or NULL. */
static struct passed_row *
find(const struct passed *p, uint64_t id)
{
	for (size_t i = 0; i < PASSED_LOOKS; i++) {
		struct passed_row *r = &p->rows[(id + i) & p->mask];

		if (r->id == id || r->id == 0)
			return r;
	}
	return NULL;
}

void
passed_see(struct passed *p, uint64_t id)
{
	struct passed_row *r = find(p, id);

	if (r == NULL)
		return;
	r->id = id;
	r->n++;
}

uint64_t
passed_count(const struct passed *p, uint64_t id)
{
	const struct passed_row *r = find(p, id);

	return r != NULL ? r->n : 0;
}
