/*
 * The control: harmless bytes that are sent beside the trigger, so that what
 * the trigger draws can be compared with what any words of its length draw.
 */
#ifndef RSTHOP_CONTROL_H
#define RSTHOP_CONTROL_H

#include <stddef.h>
#include <stdint.h>

/*
 * The default control: the trigger's length and shape without its words.
 * Letters move by 13, digits by 5; where that changes nothing, all bits of
 * each byte are inverted.  out has room for len bytes.
 */
void control_default(const uint8_t *payload, size_t len, uint8_t *out);

#endif
