/*
 * Files that reports go to line by line, as they happen, and that are put
 * aside once they are large.
 */
#ifndef RSTHOP_CLI_LINES_H
#define RSTHOP_CLI_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <rsthop/fault.h>

#define LINES_KEPT 8 /* older ones: FILE.1, the newest, to FILE.8 */

struct lines {
	const char *path; /* borrowed */
	bool json;	  /* JSON Lines, else text: by its ending */
	uint64_t rotate;  /* bytes after which it is put aside; 0: never */
	FILE *out;	  /* to write to, between these calls */
};

/* Is the ending one of .txt, .jsonl?  FAULT_USAGE. */
int lines_check(const char *path, struct fault *f);

/* Zero *l first.  Goes on at the end of what is there. */
int lines_open(
    struct lines *l, const char *path, uint64_t rotate, struct fault *f);

/* After each line: flushes it, and puts the file aside where it is due. */
int lines_end(struct lines *l, struct fault *f);

void lines_close(struct lines *l);

#endif
