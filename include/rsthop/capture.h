/*
 * Packets in: live from an interface by libpcap, or from files (pcap and
 * pcapng, gzip-compressed or not).  Filters are libpcap's everywhere.
 */
#ifndef RSTHOP_CAPTURE_H
#define RSTHOP_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>
#include <rsthop/pkt.h>

struct capture;

struct capture_packet {
	int64_t unix_ns;     /* the capture's stamp */
	const uint8_t *data; /* valid until the next call on this capture */
	uint32_t len;	     /* bytes captured */
	uint32_t wire_len;   /* bytes on the wire, len at least */
	enum pkt_link link;
	uint32_t file;	/* which of the files, from 0; 0 where live */
	uint64_t frame; /* from 1 over all packets of the file; 0 where live */
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

/*
 * The same for whole lines' worth of packets, where none may be lost and none
 * is waited for: the kernel keeps ring_bytes of them, packed, and hands them
 * out in batches, each up to CAPTURE_BATCH_MS after its first packet.
 */
#define CAPTURE_BATCH_MS 100
int capture_open_batches(const char *iface, const char *filter, int ring_bytes,
    struct capture **out, struct fault *f);

/*
 * Whether filter compiles for Ethernet: FAULT_USAGE in libpcap's words where
 * it does not.  Needs no privilege.
 */
int capture_check_filter(const char *filter, struct fault *f);

/*
 * n files as one capture, merged by their stamps; ties go to the file named
 * first, and within a file its own order is kept.  "-" is standard input,
 * once at most.  filter is a pcap filter, or NULL; frames count the packets
 * that it leaves out too.
 *
 * -1 where the filter does not compile (FAULT_USAGE) or memory is out.  A
 * file that cannot be read, or not to its end, is no fault here: each such
 * file is told by capture_next once, and the others go on.
 *
 * Files are opened when their first stamp's turn has come and closed at their
 * end, so that any number of them needs a descriptor only where they overlap.
 */
int capture_open_files(const char *const *paths, size_t n, const char *filter,
    struct capture **out, struct fault *f);

/*
 * The same, but a pipe, or standard input, that has nothing to give is waited
 * for only until stop_fd can be read from: it then counts as damaged there.
 * stop_fd is the caller's, and stays open beyond the capture; -1 for none.
 */
int capture_open_files_until(const char *const *paths, size_t n,
    const char *filter, int stop_fd, struct capture **out, struct fault *f);

/*
 * 1 and a packet; 0 where none is waiting (live) or at the end (files); -1.
 * Of files, -1 tells of one that could not be read, or not beyond some byte:
 * out->file is which, out->frame its last whole packet.  Call again for the
 * packets of the others, and for 0 in the end.
 */
int capture_next(
    struct capture *c, struct capture_packet *out, struct fault *f);

/*
 * Whether capture_next() would give a packet at once and leave the data of
 * those before it where they are: so they can be taken by the handful.
 */
bool capture_is_ready(const struct capture *c);

/* For poll(2); -1 for a file. */
int capture_fd(const struct capture *c);

int capture_get_stats(struct capture *c, struct capture_stats *out);
void capture_free(struct capture *c);

#endif
