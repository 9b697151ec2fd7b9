/*
 * The forgers that are known, a row each (PHYSICS, section 6).  To teach it
 * another one, add a row: a rule that is left out (zero) is not asked.
 *
 * A row's weight is that of all its marks together, beyond what the other
 * clues of its family say; a mark that many packets bear by chance is given
 * little.
 */
#include <stdlib.h>
#include <string.h>

#include "rst_int.h"

#define SIGNATURES_BURST_NS INT64_C(200000000)

enum want { ANY, YES, NO };

enum window_rule {
	WINDOW_ANY,
	WINDOW_ZERO,
	WINDOW_OF_TRIGGER,
	WINDOW_WITH_TTL /* window - TTL is one number all over the burst */
};

enum seq_rule {
	SEQ_ANY,
	SEQ_ONE,     /* all over the burst */
	SEQ_WINDOWS, /* stepped by the receiver's window */
	SEQ_1460     /* +0, +1460, +4380 */
};

struct signature {
	const char *name;
	const char *text;
	const char *data; /* its payload, data_len bytes of it */
	double weight;
	enum rst_kind kind;
	enum want id_echo;
	enum want df;
	enum window_rule window;
	enum seq_rule seq;
	unsigned int burst;	/* resets at once, at least */
	uint16_t id;		/* 0: any */
	uint8_t flags;		/* exactly; 0: any */
	uint8_t ttl_lo, ttl_hi; /* on arrival; 0: any */
	uint8_t initial;	/* guessed from the TTL; 0: any */
	uint8_t data_len;
	bool near;    /* at most one router crossed */
	bool wanders; /* the TTLs of this sender's resets do */
	bool not_own; /* the TTL is not its alleged sender's */
	bool any_ttl; /* it sets TTLs that say nothing of distance */
};

#define SIGNATURES_R  PKT_TH_RST
#define SIGNATURES_RA (PKT_TH_RST | PKT_TH_ACK)

static const struct signature signatures[] = {
    {.name = "alibaba-slb",
	.text = "ID 31415 and TTL 102: the idle close of an Alibaba load "
		"balancer",
	.kind = RST_KIND_LOAD_BALANCER,
	.weight = 8.0, /* one ID of 65536, one TTL of 40 */
	.ttl_lo = 66,
	.ttl_hi = 102,
	.id = 31415},
    {.name = "henan-firewall",
	.text = "a payload of ten bytes, 01 02 ... 09 00: the firewall of "
		"Henan province",
	.kind = RST_KIND_MIDDLEBOX,
	.weight = 7.0,
	.flags = SIGNATURES_RA,
	.data_len = 10,
	.data = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x00"},
    {.name = "gfw-2023",
	.text = "three or more R+A of one seq, their windows bound to their "
		"TTLs: the Great Firewall since 2023",
	.kind = RST_KIND_MIDDLEBOX,
	.weight = 5.0,
	.flags = SIGNATURES_RA,
	.not_own = true,
	.any_ttl = true,
	.window = WINDOW_WITH_TTL,
	.seq = SEQ_ONE,
	.burst = 3},
    {.name = "gfw-classic",
	.text = "three resets at seq +0, +1460 and +4380: the Great Firewall "
		"of old",
	.kind = RST_KIND_MIDDLEBOX,
	.weight = 6.0,
	.seq = SEQ_1460,
	.burst = 3},
    {.name = "tcpkill",
	.text = "bare resets, their seq stepped by the window, no DF: tcpkill",
	.kind = RST_KIND_MIDDLEBOX,
	.weight = 5.0,
	.flags = SIGNATURES_R,
	.initial = 64,
	.df = NO,
	.seq = SEQ_WINDOWS,
	.burst = 3},
    {.name = "suricata-reject",
	.text = "R+A, initial TTL 64, no DF, the window copied from the "
		"trigger: Suricata's reject",
	.kind = RST_KIND_MIDDLEBOX,
	.weight = 2.5,
	.flags = SIGNATURES_RA,
	.initial = 64,
	.not_own = true,
	.df = NO,
	.window = WINDOW_OF_TRIGGER},
    {.name = "snort-flexresp",
	.text = "window 0 and TTLs at random: Snort's flexresp",
	.kind = RST_KIND_MIDDLEBOX,
	.weight = 2.5,
	.ttl_lo = 33,
	.ttl_hi = 255,
	.wanders = true,
	.not_own = true,
	.window = WINDOW_ZERO},
    {.name = "lan-firewall-id-echo",
	.text = "the trigger's own IP ID, at most one router away: a firewall "
		"of the local network (seen of Ruijie)",
	.kind = RST_KIND_MIDDLEBOX,
	.weight = 1.0,
	.near = true,
	.not_own = true,
	.id_echo = YES},
};

/* The resets of the burst that r stands in, r among them, by their order. */
struct burst {
	unsigned int n;
	const struct flow_mark *marks[FLOW_RESETS + 1];
};

static void
signatures_collect(const struct flow_reset *r, struct burst *b)
{
	bool put = false;

	b->n = 0;
	for (size_t i = 0; i < r->n_others; i++) {
		const struct flow_other *o = &r->others[i];

		if (!o->same_side ||
		    llabs(o->mark.unix_ns - r->mark.unix_ns) >
			SIGNATURES_BURST_NS)
			continue;
		if (!put && o->mark.frame > r->mark.frame) {
			b->marks[b->n++] = &r->mark;
			put = true;
		}
		b->marks[b->n++] = &o->mark;
	}
	if (!put)
		b->marks[b->n++] = &r->mark;
}

/* How many of the burst have this seq, offset from the lowest. */
static bool
signatures_has_step(const struct burst *b, uint32_t base, uint32_t step)
{
	for (unsigned int i = 0; i < b->n; i++)
		if (b->marks[i]->seq - base == step)
			return true;
	return false;
}

/* Those that bear the same flags and answer to the same rule as m. */
static unsigned int
signatures_count_alike(
    const struct signature *s, const struct burst *b, const struct flow_mark *m)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < b->n; i++) {
		const struct flow_mark *o = b->marks[i];

		if (o->flags != m->flags)
			continue;
		if (s->seq == SEQ_ONE && o->seq != m->seq)
			continue;
		if (s->window == WINDOW_WITH_TTL &&
		    o->window - o->ttl != m->window - m->ttl)
			continue;
		n++;
	}
	return n;
}

static bool
signatures_seq_fits(const struct signature *s, const struct flow_reset *r,
    const struct burst *b)
{
	uint32_t base = b->marks[0]->seq;
	uint32_t window = (uint32_t)r->receiver.window
	    << (r->receiver.wscale & 15);

	for (unsigned int i = 1; i < b->n; i++)
		if (seq_after(base, b->marks[i]->seq))
			base = b->marks[i]->seq;
	switch (s->seq) {
	case SEQ_ANY:
	case SEQ_ONE:
		return true;
	case SEQ_1460:
		return signatures_has_step(b, base, 1460) &&
		    signatures_has_step(b, base, 4380);
	case SEQ_WINDOWS:
		return (signatures_has_step(b, base, window) &&
			   signatures_has_step(b, base, 2 * window)) ||
		    (signatures_has_step(b, base, r->receiver.window) &&
			signatures_has_step(b, base, 2U * r->receiver.window));
	}
	return false;
}

static bool
signatures_window_fits(const struct signature *s, const struct flow_reset *r)
{
	switch (s->window) {
	case WINDOW_ANY:
		return true;
	case WINDOW_ZERO:
		return r->mark.window == 0;
	case WINDOW_OF_TRIGGER:
		return r->trigger.frame != 0 && r->mark.window != 0 &&
		    r->mark.window == r->trigger.window;
	case WINDOW_WITH_TTL:
		return r->mark.window != 0;
	}
	return false;
}

static bool
signatures_header_fits(const struct signature *s, const struct judging *j)
{
	const struct flow_reset *r = j->r;
	char why[1];

	if (s->flags != 0 && r->mark.flags != s->flags)
		return false;
	if (s->ttl_hi != 0 &&
	    (r->mark.ttl < s->ttl_lo || r->mark.ttl > s->ttl_hi))
		return false;
	if (s->initial != 0 && pkt_initial_ttl(r->mark.ttl) != s->initial)
		return false;
	if (s->near && rst_distance(r->mark.ttl) > 1)
		return false;
	if (s->not_own && (j->from == BASELINE_NONE || j->ttl_own))
		return false;
	if (s->wanders && !rst_crowd_wanders(j->crowd, r, why, sizeof(why)))
		return false;
	if (s->id != 0 && (!r->has_id || r->mark.id != s->id))
		return false;
	if (s->id_echo == YES && !j->id_echo)
		return false;
	return s->df == ANY || !r->has_id || r->mark.df == (s->df == YES);
}

static bool
signatures_matches(
    const struct signature *s, const struct judging *j, const struct burst *b)
{
	const struct flow_reset *r = j->r;

	if (!signatures_header_fits(s, j) || !signatures_window_fits(s, r))
		return false;
	if (b->n < s->burst ||
	    signatures_count_alike(s, b, &r->mark) < s->burst)
		return false;
	if (s->data_len != 0 &&
	    (r->mark.len != s->data_len || r->data_len < s->data_len ||
		memcmp(r->data, s->data, s->data_len) != 0))
		return false;
	return signatures_seq_fits(s, r, b);
}

void
rst_weigh_signatures(struct judging *j)
{
	struct burst b;

	signatures_collect(j->r, &b);
	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]);
	     i++) {
		const struct signature *s = &signatures[i];

		if (!signatures_matches(s, j, &b))
			continue;
		clue_add(j, CLUE_SIGNATURE, s->weight, "%s", s->text);
		j->v->signature = s->name;
		j->signature_kind = s->kind;
		j->any_ttl = s->any_ttl || s->wanders;
		return;
	}
}
