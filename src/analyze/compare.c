/*
 * Two vantages compared: the passes over their captures, and what is made
 * known of them.
 */
#define _GNU_SOURCE /* qsort_r */
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "compare_index.h"
#include "compare_match.h"
#include "compare_proof.h"
#include "pass.h"

#define COMPARE_PLACES 16 /* brackets of the device that are told apart */

/* --- what is compared --- */

/* 1 by the user's word, 2 by the files themselves, 0 not at all. */
static int
compare_is_wanted(const struct analyze_ask *ask)
{
	size_t n[ANALYSIS_VANTAGE_SERVER + 1] = {0};

	for (size_t i = 0; i < ask->n_paths; i++)
		n[ask->paths[i].vantage]++;
	if (n[ANALYSIS_VANTAGE_CLIENT] > 0 && n[ANALYSIS_VANTAGE_SERVER] > 0)
		return 1;
	return ask->n_paths == 2 && n[ANALYSIS_VANTAGE_ANY] == 2 ? 2 : 0;
}

/* -1: of neither. */
static int
compare_vantage_of(const struct compare *c, uint32_t file)
{
	if (c->by_file)
		return (int)file ^ (int)c->swapped;
	switch (c->out->files[file].vantage) {
	case ANALYSIS_VANTAGE_CLIENT:
		return 0;
	case ANALYSIS_VANTAGE_SERVER:
		return 1;
	case ANALYSIS_VANTAGE_ANY:
		break;
	}
	return -1;
}

/* --- a pass --- */

/* Where the packets of a pass go: to the index, in the second to the proof. */
struct reading {
	struct compare *c;
	struct compare_proof *p; /* NULL in the first */
};

static int
compare_see(
    const struct reading *r, const struct pass_packet *p, struct fault *f)
{
	int vantage = compare_vantage_of(r->c, p->cp.file);
	struct flow_seen s = {.unix_ns = p->unix_ns,
	    .file = p->cp.file,
	    .frame = p->cp.frame,
	    .pkt = &p->pkt};

	/* Stamps beyond all bounds tell nothing of the clocks. */
	if (vantage < 0 || p->unix_ns != p->cp.unix_ns)
		return 0;
	if (r->p == NULL)
		return compare_index_see(r->c, vantage, &s, f);
	compare_proof_see(r->p, vantage, &s);
	return 0;
}

static int
compare_see_handful(
    void *ctx, const struct pass_packet *p, size_t n, struct fault *f)
{
	for (size_t i = 0; i < n; i++)
		if (compare_see(ctx, &p[i], f) != 0)
			return -1;
	return 0;
}

/* p: NULL in the first pass.  Damage is told when they are judged. */
static int
compare_read_packets(struct compare *c, const struct analyze_input *in,
    struct compare_proof *p, struct fault *f)
{
	struct reading r = {.c = c, .p = p};
	struct pass_sink sink = {.ctx = &r, .see = compare_see_handful};

	return pass_run(in, &sink, c->out->n_files, &c->out->interrupted, f);
}

/* --- whose vantage is whose --- */

static void
compare_forget_matches(struct compare *c)
{
	for (int v = 0; v < 2; v++)
		for (uint32_t i = 0; i < c->sides[v].n_flows; i++) {
			struct compare_flow *fl = &c->sides[v].flows[i];

			fl->match = COMPARE_NONE;
			fl->flipped = fl->sided = false;
			fl->has_lo = fl->has_hi = false;
		}
	c->n_flows = 0;
	c->nat = c->has_offset = false;
	c->reversed = c->sided_ttl = c->against = 0;
}

/* Two files: the client's is that where most connections leave. */
static int
compare_turn_round(struct compare *c, struct fault *f)
{
	struct compare_side s = c->sides[0];

	compare_forget_matches(c);
	c->sides[0] = c->sides[1];
	c->sides[1] = s;
	for (uint32_t i = 0; i < c->n_resets; i++)
		c->resets[i].vantage ^= 1;
	c->swapped = !c->swapped;
	return compare_match(c, f);
}

/* False where the files do not show one path from two places. */
static int
compare_settle_vantages(struct compare *c, bool *useful, struct fault *f)
{
	*useful = c->n_flows > 0;
	if (!c->by_file || !*useful)
		return 0;
	*useful = c->sided_ttl > c->against;
	if (*useful && 2 * c->reversed > c->sided_ttl &&
	    compare_turn_round(c, f) != 0)
		return -1;
	for (uint32_t i = 0; i < 2 && *useful; i++)
		c->out->files[i].vantage = compare_vantage_of(c, i) == 0
		    ? ANALYSIS_VANTAGE_CLIENT
		    : ANALYSIS_VANTAGE_SERVER;
	return 0;
}

/* --- what is known of it --- */

static void
compare_tell(const struct compare *c, struct analysis *a)
{
	struct analysis_compared *k = &a->compared;

	k->done = true;
	k->flows = c->n_flows;
	k->nat = c->nat;
	k->path_hops = c->hops[0] >= 0 ? c->hops[0] : c->hops[1];
	k->offset_error_ns = -1;
	if (c->has_offset) {
		int64_t span = c->offset_hi - c->offset_lo;

		k->offset_ns = c->offset_lo + span / 2;
		k->offset_error_ns = span - span / 2;
	} else
		result_note(&a->notes,
		    "The clocks of the two captures could not be compared: no "
		    "packets of both directions are in both. Nothing is proven "
		    "never sent.");
	if (c->sides[0].full || c->sides[1].full)
		result_note(&a->notes,
		    "Only the first %u connections of each vantage were "
		    "compared.",
		    (unsigned int)c->max_flows);
	if (c->resets_full)
		result_note(&a->notes,
		    "More than %d resets: none is proven never sent.",
		    COMPARE_RESETS);
}

static int
compare_by_frame(const void *x, const void *y, void *ctx)
{
	const struct compare_reset *r = ctx;
	const struct compare_reset *a = &r[*(const uint32_t *)x];
	const struct compare_reset *b = &r[*(const uint32_t *)y];

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return (a->frame > b->frame) - (a->frame < b->frame);
}

static int
compare_order_resets(struct compare *c, struct fault *f)
{
	c->order = calloc((size_t)c->n_resets + 1, sizeof(*c->order));
	if (c->order == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (uint32_t i = 0; i < c->n_resets; i++)
		c->order[i] = i;
	qsort_r(c->order, c->n_resets, sizeof(*c->order), compare_by_frame,
	    c->resets);
	return 0;
}

static int
compare_run_passes(struct compare *c, const struct analyze_input *in,
    bool *useful, struct fault *f)
{
	struct compare_proof *p = NULL;
	int rc = -1;

	if (compare_read_packets(c, in, NULL, f) != 0 ||
	    compare_match(c, f) != 0 ||
	    compare_settle_vantages(c, useful, f) != 0 ||
	    in->again(in->ctx, f) != 0)
		return -1;
	if (!*useful || c->out->interrupted != 0)
		return 0;
	if (compare_proof_new(c, &p, f) != 0)
		return -1;
	if (compare_read_packets(c, in, p, f) != 0)
		goto out;
	compare_proof_finish(p);
	if (in->again(in->ctx, f) != 0)
		goto out;
	rc = compare_order_resets(c, f);
out:
	compare_proof_free(p);
	return rc;
}

int
compare_new(const struct analyze_ask *ask, const struct analyze_input *in,
    struct analysis *a, struct compare **out, struct fault *f)
{
	struct compare *c;
	int wanted = compare_is_wanted(ask);
	bool useful = false;

	*out = NULL;
	if (wanted != 0 && in->again == NULL) {
		if (wanted == 1)
			result_note(&a->notes,
			    "The two vantages were not compared: that takes "
			    "regular files, which can be read again.");
		return 0;
	}
	if (wanted == 0)
		return 0;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	c->seed = ask->hash_seed;
	c->max_flows = ask->max_flows != 0 && ask->max_flows < COMPARE_FLOWS
	    ? ask->max_flows
	    : COMPARE_FLOWS;
	c->by_file = wanted == 2;
	c->out = a;
	if (compare_run_passes(c, in, &useful, f) != 0) {
		compare_free(c);
		return -1;
	}
	if (useful && a->interrupted == 0) {
		compare_tell(c, a);
		*out = c;
		return 0;
	}
	if (!c->by_file && a->interrupted == 0)
		result_note(&a->notes,
		    "The two vantages were not compared: no connection is in "
		    "both.");
	compare_free(c);
	return 0;
}

void
compare_free(struct compare *c)
{
	if (c == NULL)
		return;
	for (int v = 0; v < 2; v++) {
		free(c->sides[v].flows);
		free(c->sides[v].holes);
		hash_index_free(&c->sides[v].by_key);
	}
	free(c->resets);
	free(c->order);
	free(c);
}

/* --- as they are judged --- */

static struct compare_reset *
analyze_compare_find(const struct compare *c, uint32_t file, uint64_t frame)
{
	size_t lo = 0, hi = c->n_resets;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		struct compare_reset *r = &c->resets[c->order[mid]];

		if (r->file == file && r->frame == frame)
			return r;
		if (r->file < file || (r->file == file && r->frame < frame))
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct rst_elsewhere *
compare_find(const struct compare *c, uint32_t file, uint64_t frame)
{
	const struct compare_reset *r;

	r = c != NULL ? analyze_compare_find(c, file, frame) : NULL;
	return r != NULL && r->elsewhere.shows != RST_SHOWS_NOTHING
	    ? &r->elsewhere
	    : NULL;
}

/*
 * Routers that the reset traversed, by its TTL.  A reset toward the server with
 * the TTL of the client's own packets looks as if it came all the way.
 */
static int
compare_traversed_by(const struct compare *c, const struct analysis_reset *r)
{
	if (r->verdict.traversed >= 0 || r->to_client ||
	    r->verdict.sender_ttl == 0 || r->ttl != r->verdict.sender_ttl)
		return r->verdict.traversed;
	return c->hops[0];
}

void
compare_see_judged(struct compare *c, const struct analysis_reset *r)
{
	const struct compare_reset *k;
	struct compare_flow *fl;
	int traversed;

	if (c == NULL || r->elsewhere.shows != RST_SHOWS_NEVER_SENT)
		return;
	c->never_sent++;
	k = analyze_compare_find(c, r->file, r->frame);
	traversed = compare_traversed_by(c, r);
	if (r->verdict.ruling != RST_FORGED || traversed < 0 || k == NULL)
		return;
	fl = &c->sides[k->vantage].flows[k->flow];
	if (k->vantage == 1)
		fl = &c->sides[0].flows[fl->match];
	if (fl->traversed[k->vantage] == 0 && traversed < 255)
		fl->traversed[k->vantage] = (uint8_t)(1 + traversed);
}

/* --- where the device is --- */

struct bracket {
	int lo, hi;
	uint64_t n;
};

/*
 * A reset toward the client traversed `near` routers, one toward the server
 * `far`; `hops` routers lie between the vantages.  With its own initial TTL,
 * a device on the wire before hop h has near = h - 1, far = hops - h + 1; one
 * in router h has far = hops - h.  A copy of the trigger's TTL looks as if it
 * came from the client: far = hops, and near counts the way there and back
 * (PHYSICS section 1).
 */
static bool
compare_find_bracket(int near, int far, int hops, struct bracket *b)
{
	b->lo = near + 1;
	b->hi = near + far >= hops ? near + 1 : hops - far;
	b->n = 1;
	if (near + far <= hops)
		return true;
	b->lo = b->hi = near / 2 + 1;
	return far == hops && b->lo <= hops + 1;
}

static void
compare_add_bracket(struct bracket *all, size_t *n, const struct bracket *b)
{
	for (size_t i = 0; i < *n; i++)
		if (all[i].lo == b->lo && all[i].hi == b->hi) {
			all[i].n++;
			return;
		}
	if (*n < COMPARE_PLACES)
		all[(*n)++] = *b;
}

void
compare_finish(const struct compare *c, struct analysis *out)
{
	struct bracket all[COMPARE_PLACES], b;
	uint64_t best = 0;
	size_t n = 0;

	if (c == NULL)
		return;
	out->compared.never_sent = c->never_sent;
	for (uint32_t i = 0; i < c->sides[0].n_flows; i++) {
		const struct compare_flow *fl = &c->sides[0].flows[i];

		if (fl->traversed[0] != 0 && fl->traversed[1] != 0 &&
		    out->compared.path_hops >= 0 &&
		    compare_find_bracket(fl->traversed[0] - 1,
			fl->traversed[1] - 1, out->compared.path_hops, &b))
			compare_add_bracket(all, &n, &b);
	}
	for (size_t i = 0; i < n; i++)
		if (all[i].n > best) {
			best = all[i].n;
			out->compared.hop_lo = all[i].lo;
			out->compared.hop_hi = all[i].hi;
		}
}
