/*
 * Run the client, record, judge; until it is reset.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/rerun.h>
#include <rsthop/vec.h>

#define RERUN_KEEP_BYTES ((size_t)64 << 20)
/* What a client drew may come when it has ended already. */
#define RERUN_AFTER_NS (50 * CLOCK_MS)
/* A client that was reset and goes on: it may hang, or try again. */
#define RERUN_LINGER_NS (2 * CLOCK_S)

struct rerun {
	const struct rerun_ask *ask;
	struct world *w;
	struct rerun_result *out;
	size_t begun;	  /* of the packets: where this run's are */
	int64_t reset_ns; /* its first reset; INT64_MAX: none yet */
	bool full;	  /* no room for more of this run */
};

static void
rerun_drop_packets(struct rerun_result *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->packets[i].data);
	r->n = r->bytes = 0;
}

static int
rerun_record(struct rerun *r, const struct world_packet *wp, struct fault *f)
{
	struct rerun_result *out = r->out;
	struct rerun_packet *p;

	if ((wp->pkt.has & PKT_HAS_TCP) == 0)
		return 0;
	if (wp->len > RERUN_KEEP_BYTES - out->bytes) {
		r->full = true;
		return 0;
	}
	if (VEC_ROOM(out->packets, out->n, out->cap) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	p = &out->packets[out->n];
	p->data = malloc(wp->len > 0 ? wp->len : 1);
	if (p->data == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	memcpy(p->data, wp->data, wp->len);
	p->unix_ns = wp->unix_ns;
	p->link = wp->link;
	p->len = wp->len;
	p->wire_len = wp->wire_len;
	out->n++;
	out->bytes += wp->len;
	return 0;
}

/* A reset, as if of the server's, to anyone here. */
static bool
rerun_is_reset(const struct rerun *r, const struct pkt *p)
{
	const struct endpoint *t = &r->ask->target;

	return (p->has & PKT_HAS_TCP) != 0 &&
	    (p->tcp.flags & PKT_TH_RST) != 0 && p->tcp.sport == t->port &&
	    addr_equal(&p->ip.src, &t->addr);
}

static int
rerun_take(struct rerun *r, const struct world_packet *wp, struct fault *f)
{
	if (r->reset_ns == INT64_MAX && rerun_is_reset(r, &wp->pkt))
		r->reset_ns = wp->at_ns;
	return rerun_record(r, wp, f);
}

/*
 * When the client has had its time: less of it once it was reset, for it may
 * hang then.
 */
static int64_t
rerun_time_is_over(const struct rerun *r, int64_t until_ns)
{
	return r->reset_ns < until_ns - RERUN_LINGER_NS
	    ? r->reset_ns + RERUN_LINGER_NS
	    : until_ns;
}

/* Records until `until`, or until the client has ended. */
static int
rerun_watch(struct rerun *r, int64_t until_ns, bool *ended, int *status,
    struct fault *f)
{
	const struct rerun_client *cl = r->ask->client;
	struct world_packet wp;
	int rc;

	while (r->w->now(r->w->ctx) < rerun_time_is_over(r, until_ns)) {
		if (ended != NULL && cl->has_ended(cl->ctx, status)) {
			*ended = true;
			return 0;
		}
		rc = r->w->next(
		    r->w->ctx, rerun_time_is_over(r, until_ns), &wp, f);
		if (rc == -1 || (rc == 1 && rerun_take(r, &wp, f) == -1))
			return -1;
	}
	return 0;
}

/* Of this run: connections that began, and whether one was reset. */
static bool
rerun_count_run(struct rerun *r)
{
	const struct endpoint *t = &r->ask->target;
	bool reset = false;
	struct pkt p;

	for (size_t i = r->begun; i < r->out->n; i++) {
		const struct rerun_packet *q = &r->out->packets[i];

		pkt_decode(q->link, q->data, q->len, q->wire_len, &p);
		if ((p.has & PKT_HAS_TCP) == 0)
			continue;
		if (p.tcp.dport == t->port && addr_equal(&p.ip.dst, &t->addr))
			r->out->connections += (p.tcp.flags & PKT_TH_SYN) != 0;
		reset |= rerun_is_reset(r, &p);
	}
	return reset;
}

static void
rerun_tell(const struct rerun *r)
{
	char text[80];

	if (r->ask->progress == NULL)
		return;
	snprintf(text, sizeof(text), "running the client: reset in %u of %u",
	    r->out->reset, r->out->runs);
	r->ask->progress(r->ask->progress_ctx, text);
}

static int
rerun_run_once(struct rerun *r, struct fault *f)
{
	const struct rerun_client *cl = r->ask->client;
	int64_t until_ns;
	bool ended = false;
	int status = 0, rc;

	/* Runs that were not reset say nothing that the next does not. */
	if (r->out->reset == 0)
		rerun_drop_packets(r->out);
	r->begun = r->out->n;
	r->reset_ns = INT64_MAX;
	if (cl->start(cl->ctx, f) == -1)
		return -1;
	r->w->also(r->w->ctx, cl->fd(cl->ctx));
	until_ns = r->w->now(r->w->ctx) + r->ask->run_ns;
	rc = rerun_watch(r, until_ns, &ended, &status, f);
	r->w->also(r->w->ctx, -1);
	cl->stop(cl->ctx);
	if (rc == -1 ||
	    rerun_watch(
		r, r->w->now(r->w->ctx) + RERUN_AFTER_NS, NULL, NULL, f) == -1)
		return -1;
	r->out->runs++;
	if (ended && status != 0) {
		r->out->failed++;
		r->out->status = status;
	}
	r->out->reset += rerun_count_run(r);
	rerun_tell(r);
	return 0;
}

/* --- what was recorded, as a capture --- */

struct tape {
	const struct rerun_result *r;
	size_t at;
};

static int
rerun_tape_next(void *ctx, struct capture_packet *out, struct fault *f)
{
	struct tape *t = ctx;
	const struct rerun_packet *p = &t->r->packets[t->at];

	(void)f;
	if (t->at >= t->r->n)
		return 0;
	*out = (struct capture_packet){.unix_ns = p->unix_ns,
	    .data = p->data,
	    .len = p->len,
	    .wire_len = p->wire_len,
	    .link = p->link,
	    .frame = ++t->at};
	return 1;
}

static int
rerun_tape_again(void *ctx, struct fault *f)
{
	(void)f;
	((struct tape *)ctx)->at = 0;
	return 0;
}

static int
rerun_judge(struct rerun *r, struct fault *f)
{
	static const char *const name = "the recording";
	struct tape tape = {.r = r->out};
	struct suspect_source src = {.ctx = &tape,
	    .n_names = 1,
	    .names = &name,
	    .next = rerun_tape_next,
	    .again = rerun_tape_again};
	struct suspect_ask sa = {
	    .hash_seed = r->ask->hash_seed, .server = r->ask->target};

	suspects_free(&r->out->suspects);
	return suspects_find(&src, &sa, &r->out->suspects, f);
}

/* A client may talk to another server, or to this one at another address. */
static int
rerun_check_connects(const struct rerun *r, struct fault *f)
{
	char ep[ADDR_ENDPOINT], status[48] = "";

	if (r->out->connections > 0)
		return 0;
	if (r->out->status != 0)
		snprintf(status, sizeof(status), ", and ended with status %d",
		    r->out->status);
	return fault(f, FAULT_INPUT,
	    "--exec %.80s: in %u run%s it did not connect to %s%s: give the "
	    "address and the port that it uses",
	    r->ask->name, r->out->runs, r->out->runs == 1 ? "" : "s",
	    endpoint_format(&r->ask->target, ep), status);
}

int
rerun_run(const struct rerun_ask *ask, struct world *w,
    struct rerun_result *out, struct fault *f)
{
	struct rerun r = {.ask = ask, .w = w, .out = out};
	unsigned int judged = 0;

	memset(out, 0, sizeof(*out));
	while (out->runs < ask->max_runs && w->now(w->ctx) < ask->end_ns &&
	    !r.full) {
		if (rerun_run_once(&r, f) == -1)
			return -1;
		if (out->runs >= RERUN_IDLE &&
		    rerun_check_connects(&r, f) == -1)
			return -1;
		if (out->reset == judged)
			continue;
		judged = out->reset;
		if (rerun_judge(&r, f) == -1)
			return -1;
		if (out->suspects.n > 0 || out->reset >= RERUN_GENUINE)
			return 0;
	}
	return rerun_check_connects(&r, f);
}

void
rerun_free(struct rerun_result *r)
{
	if (r == NULL)
		return;
	rerun_drop_packets(r);
	free(r->packets);
	suspects_free(&r->suspects);
	memset(r, 0, sizeof(*r));
}

void
rerun_keep(const struct rerun_result *r, struct result_evidence *e)
{
	struct pkt p;
	size_t kept;

	for (size_t i = 0; i < r->n; i++) {
		const struct rerun_packet *q = &r->packets[i];

		pkt_decode(q->link, q->data, q->len, q->wire_len, &p);
		kept = e->n;
		result_keep(e, q->unix_ns, q->link, q->data, q->len,
		    q->wire_len,
		    p.payload_len > 0 ? "your client's; what it says is blanked"
				      : "your client's");
		if (e->n > kept && p.payload_len > 0)
			memset(e->packets[kept].data + (p.payload - q->data), 0,
			    p.payload_len);
	}
}
