/*
 * spawn: commands run, watched and ended, with all that they left.
 */
#define _GNU_SOURCE /* O_TMPFILE */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <rsthop/spawn.h>

#include "proves.h"

#define SOON_MS 10000 /* far more than anything here takes */

static char folder[] = "/tmp/rsthop-spawn-XXXXXX";

static struct spawn *
start_as(const struct spawn_user *user, bool shown, const char *script)
{
	char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
	    (char *)(uintptr_t)script, NULL};
	struct spawn *s = NULL;
	struct fault f = {0};

	if (spawn_start(argv, user, shown, &s, &f) == -1)
		fail_msg("%s", f.text);
	return s;
}

static struct spawn *
start(const char *script)
{
	struct spawn_user me = {0};

	return start_as(&me, false, script);
}

static int
await(struct spawn *s)
{
	struct pollfd p = {.fd = spawn_fd(s), .events = POLLIN};
	int status = -1;

	assert_int_equal(poll(&p, 1, SOON_MS), 1);
	assert_true(spawn_has_ended(s, &status));
	return status;
}

/* A file that the command wrote, without its last newline. */
static void
read_file(const char *name, char *out, size_t size)
{
	char path[128];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(out, 1, size - 1, f);
	fclose(f);
	unlink(path);
	while (n > 0 && out[n - 1] == '\n')
		n--;
	out[n] = '\0';
}

/* Ours to reap, for we are its subreaper once its parent is gone. */
static void
expect_gone(pid_t pid)
{
	for (int i = 0; i < SOON_MS; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (kill(pid, 0) == -1 && errno == ESRCH)
			return;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	fail_msg("process %d was left", (int)pid);
}

static void
test_status(void **state)
{
	struct spawn *s;

	(void)state;
	s = start("exit 0");
	assert_int_equal(await(s), 0);
	spawn_free(s);
	s = start("exit 7");
	assert_int_equal(await(s), 7);
	assert_int_equal(await(s), 7);
	spawn_free(s);
	s = start("kill -TERM $$");
	assert_int_equal(await(s), 128 + SIGTERM);
	spawn_free(s);
}

static void
test_runs_on(void **state)
{
	struct spawn *s = start("sleep 600");
	struct pollfd p = {.fd = spawn_fd(s), .events = POLLIN};
	int status = 5;

	(void)state;
	assert_false(spawn_has_ended(s, &status));
	assert_int_equal(poll(&p, 1, 20), 0);
	spawn_free(s);
	spawn_free(NULL);
}

static void
test_not_found(void **state)
{
	static const char *const wrong[] = {
	    "/no/such/client", "/etc/passwd", "no-such-client-anywhere"};
	struct spawn_user me = {0};
	struct spawn *s = NULL;
	struct fault f;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *argv[] = {(char *)(uintptr_t)wrong[i], NULL};

		f = (struct fault){0};
		assert_int_equal(spawn_start(argv, &me, false, &s, &f), -1);
		assert_null(s);
		assert_int_equal(f.kind, FAULT_INPUT);
		assert_non_null(strstr(f.text, wrong[i]));
		assert_null(strchr(f.text, '\n'));
	}
	/* Nothing is left of the attempts. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* It, its child, and a child that it left. */
static void
test_group(void **state)
{
	char words[64], script[256];
	struct spawn *s;
	int child;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (int ends = 0; ends < 2; ends++) {
		snprintf(script, sizeof(script),
		    "sleep 600 & echo $! > %s/child.new; mv %s/child.new "
		    "%s/child; %s",
		    folder, folder, folder, ends != 0 ? "exit 3" : "wait");
		s = start(script);
		if (ends != 0)
			assert_int_equal(await(s), 3);
		snprintf(script, sizeof(script), "%s/child", folder);
		for (int i = 0; access(script, R_OK) != 0; i++) {
			assert_true(i < SOON_MS);
			usleep(1000);
		}
		read_file("child", words, sizeof(words));
		child = atoi(words);
		assert_true(child > 1);
		spawn_free(s);
		expect_gone(child);
	}
}

/* Its group is its own: a signal to ours does not reach it, nor ours it. */
static void
test_own_group(void **state)
{
	char script[128], words[64];
	struct spawn *s;

	(void)state;
	snprintf(script, sizeof(script),
	    "cut -d' ' -f5 /proc/$$/stat > %s/group; echo $$ >> %s/group",
	    folder, folder);
	s = start(script);
	assert_int_equal(await(s), 0);
	read_file("group", words, sizeof(words));
	assert_non_null(strchr(words, '\n'));
	*strchr(words, '\n') = '\0';
	assert_string_equal(words, words + strlen(words) + 1);
	assert_int_not_equal(atoi(words), (int)getpgrp());
	spawn_free(s);
}

/* Standard input is empty; what it prints goes nowhere, or to stderr. */
static void
test_streams(void **state)
{
	struct spawn_user me = {0};
	char printed[2][64];
	int kept[2], files[2];
	struct spawn *s;

	(void)state;
	for (int shown = 0; shown < 2; shown++) {
		fflush(NULL);
		for (int i = 0; i < 2; i++) {
			kept[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, 3);
			files[i] =
			    open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
			assert_true(kept[i] != -1 && files[i] != -1);
			dup2(files[i], i + 1);
		}
		s = start_as(
		    &me, shown == 1, "cat && echo out && echo err >&2");
		for (int i = 0; i < 2; i++) {
			dup2(kept[i], i + 1);
			close(kept[i]);
		}
		assert_int_equal(await(s), 0);
		spawn_free(s);
		for (int i = 0; i < 2; i++) {
			ssize_t n = pread(
			    files[i], printed[i], sizeof(printed[i]) - 1, 0);

			assert_true(n >= 0);
			printed[i][n] = '\0';
			close(files[i]);
		}
		assert_string_equal(printed[0], "");
		assert_string_equal(printed[1], shown != 0 ? "out\nerr\n" : "");
	}
}

/* Blocked or ignored here, it is not there. */
static void
test_signals(void **state)
{
	char script[128], words[128];
	unsigned long long blocked, ignored;
	sigset_t set, old;
	struct spawn *s;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	snprintf(script, sizeof(script),
	    "grep -E 'SigBlk|SigIgn' /proc/self/status > %s/signals", folder);
	s = start(script);
	assert_int_equal(await(s), 0);
	spawn_free(s);
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, SIG_DFL);
	read_file("signals", words, sizeof(words));
	/* From 32 on they are the C library's and real-time ones. */
	assert_int_equal(
	    sscanf(words, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	assert_int_equal(blocked & 0x7fffffff, 0);
	assert_int_equal(ignored & 0x7fffffff, 0);
}

static void
test_user(void **state)
{
	struct spawn_user nobody = {.given = true, .uid = 65534, .gid = 65534};
	char script[256], words[512];
	struct spawn *s;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(folder, 0777), 0);
	snprintf(script, sizeof(script),
	    "(id -u; id -g; id -G; grep CapEff /proc/self/status; "
	    "echo $USER) > %s/who",
	    folder);
	s = start_as(&nobody, false, script);
	assert_int_equal(await(s), 0);
	spawn_free(s);
	read_file("who", words, sizeof(words));
	assert_string_equal(
	    words, "65534\n65534\n65534\nCapEff:\t0000000000000000\nnobody");
}

/* One of whom the system knows nothing: no groups but his own. */
static void
test_unknown_user(void **state)
{
	struct spawn_user other = {.given = true, .uid = 54321, .gid = 54322};
	char script[128], words[128];
	struct spawn *s;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(folder, 0777), 0);
	snprintf(script, sizeof(script),
	    "(id -u; id -g; id -G) > %s/who 2>/dev/null", folder);
	s = start_as(&other, false, script);
	await(s);
	spawn_free(s);
	read_file("who", words, sizeof(words));
	assert_string_equal(words, "54321\n54322\n54322");
}

static void
expect_invoker(const char *uid, const char *gid, bool given)
{
	struct spawn_user u;

	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	if (uid != NULL)
		setenv("SUDO_UID", uid, 1);
	if (gid != NULL)
		setenv("SUDO_GID", gid, 1);
	u = spawn_invoker();
	assert_int_equal(u.given, given && geteuid() == 0);
	if (u.given) {
		assert_int_equal(u.uid, 1000);
		assert_int_equal(u.gid, 1001);
	}
}

static void
test_invoker(void **state)
{
	(void)state;
	expect_invoker("1000", "1001", true);
	expect_invoker(NULL, NULL, false);
	expect_invoker("1000", NULL, false);
	expect_invoker("-1", "1001", false);
	expect_invoker("1000x", "1001", false);
	expect_invoker("", "", false);
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES(
		"a command's exit status, or its signal, is told", test_status),
	    PROVES("one that runs on is not said to have ended", test_runs_on),
	    PROVES("one that cannot be started is named, and leaves nothing",
		test_not_found),
	    PROVES("what it started ends with it, also what outlives it",
		test_group),
	    PROVES("it leads a group of its own", test_own_group),
	    PROVES("it reads nothing, and prints nothing unless shown",
		test_streams),
	    PROVES("it has the signals as they are by default", test_signals),
	    PROVES("as another user it has his groups, his name and no "
		   "capability",
		test_user),
	    PROVES(
		"also as one that the system does not know", test_unknown_user),
	    PROVES(
		"sudo's variables count where both are numbers", test_invoker),
	};

	return cmocka_run_group_tests_name(
	    "spawn", tests, make_folder, remove_folder);
}
