/* The sentences of a verdict: who, how sure, where, and what else. */
#include <stdio.h>
#include <string.h>

#include <rsthop/addr.h>

#include "words.h"

#define HEADLINE_CANDIDATES \
	3 /* named in the first sentence where none is sure */

static const struct path_responder *
headline_responder_of(const struct path_hop *h, const struct addr *a)
{
	if (h == NULL || addr_is_none(a))
		return NULL;
	for (int i = 0; i < h->n_responders && i < PATH_RESPONDERS; i++) {
		if (addr_equal(&h->responders[i].addr, a))
			return &h->responders[i];
	}
	return NULL;
}

/* ", 10.9.0.2 (gw.example.com)" */
static void
headline_add_address(struct text *t, const struct locate_result *r, int hop,
    const struct addr *a, bool names)
{
	const struct path_responder *p;
	char buf[ADDR_TEXT];

	text_addf(t, ", %s", addr_format(a, buf));
	p = headline_responder_of(path_hop_at(&r->path, hop), a);
	if (!names || p == NULL || p->name[0] == '\0')
		return;
	text_add(t, " (");
	words_safe(t, p->name);
	text_add(t, ")");
}

/* " (silent; between 10.9.1.2 and 10.9.3.2)" */
static void
headline_add_silent(struct text *t, const struct locate_result *r)
{
	const struct addr *b = r->verdict.between;
	char one[ADDR_TEXT], two[ADDR_TEXT];

	addr_format(&b[0], one);
	addr_format(&b[1], two);
	if (!addr_is_none(&b[0]) && !addr_is_none(&b[1]))
		text_addf(t, " (silent; between %s and %s)", one, two);
	else if (!addr_is_none(&b[0]))
		text_addf(t, " (silent; beyond %s)", one);
	else if (!addr_is_none(&b[1]))
		text_addf(t, " (silent; before %s)", two);
	else
		text_add(t, " (silent)");
}

/* "hop 3, 10.9.3.2" of the verdict itself; word is "Hop" or "hop". */
static void
headline_add_device(
    struct text *t, const struct locate_result *r, const char *word, bool names)
{
	text_addf(t, "%s %d", word, r->verdict.hop);
	if (addr_is_none(&r->verdict.address))
		headline_add_silent(t, r);
	else
		headline_add_address(
		    t, r, r->verdict.hop, &r->verdict.address, names);
}

static void
headline_add_sure(struct text *t, double p)
{
	char buf[WORDS_PERCENT];

	text_addf(t, " (%s)", words_percent(p, buf));
}

static void
headline_add_kind(struct text *t, enum result_kind k)
{
	switch (k) {
	case RESULT_MIDDLEBOX:
		text_add(t, "a device at none of these hops");
		return;
	case RESULT_LOAD_BALANCER:
		text_add(t, "a load balancer before the server");
		return;
	case RESULT_SERVER:
		text_add(t, "the server itself");
		return;
	case RESULT_RESPONSE_TRIGGERED:
		text_add(t, "a device that the server's answer fires");
		return;
	case RESULT_NOT_REPRODUCED:
		text_add(t, "no reset that follows from the trigger");
		return;
	case RESULT_UNDETERMINED:
		text_add(t, "something else");
		return;
	}
}

/* "hop 2, 10.9.1.2": whoever answers most at that hop. */
static void
headline_add_hop(
    struct text *t, const struct locate_result *r, int hop, bool names)
{
	const struct path_hop *h = path_hop_at(&r->path, hop);

	text_addf(t, "hop %d", hop);
	if (h != NULL && h->n_responders > 0)
		headline_add_address(t, r, hop, &h->responders[0].addr, names);
}

void
words_alternative(struct text *t, const struct locate_result *r,
    const struct result_alternative *a, bool names)
{
	if (a->hop == 0) {
		headline_add_kind(t, a->kind);
		return;
	}
	switch (a->place) {
	case PLACE_UNKNOWN:
		if (a->kind != RESULT_RESPONSE_TRIGGERED)
			break;
		text_add(t, "that device at ");
		headline_add_hop(t, r, a->hop, names);
		text_add(t, ", by its TTL alone");
		return;
	case PLACE_WIRE:
		text_add(t, "on the wire before ");
		break;
	case PLACE_ROUTER:
		text_add(t, "in the forwarding plane of ");
		break;
	}
	headline_add_hop(t, r, a->hop, names);
}

/* As words_alternative, but as a noun: "hop 2, on the wire before it". */
static void
headline_add_candidate(struct text *t, const struct locate_result *r,
    const struct result_alternative *a, bool names)
{
	if (a->hop == 0) {
		headline_add_kind(t, a->kind);
		return;
	}
	headline_add_hop(t, r, a->hop, names);
	switch (a->place) {
	case PLACE_UNKNOWN:
		return;
	case PLACE_WIRE:
		text_add(t, ", on the wire before it");
		return;
	case PLACE_ROUTER:
		text_add(t, ", in its forwarding plane");
		return;
	}
}

/* How many candidates the first sentence names. */
static size_t
headline_count_candidates(const struct locate_result *r)
{
	size_t n = r->verdict.hop > 0;

	for (size_t i = 0;
	     i < r->verdict.n_alternatives && n < HEADLINE_CANDIDATES; i++) {
		if (r->verdict.alternatives[i].probability >=
		    WORDS_ALTERNATIVE_MIN)
			n++;
	}
	return n;
}

static void
headline_add_candidates(
    struct text *t, const struct locate_result *r, bool names)
{
	size_t n = headline_count_candidates(r), k, at = 0;

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			text_add(t, i + 1 == n ? "; or " : "; ");
		if (i == 0 && r->verdict.hop > 0) {
			headline_add_device(t, r, "hop", names);
			headline_add_sure(t, r->verdict.confidence);
			continue;
		}
		k = at++;
		headline_add_candidate(
		    t, r, &r->verdict.alternatives[k], names);
		headline_add_sure(t, r->verdict.alternatives[k].probability);
	}
}

static void
headline_add_undetermined(
    struct text *t, const struct locate_result *r, bool names)
{
	size_t n = headline_count_candidates(r);

	if (r->n_resets == 0 && n == 0) {
		text_add(t, "Undetermined: it ended before any trigger was ");
		text_add(t, r->reproduction.trials == 0 ? "sent." : "reset.");
		return;
	}
	text_add(t, "It is undetermined who sends the resets");
	if (n > 0) {
		text_add(t,
		    n == 1 ? "; the best candidate is "
			   : "; the best candidates are ");
		headline_add_candidates(t, r, names);
	}
	text_add(t, ".");
}

static void
headline_add_not_reproduced(struct text *t, const struct locate_result *r)
{
	char buf[WORDS_PERCENT];

	if (r->reproduction.trials == 0) {
		text_add(t, "Not reproduced: no trigger could be sent.");
		return;
	}
	if (r->reproduction.resets > 0) {
		text_add(t,
		    "Not reproduced: resets came, but no more often "
		    "on triggers than on controls.");
		return;
	}
	text_add(t, "No reset in ");
	words_count(t, r->reproduction.trials, "trigger", "triggers");
	if (r->reproduction.rate_hi > 0 && r->reproduction.rate_hi < 1)
		text_addf(t,
		    ": if they fire it at all, then at most %s of "
		    "them.",
		    words_percent(r->reproduction.rate_hi, buf));
	else
		text_add(t, ".");
}

static void
headline_add_given_ttls(struct text *t, const struct locate_result *r)
{
	text_add(
	    t, r->n_given_ttls == 1 ? "A reset with TTL " : "Resets with TTL ");
	for (size_t i = 0; i < r->n_given_ttls; i++) {
		if (i > 0)
			text_add(t, i + 1 == r->n_given_ttls ? " and " : ", ");
		text_addf(t, "%d", r->given_ttls[i]);
	}
}

/* The user's own client, whose runs gave nothing to go on with. */
static void
headline_add_from_exec(struct text *t, const struct locate_result *r)
{
	if (r->exec_resets == 0) {
		text_add(t, "Not reproduced: your client was run ");
		words_count(t, r->exec_runs, "time", "times");
		text_add(t, " and never reset.");
		return;
	}
	text_addf(t, "Your client was reset in %u of ", r->exec_resets);
	words_count(t, r->exec_runs, "run", "runs");
	text_add(t, ", by the server itself: no device on the path forged it");
	headline_add_sure(t, r->verdict.confidence);
	text_add(t, ".");
}

/* Without a trigger: what the TTLs alone say. */
static void
headline_add_from_ttl(struct text *t, const struct locate_result *r, bool names)
{
	const char *s = r->n_given_ttls == 1 ? "s" : "";

	if (r->n_given_ttls == 0 && r->exec_runs > 0) {
		headline_add_from_exec(t, r);
		return;
	}
	if (r->n_given_ttls == 0) {
		text_add(t,
		    "No reset was given to judge: this is the path "
		    "alone.");
		return;
	}
	headline_add_given_ttls(t, r);
	if (r->verdict.hop > 0) {
		text_addf(t, " point%s to ", s);
		headline_add_device(t, r, "hop", names);
		headline_add_sure(t, r->verdict.confidence);
	} else if (r->verdict.kind == RESULT_SERVER) {
		text_addf(t, " name%s no hop: that is the server's own TTL", s);
	} else {
		text_addf(t, " name%s no hop", s);
	}
	text_add(t, ".");
}

static void
headline_add_located(struct text *t, const struct locate_result *r,
    const char *does, const char *nowhere, bool names)
{
	if (r->verdict.hop > 0) {
		/* On the wire it is not the router that answers at the hop. */
		if (r->verdict.place == PLACE_WIRE) {
			text_add(t, "A device on the wire before ");
			headline_add_device(t, r, "hop", names);
		} else {
			headline_add_device(t, r, "Hop", names);
		}
		text_add(t, addr_is_none(&r->verdict.address) ? " " : ", ");
		text_add(t, does);
	} else {
		text_add(t, nowhere);
	}
	headline_add_sure(t, r->verdict.confidence);
	text_add(t, ".");
}

void
words_headline(struct text *t, const struct locate_result *r, bool names)
{
	if (r->trigger == RESULT_TRIGGER_NONE) {
		headline_add_from_ttl(t, r, names);
		return;
	}
	switch (r->verdict.kind) {
	case RESULT_MIDDLEBOX:
		headline_add_located(t, r, "forges the resets",
		    "A device on the path forges the resets; its hop is not "
		    "known",
		    names);
		return;
	case RESULT_LOAD_BALANCER:
		headline_add_located(t, r, "a load balancer, sends the resets",
		    "A load balancer before the server sends the resets",
		    names);
		return;
	case RESULT_SERVER:
		text_add(t,
		    "The server itself resets the connection: no "
		    "device on the path forged it");
		headline_add_sure(t, r->verdict.confidence);
		text_add(t, ".");
		return;
	case RESULT_RESPONSE_TRIGGERED:
		text_add(t,
		    "The server's answer fires the reset, not what you "
		    "send: no hop can be named from here");
		headline_add_sure(t, r->verdict.confidence);
		text_add(t, ".");
		return;
	case RESULT_NOT_REPRODUCED:
		headline_add_not_reproduced(t, r);
		return;
	case RESULT_UNDETERMINED:
		headline_add_undetermined(t, r, names);
		return;
	}
}

static void
headline_add_p_value(struct text *t, double p)
{
	if (!(p >= 0))
		return;
	if (p < 0.001)
		text_add(t, " (p < 0.001)");
	else if (p >= 0.995)
		text_add(t, " (p = 1)");
	else
		text_addf(t, " (p = %.*f)", p < 0.01 ? 3 : 2, p);
}

static void
headline_add_triggers(struct text *t, const struct locate_result *r)
{
	if (r->reproduction.trials == 0) {
		text_add(t, "No trigger was sent");
		return;
	}
	text_addf(t, "Reset on %u of ", r->reproduction.resets);
	words_count(t, r->reproduction.trials, "trigger", "triggers");
}

/* Bursts, where controls among them make them tell. */
static void
headline_add_bursts(struct text *t, const struct locate_result *r)
{
	if (r->reproduction.control_burst_trials == 0)
		return;
	text_addf(t, "; of bursts on %u of %u, of their controls on %u of %u",
	    r->reproduction.burst_resets, r->reproduction.burst_trials,
	    r->reproduction.control_burst_resets,
	    r->reproduction.control_burst_trials);
}

void
words_numbers(struct text *t, const struct locate_result *r)
{
	if (r->trigger == RESULT_TRIGGER_NONE) {
		text_add(t, "No trigger was sent");
		if (r->exec_runs == 0 || r->n_given_ttls > 0)
			text_add(t, ": judged by the TTL and the path alone");
	} else {
		headline_add_triggers(t, r);
		if (r->reproduction.control_trials > 0) {
			text_addf(t, ", %son %u of ",
			    r->reproduction.trials == 0 ? "reset " : "",
			    r->reproduction.control_resets);
			words_count(t, r->reproduction.control_trials,
			    "control", "controls");
		}
		headline_add_bursts(t, r);
		if (r->reproduction.resets > 0)
			headline_add_p_value(t, r->reproduction.p_value);
	}
	text_add(t, "; ");
	words_count(t, r->head.connections, "connection", "connections");
	if (r->budget.reached == RESULT_BOUND_CONNECTIONS)
		text_add(t, ", no more being allowed");
	text_add(t, ", ");
	words_span(t, r->head.duration_ns);
	if (r->budget.reached == RESULT_BOUND_TIME)
		text_add(t, ", no more being allowed");
	text_add(t, ".");
}

void
words_mark(struct text *t, const struct locate_result *r)
{
	bool sure = r->trigger != RESULT_TRIGGER_NONE &&
	    r->verdict.kind != RESULT_UNDETERMINED;

	text_add(t, sure ? "here" : "best candidate");
	switch (r->verdict.place) {
	case PLACE_UNKNOWN:
		return;
	case PLACE_WIRE:
		text_add(t, ", on the wire before it");
		return;
	case PLACE_ROUTER:
		text_add(t, ", in its forwarding plane");
		return;
	}
}
