/*
 * The one loop that reads captures, through the job analyze: when it ends, and
 * what it makes of damage, signals and odd stamps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/analyze.h>

#include "proves.h"

#define ENDLESS 10000 /* reads after which a test gives up */

/* What next() gives: `packets` first, then damage or the end, whatever is. */
struct script {
	unsigned int packets;
	bool damage;		  /* at the end, each time */
	unsigned int signal_from; /* so many reads; 0: none ever comes */
	int64_t unix_ns;
	unsigned int reads, looks;
};

static int
script_next(void *ctx, struct capture_packet *out, struct fault *f)
{
	static const uint8_t byte;
	struct script *s = ctx;

	memset(out, 0, sizeof(*out));
	s->reads++;
	if (s->reads > ENDLESS)
		return 0;
	if (s->reads > s->packets)
		return s->damage ? fault(f, FAULT_INPUT, "cut here") : 0;
	out->unix_ns = s->unix_ns;
	out->data = &byte;
	out->len = out->wire_len = 1;
	out->link = PKT_LINK_RAW;
	out->frame = s->reads;
	return 1;
}

static bool
script_ready(void *ctx)
{
	(void)ctx;
	return true;
}

/* The signal is told once, as one who takes it from a descriptor does. */
static int
script_interrupted(void *ctx)
{
	struct script *s = ctx;

	if (s->signal_from == 0 || s->reads < s->signal_from)
		return 0;
	return s->looks++ == 0 ? 2 : 0;
}

static void
run(struct script *s, bool ready, struct analysis *out)
{
	static const struct analyze_path files[] = {
	    {"a.pcap", ANALYSIS_VANTAGE_ANY}, {"b.pcap", ANALYSIS_VANTAGE_ANY}};
	const struct analyze_ask ask = {.n_paths = 2, .paths = files};
	const struct analyze_input in = {.ctx = s,
	    .next = script_next,
	    .ready = ready ? script_ready : NULL,
	    .interrupted = script_interrupted};

	assert_int_equal(analyze_run(&ask, &in, out, NULL), 0);
}

/* Each of two files may be damaged once; a third time would never end. */
static void
test_damage(void **state)
{
	struct script s = {.packets = 5, .damage = true};
	struct analysis a;

	(void)state;
	run(&s, false, &a);
	assert_int_equal(s.reads, 5 + 3);
	assert_int_equal(a.packets, 5);
	assert_string_equal(a.files[0].damage, "cut here");
	analysis_free(&a);
}

static void
test_signal_in_read(void **state)
{
	struct script s = {.packets = 5, .damage = true, .signal_from = 6};
	struct analysis a;

	(void)state;
	run(&s, false, &a);
	assert_int_equal(s.reads, 6);
	assert_int_equal(a.interrupted, 2);
	assert_string_equal(a.files[0].damage, "");
	analysis_free(&a);
}

static void
test_signal(void **state)
{
	struct script s = {.packets = 5000, .signal_from = 10};
	struct analysis a;

	(void)state;
	run(&s, true, &a);
	assert_int_equal(a.interrupted, 2);
	assert_in_range(a.packets, 10, 2000);
	analysis_free(&a);
}

static void
test_ready(void **state)
{
	struct script s = {.packets = 2500};
	struct analysis a;

	(void)state;
	run(&s, true, &a);
	assert_int_equal(a.packets, 2500);
	assert_int_equal(a.files[0].undecoded, 2500);
	assert_int_equal(s.reads, 2501);
	analysis_free(&a);
}

/* Differences of stamps are taken everywhere: none may overflow. */
static void
test_stamps(void **state)
{
	static const int64_t odd[] = {INT64_MAX, INT64_MIN};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct script s = {.packets = 1, .unix_ns = odd[i]};
		struct analysis a;
		int64_t ns;

		run(&s, false, &a);
		ns = a.files[0].first_unix_ns;
		assert_true(ns <= INT64_MAX / 4 && ns >= -(INT64_MAX / 4));
		assert_true((ns > 0) == (odd[i] > 0));
		analysis_free(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("damage without an end ends the pass", test_damage),
	    PROVES(
		"a read that a signal ended is no damage", test_signal_in_read),
	    PROVES("a signal is looked for every so many packets", test_signal),
	    PROVES("all that is ready is read, in handfuls", test_ready),
	    PROVES("stamps are bounded", test_stamps),
	};

	return cmocka_run_group_tests_name("pass", tests, NULL, NULL);
}
