/*
 * A trace inside a session: asks all TTLs at once, and those that stay silent
 * again, a second later.
 */
#include <string.h>

#include <rsthop/clock.h>

#include "tracing_int.h"

/* Two round trips and this much later, an answer counts as lost. */
#define TRACING_LOST_NS (20 * CLOCK_MS)

int
tracing_hops_by_ttl(const struct path *p)
{
	if (p->server_ttl == 0)
		return 0;
	return pkt_initial_ttl(p->server_ttl) - p->server_ttl + 1;
}

int
tracing_server_answered_at(const struct path *p)
{
	for (int i = 0; i < PATH_MAX_HOPS; i++)
		if (p->hops[i].is_server)
			return i + 1;
	return 0;
}

int
tracing_last_router(const struct tracing *t)
{
	const struct probe *p;
	int last = 0;

	for (size_t i = 0; i < t->s->n_probes; i++) {
		p = &t->s->probes[i];
		if (p->te && !p->unreachable && p->ttl > last)
			last = p->ttl;
	}
	return last;
}

/*
 * The probe belongs to the traced flow.  An echo does not.  Nor does a SYN
 * beside a connection: a device that answers SYNs in the server's name may let
 * the connection through.
 */
static bool
tracing_is_of_flow(const struct tracing *t, const struct probe *p)
{
	return p->kind == PROBE_TRACE || p->kind == PROBE_SHOT ||
	    (p->kind == PROBE_SYN && t->conn == -1);
}

int
tracing_flow_answered_at(const struct tracing *t)
{
	const struct probe *p;
	int first = 0, last = 0;

	for (size_t i = 0; i < t->s->n_probes; i++) {
		p = &t->s->probes[i];
		if (!tracing_is_of_flow(t, p))
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
	int flow = tracing_flow_answered_at(t), beyond = 0;
	const struct probe *p;

	for (size_t i = 0; i < t->s->n_probes; i++) {
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

int
tracing_send_probe(struct tracing *t, int ttl, struct fault *f)
{
	return session_inject_trace(t->s, PROBE_TRACE, t->conn, ttl, f);
}

bool
tracing_conn_usable(const struct tracing *t)
{
	return t->conn >= 0 && !t->s->conns[t->conn].closed &&
	    session_state(t->s, t->conn) == CONN_OPEN;
}

/* One probe of each kind that the trace uses. */
static int
tracing_ask_hop(struct tracing *t, int ttl, struct fault *f)
{
	if (tracing_conn_usable(t) && tracing_send_probe(t, ttl, f) == -1)
		return -1;
	if (t->syn && session_syn(t->s, ttl, f) == -1)
		return -1;
	return session_echo(t->s, ttl, f) == -1 ? -1 : 0;
}

int
tracing_ask_range(struct tracing *t, int from, int to, struct fault *f)
{
	for (int ttl = from; ttl <= to; ttl++)
		if (tracing_ask_hop(t, ttl, f) == -1)
			return -1;
	if (to > t->limit)
		t->limit = to;
	return 0;
}

/* The last TTL that is worth asking: the server's, or the limit. */
static int
tracing_horizon(const struct tracing *t)
{
	int n = tracing_server_answered_at(t->s->path);

	return n > 0 ? n : t->limit;
}

/* Asks the hops again that have never answered. */
static int
tracing_ask_silent(struct tracing *t, struct fault *f)
{
	for (int ttl = 1; ttl <= tracing_horizon(t); ttl++)
		if (t->s->path->hops[ttl - 1].n_responders == 0 &&
		    tracing_ask_hop(t, ttl, f) == -1)
			return -1;
	return 0;
}

/*
 * The first repeat comes at once, when an answer must be lost: even a router
 * that limits its answers may send a few at once.  The next ones come when such
 * a router may answer again.
 */
void
tracing_note_wave(struct tracing *t)
{
	int64_t rtt = t->s->path->server_rtt_ns;
	int64_t wait = PKT_ICMP_REST_NS;

	if (t->round == 1 && rtt > 0 &&
	    2 * rtt + TRACING_LOST_NS < PKT_ICMP_REST_NS)
		wait = 2 * rtt + TRACING_LOST_NS;
	t->wave_ns = session_now(t->s);
	t->s->tick_ns = t->wave_ns + wait;
}

/*
 * Silent hops are asked again.  All TTLs up to max_hops are asked where the
 * path has turned out longer than the server's TTL had shown.
 */
int
tracing_tick(struct session *s, void *arg, struct fault *f)
{
	struct tracing *t = arg;

	if (t->round >= TRACING_ROUNDS || tracing_enough(t)) {
		t->given_up = true;
		return 0;
	}
	t->round++;
	if (tracing_ask_silent(t, f) == -1)
		return -1;
	if (tracing_server_answered_at(s->path) == 0 &&
	    t->limit < s->max_hops &&
	    (tracing_hops_by_ttl(s->path) == 0 ||
		tracing_last_router(t) >= t->limit - TRACING_BEYOND) &&
	    tracing_ask_range(t, t->limit + 1, s->max_hops, f) == -1)
		return -1;
	tracing_note_wave(t);
	return 0;
}

int
tracing_begin(
    struct tracing *t, struct session *s, int conn, bool syn, struct fault *f)
{
	int guess = tracing_hops_by_ttl(s->path);
	int limit = s->max_hops;

	memset(t, 0, sizeof(*t));
	t->s = s;
	t->conn = conn;
	t->syn = syn;
	t->round = 1;
	if (guess > 0 && guess + TRACING_BEYOND < limit)
		limit = guess + TRACING_BEYOND;
	if (tracing_ask_range(t, 1, limit, f) == -1)
		return -1;
	s->tick = tracing_tick;
	s->tick_arg = t;
	tracing_note_wave(t);
	return 0;
}

bool
tracing_enough(const struct tracing *t)
{
	int n = tracing_server_answered_at(t->s->path);

	for (int i = 0; i < n; i++)
		if (t->s->path->hops[i].n_responders == 0)
			return false;
	return n > 0;
}

bool
tracing_complete(const struct tracing *t)
{
	int n = tracing_server_answered_at(t->s->path);
	const struct probe *p;

	if (!tracing_enough(t))
		return false;
	for (size_t i = 0; i < t->s->n_probes; i++) {
		p = &t->s->probes[i];
		if (probe_is_trace(p->kind) && p->ttl <= n &&
		    p->answered_ns == 0)
			return false;
	}
	return true;
}

/* No hop of from .. to has answered, or was asked more than twice. */
static bool
tracing_all_silent(const struct path *p, int from, int to)
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
	int answered = tracing_server_answered_at(p),
	    last = tracing_last_router(t);
	int guess = tracing_hops_by_ttl(p), flow = tracing_flow_answered_at(t);

	p->server_initial_ttl =
	    p->server_ttl != 0 ? pkt_initial_ttl(p->server_ttl) : 0;
	/*
	 * What the flow drew counts for more than what pings drew.  But where
	 * pings and the server's TTL agree on a smaller distance, the flow's
	 * probe was lost there.
	 */
	if (flow > 0 &&
	    !(last < answered && answered < flow && guess == answered))
		answered = flow;
	/* The server's first answer follows a silence: one may be lost. */
	if (answered > last && guess > last && guess < answered &&
	    tracing_all_silent(p, last + 1, answered - 1)) {
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
