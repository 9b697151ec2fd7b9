/*
 * The last packets that went by, in memory of a fixed size, by connection: so
 * that those around a reset can be had once it is judged.
 */
#ifndef RSTHOP_RING_H
#define RSTHOP_RING_H

#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/capture.h>
#include <rsthop/fault.h>

#define RING_MIN   65536 /* bytes */
#define RING_TAKEN 512	 /* packets of one connection at most: the latest */

struct ring;

/* seed: of the hash, so that no sender can aim at it. */
int ring_new(size_t bytes, uint64_t seed, struct ring **out, struct fault *f);
void ring_free(struct ring *r); /* NULL is fine */

/*
 * Keeps TCP, and ICMP errors that quote it; what is neither is left alone, as
 * is what takes more than an eighth of the ring.
 */
void ring_add(struct ring *r, const struct capture_packet *p);

/*
 * Hands over what is kept of the connection between a and b and was not
 * handed over before, oldest first.  The packet is borrowed: valid within the
 * call.  -1 as soon as take() gives it.
 */
int ring_take(struct ring *r, const struct endpoint *a,
    const struct endpoint *b, void *ctx,
    int (*take)(void *ctx, const struct capture_packet *p, struct fault *f),
    struct fault *f);

#endif
