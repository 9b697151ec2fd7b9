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

#include <rsthop/clock.h>
#include <rsthop/hash.h>
#include <rsthop/text.h>

#include "golden.h"
#include "proves.h"
#include "sim/run.h"

#define TRACES	   60
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

/* --- what is asked beside the defaults --- */

static void
ask_one_port(struct locate_ask *ask)
{
	ask->src_port = 40123;
}

static void
ask_pauses(struct locate_ask *ask)
{
	ask->cooldown_ns = CLOCK_S / 2;
}

static void
ask_ports(struct locate_ask *ask)
{
	ask->sweep_ports = 8;
}

static void
ask_plain(struct locate_ask *ask)
{
	ask->plain_header = true;
}

static void
ask_few(struct locate_ask *ask)
{
	ask->max_connections = 12;
	ask->rate_pps = 200;
}

static void
ask_soon(struct locate_ask *ask)
{
	ask->max_time_ns = 1500 * CLOCK_MS;
}

static void
ask_surely(struct locate_ask *ask)
{
	ask->confidence = 0.999;
	ask->server_ttl = 47;
}

static void
ask_by_ttl(struct locate_ask *ask)
{
	ask->trigger = RESULT_TRIGGER_NONE;
	ask->payload = NULL;
	ask->payload_len = 0;
	ask->n_rst_ttls = 2;
	ask->rst_ttls[0] = 61;
	ask->rst_ttls[1] = 61;
}

static void
ask_own_control(struct locate_ask *ask)
{
	ask->control = (const uint8_t *)"GET /allowed HTTP/1.1\r\n\r\n";
	ask->control_len = 25;
	ask->max_hops = 12;
}

static const struct {
	const char *name;
	void (*change)(struct locate_ask *ask);
	unsigned int runs;
} lines[] = {
    {"by default", NULL, 60},
    {"one port", ask_one_port, 8},
    {"pauses", ask_pauses, 6},
    {"ports compared", ask_ports, 8},
    {"no TCP options", ask_plain, 6},
    {"few connections", ask_few, 8},
    {"little time", ask_soon, 8},
    {"surely", ask_surely, 6},
    {"by a TTL alone", ask_by_ttl, 8},
    {"a control of the user's", ask_own_control, 8},
};

static void
show(uint64_t seed, const char *log)
{
	const char *wanted = getenv("RSTHOP_SHOW_RUN");

	if (wanted != NULL && strtoull(wanted, NULL, 10) == seed)
		print_message("%s\n", log);
}

static void
put_run(struct text *t, uint64_t seed, void (*change)(struct locate_ask *ask))
{
	struct sim_truth truth;
	struct sim_record r;
	char *log = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&log, &n);
	const char *place;

	assert_non_null(f);
	sim_truth_draw(seed, &truth);
	sim_run_asked(&truth, change, f, &r);
	assert_int_equal(fclose(f), 0);
	n = golden_forget_version(log, without_cpu(log));
	show(seed, log);
	place = place_name(r.place);
	text_addf(t,
	    "%llu: %s: %s, hop %d, %s, %.4f; %u connections, %u packets, "
	    "%.3f s, %016llx\n",
	    (unsigned long long)seed,
	    /* The TTL that is asked by is not this network's device's. */
	    change != ask_by_ttl ? sim_outcome_name(r.outcome) : "-",
	    result_kind_name(r.kind), r.hop, place != NULL ? place : "-",
	    r.confidence, r.connections, r.packets, (double)r.virtual_ns / 1e9,
	    (unsigned long long)hash_bytes(1, log, n));
	free(log);
}

static void
test_runs(void **state)
{
	uint64_t seed = RUNS_FIRST;
	struct text t = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		text_addf(&t, "%s\n", lines[i].name);
		for (unsigned int k = 0; k < lines[i].runs; k++)
			put_run(&t, seed++, lines[i].change);
	}
	assert_false(t.bad);
	golden_compare("runs", ".txt", text_str(&t));
	text_free(&t);
}

static void
put_trace(struct text *t, uint64_t seed, uint16_t port)
{
	struct sim_truth truth;
	char *log = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&log, &n);

	assert_non_null(f);
	sim_truth_draw(seed, &truth);
	assert_int_equal(sim_trace(&truth, port, f), 0);
	assert_int_equal(fclose(f), 0);
	show(seed, log);
	text_addf(t, "%llu: port %u, %016llx\n", (unsigned long long)seed, port,
	    (unsigned long long)hash_bytes(1, log, n));
	free(log);
}

static void
test_traces(void **state)
{
	struct text t = {0};

	(void)state;
	for (uint64_t i = 0; i < TRACES; i++)
		put_trace(&t, RUNS_FIRST + i, i % 3 == 0 ? 40124 : 0);
	assert_false(t.bad);
	golden_compare("traces", ".txt", text_str(&t));
	text_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES(
		"runs in drawn networks go as they were looked at", test_runs),
	    PROVES("traces in drawn networks likewise", test_traces),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
