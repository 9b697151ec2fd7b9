/*
 * What the parts of preset share.
 */
#ifndef RSTHOP_WIRE_PRESET_INT_H
#define RSTHOP_WIRE_PRESET_INT_H

#include <stdbool.h>

#include <rsthop/preset.h>
#include <rsthop/text.h>

/* The bytes of t, which is then the caller's no more. */
int preset_hand_over(
    struct text *t, uint8_t **out, size_t *len, struct fault *f);

/* `what: "given" why`, shown safely; -1. */
int preset_fault(
    const char *what, const char *given, const char *why, struct fault *f);

/* Whether a name that has passed reads as IPv4: its last label is a number. */
bool preset_is_address(const char *name);

#endif
