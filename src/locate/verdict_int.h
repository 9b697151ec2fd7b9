/*
 * What the parts of the verdict share.
 */
#ifndef RSTHOP_LOCATE_VERDICT_INT_H
#define RSTHOP_LOCATE_VERDICT_INT_H

#include <rsthop/verdict_reasons.h>

/* verdict_address.c: the address at a hop, none where it is silent. */
struct addr verdict_hop_address(
    const struct verdict_basis *by, const struct locate_result *out, int hop);
/* That of the verdict's hop, and those on either side of it. */
void verdict_fill_neighbours(
    const struct verdict_basis *by, struct locate_result *out);

/* verdict_next.c: what to do. */
void verdict_fill_next(
    const struct verdict_basis *by, struct locate_result *out);

/* verdict_response.c: where a device may be that the answer triggers. */
#define VERDICT_RESPONSE_HOPS 3
size_t verdict_response_hops(const struct verdict_basis *by,
    const struct locate_result *out,
    struct result_alternative found[VERDICT_RESPONSE_HOPS]);
void verdict_reason_response(
    const struct verdict_basis *by, struct locate_result *out);

#endif
