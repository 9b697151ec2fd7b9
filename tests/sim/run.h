/*
 * One run: a network is drawn, locate works in it, its verdict is judged.
 */
#ifndef RSTHOP_SIM_RUN_H
#define RSTHOP_SIM_RUN_H

#include <rsthop/locate_ask.h>
#include <rsthop/result.h>

#include "rivals.h"
#include "truth.h"

enum sim_outcome {
	SIM_RIGHT,
	SIM_WRONG,
	SIM_OPEN,   /* undetermined, though it could be known */
	SIM_TWIN,   /* undetermined, and no probe could tell */
	SIM_SILENT, /* not reproduced, for the device never fired */
	SIM_FAILED  /* locate_run ended with a fault */
};
#define SIM_OUTCOMES 6

struct sim_record {
	struct sim_truth truth;
	enum sim_outcome outcome;
	enum result_kind kind;
	int hop;
	enum place place;
	double confidence;
	bool top_right; /* the most probable hypothesis is the truth */
	double top;	/* its probability */
	/*
	 * The odds name what the verdict names, and by so much prior and
	 * weights miss them; < 0: there are none.
	 */
	bool odds_named;
	double odds_gap;
	unsigned int connections, packets;
	int64_t virtual_ns, cpu_ns;
	struct sim_rival rivals[SIM_RULES];
};

/* log: every round is told there; NULL: nothing. */
void sim_run(uint64_t seed, FILE *log, struct sim_record *out);
/* In a network that is known, without the rivals. */
void sim_run_truth(
    const struct sim_truth *t, FILE *log, struct sim_record *out);

/* Likewise; change: what is asked beside the defaults, NULL: nothing. */
void sim_run_asked(const struct sim_truth *t,
    void (*change)(struct locate_ask *ask), FILE *log, struct sim_record *out);

/*
 * The job `trace` in that network: its text goes to log, after the packets.
 * src_port 0: any flow.  -1 where it failed.
 */
int sim_trace(const struct sim_truth *t, uint16_t src_port, FILE *log);

/* It claims to know. */
bool sim_claims(const struct sim_record *r);

const char *sim_outcome_name(enum sim_outcome o);

#endif
