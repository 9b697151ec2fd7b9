/*
 * Clues in the reset's numbers, its time, its fellows and what came after.
 */
#include <stdlib.h>

#include "rst_int.h"

#define COURSE_BURST_NS	  INT64_C(200000000)
#define COURSE_MS	  INT64_C(1000000)
#define COURSE_ALIVE_NS	  INT64_C(5000000000)
#define COURSE_WINDOW_TOP (INT64_C(1) << 30) /* RFC 7323, section 2.2 */

/* --- its numbers --- */

static void
course_weigh_window(struct judging *j)
{
	const struct flow_reset *r = j->r;
	uint16_t w = r->mark.window;

	if (w == 0)
		return;
	if (r->sender.packets > 0 && w == r->sender.window) {
		clue_add(j, CLUE_WINDOW_OWN, 1,
		    "window %u is the one that the %s had open", w,
		    rst_sender_name(r));
		return;
	}
	if (r->trigger.frame != 0 && w == r->trigger.window)
		clue_add(j, CLUE_WINDOW_COPIED, 1,
		    "window %u is that of the %s's own packet", w,
		    rst_receiver_name(r));
	else
		clue_add(j, CLUE_WINDOW_ODD,
		    (r->mark.flags & PKT_TH_ACK) != 0 ? 0.5 : 1,
		    "window %u, which a reset does not need", w);
}

/* How far seq lies from what the receiver expects; 0 within its window. */
static int64_t
course_off_window(const struct flow_reset *r)
{
	int32_t off = (int32_t)(r->mark.seq - r->sender.seq_next);
	int64_t room = (int64_t)r->receiver.window << (r->receiver.wscale & 15);

	if (room < 65535)
		room = 65535;
	if (room > COURSE_WINDOW_TOP)
		room = COURSE_WINDOW_TOP;
	if (off > room)
		return off - room;
	return off < -room ? off + room : 0;
}

static void
course_weigh_seq(struct judging *j)
{
	const struct flow_reset *r = j->r;
	bool acks = (r->mark.flags & PKT_TH_ACK) != 0;

	if (rst_is_refusal(r)) {
		if (acks && !r->trigger_exact && r->trigger.len == 0)
			clue_add(j, CLUE_ACK_ODD, 1,
			    "it acknowledges %u, while the SYN was %u",
			    r->mark.ack, r->trigger.seq);
		return;
	}
	if (r->mark.seq == 0 && acks && r->sender.packets > 0 &&
	    (r->trigger.flags & PKT_TH_ACK) != 0)
		clue_add(j, CLUE_SEQ_ZERO, 1,
		    "seq 0 inside a connection, in answer to an ACK");
	else if ((r->sender.seen & FLOW_SEEN_SEQ) != 0 && !r->trigger_exact &&
	    course_off_window(r) != 0)
		clue_add(j, CLUE_OUT_OF_WINDOW, 1,
		    "seq lies %lld bytes outside of the window",
		    (long long)llabs(course_off_window(r)));
}

/*
 * A stack answers like this where it has no socket; yet this one had, a moment
 * before, and neither closed nor reset it.
 */
static void
course_weigh_socket(struct judging *j)
{
	const struct flow_reset *r = j->r;
	const struct flow_side *s = &r->sender;
	uint32_t gone = FLOW_SEEN_FIN | FLOW_SEEN_RST;

	if (!rst_is_stateless(r) || r->trigger.len == 0 ||
	    (s->seen & gone) != 0 || (r->receiver.seen & gone) != 0)
		return;
	if (s->packets < 2 || s->last.unix_ns == 0 ||
	    r->trigger.unix_ns - s->last.unix_ns > COURSE_ALIVE_NS)
		return;
	clue_add(j, CLUE_NO_SOCKET, 1,
	    "made as if there were no such connection, in which the %s spoke "
	    "%.1f ms before",
	    rst_sender_name(r),
	    (double)(r->mark.unix_ns - s->last.unix_ns) / COURSE_MS);
}

/* Its sender's own clock, a little later. */
static void
course_weigh_timestamps(struct judging *j)
{
	const struct flow_reset *r = j->r;
	int32_t ticks = (int32_t)(r->tsval - r->sender.tsval);

	if (!r->has_ts || (r->sender.seen & FLOW_SEEN_TS) == 0)
		return;
	if (ticks >= 0 && ticks < 1000 * 3600)
		clue_add(j, CLUE_TIMESTAMPS, 1,
		    "its timestamp goes on with the %s's clock",
		    rst_sender_name(r));
}

static bool
course_in_burst(const struct flow_reset *r, const struct flow_other *o)
{
	return o->same_side &&
	    llabs(o->mark.unix_ns - r->mark.unix_ns) <= COURSE_BURST_NS;
}

/* --- its fellows --- */

/*
 * Guesses at where the receiver's window will stand: numbers beyond all that
 * the sender had sent.  A stack that answers several packets also varies seq,
 * but never beyond what its peer had acknowledged.
 */
static void
course_weigh_steps(struct judging *j)
{
	const struct flow_reset *r = j->r;
	uint32_t next = r->sender.seq_next;
	unsigned int others = 0, beyond = 0;

	if ((r->sender.seen & FLOW_SEEN_SEQ) == 0)
		return;
	for (size_t i = 0; i < r->n_others; i++) {
		const struct flow_other *o = &r->others[i];

		if (!course_in_burst(r, o) || o->mark.seq == r->mark.seq)
			continue;
		others++;
		if (seq_after(o->mark.seq, next))
			beyond++;
	}
	if (seq_after(r->mark.seq, next))
		beyond++;
	if (others >= 2 && beyond >= 2)
		clue_add(j, CLUE_STEPPED, 1,
		    "%u resets at once, their seq stepped beyond what the %s "
		    "had sent",
		    others + 1, rst_sender_name(r));
}

/* Stacks may give what has no socket another initial TTL. */
static bool
course_as_far(uint8_t a, uint8_t b)
{
	return abs(rst_distance(a) - rst_usual_distance(b)) <= 1;
}

/* Data in the sender's name, and not of its make either. */
static void
course_weigh_injected(struct judging *j)
{
	const struct flow_reset *r = j->r;
	const struct flow_mark *m = &r->sender.last_injected;
	uint16_t step = (uint16_t)(r->mark.id - m->id);

	if (m->frame == 0 || j->ttl_own)
		return;
	if (r->has_id && r->mark.id != 0 && step >= 1 && step <= 16)
		clue_add(j, CLUE_INJECTED, 1,
		    "IP ID %u goes on where packet %llu left off, which is "
		    "not of the %s's make (TTL %u)",
		    r->mark.id, (unsigned long long)m->frame,
		    rst_sender_name(r), m->ttl);
	else if (r->mark.df == m->df && ((r->mark.tos ^ m->tos) & 0xfc) == 0)
		clue_add(j, CLUE_INJECTED_ALIKE, 1,
		    "packet %llu was injected too: TTL %u, DF and TOS as in "
		    "this reset",
		    (unsigned long long)m->frame, m->ttl);
}

static void
course_weigh_copies(struct judging *j)
{
	const struct flow_reset *r = j->r;
	unsigned int copies = 0, likewise = 0;
	bool unlike = !course_as_far(r->mark.ttl, j->base_ttl) ||
	    rst_has_clue(j, CLUE_ID_BREAKS);

	for (size_t i = 0; i < r->n_others; i++) {
		if (!course_in_burst(r, &r->others[i]))
			continue;
		if (r->others[i].copy && r->mark.id > 1)
			copies++;
		else if (!j->ttl_own && unlike &&
		    r->others[i].mark.ttl == j->base_ttl)
			likewise++;
	}
	/* Where all packets come twice, so does a reset. */
	if (copies > 0 && r->sender.twice == 0 && r->receiver.twice == 0 &&
	    r->has_id)
		clue_add(j, copies > 1 ? CLUE_COPIES : CLUE_COPY, 1,
		    "it came %u times at once, with one IP ID", copies + 1);
	if (likewise > 0 && j->from != BASELINE_NONE)
		clue_add(j, CLUE_OTHER_ORIGIN, 1,
		    "another reset of this connection does have the %s's TTL",
		    rst_sender_name(r));
}

/* --- what came after --- */

/* It answers a bare ACK: one end may have forgotten an old connection. */
static bool
course_answers_challenge(const struct flow_reset *r)
{
	/* So does a kernel whose packets are made behind its back. */
	if ((r->trigger.flags & PKT_TH_SYN) != 0)
		return rst_is_stateless(r);
	return rst_is_stateless(r) && r->trigger.flags == PKT_TH_ACK &&
	    r->trigger.len == 0;
}

static double
course_after_scale(const struct flow_reset *r, const struct flow_mark *m)
{
	double scale = 1;

	/* RFC 9293, 3.10.7.3: one that waits for a SYN-ACK goes on waiting. */
	if (rst_is_stateless(r) && (r->receiver.seen & FLOW_SEEN_SYNACK) == 0 &&
	    (r->sender.seen & FLOW_SEEN_SYN) != 0)
		return 0;
	if (course_answers_challenge(r))
		scale *= 0.3;
	/* Reordered on the way: it was sent before. */
	if (m->unix_ns - r->mark.unix_ns < COURSE_MS)
		scale *= 0.3;
	return scale;
}

static void
course_weigh_after(struct judging *j)
{
	const struct flow_reset *r = j->r;
	const struct flow_after *a = &r->after;
	const struct flow_mark *m =
	    a->first_data.frame != 0 ? &a->first_data : &a->first;

	if (rst_is_refusal(r)) {
		if (a->synack)
			clue_add(j, CLUE_HANDSHAKE_AFTER, 1,
			    "%.1f ms later the %s accepted the SYN that this "
			    "refuses",
			    (double)(a->first.unix_ns - r->mark.unix_ns) /
				COURSE_MS,
			    rst_sender_name(r));
		return;
	}
	if (a->packets == 0 || (r->sender.seen & FLOW_SEEN_RST) != 0)
		return;
	if (a->data_packets > 0 || a->acked_more)
		clue_add(j, CLUE_DATA_AFTER, course_after_scale(r, m),
		    "the %s went on with the connection %.1f ms later",
		    rst_sender_name(r),
		    (double)(m->unix_ns - r->mark.unix_ns) / COURSE_MS);
	else if (a->old_packets > 0)
		clue_add(j, CLUE_RESENT_AFTER, course_after_scale(r, &a->first),
		    "the %s sent data again %.1f ms later, as if it knew of "
		    "no reset",
		    rst_sender_name(r),
		    (double)(a->first.unix_ns - r->mark.unix_ns) / COURSE_MS);
}

/* --- its time --- */

static void
course_weigh_time(struct judging *j)
{
	const struct flow_reset *r = j->r;
	int64_t took = r->mark.unix_ns - r->trigger.unix_ns;
	int64_t rtt = rst_known_rtt(r);
	/* That of other connections may have been another path's. */
	double scale = rtt == r->sender.rtt_min_ns ? 1 : 0.6;
	bool acks_new = (r->mark.flags & PKT_TH_ACK) != 0 &&
	    (rst_is_refusal(r) ||
		(r->trigger.len > 0 &&
		    seq_after(r->mark.ack, r->sender.ack_high)));

	if (rtt == 0 || !r->trigger_exact || took < 0)
		return;
	if (took < rtt / 2 && rtt - took > COURSE_MS) {
		clue_add(j, acks_new ? CLUE_FASTER : CLUE_FASTER_BARE, scale,
		    "it came %.1f ms after what it answers; the %s is %.1f ms "
		    "away",
		    (double)took / COURSE_MS, rst_sender_name(r),
		    (double)rtt / COURSE_MS);
		return;
	}
	if (took >= rtt * 4 / 5 && took <= rtt * 8 / 5 && rtt >= 5 * COURSE_MS)
		clue_add(j, CLUE_TIMING_FITS, scale,
		    "it came %.1f ms after what it answers, as the %s's "
		    "answers do (%.1f ms)",
		    (double)took / COURSE_MS, rst_sender_name(r),
		    (double)rtt / COURSE_MS);
}

/*
 * Only this packet can have been meant, of all that its receiver sent: not one
 * of several with the same data of which another's IP ID is echoed.
 */
static bool
course_is_surely_answer(const struct judging *j)
{
	const struct flow_reset *r = j->r;

	return !rst_has_clue(j, CLUE_ID_ECHO_OLDER) && r->trigger.frame != 0 &&
	    r->trigger.len > 0 && r->trigger_exact &&
	    (r->trigger.frame == r->receiver.last.frame ||
		(r->mark.flags & PKT_TH_ACK) != 0);
}

/* The packet that it answers had died before it could reach its addressee. */
static bool
course_is_expired(const struct flow_reset *r)
{
	for (size_t i = 0; i < r->n_expired; i++) {
		const struct flow_expired *e = &r->expired[i];

		if (!e->quotes_rst && e->quotes_client == r->to_client &&
		    e->seq == r->trigger.seq && e->probe_ttl == r->trigger.ttl)
			return true;
	}
	return false;
}

/*
 * A device that drops what fires it leaves no quote of that; but what left
 * with more has expired on the same way.
 */
static void
course_weigh_expired(struct judging *j)
{
	const struct flow_reset *r = j->r;
	uint8_t far = j->elsewhere != NULL ? j->elsewhere->expired_ttl : 0;

	if (!course_is_surely_answer(j))
		return;
	if (course_is_expired(r))
		clue_add(j, CLUE_TRIGGER_EXPIRED, 1,
		    "what it answers was sent with TTL %u and expired on its "
		    "way",
		    r->trigger.ttl);
	else if (r->trigger.ttl <= far)
		clue_add(j, CLUE_TRIGGER_SHORT, 1,
		    "what it answers was sent with TTL %u, while even TTL %u "
		    "expires on the way to the %s",
		    r->trigger.ttl, far, rst_sender_name(r));
}

static void
course_weigh_elsewhere(struct judging *j)
{
	if (j->elsewhere == NULL)
		return;
	switch (j->elsewhere->shows) {
	case RST_SHOWS_NOTHING:
		break;
	case RST_SHOWS_SENT:
		clue_add(j, CLUE_SENT, 1,
		    "the other capture shows the %s sending it",
		    rst_sender_name(j->r));
		break;
	case RST_SHOWS_NEVER_SENT:
		clue_add(j, CLUE_NEVER_SENT, 1,
		    "the other capture shows that the %s never sent it",
		    rst_sender_name(j->r));
		break;
	}
}

void
rst_weigh_course(struct judging *j)
{
	course_weigh_window(j);
	course_weigh_seq(j);
	course_weigh_socket(j);
	course_weigh_timestamps(j);
	if (j->r->reserved_bits)
		clue_add(j, CLUE_RESERVED, 1,
		    "reserved bits of its TCP header are set");
	course_weigh_steps(j);
	course_weigh_copies(j);
	course_weigh_injected(j);
	course_weigh_after(j);
	course_weigh_time(j);
	course_weigh_expired(j);
	course_weigh_elsewhere(j);
}
