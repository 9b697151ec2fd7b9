/*
 * rsthop: finds the middlebox that forges TCP resets.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

static int main_help(const struct command *help, int argc, char **argv);

static const struct command main_help_command = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "Shows how a command is used",
    .details = "",
    .run = main_help,
};

/* All there are: to add one, write its file and name it here. */
static const struct command *const main_commands[] = {
    &cmd_locate,
    &cmd_trace,
    &cmd_analyze,
    &cmd_watch,
    &main_help_command,
    NULL,
};

static int
main_help(const struct command *help, int argc, char **argv)
{
	return help_run(main_commands, help, argc, argv);
}

/*
 * Where 0, 1 or 2 is closed, the next socket would take its place, and a
 * report would go into it.
 */
static void
main_keep_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		_exit(3);
	close(fd);
}

/* Before a job holds the signals: nothing is open, nothing is learned. */
static void
main_end_at_once(int signal)
{
	_exit(128 + signal);
}

static void
main_set_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sigemptyset(&sa.sa_mask);
	sa.sa_handler = main_end_at_once;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sa.sa_handler = SIG_IGN; /* a closed pipe is an errno, not the end */
	sigaction(SIGPIPE, &sa, NULL);
}

static int
main_run_command(int argc, char **argv)
{
	const struct command *cmd;
	const char *name = argv[1];
	struct fault f;

	if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)
		name = main_help_command.name;
	cmd = command_find(main_commands, name);
	if (cmd != NULL)
		return cmd->run(cmd, argc - 1, argv + 1);
	fault(&f, FAULT_USAGE, "unknown %s '%s'; see 'rsthop help'",
	    name[0] == '-' ? "option" : "command", name);
	return command_complain(&f);
}

/* A disk that is full is told; a reader that has left is not. */
static int
main_finish_stdout(int status)
{
	struct fault f;

	if ((fflush(stdout) == 0 && ferror(stdout) == 0) || errno == EPIPE)
		return status;
	fault(&f, FAULT_INPUT, "cannot write standard output: %s",
	    strerror(errno));
	return command_complain(&f);
}

int
main(int argc, char **argv)
{
	struct fault f;

	main_keep_standard_fds();
	main_set_signals();
	setlocale(LC_CTYPE, ""); /* not LC_NUMERIC: JSON has points */

	if (argc < 2) {
		fault(&f, FAULT_USAGE, "no command given; see 'rsthop help'");
		return command_complain(&f);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("rsthop %s\n", RSTHOP_VERSION);
		return main_finish_stdout(EXIT_SUCCESS);
	}
	return main_finish_stdout(main_run_command(argc, argv));
}
