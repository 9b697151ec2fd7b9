/*
 * The pieces of the JSON documents that more than one of them has.  Each gives
 * a new reference, or NULL where memory ran out; what is not known is a JSON
 * null.
 */
#ifndef RSTHOP_REPORT_JSON_PARTS_H
#define RSTHOP_REPORT_JSON_PARTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include <rsthop/addr.h>
#include <rsthop/analysis.h>
#include <rsthop/fault.h>
#include <rsthop/path.h>
#include <rsthop/result.h>

/* Null for NULL and for ""; bytes that are no UTF-8 are escaped. */
json_t *json_word(const char *s);
json_t *json_addr(const struct addr *a);
json_t *json_mac(bool has, const uint8_t mac[ADDR_MAC]);
/* Null for 0. */
json_t *json_count(int64_t n);
/* Rounded to that many decimals; null where x is no number. */
json_t *json_round(double x, int decimals);
/* Milliseconds; null for spans under `min` nanoseconds. */
json_t *json_ms(int64_t ns, int64_t min);
json_t *json_time(int64_t unix_ns);

json_t *json_server(const struct path *p);
json_t *json_path(const struct path *p);
json_t *json_notes(const struct result_notes *n);
/* The probes that captures hold. */
json_t *json_probes(const struct analysis *a);

/* A document with the keys of every active job: schema, version, target … */
json_t *json_document(const char *schema, const struct result_head *h,
    const struct result_evidence *e);

/* Takes value; *bad is set, and nothing else happens, where it is NULL. */
void json_put(json_t *o, const char *key, json_t *value, bool *bad);

/* Writes doc and a newline, and lets go of it; NULL is FAULT_SYSTEM. */
int json_finish(json_t *doc, bool bad, FILE *out, struct fault *f);

#endif
