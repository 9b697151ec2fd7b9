/*
 * A connection that another program holds open: its numbers, from what is seen
 * of it or from its server; then its path, and how far a trigger may go.
 */
#include <rsthop/clock.h>

#include "attach.h"

#define ATTACH_LISTEN_NS \
	(500 * CLOCK_MS) /* for what the program says by itself */
#define ATTACH_ANSWER_NS (1500 * CLOCK_MS)
/* Linux sends one challenge ACK in half a second (tcp_invalid_ratelimit). */
#define ATTACH_ASK_MAX	3
#define ATTACH_TRACE_NS (4 * CLOCK_S)

static bool
attach_numbers_known(void *arg)
{
	const struct session_conn *sc = arg;

	return sc->tcb.established || sc->resets > 0;
}

/* Does the server not know it?  Its reset to an odd segment says so. */
static int
attach_complain(const struct rounds *rounds, bool reset, struct fault *f)
{
	char here[ADDR_ENDPOINT], there[ADDR_ENDPOINT];

	endpoint_format(&rounds->ask->attach, here);
	endpoint_format(&rounds->ask->target, there);
	if (reset)
		return fault(f, FAULT_NETWORK,
		    "%s knows no connection from %s: see what is open with "
		    "ss -tn dst %s",
		    there, here, there);
	return fault(f, FAULT_NETWORK,
	    "nothing was seen of the connection from %s to %s: make the "
	    "program say something meanwhile, or see whether it is open with "
	    "ss -tn",
	    here, there);
}

static int
attach_learn_numbers(struct rounds *rounds, int conn, struct fault *f)
{
	int64_t asked_ns = 0;
	int rc;

	rc =
	    session_pump(&rounds->s, session_now(&rounds->s) + ATTACH_LISTEN_NS,
		attach_numbers_known, &rounds->s.conns[conn], f);
	for (int i = 0; rc == 0 && i < ATTACH_ASK_MAX; i++) {
		asked_ns = session_now(&rounds->s);
		if (session_draw_challenge_ack(&rounds->s, conn, f) == -1)
			return -1;
		rc = session_pump(&rounds->s, asked_ns + ATTACH_ANSWER_NS,
		    attach_numbers_known, &rounds->s.conns[conn], f);
	}
	if (rc == -1)
		return -1;
	if (rc == 0 || rounds->s.conns[conn].resets > 0)
		return attach_complain(rounds, rc == 1, f);
	return 0;
}

static bool
attach_is_alive(void *arg)
{
	const struct session_conn *sc = arg;

	return sc->server_alive != RESULT_UNSURE;
}

/* A sign of life, and how long it takes. */
static int
attach_learn_rtt(struct rounds *rounds, int conn, struct fault *f)
{
	int64_t asked_ns = session_now(&rounds->s);

	if (session_ask_alive(&rounds->s, conn, f) == -1 ||
	    session_pump(&rounds->s, asked_ns + ATTACH_ANSWER_NS,
		attach_is_alive, &rounds->s.conns[conn], f) == -1)
		return -1;
	if (rounds->s.conns[conn].server_alive != RESULT_YES)
		return attach_complain(
		    rounds, rounds->s.conns[conn].server_alive == RESULT_NO, f);
	rounds->timing.rtt_ns = session_now(&rounds->s) - asked_ns;
	rounds->s.path->server_rtt_ns = rounds->timing.rtt_ns;
	return 0;
}

static bool
attach_trace_is_over(void *arg)
{
	const struct tracing *t = arg;

	return tracing_complete(t) || t->given_up;
}

int
attach_run(struct rounds *rounds, struct belief *b, struct fault *f)
{
	int conn = session_open(&rounds->s, ARM_NONE, 0, f);

	if (conn == -1 || attach_learn_numbers(rounds, conn, f) == -1 ||
	    attach_learn_rtt(rounds, conn, f) == -1)
		return -1;
	rounds->source = rounds->ask->attach;
	rounds->s.path->established = true;
	rounds->s.path->server_ttl = rounds->s.conns[conn].tcb.server_ttl;
	if (tracing_begin(&rounds->tracing, &rounds->s, conn, false, f) == -1 ||
	    session_pump(&rounds->s, session_now(&rounds->s) + ATTACH_TRACE_NS,
		attach_trace_is_over, &rounds->tracing, f) == -1)
		return -1;
	/* How far a trigger may go: nothing is sent before it is known. */
	rounds_conclude_path(rounds);
	if (belief_update(b, rounds, true, f) == -1)
		return -1;
	if (rounds->load.last_ttl < 1)
		return fault(f, FAULT_NETWORK,
		    "no router between here and the server has answered: "
		    "nothing shows how far a trigger may go without reaching "
		    "it");
	return 0;
}
