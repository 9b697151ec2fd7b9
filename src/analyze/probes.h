/*
 * Packets with limited TTLs in a capture, what they drew, and what infer
 * makes of them.  probes.c gathers the connections in which a device was
 * probed for; probed.c concludes.
 */
#ifndef RSTHOP_ANALYZE_PROBES_H
#define RSTHOP_ANALYZE_PROBES_H

#include <rsthop/analysis.h>
#include <rsthop/flow.h>
#include <rsthop/passed.h>

#include "paths.h"

/* --- probes: connections with limited packets that bear data --- */

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
	bool late;    /* the client went on since: who knows what drew it */
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

struct probes;

int probes_new(uint64_t seed, const struct passed *passed, struct probes **out,
    struct fault *f);
void probes_free(struct probes *p);

/* A limited packet, told by flow; then probes_see() gets it too. */
int probes_sent(struct probes *p, const struct flow_probe *q,
    const struct pkt *pkt, struct fault *f);
/* Each packet, after the flow table has seen it. */
int probes_see(struct probes *p, const struct flow_seen *s, struct fault *f);
/*
 * The largest TTL with which a packet to the reset's sender expired on its way,
 * as far as packets with less did not arrive there; 0: none.
 */
uint8_t probes_expired_ttl(const struct probes *p, const struct flow_reset *r);
/* A reset, once it is judged. */
void probes_judge(
    struct probes *p, const struct flow_reset *r, enum rst_ruling ruling);

/* Fills out->probed, and the candidates of out's groups by it. */
int probes_finish(struct probes *p, struct analysis *out, struct fault *f);

/* --- within probes --- */

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

int probed_conclude(
    const struct probes_found *p, struct analysis *out, struct fault *f);

#endif
