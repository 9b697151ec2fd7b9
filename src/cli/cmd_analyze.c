/*
 * rsthop analyze: judge every reset in captures.
 */
#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include <rsthop/analyze.h>
#include <rsthop/clock.h>
#include <rsthop/lookup.h>
#include <rsthop/num.h>
#include <rsthop/report.h>
#include <rsthop/text.h>
#include <rsthop/vec.h>

#include "command.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "signals.h"

static const struct option_spec analyze_options[] = {
    {OPTION_JSONL, "jsonl", NULL,
	"a JSON object a line for each reset, as it is judged"},
    {OPTION_CLIENT_CAPTURE, "client-capture", "FILE",
	"a capture taken at or near the client (repeatable)"},
    {OPTION_SERVER_CAPTURE, "server-capture", "FILE",
	"a capture taken at or near the server (repeatable)"},
    {OPTION_MAX_FLOWS, "max-flows", "N",
	"remember N connections at once at most (" OPTION_TEXT(
	    FLOW_MAX_FLOWS) ")"},
    {0, NULL, NULL, NULL},
};

struct line {
	struct options options;
	bool jsonl;
	int max_flows;
	size_t n_paths, cap_paths;
	struct analyze_path *paths; /* owned */
	struct text filter;	    /* empty: none */
};

/* What a run needs beside its line. */
struct run {
	const struct line *line;
	struct progress progress;
	struct capture *capture;
	int signal_fd;
	bool reader_gone; /* standard output is a pipe that nobody reads */
};

static int
analyze_add_path(
    struct line *l, const char *path, enum analysis_vantage v, struct fault *f)
{
	if (path[0] == '\0')
		return fault(f, FAULT_USAGE, "a capture's name is empty");
	if (VEC_ROOM(l->paths, l->n_paths, l->cap_paths) != 0)
		return fault(f, FAULT_SYSTEM, "out of memory");
	l->paths[l->n_paths].path = path;
	l->paths[l->n_paths++].vantage = v;
	return 0;
}

static int
analyze_take(void *ctx, int key, const char *value, struct fault *f)
{
	struct line *l = ctx;

	switch (key) {
	case OPTION_JSONL:
		l->jsonl = true;
		return 0;
	case OPTION_CLIENT_CAPTURE:
		return analyze_add_path(l, value, ANALYSIS_VANTAGE_CLIENT, f);
	case OPTION_SERVER_CAPTURE:
		return analyze_add_path(l, value, ANALYSIS_VANTAGE_SERVER, f);
	case OPTION_MAX_FLOWS:
		return num_int(
		    "--max-flows", value, 16, 100000000, &l->max_flows, f);
	default:
		return fault(f, FAULT_USAGE, "an option without a meaning");
	}
}

/* FILE... before "--", words of the filter behind it. */
static int
analyze_take_operands(struct line *l, struct fault *f)
{
	const struct options *o = &l->options;
	size_t n_files = o->n_operands - o->n_behind;

	for (size_t i = 0; i < n_files; i++)
		if (analyze_add_path(
			l, o->operands[i], ANALYSIS_VANTAGE_ANY, f) != 0)
			return -1;
	for (size_t i = n_files; i < o->n_operands; i++) {
		text_add(&l->filter, i > n_files ? " " : "");
		text_add(&l->filter, o->operands[i]);
	}
	if (l->filter.bad)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (l->n_paths == 0)
		return fault(f, FAULT_USAGE,
		    "no capture given: write rsthop analyze FILE, or - for "
		    "standard input");
	return 0;
}

/* Whether they can be read more than once. */
static bool
analyze_are_regular(const struct line *l)
{
	struct stat st;

	for (size_t i = 0; i < l->n_paths; i++)
		if (strcmp(l->paths[i].path, "-") == 0 ||
		    (stat(l->paths[i].path, &st) == 0 && !S_ISREG(st.st_mode)))
			return false;
	return true;
}

/* The first of -o in this format; NULL. */
static const char *
analyze_find_output(const struct options *o, const char *format)
{
	for (size_t i = 0; i < o->n_files; i++)
		if (strcmp(report_writer_by_path(o->files[i], NULL)->name,
			format) == 0)
			return o->files[i];
	return NULL;
}

static int
analyze_check_evidence(const struct line *l, struct fault *f)
{
	const char *path = analyze_find_output(&l->options, "pcapng");

	if (path == NULL || analyze_are_regular(l))
		return 0;
	return fault(f, FAULT_USAGE,
	    "%s: the captures are read twice for it, which a pipe cannot be: "
	    "save them to files first",
	    path);
}

static int
analyze_parse_line(const struct command *cmd, int argc, char **argv,
    struct line *l, struct fault *f)
{
	if (options_parse(cmd, argc, argv, &l->options, l, f) < 0)
		return -1;
	if (l->options.help)
		return 0;
	if (l->jsonl && l->options.json)
		return fault(
		    f, FAULT_USAGE, "--json and --jsonl: give one of the two");
	if (analyze_take_operands(l, f) < 0 ||
	    output_check_endings(&l->options, f) < 0 ||
	    analyze_check_evidence(l, f) < 0)
		return -1;
	return output_check_folders(&l->options, f);
}

/* --- what the job asks for --- */

static int
analyze_next_packet(void *ctx, struct capture_packet *out, struct fault *f)
{
	return capture_next(((struct run *)ctx)->capture, out, f);
}

static bool
analyze_is_ready(void *ctx)
{
	return capture_is_ready(((struct run *)ctx)->capture);
}

static int
analyze_interrupted(void *ctx)
{
	return signals_take(((struct run *)ctx)->signal_fd);
}

static void
analyze_find_vendor(const uint8_t mac[ADDR_MAC], char *out, size_t size)
{
	char vendor[LOOKUP_VENDOR];

	lookup_vendor(mac, vendor);
	snprintf(out, size, "%s", vendor);
}

static int64_t
analyze_read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

static int64_t
cmd_analyze_now_ns(void *ctx)
{
	(void)ctx;
	return analyze_read_clock(CLOCK_MONOTONIC);
}

static int
analyze_write_reset(void *ctx, const struct analysis *a,
    const struct analysis_reset *r, struct fault *f)
{
	struct run *run = ctx;

	if (report_write_reset(a, r, stdout, f) == 0)
		return 0;
	run->reader_gone = errno == EPIPE;
	__fpurge(stdout); /* what was lost has been told then */
	clearerr(stdout);
	return -1;
}

static void
cmd_analyze_say_progress(void *ctx, const char *text)
{
	progress_say(&((struct run *)ctx)->progress, text);
}

/* --- the run --- */

/* Whether any of the reports wants resets one by one. */
static bool
analyze_wants_each(const struct line *l)
{
	const struct options *o = &l->options;

	return o->json || o->verbose ||
	    analyze_find_output(o, "json") != NULL ||
	    analyze_find_output(o, "html") != NULL ||
	    analyze_find_output(o, "pcapng") != NULL;
}

static void
analyze_fill_ask(const struct line *l, struct run *run, struct analyze_ask *ask)
{
	ask->n_paths = l->n_paths;
	ask->paths = l->paths;
	ask->started_unix_ns = analyze_read_clock(CLOCK_REALTIME);
	ask->max_flows = (uint32_t)l->max_flows;
	ask->max_resets = analyze_wants_each(l) ? ANALYSIS_RESETS : 0;
	ask->evidence = analyze_find_output(&l->options, "pcapng") != NULL;
	ask->ctx = run;
	ask->reset = l->jsonl ? analyze_write_reset : NULL;
	ask->progress = cmd_analyze_say_progress;
	if (getrandom(&ask->hash_seed, sizeof(ask->hash_seed), 0) < 0)
		ask->hash_seed = (uint64_t)ask->started_unix_ns;
}

static int
analyze_open_capture(const struct line *l, struct run *run, struct fault *f)
{
	const char **paths = calloc(l->n_paths, sizeof(*paths));
	int rc;

	if (paths == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	for (size_t i = 0; i < l->n_paths; i++)
		paths[i] = l->paths[i].path;
	rc = capture_open_files_until(paths, l->n_paths,
	    l->filter.len > 0 ? l->filter.p : NULL, run->signal_fd,
	    &run->capture, f);
	free(paths);
	return rc;
}

static int
analyze_open_again(void *ctx, struct fault *f)
{
	struct run *run = ctx;

	capture_free(run->capture);
	run->capture = NULL;
	return analyze_open_capture(run->line, run, f);
}

/* One line for each file that could not be read to its end; their number. */
static size_t
analyze_tell_damage(const struct analysis *a)
{
	struct fault f = {.kind = FAULT_INPUT};
	size_t n = 0;

	for (size_t i = 0; i < a->n_files; i++) {
		if (a->files[i].damage[0] == '\0')
			continue;
		memcpy(f.text, a->files[i].damage, sizeof(f.text));
		command_complain(&f);
		n++;
	}
	return n;
}

/* The reports and the exit status, or -1 with a fault. */
static int
analyze_tell(const struct line *l, const struct analysis *a, struct fault *f)
{
	bool nothing = a->packets == 0 && a->interrupted == 0;
	size_t damaged;
	int rc = 0;

	for (size_t i = 0; nothing && i < a->n_files; i++)
		nothing = a->files[i].damage[0] != '\0';
	if (!nothing)
		rc = output_write_analysis(&l->options, a, l->jsonl, f);
	damaged = analyze_tell_damage(a);
	if (rc < 0)
		return -1;
	if (a->interrupted != 0)
		return 128 + a->interrupted;
	if (damaged > 0)
		return 3;
	return a->forged > 0 ? 0 : 1;
}

/* Gives the exit status, or -1 with a fault. */
static int
analyze_run_job(const struct line *l, struct run *run, struct fault *f)
{
	struct analyze_input in = {.ctx = run,
	    .next = analyze_next_packet,
	    .ready = analyze_is_ready,
	    .again = analyze_are_regular(l) ? analyze_open_again : NULL,
	    .interrupted = analyze_interrupted,
	    .vendor = l->options.no_names ? NULL : analyze_find_vendor,
	    .now_ns = cmd_analyze_now_ns};
	struct analyze_ask ask = {0};
	struct analysis a;
	int status = -1, rc;

	analyze_fill_ask(l, run, &ask);
	if (analyze_open_capture(l, run, f) < 0)
		return -1;
	rc = analyze_run(&ask, &in, &a, f);
	progress_clear(&run->progress);
	if (rc == 0)
		status = analyze_tell(l, &a, f);
	else if (run->reader_gone)
		status = a.forged > 0 ? 0 : 1;
	else if (a.packets > 0 && !l->jsonl)
		(void)output_write_analysis(&l->options, &a, false, NULL);
	analysis_free(&a);
	return status;
}

static int
analyze(const struct line *l, struct fault *f)
{
	struct run run = {.line = l, .signal_fd = -1};
	int status = -1;

	progress_open(&run.progress, &l->options);
	if (signals_hold(&run.signal_fd, f) == 0)
		status = analyze_run_job(l, &run, f);
	capture_free(run.capture);
	progress_clear(&run.progress);
	signals_release(&run.signal_fd);
	return status;
}

static int
cmd_analyze_run_analyze(const struct command *cmd, int argc, char **argv)
{
	struct line l = {0};
	struct fault f;
	int status = -1;

	fault_clear(&f);
	if (analyze_parse_line(cmd, argc, argv, &l, &f) == 0) {
		if (l.options.help) {
			command_print_usage(cmd);
			status = EXIT_SUCCESS;
		} else
			status = analyze(&l, &f);
	}
	if (status < 0)
		status = command_complain(&f);
	text_free(&l.filter);
	free(l.paths);
	return status;
}

const struct command cmd_analyze = {
    .name = "analyze",
    .operands = "[OPTIONS] FILE... [-- FILTER]",
    .summary = "Judges every TCP reset in captures: forged or genuine",
    .details = "FILE is pcap or pcapng, gzip-compressed or not, - for standard "
	       "input; several\nare read as one, by time.  FILTER is a pcap "
	       "filter, as of tcpdump.\n",
    .options = analyze_options,
    .common = options_reading,
    .take = analyze_take,
    .run = cmd_analyze_run_analyze,
};
