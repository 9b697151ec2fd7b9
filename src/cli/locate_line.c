/*
 * The line of locate: options to what the job is asked.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/num.h>

#include "locate_line.h"
#include "output.h"

#define DAY_S 86400

const struct option_spec locate_options[] = {
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
    {OPTION_EXEC, "exec", NULL,
	"run the command behind -- until it is reset, and go on from there"},
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
	case OPTION_EXEC:
		l->exec = true;
		return 0;
	case OPTION_FROM:
		l->from_path = value;
		return 0;
	default:
		return take_bound(&l->ask, key, value, f);
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
 * Sent again, and many times, some requests would do harm: those the user has
 * to write down.
 */
static int
refuse_acting(const struct suspect *s, struct fault *f)
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
	if (has_trigger(l) || s->replay == SUSPECT_REPLAY_NONE ||
	    s->trigger_len == 0)
		return 0;
	if (s->acts)
		return refuse_acting(s, f);
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
load_from(struct line *l, struct fault *f)
{
	if (from_load(l->from_path, &l->options, &l->from, f) < 0)
		return -1;
	l->target = l->from.target;
	return locate_line_use(l, l->from.pick, RESULT_TRIGGER_CAPTURE, f);
}

/* Where the default control would be no command of the protocol. */
static int
make_control(struct line *l, struct fault *f)
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
take_attach(struct line *l, struct fault *f)
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
take_command(struct line *l, struct fault *f)
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

/* Usage first, then files: the order in which a user can mend things. */
int
locate_line_check(struct line *l, struct fault *f)
{
	bool from = l->from_path != NULL;

	before_hide_password();
	if (l->attach != NULL && take_attach(l, f) < 0)
		return -1;
	if (take_command(l, f) < 0)
		return -1;
	if (!from && l->attach == NULL &&
	    options_get_target(&l->options, true, &l->target, f) < 0)
		return -1;
	if (before_check(&l->before, from || l->exec, f) < 0)
		return -1;
	if (!has_trigger(l) && l->ask.n_rst_ttls == 0 && !from && !l->exec)
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

void
locate_line_free(struct line *l)
{
	payload_free(&l->payload);
	before_free(&l->before);
	from_free(&l->from);
	free(l->command);
}
