/*
 * Pieces of the HTML pages that more than one of them has, or that need room
 * of their own.
 */
#ifndef RSTHOP_REPORT_HTML_PARTS_H
#define RSTHOP_REPORT_HTML_PARTS_H

#include <stdint.h>

#include <rsthop/result.h>
#include <rsthop/rst.h>
#include <rsthop/text.h>

#include "words_analysis.h"

/* The style sheet, without its element. */
extern const char html_css[];

/* Escapes & < > " ' for text and for attributes. */
void html_escape(struct text *t, const char *s);
/* What `words` holds, escaped between the tags; words is emptied. */
void html_element(
    struct text *t, const char *open, struct text *words, const char *close);
/* The same of our own prose, as words_prose() takes it. */
void html_prose(
    struct text *t, const char *open, const char *s, const char *close);

/* The page up to its first line, which is its title too; subject is emptied. */
void html_begin(struct text *t, struct text *subject);
void html_end(struct text *t, int64_t started_unix_ns);

/* The chain from here to the server; l is NULL for a trace. */
void html_chain(
    struct text *t, const struct path *p, const struct locate_result *l);
/* The same with a device at that hop, 0 for none, or on the wire before it. */
void html_chain_at(struct text *t, const struct path *p, int hop, bool wire);

/* The first hops, with each place that a device may have as dark as likely. */
void html_places(struct text *t, const struct rst_candidate *c, size_t n);

/* Resets by what they have in common: an overview, then each by itself. */
void html_batches(struct text *t, const struct batches *bs);

/* A bound on rows was met: how many more there are. */
void html_more(struct text *t, uint64_t n, const char *one, const char *many);

#endif
