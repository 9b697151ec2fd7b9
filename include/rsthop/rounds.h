/*
 * What runs in a campaign of locate: its session, its trials, how they are
 * timed, what failed.  run.c starts trials and waits for them; the others ask.
 */
#ifndef RSTHOP_ROUNDS_H
#define RSTHOP_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>
#include <rsthop/locate_ask.h>
#include <rsthop/result.h>
#include <rsthop/session.h>
#include <rsthop/tracing.h>
#include <rsthop/trial.h>

#define ROUNDS_WIDTH	     8 /* trials of one round, at most */
#define ROUNDS_TALKS_AT_ONCE 4 /* and those of them that talk first */
/*
 * Talks that are cut short count as errors of this client with some servers,
 * MySQL's max_connect_errors (100 by default, 10 in old versions) for one,
 * which then lock it out altogether.  So many in a row, those under way
 * included, and it is over: the user's own client may add some.
 */
#define ROUNDS_BROKEN_MAX 6

struct rounds {
	const struct locate_ask *ask; /* borrowed */
	struct session s; /* its path and evidence are the result's */
	struct tracing tracing;

	struct trial *trials; /* owned */
	size_t n_trials, cap_trials;
	struct trial_load load;
	struct trial_timing timing;
	uint8_t *control;  /* owned, where the default was made */
	int64_t end_ns;	   /* of --max-time */
	uint16_t src_port; /* that trials leave from; 0: any */
	/* Ports are used again: the server has to have let go of them. */
	bool reuses_ports;
	bool vary_full; /* full trials take other TTLs in turn */

	unsigned int failures; /* connections that failed in a row */
	unsigned int broken;   /* talks that were cut short, likewise */
	struct fault failure;  /* why the last of them did */
	int64_t backoff_ns;    /* a full server: pause between trials */
	bool answer_noted;     /* the server's no to the trigger */
	bool unreachable;      /* no more, for some of them */
	bool alone;	    /* one connection at a time: the server wants it */
	size_t first_alone; /* trial since then */

	struct result_residual residual; /* its contaminated is not kept */

	/* For the report. */
	struct endpoint source; /* of the connections; port 0: not known */
	struct result_notes notes;
	struct result_sweep sweep;
	struct fault trouble;	   /* what ended them early */
	enum result_bound reached; /* or which bound */
};

/* Closes what is open, frees what they own. */
void rounds_free(struct rounds *rounds);

/* A line for who watches. */
void rounds_progress(const struct rounds *rounds, const char *text);

/* Trials that were sent, of one kind; drew_only: those that drew a reset. */
unsigned int rounds_count(
    const struct rounds *rounds, enum trial_kind kind, bool drew_only);
/* Plain bursts of the trigger that were sent. */
unsigned int rounds_count_plain(const struct rounds *rounds);

/*
 * Adds triggers to a round that has n trials, and the controls that go with
 * them: each has its own at first, later one in three.  Gives the new n.
 */
size_t rounds_add_triggers(const struct rounds *rounds, unsigned int triggers,
    struct shot_plan plans[ROUNDS_WIDTH], size_t n);
/* Room for one more trial behind n_trials. */
int rounds_make_room(struct rounds *rounds, struct fault *f);

/* The attached connection, where there is one, has ended. */
bool rounds_flow_is_gone(const struct rounds *rounds);
/* No time, no luck, or no budget for `need` more connections. */
bool rounds_are_over(const struct rounds *rounds, unsigned int need);
/*
 * Keeps for the report why they end without an answer: by failures, for want
 * of time, or of `need` more connections.
 */
void rounds_tell_end(struct rounds *rounds, unsigned int need);
/* The pause that is due between trials which may not have company. */
int64_t rounds_pause_ns(const struct rounds *rounds);
/* Takes packets for so long, but not beyond --max-time. */
int rounds_wait(struct rounds *rounds, int64_t wait_ns, struct fault *f);
/*
 * Lets the server know that a connection is over that was reset here: else it
 * holds it open.  What it answers when asked, our kernel resets.
 */
int rounds_free_server(struct rounds *rounds, int conn, struct fault *f);

/* N, or the best that can be assumed where the server's place is unknown. */
int rounds_hops(const struct rounds *rounds);
/* Takes in what the trace has shown: the path, and how far copies may go. */
void rounds_conclude_path(struct rounds *rounds);

#endif
