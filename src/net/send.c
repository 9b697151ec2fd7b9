/*
 * Crafted packets out through libnet's raw sockets.
 *
 * The header goes out as it was crafted: an IPPROTO_RAW socket implies
 * IP_HDRINCL.  Linux then fills in the checksum, and an ID where it is 0, in
 * IPv4; in IPv6 nothing at all is changed.  libnet leaves
 * sin6_scope_id 0, so a link-local destination needs the socket bound to its
 * interface: give send_open() the ifname.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libnet.h>

#include <rsthop/addr.h>
#include <rsthop/send.h>

#define SEND_TRIES   20
#define SEND_WAIT_MS 5

struct send {
	libnet_t *net;
	int version;
};

static int
send_fault_privilege(struct fault *f)
{
	return fault(f, FAULT_PRIVILEGE,
	    "sending crafted packets needs root or CAP_NET_RAW: run it with "
	    "sudo");
}

/*
 * The socket is opened here and given to libnet: what libnet opens by itself
 * it also asks 6,500 times for a slightly larger buffer, which takes longer
 * than many a round trip; and a refusal keeps its errno this way.
 */
static int
send_init(struct send *s, struct fault *f)
{
	char text[LIBNET_ERRBUF_SIZE] = "";

	s->net = libnet_init(LIBNET_NONE, NULL, text);
	if (s->net == NULL) {
		text[strcspn(text, "\n")] = '\0';
		return fault(
		    f, FAULT_SYSTEM, "setting up the raw socket: %s", text);
	}
	s->net->fd = socket(s->version == 4 ? AF_INET : AF_INET6,
	    SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
	s->net->injection_type = s->version == 4 ? LIBNET_RAW4 : LIBNET_RAW6;
	if (s->net->fd != -1)
		return 0;
	if (errno == EPERM || errno == EACCES)
		return send_fault_privilege(f);
	if (errno == EAFNOSUPPORT)
		return fault(
		    f, FAULT_NETWORK, "this host has no IPv%d", s->version);
	return fault(
	    f, FAULT_SYSTEM, "opening a raw socket: %s", strerror(errno));
}

static int
send_bind_device(struct send *s, const char *ifname, struct fault *f)
{
	if (ifname == NULL)
		return 0;
	if (setsockopt(libnet_getfd(s->net), SOL_SOCKET, SO_BINDTODEVICE,
		ifname, (socklen_t)strlen(ifname)) == 0)
		return 0;
	if (errno == EPERM)
		return send_fault_privilege(f);
	return fault(f, FAULT_NETWORK,
	    "binding the raw socket to interface %s: %s", ifname,
	    strerror(errno));
}

int
send_open(int version, const char *ifname, struct send **out, struct fault *f)
{
	struct send *s;
	int rc = -1;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	s->version = version;
	if (send_init(s, f) != 0)
		goto out;
	if (send_bind_device(s, ifname, f) != 0)
		goto out;
	*out = s; /* hand over last */
	s = NULL;
	rc = 0;
out:
	send_free(s);
	return rc;
}

/* 0, or the errno of the kernel's refusal. */
static int
send_try(struct send *s, const uint8_t *p, uint32_t n)
{
	int rc;

	errno = 0;
	if (s->version == 4)
		rc = libnet_write_raw_ipv4(s->net, p, n);
	else
		rc = libnet_write_raw_ipv6(s->net, p, n);
	if (rc == (int)n)
		return 0;
	return errno != 0 ? errno : EIO;
}

/* ENOBUFS does not show in poll(2): the device's queue is full, not ours. */
static void
send_wait_room(struct send *s, int err)
{
	struct pollfd pfd = {.fd = libnet_getfd(s->net), .events = POLLOUT};

	if (err == ENOBUFS)
		poll(NULL, 0, SEND_WAIT_MS);
	else
		poll(&pfd, 1, SEND_WAIT_MS);
}

static bool
send_is_passing(int err)
{
	return err == EAGAIN || err == ENOBUFS || err == EINTR;
}

static const char *
send_format_dst(const struct send *s, const uint8_t *p, char buf[ADDR_TEXT])
{
	struct addr a;

	a = s->version == 4 ? addr_from_v4(p + 16) : addr_from_v6(p + 24);
	return addr_format(&a, buf);
}

static int
send_fault(
    const struct send *s, const uint8_t *p, size_t n, int err, struct fault *f)
{
	char dst[ADDR_TEXT];

	send_format_dst(s, p, dst);
	if (err == EHOSTUNREACH || err == ENETUNREACH || err == ENETDOWN)
		return fault(f, FAULT_NETWORK,
		    "no packet can be sent to %s: %s", dst, strerror(err));
	if (err == EMSGSIZE)
		return fault(f, FAULT_NETWORK,
		    "a packet of %zu bytes to %s is larger than the "
		    "interface's MTU",
		    n, dst);
	if (err == EPERM || err == EACCES)
		return fault(f, FAULT_NETWORK,
		    "the kernel refuses a packet to %s: %s: see the firewall "
		    "rules of this host",
		    dst, strerror(err));
	if (send_is_passing(err))
		return fault(f, FAULT_NETWORK,
		    "the interface toward %s takes no packets: %s", dst,
		    strerror(err));
	return fault(
	    f, FAULT_NETWORK, "sending a packet to %s: %s", dst, strerror(err));
}

int
send_packet(struct send *s, const uint8_t *p, size_t n, struct fault *f)
{
	size_t header = s->version == 4 ? 20 : 40;
	int err;

	if (n < header || n > 65535 || p[0] >> 4 != s->version)
		return fault(f, FAULT_SYSTEM,
		    "what should be sent is no whole IPv%d packet", s->version);
	err = send_try(s, p, (uint32_t)n);
	for (int i = 0; send_is_passing(err) && i < SEND_TRIES; i++) {
		send_wait_room(s, err);
		err = send_try(s, p, (uint32_t)n);
	}
	return err == 0 ? 0 : send_fault(s, p, n, err, f);
}

void
send_free(struct send *s)
{
	if (s == NULL)
		return;
	if (s->net != NULL)
		libnet_destroy(s->net);
	free(s);
}
