/*
 * Where reports go: standard output and the files of -o.
 */
#ifndef RSTHOP_CLI_OUTPUT_H
#define RSTHOP_CLI_OUTPUT_H

#include <rsthop/analysis.h>
#include <rsthop/fault.h>
#include <rsthop/report.h>
#include <rsthop/result.h>

#include "options.h"

/* Endings known (FAULT_USAGE)?  Before anything else is looked at. */
int output_check_endings(const struct options *o, struct fault *f);

/* Can the files be written (FAULT_INPUT)?  Before the job runs. */
int output_check_folders(const struct options *o, struct fault *f);

/* How the common options want a report on standard output to look. */
struct report_style output_style(const struct options *o);

/*
 * Writes everything; exactly one of the results is not NULL.  The first fault
 * is told, the other outputs are written all the same.
 */
int output_write(const struct options *o, const struct trace_result *t,
    const struct locate_result *l, struct fault *f);

/*
 * The same for what was found in captures; quiet: to the files alone, for
 * standard output has had it already.
 */
int output_write_analysis(const struct options *o, const struct analysis *a,
    bool quiet, struct fault *f);

#endif
