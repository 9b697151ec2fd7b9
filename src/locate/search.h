/*
 * The search: trials until the device is known.
 */
#ifndef RSTHOP_LOCATE_SEARCH_H
#define RSTHOP_LOCATE_SEARCH_H

#include <rsthop/belief.h>
#include <rsthop/rounds.h>

/* Runs trials until the question is answered, or the bounds end it. */
int search_run(struct rounds *rounds, struct belief *b, struct fault *f);

#endif
