/*
 * The writers of each format, for the table in report.c, and how they end.
 */
#ifndef RSTHOP_REPORT_WRITERS_H
#define RSTHOP_REPORT_WRITERS_H

#include <stdio.h>

#include <rsthop/fault.h>
#include <rsthop/report.h>
#include <rsthop/result.h>
#include <rsthop/text.h>

int text_trace(const struct trace_result *r, const struct report_style *st,
    FILE *out, struct fault *f);
int text_locate(const struct locate_result *r, const struct report_style *st,
    FILE *out, struct fault *f);

int json_trace(const struct trace_result *r, const struct report_style *st,
    FILE *out, struct fault *f);
int json_locate(const struct locate_result *r, const struct report_style *st,
    FILE *out, struct fault *f);

int html_trace(const struct trace_result *r, const struct report_style *st,
    FILE *out, struct fault *f);
int html_locate(const struct locate_result *r, const struct report_style *st,
    FILE *out, struct fault *f);

int pcapng_trace(const struct trace_result *r, const struct report_style *st,
    FILE *out, struct fault *f);
int pcapng_locate(const struct locate_result *r, const struct report_style *st,
    FILE *out, struct fault *f);

int text_analysis(const struct analysis *a, const struct report_style *st,
    FILE *out, struct fault *f);
int pcapng_analysis(const struct analysis *a, const struct report_style *st,
    FILE *out, struct fault *f);
int html_analysis(const struct analysis *a, const struct report_style *st,
    FILE *out, struct fault *f);
int json_analysis(const struct analysis *a, const struct report_style *st,
    FILE *out, struct fault *f);

/* Flushes; FAULT_INPUT where anything written to out so far was lost. */
int writers_flush(FILE *out, struct fault *f);

/* Writes t, flushes and frees it; FAULT_SYSTEM where memory ran out. */
int writers_finish(struct text *t, FILE *out, struct fault *f);

#endif
