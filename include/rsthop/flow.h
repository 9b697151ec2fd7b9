/*
 * Who talks to whom: the TCP connections of one vantage, with what each side
 * usually sends (its baseline), in bounded memory.
 *
 * A reset is not judged when it is seen, for what comes after it says as much
 * as what came before.  The table keeps it, pending, with the facts as they
 * stood and what came later, and hands it over as a struct flow_reset once
 * it is settled: the connection begins anew or is let go, a bound of time or
 * of packets is reached, or the capture ends.
 *
 * All counts saturate.  Times are the capture's own stamps, in nanoseconds;
 * they may step back.
 */
#ifndef RSTHOP_FLOW_H
#define RSTHOP_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/fault.h>
#include <rsthop/pkt.h>

#define FLOW_MAX_FLOWS 1000000
#define FLOW_TTLS      4  /* TTLs that are told apart a side */
#define FLOW_IDS       8  /* latest IP IDs that are kept a side */
#define FLOW_RESETS    16 /* other resets of the connection that are kept */
#define FLOW_EXPIRED   8
#define FLOW_PAYLOAD   2048 /* bytes kept of a packet's payload at most */
#define FLOW_RST_DATA  32   /* bytes kept of a reset's own payload */

/* Zero stands for the default in each. */
struct flow_config {
	uint32_t max_flows;   /* FLOW_MAX_FLOWS */
	int64_t idle_ns;      /* silent so long, a flow is let go: 600 s */
	int64_t settle_ns;    /* a reset waits at most so long: 30 s */
	uint32_t settle_pkts; /* and so many packets of its flow: 64 */
	size_t payload_bytes; /* for payloads in all flows: 24 MiB */
	uint32_t max_pending; /* resets that wait: 4096 */
	uint32_t max_hosts;   /* addresses that are remembered: 65536 */
	uint64_t hash_seed;   /* so that no capture can aim at the hash */
};

/* Both ends of a connection, in an order that is the same either way. */
struct flow_ends {
	struct endpoint e[2];
};

/* What flow_table_expect() found out about a packet. */
struct flow_hint {
	struct flow_ends ends;
	uint64_t hash;
	int side; /* whose end is the sender's; -1: no segment */
};

/* One packet of a vantage. */
struct flow_seen {
	int64_t unix_ns;
	uint32_t file;	/* index of the file, the caller's */
	uint64_t frame; /* from 1 in that file */
	const struct pkt *pkt;
	const struct flow_hint *hint; /* of this table, for pkt; or NULL */
};

/* A packet that is remembered; frame 0: there is none. */
struct flow_mark {
	int64_t unix_ns;
	uint64_t frame;
	uint32_t file;
	uint32_t seq;
	uint32_t ack;
	uint32_t len; /* of its payload, as sent */
	uint16_t window;
	uint16_t id;
	uint8_t ttl;
	uint8_t tos;
	uint8_t flags; /* PKT_TH_* */
	bool df;
};

struct flow_ttl {
	uint8_t ttl;
	uint32_t packets;
};

/* How a sender's IP IDs run. */
enum flow_id_kind {
	FLOW_ID_UNKNOWN, /* fewer than two packets to go by, or IPv6 */
	FLOW_ID_ZERO,	 /* always 0 */
	FLOW_ID_CONSTANT,
	FLOW_ID_COUNTER, /* rises by little: the connection's own counter */
	FLOW_ID_SHARED,	 /* rises, in strides: one counter for many flows */
	FLOW_ID_SWAPPED, /* a counter with its bytes swapped */
	FLOW_ID_RANDOM
};

/* Bits of flow_side.seen. */
enum flow_side_seen {
	FLOW_SEEN_SYN = 1 << 0,
	FLOW_SEEN_SYNACK = 1 << 1,
	FLOW_SEEN_DATA = 1 << 2,
	FLOW_SEEN_FIN = 1 << 3,
	FLOW_SEEN_RST = 1 << 4,
	FLOW_SEEN_DF = 1 << 5,	  /* packets with DF */
	FLOW_SEEN_NO_DF = 1 << 6, /* packets without */
	FLOW_SEEN_TS = 1 << 7,	  /* the timestamps option */
	FLOW_SEEN_NO_TS = 1 << 8,
	FLOW_SEEN_SEQ = 1 << 9, /* seq_next holds */
	FLOW_SEEN_ACK = 1 << 10,
	FLOW_SEEN_MAC = 1 << 11,
	FLOW_SEEN_OTHER_MAC = 1 << 12, /* of packets that are no resets */
	FLOW_SEEN_OTHER_TOS = 1 << 13
};

/*
 * One direction of a connection: what was sent in it, resets left out (but
 * for FLOW_SEEN_RST).  A packet seen twice, with the same ID, seq, ack, flags
 * and length, counts once in packets, and in `twice`.
 */
struct flow_side {
	uint32_t packets;
	uint32_t data_packets;
	uint32_t twice;
	uint32_t seen; /* enum flow_side_seen */
	uint8_t n_ttls;
	struct flow_ttl ttls[FLOW_TTLS]; /* most packets first */
	uint32_t ttl_others;		 /* packets with yet another TTL */
	uint32_t ttl_changes;		 /* from one packet to the next */
	/* Where the capture shows both sides of a router: TTL and TTL - n. */
	bool ttl_of_duplicate;
	enum flow_id_kind id_kind;
	uint8_t n_ids;
	/* Newest first; of IPv6 the low 16 bits of flow labels instead. */
	uint16_t ids[FLOW_IDS];
	uint32_t id_packets;
	uint8_t tos;	 /* of the last packet */
	uint8_t wscale;	 /* of the SYN; 0 where none */
	uint16_t window; /* of the last packet, unscaled */
	uint32_t isn;
	uint32_t seq_next; /* behind the highest byte sent, SYN and FIN in */
	uint32_t ack_high; /* the highest it acknowledged */
	uint32_t tsval;	   /* the last */
	uint8_t mac[ADDR_MAC]; /* source of its packets */
	struct flow_mark first, last, last_data;
	/*
	 * Packets of another make, no resets: TTL and DF or DSCP are not those
	 * of the first.  Somebody injects data; nothing else here counts them.
	 */
	uint32_t injected;
	struct flow_mark last_injected;
	/* From a packet to this side until its answer passed here; 0: none. */
	int64_t rtt_min_ns;
	uint8_t rtt_samples;
	bool rtt_handshake; /* one of them by its SYN-ACK: no delayed ACK */
};

/* What other connections of this vantage showed of an address as sender. */
struct flow_host {
	uint32_t packets;
	uint32_t flows;
	uint8_t n_ttls;
	struct flow_ttl ttls[FLOW_TTLS];
	uint32_t ttl_others;
	bool has_id;
	uint16_t id;	    /* of the newest packet that is no reset */
	int64_t id_unix_ns; /* its time */
	enum flow_id_kind id_kind;
	uint8_t mac[ADDR_MAC];
	bool has_mac, other_mac;
	int64_t rtt_min_ns; /* by handshakes, as of a flow_side; 0: none */
	bool later; /* none was seen before the reset: all of it is later */
};

/* One of the other resets of the connection. */
struct flow_other {
	struct flow_mark mark;
	bool same_side; /* bears the same sender */
	bool copy;	/* the very packet again, save TTL: seen twice */
};

/* A time-exceeded that quotes a packet of the connection. */
struct flow_expired {
	int64_t unix_ns;
	uint64_t frame;
	struct addr responder;
	uint8_t reply_ttl;  /* of the ICMP packet on arrival */
	uint8_t probe_ttl;  /* of the quoted packet as it left; 0: unknown */
	uint32_t seq;	    /* of the quoted packet */
	bool quotes_rst;    /* RST flag in the quote */
	bool quotes_client; /* the client sent it, else the server */
};

/* What came after the reset, until it was settled. */
struct flow_after {
	uint32_t packets;	/* from its sender, no resets */
	uint32_t data_packets;	/* with new data, in sequence */
	uint32_t old_packets;	/* of data that was sent before */
	struct flow_mark first; /* of its sender, no reset, new */
	struct flow_mark first_data;
	uint32_t receiver_packets; /* from the other side, no resets */
	uint32_t receiver_data;	   /* with new data */
	struct flow_mark receiver_first;
	bool receiver_challenge; /* its first was a bare ACK, nothing new */
	bool receiver_fin, fin;
	bool acked_more; /* its sender acknowledged new data of the peer */
	bool begun_anew; /* a SYN took the ports again */
	bool synack;	 /* the handshake went on as if nothing was */
	int64_t waited_ns;
};

enum flow_end {
	FLOW_END_SETTLED, /* enough time or packets went by */
	FLOW_END_ANEW,	  /* a SYN began another connection */
	FLOW_END_IDLE,
	FLOW_END_EVICTED, /* no room: judged on what there was */
	FLOW_END_CAPTURE
};

/* Who is the client? */
enum flow_roles {
	FLOW_ROLES_SYN,	 /* the handshake says so */
	FLOW_ROLES_PORT, /* the lower, well-known port is the server's */
	FLOW_ROLES_FIRST /* the first to be seen is the client */
};

/*
 * A reset with all that is known of its connection.  What the pointers show is
 * borrowed: valid within the call.
 */
struct flow_reset {
	struct endpoint client, server;
	enum flow_roles roles;
	bool to_client; /* it bears the server as its sender */

	struct flow_mark mark; /* the reset itself */
	bool has_id;
	bool is_v6;
	uint16_t label; /* of IPv6: its low 16 bits */
	bool has_mac;
	uint8_t mac_src[ADDR_MAC], mac_dst[ADDR_MAC];
	bool has_ts;
	uint32_t tsval, tsecr;
	uint8_t opts_len;
	bool reserved_bits; /* of the TCP header, not all zero */
	bool snapped;
	uint16_t urg;
	uint8_t data[FLOW_RST_DATA]; /* start of its own payload */
	uint8_t data_len;
	uint32_t copies; /* of this very packet, itself left out */

	/* As they stood when it came. */
	struct flow_side sender, receiver; /* peer: whom the reset is sent to */
	struct flow_host host;		   /* the sender's address elsewhere */
	uint32_t flow_packets;

	/*
	 * The packet of the peer that may have fired it: the one that the
	 * reset's own numbers answer, else the last before it.
	 */
	struct flow_mark trigger;
	bool trigger_exact;	/* the numbers answer it */
	bool trigger_was_probe; /* its TTL was set lower than its sender's */
	const uint8_t *payload; /* its start; NULL: none kept */
	size_t payload_len;	/* bytes at payload */

	size_t n_others; /* oldest first; those before and those after */
	const struct flow_other *others;
	uint32_t others_more;
	size_t n_expired;
	const struct flow_expired *expired;

	struct flow_after after;
	enum flow_end end;
};

/*
 * Data of the client that was not sent before, as it passes by: for counting
 * what went unharmed.  Borrowed: valid within the call.
 */
struct flow_data {
	const struct endpoint *client, *server;
	struct flow_mark mark;
	const uint8_t *payload;
	size_t len;
	/* It begins something: the first, or the server spoke since. */
	bool begins;
};

/* A TTL-limited packet of a connection, settled: for judge/infer. */
struct flow_probe {
	struct endpoint client, server;
	struct flow_mark mark; /* as it left, with its TTL */
	uint8_t client_ttl;    /* of the client's ordinary packets */
	uint8_t server_ttl;    /* of the server's, on arrival; 0: not seen */
	bool reset; /* one came to the client, before another probe */
	struct flow_mark reset_mark;
	bool answered;	  /* the server acknowledged it, or a SYN-ACK came */
	bool unacked;	  /* when it was sent, the server had not all of it */
	bool after_reset; /* one had come to the client before it was sent */
	bool has_expired;
	struct flow_expired expired;
};

/* Where the table hands things to; NULL members are not called. */
struct flow_sink {
	void *ctx;
	/* -1 stops flow_table_see() and _end() with the same fault. */
	int (*reset)(void *ctx, const struct flow_reset *r, struct fault *f);
	int (*probe)(void *ctx, const struct flow_probe *p, struct fault *f);
	/* The same as it is sent: what it drew is not known yet. */
	int (*probe_sent)(void *ctx, const struct flow_probe *p,
	    const struct pkt *pkt, struct fault *f);
	void (*data)(void *ctx, const struct flow_data *d);
};

struct flow_stats {
	uint64_t packets; /* TCP segments taken in */
	uint64_t flows;
	uint64_t resets;
	uint64_t aged;	  /* flows let go for being idle */
	uint64_t evicted; /* flows let go for want of room */
	uint64_t hurried; /* resets judged early for want of room */
};

struct flow_table;

int flow_table_new(const struct flow_config *cfg, const struct flow_sink *sink,
    struct flow_table **out, struct fault *f);

/*
 * Takes one packet in, of any kind; what is neither TCP nor a time-exceeded
 * is left alone.  -1 where the sink failed or memory ran out.
 */
int flow_table_see(
    struct flow_table *t, const struct flow_seen *s, struct fault *f);

/*
 * Asks the processor ahead for what flow_table_see() will read of a packet,
 * which is most of the time that it takes: first _expect(), then, some packets
 * later, _expect_soon().  Neither changes anything.
 */
void flow_table_expect(
    const struct flow_table *t, const struct pkt *p, struct flow_hint *out);
void flow_table_expect_soon(
    const struct flow_table *t, const struct flow_hint *h);

/* Settles what is due at that time, without a packet: for live captures. */
int flow_table_tick(struct flow_table *t, int64_t unix_ns, struct fault *f);

/* Settles all that is pending and lets all flows go. */
int flow_table_end(struct flow_table *t, struct fault *f);

void flow_table_get_stats(const struct flow_table *t, struct flow_stats *out);
void flow_table_free(struct flow_table *t);

/* The TTL of most of a side's packets; 0 where there are none. */
uint8_t flow_side_ttl(const struct flow_side *s);
/* Has the side ever sent with this TTL? */
bool flow_side_sent_ttl(const struct flow_side *s, uint8_t ttl);

#endif
