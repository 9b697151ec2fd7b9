/*
 * A growing array: a pointer to the elements, how many there are, and how many
 * there is room for, in three variables of the owner's.  All 0 is an empty
 * one.  The owner frees the elements with free(3).
 *
 *	if (VEC_ROOM(j->resets, j->n_resets, j->cap_resets) != 0)
 *		return fault(f, FAULT_SYSTEM, "out of memory");
 *	j->resets[j->n_resets++] = r;
 */
#ifndef RSTHOP_VEC_H
#define RSTHOP_VEC_H

#include <stddef.h>

/*
 * Makes room for n elements of `size` bytes in all.  *cap is the room that
 * there is; it starts at 64 bytes, or one element, and is doubled.  Elements
 * may move, so pointers to them are void then.  pp is the address of the
 * pointer to them.  -1 where there is no memory: then nothing has changed.
 */
int vec_grow(void *pp, size_t n, size_t *cap, size_t size);

/* Room for one more element behind the n of p; cap is a size_t. */
#define VEC_ROOM(p, n, cap) \
	((n) < (cap) ? 0    \
		     : vec_grow(&(p), (size_t)(n) + 1, &(cap), sizeof(*(p))))

#endif
