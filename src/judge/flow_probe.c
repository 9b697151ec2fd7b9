/*
 * Packets of a client whose TTL was set so low that they expire on the way,
 * and what they drew: somebody traced the path, or probed for a device.
 */
#include <stdlib.h>
#include <string.h>

#include "flow_int.h"

/*
 * Only where the capture sees packets as they leave: the first had an initial
 * TTL, and this one left with less.
 */
bool
probe_is(const struct half *h, const struct pkt *p)
{
	uint8_t first = h->ttl.ttl[0];

	return h->packets > 0 && p->payload_wire > 0 && p->ip.ttl < first &&
	    first == pkt_initial_ttl(first);
}

int
probe_begin(
    struct rare *r, const struct node *n, int side, const struct flow_seen *s)
{
	struct flow_probe *q = calloc(1, sizeof(*q));
	const struct half *h = &n->half[side], *other = &n->half[!side];

	if (q == NULL)
		return -1;
	q->client = n->ends.e[n->client];
	q->server = n->ends.e[!n->client];
	half_make_mark(s, &q->mark);
	q->client_ttl = h->ttl.ttl[0];
	q->server_ttl = other->packets > 0 ? other->ttl.ttl[0] : 0;
	q->unacked = (other->seen & FLOW_SEEN_ACK) == 0 ||
	    seq_after(q->mark.seq + q->mark.len, other->ack_high);
	q->after_reset = (other->seen & FLOW_SEEN_RST) != 0;
	free(r->probe);
	r->probe = q;
	return 0;
}

void
probe_see(
    struct rare *r, const struct node *n, int side, const struct flow_seen *s)
{
	struct flow_probe *q = r->probe;
	const struct pkt_tcp *t = &s->pkt->tcp;

	if (q == NULL || side == n->client)
		return;
	if ((t->flags & PKT_TH_RST) != 0) {
		if (!q->reset)
			half_make_mark(s, &q->reset_mark);
		q->reset = true;
	} else if ((t->flags & PKT_TH_ACK) != 0 &&
	    t->ack == q->mark.seq + q->mark.len)
		q->answered = true;
}

/* Several may bear the same data; where they can, their IP IDs tell them. */
static bool
probe_is_quoted(const struct flow_mark *m, const struct pkt_quote *q)
{
	return m->frame != 0 && m->seq == q->seq &&
	    (q->ip.version != 4 || m->id == 0 || q->ip.id == 0 ||
		m->id == q->ip.id);
}

/* The TTL with which the quoted packet left; 0 where it is not known. */
static uint8_t
probe_find_probe_ttl(
    const struct rare *r, const struct half *h, const struct pkt_quote *q)
{
	if (r->probe != NULL && probe_is_quoted(&r->probe->mark, q))
		return r->probe->mark.ttl;
	if (probe_is_quoted(&h->last, q))
		return h->last.ttl;
	if (probe_is_quoted(half_last_data(h), q))
		return half_last_data(h)->ttl;
	return 0;
}

int
probe_see_expired(
    struct rare *r, const struct node *n, int side, const struct flow_seen *s)
{
	const struct pkt_quote *q = &s->pkt->quote;
	struct flow_expired *e;

	if (r->expired == NULL)
		r->expired = calloc(FLOW_EXPIRED, sizeof(*r->expired));
	if (r->expired == NULL)
		return -1;
	if (r->n_expired == FLOW_EXPIRED) {
		memmove(r->expired, r->expired + 1,
		    (FLOW_EXPIRED - 1) * sizeof(r->expired[0]));
		r->n_expired--;
	}
	e = &r->expired[r->n_expired++];
	*e = (struct flow_expired){.unix_ns = s->unix_ns,
	    .frame = s->frame,
	    .responder = s->pkt->ip.src,
	    .reply_ttl = s->pkt->ip.ttl,
	    .probe_ttl = probe_find_probe_ttl(r, &n->half[side], q),
	    .seq = q->seq,
	    .quotes_rst = q->has_flags && (q->flags & PKT_TH_RST) != 0,
	    .quotes_client = side == n->client};
	if (r->probe != NULL && side == n->client &&
	    probe_is_quoted(&r->probe->mark, q)) {
		r->probe->has_expired = true;
		r->probe->expired = *e;
	}
	return 0;
}
