/*
 * Residual blocks, measured: what a device goes on to reset once triggered,
 * and for how long.
 *
 * Controls ask, which trigger nothing by themselves.  Where possible they are
 * injected into a connection that stands already, and expire before the server:
 * these load no server, and cut no login short.  Else each is a connection of
 * its own, and there are fewer of them.
 *
 * They ask at growing distances, so that the error is a share of the
 * length.  A block that each of them prolongs has no end that way; then
 * silences of growing length tell.  When one has passed, there are two
 * readings: a block so long, counted from the trigger, or one as long as the
 * last silence, prolonged by hits.  Another trigger, and a silence a little
 * longer than the last, tells which.
 */
#include <rsthop/block.h>
#include <rsthop/clock.h>
#include <rsthop/num.h>
#include <rsthop/residual.h>
#include <rsthop/run.h>

/* Injected controls bear tags as a burst's copies do, from the second on: Linux
 * takes a reset one below the number that is due for a late one of a
 * half-closed connection. */
#define RESIDUAL_TAGS	   40
#define RESIDUAL_TAG_LEAST 2

#define RESIDUAL_SLACK_NS   (20 * CLOCK_MS)
#define RESIDUAL_OPEN_NS    (150 * CLOCK_MS)
#define RESIDUAL_LOGIN_NS   (4 * CLOCK_S)
#define RESIDUAL_SPARE	    8 /* connections that are left to the trials */
#define RESIDUAL_POLLS	    30
#define RESIDUAL_POLLS_TALK 8
/* From poll to poll, a share of the time since the trigger, in percent. */
#define RESIDUAL_STEP_FLOW     8
#define RESIDUAL_STEP_CONN     18
#define RESIDUAL_STEP_TALK     30
#define RESIDUAL_STEP_LEAST_NS (50 * CLOCK_MS)
/*
 * All of it takes so long at most, and so much of --max-time.  Of that, after
 * this share silences tell, each longer than the one before.
 */
#define RESIDUAL_MEASURE_MAX	  (30 * CLOCK_S)
#define RESIDUAL_MEASURE_SHARE	  4
#define RESIDUAL_POLLED(all)	  ((all)*4 / 15)
#define RESIDUAL_SILENCE(all)	  ((all) / 15)
#define RESIDUAL_SILENCE_STEP(ns) ((ns)*13 / 10)
#define RESIDUAL_TRIGGERS	  4 /* to draw a reset once more */
#define RESIDUAL_TRIGGERS_TALK	  2
/* So many resets, to be no accident. */
#define RESIDUAL_HITS_MIN 2

enum answer { ANSWER_NONE, ANSWER_RESET, ANSWER_PASSED };

struct meter {
	struct rounds *rounds;
	enum result_scope scope;
	int flow;	  /* injected into this connection; -1: opened anew */
	uint16_t port;	  /* then from this one, 0: any */
	unsigned int tag; /* of the last injected */
	uint16_t id_base;
	unsigned int hits, opened;
	/* When they left: the trigger, the last reset, the first that passed;
	 * 0: none did. */
	int64_t began_ns, hit_ns, pass_ns;
	int64_t quiet_ns;   /* the longest silence after which one was reset */
	int64_t silence_ns; /* the last that was chosen */
	enum result_tri refreshed;
};

static bool
residual_has_talks(const struct rounds *rounds)
{
	return rounds->ask->maker.make != NULL;
}

/* Of trials that drew a reset, whose trigger left first; NULL: none. */
static const struct trial *
residual_first_drew(const struct rounds *rounds)
{
	const struct trial *t, *first = NULL;

	for (size_t i = 0; i < rounds->n_trials; i++) {
		t = &rounds->trials[i];
		if (t->kind != TRIAL_FULL || t->n_probes == 0 ||
		    !rounds->s.probes[t->first_probe].drew_reset)
			continue;
		if (first == NULL ||
		    rounds->s.probes[t->first_probe].sent_ns <
			rounds->s.probes[first->first_probe].sent_ns)
			first = t;
	}
	return first;
}

/* Of what is injected: the last router's, as far as is known. */
static int
residual_flow_ttl(const struct rounds *rounds)
{
	const struct path *p = rounds->s.path;

	return p->server_hops > 0 ? p->server_hops - 1 : p->n_hops;
}

static bool
residual_can_inject(const struct rounds *rounds, int conn)
{
	return conn >= 0 && rounds->s.conns[conn].tcb.established &&
	    residual_flow_ttl(rounds) >= 1 && rounds->load.control_len > 0;
}

/* Nothing comes between: retries of the trace would meet the block. */
static int
residual_pump(struct meter *m, int64_t until_ns, bool (*done)(void *),
    void *arg, struct fault *f)
{
	int64_t until = num_min64(until_ns, m->rounds->end_ns);

	return session_pump_only(&m->rounds->s, until, done, arg, f) == -1 ? -1
									   : 0;
}

/* --- injected controls --- */

static int
residual_inject(struct meter *m, int conn, int64_t *sent_ns, struct fault *f)
{
	struct session *s = &m->rounds->s;
	const struct tcb *t = &s->conns[conn].tcb;
	struct probe p = {0};
	int i;

	m->tag = RESIDUAL_TAG_LEAST +
	    (m->tag + 1 - RESIDUAL_TAG_LEAST) % RESIDUAL_TAGS;
	p.kind = PROBE_BLOCK;
	p.conn = conn;
	p.ttl = (uint8_t)residual_flow_ttl(m->rounds);
	p.ip_id = (uint16_t)(m->id_base + m->tag);
	p.seq = t->snd_nxt;
	p.ack = t->rcv_nxt - m->tag;
	p.window = probe_tag_window(m->tag);
	p.len = (uint16_t)m->rounds->load.control_len;
	p.flags = PKT_TH_PSH | PKT_TH_ACK;
	i = session_inject(s, &p, m->rounds->load.control, f);
	if (i == -1)
		return -1;
	*sent_ns = s->probes[i].sent_ns;
	return 0;
}

struct reset_wait {
	const struct session *s;
	int conn;
	int64_t since_ns;
};

static bool
residual_was_reset(void *arg)
{
	const struct reset_wait *w = arg;
	const struct seen_reset *r;

	for (size_t i = w->s->n_resets; i-- > 0;) {
		r = &w->s->resets[i];
		if (r->conn == w->conn && !r->answers_alive &&
		    r->at_ns >= w->since_ns)
			return true;
	}
	return false;
}

/* They are no work of the trigger's. */
static void
residual_mark_controls(struct session *s, int conn, int64_t since_ns)
{
	for (size_t i = 0; i < s->n_resets; i++)
		if (s->resets[i].conn == conn && s->resets[i].at_ns >= since_ns)
			s->resets[i].facts.control = true;
}

/* The reset that a trigger drew was so late at most. */
static int64_t
residual_flow_wait_ns(const struct rounds *rounds)
{
	return num_max64(rounds->timing.rtt_ns, rounds->timing.latency_ns) * 3 /
	    2 +
	    RESIDUAL_SLACK_NS;
}

/* One control into a connection; *sent_ns when it left where it was reset. */
static int
residual_ask_once(struct meter *m, int conn, enum answer *a, int64_t *sent_ns,
    struct fault *f)
{
	struct reset_wait w = {&m->rounds->s, conn, 0};

	if (residual_inject(m, conn, &w.since_ns, f) == -1 ||
	    residual_pump(m, w.since_ns + residual_flow_wait_ns(m->rounds),
		residual_was_reset, &w, f) == -1)
		return -1;
	*a = residual_was_reset(&w) ? ANSWER_RESET : ANSWER_PASSED;
	*sent_ns = w.since_ns;
	residual_mark_controls(&m->rounds->s, conn, w.since_ns);
	return 0;
}

/* That it passed, two have to say: one may be lost. */
static int
residual_ask_flow(struct meter *m, int conn, enum answer *a, int64_t *sent_ns,
    struct fault *f)
{
	int64_t again;

	if (residual_ask_once(m, conn, a, sent_ns, f) == -1)
		return -1;
	if (*a == ANSWER_RESET)
		return 0;
	if (residual_ask_once(m, conn, a, &again, f) == -1)
		return -1;
	*sent_ns = *a == ANSWER_RESET ? again : *sent_ns;
	return 0;
}

/*
 * Into the connection that was reset and, side by side, into another; -1: there
 * is none.  m keeps the one that is reset again.
 */
static int
residual_ask_flows(struct meter *m, int other, int drew, struct fault *f)
{
	struct reset_wait one = {&m->rounds->s, other, 0};
	struct reset_wait two = {&m->rounds->s, drew, 0};
	int64_t until;

	if (!residual_can_inject(m->rounds, drew))
		return 0;
	if (residual_inject(m, drew, &two.since_ns, f) == -1 ||
	    (other != -1 && residual_inject(m, other, &one.since_ns, f) == -1))
		return -1;
	until = session_now(&m->rounds->s) + residual_flow_wait_ns(m->rounds);
	if (residual_pump(m, until, residual_was_reset,
		other != -1 ? &one : &two, f) == -1)
		return -1;
	residual_mark_controls(&m->rounds->s, drew, two.since_ns);
	if (other != -1 && residual_was_reset(&one)) {
		residual_mark_controls(&m->rounds->s, other, one.since_ns);
		m->flow = other;
		m->hit_ns = one.since_ns;
	} else if (residual_was_reset(&two)) {
		m->flow = drew;
		m->hit_ns = two.since_ns;
	}
	return 0;
}

/* --- controls on connections of their own --- */

/* trial: -1 where the port can't be had. */
static int
residual_begin_control(
    struct meter *m, uint16_t port, int *trial, struct fault *f)
{
	*trial = run_begin_control(m->rounds, port, f);
	if (*trial == -1 && f->kind != FAULT_NETWORK)
		return -1;
	if (*trial == -1) {
		fault_clear(f);
		return 0;
	}
	m->opened++;
	m->rounds->trials[*trial].poll = true;
	return 0;
}

static int
residual_await_controls(struct meter *m, struct fault *f)
{
	struct rounds *rounds = m->rounds;
	int64_t wait =
	    residual_has_talks(rounds) ? RESIDUAL_LOGIN_NS : RESIDUAL_OPEN_NS;
	int64_t until = session_now(&rounds->s) + wait +
	    4 * rounds->timing.rtt_ns + 2 * rounds->timing.latency_ns;

	return run_settle_until(rounds, false, until, f);
}

static enum answer
residual_answer_of(
    const struct session *s, const struct trial *t, int64_t *sent_ns)
{
	struct reset_wait w = {s, t->conn, s->conns[t->conn].opened_ns};

	*sent_ns = w.since_ns;
	switch (t->state) {
	case TRIAL_SENT:
	case TRIAL_SETTLED:
		*sent_ns = s->probes[t->first_probe].sent_ns;
		return trial_drew_reset(s, t) ? ANSWER_RESET : ANSWER_PASSED;
	case TRIAL_SPOILED:
	case TRIAL_FAILED:
		return residual_was_reset(&w) ? ANSWER_RESET : ANSWER_NONE;
	case TRIAL_OPENING:
		break;
	}
	return ANSWER_NONE;
}

/*
 * And ends what is still opening, or, by an abort, what holds a port that will
 * be wanted again: before its time, so that it says nothing of the server's
 * manners.
 */
static enum answer
residual_take_answer(
    struct meter *m, int trial, uint16_t port, int64_t *sent_ns)
{
	struct session *s = &m->rounds->s;
	enum answer a;
	struct trial *t;

	if (trial == -1)
		return ANSWER_NONE;
	t = &m->rounds->trials[trial];
	a = residual_answer_of(s, t, sent_ns);
	if (t->state != TRIAL_OPENING && port == 0)
		return a;
	if (t->state == TRIAL_OPENING || t->state == TRIAL_SENT)
		t->state = TRIAL_SPOILED;
	session_close(s, t->conn);
	return a;
}

static int
residual_ask_conn(
    struct meter *m, enum answer *a, int64_t *sent_ns, struct fault *f)
{
	int trial;

	if (residual_begin_control(m, m->port, &trial, f) == -1 ||
	    residual_await_controls(m, f) == -1)
		return -1;
	*a = residual_take_answer(m, trial, m->port, sent_ns);
	return 0;
}

/* Whether connections may be opened to ask. */
static bool
residual_may_open(const struct meter *m)
{
	unsigned int most = residual_has_talks(m->rounds) ? RESIDUAL_POLLS_TALK
							  : RESIDUAL_POLLS;

	return !m->rounds->alone && m->opened < most &&
	    !rounds_are_over(m->rounds, RESIDUAL_SPARE);
}

/*
 * Is it blocked, now?  That injected controls pass, a connection has to
 * confirm: to the device theirs may be no connection any more.
 */
static int
residual_ask(struct meter *m, enum answer *a, int64_t *sent_ns, struct fault *f)
{
	enum answer sure;
	int64_t at;

	*a = ANSWER_NONE;
	if (m->flow == -1)
		return residual_may_open(m)
		    ? residual_ask_conn(m, a, sent_ns, f)
		    : 0;
	if (residual_ask_flow(m, m->flow, a, sent_ns, f) == -1)
		return -1;
	if (*a != ANSWER_PASSED || !residual_may_open(m))
		return 0;
	if (residual_ask_conn(m, &sure, &at, f) == -1)
		return -1;
	if (sure == ANSWER_RESET) {
		m->flow = -1;
		*a = sure;
		*sent_ns = at;
	}
	return 0;
}

/* --- is there a block, and of what? --- */

/*
 * Asks by a connection from another port, `one`, which may be under way already
 * (-1: it is not); and by one from the port that was reset.  The latter only
 * where that port is to be used again, nothing has to be said first, and
 * injected controls told nothing of it.
 */
static int
residual_ask_both(struct meter *m, int drew, int one, bool same_reset,
    enum answer *other, enum answer *same, struct fault *f)
{
	uint16_t port = m->rounds->s.conns[drew].local.port;
	int64_t at = 0;
	int two = -1;

	*other = *same = ANSWER_NONE;
	if (one == -1 && residual_may_open(m) &&
	    residual_begin_control(m, 0, &one, f) == -1)
		return -1;
	if (m->rounds->src_port != 0 && !same_reset &&
	    !residual_has_talks(m->rounds) && residual_may_open(m) &&
	    residual_begin_control(m, port, &two, f) == -1)
		return -1;
	if (one == -1 && two == -1)
		return 0;
	if (residual_await_controls(m, f) == -1)
		return -1;
	*other = residual_take_answer(m, one, 0, &at);
	m->hit_ns = *other == ANSWER_RESET ? at : m->hit_ns;
	*same = residual_take_answer(m, two, port, &at);
	if (*other != ANSWER_RESET && *same == ANSWER_RESET)
		m->hit_ns = at;
	return 0;
}

/* The trace's connection, unless all share one port; -1: can't be asked. */
static int
residual_other_flow(const struct rounds *rounds)
{
	if (rounds->ask->src_port != 0 || !residual_can_inject(rounds, 0))
		return -1;
	return 0;
}

/*
 * A control in the trace's connection, which is there already and has another
 * port: it costs nothing more, and is on its way while the injected ones are.
 */
static int
residual_begin_on_trace(struct meter *m, int *trial, struct fault *f)
{
	struct rounds *rounds = m->rounds;

	*trial = -1;
	if (residual_has_talks(rounds) || rounds->alone ||
	    residual_other_flow(rounds) == -1 || rounds->s.conns[0].closed ||
	    rounds->s.conns[0].tcb.data_ns != 0 ||
	    session_state(&rounds->s, 0) != CONN_OPEN)
		return 0;
	*trial = run_begin_control_on(rounds, 0, f);
	if (*trial == -1)
		return -1;
	rounds->trials[*trial].poll = true;
	/* As far as it goes now: it is sent. */
	return run_settle_until(rounds, false, session_now(&rounds->s), f);
}

static int
residual_find_scope(struct meter *m, int drew, struct fault *f)
{
	enum answer other = ANSWER_NONE, same = ANSWER_NONE;
	int one = -1;

	if (residual_begin_on_trace(m, &one, f) == -1)
		return -1;
	if (residual_ask_flows(m, residual_other_flow(m->rounds), drew, f) ==
	    -1)
		return -1;
	if (m->flow != -1 && m->flow != drew)
		other = ANSWER_RESET;
	if (one != -1 || other != ANSWER_RESET)
		if (residual_ask_both(
			m, drew, one, m->flow != -1, &other, &same, f) == -1)
			return -1;
	if (m->flow != -1 && m->flow != drew)
		other = ANSWER_RESET;
	if (other == ANSWER_RESET) {
		m->scope = RESULT_SCOPE_3TUPLE;
	} else if (m->flow != -1 || same == ANSWER_RESET) {
		m->scope = RESULT_SCOPE_4TUPLE;
		m->port = m->rounds->s.conns[drew].local.port;
	}
	m->hits = m->scope != RESULT_SCOPE_NONE;
	return 0;
}

/* --- how long does it last? --- */

static int64_t
residual_measure_ns(const struct rounds *rounds)
{
	return num_min64(RESIDUAL_MEASURE_MAX,
	    rounds->ask->max_time_ns / RESIDUAL_MEASURE_SHARE);
}

static int64_t
residual_next_poll(struct meter *m)
{
	int64_t elapsed = m->hit_ns - m->began_ns, gap,
		all = residual_measure_ns(m->rounds);
	int64_t step = m->flow != -1	    ? RESIDUAL_STEP_FLOW
	    : residual_has_talks(m->rounds) ? RESIDUAL_STEP_TALK
					    : RESIDUAL_STEP_CONN;

	gap = num_max64(elapsed * step / 100, RESIDUAL_STEP_LEAST_NS);
	if (elapsed > RESIDUAL_POLLED(all)) {
		m->silence_ns = m->silence_ns == 0
		    ? RESIDUAL_SILENCE(all)
		    : RESIDUAL_SILENCE_STEP(m->silence_ns);
		gap = num_max64(gap, m->silence_ns);
	}
	return m->hit_ns + gap;
}

static int
residual_poll_until_passed(struct meter *m, struct fault *f)
{
	const struct rounds *rounds = m->rounds;
	int64_t last = m->began_ns + residual_measure_ns(rounds), at, sent = 0;
	enum answer a;

	while (m->pass_ns == 0) {
		at = residual_next_poll(m);
		if (at > last || session_now(&rounds->s) > last ||
		    (m->flow == -1 && !residual_may_open(m)))
			return 0;
		if (residual_pump(m, at, NULL, NULL, f) == -1 ||
		    residual_ask(m, &a, &sent, f) == -1)
			return -1;
		if (a == ANSWER_RESET) {
			m->hits++;
			m->quiet_ns = num_max64(m->quiet_ns, sent - m->hit_ns);
			m->hit_ns = sent;
		} else if (a == ANSWER_PASSED) {
			m->pass_ns = sent;
		}
	}
	return 0;
}

/* Sends the trigger again; *at_ns when it left, 0: it drew no reset. */
static int
residual_trigger_again(struct meter *m, int64_t *at_ns, struct fault *f)
{
	int tries = residual_has_talks(m->rounds) ? RESIDUAL_TRIGGERS_TALK
						  : RESIDUAL_TRIGGERS;
	const struct shot_plan full = {.kind = TRIAL_FULL};
	struct rounds *rounds = m->rounds;
	const struct trial *t;
	size_t before;

	for (*at_ns = 0; tries > 0 && *at_ns == 0; tries--) {
		before = rounds->n_trials;
		if (run_trials(rounds, &full, 1, f) == -1)
			return -1;
		if (rounds->n_trials == before)
			return 0;
		t = &rounds->trials[before];
		if (t->n_probes == 0 ||
		    !rounds->s.probes[t->first_probe].drew_reset)
			continue;
		*at_ns = rounds->s.probes[t->first_probe].sent_ns;
		if (m->scope != RESULT_SCOPE_4TUPLE)
			continue;
		m->port = rounds->s.conns[t->conn].local.port;
		m->flow = m->flow != -1 ? t->conn : -1;
	}
	return 0;
}

/*
 * It has passed after a silence.  If hits prolong the block, it is over after
 * such a silence also where nothing but the trigger came before.
 */
static int
residual_tell_refresh(struct meter *m, struct fault *f)
{
	int64_t silence = m->pass_ns - m->hit_ns;
	int64_t lasted = m->hit_ns - m->began_ns, at, sent = 0;
	enum answer a;

	if (silence * 3 / 2 >= lasted)
		return 0;
	if (residual_pump(m, m->pass_ns + 2 * BLOCK_MARGIN_NS, NULL, NULL, f) ==
		-1 ||
	    residual_trigger_again(m, &at, f) == -1)
		return -1;
	if (at == 0)
		return 0;
	if (residual_pump(m, at + silence * 6 / 5, NULL, NULL, f) == -1 ||
	    residual_ask(m, &a, &sent, f) == -1)
		return -1;
	if (a == ANSWER_RESET)
		m->refreshed = RESULT_NO;
	else if (a == ANSWER_PASSED && sent - at < lasted * 9 / 10)
		m->refreshed = RESULT_YES;
	return 0;
}

static void
residual_fill(struct meter *m)
{
	struct result_residual *r = &m->rounds->residual;

	r->measured = true;
	if (m->hits < RESIDUAL_HITS_MIN) {
		/* They were controls as others are. */
		for (size_t i = 0; i < m->rounds->n_trials; i++)
			m->rounds->trials[i].poll = false;
		return;
	}
	r->scope = m->scope;
	r->refreshed = m->refreshed;
	r->seen_ns = m->hit_ns - m->began_ns;
	r->lo_ns = m->quiet_ns;
	if (m->pass_ns == 0)
		return;
	r->hi_ns = m->pass_ns - m->hit_ns;
	if (m->refreshed != RESULT_YES) {
		r->lo_ns = m->hit_ns - m->began_ns;
		r->hi_ns = m->pass_ns - m->began_ns;
	}
	r->length_ns = (r->lo_ns + r->hi_ns) / 2;
}

int
residual_measure(struct rounds *rounds, struct fault *f)
{
	const struct trial *t = residual_first_drew(rounds);
	struct meter m = {.rounds = rounds, .flow = -1};

	/* Another program's connection is the only one there is. */
	if (rounds->ask->cooldown_ns > 0 || rounds->ask->attach.port != 0 ||
	    t == NULL)
		return 0;
	m.began_ns = rounds->s.probes[t->first_probe].sent_ns;
	m.id_base = (uint16_t)(1 + rng_below(&rounds->s.rng, 0xff00));
	m.tag = RESIDUAL_TAG_LEAST;
	if (residual_find_scope(&m, t->conn, f) == -1)
		return -1;
	if (m.scope != RESULT_SCOPE_NONE) {
		if (rounds->ask->progress != NULL)
			rounds->ask->progress(rounds->ask->progress_ctx,
			    "it goes on to reset: measuring for how long");
		if (residual_poll_until_passed(&m, f) == -1)
			return -1;
	}
	if (m.pass_ns != 0 && m.hits >= RESIDUAL_HITS_MIN &&
	    residual_tell_refresh(&m, f) == -1)
		return -1;
	residual_fill(&m);
	return 0;
}
