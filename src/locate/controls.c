/*
 * The control arm: is it the trigger that is reset, or would anything be?
 *
 * Where the device fires on every trigger, three of them and three controls
 * say so (p = 0.05).  Where it fires seldom, triggers at full TTL say little
 * for many connections: at p = 0.3 some 13 of them and as many controls are
 * needed.  A burst gives the dice several rolls on one connection, so a few
 * bursts of the control's bytes beside the trigger's say more; they are sent
 * once all else is known, lest they take from the routers' time-exceeded what
 * the trigger's own bursts need.
 */
#include <rsthop/stats.h>

#include "locate_int.h"

#define P_TELLS 0.05
#define SAME	1e-9
/*
 * So many at the most.  They fill a search up to so many connections, which is
 * what one at p = 0.3 may cost (make bench); beyond, they are a part of those
 * that it has cost more.
 */
#define MORE_MAX   6
#define CONNS_FEW  15
#define CONNS_PART 3

enum { FULL, BURST, STRATA };

/* Trials of one kind, and those of them that drew a reset. */
static struct stats_count
arm_of(const struct campaign *c, enum trial_kind kind)
{
	return (struct stats_count){campaign_count_clean(c, kind, true),
	    campaign_count_clean(c, kind, false)};
}

static void
count_arms(const struct campaign *c, struct stats_count arms[STRATA],
    struct stats_count controls[STRATA])
{
	arms[FULL] = arm_of(c, TRIAL_FULL);
	arms[BURST] = arm_of(c, TRIAL_BURST);
	controls[FULL] = arm_of(c, TRIAL_CONTROL);
	controls[BURST] = arm_of(c, TRIAL_CONTROL_BURST);
}

double
campaign_p_value(const struct campaign *c)
{
	struct stats_count arms[STRATA], controls[STRATA];

	count_arms(c, arms, controls);
	return stats_fisher_strata(arms, controls, STRATA);
}

/* Connections that more controls may cost. */
static unsigned int
allowance(const struct campaign *c)
{
	unsigned int used = (unsigned int)c->s.n_conns, n;

	n = used < CONNS_FEW ? CONNS_FEW - used
			     : (used - CONNS_FEW) / CONNS_PART;
	return n < MORE_MAX ? n : MORE_MAX;
}

/*
 * How many more of one kind, were they all silent: as few as tell, or as many
 * as are allowed, but never more than there are triggers of that kind.
 */
static unsigned int
wanted(const struct campaign *c, int stratum)
{
	struct stats_count arms[STRATA], controls[STRATA];
	unsigned int most = allowance(c), n = 0;

	count_arms(c, arms, controls);
	while (n < most && controls[stratum].n < arms[stratum].n &&
	    stats_fisher_strata(arms, controls, STRATA) > P_TELLS + SAME) {
		controls[stratum].n++;
		n++;
	}
	return n;
}

int
campaign_compare(struct campaign *c, struct fault *f)
{
	bool bursts = campaign_count(c, TRIAL_BURST, true) > 0;
	struct shot_plan plans[MORE_MAX] = {0};
	unsigned int n = wanted(c, bursts ? BURST : FULL), i;

	if (n == 0 || campaign_count(c, TRIAL_FULL, true) == 0 ||
	    campaign_is_over(c, n))
		return 0;
	for (i = 0; i < n; i++) {
		plans[i].kind = bursts ? TRIAL_CONTROL_BURST : TRIAL_CONTROL;
		plans[i].plain = bursts && !c->clues.tags_pass;
	}
	return campaign_run(c, plans, n, f);
}
