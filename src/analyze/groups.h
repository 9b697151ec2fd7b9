/*
 * Resets that read as one line: of one server, one ruling and one way to be
 * sent.
 */
#ifndef RSTHOP_ANALYZE_GROUPS_H
#define RSTHOP_ANALYZE_GROUPS_H

#include <rsthop/analysis.h>
#include <rsthop/flow.h>
#include <rsthop/passed.h>

struct groups;

int groups_new(uint64_t seed, const struct passed *passed, struct groups **out,
    struct fault *f);
void groups_free(struct groups *g);

/* Takes one judged reset in and sets its group, until groups_finish(). */
int groups_add(struct groups *g, const struct flow_reset *r,
    struct analysis_reset *a, struct fault *f);

/* Hands the groups to *out, in their order, and mends its resets' numbers. */
int groups_finish(struct groups *g, struct analysis *out, struct fault *f);

#endif
