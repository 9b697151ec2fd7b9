/*
 * Results built by hand, for the tests of the report: each a situation that a
 * person can be in.  The caller frees them with case_locate_free() and
 * case_trace_free().
 */
#ifndef RSTHOP_UNIT_REPORT_CASES_H
#define RSTHOP_UNIT_REPORT_CASES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/addr.h>
#include <rsthop/clock.h>
#include <rsthop/report.h>
#include <rsthop/result.h>

/* 2026-11-22 07:30:03 UTC */
#define CASE_START (INT64_C(1795332603) * CLOCK_S)

static inline struct addr
case_addr(const char *s)
{
	struct addr a = {0};

	if (addr_parse(s, &a) != 0)
		abort();
	return a;
}

static inline void
case_head(
    struct result_head *h, const char *host, const char *to, const char *from)
{
	h->started_unix_ns = CASE_START;
	h->duration_ns = 412 * CLOCK_MS;
	snprintf(h->host, sizeof(h->host), "%s", host);
	h->target.addr = case_addr(to);
	h->target.port = 3306;
	h->source.addr = case_addr(from);
	h->source.port = 40001;
	snprintf(h->ifname, sizeof(h->ifname), "eth0");
	h->connections = 8;
	h->packets_sent = 54;
}

static inline struct path_hop *
case_hop(struct path *p)
{
	struct path_hop *h = &p->hops[p->n_hops++];

	h->ttl = (uint8_t)p->n_hops;
	h->asked = 3;
	return h;
}

static inline struct path_responder *
case_responder(struct path_hop *h, const char *address, int64_t rtt_us)
{
	struct path_responder *r = &h->responders[h->n_responders++];

	r->addr = case_addr(address);
	r->via = PATH_VIA_TCP | PATH_VIA_ICMP;
	r->rtt_ns = rtt_us * CLOCK_US;
	r->reply_ttl = (uint8_t)(65 - h->ttl);
	r->replies = 3;
	h->answered = 3;
	return r;
}

/* Hops 1 .. 6, number `silent` silent (0: none); the server is at hop 7. */
static inline void
case_path(struct path *p, int silent)
{
	static const char *const at[] = {"10.9.0.2", "10.9.1.2", "10.9.2.2",
	    "10.9.3.2", "10.9.4.2", "10.9.5.2"};
	struct path_responder *r;
	struct path_hop *h;

	for (int i = 0; i < 6; i++) {
		h = case_hop(p);
		if (h->ttl != silent)
			case_responder(h, at[i], 300 * (i + 1));
	}
	h = &p->hops[0];
	if (h->n_responders > 0) {
		static const uint8_t mac[] = {0x58, 0x69, 0x6c, 0, 0, 1};

		h->responders[0].has_mac = true;
		memcpy(h->responders[0].mac, mac, sizeof(mac));
		snprintf(h->responders[0].vendor,
		    sizeof(h->responders[0].vendor), "Ruijie Networks");
		snprintf(h->responders[0].name, sizeof(h->responders[0].name),
		    "gw.example.com");
	}
	h = case_hop(p);
	h->is_server = true;
	r = case_responder(h, "10.9.6.2", 40100);
	r->via = PATH_VIA_TCP;
	r->reply_ttl = 58;
	p->server_hops = 7;
	p->distance = PATH_DISTANCE_PROBE;
	p->server_ttl = 58;
	p->server_initial_ttl = 64;
	p->server_rtt_ns = 40100 * CLOCK_US;
	p->established = true;
}

static inline void
case_trigger(struct locate_result *r, unsigned int resets, unsigned int trials)
{
	static const uint8_t bytes[] = "use db";

	r->trigger = RESULT_TRIGGER_PAYLOAD;
	r->trigger_bytes = bytes;
	r->trigger_len = sizeof(bytes) - 1;
	r->reproduction.trials = trials;
	r->reproduction.resets = resets;
	r->reproduction.control_trials = 8;
	r->reproduction.rate = trials == 0 ? 0 : (double)resets / trials;
	r->reproduction.rate_lo = 0.215213;
	r->reproduction.rate_hi = 0.784787;
	r->reproduction.p_value = 0.0384615;
	r->reproduction.latency_ns = 712345;
}

static inline void
case_by_ttl(struct locate_result *r, int threshold)
{
	r->threshold_ttl = threshold;
	for (int ttl = 1; ttl <= 6; ttl++) {
		struct result_by_ttl *b = &r->by_ttl[r->n_by_ttl++];

		b->ttl = ttl;
		b->trials = ttl < threshold ? 9 : 8;
		b->resets = ttl < threshold ? 0 : 4;
		b->rate = ttl < threshold ? 0 : 0.5;
		b->rate_lo = ttl < threshold ? 0 : 0.215216;
		b->rate_hi = ttl < threshold ? 0.299145 : 0.784784;
	}
}

static inline void
case_resets(struct locate_result *r, size_t n)
{
	r->resets = calloc(n, sizeof(*r->resets));
	if (r->resets == NULL)
		abort();
	r->n_resets = n;
	for (size_t i = 0; i < n; i++) {
		struct result_reset *s = &r->resets[i];

		s->unix_ns = CASE_START + (int64_t)i * 41 * CLOCK_MS;
		s->ttl = 63;
		s->has_ip_id = true;
		s->ip_id = (uint16_t)(13052 + i);
		s->id_echoed = true;
		s->flags = PKT_TH_RST | PKT_TH_ACK;
		s->seq_match = i == 0 ? RESULT_SEQ_EXACT : RESULT_SEQ_TAG;
		s->has_mac = true;
		s->mac[0] = 0x58;
		s->mac[5] = 0x01;
		s->probe_ttl = i == 0 ? 64 : (int)i + 1;
		s->latency_ns = 700000 + (int64_t)i * 1000;
		s->port = (uint16_t)(40001 + i);
	}
	r->resets[n - 1].has_mac = false;
	r->resets[n - 1].probe_ttl = 0;
	r->resets[n - 1].latency_ns = -1;
	r->resets[n - 1].seq_match = RESULT_SEQ_NONE;
}

static inline void
case_alternative(struct locate_result *r, int hop, enum place place,
    enum result_kind kind, double p)
{
	struct result_alternative *a =
	    &r->verdict.alternatives[r->verdict.n_alternatives++];

	a->hop = hop;
	a->place = place;
	a->kind = kind;
	a->probability = p;
}

static inline struct locate_result *
case_locate_new(void)
{
	struct locate_result *r = calloc(1, sizeof(*r));

	if (r == NULL)
		abort();
	r->reproduction.p_value = -1;
	r->reproduction.latency_ns = -1;
	return r;
}

static inline void
case_locate_free(struct locate_result *r)
{
	locate_result_free(r);
	free(r);
}

static inline struct trace_result *
case_trace_new(void)
{
	struct trace_result *r = calloc(1, sizeof(*r));

	if (r == NULL)
		abort();
	return r;
}

static inline void
case_trace_free(struct trace_result *r)
{
	trace_result_free(r);
	free(r);
}

/* Three frames of two link types, as a job would keep them. */
static inline void
case_evidence(struct result_evidence *e)
{
	static const uint8_t syn[] = {0x45, 0, 0, 40, 0x32, 0xfc, 0x40, 0, 64,
	    6, 0, 0, 10, 9, 0, 1, 10, 9, 6, 2, 0x9c, 0x41, 0x0c, 0xea, 0, 0, 0,
	    1, 0, 0, 0, 0, 0x50, 2, 0xfa, 0xf0, 0, 0, 0, 0};
	uint8_t frame[14 + sizeof(syn)] = {
	    0x58, 0x69, 0x6c, 0, 0, 1, 2, 0, 0, 0, 0, 1, 8, 0};

	memcpy(frame + 14, syn, sizeof(syn));
	result_keep(e, CASE_START + 123456789, PKT_LINK_ETHERNET, frame,
	    sizeof(frame), sizeof(frame), "");
	result_keep(e, CASE_START + 223456789, PKT_LINK_RAW, syn, sizeof(syn),
	    sizeof(syn), "probe, TTL 1");
	result_keep(e, CASE_START + 323456789, PKT_LINK_ETHERNET, frame, 53,
	    1400, "reset \033[31m fired by TTL 2");
}

/* The odds of the founding case: hop 1 against hop 2. */
static inline void
case_odds(struct locate_result *r)
{
	struct infer_explanation *e = &r->verdict.odds;

	r->verdict.has_odds = true;
	e->one = (struct infer_hypothesis){INFER_DEVICE, 1};
	e->other = (struct infer_hypothesis){INFER_DEVICE, 2};
	e->prior = 0.25;
	e->weight[INFER_EVIDENCE_SHOTS] = -6.53186;
	e->weight[INFER_EVIDENCE_TIME_EXCEEDED] = 0.068;
	e->weight[INFER_EVIDENCE_LATENCY] = -0.00001;
	e->weight[INFER_EVIDENCE_RESET_TTL] = 3.2;
	e->weight[INFER_EVIDENCE_ID_ECHO] = 6.9077;
	e->log_odds = 3.89383;
	for (size_t i = 0; i < INFER_EVIDENCES; i++)
		e->seen[i] = e->weight[i] != 0;
	e->seen[INFER_EVIDENCE_OWN_SEGMENT] = true;
}

/* INTERFACE's own example: the founding case. */
static inline struct locate_result *
case_founding(void)
{
	struct locate_result *r = case_locate_new();
	struct reasons *why = &r->verdict.reasons;

	case_head(&r->head, "db.example.com", "10.9.6.2", "10.9.0.1");
	case_path(&r->path, 3);
	case_trigger(r, 4, 8);
	case_by_ttl(r, 2);
	r->verdict.firing = RESULT_FIRING_PER_CONNECTION;
	case_resets(r, 4);
	case_evidence(&r->evidence);
	r->verdict.forged = RESULT_YES;
	r->verdict.kind = RESULT_MIDDLEBOX;
	r->verdict.hop = 1;
	r->verdict.address = case_addr("10.9.0.2");
	r->verdict.place = PLACE_ROUTER;
	r->verdict.between[0] = case_addr("10.9.0.1");
	r->verdict.between[1] = case_addr("10.9.1.2");
	r->verdict.confidence = 0.98;
	r->verdict.in_path = RESULT_YES;
	r->verdict.resets_server_too = RESULT_YES;
	r->verdict.policy = TTL_POLICY_COPIED;
	case_alternative(r, 2, PLACE_WIRE, RESULT_MIDDLEBOX, 0.02);
	case_alternative(r, 3, PLACE_WIRE, RESULT_MIDDLEBOX, 0.00004);
	case_odds(r);
	reasons_add(why, "ip-id-echo", 6.9077,
	    "The reset carries your own packet's IP ID, %d; the server's "
	    "stood at %d.",
	    13052, 23403);
	reasons_add(why, "ttl-copied", 3.2,
	    "Its TTL, 63, follows the TTL of what fired it, one for one: a "
	    "packet turned round at hop 1. The server's own packets arrive "
	    "with 58.");
	reasons_add(why, "in-path", 0,
	    "No probe beyond hop 1 came back as time-exceeded when it fired: "
	    "it is in the path.");
	snprintf(r->verdict.next[0], sizeof(r->verdict.next[0]),
	    "Ask who runs 10.9.0.2 (58:69:6c:00:00:01, Ruijie Networks) for "
	    "its session log of 15:30:03 +0800, 10.9.0.1:40001 to "
	    "10.9.6.2:3306.");
	return r;
}

/* The device is hop 3, which answers nothing. */
static inline struct locate_result *
case_silent(void)
{
	struct locate_result *r = case_locate_new();

	case_head(&r->head, "10.9.6.2", "10.9.6.2", "10.9.0.1");
	case_path(&r->path, 3);
	case_trigger(r, 8, 8);
	r->reproduction.p_value = 0.0000777;
	r->reproduction.burst_trials = 3;
	r->reproduction.burst_resets = 2;
	r->reproduction.control_burst_trials = 3;
	case_by_ttl(r, 3);
	case_resets(r, 3);
	r->verdict.forged = RESULT_YES;
	r->verdict.kind = RESULT_MIDDLEBOX;
	r->verdict.hop = 3;
	r->verdict.place = PLACE_WIRE;
	r->verdict.between[0] = case_addr("10.9.1.2");
	r->verdict.between[1] = case_addr("10.9.3.2");
	r->verdict.confidence = 0.97;
	r->verdict.in_path = RESULT_NO;
	r->verdict.policy = TTL_POLICY_FIXED;
	r->verdict.initial_ttl = 64;
	r->verdict.signature = "tcpkill";
	case_alternative(r, 2, PLACE_ROUTER, RESULT_MIDDLEBOX, 0.021);
	case_alternative(r, 0, 0, RESULT_SERVER, 0.009);
	reasons_add(&r->verdict.reasons, "signature", 2.5,
	    "It has the marks of tcpkill: three resets, stepped by the "
	    "window.");
	r->residual = (struct result_residual){.measured = true,
	    .scope = RESULT_SCOPE_3TUPLE,
	    .length_ns = 5120 * CLOCK_MS,
	    .lo_ns = 4923 * CLOCK_MS,
	    .hi_ns = 5317 * CLOCK_MS,
	    .seen_ns = 4923 * CLOCK_MS,
	    .refreshed = RESULT_NO,
	    .contaminated = 2};
	reasons_add(&r->verdict.reasons, "residual-block", 0,
	    "After a reset it goes on for 5.1 s to reset all that this host "
	    "says to the server's port, from any port of its own (3-tuple).");
	result_note(&r->notes, "Hop %d answered nothing in three rounds.", 3);
	r->head.dropped = 2;
	return r;
}

static inline struct locate_result *
case_server(void)
{
	struct locate_result *r = case_locate_new();

	case_head(&r->head, "db.example.com", "10.9.6.2", "10.9.0.1");
	case_path(&r->path, 0);
	case_trigger(r, 8, 8);
	case_resets(r, 2);
	r->verdict.forged = RESULT_NO;
	r->verdict.kind = RESULT_SERVER;
	r->verdict.confidence = 0.9999;
	r->verdict.policy = TTL_POLICY_FIXED;
	r->residual.measured = true;
	r->verdict.has_odds = true;
	r->verdict.odds.one.cause = INFER_SERVER;
	r->verdict.odds.other.cause = INFER_RESPONSE;
	r->verdict.odds.prior = 1.20397;
	r->verdict.odds.weight[INFER_EVIDENCE_RESET_TTL] = 4.1;
	r->verdict.odds.seen[INFER_EVIDENCE_RESET_TTL] = true;
	r->verdict.odds.log_odds = 5.30397;
	reasons_add(&r->verdict.reasons, "ttl-matches", 4.1,
	    "The reset's TTL, 58, is that of the server's own packets.");
	return r;
}

static inline struct locate_result *
case_not_reproduced(void)
{
	struct locate_result *r = case_locate_new();

	case_head(&r->head, "db.example.com", "10.9.6.2", "10.9.0.1");
	case_path(&r->path, 0);
	case_trigger(r, 0, 40);
	r->reproduction.p_value = 1;
	r->reproduction.rate_lo = 0;
	r->reproduction.rate_hi = 0.0876;
	r->reproduction.latency_ns = -1;
	r->head.connections = 48;
	r->head.duration_ns = 125 * CLOCK_S;
	r->verdict.kind = RESULT_NOT_REPRODUCED;
	r->verdict.confidence = 0.95;
	r->verdict.has_odds = true;
	r->verdict.odds.one.cause = INFER_NOTHING;
	r->verdict.odds.other = (struct infer_hypothesis){INFER_DEVICE, 5};
	r->verdict.odds.prior = -0.5;
	r->verdict.odds.weight[INFER_EVIDENCE_SHOTS] = 5;
	r->verdict.odds.seen[INFER_EVIDENCE_SHOTS] = true;
	r->verdict.odds.log_odds = 4.5;
	snprintf(r->verdict.next[0], sizeof(r->verdict.next[0]),
	    "Give the very bytes that were reset: --from a capture of it, or "
	    "--payload with the C escapes \\r\\n.");
	snprintf(r->verdict.next[1], sizeof(r->verdict.next[1]),
	    "Try from the host where it was seen.");
	return r;
}

static inline struct locate_result *
case_response(void)
{
	struct locate_result *r = case_locate_new();

	case_head(&r->head, "db.example.com", "10.9.6.2", "10.9.0.1");
	case_path(&r->path, 0);
	case_trigger(r, 8, 8);
	case_by_ttl(r, 7);
	r->threshold_ttl = 0;
	r->verdict.forged = RESULT_YES;
	r->verdict.kind = RESULT_RESPONSE_TRIGGERED;
	r->verdict.confidence = 0.93;
	case_alternative(r, 3, 0, RESULT_RESPONSE_TRIGGERED, 0.465);
	case_alternative(r, 0, 0, RESULT_SERVER, 0.05);
	return r;
}

/* --rst-ttl 63 and a trace alone. */
static inline struct locate_result *
case_no_trigger(void)
{
	struct locate_result *r = case_locate_new();

	case_head(&r->head, "db.example.com", "10.9.6.2", "10.9.0.1");
	case_path(&r->path, 0);
	r->head.connections = 1;
	r->n_given_ttls = 1;
	r->given_ttls[0] = 63;
	r->verdict.forged = RESULT_YES;
	r->verdict.kind = RESULT_MIDDLEBOX;
	r->verdict.hop = 1;
	r->verdict.address = case_addr("10.9.0.2");
	r->verdict.place = PLACE_ROUTER;
	r->verdict.confidence = 0.54;
	case_alternative(r, 2, PLACE_WIRE, RESULT_MIDDLEBOX, 0.4);
	case_alternative(r, 2, PLACE_ROUTER, RESULT_MIDDLEBOX, 0.06);
	return r;
}

/* The same, but the TTLs are the server's own. */
static inline struct locate_result *
case_no_trigger_server(void)
{
	struct locate_result *r = case_no_trigger();

	r->n_given_ttls = 3;
	r->given_ttls[0] = 58;
	r->given_ttls[1] = 57;
	r->given_ttls[2] = 58;
	r->verdict.forged = RESULT_UNSURE;
	r->verdict.kind = RESULT_SERVER;
	r->verdict.hop = 0;
	r->verdict.address = (struct addr){0};
	r->verdict.place = PLACE_UNKNOWN;
	r->verdict.confidence = 0.9;
	r->verdict.n_alternatives = 0;
	return r;
}

/* Interrupted while two hops were still in question. */
static inline struct locate_result *
case_interrupted(void)
{
	struct locate_result *r = case_locate_new();

	case_head(&r->head, "db.example.com", "10.9.6.2", "10.9.0.1");
	case_path(&r->path, 4);
	case_trigger(r, 2, 3);
	r->reproduction.control_trials = 0;
	r->reproduction.p_value = -1;
	case_by_ttl(r, 4);
	r->by_ttl[0].trials = 0;
	r->head.interrupted = true;
	r->head.connections = 1;
	r->verdict.forged = RESULT_YES;
	r->verdict.kind = RESULT_UNDETERMINED;
	r->verdict.confidence = 0.5;
	case_alternative(r, 3, PLACE_ROUTER, RESULT_MIDDLEBOX, 0.54);
	case_alternative(r, 4, PLACE_WIRE, RESULT_MIDDLEBOX, 0.30);
	case_alternative(r, 0, 0, RESULT_RESPONSE_TRIGGERED, 0.11);
	case_alternative(r, 0, 0, RESULT_LOAD_BALANCER, 0.05);
	return r;
}

/* Two parallel routers at hop 3, a device in one of them. */
static inline struct locate_result *
case_port_sweep(void)
{
	struct locate_result *r = case_founding();
	struct result_sweep *w = &r->sweep;
	struct result_port *p;
	bool draws;

	w->n_ports = 16;
	w->p_value = 1.0 / 20001;
	w->firing = RESULT_SWEEP_BY_FLOW;
	w->split.ttl = 3;
	w->split.addr = case_addr("10.9.102.2");
	r->verdict.firing = RESULT_FIRING_PER_FLOW;
	for (size_t i = 0; i < w->n_ports; i++) {
		p = &w->ports[i];
		draws = i % 3 == 1;
		p->port = (uint16_t)(40001 + i);
		p->trials = 3;
		p->resets = draws ? 3 : 0;
		p->n_path = 1;
		p->path[0].ttl = 3;
		if (i != 15)
			p->path[0].addr =
			    case_addr(draws ? "10.9.102.2" : "10.9.2.2");
	}
	return r;
}

/* The network went away while the second connection was being opened. */
static inline struct locate_result *
case_cut_short(void)
{
	struct locate_result *r = case_locate_new();

	case_head(&r->head, "db.example.com", "10.9.6.2", "10.9.0.1");
	case_path(&r->path, 4);
	case_trigger(r, 0, 0);
	r->n_resets = 0;
	r->reproduction.control_trials = 0;
	r->reproduction.p_value = -1;
	fault(&r->head.trouble, FAULT_NETWORK, "interface eth0 went down");
	r->head.connections = 2;
	r->verdict.kind = RESULT_UNDETERMINED;
	return r;
}

/* Nothing but zeros and a target. */
static inline struct locate_result *
case_empty(void)
{
	struct locate_result *r = case_locate_new();

	r->head.target.addr = case_addr("10.9.6.2");
	r->head.target.port = 3306;
	r->verdict.kind = RESULT_UNDETERMINED;
	return r;
}

/* --exec: the client was run in vain. */
static inline struct locate_result *
case_exec_silent(void)
{
	struct locate_result *r = case_locate_new();

	case_head(&r->head, "db.example.com", "10.9.6.2", "10.9.0.1");
	case_path(&r->path, 0);
	r->head.connections = 1;
	r->exec_runs = 66;
	r->budget.max_connections = 160;
	r->budget.max_time_ns = 120 * CLOCK_S;
	r->verdict.kind = RESULT_NOT_REPRODUCED;
	r->verdict.confidence = 67 / 68.0;
	return r;
}

/* --exec: it was reset, but by its server. */
static inline struct locate_result *
case_exec_server(void)
{
	struct locate_result *r = case_exec_silent();

	r->exec_resets = 3;
	r->verdict.kind = RESULT_SERVER;
	r->verdict.forged = RESULT_NO;
	r->verdict.confidence = 0.9;
	return r;
}

/* --exec: what the client said behind its login, until the bound. */
static inline struct locate_result *
case_exec_login(void)
{
	static const uint8_t use[] = "\7\0\0\0\2testdb";
	struct locate_result *r = case_not_reproduced();

	r->trigger = RESULT_TRIGGER_EXEC;
	r->trigger_bytes = use;
	r->trigger_len = sizeof(use) - 1;
	r->before = RESULT_BEFORE_LOGIN;
	r->exec_runs = 5;
	r->exec_resets = 1;
	r->n_given_ttls = 1;
	r->given_ttls[0] = 62;
	r->head.connections = 160;
	r->budget.max_connections = 160;
	r->budget.max_time_ns = 120 * CLOCK_S;
	r->budget.reached = RESULT_BOUND_CONNECTIONS;
	return r;
}

/* --attach, until the time was over. */
static inline struct locate_result *
case_attached(void)
{
	struct locate_result *r = case_founding();

	r->attached = true;
	r->head.connections = 1;
	r->budget.max_connections = 160;
	r->budget.max_time_ns = 400 * CLOCK_MS;
	r->budget.reached = RESULT_BOUND_TIME;
	return r;
}

/* --dialogue and --from say what was said before, in words of their own. */
static inline struct locate_result *
case_dialogue(void)
{
	struct locate_result *r = case_founding();

	r->trigger = RESULT_TRIGGER_DIALOGUE;
	r->before = RESULT_BEFORE_DIALOGUE;
	return r;
}

static inline struct locate_result *
case_recorded(void)
{
	struct locate_result *r = case_founding();

	r->trigger = RESULT_TRIGGER_CAPTURE;
	r->before = RESULT_BEFORE_RECORDED;
	return r;
}

/* Three responders at a hop, labels, rewrites, a run of silence; IPv6. */
static inline void
case_v6_path(struct path *p)
{
	struct path_responder *r;
	struct path_hop *h;

	case_responder(case_hop(p), "fe80::5a69:6cff:fe00:1", 45);
	h = case_hop(p);
	case_responder(h, "2001:db8:ffff:eeee:dddd:cccc:bbbb:aaa1", 1234);
	r = case_responder(h, "2001:db8:ffff:eeee:dddd:cccc:bbbb:aaa2", 1334);
	r->n_mpls = 2;
	r->mpls[0].label = 24005;
	r->mpls[0].ttl = 1;
	r->mpls[1].label = 16;
	r->mpls[1].tc = 3;
	r->mpls[1].bottom = true;
	r->mpls[1].ttl = 1;
	r->rewrites = PATH_REWRITE_FLOW_LABEL | PATH_REWRITE_TOS;
	snprintf(r->name, sizeof(r->name), "ae1.core.example.net");
	case_responder(h, "2001:db8::3", 1434)->unreachable = true;
	for (int i = 0; i < 5; i++)
		case_hop(p);
	case_responder(case_hop(p), "2001:db8:9::1", 1234567);
	p->server_hops = 9;
	p->distance = PATH_DISTANCE_TTL;
	p->server_ttl = 56;
	p->server_initial_ttl = 64;
}

static inline struct locate_result *
case_v6(void)
{
	struct locate_result *r = case_locate_new();

	case_head(&r->head, "2001:db8:9::2", "2001:db8:9::2", "2001:db8::10");
	case_v6_path(&r->path);
	case_trigger(r, 8, 8);
	case_by_ttl(r, 2);
	case_resets(r, 2);
	r->resets[0].has_ip_id = false;
	r->resets[0].control = true;
	r->verdict.forged = RESULT_YES;
	r->verdict.kind = RESULT_LOAD_BALANCER;
	r->verdict.hop = 2;
	r->verdict.address =
	    case_addr("2001:db8:ffff:eeee:dddd:cccc:bbbb:aaa2");
	r->verdict.place = PLACE_ROUTER;
	r->verdict.between[0] = case_addr("fe80::5a69:6cff:fe00:1");
	r->verdict.confidence = 0.951;
	r->verdict.policy = TTL_POLICY_ARBITRARY;
	return r;
}

/* Whoever answers the reverse look-up is no friend. */
static inline struct locate_result *
case_hostile(void)
{
	static const char evil[] =
	    "\033]0;owned\007<script>alert('1')</script>\n\"&\\\xff\xc3";
	struct locate_result *r = case_founding();
	struct path_responder *p;

	snprintf(
	    r->head.host, sizeof(r->head.host), "h\033[2J%0*d.example", 220, 0);
	snprintf(r->head.ifname, sizeof(r->head.ifname), "e\033[0m<b>");
	p = &r->path.hops[0].responders[0];
	snprintf(p->vendor, sizeof(p->vendor), "%s", evil);
	snprintf(p->name, sizeof(p->name), "%s", evil);
	p = &r->path.hops[1].responders[0];
	memset(p->name, 'x', 250);
	for (int i = 63; i < 250; i += 64)
		p->name[i] = '.';
	result_note(&r->notes, "A note: %s", evil);
	r->trigger_bytes = (const uint8_t *)evil;
	r->trigger_len = sizeof(evil) - 1;
	return r;
}

static inline struct trace_result *
case_trace(void)
{
	struct trace_result *r = case_trace_new();

	case_head(&r->head, "db.example.com", "10.9.6.2", "10.9.0.1");
	case_path(&r->path, 3);
	case_evidence(&r->evidence);
	result_note(&r->notes, "Hop 3 stayed silent in three rounds.");
	return r;
}

static inline struct trace_result *
case_trace_v6(void)
{
	struct trace_result *r = case_trace_new();

	case_head(&r->head, "2001:db8:9::2", "2001:db8:9::2", "2001:db8::10");
	r->head.target.port = 0;
	r->head.source.port = 0;
	case_v6_path(&r->path);
	return r;
}

/* Interrupted before anything answered. */
static inline struct trace_result *
case_trace_empty(void)
{
	struct trace_result *r = case_trace_new();

	r->head.target.addr = case_addr("10.9.6.2");
	r->head.target.port = 3306;
	r->head.interrupted = true;
	return r;
}

/* The network went away in the midst of it. */
static inline struct trace_result *
case_trace_trouble(void)
{
	struct trace_result *r = case_trace_new();

	case_head(&r->head, "10.9.6.2", "10.9.6.2", "10.9.0.1");
	case_responder(case_hop(&r->path), "10.9.0.2", 300);
	fault(&r->head.trouble, FAULT_NETWORK, "eth0: the network is down");
	return r;
}

/* The target never answers, nor does anyone from hop 2 on. */
static inline struct trace_result *
case_trace_unreached(void)
{
	struct trace_result *r = case_trace_new();

	case_head(&r->head, "10.9.6.2", "10.9.6.2", "10.9.0.1");
	case_responder(case_hop(&r->path), "10.9.0.2", 300);
	for (int i = 2; i <= 30; i++)
		case_hop(&r->path);
	return r;
}

#endif
