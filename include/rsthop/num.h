/*
 * Numbers, above all from users: the one checked parser.  The whole string
 * must be the number; no sign, blank or base prefix is taken.  `what` names
 * the option in the fault ("--max-hops"), a FAULT_USAGE.
 */
#ifndef RSTHOP_NUM_H
#define RSTHOP_NUM_H

#include <stdint.h>

#include <rsthop/fault.h>

/* The lesser and the larger of two. */
static inline int64_t
num_min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t
num_max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int num_u64(const char *what, const char *s, uint64_t lo, uint64_t hi,
    uint64_t *out, struct fault *f);

/* As num_u64, into an int; lo and hi must fit one. */
int num_int(
    const char *what, const char *s, int lo, int hi, int *out, struct fault *f);

/* Bytes: a number with K, M or G behind it, of 1024, or nothing. */
int num_bytes(const char *what, const char *s, uint64_t lo, uint64_t hi,
    uint64_t *out, struct fault *f);

/* A decimal fraction such as 0.95 or 2; no exponent, nan, inf or hex. */
int num_double(const char *what, const char *s, double lo, double hi,
    double *out, struct fault *f);

#endif
