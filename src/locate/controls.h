/*
 * The control arm.
 */
#ifndef RSTHOP_LOCATE_CONTROLS_H
#define RSTHOP_LOCATE_CONTROLS_H

#include <rsthop/belief.h>
#include <rsthop/rounds.h>

/*
 * How likely it is that so much more of the trigger's arm than of the
 * controls' was reset, were both alike: full TTL against full TTL, bursts
 * against bursts.  < 0 where there was no control.
 */
double controls_p_value(const struct rounds *rounds);
/* Controls more, where a few make the comparison tell. */
int controls_compare(
    struct rounds *rounds, const struct belief *b, struct fault *f);

#endif
