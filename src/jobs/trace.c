/*
 * trace: all TTLs at once, the silent ones again a second later.
 *
 * The trace command does not wait for the handshake: SYNs of a port of their
 * own go beside it, and once it is home, one round trip later, so are the
 * answers.  Where these leave a hop in doubt, the connection is traced too.
 */
#include <stdio.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/trace.h>

#include "session.h"
#include "tracing.h"

/* Linux lets a router send one time-exceeded a second to each target. */
#define RETRY_NS   (CLOCK_S + 50 * CLOCK_MS)
#define LOST_NS	   (20 * CLOCK_MS) /* after two round trips: it was lost */
#define ROUNDS	   4
#define CONNECT_NS (5 * CLOCK_S)
/* TTLs asked beyond where the server's own TTL puts it. */
#define BEYOND 2
/* Where the round trip is not known. */
#define WAIT_NS (CLOCK_S)
/*
 * The wave beside the handshake: so many TTLs, for few paths are longer, a few
 * at once and so far apart that a server nearby answers before all have left.
 */
#define AHEAD	      16
#define AHEAD_AT_ONCE 4
#define AHEAD_GAP_NS  (300 * CLOCK_US)
/* Answers come within the round trip and an eighth, and a little. */
#define AHEAD_MORE_NS (2 * CLOCK_MS)

/* N by the server's own TTL, were the way back as long; 0: not known. */
static int
hops_by_ttl(const struct path *p)
{
	if (p->server_ttl == 0)
		return 0;
	return pkt_initial_ttl(p->server_ttl) - p->server_ttl + 1;
}

/* The smallest TTL at which the server itself answered; 0: none. */
static int
server_answered_at(const struct path *p)
{
	int i;

	for (i = 0; i < PATH_MAX_HOPS; i++)
		if (p->hops[i].is_server)
			return i + 1;
	return 0;
}

/* The largest TTL at which a router said time-exceeded; 0: none. */
static int
last_router(const struct tracing *t)
{
	const struct probe *p;
	int last = 0;
	size_t i;

	for (i = 0; i < t->s->n_probes; i++) {
		p = &t->s->probes[i];
		if (p->te && !p->unreachable && p->ttl > last)
			last = p->ttl;
	}
	return last;
}

/*
 * Of the flow itself: what TCP, not ICMP, drew.  A device that answers SYNs in
 * the server's name may let the connection through.
 */
static bool
is_of_flow(const struct tracing *t, const struct probe *p)
{
	return p->kind == PROBE_TRACE || p->kind == PROBE_SHOT ||
	    (p->kind == PROBE_SYN && t->conn == -1);
}

/*
 * The TTL at which whoever answers the flow is reached, 0 where no answer
 * tells; it may be a proxy in the server's name, nearer than the host that
 * answers pings.
 */
static int
flow_answered_at(const struct tracing *t)
{
	const struct probe *p;
	int first = 0, last = 0;
	size_t i;

	for (i = 0; i < t->s->n_probes; i++) {
		p = &t->s->probes[i];
		if (!is_of_flow(t, p))
			continue;
		if (p->from_server && (first == 0 || p->ttl < first))
			first = p->ttl;
		if (p->te && !p->unreachable && p->ttl > last)
			last = p->ttl;
	}
	return first > last ? first : 0;
}

void
tracing_note_proxy(const struct tracing *t, struct result_notes *notes)
{
	int flow = flow_answered_at(t), beyond = 0;
	const struct probe *p;
	size_t i;

	for (i = 0; i < t->s->n_probes; i++) {
		p = &t->s->probes[i];
		if (p->kind == PROBE_ECHO && p->te && !p->unreachable &&
		    p->ttl > beyond)
			beyond = p->ttl;
	}
	if (flow > 0 && beyond >= flow)
		result_note(notes,
		    "The connection is answered at hop %d, while pings to the "
		    "same address go on beyond hop %d: a proxy answers there "
		    "in the server's name.",
		    flow, beyond);
}

static int
send_tcp_probe(struct tracing *t, int ttl, struct fault *f)
{
	static const uint8_t zeros[PATH_MAX_HOPS];
	const struct session_conn *c = &t->s->conns[t->conn];
	struct probe p = {0};

	/*
	 * The last ttl bytes before what the server has acknowledged: it
	 * drops them and says so, and their seq, in the first 8 bytes of any
	 * quote, names the probe.
	 */
	p.kind = PROBE_TRACE;
	p.conn = t->conn;
	p.ttl = (uint8_t)ttl;
	p.ip_id = (uint16_t)(1 + rng_below(&t->s->rng, 0xfffe));
	p.seq = c->tcb.snd_una - (uint32_t)ttl;
	p.ack = c->tcb.rcv_nxt;
	p.len = (uint16_t)ttl;
	p.flags = PKT_TH_ACK;
	return session_inject(t->s, &p, zeros, f);
}

static bool
conn_usable(const struct tracing *t)
{
	return t->conn >= 0 && !t->s->conns[t->conn].closed &&
	    session_state(t->s, t->conn) == CONN_OPEN;
}

static int
ask_hop(struct tracing *t, int ttl, struct fault *f)
{
	if (conn_usable(t) && send_tcp_probe(t, ttl, f) == -1)
		return -1;
	if (t->syn && session_syn(t->s, ttl, f) == -1)
		return -1;
	return session_echo(t->s, ttl, f) == -1 ? -1 : 0;
}

static int
ask_range(struct tracing *t, int from, int to, struct fault *f)
{
	int ttl;

	for (ttl = from; ttl <= to; ttl++)
		if (ask_hop(t, ttl, f) == -1)
			return -1;
	if (to > t->limit)
		t->limit = to;
	return 0;
}

/* Where silent hops end: before the server, or at the limit. */
static int
horizon(const struct tracing *t)
{
	int n = server_answered_at(t->s->path);

	return n > 0 ? n : t->limit;
}

static int
ask_silent(struct tracing *t, struct fault *f)
{
	int ttl;

	for (ttl = 1; ttl <= horizon(t); ttl++)
		if (t->s->path->hops[ttl - 1].n_responders == 0 &&
		    ask_hop(t, ttl, f) == -1)
			return -1;
	return 0;
}

/*
 * A wave has left: silent hops are asked again.  At once for the first time,
 * for a packet may have been lost, and even a router that limits its answers
 * has a few in hand; then a second from now.
 */
static void
note_wave(struct tracing *t)
{
	int64_t rtt = t->s->path->server_rtt_ns;
	int64_t wait = RETRY_NS;

	if (t->round == 1 && rtt > 0 && 2 * rtt + LOST_NS < RETRY_NS)
		wait = 2 * rtt + LOST_NS;
	t->wave_ns = session_now(t->s);
	t->s->tick_ns = t->wave_ns + wait;
}

/*
 * A second after a wave: hops that are silent are asked again, and the reach
 * is widened where the path turned out longer than the server's TTL said.
 */
static int
tracing_tick(struct session *s, void *arg, struct fault *f)
{
	struct tracing *t = arg;

	if (t->round >= ROUNDS || tracing_enough(t)) {
		t->given_up = true;
		return 0;
	}
	t->round++;
	if (ask_silent(t, f) == -1)
		return -1;
	if (server_answered_at(s->path) == 0 && t->limit < s->max_hops &&
	    (hops_by_ttl(s->path) == 0 ||
		last_router(t) >= t->limit - BEYOND) &&
	    ask_range(t, t->limit + 1, s->max_hops, f) == -1)
		return -1;
	note_wave(t);
	return 0;
}

int
tracing_begin(
    struct tracing *t, struct session *s, int conn, bool syn, struct fault *f)
{
	int guess = hops_by_ttl(s->path);
	int limit = s->max_hops;

	memset(t, 0, sizeof(*t));
	t->s = s;
	t->conn = conn;
	t->syn = syn;
	t->round = 1;
	if (guess > 0 && guess + BEYOND < limit)
		limit = guess + BEYOND;
	if (ask_range(t, 1, limit, f) == -1)
		return -1;
	s->tick = tracing_tick;
	s->tick_arg = t;
	note_wave(t);
	return 0;
}

bool
tracing_enough(const struct tracing *t)
{
	int i, n = server_answered_at(t->s->path);

	for (i = 0; i < n; i++)
		if (t->s->path->hops[i].n_responders == 0)
			return false;
	return n > 0;
}

bool
tracing_complete(const struct tracing *t)
{
	int n = server_answered_at(t->s->path);
	const struct probe *p;
	size_t i;

	if (!tracing_enough(t))
		return false;
	for (i = 0; i < t->s->n_probes; i++) {
		p = &t->s->probes[i];
		if (p->kind <= PROBE_ECHO && p->ttl <= n && p->answered_ns == 0)
			return false;
	}
	return true;
}

/* No hop from one TTL to another has answered, nor been asked twice. */
static bool
all_silent(const struct path *p, int from, int to)
{
	for (; from <= to; from++)
		if (p->hops[from - 1].n_responders > 0 ||
		    p->hops[from - 1].asked > 2)
			return false;
	return true;
}

void
tracing_conclude(const struct tracing *t)
{
	struct path *p = t->s->path;
	int answered = server_answered_at(p), last = last_router(t);
	int guess = hops_by_ttl(p), flow = flow_answered_at(t);

	p->server_initial_ttl =
	    p->server_ttl != 0 ? pkt_initial_ttl(p->server_ttl) : 0;
	/*
	 * The flow's own word counts for more than that of pings; but where
	 * pings and the server's TTL agree on less, and nothing says more, its
	 * probe was lost there.
	 */
	if (flow > 0 &&
	    !(last < answered && answered < flow && guess == answered))
		answered = flow;
	/* Silence before the first answer: the probe may have been lost. */
	if (answered > last && guess > last && guess < answered &&
	    all_silent(p, last + 1, answered - 1)) {
		p->server_hops = guess;
		p->distance = PATH_DISTANCE_SILENT;
	} else if (answered > last || flow > 0) {
		p->server_hops = answered;
		p->distance = PATH_DISTANCE_PROBE;
	} else if (guess > last && guess <= t->s->max_hops) {
		p->server_hops = guess;
		p->distance =
		    last > 0 ? PATH_DISTANCE_SILENT : PATH_DISTANCE_TTL;
	} else {
		p->server_hops = 0;
		p->distance = PATH_DISTANCE_UNKNOWN;
	}
	p->n_hops = p->server_hops;
	if (p->n_hops == 0)
		p->n_hops = last > 0 ? last : t->limit;
}

/* The trace command's own way. */

struct wait {
	const struct tracing *t;
	int64_t patience_ns; /* after the wave, once enough have answered */
};

static bool
trace_done(void *arg)
{
	const struct wait *w = arg;

	if (tracing_complete(w->t))
		return true;
	if (!tracing_enough(w->t))
		return w->t->given_up;
	return session_now(w->t->s) >= w->t->wave_ns + w->patience_ns;
}

static int
await_answers(struct tracing *t, struct fault *f)
{
	int64_t rtt = t->s->path->server_rtt_ns, end, step;
	struct wait w = {t, rtt > 0 ? rtt * 5 / 4 + 10 * CLOCK_MS : WAIT_NS};
	int rc;

	end = session_now(t->s) + (ROUNDS + 1) * RETRY_NS;
	for (;;) {
		step = session_now(t->s) + w.patience_ns / 8 + CLOCK_MS;
		rc = session_pump(t->s, step, trace_done, &w, f);
		if (rc != 0 || session_now(t->s) >= end)
			return rc == -1 ? -1 : 0;
	}
}

static void
fill_server(struct session *s, int conn)
{
	const struct tcb *tcb = &s->conns[conn].tcb;

	s->path->server_ttl = tcb->server_ttl;
	s->path->server_rtt_ns = tcb->rtt_ns;
}

static void
head_from_ask(struct result_head *h, const struct trace_ask *ask)
{
	snprintf(h->host, sizeof(h->host), "%s", ask->host);
	h->started_unix_ns = ask->started_unix_ns;
	h->target = ask->target;
	h->source.addr = ask->route.src;
	snprintf(h->ifname, sizeof(h->ifname), "%s", ask->route.ifname);
}

/* Why the connection did not open. */
static void
note_not_open(struct session *s, int conn, struct trace_result *out)
{
	struct fault why = {0};

	session_open_fault(s, conn, &why);
	session_close(s, conn);
	result_note(&out->notes, "%s; traced with SYNs instead.", why.text);
}

/*
 * The path of the SYNs' five-tuple is whole, and the echoes fit it.  Where the
 * connection opened, a reset to a SYN is not the server's word.
 */
static bool
ahead_suffices(const struct tracing *t)
{
	int n = flow_answered_at(t), ttl;
	bool seen[PATH_MAX_HOPS + 1] = {false};
	const struct probe *p;
	size_t i;

	if (n == 0 || server_answered_at(t->s->path) != n ||
	    last_router(t) >= n)
		return false;
	for (i = 0; i < t->s->n_probes; i++) {
		p = &t->s->probes[i];
		if (p->kind == PROBE_SYN && p->refused)
			return false;
		if (p->kind == PROBE_SYN && p->te)
			seen[p->ttl] = true;
	}
	for (ttl = 1; ttl < n; ttl++)
		if (!seen[ttl])
			return false;
	return true;
}

/* SYNs and echoes, until the server answers or `to` is reached. */
static int
ask_ahead(struct tracing *t, int to, struct fault *f)
{
	struct session *s = t->s;
	int n;

	if (to > s->max_hops)
		to = s->max_hops;
	while (t->limit < to && server_answered_at(s->path) == 0) {
		n = to - t->limit < AHEAD_AT_ONCE ? to
						  : t->limit + AHEAD_AT_ONCE;
		if (ask_range(t, t->limit + 1, n, f) == -1 ||
		    session_pump(
			s, session_now(s) + AHEAD_GAP_NS, NULL, NULL, f) == -1)
			return -1;
	}
	note_wave(t);
	return 0;
}

/* Routers answer up to where was asked: the server is beyond. */
static bool
wants_more(const struct tracing *t)
{
	return server_answered_at(t->s->path) == 0 &&
	    t->limit < t->s->max_hops && last_router(t) >= t->limit - BEYOND;
}

struct ahead {
	const struct tracing *t;
	int conn;
};

static bool
is_open(struct session *s, int conn)
{
	return session_state(s, conn) == CONN_OPEN &&
	    s->conns[conn].tcb.established;
}

static bool
ahead_settled(void *arg)
{
	const struct ahead *a = arg;
	enum conn_state st = session_state(a->t->s, a->conn);

	if (st == CONN_OPEN)
		return a->t->s->conns[a->conn].tcb.established;
	return st != CONN_CONNECTING || wants_more(a->t);
}

static bool
ahead_complete(void *arg)
{
	const struct ahead *a = arg;

	return ahead_suffices(a->t) && tracing_complete(a->t);
}

/*
 * Until the connection is open, and the answers that left with it are home; or
 * until it has failed.
 */
static int
await_ahead(struct tracing *t, int conn, struct fault *f)
{
	struct session *s = t->s;
	int64_t end = session_now(s) + CONNECT_NS;
	struct ahead a = {t, conn};
	int rc;

	for (;;) {
		rc = session_pump(s, end, ahead_settled, &a, f);
		if (rc != 1 || session_state(s, conn) != CONN_CONNECTING)
			break;
		if (ask_ahead(t, t->limit + AHEAD / 2, f) == -1)
			return -1;
	}
	if (rc != 1 || !is_open(s, conn))
		return rc == -1 ? -1 : 0;
	end = t->wave_ns + s->conns[conn].tcb.rtt_ns * 9 / 8 + AHEAD_MORE_NS;
	return session_pump(s, end, ahead_complete, &a, f) == -1 ? -1 : 0;
}

/*
 * Routers answer pings from where a SYN was answered, or it was answered with
 * a reset: a device did so in the server's name.  Echoes alone count then.
 */
static void
forget_false_server(struct tracing *t)
{
	int first = 0, i;
	const struct probe *p;
	bool refused = false;
	size_t k;

	for (k = 0; k < t->s->n_probes; k++) {
		p = &t->s->probes[k];
		refused = refused || p->refused;
		if (p->kind == PROBE_SYN && p->from_server &&
		    (first == 0 || p->ttl < first))
			first = p->ttl;
	}
	if (!refused && (first == 0 || last_router(t) < first))
		return;
	for (i = 0; i < PATH_MAX_HOPS; i++)
		t->s->path->hops[i].is_server = false;
	for (k = 0; k < t->s->n_probes; k++) {
		p = &t->s->probes[k];
		if (p->kind == PROBE_ECHO && p->from_server)
			t->s->path->hops[p->ttl - 1].is_server = true;
	}
}

/* The connection itself; the echoes have gone before. */
static int
ask_inside(struct tracing *t, int conn, struct fault *f)
{
	int to = hops_by_ttl(t->s->path), asked = t->limit, ttl;

	t->conn = conn;
	t->syn = false;
	t->s->path->established = true;
	forget_false_server(t);
	if (to < last_router(t))
		to = last_router(t);
	to = to + BEYOND < t->s->max_hops ? to + BEYOND : t->s->max_hops;
	for (ttl = 1; ttl <= to && ttl <= asked; ttl++)
		if (conn_usable(t) && send_tcp_probe(t, ttl, f) == -1)
			return -1;
	if (ask_range(t, asked + 1, to, f) == -1)
		return -1;
	note_wave(t);
	return 0;
}

/* The server's TTL from its answer to a SYN or an echo, where no SYN-ACK. */
static void
server_ttl_from_answers(struct path *p)
{
	int n = server_answered_at(p);

	if (p->server_ttl != 0 || n == 0)
		return;
	p->server_ttl = p->hops[n - 1].responders[0].reply_ttl;
	p->server_rtt_ns = p->hops[n - 1].responders[0].rtt_ns;
}

/*
 * The flow asked for, by its port, or none: a connection first, then probes
 * inside it; SYNs where none opens; echoes alone where no port is known.
 */
static int
trace_one_flow(
    struct tracing *t, uint16_t port, struct trace_result *out, struct fault *f)
{
	struct session *s = t->s;
	int conn = -1, open = 0;

	if (port != 0) {
		conn = session_open(s, ARM_NONE, f);
		if (conn == -1)
			return -1;
		out->head.source = s->conns[conn].local;
		open = session_wait_open(s, conn, CONNECT_NS, f);
		if (open == -1)
			return -1;
	}
	if (open == 1) {
		fill_server(s, conn);
		s->path->established = true;
	} else if (port != 0) {
		note_not_open(s, conn, out);
	}
	if (tracing_begin(t, s, open ? conn : -1, port != 0 && !open, f) == -1)
		return -1;
	return await_answers(t, f);
}

/* Any flow will do: that of the SYNs ahead, or the connection beside it. */
static int
trace_any_flow(struct tracing *t, struct trace_result *out, struct fault *f)
{
	struct session *s = t->s;
	int conn, rc;

	conn = session_open(s, ARM_NONE, f);
	if (conn == -1)
		return -1;
	out->head.source = s->conns[conn].local;
	t->syn = true;
	t->round = 1;
	s->tick = tracing_tick;
	s->tick_arg = t;
	rc = ask_ahead(t, AHEAD, f);
	if (s->syn_local.port != 0)
		out->head.source = s->syn_local;
	if (rc == -1 || await_ahead(t, conn, f) == -1)
		return -1;
	if (!is_open(s, conn)) {
		note_not_open(s, conn, out);
		return await_answers(t, f);
	}
	fill_server(s, conn);
	if (ahead_suffices(t))
		return 0;
	out->head.source = s->conns[conn].local;
	if (ask_inside(t, conn, f) == -1)
		return -1;
	return await_answers(t, f);
}

static int
trace_all(const struct trace_ask *ask, struct session *s, struct tracing *t,
    struct trace_result *out, struct fault *f)
{
	int rc;

	t->s = s;
	t->conn = -1;
	if (ask->target.port != 0 && ask->src_port == 0)
		rc = trace_any_flow(t, out, f);
	else
		rc = trace_one_flow(t, ask->target.port, out, f);
	server_ttl_from_answers(s->path);
	tracing_conclude(t);
	tracing_note_proxy(t, &out->notes);
	return rc;
}

int
trace_run(const struct trace_ask *ask, struct world *w,
    struct trace_result *out, struct fault *f)
{
	struct session_ask sa = {0};
	struct tracing t = {0};
	struct session s;
	int rc;

	memset(out, 0, sizeof(*out));
	head_from_ask(&out->head, ask);
	sa.w = w;
	sa.target = ask->target;
	sa.src = ask->route.src;
	sa.src_port = ask->src_port;
	sa.max_hops = ask->max_hops;
	sa.rate_pps = ask->rate_pps;
	sa.path = &out->path;
	sa.evidence = &out->evidence;
	session_init(&s, &sa);
	rc = trace_all(ask, &s, &t, out, f);
	if (rc == -1 && f->kind == FAULT_INTERRUPTED) {
		out->head.interrupted = f->signal;
		rc = 0;
	}
	out->head.duration_ns = session_now(&s) - s.started_ns;
	out->head.connections = (unsigned int)s.n_conns;
	out->head.packets_sent = s.packets_sent;
	session_free(&s);
	return rc;
}
