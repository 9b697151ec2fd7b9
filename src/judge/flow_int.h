/*
 * What the parts of flow share: how a connection is held in memory.
 *
 * A node is kept small, since a capture may hold a million connections at
 * once; what few of them need (resets, probes, time-exceeded) hangs off it.
 */
#ifndef JUDGE_FLOW_INT_H
#define JUDGE_FLOW_INT_H

#include <rsthop/flow.h>

#define FLOW_NONE UINT32_MAX

#define FLOW_LINE 64 /* bytes of a line of the cache */

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
	bool any;
};

#define ID_NEAR 16
#define ID_FAR	4096

struct ttl_tally {
	uint32_t packets[FLOW_TTLS];
	uint8_t ttl[FLOW_TTLS];
	uint8_t n;
	uint8_t last;
	uint32_t others;
	uint32_t changes;
};

/*
 * One direction: struct flow_side, in the making.  What every packet touches
 * stands first, in three lines of the cache.
 */
struct half {
	uint32_t seen; /* enum flow_side_seen */
	uint32_t seq_next;
	uint32_t ack_high;
	uint32_t packets;
	/* The segment whose acknowledgement is awaited, for the round trip. */
	int64_t timed_ns; /* 0: none */
	uint32_t timed_end;
	uint32_t host; /* index, FLOW_NONE */
	struct ttl_tally ttl;
	struct id_run run;
	uint16_t ids[FLOW_IDS]; /* a ring of half_number(); id_at: the next */
	uint8_t id_at, n_ids;
	uint8_t first_ttl, first_tos;
	bool first_df, ttl_twice, rtt_handshake;
	uint8_t rtt_samples;
	struct flow_mark last;
	uint32_t data_packets;
	uint32_t tsval;
	uint8_t mac[ADDR_MAC];
	uint16_t payload_len;
	uint8_t *payload; /* of the last data, or NULL */
	uint16_t payload_cap;
	uint8_t wscale;
	uint32_t isn;
	uint32_t twice;
	uint32_t foreign;
	int64_t rtt_min_ns;
	struct flow_mark first, last_foreign;
	/* Only where `last` itself bears no data: see half_last_data(). */
	struct flow_mark older_data;
};

/* What stands behind both halves, in canonical order of the endpoints. */
struct flow_ends {
	struct endpoint e[2];
};

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
	struct flow_probe *probe; /* NULL: none under way */
	uint32_t n_pending;
	uint32_t others_more;
	uint8_t n_others, cap_others;
	uint8_t n_expired;
};

struct node {
	struct flow_ends ends;
	int64_t seen_ns;   /* of the last packet */
	struct rare *rare; /* NULL for most */
	uint32_t tag;	   /* of its hash */
	uint32_t place;
	uint32_t next_free;
	bool used;
	uint8_t client; /* the half that is the client's */
	uint8_t spoke;	/* 1 + the half that sent data last; 0: none */
	uint8_t roles;	/* enum flow_roles */
	struct half half[2];
};

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
enum half_saw {
	HALF_SAW_NEW,
	HALF_SAW_TWICE, /* the very packet again */
	HALF_SAW_FOREIGN
};

enum half_saw half_see(
    struct half *h, struct half *other, const struct flow_seen *s);
/* Its last packet with data; frame 0: none. */
const struct flow_mark *half_last_data(const struct half *h);
void half_report(const struct half *h, struct flow_side *out);
/* What a header is numbered by: IP ID, or the flow label's low 16 bits. */
uint16_t half_number(const struct pkt_ip *ip);
void half_make_mark(const struct flow_seen *s, struct flow_mark *out);
/* Bytes of sequence space that it takes. */
uint32_t segment_len(const struct pkt_tcp *t, uint32_t payload);
void ttl_tally_report(const struct ttl_tally *t, struct flow_ttl *out,
    uint8_t *n, uint32_t *others);

/* a is after b in sequence space (RFC 9293, section 3.4). */
static inline bool
seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

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
/* What the connection has gathered beside it, as it is handed over. */
void pending_finish(struct pending *p, const struct node *n, enum flow_end end,
    int64_t unix_ns);
/* -1 where memory ran out. */
int rare_add_reset(struct rare *r, const struct flow_mark *m, int side);

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

/* flow_nodes.c: the connections by their endpoints. */
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
/* By its place, 0 .. node_places() - 1; NULL for an unused one. */
struct node *node_at(struct node_table *t, uint32_t at);
uint32_t node_places(const struct node_table *t);
/* One that may be given up: closed or idle for long, by a short look. */
struct node *node_victim(struct node_table *t);

#endif
