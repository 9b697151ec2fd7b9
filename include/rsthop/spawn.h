/*
 * A command of the user's, run as the user, to be watched while it talks.
 */
#ifndef RSTHOP_SPAWN_H
#define RSTHOP_SPAWN_H

#include <stdbool.h>
#include <stdint.h>

#include <rsthop/fault.h>

struct spawn_user {
	bool given; /* false: whoever runs rsthop */
	uint32_t uid, gid;
};

/* Whom sudo was invoked by, by its variables; not given without sudo. */
struct spawn_user spawn_invoker(void);

struct spawn;

/*
 * Starts argv, ended by NULL, in a process group of its own, without standard
 * input; what it prints is dropped, unless shown.  No privilege of ours goes
 * with it where a user is given.  FAULT_INPUT where it cannot be started.
 */
int spawn_start(char *const *argv, const struct spawn_user *user, bool shown,
    struct spawn **out, struct fault *f);

/* Readable once it has ended. */
int spawn_fd(const struct spawn *s);

/*
 * Whether it has ended, and how: its exit status, or 128 + signal.  Then all
 * that it left in its group is ended too.
 */
bool spawn_has_ended(struct spawn *s, int *status);

/* Ends it and its group, where they still run. */
void spawn_free(struct spawn *s);

#endif
