/*
 * The sentences that the text and the HTML report share.  All are appended in
 * plain printable ASCII: what came from the network is escaped here, and HTML
 * escapes the rest again for itself.
 */
#ifndef RSTHOP_REPORT_WORDS_H
#define RSTHOP_REPORT_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include <rsthop/path.h>
#include <rsthop/result.h>
#include <rsthop/text.h>

#define WORDS_PERCENT 8
#define WORDS_MS      24

/* "98 %"; never "0 %" or "100 %", but "<1 %" and ">99 %". */
const char *words_percent(double p, char buf[WORDS_PERCENT]);
/* "0.3 ms"; "-" where ns is not positive. */
const char *words_ms(int64_t ns, char buf[WORDS_MS]);

/* A string that may hold anything. */
void words_safe(struct text *t, const char *s);
/* Our own prose: as words_safe, but what it has escaped already stays so. */
void words_prose(struct text *t, const char *s);
/* "1 connection", "8 connections". */
void words_count(struct text *t, uint64_t n, const char *one, const char *many);
/* "0.4 s", "125 s". */
void words_span(struct text *t, int64_t ns);
/* The names of the bits of a mask, joined by sep. */
void words_vias(struct text *t, unsigned int mask, const char *sep);
void words_rewrites(struct text *t, unsigned int mask, const char *sep);
/* "10.9.6.2:3306", without the port where it is 0. */
void words_endpoint(struct text *t, const struct endpoint *e);
/* "db.example.com (10.9.6.2)", or the address alone. */
void words_target(struct text *t, const struct result_head *h);

/* The first sentence: who, and how sure. */
void words_headline(struct text *t, const struct locate_result *r, bool names);
/* The second: how often, against what, how long it took. */
void words_numbers(struct text *t, const struct locate_result *r);
/*
 * What was done before the trigger, or instead of connections of one's own;
 * nothing where it was the first thing said.
 */
void words_before(struct text *t, const struct locate_result *r);
/* Where the device sits, for its row: "here, in its forwarding plane". */
void words_mark(struct text *t, const struct locate_result *r);
/* One alternative without its probability. */
void words_alternative(struct text *t, const struct locate_result *r,
    const struct result_alternative *a, bool names);
/* Alternatives less probable than this are left to the JSON. */
#define WORDS_ALTERNATIVE_MIN 0.005

/* What a sweep of source ports has shown; nothing where there was none. */
void words_sweep(struct text *t, const struct result_sweep *w);
/* Ports alike, in that they fire or not and in their ways. */
struct words_ports {
	unsigned int trials, resets;
	struct text path, ports; /* "10.9.2.2", "40001, 40003" */
};
/* Up to RESULT_PORTS groups, those that fire first; free with the other. */
size_t words_port_groups(
    const struct result_sweep *w, struct words_ports groups[RESULT_PORTS]);
void words_port_groups_free(struct words_ports *groups, size_t n);

/* Said of a partial result; nothing where it is whole. */
void words_partial(struct text *t, const struct result_head *h);

/* The head of a trace: the target, the flow, how far it is. */
void words_trace(struct text *t, const struct trace_result *r);

/* A remark on the capture's own losses; nothing where there was none. */
void words_dropped(struct text *t, const struct result_head *h);

#endif
