/*
 * trial: one firing attempt on one connection of its own.
 *
 * full     the trigger through the socket, at the kernel's TTL
 * control  harmless bytes of the same length, likewise
 * burst    the trigger injected once for each TTL below N, each copy tagged by
 *          its IP ID, its acknowledgement number and its window
 * control burst: the control likewise
 * single   the trigger injected with one TTL, in one copy or several
 */
#ifndef RSTHOP_TRIAL_H
#define RSTHOP_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/infer.h>

#include <rsthop/session.h>

enum trial_kind {
	TRIAL_FULL,
	TRIAL_CONTROL,
	TRIAL_BURST,
	TRIAL_CONTROL_BURST,
	TRIAL_SINGLE
};

enum trial_state {
	TRIAL_OPENING,
	TRIAL_SENT,    /* sent; what comes is awaited */
	TRIAL_SETTLED, /* all that can come has come, or its time is over */
	TRIAL_FAILED,  /* no connection */
	TRIAL_SPOILED  /* reset before it was sent: says nothing */
};

struct trial {
	enum trial_kind kind;
	enum trial_state state;
	int conn;
	int ttl; /* as in the plan, these three */
	int copies;
	bool tagged;
	/*
	 * A plain burst goes from N - 1 down to 1 with the acknowledgement
	 * number that is due.  For a box that fires once for each connection
	 * and copies TTLs spends its one reset, unseen, on the first low TTL
	 * of an ascending burst; and a NAT or firewall that keeps track may
	 * take resets with old numbers for invalid, and drop them.
	 */
	bool plain;
	int64_t sent_ns;
	size_t first_probe, n_probes;
	bool poll; /* a control that asks whether a block is over */
};

/* What is to be sent, and from where. */
struct shot_plan {
	enum trial_kind kind;
	/* Of a single, or of a full one where not the kernel's own, 0. */
	int ttl;
	bool plain;	     /* bursts: see struct trial */
	int copies;	     /* of a single; 0 is 1 */
	bool tagged;	     /* several copies are told apart by tags */
	uint16_t local_port; /* 0: the kernel's choice */
};

/* How long to wait for what; learnt as the job goes on. */
struct trial_timing {
	int64_t rtt_ns;
	int64_t latency_ns;	/* the longest of a reset seen; 0: none yet */
	unsigned int latencies; /* how many were seen */
};

/* What a trial sends. */
struct trial_load {
	const uint8_t *trigger;
	size_t trigger_len;
	const uint8_t *control;
	size_t control_len;
	int last_ttl; /* of a burst: N - 1 */
};

/* Of the control arm. */
bool trial_is_control(const struct trial *t);

/* It was sent: what comes is awaited, or has come. */
bool trial_was_sent(const struct trial *t);
/* Its end is known: nothing more is awaited of it. */
bool trial_is_done(const struct trial *t);
/* It ended, and was never sent. */
bool trial_came_to_nothing(const struct trial *t);

/* Opens its connection; trial_step() does the rest. */
int trial_begin(struct session *s, struct trial *t,
    const struct shot_plan *plan, struct fault *f);

/* Takes it on where it can go on: sends, settles. */
int trial_step(struct session *s, struct trial *t,
    const struct trial_load *load, const struct trial_timing *tm,
    struct fault *f);

/* Packets alone, not time, let trial_step() do something. */
bool trial_is_ready(struct session *s, const struct trial *t);

/* When time alone does; INT64_MAX: never. */
int64_t trial_wakes_at(
    struct session *s, const struct trial *t, const struct trial_timing *tm);

/*
 * Nothing prompt is to be expected of it any more: the campaign may go on,
 * while late resets are still listened for until it is settled.
 */
bool trial_is_quiet(
    struct session *s, const struct trial *t, const struct trial_timing *tm);

/* A reset that a probe of it fired, or that came on its connection. */
bool trial_drew_reset(const struct session *s, const struct trial *t);

/*
 * As infer wants it; shots has room for INFER_MAX_HOPS.  The trial is settled.
 */
void trial_to_infer(const struct session *s, const struct trial *t,
    struct infer_shot *shots, struct infer_trial *out);

#endif
