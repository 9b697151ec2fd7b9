/*
 * A process that gets no more memory for a while, so that what happens then
 * can be seen.  Only large pieces are certain to be refused.
 */
#ifndef RSTHOP_UNIT_NO_MEMORY_H
#define RSTHOP_UNIT_NO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

/* A sanitizer ends the program where memory is refused: not tested there. */
#ifdef __SANITIZE_ADDRESS__
#define NO_MEMORY_WORKS false
#else
#define NO_MEMORY_WORKS true
#endif

/* 0 where memory is refused from here on. */
static inline int
no_memory_begin(struct rlimit *was)
{
	struct rlimit none;

	if (getrlimit(RLIMIT_AS, was) != 0)
		return -1;
	none = *was;
	none.rlim_cur = 0;
	return setrlimit(RLIMIT_AS, &none);
}

static inline int
no_memory_end(const struct rlimit *was)
{
	return setrlimit(RLIMIT_AS, was);
}

#endif
