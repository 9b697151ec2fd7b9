/*
 * Resets that read as one line, in bounded memory.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/hash.h>
#include <rsthop/vec.h>

#include "detail.h"
#include "groups.h"

#define GROUPS		  8192	/* with a server of their own */
#define GROUPS_TTLS	  12288 /* then with a TTL of their own; then neither */
#define GROUPS_TTLS_APART 4	/* TTLs that stay groups of their own */
#define GROUPS_COMMONS	  64	/* groups whose triggers are compared */
#define GROUPS_FLOWS	  65536 /* places of flows that were counted before */
#define GROUPS_TRIGGERS	  4096 /* places of triggers that were counted before */

struct member {
	struct analysis_group g;
	double sum;	       /* of the probabilities */
	struct detail *detail; /* owned; NULL where genuine */
};

struct groups {
	uint64_t seed;
	const struct passed *passed;
	size_t n, cap;
	struct member *m;
	struct hash_index by_key;
	uint64_t *flows, *triggers;
};

int
groups_new(uint64_t seed, const struct passed *passed, struct groups **out,
    struct fault *f)
{
	struct groups *g = calloc(1, sizeof(*g));

	if (g != NULL) {
		g->seed = seed;
		g->passed = passed;
		g->flows = calloc(GROUPS_FLOWS, sizeof(*g->flows));
		g->triggers = calloc(GROUPS_TRIGGERS, sizeof(*g->triggers));
	}
	if (g == NULL || g->flows == NULL || g->triggers == NULL) {
		groups_free(g);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	*out = g;
	return 0;
}

void
groups_free(struct groups *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->n; i++) {
		detail_free(g->m[i].detail);
		rst_verdict_free(&g->m[i].g.why);
	}
	free(g->m);
	hash_index_free(&g->by_key);
	free(g->flows);
	free(g->triggers);
	free(g);
}

/* --- which group --- */

static bool
groups_same_but_ttl(
    const struct analysis_group *a, const struct analysis_group *b)
{
	return endpoint_equal(&a->server, &b->server) &&
	    a->to_client == b->to_client && a->ruling == b->ruling &&
	    a->kind == b->kind && a->signature == b->signature;
}

static uint64_t
groups_hash(const struct groups *g, const struct analysis_group *key)
{
	uint8_t rest[4] = {
	    key->to_client, (uint8_t)key->ruling, (uint8_t)key->kind, key->ttl};

	return hash_bytes(
	    endpoint_hash(g->seed, &key->server), rest, sizeof(rest));
}

static struct member *
groups_find(const struct groups *g, const struct analysis_group *key)
{
	uint64_t h = groups_hash(g, key);
	uint32_t at = 0, i;

	while ((i = hash_index_next(&g->by_key, h, &at)) != HASH_NONE)
		if (g->m[i].g.ttl == key->ttl &&
		    groups_same_but_ttl(&g->m[i].g, key))
			return &g->m[i];
	return NULL;
}

static struct member *
groups_add_member(
    struct groups *g, const struct analysis_group *key, struct fault *f)
{
	struct member *m;

	if (VEC_ROOM(g->m, g->n, g->cap) != 0 ||
	    hash_index_add(&g->by_key, groups_hash(g, key), (uint32_t)g->n) !=
		0) {
		fault(f, FAULT_SYSTEM, "out of memory");
		return NULL;
	}
	m = &g->m[g->n++];
	memset(m, 0, sizeof(*m));
	m->g = *key;
	m->g.trigger.rate = -1;
	return m;
}

/* What there is no room for shares a group, first of servers, then of TTLs. */
static struct member *
groups_find_or_add(
    struct groups *g, const struct analysis_reset *a, struct fault *f)
{
	struct analysis_group key = {.server = a->server,
	    .to_client = a->to_client,
	    .ruling = a->verdict.ruling,
	    .kind = a->verdict.kind,
	    .ttl = a->ttl,
	    .signature = a->verdict.signature};
	struct member *m = groups_find(g, &key);

	if (m == NULL && g->n >= GROUPS) {
		memset(&key.server, 0, sizeof(key.server));
		m = groups_find(g, &key);
	}
	if (m == NULL && g->n >= GROUPS_TTLS) {
		key.ttl = 0;
		key.ttl_varies = true;
		m = groups_find(g, &key);
	}
	return m != NULL ? m : groups_add_member(g, &key, f);
}

/* --- one reset --- */

/* Whether the number was not here just before; keeps it. */
static bool
groups_is_fresh(uint64_t *places, size_t n, uint64_t number)
{
	uint64_t *at = &places[number % n];
	bool fresh = *at != number;

	*at = number;
	return fresh;
}

static bool
groups_is_fresh_flow(
    struct groups *g, const struct analysis_reset *a, uint64_t group)
{
	uint64_t h = hash_bytes(g->seed, &group, sizeof(group));

	h = endpoint_hash(h, &a->client);
	return groups_is_fresh(
	    g->flows, GROUPS_FLOWS, endpoint_hash(h, &a->server));
}

/* Many resets may answer one packet. */
static bool
groups_is_fresh_trigger(
    struct groups *g, const struct flow_reset *r, uint64_t group)
{
	uint64_t n[3] = {group, r->trigger.file, r->trigger.frame};

	return groups_is_fresh(
	    g->triggers, GROUPS_TRIGGERS, hash_bytes(g->seed, n, sizeof(n)));
}

/* A verdict of its own, with the words that its reasons point at. */
static int
groups_copy_verdict(
    const struct rst_verdict *v, struct rst_verdict *out, struct fault *f)
{
	struct rst_verdict copy = *v;
	size_t size = 1, at = 0;

	for (size_t i = 0; i < v->n_reasons; i++)
		size += strlen(v->reasons[i].text) + 1;
	copy.words = malloc(size);
	copy.reasons = calloc(v->n_reasons + 1, sizeof(*copy.reasons));
	if (copy.words == NULL || copy.reasons == NULL) {
		free(copy.words);
		free(copy.reasons);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	for (size_t i = 0; i < v->n_reasons; i++) {
		size_t len = strlen(v->reasons[i].text) + 1;

		memcpy(copy.words + at, v->reasons[i].text, len);
		copy.reasons[i] = v->reasons[i];
		copy.reasons[i].text = copy.words + at;
		at += len;
	}
	rst_verdict_free(out);
	*out = copy;
	return 0;
}

static void
groups_set_first(struct analysis_group *g, const struct analysis_reset *a)
{
	if (g->resets == 0 || a->unix_ns > g->last_unix_ns)
		g->last_unix_ns = a->unix_ns;
	if (g->resets > 0 && a->unix_ns >= g->first_unix_ns)
		return;
	g->first_unix_ns = a->unix_ns;
	g->file = a->file;
	g->frame = a->frame;
	g->has_mac = a->has_mac;
	memcpy(g->mac, a->mac, ADDR_MAC);
	g->vendor = a->vendor;
}

static int
groups_add_detail(struct groups *g, struct member *m,
    const struct flow_reset *r, const struct analysis_reset *a, struct fault *f)
{
	const struct rst_verdict *v = &a->verdict;
	uint64_t group = (uint64_t)(m - g->m);

	if (v->ruling == RST_GENUINE)
		return 0;
	if (m->detail == NULL)
		m->detail = detail_new();
	if (m->detail == NULL ||
	    detail_add(m->detail, r, v, g->passed,
		groups_is_fresh_trigger(g, r, group)) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (m->g.resets > 0 && v->probability <= m->g.why.probability)
		return 0;
	return groups_copy_verdict(v, &m->g.why, f);
}

int
groups_add(struct groups *g, const struct flow_reset *r,
    struct analysis_reset *a, struct fault *f)
{
	struct member *m = groups_find_or_add(g, a, f);

	if (m == NULL || groups_add_detail(g, m, r, a, f) != 0)
		return -1;
	a->group = (uint32_t)(m - g->m);
	groups_set_first(&m->g, a);
	if (m->g.resets == 0 || a->ttl < m->g.ttl_lo)
		m->g.ttl_lo = a->ttl;
	if (a->ttl > m->g.ttl_hi)
		m->g.ttl_hi = a->ttl;
	m->g.flows += groups_is_fresh_flow(g, a, a->group) || m->g.resets == 0;
	m->g.resets++;
	m->g.both_ends += a->verdict.both_ends;
	m->sum += a->verdict.probability;
	return 0;
}

/* --- all of them --- */

/* A group on its way out; into: where it went, itself at first. */
struct order {
	struct member *m;
	uint32_t into;
};

static int
groups_compare_endpoints(const struct endpoint *a, const struct endpoint *b)
{
	int c = memcmp(a->addr.b, b->addr.b, sizeof(a->addr.b));

	if (c != 0)
		return c;
	return (a->port > b->port) - (a->port < b->port);
}

/* Those alike but for their TTL stand together. */
static int
groups_by_likeness(const void *x, const void *y)
{
	const struct member *mx = ((const struct order *)x)->m;
	const struct member *my = ((const struct order *)y)->m;
	const struct analysis_group *a = &mx->g, *b = &my->g;
	int c = groups_compare_endpoints(&a->server, &b->server);

	if (c == 0)
		c = a->to_client - b->to_client;
	if (c == 0)
		c = (int)a->ruling - (int)b->ruling;
	if (c == 0)
		c = (int)a->kind - (int)b->kind;
	if (c == 0 && a->signature != b->signature)
		c = strcmp(a->signature != NULL ? a->signature : "",
		    b->signature != NULL ? b->signature : "");
	return c != 0 ? c : (mx > my) - (mx < my);
}

static void
groups_merge_why(struct analysis_group *g, struct analysis_group *from)
{
	struct rst_verdict was = g->why;

	if (from->why.probability <= was.probability)
		return;
	g->why = from->why;
	from->why = was;
}

static void
groups_merge(struct member *m, struct member *from)
{
	struct analysis_group *g = &m->g, *o = &from->g;

	if (o->first_unix_ns < g->first_unix_ns) {
		g->first_unix_ns = o->first_unix_ns;
		g->file = o->file;
		g->frame = o->frame;
		g->ttl = o->ttl;
		g->has_mac = o->has_mac;
		memcpy(g->mac, o->mac, ADDR_MAC);
		g->vendor = o->vendor;
	}
	if (o->last_unix_ns > g->last_unix_ns)
		g->last_unix_ns = o->last_unix_ns;
	g->ttl_varies = true;
	g->ttl_lo = o->ttl_lo < g->ttl_lo ? o->ttl_lo : g->ttl_lo;
	g->ttl_hi = o->ttl_hi > g->ttl_hi ? o->ttl_hi : g->ttl_hi;
	g->resets += o->resets;
	g->flows += o->flows;
	g->both_ends += o->both_ends;
	m->sum += from->sum;
	groups_merge_why(g, o);
	if (m->detail != NULL && from->detail != NULL)
		detail_merge(m->detail, from->detail);
	o->resets = 0;
}

/* Where a device's TTLs wander, its groups are one. */
static void
groups_merge_wanderers(struct groups *g, struct order *o)
{
	size_t n;

	qsort(o, g->n, sizeof(*o), groups_by_likeness);
	for (size_t i = 0; i < g->n; i += n) {
		for (n = 1; i + n < g->n &&
		     groups_same_but_ttl(&o[i].m->g, &o[i + n].m->g);
		     n++)
			continue;
		for (size_t k = 1; n > GROUPS_TTLS_APART && k < n; k++) {
			groups_merge(o[i].m, o[i + k].m);
			o[i + k].into = o[i].into;
		}
	}
}

static int
groups_rank(enum rst_ruling r)
{
	switch (r) {
	case RST_FORGED:
		return 0;
	case RST_UNDETERMINED:
		return 1;
	case RST_GENUINE:
		return 2;
	}
	return 3;
}

/* Forged first, most resets first, then the earliest; the merged last. */
static int
groups_by_weight(const void *x, const void *y)
{
	const struct member *mx = ((const struct order *)x)->m;
	const struct member *my = ((const struct order *)y)->m;
	const struct analysis_group *a = &mx->g, *b = &my->g;

	if ((a->resets == 0) != (b->resets == 0))
		return a->resets == 0 ? 1 : -1;
	if (a->ruling != b->ruling)
		return groups_rank(a->ruling) - groups_rank(b->ruling);
	if (a->resets != b->resets)
		return a->resets < b->resets ? 1 : -1;
	if (a->first_unix_ns != b->first_unix_ns)
		return a->first_unix_ns < b->first_unix_ns ? -1 : 1;
	return (mx > my) - (mx < my);
}

/* From the number that a reset was given to that of the sorted groups. */
static void
groups_renumber(const struct groups *g, const struct order *o, uint32_t *map,
    struct analysis *out)
{
	for (size_t i = 0; i < g->n; i++)
		if (o[i].m->g.resets > 0)
			map[o[i].m - g->m] = (uint32_t)i;
	for (size_t i = 0; i < g->n; i++)
		if (o[i].m->g.resets == 0)
			map[o[i].m - g->m] = map[o[i].into];
	for (size_t i = 0; i < out->n_resets; i++)
		out->resets[i].group = map[out->resets[i].group];
}

static int
groups_hand_over(struct groups *g, const struct order *o, struct analysis *out)
{
	for (size_t i = 0; i < g->n && o[i].m->g.resets > 0; i++) {
		struct member *m = o[i].m;
		struct analysis_group *to = &out->groups[out->n_groups++];

		*to = m->g;
		memset(&m->g.why, 0, sizeof(m->g.why));
		to->probability = m->sum / (double)to->resets;
		if (m->detail != NULL &&
		    detail_finish(
			m->detail, g->passed, i < GROUPS_COMMONS, to) != 0)
			return -1;
	}
	return 0;
}

int
groups_finish(struct groups *g, struct analysis *out, struct fault *f)
{
	struct order *o = calloc(g->n + 1, sizeof(*o));
	uint32_t *map = calloc(g->n + 1, sizeof(*map));
	int rc = -1;

	out->groups = calloc(g->n + 1, sizeof(*out->groups));
	if (o == NULL || map == NULL || out->groups == NULL)
		goto out;
	for (size_t i = 0; i < g->n; i++) {
		o[i].m = &g->m[i];
		o[i].into = (uint32_t)i;
	}
	groups_merge_wanderers(g, o);
	qsort(o, g->n, sizeof(*o), groups_by_weight);
	groups_renumber(g, o, map, out);
	rc = groups_hand_over(g, o, out);
out:
	free(o);
	free(map);
	return rc == 0 ? 0 : fault(f, FAULT_SYSTEM, "out of memory");
}
