/*
 * Instants and spans.  All of the program counts in nanoseconds, int64_t,
 * suffix _ns.  Nothing here reads a clock: that is net/world's part.
 */
#ifndef RSTHOP_CLOCK_H
#define RSTHOP_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_US INT64_C(1000)
#define CLOCK_MS INT64_C(1000000)
#define CLOCK_S	 INT64_C(1000000000)

/* Room for any of the formats below, with its NUL. */
#define CLOCK_TEXT 48

/* RFC 3339, UTC, microseconds: 2026-11-22T16:53:00.123456Z. */
void clock_format_utc(int64_t unix_ns, char *buf, size_t size);

/* Local wall time with its offset for a person: 15:30:03 +0800. */
void clock_format_local(int64_t unix_ns, char *buf, size_t size);

#endif
