/*
 * An ordinary TCP connection of the kernel's, never blocking.  Its sequence
 * numbers are not known here: they come from the capture (judge/tcb).
 */
#ifndef RSTHOP_CONN_H
#define RSTHOP_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/fault.h>

struct conn;

enum conn_state {
	CONN_CONNECTING,
	CONN_OPEN,	  /* established, as far as the socket knows */
	CONN_REFUSED,	  /* a reset answered the SYN */
	CONN_UNREACHABLE, /* the kernel or an ICMP error said so */
	CONN_TIMED_OUT,	  /* no answer to the SYN */
	CONN_RESET,	  /* was open, a reset ended it */
	CONN_CLOSED,	  /* was open, the server sent FIN */
	CONN_FAILED	  /* anything else */
};

struct conn_ask {
	struct endpoint dst;
	struct addr src;    /* none: the kernel's choice */
	uint16_t src_port;  /* 0: the kernel's choice */
	const char *ifname; /* NULL: by route */
};

/* Begins a connect(2).  TCP_NODELAY is set: one send, one segment. */
int conn_open(const struct conn_ask *ask, struct conn **out, struct fault *f);
enum conn_state conn_get_state(struct conn *c);
int conn_fd(const struct conn *c);
/* What the socket is bound to. */
void conn_get_local(const struct conn *c, struct endpoint *out);
/* Everything or a fault; for small data on a fresh connection. */
int conn_send(struct conn *c, const uint8_t *p, size_t n, struct fault *f);
/* The TTL, or hop limit, of all that the kernel sends on it from now on. */
int conn_set_ttl(struct conn *c, int ttl, struct fault *f);
/* Reads what has come, up to size bytes; gives how many. */
size_t conn_recv(struct conn *c, uint8_t *buf, size_t size);
/* Reads and drops what has come, so that the server's window stays open. */
void conn_drain(struct conn *c);
/* abort: a reset (SO_LINGER 0) instead of FIN; leaves no TIME_WAIT. */
void conn_close(struct conn *c, bool abort);

/*
 * Keeps a local port for probes that no kernel connection owns: bound, never
 * connected nor listening.  Closed with close(2).
 */
int conn_reserve_port(const struct addr *src, uint16_t port, int *fd,
    struct endpoint *local, struct fault *f);

#endif
