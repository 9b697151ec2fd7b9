/*
 * The checked parser for numbers that people give.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <rsthop/num.h>
#include <rsthop/text.h>

/* No more of a wrong word than this is shown. */
#define NUM_SHOWN 40

/* The words come from people and from files: show them safely. */
static int
num_fault(const char *what, const char *s, const char *why, struct fault *f)
{
	struct text t = {0};

	text_add_safe(&t, s, strlen(s), NUM_SHOWN);
	fault(f, FAULT_USAGE, "%s: \"%s\" %s", what, text_str(&t), why);
	text_free(&t);
	return -1;
}

static bool
num_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Gives false where s is no row of digits or does not fit. */
static bool
num_digits(const char *s, uint64_t *out, bool *big)
{
	uint64_t v = 0;

	*big = false;
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		unsigned int d = (unsigned char)*s - '0';

		if (!num_is_digit(*s))
			return false;
		if (v > (UINT64_MAX - d) / 10)
			*big = true;
		else
			v = v * 10 + d;
	}
	*out = v;
	return true;
}

int
num_u64(const char *what, const char *s, uint64_t lo, uint64_t hi,
    uint64_t *out, struct fault *f)
{
	char why[80];
	uint64_t v;
	bool big;

	if (!num_digits(s, &v, &big))
		return num_fault(what, s, "is not a whole number", f);
	if (big || v < lo || v > hi) {
		snprintf(why, sizeof(why),
		    "is out of range: give %" PRIu64 " to %" PRIu64, lo, hi);
		return num_fault(what, s, why, f);
	}
	*out = v;
	return 0;
}

/* Bits to shift by for a suffix; 0 for none. */
static unsigned int
num_suffix(char c)
{
	switch (c) {
	case 'k':
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	default:
		return 0;
	}
}

int
num_bytes(const char *what, const char *s, uint64_t lo, uint64_t hi,
    uint64_t *out, struct fault *f)
{
	char digits[24], why[80];
	size_t n = strlen(s);
	unsigned int shift = n > 0 ? num_suffix(s[n - 1]) : 0;
	uint64_t v;
	bool big;

	n -= shift != 0;
	if (n >= sizeof(digits))
		return num_fault(what, s, "is no size", f);
	memcpy(digits, s, n);
	digits[n] = '\0';
	if (!num_digits(digits, &v, &big))
		return num_fault(
		    what, s, "is no size: give bytes, or as in 64M", f);
	if (big || v > UINT64_MAX >> shift || v << shift < lo ||
	    v << shift > hi) {
		snprintf(why, sizeof(why),
		    "is out of range: give %" PRIu64 " to %" PRIu64 " bytes",
		    lo, hi);
		return num_fault(what, s, why, f);
	}
	*out = v << shift;
	return 0;
}

int
num_int(
    const char *what, const char *s, int lo, int hi, int *out, struct fault *f)
{
	uint64_t v;

	/* No sign is taken, so that nothing below 0 can be given. */
	if (num_u64(what, s, lo < 0 ? 0 : (uint64_t)lo,
		hi < 0 ? 0 : (uint64_t)hi, &v, f) == -1)
		return -1;
	*out = (int)v;
	return 0;
}

/*
 * Digits with at most one point in them, and a digit after it.  strtod(3)
 * would take more than that, and its point is the locale's.
 *
 * Up to 15 digits the mantissa and the power of ten are exact, and so the
 * quotient is the double nearest to what was written.
 */
static bool
num_fraction(const char *s, double *out)
{
	double mantissa = 0, scale = 1;
	bool digits = false, point = false;

	for (; *s != '\0'; s++) {
		if (*s == '.' && !point && num_is_digit(s[1])) {
			point = true;
			continue;
		}
		if (!num_is_digit(*s))
			return false;
		digits = true;
		if (point && scale * 10 > 1e15)
			continue; /* too fine to matter */
		mantissa = mantissa * 10 + (*s - '0');
		if (point)
			scale *= 10;
	}
	*out = mantissa / scale;
	return digits;
}

int
num_double(const char *what, const char *s, double lo, double hi, double *out,
    struct fault *f)
{
	char why[80];
	double v;

	if (!num_fraction(s, &v))
		return num_fault(what, s, "is not a decimal number", f);
	if (!(v >= lo && v <= hi)) {
		snprintf(
		    why, sizeof(why), "is out of range: give %g to %g", lo, hi);
		return num_fault(what, s, why, f);
	}
	*out = v;
	return 0;
}
