/*
 * What runs: the state of the rounds, and what can be asked of it.
 */
#include <stdlib.h>

#include <rsthop/clock.h>
#include <rsthop/num.h>
#include <rsthop/rounds.h>
#include <rsthop/vec.h>

/* Triggers that have each a control of its own; then, a control to so many. */
#define ROUNDS_CONTROLS_FIRST 3
#define ROUNDS_CONTROLS_LATER 3
#define ROUNDS_ALONE_NS	      (50 * CLOCK_MS)
#define ROUNDS_REUSE_NS	      (10 * CLOCK_MS)
#define ROUNDS_FAILURES_MAX   4 /* connections that fail in a row: it is over */

void
rounds_progress(const struct rounds *rounds, const char *text)
{
	if (rounds->ask->progress != NULL)
		rounds->ask->progress(rounds->ask->progress_ctx, text);
}

unsigned int
rounds_count(const struct rounds *rounds, enum trial_kind kind, bool drew_only)
{
	unsigned int n = 0;

	for (size_t i = 0; i < rounds->n_trials; i++)
		if (rounds->trials[i].kind == kind &&
		    trial_was_sent(&rounds->trials[i]) &&
		    (!drew_only ||
			trial_drew_reset(&rounds->s, &rounds->trials[i])))
			n++;
	return n;
}

unsigned int
rounds_count_plain(const struct rounds *rounds)
{
	unsigned int n = 0;

	for (size_t i = 0; i < rounds->n_trials; i++)
		n += rounds->trials[i].plain &&
		    rounds->trials[i].kind == TRIAL_BURST &&
		    trial_was_sent(&rounds->trials[i]);
	return n;
}

/*
 * Adds triggers to a round, and the controls that go with them: each has its
 * own at first, later one in three.
 */
size_t
rounds_add_triggers(const struct rounds *rounds, unsigned int triggers,
    struct shot_plan plans[ROUNDS_WIDTH], size_t n)
{
	unsigned int fulls = rounds_count(rounds, TRIAL_FULL, false);
	unsigned int controls = rounds_count(rounds, TRIAL_CONTROL, false);

	for (; triggers > 0 && n + 1 < ROUNDS_WIDTH; triggers--) {
		fulls++;
		if (controls < ROUNDS_CONTROLS_FIRST ||
		    controls * ROUNDS_CONTROLS_LATER < fulls) {
			plans[n++] = (struct shot_plan){.kind = TRIAL_CONTROL};
			controls++;
		}
		plans[n++] = (struct shot_plan){.kind = TRIAL_FULL};
	}
	return n;
}

/* Connections that the budget still allows. */
static unsigned int
rounds_budget(const struct rounds *rounds)
{
	unsigned int used = (unsigned int)rounds->s.n_conns;

	return used < rounds->ask->max_connections
	    ? rounds->ask->max_connections - used
	    : 0;
}

/*
 * The program has let go of it, or lost it: nothing more can be learnt there.
 */
bool
rounds_flow_is_gone(const struct rounds *rounds)
{
	const struct session_conn *sc;

	if (rounds->ask->attach.port == 0 || rounds->s.n_conns == 0)
		return false;
	sc = &rounds->s.conns[rounds->s.n_conns - 1];
	return sc->tcb.client_fin || sc->tcb.server_fin || sc->we_reset;
}

/*
 * It ends without an answer: because nothing could be opened any more, or
 * because all that it was allowed is used up?
 */
void
rounds_tell_end(struct rounds *rounds, unsigned int need)
{
	char here[ADDR_ENDPOINT], there[ADDR_ENDPOINT];

	if (rounds_flow_is_gone(rounds))
		fault(&rounds->trouble, FAULT_NETWORK,
		    "the connection from %s to %s has ended meanwhile",
		    endpoint_format(&rounds->ask->attach, here),
		    endpoint_format(&rounds->ask->target, there));
	if (rounds->failures >= ROUNDS_FAILURES_MAX)
		rounds->trouble = rounds->failure;
	else if (rounds->broken >= ROUNDS_BROKEN_MAX)
		fault(&rounds->trouble, FAULT_NETWORK,
		    "%u connections in a row were cut short before the "
		    "trigger was due: more could make the server lock this "
		    "client out",
		    rounds->broken);
	else if (session_now(&rounds->s) >= rounds->end_ns)
		rounds->reached = RESULT_BOUND_TIME;
	else if (rounds_budget(rounds) < need)
		rounds->reached = RESULT_BOUND_CONNECTIONS;
}

bool
rounds_are_over(const struct rounds *rounds, unsigned int need)
{
	return rounds_flow_is_gone(rounds) || rounds_budget(rounds) < need ||
	    session_now(&rounds->s) >= rounds->end_ns ||
	    rounds->failures >= ROUNDS_FAILURES_MAX ||
	    rounds->broken >= ROUNDS_BROKEN_MAX;
}

/*
 * A server that minds company needs time to see the last one go; and where a
 * port is used again, it has to let go of what only this end was reset on
 * (rounds_free_server()): else it answers the SYN with its old numbers, and
 * a second goes by before the next (RFC 9293, section 3.10.7.4).
 */
int64_t
rounds_pause_ns(const struct rounds *rounds)
{
	int64_t least = 0;

	if (rounds->alone)
		least = 2 * rounds->timing.rtt_ns + ROUNDS_ALONE_NS;
	else if (rounds->reuses_ports)
		least = rounds->timing.rtt_ns * 3 / 2 + ROUNDS_REUSE_NS;
	least = rounds->backoff_ns > least ? rounds->backoff_ns : least;
	return rounds->ask->cooldown_ns > least ? rounds->ask->cooldown_ns
						: least;
}

int
rounds_wait(struct rounds *rounds, int64_t wait_ns, struct fault *f)
{
	int64_t until = session_now(&rounds->s) + wait_ns;

	return session_pump(&rounds->s, num_min64(until, rounds->end_ns), NULL,
		   NULL, f) == -1
	    ? -1
	    : 0;
}

/* Room for one more trial: it is there, and not counted yet. */
int
rounds_make_room(struct rounds *rounds, struct fault *f)
{
	if (VEC_ROOM(rounds->trials, rounds->n_trials, rounds->cap_trials) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	return 0;
}

/*
 * A reset that only this end was sent leaves the server with an open
 * connection.  What it answers when asked, our kernel resets.
 */
int
rounds_free_server(struct rounds *rounds, int conn, struct fault *f)
{
	const struct session_conn *sc = &rounds->s.conns[conn];

	if (sc->resets == 0 || sc->alive_asked || !sc->tcb.established)
		return 0;
	return session_ask_alive(&rounds->s, conn, f);
}

void
rounds_conclude_path(struct rounds *rounds)
{
	int last;

	tracing_conclude(&rounds->tracing);
	last = rounds_hops(rounds) - 1;
	if (rounds->ask->attach.port != 0)
		last = path_shown_reach(rounds->s.path, last);
	rounds->load.last_ttl = last;
}

int
rounds_hops(const struct rounds *rounds)
{
	int n = rounds->s.path->server_hops;

	if (n == 0)
		n = rounds->s.path->n_hops + 1;
	return n <= INFER_MAX_HOPS ? n : INFER_MAX_HOPS;
}

void
rounds_free(struct rounds *rounds)
{
	session_free(&rounds->s);
	free(rounds->trials);
	free(rounds->control);
}
