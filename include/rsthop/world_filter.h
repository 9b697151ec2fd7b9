/*
 * The pcap filter that lets one job's packets through, and hardly any other.
 */
#ifndef RSTHOP_WORLD_FILTER_H
#define RSTHOP_WORLD_FILTER_H

#include <rsthop/addr.h>

#define WORLD_FILTER 512 /* room for the longest, with its NUL */

/*
 * TCP between here and the target's port, either way (none where the port is
 * 0); ICMP errors that reach src; echo requests and replies of the target.
 * Whom an error quotes is not looked at: a NAT on the way may have rewritten
 * it.
 */
void world_format_filter(const struct endpoint *target, const struct addr *src,
    char buf[WORLD_FILTER]);

#endif
