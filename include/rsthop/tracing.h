/*
 * A trace that runs inside a session, beside the session's other work.  It
 * sends one probe a TTL and repeats those that nobody answered, by itself, from
 * the session's tick.  What it finds stands in the session's path.
 */
#ifndef RSTHOP_TRACING_H
#define RSTHOP_TRACING_H

#include <stdbool.h>
#include <stdint.h>

#include <rsthop/session.h>

/* Plain data of the caller's; it must stay where it is while the trace runs. */
struct tracing {
	struct session *s;
	int conn;	 /* index of the connection to trace in; -1: none */
	bool syn;	 /* sends SYNs too: no connection is open yet */
	int limit;	 /* the largest TTL asked */
	int round;	 /* waves sent; 0: none */
	bool given_up;	 /* no hop is asked again */
	int64_t wave_ns; /* when the last wave left */
};

/*
 * Sends the first wave: TTL 1 up to a little beyond the server's distance, as
 * far as that is known.  conn -1: by SYNs and echoes alone.
 */
int tracing_begin(
    struct tracing *t, struct session *s, int conn, bool syn, struct fault *f);

/* Every hop up to the server has answered every probe that was sent to it. */
bool tracing_complete(const struct tracing *t);

/* Every hop up to the server has answered at least once. */
bool tracing_enough(const struct tracing *t);

/*
 * Fills server_hops, distance and n_hops of the session's path from all that
 * has been seen; can be called again when more has.
 */
void tracing_conclude(const struct tracing *t);

/*
 * Adds a note where a proxy answers in the server's name: it is nearer than
 * the host that answers pings.
 */
void tracing_note_proxy(const struct tracing *t, struct result_notes *notes);

#endif
