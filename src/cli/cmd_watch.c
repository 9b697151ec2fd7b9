/*
 * rsthop watch: judge resets as they happen on an interface.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <rsthop/analyze.h>
#include <rsthop/clock.h>
#include <rsthop/listen.h>
#include <rsthop/lookup.h>
#include <rsthop/num.h>
#include <rsthop/report.h>
#include <rsthop/ring.h>
#include <rsthop/route.h>
#include <rsthop/text.h>

#include "command.h"
#include "lines.h"
#include "options.h"
#include "output.h"
#include "signals.h"

/*
 * Room for two seconds of ten thousand full packets a second, should we not
 * be let run that long.
 */
#define WATCH_KERNEL_RING (32 * 1024 * 1024)

/* What follows a reset says as much as what came before: so long it waits. */
#define WATCH_SETTLE_NS	  CLOCK_S
#define WATCH_MAX_PENDING 16384
#define WATCH_MAX_FLOWS	  200000
#define WATCH_RING_MIB	  16

/* How much later than its stamp a packet may reach us. */
#define WATCH_LAG_NS  ((CAPTURE_BATCH_MS + 150) * CLOCK_MS)
#define WATCH_TICK_NS (200 * CLOCK_MS)
/* After a signal: batches come so late; more than 2 s is not waited. */
#define WATCH_SIGNAL_NS ((CAPTURE_BATCH_MS + 20) * CLOCK_MS)
#define WATCH_DRAIN_NS	(2 * CLOCK_S)
#define WATCH_LOOK_NS	CLOCK_S	       /* between two looks for drops */
#define WATCH_SPEAK_NS	(10 * CLOCK_S) /* ... and two words about them */

static const struct option_spec watch_options[] = {
    {'i', NULL, "IFACE", "the interface (that of the default route)"},
    {OPTION_COUNT, "count", "N", "end after N resets"},
    {OPTION_DURATION, "duration", "S", "end after S seconds"},
    {OPTION_ROTATE, "rotate", "SIZE",
	"put a file of -o aside once it has SIZE, such as 64M"},
    {OPTION_RING, "ring", "FILE",
	"keep the packets around each reset in FILE, as pcapng"},
    {OPTION_RING_SIZE, "ring-size", "SIZE",
	"remember and keep so much of them at once (" OPTION_TEXT(
	    WATCH_RING_MIB) "M)"},
    {OPTION_MAX_FLOWS, "max-flows", "N",
	"remember N connections at once at most (" OPTION_TEXT(
	    WATCH_MAX_FLOWS) ")"},
    {0, NULL, NULL, NULL},
};

static const struct option_spec watch_common[] = {
    {OPTION_JSONL, "jsonl", NULL, "JSON lines: one a reset, then a summary"},
    {OPTION_JSON, "json", NULL, "the same"},
    {'o', NULL, "FILE", "append the lines to FILE too (.txt, .jsonl)"},
    {'n', NULL, NULL, "look up no names"},
    {'q', NULL, NULL, "say nothing of beginning to watch"},
    {'v', NULL, NULL, "tell more: the strongest reason in words"},
    {OPTION_COLOR, "color", "WHEN", "auto, always or never"},
    {'h', "help", NULL, "show this text"},
    {0, NULL, NULL, NULL},
};

struct line {
	struct options options;
	uint64_t count;
	double duration_s; /* 0: no end */
	uint64_t rotate;
	const char *ring; /* NULL: none */
	uint64_t ring_size;
	int max_flows;
	struct text filter;
};

/* What a run needs beside its line. */
struct run {
	const struct line *line;
	char ifname[ROUTE_IFNAME];
	struct listen *listen;
	struct ring *ring;
	struct report_evidence *evidence;
	const struct analysis_reset *judged; /* while its evidence is taken */
	struct report_style style;
	struct lines files[OPTIONS_FILES];
	size_t n_files;
	int signal_fd;
	int64_t end_ns; /* of CLOCK_MONOTONIC; INT64_MAX: none */
	int signal;	/* it asks for the end; 0: none */
	int64_t signal_ns, signal_unix_ns;
	uint64_t frame;
	int64_t look_ns, speak_ns;
	uint64_t dropped; /* told of */
	bool reader_gone; /* standard output is a pipe that nobody reads */
};

/* --- the line --- */

static int
watch_take_count(struct line *l, const char *value, struct fault *f)
{
	return num_u64("--count", value, 1, UINT32_MAX, &l->count, f);
}

static int
watch_take(void *ctx, int key, const char *value, struct fault *f)
{
	struct line *l = ctx;

	switch (key) {
	case OPTION_JSONL:
		l->options.json = true;
		return 0;
	case OPTION_COUNT:
		return watch_take_count(l, value, f);
	case OPTION_DURATION:
		return num_double(
		    "--duration", value, 0.1, 1e9, &l->duration_s, f);
	case OPTION_ROTATE:
		return num_bytes(
		    "--rotate", value, 4096, UINT64_C(1) << 50, &l->rotate, f);
	case OPTION_RING:
		l->ring = value;
		return 0;
	case OPTION_RING_SIZE:
		return num_bytes("--ring-size", value, RING_MIN,
		    UINT64_C(1) << 36, &l->ring_size, f);
	case OPTION_MAX_FLOWS:
		return num_int(
		    "--max-flows", value, 16, 100000000, &l->max_flows, f);
	default:
		return fault(f, FAULT_USAGE, "an option without a meaning");
	}
}

static int
watch_take_filter(struct line *l, struct fault *f)
{
	const struct options *o = &l->options;

	for (size_t i = 0; i < o->n_operands; i++) {
		text_add(&l->filter, i > 0 ? " " : "");
		text_add(&l->filter, o->operands[i]);
	}
	if (l->filter.bad)
		return fault(f, FAULT_SYSTEM, "out of memory");
	return l->filter.len > 0 ? capture_check_filter(l->filter.p, f) : 0;
}

static int
watch_parse_line(const struct command *cmd, int argc, char **argv,
    struct line *l, struct fault *f)
{
	const struct options *o = &l->options;

	if (options_parse(cmd, argc, argv, &l->options, l, f) < 0)
		return -1;
	if (o->help)
		return 0;
	for (size_t i = 0; i < o->n_files; i++)
		if (lines_check(o->files[i], f) < 0)
			return -1;
	if (l->ring != NULL && l->ring[0] == '\0')
		return fault(f, FAULT_USAGE, "--ring: the name is empty");
	if (l->ring == NULL && l->ring_size != 0)
		return fault(f, FAULT_USAGE, "--ring-size needs --ring FILE");
	if (l->rotate != 0 && o->n_files == 0)
		return fault(f, FAULT_USAGE, "--rotate needs -o FILE");
	if (o->ifname != NULL &&
	    (o->ifname[0] == '\0' || strlen(o->ifname) >= ROUTE_IFNAME))
		return fault(
		    f, FAULT_USAGE, "-i: '%s' names no interface", o->ifname);
	return watch_take_filter(l, f);
}

/* --- what the job asks for --- */

static int64_t
watch_read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

static int64_t
watch_now_ns(void *ctx)
{
	(void)ctx;
	return watch_read_clock(CLOCK_MONOTONIC);
}

/*
 * What had passed before the signal is still read; another signal, or more
 * than can be read in time, ends that.
 */
static int
watch_interrupted(void *ctx)
{
	struct run *run = ctx;
	int signal = signals_take(run->signal_fd);

	if (signal != 0 && run->signal == 0) {
		run->signal_ns = watch_now_ns(NULL);
		run->signal_unix_ns = watch_read_clock(CLOCK_REALTIME);
		run->end_ns = run->signal_ns + WATCH_DRAIN_NS;
	} else if (signal != 0)
		run->end_ns = 0;
	if (signal != 0)
		run->signal = signal;
	return watch_now_ns(NULL) >= run->end_ns ? run->signal : 0;
}

/* Has all come that had passed before the signal? */
static bool
watch_is_drained(const struct run *run, int rc, const struct capture_packet *p)
{
	if (run->signal == 0)
		return false;
	if (rc > 0)
		return p->unix_ns > run->signal_unix_ns;
	return watch_now_ns(NULL) - run->signal_ns >= WATCH_SIGNAL_NS;
}

static void
watch_find_vendor(const uint8_t mac[ADDR_MAC], char *out, size_t size)
{
	char vendor[LOOKUP_VENDOR];

	lookup_vendor(mac, vendor);
	snprintf(out, size, "%s", vendor);
}

static void
watch_tell_lost(void *ctx, const char *why)
{
	struct fault f;

	(void)ctx;
	fault(&f, FAULT_NETWORK, "%.200s; waiting for it to come back", why);
	command_complain(&f);
}

static void
watch_tell_back(void *ctx)
{
	struct fault f;

	fault(&f, FAULT_NETWORK, "interface %s is back",
	    ((struct run *)ctx)->ifname);
	command_complain(&f);
}

static void
watch_tell_drops(struct run *run, int64_t now)
{
	struct listen_stats st;
	struct fault f;

	if (now < run->look_ns)
		return;
	run->look_ns = now + WATCH_LOOK_NS;
	listen_get_stats(run->listen, &st);
	if (st.dropped == run->dropped || now < run->speak_ns)
		return;
	run->dropped = st.dropped;
	run->speak_ns = now + WATCH_SPEAK_NS;
	fault(&f, FAULT_SYSTEM,
	    "the kernel has dropped %" PRIu64 " packets so far: a filter would "
	    "leave fewer to look at",
	    st.dropped);
	command_complain(&f);
}

/* A fault here ends the watch: the job would take one for a damaged file. */
static int
watch_next_packet(void *ctx, struct capture_packet *out, struct fault *f)
{
	struct run *run = ctx;
	int64_t now = watch_now_ns(NULL), wait = run->end_ns - now;
	int rc;

	out->unix_ns = watch_read_clock(CLOCK_REALTIME) - WATCH_LAG_NS;
	if (wait <= 0)
		return run->signal != 0 ? ANALYZE_TICK : 0;
	watch_tell_drops(run, now);
	if (wait > WATCH_TICK_NS)
		wait = WATCH_TICK_NS;
	if (run->signal != 0)
		wait = CAPTURE_BATCH_MS / 2 * CLOCK_MS;
	rc = listen_next(run->listen, wait, out, f);
	if (rc < 0)
		return -1;
	if (watch_is_drained(run, rc, out)) {
		run->end_ns = 0;
		rc = 0;
	}
	if (rc == 0) {
		out->unix_ns = watch_read_clock(CLOCK_REALTIME) - WATCH_LAG_NS;
		return ANALYZE_TICK;
	}
	out->frame = ++run->frame;
	if (run->ring != NULL)
		ring_add(run->ring, out);
	return 1;
}

/* --- a reset --- */

static int
watch_keep_packet(void *ctx, const struct capture_packet *p, struct fault *f)
{
	struct run *run = ctx;
	bool is_it = p->frame == run->judged->frame;

	return report_evidence_add(
	    run->evidence, p, is_it ? run->judged : NULL, f);
}

static int
watch_write_line(const struct run *run, bool json, const struct analysis *a,
    const struct analysis_reset *r, FILE *out, struct fault *f)
{
	struct report_style st = run->style;

	if (json)
		return report_write_reset(a, r, out, f);
	st.color = st.color && out == stdout;
	return report_write_reset_text(r, &st, out, f);
}

static int
watch_write_stdout(struct run *run, const struct analysis *a,
    const struct analysis_reset *r, struct fault *f)
{
	if (watch_write_line(run, run->line->options.json, a, r, stdout, f) ==
	    0)
		return 0;
	run->reader_gone = errno == EPIPE;
	__fpurge(stdout); /* what was lost has been told then */
	clearerr(stdout);
	return -1;
}

static int
watch_write_reset(void *ctx, const struct analysis *a,
    const struct analysis_reset *r, struct fault *f)
{
	struct run *run = ctx;

	for (size_t i = 0; i < run->n_files; i++) {
		struct lines *l = &run->files[i];

		if (watch_write_line(run, l->json, a, r, l->out, f) != 0 ||
		    lines_end(l, f) != 0)
			return -1;
	}
	run->judged = r;
	if (run->ring != NULL &&
	    ring_take(run->ring, &r->client, &r->server, run, watch_keep_packet,
		f) != 0)
		return -1;
	return watch_write_stdout(run, a, r, f);
}

/* --- the end --- */

static void
watch_fill_notes(struct analysis *a, const struct listen_stats *st)
{
	if (st->dropped > 0)
		result_note(&a->notes,
		    "The kernel dropped %" PRIu64 " of %" PRIu64
		    " packets for want of room: resets among them went unseen.",
		    st->dropped, st->received);
	if (st->lost > 0)
		result_note(&a->notes,
		    "The interface went away %" PRIu64
		    " times: what passed meanwhile went unseen.",
		    st->lost);
}

static int
watch_write_summary(const struct run *run, const struct analysis *a,
    const struct report_watch *w, struct fault *f)
{
	const struct report_writer *text = report_writer_by_name("text");
	struct report_style st = run->style;
	struct options o = run->line->options;
	int rc = 0;

	st.color = st.each = false;
	for (size_t i = 0; i < run->n_files; i++) {
		FILE *out = run->files[i].out;

		if (out == NULL) /* putting it aside has failed */
			continue;
		if (run->files[i].json ? report_write_watch(a, w, out, f) != 0
				       : text->analysis(a, &st, out, f) != 0)
			rc = -1;
	}
	if (run->reader_gone)
		return rc;
	if (o.json)
		return report_write_watch(a, w, stdout, f) != 0 ? -1 : rc;
	fputs(a->forged + a->genuine + a->undetermined > 0 ? "\n" : "", stdout);
	fflush(stdout);
	o.n_files = 0; /* they have it */
	o.verbose = false;
	return output_write_analysis(&o, a, false, f) != 0 ? -1 : rc;
}

static int
watch_finish(const struct run *run, struct analysis *a, struct fault *f)
{
	struct listen_stats st;
	struct report_watch w = {
	    .ifname = run->ifname, .filter = run->line->filter.p};

	listen_get_stats(run->listen, &st);
	w.received = st.received;
	w.dropped = st.dropped;
	w.lost = st.lost;
	watch_fill_notes(a, &st);
	return watch_write_summary(run, a, &w, f);
}

/* --- the run --- */

/*
 * Addresses of documentation (RFC 5737, RFC 3849) belong to nobody: the way to
 * them is the default route.  Nothing is sent there.
 */
static int
watch_find_interface(struct run *run, struct fault *f)
{
	static const char *const nobody[] = {"192.0.2.1", "2001:db8::1"};
	const char *given = run->line->options.ifname;
	struct route r;
	struct addr a;

	if (given != NULL) {
		snprintf(run->ifname, sizeof(run->ifname), "%s", given);
		return 0;
	}
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		if (addr_parse(nobody[i], &a) != 0 ||
		    route_get(&a, NULL, &r, NULL) != 0)
			continue;
		memcpy(run->ifname, r.ifname, sizeof(run->ifname));
		return 0;
	}
	return fault(f, FAULT_NETWORK,
	    "there is no default route to take the interface from: name one "
	    "with -i");
}

static int
watch_open_listen(struct run *run, struct fault *f)
{
	struct listen_ask ask = {.ifname = run->ifname,
	    .filter = run->line->filter.p,
	    .ring_bytes = WATCH_KERNEL_RING,
	    .signal_fd = run->signal_fd,
	    .ctx = run,
	    .lost = watch_tell_lost,
	    .back = watch_tell_back};

	return listen_open(&ask, &run->listen, f);
}

static int
watch_open_outputs(struct run *run, uint64_t seed, struct fault *f)
{
	const struct line *l = run->line;

	for (size_t i = 0; i < l->options.n_files; i++) {
		run->n_files++;
		if (lines_open(
			&run->files[i], l->options.files[i], l->rotate, f) != 0)
			return -1;
	}
	if (l->ring == NULL)
		return 0;
	if (ring_new(l->ring_size, seed, &run->ring, f) != 0)
		return -1;
	return report_evidence_open(
	    l->ring, run->ifname, l->ring_size, &run->evidence, f);
}

static void
watch_say_begun(const struct run *run)
{
	const struct line *l = run->line;

	if (!l->options.verbose &&
	    (l->options.quiet || isatty(STDERR_FILENO) == 0))
		return;
	fprintf(stderr, "rsthop: watching %s%s%s\n", run->ifname,
	    l->filter.len > 0 ? ": " : "", text_str(&l->filter));
}

static int
watch_judge(struct run *run, struct analyze_ask *ask, struct fault *f)
{
	const struct line *l = run->line;
	struct analyze_input in = {.ctx = run,
	    .next = watch_next_packet,
	    .interrupted = watch_interrupted,
	    .vendor = l->options.no_names ? NULL : watch_find_vendor,
	    .now_ns = watch_now_ns};
	struct analysis a;
	int rc, status = -1;

	if (l->duration_s > 0)
		run->end_ns = watch_now_ns(NULL) +
		    (int64_t)(l->duration_s * (double)CLOCK_S);
	watch_say_begun(run);
	rc = analyze_run(ask, &in, &a, f);
	if (rc == 0 && a.files[0].damage[0] != '\0')
		rc = fault(f, FAULT_NETWORK, "%s", a.files[0].damage);
	if (watch_finish(run, &a, rc == 0 ? f : NULL) == 0 &&
	    (rc == 0 || run->reader_gone))
		status =
		    a.interrupted != 0 ? 128 + a.interrupted : EXIT_SUCCESS;
	analysis_free(&a);
	return status;
}

/* Gives the exit status, or -1 with a fault. */
static int
watch_run_job(struct run *run, struct fault *f)
{
	struct analyze_path path = {.path = run->ifname};
	struct analyze_ask ask = {.n_paths = 1,
	    .paths = &path,
	    .started_unix_ns = watch_read_clock(CLOCK_REALTIME),
	    .max_flows = (uint32_t)run->line->max_flows,
	    .max_judged = run->line->count,
	    .settle_ns = WATCH_SETTLE_NS,
	    .max_pending = WATCH_MAX_PENDING,
	    .ctx = run,
	    .reset = watch_write_reset};

	if (getrandom(&ask.hash_seed, sizeof(ask.hash_seed), 0) < 0)
		ask.hash_seed = (uint64_t)ask.started_unix_ns;
	if (watch_find_interface(run, f) != 0 ||
	    watch_open_listen(run, f) != 0 ||
	    watch_open_outputs(run, ask.hash_seed, f) != 0)
		return -1;
	return watch_judge(run, &ask, f);
}

static int
watch(const struct line *l, struct fault *f)
{
	struct run run = {.line = l,
	    .signal_fd = -1,
	    .end_ns = INT64_MAX,
	    .style = output_style(&l->options)};
	int status = -1;

	if (signals_hold(&run.signal_fd, f) == 0)
		status = watch_run_job(&run, f);
	for (size_t i = 0; i < run.n_files; i++)
		lines_close(&run.files[i]);
	report_evidence_free(run.evidence);
	ring_free(run.ring);
	listen_free(run.listen);
	signals_release(&run.signal_fd);
	return status;
}

static int
watch_run(const struct command *cmd, int argc, char **argv)
{
	struct line l = {.max_flows = WATCH_MAX_FLOWS};
	struct fault f;
	int status = -1;

	fault_clear(&f);
	if (watch_parse_line(cmd, argc, argv, &l, &f) == 0) {
		if (l.options.help) {
			command_print_usage(cmd);
			status = EXIT_SUCCESS;
		} else {
			if (l.ring_size == 0)
				l.ring_size = WATCH_RING_MIB << 20;
			status = watch(&l, &f);
		}
	}
	if (status < 0)
		status = command_complain(&f);
	text_free(&l.filter);
	return status;
}

const struct command cmd_watch = {
    .name = "watch",
    .operands = "[OPTIONS] [FILTER]",
    .summary = "Judges TCP resets as they happen on an interface",
    .details =
	"FILTER is a pcap filter, as of tcpdump; -- before it where a "
	"word of it begins\nwith -.  Ends by itself only with --count or "
	"--duration.\n",
    .options = watch_options,
    .common = watch_common,
    .take = watch_take,
    .run = watch_run,
};
