/*
 * The probes of rsthop.analyze/1: few, so as a tree.
 */
#include "json_parts.h"

static json_t *
json_probes_candidates(const struct analysis_probed *p)
{
	json_t *list = json_array();
	bool bad = false;

	for (size_t i = 0; i < p->n_candidates; i++) {
		const struct rst_candidate *c = &p->candidates[i];
		json_t *o = json_object();

		json_put(o, "hop", json_integer(c->hop), &bad);
		json_put(o, "place", json_word(place_name(c->place)), &bad);
		json_put(o, "probability", json_round(c->probability, 4), &bad);
		bad |= json_array_append_new(list, o) != 0;
	}
	if (!bad)
		return list;
	json_decref(list);
	return NULL;
}

/* A traceroute has no port. */
static json_t *
json_probes_server(const struct endpoint *e)
{
	char buf[ADDR_ENDPOINT];

	if (e->port == 0)
		return json_addr(&e->addr);
	return json_string(endpoint_format(e, buf));
}

static json_t *
json_probes_probed(const struct analysis_probed *p, bool *bad)
{
	json_t *o = json_object();
	bool known = p->hop != 0;

	json_put(o, "client", json_addr(&p->client), bad);
	json_put(o, "server", json_probes_server(&p->server), bad);
	json_put(o, "probes", json_integer(p->probes), bad);
	json_put(o, "fired", json_integer(p->drew), bad);
	json_put(o, "threshold_ttl", json_count(p->threshold_ttl), bad);
	json_put(o, "server_hops", json_count(p->path.server_hops), bad);
	json_put(o, "hop", json_count(p->hop), bad);
	json_put(o, "place", json_word(place_name(p->place)), bad);
	json_put(o, "confidence",
	    known ? json_round(p->confidence, 4) : json_null(), bad);
	json_put(o, "candidates", json_probes_candidates(p), bad);
	json_put(o, "path", json_path(&p->path), bad);
	return o;
}

json_t *
json_probes(const struct analysis *a)
{
	json_t *list = json_array();
	bool bad = false;

	for (size_t i = 0; i < a->n_probed; i++) {
		json_t *o = json_probes_probed(&a->probed[i], &bad);

		bad |= json_array_append_new(list, o) != 0;
	}
	if (!bad)
		return list;
	json_decref(list);
	return NULL;
}
