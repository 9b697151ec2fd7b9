/*
 * The forger's options: a table of knobs, from which usage, parser and
 * defaults come.
 */
#include "forger_options.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/fault.h>
#include <rsthop/num.h>
#include <rsthop/text.h>

enum knob_kind { KNOB_INT, KNOB_FLAG, KNOB_REAL, KNOB_TEXT, KNOB_BYTES };

struct knob {
	const char *name;
	enum knob_kind kind;
	size_t offset; /* in struct options */
	int value;     /* of a flag; an int's largest number, -1: none */
	int words[6];  /* enum word; ended by 0 */
	const char *help;
};

#define AT(member) offsetof(struct options, member)

static const struct knob knobs[] = {
    {"queue", KNOB_INT, AT(queue), 65535, {0}, "in the path: queue N"},
    {"tap", KNOB_TEXT, AT(tap), 0, {0}, "beside the path: interface"},
    {"port", KNOB_INT, AT(port), 65535, {0}, "the server's"},
    {"also-port", KNOB_INT, AT(also_port), 65535, {0}, "another of its ports"},
    {"log", KNOB_TEXT, AT(log), 0, {0}, "file for the firings, else stderr"},
    {"match", KNOB_BYTES, AT(match), 0, {0}, "the trigger, C escapes"},
    {"from", KNOB_INT, AT(from), -1, {WORD_CLIENT, WORD_SERVER, WORD_ANY},
	"whose payload is searched"},
    {"behind", KNOB_BYTES, AT(behind), 0, {0},
	"only once the server has said this on the connection"},
    {"protocol", KNOB_INT, AT(protocol), -1, {WORD_BYTES, WORD_MYSQL},
	"mysql: --match is sought in commands behind a login, else anywhere"},
    {"command", KNOB_INT, AT(command), -1, {WORD_INIT_DB, WORD_QUERY, WORD_ANY},
	"of mysql"},
    {"once-in-order", KNOB_FLAG, AT(once_in_order), 1, {0},
	"reassembles: bytes of the client's that it has are not taken again"},
    {"on-syn", KNOB_FLAG, AT(on_syn), 1, {0}, "a SYN fires, no payload"},
    {"first-segment", KNOB_FLAG, AT(first_segment), 1, {0},
	"only a connection's first data counts"},
    {"plain-header", KNOB_FLAG, AT(plain_header), 1, {0},
	"blind to segments with TCP options"},
    {"probability", KNOB_REAL, AT(probability), 1, {0}, "of firing"},
    {"dice", KNOB_INT, AT(dice), -1, {WORD_PACKET, WORD_CONNECTION, WORD_FLOW},
	"rolled per packet, per connection, or fixed per five-tuple"},
    {"seed", KNOB_INT, AT(seed), 1 << 30, {0}, "of the dice"},
    {"residual-s", KNOB_REAL, AT(residual_s), 600, {0},
	"so long after a firing any data of the client's is reset"},
    {"residual-scope", KNOB_INT, AT(residual_scope), -1,
	{WORD_PAIR, WORD_3TUPLE, WORD_4TUPLE},
	"both addresses; the server's port too; both ports"},
    {"residual-refresh", KNOB_FLAG, AT(residual_refresh), 1, {0},
	"what meets the block prolongs it"},
    {"residual-syn", KNOB_FLAG, AT(residual_syn), 1, {0},
	"SYNs are reset by it too"},
    {"drop", KNOB_FLAG, AT(drop), 1, {0}, "what fires goes no further"},
    {"ends", KNOB_INT, AT(ends), -1, {WORD_CLIENT, WORD_BOTH, WORD_SERVER},
	"which are reset"},
    {"ttl", KNOB_INT, AT(ttl), 255,
	{WORD_COPY, WORD_RANDOM, WORD_STEP, WORD_IMITATE},
	"imitate: the server's own, as last seen here"},
    {"decrement", KNOB_FLAG, AT(decrement), 1, {0}, "one TTL less"},
    {"id", KNOB_INT, AT(id), 65535, {WORD_COPY, WORD_RANDOM}, "IP ID"},
    {"back-id", KNOB_INT, AT(back_id), 65535,
	{WORD_COPY, WORD_RANDOM, WORD_SAME},
	"of what goes back to the trigger's sender"},
    {"flags", KNOB_INT, AT(flags), -1, {WORD_R, WORD_RA}, "of the reset"},
    {"seq", KNOB_INT, AT(seq), 0, {WORD_ACK, WORD_STATE},
	"the trigger's ack; what that end awaits, as seen here; or 0"},
    {"onward", KNOB_INT, AT(onward), -1, {WORD_SAME, WORD_NEXT},
	"seq toward the receiver: the trigger's, or after its data"},
    {"step", KNOB_INT, AT(step), 1 << 30, {WORD_WINDOW},
	"added to seq from reset to reset"},
    {"window", KNOB_INT, AT(window), 65535, {WORD_COPY, WORD_STEP}, ""},
    {"df", KNOB_FLAG, AT(df), 1, {0}, "don't fragment"},
    {"no-df", KNOB_FLAG, AT(df), 0, {0}, "may fragment; else as trigger"},
    {"tos", KNOB_INT, AT(tos), 255, {WORD_COPY}, ""},
    {"payload", KNOB_BYTES, AT(payload), 0, {0}, "carried by the reset"},
    {"count", KNOB_INT, AT(count), 64, {0}, "resets for each end"},
    {"delay-ms", KNOB_REAL, AT(delay_ms), 60000, {0}, "before they leave"},
};
#define KNOBS (sizeof(knobs) / sizeof(knobs[0]))

static const struct options defaults = {
    .queue = -1,
    .from = WORD_CLIENT,
    .protocol = WORD_BYTES,
    .command = WORD_INIT_DB,
    .residual_scope = WORD_PAIR,
    .ends = WORD_CLIENT,
    .ttl = 64,
    .id = WORD_RANDOM,
    .back_id = WORD_SAME,
    .flags = WORD_RA,
    .seq = WORD_ACK,
    .onward = WORD_SAME,
    .df = WORD_COPY,
    .count = 1,
    .seed = 1,
    .dice = WORD_PACKET,
    .probability = 1,
};

static const char *
word_name(int w)
{
	switch ((enum word)w) {
	case WORD_COPY:
		return "copy";
	case WORD_RANDOM:
		return "random";
	case WORD_STEP:
		return "step";
	case WORD_IMITATE:
		return "imitate";
	case WORD_WINDOW:
		return "window";
	case WORD_SAME:
		return "same";
	case WORD_CLIENT:
		return "client";
	case WORD_SERVER:
		return "server";
	case WORD_ANY:
		return "any";
	case WORD_BOTH:
		return "both";
	case WORD_PACKET:
		return "packet";
	case WORD_CONNECTION:
		return "connection";
	case WORD_FLOW:
		return "flow";
	case WORD_R:
		return "R";
	case WORD_RA:
		return "RA";
	case WORD_ACK:
		return "ack";
	case WORD_NEXT:
		return "next";
	case WORD_STATE:
		return "state";
	case WORD_BYTES:
		return "bytes";
	case WORD_MYSQL:
		return "mysql";
	case WORD_INIT_DB:
		return "init-db";
	case WORD_QUERY:
		return "query";
	case WORD_PAIR:
		return "pair";
	case WORD_3TUPLE:
		return "3tuple";
	case WORD_4TUPLE:
		return "4tuple";
	}
	return "?";
}

static void
usage(FILE *out)
{
	fputs(
	    "usage: forger --queue N | --tap IFACE --port N [options]\n", out);
	for (size_t i = 0; i < KNOBS; i++) {
		const struct knob *k = &knobs[i];

		fprintf(out, "  --%-16s", k->name);
		for (size_t w = 0; k->words[w] != 0; w++)
			fprintf(out, " %s%s", word_name(k->words[w]),
			    k->words[w + 1] != 0 ? " |" : "");
		fprintf(out, "%s%s\n", k->words[0] != 0 ? "  " : " ", k->help);
	}
}

static int
parse_int(const struct knob *k, const char *s)
{
	struct fault f;
	int v;

	for (size_t w = 0; k->words[w] != 0; w++)
		if (strcmp(s, word_name(k->words[w])) == 0)
			return k->words[w];
	if (k->value < 0)
		errx(2, "--%s does not know the word %s", k->name, s);
	if (num_int(k->name, s, 0, k->value, &v, &f) < 0)
		errx(2, "--%s", f.text);
	return v;
}

static void
set_knob(struct options *o, const struct knob *k, const char *s)
{
	char *at = (char *)o + k->offset;
	struct bytes *b;
	struct fault f;

	switch (k->kind) {
	case KNOB_INT:
		*(int *)(void *)at = parse_int(k, s);
		return;
	case KNOB_FLAG:
		*(int *)(void *)at = k->value;
		return;
	case KNOB_REAL:
		if (num_double(
			k->name, s, 0, k->value, (double *)(void *)at, &f) < 0)
			errx(2, "--%s", f.text);
		return;
	case KNOB_TEXT:
		*(const char **)(void *)at = s;
		return;
	case KNOB_BYTES:
		b = (struct bytes *)(void *)at;
		free(b->p);
		if (text_unescape(k->name, s, &b->p, &b->len, &f) < 0)
			errx(2, "--%s", f.text);
		return;
	}
}

static void
check_options(const struct options *o)
{
	if ((o->queue < 0) == (o->tap == NULL))
		errx(2, "give either --queue or --tap");
	if (o->tap != NULL && o->drop != 0)
		errx(2, "a tap cannot --drop: it sees copies only");
	if (o->port == 0)
		errx(2, "give the server's --port");
	if (o->match.len == 0 && o->on_syn == 0)
		errx(2, "give something to --match, or --on-syn");
	if (o->protocol == WORD_MYSQL && o->from != WORD_CLIENT)
		errx(2, "--protocol mysql looks at what the client says only");
	if (o->residual_s <= 0 &&
	    (o->residual_refresh != 0 || o->residual_syn != 0))
		errx(2, "a residual block needs its length: --residual-s");
	if (o->payload.len > FORGER_PACKET / 2)
		errx(2, "--payload is longer than %d bytes", FORGER_PACKET / 2);
	/* A raw socket replaces the ID 0 of a packet that may fragment. */
	if (o->df != 1 && (o->id == 0 || o->back_id == 0))
		errx(2, "--id 0 needs --df: Linux fills it in otherwise");
}

void
forger_options_parse(struct options *o, int argc, char **argv)
{
	struct option longs[KNOBS + 2] = {{0}};
	int i = -1;

	*o = defaults;
	for (size_t k = 0; k < KNOBS; k++) {
		longs[k].name = knobs[k].name;
		longs[k].has_arg = knobs[k].kind == KNOB_FLAG
		    ? no_argument
		    : required_argument;
	}
	longs[KNOBS].name = "help";
	while (getopt_long(argc, argv, "", longs, &i) == 0) {
		if (i == (int)KNOBS) {
			usage(stdout);
			exit(0);
		}
		set_knob(o, &knobs[i], optarg);
		i = -1;
	}
	if (i != -1 || optind != argc) {
		usage(stderr);
		exit(2);
	}
	check_options(o);
}

void
forger_options_free(struct options *o)
{
	free(o->match.p);
	free(o->behind.p);
	free(o->payload.p);
}
