/*
 * The evidence as a pcapng file (draft-ietf-opsawg-pcapng): one section, an
 * interface a link type, each packet with what it was in this job.  Always
 * little-endian, so that the same job gives the same bytes anywhere.
 */
#include <string.h>

#include <rsthop/text.h>

#include "pcapng_parts.h"
#include "words.h"
#include "words_analysis.h"
#include "writers.h"

#define PCAPNG_BLOCK_SECTION   0x0a0d0d0aU
#define PCAPNG_BLOCK_INTERFACE 1U
#define PCAPNG_BLOCK_PACKET    6U
#define PCAPNG_BYTE_ORDER_WORD 0x1a2b3c4dU

#define PCAPNG_OPT_END	   0U
#define PCAPNG_OPT_COMMENT 1U
#define PCAPNG_SHB_APPL	   4U
#define PCAPNG_IF_NAME	   2U
#define PCAPNG_IF_TSRESOL  9U
#define PCAPNG_NANOSECONDS 9 /* if_tsresol: 10 to the minus 9 */

static void
pcapng_put16(struct text *b, unsigned int v)
{
	uint8_t p[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

	text_add_bytes(b, p, sizeof(p));
}

static void
pcapng_put32(struct text *b, uint32_t v)
{
	pcapng_put16(b, v & 0xffff);
	pcapng_put16(b, v >> 16);
}

/* Bytes and zeros up to the next multiple of four. */
static void
pcapng_put_padded(struct text *b, const void *p, size_t n)
{
	static const uint8_t zeros[3];

	text_add_bytes(b, p, n);
	text_add_bytes(b, zeros, (4 - n % 4) % 4);
}

static void
pcapng_put_option(struct text *b, unsigned int code, const void *p, size_t n)
{
	if (n > UINT16_MAX)
		n = UINT16_MAX;
	pcapng_put16(b, code);
	pcapng_put16(b, (unsigned int)n);
	pcapng_put_padded(b, p, n);
}

/* A string option, left out where there is nothing to say. */
static void
pcapng_put_string(struct text *b, unsigned int code, const char *s)
{
	if (s[0] != '\0')
		pcapng_put_option(b, code, s, strlen(s));
}

/* The body between type and length; both lengths count all of the block. */
static void
pcapng_put_block(struct text *b, uint32_t type, const struct text *body)
{
	uint32_t n = (uint32_t)body->len + 12;

	pcapng_put32(b, type);
	pcapng_put32(b, n);
	text_add_bytes(b, text_str(body), body->len);
	pcapng_put32(b, n);
	b->bad |= body->bad;
}

void
pcapng_section(struct text *b, const char *comment)
{
	struct text body = {0};

	pcapng_put32(&body, PCAPNG_BYTE_ORDER_WORD);
	pcapng_put16(&body, 1); /* version 1.0 */
	pcapng_put16(&body, 0);
	pcapng_put32(
	    &body, 0xffffffffU); /* the section's length is not given */
	pcapng_put32(&body, 0xffffffffU);
	pcapng_put_string(&body, PCAPNG_OPT_COMMENT, comment);
	pcapng_put_string(&body, PCAPNG_SHB_APPL, "rsthop " RSTHOP_VERSION);
	pcapng_put32(&body, PCAPNG_OPT_END);
	pcapng_put_block(b, PCAPNG_BLOCK_SECTION, &body);
	text_free(&body);
}

/* The LINKTYPE_ of the tcpdump.org registry. */
static unsigned int
pcapng_link_number(enum pkt_link l)
{
	switch (l) {
	case PKT_LINK_ETHERNET:
		return 1;
	case PKT_LINK_SLL:
		return 113;
	case PKT_LINK_SLL2:
		return 276;
	case PKT_LINK_RAW:
		return 101;
	case PKT_LINK_NULL:
		return 0;
	case PKT_LINK_LOOP:
		return 108;
	}
	return 1;
}

void
pcapng_interface(struct text *b, enum pkt_link link, const char *name)
{
	static const uint8_t resolution = PCAPNG_NANOSECONDS;
	struct text body = {0};

	pcapng_put16(&body, pcapng_link_number(link));
	pcapng_put16(&body, 0);
	pcapng_put32(&body, 0); /* no snapshot length */
	pcapng_put_string(&body, PCAPNG_IF_NAME, name);
	pcapng_put_option(&body, PCAPNG_IF_TSRESOL, &resolution, 1);
	pcapng_put32(&body, PCAPNG_OPT_END);
	pcapng_put_block(b, PCAPNG_BLOCK_INTERFACE, &body);
	text_free(&body);
}

void
pcapng_packet(struct text *b, const struct result_packet *p, uint32_t interface)
{
	uint64_t at = p->unix_ns < 0 ? 0 : (uint64_t)p->unix_ns;
	struct text body = {0}, note = {0};

	words_prose(&note, p->note);
	pcapng_put32(&body, interface);
	pcapng_put32(&body, (uint32_t)(at >> 32));
	pcapng_put32(&body, (uint32_t)at);
	pcapng_put32(&body, p->len);
	pcapng_put32(&body, p->wire_len < p->len ? p->len : p->wire_len);
	pcapng_put_padded(&body, p->data, p->len);
	if (note.len > 0) {
		pcapng_put_string(&body, PCAPNG_OPT_COMMENT, text_str(&note));
		pcapng_put32(&body, PCAPNG_OPT_END);
	}
	body.bad |= note.bad;
	pcapng_put_block(b, PCAPNG_BLOCK_PACKET, &body);
	text_free(&note);
	text_free(&body);
}

uint32_t
pcapng_find_link(struct pcapng_links *ls, enum pkt_link link, bool *fresh)
{
	*fresh = false;
	for (unsigned int i = 0; i < ls->n; i++) {
		if (ls->link[i] == link)
			return i;
	}
	*fresh = true;
	ls->link[ls->n] = link;
	return ls->n++;
}

int
pcapng_drain(struct text *b, FILE *out, struct fault *f)
{
	if (b->bad) {
		text_free(b);
		return fault(f, FAULT_SYSTEM, "out of memory for the report");
	}
	if (b->len > 0)
		fwrite(text_str(b), 1, b->len, out);
	text_free(b);
	return ferror(out) != 0 ? writers_flush(out, f) : 0;
}

/* ifname: "" where it is not known. */
static int
pcapng_write_file(const char *ifname, const struct result_evidence *e,
    const char *comment, FILE *out, struct fault *f)
{
	struct pcapng_links ls = {0};
	struct text b = {0}, name = {0};
	uint32_t interface;
	bool fresh;
	int rc = 0;

	words_prose(&name, ifname);
	pcapng_section(&b, comment);
	if (e->n == 0)
		pcapng_interface(&b, PKT_LINK_ETHERNET, text_str(&name));
	for (size_t i = 0; rc == 0 && i < e->n; i++) {
		interface = pcapng_find_link(&ls, e->packets[i].link, &fresh);
		if (fresh)
			pcapng_interface(
			    &b, e->packets[i].link, text_str(&name));
		pcapng_packet(&b, &e->packets[i], interface);
		rc = pcapng_drain(&b, out, f);
	}
	if (rc == 0)
		rc = pcapng_drain(&b, out, f);
	text_free(&b);
	text_free(&name);
	return rc == 0 ? writers_flush(out, f) : rc;
}

static void
pcapng_add_left_out(struct text *t, const struct result_evidence *e)
{
	if (e->left_out == 0)
		return;
	text_add(t, " ");
	words_count(t, e->left_out, "packet", "packets");
	text_add(t, " more came than are kept here.");
}

int
pcapng_trace(const struct trace_result *r, const struct report_style *st,
    FILE *out, struct fault *f)
{
	struct text comment = {0};
	int rc;

	(void)st;
	words_trace(&comment, r);
	pcapng_add_left_out(&comment, &r->evidence);
	rc = pcapng_write_file(
	    r->head.ifname, &r->evidence, text_str(&comment), out, f);
	text_free(&comment);
	return rc;
}

int
pcapng_locate(const struct locate_result *r, const struct report_style *st,
    FILE *out, struct fault *f)
{
	struct text comment = {0};
	int rc;

	words_headline(&comment, r, st->names);
	pcapng_add_left_out(&comment, &r->evidence);
	rc = pcapng_write_file(
	    r->head.ifname, &r->evidence, text_str(&comment), out, f);
	text_free(&comment);
	return rc;
}

int
pcapng_analysis(const struct analysis *a, const struct report_style *st,
    FILE *out, struct fault *f)
{
	struct text comment = {0};
	int rc;

	(void)st;
	words_analysis(&comment, a);
	if (a->evidence_lacks > 0) {
		text_add(&comment, " Of ");
		words_count(&comment, a->evidence_lacks, "reset", "resets");
		text_add(&comment, " the packets are not in here.");
	}
	pcapng_add_left_out(&comment, &a->evidence);
	rc = pcapng_write_file("", &a->evidence, text_str(&comment), out, f);
	text_free(&comment);
	return rc;
}
