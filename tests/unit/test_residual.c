/*
 * Residual blocks: scope and length, as measured against a device that is
 * played here; and what is made of trials that met one.
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

#include <rsthop/belief.h>
#include <rsthop/block.h>
#include <rsthop/clock.h>
#include <rsthop/figures.h>
#include <rsthop/residual.h>
#include <rsthop/run.h>
#include <rsthop/verdict_reasons.h>

#include "proves.h"
#include "scripted_world.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))
#define HOPS	7
#define TRIGGER "use db"
#define CONTROL "hfr qo"
#define RST_TTL 62

struct device {
	int64_t block_ns; /* 0: none */
	bool tuple4;	  /* of the source port too */
	bool refresh;	  /* what meets it prolongs it */
	int least_ttl;	  /* of what it sees */
	int64_t until_ns;
	uint16_t port;
	unsigned int flukes; /* controls that it resets without a block */
	unsigned int lost;   /* so many resets of a block on, one is */
};

struct scene {
	struct rounds r;
	struct belief b;
	struct sw *sw;
	struct device dev;
	struct locate_ask ask;
	struct locate_result out;
	struct fault f;
};

static int
conn_of(const struct sw *sw, uint16_t port)
{
	for (int i = sw->n_conns; i-- > 0;)
		if (sw->conns[i].local.port == port)
			return i;
	return -1;
}

static bool
holds(const struct sw_sent *s, const char *word)
{
	size_t n = strlen(word);

	return s->len >= n && memcmp(s->packet + s->len - n, word, n) == 0;
}

static void
meet(struct sw *sw, const struct sw_sent *s)
{
	struct device *d = &((struct scene *)sw->arg)->dev;
	bool trigger = holds(s, TRIGGER), hit, fluke;
	struct craft_tcp t;

	if (s->kind == SW_ECHO || s->tcp.payload_len == 0 ||
	    s->tcp.ttl < d->least_ttl)
		return;
	hit = sw->now_ns < d->until_ns &&
	    (!d->tuple4 || s->tcp.flow.src.port == d->port);
	fluke = !trigger && !hit && d->flukes > 0;
	if (!trigger && !hit && !fluke)
		return;
	d->flukes -= fluke;
	if (trigger || (hit && d->refresh)) {
		d->until_ns = sw->now_ns + d->block_ns;
		d->port = s->tcp.flow.src.port;
	}
	if (hit && d->lost > 0 && --d->lost == 0)
		return;
	t = sw_reset(
	    sw, conn_of(sw, s->tcp.flow.src.port), RST_TTL, s->tcp.ack);
	sw_push_tcp(sw, sw->now_ns + sw->rtt_ns / 2, &t);
}

static struct scene *
scene_new(uint16_t src_port)
{
	struct scene *sc = calloc(1, sizeof(*sc));
	struct rounds *rounds;
	struct session_ask sa = {0};

	assert_non_null(sc);
	rounds = &sc->r;
	sc->sw = sw_new(4);
	sc->sw->arg = sc;
	sc->sw->on_sent = meet;
	sc->dev.least_ttl = 3;
	sc->ask.target = sc->sw->server;
	sc->ask.trigger = RESULT_TRIGGER_PAYLOAD;
	sc->ask.confidence = 0.95;
	sc->ask.max_connections = 160;
	sc->ask.max_time_ns = 120 * CLOCK_S;
	sc->ask.src_port = src_port;
	rounds->ask = &sc->ask;
	rounds->src_port = src_port;
	rounds->reuses_ports = src_port != 0;
	sa.w = &sc->sw->w;
	sa.target = sc->sw->server;
	sa.src = sc->sw->client.addr;
	sa.max_hops = 30;
	sa.path = &sc->out.path;
	session_init(&rounds->s, &sa);
	sc->out.path.n_hops = sc->out.path.server_hops = HOPS;
	sc->out.path.server_ttl = 58;
	rounds->tracing.s = &rounds->s;
	rounds->end_ns = session_now(&rounds->s) + sc->ask.max_time_ns;
	rounds->timing.rtt_ns = sc->sw->rtt_ns;
	rounds->load.trigger = (const uint8_t *)TRIGGER;
	rounds->load.control = (const uint8_t *)CONTROL;
	rounds->load.trigger_len = rounds->load.control_len = strlen(TRIGGER);
	rounds->load.last_ttl = HOPS - 1;
	return sc;
}

/* The trace's connection, and a trigger that was reset, with its control. */
static void
fire(struct scene *sc)
{
	static const struct shot_plan pair[] = {
	    {.kind = TRIAL_CONTROL}, {.kind = TRIAL_FULL}};
	struct rounds *rounds = &sc->r;

	assert_int_equal(
	    session_open(&rounds->s, ARM_NONE, rounds->src_port, &sc->f), 0);
	assert_int_equal(session_wait_open(&rounds->s, 0, CLOCK_S, &sc->f), 1);
	if (sc->ask.src_port != 0)
		session_close(&rounds->s, 0);
	assert_int_equal(run_trials(rounds, pair, 2, &sc->f), 0);
	assert_int_equal(rounds_count(rounds, TRIAL_FULL, true), 1);
	assert_int_equal(rounds_count(rounds, TRIAL_CONTROL, true), 0);
}

static void
measure(struct scene *sc)
{
	fire(sc);
	assert_int_equal(residual_measure(&sc->r, &sc->f), 0);
}

static void
scene_free(struct scene *sc)
{
	session_free(&sc->r.s);
	belief_free(&sc->b);
	free(sc->r.trials);
	locate_result_free(&sc->out);
	free(sc->sw);
	free(sc);
}

static void
assert_length(const struct scene *sc, enum result_scope scope, int64_t ns,
    enum result_tri refreshed)
{
	const struct result_residual *r = &sc->r.residual;

	assert_true(r->measured);
	assert_int_equal(r->scope, scope);
	assert_int_equal(r->refreshed, refreshed);
	if (r->lo_ns > ns || r->hi_ns < ns || r->length_ns < ns * 85 / 100 ||
	    r->length_ns > ns * 115 / 100)
		fail_msg("%.3f s is measured as %.3f (%.3f to %.3f)",
		    (double)ns / 1e9, (double)r->length_ns / 1e9,
		    (double)r->lo_ns / 1e9, (double)r->hi_ns / 1e9);
}

static void
test_lengths(void **state)
{
	static const int64_t ms[] = {400, 1500, 5000, 9000, 14000, 21000};
	struct scene *sc;
	int tuple4;

	(void)state;
	for (size_t i = 0; i < 2 * ROWS(ms); i++) {
		tuple4 = i >= ROWS(ms);
		sc = scene_new(0);
		sc->dev.block_ns = ms[i % ROWS(ms)] * CLOCK_MS;
		sc->dev.tuple4 = tuple4 != 0;
		measure(sc);
		assert_length(sc,
		    tuple4 != 0 ? RESULT_SCOPE_4TUPLE : RESULT_SCOPE_3TUPLE,
		    sc->dev.block_ns, RESULT_NO);
		scene_free(sc);
	}
}

/* Polls without an end would never let it end. */
static void
test_refreshed(void **state)
{
	static const int64_t ms[] = {400, 2500, 5000};
	struct scene *sc;

	(void)state;
	for (size_t i = 0; i < ROWS(ms); i++) {
		sc = scene_new(0);
		sc->dev.block_ns = ms[i] * CLOCK_MS;
		sc->dev.refresh = true;
		measure(sc);
		assert_length(
		    sc, RESULT_SCOPE_3TUPLE, sc->dev.block_ns, RESULT_YES);
		scene_free(sc);
	}
}

/* Two connections more; that from another port is a control like any. */
static void
test_none(void **state)
{
	struct scene *sc = scene_new(0);
	int64_t before;

	(void)state;
	fire(sc);
	before = sc->sw->now_ns;
	assert_int_equal(residual_measure(&sc->r, &sc->f), 0);
	assert_true(sc->r.residual.measured);
	assert_int_equal(sc->r.residual.scope, RESULT_SCOPE_NONE);
	/* None is opened for it: the trace's takes a control. */
	assert_int_equal(sc->sw->n_conns, 3);
	assert_int_equal(block_count_clean(&sc->r, TRIAL_CONTROL, false), 2);
	assert_false(sc->r.s.conns[0].closed);
	assert_int_equal(block_count_spoiled(&sc->r), 0);
	assert_true(sc->sw->now_ns - before < CLOCK_S / 4);
	assert_false(block_meets_trials(&sc->r));
	scene_free(sc);
}

/* One reset is no block. */
static void
test_fluke(void **state)
{
	struct scene *sc = scene_new(0);

	(void)state;
	fire(sc);
	sc->dev.flukes = 1;
	assert_int_equal(residual_measure(&sc->r, &sc->f), 0);
	assert_int_equal(sc->dev.flukes, 0);
	assert_true(sc->r.residual.measured);
	assert_int_equal(sc->r.residual.scope, RESULT_SCOPE_NONE);
	scene_free(sc);
}

/*
 * A reset that is lost on its way does not end the block, also where no
 * connection may be opened to confirm that.
 */
static void
test_loss(void **state)
{
	struct scene *sc = scene_new(0);

	(void)state;
	sc->dev.block_ns = 5 * CLOCK_S;
	fire(sc);
	sc->dev.lost = 6;
	sc->r.alone = true;
	assert_int_equal(residual_measure(&sc->r, &sc->f), 0);
	assert_int_equal(sc->dev.lost, 0);
	assert_length(sc, RESULT_SCOPE_3TUPLE, 5 * CLOCK_S, RESULT_NO);
	scene_free(sc);
}

/* What expires before the server it does not see: connections ask, fewer. */
static void
test_by_connections(void **state)
{
	struct scene *sc;

	(void)state;
	for (int tuple4 = 0; tuple4 < 2; tuple4++) {
		/* That of a port counts where the port is used again. */
		sc = scene_new(tuple4 != 0 ? 40123 : 0);
		sc->dev.block_ns = 5 * CLOCK_S;
		sc->dev.tuple4 = tuple4 != 0;
		sc->dev.least_ttl = HOPS;
		measure(sc);
		assert_length(sc,
		    tuple4 != 0 ? RESULT_SCOPE_4TUPLE : RESULT_SCOPE_3TUPLE,
		    5 * CLOCK_S, RESULT_NO);
		assert_in_range(sc->sw->n_conns, 15, 40);
		/* None of those that met the block is a control. */
		assert_int_equal(
		    block_count_clean(&sc->r, TRIAL_CONTROL, true), 0);
		scene_free(sc);
	}
}

/* Where a talk comes first, hardly any connection is opened to ask. */
static int
no_talk(void *ctx, struct talk *out, struct fault *f)
{
	(void)ctx;
	(void)out;
	(void)f;
	return 0;
}

static void
test_gentle(void **state)
{
	struct scene *sc = scene_new(0);

	(void)state;
	sc->ask.maker.make = no_talk; /* the session has none to begin */
	sc->dev.block_ns = 5 * CLOCK_S;
	measure(sc);
	assert_length(sc, RESULT_SCOPE_3TUPLE, 5 * CLOCK_S, RESULT_NO);
	/* The trace's, two arms; one that confirms it is over, one fired. */
	assert_int_equal(sc->sw->n_conns, 5);
	scene_free(sc);
}

/* It ends by its bound, and says no more than it saw. */
static void
test_endless(void **state)
{
	struct scene *sc = scene_new(0);
	int64_t before;

	(void)state;
	sc->dev.block_ns = 1000 * CLOCK_S;
	fire(sc);
	before = sc->sw->now_ns;
	assert_int_equal(residual_measure(&sc->r, &sc->f), 0);
	assert_in_range(sc->sw->now_ns - before, 20 * CLOCK_S, 31 * CLOCK_S);
	assert_int_equal(sc->r.residual.scope, RESULT_SCOPE_3TUPLE);
	assert_int_equal(sc->r.residual.length_ns, 0);
	assert_int_equal(sc->r.residual.hi_ns, 0);
	assert_in_range(sc->r.residual.lo_ns, CLOCK_S, 31 * CLOCK_S);
	assert_true(sc->r.residual.seen_ns > 20 * CLOCK_S);
	assert_int_equal(sc->r.residual.refreshed, RESULT_UNSURE);
	assert_true(block_is_on(&sc->r));
	assert_false(block_spaces_trials(&sc->r));
	scene_free(sc);
}

static void
test_cooldown(void **state)
{
	struct scene *sc = scene_new(0);
	size_t sent;

	(void)state;
	sc->dev.block_ns = 5 * CLOCK_S;
	fire(sc);
	sc->ask.cooldown_ns = CLOCK_S;
	sent = sc->sw->n_sent;
	assert_int_equal(residual_measure(&sc->r, &sc->f), 0);
	assert_false(sc->r.residual.measured);
	assert_int_equal(sc->sw->n_sent, sent);
	scene_free(sc);
}

static int64_t
fire_at(struct scene *sc)
{
	static const struct shot_plan full = {.kind = TRIAL_FULL};

	assert_int_equal(run_trials(&sc->r, &full, 1, &sc->f), 0);
	return sc->sw->sent[sc->sw->n_sent - 1].at_ns;
}

/*
 * Trials wait for the end of the block that the last firing began; of a block
 * of the five-tuple only where one source port was asked for.
 */
static void
test_spacing(void **state)
{
	static const struct {
		uint16_t port;
		bool tuple4, waits;
	} rows[] = {
	    {0, false, true},
	    {0, true, false},
	    {41234, false, true},
	    {41234, true, true},
	};
	struct scene *sc;
	int64_t one, two;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		sc = scene_new(rows[i].port);
		sc->dev.block_ns = 3 * CLOCK_S;
		sc->dev.tuple4 = rows[i].tuple4;
		measure(sc);
		assert_length(sc,
		    rows[i].tuple4 ? RESULT_SCOPE_4TUPLE : RESULT_SCOPE_3TUPLE,
		    3 * CLOCK_S, RESULT_NO);
		assert_int_equal(block_meets_trials(&sc->r), rows[i].waits);
		assert_int_equal(block_spaces_trials(&sc->r), rows[i].waits);
		one = fire_at(sc);
		two = fire_at(sc);
		assert_int_equal(two - one > 3 * CLOCK_S, rows[i].waits);
		assert_true(two - one < 4 * CLOCK_S);
		assert_int_equal(block_count_spoiled(&sc->r), 0);
		scene_free(sc);
	}
}

/* The first tagged burst shows at once that tags tell: nothing waits then. */
static void
test_tags(void **state)
{
	static const struct shot_plan plans[] = {
	    {.kind = TRIAL_BURST}, {.kind = TRIAL_BURST}, {.kind = TRIAL_FULL}};
	struct scene *sc = scene_new(0);
	int64_t before;

	(void)state;
	sc->dev.block_ns = 5 * CLOCK_S;
	measure(sc);
	before = sc->sw->now_ns;
	assert_true(block_spaces_trials(&sc->r));
	assert_int_equal(run_trials(&sc->r, plans, 3, &sc->f), 0);
	assert_true(block_tags_name(&sc->r));
	assert_false(block_spaces_trials(&sc->r));
	assert_true(sc->sw->now_ns - before < CLOCK_S);
	/* What would have met the block without a tag was not sent. */
	assert_int_equal(rounds_count(&sc->r, TRIAL_BURST, false), 1);
	assert_int_equal(block_count_spoiled(&sc->r), 0);
	scene_free(sc);
}

/*
 * Sent within the block, on purpose: a trigger tells nothing, and is in no
 * figure; a tagged burst does; what comes after the block is in order.
 */
static void
test_contaminated(void **state)
{
	struct scene *sc = scene_new(0);
	struct rounds *rounds = &sc->r;

	(void)state;
	sc->dev.block_ns = 5 * CLOCK_S;
	fire(sc);
	fire_at(sc);
	assert_int_equal(block_count_clean(rounds, TRIAL_FULL, true), 2);
	assert_int_equal(block_count_spoiled(rounds), 0);
	rounds->residual.measured = true;
	rounds->residual.scope = RESULT_SCOPE_3TUPLE;
	rounds->residual.lo_ns = rounds->residual.hi_ns = 5 * CLOCK_S;
	assert_int_equal(block_count_spoiled(rounds), 1);
	assert_int_equal(block_count_clean(rounds, TRIAL_FULL, true), 1);
	assert_int_equal(block_count_clean(rounds, TRIAL_CONTROL, false), 1);
	assert_int_equal(
	    run_trials(
		rounds, &(struct shot_plan){.kind = TRIAL_BURST}, 1, &sc->f),
	    0);
	assert_int_equal(block_count_clean(rounds, TRIAL_BURST, true), 1);
	assert_int_equal(block_await_end(rounds, &sc->f), 0);
	assert_true(sc->sw->now_ns > sc->dev.until_ns);
	fire_at(sc);
	assert_int_equal(block_count_clean(rounds, TRIAL_FULL, true), 2);
	assert_int_equal(figures_fill(&sc->r, &sc->out, &sc->f), 0);
	assert_int_equal(sc->out.reproduction.trials, 2);
	assert_int_equal(sc->out.reproduction.control_trials, 1);
	assert_int_equal(sc->out.residual.contaminated, 1);
	scene_free(sc);
}

static const char *
reason_text(const struct scene *sc)
{
	const struct reasons *rs = &sc->out.verdict.reasons;

	for (size_t i = 0; i < rs->n; i++)
		if (strcmp(rs->r[i].code, "residual-block") == 0)
			return rs->r[i].text;
	return "";
}

static void
test_words(void **state)
{
	static const struct {
		struct result_residual r;
		const char *words[2];
	} rows[] = {
	    {{.scope = RESULT_SCOPE_3TUPLE,
		 .length_ns = 5100 * CLOCK_MS,
		 .hi_ns = 5300 * CLOCK_MS},
		{"for 5.1 s", "(3-tuple)."}},
	    {{.scope = RESULT_SCOPE_4TUPLE,
		 .length_ns = 1500 * CLOCK_MS,
		 .hi_ns = 1600 * CLOCK_MS,
		 .refreshed = RESULT_YES},
		{"for 1.5 s", "(4-tuple); what meets the block prolongs"}},
	    {{.scope = RESULT_SCOPE_3TUPLE,
		 .seen_ns = 28 * CLOCK_S,
		 .lo_ns = 4400 * CLOCK_MS},
		{"for longer than 28.0 s", "a silence of more than 4.4 s"}},
	    {{.scope = RESULT_SCOPE_NONE}, {"", ""}},
	};
	struct scene *sc;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		sc = scene_new(0);
		fire(sc);
		sc->r.residual = rows[i].r;
		sc->r.residual.measured = true;
		assert_int_equal(figures_fill(&sc->r, &sc->out, &sc->f), 0);
		verdict_fill_reasons(
		    &(struct verdict_basis){&sc->ask, &sc->r, &sc->b},
		    &sc->out);
		assert_int_equal(reason_text(sc)[0] != '\0',
		    rows[i].r.scope != RESULT_SCOPE_NONE);
		for (size_t k = 0; k < 2; k++)
			if (strstr(reason_text(sc), rows[i].words[k]) == NULL)
				fail_msg("\"%s\" says nothing of \"%s\"",
				    reason_text(sc), rows[i].words[k]);
		scene_free(sc);
	}
}

/* Of another port's block a trial minds nothing. */
static void
test_other_port(void **state)
{
	struct scene *sc = scene_new(0);
	struct rounds *rounds = &sc->r;

	(void)state;
	fire(sc);
	fire_at(sc);
	rounds->residual.measured = true;
	rounds->residual.scope = RESULT_SCOPE_4TUPLE;
	rounds->residual.lo_ns = rounds->residual.hi_ns = 5 * CLOCK_S;
	assert_int_equal(block_count_spoiled(rounds), 0);
	assert_int_equal(block_count_clean(rounds, TRIAL_FULL, true), 2);
	scene_free(sc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("lengths", test_lengths),
	    PROVES("refreshed", test_refreshed),
	    PROVES("none", test_none),
	    PROVES("fluke", test_fluke),
	    PROVES("loss", test_loss),
	    PROVES("by connections", test_by_connections),
	    PROVES("gentle", test_gentle),
	    PROVES("endless", test_endless),
	    PROVES("cooldown", test_cooldown),
	    PROVES("spacing", test_spacing),
	    PROVES("tags", test_tags),
	    PROVES("contaminated", test_contaminated),
	    PROVES("other port", test_other_port),
	    PROVES("words", test_words),
	};

	return cmocka_run_group_tests_name("residual", tests, NULL, NULL);
}
