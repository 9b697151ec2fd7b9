/*
 * What a suspect's trigger is compared with.
 */
#ifndef RSTHOP_ANALYZE_SUSPECT_CONTROL_H
#define RSTHOP_ANALYZE_SUSPECT_CONTROL_H

#include <rsthop/suspect.h>

/*
 * A control of the trigger's length whose envelope is the trigger's own, so
 * that both are parsed alike, and whose words are others.  Leaves none where
 * the protocol is not known.  -1 where memory ran out.
 */
int suspect_make_control(struct suspect *s, struct fault *f);

#endif
