/*
 * The first pass over two vantages: their connections, packets to know them
 * by, and all resets.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/hash.h>
#include <rsthop/vec.h>

#include "compare_index.h"

#define INDEX_FIRST_DATA   3  /* data packets that are sampled in any case */
#define INDEX_SAMPLE_BYTES 32 /* of the payload: no segment is cut as short */
/* No window is larger (RFC 7323, section 2.3). */
#define INDEX_WINDOW_MAX (UINT32_C(1) << 30)

uint64_t
compare_hash_key(const struct compare *c, const struct flow_key *k)
{
	return endpoint_hash(endpoint_hash(c->seed, &k->src), &k->dst);
}

/* --- connections --- */

/* 1 where the source is the higher endpoint; *k is turned then. */
static int
index_turn_key(struct flow_key *k)
{
	int d = memcmp(k->src.addr.b, k->dst.addr.b, sizeof(k->src.addr.b));

	if (d == 0)
		d = (k->src.port > k->dst.port) - (k->src.port < k->dst.port);
	if (d <= 0)
		return 0;
	*k = flow_key_reverse(k);
	return 1;
}

static struct compare_flow *
index_find_root(const struct compare *c, const struct compare_side *s,
    const struct flow_key *k)
{
	uint64_t h = compare_hash_key(c, k);
	uint32_t at = 0, i;

	while ((i = hash_index_next(&s->by_key, h, &at)) != HASH_NONE)
		if (flow_key_equal(&s->flows[i].key, k))
			return &s->flows[i];
	return NULL;
}

static struct compare_flow *
index_add_flow(struct compare *c, struct compare_side *s,
    const struct flow_key *k, uint32_t root)
{
	uint32_t i = s->n_flows;

	if (VEC_ROOM(s->flows, i, s->cap_flows) != 0 || s->flows == NULL)
		return NULL;
	memset(&s->flows[i], 0, sizeof(s->flows[i]));
	s->flows[i].key = *k;
	s->flows[i].root = root != COMPARE_NONE ? root : i;
	s->flows[i].older =
	    root != COMPARE_NONE ? s->flows[root].newest : COMPARE_NONE;
	s->flows[i].resets = COMPARE_NONE;
	s->flows[i].match = COMPARE_NONE;
	if (root == COMPARE_NONE &&
	    hash_index_add(&s->by_key, compare_hash_key(c, k), i) != 0)
		return NULL;
	s->flows[s->flows[i].root].newest = i;
	s->n_flows++;
	return &s->flows[i];
}

/* A SYN with a number of its own begins another connection. */
static bool
index_begins_anew(
    const struct compare_flow *fl, int half, const struct pkt_tcp *t)
{
	const struct compare_half *h = &fl->half[half];

	if ((t->flags & (PKT_TH_SYN | PKT_TH_ACK)) != PKT_TH_SYN)
		return false;
	if (h->syn)
		return h->isn != t->seq;
	return h->seen || fl->half[!half].seen;
}

/* The packet's connection; NULL with *rc 0: left out. */
static struct compare_flow *
index_find_flow(struct compare *c, struct compare_side *s,
    const struct flow_key *k, int half, const struct pkt_tcp *t, int *rc)
{
	struct compare_flow *root = index_find_root(c, s, k), *fl;

	*rc = 0;
	if (root != NULL &&
	    !index_begins_anew(&s->flows[root->newest], half, t))
		return &s->flows[root->newest];
	if (s->n_flows >= c->max_flows) {
		s->full = true;
		return NULL;
	}
	fl = index_add_flow(c, s, k, root != NULL ? root->root : COMPARE_NONE);
	*rc = fl != NULL ? 0 : -1;
	return fl;
}

/* --- samples --- */

static bool
index_is_worse(const struct compare_sample *a, const struct compare_sample *b)
{
	return a->rank != b->rank ? a->rank > b->rank : a->hash > b->hash;
}

/*
 * Those with the lowest hashes stay, so that both vantages choose alike even
 * where one began later.
 */
static void
index_keep_sample(struct compare_half *h, struct compare_sample *new)
{
	struct compare_sample *worst = NULL;

	for (uint8_t i = 0; i < h->n_samples; i++) {
		struct compare_sample *s = &h->samples[i];

		if (s->hash == new->hash) {
			s->duplicate = true;
			return;
		}
		if (worst == NULL || index_is_worse(s, worst))
			worst = s;
	}
	if (new->rank > 0) {
		new->rank = h->n_data < INDEX_FIRST_DATA ? 1 : 2;
		h->n_data += h->n_data < INDEX_FIRST_DATA;
	}
	if (h->n_samples < COMPARE_SAMPLES)
		h->samples[h->n_samples++] = *new;
	else if (worst != NULL && index_is_worse(worst, new))
		*worst = *new;
}

static void
index_sample(
    const struct compare *c, struct compare_half *h, const struct flow_seen *s)
{
	const struct pkt_tcp *t = &s->pkt->tcp;
	uint32_t want = s->pkt->payload_wire;
	struct compare_sample new = {
	    .unix_ns = s->unix_ns, .ttl = s->pkt->ip.ttl, .rank = 1};
	uint8_t syn = t->flags & (PKT_TH_SYN | PKT_TH_ACK);

	new.hash = hash_bytes(c->seed, &t->seq, sizeof(t->seq));
	if ((t->flags & PKT_TH_SYN) != 0) {
		new.rank = 0;
		new.hash = hash_bytes(new.hash, &syn, sizeof(syn));
		index_keep_sample(h, &new);
		return;
	}
	if (want > INDEX_SAMPLE_BYTES)
		want = INDEX_SAMPLE_BYTES;
	if (want == 0 || s->pkt->payload_len < want)
		return;
	new.hash = hash_bytes(new.hash, s->pkt->payload, want);
	index_keep_sample(h, &new);
}

/* --- what the capture missed --- */

static void
index_note_hole(struct compare_side *s, int64_t unix_ns)
{
	int64_t second = unix_ns / CLOCK_S;

	if (s->n_holes > 0 && s->holes[s->n_holes - 1] == second)
		return;
	if (s->n_holes == COMPARE_HOLES ||
	    VEC_ROOM(s->holes, s->n_holes, s->cap_holes) != 0) {
		s->lossy = true;
		return;
	}
	s->holes[s->n_holes++] = second;
}

/* What is acknowledged and was not seen was lost by the capture. */
static void
index_see_ack(struct compare_side *s, struct compare_flow *fl, int half,
    const struct flow_seen *seen)
{
	const struct pkt_tcp *t = &seen->pkt->tcp;
	struct compare_half *other = &fl->half[!half];
	uint32_t beyond = t->ack - other->seq_next;

	if ((t->flags & PKT_TH_ACK) == 0 || !other->seen || beyond == 0 ||
	    beyond >= INDEX_WINDOW_MAX)
		return;
	fl->hole = true;
	index_note_hole(s, seen->unix_ns);
	other->seq_next = t->ack;
}

static void
index_see_seq(struct compare_half *h, const struct flow_seen *s)
{
	const struct pkt_tcp *t = &s->pkt->tcp;
	uint32_t end = t->seq + s->pkt->payload_wire;

	end += (t->flags & PKT_TH_SYN) != 0;
	end += (t->flags & PKT_TH_FIN) != 0;
	if (!h->seen) {
		h->seen = true;
		h->seq_first = t->seq;
		h->seq_next = end;
		h->first_ns = s->unix_ns;
	} else if (end - h->seq_next < INDEX_WINDOW_MAX) {
		h->seq_next = end;
	}
	if ((t->flags & PKT_TH_SYN) == 0)
		return;
	h->syn = true;
	h->opens = (t->flags & PKT_TH_ACK) == 0;
	h->isn = t->seq;
}

/* --- resets --- */

static int
index_add_reset(struct compare *c, int vantage, struct compare_flow *fl,
    int half, const struct flow_seen *s)
{
	struct compare_side *side = &c->sides[vantage];
	struct compare_flow *root = &side->flows[fl->root];
	const struct pkt_tcp *t = &s->pkt->tcp;

	if (c->n_resets == COMPARE_RESETS) {
		c->resets_full = true;
		return 0;
	}
	if (VEC_ROOM(c->resets, c->n_resets, c->cap_resets) != 0)
		return -1;
	c->resets[c->n_resets] = (struct compare_reset){.unix_ns = s->unix_ns,
	    .frame = s->frame,
	    .file = s->file,
	    .flow = (uint32_t)(fl - side->flows),
	    .next = root->resets,
	    .seq = t->seq,
	    .ack = t->ack,
	    .window = t->window,
	    .flags = t->flags,
	    .ttl = s->pkt->ip.ttl,
	    .vantage = (uint8_t)vantage,
	    .half = (uint8_t)half};
	root->resets = c->n_resets++;
	return 0;
}

int
compare_index_see(
    struct compare *c, int vantage, const struct flow_seen *s, struct fault *f)
{
	struct compare_side *side = &c->sides[vantage];
	struct compare_flow *fl;
	struct flow_key k;
	int half, rc;

	if (!pkt_flow_key(s->pkt, &k))
		return 0;
	half = index_turn_key(&k);
	fl = index_find_flow(c, side, &k, half, &s->pkt->tcp, &rc);
	if (fl != NULL && (s->pkt->tcp.flags & PKT_TH_RST) != 0)
		rc = index_add_reset(c, vantage, fl, half, s);
	if (rc != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (fl == NULL || (s->pkt->tcp.flags & PKT_TH_RST) != 0)
		return 0;
	index_see_ack(side, fl, half, s);
	index_see_seq(&fl->half[half], s);
	index_sample(c, &fl->half[half], s);
	return 0;
}
