/*
 * Servers that mind company: they leave a second connection unanswered, or
 * reset it, while one is open.  What they reset no trigger has fired; so it is
 * forgotten, and all is done again with one connection at a time.
 */
#include "locate_int.h"

#define REFUSALS_ALONE 3 /* in a row of trials, to be no accident */

/* Its connection never opened, or the server's own TTL is on a reset that no
 * trigger has fired. */
static bool
was_refused(const struct campaign *c, const struct trial *t)
{
	const struct seen_reset *r;
	size_t i;

	if (t->state == TRIAL_FAILED)
		return true;
	if (!trial_is_control(t) && t->state != TRIAL_SPOILED)
		return false;
	for (i = 0; i < c->s.n_resets; i++) {
		r = &c->s.resets[i];
		if (r->conn == t->conn && !r->late && !r->answers_alive &&
		    r->facts.ttl == c->out->path.server_ttl)
			return true;
	}
	return false;
}

bool
campaign_is_refused(const struct campaign *c)
{
	unsigned int refused = 0, trials = 0;
	size_t i;

	for (i = c->first_alone; i < c->n_trials; i++) {
		trials++;
		refused += was_refused(c, &c->trials[i]);
	}
	if (c->unreachable || (c->alone && refused < REFUSALS_ALONE))
		return false;
	return refused > 0 && refused * 4 >= trials;
}

/*
 * A reset that only this end was sent leaves the server with an open
 * connection.  What it answers when asked, our kernel resets.
 */
int
campaign_free_server(struct campaign *c, int conn, struct fault *f)
{
	const struct session_conn *sc = &c->s.conns[conn];

	if (sc->resets == 0 || sc->alive_asked || !sc->tcb.established)
		return 0;
	return session_ask_alive(&c->s, conn, f);
}

int
campaign_go_alone(struct campaign *c, struct fault *f)
{
	size_t i;

	for (i = 0; i < c->s.n_conns; i++) {
		if (campaign_free_server(c, (int)i, f) == -1)
			return -1;
		session_close(&c->s, (int)i);
	}
	/* What was judged already, was judged by trials that had company. */
	for (i = 0; i < c->n_trials && c->infer == NULL; i++)
		c->trials[i].state = TRIAL_SPOILED;
	for (i = 0; i < c->s.n_resets && c->infer == NULL; i++)
		c->s.resets[i].late = true;
	c->first_alone = c->n_trials;
	c->failures = 0;
	c->alone = true;
	return 0;
}
