/*
 * Connections drawn at random, and resets in them by all sorts of makers: what
 * rst makes of each stands in a golden file, and a hash of all that flow handed
 * over.  No single line is there to prove a rule; together they hold that no
 * rule changes unseen.  RSTHOP_SHOW_FACTS=1 prints what was hashed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rsthop/hash.h>
#include <rsthop/rng.h>
#include <rsthop/text.h>

#include "flow_scene.h"
#include "golden.h"
#include "proves.h"

#define SCENES 160

/* One scene as it is drawn; numbers are relative to either side's ISN. */
struct drawn {
	struct scene sc;
	struct rng rng;
	uint32_t c_next, s_next; /* seq of the next byte of either side */
	bool v6;
};

static bool
chance(struct drawn *d, unsigned int percent)
{
	return rng_below(&d->rng, 100) < percent;
}

static uint32_t
pick(struct drawn *d, const uint32_t *from, size_t n)
{
	return from[rng_below(&d->rng, (uint32_t)n)];
}
#define PICK(d, ...)                             \
	pick(d, (const uint32_t[]){__VA_ARGS__}, \
	    sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void
draw_hand(struct drawn *d, struct scene_hand *h)
{
	h->step = (uint16_t)PICK(d, 1, 1, 1, 0, 3, 256, 21001);
	h->id = h->step == 0 ? (uint16_t)PICK(d, 0, 4711) : h->id;
	h->df = chance(d, 80);
	h->tos = (uint8_t)PICK(d, 0, 0, 0, 0x10, 0x48);
	h->window = (uint16_t)PICK(d, 227, 502, 65535, 1024, 8192);
	h->label = PICK(d, 0, 77, 0xbeef);
}

static void
draw_ends(struct drawn *d, unsigned int n)
{
	struct scene *sc = &d->sc;

	d->v6 = chance(d, 15);
	if (d->v6) {
		sc->c.self.addr = scene_addr("2001:db8::5");
		sc->s.self.addr = scene_addr("2001:db8:6::2");
	}
	sc->c.self.port = (uint16_t)(50000 + n);
	sc->s.self.port = (uint16_t)PICK(d, 3306, 443, 80, 8080, 55000);
	sc->c.ttl = (uint8_t)PICK(d, 64, 64, 128, 60, 113);
	sc->s.ttl = (uint8_t)PICK(d, 47, 58, 64, 63, 116, 243);
	draw_hand(d, &sc->c);
	draw_hand(d, &sc->s);
	sc->c.isn = rng_below(&d->rng, 3) == 0 ? 0xffffff00U : 1000 + n;
	sc->s.isn = 900000 + 7919 * n;
	d->c_next = d->s_next = 1;
}

static int64_t
draw_us(struct drawn *d)
{
	return PICK(d, 50, 300, 900, 20000, 40000, 40100, 700000);
}

static void
say(struct drawn *d, bool client, uint8_t flags, uint32_t len)
{
	struct scene *sc = &d->sc;
	struct scene_hand *h = client ? &sc->c : &sc->s;
	uint32_t *next = client ? &d->c_next : &d->s_next;
	static const uint8_t words[] = "\3\0\0\0\2dbGET / HTTP/1.1\r\n\r\n";

	h->payload = len > 0 && len < sizeof(words) ? words : NULL;
	scene_say(sc, h, flags, *next, client ? d->s_next : d->c_next, len,
	    draw_us(d));
	*next += len + ((flags & FIN) != 0);
}

/* The same again, as a link or a sender repeats it. */
static void
repeat(struct drawn *d)
{
	struct pkt p = d->sc.last;

	if ((p.has & PKT_HAS_TCP) == 0)
		return;
	if (chance(d, 50))
		p.ip.id = (uint16_t)(p.ip.id + 1);
	if (chance(d, 30))
		p.ip.ttl--;
	scene_show(&d->sc, &p, draw_us(d));
}

/* A packet in the name of one side by another hand. */
static void
inject(struct drawn *d, bool client)
{
	struct scene *sc = &d->sc;
	struct scene_hand h = client ? sc->c : sc->s;

	h.ttl = (uint8_t)PICK(d, 3, 12, 60, 250);
	h.df = !h.df;
	h.id = 999;
	struct pkt p = scene_make(sc, client ? &sc->c : &sc->s, &h, PSHACK,
	    client ? d->c_next : d->s_next, client ? d->s_next : d->c_next);
	p.payload_wire = PICK(d, 0, 1, 30);
	scene_show(sc, &p, draw_us(d));
}

/* A router's time-exceeded for the last packet of TCP. */
static void
expire(struct drawn *d)
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
	te.ip.ttl = (uint8_t)PICK(d, 61, 252);
	te.ip.proto = d->v6 ? 58 : 1;
	te.quote.ip.ttl = 1;
	scene_show(&d->sc, &te, draw_us(d));
}

static void
draw_traffic(struct drawn *d)
{
	unsigned int n = rng_below(&d->rng, 7);

	for (unsigned int i = 0; i < n; i++) {
		bool client = chance(d, 55);

		switch (rng_below(&d->rng, 12)) {
		case 0:
			repeat(d);
			break;
		case 1:
			inject(d, client);
			break;
		case 2:
			expire(d);
			break;
		case 3:
		case 4:
			say(d, client, ACK, 0);
			break;
		case 5:
			say(d, client, ACK, 1); /* a keep-alive of one byte */
			break;
		default:
			say(d, client, PSHACK, PICK(d, 8, 20, 600, 1460));
			break;
		}
	}
}

/* What makes the reset: its header's rules. */
static struct scene_hand
draw_maker(struct drawn *d, bool client)
{
	struct scene *sc = &d->sc;
	struct scene_hand *own = client ? &sc->c : &sc->s;
	struct scene_hand *other = client ? &sc->s : &sc->c;
	struct scene_hand h = *own;

	h.ttl = (uint8_t)PICK(d, own->ttl, own->ttl, own->ttl + 1U, 63, 62, 61,
	    254, 126, other->ttl - 1U, 102);
	h.id = (uint16_t)PICK(d, own->id, own->id, 0, other->id - 1U,
	    own->id + 9U, 31415, 40000, own->id - 1U);
	h.df = chance(d, 70);
	h.tos = (uint8_t)PICK(d, own->tos, 0, other->tos);
	h.window = (uint16_t)PICK(d, 0, 0, own->window, 1234, 512);
	if (chance(d, 20))
		h.mac[5] ^= 0x40;
	return h;
}

static void
draw_reset(struct drawn *d)
{
	bool client = chance(d, 30);
	struct scene *sc = &d->sc;
	struct scene_hand h = draw_maker(d, client);
	uint8_t flags = chance(d, 50) ? RST : RSTACK;
	uint32_t n = PICK(d, 1, 1, 1, 2, 3);
	uint32_t step = PICK(d, 0, 0, 1460, h.window, 1), off;

	off = PICK(d, 0, 0, 0, 0, 1, 0xffffffff, 100000, 0x40000000);
	for (uint32_t i = 0; i < n; i++) {
		struct pkt p = scene_make(sc, client ? &sc->c : &sc->s, &h,
		    flags, (client ? d->c_next : d->s_next) + off + i * step,
		    client ? d->s_next : d->c_next);

		if (chance(d, 10))
			p.tcp.seq = 0;
		if (chance(d, 5))
			p.payload_wire = 10;
		scene_show(sc, &p, PICK(d, 60, 300, 700, 21000, 40050, 90000));
		h.id = (uint16_t)(h.id + PICK(d, 0, 1, 1));
		h.ttl = (uint8_t)(h.ttl + PICK(d, 0, 0, 0, 1));
	}
}

static void
draw_end(struct drawn *d)
{
	switch (rng_below(&d->rng, 6)) {
	case 0:
		say(d, false, PSHACK, 50); /* data in spite of it */
		break;
	case 1:
		say(d, true, PSHACK, 9);
		say(d, false, ACK, 0);
		break;
	case 2:
		say(d, false, FINACK, 0);
		say(d, true, FINACK, 0);
		break;
	case 3:
		scene_say(&d->sc, &d->sc.c, SYN, 5000000, 0, 0, 2000000);
		break;
	default:
		break;
	}
}

static void
draw_connection(struct drawn *d)
{
	struct scene *sc = &d->sc;

	if (chance(d, 85))
		scene_say(sc, &sc->c, SYN, 0, 0, 0, 1000);
	if (chance(d, 10))
		draw_reset(d);
	if (chance(d, 80)) {
		scene_say(sc, &sc->s, SYNACK, 0, 1, 0, draw_us(d));
		if (chance(d, 90))
			scene_say(sc, &sc->c, ACK, 1, 1, 0, 100);
	}
	draw_traffic(d);
	if (chance(d, 20)) /* a probe of limited TTL */
		inject(d, true);
	for (uint32_t n = PICK(d, 1, 1, 2); n > 0; n--)
		draw_reset(d);
	draw_end(d);
}

static void
put_mark(struct text *t, const char *name, const struct flow_mark *m)
{
	if (m->frame == 0)
		return;
	text_addf(t, " %s %llu/%u/%x", name, (unsigned long long)m->frame,
	    m->len, m->flags);
}

static void
put_side(struct text *t, const char *name, const struct flow_side *s)
{
	text_addf(t, "    %s %u+%u packets, %u again, seen %x, TTL", name,
	    s->packets, s->data_packets, s->twice, s->seen);
	for (size_t i = 0; i < s->n_ttls; i++)
		text_addf(t, " %u*%u", s->ttls[i].ttl, s->ttls[i].packets);
	text_addf(t,
	    " +%u ~%u%s, IDs %d:%u, tos %x, window %u, seq %u, "
	    "ack %u, injected %u, rtt %lld us",
	    s->ttl_others, s->ttl_changes, s->ttl_of_duplicate ? " dup" : "",
	    (int)s->id_kind, s->n_ids > 0 ? s->ids[0] : 0, s->tos, s->window,
	    s->seq_next - s->isn, s->ack_high, s->injected,
	    (long long)(s->rtt_min_ns / CLOCK_US));
	put_mark(t, "data", &s->last_data);
	put_mark(t, "injected", &s->last_injected);
	text_add(t, "\n");
}

static void
put_facts(struct text *t, const struct flow_reset *r)
{
	const struct flow_after *a = &r->after;

	text_addf(t,
	    "  reset %llu to %s, roles %d, copies %u, others %zu, "
	    "expired %zu",
	    (unsigned long long)r->mark.frame,
	    r->to_client ? "client" : "server", (int)r->roles, r->copies,
	    r->n_others, r->n_expired);
	put_mark(t, "trigger", &r->trigger);
	text_addf(t, "%s%s, after %u:%u:%u %u:%u%s%s%s%s%s%s, end %d\n",
	    r->trigger_exact ? " exact" : "",
	    r->trigger_was_probe ? " probe" : "", a->packets, a->data_packets,
	    a->old_packets, a->receiver_packets, a->receiver_data,
	    a->receiver_challenge ? " challenge" : "",
	    a->receiver_fin ? " receiver-fin" : "", a->fin ? " fin" : "",
	    a->acked_more ? " acked-more" : "", a->begun_anew ? " anew" : "",
	    a->synack ? " synack" : "", (int)r->end);
	put_side(t, "sender", &r->sender);
	put_side(t, "receiver", &r->receiver);
	text_addf(t,
	    "    host %u packets, %u flows, %u TTLs, IDs %d%s, "
	    "rtt %lld us\n",
	    r->host.packets, r->host.flows, r->host.n_ttls,
	    (int)r->host.id_kind, r->host.later ? " later" : "",
	    (long long)(r->host.rtt_min_ns / CLOCK_US));
}

static void
put_verdict(
    struct text *t, const struct flow_reset *r, const struct rst_verdict *v)
{
	text_addf(t, " %llu: %s %.3f, %s, TTL %u/%d/%u%s",
	    (unsigned long long)r->mark.frame, rst_ruling_name(v->ruling),
	    v->probability, rst_kind_name(v->kind), v->initial_ttl,
	    v->traversed, v->sender_ttl, v->ttl_usable ? "" : " unusable");
	for (size_t i = 0; i < v->n_candidates; i++)
		text_addf(t, ", hop %d%s %.3f", v->candidates[i].hop,
		    v->candidates[i].place == PLACE_WIRE ? "w" : "r",
		    v->candidates[i].probability);
	text_addf(t, "%s%s%s%s\n  ", v->same_segment ? ", own segment" : "",
	    v->both_ends ? ", both ends" : "", v->signature != NULL ? ", " : "",
	    v->signature != NULL ? v->signature : "");
	for (size_t i = 0; i < v->n_reasons; i++)
		text_addf(
		    t, " %s %.2f", v->reasons[i].code, v->reasons[i].weight);
	text_add(t, "\n");
}

static void
put_scene(struct text *t, uint32_t seed)
{
	static struct drawn d;
	struct text facts = {0};

	memset(&d, 0, sizeof(d));
	rng_seed(&d.rng, seed);
	scene_begin(&d.sc, NULL);
	draw_ends(&d, seed);
	draw_connection(&d);
	/* Another of the same hosts: what addresses have shown elsewhere. */
	if (chance(&d, 50)) {
		d.sc.c.self.port++;
		d.sc.c.isn += 1000000;
		d.c_next = d.s_next = 1;
		draw_connection(&d);
	}
	assert_int_equal(flow_table_end(d.sc.t, NULL), 0);
	for (size_t i = 0; i < d.sc.n; i++)
		put_facts(&facts, &d.sc.facts[i]);
	if (getenv("RSTHOP_SHOW_FACTS") != NULL)
		print_message("scene %u\n%s", seed, text_str(&facts));
	text_addf(t, "scene %u: %zu probes, %zu data, facts %016llx\n", seed,
	    d.sc.n_probes, d.sc.n_data,
	    (unsigned long long)hash_bytes(1, text_str(&facts), facts.len));
	text_free(&facts);
	for (size_t i = 0; i < d.sc.n; i++)
		put_verdict(t, &d.sc.facts[i], &d.sc.verdicts[i]);
	scene_end(&d.sc);
}

static void
test_connections(void **state)
{
	struct text t = {0};

	(void)state;
	for (uint32_t seed = 1; seed <= SCENES; seed++)
		put_scene(&t, seed);
	assert_false(t.bad);
	golden_compare("connections", ".txt", text_str(&t));
	text_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("drawn connections: each fact and reason is as looked at",
		test_connections),
	};

	return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
