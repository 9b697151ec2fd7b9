/*
 * The loop: packets by the handful, so that those before wait in the
 * processor's cache while the later ones come.
 */
#include "pass.h"

#define PASS_LOOK_EVERY 1024   /* packets between two looks for a signal */
#define PASS_TELL_EVERY 524288 /* ... and two words on how far it is */
#define PASS_STAMP_MAX	(INT64_MAX / 4)

struct pass {
	const struct analyze_input *in;
	const struct pass_sink *sink;
	int *interrupted;
	size_t n_files, damaged;
	uint64_t packets; /* read */
	struct pass_packet at[PASS_HANDFUL];
};

static int64_t
pass_clamp(int64_t ns)
{
	if (ns > PASS_STAMP_MAX)
		return PASS_STAMP_MAX;
	return ns < -PASS_STAMP_MAX ? -PASS_STAMP_MAX : ns;
}

static void
pass_decode(struct pass_packet *p)
{
	const struct capture_packet *cp = &p->cp;

	p->unix_ns = pass_clamp(cp->unix_ns);
	pkt_decode(cp->link, cp->data, cp->len, cp->wire_len, &p->pkt);
}

/* As many as are ready; *rc is what came in place of one more. */
static size_t
pass_take(struct pass *p, int *rc, struct fault *why)
{
	const struct analyze_input *in = p->in;
	size_t n = 0;

	do {
		*rc = in->next(in->ctx, &p->at[n].cp, why);
		if (*rc == 1)
			pass_decode(&p->at[n]);
	} while (*rc == 1 && ++n < PASS_HANDFUL && in->ready != NULL &&
	    in->ready(in->ctx));
	p->packets += n;
	return n;
}

static bool
pass_is_interrupted(struct pass *p)
{
	if (*p->interrupted == 0 && p->in->interrupted != NULL)
		*p->interrupted = p->in->interrupted(p->in->ctx);
	return *p->interrupted != 0;
}

static bool
pass_is_enough(const struct pass *p)
{
	return p->sink->is_enough != NULL && p->sink->is_enough(p->sink->ctx);
}

/* What is due once in so many packets, where n of them came last. */
static bool
pass_is_due(const struct pass *p, size_t n, uint64_t every)
{
	return p->packets / every != (p->packets - n) / every;
}

/* Until it is time to look for a signal, or something else than a packet. */
static int
pass_read_some(
    struct pass *p, size_t *n, int *rc, struct fault *why, struct fault *f)
{
	const struct pass_sink *sink = p->sink;

	do {
		*n = pass_take(p, rc, why);
		if (*n > 0 && sink->see(sink->ctx, p->at, *n, f) != 0)
			return -1;
		if (sink->progress != NULL &&
		    pass_is_due(p, *n, PASS_TELL_EVERY))
			sink->progress(sink->ctx, p->packets);
	} while (*rc == 1 && !pass_is_due(p, *n, PASS_LOOK_EVERY) &&
	    !pass_is_enough(p));
	return 0;
}

/* False where no file is left: each is damaged once. */
static bool
pass_note_damage(
    struct pass *p, const struct capture_packet *cp, const struct fault *why)
{
	if (p->sink->damage != NULL)
		p->sink->damage(p->sink->ctx, cp, why);
	return ++p->damaged <= p->n_files;
}

int
pass_run(const struct analyze_input *in, const struct pass_sink *sink,
    size_t n_files, int *interrupted, struct fault *f)
{
	struct pass p = {.in = in,
	    .sink = sink,
	    .interrupted = interrupted,
	    .n_files = n_files};
	struct fault why = {0};
	size_t n;
	int rc;

	while (!pass_is_interrupted(&p) && !pass_is_enough(&p)) {
		if (pass_read_some(&p, &n, &rc, &why, f) != 0)
			return -1;
		if (rc == 0)
			return 0;
		if (rc == ANALYZE_TICK && sink->tick != NULL &&
		    sink->tick(sink->ctx, pass_clamp(p.at[n].cp.unix_ns), f) !=
			0)
			return -1;
		/* A read that a signal ended is no damage. */
		if (rc < 0 && !pass_is_interrupted(&p) &&
		    !pass_note_damage(&p, &p.at[n].cp, &why))
			return 0;
	}
	return 0;
}
