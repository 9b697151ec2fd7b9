/*
 * The connections of a capture in which a client probed for a device: what
 * was sent with which TTL, and the resets that came.  Bounded.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/hash.h>
#include <rsthop/vec.h>

#include "paths.h"
#include "probed.h"
#include "probes.h"

#define PROBES_CONNS 4096
#define PROBES_SHOTS 256 /* of one connection */

struct probes {
	uint64_t seed;
	const struct passed *passed;
	struct paths *paths;
	size_t n, cap;
	struct probes_conn *conns; /* owned; in the order of their shots */
	struct hash_index by_ends; /* of those that are not closed */
	/* A bit for each port of their clients: most packets have none. */
	uint8_t ports[(UINT16_MAX + 1) / 8];
	size_t n_fulls;
	struct probes_full fulls[PROBES_FULLS];
};

int
probes_new(uint64_t seed, const struct passed *passed, struct probes **out,
    struct fault *f)
{
	struct probes *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	p->seed = seed;
	p->passed = passed;
	if (paths_new(&p->paths, f) != 0) {
		probes_free(p);
		return -1;
	}
	*out = p;
	return 0;
}

void
probes_free(struct probes *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->conns[i].shots);
	free(p->conns);
	hash_index_free(&p->by_ends);
	paths_free(p->paths);
	free(p);
}

/* --- connections --- */

static uint64_t
probes_hash(
    const struct probes *p, const struct endpoint *c, const struct endpoint *s)
{
	return endpoint_hash(endpoint_hash(p->seed, c), s);
}

static struct probes_conn *
probes_find(
    const struct probes *p, const struct endpoint *c, const struct endpoint *s)
{
	uint64_t h = probes_hash(p, c, s);
	uint32_t at = 0, i;

	while ((i = hash_index_next(&p->by_ends, h, &at)) != HASH_NONE)
		if (endpoint_equal(&p->conns[i].client, c) &&
		    endpoint_equal(&p->conns[i].server, s))
			return &p->conns[i];
	return NULL;
}

/* Its ports begin another one: it stays, but is not found any more. */
static void
probes_close_conn(struct probes *p, const struct probes_conn *c)
{
	hash_index_remove(&p->by_ends, probes_hash(p, &c->client, &c->server),
	    (uint32_t)(c - p->conns));
}

/* NULL where there is no room (*f is left alone) or no memory. */
static struct probes_conn *
probes_add(struct probes *p, const struct flow_probe *q, struct fault *f)
{
	uint64_t h = probes_hash(p, &q->client, &q->server);
	struct probes_conn *c;

	if (VEC_ROOM(p->conns, p->n, p->cap) != 0 ||
	    hash_index_add(&p->by_ends, h, (uint32_t)p->n) != 0) {
		fault(f, FAULT_SYSTEM, "out of memory");
		return NULL;
	}
	c = &p->conns[p->n++];
	*c = (struct probes_conn){.client = q->client,
	    .server = q->server,
	    .client_ttl = q->client_ttl,
	    .server_ttl = q->server_ttl,
	    .spoilt = q->after_reset};
	p->ports[q->client.port / 8] |= (uint8_t)(1U << q->client.port % 8);
	return c;
}

static int
probes_add_shot(
    struct probes_conn *c, const struct probes_shot *s, struct fault *f)
{
	if (c->n_shots == PROBES_SHOTS)
		return 0;
	if (VEC_ROOM(c->shots, c->n_shots, c->cap_shots) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	c->shots[c->n_shots++] = *s;
	c->went_on = false;
	return 0;
}

static uint64_t
probes_kind_of(
    const struct probes *p, const struct endpoint *server, const struct pkt *k)
{
	struct trigger t;

	trigger_parse(k->payload, k->payload_len, k->payload_wire, &t);
	return passed_id(
	    p->passed, server, &t, k->payload, k->payload_len, k->payload_wire);
}

static struct probes_shot
probes_make_shot(const struct probes *p, const struct endpoint *server,
    int64_t ns, const struct pkt *k)
{
	return (struct probes_shot){.unix_ns = ns,
	    .kind = probes_kind_of(p, server, k),
	    .seq = k->tcp.seq,
	    .ack = k->tcp.ack,
	    .len = k->payload_wire,
	    .id = k->ip.id,
	    .window = k->tcp.window,
	    .ttl = k->ip.ttl};
}

int
probes_sent(struct probes *p, const struct flow_probe *q, const struct pkt *pkt,
    struct fault *f)
{
	struct probes_conn *c;
	struct probes_shot s;

	if (q->mark.ttl == 0 || q->mark.ttl > PATHS_LIMITED_TTL ||
	    pkt->payload == NULL)
		return 0;
	c = probes_find(p, &q->client, &q->server);
	if (c == NULL && p->n == PROBES_CONNS)
		return 0;
	if (c == NULL)
		c = probes_add(p, q, f);
	if (c == NULL)
		return -1;
	s = probes_make_shot(p, &q->server, q->mark.unix_ns, pkt);
	s.unacked = q->unacked;
	return probes_add_shot(c, &s, f);
}

/* --- what goes on in them --- */

static int
probes_see_client(struct probes *p, struct probes_conn *c,
    const struct flow_seen *s, struct fault *f)
{
	const struct pkt *k = s->pkt;
	struct probes_shot shot;

	if ((k->tcp.flags & (PKT_TH_SYN | PKT_TH_ACK)) == PKT_TH_SYN) {
		probes_close_conn(p, c);
		return 0;
	}
	if (k->ip.ttl <= PATHS_LIMITED_TTL)
		return 0; /* probes_sent() had it, or it bears no data */
	if (k->payload == NULL) {
		c->went_on = c->went_on ||
		    (k->tcp.flags & (PKT_TH_FIN | PKT_TH_RST)) != 0;
		return 0;
	}
	shot = probes_make_shot(p, &c->server, s->unix_ns, k);
	return probes_add_shot(c, &shot, f);
}

static void
probes_see_reset(struct probes_conn *c, const struct flow_seen *s)
{
	const struct pkt *k = s->pkt;

	if (c->n_backs == PROBES_BACKS)
		return;
	c->backs[c->n_backs++] = (struct probes_back){.unix_ns = s->unix_ns,
	    .frame = s->frame,
	    .file = s->file,
	    .seq = k->tcp.seq,
	    .id = k->ip.id,
	    .window = k->tcp.window,
	    .ttl = k->ip.ttl,
	    .has_id = k->ip.has_id && k->ip.version == 4,
	    .late = c->went_on};
}

/*
 * Which TTL reached the server: that of the data which its duplicate SACK
 * names (RFC 2883), or of the data that it acknowledges for the first time.
 * Boxes that answer in its name rarely have its TTL as well.
 */
static bool
probes_is_answer(const struct probes_shot *s, const struct pkt_tcp *t)
{
	if (t->n_sacks > 0 && t->sacks[0].left == s->seq &&
	    t->sacks[0].right == s->seq + s->len)
		return true;
	return s->unacked && (t->flags & PKT_TH_ACK) != 0 &&
	    !seq_after(s->seq + s->len, t->ack);
}

static void
probes_see_answer(struct probes_conn *c, const struct flow_seen *s)
{
	int ttl = 0;

	if (c->server_ttl == 0 || s->pkt->ip.ttl != c->server_ttl)
		return;
	for (size_t i = 0; i < c->n_shots; i++) {
		const struct probes_shot *q = &c->shots[i];

		/* Of several that it may be for, the farthest. */
		if (probes_is_answer(q, &s->pkt->tcp) && q->ttl > ttl)
			ttl = q->ttl;
	}
	if (ttl > 0 && (c->answered == 0 || ttl < c->answered))
		c->answered = ttl;
}

static bool
probes_has_port(const struct probes *p, uint16_t port)
{
	return (p->ports[port / 8] >> port % 8 & 1) != 0;
}

int
probes_see(struct probes *p, const struct flow_seen *s, struct fault *f)
{
	const struct pkt *k = s->pkt;
	struct flow_key key;
	struct probes_conn *c;

	if (paths_see(p->paths, s, f) != 0)
		return -1;
	if (p->n == 0 || !pkt_flow_key(k, &key))
		return 0;
	if (!probes_has_port(p, k->tcp.sport) &&
	    !probes_has_port(p, k->tcp.dport))
		return 0;
	c = probes_find(p, &key.src, &key.dst);
	if (c != NULL)
		return probes_see_client(p, c, s, f);
	c = probes_find(p, &key.dst, &key.src);
	if (c == NULL)
		return 0;
	if ((k->tcp.flags & PKT_TH_RST) != 0)
		probes_see_reset(c, s);
	else
		probes_see_answer(c, s);
	return 0;
}

/* --- what was judged --- */

static void
probes_add_full(
    struct probes *p, const struct flow_reset *r, const struct probes_conn *c)
{
	struct trigger t;
	struct probes_full *q = &p->fulls[p->n_fulls];

	for (size_t i = 0; c != NULL && i < c->n_backs; i++)
		if (c->backs[i].frame == r->mark.frame &&
		    c->backs[i].file == r->mark.file)
			return;
	for (size_t i = 0; i < p->n_fulls; i++)
		if (p->fulls[i].frame == r->trigger.frame &&
		    p->fulls[i].file == r->trigger.file)
			return;
	if (p->n_fulls == PROBES_FULLS || r->payload_len == 0 ||
	    r->trigger.ttl <= PASSED_PROBE_TTL)
		return;
	trigger_parse(r->payload, r->payload_len, r->trigger.len, &t);
	*q = (struct probes_full){.client = r->client.addr,
	    .server = r->server,
	    .kind = passed_id(p->passed, &r->server, &t, r->payload,
		r->payload_len, r->trigger.len),
	    .frame = r->trigger.frame,
	    .file = r->trigger.file,
	    .ttl = r->trigger.ttl,
	    .rst_ttl = r->mark.ttl};
	p->n_fulls++;
}

uint8_t
probes_expired_ttl(const struct probes *p, const struct flow_reset *r)
{
	const struct paths_route *route;

	if (!r->to_client || paths_count(p->paths) == 0)
		return 0;
	route = paths_find(p->paths, &r->client.addr, &r->server.addr);
	if (route == NULL ||
	    (route->answered != 0 && route->answered <= route->path.n_hops))
		return 0;
	return (uint8_t)route->path.n_hops;
}

void
probes_judge(
    struct probes *p, const struct flow_reset *r, enum rst_ruling ruling)
{
	struct probes_conn *c;

	if (!r->to_client)
		return;
	c = p->n > 0 ? probes_find(p, &r->client, &r->server) : NULL;
	if (ruling != RST_GENUINE) {
		probes_add_full(p, r, c);
		return;
	}
	for (size_t i = 0; c != NULL && i < c->n_backs; i++)
		if (c->backs[i].frame == r->mark.frame &&
		    c->backs[i].file == r->mark.file)
			c->backs[i].genuine = true;
}

int
probes_finish(struct probes *p, struct analysis *out, struct fault *f)
{
	struct probes_found found = {.passed = p->passed,
	    .paths = p->paths,
	    .n_conns = p->n,
	    .conns = p->conns,
	    .n_fulls = p->n_fulls,
	    .fulls = p->fulls};

	return probed_conclude(&found, out, f);
}
