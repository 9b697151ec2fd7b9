/*
 * A trial sends a trigger or a control once, on a connection of its own, and
 * tells what came of it.
 *
 * full           the trigger, through the socket, at the kernel's TTL
 * control        harmless bytes of the same length, likewise
 * burst          the trigger, injected once for each TTL below the server's
 *                distance N; each copy has an IP ID, an acknowledgement number
 *                and a window of its own, so that a reset tells its copy
 * control burst  the control, likewise
 * single         the trigger, injected with one TTL, in one copy or several
 *
 * The caller begins a trial, and calls trial_step() whenever packets have come
 * or time has passed, until trial_is_done().  Times are nanoseconds of the
 * session's clock.  What can fail gives -1 and fills the fault, as in session.
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
	TRIAL_OPENING, /* its connection, or what is said on it before */
	TRIAL_SENT,    /* resets and answers are awaited */
	TRIAL_SETTLED, /* all has come, or the time for it is over */
	TRIAL_FAILED,  /* there was no connection, so nothing was sent */
	TRIAL_SPOILED  /* it was reset before anything was sent */
};

/* What a trial is to send, and from where. */
struct shot_plan {
	enum trial_kind kind;
	/* Of a single; of a full one, 0: the kernel's own.  Bursts: unused. */
	int ttl;
	/*
	 * A plain burst goes from N - 1 down to 1, and all its copies bear the
	 * acknowledgement number that is due.  It is for two kinds of device.
	 * One resets each connection once and copies the trigger's TTL: an
	 * ascending burst would draw that one reset at a low TTL, and the reset
	 * would expire unseen.  The other, a NAT or a firewall that keeps
	 * track, may drop resets with numbers that are not due.
	 */
	bool plain;
	bool tagged;	     /* tags tell a single's several copies apart */
	uint16_t local_port; /* 0: the kernel's choice */
	int copies;	     /* of a single; 0 is 1 */
};

struct trial {
	enum trial_kind kind;
	enum trial_state state;
	int conn; /* index of its connection in the session */
	int ttl;  /* these four as in the plan */
	bool plain;
	int copies;
	bool tagged;
	int64_t sent_ns; /* when the last of it had left */
	/* Its probes in the session, once it was sent. */
	size_t first_probe, n_probes;
	bool poll; /* a control that asks whether a block is over */
};

/* How long to wait for what; the caller corrects it as it learns. */
struct trial_timing {
	int64_t rtt_ns;		/* to the server */
	int64_t latency_ns;	/* the longest of a reset seen; 0: none yet */
	unsigned int latencies; /* resets that it was learnt from */
};

/* The bytes that trials send; the caller's. */
struct trial_load {
	const uint8_t *trigger;
	size_t trigger_len;
	const uint8_t *control;
	size_t control_len;
	int last_ttl; /* of a burst: N - 1 */
};

/* Opens its connection, and fills *t; trial_step() does the rest. */
int trial_begin(struct session *s, struct trial *t,
    const struct shot_plan *plan, struct fault *f);

/*
 * Does what is due: sends where the connection is open, settles where the time
 * is over.
 */
int trial_step(struct session *s, struct trial *t,
    const struct trial_load *load, const struct trial_timing *tm,
    struct fault *f);

/* It belongs to the control arm. */
bool trial_is_control(const struct trial *t);

/* It was sent: what comes is awaited, or has come. */
bool trial_was_sent(const struct trial *t);
/* Nothing more is awaited: it is settled, or came to nothing. */
bool trial_is_done(const struct trial *t);
/* It ended, and nothing was ever sent. */
bool trial_came_to_nothing(const struct trial *t);

/* Its connection was reset before we closed it. */
bool trial_drew_reset(const struct session *s, const struct trial *t);

/* trial_step() has something to do at once, whatever the time. */
bool trial_is_ready(struct session *s, const struct trial *t);

/* When trial_step() has something to do by time alone; INT64_MAX: never. */
int64_t trial_wakes_at(
    struct session *s, const struct trial *t, const struct trial_timing *tm);

/*
 * No prompt reset is to be expected any more, so other trials may begin.  Late
 * ones are still taken until it is settled.
 */
bool trial_is_quiet(
    struct session *s, const struct trial *t, const struct trial_timing *tm);

/*
 * A trial that was sent, as infer wants it.  shots has room for INFER_MAX_HOPS;
 * *out points to it.
 */
void trial_to_infer(const struct session *s, const struct trial *t,
    struct infer_shot *shots, struct infer_trial *out);

#endif
