/*
 * Packets in packets: VXLAN, Geneve, GTP-U, GRE with ERSPAN, and IP in IP.
 *
 * What is said of such a packet is said of the innermost: its addresses, TTL
 * and ports, and the MACs of the frame that it came in, if in one at all.
 */
#include <string.h>

#include "pkt_int.h"

#define PROTO_IP4 4
#define PROTO_IP6 41
#define PROTO_GRE 47

#define PORT_VXLAN  4789
#define PORT_VXLAN0 8472 /* Linux, from before there was a number */
#define PORT_GTP_U  2152
#define PORT_GENEVE 6081

#define TYPE_ETHERNET 0x6558 /* transparent Ethernet bridging */
#define TYPE_ERSPAN   0x88be
#define TYPE_ERSPAN3  0x22eb

#define GTP_EXTENSIONS_MAX 8

static void
tunnel_ip(struct cur *c, uint16_t ethertype, struct pkt *out)
{
	out->ethertype = ethertype;
	pkt_decode_ip(c, out);
}

/* Of what has no type of its own: by its first four bits. */
static void
tunnel_bare(struct cur *c, struct pkt *out)
{
	if (!cur_need(c, 1))
		return;
	if (*c->p >> 4 == 4)
		tunnel_ip(c, PKT_ETHERTYPE_IP4, out);
	else if (*c->p >> 4 == 6)
		tunnel_ip(c, PKT_ETHERTYPE_IP6, out);
	else
		cur_lie(c);
}

static void
tunnel_type(struct cur *c, uint16_t type, struct pkt *out)
{
	if (type == TYPE_ETHERNET)
		pkt_decode_ethernet(c, out);
	else if (type == PKT_ETHERTYPE_IP4 || type == PKT_ETHERTYPE_IP6)
		tunnel_ip(c, type, out);
	else
		cur_lie(c);
}

/*
 * RFC 7348 section 5, then an Ethernet frame:
 *
 *  +-+-+-+-+-+-+-+-+-----------------------------------------------+
 *  |R|R|R|R|I|R|R|R|                   Reserved                    |
 *  +-+-+-+-+-+-+-+-+-------------------------------+---------------+
 *  |                   VNI                         |   Reserved    |
 *  +-----------------------------------------------+---------------+
 */
static void
tunnel_vxlan(struct cur *c, struct pkt *out)
{
	const uint8_t *h = cur_take(c, 8);

	if (h == NULL)
		return;
	if (h[0] & 0x08)
		pkt_decode_ethernet(c, out);
	else
		cur_lie(c);
}

/*
 * RFC 8926 section 3.4, then options of so many times 4 bytes:
 *
 *  +---+-----------+-+-+-----------+-------------------------------+
 *  |Ver|  Opt Len  |O|C|   Rsvd.   |         Protocol Type         |
 *  +---+-----------+-+-+-----------+---------------+---------------+
 *  |                   VNI                         |   Reserved    |
 *  +-----------------------------------------------+---------------+
 */
static void
tunnel_geneve(struct cur *c, struct pkt *out)
{
	const uint8_t *h = cur_take(c, 8);

	if (h == NULL)
		return;
	if (h[0] >> 6 != 0)
		cur_lie(c);
	cur_skip(c, (h[0] & 0x3fU) * 4);
	tunnel_type(c, cur_get16(h + 2), out);
}

/*
 * 3GPP TS 29.281 section 5.2: an extension header's first byte counts 4 bytes
 * each, its last one is the type of the next; 0 ends them.
 */
static void
tunnel_skip_gtp_extensions(struct cur *c, uint8_t next)
{
	for (int i = 0; next != 0 && !c->bad; i++) {
		size_t n = cur_u8(c) * (size_t)4;

		if (i == GTP_EXTENSIONS_MAX || (n == 0 && !c->bad)) {
			cur_lie(c);
			return;
		}
		cur_skip(c, n - 2);
		next = cur_u8(c);
	}
}

/*
 * 3GPP TS 29.281 section 5.1; the last row is there where one of E, S, PN is
 * set.  A G-PDU, of type 255, holds an IP packet.
 *
 *  +-----+-+-+-+-+--+--------------+-------------------------------+
 *  |Ver 1|1|*|E|S|PN| Message type |            Length             |
 *  +-----+-+-+-+-+--+--------------+-------------------------------+
 *  |                             TEID                              |
 *  +-------------------------------+---------------+---------------+
 *  |        Sequence number        | N-PDU number  |   Next type   |
 *  +-------------------------------+---------------+---------------+
 */
static void
tunnel_gtp_u(struct cur *c, struct pkt *out)
{
	const uint8_t *h = cur_take(c, 8);
	uint8_t next;

	if (h == NULL)
		return;
	if (h[0] >> 4 != 3 || h[1] != 255) {
		cur_lie(c);
		return;
	}
	if (h[0] & 0x07) {
		cur_skip(c, 3);
		next = cur_u8(c);
		if (h[0] & 0x04)
			tunnel_skip_gtp_extensions(c, next);
	}
	tunnel_bare(c, out);
}

/*
 * RFC 768:
 *
 *  +-------------------------------+-------------------------------+
 *  |          Source port          |       Destination port        |
 *  +-------------------------------+-------------------------------+
 *  |            Length             |           Checksum            |
 *  +-------------------------------+-------------------------------+
 */
static void
tunnel_udp(struct cur *c, struct pkt *out)
{
	const uint8_t *h = cur_take(c, 8);

	if (h == NULL)
		return;
	switch (cur_get16(h + 2)) {
	case PORT_VXLAN:
	case PORT_VXLAN0:
		tunnel_vxlan(c, out);
		break;
	case PORT_GENEVE:
		tunnel_geneve(c, out);
		break;
	case PORT_GTP_U:
		tunnel_gtp_u(c, out);
		break;
	default:
		cur_lie(c);
	}
}

/*
 * draft-foschiano-erspan-03: type I has no header of its own, type II one of 8
 * bytes, and a GRE sequence number; type III one of 12, and 8 more where the
 * last bit of it says so.
 */
static void
tunnel_erspan(struct cur *c, uint16_t type, bool numbered, struct pkt *out)
{
	const uint8_t *h;

	if (type == TYPE_ERSPAN3) {
		h = cur_take(c, 12);
		if (h != NULL && (h[11] & 1))
			cur_skip(c, 8);
	} else if (numbered) {
		cur_skip(c, 8);
	}
	if (!c->bad)
		pkt_decode_ethernet(c, out);
}

/*
 * RFC 2784 section 2.1 and RFC 2890 section 2; checksum, key and number are
 * there where their bits are set.  NVGRE (RFC 7637) is one with a key.
 *
 *  +-+-+-+-+-----------------+-----+-------------------------------+
 *  |C|R|K|S|    Reserved0    | Ver |         Protocol type         |
 *  +-+-+-+-+-----------------+-----+-------------------------------+
 *  |           Checksum            |           Reserved1           |
 *  +-------------------------------+-------------------------------+
 *  |                              Key                              |
 *  +---------------------------------------------------------------+
 *  |                        Sequence number                        |
 *  +---------------------------------------------------------------+
 */
static void
tunnel_gre(struct cur *c, struct pkt *out)
{
	uint16_t flags = cur_be16(c), type = cur_be16(c);

	/* With R it is of RFC 1701, with a version PPTP's (RFC 2637). */
	if (flags & 0x4007) {
		cur_lie(c);
		return;
	}
	cur_skip(c, flags & 0x8000 ? 4 : 0);
	cur_skip(c, flags & 0x2000 ? 4 : 0);
	cur_skip(c, flags & 0x1000 ? 4 : 0);
	if (type == TYPE_ERSPAN || type == TYPE_ERSPAN3)
		tunnel_erspan(c, type, flags & 0x1000, out);
	else if (!c->bad)
		tunnel_type(c, type, out);
}

static void
tunnel_decode(struct cur *c, uint8_t proto, struct pkt *out)
{
	switch (proto) {
	case PROTO_IP4:
		tunnel_ip(c, PKT_ETHERTYPE_IP4, out);
		break;
	case PROTO_IP6:
		tunnel_ip(c, PKT_ETHERTYPE_IP6, out);
		break;
	case PROTO_GRE:
		tunnel_gre(c, out);
		break;
	default:
		tunnel_udp(c, out);
	}
}

/* What is known of the outer packet, while it is tried what is in it. */
struct outer {
	uint32_t has;
	struct pkt_ip ip;
	uint8_t macs[2 * ADDR_MAC];
	uint8_t n_vlans;
	uint16_t vlans[PKT_VLANS];
	uint16_t ethertype;
};

static void
tunnel_save(const struct pkt *p, struct outer *o)
{
	o->has = p->has;
	o->ip = p->ip;
	memcpy(o->macs, p->mac_src, ADDR_MAC);
	memcpy(o->macs + ADDR_MAC, p->mac_dst, ADDR_MAC);
	o->n_vlans = p->n_vlans;
	memcpy(o->vlans, p->vlans, sizeof(o->vlans));
	o->ethertype = p->ethertype;
}

static void
tunnel_restore(const struct outer *o, struct pkt *p)
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

/*
 * A port or a number is no proof: what turns out not to be a tunnel keeps the
 * facts that it has.  One that the capture cut short before its inner header
 * has none left: the outer ones are not those of what it carries.
 */
void
pkt_decode_tunnel(struct cur *c, struct pkt *out)
{
	uint8_t proto = out->ip.proto;
	struct cur inner = *c;
	struct outer o;

	if (out->n_tunnels == PKT_TUNNELS ||
	    (proto != PKT_PROTO_UDP && proto != PROTO_GRE &&
		proto != PROTO_IP4 && proto != PROTO_IP6))
		return;
	tunnel_save(out, &o);
	out->has = 0;
	out->n_vlans = 0;
	out->n_tunnels++;
	inner.lie = false;
	/* The rest of it was sent in other fragments. */
	if (o.ip.mf)
		inner.hidden += UINT16_MAX;
	tunnel_decode(&inner, proto, out);
	if (out->has & PKT_HAS_IP)
		c->lie = c->lie || inner.lie;
	else if (!inner.bad || inner.lie)
		tunnel_restore(&o, out);
	else
		c->bad = true; /* for the tunnel around this one */
}
