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
#include "from.h"
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
    {OPTION_HTTP_HOST, "http-host", "NAME",
	"what a browser asks for first: GET / of NAME"},
    {OPTION_TLS_SNI, "tls-sni", "NAME", "a browser's ClientHello for NAME"},
    {OPTION_DIALOGUE, "dialogue", "FILE",
	"what is said before the trigger, and the trigger"},
    {OPTION_FROM, "from", "FILE",
	"take flow, TTLs, trigger and what came before from a capture"},
    {OPTION_ATTACH, "attach", "FLOW",
	"inject into a connection that stands: SRC:PORT-DST:PORT"},
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
    {OPTION_SOURCE_PORT, "source-port", "PORT", "connect from this local port"},
    {0, NULL, NULL, NULL},
};

struct line {
	struct options options;
	struct options_target target;
	struct payload payload;
	struct before before;
	const char *from_path; /* NULL: no capture */
	const char *attach;    /* SRC:PORT-DST:PORT; NULL: no such connection */
	struct from from;
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
	case OPTION_HTTP_HOST:
		return payload_set_http(&l->payload, value, f);
	case OPTION_TLS_SNI:
		return payload_set_tls(&l->payload, value, f);
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
	case OPTION_ATTACH:
		l->attach = value;
		return 0;
	case OPTION_FROM:
		l->from_path = value;
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

/* Something of the user's own to send, or a file that has it. */
static bool
has_trigger(const struct line *l)
{
	return l->payload.from != RESULT_TRIGGER_NONE ||
	    l->before.dialogue_path != NULL;
}

/*
 * Out of the capture comes what the line leaves out.  Sent again, and many
 * times, some requests would do harm: those the user has to write down.
 */
static int
load_from(struct line *l, struct fault *f)
{
	const struct suspect *s;

	if (from_load(l->from_path, &l->options, &l->from, f) < 0)
		return -1;
	l->target = l->from.target;
	s = l->from.pick;
	if (has_trigger(l) || s->replay == SUSPECT_REPLAY_NONE ||
	    s->trigger_len == 0)
		return 0;
	if (s->acts)
		return fault(f, FAULT_USAGE,
		    "%.160s: the trigger there, %s %.80s, may change "
		    "something when it is sent again: if that does no harm, "
		    "give it yourself (--payload, --mysql-query)",
		    l->from_path, s->what.command, s->what.key);
	if (payload_set_bytes(&l->payload, RESULT_TRIGGER_CAPTURE, s->trigger,
		s->trigger_len, f) < 0)
		return -1;
	if (s->replay == SUSPECT_REPLAY_MYSQL)
		return before_take_login(
		    &l->before, s, l->target.host, l->target.port, f);
	if (s->control != NULL && l->payload.control == NULL &&
	    payload_set_control_bytes(
		&l->payload, s->control, s->control_len, f) < 0)
		return -1;
	return 0;
}

/* Where the default control would be no command of the protocol. */
static int
make_control(struct line *l, struct fault *f)
{
	return l->before.login != NULL ||
		l->payload.from == RESULT_TRIGGER_MYSQL
	    ? payload_make_mysql_control(&l->payload, f)
	    : 0;
}

/*
 * The connection of another program's, and what does not go with it: it is
 * there already, and logged in.
 */
static int
take_attach(struct line *l, struct fault *f)
{
	char text[2 * ADDR_ENDPOINT];
	struct endpoint server;
	char *dash;

	if (l->options.n_operands > 0)
		return fault(f, FAULT_USAGE,
		    "--attach names the server; leave HOST:PORT out");
	if (l->ask.src_port != 0 || l->before.dialogue_path != NULL ||
	    l->from_path != NULL)
		return fault(f, FAULT_USAGE,
		    "--attach goes with a trigger alone, not with "
		    "--source-port, --dialogue or --from");
	snprintf(text, sizeof(text), "%s", l->attach);
	dash = strchr(text, '-');
	if (dash == NULL)
		return fault(f, FAULT_USAGE,
		    "--attach %.80s: give SRC:PORT-DST:PORT, as ss -tn shows "
		    "both ends",
		    l->attach);
	*dash = '\0';
	l->before.logged_in = true;
	if (options_parse_endpoint(text, &l->ask.attach) < 0 ||
	    options_parse_endpoint(dash + 1, &server) < 0 ||
	    l->ask.attach.addr.version != server.addr.version)
		return fault(f, FAULT_USAGE,
		    "--attach %.80s: both ends are addresses with a port, "
		    "10.0.0.5:41000-10.1.2.3:3306 or [v6]:port-[v6]:port",
		    l->attach);
	addr_format(&server.addr, l->target.host);
	l->target.port = server.port;
	return 0;
}

/* Usage first, then files: the order in which a user can mend things. */
static int
check_line(struct line *l, struct fault *f)
{
	bool from = l->from_path != NULL;

	if (l->attach != NULL && take_attach(l, f) < 0)
		return -1;
	if (!from && l->attach == NULL &&
	    options_get_target(&l->options, true, &l->target, f) < 0)
		return -1;
	if (before_check(&l->before, from, f) < 0)
		return -1;
	if (!has_trigger(l) && l->ask.n_rst_ttls == 0 && !from)
		return fault(f, FAULT_USAGE,
		    "nothing to go by: give what draws the reset (--payload, "
		    "--mysql-use, --dialogue ...), a capture of it (--from) "
		    "or a reset's TTL (--rst-ttl)");
	if (output_check_endings(&l->options, f) < 0)
		return -1;
	if (payload_load(&l->payload, f) < 0 ||
	    payload_make(&l->payload, l->target.port, f) < 0 ||
	    (from && load_from(l, f) < 0) ||
	    before_load(&l->before, l->target.host, l->target.port, &l->payload,
		f) < 0 ||
	    make_control(l, f) < 0 || payload_check_control(&l->payload, f) < 0)
		return -1;
	return output_check_folders(&l->options, f);
}

static void
fill_from(struct line *l)
{
	const struct from *from = &l->from;
	struct locate_ask *ask = &l->ask;

	if (ask->n_rst_ttls == 0) {
		ask->n_rst_ttls = from->pick->n_rst_ttls;
		memcpy(
		    ask->rst_ttls, from->pick->rst_ttls, sizeof(ask->rst_ttls));
	}
	if (ask->server_ttl == 0)
		ask->server_ttl = from->pick->server_ttl;
	if (ask->maker.make == NULL && ask->trigger == RESULT_TRIGGER_CAPTURE)
		ask->maker = from_talks(from);
}

static void
fill_ask(struct line *l, struct active *a)
{
	struct locate_ask *ask = &l->ask;

	ask->host = l->target.host;
	ask->started_unix_ns = active_wall_clock();
	ask->target = a->target;
	ask->route = a->route;
	if (ask->attach.port != 0)
		ask->route.src = ask->attach.addr;
	ask->trigger = l->payload.from;
	ask->payload = l->payload.bytes;
	ask->payload_len = l->payload.len;
	ask->control = l->payload.control;
	ask->control_len = l->payload.control_len;
	ask->maker = before_maker(&l->before);
	if (l->from_path != NULL)
		fill_from(l);
	ask->progress = progress_say;
	ask->progress_ctx = &a->progress;
}

/* What was taken out of the capture, for a user who watches. */
static void
tell_from(const struct line *l, struct active *a)
{
	const struct suspect *s = l->from.pick;
	struct text t = {0};

	suspect_describe(s, 1, &t);
	progress_remark(&a->progress, "%s: %s", l->from_path, text_str(&t));
	text_free(&t);
	if (s->why[0] != '\0')
		progress_remark(&a->progress, "%s", s->why);
	if (l->from.note[0] != '\0')
		progress_remark(&a->progress, "%s", l->from.note);
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
	if (l->from.pick != NULL)
		tell_from(l, &a);
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
	from_free(&l.from);
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
