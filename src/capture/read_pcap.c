/*
 * The pcap format, in all its versions.
 */
#include <rsthop/clock.h>

#include "filter.h"
#include "reader.h"

#define PCAP_MAGIC_US	     0xa1b2c3d4
#define PCAP_MAGIC_NS	     0xa1b23c4d
#define PCAP_MAGIC_MODIFIED  0xa1b2cd34
#define PCAP_HEADER	     24
#define PCAP_RECORD	     16
#define PCAP_RECORD_MODIFIED 24

static bool
pcap_is_magic(uint32_t magic)
{
	return magic == PCAP_MAGIC_US || magic == PCAP_MAGIC_NS ||
	    magic == PCAP_MAGIC_MODIFIED;
}

bool
reader_is_pcap(struct reader *r, uint32_t magic)
{
	r->swapped = pcap_is_magic(__builtin_bswap32(magic));
	return r->swapped || pcap_is_magic(magic);
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
pcap_reader_next(struct reader *r, struct capture_packet *out, struct fault *f)
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

	if (r->next != pcap_reader_next || r->minor < 4 || left < r->header_len)
		return false;
	len = reader_get32(r, r->src.buf + r->src.start + 8);
	return len <= READ_PACKET_MAX && left >= r->header_len + len;
}

/* The upper bits of the link type tell of a frame check sequence. */
#define PCAP_LINK_MASK 0x03ffffff

/* The version is 2.0 to 2.4; DG/UX wrote 543.0 for what is 2.2 elsewhere. */
static int
pcap_reader_begin_version(
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
	if (pcap_reader_begin_version(
		r, reader_get16(r, h + 4), reader_get16(r, h + 6), f) != 0)
		return -1;
	number = reader_get32(r, h + 20) & PCAP_LINK_MASK;
	if (capture_link_find(number, &r->link) != 0)
		return capture_link_fault(r->src.name, number, f);
	source_take(&r->src, PCAP_HEADER);
	r->next = pcap_reader_next;
	return 0;
}
