/*
 * A cursor over bytes from the wire that remembers failure, so that no check
 * can be forgotten: once a read has failed, this and every later one gives 0.
 *
 * A read can fail for two reasons, and they are kept apart.  The capture may
 * have ended before the packet did: the bytes were sent, but are not here.
 * Or they were never sent, and some length on the wire is a lie.
 */
#ifndef RSTHOP_WIRE_CUR_H
#define RSTHOP_WIRE_CUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cur {
	const uint8_t *p;
	const uint8_t *end;
	size_t hidden; /* bytes sent beyond end */
	bool bad;      /* a read has failed */
	bool lie;      /* what the wire says can't be true */
};

static inline struct cur
cur_new(const uint8_t *p, size_t len, size_t hidden)
{
	return (struct cur){.p = p, .end = p + len, .hidden = hidden};
}

/* Bytes that can be read. */
static inline size_t
cur_left(const struct cur *c)
{
	return (size_t)(c->end - c->p);
}

/* Bytes that were sent from here on. */
static inline size_t
cur_sent(const struct cur *c)
{
	return cur_left(c) + c->hidden;
}

static inline void
cur_lie(struct cur *c)
{
	c->bad = c->lie = true;
}

static inline bool
cur_need(struct cur *c, size_t n)
{
	if (c->bad)
		return false;
	if (n <= cur_left(c))
		return true;
	c->bad = true;
	c->lie = c->lie || n > cur_sent(c);
	return false;
}

/* For the inside of a fixed header that cur_take() gave as a whole. */
static inline uint16_t
cur_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
cur_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static inline uint8_t
cur_u8(struct cur *c)
{
	return cur_need(c, 1) ? *c->p++ : 0;
}

static inline uint16_t
cur_be16(struct cur *c)
{
	uint16_t v;

	if (!cur_need(c, 2))
		return 0;
	v = cur_get16(c->p);
	c->p += 2;
	return v;
}

static inline uint32_t
cur_be32(struct cur *c)
{
	uint32_t v;

	if (!cur_need(c, 4))
		return 0;
	v = cur_get32(c->p);
	c->p += 4;
	return v;
}

/* The next n bytes, or NULL. */
static inline const uint8_t *
cur_take(struct cur *c, size_t n)
{
	const uint8_t *p = c->p;

	if (!cur_need(c, n))
		return NULL;
	c->p += n;
	return p;
}

/* From here on no more than n bytes were sent, whatever else was captured. */
static inline void
cur_limit(struct cur *c, size_t n)
{
	if (n > cur_sent(c))
		c->lie = true;
	if (n <= cur_left(c))
		c->end = c->p + n;
	c->hidden = n - cur_left(c);
}

/*
 * A cursor over the next n bytes, as many of them as were captured, which c
 * then stands behind.  Where some are missing c is bad, yet cur_sent() still
 * tells what was sent behind them.
 */
static inline struct cur
cur_sub(struct cur *c, size_t n)
{
	size_t left = cur_left(c);
	struct cur sub = *c;

	if (c->bad || n > cur_sent(c)) {
		cur_need(c, n);
		sub = cur_new(c->p, 0, 0);
		sub.bad = true;
		return sub;
	}
	cur_limit(&sub, n);
	if (n > left) {
		c->bad = true;
		c->hidden -= n - left;
		n = left;
	}
	c->p += n;
	return sub;
}

static inline void
cur_skip(struct cur *c, size_t n)
{
	(void)cur_sub(c, n);
}

#endif
