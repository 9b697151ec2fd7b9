/*
 * One capture file: which format it is, and the pcap format.
 *
 * libpcap reads both formats too, but gives up a pcapng file whose interfaces
 * differ in link type or snapshot length, says no byte offset of damage, and
 * takes twice the time, a copy of each packet.
 */
#include <stdlib.h>

#include <rsthop/clock.h>

#include "capture_filter.h"
#include "capture_read.h"

#define PCAP_MAGIC_US	     0xa1b2c3d4
#define PCAP_MAGIC_NS	     0xa1b23c4d
#define PCAP_MAGIC_MODIFIED  0xa1b2cd34
#define PCAP_HEADER	     24
#define PCAP_RECORD	     16
#define PCAP_RECORD_MODIFIED 24
#define PCAPNG_MAGIC	     0x0a0d0d0a /* the same in either order */

int64_t
reader_stamp_ns(int64_t s, int64_t ns)
{
	const int64_t last = INT64_MAX / CLOCK_S - 1;

	if (s > last)
		s = last;
	if (s < -last)
		s = -last;
	return s * CLOCK_S + ns;
}

int
reader_fault_damage(
    struct reader *r, uint64_t at, const char *words, struct fault *f)
{
	const char *unpacked = r->src.gzip != NULL ? ", unpacked" : "";

	if (r->frame == 0)
		return fault(f, FAULT_INPUT,
		    "%.180s: damaged before its first packet, at byte %llu%s: "
		    "%s",
		    r->src.name, (unsigned long long)at, unpacked, words);
	return fault(f, FAULT_INPUT,
	    "%.150s: damaged behind packet %llu, at byte %llu%s: %s; all "
	    "before it was read",
	    r->src.name, (unsigned long long)r->frame, (unsigned long long)at,
	    unpacked, words);
}

int
reader_fault_cut(struct reader *r, struct fault *f)
{
	const char *bad = r->src.bad;
	uint64_t end = r->src.offset + r->src.end;

	return reader_fault_damage(r, end,
	    bad[0] != '\0' ? bad : "it ends in the middle of a packet", f);
}

/*
 * draft-ietf-opsawg-pcap section 5, in the file's byte order:
 *
 *  +---------------------------------------------------------------+
 *  |                            Seconds                            |
 *  +---------------------------------------------------------------+
 *  |                   Micro- or nanoseconds                       |
 *  +---------------------------------------------------------------+
 *  |                        Captured length                        |
 *  +---------------------------------------------------------------+
 *  |                        Original length                        |
 *  +---------------------------------------------------------------+
 *
 * and for the modified format 8 bytes more: interface, protocol, type.
 */
static int
reader_next_pcap(struct reader *r, struct capture_packet *out, struct fault *f)
{
	uint64_t at = source_offset(&r->src);
	const uint8_t *h = source_need(&r->src, r->header_len);
	uint32_t len, wire_len;

	if (h == NULL && source_left(&r->src) == 0 && r->src.bad[0] == '\0')
		return 0;
	if (h == NULL)
		return reader_fault_cut(r, f);
	out->unix_ns = reader_get32(r, h) * CLOCK_S +
	    (int64_t)reader_get32(r, h + 4) * r->frac_ns;
	len = reader_get32(r, h + 8);
	wire_len = reader_get32(r, h + 12);
	/* Before 2.3 the lengths stood the other way round; in 2.3 either. */
	if (r->minor < 3 || (r->minor == 3 && len > wire_len)) {
		uint32_t other = len;

		len = wire_len;
		wire_len = other;
	}
	if (len > READ_PACKET_MAX)
		return reader_fault_damage(
		    r, at, "a packet claims a length that none has", f);
	h = source_need(&r->src, r->header_len + len);
	if (h == NULL)
		return reader_fault_cut(r, f);
	source_take(&r->src, r->header_len + len);
	out->data = h + r->header_len;
	out->len = len;
	/* A file may claim less on the wire than it holds. */
	out->wire_len = wire_len < len ? len : wire_len;
	out->link = r->link;
	out->frame = ++r->frame;
	return 1;
}

bool
reader_is_ready(const struct reader *r)
{
	size_t left = source_left(&r->src);
	uint32_t len;

	if (r->next != reader_next_pcap || r->minor < 4 || left < r->header_len)
		return false;
	len = reader_get32(r, r->src.buf + r->src.start + 8);
	return len <= READ_PACKET_MAX && left >= r->header_len + len;
}

/* The upper bits of the link type tell of a frame check sequence. */
#define PCAP_LINK_MASK 0x03ffffff

/* The version is 2.0 to 2.4; DG/UX wrote 543.0 for what is 2.2 elsewhere. */
static int
reader_begin_version(
    struct reader *r, uint16_t major, uint16_t minor, struct fault *f)
{
	r->minor = minor;
	if (major == 2 && minor <= 4)
		return 0;
	if (major == 543 && minor == 0)
		return 0;
	return fault(f, FAULT_INPUT,
	    "%.180s: pcap version %u.%u is not supported: 2.0 to 2.4 are",
	    r->src.name, major, minor);
}

/*
 * draft-ietf-opsawg-pcap section 4: magic, version, 8 bytes unused, snapshot
 * length, link type.
 */
int
reader_begin_pcap(struct reader *r, struct fault *f)
{
	const uint8_t *h = source_need(&r->src, PCAP_HEADER);
	uint32_t magic, number;

	if (h == NULL)
		return reader_fault_cut(r, f);
	magic = reader_get32(r, h);
	r->frac_ns = magic == PCAP_MAGIC_NS ? 1 : 1000;
	r->header_len =
	    magic == PCAP_MAGIC_MODIFIED ? PCAP_RECORD_MODIFIED : PCAP_RECORD;
	if (reader_begin_version(
		r, reader_get16(r, h + 4), reader_get16(r, h + 6), f) != 0)
		return -1;
	number = reader_get32(r, h + 20) & PCAP_LINK_MASK;
	if (capture_link_find(number, &r->link) != 0)
		return capture_link_fault(r->src.name, number, f);
	source_take(&r->src, PCAP_HEADER);
	r->next = reader_next_pcap;
	return 0;
}

/* Files that people take for captures, and how to make them some. */
static const struct {
	uint8_t n;
	char start[8];
	const char *words;
} strangers[] = {
    {4, "\x28\xb5\x2f\xfd",
	"compressed with zstd: unpack it first, or pipe it: zstd -dc FILE | "
	"rsthop analyze -"},
    {6,
	"\xfd"
	"7zXZ",
	"compressed with xz: unpack it first, or pipe it: xz -dc FILE | "
	"rsthop analyze -"},
    {3, "BZh",
	"compressed with bzip2: unpack it first, or pipe it: bzip2 -dc FILE | "
	"rsthop analyze -"},
    {4, "\x04\x22\x4d\x18",
	"compressed with lz4: unpack it first, or pipe it: lz4 -dc FILE | "
	"rsthop analyze -"},
    {4, "PK\x03\x04", "a zip archive: unpack it first"},
    {5, "snoop", "a snoop capture: convert it with editcap -F pcap"},
};

static int
reader_fault_format(struct reader *r, struct fault *f)
{
	size_t n = source_left(&r->src);
	const uint8_t *p = source_need(&r->src, n);

	if (r->src.bad[0] != '\0')
		return fault(
		    f, FAULT_INPUT, "%.180s: %s", r->src.name, r->src.bad);
	if (p == NULL || n == 0)
		return fault(f, FAULT_INPUT,
		    "%.180s: it is empty: no capture was written to it",
		    r->src.name);
	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++)
		if (n >= strangers[i].n &&
		    memcmp(p, strangers[i].start, strangers[i].n) == 0)
			return fault(f, FAULT_INPUT, "%.150s: it is %s",
			    r->src.name, strangers[i].words);
	return fault(f, FAULT_INPUT,
	    "%.180s: it is no capture: neither pcap nor pcapng, as tcpdump -w "
	    "and Wireshark write",
	    r->src.name);
}

static bool
reader_is_pcap(uint32_t magic)
{
	return magic == PCAP_MAGIC_US || magic == PCAP_MAGIC_NS ||
	    magic == PCAP_MAGIC_MODIFIED;
}

static int
reader_begin(struct reader *r, struct fault *f)
{
	const uint8_t *p = source_need(&r->src, 8);
	uint32_t magic;

	if (p == NULL)
		return reader_fault_format(r, f);
	magic = reader_get32(r, p);
	if (magic == PCAPNG_MAGIC)
		return reader_begin_pcapng(r, f);
	r->swapped = reader_is_pcap(__builtin_bswap32(magic));
	if (r->swapped || reader_is_pcap(magic))
		return reader_begin_pcap(r, f);
	return reader_fault_format(r, f);
}

int
reader_open(const char *path, int stop_fd, struct reader **out, struct fault *f)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (source_open(&r->src, path, stop_fd, f) != 0 ||
	    reader_begin(r, f) != 0) {
		reader_free(r);
		return -1;
	}
	*out = r;
	return 0;
}

void
reader_free(struct reader *r)
{
	if (r == NULL)
		return;
	source_close(&r->src);
	free(r->ifaces);
	free(r);
}
