/*
 * ICMP and ICMPv6 messages.
 */
#include <string.h>

#include "pkt_int.h"

enum icmp_kind {
	ICMP_OTHER,
	ICMP_ECHO_REQUEST,
	ICMP_ECHO_REPLY,
	ICMP_ERROR,	       /* quotes a packet */
	ICMP_EXTENSIBLE_ERROR, /* and may have extensions, RFC 4884 */
};

/* RFC 792, in the order of its sections. */
static enum icmp_kind
icmp_kind4(uint8_t type)
{
	switch (type) {
	case 3:	 /* destination unreachable */
	case 11: /* time exceeded */
	case 12: /* parameter problem */
		return ICMP_EXTENSIBLE_ERROR;
	case 4: /* source quench */
	case 5: /* redirect */
		return ICMP_ERROR;
	case 8:
		return ICMP_ECHO_REQUEST;
	case 0:
		return ICMP_ECHO_REPLY;
	default:
		return ICMP_OTHER;
	}
}

/* RFC 4443, in the order of its sections. */
static enum icmp_kind
icmp_kind6(uint8_t type)
{
	switch (type) {
	case 1: /* destination unreachable */
	case 3: /* time exceeded */
		return ICMP_EXTENSIBLE_ERROR;
	case 2: /* packet too big: an MTU where the length would be */
	case 4: /* parameter problem: a pointer there */
		return ICMP_ERROR;
	case 128:
		return ICMP_ECHO_REQUEST;
	case 129:
		return ICMP_ECHO_REPLY;
	default:
		return ICMP_OTHER;
	}
}

/*
 * RFC 4884 sections 4.1 to 4.5: the length of the quote stands in the second
 * byte of the word that was unused, in 32-bit words; in ICMPv6 in its first
 * byte, in 64-bit words.
 */
static size_t
icmp_quote_len(uint8_t version, uint16_t word)
{
	return version == 4 ? (word & 0xffu) * 4 : (word >> 8) * 8u;
}

/*
 * RFC 792, RFC 4443 section 2.1; the second word is the type's own:
 *
 *  +---------------+---------------+-------------------------------+
 *  |     Type      |     Code      |           Checksum            |
 *  +---------------+---------------+-------------------------------+
 *  |          Identifier           |        Sequence number        |  echo
 *  +---------------+---------------+-------------------------------+
 *  |    unused     |    Length     |        unused, or MTU         |  v4
 *  +---------------+---------------+-------------------------------+
 *  |    Length     |                    unused                     |  v6
 *  +---------------+-----------------------------------------------+
 */
void
pkt_decode_icmp(struct cur *c, struct pkt *out)
{
	struct pkt_icmp m = {0};
	bool v4 = out->ip.version == 4;
	enum icmp_kind kind;
	uint16_t high, low;

	m.type = cur_u8(c);
	m.code = cur_u8(c);
	m.checksum = cur_be16(c);
	high = cur_be16(c);
	low = cur_be16(c);
	if (c->bad)
		return;
	kind = v4 ? icmp_kind4(m.type) : icmp_kind6(m.type);
	m.is_echo_request = kind == ICMP_ECHO_REQUEST;
	m.is_echo_reply = kind == ICMP_ECHO_REPLY;
	if (m.is_echo_request || m.is_echo_reply) {
		m.id = high;
		m.seq = low;
	}
	m.is_time_exceeded = m.type == (v4 ? 11 : 3) && m.code == 0;
	m.is_unreachable = m.type == (v4 ? 3 : 1);
	out->icmp = m;
	out->has |= PKT_HAS_ICMP;
	if (kind == ICMP_EXTENSIBLE_ERROR)
		pkt_decode_quote(
		    c, icmp_quote_len(out->ip.version, high), true, out);
	else if (kind == ICMP_ERROR)
		pkt_decode_quote(c, 0, false, out);
}
