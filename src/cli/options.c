#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/addr.h>
#include <rsthop/num.h>

#include "options.h"

#define OPTIONS_LONGS	 64  /* options of one command at most */
#define OPTIONS_IN_ORDER 1   /* getopt's key of an operand */
#define OPTIONS_SHORTS	 128 /* their letters, for getopt */

const struct option_spec options_common[] = {
    {OPTION_JSON, "json", NULL, "one JSON document on standard output"},
    {'o', NULL, "FILE", "write the report to FILE too (repeatable)"},
    {'i', NULL, "IFACE", "use this interface"},
    {'4', NULL, NULL, "use IPv4"},
    {'6', NULL, NULL, "use IPv6"},
    {'n', NULL, NULL, "look up no names"},
    {'q', NULL, NULL, "show no progress"},
    {'v', NULL, NULL, "tell on standard error what is being done"},
    {OPTION_COLOR, "color", "WHEN", "auto, always or never"},
    {'h', "help", NULL, "show this text"},
    {0, NULL, NULL, NULL},
};

const struct option_spec options_reading[] = {
    {OPTION_JSON, "json", NULL, "one JSON document on standard output"},
    {'o', NULL, "FILE", "write the report to FILE too (repeatable)"},
    {'n', NULL, NULL, "look up no names"},
    {'q', NULL, NULL, "show no progress"},
    {'v', NULL, NULL, "tell more: each reset, and what is being done"},
    {OPTION_COLOR, "color", "WHEN", "auto, always or never"},
    {'h', "help", NULL, "show this text"},
    {0, NULL, NULL, NULL},
};

/* A command's options in getopt's own form. */
struct forms {
	struct option longs[OPTIONS_LONGS];
	size_t n_longs;
	char shorts[OPTIONS_SHORTS];
	size_t n_shorts;
};

static void
options_add_forms(struct forms *fm, const struct option_spec *s)
{
	for (; s->help != NULL; s++) {
		if (s->name != NULL && fm->n_longs < OPTIONS_LONGS - 1) {
			struct option *l = &fm->longs[fm->n_longs++];

			l->name = s->name;
			l->has_arg =
			    s->value != NULL ? required_argument : no_argument;
			l->val = s->key;
		}
		if (s->key < 256 && fm->n_shorts < OPTIONS_SHORTS - 3) {
			fm->shorts[fm->n_shorts++] = (char)s->key;
			if (s->value != NULL)
				fm->shorts[fm->n_shorts++] = ':';
		}
	}
}

static int
options_take_color(struct options *o, const char *value, struct fault *f)
{
	if (strcmp(value, "auto") == 0)
		o->color = OPTIONS_COLOR_AUTO;
	else if (strcmp(value, "always") == 0)
		o->color = OPTIONS_COLOR_ALWAYS;
	else if (strcmp(value, "never") == 0)
		o->color = OPTIONS_COLOR_NEVER;
	else
		return fault(f, FAULT_USAGE,
		    "--color: '%s' is none of auto, always, never", value);
	return 0;
}

static int
options_take_version(struct options *o, int version, struct fault *f)
{
	if (o->version != 0 && o->version != version)
		return fault(f, FAULT_USAGE, "-4 and -6: give one of the two");
	o->version = version;
	return 0;
}

static int
options_take_file(struct options *o, const char *path, struct fault *f)
{
	if (o->n_files == OPTIONS_FILES)
		return fault(
		    f, FAULT_USAGE, "-o: at most %d files", OPTIONS_FILES);
	o->files[o->n_files++] = path;
	return 0;
}

/* 1: taken; 0: not a common option; -1. */
static int
options_take_common(
    struct options *o, int key, const char *value, struct fault *f)
{
	switch (key) {
	case OPTION_JSON:
		o->json = true;
		return 1;
	case OPTION_COLOR:
		return options_take_color(o, value, f) < 0 ? -1 : 1;
	case 'o':
		return options_take_file(o, value, f) < 0 ? -1 : 1;
	case 'i':
		o->ifname = value;
		return 1;
	case '4':
	case '6':
		return options_take_version(o, key - '0', f) < 0 ? -1 : 1;
	case 'n':
		o->no_names = true;
		return 1;
	case 'q':
		o->quiet = true;
		return 1;
	case 'v':
		o->verbose = true;
		return 1;
	case 'h':
		o->help = true;
		return 1;
	default:
		return 0;
	}
}

static const struct option_spec *
options_find_spec(const struct option_spec *s, int key)
{
	for (; s->help != NULL; s++)
		if (s->key == key)
			return s;
	return NULL;
}

/*
 * getopt's '?' and ':', in words.  optopt is 0 for a long option that there is
 * not, which `word` then is; else the key of one that there is, used wrongly;
 * else a letter that there is not.
 */
static int
options_fault_option(const struct command *cmd, int why, int key,
    const char *word, struct fault *f)
{
	const struct option_spec *s = options_find_spec(cmd->common, key);

	if (s == NULL)
		s = options_find_spec(cmd->options, key);
	if (s != NULL && why == ':')
		return s->name != NULL
		    ? fault(f, FAULT_USAGE, "--%s needs a value, %s", s->name,
			  s->value)
		    : fault(f, FAULT_USAGE, "-%c needs a value, %s", key,
			  s->value);
	if (s != NULL && s->name != NULL)
		return fault(f, FAULT_USAGE, "--%s takes no value", s->name);
	if (key != 0)
		return fault(f, FAULT_USAGE,
		    "unknown option '-%c'; see 'rsthop help %s'", key,
		    cmd->name);
	return fault(f, FAULT_USAGE,
	    "unknown option '%.*s'; see 'rsthop help %s'",
	    (int)strcspn(word, "="), word, cmd->name);
}

/*
 * Where getopt stops at the first operand, as POSIX has it: "--" is among the
 * operands then, if it is there.
 */
static void
options_take_rest(struct options *o, int argc, char **argv)
{
	size_t i;

	o->operands = argv + optind;
	o->n_operands = (size_t)(argc - optind);
	for (i = 0; i < o->n_operands; i++)
		if (strcmp(o->operands[i], "--") == 0)
			break;
	if (i == o->n_operands)
		return;
	o->n_behind = --o->n_operands - i;
	memmove(argv + optind + i, argv + optind + i + 1,
	    o->n_behind * sizeof(*argv));
}

/*
 * Else operands came one by one, for getopt to say nothing of where "--" stood
 * otherwise; they have moved to the front of argv, over what was read by then.
 */
static void
options_take_behind(struct options *o, int argc, char **argv)
{
	o->n_behind = (size_t)(argc - optind);
	memmove(argv + 1 + o->n_operands, argv + optind,
	    o->n_behind * sizeof(*argv));
	o->n_operands += o->n_behind;
	o->operands = argv + 1;
}

int
options_parse(const struct command *cmd, int argc, char **argv,
    struct options *o, void *ctx, struct fault *f)
{
	bool posix = getenv("POSIXLY_CORRECT") != NULL;
	struct forms fm = {.shorts = "-:", .n_shorts = 2};
	int key, taken;

	memset(o, 0, sizeof(*o));
	fm.shorts[0] = posix ? '+' : '-';
	options_add_forms(&fm, cmd->common);
	options_add_forms(&fm, cmd->options);
	opterr = 0;
	while (
	    (key = getopt_long(argc, argv, fm.shorts, fm.longs, NULL)) != -1) {
		if (key == OPTIONS_IN_ORDER) {
			argv[1 + o->n_operands++] = optarg;
			continue;
		}
		if (key == '?' || key == ':')
			return options_fault_option(
			    cmd, key, optopt, argv[optind - 1], f);
		taken = options_take_common(o, key, optarg, f);
		if (taken == 0)
			taken = cmd->take(ctx, key, optarg, f);
		if (taken < 0)
			return -1;
	}
	if (posix)
		options_take_rest(o, argc, argv);
	else
		options_take_behind(o, argc, argv);
	return 0;
}

static int
options_parse_port(const char *s, struct options_target *t, struct fault *f)
{
	int port;

	if (num_int("the port", s, 1, UINT16_MAX, &port, f) < 0)
		return -1;
	t->port = (uint16_t)port;
	return 0;
}

static int
options_set_host(
    struct options_target *t, const char *s, size_t n, struct fault *f)
{
	if (n == 0)
		return fault(
		    f, FAULT_USAGE, "the target has no host; write HOST:PORT");
	if (n >= sizeof(t->host))
		return fault(f, FAULT_USAGE, "the host's name is too long");
	memcpy(t->host, s, n);
	t->host[n] = '\0';
	return 0;
}

/* [V6] or [V6]:PORT */
static int
options_parse_bracketed(
    const char *s, struct options_target *t, struct fault *f)
{
	const char *end = strchr(s, ']');
	struct addr a;

	if (end == NULL)
		return fault(f, FAULT_USAGE, "'%s' lacks its ']'", s);
	if (options_set_host(t, s + 1, (size_t)(end - s - 1), f) < 0)
		return -1;
	if (addr_parse(t->host, &a) < 0 || a.version != 6)
		return fault(f, FAULT_USAGE,
		    "'%s' in brackets is not an IPv6 address", t->host);
	if (end[1] == ':')
		return options_parse_port(end + 2, t, f);
	if (end[1] != '\0')
		return fault(f, FAULT_USAGE,
		    "'%s': after ']' only ':PORT' may follow", s);
	return 0;
}

static int
options_parse_target(const char *s, struct options_target *t, struct fault *f)
{
	const char *colon = strchr(s, ':');
	struct addr a;

	if (s[0] == '[')
		return options_parse_bracketed(s, t, f);
	if (colon == NULL)
		return options_set_host(t, s, strlen(s), f);
	if (strchr(colon + 1, ':') != NULL) {
		if (addr_parse(s, &a) == 0) /* a bare v6 address */
			return options_set_host(t, s, strlen(s), f);
		return fault(f, FAULT_USAGE,
		    "'%s' is neither HOST:PORT nor [IPV6]:PORT", s);
	}
	if (options_set_host(t, s, (size_t)(colon - s), f) < 0)
		return -1;
	return options_parse_port(colon + 1, t, f);
}

int
options_parse_endpoint(const char *s, struct endpoint *out)
{
	struct options_target t = {0};
	struct fault unheard = {0};

	if (options_parse_target(s, &t, &unheard) < 0 || t.port == 0)
		return -1;
	out->port = t.port;
	return addr_parse(t.host, &out->addr);
}

int
options_get_target(const struct options *o, bool need_port,
    struct options_target *out, struct fault *f)
{
	const char *form = need_port ? "HOST:PORT" : "HOST or HOST:PORT";

	memset(out, 0, sizeof(*out));
	if (o->n_operands == 0)
		return fault(f, FAULT_USAGE, "no target given; write %s", form);
	if (o->n_operands > 1)
		return fault(f, FAULT_USAGE,
		    "one target at a time: '%s' is one too many",
		    o->operands[1]);
	if (options_parse_target(o->operands[0], out, f) < 0)
		return -1;
	if (need_port && out->port == 0)
		return fault(f, FAULT_USAGE,
		    "'%s' has no port; write HOST:PORT or [IPV6]:PORT",
		    o->operands[0]);
	return 0;
}
