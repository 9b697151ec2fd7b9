/*
 * The second pass over two vantages: whether the sender of each reset sent
 * it, and, where it did not, whether its capture can say so.  That takes
 * packets of the sender before and after the time at which it should have
 * left, and no sign that the capture lost any about then.
 */
#include <stdlib.h>
#include <string.h>

#include "compare_proof.h"

#define PROOF_DELAY_NS (3 * CLOCK_S) /* a packet takes no longer than this */
/* ... and is not taken for one as old */
#define PROOF_OLD_NS	 (120 * CLOCK_S)
#define PROOF_BRACKET_NS (120 * CLOCK_S) /* no longer without a packet */
#define PROOF_TTL_OFF	 2		 /* routes differ by no more */
#define PROOF_LOOKS	 256 /* resets of one five-tuple that are looked at */

struct mark {
	int64_t unix_ns;
	uint64_t frame; /* 0: none */
	uint32_t file;
};

/* One reset and the packets about its time, of its flow and of its host. */
struct query {
	uint32_t reset;
	uint32_t flow;	/* at the sender's vantage */
	int64_t lo, hi; /* when it must have left, by that clock */
	struct mark before[2], after[2];
	int64_t host_first;
	bool has_host;
};

/* Packets of one sender; where dst has no address, whomever they go to. */
struct lane {
	struct flow_key key;
	int vantage;
	struct mark first, last;
	size_t at, end; /* its entries that are still ahead */
};

struct entry {
	int64_t hi;
	uint32_t lane, query;
};

struct compare_proof {
	struct compare *c;
	uint32_t n_queries, n_lanes;
	size_t n_entries;
	struct query *queries;
	struct lane *lanes;
	struct entry *entries;
	struct hash_index by_key[2];
};

static const struct compare_flow *
proof_flow_of(const struct compare *c, const struct compare_reset *r)
{
	return &c->sides[r->vantage].flows[r->flow];
}

/* --- what is to be asked --- */

/*
 * When a packet that was received at r->unix_ns left the other end, by the
 * clock there.  By the connection's own packets where it has such, for clocks
 * drift.  False where the clocks are not known.
 */
static bool
proof_find_time(const struct compare *c, const struct compare_reset *r,
    int64_t *lo, int64_t *hi)
{
	const struct compare_flow *fl = proof_flow_of(c, r);
	const struct compare_flow *a =
	    r->vantage == 0 ? fl : &c->sides[0].flows[fl->match];
	int64_t off_lo = c->offset_lo, off_hi = c->offset_hi;

	if (a->has_lo && a->has_hi && a->offset_lo <= a->offset_hi) {
		off_lo = a->offset_lo;
		off_hi = a->offset_hi;
	} else if (!c->has_offset)
		return false;
	*hi = r->vantage == 0 ? r->unix_ns + off_hi : r->unix_ns - off_lo;
	*lo = r->vantage == 0 ? r->unix_ns + off_lo : r->unix_ns - off_hi;
	*hi += COMPARE_SLACK_NS;
	*lo -= PROOF_DELAY_NS;
	return true;
}

/* Received here, and sent, if at all, at the other vantage's end. */
static bool
proof_is_received(const struct compare *c, const struct compare_reset *r)
{
	const struct compare_flow *fl = proof_flow_of(c, r);

	if (fl->match == COMPARE_NONE || !fl->sided)
		return false;
	return (r->half == fl->near) == (r->vantage == 1);
}

static struct flow_key
proof_sender_key(const struct compare_flow *fl, int half, bool host)
{
	struct flow_key k = half == 0 ? fl->key : flow_key_reverse(&fl->key);

	if (host) {
		memset(&k.dst, 0, sizeof(k.dst));
		k.src.port = 0;
	}
	return k;
}

static uint32_t
proof_find_lane(
    const struct compare_proof *p, int vantage, const struct flow_key *k)
{
	uint64_t h = compare_hash_key(p->c, k);
	uint32_t at = 0, i;

	while ((i = hash_index_next(&p->by_key[vantage], h, &at)) != HASH_NONE)
		if (flow_key_equal(&p->lanes[i].key, k))
			return i;
	return COMPARE_NONE;
}

static int
proof_add_entry(struct compare_proof *p, int vantage, const struct flow_key *k,
    uint32_t query)
{
	uint32_t i = proof_find_lane(p, vantage, k);

	if (i == COMPARE_NONE) {
		i = p->n_lanes++;
		p->lanes[i] = (struct lane){.key = *k, .vantage = vantage};
		if (hash_index_add(
			&p->by_key[vantage], compare_hash_key(p->c, k), i) != 0)
			return -1;
	}
	p->entries[p->n_entries++] =
	    (struct entry){p->queries[query].hi, i, query};
	return 0;
}

static int
proof_by_lane(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;

	if (a->lane != b->lane)
		return a->lane < b->lane ? -1 : 1;
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return (a->query > b->query) - (a->query < b->query);
}

static int
proof_ask(struct compare_proof *p, uint32_t reset)
{
	const struct compare_reset *r = &p->c->resets[reset];
	const struct compare_flow *fl = proof_flow_of(p->c, r), *there;
	struct query *q = &p->queries[p->n_queries];
	int other = !r->vantage, half;
	struct flow_key k;

	if (!proof_is_received(p->c, r) ||
	    !proof_find_time(p->c, r, &q->lo, &q->hi))
		return 0;
	q->reset = reset;
	q->flow = fl->match;
	there = &p->c->sides[other].flows[fl->match];
	half = r->half ^ (int)fl->flipped;
	for (int host = 0; host < 2; host++) {
		k = proof_sender_key(there, half, host != 0);
		if (proof_add_entry(p, other, &k, p->n_queries) != 0)
			return -1;
	}
	p->n_queries++;
	return 0;
}

int
compare_proof_new(
    struct compare *c, struct compare_proof **out, struct fault *f)
{
	struct compare_proof *p = calloc(1, sizeof(*p));
	size_t n = (size_t)c->n_resets + 1;

	if (p == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	p->c = c;
	p->queries = calloc(n, sizeof(*p->queries));
	p->lanes = calloc(2 * n, sizeof(*p->lanes));
	p->entries = calloc(2 * n, sizeof(*p->entries));
	if (p->queries == NULL || p->lanes == NULL || p->entries == NULL)
		goto fail;
	for (uint32_t i = 0; i < c->n_resets; i++)
		if (proof_ask(p, i) != 0)
			goto fail;
	qsort(p->entries, p->n_entries, sizeof(*p->entries), proof_by_lane);
	for (size_t i = 0; i < p->n_entries; i++) {
		struct lane *l = &p->lanes[p->entries[i].lane];

		if (i == 0 || p->entries[i - 1].lane != p->entries[i].lane)
			l->at = i;
		l->end = i + 1;
	}
	*out = p;
	return 0;
fail:
	compare_proof_free(p);
	return fault(f, FAULT_SYSTEM, "out of memory");
}

void
compare_proof_free(struct compare_proof *p)
{
	if (p == NULL)
		return;
	free(p->queries);
	free(p->lanes);
	free(p->entries);
	for (int i = 0; i < 2; i++)
		hash_index_free(&p->by_key[i]);
	free(p);
}

/* --- what is seen --- */

static void
proof_see_lane(struct compare_proof *p, struct lane *l, bool host,
    const struct flow_seen *s)
{
	struct mark now = {s->unix_ns, s->frame, s->file};

	if (l->first.frame == 0)
		l->first = now;
	for (; l->at < l->end && p->entries[l->at].hi < now.unix_ns; l->at++) {
		struct query *q = &p->queries[p->entries[l->at].query];

		q->before[host] = l->last;
		q->after[host] = now;
		q->has_host |= host && l->last.frame != 0;
		if (host)
			q->host_first = l->first.unix_ns;
	}
	if (l->last.frame == 0 || now.unix_ns >= l->last.unix_ns)
		l->last = now;
}

void
compare_proof_see(
    struct compare_proof *p, int vantage, const struct flow_seen *s)
{
	struct flow_key k;
	uint32_t i;

	if (!pkt_flow_key(s->pkt, &k))
		return;
	i = proof_find_lane(p, vantage, &k);
	if (i != COMPARE_NONE)
		proof_see_lane(p, &p->lanes[i], false, s);
	memset(&k.dst, 0, sizeof(k.dst));
	k.src.port = 0;
	i = proof_find_lane(p, vantage, &k);
	if (i != COMPARE_NONE)
		proof_see_lane(p, &p->lanes[i], true, s);
}

/* --- what follows from it --- */

static bool
proof_is_same(const struct compare_reset *a, const struct compare_reset *b)
{
	const uint8_t mask = PKT_TH_RST | PKT_TH_ACK | PKT_TH_SYN | PKT_TH_FIN;

	return a->seq == b->seq && a->ack == b->ack && a->window == b->window &&
	    (a->flags & mask) == (b->flags & mask);
}

/* b, which was sent, can be what arrived as a: by time and by TTL. */
static bool
proof_can_be(const struct compare *c, const struct compare_reset *a,
    const struct compare_reset *b)
{
	int hops = c->hops[a->vantage == 0];
	int64_t lo, hi;

	if (proof_find_time(c, a, &lo, &hi) &&
	    (b->unix_ns > hi || b->unix_ns < lo - PROOF_OLD_NS))
		return false;
	if (hops < 0)
		return b->ttl >= a->ttl;
	return abs(b->ttl - a->ttl - hops) <= PROOF_TTL_OFF;
}

/* The first reset that the same end sent at the other vantage. */
static uint32_t
proof_first_sent(const struct compare *c, const struct compare_reset *r)
{
	const struct compare_side *s = &c->sides[!r->vantage];

	return s->flows[s->flows[proof_flow_of(c, r)->match].root].resets;
}

static bool
proof_is_sender(const struct compare *c, const struct compare_reset *r,
    const struct compare_reset *b)
{
	return b->half == (r->half ^ (int)proof_flow_of(c, r)->flipped);
}

/* Marks pairs: one that was received, and the one that was sent. */
static void
proof_pair(struct compare *c, struct compare_reset *r)
{
	int looks = 0;

	if (!proof_is_received(c, r))
		return;
	for (uint32_t i = proof_first_sent(c, r);
	     i != COMPARE_NONE && looks < PROOF_LOOKS;
	     i = c->resets[i].next, looks++) {
		struct compare_reset *b = &c->resets[i];

		if (!proof_is_sender(c, r, b) || !proof_is_same(r, b) ||
		    !proof_can_be(c, r, b))
			continue;
		b->arrived = true;
		r->elsewhere = (struct rst_elsewhere){
		    .shows = RST_SHOWS_SENT, .ttl = b->ttl};
		r->elsewhere.file_before = r->elsewhere.file_after = b->file;
		r->elsewhere.frame_before = r->elsewhere.frame_after = b->frame;
		return;
	}
}

/*
 * Another reset of that sender, at that time, that is not known to have
 * arrived: something on the way may have rewritten it.
 */
static bool
proof_may_be_rewritten(const struct compare *c, const struct query *q)
{
	const struct compare_reset *r = &c->resets[q->reset];
	int looks = 0;

	for (uint32_t i = proof_first_sent(c, r);
	     i != COMPARE_NONE && looks < PROOF_LOOKS;
	     i = c->resets[i].next, looks++) {
		const struct compare_reset *b = &c->resets[i];

		if (!proof_is_sender(c, r, b) || b->unix_ns > q->hi ||
		    b->unix_ns < q->lo)
			continue;
		if (proof_is_same(r, b) || !b->arrived)
			return true;
	}
	return looks == PROOF_LOOKS;
}

static int
proof_by_value(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a > b) - (a < b);
}

static bool
proof_is_lossy(const struct compare_side *s, int64_t from, int64_t to)
{
	uint32_t lo = 0, hi = s->n_holes;

	from = from / CLOCK_S - 1;
	to = to / CLOCK_S + 1;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->holes[mid] < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return s->lossy || (lo < s->n_holes && s->holes[lo] <= to);
}

/* Bytes of the sender arrived that its own capture does not have. */
static bool
proof_lacks_bytes(const struct compare *c, const struct compare_reset *r,
    const struct compare_flow *there)
{
	const struct compare_flow *here = proof_flow_of(c, r);
	const struct compare_half *got = &here->half[r->half];
	const struct compare_half *sent =
	    &there->half[r->half ^ (int)here->flipped];

	if (!got->seen)
		return false;
	return !sent->seen || seq_after(got->seq_next, sent->seq_next);
}

static bool
proof_is_newer(const struct mark *a, const struct mark *b)
{
	return a->frame != 0 && (b->frame == 0 || a->unix_ns > b->unix_ns);
}

/* The nearest packets of the sender; false where that says nothing. */
static bool
proof_find_bracket(const struct query *q, const struct compare_flow *there,
    struct mark *before, struct mark *after)
{
	bool began = q->has_host && q->host_first <= q->lo;

	*before = q->before[proof_is_newer(&q->before[1], &q->before[0])];
	*after = q->after[0];
	if (after->frame == 0 || proof_is_newer(after, &q->after[1]))
		*after = q->after[1].frame != 0 ? q->after[1] : *after;
	for (int h = 0; h < 2; h++)
		began |= there->half[h].opens ||
		    (there->half[h].seen && there->half[h].first_ns <= q->lo);
	return began && before->frame != 0 && after->frame != 0 &&
	    after->unix_ns - before->unix_ns <= PROOF_BRACKET_NS;
}

static void
proof_prove(struct compare *c, const struct query *q)
{
	struct compare_reset *r = &c->resets[q->reset];
	const struct compare_side *s = &c->sides[!r->vantage];
	const struct compare_flow *there = &s->flows[q->flow];
	struct mark before, after;

	if (r->elsewhere.shows != RST_SHOWS_NOTHING || c->resets_full ||
	    there->hole || proof_lacks_bytes(c, r, there) ||
	    proof_may_be_rewritten(c, q) ||
	    !proof_find_bracket(q, there, &before, &after) ||
	    proof_is_lossy(s, before.unix_ns, after.unix_ns))
		return;
	r->elsewhere = (struct rst_elsewhere){.shows = RST_SHOWS_NEVER_SENT,
	    .file_before = before.file,
	    .frame_before = before.frame,
	    .file_after = after.file,
	    .frame_after = after.frame};
}

void
compare_proof_finish(struct compare_proof *p)
{
	for (int v = 0; v < 2; v++)
		if (p->c->sides[v].n_holes > 0)
			qsort(p->c->sides[v].holes, p->c->sides[v].n_holes,
			    sizeof(p->c->sides[v].holes[0]), proof_by_value);
	for (uint32_t i = 0; i < p->c->n_resets; i++)
		proof_pair(p->c, &p->c->resets[i]);
	for (uint32_t i = 0; i < p->n_queries; i++)
		proof_prove(p->c, &p->queries[i]);
}
