/*
 * Clues in the reset's own headers, beside what its alleged sender usually
 * sends.
 */
#include <stdlib.h>
#include <string.h>

#include "rst_int.h"

#define HEADER_PATH_LONGEST \
	40 /* routers; longer paths are all but unheard of */
#define HEADER_FRONT_END \
	4 /* routers, at most, from a front end to its server */
#define HEADER_ID_CLOSE	     16
#define HEADER_ID_CLOSE_HOST 32 /* a host is not told of each packet */
#define HEADER_ID_LOOSE	     1024
/* Quiet for longer, a counter that others share may be anywhere. */
#define HEADER_ID_FRESH_NS INT64_C(10000000000)

static const char *
header_whose(const struct flow_reset *r, enum baseline_from from)
{
	switch (from) {
	case BASELINE_HOST:
		return r->host.later ? "'s packets on later connections arrive"
				     : "'s packets on other connections arrive";
	case BASELINE_AFTER:
		return "'s later packets arrive";
	case BASELINE_NONE:
	case BASELINE_FLOW:
		break;
	}
	return "'s own packets arrive";
}

/* Enough of its packets came with it to call it a TTL of its own. */
static bool
header_is_own_ttl(const struct flow_side *s, uint8_t ttl)
{
	for (size_t i = 0; i < s->n_ttls; i++)
		if (s->ttls[i].ttl == ttl)
			return s->ttls[i].packets * 4 >= s->ttls[0].packets ||
			    s->ttls[i].packets >= 3;
	return false;
}

static bool
header_is_host_ttl(const struct flow_host *h, uint8_t ttl)
{
	for (size_t i = 0; i < h->n_ttls; i++)
		if (h->ttls[i].ttl == ttl)
			return h->ttls[i].packets >= 2 || h->n_ttls == 1;
	return false;
}

void
rst_find_baseline(struct judging *j)
{
	const struct flow_reset *r = j->r;

	if (r->sender.n_ttls > 0) {
		j->from = BASELINE_FLOW;
		j->base_ttl = r->sender.ttls[0].ttl;
		/* A SYN is the stack's own word; one stray later is not. */
		if (r->sender.packets <= 3)
			j->base_ttl = r->sender.first.ttl;
		j->ttl_own = r->mark.ttl == j->base_ttl ||
		    header_is_own_ttl(&r->sender, r->mark.ttl);
	} else if (r->host.n_ttls > 0) {
		j->from = BASELINE_HOST;
		j->base_ttl = r->host.ttls[0].ttl;
		j->ttl_own = header_is_host_ttl(&r->host, r->mark.ttl);
	} else if (r->after.first.frame != 0) {
		j->from = BASELINE_AFTER;
		j->base_ttl = r->after.first.ttl;
		j->ttl_own = r->mark.ttl == j->base_ttl;
	}
	j->v->sender_ttl = j->base_ttl;
}

static void
header_weigh_own_ttl(struct judging *j)
{
	const struct flow_reset *r = j->r;
	enum clue c = CLUE_TTL_MATCHES;

	/* The sender's own packet, made over: of course it is its TTL. */
	if (rst_has_clue(j, CLUE_REWRITTEN))
		return;

	if (j->from != BASELINE_FLOW)
		c = CLUE_TTL_MATCHES_HOST;
	else if (r->mark.ttl != j->base_ttl && !r->sender.ttl_of_duplicate)
		c = CLUE_TTL_MATCHES_ONE;
	clue_add(j, c, 1, "TTL %u is the one with which the %s%s", r->mark.ttl,
	    rst_sender_name(r), header_whose(r, j->from));
}

static enum clue
header_classify_ttl(uint8_t rst, uint8_t base)
{
	int far = rst_distance(rst), own = rst_usual_distance(base);

	if (abs(rst - base) <= 2)
		return CLUE_TTL_NEAR_BY;
	if (abs(far - own) <= 1)
		return CLUE_TTL_OTHER_INITIAL;
	if (far > HEADER_PATH_LONGEST && own <= HEADER_PATH_LONGEST)
		return CLUE_TTL_ODD;
	if (far > own)
		return CLUE_TTL_FARTHER;
	return far * 2 > own && own - far <= HEADER_FRONT_END ? CLUE_TTL_BEFORE
							      : CLUE_TTL_NEARER;
}

static bool
header_is_steady(const struct judging *j)
{
	const struct flow_side *s = &j->r->sender;

	return j->from == BASELINE_FLOW && s->packets >= 3 && s->n_ttls == 1;
}

static void
header_weigh_ttl(struct judging *j)
{
	const struct flow_reset *r = j->r;
	enum clue c;
	double scale = 1;

	if (j->from == BASELINE_NONE)
		return;
	if (j->ttl_own) {
		header_weigh_own_ttl(j);
		return;
	}
	c = header_classify_ttl(r->mark.ttl, j->base_ttl);
	/* Many a server stands behind one address, each at its own distance. */
	if (j->from != BASELINE_FLOW)
		scale = 0.5;
	/* Where the route changes anyway, or is hardly known, it may here. */
	if (c == CLUE_TTL_NEAR_BY && !header_is_steady(j))
		scale = 0.4;
	clue_add(j, c, scale, "TTL %u, while the %s%s with %u", r->mark.ttl,
	    rst_sender_name(r), header_whose(r, j->from), j->base_ttl);
	/* A front end, or a stack of two minds, shows elsewhere as well. */
	if (j->from == BASELINE_FLOW &&
	    header_is_host_ttl(&r->host, r->mark.ttl))
		clue_add(j, CLUE_TTL_MATCHES_HOST, 0.6,
		    "yet on other connections the %s's packets come with %u",
		    rst_sender_name(r), r->mark.ttl);
}

/* --- IP ID --- */

static uint16_t
header_swap16(uint16_t v)
{
	return (uint16_t)(v << 8 | v >> 8);
}

/* Steps from one ID to the next in the sender's own way of counting. */
static uint16_t
header_id_step(enum flow_id_kind kind, uint16_t from, uint16_t to)
{
	if (kind == FLOW_ID_SWAPPED)
		return (uint16_t)(header_swap16(to) - header_swap16(from));
	return (uint16_t)(to - from);
}

/* Its last packet came from where the reset comes from. */
static bool
header_same_origin(const struct flow_reset *r)
{
	return r->sender.last.ttl == r->mark.ttl || r->sender.ttl_of_duplicate;
}

static bool
header_weigh_id_goes_on(struct judging *j)
{
	const struct flow_reset *r = j->r;
	const struct flow_side *s = &r->sender;
	uint16_t id = r->mark.id, step;

	if (s->n_ids > 0 && header_same_origin(r)) {
		step = header_id_step(s->id_kind, s->ids[0], id);
		if (step >= 1 && step <= HEADER_ID_CLOSE) {
			clue_add(j, CLUE_ID_CONTINUES, 1,
			    "IP ID %u goes on where the %s's last packet, %u, "
			    "left off",
			    id, rst_sender_name(r), s->ids[0]);
			return true;
		}
	}
	if (r->host.has_id && j->ttl_own) {
		step = header_id_step(r->host.id_kind, r->host.id, id);
		if (step >= 1 && step <= HEADER_ID_CLOSE_HOST) {
			clue_add(j, CLUE_ID_CONTINUES_HOST, 1,
			    "IP ID %u goes on where the %s's last packet to "
			    "anyone, %u, left off",
			    id, rst_sender_name(r), r->host.id);
			return true;
		}
	}
	if (s->n_ids > 0 || r->after.first.frame == 0 || !j->ttl_own)
		return false;
	step = (uint16_t)(r->after.first.id - id);
	if (step < 1 || step > HEADER_ID_CLOSE)
		return false;
	clue_add(j, CLUE_ID_CONTINUES_HOST, 1,
	    "IP ID %u is counted on by the %s's next packet, %u", id,
	    rst_sender_name(r), r->after.first.id);
	return true;
}

static bool
header_weigh_id_goes_on_loosely(struct judging *j)
{
	const struct flow_reset *r = j->r;
	const struct flow_side *s = &r->sender;
	uint16_t step = header_id_step(s->id_kind, s->ids[0], r->mark.id);

	if (s->n_ids == 0 || !header_same_origin(r) || step == 0 ||
	    step > HEADER_ID_LOOSE)
		return false;
	if (s->id_kind == FLOW_ID_RANDOM || s->id_kind == FLOW_ID_ZERO)
		return false;
	clue_add(j, CLUE_ID_CONTINUES_LOOSELY, 1,
	    "IP ID %u is %u ahead of the %s's last, %u", r->mark.id, step,
	    rst_sender_name(r), s->ids[0]);
	return true;
}

/*
 * A bare reset is made without a socket: stacks number it by another counter
 * than the connection's, or not at all, so that a break says little.
 */
static void
header_weigh_id_breaks(struct judging *j)
{
	const struct flow_reset *r = j->r;
	const struct flow_side *s = &r->sender;
	bool fresh = r->mark.unix_ns - s->last.unix_ns <= HEADER_ID_FRESH_NS;
	enum clue c = CLUE_ID_BREAKS_LOOSELY;

	if (s->id_packets < 3)
		return;
	switch (s->id_kind) {
	case FLOW_ID_COUNTER:
	case FLOW_ID_SWAPPED:
		if (fresh)
			c = CLUE_ID_BREAKS;
		break;
	case FLOW_ID_SHARED:
		break;
	case FLOW_ID_ZERO:
	case FLOW_ID_CONSTANT:
		clue_add(j, CLUE_ID_NOT_ZERO, rst_is_bare(r) ? 0.4 : 1,
		    "IP ID %u, while the %s's other packets all have %u",
		    r->mark.id, rst_sender_name(r), s->ids[0]);
		return;
	case FLOW_ID_UNKNOWN:
	case FLOW_ID_RANDOM:
		return;
	}
	clue_add(j, c, rst_is_bare(r) ? 0.25 : 1,
	    "IP ID %u, while the %s's own had reached %u", r->mark.id,
	    rst_sender_name(r), s->ids[0]);
}

static void
header_weigh_id_zero(struct judging *j)
{
	const struct flow_reset *r = j->r;
	const struct flow_side *s = &r->sender;

	if (s->id_packets > 0 &&
	    (s->id_kind == FLOW_ID_ZERO ||
		(s->id_kind == FLOW_ID_UNKNOWN && s->ids[0] == 0))) {
		clue_add(j, CLUE_ID_ZERO_SAME, 1,
		    "IP ID 0, as in the %s's other packets",
		    rst_sender_name(r));
		return;
	}
	if (rst_is_stateless(r) || rst_is_refusal(r))
		/* From elsewhere, a box without a socket does it as well. */
		clue_add(j, CLUE_ID_ZERO,
		    j->ttl_own || j->from == BASELINE_NONE ? 1 : 0.3,
		    "IP ID 0 in an answer without a socket, as stacks send "
		    "for a connection that they don't know");
	else if (s->id_packets >= 3 && s->id_kind == FLOW_ID_COUNTER)
		clue_add(j, CLUE_ID_ZERO_ODD, 1,
		    "IP ID 0, while the %s's own had reached %u",
		    rst_sender_name(r), s->ids[0]);
}

/* The peer's own number in a packet that claims to come from afar. */
static bool
header_weigh_id_echo(struct judging *j)
{
	const struct flow_reset *r = j->r;
	const struct flow_side *p = &r->receiver;
	uint16_t id = r->mark.id;

	if (p->id_kind == FLOW_ID_CONSTANT || p->id_kind == FLOW_ID_ZERO)
		return false;
	for (unsigned int i = 0; i < p->n_ids; i++) {
		if (p->ids[i] != id)
			continue;
		if (id == r->trigger.id)
			clue_add(j, CLUE_ID_ECHO, 1,
			    "IP ID %u is that of the %s's own packet which it "
			    "answers",
			    id, rst_receiver_name(r));
		else
			clue_add(j, CLUE_ID_ECHO_OLDER, 1,
			    "IP ID %u is that of an earlier packet of the %s",
			    id, rst_receiver_name(r));
		return true;
	}
	return false;
}

static bool
header_weigh_id_repeats(struct judging *j)
{
	const struct flow_reset *r = j->r;
	const struct flow_side *s = &r->sender;
	const struct flow_mark *m = &s->last_data;

	if (s->n_ids == 0 || s->ids[0] != r->mark.id ||
	    s->id_kind == FLOW_ID_CONSTANT)
		return false;
	if (m->frame != 0 && m->id == r->mark.id && m->seq == r->mark.seq)
		clue_add(j, CLUE_REWRITTEN, 1,
		    "IP ID %u and seq are those of the %s's own data packet "
		    "just before: turned into a reset on its way",
		    r->mark.id, rst_sender_name(r));
	else
		clue_add(j, CLUE_ID_REPEATS, 1,
		    "IP ID %u is that of the %s's packet before, which no "
		    "counter gives twice",
		    r->mark.id, rst_sender_name(r));
	return true;
}

static void
header_weigh_id(struct judging *j)
{
	const struct flow_reset *r = j->r;

	if (!r->has_id)
		return;
	if (r->mark.id == 0) {
		header_weigh_id_zero(j);
		return;
	}
	/* 1 is what hand-made packets have, on both sides. */
	j->id_continues = r->mark.id > 1 && header_weigh_id_goes_on(j);
	if (j->id_continues || r->mark.id == 1)
		return;
	j->id_echo = header_weigh_id_echo(j);
	if (header_weigh_id_repeats(j) || header_weigh_id_goes_on_loosely(j))
		return;
	header_weigh_id_breaks(j);
}

/* --- the flow label, IPv6 --- */

/* Have its sender's latest packets one label?  Not where there are too few. */
static bool
header_is_label_steady(const struct flow_side *s)
{
	for (unsigned int i = 1; i < s->n_ids; i++)
		if (s->ids[i] != s->ids[0])
			return false;
	return s->n_ids >= 3 && s->ids[0] != 0;
}

/*
 * RFC 6437, section 3: the source gives all packets of a flow one label.
 * A socket of Linux does so, its resets included, until it has to send again;
 * but what a stack answers without one has a label of another make, none, or,
 * with BSD's, that of the packet answered: there a difference says nothing.
 * Without ACK set in what it answers, a reset with ACK comes of no socket
 * either (RFC 9293, section 3.10.7.1).
 */
static void
header_weigh_label(struct judging *j)
{
	const struct flow_reset *r = j->r;
	const struct flow_side *s = &r->sender, *p = &r->receiver;

	if (!r->is_v6 || !header_is_label_steady(s))
		return;
	if (r->label == s->ids[0]) {
		if (p->n_ids == 0 || p->ids[0] != r->label)
			clue_add(j, CLUE_LABEL_CONTINUES, 1,
			    "its flow label is that of the %s's other packets",
			    rst_sender_name(r));
		return;
	}
	if ((r->mark.flags & PKT_TH_ACK) != 0 &&
	    (r->trigger.flags & PKT_TH_ACK) != 0)
		clue_add(j, CLUE_LABEL_DIFFERS, 1,
		    "its flow label is not that of the %s's other packets",
		    rst_sender_name(r));
}

/* --- the rest of the headers --- */

static void
header_weigh_df(struct judging *j)
{
	const struct flow_reset *r = j->r;
	uint32_t both = FLOW_SEEN_DF | FLOW_SEEN_NO_DF;
	uint32_t seen = r->sender.seen & both;

	if (!r->has_id || seen == 0 || seen == both)
		return;
	if (r->mark.df != (seen == FLOW_SEEN_DF))
		clue_add(j, CLUE_DF, 1,
		    r->mark.df ? "DF is set, which the %s never sets"
			       : "DF is not set, which the %s always sets",
		    rst_sender_name(r));
}

static void
header_weigh_tos(struct judging *j)
{
	const struct flow_reset *r = j->r;
	/* Without the ECN bits, which only data has (RFC 3168, 6.1.4). */
	unsigned int tos = r->mark.tos & 0xfc;

	if (r->sender.packets == 0 ||
	    (r->sender.seen & FLOW_SEEN_OTHER_TOS) != 0)
		return;
	if (tos == 0 || tos == (r->sender.tos & 0xfcU) ||
	    tos == (r->trigger.tos & 0xfcU))
		return;
	clue_add(j, CLUE_TOS, 1, "TOS 0x%02x, while the %s uses 0x%02x",
	    r->mark.tos, rst_sender_name(r), r->sender.tos);
}

static void
header_weigh_mac(struct judging *j)
{
	const struct flow_reset *r = j->r;
	const struct flow_side *s = &r->sender;
	char mine[ADDR_MAC_TEXT], theirs[ADDR_MAC_TEXT];

	if (!r->has_mac || (s->seen & FLOW_SEEN_MAC) == 0 ||
	    (s->seen & FLOW_SEEN_OTHER_MAC) != 0 || s->packets < 2)
		return;
	if (memcmp(r->mac_src, s->mac, ADDR_MAC) == 0)
		return;
	clue_add(j, CLUE_MAC, r->host.other_mac ? 0.4 : 1,
	    "from MAC %s, while the %s's packets come from %s",
	    addr_format_mac(r->mac_src, mine), rst_sender_name(r),
	    addr_format_mac(s->mac, theirs));
	j->v->same_segment = true;
}

static bool
header_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	return a->version == 4 ? a->b[0] == 127
			       : memcmp(a->b, one, sizeof(one)) == 0;
}

/* One /24, one /64: no router stands between such two, as a rule. */
static bool
header_same_network(const struct addr *a, const struct addr *b)
{
	return a->version == b->version &&
	    memcmp(a->b, b->b, a->version == 4 ? 3 : 8) == 0;
}

/*
 * Its sender is the capturing host: no router was crossed, while the other
 * side's packets have crossed some.
 */
static void
header_weigh_place(struct judging *j)
{
	const struct flow_reset *r = j->r;
	uint8_t peer = flow_side_ttl(&r->receiver);
	bool here = rst_distance(r->mark.ttl) == 0;

	if ((header_is_loopback(&r->client.addr) &&
		header_is_loopback(&r->server.addr)) ||
	    addr_equal(&r->client.addr, &r->server.addr)) {
		clue_add(j, CLUE_LOOPBACK, 1,
		    "both ends are this very host: nothing is in between");
		return;
	}
	if (here && header_same_network(&r->client.addr, &r->server.addr) &&
	    (j->base_ttl == 0 || rst_usual_distance(j->base_ttl) == 0))
		clue_add(j, CLUE_SAME_NETWORK, 1,
		    "both ends are of one network, and it crossed no router");
	else if (here && j->from != BASELINE_NONE && j->ttl_own && peer != 0 &&
	    rst_distance(peer) > 0)
		clue_add(j, CLUE_LEAVES_HERE, 1,
		    "it leaves the capturing host itself, which is the %s",
		    rst_sender_name(r));
}

void
rst_weigh_header(struct judging *j)
{
	header_weigh_id(j);
	header_weigh_label(j);
	header_weigh_ttl(j);
	header_weigh_df(j);
	header_weigh_tos(j);
	header_weigh_mac(j);
	header_weigh_place(j);
}
