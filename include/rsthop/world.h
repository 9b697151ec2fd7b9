/*
 * The jobs' reach into the world, as a table of functions: connect, send,
 * inject, the next packet, the time.  net fills it for a live network; a
 * simulated one can stand in for it.
 */
#ifndef RSTHOP_WORLD_H
#define RSTHOP_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/conn.h>
#include <rsthop/craft.h>
#include <rsthop/fault.h>
#include <rsthop/pkt.h>
#include <rsthop/route.h>

struct world_packet {
	int64_t at_ns;	 /* on the scale of now() */
	int64_t unix_ns; /* as captured */
	enum pkt_link link;
	const uint8_t *data; /* the frame; valid until the next call of next */
	uint32_t len;
	uint32_t wire_len;
	struct pkt pkt; /* decoded */
};

struct world {
	void *ctx;

	/* Nanoseconds that never go back; the zero is arbitrary. */
	int64_t (*now)(void *ctx);

	/*
	 * Begins a connection to the target from src_port (0: any).  *id names
	 * it to the calls below, *local is its own end.
	 */
	int (*open)(void *ctx, uint16_t src_port, int *id,
	    struct endpoint *local, struct fault *f);
	/*
	 * A connection of another program's, known by its own end: it is open,
	 * as far as can be told, and can only be watched and injected into.
	 */
	int (*adopt)(void *ctx, int *id, struct fault *f);
	enum conn_state (*state)(void *ctx, int id);
	int (*send)(
	    void *ctx, int id, const uint8_t *p, size_t n, struct fault *f);
	/* All that the kernel sends on it leaves with this TTL from now on. */
	int (*set_ttl)(void *ctx, int id, int ttl, struct fault *f);
	void (*close)(void *ctx, int id, bool abort);

	/*
	 * From now on what the server says on it is kept for recv, and next
	 * returns when there is some; else it is read and dropped.
	 */
	int (*keep)(void *ctx, int id, struct fault *f);
	/* Up to size bytes of it; gives how many, 0: none for now. */
	size_t (*recv)(void *ctx, int id, uint8_t *buf, size_t size);

	/* A port of ours for SYN probes; kept until the world is freed. */
	int (*reserve)(void *ctx, struct endpoint *local, struct fault *f);

	/* Injects a packet; on the wire when it returns. */
	int (*tcp)(void *ctx, const struct craft_tcp *t, struct fault *f);
	int (*echo)(void *ctx, const struct craft_echo *e, struct fault *f);

	/* Something else to wait for: next returns 0 while fd is readable. */
	void (*also)(void *ctx, int fd); /* -1: nothing any more */

	/*
	 * The next packet of this job, in or out, the injected ones included:
	 * 1 and *out; 0 when until_ns is reached or a connection changed its
	 * state or has something to recv; -1 with a fault, FAULT_INTERRUPTED
	 * after a signal.
	 */
	int (*next)(void *ctx, int64_t until_ns, struct world_packet *out,
	    struct fault *f);
};

/* The live network. */
struct world_live;

struct world_live_ask {
	struct endpoint target;
	struct route route;
	const char *ifname; /* NULL: by route; else sockets are bound to it */
	int signal_fd;	    /* signalfd(2) of what interrupts; -1: none */
};

/* Fills *w; world_live_free() takes all its connections and sockets down. */
int world_live_open(const struct world_live_ask *ask, struct world *w,
    struct world_live **out, struct fault *f);
/* Packets that the kernel dropped before we saw them. */
uint64_t world_live_dropped(struct world_live *l);
void world_live_free(struct world_live *l);

#endif
