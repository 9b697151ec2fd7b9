/*
 * What a simulated network really is: drawn from a seed, shown to nobody but
 * the network itself and the judge of the verdicts.
 *
 * Node 0 is the client, nodes 1 .. hops - 1 are routers, node `hops` is the
 * server; link i leads from node i - 1 to node i.
 */
#ifndef RSTHOP_SIM_TRUTH_H
#define RSTHOP_SIM_TRUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <rsthop/infer.h>
#include <rsthop/rng.h>

#define SIM_HOPS 30

/* How the forger makes its resets' TTL. */
enum sim_ttl {
	SIM_TTL_FIXED,	      /* 255, 128, 64, 32 */
	SIM_TTL_CONSTANT,     /* any other constant */
	SIM_TTL_COPIED,	      /* of the trigger, as the device sees it */
	SIM_TTL_COPIED_EARLY, /* a router's: before it took its own off */
	SIM_TTL_RANDOM,
	SIM_TTL_STEPPING,
	SIM_TTL_IMITATED /* arrives as the server's packets do */
};
#define SIM_TTLS 7

enum sim_dice { SIM_DICE_PACKET, SIM_DICE_CONNECTION, SIM_DICE_FLOW };
#define SIM_DICES 3

enum sim_id { SIM_ID_COPIED, SIM_ID_ZERO, SIM_ID_RANDOM };
/* A server's IP IDs. */
enum sim_ids { SIM_IDS_COUNTED, SIM_IDS_ZERO, SIM_IDS_RANDOM };
enum sim_window { SIM_WINDOW_ZERO, SIM_WINDOW_COPIED, SIM_WINDOW_OWN };
enum sim_step { SIM_STEP_NONE, SIM_STEP_WINDOW, SIM_STEP_GFW, SIM_STEP_TTL };

struct sim_device {
	int hop;
	enum place place;
	bool decrement; /* its own forwarding path takes one off too */
	enum sim_ttl ttl;
	int initial; /* of FIXED, CONSTANT; where STEPPING begins */
	double p;
	enum sim_dice dice;
	bool once;	   /* once for each connection */
	bool drops;	   /* the trigger goes no further */
	bool both_ends;	   /* resets the server too */
	bool server_first; /* and before the trigger gets there */
	bool tags;	   /* seq = the trigger's ack; else its own idea */
	enum sim_id id;
	enum sim_window window;
	bool with_ack; /* R+A */
	int resets;    /* at each firing */
	enum sim_step step;
	int64_t work_ns;   /* from the trigger to the reset */
	int64_t buffer_ns; /* of a tap: emptied so often; 0: none */
	int64_t block_ns;  /* residual: all is reset for so long; 0: not */
	int branch;	   /* of the ECMP hop: fires only there; -1: all */
};

struct sim_truth {
	uint64_t seed;
	enum infer_cause cause;
	struct sim_device dev; /* of DEVICE and RESPONSE */
	double server_p;       /* SERVER: resets what holds the trigger */
	double alarm;	       /* the server resets whatever holds data */

	int hops;
	bool v6;
	int64_t out_ns[SIM_HOPS + 1];  /* from the client to node i */
	int64_t home_ns[SIM_HOPS + 1]; /* and back */
	int back[SIM_HOPS + 1];	       /* routers crossed from node i home */
	bool silent[SIM_HOPS + 1];
	bool limited[SIM_HOPS + 1]; /* ICMP as Linux: 6, then 1/s */
	uint8_t reply_ttl[SIM_HOPS + 1];
	double loss;  /* for each link crossed */
	int ecmp_hop; /* two routers here, by the five-tuple; 0: none */
	uint64_t ecmp_salt;
	uint8_t server_ttl; /* initial */
	bool server_echo;   /* answers pings */
	bool server_talks;  /* answers data with data */
	bool server_acks;   /* at once, before it answers or resets */
	int64_t answer_ns;  /* so long it thinks before it answers */
	enum sim_ids server_ids;

	bool asymmetric;
};

void sim_truth_draw(uint64_t seed, struct sim_truth *t);
/* A clean path of so many hops, with a plain forger that always fires. */
void sim_truth_plain(int hops, int hop, enum place place, double p,
    uint64_t seed, struct sim_truth *t);
void sim_truth_print(const struct sim_truth *t, FILE *out);

/* The smallest probe TTL that can fire the device. */
int sim_truth_threshold(const struct sim_truth *t);
/* Routers that a packet made by the device crosses on its way home. */
int sim_truth_crossed(const struct sim_truth *t);
/* The TTL with which the server's packets arrive. */
int sim_truth_server_ttl(const struct sim_truth *t);
/* The seq, the ID or the window of a reset tells what fired it. */
bool sim_truth_tagged(const struct sim_truth *t);
/* The device's own hop, or its way home, stays silent. */
bool sim_truth_device_silent(const struct sim_truth *t);
/*
 * No probe can tell: the TTL says nothing of distance, so (h, router) is as
 * (h + 1, wire); the device takes one off more than its place implies; or it
 * sits so close before the server, and looks so like it, that it could be it;
 * or it makes the server's answer the reset, for both ends.
 */
bool sim_truth_twin(const struct sim_truth *t);
/* Blocks what comes after, or fires for half of the flows only. */
bool sim_truth_odd(const struct sim_truth *t);

const char *sim_ttl_name(enum sim_ttl t);
const char *sim_dice_name(enum sim_dice d);

#endif
