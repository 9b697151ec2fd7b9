/*
 * Hashes that no sender can aim at, and the table over them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/hash.h>
#include <rsthop/rng.h>

#include "no_memory.h"
#include "proves.h"

#define MANY 65536

static void
test_bytes(void **state)
{
	static const uint8_t zeros[24];
	uint8_t p[24], moved[25];
	uint64_t h;

	(void)state;
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)(i * 7 + 1);
	h = hash_bytes(1, p, sizeof(p));
	memcpy(moved + 1, p, sizeof(p));
	assert_true(hash_bytes(1, moved + 1, sizeof(p)) == h);
	assert_true(hash_bytes(2, p, sizeof(p)) != h);
	for (size_t i = 0; i < sizeof(p); i++) {
		assert_true(hash_bytes(1, p, i) != h);
		assert_true(
		    hash_bytes(1, zeros, i) != hash_bytes(1, zeros, i + 1));
		for (unsigned int bit = 0; bit < 8; bit++) {
			p[i] ^= (uint8_t)(1U << bit);
			assert_true(hash_bytes(1, p, sizeof(p)) != h);
			p[i] ^= (uint8_t)(1U << bit);
		}
	}
}

/* Of n values thrown at n places, 1 - 1/e are hit: 41,427 of 65,536. */
static void
test_spread(void **state)
{
	static const unsigned int shifts[] = {0, 8, 16, 24, 40, 48};

	(void)state;
	for (size_t s = 0; s < sizeof(shifts) / sizeof(shifts[0]); s++) {
		uint8_t *hit = calloc(MANY, 1);
		unsigned int n = 0;

		assert_non_null(hit);
		for (uint64_t i = 0; i < MANY; i++) {
			uint64_t h = hash_u64(99, i << shifts[s]) % MANY;

			n += hit[h] == 0;
			hit[h] = 1;
		}
		free(hit);
		assert_in_range(n, 40900, 41950);
	}
}

/*
 * Keys of two words that differ by the top bit of the first, and by what that
 * becomes in the second.  With a multiplication that is not folded back whole,
 * they share their hash under every seed.
 */
static void
test_hostile_difference(void **state)
{
	struct rng rng;
	unsigned int same = 0;

	(void)state;
	rng_seed(&rng, 1);
	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t seed = rng_u64(&rng);
		uint64_t a[2] = {rng_u64(&rng), rng_u64(&rng)};
		uint64_t b[2] = {a[0] ^ UINT64_C(1) << 63,
		    a[1] ^ UINT64_C(1) << 63 ^ UINT64_C(1) << 31};

		same += hash_bytes(seed, a, sizeof(a)) ==
		    hash_bytes(seed, b, sizeof(b));
	}
	assert_int_equal(same, 0);
}

/* How many slots a look at the key reads before it is sure. */
static unsigned int
cost_of(const struct hash_index *x, uint64_t hash)
{
	uint32_t at = 0;

	while (hash_index_next(x, hash, &at) != HASH_NONE)
		;
	return at;
}

/*
 * The sender knows one seed and has chosen 1,000 keys that share the low 12
 * bits of their hashes under it: in that table all of them stand in one row.
 */
static void
test_seed(void **state)
{
	struct hash_index known = {0}, hidden = {0};
	unsigned long cost = 0;
	uint64_t keys[1000];
	size_t n = 0;

	(void)state;
	for (uint64_t k = 0; n < 1000; k++)
		if ((hash_u64(1, k) & 0xfff) == 0)
			keys[n++] = k;
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(
		    hash_index_add(&known, hash_u64(1, keys[i]), i), 0);
		assert_int_equal(
		    hash_index_add(&hidden, hash_u64(2, keys[i]), i), 0);
	}
	assert_int_equal(cost_of(&known, 0), 1000);
	for (size_t i = 0; i < n; i++)
		cost += cost_of(&hidden, hash_u64(2, keys[i]));
	assert_true(cost < 4 * n);
	hash_index_free(&known);
	hash_index_free(&hidden);
}

/* The one value that the key has, or HASH_NONE. */
static uint32_t
find(const struct hash_index *x, const uint64_t *keys, uint64_t key)
{
	uint32_t at = 0, i;

	while ((i = hash_index_next(x, hash_u64(3, key), &at)) != HASH_NONE)
		if (keys[i] == key)
			return i;
	return HASH_NONE;
}

static void
test_growth(void **state)
{
	struct hash_index x = {0};
	static uint64_t keys[MANY];

	(void)state;
	assert_int_equal(find(&x, keys, 0), HASH_NONE);
	for (uint32_t i = 0; i < MANY; i++) {
		keys[i] = (uint64_t)i * i;
		assert_int_equal(
		    hash_index_add(&x, hash_u64(3, keys[i]), i), 0);
		assert_true(2 * x.n <= x.mask + 1);
		hash_index_expect(&x, hash_u64(3, keys[i]));
	}
	assert_int_equal(x.n, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(find(&x, keys, keys[i]), i);
	assert_int_equal(find(&x, keys, 2), HASH_NONE);
	hash_index_free(&x);
	assert_int_equal(x.n, 0);
	assert_int_equal(find(&x, keys, 0), HASH_NONE);
}

static void
test_same_hash(void **state)
{
	struct hash_index x = {0};
	uint32_t at = 0;

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(hash_index_add(&x, 42, i), 0);
	assert_int_equal(hash_index_add(&x, 43, 3), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(hash_index_next(&x, 42, &at), i);
	assert_int_equal(hash_index_next(&x, 42, &at), HASH_NONE);
	assert_int_equal(hash_index_next(&x, 42, &at), HASH_NONE);
	at = 0;
	assert_int_equal(hash_index_next(&x, 43, &at), 3);
	hash_index_free(&x);
}

/*
 * Against a plain list, over few hashes, so that rows are long, wrap round the
 * end of the table and have gaps torn into their middle.
 */
static void
test_removal(void **state)
{
	struct hash_index x = {0};
	uint64_t hash[40];
	uint32_t n = 0;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	memset(hash, 0, sizeof(hash));
	for (unsigned int step = 0; step < 20000; step++) {
		uint32_t i = rng_below(&rng, 40), at = 0, v, found = 0;

		if (hash[i] == 0) {
			hash[i] = 50 + rng_below(&rng, 30);
			assert_int_equal(hash_index_add(&x, hash[i], i), 0);
			n++;
		} else {
			hash_index_remove(&x, hash[i], i);
			hash_index_remove(&x, hash[i], i);
			hash[i] = 0;
			n--;
		}
		assert_int_equal(x.n, n);
		for (uint32_t k = 0; k < 40; k++) {
			at = found = 0;
			while (hash[k] != 0 &&
			    (v = hash_index_next(&x, hash[k], &at)) !=
				HASH_NONE)
				found += v == k;
			assert_int_equal(found, hash[k] != 0);
		}
	}
	hash_index_free(&x);
	hash_index_remove(&x, 1, 1);
}

/* It goes on to its last slot but one, and no value is lost. */
static void
test_refused(void **state)
{
	static uint64_t keys[MANY + 1];
	struct hash_index x = {0};
	struct rlimit limit;
	uint32_t n = 0;
	int rc = 0;

	(void)state;
	if (!NO_MEMORY_WORKS)
		skip();
	for (; x.mask + 1 < MANY; n++) {
		keys[n] = n;
		assert_int_equal(hash_index_add(&x, hash_u64(3, n), n), 0);
	}
	assert_int_equal(no_memory_begin(&limit), 0);
	for (; rc == 0 && n < MANY + 1; n += rc == 0) {
		keys[n] = n;
		rc = hash_index_add(&x, hash_u64(3, n), n);
	}
	assert_int_equal(no_memory_end(&limit), 0);
	assert_int_equal(rc, -1);
	assert_int_equal(n, MANY - 1);
	assert_int_equal(x.n, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(find(&x, keys, i), i);
	assert_int_equal(find(&x, keys, n), HASH_NONE);
	assert_int_equal(hash_index_add(&x, hash_u64(3, n), n), 0);
	assert_int_equal(find(&x, keys, n), n);
	hash_index_free(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("each bit, the length and the seed count", test_bytes),
	    PROVES("keys in a row are spread evenly", test_spread),
	    PROVES("no difference of keys cancels itself under every seed",
		test_hostile_difference),
	    PROVES("keys chosen against one seed do no harm under another",
		test_seed),
	    PROVES("all values are found as the table grows", test_growth),
	    PROVES("values of one hash are handed out in turn", test_same_hash),
	    PROVES("what is removed is gone, all else is found", test_removal),
	    PROVES("where memory is refused, the table fills up", test_refused),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
