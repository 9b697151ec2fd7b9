/*
 * Why the verdict was given.
 */
#include <stdio.h>
#include <string.h>

#include <rsthop/clock.h>

#include "verdict_int.h"

/* The reset that best shows a point: one of a full-TTL trigger, else any. */
const struct seen_reset *
verdict_example_reset(const struct verdict_basis *by)
{
	const struct seen_reset *r, *any = NULL;

	for (size_t i = 0; i < by->rounds->s.n_resets; i++) {
		r = &by->rounds->s.resets[i];
		if (r->answers_alive || r->late || r->probe == -1)
			continue;
		if (by->rounds->s.probes[r->probe].kind == PROBE_FULL)
			return r;
		any = any == NULL ? r : any;
	}
	return any;
}

/*
 * What a class of observations was worth to the verdict; 0: nothing was seen
 * of it, or the verdict does not rest on the posterior.  Of the reasons that
 * speak of one class, only one has its weight, so that none counts twice.
 */
static double
reason_weight(const struct locate_result *out, enum infer_evidence e)
{
	return out->verdict.odds.weight[e];
}

static void
reason_ip_id(const struct verdict_basis *by, struct locate_result *out,
    const struct seen_reset *r)
{
	struct reasons *rs = &out->verdict.reasons;
	const struct tcb *t = &by->rounds->s.conns[r->conn].tcb;
	/* One echo among resets that have none is no part of it. */
	double w = by->belief->clues.echo == 1
	    ? reason_weight(out, INFER_EVIDENCE_ID_ECHO)
	    : 0;

	if (!r->facts.has_ip_id)
		return;
	if (r->facts.id_echoed && t->server_ip_id != 0)
		reasons_add(rs, "ip-id-echo", w,
		    "The reset carries the IP ID of your own packet that "
		    "fired it, %u; the server's stood at %u.",
		    r->facts.ip_id, t->server_ip_id);
	else if (r->facts.id_echoed)
		reasons_add(rs, "ip-id-echo", w,
		    "The reset carries the IP ID of your own packet that "
		    "fired it, %u.",
		    r->facts.ip_id);
	else if (r->facts.ip_id == 0)
		reasons_add(rs, "ip-id-zero", 0,
		    "The reset has IP ID 0, as a kernel makes it for a "
		    "connection that it does not know.");
}

/* Another shot that drew a reset, whose TTL follows as a copier's does. */
static const struct probe *
reason_another_drew(const struct verdict_basis *by, const struct seen_reset *r)
{
	const struct probe *p;

	for (size_t i = 0; i < by->rounds->s.n_probes; i++) {
		p = &by->rounds->s.probes[i];
		if (p->drew_reset && p->rst_ttl != 0 &&
		    p->ttl != r->facts.probe_ttl &&
		    p->rst_ttl - r->facts.ttl == p->ttl - r->facts.probe_ttl)
			return p;
	}
	return NULL;
}

static void
reason_copied(const struct verdict_basis *by, struct locate_result *out,
    const struct seen_reset *r)
{
	struct reasons *rs = &out->verdict.reasons;
	const struct probe *p = reason_another_drew(by, r);
	double w = reason_weight(out, INFER_EVIDENCE_RESET_TTL);
	char where[32] = "some hop";

	if (out->verdict.hop > 0)
		snprintf(where, sizeof(where), "hop %d", out->verdict.hop);
	if (p != NULL)
		reasons_add(rs, "ttl-follows-probe", w,
		    "Its TTL, %u for a packet sent with %d, follows the TTL "
		    "of what fired it, one for one (%u for %u): a packet "
		    "turned round at %s.",
		    r->facts.ttl, r->facts.probe_ttl, p->rst_ttl, p->ttl,
		    where);
	else
		reasons_add(rs, "ttl-follows-probe", w,
		    "Its TTL, %u for a packet sent with %d, is that of a "
		    "packet turned round at %s.",
		    r->facts.ttl, r->facts.probe_ttl, where);
}

/* How its TTL is made; true: this reason has the weight of the TTLs. */
static bool
reason_policy(const struct verdict_basis *by, struct locate_result *out,
    const struct seen_reset *r)
{
	struct reasons *rs = &out->verdict.reasons;
	double w = reason_weight(out, INFER_EVIDENCE_RESET_TTL);
	int traversed = out->verdict.initial_ttl - r->facts.ttl;
	bool fixed = out->verdict.policy == TTL_POLICY_FIXED &&
	    out->verdict.initial_ttl != 0;

	if (out->verdict.policy == TTL_POLICY_COPIED)
		reason_copied(by, out, r);
	else if (fixed && out->verdict.hop == 0)
		reasons_add(rs, "ttl-distance", w,
		    "The reset arrives with TTL %u: %d less %d router%s on "
		    "the way back.",
		    r->facts.ttl, out->verdict.initial_ttl, traversed,
		    traversed == 1 ? "" : "s");
	else if (fixed)
		reasons_add(rs, "ttl-distance", w,
		    "The reset arrives with TTL %u: %d less the %d router%s "
		    "on the way back from hop %d.",
		    r->facts.ttl, out->verdict.initial_ttl, traversed,
		    traversed == 1 ? "" : "s", out->verdict.hop);
	else if (out->verdict.policy == TTL_POLICY_ARBITRARY)
		reasons_add(rs, "ttl-unusable", 0,
		    "The resets' TTLs say nothing of a distance; only the "
		    "threshold locates.");
	return fixed || out->verdict.policy == TTL_POLICY_COPIED;
}

static void
reason_ttl(const struct verdict_basis *by, struct locate_result *out,
    const struct seen_reset *r)
{
	struct reasons *rs = &out->verdict.reasons;
	double w = reason_weight(out, INFER_EVIDENCE_RESET_TTL);

	if (reason_policy(by, out, r))
		w = 0;
	if (out->path.server_ttl == 0)
		return;
	if (r->facts.ttl == out->path.server_ttl)
		reasons_add(rs, "ttl-matches", w,
		    "The reset arrives with TTL %u, as the server's own "
		    "packets do.",
		    r->facts.ttl);
	else
		reasons_add(rs, "ttl-differs", w,
		    "The reset arrives with TTL %u, the server's own packets "
		    "with %u.",
		    r->facts.ttl, out->path.server_ttl);
}

static void
reason_sum_by_ttl(const struct locate_result *o, int from, int to,
    unsigned int *trials, unsigned int *resets)
{
	*trials = *resets = 0;
	for (size_t i = 0; i < o->n_by_ttl; i++) {
		if (o->by_ttl[i].ttl < from || o->by_ttl[i].ttl > to)
			continue;
		*trials += o->by_ttl[i].trials;
		*resets += o->by_ttl[i].resets;
	}
}

static void
reason_threshold(struct locate_result *out)
{
	struct reasons *rs = &out->verdict.reasons;
	double w = reason_weight(out, INFER_EVIDENCE_SHOTS);
	unsigned int below, above, drew, none;

	if (out->n_by_ttl == 0)
		return;
	if (out->threshold_ttl == 0) {
		reason_sum_by_ttl(out, 1, PATH_MAX_HOPS, &below, &none);
		reasons_add(rs, "fires-at-server-only", w,
		    "None of %u probes that expire before the server fired "
		    "it; only packets that reach the server do.",
		    below);
		return;
	}
	reason_sum_by_ttl(out, 1, out->threshold_ttl - 1, &below, &none);
	reason_sum_by_ttl(
	    out, out->threshold_ttl, PATH_MAX_HOPS, &above, &drew);
	if (below > 0)
		reasons_add(rs, "threshold", w,
		    "Probes with TTL %d and more fired it, %u of %u; those "
		    "with less never did, 0 of %u.",
		    out->threshold_ttl, drew, above, below);
	else
		reasons_add(rs, "threshold", w,
		    "Probes with TTL %d already fired it, %u of %u with that "
		    "and more.",
		    out->threshold_ttl, drew, above);
}

/*
 * The two distances: hops by the reset's TTL on the way back, were it one of
 * the usual initial values, and by the threshold on the way there.
 */
static void
reason_distances(const struct verdict_basis *by, struct locate_result *out,
    const struct seen_reset *r)
{
	struct reasons *rs = &out->verdict.reasons;
	int usual = pkt_initial_ttl(r->facts.ttl), hop = out->verdict.hop;
	int traversed = usual - r->facts.ttl, t = out->threshold_ttl;
	int back;

	if (hop == 0 || t == 0 || hop >= by->belief->path.hops)
		return;
	back = by->belief->path.traversed[hop];
	if (out->verdict.policy == TTL_POLICY_COPIED && traversed + 1 != hop)
		reasons_add(rs, "distances-differ", 0,
		    "Taken for a fixed TTL of %d it would come from hop %d; "
		    "but it follows the TTL of what fires it.",
		    usual, traversed + 1);
	else if (out->verdict.policy == TTL_POLICY_FIXED &&
	    out->verdict.initial_ttl == 0)
		reasons_add(rs, "distances-differ", 0,
		    "TTL %u is no usual initial TTL less a way back that fits "
		    "a device which fires from TTL %d on: only the threshold "
		    "places it.",
		    r->facts.ttl, t);
	else if (back >= 0 && back != hop - 1)
		reasons_add(rs, "distances-differ", 0,
		    "The way back from hop %d crosses %d router%s, the way "
		    "there %d, as its own replies show: the path is not "
		    "symmetric.",
		    hop, back, back == 1 ? "" : "s", hop - 1);
	else if (out->verdict.policy == TTL_POLICY_FIXED &&
	    (t == hop || t == hop + 1))
		reasons_add(rs, "distances-agree", 0,
		    "Both distances agree: hop %d by the reset's TTL, and "
		    "TTL %d is the first to fire it.",
		    hop, t);
}

/* Shots that drew resets, and of them those that a later hop answered. */
static void
reason_in_path(const struct verdict_basis *by, struct locate_result *out)
{
	struct reasons *rs = &out->verdict.reasons;
	double w = reason_weight(out, INFER_EVIDENCE_TIME_EXCEEDED);
	unsigned int drew = 0, answered = 0;
	const struct probe *p;

	for (size_t i = 0; i < by->rounds->s.n_probes; i++) {
		p = &by->rounds->s.probes[i];
		if (p->kind != PROBE_SHOT || !p->drew_reset ||
		    by->rounds->s.conns[p->conn].arm == ARM_CONTROL)
			continue;
		drew++;
		answered += p->te;
	}
	if (drew == 0)
		return;
	if (out->verdict.in_path == RESULT_YES && answered * 4 <= drew)
		reasons_add(rs, "in-path-silent", w,
		    "Of the probes that fired it, %u of %u drew a "
		    "time-exceeded from beyond: it is in the path and drops "
		    "them.",
		    answered, drew);
	else if (out->verdict.in_path == RESULT_NO && answered > 0)
		reasons_add(rs, "on-path-answered", w,
		    "Of the probes that fired it, %u of %u went on and drew a "
		    "time-exceeded: it does not drop them.",
		    answered, drew);
}

/* What the server had to say to the triggers that were reset. */
static void
reason_answers(const struct verdict_basis *by, struct locate_result *out)
{
	struct reasons *rs = &out->verdict.reasons;
	const struct infer_answers *a = &by->belief->answers;
	unsigned int heard = a->acked + a->behind + a->beyond + a->refused;
	unsigned int all = heard + a->unacked;
	double w = reason_weight(out, INFER_EVIDENCE_ANSWERS);

	if (a->behind > 0) {
		reasons_add(rs, "data-after-reset", w,
		    "The server answered %u of %u triggers that were reset "
		    "with data which the reset's sequence number does not "
		    "count: it did not send that reset.",
		    a->behind, all);
		w = 0;
	}
	if (heard > 0 && heard >= a->unacked)
		reasons_add(rs, "trigger-acknowledged", w,
		    "The server acknowledged %u of %u triggers that were "
		    "reset: they are let through to it.",
		    heard, all);
	else if (a->unacked > 0)
		reasons_add(rs, "trigger-unacknowledged", w,
		    "The server acknowledged %u of %u triggers that were "
		    "reset%s.",
		    heard, all,
		    heard == 0
			? ": they never reached it, or it was the server itself"
			: "");
}

/* Does the reset's IP ID go on where the server's own stood? */
static void
reason_id_steps(const struct verdict_basis *by, struct locate_result *out)
{
	struct reasons *rs = &out->verdict.reasons;
	unsigned int all = by->belief->id_follow + by->belief->id_break;
	double w = reason_weight(out, INFER_EVIDENCE_ID_STEPS);

	if (all == 0)
		return;
	if (by->belief->id_follow > by->belief->id_break)
		reasons_add(rs, "ip-id-continues", w,
		    "The IP IDs of %u of %u resets go on where the server's "
		    "own count stood.",
		    by->belief->id_follow, all);
	else
		reasons_add(rs, "ip-id-breaks-sequence", w,
		    "The server counts its IP IDs; %u of %u resets carry one "
		    "that breaks off from the count.",
		    by->belief->id_break, all);
}

static void
reason_server_side(const struct verdict_basis *by, struct locate_result *out)
{
	struct reasons *rs = &out->verdict.reasons;
	double w = reason_weight(out, INFER_EVIDENCE_SERVER_SIDE);
	bool quoted = false;

	for (size_t i = 0; i < by->rounds->s.n_conns; i++)
		quoted = quoted || by->rounds->s.conns[i].quoted_reset;
	if (quoted)
		reasons_add(rs, "quoted-reset", 0,
		    "A router beyond quotes a reset toward the server in your "
		    "name that this host never sent: both ends are reset.");
	for (size_t i = 0; i < by->rounds->s.n_conns; i++) {
		if (by->rounds->s.conns[i].server_alive == RESULT_YES) {
			reasons_add(rs, "server-still-open", w,
			    "After the reset the server still held the "
			    "connection: it did not send it.");
			return;
		}
		if (by->rounds->s.conns[i].server_alive == RESULT_NO) {
			reasons_add(rs, "server-closed-too", w,
			    "After the reset the server did not know the "
			    "connection any more.");
			return;
		}
	}
}

#define REASON_ONCE_SURE 0.9

/* "3 of 10", "all but a few", "fewer than 1 of 10". */
static void
reason_say_share(double rate, char *buf, size_t size)
{
	int tenths = (int)(rate * 10 + 0.5);

	if (tenths == 0)
		snprintf(buf, size, "fewer than 1 of 10");
	else if (tenths == 10)
		snprintf(buf, size, "nearly all");
	else
		snprintf(buf, size, "about %d of 10", tenths);
}

/* Some ports meet it, others never do: by their way, or by its own choice. */
static void
reason_per_flow(struct locate_result *out)
{
	const struct result_sweep *w = &out->sweep;
	struct reasons *rs = &out->verdict.reasons;
	unsigned int drew = 0;
	char a[ADDR_TEXT];

	for (size_t i = 0; i < w->n_ports; i++)
		drew += w->ports[i].resets > 0;
	if (w->split.ttl != 0)
		reasons_add(rs, "fires-per-flow", 0,
		    "It fires on %u of %zu source ports, and these alone go "
		    "through %s at hop %d: it is met there, or by what goes "
		    "that way.",
		    drew, w->n_ports, addr_format(&w->split.addr, a),
		    w->split.ttl);
	else
		reasons_add(rs, "fires-per-flow", 0,
		    "It fires on %u of %zu source ports; at no hop that "
		    "answers do these part from the others: the device "
		    "itself may choose by the flow.",
		    drew, w->n_ports);
}

/* What its dice are rolled for. */
static void
reason_firing(const struct verdict_basis *by, struct locate_result *out)
{
	struct reasons *rs = &out->verdict.reasons;
	char share[32];

	reason_say_share(by->belief->post.rate, share, sizeof(share));
	switch (out->verdict.firing) {
	case RESULT_FIRING_UNKNOWN:
		return;
	case RESULT_FIRING_PER_FLOW:
		reason_per_flow(out);
		return;
	case RESULT_FIRING_PER_PACKET:
		reasons_add(rs, "fires-per-packet", 0,
		    "It fires on %s packets with the trigger, each by "
		    "itself%s.",
		    share,
		    by->belief->post.dice[INFER_DICE_ONCE] >= REASON_ONCE_SURE
			? ", until one of the connection has"
			: "");
		return;
	case RESULT_FIRING_PER_CONNECTION:
		reasons_add(rs, "fires-per-connection", 0,
		    "It fires on %s connections, then on every packet of it "
		    "with the trigger.",
		    share);
		return;
	}
}

static void
reason_control(struct locate_result *out)
{
	struct reasons *rs = &out->verdict.reasons;
	unsigned int n = out->reproduction.control_trials +
	    out->reproduction.control_burst_trials;
	unsigned int k = out->reproduction.control_resets +
	    out->reproduction.control_burst_resets;

	if (k > 0)
		reasons_add(rs, "control-fires", 0,
		    "Controls without the trigger's words were reset too, %u "
		    "of %u: it is not these words, or a block remains.",
		    k, n);
	else if (n > 0 && out->n_resets > 0)
		reasons_add(rs, "control-clean", 0,
		    "Controls of the same length were not reset, 0 of %u.", n);
}

static double
reason_as_seconds(int64_t ns)
{
	return (double)ns / (double)CLOCK_S;
}

/* What it goes on to reset after a trigger, and for how long. */
static void
reason_residual(struct locate_result *out)
{
	const struct result_residual *r = &out->residual;
	struct reasons *rs = &out->verdict.reasons;
	const char *all;

	if (r->scope == RESULT_SCOPE_NONE)
		return;
	all = r->scope == RESULT_SCOPE_3TUPLE
	    ? "all that this host says to the server's port, from any port "
	      "of its own (3-tuple)"
	    : "all from the same source port (4-tuple)";
	if (r->hi_ns == 0)
		reasons_add(rs, "residual-block", 0,
		    "After a reset it goes on to reset %s: for longer than "
		    "%.1f s, or, if what meets it prolongs it, until a silence "
		    "of more than %.1f s.",
		    all, reason_as_seconds(r->seen_ns),
		    reason_as_seconds(r->lo_ns));
	else
		reasons_add(rs, "residual-block", 0,
		    "After a reset it goes on for %.1f s to reset %s%s.",
		    reason_as_seconds(r->length_ns), all,
		    r->refreshed == RESULT_YES
			? "; what meets the block prolongs it"
			: "");
}

static void
reason_mac(const struct verdict_basis *by, struct locate_result *out,
    const struct seen_reset *r)
{
	char own[ADDR_MAC_TEXT], server[ADDR_MAC_TEXT];
	const struct tcb *t = &by->rounds->s.conns[r->conn].tcb;

	if (!by->belief->clues.own_segment || !r->facts.has_mac ||
	    !t->has_server_mac)
		return;
	reasons_add(&out->verdict.reasons, "mac-differs",
	    reason_weight(out, INFER_EVIDENCE_OWN_SEGMENT),
	    "The reset's frame comes from %s, the server's packets from %s: "
	    "who sends it stands on your own segment.",
	    addr_format_mac(r->facts.mac, own),
	    addr_format_mac(t->server_mac, server));
}

static void
reason_latency(const struct verdict_basis *by, struct locate_result *out,
    const struct seen_reset *r)
{
	const struct probe *p = &by->rounds->s.probes[r->probe];
	int64_t rtt = out->path.server_rtt_ns;

	if (p->kind != PROBE_FULL || rtt < CLOCK_MS ||
	    r->facts.latency_ns >= rtt * 7 / 10)
		return;
	reasons_add(&out->verdict.reasons, "faster-than-path",
	    reason_weight(out, INFER_EVIDENCE_LATENCY),
	    "The reset came after %.1f ms; the server is %.1f ms away.",
	    (double)r->facts.latency_ns / (double)CLOCK_MS,
	    (double)rtt / (double)CLOCK_MS);
}

static void
reason_given(const struct verdict_basis *by, struct locate_result *out)
{
	double w = reason_weight(out, INFER_EVIDENCE_GIVEN_TTL);

	for (size_t i = 0; i < out->n_given_ttls; i++)
		reasons_add(&out->verdict.reasons, "given-ttl", i == 0 ? w : 0,
		    "A reset with TTL %d was reported; the server's own "
		    "packets arrive with %d.",
		    out->given_ttls[i],
		    by->ask->server_ttl != 0 ? by->ask->server_ttl
					     : out->path.server_ttl);
}

void
verdict_fill_reasons(const struct verdict_basis *by, struct locate_result *out)
{
	const struct seen_reset *r = verdict_example_reset(by);

	if (r != NULL) {
		reason_mac(by, out, r);
		reason_ip_id(by, out, r);
		reason_ttl(by, out, r);
		reason_threshold(out);
		reason_distances(by, out, r);
		reason_latency(by, out, r);
		reason_in_path(by, out);
		reason_firing(by, out);
		reason_answers(by, out);
		reason_id_steps(by, out);
		reason_server_side(by, out);
		verdict_reason_response(by, out);
		reason_residual(out);
	}
	reason_control(out);
	reason_given(by, out);
}
