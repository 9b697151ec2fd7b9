/*
 * What the commands that send packets have in common: from a target's name to
 * an open world, from a result to reports and an exit status.
 */
#ifndef RSTHOP_CLI_ACTIVE_H
#define RSTHOP_CLI_ACTIVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <rsthop/fault.h>
#include <rsthop/result.h>
#include <rsthop/world.h>

#include "options.h"
#include "progress.h"

struct active {
	const struct options *options;
	struct progress progress;
	struct endpoint target;
	struct route route;
	struct world world;
	struct world_live *live;
	pthread_t freer; /* takes live down, where freeing */
	bool freeing;
	int signal_fd; /* SIGINT, SIGTERM; blocked while it is open */
};

/*
 * Resolves, finds the route, holds the signals, opens the world.  What could
 * be said without any of it (usage, files) has been said before.
 * active_close() in any case.
 */
int active_open(struct active *a, const struct options *o,
    const struct options_target *t, struct fault *f);

/* The wall clock, in nanoseconds since 1970, for a result's head. */
int64_t active_wall_clock(void);

/*
 * After the job: begins to take the sockets down, adds names and vendors to
 * the path, and lets go of the signals.  Gives the signal that interrupted it,
 * or 0.
 */
int active_finish(
    struct active *a, struct result_head *head, struct path *path);

/* Also waits until the sockets are down. */
void active_close(struct active *a);

#endif
