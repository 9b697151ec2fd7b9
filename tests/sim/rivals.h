/*
 * The rules that other tools and papers use, in the same networks.
 *
 * Each fires one TTL a connection and sees whether a reset came.  How the
 * device fires is modelled straight: its threshold, its dice, the losses, and
 * whether a reset with a copied TTL gets home.
 */
#ifndef RSTHOP_SIM_RIVALS_H
#define RSTHOP_SIM_RIVALS_H

#include "truth.h"

enum sim_rule {
	SIM_RULE_ASCENDING, /* one run upwards, the first that fires */
	SIM_RULE_MODE,	    /* the mode of five such runs (CenTrace) */
	SIM_RULE_MINIMUM,   /* the minimum of three */
	SIM_RULE_POSTERIOR  /* over the threshold and p, to 0.95 */
};
#define SIM_RULES 4

struct sim_rival {
	int threshold; /* what it says; 0: nothing */
	bool right;    /* about the threshold: generous where it copies TTLs */
	unsigned int connections;
};

/* In the network of a truth whose cause is a device. */
void sim_rivals_run(const struct sim_truth *t, struct sim_rival out[SIM_RULES]);

/* For a plain device with threshold T before a server at `hops`. */
void sim_rivals_plain(int hops, int threshold, double p, uint64_t seed,
    struct sim_rival out[SIM_RULES]);

const char *sim_rule_name(enum sim_rule r);

#endif
