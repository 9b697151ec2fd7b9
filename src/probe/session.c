/*
 * What the job does with the world: it opens and closes connections, injects
 * packets, and hands each packet that comes to the part that knows it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/num.h>

#include "session_int.h"

/* The window of probes where the caller chose none. */
#define SESSION_WINDOW 1024
/* The TTL of Linux, where no packet of this kernel was seen. */
#define SESSION_KERNEL_TTL 64

void
session_init(struct session *s, const struct session_ask *ask)
{
	memset(s, 0, sizeof(*s));
	s->w = ask->w;
	s->target = ask->target;
	s->src = ask->src;
	s->max_hops = ask->max_hops;
	s->path = ask->path;
	for (int i = 0; i < PATH_MAX_HOPS; i++)
		s->path->hops[i].ttl = (uint8_t)(i + 1);
	s->evidence = ask->evidence;
	s->maker = ask->maker;
	s->attached = ask->attach;
	s->plain_header = ask->plain_header;
	s->short_of_server = ask->attach.port != 0;
	if (ask->rate_pps > 0)
		s->gap_ns = CLOCK_S / ask->rate_pps;
	s->started_ns = session_now(s);
	rng_seed(&s->rng, (uint64_t)s->started_ns);
	s->echo_id = (uint16_t)(1 + rng_below(&s->rng, 0xfffe));
	s->echo_sum = (uint16_t)(1 + rng_below(&s->rng, 0xfffd));
	s->syn_seq = (uint32_t)rng_u64(&s->rng);
}

void
session_free(struct session *s)
{
	for (size_t i = 0; i < s->n_conns; i++)
		session_close(s, (int)i);
	free(s->conns);
	free(s->probes);
	free(s->resets);
	s->conns = NULL;
	s->probes = NULL;
	s->resets = NULL;
	s->n_conns = s->n_probes = s->n_resets = 0;
}

/* Another view of the attached connection; what the last one knew stays. */
static int
session_adopt(struct session *s, struct session_conn *c, struct fault *f)
{
	struct flow_key flow = {s->attached, s->target};

	if (s->w->adopt(s->w->ctx, &c->id, f) == -1)
		return -1;
	c->local = s->attached;
	if (s->n_conns > 0)
		c->tcb = s->conns[s->n_conns - 1].tcb;
	else
		tcb_adopt(&c->tcb, &flow);
	return 0;
}

/* Asks the world for it.  Of *c, no more than arm, time and talk is set. */
static int
session_begin(
    struct session *s, struct session_conn *c, uint16_t port, struct fault *f)
{
	struct flow_key flow;

	if (s->attached.port != 0)
		return session_adopt(s, c, f);
	if (s->w->open(s->w->ctx, port, &c->id, &c->local, f) == -1)
		return -1;
	c->port_again = port != 0;
	c->secret = c->talk.secret;
	flow.src = c->local;
	flow.dst = s->target;
	tcb_init(&c->tcb, &flow);
	if (c->talk.step == NULL)
		return 0;
	return s->w->keep(s->w->ctx, c->id, f);
}

int
session_open(
    struct session *s, enum arm arm, uint16_t local_port, struct fault *f)
{
	struct session_conn c = {.arm = arm};
	int conn = -1;

	c.opened_ns = session_now(s);
	if (s->maker.make != NULL &&
	    s->maker.make(s->maker.ctx, &c.talk, f) == -1)
		return -1;
	if (session_begin(s, &c, local_port, f) == 0)
		conn = session_add_conn(s, &c, f);
	if (conn == -1)
		talk_free(&c.talk);
	return conn;
}

void
session_keep_port(struct session *s, int conn)
{
	s->conns[conn].port_again = true;
}

void
session_close(struct session *s, int conn)
{
	struct session_conn *c = &s->conns[conn];

	if (c->closed)
		return;
	session_end_talk(s, conn);
	c->closed = true;
	c->closed_ns = session_now(s);
	s->w->close(s->w->ctx, c->id, c->port_again);
}

/* A random IP ID, never 0. */
static uint16_t
session_random_id(struct session *s)
{
	return (uint16_t)(1 + rng_below(&s->rng, 0xfffe));
}

/* The latest connection that a packet of either direction belongs to; -1. */
static int
session_find_conn(const struct session *s, const struct pkt *p)
{
	struct flow_key key, back;

	if (!pkt_flow_key(p, &key))
		return -1;
	back = flow_key_reverse(&key);
	for (size_t i = s->n_conns; i-- > 0;)
		if (flow_key_equal(&s->conns[i].tcb.flow, &key) ||
		    flow_key_equal(&s->conns[i].tcb.flow, &back))
			return (int)i;
	return -1;
}

/*
 * The kernel has sent the data of a PROBE_FULL: its time, sequence number and
 * IP ID are known from now on.
 */
static void
session_note_full(struct session *s, int conn, const struct world_packet *wp)
{
	const struct pkt *p = &wp->pkt;
	struct probe *q;

	if (p->payload_wire == 0)
		return;
	for (size_t i = s->n_probes; i-- > 0;) {
		q = &s->probes[i];
		if (q->conn != conn || q->kind != PROBE_FULL)
			continue;
		if (q->ttl != 0) /* a retransmission */
			return;
		q->ttl = p->ip.ttl;
		q->ip_id = p->ip.id;
		q->seq = p->tcp.seq;
		q->ack = p->tcp.ack;
		q->window = p->tcp.window;
		q->flags = p->tcp.flags;
		q->sent_ns = wp->at_ns;
		return;
	}
}

/* This end sent it. */
static bool
session_is_ours(const struct session_conn *c, const struct pkt *p)
{
	struct flow_key key;

	return pkt_flow_key(p, &key) && flow_key_equal(&key, &c->tcb.flow);
}

static int
session_take_tcp(struct session *s, int conn, const struct world_packet *wp,
    char *note, size_t size, struct fault *f)
{
	struct session_conn *c = &s->conns[conn];

	/* A talk's last words after the close tell nothing of the trigger. */
	if (c->closed && c->talk_begun && session_is_ours(c, &wp->pkt))
		return 0;
	switch (tcb_see(&c->tcb, &wp->pkt, wp->at_ns)) {
	case TCB_SENT:
		c->we_reset =
		    c->we_reset || (wp->pkt.tcp.flags & PKT_TH_RST) != 0;
		session_note_full(s, conn, wp);
		return 0;
	case TCB_INJECTED:
		/* We inject no resets: this one is the kernel's, which has
		 * no socket any more. */
		c->we_reset =
		    c->we_reset || (wp->pkt.tcp.flags & PKT_TH_RST) != 0;
		snprintf(note, size, "probe with TTL %u", wp->pkt.ip.ttl);
		return 0;
	case TCB_RECEIVED:
		session_take_server_segment(s, conn, wp, note, size);
		return 0;
	case TCB_RESET:
		return session_take_reset(s, conn, wp, note, size, f);
	case TCB_OTHER:
		return 0;
	}
	return 0;
}

static void
session_take_syn_answer(struct session *s, const struct world_packet *wp)
{
	const struct pkt *p = &wp->pkt;

	if (s->syn_local.port == 0 || p->tcp.dport != s->syn_local.port ||
	    (p->tcp.flags & PKT_TH_ACK) == 0 ||
	    (p->tcp.flags & (PKT_TH_SYN | PKT_TH_RST)) == 0)
		return;
	for (size_t i = s->n_probes; i-- > 0;)
		if (s->probes[i].kind == PROBE_SYN &&
		    s->probes[i].seq + 1 == p->tcp.ack) {
			session_record_answer(s, (int)i, wp, true);
			s->probes[i].refused = (p->tcp.flags & PKT_TH_RST) != 0;
			return;
		}
}

static void
session_take_echo_reply(struct session *s, const struct world_packet *wp)
{
	if (wp->pkt.icmp.id != s->echo_id)
		return;
	for (size_t i = s->n_probes; i-- > 0;)
		if (s->probes[i].kind == PROBE_ECHO &&
		    s->probes[i].ip_id == wp->pkt.icmp.seq) {
			session_record_answer(s, (int)i, wp, true);
			return;
		}
}

static int
session_take_packet(
    struct session *s, const struct world_packet *wp, struct fault *f)
{
	char note[sizeof(((struct result_packet *)0)->note)] = "";
	const struct pkt *p = &wp->pkt;
	int conn = -1, rc = 0;
	size_t kept;

	if ((p->has & PKT_HAS_TCP) != 0) {
		conn = session_find_conn(s, p);
		if (conn >= 0)
			rc = session_take_tcp(
			    s, conn, wp, note, sizeof(note), f);
		else
			session_take_syn_answer(s, wp);
	} else if ((p->has & PKT_HAS_QUOTE) != 0) {
		session_match_quote(s, wp, note, sizeof(note));
	} else if ((p->has & PKT_HAS_ICMP) != 0 && p->icmp.is_echo_reply) {
		session_take_echo_reply(s, wp);
	}
	if (s->evidence == NULL)
		return rc;
	kept = s->evidence->n;
	result_keep(s->evidence, wp->unix_ns, wp->link, wp->data, wp->len,
	    wp->wire_len, note);
	if (s->evidence->n > kept)
		session_blank_evidence(s, conn, wp);
	return rc;
}

/* When the next tick is due; INT64_MAX: never, or ticks are not wanted. */
static int64_t
session_tick_at(const struct session *s, bool ticks)
{
	return ticks && s->tick != NULL && s->tick_ns != 0 ? s->tick_ns
							   : INT64_MAX;
}

/* The earliest of the caller's deadline, the next tick, and a talk's. */
static int64_t
session_wake_at(const struct session *s, int64_t until_ns, bool ticks)
{
	int64_t talks = session_talks_wake_at(s);

	return num_min64(num_min64(until_ns, talks), session_tick_at(s, ticks));
}

/* Both pumps; ticks: call the tick when it is due. */
static int
session_pump_until(struct session *s, int64_t until_ns, bool ticks,
    bool (*done)(void *arg), void *arg, struct fault *f)
{
	struct world_packet wp;
	int rc;

	for (;;) {
		if (session_now(s) >= session_tick_at(s, ticks)) {
			s->tick_ns = 0;
			if (s->tick(s, s->tick_arg, f) == -1)
				return -1;
		}
		session_step_talks(s);
		if (done != NULL && done(arg))
			return 1;
		if (session_now(s) >= until_ns)
			return 0;
		rc = s->w->next(
		    s->w->ctx, session_wake_at(s, until_ns, ticks), &wp, f);
		if (rc == -1 ||
		    (rc == 1 && session_take_packet(s, &wp, f) == -1))
			return -1;
	}
}

int
session_pump(struct session *s, int64_t until_ns, bool (*done)(void *arg),
    void *arg, struct fault *f)
{
	return session_pump_until(s, until_ns, true, done, arg, f);
}

int
session_pump_only(struct session *s, int64_t until_ns, bool (*done)(void *arg),
    void *arg, struct fault *f)
{
	return session_pump_until(s, until_ns, false, done, arg, f);
}

struct session_open_wait {
	struct session *s;
	int conn;
};

/* Its socket is open, and the capture has shown its numbers; or it failed. */
static bool
session_open_done(void *arg)
{
	struct session_open_wait *o = arg;
	enum conn_state st = session_state(o->s, o->conn);

	if (st == CONN_CONNECTING)
		return false;
	return st != CONN_OPEN || o->s->conns[o->conn].tcb.established;
}

int
session_wait_open(struct session *s, int conn, int64_t wait_ns, struct fault *f)
{
	struct session_open_wait o = {s, conn};

	if (session_pump(
		s, session_now(s) + wait_ns, session_open_done, &o, f) == -1)
		return -1;
	return session_state(s, conn) == CONN_OPEN &&
	    s->conns[conn].tcb.established;
}

int
session_open_fault(struct session *s, int conn, struct fault *f)
{
	char ep[ADDR_ENDPOINT];
	const char *what = endpoint_format(&s->target, ep);

	switch (session_state(s, conn)) {
	case CONN_REFUSED:
		return fault(f, FAULT_NETWORK,
		    "%s refused the connection: nothing listens there, or a "
		    "device resets the SYN itself; name a port that is open",
		    what);
	case CONN_UNREACHABLE:
		return fault(f, FAULT_NETWORK,
		    "%s cannot be reached: see the route to it (ip route get)",
		    what);
	case CONN_CONNECTING:
	case CONN_TIMED_OUT:
		return fault(f, FAULT_NETWORK,
		    "%s did not answer the SYN: see that the host is up and "
		    "the port open to this client",
		    what);
	case CONN_OPEN:
		return fault(f, FAULT_NETWORK,
		    "the handshake with %s was not seen on the interface: "
		    "name the right one with -i",
		    what);
	case CONN_RESET:
	case CONN_CLOSED:
	case CONN_FAILED:
		break;
	}
	return fault(f, FAULT_NETWORK, "%s ended the connection at once", what);
}

/*
 * Waits for the next free slot where a rate is asked for.  The copies of a
 * trigger and the controls of a block stay together: no tick comes between.
 */
static int
session_wait_slot(struct session *s, enum probe_kind kind, struct fault *f)
{
	bool ticks = kind != PROBE_SHOT && kind != PROBE_BLOCK;
	int64_t now = session_now(s);

	if (s->gap_ns == 0)
		return 0;
	if (s->next_slot_ns < now)
		s->next_slot_ns = now;
	if (s->next_slot_ns > now &&
	    session_pump_until(s, s->next_slot_ns, ticks, NULL, NULL, f) == -1)
		return -1;
	s->next_slot_ns += s->gap_ns;
	return 0;
}

static int
session_send_tcp(struct session *s, const struct craft_tcp *t, struct fault *f)
{
	if (s->w->tcp(s->w->ctx, t, f) == -1)
		return -1;
	s->packets_sent++;
	return 0;
}

/* Sends n bytes of payload in the probe's segment, `at` bytes further on. */
static int
session_send_segment(struct session *s, const struct probe *p, uint32_t at,
    const uint8_t *payload, size_t n, struct fault *f)
{
	const struct tcb *tcb = &s->conns[p->conn].tcb;
	uint8_t opts[TCB_OPTS];
	struct craft_tcp t = {0};

	t.flow = tcb->flow;
	t.ttl = p->ttl;
	t.tos = tcb->client_tos;
	t.id = p->ip_id;
	t.df = tcb->client_df;
	t.flow_label = tcb->flow_label;
	t.seq = p->seq + at;
	t.ack = p->ack;
	t.flags = p->flags;
	t.window = p->window;
	t.opts = opts;
	t.opts_len = s->plain_header ? 0 : tcb_write_opts(tcb, opts);
	t.payload = payload;
	t.payload_len = n;
	return session_send_tcp(s, &t, f);
}

int
session_inject(
    struct session *s, struct probe *p, const uint8_t *payload, struct fault *f)
{
	if (session_wait_slot(s, p->kind, f) == -1)
		return -1;
	if (p->window == 0)
		p->window = SESSION_WINDOW;
	p->sent_ns = session_now(s);
	if (session_send_segment(s, p, 0, payload, p->len, f) == -1)
		return -1;
	return session_add_probe(s, p, f);
}

int
session_inject_rest(struct session *s, int probe, const uint8_t *rest, size_t n,
    size_t each, struct fault *f)
{
	uint32_t at = s->probes[probe].len;
	size_t len;

	for (; n > 0; n -= len) {
		len = n < each ? n : each;
		if (session_wait_slot(s, s->probes[probe].kind, f) == -1 ||
		    session_send_segment(
			s, &s->probes[probe], at, rest, len, f) == -1)
			return -1;
		rest += len;
		at += (uint32_t)len;
	}
	return 0;
}

int
session_inject_trace(
    struct session *s, enum probe_kind kind, int conn, int ttl, struct fault *f)
{
	static const uint8_t zeros[PATH_MAX_HOPS];
	const struct tcb *tcb = &s->conns[conn].tcb;
	struct probe p = {.kind = kind, .conn = conn};

	p.ttl = (uint8_t)ttl;
	p.ip_id = session_random_id(s);
	p.seq = tcb->snd_una - (uint32_t)ttl;
	p.ack = tcb->rcv_nxt;
	p.len = (uint16_t)ttl;
	p.flags = PKT_TH_ACK;
	return session_inject(s, &p, zeros, f);
}

int
session_echo(struct session *s, int ttl, struct fault *f)
{
	struct probe p = {0};
	struct craft_echo e = {0};

	if (session_wait_slot(s, PROBE_ECHO, f) == -1)
		return -1;
	p.kind = PROBE_ECHO;
	p.conn = -1;
	p.ttl = (uint8_t)ttl;
	/* The echo's sequence number names the probe: one for each. */
	p.ip_id = (uint16_t)(s->n_probes + 1);
	e.src = s->src;
	e.dst = s->target.addr;
	e.ttl = p.ttl;
	e.id = p.ip_id;
	e.echo_id = s->echo_id;
	e.echo_seq = p.ip_id;
	e.checksum = s->echo_sum;
	e.payload_len = 16;
	p.sent_ns = session_now(s);
	if (s->w->echo(s->w->ctx, &e, f) == -1)
		return -1;
	s->packets_sent++;
	return session_add_probe(s, &p, f);
}

int
session_syn(struct session *s, int ttl, struct fault *f)
{
	/* MSS 1460, SACK permitted, NOP, window scale 7: as a usual SYN. */
	static const uint8_t opts[12] = {2, 4, 5, 180, 4, 2, 1, 3, 3, 7, 1, 1};
	struct probe p = {0};
	struct craft_tcp t = {0};

	if (s->syn_local.port == 0 &&
	    s->w->reserve(s->w->ctx, &s->syn_local, f) == -1)
		return -1;
	if (session_wait_slot(s, PROBE_SYN, f) == -1)
		return -1;
	p.kind = PROBE_SYN;
	p.conn = -1;
	p.ttl = (uint8_t)ttl;
	p.ip_id = session_random_id(s);
	p.seq = --s->syn_seq;
	p.flags = PKT_TH_SYN;
	p.window = 64240;
	t.flow.src = s->syn_local;
	t.flow.dst = s->target;
	t.ttl = p.ttl;
	t.id = p.ip_id;
	t.df = true;
	t.seq = p.seq;
	t.flags = p.flags;
	t.window = p.window;
	t.opts = opts;
	t.opts_len = sizeof(opts);
	p.sent_ns = session_now(s);
	if (session_send_tcp(s, &t, f) == -1)
		return -1;
	return session_add_probe(s, &p, f);
}

int
session_set_ttl(struct session *s, int conn, int ttl, struct fault *f)
{
	struct session_conn *c = &s->conns[conn];

	if (s->w->set_ttl == NULL)
		return 0;
	if (s->w->set_ttl(s->w->ctx, c->id, ttl, f) == -1)
		return -1;
	c->tcb.client_ttl = (uint8_t)ttl;
	return 0;
}

int
session_send_full(
    struct session *s, int conn, const uint8_t *p, size_t n, struct fault *f)
{
	struct session_conn *c = &s->conns[conn];
	struct probe q = {0};
	int i;

	q.kind = PROBE_FULL;
	q.conn = conn;
	q.len = (uint16_t)n;
	q.seq = c->tcb.snd_nxt;
	q.ack = c->tcb.rcv_nxt;
	q.flags = PKT_TH_PSH | PKT_TH_ACK;
	q.sent_ns = session_now(s);
	i = session_add_probe(s, &q, f);
	if (i == -1 || s->w->send(s->w->ctx, c->id, p, n, f) == -1)
		return -1;
	return i;
}

int
session_draw_challenge_ack(struct session *s, int conn, struct fault *f)
{
	struct tcb *tcb = &s->conns[conn].tcb;
	struct probe p = {0};

	/* One less than the kernel's, so that it is not taken for its own. */
	if (tcb->client_ttl == 0)
		tcb->client_ttl = SESSION_KERNEL_TTL;
	p.kind = PROBE_ALIVE;
	p.conn = conn;
	p.ttl = (uint8_t)(tcb->client_ttl - 1);
	p.ip_id = session_random_id(s);
	p.seq = (uint32_t)rng_u64(&s->rng);
	p.ack = (uint32_t)rng_u64(&s->rng);
	p.flags = PKT_TH_ACK;
	return session_inject(s, &p, NULL, f) == -1 ? -1 : 0;
}

int
session_ask_alive(struct session *s, int conn, struct fault *f)
{
	struct session_conn *c = &s->conns[conn];
	struct probe p = {0};
	static const uint8_t nothing;

	p.kind = PROBE_ALIVE;
	p.conn = conn;
	p.ttl = c->tcb.client_ttl;
	p.ip_id = session_random_id(s);
	p.seq = c->tcb.snd_una - 1;
	p.ack = c->tcb.rcv_nxt;
	p.len = 1;
	p.flags = PKT_TH_ACK;
	c->alive_asked = true;
	return session_inject(s, &p, &nothing, f);
}
