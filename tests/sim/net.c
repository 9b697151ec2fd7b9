/*
 * The heap of events, the client's kernel, and the table of functions.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>

#include "net_int.h"

#define CLIENT_TTL   64
#define WINDOW	     64240
#define TRIES_MAX    5 /* of a SYN or a segment */
#define CHALLENGE_NS (500 * CLOCK_MS)
#define RTO_MIN_NS   (200 * CLOCK_MS)

void
sim_say(const struct sim_net *n, const char *fmt, ...)
{
	va_list ap;

	if (n->log == NULL)
		return;
	fprintf(n->log, "%10.2f  ", (double)(n->now_ns - n->start_ns) / 1e6);
	va_start(ap, fmt);
	vfprintf(n->log, fmt, ap);
	va_end(ap);
	fputc('\n', n->log);
}

/* --- the heap --- */

static bool
earlier(const struct sim_event *a, const struct sim_event *b)
{
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns;
	return a->order < b->order;
}

static bool
heap_grow(struct sim_net *n)
{
	size_t cap = n->cap_heap == 0 ? 256 : 2 * n->cap_heap;
	struct sim_event **v;

	if (n->n_heap < n->cap_heap)
		return true;
	v = realloc(n->heap, cap * sizeof(struct sim_event *));
	if (v == NULL)
		return false;
	n->heap = v;
	n->cap_heap = cap;
	return true;
}

static struct sim_event *
heap_add(struct sim_net *n, int64_t at_ns)
{
	struct sim_event *e = calloc(1, sizeof(*e));
	size_t i;

	if (e == NULL || !heap_grow(n)) {
		free(e);
		n->broken = true;
		return NULL;
	}
	e->at_ns = at_ns;
	e->order = n->order++;
	e->timer = -1;
	for (i = n->n_heap++; i > 0 && earlier(e, n->heap[(i - 1) / 2]);
	     i = (i - 1) / 2)
		n->heap[i] = n->heap[(i - 1) / 2];
	n->heap[i] = e;
	return e;
}

/* The caller frees it. */
static struct sim_event *
heap_take(struct sim_net *n)
{
	struct sim_event *top = n->heap[0], *last = n->heap[--n->n_heap];
	size_t i = 0, k;

	for (;;) {
		k = 2 * i + 1;
		if (k >= n->n_heap)
			break;
		if (k + 1 < n->n_heap && earlier(n->heap[k + 1], n->heap[k]))
			k++;
		if (!earlier(n->heap[k], last))
			break;
		n->heap[i] = n->heap[k];
		i = k;
	}
	n->heap[i] = last;
	return top;
}

static void
add_packet(struct sim_net *n, const struct pkt *p, int64_t at_ns, bool out)
{
	struct sim_event *e = heap_add(n, at_ns);

	if (e == NULL)
		return;
	e->pkt = *p;
	e->pkt.payload = NULL;
	e->pkt.payload_len = 0;
	e->out = out;
}

void
sim_deliver(struct sim_net *n, const struct pkt *p, int64_t at_ns)
{
	add_packet(n, p, at_ns, false);
}

static void
set_timer(struct sim_net *n, const struct sim_conn *c, int64_t wait_ns)
{
	struct sim_event *e = heap_add(n, n->now_ns + wait_ns);

	if (e != NULL)
		e->timer = (int)(c - n->conns);
}

void
sim_answer_later(
    struct sim_net *n, const struct sim_conn *c, bool keyword, int64_t at_ns)
{
	struct sim_event *e = heap_add(n, at_ns);

	if (e == NULL)
		return;
	e->timer = (int)(c - n->conns);
	e->answer = true;
	e->keyword = keyword;
}

/* --- packets --- */

struct pkt
sim_packet(const struct sim_net *n, const struct endpoint *src,
    const struct endpoint *dst, int ttl)
{
	struct pkt p;

	memset(&p, 0, sizeof(p));
	p.has = PKT_HAS_IP;
	p.ip.src = src->addr;
	p.ip.dst = dst->addr;
	p.ip.version = n->t->v6 ? 6 : 4;
	p.ip.ttl = (uint8_t)ttl;
	p.ip.header_len = n->t->v6 ? 40 : 20;
	p.ip.has_id = !n->t->v6;
	p.ip.df = !n->t->v6;
	return p;
}

struct pkt
sim_segment(const struct sim_net *n, const struct endpoint *src,
    const struct endpoint *dst, int ttl, uint8_t flags)
{
	struct pkt p = sim_packet(n, src, dst, ttl);

	p.has |= PKT_HAS_TCP;
	p.ip.proto = PKT_PROTO_TCP;
	p.ip.total_len = p.ip.header_len + 20u;
	p.tcp.sport = src->port;
	p.tcp.dport = dst->port;
	p.tcp.flags = flags;
	p.tcp.header_len = 20;
	p.tcp.window = WINDOW;
	p.tcp.sack_ok = (flags & PKT_TH_SYN) != 0;
	return p;
}

/* Our own packet: the capture shows it, then it goes its way. */
static void
leave(struct sim_net *n, const struct pkt *p)
{
	add_packet(n, p, n->now_ns, true);
	sim_walk(n, p);
}

/* --- the client's kernel --- */

struct sim_conn *
sim_find(struct sim_net *n, uint16_t port)
{
	for (size_t i = n->n_conns; i-- > 0;)
		if (n->conns[i].local.port == port)
			return &n->conns[i];
	return NULL;
}

static void
kernel_send(struct sim_net *n, struct sim_conn *c, uint8_t flags, uint32_t seq,
    const uint8_t *data, size_t len)
{
	int ttl = c->ttl != 0 ? c->ttl : CLIENT_TTL;
	struct pkt p = sim_segment(n, &c->local, &n->server, ttl, flags);

	if (!n->t->v6)
		p.ip.id = c->ip_id++;
	p.ip.total_len += (uint32_t)len;
	p.tcp.seq = seq;
	if ((flags & PKT_TH_ACK) != 0)
		p.tcp.ack = c->rcv_nxt;
	p.payload = data;
	p.payload_len = p.payload_wire = (uint32_t)len;
	leave(n, &p);
}

static void
set_state(struct sim_net *n, struct sim_conn *c, enum conn_state st)
{
	c->state = st;
	n->changed = true;
	if (st != CONN_OPEN && st != CONN_CONNECTING)
		c->socket = st == CONN_CLOSED;
}

/* RFC 9293, 3.5.3: what belongs to no connection is reset. */
static void
kernel_refuse(struct sim_net *n, const struct pkt *p)
{
	struct endpoint local = n->client;
	struct pkt r;

	if ((p->tcp.flags & PKT_TH_RST) != 0 ||
	    (p->tcp.flags & PKT_TH_ACK) == 0)
		return;
	local.port = p->tcp.dport;
	r = sim_segment(n, &local, &n->server, CLIENT_TTL, PKT_TH_RST);
	r.tcp.seq = p->tcp.ack;
	r.tcp.window = 0;
	leave(n, &r);
}

/*
 * RFC 5961: the exact sequence number alone resets; any other in the window is
 * challenged, by Linux once in half a second.
 */
static void
kernel_take_reset(struct sim_net *n, struct sim_conn *c, const struct pkt *p)
{
	uint32_t ahead = p->tcp.seq - c->rcv_nxt;

	if (c->state == CONN_CONNECTING) {
		if ((p->tcp.flags & PKT_TH_ACK) != 0 &&
		    p->tcp.ack == c->snd_nxt)
			set_state(n, c, CONN_REFUSED);
		return;
	}
	if (ahead == 0)
		set_state(n, c, CONN_RESET);
	else if (ahead < WINDOW &&
	    (c->challenged_ns == 0 ||
		n->now_ns - c->challenged_ns >= CHALLENGE_NS)) {
		c->challenged_ns = n->now_ns;
		kernel_send(n, c, PKT_TH_ACK, c->snd_nxt, NULL, 0);
	}
}

static void
kernel_open(struct sim_net *n, struct sim_conn *c, const struct pkt *p)
{
	if (p->tcp.ack != c->snd_nxt)
		return;
	c->rcv_nxt = p->tcp.seq + 1;
	c->snd_una = c->snd_nxt;
	c->srtt_ns = n->now_ns - c->sent_ns;
	set_state(n, c, CONN_OPEN);
	kernel_send(n, c, PKT_TH_ACK, c->snd_nxt, NULL, 0);
}

static void
kernel_take_segment(struct sim_net *n, struct sim_conn *c, const struct pkt *p)
{
	uint32_t len = p->payload_wire + ((p->tcp.flags & PKT_TH_FIN) != 0);
	int32_t ahead = (int32_t)(p->tcp.ack - c->snd_nxt);

	if (c->state == CONN_CONNECTING) {
		if ((p->tcp.flags & PKT_TH_SYN) != 0)
			kernel_open(n, c, p);
		return;
	}
	/* RFC 9293: an ACK of what was never sent is answered. */
	if (ahead > 0) {
		kernel_send(n, c, PKT_TH_ACK, c->snd_nxt, NULL, 0);
		return;
	}
	if ((int32_t)(p->tcp.ack - c->snd_una) > 0)
		c->snd_una = p->tcp.ack;
	if (len == 0)
		return;
	if (p->tcp.seq == c->rcv_nxt) {
		c->rcv_nxt += len;
		if ((p->tcp.flags & PKT_TH_FIN) != 0 && !c->handed_back)
			set_state(n, c, CONN_CLOSED);
	}
	kernel_send(n, c, PKT_TH_ACK, c->snd_nxt, NULL, 0);
}

static void
kernel_take(struct sim_net *n, const struct pkt *p)
{
	struct sim_conn *c;

	if ((p->has & PKT_HAS_TCP) == 0)
		return;
	c = sim_find(n, p->tcp.dport);
	if (c == NULL || !c->socket)
		kernel_refuse(n, p);
	else if ((p->tcp.flags & PKT_TH_RST) != 0)
		kernel_take_reset(n, c, p);
	else
		kernel_take_segment(n, c, p);
}

/* RFC 6298, with Linux's bounds. */
static int64_t
rto(const struct sim_conn *c)
{
	int64_t w = 2 * c->srtt_ns;

	w = c->srtt_ns + (w > RTO_MIN_NS ? w : RTO_MIN_NS);
	return w << c->tries;
}

static void
kernel_timer(struct sim_net *n, struct sim_conn *c)
{
	if (!c->socket || c->tries >= TRIES_MAX)
		return;
	if (c->state == CONN_CONNECTING) {
		c->tries++;
		kernel_send(n, c, PKT_TH_SYN, c->snd_nxt - 1, NULL, 0);
		set_timer(n, c, CLOCK_S << c->tries);
	} else if (c->snd_una != c->snd_nxt && c->data != NULL) {
		c->tries++;
		kernel_send(n, c, PKT_TH_PSH | PKT_TH_ACK, c->snd_una, c->data,
		    c->data_len);
		set_timer(n, c, rto(c));
	}
}

/* --- the table of functions --- */

static int64_t
world_now(void *ctx)
{
	return ((struct sim_net *)ctx)->now_ns;
}

static struct sim_conn *
new_conn(struct sim_net *n)
{
	size_t cap = n->cap_conns == 0 ? 32 : 2 * n->cap_conns;
	struct sim_conn *v;

	if (n->n_conns == n->cap_conns) {
		v = realloc(n->conns, cap * sizeof(*v));
		if (v == NULL)
			return NULL;
		n->conns = v;
		n->cap_conns = cap;
	}
	v = &n->conns[n->n_conns++];
	memset(v, 0, sizeof(*v));
	return v;
}

static uint16_t
free_port(struct sim_net *n)
{
	uint16_t port;

	do
		port = (uint16_t)(32768 + rng_below(&n->rng, 28232));
	while (sim_find(n, port) != NULL);
	return port;
}

static int
world_open(void *ctx, uint16_t src_port, int *id, struct endpoint *local,
    struct fault *f)
{
	struct sim_net *n = ctx;
	uint16_t port = src_port != 0 ? src_port : free_port(n);
	struct sim_conn *c = new_conn(n);

	if (c == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	c->local = n->client;
	c->local.port = port;
	c->state = CONN_CONNECTING;
	c->socket = true;
	c->snd_una = (uint32_t)rng_u64(&n->rng);
	c->snd_nxt = c->snd_una + 1;
	c->ip_id = (uint16_t)rng_u64(&n->rng);
	c->peer_dies_ns = INT64_MAX;
	c->sent_ns = n->now_ns;
	n->stats.connections++;
	*id = (int)(c - n->conns);
	*local = c->local;
	sim_say(n, "conn %d opens, port %u", *id, port);
	kernel_send(n, c, PKT_TH_SYN, c->snd_una, NULL, 0);
	set_timer(n, c, CLOCK_S);
	return 0;
}

static enum conn_state
world_state(void *ctx, int id)
{
	return ((struct sim_net *)ctx)->conns[id].state;
}

static int
world_set_ttl(void *ctx, int id, int ttl, struct fault *f)
{
	(void)f;
	((struct sim_net *)ctx)->conns[id].ttl = ttl;
	return 0;
}

static int
world_send(void *ctx, int id, const uint8_t *p, size_t len, struct fault *f)
{
	struct sim_net *n = ctx;
	struct sim_conn *c = &n->conns[id];

	if (c->state != CONN_OPEN)
		return fault(
		    f, FAULT_NETWORK, "the connection is no longer open");
	free(c->data);
	c->data = malloc(len);
	if (c->data == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	memcpy(c->data, p, len);
	c->data_len = len;
	c->tries = 0;
	sim_say(n, "conn %d sends %s at full TTL", id,
	    len == n->trigger_len && memcmp(p, n->trigger, len) == 0
		? "the trigger"
		: "the control");
	c->snd_nxt += (uint32_t)len;
	kernel_send(n, c, PKT_TH_PSH | PKT_TH_ACK, c->snd_nxt - (uint32_t)len,
	    c->data, len);
	set_timer(n, c, rto(c));
	return 0;
}

static void
world_close(void *ctx, int id, bool abort)
{
	struct sim_net *n = ctx;
	struct sim_conn *c = &n->conns[id];

	c->handed_back = true;
	if (!c->socket || c->state != CONN_OPEN) {
		c->socket = false;
		return;
	}
	if (abort) {
		c->socket = false;
		kernel_send(n, c, PKT_TH_RST | PKT_TH_ACK, c->snd_nxt, NULL, 0);
		return;
	}
	kernel_send(n, c, PKT_TH_FIN | PKT_TH_ACK, c->snd_nxt, NULL, 0);
	c->snd_nxt++;
}

static int
world_reserve(void *ctx, struct endpoint *local, struct fault *f)
{
	struct sim_net *n = ctx;

	(void)f;
	*local = n->client;
	local->port = free_port(n);
	return 0;
}

static int
world_tcp(void *ctx, const struct craft_tcp *t, struct fault *f)
{
	struct sim_net *n = ctx;
	struct pkt p =
	    sim_segment(n, &t->flow.src, &t->flow.dst, t->ttl, t->flags);

	(void)f;
	n->stats.injected++;
	p.ip.id = n->t->v6 ? 0 : t->id;
	p.ip.tos = t->tos;
	p.ip.df = t->df && !n->t->v6;
	p.ip.flow_label = t->flow_label;
	p.ip.total_len += (uint32_t)(t->opts_len + t->payload_len);
	p.tcp.seq = t->seq;
	p.tcp.ack = t->ack;
	p.tcp.window = t->window;
	p.payload = t->payload;
	p.payload_len = p.payload_wire = (uint32_t)t->payload_len;
	leave(n, &p);
	return 0;
}

static int
world_echo(void *ctx, const struct craft_echo *e, struct fault *f)
{
	struct sim_net *n = ctx;
	struct pkt p = sim_packet(n, &n->client, &n->server, e->ttl);

	(void)f;
	n->stats.injected++;
	p.has |= PKT_HAS_ICMP;
	p.ip.proto = n->t->v6 ? PKT_PROTO_ICMPV6 : PKT_PROTO_ICMP;
	p.ip.id = n->t->v6 ? 0 : e->id;
	p.ip.total_len = p.ip.header_len + 8u + (uint32_t)e->payload_len;
	p.icmp.type = n->t->v6 ? 128 : 8;
	p.icmp.id = e->echo_id;
	p.icmp.seq = e->echo_seq;
	p.icmp.is_echo_request = true;
	leave(n, &p);
	return 0;
}

static void
hand_over(
    struct sim_net *n, const struct sim_event *e, struct world_packet *out)
{
	memset(out, 0, sizeof(*out));
	out->at_ns = n->now_ns;
	out->unix_ns = n->now_ns;
	out->link = PKT_LINK_RAW;
	out->wire_len = e->pkt.ip.total_len;
	out->pkt = e->pkt;
}

static int
world_next(
    void *ctx, int64_t until_ns, struct world_packet *out, struct fault *f)
{
	struct sim_net *n = ctx;
	struct sim_event *e;
	bool packet;

	while (!n->changed && n->n_heap > 0 && n->heap[0]->at_ns <= until_ns) {
		e = heap_take(n);
		n->now_ns = e->at_ns > n->now_ns ? e->at_ns : n->now_ns;
		packet = e->timer < 0;
		if (e->answer)
			sim_server_answers(n, &n->conns[e->timer], e->keyword);
		else if (!packet)
			kernel_timer(n, &n->conns[e->timer]);
		else
			hand_over(n, e, out);
		if (packet && !e->out)
			kernel_take(n, &e->pkt);
		free(e);
		if (packet)
			return 1;
	}
	if (n->broken)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (!n->changed && until_ns > n->now_ns)
		n->now_ns = until_ns;
	n->changed = false;
	return 0;
}

void
sim_net_world(struct sim_net *n, struct world *w)
{
	w->ctx = n;
	w->now = world_now;
	w->open = world_open;
	w->state = world_state;
	w->send = world_send;
	w->set_ttl = world_set_ttl;
	w->close = world_close;
	w->reserve = world_reserve;
	w->tcp = world_tcp;
	w->echo = world_echo;
	w->next = world_next;
}

/* --- setting up --- */

/* RFC 5737 and RFC 3849: addresses for documentation. */
static struct addr
address(const struct sim_truth *t, const char *v4, const char *v6)
{
	struct addr a = {0};

	addr_parse(t->v6 ? v6 : v4, &a);
	return a;
}

struct sim_net *
sim_net_new(const struct sim_truth *t, const uint8_t *trigger,
    size_t trigger_len, FILE *log)
{
	struct sim_net *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->t = t;
	n->trigger = trigger;
	n->trigger_len = trigger_len;
	n->log = log;
	/* Apart from the truth's own draws. */
	rng_seed(&n->rng, ~t->seed);
	/* The jobs seed their own dice by the clock. */
	n->start_ns = n->now_ns =
	    (int64_t)(rng_u64(&n->rng) >> 12) + 3600 * CLOCK_S;
	n->client.addr = address(t, "192.0.2.1", "2001:db8::1");
	n->server.addr = address(t, "198.51.100.1", "2001:db8:1::1");
	n->server.port = SIM_PORT;
	n->stepping = t->dev.initial;
	for (int i = 0; i <= SIM_HOPS; i++)
		n->buckets[i].last_ns = n->start_ns - 3600 * CLOCK_S;
	return n;
}

void
sim_net_free(struct sim_net *n)
{
	if (n == NULL)
		return;
	for (size_t i = 0; i < n->n_heap; i++)
		free(n->heap[i]);
	for (size_t i = 0; i < n->n_conns; i++)
		free(n->conns[i].data);
	free(n->heap);
	free(n->conns);
	free(n);
}

void
sim_net_ends(
    const struct sim_net *n, struct endpoint *target, struct addr *client)
{
	*target = n->server;
	*client = n->client.addr;
}

void
sim_net_get_stats(const struct sim_net *n, struct sim_net_stats *out)
{
	*out = n->stats;
	out->elapsed_ns = n->now_ns - n->start_ns;
}
