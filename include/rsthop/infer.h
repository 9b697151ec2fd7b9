/*
 * From observations to a posterior over who forges the resets: the hop, the
 * place there, the TTL policy, whether the trigger is dropped, how often it
 * fires, or that no device does.  Exact on a grid, in log space; pure.
 *
 * Vocabulary, with h the hop at which a probe of TTL h expires:
 *
 *	place	wire: before hop h's TTL check; router: behind it
 *	T	the smallest probe TTL that can fire the device:
 *		h on the wire, h + 1 in the router
 *	crossed	the routers that a reset made there crosses on its way back
 *	N	the TTL that reaches the server
 *
 * A trial is what one connection was sent and drew: shots, each a packet with
 * the trigger in it at one TTL.
 */
#ifndef RSTHOP_INFER_H
#define RSTHOP_INFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>
#include <rsthop/place.h>

#define INFER_MAX_HOPS 64

enum infer_cause {
	INFER_DEVICE,	/* something on the path, at a hop */
	INFER_SERVER,	/* the server itself resets */
	INFER_RESPONSE, /* a device, fired by what the server answers */
	INFER_NOTHING	/* nothing fires */
};
#define INFER_CAUSES 4

/* When the dice are rolled whether to fire. */
enum infer_dice {
	INFER_DICE_PACKET,     /* for each packet with the trigger */
	INFER_DICE_CONNECTION, /* once, then for all packets alike */
	INFER_DICE_ONCE	       /* for each packet until one has fired */
};
#define INFER_DICES 3

/* What became of the time-exceeded that a shot should draw. */
enum infer_te { INFER_TE_UNKNOWN, INFER_TE_SEEN, INFER_TE_MISSING };

/* One forger model: a row of the table in infer_models.c. */
struct infer_model {
	const char *name;
	enum place place;
	enum ttl_policy policy;
	int initial;   /* of a fixed TTL */
	int decrement; /* routers more (less) than the place alone implies */
	double prior;  /* relative to the other rows */
};

#define INFER_MODELS_MAX 32

extern const struct infer_model infer_models[];
extern const size_t infer_n_models;

/* What is known of the path. */
struct infer_path {
	int hops;	/* N; 1 .. INFER_MAX_HOPS */
	int server_ttl; /* of its ordinary packets on arrival; 0: unknown */
	bool has_ip_id; /* v4: an echoed ID could be seen */
	/*
	 * Routers that a packet sent by hop h's responder crosses on its way
	 * here, by its reply TTL; -1 where not known (then h - 1).
	 */
	int traversed[INFER_MAX_HOPS + 1];
	/* The share of probes with TTL n that draw a time-exceeded, 0 .. 1. */
	double answers[INFER_MAX_HOPS + 1];
};

struct infer_shot {
	int ttl; /* as it left; >= N reaches the server */
	bool drew;
	int rst_ttl; /* on arrival; 0: no reset, or not known */
	enum infer_te te;
};

struct infer_trial {
	size_t n_shots;			/* at most INFER_MAX_HOPS count */
	const struct infer_shot *shots; /* in the order sent */
	/*
	 * Resets came, but nothing tells which shot fired them: `fired` is
	 * then false in all, and these hold.
	 */
	bool drew_unknown;
	int rst_ttl;
	/* A reset came in less time than the server needs to answer. */
	bool faster_than_server;
};

struct infer;

int infer_new(
    const struct infer_path *path, struct infer **out, struct fault *f);
void infer_free(struct infer *in);

/* Forget all observations. */
void infer_reset(struct infer *in);

/* Another one that has seen the same. */
int infer_copy(const struct infer *in, struct infer **out, struct fault *f);

void infer_see_trial(struct infer *in, const struct infer_trial *t);

/* The user saw a reset with this TTL on a packet sent with client_ttl. */
void infer_see_given_ttl(struct infer *in, int rst_ttl, int client_ttl);

/*
 * Whether resets carried the IP ID of what fired them.  Known once for a
 * device, not anew with each reset: call it once.
 */
void infer_see_id_echo(struct infer *in, bool echoed);

/*
 * After a reset at full TTL the server was asked whether its side of the
 * connection still stands: if it does, it was not the server that reset it.
 */
void infer_see_server_alive(struct infer *in, bool alive);

/*
 * Resets came in frames whose sender is neither the gateway nor the server:
 * from the client's own segment, before hop 1.
 */
void infer_see_own_segment(struct infer *in);

/*
 * The server's IP IDs count up within a connection; so many resets went on
 * where its last packet had stood, so many did not.  Replaces what was said
 * before.
 */
void infer_set_id_steps(
    struct infer *in, unsigned int follow, unsigned int break_off);

/*
 * What the server had to say to the triggers at full TTL that drew a reset:
 * how many of each.  One who drops what fires him lets no acknowledgement
 * come of it; one whom the answer fires cannot fire before there is one; and
 * a server's own reset accounts for all that it has sent (RFC 9293, section
 * 3.10.7: SND.NXT).
 */
struct infer_answers {
	unsigned int unacked; /* nothing */
	unsigned int refused; /* a reset of its own after the other's */
	unsigned int acked;   /* an acknowledgement, no data */
	unsigned int behind;  /* data that the reset's seq does not count */
	unsigned int beyond;  /* data, and the reset's seq is not before it */
	unsigned int early;   /* of the last three: the reset came first */
	bool talks; /* where nothing fires, it answers at once with data */
	bool mute;  /* where nothing fires, it never sends data */
};

/* Replaces what was said before. */
void infer_set_answers(struct infer *in, const struct infer_answers *a);

struct infer_posterior {
	double cause[INFER_CAUSES];	       /* sums to 1 */
	double at[INFER_MAX_HOPS + 1][PLACES]; /* sums to cause[0] */
	double hop[INFER_MAX_HOPS + 1];	       /* likewise */
	int best_hop; /* of hop[]; 0 where cause[INFER_DEVICE] is 0 */
	/*
	 * The most probable threshold and its mass: T = h + 1 is that of hop
	 * h's router as well as of the wire before hop h + 1, and where the
	 * resets' TTLs say nothing, no probe tells these two apart.
	 */
	int best_threshold;
	double threshold;

	/* Given the device and its best hop; each sums to 1. */
	double policy[TTL_POLICIES];
	/* Of fixed TTLs, [0] any other constant: sums to policy[FIXED]. */
	double initial[256];
	double drops; /* in-path */
	double dice[INFER_DICES];
	double rate; /* mean probability of firing */
};

int infer_get_posterior(
    const struct infer *in, struct infer_posterior *out, struct fault *f);

/*
 * gains[n], for n = 1 .. upto: the expected information, in nats, of so many
 * shots at TTL n on one connection about (hop, place); that is, the mutual
 * information of their outcome, one has fired or all are silent, and the
 * device.
 */
int infer_gains(const struct infer *in, int upto, int copies, double *gains,
    struct fault *f);

/* What a verdict may name: a device at a hop, or another cause. */
struct infer_hypothesis {
	enum infer_cause cause;
	int hop; /* of INFER_DEVICE; else 0 */
};

/* Classes of what was seen. */
enum infer_evidence {
	INFER_EVIDENCE_SHOTS,	      /* which of them drew a reset */
	INFER_EVIDENCE_TIME_EXCEEDED, /* what routers sent back, or did not */
	INFER_EVIDENCE_LATENCY,	  /* resets faster than the server's answer */
	INFER_EVIDENCE_GIVEN_TTL, /* a reset that the user saw */
	INFER_EVIDENCE_RESET_TTL, /* the resets' TTLs */
	INFER_EVIDENCE_ID_ECHO,
	INFER_EVIDENCE_OWN_SEGMENT,
	INFER_EVIDENCE_SERVER_SIDE, /* whether it stands after a reset */
	INFER_EVIDENCE_ANSWERS,	    /* what the server answered */
	INFER_EVIDENCE_ID_STEPS
};
#define INFER_EVIDENCES 10

/*
 * Why one hypothesis is more probable than another: natural logarithms of
 * odds, one against other.  prior and all weights add up to log_odds.
 *
 * Each hypothesis is a mixture: place, model, dropping, dice, probability.
 * So what a class is worth depends on what is known already.  By the chain
 * rule of probability it is
 *
 *	log P(class | one, classes before) - log P(class | other, likewise)
 *
 * with the classes in the order of enum infer_evidence.
 */
struct infer_explanation {
	struct infer_hypothesis one, other;
	double prior;
	double weight[INFER_EVIDENCES]; /* exactly 0 where not seen */
	bool seen[INFER_EVIDENCES];
	double log_odds;
};

/*
 * `one` NULL: the most probable of all.  `other` NULL: the most probable that
 * is not `one`.
 */
int infer_explain(const struct infer *in, const struct infer_hypothesis *one,
    const struct infer_hypothesis *other, struct infer_explanation *out,
    struct fault *f);

/* A class's word in reports. */
const char *infer_evidence_name(enum infer_evidence e);

#endif
