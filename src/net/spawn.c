#define _GNU_SOURCE /* execvpe, pipe2 */
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rsthop/num.h>
#include <rsthop/spawn.h>

struct spawn {
	pid_t pid;
	int fd; /* a pidfd */
	bool ended;
	int status;
};

static bool
spawn_read_id(const char *name, uint32_t *out)
{
	const char *s = getenv(name);
	struct fault unheard = {0};
	int n;

	if (s == NULL || num_int(name, s, 0, INT32_MAX, &n, &unheard) < 0)
		return false;
	*out = (uint32_t)n;
	return true;
}

struct spawn_user
spawn_invoker(void)
{
	struct spawn_user u = {0};

	u.given = geteuid() == 0 && spawn_read_id("SUDO_UID", &u.uid) &&
	    spawn_read_id("SUDO_GID", &u.gid);
	return u;
}

/* In the child.  -1 with errno. */
static int
spawn_become(const struct spawn_user *user)
{
	const struct passwd *pw = getpwuid(user->uid);

	if (pw != NULL && initgroups(pw->pw_name, user->gid) == -1)
		return -1;
	if (pw == NULL && setgroups(0, NULL) == -1)
		return -1;
	if (setgid(user->gid) == -1 || setuid(user->uid) == -1)
		return -1;
	if (pw != NULL) {
		setenv("HOME", pw->pw_dir, 1);
		setenv("USER", pw->pw_name, 1);
		setenv("LOGNAME", pw->pw_name, 1);
	}
	return 0;
}

static int
spawn_redirect(bool shown)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd == -1 || dup2(fd, STDIN_FILENO) == -1)
		return -1;
	/* Standard output is the report's alone. */
	return dup2(shown ? STDERR_FILENO : fd, STDOUT_FILENO) == -1 ||
		(!shown && dup2(fd, STDERR_FILENO) == -1)
	    ? -1
	    : 0;
}

/* Never returns: the command runs, or errno goes up the pipe. */
static void
spawn_run_child(
    char *const *argv, const struct spawn_user *user, bool shown, int pipe_fd)
{
	sigset_t none;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Whatever those who started us ignore: it runs as from a shell. */
	for (int i = 1; i < SIGRTMIN; i++)
		signal(i, SIG_DFL); /* two of them cannot be caught */
	if (setpgid(0, 0) == 0 && spawn_redirect(shown) == 0 &&
	    (!user->given || spawn_become(user) == 0))
		execvp(argv[0], argv);
	err = errno;
	if (write(pipe_fd, &err, sizeof(err)) != (ssize_t)sizeof(err))
		_exit(126);
	_exit(127);
}

/* What the child could not do; 0: it runs the command. */
static int
spawn_await_exec(int fd)
{
	ssize_t got;
	int err = 0;

	do
		got = read(fd, &err, sizeof(err));
	while (got == -1 && errno == EINTR);
	return got == (ssize_t)sizeof(err) ? err : 0;
}

static int
spawn_fork_child(struct spawn *s, char *const *argv,
    const struct spawn_user *user, bool shown, struct fault *f)
{
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return fault(f, FAULT_SYSTEM, "pipe: %s", strerror(errno));
	s->pid = fork();
	if (s->pid == 0)
		spawn_run_child(argv, user, shown, ends[1]);
	err = errno;
	close(ends[1]);
	if (s->pid == -1) {
		close(ends[0]);
		return fault(f, FAULT_SYSTEM, "fork: %s", strerror(err));
	}
	err = spawn_await_exec(ends[0]);
	close(ends[0]);
	if (err == 0)
		return 0;
	waitpid(s->pid, NULL, 0);
	s->pid = -1;
	return fault(
	    f, FAULT_INPUT, "--exec %.200s: %s", argv[0], strerror(err));
}

int
spawn_start(char *const *argv, const struct spawn_user *user, bool shown,
    struct spawn **out, struct fault *f)
{
	struct spawn *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	s->fd = -1;
	if (spawn_fork_child(s, argv, user, shown, f) == -1)
		goto fail;
	s->fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	if (s->fd == -1) {
		fault(f, FAULT_SYSTEM, "pidfd_open: %s", strerror(errno));
		goto fail;
	}
	*out = s;
	return 0;
fail:
	spawn_free(s);
	return -1;
}

int
spawn_fd(const struct spawn *s)
{
	return s->fd;
}

bool
spawn_has_ended(struct spawn *s, int *status)
{
	int how;

	if (!s->ended && waitpid(s->pid, &how, WNOHANG) == s->pid) {
		s->ended = true;
		s->status =
		    WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
		kill(-s->pid, SIGKILL);
	}
	*status = s->status;
	return s->ended;
}

void
spawn_free(struct spawn *s)
{
	if (s == NULL)
		return;
	if (s->pid > 0 && !s->ended) {
		kill(-s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	if (s->fd != -1)
		close(s->fd);
	free(s);
}
