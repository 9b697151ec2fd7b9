/*
 * What the layers of the packet decoder show each other.
 */
#ifndef WIRE_PKT_INT_H
#define WIRE_PKT_INT_H

#include <rsthop/pkt.h>

#include "cur.h"

#define PKT_ETHERTYPE_IP4 0x0800
#define PKT_ETHERTYPE_IP6 0x86dd

/* An Ethernet frame at c, with its tags. */
void pkt_decode_ethernet(struct cur *c, struct pkt *out);

/* An IP packet at c, of the version that out->ethertype says. */
void pkt_decode_ip(struct cur *c, struct pkt *out);

/*
 * What a packet of out->ip.proto carries at c: where that is a packet of its
 * own, its facts take the place of all in out.
 */
void pkt_decode_tunnel(struct cur *c, struct pkt *out);

/*
 * The IP header and its options or extension headers.  False where not even
 * the fixed part could be read; where only the rest could not, c is bad.
 * Behind it c stands at the upper layer and ends where the packet does.
 */
bool pkt_read_ip4(struct cur *c, struct pkt_ip *ip, bool quoted);
bool pkt_read_ip6(struct cur *c, struct pkt_ip *ip, bool quoted);

/* Quoted total lengths below this are some router's mistake. */
#define PKT_QUOTE_MIN 8 /* behind the IP header; RFC 792 */

void pkt_decode_tcp(struct cur *c, struct pkt *out);
void pkt_decode_icmp(struct cur *c, struct pkt *out);

/*
 * The quote in an ICMP error, at c.  quote_len is its length by RFC 4884, 0
 * where the message gives none; extensible where its type may have one.
 */
void pkt_decode_quote(
    struct cur *c, size_t quote_len, bool extensible, struct pkt *out);

#endif
