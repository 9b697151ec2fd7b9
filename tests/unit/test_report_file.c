/*
 * Reports to files: the format by the ending, whole or not at all, one line
 * where it cannot be; and the pcapng, read back by libpcap and byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <rsthop/capture.h>

#include "proves.h"
#include "report_cases.h"

#define PATH 256

static const struct report_style style = {.names = true, .color = true};
static char dir[PATH];

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-report-XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
remove_dir(void **state)
{
	char path[2 * PATH + 64];
	struct dirent *e;
	DIR *d;

	(void)state;
	chmod(dir, 0700);
	d = opendir(dir);
	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.' || strlen(e->d_name) > 2)
			unlink(path);
	}
	closedir(d);
	return rmdir(dir);
}

static const char *
in_dir(const char *name, char path[2 * PATH])
{
	snprintf(path, 2 * PATH, "%s/%s", dir, name);
	return path;
}

static struct capture *
must_capture(const char *path)
{
	struct capture *c = NULL;
	struct fault f = {0};

	if (capture_open_files(&path, 1, NULL, &c, &f) != 0)
		fail_msg("%s", f.text);
	return c;
}

/* How many names the directory holds, hidden ones too. */
static int
count_names(void)
{
	struct dirent *e;
	int n = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n +=
		    strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

static size_t
read_bytes(const char *path, uint8_t *buf, size_t cap)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(buf, 1, cap, f);
	assert_true(n < cap);
	fclose(f);
	buf[n] = 0;
	return n;
}

static int
write_trace(const char *path, struct fault *f)
{
	struct trace_result *t = case_trace();
	int rc = report_write_file(path, t, NULL, &style, f);

	case_trace_free(t);
	return rc;
}

static void
test_by_name(void **state)
{
	(void)state;
	assert_string_equal(report_writer_by_name("text")->ending, ".txt");
	assert_string_equal(report_writer_by_name("json")->ending, ".json");
	assert_string_equal(report_writer_by_name("html")->ending, ".html");
	assert_string_equal(report_writer_by_name("pcapng")->ending, ".pcapng");
	assert_null(report_writer_by_name("xml"));
	assert_null(report_writer_by_name(""));
}

static void
test_by_path(void **state)
{
	static const char *const bad[] = {
	    "a.xml", "json", "", "a.json.gz", "a.pcap", "/dev/stdout"};
	struct fault f = {0};

	(void)state;
	assert_string_equal(
	    report_writer_by_path("/x/y.z/a.txt", &f)->name, "text");
	assert_string_equal(report_writer_by_path("A.JSON", &f)->name, "json");
	assert_string_equal(report_writer_by_path("a.html", &f)->name, "html");
	assert_string_equal(
	    report_writer_by_path("a.json.pcapng", &f)->name, "pcapng");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fault_clear(&f);
		assert_null(report_writer_by_path(bad[i], &f));
		assert_int_equal(f.kind, FAULT_USAGE);
		assert_non_null(
		    strstr(f.text, ".txt, .json, .html or .pcapng"));
	}
}

static void
test_replaces(void **state)
{
	static uint8_t buf[65536];
	struct fault f = {0};
	struct stat sb;
	char path[2 * PATH];
	mode_t old = umask(027);

	(void)state;
	in_dir("out.txt", path);
	assert_int_equal(write_trace(path, &f), 0);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0640);
	read_bytes(path, buf, sizeof(buf));
	assert_null(memchr(buf, '\033', sizeof(buf))); /* no colour */
	assert_non_null(strstr((char *)buf, "db.example.com (10.9.6.2)"));
	chmod(path, 0400); /* the name is replaced, not the file written */
	assert_int_equal(write_trace(path, &f), 0);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0640);
	assert_int_equal(count_names(), 1);
	umask(old);
}

static void
test_relative(void **state)
{
	struct fault f = {0};
	char here[4096];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(write_trace("bare.json", &f), 0);
	assert_int_equal(access("bare.json", R_OK), 0);
	assert_int_equal(chdir(here), 0);
	assert_int_equal(count_names(), 1);
}

static void
assert_one_line(const struct fault *f, const char *path, const char *says)
{
	assert_int_equal(f->kind, FAULT_INPUT);
	assert_null(strchr(f->text, '\n'));
	if (strstr(f->text, path) == NULL || strstr(f->text, says) == NULL)
		fail_msg("neither %s nor %s in: %s", path, says, f->text);
}

static void
test_faults(void **state)
{
	struct fault f = {0};
	char path[2 * PATH];

	(void)state;
	in_dir("none/out.txt", path);
	assert_int_equal(write_trace(path, &f), -1);
	assert_one_line(&f, path, "make the directory");
	in_dir("sub.txt", path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(write_trace(path, &f), -1);
	assert_one_line(&f, path, "give a file's name");
	rmdir(path);
	in_dir("out.xml", path);
	assert_int_equal(write_trace(path, &f), -1);
	assert_int_equal(f.kind, FAULT_USAGE);
	assert_int_equal(count_names(), 0);
}

static void
test_not_writable(void **state)
{
	bool root = geteuid() == 0;
	struct fault f = {0};
	char path[2 * PATH];

	(void)state;
	in_dir("out.txt", path);
	chmod(dir, 0555);
	if (root) /* who may write anywhere */
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(write_trace(path, &f), -1);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_one_line(&f, path, "that you may write to");
}

/* A link to the device that is always full, for want of a small disk. */
static void
test_full(void **state)
{
	static const char *const names[] = {
	    "full.txt", "full.json", "full.html", "full.pcapng"};
	struct fault f = {0};
	char path[2 * PATH];

	(void)state;
	if (access("/dev/full", W_OK) != 0) {
		print_message("SKIPPED: no /dev/full\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fault_clear(&f);
		in_dir(names[i], path);
		assert_int_equal(symlink("/dev/full", path), 0);
		assert_int_equal(write_trace(path, &f), -1);
		assert_one_line(&f, path, "No space left on device; make room");
	}
}

/* A write that fails half way: the old file stays, the new one goes. */
static void
test_half_written(void **state)
{
	static uint8_t buf[65536];
	struct rlimit old, small;
	struct fault f = {0};
	char path[2 * PATH];
	size_t n;
	int rc;

	(void)state;
	in_dir("out.json", path);
	assert_int_equal(write_trace(path, &f), 0);
	n = read_bytes(path, buf, sizeof(buf));
	assert_true(n > 100);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 100;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = write_trace(path, &f);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(rc, -1);
	assert_one_line(&f, path, "File too large");
	assert_int_equal(read_bytes(path, buf, sizeof(buf)), n);
	assert_int_equal(count_names(), 1);
}

static void
test_fifo(void **state)
{
	static uint8_t buf[65536];
	struct fault f = {0};
	struct stat sb;
	char path[2 * PATH];
	ssize_t n;
	int fd;

	(void)state;
	in_dir("pipe.json", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	assert_int_equal(write_trace(path, &f), 0);
	n = read(fd, buf, sizeof(buf));
	assert_true(n > 2);
	assert_memory_equal(buf, "{\n", 2);
	assert_memory_equal(buf + n - 2, "}\n", 2);
	close(fd);
	assert_int_equal(lstat(path, &sb), 0);
	assert_true(S_ISFIFO(sb.st_mode)); /* still the pipe */
	assert_int_equal(count_names(), 1);
}

/* As /dev/stdout is: the link stays, what it names is written. */
static void
test_link(void **state)
{
	struct fault f = {0};
	struct stat sb;
	char path[2 * PATH], to[2 * PATH];

	(void)state;
	in_dir("link.txt", path);
	in_dir("target", to);
	assert_int_equal(symlink(to, path), 0);
	assert_int_equal(write_trace(path, &f), 0);
	assert_int_equal(lstat(path, &sb), 0);
	assert_true(S_ISLNK(sb.st_mode));
	assert_int_equal(stat(to, &sb), 0);
	assert_true(sb.st_size > 100);
}

static uint32_t
le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static bool
holds(const uint8_t *p, size_t n, const char *s)
{
	size_t m = strlen(s);

	for (size_t i = 0; i + m <= n; i++) {
		if (memcmp(p + i, s, m) == 0)
			return true;
	}
	return false;
}

/* Types of the blocks in order; every length right, padded, and repeated. */
static size_t
walk_blocks(const uint8_t *p, size_t n, uint32_t *types, size_t max)
{
	size_t at = 0, count = 0;
	uint32_t len;

	while (at < n) {
		assert_true(n - at >= 12 && count < max);
		len = le32(p + at + 4);
		assert_true(len >= 12 && len % 4 == 0 && len <= n - at);
		assert_int_equal(le32(p + at + len - 4), len);
		types[count++] = le32(p + at);
		at += len;
	}
	return count;
}

static void
test_pcapng_bytes(void **state)
{
	static const uint32_t expect[] = {0x0a0d0d0a, 1, 6, 1, 6, 6};
	static uint8_t buf[65536];
	uint32_t types[16];
	struct fault f = {0};
	char path[2 * PATH];
	size_t n;

	(void)state;
	assert_int_equal(write_trace(in_dir("e.pcapng", path), &f), 0);
	n = read_bytes(path, buf, sizeof(buf));
	assert_int_equal(walk_blocks(buf, n, types, 16), 6);
	assert_memory_equal(types, expect, sizeof(expect));
	assert_int_equal(le32(buf + 8), 0x1a2b3c4d);
	assert_int_equal(le32(buf + 12), 1); /* version 1.0 */
	assert_true(holds(buf, n, "rsthop " RSTHOP_VERSION));
	assert_true(holds(buf, n, "probe, TTL 1"));
	assert_true(holds(buf, n, "eth0"));
	assert_true(holds(buf, n, "\\x1b[31m")); /* escaped */
	assert_false(holds(buf, n, "\033"));
}

/* One link type, as a job has: libpcap reads several of them in no file. */
static struct locate_result *
one_link(void)
{
	struct locate_result *r = case_silent();
	uint8_t frame[64];

	for (uint32_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)i;
	for (uint32_t i = 0; i < 9;
	     i++) /* lengths of every remainder by four */
		result_keep(&r->evidence, CASE_START + i, PKT_LINK_ETHERNET,
		    frame, 40 + i, 40 + 100 * i, i == 4 ? "a reset" : "");
	return r;
}

static void
test_pcapng_read_back(void **state)
{
	struct locate_result *r = one_link();
	struct capture_packet p;
	struct capture *c = NULL;
	struct fault f = {0};
	char path[2 * PATH];
	size_t i;

	(void)state;
	in_dir("e.pcapng", path);
	assert_int_equal(report_write_file(path, NULL, r, &style, &f), 0);
	c = must_capture(path);
	for (i = 0; i < r->evidence.n; i++) {
		assert_int_equal(capture_next(c, &p, &f), 1);
		assert_int_equal(p.link, PKT_LINK_ETHERNET);
		assert_int_equal(p.unix_ns, r->evidence.packets[i].unix_ns);
		assert_int_equal(p.len, r->evidence.packets[i].len);
		assert_int_equal(p.wire_len, i == 0 ? 40 : 40 + 100 * i);
		assert_memory_equal(p.data, r->evidence.packets[i].data, p.len);
	}
	assert_int_equal(i, 9);
	assert_int_equal(capture_next(c, &p, &f), 0);
	capture_free(c);
	case_locate_free(r);
}

static void
test_pcapng_links(void **state)
{
	static const enum pkt_link links[] = {PKT_LINK_ETHERNET, PKT_LINK_SLL,
	    PKT_LINK_SLL2, PKT_LINK_RAW, PKT_LINK_NULL, PKT_LINK_LOOP};
	static const uint8_t frame[40];
	struct capture_packet p;
	struct capture *c;
	struct fault f = {0};
	char path[2 * PATH];

	(void)state;
	in_dir("l.pcapng", path);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct trace_result *r = case_trace_new();

		r->head.target.addr = case_addr("10.9.6.2");
		result_keep(&r->evidence, 1, links[i], frame, 40, 40, "");
		assert_int_equal(
		    report_write_file(path, r, NULL, &style, &f), 0);
		c = must_capture(path);
		assert_int_equal(capture_next(c, &p, &f), 1);
		assert_int_equal(p.link, links[i]);
		capture_free(c);
		case_trace_free(r);
	}
}

static void
test_pcapng_empty(void **state)
{
	struct trace_result *r = case_trace_empty();
	struct capture_packet p;
	struct capture *c;
	struct fault f = {0};
	char path[2 * PATH];

	(void)state;
	in_dir("none.pcapng", path);
	assert_int_equal(report_write_file(path, r, NULL, &style, &f), 0);
	c = must_capture(path);
	assert_int_equal(capture_next(c, &p, &f), 0);
	capture_free(c);
	case_trace_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("each writer is found by its name", test_by_name),
	    PROVES("and by a file's ending, else the endings are listed",
		test_by_path),
	    PROVES_WITH("a file is replaced whole, mode 0644 less the umask",
		test_replaces, make_dir, remove_dir),
	    PROVES_WITH("a bare name goes to the working directory",
		test_relative, make_dir, remove_dir),
	    PROVES_WITH("a fault says one line and leaves no file behind",
		test_faults, make_dir, remove_dir),
	    PROVES_WITH("a directory that one may not write to",
		test_not_writable, make_dir, remove_dir),
	    PROVES_WITH("a full disk is told by every format", test_full,
		make_dir, remove_dir),
	    PROVES_WITH("a write that fails half way leaves the old file",
		test_half_written, make_dir, remove_dir),
	    PROVES_WITH("a pipe is written to, not replaced", test_fifo,
		make_dir, remove_dir),
	    PROVES_WITH("a link is followed, not replaced", test_link, make_dir,
		remove_dir),
	    PROVES_WITH("pcapng: blocks, lengths, comments", test_pcapng_bytes,
		make_dir, remove_dir),
	    PROVES_WITH("pcapng: libpcap reads back what was kept",
		test_pcapng_read_back, make_dir, remove_dir),
	    PROVES_WITH("pcapng: every link type has its number",
		test_pcapng_links, make_dir, remove_dir),
	    PROVES_WITH("pcapng: no packets are a good file too",
		test_pcapng_empty, make_dir, remove_dir),
	};

	return cmocka_run_group_tests_name("report_file", tests, NULL, NULL);
}
