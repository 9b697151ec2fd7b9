/*
 * The session's arrays, and what is asked of them by all its parts.
 */
#include <rsthop/vec.h>

#include "session_int.h"

/* A window of no usual stack, and the step from one tag's to the next. */
#define STORE_TAG_WINDOW 512
#define STORE_TAG_STEP	 73

bool
probe_is_trace(enum probe_kind kind)
{
	switch (kind) {
	case PROBE_TRACE:
	case PROBE_SYN:
	case PROBE_ECHO:
		return true;
	case PROBE_SHOT:
	case PROBE_FULL:
	case PROBE_ALIVE:
	case PROBE_FLOW:
	case PROBE_BLOCK:
		return false;
	}
	return false;
}

uint16_t
probe_tag_window(unsigned int tag)
{
	return (uint16_t)(STORE_TAG_WINDOW + STORE_TAG_STEP * tag);
}

int64_t
session_now(const struct session *s)
{
	return s->w->now(s->w->ctx);
}

enum conn_state
session_state(struct session *s, int conn)
{
	return s->w->state(s->w->ctx, s->conns[conn].id);
}

bool
session_same_flow(const struct session *s, int a, int b)
{
	return a == b || (s->attached.port != 0 && a >= 0 && b >= 0);
}

int
session_add_conn(
    struct session *s, const struct session_conn *c, struct fault *f)
{
	if (VEC_ROOM(s->conns, s->n_conns, s->cap_conns) == -1)
		return fault(f, FAULT_SYSTEM, "out of memory");
	s->conns[s->n_conns] = *c;
	return (int)s->n_conns++;
}

int
session_add_probe(struct session *s, const struct probe *p, struct fault *f)
{
	if (p->kind != PROBE_FULL && p->kind != PROBE_ALIVE)
		s->path->hops[p->ttl - 1].asked++;
	if (VEC_ROOM(s->probes, s->n_probes, s->cap_probes) == -1)
		return fault(f, FAULT_SYSTEM, "out of memory");
	s->probes[s->n_probes] = *p;
	return (int)s->n_probes++;
}

int
session_add_reset(
    struct session *s, const struct seen_reset *r, struct fault *f)
{
	if (VEC_ROOM(s->resets, s->n_resets, s->cap_resets) == -1)
		return fault(f, FAULT_SYSTEM, "out of memory");
	s->resets[s->n_resets] = *r;
	return (int)s->n_resets++;
}
