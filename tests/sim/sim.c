/*
 * sim: locate in thousands of simulated networks, its verdicts counted, beside
 * the rules that others use.
 *
 *	sim [--runs N] [--seed S] [--jobs J] [--only STRATUM=LABEL]
 *	sim --list …		name all that ended wrong or undetermined
 *	sim --per-run FILE …	write each run there as well, a line each
 *	sim --trace SEED	one run, told in full
 *	sim --check-rules	the rules against the table in PHYSICS
 */
#include <err.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tally.h"

#define JOBS_MAX    64
#define WRONG_SHOWN 60

struct options {
	unsigned long runs, jobs;
	uint64_t seed;
	const char *only, *per_run;
	bool list, trace, check_rules;
};

static unsigned long
number(const char *name, const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (*s < '0' || *s > '9' || *end != '\0')
		errx(2, "--%s: %s is no number", name, s);
	return n;
}

static void
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
	    {"runs", required_argument, NULL, 'r'},
	    {"seed", required_argument, NULL, 's'},
	    {"jobs", required_argument, NULL, 'j'},
	    {"only", required_argument, NULL, 'o'},
	    {"list", no_argument, NULL, 'l'},
	    {"per-run", required_argument, NULL, 'p'},
	    {"trace", required_argument, NULL, 't'},
	    {"check-rules", no_argument, NULL, 'c'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'r')
			o->runs = number("runs", optarg);
		else if (c == 's')
			o->seed = number("seed", optarg);
		else if (c == 'j')
			o->jobs = number("jobs", optarg);
		else if (c == 'o')
			o->only = optarg;
		else if (c == 'l')
			o->list = true;
		else if (c == 'p')
			o->per_run = optarg;
		else if (c == 'c')
			o->check_rules = true;
		else if (c == 't')
			o->trace = true, o->seed = number("trace", optarg);
		else
			exit(2);
	}
	if (o->jobs < 1 || o->jobs > JOBS_MAX || o->runs < 1)
		errx(2, "--runs is 1 or more, --jobs 1 to %d", JOBS_MAX);
}

static bool
is_wanted(const struct options *o, uint64_t seed)
{
	struct sim_truth t;

	if (o->only == NULL)
		return true;
	sim_truth_draw(seed, &t);
	return sim_tally_matches(o->only, &t) == 1;
}

/* Every jobs-th run, from the first. */
static void
work(const struct options *o, unsigned long first, FILE *out)
{
	struct sim_record r;

	for (unsigned long i = first; i < o->runs; i += o->jobs) {
		if (!is_wanted(o, o->seed + i))
			continue;
		sim_run(o->seed + i, NULL, &r);
		if (fwrite(&r, sizeof(r), 1, out) != 1)
			err(3, "a result cannot be written");
	}
	if (fflush(out) != 0)
		err(3, "the results cannot be written");
}

struct worker {
	pid_t pid;
	FILE *out;
};

static void
start_worker(struct worker *w, const struct options *o, unsigned long first)
{
	w->out = tmpfile();
	if (w->out == NULL)
		err(3, "no temporary file");
	w->pid = fork();
	if (w->pid == -1)
		err(3, "no process");
	if (w->pid != 0)
		return;
	work(o, first, w->out);
	_exit(0);
}

/* false: it did not end well. */
static bool
reap_worker(struct worker *w, struct sim_tally *t)
{
	struct sim_record r;
	int status;

	if (waitpid(w->pid, &status, 0) == -1)
		err(3, "a process is lost");
	rewind(w->out);
	while (fread(&r, sizeof(r), 1, w->out) == 1)
		if (sim_tally_add(t, &r) == -1)
			errx(3, "out of memory");
	fclose(w->out);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
write_runs(const struct sim_tally *t, const char *path)
{
	FILE *out = fopen(path, "w");

	if (out == NULL)
		err(3, "%s", path);
	sim_tally_write(t, out);
	if (fclose(out) != 0)
		err(3, "%s", path);
}

static int
run_all(const struct options *o)
{
	struct worker w[JOBS_MAX];
	struct sim_tally *t = sim_tally_new();
	unsigned int passed = 0, failed = 0;

	if (t == NULL)
		errx(3, "out of memory");
	fflush(stdout);
	for (unsigned long i = 0; i < o->jobs; i++)
		start_worker(&w[i], o, i);
	for (unsigned long i = 0; i < o->jobs; i++)
		if (!reap_worker(&w[i], t)) {
			printf("FAILED  a process of runs died\n");
			failed++;
		}
	if (o->per_run != NULL)
		write_runs(t, o->per_run);
	sim_tally_print(t, stdout);
	sim_tally_list(t, SIM_WRONG, o->list ? SIZE_MAX : WRONG_SHOWN, stdout);
	if (o->list)
		sim_tally_list(t, SIM_OPEN, SIZE_MAX, stdout);
	sim_tally_judge(t, stdout, &passed, &failed);
	sim_tally_free(t);
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0;
}

/* --- PHYSICS, section 3: N = 12, T anywhere --- */

#define RULE_RUNS 6000

struct expected {
	double right[4];
	double connections[4]; /* 0: not said */
};

static const double rule_p[4] = {1, 0.5, 0.3, 0.1};
static const struct expected rule_table[SIM_RULES] = {
    [SIM_RULE_ASCENDING] = {{1, 0.49, 0.29, 0.11}, {0}},
    [SIM_RULE_MODE] = {{1, 0.68, 0.39, 0.05}, {0}},
    [SIM_RULE_MINIMUM] = {{1, 0.87, 0.65, 0.27}, {0}},
    [SIM_RULE_POSTERIOR] = {{1, 0.98, 0.94, 0.94}, {9, 19, 33, 88}},
};

static void
check_p(int i, unsigned int *passed, unsigned int *failed)
{
	struct sim_rival r[SIM_RULES];
	double right[SIM_RULES] = {0}, conns[SIM_RULES] = {0};
	const struct expected *e;
	bool ok;

	for (int s = 0; s < RULE_RUNS; s++) {
		sim_rivals_plain(12, 1 + s % 12, rule_p[i],
		    (uint64_t)(s + i * RULE_RUNS), r);
		for (int k = 0; k < SIM_RULES; k++) {
			right[k] += (double)r[k].right / RULE_RUNS;
			conns[k] += (double)r[k].connections / RULE_RUNS;
		}
	}
	for (int k = 0; k < SIM_RULES; k++) {
		e = &rule_table[k];
		ok = fabs(right[k] - e->right[i]) <= 0.035 &&
		    (e->connections[i] <= 0 ||
			fabs(conns[k] / e->connections[i] - 1) <= 0.15);
		*(ok ? passed : failed) += 1;
		printf("%s  p = %.1f: %-18s right in %.3f (%.2f), "
		       "%.0f connections (%.0f)\n",
		    ok ? "ok    " : "FAILED", rule_p[i],
		    sim_rule_name((enum sim_rule)k), right[k], e->right[i],
		    conns[k], e->connections[i]);
	}
}

static int
check_rules(void)
{
	unsigned int passed = 0, failed = 0;

	printf("The rules, N = 12, beside what PHYSICS says of them:\n");
	for (int i = 0; i < 4; i++)
		check_p(i, &passed, &failed);
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0;
}

int
main(int argc, char **argv)
{
	struct options o = {.runs = 10000, .jobs = 2, .seed = 1};
	struct sim_record r;
	struct sim_truth t;

	read_options(argc, argv, &o);
	if (o.check_rules)
		return check_rules();
	if (o.trace) {
		sim_run(o.seed, stdout, &r);
		return 0;
	}
	sim_truth_draw(o.seed, &t);
	if (o.only != NULL && sim_tally_matches(o.only, &t) == -1) {
		fprintf(stderr, "sim: no stratum %s; there are\n", o.only);
		sim_tally_print_strata(stderr);
		return 2;
	}
	return run_all(&o);
}
