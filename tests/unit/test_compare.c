/*
 * analyze with two vantages: connections as they were captured at either end
 * of a path with six routers, and what the one capture proves of the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/analyze.h>
#include <rsthop/clock.h>
#include <rsthop/craft.h>

#include "proves.h"

#define SYN    PKT_TH_SYN
#define ACK    PKT_TH_ACK
#define PSHACK (PKT_TH_PSH | ACK)
#define RSTACK (PKT_TH_RST | ACK)

#define KEPT	2048
#define BYTES	2048
#define ROUTERS 6
#define DELAY	(20 * CLOCK_MS) /* one way */

enum { C, S }; /* vantages; also who sends */

struct record {
	int64_t ns;
	uint64_t frame;
	uint32_t len;
	uint8_t data[BYTES];
};

struct file {
	size_t n, at;
	uint64_t frames;
	struct record *r;
};

/* A world with both captures; what a test changes stands first. */
struct line {
	int64_t offset; /* server's clock less client's */
	bool nat;
	bool blind[2];	  /* this vantage captures nothing for now */
	bool lost;	  /* the next packet does not arrive */
	uint8_t override; /* TTL that the next packet leaves with */
	uint16_t window;

	int64_t now;
	uint16_t port;
	uint32_t seq[2]; /* the next of client and server */
	struct craft *craft;
	struct file f[2];
	bool anonymous; /* vantages are not told to analyze */
	bool exchanged; /* the server's file comes first */
	bool once;	/* the input can't be read again */
	int passes;
};

static struct line *
line_new(void)
{
	struct line *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->now = 1700000000 * CLOCK_S;
	p->port = 40000;
	p->window = 500;
	assert_int_equal(craft_new(&p->craft, NULL), 0);
	for (int v = 0; v < 2; v++)
		assert_non_null(p->f[v].r = calloc(KEPT, sizeof(*p->f[v].r)));
	return p;
}

static void
line_free(struct line *p)
{
	for (int v = 0; v < 2; v++)
		free(p->f[v].r);
	craft_free(p->craft);
	free(p);
}

/* --- packets --- */

static struct endpoint
end_of(const struct line *p, int who, int vantage)
{
	struct endpoint e = {.port = who == C ? p->port : 3306};
	const char *client =
	    p->nat && vantage == S ? "203.0.113.77" : "10.0.0.5";

	if (p->nat && who == C && vantage == S)
		e.port ^= 0x5555;
	addr_parse(who == C ? client : "198.51.100.7", &e.addr);
	return e;
}

static void
capture(struct line *p, int vantage, int64_t ns, int from, uint8_t ttl,
    const struct craft_tcp *like)
{
	struct file *f = &p->f[vantage];
	struct record *r = &f->r[f->n];
	struct craft_tcp t = *like;
	size_t len;

	f->frames++;
	if (p->blind[vantage])
		return;
	assert_true(f->n < KEPT);
	t.flow.src = end_of(p, from, vantage);
	t.flow.dst = end_of(p, !from, vantage);
	t.ttl = ttl;
	t.id = (uint16_t)(1 + f->frames);
	assert_int_equal(
	    craft_tcp(p->craft, &t, r->data, BYTES, &len, NULL), 0);
	r->len = (uint32_t)len;
	r->ns = vantage == S ? ns + p->offset : ns;
	r->frame = f->frames;
	f->n++;
}

/* A packet from one end to the other; the capture there has it later. */
static void
send_raw(struct line *p, int from, const struct craft_tcp *t)
{
	uint8_t ttl = p->override != 0 ? p->override : 64;

	p->now += CLOCK_MS;
	capture(p, from, p->now, from, ttl, t);
	if (!p->lost)
		capture(p, !from, p->now + DELAY, from, ttl - ROUTERS, t);
	p->lost = false;
	p->override = 0;
}

static struct craft_tcp
segment(const struct line *p, int from, uint8_t flags)
{
	return (struct craft_tcp){.seq = p->seq[from],
	    .ack = (flags & ACK) != 0 ? p->seq[!from] : 0,
	    .flags = flags,
	    .window = (flags & PKT_TH_RST) != 0 ? p->window : 500,
	    .df = true};
}

static void
say(struct line *p, int from, uint8_t flags, const char *words)
{
	struct craft_tcp t = segment(p, from, flags);

	t.payload = (const uint8_t *)words;
	t.payload_len = words != NULL ? strlen(words) : 0;
	send_raw(p, from, &t);
	p->seq[from] += (uint32_t)t.payload_len + ((flags & SYN) != 0);
	p->now += DELAY + CLOCK_MS; /* it arrives before what is next */
}

static void
handshake(struct line *p)
{
	p->port++;
	p->seq[C] = p->port * 7919U * 65537U;
	p->seq[S] = p->port * 104729U * 31U;
	say(p, C, SYN, NULL);
	say(p, S, SYN | ACK, NULL);
	say(p, C, ACK, NULL);
}

static void
talk(struct line *p, int times)
{
	for (int i = 0; i < times; i++) {
		char words[40];

		snprintf(
		    words, sizeof(words), "request %d on port %u", i, p->port);
		say(p, C, PSHACK, words);
		snprintf(words, sizeof(words), "answer %d on port %u, fine", i,
		    p->port);
		say(p, S, PSHACK, words);
	}
}

/* A reset in the name of `from`, made by router 3, so with a TTL of its own. */
static void
forge(struct line *p, int from, uint32_t skip)
{
	struct craft_tcp t = segment(p, from, RSTACK);

	t.seq += skip;
	p->now += CLOCK_MS;
	capture(p, !from, p->now + DELAY / 2, from,
	    from == S ? 64 - 2 : 64 - (ROUTERS - 3), &t);
	p->now += DELAY;
}

/* One connection with a request that both ends are reset for. */
static void
forged_connection(struct line *p)
{
	handshake(p);
	talk(p, 2);
	say(p, C, PSHACK, "use db");
	forge(p, S, 0);
	forge(p, C, 0);
	p->now += 300 * CLOCK_MS;
}

static void
genuine_connection(struct line *p, int who)
{
	handshake(p);
	talk(p, 2);
	say(p, who, RSTACK, NULL);
	p->now += 300 * CLOCK_MS;
}

static void
quiet_connection(struct line *p)
{
	handshake(p);
	talk(p, 2);
	p->now += 300 * CLOCK_MS;
}

/* --- the job --- */

static int
next_packet(void *ctx, struct capture_packet *out, struct fault *f)
{
	struct line *p = ctx;
	int v;

	(void)f;
	if (p->f[C].at == p->f[C].n && p->f[S].at == p->f[S].n)
		return 0;
	if (p->f[C].at == p->f[C].n)
		v = S;
	else if (p->f[S].at == p->f[S].n)
		v = C;
	else
		v = p->f[S].r[p->f[S].at].ns < p->f[C].r[p->f[C].at].ns;
	const struct record *r = &p->f[v].r[p->f[v].at++];

	*out = (struct capture_packet){.unix_ns = r->ns,
	    .data = r->data,
	    .len = r->len,
	    .wire_len = r->len,
	    .link = PKT_LINK_RAW,
	    .file = (uint32_t)(v ^ (int)p->exchanged),
	    .frame = r->frame};
	return 1;
}

static int
again(void *ctx, struct fault *f)
{
	struct line *p = ctx;

	(void)f;
	p->f[C].at = p->f[S].at = 0;
	p->passes++;
	return 0;
}

static void
by_time(struct file *f)
{
	/* What overtook was captured first. */
	for (size_t i = 1; i < f->n; i++)
		for (size_t k = i; k > 0 && f->r[k].ns < f->r[k - 1].ns; k--) {
			struct record r = f->r[k];

			f->r[k] = f->r[k - 1];
			f->r[k - 1] = r;
		}
}

static void
analyze(struct line *p, struct analysis *a)
{
	struct analyze_path paths[2] = {{"c.pcap", ANALYSIS_VANTAGE_CLIENT},
	    {"s.pcap", ANALYSIS_VANTAGE_SERVER}};
	struct analyze_ask ask = {.n_paths = 2,
	    .paths = paths,
	    .hash_seed = 12345,
	    .max_resets = 1000};
	struct analyze_input in = {
	    .ctx = p, .next = next_packet, .again = p->once ? NULL : again};
	struct fault f = {0};

	if (p->exchanged) {
		struct analyze_path first = paths[0];

		paths[0] = paths[1];
		paths[1] = first;
	}
	if (p->anonymous)
		paths[0].vantage = paths[1].vantage = ANALYSIS_VANTAGE_ANY;
	by_time(&p->f[C]);
	by_time(&p->f[S]);
	p->f[C].at = p->f[S].at = 0;
	assert_int_equal(analyze_run(&ask, &in, a, &f), 0);
}

/* How many of the resets have this said by the other vantage. */
static size_t
count_peer(const struct analysis *a, enum rst_shows shows)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_resets; i++)
		n += a->resets[i].elsewhere.shows == shows;
	return n;
}

static bool
has_code(const struct analysis_reset *r, const char *code)
{
	for (size_t i = 0; i < r->verdict.n_reasons; i++)
		if (strcmp(r->verdict.reasons[i].code, code) == 0)
			return true;
	return false;
}

/* Three that are forged at both ends, three genuine ones of each end. */
static void
fill_usual(struct line *p)
{
	quiet_connection(p);
	for (int i = 0; i < 3; i++) {
		forged_connection(p);
		genuine_connection(p, S);
		genuine_connection(p, C);
	}
	quiet_connection(p);
}

static void
check_usual(const struct line *p, const struct analysis *a)
{
	assert_true(a->compared.done);
	assert_int_equal(a->compared.flows, 11);
	assert_int_equal(a->compared.nat, p->nat);
	assert_int_equal(a->compared.path_hops, ROUTERS);
	assert_true(a->compared.offset_error_ns >= 0 &&
	    a->compared.offset_error_ns <= DELAY + CLOCK_MS);
	assert_true(llabs(a->compared.offset_ns - p->offset) <=
	    a->compared.offset_error_ns);
	assert_int_equal(a->compared.never_sent, 6);
	assert_int_equal(count_peer(a, RST_SHOWS_NEVER_SENT), 6);
	/* Each genuine one is in both captures, and was sent by its arrival. */
	assert_int_equal(count_peer(a, RST_SHOWS_SENT), 6);
	assert_int_equal(a->compared.hop_lo, 3);
	assert_int_equal(a->compared.hop_hi, 3);
	for (size_t i = 0; i < a->n_resets; i++) {
		const struct analysis_reset *r = &a->resets[i];

		if (r->elsewhere.shows == RST_SHOWS_NEVER_SENT) {
			assert_int_equal(r->verdict.ruling, RST_FORGED);
			assert_true(has_code(r, "peer-never-sent"));
			assert_true(r->elsewhere.frame_before <
			    r->elsewhere.frame_after);
			assert_int_not_equal(r->elsewhere.file_after, r->file);
		} else if (r->elsewhere.shows == RST_SHOWS_SENT) {
			assert_int_equal(r->verdict.ruling, RST_GENUINE);
			assert_int_equal(r->elsewhere.ttl, 64);
		}
	}
}

/* Runs a prepared world and gives the number of proofs; frees it. */
static uint64_t
proofs(struct line *p)
{
	struct analysis a;
	uint64_t n;

	analyze(p, &a);
	n = count_peer(&a, RST_SHOWS_NEVER_SENT);
	assert_int_equal(a.compared.never_sent, n);
	analysis_free(&a);
	line_free(p);
	return n;
}

static void
usual(int64_t offset, bool nat, bool anonymous, bool exchanged)
{
	struct line *p = line_new();
	struct analysis a;

	p->offset = offset;
	p->nat = nat;
	p->anonymous = anonymous;
	p->exchanged = exchanged;
	fill_usual(p);
	analyze(p, &a);
	check_usual(p, &a);
	assert_int_equal(p->passes, 2);
	assert_int_equal(a.files[exchanged].vantage, ANALYSIS_VANTAGE_CLIENT);
	assert_int_equal(a.files[!exchanged].vantage, ANALYSIS_VANTAGE_SERVER);
	analysis_free(&a);
	line_free(p);
}

static void
same_clocks(void **state)
{
	(void)state;
	usual(0, false, false, false);
}

static void
minutes_apart(void **state)
{
	(void)state;
	usual(7 * 60 * CLOCK_S, false, false, false);
	usual(-49 * 60 * CLOCK_S, false, false, false);
}

static void
behind_nat(void **state)
{
	(void)state;
	usual(90 * CLOCK_S, true, false, false);
	usual(0, true, false, true);
}

static void
two_plain_files(void **state)
{
	(void)state;
	usual(-3 * CLOCK_S, false, true, false);
	usual(-3 * CLOCK_S, false, true, true);
	usual(5 * CLOCK_S, true, true, true);
}

/* The server hands its card one large segment; the wire has four. */
static void
offload(void **state)
{
	static uint8_t large[1900];
	struct line *p = line_new();
	struct craft_tcp t;

	(void)state;
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)(i * i >> 3);
	quiet_connection(p);
	handshake(p);
	say(p, C, PSHACK, "give me much");
	for (int round = 0; round < 5; round++) {
		t = segment(p, S, PSHACK);
		t.payload = large;
		t.payload_len = sizeof(large);
		capture(p, S, p->now, S, 64, &t);
		t.payload_len = sizeof(large) / 4;
		for (int i = 0; i < 4; i++) {
			t.payload = large + (size_t)i * t.payload_len;
			capture(p, C, p->now + DELAY + i * 1000, S,
			    64 - ROUTERS, &t);
			t.seq += (uint32_t)t.payload_len;
		}
		p->seq[S] += sizeof(large);
		p->now += 2 * DELAY;
		say(p, C, ACK, NULL);
	}
	forge(p, S, 0);
	p->now += CLOCK_S;
	genuine_connection(p, S);
	quiet_connection(p);
	assert_int_equal(proofs(p), 1);
}

/* A reset that was lost on its way, and one that the wire dropped before. */
static void
lost_on_the_way(void **state)
{
	struct line *p = line_new();
	struct analysis a;

	(void)state;
	quiet_connection(p);
	handshake(p);
	p->lost = true;
	say(p, C, PSHACK, "is lost, and sent again");
	p->seq[C] -= 23;
	p->now += 200 * CLOCK_MS;
	say(p, C, PSHACK, "is lost, and sent again");
	talk(p, 1);
	say(p, S, RSTACK, NULL);
	quiet_connection(p);
	handshake(p);
	talk(p, 1);
	p->lost = true;
	say(p, S, RSTACK, NULL);
	quiet_connection(p);
	analyze(p, &a);
	assert_int_equal(a.n_resets, 3);
	assert_int_equal(count_peer(&a, RST_SHOWS_NEVER_SENT), 0);
	assert_int_equal(count_peer(&a, RST_SHOWS_SENT), 1);
	analysis_free(&a);
	line_free(p);
}

/* The server's capture began in the midst, or ended too early. */
static void
late_or_short(void **state)
{
	for (int late = 0; late < 2; late++) {
		struct line *p = line_new();

		(void)state;
		p->blind[S] = late != 0;
		quiet_connection(p);
		handshake(p);
		talk(p, 2);
		p->blind[S] = late == 0;
		if (late == 0)
			say(p, S, RSTACK, NULL); /* which it has not */
		else
			forge(p, S, 0);
		p->blind[S] = late == 0;
		talk(p, late != 0 ? 2 : 0);
		assert_int_equal(proofs(p), 0);
	}
	struct line *p = line_new();

	/* It lacks the reset and what stood beside it, then goes on. */
	quiet_connection(p);
	handshake(p);
	talk(p, 2);
	p->blind[S] = true;
	talk(p, 1);
	say(p, S, RSTACK, NULL);
	p->blind[S] = false;
	quiet_connection(p);
	assert_int_equal(proofs(p), 0);
}

/* It lost packets of that connection: acknowledged, and never seen. */
static void
dropped(void **state)
{
	struct line *p = line_new();

	(void)state;
	quiet_connection(p);
	handshake(p);
	talk(p, 2);
	p->blind[S] = true;
	say(p, S, PSHACK, "captured at the client alone");
	say(p, S, RSTACK, NULL);
	p->blind[S] = false;
	say(p, C, ACK, NULL);
	quiet_connection(p);
	assert_int_equal(proofs(p), 0);
}

/* Something on the way wrote another number into the server's reset. */
static void
rewritten(void **state)
{
	struct line *p = line_new();
	struct craft_tcp t;

	(void)state;
	quiet_connection(p);
	handshake(p);
	talk(p, 2);
	t = segment(p, S, RSTACK);
	capture(p, S, p->now, S, 64, &t);
	t.window = 0;
	t.ack = 0;
	t.flags = PKT_TH_RST;
	capture(p, C, p->now + DELAY, S, 64 - ROUTERS, &t);
	p->now += CLOCK_S;
	quiet_connection(p);
	assert_int_equal(proofs(p), 0);
}

/* The same numbers as the forged one has, but sent after it had arrived. */
static void
sent_too_late(void **state)
{
	struct line *p = line_new();
	struct analysis a;
	struct craft_tcp t;

	(void)state;
	p->offset = 12 * CLOCK_S;
	quiet_connection(p);
	handshake(p);
	talk(p, 2);
	forge(p, S, 0);
	p->now += CLOCK_S;
	t = segment(p, S, RSTACK);
	capture(p, S, p->now, S, 64, &t);
	p->now += CLOCK_S;
	quiet_connection(p);
	analyze(p, &a);
	assert_int_equal(count_peer(&a, RST_SHOWS_SENT), 0);
	assert_int_equal(count_peer(&a, RST_SHOWS_NEVER_SENT), 1);
	analysis_free(&a);
	line_free(p);
}

/* The ports again, another connection: numbers keep the two apart. */
static void
ports_again(void **state)
{
	struct line *p = line_new();

	(void)state;
	quiet_connection(p);
	for (int i = 0; i < 3; i++) {
		forged_connection(p);
		p->port--;
		p->seq[C] += 77777777;
		p->seq[S] += 99999999;
		say(p, C, SYN, NULL);
		say(p, S, SYN | ACK, NULL);
		say(p, C, ACK, NULL);
		talk(p, 2);
		say(p, S, RSTACK, NULL);
		p->port++;
	}
	quiet_connection(p);
	assert_int_equal(proofs(p), 6);
}

static void
nothing_in_common(void **state)
{
	struct line *p = line_new();
	struct analysis a;

	(void)state;
	p->blind[S] = true;
	forged_connection(p);
	p->blind[S] = false;
	p->blind[C] = true;
	forged_connection(p);
	analyze(p, &a);
	assert_false(a.compared.done);
	assert_int_equal(a.notes.n, 1);
	assert_non_null(strstr(a.notes.text[0], "no connection is in both"));
	assert_int_equal(a.n_resets, 2);
	analysis_free(&a);
	line_free(p);
}

static void
not_again(void **state)
{
	struct line *p = line_new();
	struct analysis a;

	(void)state;
	p->once = true;
	fill_usual(p);
	analyze(p, &a);
	assert_false(a.compared.done);
	assert_non_null(strstr(a.notes.text[0], "regular files"));
	assert_int_equal(count_peer(&a, RST_SHOWS_NOTHING), a.n_resets);
	analysis_free(&a);
	line_free(p);
}

/* Two files of one vantage, one after the other, are one capture as ever. */
static void
a_ring(void **state)
{
	struct line *p = line_new();
	struct analysis a;

	(void)state;
	p->anonymous = true;
	p->blind[S] = true;
	quiet_connection(p);
	handshake(p);
	talk(p, 1);
	p->f[S].frames = 0;
	p->blind[S] = false;
	p->blind[C] = true;
	talk(p, 1);
	forge(p, C, 0);
	analyze(p, &a);
	assert_false(a.compared.done);
	assert_int_equal(a.notes.n, 0);
	assert_int_equal(a.files[0].vantage, ANALYSIS_VANTAGE_ANY);
	analysis_free(&a);
	line_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("what was never sent is proven, the device bracketed",
		same_clocks),
	    PROVES("clocks minutes and an hour apart", minutes_apart),
	    PROVES("NAT between: known by numbers and data", behind_nat),
	    PROVES("two plain files: the client's is found", two_plain_files),
	    PROVES("segmentation offload at the sender", offload),
	    PROVES("what was lost on its way proves nothing", lost_on_the_way),
	    PROVES("a capture that began late or ended early: no proof",
		late_or_short),
	    PROVES("a capture that lost packets: no proof", dropped),
	    PROVES(
		"a reset that was rewritten on its way: no proof", rewritten),
	    PROVES("sent after it had arrived is another one", sent_too_late),
	    PROVES("ports used again are another connection", ports_again),
	    PROVES("nothing in common is said", nothing_in_common),
	    PROVES("what can be read once is not compared", not_again),
	    PROVES("two files of one vantage are not two vantages", a_ring),
	};

	return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
