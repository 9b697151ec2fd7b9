/*
 * The figures of a report.
 */
#ifndef RSTHOP_FIGURES_H
#define RSTHOP_FIGURES_H

#include <rsthop/rounds.h>

/*
 * Fills what the result holds of reproduction, residual block, resets and
 * rates by TTL, from the trials.
 */
int figures_fill(
    const struct rounds *rounds, struct locate_result *out, struct fault *f);

#endif
