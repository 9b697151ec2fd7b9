#include <string.h>
#include <sys/random.h>

#include <rsthop/clock.h>
#include <rsthop/spawn.h>

#include "exec.h"

#define EXEC_RUN_NS (20 * CLOCK_S) /* a client that hangs is ended */

struct client {
	char *const *argv;
	struct spawn_user user;
	bool shown;
	struct spawn *spawn; /* NULL: none runs */
};

static int
exec_client_start(void *ctx, struct fault *f)
{
	struct client *c = ctx;

	return spawn_start(c->argv, &c->user, c->shown, &c->spawn, f);
}

static int
exec_client_fd(void *ctx)
{
	return spawn_fd(((struct client *)ctx)->spawn);
}

static bool
exec_client_has_ended(void *ctx, int *status)
{
	return spawn_has_ended(((struct client *)ctx)->spawn, status);
}

static void
exec_client_stop(void *ctx)
{
	struct client *c = ctx;

	spawn_free(c->spawn);
	c->spawn = NULL;
}

void
exec_borrow_options(char *const *argv, struct before *b)
{
	static const char file[] = "--defaults-file=";
	static const char extra[] = "--defaults-extra-file=";
	static const char user[] = "--user=";

	for (size_t i = 1; argv[i] != NULL; i++) {
		const char *s = argv[i];

		if (b->defaults_file == NULL &&
		    strncmp(s, file, sizeof(file) - 1) == 0)
			b->defaults_file = s + sizeof(file) - 1;
		else if (b->defaults_file == NULL &&
		    strncmp(s, extra, sizeof(extra) - 1) == 0)
			b->defaults_file = s + sizeof(extra) - 1;
		else if (b->user == NULL &&
		    strncmp(s, user, sizeof(user) - 1) == 0)
			b->user = s + sizeof(user) - 1;
	}
}

int
exec_run(char *const *argv, struct active *a, int64_t within_ns,
    struct rerun_result *out, struct fault *f)
{
	struct client c = {.argv = argv,
	    .user = spawn_invoker(),
	    .shown = a->options->verbose};
	struct rerun_client client = {.ctx = &c,
	    .start = exec_client_start,
	    .fd = exec_client_fd,
	    .has_ended = exec_client_has_ended,
	    .stop = exec_client_stop};
	struct rerun_ask ask = {.name = argv[0],
	    .target = a->target,
	    .client = &client,
	    .max_runs = RESULT_EXEC_RUNS,
	    .run_ns = within_ns < EXEC_RUN_NS ? within_ns : EXEC_RUN_NS,
	    .end_ns = a->world.now(a->world.ctx) + within_ns,
	    .progress = progress_say,
	    .progress_ctx = &a->progress};
	int rc;

	if (getrandom(&ask.hash_seed, sizeof(ask.hash_seed), 0) < 0)
		ask.hash_seed = (uint64_t)ask.end_ns;
	rc = rerun_run(&ask, &a->world, out, f);
	exec_client_stop(&c);
	return rc;
}

void
exec_tell(const struct rerun_result *rerun, struct locate_result *r)
{
	if (rerun->failed > 0 && rerun->reset == 0)
		result_note(&r->notes,
		    "Your client failed in %u of its runs, the last time with "
		    "status %d: -v shows its words.",
		    rerun->failed, rerun->status);
	rerun_keep(rerun, &r->evidence);
}
