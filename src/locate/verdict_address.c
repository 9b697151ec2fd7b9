/*
 * Whose address stands at a hop, and whose beside it.
 */
#include "verdict_int.h"

/* The responder that speaks for a hop: one the trials' own flows saw, else
 * the one that answered most. */
static const struct path_responder *
address_hop_responder(const struct path *path, int hop)
{
	const struct path_hop *h = path_hop_at(path, hop);
	const struct path_responder *best = NULL;

	if (h == NULL || h->is_server)
		return NULL;
	for (int i = 0; i < h->n_responders; i++) {
		if (best == NULL ||
		    (h->responders[i].via & PATH_VIA_PROBE) >
			(best->via & PATH_VIA_PROBE) ||
		    ((h->responders[i].via & PATH_VIA_PROBE) ==
			    (best->via & PATH_VIA_PROBE) &&
			h->responders[i].replies > best->replies))
			best = &h->responders[i];
	}
	return best;
}

/* Answers at a hop, by one address, to trials that were reset, or were not. */
static unsigned int
address_count_answers(
    const struct session *s, int hop, const struct addr *a, bool reset)
{
	const struct probe *p;
	unsigned int n = 0;

	for (size_t i = 0; i < s->n_probes; i++) {
		p = &s->probes[i];
		n += p->te && p->kind == PROBE_SHOT && p->ttl == hop &&
		    s->conns[p->conn].arm != ARM_CONTROL &&
		    (s->conns[p->conn].resets > 0) == reset &&
		    addr_equal(&p->from, a);
	}
	return n;
}

/*
 * Of several routers that share a hop's load: the one that the flows which
 * were reset went through.  A device that drops what triggers it lets none of
 * them answer; then the one that no silent flow went through, or none.
 */
static struct addr
address_shared(const struct verdict_basis *by, const struct path_hop *h)
{
	const struct path_responder *p;
	struct addr a = {0}, none = {0};
	unsigned int n, most = 0, unseen = 0;

	for (int i = 0; i < h->n_responders; i++) {
		p = &h->responders[i];
		n = address_count_answers(
		    &by->rounds->s, h->ttl, &p->addr, true);
		if (n > most) {
			most = n;
			a = p->addr;
		}
	}
	if (most > 0)
		return a;
	for (int i = 0; i < h->n_responders; i++) {
		p = &h->responders[i];
		if (address_count_answers(
			&by->rounds->s, h->ttl, &p->addr, false) > 0)
			continue;
		unseen++;
		a = p->addr;
	}
	return unseen == 1 ? a : none;
}

/* Whom the sweep saw there on the way of the port that was kept to; none. */
static struct addr
address_swept(
    const struct verdict_basis *by, const struct locate_result *out, int hop)
{
	const struct result_sweep *w = &out->sweep;
	const struct addr none = {0};
	const struct result_port *p;

	for (size_t i = 0; i < w->n_ports; i++) {
		p = &w->ports[i];
		for (size_t k = 0;
		     k < p->n_path && p->port == by->rounds->src_port; k++)
			if (p->path[k].ttl == hop)
				return p->path[k].addr;
	}
	return none;
}

/* A hop's address; none where it is silent. */
struct addr
verdict_hop_address(
    const struct verdict_basis *by, const struct locate_result *out, int hop)
{
	const struct path_responder *p = address_hop_responder(&out->path, hop);
	const struct path_hop *h = path_hop_at(&out->path, hop);
	struct addr none = {0}, swept = address_swept(by, out, hop);

	if (hop == out->path.server_hops)
		return out->head.target.addr;
	if (!addr_is_none(&swept))
		return swept;
	if (h != NULL && h->n_responders > 1 &&
	    by->ask->trigger != RESULT_TRIGGER_NONE)
		return address_shared(by, h);
	return p != NULL ? p->addr : none;
}

void
verdict_fill_neighbours(
    const struct verdict_basis *by, struct locate_result *out)
{
	struct addr a;

	out->verdict.between[0] = out->head.source.addr;
	out->verdict.between[1] = out->head.target.addr;
	out->verdict.address = verdict_hop_address(by, out, out->verdict.hop);
	for (int h = out->verdict.hop - 1; h >= 1; h--) {
		a = verdict_hop_address(by, out, h);
		if (addr_is_none(&a))
			continue;
		out->verdict.between[0] = a;
		break;
	}
	for (int h = out->verdict.hop + 1; h <= out->path.n_hops; h++) {
		a = verdict_hop_address(by, out, h);
		if (addr_is_none(&a))
			continue;
		out->verdict.between[1] = a;
		break;
	}
}
