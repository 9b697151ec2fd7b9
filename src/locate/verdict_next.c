/*
 * What to do next: whom to ask, what to run.
 */
#include <stdio.h>

#include <rsthop/clock.h>

#include "verdict_int.h"

static void
next_say(struct locate_result *r, const char *text)
{
	for (size_t i = 0;
	     i < sizeof(r->verdict.next) / sizeof(r->verdict.next[0]); i++)
		if (r->verdict.next[i][0] == '\0') {
			snprintf(r->verdict.next[i], sizeof(r->verdict.next[i]),
			    "%s", text);
			return;
		}
}

/* When and between whom the example reset came. */
static void
next_describe_event(const struct verdict_basis *by, char *buf, size_t size)
{
	const struct seen_reset *r = verdict_example_reset(by);
	char when[CLOCK_TEXT], a[ADDR_ENDPOINT], b[ADDR_ENDPOINT];

	if (r == NULL) {
		snprintf(buf, size, "the time of the resets");
		return;
	}
	clock_format_local(r->facts.unix_ns, when, sizeof(when));
	snprintf(buf, size, "%s, %s to %s", when,
	    endpoint_format(&by->rounds->s.conns[r->conn].local, a),
	    endpoint_format(&by->ask->target, b));
}

static void
next_for_device(const struct verdict_basis *by, struct locate_result *out)
{
	char event[160], text[REASON_TEXT], a[ADDR_TEXT], b[ADDR_TEXT];

	next_describe_event(by, event, sizeof(event));
	addr_format(&out->verdict.between[0], a);
	if (addr_is_none(&out->verdict.address))
		snprintf(text, sizeof(text),
		    "Ask who runs the segment between %s and %s for its "
		    "session logs of %s.",
		    a, addr_format(&out->verdict.between[1], b), event);
	else if (out->verdict.place == PLACE_WIRE)
		snprintf(text, sizeof(text),
		    "Ask who runs the link from %s to %s what stands or taps "
		    "there, for its log of %s.",
		    a, addr_format(&out->verdict.address, b), event);
	else
		snprintf(text, sizeof(text),
		    "Ask who runs %s for its session log of %s.",
		    addr_format(&out->verdict.address, a), event);
	next_say(out, text);
	if (by->ask->trigger == RESULT_TRIGGER_NONE)
		next_say(out,
		    "Reproduce it with --payload to know more than a TTL can "
		    "tell.");
}

/* The threshold is sure, and two places share it. */
static bool
next_for_pair(const struct verdict_basis *by, struct locate_result *out)
{
	char text[REASON_TEXT], a[ADDR_TEXT];
	int t = by->belief->post.best_threshold;

	if (by->belief->post.threshold < by->ask->confidence || t < 2)
		return false;
	snprintf(text, sizeof(text),
	    "It fires from TTL %d on, and its resets' TTLs tell no distance: "
	    "hop %d's forwarding plane and the wire before hop %d look alike "
	    "from here.",
	    t, t - 1, t);
	next_say(out, text);
	if (!addr_is_none(&out->verdict.between[0]))
		snprintf(text, sizeof(text),
		    "Ask who runs %s what it does, and what stands between it "
		    "and hop %d; or run locate from another network.",
		    addr_format(&out->verdict.between[0], a), t);
	else
		snprintf(text, sizeof(text),
		    "Ask who runs hops %d and %d; or run locate from another "
		    "network.",
		    t - 1, t);
	next_say(out, text);
	return true;
}

static void
next_for_undetermined(const struct verdict_basis *by, struct locate_result *out)
{
	if (out->verdict.forged == RESULT_YES && next_for_pair(by, out))
		return;

	if (out->head.trouble.kind != FAULT_NONE)
		next_say(out, "Mend that first, then run locate again.");
	else if (out->head.interrupted != 0)
		next_say(out, "Let it run to its end.");
	else if (by->ask->trigger == RESULT_TRIGGER_NONE)
		next_say(out, "Reproduce it with --payload.");
	else
		next_say(out,
		    rounds_are_over(by->rounds, 1)
			? "Run it again with more --max-connections and "
			  "--max-time: each further reset tells more."
			: "More of the same would not tell more: capture at "
			  "the server too, or run locate from another "
			  "network.");
}

static void
next_for_not_reproduced(
    const struct verdict_basis *by, struct locate_result *out)
{
	if (by->ask->trigger == RESULT_TRIGGER_NONE) {
		next_say(out,
		    out->exec_runs >= RESULT_EXEC_RUNS
			? "Run it again at the hour when it happens."
			: "Run it again with more --max-time, half of which "
			  "is the client's, at the hour when it happens.");
		next_say(out,
		    "Where a capture shows the reset, give it: --from FILE.");
		return;
	}
	next_say(out,
	    "Send the very bytes that the application sends, at the hour when "
	    "it happens.");
	next_say(out,
	    "Where a capture shows the reset, give it (--from FILE), or name "
	    "its TTL with --rst-ttl.");
}

void
verdict_fill_next(const struct verdict_basis *by, struct locate_result *out)
{
	char event[160], text[REASON_TEXT];

	switch (out->verdict.kind) {
	case RESULT_MIDDLEBOX:
	case RESULT_LOAD_BALANCER:
		next_for_device(by, out);
		break;
	case RESULT_SERVER:
		next_describe_event(by, event, sizeof(event));
		snprintf(text, sizeof(text),
		    "Look into the log of the server, and of any proxy right "
		    "before it, at %s.",
		    event);
		next_say(out, text);
		break;
	case RESULT_RESPONSE_TRIGGERED:
		next_say(out,
		    "What the server answers fires it: capture at the server "
		    "and compare the TTLs of the resets seen there.");
		break;
	case RESULT_NOT_REPRODUCED:
		next_for_not_reproduced(by, out);
		break;
	case RESULT_UNDETERMINED:
		next_for_undetermined(by, out);
		break;
	}
}
