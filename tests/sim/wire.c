/*
 * The path, hop by hop, and the server at its end.
 */
#include <string.h>

#include <rsthop/clock.h>

#include "../rng_unit.h"
#include "net_int.h"

/* A router that is busy now and then. */
#define SPIKE_SHARE 0.01
#define SPIKE_NS    (25 * CLOCK_MS)
/* ICMP of Linux: six at once, then one a second, to each target. */
#define BUCKET 6
#define ANSWER "answer"
/* Linux's shortest. */
#define DELAYED_ACK_NS (40 * CLOCK_MS)

bool
sim_survives(struct sim_net *n, int links)
{
	if (n->t->loss <= 0)
		return true;
	for (int i = 0; i < links; i++)
		if (rng_unit(&n->rng) < n->t->loss)
			return false;
	return true;
}

int64_t
sim_jitter(struct sim_net *n)
{
	double ns = rng_unit(&n->rng) * 0.2 * (double)CLOCK_MS;

	if (rng_unit(&n->rng) < SPIKE_SHARE)
		ns += rng_unit(&n->rng) * (double)SPIKE_NS;
	return (int64_t)ns;
}

/* Which of the two routers of the ECMP hop a flow goes by. */
static unsigned int
branch_of(const struct sim_net *n, const struct pkt *p)
{
	uint64_t x = n->t->ecmp_salt;

	if ((p->has & PKT_HAS_TCP) != 0)
		x ^= (uint64_t)p->tcp.sport * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
	return (unsigned int)(x >> 40 & 1);
}

static bool
bucket_has(struct sim_net *n, int node, int64_t at_ns)
{
	struct sim_bucket *b = &n->buckets[node];

	if (!n->t->limited[node])
		return true;
	b->tokens += (double)(at_ns - b->last_ns) / (double)CLOCK_S;
	b->last_ns = at_ns;
	if (b->tokens > BUCKET)
		b->tokens = BUCKET;
	if (b->tokens < 1)
		return false;
	b->tokens -= 1;
	return true;
}

static struct endpoint
router(const struct sim_net *n, int node, unsigned int branch)
{
	struct endpoint e = n->server;

	e.port = 0;
	e.addr.b[n->t->v6 ? 14 : 2] = (uint8_t)(101 + branch);
	e.addr.b[n->t->v6 ? 15 : 3] = (uint8_t)(node + 1);
	return e;
}

static void
fill_quote(struct pkt_quote *q, const struct pkt *p)
{
	q->ip = p->ip;
	q->ip.ttl = 1;
	q->quoted_len = p->ip.total_len;
	if ((p->has & PKT_HAS_TCP) != 0) {
		q->has_ports = q->has_ack = q->has_flags = true;
		q->sport = p->tcp.sport;
		q->dport = p->tcp.dport;
		q->seq = p->tcp.seq;
		q->ack = p->tcp.ack;
		q->flags = p->tcp.flags;
		q->window = p->tcp.window;
	} else {
		q->has_echo = true;
		q->echo_id = p->icmp.id;
		q->echo_seq = p->icmp.seq;
	}
}

void
sim_time_exceeded(
    struct sim_net *n, int node, const struct pkt *p, int64_t at_ns)
{
	const struct sim_truth *t = n->t;
	struct endpoint me;
	struct pkt r;

	if (t->silent[node] || !bucket_has(n, node, at_ns))
		return;
	me = router(n, node, node == t->ecmp_hop ? branch_of(n, p) : 0);
	r = sim_packet(n, &me, &n->client, t->reply_ttl[node] - t->back[node]);
	r.has |= PKT_HAS_ICMP | PKT_HAS_QUOTE;
	r.ip.proto = t->v6 ? PKT_PROTO_ICMPV6 : PKT_PROTO_ICMP;
	r.ip.total_len = 2u * r.ip.header_len + 28;
	r.icmp.type = t->v6 ? 3 : 11;
	r.icmp.is_time_exceeded = true;
	fill_quote(&r.quote, p);
	if (sim_survives(n, t->back[node] + 1))
		sim_deliver(n, &r, at_ns + t->home_ns[node] + sim_jitter(n));
}

/* --- the server --- */

static void
server_send(struct sim_net *n, const struct pkt *p, int64_t at_ns)
{
	const struct sim_truth *t = n->t;

	if (t->cause == INFER_RESPONSE && p->payload_wire > 0 &&
	    sim_device_meets_answer(n, p, at_ns))
		return;
	if (sim_survives(n, t->back[t->hops] + 1))
		sim_deliver(n, p, at_ns + t->home_ns[t->hops] + sim_jitter(n));
}

/* Linux sends the SYN-ACK before the connection has its counter. */
static uint16_t
next_id(struct sim_net *n, struct sim_conn *c, uint8_t flags)
{
	switch (n->t->server_ids) {
	case SIM_IDS_COUNTED:
		return (flags & PKT_TH_SYN) != 0 ? 0 : c->peer_id++;
	case SIM_IDS_ZERO:
		return 0;
	case SIM_IDS_RANDOM:
		return (uint16_t)rng_u64(&n->rng);
	}
	return 0;
}

/* A segment of a connection, as it will arrive. */
static struct pkt
server_segment(struct sim_net *n, struct sim_conn *c, uint8_t flags)
{
	struct pkt r = sim_segment(
	    n, &n->server, &c->local, sim_truth_server_ttl(n->t), flags);

	if (!n->t->v6)
		r.ip.id = next_id(n, c, flags);
	r.tcp.seq = c->peer_nxt;
	r.tcp.ack = c->peer_rcv;
	return r;
}

/* RFC 9293, 3.5.3, as Linux does it. */
static void
server_refuse(struct sim_net *n, const struct pkt *p, int64_t at_ns)
{
	struct endpoint to = n->client;
	struct pkt r;

	to.port = p->tcp.sport;
	r = sim_segment(
	    n, &n->server, &to, sim_truth_server_ttl(n->t), PKT_TH_RST);
	r.tcp.window = 0;
	if ((p->tcp.flags & PKT_TH_ACK) != 0) {
		r.tcp.seq = p->tcp.ack;
	} else {
		r.tcp.flags |= PKT_TH_ACK;
		r.tcp.ack = p->tcp.seq + p->payload_wire +
		    ((p->tcp.flags & PKT_TH_SYN) != 0);
	}
	server_send(n, &r, at_ns);
}

static void
server_accept(
    struct sim_net *n, struct sim_conn *c, const struct pkt *p, int64_t at_ns)
{
	struct pkt r;

	if (!c->known) {
		c->known = true;
		c->peer_rcv = p->tcp.seq + 1;
		c->peer_nxt = (uint32_t)rng_u64(&n->rng);
		c->peer_id = (uint16_t)rng_u64(&n->rng);
	} else {
		c->peer_nxt--;
	}
	r = server_segment(n, c, PKT_TH_SYN | PKT_TH_ACK);
	r.tcp.has_mss = true;
	r.tcp.mss = 1460;
	c->peer_nxt++;
	server_send(n, &r, at_ns);
}

static bool
is_trigger(const struct sim_net *n, const struct pkt *p)
{
	return p->payload != NULL && p->payload_len == n->trigger_len &&
	    memcmp(p->payload, n->trigger, n->trigger_len) == 0;
}

/* Of its own will, or out of a bad temper. */
static bool
server_resets(struct sim_net *n, const struct pkt *p)
{
	double own = n->t->cause == INFER_SERVER && is_trigger(n, p)
	    ? n->t->server_p
	    : 0;

	if (rng_unit(&n->rng) < n->t->alarm) {
		n->stats.alarms++;
		return true;
	}
	return rng_unit(&n->rng) < own;
}

static void
server_ack(struct sim_net *n, struct sim_conn *c, int64_t at_ns)
{
	struct pkt r = server_segment(n, c, PKT_TH_ACK);

	server_send(n, &r, at_ns);
}

static void
server_take_new(
    struct sim_net *n, struct sim_conn *c, const struct pkt *p, int64_t at_ns)
{
	struct pkt r;

	if (server_resets(n, p)) {
		sim_say(n, "    the server resets port %u", c->local.port);
		c->peer_rcv += p->payload_wire;
		if (n->t->server_acks)
			server_ack(n, c, at_ns);
		r = server_segment(n, c, PKT_TH_RST | PKT_TH_ACK);
		c->peer_dies_ns = at_ns + 50 * CLOCK_US;
		server_send(n, &r, c->peer_dies_ns);
		return;
	}
	c->peer_rcv += p->payload_wire;
	if (n->t->server_acks || !n->t->server_talks ||
	    n->t->answer_ns > DELAYED_ACK_NS)
		server_ack(n, c, at_ns);
	/* It says the keyword again where the trigger held it. */
	if (n->t->server_talks)
		sim_answer_later(
		    n, c, is_trigger(n, p), at_ns + n->t->answer_ns);
}

void
sim_server_answers(struct sim_net *n, struct sim_conn *c, bool keyword)
{
	struct pkt r;

	if (n->now_ns >= c->peer_dies_ns)
		return;
	r = server_segment(n, c, PKT_TH_PSH | PKT_TH_ACK);
	r.payload = keyword ? n->trigger : NULL;
	r.payload_wire = sizeof(ANSWER);
	r.ip.total_len += r.payload_wire;
	c->peer_nxt += r.payload_wire;
	server_send(n, &r, n->now_ns);
}

/* RFC 2883: what it had already is named in the first SACK block. */
static void
server_repeat(
    struct sim_net *n, struct sim_conn *c, const struct pkt *p, int64_t at_ns)
{
	struct pkt r = server_segment(n, c, PKT_TH_ACK);

	r.tcp.n_sacks = 1;
	r.tcp.sacks[0].left = p->tcp.seq;
	r.tcp.sacks[0].right = p->tcp.seq + p->payload_wire;
	server_send(n, &r, at_ns);
}

static void
server_take_fin(struct sim_net *n, struct sim_conn *c, int64_t at_ns)
{
	struct pkt r;

	c->peer_rcv++;
	r = server_segment(n, c, PKT_TH_FIN | PKT_TH_ACK);
	c->peer_nxt++;
	/* Long enough for the last ACK. */
	c->peer_dies_ns = at_ns + 2 * CLOCK_S;
	server_send(n, &r, at_ns);
}

static void
server_take_data(
    struct sim_net *n, struct sim_conn *c, const struct pkt *p, int64_t at_ns)
{
	struct pkt r;

	if (p->tcp.seq == c->peer_rcv) {
		server_take_new(n, c, p, at_ns);
	} else if ((int32_t)(p->tcp.seq + p->payload_wire - c->peer_rcv) <= 0) {
		server_repeat(n, c, p, at_ns);
	} else {
		r = server_segment(n, c, PKT_TH_ACK);
		server_send(n, &r, at_ns);
	}
}

static void
server_take(struct sim_net *n, const struct pkt *p, int64_t at_ns)
{
	struct sim_conn *c = sim_find(n, p->tcp.sport);

	if ((p->tcp.flags & PKT_TH_RST) != 0) {
		if (c != NULL && at_ns < c->peer_dies_ns)
			c->peer_dies_ns = at_ns;
	} else if (c != NULL && (p->tcp.flags & PKT_TH_SYN) != 0) {
		server_accept(n, c, p, at_ns);
	} else if (c == NULL || !c->known || at_ns >= c->peer_dies_ns) {
		server_refuse(n, p, at_ns);
	} else if (p->payload_wire > 0) {
		server_take_data(n, c, p, at_ns);
	} else if ((p->tcp.flags & PKT_TH_FIN) != 0 &&
	    p->tcp.seq == c->peer_rcv) {
		server_take_fin(n, c, at_ns);
	}
}

static void
server_take_echo(struct sim_net *n, const struct pkt *p, int64_t at_ns)
{
	struct pkt r =
	    sim_packet(n, &n->server, &n->client, sim_truth_server_ttl(n->t));

	if (!n->t->server_echo)
		return;
	r.has |= PKT_HAS_ICMP;
	r.ip.proto = p->ip.proto;
	r.ip.total_len = p->ip.total_len;
	r.icmp.type = n->t->v6 ? 129 : 0;
	r.icmp.id = p->icmp.id;
	r.icmp.seq = p->icmp.seq;
	r.icmp.is_echo_reply = true;
	server_send(n, &r, at_ns);
}

/* --- the way out --- */

static bool
device_here(
    const struct sim_net *n, const struct pkt *p, int node, enum place place)
{
	const struct sim_device *d = &n->t->dev;

	if (n->t->cause != INFER_DEVICE || d->hop != node || d->place != place)
		return false;
	return d->branch < 0 || (unsigned int)d->branch == branch_of(n, p);
}

void
sim_walk(struct sim_net *n, const struct pkt *p)
{
	const struct sim_truth *t = n->t;
	int ttl = p->ip.ttl;
	int64_t at = n->now_ns;

	for (int i = 1; i <= t->hops; i++, ttl--) {
		if (!sim_survives(n, 1))
			return;
		at = n->now_ns + t->out_ns[i];
		if (device_here(n, p, i, PLACE_WIRE) &&
		    sim_device_meets(n, p, ttl, at))
			return;
		if (i == t->hops)
			break;
		if (ttl <= 1) {
			sim_time_exceeded(n, i, p, at);
			return;
		}
		if (device_here(n, p, i, PLACE_ROUTER) &&
		    sim_device_meets(n, p, ttl - 1, at))
			return;
	}
	if ((p->has & PKT_HAS_TCP) != 0)
		server_take(n, p, at);
	else
		server_take_echo(n, p, at);
}
