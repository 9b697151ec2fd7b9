/*
 * What a side of a connection usually sends.
 */
#include <rsthop/flow.h>

uint8_t
flow_side_ttl(const struct flow_side *s)
{
	return s->n_ttls > 0 ? s->ttls[0].ttl : 0;
}

bool
flow_side_sent_ttl(const struct flow_side *s, uint8_t ttl)
{
	for (size_t i = 0; i < s->n_ttls; i++)
		if (s->ttls[i].ttl == ttl)
			return true;
	return false;
}
