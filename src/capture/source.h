/*
 * The bytes of a capture file, in order: plain or gzip-compressed, a file or a
 * pipe.
 */
#ifndef RSTHOP_CAPTURE_SOURCE_H
#define RSTHOP_CAPTURE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>

struct source_gzip;

struct source {
	char *name; /* for faults */
	int fd;
	int stop_fd; /* ends the waiting for a pipe; -1 for none */
	bool is_stdin;
	bool can_reopen; /* a regular file */
	bool ended;
	struct source_gzip *gzip; /* NULL where plain */
	uint8_t *buf;
	size_t size, start, end; /* what was read and not yet taken */
	uint64_t offset;	 /* of buf[0]; of the unpacked bytes */
	char bad[96];		 /* why reading stopped early; "" */
};

/*
 * Zero *s first; source_close in any case.  Waiting for a pipe ends where
 * stop_fd, if it is one, can be read from.
 */
int source_open(
    struct source *s, const char *path, int stop_fd, struct fault *f);
void source_close(struct source *s);

/* Tries to have n bytes at s->start; false where no more than fewer come. */
bool source_fill(struct source *s, size_t n);

/* Bytes that are there without reading. */
static inline size_t
source_left(const struct source *s)
{
	return s->end - s->start;
}

/* The next n bytes, in one piece, not yet taken; NULL where they are fewer. */
static inline const uint8_t *
source_need(struct source *s, size_t n)
{
	if (source_left(s) < n && !source_fill(s, n))
		return NULL;
	return s->buf + s->start;
}

/* Takes n bytes that source_need gave; they stay until the next need. */
static inline void
source_take(struct source *s, size_t n)
{
	s->start += n;
}

/* Takes n bytes unseen; false where they are fewer. */
bool source_skip(struct source *s, uint64_t n);

/* Where the next byte stands, of what the file unpacks to. */
static inline uint64_t
source_offset(const struct source *s)
{
	return s->offset + s->start;
}

#endif
