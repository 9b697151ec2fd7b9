/*
 * The JSON document rsthop.analyze/1.  Its resets may be many: they are
 * written one by one, a line each, and never held as a whole.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/text.h>

#include "json_line.h"
#include "json_parts.h"
#include "writers.h"

static json_t *
endpoint(const struct endpoint *e)
{
	char buf[ADDR_ENDPOINT];

	if (addr_is_none(&e->addr))
		return json_null();
	return json_string(endpoint_format(e, buf));
}

static json_t *
hex(const uint8_t *p, size_t n)
{
	struct text t = {0};
	json_t *v;

	if (p == NULL)
		return json_null();
	text_add_hex(&t, p, n);
	v = t.bad ? NULL : json_string(text_str(&t));
	text_free(&t);
	return v;
}

static json_t *
hop(const struct rst_candidate *c, size_t n, bool *bad)
{
	json_t *a;

	if (n == 0)
		return json_null();
	a = json_array();
	for (size_t i = 0; i < n && i < RST_CANDIDATES; i++)
		*bad |= json_array_append_new(a,
			    json_pack("{s:i, s:o, s:o}", "hop", c[i].hop,
				"place", json_word(rst_place_name(c[i].place)),
				"probability",
				json_round(c[i].probability, 4))) != 0;
	return json_pack("{s:i, s:o}", "best", c[0].hop, "candidates", a);
}

static json_t *
reasons(const struct rst_verdict *v, bool *bad)
{
	json_t *a = json_array();

	for (size_t i = 0; i < v->n_reasons; i++)
		*bad |=
		    json_array_append_new(a,
			json_pack("{s:s, s:o, s:o}", "code", v->reasons[i].code,
			    "weight", json_round(v->reasons[i].weight, 2),
			    "text", json_word(v->reasons[i].text))) != 0;
	return a;
}

/* --- a reset --- */

static void
line_endpoint(struct text *t, const char *key, const struct endpoint *e)
{
	char buf[ADDR_ENDPOINT];

	line_plain(t, key, endpoint_format(e, buf));
}

static void
line_head(
    struct text *t, const struct analysis *a, const struct analysis_reset *r)
{
	char time[CLOCK_TEXT];

	clock_format_utc(r->unix_ns, time, sizeof(time));
	line_word(t, "file", a->files[r->file].path);
	line_int(t, "frame", (int64_t)r->frame);
	line_plain(t, "time", time);
	line_endpoint(t, "client", &r->client);
	line_endpoint(t, "server", &r->server);
	line_plain(t, "direction", r->to_client ? "to-client" : "to-server");
	line_plain(t, "verdict", rst_ruling_name(r->verdict.ruling));
	line_real(t, "probability", r->verdict.probability, 4);
	line_real(t, "log_odds", r->verdict.log_odds, 2);
	line_plain(t, "kind", rst_kind_name(r->verdict.kind));
}

static void
line_header(struct text *t, const struct analysis_reset *r)
{
	char flags[PKT_FLAGS_TEXT], mac[ADDR_MAC_TEXT];

	line_int(t, "ttl", r->ttl);
	line_count(t, "peer_ttl", r->verdict.peer_ttl);
	if (r->has_ip_id)
		line_int(t, "ip_id", r->ip_id);
	else
		line_null(t, "ip_id");
	line_plain(t, "flags", pkt_format_flags(r->flags, flags));
	line_int(t, "seq", r->seq);
	line_int(t, "ack", r->ack);
	line_int(t, "window", r->window);
	line_int(t, "tos", r->tos);
	if (r->server.addr.version == 4)
		line_bool(t, "df", r->df);
	else
		line_null(t, "df");
	line_word(t, "mac", r->has_mac ? addr_format_mac(r->mac, mac) : NULL);
	line_word(t, "vendor", r->vendor);
	line_int(t, "copies", r->copies);
}

static void
line_hop(struct text *t, const struct rst_verdict *v)
{
	if (v->n_candidates == 0) {
		line_null(t, "hop");
		return;
	}
	line_begin(t, "hop", '{');
	line_int(t, "best", v->candidates[0].hop);
	line_begin(t, "candidates", '[');
	for (size_t i = 0; i < v->n_candidates; i++) {
		line_begin(t, NULL, '{');
		line_int(t, "hop", v->candidates[i].hop);
		line_word(t, "place", rst_place_name(v->candidates[i].place));
		line_real(t, "probability", v->candidates[i].probability, 4);
		line_end(t, '}');
	}
	line_end(t, ']');
	line_end(t, '}');
}

static void
line_reasons(struct text *t, const struct rst_verdict *v)
{
	line_begin(t, "reasons", '[');
	for (size_t i = 0; i < v->n_reasons; i++) {
		line_begin(t, NULL, '{');
		line_plain(t, "code", v->reasons[i].code);
		line_real(t, "weight", v->reasons[i].weight, 2);
		line_word(t, "text", v->reasons[i].text);
		line_end(t, '}');
	}
	line_end(t, ']');
}

static void
line_verdict(struct text *t, const struct rst_verdict *v)
{
	line_count(t, "initial_ttl", v->initial_ttl);
	if (v->crossed < 0)
		line_null(t, "crossed");
	else
		line_int(t, "crossed", v->crossed);
	line_hop(t, v);
	line_bool(t, "ttl_usable", v->ttl_usable);
	line_word(t, "ttl_why", v->ttl_why);
	line_word(t, "signature", v->signature);
	line_bool(t, "both_ends", v->both_ends);
	line_bool(t, "same_segment", v->same_segment);
	line_reasons(t, v);
	line_word(t, "missing", v->missing);
}

static void
line_trigger(struct text *t, const struct analysis_reset *r)
{
	if (r->trigger_frame == 0) {
		line_null(t, "trigger");
		return;
	}
	line_begin(t, "trigger", '{');
	line_int(t, "frame", (int64_t)r->trigger_frame);
	line_hex(t, "hex", r->trigger, r->trigger_len);
	line_int(t, "bytes", r->trigger_wire);
	if (r->trigger_ns < 0)
		line_null(t, "latency_ms");
	else
		line_real(t, "latency_ms", (double)r->trigger_ns / CLOCK_MS, 3);
	line_end(t, '}');
}

/* grouped: its group is known by now. */
static int
write_reset(const struct analysis *a, const struct analysis_reset *r,
    bool grouped, FILE *out, struct fault *f)
{
	struct text t = {0};
	bool bad;

	line_begin(&t, NULL, '{');
	line_head(&t, a, r);
	line_header(&t, r);
	line_verdict(&t, &r->verdict);
	line_trigger(&t, r);
	if (grouped)
		line_int(&t, "group", r->group);
	line_end(&t, '}');
	bad = t.bad;
	if (!bad)
		fwrite(t.p, 1, t.len, out);
	text_free(&t);
	return bad ? fault(f, FAULT_SYSTEM, "out of memory for the report") : 0;
}

int
report_write_reset(const struct analysis *a, const struct analysis_reset *r,
    FILE *out, struct fault *f)
{
	if (write_reset(a, r, false, out, f) != 0)
		return -1;
	fputc('\n', out);
	return writers_flush(out, f);
}

/* --- the document --- */

static const char *
vantage_name(enum analysis_vantage v)
{
	switch (v) {
	case ANALYSIS_VANTAGE_ANY:
		return NULL;
	case ANALYSIS_VANTAGE_CLIENT:
		return "client";
	case ANALYSIS_VANTAGE_SERVER:
		return "server";
	}
	return NULL;
}

static json_t *
file(const struct analysis_file *f)
{
	bool any = f->packets > 0;

	return json_pack("{s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "path",
	    json_word(f->path), "vantage", json_word(vantage_name(f->vantage)),
	    "packets", (json_int_t)f->packets, "undecoded",
	    (json_int_t)f->undecoded, "first",
	    any ? json_time(f->first_unix_ns) : json_null(), "last",
	    any ? json_time(f->last_unix_ns) : json_null(), "damage",
	    json_word(f->damage), "damage_frame",
	    f->damage[0] != '\0' ? json_integer((json_int_t)f->damage_frame)
				 : json_null());
}

static json_t *
files(const struct analysis *a, bool *bad)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->n_files; i++)
		*bad |= json_array_append_new(list, file(&a->files[i])) != 0;
	return list;
}

static bool
has_trigger(const struct analysis_group *g)
{
	return g->trigger.fired > 0;
}

static json_t *
trigger(const struct analysis_group *g, size_t at)
{
	const struct analysis_trigger *t = &g->trigger;
	bool known = t->rate >= 0;
	json_t *ci = known ? json_pack("[o, o]", json_round(t->rate_lo, 4),
				 json_round(t->rate_hi, 4))
			   : json_null();

	return json_pack(
	    "{s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o}", "group",
	    (json_int_t)at, "server", endpoint(&g->server), "protocol",
	    json_word(t->protocol), "command", json_word(t->command), "key",
	    json_word(t->key), "common_hex", hex(t->common, t->common_len),
	    "fired", (json_int_t)t->fired, "other_triggers",
	    (json_int_t)t->others, "unharmed",
	    known ? json_integer((json_int_t)t->unharmed) : json_null(), "rate",
	    known ? json_round(t->rate, 4) : json_null(), "rate_ci95", ci);
}

static json_t *
triggers(const struct analysis *a, bool *bad)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->n_groups; i++)
		if (has_trigger(&a->groups[i]))
			*bad |= json_array_append_new(
				    list, trigger(&a->groups[i], i)) != 0;
	return list;
}

static void
put_group_more(json_t *o, const struct analysis *a,
    const struct analysis_group *g, bool *bad)
{
	json_put(o, "probability", json_round(g->probability, 4), bad);
	json_put(o, "first", json_time(g->first_unix_ns), bad);
	json_put(o, "last", json_time(g->last_unix_ns), bad);
	json_put(o, "file", json_word(a->files[g->file].path), bad);
	json_put(o, "frame", json_integer((json_int_t)g->frame), bad);
	json_put(o, "mac", json_mac(g->has_mac, g->mac), bad);
	json_put(o, "vendor", json_word(g->vendor), bad);
	json_put(o, "hop", hop(g->candidates, g->n_candidates, bad), bad);
	json_put(o, "reasons", reasons(&g->why, bad), bad);
	json_put(o, "missing", json_word(g->why.missing), bad);
}

static json_t *
group(const struct analysis *a, const struct analysis_group *g,
    json_int_t trigger_at, bool *bad)
{
	json_t *o;

	o = json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:o}",
	    "server", endpoint(&g->server), "direction",
	    g->to_client ? "to-client" : "to-server", "verdict",
	    rst_ruling_name(g->ruling), "kind", rst_kind_name(g->kind), "ttl",
	    g->ttl_varies ? json_null() : json_integer(g->ttl), "ttl_range",
	    json_pack("[i, i]", g->ttl_lo, g->ttl_hi), "signature",
	    json_word(g->signature), "resets", (json_int_t)g->resets, "flows",
	    (json_int_t)g->flows, "both_ends", (json_int_t)g->both_ends,
	    "trigger", trigger_at < 0 ? json_null() : json_integer(trigger_at));
	put_group_more(o, a, g, bad);
	return o;
}

static json_t *
groups(const struct analysis *a, bool *bad)
{
	json_t *list = json_array();
	json_int_t at = 0;

	for (size_t i = 0; i < a->n_groups; i++) {
		const struct analysis_group *g = &a->groups[i];

		*bad |= json_array_append_new(list,
			    group(a, g, has_trigger(g) ? at : -1, bad)) != 0;
		at += has_trigger(g);
	}
	return list;
}

static json_t *
document(const struct analysis *a, bool *bad)
{
	json_t *doc;

	doc = json_pack("{s:s, s:s, s:o, s:o, s:b, s:o}", "schema",
	    "rsthop.analyze/1", "version", RSTHOP_VERSION, "started",
	    json_time(a->started_unix_ns), "duration_s",
	    json_round((double)a->duration_ns / (double)CLOCK_S, 3),
	    "interrupted", a->interrupted != 0, "trouble",
	    a->trouble.kind == FAULT_NONE ? json_null()
					  : json_word(a->trouble.text));
	json_put(doc, "files", files(a, bad), bad);
	json_put(doc, "packets", json_integer((json_int_t)a->packets), bad);
	json_put(doc, "flows", json_integer((json_int_t)a->flows), bad);
	json_put(doc, "summary",
	    json_pack("{s:I, s:I, s:I}", "forged", (json_int_t)a->forged,
		"genuine", (json_int_t)a->genuine, "undetermined",
		(json_int_t)a->undetermined),
	    bad);
	json_put(doc, "bounds",
	    json_pack("{s:I, s:I, s:I, s:I}", "flows_aged",
		(json_int_t)a->flows_aged, "flows_dropped",
		(json_int_t)a->flows_dropped, "resets_hurried",
		(json_int_t)a->resets_hurried, "resets_left_out",
		(json_int_t)a->resets_left_out),
	    bad);
	json_put(doc, "groups", groups(a, bad), bad);
	json_put(doc, "triggers", triggers(a, bad), bad);
	json_put(doc, "notes", json_notes(&a->notes), bad);
	return doc;
}

/* All but its last brace, so that the resets can follow. */
static int
write_document(const struct analysis *a, FILE *out, struct fault *f)
{
	bool bad = false;
	json_t *doc = document(a, &bad);
	char *s = NULL;
	size_t n;

	if (doc != NULL && !bad)
		s = json_dumps(doc, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	json_decref(doc);
	if (s == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory for the report");
	n = strlen(s);
	while (n > 0 && (s[n - 1] == '}' || s[n - 1] == '\n'))
		n--;
	/* The last key's value is an array: of its own it ends with "]". */
	fwrite(s, 1, n, out);
	free(s);
	return 0;
}

int
json_analysis(const struct analysis *a, const struct report_style *st,
    FILE *out, struct fault *f)
{
	(void)st;
	if (write_document(a, out, f) != 0)
		return -1;
	fputs(",\n  \"resets\": [", out);
	for (size_t i = 0; i < a->n_resets; i++) {
		fputs(i > 0 ? ",\n    " : "\n    ", out);
		if (write_reset(a, &a->resets[i], true, out, f) != 0)
			return -1;
	}
	fputs(a->n_resets > 0 ? "\n  ]\n}\n" : "]\n}\n", out);
	return writers_flush(out, f);
}
