/*
 * Packets one behind the other in a buffer that begins anew at its end.  A
 * place is told by how many bytes had been written before it: it has been
 * overwritten once more than the buffer's size followed.
 */
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/pkt.h>
#include <rsthop/ring.h>

#define RING_CHAINS 65536 /* a power of two */

struct ring_entry {
	uint64_t older; /* the one before it in its chain, plus 1; 0: none */
	struct endpoint a, b;
	struct capture_packet packet; /* its data follows */
	bool taken;
};

struct ring {
	uint64_t seed;
	uint64_t end; /* bytes written so far, those skipped too */
	size_t size;
	uint8_t *buf;
	/*
	 * The newest of each, plus 1.  No index of hash.h: what is overwritten
	 * is forgotten without being looked for.
	 */
	uint64_t chains[RING_CHAINS];
};

int
ring_new(size_t bytes, uint64_t seed, struct ring **out, struct fault *f)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (bytes < RING_MIN)
		bytes = RING_MIN;
	if (r != NULL) {
		r->seed = seed;
		r->size = bytes / alignof(max_align_t) * alignof(max_align_t);
		r->buf = malloc(r->size);
	}
	if (r == NULL || r->buf == NULL) {
		ring_free(r);
		return fault(f, FAULT_SYSTEM,
		    "no memory for a ring of %zu bytes: make it smaller",
		    bytes);
	}
	*out = r;
	return 0;
}

void
ring_free(struct ring *r)
{
	if (r == NULL)
		return;
	free(r->buf);
	free(r);
}

/* The same both ways. */
static uint64_t *
ring_chain(struct ring *r, const struct endpoint *a, const struct endpoint *b)
{
	uint64_t h = endpoint_hash(r->seed, a) + endpoint_hash(r->seed, b);

	return &r->chains[h & (RING_CHAINS - 1)];
}

static struct ring_entry *
ring_at(const struct ring *r, uint64_t place)
{
	void *p = r->buf + place % r->size;

	return p;
}

/* Not yet overwritten? */
static bool
ring_has(const struct ring *r, uint64_t link)
{
	return link != 0 && r->end <= link - 1 + r->size;
}

/* Whose connection it belongs to, by itself or by what it quotes. */
static bool
ring_find_ends(
    const struct capture_packet *cp, struct endpoint *a, struct endpoint *b)
{
	struct pkt p;

	pkt_decode(cp->link, cp->data, cp->len, cp->wire_len, &p);
	if ((p.has & PKT_HAS_TCP) != 0) {
		*a = (struct endpoint){p.ip.src, p.tcp.sport};
		*b = (struct endpoint){p.ip.dst, p.tcp.dport};
		return true;
	}
	if ((p.has & PKT_HAS_QUOTE) == 0 || !p.quote.has_ports ||
	    p.quote.ip.proto != PKT_PROTO_TCP)
		return false;
	*a = (struct endpoint){p.quote.ip.src, p.quote.sport};
	*b = (struct endpoint){p.quote.ip.dst, p.quote.dport};
	return true;
}

/* Room for n bytes in one piece. */
static uint64_t
ring_reserve(struct ring *r, size_t n)
{
	size_t left = r->size - (size_t)(r->end % r->size);
	uint64_t place;

	if (left < n)
		r->end += left;
	place = r->end;
	r->end += n;
	return place;
}

void
ring_add(struct ring *r, const struct capture_packet *p)
{
	const size_t unit = alignof(max_align_t);
	size_t n = (sizeof(struct ring_entry) + p->len + unit - 1) / unit;
	struct endpoint a, b;
	struct ring_entry *e;
	uint64_t *chain, place;

	n *= unit;
	if (n > r->size / 8 || !ring_find_ends(p, &a, &b))
		return;
	chain = ring_chain(r, &a, &b);
	place = ring_reserve(r, n);
	e = ring_at(r, place);
	*e = (struct ring_entry){.older = *chain, .a = a, .b = b, .packet = *p};
	if (p->len > 0)
		memcpy(e + 1, p->data, p->len);
	*chain = place + 1;
}

static bool
ring_is_of(const struct ring_entry *e, const struct endpoint *a,
    const struct endpoint *b)
{
	return (endpoint_equal(&e->a, a) && endpoint_equal(&e->b, b)) ||
	    (endpoint_equal(&e->a, b) && endpoint_equal(&e->b, a));
}

int
ring_take(struct ring *r, const struct endpoint *a, const struct endpoint *b,
    void *ctx,
    int (*take)(void *ctx, const struct capture_packet *p, struct fault *f),
    struct fault *f)
{
	struct ring_entry *found[RING_TAKEN];
	uint64_t link = *ring_chain(r, a, b);
	size_t n = 0;

	for (; ring_has(r, link) && n < RING_TAKEN;
	     link = ring_at(r, link - 1)->older) {
		struct ring_entry *e = ring_at(r, link - 1);

		if (!e->taken && ring_is_of(e, a, b))
			found[n++] = e;
	}
	while (n-- > 0) {
		struct capture_packet p = found[n]->packet;

		p.data = (const uint8_t *)(found[n] + 1);
		found[n]->taken = true;
		if (take(ctx, &p, f) != 0)
			return -1;
	}
	return 0;
}
