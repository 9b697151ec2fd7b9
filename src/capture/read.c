/*
 * One capture file: which format it is.
 *
 * libpcap reads both formats too, but gives up a pcapng file whose interfaces
 * differ in link type or snapshot length, says no byte offset of damage, and
 * copies each packet, which doubles the time.
 */
#include <stdlib.h>

#include "reader.h"

#define READ_PCAPNG_MAGIC 0x0a0d0d0a /* the same in either order */

/* Files that people take for captures, and how to make them some. */
static const struct {
	uint8_t n;
	char start[8];
	const char *words;
} read_others[] = {
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
read_reader_fault_format(struct reader *r, struct fault *f)
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
	for (size_t i = 0; i < sizeof(read_others) / sizeof(*read_others); i++)
		if (n >= read_others[i].n &&
		    memcmp(p, read_others[i].start, read_others[i].n) == 0)
			return fault(f, FAULT_INPUT, "%.150s: it is %s",
			    r->src.name, read_others[i].words);
	return fault(f, FAULT_INPUT,
	    "%.180s: it is no capture: neither pcap nor pcapng, as tcpdump -w "
	    "and Wireshark write",
	    r->src.name);
}

static int
read_reader_begin(struct reader *r, struct fault *f)
{
	const uint8_t *p = source_need(&r->src, 8);
	uint32_t magic;

	if (p == NULL)
		return read_reader_fault_format(r, f);
	magic = reader_get32(r, p);
	if (magic == READ_PCAPNG_MAGIC)
		return reader_begin_pcapng(r, f);
	if (reader_is_pcap(r, magic))
		return reader_begin_pcap(r, f);
	return read_reader_fault_format(r, f);
}

int
reader_open(const char *path, int stop_fd, struct reader **out, struct fault *f)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (source_open(&r->src, path, stop_fd, f) != 0 ||
	    read_reader_begin(r, f) != 0) {
		reader_free(r);
		return -1;
	}
	*out = r;
	return 0;
}
