/*
 * rerun: a client that is run again and again, in a world where what each run
 * draws is written down.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/clock.h>
#include <rsthop/rerun.h>

#include "proves.h"

#define CLIENT_PORT 40000
#define SERVER_PORT 3306
#define RUN_MS	    10 /* how long the client takes */

/* What one run shows: a SYN to the target, then a reset, or nothing. */
enum drama { SILENT, CONNECTS, RESET };

struct stage {
	int64_t now_ns;
	enum drama (*play)(unsigned int run);
	unsigned int started, stopped;
	int64_t ends_ns; /* the client's end */
	int status;
	unsigned int due; /* packets of this run that were handed out */
	bool hangs;
	uint8_t frame[54];
};

static int64_t
stage_now(void *ctx)
{
	return ((struct stage *)ctx)->now_ns;
}

static void
stage_also(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
}

static void
put_packet(struct stage *st, bool from_server, uint8_t flags)
{
	uint8_t *ip = st->frame + 14, *tcp = ip + 20;
	unsigned int sport = from_server ? SERVER_PORT : CLIENT_PORT;
	unsigned int dport = from_server ? CLIENT_PORT : SERVER_PORT;

	memset(st->frame, 0, sizeof(st->frame));
	st->frame[12] = 8;
	ip[0] = 0x45;
	ip[3] = 40;
	ip[8] = 64;
	ip[9] = PKT_PROTO_TCP;
	ip[12] = ip[16] = 10;
	ip[15] = from_server ? 2 : 1;
	ip[19] = from_server ? 1 : 2;
	tcp[0] = (uint8_t)(sport >> 8);
	tcp[1] = (uint8_t)sport;
	tcp[2] = (uint8_t)(dport >> 8);
	tcp[3] = (uint8_t)dport;
	tcp[11] = from_server; /* the SYN has number 0 */
	tcp[12] = 0x50;
	tcp[13] = flags;
}

static int
stage_next(
    void *ctx, int64_t until_ns, struct world_packet *out, struct fault *f)
{
	struct stage *st = ctx;
	enum drama d = st->play(st->started);

	(void)f;
	if (st->due >= (unsigned int)d) {
		/* The client's end wakes it. */
		st->now_ns = st->ends_ns > st->now_ns && st->ends_ns < until_ns
		    ? st->ends_ns
		    : until_ns;
		return 0;
	}
	if (st->due++ == 0)
		put_packet(st, false, PKT_TH_SYN);
	else
		put_packet(st, true, PKT_TH_RST | PKT_TH_ACK);
	*out = (struct world_packet){.at_ns = st->now_ns,
	    .unix_ns = st->now_ns,
	    .link = PKT_LINK_ETHERNET,
	    .data = st->frame,
	    .len = sizeof(st->frame),
	    .wire_len = sizeof(st->frame)};
	pkt_decode(out->link, out->data, out->len, out->wire_len, &out->pkt);
	return 1;
}

static int
client_start(void *ctx, struct fault *f)
{
	struct stage *st = ctx;

	(void)f;
	st->started++;
	st->due = 0;
	st->ends_ns = st->hangs ? INT64_MAX : st->now_ns + RUN_MS * CLOCK_MS;
	return 0;
}

static int
client_fd(void *ctx)
{
	(void)ctx;
	return -1;
}

static bool
client_has_ended(void *ctx, int *status)
{
	struct stage *st = ctx;

	*status = st->status;
	return st->now_ns >= st->ends_ns;
}

static void
client_stop(void *ctx)
{
	((struct stage *)ctx)->stopped++;
}

static int
run(struct stage *st, int64_t end_ns, struct rerun_result *out, struct fault *f)
{
	struct world w = {.ctx = st,
	    .now = stage_now,
	    .also = stage_also,
	    .next = stage_next};
	struct rerun_client client = {.ctx = st,
	    .start = client_start,
	    .fd = client_fd,
	    .has_ended = client_has_ended,
	    .stop = client_stop};
	struct rerun_ask ask = {.name = "client",
	    .target = {{4, {10, 0, 0, 2}}, SERVER_PORT},
	    .client = &client,
	    .max_runs = RESULT_EXEC_RUNS,
	    .run_ns = CLOCK_S,
	    .end_ns = end_ns};

	return rerun_run(&ask, &w, out, f);
}

static enum drama
play_silent(unsigned int n)
{
	(void)n;
	return SILENT;
}

static enum drama
play_connects(unsigned int n)
{
	(void)n;
	return CONNECTS;
}

/* The third run connects for the first time. */
static enum drama
play_late(unsigned int n)
{
	return n < RERUN_IDLE ? SILENT : CONNECTS;
}

/* A refusal, which is genuine: one run in three. */
static enum drama
play_refused(unsigned int n)
{
	return n % 3 == 0 ? RESET : CONNECTS;
}

static void
test_never_connects(void **state)
{
	struct stage st = {.play = play_silent, .status = 7};
	struct rerun_result out;
	struct fault f = {0};

	(void)state;
	assert_int_equal(run(&st, 60 * CLOCK_S, &out, &f), -1);
	assert_int_equal(f.kind, FAULT_INPUT);
	assert_string_equal(f.text,
	    "--exec client: in 3 runs it did not connect to 10.0.0.2:3306, and "
	    "ended with status 7: give the address and the port that it uses");
	assert_int_equal(st.started, RERUN_IDLE);
	assert_int_equal(st.stopped, RERUN_IDLE);
	rerun_free(&out);
}

/* Time for one run only: that it hangs tells as much. */
static void
test_hangs(void **state)
{
	struct stage st = {.play = play_silent, .hangs = true};
	struct rerun_result out;
	struct fault f = {0};

	(void)state;
	assert_int_equal(run(&st, CLOCK_S, &out, &f), -1);
	assert_non_null(strstr(f.text, "in 1 run it did not connect"));
	assert_null(strstr(f.text, "status"));
	assert_int_equal(st.started, 1);
	assert_int_equal(st.stopped, 1);
	rerun_free(&out);
}

static void
test_never_reset(void **state)
{
	struct stage st = {.play = play_connects};
	struct rerun_result out;
	struct fault f = {0};

	(void)state;
	assert_int_equal(run(&st, 60 * CLOCK_S, &out, &f), 0);
	assert_int_equal(out.runs, RESULT_EXEC_RUNS);
	assert_int_equal(out.reset, 0);
	assert_int_equal(out.connections, RESULT_EXEC_RUNS);
	/* What silent runs showed is not kept. */
	assert_int_equal(out.n, 1);
	rerun_free(&out);
}

static void
test_connects_late(void **state)
{
	struct stage st = {.play = play_late};
	struct rerun_result out;
	struct fault f = {0};

	(void)state;
	assert_int_equal(run(&st, 60 * CLOCK_S, &out, &f), 0);
	assert_int_equal(out.runs, RESULT_EXEC_RUNS);
	rerun_free(&out);
}

static void
test_refused(void **state)
{
	struct stage st = {.play = play_refused};
	struct rerun_result out;
	struct fault f = {0};

	(void)state;
	assert_int_equal(run(&st, 60 * CLOCK_S, &out, &f), 0);
	/* Each third run; then it is plain enough. */
	assert_int_equal(out.reset, RERUN_GENUINE);
	assert_int_equal(out.runs, 3 * RERUN_GENUINE);
	assert_int_equal(out.suspects.n, 0);
	rerun_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("a client that never connects ends it after three runs",
		test_never_connects),
	    PROVES("so does one that hangs until the time is over", test_hangs),
	    PROVES("one that is never reset is run to the bound",
		test_never_reset),
	    PROVES("one that connects by the third run goes on",
		test_connects_late),
	    PROVES("genuine resets are counted, and go on", test_refused),
	};

	return cmocka_run_group_tests_name("rerun", tests, NULL, NULL);
}
