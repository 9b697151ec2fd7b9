/*
 * The headers of tunnels: VXLAN, Geneve, GTP-U, GRE with ERSPAN, and IP in IP.
 * Each is read up to the packet that it carries.
 */
#include "pkt_int.h"

#define TUNNEL_PROTO_IP4 4
#define TUNNEL_PROTO_IP6 41
#define TUNNEL_PROTO_GRE 47

#define TUNNEL_PORT_VXLAN  4789
#define TUNNEL_PORT_VXLAN0 8472 /* Linux, from before there was a number */
#define TUNNEL_PORT_GTP_U  2152
#define TUNNEL_PORT_GENEVE 6081

#define TUNNEL_TYPE_ERSPAN  0x88be
#define TUNNEL_TYPE_ERSPAN3 0x22eb

#define TUNNEL_GTP_EXTENSIONS 8

/* Of what has no type of its own: by its first four bits. */
static uint16_t
tunnel_bare(struct cur *c)
{
	if (!cur_need(c, 1))
		return 0;
	if (*c->p >> 4 == 4)
		return PKT_ETHERTYPE_IP4;
	if (*c->p >> 4 == 6)
		return PKT_ETHERTYPE_IP6;
	cur_lie(c);
	return 0;
}

static uint16_t
tunnel_type(struct cur *c, uint16_t type)
{
	if (type == PKT_ETHERTYPE_FRAME || type == PKT_ETHERTYPE_IP4 ||
	    type == PKT_ETHERTYPE_IP6)
		return type;
	cur_lie(c);
	return 0;
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
static uint16_t
tunnel_vxlan(struct cur *c)
{
	const uint8_t *h = cur_take(c, 8);

	if (h == NULL)
		return 0;
	if ((h[0] & 0x08) != 0)
		return PKT_ETHERTYPE_FRAME;
	cur_lie(c);
	return 0;
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
static uint16_t
tunnel_geneve(struct cur *c)
{
	const uint8_t *h = cur_take(c, 8);

	if (h == NULL)
		return 0;
	if (h[0] >> 6 != 0)
		cur_lie(c);
	cur_skip(c, (h[0] & 0x3fU) * 4);
	return tunnel_type(c, cur_get16(h + 2));
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

		if (i == TUNNEL_GTP_EXTENSIONS || (n == 0 && !c->bad)) {
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
static uint16_t
tunnel_gtp_u(struct cur *c)
{
	const uint8_t *h = cur_take(c, 8);
	uint8_t next;

	if (h == NULL)
		return 0;
	if (h[0] >> 4 != 3 || h[1] != 255) {
		cur_lie(c);
		return 0;
	}
	if ((h[0] & 0x07) != 0) {
		cur_skip(c, 3);
		next = cur_u8(c);
		if ((h[0] & 0x04) != 0)
			tunnel_skip_gtp_extensions(c, next);
	}
	return tunnel_bare(c);
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
static uint16_t
tunnel_udp(struct cur *c)
{
	const uint8_t *h = cur_take(c, 8);

	if (h == NULL)
		return 0;
	switch (cur_get16(h + 2)) {
	case TUNNEL_PORT_VXLAN:
	case TUNNEL_PORT_VXLAN0:
		return tunnel_vxlan(c);
	case TUNNEL_PORT_GENEVE:
		return tunnel_geneve(c);
	case TUNNEL_PORT_GTP_U:
		return tunnel_gtp_u(c);
	default:
		cur_lie(c);
		return 0;
	}
}

/*
 * draft-foschiano-erspan-03: type I has no header of its own, type II one of 8
 * bytes, and a GRE sequence number; type III one of 12, and 8 more where the
 * last bit of it says so.
 */
static uint16_t
tunnel_erspan(struct cur *c, uint16_t type, bool numbered)
{
	const uint8_t *h;

	if (type == TUNNEL_TYPE_ERSPAN3) {
		h = cur_take(c, 12);
		if (h != NULL && (h[11] & 1) != 0)
			cur_skip(c, 8);
	} else if (numbered) {
		cur_skip(c, 8);
	}
	return PKT_ETHERTYPE_FRAME;
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
static uint16_t
tunnel_gre(struct cur *c)
{
	uint16_t flags = cur_be16(c), type = cur_be16(c);

	/* With R it is of RFC 1701, with a version PPTP's (RFC 2637). */
	if ((flags & 0x4007) != 0) {
		cur_lie(c);
		return 0;
	}
	cur_skip(c, (flags & 0x8000) != 0 ? 4 : 0);
	cur_skip(c, (flags & 0x2000) != 0 ? 4 : 0);
	cur_skip(c, (flags & 0x1000) != 0 ? 4 : 0);
	if (type == TUNNEL_TYPE_ERSPAN || type == TUNNEL_TYPE_ERSPAN3)
		return tunnel_erspan(c, type, (flags & 0x1000) != 0);
	return c->bad ? 0 : tunnel_type(c, type);
}

bool
pkt_may_tunnel(uint8_t proto)
{
	return proto == PKT_PROTO_UDP || proto == TUNNEL_PROTO_GRE ||
	    proto == TUNNEL_PROTO_IP4 || proto == TUNNEL_PROTO_IP6;
}

uint16_t
pkt_read_tunnel(struct cur *c, uint8_t proto)
{
	uint16_t type;

	switch (proto) {
	case TUNNEL_PROTO_IP4:
		type = PKT_ETHERTYPE_IP4;
		break;
	case TUNNEL_PROTO_IP6:
		type = PKT_ETHERTYPE_IP6;
		break;
	case TUNNEL_PROTO_GRE:
		type = tunnel_gre(c);
		break;
	default:
		type = tunnel_udp(c);
	}
	return c->bad ? 0 : type;
}
