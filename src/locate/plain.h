/*
 * Triggers without TCP options.
 */
#ifndef RSTHOP_LOCATE_PLAIN_H
#define RSTHOP_LOCATE_PLAIN_H

#include <rsthop/belief.h>
#include <rsthop/rounds.h>

/*
 * From now on nothing goes to the server, but without TCP options.  1; 0
 * where no router is between; -1.  The trace is over.
 */
int plain_go(struct rounds *rounds, struct belief *b, struct fault *f);

#endif
