/*
 * Trials run: begun, waited for, ended.
 */
#ifndef RSTHOP_RUN_H
#define RSTHOP_RUN_H

#include <rsthop/rounds.h>

/*
 * Runs trials by these plans, side by side, or one by one where asked; they
 * leave from the port of the rounds.
 */
int run_trials(struct rounds *rounds, const struct shot_plan *plans, size_t n,
    struct fault *f);
/* Begins one trial, without a wait. */
int run_begin(
    struct rounds *rounds, const struct shot_plan *plan, struct fault *f);
/* Begins a control from that port, 0: any.  Its trial's index, or -1. */
int run_begin_control(struct rounds *rounds, uint16_t port, struct fault *f);
/* Likewise, in a connection that is open. */
int run_begin_control_on(struct rounds *rounds, int conn, struct fault *f);
/* Until nothing prompt is to come of them; settled: nothing at all. */
int run_settle(struct rounds *rounds, bool settled, struct fault *f);
/* Likewise, but no longer than that. */
int run_settle_until(
    struct rounds *rounds, bool settled, int64_t until_ns, struct fault *f);

#endif
