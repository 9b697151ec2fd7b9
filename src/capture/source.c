/*
 * The bytes of a capture file.  Reading into a buffer of our own hands out
 * packets where they lie: no copy, and no lock as in stdio.  No mmap: a file
 * that shrinks while it is read would end us with SIGBUS.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "source.h"

/* Larger than a processor's near cache only slows it down. */
#define SOURCE_BUFFER (128 * 1024)

/* inflateInit2: a window of any size, the gzip wrapper alone. */
#define SOURCE_GZIP_WINDOW (15 + 16)

struct source_gzip {
	z_stream z;
	uint8_t *in;
	bool in_member; /* between a member's header and its trailer */
};

/* False where the wait for a pipe was ended by stop_fd. */
static bool
source_wait(struct source *s)
{
	struct pollfd fds[] = {
	    {.fd = s->stop_fd, .events = POLLIN},
	    {.fd = s->fd, .events = POLLIN},
	};

	if (s->can_reopen)
		return true;
	while (poll(fds, 2, -1) == -1 && (errno == EINTR || errno == EAGAIN))
		continue;
	return (fds[0].revents & POLLIN) == 0;
}

/* read(2) with what it must not be confused by; 0 at the end or a fault. */
static size_t
source_read_fd(struct source *s, uint8_t *p, size_t n)
{
	ssize_t got;

	do {
		if (!source_wait(s)) {
			snprintf(s->bad, sizeof(s->bad), "interrupted");
			return 0;
		}
		got = read(s->fd, p, n);
	} while (got == -1 && (errno == EINTR || errno == EAGAIN));
	if (got == -1)
		snprintf(s->bad, sizeof(s->bad), "%s", strerror(errno));
	return got > 0 ? (size_t)got : 0;
}

/*
 * RFC 1952 section 2.2: members follow one upon the other.  What follows the
 * last one and is none is padding, as gzip itself has it.
 */
static bool
source_gzip_begin(struct source_gzip *g)
{
	if (g->in_member)
		return true;
	if (g->z.next_in[0] != 0x1f || inflateReset(&g->z) != Z_OK)
		return false;
	g->in_member = true;
	return true;
}

static bool
source_gzip_feed(struct source *s)
{
	struct source_gzip *g = s->gzip;

	if (g->z.avail_in > 0)
		return true;
	g->z.next_in = g->in;
	g->z.avail_in = (uInt)source_read_fd(s, g->in, SOURCE_BUFFER);
	if (g->z.avail_in == 0 && g->in_member && s->bad[0] == '\0')
		snprintf(s->bad, sizeof(s->bad),
		    "the gzip stream ends in the middle");
	return g->z.avail_in > 0;
}

static size_t
source_read_gzip(struct source *s, uint8_t *p, size_t n)
{
	struct source_gzip *g = s->gzip;

	g->z.next_out = p;
	g->z.avail_out = (uInt)n;
	while (g->z.avail_out == n) {
		int rc;

		if (!source_gzip_feed(s) || !source_gzip_begin(g))
			break;
		rc = inflate(&g->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END) {
			g->in_member = false;
		} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			snprintf(s->bad, sizeof(s->bad),
			    "the gzip stream is damaged: %.50s",
			    g->z.msg != NULL ? g->z.msg : "out of memory");
			break;
		}
	}
	return n - g->z.avail_out;
}

/* What of the file is in the buffer becomes the input to unpack. */
static int
source_unpack(struct source *s, struct fault *f)
{
	struct source_gzip *g = calloc(1, sizeof(*g));
	uint8_t *buf = malloc(SOURCE_BUFFER);

	if (g == NULL || buf == NULL ||
	    inflateInit2(&g->z, SOURCE_GZIP_WINDOW) != Z_OK) {
		free(g);
		free(buf);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	g->in = s->buf;
	g->in_member = true;
	g->z.next_in = s->buf;
	g->z.avail_in = (uInt)source_left(s);
	s->gzip = g;
	s->buf = buf;
	s->size = SOURCE_BUFFER;
	s->start = s->end = 0;
	s->ended = false;
	return 0;
}

static bool
source_grow(struct source *s, size_t n)
{
	uint8_t *p;

	if (n <= s->size)
		return true;
	p = realloc(s->buf, n);
	if (p == NULL) {
		snprintf(s->bad, sizeof(s->bad), "out of memory");
		return false;
	}
	s->buf = p;
	s->size = n;
	return true;
}

bool
source_fill(struct source *s, size_t n)
{
	size_t left = source_left(s);

	memmove(s->buf, s->buf + s->start, left);
	s->offset += s->start;
	s->start = 0;
	s->end = left;
	if (s->ended || !source_grow(s, n))
		return left >= n;
	while (s->end < n) {
		uint8_t *p = s->buf + s->end;
		size_t room = s->size - s->end, got;

		got = s->gzip != NULL ? source_read_gzip(s, p, room)
				      : source_read_fd(s, p, room);
		if (got == 0) {
			s->ended = true;
			return false;
		}
		s->end += got;
	}
	return true;
}

bool
source_skip(struct source *s, uint64_t n)
{
	while (n > source_left(s)) {
		n -= source_left(s);
		source_take(s, source_left(s));
		if (!source_fill(s, 1))
			return false;
	}
	source_take(s, (size_t)n);
	return true;
}

static int
source_open_fd(struct source *s, const char *path, struct fault *f)
{
	struct stat st;

	/* To open a pipe that nobody writes to would wait without an end. */
	int how = s->stop_fd != -1 ? O_NONBLOCK : 0;

	s->fd =
	    s->is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | how);
	if (s->fd == -1 && errno == EACCES)
		return fault(f, FAULT_INPUT,
		    "%.180s: you may not read it: ask its owner, or run it "
		    "with sudo",
		    s->name);
	if (s->fd == -1 && errno == EMFILE)
		return fault(f, FAULT_SYSTEM,
		    "%.180s: too many files overlap in time to be open at "
		    "once: raise the bound with ulimit -n",
		    s->name);
	if (s->fd == -1 || fstat(s->fd, &st) == -1)
		return fault(
		    f, FAULT_INPUT, "%.180s: %s", s->name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return fault(f, FAULT_INPUT,
		    "%.180s: it is a directory: name the captures in it",
		    s->name);
	if (s->is_stdin && isatty(s->fd) != 0)
		return fault(f, FAULT_USAGE,
		    "standard input is a terminal: lead a capture into it");
	s->can_reopen = !s->is_stdin && S_ISREG(st.st_mode);
	if (s->can_reopen)
		(void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return 0;
}

int
source_open(struct source *s, const char *path, int stop_fd, struct fault *f)
{
	const uint8_t *p;

	s->fd = -1;
	s->stop_fd = stop_fd;
	s->is_stdin = strcmp(path, "-") == 0;
	s->name = strdup(s->is_stdin ? "standard input" : path);
	s->buf = malloc(SOURCE_BUFFER);
	s->size = SOURCE_BUFFER;
	if (s->name == NULL || s->buf == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (source_open_fd(s, path, f) != 0)
		return -1;
	p = source_need(s, 2);
	if (p != NULL && p[0] == 0x1f && p[1] == 0x8b)
		return source_unpack(s, f);
	return 0;
}

void
source_close(struct source *s)
{
	if (s->gzip != NULL) {
		inflateEnd(&s->gzip->z);
		free(s->gzip->in);
		free(s->gzip);
	}
	if (s->fd != -1 && !s->is_stdin)
		close(s->fd);
	free(s->buf);
	free(s->name);
}
