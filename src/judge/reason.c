#include <stdarg.h>
#include <stdio.h>

#include <rsthop/reason.h>

void
reasons_add(
    struct reasons *rs, const char *code, double weight, const char *fmt, ...)
{
	struct reason *r;
	va_list ap;

	if (rs->n >= REASONS_MAX)
		return;
	r = &rs->r[rs->n++];
	r->code = code;
	r->weight = weight;
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
}
