/*
 * One run of locate in a drawn network.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include <rsthop/clock.h>
#include <rsthop/locate.h>
#include <rsthop/report.h>
#include <rsthop/trace.h>

#include "net.h"
#include "run.h"

static const uint8_t trigger[] = "GET /forbidden HTTP/1.1\r\n\r\n";

/* The CPU time of this process. */
static int64_t
cpu_now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == -1)
		return 0;
	return ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

const char *
sim_outcome_name(enum sim_outcome o)
{
	switch (o) {
	case SIM_RIGHT:
		return "right";
	case SIM_WRONG:
		return "WRONG";
	case SIM_OPEN:
		return "undetermined";
	case SIM_TWIN:
		return "undetermined, as it must be";
	case SIM_SILENT:
		return "not reproduced: the device never fired";
	case SIM_FAILED:
		return "FAILED";
	}
	return "?";
}

bool
sim_claims(const struct sim_record *r)
{
	return r->outcome != SIM_FAILED && r->kind != RESULT_UNDETERMINED;
}

static bool
kind_fits(const struct sim_truth *t, enum result_kind k)
{
	switch (t->cause) {
	case INFER_DEVICE:
		return k == RESULT_MIDDLEBOX || k == RESULT_LOAD_BALANCER;
	case INFER_SERVER:
		return k == RESULT_SERVER;
	case INFER_RESPONSE:
		return k == RESULT_RESPONSE_TRIGGERED;
	case INFER_NOTHING:
		return k == RESULT_NOT_REPRODUCED ||
		    (t->alarm > 0 && k == RESULT_SERVER);
	}
	return false;
}

static bool
is_right(const struct sim_truth *t, const struct locate_result *r)
{
	if (!kind_fits(t, r->verdict.kind))
		return false;
	if (t->cause != INFER_DEVICE)
		return true;
	return r->verdict.hop == t->dev.hop &&
	    (r->verdict.place == PLACE_UNKNOWN ||
		r->verdict.place == t->dev.place);
}

static enum sim_outcome
judge(const struct sim_truth *t, const struct locate_result *r,
    const struct sim_net_stats *s)
{
	enum result_kind k = r->verdict.kind;

	if (k == RESULT_UNDETERMINED)
		return sim_truth_twin(t) ? SIM_TWIN : SIM_OPEN;
	if (is_right(t, r))
		return SIM_RIGHT;
	if (t->cause == INFER_SERVER || s->firings > 0)
		return SIM_WRONG;
	/* The device kept still: who speaks of what else was seen, is right. */
	if (k == RESULT_SERVER && s->alarms > 0)
		return SIM_RIGHT;
	return k == RESULT_NOT_REPRODUCED ? SIM_SILENT : SIM_WRONG;
}

/* The most probable hypothesis of a verdict that claims none. */
static void
find_top(struct sim_record *out, const struct locate_result *r)
{
	const struct result_alternative *a;
	double hop[SIM_HOPS + 3] = {0};
	int best = 0;

	out->top = out->confidence;
	out->top_right = out->outcome == SIM_RIGHT;
	if (sim_claims(out))
		return;
	for (size_t i = 0; i < r->verdict.n_alternatives; i++) {
		a = &r->verdict.alternatives[i];
		if (a->hop > 0 && a->hop <= SIM_HOPS + 2)
			hop[a->hop] += a->probability;
	}
	for (int h = 1; h <= SIM_HOPS + 2; h++)
		best = hop[h] > hop[best] ? h : best;
	out->top = hop[best];
	out->top_right =
	    out->truth.cause == INFER_DEVICE && best == out->truth.dev.hop;
}

/* Do the odds name the verdict's hop or kind, and add up? */
static void
check_odds(struct sim_record *out, const struct locate_result *r)
{
	const struct infer_explanation *e = &r->verdict.odds;
	double sum = e->prior;

	if (!r->verdict.has_odds)
		return;
	for (size_t i = 0; i < INFER_EVIDENCES; i++)
		sum += e->weight[i];
	out->odds_gap = fabs(sum - e->log_odds);
	out->odds_named = r->verdict.kind == RESULT_UNDETERMINED ||
	    (r->verdict.hop != 0 ? e->one.hop == r->verdict.hop
				 : e->one.cause != INFER_DEVICE);
}

static void
tell_odds(const struct locate_result *r, FILE *log)
{
	const struct infer_explanation *e = &r->verdict.odds;

	if (!r->verdict.has_odds)
		return;
	fprintf(log,
	    "   odds of hop %d, cause %d, against hop %d, cause %d: "
	    "prior %+.2f",
	    e->one.hop, (int)e->one.cause, e->other.hop, (int)e->other.cause,
	    e->prior);
	for (size_t i = 0; i < INFER_EVIDENCES; i++)
		if (e->weight[i] != 0)
			fprintf(log, ", %s %+.2f",
			    infer_evidence_name((enum infer_evidence)i),
			    e->weight[i]);
	fprintf(log, " = %+.2f\n", e->log_odds);
}

static void
tell_progress(void *ctx, const char *text)
{
	fprintf(ctx, "            -- %s\n", text);
}

static void
fill_ask(struct locate_ask *ask, const struct sim_net *n, FILE *log)
{
	locate_ask_init(ask);
	ask->host = "simulated";
	sim_net_ends(n, &ask->target, &ask->route.src);
	ask->route.mtu = 1500;
	ask->trigger = RESULT_TRIGGER_PAYLOAD;
	ask->payload = trigger;
	ask->payload_len = sizeof(trigger) - 1;
	if (log != NULL) {
		ask->progress = tell_progress;
		ask->progress_ctx = log;
	}
}

static void
tell_verdict(
    const struct sim_record *rec, const struct locate_result *r, FILE *log)
{
	const struct result_alternative *a;
	const struct report_style st = {0};
	const char *place = place_name(r->verdict.place);

	fprintf(log, "\nverdict %s, hop %d, place %s, policy %s, %.4f: %s\n",
	    result_kind_name(r->verdict.kind), r->verdict.hop,
	    place != NULL ? place : "unknown",
	    ttl_policy_name(r->verdict.policy), r->verdict.confidence,
	    sim_outcome_name(rec->outcome));
	for (size_t i = 0; i < r->verdict.n_alternatives; i++) {
		a = &r->verdict.alternatives[i];
		place = place_name(a->place);
		fprintf(log, "   or   %s, hop %d, %s: %.4f\n",
		    result_kind_name(a->kind), a->hop,
		    place != NULL ? place : "-", a->probability);
	}
	for (size_t i = 0; i < r->verdict.reasons.n; i++)
		fprintf(log, "   for  %s (%+.2f): %s\n",
		    r->verdict.reasons.r[i].code,
		    r->verdict.reasons.r[i].weight,
		    r->verdict.reasons.r[i].text);
	tell_odds(r, log);
	report_writer_by_name("text")->locate(r, &st, log, NULL);
	report_writer_by_name("json")->locate(r, &st, log, NULL);
	fprintf(log,
	    "server side reset too: %d, in path: %d; N %d (really %d); "
	    "%u connections, %u packets, %.2f s, CPU %.1f ms\n",
	    (int)r->verdict.resets_server_too, (int)r->verdict.in_path,
	    r->path.server_hops, rec->truth.hops, rec->connections,
	    rec->packets, (double)rec->virtual_ns / 1e9,
	    (double)rec->cpu_ns / 1e6);
}

static void
fill_record(struct sim_record *out, const struct locate_result *r,
    const struct sim_net *n)
{
	struct sim_net_stats s;

	sim_net_get_stats(n, &s);
	out->outcome = judge(&out->truth, r, &s);
	out->kind = r->verdict.kind;
	out->hop = r->verdict.hop;
	out->place = r->verdict.place;
	out->confidence = r->verdict.confidence;
	out->connections = s.connections;
	out->packets = s.injected;
	out->virtual_ns = s.elapsed_ns;
	find_top(out, r);
	check_odds(out, r);
}

/* locate in the network; -1 where it ended with a fault. */
static int
run_locate(struct sim_net *n, void (*change)(struct locate_ask *ask), FILE *log,
    struct sim_record *out)
{
	struct locate_result r;
	struct locate_ask ask;
	struct fault f = {0};
	struct world w;
	int64_t began;
	int rc;

	sim_net_world(n, &w);
	fill_ask(&ask, n, log);
	if (change != NULL)
		change(&ask);
	began = cpu_now();
	rc = locate_run(&ask, &w, &r, &f);
	out->cpu_ns = cpu_now() - began;
	if (rc == 0) {
		fill_record(out, &r, n);
		if (log != NULL)
			tell_verdict(out, &r, log);
	} else if (log != NULL) {
		fprintf(log, "fault: %s\n", f.text);
	}
	locate_result_free(&r);
	return rc;
}

void
sim_run_asked(const struct sim_truth *t, void (*change)(struct locate_ask *ask),
    FILE *log, struct sim_record *out)
{
	struct sim_net *n;

	memset(out, 0, sizeof(*out));
	out->outcome = SIM_FAILED;
	out->truth = *t;
	if (log != NULL)
		sim_truth_print(t, log);
	n = sim_net_new(&out->truth, trigger, sizeof(trigger) - 1, log);
	if (n == NULL)
		return;
	run_locate(n, change, log, out);
	sim_net_free(n);
}

void
sim_run_truth(const struct sim_truth *t, FILE *log, struct sim_record *out)
{
	sim_run_asked(t, NULL, log, out);
}

int
sim_trace(const struct sim_truth *t, uint16_t src_port, FILE *log)
{
	struct sim_truth truth = *t;
	struct sim_net *n =
	    sim_net_new(&truth, trigger, sizeof(trigger) - 1, log);
	const struct report_style st = {0};
	struct trace_ask ask = {.host = "simulated",
	    .src_port = src_port,
	    .max_hops = LOCATE_MAX_HOPS};
	struct trace_result r;
	struct fault f = {0};
	struct world w;
	int rc;

	if (n == NULL)
		return -1;
	sim_net_world(n, &w);
	sim_net_ends(n, &ask.target, &ask.route.src);
	ask.route.mtu = 1500;
	rc = trace_run(&ask, &w, &r, &f);
	if (rc == 0)
		rc = report_writer_by_name("text")->trace(&r, &st, log, &f);
	trace_result_free(&r);
	sim_net_free(n);
	return rc;
}

void
sim_run(uint64_t seed, FILE *log, struct sim_record *out)
{
	struct sim_truth t;

	sim_truth_draw(seed, &t);
	sim_run_truth(&t, log, out);
	if (t.cause == INFER_DEVICE)
		sim_rivals_run(&t, out->rivals);
}
