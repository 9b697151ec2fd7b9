/*
 * trace: who answers along the path of one flow.
 *
 * All TTLs at once, in the flow's own five-tuple inside an established
 * connection: segments of bytes that the server has already acknowledged, so
 * they do no harm wherever they end.  SYNs where nothing is established; ICMP
 * echo beside either.  Silent hops are asked again a second apart.
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
	uint16_t src_port; /* 0: any */
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
