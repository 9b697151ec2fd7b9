/*
 * TCP headers and their options.
 */
#include "pkt_int.h"

#define TCP_FIXED 20

#define TCP_OPT_EOL    0
#define TCP_OPT_NOP    1
#define TCP_OPT_MSS    2
#define TCP_OPT_WSCALE 3
#define TCP_OPT_SACKOK 4
#define TCP_OPT_SACK   5
#define TCP_OPT_TS     8

#define TCP_USUAL	12
#define TCP_USUAL_START 0x0101080a /* NOP, NOP, timestamps and their length */

/* Does an option of this kind have n bytes behind its kind and length? */
static bool
tcp_option_fits(uint8_t kind, size_t n)
{
	switch (kind) {
	case TCP_OPT_MSS:
		return n == 2;
	case TCP_OPT_WSCALE:
		return n == 1;
	case TCP_OPT_SACKOK:
		return n == 0;
	case TCP_OPT_SACK:
		return n > 0 && n % 8 == 0;
	case TCP_OPT_TS:
		return n == 8;
	default:
		return true;
	}
}

static void
tcp_read_sacks(struct cur *c, struct pkt_tcp *t)
{
	for (t->n_sacks = 0; t->n_sacks < PKT_SACKS && cur_left(c) > 0;
	     t->n_sacks++) {
		t->sacks[t->n_sacks].left = cur_be32(c);
		t->sacks[t->n_sacks].right = cur_be32(c);
	}
}

/* MSS: RFC 9293 section 3.2; the rest: RFC 7323 section 2, 3, RFC 2018. */
static void
tcp_read_option(struct cur *c, uint8_t kind, struct pkt_tcp *t)
{
	switch (kind) {
	case TCP_OPT_MSS:
		t->has_mss = true;
		t->mss = cur_be16(c);
		break;
	case TCP_OPT_WSCALE:
		t->has_wscale = true;
		t->wscale = cur_u8(c);
		break;
	case TCP_OPT_SACKOK:
		t->sack_ok = true;
		break;
	case TCP_OPT_SACK:
		tcp_read_sacks(c, t);
		break;
	case TCP_OPT_TS:
		t->has_ts = true;
		t->tsval = cur_be32(c);
		t->tsecr = cur_be32(c);
		break;
	default:
		break;
	}
}

/*
 * RFC 9293 section 3.1: a lone kind, or
 *
 *  +---------------+---------------+------------------- - -
 *  |     Kind      | Length, all in|  Length - 2 bytes
 *  +---------------+---------------+------------------- - -
 *
 * The first that can't be true ends the walk: where the next one starts is
 * then anybody's guess.
 */
static void
tcp_read_options(struct cur *c, struct pkt_tcp *t)
{
	while (cur_left(c) > 0) {
		uint8_t kind = cur_u8(c), len;
		struct cur body;

		if (kind == TCP_OPT_EOL)
			return;
		if (kind == TCP_OPT_NOP)
			continue;
		len = cur_u8(c);
		if (c->bad)
			return;
		if (len < 2 || !tcp_option_fits(kind, len - 2u)) {
			cur_lie(c);
			return;
		}
		body = cur_sub(c, len - 2u);
		if (c->bad)
			return;
		tcp_read_option(&body, kind, t);
	}
}

/*
 * RFC 9293 section 3.1:
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-------------------------------+-------------------------------+
 *  |          Source port          |       Destination port        |
 *  +-------------------------------+-------------------------------+
 *  |                        Sequence number                        |
 *  +---------------------------------------------------------------+
 *  |                     Acknowledgment number                     |
 *  +-------+-------+---------------+-------------------------------+
 *  |Offset |  Rsv  |C E U A P R S F|            Window             |
 *  +-------+-------+---------------+-------------------------------+
 *  |           Checksum            |        Urgent pointer         |
 *  +-------------------------------+-------------------------------+
 *  |                           [Options]                           |
 *  +---------------------------------------------------------------+
 */
static void
tcp_read_fixed(const uint8_t *h, struct pkt_tcp *t)
{
	t->sport = cur_get16(h);
	t->dport = cur_get16(h + 2);
	t->seq = cur_get32(h + 4);
	t->ack = cur_get32(h + 8);
	t->header_len = (uint8_t)((h[12] >> 4) * 4);
	t->reserved = h[12] & 0x0f;
	t->flags = h[13];
	t->window = cur_get16(h + 14);
	t->checksum = cur_get16(h + 16);
	t->urg = cur_get16(h + 18);
	t->opts = NULL;
	t->opts_len = 0;
	t->has_mss = t->has_wscale = t->sack_ok = t->has_ts = false;
	t->mss = 0;
	t->wscale = 0;
	t->tsval = t->tsecr = 0;
	t->n_sacks = 0;
}

/*
 * What nearly every segment bears, in the form that RFC 7323, appendix A,
 * advises: NOP, NOP and the timestamps.
 */
static bool
tcp_read_usual(struct cur c, struct pkt_tcp *t)
{
	const uint8_t *p = cur_take(&c, TCP_USUAL);

	if (p == NULL || cur_left(&c) > 0 || cur_get32(p) != TCP_USUAL_START)
		return false;
	t->has_ts = true;
	t->tsval = cur_get32(p + 4);
	t->tsecr = cur_get32(p + 8);
	return true;
}

/* The options: shown as a whole only where they are whole. */
static void
tcp_decode_options(struct cur *c, struct pkt_tcp *t)
{
	size_t n = t->header_len - (size_t)TCP_FIXED;
	struct cur opts;

	if (n == 0)
		return;
	opts = cur_sub(c, n);
	if (cur_left(&opts) == n) {
		t->opts = opts.p;
		t->opts_len = (uint8_t)n;
	}
	if (tcp_read_usual(opts, t))
		return;
	tcp_read_options(&opts, t);
	c->lie = c->lie || opts.lie;
}

void
pkt_decode_tcp(struct cur *c, struct pkt *out)
{
	const uint8_t *h = cur_take(c, TCP_FIXED);
	struct pkt_tcp *t = &out->tcp;

	if (h == NULL)
		return;
	tcp_read_fixed(h, t);
	out->has |= PKT_HAS_TCP;
	if (t->header_len < TCP_FIXED ||
	    (size_t)t->header_len - TCP_FIXED > cur_sent(c)) {
		cur_lie(c);
		return;
	}
	tcp_decode_options(c, t);
	out->payload_wire = (uint32_t)cur_sent(c);
	out->payload_len = (uint32_t)cur_left(c);
	out->payload = cur_left(c) > 0 ? c->p : NULL;
}
