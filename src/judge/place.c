/* The words for places and TTL policies. */
#include <stddef.h>

#include <rsthop/place.h>

const char *
ttl_policy_name(enum ttl_policy p)
{
	switch (p) {
	case TTL_POLICY_UNKNOWN:
		return "unknown";
	case TTL_POLICY_FIXED:
		return "fixed";
	case TTL_POLICY_COPIED:
		return "copy";
	case TTL_POLICY_ARBITRARY:
		return "random";
	case TTL_POLICY_IMITATED:
		return "imitates-server";
	}
	return "unknown";
}

const char *
place_name(enum place p)
{
	switch (p) {
	case PLACE_UNKNOWN:
		return NULL;
	case PLACE_WIRE:
		return "wire";
	case PLACE_ROUTER:
		return "router";
	}
	return NULL;
}
