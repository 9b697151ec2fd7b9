/* A page of text: paragraphs wrapped, cells padded. */
#include <string.h>

#include "sheet.h"

#define SHEET_COLUMNS	  80
#define SHEET_COLUMNS_MIN 72 /* the widest table row without its notes */

void
sheet_begin(struct sheet *s, const struct report_style *st)
{
	memset(s, 0, sizeof(*s));
	s->columns = st->columns == 0 ? SHEET_COLUMNS : st->columns;
	if (s->columns < SHEET_COLUMNS_MIN)
		s->columns = SHEET_COLUMNS_MIN;
	s->color = st->color;
	s->utf8 = st->utf8;
}

/* Columns that s takes: bytes that do not continue a UTF-8 sequence. */
static int
sheet_width_of(const char *s)
{
	int n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/*
 * How much of the words goes on a line with this room: up to the last blank
 * that fits, or all of the room where one word is longer.  A number is not
 * parted from its per cent sign.
 */
static size_t
sheet_line_length(const char *words, size_t room)
{
	size_t len = strlen(words);

	if (len <= room)
		return len;
	for (size_t i = room; i > 0; i--) {
		if (words[i] == ' ' && words[i + 1] != '%')
			return i;
	}
	return room;
}

void
sheet_wrap(struct sheet *s, const char *words, int indent, int hang, int at)
{
	int room, pad;
	size_t n;

	while (*words == ' ')
		words++;
	pad = at > 0 ? 0 : indent;
	do {
		room = s->columns - (at > 0 ? at : pad);
		n = sheet_line_length(words, room < 1 ? 1 : (size_t)room);
		text_pad(&s->t, ' ', pad);
		text_add_bytes(&s->t, words, n);
		sheet_end_line(s);
		words += n;
		while (*words == ' ')
			words++;
		pad = indent + hang;
		at = 0;
	} while (*words != '\0');
}

void
sheet_left(struct sheet *s, const char *words, int width)
{
	text_add(&s->t, words);
	text_pad(&s->t, ' ', width - sheet_width_of(words));
}

void
sheet_right(struct sheet *s, const char *words, int width)
{
	text_pad(&s->t, ' ', width - sheet_width_of(words));
	text_add(&s->t, words);
}

void
sheet_end_line(struct sheet *s)
{
	while (s->t.len > 0 && s->t.p[s->t.len - 1] == ' ')
		s->t.p[--s->t.len] = '\0';
	text_add(&s->t, "\n");
}

void
sheet_ink(struct sheet *s, enum sheet_ink ink)
{
	if (!s->color)
		return;
	switch (ink) {
	case SHEET_PLAIN:
		text_add(&s->t, "\033[0m");
		return;
	case SHEET_BOLD:
		text_add(&s->t, "\033[1m");
		return;
	case SHEET_ALERT:
		text_add(&s->t, "\033[1;31m");
		return;
	}
}

const char *
sheet_dash(const struct sheet *s)
{
	return s->utf8 ? "\342\200\223" : "-";
}
