/*
 * The forgers that infer knows, a row each.  To teach it another one, add a
 * row: the arithmetic of infer.c needs no change.
 *
 * Priors are relative weights, from what is known of deployed devices: most
 * make their packets with a fixed initial TTL, 64 before all (Linux and BSD
 * below most boxes); inline boxes often use the packet that fired them as a
 * template (PHYSICS, sections 1 and 6); random and stepping TTLs are the
 * marks of a few national firewalls and intrusion-prevention systems.
 * The forged packet rarely loses a TTL in the box that made it, hence the
 * small weights of the rows with a decrement.
 */
#include <rsthop/infer.h>

const struct infer_model infer_models[] = {
    {"wire-fixed-255", PLACE_WIRE, TTL_POLICY_FIXED, 255, 0, 10.0},
    {"wire-fixed-128", PLACE_WIRE, TTL_POLICY_FIXED, 128, 0, 7.0},
    {"wire-fixed-64", PLACE_WIRE, TTL_POLICY_FIXED, 64, 0, 19.0},
    {"wire-fixed-32", PLACE_WIRE, TTL_POLICY_FIXED, 32, 0, 1.0},
    {"wire-fixed-any", PLACE_WIRE, TTL_POLICY_FIXED, 0, 0, 3.0},
    {"wire-copied", PLACE_WIRE, TTL_POLICY_COPIED, 0, 0, 9.0},
    {"wire-arbitrary", PLACE_WIRE, TTL_POLICY_ARBITRARY, 0, 0, 2.0},
    {"wire-imitated", PLACE_WIRE, TTL_POLICY_IMITATED, 0, 0, 1.0},

    {"router-fixed-255", PLACE_ROUTER, TTL_POLICY_FIXED, 255, 0, 10.0},
    {"router-fixed-128", PLACE_ROUTER, TTL_POLICY_FIXED, 128, 0, 7.0},
    {"router-fixed-64", PLACE_ROUTER, TTL_POLICY_FIXED, 64, 0, 19.0},
    {"router-fixed-32", PLACE_ROUTER, TTL_POLICY_FIXED, 32, 0, 1.0},
    {"router-fixed-any", PLACE_ROUTER, TTL_POLICY_FIXED, 0, 0, 3.0},
    {"router-copied", PLACE_ROUTER, TTL_POLICY_COPIED, 0, 0, 9.0},
    {"router-arbitrary", PLACE_ROUTER, TTL_POLICY_ARBITRARY, 0, 0, 2.0},
    {"router-imitated", PLACE_ROUTER, TTL_POLICY_IMITATED, 0, 0, 1.0},

    /* The forged packet passes the box's own forwarding path. */
    {"router-fixed-255-decrement", PLACE_ROUTER, TTL_POLICY_FIXED, 255, 1, 0.1},
    {"router-fixed-128-decrement", PLACE_ROUTER, TTL_POLICY_FIXED, 128, 1,
	0.07},
    {"router-fixed-64-decrement", PLACE_ROUTER, TTL_POLICY_FIXED, 64, 1, 0.2},
    {"router-copied-decrement", PLACE_ROUTER, TTL_POLICY_COPIED, 0, 1, 0.1},
    /* Copied before the box took its own TTL off. */
    {"router-copied-early", PLACE_ROUTER, TTL_POLICY_COPIED, 0, -1, 0.1},
};

const size_t infer_n_models = sizeof(infer_models) / sizeof(infer_models[0]);

_Static_assert(
    sizeof(infer_models) / sizeof(infer_models[0]) <= INFER_MODELS_MAX,
    "more models than infer has room for");
