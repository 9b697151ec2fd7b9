/*
 * The sentences on judged captures.  All are appended in plain printable
 * ASCII, as in words.h.
 */
#ifndef RSTHOP_REPORT_WORDS_ANALYSIS_H
#define RSTHOP_REPORT_WORDS_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>

#include <rsthop/analysis.h>
#include <rsthop/text.h>

/* Groups that differ in their server alone: told as one. */
struct batch {
	const struct analysis *a;
	const struct analysis_group *first; /* with the most resets */
	size_t servers;
	const struct analysis_group *some[4]; /* of them, first among them */
	uint64_t resets, flows, both_ends;
	uint64_t drew, unharmed; /* where `one_trigger` */
	bool one_trigger;	 /* of one protocol, command and key */
};

struct batches {
	size_t n;
	struct batch *b; /* owned; in the order of the groups */
	bool bad;	 /* memory ran out */
};

/* Zero-initialize *bs; of all but the genuine ones. */
void batches_make(struct batches *bs, const struct analysis *a);
void batches_free(struct batches *bs);
bool batch_has(const struct batch *b, const struct analysis_group *g);

/* "12 of 340 resets are forged." */
void words_analysis(struct text *t, const struct analysis *a);
/* What was read: files, packets, connections, from when to when. */
void words_captures(struct text *t, const struct analysis *a);
/* Two vantages, and where the device is between them; nothing where one. */
void words_compared(struct text *t, const struct analysis *a);
/* A line, with its newline, each. */
void words_analysis_notes(struct text *t, const struct analysis *a);

/* "Forged (>99 %): 40 resets in 20 connections, TTL 63". */
void words_batch(struct text *t, const struct batch *b);
void words_batch_names(struct text *t, const struct batch *b);
void words_batch_sender(struct text *t, const struct batch *b);
void words_batch_place(struct text *t, const struct batch *b);
void words_batch_trigger(struct text *t, const struct batch *b);
void words_batch_first(struct text *t, const struct batch *b);
void words_batch_next(struct text *t, const struct batch *b);

/* "hop 3, its forwarding plane (98 %)". */
void words_candidate(struct text *t, const struct rst_candidate *c);

/* "30 packets ... with limited TTLs, 12 of which drew a reset: ..." */
void words_probes(struct text *t, const struct analysis_probed *p);
/* "hop 3 is 10.9.2.2; ..."; nothing where no hop comes into question. */
void words_probed_place(struct text *t, const struct analysis_probed *p);
/* "1 10.9.0.2, 2 *, 3 10.9.2.2". */
void words_probed_path(struct text *t, const struct analysis_probed *p);

/* Why a stack sent a reset of this kind. */
const char *words_genuine(enum rst_kind k);

#endif
