/*
 * The path of one flow as a trace saw it: a plain result.
 */
#ifndef RSTHOP_PATH_H
#define RSTHOP_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/pkt.h>

#define PATH_MAX_HOPS	64
#define PATH_RESPONDERS 4
#define PATH_NAME	256
#define PATH_VENDOR	80

/* Ways in which a hop was made to answer; a mask. */
enum path_via {
	PATH_VIA_TCP = 1 << 0,	/* a segment of the established connection */
	PATH_VIA_SYN = 1 << 1,	/* a SYN of a port of its own */
	PATH_VIA_ICMP = 1 << 2, /* an echo request */
	PATH_VIA_PROBE = 1 << 3 /* a trial's trigger */
};

/* What a quote shows to have been rewritten before it came there; a mask. */
enum path_rewrite {
	PATH_REWRITE_SRC = 1 << 0,
	PATH_REWRITE_DST = 1 << 1,
	PATH_REWRITE_SPORT = 1 << 2,
	PATH_REWRITE_DPORT = 1 << 3,
	PATH_REWRITE_TOS = 1 << 4,
	PATH_REWRITE_IP_ID = 1 << 5,
	PATH_REWRITE_DF = 1 << 6,
	PATH_REWRITE_FLOW_LABEL = 1 << 7,
	PATH_REWRITE_SEQ = 1 << 8,
	PATH_REWRITE_ACK = 1 << 9,
	PATH_REWRITE_WINDOW = 1 << 10,
	PATH_REWRITE_FLAGS = 1 << 11,
	PATH_REWRITE_OPTIONS = 1 << 12
};
#define PATH_REWRITES 13

struct path_responder {
	struct addr addr;
	unsigned int via;  /* enum path_via */
	int64_t rtt_ns;	   /* the smallest seen */
	uint8_t reply_ttl; /* of the first reply, as it arrived */
	bool has_mac;	   /* the first hop's only */
	uint8_t mac[ADDR_MAC];
	unsigned int rewrites; /* enum path_rewrite */
	uint8_t n_mpls;
	struct pkt_mpls mpls[PKT_MPLS];
	unsigned int replies;
	bool unreachable;	  /* answered destination unreachable */
	char name[PATH_NAME];	  /* "" unless looked up */
	char vendor[PATH_VENDOR]; /* of mac, likewise */
};

struct path_hop {
	uint8_t ttl;
	unsigned int asked;    /* probes sent, of any kind */
	unsigned int answered; /* of them, probes that drew an answer */
	bool is_server;	       /* the server itself answered at this TTL */
	int n_responders;
	struct path_responder responders[PATH_RESPONDERS]; /* by replies */
};

/* How the server's distance came to be known; the strongest of them. */
enum path_distance {
	PATH_DISTANCE_UNKNOWN,
	PATH_DISTANCE_TTL,    /* from the server's own TTL alone */
	PATH_DISTANCE_SILENT, /* from hops that answered, and the TTL */
	PATH_DISTANCE_PROBE   /* the first probe that the server answered */
};

struct path {
	int n_hops; /* hops[0 .. n_hops - 1] have TTL 1 .. n_hops */
	struct path_hop hops[PATH_MAX_HOPS];
	int server_hops; /* N, the TTL that reaches the server; 0: unknown */
	enum path_distance distance;
	uint8_t server_ttl;	    /* of its SYN-ACK as it arrived; 0 */
	uint8_t server_initial_ttl; /* what it probably left with; 0 */
	int64_t server_rtt_ns;	    /* of the handshake; 0: unknown */
	bool established;	    /* traced inside a connection, not by SYN */
};

/* The words of INTERFACE for one bit of each mask. */
const char *path_via_name(enum path_via v);
const char *path_rewrite_name(enum path_rewrite r);

/* The hop with this TTL, or NULL. */
const struct path_hop *path_hop_at(const struct path *p, int ttl);

/*
 * The largest TTL, at most `most`, at which a router has answered: what leaves
 * with it expires there.  A hop count may be a guess, or one too many where a
 * probe was lost; a router's time-exceeded is neither.  0: none has answered.
 */
int path_shown_reach(const struct path *p, int most);

#endif
