/*
 * Instants as text.
 */
#include <stdio.h>
#include <time.h>

#include <rsthop/clock.h>

/* Rounds down, also before 1970, so that the rest is never negative. */
static time_t
clock_split(int64_t unix_ns, int64_t *rest_ns)
{
	int64_t s = unix_ns / CLOCK_S;

	*rest_ns = unix_ns % CLOCK_S;
	if (*rest_ns < 0) {
		*rest_ns += CLOCK_S;
		s--;
	}
	return (time_t)s;
}

void
clock_format_utc(int64_t unix_ns, char *buf, size_t size)
{
	char day[32];
	int64_t rest_ns;
	time_t s = clock_split(unix_ns, &rest_ns);
	struct tm tm;

	if (gmtime_r(&s, &tm) == NULL ||
	    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		day[0] = '\0';
	snprintf(buf, size, "%s.%06dZ", day, (int)(rest_ns / CLOCK_US));
}

void
clock_format_local(int64_t unix_ns, char *buf, size_t size)
{
	char wall[32];
	int64_t rest_ns;
	time_t s = clock_split(unix_ns, &rest_ns);
	struct tm tm;

	if (localtime_r(&s, &tm) == NULL ||
	    strftime(wall, sizeof(wall), "%H:%M:%S %z", &tm) == 0)
		wall[0] = '\0';
	snprintf(buf, size, "%s", wall);
}
