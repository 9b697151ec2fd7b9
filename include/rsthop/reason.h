/*
 * Why a verdict was given: stable codes, a weight, words for people.
 */
#ifndef RSTHOP_REASON_H
#define RSTHOP_REASON_H

#include <stddef.h>

#define REASON_TEXT 400
#define REASONS_MAX 24

struct reason {
	const char *code; /* static; lower-case words joined by hyphens */
	double weight; /* natural log of the likelihood ratio; 0: none given */
	char text[REASON_TEXT];
};

struct reasons {
	size_t n;
	struct reason r[REASONS_MAX];
};

/* Appends; beyond REASONS_MAX it is dropped. */
void reasons_add(struct reasons *rs, const char *code, double weight,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
