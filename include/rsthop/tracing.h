/*
 * A trace under way inside a session: locate runs it beside its trials.
 */
#ifndef RSTHOP_TRACING_H
#define RSTHOP_TRACING_H

#include <stdbool.h>
#include <stdint.h>

#include <rsthop/session.h>

struct tracing {
	struct session *s;
	int conn;	 /* the connection to trace in, -1: none */
	bool syn;	 /* SYNs: nothing is established, or not yet */
	int limit;	 /* the largest TTL asked */
	int round;	 /* 0 before the first wave */
	bool given_up;	 /* no hop is asked any more */
	int64_t wave_ns; /* when the last wave left */
};

/*
 * Sends the first wave: TTL 1 to a little beyond where the server should be.
 * Retries of silent hops then come by themselves, through the session's tick.
 */
int tracing_begin(
    struct tracing *t, struct session *s, int conn, bool syn, struct fault *f);

/* Every hop up to the server has answered, and by all that was asked. */
bool tracing_complete(const struct tracing *t);

/* Every hop up to the server has answered at least once. */
bool tracing_enough(const struct tracing *t);

/* Fills server_hops, distance and n_hops of the session's path. */
void tracing_conclude(const struct tracing *t);

/* Notes that a proxy answers for the server, where the distances say so. */
void tracing_note_proxy(const struct tracing *t, struct result_notes *notes);

#endif
