/*
 * What infer makes of the probes in a capture: which of them drew a reset, how
 * far away the server is, and so where the device sits.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/infer.h>

#include "probed.h"

/* Shots so far apart are told by time */
#define PROBED_APART_NS	   (1 * CLOCK_S)
#define PROBED_TRIALS	   512
#define PROBED_FULL_TRIALS 64
#define PROBED_KINDS	   64  /* of data that drew resets, at most */
#define PROBED_TTLS_ENOUGH 3   /* so many limited TTLs are no accident */
#define PROBED_NAMED	   0.5 /* a hop as likely as that is named */
/* The threshold, for one of its hops to be named */
#define PROBED_SURE 0.9
/* The share of the hop for its place to be told */
#define PROBED_PLACED 0.75

/* One client's probes to one server, in the making. */
struct pair {
	const struct probes_found *found;
	const struct addr *client;
	const struct endpoint *server;
	struct paths_route *route; /* NULL */
	struct analysis_probed *out;
	uint64_t kind; /* of what drew a reset; 0: nothing did */
	uint8_t client_ttl, server_ttl;
	int min_ttl, max_ttl; /* of limited shots */
	int answered;	      /* the smallest TTL that reached the server; 0 */
	uint64_t ttls;	      /* a bit for each limited TTL */
	bool tags_pass;	      /* a reset told one of several numbered shots */
	size_t n_hops;
	int hops[2]; /* what N may be */
	struct infer_posterior sum;
};

static bool
probed_is_of(const struct pair *p, const struct probes_conn *c)
{
	return addr_equal(&c->client.addr, p->client) &&
	    endpoint_equal(&c->server, p->server);
}

/* --- which shot drew which reset --- */

/* The shots of one connection as a trial. */
struct volley {
	size_t n;
	const struct probes_shot *from[INFER_MAX_HOPS];
	struct infer_shot shots[INFER_MAX_HOPS];
	bool acks_vary, ids_vary, windows_vary;
	bool drew, ambiguous, spoilt;
	int rst_ttl; /* of an ambiguous one */
	unsigned int echoed, not_echoed;
};

static void
probed_load(struct volley *v, const struct pair *p, const struct probes_conn *c)
{
	memset(v, 0, sizeof(*v));
	for (size_t i = 0; i < c->n_shots && v->n < INFER_MAX_HOPS; i++) {
		const struct probes_shot *s = &c->shots[i];

		if (s->kind != p->kind)
			continue;
		v->from[v->n] = s;
		v->shots[v->n++].ttl = s->ttl;
		v->acks_vary |= s->ack != v->from[0]->ack;
		v->ids_vary |= s->id != v->from[0]->id;
		v->windows_vary |= s->window != v->from[0]->window;
	}
}

/* How many of its numbers the reset has from this shot, the surest first. */
static int
probed_likeness(const struct volley *v, size_t i, const struct probes_back *b)
{
	const struct probes_shot *s = v->from[i];

	return 4 * (v->acks_vary && s->ack == b->seq) +
	    2 * (v->ids_vary && b->has_id && b->id != 0 && s->id == b->id) +
	    (v->windows_vary && b->window != 0 && s->window == b->window);
}

/* What may have drawn it: by its numbers, else by time; the last of them. */
struct drawn {
	bool any, one_ttl, by_numbers;
	size_t last;
};

static struct drawn
probed_find_drawn(const struct volley *v, const struct probes_back *b)
{
	struct drawn d = {0};
	size_t before = 0;
	int most = 0;

	while (before < v->n && v->from[before]->unix_ns <= b->unix_ns) {
		int n = probed_likeness(v, before++, b);

		most = n > most ? n : most;
	}
	d.by_numbers = most > 0;
	for (size_t i = before; i-- > 0;) {
		if (probed_likeness(v, i, b) != most)
			continue;
		if (!d.any) {
			d = (struct drawn){.any = true,
			    .one_ttl = true,
			    .by_numbers = most > 0,
			    .last = i};
			continue;
		}
		if (most == 0 &&
		    v->from[i + 1]->unix_ns - v->from[i]->unix_ns >
			PROBED_APART_NS)
			break;
		if (v->shots[i].ttl != v->shots[d.last].ttl)
			d.one_ttl = false;
	}
	return d;
}

/* Another kind of data left between the shot and the reset. */
static bool
probed_is_of_another(const struct pair *p, const struct probes_conn *c,
    const struct probes_shot *s, const struct probes_back *b)
{
	for (size_t i = 0; i < c->n_shots; i++)
		if (c->shots[i].kind != p->kind &&
		    c->shots[i].unix_ns > s->unix_ns &&
		    c->shots[i].unix_ns <= b->unix_ns)
			return true;
	return false;
}

static void
probed_attribute(
    struct volley *v, const struct pair *p, const struct probes_conn *c)
{
	for (size_t k = 0; k < c->n_backs; k++) {
		const struct probes_back *b = &c->backs[k];
		struct drawn d = probed_find_drawn(v, b);
		const struct probes_shot *s = v->from[d.last];

		if (b->genuine || !d.any)
			continue;
		if (!d.by_numbers &&
		    (b->late || probed_is_of_another(p, c, s, b))) {
			v->spoilt = v->spoilt || (!v->drew && !v->ambiguous);
			continue;
		}
		if (!d.one_ttl) {
			v->ambiguous = true;
			v->rst_ttl = b->ttl;
			continue;
		}
		if (v->shots[d.last].drew)
			continue;
		v->drew = v->shots[d.last].drew = true;
		v->shots[d.last].rst_ttl = b->ttl;
		if (b->has_id && s->id != 0)
			*(b->id == s->id ? &v->echoed : &v->not_echoed) += 1;
	}
}

/* --- what the trigger is --- */

/* The data that the connection's first reset came after; 0: none. */
static uint64_t
probed_drew_kind(const struct probes_conn *c)
{
	uint64_t kind = 0;

	for (size_t k = 0; k < c->n_backs && !c->spoilt; k++) {
		const struct probes_back *b = &c->backs[k];

		if (b->genuine || b->late)
			continue;
		for (size_t i = 0; i < c->n_shots; i++)
			if (c->shots[i].unix_ns <= b->unix_ns &&
			    c->shots[i].ttl <= PATHS_LIMITED_TTL)
				kind = c->shots[i].kind;
		break;
	}
	return kind;
}

/* Of all that drew a reset with a limited TTL, what did so most often. */
static uint64_t
probed_find_kind(const struct pair *p)
{
	uint64_t kinds[PROBED_KINDS];
	unsigned int times[PROBED_KINDS];
	size_t n = 0, i, best = 0;

	for (size_t k = 0; k < p->found->n_conns; k++) {
		const struct probes_conn *c = &p->found->conns[k];
		uint64_t kind = probed_is_of(p, c) ? probed_drew_kind(c) : 0;

		for (i = 0; i < n && kinds[i] != kind; i++)
			continue;
		if (kind == 0 || i == PROBED_KINDS)
			continue;
		if (i == n) {
			kinds[n] = kind;
			times[n++] = 0;
		}
		times[i]++;
		best = times[i] > times[best] ? i : best;
	}
	return n > 0 ? kinds[best] : 0;
}

/* --- how far the server is --- */

/* Behind the farthest hop that answered. */
static int
probed_least_hops(const struct pair *p)
{
	const struct path *path = p->route != NULL ? &p->route->path : NULL;
	int n = 1;

	for (int i = 0; path != NULL && i < path->n_hops; i++)
		if (path->hops[i].n_responders > 0 &&
		    !addr_equal(
			&path->hops[i].responders[0].addr, &p->server->addr))
			n = i + 2;
	return n < INFER_MAX_HOPS ? n : INFER_MAX_HOPS;
}

static void
probed_add_hops(struct pair *p, int n)
{
	if (n > INFER_MAX_HOPS)
		n = INFER_MAX_HOPS;
	if (p->n_hops < 2 && (p->n_hops == 0 || p->hops[0] != n))
		p->hops[p->n_hops++] = n;
}

/*
 * N as far as it shows.  Where the server answered no limited packet, its own
 * TTL says how far it may be, and so do the probes that it left unanswered;
 * both are believed by half.
 */
static void
probed_find_hops(struct pair *p)
{
	int lo = probed_least_hops(p), by_ttl = 0;

	if (p->server_ttl != 0)
		by_ttl = pkt_initial_ttl(p->server_ttl) - p->server_ttl + 1;
	if (p->answered != 0 && p->answered <= lo) {
		probed_add_hops(p, lo);
		return;
	}
	if (by_ttl >= lo && (p->answered == 0 || by_ttl <= p->answered))
		probed_add_hops(p, by_ttl);
	if (p->answered != 0)
		probed_add_hops(p, p->answered);
	else
		probed_add_hops(p, p->max_ttl + 1 > lo ? p->max_ttl + 1 : lo);
}

static void
probed_fill_path(struct pair *p)
{
	struct path *path = &p->out->path;

	if (p->route != NULL)
		*path = p->route->path;
	path->server_ttl = p->server_ttl;
	if (p->server_ttl != 0)
		path->server_initial_ttl = pkt_initial_ttl(p->server_ttl);
	for (int i = 0; i < path->n_hops; i++)
		path->hops[i].asked = path->hops[i].answered;
	if (p->answered == 0)
		return;
	if (p->answered < probed_least_hops(p) || p->n_hops != 1)
		return;
	path->server_hops = p->hops[0];
	path->distance = PATH_DISTANCE_PROBE;
}

/* --- to infer --- */

static void
probed_describe(const struct pair *p, int hops, struct infer_path *out)
{
	const struct path *path = &p->out->path;

	memset(out, 0, sizeof(*out));
	out->hops = hops;
	out->server_ttl = p->server_ttl;
	out->has_ip_id = p->client->version == 4;
	for (int i = 1; i <= INFER_MAX_HOPS; i++) {
		const struct path_hop *h = path_hop_at(path, i);
		uint8_t r = h != NULL && h->n_responders > 0
		    ? h->responders[0].reply_ttl
		    : 0;

		out->traversed[i] = r != 0 ? pkt_initial_ttl(r) - r : -1;
	}
}

/*
 * A burst of shots with numbers of their own that stays silent may be one
 * whose old numbers the device does not take: it tells nothing until another
 * such burst has drawn a reset.
 */
static bool
probed_is_telling(const struct pair *p, const struct volley *v)
{
	if (v->n == 0 || v->spoilt)
		return false;
	return v->drew || v->ambiguous || !v->acks_vary || p->tags_pass;
}

static void
probed_see_full(const struct pair *p, struct infer *in)
{
	size_t drew = 0;
	uint64_t passed = passed_count(p->found->passed, p->kind);
	struct infer_shot shot = {.ttl = p->client_ttl};
	struct infer_trial t = {.n_shots = 1, .shots = &shot};

	for (size_t i = 0; i < p->found->n_fulls; i++) {
		const struct probes_full *q = &p->found->fulls[i];

		if (q->kind != p->kind || !addr_equal(&q->client, p->client) ||
		    !endpoint_equal(&q->server, p->server))
			continue;
		shot = (struct infer_shot){
		    .ttl = q->ttl, .drew = true, .rst_ttl = q->rst_ttl};
		if (drew++ < PROBED_FULL_TRIALS)
			infer_see_trial(in, &t);
	}
	for (size_t i = 0; i < p->found->n_conns; i++) {
		const struct probes_conn *c = &p->found->conns[i];

		for (size_t k = 0; probed_is_of(p, c) && k < c->n_shots; k++)
			drew += c->shots[k].kind == p->kind &&
			    c->shots[k].ttl > PASSED_PROBE_TTL;
	}
	shot = (struct infer_shot){.ttl = p->client_ttl};
	for (size_t i = drew; i < passed && i < drew + PROBED_FULL_TRIALS; i++)
		infer_see_trial(in, &t);
}

static void
probed_see_conns(const struct pair *p, struct infer *in)
{
	unsigned int echoed = 0, not_echoed = 0, trials = 0;

	for (size_t i = 0; i < p->found->n_conns && trials < PROBED_TRIALS;
	     i++) {
		const struct probes_conn *c = &p->found->conns[i];
		struct volley v;
		struct infer_trial t = {.shots = v.shots};

		if (!probed_is_of(p, c) || c->spoilt)
			continue;
		probed_load(&v, p, c);
		probed_attribute(&v, p, c);
		if (!probed_is_telling(p, &v))
			continue;
		t.n_shots = v.n;
		t.drew_unknown = v.ambiguous && !v.drew;
		t.rst_ttl = t.drew_unknown ? v.rst_ttl : 0;
		infer_see_trial(in, &t);
		echoed += v.echoed;
		not_echoed += v.not_echoed;
		trials++;
	}
	if (echoed + not_echoed > 0)
		infer_see_id_echo(in, echoed > not_echoed);
}

static int
probed_infer_one(struct pair *p, int hops, struct fault *f)
{
	struct infer_path path;
	struct infer_posterior post;
	struct infer *in = NULL;
	double share = 1.0 / (double)p->n_hops;
	int rc;

	probed_describe(p, hops, &path);
	if (infer_new(&path, &in, f) != 0)
		return -1;
	probed_see_conns(p, in);
	probed_see_full(p, in);
	rc = infer_get_posterior(in, &post, f);
	infer_free(in);
	if (rc != 0)
		return -1;
	for (int h = 1; h <= INFER_MAX_HOPS; h++) {
		p->sum.hop[h] += share * post.hop[h];
		for (int k = PLACE_WIRE; k < PLACES; k++)
			p->sum.at[h][k] += share * post.at[h][k];
	}
	return 0;
}

/* --- the conclusion --- */

static void
probed_add_candidate(struct analysis_probed *o, const struct rst_candidate *c)
{
	size_t i = o->n_candidates;

	if (i == RST_CANDIDATES &&
	    c->probability <= o->candidates[i - 1].probability)
		return;
	i = i < RST_CANDIDATES ? o->n_candidates++ : i - 1;
	for (; i > 0 && o->candidates[i - 1].probability < c->probability; i--)
		o->candidates[i] = o->candidates[i - 1];
	o->candidates[i] = *c;
}

/* How sure the threshold is that this place implies. */
static double
probed_threshold_mass(const struct pair *p, const struct rst_candidate *c)
{
	int t = c->place == PLACE_WIRE ? c->hop : c->hop + 1;
	double mass = p->sum.at[t - 1][PLACE_ROUTER];

	return t <= INFER_MAX_HOPS ? mass + p->sum.at[t][PLACE_WIRE] : mass;
}

/*
 * A threshold is one where something smaller stayed silent.  Without it a hop
 * would rest upon the resets' TTLs alone, and those may be anything.
 */
static bool
probed_is_bounded(const struct pair *p)
{
	int t = p->out->threshold_ttl;

	return t == 1 || (t != 0 && p->min_ttl < t);
}

static void
analyze_probed_conclude(struct pair *p)
{
	struct analysis_probed *o = p->out;
	const double *at;
	int best = 1;

	for (int h = 1; h <= INFER_MAX_HOPS; h++) {
		best = p->sum.hop[h] > p->sum.hop[best] ? h : best;
		for (int k = PLACE_WIRE; k < PLACES; k++) {
			struct rst_candidate c = {.hop = h,
			    .place = (enum place)k,
			    .probability = p->sum.at[h][k]};

			if (c.probability >= 0.01)
				probed_add_candidate(o, &c);
		}
	}
	if (!probed_is_bounded(p))
		return;
	/*
	 * Where the threshold alone is known, two places remain that no probe
	 * tells apart; the first of them stands for both, at its own odds.
	 */
	if (p->sum.hop[best] < PROBED_NAMED) {
		if (o->n_candidates == 0 ||
		    probed_threshold_mass(p, &o->candidates[0]) < PROBED_SURE)
			return;
		o->hop = o->candidates[0].hop;
		o->confidence = p->sum.hop[o->hop];
		return;
	}
	at = p->sum.at[best];
	o->hop = best;
	o->confidence = p->sum.hop[best];
	if (at[PLACE_WIRE] >= PROBED_PLACED * p->sum.hop[best])
		o->place = PLACE_WIRE;
	else if (at[PLACE_ROUTER] >= PROBED_PLACED * p->sum.hop[best])
		o->place = PLACE_ROUTER;
}

/* Counts the shots of the kind, or, where none drew a reset, of all kinds. */
static void
probed_count_shots(struct pair *p, const struct probes_conn *c)
{
	for (size_t i = 0; i < c->n_shots; i++) {
		const struct probes_shot *s = &c->shots[i];

		if (s->ttl > PATHS_LIMITED_TTL ||
		    (p->kind != 0 && s->kind != p->kind))
			continue;
		p->out->probes++;
		p->ttls |= UINT64_C(1) << s->ttl;
		p->max_ttl = s->ttl > p->max_ttl ? s->ttl : p->max_ttl;
		if (p->min_ttl == 0 || s->ttl < p->min_ttl)
			p->min_ttl = s->ttl;
	}
	if (c->answered != 0 && c->answered <= PATHS_LIMITED_TTL &&
	    (p->answered == 0 || c->answered < p->answered))
		p->answered = c->answered;
	p->server_ttl = c->server_ttl != 0 ? c->server_ttl : p->server_ttl;
	p->client_ttl = c->client_ttl;
}

static void
probed_count_drew(struct pair *p, const struct probes_conn *c)
{
	struct analysis_probed *o = p->out;
	struct volley v;

	probed_load(&v, p, c);
	probed_attribute(&v, p, c);
	p->tags_pass = p->tags_pass || (v.drew && v.acks_vary);
	o->drew += v.ambiguous && !v.drew;
	for (size_t i = 0; i < v.n; i++) {
		if (!v.shots[i].drew || v.shots[i].ttl > PATHS_LIMITED_TTL)
			continue;
		o->drew++;
		if (o->threshold_ttl == 0 || v.shots[i].ttl < o->threshold_ttl)
			o->threshold_ttl = v.shots[i].ttl;
	}
}

static void
probed_gather(struct pair *p)
{
	const struct probes_found *found = p->found;

	p->route = paths_find(found->paths, p->client, &p->server->addr);
	p->kind = probed_find_kind(p);
	for (size_t i = 0; i < found->n_conns; i++)
		if (probed_is_of(p, &found->conns[i]))
			probed_count_shots(p, &found->conns[i]);
	for (size_t i = 0; i < found->n_conns && p->kind != 0; i++)
		if (probed_is_of(p, &found->conns[i]) &&
		    !found->conns[i].spoilt)
			probed_count_drew(p, &found->conns[i]);
	if (p->route != NULL && p->route->answered != 0 &&
	    (p->answered == 0 || p->route->answered < p->answered))
		p->answered = p->route->answered;
	probed_find_hops(p);
	probed_fill_path(p);
}

static unsigned int
probed_count_ttls(uint64_t bits)
{
	unsigned int n = 0;

	for (; bits != 0; bits &= bits - 1)
		n++;
	return n;
}

/* 1 where there is something to tell, 0 where not, -1 for a fault. */
static int
probed_work_out(struct pair *p, struct fault *f)
{
	p->out->client = *p->client;
	p->out->server = *p->server;
	probed_gather(p);
	if (p->out->drew == 0)
		return p->out->path.n_hops > 0;
	/* One packet with an odd TTL, which no router answered, is no probe. */
	if (p->out->path.n_hops == 0 &&
	    probed_count_ttls(p->ttls) < PROBED_TTLS_ENOUGH)
		return 0;
	for (size_t i = 0; i < p->n_hops; i++)
		if (probed_infer_one(p, p->hops[i], f) != 0)
			return -1;
	analyze_probed_conclude(p);
	return 1;
}

static bool
probed_is_done(const struct analysis *a, const struct addr *client,
    const struct endpoint *server, bool any_port)
{
	for (size_t i = 0; i < a->n_probed; i++)
		if (addr_equal(&a->probed[i].client, client) &&
		    addr_equal(&a->probed[i].server.addr, &server->addr) &&
		    (any_port || a->probed[i].server.port == server->port))
			return true;
	return false;
}

static int
probed_add_pair(const struct probes_found *found, const struct addr *client,
    const struct endpoint *server, struct analysis *a, struct fault *f)
{
	struct pair p = {.found = found, .client = client, .server = server};
	int rc;

	p.out = &a->probed[a->n_probed];
	rc = probed_work_out(&p, f);
	if (rc > 0)
		a->n_probed++;
	else
		memset(p.out, 0, sizeof(*p.out));
	return rc < 0 ? -1 : 0;
}

static int
probed_by_drew(const void *x, const void *y)
{
	const struct analysis_probed *a = x, *b = y;

	return (a->drew < b->drew) - (a->drew > b->drew);
}

/* What probes say, with all that the resets say already, is the better word. */
static void
probed_tell_groups(struct analysis *a)
{
	for (size_t i = 0; i < a->n_groups; i++) {
		struct analysis_group *g = &a->groups[i];
		const struct analysis_probed *best = NULL;

		if (g->ruling != RST_FORGED || !g->to_client ||
		    g->kind != RST_KIND_MIDDLEBOX)
			continue;
		for (size_t k = a->n_probed; k-- > 0;)
			if (a->probed[k].hop != 0 &&
			    endpoint_equal(&a->probed[k].server, &g->server))
				best = &a->probed[k];
		if (best == NULL)
			continue;
		g->n_candidates = best->n_candidates;
		memcpy(g->candidates, best->candidates, sizeof(g->candidates));
	}
}

int
probed_conclude(
    const struct probes_found *p, struct analysis *out, struct fault *f)
{
	if (p->n_conns == 0 && paths_count(p->paths) == 0)
		return 0;
	out->probed = calloc(2 * PATHS_ROUTES, sizeof(*out->probed));
	if (out->probed == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (size_t i = 0; i < p->n_conns && out->n_probed < PATHS_ROUTES;
	     i++) {
		const struct probes_conn *c = &p->conns[i];

		if (!probed_is_done(out, &c->client.addr, &c->server, false) &&
		    probed_add_pair(p, &c->client.addr, &c->server, out, f) !=
			0)
			return -1;
	}
	for (size_t i = 0; i < paths_count(p->paths); i++) {
		const struct paths_route *r = paths_at(p->paths, i);
		struct endpoint server = {.addr = r->server};

		if (!probed_is_done(out, &r->client, &server, true) &&
		    probed_add_pair(p, &r->client, &server, out, f) != 0)
			return -1;
	}
	if (out->n_probed > 0)
		qsort(out->probed, out->n_probed, sizeof(out->probed[0]),
		    probed_by_drew);
	probed_tell_groups(out);
	return 0;
}
