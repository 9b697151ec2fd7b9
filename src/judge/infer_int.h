/*
 * The grid of infer, for its own files only.
 *
 * What a trial says falls apart into two factors: which shots fired, which
 * needs the dice and p, and with what TTL their resets came, which does not.
 * The first is kept for each cell; the second for each (hop, model), with a
 * few ways back that are longer or shorter than thought.
 */
#ifndef RSTHOP_JUDGE_INFER_INT_H
#define RSTHOP_JUDGE_INFER_INT_H

#include <rsthop/infer.h>

#define INFER_NP   14 /* values of p */
#define INFER_OFFS 5  /* the way back: -2 .. +2 routers */

extern const double infer_p[INFER_NP];

struct infer {
	struct infer_path path;
	/* Log weights: devices by infer_index(), then NP a cause. */
	size_t n_cells;
	double *prior;
	double *logw;
	/* (hop, model, off): log likelihood of the resets' TTLs. */
	size_t n_ttl;
	double *ttl;
	/* How many resets came with each TTL. */
	unsigned int seen[256];
};

/* The first cell of a story; then come dice by p.  hop from 1. */
static inline size_t
infer_index(size_t hop, size_t model, size_t drops)
{
	return (((hop - 1) * infer_n_models + model) * 2 + drops) *
	    INFER_DICES * INFER_NP;
}

static inline size_t
infer_device_cells(const struct infer *in)
{
	return infer_index((size_t)in->path.hops + 1, 0, 0);
}

static inline size_t
infer_cause_index(const struct infer *in, enum infer_cause c)
{
	return infer_device_cells(in) + ((size_t)c - 1) * INFER_NP;
}

/* T of PHYSICS, section 1. */
static inline int
infer_threshold(int hop, enum infer_place place)
{
	return place == INFER_WIRE ? hop : hop + 1;
}

/*
 * The TTL with which the model's reset arrives for a shot of TTL n: PHYSICS,
 * section 1.  0 where it dies on its way; -1 where it could be any.
 */
int infer_expected_ttl(
    const struct infer *in, int hop, const struct infer_model *m, int n);

/* A reset with this TTL, on arrival, was fired by a shot of TTL n. */
void infer_ttl_see(struct infer *in, int rst_ttl, int n);

/* The log likelihood of all resets' TTLs, for a model at a hop, a cause. */
double infer_ttl_model(const struct infer *in, size_t hop, size_t model);
double infer_ttl_cause(const struct infer *in, enum infer_cause c);

#endif
