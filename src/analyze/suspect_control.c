/*
 * What to compare a trigger with: its envelope, with other words in it.
 */
#define _GNU_SOURCE /* memmem */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/control.h>
#include <rsthop/mysql.h>

#include "suspect_control.h"

/* A part of the trigger. */
struct part {
	size_t at, len;
};

/* The host or name that the protocol names, as it stands in the trigger. */
static struct part
suspect_find_key(const struct suspect *s)
{
	size_t len = strlen(s->what.key);
	const uint8_t *p = NULL;

	if (len > 0)
		p = memmem(s->trigger, s->trigger_len, s->what.key, len);
	if (p == NULL)
		return (struct part){0, 0};
	return (struct part){(size_t)(p - s->trigger), len};
}

/* RFC 9112, section 3: what is asked for, between the first two blanks. */
static struct part
suspect_find_target(const struct suspect *s)
{
	const uint8_t *end = s->trigger + s->trigger_len, *from, *to;

	from = memchr(s->trigger, ' ', s->trigger_len);
	if (from == NULL)
		return (struct part){0, 0};
	from++;
	to = memchr(from, ' ', (size_t)(end - from));
	if (to == NULL)
		return (struct part){0, 0};
	return (struct part){(size_t)(from - s->trigger), (size_t)(to - from)};
}

/* Of "/" nothing is turned: its bits turned would be no target any more. */
static void
suspect_turn(const struct suspect *s, struct part part)
{
	bool has_words = false;

	for (size_t i = 0; i < part.len; i++)
		has_words = has_words || isalnum(s->trigger[part.at + i]);
	if (has_words)
		control_default(
		    s->trigger + part.at, part.len, s->control + part.at);
}

/*
 * MySQL: a header, the command's byte, then words.  A command that creates or
 * drops is never sent again: the control asks for the database instead.
 */
static bool
suspect_turn_command(struct suspect *s)
{
	const size_t words_at = MYSQL_HEADER + 1;

	if (s->trigger_len <= words_at)
		return false;
	if (s->acts)
		s->control[MYSQL_HEADER] = MYSQL_COM_INIT_DB;
	suspect_turn(s, (struct part){words_at, s->trigger_len - words_at});
	return true;
}

/* Turns the parts that carry words; false where none is known. */
static bool
suspect_turn_words(struct suspect *s)
{
	switch (s->what.protocol) {
	case TRIGGER_UNKNOWN:
		return false;
	case TRIGGER_MYSQL:
		return suspect_turn_command(s);
	case TRIGGER_HTTP:
		suspect_turn(s, suspect_find_target(s));
		suspect_turn(s, suspect_find_key(s));
		return memcmp(s->control, s->trigger, s->trigger_len) != 0;
	case TRIGGER_TLS:
		suspect_turn(s, suspect_find_key(s));
		return memcmp(s->control, s->trigger, s->trigger_len) != 0;
	}
	return false;
}

int
suspect_make_control(struct suspect *s, struct fault *f)
{
	s->control = malloc(s->trigger_len);
	if (s->control == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	memcpy(s->control, s->trigger, s->trigger_len);
	s->control_len = s->trigger_len;
	if (suspect_turn_words(s))
		return 0;
	free(s->control);
	s->control = NULL;
	s->control_len = 0;
	return 0;
}
