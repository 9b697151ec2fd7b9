/*
 * Golden files: what a test prints is what somebody has looked at once.  Run
 * from the root of the checkout; RSTHOP_UPDATE_GOLDEN=1 writes them anew, and
 * git diff then shows what to look at.
 *
 * Include it after cmocka.h.
 */
#ifndef RSTHOP_UNIT_GOLDEN_H
#define RSTHOP_UNIT_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "tests/unit/golden/"

/* The file's text, the caller's to free; NULL where it cannot be opened. */
static inline char *
golden_read(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text;
	long n;

	if (f == NULL)
		return NULL;
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	assert_true(n >= 0);
	text = calloc(1, (size_t)n + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)n, f), n);
	fclose(f);
	return text;
}

/*
 * Our version is left out of n bytes of text, so that golden files outlive a
 * release.  Gives what is left of n.
 */
static inline size_t
golden_forget_version(char *s, size_t n)
{
	const size_t len = strlen(RSTHOP_VERSION);
	char *at;

	while ((at = strstr(s, RSTHOP_VERSION)) != NULL) {
		memmove(at, at + len, n - (size_t)(at - s) - len + 1);
		n -= len;
	}
	return n;
}

/* The first line in which two texts differ, from 1. */
static inline size_t
golden_line(const char *a, const char *b)
{
	size_t line = 1;

	for (; *a != '\0' && *a == *b; a++, b++)
		line += *a == '\n';
	return line;
}

static inline void
golden_compare(const char *name, const char *ending, const char *text)
{
	const char *update = getenv("RSTHOP_UPDATE_GOLDEN");
	char path[256], *golden;
	FILE *f;

	snprintf(path, sizeof(path), GOLDEN "%s%s", name, ending);
	if (update != NULL && strcmp(update, "1") == 0) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(text, f);
		assert_int_equal(fclose(f), 0);
		return;
	}
	golden = golden_read(path);
	if (golden == NULL)
		fail_msg("no %s: run from the root of the checkout", path);
	if (strcmp(golden, text) != 0)
		fail_msg("differs from %s in line %zu:\n%.4000s", path,
		    golden_line(golden, text), text);
	free(golden);
}

#endif
