/*
 * Names and vendors: a hosts file of the test's own, a name server that never
 * answers, and the list of OUIs.
 */
#include "netns.h"
#include "proves.h"

#include <sys/mount.h>

#include <netdb.h>
#include <time.h>

#include <rsthop/clock.h>
#include <rsthop/lookup.h>

#include <rsthop/lookup_oui.h>

static char dir[] = "/tmp/rsthop-test-XXXXXX";
static bool own_files;

static void
write_file(const char *name, const char *text)
{
	char path[64];
	FILE *fp;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fp = fopen(path, "w");
	assert_non_null(fp);
	fputs(text, fp);
	assert_int_equal(fclose(fp), 0);
}

static bool
put_over(const char *name)
{
	char from[64], to[64];

	snprintf(from, sizeof(from), "%s/%s", dir, name);
	snprintf(to, sizeof(to), "/etc/%s", name);
	return mount(from, to, NULL, MS_BIND, NULL) == 0;
}

/* Our files lie over the system's in a mount namespace, for us alone. */
static int
setup(void **state)
{
	if (mkdtemp(dir) == NULL || netns_setup(state) != 0)
		return -1;
	write_file("hosts",
	    "10.55.0.2 gw.example\n"
	    "fd55::2 six.example\n"
	    "10.55.0.3 evil\033[31m\n"
	    "10.55.0.4 under_score-1.example\n"
	    "10.55.0.5 semi;colon\n");
	write_file("resolv.conf", "nameserver 10.55.0.53\n");
	write_file("nsswitch.conf", "hosts: files\n");
	if (!netns.ready || unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return 0;
	own_files = put_over("hosts") && put_over("resolv.conf") &&
	    put_over("nsswitch.conf");
	netns_run("ip neigh replace 10.55.0.53 lladdr 02:55:00:00:00:53 "
		  "dev near0 nud permanent");
	return 0;
}

static int
teardown(void **state)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	(void)netns_teardown(state);
	return system(cmd);
}

#define NEED_FILES()                                                     \
	do {                                                             \
		if (!own_files) {                                        \
			print_message("SKIPPED: nothing may be mounted " \
				      "here\n");                         \
			skip();                                          \
		}                                                        \
	} while (0)

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

static void
expect_host(const char *host, int version, const char *text)
{
	char buf[ADDR_TEXT];
	struct fault f = {0};
	struct addr a;

	if (lookup_host(host, version, &a, &f) != 0)
		fail_msg("%s: %s", host, f.text);
	assert_string_equal(addr_format(&a, buf), text);
}

static void
expect_no_host(const char *host, int version, const char *words)
{
	struct fault f = {0};
	struct addr a;

	netns_expect_fault(
	    lookup_host(host, version, &a, &f), &f, FAULT_NETWORK, words);
}

static void
numeric_hosts(void **state)
{
	(void)state;
	expect_host("192.0.2.7", 0, "192.0.2.7");
	expect_host("192.0.2.7", 4, "192.0.2.7");
	expect_host("2001:db8::7", 6, "2001:db8::7");
	expect_no_host("192.0.2.7", 6, "is an IPv4 address: leave out -6");
	expect_no_host("2001:db8::7", 4, "is an IPv6 address: leave out -4");
	expect_no_host("fe80::1%eth0", 0, "-i");
}

static void
named_hosts(void **state)
{
	(void)state;
	NEED_FILES();
	expect_host("gw.example", 0, "10.55.0.2");
	expect_host("gw.example", 4, "10.55.0.2");
	expect_host("six.example", 6, "fd55::2");
	expect_no_host("gw.example", 6, "has no IPv6 address: leave out -6");
	expect_no_host("six.example", 4, "has no IPv4 address: leave out -4");
	expect_no_host("nobody.example", 0, "unknown host nobody.example");
	expect_no_host("nobody.example", 6, "unknown host nobody.example");
	expect_no_host("", 0, "unknown host");
}

static void
reverse_names(void **state)
{
	struct lookup_query q[6];

	(void)state;
	NEED_FILES();
	memset(q, 'x', sizeof(q));
	q[0].addr = netns_addr("10.55.0.2");
	q[1].addr = netns_addr("10.55.0.3");
	q[2].addr = netns_addr("10.55.0.4");
	q[3].addr = netns_addr("10.55.0.5");
	q[4].addr = netns_addr("fd55::2");
	memset(&q[5].addr, 0, sizeof(q[5].addr));
	lookup_names(q, 6, 5 * CLOCK_S);
	assert_string_equal(q[0].name, "gw.example");
	assert_string_equal(q[1].name, "");
	assert_string_equal(q[2].name, "under_score-1.example");
	assert_string_equal(q[3].name, "");
	assert_string_equal(q[4].name, "six.example");
	assert_string_equal(q[5].name, "");
	lookup_names(q, 0, CLOCK_S);
	print_message("good names pass, an escape sequence and a semicolon "
		      "do not\n");
}

static void
many_names(void **state)
{
	struct lookup_query q[200];

	(void)state;
	NEED_FILES();
	for (size_t i = 0; i < 200; i++)
		q[i].addr = netns_addr(i % 2 != 0 ? "10.55.0.2" : "192.0.2.1");
	lookup_names(q, 200, 5 * CLOCK_S);
	for (size_t i = 0; i < 200; i++)
		assert_string_equal(q[i].name, i % 2 != 0 ? "gw.example" : "");
}

/*
 * In a child: waits less than the resolver does, then ends after rest_ms,
 * with exit(3), so that a leak checker has its say.
 */
static void
abandon(const char *options, int rest_ms)
{
	struct timespec rest = {rest_ms / 1000, rest_ms % 1000 * 1000000};
	struct lookup_query q[20];
	char conf[128];
	int64_t began, took;
	int status;
	pid_t pid;

	snprintf(
	    conf, sizeof(conf), "nameserver 10.55.0.53\noptions %s\n", options);
	write_file("resolv.conf", conf);
	fflush(NULL);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		for (size_t i = 0; i < 20; i++)
			q[i].addr =
			    netns_addr(i == 0 ? "10.55.0.2" : "192.0.2.1");
		began = now_ns();
		lookup_names(q, 20, 300 * CLOCK_MS);
		took = now_ns() - began;
		nanosleep(&rest, NULL);
		exit(took < 290 * CLOCK_MS		       ? 11
			: took > 2 * CLOCK_S		       ? 12
			: strcmp(q[0].name, "gw.example") != 0 ? 13
			: q[1].name[0] != '\0'		       ? 14
							       : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
dead_name_server(void **state)
{
	(void)state;
	NEED_FILES();
	write_file("nsswitch.conf", "hosts: files dns\n");
	abandon("timeout:20 attempts:1", 0);
	print_message("the deadline holds; exit with threads that hang\n");
	abandon("timeout:1 attempts:1", 1600);
	print_message("workers that come late clean up after themselves\n");
	expect_no_host("nobody.example", 0, "the name server does not answer");
	write_file("nsswitch.conf", "hosts: files\n");
}

static const char oui_text[] =
    "OUI/MA-L                Organization\r\n"
    "company_id              Organization\r\n"
    "\r\n"
    "00-22-72   (hex)\t\tAmerican Micro-Fuel Device Corp.\r\n"
    "002272     (base 16)\t\tAmerican Micro-Fuel Device Corp.\r\n"
    "\t\t\t\t2181 Buchanan Loop\r\n"
    "58-69-6C   (hex)\t\tRuijie Networks Co.,LTD\r\n"
    "00-00-01   (hex)\t\tEvil\033[31m \302\233Corp\177\n"
    "00-00-02   (hex)\t\tK\303\266ln \377\300\257\355\240\200AG  \n"
    "00-00-03   (base 16)\t\tno such line\n"
    "00-00-04   (hex)";

static void
expect_scan(uint32_t oui, int found, const char *vendor)
{
	uint8_t mac[ADDR_MAC] = {
	    (uint8_t)(oui >> 16), (uint8_t)(oui >> 8), (uint8_t)oui, 1, 2, 3};
	char out[LOOKUP_VENDOR] = "untouched";
	char text[sizeof(oui_text)];
	FILE *fp;

	memcpy(text, oui_text, sizeof(text));
	fp = fmemopen(text, sizeof(text) - 1, "r");
	assert_non_null(fp);
	assert_int_equal(lookup_scan_oui(fp, mac, out), found);
	fclose(fp);
	assert_string_equal(out, vendor);
}

static void
scan_oui(void **state)
{
	(void)state;
	expect_scan(0x002272, 1, "American Micro-Fuel Device Corp.");
	expect_scan(0x58696c, 1, "Ruijie Networks Co.,LTD");
	expect_scan(0x000001, 1, "Evil[31m Corp");
	expect_scan(0x000002, 1, "K\303\266ln AG");
	expect_scan(0x000003, 0, "untouched");
	expect_scan(0x000004, 1, "");
	expect_scan(0x123456, 0, "untouched");
	print_message("control characters and broken UTF-8 are left out\n");
}

/* Names of every length: never beyond the room, never half a character. */
static void
scan_long_names(void **state)
{
	const uint8_t mac[ADDR_MAC] = {0};
	char out[LOOKUP_VENDOR], text[1400];
	size_t len;
	FILE *fp;

	(void)state;
	for (size_t n = 0; n < 600; n++) {
		strcpy(text, "00-00-00   (hex)\t\t");
		for (size_t i = 0; i < n; i++)
			strcat(text, n % 2 != 0 ? "a" : "\303\266");
		fp = fmemopen(text, strlen(text), "r");
		assert_int_equal(lookup_scan_oui(fp, mac, out), 1);
		fclose(fp);
		len = strlen(out);
		assert_true(len < LOOKUP_VENDOR);
		if (n % 2 == 0)
			assert_int_equal(len % 2, 0);
	}
}

static void
installed_list(void **state)
{
	const uint8_t ruijie[ADDR_MAC] = {0x58, 0x69, 0x6c, 0, 0, 1};
	const uint8_t local[ADDR_MAC] = {0x5a, 0x69, 0x6c, 0, 0, 1};
	const uint8_t group[ADDR_MAC] = {0x59, 0x69, 0x6c, 0, 0, 1};
	char out[LOOKUP_VENDOR] = "untouched";

	(void)state;
	lookup_vendor(local, out);
	assert_string_equal(out, "");
	strcpy(out, "untouched");
	lookup_vendor(group, out);
	assert_string_equal(out, "");
	lookup_vendor(ruijie, out);
	if (access("/usr/share/ieee-data/oui.txt", R_OK) != 0 &&
	    access("/var/lib/ieee-data/oui.txt", R_OK) != 0) {
		assert_string_equal(out, "");
		print_message("SKIPPED: ieee-data is not installed\n");
		skip();
	}
	assert_non_null(strstr(out, "Ruijie"));
	print_message("58:69:6c is %s\n", out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("numeric hosts", numeric_hosts),
	    PROVES("named hosts", named_hosts),
	    PROVES("reverse names", reverse_names),
	    PROVES("many names", many_names),
	    PROVES("dead name server", dead_name_server),
	    PROVES("scan oui", scan_oui),
	    PROVES("scan long names", scan_long_names),
	    PROVES("installed list", installed_list),
	};

	return cmocka_run_group_tests_name("lookup", tests, setup, teardown);
}
