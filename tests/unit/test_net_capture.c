/*
 * Captures: files of every link type, hostile files, and live ones on a wire
 * that comes and goes.
 */
#include "netns.h"

#include <poll.h>
#include <time.h>

#include <rsthop/capture.h>
#include <rsthop/clock.h>

static char file_path[] = "/tmp/rsthop-test-XXXXXX";

static void
put32(FILE *fp, uint32_t v)
{
	assert_int_equal(fwrite(&v, sizeof(v), 1, fp), 1);
}

/* A pcap file of one packet, in our own byte order. */
static void
write_pcap(uint32_t magic, uint32_t dlt, uint32_t sec, uint32_t frac,
    uint32_t len, uint32_t wire_len)
{
	FILE *fp = fopen(file_path, "w");
	uint32_t i;

	assert_non_null(fp);
	put32(fp, magic);
	put32(fp, 2 | 4 << 16);
	put32(fp, 0);
	put32(fp, 0);
	put32(fp, 65535);
	put32(fp, dlt);
	put32(fp, sec);
	put32(fp, frac);
	put32(fp, len);
	put32(fp, wire_len);
	for (i = 0; i < len; i++)
		fputc((int)(i & 0xff), fp);
	assert_int_equal(fclose(fp), 0);
}

#define MAGIC_US 0xa1b2c3d4
#define MAGIC_NS 0xa1b23c4d

static void
link_types(void **state)
{
	static const struct {
		uint32_t linktype; /* as files say it */
		enum pkt_link link;
	} table[] = {{1, PKT_LINK_ETHERNET}, {113, PKT_LINK_SLL},
	    {276, PKT_LINK_SLL2}, {101, PKT_LINK_RAW}, {228, PKT_LINK_RAW},
	    {229, PKT_LINK_RAW}, {0, PKT_LINK_NULL}, {108, PKT_LINK_LOOP}};
	struct capture_packet cp;
	struct capture_stats st;
	struct capture *c;
	struct fault f = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		write_pcap(
		    MAGIC_US, table[i].linktype, 1700000000, 123456, 60, 99);
		assert_int_equal(capture_open_file(file_path, &c, &f), 0);
		assert_int_equal(capture_fd(c), -1);
		assert_int_equal(capture_next(c, &cp, &f), 1);
		assert_int_equal(cp.link, table[i].link);
		assert_int_equal(cp.len, 60);
		assert_int_equal(cp.wire_len, 99);
		assert_int_equal(cp.data[59], 59);
		assert_true(cp.unix_ns == INT64_C(1700000000123456000));
		assert_int_equal(capture_next(c, &cp, &f), 0);
		assert_int_equal(capture_next(c, &cp, &f), 0);
		assert_int_equal(capture_get_stats(c, &st), -1);
		capture_free(c);
	}
	print_message("eight link types, each known for what it is\n");
}

static void
stamps(void **state)
{
	struct capture_packet cp;
	struct capture *c;
	struct fault f = {0};

	(void)state;
	write_pcap(MAGIC_NS, 1, 1700000000, 123456789, 4, 2);
	assert_int_equal(capture_open_file(file_path, &c, &f), 0);
	assert_int_equal(capture_next(c, &cp, &f), 1);
	assert_true(cp.unix_ns == INT64_C(1700000000123456789));
	assert_int_equal(cp.wire_len, 4); /* not less than what is there */
	capture_free(c);
	write_pcap(MAGIC_NS, 1, 0xffffffff, 0xffffffff, 4, 4);
	assert_int_equal(capture_open_file(file_path, &c, &f), 0);
	assert_int_equal(capture_next(c, &cp, &f), 1);
	/* libpcap reads the seconds as signed; the fraction cannot be. */
	assert_true(cp.unix_ns == -CLOCK_S);
	capture_free(c);
}

/* pcapng has 64-bit stamps; if_tsresol 0 makes each unit a second. */
static void
hostile_pcapng_stamp(void **state)
{
	static const uint32_t words[] = {0x0a0d0d0a, 28, 0x1a2b3c4d, 1,
	    0xffffffff, 0xffffffff, 28,		/* section header */
	    1, 32, 1, 0, 9 | 1 << 16, 0, 0, 32, /* interface, if_tsresol 0 */
	    6, 36, 0, 0x7fffffff, 0xffffffff, 4, 4, 0, 36};
	struct capture_packet cp;
	struct capture *c;
	struct fault f = {0};
	FILE *fp = fopen(file_path, "w");
	int rc;

	(void)state;
	assert_non_null(fp);
	assert_int_equal(fwrite(words, sizeof(words), 1, fp), 1);
	assert_int_equal(fclose(fp), 0);
	if (capture_open_file(file_path, &c, &f) != 0)
		fail_msg("%s", f.text);
	rc = capture_next(c, &cp, &f);
	assert_int_equal(rc, 1);
	assert_int_equal(cp.len, 4);
	assert_true(cp.unix_ns > 0);
	capture_free(c);
	print_message("a second far beyond 64 bits of nanoseconds\n");
}

static void
bad_files(void **state)
{
	struct capture_packet cp;
	struct capture *c;
	struct fault f = {0};

	(void)state;
	netns_expect_fault(capture_open_file("/nonexistent/x.pcap", &c, &f), &f,
	    FAULT_INPUT, "/nonexistent/x.pcap: No such file");
	netns_expect_fault(
	    capture_open_file("/", &c, &f), &f, FAULT_INPUT, "/: ");
	write_pcap(0x12345678, 1, 0, 0, 0, 0);
	netns_expect_fault(
	    capture_open_file(file_path, &c, &f), &f, FAULT_INPUT, file_path);
	write_pcap(MAGIC_US, 105, 0, 0, 4, 4);
	netns_expect_fault(capture_open_file(file_path, &c, &f), &f,
	    FAULT_INPUT, "IEEE802_11");
	write_pcap(MAGIC_US, 1, 1, 1, 60, 60);
	assert_int_equal(truncate(file_path, 24 + 16 + 30), 0);
	assert_int_equal(capture_open_file(file_path, &c, &f), 0);
	netns_expect_fault(
	    capture_next(c, &cp, &f), &f, FAULT_INPUT, "truncated");
	capture_free(c);
}

static void
standard_input(void **state)
{
	struct capture_packet cp;
	struct capture *c;
	struct fault f = {0};

	(void)state;
	write_pcap(MAGIC_US, 1, 1, 1, 60, 60);
	assert_non_null(freopen(file_path, "r", stdin));
	assert_int_equal(capture_open_file("-", &c, &f), 0);
	assert_int_equal(capture_next(c, &cp, &f), 1);
	assert_int_equal(cp.len, 60);
	capture_free(c);
	netns_expect_fault(
	    capture_open_file("-", &c, &f), &f, FAULT_INPUT, "standard input");
}

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
	int i, s;

	(void)state;
	NETNS_NEED();
	assert_int_equal(
	    capture_open_live("near0", "udp and dst port 53", &c, &f), 0);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	e = netns_endpoint("10.55.0.2", 53);
	len = endpoint_to_sockaddr(&e, &ss);
	for (i = 0; i < 512; i++)
		assert_int_equal(
		    sendto(s, "yes", 3, 0, (struct sockaddr *)&ss, len), 3);
	for (i = 0; i < 512; i++)
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

static int
setup(void **state)
{
	int fd = mkstemp(file_path);

	if (fd == -1)
		return -1;
	close(fd);
	return netns_setup(state);
}

static int
teardown(void **state)
{
	unlink(file_path);
	return netns_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(link_types),
	    cmocka_unit_test(stamps),
	    cmocka_unit_test(hostile_pcapng_stamp),
	    cmocka_unit_test(bad_files),
	    cmocka_unit_test(standard_input),
	    cmocka_unit_test(bad_live),
	    cmocka_unit_test(filter_and_stamps),
	    cmocka_unit_test(burst_fits),
	    cmocka_unit_test(interface_goes_away),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
