/*
 * Devices that read TCP headers of 20 bytes only, as those do that take the
 * payload to begin there.  Where the application sent no TCP options, the
 * copies that are injected have none either; what the kernel sends has its
 * timestamps, and so triggers nothing.  Once that is seen, copies of the
 * largest TTL short of the server stand in for it.
 */
#include "plain.h"

int
plain_go(struct rounds *rounds, struct belief *b, struct fault *f)
{
	rounds_conclude_path(rounds);
	if (belief_update(b, rounds, true, f) == -1)
		return -1;
	if (rounds->load.last_ttl < 1)
		return 0;
	/* They tell nothing of a device that is blind to them. */
	for (size_t i = 0; i < rounds->n_trials; i++)
		rounds->trials[i].state = TRIAL_SPOILED;
	belief_forget(b);
	rounds->s.short_of_server = true;
	result_note(&rounds->notes,
	    "Nothing fired at full TTL, where this system sends TCP options "
	    "and the captured client sent none: from then on the trigger went "
	    "in packets without, which did not reach the server.");
	return 1;
}
