/*
 * rsthop locate: reproduce the reset, trace the path, name the device.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/locate.h>
#include <rsthop/num.h>

#include "active.h"
#include "before.h"
#include "command.h"
#include "options.h"
#include "output.h"
#include "payload.h"

#define DAY_S 86400

static const struct option_spec locate_options[] = {
    {OPTION_PAYLOAD, "payload", "STR",
	"the bytes that draw the reset, with C escapes"},
    {OPTION_PAYLOAD_HEX, "payload-hex", "HEX", "the same in hex"},
    {OPTION_PAYLOAD_FILE, "payload-file", "FILE", "the same from a file"},
    {OPTION_MYSQL_USE, "mysql-use", "DB",
	"log in to MySQL or MariaDB, then what `use DB` sends"},
    {OPTION_MYSQL_QUERY, "mysql-query", "SQL", "likewise, then a statement"},
    {OPTION_USER, "user", "NAME", "whom to log in as (of the option file)"},
    {OPTION_DEFAULTS_FILE, "defaults-file", "FILE",
	"the MySQL option file, with the password"},
    {OPTION_SSL_MODE, "ssl-mode", "MODE",
	"disabled, the one there is: no device can read TLS"},
    {OPTION_DIALOGUE, "dialogue", "FILE",
	"what is said before the trigger, and the trigger"},
    {OPTION_CONTROL, "control", "STR", "harmless bytes to compare with"},
    {OPTION_RST_TTL, "rst-ttl", "N",
	"the TTL of a reset that you saw (repeatable)"},
    {OPTION_SERVER_TTL, "server-ttl", "N",
	"the TTL of the server's ordinary packets then"},
    {OPTION_CONFIDENCE, "confidence", "P",
	"stop when this sure, 0.5 to 0.9999 (0.95)"},
    {OPTION_MAX_CONNECTIONS, "max-connections", "N",
	"open N connections at most (160)"},
    {OPTION_MAX_TIME, "max-time", "S", "stop after S seconds (120)"},
    {OPTION_COOLDOWN, "cooldown", "S", "wait S seconds between trials (0)"},
    {OPTION_RATE, "rate", "PPS", "send PPS packets a second at most"},
    {OPTION_MAX_HOPS, "max-hops", "N", "look N hops far at most (30)"},
    {OPTION_PORT_SWEEP, "port-sweep", "N",
	"compare N source ports first (16 do well)"},
    {OPTION_SOURCE_PORT, "source-port", "PORT", "connect from this local port"},
    {0, NULL, NULL, NULL},
};

struct line {
	struct options options;
	struct options_target target;
	struct payload payload;
	struct before before;
	struct locate_ask ask;
};

static int
take_rst_ttl(struct locate_ask *ask, const char *value, struct fault *f)
{
	const size_t max = sizeof(ask->rst_ttls) / sizeof(ask->rst_ttls[0]);

	if (ask->n_rst_ttls == max)
		return fault(f, FAULT_USAGE, "--rst-ttl: at most %zu", max);
	if (num_int("--rst-ttl", value, 1, 255, &ask->rst_ttls[ask->n_rst_ttls],
		f) < 0)
		return -1;
	ask->n_rst_ttls++;
	return 0;
}

static int
take_seconds(const char *what, const char *value, double lo, int64_t *ns,
    struct fault *f)
{
	double s;

	if (num_double(what, value, lo, DAY_S, &s, f) < 0)
		return -1;
	*ns = (int64_t)(s * (double)CLOCK_S);
	return 0;
}

/* The bounds of the campaign. */
static int
take_bound(struct locate_ask *ask, int key, const char *value, struct fault *f)
{
	int n;

	switch (key) {
	case OPTION_CONFIDENCE:
		return num_double(
		    "--confidence", value, 0.5, 0.9999, &ask->confidence, f);
	case OPTION_MAX_CONNECTIONS:
		if (num_int("--max-connections", value, 1, 100000, &n, f) < 0)
			return -1;
		ask->max_connections = (unsigned int)n;
		return 0;
	case OPTION_MAX_TIME:
		return take_seconds(
		    "--max-time", value, 0.1, &ask->max_time_ns, f);
	case OPTION_COOLDOWN:
		return take_seconds(
		    "--cooldown", value, 0, &ask->cooldown_ns, f);
	case OPTION_RATE:
		return num_int("--rate", value, 1, 1000000, &ask->rate_pps, f);
	case OPTION_MAX_HOPS:
		return num_int(
		    "--max-hops", value, 1, PATH_MAX_HOPS, &ask->max_hops, f);
	case OPTION_PORT_SWEEP:
		return num_int("--port-sweep", value, 2, RESULT_PORTS,
		    &ask->sweep_ports, f);
	case OPTION_SOURCE_PORT:
		if (num_int("--source-port", value, 1, UINT16_MAX, &n, f) < 0)
			return -1;
		ask->src_port = (uint16_t)n;
		return 0;
	default:
		return fault(f, FAULT_USAGE, "an option without a meaning");
	}
}

/* What is said before the trigger, and the trigger that comes of it. */
static int
take_before(struct line *l, int key, const char *value, struct fault *f)
{
	struct before *b = &l->before;

	switch (key) {
	case OPTION_MYSQL_USE:
		b->mysql_use = value;
		return payload_set_mysql_use(&l->payload, value, f);
	case OPTION_MYSQL_QUERY:
		b->mysql_query = value;
		return payload_set_mysql_query(&l->payload, value, f);
	case OPTION_USER:
		b->user = value;
		return 0;
	case OPTION_DEFAULTS_FILE:
		b->defaults_file = value;
		return 0;
	case OPTION_SSL_MODE:
		b->ssl_mode = value;
		return 0;
	case OPTION_DIALOGUE:
		b->dialogue_path = value;
		return 0;
	default:
		return take_bound(&l->ask, key, value, f);
	}
}

static int
take_locate(void *ctx, int key, const char *value, struct fault *f)
{
	struct line *l = ctx;

	switch (key) {
	case OPTION_PAYLOAD:
		return payload_set_text(&l->payload, value, f);
	case OPTION_PAYLOAD_HEX:
		return payload_set_hex(&l->payload, value, f);
	case OPTION_PAYLOAD_FILE:
		return payload_set_file(&l->payload, value, f);
	case OPTION_CONTROL:
		return payload_set_control(&l->payload, value, f);
	case OPTION_RST_TTL:
		return take_rst_ttl(&l->ask, value, f);
	case OPTION_SERVER_TTL:
		return num_int(
		    "--server-ttl", value, 1, 255, &l->ask.server_ttl, f);
	default:
		return take_before(l, key, value, f);
	}
}

/* Enough ports, connections and a trigger for --port-sweep. */
static int
check_sweep(const struct line *l, struct fault *f)
{
	unsigned int n = (unsigned int)l->ask.sweep_ports;
	unsigned int need = LOCATE_SWEEP_EACH * n + LOCATE_SWEEP_REST;

	if (n == 0)
		return 0;
	if (l->payload.from == RESULT_TRIGGER_NONE &&
	    l->before.dialogue_path == NULL)
		return fault(f, FAULT_USAGE,
		    "--port-sweep: give what draws the reset, too");
	if (need > l->ask.max_connections)
		return fault(f, FAULT_USAGE,
		    "--port-sweep: %u ports take %u connections: raise "
		    "--max-connections",
		    n, need);
	if (l->ask.src_port + n - 1 > UINT16_MAX)
		return fault(f, FAULT_USAGE,
		    "--port-sweep: there are not %u ports from %u on", n,
		    l->ask.src_port);
	return 0;
}

/* Usage first, then files: the order in which a user can mend things. */
static int
check_line(struct line *l, struct fault *f)
{
	if (options_get_target(&l->options, true, &l->target, f) < 0)
		return -1;
	if (before_check(&l->before, f) < 0)
		return -1;
	if (l->payload.from == RESULT_TRIGGER_NONE &&
	    l->before.dialogue_path == NULL && l->ask.n_rst_ttls == 0)
		return fault(f, FAULT_USAGE,
		    "nothing to go by: give what draws the reset (--payload, "
		    "--payload-hex, --payload-file) or a reset's TTL "
		    "(--rst-ttl)");
	if (check_sweep(l, f) < 0 || output_check_endings(&l->options, f) < 0)
		return -1;
	if (payload_load(&l->payload, f) < 0 ||
	    before_load(&l->before, l->target.host, l->target.port, &l->payload,
		f) < 0 ||
	    payload_make_control(&l->payload, f) < 0 ||
	    payload_check_control(&l->payload, f) < 0)
		return -1;
	return output_check_folders(&l->options, f);
}

static void
fill_ask(struct line *l, struct active *a)
{
	struct locate_ask *ask = &l->ask;

	ask->host = l->target.host;
	ask->started_unix_ns = active_wall_clock();
	ask->target = a->target;
	ask->route = a->route;
	ask->trigger = l->payload.from;
	ask->payload = l->payload.bytes;
	ask->payload_len = l->payload.len;
	ask->control = l->payload.control;
	ask->control_len = l->payload.control_len;
	ask->maker = before_maker(&l->before);
	ask->progress = progress_say;
	ask->progress_ctx = &a->progress;
}

/* Gives the exit status, or -1 with a fault. */
static int
locate(struct line *l, struct fault *f)
{
	struct locate_result *r = calloc(1, sizeof(*r));
	struct active a;
	int rc = -1, signal;

	if (r == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (active_open(&a, &l->options, &l->target, f) < 0)
		goto out;
	fill_ask(l, &a);
	fault_clear(f);
	if (locate_run(&l->ask, &a.world, r, f) < 0)
		goto out;
	signal = active_finish(&a, &r->head, &r->path);
	if (output_write(&l->options, NULL, r, f) < 0)
		goto out;
	rc = signal != 0 ? 128 + signal : locate_exit_status(r);
out:
	active_close(&a);
	locate_result_free(r);
	free(r);
	return rc;
}

static int
run_line(const struct command *cmd, int argc, char **argv, struct line *l)
{
	struct fault f;
	int status;

	fault_clear(&f);
	if (options_parse(cmd, argc, argv, &l->options, l, &f) < 0)
		return command_complain(&f);
	if (l->options.help) {
		command_print_usage(cmd);
		return EXIT_SUCCESS;
	}
	if (check_line(l, &f) < 0)
		return command_complain(&f);
	status = locate(l, &f);
	return status < 0 ? command_complain(&f) : status;
}

static int
run_locate(const struct command *cmd, int argc, char **argv)
{
	struct line l;
	int status;

	memset(&l, 0, sizeof(l));
	l.ask.max_hops = LOCATE_MAX_HOPS;
	l.ask.confidence = LOCATE_CONFIDENCE;
	l.ask.max_connections = LOCATE_MAX_CONNECTIONS;
	l.ask.max_time_ns = LOCATE_MAX_TIME_S * CLOCK_S;
	status = run_line(cmd, argc, argv, &l);
	payload_free(&l.payload);
	before_free(&l.before);
	return status;
}

const struct command cmd_locate = {
    .name = "locate",
    .operands = "[OPTIONS] HOST:PORT",
    .summary = "Reproduces a forged reset and names the device that sends it",
    .details = "Give what draws the reset (one of --payload, --payload-hex, "
	       "--payload-file),\nor the TTL of a reset that you saw "
	       "(--rst-ttl), or both.\n",
    .options = locate_options,
    .take = take_locate,
    .run = run_locate,
};
