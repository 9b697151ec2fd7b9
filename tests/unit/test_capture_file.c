/*
 * Captures from files: every format that we read, beside libpcap's own
 * reading of it; damage; filters; many files as one.
 */
#define _GNU_SOURCE /* nftw */
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>
#include <pcap/pcap.h>
#include <zlib.h>

#include <rsthop/capture.h>
#include <rsthop/clock.h>
#include <rsthop/rng.h>
#include <rsthop/text.h>

#include "proves.h"

#define PATH 96

static char dir[PATH / 2];

/* What is being written, and in which byte order. */
static struct text file;
static bool big;

static const char *
in_dir(const char *name)
{
	static char paths[8][PATH];
	static unsigned int i;
	char *p = paths[i++ % 8];

	snprintf(p, PATH, "%s/%s", dir, name);
	return p;
}

static void
put8(uint8_t v)
{
	text_add_bytes(&file, &v, 1);
}

static void
put16(uint16_t v)
{
	put8((uint8_t)(big ? v >> 8 : v));
	put8((uint8_t)(big ? v : v >> 8));
}

static void
put32(uint32_t v)
{
	put16((uint16_t)(big ? v >> 16 : v));
	put16((uint16_t)(big ? v : v >> 16));
}

static void
put64(uint64_t v)
{
	put32((uint32_t)(big ? v >> 32 : v));
	put32((uint32_t)(big ? v : v >> 32));
}

static void
fresh(void)
{
	text_free(&file);
	file = (struct text){0};
}

static void
save_bytes(const char *path, const void *p, size_t n)
{
	FILE *fp = fopen(path, "w");

	assert_non_null(fp);
	assert_int_equal(fwrite(p, 1, n, fp), n);
	assert_int_equal(fclose(fp), 0);
}

static const char *
save(const char *name)
{
	const char *path = in_dir(name);

	save_bytes(path, file.p != NULL ? file.p : "", file.len);
	return path;
}

/* --- pcap --- */

static void
put_header(uint32_t magic, uint16_t major, uint16_t minor, uint32_t link)
{
	put32(magic);
	put16(major);
	put16(minor);
	put32(0);
	put32(0);
	put32(65535);
	put32(link);
}

/* The payload of packet i is i, i + 1, ... */
static void
put_payload(uint32_t i, uint32_t len)
{
	while (len-- > 0)
		put8((uint8_t)i++);
}

static void
put_record(uint32_t s, uint32_t frac, uint32_t len, uint32_t wire_len)
{
	put32(s);
	put32(frac);
	put32(len);
	put32(wire_len);
}

#define MAGIC_US       0xa1b2c3d4
#define MAGIC_NS       0xa1b23c4d
#define MAGIC_MODIFIED 0xa1b2cd34

static void
put_pcap(uint32_t magic, uint16_t minor, uint32_t n)
{
	put_header(magic, 2, minor, 1);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = 40 + i % 60, wire_len = len + i % 3;

		if (minor < 3)
			put_record(1700000000 + i, i, wire_len, len);
		else if (minor == 3 && i % 2 == 0)
			put_record(1700000000 + i, i, wire_len, len);
		else
			put_record(1700000000 + i, i, len, wire_len);
		if (magic == MAGIC_MODIFIED)
			put64(0);
		put_payload(i, len);
	}
}

/* --- pcapng --- */

static size_t
begin_block(uint32_t type)
{
	put32(type);
	put32(0);
	return file.len - 8;
}

static void
end_block(size_t at)
{
	uint32_t len;
	struct text number;

	while (file.len % 4 != 0)
		put8(0);
	len = (uint32_t)(file.len - at) + 4;
	put32(len);
	/* The same four bytes again, in front. */
	number = file;
	memcpy(number.p + at + 4, number.p + number.len - 4, 4);
}

static void
put_section(uint16_t major, uint16_t minor)
{
	size_t at = begin_block(0x0a0d0d0a);

	put32(0x1a2b3c4d);
	put16(major);
	put16(minor);
	put64(UINT64_MAX);
	end_block(at);
}

static void
put_option(uint16_t code, uint16_t len)
{
	put16(code);
	put16(len);
}

/* resolution: if_tsresol, 6 left out; offset: if_tsoffset, 0 left out. */
static void
put_interface(
    uint16_t link, uint32_t snaplen, uint8_t resolution, int64_t offset)
{
	size_t at = begin_block(1);

	put16(link);
	put16(0);
	put32(snaplen);
	put_option(2, 3); /* if_name */
	text_add_bytes(&file, "lo0\0", 4);
	if (resolution != 6) {
		put_option(9, 1);
		put8(resolution);
		put8(0);
		put16(0);
	}
	if (offset != 0) {
		put_option(14, 8);
		put64((uint64_t)offset);
	}
	put_option(0, 0);
	end_block(at);
}

static void
put_packet(uint32_t iface, uint64_t stamp, uint32_t first, uint32_t len)
{
	size_t at = begin_block(6);

	put32(iface);
	put32((uint32_t)(stamp >> 32));
	put32((uint32_t)stamp);
	put32(len);
	put32(len + 2);
	put_payload(first, len);
	while (file.len % 4 != 0)
		put8(0);
	put_option(1, 4); /* a comment */
	text_add(&file, "why?");
	put_option(0, 0);
	end_block(at);
}

static void
put_old_packet(uint16_t iface, uint64_t stamp, uint32_t first, uint32_t len)
{
	size_t at = begin_block(2);

	put16(iface);
	put16(7); /* drops */
	put32((uint32_t)(stamp >> 32));
	put32((uint32_t)stamp);
	put32(len);
	put32(len + 2);
	put_payload(first, len);
	end_block(at);
}

static void
put_simple(uint32_t wire_len, uint32_t first, uint32_t len)
{
	size_t at = begin_block(3);

	put32(wire_len);
	put_payload(first, len);
	end_block(at);
}

static void
put_other(uint32_t type, uint32_t len)
{
	size_t at = begin_block(type);

	put_payload(0, len);
	end_block(at);
}

/* --- reading --- */

static struct capture *
must_open_files(const char *const *paths, size_t n, const char *filter)
{
	struct capture *c = NULL;
	struct fault f = {0};

	if (capture_open_files(paths, n, filter, &c, &f) != 0)
		fail_msg("%s", f.text);
	return c;
}

static struct capture *
must_open(const char *path)
{
	return must_open_files(&path, 1, NULL);
}

static struct capture_packet
must_next(struct capture *c)
{
	struct capture_packet p = {0};
	struct fault f = {0};
	int rc = capture_next(c, &p, &f);

	if (rc < 0)
		fail_msg("%s", f.text);
	assert_int_equal(rc, 1);
	return p;
}

static void
must_end(struct capture *c)
{
	struct capture_packet p;
	struct fault f = {0};

	for (int i = 0; i < 2; i++)
		if (capture_next(c, &p, &f) != 0)
			fail_msg("it goes on: %s", f.text);
	capture_free(c);
}

static void
must_fail(
    int rc, const struct fault *f, enum fault_kind kind, const char *words)
{
	assert_int_equal(rc, -1);
	if (f->kind != kind || strstr(f->text, words) == NULL ||
	    strchr(f->text, '\n') != NULL)
		fail_msg("kind %d, not %d, \"%s\" without \"%s\"", (int)f->kind,
		    (int)kind, f->text, words);
	print_message("  %s\n", f->text);
}

static void
must_fail_next(struct capture *c, const char *words)
{
	struct capture_packet p;
	struct fault f = {0};

	must_fail(capture_next(c, &p, &f), &f, FAULT_INPUT, words);
}

static void
must_fail_open(const char *path, const char *words)
{
	struct capture *c = must_open(path);

	must_fail_next(c, words);
	must_end(c);
}

/*
 * Reads path beside libpcap until either stops, and wants the same of both.
 * Gives the number of packets; 0 where libpcap does not open it.
 */
static uint64_t
beside_libpcap(const char *path)
{
	char err[PCAP_ERRBUF_SIZE];
	struct capture *c = must_open(path);
	struct capture_packet p;
	struct pcap_pkthdr *h;
	const u_char *data;
	struct fault f = {0};
	uint64_t n = 0;
	pcap_t *pcap = pcap_open_offline_with_tstamp_precision(
	    path, PCAP_TSTAMP_PRECISION_NANO, err);
	int theirs, ours;

	if (pcap == NULL)
		fail_msg("%s", err);
	for (;;) {
		theirs = pcap_next_ex(pcap, &h, &data);
		ours = capture_next(c, &p, &f);
		if (theirs != 1 || ours != 1)
			break;
		n++;
		assert_int_equal(p.frame, n);
		assert_int_equal(p.file, 0);
		/* libpcap cuts what is longer than the header promised. */
		if (h->caplen == (bpf_u_int32)pcap_snapshot(pcap))
			assert_true(p.len >= h->caplen);
		else
			assert_int_equal(p.len, h->caplen);
		assert_int_equal(p.wire_len, h->len < p.len ? p.len : h->len);
		assert_memory_equal(p.data, data, h->caplen);
		if (h->ts.tv_sec >= 0 && h->ts.tv_usec < CLOCK_S)
			assert_int_equal(
			    p.unix_ns, h->ts.tv_sec * CLOCK_S + h->ts.tv_usec);
	}
	if ((theirs == PCAP_ERROR_BREAK) != (ours == 0))
		fail_msg("%s: after %lu packets libpcap says %d %s, we %d %s",
		    path, (unsigned long)n, theirs, pcap_geterr(pcap), ours,
		    f.text);
	pcap_close(pcap);
	capture_free(c);
	return n;
}

static void
pcap_variants(void **state)
{
	static const uint32_t magics[] = {MAGIC_US, MAGIC_NS, MAGIC_MODIFIED};

	(void)state;
	for (int i = 0; i < 2; i++) {
		big = i == 1;
		for (size_t m = 0; m < 3; m++) {
			for (uint16_t minor = 2; minor <= 4; minor++) {
				fresh();
				put_pcap(magics[m], minor, 5000);
				assert_int_equal(
				    beside_libpcap(save("v.pcap")), 5000);
			}
		}
		fresh();
		put_header(MAGIC_US, 543, 0, 1);
		put_record(1, 2, 60, 40); /* the lengths, reversed */
		put_payload(0, 40);
		assert_int_equal(beside_libpcap(save("v.pcap")), 1);
	}
	big = false;
	print_message("micro- and nanoseconds, modified, versions 2.2 to 2.4 "
		      "and 543.0, either byte order: as libpcap reads them\n");
}

static void
pcap_refused(void **state)
{
	(void)state;
	fresh();
	put_header(MAGIC_US, 2, 5, 1);
	must_fail_open(save("v.pcap"), "pcap version 2.5");
	fresh();
	put_header(MAGIC_US, 1, 0, 1);
	must_fail_open(save("v.pcap"), "pcap version 1.0");
	fresh();
	put_header(MAGIC_US, 2, 4, 105);
	must_fail_open(save("v.pcap"), "link type IEEE802_11 (105)");
	fresh();
	put_header(MAGIC_US, 2, 4, 60000);
	must_fail_open(save("v.pcap"), "link type unknown (60000)");
	fresh();
	put_header(MAGIC_US, 2, 4, 1);
	file.len = 23;
	must_fail_open(save("v.pcap"), "at byte 23");
}

static void
link_types(void **state)
{
	static const struct {
		uint32_t number; /* as files say it */
		enum pkt_link link;
	} table[] = {{1, PKT_LINK_ETHERNET}, {113, PKT_LINK_SLL},
	    {276, PKT_LINK_SLL2}, {101, PKT_LINK_RAW}, {228, PKT_LINK_RAW},
	    {229, PKT_LINK_RAW}, {12, PKT_LINK_RAW}, {14, PKT_LINK_RAW},
	    {0, PKT_LINK_NULL}, {108, PKT_LINK_LOOP}};
	struct capture_packet p;
	struct capture_stats st;
	struct capture *c;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		fresh();
		put_header(MAGIC_US, 2, 4, table[i].number);
		put_record(1700000000, 123456, 60, 99);
		put_payload(0, 60);
		c = must_open(save("l.pcap"));
		assert_int_equal(capture_fd(c), -1);
		assert_int_equal(capture_get_stats(c, &st), -1);
		p = must_next(c);
		assert_int_equal(p.link, table[i].link);
		assert_int_equal(p.len, 60);
		assert_int_equal(p.wire_len, 99);
		assert_int_equal(p.data[59], 59);
		assert_int_equal(p.unix_ns, INT64_C(1700000000123456000));
		must_end(c);
	}
	print_message("ten link types, each known for what it is\n");
}

/* 2^32 - 1 s is in the year 2106, not 1969. */
static void
pcap_edges(void **state)
{
	struct capture_packet p;
	struct capture *c;

	(void)state;
	fresh();
	put_header(MAGIC_NS, 2, 4, 0x50000001); /* with an FCS's length */
	put_record(0xffffffff, 999999999, 4, 2);
	put_payload(0, 4);
	put_record(0, 0, 0, 99);
	put_record(7, 1, 262144, 300000);
	put_payload(0, 262144);
	c = must_open(save("e.pcap"));
	p = must_next(c);
	assert_int_equal(p.unix_ns, INT64_C(4294967295999999999));
	assert_int_equal(p.link, PKT_LINK_ETHERNET);
	assert_int_equal(p.wire_len, 4); /* not less than what is there */
	p = must_next(c);
	assert_int_equal(p.len, 0);
	assert_int_equal(p.wire_len, 99);
	p = must_next(c);
	assert_int_equal(p.len, 262144);
	assert_int_equal(p.data[262143], 0xff);
	assert_int_equal(p.frame, 3);
	must_end(c);
	print_message("a stamp of 2106, an empty packet, one larger than the "
		      "buffer\n");
}

/* A file as libpcap too can read it. */
static void
put_plain_pcapng(uint32_t n)
{
	put_section(1, 0);
	put_other(4, 20); /* names */
	put_interface(1, 0, 9, 0);
	for (uint32_t i = 0; i < n; i++) {
		put_packet(
		    0, UINT64_C(1700000000000000000) + i, i, 40 + i % 60);
		if (i % 7 == 0)
			put_other(0xbad, i % 5 * 4);
		if (i % 5 == 0)
			put_old_packet(0, UINT64_C(1700000000000000000), i, 9);
	}
	put_other(5, 40); /* statistics */
}

static void
pcapng_plain(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		big = i == 1;
		fresh();
		put_plain_pcapng(5000);
		assert_int_equal(beside_libpcap(save("p.pcapng")), 6000);
	}
	big = false;
	print_message("pcapng in either byte order, as libpcap reads it\n");
}

static void
pcapng_sections(void **state)
{
	struct capture_packet p;
	struct capture *c;

	(void)state;
	fresh();
	put_section(1, 0);
	put_interface(1, 0, 6, 0);
	put_packet(0, 1700000000000001, 1, 41);
	big = true;
	put_section(1, 2);
	put_interface(101, 96, 9, 0);
	put_interface(276, 0, 6, 0);
	put_packet(1, 1700000000000002, 2, 42);
	put_packet(0, UINT64_C(1700000000000003000), 3, 43);
	big = false;
	c = must_open(save("s.pcapng"));
	p = must_next(c);
	assert_int_equal(p.link, PKT_LINK_ETHERNET);
	assert_int_equal(p.unix_ns, INT64_C(1700000000000001000));
	p = must_next(c);
	assert_int_equal(p.link, PKT_LINK_SLL2);
	assert_int_equal(p.unix_ns, INT64_C(1700000000000002000));
	assert_int_equal(p.len, 42);
	assert_int_equal(p.wire_len, 44);
	assert_int_equal(p.data[0], 2);
	p = must_next(c);
	assert_int_equal(p.link, PKT_LINK_RAW);
	assert_int_equal(p.unix_ns, INT64_C(1700000000000003000));
	assert_int_equal(p.frame, 3);
	must_end(c);
	print_message("two sections of opposite byte order; interfaces of "
		      "different link type, snapshot length, resolution\n");
}

static void
pcapng_resolutions(void **state)
{
	static const struct {
		uint8_t resolution;
		int64_t offset;
		uint64_t stamp;
		int64_t ns;
	} table[] = {
	    {6, 0, 1700000000123456, INT64_C(1700000000123456000)},
	    {9, 0, 1700000000123456789, INT64_C(1700000000123456789)},
	    {3, 0, 1700000000123, INT64_C(1700000000123000000)},
	    {0, 0, 1700000000, INT64_C(1700000000000000000)},
	    {12, 1700000000, 5000000000123, INT64_C(1700000005000000000)},
	    {0x80 | 10, 0, UINT64_C(1700000000) << 10 | 512,
		INT64_C(1700000000500000000)},
	    {0x80 | 32, 0, UINT64_C(1700000000) << 32 | UINT64_C(1) << 30,
		INT64_C(1700000000250000000)},
	    {0x80 | 63, 1700000000, UINT64_C(1) << 63 | UINT64_C(1) << 61,
		INT64_C(1700000001250000000)},
	    {6, -1700000000, 1700000001000000, CLOCK_S},
	    {6, 1700000000, 5000000, INT64_C(1700000005000000000)},
	    {19, 1, 5000000000000000000, INT64_C(1500000000)},
	    {0, 0, UINT64_C(0x7fffffffffffffff),
		(INT64_MAX / CLOCK_S - 1) * CLOCK_S},
	    {6, INT64_MAX, UINT64_MAX, /* held at the edge, with its rest */
		(INT64_MAX / CLOCK_S - 1) * CLOCK_S + 709551615 % 1000000000},
	};
	struct capture_packet p;
	struct capture *c;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		big = i % 2 != 0;
		fresh();
		put_section(1, 0);
		put_interface(1, 0, table[i].resolution, table[i].offset);
		put_packet(0, table[i].stamp, 0, 60);
		c = must_open(save("r.pcapng"));
		p = must_next(c);
		if (llabs(p.unix_ns - table[i].ns) > 1 &&
		    table[i].offset != INT64_MAX)
			fail_msg("row %zu: %lld, not %lld", i,
			    (long long)p.unix_ns, (long long)table[i].ns);
		assert_true(p.unix_ns > 0);
		must_end(c);
	}
	big = false;
	print_message("stamps in powers of 10 and 2, with and without an "
		      "offset, to the nanosecond\n");
}

static void
pcapng_simple(void **state)
{
	struct capture_packet p;
	struct capture *c;

	(void)state;
	fresh();
	put_section(1, 0);
	put_interface(1, 50, 6, 0);
	put_packet(0, 1700000000000001, 1, 41);
	put_simple(1500, 9, 50);
	put_simple(30, 8, 30);
	c = must_open(save("s.pcapng"));
	must_next(c);
	p = must_next(c);
	assert_int_equal(p.len, 50);
	assert_int_equal(p.wire_len, 1500);
	assert_int_equal(p.data[0], 9);
	assert_int_equal(p.unix_ns, INT64_C(1700000000000001000));
	p = must_next(c);
	assert_int_equal(p.len, 30);
	assert_int_equal(p.wire_len, 30);
	must_end(c);
	print_message("simple packets: snapped by the interface's length, "
		      "stamped as the packet before\n");
}

static void
pcapng_unknown_link(void **state)
{
	struct capture *c;

	(void)state;
	fresh();
	put_section(1, 0);
	put_interface(147, 0, 6, 0); /* a user's own */
	put_interface(1, 0, 6, 0);
	put_packet(0, 1, 1, 41);
	put_packet(1, 2, 1, 41);
	put_packet(0, 3, 1, 41);
	c = must_open(save("u.pcapng"));
	assert_int_equal(must_next(c).frame, 2);
	must_fail_next(c, "2 of 3 packets left out: link type unknown (147)");
	must_end(c);
}

/* Each of them after one good packet. */
static void
pcapng_damage(void **state)
{
	static const struct {
		const char *words;
		uint32_t block[12];
		uint32_t n;
	} table[] = {
	    {"a length that none has", {6, 0}, 2},
	    {"a length that none has", {6, 13, 0, 0}, 4},
	    {"a length that none has", {6, 0x7ffffffc, 0, 0}, 4},
	    {"two lengths differ", {0xbad, 16, 0, 20}, 4},
	    {"two lengths differ", {6, 36, 0, 0, 0, 4, 4, 0x11111111, 40}, 9},
	    {"interface that there is not",
		{6, 36, 1, 0, 0, 4, 4, 0x11111111, 36}, 9},
	    {"longer than its block", {6, 36, 0, 0, 0, 8, 8, 0x11111111, 36},
		9},
	    {"longer than its block",
		{6, 36, 0, 0, 0, 0xfffffff0, 8, 0x11111111, 36}, 9},
	    {"packet block that is too short", {6, 16, 0, 16}, 4},
	    {"packet block that is too short", {3, 12, 12}, 3},
	    {"interface block that is too short", {1, 16, 0, 16}, 4},
	    {"options cannot be", {1, 24, 1, 0, 9 | 99 << 16, 24}, 6},
	    {"options cannot be", {1, 28, 1, 0, 9 | 1 << 16, 64, 28}, 7},
	    {"without a byte order", {0x0a0d0d0a, 28, 0, 0, 0, 0, 28}, 7},
	    {"section header that is too short",
		{0x0a0d0d0a, 20, 0x1a2b3c4d, 1, 20}, 5},
	    {"pcapng version 2.0", {0x0a0d0d0a, 28, 0x1a2b3c4d, 2, 0, 0, 28},
		7},
	    {"ends in the middle", {6, 36, 0, 0, 0, 4}, 6},
	    {"ends in the middle", {0xbad, 36, 0, 0, 0, 4}, 6},
	    {"ends in the middle", {6}, 1},
	};
	struct capture *c;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		fresh();
		put_section(1, 0);
		put_interface(1, 0, 6, 0);
		put_packet(0, 1, 1, 41);
		for (uint32_t k = 0; k < table[i].n; k++)
			put32(table[i].block[k]);
		c = must_open(save("d.pcapng"));
		assert_int_equal(must_next(c).frame, 1);
		must_fail_next(c, table[i].words);
		must_end(c);
	}
}

/* How many packets p's prefix of n bytes gives, and how it ends. */
static unsigned int
count_prefix(size_t n, int *end)
{
	const char *path = in_dir("prefix");
	struct capture *c;
	struct capture_packet p;
	struct fault f = {0};
	unsigned int count = 0;
	uint32_t sum = 0;

	save_bytes(path, file.p, n);
	c = must_open(path);
	while ((*end = capture_next(c, &p, &f)) == 1) {
		count++;
		for (uint32_t i = 0; i < p.len; i++)
			sum += p.data[i];
	}
	assert_true(sum > 0 || count == 0);
	capture_free(c);
	return count;
}

/* Every byte of the file can be the last. */
static void
check_prefixes(unsigned int packets)
{
	unsigned int last = 0, clean = 0;

	for (size_t n = 0; n <= file.len; n++) {
		int end;
		unsigned int count = count_prefix(n, &end);

		assert_true(count >= last && count <= last + 1);
		clean += end == 0;
		last = count;
	}
	assert_int_equal(last, packets);
	print_message("%zu prefixes of %u packets, %u of them whole files\n",
	    file.len + 1, packets, clean);
	assert_true(clean > packets && clean < 3 * packets + 4);
}

static void
prefixes(void **state)
{
	(void)state;
	fresh();
	put_pcap(MAGIC_US, 4, 9);
	check_prefixes(9);
	fresh();
	put_plain_pcapng(6);
	check_prefixes(8);
}

/* Bytes at random places at random values: no crash, no end without end. */
static void
mutations(void **state)
{
	struct rng rng;
	struct text whole;
	unsigned int faults = 0;

	(void)state;
	rng_seed(&rng, 42);
	for (unsigned int i = 0; i < 3000; i++) {
		unsigned int count;
		int end;

		fresh();
		if (i % 2 != 0)
			put_pcap(MAGIC_US, 4, 9);
		else
			put_plain_pcapng(6);
		whole = file;
		for (unsigned int k = 0; k <= i % 4; k++)
			whole.p[rng_below(&rng, (uint32_t)whole.len)] =
			    (char)rng_below(&rng, 256);
		count = count_prefix(file.len, &end);
		assert_true(count <= file.len / 16);
		faults += end != 0;
	}
	print_message("3000 files with one to four wrong bytes, %u of them "
		      "with a fault\n",
	    faults);
	assert_true(faults > 200);
}

static void
pcap_damage(void **state)
{
	struct capture *c;

	(void)state;
	fresh();
	put_pcap(MAGIC_US, 4, 3);
	put_record(1, 2, 262145, 262145);
	c = must_open(save("d.pcap"));
	for (int i = 0; i < 3; i++)
		must_next(c);
	must_fail_next(c,
	    "damaged behind packet 3, at byte 195: a packet claims a length");
	must_end(c);
	fresh();
	put_pcap(MAGIC_US, 4, 3);
	file.len -= 1;
	c = must_open(save("d.pcap"));
	for (int i = 0; i < 2; i++)
		must_next(c);
	must_fail_next(
	    c, "damaged behind packet 2, at byte 194: it ends in the middle");
	must_end(c);
}

/* --- gzip --- */

/* What `file` holds becomes a gzip member behind what out holds. */
static void
pack(struct text *out)
{
	static uint8_t packed[2 * 1024 * 1024];
	z_stream z = {0};

	assert_int_equal(
	    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
	    Z_OK);
	z.next_in = (Bytef *)file.p;
	z.avail_in = (uInt)file.len;
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	text_add_bytes(out, packed, sizeof(packed) - z.avail_out);
	deflateEnd(&z);
}

static void
gzip(void **state)
{
	struct text out = {0};
	struct capture_packet p;
	struct capture *c;

	(void)state;
	fresh();
	put_pcap(MAGIC_NS, 4, 9000);
	pack(&out);
	fresh();
	for (uint32_t i = 0; i < 9000; i++) { /* a second member goes on */
		put_record(1800000000 + i, i, 60, 60);
		put_payload(i, 60);
	}
	pack(&out);
	text_add_bytes(&out, "\0\0\0\0", 4); /* padded */
	save_bytes(in_dir("z.pcap.gz"), out.p, out.len);
	c = must_open(in_dir("z.pcap.gz"));
	for (uint32_t i = 0; i < 18000; i++) {
		p = must_next(c);
		assert_int_equal(p.frame, i + 1);
		assert_int_equal(p.unix_ns,
		    i < 9000 ? (1700000000 + i) * CLOCK_S + i
			     : (1800000000 + i - 9000) * CLOCK_S + i - 9000);
		assert_int_equal(p.data[0], (i < 9000 ? i : i - 9000) & 0xff);
	}
	must_end(c);
	text_free(&out);
	fresh();
	put_plain_pcapng(10);
	pack(&out);
	save_bytes(in_dir("z"), out.p, out.len);
	c = must_open(in_dir("z"));
	for (int i = 0; i < 12; i++)
		must_next(c);
	must_end(c);
	text_free(&out);
	print_message("gzip by its first bytes, not its name; two members, "
		      "padding\n");
}

static unsigned int
count_until_fault(const char *path, struct fault *f)
{
	struct capture *c = must_open(path);
	struct capture_packet p;
	unsigned int n = 0;
	int rc;

	while ((rc = capture_next(c, &p, f)) == 1)
		n++;
	assert_int_equal(rc, -1);
	assert_int_equal(capture_next(c, &p, f), 0);
	capture_free(c);
	return n;
}

static void
gzip_damage(void **state)
{
	struct text out = {0};
	struct fault f = {0};
	struct rng rng;
	unsigned int n;

	(void)state;
	rng_seed(&rng, 1);
	fresh();
	put_header(MAGIC_US, 2, 4, 1);
	for (uint32_t i = 0; i < 9000; i++) {
		put_record(i, i, 60, 60);
		for (int k = 0; k < 60; k++) /* what does not pack */
			put8((uint8_t)rng_below(&rng, 256));
	}
	pack(&out);
	save_bytes(in_dir("cut.gz"), out.p, out.len / 2);
	n = count_until_fault(in_dir("cut.gz"), &f);
	must_fail(-1, &f, FAULT_INPUT, "the gzip stream ends in the middle");
	assert_true(n > 4000 && n < 5000);
	memset(out.p + out.len / 2, 0xff, 600);
	save_bytes(in_dir("bad.gz"), out.p, out.len);
	n = count_until_fault(in_dir("bad.gz"), &f);
	must_fail(-1, &f, FAULT_INPUT, ", unpacked: ");
	assert_true(n > 3000 && n < 9000);
	save_bytes(in_dir("head.gz"), out.p, 5);
	must_fail_open(in_dir("head.gz"), "gzip stream ends in the middle");
	save_bytes(in_dir("text.gz"), "\x1f\x8b\x08 no gzip at all", 18);
	must_fail_open(in_dir("text.gz"), "gzip stream is damaged");
	text_free(&out);
	print_message("half of a gzip file gives half of its packets\n");
}

static void
standard_input(void **state)
{
	static const char *const twice[] = {"-", "-"};
	struct text out = {0};
	struct capture *c;
	struct fault f = {0};
	int fds[2], was = dup(STDIN_FILENO);

	(void)state;
	fresh();
	put_pcap(MAGIC_US, 4, 20);
	pack(&out);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], out.p, out.len), out.len);
	close(fds[1]);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	close(fds[0]);
	c = must_open("-");
	for (int i = 0; i < 20; i++)
		must_next(c);
	must_end(c);
	must_fail_open("-", "standard input: it is empty");
	must_fail(capture_open_files(twice, 2, NULL, &c, &f), &f, FAULT_USAGE,
	    "named 2 times");
	if (was != -1)
		dup2(was, STDIN_FILENO);
	text_free(&out);
	print_message("a gzip stream through a pipe\n");
}

/* A pipe gives its bytes in such pieces as it likes, and gives them once. */
static void
fifo(void **state)
{
	const char *paths[2] = {in_dir("fifo"), in_dir("b.pcap")};
	struct capture *c;
	pid_t pid;

	(void)state;
	fresh();
	put_pcap(MAGIC_US, 4, 20);
	save("b.pcap");
	assert_int_equal(mkfifo(paths[0], 0600), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(paths[0], O_WRONLY);

		for (size_t i = 0; i < file.len; i++)
			if (write(fd, file.p + i, 1) != 1)
				_exit(1);
		_exit(0);
	}
	c = must_open_files(paths, 2, NULL);
	for (uint32_t i = 0; i < 40; i++) {
		struct capture_packet p = must_next(c);

		assert_int_equal(p.file, i % 2);
		assert_int_equal(p.frame, i / 2 + 1);
	}
	must_end(c);
	unlink(paths[0]);
	print_message("a pipe, byte by byte, merged with a file\n");
}

/* --- files that are none --- */

static void
read_others(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *words;
	} table[] = {
	    {"", 0, "it is empty"},
	    {"\xd4\xc3", 2, "it is no capture"},
	    {"[{\"frame\": 1}]\n", 15, "it is no capture"},
	    {"\x28\xb5\x2f\xfd    ", 8, "zstd -dc"},
	    {"\xfd"
	     "7zXZ\0  ",
		8, "xz -dc"},
	    {"BZh91AY&", 8, "bzip2 -dc"},
	    {"\x04\x22\x4d\x18    ", 8, "lz4 -dc"},
	    {"PK\x03\x04    ", 8, "unpack it"},
	    {"snoop\0\0\0\0\0\0\2", 12, "editcap -F pcap"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		save_bytes(in_dir("x"), table[i].bytes, table[i].n);
		must_fail_open(in_dir("x"), table[i].words);
	}
	must_fail_open(in_dir("none"), "No such file");
	must_fail_open("/", "it is a directory");
}

static void
no_permission(void **state)
{
	uid_t was = geteuid();

	(void)state;
	fresh();
	put_pcap(MAGIC_US, 4, 2);
	save("mine.pcap");
	assert_int_equal(chmod(in_dir("mine.pcap"), 0), 0);
	if (was == 0 && (chmod(dir, 0755) != 0 || seteuid(65534) != 0)) {
		print_message("SKIPPED: not allowed to be somebody else\n");
		skip();
	}
	must_fail_open(in_dir("mine.pcap"), "you may not read it");
	if (was == 0)
		assert_int_equal(seteuid(0), 0);
}

/* The good ones are read whatever the others are. */
static void
some_are_bad(void **state)
{
	const char *paths[] = {in_dir("none"), in_dir("a.pcap"),
	    in_dir("empty"), in_dir("b.pcap"), in_dir("c.pcap")};
	struct capture *c;
	int n = 0;

	(void)state;
	save_bytes(paths[2], "", 0);
	fresh();
	put_pcap(MAGIC_US, 4, 10);
	save("a.pcap");
	save("c.pcap");
	file.len--;
	save("b.pcap");
	c = must_open_files(paths, 5, NULL);
	must_fail_next(c, "/none: ");
	must_fail_next(c, "/empty: ");
	for (n = 0; n < 8 * 3 + 2; n++)
		assert_int_equal(must_next(c).file, n % 3 == 0 ? 1 : n % 3 + 2);
	must_fail_next(c, "/b.pcap: damaged behind packet 9");
	for (n = 0; n < 3; n++) {
		struct capture_packet p = must_next(c);

		assert_int_equal(p.file, n == 1 ? 1 : 4);
		assert_int_equal(p.frame, n == 0 ? 9 : 10);
	}
	must_end(c);
	print_message("five files, three of them bad: told one by one, all "
		      "that is good was read\n");
}

/* --- merging --- */

static void
merge_overlapping(void **state)
{
	const char *paths[3];
	uint64_t frames[3] = {0};
	int64_t last = 0;
	uint32_t last_file = 0;
	struct capture *c;

	(void)state;
	for (uint32_t k = 0; k < 3; k++) {
		char name[] = "0.pcap";

		name[0] = (char)('0' + k);
		fresh();
		put_header(MAGIC_US, 2, 4, k == 1 ? 101 : 1);
		for (uint32_t i = 0; i < 300; i++) {
			put_record(1000 + i * (k + 1), 0, 60, 60);
			put_payload(k, 60);
		}
		paths[k] = save(name);
	}
	c = must_open_files(paths, 3, NULL);
	for (int i = 0; i < 900; i++) {
		struct capture_packet p = must_next(c);

		assert_true(p.unix_ns > last ||
		    (p.unix_ns == last && p.file > last_file));
		last = p.unix_ns;
		last_file = p.file;
		assert_int_equal(p.frame, ++frames[p.file]);
		assert_int_equal(p.data[0], p.file);
		assert_int_equal(
		    p.link, p.file == 1 ? PKT_LINK_RAW : PKT_LINK_ETHERNET);
	}
	must_end(c);
	print_message("three files in the order of their stamps, ties in the "
		      "order they were named, frames counted in each\n");
}

/* Stamps that go back inside of a file are the file's own affair. */
static void
merge_disorder(void **state)
{
	static const uint32_t stamps[] = {10, 5, 20, 7, 30};
	static const uint32_t want[] = {10, 5, 20, 7, 25, 30};
	const char *paths[2];
	struct capture *c;

	(void)state;
	fresh();
	put_header(MAGIC_US, 2, 4, 1);
	for (int i = 0; i < 5; i++) {
		put_record(stamps[i], 0, 60, 60);
		put_payload(0, 60);
	}
	paths[0] = save("a.pcap");
	c = must_open(paths[0]);
	for (int i = 0; i < 5; i++)
		assert_int_equal(must_next(c).unix_ns, stamps[i] * CLOCK_S);
	must_end(c);
	fresh();
	put_header(MAGIC_US, 2, 4, 1);
	put_record(25, 0, 60, 60);
	put_payload(0, 60);
	paths[1] = save("b.pcap");
	c = must_open_files(paths, 2, NULL);
	for (int i = 0; i < 6; i++)
		assert_int_equal(must_next(c).unix_ns, want[i] * CLOCK_S);
	must_end(c);
}

#define RING 1000

/* Named last to first, so that the order of names is no help. */
static void
merge_ring(void **state)
{
	const struct rlimit few = {40, 40};
	struct rlimit was;
	char **paths = calloc(RING, sizeof(*paths));
	struct capture *c;

	(void)state;
	assert_non_null(paths);
	for (uint32_t i = 0; i < RING; i++) {
		char name[32];

		snprintf(name, sizeof(name), "ring%u", i);
		paths[i] = strdup(in_dir(name));
		fresh();
		put_header(MAGIC_US, 2, 4, 1);
		for (uint32_t k = 0; k < 3; k++) {
			put_record(10 * (RING - i) + k, 0, 60, 60);
			put_payload(0, 60);
		}
		save(name);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE,
			     &(struct rlimit){few.rlim_cur, was.rlim_max}),
	    0);
	c = must_open_files((const char *const *)paths, RING, NULL);
	for (uint32_t i = 0; i < 3 * RING; i++) {
		struct capture_packet p = must_next(c);

		assert_int_equal(p.file, RING - 1 - i / 3);
		assert_int_equal(p.frame, i % 3 + 1);
		assert_int_equal(
		    p.unix_ns, (10 * (i / 3 + 1) + i % 3) * CLOCK_S);
	}
	must_end(c);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	for (uint32_t i = 0; i < RING; i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
	free(paths);
	print_message("1000 files of a ring buffer with 40 descriptors\n");
}

static void
merge_too_many_at_once(void **state)
{
	const char *paths[60];
	struct rlimit was;
	struct capture *c;
	struct capture_packet p;
	struct fault f = {0};
	unsigned int n = 0, faults = 0;
	int rc;

	(void)state;
	fresh();
	put_pcap(MAGIC_US, 4, 10);
	paths[0] = save("a.pcap");
	for (int i = 1; i < 60; i++)
		paths[i] = paths[0];
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(
	    setrlimit(RLIMIT_NOFILE, &(struct rlimit){40, was.rlim_max}), 0);
	c = must_open_files(paths, 60, NULL);
	while ((rc = capture_next(c, &p, &f)) != 0) {
		n += rc == 1;
		faults += rc == -1;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	must_fail(-1, &f, FAULT_SYSTEM, "ulimit -n");
	assert_true(n >= 300 && faults >= 10);
	assert_int_equal(n + 10 * faults, 600);
	capture_free(c);
}

/* A file that is gone, or another one, when its turn comes. */
static void
merge_changes(void **state)
{
	const char *paths[] = {in_dir("a.pcap"), in_dir("b.pcap")};
	struct capture *c;

	(void)state;
	fresh();
	put_pcap(MAGIC_US, 4, 3);
	save("a.pcap");
	fresh();
	put_header(MAGIC_US, 2, 4, 1);
	put_record(1900000000, 0, 60, 60);
	put_payload(0, 60);
	save("b.pcap");
	c = must_open_files(paths, 2, NULL);
	must_next(c);
	unlink(paths[1]);
	must_next(c);
	must_next(c);
	must_fail_next(c, "b.pcap: No such file");
	must_end(c);
}

static void
nothing_at_all(void **state)
{
	struct capture *c;

	(void)state;
	fresh();
	put_header(MAGIC_US, 2, 4, 1);
	must_end(must_open(save("n.pcap")));
	fresh();
	put_section(1, 0);
	must_end(must_open(save("n.pcapng")));
	c = must_open_files(NULL, 0, NULL);
	must_end(c);
	print_message("files without a packet are good files\n");
}

/* --- filters --- */

/* A TCP packet to port 80 over IPv4, one to 81 over IPv6, behind link. */
static void
put_tcp(bool v6, uint16_t port)
{
	static const uint8_t ip4[20] = {
	    0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
	static const uint8_t ip6[40] = {0x60, 0, 0, 0, 0, 20, 6, 64};
	static const uint8_t tcp[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x10};

	text_add_bytes(&file, v6 ? ip6 : ip4, v6 ? 40 : 20);
	put8(0x30);
	put8(0x39);
	put8((uint8_t)(port >> 8));
	put8((uint8_t)port);
	text_add_bytes(&file, tcp, 16);
}

static void
put_link(uint32_t number, bool v6)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	uint16_t type = v6 ? 0xdd86 : 0x0008;

	if (number == 1) {
		text_add_bytes(&file, macs, 12);
	} else if (number == 113) {
		text_add_bytes(&file, "\0\4\0\1\0\6\2\0\0\0\0\1\0\0", 14);
	} else if (number == 276) {
		text_add_bytes(&file, &type, 2);
		text_add_bytes(
		    &file, "\0\0\0\0\0\1\0\1\4\6\2\0\0\0\0\1\0\0", 18);
		return;
	} else if (number == 0) { /* a Mac's, read in the other order */
		text_add_bytes(&file, v6 ? "\0\0\0\x1e" : "\0\0\0\2", 4);
		return;
	} else if (number == 108) {
		text_add_bytes(&file, v6 ? "\0\0\0\x18" : "\0\0\0\2", 4);
		return;
	} else {
		return;
	}
	text_add_bytes(&file, &type, 2);
}

static const char *
save_filtered(const char *name, uint32_t number)
{
	fresh();
	put_header(MAGIC_US, 2, 4, number);
	for (uint16_t i = 0; i < 4; i++) {
		size_t at;
		uint32_t len;

		put_record(1000 + i, number, 0, 0);
		at = file.len;
		put_link(number, i % 2 != 0);
		put_tcp(i % 2 != 0, i < 2 ? 80 : 443);
		len = (uint32_t)(file.len - at);
		memcpy(file.p + at - 8, &len, 4);
		memcpy(file.p + at - 4, &len, 4);
	}
	return save(name);
}

static void
filter_links(void **state)
{
	static const uint32_t numbers[] = {1, 113, 276, 101, 0, 108};
	static const char *const names[] = {"f1", "f2", "f3", "f4", "f5", "f6"};
	const char *paths[6];
	unsigned int seen[6] = {0};
	struct capture *c;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		paths[i] = save_filtered(names[i], numbers[i]);
	c = must_open_files(paths, 6, "tcp dst port 443");
	for (int i = 0; i < 12; i++) {
		struct capture_packet p = must_next(c);

		assert_true(p.frame == 3 || p.frame == 4);
		seen[p.file]++;
	}
	for (int i = 0; i < 6; i++)
		assert_int_equal(seen[i], 2);
	must_end(c);
	print_message("one filter over six link types, IPv4 and IPv6; frames "
		      "count what it leaves out\n");
}

static void
filter_faults(void **state)
{
	const char *paths[] = {in_dir("f1"), in_dir("f4")};
	struct capture *c;
	struct fault f = {0};

	(void)state;
	save_filtered("f1", 1);
	save_filtered("f4", 101);
	must_fail(capture_open_files(paths, 2, "tcp and", &c, &f), &f,
	    FAULT_USAGE, "syntax error");
	must_fail(
	    capture_open_files(paths, 2, "ether src 02:00:00:00:00:01", &c, &f),
	    &f, FAULT_USAGE, "link type RAW");
	c = must_open_files(paths, 1, "ether src 02:00:00:00:00:01");
	for (int i = 0; i < 4; i++)
		must_next(c);
	must_end(c);
	fresh(); /* and where a file's second link type is the trouble */
	put_section(1, 0);
	put_interface(1, 0, 6, 0);
	put_interface(101, 0, 6, 0);
	put_packet(0, 1, 1, 41);
	put_packet(1, 2, 1, 41);
	paths[0] = save("f.pcapng");
	c = must_open_files(paths, 1, "ether[0] = 1");
	must_next(c);
	must_next(c); /* offset 0 of raw IP: nothing wrong with that */
	must_end(c);
	c = must_open_files(paths, 1, "not ether src 02:00:00:00:00:01");
	must_next(c);
	must_fail(capture_next(c, &(struct capture_packet){0}, &f), &f,
	    FAULT_USAGE, "link type RAW");
	must_end(c);
}

/* --- public captures, where they are at hand --- */

static unsigned int walked, compared, alone, refused;

/* libpcap's end where it must give up and we need not. */
static bool
libpcap_gives_up(const char *path)
{
	char err[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const u_char *data;
	pcap_t *pcap = pcap_open_offline(path, err);
	bool up = pcap == NULL;
	int rc = 1;

	if (pcap == NULL)
		return up;
	while (rc == 1)
		rc = pcap_next_ex(pcap, &h, &data);
	up = rc == PCAP_ERROR &&
	    strstr(pcap_geterr(pcap), "of the first interface") != NULL;
	pcap_close(pcap);
	return up;
}

static void
read_alone(const char *path)
{
	struct capture *c = must_open(path);
	struct capture_packet p;
	struct fault f = {0};
	unsigned long n = 0;
	int rc;

	while ((rc = capture_next(c, &p, &f)) == 1)
		n++;
	print_message("  ours alone: %s: %lu packets%s%s\n", path, n,
	    rc < 0 ? ", then: " : "", rc < 0 ? f.text : "");
	capture_free(c);
	alone++;
}

static int
walk(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct capture *c;
	struct capture_packet p;
	struct fault f = {0};
	size_t len = strlen(path);
	int rc;

	(void)st;
	(void)ftw;
	if (type != FTW_F || (len > 4 && strcmp(path + len - 4, ".tsv") == 0) ||
	    (len > 3 && strcmp(path + len - 3, ".md") == 0))
		return 0;
	walked++;
	c = must_open(path);
	rc = capture_next(c, &p, &f);
	capture_free(c);
	if (rc < 0) {
		assert_int_equal(f.kind, FAULT_INPUT);
		print_message("  refused: %s\n", f.text);
		refused++;
	} else if (libpcap_gives_up(path)) {
		read_alone(path);
	} else {
		beside_libpcap(path);
		compared++;
	}
	return 0;
}

static void
public_captures(void **state)
{
	const char *where = "../shared/captures";

	(void)state;
	if (access(where, R_OK) != 0) {
		print_message("SKIPPED: %s is not there\n", where);
		skip();
	}
	assert_int_equal(nftw(where, walk, 16, FTW_PHYS), 0);
	print_message("%u files: %u as libpcap reads them, %u that it cannot, "
		      "%u refused\n",
	    walked, compared, alone, refused);
	assert_true(compared > 100);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/rsthop-capture-XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	(void)state;
	fresh();
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("pcap variants", pcap_variants),
	    PROVES("pcap refused", pcap_refused),
	    PROVES("link types", link_types),
	    PROVES("pcap edges", pcap_edges),
	    PROVES("pcap damage", pcap_damage),
	    PROVES("pcapng plain", pcapng_plain),
	    PROVES("pcapng sections", pcapng_sections),
	    PROVES("pcapng resolutions", pcapng_resolutions),
	    PROVES("pcapng simple", pcapng_simple),
	    PROVES("pcapng unknown link", pcapng_unknown_link),
	    PROVES("pcapng damage", pcapng_damage),
	    PROVES("prefixes", prefixes),
	    PROVES("mutations", mutations),
	    PROVES("gzip", gzip),
	    PROVES("gzip damage", gzip_damage),
	    PROVES("standard input", standard_input),
	    PROVES("fifo", fifo),
	    PROVES("strangers", read_others),
	    PROVES("no permission", no_permission),
	    PROVES("some are bad", some_are_bad),
	    PROVES("merge overlapping", merge_overlapping),
	    PROVES("merge disorder", merge_disorder),
	    PROVES("merge ring", merge_ring),
	    PROVES("merge too many at once", merge_too_many_at_once),
	    PROVES("merge changes", merge_changes),
	    PROVES("nothing at all", nothing_at_all),
	    PROVES("filter links", filter_links),
	    PROVES("filter faults", filter_faults),
	    PROVES("public captures", public_captures),
	};

	return cmocka_run_group_tests_name(
	    "capture_file", tests, setup, teardown);
}
