/*
 * What the parts of rst share.
 */
#ifndef RSTHOP_JUDGE_RST_INT_H
#define RSTHOP_JUDGE_RST_INT_H

#include <rsthop/rst.h>
#include <rsthop/text.h>

#define RST_CLUES 32

/*
 * Clues of one family have one cause: what makes one of them lie makes the
 * others lie.  The strongest of a family, either way, counts in full, the
 * rest by half.
 */
enum clue_family {
	FAMILY_HEADER,	/* another sender's header: TTL, DF, TOS, MAC, ID */
	FAMILY_SAME,	/* the sender's own header */
	FAMILY_NUMBERS, /* seq, ack, window: how the packet was made */
	FAMILY_BURST,	/* more than one */
	FAMILY_AFTER,	/* what came later */
	FAMILY_TIME,
	FAMILY_NONE /* stands by itself, always in full */
};

/* Rows of the table in rst_evidence.c, in its order. */
enum clue {
	CLUE_TTL_NEARER,
	CLUE_TTL_BEFORE,
	CLUE_TTL_ODD,
	CLUE_TTL_NEAR_BY,
	CLUE_TTL_FARTHER,
	CLUE_TTL_OTHER_INITIAL,
	CLUE_TTL_MATCHES,
	CLUE_TTL_MATCHES_ONE,
	CLUE_TTL_MATCHES_HOST,
	CLUE_ID_ECHO,
	CLUE_ID_ECHO_OLDER,
	CLUE_ID_REPEATS,
	CLUE_REWRITTEN,
	CLUE_ID_CONTINUES,
	CLUE_ID_CONTINUES_HOST,
	CLUE_ID_CONTINUES_LOOSELY,
	CLUE_ID_BREAKS,
	CLUE_ID_BREAKS_LOOSELY,
	CLUE_ID_NOT_ZERO,
	CLUE_ID_ZERO,
	CLUE_ID_ZERO_SAME,
	CLUE_ID_ZERO_ODD,
	CLUE_LABEL_CONTINUES,
	CLUE_LABEL_DIFFERS,
	CLUE_MAC,
	CLUE_DF,
	CLUE_TOS,
	CLUE_WINDOW_COPIED,
	CLUE_WINDOW_ODD,
	CLUE_WINDOW_OWN,
	CLUE_NO_SOCKET,
	CLUE_STEPPED,
	CLUE_OUT_OF_WINDOW,
	CLUE_SEQ_ZERO,
	CLUE_ACK_ODD,
	CLUE_RESERVED,
	CLUE_TIMESTAMPS,
	CLUE_COPIES,
	CLUE_COPY,
	CLUE_OTHER_ORIGIN,
	CLUE_INJECTED,
	CLUE_INJECTED_ALIKE,
	CLUE_DATA_AFTER,
	CLUE_RESENT_AFTER,
	CLUE_HANDSHAKE_AFTER,
	CLUE_FASTER,
	CLUE_FASTER_BARE,
	CLUE_TIMING_FITS,
	CLUE_TRIGGER_EXPIRED,
	CLUE_TRIGGER_SHORT,
	CLUE_LOOPBACK,
	CLUE_LEAVES_HERE,
	CLUE_SAME_NETWORK,
	CLUE_NEVER_SENT,
	CLUE_SENT,
	CLUE_SIGNATURE
};
#define N_CLUES (CLUE_SIGNATURE + 1)

struct clue_row {
	const char *code;
	enum clue_family family;
	double weight; /* natural log of the likelihood ratio */
};

extern const struct clue_row rst_clues[N_CLUES];

/* Where the sender's usual TTL is known from. */
enum baseline_from {
	BASELINE_NONE,
	BASELINE_FLOW,
	BASELINE_HOST, /* its other connections */
	BASELINE_AFTER /* what it sent after the reset */
};

struct found {
	enum clue clue;
	double weight; /* before families are weighed */
	size_t text;   /* offset in words */
};

struct judging {
	const struct flow_reset *r;
	const struct rst_crowd *crowd;	       /* NULL is fine */
	const struct rst_elsewhere *elsewhere; /* likewise */
	struct rst_verdict *v;
	enum baseline_from from;
	uint8_t base_ttl; /* 0: none */
	bool ttl_own;	  /* the reset's is among the sender's */
	bool id_continues;
	bool id_echo;
	size_t n;
	struct found found[RST_CLUES];
	struct text words;	      /* NUL after each */
	enum rst_kind signature_kind; /* UNDETERMINED: none */
	bool any_ttl; /* its forger's TTLs say nothing of distance */
};

/* --- rst_clue.c --- */

/* scale: how much of the row's weight this case deserves, 1 for all. */
void clue_add(struct judging *j, enum clue c, double scale, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
bool rst_has_clue(const struct judging *j, enum clue c);

const char *rst_sender_name(const struct flow_reset *r); /* "server" */
const char *rst_receiver_name(const struct flow_reset *r);

/* --- rst_facts.c --- */

/* Routers on the way of a packet that arrives with ttl. */
int rst_distance(uint8_t ttl);
/* The same of what a stack sends all the time, be it with TTL 1. */
int rst_usual_distance(uint8_t ttl);

/* No ACK, no window: as stacks make it without a socket. */
bool rst_is_bare(const struct flow_reset *r);
/* No ACK, no window, and numbers that answer: a stack without the socket. */
bool rst_is_stateless(const struct flow_reset *r);
/* To the alleged sender and back; 0 where nothing is sure enough. */
int64_t rst_known_rtt(const struct flow_reset *r);
/* It answers a SYN. */
bool rst_is_refusal(const struct flow_reset *r);

/* Each adds what clues it finds. */
void rst_find_baseline(struct judging *j);
void rst_weigh_header(struct judging *j); /* rst_header.c */
void rst_weigh_course(struct judging *j); /* rst_course.c */
void rst_weigh_signatures(struct judging *j);

void rst_find_hops(struct judging *j);

/* Have this sender's resets wandering TTLs?  Fills why where so. */
bool rst_crowd_wanders(const struct rst_crowd *c, const struct flow_reset *r,
    char *why, size_t size);

#endif
