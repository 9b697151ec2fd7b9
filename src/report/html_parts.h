/*
 * Pieces of the HTML page that need room of their own.
 */
#ifndef REPORT_HTML_PARTS_H
#define REPORT_HTML_PARTS_H

#include <rsthop/result.h>
#include <rsthop/text.h>

/* The style sheet, without its element. */
extern const char html_css[];

/* Escapes & < > " ' for text and for attributes. */
void html_escape(struct text *t, const char *s);

/* The chain from here to the server; l is NULL for a trace. */
void html_chain(
    struct text *t, const struct path *p, const struct locate_result *l);

#endif
