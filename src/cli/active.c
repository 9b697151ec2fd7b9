#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rsthop/clock.h>
#include <rsthop/lookup.h>

#include "active.h"
#include "signals.h"

#define ACTIVE_NAMES_WAIT CLOCK_S /* for the names of all hops together */

/* Root in a container may lack it, an ordinary user may have it. */
static bool
active_has_net_raw(void)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	memset(data, 0, sizeof(data));
	if (syscall(SYS_capget, &head, data) < 0)
		return geteuid() == 0;
	return (data[CAP_TO_INDEX(CAP_NET_RAW)].effective &
		   CAP_TO_MASK(CAP_NET_RAW)) != 0;
}

static int
active_check_privilege(struct fault *f)
{
	if (active_has_net_raw())
		return 0;
	return fault(f, FAULT_PRIVILEGE,
	    "sending and capturing packets needs CAP_NET_RAW; run it as root, "
	    "for instance with sudo");
}

static void
active_remark_route(struct active *a)
{
	const struct route *r = &a->route;
	char to[ADDR_TEXT], from[ADDR_TEXT], gw[ADDR_TEXT];

	progress_remark(&a->progress, "to %s from %s on %s, %s%s",
	    addr_format(&a->target.addr, to), addr_format(&r->src, from),
	    r->ifname, addr_is_none(&r->gateway) ? "on-link" : "through ",
	    addr_is_none(&r->gateway) ? "" : addr_format(&r->gateway, gw));
}

static int
active_find_target(
    struct active *a, const struct options_target *t, struct fault *f)
{
	const struct options *o = a->options;
	char text[ADDR_TEXT];

	if (lookup_host(t->host, o->version, &a->target.addr, f) < 0)
		return -1;
	a->target.port = t->port;
	if (route_get(&a->target.addr, o->ifname, &a->route, f) < 0)
		return -1;
	if (a->route.is_loopback)
		return fault(f, FAULT_NETWORK,
		    "%s is this very host: no path leads there; give the "
		    "address of another",
		    addr_format(&a->target.addr, text));
	active_remark_route(a);
	return 0;
}

int
active_open(struct active *a, const struct options *o,
    const struct options_target *t, struct fault *f)
{
	struct world_live_ask ask;

	memset(a, 0, sizeof(*a));
	a->options = o;
	a->signal_fd = -1;
	progress_open(&a->progress, o);
	if (active_check_privilege(f) < 0 || active_find_target(a, t, f) < 0 ||
	    signals_hold(&a->signal_fd, f) < 0)
		return -1;
	ask = (struct world_live_ask){
	    .target = a->target,
	    .route = a->route,
	    .ifname = o->ifname,
	    .signal_fd = a->signal_fd,
	};
	return world_live_open(&ask, &a->world, &a->live, f);
}

int64_t
active_wall_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

static void
active_add_vendor(struct path_responder *r)
{
	char vendor[LOOKUP_VENDOR];

	if (!r->has_mac)
		return;
	lookup_vendor(r->mac, vendor);
	snprintf(r->vendor, sizeof(r->vendor), "%s", vendor);
}

/* Gives how many there are, at most cap. */
static size_t
active_list_responders(struct path *p, struct path_responder **list, size_t cap)
{
	size_t n = 0;

	for (int h = 0; h < p->n_hops && h < PATH_MAX_HOPS; h++)
		for (int i = 0; i < p->hops[h].n_responders && n < cap; i++)
			list[n++] = &p->hops[h].responders[i];
	return n;
}

static void
active_add_names(struct path_responder **list, size_t n)
{
	struct lookup_query *q = calloc(n, sizeof(*q));

	if (q == NULL)
		return; /* the report does without */
	for (size_t i = 0; i < n; i++)
		q[i].addr = list[i]->addr;
	lookup_names(q, n, ACTIVE_NAMES_WAIT);
	for (size_t i = 0; i < n; i++)
		strncpy(list[i]->name, q[i].name, sizeof(list[i]->name) - 1);
	free(q);
}

static void *
active_free_world(void *live)
{
	world_live_free(live);
	return NULL;
}

/*
 * The kernel lets go of a capture only after two grace periods of its RCU,
 * some 20 ms: names are looked up and the report is written meanwhile.
 */
static void
active_begin_freeing(struct active *a)
{
	a->freeing =
	    pthread_create(&a->freer, NULL, active_free_world, a->live) == 0;
	if (!a->freeing)
		world_live_free(a->live);
	a->live = NULL;
}

int
active_finish(struct active *a, struct result_head *head, struct path *path)
{
	struct path_responder *list[PATH_MAX_HOPS * PATH_RESPONDERS];
	size_t n =
	    active_list_responders(path, list, PATH_MAX_HOPS * PATH_RESPONDERS);
	int signal = 0;

	head->dropped = world_live_dropped(a->live);
	active_begin_freeing(a);
	progress_remark(&a->progress,
	    "%u connections, %u packets injected, %" PRIu64
	    " packets dropped unseen",
	    head->connections, head->packets_sent, head->dropped);
	for (size_t i = 0; i < n; i++)
		active_add_vendor(list[i]);
	if (head->interrupted == 0 && !a->options->no_names && n > 0) {
		progress_say(&a->progress, "looking up names");
		active_add_names(list, n);
	}
	progress_clear(&a->progress);
	if (head->interrupted != 0)
		signal = head->interrupted;
	else
		signal = signals_take(a->signal_fd);
	signals_release(&a->signal_fd);
	return signal;
}

void
active_close(struct active *a)
{
	world_live_free(a->live);
	a->live = NULL;
	if (a->freeing)
		pthread_join(a->freer, NULL);
	a->freeing = false;
	progress_clear(&a->progress);
	signals_release(&a->signal_fd);
}
