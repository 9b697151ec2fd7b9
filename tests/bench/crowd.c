/*
 * Many short TCP connections a second, both ends of them, for watching.
 *
 * usage: crowd serve PORT
 *	  crowd call ADDRESS PORT RATE SECONDS TEXT
 *
 * serve echoes, and says "ready" once it listens.  call opens RATE connections
 * a second, sends TEXT in each, and closes it once anything comes back: data
 * or a reset.  It says how many it opened, how many were reset, answered or
 * still silent at the end, and the seconds that it took.
 */
#define _GNU_SOURCE /* accept4 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rsthop/addr.h>
#include <rsthop/clock.h>
#include <rsthop/num.h>

#define EVENTS	 256
#define LINGER_S 2 /* what is silent then stays so */

struct tally {
	unsigned long opened, reset, answered, failed;
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

static int
number(const char *what, const char *s, int hi)
{
	struct fault f;
	int n;

	if (num_int(what, s, 1, hi, &n, &f) != 0)
		errx(2, "%s", f.text);
	return n;
}

/* Each connection takes a descriptor. */
static void
raise_bound(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

static void
add_to(int ep, int fd, unsigned int events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) != 0)
		err(1, "epoll_ctl");
}

/* --- the server --- */

static int
listen_at(int port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	int one = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	sin.sin_port = htons((uint16_t)port);
	if (s < 0 ||
	    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(s, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    listen(s, 4096) != 0)
		err(1, "listening on %d", port);
	return s;
}

static void
take_all(int ep, int listener)
{
	int s;

	while ((s = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		add_to(ep, s, EPOLLIN);
}

static void
echo(int s)
{
	char buf[4096];
	ssize_t n = read(s, buf, sizeof(buf));

	if (n > 0 && write(s, buf, (size_t)n) == n)
		return;
	if (n < 0 && errno == EAGAIN)
		return;
	close(s);
}

static void
serve(int port)
{
	struct epoll_event ev[EVENTS];
	int listener = listen_at(port), ep = epoll_create1(0);

	add_to(ep, listener, EPOLLIN);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(ep, ev, EVENTS, -1);

		for (int i = 0; i < n; i++)
			if (ev[i].data.fd == listener)
				take_all(ep, listener);
			else
				echo(ev[i].data.fd);
	}
}

/* --- the client --- */

static void
begin(int ep, const struct sockaddr *sa, socklen_t len, struct tally *t)
{
	int s = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (s < 0 || (connect(s, sa, len) != 0 && errno != EINPROGRESS)) {
		t->failed++;
		if (s >= 0)
			close(s);
		return;
	}
	t->opened++;
	add_to(ep, s, EPOLLOUT);
}

static void
go_on(int ep, const struct epoll_event *e, const char *text, struct tally *t)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = e->data.fd};
	char buf[4096];
	ssize_t n;
	size_t len = strlen(text);

	if ((e->events & EPOLLOUT) != 0 && (e->events & EPOLLERR) == 0) {
		if (write(e->data.fd, text, len) == (ssize_t)len) {
			epoll_ctl(ep, EPOLL_CTL_MOD, e->data.fd, &ev);
			return;
		}
	}
	n = read(e->data.fd, buf, sizeof(buf));
	if (n < 0 && errno == EAGAIN)
		return;
	t->reset += n < 0 && errno == ECONNRESET;
	t->failed += n < 0 && errno != ECONNRESET;
	t->answered += n >= 0;
	close(e->data.fd);
}

static void
call(const struct endpoint *to, int rate, int seconds, const char *text)
{
	struct sockaddr_storage ss;
	socklen_t len = endpoint_to_sockaddr(to, &ss);
	struct epoll_event ev[EVENTS];
	struct tally t = {0};
	int ep = epoll_create1(0);
	unsigned long want = (unsigned long)rate * (unsigned long)seconds;
	int64_t begun = now_ns(), ended = 0, now;

	do {
		now = now_ns();
		while (t.opened + t.failed < want &&
		    (now - begun) / CLOCK_US * rate / 1000000 >
			(int64_t)(t.opened + t.failed))
			begin(ep, (struct sockaddr *)&ss, len, &t);
		if (ended == 0 && t.opened + t.failed >= want)
			ended = now;
		int n = epoll_wait(ep, ev, EVENTS, 1);

		for (int i = 0; i < n; i++)
			go_on(ep, &ev[i], text, &t);
	} while (t.reset + t.answered + t.failed < want &&
	    (ended == 0 || now - ended < LINGER_S * CLOCK_S));
	printf("{\"opened\": %lu, \"reset\": %lu, \"answered\": %lu, "
	       "\"failed\": %lu, \"seconds\": %.3f}\n",
	    t.opened, t.reset, t.answered, t.failed,
	    (double)(ended - begun) / (double)CLOCK_S);
}

int
main(int argc, char **argv)
{
	struct endpoint to;

	raise_bound();
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(number("PORT", argv[2], UINT16_MAX));
	if (argc != 7 || strcmp(argv[1], "call") != 0 ||
	    addr_parse(argv[2], &to.addr) != 0)
		errx(2,
		    "usage: crowd serve PORT | crowd call ADDRESS PORT "
		    "RATE SECONDS TEXT");
	to.port = (uint16_t)number("PORT", argv[3], UINT16_MAX);
	call(&to, number("RATE", argv[4], 1000000),
	    number("SECONDS", argv[5], 3600), argv[6]);
	return 0;
}
