/*
 * What goes to standard error while a job runs: one line that is rewritten,
 * or with -v a line for each remark.
 */
#ifndef RSTHOP_CLI_PROGRESS_H
#define RSTHOP_CLI_PROGRESS_H

#include <stdbool.h>

#include "options.h"

struct progress {
	bool line;    /* rewrite one line */
	bool verbose; /* lines that stay */
	int columns;  /* of the terminal */
	int shown;    /* columns of it in use */
};

void progress_open(struct progress *p, const struct options *o);
/* ctx is a struct progress: the jobs' callback. */
void progress_say(void *ctx, const char *text);
/* With -v only. */
void progress_remark(struct progress *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Leaves the terminal as it was. */
void progress_clear(struct progress *p);

#endif
