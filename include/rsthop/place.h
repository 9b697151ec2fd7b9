/*
 * Where a device sits at its hop, and how it makes the TTL of its resets
 * (PHYSICS, sections 1 and 6).
 */
#ifndef RSTHOP_PLACE_H
#define RSTHOP_PLACE_H

enum place {
	PLACE_UNKNOWN,
	PLACE_WIRE,  /* before hop h, or at its ingress: sees TTL h */
	PLACE_ROUTER /* in hop h's forwarding plane: sees TTL h + 1 and more */
};
#define PLACES 3 /* of an array by place; the known ones begin at PLACE_WIRE */

enum ttl_policy {
	TTL_POLICY_UNKNOWN,
	TTL_POLICY_FIXED,     /* a constant: 255, 128, 64, 32 */
	TTL_POLICY_COPIED,    /* that of the packet that triggers it */
	TTL_POLICY_ARBITRARY, /* random or stepping: tells no distance */
	TTL_POLICY_IMITATED   /* arrives as the server's own packets do */
};
#define TTL_POLICIES 5 /* of an array by policy */

/* The words of INTERFACE.  A place that is not known has none: NULL. */
const char *place_name(enum place p);
const char *ttl_policy_name(enum ttl_policy p);

#endif
