/*
 * A page of text: paragraphs wrapped, cells padded.  All that is put on it is
 * printable ASCII, but for the few signs that sheet.c itself has for UTF-8.
 */
#ifndef RSTHOP_REPORT_SHEET_H
#define RSTHOP_REPORT_SHEET_H

#include <stdbool.h>
#include <stddef.h>

#include <rsthop/report.h>
#include <rsthop/text.h>

struct sheet {
	struct text t;
	int columns;
	bool color;
	bool utf8;
};

enum sheet_ink { SHEET_PLAIN, SHEET_BOLD, SHEET_ALERT };

void sheet_begin(struct sheet *s, const struct report_style *st);

/*
 * Words wrapped at the page's width, each line indented, the lines after the
 * first by `hang` more.  `at` is the column that the first line has reached
 * already; nothing is indented then.  Ends with a newline.
 */
void sheet_wrap(
    struct sheet *s, const char *words, int indent, int hang, int at);

/* Pads words to width, to the right or to the left. */
void sheet_left(struct sheet *s, const char *words, int width);
void sheet_right(struct sheet *s, const char *words, int width);

/* Takes blanks off the end of the last line, and ends it. */
void sheet_end_line(struct sheet *s);

/* Switches the colour, where there is any; PLAIN ends it. */
void sheet_ink(struct sheet *s, enum sheet_ink ink);

/* What stands in a cell of which nothing is known. */
const char *sheet_dash(const struct sheet *s);

#endif
