/* The words and the look-up of struct path. */
#include <stddef.h>

#include <rsthop/path.h>

const char *
path_via_name(enum path_via v)
{
	switch (v) {
	case PATH_VIA_TCP:
		return "tcp";
	case PATH_VIA_SYN:
		return "syn";
	case PATH_VIA_ICMP:
		return "icmp";
	case PATH_VIA_PROBE:
		return "probe";
	}
	return NULL;
}

const char *
path_rewrite_name(enum path_rewrite r)
{
	switch (r) {
	case PATH_REWRITE_SRC:
		return "source-address";
	case PATH_REWRITE_DST:
		return "destination-address";
	case PATH_REWRITE_SPORT:
		return "source-port";
	case PATH_REWRITE_DPORT:
		return "destination-port";
	case PATH_REWRITE_TOS:
		return "tos";
	case PATH_REWRITE_IP_ID:
		return "ip-id";
	case PATH_REWRITE_DF:
		return "df";
	case PATH_REWRITE_FLOW_LABEL:
		return "flow-label";
	case PATH_REWRITE_SEQ:
		return "seq";
	case PATH_REWRITE_ACK:
		return "ack";
	case PATH_REWRITE_WINDOW:
		return "window";
	case PATH_REWRITE_FLAGS:
		return "flags";
	case PATH_REWRITE_OPTIONS:
		return "options";
	}
	return NULL;
}

const struct path_hop *
path_hop_at(const struct path *p, int ttl)
{
	if (ttl < 1 || ttl > p->n_hops || ttl > PATH_MAX_HOPS)
		return NULL;
	return &p->hops[ttl - 1];
}

int
path_shown_reach(const struct path *p, int most)
{
	int ttl = most < PATH_MAX_HOPS ? most : PATH_MAX_HOPS;

	for (; ttl > 0; ttl--)
		if (p->hops[ttl - 1].n_responders > 0 &&
		    !p->hops[ttl - 1].is_server)
			return ttl;
	return 0;
}
