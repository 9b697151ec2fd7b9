/*
 * Rounds: some trials side by side, until nothing prompt is to come of them.
 */
#include <stdlib.h>

#include <rsthop/clock.h>

#include "locate_int.h"

/* Triggers that have each a control of its own; then, a control to so many. */
#define CONTROLS_FIRST 3
#define CONTROLS_LATER 3
#define FULL_TTLS      4
#define FULL_TTL_STEP  7
#define FULL_TTL_MAX   200
#define ALONE_NS       (50 * CLOCK_MS)
#define REUSE_NS       (10 * CLOCK_MS)
#define FAILURES_MAX   4 /* connections that fail in a row: it is over */
/*
 * Talks that are cut short count as errors of this client with some servers,
 * MySQL's max_connect_errors (100 by default, 10 in old versions) for one,
 * which then lock it out altogether.  So many in a row, those under way
 * included, and it is over: the user's own client may add some.
 */
#define BROKEN_MAX    6
#define TALKS_AT_ONCE 4
#define BACKOFF_NS    CLOCK_S /* at first; then twice as much each time */
#define BACKOFF_MAX   (16 * CLOCK_S)

void
campaign_progress(const struct campaign *c, const char *text)
{
	if (c->ask->progress != NULL)
		c->ask->progress(c->ask->progress_ctx, text);
}

/*
 * Adds triggers to a round, and the controls that go with them: each has its
 * own at first, later one in three.
 */
size_t
campaign_add_triggers(const struct campaign *c, unsigned int triggers,
    struct shot_plan plans[CAMPAIGN_ROUND], size_t n)
{
	unsigned int fulls = campaign_count(c, TRIAL_FULL, false);
	unsigned int controls = campaign_count(c, TRIAL_CONTROL, false);

	for (; triggers > 0 && n + 1 < CAMPAIGN_ROUND; triggers--) {
		fulls++;
		if (controls < CONTROLS_FIRST ||
		    controls * CONTROLS_LATER < fulls) {
			plans[n++] = (struct shot_plan){.kind = TRIAL_CONTROL};
			controls++;
		}
		plans[n++] = (struct shot_plan){.kind = TRIAL_FULL};
	}
	return n;
}

/* The program has let go of it, or lost it: nothing more can be learnt there. */
bool
campaign_attach_is_gone(const struct campaign *c)
{
	const struct session_conn *sc = &c->s.conns[c->s.n_conns - 1];
	char here[ADDR_ENDPOINT], there[ADDR_ENDPOINT];

	if (!sc->tcb.client_fin && !sc->tcb.server_fin && !sc->we_reset)
		return false;
	fault(&c->out->head.trouble, FAULT_NETWORK,
	    "the connection from %s to %s has ended meanwhile",
	    endpoint_format(&c->ask->attach, here),
	    endpoint_format(&c->ask->target, there));
	return true;
}

static void
learn_latency(struct campaign *c)
{
	struct trial_timing *tm = &c->timing;
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < c->s.n_resets; i++) {
		if (c->s.resets[i].probe == -1 ||
		    c->s.resets[i].facts.latency_ns < 0)
			continue;
		n++;
		if (c->s.resets[i].facts.latency_ns > tm->latency_ns)
			tm->latency_ns = c->s.resets[i].facts.latency_ns;
	}
	tm->latencies = n;
}

/* The quickest handshake is the truest round trip. */
static void
learn_rtt(struct campaign *c)
{
	int64_t rtt;
	size_t i;

	for (i = 0; i < c->s.n_conns; i++) {
		rtt = c->s.conns[i].tcb.rtt_ns;
		if (rtt > 0 && rtt < c->timing.rtt_ns)
			c->timing.rtt_ns = rtt;
	}
	c->s.path->server_rtt_ns = c->timing.rtt_ns;
}

/* The bits of the campaign that a wait looks at. */
struct round {
	struct campaign *c;
	int64_t until_ns;
};

static int64_t
next_wake(struct campaign *c)
{
	int64_t w, first = c->end_ns;
	size_t i;

	for (i = 0; i < c->n_trials; i++) {
		w = trial_wakes_at(&c->s, &c->trials[i], &c->timing);
		first = w < first ? w : first;
	}
	return first;
}

static bool
round_stirs(void *arg)
{
	struct round *r = arg;
	size_t i;

	for (i = 0; i < r->c->n_trials; i++)
		if (trial_is_ready(&r->c->s, &r->c->trials[i]))
			return true;
	return next_wake(r->c) < r->until_ns;
}

/* A server that is full wants time, and one connection after the other. */
static void
note_talk_failure(struct campaign *c)
{
	c->failures++;
	c->failure = c->s.talk_fault;
	if (c->s.talk_failure != TALK_FAIL_BUSY)
		return;
	if (!c->alone)
		result_note(&c->out->notes,
		    "The server took no more connections for a while: the "
		    "others were made one at a time, with pauses.");
	c->alone = true;
	c->backoff_ns =
	    c->backoff_ns < BACKOFF_NS ? BACKOFF_NS : 2 * c->backoff_ns;
	if (c->backoff_ns > BACKOFF_MAX)
		c->backoff_ns = BACKOFF_MAX;
}

/*
 * The server says no for good, to the login or to the trigger itself.  That
 * ends it, unless a reset came before: the device minds no such answer.
 */
static int
check_talks(struct campaign *c, struct fault *f)
{
	if (c->s.talk_failure != TALK_FAIL_FINAL || c->answer_noted)
		return 0;
	if (c->s.n_resets == 0) {
		*f = c->s.talk_fault;
		return -1;
	}
	c->answer_noted = true;
	result_note(&c->out->notes, "The server said no once: %s",
	    c->s.talk_fault.text);
	return 0;
}

/* A trial is done with: its connection is not needed any more. */
static int
retire(struct campaign *c, struct trial *t, struct fault *f)
{
	if (t->state == TRIAL_FAILED && session_talk_failed(&c->s, t->conn)) {
		note_talk_failure(c);
	} else if (t->state == TRIAL_FAILED) {
		c->failures++;
		c->unreachable |=
		    session_state(&c->s, t->conn) == CONN_UNREACHABLE;
		(void)session_open_fault(&c->s, t->conn, &c->failure);
	} else {
		c->failures = 0;
	}
	if (t->state == TRIAL_SETTLED)
		c->backoff_ns /= 2;
	if (t->state != TRIAL_SETTLED && c->s.conns[t->conn].talk_begun)
		c->broken++;
	if ((c->alone || c->reuses_ports) &&
	    campaign_free_server(c, t->conn, f) == -1)
		return -1;
	if (t->conn != c->tracing.conn)
		session_close(&c->s, t->conn);
	return 0;
}

static int
step_trials(struct campaign *c, struct fault *f)
{
	enum trial_state before;
	size_t i;

	learn_latency(c);
	learn_rtt(c);
	if (check_talks(c, f) == -1)
		return -1;
	for (i = 0; i < c->n_trials; i++) {
		before = c->trials[i].state;
		if (trial_step(&c->s, &c->trials[i], &c->load, &c->timing, f) ==
		    -1)
			return -1;
		/* It got through; whoever counts begins anew. */
		if (before == TRIAL_OPENING && c->trials[i].state == TRIAL_SENT)
			c->broken = 0;
		if (c->trials[i].state != before &&
		    trial_is_done(&c->trials[i]) &&
		    retire(c, &c->trials[i], f) == -1)
			return -1;
	}
	return 0;
}

static bool
all_quiet(struct campaign *c, bool settled)
{
	size_t i;

	for (i = 0; i < c->n_trials; i++) {
		if (settled && !trial_is_done(&c->trials[i]))
			return false;
		if (!trial_is_quiet(&c->s, &c->trials[i], &c->timing))
			return false;
	}
	return true;
}

int
campaign_settle_until(
    struct campaign *c, bool settled, int64_t until_ns, struct fault *f)
{
	struct round r = {c, 0};

	if (until_ns > c->end_ns)
		until_ns = c->end_ns;
	for (;;) {
		if (step_trials(c, f) == -1)
			return -1;
		if (all_quiet(c, settled) || session_now(&c->s) >= until_ns)
			return 0;
		r.until_ns = next_wake(c);
		if (r.until_ns > until_ns)
			r.until_ns = until_ns;
		if (session_pump(&c->s, r.until_ns, round_stirs, &r, f) == -1)
			return -1;
	}
}

int
campaign_settle(struct campaign *c, bool settled, struct fault *f)
{
	return campaign_settle_until(c, settled, c->end_ns, f);
}

/*
 * A full trial's TTL: the kernel's own or, in turn, larger ones.  Whether the
 * reset follows it tells who copies TTLs, also where all that expires before
 * the server would see its reset die on the way back.
 */
static int
full_ttl(const struct campaign *c)
{
	unsigned int n = campaign_count(c, TRIAL_FULL, false);
	int own = c->s.conns[0].tcb.client_ttl;

	if (!c->vary_full || c->s.short_of_server || own == 0 ||
	    own > FULL_TTL_MAX)
		return 0;
	return n % FULL_TTLS == 0 ? 0
				  : own + FULL_TTL_STEP * (int)(n % FULL_TTLS);
}

/* Room for one more trial: it is there, and not counted yet. */
static int
make_room(struct campaign *c, struct fault *f)
{
	size_t cap = c->cap_trials == 0 ? 32 : c->cap_trials * 2;
	struct trial *v;

	if (c->n_trials < c->cap_trials)
		return 0;
	v = realloc(c->trials, cap * sizeof(*v));
	if (v == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	c->trials = v;
	c->cap_trials = cap;
	return 0;
}

int
campaign_add(struct campaign *c, const struct shot_plan *plan, struct fault *f)
{
	struct shot_plan p = *plan;

	if (make_room(c, f) == -1)
		return -1;
	if (p.kind == TRIAL_FULL)
		p.ttl = full_ttl(c);
	if (trial_begin(&c->s, &c->trials[c->n_trials], &p, f) == -1)
		return -1;
	c->n_trials++;
	return 0;
}

int
campaign_add_control_on(struct campaign *c, int conn, struct fault *f)
{
	if (make_room(c, f) == -1)
		return -1;
	c->trials[c->n_trials] =
	    (struct trial){.kind = TRIAL_CONTROL, .conn = conn};
	c->s.conns[conn].arm = ARM_CONTROL;
	return (int)c->n_trials++;
}

int
campaign_begin_control(struct campaign *c, uint16_t port, struct fault *f)
{
	struct shot_plan plan = {.kind = TRIAL_CONTROL, .local_port = port};

	return campaign_add(c, &plan, f) == -1 ? -1 : (int)c->n_trials - 1;
}

unsigned int
campaign_count(const struct campaign *c, enum trial_kind kind, bool fired_only)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < c->n_trials; i++)
		if (c->trials[i].kind == kind &&
		    trial_was_sent(&c->trials[i]) &&
		    (!fired_only || trial_drew_reset(&c->s, &c->trials[i])))
			n++;
	return n;
}

unsigned int
campaign_count_plain(const struct campaign *c)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < c->n_trials; i++)
		n += c->trials[i].plain && c->trials[i].kind == TRIAL_BURST &&
		    trial_was_sent(&c->trials[i]);
	return n;
}

/* Connections that the budget still allows. */
static unsigned int
budget(const struct campaign *c)
{
	unsigned int used = (unsigned int)c->s.n_conns;

	return used < c->ask->max_connections ? c->ask->max_connections - used
					      : 0;
}

/*
 * It ends without an answer: because nothing could be opened any more, or
 * because all that it was allowed is used up?
 */
void
campaign_tell_end(struct campaign *c, unsigned int need)
{
	if (c->failures >= FAILURES_MAX)
		c->out->head.trouble = c->failure;
	else if (c->broken >= BROKEN_MAX)
		fault(&c->out->head.trouble, FAULT_NETWORK,
		    "%u connections in a row were cut short before the "
		    "trigger was due: more could make the server lock this "
		    "client out",
		    c->broken);
	else if (session_now(&c->s) >= c->end_ns)
		c->out->budget.reached = RESULT_BOUND_TIME;
	else if (budget(c) < need)
		c->out->budget.reached = RESULT_BOUND_CONNECTIONS;
}

bool
campaign_is_over(const struct campaign *c, unsigned int need)
{
	if (c->ask->attach.port != 0 && campaign_attach_is_gone(c))
		return true;
	return budget(c) < need || session_now(&c->s) >= c->end_ns ||
	    c->failures >= FAILURES_MAX || c->broken >= BROKEN_MAX;
}

/* One connection at a time: one port, or pauses asked for. */
static bool
is_serial(const struct campaign *c)
{
	return c->src_port != 0 || c->ask->attach.port != 0 ||
	    c->ask->cooldown_ns > 0 || c->alone;
}

/*
 * A server that minds company needs time to see the last one go; and where a
 * port is used again, it has to let go of what only this end was reset on
 * (campaign_free_server()): else it answers the SYN with its old numbers, and
 * a second goes by before the next (RFC 9293, section 3.10.7.4).
 */
int64_t
campaign_pause_ns(const struct campaign *c)
{
	int64_t least = 0;

	if (c->alone)
		least = 2 * c->timing.rtt_ns + ALONE_NS;
	else if (c->reuses_ports)
		least = c->timing.rtt_ns * 3 / 2 + REUSE_NS;
	least = c->backoff_ns > least ? c->backoff_ns : least;
	return c->ask->cooldown_ns > least ? c->ask->cooldown_ns : least;
}

static int
pause_between(struct campaign *c, struct fault *f)
{
	int64_t until = session_now(&c->s) + campaign_pause_ns(c);

	if (campaign_pause_ns(c) == 0 || c->n_trials == 0)
		return 0;
	return session_pump(&c->s, until < c->end_ns ? until : c->end_ns, NULL,
		   NULL, f) == -1
	    ? -1
	    : 0;
}

/* Talks that may yet be cut short. */
static unsigned int
talks_under_way(const struct campaign *c)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < c->n_trials; i++)
		n += c->trials[i].state == TRIAL_OPENING;
	return n;
}

/* Another talk beside those under way, the nth of a round? */
static bool
has_room_for_talk(const struct campaign *c, size_t nth)
{
	return nth % TALKS_AT_ONCE != 0 &&
	    c->broken + talks_under_way(c) < BROKEN_MAX;
}

/*
 * The first tagged burst goes at once: if its tags come back, which they show
 * within a block as well, nothing needs to be spaced.
 */
static int
space_out(struct campaign *c, const struct shot_plan *plan, struct fault *f)
{
	bool first = plan->kind == TRIAL_BURST && !plan->plain;
	size_t i;

	for (i = 0; first && i < c->n_trials; i++)
		first = c->trials[i].kind != TRIAL_BURST;
	return first ? 0 : campaign_await_block_end(c, f);
}

/*
 * Runs the kinds given, side by side, or one by one where it must be.  Once a
 * tag has come back they need not be spaced any more: what else there was to
 * send would meet the block of that very firing, so the round is over.
 */
int
campaign_run(struct campaign *c, const struct shot_plan *plans, size_t n,
    struct fault *f)
{
	struct shot_plan plan;
	bool serial = is_serial(c), talks = c->ask->maker.make != NULL;
	bool spaced = campaign_is_spaced(c);
	size_t i;

	for (i = 0; i < n && !campaign_is_over(c, 1); i++) {
		if (talks && !serial && i > 0 && !has_room_for_talk(c, i)) {
			if (campaign_settle(c, false, f) == -1)
				return -1;
			if (campaign_is_over(c, 1))
				break;
		}
		if (spaced && !campaign_is_spaced(c))
			break;
		if (spaced && space_out(c, &plans[i], f) == -1)
			return -1;
		if (serial && pause_between(c, f) == -1)
			return -1;
		plan = plans[i];
		plan.local_port = c->src_port;
		if (campaign_add(c, &plan, f) == -1)
			return -1;
		if ((serial || spaced) && campaign_settle(c, serial, f) == -1)
			return -1;
	}
	return serial ? 0 : campaign_settle(c, false, f);
}
