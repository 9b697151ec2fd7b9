/*
 * Follows a dialogue on a real connection, then sends its trigger.
 *
 *	talk FILE ADDRESS PORT
 *
 * Each line on stdout is "<" or ">" and a text as it was heard or said, with C
 * escapes; "ready" before the trigger.  Status 0 where it came to that, 1
 * where the talk failed, 2 for anything else.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rsthop/clock.h>
#include <rsthop/dialogue.h>
#include <rsthop/text.h>

#define AFTER_MS 500 /* how long the answer to the trigger may take */

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * CLOCK_S + ts.tv_nsec;
}

static void
show(char which, const uint8_t *p, size_t n)
{
	struct text t = {0};

	text_add_safe(&t, p, n, SIZE_MAX);
	printf("%c %s\n", which, text_str(&t));
	fflush(stdout);
	text_free(&t);
}

static int
dial(const char *address, const char *port)
{
	struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *ai;
	int fd, rc;

	rc = getaddrinfo(address, port, &hints, &ai);
	if (rc != 0)
		errx(2, "%s: %s", address, gai_strerror(rc));
	fd = socket(ai->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		err(2, "%s port %s", address, port);
	freeaddrinfo(ai);
	return fd;
}

static void
say(int fd, const uint8_t *p, size_t n)
{
	show('>', p, n);
	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k < 0)
			err(2, "send");
		p += k;
		n -= (size_t)k;
	}
}

/* Up to size bytes that come until then; 0 at the end of time or speech. */
static size_t
hear(int *fd, int64_t until_ns, uint8_t *buf, size_t size)
{
	struct pollfd p = {.fd = *fd, .events = POLLIN};
	int64_t left_ns = until_ns - now_ns();
	ssize_t n;

	if (left_ns < 0)
		left_ns = 0;
	if (left_ns > 60 * CLOCK_S)
		left_ns = 60 * CLOCK_S;
	if (poll(&p, 1, (int)((left_ns + CLOCK_MS - 1) / CLOCK_MS)) <= 0)
		return 0;
	n = recv(*fd, buf, size, 0);
	if (n > 0) {
		show('<', buf, (size_t)n);
		return (size_t)n;
	}
	printf("%s\n", n == 0 ? "closed" : strerror(errno));
	close(*fd);
	*fd = -1;
	return 0;
}

static void
follow(struct talk *t, int *fd)
{
	struct talk_step s = {0};
	struct fault f = {0};
	uint8_t buf[65536];
	size_t n = 0;

	for (;;) {
		if (t->step(t->ctx, now_ns(), buf, n, &s, &f) < 0)
			errx(1, "%s", f.text);
		if (s.say_len > 0)
			say(*fd, s.say, s.say_len);
		if (s.state == TALK_READY)
			return;
		n = hear(fd, s.wake_ns, buf, sizeof(buf));
		if (*fd < 0)
			errx(1, "the server ended the talk");
	}
}

int
main(int argc, char **argv)
{
	struct dialogue *d;
	struct fault f = {0};
	struct talk_maker m;
	uint8_t buf[65536];
	const uint8_t *trigger;
	struct talk t;
	int64_t end_ns;
	size_t n;
	int fd;

	if (argc != 4)
		errx(2, "usage: talk FILE ADDRESS PORT");
	if (dialogue_load(argv[1], &d, &f) < 0)
		errx(2, "%s", f.text);
	m = dialogue_maker(d);
	if (m.make(m.ctx, &t, &f) < 0)
		errx(2, "%s", f.text);
	fd = dial(argv[2], argv[3]);
	follow(&t, &fd);
	printf("ready\n");
	trigger = dialogue_trigger(d, &n);
	if (trigger != NULL)
		say(fd, trigger, n);
	end_ns = now_ns() + AFTER_MS * CLOCK_MS;
	while (fd >= 0 && hear(&fd, end_ns, buf, sizeof(buf)) > 0)
		;
	t.free(t.ctx);
	dialogue_free(d);
	return 0;
}
