/*
 * The JSON document rsthop.analyze/1.  Its groups and resets may be many: they
 * are written one by one, a line each, and never held as a whole.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/text.h>

#include "json_line.h"
#include "json_parts.h"
#include "writers.h"

/* --- a reset --- */

static void
json_analysis_line_endpoint(
    struct text *t, const char *key, const struct endpoint *e)
{
	char buf[ADDR_ENDPOINT];

	line_plain(t, key, endpoint_format(e, buf));
}

static void
json_analysis_line_head(
    struct text *t, const struct analysis *a, const struct analysis_reset *r)
{
	char time[CLOCK_TEXT];

	clock_format_utc(r->unix_ns, time, sizeof(time));
	line_word(t, "file", a->files[r->file].path);
	line_int(t, "frame", (int64_t)r->frame);
	line_plain(t, "time", time);
	json_analysis_line_endpoint(t, "client", &r->client);
	json_analysis_line_endpoint(t, "server", &r->server);
	line_plain(t, "direction", r->to_client ? "to-client" : "to-server");
	line_plain(t, "verdict", rst_ruling_name(r->verdict.ruling));
	line_real(t, "probability", r->verdict.probability, 4);
	line_real(t, "log_odds", r->verdict.log_odds, 2);
	line_plain(t, "kind", rst_kind_name(r->verdict.kind));
}

static void
json_analysis_line_header(struct text *t, const struct analysis_reset *r)
{
	char flags[PKT_FLAGS_TEXT], mac[ADDR_MAC_TEXT];

	line_int(t, "ttl", r->ttl);
	line_count(t, "peer_ttl", r->verdict.sender_ttl);
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
json_analysis_line_hop(struct text *t, const struct rst_candidate *c, size_t n)
{
	if (n == 0) {
		line_null(t, "hop");
		return;
	}
	line_begin(t, "hop", '{');
	line_int(t, "best", c[0].hop);
	line_begin(t, "candidates", '[');
	for (size_t i = 0; i < n; i++) {
		line_begin(t, NULL, '{');
		line_int(t, "hop", c[i].hop);
		line_word(t, "place", place_name(c[i].place));
		line_real(t, "probability", c[i].probability, 4);
		line_end(t, '}');
	}
	line_end(t, ']');
	line_end(t, '}');
}

static void
json_analysis_line_reasons(struct text *t, const struct rst_verdict *v)
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
json_analysis_line_verdict(struct text *t, const struct rst_verdict *v)
{
	line_count(t, "initial_ttl", v->initial_ttl);
	if (v->traversed < 0)
		line_null(t, "crossed");
	else
		line_int(t, "crossed", v->traversed);
	json_analysis_line_hop(t, v->candidates, v->n_candidates);
	line_bool(t, "ttl_usable", v->ttl_usable);
	line_word(t, "ttl_why", v->ttl_why);
	line_word(t, "signature", v->signature);
	line_bool(t, "both_ends", v->both_ends);
	line_bool(t, "same_segment", v->same_segment);
	json_analysis_line_reasons(t, v);
	line_word(t, "missing", v->missing);
}

static void
json_analysis_line_trigger(struct text *t, const struct analysis_reset *r)
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

/* What the other vantage says of it. */
static void
json_analysis_line_peer(
    struct text *t, const struct analysis *a, const struct rst_elsewhere *e)
{
	bool sent = e->shows == RST_SHOWS_SENT;

	if (e->shows == RST_SHOWS_NOTHING) {
		line_null(t, "peer");
		return;
	}
	line_begin(t, "peer", '{');
	line_bool(t, "sent", sent);
	if (sent)
		line_int(t, "ttl", e->ttl);
	else
		line_null(t, "ttl");
	line_word(t, "file_before", a->files[e->file_before].path);
	line_int(t, "frame_before", (int64_t)e->frame_before);
	line_word(t, "file_after", a->files[e->file_after].path);
	line_int(t, "frame_after", (int64_t)e->frame_after);
	line_end(t, '}');
}

static void
json_analysis_line_reset(
    struct text *t, const struct analysis *a, const struct analysis_reset *r)
{
	line_begin(t, NULL, '{');
	json_analysis_line_head(t, a, r);
	json_analysis_line_header(t, r);
	json_analysis_line_verdict(t, &r->verdict);
	json_analysis_line_trigger(t, r);
	json_analysis_line_peer(t, a, &r->elsewhere);
}

int
report_write_reset(const struct analysis *a, const struct analysis_reset *r,
    FILE *out, struct fault *f)
{
	struct text t = {0};

	json_analysis_line_reset(&t, a, r);
	line_end(&t, '}');
	text_add(&t, "\n");
	return writers_finish(&t, out, f);
}

/* --- the document --- */

static const char *
json_analysis_vantage_name(enum analysis_vantage v)
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
json_analysis_file(const struct analysis_file *f)
{
	bool any = f->packets > 0;

	return json_pack("{s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "path",
	    json_word(f->path), "vantage",
	    json_word(json_analysis_vantage_name(f->vantage)), "packets",
	    (json_int_t)f->packets, "undecoded", (json_int_t)f->undecoded,
	    "first", any ? json_time(f->first_unix_ns) : json_null(), "last",
	    any ? json_time(f->last_unix_ns) : json_null(), "damage",
	    json_word(f->damage), "damage_frame",
	    f->damage[0] != '\0' ? json_integer((json_int_t)f->damage_frame)
				 : json_null());
}

static json_t *
json_analysis_files(const struct analysis *a, bool *bad)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->n_files; i++)
		*bad |= json_array_append_new(
			    list, json_analysis_file(&a->files[i])) != 0;
	return list;
}

static bool
json_analysis_has_trigger(const struct analysis_group *g)
{
	return g->trigger.drew > 0;
}

/* Null where nobody knows the server: a group of many. */
static void
json_analysis_line_server(struct text *t, const struct analysis_group *g)
{
	if (addr_is_none(&g->server.addr))
		line_null(t, "server");
	else
		json_analysis_line_endpoint(t, "server", &g->server);
}

static void
json_analysis_line_rate(struct text *t, const struct analysis_trigger *r)
{
	if (r->rate < 0) {
		line_null(t, "unharmed");
		line_null(t, "rate");
		line_null(t, "rate_ci95");
		return;
	}
	line_int(t, "unharmed", (int64_t)r->unharmed);
	line_real(t, "rate", r->rate, 4);
	line_begin(t, "rate_ci95", '[');
	line_real(t, NULL, r->rate_lo, 4);
	line_real(t, NULL, r->rate_hi, 4);
	line_end(t, ']');
}

static void
json_analysis_line_group_trigger(
    struct text *t, const struct analysis *a, size_t at)
{
	const struct analysis_group *g = &a->groups[at];
	const struct analysis_trigger *r = &g->trigger;

	line_int(t, "group", (int64_t)at);
	json_analysis_line_server(t, g);
	line_word(t, "protocol", r->protocol);
	line_word(t, "command", r->command);
	line_word(t, "key", r->key);
	line_hex(t, "common_hex", r->common, r->common_len);
	line_int(t, "fired", (int64_t)r->drew);
	line_int(t, "other_triggers", (int64_t)r->others);
	json_analysis_line_rate(t, r);
}

static void
json_analysis_line_group_marks(struct text *t, const struct analysis_group *g)
{
	json_analysis_line_server(t, g);
	line_plain(t, "direction", g->to_client ? "to-client" : "to-server");
	line_plain(t, "verdict", rst_ruling_name(g->ruling));
	line_plain(t, "kind", rst_kind_name(g->kind));
	if (g->ttl_varies)
		line_null(t, "ttl");
	else
		line_int(t, "ttl", g->ttl);
	line_begin(t, "ttl_range", '[');
	line_int(t, NULL, g->ttl_lo);
	line_int(t, NULL, g->ttl_hi);
	line_end(t, ']');
	line_word(t, "signature", g->signature);
	line_int(t, "resets", (int64_t)g->resets);
	line_int(t, "flows", (int64_t)g->flows);
	line_int(t, "both_ends", (int64_t)g->both_ends);
}

static void
json_analysis_line_time(struct text *t, const char *key, int64_t unix_ns)
{
	char time[CLOCK_TEXT];

	clock_format_utc(unix_ns, time, sizeof(time));
	line_plain(t, key, time);
}

static void
json_analysis_line_group(
    struct text *t, const struct analysis *a, size_t at, int64_t trigger)
{
	const struct analysis_group *g = &a->groups[at];
	char mac[ADDR_MAC_TEXT];

	json_analysis_line_group_marks(t, g);
	if (trigger < 0)
		line_null(t, "trigger");
	else
		line_int(t, "trigger", trigger);
	line_real(t, "probability", g->probability, 4);
	json_analysis_line_time(t, "first", g->first_unix_ns);
	json_analysis_line_time(t, "last", g->last_unix_ns);
	line_word(t, "file", a->files[g->file].path);
	line_int(t, "frame", (int64_t)g->frame);
	line_word(t, "mac", g->has_mac ? addr_format_mac(g->mac, mac) : NULL);
	line_word(t, "vendor", g->vendor);
	json_analysis_line_hop(t, g->candidates, g->n_candidates);
	json_analysis_line_reasons(t, &g->why);
	line_word(t, "missing", g->why.missing);
}

/* Puts one more element, on a line of its own. */
static int
json_analysis_write_element(
    struct text *t, bool *begun, FILE *out, struct fault *f)
{
	line_end(t, '}');
	if (t->bad)
		return fault(f, FAULT_SYSTEM, "out of memory for the report");
	fputs(*begun ? ",\n    " : "\n    ", out);
	fwrite(t->p, 1, t->len, out);
	*begun = true;
	return 0;
}

static int
json_analysis_write_groups(const struct analysis *a, FILE *out, struct fault *f)
{
	struct text t = {0};
	bool begun = false;
	int64_t triggers = 0;
	int rc = 0;

	fputs(",\n  \"groups\": [", out);
	for (size_t i = 0; rc == 0 && i < a->n_groups; i++) {
		bool has = json_analysis_has_trigger(&a->groups[i]);

		t.len = 0;
		line_begin(&t, NULL, '{');
		json_analysis_line_group(&t, a, i, has ? triggers++ : -1);
		rc = json_analysis_write_element(&t, &begun, out, f);
	}
	fputs(
	    begun ? "\n  ],\n  \"triggers\": [" : "],\n  \"triggers\": [", out);
	begun = false;
	for (size_t i = 0; rc == 0 && i < a->n_groups; i++) {
		if (!json_analysis_has_trigger(&a->groups[i]))
			continue;
		t.len = 0;
		line_begin(&t, NULL, '{');
		json_analysis_line_group_trigger(&t, a, i);
		rc = json_analysis_write_element(&t, &begun, out, f);
	}
	fputs(begun ? "\n  ]" : "]", out);
	text_free(&t);
	return rc;
}

static json_t *
json_analysis_compared(const struct analysis_compared *k)
{
	bool known = k->offset_error_ns >= 0;

	if (!k->done)
		return json_null();
	return json_pack("{s:I, s:b, s:o, s:o, s:o, s:I, s:o}", "flows",
	    (json_int_t)k->flows, "nat", k->nat, "offset_ms",
	    known ? json_round((double)k->offset_ns / 1e6, 3) : json_null(),
	    "offset_error_ms",
	    known ? json_round((double)k->offset_error_ns / 1e6, 3)
		  : json_null(),
	    "path_hops",
	    k->path_hops >= 0 ? json_integer(k->path_hops) : json_null(),
	    "never_sent", (json_int_t)k->never_sent, "hop",
	    k->hop_lo > 0 ? json_pack("[i, i]", k->hop_lo, k->hop_hi)
			  : json_null());
}

static json_t *
json_analysis_document(const struct analysis *a, bool *bad)
{
	json_t *doc;

	doc = json_pack("{s:s, s:s, s:o, s:o, s:b, s:o}", "schema",
	    "rsthop.analyze/1", "version", RSTHOP_VERSION, "started",
	    json_time(a->started_unix_ns), "duration_s",
	    json_round((double)a->duration_ns / (double)CLOCK_S, 3),
	    "interrupted", a->interrupted != 0, "trouble",
	    a->trouble.kind == FAULT_NONE ? json_null()
					  : json_word(a->trouble.text));
	json_put(doc, "files", json_analysis_files(a, bad), bad);
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
	json_put(doc, "compared", json_analysis_compared(&a->compared), bad);
	json_put(doc, "probes", json_probes(a), bad);
	json_put(doc, "notes", json_notes(&a->notes), bad);
	return doc;
}

static void
json_analysis_put_watch(json_t *doc, const struct report_watch *w, bool *bad)
{
	json_put(doc, "schema", json_string("rsthop.watch/1"), bad);
	json_put(doc, "interface", json_word(w->ifname), bad);
	json_put(doc, "filter", json_word(w->filter), bad);
	json_put(doc, "received", json_integer((json_int_t)w->received), bad);
	json_put(doc, "dropped", json_integer((json_int_t)w->dropped), bad);
	json_put(doc, "interface_lost", json_integer((json_int_t)w->lost), bad);
}

int
report_write_watch(const struct analysis *a, const struct report_watch *w,
    FILE *out, struct fault *f)
{
	bool bad = false;
	json_t *doc = json_analysis_document(a, &bad);
	int rc = -1;

	json_analysis_put_watch(doc, w, &bad);
	(void)json_object_del(doc, "files"); /* there is but the interface */
	/* Each has had its line. */
	(void)json_object_del(
	    json_object_get(doc, "bounds"), "resets_left_out");
	if (doc != NULL && !bad)
		rc = json_dumpf(
		    doc, out, JSON_COMPACT | JSON_REAL_PRECISION(12));
	json_decref(doc);
	if (rc != 0 && ferror(out) == 0)
		return fault(f, FAULT_SYSTEM, "out of memory for the report");
	fputc('\n', out);
	return writers_flush(out, f);
}

/* All but its last brace, so that the resets can follow. */
static int
json_analysis_write_document(
    const struct analysis *a, FILE *out, struct fault *f)
{
	bool bad = false;
	json_t *doc = json_analysis_document(a, &bad);
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

static int
json_analysis_write_resets(const struct analysis *a, FILE *out, struct fault *f)
{
	struct text t = {0};
	bool begun = false;
	int rc = 0;

	fputs(",\n  \"resets\": [", out);
	for (size_t i = 0; rc == 0 && i < a->n_resets; i++) {
		t.len = 0;
		json_analysis_line_reset(&t, a, &a->resets[i]);
		line_int(&t, "group", a->resets[i].group);
		rc = json_analysis_write_element(&t, &begun, out, f);
	}
	fputs(begun ? "\n  ]\n}\n" : "]\n}\n", out);
	text_free(&t);
	return rc;
}

int
json_analysis(const struct analysis *a, const struct report_style *st,
    FILE *out, struct fault *f)
{
	(void)st;
	if (json_analysis_write_document(a, out, f) != 0 ||
	    json_analysis_write_groups(a, out, f) != 0 ||
	    json_analysis_write_resets(a, out, f) != 0)
		return -1;
	return writers_flush(out, f);
}
