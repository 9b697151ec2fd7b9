/*
 * trace finds the routers that answer along the path of one flow.
 *
 * Beside the handshake of a connection it sends SYNs from a port of their own
 * and ICMP echoes, one of each a TTL: after one round trip the path is known.
 * Where these leave a hop in doubt, and always where a source port is asked
 * for, it asks all TTLs inside the connection.  Those segments repeat bytes
 * that the server has acknowledged, so they do no harm wherever they end.
 * Silent hops are asked again, a second later.
 *
 * head.source and path.established tell whose path it is: that of the SYNs, or
 * that of the connection.
 */
#ifndef RSTHOP_TRACE_H
#define RSTHOP_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include <rsthop/fault.h>
#include <rsthop/result.h>
#include <rsthop/world.h>

struct trace_ask {
	int64_t started_unix_ns; /* the wall clock, for the result */
	const char *host;	 /* as the user wrote it, for the result */
	struct endpoint target;	 /* port 0: none given, ICMP alone */
	struct route route;
	uint16_t src_port; /* of the connection to trace in; 0: any flow */
	int max_hops;	   /* 1 .. PATH_MAX_HOPS */
	int rate_pps;	   /* probes a second at most; 0: no bound */
	/* Called now and then for progress; NULL is fine. */
	void (*progress)(void *ctx, const char *text);
	void *progress_ctx;
};

/*
 * Runs it.  After an interrupt it gives 0 and a partial result with
 * head.interrupted set.  *out is to be freed with trace_result_free() in any
 * case.
 */
int trace_run(const struct trace_ask *ask, struct world *w,
    struct trace_result *out, struct fault *f);

#endif
