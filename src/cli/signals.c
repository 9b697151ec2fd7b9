#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "signals.h"

static void
signals_make_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

int
signals_hold(int *fd, struct fault *f)
{
	sigset_t set;

	signals_make_set(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (*fd < 0)
		return fault(f, FAULT_SYSTEM, "signalfd: %s", strerror(errno));
	return 0;
}

int
signals_take(int fd)
{
	struct signalfd_siginfo si;

	if (fd < 0 || read(fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return 0;
	return (int)si.ssi_signo;
}

void
signals_release(int *fd)
{
	sigset_t set;

	if (*fd < 0)
		return;
	close(*fd);
	*fd = -1;
	signals_make_set(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}
