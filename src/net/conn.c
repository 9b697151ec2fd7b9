/*
 * Kernel TCP connections that never block.  What the socket reports once
 * (SO_ERROR, an error of send or recv) is kept, so that the state a
 * connection ended in stays readable.
 */
#define _GNU_SOURCE /* POLLRDHUP */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <rsthop/conn.h>

/* Linux 4.2; absent from older C libraries. */
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

/* So much is read in one go, lest a fast peer hold us for ever. */
#define CONN_DRAIN_READS 64
#define CONN_DRAIN_CHUNK 16384

struct conn {
	int fd;
	enum conn_state state;
	struct endpoint dst;
	struct endpoint local;
};

static int
conn_fault_bind(const struct addr *src, uint16_t port, int err, struct fault *f)
{
	char text[ADDR_TEXT];

	if (port != 0 && (err == EADDRINUSE || err == EACCES))
		return fault(f, err == EACCES ? FAULT_PRIVILEGE : FAULT_NETWORK,
		    "source port %u %s: choose another with --source-port",
		    port,
		    err == EACCES ? "needs root" : "is in use on this host");
	if (err == EADDRNOTAVAIL && !addr_is_none(src))
		return fault(f, FAULT_NETWORK,
		    "%s is not an address of this host",
		    addr_format(src, text));
	return fault(
	    f, FAULT_NETWORK, "binding a local port: %s", strerror(err));
}

static int
conn_fault_connect(const struct conn_ask *ask, int err, struct fault *f)
{
	char dst[ADDR_ENDPOINT];

	endpoint_format(&ask->dst, dst);
	if (err == EADDRNOTAVAIL && ask->src_port != 0)
		return fault(f, FAULT_NETWORK,
		    "source port %u is still taken by another connection to "
		    "%s: choose another with --source-port, or wait a minute",
		    ask->src_port, dst);
	if (err == EADDRNOTAVAIL)
		return fault(f, FAULT_NETWORK,
		    "no local port is free for a connection to %s", dst);
	return fault(
	    f, FAULT_NETWORK, "connecting to %s: %s", dst, strerror(err));
}

static bool
conn_is_link_local(const struct addr *a)
{
	return a->version == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* As endpoint_to_sockaddr(), with the scope that RFC 4007 asks for. */
static socklen_t
conn_to_sockaddr(
    const struct endpoint *e, const char *ifname, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 sin6;
	socklen_t len;

	len = endpoint_to_sockaddr(e, ss);
	if (ifname != NULL && conn_is_link_local(&e->addr)) {
		memcpy(&sin6, ss, sizeof(sin6));
		sin6.sin6_scope_id = if_nametoindex(ifname);
		memcpy(ss, &sin6, sizeof(sin6));
	}
	return len;
}

static int
conn_socket(int version, struct fault *f)
{
	int fd;

	fd = socket(version == 4 ? AF_INET : AF_INET6,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd != -1)
		return fd;
	if (errno == EAFNOSUPPORT)
		return fault(
		    f, FAULT_NETWORK, "this host has no IPv%d", version);
	return fault(f, FAULT_SYSTEM, "opening a socket: %s", strerror(errno));
}

static void
conn_set_flag(int fd, int level, int name, int value)
{
	/* A refusal is harmless for each option that is set through here. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

/*
 * With RECVERR the socket says whether an ICMP error or a reset refused the
 * SYN: a reject rule of a firewall gives ECONNREFUSED for either.  Once open
 * it must be off, or the time-exceeded that our probes draw would end the
 * connection.
 */
static void
conn_set_recverr(const struct conn *c, int on)
{
	if (c->dst.addr.version == 4)
		conn_set_flag(c->fd, IPPROTO_IP, IP_RECVERR, on);
	else
		conn_set_flag(c->fd, IPPROTO_IPV6, IPV6_RECVERR, on);
}

static int
conn_bind_device(int fd, const char *ifname, struct fault *f)
{
	if (ifname == NULL)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname,
		(socklen_t)strlen(ifname)) == 0)
		return 0;
	if (errno == EPERM)
		return fault(f, FAULT_PRIVILEGE,
		    "binding to interface %s needs root or CAP_NET_RAW: run "
		    "it with sudo",
		    ifname);
	return fault(f, FAULT_NETWORK, "binding to interface %s: %s", ifname,
	    strerror(errno));
}

static int
conn_bind(int fd, const struct addr *src, uint16_t port, int version,
    const char *ifname, struct fault *f)
{
	struct endpoint e = {.addr = *src, .port = port};
	struct sockaddr_storage ss;
	socklen_t len;

	e.addr.version = (uint8_t)version;
	if (port != 0)
		conn_set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	len = conn_to_sockaddr(&e, ifname, &ss);
	if (bind(fd, (struct sockaddr *)&ss, len) == 0)
		return 0;
	return conn_fault_bind(src, port, errno, f);
}

static int
conn_bind_source(struct conn *c, const struct conn_ask *ask, struct fault *f)
{
	if (addr_is_none(&ask->src) && ask->src_port == 0)
		return 0;
	if (!addr_is_none(&ask->src) &&
	    ask->src.version != ask->dst.addr.version)
		return fault(f, FAULT_NETWORK,
		    "source and target must both be IPv4 or both IPv6");
	/* The port is then chosen by connect, from all that are free there. */
	if (ask->src_port == 0)
		conn_set_flag(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return conn_bind(c->fd, &ask->src, ask->src_port, ask->dst.addr.version,
	    ask->ifname, f);
}

/* Whether the error queue holds an ICMP error; empties it. */
static bool
conn_take_icmp(struct conn *c)
{
	union {
		char buf[512];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {0};
	struct sock_extended_err ee;
	bool found = false;

	for (int i = 0; i < CONN_DRAIN_READS; i++) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		if (recvmsg(c->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		for (struct cmsghdr *m = CMSG_FIRSTHDR(&msg); m != NULL;
		     m = CMSG_NXTHDR(&msg, m)) {
			if (m->cmsg_len < CMSG_LEN(sizeof(ee)))
				continue;
			memcpy(&ee, CMSG_DATA(m), sizeof(ee));
			found = found || ee.ee_origin == SO_EE_ORIGIN_ICMP ||
			    ee.ee_origin == SO_EE_ORIGIN_ICMP6;
		}
	}
	return found;
}

static enum conn_state
conn_judge_error(struct conn *c, int err)
{
	bool connecting = c->state == CONN_CONNECTING;

	switch (err) {
	case ECONNREFUSED:
		return conn_take_icmp(c) ? CONN_UNREACHABLE : CONN_REFUSED;
	case ECONNRESET:
	case EPIPE:
		/* Also where it opened and ended between two looks. */
		return CONN_RESET;
	case ETIMEDOUT:
		return connecting ? CONN_TIMED_OUT : CONN_FAILED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case ENONET:
	case ENOPROTOOPT: /* ICMP: protocol unreachable */
	case EACCES:	  /* a prohibit route */
		return CONN_UNREACHABLE;
	}
	return CONN_FAILED;
}

static void
conn_settle(struct conn *c, int err)
{
	switch (c->state) {
	case CONN_CONNECTING:
	case CONN_OPEN:
	case CONN_CLOSED:
		c->state = conn_judge_error(c, err);
		break;
	case CONN_REFUSED:
	case CONN_UNREACHABLE:
	case CONN_TIMED_OUT:
	case CONN_RESET:
	case CONN_FAILED:
		break; /* what came first stays */
	}
}

static int
conn_take_error(struct conn *c)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		return errno;
	return err;
}

static int
conn_connect(struct conn *c, const struct conn_ask *ask, struct fault *f)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int err;

	len = conn_to_sockaddr(&ask->dst, ask->ifname, &ss);
	if (connect(c->fd, (struct sockaddr *)&ss, len) == 0)
		return 0;
	err = errno;
	if (err == EINPROGRESS || err == EINTR)
		return 0;
	if (conn_judge_error(c, err) == CONN_FAILED)
		return conn_fault_connect(ask, err, f);
	/* The same answer may come at once or later: one way to tell it. */
	conn_settle(c, err);
	return 0;
}

static void
conn_learn_local(int fd, struct endpoint *out)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct endpoint e;

	memset(&ss, 0, sizeof(ss));
	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return;
	if (endpoint_from_sockaddr((struct sockaddr *)&ss, &e) == 0)
		*out = e;
}

int
conn_open(const struct conn_ask *ask, struct conn **out, struct fault *f)
{
	struct conn *c;
	int rc = -1;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	c->dst = ask->dst;
	c->local.addr = ask->src;
	c->local.port = ask->src_port;
	c->fd = conn_socket(ask->dst.addr.version, f);
	if (c->fd == -1)
		goto out;
	conn_set_flag(c->fd, IPPROTO_TCP, TCP_NODELAY, 1);
	conn_set_recverr(c, 1);
	if (conn_bind_device(c->fd, ask->ifname, f) != 0)
		goto out;
	if (conn_bind_source(c, ask, f) != 0)
		goto out;
	if (conn_connect(c, ask, f) != 0)
		goto out;
	conn_learn_local(c->fd, &c->local);
	*out = c; /* hand over last */
	c = NULL;
	rc = 0;
out:
	conn_close(c, true);
	return rc;
}

static void
conn_advance(struct conn *c, int revents)
{
	int err;

	err = conn_take_error(c);
	if (err != 0) {
		conn_settle(c, err);
		return;
	}
	if (c->state == CONN_CONNECTING) {
		if ((revents & POLLHUP) != 0) {
			conn_settle(c, ENOTCONN);
			return;
		}
		c->state = CONN_OPEN;
		conn_set_recverr(c, 0);
	}
	if (c->state == CONN_OPEN && (revents & (POLLRDHUP | POLLHUP)) != 0)
		c->state = CONN_CLOSED;
}

/*
 * A connection that the peer closed is still looked at: a reset often comes
 * right behind a FIN.
 */
enum conn_state
conn_get_state(struct conn *c)
{
	struct pollfd pfd = {.fd = c->fd, .events = POLLOUT | POLLRDHUP};

	switch (c->state) {
	case CONN_CONNECTING:
	case CONN_OPEN:
	case CONN_CLOSED:
		if (poll(&pfd, 1, 0) == 1)
			conn_advance(c, pfd.revents);
		break;
	case CONN_REFUSED:
	case CONN_UNREACHABLE:
	case CONN_TIMED_OUT:
	case CONN_RESET:
	case CONN_FAILED:
		break;
	}
	return c->state;
}

int
conn_fd(const struct conn *c)
{
	return c->fd;
}

void
conn_get_local(const struct conn *c, struct endpoint *out)
{
	*out = c->local;
}

static int
conn_fault_send(struct conn *c, int err, struct fault *f)
{
	char dst[ADDR_ENDPOINT];

	endpoint_format(&c->dst, dst);
	if (err == EAGAIN || err == EWOULDBLOCK)
		return fault(f, FAULT_NETWORK,
		    "the connection to %s takes no data now", dst);
	if (err == EPIPE || err == ECONNRESET)
		return fault(f, FAULT_NETWORK,
		    "the connection to %s was ended before the data went out",
		    dst);
	return fault(f, FAULT_NETWORK, "sending to %s: %s", dst, strerror(err));
}

/*
 * send(2) takes the pending error with it, and gives EPIPE for ever after;
 * so the first of them is recorded here.
 */
static int
conn_note_send_error(struct conn *c, int err)
{
	int pending;

	if (err == EAGAIN || err == EWOULDBLOCK)
		return err;
	pending = err == EPIPE ? conn_take_error(c) : 0;
	conn_settle(c, pending != 0 ? pending : err);
	return err;
}

int
conn_send(struct conn *c, const uint8_t *p, size_t n, struct fault *f)
{
	ssize_t got;

	(void)conn_get_state(c); /* an error that is pending is noted first */
	while (n > 0) {
		got = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (got >= 0) {
			p += got;
			n -= (size_t)got;
		} else if (errno != EINTR) {
			return conn_fault_send(
			    c, conn_note_send_error(c, errno), f);
		}
	}
	return 0;
}

int
conn_set_ttl(struct conn *c, int ttl, struct fault *f)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);
	int rc;

	if (getsockname(c->fd, (struct sockaddr *)&ss, &len) == -1)
		return fault(
		    f, FAULT_SYSTEM, "getsockname: %s", strerror(errno));
	rc = ss.ss_family == AF_INET6
	    ? setsockopt(
		  c->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl))
	    : setsockopt(c->fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	if (rc == -1)
		return fault(f, FAULT_SYSTEM, "setting the TTL %d: %s", ttl,
		    strerror(errno));
	return 0;
}

size_t
conn_recv(struct conn *c, uint8_t *buf, size_t size)
{
	ssize_t got;

	if (c->state == CONN_CONNECTING)
		return 0;
	do
		got = recv(c->fd, buf, size, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return (size_t)got;
	if (got == 0 && c->state == CONN_OPEN)
		c->state = CONN_CLOSED;
	if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
		conn_settle(c, errno);
	return 0;
}

void
conn_drain(struct conn *c)
{
	uint8_t buf[CONN_DRAIN_CHUNK];

	for (int i = 0; i < CONN_DRAIN_READS; i++)
		if (conn_recv(c, buf, sizeof(buf)) == 0)
			return;
}

void
conn_close(struct conn *c, bool abort)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (c == NULL)
		return;
	if (c->fd != -1) {
		if (abort)
			(void)setsockopt(
			    c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		else
			conn_drain(c); /* or unread data makes it a reset */
		close(c->fd);
	}
	free(c);
}

int
conn_reserve_port(const struct addr *src, uint16_t port, int *fd,
    struct endpoint *local, struct fault *f)
{
	/* A scope is not known here, and the port is all that matters. */
	struct addr any = {.version = src->version};
	int s;

	s = conn_socket(src->version, f);
	if (s == -1)
		return -1;
	if (conn_is_link_local(src)) {
		if (conn_bind(s, &any, port, src->version, NULL, f) != 0)
			goto out;
	} else if (conn_bind(s, src, port, src->version, NULL, f) != 0) {
		goto out;
	}
	conn_learn_local(s, local);
	local->addr = *src;
	*fd = s; /* hand over last */
	return 0;
out:
	close(s);
	return -1;
}
