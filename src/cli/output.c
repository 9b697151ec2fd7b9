#define _GNU_SOURCE /* fopencookie */

#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rsthop/report.h>
#include <rsthop/text.h>

#include "output.h"

#define OUTPUT_COLUMNS_MIN 60
#define OUTPUT_COLUMNS_MAX 100 /* longer lines read badly */

int
output_check_endings(const struct options *o, struct fault *f)
{
	for (size_t i = 0; i < o->n_files; i++)
		if (report_writer_by_path(o->files[i], f) == NULL)
			return -1;
	return 0;
}

/*
 * The report comes as a new file beside path, so such a one is tried: to ask
 * access(2) would not do, as root may everything but where nobody may.
 */
static int
output_try_beside(const char *path)
{
	struct text t = {0};
	int fd = -1;

	text_addf(&t, "%s.XXXXXX", path);
	if (t.bad)
		errno = ENOMEM;
	else
		fd = mkstemp(t.p);
	if (fd >= 0) {
		close(fd);
		unlink(t.p);
	}
	text_free(&t);
	return fd >= 0 ? 0 : -1;
}

static int
output_check_folder(const char *path, struct fault *f)
{
	const char *why = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		why = strerror(EISDIR);
	else if (output_try_beside(path) < 0)
		why = strerror(errno);
	if (why != NULL)
		return fault(f, FAULT_INPUT, "cannot write %s: %s", path, why);
	return 0;
}

int
output_check_folders(const struct options *o, struct fault *f)
{
	for (size_t i = 0; i < o->n_files; i++)
		if (output_check_folder(o->files[i], f) < 0)
			return -1;
	return 0;
}

static bool
output_want_color(const struct options *o)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	switch (o->color) {
	case OPTIONS_COLOR_ALWAYS:
		return true;
	case OPTIONS_COLOR_NEVER:
		return false;
	case OPTIONS_COLOR_AUTO:
		break;
	}
	return isatty(STDOUT_FILENO) != 0 && (no == NULL || no[0] == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;
}

static int
output_terminal_columns(void)
{
	struct winsize ws;

	if (isatty(STDOUT_FILENO) == 0 ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0 || ws.ws_col == 0)
		return 80;
	if (ws.ws_col < OUTPUT_COLUMNS_MIN)
		return OUTPUT_COLUMNS_MIN;
	return ws.ws_col < OUTPUT_COLUMNS_MAX ? ws.ws_col : OUTPUT_COLUMNS_MAX;
}

/* Whole in memory first: a fault leaves nothing half said on the screen. */
static int
output_render(const struct report_writer *w, const struct trace_result *t,
    const struct locate_result *l, const struct report_style *st, char **text,
    size_t *len, struct fault *f)
{
	FILE *m = open_memstream(text, len);
	int rc;

	if (m == NULL)
		return fault(f, FAULT_SYSTEM, "%s", strerror(errno));
	rc = l != NULL ? w->locate(l, st, m, f) : w->trace(t, st, m, f);
	if (fclose(m) != 0 && rc == 0)
		rc = fault(f, FAULT_SYSTEM, "%s", strerror(errno));
	return rc;
}

static int
output_write_stdout(const char *p, size_t n, struct fault *f)
{
	struct pollfd pfd = {.fd = STDOUT_FILENO, .events = POLLOUT};
	ssize_t done;

	for (; n > 0; p += done, n -= (size_t)done) {
		done = write(STDOUT_FILENO, p, n);
		if (done >= 0)
			continue;
		done = 0;
		if (errno == EPIPE) /* the reader has seen enough */
			return 0;
		if (errno == EAGAIN)
			poll(&pfd, 1, -1);
		else if (errno != EINTR)
			return fault(f, FAULT_INPUT,
			    "cannot write standard output: %s",
			    strerror(errno));
	}
	return 0;
}

static ssize_t
output_write_cookie(void *ctx, const char *p, size_t n)
{
	return output_write_stdout(p, n, ctx) == 0 ? (ssize_t)n : 0;
}

/* Many resets make a long report: it goes out as it is written. */
static int
output_stream_analysis(const struct options *o, const struct analysis *a,
    const struct report_style *st, struct fault *f)
{
	cookie_io_functions_t io = {.write = output_write_cookie};
	const struct report_writer *w;
	struct fault why = {0};
	FILE *out;
	int rc;

	w = report_writer_by_name(o->json ? "json" : "text");
	out = w != NULL ? fopencookie(&why, "w", io) : NULL;
	if (out == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory for the report");
	rc = w->analysis(a, st, out, f);
	if (fclose(out) != 0 && rc == 0)
		rc = -1;
	if (why.kind != FAULT_NONE) { /* it knows better what went wrong */
		*f = why;
		rc = -1;
	}
	return rc;
}

static int
output_report_stdout(const struct options *o, const struct trace_result *t,
    const struct locate_result *l, const struct report_style *st,
    struct fault *f)
{
	const struct report_writer *w;
	char *text = NULL;
	size_t len = 0;
	int rc = -1;

	w = report_writer_by_name(o->json ? "json" : "text");
	if (w == NULL)
		return fault(f, FAULT_SYSTEM, "no writer for standard output");
	if (output_render(w, t, l, st, &text, &len, f) == 0)
		rc = output_write_stdout(text, len, f);
	free(text);
	return rc;
}

struct report_style
output_style(const struct options *o)
{
	return (struct report_style){
	    .color = output_want_color(o),
	    .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
	    .columns = output_terminal_columns(),
	    .names = !o->no_names,
	    .each = o->verbose,
	};
}

int
output_write(const struct options *o, const struct trace_result *t,
    const struct locate_result *l, struct fault *f)
{
	struct report_style st = output_style(o);
	int rc = output_report_stdout(o, t, l, &st, f);

	st.color = false;
	st.columns = 80;
	for (size_t i = 0; i < o->n_files; i++)
		if (report_write_file(
			o->files[i], t, l, &st, rc < 0 ? NULL : f) < 0)
			rc = -1;
	return rc;
}

int
output_write_analysis(const struct options *o, const struct analysis *a,
    bool quiet, struct fault *f)
{
	struct report_style st = output_style(o);
	int rc = quiet ? 0 : output_stream_analysis(o, a, &st, f);

	st.color = false;
	st.columns = 80;
	for (size_t i = 0; i < o->n_files; i++)
		if (report_write_analysis_file(
			o->files[i], a, &st, rc < 0 ? NULL : f) < 0)
			rc = -1;
	return rc;
}
