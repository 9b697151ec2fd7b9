/*
 * Why a verdict was given.
 */
#ifndef RSTHOP_VERDICT_REASONS_H
#define RSTHOP_VERDICT_REASONS_H

#include <rsthop/belief.h>
#include <rsthop/locate_ask.h>
#include <rsthop/result.h>
#include <rsthop/rounds.h>

/* What a verdict is made from; all of it is only read. */
struct verdict_basis {
	const struct locate_ask *ask;
	const struct rounds *rounds;
	const struct belief *belief;
};

/* Fills out->verdict.reasons; the verdict and its odds stand already. */
void verdict_fill_reasons(
    const struct verdict_basis *by, struct locate_result *out);

/* The reset that best shows a point: one of a full-TTL trigger, else any. */
const struct seen_reset *verdict_example_reset(const struct verdict_basis *by);

#endif
