/*
 * The blocks of a pcapng file, for those who write one.
 */
#ifndef RSTHOP_REPORT_PCAPNG_PARTS_H
#define RSTHOP_REPORT_PCAPNG_PARTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <rsthop/result.h>
#include <rsthop/text.h>

#define PCAPNG_LINKS 6 /* link types there are, so interfaces at most */

struct pcapng_links {
	unsigned int n;
	enum pkt_link link[PCAPNG_LINKS];
};

void pcapng_section(struct text *b, const char *comment);
void pcapng_interface(struct text *b, enum pkt_link link, const char *name);
void pcapng_packet(
    struct text *b, const struct result_packet *p, uint32_t interface);

/* The interface of this link type; *fresh where it is a new one. */
uint32_t pcapng_find_link(
    struct pcapng_links *ls, enum pkt_link link, bool *fresh);

/* Writes what b holds, and empties it, so that a long file takes no memory. */
int pcapng_drain(struct text *b, FILE *out, struct fault *f);

#endif
