/*
 * libFuzzer over the whole of analyze: packets, connections, verdicts, groups
 * and the reports, from a capture in memory (fuzz_tape.h).  The first byte
 * picks the bounds.
 */
#include <rsthop/analyze.h>
#include <rsthop/report.h>

#include "fuzz_tape.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The numbers fit each other. */
static void
check(const struct analysis *a)
{
	uint64_t all = a->forged + a->genuine + a->undetermined, grouped = 0;

	must(all == a->n_resets + a->resets_left_out);
	for (size_t i = 0; i < a->n_groups; i++) {
		const struct analysis_group *g = &a->groups[i];

		must(g->resets > 0 && g->flows > 0 && g->flows <= g->resets);
		must(g->probability >= 0 && g->probability <= 1);
		must(g->ttl_lo <= g->ttl_hi);
		must(g->trigger.common_len <= ANALYSIS_TRIGGER);
		must(g->trigger.rate <= 1);
		grouped += g->resets;
	}
	must(grouped == all);
	for (size_t i = 0; i < a->n_resets; i++) {
		must(a->resets[i].group < a->n_groups);
		must(a->groups[a->resets[i].group].ruling ==
		    a->resets[i].verdict.ruling);
		must(
		    i == 0 || a->resets[i - 1].unix_ns <= a->resets[i].unix_ns);
	}
}

static void
write_out(const struct analysis *a, const char *writer)
{
	struct report_style st = {.columns = 80, .each = true};
	struct fault f = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	must(out != NULL);
	must(report_writer_by_name(writer)->analysis(a, &st, out, &f) == 0);
	fclose(out);
	for (size_t i = 0; i < len; i++) /* nothing that moves a cursor */
		must((text[i] >= ' ' && text[i] <= '~') || text[i] == '\n');
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct analyze_path paths[] = {
	    {"a.pcap", ANALYSIS_VANTAGE_ANY},
	    {"b.pcap", ANALYSIS_VANTAGE_CLIENT},
	};
	struct analyze_ask ask = {.n_paths = 2, .paths = paths};
	struct analyze_input in = {.next = tape_next};
	struct analysis a;
	struct tape t = {0};
	struct fault f = {0};

	if (size == 0)
		return 0;
	ask.max_flows = (data[0] & 1) != 0 ? 16 : 0;
	ask.max_resets = (data[0] & 2) != 0 ? 3 : 1000;
	ask.max_triggers = 64;
	t.begin = t.p = data + 1;
	t.end = data + size;
	in.ctx = &t;
	if ((data[0] & 4) != 0) {
		in.again = tape_again;
		ask.evidence = true;
	}
	must(analyze_run(&ask, &in, &a, &f) == 0);
	check(&a);
	write_out(&a, "json");
	write_out(&a, "text");
	write_out(&a, "html");
	analysis_free(&a);
	free(t.frame);
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *dir = getenv("FUZZ_SEEDS");

	(void)argc;
	(void)argv;
	if (dir == NULL)
		return 0;
	seed_packets(dir);
	seed_capture(dir, "founding");
	seed_capture(dir, "genuine");
	seed_capture(dir, "sni-v6");
	exit(0);
}
