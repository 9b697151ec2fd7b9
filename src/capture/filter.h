/*
 * What files need of libpcap: filters over packets at rest, and the names of
 * link types.
 */
#ifndef RSTHOP_CAPTURE_FILTER_H
#define RSTHOP_CAPTURE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include <rsthop/capture.h>

struct capture_filter;

/*
 * words is a pcap filter; it is compiled for each link type when that comes
 * up first.  -1 where memory is out.
 */
int capture_filter_new(
    const char *words, struct capture_filter **out, struct fault *f);

/* -1 and FAULT_USAGE where it does not compile for this link type. */
int capture_filter_prepare(
    struct capture_filter *cf, enum pkt_link link, struct fault *f);

/* Does p, whose link type has been prepared, pass? */
bool capture_filter_pass(
    const struct capture_filter *cf, const struct capture_packet *p);

void capture_filter_free(struct capture_filter *cf);

/* The link type that files and interfaces know by a number; -1 for others. */
int capture_link_find(uint32_t number, enum pkt_link *out);

/* -1: the words for a link type that is none of ours, found in `where`. */
int capture_link_fault(const char *where, uint32_t number, struct fault *f);

#endif
