/*
 * The packets behind verdicts.
 */
#ifndef RSTHOP_ANALYZE_EVIDENCE_H
#define RSTHOP_ANALYZE_EVIDENCE_H

#include <rsthop/analyze.h>

/*
 * Fills out->evidence, where the ask wants it, by reading all files again; out
 * is whole but for that.  -1 where memory ran out or they cannot be read.
 */
int evidence_gather(const struct analyze_ask *ask,
    const struct analyze_input *in, struct analysis *out, struct fault *f);

#endif
