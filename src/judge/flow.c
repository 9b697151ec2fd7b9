/*
 * The connections of one vantage, packet by packet.
 */
#include <stdlib.h>
#include <string.h>

#include "flow_int.h"

#define FLOW_IDLE_NS	   INT64_C(600000000000)
#define FLOW_SETTLE_NS	   INT64_C(30000000000)
#define FLOW_SETTLE_PKTS   64
#define FLOW_PAYLOAD_BYTES ((size_t)24 << 20)
#define FLOW_MAX_PENDING   4096
#define FLOW_MAX_HOSTS	   65536

/* A look for idle connections is due once in so many packets. */
#define FLOW_SWEEP_EVERY 16

struct flow_table {
	struct flow_config cfg;
	struct flow_sink sink;
	struct node_table *nodes;
	struct host_table *hosts;
	struct pending *due, *due_last; /* oldest first */
	struct pending *spare;		/* to be used again, freed at the end */
	struct flow_other others[FLOW_RESETS]; /* of the one handed over */
	uint32_t n_pending;
	struct payload_pool *payloads;
	struct flow_stats stats;
};

static void
flow_set_defaults(struct flow_config *c)
{
	c->max_flows = c->max_flows != 0 ? c->max_flows : FLOW_MAX_FLOWS;
	c->idle_ns = c->idle_ns != 0 ? c->idle_ns : FLOW_IDLE_NS;
	c->settle_ns = c->settle_ns != 0 ? c->settle_ns : FLOW_SETTLE_NS;
	c->settle_pkts =
	    c->settle_pkts != 0 ? c->settle_pkts : FLOW_SETTLE_PKTS;
	c->max_pending =
	    c->max_pending != 0 ? c->max_pending : FLOW_MAX_PENDING;
	c->max_hosts = c->max_hosts != 0 ? c->max_hosts : FLOW_MAX_HOSTS;
	if (c->payload_bytes == 0)
		c->payload_bytes = FLOW_PAYLOAD_BYTES;
}

int
flow_table_new(const struct flow_config *cfg, const struct flow_sink *sink,
    struct flow_table **out, struct fault *f)
{
	struct flow_table *t = calloc(1, sizeof(*t));
	int rc = -1;

	if (t == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (cfg != NULL)
		t->cfg = *cfg;
	flow_set_defaults(&t->cfg);
	t->sink = *sink;
	if (node_table_new(t->cfg.max_flows, t->cfg.hash_seed, &t->nodes, f) !=
	    0)
		goto out;
	if (host_table_new(t->cfg.max_hosts, t->cfg.hash_seed, &t->hosts, f) !=
	    0)
		goto out;
	if (payload_pool_new(t->cfg.payload_bytes, &t->payloads, f) != 0)
		goto out;
	*out = t; /* hand over last */
	t = NULL;
	rc = 0;
out:
	flow_table_free(t);
	return rc;
}

/* --- resets that wait --- */

static struct pending *
flow_take_pending(struct flow_table *t)
{
	struct pending *p = t->spare;

	if (p == NULL)
		return malloc(sizeof(*p));
	t->spare = p->next;
	return p;
}

static void
flow_give_pending(struct flow_table *t, struct pending *p)
{
	free(p->payload);
	p->payload = NULL;
	p->next = t->spare;
	t->spare = p;
}

static void
flow_unlink_due(struct flow_table *t, struct pending *p)
{
	if (p->prev_due != NULL)
		p->prev_due->next_due = p->next_due;
	else
		t->due = p->next_due;
	if (p->next_due != NULL)
		p->next_due->prev_due = p->prev_due;
	else
		t->due_last = p->prev_due;
	t->n_pending--;
}

static void
flow_unlink_rare(struct rare *r, const struct pending *p)
{
	struct pending **at = &r->pending;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	r->n_pending--;
}

/* Of a sender that was a stranger as its reset came: met since, elsewhere. */
static void
flow_ask_host_again(const struct flow_table *t, struct pending *p)
{
	const struct half *h = &p->node->half[p->side];

	if (p->r.sender.packets > 0 || p->r.host.packets > 0)
		return;
	host_table_report(t->hosts, h->host, h, &p->r.host);
	p->r.host.has_id = false;
	p->r.host.later = true;
}

static int
flow_settle(struct flow_table *t, struct pending *p, enum flow_end end,
    int64_t unix_ns, struct fault *f)
{
	int rc = 0;

	pending_finish(p, end, unix_ns, t->others);
	flow_ask_host_again(t, p);
	flow_unlink_rare(p->node->rare, p);
	flow_unlink_due(t, p);
	if (t->sink.reset != NULL)
		rc = t->sink.reset(t->sink.ctx, &p->r, f);
	flow_give_pending(t, p);
	return rc;
}

static int
flow_settle_due(struct flow_table *t, int64_t unix_ns, struct fault *f)
{
	while (t->due != NULL &&
	    unix_ns - t->due->r.mark.unix_ns >= t->cfg.settle_ns)
		if (flow_settle(t, t->due, FLOW_END_SETTLED, unix_ns, f) != 0)
			return -1;
	return 0;
}

/* --- what few connections need --- */

static struct rare *
flow_get_rare(struct node *n, struct fault *f)
{
	if (n->rare == NULL)
		n->rare = calloc(1, sizeof(*n->rare));
	if (n->rare == NULL)
		fault(f, FAULT_SYSTEM, "out of memory");
	return n->rare;
}

static int
flow_emit_probe(struct flow_table *t, struct rare *r, struct fault *f)
{
	struct flow_probe *q = r->probe;
	int rc = 0;

	r->probe = NULL;
	if (q != NULL && t->sink.probe != NULL)
		rc = t->sink.probe(t->sink.ctx, q, f);
	free(q);
	return rc;
}

static int
flow_settle_rare(
    struct flow_table *t, struct node *n, enum flow_end end, struct fault *f)
{
	struct rare *r = n->rare;
	int rc = 0;

	if (r == NULL)
		return 0;
	while (rc == 0 && r->pending != NULL)
		rc = flow_settle(t, r->pending, end, n->seen_ns, f);
	if (rc == 0)
		rc = flow_emit_probe(t, r, f);
	return rc;
}

/* --- connections --- */

static void
flow_drop_payload(struct flow_table *t, struct half *h)
{
	payload_pool_give(t->payloads, h->payload, h->payload_units);
	h->payload = NULL;
	h->payload_len = h->payload_units = 0;
}

static int
flow_let_go(
    struct flow_table *t, struct node *n, enum flow_end end, struct fault *f)
{
	if (flow_settle_rare(t, n, end, f) != 0)
		return -1;
	rare_free(n->rare);
	n->rare = NULL;
	flow_drop_payload(t, &n->half[0]);
	flow_drop_payload(t, &n->half[1]);
	node_remove(t->nodes, n);
	return 0;
}

/* The same endpoints, another connection. */
static int
flow_begin_anew(struct flow_table *t, struct node *n, struct fault *f)
{
	if (flow_settle_rare(t, n, FLOW_END_ANEW, f) != 0)
		return -1;
	rare_free(n->rare);
	n->rare = NULL;
	for (int i = 0; i < 2; i++) {
		uint32_t host = n->half[i].host;

		flow_drop_payload(t, &n->half[i]);
		memset(&n->half[i], 0, sizeof(n->half[i]));
		n->half[i].host = host;
	}
	t->stats.flows++;
	return 0;
}

static int
flow_make_room(struct flow_table *t, struct fault *f)
{
	struct node *n;

	do
		n = node_victim(t->nodes);
	while (n == NULL && node_count(t->nodes) > 0);
	if (n == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	t->stats.evicted++;
	return flow_let_go(t, n, FLOW_END_EVICTED, f);
}

static struct node *
flow_add_node(struct flow_table *t, const struct flow_ends *e, uint64_t hash,
    struct fault *f)
{
	struct node *n = node_add(t->nodes, e, hash);

	if (n == NULL) {
		if (flow_make_room(t, f) != 0)
			return NULL;
		n = node_add(t->nodes, e, hash);
	}
	if (n == NULL) {
		fault(f, FAULT_SYSTEM, "out of memory");
		return NULL;
	}
	n->half[0].host = host_table_get(t->hosts, &e->e[0].addr);
	n->half[1].host = host_table_get(t->hosts, &e->e[1].addr);
	t->stats.flows++;
	return n;
}

/* The lower port below 1024 is a server's, if the other one is above. */
static void
flow_guess_roles(struct node *n, int side)
{
	uint16_t a = n->ends.e[0].port, b = n->ends.e[1].port;

	n->roles = FLOW_ROLES_PORT;
	if (a < 1024 && b >= 1024)
		n->client = 1;
	else if (b < 1024 && a >= 1024)
		n->client = 0;
	else {
		n->roles = FLOW_ROLES_FIRST;
		n->client = (uint8_t)side;
	}
}

static void
flow_see_roles(struct node *n, int side, const struct pkt *p)
{
	uint8_t flags = p->tcp.flags;
	bool is_new =
	    n->half[0].packets + n->half[1].packets == 0 && n->rare == NULL;

	if ((flags & PKT_TH_SYN) != 0 && n->roles != FLOW_ROLES_SYN) {
		n->client = (uint8_t)((flags & PKT_TH_ACK) != 0 ? !side : side);
		n->roles = FLOW_ROLES_SYN;
	} else if (is_new)
		flow_guess_roles(n, side);
}

/*
 * A SYN that is not the one which began this connection sent again; who has
 * reset it begins another, whatever the number.  Where the capture began in
 * its midst, any SYN does.
 */
static bool
flow_is_anew(const struct node *n, int side, const struct pkt *p)
{
	const struct half *h = &n->half[side];

	if ((p->tcp.flags & PKT_TH_SYN) == 0 ||
	    (p->tcp.flags & PKT_TH_ACK) != 0)
		return false;
	if ((h->seen & FLOW_SEEN_SYN) != 0)
		return h->isn != p->tcp.seq || (h->seen & FLOW_SEEN_RST) != 0;
	return h->packets > 0 || n->half[!side].packets > 0 || n->rare != NULL;
}

/* Any order will do, so long as it is one: both ways must give one key. */
static bool
flow_stands_first(const struct addr *a, uint16_t a_port, const struct addr *b,
    uint16_t b_port)
{
	uint64_t x[2], y[2];

	memcpy(x, a->b, sizeof(x));
	memcpy(y, b->b, sizeof(y));
	if (x[0] != y[0])
		return x[0] < y[0];
	return x[1] != y[1] ? x[1] < y[1] : a_port <= b_port;
}

static int
flow_make_ends(const struct addr *src, uint16_t sport, const struct addr *dst,
    uint16_t dport, struct flow_ends *out)
{
	int side = !flow_stands_first(src, sport, dst, dport);

	out->e[side].addr = *src;
	out->e[side].port = sport;
	out->e[!side].addr = *dst;
	out->e[!side].port = dport;
	return side;
}

/* --- payloads --- */

/*
 * Plenty while there is plenty: what is kept shrinks as room runs out.  What
 * fires a device is what a client asks, rarely an answer or the midst of a
 * long upload.
 */
static size_t
flow_payload_room(
    const struct flow_table *t, const struct node *n, int side, bool begins)
{
	size_t used = payload_pool_used(t->payloads);

	if (used >= t->cfg.payload_bytes)
		return 0;
	if (side != n->client && !begins)
		return 0;
	if (side != n->client || used >= t->cfg.payload_bytes / 4 * 3)
		return 64;
	if (used >= t->cfg.payload_bytes / 2)
		return 256;
	return begins ? FLOW_PAYLOAD : 256;
}

static void
flow_keep_payload(
    struct flow_table *t, struct half *h, const struct pkt *p, size_t cap)
{
	size_t n = p->payload_len < cap ? p->payload_len : cap;
	size_t units = (n + PAYLOAD_UNIT - 1) / PAYLOAD_UNIT;

	h->payload_len = 0;
	if (n == 0)
		return;
	if (units > h->payload_units) {
		flow_drop_payload(t, h);
		h->payload = payload_pool_take(t->payloads, &units);
		if (h->payload == NULL)
			return;
		h->payload_units = (uint8_t)units;
	}
	memcpy(h->payload, p->payload, n);
	h->payload_len = (uint16_t)n;
}

static void
flow_tell_data(struct flow_table *t, const struct node *n, int side,
    const struct flow_seen *s, bool begins)
{
	struct flow_data d = {.client = &n->ends.e[n->client],
	    .server = &n->ends.e[!n->client],
	    .mark = n->half[side].last,
	    .payload = s->pkt->payload,
	    .len = s->pkt->payload_len,
	    .begins = begins};

	t->sink.data(t->sink.ctx, &d);
}

/* --- packets --- */

static int
flow_copy_payload(struct pending *p, const struct half *from)
{
	p->payload = NULL;
	p->r.payload_len = 0;
	if (p->r.trigger.frame == 0 || from->payload_len == 0 ||
	    p->r.trigger.frame != half_last_data(from)->frame)
		return 0;
	p->payload = malloc(from->payload_len);
	if (p->payload == NULL)
		return -1;
	memcpy(p->payload, from->payload, from->payload_len);
	p->r.payload_len = from->payload_len;
	return 0;
}

static void
flow_link_pending(struct flow_table *t, struct node *n, struct pending *p)
{
	struct pending **at = &n->rare->pending;

	while (*at != NULL)
		at = &(*at)->next;
	*at = p;
	p->next = NULL;
	p->node = n;
	n->rare->n_pending++;
	p->next_due = NULL;
	p->prev_due = t->due_last;
	if (t->due_last != NULL)
		t->due_last->next_due = p;
	else
		t->due = p;
	t->due_last = p;
	t->n_pending++;
}

static int
flow_hurry(struct flow_table *t, const struct node *n, int64_t unix_ns,
    struct fault *f)
{
	struct pending *p = NULL;

	if (n->rare->n_pending >= FLOW_PENDING_EACH)
		p = n->rare->pending;
	else if (t->n_pending >= t->cfg.max_pending)
		p = t->due;
	if (p == NULL)
		return 0;
	t->stats.hurried++;
	return flow_settle(t, p, FLOW_END_SETTLED, unix_ns, f);
}

static int
flow_see_reset(struct flow_table *t, struct node *n, int side,
    const struct flow_seen *s, struct fault *f)
{
	struct rare *r = flow_get_rare(n, f);
	struct pending *p;

	if (r == NULL || flow_hurry(t, n, s->unix_ns, f) != 0)
		return -1;
	p = flow_take_pending(t);
	if (p == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	pending_fill(p, n, side, s);
	host_table_report(
	    t->hosts, n->half[side].host, &n->half[side], &p->r.host);
	flow_link_pending(t, n, p);
	if (flow_copy_payload(p, &n->half[!side]) != 0 ||
	    rare_add_reset(r, &p->r.mark, side) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	probe_see(r, n, side, s);
	n->half[side].seen |= FLOW_SEEN_RST;
	t->stats.resets++;
	return 0;
}

static int
flow_see_waiting(struct flow_table *t, struct node *n, int side,
    const struct flow_seen *s, struct fault *f)
{
	struct pending *next;

	for (struct pending *p = n->rare->pending; p != NULL; p = next) {
		next = p->next;
		pending_see(p, side, s);
		if (p->pkts >= t->cfg.settle_pkts &&
		    flow_settle(t, p, FLOW_END_SETTLED, s->unix_ns, f) != 0)
			return -1;
	}
	probe_see(n->rare, n, side, s);
	return 0;
}

static int
flow_see_probe(struct flow_table *t, struct node *n, int side,
    const struct flow_seen *s, struct fault *f)
{
	if (side != n->client || !probe_is(&n->half[side], s->pkt))
		return 0;
	if (flow_get_rare(n, f) == NULL || flow_emit_probe(t, n->rare, f) != 0)
		return -1;
	if (probe_begin(n->rare, n, side, s) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (t->sink.probe_sent == NULL)
		return 0;
	return t->sink.probe_sent(t->sink.ctx, n->rare->probe, s->pkt, f);
}

static int
flow_keep_injected(
    struct node *n, int side, const struct flow_seen *s, struct fault *f)
{
	struct rare *r = flow_get_rare(n, f);

	if (r == NULL)
		return -1;
	if (rare_set_injected(r, s, side) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	return 0;
}

static int
flow_see_segment(struct flow_table *t, struct node *n, int side,
    const struct flow_seen *s, struct fault *f)
{
	struct half *h = &n->half[side], *other = &n->half[!side];
	bool begins = n->spoke != side + 1;
	bool told = h->packets < HOST_FIRST ||
	    h->packets % HOST_EVERY == HOST_EVERY - 1;
	bool fresh = (h->seen & FLOW_SEEN_SEQ) == 0 ||
	    seq_after(s->pkt->tcp.seq + s->pkt->payload_wire, h->seq_next);

	if (told)
		host_table_hint(t->hosts, h->host);
	if (flow_see_probe(t, n, side, s, f) != 0)
		return -1;
	switch (half_see(h, other, s)) {
	case HALF_SAW_FOREIGN:
		return flow_keep_injected(n, side, s, f);
	case HALF_SAW_TWICE:
		return 0;
	case HALF_SAW_NEW:
		break;
	}
	if (told)
		host_table_see(t->hosts, h->host, s);
	if ((s->pkt->tcp.flags & PKT_TH_SYN) != 0)
		host_table_see_rtt(t->hosts, h->host, h->rtt_min_ns);
	if (s->pkt->payload_wire > 0) {
		n->spoke = (uint8_t)(side + 1);
		flow_keep_payload(
		    t, h, s->pkt, flow_payload_room(t, n, side, begins));
		if (side == n->client && fresh && t->sink.data != NULL)
			flow_tell_data(t, n, side, s, begins);
	}
	return n->rare != NULL ? flow_see_waiting(t, n, side, s, f) : 0;
}

static int
flow_see_tcp(struct flow_table *t, const struct flow_seen *s, struct fault *f)
{
	const struct pkt *p = s->pkt;
	int side = s->hint->side;
	struct node *n =
	    node_find(t->nodes, &s->hint->ends, s->hint->hash, side);

	t->stats.packets++;
	if (n != NULL && s->unix_ns - n->seen_ns > t->cfg.idle_ns) {
		t->stats.aged++;
		if (flow_let_go(t, n, FLOW_END_IDLE, f) != 0)
			return -1;
		n = NULL;
	}
	if (n == NULL)
		n = flow_add_node(t, &s->hint->ends, s->hint->hash, f);
	if (n == NULL)
		return -1;
	if (flow_is_anew(n, side, p) && flow_begin_anew(t, n, f) != 0)
		return -1;
	flow_see_roles(n, side, p);
	n->seen_ns = s->unix_ns;
	if ((p->tcp.flags & PKT_TH_RST) != 0)
		return flow_see_reset(t, n, side, s, f);
	return flow_see_segment(t, n, side, s, f);
}

static int
flow_see_expired(
    struct flow_table *t, const struct flow_seen *s, struct fault *f)
{
	const struct pkt_quote *q = &s->pkt->quote;
	struct flow_ends ends = {0};
	struct node *n;
	int side;

	if (!s->pkt->icmp.is_time_exceeded || !q->has_ports ||
	    q->ip.proto != PKT_PROTO_TCP)
		return 0;
	side =
	    flow_make_ends(&q->ip.src, q->sport, &q->ip.dst, q->dport, &ends);
	n = node_find(t->nodes, &ends, node_hash(t->nodes, &ends), side);
	if (n == NULL)
		return 0;
	if (flow_get_rare(n, f) == NULL)
		return -1;
	if (probe_see_expired(n->rare, n, side, s) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	return 0;
}

static int
flow_sweep(struct flow_table *t, int64_t unix_ns, struct fault *f)
{
	struct node *n = node_sweep(t->nodes);

	if (n == NULL || unix_ns - n->seen_ns <= t->cfg.idle_ns)
		return 0;
	t->stats.aged++;
	return flow_let_go(t, n, FLOW_END_IDLE, f);
}

/*
 * Stamps are hostile too.  Within 146 years of 1970 no difference of two of
 * them overflows; what lies beyond is held at the edge.
 */
static int64_t
flow_sane_stamp(int64_t unix_ns)
{
	const int64_t edge = (INT64_C(1) << 62) - 1;

	if (unix_ns > edge)
		return edge;
	return unix_ns < -edge ? -edge : unix_ns;
}

static int
flow_see_packet(
    struct flow_table *t, const struct flow_seen *s, struct fault *f)
{
	if (t->due != NULL && flow_settle_due(t, s->unix_ns, f) != 0)
		return -1;
	if ((s->pkt->has & PKT_HAS_TCP) != 0) {
		if (t->stats.packets % FLOW_SWEEP_EVERY == 0 &&
		    flow_sweep(t, s->unix_ns, f) != 0)
			return -1;
		return flow_see_tcp(t, s, f);
	}
	return (s->pkt->has & PKT_HAS_QUOTE) != 0 ? flow_see_expired(t, s, f)
						  : 0;
}

int
flow_table_see(struct flow_table *t, const struct flow_seen *s, struct fault *f)
{
	struct flow_seen sane = *s;
	struct flow_hint hint;

	sane.unix_ns = flow_sane_stamp(s->unix_ns);
	if (s->hint == NULL) {
		flow_table_expect(t, s->pkt, &hint);
		sane.hint = &hint;
	}
	return flow_see_packet(t, &sane, f);
}

void
flow_table_expect(
    const struct flow_table *t, const struct pkt *p, struct flow_hint *out)
{
	out->side = -1;
	out->hash = 0;
	if ((p->has & PKT_HAS_TCP) == 0)
		return;
	out->side = flow_make_ends(
	    &p->ip.src, p->tcp.sport, &p->ip.dst, p->tcp.dport, &out->ends);
	out->hash = node_hash(t->nodes, &out->ends);
	node_expect(t->nodes, out->hash);
}

void
flow_table_expect_soon(const struct flow_table *t, const struct flow_hint *h)
{
	if (h->side >= 0)
		node_expect_soon(t->nodes, h->hash, h->side);
}

static void
flow_free_node(struct node *n)
{
	struct pending *next;

	for (struct pending *p = n->rare != NULL ? n->rare->pending : NULL;
	     p != NULL; p = next) {
		next = p->next;
		free(p->payload);
		free(p);
	}
	rare_free(n->rare);
}

/* Lets all flows go, at once. */
static void
flow_clear(struct flow_table *t)
{
	for (uint32_t i = 0; i < node_places(t->nodes); i++) {
		struct node *n = node_at(t->nodes, i);

		if (n != NULL)
			flow_free_node(n);
	}
	node_clear(t->nodes);
	payload_pool_clear(t->payloads);
}

int
flow_table_tick(struct flow_table *t, int64_t unix_ns, struct fault *f)
{
	return flow_settle_due(t, flow_sane_stamp(unix_ns), f);
}

int
flow_table_end(struct flow_table *t, struct fault *f)
{
	/* In the order of the resets, whatever connections they belong to. */
	while (t->due != NULL)
		if (flow_settle(t, t->due, FLOW_END_CAPTURE,
			t->due->node->seen_ns, f) != 0)
			return -1;
	for (uint32_t i = 0; i < node_places(t->nodes); i++) {
		struct node *n = node_at(t->nodes, i);

		if (n != NULL &&
		    flow_settle_rare(t, n, FLOW_END_CAPTURE, f) != 0)
			return -1;
	}
	flow_clear(t);
	return 0;
}

void
flow_table_get_stats(const struct flow_table *t, struct flow_stats *out)
{
	*out = t->stats;
}

void
flow_table_free(struct flow_table *t)
{
	struct pending *next;

	if (t == NULL)
		return;
	if (t->payloads != NULL) /* made last */
		flow_clear(t);
	for (struct pending *p = t->spare; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	node_table_free(t->nodes);
	host_table_free(t->hosts);
	payload_pool_free(t->payloads);
	free(t);
}

uint8_t
flow_side_ttl(const struct flow_side *s)
{
	return s->n_ttls > 0 ? s->ttls[0].ttl : 0;
}

bool
flow_side_sent_ttl(const struct flow_side *s, uint8_t ttl)
{
	for (size_t i = 0; i < s->n_ttls; i++)
		if (s->ttls[i].ttl == ttl)
			return true;
	return false;
}
