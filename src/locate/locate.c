/*
 * locate: reproduce, trace, fire, until the posterior is sure.
 *
 * The campaign goes in rounds.  A round opens some connections side by side,
 * each with one trial, and ends when nothing prompt is to come of them; late
 * resets are charged to the connection that they name, whenever they come.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/control.h>

#include "locate_int.h"

#define CONNECT_NS   (5 * CLOCK_S)
#define TRIGGERS_MAX 66 /* silent triggers, then: not reproduced */
#define PLAIN_AFTER  12 /* so many silent, where plain ones may do better */
#define REST_NS	     (CLOCK_S + 50 * CLOCK_MS)

int
locate_exit_status(const struct locate_result *r)
{
	return r->verdict.hop != 0 ? 0 : 1;
}

/* Waits for late resets where there is none yet. */
static int
settle_unfired(struct campaign *c, struct fault *f)
{
	if (campaign_count(c, TRIAL_FULL, true) > 0)
		return 0;
	return campaign_settle(c, true, f);
}

/*
 * Some devices are late: after so many silent triggers, time for them, lest
 * dozens are sent that fire all the same.
 */
static bool
is_pause_due(unsigned int before, unsigned int done)
{
	static const unsigned int at[] = {4, 12, 36};
	size_t i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (before < at[i] && done >= at[i])
			return true;
	return false;
}

/* One more step of reproduction. */
static int
run_triggers(struct campaign *c, unsigned int triggers, struct fault *f)
{
	struct shot_plan plans[CAMPAIGN_ROUND];
	char text[80];
	size_t n;

	n = campaign_add_triggers(c, triggers, plans, 0);
	if (campaign_run(c, plans, n, f) == -1)
		return -1;
	snprintf(text, sizeof(text), "reproducing: %u of %u triggers reset",
	    campaign_count(c, TRIAL_FULL, true),
	    campaign_count(c, TRIAL_FULL, false));
	campaign_progress(c, text);
	return 0;
}

static unsigned int
triggers_max(const struct campaign *c)
{
	return c->ask->plain_header && !c->s.short_of_server ? PLAIN_AFTER
							     : TRIGGERS_MAX;
}

/*
 * The first reset.  Triggers with their controls, more at once while it is
 * silent.
 */
static int
reproduce(struct campaign *c, struct fault *f)
{
	unsigned int done = 0, before = 0;

	while (done < triggers_max(c) && !campaign_is_over(c, 2) &&
	    !campaign_is_refused(c) &&
	    campaign_count(c, TRIAL_FULL, true) == 0) {
		if (run_triggers(c, 1 + done / 2, f) == -1)
			return -1;
		done = campaign_count(c, TRIAL_FULL, false);
		if (is_pause_due(before, done) && settle_unfired(c, f) == -1)
			return -1;
		before = done;
	}
	if (campaign_count(c, TRIAL_FULL, true) == 0)
		campaign_tell_end(c, done < TRIGGERS_MAX ? 2 : 0);
	return settle_unfired(c, f);
}

static bool
alive_known(void *arg)
{
	const struct session *s = arg;
	size_t i;

	for (i = 0; i < s->n_conns; i++)
		if (s->conns[i].server_alive != RESULT_UNSURE)
			return true;
	return false;
}

/* After a reset at full TTL: does the server still hold the connection? */
static int
ask_server_side(struct campaign *c, struct fault *f)
{
	int64_t wait = c->timing.rtt_ns * 2 + 50 * CLOCK_MS;
	const struct session_conn *sc;
	size_t i;

	for (i = 0; i < c->n_trials; i++) {
		sc = &c->s.conns[c->trials[i].conn];
		if (c->trials[i].kind != TRIAL_FULL || sc->resets == 0 ||
		    sc->alive_asked || sc->tcb.client_fin)
			continue;
		if (session_ask_alive(&c->s, c->trials[i].conn, f) == -1)
			return -1;
		return session_pump(&c->s, session_now(&c->s) + wait,
			   alive_known, &c->s, f) == -1
		    ? -1
		    : 0;
	}
	return 0;
}

/* Setting out and coming home. */

static void
head_from_ask(struct locate_result *out, const struct locate_ask *ask)
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
make_load(struct campaign *c, struct fault *f)
{
	const struct locate_ask *ask = c->ask;

	c->load.trigger = ask->payload;
	c->load.trigger_len = ask->payload_len;
	c->load.control = ask->control;
	c->load.control_len = ask->control_len;
	if (ask->trigger == RESULT_TRIGGER_NONE || ask->control != NULL)
		return 0;
	c->control = malloc(ask->payload_len);
	if (c->control == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	control_default(ask->payload, ask->payload_len, c->control);
	c->load.control = c->control;
	c->load.control_len = ask->payload_len;
	return 0;
}

static void
open_session(struct campaign *c, struct world *w)
{
	const struct locate_ask *ask = c->ask;
	struct session_ask sa = {0};

	sa.w = w;
	sa.target = ask->target;
	sa.src = ask->route.src;
	sa.max_hops = ask->max_hops;
	sa.rate_pps = ask->rate_pps;
	sa.maker = ask->maker;
	sa.attach = ask->attach;
	sa.plain_header = ask->plain_header;
	sa.path = &c->out->path;
	sa.evidence = &c->out->evidence;
	session_init(&c->s, &sa);
	c->tracing.s = &c->s;
	c->src_port = ask->src_port;
	c->reuses_ports = ask->src_port != 0;
	c->end_ns = c->s.started_ns + ask->max_time_ns - ask->spent_ns;
}

struct talk_wait {
	struct session *s;
	int conn;
};

static bool
talk_is_over(void *arg)
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
await_talk(struct campaign *c, int conn, struct fault *f)
{
	struct talk_wait w = {&c->s, conn};

	if (c->ask->maker.make == NULL)
		return 0;
	campaign_progress(c, "logging in");
	if (session_pump(&c->s, c->end_ns, talk_is_over, &w, f) == -1)
		return -1;
	if (!session_talk_failed(&c->s, conn) || c->s.conns[conn].resets > 0)
		return 0;
	*f = c->s.talk_fault;
	return -1;
}

/* The first connection: its handshake gives the server's TTL and distance. */
static int
open_first(struct campaign *c, struct fault *f)
{
	const struct tcb *tcb;
	int conn, rc;

	campaign_progress(c, "connecting");
	conn = session_open(&c->s, ARM_NONE, c->src_port, f);
	if (conn == -1)
		return -1;
	rc = session_wait_open(&c->s, conn, CONNECT_NS, f);
	if (rc == 0 && session_state(&c->s, conn) == CONN_CLOSED &&
	    await_talk(c, conn, f) == -1)
		return -1; /* it said why before it closed */
	if (rc == 0)
		return session_open_fault(&c->s, conn, f);
	if (rc == -1)
		return -1;
	tcb = &c->s.conns[conn].tcb;
	c->out->head.source = c->s.conns[conn].local;
	c->out->path.established = true;
	c->out->path.server_ttl = tcb->server_ttl;
	c->out->path.server_rtt_ns = tcb->rtt_ns;
	c->timing.rtt_ns = tcb->rtt_ns;
	if (tracing_begin(&c->tracing, &c->s, conn, false, f) == -1)
		return -1;
	return await_talk(c, conn, f);
}

static bool
trace_is_done(void *arg)
{
	const struct tracing *t = arg;

	return tracing_complete(t) || t->given_up;
}

/* Lets the trace come to its end; prompt: only as long as answers come. */
static int
finish_trace(struct campaign *c, bool prompt, struct fault *f)
{
	int64_t wait =
	    prompt ? c->timing.rtt_ns * 3 / 2 + 20 * CLOCK_MS : 4 * CLOCK_S;
	int64_t until = session_now(&c->s) + wait;

	campaign_progress(c, "tracing the path");
	if (session_pump(&c->s, until < c->end_ns ? until : c->end_ns,
		trace_is_done, &c->tracing, f) == -1)
		return -1;
	tracing_conclude(&c->tracing);
	return 0;
}

static bool
is_reset(void *arg)
{
	const struct session_conn *sc = arg;

	return sc->resets > 0;
}

/* A connection in which nothing is sent: 1 it is reset all the same, 0, -1. */
static int
idle_is_reset(struct campaign *c, struct fault *f)
{
	int64_t wait = c->timing.rtt_ns + REST_NS;
	size_t i;
	int conn;

	for (i = 0; i < c->s.n_resets; i++)
		if (c->s.resets[i].at_ns -
			c->s.conns[c->s.resets[i].conn].opened_ns >
		    wait / 2)
			wait = 2 *
			    (c->s.resets[i].at_ns -
				c->s.conns[c->s.resets[i].conn].opened_ns);
	conn = session_open(&c->s, ARM_NONE, c->src_port, f);
	if (conn == -1 ||
	    session_pump(&c->s, session_now(&c->s) + wait, is_reset,
		&c->s.conns[conn], f) == -1)
		return -1;
	session_close(&c->s, conn);
	return c->s.conns[conn].resets > 0;
}

/* What the server refused in company, again, one connection at a time. */
static int
start_over(struct campaign *c, struct fault *f)
{
	if (finish_trace(c, false, f) == -1 || campaign_go_alone(c, f) == -1)
		return -1;
	result_note(&c->out->notes,
	    "The server refuses a connection while another is open: all was "
	    "done again, one at a time.");
	campaign_progress(c, "once more, one connection at a time");
	if (session_pump(&c->s, session_now(&c->s) + REST_NS, NULL, NULL, f) ==
	    -1)
		return -1;
	return reproduce(c, f);
}

/* Where nothing fires: without TCP options, if the application had none. */
static int
try_plain(struct campaign *c, struct fault *f)
{
	int rc;

	if (!c->ask->plain_header || campaign_is_over(c, 2) ||
	    campaign_count(c, TRIAL_FULL, true) > 0)
		return 0;
	if (finish_trace(c, false, f) == -1)
		return -1;
	rc = campaign_go_plain(c, f);
	return rc == 1 ? reproduce(c, f) : rc;
}

static int
campaign(struct campaign *c, struct fault *f)
{
	bool trigger = c->ask->trigger != RESULT_TRIGGER_NONE;
	bool attach = c->ask->attach.port != 0;
	int rc;

	if (make_load(c, f) == -1 ||
	    (attach ? campaign_attach(c, f) : open_first(c, f)) == -1)
		return -1;
	if (!trigger)
		return finish_trace(c, false, f);
	if (c->ask->src_port != 0) {
		if (finish_trace(c, false, f) == -1)
			return -1;
		session_close(&c->s, 0);
	}
	if (c->ask->sweep_ports > 0 && sweep_run(c, f) == -1)
		return -1;
	if (reproduce(c, f) == -1 ||
	    (campaign_is_refused(c) && start_over(c, f) == -1) ||
	    try_plain(c, f) == -1 || finish_trace(c, true, f) == -1)
		return -1;
	if (campaign_is_refused(c)) {
		rc = idle_is_reset(c, f);
		if (rc == 1)
			result_note(&c->out->notes,
			    "Connections are reset also where nothing is sent "
			    "in them: no trigger fires that.");
		if (rc != 0)
			return rc == 1 ? 0 : -1;
	}
	if (campaign_count(c, TRIAL_FULL, true) == 0)
		return 0;
	if (ask_server_side(c, f) == -1 ||
	    campaign_measure_residual(c, f) == -1)
		return -1;
	if (campaign_find_device(c, f) == -1)
		return -1;
	return campaign_compare(c, f);
}

/* What there is to say, also after an interrupt or a fault midway. */
static int
conclude(struct campaign *c, struct fault *f)
{
	struct result_head *h = &c->out->head;

	if (campaign_update(c, true, f) == -1 ||
	    verdict_fill_figures(c, f) == -1 || verdict_fill(c, f) == -1)
		return -1;
	tracing_note_proxy(&c->tracing, &c->out->notes);
	h->duration_ns =
	    session_now(&c->s) - c->s.started_ns + c->ask->spent_ns;
	h->connections =
	    c->ask->attach.port != 0 ? 1 : (unsigned int)c->s.n_conns;
	h->packets_sent = c->s.packets_sent;
	return 0;
}

/*
 * An interrupt, or a network that goes away once the work is under way, ends
 * the campaign but not the report.
 */
static bool
still_reports(struct campaign *c, const struct fault *f)
{
	if (f->kind == FAULT_INTERRUPTED) {
		c->out->head.interrupted = f->signal;
		return true;
	}
	if (f->kind == FAULT_NETWORK && c->n_trials > 0) {
		c->out->head.trouble = *f;
		return true;
	}
	return false;
}

int
locate_run(const struct locate_ask *ask, struct world *w,
    struct locate_result *out, struct fault *f)
{
	struct campaign c = {0};
	int rc;

	c.ask = ask;
	c.out = out;
	head_from_ask(out, ask);
	open_session(&c, w);
	rc = campaign(&c, f);
	if (rc == -1 && still_reports(&c, f)) {
		fault_clear(f);
		rc = 0;
	}
	if (rc == 0)
		rc = conclude(&c, f);
	session_free(&c.s);
	infer_free(c.infer);
	infer_free(c.assumed);
	free(c.trials);
	free(c.control);
	return rc;
}
