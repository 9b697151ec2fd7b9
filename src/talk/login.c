/*
 * Logins by libmariadb.
 *
 * The library wants a socket of its own, while the connection must stay ours:
 * bound to a port and an interface, with TTLs at will, seen by the capture. So
 * it is given one end of a socket pair in place of its socket; what it writes
 * there is handed out as what is to be said, what the server said is fed to
 * it, and it never blocks (its MYSQL_OPT_NONBLOCK).
 *
 * The exchange of sockets is made behind its back: it connects to a listener
 * of ours on the loopback, and dup2(2) puts our socket over the one that it
 * opened.  To give it a Unix socket in the open would be simpler, but then it
 * would think the line secure, and send passwords in clear where an
 * authentication method allows that (caching_sha2_password does).
 */
#define _GNU_SOURCE /* dup3 */
#include <rsthop/login.h>

#ifndef HAVE_LIBMARIADB

int
login_new(const struct login_ask *ask, struct login **out, struct fault *f)
{
	(void)ask;
	*out = NULL;
	return fault(f, FAULT_USAGE,
	    "this rsthop was built without libmariadb and cannot log in: "
	    "install libmariadb-dev and build it again");
}

void
login_free(struct login *l)
{
	(void)l;
}

struct talk_maker
login_maker(struct login *l)
{
	struct talk_maker none = {0};

	(void)l;
	return none;
}

#else

#include <sys/socket.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mysql.h>
#include <netinet/in.h>

#include <rsthop/clock.h>
#include <rsthop/text.h>

#include <rsthop/login_faults.h>

/* Servers that ask a slow name server for each client take ten or so. */
#define LOGIN_WAIT_NS	      (30 * CLOCK_S)
#define LOGIN_LIBRARY	      "libmariadb.so.3"
#define LOGIN_CHUNK	      16384
/* A packet of the protocol: length (3, little endian), sequence, payload. */
#define LOGIN_PACKET_HEAD     4
#define LOGIN_PACKET_ERR      0xff
#define LOGIN_PROTOCOL_10     10
/* Of the answer to the trigger, kept to be read */
#define LOGIN_ANSWER_MAX      512
#define LOGIN_COM_QUIT_PACKET "\1\0\0\0\1"

/*
 * The library is loaded when a login is asked for: with all that it needs for
 * TLS it takes five times as long to load as the rest of the program.
 */
static struct {
	__typeof__(mysql_close) *mysql_close;
	__typeof__(mysql_errno) *mysql_errno;
	__typeof__(mysql_error) *mysql_error;
	__typeof__(mysql_get_socket) *mysql_get_socket;
	__typeof__(mysql_init) *mysql_init;
	__typeof__(mysql_server_end) *mysql_server_end;
	__typeof__(mysql_options) *mysql_options;
	__typeof__(mysql_real_connect_cont) *mysql_real_connect_cont;
	__typeof__(mysql_real_connect_start) *mysql_real_connect_start;
} library;

#define LOGIN_ROW(name)                       \
	{                                     \
#name, (void **)&library.name \
	}

static const struct {
	const char *name;
	void **at;
} symbols[] = {
    LOGIN_ROW(mysql_close),
    LOGIN_ROW(mysql_errno),
    LOGIN_ROW(mysql_error),
    LOGIN_ROW(mysql_get_socket),
    LOGIN_ROW(mysql_init),
    LOGIN_ROW(mysql_server_end),
    LOGIN_ROW(mysql_options),
    LOGIN_ROW(mysql_real_connect_cont),
    LOGIN_ROW(mysql_real_connect_start),
};

struct login {
	struct login_ask ask;
};

enum login_phase {
	LOGIN_FRESH,	/* nothing yet */
	LOGIN_UNDERWAY, /* the library is at it */
	LOGIN_DONE,	/* the trigger is due */
	LOGIN_OVER	/* failed */
};

struct login_talk {
	const struct login *login;
	MYSQL *mysql;
	MYSQL *connected; /* mysql, once it is */
	int fd;		  /* our end of the pair; -1 */
	int waits;	  /* MYSQL_WAIT_*: what the library waits for */
	enum login_phase phase;
	int64_t deadline_ns;
	uint8_t greeting[LOGIN_ANSWER_MAX]; /* until it is whole */
	size_t greeting_len;
	bool greeted;
	struct text say; /* what the library wrote */
	bool said;	 /* it was handed out: to be emptied */
	uint8_t answer[LOGIN_ANSWER_MAX];
	size_t answer_len;
};

/* --- the exchange of sockets --- */

static int
login_listen_loopback(struct sockaddr_in *at, struct fault *f)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(at, 0, sizeof(*at));
	at->sin_family = AF_INET;
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd != -1 && bind(fd, (struct sockaddr *)at, sizeof(*at)) == 0 &&
	    listen(fd, 1) == 0 &&
	    getsockname(fd, (struct sockaddr *)at, &len) == 0)
		return fd;
	fault(f, FAULT_SYSTEM,
	    "the loopback takes no listener (%s), which a login needs: ip "
	    "link set lo up",
	    strerror(errno));
	if (fd != -1)
		close(fd);
	return -1;
}

/* Is it the socket that was to be connected to our listener? */
static bool
login_is_toward(int fd, const struct sockaddr_in *at)
{
	struct sockaddr_storage ss;
	struct sockaddr_in in;
	socklen_t len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	if (getpeername(fd, (struct sockaddr *)&ss, &len) == -1)
		return errno == ENOTCONN &&
		    getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
		    ss.ss_family == AF_INET;
	memcpy(&in, &ss, sizeof(in));
	return ss.ss_family == AF_INET && in.sin_port == at->sin_port;
}

/* Puts one end of a pair over the library's socket; the other is ours. */
static int
login_swap_socket(
    struct login_talk *t, const struct sockaddr_in *at, struct fault *f)
{
	int pair[2], theirs = (int)library.mysql_get_socket(t->mysql);
	int rc = 0;

	if (theirs == -1 || !login_is_toward(theirs, at))
		return fault(f, FAULT_INPUT,
		    "the MySQL option file asks for a connection other than "
		    "by TCP: take protocol= and socket= out, or name another "
		    "with --defaults-file");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		pair) == -1)
		return fault(f, FAULT_SYSTEM, "opening a socket pair: %s",
		    strerror(errno));
	if (dup3(pair[0], theirs, O_CLOEXEC) == -1)
		rc = fault(f, FAULT_SYSTEM, "dup3: %s", strerror(errno));
	close(pair[0]);
	if (rc == 0)
		t->fd = pair[1];
	else
		close(pair[1]);
	return rc;
}

/* --- the library --- */

char *
mysql_authentication_dialog_ask(struct st_mysql *mysql, int type,
    const char *prompt, char *buf, int buf_len)
{
	(void)mysql;
	(void)type;
	(void)prompt;
	(void)buf;
	(void)buf_len;
	return NULL;
}

static void
login_set_options(MYSQL *m, const struct login_ask *ask)
{
	/* No file of this host is for a server to ask for. */
	unsigned int no_infile = 0;
	my_bool no = 0;

	library.mysql_options(m, MYSQL_OPT_NONBLOCK, 0);
	library.mysql_options(m, MYSQL_OPT_LOCAL_INFILE, &no_infile);
	if (ask->defaults_file != NULL)
		library.mysql_options(
		    m, MYSQL_READ_DEFAULT_FILE, ask->defaults_file);
	library.mysql_options(m, MYSQL_READ_DEFAULT_GROUP, "rsthop");
	library.mysql_options(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
	library.mysql_options(m, MYSQL_OPT_SSL_ENFORCE, &no);
}

static int
login_begin(struct login_talk *t, int64_t now_ns, struct fault *f)
{
	const struct login_ask *ask = &t->login->ask;
	struct sockaddr_in at;
	int listener, rc = -1;

	t->mysql = library.mysql_init(NULL);
	if (t->mysql == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	login_set_options(t->mysql, ask);
	listener = login_listen_loopback(&at, f);
	if (listener == -1)
		return -1;
	t->phase = LOGIN_UNDERWAY;
	t->deadline_ns = now_ns + LOGIN_WAIT_NS;
	t->waits = library.mysql_real_connect_start(&t->connected, t->mysql,
	    "127.0.0.1", ask->user, NULL, ask->database, ntohs(at.sin_port),
	    NULL, 0);
	if (t->waits == 0)
		login_explain(ask->server, library.mysql_errno(t->mysql),
		    library.mysql_error(t->mysql), f);
	else
		rc = login_swap_socket(t, &at, f);
	close(listener);
	return rc;
}

/* What the library has written. */
static void
login_collect(struct login_talk *t)
{
	uint8_t buf[LOGIN_CHUNK];
	ssize_t got;

	while (t->fd != -1 && (got = read(t->fd, buf, sizeof(buf))) > 0)
		text_add_bytes(&t->say, buf, (size_t)got);
}

/* Of what the library waits for, what is there; 0: nothing yet. */
static int
login_ready_events(const struct login_talk *t)
{
	struct pollfd p = {.fd = (int)library.mysql_get_socket(t->mysql)};
	int events = 0;

	if ((t->waits & MYSQL_WAIT_READ) != 0)
		p.events |= POLLIN;
	if ((t->waits & MYSQL_WAIT_WRITE) != 0)
		p.events |= POLLOUT;
	if (poll(&p, 1, 0) != 1)
		return 0;
	if ((p.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		events |= t->waits & MYSQL_WAIT_READ;
	if ((p.revents & (POLLOUT | POLLHUP | POLLERR)) != 0)
		events |= t->waits & MYSQL_WAIT_WRITE;
	return events;
}

/* Lets it go on as far as it gets. */
static void
login_drive(struct login_talk *t)
{
	int events;

	while (t->waits != 0 && (events = login_ready_events(t)) != 0) {
		t->waits = library.mysql_real_connect_cont(
		    &t->connected, t->mysql, events);
		login_collect(t);
	}
}

/* The library has come to its end: logged in, or not. */
static int
login_conclude(struct login_talk *t, struct talk_step *out, struct fault *f)
{
	const struct login_ask *ask = &t->login->ask;

	if (t->connected == NULL) {
		t->phase = LOGIN_OVER;
		out->failure =
		    login_explain(ask->server, library.mysql_errno(t->mysql),
			library.mysql_error(t->mysql), f);
		return -1;
	}
	t->phase = LOGIN_DONE;
	return 0;
}

/* Hands bytes to the library, which reads as it can. */
static int
login_feed_library(
    struct login_talk *t, const uint8_t *in, size_t n, struct fault *f)
{
	ssize_t put;

	while (n > 0 && t->waits != 0) {
		put = send(t->fd, in, n, MSG_NOSIGNAL);
		if (put == -1)
			return fault(f, FAULT_NETWORK,
			    "%s says more than a login needs: is it a MySQL "
			    "or MariaDB server?",
			    t->login->ask.server);
		in += put;
		n -= (size_t)put;
		login_drive(t);
	}
	return 0;
}

/*
 * The greeting says whether the server knows TLS: a flag among its
 * capabilities, which stand behind the version, the connection's number, eight
 * bytes of salt and one of nothing.  It is taken out, lest an option file lead
 * the library into TLS: no device reads the trigger there, and the handshake
 * would wait for its socket.
 */
static void
login_deny_tls(struct login_talk *t)
{
	uint8_t *p = t->greeting + LOGIN_PACKET_HEAD + 1;
	size_t left = t->greeting_len - LOGIN_PACKET_HEAD - 1;
	uint8_t *end = memchr(p, '\0', left);

	if (t->greeting[LOGIN_PACKET_HEAD] != LOGIN_PROTOCOL_10 || end == NULL)
		return;
	left -= (size_t)(end + 1 - p);
	if (left >= 4 + 8 + 1 + 2)
		end[1 + 4 + 8 + 1 + 1] &= (uint8_t) ~(CLIENT_SSL >> 8);
}

/*
 * Gathers the greeting until it is whole; what is longer is none.  Gives how
 * many of the n bytes it took.
 */
static size_t
login_take_greeting(struct login_talk *t, const uint8_t *in, size_t n)
{
	size_t want, took = 0;

	while (took < n && t->greeting_len < sizeof(t->greeting)) {
		t->greeting[t->greeting_len++] = in[took++];
		want =
		    LOGIN_PACKET_HEAD + (t->greeting[0] | t->greeting[1] << 8);
		if (t->greeting_len <= LOGIN_PACKET_HEAD + 1 ||
		    t->greeting_len < want)
			continue;
		login_deny_tls(t);
		t->greeted = true;
		return took;
	}
	t->greeted = t->greeting_len == sizeof(t->greeting);
	return took;
}

static int
login_feed(struct login_talk *t, const uint8_t *in, size_t n, struct fault *f)
{
	size_t took;

	if (t->greeted)
		return login_feed_library(t, in, n, f);
	took = login_take_greeting(t, in, n);
	if (!t->greeted)
		return 0;
	if (login_feed_library(t, t->greeting, t->greeting_len, f) == -1)
		return -1;
	return login_feed_library(t, in + took, n - took, f);
}

/* --- the answer to the trigger --- */

/* An error packet in place of OK: the trigger was none to the server. */
static int
login_take_answer(struct login_talk *t, const uint8_t *in, size_t n,
    struct talk_step *out, struct fault *f)
{
	const struct login_ask *ask = &t->login->ask;
	const uint8_t *a = t->answer;
	char words[LOGIN_ANSWER_MAX];
	size_t len, room = LOGIN_ANSWER_MAX - t->answer_len;

	if (!ask->uses_database)
		return 0;
	memcpy(t->answer + t->answer_len, in, n < room ? n : room);
	t->answer_len += n < room ? n : room;
	if (t->answer_len < LOGIN_PACKET_HEAD + 3 ||
	    a[LOGIN_PACKET_HEAD] != LOGIN_PACKET_ERR)
		return 0;
	len = LOGIN_PACKET_HEAD +
	    (size_t)(a[0] | a[1] << 8 | (unsigned int)a[2] << 16);
	/* Hostile: too short for what every error has, or not whole yet. */
	if (len < LOGIN_PACKET_HEAD + 3 || len > t->answer_len)
		return 0;
	/* Behind the number: '#', five characters of SQLSTATE, the words. */
	a += LOGIN_PACKET_HEAD + 3;
	len -= LOGIN_PACKET_HEAD + 3;
	if (len >= 6 && a[0] == '#') {
		a += 6;
		len -= 6;
	}
	memcpy(words, a, len);
	words[len] = '\0';
	t->phase = LOGIN_OVER;
	out->failure = login_explain(ask->server,
	    (unsigned int)(t->answer[5] | t->answer[6] << 8), words, f);
	return -1;
}

/* --- the talk --- */

static int
login_step_login(struct login_talk *t, int64_t now_ns, const uint8_t *in,
    size_t n, struct talk_step *out, struct fault *f)
{
	if (t->phase == LOGIN_FRESH && login_begin(t, now_ns, f) == -1) {
		out->failure = TALK_FAIL_FINAL;
		return -1;
	}
	login_drive(t);
	if (login_feed(t, in, n, f) == -1) {
		out->failure = TALK_FAIL_ODD;
		return -1;
	}
	if (t->waits == 0)
		return login_conclude(t, out, f);
	if (now_ns >= t->deadline_ns) {
		out->failure = TALK_FAIL_ODD;
		return fault(f, FAULT_NETWORK,
		    "%s did not finish the login within %d s: see that it is "
		    "a MySQL or MariaDB server, and not overloaded",
		    t->login->ask.server, (int)(LOGIN_WAIT_NS / CLOCK_S));
	}
	return 0;
}

static int
login_step(void *ctx, int64_t now_ns, const uint8_t *in, size_t n,
    struct talk_step *out, struct fault *f)
{
	struct login_talk *t = ctx;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (t->said)
		t->say.len = 0;
	if (t->phase < LOGIN_DONE)
		rc = login_step_login(t, now_ns, in, n, out, f);
	else if (t->phase == LOGIN_DONE)
		rc = login_take_answer(t, in, n, out, f);
	if (t->phase == LOGIN_OVER)
		rc = -1;
	if (rc == -1)
		t->phase = LOGIN_OVER;
	if (t->say.bad)
		rc = fault(f, FAULT_SYSTEM, "out of memory");
	out->say = (const uint8_t *)t->say.p;
	out->say_len = t->say.len;
	t->said = true;
	out->wake_ns = t->phase == LOGIN_UNDERWAY ? t->deadline_ns : INT64_MAX;
	out->state = rc == -1	     ? TALK_FAILED
	    : t->phase == LOGIN_DONE ? TALK_READY
				     : TALK_WAITS;
	return rc;
}

static const uint8_t *
login_bye(void *ctx, size_t *n)
{
	const struct login_talk *t = ctx;

	*n = 0;
	/* A connection that ends without is counted and logged as aborted. */
	if (t->phase != LOGIN_DONE)
		return NULL;
	*n = sizeof(LOGIN_COM_QUIT_PACKET) - 1;
	return (const uint8_t *)LOGIN_COM_QUIT_PACKET;
}

static void
login_talk_free(void *ctx)
{
	struct login_talk *t = ctx;

	if (t->fd != -1)
		close(t->fd);
	t->fd = -1;
	/* The end of the line is the way out of the library's waiting. */
	login_drive(t);
	if (t->mysql != NULL)
		library.mysql_close(t->mysql);
	text_free(&t->say);
	free(t);
}

static int
login_make(void *ctx, struct talk *out, struct fault *f)
{
	struct login_talk *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	t->login = ctx;
	t->fd = -1;
	*out = (struct talk){.ctx = t,
	    .secret = true,
	    .step = login_step,
	    .bye = login_bye,
	    .free = login_talk_free};
	return 0;
}

static int
login_load_library(struct fault *f)
{
	void *so = dlopen(LOGIN_LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (so == NULL)
		return fault(f, FAULT_SYSTEM,
		    "a login needs libmariadb: install the package "
		    "libmariadb3");
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		*symbols[i].at = dlsym(so, symbols[i].name);
		if (*symbols[i].at == NULL)
			return fault(f, FAULT_SYSTEM,
			    "%s has no %s: install the package libmariadb3 of "
			    "this system",
			    LOGIN_LIBRARY, symbols[i].name);
	}
	return 0;
}

int
login_new(const struct login_ask *ask, struct login **out, struct fault *f)
{
	struct login *l;

	if (ask->defaults_file != NULL && access(ask->defaults_file, R_OK) != 0)
		return fault(f, FAULT_INPUT, "cannot read %s: %s",
		    ask->defaults_file, strerror(errno));
	if (login_load_library(f) == -1)
		return -1;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	l->ask = *ask;
	*out = l;
	return 0;
}

void
login_free(struct login *l)
{
	if (l == NULL)
		return;
	free(l);
	library.mysql_server_end();
}

struct talk_maker
login_maker(struct login *l)
{
	return (struct talk_maker){.ctx = l, .make = login_make};
}

#endif
