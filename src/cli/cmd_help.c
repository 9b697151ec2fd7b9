/*
 * rsthop help [COMMAND]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static void
help_print_overview(const struct command *const *table)
{
	printf("usage: rsthop COMMAND [OPTIONS] ...\n"
	       "Finds the middlebox that forges TCP resets.\n\n");
	for (size_t i = 0; table[i] != NULL; i++)
		printf("  %-13s%s\n", table[i]->name, table[i]->summary);
	printf("\n  -h, --help   show this text\n"
	       "  --version    show the version\n\n"
	       "'rsthop help COMMAND' tells more; so does rsthop(1).\n");
}

int
help_run(const struct command *const *table, const struct command *help,
    int argc, char **argv)
{
	const struct command *about;
	struct fault f;

	if (argc > 2) {
		fault(&f, FAULT_USAGE, "usage: rsthop %s %s", help->name,
		    help->operands);
		return command_complain(&f);
	}
	if (argc < 2 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "--help") == 0) {
		help_print_overview(table);
		return EXIT_SUCCESS;
	}
	about = command_find(table, argv[1]);
	if (about == NULL) {
		fault(&f, FAULT_USAGE,
		    "unknown command '%s'; see 'rsthop help'", argv[1]);
		return command_complain(&f);
	}
	command_print_usage(about);
	return EXIT_SUCCESS;
}
