/*
 * One interface, for as long as it takes: a live capture that outlasts its
 * interface's going down, being taken away and coming back.
 */
#ifndef RSTHOP_LISTEN_H
#define RSTHOP_LISTEN_H

#include <stdint.h>

#include <rsthop/capture.h>
#include <rsthop/fault.h>

struct listen;

struct listen_ask {
	const char *ifname; /* "any" is one too */
	const char *filter; /* a pcap filter, NULL: none */
	int ring_bytes;	    /* of the kernel, for packets not yet read */
	int signal_fd;	    /* waiting ends where it can be read; -1: none */
	void *ctx;
	/* Once each time that it goes; why is a fault's words.  NULL. */
	void (*lost)(void *ctx, const char *why);
	/* Once each time that it is back.  NULL. */
	void (*back)(void *ctx);
};

struct listen_stats {
	uint64_t received; /* by the filter */
	uint64_t dropped;  /* by the kernel, for want of room */
	uint64_t lost;	   /* times that the interface went */
};

/*
 * Packets of TCP and ICMP alone are taken, of them those that the filter lets
 * through.  FAULT_USAGE for a filter that does not compile, before privilege
 * is looked at.
 */
int listen_open(
    const struct listen_ask *ask, struct listen **out, struct fault *f);

/*
 * 1 and a packet; 0 where none came within wait_ns, or a signal did; -1 where
 * there is no going on.  An interface that is gone is waited for.
 */
int listen_next(struct listen *l, int64_t wait_ns, struct capture_packet *out,
    struct fault *f);

void listen_get_stats(struct listen *l, struct listen_stats *out);
void listen_free(struct listen *l); /* NULL is fine */

#endif
