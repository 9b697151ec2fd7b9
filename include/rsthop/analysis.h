/*
 * What the job `analyze` brings home: plain structs, made by jobs, written
 * out by report.
 */
#ifndef RSTHOP_ANALYSIS_H
#define RSTHOP_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/fault.h>
#include <rsthop/result.h>
#include <rsthop/rst.h>

#define ANALYSIS_RESETS	 100000 /* kept one by one; all are counted */
#define ANALYSIS_TRIGGER 256	/* bytes kept of a trigger */

/* From which side a file was taken, where the user says so. */
enum analysis_vantage {
	ANALYSIS_VANTAGE_ANY,
	ANALYSIS_VANTAGE_CLIENT,
	ANALYSIS_VANTAGE_SERVER
};

struct analysis_file {
	char *path; /* owned */
	enum analysis_vantage vantage;
	uint64_t packets;
	uint64_t undecoded; /* neither IPv4 nor IPv6 could be read */
	int64_t first_unix_ns, last_unix_ns;
	/* Where it breaks off and how, as a fault says it; "" where whole. */
	char damage[sizeof(((struct fault *)0)->text)];
	uint64_t damage_frame; /* the last whole frame before it */
};

/* One judged reset: what report needs of struct flow_reset, and no more. */
struct analysis_reset {
	uint32_t file; /* index into files */
	uint64_t frame;
	int64_t unix_ns;
	struct endpoint client, server;
	bool to_client;
	uint8_t ttl, tos, flags;
	bool has_ip_id;
	uint16_t ip_id;
	bool df;
	uint16_t window;
	uint32_t seq, ack;
	bool has_mac;
	uint8_t mac[ADDR_MAC];
	const char *vendor; /* of the MAC; borrowed from vendors; NULL */
	uint32_t copies;    /* of this very packet, itself left out */
	uint32_t group;	    /* index into groups */
	struct rst_verdict verdict;	/* owned; analysis_free() */
	struct rst_elsewhere elsewhere; /* at the other vantage */

	uint64_t trigger_frame; /* 0: none known; in trigger_file */
	uint32_t trigger_file;
	int64_t trigger_ns;    /* from the trigger to the reset */
	uint8_t *trigger;      /* owned; NULL */
	size_t trigger_len;    /* bytes kept */
	uint32_t trigger_wire; /* bytes sent */
};

/* What the triggers of a group have in common. */
struct analysis_trigger {
	char protocol[16]; /* "mysql", "http", "tls"; "" for none known */
	char command[32];  /* "COM_INIT_DB", "GET", "ClientHello"; "" */
	char key[256];	   /* the database, the host, the name; "" */
	uint8_t *common;   /* owned: the longest common substring; NULL */
	size_t common_len;
	uint64_t drew;		       /* packets with it that drew resets */
	uint64_t unharmed;	       /* packets with it that drew none */
	uint64_t others;	       /* of the group's: with another one */
	double rate, rate_lo, rate_hi; /* Wilson, 95 %; < 0: not known */
};

/*
 * Resets that read as one line: one server, ruling, kind, TTL, signature.
 * Where there are more servers than groups, the rest share one without an
 * address.
 */
struct analysis_group {
	struct endpoint server;
	bool to_client;
	enum rst_ruling ruling;
	enum rst_kind kind;
	uint8_t ttl;	 /* of the first */
	bool ttl_varies; /* then all TTLs of the kind are in here */
	uint8_t ttl_lo, ttl_hi;
	const char *signature; /* static; NULL */
	uint64_t resets;
	uint64_t flows;	    /* more where one is reset again much later */
	uint64_t both_ends; /* resets whose other end was reset as well */
	double probability; /* mean */
	int64_t first_unix_ns, last_unix_ns;
	uint32_t file; /* of the first */
	uint64_t frame;
	bool has_mac;
	uint8_t mac[ADDR_MAC];	/* of the first */
	const char *vendor;	/* as in a reset */
	struct rst_verdict why; /* owned: the surest of them */
	struct analysis_trigger trigger;
	/* Hops by all resets of the group and by probes in the capture. */
	size_t n_candidates;
	struct rst_candidate candidates[RST_CANDIDATES];
};

/* Probes with limited TTLs in the capture, and what infer makes of them. */
struct analysis_probed {
	struct addr client;
	struct endpoint server;
	unsigned int probes, drew;
	int threshold_ttl; /* the smallest that drew a reset; 0: none */
	struct path path;  /* by time-exceeded; n_hops 0: none */
	int hop;	   /* 0: none */
	enum place place;
	double confidence;
	size_t n_candidates;
	struct rst_candidate candidates[RST_CANDIDATES];
};

/* Two vantages compared. */
struct analysis_compared {
	bool done;
	uint64_t flows;		 /* seen at both */
	bool nat;		 /* addresses or ports differ between them */
	int64_t offset_ns;	 /* server's clock minus client's */
	int64_t offset_error_ns; /* below 0: the offset is not known */
	int path_hops;		 /* routers between both; -1: not known */
	uint64_t never_sent;	 /* resets proven so */
	int hop_lo, hop_hi; /* of the device, from the client; 0: not known */
};

struct analysis {
	int64_t started_unix_ns;
	int64_t duration_ns;
	int interrupted;      /* by this signal; 0: not */
	struct fault trouble; /* ended it before its time; kind NONE */

	size_t n_files;
	struct analysis_file *files; /* owned */
	uint64_t packets, flows;
	uint64_t forged, genuine, undetermined; /* resets */
	uint64_t flows_aged, flows_dropped, resets_hurried;
	uint64_t resets_left_out; /* beyond ANALYSIS_RESETS, still counted */

	size_t n_resets;	       /* in the order of time */
	struct analysis_reset *resets; /* owned */
	size_t n_groups;	       /* forged first, most resets first */
	struct analysis_group *groups; /* owned */
	size_t n_vendors;
	char **vendors; /* owned, each */
	size_t n_probed;
	struct analysis_probed *probed; /* owned */
	struct analysis_compared compared;
	struct result_notes notes;
	/* Of connections with resets that are not genuine, where asked for. */
	struct result_evidence evidence;
	uint64_t evidence_lacks; /* such resets whose packets are not in it */
};

/* Frees what it owns, not the struct itself. */
void analysis_free(struct analysis *a);
void analysis_reset_free(struct analysis_reset *r);

#endif
