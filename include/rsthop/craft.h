/*
 * Facts to bytes: the probes, as whole IP packets.  Built with libnet, which
 * needs no privilege for it.  The one that sends them is net/send.
 */
#ifndef RSTHOP_CRAFT_H
#define RSTHOP_CRAFT_H

#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/fault.h>

#define CRAFT_MAX 2048 /* no crafted packet is longer, in bytes */

struct craft; /* a libnet context, used again from packet to packet */

struct craft_tcp {
	struct flow_key flow;
	uint8_t ttl;
	uint8_t tos;
	uint16_t id; /* v4; a raw socket replaces 0 by one of the kernel's */
	bool df;     /* v4 */
	uint32_t flow_label; /* v6 */
	uint32_t seq;
	uint32_t ack;
	uint8_t flags;
	uint16_t window;     /* as on the wire, unscaled */
	const uint8_t *opts; /* ready for the wire, a multiple of 4 bytes */
	size_t opts_len;     /* at most 40 */
	const uint8_t *payload;
	size_t payload_len;
};

/*
 * An ICMP or ICMPv6 echo request.  Paris: the checksum takes part in the
 * flow hash of some load balancers, so it is held at `checksum` by two bytes
 * of the payload, whatever ttl and seq are (Augustin et al., IMC 2006).
 */
struct craft_echo {
	struct addr src;
	struct addr dst;
	uint8_t ttl;
	uint8_t tos;
	uint16_t id; /* IP, v4 */
	uint32_t flow_label;
	uint16_t echo_id;
	uint16_t echo_seq;
	uint16_t checksum;  /* what the ICMP checksum shall be; not 0, 0xffff */
	size_t payload_len; /* 2 or more: the first two hold the balance */
};

int craft_new(struct craft **out, struct fault *f);
void craft_free(struct craft *c);

/* Each writes the packet to buf, at most cap bytes, and its length to *len. */
int craft_tcp(struct craft *c, const struct craft_tcp *t, uint8_t *buf,
    size_t cap, size_t *len, struct fault *f);
int craft_echo(struct craft *c, const struct craft_echo *e, uint8_t *buf,
    size_t cap, size_t *len, struct fault *f);

#endif
