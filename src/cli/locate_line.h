/*
 * The line of locate, read.
 */
#ifndef RSTHOP_CLI_LOCATE_LINE_H
#define RSTHOP_CLI_LOCATE_LINE_H

#include <stdbool.h>

#include <rsthop/locate.h>
#include <rsthop/suspect.h>

#include "before.h"
#include "command.h"
#include "exec.h"
#include "from.h"
#include "options.h"
#include "payload.h"

struct line {
	struct options options;
	struct options_target target;
	struct payload payload;
	struct before before;
	const char *from_path; /* NULL: no capture */
	struct from from;
	const char *attach; /* SRC:PORT-DST:PORT; NULL: no such connection */
	bool exec;
	char **command; /* of --exec, ended by NULL; owned */
	/* Out of a capture or a recording comes what the line leaves out. */
	const struct suspect *pick; /* NULL: none */
	struct locate_ask ask;	    /* what is asked for directly */
};

extern const struct option_spec locate_options[];

/* For options_parse(). */
int locate_line_take(void *ctx, int key, const char *value, struct fault *f);

/*
 * Once all is parsed: whether it goes together; then files are read, and bytes
 * made of names.
 */
int locate_line_check(struct line *l, struct fault *f);

/* Takes trigger, control and login from s, so far as the line has none. */
int locate_line_use(struct line *l, const struct suspect *s,
    enum result_trigger from, struct fault *f);

void locate_line_free(struct line *l);

#endif
