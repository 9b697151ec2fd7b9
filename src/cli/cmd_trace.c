/*
 * rsthop trace: the responders of one flow's path.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/locate.h>
#include <rsthop/num.h>
#include <rsthop/trace.h>

#include "active.h"
#include "command.h"
#include "options.h"
#include "output.h"

static const struct option_spec trace_options[] = {
    {OPTION_MAX_HOPS, "max-hops", "N",
	"trace N hops at most (" OPTION_TEXT(LOCATE_MAX_HOPS) ")"},
    {OPTION_SOURCE_PORT, "source-port", "PORT",
	"trace in a connection from this local port"},
    {OPTION_RATE, "rate", "PPS", "send PPS probes a second at most"},
    {0, NULL, NULL, NULL},
};

static int
trace_take(void *ctx, int key, const char *value, struct fault *f)
{
	struct trace_ask *ask = ctx;
	int port;

	switch (key) {
	case OPTION_MAX_HOPS:
		return num_int(
		    "--max-hops", value, 1, PATH_MAX_HOPS, &ask->max_hops, f);
	case OPTION_RATE:
		return num_int("--rate", value, 1, 1000000, &ask->rate_pps, f);
	case OPTION_SOURCE_PORT:
		if (num_int("--source-port", value, 1, UINT16_MAX, &port, f) <
		    0)
			return -1;
		ask->src_port = (uint16_t)port;
		return 0;
	default:
		return fault(f, FAULT_USAGE, "an option without a meaning");
	}
}

static int
trace_parse(const struct command *cmd, int argc, char **argv, struct options *o,
    struct trace_ask *ask, struct options_target *t, struct fault *f)
{
	if (options_parse(cmd, argc, argv, o, ask, f) < 0)
		return -1;
	if (o->help)
		return 0;
	if (options_get_target(o, false, t, f) < 0 ||
	    output_check_endings(o, f) < 0)
		return -1;
	return output_check_folders(o, f);
}

/* Gives the exit status, or -1 with a fault. */
static int
trace(const struct options *o, const struct options_target *t,
    const struct trace_ask *given, struct fault *f)
{
	struct trace_result *r = calloc(1, sizeof(*r));
	struct trace_ask ask = *given;
	struct active a;
	int rc = -1, signal;

	if (r == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (active_open(&a, o, t, f) < 0)
		goto out;
	ask.host = t->host;
	ask.started_unix_ns = active_wall_clock();
	ask.target = a.target;
	ask.route = a.route;
	ask.progress = progress_say;
	ask.progress_ctx = &a.progress;
	fault_clear(f);
	if (trace_run(&ask, &a.world, r, f) < 0)
		goto out;
	signal = active_finish(&a, &r->head, &r->path);
	if (output_write(o, r, NULL, f) < 0)
		goto out;
	rc = signal != 0 ? 128 + signal : EXIT_SUCCESS;
out:
	active_close(&a);
	trace_result_free(r);
	free(r);
	return rc;
}

static int
cmd_trace_run_trace(const struct command *cmd, int argc, char **argv)
{
	struct trace_ask ask = {.max_hops = LOCATE_MAX_HOPS};
	struct options_target target;
	struct options o;
	struct fault f;
	int status;

	fault_clear(&f);
	if (trace_parse(cmd, argc, argv, &o, &ask, &target, &f) < 0)
		return command_complain(&f);
	if (o.help) {
		command_print_usage(cmd);
		return EXIT_SUCCESS;
	}
	status = trace(&o, &target, &ask, &f);
	return status < 0 ? command_complain(&f) : status;
}

const struct command cmd_trace = {
    .name = "trace",
    .operands = "[OPTIONS] HOST[:PORT]",
    .summary = "Shows who answers along the path of a TCP flow",
    .details = "With a port the path is traced by SYN, and inside a connection "
	       "where that\nleaves a hop in doubt; without, by ICMP alone.\n",
    .options = trace_options,
    .common = options_common,
    .take = trace_take,
    .run = cmd_trace_run_trace,
};
