/*
 * Two network namespaces, near and far, joined by a veth pair, for tests that
 * need real kernels and real packets.  They go with the process.
 *
 *	near0 10.55.0.1/24 fd55::1/64  <->  far0 10.55.0.2/24 fd55::2/64
 *
 * The test lives in near; netns_far() takes it to the other side and
 * netns_near() back.  A socket stays where it was made.
 */
#ifndef RSTHOP_UNIT_NETNS_H
#define RSTHOP_UNIT_NETNS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* unshare, setns */
#endif
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <rsthop/addr.h>
#include <rsthop/fault.h>

#define NETNS_NEAR_MAC "02:55:00:00:00:01"
#define NETNS_FAR_MAC  "02:55:00:00:00:02"

struct netns {
	bool ready;
	const char *why_not;
	int near;
	int far;
};

static struct netns netns = {.near = -1, .far = -1, .why_not = "not set up"};

static inline bool
netns_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd == -1)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* Where we may not make a namespace, a user namespace of our own lets us. */
static inline bool
netns_unshare(void)
{
	char map[64], gmap[64];

	snprintf(map, sizeof(map), "0 %u 1", (unsigned int)getuid());
	snprintf(gmap, sizeof(gmap), "0 %u 1", (unsigned int)getgid());
	if (unshare(CLONE_NEWNET) == 0)
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	netns_write("/proc/self/setgroups", "deny");
	return netns_write("/proc/self/uid_map", map) &&
	    netns_write("/proc/self/gid_map", gmap);
}

static inline int netns_run(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

static inline int
netns_run(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	rc = system(cmd);
	if (rc != 0)
		print_message("failed (%d): %s\n", rc, cmd);
	return rc;
}

static inline void
netns_far(void)
{
	assert_int_equal(setns(netns.far, CLONE_NEWNET), 0);
}

static inline void
netns_near(void)
{
	assert_int_equal(setns(netns.near, CLONE_NEWNET), 0);
}

static inline bool
netns_wire(void)
{
	int rc = 0;

	rc |= netns_run("ip link add near0 address " NETNS_NEAR_MAC
			" type veth peer name far0 address " NETNS_FAR_MAC);
	rc |= netns_run(
	    "ip link set far0 netns /proc/%d/fd/%d", getpid(), netns.far);
	rc |= netns_run("ip link set lo up && ip link set near0 up");
	rc |= netns_run("ip addr add 10.55.0.1/24 dev near0 && "
			"ip addr add fd55::1/64 dev near0 nodad");
	if (rc != 0 || setns(netns.far, CLONE_NEWNET) != 0)
		return false;
	rc |= netns_run("ip link set lo up && ip link set far0 up");
	rc |= netns_run("ip addr add 10.55.0.2/24 dev far0 && "
			"ip addr add fd55::2/64 dev far0 nodad");
	return setns(netns.near, CLONE_NEWNET) == 0 && rc == 0;
}

/* A cmocka group setup: it never fails; the tests skip, see NETNS_NEED. */
static inline int
netns_setup(void **state)
{
	(void)state;
	if (!netns_unshare()) {
		netns.why_not = "no network namespace may be made here";
		return 0;
	}
	netns.far = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (unshare(CLONE_NEWNET) != 0)
		return -1;
	netns.near = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (system("ip -V >/dev/null 2>&1") != 0) {
		netns.why_not = "there is no ip(8)";
		return 0;
	}
	netns.ready = netns_wire();
	netns.why_not = "the veth pair could not be made";
	return 0;
}

static inline int
netns_teardown(void **state)
{
	(void)state;
	if (netns.far != -1)
		close(netns.far);
	if (netns.near != -1)
		close(netns.near);
	return 0;
}

#define NETNS_NEED()                                                   \
	do {                                                           \
		if (!netns.ready) {                                    \
			print_message("SKIPPED: %s\n", netns.why_not); \
			skip();                                        \
		}                                                      \
	} while (0)

static inline struct addr
netns_addr(const char *s)
{
	struct addr a = {0};

	assert_int_equal(addr_parse(s, &a), 0);
	return a;
}

static inline struct endpoint
netns_endpoint(const char *s, uint16_t port)
{
	struct endpoint e = {.addr = netns_addr(s), .port = port};

	return e;
}

/* A listening socket in the namespace we are in. */
static inline int
netns_listen(const char *ip, uint16_t port)
{
	struct endpoint e = netns_endpoint(ip, port);
	struct sockaddr_storage ss;
	socklen_t len = endpoint_to_sockaddr(&e, &ss);
	int on = 1;
	int fd;

	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(fd, -1);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static inline int
netns_listen_far(const char *ip, uint16_t port)
{
	int fd;

	netns_far();
	fd = netns_listen(ip, port);
	netns_near();
	return fd;
}

/* Ends an accepted connection with a reset. */
static inline void
netns_reset(int fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* The call must have failed with this kind and these words in its text. */
static inline void
netns_expect_fault(
    int rc, const struct fault *f, enum fault_kind kind, const char *words)
{
	assert_int_equal(rc, -1);
	print_message("    fault: %s\n", f->text);
	assert_int_equal(f->kind, kind);
	if (strstr(f->text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", f->text, words);
	assert_null(strchr(f->text, '\n'));
}

#endif
