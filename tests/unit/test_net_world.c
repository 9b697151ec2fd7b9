/*
 * The live world against real kernels: what jobs are promised, held to.
 */
#include "netns.h"
#include "proves.h"

#include <sys/resource.h>
#include <sys/signalfd.h>

#include <poll.h>
#include <signal.h>
#include <time.h>

#include <rsthop/clock.h>
#include <rsthop/world.h>

#include <rsthop/world_filter.h>

#define PORT 3306

struct lab {
	struct world w;
	struct world_live *live;
	struct world_live_ask ask;
};

static void
lab_open_with(struct lab *lab, const char *ip, uint16_t port,
    const char *ifname, int signal_fd)
{
	struct fault f = {0};

	memset(lab, 0, sizeof(*lab));
	lab->ask.target = netns_endpoint(ip, port);
	lab->ask.ifname = ifname;
	lab->ask.signal_fd = signal_fd;
	if (route_get(&lab->ask.target.addr, ifname, &lab->ask.route, &f) != 0)
		fail_msg("route: %s", f.text);
	if (world_live_open(&lab->ask, &lab->w, &lab->live, &f) != 0)
		fail_msg("world: %s", f.text);
}

static void
lab_open(struct lab *lab, const char *ip, uint16_t port)
{
	lab_open_with(lab, ip, port, NULL, -1);
}

static int64_t
now(struct lab *lab)
{
	return lab->w.now(lab->w.ctx);
}

/* The next packet within wait_ms: 1; 0 or -1 as next() gives them. */
static int
next(struct lab *lab, int wait_ms, struct world_packet *wp, struct fault *f)
{
	return lab->w.next(lab->w.ctx, now(lab) + wait_ms * CLOCK_MS, wp, f);
}

static int
connect_from(struct lab *lab, uint16_t src_port, struct endpoint *local)
{
	struct fault f = {0};
	int id = -1;

	if (lab->w.open(lab->w.ctx, src_port, &id, local, &f) != 0)
		fail_msg("open: %s", f.text);
	return id;
}

static void
expect_packet(struct lab *lab, bool outward, uint8_t flags,
    const struct endpoint *local, struct world_packet *wp)
{
	struct fault f = {0};
	struct flow_key key, want = {*local, lab->ask.target};
	char text[PKT_FLAGS_TEXT];

	assert_int_equal(next(lab, 2000, wp, &f), 1);
	assert_true(pkt_flow_key(&wp->pkt, &key));
	if (!outward)
		want = flow_key_reverse(&want);
	print_message("  %s %s\n", outward ? "->" : "<-",
	    pkt_format_flags(wp->pkt.tcp.flags, text));
	assert_true(flow_key_equal(&key, &want));
	assert_int_equal(wp->pkt.tcp.flags, flags);
	assert_true(wp->at_ns <= now(lab));
	assert_true(wp->at_ns > now(lab) - 2 * CLOCK_S);
}

static void
expect_quiet(struct lab *lab, int wait_ms)
{
	int64_t began = now(lab);
	struct world_packet wp;
	struct fault f = {0};

	assert_int_equal(next(lab, wait_ms, &wp, &f), 0);
	assert_true(now(lab) - began >= wait_ms * CLOCK_MS);
}

/* next() gives 0 for the change of state, long before its deadline. */
static void
expect_change(struct lab *lab, int id, enum conn_state st)
{
	int64_t began = now(lab);
	struct world_packet wp;
	struct fault f = {0};

	assert_int_equal(next(lab, 2000, &wp, &f), 0);
	assert_true(now(lab) - began < CLOCK_S);
	assert_int_equal(lab->w.state(lab->w.ctx, id), st);
}

static int
connect_fully(struct lab *lab, struct endpoint *local)
{
	struct world_packet wp;
	int64_t last;
	int id;

	id = connect_from(lab, 0, local);
	expect_packet(lab, true, PKT_TH_SYN, local, &wp);
	last = wp.at_ns;
	expect_packet(lab, false, PKT_TH_SYN | PKT_TH_ACK, local, &wp);
	assert_true(wp.at_ns >= last);
	last = wp.at_ns;
	expect_packet(lab, true, PKT_TH_ACK, local, &wp);
	assert_true(wp.at_ns >= last);
	return id;
}

static void
handshake(const char *ip, const char *ifname)
{
	struct endpoint local;
	struct world_packet wp;
	struct fault f = {0};
	struct lab lab;
	int server, fd, id;

	if (strncmp(ip, "127", 3) == 0)
		server = netns_listen(ip, PORT);
	else /* any: the address of a link has a scope */
		server =
		    netns_listen_far(strchr(ip, ':') != NULL ? "::" : ip, PORT);
	lab_open_with(&lab, ip, PORT, ifname, -1);
	print_message("%s through %s\n", ip, lab.ask.route.ifname);
	id = connect_fully(&lab, &local);
	/* Whether state() was asked or not, what it says now is OPEN. */
	(void)next(&lab, 100, &wp, &f);
	assert_int_equal(lab.w.state(lab.w.ctx, id), CONN_OPEN);
	fd = accept(server, NULL, NULL);
	assert_int_equal(
	    lab.w.send(lab.w.ctx, id, (const uint8_t *)"use db", 6, &f), 0);
	expect_packet(&lab, true, PKT_TH_PSH | PKT_TH_ACK, &local, &wp);
	assert_int_equal(wp.pkt.payload_len, 6);
	assert_memory_equal(wp.pkt.payload, "use db", 6);
	expect_packet(&lab, false, PKT_TH_ACK, &local, &wp);
	expect_quiet(&lab, 30);
	assert_int_equal(world_live_dropped(lab.live), 0);
	world_live_free(lab.live);
	close(fd);
	close(server);
}

static void
handshakes(void **state)
{
	(void)state;
	NETNS_NEED();
	handshake("10.55.0.2", NULL);
	handshake("10.55.0.2", "near0");
	handshake("fd55::2", NULL);
	handshake("fe80::2", "near0");
	handshake("127.0.0.1", NULL);
	print_message("each packet once, in order, seen from both sides\n");
}

static void
opening_is_told_at_once(void **state)
{
	struct endpoint local;
	struct world_packet wp;
	struct fault f = {0};
	struct lab lab;
	int64_t began;
	int server, id, rc;

	(void)state;
	NETNS_NEED();
	server = netns_listen_far("10.55.0.2", PORT);
	lab_open(&lab, "10.55.0.2", PORT);
	id = connect_from(&lab, 0, &local);
	began = now(&lab);
	while ((rc = next(&lab, 2000, &wp, &f)) == 1)
		continue;
	assert_int_equal(rc, 0);
	assert_true(now(&lab) - began < CLOCK_S);
	assert_int_equal(lab.w.state(lab.w.ctx, id), CONN_OPEN);
	expect_quiet(&lab, 50); /* and not told twice */
	world_live_free(lab.live);
	close(server);
}

static void
refused_and_unreachable(void **state)
{
	struct endpoint local;
	struct world_packet wp;
	struct lab lab;
	int id;

	(void)state;
	NETNS_NEED();
	lab_open(&lab, "10.55.0.2", 4444);
	id = connect_from(&lab, 0, &local);
	expect_packet(&lab, true, PKT_TH_SYN, &local, &wp);
	expect_packet(&lab, false, PKT_TH_RST | PKT_TH_ACK, &local, &wp);
	/* state() was not asked: the change is told. */
	expect_change(&lab, id, CONN_REFUSED);
	expect_quiet(&lab, 30);
	world_live_free(lab.live);
	print_message("a refused connection: SYN, reset, change told once\n");
}

static double
cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static void
ends_are_told_once(void **state)
{
	struct endpoint local;
	struct world_packet wp;
	struct fault f = {0};
	struct lab lab;
	double before;
	int server, fd, id, rc;

	(void)state;
	NETNS_NEED();
	server = netns_listen_far("10.55.0.2", PORT);
	lab_open(&lab, "10.55.0.2", PORT);
	id = connect_fully(&lab, &local);
	(void)next(&lab, 50, &wp, &f);
	fd = accept(server, NULL, NULL);
	assert_int_equal(send(fd, "hello", 5, 0), 5);
	shutdown(fd, SHUT_WR);
	while ((rc = next(&lab, 2000, &wp, &f)) == 1)
		continue;
	assert_int_equal(rc, 0);
	assert_int_equal(lab.w.state(lab.w.ctx, id), CONN_CLOSED);
	while ((rc = next(&lab, 60, &wp, &f)) == 1)
		continue;
	before = cpu_ms();
	expect_quiet(&lab, 300);
	assert_true(cpu_ms() - before < 100);
	print_message("FIN: told once, then quiet without spinning\n");
	netns_reset(fd);
	expect_packet(&lab, false, PKT_TH_RST | PKT_TH_ACK, &local, &wp);
	expect_change(&lab, id, CONN_RESET);
	before = cpu_ms();
	expect_quiet(&lab, 300);
	assert_true(cpu_ms() - before < 100);
	print_message("the reset behind it: the packet, the change, quiet\n");
	world_live_free(lab.live);
	close(server);
}

static void
server_data_is_drained(void **state)
{
	static char chunk[65536];
	struct endpoint local;
	struct world_packet wp;
	struct fault f = {0};
	struct lab lab;
	size_t sent = 0;
	ssize_t got;
	int server, fd;

	(void)state;
	NETNS_NEED();
	server = netns_listen_far("10.55.0.2", PORT);
	lab_open(&lab, "10.55.0.2", PORT);
	connect_fully(&lab, &local);
	fd = accept(server, NULL, NULL);
	for (int i = 0; i < 100000 && sent < 8 * 1024 * 1024; i++) {
		got = send(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (got > 0)
			sent += (size_t)got;
		assert_int_not_equal(next(&lab, 1, &wp, &f), -1);
	}
	assert_true(sent >= 8 * 1024 * 1024);
	world_live_free(lab.live);
	close(fd);
	close(server);
	print_message("8 MB from the server did not close the window\n");
}

static void
deadlines(void **state)
{
	static const int64_t waits[] = {
	    0, 100 * CLOCK_US, 1500 * CLOCK_US, 20 * CLOCK_MS};
	struct world_packet wp;
	struct fault f = {0};
	struct lab lab;
	int64_t began, late, least;

	(void)state;
	NETNS_NEED();
	lab_open(&lab, "10.55.0.2", PORT);
	for (size_t i = 0; i < 4; i++) {
		least = INT64_MAX;
		for (int tries = 0; tries < 20; tries++) {
			began = now(&lab);
			assert_int_equal(
			    lab.w.next(lab.w.ctx, began + waits[i], &wp, &f),
			    0);
			late = now(&lab) - began - waits[i];
			assert_true(late >= 0);
			if (late < least)
				least = late;
		}
		print_message("a wait of %lld us ends %lld us late at best\n",
		    (long long)(waits[i] / CLOCK_US),
		    (long long)(least / CLOCK_US));
		assert_true(least < 900 * CLOCK_US);
	}
	assert_int_equal(lab.w.next(lab.w.ctx, 0, &wp, &f), 0);
	world_live_free(lab.live);
}

static struct craft_echo
echo_of(const struct lab *lab, uint8_t ttl, uint16_t seq)
{
	return (struct craft_echo){.src = lab->ask.route.src,
	    .dst = lab->ask.target.addr,
	    .ttl = ttl,
	    .id = 4711,
	    .echo_id = 99,
	    .echo_seq = seq,
	    .checksum = 0x1234,
	    .payload_len = 8};
}

/* Packets stamped after the deadline are for the next call. */
static void
late_packets_are_held(void **state)
{
	struct world_packet wp;
	struct fault f = {0};
	struct craft_echo e;
	struct lab lab;
	int64_t before;

	(void)state;
	NETNS_NEED();
	lab_open(&lab, "10.55.0.2", 0);
	before = now(&lab);
	poll(NULL, 0, 2);
	e = echo_of(&lab, 64, 1);
	assert_int_equal(lab.w.echo(lab.w.ctx, &e, &f), 0);
	poll(NULL, 0, 5);
	assert_int_equal(lab.w.next(lab.w.ctx, before, &wp, &f), 0);
	assert_int_equal(lab.w.next(lab.w.ctx, before, &wp, &f), 0);
	assert_int_equal(lab.w.next(lab.w.ctx, now(&lab), &wp, &f), 1);
	assert_true(wp.pkt.icmp.is_echo_request);
	assert_int_equal(lab.w.next(lab.w.ctx, now(&lab), &wp, &f), 1);
	assert_true(wp.pkt.icmp.is_echo_reply);
	world_live_free(lab.live);
}

static void
echo_round_trip(const char *ip)
{
	struct world_packet wp;
	struct fault f = {0};
	struct craft_echo e;
	struct lab lab;
	int64_t sent;

	lab_open(&lab, ip, 0);
	e = echo_of(&lab, 64, 7);
	sent = now(&lab);
	if (lab.w.echo(lab.w.ctx, &e, &f) != 0)
		fail_msg("%s", f.text);
	assert_int_equal(next(&lab, 2000, &wp, &f), 1);
	assert_true(wp.pkt.icmp.is_echo_request);
	assert_int_equal(wp.pkt.icmp.checksum, 0x1234);
	assert_int_equal(wp.pkt.ip.ttl, 64);
	assert_true(wp.at_ns >= sent - CLOCK_MS);
	assert_int_equal(next(&lab, 2000, &wp, &f), 1);
	assert_true(wp.pkt.icmp.is_echo_reply);
	assert_int_equal(wp.pkt.icmp.id, 99);
	assert_int_equal(wp.pkt.icmp.seq, 7);
	world_live_free(lab.live);
	print_message("%s answers our echo\n", ip);
}

static void
echoes(void **state)
{
	(void)state;
	NETNS_NEED();
	echo_round_trip("10.55.0.2");
	echo_round_trip("fd55::2");
}

/* The far end as a router: a target behind it, a TTL that ends there. */
static void
time_exceeded(const char *ip, const char *router, bool in_connection)
{
	struct endpoint local;
	struct world_packet wp;
	struct fault f = {0};
	struct craft_tcp t = {0};
	struct lab lab;
	char text[ADDR_TEXT];

	lab_open(&lab, ip, PORT);
	assert_int_equal(lab.w.reserve(lab.w.ctx, &local, &f), 0);
	assert_int_not_equal(local.port, 0);
	assert_true(addr_equal(&local.addr, &lab.ask.route.src));
	t.flow.src = local;
	t.flow.dst = lab.ask.target;
	t.ttl = 1;
	t.id = 13052;
	t.seq = 0x11223344;
	t.flags = in_connection ? PKT_TH_ACK : PKT_TH_SYN;
	t.window = 1024;
	if (lab.w.tcp(lab.w.ctx, &t, &f) != 0)
		fail_msg("%s", f.text);
	expect_packet(&lab, true, t.flags, &local, &wp);
	assert_int_equal(wp.pkt.ip.ttl, 1);
	if (wp.pkt.ip.version == 4)
		assert_int_equal(wp.pkt.ip.id, 13052);
	assert_int_equal(next(&lab, 2000, &wp, &f), 1);
	assert_true(wp.pkt.icmp.is_time_exceeded);
	assert_true(wp.pkt.has & PKT_HAS_QUOTE);
	assert_true(wp.pkt.quote.seq == 0x11223344);
	assert_int_equal(wp.pkt.quote.sport, local.port);
	assert_string_equal(addr_format(&wp.pkt.ip.src, text), router);
	world_live_free(lab.live);
	print_message("TTL 1 toward %s: time exceeded from %s\n", ip, router);
}

static void
times_exceeded(void **state)
{
	(void)state;
	NETNS_NEED();
	netns_far();
	netns_run("echo 1 >/proc/sys/net/ipv4/ip_forward && "
		  "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding && "
		  "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit && "
		  "ip route add 10.67.0.0/16 via 10.55.0.1 && "
		  "ip -6 route add fd67::/32 via fd55::1");
	netns_near();
	netns_run("ip route add 10.67.0.0/16 via 10.55.0.2 && "
		  "ip -6 route add fd67::/32 via fd55::2");
	time_exceeded("10.67.0.1", "10.55.0.2", false);
	time_exceeded("10.67.0.1", "10.55.0.2", true);
	time_exceeded("fd67::1", "fd55::2", false);
}

/* Other ports and other hosts are none of this job's. */
static void
foreign_packets_stay_out(void **state)
{
	struct endpoint local, other;
	struct world_packet wp;
	struct fault f = {0};
	struct lab lab, job;
	struct craft_echo e;

	(void)state;
	NETNS_NEED();
	lab_open(&job, "10.55.0.2", PORT);
	lab_open(&lab, "10.55.0.2", 4444);
	(void)connect_from(&lab, 0, &other);
	e = echo_of(&lab, 64, 1);
	e.dst = netns_addr("10.55.0.1");
	assert_int_equal(lab.w.echo(lab.w.ctx, &e, &f), 0);
	expect_quiet(&job, 100);
	(void)connect_from(&job, 0, &local);
	expect_packet(&job, true, PKT_TH_SYN, &local, &wp);
	world_live_free(lab.live);
	world_live_free(job.live);
}

static void
signals(void **state)
{
	struct world_packet wp;
	struct fault f = {0};
	struct lab lab;
	sigset_t set;
	int64_t began;
	int fd, status;
	pid_t pid;

	(void)state;
	NETNS_NEED();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	lab_open_with(&lab, "10.55.0.2", PORT, NULL, fd);
	expect_quiet(&lab, 20);
	raise(SIGUSR1);
	assert_int_equal(next(&lab, 2000, &wp, &f), -1);
	assert_int_equal(f.kind, FAULT_INTERRUPTED);
	assert_int_equal(f.signal, SIGUSR1);
	assert_int_equal(fault_exit_status(&f), 128 + SIGUSR1);
	expect_quiet(&lab, 20);

	pid = fork();
	if (pid == 0) {
		poll(NULL, 0, 50);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	began = now(&lab);
	assert_int_equal(next(&lab, 5000, &wp, &f), -1);
	assert_int_equal(f.kind, FAULT_INTERRUPTED);
	assert_true(now(&lab) - began < 2 * CLOCK_S);
	waitpid(pid, &status, 0);
	world_live_free(lab.live);
	close(fd);
	print_message("a signal before the wait, and one within it\n");
}

/* Sockets of this namespace, beyond the title line. */
static int
count_sockets(const char *path)
{
	char line[512];
	FILE *fp = fopen(path, "r");
	int n = -1;

	assert_non_null(fp);
	while (fgets(line, sizeof(line), fp) != NULL)
		n++;
	fclose(fp);
	return n;
}

static void
nothing_is_left(void **state)
{
	struct endpoint local;
	struct fault f = {0};
	struct lab lab;
	int server, fd, id;

	(void)state;
	NETNS_NEED();
	netns_run("ip neigh replace 10.55.0.99 lladdr 02:55:00:00:00:99 "
		  "dev near0 nud permanent");
	assert_int_equal(count_sockets("/proc/net/tcp"), 0);
	server = netns_listen_far("10.55.0.2", PORT);
	lab_open(&lab, "10.55.0.2", PORT);
	id = connect_fully(&lab, &local);
	for (int i = 0; i < 40; i++)
		(void)connect_from(&lab, 0, &local);
	assert_true(count_sockets("/proc/net/tcp") >= 41);
	for (int i = 0; i < 20; i++)
		assert_int_equal(lab.w.reserve(lab.w.ctx, &local, &f), 0);
	lab.w.close(lab.w.ctx, id, true);
	lab.w.close(lab.w.ctx, id, true);
	assert_int_equal(lab.w.state(lab.w.ctx, id), CONN_CLOSED);
	netns_expect_fault(
	    lab.w.send(lab.w.ctx, id, (const uint8_t *)"x", 1, &f), &f,
	    FAULT_NETWORK, "closed");
	assert_int_equal(lab.w.state(lab.w.ctx, 12345), CONN_CLOSED);
	assert_int_equal(lab.w.state(lab.w.ctx, -1), CONN_CLOSED);
	fd = accept(server, NULL, NULL);
	world_live_free(lab.live);
	close(fd);
	close(server);

	lab_open(&lab, "10.55.0.99", PORT);
	(void)connect_from(&lab, 0, &local);
	world_live_free(lab.live);
	assert_int_equal(count_sockets("/proc/net/tcp"), 0);
	assert_int_equal(count_sockets("/proc/net/raw"), 0);
	assert_int_equal(count_sockets("/proc/net/packet"), 0);
	print_message("after 41 connections: no socket, no TIME_WAIT\n");
}

static void
many_connections(void **state)
{
	struct endpoint local[100];
	struct world_packet wp;
	struct fault f = {0};
	struct lab lab;
	int server, ids[100], rc, packets = 0;

	(void)state;
	NETNS_NEED();
	server = netns_listen_far("10.55.0.2", PORT);
	assert_int_equal(listen(server, 128), 0);
	lab_open(&lab, "10.55.0.2", PORT);
	for (int i = 0; i < 100; i++) {
		ids[i] = connect_from(&lab, 0, &local[i]);
		assert_int_equal(ids[i], i);
	}
	while ((rc = next(&lab, 300, &wp, &f)) == 1)
		packets++;
	assert_int_equal(rc, 0);
	assert_int_equal(packets, 300);
	for (int i = 0; i < 100; i++)
		assert_int_equal(lab.w.state(lab.w.ctx, ids[i]), CONN_OPEN);
	world_live_free(lab.live);
	close(server);
	print_message("100 handshakes at once: 300 packets\n");
}

static void
link_goes_down(void **state)
{
	struct endpoint local;
	struct world_packet wp;
	struct fault f = {0};
	struct lab lab;
	int server, rc;

	(void)state;
	NETNS_NEED();
	server = netns_listen_far("10.55.0.2", PORT);
	lab_open(&lab, "10.55.0.2", PORT);
	(void)connect_fully(&lab, &local);
	(void)next(&lab, 20, &wp, &f);
	netns_far();
	netns_run("ip link set far0 down");
	netns_near();
	expect_quiet(&lab, 50);
	print_message("the target is dead: silence until the deadline\n");
	netns_run("ip link set near0 down");
	while ((rc = next(&lab, 2000, &wp, &f)) == 1)
		continue;
	netns_expect_fault(rc, &f, FAULT_NETWORK, "near0 went down");
	rc = next(&lab, 50, &wp, &f);
	netns_expect_fault(rc, &f, FAULT_NETWORK, "near0");
	world_live_free(lab.live);
	close(server);
}

static void
filters(void **state)
{
	struct endpoint v4, v6;
	struct addr a4, a6;
	char buf[WORLD_FILTER];

	(void)state;
	v4 = netns_endpoint("10.55.0.2", 0);
	a4 = netns_addr("10.55.0.1");
	world_format_filter(&v4, &a4, buf);
	assert_null(strstr(buf, "tcp"));
	/* The longest there can be is whole. */
	v6 = netns_endpoint("2001:db8:1111:2222:3333:4444:5555:6666", 65535);
	a6 = netns_addr("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff");
	world_format_filter(&v6, &a6, buf);
	assert_string_equal(buf + strlen(buf) - 2, "))");
	assert_non_null(strstr(buf, "port 65535"));
}

static int
setup(void **state)
{
	if (netns_setup(state) != 0)
		return -1;
	if (!netns.ready)
		return 0;
	netns_run("ip addr add fe80::1/64 dev near0 nodad");
	netns_far();
	netns_run("ip addr add fe80::2/64 dev far0 nodad");
	netns_near();
	/* Addresses are resolved before anything is measured. */
	netns_run("ip neigh replace 10.55.0.2 lladdr " NETNS_FAR_MAC
		  " dev near0 nud permanent && "
		  "ip neigh replace fd55::2 lladdr " NETNS_FAR_MAC
		  " dev near0 nud permanent && "
		  "ip neigh replace fe80::2 lladdr " NETNS_FAR_MAC
		  " dev near0 nud permanent");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("filters", filters),
	    PROVES("handshakes", handshakes),
	    PROVES("opening is told at once", opening_is_told_at_once),
	    PROVES("refused and unreachable", refused_and_unreachable),
	    PROVES("ends are told once", ends_are_told_once),
	    PROVES("server data is drained", server_data_is_drained),
	    PROVES("deadlines", deadlines),
	    PROVES("late packets are held", late_packets_are_held),
	    PROVES("echoes", echoes),
	    PROVES("times exceeded", times_exceeded),
	    PROVES("foreign packets stay out", foreign_packets_stay_out),
	    PROVES("signals", signals),
	    PROVES("nothing is left", nothing_is_left),
	    PROVES("many connections", many_connections),
	    PROVES("link goes down", link_goes_down),
	};

	return cmocka_run_group_tests_name(
	    "net_world", tests, setup, netns_teardown);
}
