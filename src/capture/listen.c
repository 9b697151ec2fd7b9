/*
 * A live capture that outlasts its interface.  The kernel's socket stays bound
 * to an interface that is down and goes on with it; of one that was taken away
 * it never hears again, even where another comes by the same name.
 */
#define _GNU_SOURCE /* ppoll */
#include <net/if.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/listen.h>
#include <rsthop/text.h>

#define LISTEN_KINDS "(tcp or icmp or icmp6)"

/* How often an interface that is gone is looked for. */
#define LISTEN_LOOK_NS (50 * CLOCK_MS)

struct listen {
	struct listen_ask ask;
	struct text filter;
	struct capture *capture;  /* NULL while the interface is gone */
	unsigned int ifindex;	  /* 0 for "any" */
	bool away;		  /* down or gone, and told so */
	struct listen_stats past; /* of captures that are closed */
};

static int
listen_make_filter(struct listen *l, struct fault *f)
{
	const char *words = l->ask.filter;

	text_add(&l->filter, LISTEN_KINDS);
	if (words != NULL && words[strspn(words, " \t\r\n")] != '\0') {
		/* Alone first: the fault shall show the user's words. */
		if (capture_check_filter(words, f) != 0)
			return -1;
		text_addf(&l->filter, " and (%s)", words);
	}
	return l->filter.bad ? fault(f, FAULT_SYSTEM, "out of memory") : 0;
}

static int
listen_open_capture(struct listen *l, struct fault *f)
{
	l->ifindex = if_nametoindex(l->ask.ifname);
	return capture_open_batches(l->ask.ifname, text_str(&l->filter),
	    l->ask.ring_bytes, &l->capture, f);
}

int
listen_open(const struct listen_ask *ask, struct listen **out, struct fault *f)
{
	struct listen *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	l->ask = *ask;
	if (listen_make_filter(l, f) != 0 || listen_open_capture(l, f) != 0) {
		listen_free(l);
		return -1;
	}
	*out = l;
	return 0;
}

static void
listen_close_capture(struct listen *l)
{
	listen_get_stats(l, &l->past);
	capture_free(l->capture);
	l->capture = NULL;
}

/* Is the interface that we listen on the one that bears the name now? */
static bool
listen_is_same(const struct listen *l)
{
	return strcmp(l->ask.ifname, "any") == 0 ||
	    (l->ifindex != 0 && if_nametoindex(l->ask.ifname) == l->ifindex);
}

static void
listen_tell_lost(struct listen *l, const char *why)
{
	if (l->away)
		return;
	l->away = true;
	l->past.lost++;
	if (l->ask.lost != NULL)
		l->ask.lost(l->ask.ctx, why);
}

static void
listen_tell_back(struct listen *l)
{
	if (!l->away)
		return;
	l->away = false;
	if (l->ask.back != NULL)
		l->ask.back(l->ask.ctx);
}

/* -1 where it cannot be opened for another cause than being gone. */
static int
listen_reopen(struct listen *l, struct fault *f)
{
	struct fault why = {0};

	if (listen_open_capture(l, &why) == 0 || why.kind == FAULT_NETWORK)
		return 0;
	if (f != NULL)
		*f = why;
	return -1;
}

static int
listen_take(struct listen *l, struct capture_packet *out, struct fault *f)
{
	struct fault why = {0};
	int rc;

	if (l->capture == NULL && listen_reopen(l, f) != 0)
		return -1;
	if (l->capture == NULL)
		return 0;
	rc = capture_next(l->capture, out, &why);
	if (rc > 0)
		return rc;
	if (rc == 0 && listen_is_same(l)) {
		listen_tell_back(l);
		return 0;
	}
	if (rc == 0)
		fault(&why, FAULT_NETWORK, "interface %s was replaced",
		    l->ask.ifname);
	listen_tell_lost(l, why.text);
	if (rc == 0 || !listen_is_same(l))
		listen_close_capture(l);
	return 0;
}

static void
listen_wait(const struct listen *l, int64_t wait_ns)
{
	struct pollfd fds[] = {{.fd = l->ask.signal_fd, .events = POLLIN},
	    {.fd = -1, .events = POLLIN}};
	struct timespec ts;

	/* Of an interface that is down the socket has but errors to tell. */
	if (!l->away && l->capture != NULL)
		fds[1].fd = capture_fd(l->capture);
	else if (wait_ns > LISTEN_LOOK_NS)
		wait_ns = LISTEN_LOOK_NS;
	ts.tv_sec = (time_t)(wait_ns / CLOCK_S);
	ts.tv_nsec = (long)(wait_ns % CLOCK_S);
	(void)ppoll(fds, 2, &ts, NULL); /* a signal only ends it early */
}

int
listen_next(struct listen *l, int64_t wait_ns, struct capture_packet *out,
    struct fault *f)
{
	int rc = listen_take(l, out, f);

	if (rc != 0)
		return rc;
	listen_wait(l, wait_ns);
	return listen_take(l, out, f);
}

void
listen_get_stats(struct listen *l, struct listen_stats *out)
{
	struct capture_stats st;

	*out = l->past;
	if (l->capture == NULL || capture_get_stats(l->capture, &st) != 0)
		return;
	out->received += st.received;
	out->dropped += st.dropped;
}

void
listen_free(struct listen *l)
{
	if (l == NULL)
		return;
	capture_free(l->capture);
	text_free(&l->filter);
	free(l);
}
