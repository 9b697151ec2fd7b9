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
#include <rsthop/capture.h>
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

/* The same as a line of text; st->each: with its strongest reason's words. */
int report_write_reset_text(const struct analysis_reset *r,
    const struct report_style *st, FILE *out, struct fault *f);

/* What `watch` knows beside what it judged. */
struct report_watch {
	const char *ifname;
	const char *filter; /* the user's, or NULL */
	uint64_t received;  /* packets, by the filter in the kernel */
	uint64_t dropped;   /* by the kernel, for want of room */
	uint64_t lost;	    /* times that the interface went */
};

/* The whole of a watch as a last line of JSON, rsthop.watch/1. */
int report_write_watch(const struct analysis *a, const struct report_watch *w,
    FILE *out, struct fault *f);

/*
 * Packets as evidence, in a pcapng file that grows.  Each block goes out by one
 * write(2) at its end, so whatever ends the program leaves whole blocks.
 */
struct report_evidence;

/*
 * What is at path already, and what is in it once it has grown beyond
 * max_bytes, becomes path.1, whose place it takes.
 */
int report_evidence_open(const char *path, const char *ifname,
    uint64_t max_bytes, struct report_evidence **out, struct fault *f);
/* r: the reset that this very packet is, for its comment; NULL. */
int report_evidence_add(struct report_evidence *e,
    const struct capture_packet *p, const struct analysis_reset *r,
    struct fault *f);
void report_evidence_free(struct report_evidence *e); /* NULL is fine */

#endif
