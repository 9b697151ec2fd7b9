/*
 * locate: the campaign that finds the device.  It reproduces the reset, traces
 * the path, sends triggers with chosen TTLs, and stops once the posterior is
 * sure enough.
 */
#ifndef RSTHOP_LOCATE_H
#define RSTHOP_LOCATE_H

#include <rsthop/fault.h>
#include <rsthop/locate_ask.h>
#include <rsthop/result.h>
#include <rsthop/world.h>

/*
 * Runs it.  After an interrupt it gives 0 and what was learned so far, with
 * head.interrupted set.  *out is to be freed with locate_result_free() in any
 * case.
 */
int locate_run(const struct locate_ask *ask, struct world *w,
    struct locate_result *out, struct fault *f);

/* The exit status of INTERFACE for a result: 0 located, 1 none. */
int locate_exit_status(const struct locate_result *r);

#endif
