/*
 * Packets with limited TTLs in a capture and what they drew: paths.c gathers
 * which address answers at which TTL, probes.c the connections in which a
 * device was probed for, and probed.c concludes.
 */
#ifndef RSTHOP_ANALYZE_PROBES_H
#define RSTHOP_ANALYZE_PROBES_H

#include <rsthop/analysis.h>
#include <rsthop/flow.h>
#include <rsthop/passed.h>

struct probes;

int probes_new(uint64_t seed, const struct passed *passed, struct probes **out,
    struct fault *f);
void probes_free(struct probes *p);

/* A limited packet, told by flow; then probes_see() gets it too. */
int probes_sent(struct probes *p, const struct flow_probe *q,
    const struct pkt *pkt, struct fault *f);
/* Each packet, after the flow table has seen it. */
int probes_see(struct probes *p, const struct flow_seen *s, struct fault *f);
/*
 * The largest TTL with which a packet to the reset's sender expired on its way,
 * as far as packets with less did not arrive there; 0: none.
 */
uint8_t probes_expired_ttl(const struct probes *p, const struct flow_reset *r);
/* A reset, once it is judged. */
void probes_judge(
    struct probes *p, const struct flow_reset *r, enum rst_ruling ruling);

/* Fills out->probed, and the candidates of out's groups by it. */
int probes_finish(struct probes *p, struct analysis *out, struct fault *f);

#endif
