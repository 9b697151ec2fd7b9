/*
 * Many runs, counted by what was drawn.
 */
#ifndef RSTHOP_SIM_TALLY_H
#define RSTHOP_SIM_TALLY_H

#include "run.h"

struct sim_tally;

struct sim_tally *sim_tally_new(void);
void sim_tally_free(struct sim_tally *t);
/* -1 where memory is out. */
int sim_tally_add(struct sim_tally *t, const struct sim_record *r);

/* The tables; gives nothing. */
void sim_tally_print(struct sim_tally *t, FILE *out);
/* The runs that ended so, the surest first, at most `most`. */
void sim_tally_list(
    const struct sim_tally *t, enum sim_outcome o, size_t most, FILE *out);
/* For programs: a line a run, its fields named in the first line. */
void sim_tally_write(const struct sim_tally *t, FILE *out);
/* What was promised, line by line. */
void sim_tally_judge(
    struct sim_tally *t, FILE *out, unsigned int *passed, unsigned int *failed);

/*
 * Is the truth of the stratum that `name` says, as "p=0.3" or "ttl=copied"?
 * -1 where there is no such stratum.
 */
int sim_tally_matches(const char *name, const struct sim_truth *t);
void sim_tally_print_strata(FILE *out);

#endif
