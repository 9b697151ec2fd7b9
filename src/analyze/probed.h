/*
 * The connections of a capture in which a device was probed for, and what infer
 * makes of them.
 */
#ifndef RSTHOP_ANALYZE_PROBED_H
#define RSTHOP_ANALYZE_PROBED_H

#include <rsthop/analysis.h>
#include <rsthop/passed.h>

#include "paths.h"

/* A packet with data; with its full TTL, or less. */
struct probes_shot {
	int64_t unix_ns;
	uint64_t kind; /* of its data: passed_id() */
	uint32_t seq, ack, len;
	uint16_t id, window;
	uint8_t ttl;
	bool unacked; /* its data was new to the server */
};

/* A reset that came to the client. */
struct probes_back {
	int64_t unix_ns;
	uint64_t frame;
	uint32_t file;
	uint32_t seq;
	uint16_t id, window;
	uint8_t ttl;
	bool has_id;
	bool genuine; /* by its own verdict */
	bool late;    /* the client sent more since: it may have drawn it */
};

#define PROBES_BACKS 16

struct probes_conn {
	struct endpoint client, server;
	uint8_t client_ttl, server_ttl; /* 0: not known */
	bool spoilt;  /* it had been reset before its first shot */
	bool went_on; /* the client sent on with its full TTL */
	int answered; /* the smallest TTL that the server answered; 0: none */
	size_t n_shots, cap_shots;
	struct probes_shot *shots; /* owned */
	size_t n_backs;
	struct probes_back backs[PROBES_BACKS];
};

/* Data with its full TTL that drew a reset on a connection of its own. */
struct probes_full {
	struct addr client;
	struct endpoint server;
	uint64_t kind, frame;
	uint32_t file;
	uint8_t ttl, rst_ttl;
};

#define PROBES_FULLS 256

/* All that was gathered. */
struct probes_found {
	const struct passed *passed;
	const struct paths *paths;
	size_t n_conns;
	const struct probes_conn *conns;
	size_t n_fulls;
	const struct probes_full *fulls;
};

/* Fills out->probed, and the candidates of out's groups by it. */
int probed_conclude(
    const struct probes_found *p, struct analysis *out, struct fault *f);

#endif
