/*
 * IPv4 and IPv6 headers.
 */
#include <string.h>

#include "pkt_int.h"

#define IP_IP4_FIXED 20
#define IP_IP6_FIXED 40

/* RFC 8200 section 4.1 names six, one of them twice; leave room for more. */
#define IP_IP6_EXT_MAX 16

#define IP_IP6_HOP_BY_HOP 0
#define IP_IP6_ROUTING	  43
#define IP_IP6_FRAGMENT	  44
#define IP_IP6_AUTH	  51
#define IP_IP6_NONE	  59
#define IP_IP6_DEST_OPTS  60

/*
 * Ends c where the packet ends, so that Ethernet's padding is not taken for
 * payload.  c stands behind the fixed part of the header.
 *
 * Length 0 is what a capture on the sending host shows of a segment that the
 * network card has yet to cut up (TSO, and jumbograms, RFC 2675): then all
 * that was on the wire is the packet.  In a quote the length is the original
 * packet's, and where it is too short for what RFC 792 makes routers quote
 * it is not believed.
 */
static void
ip_limit(struct cur *c, struct pkt_ip *ip, uint32_t fixed, uint32_t no_len,
    bool quoted)
{
	if (quoted && ip->total_len < fixed + PKT_QUOTE_MIN)
		return;
	if (ip->total_len == no_len)
		ip->total_len = fixed + (uint32_t)cur_sent(c);
	else if (ip->total_len < fixed)
		cur_lie(c);
	else
		cur_limit(c, ip->total_len - fixed);
}

/* In place: handed over by value they cost more than all of TCP's header. */
static void
ip_read_addr(const uint8_t *p, uint8_t version, struct addr *out)
{
	uint64_t w[2] = {0};

	/* Stored as it will be loaded: narrower stores make the load wait. */
	memcpy(w, p, version == 4 ? 4 : 16);
	memcpy(out->b, w, sizeof(out->b));
	out->version = version;
}

/*
 * RFC 791 section 3.1:
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-------+-------+---------------+-------------------------------+
 *  |Version|  IHL  |      TOS      |         Total length          |
 *  +-------+-------+---------------+-----+-------------------------+
 *  |        Identification         |0|D|M|     Fragment offset     |
 *  +---------------+---------------+-----+-------------------------+
 *  |      TTL      |   Protocol    |        Header checksum        |
 *  +---------------+---------------+-------------------------------+
 *  |                        Source address                         |
 *  +---------------------------------------------------------------+
 *  |                      Destination address                      |
 *  +---------------------------------------------------------------+
 *  |                        Options, padding                       |
 *  +---------------------------------------------------------------+
 *
 * The checksum is not verified: cards fill it in after the capture.
 */
bool
pkt_read_ip4(struct cur *c, struct pkt_ip *ip, bool quoted)
{
	const uint8_t *h = cur_take(c, IP_IP4_FIXED);
	uint16_t frag;

	if (h == NULL)
		return false;
	ip->header_len = (uint16_t)((h[0] & 0xf) * 4);
	if (h[0] >> 4 != 4 || ip->header_len < IP_IP4_FIXED) {
		cur_lie(c);
		return false;
	}
	ip->version = 4;
	ip->tos = h[1];
	ip->total_len = cur_get16(h + 2);
	ip->id = cur_get16(h + 4);
	frag = cur_get16(h + 6);
	ip->df = (frag & 0x4000) != 0;
	ip->mf = (frag & 0x2000) != 0;
	ip->frag_off = (uint16_t)((frag & 0x1fff) * 8);
	ip->ttl = h[8];
	ip->proto = h[9];
	ip_read_addr(h + 12, 4, &ip->src);
	ip_read_addr(h + 16, 4, &ip->dst);
	ip->has_id = true;
	ip->id6 = 0;
	ip->flow_label = 0;
	ip_limit(c, ip, IP_IP4_FIXED, 0, quoted);
	cur_skip(c, (size_t)ip->header_len - IP_IP4_FIXED);
	return true;
}

/*
 * RFC 8200 section 4.5, the fragment header:
 *
 *  +---------------+---------------+-------------------------+---+-+
 *  |  Next header  |   Reserved    |     Fragment offset     |Res|M|
 *  +---------------+---------------+-------------------------+---+-+
 *  |                         Identification                        |
 *  +---------------------------------------------------------------+
 */
static uint8_t
ip_ip6_read_fragment(struct cur *c, struct pkt_ip *ip)
{
	uint8_t next = cur_u8(c);
	uint16_t frag;

	cur_u8(c);
	frag = cur_be16(c);
	ip->id6 = cur_be32(c);
	ip->frag_off = frag & 0xfff8;
	ip->mf = (frag & 1) != 0;
	ip->has_id = !c->bad;
	return next;
}

/*
 * RFC 8200 section 4.2, the shape of every other extension header; the
 * length counts 8 bytes beyond the first 8, but in the authentication header
 * (RFC 4302 section 2.2) 4 bytes beyond the first 8.
 *
 *  +---------------+---------------+---------------------------- - -
 *  |  Next header  |    Length     |
 *  +---------------+---------------+---------------------------- - -
 */
static uint8_t
ip_ip6_read_extension(struct cur *c, uint8_t kind)
{
	uint8_t next = cur_u8(c);
	size_t n = cur_u8(c);

	cur_skip(c, kind == IP_IP6_AUTH ? n * 4 + 6 : n * 8 + 6);
	return next;
}

static bool
ip_ip6_is_extension(uint8_t proto)
{
	return proto == IP_IP6_HOP_BY_HOP || proto == IP_IP6_ROUTING ||
	    proto == IP_IP6_FRAGMENT || proto == IP_IP6_AUTH ||
	    proto == IP_IP6_DEST_OPTS;
}

/*
 * Walks from ip->proto to the upper layer's own number.  It stays at the
 * extension header that could not be read, where one could not.
 */
static void
ip_ip6_read_extensions(struct cur *c, struct pkt_ip *ip)
{
	for (int i = 0; ip_ip6_is_extension(ip->proto); i++) {
		size_t before = cur_sent(c);
		uint8_t next;

		if (i == IP_IP6_EXT_MAX) {
			cur_lie(c);
			return;
		}
		if (ip->proto == IP_IP6_FRAGMENT)
			next = ip_ip6_read_fragment(c, ip);
		else
			next = ip_ip6_read_extension(c, ip->proto);
		if (c->bad)
			return;
		ip->proto = next;
		ip->header_len += (uint16_t)(before - cur_sent(c));
		if (ip->frag_off != 0)
			return; /* what follows is the middle of something */
	}
}

/*
 * RFC 8200 section 3:
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-------+---------------+---------------------------------------+
 *  |Version| Traffic class |              Flow label               |
 *  +-------+---------------+-------+---------------+---------------+
 *  |        Payload length         |  Next header  |   Hop limit   |
 *  +-------------------------------+---------------+---------------+
 *  |                  Source address (16 bytes)                    |
 *  +---------------------------------------------------------------+
 *  |                Destination address (16 bytes)                 |
 *  +---------------------------------------------------------------+
 */
bool
pkt_read_ip6(struct cur *c, struct pkt_ip *ip, bool quoted)
{
	const uint8_t *h = cur_take(c, IP_IP6_FIXED);
	uint32_t first;

	if (h == NULL)
		return false;
	first = cur_get32(h);
	if (first >> 28 != 6) {
		cur_lie(c);
		return false;
	}
	ip->version = 6;
	ip->tos = (uint8_t)(first >> 20);
	ip->flow_label = first & 0xfffff;
	ip->total_len = (uint32_t)IP_IP6_FIXED + cur_get16(h + 4);
	ip->proto = h[6];
	ip->ttl = h[7];
	ip_read_addr(h + 8, 6, &ip->src);
	ip_read_addr(h + 24, 6, &ip->dst);
	ip->df = ip->mf = ip->has_id = false;
	ip->id = 0;
	ip->id6 = 0;
	ip->frag_off = 0;
	ip->header_len = IP_IP6_FIXED;
	ip_limit(c, ip, IP_IP6_FIXED,
	    ip->proto == IP_IP6_NONE ? 0 : IP_IP6_FIXED, quoted);
	ip_ip6_read_extensions(c, ip);
	return true;
}
