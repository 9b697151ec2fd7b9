/*
 * Residual blocks: some devices, once fired, go on for a while to reset all
 * that the two addresses say to each other.  A reset then tells what fired it
 * only by a tag.
 */
#include "campaign.h"

/* Controls that were reset, or connections that broke, to speak of a block. */
#define BLOCK_SIGNS 2

/* When the first trigger was reset; 0: none was. */
static int64_t
first_firing(const struct session *s)
{
	size_t i;

	for (i = 0; i < s->n_resets; i++)
		if (!s->resets[i].late && !s->resets[i].server &&
		    !s->resets[i].facts.control)
			return s->resets[i].at_ns;
	return 0;
}

/* A connection's first reset. */
static const struct seen_reset *
first_reset_of(const struct session *s, int conn)
{
	size_t i;

	for (i = 0; i < s->n_resets; i++)
		if (s->resets[i].conn == conn && !s->resets[i].late &&
		    !s->resets[i].server)
			return &s->resets[i];
	return NULL;
}

/*
 * Connections that were reset before anything was sent, and not by a server
 * that went away.
 */
static unsigned int
broken_since(const struct campaign *c, int64_t since_ns)
{
	const struct seen_reset *r;
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < c->n_trials; i++) {
		if (c->trials[i].state < TRIAL_FAILED)
			continue;
		r = first_reset_of(&c->s, c->trials[i].conn);
		n += r != NULL && r->at_ns > since_ns &&
		    r->facts.ttl != c->out->path.server_ttl;
	}
	return n;
}

/*
 * Controls are reset, most of them, since the trigger was for the first time,
 * and none before; or connections break that have said nothing at all.
 */
bool
campaign_is_blocked(const struct campaign *c)
{
	int64_t fired = first_firing(&c->s);
	const struct seen_reset *r;
	unsigned int resets = 0, controls = 0;
	size_t i;

	if (fired == 0)
		return false;
	for (i = 0; i < c->n_trials; i++) {
		if (!trial_is_control(&c->trials[i]) ||
		    c->trials[i].state == TRIAL_OPENING)
			continue;
		r = first_reset_of(&c->s, c->trials[i].conn);
		if (r != NULL && r->at_ns < fired)
			return false;
		resets += r != NULL;
		controls += r != NULL ||
		    c->s.conns[c->trials[i].conn].opened_ns > fired;
	}
	if (broken_since(c, fired) >= BLOCK_SIGNS)
		return true;
	return resets >= BLOCK_SIGNS && 2 * resets >= controls;
}
