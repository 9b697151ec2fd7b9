/*
 * The sweep of source ports, whole campaigns in simulated networks whose truth
 * is known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/clock.h>
#include <rsthop/locate.h>

#include <sim/net.h>
#include <sim/truth.h>

#include "proves.h"

#define PORTS 16
#define HOP   5
#define HOPS  9

static const uint8_t trigger[] = "GET /forbidden HTTP/1.1\r\n\r\n";

static void
fill_ask(struct locate_ask *ask, const struct sim_net *n)
{
	memset(ask, 0, sizeof(*ask));
	ask->host = "simulated";
	sim_net_ends(n, &ask->target, &ask->route.src);
	ask->max_hops = LOCATE_MAX_HOPS;
	ask->trigger = RESULT_TRIGGER_PAYLOAD;
	ask->payload = trigger;
	ask->payload_len = sizeof(trigger) - 1;
	ask->confidence = LOCATE_CONFIDENCE;
	ask->max_connections = LOCATE_MAX_CONNECTIONS;
	ask->max_time_ns = LOCATE_MAX_TIME_S * CLOCK_S;
	ask->sweep_ports = PORTS;
}

/* Runs it; the caller frees the result. */
static struct locate_result *
sweep(struct sim_truth *t, uint16_t port)
{
	struct locate_result *r = calloc(1, sizeof(*r));
	struct locate_ask ask;
	struct fault f = {0};
	struct sim_net *n;
	struct world w;

	assert_non_null(r);
	n = sim_net_new(t, trigger, sizeof(trigger) - 1, NULL);
	assert_non_null(n);
	sim_net_world(n, &w);
	fill_ask(&ask, n);
	ask.src_port = port;
	if (locate_run(&ask, &w, r, &f) == -1)
		fail_msg("%s", f.text);
	sim_net_free(n);
	assert_true(r->head.connections <= ask.max_connections);
	assert_int_equal(r->sweep.n_ports, PORTS);
	return r;
}

static void
let_go(struct locate_result *r)
{
	locate_result_free(r);
	free(r);
}

static size_t
count_fired(const struct result_sweep *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_ports; i++)
		n += w->ports[i].resets > 0;
	return n;
}

/* The port that the search went on with is one that fires. */
static void
assert_keeps_to_a_port(const struct locate_result *r)
{
	const struct result_sweep *w = &r->sweep;
	size_t i;

	for (i = 0; i < w->n_ports; i++)
		if (w->ports[i].port == r->head.source.port)
			break;
	assert_true(i < w->n_ports);
	assert_true(w->ports[i].resets > 0);
}

static const char *
reason_text(const struct locate_result *r, const char *code)
{
	for (size_t i = 0; i < r->verdict.reasons.n; i++)
		if (strcmp(r->verdict.reasons.r[i].code, code) == 0)
			return r->verdict.reasons.r[i].text;
	return "";
}

static void
test_by_flow(void **state)
{
	struct locate_result *r;
	struct sim_truth t;

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		sim_truth_plain(HOPS, HOP, PLACE_ROUTER, 0.4, seed, &t);
		t.dev.dice = SIM_DICE_FLOW;
		t.dev.drops = true;
		r = sweep(&t, 0);
		assert_int_equal(r->sweep.firing, RESULT_SWEEP_BY_FLOW);
		assert_true(r->sweep.p_value < 0.002);
		assert_in_range(count_fired(&r->sweep), 1, PORTS - 1);
		assert_int_equal(r->sweep.split.ttl, 0);
		assert_keeps_to_a_port(r);
		assert_int_equal(r->verdict.hop, HOP);
		assert_int_equal(r->verdict.firing, RESULT_FIRING_PER_FLOW);
		assert_non_null(strstr(reason_text(r, "fires-per-flow"),
		    "the device itself may choose"));
		/* Flows that never meet it do not count as its silence. */
		assert_true(r->reproduction.rate == 1);
		let_go(r);
	}
}

/* Each port's way is the device's or the other, as its resets say. */
static void
assert_ways(const struct result_sweep *w)
{
	const struct result_port *p;
	size_t known = 0;

	for (size_t i = 0; i < PORTS; i++) {
		p = &w->ports[i];
		assert_int_equal(p->n_path, 1);
		assert_int_equal(p->path[0].ttl, HOP);
		if (addr_is_none(&p->path[0].addr))
			continue; /* the routers were asked too much */
		known++;
		assert_int_equal(addr_equal(&p->path[0].addr, &w->split.addr),
		    p->resets > 0);
	}
	assert_in_range(known, PORTS - 4, PORTS);
}

/* One of two routers that share a hop's load has the device. */
static void
test_branch(void **state)
{
	struct locate_result *r;
	struct sim_truth t;

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		sim_truth_plain(HOPS, HOP, PLACE_ROUTER, 1, seed, &t);
		t.ecmp_hop = HOP;
		t.ecmp_salt = seed * 7919;
		t.dev.branch = 1;
		for (size_t i = 1; i < HOPS; i++)
			t.limited[i] = true;
		r = sweep(&t, 0);
		assert_int_equal(r->sweep.firing, RESULT_SWEEP_BY_FLOW);
		assert_int_equal(r->sweep.split.ttl, HOP);
		assert_keeps_to_a_port(r);
		assert_int_equal(r->verdict.hop, HOP);
		assert_true(
		    addr_equal(&r->verdict.address, &r->sweep.split.addr));
		assert_ways(&r->sweep);
		let_go(r);
	}
}

/* Dice for each packet: no port is unlike another. */
static void
test_any_flow(void **state)
{
	struct locate_result *r;
	struct sim_truth t;
	unsigned int any = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		sim_truth_plain(HOPS, HOP, PLACE_WIRE, 0.4, seed, &t);
		r = sweep(&t, 0);
		assert_int_not_equal(r->sweep.firing, RESULT_SWEEP_BY_FLOW);
		any += r->sweep.firing == RESULT_SWEEP_ANY_FLOW;
		assert_int_equal(r->verdict.hop, HOP);
		let_go(r);
	}
	assert_in_range(any, 8, 10);
}

static void
test_always(void **state)
{
	struct locate_result *r;
	struct sim_truth t;

	(void)state;
	sim_truth_plain(HOPS, HOP, PLACE_WIRE, 1, 3, &t);
	r = sweep(&t, 0);
	assert_int_equal(r->sweep.firing, RESULT_SWEEP_ANY_FLOW);
	assert_true(r->sweep.p_value < 0);
	assert_int_equal(count_fired(&r->sweep), PORTS);
	assert_int_equal(r->verdict.hop, HOP);
	let_go(r);
}

static void
test_never(void **state)
{
	struct locate_result *r;
	struct sim_truth t;

	(void)state;
	sim_truth_plain(HOPS, HOP, PLACE_WIRE, 1, 3, &t);
	t.cause = INFER_NOTHING;
	r = sweep(&t, 0);
	assert_int_equal(r->sweep.firing, RESULT_SWEEP_UNKNOWN);
	assert_int_equal(count_fired(&r->sweep), 0);
	assert_int_equal(r->verdict.kind, RESULT_NOT_REPRODUCED);
	let_go(r);
}

/* A block that remains resets controls too: ports cannot be compared. */
static void
test_block(void **state)
{
	struct locate_result *r;
	struct sim_truth t;

	(void)state;
	sim_truth_plain(HOPS, HOP, PLACE_WIRE, 1, 3, &t);
	t.dev.block_ns = 30 * CLOCK_S;
	r = sweep(&t, 0);
	assert_int_equal(r->sweep.firing, RESULT_SWEEP_UNKNOWN);
	let_go(r);
}

static void
test_ports_asked_for(void **state)
{
	struct locate_result *r;
	struct sim_truth t;

	(void)state;
	sim_truth_plain(HOPS, HOP, PLACE_ROUTER, 0.4, 1, &t);
	t.dev.dice = SIM_DICE_FLOW;
	r = sweep(&t, 41000);
	for (size_t i = 0; i < PORTS; i++) {
		assert_int_equal(r->sweep.ports[i].port, 41000 + i);
		assert_true(r->sweep.ports[i].trials >= 3);
	}
	assert_keeps_to_a_port(r);
	let_go(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("a device that chooses by flow is found out, and met",
		test_by_flow),
	    PROVES("of two parallel routers the one with the device is named",
		test_branch),
	    PROVES(
		"dice for each packet are no choice of ports", test_any_flow),
	    PROVES("one that always fires minds no port", test_always),
	    PROVES("where nothing fires, nothing is said", test_never),
	    PROVES("a block that remains tells nothing of ports", test_block),
	    PROVES("the ports asked for are taken, each several times",
		test_ports_asked_for),
	};

	return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
