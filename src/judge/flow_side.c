/*
 * One direction of a connection: what it usually sends.  This runs for every
 * packet of captures that are gigabytes long.
 */
#include <string.h>

#include "flow_int.h"

#define SIDE_RTT_MOST INT64_C(600000000000) /* ten minutes: a clock was set */

static void
side_count16(uint16_t *n)
{
	if (*n != UINT16_MAX)
		(*n)++;
}

static void
side_count32(uint32_t *n)
{
	if (*n != UINT32_MAX)
		(*n)++;
}

void
ttl_tally_add(struct ttl_tally *t, uint8_t ttl)
{
	unsigned int i;

	if (t->n > 0 && t->last != ttl)
		side_count16(&t->changes);
	t->last = ttl;
	for (i = 0; i < t->n && t->ttl[i] != ttl; i++)
		;
	if (i == FLOW_TTLS) {
		side_count32(&t->others);
		return;
	}
	if (i == t->n) {
		t->ttl[i] = ttl;
		t->n++;
	}
	side_count32(&t->packets[i]);
}

/* Most packets first; few enough to sort by insertion. */
void
ttl_tally_report(const struct ttl_tally *t, struct flow_ttl *out, uint8_t *n,
    uint32_t *others)
{
	*n = t->n;
	*others = t->others;
	for (unsigned int i = 0; i < t->n; i++) {
		struct flow_ttl row = {t->ttl[i], t->packets[i]};
		unsigned int at = i;

		for (; at > 0 && out[at - 1].packets < row.packets; at--)
			out[at] = out[at - 1];
		out[at] = row;
	}
}

static uint16_t
side_swap16(uint16_t v)
{
	return (uint16_t)(v << 8 | v >> 8);
}

void
id_run_add(struct id_run *r, uint16_t id)
{
	uint16_t step = (uint16_t)(id - r->last);
	uint16_t swapped = (uint16_t)(side_swap16(id) - side_swap16(r->last));
	bool first = id_run_packets(r) == 0;

	if (id == 0)
		side_count16(&r->zero);
	r->last = id;
	if (first)
		return;
	side_count16(&r->n);
	if (step == 0)
		side_count16(&r->same);
	else if (step <= ID_NEAR)
		side_count16(&r->near);
	else if (step <= ID_FAR)
		side_count16(&r->far);
	if (swapped != 0 && swapped <= ID_NEAR)
		side_count16(&r->swapped);
}

/*
 * Three steps in four, so that one packet out of order or lost to the capture
 * changes nothing.  By chance a random step is near one time in 4096, and far
 * one time in 16.
 */
enum flow_id_kind
id_run_kind(const struct id_run *r)
{
	unsigned int most = (3U * r->n + 3) / 4;

	if (r->n == 0)
		return FLOW_ID_UNKNOWN;
	if (r->zero > r->n * 3 / 4)
		return FLOW_ID_ZERO;
	if (r->same >= most)
		return FLOW_ID_CONSTANT;
	if ((unsigned int)r->near + r->zero >= most)
		return FLOW_ID_COUNTER;
	if (r->swapped >= most)
		return FLOW_ID_SWAPPED;
	if ((unsigned int)r->near + r->far + r->zero >= most)
		return FLOW_ID_SHARED;
	return r->n >= 3 ? FLOW_ID_RANDOM : FLOW_ID_UNKNOWN;
}

/* A first one that is 0 counts in `zero`, any other stands in `last`. */
uint32_t
id_run_packets(const struct id_run *r)
{
	return r->n + (uint32_t)((r->last | r->zero | r->n) != 0);
}

uint32_t
segment_len(const struct pkt_tcp *t, uint32_t payload)
{
	return payload + ((t->flags & PKT_TH_SYN) != 0) +
	    ((t->flags & PKT_TH_FIN) != 0);
}

void
half_make_mark(const struct flow_seen *s, struct flow_mark *out)
{
	const struct pkt *p = s->pkt;

	*out = (struct flow_mark){.unix_ns = s->unix_ns,
	    .frame = s->frame,
	    .file = s->file,
	    .seq = p->tcp.seq,
	    .ack = p->tcp.ack,
	    .len = p->payload_wire,
	    .window = p->tcp.window,
	    .id = p->ip.id,
	    .ttl = p->ip.ttl,
	    .tos = p->ip.tos,
	    .flags = p->tcp.flags,
	    .df = p->ip.df};
}

/* Lately; 0 it always has.  All are looked at: no branch to guess wrongly. */
static bool
side_has_sent_id(const struct half *h, uint16_t id)
{
	bool has = false;

	for (unsigned int i = 0; i < FLOW_IDS; i++)
		has |= h->ids[i] == id;
	return has;
}

/*
 * The very packet again: a capture on both sides of a router, or of a port
 * mirror that sees it come and go.  A sender that repeats a segment gives it
 * a new ID, unless its IDs never change; then only a lower TTL tells.
 */
static bool
side_is_duplicate(const struct half *h, const struct pkt *p)
{
	const struct flow_mark *l = &h->last;
	bool alike = l->frame != 0 && l->seq == p->tcp.seq &&
	    l->ack == p->tcp.ack && l->flags == p->tcp.flags &&
	    l->len == p->payload_wire;

	if (!p->ip.has_id || p->ip.id == 0)
		return alike && l->ttl != p->ip.ttl &&
		    l->window == p->tcp.window;
	if (l->id == p->ip.id && l->frame != 0)
		return alike && h->run.same <= h->run.n / 2;
	if ((h->seen & FLOW_SEEN_SEQ) == 0 || h->run.same > h->run.n / 4)
		return false;
	return side_has_sent_id(h, p->ip.id) &&
	    !seq_after(p->tcp.seq + segment_len(&p->tcp, p->payload_wire),
		h->seq_next);
}

uint16_t
half_number(const struct pkt_ip *ip)
{
	return ip->version == 4 ? ip->id : (uint16_t)ip->flow_label;
}

static void
side_see_header(struct half *h, const struct pkt *p)
{
	if (h->packets > 1 && ((h->last.tos ^ p->ip.tos) & 0xfc) != 0)
		h->seen |= FLOW_SEEN_OTHER_TOS;
	h->seen |= p->ip.df ? FLOW_SEEN_DF : FLOW_SEEN_NO_DF;
	h->seen |= p->tcp.has_ts ? FLOW_SEEN_TS : FLOW_SEEN_NO_TS;
	if (p->tcp.has_ts)
		h->tsval = p->tcp.tsval;
	if (p->ip.version == 4)
		id_run_add(&h->run, p->ip.id);
	memmove(h->ids + 1, h->ids, sizeof(h->ids) - sizeof(h->ids[0]));
	h->ids[0] = half_number(&p->ip);
}

static void
side_see_mac(struct half *h, const struct pkt *p)
{
	if ((p->has & PKT_HAS_MAC) == 0)
		return;
	if ((h->seen & FLOW_SEEN_MAC) == 0) {
		memcpy(h->mac, p->mac_src, ADDR_MAC);
		h->seen |= FLOW_SEEN_MAC;
	} else if (memcmp(h->mac, p->mac_src, ADDR_MAC) != 0)
		h->seen |= FLOW_SEEN_OTHER_MAC;
}

static void
side_see_flags(struct half *h, const struct pkt *p)
{
	const struct pkt_tcp *t = &p->tcp;

	if ((t->flags & PKT_TH_SYN) != 0) {
		h->seen |= (t->flags & PKT_TH_ACK) != 0 ? FLOW_SEEN_SYNACK
							: FLOW_SEEN_SYN;
		h->isn = t->seq;
		h->wscale = t->has_wscale ? t->wscale : 0;
	}
	if ((t->flags & PKT_TH_FIN) != 0)
		h->seen |= FLOW_SEEN_FIN;
}

/*
 * The round trip from here to this side and back: from new data of the other
 * side to the first acknowledgement of all of it.  A segment sent again is
 * not timed (Karn: nobody can tell which one was answered).
 */
static void
side_see_ack(struct half *h, struct half *other, const struct flow_seen *s)
{
	uint32_t ack = s->pkt->tcp.ack;
	int64_t rtt = s->unix_ns - other->timed_ns;

	if ((h->seen & FLOW_SEEN_ACK) == 0 || seq_after(ack, h->ack_high))
		h->ack_high = ack;
	h->seen |= FLOW_SEEN_ACK;
	if (other->timed_ns == 0 || seq_after(other->timed_end, ack))
		return;
	other->timed_ns = 0;
	if (rtt <= 0 || rtt > SIDE_RTT_MOST)
		return;
	if (h->rtt_min_ns == 0 || rtt < h->rtt_min_ns)
		h->rtt_min_ns = rtt;
	if ((s->pkt->tcp.flags & PKT_TH_SYN) != 0)
		h->rtt_handshake = true;
	if (h->rtt_samples != UINT8_MAX)
		h->rtt_samples++;
}

static void
side_see_seq(struct half *h, const struct flow_seen *s)
{
	const struct pkt_tcp *t = &s->pkt->tcp;
	uint32_t end = t->seq + segment_len(t, s->pkt->payload_wire);

	if (end == t->seq) {
		if ((h->seen & FLOW_SEEN_SEQ) == 0)
			h->seq_next = end;
		h->seen |= FLOW_SEEN_SEQ;
		return;
	}
	if ((h->seen & FLOW_SEEN_SEQ) != 0 && !seq_after(end, h->seq_next)) {
		h->timed_ns = 0;
		return;
	}
	h->seq_next = end;
	h->seen |= FLOW_SEEN_SEQ;
	if (h->timed_ns == 0) {
		h->timed_ns = s->unix_ns;
		h->timed_end = end;
	}
}

/*
 * Two marks of three, of which the TTL is one, set it apart from the packet
 * that began this side: somebody else makes packets in its name.
 */
static bool
side_is_injected(const struct half *h, const struct pkt *p)
{
	int off = (int)p->ip.ttl - h->ttl.ttl[0];
	bool df, tos;

	if (off == 0 || h->packets == 0 || h->ttl_of_duplicate)
		return false;
	df = p->ip.version == 4 && p->ip.df != h->first.df;
	tos = ((p->ip.tos ^ h->first.tos) & 0xfc) != 0;
	return df + tos + (off > 2 || off < -2) >= 2;
}

const struct flow_mark *
half_last_data(const struct half *h)
{
	return h->last.len > 0 ? &h->last : &h->older_data;
}

enum half_saw
half_see(struct half *h, struct half *other, const struct flow_seen *s)
{
	const struct pkt *p = s->pkt;

	if (side_is_injected(h, p)) {
		side_count32(&h->injected);
		return HALF_SAW_FOREIGN;
	}
	ttl_tally_add(&h->ttl, p->ip.ttl);
	side_see_mac(h, p);
	if (side_is_duplicate(h, p)) {
		h->ttl_of_duplicate =
		    h->ttl_of_duplicate || h->last.ttl != p->ip.ttl;
		side_count32(&h->twice);
		return HALF_SAW_TWICE;
	}
	side_count32(&h->packets);
	side_see_header(h, p);
	side_see_flags(h, p);
	side_see_seq(h, s);
	if ((p->tcp.flags & PKT_TH_ACK) != 0)
		side_see_ack(h, other, s);
	/* Bulk data writes one mark a packet, not two. */
	if (h->last.len > 0 && p->payload_wire == 0)
		h->older_data = h->last;
	half_make_mark(s, &h->last);
	if (h->packets == 1)
		h->first = h->last;
	if (p->payload_wire > 0) {
		h->seen |= FLOW_SEEN_DATA;
		side_count32(&h->data_packets);
	}
	return HALF_SAW_NEW;
}

void
half_report(const struct half *h, struct flow_side *out)
{
	uint32_t n = id_run_packets(&h->run);
	uint32_t numbered = n > 0 ? n : h->packets; /* by flow labels */

	*out = (struct flow_side){.packets = h->packets,
	    .data_packets = h->data_packets,
	    .twice = h->twice,
	    .seen = h->seen,
	    .ttl_changes = h->ttl.changes,
	    .ttl_of_duplicate = h->ttl_of_duplicate,
	    .id_kind = id_run_kind(&h->run),
	    .n_ids = (uint8_t)(numbered < FLOW_IDS ? numbered : FLOW_IDS),
	    .id_packets = n,
	    .tos = h->last.tos,
	    .wscale = h->wscale,
	    .window = h->last.window,
	    .isn = h->isn,
	    .seq_next = h->seq_next,
	    .ack_high = h->ack_high,
	    .tsval = h->tsval,
	    .first = h->first,
	    .last = h->last,
	    .last_data = *half_last_data(h),
	    .injected = h->injected,
	    .rtt_min_ns = h->rtt_min_ns,
	    .rtt_samples = h->rtt_samples,
	    .rtt_handshake = h->rtt_handshake};
	ttl_tally_report(&h->ttl, out->ttls, &out->n_ttls, &out->ttl_others);
	memcpy(out->mac, h->mac, ADDR_MAC);
	memcpy(out->ids, h->ids, sizeof(out->ids));
}
