/*
 * From a connection's bytes to the trigger and to what it takes to send it
 * again.
 */
#ifndef RSTHOP_ANALYZE_SUSPECT_REPLAY_H
#define RSTHOP_ANALYZE_SUSPECT_REPLAY_H

#include <rsthop/suspect.h>

#include "suspect_stream.h"

/* Fills trigger, replay and all that goes with them. */
int suspect_read_stream(
    struct suspect *out, const struct stream *s, struct fault *f);

#endif
