/*
 * The line of locate: options to what the job is asked.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/num.h>

#include "locate_line.h"
#include "output.h"

#define LINE_DAY_S 86400

const struct option_spec locate_options[] = {
    /* What to send. */
    {OPTION_PAYLOAD, "payload", "STR",
	"the bytes that draw the reset, with C escapes"},
    {OPTION_PAYLOAD_HEX, "payload-hex", "HEX", "the same in hex"},
    {OPTION_PAYLOAD_FILE, "payload-file", "FILE", "the same from a file"},
    {OPTION_HTTP_HOST, "http-host", "NAME",
	"what a browser sends first for http://NAME/"},
    {OPTION_TLS_SNI, "tls-sni", "NAME",
	"what a browser sends first for https://NAME/"},
    {OPTION_MYSQL_USE, "mysql-use", "DB",
	"log in to MySQL or MariaDB, then what USE DB sends"},
    {OPTION_MYSQL_QUERY, "mysql-query", "SQL",
	"log in, then this statement, again and again"},
    {OPTION_FROM, "from", "FILE",
	"what a capture of a reset shows: words, flow, TTLs"},
    {OPTION_EXEC, "exec", NULL,
	"what your own client says: HOST:PORT --exec -- CMD"},
    {OPTION_CONTROL, "control", "STR",
	"harmless bytes to compare with (by default, made)"},
    /* What comes before it. */
    {OPTION_DIALOGUE, "dialogue", "FILE",
	"what is said before the trigger, and the trigger"},
    {OPTION_USER, "user", "NAME", "whom to log in as (of the option file)"},
    {OPTION_DEFAULTS_FILE, "defaults-file", "FILE",
	"the MySQL option file, with the password"},
    {OPTION_SSL_MODE, "ssl-mode", "MODE",
	"only 'disabled': no device can read TLS"},
    {OPTION_ATTACH, "attach", "FLOW",
	"the trigger into an open connection, SRC:P-DST:P"},
    /* What was seen. */
    {OPTION_RST_TTL, "rst-ttl", "N",
	"the TTL of a reset that you saw (repeatable)"},
    {OPTION_SERVER_TTL, "server-ttl", "N",
	"the TTL of the server's ordinary packets then"},
    /* How far to go. */
    {OPTION_CONFIDENCE, "confidence", "P",
	"stop when this sure, 0.5 to 0.9999 (" OPTION_TEXT(
	    LOCATE_CONFIDENCE) ")"},
    {OPTION_MAX_CONNECTIONS, "max-connections", "N",
	"open N connections at most (" OPTION_TEXT(LOCATE_MAX_CONNECTIONS) ")"},
    {OPTION_MAX_TIME, "max-time", "S",
	"stop after S seconds (" OPTION_TEXT(LOCATE_MAX_TIME_S) ")"},
    {OPTION_COOLDOWN, "cooldown", "S", "wait S seconds between trials (0)"},
    {OPTION_RATE, "rate", "PPS", "send PPS packets a second at most"},
    {OPTION_MAX_HOPS, "max-hops", "N",
	"look N hops far at most (" OPTION_TEXT(LOCATE_MAX_HOPS) ")"},
    {OPTION_PORT_SWEEP, "port-sweep", "N",
	"compare N source ports first (16 do well)"},
    {OPTION_SOURCE_PORT, "source-port", "PORT", "connect from this local port"},
    {0, NULL, NULL, NULL},
};

static int
line_take_rst_ttl(struct locate_ask *ask, const char *value, struct fault *f)
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
line_take_seconds(const char *what, const char *value, double lo, int64_t *ns,
    struct fault *f)
{
	double s;

	if (num_double(what, value, lo, LINE_DAY_S, &s, f) < 0)
		return -1;
	*ns = (int64_t)(s * (double)CLOCK_S);
	return 0;
}

/* The bounds of the campaign. */
static int
line_take_bound(
    struct locate_ask *ask, int key, const char *value, struct fault *f)
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
		return line_take_seconds(
		    "--max-time", value, 0.1, &ask->max_time_ns, f);
	case OPTION_COOLDOWN:
		return line_take_seconds(
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

/* The last of two would count, unbeknown to whoever meant both. */
static int
line_take_once(
    const char **to, const char *what, const char *value, struct fault *f)
{
	if (*to != NULL)
		return fault(f, FAULT_USAGE,
		    "%s: given twice; rsthop takes one at a time", what);
	*to = value;
	return 0;
}

/* What is said before the trigger, and the trigger that comes of it. */
static int
line_take_before(struct line *l, int key, const char *value, struct fault *f)
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
		return line_take_once(&b->user, "--user", value, f);
	case OPTION_DEFAULTS_FILE:
		return line_take_once(
		    &b->defaults_file, "--defaults-file", value, f);
	case OPTION_SSL_MODE:
		b->ssl_mode = value;
		return 0;
	case OPTION_DIALOGUE:
		return line_take_once(
		    &b->dialogue_path, "--dialogue", value, f);
	case OPTION_ATTACH:
		return line_take_once(&l->attach, "--attach", value, f);
	case OPTION_EXEC:
		l->exec = true;
		return 0;
	case OPTION_FROM:
		return line_take_once(&l->from_path, "--from", value, f);
	default:
		return line_take_bound(&l->ask, key, value, f);
	}
}

int
locate_line_take(void *ctx, int key, const char *value, struct fault *f)
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
		return line_take_rst_ttl(&l->ask, value, f);
	case OPTION_SERVER_TTL:
		return num_int(
		    "--server-ttl", value, 1, 255, &l->ask.server_ttl, f);
	default:
		return line_take_before(l, key, value, f);
	}
}

/* Something of the user's own to send, or a file that has it. */
static bool
line_has_trigger(const struct line *l)
{
	return l->payload.from != RESULT_TRIGGER_NONE ||
	    l->before.dialogue_path != NULL;
}

/*
 * Sent again, and many times, some requests would do harm: those the user has
 * to write down.
 */
static int
line_refuse_acting(const struct suspect *s, struct fault *f)
{
	return fault(f, FAULT_USAGE,
	    "the trigger that was seen, %s %.80s, may change something when it "
	    "is sent again: if that does no harm, give it yourself (--payload, "
	    "--mysql-query)",
	    s->what.command, s->what.key);
}

int
locate_line_use(struct line *l, const struct suspect *s,
    enum result_trigger from, struct fault *f)
{
	l->pick = s;
	if (line_has_trigger(l) || s->replay == SUSPECT_REPLAY_NONE ||
	    s->trigger_len == 0)
		return 0;
	if (s->acts)
		return line_refuse_acting(s, f);
	if (payload_set_bytes(
		&l->payload, from, s->trigger, s->trigger_len, f) < 0)
		return -1;
	if (s->replay == SUSPECT_REPLAY_MYSQL)
		return before_take_login(
			   &l->before, s, l->target.host, l->target.port, f) < 0
		    ? -1
		    : payload_make_mysql_control(&l->payload, f);
	return s->control == NULL || l->payload.control != NULL
	    ? 0
	    : payload_set_control_bytes(
		  &l->payload, s->control, s->control_len, f);
}

static int
line_load_from(struct line *l, struct fault *f)
{
	if (from_load(l->from_path, &l->options, &l->from, f) < 0)
		return -1;
	l->target = l->from.target;
	return locate_line_use(l, l->from.pick, RESULT_TRIGGER_CAPTURE, f);
}

/* Where the default control would be no command of the protocol. */
static int
line_make_control(struct line *l, struct fault *f)
{
	return l->payload.from == RESULT_TRIGGER_MYSQL
	    ? payload_make_mysql_control(&l->payload, f)
	    : 0;
}

/*
 * The connection of another program's, and what does not go with it: it is
 * there already, and logged in.
 */
static int
line_take_attach(struct line *l, struct fault *f)
{
	char text[2 * ADDR_ENDPOINT];
	struct endpoint server;
	char *dash;

	if (l->options.n_operands > 0)
		return fault(f, FAULT_USAGE,
		    "--attach names the server; leave HOST:PORT out");
	if (l->ask.src_port != 0 || l->before.dialogue_path != NULL ||
	    l->from_path != NULL || l->exec)
		return fault(f, FAULT_USAGE,
		    "--attach goes with a trigger alone, not with "
		    "--source-port, --dialogue, --from or --exec");
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

/* What stands behind "--" is the command of --exec. */
static int
line_take_command(struct line *l, struct fault *f)
{
	struct options *o = &l->options;
	size_t n = o->n_behind;

	if (n > 0 && !l->exec)
		return fault(f, FAULT_USAGE,
		    "a command behind -- goes with --exec: HOST:PORT --exec "
		    "-- CMD");
	if (!l->exec)
		return 0;
	if (n == 0)
		return fault(f, FAULT_USAGE,
		    "--exec: no command; write it behind --, as in HOST:PORT "
		    "--exec -- mariadb -h HOST -e 'use db'");
	if (l->from_path != NULL)
		return fault(
		    f, FAULT_USAGE, "--exec and --from: give one of the two");
	o->n_operands -= n;
	l->command = calloc(n + 1, sizeof(*l->command));
	if (l->command == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	memcpy(
	    l->command, o->operands + o->n_operands, n * sizeof(*l->command));
	exec_borrow_options(l->command, &l->before);
	return 0;
}

/* Enough ports, connections and a trigger for --port-sweep. */
static int
line_check_sweep(const struct line *l, struct fault *f)
{
	unsigned int n = (unsigned int)l->ask.sweep_ports;
	unsigned int need = LOCATE_SWEEP_EACH * n + LOCATE_SWEEP_REST;

	if (n == 0)
		return 0;
	if (l->attach != NULL)
		return fault(f, FAULT_USAGE,
		    "--port-sweep opens connections of its own, and does not "
		    "go with --attach");
	if (!line_has_trigger(l) && l->from_path == NULL && !l->exec)
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
int
locate_line_check(struct line *l, struct fault *f)
{
	bool from = l->from_path != NULL;

	before_hide_password();
	if (line_take_command(l, f) < 0)
		return -1;
	if (l->attach != NULL && line_take_attach(l, f) < 0)
		return -1;
	if (!from && l->attach == NULL &&
	    options_get_target(&l->options, true, &l->target, f) < 0)
		return -1;
	if (before_check(&l->before, from || l->exec, f) < 0)
		return -1;
	if (!line_has_trigger(l) && l->ask.n_rst_ttls == 0 && !from && !l->exec)
		return fault(f, FAULT_USAGE,
		    "nothing to go by: give what draws the reset (--payload, "
		    "--mysql-use, --dialogue ...), a capture of it (--from) "
		    "or a reset's TTL (--rst-ttl)");
	if (line_check_sweep(l, f) < 0 ||
	    output_check_endings(&l->options, f) < 0)
		return -1;
	if (payload_load(&l->payload, f) < 0 ||
	    payload_make(&l->payload, l->target.port, f) < 0 ||
	    (from && line_load_from(l, f) < 0) ||
	    before_load(&l->before, l->target.host, l->target.port, &l->payload,
		f) < 0 ||
	    line_make_control(l, f) < 0 ||
	    payload_check_control(&l->payload, f) < 0)
		return -1;
	return output_check_folders(&l->options, f);
}

void
locate_line_free(struct line *l)
{
	payload_free(&l->payload);
	before_free(&l->before);
	from_free(&l->from);
	free(l->command);
}
