/*
 * Whole runs of locate in simulated networks, held to a golden file: what was
 * said, how sure, and at what cost in connections, packets and time; and a
 * hash of all that went over the simulated wire and of all reasons.  No single
 * line proves a rule; together they hold that nothing changes unseen.
 * RSTHOP_SHOW_RUN=SEED prints one run, packet by packet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/hash.h>
#include <rsthop/text.h>

#include "golden.h"
#include "proves.h"
#include "sim/run.h"

#define RUNS	   90
#define RUNS_FIRST 70000

/* What the run took of this processor is not the run's. */
static size_t
without_cpu(char *log)
{
	char *cpu = strstr(log, ", CPU ");

	if (cpu != NULL)
		*cpu = '\0';
	return strlen(log);
}

static void
put_run(struct text *t, uint64_t seed)
{
	const char *show = getenv("RSTHOP_SHOW_RUN");
	struct sim_truth truth;
	struct sim_record r;
	char *log = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&log, &n);
	const char *place;

	assert_non_null(f);
	sim_truth_draw(seed, &truth);
	sim_run_truth(&truth, f, &r);
	assert_int_equal(fclose(f), 0);
	n = without_cpu(log);
	if (show != NULL && strtoull(show, NULL, 10) == seed)
		print_message("%s\n", log);
	place = place_name(r.place);
	text_addf(t,
	    "%llu: %s: %s, hop %d, %s, %.4f; %u connections, %u packets, "
	    "%.3f s, %016llx\n",
	    (unsigned long long)seed, sim_outcome_name(r.outcome),
	    result_kind_name(r.kind), r.hop, place != NULL ? place : "-",
	    r.confidence, r.connections, r.packets, (double)r.virtual_ns / 1e9,
	    (unsigned long long)hash_bytes(1, log, n));
	free(log);
}

static void
test_runs(void **state)
{
	struct text t = {0};

	(void)state;
	for (uint64_t i = 0; i < RUNS; i++)
		put_run(&t, RUNS_FIRST + i);
	assert_false(t.bad);
	golden_compare("runs", ".txt", text_str(&t));
	text_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES(
		"runs in drawn networks go as they were looked at", test_runs),
	};

	return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
