/*
 * What the parts of analyze share.
 */
#ifndef RSTHOP_ANALYZE_ANALYZE_INT_H
#define RSTHOP_ANALYZE_ANALYZE_INT_H

#include <rsthop/analyze.h>
#include <rsthop/flow.h>
#include <rsthop/passed.h>

/*
 * Data with so small a TTL is a probe's: it may have ended short of a device,
 * so it is no sign of one that lets it pass.
 */
#define ANALYZE_PROBE_TTL 30

/* The makers of MACs, each asked for once. */
struct vendors;

int vendors_new(
    const struct analyze_input *in, struct vendors **out, struct fault *f);
void vendors_free(struct vendors *v);
/* Borrowed from a->vendors, where it is put; NULL where not known. */
const char *vendors_find(
    struct vendors *v, struct analysis *a, const uint8_t mac[ADDR_MAC]);

/* Resets that read as one line. */
struct groups;

int groups_new(uint64_t seed, const struct passed *passed, struct groups **out,
    struct fault *f);
void groups_free(struct groups *g);

/* Takes one judged reset in and sets its group, until groups_finish(). */
int groups_add(struct groups *g, const struct flow_reset *r,
    struct analysis_reset *a, struct fault *f);

/* Hands the groups to *out, in their order, and mends its resets' numbers. */
int groups_finish(struct groups *g, struct analysis *out, struct fault *f);

/*
 * Of one group: what fired its resets and where its device may be.  Only
 * where the reset may be forged.
 */
struct detail;

struct detail *detail_new(void);
void detail_free(struct detail *d);
int detail_add(struct detail *d, const struct flow_reset *r,
    const struct rst_verdict *v, const struct passed *passed, bool fresh);
/* Moves into d what there is room for. */
void detail_merge(struct detail *d, struct detail *from);
/* common: whether the time for it is to be taken. */
int detail_finish(struct detail *d, const struct passed *passed, bool common,
    struct analysis_group *g);

#endif
