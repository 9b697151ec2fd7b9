/*
 * The bytes of one connection in order, each way, up to the reset.
 */
#ifndef RSTHOP_ANALYZE_SUSPECT_STREAM_H
#define RSTHOP_ANALYZE_SUSPECT_STREAM_H

#include <rsthop/addr.h>
#include <rsthop/pkt.h>

#define STREAM_EVENTS 4096

/* A packet by its place in the capture; frame 0: none. */
struct stream_mark {
	uint32_t file;
	uint64_t frame;
};

/* A part of a side's bytes, by offset from its first. */
struct stream_range {
	uint32_t begin, end;
};

#define STREAM_HELD 32

struct stream_side {
	bool has_base;
	uint32_t base; /* seq of the first byte */
	uint32_t next; /* offset behind what came in order */
	bool fin;
	bool gap;	 /* acknowledged, yet not captured: ... */
	uint32_t gap_at; /* ... the first such byte */
	bool snapped;	 /* ... since packets were cut when captured */
	uint8_t *p; /* owned: the first of SUSPECT_SIDE bytes; holes are 0 */
	size_t cap;
	size_t n_held; /* came before what is in front of them */
	struct stream_range held[STREAM_HELD];
};

/*
 * What one side said until the other spoke, or until it had been silent for
 * STREAM_SILENCE_NS.
 */
#define STREAM_SILENCE_NS INT64_C(1000000000)

struct stream_event {
	bool from_client;
	uint32_t begin, end; /* offsets within its side */
	int64_t first_ns, last_ns;
};

/* One connection, up to the reset that ended it. */
struct stream {
	struct endpoint client, server;
	struct stream_mark reset;   /* nothing behind it counts */
	struct stream_mark trigger; /* the packet that drew it, likely */
	uint32_t reset_seq, reset_ack;
	bool reset_acks; /* it has ACK set */

	bool begun; /* its SYN was seen */
	bool ended;
	bool failed;		    /* memory ran out */
	struct stream_side side[2]; /* the client's, the server's */
	size_t n_events, cap_events;
	struct stream_event *events; /* owned */
	bool events_full;

	int client_ttl; /* of its first packet; 0: none */
	bool client_ts; /* of its last data segment, both */
	uint8_t tcp_header_len;
	struct stream_range drew; /* the trigger's segment; end 0: no data */
	uint32_t drew_wire;	  /* bytes of it that were sent */
	bool exact;		  /* the reset's numbers answer it */
	uint8_t *segment; /* owned: its bytes, where the side has them not */
	size_t segment_len;
};

/* Takes in one packet of the connection, whichever way it went. */
void stream_see(struct stream *s, const struct pkt *p, uint32_t file,
    uint64_t frame, int64_t unix_ns);
/* The bytes of a range, NULL where some of them were not captured or kept. */
const uint8_t *stream_bytes(
    const struct stream_side *d, uint32_t begin, uint32_t end);
/* How good a witness it is: more is better. */
int stream_rank(const struct stream *s);
void stream_free(struct stream *s);

#endif
