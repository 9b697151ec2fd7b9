/*
 * Residual blocks: some devices, once fired, go on for a while to reset all
 * that the two addresses say to each other.  A reset then tells what fired it
 * only by a tag.
 *
 * Where the block was measured, times say which trials it met, and the others
 * are spaced; else what happens to controls says whether there is one.
 */
#include <rsthop/clock.h>

#include "locate_int.h"

#define FOR_EVER (INT64_MAX / 4)

/* Controls that were reset, or connections that broke, to speak of a block. */
#define BLOCK_SIGNS 2

/* When the first trigger was reset; 0: none was. */
static int64_t
first_firing(const struct session *s)
{
	size_t i;

	for (i = 0; i < s->n_resets; i++)
		if (!s->resets[i].late && !s->resets[i].answers_alive &&
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
		    !s->resets[i].answers_alive)
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
		if (!trial_came_to_nothing(&c->trials[i]) ||
		    c->trials[i].poll ||
		    campaign_is_contaminated(c, &c->trials[i]))
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
	if (campaign_minds_block(c) && c->residual.hi_ns == 0)
		return true;
	for (i = 0; i < c->n_trials; i++) {
		if (!trial_is_control(&c->trials[i]) || c->trials[i].poll ||
		    c->trials[i].state == TRIAL_OPENING ||
		    campaign_is_contaminated(c, &c->trials[i]))
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

bool
campaign_minds_block(const struct campaign *c)
{
	switch (c->residual.scope) {
	case RESULT_SCOPE_NONE:
		return false;
	case RESULT_SCOPE_3TUPLE:
		return true;
	case RESULT_SCOPE_4TUPLE:
		/* Each trial has a port of its own, unless one is asked for. */
		return c->src_port != 0;
	}
	return false;
}

/* Its copies bear tags. */
static bool
is_tagged(const struct campaign *c, const struct trial *t)
{
	return (t->kind == TRIAL_BURST || t->kind == TRIAL_SINGLE) &&
	    t->n_probes > 0 && !c->s.probes[t->first_probe].plain;
}

static bool
is_named(const struct campaign *c, const struct trial *t)
{
	const struct probe *p;
	size_t i;

	for (i = 0; is_tagged(c, t) && i < t->n_probes; i++) {
		p = &c->s.probes[t->first_probe + i];
		if (p->drew_reset && !p->copy_unknown)
			return true;
	}
	return false;
}

bool
campaign_tags_name(const struct campaign *c)
{
	size_t i;

	for (i = 0; i < c->n_trials; i++)
		if (is_named(c, &c->trials[i]))
			return true;
	return false;
}

/*
 * What this reset's firing blocks, between those times.  Controls that met a
 * block prolong it only where that was seen; triggers may.
 */
static bool
blocks(const struct campaign *c, const struct seen_reset *r, int64_t *from,
    int64_t *to)
{
	int64_t length = c->residual.hi_ns, sent = r->at_ns;

	if (r->answers_alive ||
	    (r->facts.control && c->residual.refreshed != RESULT_YES))
		return false;
	*from = r->at_ns - c->timing.rtt_ns;
	if (r->probe != -1 && !r->late)
		*from = sent = c->s.probes[r->probe].sent_ns;
	*to = length != 0 ? sent + length + CAMPAIGN_BLOCK_MARGIN_NS : FOR_EVER;
	return true;
}

/*
 * Until when a packet from this port, sent then, finds blocks of firings
 * before it.  conn: not those of its own.
 */
static int64_t
blocked_until(
    const struct campaign *c, int conn, uint16_t port, int64_t sent_ns)
{
	int64_t from, to, until = 0;
	const struct seen_reset *r;
	size_t i;

	for (i = 0; i < c->s.n_resets; i++) {
		r = &c->s.resets[i];
		if (r->conn == conn ||
		    (c->residual.scope == RESULT_SCOPE_4TUPLE &&
			c->s.conns[r->conn].local.port != port))
			continue;
		if (blocks(c, r, &from, &to) && from < sent_ns && to > until)
			until = to;
	}
	return until;
}

bool
campaign_is_contaminated(const struct campaign *c, const struct trial *t)
{
	const struct session_conn *sc = &c->s.conns[t->conn];
	int64_t sent = sc->opened_ns;

	if (c->residual.scope == RESULT_SCOPE_NONE || t->poll ||
	    t->state == TRIAL_OPENING)
		return false;
	if (is_named(c, t) ||
	    (is_tagged(c, t) && sc->resets == 0 && campaign_tags_name(c)))
		return false;
	if (t->n_probes > 0)
		sent = c->s.probes[t->first_probe].sent_ns;
	return blocked_until(c, t->conn, sc->local.port, sent) > sent;
}

/* Within the block nothing opens, or comes so far that a trigger is due. */
static bool
meets_openings(const struct campaign *c)
{
	size_t i;

	for (i = 0; i < c->n_trials; i++)
		if (trial_came_to_nothing(&c->trials[i]) &&
		    campaign_is_contaminated(c, &c->trials[i]))
			return true;
	return false;
}

bool
campaign_is_spaced(const struct campaign *c)
{
	return campaign_minds_block(c) && c->residual.hi_ns != 0 &&
	    (!campaign_tags_name(c) || meets_openings(c));
}

unsigned int
campaign_count_clean(
    const struct campaign *c, enum trial_kind kind, bool fired_only)
{
	const struct trial *t;
	unsigned int n = 0;
	bool fired;
	size_t i;

	for (i = 0; i < c->n_trials; i++) {
		t = &c->trials[i];
		fired = trial_drew_reset(&c->s, t);
		if (t->kind != kind || !trial_was_sent(t) ||
		    (fired_only && !fired) || (t->poll && fired) ||
		    campaign_is_contaminated(c, t))
			continue;
		n++;
	}
	return n;
}

unsigned int
campaign_count_contaminated(const struct campaign *c)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < c->n_trials; i++)
		n += campaign_is_contaminated(c, &c->trials[i]);
	return n;
}

int
campaign_await_block_end(struct campaign *c, struct fault *f)
{
	int64_t now, until;

	for (;;) {
		now = session_now(&c->s);
		until = blocked_until(c, -1, c->src_port, now);
		if (until > c->end_ns)
			until = c->end_ns;
		if (now >= until)
			return 0;
		/* Nor may the trace go on: it would meet the block. */
		if (session_pump_only(&c->s, until, NULL, NULL, f) == -1)
			return -1;
	}
}
