/*
 * From the posterior to the verdict: who, how sure, why, what else, what next.
 */
#ifndef RSTHOP_VERDICT_H
#define RSTHOP_VERDICT_H

#include <rsthop/belief.h>
#include <rsthop/locate_ask.h>
#include <rsthop/rounds.h>

/* Fills out->verdict; out has its figures, path and notes already. */
int verdict_fill(const struct locate_ask *ask, const struct rounds *rounds,
    const struct belief *belief, struct locate_result *out, struct fault *f);

#endif
