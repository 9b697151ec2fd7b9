/*
 * How often each kind of client data was seen.  Resets tell of a trigger only
 * by comparison: how much data of its kind passed without a reset.
 */
#ifndef RSTHOP_PASSED_H
#define RSTHOP_PASSED_H

#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/fault.h>
#include <rsthop/trigger.h>

/*
 * Data with so small a TTL is a probe's: it may have ended short of a device,
 * so it is no sign of one that lets it pass.
 */
#define PASSED_PROBE_TTL 30

/*
 * A kind is the same request to the same server.  What comes once the table
 * is full is not counted.
 */
struct passed;

int passed_new(size_t max, uint64_t seed, struct passed **out, struct fault *f);
void passed_free(struct passed *p);

/*
 * The number of a kind of data, by server and request; where no protocol is
 * known by its first bytes and its length.
 */
uint64_t passed_id(const struct passed *p, const struct endpoint *server,
    const struct trigger *t, const uint8_t *data, size_t len, uint32_t sent);
void passed_see(struct passed *p, uint64_t id);
/* 0 where it was not counted. */
uint64_t passed_count(const struct passed *p, uint64_t id);

#endif
