/*
 * What the readers of both formats share: time stamps, damage, an end.
 */
#include <stdlib.h>

#include <rsthop/clock.h>

#include "reader.h"

int64_t
reader_stamp_ns(int64_t s, int64_t ns)
{
	const int64_t last = INT64_MAX / CLOCK_S - 1;

	if (s > last)
		s = last;
	if (s < -last)
		s = -last;
	return s * CLOCK_S + ns;
}

int
reader_fault_damage(
    struct reader *r, uint64_t at, const char *words, struct fault *f)
{
	const char *unpacked = r->src.gzip != NULL ? ", unpacked" : "";

	if (r->frame == 0)
		return fault(f, FAULT_INPUT,
		    "%.180s: damaged before its first packet, at byte %llu%s: "
		    "%s",
		    r->src.name, (unsigned long long)at, unpacked, words);
	return fault(f, FAULT_INPUT,
	    "%.150s: damaged behind packet %llu, at byte %llu%s: %s; all "
	    "before it was read",
	    r->src.name, (unsigned long long)r->frame, (unsigned long long)at,
	    unpacked, words);
}

int
reader_fault_cut(struct reader *r, struct fault *f)
{
	const char *bad = r->src.bad;
	uint64_t end = r->src.offset + r->src.end;

	return reader_fault_damage(r, end,
	    bad[0] != '\0' ? bad : "it ends in the middle of a packet", f);
}

void
reader_free(struct reader *r)
{
	if (r == NULL)
		return;
	source_close(&r->src);
	free(r->ifaces);
	free(r);
}
