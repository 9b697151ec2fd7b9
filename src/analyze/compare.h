/*
 * Two vantages of the same connections: what one received and the other never
 * sent.  The captures are read twice before they are judged: once for the
 * connections and their resets, once for what each sender did about the time
 * at which it should have sent them.
 */
#ifndef RSTHOP_ANALYZE_COMPARE_H
#define RSTHOP_ANALYZE_COMPARE_H

#include <rsthop/analyze.h>

struct compare;

/*
 * Gives *out = NULL where there is nothing to compare; why, where that was
 * asked for, stands in out->notes.  Sets the vantages of two files that show
 * the same packets, and what is known of a->compared.  The input stands at
 * its beginning afterwards; not where a->interrupted.
 */
int compare_new(const struct analyze_ask *ask, const struct analyze_input *in,
    struct analysis *a, struct compare **out, struct fault *f);
void compare_free(struct compare *c);

/* What the other vantage says of the reset at this frame; NULL: nothing. */
const struct rst_elsewhere *compare_find(
    const struct compare *c, uint32_t file, uint64_t frame);

/* Takes a judged reset in: what is proven, and how far it came. */
void compare_see_judged(struct compare *c, const struct analysis_reset *r);

/* Fills what the judged resets say in out->compared. */
void compare_finish(const struct compare *c, struct analysis *out);

#endif
