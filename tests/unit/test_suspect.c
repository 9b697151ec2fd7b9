/*
 * The job suspect: over the captures in tests/data, and over packets made
 * here, lost, cut, doubled and out of order.  Run from the root of the
 * checkout.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rsthop/clock.h>
#include <rsthop/suspect.h>

#include "proves.h"

#define SYN    PKT_TH_SYN
#define ACK    PKT_TH_ACK
#define RSTACK (PKT_TH_RST | ACK)
#define PSHACK (PKT_TH_PSH | ACK)
#define HEADS  54 /* Ethernet, IPv4, TCP */

#define CLIENT 0x0a000005u
#define SERVER 0xc6336407u

/* --- a tape of packets --- */

struct made {
	uint8_t p[HEADS + 1460];
	uint32_t len, wire;
	int64_t unix_ns;
};

static struct tape {
	struct made *made;
	size_t n, cap, at;
	size_t skip; /* this one was not captured; n: all were */
	size_t cut, cut_to;
	bool damaged, stopped;
	unsigned int rounds;
	int64_t now_ns;
	struct suspect_ask ask;
} tape;

static void
put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

struct hand {
	uint32_t addr;
	uint16_t port;
	uint8_t ttl;
	uint16_t id;
	uint32_t seq;
};

struct chat {
	struct hand c, s;
};

static struct made *
add(void)
{
	if (tape.n == tape.cap) {
		tape.cap = tape.cap != 0 ? 2 * tape.cap : 64;
		tape.made = realloc(tape.made, tape.cap * sizeof(*tape.made));
		assert_non_null(tape.made);
	}
	memset(&tape.made[tape.n], 0, sizeof(*tape.made));
	return &tape.made[tape.n++];
}

static struct made *
send_bytes(struct chat *t, bool client, int flags, const void *data, size_t n,
    int64_t after_ns)
{
	struct hand *src = client ? &t->c : &t->s;
	struct hand *dst = client ? &t->s : &t->c;
	struct made *m = add();
	uint8_t *ip = m->p + 14, *tcp = ip + 20;

	m->unix_ns = tape.now_ns += after_ns;
	m->p[6] = 2;
	m->p[11] = client ? 5 : 1;
	put16(m->p + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, (unsigned int)(40 + n));
	put16(ip + 4, src->id++);
	put16(ip + 6, 0x4000);
	ip[8] = src->ttl;
	ip[9] = PKT_PROTO_TCP;
	put32(ip + 12, src->addr);
	put32(ip + 16, dst->addr);
	put16(tcp, src->port);
	put16(tcp + 2, dst->port);
	put32(tcp + 4, src->seq);
	put32(tcp + 8, (flags & ACK) != 0 ? dst->seq : 0);
	tcp[12] = 0x50;
	tcp[13] = (uint8_t)flags;
	put16(tcp + 14, 502);
	if (n > 0)
		memcpy(tcp + 20, data, n);
	m->len = m->wire = (uint32_t)(HEADS + n);
	if ((flags & PKT_TH_RST) == 0)
		src->seq += (uint32_t)n + ((flags & SYN) != 0);
	return m;
}

static struct made *
say(struct chat *t, const char *words)
{
	return send_bytes(t, true, PSHACK, words, strlen(words), CLOCK_MS);
}

static void
answer(struct chat *t, const char *words)
{
	send_bytes(t, false, PSHACK, words, strlen(words), 40 * CLOCK_MS);
	send_bytes(t, true, ACK, NULL, 0, CLOCK_MS / 10);
}

static struct chat
meet(uint32_t server, uint16_t port)
{
	return (struct chat){
	    .c = {CLIENT, port, 64, (uint16_t)(port * 3), port * 1000u},
	    .s = {server, 80, 47, (uint16_t)(port * 7), port * 5000u}};
}

static struct chat
begin(uint32_t server, uint16_t port)
{
	struct chat t = meet(server, port);

	send_bytes(&t, true, SYN, NULL, 0, CLOCK_MS);
	send_bytes(&t, false, SYN | ACK, NULL, 0, 40 * CLOCK_MS);
	send_bytes(&t, true, ACK, NULL, 0, CLOCK_MS / 10);
	return t;
}

/* A box near by turns the client's last packet into a reset. */
static void
forge(struct chat *t, uint8_t ttl)
{
	struct hand was = t->s;

	t->s.ttl = ttl;
	t->s.id = (uint16_t)(t->c.id - 1);
	send_bytes(t, false, RSTACK, NULL, 0, CLOCK_MS / 2);
	t->s = was;
}

/* --- the source --- */

static int
next_made(void *ctx, struct capture_packet *out, struct fault *f)
{
	struct tape *t = ctx;
	const struct made *m;

	memset(out, 0, sizeof(*out));
	if (t->at == t->skip)
		t->at++;
	out->frame = t->at;
	if (t->at >= t->n)
		return t->damaged && t->at++ == t->n
		    ? fault(f, FAULT_INPUT, "it breaks off")
		    : 0;
	m = &t->made[t->at++];
	out->frame = t->at;
	out->unix_ns = m->unix_ns;
	out->data = m->p;
	out->len = m->len;
	out->wire_len = m->wire;
	if (t->at - 1 == t->cut && t->cut_to < out->len)
		out->len = (uint32_t)t->cut_to;
	out->link = PKT_LINK_ETHERNET;
	return 1;
}

static int
rewind_made(void *ctx, struct fault *f)
{
	struct tape *t = ctx;

	(void)f;
	t->at = 0;
	t->rounds++;
	return 0;
}

static int
interrupted(void *ctx)
{
	return ((struct tape *)ctx)->stopped ? 15 : 0;
}

static const char *const names[] = {"made"};

static int
find_made(struct suspects *out, struct fault *f)
{
	struct suspect_source src = {.ctx = &tape,
	    .n_names = 1,
	    .names = names,
	    .next = next_made,
	    .again = rewind_made,
	    .interrupted = interrupted};

	tape.at = 0;
	return suspects_find(&src, &tape.ask, out, f);
}

static const struct suspect *
find_one(struct suspects *all)
{
	struct fault f = {0};

	if (find_made(all, &f) != 0)
		fail_msg("%s", f.text);
	assert_int_equal(all->n, 1);
	return &all->list[0];
}

struct reel {
	const char *path;
	struct capture *capture;
};

static int
next_read(void *ctx, struct capture_packet *out, struct fault *f)
{
	return capture_next(((struct reel *)ctx)->capture, out, f);
}

static int
rewind_read(void *ctx, struct fault *f)
{
	struct reel *r = ctx;

	capture_free(r->capture);
	r->capture = NULL;
	return capture_open_files(&r->path, 1, NULL, &r->capture, f);
}

static void
find_in(const char *path, struct suspects *out)
{
	struct reel reel = {.path = path};
	struct suspect_source src = {.ctx = &reel,
	    .n_names = 1,
	    .names = &path,
	    .next = next_read,
	    .again = rewind_read};
	struct suspect_ask ask = {0};
	struct fault f = {0};

	if (rewind_read(&reel, &f) != 0 ||
	    suspects_find(&src, &ask, out, &f) != 0)
		fail_msg("%s", f.text);
	capture_free(reel.capture);
}

static int
setup(void **state)
{
	(void)state;
	memset(&tape, 0, sizeof(tape));
	tape.skip = tape.cut = SIZE_MAX;
	tape.now_ns = 1700000000 * CLOCK_S;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(tape.made);
	return 0;
}

/* --- what is expected --- */

static void
expect_bytes(const uint8_t *p, size_t n, const char *want, size_t want_len)
{
	assert_int_equal(n, want_len);
	assert_memory_equal(p, want, want_len);
}

static void
expect_trigger(const struct suspect *s, const char *want)
{
	expect_bytes(s->trigger, s->trigger_len, want, strlen(want));
}

static void
expect_line(const struct suspect *s, size_t number, const char *want)
{
	struct text t = {0};

	suspect_describe(s, number, &t);
	assert_string_equal(text_str(&t), want);
	text_free(&t);
}

static void
expect_none(const struct suspects *all, const char *want)
{
	struct text t = {0};

	assert_int_equal(all->n, 0);
	suspects_explain_none(all, &t);
	assert_string_equal(text_str(&t), want);
	text_free(&t);
}

static void
expect_why(
    const struct suspect *s, enum suspect_replay replay, const char *words)
{
	assert_int_equal(s->replay, replay);
	if (strstr(s->why, words) == NULL)
		fail_msg("'%s' is not in '%s'", words, s->why);
}

/* A talk of the dialogue: what it says, in turn, to what the server says. */
static void
talk_through(const struct suspect *s, const char *const *server,
    const char *const *client, size_t n)
{
	struct talk_maker maker = dialogue_maker(s->before);
	struct talk_step step;
	struct fault f = {0};
	struct talk talk;

	assert_int_equal(maker.make(maker.ctx, &talk, &f), 0);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *in = (const uint8_t *)server[i];
		size_t len = strlen(server[i]);

		assert_int_not_equal(
		    i > 0 ? (int)step.state : TALK_WAITS, TALK_READY);
		if (talk.step(talk.ctx, 0, in, len, &step, &f) != 0)
			fail_msg("%s", f.text);
		expect_bytes(
		    step.say, step.say_len, client[i], strlen(client[i]));
	}
	assert_int_equal(step.state, TALK_READY);
	talk.free(talk.ctx);
}

/* The client says text, waits for ns, and its trigger is due. */
static void
expect_pause(const struct suspect *s, const char *text, int64_t ns)
{
	struct talk_maker maker = dialogue_maker(s->before);
	struct talk_step step;
	struct fault f = {0};
	struct talk talk;

	assert_int_equal(maker.make(maker.ctx, &talk, &f), 0);
	assert_int_equal(talk.step(talk.ctx, 0, NULL, 0, &step, &f), 0);
	expect_bytes(step.say, step.say_len, text, strlen(text));
	assert_int_equal(talk.step(talk.ctx, 0, NULL, 0, &step, &f), 0);
	assert_int_equal(step.state, TALK_WAITS);
	assert_int_equal(step.say_len, 0);
	assert_int_equal(step.wake_ns, ns);
	assert_int_equal(talk.step(talk.ctx, ns, NULL, 0, &step, &f), 0);
	assert_int_equal(step.state, TALK_READY);
	talk.free(talk.ctx);
}

/* --- captures --- */

static void
test_mysql_login(void **state)
{
	struct suspects all;
	const struct suspect *s;

	(void)state;
	print_message("a command to MySQL takes a login; user and database "
		      "are told, and the control keeps the envelope\n");
	find_in("tests/data/mysql-login.pcap", &all);
	assert_int_equal(all.n, 1);
	s = &all.list[0];
	expect_line(s, 1,
	    "1  10.0.0.5 -> 198.51.100.7:3306  forged 1.000  3 resets, TTL 63"
	    "  COM_INIT_DB db");
	expect_why(s, SUSPECT_REPLAY_MYSQL, "log in");
	assert_string_equal(s->user, "ann");
	assert_string_equal(s->database, "shop");
	assert_false(s->mysql_tls);
	assert_null(s->before);
	expect_bytes(s->trigger, s->trigger_len, "\3\0\0\0\2db", 7);
	expect_bytes(s->control, s->control_len, "\3\0\0\0\2qo", 7);
	assert_int_equal(s->flows, 3);
	assert_int_equal(s->server_ttl, 47);
	assert_int_equal(s->client_ttl, 64);
	assert_int_equal(s->tcp_header_len, 20);
	assert_false(s->client_ts);
	assert_true(s->begun);
	suspects_free(&all);
}

static void
test_mysql_tls(void **state)
{
	struct suspects all;

	(void)state;
	print_message("inside TLS nothing can be done again, and it is said "
		      "that MySQL went there\n");
	find_in("tests/data/mysql-tls.pcap", &all);
	assert_int_equal(all.n, 1);
	expect_why(&all.list[0], SUSPECT_REPLAY_NONE, "inside TLS");
	assert_true(all.list[0].mysql_tls);
	suspects_free(&all);
}

static void
test_dialogue(void **state)
{
	static const char *const server[] = {
	    "", "220 other words\r\n", "250-one\r\n", "250 last\r\n"};
	static const char *const client[] = {
	    "", "EHLO client.example\r\n", "", ""};
	struct suspects all;
	const struct suspect *s;

	(void)state;
	print_message("what was said before the trigger is said again, once "
		      "the server has answered by code\n");
	find_in("tests/data/smtp.pcap", &all);
	assert_int_equal(all.n, 1);
	s = &all.list[0];
	assert_int_equal(s->replay, SUSPECT_REPLAY_DIALOGUE);
	expect_trigger(s, "MAIL FROM:<a@example.com>\r\n");
	talk_through(s, server, client, 4);
	suspects_free(&all);
}

static void
test_two(void **state)
{
	struct suspects all;

	(void)state;
	print_message("several suspects stand by how many resets they had\n");
	find_in("tests/data/two-suspects.pcap", &all);
	assert_int_equal(all.n, 2);
	expect_line(&all.list[0], 1,
	    "1  10.0.0.5 -> 198.51.100.7:443  forged 1.000  3 resets, TTL 63"
	    "  ClientHello www.example.org");
	expect_line(&all.list[1], 2,
	    "2  10.0.0.5 -> 203.0.113.9:80  forged 1.000  2 resets, TTL 63"
	    "  GET www.example.net");
	print_message("each comes first in its connection; the controls name "
		      "others, in requests that are as good\n");
	assert_int_equal(all.list[0].replay, SUSPECT_REPLAY_PLAIN);
	assert_null(all.list[0].before);
	expect_bytes(all.list[0].control + 61, 15, "jjj.rknzcyr.bet", 15);
	assert_memory_equal(all.list[0].control, all.list[0].trigger, 61);
	expect_bytes(all.list[1].control, all.list[1].control_len,
	    "GET /n HTTP/1.1\r\nHost: jjj.rknzcyr.arg\r\n\r\n", 42);
	assert_int_equal(all.genuine, 1);
	suspects_free(&all);
}

static void
test_none(void **state)
{
	struct suspects all;

	(void)state;
	print_message("genuine resets are no suspects, and are told by kind\n");
	find_in("tests/data/genuine.pcap", &all);
	expect_none(
	    &all, "all 3 resets are genuine: 1 abort, 1 after-fin, 1 refused");
	suspects_free(&all);
	find_in("tests/data/quiet.pcap", &all);
	expect_none(&all, "no reset in 9 packets");
	suspects_free(&all);
}

static void
test_toward_server(void **state)
{
	struct suspects all;
	struct fault f = {0};
	struct chat t = begin(SERVER, 40000);

	(void)state;
	print_message("resets that only the server gets are none, and it is "
		      "said where to capture\n");
	t.c.ttl = 57;
	say(&t, "one");
	answer(&t, "two");
	t.c.ttl = 64;
	t.c.id = (uint16_t)(t.s.id - 1);
	send_bytes(&t, true, RSTACK, NULL, 0, CLOCK_MS / 2);
	send_bytes(&t, true, RSTACK, NULL, 0, CLOCK_MS / 2);
	t.c.ttl = 57;
	say(&t, "three");
	assert_int_equal(find_made(&all, &f), 0);
	assert_int_equal(all.n, 0);
	assert_true(all.toward_server > 0);
	suspects_free(&all);
}

/* --- one suspect --- */

static void
test_ttls(void **state)
{
	static const uint8_t ttls[] = {63, 62, 63, 61, 62, 63};
	struct suspects all;
	const struct suspect *s;

	(void)state;
	print_message("many connections with one trigger are one suspect; the "
		      "TTLs stand by how often they came\n");
	for (uint16_t i = 0; i < 6; i++) {
		struct chat t = begin(SERVER, (uint16_t)(40000 + i));

		say(&t, "use db");
		forge(&t, ttls[i]);
	}
	s = find_one(&all);
	assert_int_equal(s->resets, 6);
	assert_int_equal(s->flows, 6);
	assert_int_equal(s->n_rst_ttls, 3);
	assert_int_equal(s->rst_ttls[0], 63);
	assert_int_equal(s->rst_ttls[1], 62);
	assert_int_equal(s->rst_ttls[2], 61);
	expect_line(s, 7,
	    "7  10.0.0.5 -> 198.51.100.7:80  forged 1.000  6 resets, "
	    "TTLs 63 62 61  \"use db\"");
	print_message("of unknown protocols no control is better than the "
		      "default\n");
	assert_null(s->control);
	print_message("the capture was read twice\n");
	assert_int_equal(tape.rounds, 1);
	suspects_free(&all);
}

static void
test_order(void **state)
{
	struct suspects all;
	struct chat t = begin(SERVER, 40000);
	uint32_t seq = t.c.seq;

	(void)state;
	print_message("segments out of order are put in order, and doubled "
		      "ones said once\n");
	t.c.seq = seq + 4;
	say(&t, "two-");
	t.c.seq = seq;
	say(&t, "one-");
	t.c.seq = seq + 6;
	say(&t, "XXth"); /* two bytes were there before: not so */
	say(&t, "ree");
	forge(&t, 63);
	expect_trigger(find_one(&all), "one-two-three");
	suspects_free(&all);
}

static void
test_ports_again(void **state)
{
	struct suspects all;
	const struct suspect *s;
	struct chat t = begin(SERVER, 40000);

	(void)state;
	print_message("what an earlier connection with the same ports said is "
		      "not said before the trigger\n");
	say(&t, "old words");
	answer(&t, "yes");
	send_bytes(&t, true, PKT_TH_FIN | ACK, NULL, 0, CLOCK_MS);
	t.c.seq += 70000;
	t.s.seq += 90000;
	send_bytes(&t, true, SYN, NULL, 0, 100 * CLOCK_S);
	send_bytes(&t, false, SYN | ACK, NULL, 0, 40 * CLOCK_MS);
	send_bytes(&t, true, ACK, NULL, 0, CLOCK_MS / 10);
	say(&t, "use db");
	forge(&t, 63);
	s = find_one(&all);
	expect_trigger(s, "use db");
	expect_why(s, SUSPECT_REPLAY_PLAIN, "");
	assert_string_equal(s->why, "");
	suspects_free(&all);
	print_message("... nor what a later one says\n");
	t.c.seq += 70000;
	t.s.seq += 90000;
	send_bytes(&t, true, SYN, NULL, 0, 100 * CLOCK_S);
	send_bytes(&t, false, SYN | ACK, NULL, 0, 40 * CLOCK_MS);
	send_bytes(&t, true, ACK, NULL, 0, CLOCK_MS / 10);
	say(&t, "new words");
	answer(&t, "yes");
	expect_trigger(find_one(&all), "use db");
	suspects_free(&all);
}

static void
test_gap(void **state)
{
	struct suspects all;
	const struct suspect *s;
	struct chat t = begin(SERVER, 40000);

	(void)state;
	print_message("where words before it were not captured, the trigger "
		      "is tried by itself, and that is said\n");
	say(&t, "lost");
	tape.skip = tape.n - 1;
	answer(&t, "yes");
	say(&t, "use db");
	forge(&t, 63);
	s = find_one(&all);
	expect_trigger(s, "use db");
	expect_why(s, SUSPECT_REPLAY_PLAIN, "lacks some");
	assert_null(s->before);
	suspects_free(&all);
}

static void
test_torn(void **state)
{
	struct suspects all;
	const struct suspect *s;
	struct chat t = begin(SERVER, 40000);

	(void)state;
	print_message("... also where nobody acknowledged them\n");
	say(&t, "hello");
	answer(&t, "yes");
	say(&t, "lost ");
	tape.skip = tape.n - 1;
	say(&t, "use db");
	forge(&t, 63);
	s = find_one(&all);
	expect_trigger(s, "use db");
	expect_why(s, SUSPECT_REPLAY_PLAIN, "lacks some");
	suspects_free(&all);
}

/* Found by the fuzzer: not one event, then. */
static void
test_nothing_in_order(void **state)
{
	struct suspects all;
	const struct suspect *s;
	struct chat t = begin(SERVER, 40000);

	(void)state;
	print_message("... and where the trigger is all that was captured\n");
	say(&t, "lost ");
	tape.skip = tape.n - 1;
	say(&t, "use db");
	forge(&t, 63);
	s = find_one(&all);
	expect_trigger(s, "use db");
	expect_why(s, SUSPECT_REPLAY_PLAIN, "lacks some");
	suspects_free(&all);
}

static void
test_midst(void **state)
{
	struct suspects all;
	const struct suspect *s;
	struct chat t = meet(SERVER, 40000);

	(void)state;
	print_message("a capture that begins in the midst says so\n");
	say(&t, "one");
	answer(&t, "two");
	say(&t, "use db");
	forge(&t, 63);
	s = find_one(&all);
	expect_trigger(s, "use db");
	assert_false(s->begun);
	expect_why(s, SUSPECT_REPLAY_PLAIN, "in the midst");
	suspects_free(&all);
}

static void
test_long(void **state)
{
	static const char *const server[] = {"", ""};
	char words[3001], first[2001];
	const char *const client[] = {first, ""};
	struct suspects all;
	const struct suspect *s;
	struct chat t = begin(SERVER, 40000);

	(void)state;
	print_message("of a long message the segment that fired is the "
		      "trigger; what is before goes ahead of it\n");
	for (size_t i = 0; i < 3000; i++)
		words[i] = (char)('a' + i % 26);
	words[3000] = '\0';
	for (size_t i = 0; i < 3; i++)
		send_bytes(&t, true, PSHACK, words + 1000 * i, 1000, CLOCK_MS);
	forge(&t, 63);
	s = find_one(&all);
	expect_trigger(s, words + 2000);
	assert_int_equal(s->replay, SUSPECT_REPLAY_DIALOGUE);
	memcpy(first, words, 2000);
	first[2000] = '\0';
	talk_through(s, server, client, 2);
	suspects_free(&all);
}

static void
test_one_of_several(void **state)
{
	struct suspects all;
	struct chat t = begin(SERVER, 40000);
	uint32_t seq = t.c.seq;

	(void)state;
	print_message("what stands behind the packet that drew the reset, sent "
		      "once more, is no part of the trigger\n");
	say(&t, "use db");
	say(&t, " more");
	t.c.seq = seq;
	say(&t, "use db");
	forge(&t, 63);
	expect_trigger(find_one(&all), "use db");
	suspects_free(&all);
}

static void
test_cut(void **state)
{
	struct suspects all;
	struct chat t = begin(SERVER, 40000);
	struct made *m;

	(void)state;
	print_message("a trigger that the capture cut cannot be said again, "
		      "and how to capture all of it is told\n");
	m = say(&t, "use db and more");
	m->len -= 4;
	forge(&t, 63);
	expect_why(find_one(&all), SUSPECT_REPLAY_NONE, "-s 0");
	suspects_free(&all);
}

static void
test_no_data(void **state)
{
	struct suspects all;
	const struct suspect *s;
	struct chat t = meet(SERVER, 40000);

	(void)state;
	print_message("a reset that answers a SYN has no trigger\n");
	send_bytes(&t, true, SYN, NULL, 0, CLOCK_MS);
	forge(&t, 63);
	t.s.seq++;
	send_bytes(&t, false, SYN | ACK, NULL, 0, 40 * CLOCK_MS);
	s = find_one(&all);
	assert_null(s->trigger);
	assert_null(s->control);
	expect_why(s, SUSPECT_REPLAY_PLAIN, "said nothing");
	assert_int_equal(s->rst_ttls[0], 63);
	suspects_free(&all);
}

static void
test_silence(void **state)
{
	struct suspects all;
	const struct suspect *s;
	struct chat t = begin(SERVER, 40000);

	(void)state;
	print_message("words behind a long silence are a message of their "
		      "own, said after a pause\n");
	say(&t, "hello");
	send_bytes(&t, true, PSHACK, "use db", 6, 3 * CLOCK_S);
	forge(&t, 63);
	s = find_one(&all);
	expect_trigger(s, "use db");
	assert_int_equal(s->replay, SUSPECT_REPLAY_DIALOGUE);
	expect_pause(s, "hello", 3 * CLOCK_S);
	suspects_free(&all);
}

static void
test_slow_server(void **state)
{
	static const char *const server[] = {"", "w"};
	static const char *const client[] = {"", ""};
	struct suspects all;
	const struct suspect *s;
	struct chat t = begin(SERVER, 40000);

	(void)state;
	print_message("a server that says more after a silence is waited for "
		      "once: how it cuts its words may vary\n");
	answer(&t, "wel");
	send_bytes(&t, false, PSHACK, "come", 4, 3 * CLOCK_S);
	say(&t, "use db");
	forge(&t, 63);
	s = find_one(&all);
	assert_int_equal(s->replay, SUSPECT_REPLAY_DIALOGUE);
	talk_through(s, server, client, 2);
	suspects_free(&all);
}

static void
test_http(void **state)
{
	struct suspects all;
	const struct suspect *s;
	struct chat t = begin(SERVER, 40000);

	(void)state;
	print_message("a later request stands alone, and one that acts is "
		      "told\n");
	say(&t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	answer(&t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	say(&t, "DELETE / HTTP/1.1\r\nHost: b\r\n\r\n");
	forge(&t, 63);
	s = find_one(&all);
	expect_trigger(s, "DELETE / HTTP/1.1\r\nHost: b\r\n\r\n");
	expect_why(s, SUSPECT_REPLAY_PLAIN, "");
	assert_null(s->before);
	assert_true(s->acts);
	suspects_free(&all);
}

static void
test_proxy(void **state)
{
	static const char *const server[] = {"", "HTTP/1.1 200 Yes\r\n\r\n"};
	static const char *const client[] = {
	    "CONNECT b:80 HTTP/1.1\r\n\r\n", ""};
	struct suspects all;
	const struct suspect *s;
	struct chat t = begin(SERVER, 40000);

	(void)state;
	print_message("... but not behind a proxy's CONNECT\n");
	say(&t, client[0]);
	answer(&t, "HTTP/1.1 200 OK\r\n\r\n");
	say(&t, "GET / HTTP/1.1\r\nHost: b\r\n\r\n");
	forge(&t, 63);
	s = find_one(&all);
	assert_int_equal(s->replay, SUSPECT_REPLAY_DIALOGUE);
	assert_false(s->acts);
	talk_through(s, server, client, 2);
	suspects_free(&all);
}

/* --- MySQL --- */

#define FILLER "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static struct chat
greet(uint16_t port)
{
	static const char greeting[] =
	    "\x1d\0\0\0\n8.0\0\7\0\0\0salt-one\0\xff\xff\xff\2\0\xff\xdf\x15"
	    "\0\0\0";
	struct chat t = begin(SERVER, port);

	send_bytes(
	    &t, false, PSHACK, greeting, sizeof(greeting) - 1, 40 * CLOCK_MS);
	return t;
}

static void
log_in(struct chat *t, const char *capabilities)
{
	char login[] =
	    "\x2d\0\0\1....\0\0\0\1\xff" FILLER "ann\0\4\1\2\3\4db\0";

	memcpy(login + 4, capabilities, 4);
	login[0] = (char)(sizeof(login) - 1 - 4);
	send_bytes(t, true, PSHACK, login, sizeof(login) - 1, CLOCK_MS);
}

static void
test_login_is_it(void **state)
{
	static const char *const server[] = {"", "anything"};
	static const char *const client[] = {"", ""};
	struct suspects all;
	const struct suspect *s;
	struct chat t = greet(40000);

	(void)state;
	print_message("a login that draws the reset itself can be said again, "
		      "behind the greeting\n");
	log_in(&t, "\x08\x82\0\0");
	forge(&t, 63);
	s = find_one(&all);
	assert_int_equal(s->replay, SUSPECT_REPLAY_DIALOGUE);
	assert_int_equal(s->trigger[3], 1);
	talk_through(s, server, client, 2);
	suspects_free(&all);
}

static void
test_login_goes_on(void **state)
{
	struct suspects all;
	const struct suspect *s;
	struct chat t = greet(40000);

	(void)state;
	print_message("... but not a later part of it\n");
	log_in(&t, "\x08\x82\0\0");
	answer(&t, "\1");
	send_bytes(&t, true, PSHACK, "\4\0\0\3abcd", 8, CLOCK_MS);
	forge(&t, 63);
	s = find_one(&all);
	expect_why(s, SUSPECT_REPLAY_NONE, "part of the login");
	suspects_free(&all);
}

static void
test_compressed(void **state)
{
	struct suspects all;
	const struct suspect *s;
	struct chat t = greet(40000);

	(void)state;
	print_message("a compressed session's small packets are as they are, "
		      "in another envelope\n");
	log_in(&t, "\x28\x82\0\0");
	answer(&t, "\7\0\0\2\0\0\0\2\0\0\0");
	send_bytes(
	    &t, true, PSHACK, "\7\0\0\0\0\0\0\3\0\0\0\2xy", 14, CLOCK_MS);
	forge(&t, 63);
	s = find_one(&all);
	assert_int_equal(s->replay, SUSPECT_REPLAY_MYSQL);
	expect_bytes(s->trigger, s->trigger_len, "\3\0\0\0\2xy", 7);
	assert_string_equal(s->what.key, "xy");
	assert_string_equal(s->user, "ann");
	assert_string_equal(s->database, "db");
	suspects_free(&all);
}

static void
test_compressed_truly(void **state)
{
	struct suspects all;
	struct chat t = greet(40000);

	(void)state;
	print_message("... and those that are compressed cannot be read\n");
	log_in(&t, "\x28\x82\0\0");
	answer(&t, "\7\0\0\2\0\0\0\2\0\0\0");
	send_bytes(
	    &t, true, PSHACK, "\7\0\0\0\x50\0\0\3\0\0\0\2xy", 14, CLOCK_MS);
	forge(&t, 63);
	expect_why(find_one(&all), SUSPECT_REPLAY_NONE, "compressed");
	suspects_free(&all);
}

static void
test_database_since(void **state)
{
	struct suspects all;
	const struct suspect *s;
	struct chat t = greet(40000);

	(void)state;
	print_message("the database is the one that was gone to since; a "
		      "control drops nothing\n");
	log_in(&t, "\x08\x82\0\0");
	answer(&t, "\7\0\0\2\0\0\0\2\0\0\0");
	send_bytes(&t, true, PSHACK, "\4\0\0\0\2new", 8, CLOCK_MS);
	answer(&t, "\7\0\0\1\0\0\0\2\0\0\0");
	send_bytes(&t, true, PSHACK, "\4\0\0\0\6old", 8, CLOCK_MS);
	forge(&t, 63);
	s = find_one(&all);
	assert_string_equal(s->database, "new");
	assert_true(s->acts);
	expect_bytes(s->control, s->control_len, "\4\0\0\0\2byq", 8);
	suspects_free(&all);
}

/* --- bounds and ends --- */

static void
test_many(void **state)
{
	struct suspects all;
	struct fault f = {0};

	(void)state;
	print_message("of more suspects than there is room for the most "
		      "plausible stay, and the others are counted\n");
	for (uint16_t i = 0; i < 40; i++)
		for (int again = 0; again < (i == 39 ? 2 : 1); again++) {
			struct chat t = begin(
			    SERVER + i, (uint16_t)(40000 + 100 * again + i));

			say(&t, "use db");
			forge(&t, 63);
		}
	assert_int_equal(find_made(&all, &f), 0);
	assert_int_equal(all.n, SUSPECTS_MAX);
	assert_int_equal(all.left_out, 40 - SUSPECTS_MAX);
	assert_int_equal(all.list[0].resets, 2);
	assert_int_equal(all.list[1].server.addr.b[3], SERVER & 0xff);
	suspects_free(&all);
	print_message("... and the one that is asked for, before all\n");
	tape.ask.server = (struct endpoint){
	    addr_from_v4((const uint8_t[]){198, 51, 100, 7 + 38}), 80};
	assert_int_equal(find_made(&all, &f), 0);
	assert_int_equal(all.n, SUSPECTS_MAX);
	assert_int_equal(all.list[0].server.addr.b[3], 7 + 38);
	assert_int_equal(all.list[1].resets, 2);
	suspects_free(&all);
}

static void
test_ends(void **state)
{
	struct suspects all;
	struct fault f = {0};
	struct chat t;

	(void)state;
	print_message("a file that gives nothing is a fault\n");
	tape.damaged = true;
	assert_int_equal(find_made(&all, &f), -1);
	assert_int_equal(f.kind, FAULT_INPUT);
	assert_string_equal(f.text, "it breaks off");
	suspects_free(&all);
	print_message("... one that breaks off later a remark\n");
	t = begin(SERVER, 40000);
	assert_int_equal(find_made(&all, &f), 0);
	expect_none(&all, "no reset in 3 packets; it breaks off");
	suspects_free(&all);
	say(&t, "use db");
	forge(&t, 63);
	(void)find_one(&all);
	assert_string_equal(all.damage, "it breaks off");
	suspects_free(&all);
	print_message("a signal ends it\n");
	tape.stopped = true;
	assert_int_equal(find_made(&all, &f), -1);
	assert_int_equal(f.kind, FAULT_INTERRUPTED);
	assert_int_equal(f.signal, 15);
	suspects_free(&all);
}

/* What must hold whatever was captured. */
static void
check_all(void)
{
	struct suspects all;
	struct fault f = {0};

	assert_int_equal(find_made(&all, &f), 0);
	for (size_t i = 0; i < all.n; i++) {
		const struct suspect *s = &all.list[i];
		struct text t = {0};

		assert_true(s->trigger_len <= TRIGGER_MAX);
		assert_int_equal(s->trigger == NULL, s->trigger_len == 0);
		assert_true(
		    s->control == NULL || s->control_len == s->trigger_len);
		assert_int_equal(
		    s->before != NULL, s->replay == SUSPECT_REPLAY_DIALOGUE);
		assert_true(s->n_rst_ttls > 0);
		suspect_describe(s, 1, &t);
		text_free(&t);
	}
	suspects_free(&all);
}

static void
test_late(void **state)
{
	struct suspects all;
	struct chat t;
	struct hand was;

	(void)state;
	print_message("a tap's reset that comes once the client has said more "
		      "is charged to what its numbers answer, not to that\n");
	for (int acks = 0; acks < 2; acks++) {
		tape.n = 0;
		t = begin(SERVER, (uint16_t)(40000 + acks));
		say(&t, "GET /secret");
		was = t.s;
		was.ttl = 62;
		answer(&t, "all of it");
		say(&t, "goodbye");
		/* Of what the tap saw: its own numbers, then and now. */
		if (acks != 0) {
			uint32_t now = t.c.seq;

			t.c.seq -= (uint32_t)strlen("goodbye");
			t.s = was;
			send_bytes(&t, false, RSTACK, NULL, 0, 100 * CLOCK_MS);
			t.c.seq = now;
		} else {
			t.s = was;
			send_bytes(
			    &t, false, PKT_TH_RST, NULL, 0, 100 * CLOCK_MS);
		}
		expect_trigger(find_one(&all), "GET /secret");
		suspects_free(&all);
	}
}

static void
test_any_loss(void **state)
{
	struct chat t = greet(40000);

	(void)state;
	print_message("whichever packet is lost or cut, and wherever, all "
		      "that is told is in bounds\n");
	log_in(&t, "\x28\x82\0\0");
	answer(&t, "\7\0\0\2\0\0\0\2\0\0\0");
	send_bytes(&t, true, PSHACK, "\4\0\0\0\2new", 8, CLOCK_MS);
	answer(&t, "\7\0\0\1\0\0\0\2\0\0\0");
	send_bytes(
	    &t, true, PSHACK, "\7\0\0\0\0\0\0\3\0\0\0\2xy", 14, CLOCK_MS);
	forge(&t, 63);
	forge(&t, 63);
	for (size_t i = 0; i < tape.n; i++) {
		tape.skip = i;
		check_all();
		tape.skip = SIZE_MAX;
		tape.cut = i;
		for (tape.cut_to = 0; tape.cut_to < tape.made[i].len;
		     tape.cut_to++)
			check_all();
		tape.cut = SIZE_MAX;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES_WITH("mysql login", test_mysql_login, setup, teardown),
	    PROVES_WITH("mysql tls", test_mysql_tls, setup, teardown),
	    PROVES_WITH("dialogue", test_dialogue, setup, teardown),
	    PROVES_WITH("two", test_two, setup, teardown),
	    PROVES_WITH("none", test_none, setup, teardown),
	    PROVES_WITH("toward server", test_toward_server, setup, teardown),
	    PROVES_WITH("ttls", test_ttls, setup, teardown),
	    PROVES_WITH("order", test_order, setup, teardown),
	    PROVES_WITH("ports again", test_ports_again, setup, teardown),
	    PROVES_WITH("gap", test_gap, setup, teardown),
	    PROVES_WITH("torn", test_torn, setup, teardown),
	    PROVES_WITH(
		"nothing in order", test_nothing_in_order, setup, teardown),
	    PROVES_WITH("midst", test_midst, setup, teardown),
	    PROVES_WITH("long", test_long, setup, teardown),
	    PROVES_WITH("one of several", test_one_of_several, setup, teardown),
	    PROVES_WITH("cut", test_cut, setup, teardown),
	    PROVES_WITH("no data", test_no_data, setup, teardown),
	    PROVES_WITH("silence", test_silence, setup, teardown),
	    PROVES_WITH("slow server", test_slow_server, setup, teardown),
	    PROVES_WITH("http", test_http, setup, teardown),
	    PROVES_WITH("proxy", test_proxy, setup, teardown),
	    PROVES_WITH("login is it", test_login_is_it, setup, teardown),
	    PROVES_WITH("login goes on", test_login_goes_on, setup, teardown),
	    PROVES_WITH("compressed", test_compressed, setup, teardown),
	    PROVES_WITH(
		"compressed truly", test_compressed_truly, setup, teardown),
	    PROVES_WITH("database since", test_database_since, setup, teardown),
	    PROVES_WITH("many", test_many, setup, teardown),
	    PROVES_WITH("ends", test_ends, setup, teardown),
	    PROVES_WITH("late", test_late, setup, teardown),
	    PROVES_WITH("any loss", test_any_loss, setup, teardown),
	};

	return cmocka_run_group_tests_name("suspect", tests, NULL, NULL);
}
