/*
 * rsthop help [COMMAND]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "options.h"

#define COLUMN 27 /* where the words of an option begin */

static void
print_options(const struct option_spec *s)
{
	int n;

	for (; s->help != NULL; s++) {
		n = s->key < 256 ? printf("  -%c", s->key) : printf("    ");
		if (s->name != NULL)
			n += printf(
			    "%s --%s", s->key < 256 ? "," : " ", s->name);
		if (s->value != NULL)
			n += printf(" %s", s->value);
		printf("%*s%s\n", n < COLUMN ? COLUMN - n : 1, "", s->help);
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
		print_options(cmd->options);
	}
	printf("\nCommon options:\n");
	print_options(options_of(cmd));
	printf("\nManual: rsthop-%s(1)\n", cmd->name);
}

static void
print_overview(void)
{
	size_t i;

	printf("usage: rsthop COMMAND [OPTIONS] ...\n"
	       "Finds the middlebox that forges TCP resets.\n\n");
	for (i = 0; commands[i] != NULL; i++)
		printf("  %-13s%s\n", commands[i]->name, commands[i]->summary);
	printf("\n  -h, --help   show this text\n"
	       "  --version    show the version\n\n"
	       "'rsthop help COMMAND' tells more; so does rsthop(1).\n");
}

static int
run_help(const struct command *cmd, int argc, char **argv)
{
	const struct command *about;
	struct fault f;

	if (argc > 2) {
		fault(&f, FAULT_USAGE, "usage: rsthop %s %s", cmd->name,
		    cmd->operands);
		return command_complain(&f);
	}
	if (argc < 2 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "--help") == 0) {
		print_overview();
		return EXIT_SUCCESS;
	}
	about = command_find(argv[1]);
	if (about == NULL) {
		fault(&f, FAULT_USAGE,
		    "unknown command '%s'; see 'rsthop help'", argv[1]);
		return command_complain(&f);
	}
	command_print_usage(about);
	return EXIT_SUCCESS;
}

const struct command cmd_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "Shows how a command is used",
    .details = "",
    .run = run_help,
};
