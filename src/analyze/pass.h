/*
 * The one loop that reads captures: each packet decoded, damage told, a signal
 * looked for.  All passes go through it; each says in a table of functions
 * what it does with the packets.
 */
#ifndef RSTHOP_ANALYZE_PASS_H
#define RSTHOP_ANALYZE_PASS_H

#include <rsthop/analyze.h>
#include <rsthop/pkt.h>

#define PASS_HANDFUL 16 /* packets that are under way at once */

struct pass_packet {
	struct capture_packet cp; /* as it was captured; its data is borrowed */
	int64_t unix_ns; /* its stamp, bounded: no difference overflows */
	struct pkt pkt;
};

/* What a pass does; ctx goes to each.  All but see() may be NULL. */
struct pass_sink {
	void *ctx;
	/* 1 to PASS_HANDFUL packets in their order; -1 ends the pass. */
	int (*see)(
	    void *ctx, const struct pass_packet *p, size_t n, struct fault *f);
	/* ANALYZE_TICK: no packet has come by then; -1 ends the pass. */
	int (*tick)(void *ctx, int64_t unix_ns, struct fault *f);
	/* A file breaks off behind the packet of cp; those left go on. */
	void (*damage)(void *ctx, const struct capture_packet *cp,
	    const struct fault *why);
	/* Whether the rest need not be read. */
	bool (*is_enough)(void *ctx);
	/* So many packets were read: now and then, for words about it. */
	void (*progress)(void *ctx, uint64_t packets);
};

/*
 * Reads all that in->next gives, from where it stands, of n_files.  Sets
 * *interrupted where a signal ended it, reads nothing where it is set already;
 * neither a signal nor damage is a fault.  -1 where the sink gave it.
 */
int pass_run(const struct analyze_input *in, const struct pass_sink *sink,
    size_t n_files, int *interrupted, struct fault *f);

#endif
