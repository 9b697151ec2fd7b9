/*
 * How often each kind of client data went by.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rsthop/passed.h>

#include "proves.h"

static struct passed *
make(size_t max)
{
	struct passed *p = NULL;

	assert_int_equal(passed_new(max, 1, &p, NULL), 0);
	return p;
}

/* The last one seen counts at once, whatever came before it. */
static void
test_count(void **state)
{
	struct passed *p = make(64);

	(void)state;
	assert_int_equal(passed_count(p, 7), 0);
	passed_see(p, 7);
	assert_int_equal(passed_count(p, 7), 1);
	assert_int_equal(passed_count(p, 7 + 64), 0);
	passed_see(p, 7);
	assert_int_equal(passed_count(p, 7), 2);
	passed_see(p, 7 + 64); /* the same place at first */
	assert_int_equal(passed_count(p, 7), 2);
	assert_int_equal(passed_count(p, 7 + 64), 1);
	passed_free(p);
}

/* What finds no place is not counted, and takes none from the others. */
static void
test_full(void **state)
{
	struct passed *p = make(64);

	(void)state;
	for (int round = 0; round < 2; round++)
		for (uint64_t id = 1; id <= 64; id++)
			passed_see(p, id);
	passed_see(p, 1000);
	assert_int_equal(passed_count(p, 1000), 0);
	passed_see(p, 1001);
	assert_int_equal(passed_count(p, 1000), 0);
	for (uint64_t id = 1; id <= 64; id++)
		assert_int_equal(passed_count(p, id), 2);
	passed_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("each kind is counted at once", test_count),
	    PROVES("a full table counts what it holds", test_full),
	};

	return cmocka_run_group_tests_name("passed", tests, NULL, NULL);
}
