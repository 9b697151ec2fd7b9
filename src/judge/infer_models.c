/*
 * The forgers that infer knows, a row each.  To teach it another one, add a
 * row: the arithmetic of infer.c needs no change.
 *
 * Priors are relative weights, with their sources in infer_odds.h.  The forged
 * packet rarely loses a TTL in the box that made it, hence the small weights
 * of the rows with a decrement.
 */
#include <rsthop/infer.h>

#include "infer_odds.h"

#define MODELS_ONE_OFF(weight) (INFER_PART_ONE_OFF * (weight))

const struct infer_model infer_models[] = {
    {"wire-fixed-255", PLACE_WIRE, TTL_POLICY_FIXED, 255, 0, INFER_WEIGHT_255},
    {"wire-fixed-128", PLACE_WIRE, TTL_POLICY_FIXED, 128, 0, INFER_WEIGHT_128},
    {"wire-fixed-64", PLACE_WIRE, TTL_POLICY_FIXED, 64, 0, INFER_WEIGHT_64},
    {"wire-fixed-32", PLACE_WIRE, TTL_POLICY_FIXED, 32, 0, INFER_WEIGHT_32},
    {"wire-fixed-any", PLACE_WIRE, TTL_POLICY_FIXED, 0, 0, INFER_WEIGHT_ANY},
    {"wire-copied", PLACE_WIRE, TTL_POLICY_COPIED, 0, 0, INFER_WEIGHT_COPIED},
    {"wire-arbitrary", PLACE_WIRE, TTL_POLICY_ARBITRARY, 0, 0,
	INFER_WEIGHT_ARBITRARY},
    {"wire-imitated", PLACE_WIRE, TTL_POLICY_IMITATED, 0, 0,
	INFER_WEIGHT_IMITATED},

    {"router-fixed-255", PLACE_ROUTER, TTL_POLICY_FIXED, 255, 0,
	INFER_WEIGHT_255},
    {"router-fixed-128", PLACE_ROUTER, TTL_POLICY_FIXED, 128, 0,
	INFER_WEIGHT_128},
    {"router-fixed-64", PLACE_ROUTER, TTL_POLICY_FIXED, 64, 0, INFER_WEIGHT_64},
    {"router-fixed-32", PLACE_ROUTER, TTL_POLICY_FIXED, 32, 0, INFER_WEIGHT_32},
    {"router-fixed-any", PLACE_ROUTER, TTL_POLICY_FIXED, 0, 0,
	INFER_WEIGHT_ANY},
    {"router-copied", PLACE_ROUTER, TTL_POLICY_COPIED, 0, 0,
	INFER_WEIGHT_COPIED},
    {"router-arbitrary", PLACE_ROUTER, TTL_POLICY_ARBITRARY, 0, 0,
	INFER_WEIGHT_ARBITRARY},
    {"router-imitated", PLACE_ROUTER, TTL_POLICY_IMITATED, 0, 0,
	INFER_WEIGHT_IMITATED},

    /* The forged packet passes the box's own forwarding path. */
    {"router-fixed-255-decrement", PLACE_ROUTER, TTL_POLICY_FIXED, 255, 1,
	MODELS_ONE_OFF(INFER_WEIGHT_255)},
    {"router-fixed-128-decrement", PLACE_ROUTER, TTL_POLICY_FIXED, 128, 1,
	MODELS_ONE_OFF(INFER_WEIGHT_128)},
    {"router-fixed-64-decrement", PLACE_ROUTER, TTL_POLICY_FIXED, 64, 1,
	MODELS_ONE_OFF(INFER_WEIGHT_64)},
    {"router-copied-decrement", PLACE_ROUTER, TTL_POLICY_COPIED, 0, 1,
	MODELS_ONE_OFF(INFER_WEIGHT_COPIED)},
    /* Copied before the box took its own TTL off. */
    {"router-copied-early", PLACE_ROUTER, TTL_POLICY_COPIED, 0, -1,
	MODELS_ONE_OFF(INFER_WEIGHT_COPIED)},
};

const size_t infer_n_models = sizeof(infer_models) / sizeof(infer_models[0]);

_Static_assert(
    sizeof(infer_models) / sizeof(infer_models[0]) <= INFER_MODELS_MAX,
    "more models than infer has room for");
