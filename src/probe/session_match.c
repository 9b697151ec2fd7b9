/*
 * Finds the probe that a packet answers.
 *
 * A quoted packet has to fit the probe's ports, sequence number, flags and
 * length.  The copies of a burst share all these; their tags tell them apart.
 * The IP ID alone is never enough.  Some devices copy it into a reset that they
 * send to the server: routers then quote a packet that has our ID, and that we
 * never sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session_int.h"

/*
 * A reset's sequence number may be so many windows ahead: tcpkill sends
 * several resets, stepped by the window.
 */
#define MATCH_STEPS_MAX 8

/* The hop's entry for this address, a new one if need be; NULL: no room. */
static struct path_responder *
match_find_responder(struct path_hop *hop, const struct addr *addr)
{
	struct path_responder *r;

	for (int i = 0; i < hop->n_responders; i++)
		if (addr_equal(&hop->responders[i].addr, addr))
			return &hop->responders[i];
	if (hop->n_responders == PATH_RESPONDERS)
		return NULL;
	r = &hop->responders[hop->n_responders++];
	memset(r, 0, sizeof(*r));
	r->addr = *addr;
	return r;
}

/* PATH_VIA_*: what kind of probe drew an answer. */
static unsigned int
match_via(enum probe_kind kind)
{
	switch (kind) {
	case PROBE_TRACE:
	case PROBE_FLOW:
		return PATH_VIA_TCP;
	case PROBE_SYN:
		return PATH_VIA_SYN;
	case PROBE_ECHO:
		return PATH_VIA_ICMP;
	case PROBE_SHOT:
	case PROBE_FULL:
	case PROBE_ALIVE:
	case PROBE_BLOCK:
		return PATH_VIA_PROBE;
	}
	return 0;
}

/* The quote is long enough to show our TCP options, and shows none. */
static bool
match_lost_options(
    const struct session *s, const struct probe *p, const struct pkt_quote *q)
{
	uint32_t opts =
	    p->conn >= 0 && s->conns[p->conn].tcb.ts_ok ? TCB_OPTS : 0;

	return opts > 0 && q->tcp_opts_len < opts &&
	    q->quoted_len >= q->ip.header_len + 20u + opts;
}

/* PATH_REWRITE_*: TCP fields in which the quote differs from the probe. */
static unsigned int
match_tcp_rewrites(
    const struct session *s, const struct probe *p, const struct pkt_quote *q)
{
	uint16_t sport =
	    p->conn >= 0 ? s->conns[p->conn].local.port : s->syn_local.port;
	unsigned int m = 0;

	if (q->sport != sport)
		m |= PATH_REWRITE_SPORT;
	if (q->dport != s->target.port)
		m |= PATH_REWRITE_DPORT;
	if (q->seq != p->seq)
		m |= PATH_REWRITE_SEQ;
	if (q->has_ack && q->ack != p->ack)
		m |= PATH_REWRITE_ACK;
	if (q->has_flags && q->window != p->window)
		m |= PATH_REWRITE_WINDOW;
	if (q->has_flags && q->flags != p->flags)
		m |= PATH_REWRITE_FLAGS;
	if (match_lost_options(s, p, q))
		m |= PATH_REWRITE_OPTIONS;
	return m;
}

/* Likewise, fields of IP and of TCP. */
static unsigned int
match_quote_rewrites(
    const struct session *s, const struct probe *p, const struct pkt_quote *q)
{
	const struct tcb *t = p->conn >= 0 ? &s->conns[p->conn].tcb : NULL;
	unsigned int m = 0;

	if (!addr_equal(&q->ip.src, &s->src))
		m |= PATH_REWRITE_SRC;
	if (!addr_equal(&q->ip.dst, &s->target.addr))
		m |= PATH_REWRITE_DST;
	if (q->ip.version == 4 && q->ip.id != p->ip_id)
		m |= PATH_REWRITE_IP_ID;
	if (q->ip.tos != (t != NULL ? t->client_tos : 0))
		m |= PATH_REWRITE_TOS;
	if (t != NULL && q->ip.version == 4 && q->ip.df != t->client_df)
		m |= PATH_REWRITE_DF;
	if (t != NULL && q->ip.version == 6 &&
	    q->ip.flow_label != t->flow_label)
		m |= PATH_REWRITE_FLOW_LABEL;
	if (q->has_ports && p->kind != PROBE_ECHO)
		m |= match_tcp_rewrites(s, p, q);
	return m;
}

static void
match_fill_responder(const struct session *s, struct path_responder *r,
    const struct probe *p, const struct world_packet *wp)
{
	const struct pkt *k = &wp->pkt;
	int64_t rtt = wp->at_ns - p->sent_ns;

	r->via |= match_via(p->kind);
	if (rtt < 0)
		rtt = 0;
	if (r->replies == 0 || rtt < r->rtt_ns)
		r->rtt_ns = rtt;
	if (r->replies++ == 0)
		r->reply_ttl = k->ip.ttl;
	if (p->ttl == 1 && (k->has & PKT_HAS_MAC) != 0) {
		r->has_mac = true;
		memcpy(r->mac, k->mac_src, ADDR_MAC);
	}
	if ((k->has & PKT_HAS_QUOTE) == 0)
		return;
	r->unreachable = r->unreachable || k->icmp.is_unreachable;
	r->rewrites |= match_quote_rewrites(s, p, &k->quote);
	if (k->quote.n_mpls > r->n_mpls) {
		r->n_mpls = k->quote.n_mpls;
		memcpy(r->mpls, k->quote.mpls, sizeof(r->mpls));
	}
}

void
session_record_answer(struct session *s, int probe,
    const struct world_packet *wp, bool from_server)
{
	struct probe *p = &s->probes[probe];
	struct path_hop *hop = &s->path->hops[p->ttl - 1];
	struct path_responder *r = match_find_responder(hop, &wp->pkt.ip.src);

	if (r != NULL)
		match_fill_responder(s, r, p, wp);
	if (p->answered_ns == 0) {
		p->answered_ns = wp->at_ns;
		p->from = wp->pkt.ip.src;
		hop->answered++;
	}
	if (from_server) {
		p->from_server = true;
		hop->is_server = true;
	} else {
		p->te = true;
		p->unreachable = wp->pkt.icmp.is_unreachable;
	}
}

/* The connection whose ports a quote shows; -1: none has them. */
static int
match_quoted_conn(const struct session *s, const struct pkt_quote *q)
{
	for (size_t i = s->n_conns; i-- > 0;)
		if (s->conns[i].local.port == q->sport &&
		    s->target.port == q->dport)
			return (int)i;
	return -1;
}

static bool
match_len_fits(const struct pkt_quote *q, const struct probe *p)
{
	uint32_t whole = q->ip.total_len;

	/* The path may have stripped options: the TCP header has 20 to 60. */
	return whole >= q->ip.header_len + 20u + p->len &&
	    whole <= q->ip.header_len + 60u + p->len;
}

/*
 * The quote shows a tag of this copy of the burst.  In a plain burst the
 * acknowledgement number is no tag.
 */
static bool
match_tag_fits(const struct pkt_quote *q, const struct probe *p)
{
	if (q->ip.version == 4 && q->ip.id == p->ip_id)
		return true;
	if (q->has_flags && q->window == p->window)
		return true;
	return !p->plain && q->has_ack && q->ack == p->ack;
}

static bool
match_quote_fits(const struct pkt_quote *q, const struct probe *p)
{
	if (p->kind == PROBE_ECHO || p->kind == PROBE_FULL ||
	    p->kind == PROBE_ALIVE)
		return false;
	if (p->seq != q->seq || !match_len_fits(q, p))
		return false;
	if (q->has_flags && (q->flags & PKT_TH_RST) != 0)
		return false;
	return (p->kind != PROBE_SHOT && p->kind != PROBE_BLOCK) ||
	    match_tag_fits(q, p);
}

/*
 * The probe that a quote shows; -1: none.  Where NAT has rewritten the ports in
 * the quote, conn is -1: then the sequence number, 32 random bits, and the
 * length decide.  Of several that fit, one with the quoted IP ID is taken.
 */
static int
match_quoted_tcp(const struct session *s, const struct pkt_quote *q, int conn)
{
	int alike = -1;

	for (size_t i = s->n_probes; i-- > 0;) {
		if (conn >= 0 && !session_same_flow(s, s->probes[i].conn, conn))
			continue;
		if (!match_quote_fits(q, &s->probes[i]))
			continue;
		if (q->ip.version == 4 && q->ip.id == s->probes[i].ip_id)
			return (int)i;
		if (alike == -1)
			alike = (int)i;
	}
	return alike;
}

static int
match_quoted_echo(const struct session *s, const struct pkt_quote *q)
{
	if (!q->has_echo || q->echo_id != s->echo_id)
		return -1;
	for (size_t i = s->n_probes; i-- > 0;)
		if (s->probes[i].kind == PROBE_ECHO &&
		    s->probes[i].ip_id == q->echo_seq)
			return (int)i;
	return -1;
}

/*
 * The quoted segment of this connection is none of our probes: it has RST set,
 * or no payload.  So a device sent it in our name.
 */
static bool
match_is_injected_reset(const struct pkt_quote *q, const struct session_conn *c)
{
	if (q->has_flags)
		return (q->flags & PKT_TH_RST) != 0;
	return c->arm == ARM_TRIGGER && q->ip.total_len != 0 &&
	    q->ip.total_len <= q->ip.header_len + 20u;
}

void
session_match_quote(
    struct session *s, const struct world_packet *wp, char *note, size_t size)
{
	const struct pkt *p = &wp->pkt;
	const struct pkt_quote *q = &p->quote;
	int conn = -1, probe = -1;

	if (!p->icmp.is_time_exceeded && !p->icmp.is_unreachable)
		return;
	if (q->ip.proto == PKT_PROTO_TCP && q->has_ports) {
		conn = match_quoted_conn(s, q);
		probe = match_quoted_tcp(s, q, conn);
	} else {
		probe = match_quoted_echo(s, q);
	}
	if (probe >= 0) {
		session_record_answer(s, probe, wp,
		    p->icmp.is_unreachable &&
			addr_equal(&p->ip.src, &s->target.addr));
		snprintf(
		    note, size, "hop %u answers a probe", s->probes[probe].ttl);
	} else if (conn >= 0 && match_is_injected_reset(q, &s->conns[conn])) {
		s->conns[conn].quoted_reset = true;
		snprintf(note, size,
		    "quotes a reset in the client's name that it never sent");
	}
}

/*
 * The server answers a duplicate segment with an acknowledgement whose first
 * SACK block, at or below the ACK, names the duplicate bytes (RFC 2883).  Each
 * trace probe has bytes of its own, so the block tells which one arrived.
 */
static void
match_take_dsack(struct session *s, int conn, const struct world_packet *wp,
    char *note, size_t size)
{
	const struct pkt_tcp *t = &wp->pkt.tcp;
	struct probe *p;

	for (size_t i = s->n_probes; i-- > 0;) {
		p = &s->probes[i];
		if (!session_same_flow(s, p->conn, conn) ||
		    p->seq != t->sacks[0].left ||
		    p->seq + p->len != t->sacks[0].right)
			continue;
		if (p->kind == PROBE_ALIVE) /* the same byte, at full TTL */
			return;
		if (p->kind != PROBE_TRACE)
			continue;
		session_record_answer(s, (int)i, wp, true);
		snprintf(note, size, "the server answers the probe with TTL %u",
		    p->ttl);
		return;
	}
}

/*
 * The acknowledgement answers PROBE_ALIVE: its SACK block names the byte that
 * was sent again.  From a server without SACK, it came no sooner than an
 * answer could have.
 */
static bool
match_answers_alive_ack(
    const struct session *s, int conn, const struct world_packet *wp)
{
	const struct tcb *tcb = &s->conns[conn].tcb;
	const struct pkt_tcp *t = &wp->pkt.tcp;
	const struct probe *p = NULL;

	for (size_t i = s->n_probes; i-- > 0 && p == NULL;)
		if (s->probes[i].kind == PROBE_ALIVE &&
		    s->probes[i].conn == conn)
			p = &s->probes[i];
	if (p == NULL)
		return false;
	if (tcb->sack_ok)
		return t->n_sacks > 0 && t->sacks[0].left == p->seq &&
		    t->sacks[0].right == p->seq + p->len;
	return wp->at_ns - p->sent_ns >= tcb->rtt_ns * 9 / 10;
}

void
session_take_server_segment(struct session *s, int conn,
    const struct world_packet *wp, char *note, size_t size)
{
	const struct pkt_tcp *t = &wp->pkt.tcp;
	struct session_conn *c = &s->conns[conn];

	if (t->n_sacks > 0 && !seq_after(t->sacks[0].right, t->ack))
		match_take_dsack(s, conn, wp, note, size);
	if (c->alive_asked && c->server_alive == RESULT_UNSURE &&
	    match_answers_alive_ack(s, conn, wp))
		c->server_alive = RESULT_YES;
}

/*
 * How the probe explains this reset's sequence number.  Steps count only after
 * a reset at the tag itself, where devices that step begin (tcpkill: +0, +w,
 * +3w): without that, a multiple of some window lies near any number.
 */
static enum result_seq_match
match_seq(const struct pkt_tcp *t, const struct probe *p)
{
	uint32_t ahead = t->seq - p->ack;

	if (ahead == 0)
		return p->kind == PROBE_SHOT && !p->plain ? RESULT_SEQ_TAG
							  : RESULT_SEQ_EXACT;
	if (p->drew_reset && p->window > 0 && ahead % p->window == 0 &&
	    ahead / p->window <= MATCH_STEPS_MAX)
		return RESULT_SEQ_STEPPED;
	if (t->seq == 0 && (t->flags & PKT_TH_ACK) != 0)
		return RESULT_SEQ_ZERO;
	return RESULT_SEQ_NONE;
}

/* It may have drawn a reset on this connection. */
static bool
match_can_draw(const struct probe *p, int conn)
{
	return p->conn == conn &&
	    (p->kind == PROBE_SHOT || p->kind == PROBE_FULL ||
		p->kind == PROBE_BLOCK);
}

/* All probes of the connection that can draw a reset have one TTL. */
static bool
match_have_one_ttl(const struct session *s, int conn, int probe)
{
	for (size_t i = 0; i < s->n_probes; i++)
		if (match_can_draw(&s->probes[i], conn) &&
		    s->probes[i].ttl != s->probes[probe].ttl)
			return false;
	return true;
}

/*
 * The probe that drew a reset; -1: not known.  In this order: the sequence
 * number, the IP ID or the window names it; the connection had no other; or
 * all have one TTL, and *alike says that nothing tells which of them it was.
 */
static int
match_find_probe(const struct session *s, int conn, const struct pkt *k,
    struct result_reset *r, bool *alike)
{
	int by_seq = -1, by_id = -1, by_window = -1, only = -1, n = 0;
	int n_seq = 0;
	enum result_seq_match m = RESULT_SEQ_NONE, mi;
	const struct probe *p;

	for (size_t i = 0; i < s->n_probes; i++) {
		p = &s->probes[i];
		if (!match_can_draw(p, conn))
			continue;
		n++;
		only = (int)i;
		mi = match_seq(&k->tcp, p);
		if (mi == RESULT_SEQ_ZERO && m == RESULT_SEQ_NONE)
			m = mi;
		if (mi != RESULT_SEQ_NONE && mi != RESULT_SEQ_ZERO) {
			by_seq = (int)i;
			n_seq++;
			m = mi;
		}
		if (k->ip.version == 4 && k->ip.id != 0 && k->ip.id == p->ip_id)
			by_id = (int)i;
		if (k->tcp.window != 0 && k->tcp.window == p->window)
			by_window = (int)i;
	}
	/* Several copies have that acknowledgement number: it names none. */
	if (n_seq > 1) {
		by_seq = -1;
		m = RESULT_SEQ_EXACT;
	}
	r->seq_match = m;
	r->id_echoed = by_id >= 0;
	if (by_seq >= 0)
		return by_seq;
	if (by_id >= 0)
		return by_id;
	if (by_window >= 0)
		return by_window;
	*alike = n > 1 && n_seq > 1 && match_have_one_ttl(s, conn, only);
	return n == 1 || *alike ? only : -1;
}

static void
match_fill_reset(const struct session *s, struct seen_reset *r,
    const struct world_packet *wp)
{
	const struct pkt *k = &wp->pkt;
	const struct tcb *t = &s->conns[r->conn].tcb;
	struct result_reset *f = &r->facts;

	r->at_ns = wp->at_ns;
	f->unix_ns = wp->unix_ns;
	f->ttl = k->ip.ttl;
	f->has_ip_id = k->ip.version == 4;
	f->ip_id = k->ip.id;
	f->flags = k->tcp.flags;
	f->window = k->tcp.window;
	f->latency_ns = -1;
	if (k->ip.has_id && t->has_server_ip_id && t->server_ip_id != 0)
		r->id_follows = tcb_id_follows(t->server_ip_id, k->ip.id)
		    ? RESULT_YES
		    : RESULT_NO;
	f->port = s->conns[r->conn].local.port;
	f->control = s->conns[r->conn].arm == ARM_CONTROL;
	if ((k->has & PKT_HAS_MAC) != 0) {
		f->has_mac = true;
		memcpy(f->mac, k->mac_src, ADDR_MAC);
	}
}

/* The server answers PROBE_ALIVE: it knows no such connection any more. */
static bool
match_answers_alive_reset(const struct session_conn *c, const struct pkt *k)
{
	return c->alive_asked && k->tcp.seq == c->tcb.rcv_nxt &&
	    (k->tcp.flags & PKT_TH_ACK) == 0 &&
	    abs(k->ip.ttl - c->tcb.server_ttl) <= 2;
}

/* The last control that asks for a block was sent after p. */
static bool
match_was_asked_since(const struct session *s, const struct probe *p)
{
	for (size_t i = s->n_probes; i-- > 0;)
		if (s->probes[i].kind == PROBE_BLOCK &&
		    s->probes[i].conn == p->conn)
			return s->probes[i].sent_ns > p->sent_ns;
	return false;
}

/* Notes the reset in the probe that drew it. */
static void
match_charge_probe(struct session *s, struct seen_reset *r)
{
	struct probe *p;

	/* After our FIN or reset, it may be the server's answer to that. */
	if (r->probe == -1 || r->late)
		return;
	p = &s->probes[r->probe];
	if (p->drew_reset && match_was_asked_since(s, p)) {
		r->probe = -1;
		return;
	}
	r->facts.probe_ttl = p->ttl;
	r->facts.latency_ns = r->at_ns - p->sent_ns;
	if (p->drew_reset)
		return;
	p->drew_reset = true;
	p->rst_ttl = r->facts.ttl;
	p->drew_ns = r->at_ns;
}

int
session_take_reset(struct session *s, int conn, const struct world_packet *wp,
    char *note, size_t size, struct fault *f)
{
	struct session_conn *c = &s->conns[conn];
	struct seen_reset r = {0};
	bool alike = false;

	r.conn = conn;
	r.probe = -1;
	r.late = c->closed;
	match_fill_reset(s, &r, wp);
	if (match_answers_alive_reset(c, &wp->pkt)) {
		r.answers_alive = true;
		/*
		 * It may have lost the connection to us: our kernel reset it,
		 * or one end closed it.
		 */
		if (!c->we_reset && !c->tcb.client_fin && !c->tcb.server_fin)
			c->server_alive = RESULT_NO;
		snprintf(note, size, "reset: the server knows no connection");
	} else {
		r.probe = match_find_probe(s, conn, &wp->pkt, &r.facts, &alike);
		match_charge_probe(s, &r);
		if (alike && !r.late)
			s->probes[r.probe].copy_unknown = true;
		if (!r.late)
			c->resets++;
		if (r.probe >= 0)
			snprintf(note, size, "reset, fired by TTL %u",
			    s->probes[r.probe].ttl);
		else
			snprintf(note, size, "reset");
	}
	return session_add_reset(s, &r, f) == -1 ? -1 : 0;
}
