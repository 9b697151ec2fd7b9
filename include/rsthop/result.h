/*
 * What a job brings home: plain structs, made by jobs, written by report.
 */
#ifndef RSTHOP_RESULT_H
#define RSTHOP_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/fault.h>
#include <rsthop/infer.h>
#include <rsthop/path.h>
#include <rsthop/pkt.h>
#include <rsthop/place.h>
#include <rsthop/reason.h>

#define RESULT_HOST	    256
#define RESULT_IFNAME	    16
#define RESULT_ALTERNATIVES 12
#define RESULT_NOTES	    8

/* Runs of the user's own client without a reset, then: not reproduced. */
#define RESULT_EXEC_RUNS 66

/* Who asked for what, when, from where: common to all active jobs. */
struct result_head {
	int64_t started_unix_ns;
	int64_t duration_ns;
	char host[RESULT_HOST]; /* as the user wrote it */
	struct endpoint target;
	struct endpoint source; /* port of the first connection, 0: none */
	char ifname[RESULT_IFNAME];
	int interrupted;      /* by this signal: a partial result; 0: not */
	struct fault trouble; /* ended it before its time; kind NONE */
	unsigned int connections;
	unsigned int packets_sent; /* injected ones */
	uint64_t dropped;	   /* by the kernel's capture */
};

/* A remark for people beside the result: a short plain sentence each. */
struct result_notes {
	size_t n;
	char text[RESULT_NOTES][REASON_TEXT];
};

/* A captured packet of the job, kept as evidence. */
struct result_packet {
	int64_t unix_ns;
	enum pkt_link link;
	uint32_t len; /* bytes kept at data */
	uint32_t wire_len;
	uint8_t *data;	/* owned */
	char note[120]; /* what it was in this job; "" for nothing special */
};

struct result_evidence {
	size_t n, cap;
	size_t bytes;	 /* at all data together */
	size_t left_out; /* packets beyond the bound */
	struct result_packet *packets;
};

struct trace_result {
	struct result_head head;
	struct path path;
	struct result_notes notes;
	struct result_evidence evidence;
};

enum result_kind {
	RESULT_MIDDLEBOX,
	RESULT_LOAD_BALANCER,
	RESULT_SERVER,
	RESULT_RESPONSE_TRIGGERED,
	RESULT_NOT_REPRODUCED,
	RESULT_UNDETERMINED
};

/* What the dice are rolled for, whether to fire. */
enum result_firing {
	RESULT_FIRING_UNKNOWN,
	RESULT_FIRING_PER_PACKET,
	RESULT_FIRING_PER_CONNECTION,
	RESULT_FIRING_PER_FLOW /* by the five-tuple, always alike */
};

enum result_tri { RESULT_UNSURE, RESULT_NO, RESULT_YES };

/* What a reset's sequence number was found to be. */
enum result_seq_match {
	RESULT_SEQ_NONE,    /* nothing known */
	RESULT_SEQ_TAG,	    /* a burst copy's own acknowledgement number */
	RESULT_SEQ_STEPPED, /* that, stepped by its window */
	RESULT_SEQ_EXACT,   /* what the connection expected next */
	RESULT_SEQ_ZERO	    /* 0: answers a segment without ACK */
};

struct result_reset {
	int64_t unix_ns;
	uint8_t ttl;
	bool has_ip_id; /* v4 */
	uint16_t ip_id;
	uint8_t flags; /* PKT_TH_* */
	uint16_t window;
	enum result_seq_match seq_match;
	bool id_echoed; /* the IP ID is that of the packet that fired it */
	bool has_mac;
	uint8_t mac[ADDR_MAC];
	int probe_ttl;	    /* of the packet that fired it, 0: not known */
	int64_t latency_ns; /* since that packet left; -1: not known */
	bool control;	    /* it came on a connection of the control arm */
	uint16_t port;	    /* local port of its connection */
};

struct result_by_ttl {
	int ttl;
	unsigned int trials;
	unsigned int resets;
	double rate, rate_lo, rate_hi; /* Wilson, 95 % */
};

struct result_alternative {
	/*
	 * hop 0: not a hop; kind says what it would be instead.  A hop with
	 * kind RESPONSE_TRIGGERED: where the verdict's device might be, by its
	 * TTL alone.
	 */
	int hop;
	enum place place;
	enum result_kind kind;
	double probability;
};

/* --port-sweep: does it depend on the source port whether it fires? */
enum result_sweep_firing {
	RESULT_SWEEP_UNKNOWN,
	RESULT_SWEEP_BY_FLOW, /* on some ports, not on others */
	RESULT_SWEEP_ANY_FLOW /* on all alike, as often as it does */
};

#define RESULT_PORTS	 64
#define RESULT_PORT_HOPS 6

struct result_port_hop {
	int ttl;
	struct addr addr; /* none: it did not answer */
};

struct result_port {
	uint16_t port;
	unsigned int trials, resets; /* of triggers at full TTL */
	/* Who answered along its flow, at hops that differ between ports. */
	size_t n_path;
	struct result_port_hop path[RESULT_PORT_HOPS];
};

struct result_sweep {
	size_t n_ports; /* 0: no sweep */
	struct result_port ports[RESULT_PORTS];
	double p_value; /* one rate for all ports; < 0: not defined */
	enum result_sweep_firing firing;
	/* All ports that fired go through addr there, no other; ttl 0: none. */
	struct result_port_hop split;
};

enum result_trigger {
	RESULT_TRIGGER_NONE,
	RESULT_TRIGGER_PAYLOAD,
	RESULT_TRIGGER_HEX,
	RESULT_TRIGGER_FILE,
	RESULT_TRIGGER_MYSQL,
	RESULT_TRIGGER_HTTP,
	RESULT_TRIGGER_TLS,
	RESULT_TRIGGER_DIALOGUE,
	RESULT_TRIGGER_CAPTURE, /* --from */
	RESULT_TRIGGER_EXEC
};

/* What was said on each connection before the trigger. */
enum result_before {
	RESULT_BEFORE_NOTHING,
	RESULT_BEFORE_LOGIN,	/* a login of one's own */
	RESULT_BEFORE_DIALOGUE, /* --dialogue */
	RESULT_BEFORE_RECORDED	/* what a capture or a recording holds */
};

/* A bound of the campaign that ended it. */
enum result_bound {
	RESULT_BOUND_NONE,
	RESULT_BOUND_CONNECTIONS,
	RESULT_BOUND_TIME
};

/* What else a device resets for a while, once it has fired. */
enum result_scope {
	RESULT_SCOPE_NONE,
	RESULT_SCOPE_3TUPLE, /* other source ports too: or the address pair */
	RESULT_SCOPE_4TUPLE  /* both addresses and both ports */
};

struct result_residual {
	bool measured; /* else nothing of it but contaminated holds */
	enum result_scope scope;
	int64_t length_ns;	   /* from the firing; 0: not known */
	int64_t lo_ns, hi_ns;	   /* it lies between; hi 0: no end was seen */
	int64_t seen_ns;	   /* so long it was watched */
	enum result_tri refreshed; /* what meets it prolongs it */
	unsigned int contaminated; /* trials within it, left out of all */
};

struct locate_result {
	struct result_head head;
	struct path path;

	enum result_trigger trigger;
	const uint8_t *trigger_bytes; /* borrowed from the asker */
	size_t trigger_len;
	enum result_before before;
	bool attached; /* into a connection of another program's */

	struct {
		unsigned int max_connections;
		int64_t max_time_ns;
		enum result_bound reached;
	} budget;

	struct {
		unsigned int trials, resets; /* full TTL, trigger */
		unsigned int control_trials, control_resets;
		double rate, rate_lo, rate_hi; /* Wilson, 95 % */
		/* Bursts of copies that expire before the server. */
		unsigned int burst_trials, burst_resets;
		unsigned int control_burst_trials, control_burst_resets;
		/*
		 * Fisher, one-sided; full TTL and bursts by themselves, where
		 * both have controls.  < 0: not defined.
		 */
		double p_value;
		int64_t latency_ns; /* median of a reset; -1: none */
	} reproduction;

	struct result_residual residual;

	size_t n_resets;	     /* all resets of the job, oldest first */
	struct result_reset *resets; /* owned */

	/* --exec: how often the client was run, and how often it was reset. */
	unsigned int exec_runs, exec_resets;

	int threshold_ttl; /* T, the smallest that fired; 0: none */
	size_t n_by_ttl;
	struct result_by_ttl by_ttl[PATH_MAX_HOPS];

	struct result_sweep sweep;

	/* What the user said the reset's TTL was (--rst-ttl). */
	size_t n_given_ttls;
	int given_ttls[8];

	struct {
		enum result_tri forged;
		enum result_kind kind;
		int hop;	     /* 0: none */
		struct addr address; /* none: silent or not located */
		enum place place;
		struct addr between[2]; /* nearest that answered, each side */
		double confidence;	/* of hop, or of kind where none */
		enum result_tri in_path;
		enum result_tri resets_server_too;
		enum ttl_policy policy;
		enum result_firing firing;
		int initial_ttl;       /* of a fixed policy; 0 */
		const char *signature; /* static; NULL */
		size_t n_alternatives; /* most probable first */
		struct result_alternative alternatives[RESULT_ALTERNATIVES];
		/*
		 * What the verdict names against the next best hop or cause;
		 * undetermined: the most probable against the next.  All 0
		 * where the verdict does not rest on the posterior.
		 */
		bool has_odds;
		struct infer_explanation odds;
		struct reasons reasons;
		char next[3][REASON_TEXT]; /* what to do; "" ends */
	} verdict;

	struct result_notes notes;
	struct result_evidence evidence;
};

/* The words of INTERFACE. */
const char *result_kind_name(enum result_kind k);
const char *result_seq_match_name(enum result_seq_match m); /* likewise */
const char *result_trigger_name(enum result_trigger t);	    /* likewise */
const char *result_before_name(enum result_before b);	    /* likewise */
const char *result_bound_name(enum result_bound b);	    /* likewise */
const char *result_firing_name(enum result_firing f);	    /* likewise */
const char *result_sweep_name(enum result_sweep_firing f);  /* likewise */
const char *result_scope_name(enum result_scope s);

void result_note(struct result_notes *n, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Keeps a copy of the frame, up to a bound; then counts left_out. */
void result_keep(struct result_evidence *e, int64_t unix_ns, enum pkt_link link,
    const uint8_t *data, uint32_t len, uint32_t wire_len, const char *note);

/* Frees what they own, not the structs themselves. */
void result_evidence_free(struct result_evidence *e);
void trace_result_free(struct trace_result *r);
void locate_result_free(struct locate_result *r);

#endif
