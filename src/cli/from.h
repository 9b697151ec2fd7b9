/*
 * --from FILE: what locate needs, out of a capture.
 */
#ifndef RSTHOP_CLI_FROM_H
#define RSTHOP_CLI_FROM_H

#include <rsthop/fault.h>
#include <rsthop/locate.h>
#include <rsthop/suspect.h>
#include <rsthop/talk.h>

#include "options.h"

#define FROM_NOTE 200

struct from {
	struct suspects all;	    /* owned */
	const struct suspect *pick; /* one of them */
	struct options_target target;
	char note[FROM_NOTE]; /* what the user should know of it; "" */
};

/*
 * Reads the capture at path, which must be a file: it is read twice.  Picks
 * the suspect that the operand names, or, without an operand, the one there
 * is; undetermined ones do not stand in the way of a forged one.
 *
 * FAULT_USAGE where the operand is needed, or names none of them: then they
 * have been listed on standard error.  FAULT_INPUT where the file cannot be
 * read or holds no suspect.  from_free() in any case.
 */
int from_load(const char *path, const struct options *o, struct from *out,
    struct fault *f);

void from_free(struct from *from);

#endif
