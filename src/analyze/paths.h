/*
 * Which address answers at which TTL: any packet that expires, of any protocol.
 * Bounded.
 */
#ifndef RSTHOP_ANALYZE_PATHS_H
#define RSTHOP_ANALYZE_PATHS_H

#include <rsthop/flow.h>
#include <rsthop/path.h>

/* What leaves with no more than this may be meant to expire. */
#define PATHS_LIMITED_TTL 40
#define PATHS_ROUTES	  32 /* of a client and a server, at most */

struct paths;

/* One client's path to one address. */
struct paths_route {
	struct addr client, server;
	struct path path;
	int answered; /* the smallest TTL that the server answered; 0: none */
};

int paths_new(struct paths **out, struct fault *f);
void paths_free(struct paths *p);
int paths_see(struct paths *p, const struct flow_seen *s, struct fault *f);
/* NULL where nothing is known. */
struct paths_route *paths_find(const struct paths *p, const struct addr *client,
    const struct addr *server);
size_t paths_count(const struct paths *p);
struct paths_route *paths_at(const struct paths *p, size_t i);

#endif
