/*
 * One reset and its connection to a verdict with its reasons.  Pure: the same
 * facts give the same verdict.
 *
 * Each clue is a row of a table (rst_evidence.c): a code and the natural log
 * of the likelihood ratio, forged against genuine.  They add up, with the
 * prior, to the log odds; but where clues have one cause (TTL, TOS and DF of
 * a front end, say), only the strongest of such a family counts in full.
 * Known forgers are rows of another (rst_signatures.c).
 */
#ifndef RSTHOP_RST_H
#define RSTHOP_RST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>
#include <rsthop/flow.h>
#include <rsthop/place.h>

#define RST_CANDIDATES 8

enum rst_ruling { RST_GENUINE, RST_FORGED, RST_UNDETERMINED };

/* Who sent it, or why; the words of INTERFACE by rst_kind_name(). */
enum rst_kind {
	RST_KIND_UNDETERMINED,
	/* forged */
	RST_KIND_MIDDLEBOX,
	RST_KIND_RESPONSE_TRIGGERED, /* a middlebox, by the server's answer */
	/* either: in front of the server, in its name */
	RST_KIND_LOAD_BALANCER,
	/* genuine */
	RST_KIND_ABORT,		/* the application let go: close, crash */
	RST_KIND_NO_CONNECTION, /* its stack knows no such connection (more) */
	RST_KIND_HALF_OPEN,	/* one end had forgotten it */
	RST_KIND_AFTER_FIN,	/* answers what came after it had closed */
	RST_KIND_REFUSED,	/* no one listens on that port */
	RST_KIND_IDLE		/* keep-alive or idle time-out */
};

/* A device at (hop, place), PHYSICS section 1; sums to 1 over all. */
struct rst_candidate {
	int hop; /* from the receiver of the reset; from 1 */
	enum place place;
	double probability;
};

struct rst_reason {
	const char *code; /* static */
	double weight;	  /* natural log; above 0 speaks for forged */
	const char *text; /* within the verdict's own words */
};

/* What the other vantage says of a reset. */
enum rst_shows {
	RST_SHOWS_NOTHING,    /* there is none, or it can't tell */
	RST_SHOWS_SENT,	      /* there it was seen to leave its sender */
	RST_SHOWS_NEVER_SENT, /* there its sender was seen not to send it */
};

/* What other connections and another capture say of a reset. */
struct rst_elsewhere {
	/*
	 * Of the packets to its sender the largest TTL that expired on the way:
	 * none with less, or the same, arrives there.  0: not known.
	 */
	uint8_t expired_ttl;
	enum rst_shows shows;
	uint8_t ttl; /* RST_PEER_SENT: the TTL it had there; else 0 */
	/*
	 * RST_PEER_SENT: the reset there, in both; else packets of the same
	 * side between which it should have stood.
	 */
	uint32_t file_before, file_after;
	uint64_t frame_before, frame_after;
};

struct rst_verdict {
	enum rst_ruling ruling;
	double probability; /* that it is forged */
	double log_odds;
	enum rst_kind kind;

	bool ttl_usable;
	char ttl_why[96];    /* why not; "" where usable */
	uint8_t initial_ttl; /* 0: not known */
	int traversed;	     /* routers on its way; -1: not known */
	uint8_t sender_ttl;  /* of its alleged sender's own packets; 0: none */
	size_t n_candidates; /* most probable first; 0 where not forged */
	struct rst_candidate candidates[RST_CANDIDATES];
	bool same_segment; /* its source MAC is the device's own */

	const char *signature; /* static; NULL */
	bool both_ends;	       /* the other end was reset in the same breath */

	size_t n_reasons;	    /* strongest first */
	struct rst_reason *reasons; /* owned */
	char *words;		    /* owned: what reasons[].text points at */
	const char *missing;	    /* what would settle it: static; NULL */
};

/*
 * What resets of one capture have in common, sender by sender: TTLs that
 * wander are seen only over many.  Bounded.  seed: any number that no sender
 * knows, so that none can aim at the table.
 */
struct rst_crowd;

int rst_crowd_new(uint64_t seed, struct rst_crowd **out, struct fault *f);
/* Takes one in, before or after it is judged. */
void rst_crowd_see(struct rst_crowd *c, const struct flow_reset *r);
void rst_crowd_free(struct rst_crowd *c);

/* crowd and elsewhere may be NULL.  -1 where memory ran out. */
int rst_judge(const struct flow_reset *r, const struct rst_crowd *crowd,
    const struct rst_elsewhere *elsewhere, struct rst_verdict *out,
    struct fault *f);
void rst_verdict_free(struct rst_verdict *v);

const char *rst_ruling_name(enum rst_ruling r);
const char *rst_kind_name(enum rst_kind k);

#endif
