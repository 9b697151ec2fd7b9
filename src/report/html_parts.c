/*
 * Pieces that every HTML page has, and the escaping of all that is put on one.
 */
#include <rsthop/clock.h>

#include "html_parts.h"
#include "words.h"

void
html_escape(struct text *t, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case ' ': /* no line begins with a per cent sign */
			text_add(t, s[1] == '%' ? "&nbsp;" : " ");
			break;
		case '&':
			text_add(t, "&amp;");
			break;
		case '<':
			text_add(t, "&lt;");
			break;
		case '>':
			text_add(t, "&gt;");
			break;
		case '"':
			text_add(t, "&quot;");
			break;
		case '\'':
			text_add(t, "&#39;");
			break;
		default:
			text_add_bytes(t, s, 1);
		}
	}
}

void
html_element(
    struct text *t, const char *open, struct text *words, const char *close)
{
	text_add(t, open);
	html_escape(t, text_str(words));
	text_add(t, close);
	t->bad |= words->bad;
	text_free(words);
}

void
html_prose(struct text *t, const char *open, const char *s, const char *close)
{
	struct text words = {0};

	words_prose(&words, s);
	html_element(t, open, &words, close);
}

void
html_begin(struct text *t, struct text *subject)
{
	text_add(t,
	    "<!doctype html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
	html_escape(t, text_str(subject));
	text_add(t, "</title>\n<style>\n");
	text_add(t, html_css);
	text_add(t, "</style>\n</head>\n<body>\n<main>\n");
	html_element(t, "<p class=\"soft\">", subject, "</p>\n");
}

void
html_end(struct text *t, int64_t started_unix_ns)
{
	char when[CLOCK_TEXT];

	clock_format_utc(started_unix_ns, when, sizeof(when));
	text_addf(t,
	    "<footer>rsthop " RSTHOP_VERSION ", begun %s.</footer>\n"
	    "</main>\n</body>\n</html>\n",
	    when);
}

void
html_more(struct text *t, uint64_t n, const char *one, const char *many)
{
	if (n == 0)
		return;
	text_add(t, "<p class=\"soft\">And ");
	words_count(t, n, one, many);
	text_add(t, ".</p>\n");
}
