/*
 * The job `rerun`: runs the user's own client, again and again, until it is
 * reset.  What it says is recorded meanwhile, and judged as a capture is.
 */
#ifndef RSTHOP_RERUN_H
#define RSTHOP_RERUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/fault.h>
#include <rsthop/result.h>
#include <rsthop/suspect.h>
#include <rsthop/world.h>

#define RERUN_GENUINE 12 /* runs with genuine resets alone: it is over */
#define RERUN_IDLE    3	 /* runs that never connect to the target: likewise */

/* How a client is run; ctx goes to each. */
struct rerun_client {
	void *ctx;
	int (*start)(void *ctx, struct fault *f);
	int (*fd)(void *ctx); /* readable once it has ended */
	/* Whether it has, and its exit status. */
	bool (*has_ended)(void *ctx, int *status);
	/* Ends it, where it still runs. */
	void (*stop)(void *ctx);
};

struct rerun_ask {
	const char *name; /* of the command, for words */
	struct endpoint target;
	const struct rerun_client *client;
	unsigned int max_runs;
	int64_t run_ns; /* a run that takes longer is ended */
	int64_t end_ns; /* no run begins later; by the clock of world's now */
	uint64_t hash_seed;
	void (*progress)(void *ctx, const char *text);
	void *progress_ctx;
};

struct rerun_packet {
	int64_t unix_ns;
	enum pkt_link link;
	uint32_t len, wire_len;
	uint8_t *data; /* owned */
};

struct rerun_result {
	unsigned int runs;  /* that are over */
	unsigned int reset; /* of them: a connection to the target was reset */
	unsigned int connections;
	unsigned int failed; /* ended with a status other than 0 */
	int status;	     /* of the last that failed; 0: none */
	size_t n, cap, bytes;
	struct rerun_packet *packets; /* the last runs', owned */
	struct suspects suspects;     /* of the target */
};

/*
 * Runs it until a reset toward the client is found that is not genuine, or
 * RERUN_GENUINE runs had genuine resets, or a bound is reached.  rerun_free()
 * frees *out in any case.  FAULT_INTERRUPTED after a signal; FAULT_INPUT where
 * it never connects to the target.
 */
int rerun_run(const struct rerun_ask *ask, struct world *w,
    struct rerun_result *out, struct fault *f);
void rerun_free(struct rerun_result *r);

/*
 * Keeps the headers of the recorded packets as evidence.  Payloads are blanked:
 * they are the user's, and may hold a password.
 */
void rerun_keep(const struct rerun_result *r, struct result_evidence *e);

#endif
