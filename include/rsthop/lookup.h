/*
 * Names: of hosts, both ways, and of the makers of MAC addresses.
 */
#ifndef RSTHOP_LOOKUP_H
#define RSTHOP_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/fault.h>

#define LOOKUP_NAME   256
#define LOOKUP_VENDOR 80

/*
 * The first address of host for version 4, 6 or 0 (any).  FAULT_NETWORK with
 * the resolver's reason.
 */
int lookup_host(
    const char *host, int version, struct addr *out, struct fault *f);

struct lookup_query {
	struct addr addr;
	char name[LOOKUP_NAME]; /* filled: "" where none was found in time */
};

/*
 * Reverse names of n addresses, side by side, for wait_ns at most.  What the
 * resolver gives is hostile: only letters, digits, '-', '_' and '.' are let
 * through, else the name stays empty.
 */
void lookup_names(struct lookup_query *q, size_t n, int64_t wait_ns);

/*
 * The maker of a MAC by its OUI, from the system's list where one is
 * installed; "" where it is not known or the address is locally administered.
 */
void lookup_vendor(const uint8_t mac[ADDR_MAC], char out[LOOKUP_VENDOR]);

#endif
