/* One JSON object on one line. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json_line.h"
#include "json_parts.h"

static void
line_add_char(struct text *t, char c)
{
	text_add_bytes(t, &c, 1);
}

static void
line_add_key(struct text *t, const char *key)
{
	char last = t->len > 0 ? t->p[t->len - 1] : '{';

	if (last != '{' && last != '[')
		line_add_char(t, ',');
	if (key == NULL)
		return;
	line_add_char(t, '"');
	text_add(t, key);
	text_add_bytes(t, "\":", 2);
}

void
line_begin(struct text *t, const char *key, char begin)
{
	if (t->len > 0)
		line_add_key(t, key);
	line_add_char(t, begin);
}

void
line_end(struct text *t, char end)
{
	line_add_char(t, end);
}

void
line_null(struct text *t, const char *key)
{
	line_add_key(t, key);
	text_add(t, "null");
}

void
line_bool(struct text *t, const char *key, bool v)
{
	line_add_key(t, key);
	text_add(t, v ? "true" : "false");
}

/* At least so many digits, from the right. */
static void
line_add_digits(struct text *t, uint64_t v, int digits)
{
	char buf[24], *p = buf + sizeof(buf);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
		digits--;
	} while (v > 0 || digits > 0);
	text_add_bytes(t, p, (size_t)(buf + sizeof(buf) - p));
}

void
line_int(struct text *t, const char *key, int64_t v)
{
	line_add_key(t, key);
	if (v < 0)
		line_add_char(t, '-');
	line_add_digits(t, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 1);
}

void
line_count(struct text *t, const char *key, int64_t v)
{
	if (v == 0)
		line_null(t, key);
	else
		line_int(t, key, v);
}

void
line_real(struct text *t, const char *key, double v, int decimals)
{
	double scale = 1;
	uint64_t n;

	for (int i = 0; i < decimals; i++)
		scale *= 10;
	if (!isfinite(v) || fabs(v) * scale > 1e15) {
		line_null(t, key);
		return;
	}
	n = (uint64_t)llround(fabs(v) * scale);
	line_add_key(t, key);
	if (v < 0 && n > 0)
		line_add_char(t, '-');
	line_add_digits(t, n / (uint64_t)scale, 1);
	n %= (uint64_t)scale;
	for (; decimals > 1 && n % 10 == 0; decimals--)
		n /= 10;
	line_add_char(t, '.');
	line_add_digits(t, n, decimals);
}

void
line_plain(struct text *t, const char *key, const char *s)
{
	line_add_key(t, key);
	line_add_char(t, '"');
	text_add(t, s);
	line_add_char(t, '"');
}

/* Beyond ASCII the library knows what is UTF-8 and what is not. */
static void
line_add_foreign(struct text *t, const char *s)
{
	json_t *v = json_word(s);
	char *dump = v != NULL ? json_dumps(v, JSON_ENCODE_ANY) : NULL;

	if (dump != NULL)
		text_add(t, dump);
	else
		t->bad = true;
	free(dump);
	json_decref(v);
}

static bool
line_is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f ||
		    *s == '"' || *s == '\\')
			return false;
	return true;
}

void
line_word(struct text *t, const char *key, const char *s)
{
	if (s == NULL || s[0] == '\0')
		line_null(t, key);
	else if (line_is_plain(s))
		line_plain(t, key, s);
	else {
		line_add_key(t, key);
		line_add_foreign(t, s);
	}
}

void
line_hex(struct text *t, const char *key, const uint8_t *p, size_t n)
{
	if (p == NULL) {
		line_null(t, key);
		return;
	}
	line_add_key(t, key);
	line_add_char(t, '"');
	text_add_hex(t, p, n);
	line_add_char(t, '"');
}
