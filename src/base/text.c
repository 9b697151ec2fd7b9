/*
 * Growing strings; escapes and hex, read and shown.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/text.h>
#include <rsthop/vec.h>

static bool
text_grow(struct text *t, size_t n)
{
	if (t->bad || n >= SIZE_MAX - t->len ||
	    vec_grow(&t->p, t->len + n + 1, &t->cap, 1) != 0)
		t->bad = true;
	return !t->bad;
}

/* Makes room for n bytes and a NUL behind what is there. */
static inline bool
text_room(struct text *t, size_t n)
{
	/* Most often there is: reports are made of short pieces. */
	return (!t->bad && n < t->cap - t->len) || text_grow(t, n);
}

void
text_add_bytes(struct text *t, const void *p, size_t n)
{
	if (n == 0 || !text_room(t, n))
		return;
	memcpy(t->p + t->len, p, n);
	t->len += n;
	t->p[t->len] = '\0';
}

void
text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

void
text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		t->bad = true;
		return;
	}
	if (n == 0 || !text_room(t, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(t->p + t->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	t->len += (size_t)n;
}

void
text_pad(struct text *t, char c, int n)
{
	if (n <= 0 || !text_room(t, (size_t)n))
		return;
	memset(t->p + t->len, c, (size_t)n);
	t->len += (size_t)n;
	t->p[t->len] = '\0';
}

const char *
text_str(const struct text *t)
{
	return t->p == NULL ? "" : t->p;
}

void
text_free(struct text *t)
{
	free(t->p);
	memset(t, 0, sizeof(*t));
}

/* The value of a hex digit, or -1. */
static int
text_nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Up to three octal digits; NULL where they say more than a byte. */
static const char *
text_octal(const char *s, uint8_t *out)
{
	unsigned int v = 0;

	for (int i = 0; i < 3 && *s >= '0' && *s <= '7'; i++)
		v = v * 8 + (unsigned int)(*s++ - '0');
	if (v > 0xff)
		return NULL;
	*out = (uint8_t)v;
	return s;
}

/* Two hex digits, no fewer: \x1 would leave open what follows it. */
static const char *
text_hex_byte(const char *s, uint8_t *out)
{
	int hi = text_nibble(s[0]);
	int lo = hi < 0 ? -1 : text_nibble(s[1]);

	if (lo < 0)
		return NULL;
	*out = (uint8_t)(hi << 4 | lo);
	return s + 2;
}

/* The escape behind a backslash at s; gives what follows it, or NULL. */
static const char *
text_escape(const char *s, uint8_t *out)
{
	static const char names[] = "nrt\\\"'";
	static const char bytes[] = "\n\r\t\\\"'";
	const char *name;

	if (*s == 'x')
		return text_hex_byte(s + 1, out);
	if (*s >= '0' && *s <= '7')
		return text_octal(s, out);
	name = *s == '\0' ? NULL : strchr(names, *s);
	if (name == NULL)
		return NULL;
	*out = (uint8_t)bytes[name - names];
	return s + 1;
}

static int
text_fault(const char *what, const char *at, const char *why, struct fault *f)
{
	struct text t = {0};

	text_add_safe(&t, at, strlen(at), 8);
	fault(f, FAULT_USAGE, "%s: %s at \"%s\"", what, why, text_str(&t));
	text_free(&t);
	return -1;
}

int
text_unescape(const char *what, const char *s, uint8_t **out, size_t *len,
    struct fault *f)
{
	uint8_t *p = malloc(strlen(s) + 1);
	size_t n = 0;

	if (p == NULL)
		return fault(f, FAULT_SYSTEM, "%s: out of memory", what);
	while (*s != '\0') {
		const char *next = s + 1;

		p[n] = (uint8_t)*s;
		if (*s == '\\')
			next = text_escape(s + 1, &p[n]);
		if (next == NULL) {
			free(p);
			return text_fault(what, s,
			    "no escape known (\\n \\r \\t \\0 \\\\ \\\" \\' "
			    "\\xHH \\ooo)",
			    f);
		}
		s = next;
		n++;
	}
	p[n] = '\0';
	*out = p;
	*len = n;
	return 0;
}

static bool
text_is_gap(char c)
{
	return c == ':' || isspace((unsigned char)c);
}

int
text_from_hex(const char *what, const char *s, uint8_t **out, size_t *len,
    struct fault *f)
{
	uint8_t *p = malloc(strlen(s) / 2 + 1);
	size_t n = 0;

	if (p == NULL)
		return fault(f, FAULT_SYSTEM, "%s: out of memory", what);
	for (;;) {
		const char *next;

		while (text_is_gap(*s))
			s++;
		if (*s == '\0')
			break;
		next = text_hex_byte(s, &p[n]);
		if (next == NULL) {
			free(p);
			return text_fault(
			    what, s, "not a pair of hex digits", f);
		}
		s = next;
		n++;
	}
	p[n] = '\0';
	*out = p;
	*len = n;
	return 0;
}

void
text_add_hex(struct text *t, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++) {
		char two[2] = {digits[b[i] >> 4], digits[b[i] & 0xf]};

		text_add_bytes(t, two, 2);
	}
}

/* The backslash is doubled, so that text_unescape gives the bytes back. */
static void
text_add_safe_byte(struct text *t, uint8_t b)
{
	switch (b) {
	case '\n':
		text_add(t, "\\n");
		break;
	case '\r':
		text_add(t, "\\r");
		break;
	case '\t':
		text_add(t, "\\t");
		break;
	case '\\':
		text_add(t, "\\\\");
		break;
	default:
		if (b >= 0x20 && b < 0x7f)
			text_add_bytes(t, &b, 1);
		else
			text_addf(t, "\\x%02x", b);
	}
}

void
text_add_safe(struct text *t, const void *p, size_t n, size_t max)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n && i < max; i++)
		text_add_safe_byte(t, b[i]);
	if (n > max)
		text_add(t, "...");
}
