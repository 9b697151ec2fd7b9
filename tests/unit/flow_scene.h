/*
 * A connection as a capture shows it, packet by packet, for the tests of flow
 * and rst: who sends with which header, and what was judged of it.
 *
 * Sequence numbers are relative: 0 is the SYN of either side.
 */
#ifndef RSTHOP_UNIT_FLOW_SCENE_H
#define RSTHOP_UNIT_FLOW_SCENE_H

#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/flow.h>
#include <rsthop/rst.h>

#define SCENE_KEPT 64

#define SYN    PKT_TH_SYN
#define ACK    PKT_TH_ACK
#define FIN    PKT_TH_FIN
#define RST    PKT_TH_RST
#define SYNACK (SYN | ACK)
#define PSHACK (PKT_TH_PSH | ACK)
#define FINACK (FIN | ACK)
#define RSTACK (RST | ACK)

/* How one party makes its packets; id and step are for IPv4. */
struct scene_hand {
	struct endpoint self;
	uint8_t ttl, tos;
	uint16_t id, step; /* the next one's; by how much it rises */
	uint32_t label;	   /* IPv6 */
	bool df;
	uint16_t window;
	uint32_t isn;
	uint8_t mac[ADDR_MAC];
	const uint8_t *payload; /* of the next packet with data */
};

struct scene {
	struct flow_table *t;
	struct rst_crowd *crowd;
	struct rst_elsewhere elsewhere;
	int64_t now_ns;
	uint64_t frame;
	struct scene_hand c, s; /* client and server */
	struct pkt last;	/* as it was shown */
	size_t n;		/* resets handed over */
	struct flow_reset facts[SCENE_KEPT];
	struct rst_verdict verdicts[SCENE_KEPT]; /* owned */
	uint8_t payload[SCENE_KEPT][64];
	struct flow_expired expired[SCENE_KEPT]; /* the first of each */
	struct flow_expired expired_next[SCENE_KEPT];
	size_t n_probes, n_data;
	struct flow_probe probes[SCENE_KEPT];
};

static inline struct addr
scene_addr(const char *s)
{
	struct addr a = {0};

	addr_parse(s, &a);
	return a;
}

static inline int
scene_on_reset(void *ctx, const struct flow_reset *r, struct fault *f)
{
	struct scene *sc = ctx;
	size_t i = sc->n;

	if (i == SCENE_KEPT)
		return fault(f, FAULT_SYSTEM, "more resets than kept");
	sc->n++;
	sc->facts[i] = *r;
	if (r->payload_len > 0)
		memcpy(sc->payload[i], r->payload,
		    r->payload_len < 64 ? r->payload_len : 64);
	if (r->n_expired > 0)
		sc->expired[i] = r->expired[0];
	if (r->n_expired > 1)
		sc->expired_next[i] = r->expired[1];
	rst_crowd_see(sc->crowd, r);
	return rst_judge(r, sc->crowd, &sc->elsewhere, &sc->verdicts[i], f);
}

static inline int
scene_on_probe(void *ctx, const struct flow_probe *p, struct fault *f)
{
	struct scene *sc = ctx;

	(void)f;
	if (sc->n_probes < SCENE_KEPT)
		sc->probes[sc->n_probes++] = *p;
	return 0;
}

static inline void
scene_on_data(void *ctx, const struct flow_data *d)
{
	struct scene *sc = ctx;

	(void)d;
	sc->n_data++;
}

/*
 * The founding case, seen at the client: its own packets leave with 64, the
 * server's arrive with 47 after 40 ms.
 */
static inline void
scene_begin(struct scene *sc, const struct flow_config *cfg)
{
	static const uint8_t gateway[] = {0x58, 0x69, 0x6c, 0, 0, 1};
	static const uint8_t own[] = {2, 0, 0, 0, 0, 5};
	struct flow_sink sink = {.ctx = sc,
	    .reset = scene_on_reset,
	    .probe = scene_on_probe,
	    .data = scene_on_data};

	memset(sc, 0, sizeof(*sc));
	sc->now_ns = 1700000000 * CLOCK_S;
	sc->c = (struct scene_hand){.self = {scene_addr("10.0.0.5"), 51514},
	    .ttl = 64,
	    .id = 13050,
	    .step = 1,
	    .df = true,
	    .window = 502,
	    .isn = 1000};
	sc->s = (struct scene_hand){.self = {scene_addr("1.2.3.4"), 3306},
	    .ttl = 47,
	    .id = 23400,
	    .step = 1,
	    .df = true,
	    .window = 227,
	    .isn = 900000};
	memcpy(sc->c.mac, own, ADDR_MAC);
	memcpy(sc->s.mac, gateway, ADDR_MAC);
	if (flow_table_new(cfg, &sink, &sc->t, NULL) != 0 ||
	    rst_crowd_new(7, &sc->crowd, NULL) != 0)
		abort();
}

static inline void
scene_end(struct scene *sc)
{
	for (size_t i = 0; i < sc->n; i++)
		rst_verdict_free(&sc->verdicts[i]);
	flow_table_free(sc->t);
	rst_crowd_free(sc->crowd);
}

/* What comes in the name of `from`, made by `hand`. */
static inline struct pkt
scene_make(const struct scene *sc, const struct scene_hand *from,
    const struct scene_hand *hand, uint8_t flags, uint32_t seq, uint32_t ack)
{
	const struct scene_hand *to = from == &sc->c ? &sc->s : &sc->c;
	bool v4 = from->self.addr.version == 4;
	struct pkt p = {.has = PKT_HAS_MAC | PKT_HAS_IP | PKT_HAS_TCP,
	    .ip = {.src = from->self.addr,
		.dst = to->self.addr,
		.version = from->self.addr.version,
		.ttl = hand->ttl,
		.tos = hand->tos,
		.df = hand->df && v4,
		.has_id = v4,
		.id = v4 ? hand->id : 0,
		.flow_label = v4 ? 0 : hand->label,
		.proto = PKT_PROTO_TCP},
	    .tcp = {.sport = from->self.port,
		.dport = to->self.port,
		.seq = from->isn + seq,
		.ack = (flags & ACK) != 0 ? to->isn + ack : 0,
		.flags = flags,
		.window = hand->window,
		.header_len = 20}};

	memcpy(p.mac_src, hand->mac, ADDR_MAC);
	memcpy(p.mac_dst, to->mac, ADDR_MAC);
	return p;
}

/* Shows it `after_us` microseconds after the last. */
static inline int
scene_show(struct scene *sc, const struct pkt *p, int64_t after_us)
{
	struct flow_seen s = {.pkt = &sc->last};

	sc->last = *p;
	sc->now_ns += after_us * CLOCK_US;
	s.unix_ns = sc->now_ns;
	s.frame = ++sc->frame;
	return flow_table_see(sc->t, &s, NULL);
}

static inline void
scene_say(struct scene *sc, struct scene_hand *h, uint8_t flags, uint32_t seq,
    uint32_t ack, uint32_t len, int64_t after_us)
{
	struct pkt p = scene_make(sc, h, h, flags, seq, ack);

	p.payload_wire = len;
	p.payload = len > 0 ? h->payload : NULL;
	p.payload_len = p.payload != NULL ? len : 0;
	h->payload = NULL;
	h->id += h->step;
	if (scene_show(sc, &p, after_us) != 0)
		abort();
}

/* SYN, SYN-ACK after 40 ms, ACK. */
static inline void
scene_handshake(struct scene *sc)
{
	scene_say(sc, &sc->c, SYN, 0, 0, 0, 0);
	scene_say(sc, &sc->s, SYNACK, 0, 1, 0, 40000);
	scene_say(sc, &sc->c, ACK, 1, 1, 0, 100);
}

/* Handshake, a greeting of the server, and the trigger `use db`. */
static inline void
scene_until_trigger(struct scene *sc)
{
	static const uint8_t trigger[] = "\3\0\0\0\2db\n";

	scene_handshake(sc);
	scene_say(sc, &sc->s, PSHACK, 1, 1, 80, 40000);
	scene_say(sc, &sc->c, ACK, 1, 81, 0, 50);
	scene_say(sc, &sc->c, PSHACK, 1, 81, 60, 1000);
	scene_say(sc, &sc->s, PSHACK, 81, 61, 11, 40100);
	sc->c.payload = trigger;
	scene_say(sc, &sc->c, PSHACK, 61, 92, 8, 1000);
}

/* A reset in the name of `from`, made by `hand`. */
static inline void
scene_reset(struct scene *sc, const struct scene_hand *from,
    const struct scene_hand *hand, uint8_t flags, uint32_t seq, uint32_t ack,
    int64_t after_us)
{
	struct pkt p = scene_make(sc, from, hand, flags, seq, ack);

	if (scene_show(sc, &p, after_us) != 0)
		abort();
}

/* The end of the capture; the verdict on the i-th reset. */
static inline const struct rst_verdict *
scene_judge(struct scene *sc, size_t i)
{
	if (flow_table_end(sc->t, NULL) != 0 || i >= sc->n)
		abort();
	return &sc->verdicts[i];
}

/* The weight of a reason; 0 where it was not given. */
static inline double
scene_weight(const struct rst_verdict *v, const char *code)
{
	for (size_t i = 0; i < v->n_reasons; i++)
		if (strcmp(v->reasons[i].code, code) == 0)
			return v->reasons[i].weight;
	return 0;
}

#endif
