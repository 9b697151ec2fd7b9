/*
 * What a reset and its connection plainly say: how far it came, what it
 * answers, how it was made.  No clue is weighed here.
 */
#include "rst_int.h"

/* Of shorter round trips a quick stack and a near device look alike. */
#define FACTS_RTT_LEAST_NS INT64_C(1000000)

int
rst_distance(uint8_t ttl)
{
	return pkt_initial_ttl(ttl) - ttl;
}

/*
 * Some speak with a TTL that lets them reach the next router alone, or a few
 * (RFC 5082 tells why): such a packet has traversed no router rather than 31.
 */
int
rst_usual_distance(uint8_t ttl)
{
	return ttl <= 4 ? 0 : rst_distance(ttl);
}

bool
rst_is_refusal(const struct flow_reset *r)
{
	return (r->trigger.flags & (PKT_TH_SYN | PKT_TH_ACK)) == PKT_TH_SYN &&
	    r->trigger.frame != 0;
}

bool
rst_is_bare(const struct flow_reset *r)
{
	return (r->mark.flags & PKT_TH_ACK) == 0 && r->mark.window == 0;
}

bool
rst_is_stateless(const struct flow_reset *r)
{
	return rst_is_bare(r) && (r->trigger_exact || r->trigger.frame == 0);
}

int64_t
rst_known_rtt(const struct flow_reset *r)
{
	const struct flow_side *s = &r->sender;
	int64_t rtt = s->rtt_min_ns;

	if (!s->rtt_handshake && s->rtt_samples < 4)
		rtt = r->host.rtt_min_ns;
	return rtt >= FACTS_RTT_LEAST_NS ? rtt : 0;
}
