/*
 * What the campaign has seen, as infer wants it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>

#include <rsthop/belief.h>
#include <rsthop/block.h>
#include <rsthop/vec.h>

/* After this the server's answer to a trigger that drew a reset is missing. */
#define BELIEF_GRACE_NS (20 * CLOCK_MS)
/* So many connections without data, and the server is said to be mute. */
#define BELIEF_QUIET_ENOUGH 3
/* So many pairs of the server's packets, to know how it counts its IP IDs. */
#define BELIEF_PAIRS_ENOUGH 3

static double
belief_hop_answers(const struct session *s, int ttl)
{
	unsigned int asked = 0, answered = 0;
	const struct probe *p;

	for (size_t i = 0; i < s->n_probes; i++) {
		p = &s->probes[i];
		if (p->ttl != ttl || !probe_is_trace(p->kind))
			continue;
		asked++;
		answered += p->te;
	}
	return (answered + 0.1) / (asked + 0.2);
}

/* Routers that the hop's own replies traversed; -1: not known. */
static int
belief_hop_traversed(const struct path *path, int ttl)
{
	const struct path_hop *hop = path_hop_at(path, ttl);
	int r;

	if (hop == NULL || hop->n_responders == 0 || hop->is_server)
		return -1;
	r = hop->responders[0].reply_ttl;
	return pkt_initial_ttl((uint8_t)r) - r;
}

/*
 * The share of the trace's probes that were answered, by hops that answer at
 * all: what is lost on the way is in it.
 */
static double
belief_pooled_of_traces(const struct rounds *rounds)
{
	unsigned int asked = 0, answered = 0;
	const struct probe *p;

	for (size_t i = 0; i < rounds->s.n_probes; i++) {
		p = &rounds->s.probes[i];
		if (!probe_is_trace(p->kind) || p->ttl >= rounds_hops(rounds) ||
		    rounds->s.path->hops[p->ttl - 1].answered == 0)
			continue;
		asked++;
		answered += p->te;
	}
	return asked > 0 ? (answered + 1.0) / (asked + 1.0) : 1;
}

static void
belief_describe_path(const struct rounds *rounds, struct infer_path *p)
{
	double pooled = belief_pooled_of_traces(rounds);

	memset(p, 0, sizeof(*p));
	p->hops = rounds_hops(rounds);
	p->server_ttl = rounds->ask->server_ttl != 0
	    ? rounds->ask->server_ttl
	    : rounds->s.path->server_ttl;
	p->has_ip_id = rounds->ask->target.addr.version == 4;
	for (int i = 1; i <= INFER_MAX_HOPS; i++) {
		p->traversed[i] = belief_hop_traversed(rounds->s.path, i);
		p->answers[i] =
		    i <= PATH_MAX_HOPS ? belief_hop_answers(&rounds->s, i) : 0;
		if (p->answers[i] > pooled)
			p->answers[i] = pooled;
	}
}

/* Did resets carry the ID of what triggered them?  -1: none could tell. */
static int
belief_echo_seen(const struct session *s)
{
	unsigned int yes = 0, no = 0;

	for (size_t i = 0; i < s->n_resets; i++) {
		if (s->resets[i].probe == -1 || !s->resets[i].facts.has_ip_id)
			continue;
		if (s->resets[i].facts.id_echoed)
			yes++;
		else
			no++;
	}
	if (yes + no == 0)
		return -1;
	return yes > no;
}

/*
 * A reset of this trial does not count the data that the server has sent: it
 * stands where the trigger's own acknowledgement stood, or data ends.
 */
static bool
belief_resets_behind(const struct session *s, const struct trial *t)
{
	const struct seen_reset *r;

	for (size_t i = 0; i < s->n_resets; i++) {
		r = &s->resets[i];
		if (r->conn == t->conn && !r->answers_alive && !r->late &&
		    r->facts.seq_match == RESULT_SEQ_EXACT &&
		    (int32_t)(s->conns[t->conn].tcb.answer_seq -
			s->probes[t->first_probe].ack) >= 0)
			return true;
	}
	return false;
}

static bool
belief_same_path(const struct infer_path *a, const struct infer_path *b)
{
	if (a->hops != b->hops || a->server_ttl != b->server_ttl)
		return false;
	for (int i = 1; i <= a->hops; i++)
		if (a->traversed[i] != b->traversed[i] ||
		    fabs(a->answers[i] - b->answers[i]) > 1e-9)
			return false;
	return true;
}

static unsigned int
belief_count_drew(const struct rounds *rounds, const struct trial *t)
{
	unsigned int n = 0;

	for (size_t i = 0; i < t->n_probes; i++)
		n += rounds->s.probes[t->first_probe + i].drew_reset;
	return n;
}

static void
belief_see_trial(const struct rounds *rounds, struct belief *b,
    struct infer *in, const struct trial *t)
{
	struct infer_shot shots[INFER_MAX_HOPS];
	struct infer_trial it;

	trial_to_infer(&rounds->s, t, shots, &it);
	b->untagged = b->untagged ||
	    (it.drew_unknown && t->kind == TRIAL_BURST && !t->plain);
	infer_see_trial(in, &it);
}

/* The sender of this reset's frame is none that ever sent us anything else. */
static bool
belief_is_from_own_segment(const struct session *s, const struct seen_reset *r)
{
	const struct session_conn *c;
	bool known = false;

	if (r->late || r->answers_alive || !r->facts.has_mac)
		return false;
	for (size_t i = 0; i < s->n_conns; i++) {
		c = &s->conns[i];
		if (!c->tcb.has_server_mac)
			continue;
		known = true;
		if (memcmp(c->tcb.server_mac, r->facts.mac, ADDR_MAC) == 0)
			return false;
	}
	return known;
}

/* A reset that it drew shows that resets with a tag's numbers come through. */
static bool
belief_vouches_for_tags(const struct rounds *rounds, const struct trial *t)
{
	return rounds->ask->attach.port != 0 ||
	    (t->kind == TRIAL_BURST && !t->plain);
}

static struct belief_clues
belief_gather_clues(const struct rounds *rounds)
{
	struct belief_clues k = {0};

	k.echo = belief_echo_seen(&rounds->s);
	/* Once is enough: what it does, it does again. */
	for (size_t i = 0; i < rounds->s.n_conns; i++) {
		k.alive |= rounds->s.conns[i].server_alive == RESULT_YES;
		k.dead |= rounds->s.conns[i].server_alive == RESULT_NO;
	}
	for (size_t i = 0; i < rounds->s.n_resets; i++)
		k.own_segment = k.own_segment ||
		    belief_is_from_own_segment(
			&rounds->s, &rounds->s.resets[i]);
	for (size_t i = 0; i < rounds->n_trials; i++)
		k.tags_pass = k.tags_pass ||
		    (belief_vouches_for_tags(rounds, &rounds->trials[i]) &&
			trial_drew_reset(&rounds->s, &rounds->trials[i]));
	k.blocked = block_is_on(rounds);
	return k;
}

static bool
belief_same_clues(const struct belief_clues *a, const struct belief_clues *b)
{
	return a->echo == b->echo && a->alive == b->alive &&
	    a->dead == b->dead && a->own_segment == b->own_segment &&
	    a->tags_pass == b->tags_pass && a->blocked == b->blocked;
}

/*
 * Does what infer has seen still stand?  Not where the path turned out to be
 * another, a late reset came to a trial that was taken for silent, or a clue
 * changed.
 */
static bool
belief_still_stands(const struct rounds *rounds, const struct belief *b,
    const struct infer_path *p)
{
	struct belief_clues k = belief_gather_clues(rounds);

	if (b->infer == NULL || !belief_same_path(p, &b->path) ||
	    !belief_same_clues(&k, &b->clues))
		return false;
	for (size_t i = 0; i < rounds->n_trials; i++)
		if (b->marks[i].counted &&
		    (b->marks[i].drew !=
			    belief_count_drew(rounds, &rounds->trials[i]) ||
			block_spoils(rounds, &rounds->trials[i])))
			return false;
	return true;
}

static int
belief_start_anew(const struct rounds *rounds, struct belief *b,
    const struct infer_path *p, struct fault *f)
{
	struct belief_clues k = belief_gather_clues(rounds);

	infer_free(b->infer);
	b->infer = NULL;
	if (infer_new(p, &b->infer, f) == -1)
		return -1;
	b->path = *p;
	b->clues = k;
	for (size_t i = 0; i < rounds->n_trials; i++)
		b->marks[i].counted = false;
	for (size_t i = 0; i < rounds->ask->n_rst_ttls && rounds->s.n_conns > 0;
	     i++)
		infer_see_given_ttl(b->infer, rounds->ask->rst_ttls[i],
		    rounds->s.conns[0].tcb.client_ttl);
	if (k.echo >= 0)
		infer_see_id_echo(b->infer, k.echo == 1);
	for (size_t i = 0; i < k.alive; i++)
		infer_see_server_alive(b->infer, true);
	for (size_t i = 0; i < k.dead; i++)
		infer_see_server_alive(b->infer, false);
	if (k.own_segment)
		infer_see_own_segment(b->infer);
	return 0;
}

/*
 * Controls say nothing of where.  Nor does a tagged burst that stayed silent,
 * until one has shown that resets with its old numbers come through.  In a
 * residual block only tags tell.
 */
static bool
belief_is_telling(
    const struct rounds *rounds, const struct belief *b, const struct trial *t)
{
	if (trial_is_control(t) || block_spoils(rounds, t))
		return false;
	if (t->kind == TRIAL_BURST && !t->plain)
		return b->clues.tags_pass;
	return !b->clues.blocked;
}

static void
belief_see_settled(const struct rounds *rounds, struct belief *b)
{
	struct trial *t;

	for (size_t i = 0; i < rounds->n_trials; i++) {
		t = &rounds->trials[i];
		if (b->marks[i].counted || t->state != TRIAL_SETTLED ||
		    !belief_is_telling(rounds, b, t))
			continue;
		b->marks[i].counted = true;
		b->marks[i].drew = belief_count_drew(rounds, t);
		belief_see_trial(rounds, b, b->infer, t);
	}
}

/*
 * After the device's reset the server sent its own, of another TTL: the
 * trigger came to a connection that it did not know any more, since the device
 * had reset that end first.
 */
static bool
belief_was_refused_after(const struct session *s, const struct trial *t)
{
	const struct probe *p = &s->probes[t->first_probe];
	const struct seen_reset *r;

	for (size_t i = 0; i < s->n_resets; i++) {
		r = &s->resets[i];
		if (r->conn == t->conn && !r->late && r->at_ns > p->drew_ns &&
		    p->rst_ttl != s->path->server_ttl &&
		    r->facts.ttl == s->path->server_ttl &&
		    (r->facts.flags & PKT_TH_ACK) == 0)
			return true;
	}
	return false;
}

/* What the server said to a trigger that drew a reset, once it had time. */
static void
belief_count_answer(
    const struct rounds *rounds, const struct trial *t, struct infer_answers *a)
{
	const struct tcb *tcb = &rounds->s.conns[t->conn].tcb;
	const struct probe *p = &rounds->s.probes[t->first_probe];
	int64_t said = tcb->answer_ns;

	if (session_now(&rounds->s) <
	    p->sent_ns + rounds->timing.rtt_ns * 3 / 2 + BELIEF_GRACE_NS)
		return;
	if (said == 0 || (tcb->acked_ns != 0 && tcb->acked_ns < said))
		said = tcb->acked_ns;
	if (said == 0 && belief_was_refused_after(&rounds->s, t))
		a->refused++;
	else if (said == 0)
		a->unacked++;
	else if (tcb->answer_ns == 0)
		a->acked++;
	else if (belief_resets_behind(&rounds->s, t))
		a->behind++;
	else
		a->beyond++;
	a->early += said != 0 && p->drew_ns < said;
}

/* What it says where no reset comes: data at once, never any, or neither. */
static void
belief_learn_manners(const struct rounds *rounds, struct infer_answers *a)
{
	unsigned int quiet = 0, answers = 0, prompt = 0;
	const struct tcb *tcb;
	const struct trial *t;

	for (size_t i = 0; i < rounds->n_trials; i++) {
		t = &rounds->trials[i];
		if (t->state != TRIAL_SETTLED ||
		    trial_drew_reset(&rounds->s, t) ||
		    (t->kind != TRIAL_FULL && t->kind != TRIAL_CONTROL))
			continue;
		tcb = &rounds->s.conns[t->conn].tcb;
		quiet++;
		answers += tcb->answer_ns != 0;
		prompt += tcb->answer_ns != 0 &&
		    tcb->answer_ns - tcb->acked_ns <= rounds->timing.rtt_ns / 2;
	}
	a->talks = prompt > 0 && prompt * 5 >= quiet * 4;
	a->mute = quiet >= BELIEF_QUIET_ENOUGH &&
	    answers + a->behind + a->beyond == 0;
}

static void
belief_tell_answers(
    const struct rounds *rounds, struct belief *b, struct infer *in)
{
	struct infer_answers a = {0};
	const struct trial *t;

	/* What ends short of the server draws no answer of its own. */
	for (size_t i = 0; i < rounds->n_trials && !rounds->s.short_of_server;
	     i++) {
		t = &rounds->trials[i];
		if (t->kind == TRIAL_FULL && t->state == TRIAL_SETTLED &&
		    t->n_probes > 0 &&
		    rounds->s.probes[t->first_probe].drew_reset &&
		    !block_spoils(rounds, t))
			belief_count_answer(rounds, t, &a);
	}
	belief_learn_manners(rounds, &a);
	b->answers = a;
	infer_set_answers(in, &a);
}

/* Do the resets' IP IDs go on where the server's stood? */
static void
belief_tell_id_steps(
    const struct rounds *rounds, struct belief *b, struct infer *in)
{
	unsigned int pairs = 0, steps = 0, follow = 0, break_off = 0;

	for (size_t i = 0; i < rounds->s.n_conns; i++) {
		pairs += rounds->s.conns[i].tcb.id_pairs;
		steps += rounds->s.conns[i].tcb.id_steps;
	}
	for (size_t i = 0; i < rounds->s.n_resets; i++) {
		if (rounds->s.resets[i].probe == -1 ||
		    rounds->s.resets[i].late ||
		    rounds->s.resets[i].answers_alive ||
		    rounds->s.probes[rounds->s.resets[i].probe].kind ==
			PROBE_BLOCK)
			continue;
		follow += rounds->s.resets[i].id_follows == RESULT_YES;
		break_off += rounds->s.resets[i].id_follows == RESULT_NO;
	}
	if (pairs < BELIEF_PAIRS_ENOUGH || steps * 10 < pairs * 9)
		follow = break_off = 0;
	b->id_follow = follow;
	b->id_break = break_off;
	infer_set_id_steps(in, follow, break_off);
}

/* As if nothing came any more to those that still wait. */
static int
belief_assume_silence(
    const struct rounds *rounds, struct belief *b, struct fault *f)
{
	struct infer *in;
	int rc;

	if (infer_copy(b->infer, &in, f) == -1)
		return -1;
	for (size_t i = 0; i < rounds->n_trials; i++)
		if (rounds->trials[i].state == TRIAL_SENT &&
		    belief_is_telling(rounds, b, &rounds->trials[i]))
			belief_see_trial(rounds, b, in, &rounds->trials[i]);
	belief_tell_answers(rounds, b, in);
	belief_tell_id_steps(rounds, b, in);
	rc = infer_get_posterior(in, &b->post, f);
	infer_free(b->assumed);
	b->assumed = in;
	return rc;
}

/* A mark for each trial. */
static int
belief_make_marks(
    struct belief *b, const struct rounds *rounds, struct fault *f)
{
	while (b->n_marks < rounds->n_trials) {
		if (VEC_ROOM(b->marks, b->n_marks, b->cap_marks) != 0)
			return fault(f, FAULT_SYSTEM, "out of memory");
		b->marks[b->n_marks++] = (struct belief_mark){0};
	}
	return 0;
}

bool
belief_has_begun(const struct belief *b)
{
	return b->infer != NULL;
}

void
belief_forget(struct belief *b)
{
	infer_free(b->infer);
	b->infer = NULL;
}

void
belief_free(struct belief *b)
{
	belief_forget(b);
	infer_free(b->assumed);
	b->assumed = NULL;
	free(b->marks);
	b->marks = NULL;
	b->n_marks = b->cap_marks = 0;
}

int
belief_update(
    struct belief *b, const struct rounds *rounds, bool assume, struct fault *f)
{
	struct infer_path p;

	if (belief_make_marks(b, rounds, f) == -1)
		return -1;
	belief_describe_path(rounds, &p);
	if (!belief_still_stands(rounds, b, &p) &&
	    belief_start_anew(rounds, b, &p, f) == -1)
		return -1;
	belief_see_settled(rounds, b);
	if (assume)
		return belief_assume_silence(rounds, b, f);
	belief_tell_answers(rounds, b, b->infer);
	belief_tell_id_steps(rounds, b, b->infer);
	return infer_get_posterior(b->infer, &b->post, f);
}
