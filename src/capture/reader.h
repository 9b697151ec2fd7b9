/*
 * One capture file, packet by packet: pcap and pcapng.
 */
#ifndef RSTHOP_CAPTURE_READER_H
#define RSTHOP_CAPTURE_READER_H

#include <string.h>

#include <rsthop/capture.h>

#include "source.h"

/* What a pcapng section says of one of its interfaces. */
struct read_iface {
	uint32_t snaplen; /* 0 for none */
	uint16_t number;  /* its link type */
	bool known;	  /* ... is one of ours: */
	enum pkt_link link;
	uint64_t per_s;	 /* units of its stamps in a second */
	int64_t shift_s; /* if_tsoffset: added to them */
};

struct reader {
	struct source src;
	bool swapped; /* the file's byte order is not ours */
	uint64_t frame;
	int64_t last_ns;
	int (*next)(
	    struct reader *r, struct capture_packet *out, struct fault *f);
	/* pcap */
	enum pkt_link link;
	uint32_t header_len; /* of a packet */
	uint32_t frac_ns;    /* nanoseconds in a unit of the fraction */
	uint16_t minor;	     /* of version 2 */
	/* pcapng */
	struct read_iface *ifaces;
	size_t n_ifaces, cap_ifaces;
	uint64_t unknown; /* packets of link types that are not ours */
	uint16_t unknown_number;
};

/*
 * The file at path, "-" for standard input; stop_fd as for source_open().
 * The caller reader_frees it.
 */
int reader_open(
    const char *path, int stop_fd, struct reader **out, struct fault *f);

/*
 * 1 and the next packet, 0 at the end, -1 where the rest cannot be read.  file
 * is left alone.
 */
static inline int
reader_next(struct reader *r, struct capture_packet *out, struct fault *f)
{
	return r->next(r, out, f);
}

/*
 * Whether the next packet is there in whole, so that to read it moves nothing
 * of what is in the buffer.  Of pcap alone: blocks of pcapng that are no
 * packets may stand in between.
 */
bool reader_is_ready(const struct reader *r);

void reader_free(struct reader *r);

/* The parts for either format: each reads what stands before the packets. */
int reader_begin_pcap(struct reader *r, struct fault *f);
/* Whether a file that begins so is one of pcap; then r->swapped is set. */
bool reader_is_pcap(struct reader *r, uint32_t magic);
int reader_begin_pcapng(struct reader *r, struct fault *f);

/* No packet of a sound file holds more; libpcap's bound too. */
#define READ_PACKET_MAX 262144

static inline uint16_t
reader_get16(const struct reader *r, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return r->swapped ? __builtin_bswap16(v) : v;
}

static inline uint32_t
reader_get32(const struct reader *r, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return r->swapped ? __builtin_bswap32(v) : v;
}

/* Files may hold any 64-bit second; what does not fit is held at the edge. */
int64_t reader_stamp_ns(int64_t s, int64_t ns);

/* -1 with where the damage is, and what: the end came too early, or words. */
int reader_fault_cut(struct reader *r, struct fault *f);
int reader_fault_damage(
    struct reader *r, uint64_t at, const char *words, struct fault *f);

#endif
