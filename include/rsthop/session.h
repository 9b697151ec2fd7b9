/*
 * What one job has sent and what came of it: its connections, its probes, the
 * resets, the path.  trace and trial send through it; it reads every packet
 * and says which probe each answers.
 */
#ifndef RSTHOP_SESSION_H
#define RSTHOP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>
#include <rsthop/path.h>
#include <rsthop/result.h>
#include <rsthop/rng.h>
#include <rsthop/talk.h>
#include <rsthop/tcb.h>
#include <rsthop/world.h>

enum probe_kind {
	PROBE_TRACE, /* acknowledged bytes again, inside a connection */
	PROBE_SYN,
	PROBE_ECHO,
	PROBE_SHOT,  /* the trigger, injected with a limited TTL */
	PROBE_FULL,  /* trigger or control, from the kernel's socket */
	PROBE_ALIVE, /* at full TTL: is the server's side still open? */
	PROBE_FLOW,  /* as PROBE_TRACE, to compare the paths of ports */
	PROBE_BLOCK  /* a control, injected: is there a block? */
};

/* It asks a hop of the path itself; PROBE_FLOW asks those of another port. */
bool probe_is_trace(enum probe_kind kind);

struct probe {
	enum probe_kind kind;
	int conn; /* index, -1 for none */
	uint8_t ttl;
	uint16_t ip_id; /* v4 */
	uint32_t seq, ack;
	uint16_t window;
	uint16_t len; /* of the TCP payload */
	uint8_t flags;
	bool plain; /* its acknowledgement number is no tag */
	int64_t sent_ns;

	bool te;	  /* a router answered time-exceeded or unreachable */
	bool unreachable; /* it was the latter */
	bool from_server;
	bool refused;	  /* it was a reset to a SYN */
	struct addr from; /* who answered first */
	int64_t answered_ns;

	bool drew_reset;
	bool copy_unknown; /* the reset names its TTL, not which copy of it */
	uint8_t rst_ttl;   /* of the first that it drew */
	int64_t drew_ns;   /* when that came */
};

enum arm { ARM_NONE, ARM_TRIGGER, ARM_CONTROL };

struct session_conn {
	int id; /* the world's */
	struct endpoint local;
	struct tcb tcb;
	enum arm arm;
	bool closed; /* by us */
	int64_t closed_ns;
	int64_t opened_ns;
	unsigned int resets; /* before we closed it */
	bool we_reset;	     /* our kernel sent one: its socket was gone */
	bool alive_asked;    /* PROBE_ALIVE was sent */
	enum result_tri server_alive; /* what it drew */
	/* What comes before the trigger; its state READY where nothing does. */
	struct talk talk; /* step NULL: none */
	struct talk_step talked;
	bool talk_begun;
	bool secret;	   /* what the talk says is not to be kept */
	uint32_t said;	   /* bytes, by the talk */
	uint32_t heard;	   /* by the talk, until its trigger was due */
	bool quoted_reset; /* a router quoted an RST that we never sent */
	/* Its port is to be used again: a reset ends it, which frees that. */
	bool port_again;
};

/* A reset, and which probe fired it. */
struct seen_reset {
	struct result_reset facts;
	int64_t at_ns;
	int conn;
	int probe;	    /* index, -1: not known */
	bool answers_alive; /* the server's own word to PROBE_ALIVE */
	bool late;	    /* after we had closed the connection */
	/* Its IP ID follows that of the server's last packet; UNSURE: none. */
	enum result_tri id_follows;
};

struct session {
	struct world *w;
	struct endpoint target;
	struct addr src;
	int max_hops;
	int64_t gap_ns; /* between injected packets; 0: none */
	int64_t next_slot_ns;
	int64_t started_ns;
	struct rng rng;

	struct path *path;
	struct result_evidence *evidence;

	struct session_conn *conns;
	size_t n_conns, cap_conns;
	struct probe *probes;
	size_t n_probes, cap_probes;
	struct seen_reset *resets;
	size_t n_resets, cap_resets;

	/*
	 * The client's end of a connection of another program's, port 0: none.
	 * All connections here then are views of that one, one after the other;
	 * what comes on it is the latest one's.
	 */
	struct endpoint attached;

	/* Injected segments bear no TCP options, whatever was agreed upon. */
	bool plain_header;
	/*
	 * Instead of the whole way, triggers and controls go as far as is
	 * short of the server; the trial's load has how far.
	 */
	bool short_of_server;

	unsigned int packets_sent;
	uint16_t echo_id, echo_sum;
	struct endpoint syn_local; /* port 0: none reserved */
	/*
	 * SYNs count down: to a server that took the first, and to a NAT or
	 * firewall on the way, those after it are old, and change nothing.
	 */
	uint32_t syn_seq;

	struct talk_maker maker; /* make NULL: nothing comes before triggers */
	/* The last talk that failed, and why; FAIL_NONE: none did. */
	enum talk_failure talk_failure;
	struct fault talk_fault;

	/* Called whenever time passes; trace's retries hang here. */
	int (*tick)(struct session *s, void *arg, struct fault *f);
	void *tick_arg;
	int64_t tick_ns; /* when next; 0: never */
};

struct session_ask {
	struct world *w;
	struct endpoint target;
	struct addr src;
	int max_hops;
	int rate_pps;
	struct endpoint attach;		  /* port 0: none */
	bool plain_header;		  /* inject without TCP options */
	struct talk_maker maker;	  /* make NULL: none */
	struct path *path;		  /* filled as answers come */
	struct result_evidence *evidence; /* likewise; NULL: none kept */
};

void session_init(struct session *s, const struct session_ask *ask);
/* Closes what is open, frees what it owns. */
void session_free(struct session *s);

/*
 * Begins a connection from local_port, which then is to be used again; 0: the
 * kernel chooses one.  Gives the connection's index, or -1.
 */
int session_open(
    struct session *s, enum arm arm, uint16_t local_port, struct fault *f);
/* The port that the kernel chose for it is to be used again, too. */
void session_keep_port(struct session *s, int conn);

/*
 * Asks the server of an attached connection for its numbers, by a segment that
 * is none of its window: RFC 9293, section 3.10.7.4 wants that answered with
 * an acknowledgement that has them.
 */
int session_draw_challenge_ack(struct session *s, int conn, struct fault *f);
/* Two that are one connection on the wire. */
bool session_same_flow(const struct session *s, int a, int b);

/* Ends it: with a reset where its port is to be used again, else with FIN. */
void session_close(struct session *s, int conn);

enum conn_state session_state(struct session *s, int conn);

/*
 * Reads packets until done(arg) is true (1), or until_ns is reached (0); -1
 * on a fault.  done NULL: until the time.
 */
int session_pump(struct session *s, int64_t until_ns, bool (*done)(void *arg),
    void *arg, struct fault *f);
/* Likewise, but no tick is called: no probe of a trace leaves meanwhile. */
int session_pump_only(struct session *s, int64_t until_ns,
    bool (*done)(void *arg), void *arg, struct fault *f);

/*
 * Waits until the connection is open or has failed, wait_ns at most.  1 open,
 * 0 not; -1 on a fault.
 */
int session_wait_open(
    struct session *s, int conn, int64_t wait_ns, struct fault *f);

/*
 * session_talk.c: whether the trigger is due on an open connection: its talk,
 * where there is one, has come to its end, and the server has all that was
 * said in it.  False also where it failed: session_talk_failed().
 */
bool session_talk_ready(const struct session *s, int conn);
bool session_talk_failed(const struct session *s, int conn);
/* Carries bytes to talks and from them. */
void session_step_talks(struct session *s);
/* When the next of them wants to be called; INT64_MAX: none does. */
int64_t session_talks_wake_at(const struct session *s);
/*
 * Takes out of the last packet kept as evidence what a login says: it holds a
 * password, or what one can be guessed from.
 */
void session_blank_evidence(
    struct session *s, int conn, const struct world_packet *wp);
/* The last words, where the connection is still open; then frees the talk. */
void session_end_talk(struct session *s, int conn);

/* FAULT_NETWORK in plain words for a connection that did not open. */
int session_open_fault(struct session *s, int conn, struct fault *f);

/*
 * Injects one segment of a connection.  The fields of *p that the kind needs
 * are filled by the caller; gives the probe's index, or -1.
 */
int session_inject(struct session *s, struct probe *p, const uint8_t *payload,
    struct fault *f);
/*
 * What a probe that was injected does not hold of a longer message: segments
 * of at most `each` bytes behind it, alike in all else, its IP ID too (legal
 * where fragments are ruled out: RFC 6864, section 4.1), so that whatever one
 * of them draws is the probe's.
 */
int session_inject_rest(struct session *s, int probe, const uint8_t *rest,
    size_t n, size_t each, struct fault *f);
int session_echo(struct session *s, int ttl, struct fault *f);
int session_syn(struct session *s, int ttl, struct fault *f);

/* From now on the kernel's packets of this connection leave with ttl. */
int session_set_ttl(struct session *s, int conn, int ttl, struct fault *f);

/* Sends through the kernel's socket, at full TTL; the probe's index, or -1. */
int session_send_full(
    struct session *s, int conn, const uint8_t *p, size_t n, struct fault *f);

int64_t session_now(const struct session *s);

/*
 * Asks the server's side of a connection for a sign of life at full TTL: a
 * byte that it has acknowledged, again.  The answer shows in server_alive.
 */
int session_ask_alive(struct session *s, int conn, struct fault *f);

/* Internal to session*.c. */
int session_record_answer(struct session *s, int probe,
    const struct world_packet *wp, bool from_server);
void session_match_quote(
    struct session *s, const struct world_packet *wp, char *note, size_t size);
int session_take_reset(struct session *s, int conn,
    const struct world_packet *wp, char *note, size_t size, struct fault *f);
int session_add_probe(
    struct session *s, const struct probe *p, struct fault *f);
void session_take_server_segment(struct session *s, int conn,
    const struct world_packet *wp, char *note, size_t size);

#endif
