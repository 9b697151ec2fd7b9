/*
 * The insides of the simulated network, for its own files: net.c is the heap
 * of events and the client's kernel, wire.c the path and the server, device.c
 * the forger.
 *
 * A packet's whole way is walked when it is sent: all that it meets is
 * decided then, and what comes of it is put on the heap for its time.
 */
#ifndef RSTHOP_SIM_NET_INT_H
#define RSTHOP_SIM_NET_INT_H

#include "net.h"

#define SIM_PORT 3306

struct sim_conn {
	struct endpoint local;

	/* The client's kernel. */
	enum conn_state state;
	bool socket; /* the kernel still knows it */
	bool handed_back;
	uint32_t snd_nxt, snd_una, rcv_nxt;
	uint16_t ip_id;
	int ttl;       /* of what it sends; 0: the usual */
	uint8_t *data; /* what is in flight, owned */
	size_t data_len;
	unsigned int tries;
	int64_t sent_ns, srtt_ns, challenged_ns;

	/* The server. */
	bool known;
	uint32_t peer_nxt, peer_rcv;
	uint16_t peer_id;
	int64_t peer_dies_ns;

	/* The device. */
	bool decided, draws, spent;
};

struct sim_event {
	int64_t at_ns;
	uint64_t order; /* those of one instant, as they were made */
	int timer;	/* of this connection; -1: a packet */
	bool out;	/* our own, as the capture shows it */
	bool answer;	/* not the client's timer: the server's application */
	bool keyword;	/* its answer holds the trigger */
	struct pkt pkt;
};

/* An ICMP rate limit as Linux keeps it for each target. */
struct sim_bucket {
	double tokens;
	int64_t last_ns;
};

struct sim_net {
	const struct sim_truth *t;
	const uint8_t *trigger;
	size_t trigger_len;
	FILE *log;
	struct rng rng;

	int64_t start_ns, now_ns;
	bool changed; /* a connection's state */
	bool broken;  /* out of memory */
	struct sim_event **heap;
	size_t n_heap, cap_heap;
	uint64_t order;

	struct sim_conn *conns;
	size_t n_conns, cap_conns;
	struct endpoint server, client;
	struct sim_net_stats stats;

	struct sim_bucket buckets[SIM_HOPS + 1];
	int stepping;
	int64_t blocked_until_ns;
	int64_t last_reset_ns; /* those of one source keep their order */
};

/* net.c */
void sim_say(const struct sim_net *n, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A packet that comes to the client at at_ns. */
void sim_deliver(struct sim_net *n, const struct pkt *p, int64_t at_ns);
/* At at_ns the server's application answers on this connection. */
void sim_answer_later(
    struct sim_net *n, const struct sim_conn *c, bool keyword, int64_t at_ns);
struct sim_conn *sim_find(struct sim_net *n, uint16_t port);
/* An empty packet between two addresses. */
struct pkt sim_packet(const struct sim_net *n, const struct endpoint *src,
    const struct endpoint *dst, int ttl);
/* A TCP segment without data. */
struct pkt sim_segment(const struct sim_net *n, const struct endpoint *src,
    const struct endpoint *dst, int ttl, uint8_t flags);

/* wire.c */
/* All that becomes of a packet of the client's, sent now. */
void sim_walk(struct sim_net *n, const struct pkt *p);
/* The server's application answers, now. */
void sim_server_answers(struct sim_net *n, struct sim_conn *c, bool keyword);
/* Survives so many links? */
bool sim_survives(struct sim_net *n, int links);
/* What varies from packet to packet. */
int64_t sim_jitter(struct sim_net *n);
void sim_time_exceeded(
    struct sim_net *n, int node, const struct pkt *p, int64_t at_ns);

/* device.c */
/* The device meets a packet with this TTL left; true: it drops it. */
bool sim_device_meets(
    struct sim_net *n, const struct pkt *p, int ttl, int64_t at_ns);
/* Likewise the server's answer to the trigger. */
bool sim_device_meets_answer(
    struct sim_net *n, const struct pkt *p, int64_t at_ns);

#endif
