/*
 * A connection of another program.
 */
#ifndef RSTHOP_LOCATE_ATTACH_H
#define RSTHOP_LOCATE_ATTACH_H

#include <rsthop/belief.h>
#include <rsthop/rounds.h>

/* Its numbers and its path, in place of the first connection of our own. */
int attach_run(struct rounds *rounds, struct belief *b, struct fault *f);

#endif
