/*
 * The job analyze over packets made here: what is counted, grouped and kept,
 * within which bounds, and what damage and signals do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/analyze.h>
#include <rsthop/clock.h>

#include "proves.h"

#define SYN    PKT_TH_SYN
#define ACK    PKT_TH_ACK
#define RSTACK (PKT_TH_RST | ACK)
#define PSHACK (PKT_TH_PSH | ACK)

#define CLIENT 0x0a000005u
#define SERVER 0xc6336407u

struct made {
	uint8_t p[128];
	uint32_t len;
	int64_t unix_ns;
	uint32_t file;
	bool damage; /* of its file: nothing else is in here */
};

struct tape {
	struct made *made;
	size_t n, cap, at;
	uint64_t frames[4];
	int64_t now_ns;
	size_t stop_at; /* a signal comes then; 0: never */
	unsigned int vendors_asked;
};

static struct tape tape;

static void
put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static struct made *
add(uint32_t file, int64_t after_ns)
{
	struct made *m;

	if (tape.n == tape.cap) {
		tape.cap = tape.cap != 0 ? 2 * tape.cap : 64;
		tape.made = realloc(tape.made, tape.cap * sizeof(*tape.made));
		assert_non_null(tape.made);
	}
	m = &tape.made[tape.n++];
	memset(m, 0, sizeof(*m));
	tape.now_ns += after_ns;
	m->unix_ns = tape.now_ns;
	m->file = file;
	return m;
}

struct hand {
	uint32_t addr;
	uint16_t port;
	uint8_t ttl;
	uint16_t id;
	uint32_t seq;
};

struct talk {
	struct hand c, s;
	uint32_t file;
};

/* Ethernet, IPv4, TCP; checksums are nobody's business here. */
static void
send(struct talk *t, bool from_client, int flags, const char *data,
    int64_t after_ns)
{
	struct hand *src = from_client ? &t->c : &t->s;
	struct hand *dst = from_client ? &t->s : &t->c;
	size_t n = data != NULL ? strlen(data) : 0;
	struct made *m = add(t->file, after_ns);
	uint8_t *ip = m->p + 14, *tcp = ip + 20;

	m->p[6] = from_client ? 0x02 : 0x58; /* the second: a maker's own */
	m->p[11] = from_client ? 5 : 1;
	put16(m->p + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, (unsigned int)(40 + n));
	put16(ip + 4, src->id++);
	put16(ip + 6, 0x4000);
	ip[8] = src->ttl;
	ip[9] = PKT_PROTO_TCP;
	put32(ip + 12, src->addr);
	put32(ip + 16, dst->addr);
	put16(tcp, src->port);
	put16(tcp + 2, dst->port);
	put32(tcp + 4, src->seq);
	put32(tcp + 8, (flags & ACK) != 0 ? dst->seq : 0);
	tcp[12] = 0x50;
	tcp[13] = (uint8_t)flags;
	put16(tcp + 14, 502);
	if (n > 0)
		memcpy(tcp + 20, data, n);
	m->len = (uint32_t)(54 + n);
	if ((flags & PKT_TH_RST) == 0)
		src->seq += (uint32_t)n + ((flags & SYN) != 0);
}

static struct talk
begin(uint32_t server, uint16_t port)
{
	struct talk t = {
	    .c = {CLIENT, port, 64, (uint16_t)(port * 3), port * 1000u},
	    .s = {server, 3306, 47, (uint16_t)(port * 7), port * 5000u}};

	send(&t, true, SYN, NULL, CLOCK_MS);
	send(&t, false, SYN | ACK, NULL, 40 * CLOCK_MS);
	send(&t, true, ACK, NULL, CLOCK_MS / 10);
	return t;
}

/* A box near by turns the client's packet into a reset. */
static void
forge(struct talk *t, uint8_t ttl)
{
	struct hand was = t->s;

	t->s.ttl = ttl;
	t->s.id = (uint16_t)(t->c.id - 1);
	send(t, false, RSTACK, NULL, CLOCK_MS / 2);
	t->s = was;
}

static void
answer(struct talk *t)
{
	send(t, false, PSHACK, "OK", 40 * CLOCK_MS);
	send(t, true, ACK, NULL, CLOCK_MS / 10);
}

static void
ask_and_be_reset(uint32_t server, uint16_t port, const char *words, uint8_t ttl)
{
	struct talk t = begin(server, port);

	send(&t, true, PSHACK, words, CLOCK_MS);
	forge(&t, ttl);
	answer(&t);
}

static void
ask_unharmed(uint32_t server, uint16_t port, const char *words)
{
	struct talk t = begin(server, port);

	send(&t, true, PSHACK, words, CLOCK_MS);
	answer(&t);
}

/* --- the input --- */

static int
next(void *ctx, struct capture_packet *out, struct fault *f)
{
	struct tape *t = ctx;
	const struct made *m;

	memset(out, 0, sizeof(*out));
	if (t->at == t->n)
		return 0;
	m = &t->made[t->at++];
	out->file = m->file;
	out->frame = t->frames[m->file];
	if (m->damage)
		return fault(f, FAULT_INPUT, "it breaks off");
	out->frame = ++t->frames[m->file];
	out->unix_ns = m->unix_ns;
	out->data = m->p;
	out->len = out->wire_len = m->len;
	out->link = PKT_LINK_ETHERNET;
	return 1;
}

static int
interrupted(void *ctx)
{
	struct tape *t = ctx;

	return t->stop_at != 0 && t->at >= t->stop_at ? 15 : 0;
}

static void
find_vendor(const uint8_t mac[ADDR_MAC], char *out, size_t size)
{
	tape.vendors_asked++;
	snprintf(out, size, "%s", mac[0] == 0x58 ? "Acme" : "");
}

static const struct analyze_path paths[] = {
    {"a.pcap", ANALYSIS_VANTAGE_ANY},
    {"b.pcap", ANALYSIS_VANTAGE_ANY},
};

static struct analyze_ask
new_ask(void)
{
	return (struct analyze_ask){
	    .n_paths = 2, .paths = paths, .max_resets = 100000};
}

static int
run(const struct analyze_ask *ask, struct analysis *a, struct fault *f)
{
	struct analyze_input in = {.ctx = &tape,
	    .next = next,
	    .interrupted = interrupted,
	    .vendor = find_vendor};

	return analyze_run(ask, &in, a, f);
}

static void
run_well(const struct analyze_ask *ask, struct analysis *a)
{
	struct fault f = {0};

	assert_int_equal(run(ask, a, &f), 0);
}

static int
setup(void **state)
{
	(void)state;
	memset(&tape, 0, sizeof(tape));
	tape.now_ns = 1700000000 * CLOCK_S;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(tape.made);
	return 0;
}

/* --- tests --- */

static void
test_one_device(void **state)
{
	struct analyze_ask ask = new_ask();
	const struct analysis_group *g;
	struct analysis a;

	(void)state;
	print_message("resets of one device are one group, with what fired "
		      "them, how often it passed, and how sure that is\n");
	for (uint16_t i = 0; i < 6; i++)
		ask_and_be_reset(SERVER, (uint16_t)(40000 + i), "use db", 63);
	ask_unharmed(SERVER, 40100, "use db");
	ask_unharmed(SERVER, 40101, "use db");
	ask_unharmed(SERVER, 40102, "use ab");
	run_well(&ask, &a);
	assert_int_equal(a.forged, 6);
	assert_int_equal(a.n_resets, 6);
	assert_int_equal(a.n_groups, 1);
	g = &a.groups[0];
	assert_int_equal(g->ruling, RST_FORGED);
	assert_int_equal(g->resets, 6);
	assert_int_equal(g->flows, 6);
	assert_int_equal(g->ttl, 63);
	assert_false(g->ttl_varies);
	assert_int_equal(g->candidates[0].hop, 1);
	assert_int_equal(g->trigger.drew, 6);
	assert_int_equal(g->trigger.unharmed, 2);
	assert_int_equal(g->trigger.common_len, 6);
	assert_memory_equal(g->trigger.common, "use db", 6);
	print_message("Wilson's interval of 6 of 8 is 0.409 to 0.929\n");
	assert_true(g->trigger.rate_lo > 0.409 && g->trigger.rate_lo < 0.410);
	assert_true(g->trigger.rate_hi > 0.928 && g->trigger.rate_hi < 0.929);
	assert_true(g->why.n_reasons > 0);
	analysis_free(&a);
}

static void
test_common_of_several(void **state)
{
	struct analyze_ask ask = new_ask();
	struct analysis a;

	(void)state;
	print_message("of several requests what they have in common is told, "
		      "and how many were others than the first\n");
	ask_and_be_reset(SERVER, 40000, "select 1; use db", 63);
	ask_and_be_reset(SERVER, 40001, "use db -- now", 63);
	ask_and_be_reset(SERVER, 40002, "xx use db yy", 63);
	run_well(&ask, &a);
	assert_int_equal(a.n_groups, 1);
	assert_int_equal(a.groups[0].trigger.common_len, 6);
	assert_memory_equal(a.groups[0].trigger.common, "use db", 6);
	assert_int_equal(a.groups[0].trigger.drew, 1);
	assert_int_equal(a.groups[0].trigger.others, 2);
	analysis_free(&a);
}

static void
test_many_resets_one_trigger(void **state)
{
	struct analyze_ask ask = new_ask();
	struct analysis a;
	struct talk t;

	(void)state;
	print_message("three resets that answer one packet fired once\n");
	t = begin(SERVER, 40000);
	send(&t, true, PSHACK, "use db", CLOCK_MS);
	forge(&t, 63);
	forge(&t, 63);
	forge(&t, 63);
	answer(&t);
	run_well(&ask, &a);
	assert_int_equal(a.forged, 3);
	assert_int_equal(a.groups[0].flows, 1);
	assert_int_equal(a.groups[0].trigger.drew, 1);
	assert_int_equal(a.groups[0].trigger.unharmed, 0);
	analysis_free(&a);
}

static void
test_probes_do_not_count(void **state)
{
	struct analyze_ask ask = new_ask();
	struct analysis a;
	struct talk t;

	(void)state;
	print_message("a probe that expired short of the device is no sign of "
		      "data that passed unharmed\n");
	ask_and_be_reset(SERVER, 40000, "use db", 63);
	t = begin(SERVER, 40001);
	t.c.ttl = 2;
	send(&t, true, PSHACK, "use db", CLOCK_MS);
	run_well(&ask, &a);
	assert_int_equal(a.groups[0].trigger.drew, 1);
	assert_int_equal(a.groups[0].trigger.unharmed, 0);
	analysis_free(&a);
}

static void
test_wandering_ttls(void **state)
{
	struct analyze_ask ask = new_ask();
	struct analysis a;

	(void)state;
	print_message("where TTLs wander, their resets are one group\n");
	for (uint8_t i = 0; i < 20; i++)
		ask_and_be_reset(SERVER, (uint16_t)(40000 + i), "use db",
		    (uint8_t)(130 + 5 * i));
	run_well(&ask, &a);
	assert_int_equal(a.n_resets, 20);
	for (size_t i = 1; i < a.n_resets; i++)
		if (a.resets[i].verdict.signature ==
		    a.resets[0].verdict.signature)
			assert_int_equal(a.resets[i].group, a.resets[0].group);
	assert_true(a.groups[0].ttl_varies);
	assert_true(a.groups[0].ttl_hi - a.groups[0].ttl_lo >= 20);
	assert_int_equal(a.groups[0].n_candidates, 0);
	assert_true(a.n_groups < 4);
	analysis_free(&a);
}

static void
test_more_servers_than_groups(void **state)
{
	struct analyze_ask ask = new_ask();
	uint64_t sum = 0, shared = 0;
	struct analysis a;

	(void)state;
	print_message("more servers than groups share one: none is lost\n");
	for (uint32_t i = 0; i < 9000; i++) {
		struct talk t = {.c = {CLIENT, 40000, 64, 1, 1},
		    .s = {SERVER + i, 80, 47, 0, 0}};

		send(&t, true, SYN, NULL, CLOCK_MS);
		send(&t, false, RSTACK, NULL, 40 * CLOCK_MS);
	}
	ask.max_resets = 0;
	run_well(&ask, &a);
	assert_int_equal(a.genuine + a.undetermined + a.forged, 9000);
	assert_int_equal(a.resets_left_out, 9000);
	assert_int_equal(a.n_resets, 0);
	for (size_t i = 0; i < a.n_groups; i++) {
		sum += a.groups[i].resets;
		if (addr_is_none(&a.groups[i].server.addr))
			shared += a.groups[i].resets;
	}
	assert_int_equal(sum, 9000);
	assert_int_equal(shared, 9000 - 8192);
	analysis_free(&a);
}

static void
test_bound_of_resets(void **state)
{
	struct analyze_ask ask = new_ask();
	struct analysis a;

	(void)state;
	print_message("beyond the bound resets are counted, not kept\n");
	for (uint16_t i = 0; i < 6; i++)
		ask_and_be_reset(SERVER, (uint16_t)(40000 + i), "use db", 63);
	ask.max_resets = 2;
	run_well(&ask, &a);
	assert_int_equal(a.n_resets, 2);
	assert_int_equal(a.resets_left_out, 4);
	assert_int_equal(a.forged, 6);
	assert_int_equal(a.groups[0].resets, 6);
	analysis_free(&a);
}

static void
test_order_and_groups(void **state)
{
	struct analyze_ask ask = new_ask();
	struct analysis a;
	struct talk t;

	(void)state;
	print_message("resets stand by time, forged groups first, and each "
		      "reset knows its group\n");
	t = begin(SERVER + 1, 40009);
	send(&t, true, PSHACK, "bye", CLOCK_MS);
	answer(&t);
	send(&t, false, RSTACK, NULL, CLOCK_S);
	ask_and_be_reset(SERVER, 40000, "use db", 63);
	ask_and_be_reset(SERVER, 40001, "use db", 63);
	run_well(&ask, &a);
	assert_int_equal(a.forged, 2);
	assert_int_equal(a.genuine, 1);
	assert_int_equal(a.n_groups, 2);
	assert_int_equal(a.groups[0].ruling, RST_FORGED);
	assert_int_equal(a.groups[1].ruling, RST_GENUINE);
	assert_int_equal(a.resets[0].group, 1);
	assert_int_equal(a.resets[1].group, 0);
	assert_int_equal(a.resets[2].group, 0);
	assert_true(a.resets[1].unix_ns < a.resets[2].unix_ns);
	analysis_free(&a);
}

static void
test_damage(void **state)
{
	struct analyze_ask ask = new_ask();
	struct analysis a;
	struct made *m;
	size_t from;

	(void)state;
	print_message("a damaged file is told with its last whole frame; the "
		      "other goes on\n");
	ask_and_be_reset(SERVER, 40000, "use db", 63);
	m = add(0, 0);
	m->damage = true;
	from = tape.n;
	ask_and_be_reset(SERVER, 40001, "use db", 63);
	for (; from < tape.n; from++)
		tape.made[from].file = 1;
	run_well(&ask, &a);
	assert_int_equal(a.forged, 2);
	assert_string_equal(a.files[0].damage, "it breaks off");
	assert_int_equal(a.files[0].damage_frame, 7);
	assert_string_equal(a.files[1].damage, "");
	assert_int_equal(a.files[0].packets, 7);
	assert_int_equal(a.packets, 14);
	assert_int_equal(a.resets[1].file, 1);
	assert_int_equal(a.trouble.kind, FAULT_NONE);
	analysis_free(&a);
}

static void
test_signal(void **state)
{
	struct analyze_ask ask = new_ask();
	struct analysis a;

	(void)state;
	print_message("a signal ends it with what was read by then\n");
	for (uint16_t i = 0; i < 600; i++)
		ask_and_be_reset(SERVER, (uint16_t)(40000 + i), "use db", 63);
	tape.stop_at = 1000;
	run_well(&ask, &a);
	assert_int_equal(a.interrupted, 15);
	assert_in_range(a.packets, 1000, 2047);
	assert_in_range(a.forged, 1000 / 7, 2047 / 7);
	analysis_free(&a);
}

static int
refuse(void *ctx, const struct analysis *a, const struct analysis_reset *r,
    struct fault *f)
{
	(void)ctx;
	(void)a;
	(void)r;
	return fault(f, FAULT_INPUT, "the disk is full");
}

static void
test_sink_fails(void **state)
{
	struct analyze_ask ask = new_ask();
	struct fault f = {0};
	struct analysis a;

	(void)state;
	print_message(
	    "where nobody can take the resets, it ends and says so\n");
	ask_and_be_reset(SERVER, 40000, "use db", 63);
	ask_and_be_reset(SERVER, 40001, "use db", 63);
	ask.reset = refuse;
	assert_int_equal(run(&ask, &a, &f), -1);
	assert_string_equal(f.text, "the disk is full");
	assert_int_equal(a.trouble.kind, FAULT_INPUT);
	analysis_free(&a);
}

static void
test_vendors(void **state)
{
	struct analyze_ask ask = new_ask();
	struct analysis a;

	(void)state;
	print_message("each maker is asked for once, and named\n");
	ask_and_be_reset(SERVER, 40000, "use db", 63);
	ask_and_be_reset(SERVER, 40001, "use db", 63);
	run_well(&ask, &a);
	assert_int_equal(tape.vendors_asked, 1);
	assert_string_equal(a.resets[0].vendor, "Acme");
	assert_string_equal(a.groups[0].vendor, "Acme");
	analysis_free(&a);
}

static void
test_nothing(void **state)
{
	struct analyze_ask ask = new_ask();
	struct analysis a;

	(void)state;
	print_message("nothing to read gives nothing, and no fault\n");
	run_well(&ask, &a);
	assert_int_equal(a.n_files, 2);
	assert_int_equal(a.n_groups + a.n_resets + a.packets, 0);
	analysis_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES_WITH("one device", test_one_device, setup, teardown),
	    PROVES_WITH(
		"common of several", test_common_of_several, setup, teardown),
	    PROVES_WITH("many resets one trigger", test_many_resets_one_trigger,
		setup, teardown),
	    PROVES_WITH("probes do not count", test_probes_do_not_count, setup,
		teardown),
	    PROVES_WITH("wandering ttls", test_wandering_ttls, setup, teardown),
	    PROVES_WITH("more servers than groups",
		test_more_servers_than_groups, setup, teardown),
	    PROVES_WITH(
		"bound of resets", test_bound_of_resets, setup, teardown),
	    PROVES_WITH(
		"order and groups", test_order_and_groups, setup, teardown),
	    PROVES_WITH("damage", test_damage, setup, teardown),
	    PROVES_WITH("signal", test_signal, setup, teardown),
	    PROVES_WITH("sink fails", test_sink_fails, setup, teardown),
	    PROVES_WITH("vendors", test_vendors, setup, teardown),
	    PROVES_WITH("nothing", test_nothing, setup, teardown),
	};

	return cmocka_run_group_tests_name("analyze", tests, NULL, NULL);
}
