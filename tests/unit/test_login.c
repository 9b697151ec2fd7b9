/*
 * login: libmariadb against servers that are bytes made here, whole, cut
 * anywhere, and of bad will.
 */
#define _GNU_SOURCE /* memmem, O_TMPFILE */
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <rsthop/clock.h>
#include <rsthop/login.h>
#include <rsthop/rng.h>

#include <rsthop/login_faults.h>

#include "proves.h"

#define SERVER	 "10.9.6.2:3306"
#define USER	 "somebody"
#define PASSWORD "open sesame"
#define NOW_NS	 (100 * CLOCK_S)

#ifdef HAVE_LIBMARIADB

/* --- what servers say --- */

#define CLIENT_TLS 0x0800u

struct bytes {
	uint8_t p[2048];
	size_t n;
};

static void
put(struct bytes *b, const void *p, size_t n)
{
	assert_true(b->n + n <= sizeof(b->p));
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

/* Length (3, little endian), number, body. */
static struct bytes
packet(uint8_t number, const struct bytes *body)
{
	struct bytes b = {.n = 4};

	b.p[0] = (uint8_t)body->n;
	b.p[1] = (uint8_t)(body->n >> 8);
	b.p[3] = number;
	put(&b, body->p, body->n);
	return b;
}

/* Protocol 10, mysql_native_password. */
static struct bytes
greeting(unsigned int more_flags)
{
	/* Long password, 4.1, transactions, secure connection. */
	unsigned int low = 0xa201u | more_flags;
	uint8_t caps[] = {
	    0, (uint8_t)low, (uint8_t)(low >> 8), 0x21, 2, 0, 8, 0, 21};
	struct bytes b = {0};

	put(&b,
	    "\x0a"
	    "5.7.0-made\0"
	    "\7\0\0\0"
	    "abcdefgh",
	    24);
	put(&b, caps, sizeof(caps));
	put(&b,
	    "\0\0\0\0\0\0\0\0\0\0"
	    "ijklmnopqrst",
	    23);
	put(&b, "mysql_native_password", 22);
	return packet(0, &b);
}

static struct bytes
ok(void)
{
	struct bytes b = {0};

	put(&b, "\0\0\0\2\0\0\0", 7);
	return packet(2, &b);
}

static struct bytes
error(uint8_t number, unsigned int code, const char *words)
{
	uint8_t head[] = {0xff, (uint8_t)code, (uint8_t)(code >> 8)};
	struct bytes b = {0};

	put(&b, head, sizeof(head));
	put(&b, "#HY000", 6);
	put(&b, words, strlen(words));
	return packet(number, &b);
}

/* --- a talk under test --- */

static char folder[] = "/tmp/rsthop-login-XXXXXX";
static char defaults[64];

static void
write_defaults(const char *more)
{
	FILE *f;

	snprintf(defaults, sizeof(defaults), "%s/my.cnf", folder);
	f = fopen(defaults, "w");
	assert_non_null(f);
	fprintf(
	    f, "[client]\nuser=%s\npassword=\"%s\"\n%s", USER, PASSWORD, more);
	fclose(f);
}

struct scene {
	struct login_ask ask;
	struct login *login;
	struct talk talk;
	struct talk_step step;
	struct fault f;
	struct bytes said;
	int64_t now_ns;
};

static void
begin(struct scene *sc)
{
	struct talk_maker maker;

	memset(sc, 0, sizeof(*sc));
	sc->ask = (struct login_ask){
	    .server = SERVER, .defaults_file = defaults, .uses_database = true};
	sc->now_ns = NOW_NS;
	if (login_new(&sc->ask, &sc->login, &sc->f) == -1)
		fail_msg("%s", sc->f.text);
	maker = login_maker(sc->login);
	assert_int_equal(maker.make(maker.ctx, &sc->talk, &sc->f), 0);
	assert_true(sc->talk.secret);
}

static void
end(struct scene *sc)
{
	talk_free(&sc->talk);
	login_free(sc->login);
}

/* From an exact-size allocation, so that ASan guards its end. */
static int
hear(struct scene *sc, const uint8_t *p, size_t n)
{
	uint8_t *exact = n > 0 ? malloc(n) : NULL;
	int rc;

	if (n > 0) {
		assert_non_null(exact);
		memcpy(exact, p, n);
	}
	rc = sc->talk.step(
	    sc->talk.ctx, sc->now_ns, exact, n, &sc->step, &sc->f);
	free(exact);
	assert_true((rc == -1) == (sc->step.state == TALK_FAILED));
	assert_true(rc == 0 || sc->f.text[0] != '\0');
	assert_null(strstr(sc->f.text, PASSWORD));
	assert_null(strchr(sc->f.text, '\n'));
	if (rc == 0 && sc->step.say_len > 0)
		put(&sc->said, sc->step.say, sc->step.say_len);
	return rc;
}

static int
hear_all(struct scene *sc, const struct bytes *b)
{
	return hear(sc, b->p, b->n);
}

static bool
has_said(const struct scene *sc, const char *words)
{
	return memmem(sc->said.p, sc->said.n, words, strlen(words)) != NULL;
}

static void
expect_failure(const struct scene *sc, enum talk_failure why, const char *words)
{
	assert_int_equal(sc->step.state, TALK_FAILED);
	assert_int_equal(sc->step.failure, why);
	if (strstr(sc->f.text, words) == NULL)
		fail_msg("\"%s\" is not in: %s", words, sc->f.text);
	assert_non_null(strstr(sc->f.text, SERVER));
}

static void
test_course(void **state)
{
	struct bytes g = greeting(0), o = ok();
	struct scene sc;
	const uint8_t *bye;
	size_t n;

	(void)state;
	begin(&sc);
	assert_int_equal(hear(&sc, NULL, 0), 0);
	assert_int_equal(sc.step.state, TALK_WAITS);
	assert_null(sc.talk.bye(sc.talk.ctx, &n));
	assert_int_equal(hear_all(&sc, &g), 0);
	assert_int_equal(sc.step.state, TALK_WAITS);
	assert_true(has_said(&sc, USER));
	assert_false(has_said(&sc, PASSWORD));
	assert_int_equal(hear_all(&sc, &o), 0);
	assert_int_equal(sc.step.state, TALK_READY);
	assert_int_equal(sc.step.wake_ns, INT64_MAX);
	bye = sc.talk.bye(sc.talk.ctx, &n);
	assert_int_equal(n, 5);
	assert_memory_equal(bye, "\1\0\0\0\1", 5); /* COM_QUIT */
	end(&sc);
}

static void
test_cut(void **state)
{
	struct bytes g = greeting(0), o = ok();
	struct scene sc;
	size_t whole = 0;

	(void)state;
	for (size_t cut = 0; cut <= g.n; cut++) {
		begin(&sc);
		hear(&sc, NULL, 0);
		if (cut > 0)
			assert_int_equal(hear(&sc, g.p, cut), 0);
		if (cut < g.n)
			assert_int_equal(sc.said.n, 0);
		if (cut < g.n)
			assert_int_equal(hear(&sc, g.p + cut, g.n - cut), 0);
		whole = cut == 0 ? sc.said.n : whole;
		assert_int_equal(sc.said.n, whole);
		for (size_t i = 0; i < o.n; i++)
			assert_int_equal(hear(&sc, o.p + i, 1), 0);
		assert_int_equal(sc.step.state, TALK_READY);
		end(&sc);
	}
}

/* A greeting and the answer to the login in one segment. */
static void
test_at_once(void **state)
{
	struct bytes g = greeting(0), o = ok();
	struct scene sc;

	(void)state;
	put(&g, o.p, o.n);
	begin(&sc);
	hear(&sc, NULL, 0);
	assert_int_equal(hear_all(&sc, &g), 0);
	assert_int_equal(sc.step.state, TALK_READY);
	end(&sc);
}

/*
 * A server that knows TLS and an option file that asks for it, in several
 * ways: the login goes on in clear, or it is told; no handshake is begun.
 */
static void
test_no_tls(void **state)
{
	static const char *const lines[] = {"", "ssl\n", "ssl-ca=/no/ca.pem\n",
	    "ssl\nssl-verify-server-cert\n", "tls-version=TLSv1.3\n",
	    "ssl-enforce\n", "ssl-enforce=1\n", "ssl-key=/no/key.pem\n"};
	struct bytes g = greeting(CLIENT_TLS);
	struct scene sc;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		write_defaults(lines[i]);
		begin(&sc);
		hear(&sc, NULL, 0);
		hear_all(&sc, &g);
		if (sc.step.state == TALK_FAILED) {
			expect_failure(&sc, TALK_FAIL_FINAL, "TLS");
			assert_int_equal(sc.said.n, 0);
		} else {
			assert_true(has_said(&sc, USER));
			/* Capabilities behind the head: TLS is bit 11. */
			assert_int_equal(sc.said.p[5] & CLIENT_TLS >> 8, 0);
		}
		end(&sc);
	}
	write_defaults("");
}

static void
test_errors(void **state)
{
	struct bytes g = greeting(0), o = ok(), e;
	struct scene sc;

	(void)state;
	/* In place of the greeting. */
	e = error(0, 1040, "Too many connections");
	begin(&sc);
	hear(&sc, NULL, 0);
	assert_int_equal(hear_all(&sc, &e), -1);
	expect_failure(&sc, TALK_FAIL_BUSY, "max_connections");
	end(&sc);
	/* To the login; the words are hostile. */
	e = error(2, 1045, "Access \x1b[2Jdenied\n");
	begin(&sc);
	hear(&sc, NULL, 0);
	hear_all(&sc, &g);
	assert_int_equal(hear_all(&sc, &e), -1);
	expect_failure(&sc, TALK_FAIL_FINAL, "--user");
	assert_null(strchr(sc.f.text, '\x1b'));
	assert_int_equal(sc.f.kind, FAULT_INPUT);
	/* It stays failed. */
	assert_int_equal(hear_all(&sc, &o), -1);
	end(&sc);
	/* To the trigger, a byte at a time. */
	e = error(1, 1049, "Unknown database");
	begin(&sc);
	hear(&sc, NULL, 0);
	hear_all(&sc, &g);
	hear_all(&sc, &o);
	for (size_t i = 0; i < e.n; i++)
		assert_int_equal(hear(&sc, e.p + i, 1), i + 1 < e.n ? 0 : -1);
	expect_failure(&sc, TALK_FAIL_FINAL, "a database that exists");
	end(&sc);
}

/* An error whose header claims less than its number takes is none. */
static void
test_short_error(void **state)
{
	struct bytes g = greeting(0), o = ok(), e;
	struct scene sc;

	(void)state;
	for (uint8_t len = 0; len < 3; len++) {
		e = error(1, 1049, "Unknown database");
		e.p[0] = len;
		begin(&sc);
		hear(&sc, NULL, 0);
		hear_all(&sc, &g);
		hear_all(&sc, &o);
		assert_int_equal(hear_all(&sc, &e), 0);
		assert_int_equal(sc.step.state, TALK_READY);
		end(&sc);
	}
}

/* A statement's own errors are no news: it may be refused by its nature. */
static void
test_query_error(void **state)
{
	struct bytes g = greeting(0), o = ok(),
		     e = error(1, 1146, "No such table");
	struct scene sc;

	(void)state;
	begin(&sc);
	((struct login_ask *)&sc.ask)->uses_database = false;
	login_free(sc.login);
	talk_free(&sc.talk);
	assert_int_equal(login_new(&sc.ask, &sc.login, &sc.f), 0);
	assert_int_equal(login_maker(sc.login).make(
			     login_maker(sc.login).ctx, &sc.talk, &sc.f),
	    0);
	hear(&sc, NULL, 0);
	hear_all(&sc, &g);
	hear_all(&sc, &o);
	assert_int_equal(hear_all(&sc, &e), 0);
	assert_int_equal(sc.step.state, TALK_READY);
	end(&sc);
}

static void
test_silence(void **state)
{
	struct scene sc;

	(void)state;
	begin(&sc);
	hear(&sc, NULL, 0);
	assert_int_equal(sc.step.wake_ns, NOW_NS + 30 * CLOCK_S);
	sc.now_ns = sc.step.wake_ns - 1;
	assert_int_equal(hear(&sc, NULL, 0), 0);
	sc.now_ns++;
	assert_int_equal(hear(&sc, NULL, 0), -1);
	expect_failure(&sc, TALK_FAIL_ODD, "did not finish the login");
	assert_int_equal(sc.f.kind, FAULT_NETWORK);
	end(&sc);
}

/* More than any greeting, and more than the pair of sockets takes. */
static void
test_flood(void **state)
{
	struct bytes g = greeting(0);
	uint8_t *flood = malloc(1 << 22);
	struct scene sc;

	(void)state;
	assert_non_null(flood);
	for (int greeted = 0; greeted < 2; greeted++) {
		begin(&sc);
		hear(&sc, NULL, 0);
		if (greeted != 0)
			hear_all(&sc, &g);
		/* One packet of 16 MB that never ends. */
		memset(flood, 0xff, 1 << 22);
		for (int i = 0; i < 8 && sc.step.state == TALK_WAITS; i++)
			hear(&sc, flood, 1 << 22);
		/* It is over by itself, or when its time is. */
		sc.now_ns += 31 * CLOCK_S;
		if (sc.step.state == TALK_WAITS)
			hear(&sc, NULL, 0);
		assert_int_equal(sc.step.state, TALK_FAILED);
		end(&sc);
	}
	free(flood);
}

/* Feeds b, cut at random, then lets the time run out. */
static void
hear_to_the_end(struct rng *r, const uint8_t *p, size_t n)
{
	struct scene sc;
	size_t at = 0, m;

	begin(&sc);
	hear(&sc, NULL, 0);
	while (at < n && sc.step.state == TALK_WAITS) {
		m = 1 + rng_below(r, (uint32_t)(n - at));
		hear(&sc, p + at, m);
		at += m;
	}
	sc.now_ns += 31 * CLOCK_S;
	if (sc.step.state == TALK_WAITS)
		assert_int_equal(hear(&sc, NULL, 0), -1);
	end(&sc);
}

static void
test_garbage(void **state)
{
	struct rng r;
	uint8_t p[700];
	size_t n;

	(void)state;
	rng_seed(&r, 7);
	for (int i = 0; i < 400; i++) {
		n = 1 + rng_below(&r, sizeof(p) - 1);
		for (size_t k = 0; k < n; k++)
			p[k] = (uint8_t)rng_below(&r, 256);
		if (i % 2 == 0 && n > 5) {
			/* A packet of that length, of some known kind. */
			p[0] = (uint8_t)(n - 4);
			p[1] = (uint8_t)((n - 4) >> 8);
			p[2] = p[3] = 0;
			p[4] = i % 4 == 0 ? 10 : 0xff;
		}
		hear_to_the_end(&r, p, n);
	}
}

/* Good ones with a few bytes changed, or cut short. */
static void
test_bent(void **state)
{
	struct bytes g, o = ok();
	struct rng r;

	(void)state;
	rng_seed(&r, 8);
	for (int i = 0; i < 600; i++) {
		g = greeting(i % 3 == 0 ? CLIENT_TLS : 0);
		put(&g, o.p, o.n);
		for (uint32_t k = 1 + rng_below(&r, 4); k > 0; k--)
			g.p[rng_below(&r, (uint32_t)g.n)] =
			    (uint8_t)rng_below(&r, 256);
		hear_to_the_end(&r, g.p,
		    i % 2 != 0 ? g.n : 1 + rng_below(&r, (uint32_t)g.n));
	}
}

/* What the file has is named, not shown. */
static void
test_no_file(void **state)
{
	struct login_ask ask = {
	    .server = SERVER, .defaults_file = "/no/such/file.cnf"};
	struct login *l = NULL;
	struct fault f = {0};

	(void)state;
	assert_int_equal(login_new(&ask, &l, &f), -1);
	assert_int_equal(f.kind, FAULT_INPUT);
	assert_non_null(strstr(f.text, "/no/such/file.cnf"));
}

static unsigned int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* Wherever a talk is left: before its greeting, in the midst, at its end. */
static void
test_left(void **state)
{
	struct bytes g = greeting(0), o = ok();
	unsigned int before = count_fds();
	struct scene sc;

	(void)state;
	for (int i = 0; i < 20; i++) {
		begin(&sc);
		if (i % 4 > 0)
			hear(&sc, NULL, 0);
		if (i % 4 > 1)
			hear_all(&sc, &g);
		if (i % 4 > 2)
			hear_all(&sc, &o);
		end(&sc);
	}
	assert_int_equal(count_fds(), before);
}

/*
 * The plugin `dialog` would ask at the terminal: on standard output and from
 * standard input.
 */
static void
test_dialog(void **state)
{
	struct bytes g = greeting(0), b = {0}, question;
	char printed[256] = "";
	int out = dup(STDOUT_FILENO), file;
	struct scene sc;

	(void)state;
	put(&b,
	    "\xfe"
	    "dialog\0\2Your mother's name: ",
	    28);
	question = packet(2, &b);
	file = open(folder, O_TMPFILE | O_RDWR, 0600);
	assert_true(out != -1 && file != -1);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	begin(&sc);
	hear(&sc, NULL, 0);
	hear_all(&sc, &g);
	hear_all(&sc, &question);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	assert_true(pread(file, printed, sizeof(printed), 0) >= 0);
	assert_string_equal(printed, "");
	assert_int_equal(sc.step.state, TALK_FAILED);
	end(&sc);
	close(out);
	close(file);
}

static int
make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv("HOME", folder, 1);
	unsetenv("MYSQL_PWD");
	write_defaults("");
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(defaults);
	return rmdir(folder);
}

/* --- why it failed --- */

static void
expect_explained(unsigned int error_number, enum talk_failure failure,
    enum fault_kind kind, const char *words)
{
	struct login_ask ask = {.server = SERVER};
	struct fault f = {0};
	char number[32];

	assert_int_equal(
	    login_explain(ask.server, error_number, "it says so", &f), failure);
	assert_int_equal(f.kind, kind);
	snprintf(number, sizeof(number), "(error %u)", error_number);
	assert_non_null(strstr(f.text, SERVER ": it says so "));
	assert_non_null(strstr(f.text, number));
	if (strstr(f.text, words) == NULL)
		fail_msg("\"%s\" is not in: %s", words, f.text);
}

static void
test_explain(void **state)
{
	(void)state;
	expect_explained(1040, TALK_FAIL_BUSY, FAULT_NETWORK, "wait");
	expect_explained(1203, TALK_FAIL_BUSY, FAULT_NETWORK, "wait");
	expect_explained(1226, TALK_FAIL_BUSY, FAULT_NETWORK, "wait");
	expect_explained(1044, TALK_FAIL_FINAL, FAULT_INPUT, "database");
	expect_explained(1045, TALK_FAIL_FINAL, FAULT_INPUT, "MYSQL_PWD");
	expect_explained(1049, TALK_FAIL_FINAL, FAULT_INPUT, "exists");
	expect_explained(1129, TALK_FAIL_FINAL, FAULT_INPUT, "FLUSH HOSTS");
	expect_explained(1130, TALK_FAIL_FINAL, FAULT_INPUT, "lets clients");
	expect_explained(2013, TALK_FAIL_ODD, FAULT_NETWORK, "ended");
	expect_explained(2026, TALK_FAIL_FINAL, FAULT_INPUT, "TLS");
	expect_explained(2059, TALK_FAIL_FINAL, FAULT_INPUT, "another way");
	expect_explained(3159, TALK_FAIL_FINAL, FAULT_INPUT, "--exec");
	/* Others: of the library, odd; of the server, final. */
	expect_explained(2500, TALK_FAIL_ODD, FAULT_NETWORK, "log");
	expect_explained(1999, TALK_FAIL_FINAL, FAULT_INPUT, "log");
	expect_explained(4151, TALK_FAIL_FINAL, FAULT_INPUT, "log");
}

static void
test_explain_long(void **state)
{
	struct login_ask ask = {.server = SERVER};
	struct fault f = {0};
	char words[5000];

	(void)state;
	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	words[3] = '\n';
	login_explain(ask.server, 1045, words, &f);
	assert_null(strchr(f.text, '\n'));
	/* What to do is said all the same. */
	assert_non_null(strstr(f.text, "--defaults-file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("a login comes to its end, and its password is not said "
		   "in clear",
		test_course),
	    PROVES("wherever the greeting is cut, the same is said", test_cut),
	    PROVES("a server that answers before it is asked", test_at_once),
	    PROVES("TLS is never taken up, whatever an option file asks",
		test_no_tls),
	    PROVES("errors, wherever they come, are told with what to do",
		test_errors),
	    PROVES("an error packet cut short by its own header is none",
		test_short_error),
	    PROVES("an error to a statement is none of the login's",
		test_query_error),
	    PROVES(
		"a server that says nothing is given up in time", test_silence),
	    PROVES("so is one that says far too much", test_flood),
	    PROVES("garbage in place of a greeting neither crashes nor hangs",
		test_garbage),
	    PROVES("nor does one with a few bytes changed", test_bent),
	    PROVES("an option file that is not there is told", test_no_file),
	    PROVES("a login that is left leaves nothing open", test_left),
	    PROVES(
		"what a server asks is not asked at the terminal", test_dialog),
	    PROVES("each error's number has its advice", test_explain),
	    PROVES(
		"long and hostile words leave room for it", test_explain_long),
	};

	return cmocka_run_group_tests_name(
	    "login", tests, make_folder, remove_folder);
}

#else

static void
test_absent(void **state)
{
	struct login_ask ask = {.server = SERVER};
	struct login *l = NULL;
	struct fault f = {0};

	(void)state;
	assert_int_equal(login_new(&ask, &l, &f), -1);
	assert_non_null(strstr(f.text, "libmariadb-dev"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("without libmariadb, what is missing is told", test_absent),
	};

	return cmocka_run_group_tests_name("login", tests, NULL, NULL);
}

#endif
