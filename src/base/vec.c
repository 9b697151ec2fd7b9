/*
 * Growing arrays: the one rule of how they grow.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/vec.h>

#define VEC_FIRST 64 /* bytes */

int
vec_grow(void *pp, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap;
	void *p;

	if (n <= want)
		return 0;
	if (want == 0)
		want = size < VEC_FIRST ? VEC_FIRST / size : 1;
	for (; want < n; want *= 2)
		if (want > SIZE_MAX / 2)
			return -1;
	/* Copied: pp points at a pointer of a type that is not known here. */
	memcpy(&p, pp, sizeof(p));
	p = want <= PTRDIFF_MAX / size ? realloc(p, want * size) : NULL;
	if (p == NULL)
		return -1;
	memcpy(pp, &p, sizeof(p));
	*cap = want;
	return 0;
}
