/*
 * Connections drawn at random, and resets in them by all sorts of makers: what
 * rst makes of each stands in a golden file, and a hash of all that flow handed
 * over.  No single line is there to prove a rule; together they hold that no
 * rule changes unseen.  RSTHOP_SHOW_FACTS=1 prints what was hashed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <rsthop/hash.h>
#include <rsthop/text.h>

#include "drawn_scene.h"
#include "golden.h"
#include "proves.h"

#define SCENES 160

static void
put_mark(struct text *t, const char *name, const struct flow_mark *m)
{
	if (m->frame == 0)
		return;
	text_addf(t, " %s %llu/%u/%x", name, (unsigned long long)m->frame,
	    m->len, m->flags);
}

static void
put_side(struct text *t, const char *name, const struct flow_side *s)
{
	text_addf(t, "    %s %u+%u packets, %u again, seen %x, TTL", name,
	    s->packets, s->data_packets, s->twice, s->seen);
	for (size_t i = 0; i < s->n_ttls; i++)
		text_addf(t, " %u*%u", s->ttls[i].ttl, s->ttls[i].packets);
	text_addf(t,
	    " +%u ~%u%s, IDs %d:%u, tos %x, window %u, seq %u, "
	    "ack %u, injected %u, rtt %lld us",
	    s->ttl_others, s->ttl_changes, s->ttl_of_duplicate ? " dup" : "",
	    (int)s->id_kind, s->n_ids > 0 ? s->ids[0] : 0, s->tos, s->window,
	    s->seq_next - s->isn, s->ack_high, s->injected,
	    (long long)(s->rtt_min_ns / CLOCK_US));
	put_mark(t, "data", &s->last_data);
	put_mark(t, "injected", &s->last_injected);
	text_add(t, "\n");
}

static void
put_facts(struct text *t, const struct flow_reset *r)
{
	const struct flow_after *a = &r->after;

	text_addf(t,
	    "  reset %llu to %s, roles %d, copies %u, others %zu, "
	    "expired %zu",
	    (unsigned long long)r->mark.frame,
	    r->to_client ? "client" : "server", (int)r->roles, r->copies,
	    r->n_others, r->n_expired);
	put_mark(t, "trigger", &r->trigger);
	text_addf(t, "%s%s, after %u:%u:%u %u:%u%s%s%s%s%s%s, end %d\n",
	    r->trigger_exact ? " exact" : "",
	    r->trigger_was_probe ? " probe" : "", a->packets, a->data_packets,
	    a->old_packets, a->receiver_packets, a->receiver_data,
	    a->receiver_challenge ? " challenge" : "",
	    a->receiver_fin ? " receiver-fin" : "", a->fin ? " fin" : "",
	    a->acked_more ? " acked-more" : "", a->begun_anew ? " anew" : "",
	    a->synack ? " synack" : "", (int)r->end);
	put_side(t, "sender", &r->sender);
	put_side(t, "receiver", &r->receiver);
	text_addf(t,
	    "    host %u packets, %u flows, %u TTLs, IDs %d%s, "
	    "rtt %lld us\n",
	    r->host.packets, r->host.flows, r->host.n_ttls,
	    (int)r->host.id_kind, r->host.later ? " later" : "",
	    (long long)(r->host.rtt_min_ns / CLOCK_US));
}

static void
put_verdict(
    struct text *t, const struct flow_reset *r, const struct rst_verdict *v)
{
	text_addf(t, " %llu: %s %.3f, %s, TTL %u/%d/%u%s",
	    (unsigned long long)r->mark.frame, rst_ruling_name(v->ruling),
	    v->probability, rst_kind_name(v->kind), v->initial_ttl,
	    v->traversed, v->sender_ttl, v->ttl_usable ? "" : " unusable");
	for (size_t i = 0; i < v->n_candidates; i++)
		text_addf(t, ", hop %d%s %.3f", v->candidates[i].hop,
		    v->candidates[i].place == PLACE_WIRE ? "w" : "r",
		    v->candidates[i].probability);
	text_addf(t, "%s%s%s%s\n  ", v->same_segment ? ", own segment" : "",
	    v->both_ends ? ", both ends" : "", v->signature != NULL ? ", " : "",
	    v->signature != NULL ? v->signature : "");
	for (size_t i = 0; i < v->n_reasons; i++)
		text_addf(
		    t, " %s %.2f", v->reasons[i].code, v->reasons[i].weight);
	text_add(t, "\n");
}

static void
put_scene(struct text *t, uint32_t seed)
{
	static struct drawn d;
	struct text facts = {0};

	drawn_begin(&d, seed);
	drawn_connections(&d);
	assert_int_equal(flow_table_end(d.sc.t, NULL), 0);
	for (size_t i = 0; i < d.sc.n; i++)
		put_facts(&facts, &d.sc.facts[i]);
	if (getenv("RSTHOP_SHOW_FACTS") != NULL)
		print_message("scene %u\n%s", seed, text_str(&facts));
	text_addf(t, "scene %u: %zu probes, %zu data, facts %016llx\n", seed,
	    d.sc.n_probes, d.sc.n_data,
	    (unsigned long long)hash_bytes(1, text_str(&facts), facts.len));
	text_free(&facts);
	for (size_t i = 0; i < d.sc.n; i++)
		put_verdict(t, &d.sc.facts[i], &d.sc.verdicts[i]);
	scene_end(&d.sc);
}

static void
test_connections(void **state)
{
	struct text t = {0};

	(void)state;
	for (uint32_t seed = 1; seed <= SCENES; seed++)
		put_scene(&t, seed);
	assert_false(t.bad);
	golden_compare("connections", ".txt", text_str(&t));
	text_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("drawn connections: each fact and reason is as looked at",
		test_connections),
	};

	return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
