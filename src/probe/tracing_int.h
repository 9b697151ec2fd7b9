/*
 * The parts of a trace under way that the job `trace` steers by itself.
 */
#ifndef RSTHOP_PROBE_TRACING_INT_H
#define RSTHOP_PROBE_TRACING_INT_H

#include <rsthop/clock.h>
#include <rsthop/tracing.h>

/*
 * Linux lets a router send one time-exceeded a second to each target
 * (icmp_ratelimit, 1000 ms by default).
 */
#define TRACING_RETRY_NS (CLOCK_S + 50 * CLOCK_MS)
#define TRACING_ROUNDS	 4
/* TTLs asked beyond where the server's own TTL puts it. */
#define TRACING_BEYOND 2

/* N by the server's own TTL, were the way back as long; 0: not known. */
int tracing_hops_by_ttl(const struct path *p);
/* The smallest TTL at which the server itself answered; 0: none. */
int tracing_server_answered_at(const struct path *p);
/* Likewise, to probes of the traced flow alone. */
int tracing_flow_answered_at(const struct tracing *t);
/* The largest TTL at which a router said time-exceeded; 0: none. */
int tracing_last_router(const struct tracing *t);
/* The connection that is traced in can still carry probes. */
bool tracing_conn_usable(const struct tracing *t);
/* One probe in the flow, or a SYN, with this TTL. */
int tracing_send_tcp_probe(struct tracing *t, int ttl, struct fault *f);
/* All that is asked of the hops from .. to, both included. */
int tracing_ask_range(struct tracing *t, int from, int to, struct fault *f);
/* A wave has just left: when to ask the silent hops again. */
void tracing_note_wave(struct tracing *t);
/* The session's tick: asks silent hops again when their time has come. */
int tracing_tick(struct session *s, void *arg, struct fault *f);

#endif
