/*
 * The makers of MACs, each asked for once.
 */
#ifndef RSTHOP_ANALYZE_VENDORS_H
#define RSTHOP_ANALYZE_VENDORS_H

#include <rsthop/analyze.h>

struct vendors;

int vendors_new(
    const struct analyze_input *in, struct vendors **out, struct fault *f);
void vendors_free(struct vendors *v);
/* Borrowed from a->vendors, where it is put; NULL where not known. */
const char *vendors_find(
    struct vendors *v, struct analysis *a, const uint8_t mac[ADDR_MAC]);

#endif
