/*
 * Chance as tests and the lab want it: fractions.
 */
#ifndef RSTHOP_TESTS_RNG_UNIT_H
#define RSTHOP_TESTS_RNG_UNIT_H

#include <rsthop/rng.h>

/* Uniform in [0, 1): as many of the upper bits as a double holds. */
static inline double
rng_unit(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1.0p-53;
}

#endif
