/*
 * xoshiro256** and splitmix64, after D. Blackman and S. Vigna, "Scrambled
 * linear pseudorandom number generators", 2018.
 */
#include <rsthop/rng.h>

static uint64_t
rng_rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

/* splitmix64: any seed, 0 too, becomes a state that is not all zero. */
static uint64_t
rng_split(uint64_t *x)
{
	uint64_t z = *x += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void
rng_seed(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = rng_split(&seed);
}

uint64_t
rng_u64(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t out = rng_rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rng_rotl(s[3], 45);
	return out;
}

/*
 * The high half of x * n is uniform once the low halves that would be met
 * once too often are thrown away: 2^32 mod n of them (D. Lemire, 2019).
 */
uint32_t
rng_below(struct rng *r, uint32_t n)
{
	uint32_t surplus = (UINT32_MAX - n + 1) % n;
	uint64_t m;

	do {
		m = (rng_u64(r) >> 32) * n;
	} while ((uint32_t)m < surplus);
	return (uint32_t)(m >> 32);
}
