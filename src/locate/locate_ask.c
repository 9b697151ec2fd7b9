/* What locate is asked, by default. */
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/locate_ask.h>

void
locate_ask_init(struct locate_ask *ask)
{
	memset(ask, 0, sizeof(*ask));
	ask->max_hops = LOCATE_MAX_HOPS;
	ask->confidence = LOCATE_CONFIDENCE;
	ask->max_connections = LOCATE_MAX_CONNECTIONS;
	ask->max_time_ns = LOCATE_MAX_TIME_S * CLOCK_S;
}
