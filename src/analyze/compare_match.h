/*
 * Which connection of one vantage is which of the other, what the clocks
 * differ by, and how many routers lie between.
 */
#ifndef RSTHOP_ANALYZE_COMPARE_MATCH_H
#define RSTHOP_ANALYZE_COMPARE_MATCH_H

#include "compare_index.h"

/* After the first pass.  -1 where memory ran out. */
int compare_match(struct compare *c, struct fault *f);

#endif
