/*
 * How every writer ends: what it made is written out whole, or a fault says
 * why not.
 */
#include <errno.h>
#include <string.h>

#include "writers.h"

int
writers_flush(FILE *out, struct fault *f)
{
	/* Where a write failed earlier and this does not, errno stays. */
	if (fflush(out) == 0 && ferror(out) == 0)
		return 0;
	return fault(f, FAULT_INPUT, "the report could not be written: %s",
	    strerror(errno));
}

int
writers_finish(struct text *t, FILE *out, struct fault *f)
{
	int rc;

	if (t->bad) {
		text_free(t);
		return fault(f, FAULT_SYSTEM, "out of memory for the report");
	}
	if (t->len > 0)
		fwrite(t->p, 1, t->len, out);
	rc = writers_flush(out, f);
	text_free(t);
	return rc;
}
