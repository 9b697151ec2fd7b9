/* Small words: numbers, spans, masks, endpoints. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <rsthop/addr.h>
#include <rsthop/clock.h>

#include "words.h"

const char *
words_percent(double p, char buf[WORDS_PERCENT])
{
	long n;

	/* A NaN fails both comparisons and must not reach lround(). */
	n = p >= 0 && p <= 1 ? lround(p * 100) : 0;
	if (n <= 0)
		snprintf(buf, WORDS_PERCENT, "<1 %%");
	else if (n >= 100)
		snprintf(buf, WORDS_PERCENT, ">99 %%");
	else
		snprintf(buf, WORDS_PERCENT, "%d %%", (int)n);
	return buf;
}

const char *
words_ms(int64_t ns, char buf[WORDS_MS])
{
	double ms = (double)ns / (double)CLOCK_MS;

	if (ns <= 0)
		snprintf(buf, WORDS_MS, "-");
	else if (ms < 0.095)
		snprintf(buf, WORDS_MS, "%.2f ms", ms < 0.01 ? 0.01 : ms);
	else if (ms < 999.5)
		snprintf(buf, WORDS_MS, "%.1f ms", ms);
	else
		snprintf(buf, WORDS_MS, "%.0f ms", ms);
	return buf;
}

void
words_safe(struct text *t, const char *s)
{
	size_t n = strlen(s);

	text_add_safe(t, s, n, n);
}

void
words_prose(struct text *t, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			text_add_bytes(t, s, 1);
		else
			text_add_safe(t, s, 1, 1);
	}
}

void
words_count(struct text *t, uint64_t n, const char *one, const char *many)
{
	text_addf(t, "%" PRIu64 " %s", n, n == 1 ? one : many);
}

void
words_span(struct text *t, int64_t ns)
{
	double s = ns < 0 ? 0 : (double)ns / (double)CLOCK_S;

	text_addf(t, "%.*f s", s < 99.95 ? 1 : 0, s);
}

static void
words_add_joined(struct text *t, bool *begun, const char *sep, const char *word)
{
	if (*begun)
		text_add(t, sep);
	*begun = true;
	text_add(t, word);
}

void
words_vias(struct text *t, unsigned int mask, const char *sep)
{
	static const enum path_via all[] = {
	    PATH_VIA_TCP, PATH_VIA_SYN, PATH_VIA_ICMP, PATH_VIA_PROBE};
	bool begun = false;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if ((mask & all[i]) != 0)
			words_add_joined(t, &begun, sep, path_via_name(all[i]));
	}
}

void
words_rewrites(struct text *t, unsigned int mask, const char *sep)
{
	bool begun = false;

	for (unsigned int i = 0; i < PATH_REWRITES; i++) {
		if ((mask & 1U << i) != 0)
			words_add_joined(t, &begun, sep,
			    path_rewrite_name((enum path_rewrite)(1U << i)));
	}
}

void
words_endpoint(struct text *t, const struct endpoint *e)
{
	char ep[ADDR_ENDPOINT], a[ADDR_TEXT];

	if (e->port == 0)
		text_add(t, addr_format(&e->addr, a));
	else
		text_add(t, endpoint_format(e, ep));
}

void
words_target(struct text *t, const struct result_head *h)
{
	char a[ADDR_TEXT];

	addr_format(&h->target.addr, a);
	if (h->host[0] == '\0' || strcmp(h->host, a) == 0) {
		text_add(t, a);
		return;
	}
	words_safe(t, h->host);
	text_addf(t, " (%s)", a);
}

void
words_partial(struct text *t, const struct result_head *h)
{
	if (h->interrupted != 0) {
		text_add(t, "Interrupted: this is what was known by then.");
	} else if (h->trouble.kind != FAULT_NONE) {
		text_add(t, "Cut short: this is what was known by then. (");
		words_prose(t, h->trouble.text);
		text_add(t, ")");
	}
}

void
words_dropped(struct text *t, const struct result_head *h)
{
	if (h->dropped == 0)
		return;
	text_add(t, "The kernel dropped ");
	words_count(t, h->dropped, "packet", "packets");
	text_add(t,
	    " of the capture for want of room: some answers may be "
	    "missing.");
}

static void
words_add_flow(struct text *t, const struct trace_result *r)
{
	const struct result_head *h = &r->head;

	if (h->target.port == 0)
		text_add(t, "ICMP echo");
	else if (r->path.established)
		text_addf(t, "TCP port %u, established", h->target.port);
	else
		text_addf(t, "TCP port %u, by SYN", h->target.port);
	if (!addr_is_none(&h->source.addr)) {
		text_add(t, ", from ");
		words_endpoint(t, &h->source);
	}
	if (h->ifname[0] != '\0') {
		text_add(t, " on ");
		words_safe(t, h->ifname);
	}
}

void
words_trace(struct text *t, const struct trace_result *r)
{
	words_target(t, &r->head);
	text_add(t, ": ");
	if (r->path.server_hops > 0) {
		words_count(t, (uint64_t)r->path.server_hops, "hop", "hops");
	} else if (r->path.n_hops == 0) {
		text_add(t, "not reached");
	} else {
		text_add(t, "not reached within ");
		words_count(t, (uint64_t)r->path.n_hops, "hop", "hops");
	}
	text_add(t, "; ");
	words_add_flow(t, r);
	text_add(t, ".");
}
