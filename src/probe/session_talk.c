/*
 * Carries bytes between the server and the talks, which say on each connection
 * what comes before the trigger.
 */
#include <stdio.h>
#include <string.h>

#include "session_int.h"

#define SESSION_TALK_CHUNK 16384

/* The connection is open, and its talk has not failed. */
static bool
session_talk_is_open(const struct session_conn *c)
{
	return c->talk.step != NULL && !c->closed && c->tcb.established &&
	    c->talked.state != TALK_FAILED;
}

static void
session_talk_note_failure(struct session *s, struct session_conn *c,
    enum talk_failure why, const struct fault *f)
{
	c->talked.state = TALK_FAILED;
	c->talked.failure = why;
	c->talked.wake_ns = INT64_MAX;
	s->talk_failure = why;
	s->talk_fault = *f;
}

/* Hands n bytes to the talk, and sends what it says. */
static void
session_talk_step(
    struct session *s, struct session_conn *c, const uint8_t *in, size_t n)
{
	struct fault f = {0};

	if (c->talk.step(c->talk.ctx, session_now(s), in, n, &c->talked, &f) ==
	    -1)
		session_talk_note_failure(s, c, c->talked.failure, &f);
	else if (c->talked.say_len == 0)
		return;
	else if (s->w->send(s->w->ctx, c->id, c->talked.say, c->talked.say_len,
		     &f) == -1)
		session_talk_note_failure(s, c, TALK_FAIL_ODD, &f);
	else
		c->said += (uint32_t)c->talked.say_len;
}

/* Fails the talk where the server ended the connection too early. */
static void
session_talk_see_end(struct session *s, struct session_conn *c)
{
	struct fault f = {0};
	char ep[ADDR_ENDPOINT];

	if (c->talked.state != TALK_WAITS ||
	    s->w->state(s->w->ctx, c->id) == CONN_OPEN)
		return;
	fault(&f, FAULT_NETWORK,
	    "%s ended the connection before the trigger was due: see its log, "
	    "and what the dialogue says",
	    endpoint_format(&s->target, ep));
	session_talk_note_failure(s, c, TALK_FAIL_ODD, &f);
}

static void
session_talk_step_conn(struct session *s, struct session_conn *c)
{
	uint8_t buf[SESSION_TALK_CHUNK];
	size_t n;

	if (!c->talk_begun) {
		c->talk_begun = true;
		session_talk_step(s, c, NULL, 0);
	} else if (session_now(s) >= c->talked.wake_ns) {
		session_talk_step(s, c, NULL, 0);
	}
	while (c->talked.state != TALK_FAILED &&
	    (n = s->w->recv(s->w->ctx, c->id, buf, sizeof(buf))) > 0) {
		if (c->talked.state == TALK_WAITS)
			c->heard += (uint32_t)n;
		session_talk_step(s, c, buf, n);
	}
	session_talk_see_end(s, c);
}

void
session_step_talks(struct session *s)
{
	if (s->maker.make == NULL)
		return;
	for (size_t i = 0; i < s->n_conns; i++)
		if (session_talk_is_open(&s->conns[i]))
			session_talk_step_conn(s, &s->conns[i]);
}

int64_t
session_talks_wake_at(const struct session *s)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; s->maker.make != NULL && i < s->n_conns; i++)
		if (session_talk_is_open(&s->conns[i]) &&
		    s->conns[i].talked.state == TALK_WAITS &&
		    s->conns[i].talked.wake_ns < first)
			first = s->conns[i].talked.wake_ns;
	return first;
}

bool
session_talk_ready(const struct session *s, int conn)
{
	const struct session_conn *c = &s->conns[conn];

	if (c->talk.step == NULL)
		return true;
	/* The trigger's numbers are known once the capture has shown it all. */
	return c->talk_begun && c->talked.state == TALK_READY &&
	    c->tcb.snd_nxt == c->tcb.iss + 1 + c->said &&
	    c->tcb.snd_una == c->tcb.snd_nxt;
}

bool
session_talk_failed(const struct session *s, int conn)
{
	return s->conns[conn].talk_begun &&
	    s->conns[conn].talked.state == TALK_FAILED;
}

void
session_end_talk(struct session *s, int conn)
{
	struct session_conn *c = &s->conns[conn];
	struct fault unheard = {0};
	const uint8_t *p;
	size_t n = 0;

	if (c->talk.step == NULL)
		return;
	if (c->talk_begun && c->talk.bye != NULL && c->resets == 0 &&
	    s->w->state(s->w->ctx, c->id) == CONN_OPEN) {
		p = c->talk.bye(c->talk.ctx, &n);
		if (p != NULL && n > 0)
			(void)s->w->send(s->w->ctx, c->id, p, n, &unheard);
	}
	talk_free(&c->talk);
}

/*
 * The packet holds bytes that the talk said, or that answered it.  The socket
 * may be ahead of the capture, so all bytes that the talk heard until the
 * trigger was due count, whatever its state is now.
 */
static bool
session_talk_holds(const struct session_conn *c, const struct pkt *p)
{
	if (p->tcp.dport == c->tcb.flow.dst.port &&
	    p->tcp.sport == c->tcb.flow.src.port)
		return seq_after(c->tcb.iss + 1 + c->said, p->tcp.seq);
	return c->talked.state == TALK_WAITS ||
	    seq_after(c->tcb.irs + 1 + c->heard, p->tcp.seq);
}

/*
 * Bytes of a packet with a quote that may be kept: where it quotes a secret
 * talk, up to the first 8 bytes of the quoted TCP header; else all.
 */
static uint32_t
session_talk_quote_len(const struct session *s, const struct world_packet *wp)
{
	/* Ethernet, IP, ICMP, IP, 8 bytes. */
	uint32_t most = wp->pkt.ip.version == 4 ? 14 + 20 + 8 + 20 + 8
						: 14 + 40 + 8 + 40 + 8;
	const struct pkt_quote *q = &wp->pkt.quote;

	for (size_t i = 0; i < s->n_conns; i++)
		if (s->conns[i].secret && q->has_ports &&
		    q->sport == s->conns[i].local.port &&
		    seq_after(
			s->conns[i].tcb.iss + 1 + s->conns[i].said, q->seq))
			return most;
	return UINT32_MAX;
}

void
session_blank_evidence(
    struct session *s, int conn, const struct world_packet *wp)
{
	struct result_packet *kept = &s->evidence->packets[s->evidence->n - 1];
	const struct pkt *p = &wp->pkt;
	uint32_t most;

	if ((p->has & PKT_HAS_QUOTE) != 0) {
		most = session_talk_quote_len(s, wp);
		kept->len = kept->len < most ? kept->len : most;
		return;
	}
	if (conn < 0 || !s->conns[conn].secret || p->payload_len == 0 ||
	    !session_talk_holds(&s->conns[conn], p))
		return;
	memset(kept->data + (p->payload - wp->data), 0, p->payload_len);
	snprintf(kept->note, sizeof(kept->note),
	    "before the trigger: its %zu bytes are blanked",
	    (size_t)p->payload_len);
}
