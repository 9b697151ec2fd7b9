/*
 * The path as a table: one row a responder, for text and HTML alike.
 */
#ifndef RSTHOP_REPORT_ROWS_H
#define RSTHOP_REPORT_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include <rsthop/result.h>
#include <rsthop/text.h>

#include "words.h"

#define ROWS_CELL  32
#define ROWS_NOTES 5

struct row {
	int from, to; /* TTLs; to > from: silent hops alike, drawn together */
	bool more;    /* another responder of the hop above */
	bool device;  /* the verdict's */
	bool server;
	bool silent;
	char responder[ADDR_TEXT];
	char rtt[WORDS_MS];
	char via[ROWS_CELL];
	char draws[ROWS_CELL]; /* "4 of 8", "-" not tried, "" says nothing */
	struct text mark;      /* of the device's row */
	size_t n_notes;
	struct text notes[ROWS_NOTES];
};

struct rows {
	size_t n, cap;
	struct row *row; /* owned */
	bool has_draws;
	bool bad; /* memory ran out */
};

/* Zero-initialize *rs; rows_free() it. */
void rows_locate(struct rows *rs, const struct locate_result *r, bool names);
void rows_trace(struct rows *rs, const struct trace_result *r, bool names);
void rows_free(struct rows *rs);

#endif
