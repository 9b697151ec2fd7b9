/*
 * trace: all TTLs at once, the silent ones again, and how far the server is.
 *
 * The path is played in on_sent: routers 10.9.0.2, 10.9.1.2 …, each 2 ms
 * behind the one before it, and the server as the Nth.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/clock.h>
#include <rsthop/trace.h>

#include "proves.h"
#include "scripted_world.h"

#define HOPS_MAX 40

struct script {
	int hops;	      /* N */
	int silent[HOPS_MAX]; /* a router leaves so many probes unanswered */
	bool no_echo;	      /* the server answers no echo */
	bool no_dsack;	      /* nor what repeats its data */
	bool unreachable;     /* it says port unreachable to a SYN */
	int lost;	      /* probes of less TTL die on its doorstep */
	int proxy;	      /* this hop answers TCP in its name; 0: none */
	int syn_proxy;	      /* this one SYNs alone */
	bool syn_resets;      /* with resets */
	int syn_silent;	      /* this hop says nothing of SYNs */
	int quit_after;	      /* packets until a signal comes; 0: none */
	int asked[HOPS_MAX];  /* TCP probes seen */
	int64_t when[HOPS_MAX][16];
};

static void
reply_te(struct sw *sw, int ttl, const struct sw_sent *s, uint8_t type)
{
	uint8_t echo[28] = {0x45, 0, 0, 44, 0, 1, 0, 0, 1, PKT_PROTO_ICMP};
	char from[ADDR_TEXT];
	int64_t at = s->at_ns + ttl * 2 * CLOCK_MS;

	snprintf(from, sizeof(from), "10.9.%d.2", ttl - 1);
	if (s->kind == SW_ECHO) {
		memcpy(echo + 12, sw->client.addr.b, 4);
		memcpy(echo + 16, sw->server.addr.b, 4);
		sw_be(echo + 4, s->echo.id, 2);
		echo[20] = 8;
		sw_be(echo + 24, s->echo.echo_id, 2);
		sw_be(echo + 26, s->echo.echo_seq, 2);
	}
	sw_push_icmp(sw, at, from, (uint8_t)(64 - (ttl - 1)), type, 0,
	    s->kind == SW_ECHO ? echo : s->packet, 28);
}

/* The server has these bytes already: RFC 2883. */
static void
reply_dsack(struct sw *sw, const struct sw_sent *s)
{
	struct craft_tcp t = sw_from_server(sw, 0);
	uint8_t opts[12] = {1, 1, 5, 10};

	sw_be(opts + 4, s->tcp.seq, 4);
	sw_be(opts + 8, s->tcp.seq + (uint32_t)s->tcp.payload_len, 4);
	t.opts = opts;
	t.opts_len = sizeof(opts);
	sw_push_tcp(sw, s->at_ns + sw->rtt_ns, &t);
}

static void
reply_syn(struct sw *sw, const struct sw_sent *s, const struct script *sc)
{
	struct craft_tcp t = s->tcp;

	if (sc->unreachable) {
		reply_te(sw, sc->hops, s, 3);
		return;
	}
	t.flow = flow_key_reverse(&t.flow);
	t.ttl = sw->server_ttl;
	t.ack = t.seq + 1;
	t.seq = 0;
	t.flags = PKT_TH_SYN | PKT_TH_ACK;
	if (sw->deaf || sc->syn_resets)
		t.flags = PKT_TH_RST | PKT_TH_ACK;
	t.opts_len = 0;
	sw_push_tcp(sw, s->at_ns + sw->rtt_ns, &t);
}

static void
reply_server(struct sw *sw, const struct sw_sent *s, const struct script *sc)
{
	if (s->kind == SW_ECHO && !sc->no_echo)
		sw_push_icmp(sw, s->at_ns + sw->rtt_ns, "10.9.6.2",
		    sw->server_ttl, 0,
		    (uint32_t)s->echo.echo_id << 16 | s->echo.echo_seq, NULL,
		    0);
	else if (s->kind == SW_TCP && (s->tcp.flags & PKT_TH_SYN) != 0)
		reply_syn(sw, s, sc);
	else if (s->kind == SW_TCP && !sc->no_dsack)
		reply_dsack(sw, s);
}

static void
play(struct sw *sw, const struct sw_sent *s)
{
	struct script *sc = sw->arg;
	int ttl = s->kind == SW_ECHO ? s->echo.ttl : s->tcp.ttl;
	bool syn = s->kind == SW_TCP && (s->tcp.flags & PKT_TH_SYN) != 0;

	assert_true(ttl >= 1 && ttl < HOPS_MAX);
	if (s->kind == SW_TCP && sc->asked[ttl] < 16)
		sc->when[ttl][sc->asked[ttl]++] = s->at_ns;
	if (ttl >= sc->hops && ttl < sc->lost)
		return;
	if (ttl >= sc->hops ||
	    (sc->proxy > 0 && s->kind == SW_TCP && ttl >= sc->proxy) ||
	    (sc->syn_proxy > 0 && syn && ttl >= sc->syn_proxy))
		reply_server(sw, s, sc);
	else if (syn && ttl == sc->syn_silent)
		return;
	else if (sc->silent[ttl] > 0)
		sc->silent[ttl]--;
	else
		reply_te(sw, ttl, s, 11);
}

/* As the world's, until the signal. */
static int
next_or_quit(
    void *ctx, int64_t until_ns, struct world_packet *out, struct fault *f)
{
	struct sw *sw = ctx;
	struct script *sc = sw->arg;

	if (sc->quit_after > 0 && --sc->quit_after == 0)
		return fault_interrupted(f, SIGINT);
	return sw_next(ctx, until_ns, out, f);
}

static struct sw *
world_of(struct script *sc)
{
	struct sw *sw = sw_new(4);

	sw->w.next = next_or_quit;
	sw->on_sent = play;
	sw->arg = sc;
	return sw;
}

#define PORT 47000

/* For one flow, by its port: inside a connection from there. */
static struct trace_ask
ask_of(const struct sw *sw)
{
	struct trace_ask ask = {
	    .host = "db.example.com",
	    .max_hops = 30,
	    .src_port = PORT,
	};

	ask.target = sw->server;
	ask.route.src = sw->client.addr;
	snprintf(ask.route.ifname, sizeof(ask.route.ifname), "eth0");
	return ask;
}

static void
run(struct sw *sw, const struct trace_ask *ask, struct trace_result *out)
{
	struct fault f = {0};

	if (trace_run(ask, &sw->w, out, &f) != 0)
		fail_msg("%s", f.text);
	print_message("  %d hops, server at %d, in %d ms\n", out->path.n_hops,
	    out->path.server_hops, (int)(out->head.duration_ns / CLOCK_MS));
}

static void
end(struct sw *sw, struct trace_result *out)
{
	/* Nothing is left open. */
	for (int i = 0; i < sw->n_conns; i++)
		assert_true(sw->conns[i].closed);
	trace_result_free(out);
	free(sw);
}

/* Hops 1 … last answered, by `via`, from where they are. */
static void
assert_routers(const struct path *p, int last, unsigned int via)
{
	char text[ADDR_TEXT], want[ADDR_TEXT];
	const struct path_hop *h;

	for (int i = 1; i <= last; i++) {
		h = path_hop_at(p, i);
		assert_non_null(h);
		assert_int_equal(h->ttl, i);
		assert_int_equal(h->n_responders, 1);
		assert_false(h->is_server);
		snprintf(want, sizeof(want), "10.9.%d.2", i - 1);
		assert_string_equal(
		    addr_format(&h->responders[0].addr, text), want);
		assert_int_equal(h->responders[0].via, via);
		assert_int_equal(h->responders[0].rewrites, 0);
		assert_true(h->responders[0].rtt_ns == i * 2 * CLOCK_MS);
		assert_int_equal(h->responders[0].reply_ttl, 64 - (i - 1));
		assert_int_equal(h->responders[0].has_mac, i == 1);
	}
}

static void
assert_server(const struct path *p, int hops, enum path_distance d)
{
	assert_int_equal(p->server_hops, hops);
	assert_int_equal(p->n_hops, hops);
	assert_int_equal(p->distance, d);
}

static void
test_plain(void **state)
{
	struct script sc = {.hops = 7};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
	assert_routers(&out.path, 6, PATH_VIA_TCP | PATH_VIA_ICMP);
	assert_true(out.path.hops[6].is_server);
	assert_int_equal(
	    out.path.hops[6].responders[0].via, PATH_VIA_TCP | PATH_VIA_ICMP);
	assert_true(out.path.established);
	assert_int_equal(out.path.server_ttl, 58);
	assert_int_equal(out.path.server_initial_ttl, 64);
	assert_true(out.path.server_rtt_ns == sw->rtt_ns);
	assert_string_equal(out.head.host, "db.example.com");
	assert_string_equal(out.head.ifname, "eth0");
	assert_int_equal(out.head.source.port, PORT);
	assert_int_equal(out.head.connections, 1);
	assert_int_equal(out.notes.n, 0);
	assert_true(out.evidence.n > 10);
	/* One wave, TTL 1 to 9, each once by TCP and once by echo. */
	assert_int_equal(out.head.packets_sent, 18);
	assert_int_equal(out.path.hops[8].asked, 2);
	for (size_t i = 0; i < sw->n_sent; i++)
		assert_true(sw->sent[i].at_ns == sw->sent[0].at_ns);
	assert_true(out.head.duration_ns < 3 * sw->rtt_ns);
	end(sw, &out);
}

static void
test_by_dsack(void **state)
{
	struct script sc = {.hops = 7, .no_echo = true};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
	assert_int_equal(out.path.hops[6].responders[0].via, PATH_VIA_TCP);
	end(sw, &out);
}

static void
test_by_echo(void **state)
{
	struct script sc = {.hops = 7, .no_dsack = true};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
	assert_int_equal(out.path.hops[6].responders[0].via, PATH_VIA_ICMP);
	end(sw, &out);
}

/* The server answers no probe: its TTL alone, beside the hops before it. */
static void
test_by_ttl(void **state)
{
	struct script sc = {.hops = 7, .no_dsack = true, .no_echo = true};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_SILENT);
	assert_routers(&out.path, 6, PATH_VIA_TCP | PATH_VIA_ICMP);
	assert_int_equal(out.path.hops[6].n_responders, 0);
	end(sw, &out);
	/* Nor do they. */
	memset(&sc, 0, sizeof(sc));
	sc.hops = 7;
	sc.no_dsack = sc.no_echo = true;
	for (int i = 0; i < HOPS_MAX; i++)
		sc.silent[i] = 1000;
	sw = world_of(&sc);
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_TTL);
	assert_true(out.head.duration_ns < 5 * CLOCK_S);
	end(sw, &out);
}

/* A rate-limited hop: a second between its probes, and it answers at last. */
static void
test_silent_again(void **state)
{
	struct script sc = {.hops = 7};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	sc.silent[3] = 4; /* two waves of two probes */
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
	assert_int_equal(out.path.hops[2].n_responders, 1);
	assert_int_equal(out.path.hops[2].asked, 6);
	assert_int_equal(out.path.hops[2].answered, 2);
	assert_int_equal(sc.asked[3], 3);
	assert_true(sc.when[3][1] - sc.when[3][0] < CLOCK_S / 2);
	assert_true(sc.when[3][2] - sc.when[3][1] >= CLOCK_S);
	/* The others were left alone. */
	assert_int_equal(sc.asked[2], 1);
	assert_int_equal(sc.asked[4], 1);
	end(sw, &out);
}

static void
test_silent_given_up(void **state)
{
	struct script sc = {.hops = 7};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	sc.silent[3] = 1000;
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
	assert_int_equal(out.path.hops[2].n_responders, 0);
	assert_int_equal(out.path.hops[2].asked, 8);
	assert_int_equal(out.path.hops[2].answered, 0);
	assert_true(out.head.duration_ns < 4 * CLOCK_S);
	end(sw, &out);
}

/* The server's TTL says 7; it is 12 away by the way that we go. */
static void
test_longer(void **state)
{
	struct script sc = {.hops = 12};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	run(sw, &ask, &out);
	assert_server(&out.path, 12, PATH_DISTANCE_PROBE);
	assert_routers(&out.path, 11, PATH_VIA_TCP | PATH_VIA_ICMP);
	end(sw, &out);
}

/* It is 5 away: the first that the server answers counts. */
static void
test_shorter(void **state)
{
	struct script sc = {.hops = 5};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	run(sw, &ask, &out);
	assert_server(&out.path, 5, PATH_DISTANCE_PROBE);
	end(sw, &out);
}

static void
test_max_hops(void **state)
{
	struct script sc = {.hops = 7};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	ask.max_hops = 4;
	run(sw, &ask, &out);
	assert_int_equal(out.path.server_hops, 0);
	assert_int_equal(out.path.distance, PATH_DISTANCE_UNKNOWN);
	assert_int_equal(out.path.n_hops, 4);
	assert_routers(&out.path, 4, PATH_VIA_TCP | PATH_VIA_ICMP);
	for (size_t i = 0; i < sw->n_sent; i++)
		assert_true(sw->sent[i].tcp.ttl <= 4);
	end(sw, &out);
}

/* Nothing can be opened: SYNs, and the server's own answer to one. */
static void
test_by_syn(void **state)
{
	struct script sc = {.hops = 7, .no_echo = true};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	sw->deaf = true;
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
	assert_routers(&out.path, 6, PATH_VIA_SYN | PATH_VIA_ICMP);
	assert_false(out.path.established);
	assert_int_equal(out.path.server_ttl, 58);
	assert_int_equal(out.notes.n, 1);
	assert_non_null(strstr(out.notes.text[0], "did not answer the SYN"));
	assert_non_null(strstr(out.notes.text[0], "traced with SYNs instead."));
	end(sw, &out);
}

/* No port: echoes alone, and no connection. */
static void
test_icmp_alone(void **state)
{
	struct script sc = {.hops = 7};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	ask.target.port = 0;
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
	assert_routers(&out.path, 6, PATH_VIA_ICMP);
	assert_int_equal(out.head.connections, 0);
	assert_int_equal(sw->n_conns, 0);
	end(sw, &out);
}

static void
test_source_port(void **state)
{
	struct script sc = {.hops = 7};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	run(sw, &ask, &out);
	assert_int_equal(out.head.source.port, PORT);
	for (size_t i = 0; i < sw->n_sent; i++)
		if (sw->sent[i].kind == SW_TCP)
			assert_int_equal(sw->sent[i].tcp.flow.src.port, PORT);
	assert_true(sw->conns[0].aborted);
	end(sw, &out);
}

/* Probes of one wave differ in their bytes, and none is new data. */
static void
test_harmless(void **state)
{
	struct script sc = {.hops = 7};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	const struct craft_tcp *t;
	struct trace_result out;

	(void)state;
	run(sw, &ask, &out);
	for (size_t i = 0; i < sw->n_sent; i++) {
		t = &sw->sent[i].tcp;
		if (sw->sent[i].kind != SW_TCP)
			continue;
		assert_int_equal(t->payload_len, t->ttl);
		assert_int_equal(t->seq + t->ttl, sw->iss + 1);
		assert_int_equal(t->ack, sw->irs + 1);
		assert_int_equal(t->flags, PKT_TH_ACK);
	}
	end(sw, &out);
}

static void
test_interrupted(void **state)
{
	struct script sc = {.hops = 7, .quit_after = 20};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	sc.silent[4] = 1000;
	run(sw, &ask, &out);
	assert_int_equal(out.head.interrupted, SIGINT);
	assert_true(out.path.n_hops > 0);
	assert_int_equal(out.path.hops[0].n_responders, 1);
	end(sw, &out);
}

/* It answered TTL 9 alone, through three waves: that is no loss any more. */
static void
test_first_answers_lost(void **state)
{
	struct script sc = {.hops = 7, .lost = 9};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	run(sw, &ask, &out);
	assert_true(out.path.hops[8].is_server);
	assert_server(&out.path, 9, PATH_DISTANCE_PROBE);
	end(sw, &out);
	/* Where the TTL says more than that, the answer counts. */
	memset(&sc, 0, sizeof(sc));
	sc.hops = 7;
	sw = world_of(&sc);
	sw->server_ttl = 56;
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
	end(sw, &out);
	/* Less, and a router has answered there: likewise. */
	memset(&sc, 0, sizeof(sc));
	sc.hops = 7;
	sw = world_of(&sc);
	sw->server_ttl = 60;
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
	end(sw, &out);
}

/* The port is closed by the server's own firewall, which says so by ICMP. */
static void
test_server_unreachable(void **state)
{
	struct script sc = {.hops = 7, .no_echo = true, .unreachable = true};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	sw->deaf = true;
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
	assert_routers(&out.path, 6, PATH_VIA_SYN | PATH_VIA_ICMP);
	assert_true(out.path.hops[6].is_server);
	assert_true(out.path.hops[6].responders[0].unreachable);
	end(sw, &out);
}

/* Who answers the flow is nearer than the host that pings reach. */
static void
test_proxy(void **state)
{
	struct script sc = {.hops = 7, .proxy = 4};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	sw->server_ttl = 61;
	run(sw, &ask, &out);
	assert_server(&out.path, 4, PATH_DISTANCE_PROBE);
	assert_routers(&out.path, 3, PATH_VIA_TCP | PATH_VIA_ICMP);
	assert_int_equal(out.notes.n, 1);
	print_message("  %s\n", out.notes.text[0]);
	assert_non_null(strstr(out.notes.text[0], "hop 4"));
	assert_non_null(strstr(out.notes.text[0], "a proxy answers"));
	end(sw, &out);
}

/*
 * Nine out, seven back, and the last two routers never answer: the server
 * answers TTL 9 alone, asked three times over a second apart.
 */
static void
test_silent_before_server(void **state)
{
	struct script sc = {.hops = 9};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_of(sw);
	struct trace_result out;

	(void)state;
	sc.silent[7] = sc.silent[8] = 1000;
	run(sw, &ask, &out);
	assert_server(&out.path, 9, PATH_DISTANCE_PROBE);
	end(sw, &out);
}

/* Of any flow: the SYNs' own port is 61000 here. */
static struct trace_ask
ask_any(const struct sw *sw)
{
	struct trace_ask ask = ask_of(sw);

	ask.src_port = 0;
	return ask;
}

/* How many segments of the connection were injected. */
static int
count_inside(const struct sw *sw)
{
	int n = 0;

	for (size_t i = 0; i < sw->n_sent; i++)
		if (sw->sent[i].kind == SW_TCP &&
		    (sw->sent[i].tcp.flags & PKT_TH_SYN) == 0)
			n++;
	return n;
}

static void
test_ahead(void **state)
{
	struct script sc = {.hops = 7};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_any(sw);
	const struct craft_tcp *t, *last = NULL;
	struct trace_result out;

	(void)state;
	sw->rtt_ns = 40 * CLOCK_MS;
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
	assert_routers(&out.path, 6, PATH_VIA_SYN | PATH_VIA_ICMP);
	assert_int_equal(
	    out.path.hops[6].responders[0].via, PATH_VIA_SYN | PATH_VIA_ICMP);
	/* It is the SYNs' flow that is shown. */
	assert_int_equal(out.head.source.port, 61000);
	assert_false(out.path.established);
	assert_int_equal(out.head.connections, 1);
	assert_int_equal(out.path.server_ttl, 58);
	assert_true(out.path.server_rtt_ns == sw->rtt_ns);
	assert_int_equal(out.notes.n, 0);
	assert_int_equal(count_inside(sw), 0);
	assert_true(out.head.duration_ns < sw->rtt_ns * 13 / 10);
	/* One five-tuple, no option that varies, and each SYN an old one. */
	for (size_t i = 0; i < sw->n_sent; i++) {
		t = &sw->sent[i].tcp;
		if (sw->sent[i].kind != SW_TCP)
			continue;
		assert_int_equal(t->flow.src.port, 61000);
		if (last != NULL)
			assert_int_equal(t->seq + 1, last->seq);
		last = t;
	}
	end(sw, &out);
}

/* Few SYNs arrive where the server is near: the rest is not sent. */
static void
test_ahead_near(void **state)
{
	struct script sc = {.hops = 1};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_any(sw);
	struct trace_result out;
	int n = 0;

	(void)state;
	sw->rtt_ns = 200 * CLOCK_US;
	sw->server_ttl = 64;
	run(sw, &ask, &out);
	assert_server(&out.path, 1, PATH_DISTANCE_PROBE);
	for (int ttl = 1; ttl < HOPS_MAX; ttl++)
		n += sc.asked[ttl];
	print_message("  %d SYNs\n", n);
	assert_in_range(n, 1, 5);
	end(sw, &out);
}

/* A hop that SYNs do not draw out may be drawn out by the connection. */
static void
test_ahead_silent(void **state)
{
	struct script sc = {.hops = 7, .syn_silent = 3};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_any(sw);
	struct trace_result out;
	const struct path_hop *h;

	(void)state;
	sw->rtt_ns = 40 * CLOCK_MS;
	run(sw, &ask, &out);
	assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
	assert_true(out.path.established);
	assert_int_equal(out.head.source.port, 40001);
	/* The connection's path is whole by itself. */
	for (int ttl = 1; ttl <= 7; ttl++) {
		h = path_hop_at(&out.path, ttl);
		assert_int_equal(h->n_responders, 1);
		assert_true(h->responders[0].via & PATH_VIA_TCP);
		assert_int_equal(
		    (h->responders[0].via & PATH_VIA_SYN) != 0, ttl != 3);
	}
	assert_int_equal(count_inside(sw), 9);
	assert_true(out.head.duration_ns < 4 * sw->rtt_ns);
	end(sw, &out);
}

static void
test_ahead_long(void **state)
{
	struct script sc = {.hops = 24};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_any(sw);
	struct trace_result out;

	(void)state;
	sw->rtt_ns = 60 * CLOCK_MS;
	sw->server_ttl = 64 - 23;
	run(sw, &ask, &out);
	assert_server(&out.path, 24, PATH_DISTANCE_PROBE);
	assert_routers(&out.path, 23, PATH_VIA_SYN | PATH_VIA_ICMP);
	assert_true(out.head.duration_ns < 2 * sw->rtt_ns);
	end(sw, &out);
}

/* Who answers the SYN for the server does not answer what follows. */
static void
test_ahead_false_server(void **state)
{
	static const bool resets[] = {false, true};
	struct script sc;
	struct trace_ask ask;
	struct trace_result out;
	struct sw *sw;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		memset(&sc, 0, sizeof(sc));
		sc.hops = 7;
		sc.syn_proxy = 4;
		sc.syn_resets = resets[i];
		sw = world_of(&sc);
		ask = ask_any(sw);
		run(sw, &ask, &out);
		assert_server(&out.path, 7, PATH_DISTANCE_PROBE);
		assert_true(out.path.established);
		assert_false(out.path.hops[3].is_server);
		assert_true(out.path.hops[6].is_server);
		assert_int_equal(
		    out.path.hops[4].responders[0].via & PATH_VIA_TCP,
		    PATH_VIA_TCP);
		end(sw, &out);
	}
}

/* Nothing opens: the wave goes on by itself, and again for silent hops. */
static void
test_ahead_deaf(void **state)
{
	struct script sc = {.hops = 20, .no_echo = true};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_any(sw);
	struct trace_result out;

	(void)state;
	sw->deaf = true;
	sw->server_ttl = 64 - 19;
	for (int ttl = 13; ttl < 19; ttl++)
		sc.silent[ttl] = 2;
	run(sw, &ask, &out);
	assert_server(&out.path, 20, PATH_DISTANCE_PROBE);
	assert_routers(&out.path, 19, PATH_VIA_SYN | PATH_VIA_ICMP);
	assert_false(out.path.established);
	assert_int_equal(out.head.source.port, 61000);
	assert_int_equal(out.notes.n, 1);
	assert_non_null(strstr(out.notes.text[0], "did not answer the SYN"));
	end(sw, &out);
}

static void
test_ahead_max_hops(void **state)
{
	struct script sc = {.hops = 7};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_any(sw);
	struct trace_result out;

	(void)state;
	ask.max_hops = 4;
	run(sw, &ask, &out);
	assert_int_equal(out.path.n_hops, 4);
	assert_int_equal(out.path.server_hops, 0);
	for (int ttl = 5; ttl < HOPS_MAX; ttl++)
		assert_int_equal(sc.asked[ttl], 0);
	end(sw, &out);
}

/* Interrupted within the first round trip: the near hops are known. */
static void
test_ahead_interrupted(void **state)
{
	struct script sc = {.hops = 7, .quit_after = 25};
	struct sw *sw = world_of(&sc);
	struct trace_ask ask = ask_any(sw);
	struct trace_result out;

	(void)state;
	sw->rtt_ns = 400 * CLOCK_MS;
	run(sw, &ask, &out);
	assert_int_equal(out.head.interrupted, SIGINT);
	assert_int_equal(out.head.source.port, 61000);
	assert_int_equal(out.path.hops[0].n_responders, 1);
	end(sw, &out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("one round trip names every hop and the server", test_ahead),
	    PROVES("a server nearby gets few SYNs", test_ahead_near),
	    PROVES("a hop silent to SYNs is asked in the connection",
		test_ahead_silent),
	    PROVES("a path longer than the first wave is followed",
		test_ahead_long),
	    PROVES("who answers SYNs in its name is not the server",
		test_ahead_false_server),
	    PROVES("a port that opens to nobody is traced meanwhile",
		test_ahead_deaf),
	    PROVES("nor does it ask beyond the largest TTL asked for",
		test_ahead_max_hops),
	    PROVES("an interrupt within the first round trip too",
		test_ahead_interrupted),
	    PROVES(
		"of a flow by its port, one wave names every hop", test_plain),
	    PROVES("the server's D-SACK tells how far it is", test_by_dsack),
	    PROVES("its echo reply tells how far it is", test_by_echo),
	    PROVES("else its TTL does, with or without the hops", test_by_ttl),
	    PROVES(
		"a silent hop is asked again, at once and then a second apart",
		test_silent_again),
	    PROVES("one that stays silent is given up after four rounds",
		test_silent_given_up),
	    PROVES("a path longer than the TTL says is followed", test_longer),
	    PROVES("a path shorter than the TTL says is found", test_shorter),
	    PROVES("an answer counts for more than the TTL",
		test_first_answers_lost),
	    PROVES("nothing is sent beyond the largest TTL asked for",
		test_max_hops),
	    PROVES("without a connection it traces by SYN", test_by_syn),
	    PROVES("the server's own unreachable tells how far it is",
		test_server_unreachable),
	    PROVES("a proxy ends the flow's path, and is told of", test_proxy),
	    PROVES("without a port it traces by echo", test_icmp_alone),
	    PROVES("a source port is kept to", test_source_port),
	    PROVES("probes repeat what the server has", test_harmless),
	    PROVES("an interrupt gives what was learned", test_interrupted),
	    PROVES("silence before the server is no loss after three waves",
		test_silent_before_server),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
