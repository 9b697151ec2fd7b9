/* What a sweep of source ports has shown, in words and in groups. */
#include <string.h>

#include "words.h"

static size_t
sweep_count_drew(const struct result_sweep *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_ports; i++)
		n += w->ports[i].resets > 0;
	return n;
}

static void
sweep_add_p(struct text *t, double p)
{
	if (!(p >= 0))
		return;
	if (p < 0.001)
		text_add(t, " (p < 0.001)");
	else
		text_addf(t, " (p = %.*f)", p < 0.01 ? 3 : 2, p);
}

/* The others' way at the hop where they part, where it is one. */
static const struct addr *
sweep_other_way(const struct result_sweep *w)
{
	const struct addr *way = NULL;
	const struct result_port *p;

	for (size_t i = 0; i < w->n_ports; i++) {
		p = &w->ports[i];
		for (size_t k = 0; k < p->n_path && p->resets == 0; k++) {
			if (p->path[k].ttl != w->split.ttl ||
			    addr_is_none(&p->path[k].addr))
				continue;
			if (way != NULL && !addr_equal(way, &p->path[k].addr))
				return NULL;
			way = &p->path[k].addr;
		}
	}
	return way;
}

static void
sweep_add_split(struct text *t, const struct result_sweep *w)
{
	const struct addr *other = sweep_other_way(w);
	char a[ADDR_TEXT];

	if (w->split.ttl == 0) {
		if (w->firing == RESULT_SWEEP_BY_FLOW)
			text_add(t,
			    " At no hop that answers do their ways part from "
			    "the others'.");
		return;
	}
	text_addf(t, " All that fire go through %s at hop %d, the others ",
	    addr_format(&w->split.addr, a), w->split.ttl);
	if (other != NULL)
		text_addf(t, "through %s.", addr_format(other, a));
	else
		text_add(t, "do not.");
}

void
words_sweep(struct text *t, const struct result_sweep *w)
{
	size_t n = sweep_count_drew(w);

	if (w->n_ports == 0)
		return;
	if (n == 0) {
		text_addf(
		    t, "None of %zu source ports drew a reset.", w->n_ports);
		return;
	}
	text_addf(t, "It fires on %zu of %zu source ports", n, w->n_ports);
	switch (w->firing) {
	case RESULT_SWEEP_UNKNOWN:
		sweep_add_p(t, w->p_value);
		text_add(t, "; that leaves open whether it minds the port.");
		break;
	case RESULT_SWEEP_BY_FLOW:
		text_add(t, ", and which they are is no chance");
		sweep_add_p(t, w->p_value);
		text_add(t, ".");
		break;
	case RESULT_SWEEP_ANY_FLOW:
		text_add(t, ", on each as often as chance has it");
		sweep_add_p(t, w->p_value);
		text_add(t, ": it does not mind the port.");
		return;
	}
	sweep_add_split(t, w);
}

static void
sweep_add_path(struct text *t, const struct result_port *p)
{
	char a[ADDR_TEXT];

	for (size_t i = 0; i < p->n_path; i++) {
		if (i > 0)
			text_add(t, ", ");
		text_add(t,
		    addr_is_none(&p->path[i].addr)
			? "*"
			: addr_format(&p->path[i].addr, a));
	}
}

/* Adds a port to the group that it is like, or to a new one. */
static void
sweep_add_port(
    struct words_ports *groups, size_t *n, const struct result_port *p)
{
	struct text path = {0};
	struct words_ports *g;
	size_t i;

	sweep_add_path(&path, p);
	for (i = 0; i < *n; i++)
		if ((groups[i].resets > 0) == (p->resets > 0) &&
		    strcmp(text_str(&groups[i].path), text_str(&path)) == 0)
			break;
	g = &groups[i];
	if (i == *n) {
		memset(g, 0, sizeof(*g));
		text_add(&g->path, text_str(&path));
		(*n)++;
	}
	g->trials += p->trials;
	g->resets += p->resets;
	g->path.bad |= path.bad;
	text_addf(&g->ports, "%s%u", g->ports.len > 0 ? ", " : "", p->port);
	text_free(&path);
}

size_t
words_port_groups(
    const struct result_sweep *w, struct words_ports groups[RESULT_PORTS])
{
	size_t n = 0;

	for (int drew = 1; drew >= 0; drew--)
		for (size_t i = 0; i < w->n_ports; i++)
			if ((w->ports[i].resets > 0) == drew)
				sweep_add_port(groups, &n, &w->ports[i]);
	return n;
}

void
words_port_groups_free(struct words_ports *groups, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		text_free(&groups[i].path);
		text_free(&groups[i].ports);
	}
}
