/*
 * How far a MySQL connection has come, for a forger that knows the protocol
 * as a firewall does: a command counts only behind a login that the server
 * has accepted.  Client/Server Protocol of MySQL, "Connection Phase" and
 * "Command Phase"; packets are a length of 3 bytes, a number, the body.
 */
#ifndef RSTHOP_LAB_FORGER_MYSQL_H
#define RSTHOP_LAB_FORGER_MYSQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forger_options.h"

#define MYSQL_KEPT 2048 /* bytes of a packet that is not whole yet */

enum mysql_state {
	MYSQL_OPEN,    /* nothing said; the server's greeting is awaited */
	MYSQL_GREETED, /* the client's answer to it is awaited */
	MYSQL_LOGIN,   /* it came; the server's OK is awaited */
	MYSQL_COMMAND, /* logged in */
	MYSQL_BLIND    /* refused, TLS, compressed, or no MySQL at all */
};

/* What one end says, in order, as far as it is not understood yet. */
struct mysql_stream {
	uint32_t next; /* seq of what is awaited */
	bool known;    /* next is */
	uint16_t n;
	uint8_t kept[MYSQL_KEPT];
};

struct mysql_conn {
	enum mysql_state state;
	struct mysql_stream client, server;
	uint32_t command; /* seq where the next command begins */
};

/* One TCP segment that carries data. */
struct mysql_segment {
	uint32_t seq, ack;
	const uint8_t *p;
	size_t len;
};

/* A SYN of the client's came; next: seq of its first data. */
void mysql_open(struct mysql_conn *c, uint32_t next);

void mysql_see_server(struct mysql_conn *c, const struct mysql_segment *s);

/*
 * True where a command of that kind (WORD_INIT_DB, WORD_QUERY, WORD_ANY) ends
 * in the segment, and its text holds what.  A copy of a command counts as the
 * command: whoever wants those left out has to look at seq.
 */
bool mysql_see_client(struct mysql_conn *c, const struct mysql_segment *s,
    int command, const struct bytes *what);

/* Whether what is anywhere in n bytes; an empty one is not. */
bool bytes_contain(const uint8_t *p, size_t n, const struct bytes *what);

#endif
