/*
 * trace: the routers that answer one flow, as a job of its own.
 *
 * It does not wait for the handshake: SYNs from a port of their own leave
 * beside it, so one round trip later all their answers have come too.  Where
 * these leave a hop in doubt, the connection itself is traced as well.
 */
#include <stdio.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/trace.h>

#include "tracing_int.h"

/* A connection that is not open by then will not open. */
#define TRACE_CONNECT_NS (5 * CLOCK_S)
/* To wait for answers where the round trip is not known. */
#define TRACE_WAIT_NS (CLOCK_S)
/*
 * The wave ahead, beside the handshake, asks so many TTLs: few paths are
 * longer.  A few leave at once, then a pause, so that a server nearby answers
 * before all have left.
 */
#define TRACE_AHEAD	    16
#define TRACE_AHEAD_AT_ONCE 4
#define TRACE_AHEAD_GAP_NS  (300 * CLOCK_US)
/* Its answers come within 9/8 of the round trip, and this much more. */
#define TRACE_AHEAD_MORE_NS (2 * CLOCK_MS)

struct trace_wait {
	const struct tracing *t;
	int64_t patience_ns; /* after a wave, once enough have answered */
};

static bool
trace_done(void *arg)
{
	const struct trace_wait *w = arg;

	if (tracing_complete(w->t))
		return true;
	if (!tracing_enough(w->t))
		return w->t->given_up;
	return session_now(w->t->s) >= w->t->wave_ns + w->patience_ns;
}

static int
trace_await_answers(struct tracing *t, struct fault *f)
{
	int64_t rtt = t->s->path->server_rtt_ns, end, step;
	struct trace_wait w = {
	    t, rtt > 0 ? rtt * 5 / 4 + 10 * CLOCK_MS : TRACE_WAIT_NS};
	int rc;

	end = session_now(t->s) + (TRACING_ROUNDS + 1) * PKT_ICMP_REST_NS;
	for (;;) {
		step = session_now(t->s) + w.patience_ns / 8 + CLOCK_MS;
		rc = session_pump(t->s, step, trace_done, &w, f);
		if (rc != 0 || session_now(t->s) >= end)
			return rc == -1 ? -1 : 0;
	}
}

static void
trace_fill_server(struct session *s, int conn)
{
	const struct tcb *tcb = &s->conns[conn].tcb;

	s->path->server_ttl = tcb->server_ttl;
	s->path->server_rtt_ns = tcb->rtt_ns;
}

static void
trace_fill_head(struct result_head *h, const struct trace_ask *ask)
{
	snprintf(h->host, sizeof(h->host), "%s", ask->host);
	h->started_unix_ns = ask->started_unix_ns;
	h->target = ask->target;
	h->source.addr = ask->route.src;
	snprintf(h->ifname, sizeof(h->ifname), "%s", ask->route.ifname);
}

/* Tells why the connection did not open, and closes it. */
static void
trace_note_not_open(struct session *s, int conn, struct trace_result *out)
{
	struct fault why = {0};

	session_open_fault(s, conn, &why);
	session_close(s, conn);
	result_note(&out->notes, "%s; traced with SYNs instead.", why.text);
}

/*
 * The SYNs have shown the whole path, and the echoes agree with it.  A reset
 * to a SYN spoils that: it is not the server's, if the connection opens.
 */
static bool
trace_ahead_suffices(const struct tracing *t)
{
	int n = tracing_flow_answered_at(t);
	bool seen[PATH_MAX_HOPS + 1] = {false};
	const struct probe *p;

	if (n == 0 || tracing_server_answered_at(t->s->path) != n ||
	    tracing_last_router(t) >= n)
		return false;
	for (size_t i = 0; i < t->s->n_probes; i++) {
		p = &t->s->probes[i];
		if (p->kind == PROBE_SYN && p->refused)
			return false;
		if (p->kind == PROBE_SYN && p->te)
			seen[p->ttl] = true;
	}
	for (int ttl = 1; ttl < n; ttl++)
		if (!seen[ttl])
			return false;
	return true;
}

/* Sends SYNs and echoes until the server answers, or up to TTL `to`. */
static int
trace_ask_ahead(struct tracing *t, int to, struct fault *f)
{
	struct session *s = t->s;
	int n;

	if (to > s->max_hops)
		to = s->max_hops;
	while (t->limit < to && tracing_server_answered_at(s->path) == 0) {
		n = to - t->limit < TRACE_AHEAD_AT_ONCE
		    ? to
		    : t->limit + TRACE_AHEAD_AT_ONCE;
		if (tracing_ask_range(t, t->limit + 1, n, f) == -1 ||
		    session_pump(s, session_now(s) + TRACE_AHEAD_GAP_NS, NULL,
			NULL, f) == -1)
			return -1;
	}
	tracing_note_wave(t);
	return 0;
}

/* Routers answered up to the last TTLs asked: the server is farther. */
static bool
trace_wants_more(const struct tracing *t)
{
	return tracing_server_answered_at(t->s->path) == 0 &&
	    t->limit < t->s->max_hops &&
	    tracing_last_router(t) >= t->limit - TRACING_BEYOND;
}

struct trace_ahead {
	const struct tracing *t;
	int conn;
};

static bool
trace_is_open(struct session *s, int conn)
{
	return session_state(s, conn) == CONN_OPEN &&
	    s->conns[conn].tcb.established;
}

static bool
trace_ahead_settled(void *arg)
{
	const struct trace_ahead *a = arg;
	enum conn_state st = session_state(a->t->s, a->conn);

	if (st == CONN_OPEN)
		return a->t->s->conns[a->conn].tcb.established;
	return st != CONN_CONNECTING || trace_wants_more(a->t);
}

static bool
trace_ahead_complete(void *arg)
{
	const struct trace_ahead *a = arg;

	return trace_ahead_suffices(a->t) && tracing_complete(a->t);
}

/*
 * Waits until the connection is open and the answers to the wave ahead have
 * come, or until it has failed.
 */
static int
trace_await_ahead(struct tracing *t, int conn, struct fault *f)
{
	struct session *s = t->s;
	int64_t end = session_now(s) + TRACE_CONNECT_NS;
	struct trace_ahead a = {t, conn};
	int rc;

	for (;;) {
		rc = session_pump(s, end, trace_ahead_settled, &a, f);
		if (rc != 1 || session_state(s, conn) != CONN_CONNECTING)
			break;
		if (trace_ask_ahead(t, t->limit + TRACE_AHEAD / 2, f) == -1)
			return -1;
	}
	if (rc != 1 || !trace_is_open(s, conn))
		return rc == -1 ? -1 : 0;
	end = t->wave_ns + s->conns[conn].tcb.rtt_ns * 9 / 8 +
	    TRACE_AHEAD_MORE_NS;
	return session_pump(s, end, trace_ahead_complete, &a, f) == -1 ? -1 : 0;
}

/*
 * A device has answered SYNs in the server's name: one drew a reset, or a
 * router beyond that hop answered pings.  Then echoes alone tell where the
 * server is.
 */
static void
trace_forget_false_server(struct tracing *t)
{
	int first = 0;
	const struct probe *p;
	bool refused = false;

	for (size_t k = 0; k < t->s->n_probes; k++) {
		p = &t->s->probes[k];
		refused = refused || p->refused;
		if (p->kind == PROBE_SYN && p->from_server &&
		    (first == 0 || p->ttl < first))
			first = p->ttl;
	}
	if (!refused && (first == 0 || tracing_last_router(t) < first))
		return;
	for (int i = 0; i < PATH_MAX_HOPS; i++)
		t->s->path->hops[i].is_server = false;
	for (size_t k = 0; k < t->s->n_probes; k++) {
		p = &t->s->probes[k];
		if (p->kind == PROBE_ECHO && p->from_server)
			t->s->path->hops[p->ttl - 1].is_server = true;
	}
}

/* Traces inside the connection.  The echoes have been sent before. */
static int
trace_ask_inside(struct tracing *t, int conn, struct fault *f)
{
	int to = tracing_hops_by_ttl(t->s->path), asked = t->limit;

	t->conn = conn;
	t->syn = false;
	t->s->path->established = true;
	trace_forget_false_server(t);
	if (to < tracing_last_router(t))
		to = tracing_last_router(t);
	to = to + TRACING_BEYOND < t->s->max_hops ? to + TRACING_BEYOND
						  : t->s->max_hops;
	for (int ttl = 1; ttl <= to && ttl <= asked; ttl++)
		if (tracing_conn_usable(t) &&
		    tracing_send_probe(t, ttl, f) == -1)
			return -1;
	if (tracing_ask_range(t, asked + 1, to, f) == -1)
		return -1;
	tracing_note_wave(t);
	return 0;
}

/* Where no connection opened, the server's TTL is that of its answers. */
static void
trace_fill_server_ttl(struct path *p)
{
	int n = tracing_server_answered_at(p);

	if (p->server_ttl != 0 || n == 0)
		return;
	p->server_ttl = p->hops[n - 1].responders[0].reply_ttl;
	p->server_rtt_ns = p->hops[n - 1].responders[0].rtt_ns;
}

/*
 * A source port was asked for, or no target port is known.  Opens a connection
 * and traces inside it; by SYNs where none opens; by echoes alone where no
 * target port is known.
 */
static int
trace_one_flow(const struct trace_ask *ask, struct tracing *t,
    struct trace_result *out, struct fault *f)
{
	uint16_t port = ask->target.port;
	struct session *s = t->s;
	int conn = -1, open = 0;

	if (port != 0) {
		conn = session_open(s, ARM_NONE, ask->src_port, f);
		if (conn == -1)
			return -1;
		out->head.source = s->conns[conn].local;
		open = session_wait_open(s, conn, TRACE_CONNECT_NS, f);
		if (open == -1)
			return -1;
	}
	if (open == 1) {
		trace_fill_server(s, conn);
		s->path->established = true;
	} else if (port != 0) {
		trace_note_not_open(s, conn, out);
	}
	if (tracing_begin(
		t, s, open != 0 ? conn : -1, port != 0 && open == 0, f) == -1)
		return -1;
	return trace_await_answers(t, f);
}

/* Any flow will do: that of the SYNs, or the connection beside them. */
static int
trace_any_flow(struct tracing *t, struct trace_result *out, struct fault *f)
{
	struct session *s = t->s;
	int conn, rc;

	conn = session_open(s, ARM_NONE, 0, f);
	if (conn == -1)
		return -1;
	out->head.source = s->conns[conn].local;
	t->syn = true;
	t->round = 1;
	s->tick = tracing_tick;
	s->tick_arg = t;
	rc = trace_ask_ahead(t, TRACE_AHEAD, f);
	if (s->syn_local.port != 0)
		out->head.source = s->syn_local;
	if (rc == -1 || trace_await_ahead(t, conn, f) == -1)
		return -1;
	if (!trace_is_open(s, conn)) {
		trace_note_not_open(s, conn, out);
		return trace_await_answers(t, f);
	}
	trace_fill_server(s, conn);
	if (trace_ahead_suffices(t))
		return 0;
	out->head.source = s->conns[conn].local;
	if (trace_ask_inside(t, conn, f) == -1)
		return -1;
	return trace_await_answers(t, f);
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
		rc = trace_one_flow(ask, t, out, f);
	trace_fill_server_ttl(s->path);
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
	trace_fill_head(&out->head, ask);
	sa.w = w;
	sa.target = ask->target;
	sa.src = ask->route.src;
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
