/*
 * The table of the writers, and files that are written whole or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "writers.h"

#define REPORT_FILE_MODE 0644
#define REPORT_DATA_MODE 0600 /* of other people's packets */
#define REPORT_TRIES	 100  /* temporary names */

const struct report_writer report_writers[] = {
    {"text", ".txt", text_trace, text_locate, text_analysis},
    {"json", ".json", json_trace, json_locate, json_analysis},
    {"html", ".html", html_trace, html_locate, html_analysis},
    {"pcapng", ".pcapng", pcapng_trace, pcapng_locate, pcapng_analysis},
    {NULL, NULL, NULL, NULL, NULL},
};

const struct report_writer *
report_writer_by_name(const char *name)
{
	for (const struct report_writer *w = report_writers; w->name != NULL;
	     w++) {
		if (strcmp(w->name, name) == 0)
			return w;
	}
	return NULL;
}

/* ".txt, .json, .html or .pcapng" */
static void
report_add_endings(struct text *t)
{
	for (const struct report_writer *w = report_writers; w->name != NULL;
	     w++) {
		if (w != report_writers)
			text_add(t, w[1].name == NULL ? " or " : ", ");
		text_add(t, w->ending);
	}
}

const struct report_writer *
report_writer_by_path(const char *path, struct fault *f)
{
	struct text endings = {0};
	size_t n = strlen(path), m;

	for (const struct report_writer *w = report_writers; w->name != NULL;
	     w++) {
		m = strlen(w->ending);
		if (n >= m && strcasecmp(path + n - m, w->ending) == 0)
			return w;
	}
	report_add_endings(&endings);
	fault(f, FAULT_USAGE, "%s: the ending picks the format; let it be %s",
	    path, text_str(&endings));
	text_free(&endings);
	return NULL;
}

/* How to mend what went wrong with a file. */
static const char *
report_mend(int err)
{
	switch (err) {
	case ENOENT:
		return "; make the directory first";
	case EACCES:
	case EPERM:
	case EROFS:
		return "; choose a place that you may write to";
	case ENOSPC:
	case EDQUOT:
		return "; make room or choose another place";
	case EISDIR:
		return "; give a file's name";
	default: /* errno is no enum: the rest has nothing to add */
		return "";
	}
}

static int
report_fault_file(const char *path, int err, struct fault *f)
{
	return fault(f, FAULT_INPUT, "%s: cannot write the report: %s%s", path,
	    strerror(err), report_mend(err));
}

/* What is written, and to where. */
struct order {
	const char *path;
	const struct report_writer *writer;
	const struct trace_result *trace;
	const struct locate_result *locate;
	const struct analysis *analysis;
	const struct report_style *style;
	struct report_style plain;
	mode_t mode;
};

static int
report_write_result(const struct order *o, FILE *out, struct fault *f)
{
	if (o->analysis != NULL)
		return o->writer->analysis(o->analysis, o->style, out, f);
	if (o->trace != NULL)
		return o->writer->trace(o->trace, o->style, out, f);
	return o->writer->locate(o->locate, o->style, out, f);
}

/* Writes it to fd, which is closed in any case. */
static int
report_write_fd(const struct order *o, int fd, struct fault *f)
{
	FILE *out = fdopen(fd, "w");
	struct fault why = {0};
	int rc, err;

	if (out == NULL) {
		err = errno;
		close(fd);
		return report_fault_file(o->path, err, f);
	}
	rc = report_write_result(o, out, &why);
	err = errno;
	if (fclose(out) != 0 && rc == 0)
		return report_fault_file(o->path, errno, f);
	if (rc == 0)
		return 0;
	if (why.kind == FAULT_INPUT)
		return report_fault_file(o->path, err, f);
	return fault(f, why.kind, "%s: %.*s", o->path,
	    (int)(sizeof(why.text) / 2), why.text);
}

/*
 * Whether path is there and no plain file, so that nothing may take its place:
 * a pipe, a device, or a link such as /dev/stdout.
 */
static bool
report_is_special(const char *path)
{
	struct stat sb;

	return lstat(path, &sb) == 0 && !S_ISREG(sb.st_mode);
}

static int
report_write_special(const struct order *o, struct fault *f)
{
	int fd;

	fd = open(o->path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC,
	    o->mode);
	if (fd < 0)
		return report_fault_file(o->path, errno, f);
	return report_write_fd(o, fd, f);
}

/* A new file in the directory of its path; its name in *temporary. */
static int
report_open_temporary(const struct order *o, struct text *temporary)
{
	const char *path = o->path;
	const char *slash = strrchr(path, '/');
	size_t dir = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	int fd;

	for (int i = 0; i < REPORT_TRIES; i++) {
		text_free(temporary);
		text_add_bytes(temporary, path, dir);
		text_addf(temporary, ".rsthop-%ld-%d.tmp", (long)getpid(), i);
		if (temporary->bad) {
			errno = ENOMEM;
			return -1;
		}
		fd = open(text_str(temporary),
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    o->mode);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

static int
report_write_plain(const struct order *o, struct fault *f)
{
	struct text temporary = {0};
	int fd, rc = -1;

	fd = report_open_temporary(o, &temporary);
	if (fd < 0) {
		report_fault_file(o->path, errno, f);
		goto out;
	}
	rc = report_write_fd(o, fd, f);
	if (rc == 0 && rename(text_str(&temporary), o->path) != 0)
		rc = report_fault_file(o->path, errno, f);
	if (rc != 0)
		unlink(text_str(&temporary));
out:
	text_free(&temporary);
	return rc;
}

static int
report_write_order(
    struct order *o, const struct report_style *st, struct fault *f)
{
	o->plain = *st;
	o->plain.color = false; /* a file is no terminal */
	o->style = &o->plain;
	o->writer = report_writer_by_path(o->path, f);
	if (o->writer == NULL)
		return -1;
	o->mode = o->analysis != NULL && strcmp(o->writer->name, "pcapng") == 0
	    ? REPORT_DATA_MODE
	    : REPORT_FILE_MODE;
	return report_is_special(o->path) ? report_write_special(o, f)
					  : report_write_plain(o, f);
}

int
report_write_file(const char *path, const struct trace_result *t,
    const struct locate_result *l, const struct report_style *st,
    struct fault *f)
{
	struct order o = {.path = path, .trace = t, .locate = l};

	return report_write_order(&o, st, f);
}

int
report_write_analysis_file(const char *path, const struct analysis *a,
    const struct report_style *st, struct fault *f)
{
	struct order o = {.path = path, .analysis = a};

	return report_write_order(&o, st, f);
}
