/*
 * The plain results: their words, their bounds, the look-up of a hop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/reason.h>
#include <rsthop/result.h>

#include "proves.h"

static void
test_words(void **state)
{
	(void)state;
	assert_string_equal(result_kind_name(RESULT_MIDDLEBOX), "middlebox");
	assert_string_equal(
	    result_kind_name(RESULT_LOAD_BALANCER), "load-balancer");
	assert_string_equal(result_kind_name(RESULT_SERVER), "server");
	assert_string_equal(
	    result_kind_name(RESULT_RESPONSE_TRIGGERED), "response-triggered");
	assert_string_equal(
	    result_kind_name(RESULT_NOT_REPRODUCED), "not-reproduced");
	assert_string_equal(
	    result_kind_name(RESULT_UNDETERMINED), "undetermined");
	assert_string_equal(ttl_policy_name(TTL_POLICY_UNKNOWN), "unknown");
	assert_string_equal(ttl_policy_name(TTL_POLICY_FIXED), "fixed");
	assert_string_equal(ttl_policy_name(TTL_POLICY_COPIED), "copy");
	assert_string_equal(ttl_policy_name(TTL_POLICY_ARBITRARY), "random");
	assert_string_equal(
	    ttl_policy_name(TTL_POLICY_IMITATED), "imitates-server");
	assert_string_equal(
	    result_firing_name(RESULT_FIRING_PER_PACKET), "per-packet");
	assert_string_equal(
	    result_firing_name(RESULT_FIRING_PER_CONNECTION), "per-connection");
	assert_string_equal(
	    result_firing_name(RESULT_FIRING_PER_FLOW), "per-flow");
	assert_string_equal(place_name(PLACE_WIRE), "wire");
	assert_string_equal(place_name(PLACE_ROUTER), "router");
	assert_string_equal(result_seq_match_name(RESULT_SEQ_TAG), "tag");
	assert_string_equal(
	    result_seq_match_name(RESULT_SEQ_STEPPED), "stepped");
	assert_string_equal(result_seq_match_name(RESULT_SEQ_EXACT), "exact");
	assert_string_equal(result_seq_match_name(RESULT_SEQ_ZERO), "zero");
	assert_string_equal(
	    result_trigger_name(RESULT_TRIGGER_PAYLOAD), "payload");
	assert_string_equal(result_trigger_name(RESULT_TRIGGER_HEX), "hex");
	assert_string_equal(result_trigger_name(RESULT_TRIGGER_FILE), "file");
	assert_string_equal(result_trigger_name(RESULT_TRIGGER_MYSQL), "mysql");
	assert_string_equal(result_trigger_name(RESULT_TRIGGER_HTTP), "http");
	assert_string_equal(result_trigger_name(RESULT_TRIGGER_TLS), "tls");
	assert_string_equal(
	    result_trigger_name(RESULT_TRIGGER_DIALOGUE), "dialogue");
	assert_string_equal(
	    result_trigger_name(RESULT_TRIGGER_CAPTURE), "capture");
	assert_string_equal(result_trigger_name(RESULT_TRIGGER_EXEC), "exec");
	assert_string_equal(result_before_name(RESULT_BEFORE_LOGIN), "login");
	assert_string_equal(
	    result_before_name(RESULT_BEFORE_DIALOGUE), "dialogue");
	assert_string_equal(
	    result_before_name(RESULT_BEFORE_RECORDED), "recorded");
	assert_string_equal(
	    result_bound_name(RESULT_BOUND_CONNECTIONS), "connections");
	assert_string_equal(result_bound_name(RESULT_BOUND_TIME), "time");
	assert_string_equal(result_scope_name(RESULT_SCOPE_NONE), "none");
	assert_string_equal(result_scope_name(RESULT_SCOPE_3TUPLE), "3-tuple");
	assert_string_equal(result_scope_name(RESULT_SCOPE_4TUPLE), "4-tuple");
}

static void
test_words_unknown(void **state)
{
	(void)state;
	assert_null(result_firing_name(RESULT_FIRING_UNKNOWN));
	assert_null(place_name(PLACE_UNKNOWN));
	assert_null(result_seq_match_name(RESULT_SEQ_NONE));
	assert_null(result_trigger_name(RESULT_TRIGGER_NONE));
	assert_null(result_before_name(RESULT_BEFORE_NOTHING));
	assert_null(result_bound_name(RESULT_BOUND_NONE));
}

/* Each bit has a word, and no two have the same. */
static void
test_path_words(void **state)
{
	const char *name[PATH_REWRITES];
	int i;

	(void)state;
	assert_string_equal(path_via_name(PATH_VIA_TCP), "tcp");
	assert_string_equal(path_via_name(PATH_VIA_SYN), "syn");
	assert_string_equal(path_via_name(PATH_VIA_ICMP), "icmp");
	assert_string_equal(path_via_name(PATH_VIA_PROBE), "probe");
	for (i = 0; i < PATH_REWRITES; i++) {
		name[i] = path_rewrite_name((enum path_rewrite)(1U << i));
		assert_non_null(name[i]);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(name[i], name[k]);
	}
	assert_null(path_rewrite_name((enum path_rewrite)(1U << i)));
}

static void
test_path_hop_at(void **state)
{
	struct path *p = calloc(1, sizeof(*p));

	(void)state;
	assert_non_null(p);
	assert_null(path_hop_at(p, 1));
	p->n_hops = 3;
	assert_null(path_hop_at(p, 0));
	assert_null(path_hop_at(p, -1));
	assert_ptr_equal(path_hop_at(p, 1), &p->hops[0]);
	assert_ptr_equal(path_hop_at(p, 3), &p->hops[2]);
	assert_null(path_hop_at(p, 4));
	p->n_hops = PATH_MAX_HOPS;
	assert_ptr_equal(
	    path_hop_at(p, PATH_MAX_HOPS), &p->hops[PATH_MAX_HOPS - 1]);
	assert_null(path_hop_at(p, PATH_MAX_HOPS + 1));
	free(p);
}

static void
test_reasons(void **state)
{
	struct reasons *rs = calloc(1, sizeof(*rs));
	char expect[64];

	(void)state;
	assert_non_null(rs);
	for (int i = 0; i < REASONS_MAX + 5; i++)
		reasons_add(rs, "ip-id-echo", i / 2.0, "reason %d, %s", i,
		    i == 1 ? "" : "kept");
	assert_int_equal(rs->n, REASONS_MAX);
	snprintf(expect, sizeof(expect), "reason %d, kept", REASONS_MAX - 1);
	assert_string_equal(rs->r[REASONS_MAX - 1].text, expect);
	assert_string_equal(rs->r[1].text, "reason 1, ");
	assert_string_equal(rs->r[1].code, "ip-id-echo");
	assert_true(rs->r[3].weight == 1.5);
	rs->n = 0;
	reasons_add(rs, "window-odd", 0, "%0*d", REASON_TEXT * 2, 7);
	assert_int_equal(strlen(rs->r[0].text), REASON_TEXT - 1);
	free(rs);
}

static void
test_notes(void **state)
{
	struct result_notes *n = calloc(1, sizeof(*n));

	(void)state;
	assert_non_null(n);
	for (int i = 0; i < RESULT_NOTES + 3; i++)
		result_note(n, "note %d", i);
	assert_int_equal(n->n, RESULT_NOTES);
	assert_string_equal(n->text[0], "note 0");
	assert_string_equal(n->text[RESULT_NOTES - 1], "note 7");
	n->n = 0;
	result_note(n, "%0*d", REASON_TEXT * 2, 7);
	assert_int_equal(strlen(n->text[0]), REASON_TEXT - 1);
	free(n);
}

static void
test_keep_copies(void **state)
{
	struct locate_result *r = calloc(1, sizeof(*r));
	uint8_t frame[4] = {1, 2, 3, 4};
	char note[300];

	(void)state;
	assert_non_null(r);
	memset(note, 'n', sizeof(note) - 1);
	note[sizeof(note) - 1] = '\0';
	result_keep(&r->evidence, 42, PKT_LINK_RAW, frame, 4, 1500, "a probe");
	result_keep(&r->evidence, 43, PKT_LINK_SLL, frame, 2, 4, note);
	result_keep(&r->evidence, 44, PKT_LINK_SLL2, NULL, 0, 60, NULL);
	memset(frame, 0, sizeof(frame));
	assert_int_equal(r->evidence.n, 3);
	assert_int_equal(r->evidence.bytes, 6);
	assert_int_equal(r->evidence.left_out, 0);
	assert_int_equal(r->evidence.packets[0].unix_ns, 42);
	assert_int_equal(r->evidence.packets[0].link, PKT_LINK_RAW);
	assert_int_equal(r->evidence.packets[0].len, 4);
	assert_int_equal(r->evidence.packets[0].wire_len, 1500);
	assert_memory_equal(r->evidence.packets[0].data, "\1\2\3\4", 4);
	assert_string_equal(r->evidence.packets[0].note, "a probe");
	assert_int_equal(strlen(r->evidence.packets[1].note),
	    sizeof(r->evidence.packets[1].note) - 1);
	assert_string_equal(r->evidence.packets[2].note, "");
	locate_result_free(r);
	assert_int_equal(r->evidence.n, 0);
	locate_result_free(r); /* twice is fine */
	locate_result_free(NULL);
	trace_result_free(NULL);
	free(r);
}

static void
test_keep_packets_bound(void **state)
{
	struct trace_result *r = calloc(1, sizeof(*r));
	uint8_t b = 7;

	(void)state;
	assert_non_null(r);
	for (int i = 0; i < 20003; i++)
		result_keep(&r->evidence, i, PKT_LINK_RAW, &b, 1, 1, "");
	assert_int_equal(r->evidence.n, 20000);
	assert_int_equal(r->evidence.left_out, 3);
	assert_int_equal(r->evidence.packets[19999].unix_ns, 19999);
	trace_result_free(r);
	free(r);
}

static void
test_keep_bytes_bound(void **state)
{
	struct trace_result *r = calloc(1, sizeof(*r));
	uint32_t size = 3U << 20;
	uint8_t *frame = calloc(1, size);
	int i;

	(void)state;
	assert_non_null(r);
	assert_non_null(frame);
	for (i = 0; i < 22; i++) /* 21 times 3 MiB are 63 */
		result_keep(
		    &r->evidence, i, PKT_LINK_RAW, frame, size, size, "");
	assert_int_equal(r->evidence.n, 21);
	assert_int_equal(r->evidence.left_out, 1);
	/* One that fits is kept still: just the last MiB, not a byte more. */
	result_keep(
	    &r->evidence, i, PKT_LINK_RAW, frame, (1U << 20) + 1, size, "");
	assert_int_equal(r->evidence.n, 21);
	result_keep(&r->evidence, i, PKT_LINK_RAW, frame, 1U << 20, size, "");
	assert_int_equal(r->evidence.n, 22);
	assert_int_equal(r->evidence.bytes, (size_t)64 << 20);
	result_keep(&r->evidence, i, PKT_LINK_RAW, frame, 1, 1, "");
	assert_int_equal(r->evidence.left_out, 3);
	trace_result_free(r);
	free(frame);
	free(r);
}

/*
 * What may be injected into somebody's live connection goes no farther than a
 * router has shown: not to a hop that is silent, nor to the server, nor beyond
 * what was asked, whatever the path's length is taken for.
 */
static void
test_shown_reach(void **state)
{
	static struct path p;

	(void)state;
	p.n_hops = p.server_hops = 5;
	assert_int_equal(path_shown_reach(&p, 4), 0); /* all silent */
	p.hops[0].n_responders = 1;
	p.hops[2].n_responders = 1;
	assert_int_equal(path_shown_reach(&p, 4), 3);
	assert_int_equal(path_shown_reach(&p, 3), 3);
	assert_int_equal(path_shown_reach(&p, 2), 1);
	assert_int_equal(path_shown_reach(&p, 0), 0);
	/* The server answers there, in place of a router. */
	p.hops[3].n_responders = 1;
	p.hops[3].is_server = true;
	assert_int_equal(path_shown_reach(&p, 4), 3);
	assert_int_equal(path_shown_reach(&p, 10 * PATH_MAX_HOPS), 3);
	p.hops[PATH_MAX_HOPS - 1].n_responders = 1;
	assert_int_equal(
	    path_shown_reach(&p, 10 * PATH_MAX_HOPS), PATH_MAX_HOPS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("an injection goes no farther than a router has shown",
		test_shown_reach),
	    PROVES("each kind, place, policy, match and trigger has its word",
		test_words),
	    PROVES("what is unknown has no word", test_words_unknown),
	    PROVES("each bit of the path's masks has a word of its own",
		test_path_words),
	    PROVES("a hop is found by its TTL and nothing outside the path",
		test_path_hop_at),
	    PROVES("reasons are kept to their bound, texts cut to theirs",
		test_reasons),
	    PROVES("notes likewise", test_notes),
	    PROVES("evidence is a copy and is freed", test_keep_copies),
	    PROVES("evidence stops at 20000 packets and counts the rest",
		test_keep_packets_bound),
	    PROVES("evidence stops at 64 MiB and counts the rest",
		test_keep_bytes_bound),
	};

	return cmocka_run_group_tests_name("result", tests, NULL, NULL);
}
