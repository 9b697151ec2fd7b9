/*
 * The packet decoder: from the link layer to what IP carries, and into
 * tunnels.
 *
 * What is said of a packet in a tunnel is said of the innermost: its
 * addresses, TTL and ports, and the MACs of the frame that it came in, if in
 * one at all.
 */
#include <string.h>

#include "pkt_int.h"

/* More tags than this on one frame are nobody's network. */
#define PKT_TAGS_MAX 8

static bool
pkt_is_tag(uint16_t ethertype)
{
	/* 802.1Q, 802.1ad, and QinQ from before there was a standard. */
	return ethertype == 0x8100 || ethertype == 0x88a8 ||
	    ethertype == 0x9100;
}

/*
 * RFC 2516 section 4, a PPPoE session, and the PPP protocol (RFC 1661) in it:
 *
 *  +-------+-------+---------+-------------+-------------+--------------+
 *  |Ver (4)|Typ (4)| code (8)| session (16)| length (16) | protocol (16)|
 *  +-------+-------+---------+-------------+-------------+--------------+
 */
static uint16_t
pkt_skip_pppoe(struct cur *c)
{
	cur_skip(c, 6);
	switch (cur_be16(c)) {
	case 0x0021:
		return PKT_ETHERTYPE_IP4;
	case 0x0057:
		return PKT_ETHERTYPE_IP6;
	default:
		return 0;
	}
}

/*
 * RFC 3032 section 2.1: labels up to the bottom of the stack; nothing says
 * what stands below but its own first bits.
 *
 *  +---------------------------------------+-------+-+---------------+
 *  |               label (20)              | TC (3)|S|    TTL (8)    |
 *  +---------------------------------------+-------+-+---------------+
 */
static uint16_t
pkt_skip_mpls(struct cur *c)
{
	for (int i = 0; i < PKT_TAGS_MAX && !c->bad; i++) {
		if ((cur_be32(c) & 0x100) == 0)
			continue;
		if (!cur_need(c, 1))
			return 0;
		if (*c->p >> 4 == 4)
			return PKT_ETHERTYPE_IP4;
		return *c->p >> 4 == 6 ? PKT_ETHERTYPE_IP6 : 0;
	}
	return 0;
}

/*
 * IEEE 802.1Q: behind each tag's type stand
 *
 *  +---------+---+---------------------+-------------------------------+
 *  | PCP (3) |DEI|     VLAN ID (12)    |       next type (16)          |
 *  +---------+---+---------------------+-------------------------------+
 */
static void
pkt_read_ethertype(struct cur *c, uint16_t ethertype, struct pkt *out)
{
	for (int i = 0; i < PKT_TAGS_MAX && pkt_is_tag(ethertype); i++) {
		uint16_t tci = cur_be16(c);

		ethertype = cur_be16(c);
		if (c->bad)
			return;
		if (out->n_vlans < PKT_VLANS)
			out->vlans[out->n_vlans++] = tci & 0x0fff;
	}
	if (ethertype == 0x8864)
		ethertype = pkt_skip_pppoe(c);
	else if (ethertype == 0x8847)
		ethertype = pkt_skip_mpls(c);
	out->ethertype = ethertype;
}

/*
 * Ethernet II:
 *
 *  +-------------------+-------------------+-----------+
 *  |  destination (6)  |    source (6)     | type (2)  |
 *  +-------------------+-------------------+-----------+
 */
static void
pkt_read_ethernet(struct cur *c, struct pkt *out)
{
	const uint8_t *macs = cur_take(c, 2 * ADDR_MAC);
	uint16_t ethertype = cur_be16(c);

	if (c->bad)
		return;
	memcpy(out->mac_dst, macs, ADDR_MAC);
	memcpy(out->mac_src, macs + ADDR_MAC, ADDR_MAC);
	out->has |= PKT_HAS_MAC;
	pkt_read_ethertype(c, ethertype, out);
}

/* Cooked captures keep the sender's address alone, in 8 bytes. */
static void
pkt_cooked_mac(struct cur *c, unsigned int len, struct pkt *out)
{
	const uint8_t *mac = cur_take(c, 8);

	if (mac == NULL || len != ADDR_MAC)
		return;
	memcpy(out->mac_src, mac, ADDR_MAC);
	memset(out->mac_dst, 0, ADDR_MAC);
	out->has |= PKT_HAS_MAC;
}

/*
 * LINKTYPE_LINUX_SLL:
 *
 *  +----------+------------+------------+-------------+--------------+
 *  | type (2) | ARPHRD (2) | length (2) | address (8) | protocol (2) |
 *  +----------+------------+------------+-------------+--------------+
 */
static void
pkt_read_sll(struct cur *c, struct pkt *out)
{
	uint16_t len, protocol;

	cur_skip(c, 4);
	len = cur_be16(c);
	pkt_cooked_mac(c, len, out);
	protocol = cur_be16(c);
	if (!c->bad)
		pkt_read_ethertype(c, protocol, out);
}

/*
 * LINKTYPE_LINUX_SLL2:
 *
 *  +--------------+--------------+-----------------+------------+
 *  | protocol (2) | reserved (2) | interface (4)   | ARPHRD (2) |
 *  +----------+---+--------+-----+-----------------+------------+
 *  | type (1) | length (1) |        address (8)                 |
 *  +----------+------------+------------------------------------+
 */
static void
pkt_read_sll2(struct cur *c, struct pkt *out)
{
	uint16_t protocol = cur_be16(c);
	uint8_t len;

	cur_skip(c, 9);
	len = cur_u8(c);
	pkt_cooked_mac(c, len, out);
	if (!c->bad)
		pkt_read_ethertype(c, protocol, out);
}

/*
 * The address family is the capturing host's own: 2 is AF_INET everywhere;
 * AF_INET6 is 10 on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on
 * Darwin.  DLT_NULL leaves the byte order to the host as well.
 */
static void
pkt_read_family(struct cur *c, bool any_order, struct pkt *out)
{
	uint32_t family = cur_be32(c);

	if (c->bad)
		return;
	if (any_order && family > 0xffff)
		family = __builtin_bswap32(family);
	if (family == 2)
		pkt_read_ethertype(c, PKT_ETHERTYPE_IP4, out);
	else if (family == 10 || family == 24 || family == 28 || family == 30)
		pkt_read_ethertype(c, PKT_ETHERTYPE_IP6, out);
}

static void
pkt_read_raw(struct cur *c, struct pkt *out)
{
	if (!cur_need(c, 1))
		return;
	if (*c->p >> 4 == 4)
		pkt_read_ethertype(c, PKT_ETHERTYPE_IP4, out);
	else if (*c->p >> 4 == 6)
		pkt_read_ethertype(c, PKT_ETHERTYPE_IP6, out);
	else
		cur_lie(c);
}

static void
pkt_read_link(enum pkt_link link, struct cur *c, struct pkt *out)
{
	switch (link) {
	case PKT_LINK_ETHERNET:
		pkt_read_ethernet(c, out);
		break;
	case PKT_LINK_SLL:
		pkt_read_sll(c, out);
		break;
	case PKT_LINK_SLL2:
		pkt_read_sll2(c, out);
		break;
	case PKT_LINK_RAW:
		pkt_read_raw(c, out);
		break;
	case PKT_LINK_NULL:
		pkt_read_family(c, true, out);
		break;
	case PKT_LINK_LOOP:
		pkt_read_family(c, false, out);
		break;
	}
}

/*
 * The IP packet at c and what it carries, but for tunnels.  True where c is
 * at something that may be one.
 */
static bool
pkt_decode_ip(struct cur *c, struct pkt *out)
{
	const struct pkt_ip *ip = &out->ip;
	bool got;

	if (out->ethertype == PKT_ETHERTYPE_IP4)
		got = pkt_read_ip4(c, &out->ip, false);
	else if (out->ethertype == PKT_ETHERTYPE_IP6)
		got = pkt_read_ip6(c, &out->ip, false);
	else
		return false;
	if (!got)
		return false;
	out->has |= PKT_HAS_IP;
	if (c->bad)
		return false;
	if (ip->frag_off != 0)
		out->has |= PKT_HAS_FRAGMENT;
	else if (ip->proto == PKT_PROTO_TCP)
		pkt_decode_tcp(c, out);
	else if (ip->proto ==
	    (ip->version == 4 ? PKT_PROTO_ICMP : PKT_PROTO_ICMPV6))
		pkt_decode_icmp(c, out);
	else
		return pkt_may_tunnel(ip->proto);
	return false;
}

/* A packet around another, while it is tried what is in it. */
struct pkt_outer {
	struct cur c; /* behind its IP header */
	uint32_t has;
	struct pkt_ip ip;
	uint8_t macs[2 * ADDR_MAC];
	uint8_t n_vlans;
	uint16_t vlans[PKT_VLANS];
	uint16_t ethertype;
};

static void
pkt_save_outer(const struct cur *c, const struct pkt *p, struct pkt_outer *o)
{
	o->c = *c;
	o->has = p->has;
	o->ip = p->ip;
	memcpy(o->macs, p->mac_src, ADDR_MAC);
	memcpy(o->macs + ADDR_MAC, p->mac_dst, ADDR_MAC);
	o->n_vlans = p->n_vlans;
	memcpy(o->vlans, p->vlans, sizeof(o->vlans));
	o->ethertype = p->ethertype;
}

static void
pkt_restore_outer(const struct pkt_outer *o, struct pkt *p)
{
	p->has = o->has;
	p->ip = o->ip;
	memcpy(p->mac_src, o->macs, ADDR_MAC);
	memcpy(p->mac_dst, o->macs + ADDR_MAC, ADDR_MAC);
	p->n_vlans = o->n_vlans;
	memcpy(p->vlans, o->vlans, sizeof(p->vlans));
	p->ethertype = o->ethertype;
	p->n_tunnels--;
}

/* One step inward, from behind an IP header.  True as pkt_decode_ip(). */
static bool
pkt_enter_tunnel(struct cur *c, struct pkt *out)
{
	uint16_t type;

	/* The rest of a fragment was sent in other ones. */
	if (out->ip.mf)
		c->hidden += UINT16_MAX;
	c->lie = false;
	out->has = 0;
	out->n_vlans = 0;
	out->n_tunnels++;
	type = pkt_read_tunnel(c, out->ip.proto);
	out->ethertype = type != PKT_ETHERTYPE_FRAME ? type : 0;
	if (type == PKT_ETHERTYPE_FRAME)
		pkt_read_ethernet(c, out);
	return !c->bad && pkt_decode_ip(c, out);
}

/*
 * One step outward.  A port or a number is no proof: what turns out not to be
 * a tunnel keeps the facts that it has.  One that the capture cut short before
 * its inner header has none left: the outer ones are not those of what it
 * carries.
 */
static void
pkt_leave_tunnel(struct cur *c, const struct pkt_outer *o, struct pkt *out)
{
	struct cur inner = *c;

	*c = o->c;
	if ((out->has & PKT_HAS_IP) != 0)
		c->lie = c->lie || inner.lie;
	else if (!inner.bad || inner.lie)
		pkt_restore_outer(o, out);
	else
		c->bad = true; /* for the tunnel around this one */
}

/*
 * Inward as far as there are tunnels, then outward again.  By itself, so that
 * packets without tunnels do not pay for the room on the stack.
 */
__attribute__((noinline)) static void
pkt_decode_tunnels(struct cur *c, struct pkt *out)
{
	struct pkt_outer outer[PKT_TUNNELS];
	unsigned int n = 0;
	bool more = true;

	while (more && n < PKT_TUNNELS) {
		pkt_save_outer(c, out, &outer[n++]);
		more = pkt_enter_tunnel(c, out);
	}
	while (n > 0)
		pkt_leave_tunnel(c, &outer[--n], out);
}

/*
 * Only what says which records hold facts is cleared: this runs once for
 * every packet of captures that are gigabytes long.
 */
void
pkt_decode(enum pkt_link link, const uint8_t *p, size_t len, size_t wire_len,
    struct pkt *out)
{
	struct cur c = cur_new(p, len, wire_len > len ? wire_len - len : 0);

	out->has = 0;
	out->n_vlans = 0;
	out->n_tunnels = 0;
	out->ethertype = 0;
	out->payload = NULL;
	out->payload_len = 0;
	out->payload_wire = 0;
	pkt_read_link(link, &c, out);
	if (!c.bad && pkt_decode_ip(&c, out))
		pkt_decode_tunnels(&c, out);
	if (len < wire_len)
		out->has |= PKT_SNAPPED;
	if (c.lie || len > wire_len)
		out->has |= PKT_MALFORMED;
}

bool
pkt_flow_key(const struct pkt *p, struct flow_key *out)
{
	if ((p->has & PKT_HAS_TCP) == 0)
		return false;
	out->src.addr = p->ip.src;
	out->src.port = p->tcp.sport;
	out->dst.addr = p->ip.dst;
	out->dst.port = p->tcp.dport;
	return true;
}

uint8_t
pkt_initial_ttl(uint8_t ttl)
{
	if (ttl <= 32)
		return 32;
	if (ttl <= 64)
		return 64;
	return ttl <= 128 ? 128 : 255;
}

const char *
pkt_format_flags(uint8_t flags, char buf[PKT_FLAGS_TEXT])
{
	static const struct {
		uint8_t bit;
		char letter;
	} order[] = {{PKT_TH_RST, 'R'}, {PKT_TH_SYN, 'S'}, {PKT_TH_FIN, 'F'},
	    {PKT_TH_PSH, 'P'}, {PKT_TH_ACK, 'A'}, {PKT_TH_URG, 'U'},
	    {PKT_TH_ECE, 'E'}, {PKT_TH_CWR, 'C'}};
	char *p = buf;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if ((flags & order[i].bit) != 0)
			*p++ = order[i].letter;
	*p = '\0';
	return buf;
}
