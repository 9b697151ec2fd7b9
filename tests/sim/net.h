/*
 * A simulated network behind `struct world`: virtual time, no sleeping, all
 * of it decided by a struct sim_truth.
 */
#ifndef RSTHOP_SIM_NET_H
#define RSTHOP_SIM_NET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <rsthop/world.h>

#include "truth.h"

struct sim_net;

struct sim_net_stats {
	unsigned int connections; /* begun */
	unsigned int injected;
	unsigned int firings; /* of the device */
	unsigned int alarms;  /* of the server, without a cause */
	int64_t elapsed_ns;   /* virtual */
};

/*
 * trigger is what fires the device; borrowed.  log, where not NULL, is told
 * of all that matters.  NULL where memory is out.
 */
struct sim_net *sim_net_new(const struct sim_truth *t, const uint8_t *trigger,
    size_t trigger_len, FILE *log);
void sim_net_free(struct sim_net *n);

/* The table of functions; valid as long as n is. */
void sim_net_world(struct sim_net *n, struct world *w);
/* Where the server is, and who we are. */
void sim_net_ends(
    const struct sim_net *n, struct endpoint *target, struct addr *client);
void sim_net_get_stats(const struct sim_net *n, struct sim_net_stats *out);

#endif
