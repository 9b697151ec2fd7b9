/*
 * Residual blocks: some devices, once triggered, go on for a while to reset
 * all that the two addresses say to each other.  Which trials does one spoil?
 */
#ifndef RSTHOP_BLOCK_H
#define RSTHOP_BLOCK_H

#include <rsthop/rounds.h>

/* Beyond a block's measured length, for what varies between packets. */
#define BLOCK_MARGIN_NS (50 * CLOCK_MS)

/* Is all reset since a trigger was for the first time? */
bool block_is_on(const struct rounds *rounds);
/* A tagged copy below the server was named by the reset that it drew. */
bool block_tags_name(const struct rounds *rounds);
/* The block that was measured meets trials of ours. */
bool block_meets_trials(const struct rounds *rounds);
/* And trials wait for its end: no tag tells what drew what, or none opens. */
bool block_spaces_trials(const struct rounds *rounds);
/* Waits until no reset so far blocks the next trial. */
int block_await_end(struct rounds *rounds, struct fault *f);
/* The trial was sent within the block of an earlier reset, and has no tag. */
bool block_spoils(const struct rounds *rounds, const struct trial *t);
/* As rounds_count, of those that tell of the trigger, not of a block. */
unsigned int block_count_clean(
    const struct rounds *rounds, enum trial_kind kind, bool drew_only);
unsigned int block_count_spoiled(const struct rounds *rounds);

#endif
