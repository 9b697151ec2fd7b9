/*
 * Connections drawn at random, with resets in them by all sorts of makers: by
 * the seed, always the same.
 */
#ifndef RSTHOP_UNIT_DRAWN_SCENE_H
#define RSTHOP_UNIT_DRAWN_SCENE_H

#include <rsthop/rng.h>

#include "flow_scene.h"

/* One scene as it is drawn; numbers are relative to either side's ISN. */
struct drawn {
	struct scene sc;
	struct rng rng;
	uint32_t c_next, s_next; /* seq of the next byte of either side */
	bool v6;
};

static inline bool
drawn_chance(struct drawn *d, unsigned int percent)
{
	return rng_below(&d->rng, 100) < percent;
}

static inline uint32_t
drawn_pick(struct drawn *d, const uint32_t *from, size_t n)
{
	return from[rng_below(&d->rng, (uint32_t)n)];
}
#define DRAWN_PICK(d, ...)                             \
	drawn_pick(d, (const uint32_t[]){__VA_ARGS__}, \
	    sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static inline void
drawn_hand(struct drawn *d, struct scene_hand *h)
{
	h->step = (uint16_t)DRAWN_PICK(d, 1, 1, 1, 0, 3, 256, 21001);
	h->id = h->step == 0 ? (uint16_t)DRAWN_PICK(d, 0, 4711) : h->id;
	h->df = drawn_chance(d, 80);
	h->tos = (uint8_t)DRAWN_PICK(d, 0, 0, 0, 0x10, 0x48);
	h->window = (uint16_t)DRAWN_PICK(d, 227, 502, 65535, 1024, 8192);
	h->label = DRAWN_PICK(d, 0, 77, 0xbeef);
}

static inline void
drawn_ends(struct drawn *d, unsigned int n)
{
	struct scene *sc = &d->sc;

	d->v6 = drawn_chance(d, 15);
	if (d->v6) {
		sc->c.self.addr = scene_addr("2001:db8::5");
		sc->s.self.addr = scene_addr("2001:db8:6::2");
	}
	sc->c.self.port = (uint16_t)(50000 + n);
	sc->s.self.port = (uint16_t)DRAWN_PICK(d, 3306, 443, 80, 8080, 55000);
	sc->c.ttl = (uint8_t)DRAWN_PICK(d, 64, 64, 128, 60, 113);
	sc->s.ttl = (uint8_t)DRAWN_PICK(d, 47, 58, 64, 63, 116, 243);
	drawn_hand(d, &sc->c);
	drawn_hand(d, &sc->s);
	sc->c.isn = rng_below(&d->rng, 3) == 0 ? 0xffffff00U : 1000 + n;
	sc->s.isn = 900000 + 7919 * n;
	d->c_next = d->s_next = 1;
}

static inline int64_t
drawn_us(struct drawn *d)
{
	return DRAWN_PICK(d, 50, 300, 900, 20000, 40000, 40100, 700000);
}

static inline void
drawn_say(struct drawn *d, bool client, uint8_t flags, uint32_t len)
{
	struct scene *sc = &d->sc;
	struct scene_hand *h = client ? &sc->c : &sc->s;
	uint32_t *next = client ? &d->c_next : &d->s_next;
	static const uint8_t words[] = "\3\0\0\0\2dbGET / HTTP/1.1\r\n\r\n";

	h->payload = len > 0 && len < sizeof(words) ? words : NULL;
	scene_say(sc, h, flags, *next, client ? d->s_next : d->c_next, len,
	    drawn_us(d));
	*next += len + ((flags & FIN) != 0);
}

/* The same again, as a link or a sender repeats it. */
static inline void
drawn_repeat(struct drawn *d)
{
	struct pkt p = d->sc.last;

	if ((p.has & PKT_HAS_TCP) == 0)
		return;
	if (drawn_chance(d, 50))
		p.ip.id = (uint16_t)(p.ip.id + 1);
	if (drawn_chance(d, 30))
		p.ip.ttl--;
	scene_show(&d->sc, &p, drawn_us(d));
}

/* A packet in the name of one side by another hand. */
static inline void
drawn_inject(struct drawn *d, bool client)
{
	struct scene *sc = &d->sc;
	struct scene_hand h = client ? sc->c : sc->s;

	h.ttl = (uint8_t)DRAWN_PICK(d, 3, 12, 60, 250);
	h.df = !h.df;
	h.id = 999;
	struct pkt p = scene_make(sc, client ? &sc->c : &sc->s, &h, PSHACK,
	    client ? d->c_next : d->s_next, client ? d->s_next : d->c_next);
	p.payload_wire = DRAWN_PICK(d, 0, 1, 30);
	scene_show(sc, &p, drawn_us(d));
}

/* A router's time-exceeded for the last packet of TCP. */
static inline void
drawn_expire(struct drawn *d)
{
	const struct pkt *q = &d->sc.last;
	struct pkt te = {.has = PKT_HAS_IP | PKT_HAS_ICMP | PKT_HAS_QUOTE,
	    .icmp = {.is_time_exceeded = true},
	    .quote = {.ip = q->ip,
		.has_ports = true,
		.sport = q->tcp.sport,
		.dport = q->tcp.dport,
		.seq = q->tcp.seq,
		.has_flags = true,
		.flags = q->tcp.flags}};

	if ((q->has & PKT_HAS_TCP) == 0)
		return;
	te.ip.version = q->ip.version;
	te.ip.src = scene_addr(d->v6 ? "2001:db8:9::1" : "10.9.3.2");
	te.ip.dst = q->ip.src;
	te.ip.ttl = (uint8_t)DRAWN_PICK(d, 61, 252);
	te.ip.proto = d->v6 ? 58 : 1;
	te.quote.ip.ttl = 1;
	scene_show(&d->sc, &te, drawn_us(d));
}

static inline void
drawn_traffic(struct drawn *d)
{
	unsigned int n = rng_below(&d->rng, 7);

	for (unsigned int i = 0; i < n; i++) {
		bool client = drawn_chance(d, 55);

		switch (rng_below(&d->rng, 12)) {
		case 0:
			drawn_repeat(d);
			break;
		case 1:
			drawn_inject(d, client);
			break;
		case 2:
			drawn_expire(d);
			break;
		case 3:
		case 4:
			drawn_say(d, client, ACK, 0);
			break;
		case 5:
			drawn_say(
			    d, client, ACK, 1); /* a keep-alive of one byte */
			break;
		default:
			drawn_say(
			    d, client, PSHACK, DRAWN_PICK(d, 8, 20, 600, 1460));
			break;
		}
	}
}

/* What makes the reset: its header's rules. */
static inline struct scene_hand
drawn_maker(struct drawn *d, bool client)
{
	struct scene *sc = &d->sc;
	struct scene_hand *own = client ? &sc->c : &sc->s;
	struct scene_hand *other = client ? &sc->s : &sc->c;
	struct scene_hand h = *own;

	h.ttl = (uint8_t)DRAWN_PICK(d, own->ttl, own->ttl, own->ttl + 1U, 63,
	    62, 61, 254, 126, other->ttl - 1U, 102);
	h.id = (uint16_t)DRAWN_PICK(d, own->id, own->id, 0, other->id - 1U,
	    own->id + 9U, 31415, 40000, own->id - 1U);
	h.df = drawn_chance(d, 70);
	h.tos = (uint8_t)DRAWN_PICK(d, own->tos, 0, other->tos);
	h.window = (uint16_t)DRAWN_PICK(d, 0, 0, own->window, 1234, 512);
	if (drawn_chance(d, 20))
		h.mac[5] ^= 0x40;
	return h;
}

static inline void
drawn_reset(struct drawn *d)
{
	bool client = drawn_chance(d, 30);
	struct scene *sc = &d->sc;
	struct scene_hand h = drawn_maker(d, client);
	uint8_t flags = drawn_chance(d, 50) ? RST : RSTACK;
	uint32_t n = DRAWN_PICK(d, 1, 1, 1, 2, 3);
	uint32_t step = DRAWN_PICK(d, 0, 0, 1460, h.window, 1), off;

	off = DRAWN_PICK(d, 0, 0, 0, 0, 1, 0xffffffff, 100000, 0x40000000);
	for (uint32_t i = 0; i < n; i++) {
		struct pkt p = scene_make(sc, client ? &sc->c : &sc->s, &h,
		    flags, (client ? d->c_next : d->s_next) + off + i * step,
		    client ? d->s_next : d->c_next);

		if (drawn_chance(d, 10))
			p.tcp.seq = 0;
		if (drawn_chance(d, 5))
			p.payload_wire = 10;
		scene_show(
		    sc, &p, DRAWN_PICK(d, 60, 300, 700, 21000, 40050, 90000));
		h.id = (uint16_t)(h.id + DRAWN_PICK(d, 0, 1, 1));
		h.ttl = (uint8_t)(h.ttl + DRAWN_PICK(d, 0, 0, 0, 1));
	}
}

static inline void
drawn_end(struct drawn *d)
{
	switch (rng_below(&d->rng, 6)) {
	case 0:
		drawn_say(d, false, PSHACK, 50); /* data in spite of it */
		break;
	case 1:
		drawn_say(d, true, PSHACK, 9);
		drawn_say(d, false, ACK, 0);
		break;
	case 2:
		drawn_say(d, false, FINACK, 0);
		drawn_say(d, true, FINACK, 0);
		break;
	case 3:
		scene_say(&d->sc, &d->sc.c, SYN, 5000000, 0, 0, 2000000);
		break;
	default:
		break;
	}
}

static inline void
drawn_connection(struct drawn *d)
{
	struct scene *sc = &d->sc;

	if (drawn_chance(d, 85))
		scene_say(sc, &sc->c, SYN, 0, 0, 0, 1000);
	if (drawn_chance(d, 10))
		drawn_reset(d);
	if (drawn_chance(d, 80)) {
		scene_say(sc, &sc->s, SYNACK, 0, 1, 0, drawn_us(d));
		if (drawn_chance(d, 90))
			scene_say(sc, &sc->c, ACK, 1, 1, 0, 100);
	}
	drawn_traffic(d);
	if (drawn_chance(d, 20)) /* a probe of limited TTL */
		drawn_inject(d, true);
	for (uint32_t n = DRAWN_PICK(d, 1, 1, 2); n > 0; n--)
		drawn_reset(d);
	drawn_end(d);
}

/* The caller sets the tap, if any, and calls scene_end(). */
static inline void
drawn_begin(struct drawn *d, uint32_t seed)
{
	memset(d, 0, sizeof(*d));
	rng_seed(&d->rng, seed);
	scene_begin(&d->sc, NULL);
	drawn_ends(d, seed);
}

static inline void
drawn_connections(struct drawn *d)
{
	drawn_connection(d);
	/* Another of the same hosts: what addresses have shown elsewhere. */
	if (drawn_chance(d, 50)) {
		d->sc.c.self.port++;
		d->sc.c.isn += 1000000;
		d->c_next = d->s_next = 1;
		drawn_connection(d);
	}
}

#endif
