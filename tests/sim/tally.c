/*
 * Strata, and the tables by them.
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tally.h"

#define SURE	    0.95
#define CLAIMS_MIN  200 /* fewer claims do not judge a stratum */
#define RUNS_MIN    40	/* fewer runs do not judge a p */
#define LABELS_MAX  8
#define P_AT_LEAST  0.95 /* right, at p = 0.1 */
#define P3_AT_LEAST 0.97 /* at p = 0.3 */

/* The values of p; those drawn between go to the nearest. */
static const double p_values[] = {0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1};
#define P_VALUES (sizeof(p_values) / sizeof(p_values[0]))

static size_t
p_index(const struct sim_truth *t)
{
	size_t best = 0;

	for (size_t i = 1; i < P_VALUES; i++)
		if (fabs(t->dev.p - p_values[i]) <
		    fabs(t->dev.p - p_values[best]))
			best = i;
	return best;
}

/* Each gives the index of its label; -1: the run is of none. */
static int
by_cause(const struct sim_truth *t)
{
	return (int)t->cause;
}

static int
of_device(const struct sim_truth *t, int i)
{
	return t->cause == INFER_DEVICE ? i : -1;
}

static int
by_p(const struct sim_truth *t)
{
	return of_device(t, (int)p_index(t));
}

static int
by_dice(const struct sim_truth *t)
{
	return of_device(t, (int)t->dev.dice + (t->dev.once ? SIM_DICES : 0));
}

static int
by_ttl(const struct sim_truth *t)
{
	return of_device(t, (int)t->dev.ttl);
}

static int
by_place(const struct sim_truth *t)
{
	return of_device(
	    t, t->dev.decrement ? 2 : (int)t->dev.place - PLACE_WIRE);
}

static int
by_reach(const struct sim_truth *t)
{
	return of_device(t, sim_truth_threshold(t) == t->hops);
}

static int
by_tags(const struct sim_truth *t)
{
	return of_device(t, sim_truth_tagged(t));
}

static int
by_drops(const struct sim_truth *t)
{
	return of_device(t, t->dev.drops);
}

static int
by_delay(const struct sim_truth *t)
{
	return of_device(t, t->dev.buffer_ns != 0);
}

static int
by_loss(const struct sim_truth *t)
{
	if (t->loss <= 0)
		return of_device(t, 0);
	return of_device(t, t->loss < 0.0005 ? 1 : t->loss < 0.002 ? 2 : 3);
}

static int
by_home(const struct sim_truth *t)
{
	return of_device(t, t->asymmetric);
}

static int
by_ecmp(const struct sim_truth *t)
{
	return of_device(t, t->ecmp_hop == 0 ? 0 : t->dev.branch < 0 ? 1 : 2);
}

static int
by_silent(const struct sim_truth *t)
{
	return of_device(t, sim_truth_device_silent(t));
}

static int
by_hops(const struct sim_truth *t)
{
	return of_device(t, (t->hops - 3) / 7);
}

static int
by_alarm(const struct sim_truth *t)
{
	return of_device(t, t->alarm > 0);
}

static int
by_block(const struct sim_truth *t)
{
	return of_device(t, t->dev.block_ns != 0);
}

static int
by_twin(const struct sim_truth *t)
{
	return of_device(t, sim_truth_twin(t));
}

struct stratum {
	const char *name;
	int (*of)(const struct sim_truth *t);
	const char *labels[LABELS_MAX + 1];
};

static const struct stratum strata[] = {
    {"cause", by_cause, {"device", "server", "response", "nothing"}},
    {"p", by_p, {"0.05", "0.1", "0.2", "0.3", "0.5", "0.7", "1"}},
    {"dice", by_dice,
	{"packet", "connection", "flow", "packet-once", "connection-once",
	    "flow-once"}},
    {"ttl", by_ttl,
	{"fixed", "constant", "copied", "copied-early", "random", "stepping",
	    "imitated"}},
    {"place", by_place, {"wire", "router", "router-decrement"}},
    {"fires", by_reach, {"before-server", "at-server-only"}},
    {"tags", by_tags, {"none", "echoed"}},
    {"trigger", by_drops, {"passes", "dropped"}},
    {"delay", by_delay, {"prompt", "buffered"}},
    {"loss", by_loss, {"none", "0.0002", "0.001", "0.003"}},
    {"way-home", by_home, {"same", "asymmetric"}},
    {"ecmp", by_ecmp, {"none", "on-path", "one-branch-fires"}},
    {"device", by_silent, {"answers", "silent"}},
    {"hops", by_hops, {"3-9", "10-16", "17-23", "24-30"}},
    {"alarms", by_alarm, {"none", "some"}},
    {"block", by_block, {"none", "residual"}},
    {"twin", by_twin, {"none", "has-one"}},
};
#define STRATA (sizeof(strata) / sizeof(strata[0]))

struct sim_tally {
	size_t n, cap;
	struct sim_record *records;
};

struct sim_tally *
sim_tally_new(void)
{
	return calloc(1, sizeof(struct sim_tally));
}

void
sim_tally_free(struct sim_tally *t)
{
	if (t == NULL)
		return;
	free(t->records);
	free(t);
}

int
sim_tally_add(struct sim_tally *t, const struct sim_record *r)
{
	size_t cap = t->cap == 0 ? 256 : 2 * t->cap;
	struct sim_record *v;

	if (t->n == t->cap) {
		v = realloc(t->records, cap * sizeof(*v));
		if (v == NULL)
			return -1;
		t->records = v;
		t->cap = cap;
	}
	t->records[t->n++] = *r;
	return 0;
}

int
sim_tally_matches(const char *name, const struct sim_truth *t)
{
	const struct stratum *s;
	size_t len;

	for (size_t i = 0; i < STRATA; i++) {
		s = &strata[i];
		len = strlen(s->name);
		if (strncmp(name, s->name, len) != 0 || name[len] != '=')
			continue;
		for (int k = 0; k < LABELS_MAX && s->labels[k] != NULL; k++)
			if (strcmp(name + len + 1, s->labels[k]) == 0)
				return s->of(t) == k;
	}
	return -1;
}

void
sim_tally_print_strata(FILE *out)
{
	for (size_t i = 0; i < STRATA; i++)
		for (int k = 0; strata[i].labels[k] != NULL; k++)
			fprintf(out, "%s=%s\n", strata[i].name,
			    strata[i].labels[k]);
}

/* One row of a table. */
struct row {
	unsigned int runs, outcome[SIM_OUTCOMES];
	unsigned int sure, sure_right; /* verdicts at 0.95 and above */
	unsigned int told, told_right; /* of these, where there is no twin */
	double brier, connections, packets, seconds, cpu_ms;
	unsigned int *each; /* connections, for the median */
};

static void
row_add(struct row *w, const struct sim_record *r)
{
	double miss = r->top - r->top_right;

	w->each[w->runs++] = r->connections;
	w->outcome[r->outcome]++;
	if (sim_claims(r) && r->confidence >= SURE) {
		w->sure++;
		w->sure_right += r->outcome == SIM_RIGHT;
		if (!sim_truth_twin(&r->truth)) {
			w->told++;
			w->told_right += r->outcome == SIM_RIGHT;
		}
	}
	w->brier += miss * miss;
	w->connections += r->connections;
	w->packets += r->packets;
	w->seconds += (double)r->virtual_ns / 1e9;
	w->cpu_ms += (double)r->cpu_ns / 1e6;
}

static int
compare_uint(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a;
	unsigned int y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

static unsigned int
row_median(struct row *w)
{
	if (w->runs == 0)
		return 0;
	qsort(w->each, w->runs, sizeof(*w->each), compare_uint);
	return w->each[w->runs / 2];
}

static double
share(unsigned int k, unsigned int n)
{
	return n > 0 ? (double)k / n : 0;
}

static void
print_head(FILE *out)
{
	fprintf(out,
	    "\n%-26s %6s %6s %6s %6s %6s %6s | %6s %6s %6s | %5s %6s %6s "
	    "%6s %6s\n",
	    "", "runs", "right", "wrong", "open", "twin", "silent", "sure",
	    "right", "Brier", "conns", "mean", "pkts", "s", "CPU ms");
}

static void
print_row(const char *name, const char *label, struct row *w, FILE *out)
{
	char title[40];
	double n = w->runs > 0 ? w->runs : 1;

	snprintf(title, sizeof(title), "%s%s%s", name,
	    label[0] != '\0' ? "=" : "", label);
	fprintf(out, "%-26s %6u %6.3f %6.3f %6.3f %6.3f %6.3f | ", title,
	    w->runs, share(w->outcome[SIM_RIGHT], w->runs),
	    share(w->outcome[SIM_WRONG], w->runs),
	    share(w->outcome[SIM_OPEN] + w->outcome[SIM_FAILED], w->runs),
	    share(w->outcome[SIM_TWIN], w->runs),
	    share(w->outcome[SIM_SILENT], w->runs));
	fprintf(out, "%6u %6.3f %6.3f | %5u %6.1f %6.0f %6.2f %6.1f\n", w->sure,
	    share(w->sure_right, w->sure), w->brier / n, row_median(w),
	    w->connections / n, w->packets / n, w->seconds / n, w->cpu_ms / n);
}

/* Fills a row with the runs of one label; -1: with all. */
static void
fill_row(const struct sim_tally *t, const struct stratum *s, int label,
    struct row *w)
{
	unsigned int *each = w->each;

	memset(w, 0, sizeof(*w));
	w->each = each;
	for (size_t i = 0; i < t->n; i++)
		if (s == NULL || s->of(&t->records[i].truth) == label)
			row_add(w, &t->records[i]);
}

static void
print_strata(const struct sim_tally *t, struct row *w, FILE *out)
{
	print_head(out);
	fill_row(t, NULL, -1, w);
	print_row("all", "", w, out);
	for (size_t i = 0; i < STRATA; i++) {
		fputc('\n', out);
		for (int k = 0; strata[i].labels[k] != NULL; k++) {
			fill_row(t, &strata[i], k, w);
			if (w->runs > 0)
				print_row(strata[i].name, strata[i].labels[k],
				    w, out);
		}
	}
}

/* Of verdicts that claim so much, how many are right? */
static void
print_calibration(const struct sim_tally *t, FILE *out)
{
	static const double from[] = {
	    0, 0.8, 0.9, 0.95, 0.97, 0.99, 0.999, 1.1};
	const size_t bins = sizeof(from) / sizeof(from[0]) - 1;
	const struct sim_record *r;
	unsigned int n, right;
	double sum;

	fprintf(out, "\n%-15s %8s %8s %8s\n", "claimed", "verdicts", "mean",
	    "right");
	for (size_t b = 0; b < bins; b++) {
		n = right = 0;
		sum = 0;
		for (size_t i = 0; i < t->n; i++) {
			r = &t->records[i];
			if (!sim_claims(r) || r->confidence < from[b] ||
			    r->confidence >= from[b + 1])
				continue;
			n++;
			sum += r->confidence;
			right += r->outcome == SIM_RIGHT;
		}
		if (n > 0)
			fprintf(out, "%5.3f - %5.3f   %8u %8.3f %8.3f\n",
			    from[b], from[b + 1] > 1 ? 1 : from[b + 1], n,
			    sum / n, share(right, n));
	}
}

/* Side by side with the rules, where the hop can be known at all. */
struct duel {
	unsigned int runs, right, rule_right[SIM_RULES];
	double connections, rule_connections[SIM_RULES];
};

static void
fill_duels(const struct sim_tally *t, struct duel d[P_VALUES])
{
	const struct sim_record *r;
	struct duel *x;

	memset(d, 0, P_VALUES * sizeof(*d));
	for (size_t i = 0; i < t->n; i++) {
		r = &t->records[i];
		if (r->truth.cause != INFER_DEVICE ||
		    sim_truth_twin(&r->truth) || sim_truth_odd(&r->truth))
			continue;
		x = &d[p_index(&r->truth)];
		x->runs++;
		x->right += r->outcome == SIM_RIGHT;
		x->connections += r->connections;
		for (int k = 0; k < SIM_RULES; k++) {
			x->rule_right[k] += r->rivals[k].right;
			x->rule_connections[k] += r->rivals[k].connections;
		}
	}
}

static void
print_duels(const struct duel d[P_VALUES], FILE *out)
{
	fprintf(out,
	    "\nRight, and (mean connections), where one device is at work "
	    "that could be told:\n%-20s",
	    "p");
	for (size_t i = 0; i < P_VALUES; i++)
		fprintf(out, " %12.2f", p_values[i]);
	fprintf(out, "\n%-20s", "runs");
	for (size_t i = 0; i < P_VALUES; i++)
		fprintf(out, " %12u", d[i].runs);
	for (int k = 0; k < SIM_RULES; k++) {
		fprintf(out, "\n%-20s", sim_rule_name((enum sim_rule)k));
		for (size_t i = 0; i < P_VALUES; i++)
			fprintf(out, " %5.3f (%4.0f)",
			    share(d[i].rule_right[k], d[i].runs),
			    d[i].rule_connections[k] /
				(d[i].runs > 0 ? d[i].runs : 1));
	}
	fprintf(out, "\n%-20s", "rsthop");
	for (size_t i = 0; i < P_VALUES; i++)
		fprintf(out, " %5.3f (%4.0f)", share(d[i].right, d[i].runs),
		    d[i].connections / (d[i].runs > 0 ? d[i].runs : 1));
	fputc('\n', out);
}

void
sim_tally_print(struct sim_tally *t, FILE *out)
{
	struct duel d[P_VALUES];
	struct row w = {0};

	w.each = calloc(t->n + 1, sizeof(*w.each));
	if (w.each == NULL)
		return;
	print_strata(t, &w, out);
	free(w.each);
	print_calibration(t, out);
	fill_duels(t, d);
	print_duels(d, out);
}

/* --- the wrong ones --- */

static int
compare_surer(const void *a, const void *b)
{
	const struct sim_record *x = *(const struct sim_record *const *)a;
	const struct sim_record *y = *(const struct sim_record *const *)b;

	return (x->confidence < y->confidence) -
	    (x->confidence > y->confidence);
}

static void
print_record(const struct sim_record *r, FILE *out)
{
	const struct sim_truth *t = &r->truth;
	const char *place = place_name(r->place);

	fprintf(out, "%8llu  %.4f  %-18s %2d %-7s  ",
	    (unsigned long long)t->seed, r->confidence,
	    result_kind_name(r->kind), r->hop, place != NULL ? place : "-");
	if (t->cause == INFER_DEVICE || t->cause == INFER_RESPONSE)
		fprintf(out, "%2d/%-2d %s%s, %s, p %.2f %s%s%s%s%s%s%s\n",
		    t->dev.hop, t->hops,
		    t->dev.place == PLACE_WIRE ? "wire" : "router",
		    t->cause == INFER_RESPONSE ? " by response" : "",
		    sim_ttl_name(t->dev.ttl), t->dev.p,
		    sim_dice_name(t->dev.dice), t->dev.once ? " once" : "",
		    sim_truth_tagged(t) ? " tags" : "",
		    t->asymmetric ? " asym" : "",
		    t->dev.branch >= 0 ? " branch" : "",
		    t->dev.block_ns != 0 ? " block" : "",
		    sim_truth_twin(t) ? " TWIN" : "");
	else
		fprintf(out, "%s\n",
		    t->cause == INFER_SERVER ? "server" : "nothing");
}

void
sim_tally_list(
    const struct sim_tally *t, enum sim_outcome o, size_t most, FILE *out)
{
	const struct sim_record **v;
	size_t n = 0;

	v = calloc(t->n + 1, sizeof(const struct sim_record *));
	if (v == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		if (t->records[i].outcome == o)
			v[n++] = &t->records[i];
	qsort(v, n, sizeof(const struct sim_record *), compare_surer);
	fprintf(out, "\n%zu %s, the surest first:\n%8s  %-6s  %-29s  %s\n", n,
	    sim_outcome_name(o), "seed", "claim", "verdict", "truth");
	for (size_t i = 0; i < n && i < most; i++)
		print_record(v[i], out);
	free(v);
}

void
sim_tally_write(const struct sim_tally *t, FILE *out)
{
	fprintf(out,
	    "seed right wrong claims hop confidence top top_right "
	    "connections\n");
	for (size_t i = 0; i < t->n; i++) {
		const struct sim_record *r = &t->records[i];

		fprintf(out, "%llu %d %d %d %d %.6f %.6f %d %u\n",
		    (unsigned long long)r->truth.seed, r->outcome == SIM_RIGHT,
		    r->outcome == SIM_WRONG, sim_claims(r), r->hop,
		    r->confidence, r->top, r->top_right, r->connections);
	}
}

/* --- the promises --- */

struct judge {
	FILE *out;
	unsigned int passed, failed;
};

__attribute__((format(printf, 3, 4))) static void
demand(struct judge *j, bool met, const char *fmt, ...)
{
	va_list ap;

	if (met)
		j->passed++;
	else
		j->failed++;
	fprintf(j->out, "%s  ", met ? "ok    " : "FAILED");
	va_start(ap, fmt);
	vfprintf(j->out, fmt, ap);
	va_end(ap);
	fputc('\n', j->out);
}

/*
 * What is said must hold, whatever the truth; and where the truth is of a
 * kind, what is said must hold but for truths that no probe can tell from
 * another: there, who is right on one is wrong on its twin.
 */
static void
judge_claims(const struct sim_tally *t, struct judge *j)
{
	static const enum result_kind kinds[] = {RESULT_MIDDLEBOX,
	    RESULT_SERVER, RESULT_RESPONSE_TRIGGERED, RESULT_NOT_REPRODUCED};
	const struct sim_record *r;
	unsigned int sure, right;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		sure = right = 0;
		for (size_t i = 0; i < t->n; i++) {
			r = &t->records[i];
			if (r->kind != kinds[k] || !sim_claims(r) ||
			    r->confidence < SURE)
				continue;
			sure++;
			right += r->outcome == SIM_RIGHT;
		}
		if (sure >= CLAIMS_MIN)
			demand(j, right >= SURE * sure,
			    "of all %u verdicts `%s' at 0.95 and more, %.3f "
			    "are right",
			    sure, result_kind_name(kinds[k]),
			    share(right, sure));
	}
}

static void
judge_calibration(const struct sim_tally *t, struct row *w, struct judge *j)
{
	for (size_t i = 0; i < STRATA; i++)
		for (int k = 0; strata[i].labels[k] != NULL; k++) {
			fill_row(t, &strata[i], k, w);
			if (w->told < CLAIMS_MIN)
				continue;
			demand(j, w->told_right >= SURE * w->told,
			    "%s=%s: of %u verdicts at 0.95 and more, %.3f "
			    "are right",
			    strata[i].name, strata[i].labels[k], w->told,
			    share(w->told_right, w->told));
		}
}

static void
judge_duel(const struct duel *d, double p, struct judge *j)
{
	double ours = share(d->right, d->runs), theirs;

	for (int k = 0; k < SIM_RULES; k++) {
		theirs = share(d->rule_right[k], d->runs);
		demand(j, ours >= theirs, "p = %.2f: right in %.3f, %s in %.3f",
		    p, ours, sim_rule_name((enum sim_rule)k), theirs);
	}
	demand(j, d->connections < d->rule_connections[SIM_RULE_POSTERIOR],
	    "p = %.2f: %.1f connections, the plain posterior %.1f", p,
	    d->connections / d->runs,
	    d->rule_connections[SIM_RULE_POSTERIOR] / d->runs);
	if (p == 0.3)
		demand(j, ours >= P3_AT_LEAST,
		    "p = 0.3: right in %.3f, %.2f asked", ours, P3_AT_LEAST);
	if (p == 0.1)
		demand(j, ours >= P_AT_LEAST,
		    "p = 0.1: right in %.3f, %.2f asked", ours, P_AT_LEAST);
}

void
sim_tally_judge(
    struct sim_tally *t, FILE *out, unsigned int *passed, unsigned int *failed)
{
	struct duel d[P_VALUES];
	struct judge j = {out, 0, 0};
	struct row w = {0};

	w.each = calloc(t->n + 1, sizeof(*w.each));
	if (w.each == NULL)
		return;
	fputc('\n', out);
	judge_claims(t, &j);
	judge_calibration(t, &w, &j);
	free(w.each);
	fill_duels(t, d);
	for (size_t i = 0; i < P_VALUES; i++)
		if (d[i].runs >= RUNS_MIN)
			judge_duel(&d[i], p_values[i], &j);
	*passed += j.passed;
	*failed += j.failed;
}
