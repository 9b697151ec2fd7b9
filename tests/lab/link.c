/*
 * A long, bad or unruly line: holds the packets of a netfilter queue for a
 * while, loses some, lets some be overtaken.
 *
 * Order is kept for packets that came in by the same interface, whatever the
 * jitter, unless --reorder picks a packet: that one waits longer and is left
 * out of the order.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <rsthop/clock.h>
#include <rsthop/num.h>
#include <rsthop/rng.h>

#include "../rng_unit.h"
#include "nfq.h"

#define IFACES 64 /* interfaces of one router, by index modulo */

struct held {
	int64_t due_ns;
	uint64_t nth; /* earlier of two that are due at once */
	uint32_t id;  /* of the packet, in the queue */
};

struct link {
	struct nfq nfq;
	int timer;
	struct rng rng;
	int64_t delay_ns, jitter_ns, late_ns;
	double loss, reorder;
	int64_t last_due_ns[IFACES];
	uint64_t count;
	struct held *heap; /* the one due first at [0] */
	size_t n, cap;
};

#define LOOK_MS 200

static volatile sig_atomic_t ended;

static void
on_signal(int sig)
{
	(void)sig;
	ended = 1;
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

static bool
held_before(const struct held *a, const struct held *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns;
	return a->nth < b->nth;
}

static void
heap_swap(struct link *l, size_t i, size_t j)
{
	struct held h = l->heap[i];

	l->heap[i] = l->heap[j];
	l->heap[j] = h;
}

static void
heap_push(struct link *l, struct held h)
{
	size_t i = l->n;

	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 1024 : l->cap * 2;
		l->heap = realloc(l->heap, l->cap * sizeof(*l->heap));
		if (l->heap == NULL)
			err(3, "link");
	}
	l->heap[l->n++] = h;
	while (i > 0 && held_before(&l->heap[i], &l->heap[(i - 1) / 2])) {
		heap_swap(l, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static struct held
heap_pop(struct link *l)
{
	struct held top = l->heap[0];
	size_t i = 0, least;

	l->heap[0] = l->heap[--l->n];
	for (;;) {
		least = i;
		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < l->n; k++)
			if (held_before(&l->heap[k], &l->heap[least]))
				least = k;
		if (least == i)
			return top;
		heap_swap(l, i, least);
		i = least;
	}
}

/* When the packet that came in by this interface goes on. */
static int64_t
due_ns(struct link *l, uint32_t iface)
{
	int64_t *last = &l->last_due_ns[iface % IFACES];
	int64_t due = now_ns() + l->delay_ns;

	due += (int64_t)(rng_unit(&l->rng) * (double)l->jitter_ns);
	if (rng_unit(&l->rng) < l->reorder)
		return due + l->late_ns;
	if (due < *last)
		due = *last;
	*last = due;
	return due;
}

static int
on_packet(struct nfq_q_handle *queue, struct nfgenmsg *msg,
    struct nfq_data *data, void *ctx)
{
	struct link *l = ctx;
	struct held h;

	(void)msg;
	h.id = nfq_id(data);
	if (rng_unit(&l->rng) < l->loss)
		return nfq_set_verdict(queue, h.id, NF_DROP, 0, NULL);
	h.nth = l->count++;
	h.due_ns = due_ns(l, nfq_get_indev(data));
	heap_push(l, h);
	return 0;
}

static void
release(struct link *l)
{
	int64_t now = now_ns();

	while (l->n > 0 && l->heap[0].due_ns <= now)
		nfq_set_verdict(
		    l->nfq.queue, heap_pop(l).id, NF_ACCEPT, 0, NULL);
}

static void
arm(struct link *l)
{
	struct itimerspec its = {0};

	if (l->n > 0) {
		its.it_value.tv_sec = l->heap[0].due_ns / CLOCK_S;
		its.it_value.tv_nsec = l->heap[0].due_ns % CLOCK_S;
	}
	if (timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &its, NULL) < 0)
		err(3, "timerfd_settime");
}

static void
serve(struct link *l)
{
	struct pollfd p[2] = {
	    {.fd = l->nfq.fd, .events = POLLIN},
	    {.fd = l->timer, .events = POLLIN},
	};
	uint64_t ticks;

	while (ended == 0) {
		release(l);
		arm(l);
		/* A signal between the look at it and the wait is lost. */
		if (poll(p, 2, LOOK_MS) < 0) {
			if (errno == EINTR)
				continue;
			err(3, "poll");
		}
		if (p[1].revents != 0 &&
		    read(l->timer, &ticks, sizeof(ticks)) < 0 &&
		    errno != EAGAIN)
			err(3, "timerfd");
		if (p[0].revents != 0 && !nfq_read(&l->nfq))
			err(3, "netfilter queue");
	}
}

static void
usage(void)
{
	fputs(
	    "usage: link --queue N [--delay-ms D] [--jitter-ms J] [--loss P]\n"
	    "            [--reorder P] [--late-ms L] [--seed N]\n",
	    stderr);
	exit(2);
}

static double
real(const char *what, const char *s, double hi)
{
	struct fault f;
	double v;

	if (num_double(what, s, 0, hi, &v, &f) < 0)
		errx(2, "%s", f.text);
	return v;
}

static int64_t
millis(const char *what, const char *s)
{
	return (int64_t)(real(what, s, 60000) * (double)CLOCK_MS);
}

static int
whole(const char *what, const char *s, int hi)
{
	struct fault f;
	int v;

	if (num_int(what, s, 0, hi, &v, &f) < 0)
		errx(2, "%s", f.text);
	return v;
}

/* Gives the queue's number. */
static int
parse(struct link *l, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"queue", required_argument, NULL, 'q'},
	    {"delay-ms", required_argument, NULL, 'd'},
	    {"jitter-ms", required_argument, NULL, 'j'},
	    {"late-ms", required_argument, NULL, 'a'},
	    {"loss", required_argument, NULL, 'l'},
	    {"reorder", required_argument, NULL, 'r'},
	    {"seed", required_argument, NULL, 's'},
	    {NULL, 0, NULL, 0},
	};
	int c, queue = -1, seed = 1;

	l->late_ns = 20 * CLOCK_MS;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (c == 'q')
			queue = whole("--queue", optarg, 65535);
		else if (c == 'd')
			l->delay_ns = millis("--delay-ms", optarg);
		else if (c == 'j')
			l->jitter_ns = millis("--jitter-ms", optarg);
		else if (c == 'a')
			l->late_ns = millis("--late-ms", optarg);
		else if (c == 'l')
			l->loss = real("--loss", optarg, 1);
		else if (c == 'r')
			l->reorder = real("--reorder", optarg, 1);
		else if (c == 's')
			seed = whole("--seed", optarg, 1 << 30);
		else
			usage();
	if (queue < 0 || optind != argc)
		usage();
	rng_seed(&l->rng, (uint64_t)seed);
	return queue;
}

int
main(int argc, char **argv)
{
	static struct link l;
	struct sigaction sa = {.sa_handler = on_signal};
	int queue = parse(&l, argc, argv);

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	l.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l.timer < 0)
		err(3, "timerfd_create");
	nfq_start(&l.nfq, (uint16_t)queue, NFQNL_COPY_META, on_packet, &l);
	puts("ready");
	fflush(stdout);
	serve(&l);
	nfq_stop(&l.nfq);
	close(l.timer);
	free(l.heap);
	return 0;
}
