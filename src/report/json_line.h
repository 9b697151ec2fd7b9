/*
 * One JSON object on one line, written key by key into a text: for the many
 * resets of a capture, where a tree of values takes ten times as long.
 */
#ifndef RSTHOP_REPORT_JSON_LINE_H
#define RSTHOP_REPORT_JSON_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/text.h>

/* key NULL: an element of an array.  begin and end: '{' '}' or '[' ']'. */
void line_begin(struct text *t, const char *key, char begin);
void line_end(struct text *t, char end);

void line_null(struct text *t, const char *key);
void line_bool(struct text *t, const char *key, bool v);
void line_int(struct text *t, const char *key, int64_t v);
/* Null where v is 0. */
void line_count(struct text *t, const char *key, int64_t v);
/* Rounded to so many decimals, 6 at most; null where v is no number. */
void line_real(struct text *t, const char *key, double v, int decimals);
/* Of our own making: nothing in it is escaped. */
void line_plain(struct text *t, const char *key, const char *s);
/* Anything; null for NULL and for "". */
void line_word(struct text *t, const char *key, const char *s);
/* Null for NULL. */
void line_hex(struct text *t, const char *key, const uint8_t *p, size_t n);

#endif
