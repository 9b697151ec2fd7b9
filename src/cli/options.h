/*
 * What the commands' lines have in common: options and the target.
 */
#ifndef RSTHOP_CLI_OPTIONS_H
#define RSTHOP_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/fault.h>

#include "command.h"

#define OPTIONS_FILES 8

enum options_color {
	OPTIONS_COLOR_AUTO,
	OPTIONS_COLOR_ALWAYS,
	OPTIONS_COLOR_NEVER
};

struct options {
	bool help;
	bool json;
	bool no_names;
	bool quiet;
	bool verbose;
	enum options_color color;
	const char *ifname; /* NULL: by route */
	int version;	    /* 4, 6, or 0 for any */
	size_t n_files;
	const char *files[OPTIONS_FILES]; /* -o */
	size_t n_operands;
	char *const *operands;
	size_t n_behind; /* of the operands: the last ones, behind "--" */
};

struct options_target {
	char host[256];
	uint16_t port; /* 0: none given */
};

/* The table that every active command shares, ended by a NULL help. */
extern const struct option_spec options_common[];
/* ... and that of those that only read. */
extern const struct option_spec options_reading[];

/*
 * Reads the whole line of cmd.  What is not common goes to cmd->take(ctx, …).
 * With o->help set nothing else is to be looked at.
 */
int options_parse(const struct command *cmd, int argc, char **argv,
    struct options *o, void *ctx, struct fault *f);

/*
 * The one operand: HOST:PORT, [V6]:PORT; without a port only where
 * need_port is false.
 */
int options_get_target(const struct options *o, bool need_port,
    struct options_target *out, struct fault *f);

/* An address, not a name, and a port; -1 where it is none. */
int options_parse_endpoint(const char *s, struct endpoint *out);

#endif
