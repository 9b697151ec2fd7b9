/*
 * A session holds what one job has sent, and what came back: its connections,
 * its probes, the resets, the path.  trace and trial send through it.  It reads
 * every packet of the job and finds the probe that the packet answers.
 *
 * Connections, probes and resets are arrays that only grow.  An index names
 * an element for as long as the session lives; a pointer to one is void once
 * another is added.  All times are nanoseconds of the world's clock, unless
 * the name says unix.
 *
 * What can fail gives -1 and fills the fault: FAULT_NETWORK and
 * FAULT_INTERRUPTED come from the world, FAULT_SYSTEM is want of memory.
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
	PROBE_TRACE, /* bytes that the server has acknowledged, once more */
	PROBE_SYN,   /* a SYN from a port of its own */
	PROBE_ECHO,  /* an ICMP echo request */
	PROBE_SHOT,  /* the trigger or a control, injected, with a low TTL */
	PROBE_FULL,  /* the trigger or a control, through the socket */
	PROBE_ALIVE, /* at full TTL: is the server's side still open? */
	PROBE_FLOW,  /* as PROBE_TRACE, to compare the paths of ports */
	PROBE_BLOCK  /* a control, injected: is there a residual block? */
};

/*
 * The probe belongs to the trace of the path.  PROBE_FLOW does not: its ports
 * may take other paths.
 */
bool probe_is_trace(enum probe_kind kind);

/*
 * Windows of the copies of one trigger, by their tag, from 1 on.  They are
 * distinct.  Small multiples of two of them never lie where the copies'
 * acknowledgement numbers would make them one.
 */
uint16_t probe_tag_window(unsigned int tag);

/* One packet of ours, and what it drew. */
struct probe {
	enum probe_kind kind;
	int conn;	/* index of its connection; -1: none */
	uint8_t ttl;	/* PROBE_FULL: 0 until the capture has shown it */
	uint16_t ip_id; /* IPv4 alone; an echo's sequence number likewise */
	uint32_t seq, ack;
	uint16_t window;
	uint16_t len;  /* bytes of TCP payload */
	uint8_t flags; /* PKT_TH_* */
	bool plain;    /* its acknowledgement number is the due one, no tag */
	int64_t sent_ns;

	bool te;	  /* a router answered, by time-exceeded or as below */
	bool unreachable; /* it answered with unreachable */
	bool from_server; /* the server answered */
	bool refused;	  /* a SYN, answered with a reset */
	struct addr from; /* who answered first */
	int64_t answered_ns; /* when; 0: nobody did */

	bool drew_reset;
	bool copy_unknown; /* the reset names its TTL, not which copy of it */
	uint8_t rst_ttl;   /* of the first reset that it drew */
	int64_t drew_ns;   /* when that came; 0: none did */
};

/* What is to be sent on a connection. */
enum arm { ARM_NONE, ARM_TRIGGER, ARM_CONTROL };

struct session_conn {
	int id; /* the world's name of it */
	struct endpoint local;
	struct tcb tcb; /* what the capture shows of it */
	enum arm arm;
	bool port_again; /* a reset ends it, so that its port is free at once */
	int64_t opened_ns;
	bool closed; /* session_close() was called */
	int64_t closed_ns;
	unsigned int resets; /* that came before it was closed */
	bool we_reset;	     /* our kernel reset it: its socket was gone */
	bool quoted_reset;   /* a router quoted a reset that we never sent */
	bool alive_asked;    /* PROBE_ALIVE was sent */
	enum result_tri server_alive; /* what it drew; UNSURE: nothing yet */

	/* What is said before the trigger; step NULL: nothing.  Owned. */
	struct talk talk;
	struct talk_step talked; /* where it stands; READY: it is over */
	bool talk_begun;
	bool secret;	/* its bytes are not to be kept as evidence */
	uint32_t said;	/* bytes that it sent */
	uint32_t heard; /* bytes that came until the trigger was due */
};

/* A reset that came, and the probe that drew it. */
struct seen_reset {
	struct result_reset facts;
	int64_t at_ns;
	int conn;
	int probe;	    /* index; -1: not known */
	bool answers_alive; /* the server's answer to PROBE_ALIVE */
	bool late;	    /* it came after we had closed the connection */
	/* Its IP ID follows that of the server's last packet.  UNSURE: one of
	 * the two bears none. */
	enum result_tri id_follows;
};

struct session {
	struct world *w; /* the caller's, like path and evidence */
	struct endpoint target;
	struct addr src;
	int max_hops;
	int64_t gap_ns;	      /* between injected packets; 0: none */
	int64_t next_slot_ns; /* when the next may leave */
	int64_t started_ns;
	struct rng rng;

	struct path *path;
	struct result_evidence *evidence; /* NULL: none is kept */

	struct session_conn *conns;
	size_t n_conns, cap_conns;
	struct probe *probes;
	size_t n_probes, cap_probes;
	struct seen_reset *resets;
	size_t n_resets, cap_resets;

	/*
	 * The client's end of a connection that another program holds; port 0:
	 * none.  Then all connections here are views of that one, one after
	 * the other, and what comes on it belongs to the latest.
	 */
	struct endpoint attached;
	bool plain_header; /* injected segments bear no TCP options */
	/*
	 * Triggers and controls do not go to the server, but as far as is
	 * short of it: to the last TTL of the trial's load.
	 */
	bool short_of_server;

	unsigned int packets_sent;
	uint16_t echo_id, echo_sum; /* of all its ICMP echoes */
	struct endpoint syn_local;  /* of its SYN probes; port 0: none yet */
	/*
	 * SYNs count down.  A server that took the first finds those after it
	 * old, and so does a NAT or a firewall on the way: they change nothing.
	 */
	uint32_t syn_seq;

	struct talk_maker maker; /* make NULL: nothing is said before */
	/* Why the last talk that failed did; FAIL_NONE: none has. */
	enum talk_failure talk_failure;
	struct fault talk_fault;

	/* Called when tick_ns has come.  A trace repeats its probes here. */
	int (*tick)(struct session *s, void *arg, struct fault *f);
	void *tick_arg;
	int64_t tick_ns; /* 0: never */
};

/* What a session is made of.  All that is pointed to must outlive it. */
struct session_ask {
	struct world *w;
	struct endpoint target;
	struct addr src;
	int max_hops;		 /* 1 .. PATH_MAX_HOPS */
	int rate_pps;		 /* injected packets a second; 0: no bound */
	struct endpoint attach;	 /* port 0: connections of our own */
	bool plain_header;	 /* inject without TCP options */
	struct talk_maker maker; /* make NULL: nothing is said before */
	struct path *path;	 /* filled as answers come */
	struct result_evidence *evidence; /* likewise; NULL: none is kept */
};

void session_init(struct session *s, const struct session_ask *ask);
/* Closes what is open, and frees what the session owns. */
void session_free(struct session *s);

int64_t session_now(const struct session *s);

/* --- connections --- */

/*
 * Begins a connection from local_port; 0: the kernel chooses one.  A port that
 * was asked for is used again, so a reset will end the connection.  Gives the
 * connection's index, or -1.
 */
int session_open(
    struct session *s, enum arm arm, uint16_t local_port, struct fault *f);
/* The port that the kernel chose is to be used again as well. */
void session_keep_port(struct session *s, int conn);
/*
 * Waits until the connection is open and the capture has shown its numbers,
 * wait_ns at most.  1 it is, 0 it is not, -1.
 */
int session_wait_open(
    struct session *s, int conn, int64_t wait_ns, struct fault *f);
/* Says in plain words why it did not open.  Gives -1, FAULT_NETWORK. */
int session_open_fault(struct session *s, int conn, struct fault *f);
enum conn_state session_state(struct session *s, int conn);
/* Two indices that are one connection on the wire; -1 is none. */
bool session_same_flow(const struct session *s, int a, int b);
/* From now on the kernel's packets on this connection leave with ttl. */
int session_set_ttl(struct session *s, int conn, int ttl, struct fault *f);
/* Ends it, with a reset where its port is to be used again, else by FIN. */
void session_close(struct session *s, int conn);

/*
 * The trigger is due: the connection's talk is over, and the server has
 * acknowledged all of it.  True where there is no talk, false where it failed.
 */
bool session_talk_ready(const struct session *s, int conn);
bool session_talk_failed(const struct session *s, int conn);

/* --- waiting --- */

/*
 * Reads packets until done(arg) is true or until_ns is reached.  1 it is
 * done, 0 the time is over, -1.  done NULL: until the time is over.
 */
int session_pump(struct session *s, int64_t until_ns, bool (*done)(void *arg),
    void *arg, struct fault *f);
/* Likewise, but calls no tick: no probe of a trace leaves meanwhile. */
int session_pump_only(struct session *s, int64_t until_ns,
    bool (*done)(void *arg), void *arg, struct fault *f);

/* Sending.  Each waits for its slot where a rate was asked for. */
/*
 * Injects one segment of a connection.  The caller fills kind, conn, ttl,
 * ip_id, seq, ack, len, flags, plain; window 0: a usual one.  Gives the
 * probe's index, or -1.
 */
int session_inject(struct session *s, struct probe *p, const uint8_t *payload,
    struct fault *f);
/*
 * Injects what is left of a message, behind what the probe held of it: n bytes
 * in segments of `each` bytes at most.  All else in them is as in the probe,
 * the IP ID too (legal for packets that no router may cut: RFC 6864, section
 * 4.1).  So the probe answers for whatever one of them draws.
 */
int session_inject_rest(struct session *s, int probe, const uint8_t *rest,
    size_t n, size_t each, struct fault *f);
/*
 * Injects a PROBE_TRACE or PROBE_FLOW: the last ttl bytes that the server has
 * acknowledged.  It drops them, and says so.  Their sequence number stands in
 * the first 8 bytes that any router quotes, and names the probe.  Gives the
 * probe's index, or -1.
 */
int session_inject_trace(struct session *s, enum probe_kind kind, int conn,
    int ttl, struct fault *f);
/* An ICMP echo request, a SYN: the probe's index, or -1. */
int session_echo(struct session *s, int ttl, struct fault *f);
int session_syn(struct session *s, int ttl, struct fault *f);
/* Sends n bytes through the socket, as PROBE_FULL: the index, or -1. */
int session_send_full(
    struct session *s, int conn, const uint8_t *p, size_t n, struct fault *f);
/*
 * Sends a byte that the server has acknowledged once more, at full TTL.  What
 * the server answers shows in server_alive.
 */
int session_ask_alive(struct session *s, int conn, struct fault *f);
/*
 * Asks the server for the numbers of an attached connection: sends it a
 * segment outside its window.  It answers with an acknowledgement that bears
 * them (RFC 9293, section 3.10.7.4; RFC 5961 calls that a challenge ACK).
 */
int session_draw_challenge_ack(struct session *s, int conn, struct fault *f);

#endif
