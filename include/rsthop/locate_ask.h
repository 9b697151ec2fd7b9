/*
 * What locate is asked: where, with which trigger, and how far it may go.
 */
#ifndef RSTHOP_LOCATE_ASK_H
#define RSTHOP_LOCATE_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/result.h>
#include <rsthop/route.h>
#include <rsthop/talk.h>

#define LOCATE_CONFIDENCE      0.95
#define LOCATE_MAX_CONNECTIONS 160
#define LOCATE_MAX_TIME_S      120
#define LOCATE_MAX_HOPS	       30
/* Connections that a sweep needs for each of its ports, and leaves over. */
#define LOCATE_SWEEP_EACH 5
#define LOCATE_SWEEP_REST 40

struct locate_ask {
	int64_t started_unix_ns; /* the wall clock, for the result */
	const char *host;	 /* as the user wrote it, for the result */
	struct endpoint target;
	struct route route;
	uint16_t src_port; /* 0: any */
	int max_hops;	   /* 1 .. PATH_MAX_HOPS */
	int rate_pps;	   /* injected packets a second at most; 0: no bound */

	enum result_trigger trigger; /* NONE: --rst-ttl and trace alone */
	const uint8_t *payload;	     /* borrowed; must outlive the result */
	size_t payload_len;
	const uint8_t *control; /* NULL: made from the payload */
	size_t control_len;
	/*
	 * The client's end of a connection that another program holds open, to
	 * inject into; port 0: none.  Nothing of it reaches the server then,
	 * and connections are never opened.
	 */
	struct endpoint attach;
	/* What is said on each connection before; make NULL: nothing. */
	struct talk_maker maker;
	enum result_before before; /* what maker is, for the result */
	/*
	 * The user's own client, run until it was reset, or never was; 0 runs:
	 * there was none.  Without a trigger of its making and without rst_ttls
	 * all its resets were genuine.
	 */
	unsigned int exec_runs, exec_resets;
	/*
	 * The application sent its trigger without TCP options: inject it so.
	 * The kernel's own segments have them all the same.
	 */
	bool plain_header;

	size_t n_rst_ttls;
	int rst_ttls[8];
	int server_ttl; /* --server-ttl; 0: not given */

	double confidence; /* 0.5 .. 0.9999 */
	unsigned int max_connections;
	int64_t max_time_ns;
	int64_t spent_ns;    /* of max_time_ns, before it begins */
	int64_t cooldown_ns; /* pause between trials; 0: none */
	/*
	 * --port-sweep: so many source ports are compared first, src_port and
	 * those after it or, where it is 0, the kernel's choice; 0: no sweep.
	 */
	int sweep_ports;

	void (*progress)(void *ctx, const char *text);
	void *progress_ctx;
};

/* All bounds at their defaults, the rest 0. */
void locate_ask_init(struct locate_ask *ask);

#endif
