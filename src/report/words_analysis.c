/* The sentences on judged captures. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>

#include "words.h"
#include "words_analysis.h"

#define WORDS_ANALYSIS_KEY_SHOWN 48 /* bytes of a trigger's words */
#define WORDS_ANALYSIS_PAYLOAD_MAX \
	40 /* bytes that a command line is offered for */
#define WORDS_ANALYSIS_NEAR \
	0.15 /* candidates less probable are left to the JSON */

/* --- batches --- */

static bool
words_analysis_is_alike(
    const struct analysis_group *a, const struct analysis_group *b)
{
	return a != NULL && a->ruling == b->ruling && a->kind == b->kind &&
	    a->to_client == b->to_client && a->signature == b->signature &&
	    a->ttl_varies == b->ttl_varies &&
	    (a->ttl_varies || a->ttl == b->ttl);
}

static bool
words_analysis_same_trigger(
    const struct analysis_trigger *a, const struct analysis_trigger *b)
{
	if (a->drew == 0 || b->drew == 0)
		return a->drew == b->drew;
	return a->protocol[0] != '\0' &&
	    strcmp(a->protocol, b->protocol) == 0 &&
	    strcmp(a->command, b->command) == 0 && strcmp(a->key, b->key) == 0;
}

static void
words_analysis_add_to(struct batch *b, const struct analysis_group *g)
{
	if (b->servers < sizeof(b->some) / sizeof(b->some[0]))
		b->some[b->servers] = g;
	b->servers++;
	b->resets += g->resets;
	b->flows += g->flows;
	b->both_ends += g->both_ends;
	b->drew += g->trigger.drew;
	b->unharmed += g->trigger.unharmed;
	if (!words_analysis_same_trigger(&b->first->trigger, &g->trigger))
		b->one_trigger = false;
}

void
batches_make(struct batches *bs, const struct analysis *a)
{
	size_t k;

	bs->b = calloc(a->n_groups + 1, sizeof(*bs->b));
	bs->bad = bs->b == NULL;
	for (size_t i = 0; !bs->bad && i < a->n_groups; i++) {
		const struct analysis_group *g = &a->groups[i];

		if (g->ruling == RST_GENUINE)
			continue;
		for (k = 0;
		     k < bs->n && !words_analysis_is_alike(bs->b[k].first, g);
		     k++)
			continue;
		if (k == bs->n)
			bs->b[bs->n++] = (struct batch){
			    .a = a, .first = g, .one_trigger = true};
		words_analysis_add_to(&bs->b[k], g);
	}
}

bool
batch_has(const struct batch *b, const struct analysis_group *g)
{
	return words_analysis_is_alike(b->first, g);
}

void
batches_free(struct batches *bs)
{
	free(bs->b);
}

/* --- the whole --- */

void
words_analysis(struct text *t, const struct analysis *a)
{
	uint64_t all = a->forged + a->genuine + a->undetermined;

	if (all == 0) {
		text_add(t, "There is no reset in what was read.");
		return;
	}
	if (all == 1 && a->forged == 1)
		text_add(t, "The only reset is forged.");
	else if (a->forged == all)
		text_addf(t, "All %" PRIu64 " resets are forged.", all);
	else if (a->forged > 0)
		text_addf(t, "%" PRIu64 " of %" PRIu64 " resets %s forged.",
		    a->forged, all, a->forged == 1 ? "is" : "are");
	else if (all == 1)
		text_addf(t, "The only reset is %s.",
		    a->genuine > 0 ? "genuine" : "not known to be forged");
	else
		text_addf(t, "None of %" PRIu64 " resets is %sforged.", all,
		    a->undetermined > 0 ? "known to be " : "");
	if (a->undetermined > 0 && all > 1)
		text_addf(
		    t, " Of %" PRIu64 " there is no telling.", a->undetermined);
}

static void
words_analysis_add_time(struct text *t, int64_t unix_ns)
{
	char buf[CLOCK_TEXT];

	clock_format_utc(unix_ns, buf, sizeof(buf));
	buf[strcspn(buf, ".")] = '\0'; /* to the second; Z says UTC */
	text_addf(t, "%sZ", buf);
}

static void
words_analysis_add_span(struct text *t, const struct analysis *a)
{
	const struct analysis_file *lo = NULL, *hi = NULL;

	for (size_t i = 0; i < a->n_files; i++) {
		const struct analysis_file *f = &a->files[i];

		if (f->packets == 0)
			continue;
		if (lo == NULL || f->first_unix_ns < lo->first_unix_ns)
			lo = f;
		if (hi == NULL || f->last_unix_ns > hi->last_unix_ns)
			hi = f;
	}
	if (lo == NULL)
		return;
	text_add(t, ", ");
	words_analysis_add_time(t, lo->first_unix_ns);
	text_add(t, " to ");
	words_analysis_add_time(t, hi->last_unix_ns);
}

void
words_captures(struct text *t, const struct analysis *a)
{
	if (a->n_files == 1)
		words_safe(t, a->files[0].path);
	else
		words_count(t, a->n_files, "file", "files");
	text_add(t, ": ");
	words_count(t, a->packets, "packet", "packets");
	text_add(t, ", ");
	words_count(t, a->flows, "connection", "connections");
	words_analysis_add_span(t, a);
	text_add(t, ".");
	if (a->interrupted != 0)
		text_add(t, " Interrupted: this is what was read by then.");
	else if (a->trouble.kind != FAULT_NONE) {
		text_add(t, " Cut short: ");
		words_prose(t, a->trouble.text);
		text_add(t, ".");
	}
}

static void
words_analysis_add_clocks(struct text *t, const struct analysis_compared *k)
{
	double ms = (double)k->offset_ns / 1e6;

	if (k->offset_error_ns < 0)
		return;
	text_addf(t, " The server's clock is %.3f s %s", fabs(ms) / 1e3,
	    ms < 0 ? "behind" : "ahead");
	text_addf(
	    t, ", give or take %.1f ms.", (double)k->offset_error_ns / 1e6);
}

static void
words_analysis_add_between(struct text *t, const struct analysis_compared *k)
{
	if (k->hop_lo <= 0)
		return;
	text_add(t, " By what both ends received, the device is at hop ");
	text_addf(t, "%d", k->hop_lo);
	if (k->hop_hi != k->hop_lo)
		text_addf(t, " to %d", k->hop_hi);
	text_add(t, " from the client's capture");
	if (k->hop_lo == k->path_hops + 1)
		text_add(t, ", on the wire before the server's");
	text_add(t, ".");
}

void
words_compared(struct text *t, const struct analysis *a)
{
	const struct analysis_compared *k = &a->compared;

	if (!k->done)
		return;
	words_count(t, k->flows, "connection is", "connections are");
	text_add(t, " in both captures");
	if (k->nat)
		text_add(t, ", some under other addresses");
	if (k->path_hops >= 0) {
		text_add(t, ", with ");
		words_count(t, (uint64_t)k->path_hops, "router", "routers");
		text_add(t, " between");
	}
	text_add(t, ".");
	words_analysis_add_clocks(t, k);
	text_add(t, " ");
	if (k->never_sent == 0)
		text_add(t, "No reset is");
	else
		words_count(t, k->never_sent, "reset is", "resets are");
	text_add(t, " proven to have been received and never sent.");
	words_analysis_add_between(t, k);
}

void
words_analysis_notes(struct text *t, const struct analysis *a)
{
	uint64_t undecoded = 0;

	for (size_t i = 0; i < a->n_files; i++) {
		undecoded += a->files[i].undecoded;
		if (a->files[i].damage[0] == '\0')
			continue;
		words_prose(t, a->files[i].damage);
		text_add(t, ".\n");
	}
	if (undecoded > 0) {
		words_count(t, undecoded, "packet was", "packets were");
		text_add(t, " neither IPv4 nor IPv6 that could be read.\n");
	}
	if (a->flows_dropped > 0) {
		words_count(
		    t, a->flows_dropped, "connection was", "connections were");
		text_add(t,
		    " let go early for want of room; --max-flows makes "
		    "more.\n");
	}
	if (a->resets_hurried > 0) {
		words_count(t, a->resets_hurried, "reset was", "resets were");
		text_add(t,
		    " judged before all that followed was seen: too "
		    "many at once.\n");
	}
	for (size_t i = 0; i < a->notes.n && i < RESULT_NOTES; i++) {
		words_prose(t, a->notes.text[i]);
		text_add(t, "\n");
	}
}

/* --- a batch --- */

static void
words_analysis_add_ttl(struct text *t, const struct analysis_group *g)
{
	if (g->ttl_varies)
		text_addf(t, "TTLs from %u to %u", g->ttl_lo, g->ttl_hi);
	else
		text_addf(t, "TTL %u", g->ttl);
}

void
words_batch(struct text *t, const struct batch *b)
{
	const struct analysis_group *g = b->first;
	char percent[WORDS_PERCENT];

	text_addf(t,
	    "%s (%s): ", g->ruling == RST_FORGED ? "Forged" : "Undetermined",
	    words_percent(g->probability, percent));
	words_count(t, b->resets, "reset", "resets");
	text_add(t, " in ");
	words_count(t, b->flows, "connection", "connections");
	text_add(t, ", ");
	words_analysis_add_ttl(t, g);
}

static void
words_analysis_add_server(struct text *t, const struct analysis_group *g)
{
	if (addr_is_none(&g->server.addr))
		text_add(t, "many other servers");
	else
		words_endpoint(t, &g->server);
}

void
words_batch_names(struct text *t, const struct batch *b)
{
	const size_t max = sizeof(b->some) / sizeof(b->some[0]);

	if (!b->first->to_client)
		text_add(t, "clients, to ");
	for (size_t i = 0; i < b->servers && i < max; i++) {
		text_add(t, i > 0 ? ", " : "");
		words_analysis_add_server(t, b->some[i]);
	}
	if (b->servers > max)
		text_addf(t, " and %zu more servers", b->servers - max);
	if (b->first->to_client)
		text_add(t, ", to the client");
	if (b->both_ends == b->resets)
		text_add(t, "; the other end was reset as well");
	else if (b->both_ends > 0)
		text_addf(t, "; of %" PRIu64 " the other end was reset as well",
		    b->both_ends);
}

static const char *
words_analysis_kind(enum rst_kind k)
{
	switch (k) {
	case RST_KIND_MIDDLEBOX:
		return "a middlebox";
	case RST_KIND_RESPONSE_TRIGGERED:
		return "a middlebox that reads the server's answers";
	case RST_KIND_LOAD_BALANCER:
		return "a load balancer before the server, in its name";
	case RST_KIND_UNDETERMINED:
	case RST_KIND_ABORT:
	case RST_KIND_NO_CONNECTION:
	case RST_KIND_HALF_OPEN:
	case RST_KIND_AFTER_FIN:
	case RST_KIND_REFUSED:
	case RST_KIND_IDLE:
		break;
	}
	return "";
}

static void
words_analysis_add_mac(struct text *t, const struct analysis_group *g)
{
	char mac[ADDR_MAC_TEXT];

	text_add(t, addr_format_mac(g->mac, mac));
	if (g->vendor == NULL)
		return;
	text_add(t, " (");
	words_safe(t, g->vendor);
	text_add(t, ")");
}

void
words_batch_sender(struct text *t, const struct batch *b)
{
	const struct analysis_group *g = b->first;

	text_add(t, words_analysis_kind(g->kind));
	if (g->signature != NULL)
		text_addf(
		    t, "%sas %s does", t->len > 0 ? ", " : "", g->signature);
	if (!g->has_mac || g->ruling != RST_FORGED)
		return;
	text_addf(t, "%sthrough ", t->len > 0 ? "; it came " : "");
	words_analysis_add_mac(t, g);
}

void
words_candidate(struct text *t, const struct rst_candidate *c)
{
	char percent[WORDS_PERCENT];

	switch (c->place) {
	case PLACE_WIRE:
		text_addf(t, "the wire before hop %d", c->hop);
		break;
	case PLACE_ROUTER:
		text_addf(t, "hop %d, its forwarding plane", c->hop);
		break;
	case PLACE_UNKNOWN:
		text_addf(t, "hop %d", c->hop);
		break;
	}
	text_addf(t, " (%s)", words_percent(c->probability, percent));
}

void
words_batch_place(struct text *t, const struct batch *b)
{
	const struct analysis_group *g = b->first;

	if (g->ruling != RST_FORGED)
		return;
	for (size_t i = 0; i < g->n_candidates; i++) {
		if (i > 0 && g->candidates[i].probability < WORDS_ANALYSIS_NEAR)
			break;
		text_add(t, i > 0 ? ", or " : "");
		words_candidate(t, &g->candidates[i]);
	}
	if (g->n_candidates > 0) {
		text_add(t, "; hops are counted from where it was captured");
		return;
	}
	text_add(t,
	    g->ttl_varies ? "no telling: its TTLs wander"
			  : "no telling by its TTL");
	if (!g->ttl_varies && g->why.ttl_why[0] != '\0') {
		text_add(t, ": ");
		words_prose(t, g->why.ttl_why);
	}
}

static void
words_analysis_add_percents(struct text *t, const struct analysis_trigger *r)
{
	char p[WORDS_PERCENT], lo[WORDS_PERCENT], hi[WORDS_PERCENT];

	words_percent(r->rate, p);
	words_percent(r->rate_lo, lo);
	words_percent(r->rate_hi, hi);
	if (strcmp(lo, hi) == 0) {
		text_addf(t, " (%s)", p);
		return;
	}
	lo[strcspn(lo, " ")] = '\0';
	text_addf(t, " (%s, by 95 %% between %s and %s)", p, lo, hi);
}

static void
words_analysis_add_key(struct text *t, const struct analysis_trigger *r)
{
	if (r->protocol[0] == '\0') {
		text_add(t, r->common != NULL ? "data with \"" : "data");
		if (r->common == NULL)
			return;
		text_add_safe(
		    t, r->common, r->common_len, WORDS_ANALYSIS_KEY_SHOWN);
		text_add(t, "\"");
		return;
	}
	text_addf(t, "%s ", r->protocol);
	words_safe(t, r->command);
	if (r->key[0] == '\0')
		return;
	text_add(t, " \"");
	text_add_safe(t, r->key, strlen(r->key), WORDS_ANALYSIS_KEY_SHOWN);
	text_add(t, "\"");
}

void
words_batch_trigger(struct text *t, const struct batch *b)
{
	const struct analysis_trigger *r = &b->first->trigger;

	if (r->drew == 0)
		return;
	words_analysis_add_key(t, r);
	if (b->servers > 1) {
		text_add(t, b->one_trigger ? "" : ", and other data to others");
		return;
	}
	if (r->rate >= 0) {
		text_addf(t, ": %" PRIu64 " of %" PRIu64 " drew a reset",
		    r->drew, r->drew + r->unharmed);
		words_analysis_add_percents(t, r);
	}
	if (r->others > 0)
		text_addf(t,
		    "; %" PRIu64 " of these resets answer%s other data",
		    r->others, r->others == 1 ? "s" : "");
}

void
words_batch_first(struct text *t, const struct batch *b)
{
	const struct analysis_group *g = b->first;

	if (b->a->n_files > 1) {
		words_safe(t, b->a->files[g->file].path);
		text_add(t, ", ");
	}
	text_addf(t, "frame %" PRIu64 ", ", g->frame);
	words_analysis_add_time(t, g->first_unix_ns);
}

/* --- what to do --- */

/* In single quotes of a shell, with locate's C escapes. */
static bool
words_analysis_is_quotable(const struct analysis_trigger *r)
{
	if (r->common == NULL || r->common_len > WORDS_ANALYSIS_PAYLOAD_MAX)
		return false;
	return memchr(r->common, '\'', r->common_len) == NULL;
}

/* A file that can be read again, by a name that a shell takes as it is. */
static bool
words_analysis_is_plain_path(const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./+=:,@%-";

	return path[0] != '-' && path[0] != '\0' &&
	    path[strspn(path, plain)] == '\0';
}

static void
words_analysis_add_locate(struct text *t, const struct batch *b)
{
	const struct analysis_group *g = b->first;
	const struct analysis_trigger *r = &g->trigger;
	const struct analysis_file *file = &b->a->files[g->file];

	text_add(t, "find the device, on that client: rsthop locate --");
	if (words_analysis_is_plain_path(file->path) &&
	    file->vantage != ANALYSIS_VANTAGE_SERVER) {
		text_addf(t, "from %s ", file->path);
		words_endpoint(t, &g->server);
		return;
	}
	text_add(t, "payload");
	if (words_analysis_is_quotable(r)) {
		text_add(t, " '");
		text_add_safe(t, r->common, r->common_len, r->common_len);
		text_add(t, "' ");
	} else {
		text_add(t, "-file FILE ");
	}
	words_endpoint(t, &g->server);
	if (!words_analysis_is_quotable(r))
		text_addf(
		    t, ", FILE holding what fired frame %" PRIu64, g->frame);
}

void
words_batch_next(struct text *t, const struct batch *b)
{
	const struct analysis_group *g = b->first;

	if (g->ruling != RST_FORGED) {
		if (g->why.missing == NULL)
			return;
		text_add(t, "get ");
		words_prose(t, g->why.missing);
	} else if (g->kind == RST_KIND_LOAD_BALANCER) {
		text_add(t,
		    "ask who runs the servers for the load balancer's "
		    "idle time-out and health checks");
	} else if (g->to_client && g->trigger.drew > 0 &&
	    !addr_is_none(&g->server.addr)) {
		words_analysis_add_locate(t, b);
	} else if (g->has_mac && g->n_candidates > 0 &&
	    g->candidates[0].hop <= 1) {
		text_add(t, "ask who runs ");
		words_analysis_add_mac(t, g);
		text_add(t, " for its session log of that time");
	} else {
		text_add(t,
		    "capture at the other end too: give both to "
		    "--client-capture and --server-capture");
	}
}

const char *
words_genuine(enum rst_kind k)
{
	switch (k) {
	case RST_KIND_ABORT:
		return "aborts: an application closed with data unread, or "
		       "ended";
	case RST_KIND_NO_CONNECTION:
		return "of a stack that knew no such connection any more";
	case RST_KIND_HALF_OPEN:
		return "half-open: one end had forgotten the connection";
	case RST_KIND_AFTER_FIN:
		return "after its sender had closed: it wanted no more";
	case RST_KIND_REFUSED:
		return "refused: no one listens on that port";
	case RST_KIND_IDLE:
		return "after a long silence: a time-out or a keep-alive";
	case RST_KIND_LOAD_BALANCER:
		return "of a load balancer before the server, in its name";
	case RST_KIND_UNDETERMINED:
	case RST_KIND_MIDDLEBOX:
	case RST_KIND_RESPONSE_TRIGGERED:
		break;
	}
	return "of no known kind";
}
