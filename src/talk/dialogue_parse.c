/*
 * Files of dialogues: a statement a line.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/num.h>
#include <rsthop/text.h>

#include "dialogue_int.h"

#define PARSE_WORD  32 /* with its NUL; what is longer is no word we know */
#define PARSE_SHOWN 40

/* One line while it is read. */
struct parse {
	struct dialogue *d;
	const char *s; /* what is left of it */
	const char *statement;
	struct fault *f;
};

/* "name:7: statement: " and why. */
static int parse_fault(struct parse *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int
parse_fault(struct parse *p, const char *fmt, ...)
{
	char where[DIALOGUE_WHERE], why[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	dialogue_where(p->d, p->d->line, p->statement, where);
	return fault(p->f, FAULT_INPUT, "%s: %s", where, why);
}

/*
 * Of the parsers of options, what is wrong with them is usage; here the file.
 */
static int
parse_fault_input(struct parse *p)
{
	if (p->f != NULL && p->f->kind == FAULT_USAGE)
		p->f->kind = FAULT_INPUT;
	return -1;
}

static bool
parse_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
parse_skip_blanks(struct parse *p)
{
	while (parse_is_blank(*p->s))
		p->s++;
}

/* Whether nothing but blanks and a comment is left. */
static bool
parse_is_end(struct parse *p)
{
	parse_skip_blanks(p);
	return *p->s == '\0' || *p->s == '#';
}

/* The length of what stands here up to a blank, a text, a comment. */
static size_t
parse_word_len(struct parse *p)
{
	parse_skip_blanks(p);
	return strcspn(p->s, " \t\"#");
}

/* Takes a word; "" where none stands here, or one that is too long. */
static void
parse_take_word(struct parse *p, char out[PARSE_WORD])
{
	size_t n = parse_word_len(p);

	out[0] = '\0';
	if (n >= PARSE_WORD)
		return;
	memcpy(out, p->s, n);
	out[n] = '\0';
	p->s += n;
}

/* As parse_fault, with the rest of the line behind it. */
static int
parse_fault_shown(struct parse *p, const char *why)
{
	struct text t = {0};

	text_add_safe(&t, p->s, strlen(p->s), PARSE_SHOWN);
	parse_fault(p, "%s: %s", why, text_str(&t));
	text_free(&t);
	return -1;
}

static int
parse_end(struct parse *p)
{
	if (parse_is_end(p))
		return 0;
	return parse_fault_shown(
	    p, "too much stands behind it; take this away");
}

/* How many letters to change, add or leave out to make a of b. */
static size_t
parse_word_distance(const char *a, const char *b)
{
	size_t row[PARSE_WORD], n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= n; j++) {
			size_t best = corner + (a[i] != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

/* The closing quote of the text that begins at s, or NULL. */
static const char *
parse_find_close(const char *s)
{
	for (; *s != '\0' && *s != '"'; s++)
		if (*s == '\\' && s[1] != '\0')
			s++;
	return *s == '"' ? s : NULL;
}

/* A text in quotes, without its escapes; *out is the caller's to free. */
static int
parse_take_text(struct parse *p, uint8_t **out, size_t *n)
{
	char where[DIALOGUE_WHERE], *raw;
	const char *end;
	int rc;

	parse_skip_blanks(p);
	if (*p->s != '"')
		return parse_fault(p,
		    "a text in quotes is missing, as in %s \"...\"",
		    p->statement);
	end = parse_find_close(p->s + 1);
	if (end == NULL)
		return parse_fault(
		    p, "a text that is not closed; end it with \"");
	raw = strndup(p->s + 1, (size_t)(end - p->s - 1));
	if (raw == NULL)
		return fault(p->f, FAULT_SYSTEM, "out of memory");
	p->s = end + 1;
	dialogue_where(p->d, p->d->line, p->statement, where);
	rc = text_unescape(where, raw, out, n, p->f);
	free(raw);
	return rc == 0 ? 0 : parse_fault_input(p);
}

/* "10s", "0.5s", "200ms". */
static int
parse_take_time(struct parse *p, int64_t *out)
{
	char word[PARSE_WORD] = "", where[DIALOGUE_WHERE];
	double v, unit_s = 1;
	const char *start;
	size_t n;

	parse_skip_blanks(p);
	start = p->s;
	parse_take_word(p, word);
	n = strlen(word);
	if (n > 2 && strcmp(word + n - 2, "ms") == 0)
		unit_s = 1e-3;
	else if (n < 2 || word[n - 1] != 's') {
		p->s = start;
		return parse_fault_shown(
		    p, "no time with its unit, as in 10s or 200ms");
	}
	word[n - (unit_s < 1 ? 2 : 1)] = '\0';
	dialogue_where(p->d, p->d->line, p->statement, where);
	if (num_double(where, word, 1e-3 / unit_s, DIALOGUE_TIME_S / unit_s, &v,
		p->f) < 0)
		return parse_fault_input(p);
	*out = (int64_t)(v * unit_s * (double)CLOCK_S + 0.5);
	return 0;
}

/* The time of an expect, where it has one. */
static int
parse_take_wait(struct parse *p, int64_t *out)
{
	*out = DIALOGUE_WAIT_S * CLOCK_S;
	if (parse_is_end(p))
		return 0;
	return parse_word_len(p) == 0 ? parse_end(p) : parse_take_time(p, out);
}

/* --- the statements --- */

static int
parse_expect_bytes(struct parse *p)
{
	char number[PARSE_WORD], word[PARSE_WORD], where[DIALOGUE_WHERE];
	int64_t wait_ns;
	uint64_t n;

	parse_take_word(p, number);
	if (number[0] == '\0')
		return parse_fault_shown(p, "no number of bytes");
	dialogue_where(p->d, p->d->line, p->statement, where);
	if (num_u64(where, number, 1, DIALOGUE_BYTES_MAX, &n, p->f) < 0)
		return parse_fault_input(p);
	parse_take_word(p, word);
	if (strcmp(word, "bytes") != 0 && strcmp(word, "byte") != 0)
		return parse_fault(p,
		    "the word bytes is missing behind %s: expect %s bytes",
		    number, number);
	if (parse_take_wait(p, &wait_ns) < 0 || parse_end(p) < 0)
		return -1;
	return dialogue_add_expect_bytes(p->d, (size_t)n, wait_ns, p->f);
}

static int
parse_expect(struct parse *p)
{
	int64_t wait_ns;
	uint8_t *text = NULL;
	size_t n = 0;
	int rc = -1;

	parse_skip_blanks(p);
	if (*p->s >= '0' && *p->s <= '9')
		return parse_expect_bytes(p);
	if (parse_take_text(p, &text, &n) < 0)
		return -1;
	if (parse_take_wait(p, &wait_ns) == 0 && parse_end(p) == 0)
		rc = dialogue_add_expect(p->d, text, n, wait_ns, p->f);
	free(text);
	return rc;
}

static int
parse_send(struct parse *p)
{
	uint8_t *text = NULL;
	size_t n = 0;
	int rc = -1;

	if (parse_take_text(p, &text, &n) < 0)
		return -1;
	if (parse_end(p) == 0)
		rc = dialogue_add_send(p->d, text, n, p->f);
	free(text);
	return rc;
}

static int
parse_pause(struct parse *p)
{
	int64_t ns;

	if (parse_is_end(p))
		return parse_fault(p, "a time is missing, as in pause 200ms");
	if (parse_take_time(p, &ns) < 0 || parse_end(p) < 0)
		return -1;
	return dialogue_add_pause(p->d, ns, p->f);
}

/* The trigger or the control: once each. */
static int
parse_once(struct parse *p, struct dialogue_text *to, unsigned int *line)
{
	uint8_t *text = NULL;
	size_t n = 0;
	int rc = -1;

	if (*line != 0)
		return parse_fault(p,
		    "a second one, for line %u has one already; keep one of "
		    "them",
		    *line);
	if (parse_take_text(p, &text, &n) < 0)
		return -1;
	if (parse_end(p) == 0)
		rc = dialogue_copy_text(p->d, p->statement, text, n, to, p->f);
	if (rc == 0)
		*line = p->d->line;
	free(text);
	return rc;
}

static int
parse_trigger(struct parse *p)
{
	return parse_once(p, &p->d->trigger, &p->d->trigger_line);
}

static int
parse_control(struct parse *p)
{
	return parse_once(p, &p->d->control, &p->d->control_line);
}

static const struct statement {
	const char *word;
	bool is_step; /* so it stands before the trigger */
	int (*parse)(struct parse *p);
} statements[] = {
    {"expect", true, parse_expect},
    {"send", true, parse_send},
    {"pause", true, parse_pause},
    {"trigger", false, parse_trigger},
    {"control", false, parse_control},
};

#define PARSE_STATEMENTS (sizeof(statements) / sizeof(statements[0]))

static const struct statement *
parse_find_statement(const char *word)
{
	for (size_t i = 0; i < PARSE_STATEMENTS; i++)
		if (strcmp(statements[i].word, word) == 0)
			return &statements[i];
	return NULL;
}

/* The statement that a word was perhaps meant to be, or NULL. */
static const char *
parse_find_nearest(const char *word)
{
	const char *best = NULL;
	size_t least = 3; /* as many mistakes are another word */

	for (size_t i = 0; i < PARSE_STATEMENTS; i++) {
		size_t n = parse_word_distance(word, statements[i].word);

		if (n < least && n < strlen(word)) {
			least = n;
			best = statements[i].word;
		}
	}
	return best;
}

static int
parse_unknown(struct parse *p, const char *word)
{
	const char *nearest = parse_find_nearest(word);
	char why[80];

	p->s -= strlen(word);
	p->statement = nearest == NULL ? "no statement" : "no such statement";
	if (nearest == NULL)
		return parse_fault_shown(p,
		    "begin with expect, send, pause, trigger or control, not "
		    "with");
	snprintf(why, sizeof(why), "write %s, not", nearest);
	return parse_fault_shown(p, why);
}

static int
parse_line(struct parse *p)
{
	const struct statement *s;
	char word[PARSE_WORD];

	if (parse_is_end(p))
		return 0;
	parse_take_word(p, word);
	s = parse_find_statement(word);
	if (s == NULL)
		return parse_unknown(p, word);
	p->statement = s->word;
	if (s->is_step && p->d->trigger_line != 0)
		return parse_fault(p,
		    "nothing is said after the trigger; put it before line %u",
		    p->d->trigger_line);
	return s->parse(p);
}

/* --- the whole --- */

static int
parse_check_whole(struct dialogue *d, struct fault *f)
{
	const struct dialogue_text *t = &d->trigger, *c = &d->control;
	char where[DIALOGUE_WHERE];

	if (d->n == 0 && t->p == NULL && c->p == NULL)
		return fault(f, FAULT_INPUT,
		    "%s: it has no statement; write one, such as trigger "
		    "\"...\"",
		    d->name);
	dialogue_where(d, d->control_line, "control", where);
	if (t->p != NULL && c->p != NULL && t->n == c->n &&
	    memcmp(t->p, c->p, t->n) == 0)
		return fault(f, FAULT_INPUT,
		    "%s: the trigger once more; give bytes that no device "
		    "minds",
		    where);
	return 0;
}

/* A copy that ends with a NUL and has none before; NULL with the fault. */
static char *
parse_copy(struct dialogue *d, const char *text, size_t len, struct fault *f)
{
	const char *nul = len == 0 ? NULL : memchr(text, '\0', len);
	unsigned int line = 1;
	char *copy;

	if (len > DIALOGUE_FILE_MAX) {
		fault(f, FAULT_INPUT,
		    "%s: over %d bytes; no dialogue needs as many", d->name,
		    DIALOGUE_FILE_MAX);
		return NULL;
	}
	if (nul != NULL) {
		for (const char *s = text; s < nul; s++)
			line += *s == '\n';
		fault(f, FAULT_INPUT,
		    "%s:%u: a NUL byte; is it a text file? In a text, write "
		    "\\0",
		    d->name, line);
		return NULL;
	}
	copy = malloc(len + 1);
	if (copy == NULL) {
		fault(f, FAULT_SYSTEM, "out of memory");
		return NULL;
	}
	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

/* Line by line, each made a string of its own; a CR before its end goes. */
static int
parse_lines(struct dialogue *d, char *s, struct fault *f)
{
	static const char bom[] = "\xef\xbb\xbf";

	if (strncmp(s, bom, strlen(bom)) == 0)
		s += strlen(bom);
	for (char *next; s != NULL; s = next) {
		char *end = s + strcspn(s, "\n");
		struct parse p = {.d = d, .s = s, .f = f};

		next = *end == '\n' ? end + 1 : NULL;
		if (end > s && end[-1] == '\r')
			end--;
		*end = '\0';
		d->line++;
		if (parse_line(&p) < 0)
			return -1;
	}
	return parse_check_whole(d, f);
}

static int
parse_set_name(struct dialogue *d, const char *name, struct fault *f)
{
	struct text t = {0};

	text_add_safe(&t, name, strlen(name), SIZE_MAX);
	if (t.bad) {
		text_free(&t);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	if (t.p != NULL) {
		free(d->name);
		d->name = t.p; /* handed over */
	}
	return 0;
}

int
dialogue_parse(const char *name, const char *text, size_t len,
    struct dialogue **out, struct fault *f)
{
	struct dialogue *d = NULL;
	char *copy = NULL;
	int rc = -1;

	if (dialogue_new(&d, f) < 0)
		return -1;
	if (parse_set_name(d, name, f) < 0)
		goto out;
	copy = parse_copy(d, text, len, f);
	if (copy == NULL || parse_lines(d, copy, f) < 0)
		goto out;
	d->line = 0; /* what is added now is made by hand */
	*out = d;
	d = NULL;
	rc = 0;
out:
	free(copy);
	dialogue_free(d);
	return rc;
}

int
dialogue_load(const char *path, struct dialogue **out, struct fault *f)
{
	char *text = malloc(DIALOGUE_FILE_MAX + 1);
	FILE *in = NULL;
	size_t n;
	int rc = -1;

	if (text == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	in = fopen(path, "rbe");
	if (in == NULL) {
		fault(f, FAULT_INPUT, "cannot read %s: %s", path,
		    strerror(errno));
		goto out;
	}
	errno = 0;
	n = fread(text, 1, DIALOGUE_FILE_MAX + 1, in);
	if (ferror(in) != 0) {
		fault(f, FAULT_INPUT, "cannot read %s: %s", path,
		    strerror(errno));
		goto out;
	}
	rc = dialogue_parse(path, text, n, out, f);
out:
	if (in != NULL)
		fclose(in);
	free(text);
	return rc;
}
