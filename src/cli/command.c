/*
 * What all commands share: how one is found, how it is used, how its fault is
 * told.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

#define COMMAND_COLUMN 27 /* where the words of an option begin */

const struct command *
command_find(const struct command *const *table, const char *name)
{
	for (size_t i = 0; table[i] != NULL; i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}

/* Words of users stand in faults: no byte of theirs may break the line. */
int
command_complain(const struct fault *f)
{
	char line[sizeof(f->text)];

	memcpy(line, f->text, sizeof(line));
	line[sizeof(line) - 1] = '\0';
	for (size_t i = 0; line[i] != '\0'; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	warnx("%s", line);
	return fault_exit_status(f);
}

static void
command_print_options(const struct option_spec *s)
{
	int n;

	for (; s->help != NULL; s++) {
		n = s->key < 256 ? printf("  -%c", s->key) : printf("    ");
		if (s->name != NULL)
			n += printf(
			    "%s --%s", s->key < 256 ? "," : " ", s->name);
		if (s->value != NULL)
			n += printf(" %s", s->value);
		printf("%*s%s\n", n < COMMAND_COLUMN ? COMMAND_COLUMN - n : 1,
		    "", s->help);
	}
}

void
command_print_usage(const struct command *cmd)
{
	printf("usage: rsthop %s %s\n%s.\n", cmd->name, cmd->operands,
	    cmd->summary);
	if (cmd->details[0] != '\0')
		printf("\n%s", cmd->details);
	if (cmd->options == NULL)
		return;
	if (cmd->options->help != NULL) {
		printf("\nOptions of %s:\n", cmd->name);
		command_print_options(cmd->options);
	}
	printf("\nCommon options:\n");
	command_print_options(cmd->common);
	printf("\nManual: rsthop-%s(1)\n", cmd->name);
}
