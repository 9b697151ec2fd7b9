/*
 * Residual blocks: some devices, once triggered, go on for a while to reset all
 * that the two addresses say to each other.  A reset then tells what triggered
 * it only by a tag.
 *
 * Where the block was measured, times say which trials it met, and the others
 * are spaced; else what happens to controls says whether there is one.
 */
#include <rsthop/clock.h>

#include <rsthop/block.h>

#define BLOCK_FOR_EVER (INT64_MAX / 4)

/* Controls that were reset, or connections that broke, to speak of a block. */
#define BLOCK_SIGNS 2

/* When the first trigger was reset; 0: none was. */
static int64_t
block_first_reset(const struct session *s)
{
	for (size_t i = 0; i < s->n_resets; i++)
		if (!s->resets[i].late && !s->resets[i].answers_alive &&
		    !s->resets[i].facts.control)
			return s->resets[i].at_ns;
	return 0;
}

/* A connection's first reset. */
static const struct seen_reset *
block_first_reset_of(const struct session *s, int conn)
{
	for (size_t i = 0; i < s->n_resets; i++)
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
block_broken_since(const struct rounds *rounds, int64_t since_ns)
{
	const struct seen_reset *r;
	unsigned int n = 0;

	for (size_t i = 0; i < rounds->n_trials; i++) {
		if (!trial_came_to_nothing(&rounds->trials[i]) ||
		    rounds->trials[i].poll ||
		    block_spoils(rounds, &rounds->trials[i]))
			continue;
		r = block_first_reset_of(&rounds->s, rounds->trials[i].conn);
		n += r != NULL && r->at_ns > since_ns &&
		    r->facts.ttl != rounds->s.path->server_ttl;
	}
	return n;
}

/*
 * Controls are reset, most of them, since the trigger was for the first time,
 * and none before; or connections break that have said nothing at all.
 */
bool
block_is_on(const struct rounds *rounds)
{
	int64_t drew = block_first_reset(&rounds->s);
	const struct seen_reset *r;
	unsigned int resets = 0, controls = 0;

	if (drew == 0)
		return false;
	if (block_meets_trials(rounds) && rounds->residual.hi_ns == 0)
		return true;
	for (size_t i = 0; i < rounds->n_trials; i++) {
		if (!trial_is_control(&rounds->trials[i]) ||
		    rounds->trials[i].poll ||
		    rounds->trials[i].state == TRIAL_OPENING ||
		    block_spoils(rounds, &rounds->trials[i]))
			continue;
		r = block_first_reset_of(&rounds->s, rounds->trials[i].conn);
		if (r != NULL && r->at_ns < drew)
			return false;
		resets += r != NULL;
		controls += r != NULL ||
		    rounds->s.conns[rounds->trials[i].conn].opened_ns > drew;
	}
	if (block_broken_since(rounds, drew) >= BLOCK_SIGNS)
		return true;
	return resets >= BLOCK_SIGNS && 2 * resets >= controls;
}

bool
block_meets_trials(const struct rounds *rounds)
{
	switch (rounds->residual.scope) {
	case RESULT_SCOPE_NONE:
		return false;
	case RESULT_SCOPE_3TUPLE:
		return true;
	case RESULT_SCOPE_4TUPLE:
		/* Each trial has a port of its own, unless one is asked for. */
		return rounds->src_port != 0;
	}
	return false;
}

/* Its copies bear tags. */
static bool
block_is_tagged(const struct rounds *rounds, const struct trial *t)
{
	return (t->kind == TRIAL_BURST || t->kind == TRIAL_SINGLE) &&
	    t->n_probes > 0 && !rounds->s.probes[t->first_probe].plain;
}

static bool
block_is_named(const struct rounds *rounds, const struct trial *t)
{
	const struct probe *p;

	for (size_t i = 0; block_is_tagged(rounds, t) && i < t->n_probes; i++) {
		p = &rounds->s.probes[t->first_probe + i];
		if (p->drew_reset && !p->copy_unknown)
			return true;
	}
	return false;
}

bool
block_tags_name(const struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->n_trials; i++)
		if (block_is_named(rounds, &rounds->trials[i]))
			return true;
	return false;
}

/*
 * From when to when the block lasts that this reset is a sign of.  Controls
 * that met a block prolong it only where that was seen; triggers may.
 */
static bool
block_blocks(const struct rounds *rounds, const struct seen_reset *r,
    int64_t *from, int64_t *to)
{
	int64_t length = rounds->residual.hi_ns, sent = r->at_ns;

	if (r->answers_alive ||
	    (r->facts.control && rounds->residual.refreshed != RESULT_YES))
		return false;
	*from = r->at_ns - rounds->timing.rtt_ns;
	if (r->probe != -1 && !r->late)
		*from = sent = rounds->s.probes[r->probe].sent_ns;
	*to = length != 0 ? sent + length + BLOCK_MARGIN_NS : BLOCK_FOR_EVER;
	return true;
}

/*
 * Until when a packet from this port, sent then, finds blocks that began before
 * it.  conn: the packet's own, whose resets are left out.
 */
static int64_t
block_blocked_until(
    const struct rounds *rounds, int conn, uint16_t port, int64_t sent_ns)
{
	int64_t from, to, until = 0;
	const struct seen_reset *r;

	for (size_t i = 0; i < rounds->s.n_resets; i++) {
		r = &rounds->s.resets[i];
		if (r->conn == conn ||
		    (rounds->residual.scope == RESULT_SCOPE_4TUPLE &&
			rounds->s.conns[r->conn].local.port != port))
			continue;
		if (block_blocks(rounds, r, &from, &to) && from < sent_ns &&
		    to > until)
			until = to;
	}
	return until;
}

bool
block_spoils(const struct rounds *rounds, const struct trial *t)
{
	const struct session_conn *sc = &rounds->s.conns[t->conn];
	int64_t sent = sc->opened_ns;

	if (rounds->residual.scope == RESULT_SCOPE_NONE || t->poll ||
	    t->state == TRIAL_OPENING)
		return false;
	if (block_is_named(rounds, t) ||
	    (block_is_tagged(rounds, t) && sc->resets == 0 &&
		block_tags_name(rounds)))
		return false;
	if (t->n_probes > 0)
		sent = rounds->s.probes[t->first_probe].sent_ns;
	return block_blocked_until(rounds, t->conn, sc->local.port, sent) >
	    sent;
}

/* Within the block nothing opens, or comes so far that a trigger is due. */
static bool
block_meets_openings(const struct rounds *rounds)
{
	for (size_t i = 0; i < rounds->n_trials; i++)
		if (trial_came_to_nothing(&rounds->trials[i]) &&
		    block_spoils(rounds, &rounds->trials[i]))
			return true;
	return false;
}

bool
block_spaces_trials(const struct rounds *rounds)
{
	return block_meets_trials(rounds) && rounds->residual.hi_ns != 0 &&
	    (!block_tags_name(rounds) || block_meets_openings(rounds));
}

unsigned int
block_count_clean(
    const struct rounds *rounds, enum trial_kind kind, bool drew_only)
{
	const struct trial *t;
	unsigned int n = 0;
	bool drew;

	for (size_t i = 0; i < rounds->n_trials; i++) {
		t = &rounds->trials[i];
		drew = trial_drew_reset(&rounds->s, t);
		if (t->kind != kind || !trial_was_sent(t) ||
		    (drew_only && !drew) || (t->poll && drew) ||
		    block_spoils(rounds, t))
			continue;
		n++;
	}
	return n;
}

unsigned int
block_count_spoiled(const struct rounds *rounds)
{
	unsigned int n = 0;

	for (size_t i = 0; i < rounds->n_trials; i++)
		n += block_spoils(rounds, &rounds->trials[i]);
	return n;
}

int
block_await_end(struct rounds *rounds, struct fault *f)
{
	int64_t now, until;

	for (;;) {
		now = session_now(&rounds->s);
		until = block_blocked_until(rounds, -1, rounds->src_port, now);
		if (until > rounds->end_ns)
			until = rounds->end_ns;
		if (now >= until)
			return 0;
		/* Nor may the trace go on: it would meet the block. */
		if (session_pump_only(&rounds->s, until, NULL, NULL, f) == -1)
			return -1;
	}
}
