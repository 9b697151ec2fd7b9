/* The JSON documents rsthop.trace/1 and rsthop.locate/1. */
#include <stdlib.h>

#include <rsthop/clock.h>
#include <rsthop/text.h>

#include "json_parts.h"
#include "writers.h"

int
json_trace(const struct trace_result *r, const struct report_style *st,
    FILE *out, struct fault *f)
{
	json_t *doc;
	bool bad = false;

	(void)st;
	doc = json_document("rsthop.trace/1", &r->head, &r->evidence);
	json_put(doc, "server", json_server(&r->path), &bad);
	json_put(doc, "established", json_boolean(r->path.established), &bad);
	json_put(doc, "path", json_path(&r->path), &bad);
	json_put(doc, "notes", json_notes(&r->notes), &bad);
	return json_finish(doc, bad, out, f);
}

static json_t *
json_trigger(const struct locate_result *r)
{
	struct text hex = {0};
	json_t *v = NULL;

	if (r->trigger == RESULT_TRIGGER_NONE)
		return json_null();
	text_add_hex(&hex, r->trigger_bytes, r->trigger_len);
	if (!hex.bad)
		v = json_pack("{s:o, s:s, s:o}", "source",
		    json_word(result_trigger_name(r->trigger)), "hex",
		    text_str(&hex), "before",
		    json_word(result_before_name(r->before)));
	text_free(&hex);
	return v;
}

static json_t *
json_exec(const struct locate_result *r)
{
	if (r->exec_runs == 0)
		return json_null();
	return json_pack("{s:I, s:I}", "runs", (json_int_t)r->exec_runs,
	    "resets", (json_int_t)r->exec_resets);
}

/* What was used, and what was allowed. */
static json_t *
json_budget(const struct locate_result *r)
{
	return json_pack("{s:I, s:o, s:I, s:o, s:o, s:o}", "connections",
	    (json_int_t)r->head.connections, "max_connections",
	    json_count(r->budget.max_connections), "packets",
	    (json_int_t)r->head.packets_sent, "seconds",
	    json_round((double)r->head.duration_ns / (double)CLOCK_S, 3),
	    "max_seconds",
	    r->budget.max_time_ns > 0
		? json_round((double)r->budget.max_time_ns / (double)CLOCK_S, 3)
		: json_null(),
	    "reached", json_word(result_bound_name(r->budget.reached)));
}

static json_t *
json_bursts(const struct locate_result *r)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "trials",
	    (json_int_t)r->reproduction.burst_trials, "resets",
	    (json_int_t)r->reproduction.burst_resets, "control_trials",
	    (json_int_t)r->reproduction.control_burst_trials, "control_resets",
	    (json_int_t)r->reproduction.control_burst_resets);
}

static json_t *
json_reproduction(const struct locate_result *r)
{
	bool tried = r->reproduction.trials > 0;
	double p = r->reproduction.p_value;
	json_t *ci;

	if (r->trigger == RESULT_TRIGGER_NONE)
		return json_null();
	ci = tried ? json_pack("[o, o]", json_round(r->reproduction.rate_lo, 4),
			 json_round(r->reproduction.rate_hi, 4))
		   : json_null();
	return json_pack("{s:I, s:I, s:o, s:o, s:I, s:I, s:o, s:o, s:o}",
	    "trials", (json_int_t)r->reproduction.trials, "resets",
	    (json_int_t)r->reproduction.resets, "rate",
	    tried ? json_round(r->reproduction.rate, 4) : json_null(),
	    "rate_ci95", ci, "control_trials",
	    (json_int_t)r->reproduction.control_trials, "control_resets",
	    (json_int_t)r->reproduction.control_resets, "p_value",
	    p < 0 ? json_null() : json_round(p, 4), "latency_ms",
	    json_ms(r->reproduction.latency_ns, 0), "bursts", json_bursts(r));
}

static json_t *
json_tri(enum result_tri t)
{
	switch (t) {
	case RESULT_UNSURE:
		return json_null();
	case RESULT_NO:
		return json_false();
	case RESULT_YES:
		return json_true();
	}
	return json_null();
}

/* Null for 0. */
static json_t *
json_seconds(int64_t ns)
{
	return ns == 0 ? json_null()
		       : json_round((double)ns / (double)CLOCK_S, 3);
}

static json_t *
json_residual(const struct locate_result *r)
{
	const struct result_residual *b = &r->residual;

	if (r->trigger == RESULT_TRIGGER_NONE)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I}", "scope",
	    b->measured ? json_word(result_scope_name(b->scope)) : json_null(),
	    "seconds", json_seconds(b->length_ns), "seconds_lo",
	    json_seconds(b->lo_ns), "seconds_hi", json_seconds(b->hi_ns),
	    "refreshed", json_tri(b->refreshed), "contaminated_trials",
	    (json_int_t)b->contaminated);
}

static json_t *
json_reset(const struct result_reset *s)
{
	char flags[PKT_FLAGS_TEXT];

	return json_pack("{s:o, s:i, s:o, s:s, s:o, s:i, s:o, s:o, s:o, s:b, "
			 "s:b, s:o}",
	    "time", json_time(s->unix_ns), "ttl", s->ttl, "ip_id",
	    s->has_ip_id ? json_integer(s->ip_id) : json_null(), "flags",
	    pkt_format_flags(s->flags, flags), "seq_matches",
	    json_word(result_seq_match_name(s->seq_match)), "window", s->window,
	    "mac", json_mac(s->has_mac, s->mac), "probe_ttl",
	    json_count(s->probe_ttl), "latency_ms", json_ms(s->latency_ns, 0),
	    "id_echoed", s->id_echoed, "control", s->control, "source_port",
	    json_count(s->port));
}

static json_t *
json_resets(const struct locate_result *r, bool *bad)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->n_resets; i++)
		*bad |=
		    json_array_append_new(a, json_reset(&r->resets[i])) != 0;
	return a;
}

/* A rate with its interval; nulls where there was no trial. */
static json_t *
json_by_ttl(const struct result_by_ttl *b)
{
	bool tried = b->trials > 0;
	json_t *ci = tried ? json_pack("[o, o]", json_round(b->rate_lo, 4),
				 json_round(b->rate_hi, 4))
			   : json_null();

	return json_pack("{s:i, s:I, s:I, s:o, s:o}", "ttl", b->ttl, "trials",
	    (json_int_t)b->trials, "resets", (json_int_t)b->resets, "rate",
	    tried ? json_round(b->rate, 4) : json_null(), "rate_ci95", ci);
}

static json_t *
json_threshold(const struct locate_result *r, bool *bad)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->n_by_ttl && i < PATH_MAX_HOPS; i++)
		*bad |=
		    json_array_append_new(a, json_by_ttl(&r->by_ttl[i])) != 0;
	return json_pack(
	    "{s:o, s:o}", "ttl", json_count(r->threshold_ttl), "by_ttl", a);
}

static json_t *
json_port_hop(const struct result_port_hop *h)
{
	return json_pack(
	    "{s:i, s:o}", "ttl", h->ttl, "address", json_addr(&h->addr));
}

static json_t *
json_port(const struct result_port *p, bool *bad)
{
	json_t *a = json_array();

	for (size_t i = 0; i < p->n_path && i < RESULT_PORT_HOPS; i++)
		*bad |=
		    json_array_append_new(a, json_port_hop(&p->path[i])) != 0;
	return json_pack("{s:o, s:I, s:I, s:o}", "port", json_count(p->port),
	    "trials", (json_int_t)p->trials, "resets", (json_int_t)p->resets,
	    "path", a);
}

/* Null where none was asked for. */
static json_t *
json_port_sweep(const struct result_sweep *w, bool *bad)
{
	json_t *a;

	if (w->n_ports == 0)
		return json_null();
	a = json_array();
	for (size_t i = 0; i < w->n_ports && i < RESULT_PORTS; i++)
		*bad |=
		    json_array_append_new(a, json_port(&w->ports[i], bad)) != 0;
	return json_pack("{s:o, s:o, s:o, s:o}", "ports", a, "p_value",
	    w->p_value < 0 ? json_null() : json_round(w->p_value, 5), "firing",
	    json_word(result_sweep_name(w->firing)), "split",
	    w->split.ttl == 0 ? json_null() : json_port_hop(&w->split));
}

static json_t *
json_given_ttls(const struct locate_result *r, bool *bad)
{
	json_t *a = json_array();

	for (size_t i = 0; i < r->n_given_ttls; i++)
		*bad |= json_array_append_new(
			    a, json_integer(r->given_ttls[i])) != 0;
	return a;
}

static json_t *
json_alternatives(const struct locate_result *r, bool *bad)
{
	const struct result_alternative *alt;
	json_t *a = json_array();

	for (size_t i = 0;
	     i < r->verdict.n_alternatives && i < RESULT_ALTERNATIVES; i++) {
		alt = &r->verdict.alternatives[i];
		*bad |= json_array_append_new(a,
			    json_pack("{s:o, s:o, s:o, s:o}", "hop",
				json_count(alt->hop), "place",
				json_word(place_name(alt->place)), "kind",
				alt->hop != 0 && alt->kind == RESULT_MIDDLEBOX
				    ? json_null()
				    : json_word(result_kind_name(alt->kind)),
				"probability",
				json_round(alt->probability, 4))) != 0;
	}
	return a;
}

/* One side of the odds: a hop, or what else. */
static json_t *
json_hypothesis(const struct infer_hypothesis *h)
{
	const char *kind = NULL;

	switch (h->cause) {
	case INFER_DEVICE:
		break;
	case INFER_SERVER:
		kind = result_kind_name(RESULT_SERVER);
		break;
	case INFER_RESPONSE:
		kind = result_kind_name(RESULT_RESPONSE_TRIGGERED);
		break;
	case INFER_NOTHING:
		kind = result_kind_name(RESULT_NOT_REPRODUCED);
		break;
	}
	return json_pack(
	    "{s:o, s:o}", "hop", json_count(h->hop), "kind", json_word(kind));
}

/* Why what the verdict names is more probable than what comes next. */
static json_t *
json_odds(const struct locate_result *r, bool *bad)
{
	const struct infer_explanation *e = &r->verdict.odds;
	json_t *o, *w;

	if (!r->verdict.has_odds)
		return json_null();
	w = json_object();
	for (size_t i = 0; i < INFER_EVIDENCES; i++)
		json_put(w, infer_evidence_name((enum infer_evidence)i),
		    e->seen[i] ? json_round(e->weight[i], 4) : json_null(),
		    bad);
	o = json_object();
	json_put(o, "of", json_hypothesis(&e->one), bad);
	json_put(o, "against", json_hypothesis(&e->other), bad);
	json_put(o, "prior", json_round(e->prior, 4), bad);
	json_put(o, "weights", w, bad);
	json_put(o, "log_odds", json_round(e->log_odds, 4), bad);
	return o;
}

static json_t *
json_reasons(const struct reasons *rs, bool *bad)
{
	json_t *a = json_array();
	const struct reason *r;

	for (size_t i = 0; i < rs->n && i < REASONS_MAX; i++) {
		r = &rs->r[i];
		*bad |= json_array_append_new(a,
			    json_pack("{s:o, s:o, s:o}", "code",
				json_word(r->code), "weight",
				r->weight == 0 ? json_null()
					       : json_round(r->weight, 2),
				"text", json_word(r->text))) != 0;
	}
	return a;
}

static json_t *
json_next(const struct locate_result *r, bool *bad)
{
	size_t n = sizeof(r->verdict.next) / sizeof(r->verdict.next[0]);
	json_t *a = json_array();

	for (size_t i = 0; i < n && r->verdict.next[i][0] != '\0'; i++)
		*bad |= json_array_append_new(
			    a, json_word(r->verdict.next[i])) != 0;
	return a;
}

static json_t *
json_between(const struct locate_result *r)
{
	const struct addr *b = r->verdict.between;

	if (addr_is_none(&b[0]) && addr_is_none(&b[1]))
		return json_null();
	return json_pack("[o, o]", json_addr(&b[0]), json_addr(&b[1]));
}

static json_t *
json_verdict(const struct locate_result *r, bool *bad)
{
	json_t *v;

	v = json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, "
		      "s:o}",
	    "forged", json_tri(r->verdict.forged), "kind",
	    result_kind_name(r->verdict.kind), "hop",
	    json_count(r->verdict.hop), "address",
	    json_addr(&r->verdict.address), "place",
	    json_word(place_name(r->verdict.place)), "between", json_between(r),
	    "confidence", json_round(r->verdict.confidence, 4), "in_path",
	    json_tri(r->verdict.in_path), "resets_server_too",
	    json_tri(r->verdict.resets_server_too), "ttl_policy",
	    ttl_policy_name(r->verdict.policy), "initial_ttl",
	    json_count(r->verdict.initial_ttl), "signature",
	    json_word(r->verdict.signature));
	json_put(
	    v, "firing", json_word(result_firing_name(r->verdict.firing)), bad);
	json_put(v, "alternatives", json_alternatives(r, bad), bad);
	json_put(v, "odds", json_odds(r, bad), bad);
	json_put(v, "reasons", json_reasons(&r->verdict.reasons, bad), bad);
	json_put(v, "next", json_next(r, bad), bad);
	return v;
}

int
json_locate(const struct locate_result *r, const struct report_style *st,
    FILE *out, struct fault *f)
{
	json_t *doc;
	bool bad = false;

	(void)st;
	doc = json_document("rsthop.locate/1", &r->head, &r->evidence);
	json_put(doc, "given_rst_ttls", json_given_ttls(r, &bad), &bad);
	json_put(doc, "server", json_server(&r->path), &bad);
	json_put(doc, "established", json_boolean(r->path.established), &bad);
	json_put(doc, "path", json_path(&r->path), &bad);
	json_put(doc, "trigger", json_trigger(r), &bad);
	json_put(doc, "attached", json_boolean(r->attached), &bad);
	json_put(doc, "exec", json_exec(r), &bad);
	json_put(doc, "budget", json_budget(r), &bad);
	json_put(doc, "reproduction", json_reproduction(r), &bad);
	json_put(doc, "residual", json_residual(r), &bad);
	json_put(doc, "resets", json_resets(r, &bad), &bad);
	json_put(doc, "threshold", json_threshold(r, &bad), &bad);
	json_put(doc, "port_sweep", json_port_sweep(&r->sweep, &bad), &bad);
	json_put(doc, "verdict", json_verdict(r, &bad), &bad);
	json_put(doc, "notes", json_notes(&r->notes), &bad);
	return json_finish(doc, bad, out, f);
}
