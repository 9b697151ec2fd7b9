/*
 * Live captures, on a wire that comes and goes.
 */
#include "netns.h"
#include "proves.h"

#include <poll.h>
#include <time.h>

#include <rsthop/capture.h>
#include <rsthop/clock.h>

static void
bad_live(void **state)
{
	struct capture *c;
	struct fault f = {0};

	(void)state;
	NETNS_NEED();
	netns_expect_fault(capture_open_live("eth77", "tcp", &c, &f), &f,
	    FAULT_NETWORK, "there is no interface eth77");
	netns_expect_fault(capture_open_live("near0", "tcp and", &c, &f), &f,
	    FAULT_USAGE, "\"tcp and\"");
	netns_run("ip link add off0 type veth peer name off1");
	netns_expect_fault(capture_open_live("off0", "tcp", &c, &f), &f,
	    FAULT_NETWORK, "off0 is down");
	netns_run("ip link del off0");
}

/* 1 and a packet, 0 where none comes within wait_ms. */
static int
next_within(
    struct capture *c, struct capture_packet *cp, int wait_ms, struct fault *f)
{
	struct pollfd pfd = {.fd = capture_fd(c), .events = POLLIN};
	int rc;

	rc = capture_next(c, cp, f);
	if (rc != 0 || poll(&pfd, 1, wait_ms) != 1)
		return rc;
	return capture_next(c, cp, f);
}

static int64_t
wall_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

static void
filter_and_stamps(void **state)
{
	struct capture_packet cp;
	struct capture_stats st;
	struct capture *c;
	struct fault f = {0};
	struct endpoint e;
	struct sockaddr_storage ss;
	socklen_t len;
	int64_t before;
	int s;

	(void)state;
	NETNS_NEED();
	netns_run("ip neigh replace 10.55.0.2 lladdr " NETNS_FAR_MAC
		  " dev near0 nud permanent");
	assert_int_equal(
	    capture_open_live("near0", "udp and dst port 53", &c, &f), 0);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	e = netns_endpoint("10.55.0.2", 54);
	len = endpoint_to_sockaddr(&e, &ss);
	before = wall_clock();
	assert_int_equal(sendto(s, "no", 2, 0, (struct sockaddr *)&ss, len), 2);
	e.port = 53;
	len = endpoint_to_sockaddr(&e, &ss);
	assert_int_equal(
	    sendto(s, "yes", 3, 0, (struct sockaddr *)&ss, len), 3);
	assert_int_equal(next_within(c, &cp, 1000, &f), 1);
	assert_int_equal(cp.len, 14 + 20 + 8 + 3);
	assert_memory_equal(cp.data + 42, "yes", 3);
	assert_true(cp.unix_ns >= before && cp.unix_ns <= wall_clock());
	assert_int_equal(next_within(c, &cp, 50, &f), 0);
	assert_int_equal(capture_get_stats(c, &st), 0);
	assert_int_equal(st.received, 1);
	assert_int_equal(st.dropped, 0);
	capture_free(c);
	close(s);
	print_message("the kernel filtered: one of two packets came\n");
}

/* A burst of probes with its answers, before anybody reads. */
static void
burst_fits(void **state)
{
	struct capture_packet cp;
	struct capture_stats st;
	struct capture *c;
	struct fault f = {0};
	struct endpoint e;
	struct sockaddr_storage ss;
	socklen_t len;
	int s;

	(void)state;
	NETNS_NEED();
	assert_int_equal(
	    capture_open_live("near0", "udp and dst port 53", &c, &f), 0);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	e = netns_endpoint("10.55.0.2", 53);
	len = endpoint_to_sockaddr(&e, &ss);
	for (int i = 0; i < 512; i++)
		assert_int_equal(
		    sendto(s, "yes", 3, 0, (struct sockaddr *)&ss, len), 3);
	for (int i = 0; i < 512; i++)
		assert_int_equal(next_within(c, &cp, 1000, &f), 1);
	assert_int_equal(capture_get_stats(c, &st), 0);
	assert_int_equal(st.dropped, 0);
	capture_free(c);
	close(s);
	print_message("512 packets were kept until somebody read\n");
}

static void
expect_end(struct capture *c, const char *words)
{
	struct capture_packet cp;
	struct fault f = {0};
	int rc;

	while ((rc = next_within(c, &cp, 1000, &f)) == 1)
		continue;
	netns_expect_fault(rc, &f, FAULT_NETWORK, words);
}

static void
interface_goes_away(void **state)
{
	struct capture_packet cp;
	struct capture *c;
	struct fault f = {0};

	(void)state;
	NETNS_NEED();
	netns_run("ip link add gone0 type veth peer name gone1 && "
		  "ip link set gone0 up && ip link set gone1 up");
	assert_int_equal(capture_open_live("gone0", "tcp", &c, &f), 0);
	assert_int_equal(next_within(c, &cp, 10, &f), 0);
	netns_run("ip link set gone0 down");
	expect_end(c, "gone0 went down");
	capture_free(c);
	netns_run("ip link set gone0 up");
	assert_int_equal(capture_open_live("gone0", "tcp", &c, &f), 0);
	assert_int_equal(next_within(c, &cp, 10, &f), 0);
	netns_run("ip link del gone0");
	expect_end(c, "gone0 went away");
	capture_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("bad live", bad_live),
	    PROVES("filter and stamps", filter_and_stamps),
	    PROVES("burst fits", burst_fits),
	    PROVES("interface goes away", interface_goes_away),
	};

	return cmocka_run_group_tests_name(
	    "net_capture", tests, netns_setup, netns_teardown);
}
