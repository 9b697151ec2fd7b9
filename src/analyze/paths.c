/*
 * Which address answers at which TTL, by time-exceeded of what was sent with a
 * limited one: a traceroute's datagrams, another tool's probes, our own.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/pkt.h>

#include "paths.h"

#define PATHS_SENT     512 /* limited packets that are remembered */
#define PATHS_SYN_MASK (PKT_TH_SYN | PKT_TH_ACK)

/* A limited packet as it left. */
struct sent {
	struct addr src, dst;
	int64_t unix_ns;
	uint32_t seq; /* of TCP; of an echo its identifier and number */
	uint32_t ack;
	uint32_t total_len;
	uint16_t sport, dport, id, window;
	uint8_t proto, ttl;
	bool tcp, echo, syn;
	bool answered; /* counted as such */
};

struct paths {
	size_t at;  /* where the next one goes */
	bool asked; /* there was one that the server itself may answer */
	struct sent sent[PATHS_SENT];
	size_t n;
	struct paths_route *routes[PATHS_ROUTES]; /* owned */
};

int
paths_new(struct paths **out, struct fault *f)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? 0 : fault(f, FAULT_SYSTEM, "out of memory");
}

void
paths_free(struct paths *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->routes[i]);
	free(p);
}

struct paths_route *
paths_find(
    const struct paths *p, const struct addr *client, const struct addr *server)
{
	for (size_t i = 0; i < p->n; i++)
		if (addr_equal(&p->routes[i]->client, client) &&
		    addr_equal(&p->routes[i]->server, server))
			return p->routes[i];
	return NULL;
}

size_t
paths_count(const struct paths *p)
{
	return p->n;
}

struct paths_route *
paths_at(const struct paths *p, size_t i)
{
	return p->routes[i];
}

/* NULL where there is no room, or no memory: then f says so. */
static struct paths_route *
paths_find_or_add(struct paths *p, const struct sent *q, struct fault *f)
{
	struct paths_route *r = paths_find(p, &q->src, &q->dst);

	if (r != NULL || p->n == PATHS_ROUTES)
		return r;
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		fault(f, FAULT_SYSTEM, "out of memory");
		return NULL;
	}
	r->client = q->src;
	r->server = q->dst;
	p->routes[p->n++] = r;
	return r;
}

/* --- what leaves --- */

static uint32_t
paths_echo_number(uint16_t id, uint16_t seq)
{
	return (uint32_t)id << 16 | seq;
}

static void
paths_see_limited(struct paths *p, const struct flow_seen *s)
{
	const struct pkt *k = s->pkt;
	struct sent *q = &p->sent[p->at];

	*q = (struct sent){.src = k->ip.src,
	    .dst = k->ip.dst,
	    .unix_ns = s->unix_ns,
	    .total_len = k->ip.total_len,
	    .id = k->ip.id,
	    .proto = k->ip.proto,
	    .ttl = k->ip.ttl};
	if ((k->has & PKT_HAS_TCP) != 0) {
		q->tcp = true;
		q->syn = (k->tcp.flags & PATHS_SYN_MASK) == PKT_TH_SYN;
		q->seq = k->tcp.seq;
		q->ack = k->tcp.ack;
		q->sport = k->tcp.sport;
		q->dport = k->tcp.dport;
		q->window = k->tcp.window;
	} else if ((k->has & PKT_HAS_ICMP) != 0) {
		if (!k->icmp.is_echo_request)
			return;
		q->echo = true;
		q->seq = paths_echo_number(k->icmp.id, k->icmp.seq);
	}
	p->asked = p->asked || q->syn || q->echo;
	p->at = (p->at + 1) % PATHS_SENT;
}

/* --- what comes back --- */

/* How surely the quote is of this packet; 0: it is not. */
static int
paths_match(const struct sent *q, const struct pkt_quote *k)
{
	int sure = 1;

	if (q->ttl == 0 || q->proto != k->ip.proto ||
	    q->total_len != k->ip.total_len || !addr_equal(&q->dst, &k->ip.dst))
		return 0;
	if (q->tcp) {
		if (!k->has_ports || q->sport != k->sport ||
		    q->dport != k->dport || q->seq != k->seq)
			return 0;
		sure += 1 + (k->has_ack && q->ack == k->ack) +
		    (k->has_flags && q->window == k->window);
	} else if (q->echo) {
		if (!k->has_echo ||
		    q->seq != paths_echo_number(k->echo_id, k->echo_seq))
			return 0;
	} else if (k->ip.version == 4 && q->id != k->ip.id)
		return 0;
	return sure + (k->ip.version == 4 && q->id == k->ip.id);
}

/* The packet that is quoted, where one alone fits best. */
static struct sent *
paths_find_sent(struct paths *p, const struct pkt_quote *k)
{
	struct sent *best = NULL;
	int most = 0;
	bool alone = false;

	for (size_t i = 0; i < PATHS_SENT; i++) {
		int n = paths_match(&p->sent[i], k);

		if (n == 0 || n < most)
			continue;
		alone = n > most || p->sent[i].ttl == best->ttl;
		best = &p->sent[i];
		most = n;
	}
	return alone ? best : NULL;
}

static void
paths_add_reply(
    struct path_hop *h, const struct sent *q, const struct flow_seen *s)
{
	const struct addr *from = &s->pkt->ip.src;
	int64_t rtt = s->unix_ns - q->unix_ns;
	struct path_responder *r = h->responders;
	int i = 0;

	while (i < h->n_responders && !addr_equal(&r[i].addr, from))
		i++;
	if (i == PATH_RESPONDERS)
		return;
	if (i == h->n_responders) {
		h->n_responders++;
		r[i].addr = *from;
		r[i].reply_ttl = s->pkt->ip.ttl;
		r[i].rtt_ns = rtt > 0 ? rtt : 0;
		if (h->ttl == 1 && (s->pkt->has & PKT_HAS_MAC) != 0) {
			r[i].has_mac = true;
			memcpy(r[i].mac, s->pkt->mac_src, ADDR_MAC);
		}
	}
	if (rtt > 0 && rtt < r[i].rtt_ns)
		r[i].rtt_ns = rtt;
	r[i].replies++;
	r[i].via |= q->tcp ? (q->syn ? PATH_VIA_SYN : PATH_VIA_TCP)
			   : (q->echo ? PATH_VIA_ICMP : 0);
}

static int
paths_see_expired(struct paths *p, const struct flow_seen *s, struct fault *f)
{
	struct sent *q = paths_find_sent(p, &s->pkt->quote);
	struct paths_route *r;

	if (q == NULL || q->ttl > PATH_MAX_HOPS)
		return 0;
	r = paths_find_or_add(p, q, f);
	if (r == NULL)
		return p->n == PATHS_ROUTES ? 0 : -1;
	for (; r->path.n_hops < q->ttl; r->path.n_hops++)
		r->path.hops[r->path.n_hops].ttl =
		    (uint8_t)(r->path.n_hops + 1);
	r->path.hops[q->ttl - 1].answered += !q->answered;
	q->answered = true;
	paths_add_reply(&r->path.hops[q->ttl - 1], q, s);
	return 0;
}

/* An echo reply, or the SYN-ACK to a limited SYN: the server is that near. */
static int
paths_see_answer(struct paths *p, const struct flow_seen *s, struct fault *f)
{
	const struct pkt *k = s->pkt;
	bool echo = (k->has & PKT_HAS_ICMP) != 0 && k->icmp.is_echo_reply;
	uint32_t seq =
	    echo ? paths_echo_number(k->icmp.id, k->icmp.seq) : k->tcp.ack - 1;
	struct paths_route *r;

	for (size_t i = 0; p->asked && i < PATHS_SENT; i++) {
		const struct sent *q = &p->sent[i];

		if (q->ttl == 0 || q->seq != seq ||
		    !(echo ? q->echo : q->syn) ||
		    !addr_equal(&q->dst, &k->ip.src) ||
		    !addr_equal(&q->src, &k->ip.dst) ||
		    (!echo && q->sport != k->tcp.dport))
			continue;
		r = paths_find_or_add(p, q, f);
		if (r == NULL)
			return p->n == PATHS_ROUTES ? 0 : -1;
		if (r->answered == 0 || q->ttl < r->answered)
			r->answered = q->ttl;
	}
	return 0;
}

int
paths_see(struct paths *p, const struct flow_seen *s, struct fault *f)
{
	const struct pkt *k = s->pkt;

	if ((k->has & PKT_HAS_ICMP) != 0 && k->icmp.is_time_exceeded)
		return (k->has & PKT_HAS_QUOTE) != 0
		    ? paths_see_expired(p, s, f)
		    : 0;
	if (((k->has & PKT_HAS_ICMP) != 0 && k->icmp.is_echo_reply) ||
	    ((k->has & PKT_HAS_TCP) != 0 &&
		(k->tcp.flags & PATHS_SYN_MASK) == PATHS_SYN_MASK))
		return paths_see_answer(p, s, f);
	if ((k->has & PKT_HAS_IP) != 0 && k->ip.ttl > 0 &&
	    k->ip.ttl <= PATHS_LIMITED_TTL)
		paths_see_limited(p, s);
	return 0;
}
