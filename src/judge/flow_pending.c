/*
 * A reset that waits: the facts as it came, and what came after it.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/vec.h>

#include "flow_int.h"

/* Data that passed longer ago than this fired nothing just now. */
#define PENDING_TRIGGER_RECENT_NS INT64_C(5000000000)

static void
pending_fill_packet(struct flow_reset *r, const struct flow_seen *s)
{
	const struct pkt *p = s->pkt;
	uint32_t n = p->payload_len;

	half_make_mark(s, &r->mark);
	r->has_id = p->ip.has_id && p->ip.version == 4;
	r->is_v6 = p->ip.version == 6;
	r->label = r->is_v6 ? half_number(&p->ip) : 0;
	r->has_mac = (p->has & PKT_HAS_MAC) != 0;
	if (r->has_mac) {
		memcpy(r->mac_src, p->mac_src, ADDR_MAC);
		memcpy(r->mac_dst, p->mac_dst, ADDR_MAC);
	}
	r->has_ts = p->tcp.has_ts;
	r->tsval = p->tcp.has_ts ? p->tcp.tsval : 0;
	r->tsecr = p->tcp.has_ts ? p->tcp.tsecr : 0;
	r->opts_len = p->tcp.opts_len;
	r->reserved_bits = p->tcp.reserved != 0;
	r->snapped = (p->has & PKT_SNAPPED) != 0;
	r->urg = p->tcp.urg;
	if (p->payload == NULL)
		return;
	r->data_len = (uint8_t)(n < FLOW_RST_DATA ? n : FLOW_RST_DATA);
	memcpy(r->data, p->payload, r->data_len);
}

/*
 * Do the reset's numbers answer this packet (RFC 9293, section 3.10.7.1)?
 * Without ACK its seq is the packet's ack; with it, its ack is the first byte
 * behind the packet.
 */
static bool
pending_answers(const struct flow_mark *rst, const struct flow_mark *m)
{
	uint32_t len = m->len + ((m->flags & PKT_TH_SYN) != 0) +
	    ((m->flags & PKT_TH_FIN) != 0);

	if (m->frame == 0)
		return false;
	if ((rst->flags & PKT_TH_ACK) != 0)
		return rst->ack == m->seq + len;
	return (m->flags & PKT_TH_ACK) != 0 && rst->seq == m->ack;
}

static void
pending_find_trigger(struct flow_reset *r)
{
	const struct flow_mark *data = &r->receiver.last_data;
	const struct flow_mark *last = &r->receiver.last;
	bool recent = data->frame != 0 &&
	    r->mark.unix_ns - data->unix_ns <= PENDING_TRIGGER_RECENT_NS;
	const struct flow_mark *m = recent ? data : last;

	if (pending_answers(&r->mark, data) &&
	    (recent || !pending_answers(&r->mark, last)))
		m = data;
	else if (pending_answers(&r->mark, last))
		m = last;
	/* An echoed ID says which, whatever the numbers do. */
	if (r->has_id && r->mark.id != 0 && r->mark.id == last->id &&
	    r->mark.id != m->id)
		m = last;
	r->trigger = *m;
	r->trigger_exact = pending_answers(&r->mark, m);
	r->trigger_was_probe = m->frame != 0 &&
	    m->ttl < r->receiver.first.ttl &&
	    r->receiver.first.ttl == pkt_initial_ttl(r->receiver.first.ttl);
}

void
pending_fill(struct pending *p, const struct node *n, int side,
    const struct flow_seen *s)
{
	struct flow_reset *r = &p->r;

	memset(r, 0, sizeof(*r));
	p->side = side;
	p->pkts = 0;
	r->client = n->ends.e[n->client];
	r->server = n->ends.e[!n->client];
	r->roles = (enum flow_roles)n->roles;
	r->to_client = side != n->client;
	pending_fill_packet(r, s);
	half_report(&n->half[side], &r->sender);
	half_report(&n->half[!side], &r->receiver);
	if (n->rare->injected != NULL) {
		r->sender.last_injected = n->rare->injected[side];
		r->receiver.last_injected = n->rare->injected[!side];
	}
	r->flow_packets = n->half[0].packets + n->half[1].packets;
	pending_find_trigger(r);
}

static void
pending_see_from_sender(struct pending *p, const struct flow_mark *m)
{
	struct flow_after *a = &p->r.after;
	const struct flow_side *before = &p->r.sender;
	uint32_t end = m->seq + m->len;

	a->packets++;
	if (a->first.frame == 0)
		a->first = *m;
	if ((m->flags & PKT_TH_SYN) != 0 && (m->flags & PKT_TH_ACK) != 0)
		a->synack = true;
	if ((m->flags & PKT_TH_FIN) != 0)
		a->fin = true;
	if ((m->flags & PKT_TH_ACK) != 0 &&
	    (before->seen & FLOW_SEEN_ACK) != 0 &&
	    seq_after(m->ack, before->ack_high))
		a->acked_more = true;
	if (m->len == 0)
		return;
	if ((before->seen & FLOW_SEEN_SEQ) != 0 &&
	    !seq_after(end, before->seq_next)) {
		a->old_packets++;
		return;
	}
	a->data_packets++;
	if (a->first_data.frame == 0)
		a->first_data = *m;
}

static void
pending_see_from_receiver(struct pending *p, const struct flow_mark *m)
{
	struct flow_after *a = &p->r.after;
	const struct flow_side *before = &p->r.receiver;
	bool fresh = (before->seen & FLOW_SEEN_SEQ) == 0 ||
	    seq_after(m->seq + m->len, before->seq_next);

	a->receiver_packets++;
	if ((m->flags & PKT_TH_FIN) != 0)
		a->receiver_fin = true;
	if (m->len > 0 && fresh)
		a->receiver_data++;
	if (a->receiver_first.frame != 0)
		return;
	a->receiver_first = *m;
	a->receiver_challenge = m->flags == PKT_TH_ACK && m->len == 0 &&
	    (before->seen & FLOW_SEEN_ACK) != 0 &&
	    !seq_after(m->ack, before->ack_high);
}

void
pending_see(struct pending *p, int side, const struct flow_seen *s)
{
	struct flow_mark m;

	half_make_mark(s, &m);
	p->pkts++;
	if (side == p->side)
		pending_see_from_sender(p, &m);
	else
		pending_see_from_receiver(p, &m);
}

static int
pending_grow_others(struct rare *r)
{
	size_t cap = r->cap_others;

	if (VEC_ROOM(r->others, r->n_others, cap) != 0)
		return -1;
	r->cap_others = (uint8_t)cap;
	return 0;
}

_Static_assert(FLOW_RESETS <= 64, "cap_others holds it");

int
rare_add_reset(struct rare *r, const struct flow_mark *m, int side)
{
	if (r->n_others == FLOW_RESETS) {
		r->others_more++;
		/* The first half stays: who began it; the rest rolls on. */
		memmove(&r->others[FLOW_RESETS / 2],
		    &r->others[FLOW_RESETS / 2 + 1],
		    (FLOW_RESETS / 2 - 1) * sizeof(r->others[0]));
		r->n_others--;
	}
	if (pending_grow_others(r) != 0)
		return -1;
	r->others[r->n_others].mark = *m;
	r->others[r->n_others++].side = (uint8_t)side;
	return 0;
}

int
rare_set_injected(struct rare *r, const struct flow_seen *s, int side)
{
	if (r->injected == NULL)
		r->injected = calloc(2, sizeof(*r->injected));
	if (r->injected == NULL)
		return -1;
	half_make_mark(s, &r->injected[side]);
	return 0;
}

void
rare_free(struct rare *r)
{
	if (r == NULL)
		return;
	free(r->injected);
	free(r->others);
	free(r->expired);
	free(r->probe);
	free(r);
}

static bool
pending_is_copy(const struct flow_mark *a, const struct flow_mark *b)
{
	return a->id == b->id && a->seq == b->seq && a->ack == b->ack &&
	    a->flags == b->flags && a->window == b->window;
}

void
pending_finish(struct pending *p, enum flow_end end, int64_t unix_ns,
    struct flow_other others[FLOW_RESETS])
{
	struct flow_reset *r = &p->r;
	const struct rare *rare = p->node->rare;

	r->others = others;
	for (size_t i = 0; i < rare->n_others; i++) {
		const struct flow_mark *m = &rare->others[i].mark;
		struct flow_other *o = &others[r->n_others];

		if (m->frame == r->mark.frame && m->file == r->mark.file)
			continue;
		o->mark = *m;
		o->same_side = rare->others[i].side == p->side;
		o->copy = o->same_side && pending_is_copy(m, &r->mark);
		if (o->copy)
			r->copies++;
		r->n_others++;
	}
	r->others_more = rare->others_more;
	r->n_expired = rare->n_expired;
	r->expired = rare->expired;
	r->end = end;
	r->after.begun_anew = end == FLOW_END_ANEW;
	if (unix_ns > r->mark.unix_ns)
		r->after.waited_ns = unix_ns - r->mark.unix_ns;
	r->payload = p->payload;
}
