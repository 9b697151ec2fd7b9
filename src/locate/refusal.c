/*
 * Servers that mind company: they leave a second connection unanswered, or
 * reset it, while one is open.  No trigger drew such a reset; so it is
 * forgotten, and all is done again with one connection at a time.
 */
#include "refusal.h"

#define REFUSAL_REFUSALS_ALONE 3 /* in a row of trials, to be no accident */

/*
 * Its connection never opened, or the server's own TTL is on a reset that no
 * trigger drew.
 */
static bool
refusal_was_refused(const struct rounds *rounds, const struct trial *t)
{
	const struct seen_reset *r;

	if (t->state == TRIAL_FAILED)
		return true;
	if (!trial_is_control(t) && t->state != TRIAL_SPOILED)
		return false;
	for (size_t i = 0; i < rounds->s.n_resets; i++) {
		r = &rounds->s.resets[i];
		if (r->conn == t->conn && !r->late && !r->answers_alive &&
		    r->facts.ttl == rounds->s.path->server_ttl)
			return true;
	}
	return false;
}

bool
refusal_is_seen(const struct rounds *rounds)
{
	unsigned int refused = 0, trials = 0;

	for (size_t i = rounds->first_alone; i < rounds->n_trials; i++) {
		trials++;
		refused += refusal_was_refused(rounds, &rounds->trials[i]);
	}
	if (rounds->unreachable ||
	    (rounds->alone && refused < REFUSAL_REFUSALS_ALONE))
		return false;
	return refused > 0 && refused * 4 >= trials;
}

int
refusal_go_alone(struct rounds *rounds, bool forget, struct fault *f)
{
	for (size_t i = 0; i < rounds->s.n_conns; i++) {
		if (rounds_free_server(rounds, (int)i, f) == -1)
			return -1;
		session_close(&rounds->s, (int)i);
	}
	/* What was judged already, was judged by trials that had company. */
	for (size_t i = 0; i < rounds->n_trials && forget; i++)
		rounds->trials[i].state = TRIAL_SPOILED;
	for (size_t i = 0; i < rounds->s.n_resets && forget; i++)
		rounds->s.resets[i].late = true;
	rounds->first_alone = rounds->n_trials;
	rounds->failures = 0;
	rounds->alone = true;
	return 0;
}
