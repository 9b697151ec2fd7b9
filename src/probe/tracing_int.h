/*
 * What tracing.c shows to trace.c, the job, which steers a trace step by step.
 * TTLs run from 1; those of a path's end are included.
 */
#ifndef RSTHOP_PROBE_TRACING_INT_H
#define RSTHOP_PROBE_TRACING_INT_H

#include <rsthop/tracing.h>

/* Waves, at most; hops that are silent after the last stay so. */
#define TRACING_ROUNDS 4
/* TTLs asked beyond the distance that the server's own TTL shows. */
#define TRACING_BEYOND 2

/*
 * The server's distance in hops, by its own TTL, if the way back is as long as
 * the way there; 0: its TTL is not known.
 */
int tracing_hops_by_ttl(const struct path *p);
/* The smallest TTL at which the server itself answered; 0: none. */
int tracing_server_answered_at(const struct path *p);
/*
 * Likewise, by probes of the traced flow alone; 0 where a router answered at
 * a larger TTL.  It may be less than the server's: a proxy answers then.
 */
int tracing_flow_answered_at(const struct tracing *t);
/* The largest TTL at which a router sent time-exceeded; 0: none. */
int tracing_last_router(const struct tracing *t);
/* The connection that is traced in is open, so it can carry probes. */
bool tracing_conn_usable(const struct tracing *t);
/* One probe inside that connection; the probe's index, or -1. */
int tracing_send_probe(struct tracing *t, int ttl, struct fault *f);
/* Asks all TTLs from .. to by all kinds of probe that the trace uses. */
int tracing_ask_range(struct tracing *t, int from, int to, struct fault *f);
/* A wave has just left: sets the tick that will repeat it. */
void tracing_note_wave(struct tracing *t);
/* The session's tick: asks the silent hops again.  arg: the tracing. */
int tracing_tick(struct session *s, void *arg, struct fault *f);

#endif
