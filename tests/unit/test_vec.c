/*
 * Growing arrays: what stands in one survives growth, and a refusal too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/vec.h>

#include "no_memory.h"
#include "proves.h"

struct wide {
	uint64_t number;
	uint8_t rest[100];
};

static void
test_first(void **state)
{
	struct wide *w = NULL;
	uint16_t *s = NULL;
	size_t cap_w = 0, cap_s = 0;

	(void)state;
	assert_int_equal(VEC_ROOM(w, 0, cap_w), 0);
	assert_int_equal(cap_w, 1);
	assert_int_equal(VEC_ROOM(s, 0, cap_s), 0);
	assert_int_equal(cap_s, 32);
	free(w);
	free(s);
}

static void
test_growth(void **state)
{
	struct wide *w = NULL;
	size_t n = 0, cap = 0, moves = 0;

	(void)state;
	for (; n < 1000; n++) {
		size_t was = cap;

		assert_int_equal(VEC_ROOM(w, n, cap), 0);
		assert_true(cap > n);
		moves += cap != was;
		memset(&w[n], (int)n, sizeof(w[n]));
		w[n].number = n * n;
	}
	/* 1, 2, 4 ... 1024 */
	assert_int_equal(cap, 1024);
	assert_int_equal(moves, 11);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(w[i].number, i * i);
		assert_int_equal(w[i].rest[99], (uint8_t)i);
	}
	free(w);
}

static void
test_many_at_once(void **state)
{
	uint8_t *p = NULL;
	size_t cap = 0;

	(void)state;
	assert_int_equal(vec_grow(&p, 0, &cap, 1), 0);
	assert_null(p);
	assert_int_equal(vec_grow(&p, 1000, &cap, 1), 0);
	assert_int_equal(cap, 1024);
	memset(p, 7, cap);
	assert_int_equal(vec_grow(&p, 1024, &cap, 1), 0);
	assert_int_equal(cap, 1024);
	assert_int_equal(vec_grow(&p, 1025, &cap, 1), 0);
	assert_int_equal(cap, 2048);
	assert_int_equal(p[1023], 7);
	free(p);
}

static void
test_too_large(void **state)
{
	struct wide *w = NULL, *was;
	size_t cap = 0;

	(void)state;
	assert_int_equal(VEC_ROOM(w, 0, cap), 0);
	was = w;
	w[0].number = 42;
	/* Past what a size_t counts, as elements and as bytes. */
	assert_int_equal(vec_grow(&w, SIZE_MAX, &cap, sizeof(*w)), -1);
	assert_int_equal(
	    vec_grow(&w, SIZE_MAX / sizeof(*w) + 2, &cap, sizeof(*w)), -1);
	assert_int_equal(
	    vec_grow(&w, PTRDIFF_MAX / sizeof(*w) + 2, &cap, sizeof(*w)), -1);
	/* In bytes it would come round to 16 MiB. */
	assert_int_equal(
	    vec_grow(&w, 1 << 24, &cap, ((size_t)1 << 40) + 1), -1);
	assert_ptr_equal(w, was);
	assert_int_equal(cap, 1);
	assert_int_equal(w[0].number, 42);
	free(w);
}

static void
test_refused(void **state)
{
	size_t n = 1 << 20, cap = 0;
	struct rlimit limit;
	uint64_t *p = NULL, *was;
	int rc;

	(void)state;
	if (!NO_MEMORY_WORKS)
		skip();
	assert_int_equal(vec_grow(&p, n, &cap, sizeof(*p)), 0);
	was = p;
	p[n - 1] = 42;
	assert_int_equal(no_memory_begin(&limit), 0);
	rc = VEC_ROOM(p, n, cap);
	assert_int_equal(no_memory_end(&limit), 0);
	assert_int_equal(rc, -1);
	assert_ptr_equal(p, was);
	assert_int_equal(cap, n);
	assert_int_equal(p[n - 1], 42);
	assert_int_equal(VEC_ROOM(p, n, cap), 0);
	assert_int_equal(cap, 2 * n);
	assert_int_equal(p[n - 1], 42);
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("an array begins with 64 bytes, or one element", test_first),
	    PROVES("elements stay as they are while the room doubles",
		test_growth),
	    PROVES("room for many is made at once", test_many_at_once),
	    PROVES("sizes that no memory holds are refused, not wrapped",
		test_too_large),
	    PROVES("where memory is refused, the array is as it was",
		test_refused),
	};

	return cmocka_run_group_tests_name("vec", tests, NULL, NULL);
}
