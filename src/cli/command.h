/*
 * A subcommand: its name, its options with their words of usage, its run.
 */
#ifndef RSTHOP_CLI_COMMAND_H
#define RSTHOP_CLI_COMMAND_H

#include <rsthop/fault.h>

/* Keys of options without a letter; beyond any char. */
enum option_key {
	OPTION_JSON = 256,
	OPTION_COLOR,
	OPTION_RST_TTL,
	OPTION_SERVER_TTL,
	OPTION_PAYLOAD,
	OPTION_PAYLOAD_HEX,
	OPTION_PAYLOAD_FILE,
	OPTION_CONTROL,
	OPTION_CONFIDENCE,
	OPTION_MAX_CONNECTIONS,
	OPTION_MAX_TIME,
	OPTION_RATE,
	OPTION_COOLDOWN,
	OPTION_MAX_HOPS,
	OPTION_SOURCE_PORT,
	OPTION_MYSQL_USE,
	OPTION_MYSQL_QUERY,
	OPTION_USER,
	OPTION_DEFAULTS_FILE,
	OPTION_SSL_MODE,
	OPTION_DIALOGUE,
	OPTION_HTTP_HOST,
	OPTION_TLS_SNI,
	OPTION_FROM,
	OPTION_EXEC,
	OPTION_ATTACH,
	OPTION_PORT_SWEEP,
	OPTION_JSONL,
	OPTION_MAX_FLOWS,
	OPTION_CLIENT_CAPTURE,
	OPTION_SERVER_CAPTURE,
	OPTION_COUNT,
	OPTION_DURATION,
	OPTION_ROTATE,
	OPTION_RING,
	OPTION_RING_SIZE
};

/* A constant's value, for the words of usage. */
#define OPTION_TEXT(constant) OPTION_TEXT_OF(constant)
#define OPTION_TEXT_OF(value) #value

struct option_spec {
	int key;	   /* the letter, or one of enum option_key */
	const char *name;  /* the long name; NULL: the letter alone */
	const char *value; /* what its value is called; NULL: takes none */
	const char *help;  /* one line of usage; NULL ends a table */
};

struct command {
	const char *name;
	const char *operands;
	const char *summary;
	const char *details; /* lines below the usage line; "" for none */
	const struct option_spec *options;
	const struct option_spec *common; /* shared with others */
	/* Takes one option of the table above. */
	int (*take)(void *ctx, int key, const char *value, struct fault *f);
	/* Gives the exit status; argv[0] is the command's name. */
	int (*run)(const struct command *cmd, int argc, char **argv);
};

extern const struct command cmd_analyze;
extern const struct command cmd_locate;
extern const struct command cmd_trace;
extern const struct command cmd_watch;

/* Looks one up in a table that ends with NULL; NULL where it is not there. */
const struct command *command_find(
    const struct command *const *table, const char *name);
void command_print_usage(const struct command *cmd);

/*
 * rsthop help [COMMAND]: how that command of the table is used, or a line for
 * each.  Gives the exit status.
 */
int help_run(const struct command *const *table, const struct command *help,
    int argc, char **argv);

/* Tells the fault on one line of stderr and gives its exit status. */
int command_complain(const struct fault *f);

#endif
