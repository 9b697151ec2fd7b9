/*
 * --exec: the user's own client, run to be watched.
 */
#ifndef RSTHOP_CLI_EXEC_H
#define RSTHOP_CLI_EXEC_H

#include <rsthop/fault.h>
#include <rsthop/rerun.h>
#include <rsthop/result.h>

#include "active.h"
#include "before.h"

/*
 * A client of MySQL names its option file itself: what is not given to us is
 * taken from there.  Never a password.
 */
void exec_borrow_options(char *const *argv, struct before *b);

/*
 * Runs argv, as the user who called sudo, until it is reset, within_ns at
 * most.  *out: rerun_free() in any case.
 */
int exec_run(char *const *argv, struct active *a, int64_t within_ns,
    struct rerun_result *out, struct fault *f);

/* Puts what was seen of it into the result of the job that followed. */
void exec_tell(const struct rerun_result *rerun, struct locate_result *r);

#endif
