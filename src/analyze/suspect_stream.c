/*
 * The bytes of one connection in order, each way, and which side spoke when.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/suspect.h>
#include <rsthop/vec.h>

#include "suspect_stream.h"

/* An acknowledgement of more at once is not believed. */
#define STREAM_ACK_LEAP (1 << 20)

/* A new event; NULL where there is no room for it. */
static struct stream_event *
stream_new_event(struct stream *s)
{
	if (s->n_events == STREAM_EVENTS) {
		s->events_full = true;
		return NULL;
	}
	if (VEC_ROOM(s->events, s->n_events, s->cap_events) != 0) {
		s->failed = true;
		return NULL;
	}
	return &s->events[s->n_events++];
}

static void
stream_add_event(struct stream *s, bool from_client, uint32_t begin,
    uint32_t end, int64_t at_ns)
{
	struct stream_event *e =
	    s->n_events > 0 ? &s->events[s->n_events - 1] : NULL;

	if (e != NULL && e->from_client == from_client &&
	    at_ns - e->last_ns <= STREAM_SILENCE_NS) {
		e->end = end;
		e->last_ns = at_ns;
		return;
	}
	e = stream_new_event(s);
	if (e != NULL)
		*e = (struct stream_event){
		    from_client, begin, end, at_ns, at_ns};
}

/* Room for `end` bytes; false where there is none to be had. */
static bool
stream_make_room(struct stream *s, struct stream_side *d, size_t end)
{
	size_t was = d->cap;

	if (end <= was)
		return true;
	if (vec_grow(&d->p, end, &d->cap, sizeof(*d->p)) != 0) {
		s->failed = true;
		return false;
	}
	memset(d->p + was, 0, d->cap - was);
	return true;
}

/* What is there already is left: a retransmission says nothing new. */
static void
stream_put_bytes(struct stream *s, struct stream_side *d, uint32_t begin,
    uint32_t end, const uint8_t *p)
{
	uint32_t from = begin > d->next ? begin : d->next;
	uint32_t to = end < SUSPECT_SIDE ? end : SUSPECT_SIDE;

	if (from >= to || !stream_make_room(s, d, to))
		return;
	memcpy(d->p + from, p + (from - begin), to - from);
}

/* Held ranges that what is in order now reaches are in order too. */
static void
stream_take_held(struct stream_side *d)
{
	for (size_t i = 0; i < d->n_held;) {
		if (d->held[i].begin > d->next) {
			i++;
			continue;
		}
		if (d->held[i].end > d->next)
			d->next = d->held[i].end;
		d->held[i] = d->held[--d->n_held];
		i = 0;
	}
}

static void
stream_see_data(struct stream *s, bool from_client, uint32_t begin,
    const uint8_t *p, uint32_t len, int64_t at_ns)
{
	struct stream_side *d = &s->side[!from_client];
	uint32_t was = d->next, end = begin + len;

	if (end <= was)
		return;
	if (begin > was && d->n_held == STREAM_HELD)
		return; /* it counts as lost once it is acknowledged */
	stream_put_bytes(s, d, begin, end, p);
	if (begin > was) {
		d->held[d->n_held++] = (struct stream_range){begin, end};
		return;
	}
	d->next = end;
	stream_take_held(d);
	stream_add_event(s, from_client, was, d->next, at_ns);
}

/* What the other side acknowledges was sent, whether it was captured or not. */
static void
stream_see_ack(struct stream *s, bool from_client, uint32_t ack, int64_t at_ns)
{
	struct stream_side *d = &s->side[from_client];
	uint32_t end = ack - d->base, was = d->next;

	if (!d->has_base || end <= was || end - was > STREAM_ACK_LEAP ||
	    (d->fin && end == was + 1))
		return;
	if (!d->gap)
		d->gap_at = was;
	d->gap = true;
	d->next = end;
	stream_take_held(d);
	stream_add_event(s, !from_client, was, d->next, at_ns);
}

static void
stream_forget(struct stream *s)
{
	for (int i = 0; i < 2; i++) {
		free(s->side[i].p);
		s->side[i] = (struct stream_side){0};
	}
	s->n_events = 0;
	s->events_full = s->begun = s->exact = false;
	s->drew = (struct stream_range){0};
	free(s->segment);
	s->segment = NULL;
	s->segment_len = 0;
}

/* The segment that drew the reset: its side may lack what came before. */
static void
stream_keep_segment(struct stream *s, const struct pkt *p, uint32_t begin)
{
	free(s->segment);
	s->segment_len = 0;
	s->drew = (struct stream_range){begin, begin + p->payload_len};
	s->drew_wire = p->payload_wire;
	s->segment = malloc(p->payload_len);
	if (s->segment == NULL) {
		s->failed = true;
		return;
	}
	memcpy(s->segment, p->payload, p->payload_len);
	s->segment_len = p->payload_len;
}

static bool
stream_is_mark(const struct stream_mark *m, uint32_t file, uint64_t frame)
{
	return m->frame == frame && m->file == file;
}

/* A SYN begins the connection, or another one with the same ports. */
static void
stream_see_syn(struct stream *s, bool from_client, const struct pkt *p)
{
	struct stream_side *d = &s->side[!from_client];

	if (d->has_base && d->base == p->tcp.seq + 1)
		return;
	if (from_client && (p->tcp.flags & PKT_TH_ACK) == 0) {
		stream_forget(s);
		s->begun = true;
	}
	d->has_base = true;
	d->base = p->tcp.seq + 1;
}

/* Offset of the segment's first byte; false where it lies before the first. */
static bool
stream_find_offset(struct stream_side *d, const struct pkt *p, uint32_t *begin)
{
	uint32_t seq = p->tcp.seq + ((p->tcp.flags & PKT_TH_SYN) != 0);

	if (!d->has_base) {
		d->has_base = true;
		d->base = seq;
	}
	*begin = seq - d->base;
	return *begin <= INT32_MAX;
}

/* RFC 9293, section 3.10.7.1: of what answers a segment. */
static bool
stream_is_answered(const struct stream *s, const struct pkt *p)
{
	if (s->reset_acks)
		return s->reset_ack == p->tcp.seq + p->payload_wire;
	return (p->tcp.flags & PKT_TH_ACK) != 0 && s->reset_seq == p->tcp.ack;
}

/*
 * A tap's reset may come when the client has said more: what its numbers
 * answer has drawn it then, not what was said last.
 */
static void
stream_see_segment(
    struct stream *s, const struct pkt *p, uint32_t begin, bool is_marked)
{
	bool exact = stream_is_answered(s, p);

	if (!exact && (!is_marked || s->exact))
		return;
	s->exact = exact;
	stream_keep_segment(s, p, begin);
}

static void
stream_see_client(struct stream *s, const struct pkt *p)
{
	if (s->client_ttl == 0) /* later ones may be probes */
		s->client_ttl = p->ip.ttl;
	if (p->payload_wire == 0)
		return;
	s->client_ts = p->tcp.has_ts;
	s->tcp_header_len = p->tcp.header_len;
}

void
stream_see(struct stream *s, const struct pkt *p, uint32_t file, uint64_t frame,
    int64_t unix_ns)
{
	bool from_client = p->tcp.sport == s->client.port &&
	    addr_equal(&p->ip.src, &s->client.addr);
	struct stream_side *d = &s->side[!from_client];
	uint32_t begin;

	s->ended = s->ended || stream_is_mark(&s->reset, file, frame);
	if (s->ended || (p->tcp.flags & PKT_TH_RST) != 0)
		return;
	if ((p->tcp.flags & PKT_TH_SYN) != 0)
		stream_see_syn(s, from_client, p);
	if (from_client)
		stream_see_client(s, p);
	if (!stream_find_offset(d, p, &begin))
		return;
	if ((p->tcp.flags & PKT_TH_ACK) != 0)
		stream_see_ack(s, from_client, p->tcp.ack, unix_ns);
	d->fin = d->fin || (p->tcp.flags & PKT_TH_FIN) != 0;
	d->snapped = d->snapped || p->payload_len < p->payload_wire;
	if (p->payload == NULL || p->payload_len == 0)
		return;
	if (from_client)
		stream_see_segment(
		    s, p, begin, stream_is_mark(&s->trigger, file, frame));
	stream_see_data(
	    s, from_client, begin, p->payload, p->payload_len, unix_ns);
}

const uint8_t *
stream_bytes(const struct stream_side *d, uint32_t begin, uint32_t end)
{
	if (begin >= end || end > d->next || end > SUSPECT_SIDE ||
	    end > d->cap || (d->gap && end > d->gap_at))
		return NULL;
	return d->p + begin;
}

int
stream_rank(const struct stream *s)
{
	const struct stream_side *d = &s->side[0];
	bool whole = s->drew.end != 0 && s->segment_len == s->drew_wire;

	return 4 * whole + 2 * s->begun +
	    (!d->gap && !s->side[1].gap && !s->events_full);
}

void
stream_free(struct stream *s)
{
	for (int i = 0; i < 2; i++)
		free(s->side[i].p);
	free(s->events);
	free(s->segment);
	memset(s, 0, sizeof(*s));
}
