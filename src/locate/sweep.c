/*
 * The sweep: does it depend on the source port whether triggers draw resets?
 *
 * Paths that share load are chosen by the five-tuple, and so are the boxes on
 * them (PHYSICS, trap 7); a device may as well choose by it.  So the trigger
 * goes out at full TTL from many ports side by side, from each several times
 * one after the other, a control now and then in its place.  That the ports
 * share one rate is tested exactly; where they do not, the flow of each is
 * traced, to see where those that drew resets part from the others.
 */
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/num.h>
#include <rsthop/run.h>
#include <rsthop/stats.h>

#include "refusal.h"
#include "sweep.h"

/* In one of so many rounds a port sends a control; each its own round. */
#define SWEEP_CONTROL_EVERY 4
#define SWEEP_ROUNDS_MIN    4 /* three triggers and a control for each port */
#define SWEEP_ROUNDS_MAX    8
#define SWEEP_DRAWS	    20000
/* The ports differ; or, for now, once all is done, look alike. */
#define SWEEP_P_DIFFER	   0.002
#define SWEEP_P_ALIKE_SOON 0.2
#define SWEEP_P_ALIKE	   0.05
/* Resets, at the least, in which ports that differ would have shown. */
#define SWEEP_RESETS_TELL 6
#define SWEEP_OPEN_NS	  (4 * CLOCK_S)
#define SWEEP_WAVES	  8
/* A hop that has answered nobody by then is silent. */
#define SWEEP_WAVES_OFF 3
/* So many flows through one router: no other stands beside it, likely. */
#define SWEEP_ONE_ROUTER 6

struct sweep {
	struct rounds *rounds;
	struct result_sweep *out;
	size_t n;		 /* ports */
	size_t first_trial;	 /* that counts */
	int conns[RESULT_PORTS]; /* to trace in; -1: it did not open */
	size_t order
	    [RESULT_PORTS]; /* ports that drew resets in turn with others */
	int last_ttl;
	/* By hop: how many ports have an answer; all by one router. */
	unsigned int answered[PATH_MAX_HOPS + 1];
	bool one[PATH_MAX_HOPS + 1];
};

/* --- rounds of trials --- */

static size_t
sweep_width(const struct sweep *sw)
{
	const struct rounds *rounds = sw->rounds;

	if (rounds->alone || rounds->ask->cooldown_ns > 0)
		return 1;
	return rounds->ask->maker.make != NULL ? ROUNDS_TALKS_AT_ONCE : sw->n;
}

/* One trial from a port; the first time the kernel may choose it. */
static int
sweep_begin_at(
    struct sweep *sw, size_t i, enum trial_kind kind, struct fault *f)
{
	struct rounds *rounds = sw->rounds;
	struct result_port *p = &sw->out->ports[i];
	struct shot_plan plan = {.kind = kind, .local_port = p->port};
	int conn;

	if (run_begin(rounds, &plan, f) == -1)
		return -1;
	conn = rounds->trials[rounds->n_trials - 1].conn;
	session_keep_port(&rounds->s, conn);
	p->port = rounds->s.conns[conn].local.port;
	return 0;
}

static int
sweep_let_go(struct sweep *sw, struct fault *f)
{
	struct rounds *rounds = sw->rounds;

	if (run_settle(rounds, true, f) == -1)
		return -1;
	return rounds_wait(rounds, rounds_pause_ns(rounds), f);
}

static int
sweep_run_round(struct sweep *sw, size_t round, struct fault *f)
{
	enum trial_kind kind;

	for (size_t i = 0; i < sw->n && !rounds_are_over(sw->rounds, 1); i++) {
		kind =
		    (i + round) % SWEEP_CONTROL_EVERY == SWEEP_CONTROL_EVERY - 1
		    ? TRIAL_CONTROL
		    : TRIAL_FULL;
		if (sweep_begin_at(sw, i, kind, f) == -1)
			return -1;
		if ((i + 1) % sweep_width(sw) == 0 && i + 1 < sw->n &&
		    sweep_let_go(sw, f) == -1)
			return -1;
	}
	return sweep_let_go(sw, f);
}

static size_t
sweep_port_of(const struct sweep *sw, const struct trial *t)
{
	for (size_t i = 0; i < sw->n; i++)
		if (sw->out->ports[i].port ==
		    sw->rounds->s.conns[t->conn].local.port)
			return i;
	return sw->n;
}

/* Triggers and resets by port; gives the resets of controls. */
static unsigned int
sweep_count(struct sweep *sw)
{
	struct rounds *rounds = sw->rounds;
	unsigned int controls = 0;
	const struct trial *t;
	bool drew;
	size_t p;

	for (p = 0; p < sw->n; p++)
		sw->out->ports[p].trials = sw->out->ports[p].resets = 0;
	for (size_t i = sw->first_trial; i < rounds->n_trials; i++) {
		t = &rounds->trials[i];
		p = sweep_port_of(sw, t);
		if (p == sw->n || !trial_was_sent(t))
			continue;
		drew = trial_drew_reset(&rounds->s, t);
		if (t->kind == TRIAL_CONTROL) {
			controls += drew;
			continue;
		}
		sw->out->ports[p].trials++;
		sw->out->ports[p].resets += drew;
	}
	return controls;
}

/* What the counts say; last: no more are to come. */
static void
sweep_judge(struct sweep *sw, bool last)
{
	struct stats_count g[RESULT_PORTS];
	struct result_sweep *out = sw->out;
	unsigned int controls = sweep_count(sw), hits = 0, silent = 0;
	double p;

	for (size_t i = 0; i < sw->n; i++) {
		g[i].k = out->ports[i].resets;
		g[i].n = out->ports[i].trials;
		hits += g[i].k;
		silent += g[i].n > 0 && g[i].k == 0;
	}
	p = stats_homogeneity(g, sw->n, SWEEP_DRAWS, &sw->rounds->s.rng);
	out->p_value = p;
	out->firing = RESULT_SWEEP_UNKNOWN;
	/* In a block that remains, ports that were reset are reset again. */
	if (hits == 0 || controls > 0)
		return;
	if (p >= 0 && p < SWEEP_P_DIFFER)
		out->firing = RESULT_SWEEP_BY_FLOW;
	else if (hits >= SWEEP_RESETS_TELL &&
	    (p < 0 || p >= (last ? SWEEP_P_ALIKE : SWEEP_P_ALIKE_SOON)))
		out->firing = RESULT_SWEEP_ANY_FLOW;
	else if (silent == 0 && last)
		out->firing = RESULT_SWEEP_ANY_FLOW;
}

static int
sweep_run_rounds(struct sweep *sw, struct fault *f)
{
	struct rounds *rounds = sw->rounds;
	unsigned int after = (unsigned int)sw->n + LOCATE_SWEEP_REST;
	size_t round = 0;

	while (round < SWEEP_ROUNDS_MAX) {
		if (sweep_run_round(sw, round++, f) == -1)
			return -1;
		if (!rounds->alone && refusal_is_seen(rounds)) {
			if (refusal_go_alone(rounds, true, f) == -1)
				return -1;
			sw->first_trial = rounds->n_trials;
			round = 0;
			continue;
		}
		if (round < SWEEP_ROUNDS_MIN)
			continue;
		sweep_judge(sw, false);
		if (sw->out->firing != RESULT_SWEEP_UNKNOWN ||
		    rounds_are_over(rounds, (unsigned int)sw->n + after) ||
		    rounds_count(rounds, TRIAL_FULL, true) == 0)
			break;
	}
	if (sw->out->firing == RESULT_SWEEP_UNKNOWN)
		sweep_judge(sw, true);
	return 0;
}

/* --- the flows of the ports --- */

static bool
sweep_draws(const struct sweep *sw, size_t i)
{
	return sw->out->ports[i].resets > 0;
}

/* So that what routers answer before they tire tells of both. */
static void
sweep_put_in_order(struct sweep *sw)
{
	size_t yes[RESULT_PORTS], no[RESULT_PORTS], n_yes = 0, n_no = 0, i, k;

	for (i = 0; i < sw->n; i++)
		if (sweep_draws(sw, i))
			yes[n_yes++] = i;
		else
			no[n_no++] = i;
	for (i = k = 0; k < sw->n; i++) {
		if (i < n_yes)
			sw->order[k++] = yes[i];
		if (i < n_no)
			sw->order[k++] = no[i];
	}
}

/* Open for its socket, and its numbers known from the capture; or failed. */
static bool
sweep_has_opened(const struct sweep *sw, size_t i)
{
	struct session *s = &sw->rounds->s;
	enum conn_state st;

	if (sw->conns[i] == -1)
		return true;
	st = session_state(s, sw->conns[i]);
	if (st == CONN_OPEN)
		return s->conns[sw->conns[i]].tcb.established;
	return st != CONN_CONNECTING;
}

static bool
sweep_all_open(void *arg)
{
	const struct sweep *sw = arg;

	for (size_t i = 0; i < sw->n; i++)
		if (!sweep_has_opened(sw, i))
			return false;
	return true;
}

/* Connections from all ports, in which no trigger is sent. */
static int
sweep_open_flows(struct sweep *sw, struct fault *f)
{
	struct session *s = &sw->rounds->s;

	for (size_t i = 0; i < sw->n; i++)
		sw->conns[i] = -1;
	for (size_t i = 0; i < sw->n && !rounds_are_over(sw->rounds, 1); i++) {
		sw->conns[i] =
		    session_open(s, ARM_NONE, sw->out->ports[i].port, f);
		if (sw->conns[i] == -1)
			return -1;
	}
	return session_pump(s, session_now(s) + SWEEP_OPEN_NS, sweep_all_open,
		   sw, f) == -1
	    ? -1
	    : 0;
}

/* Who answered at this hop of a port's flow; none. */
static struct addr
sweep_answer_at(const struct sweep *sw, size_t port, int ttl)
{
	const struct session *s = &sw->rounds->s;
	const struct addr none = {0};
	const struct probe *p;

	for (size_t i = s->n_probes; i-- > 0;) {
		p = &s->probes[i];
		if (p->kind == PROBE_FLOW && p->conn == sw->conns[port] &&
		    p->ttl == ttl && p->te)
			return p->from;
	}
	return none;
}

/* Sums up a hop: how many have answered, and whether they are one. */
static void
sweep_look_at_hop(struct sweep *sw, int ttl)
{
	struct addr first = {0}, a;

	sw->answered[ttl] = 0;
	sw->one[ttl] = true;
	for (size_t i = 0; i < sw->n; i++) {
		a = sweep_answer_at(sw, i, ttl);
		if (addr_is_none(&a))
			continue;
		if (sw->answered[ttl]++ == 0)
			first = a;
		else if (!addr_equal(&a, &first))
			sw->one[ttl] = false;
	}
}

/* Nothing more is to be asked of this hop. */
static bool
sweep_hop_is_known(const struct sweep *sw, int ttl, int wave)
{
	unsigned int n = sw->answered[ttl];

	return n == sw->n || (sw->one[ttl] && n >= SWEEP_ONE_ROUTER) ||
	    (n == 0 && wave >= SWEEP_WAVES_OFF);
}

/* Nothing more is to be asked at all. */
static bool
sweep_all_known(void *arg)
{
	struct sweep *sw = arg;

	for (int ttl = 1; ttl <= sw->last_ttl; ttl++) {
		sweep_look_at_hop(sw, ttl);
		if (!sweep_hop_is_known(sw, ttl, 0))
			return false;
	}
	return true;
}

static bool
sweep_flow_usable(const struct sweep *sw, size_t port)
{
	struct session *s = &sw->rounds->s;
	int conn = sw->conns[port];

	return conn >= 0 && s->conns[conn].tcb.established &&
	    session_state(s, conn) == CONN_OPEN;
}

/* One wave to all hops that are not known; gives how many were sent, -1. */
static int
sweep_send_wave(struct sweep *sw, int wave, struct fault *f)
{
	struct addr a;
	int sent = 0;
	size_t i;

	for (int ttl = 1; ttl <= sw->last_ttl; ttl++) {
		sweep_look_at_hop(sw, ttl);
		if (sweep_hop_is_known(sw, ttl, wave))
			continue;
		for (size_t k = 0; k < sw->n; k++) {
			i = sw->order[k];
			a = sweep_answer_at(sw, i, ttl);
			if (!addr_is_none(&a) || !sweep_flow_usable(sw, i))
				continue;
			if (session_inject_trace(&sw->rounds->s, PROBE_FLOW,
				sw->conns[i], ttl, f) == -1)
				return -1;
			sent++;
		}
	}
	return sent;
}

static int
sweep_trace_flows(struct sweep *sw, struct fault *f)
{
	struct rounds *rounds = sw->rounds;
	int sent = 1;
	int64_t until;

	tracing_conclude(&rounds->tracing);
	sw->last_ttl = rounds->s.path->server_hops > 0
	    ? rounds->s.path->server_hops - 1
	    : rounds->s.path->n_hops;
	sweep_put_in_order(sw);
	if (sweep_open_flows(sw, f) == -1)
		return -1;
	for (int wave = 0; wave < SWEEP_WAVES && sent > 0; wave++) {
		sent = sweep_send_wave(sw, wave, f);
		if (sent == -1)
			return -1;
		until = session_now(&rounds->s) + PKT_ICMP_REST_NS;
		if (sent > 0 &&
		    session_pump(&rounds->s, num_min64(until, rounds->end_ns),
			sweep_all_known, sw, f) == -1)
			return -1;
		if (session_now(&rounds->s) >= rounds->end_ns)
			break;
	}
	for (size_t i = 0; i < sw->n; i++)
		if (sw->conns[i] >= 0)
			session_close(&rounds->s, sw->conns[i]);
	return 0;
}

/* All that drew resets go one way at this hop, none of the others does. */
static bool
sweep_splits(const struct sweep *sw, int ttl, struct addr *at)
{
	unsigned int others = 0;
	struct addr way = {0}, a;

	for (size_t i = 0; i < sw->n; i++) {
		a = sweep_answer_at(sw, i, ttl);
		if (!sweep_draws(sw, i) || addr_is_none(&a))
			continue;
		if (!addr_is_none(&way) && !addr_equal(&a, &way))
			return false;
		way = a;
	}
	for (size_t i = 0; i < sw->n; i++) {
		a = sweep_answer_at(sw, i, ttl);
		if (sweep_draws(sw, i) || addr_is_none(&a))
			continue;
		if (addr_equal(&a, &way))
			return false;
		others++;
	}
	*at = way;
	return others > 0 && !addr_is_none(&way);
}

static void
sweep_fill_paths(struct sweep *sw)
{
	struct result_port *p;
	struct addr at;

	for (int ttl = 1; ttl <= sw->last_ttl; ttl++) {
		sweep_look_at_hop(sw, ttl);
		if (sw->one[ttl])
			continue;
		for (size_t i = 0; i < sw->n; i++) {
			p = &sw->out->ports[i];
			if (p->n_path == RESULT_PORT_HOPS)
				continue;
			p->path[p->n_path].ttl = ttl;
			p->path[p->n_path++].addr = sweep_answer_at(sw, i, ttl);
		}
		if (sw->out->split.ttl == 0 && sweep_splits(sw, ttl, &at)) {
			sw->out->split.ttl = ttl;
			sw->out->split.addr = at;
		}
	}
}

/* --- what follows --- */

/* Triggers of flows that never meet the device say nothing of it. */
static void
sweep_forget_silent(struct sweep *sw)
{
	struct rounds *rounds = sw->rounds;
	struct trial *t;
	size_t p;

	for (size_t i = sw->first_trial; i < rounds->n_trials; i++) {
		t = &rounds->trials[i];
		p = sweep_port_of(sw, t);
		if (p < sw->n && !sweep_draws(sw, p) && t->kind == TRIAL_FULL &&
		    trial_was_sent(t))
			t->state = TRIAL_SPOILED;
	}
}

/* The port that was reset most often, to go on with; 0: none was. */
static uint16_t
sweep_best_port(const struct sweep *sw)
{
	const struct result_port *p, *best = NULL;

	for (size_t i = 0; i < sw->n; i++) {
		p = &sw->out->ports[i];
		if (p->resets > 0 && (best == NULL || p->resets > best->resets))
			best = p;
	}
	return best != NULL ? best->port : 0;
}

int
sweep_run(struct rounds *rounds, struct fault *f)
{
	struct sweep sw = {.rounds = rounds, .out = &rounds->sweep};

	sw.n = (size_t)rounds->ask->sweep_ports;
	sw.out->n_ports = sw.n;
	sw.out->p_value = -1;
	sw.first_trial = rounds->n_trials;
	for (size_t i = 0; i < sw.n && rounds->ask->src_port != 0; i++)
		sw.out->ports[i].port = (uint16_t)(rounds->ask->src_port + i);
	if (rounds->ask->progress != NULL)
		rounds->ask->progress(
		    rounds->ask->progress_ctx, "comparing source ports");
	rounds->reuses_ports = true;
	if (sweep_run_rounds(&sw, f) == -1)
		return -1;
	rounds->reuses_ports = rounds->src_port != 0;
	if (sw.out->firing == RESULT_SWEEP_ANY_FLOW ||
	    sweep_best_port(&sw) == 0)
		return 0;
	if (sweep_trace_flows(&sw, f) == -1)
		return -1;
	sweep_fill_paths(&sw);
	if (sw.out->firing == RESULT_SWEEP_BY_FLOW)
		sweep_forget_silent(&sw);
	rounds->src_port = sweep_best_port(&sw);
	rounds->reuses_ports = true;
	rounds->source.port = rounds->src_port;
	return 0;
}
