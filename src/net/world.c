/*
 * The live network, as jobs see it: the kernel's connections, raw sockets
 * for what is injected, and one capture that sees both, with the answers.
 */
#define _GNU_SOURCE /* ppoll, POLLRDHUP */
#include <sys/signalfd.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rsthop/capture.h>
#include <rsthop/clock.h>
#include <rsthop/send.h>
#include <rsthop/vec.h>
#include <rsthop/world.h>

#include <rsthop/world_filter.h>

#define WORLD_FDS_FIRST 3 /* of those to poll: where the connections' begin */

struct world_conn {
	struct conn *conn; /* NULL once closed */
	enum conn_state told;
	bool adopted; /* another program's: conn stays NULL */
	bool deaf;    /* its events say nothing new: not polled any more */
	bool kept;    /* its data is for recv */
	bool full;    /* some of it has not been asked for yet: not polled */
};

struct world_live {
	struct world_live_ask ask;
	const char *ifname; /* sockets are bound to it; NULL: by route */
	struct capture *capture;
	struct craft *craft;
	struct send *send;
	struct world_conn *conns; /* by id; ids are not used twice */
	size_t n_conns, cap_conns;
	int *reserved; /* sockets that keep a port */
	size_t n_reserved, cap_reserved;
	struct pollfd *fds; /* capture, signal, another, the connections' */
	size_t *fd_conns;   /* whose they are */
	size_t cap_fds;
	int also_fd;	  /* -1: none */
	bool owes_change; /* a packet was told before it */
	bool has_held;
	struct world_packet held; /* taken from the capture, not yet due */
};

static int64_t
world_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

static int64_t
world_now(void *ctx)
{
	(void)ctx;
	return world_clock(CLOCK_MONOTONIC);
}

static struct world_conn *
world_get_conn(struct world_live *l, int id)
{
	if (id < 0 || (size_t)id >= l->n_conns || l->conns[id].conn == NULL)
		return NULL;
	return &l->conns[id];
}

static int
world_open(void *ctx, uint16_t src_port, int *id, struct endpoint *local,
    struct fault *f)
{
	struct world_live *l = ctx;
	struct conn_ask ask = {.dst = l->ask.target,
	    .src = l->ask.route.src,
	    .src_port = src_port,
	    .ifname = l->ifname};
	struct world_conn *wc;

	if (VEC_ROOM(l->conns, l->n_conns, l->cap_conns) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	wc = &l->conns[l->n_conns];
	memset(wc, 0, sizeof(*wc));
	if (conn_open(&ask, &wc->conn, f) != 0)
		return -1;
	wc->told = CONN_CONNECTING;
	conn_get_local(wc->conn, local);
	*id = (int)l->n_conns++;
	return 0;
}

static int
world_adopt(void *ctx, int *id, struct fault *f)
{
	struct world_live *l = ctx;

	if (VEC_ROOM(l->conns, l->n_conns, l->cap_conns) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	memset(&l->conns[l->n_conns], 0, sizeof(*l->conns));
	l->conns[l->n_conns].adopted = true;
	*id = (int)l->n_conns++;
	return 0;
}

static enum conn_state
world_state(void *ctx, int id)
{
	struct world_live *l = ctx;
	struct world_conn *wc = world_get_conn(l, id);

	if (wc == NULL)
		return id >= 0 && (size_t)id < l->n_conns &&
			l->conns[id].adopted
		    ? CONN_OPEN
		    : CONN_CLOSED;
	/* Whoever asks need not be told again by next. */
	wc->told = conn_get_state(wc->conn);
	return wc->told;
}

static int
world_send(void *ctx, int id, const uint8_t *p, size_t n, struct fault *f)
{
	struct world_conn *wc = world_get_conn(ctx, id);

	if (wc == NULL)
		return fault(
		    f, FAULT_NETWORK, "the connection is closed already");
	return conn_send(wc->conn, p, n, f);
}

static int
world_set_ttl(void *ctx, int id, int ttl, struct fault *f)
{
	struct world_conn *wc = world_get_conn(ctx, id);

	if (wc == NULL)
		return fault(
		    f, FAULT_NETWORK, "the connection is closed already");
	return conn_set_ttl(wc->conn, ttl, f);
}

static void
world_close(void *ctx, int id, bool abort)
{
	struct world_conn *wc = world_get_conn(ctx, id);

	if (wc == NULL)
		return;
	conn_close(wc->conn, abort);
	wc->conn = NULL;
}

static int
world_keep(void *ctx, int id, struct fault *f)
{
	struct world_conn *wc = world_get_conn(ctx, id);

	if (wc == NULL)
		return fault(
		    f, FAULT_NETWORK, "the connection is closed already");
	wc->kept = true;
	return 0;
}

static size_t
world_recv(void *ctx, int id, uint8_t *buf, size_t size)
{
	struct world_conn *wc = world_get_conn(ctx, id);
	size_t n;

	if (wc == NULL)
		return 0;
	n = conn_recv(wc->conn, buf, size);
	wc->full = wc->full && n > 0;
	return n;
}

static void
world_also(void *ctx, int fd)
{
	struct world_live *l = ctx;

	l->also_fd = fd;
}

static int
world_reserve(void *ctx, struct endpoint *local, struct fault *f)
{
	struct world_live *l = ctx;

	if (VEC_ROOM(l->reserved, l->n_reserved, l->cap_reserved) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (conn_reserve_port(&l->ask.route.src, 0, &l->reserved[l->n_reserved],
		local, f) != 0)
		return -1;
	l->n_reserved++;
	return 0;
}

static int
world_tcp(void *ctx, const struct craft_tcp *t, struct fault *f)
{
	struct world_live *l = ctx;
	uint8_t buf[CRAFT_MAX];
	size_t len;

	if (craft_tcp(l->craft, t, buf, sizeof(buf), &len, f) != 0)
		return -1;
	return send_packet(l->send, buf, len, f);
}

static int
world_echo(void *ctx, const struct craft_echo *e, struct fault *f)
{
	struct world_live *l = ctx;
	uint8_t buf[CRAFT_MAX];
	size_t len;

	if (craft_echo(l->craft, e, buf, sizeof(buf), &len, f) != 0)
		return -1;
	return send_packet(l->send, buf, len, f);
}

/*
 * The capture stamps with the wall clock, which may be stepped; the distance
 * between the clocks is therefore taken anew for each packet.
 */
static void
world_fill_packet(const struct capture_packet *cp, struct world_packet *out)
{
	int64_t now = world_clock(CLOCK_MONOTONIC);
	int64_t behind = world_clock(CLOCK_REALTIME) - cp->unix_ns;

	out->at_ns = behind > 0 ? now - behind : now;
	out->unix_ns = cp->unix_ns;
	out->link = cp->link;
	out->data = cp->data;
	out->len = cp->len;
	out->wire_len = cp->wire_len;
	pkt_decode(cp->link, cp->data, cp->len, cp->wire_len, &out->pkt);
}

/*
 * A packet stamped later than until_ns is held for the next call; else a
 * stream of packets could keep a caller past its deadline for ever.
 */
static int
world_take_packet(struct world_live *l, int64_t until_ns,
    struct world_packet *out, struct fault *f)
{
	struct capture_packet cp;
	int rc;

	if (!l->has_held) {
		rc = capture_next(l->capture, &cp, f);
		if (rc != 1)
			return rc;
		world_fill_packet(&cp, &l->held);
		l->has_held = true;
	}
	if (l->held.at_ns > until_ns)
		return 0;
	*out = l->held;
	l->has_held = false;
	return 1;
}

/* What to poll a connection for: -1 for nothing. */
static int
world_get_events(const struct world_conn *wc)
{
	if (wc->conn == NULL || wc->deaf)
		return -1;
	switch (wc->told) {
	case CONN_CONNECTING:
		return POLLOUT;
	case CONN_OPEN:
		return wc->full ? POLLRDHUP : POLLIN | POLLRDHUP;
	case CONN_CLOSED:
		return 0; /* an error, which is never masked */
	case CONN_REFUSED:
	case CONN_UNREACHABLE:
	case CONN_TIMED_OUT:
	case CONN_RESET:
	case CONN_FAILED:
		break;
	}
	return -1;
}

static int
world_fit_fds(struct world_live *l, struct fault *f)
{
	size_t want = WORLD_FDS_FIRST + l->n_conns;
	void *p;

	if (want <= l->cap_fds)
		return 0;
	want = WORLD_FDS_FIRST + l->cap_conns;
	p = reallocarray(l->fds, want, sizeof(*l->fds));
	if (p == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	l->fds = p;
	p = reallocarray(l->fd_conns, want, sizeof(*l->fd_conns));
	if (p == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	l->fd_conns = p;
	l->cap_fds = want;
	return 0;
}

static nfds_t
world_list_fds(struct world_live *l)
{
	nfds_t n = WORLD_FDS_FIRST;
	int events;

	l->fds[0].fd = capture_fd(l->capture);
	l->fds[0].events = POLLIN;
	l->fds[1].fd = l->ask.signal_fd; /* poll skips -1 */
	l->fds[1].events = POLLIN;
	l->fds[2].fd = l->also_fd;
	l->fds[2].events = POLLIN;
	for (size_t i = 0; i < l->n_conns; i++) {
		events = world_get_events(&l->conns[i]);
		if (events == -1)
			continue;
		l->fds[n].fd = conn_fd(l->conns[i].conn);
		l->fds[n].events = (short)events;
		l->fd_conns[n++] = i;
	}
	return n;
}

static int
world_read_signal(struct world_live *l, struct fault *f)
{
	struct signalfd_siginfo si;
	ssize_t got;

	got = read(l->ask.signal_fd, &si, sizeof(si));
	if (got != (ssize_t)sizeof(si))
		return 0;
	return fault_interrupted(f, (int)si.ssi_signo);
}

/*
 * Reads what the server sent, where nobody asks for it, and looks whether the
 * state is another than the caller knows.  An event that changes nothing would
 * come again at once, unless it was data, which is now read.
 */
static bool
world_settle_conn(struct world_conn *wc, short revents)
{
	enum conn_state was = wc->told;
	bool news = wc->kept && (revents & POLLIN) != 0 && !wc->full;

	if (news)
		wc->full = true;
	else if ((revents & POLLIN) != 0 && !wc->kept)
		conn_drain(wc->conn);
	wc->told = conn_get_state(wc->conn);
	if (wc->told == was && was == CONN_CLOSED)
		wc->deaf = true;
	return news || wc->told != was;
}

/*
 * Waits for wait_ns at most, 0 to look only.  *changed where a connection
 * changed its state; -1 after a signal.
 */
static int
world_wait(
    struct world_live *l, int64_t wait_ns, bool *changed, struct fault *f)
{
	struct timespec ts = {.tv_sec = (time_t)(wait_ns / CLOCK_S),
	    .tv_nsec = (long)(wait_ns % CLOCK_S)};
	nfds_t n;

	if (world_fit_fds(l, f) != 0)
		return -1;
	n = world_list_fds(l);
	if (ppoll(l->fds, n, &ts, NULL) == -1) {
		if (errno == EINTR || errno == EAGAIN)
			return 0;
		return fault(f, FAULT_SYSTEM, "waiting: %s", strerror(errno));
	}
	if ((l->fds[1].revents & POLLIN) != 0 && world_read_signal(l, f) != 0)
		return -1;
	if (l->fds[2].revents != 0)
		*changed = true;
	for (nfds_t i = WORLD_FDS_FIRST; i < n; i++)
		if (l->fds[i].revents != 0 &&
		    world_settle_conn(
			&l->conns[l->fd_conns[i]], l->fds[i].revents))
			*changed = true;
	return 0;
}

/* Packets first: a state is told after those that brought it about. */
static int
world_next(
    void *ctx, int64_t until_ns, struct world_packet *out, struct fault *f)
{
	struct world_live *l = ctx;
	int64_t now, wait_ns = 0;
	bool changed = false;
	int rc;

	for (;;) {
		if (world_wait(l, wait_ns, &changed, f) != 0)
			return -1;
		rc = world_take_packet(l, until_ns, out, f);
		if (rc != 0) {
			l->owes_change = l->owes_change || changed;
			return rc;
		}
		if (changed || l->owes_change) {
			l->owes_change = false;
			return 0;
		}
		now = world_clock(CLOCK_MONOTONIC);
		if (now >= until_ns)
			return 0;
		wait_ns = until_ns - now;
	}
}

static int
world_open_parts(struct world_live *l, struct fault *f)
{
	const struct world_live_ask *ask = &l->ask;
	char filter[WORLD_FILTER];

	/* The capture first: it must see the very first packet that leaves. */
	world_format_filter(&ask->target, &ask->route.src, filter);
	if (capture_open_live(ask->route.ifname, filter, &l->capture, f) != 0)
		return -1;
	if (craft_new(&l->craft, f) != 0)
		return -1;
	return send_open(ask->target.addr.version, l->ifname, &l->send, f);
}

/* An address of fe80::/10 means nothing without its link (RFC 4007). */
static bool
world_needs_link(const struct addr *a)
{
	return a->version == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

int
world_live_open(const struct world_live_ask *ask, struct world *w,
    struct world_live **out, struct fault *f)
{
	struct world_live *l;

	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	l->ask = *ask;
	l->also_fd = -1;
	/*
	 * What the route says, not what was asked for: a target that is this
	 * very host is reached through the loopback, whatever was named.
	 */
	if (ask->ifname != NULL || world_needs_link(&ask->target.addr))
		l->ifname = l->ask.route.ifname;
	l->ask.ifname = l->ifname;
	if (world_open_parts(l, f) != 0) {
		world_live_free(l);
		return -1;
	}
	*w = (struct world){.ctx = l,
	    .now = world_now,
	    .open = world_open,
	    .adopt = world_adopt,
	    .state = world_state,
	    .send = world_send,
	    .set_ttl = world_set_ttl,
	    .close = world_close,
	    .keep = world_keep,
	    .recv = world_recv,
	    .also = world_also,
	    .reserve = world_reserve,
	    .tcp = world_tcp,
	    .echo = world_echo,
	    .next = world_next};
	*out = l;
	return 0;
}

uint64_t
world_live_dropped(struct world_live *l)
{
	struct capture_stats st;

	return capture_get_stats(l->capture, &st) == 0 ? st.dropped : 0;
}

void
world_live_free(struct world_live *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n_conns; i++)
		conn_close(l->conns[i].conn, true); /* NULL is fine */
	for (size_t i = 0; i < l->n_reserved; i++)
		close(l->reserved[i]);
	send_free(l->send);
	craft_free(l->craft);
	capture_free(l->capture);
	free(l->conns);
	free(l->reserved);
	free(l->fds);
	free(l->fd_conns);
	free(l);
}
