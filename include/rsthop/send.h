/*
 * Crafted packets out, through libnet's raw sockets: the kernel's routes
 * apply, no firewall rule is needed.
 */
#ifndef RSTHOP_SEND_H
#define RSTHOP_SEND_H

#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>

struct send;

/* version is 4 or 6; ifname NULL: by route. */
int send_open(
    int version, const char *ifname, struct send **out, struct fault *f);
/* One whole IP packet.  FAULT_NETWORK where the kernel refuses it. */
int send_packet(struct send *s, const uint8_t *p, size_t n, struct fault *f);
void send_free(struct send *s);

#endif
