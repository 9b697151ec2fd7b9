/* The path as a table: one row a responder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/addr.h>
#include <rsthop/vec.h>

#include "rows.h"

#define ROWS_COLLAPSE 3 /* silent hops in a row that are drawn as one */

/* What the rows are made from. */
struct source {
	const struct path *path;
	const struct result_head *head;
	const struct locate_result *locate; /* NULL for a trace */
	bool names;
};

static void
row_free(struct row *r)
{
	text_free(&r->mark);
	for (size_t i = 0; i < r->n_notes; i++)
		text_free(&r->notes[i]);
}

void
rows_free(struct rows *rs)
{
	for (size_t i = 0; i < rs->n; i++)
		row_free(&rs->row[i]);
	free(rs->row);
	memset(rs, 0, sizeof(*rs));
}

/* A new empty row, or NULL with rs->bad. */
static struct row *
rows_add(struct rows *rs, int ttl)
{
	struct row *r;

	if (VEC_ROOM(rs->row, rs->n, rs->cap) != 0) {
		rs->bad = true;
		return NULL;
	}
	r = &rs->row[rs->n++];
	memset(r, 0, sizeof(*r));
	r->from = r->to = ttl;
	return r;
}

/* The next free note of the row; the last one where all are taken. */
static struct text *
row_note(struct row *r)
{
	if (r->n_notes == ROWS_NOTES)
		return &r->notes[ROWS_NOTES - 1];
	return &r->notes[r->n_notes++];
}

static void
rows_set_draws(struct row *row, const struct source *src)
{
	const struct locate_result *l = src->locate;

	if (l == NULL || l->n_by_ttl == 0)
		return;
	if (!row->server)
		snprintf(row->draws, sizeof(row->draws), "-");
	for (size_t i = 0; i < l->n_by_ttl && i < PATH_MAX_HOPS; i++) {
		if (l->by_ttl[i].ttl == row->from && l->by_ttl[i].trials > 0)
			snprintf(row->draws, sizeof(row->draws), "%u of %u",
			    l->by_ttl[i].resets, l->by_ttl[i].trials);
	}
}

static void
rows_note_threshold(struct row *row, const struct source *src)
{
	if (src->locate == NULL || src->locate->threshold_ttl == 0 ||
	    src->locate->threshold_ttl != row->from)
		return;
	text_addf(row_note(row), "(TTL %d and more fire it)", row->from);
}

/* The labels that the hop's router saw, outermost first. */
static void
rows_note_mpls(struct row *row, const struct path_responder *p)
{
	struct text *t;

	if (p->n_mpls == 0)
		return;
	t = row_note(row);
	text_add(t, "MPLS");
	for (int i = 0; i < p->n_mpls && i < PKT_MPLS; i++)
		text_addf(t, "%s %u", i == 0 ? "" : " >", p->mpls[i].label);
}

/* The first hop's MAC: in a trace, and where that hop is the device. */
static void
rows_note_mac(
    struct row *row, const struct path_responder *p, const struct source *src)
{
	char mac[ADDR_MAC_TEXT];
	struct text *t;

	if (!p->has_mac || (src->locate != NULL && !row->device))
		return;
	t = row_note(row);
	text_add(t, addr_format_mac(p->mac, mac));
	if (p->vendor[0] == '\0')
		return;
	text_add(t, ", ");
	words_safe(t, p->vendor);
}

static void
rows_note_rewrites(struct row *row, const struct path_responder *p)
{
	struct text *t;

	if (p->rewrites == 0)
		return;
	t = row_note(row);
	text_add(t, "rewritten: ");
	words_rewrites(t, p->rewrites, ", ");
}

static void
rows_note_responder(
    struct row *row, const struct path_responder *p, const struct source *src)
{
	if (src->names && p->name[0] != '\0')
		words_safe(row_note(row), p->name);
	rows_note_mac(row, p, src);
	if (p->unreachable)
		text_add(row_note(row), "answers unreachable");
	rows_note_rewrites(row, p);
	rows_note_mpls(row, p);
}

/* Whether this responder, or the silent hop for NULL, is the verdict's. */
static bool
rows_is_device(const struct source *src, int ttl, const struct addr *a)
{
	const struct locate_result *l = src->locate;

	if (l == NULL || l->verdict.hop == 0 || l->verdict.hop != ttl)
		return false;
	if (a == NULL || addr_is_none(&l->verdict.address))
		return true;
	return addr_equal(a, &l->verdict.address);
}

static void
rows_set_device(struct row *row, const struct source *src)
{
	row->device = true;
	words_mark(&row->mark, src->locate);
}

static void
rows_add_silent(struct rows *rs, const struct source *src, int ttl)
{
	const struct path_hop *h = path_hop_at(src->path, ttl);
	bool asked = h != NULL && h->asked > 0;
	struct row *row = rows_add(rs, ttl);

	if (row == NULL)
		return;
	row->silent = true;
	snprintf(row->responder, sizeof(row->responder), "*");
	snprintf(row->rtt, sizeof(row->rtt), "%s", asked ? "silent" : "-");
	rows_set_draws(row, src);
	if (rows_is_device(src, ttl, NULL))
		rows_set_device(row, src);
	rows_note_threshold(row, src);
}

static void
rows_add_responder(struct rows *rs, const struct source *src,
    const struct path_hop *h, const struct path_responder *p, bool more)
{
	struct row *row = rows_add(rs, h->ttl);
	struct text via = {0};

	if (row == NULL)
		return;
	row->more = more;
	addr_format(&p->addr, row->responder);
	words_ms(p->rtt_ns, row->rtt);
	words_vias(&via, p->via, " ");
	snprintf(row->via, sizeof(row->via), "%s", text_str(&via));
	rs->bad |= via.bad;
	text_free(&via);
	if (rows_is_device(src, h->ttl, &p->addr))
		rows_set_device(row, src);
	if (!more) {
		rows_set_draws(row, src);
		rows_note_threshold(row, src);
	}
	rows_note_responder(row, p, src);
}

/* The responders of one hop but for the server itself, which comes last. */
static void
rows_add_hop(
    struct rows *rs, const struct source *src, int ttl, bool silent_too)
{
	const struct path_hop *h = path_hop_at(src->path, ttl);
	const struct path_responder *p;
	bool more = false;

	for (int i = 0; h != NULL && i < h->n_responders && i < PATH_RESPONDERS;
	     i++) {
		p = &h->responders[i];
		if (!silent_too &&
		    addr_equal(&p->addr, &src->head->target.addr))
			continue;
		rows_add_responder(rs, src, h, p, more);
		more = true;
	}
	if (!more && silent_too)
		rows_add_silent(rs, src, ttl);
}

/* The TTL at which the server answers; 0 where it was not seen to. */
static int
rows_server_ttl(const struct path *p)
{
	if (p->server_hops > 0)
		return p->server_hops;
	for (int i = 0; i < p->n_hops && i < PATH_MAX_HOPS; i++) {
		if (p->hops[i].is_server)
			return p->hops[i].ttl;
	}
	return 0;
}

static void
rows_note_server(struct row *row, const struct source *src)
{
	struct text *t = row_note(row);
	char a[ADDR_TEXT];

	addr_format(&src->head->target.addr, a);
	if (src->head->host[0] == '\0' || strcmp(src->head->host, a) == 0)
		text_add(t, "the server");
	else
		words_safe(t, src->head->host);
	if (src->path->server_ttl > 0)
		text_addf(t, ", TTL %u", src->path->server_ttl);
	if (src->path->server_hops > 0 &&
	    src->path->distance == PATH_DISTANCE_TTL)
		text_add(t, " (its distance is judged by that alone)");
}

/* The server's own answer on the path, NULL where there was none. */
static const struct path_responder *
rows_server_responder(const struct source *src, int ttl)
{
	const struct path_hop *h = path_hop_at(src->path, ttl);

	for (int i = 0; h != NULL && i < h->n_responders && i < PATH_RESPONDERS;
	     i++) {
		if (addr_equal(&h->responders[i].addr, &src->head->target.addr))
			return &h->responders[i];
	}
	return NULL;
}

static void
rows_add_server(struct rows *rs, const struct source *src, int ttl)
{
	const struct path_responder *p = rows_server_responder(src, ttl);
	int64_t rtt_ns = src->path->server_rtt_ns;
	struct text via = {0};
	struct row *row;

	row = rows_add(rs, ttl);
	if (row == NULL)
		return;
	row->server = true;
	addr_format(&src->head->target.addr, row->responder);
	if (rtt_ns == 0 && p != NULL)
		rtt_ns = p->rtt_ns;
	words_ms(rtt_ns, row->rtt);
	if (p != NULL)
		words_vias(&via, p->via, " ");
	snprintf(row->via, sizeof(row->via), "%s", text_str(&via));
	rs->bad |= via.bad;
	text_free(&via);
	rows_set_draws(row, src);
	if (rows_is_device(src, ttl, &src->head->target.addr) ||
	    (src->locate != NULL && src->locate->trigger != 0 &&
		src->locate->verdict.kind == RESULT_SERVER))
		rows_set_device(row, src);
	rows_note_server(row, src);
	if (p != NULL)
		rows_note_rewrites(row, p);
	rows_note_threshold(row, src);
}

static bool
rows_can_join(const struct row *a, const struct row *b)
{
	return a->silent && b->silent && !a->device && !b->device &&
	    a->n_notes == 0 && b->n_notes == 0 &&
	    strcmp(a->draws, b->draws) == 0 && strcmp(a->rtt, b->rtt) == 0;
}

/* Draws three and more silent hops that say the same as one row. */
static void
rows_collapse(struct rows *rs)
{
	size_t i, k, run;

	for (i = k = 0; i < rs->n; i += run) {
		for (run = 1; i + run < rs->n &&
		     rows_can_join(&rs->row[i], &rs->row[i + run]);
		     run++)
			;
		if (run < ROWS_COLLAPSE)
			run = 1;
		rs->row[k] = rs->row[i];
		rs->row[k].to = rs->row[i + run - 1].to;
		k++;
	}
	rs->n = k;
}

static void
rows_build(struct rows *rs, const struct source *src)
{
	int server = rows_server_ttl(src->path);
	int last = src->path->n_hops;

	if (src->locate != NULL && src->locate->verdict.hop > last)
		last = src->locate->verdict.hop;
	if (server > 0)
		last = server - 1;
	for (int ttl = 1; ttl <= last && ttl <= PATH_MAX_HOPS; ttl++)
		rows_add_hop(rs, src, ttl, true);
	if (server > 0)
		rows_add_hop(rs, src, server, false);
	if (server > 0 || src->path->server_ttl > 0)
		rows_add_server(rs, src, server);
	if (rs->bad)
		return;
	rows_collapse(rs);
	for (size_t i = 0; i < rs->n; i++)
		rs->has_draws |= rs->row[i].draws[0] != '\0';
}

void
rows_locate(struct rows *rs, const struct locate_result *r, bool names)
{
	struct source src = {&r->path, &r->head, r, names};

	rows_build(rs, &src);
}

void
rows_trace(struct rows *rs, const struct trace_result *r, bool names)
{
	struct source src = {&r->path, &r->head, NULL, names};

	rows_build(rs, &src);
}
