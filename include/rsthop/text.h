/*
 * Text that grows, and the forms in which bytes are read from and shown to
 * people.
 */
#ifndef RSTHOP_TEXT_H
#define RSTHOP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>

/*
 * A growing string.  Zero-initialize it; text_free() it.  Running out of
 * memory sets `bad`, and every later addition is ignored.
 */
struct text {
	char *p; /* NUL-terminated, NULL while empty */
	size_t len;
	size_t cap;
	bool bad;
};

void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const void *p, size_t n);
void text_addf(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* n copies of c; nothing where n <= 0. */
void text_pad(struct text *t, char c, int n);
/* The string, never NULL. */
const char *text_str(const struct text *t);
void text_free(struct text *t);

/*
 * C escapes (\n \r \t \0 \\ \" \' \xHH \ooo) to bytes.  *out is malloc'd, the
 * caller frees it, and has one NUL beyond *len that does not count.  `what`
 * names the source in the fault.
 */
int text_unescape(const char *what, const char *s, uint8_t **out, size_t *len,
    struct fault *f);

/* Hex digits, blanks and colons between bytes allowed; as text_unescape. */
int text_from_hex(const char *what, const char *s, uint8_t **out, size_t *len,
    struct fault *f);

/* Appends lower-case hex without blanks. */
void text_add_hex(struct text *t, const void *p, size_t n);

/*
 * Appends hostile bytes in a form that is safe on a terminal: printable ASCII
 * as it is, all else as C escapes; at most max bytes of the input are shown,
 * then "...".
 */
void text_add_safe(struct text *t, const void *p, size_t n, size_t max);

#endif
