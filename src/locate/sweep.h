/*
 * Does it depend on the source port?
 */
#ifndef RSTHOP_LOCATE_SWEEP_H
#define RSTHOP_LOCATE_SWEEP_H

#include <rsthop/rounds.h>

/*
 * Fills rounds->sweep; where only some ports draw resets, the session keeps to
 * one of them from then on.
 */
int sweep_run(struct rounds *rounds, struct fault *f);

#endif
