/*
 * Seeded pseudo-random numbers: xoshiro256** (Blackman, Vigna 2018), seeded
 * through splitmix64.  Not for secrets.  The state is the caller's.
 */
#ifndef RSTHOP_RNG_H
#define RSTHOP_RNG_H

#include <stdint.h>

struct rng {
	uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_u64(struct rng *r);
/* Uniform in [0, n), without modulo bias; n > 0. */
uint32_t rng_below(struct rng *r, uint32_t n);

#endif
