/*
 * The second pass over two vantages: what the sender of each reset did at about
 * its time.
 */
#ifndef RSTHOP_ANALYZE_COMPARE_PROOF_H
#define RSTHOP_ANALYZE_COMPARE_PROOF_H

#include "compare_index.h"

struct compare_proof;

int compare_proof_new(
    struct compare *c, struct compare_proof **out, struct fault *f);
void compare_proof_free(struct compare_proof *p);
void compare_proof_see(
    struct compare_proof *p, int vantage, const struct flow_seen *s);
void compare_proof_finish(struct compare_proof *p);

#endif
