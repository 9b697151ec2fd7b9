#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rsthop/text.h>

#include "lines.h"

#define LINES_MODE 0644

static bool
lines_ends_with(const char *s, const char *ending)
{
	size_t n = strlen(s), m = strlen(ending);

	return n > m && strcasecmp(s + n - m, ending) == 0;
}

int
lines_check(const char *path, struct fault *f)
{
	if (lines_ends_with(path, ".txt") || lines_ends_with(path, ".jsonl"))
		return 0;
	return fault(f, FAULT_USAGE,
	    "%s: the ending picks the format; let it be .txt or .jsonl", path);
}

static int
lines_fault(const struct lines *l, struct fault *f)
{
	return fault(f, FAULT_INPUT, "cannot write %.180s: %s", l->path,
	    strerror(errno));
}

static int
lines_reopen(struct lines *l, struct fault *f)
{
	int fd = open(l->path,
	    O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, LINES_MODE);

	if (fd < 0)
		return lines_fault(l, f);
	l->out = fdopen(fd, "a");
	if (l->out != NULL)
		return 0;
	close(fd);
	return lines_fault(l, f);
}

int
lines_open(struct lines *l, const char *path, uint64_t rotate, struct fault *f)
{
	l->path = path;
	l->json = lines_ends_with(path, ".jsonl");
	l->rotate = rotate;
	return lines_reopen(l, f);
}

/* The name of the nth older one; 0: the file itself. */
static void
lines_add_name(struct text *t, const char *path, int nth)
{
	text_add(t, path);
	if (nth > 0)
		text_addf(t, ".%d", nth);
}

static int
lines_move_one(const char *path, int nth)
{
	struct text from = {0}, to = {0};
	int rc;

	lines_add_name(&from, path, nth);
	lines_add_name(&to, path, nth + 1);
	errno = ENOMEM;
	rc = from.bad || to.bad ? -1 : rename(text_str(&from), text_str(&to));
	text_free(&from);
	text_free(&to);
	return rc == 0 || errno == ENOENT ? 0 : -1;
}

/* The oldest gives way to the one before it, and so on. */
static int
lines_put_aside(struct lines *l, struct fault *f)
{
	lines_close(l);
	for (int nth = LINES_KEPT - 1; nth >= 0; nth--)
		if (lines_move_one(l->path, nth) != 0)
			return lines_fault(l, f);
	return lines_reopen(l, f);
}

int
lines_end(struct lines *l, struct fault *f)
{
	struct stat st;

	if (fflush(l->out) != 0 || ferror(l->out) != 0)
		return lines_fault(l, f);
	/* A pipe or a device takes whatever comes. */
	if (l->rotate == 0 || fstat(fileno(l->out), &st) != 0 ||
	    !S_ISREG(st.st_mode) || (uint64_t)st.st_size < l->rotate)
		return 0;
	return lines_put_aside(l, f);
}

void
lines_close(struct lines *l)
{
	if (l->out != NULL)
		fclose(l->out);
	l->out = NULL;
}
