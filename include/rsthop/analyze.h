/*
 * The job `analyze`: every reset in captures to a verdict, in one pass and in
 * bounded memory, however long the captures are.  Two vantages take two passes
 * before, to compare them.
 */
#ifndef RSTHOP_ANALYZE_H
#define RSTHOP_ANALYZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/analysis.h>
#include <rsthop/capture.h>
#include <rsthop/fault.h>

#define ANALYZE_TICK 2

struct analyze_path {
	const char *path;
	enum analysis_vantage vantage;
};

/* What the job asks of the world; ctx goes to each. */
struct analyze_input {
	void *ctx;
	/*
	 * As capture_next() of files; a file's number is that of its path in
	 * the ask.  A live capture also gives ANALYZE_TICK: no packet waits,
	 * and all that came before out->unix_ns has been handed over.
	 */
	int (*next)(void *ctx, struct capture_packet *out, struct fault *f);
	/* capture_is_ready(); NULL: never. */
	bool (*ready)(void *ctx);
	/*
	 * Back to the first packet of all files.  Two vantages and evidence
	 * need it; NULL where it cannot be done, and there is neither then.
	 */
	int (*again)(void *ctx, struct fault *f);
	/* The signal that asks for the end, 0: none.  NULL is fine. */
	int (*interrupted)(void *ctx);
	/* lookup_vendor(); NULL: vendors stay unknown. */
	void (*vendor)(const uint8_t mac[ADDR_MAC], char *out, size_t size);
	/* Nanoseconds of any clock, to tell how long it took.  NULL is fine. */
	int64_t (*now_ns)(void *ctx);
};

struct analyze_ask {
	size_t n_paths;
	const struct analyze_path *paths;
	int64_t started_unix_ns;
	uint32_t max_flows;  /* 0: FLOW_MAX_FLOWS */
	uint64_t hash_seed;  /* no sender of packets may know it */
	size_t max_resets;   /* kept one by one; 0: none */
	uint64_t max_judged; /* stop after so many resets; 0: do not */
	int64_t settle_ns;   /* as of struct flow_config */
	uint32_t max_pending;
	size_t max_triggers; /* kinds of data that are counted; 0: 65536 */
	/* Read all once more for the packets; in->again must not be NULL. */
	bool evidence;
	void *ctx;
	/* Each reset as it is judged; its group is not set yet.  Or NULL. */
	int (*reset)(void *ctx, const struct analysis *a,
	    const struct analysis_reset *r, struct fault *f);
	/* A line on how far it is, now and then.  NULL is fine. */
	void (*progress)(void *ctx, const char *text);
};

/*
 * Fills *out, which analysis_free() frees in any case.  Damaged files and
 * signals are no faults: *out tells of them.  -1 where memory ran out or
 * ask->reset failed: then out->trouble says why, and the rest of *out holds.
 */
int analyze_run(const struct analyze_ask *ask, const struct analyze_input *in,
    struct analysis *out, struct fault *f);

#endif
