/*
 * The simulated network keeps the laws of PHYSICS, and a small sample of what
 * `make sim` runs ten thousand times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/clock.h>

#include <sim/net.h>
#include <sim/run.h>

#include "proves.h"

#define SAMPLE 80

static const uint8_t trigger[] = "use db";

/* A network in which the tests send by hand. */
struct bench {
	struct sim_truth t;
	struct sim_net *n;
	struct world w;
	struct endpoint target, local;
	int id;
	uint32_t snd_nxt, rcv_nxt;
};

static bool
next_packet(struct bench *b, int64_t wait_ns, struct world_packet *out)
{
	int64_t until = b->w.now(b->w.ctx) + wait_ns;
	struct fault f = {0};
	int rc;

	while (b->w.now(b->w.ctx) < until) {
		rc = b->w.next(b->w.ctx, until, out, &f);
		assert_int_not_equal(rc, -1);
		if (rc == 1)
			return true;
	}
	return false;
}

/* After the handshake, whose three packets it checks. */
static void
bench_open(struct bench *b)
{
	struct fault f = {0};
	struct world_packet wp;
	struct addr client;

	b->n = sim_net_new(&b->t, trigger, sizeof(trigger) - 1, NULL);
	assert_non_null(b->n);
	sim_net_world(b->n, &b->w);
	sim_net_ends(b->n, &b->target, &client);
	assert_int_equal(b->w.open(b->w.ctx, 40001, &b->id, &b->local, &f), 0);
	assert_true(next_packet(b, CLOCK_S, &wp));
	assert_int_equal(wp.pkt.tcp.flags, PKT_TH_SYN);
	b->snd_nxt = wp.pkt.tcp.seq + 1;
	assert_true(next_packet(b, CLOCK_S, &wp));
	assert_int_equal(wp.pkt.tcp.flags, PKT_TH_SYN | PKT_TH_ACK);
	assert_int_equal(wp.pkt.tcp.ack, b->snd_nxt);
	assert_int_equal(wp.pkt.ip.ttl, b->t.server_ttl - b->t.back[b->t.hops]);
	b->rcv_nxt = wp.pkt.tcp.seq + 1;
	assert_true(next_packet(b, CLOCK_S, &wp));
	assert_int_equal(wp.pkt.tcp.flags, PKT_TH_ACK);
	assert_int_equal(b->w.state(b->w.ctx, b->id), CONN_OPEN);
}

/* A segment of the connection, from where `back` bytes before the next are. */
static void
inject(struct bench *b, int ttl, uint32_t back, uint32_t tag, const uint8_t *p,
    size_t len)
{
	struct craft_tcp t = {0};
	struct fault f = {0};
	struct world_packet wp;

	t.flow.src = b->local;
	t.flow.dst = b->target;
	t.ttl = (uint8_t)ttl;
	t.id = (uint16_t)(7000 + ttl);
	t.seq = b->snd_nxt - back;
	t.ack = b->rcv_nxt - tag;
	t.flags = PKT_TH_ACK;
	t.window = 1000;
	t.payload = p;
	t.payload_len = len;
	assert_int_equal(b->w.tcp(b->w.ctx, &t, &f), 0);
	/* The capture shows what left. */
	assert_true(next_packet(b, CLOCK_MS, &wp));
	assert_int_equal(wp.pkt.ip.ttl, ttl);
}

static void
test_hops(void **state)
{
	struct bench b = {0};
	struct world_packet wp;
	const uint8_t zeros[30] = {0};

	(void)state;
	print_message(
	    "a probe of TTL n dies at hop n, whose answer has crossed "
	    "n - 1 routers; TTL N reaches the server\n");
	sim_truth_plain(12, 5, PLACE_WIRE, 1, 1, &b.t);
	bench_open(&b);
	for (int ttl = 1; ttl < 12; ttl++) {
		inject(&b, ttl, (uint32_t)ttl, 0, zeros, (size_t)ttl);
		assert_true(next_packet(&b, CLOCK_S, &wp));
		assert_true(wp.pkt.icmp.is_time_exceeded);
		assert_int_equal(wp.pkt.ip.ttl, 255 - (ttl - 1));
		assert_int_equal(wp.pkt.quote.ip.id, 7000 + ttl);
	}
	inject(&b, 12, 12, 0, zeros, 12);
	assert_true(next_packet(&b, CLOCK_S, &wp));
	assert_int_equal(wp.pkt.tcp.n_sacks, 1);
	assert_int_equal(wp.pkt.tcp.sacks[0].left, b.snd_nxt - 12);
	assert_int_equal(wp.pkt.tcp.sacks[0].right, b.snd_nxt);
	sim_net_free(b.n);
}

static void
test_threshold(void **state)
{
	struct bench b = {0};
	struct world_packet wp;

	(void)state;
	print_message(
	    "a device at hop h fires from TTL h on the wire, h + 1 in "
	    "the router; its reset has crossed h - 1 routers\n");
	for (int place = PLACE_WIRE; place < PLACES; place++) {
		sim_truth_plain(12, 5, (enum place)place, 1, 2, &b.t);
		b.t.dev.drops = true;
		bench_open(&b);
		for (int ttl = 1; ttl < 12; ttl++) {
			inject(&b, ttl, 0, (uint32_t)ttl, trigger,
			    sizeof(trigger) - 1);
			assert_true(next_packet(&b, CLOCK_S, &wp));
			if (ttl < 5 + place - PLACE_WIRE) {
				assert_true(wp.pkt.icmp.is_time_exceeded);
				continue;
			}
			assert_int_equal(wp.pkt.tcp.flags, PKT_TH_RST);
			assert_int_equal(wp.pkt.ip.ttl, 64 - 4);
			assert_int_equal(
			    wp.pkt.tcp.seq, b.rcv_nxt - (uint32_t)ttl);
		}
		/* Old sequence numbers all: the kernel took none. */
		assert_int_equal(b.w.state(b.w.ctx, b.id), CONN_OPEN);
		inject(&b, 11, 0, 0, trigger, sizeof(trigger) - 1);
		assert_true(next_packet(&b, CLOCK_S, &wp));
		assert_int_equal(b.w.state(b.w.ctx, b.id), CONN_RESET);
		sim_net_free(b.n);
	}
}

static void
test_copied(void **state)
{
	struct bench b = {0};
	struct world_packet wp;
	int left;

	(void)state;
	print_message("a copied TTL comes back as n - 2(h - 1) from the wire, "
		      "n - 2h + 1 from the router, or not at all\n");
	for (int place = PLACE_WIRE; place < PLACES; place++) {
		sim_truth_plain(12, 4, (enum place)place, 1, 3, &b.t);
		b.t.dev.drops = true;
		b.t.dev.ttl = SIM_TTL_COPIED;
		bench_open(&b);
		for (int ttl = 4 + place - PLACE_WIRE; ttl < 12; ttl++) {
			left = place == PLACE_WIRE ? ttl - 6 : ttl - 7;
			inject(&b, ttl, 0, (uint32_t)ttl, trigger,
			    sizeof(trigger) - 1);
			assert_int_equal(
			    next_packet(&b, 50 * CLOCK_MS, &wp), left > 0);
			if (left > 0)
				assert_int_equal(wp.pkt.ip.ttl, left);
		}
		sim_net_free(b.n);
	}
}

static void
test_icmp_limit(void **state)
{
	struct bench b = {0};
	struct world_packet wp;
	const uint8_t zeros[1] = {0};
	int answers = 0;

	(void)state;
	print_message("a limited router answers six at once, then one a "
		      "second; a silent one never\n");
	sim_truth_plain(12, 5, PLACE_WIRE, 1, 4, &b.t);
	b.t.limited[3] = true;
	b.t.silent[4] = true;
	bench_open(&b);
	for (int i = 0; i < 10; i++) {
		inject(&b, 3, 1, 0, zeros, 1);
		answers += next_packet(&b, 50 * CLOCK_MS, &wp);
	}
	assert_int_equal(answers, 6);
	assert_false(next_packet(&b, CLOCK_S, &wp));
	inject(&b, 3, 1, 0, zeros, 1);
	assert_true(next_packet(&b, 50 * CLOCK_MS, &wp));
	inject(&b, 4, 1, 0, zeros, 1);
	assert_false(next_packet(&b, CLOCK_S, &wp));
	sim_net_free(b.n);
}

static void
test_same_seed(void **state)
{
	struct sim_record a, b;

	(void)state;
	print_message("the same seed gives the same run, packet for packet\n");
	for (uint64_t seed = 1; seed <= 12; seed++) {
		sim_run(seed, NULL, &a);
		sim_run(seed, NULL, &b);
		assert_int_equal(a.outcome, b.outcome);
		assert_int_equal(a.hop, b.hop);
		assert_int_equal(a.connections, b.connections);
		assert_int_equal(a.packets, b.packets);
		assert_true(a.virtual_ns == b.virtual_ns);
		assert_true(a.confidence == b.confidence);
	}
}

/* Every hop of a clean path, sure forgers: there is no excuse. */
static void
test_sure_forger(void **state)
{
	struct sim_truth t;
	struct sim_record r;

	(void)state;
	print_message(
	    "a forger in the router that always fires is named, wherever\n");
	for (int hop = 1; hop < 11; hop++) {
		sim_truth_plain(12, hop, PLACE_ROUTER, 1, (uint64_t)hop, &t);
		sim_run_truth(&t, NULL, &r);
		assert_int_equal(r.outcome, SIM_RIGHT);
		assert_int_equal(r.hop, hop);
		assert_true(r.confidence >= 0.95);
		assert_in_range(r.connections, 1, 20);
	}
}

static void
test_sample(void **state)
{
	unsigned int right = 0, claims = 0, claims_right = 0, failed = 0;
	unsigned int explained = 0;
	struct sim_record r;

	(void)state;
	for (uint64_t seed = 1001; seed <= 1000 + SAMPLE; seed++) {
		sim_run(seed, NULL, &r);
		right += r.outcome == SIM_RIGHT;
		failed += r.outcome == SIM_FAILED;
		if (r.odds_gap >= 0) {
			explained++;
			assert_true(r.odds_named && r.odds_gap < 1e-9);
		}
		if (!sim_claims(&r) || r.confidence < 0.95)
			continue;
		claims++;
		claims_right += r.outcome == SIM_RIGHT;
	}
	print_message("%d networks: right in %u; of %u verdicts at 0.95 and "
		      "more %u are right\n",
	    SAMPLE, right, claims, claims_right);
	assert_in_range(failed, 0, 2);
	assert_in_range(explained, SAMPLE * 9 / 10, SAMPLE);
	assert_in_range(right, SAMPLE / 2, SAMPLE);
	assert_in_range(claims, SAMPLE / 3, SAMPLE);
	assert_in_range(claims_right, claims - claims / 12, claims);
}

static void
test_rules(void **state)
{
	struct sim_rival r[SIM_RULES];
	int right[SIM_RULES] = {0};

	(void)state;
	print_message("the rules err as PHYSICS says: at p = 0.3, N = 12\n");
	for (int s = 0; s < 600; s++) {
		sim_rivals_plain(12, 1 + s % 12, 0.3, (uint64_t)s, r);
		for (int k = 0; k < SIM_RULES; k++)
			right[k] += r[k].right;
	}
	/* 0.29, 0.39, 0.65 and 0.94, with room for chance. */
	assert_in_range(
	    right[SIM_RULE_ASCENDING], 600 * 23 / 100, 600 * 36 / 100);
	assert_in_range(right[SIM_RULE_MODE], 600 * 31 / 100, 600 * 46 / 100);
	assert_in_range(
	    right[SIM_RULE_MINIMUM], 600 * 58 / 100, 600 * 73 / 100);
	assert_in_range(right[SIM_RULE_POSTERIOR], 600 * 90 / 100, 600);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("hops", test_hops),
	    PROVES("threshold", test_threshold),
	    PROVES("copied", test_copied),
	    PROVES("icmp limit", test_icmp_limit),
	    PROVES("same seed", test_same_seed),
	    PROVES("sure forger", test_sure_forger),
	    PROVES("sample", test_sample),
	    PROVES("rules", test_rules),
	};

	return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
