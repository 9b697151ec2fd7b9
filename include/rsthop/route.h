/*
 * How this host reaches another: one rtnetlink question each for the route,
 * the interface and the gateway's neighbour entry.
 */
#ifndef RSTHOP_ROUTE_H
#define RSTHOP_ROUTE_H

#include <stdbool.h>

#include <rsthop/addr.h>
#include <rsthop/fault.h>

#define ROUTE_IFNAME 16 /* IFNAMSIZ */

struct route {
	char ifname[ROUTE_IFNAME];
	int ifindex;
	bool is_loopback;      /* the target is this very host */
	struct addr src;       /* the kernel's choice of source address */
	struct addr gateway;   /* none where the target is on-link */
	bool has_next_hop_mac; /* of the gateway, or of an on-link target */
	uint8_t next_hop_mac[ADDR_MAC];
	bool has_if_mac;
	uint8_t if_mac[ADDR_MAC];
	int mtu; /* bytes, of the interface */
};

/*
 * ifname NULL: any interface.  FAULT_NETWORK where there is no route, or the
 * interface does not exist or is down, each with its own words.
 */
int route_get(const struct addr *dst, const char *ifname, struct route *out,
    struct fault *f);

/* Asks again for the next hop's MAC, once traffic has resolved it. */
void route_refresh_mac(const struct addr *dst, struct route *r);

#endif
