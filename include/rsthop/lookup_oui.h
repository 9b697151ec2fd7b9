/*
 * The list of OUIs as ieee-data installs it, apart from where it lies.
 */
#ifndef RSTHOP_LOOKUP_OUI_H
#define RSTHOP_LOOKUP_OUI_H

#include <stdint.h>
#include <stdio.h>

#include <rsthop/lookup.h>

/*
 * Reads oui.txt from fp up to the OUI of mac: 1 and its maker, 0 where it is
 * not there.  What comes out is well-formed UTF-8 without control characters.
 */
int lookup_scan_oui(
    FILE *fp, const uint8_t mac[ADDR_MAC], char out[LOOKUP_VENDOR]);

#endif
