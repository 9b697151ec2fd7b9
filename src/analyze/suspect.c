/*
 * Captures to suspects: resets by server and trigger, then the bytes of the
 * best connection of each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/analyze.h>
#include <rsthop/vec.h>

#include "pass.h"
#include "suspect_replay.h"
#include "suspect_stream.h"

#define SUSPECT_WITNESSES 4 /* connections of each that are put together */
#define SUSPECT_LIKE	  3 /* first bytes alike, where no protocol is known */
#define SUSPECT_PORT_BITS 1024 /* a power of two */
#define SUSPECT_IN_TTLS	  256

/* A reset that stands for its connection. */
struct witness {
	const struct analysis_reset *reset;
	struct stream stream;
};

/* Resets with one server and one kind of trigger. */
struct kind {
	struct endpoint server;
	int wanted; /* more is more what was asked for */
	const struct analysis_reset *first; /* the surest of them */
	struct trigger what;
	uint64_t resets, forged, flows;
	uint32_t ttls[SUSPECT_IN_TTLS];
	size_t n_witnesses;
	struct witness witnesses[SUSPECT_WITNESSES];
};

struct job {
	const struct suspect_source *src;
	const struct suspect_ask *ask;
	struct suspects *out;
	size_t n_resets, cap_resets;
	struct analysis_reset *resets; /* owned: those toward clients that are
					* not genuine, without their reasons */
	size_t n_kinds, cap_kinds;
	struct kind **kinds;		  /* owned, each */
	uint8_t ports[SUSPECT_PORT_BITS]; /* that any witness has, mixed */
};

/* --- the first pass --- */

/* Only what may be a suspect is kept: a capture may be full of others. */
static int
suspect_keep_reset(void *ctx, const struct analysis *a,
    const struct analysis_reset *r, struct fault *f)
{
	struct job *j = ctx;
	struct analysis_reset *kept;
	uint8_t *trigger = NULL;

	(void)a;
	if (!r->to_client || r->verdict.ruling == RST_GENUINE ||
	    j->n_resets == ANALYSIS_RESETS)
		return 0;
	if (VEC_ROOM(j->resets, j->n_resets, j->cap_resets) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (r->trigger_len > 0) {
		trigger = malloc(r->trigger_len);
		if (trigger == NULL)
			return fault(f, FAULT_SYSTEM, "out of memory");
		memcpy(trigger, r->trigger, r->trigger_len);
	}
	kept = &j->resets[j->n_resets++];
	*kept = *r;
	kept->trigger = trigger;
	kept->verdict.n_reasons = 0;
	kept->verdict.reasons = NULL;
	kept->verdict.words = NULL;
	return 0;
}

static int
suspect_by_time(const void *x, const void *y)
{
	const struct analysis_reset *a = x, *b = y;

	if (a->unix_ns != b->unix_ns)
		return a->unix_ns < b->unix_ns ? -1 : 1;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return (a->frame > b->frame) - (a->frame < b->frame);
}

static struct analyze_input
suspect_input(const struct suspect_source *src)
{
	return (struct analyze_input){.ctx = src->ctx,
	    .next = src->next,
	    .interrupted = src->interrupted};
}

static int
suspect_judge_all(struct job *j, struct analysis *a, struct fault *f)
{
	struct analyze_input in = suspect_input(j->src);
	struct analyze_ask ask = {.n_paths = j->src->n_names,
	    .hash_seed = j->ask->hash_seed,
	    .ctx = j,
	    .reset = suspect_keep_reset};
	struct analyze_path *paths;
	int rc;

	memset(a, 0, sizeof(*a));
	paths = calloc(j->src->n_names, sizeof(*paths));
	if (paths == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (size_t i = 0; i < j->src->n_names; i++)
		paths[i].path = j->src->names[i];
	ask.paths = paths;
	rc = analyze_run(&ask, &in, a, f);
	free(paths);
	if (rc == 0 && a->interrupted != 0)
		rc = fault_interrupted(f, a->interrupted);
	if (j->n_resets > 0)
		qsort(j->resets, j->n_resets, sizeof(*j->resets),
		    suspect_by_time);
	return rc;
}

static int
suspect_count_all(
    struct suspects *out, const struct analysis *a, struct fault *f)
{
	out->packets = a->packets;
	out->resets = a->forged + a->genuine + a->undetermined;
	out->genuine = a->genuine;
	for (size_t i = 0; i < a->n_groups; i++)
		if (a->groups[i].ruling == RST_GENUINE)
			out->by_kind[a->groups[i].kind] += a->groups[i].resets;
		else if (!a->groups[i].to_client)
			out->toward_server += a->groups[i].resets;
	for (size_t i = 0; i < a->n_files && out->damage[0] == '\0'; i++)
		snprintf(
		    out->damage, sizeof(out->damage), "%s", a->files[i].damage);
	if (a->packets == 0 && out->damage[0] != '\0')
		return fault(f, FAULT_INPUT, "%s", out->damage);
	return 0;
}

/* --- kinds --- */

static bool
suspect_starts_alike(
    const struct analysis_reset *a, const struct analysis_reset *b)
{
	size_t n =
	    a->trigger_len < b->trigger_len ? a->trigger_len : b->trigger_len;

	if (n == 0)
		return a->trigger_len == b->trigger_len;
	return memcmp(a->trigger, b->trigger,
		   n < SUSPECT_LIKE ? n : SUSPECT_LIKE) == 0;
}

static bool
suspect_is_alike(const struct kind *k, const struct analysis_reset *r,
    const struct trigger *t)
{
	if (!endpoint_equal(&k->server, &r->server) ||
	    k->what.protocol != t->protocol)
		return false;
	if (t->protocol == TRIGGER_UNKNOWN)
		return suspect_starts_alike(k->first, r);
	return strcmp(k->what.key, t->key) == 0 &&
	    (t->key[0] != '\0' || strcmp(k->what.command, t->command) == 0);
}

static bool
suspect_has_flow(const struct kind *k, const struct analysis_reset *r)
{
	if (!endpoint_equal(&k->server, &r->server))
		return false;
	for (size_t i = 0; i < k->n_witnesses; i++)
		if (endpoint_equal(&k->witnesses[i].reset->client, &r->client))
			return true;
	return false;
}

/*
 * A reset that answers an acknowledgement is of the same kind as those that
 * answered the data before it.
 */
static struct kind *
suspect_find_kind(
    struct job *j, const struct analysis_reset *r, const struct trigger *t)
{
	for (size_t i = 0; r->trigger_len == 0 && i < j->n_kinds; i++)
		if (suspect_has_flow(j->kinds[i], r))
			return j->kinds[i];
	for (size_t i = 0; i < j->n_kinds; i++)
		if (suspect_is_alike(j->kinds[i], r, t))
			return j->kinds[i];
	return NULL;
}

/* 2: its server is the one asked for; 1: its port is. */
static int
suspect_find_wanted(const struct job *j, const struct endpoint *server)
{
	const struct endpoint *want = &j->ask->server;

	if (want->port != 0 && want->port != server->port)
		return 0;
	if (addr_is_none(&want->addr))
		return want->port != 0;
	if (addr_equal(&want->addr, &server->addr))
		return 2;
	return want->port != 0;
}

/* *out is NULL where there is no room for another. */
static int
suspect_add_kind(struct job *j, const struct analysis_reset *r,
    const struct trigger *t, struct kind **out, struct fault *f)
{
	int wanted = suspect_find_wanted(j, &r->server);
	struct kind *k;

	*out = NULL;
	if (j->n_kinds >= SUSPECTS_KINDS && wanted < 2) {
		j->out->left_out++;
		return 0;
	}
	k = VEC_ROOM(j->kinds, j->n_kinds, j->cap_kinds) == 0
	    ? calloc(1, sizeof(*k))
	    : NULL;
	if (k == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	k->server = r->server;
	k->wanted = wanted;
	k->first = r;
	k->what = *t;
	j->kinds[j->n_kinds++] = k;
	*out = k;
	return 0;
}

/* Which of two resets shows more of what it takes to draw it? */
static bool
suspect_is_better(
    const struct analysis_reset *a, const struct analysis_reset *b)
{
	bool forged = a->verdict.ruling == RST_FORGED;

	if (forged != (b->verdict.ruling == RST_FORGED))
		return forged;
	if ((a->trigger_len > 0) != (b->trigger_len > 0))
		return a->trigger_len > 0;
	return a->verdict.probability > b->verdict.probability;
}

/* One a connection; the poorest gives way where there are many. */
static void
suspect_add_witness(struct kind *k, const struct analysis_reset *r)
{
	struct witness *worst = &k->witnesses[0];

	for (size_t i = 0; i < k->n_witnesses; i++) {
		struct witness *w = &k->witnesses[i];

		if (endpoint_equal(&w->reset->client, &r->client)) {
			if (suspect_is_better(r, w->reset))
				w->reset = r;
			return;
		}
		if (suspect_is_better(worst->reset, w->reset))
			worst = w;
	}
	k->flows++;
	if (k->n_witnesses < SUSPECT_WITNESSES)
		k->witnesses[k->n_witnesses++].reset = r;
	else if (suspect_is_better(r, worst->reset))
		worst->reset = r;
}

static int
suspect_add_reset(
    struct job *j, const struct analysis_reset *r, struct fault *f)
{
	struct trigger t;
	struct kind *k;

	trigger_parse(r->trigger, r->trigger_len, r->trigger_wire, &t);
	k = suspect_find_kind(j, r, &t);
	if (k == NULL && suspect_add_kind(j, r, &t, &k, f) != 0)
		return -1;
	if (k == NULL)
		return 0;
	k->resets++;
	k->forged += r->verdict.ruling == RST_FORGED;
	k->ttls[r->ttl]++;
	if (suspect_is_better(r, k->first))
		k->first = r;
	suspect_add_witness(k, r);
	return 0;
}

/* Those with a trigger first: the others may be of their kinds. */
static int
suspect_add_resets(struct job *j, struct fault *f)
{
	for (int with = 1; with >= 0; with--)
		for (size_t i = 0; i < j->n_resets; i++)
			if ((j->resets[i].trigger_len > 0) == with &&
			    suspect_add_reset(j, &j->resets[i], f) != 0)
				return -1;
	return 0;
}

/* The most plausible first; the earliest where nothing else tells. */
static int
suspect_by_plausibility(const void *x, const void *y)
{
	const struct kind *a = *(struct kind *const *)x;
	const struct kind *b = *(struct kind *const *)y;
	double p = a->first->verdict.probability;
	double q = b->first->verdict.probability;

	if (a->wanted != b->wanted)
		return a->wanted > b->wanted ? -1 : 1;
	if ((a->forged > 0) != (b->forged > 0))
		return a->forged > 0 ? -1 : 1;
	if (a->resets != b->resets)
		return a->resets > b->resets ? -1 : 1;
	if (p < q || p > q)
		return p > q ? -1 : 1;
	if (a->first->unix_ns != b->first->unix_ns)
		return a->first->unix_ns < b->first->unix_ns ? -1 : 1;
	return (a->first->frame > b->first->frame) -
	    (a->first->frame < b->first->frame);
}

/* --- the second pass --- */

static unsigned int
suspect_mix_ports(uint16_t a, uint16_t b)
{
	return (unsigned int)(a ^ b) & (SUSPECT_PORT_BITS - 1);
}

static void
suspect_begin_streams(struct job *j)
{
	for (size_t i = 0; i < j->n_kinds; i++)
		for (size_t w = 0; w < j->kinds[i]->n_witnesses; w++) {
			struct witness *it = &j->kinds[i]->witnesses[w];
			const struct analysis_reset *r = it->reset;

			it->stream.client = r->client;
			it->stream.server = r->server;
			it->stream.reset =
			    (struct stream_mark){r->file, r->frame};
			it->stream.trigger = (struct stream_mark){
			    r->trigger_file, r->trigger_frame};
			it->stream.reset_seq = r->seq;
			it->stream.reset_ack = r->ack;
			it->stream.reset_acks = (r->flags & PKT_TH_ACK) != 0;
			j->ports[suspect_mix_ports(
			    r->client.port, r->server.port)] = 1;
		}
}

static bool
suspect_is_of(const struct stream *s, const struct flow_key *k)
{
	return (endpoint_equal(&k->src, &s->client) &&
		   endpoint_equal(&k->dst, &s->server)) ||
	    (endpoint_equal(&k->src, &s->server) &&
		endpoint_equal(&k->dst, &s->client));
}

static int
suspect_hand_out(struct job *j, const struct pass_packet *p, struct fault *f)
{
	struct flow_key key;

	if (!pkt_flow_key(&p->pkt, &key) ||
	    j->ports[suspect_mix_ports(key.src.port, key.dst.port)] == 0)
		return 0;
	for (size_t i = 0; i < j->n_kinds; i++)
		for (size_t w = 0; w < j->kinds[i]->n_witnesses; w++) {
			struct stream *s = &j->kinds[i]->witnesses[w].stream;

			if (s->ended || !suspect_is_of(s, &key))
				continue;
			stream_see(
			    s, &p->pkt, p->cp.file, p->cp.frame, p->unix_ns);
			if (s->failed)
				return fault(f, FAULT_SYSTEM, "out of memory");
		}
	return 0;
}

static int
suspect_see_handful(
    void *ctx, const struct pass_packet *p, size_t n, struct fault *f)
{
	for (size_t i = 0; i < n; i++)
		if (suspect_hand_out(ctx, &p[i], f) != 0)
			return -1;
	return 0;
}

static int
suspect_read_again(struct job *j, struct fault *f)
{
	struct analyze_input in = suspect_input(j->src);
	struct pass_sink sink = {.ctx = j, .see = suspect_see_handful};
	int signal = 0;

	suspect_begin_streams(j);
	if (j->src->again(j->src->ctx, f) != 0 ||
	    pass_run(&in, &sink, j->src->n_names, &signal, f) != 0)
		return -1;
	return signal != 0 ? fault_interrupted(f, signal) : 0;
}

/* --- suspects --- */

static struct witness *
suspect_best_witness(struct kind *k)
{
	struct witness *best = &k->witnesses[0];

	for (size_t i = 1; i < k->n_witnesses; i++) {
		struct witness *w = &k->witnesses[i];
		int more = stream_rank(&w->stream) - stream_rank(&best->stream);

		if (more > 0 ||
		    (more == 0 && suspect_is_better(w->reset, best->reset)))
			best = w;
	}
	return best;
}

/* Most resets first; of as many, the higher. */
static void
suspect_list_ttls(struct suspect *s, const struct kind *k)
{
	uint32_t left[SUSPECT_IN_TTLS];

	memcpy(left, k->ttls, sizeof(left));
	while (s->n_rst_ttls < SUSPECT_TTLS) {
		int best = 0;

		for (int ttl = 1; ttl < SUSPECT_IN_TTLS; ttl++)
			if (left[ttl] > 0 && left[ttl] >= left[best])
				best = ttl;
		if (left[best] == 0 || best == 0)
			return;
		s->rst_ttls[s->n_rst_ttls++] = best;
		left[best] = 0;
	}
}

static int
suspect_fill(struct suspect *s, struct kind *k, struct fault *f)
{
	struct witness *w = suspect_best_witness(k);
	const struct analysis_reset *r = w->reset;

	s->client = r->client;
	s->server = k->server;
	s->ruling = k->first->verdict.ruling;
	s->probability = k->first->verdict.probability;
	s->kind = k->first->verdict.kind;
	s->signature = k->first->verdict.signature;
	s->resets = k->resets;
	s->forged = k->forged;
	s->flows = k->flows;
	s->file = r->file;
	s->frame = r->frame;
	s->server_ttl = r->verdict.sender_ttl;
	suspect_list_ttls(s, k);
	return suspect_read_stream(s, &w->stream, f);
}

static int
suspect_fill_suspects(struct job *j, struct fault *f)
{
	struct suspects *out = j->out;

	out->list = calloc(j->n_kinds, sizeof(*out->list));
	if (out->list == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (size_t i = 0; i < j->n_kinds; i++) {
		out->n++;
		if (suspect_fill(&out->list[i], j->kinds[i], f) != 0)
			return -1;
	}
	return 0;
}

static void
suspect_free_kind(struct kind *k)
{
	for (size_t i = 0; i < SUSPECT_WITNESSES; i++)
		stream_free(&k->witnesses[i].stream);
	free(k);
}

/* The most plausible ones stay. */
static void
suspect_choose(struct job *j)
{
	qsort(j->kinds, j->n_kinds, sizeof(struct kind *),
	    suspect_by_plausibility);
	while (j->n_kinds > SUSPECTS_MAX) {
		suspect_free_kind(j->kinds[--j->n_kinds]);
		j->out->left_out++;
	}
}

static int
suspect_find(struct job *j, struct fault *f)
{
	struct analysis a;
	int rc;

	rc = suspect_judge_all(j, &a, f);
	if (rc == 0)
		rc = suspect_count_all(j->out, &a, f);
	analysis_free(&a);
	if (rc != 0 || suspect_add_resets(j, f) != 0)
		return -1;
	if (j->n_kinds == 0)
		return 0;
	suspect_choose(j);
	if (suspect_read_again(j, f) != 0)
		return -1;
	return suspect_fill_suspects(j, f);
}

int
suspects_find(const struct suspect_source *src, const struct suspect_ask *ask,
    struct suspects *out, struct fault *f)
{
	struct job j = {.src = src, .ask = ask, .out = out};
	int rc;

	memset(out, 0, sizeof(*out));
	rc = suspect_find(&j, f);
	for (size_t i = 0; i < j.n_kinds; i++)
		suspect_free_kind(j.kinds[i]);
	free(j.kinds);
	for (size_t i = 0; i < j.n_resets; i++)
		analysis_reset_free(&j.resets[i]);
	free(j.resets);
	return rc;
}

void
suspects_free(struct suspects *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->list[i].trigger);
		free(s->list[i].control);
		dialogue_free(s->list[i].before);
	}
	free(s->list);
	memset(s, 0, sizeof(*s));
}
