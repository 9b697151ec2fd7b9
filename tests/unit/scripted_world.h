/*
 * A world that a test writes down packet by packet.  Its clock moves only
 * while somebody waits; it hands out queued frames at given times; it records
 * what was sent.  It is for exact cases, and forwards nothing by itself.
 *
 * It plays the kernel: open() queues a handshake and send() a data segment,
 * both as the capture would show them.  A test that wants something to happen
 * upon a probe sets on_sent.
 *
 * sw_new() gives a world that the test frees with free(3).  Times are
 * nanoseconds of now_ns.
 */
#ifndef RSTHOP_UNIT_SCRIPTED_WORLD_H
#define RSTHOP_UNIT_SCRIPTED_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/clock.h>
#include <rsthop/craft.h>
#include <rsthop/pkt.h>
#include <rsthop/world.h>

#define SW_FRAME 1600 /* no frame is longer, in bytes */
#define SW_QUEUE 1024
#define SW_SENT	 1024
#define SW_CONNS 64
#define SW_ETHER 14
#define SW_HEARD 1024 /* bytes from the server that wait for recv() */

struct sw_frame {
	int64_t at_ns;
	size_t len;
	uint8_t bytes[SW_FRAME];
	int opens; /* opens this connection once it is handed out; -1: none */
	bool says; /* its data then go to the socket of conn */
	int conn;
};

enum sw_kind { SW_TCP, SW_ECHO, SW_DATA };

/* A packet that was sent. */
struct sw_sent {
	enum sw_kind kind;
	int64_t at_ns;
	struct craft_tcp tcp; /* opts and payload are not kept */
	struct craft_echo echo;
	size_t len; /* of the IP packet, TCP alone */
	uint8_t packet[SW_FRAME];
};

struct sw_conn {
	enum conn_state state;
	struct endpoint local;
	uint32_t snd_nxt, rcv_nxt;
	uint8_t ttl;	  /* of the kernel's packets */
	unsigned int set; /* how often set_ttl() was called */
	bool closed, aborted;
	bool kept; /* keep() was called: the server's data go to recv() */
	uint8_t heard[SW_HEARD];
	size_t n_heard;
};

struct sw {
	struct world w;
	int64_t now_ns;
	struct endpoint client, server; /* the client's port counts up */

	/* What the server does: open() and send() read it. */
	bool deaf; /* answers no SYN */
	bool acks; /* acknowledges data that send() sent */
	bool timestamps;
	int64_t rtt_ns;
	uint8_t server_ttl;
	uint32_t iss, irs;
	uint16_t kernel_id;

	struct sw_conn conns[SW_CONNS];
	int n_conns;
	struct sw_frame queue[SW_QUEUE];
	size_t n_queue, taken;
	struct sw_sent sent[SW_SENT];
	size_t n_sent;
	struct sw_frame last; /* that next() handed out */
	bool news;	      /* recv() has something new */
	int also;	      /* the descriptor given to also(); -1 */

	void (*on_sent)(struct sw *sw, const struct sw_sent *s);
	void *arg; /* the test's own */
};

static const uint8_t sw_router_mac[ADDR_MAC] = {2, 0, 0, 0, 0, 1};
static const uint8_t sw_client_mac[ADDR_MAC] = {2, 0, 0, 0, 0, 5};

static inline struct addr
sw_addr(const char *s)
{
	struct addr a;

	assert_int_equal(addr_parse(s, &a), 0);
	return a;
}

static inline uint8_t *
sw_be(uint8_t *p, uint32_t v, size_t n)
{
	while (n-- > 0)
		*p++ = (uint8_t)(v >> (8 * n));
	return p;
}

/* An IP header for `len` bytes behind it; gives its length. */
static inline size_t
sw_write_ip(uint8_t *b, const struct craft_tcp *t, uint8_t proto, size_t len)
{
	const struct addr *src = &t->flow.src.addr, *dst = &t->flow.dst.addr;
	size_t n = src->version == 4 ? 4 : 16;
	uint8_t *p = b;

	if (src->version == 4) {
		p = sw_be(p, 0x45, 1);
		p = sw_be(p, t->tos, 1);
		p = sw_be(p, (uint32_t)(20 + len), 2);
		p = sw_be(p, t->id, 2);
		p = sw_be(p, t->df ? 0x4000 : 0, 2);
		p = sw_be(p, t->ttl, 1);
		p = sw_be(p, proto, 1);
		p = sw_be(p, 0, 2); /* nobody checks the checksum */
	} else {
		p = sw_be(
		    p, 6u << 28 | (uint32_t)t->tos << 20 | t->flow_label, 4);
		p = sw_be(p, (uint32_t)len, 2);
		p = sw_be(p, proto, 1);
		p = sw_be(p, t->ttl, 1);
	}
	memcpy(p, src->b, n);
	memcpy(p + n, dst->b, n);
	return (size_t)(p - b) + 2 * n;
}

/* An IP packet with all its headers; opts or payload NULL: zeros. */
static inline size_t
sw_write_tcp(uint8_t b[SW_FRAME], const struct craft_tcp *t)
{
	size_t len = 20 + t->opts_len + t->payload_len, n;
	uint8_t *p;

	assert_true(len + 40 + SW_ETHER <= SW_FRAME);
	n = sw_write_ip(b, t, PKT_PROTO_TCP, len);
	memset(b + n, 0, len);
	p = sw_be(b + n, t->flow.src.port, 2);
	p = sw_be(p, t->flow.dst.port, 2);
	p = sw_be(p, t->seq, 4);
	p = sw_be(p, t->ack, 4);
	p = sw_be(p, (uint32_t)(20 + t->opts_len) / 4 << 4, 1);
	p = sw_be(p, t->flags, 1);
	p = sw_be(p, t->window, 2);
	p = sw_be(p, 0, 4);
	if (t->opts != NULL && t->opts_len > 0)
		memcpy(p, t->opts, t->opts_len);
	if (t->payload != NULL && t->payload_len > 0)
		memcpy(p + t->opts_len, t->payload, t->payload_len);
	return n + len;
}

/* Queues an IP packet, which the capture sees at at_ns. */
static inline struct sw_frame *
sw_push(struct sw *sw, int64_t at_ns, const uint8_t *ip, size_t len)
{
	bool ours = memcmp(ip + ((ip[0] >> 4) == 4 ? 12 : 8), sw->client.addr.b,
			(ip[0] >> 4) == 4 ? 4 : 16) == 0;
	struct sw_frame *f;
	size_t i;

	assert_true(sw->n_queue < SW_QUEUE && len + SW_ETHER <= SW_FRAME);
	for (i = sw->n_queue++; i > sw->taken; i--) {
		if (sw->queue[i - 1].at_ns <= at_ns)
			break;
		sw->queue[i] = sw->queue[i - 1];
	}
	f = &sw->queue[i];
	f->at_ns = at_ns;
	f->len = len + SW_ETHER;
	f->opens = -1;
	f->says = false;
	memcpy(f->bytes, ours ? sw_router_mac : sw_client_mac, 6);
	memcpy(f->bytes + 6, ours ? sw_client_mac : sw_router_mac, 6);
	sw_be(f->bytes + 12, (ip[0] >> 4) == 4 ? 0x0800 : 0x86dd, 2);
	memcpy(f->bytes + SW_ETHER, ip, len);
	return f;
}

static inline struct sw_frame *
sw_push_tcp(struct sw *sw, int64_t at_ns, const struct craft_tcp *t)
{
	uint8_t b[SW_FRAME];
	size_t n = sw_write_tcp(b, t);

	return sw_push(sw, at_ns, b, n);
}

/* Queues an ICMP message to the client, with a body of n bytes. */
static inline void
sw_push_icmp(struct sw *sw, int64_t at_ns, const char *from, uint8_t ttl,
    uint8_t type, uint32_t word, const uint8_t *body, size_t n)
{
	struct craft_tcp t = {.ttl = ttl};
	bool v4 = sw->client.addr.version == 4;
	uint8_t b[SW_FRAME];
	size_t len;

	assert_true(n + 48 + SW_ETHER <= SW_FRAME);
	t.flow.src.addr = sw_addr(from);
	t.flow.dst = sw->client;
	len = sw_write_ip(b, &t, v4 ? PKT_PROTO_ICMP : PKT_PROTO_ICMPV6, 8 + n);
	sw_be(b + len, (uint32_t)type << 24, 4);
	sw_be(b + len + 4, word, 4);
	if (n > 0)
		memcpy(b + len + 8, body, n);
	sw_push(sw, at_ns, b, len + 8 + n);
}

/* Queues a time-exceeded that quotes the first n bytes of a packet. */
static inline void
sw_push_te(struct sw *sw, int64_t at_ns, const char *from, uint8_t ttl,
    const uint8_t *quote, size_t n)
{
	sw_push_icmp(sw, at_ns, from, ttl,
	    sw->client.addr.version == 4 ? 11 : 3, 0, quote, n);
}

/* An ordinary segment from the server on a connection, not queued. */
static inline struct craft_tcp
sw_from_server(const struct sw *sw, int conn)
{
	const struct sw_conn *c = &sw->conns[conn];

	return (struct craft_tcp){
	    .flow = {sw->server, c->local},
	    .ttl = sw->server_ttl,
	    .id = 23403,
	    .df = true,
	    .seq = c->rcv_nxt,
	    .ack = c->snd_nxt,
	    .flags = PKT_TH_ACK,
	    .window = 500,
	};
}

/* Likewise from the client's kernel. */
static inline struct craft_tcp
sw_from_client(struct sw *sw, int conn)
{
	const struct sw_conn *c = &sw->conns[conn];

	return (struct craft_tcp){
	    .flow = {c->local, sw->server},
	    .ttl = c->ttl,
	    .id = sw->kernel_id++,
	    .df = true,
	    .seq = c->snd_nxt,
	    .ack = c->rcv_nxt,
	    .flags = PKT_TH_ACK,
	    .window = 502,
	};
}

/* A reset to the client as a simple forger makes it, not queued. */
static inline struct craft_tcp
sw_reset(const struct sw *sw, int conn, uint8_t ttl, uint32_t seq)
{
	struct craft_tcp t = sw_from_server(sw, conn);

	t.ttl = ttl;
	t.id = 0;
	t.seq = seq;
	t.ack = 0;
	t.flags = PKT_TH_RST;
	t.window = 0;
	return t;
}

/* --- the world's functions --- */

static inline int64_t
sw_now(void *ctx)
{
	return ((struct sw *)ctx)->now_ns;
}

/* Queues SYN, SYN-ACK, ACK with their options; timestamps where agreed. */
static inline void
sw_shake_hands(struct sw *sw, int id)
{
	static const uint8_t opts[20] = {
	    2, 4, 5, 180, 4, 2, 1, 1, 1, 1, 8, 10, 0, 0, 0, 77, 0, 0, 0, 88};
	struct sw_conn *c = &sw->conns[id];
	struct craft_tcp t = sw_from_client(sw, id);
	size_t n = sw->timestamps ? 20 : 8;

	t.flags = PKT_TH_SYN;
	t.seq = sw->iss;
	t.ack = 0;
	t.opts = opts;
	t.opts_len = n;
	sw_push_tcp(sw, sw->now_ns, &t);
	if (sw->deaf)
		return;
	c->snd_nxt = sw->iss + 1;
	c->rcv_nxt = sw->irs + 1;
	t = sw_from_server(sw, id);
	t.flags = PKT_TH_SYN | PKT_TH_ACK;
	t.seq = sw->irs;
	t.opts = opts;
	t.opts_len = n;
	sw_push_tcp(sw, sw->now_ns + sw->rtt_ns, &t);
	t = sw_from_client(sw, id);
	t.opts = opts + 8;
	t.opts_len = n - 8;
	sw_push_tcp(sw, sw->now_ns + sw->rtt_ns, &t)->opens = id;
}

static inline int
sw_open(void *ctx, uint16_t src_port, int *id, struct endpoint *local,
    struct fault *f)
{
	struct sw *sw = ctx;
	struct sw_conn *c = &sw->conns[sw->n_conns];

	(void)f;
	assert_true(sw->n_conns < SW_CONNS);
	*id = sw->n_conns++;
	c->state = CONN_CONNECTING;
	c->ttl = 64;
	c->local = sw->client;
	c->local.port = src_port != 0 ? src_port : sw->client.port++;
	*local = c->local;
	sw_shake_hands(sw, *id);
	return 0;
}

static inline enum conn_state
sw_state(void *ctx, int id)
{
	return ((struct sw *)ctx)->conns[id].state;
}

static inline struct sw_sent *
sw_record(struct sw *sw, enum sw_kind kind)
{
	struct sw_sent *s = &sw->sent[sw->n_sent++];

	assert_true(sw->n_sent <= SW_SENT);
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->at_ns = sw->now_ns;
	return s;
}

/* The capture sees what was injected at once; then on_sent is called. */
static inline void
sw_record_tcp(struct sw *sw, enum sw_kind kind, const struct craft_tcp *t)
{
	struct sw_sent *s = sw_record(sw, kind);

	s->tcp = *t;
	s->len = sw_write_tcp(s->packet, t);
	s->tcp.opts = s->tcp.payload = NULL;
	sw_push(sw, sw->now_ns, s->packet, s->len);
	if (sw->on_sent != NULL)
		sw->on_sent(sw, s);
}

static inline int
sw_send(void *ctx, int id, const uint8_t *p, size_t n, struct fault *f)
{
	struct sw *sw = ctx;
	struct craft_tcp t = sw_from_client(sw, id);

	(void)f;
	t.flags = PKT_TH_PSH | PKT_TH_ACK;
	t.payload = p;
	t.payload_len = n;
	sw->conns[id].snd_nxt += (uint32_t)n;
	sw_record_tcp(sw, SW_DATA, &t);
	if (sw->acks) {
		t = sw_from_server(sw, id);
		sw_push_tcp(sw, sw->now_ns + sw->rtt_ns, &t);
	}
	return 0;
}

static inline int
sw_set_ttl(void *ctx, int id, int ttl, struct fault *f)
{
	struct sw_conn *c = &((struct sw *)ctx)->conns[id];

	(void)f;
	assert_true(ttl >= 1 && ttl <= 255);
	c->ttl = (uint8_t)ttl;
	c->set++;
	return 0;
}

static inline void
sw_close(void *ctx, int id, bool abort)
{
	struct sw_conn *c = &((struct sw *)ctx)->conns[id];

	c->state = CONN_CLOSED;
	c->closed = true;
	c->aborted = abort;
}

static inline int
sw_adopt(void *ctx, int *id, struct fault *f)
{
	struct sw *sw = ctx;
	struct sw_conn *c = &sw->conns[sw->n_conns];

	(void)f;
	assert_true(sw->n_conns < SW_CONNS);
	*id = sw->n_conns++;
	c->state = CONN_OPEN;
	c->ttl = 64;
	c->local = sw->client;
	return 0;
}

static inline int
sw_keep(void *ctx, int id, struct fault *f)
{
	(void)f;
	((struct sw *)ctx)->conns[id].kept = true;
	return 0;
}

static inline size_t
sw_recv(void *ctx, int id, uint8_t *buf, size_t size)
{
	struct sw_conn *c = &((struct sw *)ctx)->conns[id];
	size_t n = c->n_heard < size ? c->n_heard : size;

	assert_true(c->kept);
	memcpy(buf, c->heard, n);
	memmove(c->heard, c->heard + n, c->n_heard - n);
	c->n_heard -= n;
	return n;
}

static inline void
sw_also(void *ctx, int fd)
{
	((struct sw *)ctx)->also = fd;
}

/* Queues n bytes from the server in one segment, seen at at_ns. */
static inline void
sw_says(struct sw *sw, int conn, int64_t at_ns, const void *p, size_t n)
{
	struct craft_tcp t = sw_from_server(sw, conn);
	struct sw_frame *f;

	t.flags = PKT_TH_PSH | PKT_TH_ACK;
	t.payload = p;
	t.payload_len = n;
	f = sw_push_tcp(sw, at_ns, &t);
	f->says = true;
	f->conn = conn;
	sw->conns[conn].rcv_nxt += (uint32_t)n;
}

/* Hands the frame's data to the socket, once the capture has seen it. */
static inline void
sw_hear(struct sw *sw, const struct sw_frame *f, const struct pkt *p)
{
	struct sw_conn *c = &sw->conns[f->conn];

	if (!f->says || !c->kept)
		return;
	assert_true(c->n_heard + p->payload_len <= SW_HEARD);
	memcpy(c->heard + c->n_heard, p->payload, p->payload_len);
	c->n_heard += p->payload_len;
	sw->news = true;
}

static inline int
sw_reserve(void *ctx, struct endpoint *local, struct fault *f)
{
	struct sw *sw = ctx;

	(void)f;
	*local = sw->client;
	local->port = 61000;
	return 0;
}

static inline int
sw_tcp(void *ctx, const struct craft_tcp *t, struct fault *f)
{
	(void)f;
	sw_record_tcp(ctx, SW_TCP, t);
	return 0;
}

static inline int
sw_echo(void *ctx, const struct craft_echo *e, struct fault *f)
{
	struct sw *sw = ctx;
	struct sw_sent *s = sw_record(sw, SW_ECHO);

	(void)f;
	s->echo = *e;
	if (sw->on_sent != NULL)
		sw->on_sent(sw, s);
	return 0;
}

static inline int
sw_next(void *ctx, int64_t until_ns, struct world_packet *out, struct fault *f)
{
	struct sw *sw = ctx;
	const struct sw_frame *q = &sw->queue[sw->taken];

	(void)f;
	if (sw->news) {
		sw->news = false;
		return 0;
	}
	if (sw->taken == sw->n_queue || q->at_ns > until_ns) {
		sw->now_ns = until_ns > sw->now_ns ? until_ns : sw->now_ns;
		return 0;
	}
	sw->taken++;
	sw->last = *q;
	if (q->at_ns > sw->now_ns)
		sw->now_ns = q->at_ns;
	if (q->opens >= 0)
		sw->conns[q->opens].state = CONN_OPEN;
	memset(out, 0, sizeof(*out));
	out->at_ns = sw->last.at_ns;
	out->unix_ns = sw->last.at_ns;
	out->link = PKT_LINK_ETHERNET;
	out->data = sw->last.bytes;
	out->len = out->wire_len = (uint32_t)sw->last.len;
	pkt_decode(out->link, out->data, out->len, out->wire_len, &out->pkt);
	sw_hear(sw, &sw->last, &out->pkt);
	return 1;
}

/* The server is six routers away: it answers with TTL 58, N is 7. */
static inline struct sw *
sw_new(int version)
{
	struct sw *sw = calloc(1, sizeof(*sw));

	assert_non_null(sw);
	sw->w = (struct world){
	    .ctx = sw,
	    .now = sw_now,
	    .open = sw_open,
	    .adopt = sw_adopt,
	    .keep = sw_keep,
	    .recv = sw_recv,
	    .also = sw_also,
	    .state = sw_state,
	    .send = sw_send,
	    .set_ttl = sw_set_ttl,
	    .close = sw_close,
	    .reserve = sw_reserve,
	    .tcp = sw_tcp,
	    .echo = sw_echo,
	    .next = sw_next,
	};
	sw->now_ns = 100 * CLOCK_S;
	sw->client.addr = sw_addr(version == 4 ? "10.9.0.1" : "2001:db8::1");
	sw->client.port = 40001;
	sw->server.addr = sw_addr(version == 4 ? "10.9.6.2" : "2001:db8:6::2");
	sw->server.port = 3306;
	sw->acks = true;
	sw->rtt_ns = 20 * CLOCK_MS;
	sw->server_ttl = 58;
	sw->iss = 0x10000000;
	sw->irs = 0x20000000;
	sw->kernel_id = 13050;
	sw->also = -1;
	return sw;
}

#endif
