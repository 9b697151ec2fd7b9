/*
 * What the layers of the packet decoder show each other.
 */
#ifndef RSTHOP_WIRE_PKT_INT_H
#define RSTHOP_WIRE_PKT_INT_H

#include <rsthop/pkt.h>

#include "cur.h"

#define PKT_ETHERTYPE_IP4 0x0800
#define PKT_ETHERTYPE_IP6 0x86dd
/* Transparent Ethernet bridging: a frame in a packet. */
#define PKT_ETHERTYPE_FRAME 0x6558

/* May IP of that number be a tunnel?  UDP is one by its port alone. */
bool pkt_may_tunnel(uint8_t proto);
/*
 * Reads the headers of a tunnel that IP carries by that number, and says what
 * stands behind them: an ethertype, PKT_ETHERTYPE_FRAME for an Ethernet frame,
 * 0 for nothing that is known.
 */
uint16_t pkt_read_tunnel(struct cur *c, uint8_t proto);

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
