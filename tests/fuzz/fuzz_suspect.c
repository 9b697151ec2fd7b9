/*
 * libFuzzer over suspect: judged resets, connections put together, what was
 * said before and the talk of it, from a capture in memory (fuzz_tape.h).  The
 * first byte is left alone.
 */
#include <rsthop/suspect.h>

#include "fuzz_tape.h"

#define TALK_ROUNDS 600 /* more than any dialogue has steps */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same packets again. */
struct reel {
	struct tape tape;
	const uint8_t *data;
	size_t size;
};

static int
next(void *ctx, struct capture_packet *out, struct fault *f)
{
	return tape_next(&((struct reel *)ctx)->tape, out, f);
}

static int
again(void *ctx, struct fault *f)
{
	struct reel *r = ctx;

	(void)f;
	free(r->tape.frame);
	r->tape = (struct tape){.p = r->data, .end = r->data + r->size};
	return 0;
}

/* A server that says all there is to say, byte by byte of it. */
static void
talk_through(struct dialogue *d)
{
	static const uint8_t words[] = "000 +OK\r\n";
	struct talk_maker maker = dialogue_maker(d);
	struct talk_step step = {0};
	struct talk talk;
	struct fault f = {0};
	int64_t now_ns = 0;

	must(maker.make(maker.ctx, &talk, &f) == 0);
	for (int i = 0; i < TALK_ROUNDS && step.state == TALK_WAITS; i++) {
		if (talk.step(talk.ctx, now_ns, words, sizeof(words) - 1, &step,
			&f) != 0)
			break;
		now_ns += INT64_C(6000000000);
	}
	must(step.state != TALK_WAITS);
	talk.free(talk.ctx);
}

static void
check(const struct suspect *s)
{
	struct text t = {0};

	must(s->resets > 0 && s->forged <= s->resets && s->flows > 0);
	must(s->n_rst_ttls <= SUSPECT_TTLS);
	must(s->trigger_len <= TRIGGER_MAX);
	must((s->trigger == NULL) == (s->trigger_len == 0));
	must(s->control == NULL || s->control_len == s->trigger_len);
	must((s->before != NULL) == (s->replay == SUSPECT_REPLAY_DIALOGUE));
	suspect_describe(s, 1, &t);
	for (size_t i = 0; i < t.len; i++) /* nothing that moves a cursor */
		must(t.p[i] >= ' ' && t.p[i] <= '~');
	text_free(&t);
	if (s->before != NULL)
		talk_through(s->before);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"a.pcap", "b.pcap"};
	struct reel reel = {.data = data + 1, .size = size - 1};
	struct suspect_source src = {.ctx = &reel,
	    .n_names = 2,
	    .names = names,
	    .next = next,
	    .again = again};
	struct suspect_ask ask = {0};
	struct suspects all;
	struct fault f = {0};

	if (size == 0)
		return 0;
	again(&reel, &f);
	if (suspects_find(&src, &ask, &all, &f) != 0)
		must(f.kind == FAULT_INPUT);
	for (size_t i = 0; i < all.n; i++)
		check(&all.list[i]);
	suspects_free(&all);
	free(reel.tape.frame);
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
	seed_capture(dir, "mysql-login");
	seed_capture(dir, "mysql-tls");
	seed_capture(dir, "smtp");
	seed_capture(dir, "sni-v6");
	seed_capture(dir, "two-suspects");
	exit(0);
}
