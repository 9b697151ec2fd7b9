/*
 * The last packets that came, by connection, in memory of a fixed size.  A
 * reset is judged some time after it came; the packets around it are still here
 * then.
 */
#ifndef RSTHOP_RING_H
#define RSTHOP_RING_H

#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/capture.h>
#include <rsthop/fault.h>

#define RING_MIN   65536 /* bytes */
#define RING_TAKEN 512	 /* packets handed over at a time: the latest */

struct ring;

/* seed: of its hashes; no sender of packets may know it. */
int ring_new(size_t bytes, uint64_t seed, struct ring **out, struct fault *f);
void ring_free(struct ring *r); /* NULL is fine */

/*
 * Keeps TCP, and ICMP errors that quote TCP.  Other packets are ignored, and
 * so are those that would take more than an eighth of the ring.
 */
void ring_add(struct ring *r, const struct capture_packet *p);

/*
 * Hands over the packets of the connection between a and b, oldest first; each
 * only once.  The packet is borrowed: valid within the call.  -1 as soon as
 * take() gives it.
 */
int ring_take(struct ring *r, const struct endpoint *a,
    const struct endpoint *b, void *ctx,
    int (*take)(void *ctx, const struct capture_packet *p, struct fault *f),
    struct fault *f);

#endif
