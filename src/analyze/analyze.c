/*
 * Captures to judged resets: one pass, each packet once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/vec.h>

#include "compare.h"
#include "evidence.h"
#include "groups.h"
#include "pass.h"
#include "probes.h"
#include "vendors.h"

#define ANALYZE_TRIGGER_GENUINE 64 /* bytes kept of a genuine one's trigger */
/* Bytes kept of all flows' data. */
#define ANALYZE_PAYLOADS ((size_t)16 << 20)
#define ANALYZE_VANTAGES (ANALYSIS_VANTAGE_SERVER + 1)

struct job;

/* What was captured at one vantage: its connections are its own. */
struct side {
	struct job *job;
	struct flow_table *flows; /* NULL until its first packet */
	struct rst_crowd *crowd;
};

/* A packet under way, beside what the pass has of it. */
struct taken {
	struct flow_seen seen;
	struct flow_table *flows;
	struct flow_hint hint;
};

struct job {
	const struct analyze_ask *ask;
	const struct analyze_input *in;
	struct analysis *out;
	struct side sides[ANALYZE_VANTAGES];
	struct passed *passed;
	struct groups *groups;
	struct probes *probes;
	struct vendors *vendors;
	struct compare *compare; /* NULL: one vantage */
	size_t cap_resets;
	struct taken taken[PASS_HANDFUL];
};

/* --- one reset --- */

static int
analyze_keep_trigger(struct analysis_reset *a, const struct flow_reset *r)
{
	size_t max = a->verdict.ruling == RST_GENUINE ? ANALYZE_TRIGGER_GENUINE
						      : ANALYSIS_TRIGGER;

	a->trigger_frame = r->trigger.frame;
	a->trigger_file = r->trigger.file;
	a->trigger_wire = r->trigger.len;
	if (r->trigger.frame != 0)
		a->trigger_ns = r->mark.unix_ns - r->trigger.unix_ns;
	if (r->payload_len == 0)
		return 0;
	a->trigger_len = r->payload_len < max ? r->payload_len : max;
	a->trigger = malloc(a->trigger_len);
	if (a->trigger == NULL)
		return -1;
	memcpy(a->trigger, r->payload, a->trigger_len);
	return 0;
}

static void
analyze_fill_reset(
    struct job *j, const struct flow_reset *r, struct analysis_reset *a)
{
	a->file = r->mark.file;
	a->frame = r->mark.frame;
	a->unix_ns = r->mark.unix_ns;
	a->client = r->client;
	a->server = r->server;
	a->to_client = r->to_client;
	a->ttl = r->mark.ttl;
	a->tos = r->mark.tos;
	a->flags = r->mark.flags;
	a->has_ip_id = r->has_id;
	a->ip_id = r->mark.id;
	a->df = r->mark.df;
	a->window = r->mark.window;
	a->seq = r->mark.seq;
	a->ack = r->mark.ack;
	a->copies = r->copies;
	a->has_mac = r->has_mac;
	if (!r->has_mac)
		return;
	memcpy(a->mac, r->mac_src, ADDR_MAC);
	a->vendor = vendors_find(j->vendors, j->out, a->mac);
}

static void
analyze_count_ruling(struct analysis *out, enum rst_ruling r)
{
	switch (r) {
	case RST_GENUINE:
		out->genuine++;
		return;
	case RST_FORGED:
		out->forged++;
		return;
	case RST_UNDETERMINED:
		out->undetermined++;
		return;
	}
}

/* Words grow by doubling: many resets would hold twice what they need. */
static void
analyze_trim_words(struct rst_verdict *v)
{
	const char *was = v->words;
	size_t size = 0;
	char *words;

	for (size_t i = 0; i < v->n_reasons; i++) {
		const char *s = v->reasons[i].text;
		size_t end = (size_t)(s - was) + strlen(s) + 1;

		size = end > size ? end : size;
	}
	words = size > 0 ? malloc(size) : NULL;
	if (words == NULL)
		return;
	memcpy(words, was, size);
	for (size_t i = 0; i < v->n_reasons; i++)
		v->reasons[i].text = words + (v->reasons[i].text - was);
	free(v->words);
	v->words = words;
}

/* Takes what *a owns, or lets go of it. */
static int
analyze_keep_reset(struct job *j, struct analysis_reset *a, struct fault *f)
{
	struct analysis *out = j->out;

	if (out->n_resets >= j->ask->max_resets) {
		out->resets_left_out++;
		analysis_reset_free(a);
		return 0;
	}
	if (VEC_ROOM(out->resets, out->n_resets, j->cap_resets) != 0) {
		analysis_reset_free(a);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	analyze_trim_words(&a->verdict);
	out->resets[out->n_resets++] = *a;
	return 0;
}

/* Those which still wait then are not judged any more. */
static bool
analyze_is_enough(void *ctx)
{
	const struct job *j = ctx;
	const struct analysis *a = j->out;

	return j->ask->max_judged != 0 &&
	    a->forged + a->genuine + a->undetermined >= j->ask->max_judged;
}

static int
analyze_on_reset(void *ctx, const struct flow_reset *r, struct fault *f)
{
	struct side *s = ctx;
	struct job *j = s->job;
	const struct rst_elsewhere *other =
	    compare_find(j->compare, r->mark.file, r->mark.frame);
	struct analysis_reset a = {0};

	if (analyze_is_enough(j))
		return 0;
	if (other != NULL)
		a.elsewhere = *other;
	a.elsewhere.expired_ttl = probes_expired_ttl(j->probes, r);
	rst_crowd_see(s->crowd, r);
	if (rst_judge(r, s->crowd, &a.elsewhere, &a.verdict, f) != 0)
		return -1;
	probes_judge(j->probes, r, a.verdict.ruling);
	analyze_fill_reset(j, r, &a);
	compare_see_judged(j->compare, &a);
	if (analyze_keep_trigger(&a, r) != 0) {
		fault(f, FAULT_SYSTEM, "out of memory");
		goto fail;
	}
	if (groups_add(j->groups, r, &a, f) != 0)
		goto fail;
	analyze_count_ruling(j->out, a.verdict.ruling);
	if (j->ask->reset != NULL &&
	    j->ask->reset(j->ask->ctx, j->out, &a, f) != 0)
		goto fail;
	return analyze_keep_reset(j, &a, f);
fail:
	analysis_reset_free(&a);
	return -1;
}

static void
analyze_on_data(void *ctx, const struct flow_data *d)
{
	struct job *j = ((struct side *)ctx)->job;
	struct trigger t;

	if (!d->begins || d->len == 0 || d->mark.ttl <= PASSED_PROBE_TTL)
		return;
	trigger_parse(d->payload, d->len, d->mark.len, &t);
	passed_see(j->passed,
	    passed_id(
		j->passed, d->server, &t, d->payload, d->len, d->mark.len));
}

static int
analyze_on_probe(void *ctx, const struct flow_probe *p, const struct pkt *pkt,
    struct fault *f)
{
	return probes_sent(((struct side *)ctx)->job->probes, p, pkt, f);
}

/* --- packets --- */

static int
analyze_open_side(struct job *j, enum analysis_vantage v, struct fault *f)
{
	struct flow_config cfg = {.payload_bytes = ANALYZE_PAYLOADS,
	    .max_flows = j->ask->max_flows,
	    .settle_ns = j->ask->settle_ns,
	    .max_pending = j->ask->max_pending,
	    .hash_seed = j->ask->hash_seed};
	struct flow_sink sink = {.ctx = &j->sides[v],
	    .reset = analyze_on_reset,
	    .data = analyze_on_data,
	    /* At the server only what did not expire is seen. */
	    .probe_sent =
		v == ANALYSIS_VANTAGE_SERVER ? NULL : analyze_on_probe};

	j->sides[v].job = j;
	if (rst_crowd_new(j->ask->hash_seed, &j->sides[v].crowd, f) != 0)
		return -1;
	return flow_table_new(&cfg, &sink, &j->sides[v].flows, f);
}

static void
analyze_count_packet(struct analysis_file *file, int64_t unix_ns, bool decoded)
{
	if (file->packets == 0 || unix_ns < file->first_unix_ns)
		file->first_unix_ns = unix_ns;
	if (file->packets == 0 || unix_ns > file->last_unix_ns)
		file->last_unix_ns = unix_ns;
	file->packets++;
	file->undecoded += !decoded;
}

/* Counted, and what its connection needs asked for. */
static int
analyze_prepare(struct job *j, const struct pass_packet *p, struct taken *t,
    struct fault *f)
{
	struct analysis_file *file = &j->out->files[p->cp.file];
	struct side *s = &j->sides[file->vantage];

	t->seen = (struct flow_seen){.unix_ns = p->unix_ns,
	    .file = p->cp.file,
	    .frame = p->cp.frame,
	    .pkt = &p->pkt,
	    .hint = &t->hint};
	analyze_count_packet(file, p->unix_ns, (p->pkt.has & PKT_HAS_IP) != 0);
	if (s->flows == NULL && analyze_open_side(j, file->vantage, f) != 0)
		return -1;
	t->flows = s->flows;
	flow_table_expect(t->flows, &p->pkt, &t->hint);
	return 0;
}

static int
analyze_see_packet(struct job *j, struct taken *t, struct fault *f)
{
	enum analysis_vantage v = j->out->files[t->seen.file].vantage;

	if (flow_table_see(t->flows, &t->seen, f) != 0)
		return -1;
	if (v == ANALYSIS_VANTAGE_SERVER)
		return 0;
	return probes_see(j->probes, &t->seen, f);
}

static int
analyze_see_handful(
    void *ctx, const struct pass_packet *p, size_t n, struct fault *f)
{
	struct job *j = ctx;

	for (size_t i = 0; i < n; i++)
		if (analyze_prepare(j, &p[i], &j->taken[i], f) != 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		flow_table_expect_soon(j->taken[i].flows, &j->taken[i].hint);
	for (size_t i = 0; i < n; i++)
		if (analyze_see_packet(j, &j->taken[i], f) != 0)
			return -1;
	return 0;
}

static int
analyze_tick(void *ctx, int64_t unix_ns, struct fault *f)
{
	struct job *j = ctx;

	for (size_t v = 0; v < ANALYZE_VANTAGES; v++)
		if (j->sides[v].flows != NULL &&
		    flow_table_tick(j->sides[v].flows, unix_ns, f) != 0)
			return -1;
	return 0;
}

static void
analyze_say_progress(void *ctx, uint64_t packets)
{
	const struct job *j = ctx;
	char text[96];

	if (j->ask->progress == NULL)
		return;
	snprintf(text, sizeof(text),
	    "%.1f million packets, %" PRIu64 " of %" PRIu64 " resets forged",
	    (double)packets / 1e6, j->out->forged,
	    j->out->forged + j->out->genuine + j->out->undetermined);
	j->ask->progress(j->ask->ctx, text);
}

static void
analyze_note_damage(
    void *ctx, const struct capture_packet *cp, const struct fault *why)
{
	const struct job *j = ctx;
	struct analysis_file *file = &j->out->files[cp->file];

	memcpy(file->damage, why->text, sizeof(file->damage));
	file->damage_frame = cp->frame;
}

static int
analyze_read_packets(struct job *j, struct fault *f)
{
	struct pass_sink sink = {.ctx = j,
	    .see = analyze_see_handful,
	    .tick = analyze_tick,
	    .damage = analyze_note_damage,
	    .is_enough = analyze_is_enough,
	    .progress = analyze_say_progress};

	return pass_run(j->in, &sink, j->out->n_files, &j->out->interrupted, f);
}

/* --- the whole --- */

static void
analyze_add_stats(struct analysis *out, const struct flow_table *t)
{
	struct flow_stats st;

	flow_table_get_stats(t, &st);
	out->flows += st.flows;
	out->flows_aged += st.aged;
	out->flows_dropped += st.evicted;
	out->resets_hurried += st.hurried;
}

static int
analyze_by_time(const void *x, const void *y)
{
	const struct analysis_reset *a = x, *b = y;

	if (a->unix_ns != b->unix_ns)
		return a->unix_ns < b->unix_ns ? -1 : 1;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return (a->frame > b->frame) - (a->frame < b->frame);
}

/* What is pending is judged on what there is, whatever ended the reading. */
static int
analyze_finish(struct job *j, struct fault *f)
{
	int rc = 0;

	for (size_t v = 0; v < ANALYZE_VANTAGES; v++) {
		if (j->sides[v].flows == NULL)
			continue;
		if (!analyze_is_enough(j) &&
		    flow_table_end(j->sides[v].flows, f) != 0)
			rc = -1;
		analyze_add_stats(j->out, j->sides[v].flows);
		/*
		 * Room for the reports: groups hold all that is still needed.
		 */
		flow_table_free(j->sides[v].flows);
		j->sides[v].flows = NULL;
	}
	for (size_t i = 0; i < j->out->n_files; i++)
		j->out->packets += j->out->files[i].packets;
	compare_finish(j->compare, j->out);
	if (groups_finish(j->groups, j->out, rc == 0 ? f : NULL) != 0)
		rc = -1;
	if (probes_finish(j->probes, j->out, rc == 0 ? f : NULL) != 0)
		rc = -1;
	if (j->out->n_resets > 0)
		qsort(j->out->resets, j->out->n_resets,
		    sizeof(j->out->resets[0]), analyze_by_time);
	return rc;
}

static int
analyze_copy_files(
    const struct analyze_ask *ask, struct analysis *out, struct fault *f)
{
	out->files = calloc(ask->n_paths + 1, sizeof(*out->files));
	if (out->files == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (size_t i = 0; i < ask->n_paths; i++) {
		out->files[i].path = strdup(ask->paths[i].path);
		out->files[i].vantage = ask->paths[i].vantage;
		if (out->files[i].path == NULL)
			return fault(f, FAULT_SYSTEM, "out of memory");
		out->n_files++;
	}
	return 0;
}

static int
analyze_open_job(struct job *j, struct fault *f)
{
	const struct analyze_ask *ask = j->ask;

	if (analyze_copy_files(ask, j->out, f) != 0)
		return -1;
	if (passed_new(ask->max_triggers, ask->hash_seed, &j->passed, f) != 0)
		return -1;
	if (vendors_new(j->in, &j->vendors, f) != 0)
		return -1;
	if (probes_new(ask->hash_seed, j->passed, &j->probes, f) != 0)
		return -1;
	return groups_new(ask->hash_seed, j->passed, &j->groups, f);
}

static void
analyze_close_job(struct job *j)
{
	for (size_t v = 0; v < ANALYZE_VANTAGES; v++) {
		flow_table_free(j->sides[v].flows);
		rst_crowd_free(j->sides[v].crowd);
	}
	groups_free(j->groups);
	probes_free(j->probes);
	passed_free(j->passed);
	vendors_free(j->vendors);
	compare_free(j->compare);
}

static int64_t
analyze_now_ns(const struct job *j)
{
	return j->in->now_ns != NULL ? j->in->now_ns(j->in->ctx) : 0;
}

int
analyze_run(const struct analyze_ask *ask, const struct analyze_input *in,
    struct analysis *out, struct fault *f)
{
	struct job j = {.ask = ask, .in = in, .out = out};
	struct fault later = {0};
	int64_t begun = analyze_now_ns(&j);
	int rc = -1;

	memset(out, 0, sizeof(*out));
	out->started_unix_ns = ask->started_unix_ns;
	if (analyze_open_job(&j, f) != 0)
		goto out;
	if (compare_new(ask, in, out, &j.compare, f) != 0)
		goto out;
	rc = analyze_read_packets(&j, f);
	if (analyze_finish(&j, rc == 0 ? f : &later) != 0)
		rc = -1;
	if (rc == 0)
		rc = evidence_gather(ask, in, out, f);
out:
	if (rc != 0 && f != NULL)
		out->trouble = *f;
	out->duration_ns = analyze_now_ns(&j) - begun;
	analyze_close_job(&j);
	return rc;
}
