/*
 * Trials run: some side by side, until nothing prompt is to come of them.
 */
#include <stdlib.h>

#include <rsthop/block.h>
#include <rsthop/clock.h>
#include <rsthop/run.h>

#define RUN_FULL_TTLS	  4
#define RUN_FULL_TTL_STEP 7
#define RUN_FULL_TTL_MAX  200
#define RUN_BACKOFF_NS	  CLOCK_S /* at first; then twice as much each time */
#define RUN_BACKOFF_MAX	  (16 * CLOCK_S)

static void
run_learn_latency(struct rounds *rounds)
{
	struct trial_timing *tm = &rounds->timing;
	unsigned int n = 0;

	for (size_t i = 0; i < rounds->s.n_resets; i++) {
		if (rounds->s.resets[i].probe == -1 ||
		    rounds->s.resets[i].facts.latency_ns < 0)
			continue;
		n++;
		if (rounds->s.resets[i].facts.latency_ns > tm->latency_ns)
			tm->latency_ns = rounds->s.resets[i].facts.latency_ns;
	}
	tm->latencies = n;
}

/* The quickest handshake is the truest round trip. */
static void
run_learn_rtt(struct rounds *rounds)
{
	int64_t rtt;

	for (size_t i = 0; i < rounds->s.n_conns; i++) {
		rtt = rounds->s.conns[i].tcb.rtt_ns;
		if (rtt > 0 && rtt < rounds->timing.rtt_ns)
			rounds->timing.rtt_ns = rtt;
	}
	rounds->s.path->server_rtt_ns = rounds->timing.rtt_ns;
}

/* The bits of the campaign that a wait looks at. */
struct round {
	struct rounds *rounds;
	int64_t until_ns;
};

static int64_t
run_next_wake(struct rounds *rounds)
{
	int64_t w, first = rounds->end_ns;

	for (size_t i = 0; i < rounds->n_trials; i++) {
		w = trial_wakes_at(
		    &rounds->s, &rounds->trials[i], &rounds->timing);
		first = w < first ? w : first;
	}
	return first;
}

static bool
run_round_stirs(void *arg)
{
	struct round *r = arg;

	for (size_t i = 0; i < r->rounds->n_trials; i++)
		if (trial_is_ready(&r->rounds->s, &r->rounds->trials[i]))
			return true;
	return run_next_wake(r->rounds) < r->until_ns;
}

/* A server that is full wants time, and one connection after the other. */
static void
run_note_talk_failure(struct rounds *rounds)
{
	rounds->failure = rounds->s.talk_fault;
	if (rounds->s.talk_failure != TALK_FAIL_BUSY)
		return;
	if (!rounds->alone)
		result_note(&rounds->notes,
		    "The server took no more connections for a while: the "
		    "others were made one at a time, with pauses.");
	rounds->alone = true;
	rounds->backoff_ns = rounds->backoff_ns < RUN_BACKOFF_NS
	    ? RUN_BACKOFF_NS
	    : 2 * rounds->backoff_ns;
	if (rounds->backoff_ns > RUN_BACKOFF_MAX)
		rounds->backoff_ns = RUN_BACKOFF_MAX;
}

/*
 * The server says no for good, to the login or to the trigger itself.  That
 * ends it, unless a reset came before: the device minds no such answer.
 */
static int
run_check_talks(struct rounds *rounds, struct fault *f)
{
	if (rounds->s.talk_failure != TALK_FAIL_FINAL || rounds->answer_noted)
		return 0;
	if (rounds->s.n_resets == 0) {
		*f = rounds->s.talk_fault;
		return -1;
	}
	rounds->answer_noted = true;
	result_note(&rounds->notes, "The server said no once: %s",
	    rounds->s.talk_fault.text);
	return 0;
}

/* A trial is done with: its connection is not needed any more. */
static int
run_retire(struct rounds *rounds, struct trial *t, struct fault *f)
{
	if (t->state == TRIAL_FAILED &&
	    session_talk_failed(&rounds->s, t->conn)) {
		run_note_talk_failure(rounds);
	} else if (t->state == TRIAL_FAILED) {
		rounds->unreachable |=
		    session_state(&rounds->s, t->conn) == CONN_UNREACHABLE;
		(void)session_open_fault(&rounds->s, t->conn, &rounds->failure);
	}
	/* Where a control asks for a block, a failure is the block's doing. */
	if (!t->poll)
		rounds->failures =
		    t->state == TRIAL_FAILED ? rounds->failures + 1 : 0;
	if (t->state == TRIAL_SETTLED)
		rounds->backoff_ns /= 2;
	if (t->state != TRIAL_SETTLED && rounds->s.conns[t->conn].talk_begun)
		rounds->broken++;
	if ((rounds->alone || rounds->reuses_ports) &&
	    rounds_free_server(rounds, t->conn, f) == -1)
		return -1;
	if (t->conn != rounds->tracing.conn)
		session_close(&rounds->s, t->conn);
	return 0;
}

static int
run_step_trials(struct rounds *rounds, struct fault *f)
{
	enum trial_state before;

	run_learn_latency(rounds);
	run_learn_rtt(rounds);
	if (run_check_talks(rounds, f) == -1)
		return -1;
	for (size_t i = 0; i < rounds->n_trials; i++) {
		before = rounds->trials[i].state;
		if (trial_step(&rounds->s, &rounds->trials[i], &rounds->load,
			&rounds->timing, f) == -1)
			return -1;
		/* It got through; whoever counts begins anew. */
		if (before == TRIAL_OPENING &&
		    rounds->trials[i].state == TRIAL_SENT)
			rounds->broken = 0;
		if (rounds->trials[i].state != before &&
		    trial_is_done(&rounds->trials[i]) &&
		    run_retire(rounds, &rounds->trials[i], f) == -1)
			return -1;
	}
	return 0;
}

static bool
run_all_quiet(struct rounds *rounds, bool settled)
{
	for (size_t i = 0; i < rounds->n_trials; i++) {
		if (settled && !trial_is_done(&rounds->trials[i]))
			return false;
		if (!trial_is_quiet(
			&rounds->s, &rounds->trials[i], &rounds->timing))
			return false;
	}
	return true;
}

int
run_settle_until(
    struct rounds *rounds, bool settled, int64_t until_ns, struct fault *f)
{
	struct round r = {rounds, 0};

	if (until_ns > rounds->end_ns)
		until_ns = rounds->end_ns;
	for (;;) {
		if (run_step_trials(rounds, f) == -1)
			return -1;
		if (run_all_quiet(rounds, settled) ||
		    session_now(&rounds->s) >= until_ns)
			return 0;
		r.until_ns = run_next_wake(rounds);
		if (r.until_ns > until_ns)
			r.until_ns = until_ns;
		if (session_pump(
			&rounds->s, r.until_ns, run_round_stirs, &r, f) == -1)
			return -1;
	}
}

int
run_settle(struct rounds *rounds, bool settled, struct fault *f)
{
	return run_settle_until(rounds, settled, rounds->end_ns, f);
}

/*
 * A full trial's TTL: the kernel's own or, in turn, larger ones.  Whether the
 * reset follows it tells who copies TTLs, also where all that expires before
 * the server would see its reset die on the way back.
 */
static int
run_full_ttl(const struct rounds *rounds)
{
	unsigned int n = rounds_count(rounds, TRIAL_FULL, false);
	int own = rounds->s.conns[0].tcb.client_ttl;

	if (!rounds->vary_full || rounds->s.short_of_server || own == 0 ||
	    own > RUN_FULL_TTL_MAX)
		return 0;
	return n % RUN_FULL_TTLS == 0
	    ? 0
	    : own + RUN_FULL_TTL_STEP * (int)(n % RUN_FULL_TTLS);
}

int
run_begin(struct rounds *rounds, const struct shot_plan *plan, struct fault *f)
{
	struct shot_plan p = *plan;

	if (rounds_make_room(rounds, f) == -1)
		return -1;
	if (p.kind == TRIAL_FULL)
		p.ttl = run_full_ttl(rounds);
	if (trial_begin(&rounds->s, &rounds->trials[rounds->n_trials], &p, f) ==
	    -1)
		return -1;
	rounds->n_trials++;
	return 0;
}

int
run_begin_control_on(struct rounds *rounds, int conn, struct fault *f)
{
	if (rounds_make_room(rounds, f) == -1)
		return -1;
	rounds->trials[rounds->n_trials] =
	    (struct trial){.kind = TRIAL_CONTROL, .conn = conn};
	rounds->s.conns[conn].arm = ARM_CONTROL;
	return (int)rounds->n_trials++;
}

int
run_begin_control(struct rounds *rounds, uint16_t port, struct fault *f)
{
	struct shot_plan plan = {.kind = TRIAL_CONTROL, .local_port = port};

	return run_begin(rounds, &plan, f) == -1 ? -1
						 : (int)rounds->n_trials - 1;
}

/* One connection at a time: one port, or pauses asked for. */
static bool
run_is_serial(const struct rounds *rounds)
{
	return rounds->src_port != 0 || rounds->ask->attach.port != 0 ||
	    rounds->ask->cooldown_ns > 0 || rounds->alone;
}

static int
run_pause_between(struct rounds *rounds, struct fault *f)
{
	int64_t pause = rounds_pause_ns(rounds);

	if (pause == 0 || rounds->n_trials == 0)
		return 0;
	return rounds_wait(rounds, pause, f);
}

/* Talks that may yet be cut short. */
static unsigned int
run_talks_under_way(const struct rounds *rounds)
{
	unsigned int n = 0;

	for (size_t i = 0; i < rounds->n_trials; i++)
		n += rounds->trials[i].state == TRIAL_OPENING;
	return n;
}

/* Another talk beside those under way, the nth of a round? */
static bool
run_has_room_for_talk(const struct rounds *rounds, size_t nth)
{
	return nth % ROUNDS_TALKS_AT_ONCE != 0 &&
	    rounds->broken + run_talks_under_way(rounds) < ROUNDS_BROKEN_MAX;
}

/*
 * The first tagged burst goes at once: if its tags come back, which they show
 * within a block as well, nothing needs to be spaced.
 */
static int
run_space_out(
    struct rounds *rounds, const struct shot_plan *plan, struct fault *f)
{
	bool first = plan->kind == TRIAL_BURST && !plan->plain;

	for (size_t i = 0; first && i < rounds->n_trials; i++)
		first = rounds->trials[i].kind != TRIAL_BURST;
	return first ? 0 : block_await_end(rounds, f);
}

/*
 * Runs trials by the plans, side by side, or one by one where it must be.  Once
 * a tag has come back they need not be spaced any more.  What else there was to
 * send would meet the block of that very reset, so the round is over.
 */
int
run_trials(struct rounds *rounds, const struct shot_plan *plans, size_t n,
    struct fault *f)
{
	struct shot_plan plan;
	bool serial = run_is_serial(rounds),
	     talks = rounds->ask->maker.make != NULL;
	bool spaced = block_spaces_trials(rounds);

	for (size_t i = 0; i < n && !rounds_are_over(rounds, 1); i++) {
		if (talks && !serial && i > 0 &&
		    !run_has_room_for_talk(rounds, i)) {
			if (run_settle(rounds, false, f) == -1)
				return -1;
			if (rounds_are_over(rounds, 1))
				break;
		}
		if (spaced && !block_spaces_trials(rounds))
			break;
		if (spaced && run_space_out(rounds, &plans[i], f) == -1)
			return -1;
		if (serial && run_pause_between(rounds, f) == -1)
			return -1;
		plan = plans[i];
		plan.local_port = rounds->src_port;
		if (run_begin(rounds, &plan, f) == -1)
			return -1;
		if ((serial || spaced) && run_settle(rounds, serial, f) == -1)
			return -1;
	}
	return serial ? 0 : run_settle(rounds, false, f);
}
