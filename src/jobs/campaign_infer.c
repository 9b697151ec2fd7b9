/*
 * What the campaign has seen, as infer wants it.
 */
#include "campaign.h"

static double
hop_answers(const struct session *s, int ttl)
{
	unsigned int asked = 0, answered = 0;
	const struct probe *p;
	size_t i;

	for (i = 0; i < s->n_probes; i++) {
		p = &s->probes[i];
		if (p->ttl != ttl || p->kind >= PROBE_SHOT)
			continue;
		asked++;
		answered += p->te;
	}
	return (answered + 0.1) / (asked + 0.5);
}

/* Routers that the hop's own replies crossed; -1 where it can't be said. */
static int
hop_crossed(const struct path *path, int ttl)
{
	const struct path_hop *hop = path_hop_at(path, ttl);
	int r;

	if (hop == NULL || hop->n_responders == 0 || hop->is_server)
		return -1;
	r = hop->responders[0].reply_ttl;
	return pkt_initial_ttl((uint8_t)r) - r;
}

/* N, or the best that can be assumed where the server's place is unknown. */
static int
assumed_hops(const struct campaign *c)
{
	int n = c->out->path.server_hops;

	if (n == 0)
		n = c->out->path.n_hops + 1;
	return n <= INFER_MAX_HOPS ? n : INFER_MAX_HOPS;
}

static int
make_infer(struct campaign *c, struct fault *f)
{
	struct infer_path p = {0};
	int i;

	tracing_conclude(&c->tracing);
	p.hops = assumed_hops(c);
	p.server_ttl = c->ask->server_ttl != 0 ? c->ask->server_ttl
					       : c->out->path.server_ttl;
	p.has_ip_id = c->ask->target.addr.version == 4;
	for (i = 1; i <= INFER_MAX_HOPS; i++) {
		p.crossed[i] = hop_crossed(&c->out->path, i);
		p.answers[i] = i <= PATH_MAX_HOPS ? hop_answers(&c->s, i) : 0;
	}
	infer_free(c->infer);
	c->infer = NULL;
	c->infer_hops = p.hops;
	c->load.last_ttl = p.hops - 1;
	return infer_new(&p, &c->infer, f);
}

/* Did resets carry the ID of what fired them?  -1: none could tell. */
static int
echo_seen(const struct session *s)
{
	unsigned int yes = 0, no = 0;
	size_t i;

	for (i = 0; i < s->n_resets; i++) {
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
 * Trials that count: the settled ones; with `assume`, also those of which
 * only late resets could still come, as if none did.
 */
static bool
counts(const struct trial *t, bool assume)
{
	if (t->kind == TRIAL_CONTROL)
		return false;
	return t->state == TRIAL_SETTLED || (assume && t->state == TRIAL_FIRED);
}

static void
see_trials(struct campaign *c, bool assume)
{
	struct infer_shot shots[INFER_MAX_HOPS];
	struct infer_trial it;
	size_t i;

	for (i = 0; i < c->n_trials; i++) {
		if (!counts(&c->trials[i], assume))
			continue;
		trial_to_infer(&c->s, &c->trials[i], shots, &it);
		c->untagged = c->untagged ||
		    (it.fired_unknown && c->trials[i].kind == TRIAL_BURST);
		infer_see_trial(c->infer, &it);
	}
}

int
campaign_update(struct campaign *c, bool assume, struct fault *f)
{
	size_t i;
	int echo;

	/* All observations anew: trials settle late, resets come late. */
	if (make_infer(c, f) == -1)
		return -1;
	see_trials(c, assume);
	for (i = 0; i < c->ask->n_rst_ttls && c->s.n_conns > 0; i++)
		infer_see_given_ttl(c->infer, c->ask->rst_ttls[i],
		    c->s.conns[0].tcb.client_ttl);
	echo = echo_seen(&c->s);
	if (echo >= 0)
		infer_see_id_echo(c->infer, echo == 1);
	for (i = 0; i < c->s.n_conns; i++)
		if (c->s.conns[i].server_alive != RESULT_UNSURE)
			infer_see_server_alive(
			    c->infer, c->s.conns[i].server_alive == RESULT_YES);
	infer_get_posterior(c->infer, &c->post);
	return 0;
}
