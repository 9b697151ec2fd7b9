/*
 * What fuzzers of captures share: a capture out of the fuzzer's bytes, and
 * seeds for them.
 *
 * An input is a run of records: 1 byte picks the link layer, 1 how many bytes
 * the capture left out or how far the stamp jumps, 2 the frame's length, low
 * byte first, then the frame.  What the first byte of all picks is each one's
 * own.
 */
#ifndef RSTHOP_FUZZ_FUZZ_TAPE_H
#define RSTHOP_FUZZ_FUZZ_TAPE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/capture.h>
#include <rsthop/text.h>

#include "../unit/hex_packets.h"

#define HEAD 4

struct tape {
	const uint8_t *begin, *p, *end;
	int64_t now_ns;
	uint64_t frames;
	uint8_t *frame; /* of its very size: ASan guards its end */
};

static void
must(bool truth)
{
	if (!truth)
		abort();
}

/* A stamp may jump anywhere, back too. */
static int64_t
jump(int64_t now_ns, uint8_t how)
{
	switch (how & 0xe0) {
	case 0xe0:
		return (how & 1) != 0 ? INT64_MAX : INT64_MIN;
	case 0xc0:
		return now_ns + INT64_C(700000000000);
	case 0xa0:
		return now_ns - INT64_C(40000000000);
	default:
		return now_ns + INT64_C(200000);
	}
}

static inline int
tape_again(void *ctx, struct fault *f)
{
	struct tape *t = ctx;

	(void)f;
	t->p = t->begin;
	t->now_ns = 0;
	t->frames = 0;
	return 0;
}

static int
tape_next(void *ctx, struct capture_packet *out, struct fault *f)
{
	struct tape *t = ctx;
	size_t len;

	free(t->frame);
	t->frame = NULL;
	if (t->end - t->p < HEAD)
		return 0;
	memset(out, 0, sizeof(*out));
	if (t->p[0] == 0xff) { /* once in a while a file is damaged */
		t->p++;
		return fault(f, FAULT_INPUT, "damaged here");
	}
	out->link = (enum pkt_link)(t->p[0] % (PKT_LINK_LOOP + 1));
	out->unix_ns = t->now_ns =
	    jump(t->now_ns % INT64_C(1000000000000000), t->p[1]);
	len = t->p[2] | (size_t)t->p[3] << 8;
	if (len > (size_t)(t->end - t->p) - HEAD)
		len = (size_t)(t->end - t->p) - HEAD;
	t->frame = malloc(len);
	if (t->frame == NULL)
		return 0;
	memcpy(t->frame, t->p + HEAD, len);
	out->data = t->frame;
	out->len = (uint32_t)len;
	out->wire_len = (uint32_t)len + (t->p[1] & 0x1f) * 47;
	out->file = t->p[0] >> 7;
	out->frame = ++t->frames;
	t->p += HEAD + len;
	return 1;
}

/* --- seeds --- */

static FILE *
open_seed(const char *dir, const char *name)
{
	char path[4096];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	out = fopen(path, "wb");
	if (out == NULL) {
		perror(path);
		exit(1);
	}
	fputc(0, out);
	return out;
}

static void
put_record(FILE *out, enum pkt_link link, const uint8_t *p, size_t n)
{
	fputc((int)link, out);
	fputc(0, out);
	fputc((int)(n & 0xff), out);
	fputc((int)(n >> 8 & 0xff), out);
	fwrite(p, 1, n, out);
}

/* The unit tests' packets, all in one. */
static void
seed_packets(const char *dir)
{
	FILE *out = open_seed(dir, "packets");
	struct fault f;
	uint8_t *p;
	size_t n;

	for (size_t i = 0; i < HEX_PACKETS; i++) {
		if (text_from_hex("seed", hex_packets[i].hex, &p, &n, &f) != 0)
			exit(1);
		put_record(out, hex_packets[i].link, p, n);
		free(p);
	}
	fclose(out);
}

/* A capture of tests/data, where it is run from the root of the checkout. */
static void
seed_capture(const char *dir, const char *name)
{
	struct capture_packet cp;
	struct capture *c;
	struct fault f;
	const char *file;
	char path[256];
	FILE *out;
	int rc;

	snprintf(path, sizeof(path), "tests/data/%s.pcap", name);
	file = path;
	out = open_seed(dir, name);
	rc = capture_open_files(&file, 1, NULL, &c, &f) == 0 ? 1 : -1;
	while (rc == 1 && (rc = capture_next(c, &cp, &f)) == 1)
		put_record(out, cp.link, cp.data, cp.len);
	if (rc < 0) {
		fprintf(stderr, "%s\n", f.text);
		exit(1);
	}
	fclose(out);
	capture_free(c);
}

#endif
