/*
 * trial: sends a trigger or a control once, and tells what came of it.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/num.h>
#include <rsthop/trial.h>
#include <rsthop/trigger.h>

/* A connection that is not open by then has failed. */
#define TRIAL_CONNECT_NS (4 * CLOCK_S)
/* Likewise a talk, which has deadlines of its own, far shorter ones. */
#define TRIAL_TALK_NS (600 * CLOCK_S)
/*
 * A device at a tap gets packets from a buffer that a timer empties, often
 * after half a second; it may have to wait twice (tcpkill: up to 0.9 s seen).
 * Until the device is known to be quicker, silence counts only after this.
 */
#define TRIAL_TAP_NS (1100 * CLOCK_MS)
/* A device whose reset takes this much more than the round trip buffers. */
#define TRIAL_PROMPT_NS (50 * CLOCK_MS)
/* After so many resets, all prompt, the device is known to be quick. */
#define TRIAL_LATENCIES_ENOUGH 3

/*
 * A Linux router, like many others, sends six time-exceeded at once to one
 * target, then one a second (icmp_ratelimit; XRLIM_BURST_FACTOR is 6 in
 * net/ipv4/inetpeer.c).  Only while it could send one does a missing one tell.
 */
#define TRIAL_TE_BURST	   6
#define TRIAL_TE_REFILL_NS 1e9 /* until it can send one more */

bool
trial_is_control(const struct trial *t)
{
	return t->kind == TRIAL_CONTROL || t->kind == TRIAL_CONTROL_BURST;
}

bool
trial_was_sent(const struct trial *t)
{
	return t->state == TRIAL_SENT || t->state == TRIAL_SETTLED;
}

bool
trial_is_done(const struct trial *t)
{
	return t->state == TRIAL_SETTLED || trial_came_to_nothing(t);
}

bool
trial_came_to_nothing(const struct trial *t)
{
	return t->state == TRIAL_FAILED || t->state == TRIAL_SPOILED;
}

int
trial_begin(struct session *s, struct trial *t, const struct shot_plan *plan,
    struct fault *f)
{
	memset(t, 0, sizeof(*t));
	t->kind = plan->kind;
	t->ttl = plan->ttl;
	t->plain = plan->plain;
	t->copies = plan->copies;
	t->tagged = plan->tagged;
	t->conn =
	    session_open(s, trial_is_control(t) ? ARM_CONTROL : ARM_TRIGGER,
		plan->local_port, f);
	return t->conn == -1 ? -1 : 0;
}

/* Bytes of payload that the server takes in one segment. */
static size_t
trial_segment_len(const struct tcb *tcb)
{
	size_t mss = tcb->server_mss != 0 ? tcb->server_mss : TRIGGER_SEGMENT;

	mss -= tcb->ts_ok && mss > TCB_OPTS ? TCB_OPTS : 0;
	return mss < TRIGGER_SEGMENT ? mss : TRIGGER_SEGMENT;
}

/*
 * Injects one copy of the trigger or the control.  tag 0: it looks as if the
 * kernel had sent it.
 */
static int
trial_send_shot(struct session *s, const struct trial *t,
    const struct trial_load *load, int ttl, int tag, uint16_t id_base,
    struct fault *f)
{
	bool plain =
	    t->plain || tag == 0 || (t->kind == TRIAL_SINGLE && !t->tagged);
	const struct tcb *tcb = &s->conns[t->conn].tcb;
	bool control = trial_is_control(t);
	const uint8_t *what = control ? load->control : load->trigger;
	size_t n = control ? load->control_len : load->trigger_len;
	size_t segment = trial_segment_len(tcb);
	struct probe p = {0};
	int probe;

	p.kind = PROBE_SHOT;
	p.conn = t->conn;
	p.ttl = (uint8_t)ttl;
	p.ip_id = (uint16_t)(id_base + tag);
	p.seq = tcb->snd_nxt;
	p.plain = plain;
	p.ack = tcb->rcv_nxt - (plain ? 0 : (uint32_t)tag);
	p.window =
	    tag == 0 ? tcb->client_window : probe_tag_window((unsigned int)tag);
	p.len = (uint16_t)(n < segment ? n : segment);
	p.flags = PKT_TH_PSH | PKT_TH_ACK;
	probe = session_inject(s, &p, what, f);
	if (probe == -1)
		return -1;
	return session_inject_rest(
	    s, probe, what + p.len, n - p.len, segment, f);
}

static int
trial_send_burst(struct session *s, const struct trial *t,
    const struct trial_load *load, struct fault *f)
{
	uint16_t base = (uint16_t)(1 + rng_below(&s->rng, 0xff00));
	int ttl;

	for (int i = 1; i <= load->last_ttl; i++) {
		ttl = t->plain ? load->last_ttl + 1 - i : i;
		if (trial_send_shot(s, t, load, ttl, ttl, base, f) == -1)
			return -1;
	}
	return 0;
}

/*
 * Several copies of one TTL: a device that resets a random share of packets
 * then has several chances.
 */
static int
trial_send_single(struct session *s, const struct trial *t,
    const struct trial_load *load, struct fault *f)
{
	uint16_t base = (uint16_t)(1 + rng_below(&s->rng, 0xff00));

	if (t->copies <= 1)
		return trial_send_shot(s, t, load, t->ttl, 0, base, f);
	for (int i = 1; i <= t->copies; i++)
		if (trial_send_shot(s, t, load, t->ttl, i, base, f) == -1)
			return -1;
	return 0;
}

/*
 * One copy, as far as is short of the server.  In a connection that another
 * program holds it bears a tag: the reset that it draws has an old number, so
 * that program's kernel ignores it.
 */
static int
trial_send_farthest(struct session *s, const struct trial *t,
    const struct trial_load *load, struct fault *f)
{
	uint16_t base = (uint16_t)(1 + rng_below(&s->rng, 0xff00));

	return trial_send_shot(s, t, load, load->last_ttl,
	    s->attached.port != 0 ? load->last_ttl : 0, base, f);
}

/* Through the socket, all the way. */
static int
trial_send_full(struct session *s, const struct trial *t,
    const struct trial_load *load, struct fault *f)
{
	if (t->kind == TRIAL_CONTROL)
		return session_send_full(
		    s, t->conn, load->control, load->control_len, f);
	if (t->ttl != 0 && session_set_ttl(s, t->conn, t->ttl, f) == -1)
		return -1;
	return session_send_full(
	    s, t->conn, load->trigger, load->trigger_len, f);
}

static int
trial_send(struct session *s, struct trial *t, const struct trial_load *load,
    struct fault *f)
{
	int rc = 0;

	t->first_probe = s->n_probes;
	switch (t->kind) {
	case TRIAL_FULL:
	case TRIAL_CONTROL:
		rc = s->short_of_server ? trial_send_farthest(s, t, load, f)
					: trial_send_full(s, t, load, f);
		break;
	case TRIAL_BURST:
	case TRIAL_CONTROL_BURST:
		rc = trial_send_burst(s, t, load, f);
		break;
	case TRIAL_SINGLE:
		rc = trial_send_single(s, t, load, f);
		break;
	}
	if (rc == -1)
		return -1;
	t->n_probes = s->n_probes - t->first_probe;
	t->sent_ns = session_now(s);
	t->state = TRIAL_SENT;
	return 0;
}

bool
trial_drew_reset(const struct session *s, const struct trial *t)
{
	return t->conn >= 0 && s->conns[t->conn].resets > 0;
}

/* When the last reset or answer came that its probes drew; 0: none. */
static int64_t
trial_last_event(const struct session *s, const struct trial *t)
{
	const struct probe *p;
	int64_t last = 0;

	for (size_t i = 0; i < t->n_probes; i++) {
		p = &s->probes[t->first_probe + i];
		if (p->drew_ns > last)
			last = p->drew_ns;
		if (p->answered_ns > last)
			last = p->answered_ns;
	}
	return last;
}

/* When the last reset came on its connection; 0: none. */
static int64_t
trial_last_reset(const struct session *s, const struct trial *t)
{
	int64_t last = 0;

	for (size_t i = 0; i < s->n_resets; i++)
		if (s->resets[i].conn == t->conn && s->resets[i].at_ns > last)
			last = s->resets[i].at_ns;
	return last;
}

/*
 * Each of its probes has drawn a reset or an answer.  More resets may come all
 * the same: a device at a tap lets packets pass, and sends its resets later.
 */
static bool
trial_is_accounted(const struct session *s, const struct trial *t)
{
	const struct probe *p;

	for (size_t i = 0; i < t->n_probes; i++) {
		p = &s->probes[t->first_probe + i];
		if (!p->drew_reset && !p->te)
			return false;
	}
	return t->n_probes > 0;
}

/* After one reset, others of the same device come within this. */
static int64_t
trial_companions_ns(const struct trial_timing *tm)
{
	return 10 * CLOCK_MS + tm->rtt_ns / 4;
}

/* So long after it was sent, silence means that no reset will come. */
static int64_t
trial_patience_ns(const struct trial_timing *tm)
{
	int64_t quick = tm->rtt_ns + TRIAL_PROMPT_NS;

	if (tm->latencies >= TRIAL_LATENCIES_ENOUGH && tm->latency_ns < quick)
		return 2 * quick;
	return num_max64(tm->rtt_ns, tm->latency_ns) + TRIAL_TAP_NS;
}

/* The device gets its packets from a buffer. */
static bool
trial_is_buffered(const struct trial_timing *tm)
{
	return tm->latency_ns > tm->rtt_ns + TRIAL_PROMPT_NS;
}

/* So long after it was sent, other trials may begin beside it. */
static int64_t
trial_prompt_ns(const struct trial_timing *tm)
{
	int64_t w = tm->rtt_ns + num_max64(tm->rtt_ns / 2, 10 * CLOCK_MS);

	if (trial_is_buffered(tm))
		return trial_patience_ns(tm);
	return num_max64(w, tm->latency_ns + tm->latency_ns / 2);
}

/* It sent one packet alone, so one reset tells all. */
static bool
trial_sent_one(const struct trial *t)
{
	return t->n_probes == 1;
}

/* When a trial that was sent is over for good. */
static int64_t
trial_settles_at(const struct session *s, const struct trial *t,
    const struct trial_timing *tm)
{
	if (trial_drew_reset(s, t))
		return num_max64(
			   trial_last_event(s, t), trial_last_reset(s, t)) +
		    trial_companions_ns(tm);
	return t->sent_ns + trial_patience_ns(tm);
}

/* When a trial that is still opening has failed. */
static int64_t
trial_gives_up_at(const struct session *s, const struct trial *t)
{
	const struct session_conn *c = &s->conns[t->conn];

	return c->opened_ns +
	    (c->talk_begun ? TRIAL_TALK_NS : TRIAL_CONNECT_NS);
}

bool
trial_is_ready(struct session *s, const struct trial *t)
{
	enum conn_state st;

	switch (t->state) {
	case TRIAL_OPENING:
		st = session_state(s, t->conn);
		if (st == CONN_OPEN)
			return s->conns[t->conn].tcb.established &&
			    (session_talk_ready(s, t->conn) ||
				session_talk_failed(s, t->conn));
		return st != CONN_CONNECTING;
	case TRIAL_SENT:
		return trial_sent_one(t) && trial_drew_reset(s, t);
	case TRIAL_SETTLED:
	case TRIAL_FAILED:
	case TRIAL_SPOILED:
		return false;
	}
	return false;
}

/* When no prompt reset is to be expected any more. */
static int64_t
trial_quiet_at(const struct session *s, const struct trial *t,
    const struct trial_timing *tm)
{
	int64_t acked;

	if (trial_drew_reset(s, t))
		return trial_settles_at(s, t, tm);
	if (t->kind == TRIAL_FULL || t->kind == TRIAL_CONTROL) {
		acked = s->conns[t->conn].tcb.acked_ns;
		if (acked != 0)
			return num_max64(acked + 5 * CLOCK_MS,
			    t->sent_ns + trial_prompt_ns(tm) - tm->rtt_ns / 2);
	} else if (trial_is_accounted(s, t) && !trial_is_buffered(tm)) {
		return num_max64(trial_last_event(s, t) + 5 * CLOCK_MS,
		    t->sent_ns + tm->latency_ns + tm->latency_ns / 2);
	}
	return t->sent_ns + trial_prompt_ns(tm);
}

int64_t
trial_wakes_at(
    struct session *s, const struct trial *t, const struct trial_timing *tm)
{
	int64_t q, now = session_now(s);

	switch (t->state) {
	case TRIAL_OPENING:
		return trial_gives_up_at(s, t);
	case TRIAL_SENT:
		q = trial_quiet_at(s, t, tm);
		return q > now ? q : trial_settles_at(s, t, tm);
	case TRIAL_SETTLED:
	case TRIAL_FAILED:
	case TRIAL_SPOILED:
		return INT64_MAX;
	}
	return INT64_MAX;
}

bool
trial_is_quiet(
    struct session *s, const struct trial *t, const struct trial_timing *tm)
{
	switch (t->state) {
	case TRIAL_OPENING:
		return false;
	case TRIAL_SENT:
		return session_now(s) >= trial_quiet_at(s, t, tm);
	case TRIAL_SETTLED:
	case TRIAL_FAILED:
	case TRIAL_SPOILED:
		return true;
	}
	return true;
}

static int
trial_step_opening(struct session *s, struct trial *t,
    const struct trial_load *load, struct fault *f)
{
	const struct session_conn *c = &s->conns[t->conn];

	if (c->resets > 0) {
		t->state = TRIAL_SPOILED;
		return 0;
	}
	if (!trial_is_ready(s, t)) {
		if (session_now(s) >= trial_gives_up_at(s, t))
			t->state = TRIAL_FAILED;
		return 0;
	}
	if (session_state(s, t->conn) == CONN_OPEN &&
	    !session_talk_failed(s, t->conn))
		return trial_send(s, t, load, f);
	t->state = TRIAL_FAILED;
	return 0;
}

int
trial_step(struct session *s, struct trial *t, const struct trial_load *load,
    const struct trial_timing *tm, struct fault *f)
{
	switch (t->state) {
	case TRIAL_OPENING:
		return trial_step_opening(s, t, load, f);
	case TRIAL_SENT:
		if (trial_is_ready(s, t) ||
		    session_now(s) >= trial_settles_at(s, t, tm))
			t->state = TRIAL_SETTLED;
		return 0;
	case TRIAL_SETTLED:
	case TRIAL_FAILED:
	case TRIAL_SPOILED:
		return 0;
	}
	return 0;
}

/*
 * The hop at this probe's TTL could still answer.  Linux keeps a token bucket
 * for each target: this is what all probes that expired there have left in it.
 */
static bool
trial_hop_could_answer(const struct session *s, size_t probe)
{
	const struct probe *p = &s->probes[probe], *q;
	double tokens = TRIAL_TE_BURST;
	int64_t last = 0;
	bool could = true;

	for (size_t i = 0; i <= probe; i++) {
		q = &s->probes[i];
		if (q->ttl != p->ttl || q->kind == PROBE_FULL)
			continue;
		if (last != 0)
			tokens +=
			    (double)(q->sent_ns - last) / TRIAL_TE_REFILL_NS;
		if (tokens > TRIAL_TE_BURST)
			tokens = TRIAL_TE_BURST;
		last = q->sent_ns;
		could = tokens >= 1;
		tokens -= could ? 1 : 0;
	}
	return could;
}

static enum infer_te
trial_shot_te(const struct session *s, size_t probe)
{
	const struct probe *p = &s->probes[probe];

	/*
	 * Where a missing time-exceeded would tell nothing, one that was seen
	 * tells nothing either.  A device that drops packets before the hop
	 * spares the hop's tokens: were answers alone counted, it would look
	 * like one that lets packets pass.
	 */
	if (p->kind == PROBE_FULL || !trial_hop_could_answer(s, probe))
		return INFER_TE_UNKNOWN;
	return p->te ? INFER_TE_SEEN : INFER_TE_MISSING;
}

/* The TTL of a reset on its connection that no probe is known to have drawn;
 * 0: there is none. */
static int
trial_unknown_reset_ttl(const struct session *s, const struct trial *t)
{
	for (size_t i = 0; i < s->n_resets; i++)
		if (s->resets[i].conn == t->conn && s->resets[i].probe == -1 &&
		    !s->resets[i].late && !s->resets[i].answers_alive)
			return s->resets[i].facts.ttl;
	return 0;
}

/* Its reset came well before the server could have answered. */
static bool
trial_was_faster_than_server(const struct session *s, const struct trial *t)
{
	const struct probe *p = &s->probes[t->first_probe];
	int64_t rtt = s->path->server_rtt_ns;

	return t->kind == TRIAL_FULL && p->drew_reset && rtt >= CLOCK_MS &&
	    p->drew_ns - p->sent_ns < rtt * 7 / 10;
}

/*
 * The smallest TTL at which a device could have sent a reset that nobody saw.
 * A device at hop h that copies the trigger's TTL needs a TTL of about 2 h for
 * its reset to come back: so this is half of the first that drew one.
 */
static int
trial_first_doubtful(const struct infer_shot *shots, size_t n)
{
	int first = 0, last = 0;

	for (size_t i = 0; i < n; i++) {
		last = shots[i].ttl > last ? shots[i].ttl : last;
		if (shots[i].drew && (first == 0 || shots[i].ttl < first))
			first = shots[i].ttl;
	}
	return ((first != 0 ? first : last + 1) + 1) / 2;
}

/*
 * Routers that were asked a lot just before, by anybody, answer nobody.  Then
 * even copies that cannot have drawn a reset stay unanswered, so a missing
 * time-exceeded tells nothing.
 */
static void
trial_doubt_silence(const struct session *s, const struct trial *t,
    struct infer_shot *shots, size_t n)
{
	int doubtful = trial_first_doubtful(shots, n);
	unsigned int harmless = 0, seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (shots[i].ttl >= doubtful ||
		    shots[i].te == INFER_TE_UNKNOWN ||
		    s->path->hops[shots[i].ttl - 1].answered == 0)
			continue;
		harmless++;
		seen += shots[i].te == INFER_TE_SEEN;
	}
	if (t->kind != TRIAL_BURST || harmless < 2 || seen * 5 >= harmless * 4)
		return;
	for (size_t i = 0; i < n; i++)
		if (shots[i].te == INFER_TE_MISSING)
			shots[i].te = INFER_TE_UNKNOWN;
}

/* One of several copies of one TTL drew a reset, and nothing tells which. */
static bool
trial_copy_unknown(const struct session *s, const struct trial *t)
{
	for (size_t i = 0; i < t->n_probes; i++)
		if (s->probes[t->first_probe + i].copy_unknown)
			return true;
	return false;
}

/* Makes all silent; gives the reset's TTL, 0: there was none. */
static int
trial_forget_which(struct infer_shot *shots, size_t n)
{
	int ttl = 0;

	for (size_t i = 0; i < n; i++) {
		ttl = shots[i].drew ? shots[i].rst_ttl : ttl;
		shots[i].drew = false;
	}
	return ttl;
}

void
trial_to_infer(const struct session *s, const struct trial *t,
    struct infer_shot *shots, struct infer_trial *out)
{
	const struct probe *p;
	bool any = false;
	size_t i;

	memset(out, 0, sizeof(*out));
	out->shots = shots;
	for (i = 0; i < t->n_probes && i < INFER_MAX_HOPS; i++) {
		p = &s->probes[t->first_probe + i];
		shots[i].ttl =
		    p->ttl != 0 ? p->ttl : s->conns[t->conn].tcb.client_ttl;
		shots[i].drew = p->drew_reset;
		shots[i].rst_ttl = p->rst_ttl;
		shots[i].te = trial_shot_te(s, t->first_probe + i);
		any = any || p->drew_reset;
	}
	out->n_shots = i;
	trial_doubt_silence(s, t, shots, i);
	if (trial_copy_unknown(s, t)) {
		out->drew_unknown = true;
		out->rst_ttl = trial_forget_which(shots, i);
	} else if (!any) {
		out->rst_ttl = trial_unknown_reset_ttl(s, t);
		out->drew_unknown = out->rst_ttl != 0;
	}
	out->faster_than_server = trial_was_faster_than_server(s, t);
}
