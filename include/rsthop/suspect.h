/*
 * The job `suspect`: from a capture to what `locate` needs to draw a reset
 * again: which connection was reset, what had been said on it until then, and
 * which words drew the reset.
 *
 * The capture is read in two passes.  First analyze judges every reset.  Those
 * toward clients that are not genuine become suspects, one for each server and
 * kind of trigger.  Then the bytes of the best connection of each suspect are
 * put together.
 */
#ifndef RSTHOP_SUSPECT_H
#define RSTHOP_SUSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/capture.h>
#include <rsthop/dialogue.h>
#include <rsthop/fault.h>
#include <rsthop/mysql.h>
#include <rsthop/rst.h>
#include <rsthop/text.h>
#include <rsthop/trigger.h>

#define SUSPECTS_MAX   32    /* the most plausible of SUSPECTS_KINDS */
#define SUSPECTS_KINDS 4096  /* of servers and triggers that are told apart */
#define SUSPECT_TTLS   8     /* as many as locate takes */
#define SUSPECT_SIDE   65536 /* bytes kept of each side of a connection */
#define SUSPECT_WHY    160

/*
 * Where packets come from: capture files, or a recording in memory.  ctx goes
 * to each function.
 */
struct suspect_source {
	void *ctx;
	/* Their names by number, for words: at least one. */
	size_t n_names;
	const char *const *names;
	/* As capture_next() of files: 1, 0 at the end, -1 where one is cut. */
	int (*next)(void *ctx, struct capture_packet *out, struct fault *f);
	/* Back to the first packet of all. */
	int (*again)(void *ctx, struct fault *f);
	/* The signal that asks for the end, 0: none.  NULL is fine. */
	int (*interrupted)(void *ctx);
};

struct suspect_ask {
	uint64_t hash_seed; /* no sender of packets may know it */
	/*
	 * Suspects of this server come first, then those with its port.  No
	 * address means any address, and port 0 any port.
	 */
	struct endpoint server;
};

/* What it takes to bring a connection to the point of the trigger. */
enum suspect_replay {
	SUSPECT_REPLAY_PLAIN,	 /* nothing: the trigger is sent first */
	SUSPECT_REPLAY_DIALOGUE, /* what was said before: `before` */
	SUSPECT_REPLAY_MYSQL,	 /* a login of one's own: user, database */
	SUSPECT_REPLAY_NONE	 /* it cannot be repeated: `why` */
};

struct suspect {
	struct endpoint client, server; /* of the best connection */
	enum rst_ruling ruling;		/* forged or undetermined */
	double probability;		/* of the surest reset */
	enum rst_kind kind;
	const char *signature;	 /* static; NULL */
	uint64_t resets, forged; /* of its kind; how many are forged */
	uint64_t flows;		 /* connections they came on */
	uint32_t file;		 /* the surest reset: in which file, ... */
	uint64_t frame;		 /* ... and where */
	size_t n_rst_ttls;
	int rst_ttls[SUSPECT_TTLS]; /* each once, most resets first */
	int server_ttl; /* of its ordinary packets, as captured; 0: none */
	int client_ttl; /* of the client's, as captured; 0: not seen */

	uint8_t *trigger;   /* owned; NULL: the client had said nothing */
	size_t trigger_len; /* up to TRIGGER_SEGMENT */
	struct trigger what;
	bool acts; /* sent again, it may change something at the server */
	/* Owned: as long, other words.  NULL: locate's default is as good. */
	uint8_t *control;
	size_t control_len;
	bool client_ts;		/* timestamps on the client's data segments */
	uint8_t tcp_header_len; /* of the segment with the trigger, bytes */
	bool begun;		/* the capture has its SYN */

	enum suspect_replay replay;
	char why[SUSPECT_WHY];	   /* a sentence on replay; "" where plain */
	struct dialogue *before;   /* owned; NULL: not REPLAY_DIALOGUE */
	char user[MYSQL_NAME];	   /* "": not known; hostile bytes, both */
	char database[MYSQL_NAME]; /* the one in use at the trigger; "" */
	bool mysql_tls;		   /* the session went on inside TLS */
};

struct suspects {
	size_t n;
	struct suspect *list; /* owned; those asked for, the most plausible */
	size_t left_out;      /* beyond SUSPECTS_MAX, at least */

	/* What there was, to explain why there is no suspect. */
	uint64_t packets, resets;
	uint64_t genuine;	/* in both directions */
	uint64_t toward_server; /* not genuine, but sent to the server */
	uint64_t by_kind[RST_KIND_IDLE + 1]; /* the genuine ones */
	/* Where the first damaged file breaks off; "" where all are whole. */
	char damage[sizeof(((struct fault *)0)->text)];
};

/*
 * Fills *out, which suspects_free() frees in any case.  No suspect is no
 * fault.  -1: FAULT_INPUT where no packet could be read at all,
 * FAULT_INTERRUPTED, or memory ran out.
 */
int suspects_find(const struct suspect_source *src,
    const struct suspect_ask *ask, struct suspects *out, struct fault *f);
void suspects_free(struct suspects *s);

/*
 * Appends a line for a list, without its newline: "1  10.0.0.5 -> ...".
 * Hostile bytes are made safe.
 */
void suspect_describe(const struct suspect *s, size_t number, struct text *t);

/* Appends why there is no suspect: "all 3 resets are genuine: ...". */
void suspects_explain_none(const struct suspects *s, struct text *t);

#endif
