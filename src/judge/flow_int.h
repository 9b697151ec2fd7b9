/*
 * What the parts of flow share: how a connection is held in memory.
 *
 * A node is kept small, since a capture may hold a million connections at
 * once; what few of them need (resets, probes, time-exceeded) hangs off it.
 */
#ifndef RSTHOP_JUDGE_FLOW_INT_H
#define RSTHOP_JUDGE_FLOW_INT_H

#include <rsthop/flow.h>

#define FLOW_NONE UINT32_MAX

#define FLOW_LINE  64		     /* bytes of a line of the cache */
#define FLOW_CHUNK ((size_t)2 << 20) /* a page of the large kind */

/* Resets of one connection that wait at once; the oldest is settled then. */
#define FLOW_PENDING_EACH 16

/* Steps from one IP ID to the next, counted by kind. */
struct id_run {
	uint16_t last;
	uint16_t n;	  /* steps */
	uint16_t near;	  /* forward by up to ID_NEAR */
	uint16_t far;	  /* forward by up to ID_FAR */
	uint16_t swapped; /* near, once the bytes are swapped */
	uint16_t zero;	  /* packets with ID 0 */
	uint16_t same;
};

#define ID_NEAR 16
#define ID_FAR	4096

/* What a sender with one TTL touches stands first. */
struct ttl_tally {
	uint8_t ttl[FLOW_TTLS];
	uint8_t n;
	uint8_t last;
	uint16_t changes;
	uint32_t packets[FLOW_TTLS];
	uint32_t others;
};

#define PAYLOAD_UNIT 64 /* bytes; payloads take whole ones */

/*
 * One direction: struct flow_side, in the making.  Every packet costs a wait
 * for each line of the cache that it touches, so what all of them need stands
 * in the first two, which end with the tally of the first TTL; the third has
 * what many need.
 */
struct half {
	uint16_t seen; /* enum flow_side_seen */
	uint8_t mac[ADDR_MAC];
	uint32_t seq_next;
	uint32_t ack_high;
	uint32_t packets;
	/* The segment whose acknowledgement is awaited, for the round trip. */
	uint32_t timed_end;
	int64_t timed_ns; /* 0: none */
	struct id_run run;
	uint16_t payload_len;
	uint16_t ids[FLOW_IDS]; /* newest first; 0 where there is none yet */

	struct flow_mark last;
	uint32_t tsval;
	uint32_t data_packets;
	uint32_t host; /* index, FLOW_NONE */
	struct ttl_tally ttl;

	uint8_t wscale;
	uint8_t payload_units; /* that there is room for at payload */
	uint8_t rtt_samples;
	bool ttl_of_duplicate : 1, rtt_handshake : 1;
	uint32_t isn;
	uint32_t twice;
	uint32_t injected;
	uint8_t *payload; /* of the last data, or NULL */
	int64_t rtt_min_ns;
	struct flow_mark first;
	/* Only where `last` itself bears no data: see half_last_data(). */
	struct flow_mark older_data;
};

_Static_assert(offsetof(struct half, last) == FLOW_LINE &&
	offsetof(struct half, ttl.packets[1]) == 2 * (size_t)FLOW_LINE &&
	sizeof(struct half) == 4 * (size_t)FLOW_LINE,
    "a packet touches two lines of a half");
_Static_assert(FLOW_PAYLOAD / PAYLOAD_UNIT <= UINT8_MAX, "payload_units");

/* A reset that waits. */
struct pending {
	struct flow_reset r;
	struct pending *next_due; /* by time of arrival, all flows */
	struct pending *prev_due;
	struct pending *next; /* of the same flow, oldest first */
	struct node *node;
	uint32_t pkts;
	int side;	  /* the sender's half */
	uint8_t *payload; /* owned */
};

/* A reset of the connection, whether or not it still waits. */
struct rare_other {
	struct flow_mark mark;
	uint8_t side;
};

/* Its arrays grow as they are needed: a scan may draw a million resets. */
struct rare {
	struct pending *pending; /* oldest first */
	struct rare_other *others;
	struct flow_expired *expired;
	struct flow_probe *probe;   /* NULL: none under way */
	struct flow_mark *injected; /* the last, of either half; NULL: none */
	uint32_t n_pending;
	uint32_t others_more;
	uint8_t n_others, cap_others;
	uint8_t n_expired;
};

/* A line of the cache, and both halves. */
struct node {
	struct flow_ends ends;
	int64_t seen_ns; /* of the last packet */
	union {
		struct rare *rare;  /* NULL for most */
		uint32_t next_free; /* where it is not used */
	};
	uint32_t place;
	bool used;
	uint8_t client; /* the half that is the client's */
	uint8_t spoke;	/* 1 + the half that sent data last; 0: none */
	uint8_t roles;	/* enum flow_roles */
	struct half half[2];
};

_Static_assert(offsetof(struct node, half) == FLOW_LINE, "a line");

struct host {
	struct addr addr;
	uint32_t flows;
	struct ttl_tally ttl;
	struct id_run run;
	int64_t id_ns;
	int64_t rtt_min_ns;
	uint32_t packets;
	uint8_t mac[ADDR_MAC];
	bool has_mac, other_mac;
};

/* flow_side.c: pure bookkeeping of one direction. */
void ttl_tally_add(struct ttl_tally *t, uint8_t ttl);
void id_run_add(struct id_run *r, uint16_t id);
enum flow_id_kind id_run_kind(const struct id_run *r);
/* Packets that it has seen; stays at the most that it can count. */
uint32_t id_run_packets(const struct id_run *r);

enum half_saw {
	HALF_SAW_NEW,
	HALF_SAW_TWICE, /* the very packet again */
	HALF_SAW_FOREIGN
};

enum half_saw half_see(
    struct half *h, struct half *other, const struct flow_seen *s);
/* Its last packet with data; frame 0: none. */
const struct flow_mark *half_last_data(const struct half *h);
/* All but its last foreign mark, which is kept elsewhere. */
void half_report(const struct half *h, struct flow_side *out);
/* What a header is numbered by: IP ID, or the flow label's low 16 bits. */
uint16_t half_number(const struct pkt_ip *ip);
void half_make_mark(const struct flow_seen *s, struct flow_mark *out);
/* Bytes of sequence space that it takes. */
uint32_t segment_len(const struct pkt_tcp *t, uint32_t payload);
void ttl_tally_report(const struct ttl_tally *t, struct flow_ttl *out,
    uint8_t *n, uint32_t *others);

/* flow_host.c: what is known of an address, over all its connections. */
struct host_table;
int host_table_new(
    uint32_t max, uint64_t seed, struct host_table **out, struct fault *f);
void host_table_free(struct host_table *t);
/* The index of an address, made where there is room; else FLOW_NONE. */
uint32_t host_table_get(struct host_table *t, const struct addr *a);
/*
 * A host learns of a connection's first packets and of some later ones: each
 * time costs a miss of the cache, and it is short connections that need it.
 */
#define HOST_FIRST 8
#define HOST_EVERY 8
/* It will be told soon. */
void host_table_hint(const struct host_table *t, uint32_t at);
/* A handshake took so long. */
void host_table_see_rtt(struct host_table *t, uint32_t at, int64_t rtt_ns);
void host_table_see(
    struct host_table *t, uint32_t at, const struct flow_seen *s);
/* Without what the connection itself (h) added to it. */
void host_table_report(const struct host_table *t, uint32_t at,
    const struct half *h, struct flow_host *out);

/* flow_pending.c: the facts of a reset. */
void pending_fill(struct pending *p, const struct node *n, int side,
    const struct flow_seen *s);
/* One more packet of its connection that is no reset. */
void pending_see(struct pending *p, int side, const struct flow_seen *s);
/*
 * What the connection has gathered beside it, as it is handed over; others is
 * where it puts the other resets.
 */
void pending_finish(struct pending *p, enum flow_end end, int64_t unix_ns,
    struct flow_other others[FLOW_RESETS]);
/* These two: -1 where memory ran out. */
int rare_add_reset(struct rare *r, const struct flow_mark *m, int side);
int rare_set_injected(struct rare *r, const struct flow_seen *s, int side);

void rare_free(struct rare *r); /* NULL is fine */

/* flow_probe.c: packets with limited TTLs, and what they drew. */
/* Is this packet of the client one?  Asked before the half has seen it. */
bool probe_is(const struct half *h, const struct pkt *p);
/* These two: -1 where memory ran out. */
int probe_begin(
    struct rare *r, const struct node *n, int side, const struct flow_seen *s);
void probe_see(
    struct rare *r, const struct node *n, int side, const struct flow_seen *s);
int probe_see_expired(
    struct rare *r, const struct node *n, int side, const struct flow_seen *s);

/* flow_payload.c: room for what is kept of payloads. */
struct payload_pool;
int payload_pool_new(size_t bytes, struct payload_pool **out, struct fault *f);
void payload_pool_free(struct payload_pool *p);
/* All blocks are gone. */
void payload_pool_clear(struct payload_pool *p);
/* Bytes of the blocks that are in use. */
size_t payload_pool_used(const struct payload_pool *p);
/* A block of so many units, or some more; NULL where there is no room. */
uint8_t *payload_pool_take(struct payload_pool *p, size_t *units);
/* NULL is fine. */
void payload_pool_give(struct payload_pool *p, uint8_t *block, size_t units);

/* flow_nodes.c: the connections by their endpoints. */
/* FLOW_CHUNK bytes for free(3), one page if the kernel likes; NULL: none. */
void *flow_chunk_new(void);
struct node_table;
int node_table_new(
    uint32_t max, uint64_t seed, struct node_table **out, struct fault *f);
void node_table_free(struct node_table *t);
uint64_t node_hash(const struct node_table *t, const struct flow_ends *e);
/* Ask ahead for what node_find() will read: of the table, of the node. */
void node_expect(const struct node_table *t, uint64_t hash);
void node_expect_soon(const struct node_table *t, uint64_t hash, int side);
struct node *node_find(
    struct node_table *t, const struct flow_ends *e, uint64_t hash, int side);
/* NULL where the table is full or memory ran out. */
struct node *node_add(
    struct node_table *t, const struct flow_ends *e, uint64_t hash);
void node_remove(struct node_table *t, struct node *n);
uint32_t node_count(const struct node_table *t);
/* The next one that the hand comes to; NULL for an unused place. */
struct node *node_sweep(struct node_table *t);
/* They are all gone. */
void node_clear(struct node_table *t);
/* By its place, 0 .. node_places() - 1; NULL for an unused one. */
struct node *node_at(struct node_table *t, uint32_t at);
uint32_t node_places(const struct node_table *t);
/* One that may be given up: closed or idle for long, by a short look. */
struct node *node_victim(struct node_table *t);

#endif
