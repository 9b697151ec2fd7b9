/*
 * Packets in: libpcap, live and from files.  The only module that sees pcap.h.
 */
#ifndef RSTHOP_CAPTURE_H
#define RSTHOP_CAPTURE_H

#include <stdint.h>

#include <rsthop/fault.h>
#include <rsthop/pkt.h>

struct capture;

struct capture_packet {
	int64_t unix_ns;     /* the capture's stamp */
	const uint8_t *data; /* valid until the next call on this capture */
	uint32_t len;	     /* bytes captured */
	uint32_t wire_len;   /* bytes on the wire */
	enum pkt_link link;
};

struct capture_stats {
	uint64_t received; /* by the filter */
	uint64_t dropped;  /* by the kernel, for want of room */
};

/*
 * Opens iface in immediate mode, not promiscuous, nanosecond stamps where the
 * kernel has them, with `filter` (a pcap filter) compiled into the kernel.
 * FAULT_PRIVILEGE where the user may not, with the words to mend it.
 */
int capture_open_live(const char *iface, const char *filter,
    struct capture **out, struct fault *f);

/* A capture file, or standard input for "-". */
int capture_open_file(const char *path, struct capture **out, struct fault *f);

/* 1 and a packet; 0 where none is waiting (live) or at the end (file); -1. */
int capture_next(
    struct capture *c, struct capture_packet *out, struct fault *f);

/* For poll(2); -1 for a file. */
int capture_fd(const struct capture *c);

int capture_get_stats(struct capture *c, struct capture_stats *out);
void capture_free(struct capture *c);

#endif
