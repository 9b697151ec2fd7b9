/*
 * A row of a table of unit tests: what it proves, in words, and the function
 * that does.
 */
#ifndef RSTHOP_UNIT_PROVES_H
#define RSTHOP_UNIT_PROVES_H

#include <stddef.h>

#define PROVES(words, fn) PROVES_WITH(words, fn, NULL, NULL)
#define PROVES_WITH(words, fn, setup, teardown)  \
	{                                        \
		words, fn, setup, teardown, NULL \
	}

#endif
