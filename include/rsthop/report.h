/*
 * Results to people and scripts.  Reads results, computes nothing; the only
 * floor that sees the JSON library.
 *
 * One writer a format behind one interface; which one is picked by name or by
 * a file's ending.
 */
#ifndef RSTHOP_REPORT_H
#define RSTHOP_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include <rsthop/analysis.h>
#include <rsthop/fault.h>
#include <rsthop/result.h>

struct report_style {
	bool color;  /* ANSI colours in text */
	bool utf8;   /* the locale allows more than ASCII */
	int columns; /* to wrap at; 80 where 0 */
	bool names;  /* show host names beside addresses */
	bool each;   /* list every reset, not their groups alone */
};

struct report_writer {
	const char *name;   /* "text", "json", … */
	const char *ending; /* ".txt", ".json", … */
	int (*trace)(const struct trace_result *r,
	    const struct report_style *st, FILE *out, struct fault *f);
	int (*locate)(const struct locate_result *r,
	    const struct report_style *st, FILE *out, struct fault *f);
	/* NULL where this format has no use for captures. */
	int (*analysis)(const struct analysis *a, const struct report_style *st,
	    FILE *out, struct fault *f);
};

/* The table of writers, ended by a NULL name. */
extern const struct report_writer report_writers[];

const struct report_writer *report_writer_by_name(const char *name);

/* By the ending of path; FAULT_USAGE that lists the endings that there are. */
const struct report_writer *report_writer_by_path(
    const char *path, struct fault *f);

/*
 * Writes to path through a temporary name beside it and rename(2): whole or
 * not at all.  Exactly one of the results is not NULL.
 */
int report_write_file(const char *path, const struct trace_result *t,
    const struct locate_result *l, const struct report_style *st,
    struct fault *f);

/* The same for what `analyze` found. */
int report_write_analysis_file(const char *path, const struct analysis *a,
    const struct report_style *st, struct fault *f);

/*
 * One reset as a line of JSON, with its file's name, as soon as it is judged.
 */
int report_write_reset(const struct analysis *a, const struct analysis_reset *r,
    FILE *out, struct fault *f);

#endif
