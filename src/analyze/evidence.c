/*
 * The packets behind verdicts, out of a second pass over the captures: of
 * connections with a reset that is forged, or may be, how each began and what
 * went on around the reset.  Bounded; each group has some of its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/hash.h>
#include <rsthop/pkt.h>

#include "evidence.h"
#include "pass.h"

#define EVIDENCE_CONNS 256
/* Connections of a group, before more of the same group get room. */
#define EVIDENCE_EACH_GROUP 8
#define EVIDENCE_BEGINNING  32 /* packets of a connection */
#define EVIDENCE_AROUND_NS  (5 * CLOCK_S)

struct conn {
	struct endpoint client, server;
	int64_t from_ns, to_ns; /* all that passes then is kept */
	uint64_t begun;		/* packets since its SYN */
};

/* A packet with something to be said of it. */
struct noted {
	uint64_t frame;
	uint32_t file;
	bool is_trigger;
	const struct analysis_reset *reset;
};

struct gathering {
	const struct analyze_input *in;
	struct analysis *out;
	uint64_t seed;
	size_t n;
	struct conn conns[EVIDENCE_CONNS];
	struct hash_index by_ends;
	size_t n_noted;
	struct noted *noted; /* owned; by file and frame */
};

/* --- which connections --- */

static uint64_t
evidence_hash(const struct gathering *g, const struct endpoint *c,
    const struct endpoint *s)
{
	return endpoint_hash(endpoint_hash(g->seed, c), s);
}

static struct conn *
evidence_find(
    struct gathering *g, const struct endpoint *c, const struct endpoint *s)
{
	uint64_t h = evidence_hash(g, c, s);
	uint32_t at = 0, i;

	while ((i = hash_index_next(&g->by_ends, h, &at)) != HASH_NONE)
		if (endpoint_equal(&g->conns[i].client, c) &&
		    endpoint_equal(&g->conns[i].server, s))
			return &g->conns[i];
	return NULL;
}

static int
evidence_add(struct gathering *g, const struct analysis_reset *r)
{
	uint64_t h = evidence_hash(g, &r->client, &r->server);

	if (hash_index_add(&g->by_ends, h, (uint32_t)g->n) != 0)
		return -1;
	g->conns[g->n++] = (struct conn){.client = r->client,
	    .server = r->server,
	    .from_ns = r->unix_ns - EVIDENCE_AROUND_NS,
	    .to_ns = r->unix_ns + EVIDENCE_AROUND_NS};
	return 0;
}

static void
evidence_widen(struct conn *c, const struct analysis_reset *r)
{
	if (r->unix_ns - EVIDENCE_AROUND_NS < c->from_ns)
		c->from_ns = r->unix_ns - EVIDENCE_AROUND_NS;
	if (r->unix_ns + EVIDENCE_AROUND_NS > c->to_ns)
		c->to_ns = r->unix_ns + EVIDENCE_AROUND_NS;
}

/* Those of one ruling; of each group so many at most. */
static int
evidence_choose(struct gathering *g, enum rst_ruling ruling, uint32_t each,
    uint32_t *by_group)
{
	struct analysis *a = g->out;

	for (size_t i = 0; i < a->n_resets && g->n < EVIDENCE_CONNS; i++) {
		const struct analysis_reset *r = &a->resets[i];

		if (r->verdict.ruling != ruling || by_group[r->group] >= each ||
		    evidence_find(g, &r->client, &r->server) != NULL)
			continue;
		by_group[r->group]++;
		if (evidence_add(g, r) != 0)
			return -1;
	}
	return 0;
}

/* Forged ones first, and of each kind some before many of one. */
static int
evidence_choose_all(struct gathering *g, struct fault *f)
{
	static const enum rst_ruling rulings[] = {RST_FORGED, RST_UNDETERMINED};
	uint32_t *by_group = calloc(g->out->n_groups + 1, sizeof(*by_group));
	int rc = 0;

	if (by_group == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (size_t i = 0; i < 2 && rc == 0; i++)
		rc = evidence_choose(
		    g, rulings[i], EVIDENCE_EACH_GROUP, by_group);
	for (size_t i = 0; i < 2 && rc == 0; i++)
		rc = evidence_choose(g, rulings[i], UINT32_MAX, by_group);
	free(by_group);
	return rc == 0 ? 0 : fault(f, FAULT_SYSTEM, "out of memory");
}

/* --- what is to be said of packets --- */

static int
evidence_by_place(const void *x, const void *y)
{
	const struct noted *a = x, *b = y;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return (a->frame > b->frame) - (a->frame < b->frame);
}

/* Of all resets of the chosen connections; those of the others are counted. */
static int
evidence_note_resets(struct gathering *g, struct fault *f)
{
	struct analysis *a = g->out;

	g->noted = calloc(2 * a->n_resets + 1, sizeof(*g->noted));
	if (g->noted == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (size_t i = 0; i < a->n_resets; i++) {
		const struct analysis_reset *r = &a->resets[i];
		struct conn *c = evidence_find(g, &r->client, &r->server);

		if (c == NULL) {
			a->evidence_lacks += r->verdict.ruling != RST_GENUINE;
			continue;
		}
		g->noted[g->n_noted++] = (struct noted){
		    .frame = r->frame, .file = r->file, .reset = r};
		if (r->verdict.ruling == RST_GENUINE)
			continue;
		evidence_widen(c, r);
		if (r->trigger_frame != 0)
			g->noted[g->n_noted++] =
			    (struct noted){.frame = r->trigger_frame,
				.file = r->trigger_file,
				.is_trigger = true,
				.reset = r};
	}
	qsort(g->noted, g->n_noted, sizeof(g->noted[0]), evidence_by_place);
	return 0;
}

static void
evidence_write_note(const struct gathering *g, const struct capture_packet *p,
    char *out, size_t size)
{
	struct noted key = {.frame = p->frame, .file = p->file};
	const struct noted *n = bsearch(
	    &key, g->noted, g->n_noted, sizeof(g->noted[0]), evidence_by_place);
	const struct rst_verdict *v;
	size_t at;

	out[0] = '\0';
	if (n == NULL)
		return;
	v = &n->reset->verdict;
	if (n->is_trigger) {
		snprintf(out, size,
		    "frame %" PRIu64 ": the reset of frame %" PRIu64
		    " answers this",
		    p->frame, n->reset->frame);
		return;
	}
	at = (size_t)snprintf(out, size, "frame %" PRIu64 ": %s, %s", p->frame,
	    rst_ruling_name(v->ruling), rst_kind_name(v->kind));
	for (size_t i = 0; i < v->n_reasons && i < 3 && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s",
		    i > 0 ? ", " : ": ", v->reasons[i].code);
}

/* --- packets --- */

/* By itself or, of an ICMP error, by what it quotes. */
static struct conn *
evidence_find_conn(struct gathering *g, const struct pkt *p)
{
	struct endpoint a, b;
	struct conn *c;

	if ((p->has & PKT_HAS_TCP) != 0) {
		a = (struct endpoint){p->ip.src, p->tcp.sport};
		b = (struct endpoint){p->ip.dst, p->tcp.dport};
	} else if ((p->has & PKT_HAS_QUOTE) != 0 && p->quote.has_ports &&
	    p->quote.ip.proto == PKT_PROTO_TCP) {
		a = (struct endpoint){p->quote.ip.src, p->quote.sport};
		b = (struct endpoint){p->quote.ip.dst, p->quote.dport};
	} else {
		return NULL;
	}
	c = evidence_find(g, &a, &b);
	return c != NULL ? c : evidence_find(g, &b, &a);
}

static void
evidence_see(struct gathering *g, const struct pass_packet *q)
{
	char note[sizeof(g->out->evidence.packets->note)];
	const struct capture_packet *cp = &q->cp;
	const struct pkt *p = &q->pkt;
	struct conn *c = evidence_find_conn(g, p);

	if (c == NULL)
		return;
	if ((p->has & PKT_HAS_TCP) != 0 &&
	    (p->tcp.flags & (PKT_TH_SYN | PKT_TH_ACK)) == PKT_TH_SYN)
		c->begun = 0;
	if (c->begun++ >= EVIDENCE_BEGINNING &&
	    (cp->unix_ns < c->from_ns || cp->unix_ns > c->to_ns))
		return;
	evidence_write_note(g, cp, note, sizeof(note));
	result_keep(&g->out->evidence, cp->unix_ns, cp->link, cp->data, cp->len,
	    cp->wire_len, note);
}

static int
evidence_see_handful(
    void *ctx, const struct pass_packet *p, size_t n, struct fault *f)
{
	(void)f;
	for (size_t i = 0; i < n; i++)
		evidence_see(ctx, &p[i]);
	return 0;
}

/* What is damaged was told in the first pass. */
static int
evidence_read_again(struct gathering *g, struct fault *f)
{
	struct pass_sink sink = {.ctx = g, .see = evidence_see_handful};

	if (g->in->again(g->in->ctx, f) != 0)
		return -1;
	return pass_run(g->in, &sink, g->out->n_files, &g->out->interrupted, f);
}

int
evidence_gather(const struct analyze_ask *ask, const struct analyze_input *in,
    struct analysis *out, struct fault *f)
{
	struct gathering *g;
	int rc = -1;

	if (!ask->evidence || in->again == NULL || out->interrupted != 0)
		return 0;
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	g->in = in;
	g->out = out;
	g->seed = ask->hash_seed;
	if (evidence_choose_all(g, f) != 0 || evidence_note_resets(g, f) != 0)
		goto out;
	rc = 0;
	if (g->n == 0)
		goto out;
	rc = evidence_read_again(g, f);
out:
	hash_index_free(&g->by_ends);
	free(g->noted);
	free(g);
	return rc;
}
