/*
 * locate: reproduce, trace, send triggers, until the posterior is sure.
 *
 * The campaign goes in rounds.  A round opens some connections side by side,
 * each with one trial, and ends when nothing prompt is to come of them; late
 * resets are charged to the connection that they name, whenever they come.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/belief.h>
#include <rsthop/clock.h>
#include <rsthop/control.h>
#include <rsthop/figures.h>
#include <rsthop/locate.h>
#include <rsthop/num.h>
#include <rsthop/residual.h>
#include <rsthop/run.h>
#include <rsthop/verdict.h>

#include "attach.h"
#include "controls.h"
#include "plain.h"
#include "refusal.h"
#include "search.h"
#include "sweep.h"

#define LOCATE_CONNECT_NS   (5 * CLOCK_S)
#define LOCATE_TRIGGERS_MAX 66 /* silent triggers, then: not reproduced */
#define LOCATE_PLAIN_AFTER \
	12 /* so many silent, where plain ones may do better */
/* For a reset that no trigger draws; for the server to forget connections. */
#define LOCATE_IDLE_NS (1050 * CLOCK_MS)

int
locate_exit_status(const struct locate_result *r)
{
	return r->verdict.hop != 0 ? 0 : 1;
}

/* Waits for late resets where none has come yet. */
static int
locate_settle_silent(struct rounds *rounds, struct fault *f)
{
	if (rounds_count(rounds, TRIAL_FULL, true) > 0)
		return 0;
	return run_settle(rounds, true, f);
}

/*
 * Some devices are late: after so many silent triggers, time for them, lest
 * dozens are sent that draw resets all the same.
 */
static bool
locate_is_pause_due(unsigned int before, unsigned int done)
{
	static const unsigned int at[] = {4, 12, 36};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (before < at[i] && done >= at[i])
			return true;
	return false;
}

/* One more step of reproduction. */
static int
locate_run_triggers(
    struct rounds *rounds, unsigned int triggers, struct fault *f)
{
	struct shot_plan plans[ROUNDS_WIDTH];
	char text[80];
	size_t n;

	n = rounds_add_triggers(rounds, triggers, plans, 0);
	if (run_trials(rounds, plans, n, f) == -1)
		return -1;
	snprintf(text, sizeof(text), "reproducing: %u of %u triggers reset",
	    rounds_count(rounds, TRIAL_FULL, true),
	    rounds_count(rounds, TRIAL_FULL, false));
	rounds_progress(rounds, text);
	return 0;
}

static unsigned int
locate_triggers_max(const struct rounds *rounds)
{
	return rounds->ask->plain_header && !rounds->s.short_of_server
	    ? LOCATE_PLAIN_AFTER
	    : LOCATE_TRIGGERS_MAX;
}

/*
 * The first reset.  Triggers with their controls, more at once while it is
 * silent.
 */
static int
locate_reproduce(struct rounds *rounds, struct fault *f)
{
	unsigned int done = 0, before = 0;

	while (done < locate_triggers_max(rounds) &&
	    !rounds_are_over(rounds, 2) && !refusal_is_seen(rounds) &&
	    rounds_count(rounds, TRIAL_FULL, true) == 0) {
		if (locate_run_triggers(rounds, 1 + done / 2, f) == -1)
			return -1;
		done = rounds_count(rounds, TRIAL_FULL, false);
		if (locate_is_pause_due(before, done) &&
		    locate_settle_silent(rounds, f) == -1)
			return -1;
		before = done;
	}
	if (rounds_count(rounds, TRIAL_FULL, true) == 0)
		rounds_tell_end(rounds, done < LOCATE_TRIGGERS_MAX ? 2 : 0);
	return locate_settle_silent(rounds, f);
}

static bool
locate_alive_known(void *arg)
{
	const struct session *s = arg;

	for (size_t i = 0; i < s->n_conns; i++)
		if (s->conns[i].server_alive != RESULT_UNSURE)
			return true;
	return false;
}

/* After a reset at full TTL: does the server still hold the connection? */
static int
locate_ask_server_side(struct rounds *rounds, struct fault *f)
{
	int64_t wait = rounds->timing.rtt_ns * 2 + 50 * CLOCK_MS;
	const struct session_conn *sc;

	for (size_t i = 0; i < rounds->n_trials; i++) {
		sc = &rounds->s.conns[rounds->trials[i].conn];
		if (rounds->trials[i].kind != TRIAL_FULL || sc->resets == 0 ||
		    sc->alive_asked || sc->tcb.client_fin)
			continue;
		if (session_ask_alive(&rounds->s, rounds->trials[i].conn, f) ==
		    -1)
			return -1;
		return session_pump(&rounds->s, session_now(&rounds->s) + wait,
			   locate_alive_known, &rounds->s, f) == -1
		    ? -1
		    : 0;
	}
	return 0;
}

/* --- setting out and coming home --- */

static void
locate_head_from_ask(struct locate_result *out, const struct locate_ask *ask)
{
	struct result_head *h = &out->head;

	memset(out, 0, sizeof(*out));
	snprintf(h->host, sizeof(h->host), "%s", ask->host);
	h->target = ask->target;
	h->source.addr = ask->route.src;
	snprintf(h->ifname, sizeof(h->ifname), "%s", ask->route.ifname);
	h->started_unix_ns = ask->started_unix_ns;
	out->trigger = ask->trigger;
	out->trigger_bytes = ask->payload;
	out->trigger_len = ask->payload_len;
	out->before =
	    ask->maker.make != NULL ? ask->before : RESULT_BEFORE_NOTHING;
	out->attached = ask->attach.port != 0;
	out->exec_runs = ask->exec_runs;
	out->exec_resets = ask->exec_resets;
	out->budget.max_connections = ask->max_connections;
	out->budget.max_time_ns = ask->max_time_ns;
	out->n_given_ttls = ask->n_rst_ttls;
	memcpy(out->given_ttls, ask->rst_ttls, sizeof(out->given_ttls));
}

static int
locate_make_load(struct rounds *rounds, struct fault *f)
{
	const struct locate_ask *ask = rounds->ask;

	rounds->load.trigger = ask->payload;
	rounds->load.trigger_len = ask->payload_len;
	rounds->load.control = ask->control;
	rounds->load.control_len = ask->control_len;
	if (ask->trigger == RESULT_TRIGGER_NONE || ask->control != NULL)
		return 0;
	rounds->control = malloc(ask->payload_len);
	if (rounds->control == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	control_default(ask->payload, ask->payload_len, rounds->control);
	rounds->load.control = rounds->control;
	rounds->load.control_len = ask->payload_len;
	return 0;
}

static void
locate_open_session(
    struct rounds *rounds, struct world *w, struct locate_result *out)
{
	const struct locate_ask *ask = rounds->ask;
	struct session_ask sa = {0};

	sa.w = w;
	sa.target = ask->target;
	sa.src = ask->route.src;
	sa.max_hops = ask->max_hops;
	sa.rate_pps = ask->rate_pps;
	sa.maker = ask->maker;
	sa.attach = ask->attach;
	sa.plain_header = ask->plain_header;
	sa.path = &out->path;
	sa.evidence = &out->evidence;
	session_init(&rounds->s, &sa);
	rounds->tracing.s = &rounds->s;
	rounds->src_port = ask->src_port;
	rounds->reuses_ports = ask->src_port != 0;
	rounds->end_ns =
	    rounds->s.started_ns + ask->max_time_ns - ask->spent_ns;
}

struct talk_wait {
	struct session *s;
	int conn;
};

static bool
locate_talk_is_over(void *arg)
{
	const struct talk_wait *w = arg;

	return session_talk_ready(w->s, w->conn) ||
	    session_talk_failed(w->s, w->conn) ||
	    w->s->conns[w->conn].resets > 0;
}

/*
 * The first talk shows whether there can be others.  One that was cut short by
 * a reset is what this is all about.
 */
static int
locate_await_talk(struct rounds *rounds, int conn, struct fault *f)
{
	struct talk_wait w = {&rounds->s, conn};

	if (rounds->ask->maker.make == NULL)
		return 0;
	rounds_progress(rounds, "logging in");
	if (session_pump(
		&rounds->s, rounds->end_ns, locate_talk_is_over, &w, f) == -1)
		return -1;
	if (!session_talk_failed(&rounds->s, conn) ||
	    rounds->s.conns[conn].resets > 0)
		return 0;
	*f = rounds->s.talk_fault;
	return -1;
}

/* The first connection: its handshake gives the server's TTL and distance. */
static int
locate_open_first(struct rounds *rounds, struct fault *f)
{
	const struct tcb *tcb;
	int conn, rc;

	rounds_progress(rounds, "connecting");
	conn = session_open(&rounds->s, ARM_NONE, rounds->src_port, f);
	if (conn == -1)
		return -1;
	rc = session_wait_open(&rounds->s, conn, LOCATE_CONNECT_NS, f);
	if (rc == 0 && session_state(&rounds->s, conn) == CONN_CLOSED &&
	    locate_await_talk(rounds, conn, f) == -1)
		return -1; /* it said why before it closed */
	if (rc == 0)
		return session_open_fault(&rounds->s, conn, f);
	if (rc == -1)
		return -1;
	tcb = &rounds->s.conns[conn].tcb;
	rounds->source = rounds->s.conns[conn].local;
	rounds->s.path->established = true;
	rounds->s.path->server_ttl = tcb->server_ttl;
	rounds->s.path->server_rtt_ns = tcb->rtt_ns;
	rounds->timing.rtt_ns = tcb->rtt_ns;
	if (tracing_begin(&rounds->tracing, &rounds->s, conn, false, f) == -1)
		return -1;
	return locate_await_talk(rounds, conn, f);
}

static bool
locate_trace_is_done(void *arg)
{
	const struct tracing *t = arg;

	return tracing_complete(t) || t->given_up;
}

/* Lets the trace come to its end; prompt: only as long as answers come. */
static int
locate_finish_trace(struct rounds *rounds, bool prompt, struct fault *f)
{
	int64_t wait = prompt ? rounds->timing.rtt_ns * 3 / 2 + 20 * CLOCK_MS
			      : 4 * CLOCK_S;
	int64_t until = session_now(&rounds->s) + wait;

	rounds_progress(rounds, "tracing the path");
	if (session_pump(&rounds->s, num_min64(until, rounds->end_ns),
		locate_trace_is_done, &rounds->tracing, f) == -1)
		return -1;
	tracing_conclude(&rounds->tracing);
	return 0;
}

static bool
locate_is_reset(void *arg)
{
	const struct session_conn *sc = arg;

	return sc->resets > 0;
}

/* A connection in which nothing is sent: 1 it is reset all the same, 0, -1. */
static int
locate_idle_is_reset(struct rounds *rounds, struct fault *f)
{
	int64_t wait = rounds->timing.rtt_ns + LOCATE_IDLE_NS;
	int conn;

	for (size_t i = 0; i < rounds->s.n_resets; i++)
		if (rounds->s.resets[i].at_ns -
			rounds->s.conns[rounds->s.resets[i].conn].opened_ns >
		    wait / 2)
			wait = 2 *
			    (rounds->s.resets[i].at_ns -
				rounds->s.conns[rounds->s.resets[i].conn]
				    .opened_ns);
	conn = session_open(&rounds->s, ARM_NONE, rounds->src_port, f);
	if (conn == -1 ||
	    session_pump(&rounds->s, session_now(&rounds->s) + wait,
		locate_is_reset, &rounds->s.conns[conn], f) == -1)
		return -1;
	session_close(&rounds->s, conn);
	return rounds->s.conns[conn].resets > 0;
}

/* What the server refused in company, again, one connection at a time. */
static int
locate_start_over(
    struct rounds *rounds, const struct belief *b, struct fault *f)
{
	if (locate_finish_trace(rounds, false, f) == -1 ||
	    refusal_go_alone(rounds, !belief_has_begun(b), f) == -1)
		return -1;
	result_note(&rounds->notes,
	    "The server refuses a connection while another is open: all was "
	    "done again, one at a time.");
	rounds_progress(rounds, "once more, one connection at a time");
	if (session_pump(&rounds->s, session_now(&rounds->s) + LOCATE_IDLE_NS,
		NULL, NULL, f) == -1)
		return -1;
	return locate_reproduce(rounds, f);
}

/* No reset came: without TCP options then, if the application had none. */
static int
locate_try_plain(struct rounds *rounds, struct belief *b, struct fault *f)
{
	int rc;

	if (!rounds->ask->plain_header || rounds_are_over(rounds, 2) ||
	    rounds_count(rounds, TRIAL_FULL, true) > 0)
		return 0;
	if (locate_finish_trace(rounds, false, f) == -1)
		return -1;
	rc = plain_go(rounds, b, f);
	return rc == 1 ? locate_reproduce(rounds, f) : rc;
}

static int
locate_campaign(struct rounds *rounds, struct belief *b, struct fault *f)
{
	bool trigger = rounds->ask->trigger != RESULT_TRIGGER_NONE;
	bool attach = rounds->ask->attach.port != 0;
	int rc;

	if (locate_make_load(rounds, f) == -1 ||
	    (attach ? attach_run(rounds, b, f)
		    : locate_open_first(rounds, f)) == -1)
		return -1;
	if (!trigger)
		return locate_finish_trace(rounds, false, f);
	if (rounds->ask->src_port != 0) {
		if (locate_finish_trace(rounds, false, f) == -1)
			return -1;
		session_close(&rounds->s, 0);
	}
	if (rounds->ask->sweep_ports > 0 && sweep_run(rounds, f) == -1)
		return -1;
	if (locate_reproduce(rounds, f) == -1 ||
	    (refusal_is_seen(rounds) &&
		locate_start_over(rounds, b, f) == -1) ||
	    locate_try_plain(rounds, b, f) == -1 ||
	    locate_finish_trace(rounds, true, f) == -1)
		return -1;
	if (refusal_is_seen(rounds)) {
		rc = locate_idle_is_reset(rounds, f);
		if (rc == 1)
			result_note(&rounds->notes,
			    "Connections are reset also where nothing is sent "
			    "in them: no trigger fires that.");
		if (rc != 0)
			return rc == 1 ? 0 : -1;
	}
	if (rounds_count(rounds, TRIAL_FULL, true) == 0)
		return 0;
	if (locate_ask_server_side(rounds, f) == -1 ||
	    residual_measure(rounds, f) == -1)
		return -1;
	if (search_run(rounds, b, f) == -1)
		return -1;
	return controls_compare(rounds, b, f);
}

/* What the rounds have kept for the report. */
static void
locate_take_rounds(const struct rounds *rounds, struct locate_result *out)
{
	struct result_head *h = &out->head;

	if (rounds->source.port != 0)
		h->source = rounds->source;
	h->trouble = rounds->trouble;
	h->duration_ns = session_now(&rounds->s) - rounds->s.started_ns +
	    rounds->ask->spent_ns;
	h->connections =
	    rounds->ask->attach.port != 0 ? 1 : (unsigned int)rounds->s.n_conns;
	h->packets_sent = rounds->s.packets_sent;
	out->notes = rounds->notes;
	out->sweep = rounds->sweep;
	out->budget.reached = rounds->reached;
}

/* What there is to say, also after an interrupt or a fault midway. */
static int
locate_conclude(struct rounds *rounds, struct belief *b,
    struct locate_result *out, struct fault *f)
{
	locate_take_rounds(rounds, out);
	rounds_conclude_path(rounds);
	if (belief_update(b, rounds, true, f) == -1 ||
	    figures_fill(rounds, out, f) == -1 ||
	    verdict_fill(rounds->ask, rounds, b, out, f) == -1)
		return -1;
	tracing_note_proxy(&rounds->tracing, &out->notes);
	return 0;
}

/*
 * An interrupt, or a network that goes away once the work is under way, ends
 * the campaign but not the report.
 */
static bool
locate_still_reports(
    struct rounds *rounds, struct locate_result *out, const struct fault *f)
{
	if (f->kind == FAULT_INTERRUPTED) {
		out->head.interrupted = f->signal;
		return true;
	}
	if (f->kind == FAULT_NETWORK && rounds->n_trials > 0) {
		rounds->trouble = *f;
		return true;
	}
	return false;
}

int
locate_run(const struct locate_ask *ask, struct world *w,
    struct locate_result *out, struct fault *f)
{
	struct rounds rounds = {.ask = ask};
	struct belief belief = {0};
	int rc;

	locate_head_from_ask(out, ask);
	locate_open_session(&rounds, w, out);
	rc = locate_campaign(&rounds, &belief, f);
	if (rc == -1 && locate_still_reports(&rounds, out, f)) {
		fault_clear(f);
		rc = 0;
	}
	if (rc == 0)
		rc = locate_conclude(&rounds, &belief, out, f);
	rounds_free(&rounds);
	belief_free(&belief);
	return rc;
}
