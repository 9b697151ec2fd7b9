/*
 * The forger.
 */
#include <string.h>

#include <rsthop/clock.h>

#include "../rng_unit.h"
#include "net_int.h"

/* A window of its own. */
#define OWN_WINDOW 8192

static bool
holds_trigger(const struct sim_net *n, const struct pkt *p)
{
	return (p->has & PKT_HAS_TCP) != 0 && p->payload != NULL &&
	    p->payload_len == n->trigger_len &&
	    memcmp(p->payload, n->trigger, n->trigger_len) == 0;
}

static bool
roll(struct sim_net *n, double p)
{
	return rng_unit(&n->rng) < p;
}

/* The same answer for the same five-tuple, always. */
static bool
flow_fires(const struct sim_net *n, const struct sim_conn *c)
{
	struct rng r;

	rng_seed(&r, n->t->seed ^ (uint64_t)c->local.port << 40);
	return rng_unit(&r) < n->t->dev.p;
}

static bool
draws(struct sim_net *n, struct sim_conn *c)
{
	const struct sim_device *d = &n->t->dev;

	if (d->once && c->spent)
		return false;
	switch (d->dice) {
	case SIM_DICE_PACKET:
		return roll(n, d->p);
	case SIM_DICE_CONNECTION:
		if (!c->decided)
			c->draws = roll(n, d->p);
		c->decided = true;
		return c->draws;
	case SIM_DICE_FLOW:
		return flow_fires(n, c);
	}
	return false;
}

/* The TTL that a reset leaves with; for IMITATED, so that it fits. */
static int
initial_ttl(struct sim_net *n, int ttl)
{
	const struct sim_device *d = &n->t->dev;

	switch (d->ttl) {
	case SIM_TTL_FIXED:
	case SIM_TTL_CONSTANT:
		return d->initial;
	case SIM_TTL_COPIED:
		return ttl;
	case SIM_TTL_COPIED_EARLY:
		return ttl + 1;
	case SIM_TTL_RANDOM:
		return 64 + (int)rng_below(&n->rng, 192);
	case SIM_TTL_STEPPING:
		if (++n->stepping > 255)
			n->stepping = 32;
		return n->stepping;
	case SIM_TTL_IMITATED:
		return sim_truth_server_ttl(n->t) + sim_truth_crossed(n->t);
	}
	return 0;
}

/* How far the k-th of a volley is ahead in sequence space. */
static uint32_t
step_of(const struct sim_device *d, const struct pkt *p, int k)
{
	static const uint32_t gfw[] = {0, 1460, 4380};

	switch (d->step) {
	case SIM_STEP_NONE:
	case SIM_STEP_TTL:
		return 0;
	case SIM_STEP_WINDOW:
		return (uint32_t)k * p->tcp.window;
	case SIM_STEP_GFW:
		return gfw[k];
	}
	return 0;
}

static uint16_t
window_of(const struct sim_device *d, const struct pkt *p)
{
	switch (d->window) {
	case SIM_WINDOW_ZERO:
		return 0;
	case SIM_WINDOW_COPIED:
		return p->tcp.window;
	case SIM_WINDOW_OWN:
		return OWN_WINDOW;
	}
	return 0;
}

static uint16_t
id_of(struct sim_net *n, const struct pkt *p)
{
	if (n->t->v6)
		return 0;
	switch (n->t->dev.id) {
	case SIM_ID_COPIED:
		return p->ip.id;
	case SIM_ID_ZERO:
		return 0;
	case SIM_ID_RANDOM:
		return (uint16_t)rng_u64(&n->rng);
	}
	return 0;
}

/* One reset to the client, for a packet of his. */
static void
reset_client(struct sim_net *n, const struct sim_conn *c, const struct pkt *p,
    int initial, int k, int64_t at_ns)
{
	const struct sim_device *d = &n->t->dev;
	int traversed = sim_truth_crossed(n->t);
	struct pkt r;

	if (d->step == SIM_STEP_TTL)
		initial += k;
	if (initial > 255)
		initial = 255;
	if (initial - traversed < 1 || !sim_survives(n, traversed + 1))
		return;
	r = sim_segment(
	    n, &n->server, &c->local, initial - traversed, PKT_TH_RST);
	r.ip.id = id_of(n, p);
	r.tcp.seq = d->tags || !c->known ? p->tcp.ack : c->peer_nxt;
	r.tcp.seq += step_of(d, p, k);
	r.tcp.window = window_of(d, p);
	if (d->with_ack) {
		r.tcp.flags |= PKT_TH_ACK;
		r.tcp.ack = p->tcp.seq + p->payload_wire;
	}
	if ((p->tcp.flags & PKT_TH_SYN) != 0) {
		r.tcp.flags |= PKT_TH_ACK;
		r.tcp.ack = p->tcp.seq + 1;
		r.tcp.seq = 0;
	}
	sim_say(
	    n, "    reset for TTL %u arrives with TTL %u", p->ip.ttl, r.ip.ttl);
	at_ns += n->t->home_ns[d->hop] + sim_jitter(n);
	if (at_ns <= n->last_reset_ns)
		at_ns = n->last_reset_ns + CLOCK_US;
	n->last_reset_ns = at_ns;
	sim_deliver(n, &r, at_ns);
}

/* The other end: what leaves with a low TTL dies on its way, and is quoted. */
static void
reset_server(struct sim_net *n, struct sim_conn *c, const struct pkt *p,
    int initial, int64_t at_ns)
{
	const struct sim_truth *t = n->t;
	int reach = sim_truth_threshold(t) + initial - 1;
	struct pkt r = *p;
	int64_t when;

	if (reach >= t->hops) {
		when = at_ns + t->out_ns[t->hops] - t->out_ns[t->dev.hop];
		if (t->dev.server_first)
			when -= CLOCK_US;
		if (when < c->peer_dies_ns)
			c->peer_dies_ns = when;
		return;
	}
	r.tcp.flags = PKT_TH_RST;
	r.payload = NULL;
	r.payload_len = r.payload_wire = 0;
	r.ip.total_len = r.ip.header_len + 20u;
	sim_time_exceeded(n, reach, &r, at_ns);
}

/* A tap's buffer is emptied by a timer of its own. */
static int64_t
leaves_at(const struct sim_device *d, int64_t at_ns)
{
	/* It holds the packet until it has sent its resets. */
	if (d->server_first && d->both_ends)
		return at_ns;
	at_ns += d->work_ns;
	if (d->buffer_ns != 0)
		at_ns += d->buffer_ns - at_ns % d->buffer_ns;
	return at_ns;
}

static void
fire(struct sim_net *n, struct sim_conn *c, const struct pkt *p, int ttl,
    int64_t at_ns)
{
	const struct sim_device *d = &n->t->dev;
	int64_t when = leaves_at(d, at_ns);
	int initial = 0;

	n->stats.firings++;
	c->spent = true;
	if (d->block_ns != 0)
		n->blocked_until_ns = when + d->block_ns;
	for (int k = 0; k < d->resets; k++) {
		initial = initial_ttl(n, ttl);
		reset_client(n, c, p, initial, k, when + k * 20 * CLOCK_US);
	}
	if (d->both_ends)
		reset_server(n, c, p, initial, when);
}

bool
sim_device_meets(struct sim_net *n, const struct pkt *p, int ttl, int64_t at_ns)
{
	struct sim_conn *c;
	bool blocked = at_ns < n->blocked_until_ns;

	if ((p->has & PKT_HAS_TCP) == 0 || (p->tcp.flags & PKT_TH_RST) != 0)
		return false;
	c = sim_find(n, p->tcp.sport);
	if (c == NULL || (!blocked && !(holds_trigger(n, p) && draws(n, c))))
		return false;
	fire(n, c, p, ttl, at_ns);
	return n->t->dev.drops;
}

bool
sim_device_meets_answer(struct sim_net *n, const struct pkt *p, int64_t at_ns)
{
	const struct sim_truth *t = n->t;
	struct sim_conn *c = sim_find(n, p->tcp.dport);
	struct pkt r;
	int initial;
	int64_t when;

	if (c == NULL || p->payload == NULL || !draws(n, c))
		return false;
	n->stats.firings++;
	c->spent = true;
	/* A template here is the server's own packet. */
	initial = p->ip.ttl + sim_truth_crossed(t);
	if (t->dev.ttl != SIM_TTL_COPIED && t->dev.ttl != SIM_TTL_COPIED_EARLY)
		initial = initial_ttl(n, 64);
	when = leaves_at(
	    &t->dev, at_ns + t->home_ns[t->hops] - t->home_ns[t->dev.hop]);
	/* As if the client had asked for exactly this. */
	r = sim_segment(n, &c->local, &n->server, 64, PKT_TH_ACK);
	r.tcp.ack = p->tcp.seq;
	r.tcp.seq = p->tcp.ack;
	reset_client(n, c, &r, initial, 0, when);
	if (t->dev.both_ends)
		c->peer_dies_ns = when;
	return t->dev.drops;
}
