#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "progress.h"

void
progress_open(struct progress *p, const struct options *o)
{
	struct winsize ws;

	memset(p, 0, sizeof(*p));
	p->verbose = o->verbose;
	p->line = !o->quiet && !o->verbose && isatty(STDERR_FILENO) != 0;
	p->columns = 80;
	if (p->line && ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == 0 &&
	    ws.ws_col > 1)
		p->columns = ws.ws_col;
}

void
progress_say(void *ctx, const char *text)
{
	struct progress *p = ctx;
	int n = (int)strnlen(text, 1024);

	if (p->verbose)
		fprintf(stderr, "rsthop: %s\n", text);
	if (!p->line)
		return;
	if (n > p->columns - 1) /* the last column would wrap */
		n = p->columns - 1;
	fprintf(stderr, "\r%.*s", n, text);
	if (n < p->shown) /* blanks serve every terminal */
		fprintf(stderr, "%*s\r%.*s", p->shown - n, "", n, text);
	p->shown = n;
	fflush(stderr);
}

void
progress_remark(struct progress *p, const char *fmt, ...)
{
	va_list ap;

	if (!p->verbose)
		return;
	fputs("rsthop: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void
progress_clear(struct progress *p)
{
	if (!p->line || p->shown == 0)
		return;
	fprintf(stderr, "\r%*s\r", p->shown, "");
	fflush(stderr);
	p->shown = 0;
}
