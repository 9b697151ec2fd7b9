/*
 * Of one group: what drew its resets and where its device may be.  Only where
 * the reset may be forged.
 */
#ifndef RSTHOP_ANALYZE_DETAIL_H
#define RSTHOP_ANALYZE_DETAIL_H

#include <rsthop/analysis.h>
#include <rsthop/flow.h>
#include <rsthop/passed.h>

struct detail;

/* NULL where there is no memory. */
struct detail *detail_new(void);
void detail_free(struct detail *d);
/*
 * Takes one judged reset in.  fresh: no reset of the group answered the same
 * packet before.  -1 where there is no memory.
 */
int detail_add(struct detail *d, const struct flow_reset *r,
    const struct rst_verdict *v, const struct passed *passed, bool fresh);
/* Moves into d what there is room for. */
void detail_merge(struct detail *d, struct detail *from);
/*
 * Fills g's trigger and candidates; common: what the triggers have in common
 * too, which takes time.  -1 where there is no memory.
 */
int detail_finish(struct detail *d, const struct passed *passed, bool common,
    struct analysis_group *g);

#endif
