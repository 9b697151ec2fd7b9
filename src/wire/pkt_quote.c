/*
 * The packet that an ICMP error quotes, and the extensions behind it.
 */
#include <string.h>

#include "pkt_int.h"

/* RFC 4884 section 5.5: where old routers put extensions, unannounced. */
#define QUOTE_OLD_LEN 128

#define QUOTE_EXT_HEADER     4
#define QUOTE_EXT_VERSION    2
#define QUOTE_EXT_CLASS_MPLS 1
#define QUOTE_EXT_TYPE_MPLS  1

/* Stands in for "as long as the quoted packet says". */
#define QUOTE_HIDDEN 0x00ffffff

/* The Internet checksum, RFC 1071: 0xffff over what holds a right one. */
static uint16_t
quote_checksum(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint64_t)p[i] << 8 : p[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/*
 * RFC 4884 section 7, the extension header:
 *
 *  +-------+-----------------------+-------------------------------+
 *  |Version|       Reserved        |           Checksum            |
 *  +-------+-----------------------+-------------------------------+
 *
 * Checksum 0 says that there is none, and where the capture is cut none can
 * be verified; an announced structure then stands on its version alone.
 */
static bool
quote_ext_is_good(struct cur c, bool announced)
{
	const uint8_t *start = c.p;
	size_t len = cur_left(&c);
	uint8_t version = cur_u8(&c) >> 4;
	uint16_t checksum;

	cur_u8(&c);
	checksum = cur_be16(&c);
	if (c.bad || version != QUOTE_EXT_VERSION)
		return false;
	if (checksum == 0 || c.hidden > 0)
		return announced;
	return quote_checksum(start, len) == 0xffff;
}

/*
 * RFC 4950 section 4, one entry of the label stack:
 *
 *  +---------------------------------------+-----+-+---------------+
 *  |              Label (20)               | TC  |S|      TTL      |
 *  +---------------------------------------+-----+-+---------------+
 */
static void
quote_ext_read_mpls(struct cur *c, struct pkt_quote *q)
{
	while (q->n_mpls < PKT_MPLS && cur_left(c) >= 4) {
		uint32_t word = cur_be32(c);
		struct pkt_mpls *m = &q->mpls[q->n_mpls++];

		m->label = word >> 12;
		m->tc = word >> 9 & 7;
		m->bottom = (word >> 8 & 1) != 0;
		m->ttl = (uint8_t)word;
	}
}

/*
 * RFC 4884 section 7.1, objects one after another:
 *
 *  +-------------------------------+---------------+---------------+
 *  |        Length, all in         |   Class-Num   |    C-Type     |
 *  +-------------------------------+---------------+---------------+
 *  |                            Payload                            |
 *  +---------------------------------------------------------------+
 */
static void
quote_ext_read_objects(struct cur *c, struct pkt_quote *q)
{
	cur_skip(c, QUOTE_EXT_HEADER);
	while (!c->bad && cur_left(c) > 0) {
		size_t len = cur_be16(c);
		uint8_t class = cur_u8(c), type = cur_u8(c);
		struct cur body;

		if (c->bad)
			return;
		if (len < 4) {
			cur_lie(c);
			return;
		}
		body = cur_sub(c, len - 4);
		if (class == QUOTE_EXT_CLASS_MPLS &&
		    type == QUOTE_EXT_TYPE_MPLS)
			quote_ext_read_mpls(&body, q);
	}
}

static void
quote_read_tcp(struct cur *c, struct pkt_quote *q)
{
	size_t header_len;

	q->sport = cur_be16(c);
	q->dport = cur_be16(c);
	q->seq = cur_be32(c);
	q->has_ports = !c->bad;
	q->ack = cur_be32(c);
	q->has_ack = !c->bad;
	header_len = (size_t)(cur_u8(c) >> 4) * 4;
	q->flags = cur_u8(c);
	q->window = cur_be16(c);
	q->has_flags = !c->bad;
	q->checksum = cur_be16(c);
	q->has_checksum = !c->bad;
	cur_be16(c); /* the urgent pointer */
	if (c->bad || header_len <= 20)
		return;
	q->tcp_opts = cur_take(c, header_len - 20);
	if (q->tcp_opts != NULL)
		q->tcp_opts_len = (uint8_t)(header_len - 20);
}

static void
quote_read_udp(struct cur *c, struct pkt_quote *q)
{
	q->sport = cur_be16(c);
	q->dport = cur_be16(c);
	cur_skip(c, 4); /* length and checksum */
	q->has_ports = !c->bad;
}

static void
quote_read_icmp(struct cur *c, struct pkt_quote *q)
{
	uint8_t type = cur_u8(c);

	cur_skip(c, 3); /* code and checksum */
	q->echo_id = cur_be16(c);
	q->echo_seq = cur_be16(c);
	q->has_echo = !c->bad && type == (q->ip.version == 4 ? 8 : 128);
}

static void
quote_read_transport(struct cur *c, struct pkt_quote *q)
{
	if (c->bad || q->ip.frag_off != 0)
		return;
	if (q->ip.proto == PKT_PROTO_TCP)
		quote_read_tcp(c, q);
	else if (q->ip.proto == PKT_PROTO_UDP)
		quote_read_udp(c, q);
	else if (q->ip.proto ==
	    (q->ip.version == 4 ? PKT_PROTO_ICMP : PKT_PROTO_ICMPV6))
		quote_read_icmp(c, q);
}

/*
 * RFC 4884 section 4 pads the quote with zeros, so that it may look longer
 * than the packet quoted; only that packet's own length tells.
 */
static uint32_t
quote_true_len(const struct pkt_ip *ip, size_t sent)
{
	if (ip->total_len < (uint32_t)ip->header_len + PKT_QUOTE_MIN ||
	    ip->total_len > sent)
		return (uint32_t)sent;
	return ip->total_len;
}

/*
 * The quoted packet.  That the router cut it is no lie; nor is anything in
 * it about the error itself, so c's own verdict stays out of the caller's.
 */
static bool
quote_read_packet(struct cur c, uint8_t version, struct pkt_quote *q)
{
	size_t sent = cur_sent(&c);
	bool got;

	c.hidden = QUOTE_HIDDEN;
	memset(q, 0, sizeof(*q));
	if (version == 4)
		got = pkt_read_ip4(&c, &q->ip, true);
	else
		got = pkt_read_ip6(&c, &q->ip, true);
	if (!got)
		return false;
	q->quoted_len = quote_true_len(&q->ip, sent);
	quote_read_transport(&c, q);
	return true;
}

/*
 * Splits what is behind the ICMP header into quote and extensions.  RFC 4884
 * took its length from bytes that were unused before, and not by all set to
 * zero: what leaves no room for a quote, or no quote, is not believed.
 */
static struct cur
quote_split(struct cur *c, size_t quote_len, bool extensible, uint8_t version,
    bool *announced)
{
	size_t least = PKT_QUOTE_MIN + (version == 4 ? 20 : 40);
	struct cur old = *c;

	*announced = quote_len >= least && quote_len <= cur_sent(c);
	if (*announced)
		return cur_sub(c, quote_len);
	c->lie = c->lie || quote_len != 0;
	if (extensible && cur_left(c) >= QUOTE_OLD_LEN + QUOTE_EXT_HEADER) {
		cur_skip(&old, QUOTE_OLD_LEN);
		if (quote_ext_is_good(old, false))
			return cur_sub(c, QUOTE_OLD_LEN);
	}
	return cur_sub(c, cur_sent(c));
}

void
pkt_decode_quote(
    struct cur *c, size_t quote_len, bool extensible, struct pkt *out)
{
	bool announced;
	uint8_t version = out->ip.version;
	struct cur quote =
	    quote_split(c, quote_len, extensible, version, &announced);

	if (!quote_read_packet(quote, version, &out->quote)) {
		c->lie = c->lie || quote.hidden == 0;
		return;
	}
	out->has |= PKT_HAS_QUOTE;
	if (c->bad || cur_sent(c) == 0)
		return;
	if (quote_ext_is_good(*c, announced)) {
		out->quote.has_extensions = true;
		quote_ext_read_objects(c, &out->quote);
	} else if (c->hidden == 0) {
		c->lie = true;
	}
}
