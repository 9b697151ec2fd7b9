/*
 * The lab's forger: sees the packets of a router, in a netfilter queue (in
 * the path) or by a tap (beside it), and answers a trigger with resets that
 * are made as the options say.  One line of JSON a firing tells what it saw
 * and what it sent: the truth that tests compare with.
 *
 * A queue in PREROUTING is the ingress of the hop and sees a TTL before the
 * router has taken its one away; a queue in FORWARD sees it afterwards.
 */
#include <err.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <rsthop/addr.h>
#include <rsthop/clock.h>
#include <rsthop/pkt.h>
#include <rsthop/rng.h>

#include "../rng_unit.h"
#include "forger_mysql.h"
#include "forger_options.h"
#include "nfq.h"

#define CONNS	65536 /* connections remembered */
#define BLOCKS	4096  /* residual blocks remembered */
#define PENDING 4096  /* resets that wait for their time */
#define STEP_1	65    /* where a TTL that steps begins */

struct conn_note {
	struct flow_key key; /* from the client; version 0: free */
	bool rolled, lucky;  /* the dice of a connection */
	bool has_data;	     /* the client has sent some */
	bool has_behind;     /* the server has said what --behind asks */
	uint8_t server_ttl;  /* last seen here, 0: none yet */
	bool has_next[2];    /* of the client, of the server */
	uint32_t next[2];    /* the furthest seq that the other end told of */
	bool has_taken;
	uint32_t taken; /* of the client, as a box that reassembles has it */
};

struct block_note {
	struct flow_key key; /* ports out of its scope are 0 */
	int64_t until_ns;
};

struct reset {
	struct flow_key flow;
	const char *end; /* whom it resets: "client" or "server" */
	int ttl;	 /* 0 where too few were left to send it */
	uint8_t tos, flags;
	bool df;
	uint16_t id, window;
	uint32_t seq, ack;
	int64_t due_ns;
};

struct forger {
	struct options o;
	struct rng rng;
	struct nfq nfq;
	int fd, raw4, raw6;
	FILE *log;
	int step; /* what a stepping TTL or window stands at */
	struct conn_note conns[CONNS];
	struct mysql_conn *mysql; /* one for each of these, or NULL */
	struct block_note blocks[BLOCKS];
	struct reset pending[PENDING]; /* a ring; the delay is constant */
	size_t first, n_pending;
};

static volatile sig_atomic_t ended;

static void
on_signal(int sig)
{
	(void)sig;
	ended = 1;
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

/* --- bytes out --- */

static void
put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* RFC 1071, without the last complement. */
static uint32_t
sum16(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (n % 2 != 0)
		sum += (uint32_t)(p[n - 1] << 8);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* RFC 9293 section 3.1: the pseudo-header, the same sum for v4 and v6. */
static unsigned int
tcp_checksum(const struct reset *r, const uint8_t *tcp, size_t n)
{
	size_t alen = r->flow.src.addr.version == 4 ? 4 : 16;
	uint32_t sum = IPPROTO_TCP + (uint32_t)n;

	sum = sum16(r->flow.src.addr.b, alen, sum);
	sum = sum16(r->flow.dst.addr.b, alen, sum);
	return ~sum16(tcp, n, sum) & 0xffff;
}

static size_t
put_tcp(const struct reset *r, const struct bytes *payload, uint8_t *p)
{
	size_t n = 20 + payload->len;

	memset(p, 0, 20);
	put16(p, r->flow.src.port);
	put16(p + 2, r->flow.dst.port);
	put32(p + 4, r->seq);
	put32(p + 8, r->ack);
	p[12] = 5 << 4;
	p[13] = r->flags;
	put16(p + 14, r->window);
	if (payload->len > 0)
		memcpy(p + 20, payload->p, payload->len);
	put16(p + 16, tcp_checksum(r, p, n));
	return n;
}

static size_t
put_packet(const struct reset *r, const struct bytes *payload, uint8_t *p)
{
	size_t n;

	memset(p, 0, 40);
	if (r->flow.src.addr.version == 4) {
		n = put_tcp(r, payload, p + 20);
		p[0] = 4 << 4 | 5;
		p[1] = r->tos;
		put16(p + 2, (unsigned int)n + 20);
		put16(p + 4, r->id);
		put16(p + 6, r->df ? 0x4000 : 0);
		p[8] = (uint8_t)r->ttl;
		p[9] = IPPROTO_TCP;
		memcpy(p + 12, r->flow.src.addr.b, 4);
		memcpy(p + 16, r->flow.dst.addr.b, 4);
		put16(p + 10, ~sum16(p, 20, 0) & 0xffff);
		return n + 20;
	}
	n = put_tcp(r, payload, p + 40);
	put16(p, 6u << 12 | (unsigned int)r->tos << 4);
	put16(p + 4, (unsigned int)n);
	p[6] = IPPROTO_TCP;
	p[7] = (uint8_t)r->ttl;
	memcpy(p + 8, r->flow.src.addr.b, 16);
	memcpy(p + 24, r->flow.dst.addr.b, 16);
	return n + 40;
}

static void
send_reset(struct forger *f, const struct reset *r)
{
	struct endpoint to = {.addr = r->flow.dst.addr, .port = 0};
	struct sockaddr_storage ss;
	uint8_t buf[FORGER_PACKET];
	socklen_t slen;
	size_t n;

	if (r->ttl == 0)
		return;
	n = put_packet(r, &f->o.payload, buf);
	slen = endpoint_to_sockaddr(&to, &ss);
	if (sendto(to.addr.version == 4 ? f->raw4 : f->raw6, buf, n, 0,
		(struct sockaddr *)&ss, slen) < 0)
		warn("a reset could not be sent");
}

static void
send_later(struct forger *f, const struct reset *r)
{
	if (f->n_pending == PENDING) {
		warnx("more than %d resets wait; one is lost", PENDING);
		return;
	}
	f->pending[(f->first + f->n_pending++) % PENDING] = *r;
}

static void
send_due(struct forger *f)
{
	while (f->n_pending > 0 && f->pending[f->first].due_ns <= now_ns()) {
		send_reset(f, &f->pending[f->first]);
		f->first = (f->first + 1) % PENDING;
		f->n_pending--;
	}
}

/* --- what is remembered --- */

/* FNV-1a: spreads, is not for secrets. */
static uint64_t
hash(const void *p, size_t n, uint64_t h)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t
hash_flow(const struct flow_key *k)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	h = hash(k->src.addr.b, sizeof(k->src.addr.b), h);
	h = hash(k->dst.addr.b, sizeof(k->dst.addr.b), h);
	h = hash(&k->src.port, sizeof(k->src.port), h);
	return hash(&k->dst.port, sizeof(k->dst.port), h);
}

static struct conn_note *
conn_of(struct forger *f, const struct flow_key *key)
{
	struct conn_note *c = &f->conns[hash_flow(key) % CONNS];

	if (!flow_key_equal(&c->key, key)) {
		memset(c, 0, sizeof(*c));
		c->key = *key;
		if (f->mysql != NULL)
			f->mysql[c - f->conns].state = MYSQL_BLIND;
	}
	return c;
}

/* A connection's key without what the blocks here do not look at. */
static struct flow_key
block_key(const struct forger *f, const struct flow_key *key)
{
	struct flow_key k = *key;

	if (f->o.residual_scope != WORD_4TUPLE)
		k.src.port = 0;
	if (f->o.residual_scope == WORD_PAIR)
		k.dst.port = 0;
	return k;
}

static bool
is_blocked(const struct forger *f, const struct flow_key *key)
{
	struct flow_key k = block_key(f, key);
	const struct block_note *b = &f->blocks[hash_flow(&k) % BLOCKS];

	return now_ns() < b->until_ns && flow_key_equal(&b->key, &k);
}

/* From now on, for the time that is set. */
static void
block(struct forger *f, const struct flow_key *key)
{
	struct flow_key k = block_key(f, key);
	struct block_note *b = &f->blocks[hash_flow(&k) % BLOCKS];

	b->key = k;
	b->until_ns = now_ns() + (int64_t)(f->o.residual_s * (double)CLOCK_S);
}

/*
 * A box that keeps a connection's state knows what seq comes next from each
 * end: by what that end sent, or, where it sees one way only, by what the
 * other acknowledged.  Old acknowledgements then leave no trace in it.
 */
static void
note_next(struct conn_note *c, bool from_server, uint32_t next)
{
	if (!c->has_next[from_server] ||
	    (int32_t)(next - c->next[from_server]) > 0)
		c->next[from_server] = next;
	c->has_next[from_server] = true;
}

static bool
is_syn(const struct pkt *p)
{
	return (p->tcp.flags & (PKT_TH_SYN | PKT_TH_ACK)) == PKT_TH_SYN;
}

/* seq after p: a SYN and a FIN count for one. */
static uint32_t
seq_next(const struct pkt *p)
{
	return p->tcp.seq + p->payload_wire +
	    ((p->tcp.flags & (PKT_TH_SYN | PKT_TH_FIN)) != 0 ? 1 : 0);
}

static void
note_seqs(struct conn_note *c, const struct pkt *p, bool from_server)
{
	if ((p->tcp.flags & PKT_TH_RST) != 0)
		return;
	if ((p->tcp.flags & PKT_TH_SYN) != 0)
		c->has_next[from_server] = false;
	note_next(c, from_server, seq_next(p));
	if ((p->tcp.flags & PKT_TH_ACK) != 0)
		note_next(c, !from_server, p->tcp.ack);
}

/*
 * True where a segment of the client's begins with what such a box awaits.
 * What is beyond a gap it would hold back; here it is left out, for the
 * sender repeats it.  What the server has acknowledged, it must have missed.
 */
static bool
take_in_order(struct conn_note *c, const struct pkt *p)
{
	uint32_t end = p->tcp.seq + p->payload_wire;

	if (!c->has_taken)
		c->taken = p->tcp.seq;
	c->has_taken = true;
	if (p->tcp.seq != c->taken)
		return false;
	c->taken = end;
	return true;
}

static void
note_taken(struct conn_note *c, const struct pkt *p, bool from_server)
{
	if (is_syn(p)) {
		c->has_taken = true;
		c->taken = seq_next(p);
	} else if (from_server && (p->tcp.flags & PKT_TH_RST) == 0 &&
	    c->has_taken && (int32_t)(p->tcp.ack - c->taken) > 0) {
		c->taken = p->tcp.ack;
	}
}

/* --- what fires --- */

/* All that a connection says has to come by here, whatever fires. */
static bool
is_mysql_command(struct forger *f, const struct pkt *p,
    const struct conn_note *c, bool from_server)
{
	struct mysql_conn *m = &f->mysql[c - f->conns];
	struct mysql_segment s = {.seq = p->tcp.seq,
	    .ack = p->tcp.ack,
	    .p = p->payload,
	    .len = p->payload_len};

	if (is_syn(p) && !from_server)
		mysql_open(m, seq_next(p));
	if (p->payload_len == 0 || (p->tcp.flags & PKT_TH_RST) != 0)
		return false;
	if (!from_server)
		return mysql_see_client(m, &s, f->o.command, &f->o.match);
	mysql_see_server(m, &s);
	return false;
}

static bool
has_match(struct forger *f, const struct pkt *p, const struct conn_note *c,
    bool from_server)
{
	if (f->mysql != NULL)
		return is_mysql_command(f, p, c, from_server);
	return bytes_contain(p->payload, p->payload_len, &f->o.match);
}

/* What a block resets, without dice: the client's data, SYNs if asked to. */
static bool
is_hit(const struct forger *f, const struct pkt *p, const struct conn_note *c,
    bool from_server)
{
	bool syn = is_syn(p);

	if ((p->tcp.flags & PKT_TH_RST) != 0 || from_server)
		return false;
	if (syn ? f->o.residual_syn == 0 : p->payload_len == 0)
		return false;
	return is_blocked(f, &c->key);
}

/* Before the dice; matches: what is in it. */
static bool
is_trigger(const struct forger *f, const struct pkt *p,
    const struct conn_note *c, bool from_server, bool matches)
{
	const struct options *o = &f->o;

	if ((p->tcp.flags & PKT_TH_RST) != 0)
		return false;
	if (is_syn(p))
		return o->on_syn != 0 && !from_server;
	if (p->payload_len == 0)
		return false;
	if (from_server ? o->from == WORD_CLIENT : o->from == WORD_SERVER)
		return false;
	if (o->first_segment != 0 && c->has_data && !from_server)
		return false;
	if (o->plain_header != 0 && p->tcp.header_len > 20)
		return false;
	if (o->behind.len > 0 && !c->has_behind)
		return false;
	return matches;
}

static bool
is_lucky(struct forger *f, struct conn_note *c)
{
	struct rng r;

	if (f->o.dice == WORD_FLOW) {
		rng_seed(&r, hash_flow(&c->key) ^ (uint64_t)f->o.seed);
		return rng_unit(&r) < f->o.probability;
	}
	if (f->o.dice == WORD_CONNECTION) {
		if (!c->rolled)
			c->lucky = rng_unit(&f->rng) < f->o.probability;
		c->rolled = true;
		return c->lucky;
	}
	return rng_unit(&f->rng) < f->o.probability;
}

/* --- what it answers with --- */

static int
choose_ttl(struct forger *f, const struct pkt *p, const struct conn_note *c,
    bool to_client)
{
	int ttl = f->o.ttl;

	if (ttl == WORD_COPY)
		ttl = p->ip.ttl;
	else if (ttl == WORD_RANDOM)
		ttl = 64 + (int)rng_below(&f->rng, 192);
	else if (ttl == WORD_STEP)
		ttl = STEP_1 + f->step % (256 - STEP_1);
	else if (ttl == WORD_IMITATE)
		ttl =
		    to_client && c->server_ttl != 0 ? c->server_ttl : p->ip.ttl;
	return f->o.decrement != 0 && ttl > 0 ? ttl - 1 : ttl;
}

static uint16_t
choose_id(struct forger *f, const struct pkt *p, bool back)
{
	int id = f->o.id;

	if (back && f->o.back_id != WORD_SAME)
		id = f->o.back_id;
	if (id == WORD_COPY)
		return p->ip.id;
	if (id == WORD_RANDOM)
		return (uint16_t)(1 + rng_below(&f->rng, 65535));
	return (uint16_t)id;
}

static uint16_t
choose_window(struct forger *f, const struct pkt *p)
{
	if (f->o.window == WORD_COPY)
		return p->tcp.window;
	if (f->o.window == WORD_STEP)
		return (uint16_t)(1000 + f->step);
	return (uint16_t)f->o.window;
}

/* The sequence numbers that p's sender (back) or its receiver expects. */
static void
choose_numbers(const struct options *o, const struct pkt *p,
    const struct conn_note *c, bool back, int nth, struct reset *r)
{
	uint32_t next = seq_next(p);
	uint32_t step =
	    o->step == WORD_WINDOW ? p->tcp.window : (uint32_t)o->step;
	bool server = p->tcp.sport == c->key.src.port; /* whose seq it bears */

	if (back && o->seq == WORD_STATE && c->has_next[server])
		r->seq = c->next[server];
	else if (back)
		r->seq = o->seq == 0 ? 0 : p->tcp.ack;
	else
		r->seq = o->onward == WORD_NEXT ? next : p->tcp.seq;
	r->seq += (uint32_t)nth * step;
	if ((r->flags & PKT_TH_ACK) != 0)
		r->ack = back ? next : p->tcp.ack;
}

static struct reset
make_reset(struct forger *f, const struct pkt *p, const struct conn_note *c,
    bool to_client, int nth)
{
	const struct options *o = &f->o;
	struct reset r = {.end = to_client ? "client" : "server"};
	bool back;

	r.flow = to_client ? flow_key_reverse(&c->key) : c->key;
	back = p->tcp.sport == r.flow.dst.port;
	r.flags = PKT_TH_RST | (o->flags == WORD_RA ? PKT_TH_ACK : 0);
	r.ttl = choose_ttl(f, p, c, to_client);
	r.id = choose_id(f, p, back);
	r.window = choose_window(f, p);
	r.tos = o->tos == WORD_COPY ? p->ip.tos : (uint8_t)o->tos;
	r.df = o->df == WORD_COPY ? p->ip.df : o->df == 1;
	choose_numbers(o, p, c, back, nth, &r);
	r.due_ns = now_ns() + (int64_t)(o->delay_ms * (double)CLOCK_MS);
	f->step++;
	return r;
}

static void
log_fire(struct forger *f, const struct pkt *p)
{
	char src[ADDR_ENDPOINT], dst[ADDR_ENDPOINT];
	struct endpoint s = {p->ip.src, p->tcp.sport};
	struct endpoint d = {p->ip.dst, p->tcp.dport};

	fprintf(f->log,
	    "{\"time\": %.6f, \"src\": \"%s\", \"dst\": \"%s\", \"ttl\": %d,"
	    " \"id\": %d, \"seq\": %u, \"ack\": %u, \"len\": %u, \"sent\": [",
	    (double)now_ns() / (double)CLOCK_S, endpoint_format(&s, src),
	    endpoint_format(&d, dst), p->ip.ttl, p->ip.id, p->tcp.seq,
	    p->tcp.ack, p->payload_wire);
}

static void
log_reset(struct forger *f, const struct reset *r, bool first)
{
	char flags[PKT_FLAGS_TEXT];

	fprintf(f->log,
	    "%s{\"end\": \"%s\", \"ttl\": %d, \"id\": %d, \"flags\": \"%s\","
	    " \"seq\": %u, \"ack\": %u, \"window\": %d, \"df\": %s}",
	    first ? "" : ", ", r->end, r->ttl, r->id,
	    pkt_format_flags(r->flags, flags), r->seq, r->ack, r->window,
	    r->df ? "true" : "false");
}

static void
fire(struct forger *f, const struct pkt *p, const struct conn_note *c)
{
	bool first = true;
	struct reset r;

	log_fire(f, p);
	for (int client = 1; client >= 0; client--) {
		if (f->o.ends == (client != 0 ? WORD_SERVER : WORD_CLIENT))
			continue;
		for (int i = 0; i < f->o.count; i++) {
			r = make_reset(f, p, c, client != 0, i);
			log_reset(f, &r, first);
			if (f->o.delay_ms > 0)
				send_later(f, &r);
			else
				send_reset(f, &r);
			first = false;
		}
	}
	fputs("]}\n", f->log);
	fflush(f->log);
}

static bool
is_watched(const struct options *o, uint16_t port)
{
	return port != 0 && (port == o->port || port == o->also_port);
}

static void
note_server(struct forger *f, struct conn_note *c, const struct pkt *p)
{
	c->server_ttl = p->ip.ttl;
	if (bytes_contain(p->payload, p->payload_len, &f->o.behind))
		c->has_behind = true;
}

/* True where the packet shall go no further. */
static bool
see(struct forger *f, const struct pkt *p)
{
	struct conn_note *c;
	struct flow_key key;
	bool from_server, draws, matches, again, hit;

	if (!pkt_flow_key(p, &key))
		return false;
	from_server = is_watched(&f->o, p->tcp.sport);
	if (!from_server && !is_watched(&f->o, p->tcp.dport))
		return false;
	if (from_server)
		key = flow_key_reverse(&key);
	c = conn_of(f, &key);
	if (from_server)
		note_server(f, c, p);
	else if (is_syn(p))
		c->rolled = c->has_data = c->has_behind = false;
	note_seqs(c, p, from_server);
	note_taken(c, p, from_server);
	matches = has_match(f, p, c, from_server);
	again = !from_server && p->payload_len > 0 && !take_in_order(c, p);
	if (f->o.once_in_order != 0 && again)
		matches = false;
	hit = is_hit(f, p, c, from_server);
	draws = hit ||
	    (is_trigger(f, p, c, from_server, matches) && is_lucky(f, c));
	if (draws)
		fire(f, p, c);
	/* Within a block, a trigger is a packet like any other. */
	if (draws && f->o.residual_s > 0 &&
	    (!hit || f->o.residual_refresh != 0))
		block(f, &key);
	if (!from_server && p->payload_len > 0)
		c->has_data = true;
	return draws && f->o.drop != 0;
}

static int
on_packet(struct nfq_q_handle *queue, struct nfgenmsg *msg,
    struct nfq_data *data, void *ctx)
{
	struct forger *f = ctx;
	unsigned char *p = NULL;
	struct pkt pkt;
	bool drop = false;
	int n;

	(void)msg;
	n = nfq_get_payload(data, &p);
	if (n > 0) {
		pkt_decode(PKT_LINK_RAW, p, (size_t)n, (size_t)n, &pkt);
		drop = see(f, &pkt);
	}
	return nfq_set_verdict(
	    queue, nfq_id(data), drop ? NF_DROP : NF_ACCEPT, 0, NULL);
}

static bool
tap_read(struct forger *f)
{
	static uint8_t buf[NFQ_FRAME];
	struct pkt pkt;
	ssize_t n;

	n = recv(f->fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	pkt_decode(PKT_LINK_ETHERNET, buf, (size_t)n, (size_t)n, &pkt);
	see(f, &pkt);
	return true;
}

static int
tap_open(const char *iface)
{
	struct sockaddr_ll ll = {
	    .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd;

	ll.sll_ifindex = (int)if_nametoindex(iface);
	if (ll.sll_ifindex == 0)
		err(3, "%s", iface);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (fd < 0 || bind(fd, (struct sockaddr *)&ll, sizeof(ll)) < 0)
		err(3, "%s", iface);
	return fd;
}

static void
open_all(struct forger *f)
{
	const struct options *o = &f->o;

	/* IPPROTO_RAW: the IP header is ours, v6 since Linux 2.6 alike. */
	f->raw4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	f->raw6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (f->raw4 < 0 || f->raw6 < 0)
		err(3, "raw socket");
	f->log = o->log == NULL ? stderr : fopen(o->log, "we");
	if (f->log == NULL)
		err(3, "%s", o->log);
	if (o->tap != NULL) {
		f->fd = tap_open(o->tap);
		return;
	}
	nfq_start(&f->nfq, (uint16_t)o->queue, NFQNL_COPY_PACKET, on_packet, f);
	f->fd = f->nfq.fd;
}

static void
close_all(struct forger *f)
{
	if (f->o.tap != NULL)
		close(f->fd);
	nfq_stop(&f->nfq);
	close(f->raw4);
	close(f->raw6);
	if (f->log != stderr)
		fclose(f->log);
	free(f->mysql);
	forger_options_free(&f->o);
}

/*
 * Milliseconds until the next reset is due, for poll(2); not too long, since a
 * signal between the look at it and the wait is lost.
 */
#define LOOK_MS 200

static int
wait_ms(const struct forger *f)
{
	int64_t left;

	if (f->n_pending == 0)
		return LOOK_MS;
	left = f->pending[f->first].due_ns - now_ns();
	if (left > LOOK_MS * CLOCK_MS)
		return LOOK_MS;
	return left <= 0 ? 0 : (int)((left + CLOCK_MS - 1) / CLOCK_MS);
}

int
main(int argc, char **argv)
{
	static struct forger f;
	struct sigaction sa = {.sa_handler = on_signal};
	struct pollfd p = {.events = POLLIN};

	forger_options_parse(&f.o, argc, argv);
	rng_seed(&f.rng, (uint64_t)f.o.seed);
	if (f.o.protocol == WORD_MYSQL) {
		f.mysql = calloc(CONNS, sizeof(*f.mysql));
		if (f.mysql == NULL)
			err(3, "memory for connections");
	}
	open_all(&f);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	puts("ready");
	fflush(stdout);
	p.fd = f.fd;
	while (ended == 0) {
		send_due(&f);
		p.revents = 0;
		if (poll(&p, 1, wait_ms(&f)) < 0 && errno != EINTR)
			err(3, "poll");
		if (p.revents == 0)
			continue;
		if (f.o.tap != NULL ? !tap_read(&f) : !nfq_read(&f.nfq))
			err(3, "reading packets");
	}
	close_all(&f);
	return 0;
}
