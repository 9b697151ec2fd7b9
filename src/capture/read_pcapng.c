/*
 * pcapng: sections of blocks, interfaces described in front of their packets.
 * The layout is that of draft-ietf-opsawg-pcapng.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rsthop/clock.h>
#include <rsthop/vec.h>

#include "filter.h"
#include "reader.h"

#define PCAPNG_SECTION	  0x0a0d0d0a
#define PCAPNG_ORDER	  0x1a2b3c4d
#define PCAPNG_INTERFACE  1
#define PCAPNG_OLD_PACKET 2
#define PCAPNG_SIMPLE	  3
#define PCAPNG_PACKET	  6

#define PCAPNG_OPT_TSRESOL  9
#define PCAPNG_OPT_TSOFFSET 14

/* A block that is to be understood, and so held, is no longer; libpcap's. */
#define PCAPNG_BLOCK_MAX (16 * 1024 * 1024)

/* Any block, its fixed frame of 12 bytes taken off:
 *
 *  +---------------------------------------------------------------+
 *  |                             Type                              |
 *  +---------------------------------------------------------------+
 *  |                  Length, with type and lengths                |
 *  +---------------------------------------------------------------+
 *  |                     Body, padded to 32 bits                   |
 *  +---------------------------------------------------------------+
 *  |                        Length, once more                      |
 *  +---------------------------------------------------------------+
 */
struct pcapng_block {
	uint64_t at; /* its first byte in the file */
	uint32_t type;
	uint32_t len;
	const uint8_t *body; /* NULL where it was skipped */
	uint32_t body_len;
};

static bool
pcapng_is_wanted(uint32_t type)
{
	return type == PCAPNG_SECTION || type == PCAPNG_INTERFACE ||
	    type == PCAPNG_OLD_PACKET || type == PCAPNG_SIMPLE ||
	    type == PCAPNG_PACKET;
}

/* A section's own bytes say in which order they stand, its length too. */
static int
pcapng_set_order(
    struct reader *r, const struct pcapng_block *b, struct fault *f)
{
	const uint8_t *h = source_need(&r->src, 12);

	if (h == NULL)
		return reader_fault_cut(r, f);
	if (reader_get32(r, h + 8) == PCAPNG_ORDER)
		return 0;
	r->swapped = !r->swapped;
	if (reader_get32(r, h + 8) == PCAPNG_ORDER)
		return 0;
	return reader_fault_damage(
	    r, b->at, "a section without a byte order", f);
}

static int
pcapng_check_len(
    struct reader *r, const struct pcapng_block *b, struct fault *f)
{
	if (b->len < 12 || b->len % 4 != 0 ||
	    (pcapng_is_wanted(b->type) && b->len > PCAPNG_BLOCK_MAX))
		return reader_fault_damage(
		    r, b->at, "a block claims a length that none has", f);
	return 0;
}

/* The body stays valid until the next block. */
static int
pcapng_hold_body(struct reader *r, struct pcapng_block *b, struct fault *f)
{
	const uint8_t *h = source_need(&r->src, b->len);

	if (h == NULL)
		return reader_fault_cut(r, f);
	b->body = h + 8;
	b->body_len = b->len - 12;
	source_take(&r->src, b->len);
	if (reader_get32(r, h + b->len - 4) != b->len)
		return reader_fault_damage(
		    r, b->at, "a block's two lengths differ", f);
	return 1;
}

static int
pcapng_skip_body(struct reader *r, struct pcapng_block *b, struct fault *f)
{
	const uint8_t *h;

	b->body = NULL;
	b->body_len = 0;
	if (!source_skip(&r->src, b->len - 4))
		return reader_fault_cut(r, f);
	h = source_need(&r->src, 4);
	if (h == NULL)
		return reader_fault_cut(r, f);
	if (reader_get32(r, h) != b->len)
		return reader_fault_damage(
		    r, b->at, "a block's two lengths differ", f);
	source_take(&r->src, 4);
	return 1;
}

static int
pcapng_next_block(struct reader *r, struct pcapng_block *b, struct fault *f)
{
	const uint8_t *h;

	b->at = source_offset(&r->src);
	h = source_need(&r->src, 8);
	if (h == NULL && source_left(&r->src) == 0 && r->src.bad[0] == '\0')
		return 0;
	if (h == NULL)
		return reader_fault_cut(r, f);
	b->type = reader_get32(r, h);
	if (b->type == PCAPNG_SECTION) {
		if (pcapng_set_order(r, b, f) != 0)
			return -1;
		h = source_need(&r->src, 8);
	}
	if (h == NULL)
		return reader_fault_cut(r, f);
	b->len = reader_get32(r, h + 4);
	if (pcapng_check_len(r, b, f) != 0)
		return -1;
	if (pcapng_is_wanted(b->type))
		return pcapng_hold_body(r, b, f);
	return pcapng_skip_body(r, b, f);
}

/* Byte order, major and minor version, section length, options. */
static int
pcapng_begin_section(
    struct reader *r, const struct pcapng_block *b, struct fault *f)
{
	uint16_t major, minor;

	if (b->body_len < 16)
		return reader_fault_damage(
		    r, b->at, "a section header that is too short", f);
	major = reader_get16(r, b->body + 4);
	minor = reader_get16(r, b->body + 6);
	/* Some wrote 1.2 for 1.0. */
	if (major != 1 || (minor != 0 && minor != 2))
		return fault(f, FAULT_INPUT,
		    "%.180s: pcapng version %u.%u is not supported: 1.0 is",
		    r->src.name, major, minor);
	r->n_ifaces = 0;
	return 0;
}

/* Units per second of if_tsresol: a power of 10, or of 2 with the top bit. */
static int
pcapng_read_resolution(uint8_t v, struct read_iface *i)
{
	unsigned int exponent = v & 0x7f;

	if (exponent > ((v & 0x80) != 0 ? 63 : 19))
		return -1;
	i->per_s = 1;
	while (exponent-- > 0)
		i->per_s *= (v & 0x80) != 0 ? 2 : 10;
	return 0;
}

static int
pcapng_read_option(struct reader *r, uint16_t code, const uint8_t *p,
    uint16_t len, struct read_iface *i)
{
	uint32_t first, second;

	if (code == PCAPNG_OPT_TSRESOL && len == 1)
		return pcapng_read_resolution(p[0], i);
	if (code == PCAPNG_OPT_TSOFFSET && len == 8) {
		first = reader_get32(r, p);
		second = reader_get32(r, p + 4);
		/* Eight bytes in the file's order: so are their halves. */
		if (r->swapped == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__))
			i->shift_s = (int64_t)((uint64_t)second << 32 | first);
		else
			i->shift_s = (int64_t)((uint64_t)first << 32 | second);
	}
	return 0;
}

/*
 *  +-------------------------------+-------------------------------+
 *  |             Code              |     Length, without padding   |
 *  +-------------------------------+-------------------------------+
 */
static int
pcapng_read_options(
    struct reader *r, const uint8_t *p, uint32_t left, struct read_iface *i)
{
	while (left >= 4) {
		uint16_t code = reader_get16(r, p);
		uint16_t len = reader_get16(r, p + 2);
		uint32_t padded = ((uint32_t)len + 3) & ~3u;

		if (code == 0)
			return 0;
		if (padded > left - 4 ||
		    pcapng_read_option(r, code, p + 4, len, i) != 0)
			return -1;
		p += 4 + padded;
		left -= 4 + padded;
	}
	return 0;
}

static struct read_iface *
pcapng_add_iface(struct reader *r)
{
	if (VEC_ROOM(r->ifaces, r->n_ifaces, r->cap_ifaces) != 0)
		return NULL;
	return &r->ifaces[r->n_ifaces++];
}

/* Link type, reserved, snapshot length, options. */
static int
pcapng_read_interface(
    struct reader *r, const struct pcapng_block *b, struct fault *f)
{
	struct read_iface *i;

	if (b->body_len < 8)
		return reader_fault_damage(
		    r, b->at, "an interface block that is too short", f);
	i = pcapng_add_iface(r);
	if (i == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	*i = (struct read_iface){.number = reader_get16(r, b->body),
	    .snaplen = reader_get32(r, b->body + 4),
	    .per_s = 1000000};
	i->known = capture_link_find(i->number, &i->link) == 0;
	if (pcapng_read_options(r, b->body + 8, b->body_len - 8, i) != 0)
		return reader_fault_damage(
		    r, b->at, "an interface's options cannot be", f);
	return 0;
}

static int64_t
pcapng_stamp_ns(const struct read_iface *i, uint64_t stamp)
{
	uint64_t ns, per_s = i->per_s, rest;
	int64_t s;

	if (per_s == 1000000) { /* nearly always: a division by a constant */
		s = (int64_t)(stamp / 1000000);
		ns = stamp % 1000000 * 1000;
	} else if (per_s == (uint64_t)CLOCK_S) {
		s = (int64_t)(stamp / CLOCK_S);
		ns = stamp % CLOCK_S;
	} else {
		s = (int64_t)(stamp / per_s);
		rest = stamp % per_s;
		/* What is finer than 2^-34 s goes, lest it overflow. */
		for (; per_s > UINT64_C(1) << 34; per_s >>= 1)
			rest >>= 1;
		ns = rest * CLOCK_S / per_s;
	}
	if (__builtin_add_overflow(s, i->shift_s, &s))
		s = i->shift_s < 0 ? INT64_MIN : INT64_MAX;
	return reader_stamp_ns(s, (int64_t)ns);
}

/* What the three sorts of packet block say, each in its own order. */
struct pcapng_packet {
	uint32_t iface;
	uint32_t header_len;
	uint32_t len, wire_len;
	bool has_stamp;
	uint64_t stamp;
};

/*
 * Enhanced packet block; the obsolete one has two 16-bit words, interface and
 * drops, in the place of the first:
 *
 *  +---------------------------------------------------------------+
 *  |                         Interface                             |
 *  +---------------------------------------------------------------+
 *  |                  Stamp, upper, then lower                     |
 *  |                                                               |
 *  +---------------------------------------------------------------+
 *  |                      Captured length                          |
 *  +---------------------------------------------------------------+
 *  |                      Original length                          |
 *  +---------------------------------------------------------------+
 */
static struct pcapng_packet
pcapng_read_packet(const struct reader *r, const struct pcapng_block *b)
{
	const uint8_t *p = b->body;

	return (struct pcapng_packet){
	    .iface = b->type == PCAPNG_PACKET ? reader_get32(r, p)
					      : reader_get16(r, p),
	    .header_len = 20,
	    .len = reader_get32(r, p + 12),
	    .wire_len = reader_get32(r, p + 16),
	    .has_stamp = true,
	    .stamp =
		(uint64_t)reader_get32(r, p + 4) << 32 | reader_get32(r, p + 8),
	};
}

/* The original length alone: what is there follows from it. */
static struct pcapng_packet
pcapng_read_simple(const struct reader *r, const struct pcapng_block *b)
{
	uint32_t wire_len = reader_get32(r, b->body), len = wire_len;

	if (r->n_ifaces > 0 && r->ifaces[0].snaplen != 0 &&
	    len > r->ifaces[0].snaplen)
		len = r->ifaces[0].snaplen;
	if (len > b->body_len - 4)
		len = b->body_len - 4;
	return (struct pcapng_packet){
	    .header_len = 4, .len = len, .wire_len = wire_len};
}

static int
pcapng_check_packet(struct reader *r, const struct pcapng_block *b,
    const struct pcapng_packet *p, struct fault *f)
{
	if (p->iface >= r->n_ifaces)
		return reader_fault_damage(
		    r, b->at, "a packet of an interface that there is not", f);
	if (p->len > READ_PACKET_MAX || p->len > b->body_len - p->header_len)
		return reader_fault_damage(
		    r, b->at, "a packet is longer than its block", f);
	return 0;
}

/* 1 and the packet; 0 for one of a link type that is none of ours. */
static int
pcapng_take_packet(struct reader *r, const struct pcapng_block *b,
    struct capture_packet *out, struct fault *f)
{
	const struct read_iface *i;
	struct pcapng_packet p;

	if (b->body_len < (b->type == PCAPNG_SIMPLE ? 4u : 20u))
		return reader_fault_damage(
		    r, b->at, "a packet block that is too short", f);
	p = b->type == PCAPNG_SIMPLE ? pcapng_read_simple(r, b)
				     : pcapng_read_packet(r, b);
	if (pcapng_check_packet(r, b, &p, f) != 0)
		return -1;
	i = &r->ifaces[p.iface];
	r->frame++;
	/* Simple packets have no stamp: the last one before is the nearest. */
	if (p.has_stamp)
		r->last_ns = pcapng_stamp_ns(i, p.stamp);
	if (!i->known) {
		r->unknown++;
		r->unknown_number = i->number;
		return 0;
	}
	out->unix_ns = r->last_ns;
	out->data = b->body + p.header_len;
	out->len = p.len;
	out->wire_len = p.wire_len < p.len ? p.len : p.wire_len;
	out->link = i->link;
	out->frame = r->frame;
	return 1;
}

/* At the end, what was left out is told. */
static int
pcapng_end(struct reader *r, struct fault *f)
{
	char where[200];

	if (r->unknown == 0)
		return 0;
	snprintf(where, sizeof(where), "%.120s: %llu of %llu packets left out",
	    r->src.name, (unsigned long long)r->unknown,
	    (unsigned long long)r->frame);
	r->unknown = 0;
	return capture_link_fault(where, r->unknown_number, f);
}

static int
pcapng_take_block(struct reader *r, const struct pcapng_block *b,
    struct capture_packet *out, struct fault *f)
{
	if (b->type == PCAPNG_SECTION)
		return pcapng_begin_section(r, b, f);
	if (b->type == PCAPNG_INTERFACE)
		return pcapng_read_interface(r, b, f);
	if (b->body != NULL)
		return pcapng_take_packet(r, b, out, f);
	return 0;
}

static int
pcapng_reader_next_ng(
    struct reader *r, struct capture_packet *out, struct fault *f)
{
	struct pcapng_block b = {0};
	int rc;

	for (;;) {
		rc = pcapng_next_block(r, &b, f);
		if (rc < 0)
			return -1;
		if (rc == 0)
			return pcapng_end(r, f);
		rc = pcapng_take_block(r, &b, out, f);
		if (rc != 0)
			return rc;
	}
}

int
reader_begin_pcapng(struct reader *r, struct fault *f)
{
	struct pcapng_block b = {0};

	/* The caller saw a section's magic: a block, or a fault. */
	if (pcapng_next_block(r, &b, f) < 0)
		return -1;
	r->next = pcapng_reader_next_ng;
	return pcapng_begin_section(r, &b, f);
}
