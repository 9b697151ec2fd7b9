/*
 * The control arm: is it the trigger that is reset, or would anything be?
 *
 * Where every trigger draws a reset, three of them and three controls say so
 * (p = 0.05).  Where few do, triggers at full TTL say little
 * for many connections: at p = 0.3 some 13 of them and as many controls are
 * needed.  A burst gives the dice several rolls on one connection, so a few
 * bursts of the control's bytes beside the trigger's say more; they are sent
 * once all else is known, lest they take from the routers' time-exceeded what
 * the trigger's own bursts need.
 */
#include <rsthop/block.h>
#include <rsthop/run.h>
#include <rsthop/stats.h>

#include "controls.h"

#define CONTROLS_P_TELLS 0.05
#define CONTROLS_SAME	 1e-9
/*
 * So many at the most.  They fill a search up to so many connections, which is
 * what one at p = 0.3 may cost (make bench); beyond, they are a part of those
 * that it has cost more.
 */
#define CONTROLS_MORE_MAX   6
#define CONTROLS_CONNS_FEW  15
#define CONTROLS_CONNS_PART 3

enum { FULL, BURST, STRATA };

/* Trials of one kind, and those of them that drew a reset. */
static struct stats_count
controls_arm_of(const struct rounds *rounds, enum trial_kind kind)
{
	return (struct stats_count){block_count_clean(rounds, kind, true),
	    block_count_clean(rounds, kind, false)};
}

static void
controls_count_arms(const struct rounds *rounds,
    struct stats_count arms[STRATA], struct stats_count controls[STRATA])
{
	arms[FULL] = controls_arm_of(rounds, TRIAL_FULL);
	arms[BURST] = controls_arm_of(rounds, TRIAL_BURST);
	controls[FULL] = controls_arm_of(rounds, TRIAL_CONTROL);
	controls[BURST] = controls_arm_of(rounds, TRIAL_CONTROL_BURST);
}

double
controls_p_value(const struct rounds *rounds)
{
	struct stats_count arms[STRATA], controls[STRATA];

	controls_count_arms(rounds, arms, controls);
	return stats_fisher_strata(arms, controls, STRATA);
}

/* Connections that more controls may cost. */
static unsigned int
controls_allowance(const struct rounds *rounds)
{
	unsigned int used = (unsigned int)rounds->s.n_conns, n;

	n = used < CONTROLS_CONNS_FEW
	    ? CONTROLS_CONNS_FEW - used
	    : (used - CONTROLS_CONNS_FEW) / CONTROLS_CONNS_PART;
	return n < CONTROLS_MORE_MAX ? n : CONTROLS_MORE_MAX;
}

/*
 * How many more of one kind, were they all silent: as few as tell, or as many
 * as are allowed, but never more than there are triggers of that kind.
 */
static unsigned int
controls_wanted(const struct rounds *rounds, int stratum)
{
	struct stats_count arms[STRATA], controls[STRATA];
	unsigned int most = controls_allowance(rounds), n = 0;

	controls_count_arms(rounds, arms, controls);
	while (n < most && controls[stratum].n < arms[stratum].n &&
	    stats_fisher_strata(arms, controls, STRATA) >
		CONTROLS_P_TELLS + CONTROLS_SAME) {
		controls[stratum].n++;
		n++;
	}
	return n;
}

int
controls_compare(struct rounds *rounds, const struct belief *b, struct fault *f)
{
	bool bursts = rounds_count(rounds, TRIAL_BURST, true) > 0;
	struct shot_plan plans[CONTROLS_MORE_MAX] = {0};
	unsigned int n = controls_wanted(rounds, bursts ? BURST : FULL);

	if (n == 0 || rounds_count(rounds, TRIAL_FULL, true) == 0 ||
	    rounds_are_over(rounds, n))
		return 0;
	for (unsigned int i = 0; i < n; i++) {
		plans[i].kind = bursts ? TRIAL_CONTROL_BURST : TRIAL_CONTROL;
		plans[i].plain = bursts && !b->clues.tags_pass;
	}
	return run_trials(rounds, plans, n, f);
}
