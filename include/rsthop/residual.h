/*
 * Is there a residual block, of what, and for how long?
 */
#ifndef RSTHOP_RESIDUAL_H
#define RSTHOP_RESIDUAL_H

#include <rsthop/rounds.h>

/* After the first reset.  Fills rounds->residual. */
int residual_measure(struct rounds *rounds, struct fault *f);

#endif
