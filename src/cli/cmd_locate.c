/*
 * rsthop locate: reproduce the reset, trace the path, name the device.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/clock.h>
#include <rsthop/text.h>

#include "active.h"
#include "locate_line.h"
#include "output.h"

#define LOCATE_PLAIN_HEADER 20 /* bytes of a TCP header without options */

static void
locate_fill_suspect(struct line *l)
{
	const struct suspect *s = l->pick;
	struct locate_ask *ask = &l->ask;

	if (ask->n_rst_ttls == 0) {
		ask->n_rst_ttls = s->n_rst_ttls;
		memcpy(ask->rst_ttls, s->rst_ttls, sizeof(ask->rst_ttls));
	}
	if (ask->server_ttl == 0)
		ask->server_ttl = s->server_ttl;
	if (ask->trigger != RESULT_TRIGGER_CAPTURE &&
	    ask->trigger != RESULT_TRIGGER_EXEC)
		return; /* the user's own */
	ask->plain_header = s->tcp_header_len == LOCATE_PLAIN_HEADER;
	if (ask->maker.make == NULL && s->before != NULL)
		ask->maker = dialogue_maker(s->before);
	if (ask->before == RESULT_BEFORE_NOTHING && s->before != NULL)
		ask->before = RESULT_BEFORE_RECORDED;
}

static void
locate_fill_ask(struct line *l, struct active *a)
{
	struct locate_ask *ask = &l->ask;

	ask->host = l->target.host;
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
	ask->before = before_kind(&l->before);
	if (l->pick != NULL)
		locate_fill_suspect(l);
	ask->progress = progress_say;
	ask->progress_ctx = &a->progress;
}

/* What was taken out of a capture, for a user who watches. */
static void
locate_tell_suspect(const struct line *l, struct active *a)
{
	const struct suspect *s = l->pick;
	struct text t = {0};

	suspect_describe(s, 1, &t);
	progress_remark(&a->progress, "%s", text_str(&t));
	text_free(&t);
	if (s->why[0] != '\0')
		progress_remark(&a->progress, "%s", s->why);
	if (l->from.note[0] != '\0')
		progress_remark(&a->progress, "%s", l->from.note);
}

/* The user's own client, until it is reset: what it said is the trigger. */
static int
locate_run_client(
    struct line *l, struct active *a, struct rerun_result *out, struct fault *f)
{
	int64_t begun_ns = a->world.now(a->world.ctx);

	if (exec_run(l->command, a, l->ask.max_time_ns / 2, out, f) < 0)
		return -1;
	l->ask.spent_ns = a->world.now(a->world.ctx) - begun_ns;
	l->ask.exec_runs = out->runs;
	l->ask.exec_resets = out->reset;
	return out->suspects.n == 0 ? 0
				    : locate_line_use(l, &out->suspects.list[0],
					  RESULT_TRIGGER_EXEC, f);
}

/* What a reader of the report should know of the capture, or recording. */
static void
locate_note_suspect(const struct line *l, struct locate_result *r)
{
	const struct suspect *s = l->pick;

	if (s == NULL)
		return;
	if (s->why[0] != '\0' &&
	    (s->replay == SUSPECT_REPLAY_NONE ||
		(s->replay == SUSPECT_REPLAY_PLAIN &&
		    (r->trigger == RESULT_TRIGGER_CAPTURE ||
			r->trigger == RESULT_TRIGGER_EXEC))))
		result_note(
		    &r->notes, "Of the reset that was seen: %s.", s->why);
	if (l->from.note[0] != '\0')
		result_note(&r->notes, "Of the capture: %s.", l->from.note);
}

/* Gives the exit status, or -1 with a fault. */
static int
locate(struct line *l, struct fault *f)
{
	struct locate_result *r = calloc(1, sizeof(*r));
	struct rerun_result rerun = {0};
	struct active a;
	int rc = -1, signal;

	if (r == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	l->ask.started_unix_ns = active_wall_clock();
	if (active_open(&a, &l->options, &l->target, f) < 0 ||
	    (l->exec && locate_run_client(l, &a, &rerun, f) < 0))
		goto out;
	locate_fill_ask(l, &a);
	if (l->pick != NULL)
		locate_tell_suspect(l, &a);
	fault_clear(f);
	if (locate_run(&l->ask, &a.world, r, f) < 0)
		goto out;
	exec_tell(&rerun, r);
	locate_note_suspect(l, r);
	signal = active_finish(&a, &r->head, &r->path);
	if (output_write(&l->options, NULL, r, f) < 0)
		goto out;
	rc = signal != 0 ? 128 + signal : locate_exit_status(r);
out:
	active_close(&a);
	rerun_free(&rerun);
	locate_result_free(r);
	free(r);
	return rc;
}

static int
locate_run_line(
    const struct command *cmd, int argc, char **argv, struct line *l)
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
	if (locate_line_check(l, &f) < 0)
		return command_complain(&f);
	status = locate(l, &f);
	return status < 0 ? command_complain(&f) : status;
}

static int
cmd_locate_run_locate(const struct command *cmd, int argc, char **argv)
{
	struct line l;
	int status;

	memset(&l, 0, sizeof(l));
	locate_ask_init(&l.ask);
	status = locate_run_line(cmd, argc, argv, &l);
	locate_line_free(&l);
	return status;
}

const struct command cmd_locate = {
    .name = "locate",
    .operands = "[OPTIONS] HOST:PORT [-- CMD]",
    .summary = "Reproduces a forged reset and names the device that sends it",
    .details =
	"Give what draws the reset (--payload ... --mysql-query), a capture "
	"of it\n(--from), your own client (--exec), or the TTL of a reset "
	"that you saw\n(--rst-ttl).  With --from HOST:PORT may be left out, "
	"with --attach it must.\n",
    .options = locate_options,
    .common = options_common,
    .take = locate_line_take,
    .run = cmd_locate_run_locate,
};
