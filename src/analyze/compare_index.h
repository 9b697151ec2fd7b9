/*
 * Two vantages' connections, packets to know them by, and all resets.  The
 * first pass fills them; compare_match.c and compare_proof.c go on from there.
 * Of the two vantages, 0 is the one nearer to the client.
 */
#ifndef RSTHOP_ANALYZE_COMPARE_INDEX_H
#define RSTHOP_ANALYZE_COMPARE_INDEX_H

#include <rsthop/analysis.h>
#include <rsthop/clock.h>
#include <rsthop/flow.h>
#include <rsthop/hash.h>

#define COMPARE_SAMPLES 8
#define COMPARE_FLOWS	131072 /* a vantage; some 450 bytes each */
#define COMPARE_RESETS	262144 /* at both vantages; some 80 bytes each */
#define COMPARE_HOLES	65536
#define COMPARE_NONE	UINT32_MAX
#define COMPARE_HOPS	64 /* routers between the vantages, at most */
/* Stamps of one machine may be out of order by so much. */
#define COMPARE_SLACK_NS (2 * CLOCK_MS)

/*
 * A packet to be known again at the other vantage, whatever addresses it
 * bears there: a SYN, or data by its first byte's number and its first bytes,
 * which are the same however segments are cut or merged behind.
 */
struct compare_sample {
	uint64_t hash;
	int64_t unix_ns;
	uint8_t rank; /* 0: SYN, 1: among the first data, 2: by its hash */
	uint8_t ttl;
	bool duplicate; /* sent again: either may have arrived */
};

/* One direction of a connection at one vantage. */
struct compare_half {
	uint32_t seq_first, seq_next; /* where `seen` */
	uint32_t isn;		      /* where `syn` */
	int64_t first_ns;
	bool seen, syn;
	bool opens; /* its SYN bore no ACK: the client's */
	uint8_t n_data, n_samples;
	struct compare_sample samples[COMPARE_SAMPLES];
};

/* Of one five-tuple there may be several, one after the other. */
struct compare_flow {
	struct flow_key key; /* of half 0: the lower endpoint is its source */
	uint32_t root;	     /* the first of this five-tuple */
	uint32_t older;	     /* COMPARE_NONE: none */
	uint32_t newest;     /* of the root */
	uint32_t resets;     /* of the root: list of struct compare_reset */
	uint32_t match;	     /* at the other vantage */
	bool flipped;	     /* its half 0 is our half 1 */
	bool sided;	     /* which end is which vantage's is known */
	uint8_t near;	     /* the half that vantage 0's side sends */
	bool hole;	     /* the capture lost packets of it */
	/* Server's clock minus client's, by this connection's own packets. */
	bool has_lo, has_hi;
	int64_t offset_lo, offset_hi;
	uint8_t
	    traversed[2]; /* 1 + routers that a forged reset traversed to it */
	struct compare_half half[2];
};

struct compare_reset {
	int64_t unix_ns;
	uint64_t frame;
	uint32_t file;
	uint32_t flow; /* the connection at that time */
	uint32_t next; /* of the same five-tuple, newest first */
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags, ttl;
	uint8_t vantage, half;
	bool arrived; /* one like it was received at the other vantage */
	struct rst_elsewhere elsewhere;
};

struct compare_side {
	uint32_t n_flows;
	size_t cap_flows;
	struct compare_flow *flows;
	struct hash_index by_key;
	uint32_t n_holes;
	size_t cap_holes;
	int64_t *holes; /* seconds in which the capture lost packets */
	bool lossy;	/* more of them than are kept */
	bool full;	/* connections were left out */
};

struct compare {
	uint64_t seed;
	uint32_t max_flows;
	bool by_file; /* two files whose vantages were not told */
	bool swapped; /* of these the second is vantage 0 */
	struct analysis *out;
	struct compare_side sides[2];
	uint32_t n_resets;
	size_t cap_resets;
	struct compare_reset *resets;
	bool resets_full;
	uint32_t n_order;
	uint32_t *order; /* resets by file and frame */
	uint64_t n_flows;
	bool nat;
	/* The clocks, over all connections. */
	bool has_offset;
	int64_t offset_lo, offset_hi;
	int hops[2];	     /* by TTL, from vantage 0 and to it; -1 */
	uint32_t reversed;   /* connections whose client is at vantage 1 */
	uint32_t sided_ttl;  /* connections whose ends are told by TTL */
	uint32_t against;    /* ... and whose TTLs contradict one another */
	uint64_t never_sent; /* as judged */
};

uint64_t compare_hash_key(const struct compare *c, const struct flow_key *k);

/* First pass: connections, samples, resets. */
int compare_index_see(
    struct compare *c, int vantage, const struct flow_seen *s, struct fault *f);

#endif
