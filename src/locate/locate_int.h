/*
 * The campaign of locate: its state, shared by locate.c, which steers, and
 * verdict.c, which words what it found.
 */
#ifndef RSTHOP_LOCATE_LOCATE_INT_H
#define RSTHOP_LOCATE_LOCATE_INT_H

#include <rsthop/clock.h>
#include <rsthop/locate.h>

#include <rsthop/session.h>
#include <rsthop/tracing.h>
#include <rsthop/trial.h>

/* What is seen once, not with each trial. */
struct campaign_clues {
	int echo; /* resets carry the ID of what fired them; -1: not known */
	unsigned int alive, dead; /* servers' sides after a reset */
	bool own_segment; /* resets come in frames of an unknown sender */
	bool tags_pass;	  /* a tagged burst has drawn a reset */
	bool blocked;	  /* all is reset since the first firing */
};

struct campaign {
	const struct locate_ask *ask;
	struct session s;
	struct tracing tracing;
	struct locate_result *out;

	struct result_residual residual; /* its contaminated is not kept */

	struct trial *trials;
	size_t n_trials, cap_trials;
	struct trial_load load;
	struct trial_timing timing;
	uint8_t *control;  /* owned, where the default was made */
	int64_t end_ns;	   /* of --max-time */
	uint16_t src_port; /* that trials leave from; 0: any */
	/* Ports are used again: the server has to have let go of them. */
	bool reuses_ports;

	struct infer *infer;   /* by all that has settled */
	struct infer *assumed; /* as if no more came; NULL before the first */
	struct infer_posterior post;
	struct infer_path infer_path; /* that infer was made with */
	struct campaign_clues clues;  /* that it has seen */
	struct infer_answers answers; /* likewise */
	/* Resets whose IP ID follows the server's counter, and that break off. */
	unsigned int id_follow, id_break;
	bool untagged;	/* tagged bursts fire, and nothing says which copy */
	bool vary_full; /* full trials take other TTLs in turn */
	unsigned int extra_rounds; /* since the hop or T is sure */
	unsigned int failures;	   /* connections that failed in a row */
	unsigned int broken;	   /* talks that were cut short, likewise */
	int64_t backoff_ns;	   /* a full server: pause between trials */
	bool answer_noted;	   /* the server's no to the trigger */
	bool unreachable;	   /* no more, for some of them */
	struct fault failure;	   /* why the last of them did */
	bool alone;	    /* one connection at a time: the server wants it */
	size_t first_alone; /* trial since then */
};

/* campaign.c: rounds of trials. */

#define CAMPAIGN_ROUND 8 /* trials of one round, at most */

/* Runs trials of these kinds, side by side, or one by one where asked. */
int campaign_run(struct campaign *c, const struct shot_plan *plans, size_t n,
    struct fault *f);
/* Begins one trial, without a wait. */
int campaign_add(
    struct campaign *c, const struct shot_plan *plan, struct fault *f);
/* Until nothing prompt is to come of them; settled: nothing at all. */
int campaign_settle(struct campaign *c, bool settled, struct fault *f);
/* Likewise, but no longer than that. */
int campaign_settle_until(
    struct campaign *c, bool settled, int64_t until_ns, struct fault *f);
/* Begins a control from that port, 0: any.  Its trial's index, or -1. */
int campaign_begin_control(struct campaign *c, uint16_t port, struct fault *f);
/* Likewise, in a connection that is open. */
int campaign_add_control_on(struct campaign *c, int conn, struct fault *f);
/* Trials that were fired, of one kind; resets: that drew one. */
unsigned int campaign_count(
    const struct campaign *c, enum trial_kind kind, bool resets);
/* Plain bursts that were fired. */
unsigned int campaign_count_plain(const struct campaign *c);
/* No time, no luck, or no budget for `need` more connections. */
bool campaign_is_over(const struct campaign *c, unsigned int need);

/* Beyond a block's measured length, for what varies between packets. */
#define CAMPAIGN_BLOCK_MARGIN_NS (50 * CLOCK_MS)

/*
 * campaign_attach.c: the numbers and the path of a connection of another
 * program's, in place of the first one of our own.
 */
int campaign_attach(struct campaign *c, struct fault *f);
/* Has it ended?  Then head.trouble says so. */
bool campaign_attach_is_gone(const struct campaign *c);

/* locate.c: a line for who watches; triggers and their controls for a round. */
void campaign_progress(const struct campaign *c, const char *text);
size_t campaign_add_triggers(const struct campaign *c, unsigned int triggers,
    struct shot_plan plans[CAMPAIGN_ROUND], size_t n);

/* campaign_search.c: fires until the device is known, or the bounds end it. */
int campaign_find_device(struct campaign *c, struct fault *f);

/* campaign_block.c: is all reset since the first firing? */
bool campaign_is_blocked(const struct campaign *c);
/* A tagged copy below the server was named by the reset that it fired. */
bool campaign_tags_name(const struct campaign *c);
/* The block that was measured meets trials of ours. */
bool campaign_minds_block(const struct campaign *c);
/* And trials wait for its end: no tag tells what fires, or nothing opens. */
bool campaign_is_spaced(const struct campaign *c);
/* Waits until no firing so far blocks the next trial. */
int campaign_await_block_end(struct campaign *c, struct fault *f);
/* It was sent within the block of an earlier firing, and no tag names it. */
bool campaign_is_contaminated(const struct campaign *c, const struct trial *t);
/* As campaign_count, of those that tell of the trigger, not of a block. */
unsigned int campaign_count_clean(
    const struct campaign *c, enum trial_kind kind, bool resets);
unsigned int campaign_count_contaminated(const struct campaign *c);
/* campaign_residual.c: is there a block, of what, and how long? */
int campaign_measure_residual(struct campaign *c, struct fault *f);

/*
 * Where it ends for want of `need` more connections, or of time, or by
 * failures, whose last words are the report's.
 */
void campaign_tell_end(struct campaign *c, unsigned int need);

/* campaign_alone.c: does the server refuse connections that fire nothing? */
bool campaign_is_refused(const struct campaign *c);
/* From now on one connection at a time.  Forgets what was not judged yet. */
int campaign_go_alone(struct campaign *c, struct fault *f);
/* Lets the server know that a connection is over that was reset here. */
int campaign_free_server(struct campaign *c, int conn, struct fault *f);

/* The pause that is due between trials which may not have company. */
int64_t campaign_pause_ns(const struct campaign *c);

/*
 * campaign_controls.c: how likely it is that so much more of the trigger's
 * arm than of the controls' was reset, were both alike: full TTL against full
 * TTL, bursts against bursts.  < 0 where there was no control.
 */
double campaign_p_value(const struct campaign *c);
/* Controls more, where a few make the comparison tell. */
int campaign_compare(struct campaign *c, struct fault *f);

/*
 * sweep.c: does it depend on the source port?  Fills the result's sweep; where
 * only some ports fire it, the session keeps to one of them from then on.
 */
int sweep_run(struct campaign *c, struct fault *f);

/*
 * campaign_plain.c: from now on nothing goes to the server, but without TCP
 * options.  1; 0 where no router is between; -1.  The trace is over.
 */
int campaign_go_plain(struct campaign *c, struct fault *f);

/*
 * campaign_infer.c: the posterior from all that has settled; with `assume`,
 * as if of what is still awaited nothing came.
 */
int campaign_update(struct campaign *c, bool assume, struct fault *f);

/* What reproduction, resets and by_ttl hold, from the trials. */
int verdict_fill_figures(struct campaign *c, struct fault *f);

/* The verdict with its odds, reasons, alternatives and advice. */
int verdict_fill(struct campaign *c, struct fault *f);

/* verdict_address.c: the address at a hop, none where it is silent. */
struct addr verdict_hop_address(const struct campaign *c, int hop);
/* That of the verdict's hop, and those on either side of it. */
void verdict_fill_neighbours(const struct campaign *c);

/* verdict_reasons.c: why; verdict_next.c: what to do. */
/* The reset that best shows a point: one of a full-TTL trigger, else any. */
const struct seen_reset *verdict_example_reset(const struct campaign *c);
void verdict_fill_reasons(const struct campaign *c);
void verdict_fill_next(const struct campaign *c);

/* verdict_response.c: where a device may be that the answer fires. */
#define VERDICT_RESPONSE_HOPS 3
size_t verdict_response_hops(const struct campaign *c,
    struct result_alternative out[VERDICT_RESPONSE_HOPS]);
void verdict_reason_response(const struct campaign *c);

#endif
