/*
 * The kernel's connections: each state a real peer can bring them to.
 */
#include "netns.h"
#include "proves.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

#include <rsthop/clock.h>
#include <rsthop/conn.h>

#define PORT 3306

static struct conn *
open_to(const char *ip, uint16_t port, uint16_t src_port)
{
	struct conn_ask ask = {
	    .dst = netns_endpoint(ip, port), .src_port = src_port};
	struct fault f = {0};
	struct conn *c;

	if (conn_open(&ask, &c, &f) != 0)
		fail_msg("conn_open: %s", f.text);
	return c;
}

/* Waits until the state is another than `from`, two seconds at most. */
static enum conn_state
wait_beyond(struct conn *c, enum conn_state from)
{
	enum conn_state st;

	for (int i = 0; i < 2000; i++) {
		st = conn_get_state(c);
		if (st != from)
			return st;
		poll(NULL, 0, 1);
	}
	return from;
}

static int
accept_from(int server)
{
	int fd = accept(server, NULL, NULL);

	assert_int_not_equal(fd, -1);
	return fd;
}

static void
expect_data(int fd, const char *text)
{
	char buf[64] = "";
	size_t len = strlen(text);

	assert_int_equal(recv(fd, buf, len, MSG_WAITALL), (ssize_t)len);
	assert_memory_equal(buf, text, len);
}

static void
opens_and_sends(const char *ip)
{
	struct endpoint local;
	struct fault f = {0};
	struct conn *c;
	int server, fd;

	server = netns_listen_far(ip, PORT);
	c = open_to(ip, PORT, 0);
	assert_int_equal(wait_beyond(c, CONN_CONNECTING), CONN_OPEN);
	fd = accept_from(server);
	conn_get_local(c, &local);
	assert_int_not_equal(local.port, 0);
	assert_int_equal(conn_send(c, (const uint8_t *)"use db", 6, &f), 0);
	expect_data(fd, "use db");
	assert_int_equal(conn_get_state(c), CONN_OPEN);
	conn_close(c, true);
	close(fd);
	close(server);
	print_message("%s: opens, knows its own end, sends\n", ip);
}

static void
opens(void **state)
{
	(void)state;
	NETNS_NEED();
	opens_and_sends("10.55.0.2");
	opens_and_sends("fd55::2");
}

static void
refused_by_reset(void **state)
{
	static const char *const to[] = {
	    "10.55.0.2", "fd55::2", "127.0.0.1", "::1"};
	struct endpoint local;
	struct conn *c;

	(void)state;
	NETNS_NEED();
	for (size_t i = 0; i < 4; i++) {
		c = open_to(to[i], 4444, 0);
		assert_int_equal(wait_beyond(c, CONN_CONNECTING), CONN_REFUSED);
		assert_int_equal(conn_get_state(c), CONN_REFUSED);
		conn_get_local(c, &local);
		print_message("%s: a reset to the SYN (from our port %u)\n",
		    to[i], local.port);
		assert_int_not_equal(local.port, 0);
		conn_close(c, true);
	}
}

/* What a firewall's reject rule sends by default. */
static void
refused_by_icmp(void **state)
{
	static const char *const to[] = {"10.55.0.2", "fd55::2"};
	struct conn *c;

	(void)state;
	NETNS_NEED();
	netns_far();
	if (system("iptables -A INPUT -p tcp --dport 4445 -j REJECT "
		   ">/dev/null 2>&1 && "
		   "ip6tables -A INPUT -p tcp --dport 4445 -j REJECT "
		   ">/dev/null 2>&1") != 0) {
		netns_near();
		print_message("SKIPPED: no iptables here\n");
		skip();
	}
	netns_near();
	for (size_t i = 0; i < 2; i++) {
		c = open_to(to[i], 4445, 0);
		assert_int_equal(
		    wait_beyond(c, CONN_CONNECTING), CONN_UNREACHABLE);
		print_message("%s: ICMP port unreachable is told from a "
			      "reset\n",
		    to[i]);
		conn_close(c, true);
	}
}

static void
unreachable(void **state)
{
	struct conn *c;

	(void)state;
	NETNS_NEED();
	c = open_to("192.0.2.1", 80, 0);
	assert_int_equal(conn_get_state(c), CONN_UNREACHABLE);
	conn_close(c, true);
	print_message("no route at all: unreachable, not a fault\n");
}

static void
no_answer_to_the_syn(void **state)
{
	struct conn *c;
	int wait_ms = 200;

	(void)state;
	NETNS_NEED();
	netns_run("ip neigh replace 10.55.0.99 lladdr 02:55:00:00:00:99 "
		  "dev near0 nud permanent");
	c = open_to("10.55.0.99", 80, 0);
	assert_int_equal(conn_get_state(c), CONN_CONNECTING);
	/* TCP_USER_TIMEOUT (18) ends the wait for the test's sake. */
	setsockopt(conn_fd(c), 6, 18, &wait_ms, sizeof(wait_ms));
	poll(NULL, 0, 1500);
	assert_int_equal(wait_beyond(c, CONN_CONNECTING), CONN_TIMED_OUT);
	conn_close(c, true);
	print_message("a SYN that nobody answers: timed out\n");
}

static void
peer_resets(void **state)
{
	struct fault f = {0};
	struct conn *c;
	int server, fd;

	(void)state;
	NETNS_NEED();
	server = netns_listen_far("10.55.0.2", PORT);
	c = open_to("10.55.0.2", PORT, 0);
	assert_int_equal(wait_beyond(c, CONN_CONNECTING), CONN_OPEN);
	fd = accept_from(server);
	netns_reset(fd);
	assert_int_equal(wait_beyond(c, CONN_OPEN), CONN_RESET);
	conn_drain(c);
	assert_int_equal(
	    conn_send(c, (const uint8_t *)"x", 1, &f), -1); /* no SIGPIPE */
	print_message("    fault: %s\n", f.text);
	assert_int_equal(f.kind, FAULT_NETWORK);
	assert_int_equal(conn_get_state(c), CONN_RESET);
	conn_close(c, true);
	close(server);
	print_message("a reset is kept after drain and send\n");
}

/* send, recv and SO_ERROR each take the pending error away. */
static void
reset_seen_by_send_or_drain_first(void **state)
{
	struct fault f = {0};
	struct conn *c;
	int server;

	(void)state;
	NETNS_NEED();
	server = netns_listen_far("10.55.0.2", PORT);
	for (int i = 0; i < 2; i++) {
		c = open_to("10.55.0.2", PORT, 0);
		assert_int_equal(wait_beyond(c, CONN_CONNECTING), CONN_OPEN);
		netns_reset(accept_from(server));
		poll(NULL, 0, 50);
		if (i == 0)
			conn_drain(c);
		else
			assert_int_equal(
			    conn_send(c, (const uint8_t *)"x", 1, &f), -1);
		assert_int_equal(conn_get_state(c), CONN_RESET);
		conn_close(c, true);
	}
	close(server);
}

static void
peer_closes_then_resets(void **state)
{
	struct conn *c;
	int server, fd;

	(void)state;
	NETNS_NEED();
	server = netns_listen_far("10.55.0.2", PORT);
	c = open_to("10.55.0.2", PORT, 0);
	assert_int_equal(wait_beyond(c, CONN_CONNECTING), CONN_OPEN);
	fd = accept_from(server);
	assert_int_equal(send(fd, "bye", 3, 0), 3);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_int_equal(wait_beyond(c, CONN_OPEN), CONN_CLOSED);
	conn_drain(c);
	assert_int_equal(conn_get_state(c), CONN_CLOSED);
	netns_reset(fd);
	assert_int_equal(wait_beyond(c, CONN_CLOSED), CONN_RESET);
	conn_close(c, true);
	close(server);
	print_message("a FIN behind data, then a reset behind the FIN\n");
}

static void
drain_keeps_the_window_open(void **state)
{
	static char chunk[65536];
	size_t sent = 0, want = 4 * 1024 * 1024;
	struct conn *c;
	ssize_t got;
	int server, fd;

	(void)state;
	NETNS_NEED();
	server = netns_listen_far("10.55.0.2", PORT);
	c = open_to("10.55.0.2", PORT, 0);
	assert_int_equal(wait_beyond(c, CONN_CONNECTING), CONN_OPEN);
	fd = accept_from(server);
	for (int i = 0; i < 20000 && sent < want; i++) {
		got = send(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (got > 0)
			sent += (size_t)got;
		else
			poll(NULL, 0, 1);
		conn_drain(c);
	}
	assert_true(sent >= want);
	assert_int_equal(conn_get_state(c), CONN_OPEN);
	conn_close(c, false);
	close(fd);
	close(server);
	print_message("4 MB from the peer were read and dropped\n");
}

static void
source_port(void **state)
{
	struct conn_ask ask;
	struct endpoint local;
	struct fault f = {0};
	struct conn *c, *other;
	int server, taken;

	(void)state;
	NETNS_NEED();
	server = netns_listen_far("10.55.0.2", PORT);
	for (int i = 0; i < 3; i++) { /* a reset leaves no TIME_WAIT behind */
		c = open_to("10.55.0.2", PORT, 40001);
		conn_get_local(c, &local);
		assert_int_equal(local.port, 40001);
		assert_int_equal(wait_beyond(c, CONN_CONNECTING), CONN_OPEN);
		close(accept_from(server));
		conn_close(c, true);
	}
	print_message("the same source port three times over\n");

	c = open_to("10.55.0.2", PORT, 40001);
	ask = (struct conn_ask){
	    .dst = netns_endpoint("10.55.0.2", PORT), .src_port = 40001};
	netns_expect_fault(
	    conn_open(&ask, &other, &f), &f, FAULT_NETWORK, "--source-port");
	conn_close(c, true);
	close(server);

	taken = netns_listen("10.55.0.1", 40002);
	ask.src_port = 40002;
	ask.src = netns_addr("10.55.0.1");
	netns_expect_fault(conn_open(&ask, &other, &f), &f, FAULT_NETWORK,
	    "source port 40002 is in use");
	close(taken);
}

static void
source_address(void **state)
{
	struct conn_ask ask = {0};
	struct endpoint local;
	struct fault f = {0};
	struct conn *c;
	int server;

	(void)state;
	NETNS_NEED();
	server = netns_listen_far("10.55.0.2", PORT);
	ask.dst = netns_endpoint("10.55.0.2", PORT);
	ask.src = netns_addr("10.55.0.1");
	ask.ifname = "near0";
	assert_int_equal(conn_open(&ask, &c, &f), 0);
	conn_get_local(c, &local);
	assert_true(addr_equal(&local.addr, &ask.src));
	assert_int_not_equal(local.port, 0);
	assert_int_equal(wait_beyond(c, CONN_CONNECTING), CONN_OPEN);
	conn_close(c, true);
	close(server);

	ask.src = netns_addr("10.55.0.77");
	netns_expect_fault(conn_open(&ask, &c, &f), &f, FAULT_NETWORK,
	    "10.55.0.77 is not an address of this host");
	ask.src = netns_addr("fd55::1");
	netns_expect_fault(
	    conn_open(&ask, &c, &f), &f, FAULT_NETWORK, "must both be");
	ask.src = netns_addr("10.55.0.1");
	ask.ifname = "eth77";
	netns_expect_fault(conn_open(&ask, &c, &f), &f, FAULT_NETWORK, "eth77");
}

static void
link_local(void **state)
{
	struct conn_ask ask = {.ifname = "near0"};
	struct fault f = {0};
	struct conn *c;

	(void)state;
	NETNS_NEED();
	netns_run("ip addr add fe80::1/64 dev near0 nodad");
	netns_far();
	netns_run("ip addr add fe80::2/64 dev far0 nodad");
	netns_near();
	ask.dst = netns_endpoint("fe80::2", 4444);
	ask.src = netns_addr("fe80::1");
	assert_int_equal(conn_open(&ask, &c, &f), 0);
	assert_int_equal(wait_beyond(c, CONN_CONNECTING), CONN_REFUSED);
	conn_close(c, true);
	print_message("fe80::2 is reached through the interface named\n");
}

static void
reserve(void **state)
{
	struct endpoint one, two;
	struct addr src;
	struct fault f = {0};
	int fd, fd2;

	(void)state;
	NETNS_NEED();
	src = netns_addr("10.55.0.1");
	assert_int_equal(conn_reserve_port(&src, 0, &fd, &one, &f), 0);
	assert_int_not_equal(one.port, 0);
	assert_true(addr_equal(&one.addr, &src));
	assert_int_equal(conn_reserve_port(&src, 0, &fd2, &two, &f), 0);
	assert_int_not_equal(one.port, two.port);
	close(fd2);
	close(fd);
	src = netns_addr("fe80::1");
	assert_int_equal(conn_reserve_port(&src, 40003, &fd, &one, &f), 0);
	assert_int_equal(one.port, 40003);
	close(fd);
	fd2 = netns_listen("10.55.0.1", 40004);
	src = netns_addr("10.55.0.1");
	netns_expect_fault(conn_reserve_port(&src, 40004, &fd, &one, &f), &f,
	    FAULT_NETWORK, "--source-port");
	close(fd2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("opens", opens),
	    PROVES("refused by reset", refused_by_reset),
	    PROVES("refused by icmp", refused_by_icmp),
	    PROVES("unreachable", unreachable),
	    PROVES("no answer to the syn", no_answer_to_the_syn),
	    PROVES("peer resets", peer_resets),
	    PROVES("reset seen by send or drain first",
		reset_seen_by_send_or_drain_first),
	    PROVES("peer closes then resets", peer_closes_then_resets),
	    PROVES("drain keeps the window open", drain_keeps_the_window_open),
	    PROVES("source port", source_port),
	    PROVES("source address", source_address),
	    PROVES("link local", link_local),
	    PROVES("reserve", reserve),
	};

	return cmocka_run_group_tests_name(
	    "net_conn", tests, netns_setup, netns_teardown);
}
