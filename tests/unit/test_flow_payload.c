/*
 * Room for payloads: bounded, without overlap, used again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "judge/flow_int.h"
#include "proves.h"

#define UNITS_MAX (FLOW_PAYLOAD / PAYLOAD_UNIT)
#define BLOCKS	  4096

struct block {
	uint8_t *p;
	size_t units;
};

static struct payload_pool *
make(size_t bytes)
{
	struct payload_pool *p = NULL;

	assert_int_equal(payload_pool_new(bytes, &p, NULL), 0);
	return p;
}

static struct block
take(struct payload_pool *p, size_t units)
{
	struct block b = {.units = units};

	b.p = payload_pool_take(p, &b.units);
	return b;
}

static void
test_bound(void **state)
{
	struct payload_pool *p = make(5 * PAYLOAD_UNIT);
	struct block a = take(p, 3), b;

	(void)state;
	assert_non_null(a.p);
	assert_int_equal(payload_pool_used(p), 3 * PAYLOAD_UNIT);
	assert_null(take(p, 3).p);
	b = take(p, 2);
	assert_non_null(b.p);
	assert_null(take(p, 1).p);
	assert_int_equal(payload_pool_used(p), 5 * PAYLOAD_UNIT);
	payload_pool_give(p, b.p, b.units);
	payload_pool_give(p, NULL, 0);
	assert_int_equal(payload_pool_used(p), 3 * PAYLOAD_UNIT);
	assert_ptr_equal(take(p, 2).p, b.p);
	payload_pool_free(p);
}

/* Where all is cut up, a smaller payload goes into a larger block. */
static void
test_larger(void **state)
{
	struct payload_pool *p = make(4 * PAYLOAD_UNIT);
	struct block a = take(p, 4), b;

	(void)state;
	payload_pool_give(p, a.p, a.units);
	b = take(p, 1);
	assert_ptr_equal(b.p, a.p);
	assert_int_equal(b.units, 4);
	assert_int_equal(payload_pool_used(p), 4 * PAYLOAD_UNIT);
	payload_pool_free(p);
}

static void
fill(const struct block *b, size_t i)
{
	memset(b->p, (int)(i % 251), b->units * PAYLOAD_UNIT);
}

static void
check(const struct block *b, size_t i)
{
	for (size_t k = 0; k < b->units * PAYLOAD_UNIT; k++)
		assert_int_equal(b->p[k], i % 251);
}

/* Blocks of all sizes over several chunks, some given back and taken again. */
static void
test_apart(void **state)
{
	static struct block b[BLOCKS];
	struct payload_pool *p = make(3 * FLOW_CHUNK);
	size_t used = 0;

	(void)state;
	for (size_t i = 0; i < BLOCKS; i++) {
		b[i] = take(p, 1 + i * 7 % UNITS_MAX);
		assert_non_null(b[i].p);
		fill(&b[i], i);
	}
	for (size_t i = 0; i < BLOCKS; i += 3)
		payload_pool_give(p, b[i].p, b[i].units);
	for (size_t i = 0; i < BLOCKS; i += 3) {
		b[i] = take(p, 1 + i * 11 % UNITS_MAX);
		if (b[i].p != NULL)
			fill(&b[i], i);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		if (b[i].p == NULL)
			continue;
		check(&b[i], i);
		used += b[i].units * PAYLOAD_UNIT;
	}
	assert_int_equal(payload_pool_used(p), used);
	payload_pool_clear(p);
	assert_int_equal(payload_pool_used(p), 0);
	b[0] = take(p, UNITS_MAX);
	assert_non_null(b[0].p);
	fill(&b[0], 0);
	payload_pool_free(p);
}

/* 31 leaves one unit at the end of each chunk: a block, and no more room. */
static void
test_cut_up(void **state)
{
	struct payload_pool *p = make(2 * FLOW_CHUNK);
	size_t n = 0;

	(void)state;
	for (struct block b = take(p, 31); b.p != NULL; b = take(p, 31))
		fill(&b, n++);
	assert_int_equal(n, 2 * (FLOW_CHUNK / PAYLOAD_UNIT / 31));
	assert_non_null(take(p, 1).p);
	assert_non_null(take(p, 1).p);
	assert_null(take(p, 1).p);
	assert_int_equal(payload_pool_used(p), 2 * FLOW_CHUNK);
	payload_pool_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("no more is handed out than may be", test_bound),
	    PROVES("where all is cut, a larger block serves", test_larger),
	    PROVES("blocks in use never overlap", test_apart),
	    PROVES("the ends of chunks count as well", test_cut_up),
	};

	return cmocka_run_group_tests_name("flow_payload", tests, NULL, NULL);
}
