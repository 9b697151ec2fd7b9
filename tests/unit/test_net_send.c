/*
 * Crafted packets on a real wire: what the capture reads back is what was
 * crafted.
 */
#include "netns.h"
#include "proves.h"

#include <grp.h>
#include <poll.h>

#include <rsthop/capture.h>
#include <rsthop/craft.h>
#include <rsthop/pkt.h>
#include <rsthop/send.h>

static const uint8_t payload[] = "use db";

static size_t
make_tcp(const char *src, const char *dst, struct craft_tcp *t, uint8_t *buf)
{
	struct fault f = {0};
	struct craft *c;
	size_t len;

	*t = (struct craft_tcp){
	    .flow = {netns_endpoint(src, 40001), netns_endpoint(dst, 3306)},
	    .ttl = 7,
	    .tos = 0x20,
	    .id = 13052,
	    .df = true,
	    .flow_label = 0xabcde,
	    .seq = 0x01020304,
	    .ack = 0x0a0b0c0d,
	    .flags = PKT_TH_PSH | PKT_TH_ACK,
	    .window = 777,
	    .payload = payload,
	    .payload_len = 6};
	assert_int_equal(craft_new(&c, &f), 0);
	if (craft_tcp(c, t, buf, CRAFT_MAX, &len, &f) != 0)
		fail_msg("craft_tcp: %s", f.text);
	craft_free(c);
	return len;
}

static struct capture *
capture_on(const char *ifname, const char *filter)
{
	struct fault f = {0};
	struct capture *c;

	if (capture_open_live(ifname, filter, &c, &f) != 0)
		fail_msg("capture: %s", f.text);
	return c;
}

static void
take_one(struct capture *c, struct capture_packet *cp)
{
	struct pollfd pfd = {.fd = capture_fd(c), .events = POLLIN};
	struct fault f = {0};
	int rc;

	while ((rc = capture_next(c, cp, &f)) == 0)
		if (poll(&pfd, 1, 2000) != 1)
			fail_msg("no packet came within 2 s");
	if (rc != 1)
		fail_msg("capture: %s", f.text);
}

/* On our own interface and, where the far end lies, on the peer's too. */
static void
round_trip(const char *src, const char *dst, const char *ifname)
{
	int version = strchr(dst, ':') != NULL ? 6 : 4;
	struct capture *near, *far;
	struct capture_packet cp;
	uint8_t buf[CRAFT_MAX];
	struct fault f = {0};
	struct craft_tcp t;
	struct send *s;
	size_t len;

	netns_far();
	far = capture_on("far0", "tcp dst port 3306");
	netns_near();
	near = capture_on("near0", "tcp dst port 3306");
	len = make_tcp(src, dst, &t, buf);
	assert_int_equal(send_open(version, ifname, &s, &f), 0);
	if (send_packet(s, buf, len, &f) != 0)
		fail_msg("send: %s", f.text);
	send_free(s);

	take_one(near, &cp);
	assert_int_equal(cp.link, PKT_LINK_ETHERNET);
	assert_int_equal(cp.len, 14 + len);
	assert_memory_equal(cp.data + 14, buf, len);
	take_one(far, &cp);
	assert_int_equal(cp.len, 14 + len);
	assert_memory_equal(cp.data + 14, buf, len);
	capture_free(near);
	capture_free(far);
	print_message("%s -> %s%s%s: %zu bytes, unchanged at both ends\n", src,
	    dst, ifname != NULL ? " through " : "",
	    ifname != NULL ? ifname : "", len);
}

static int
setup(void **state)
{
	if (netns_setup(state) != 0)
		return -1;
	if (!netns.ready)
		return 0;
	netns_run("ip addr add fe80::1/64 dev near0 nodad && "
		  "ip neigh replace 10.55.0.2 lladdr " NETNS_FAR_MAC
		  " dev near0 nud permanent && "
		  "ip neigh replace fd55::2 lladdr " NETNS_FAR_MAC
		  " dev near0 nud permanent && "
		  "ip neigh replace fe80::2 lladdr " NETNS_FAR_MAC
		  " dev near0 nud permanent");
	return 0;
}

static void
v4(void **state)
{
	(void)state;
	NETNS_NEED();
	round_trip("10.55.0.1", "10.55.0.2", NULL);
	round_trip("10.55.0.1", "10.55.0.2", "near0");
}

static void
v6(void **state)
{
	(void)state;
	NETNS_NEED();
	round_trip("fd55::1", "fd55::2", NULL);
	round_trip("fd55::1", "fd55::2", "near0");
}

static void
v6_link_local(void **state)
{
	(void)state;
	NETNS_NEED();
	round_trip("fe80::1", "fe80::2", "near0");
}

/* The far end is a kernel: it answers what it takes for well made. */
static void
far_kernel_answers(void **state)
{
	static const char *const ends[][2] = {
	    {"10.55.0.1", "10.55.0.2"}, {"fd55::1", "fd55::2"}};
	struct capture_packet cp;
	struct capture *c;
	uint8_t buf[CRAFT_MAX];
	struct fault f = {0};
	struct craft_tcp t;
	struct send *s;
	struct pkt p;
	size_t len;

	(void)state;
	NETNS_NEED();
	for (size_t i = 0; i < 2; i++) {
		c = capture_on("near0", "tcp src port 3306");
		len = make_tcp(ends[i][0], ends[i][1], &t, buf);
		assert_int_equal(send_open(i == 0 ? 4 : 6, NULL, &s, &f), 0);
		assert_int_equal(send_packet(s, buf, len, &f), 0);
		take_one(c, &cp);
		pkt_decode(cp.link, cp.data, cp.len, cp.wire_len, &p);
		assert_true(p.has & PKT_HAS_TCP);
		assert_int_equal(p.tcp.flags, PKT_TH_RST);
		assert_true(p.tcp.seq == t.ack);
		send_free(s);
		capture_free(c);
		print_message("%s resets what it has no connection for, with "
			      "our ack as its seq\n",
		    ends[i][1]);
	}
}

static void
refusals(void **state)
{
	uint8_t buf[CRAFT_MAX];
	struct fault f = {0};
	struct craft_tcp t;
	struct send *s;
	size_t len;

	(void)state;
	NETNS_NEED();
	assert_int_equal(send_open(4, NULL, &s, &f), 0);
	len = make_tcp("10.55.0.1", "192.0.2.1", &t, buf);
	netns_expect_fault(
	    send_packet(s, buf, len, &f), &f, FAULT_NETWORK, "192.0.2.1");
	netns_expect_fault(
	    send_packet(s, buf, 19, &f), &f, FAULT_SYSTEM, "no whole IPv4");
	make_tcp("10.55.0.1", "10.55.0.2", &t, buf);
	memset(buf + 46, 0, sizeof(buf) - 46);
	netns_expect_fault(send_packet(s, buf, sizeof(buf), &f), &f,
	    FAULT_NETWORK, "larger than the interface's MTU");
	send_free(s);

	netns_run("ip -6 route add unreachable fd78::/32");
	assert_int_equal(send_open(6, NULL, &s, &f), 0);
	len = make_tcp("fd55::1", "fd78::1", &t, buf);
	netns_expect_fault(
	    send_packet(s, buf, len, &f), &f, FAULT_NETWORK, "fd78::1");
	send_free(s);
	netns_expect_fault(send_open(4, "eth77", &s, &f), &f, FAULT_NETWORK,
	    "interface eth77");
}

/* Each runs in a child that gave its privileges away. */
static int
without_privilege(enum fault_kind *kind)
{
	struct capture *c;
	struct fault f = {0}, g = {0};
	struct send *s;

	if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
		return 2;
	if (send_open(4, NULL, &s, &f) != -1 ||
	    capture_open_live("near0", "tcp", &c, &g) != -1)
		return 1;
	print_message("    fault: %s\n    fault: %s\n", f.text, g.text);
	fflush(NULL);
	*kind = f.kind;
	return f.kind == FAULT_PRIVILEGE && g.kind == FAULT_PRIVILEGE &&
		strstr(g.text, "capturing on near0 needs root") != NULL
	    ? 0
	    : 1;
}

static void
privilege(void **state)
{
	enum fault_kind kind;
	int status;
	pid_t pid;

	(void)state;
	NETNS_NEED();
	if (getuid() != 0) {
		print_message("SKIPPED: only root can give root away\n");
		skip();
	}
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(without_privilege(&kind));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2) {
		print_message("SKIPPED: this namespace has one user\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	print_message("without privilege: one line says what to do\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("v4", v4),
	    PROVES("v6", v6),
	    PROVES("v6 link local", v6_link_local),
	    PROVES("far kernel answers", far_kernel_answers),
	    PROVES("refusals", refusals),
	    PROVES("privilege", privilege),
	};

	return cmocka_run_group_tests_name(
	    "net_send", tests, setup, netns_teardown);
}
