/*
 * Does the server refuse connections while another is open?
 */
#ifndef RSTHOP_LOCATE_REFUSAL_H
#define RSTHOP_LOCATE_REFUSAL_H

#include <rsthop/rounds.h>

/* So it seems, by connections that no trigger has ended. */
bool refusal_is_seen(const struct rounds *rounds);
/*
 * From now on one connection at a time.  forget: nothing was judged yet, so
 * trials and resets in company count no more.
 */
int refusal_go_alone(struct rounds *rounds, bool forget, struct fault *f);

#endif
