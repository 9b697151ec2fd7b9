/*
 * The grid of infer, for its own files only.
 *
 * What a trial says falls apart into two factors: which shots fired, which
 * needs the dice and p, and with what TTL their resets came, which does not.
 *
 * Which shots fired depends on a device only by its threshold T, unless it
 * copies TTLs, for then low shots die on their way back unseen.  So cells are
 * kept for each *firing class*, T or (hop, copying model), and many models
 * share one; the TTLs' part is kept for each (hop, model), with a few ways
 * back that are longer or shorter than thought.
 */
#ifndef RSTHOP_JUDGE_INFER_INT_H
#define RSTHOP_JUDGE_INFER_INT_H

#include <rsthop/infer.h>

#define INFER_NP    14 /* values of p */
#define INFER_OFFS  5  /* the way back: -2 .. +2 routers */
#define INFER_WAYS  6  /* and the hop's own way, where it is another */
#define INFER_DROPS 2  /* lets the trigger pass, drops it */
/* Cells of one (class, drops). */
#define INFER_STORY (INFER_DICES * INFER_NP)

extern const double infer_p[INFER_NP];

/* A TTL that the user gave, and that of the packet it was an answer to. */
struct infer_given {
	int rst_ttl;
	int client_ttl;
};

/*
 * What was told, as it was told: infer_record.c.  The shots of all trials
 * stand one after another, in the trials' order; a trial's own pointer is
 * NULL here.
 */
struct infer_record {
	struct infer_shot *shots;
	size_t n_shots, cap_shots;
	struct infer_trial *trials;
	size_t n_trials, cap_trials;
	struct infer_given *given;
	size_t n_given, cap_given;
	unsigned int echoed, not_echoed;
	unsigned int alive, dead; /* servers' sides after a reset */
	unsigned int own_segment;
	struct infer_answers answers;
	unsigned int id_follow, id_break;
	bool is_lost; /* for want of memory: it is not complete */
};

struct infer {
	struct infer_path path;
	struct infer_record record;
	size_t n_copied; /* models that copy */
	size_t n_classes;
	/*
	 * Priors and likelihoods of (dice, p): class, drops, dice, p; each
	 * story's as shares of its largest, whose log stands in `scale`.
	 */
	double *cells;
	double *scale;
	double cause[INFER_CAUSES][INFER_NP];
	/* (hop, model, way): log likelihood of the resets' TTLs. */
	double *ttl;
	/* How many resets came with each TTL. */
	unsigned int seen[256];
	/* Log likelihood of these, were they all meant to be one TTL. */
	double some_constant;
	double arbitrary; /* or drawn, or counted up */
	/* Log likelihood of what else was seen, by model. */
	double clue[INFER_MODELS_MAX];
	bool own_segment; /* resets' frames came from a stranger */
	/* Log likelihood of what the server said to triggers that fired. */
	double answers[INFER_CAUSES];
	double answers_dropped; /* of a device that drops them */
	double id_steps[INFER_CAUSES];
	/* Of a device that makes the server's answer the reset. */
	double id_rewritten;
};

/* T of PHYSICS, section 1. */
static inline int
infer_threshold(int hop, enum place place)
{
	return place == PLACE_WIRE ? hop : hop + 1;
}

/* The firing class of a model at a hop, 0 .. n_classes - 1. */
size_t infer_class(const struct infer *in, size_t hop, size_t model);

static inline double *
infer_cells(const struct infer *in, size_t class, size_t drops)
{
	return &in->cells[(class * INFER_DROPS + drops) * INFER_STORY];
}

static inline double *
infer_scale(const struct infer *in, size_t class, size_t drops)
{
	return &in->scale[class * INFER_DROPS + drops];
}

/* Prior of a device with this model at this hop; sums to its cause's. */
double infer_prior(const struct infer *in, size_t hop, size_t model);
/* Prior of dropping what fires, by place. */
double infer_drop_prior(enum place place, size_t drops);

/*
 * The TTL with which the model's reset arrives for a shot of TTL n: PHYSICS,
 * section 1.  0 where it dies on its way; -1 where it could be any.
 */
int infer_expected_ttl(
    const struct infer *in, int hop, const struct infer_model *m, int n);

/* A reset with this TTL, on arrival, was fired by a shot of TTL n. */
void infer_ttl_see(struct infer *in, int rst_ttl, int n);

/* How a trial weighs the causes other than a device. */
void infer_weigh_causes(struct infer *in, const struct infer_trial *t);

/* The logs of the joint probability of a hypothesis and all that was seen. */
struct infer_joint {
	double hop[INFER_MAX_HOPS + 1]; /* of a device there; 1 .. hops */
	double cause[INFER_CAUSES];	/* but INFER_DEVICE's */
};

int infer_get_joint(
    const struct infer *in, struct infer_joint *out, struct fault *f);

/* Each adds what infer was told; the record is lost where memory is short. */
void infer_record_trial(struct infer_record *r, const struct infer_trial *t);
void infer_record_given(struct infer_record *r, int rst_ttl, int client_ttl);
/* Forgets all, and keeps the room for it. */
void infer_record_clear(struct infer_record *r);
void infer_record_free(struct infer_record *r);
/* Out of memory: -1, and *out is left alone. */
int infer_record_copy(const struct infer_record *r, struct infer_record *out);

/* The log likelihood of all resets' TTLs, for a model at a hop, a cause. */
double infer_ttl_model(const struct infer *in, size_t hop, size_t model);
/* With the steps of their IP IDs, which a rewritten answer has with its TTL. */
double infer_ttl_cause(const struct infer *in, enum infer_cause c);

#endif
