/* The pieces of the JSON documents that more than one of them has. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/text.h>

#include "json_parts.h"
#include "writers.h"

#define JSON_PARTS_DIGITS \
	12 /* of a real: beyond every rounding, short of the noise */

json_t *
json_word(const char *s)
{
	struct text t = {0};
	json_t *v;

	if (s == NULL || s[0] == '\0')
		return json_null();
	v = json_string(s); /* NULL where it is no UTF-8 */
	if (v != NULL)
		return v;
	text_add_safe(&t, s, strlen(s), strlen(s));
	v = t.bad ? NULL : json_string(text_str(&t));
	text_free(&t);
	return v;
}

json_t *
json_addr(const struct addr *a)
{
	char buf[ADDR_TEXT];

	if (addr_is_none(a))
		return json_null();
	return json_string(addr_format(a, buf));
}

json_t *
json_mac(bool has, const uint8_t mac[ADDR_MAC])
{
	char buf[ADDR_MAC_TEXT];

	return has ? json_string(addr_format_mac(mac, buf)) : json_null();
}

json_t *
json_count(int64_t n)
{
	return n == 0 ? json_null() : json_integer(n);
}

json_t *
json_round(double x, int decimals)
{
	double scale = pow(10, decimals);

	if (!isfinite(x))
		return json_null();
	/* Plus zero, lest what rounds to it from below be -0.0. */
	return json_real(round(x * scale) / scale + 0.0);
}

json_t *
json_ms(int64_t ns, int64_t min)
{
	if (ns < min)
		return json_null();
	return json_round((double)ns / (double)CLOCK_MS, 3);
}

json_t *
json_time(int64_t unix_ns)
{
	char buf[CLOCK_TEXT];

	clock_format_utc(unix_ns, buf, sizeof(buf));
	return json_string(buf);
}

static const char *
json_parts_distance_name(enum path_distance d)
{
	switch (d) {
	case PATH_DISTANCE_UNKNOWN:
		return NULL;
	case PATH_DISTANCE_TTL:
		return "ttl";
	case PATH_DISTANCE_SILENT:
		return "silent";
	case PATH_DISTANCE_PROBE:
		return "probe";
	}
	return NULL;
}

json_t *
json_server(const struct path *p)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "ttl",
	    json_count(p->server_ttl), "initial_ttl",
	    json_count(p->server_initial_ttl), "hops",
	    json_count(p->server_hops), "distance",
	    json_word(json_parts_distance_name(p->distance)), "rtt_ms",
	    json_ms(p->server_rtt_ns, 1));
}

static json_t *
json_mpls(const struct path_responder *r)
{
	json_t *a = json_array();
	const struct pkt_mpls *m;
	bool bad = a == NULL;

	for (int i = 0; !bad && i < r->n_mpls && i < PKT_MPLS; i++) {
		m = &r->mpls[i];
		bad = json_array_append_new(a,
			  json_pack("{s:I, s:i, s:b, s:i}", "label",
			      (json_int_t)m->label, "tc", m->tc, "bottom",
			      m->bottom, "ttl", m->ttl)) != 0;
	}
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *
json_vias(unsigned int mask)
{
	static const enum path_via all[] = {
	    PATH_VIA_TCP, PATH_VIA_SYN, PATH_VIA_ICMP, PATH_VIA_PROBE};
	json_t *a = json_array();
	bool bad = a == NULL;

	for (size_t i = 0; !bad && i < sizeof(all) / sizeof(all[0]); i++) {
		if ((mask & all[i]) != 0)
			bad = json_array_append_new(
				  a, json_string(path_via_name(all[i]))) != 0;
	}
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *
json_rewrites(unsigned int mask)
{
	json_t *a = json_array();
	bool bad = a == NULL;

	for (unsigned int i = 0; !bad && i < PATH_REWRITES; i++) {
		enum path_rewrite bit = (enum path_rewrite)(1U << i);

		if ((mask & 1U << i) != 0)
			bad = json_array_append_new(
				  a, json_string(path_rewrite_name(bit))) != 0;
	}
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *
json_responder(const struct path_responder *r)
{
	return json_pack(
	    "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:b}",
	    "address", json_addr(&r->addr), "via", json_vias(r->via), "rtt_ms",
	    json_ms(r->rtt_ns, 1), "reply_ttl", json_count(r->reply_ttl), "mac",
	    json_mac(r->has_mac, r->mac), "vendor", json_word(r->vendor),
	    "name", json_word(r->name), "rewrites", json_rewrites(r->rewrites),
	    "mpls", json_mpls(r), "replies", (json_int_t)r->replies,
	    "unreachable", r->unreachable);
}

/* The smallest round trip of the hop's responders; 0 where there is none. */
static int64_t
json_parts_hop_rtt(const struct path_hop *h)
{
	int64_t best = 0;

	for (int i = 0; i < h->n_responders && i < PATH_RESPONDERS; i++) {
		if (h->responders[i].rtt_ns > 0 &&
		    (best == 0 || h->responders[i].rtt_ns < best))
			best = h->responders[i].rtt_ns;
	}
	return best;
}

static json_t *
json_hop(const struct path_hop *h)
{
	json_t *responders = json_array();
	bool bad = responders == NULL;

	for (int i = 0; i < h->n_responders && i < PATH_RESPONDERS; i++)
		bad |= json_array_append_new(
			   responders, json_responder(&h->responders[i])) != 0;
	if (bad) {
		json_decref(responders);
		return NULL;
	}
	return json_pack("{s:i, s:o, s:o, s:I, s:I, s:b}", "ttl", h->ttl,
	    "rtt_ms", json_ms(json_parts_hop_rtt(h), 1), "responders",
	    responders, "asked", (json_int_t)h->asked, "answered",
	    (json_int_t)h->answered, "is_server", h->is_server);
}

json_t *
json_path(const struct path *p)
{
	json_t *a = json_array();
	bool bad = a == NULL;

	for (int i = 0; !bad && i < p->n_hops && i < PATH_MAX_HOPS; i++)
		bad = json_array_append_new(a, json_hop(&p->hops[i])) != 0;
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

json_t *
json_notes(const struct result_notes *n)
{
	json_t *a = json_array();
	bool bad = a == NULL;

	for (size_t i = 0; !bad && i < n->n && i < RESULT_NOTES; i++)
		bad = json_array_append_new(a, json_word(n->text[i])) != 0;
	if (!bad)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *
json_target(const struct result_head *h)
{
	return json_pack("{s:o, s:o, s:o}", "host", json_word(h->host),
	    "address", json_addr(&h->target.addr), "port",
	    json_count(h->target.port));
}

static json_t *
json_source(const struct result_head *h)
{
	return json_pack("{s:o, s:o, s:o}", "address",
	    json_addr(&h->source.addr), "port", json_count(h->source.port),
	    "interface", json_word(h->ifname));
}

json_t *
json_document(const char *schema, const struct result_head *h,
    const struct result_evidence *e)
{
	json_t *evidence = json_pack("{s:I, s:I}", "packets", (json_int_t)e->n,
	    "left_out", (json_int_t)e->left_out);
	json_t *trouble = h->trouble.kind == FAULT_NONE
	    ? json_null()
	    : json_word(h->trouble.text);

	return json_pack(
	    "{s:s, s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:o}",
	    "schema", schema, "version", RSTHOP_VERSION, "started",
	    json_time(h->started_unix_ns), "duration_s",
	    json_round((double)h->duration_ns / (double)CLOCK_S, 3),
	    "interrupted", h->interrupted != 0, "trouble", trouble, "target",
	    json_target(h), "source", json_source(h), "connections",
	    (json_int_t)h->connections, "packets_sent",
	    (json_int_t)h->packets_sent, "dropped_by_kernel",
	    (json_int_t)h->dropped, "evidence", evidence);
}

void
json_put(json_t *o, const char *key, json_t *value, bool *bad)
{
	if (json_object_set_new(o, key, value) != 0)
		*bad = true;
}

int
json_finish(json_t *doc, bool bad, FILE *out, struct fault *f)
{
	size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(JSON_PARTS_DIGITS);
	int rc = -1;

	if (doc == NULL || bad) {
		fault(f, FAULT_SYSTEM, "out of memory for the report");
		goto out;
	}
	/* A dump that could not write is told by the stream itself. */
	if (json_dumpf(doc, out, flags) != 0 && ferror(out) == 0) {
		fault(f, FAULT_SYSTEM, "out of memory for the report");
		goto out;
	}
	fputc('\n', out);
	rc = writers_flush(out, f);
out:
	json_decref(doc);
	return rc;
}
