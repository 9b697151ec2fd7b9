#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <unistd.h>

#include <rsthop/num.h>

#include "before.h"

static bool
before_is_mysql(const struct before *b)
{
	return b->mysql_use != NULL || b->mysql_query != NULL;
}

static int
before_check_ssl_mode(const struct before *b, struct fault *f)
{
	if (b->ssl_mode == NULL || strcasecmp(b->ssl_mode, "disabled") == 0)
		return 0;
	return fault(f, FAULT_USAGE,
	    "--ssl-mode: only 'disabled' is there, for no device can read a "
	    "trigger within TLS; to reproduce with TLS run your own client: "
	    "--exec -- CMD");
}

int
before_check(const struct before *b, bool from, struct fault *f)
{
	const char *loose = b->user != NULL ? "--user"
	    : b->defaults_file != NULL	    ? "--defaults-file"
	    : b->ssl_mode != NULL	    ? "--ssl-mode"
					    : NULL;

	if (before_is_mysql(b) && b->dialogue_path != NULL)
		return fault(f, FAULT_USAGE,
		    "--dialogue does not go with a MySQL login; leave one "
		    "of them out");
	if (loose != NULL && !before_is_mysql(b) && !from)
		return fault(f, FAULT_USAGE,
		    "%s goes with --mysql-use or --mysql-query", loose);
	return before_check_ssl_mode(b, f);
}

/*
 * Under sudo the option files are those of whom it was invoked by: it is his
 * client that is reset, and root seldom has any.
 */
static void
before_borrow_home(void)
{
	const char *uid = getenv("SUDO_UID");
	const struct passwd *pw;
	struct fault unheard = {0};
	int n;

	if (uid == NULL || geteuid() != 0 ||
	    num_int("SUDO_UID", uid, 0, INT32_MAX, &n, &unheard) < 0)
		return;
	pw = getpwuid((uid_t)n);
	if (pw != NULL && pw->pw_dir != NULL)
		setenv("HOME", pw->pw_dir, 1);
}

/* What was there when the process began is shown, a copy made since is not. */
void
before_hide_password(void)
{
	char *shown = getenv("MYSQL_PWD");
	char *copy = shown != NULL ? strdup(shown) : NULL;

	if (copy == NULL)
		return;
	memset(shown, 0, strlen(shown));
	setenv("MYSQL_PWD", copy, 1);
	memset(copy, 0, strlen(copy));
	free(copy);
}

static int
before_load_login(
    struct before *b, const char *user, const char *database, struct fault *f)
{
	before_borrow_home();
	b->ask = (struct login_ask){.server = b->server,
	    .user = user,
	    .database = database,
	    .defaults_file = b->defaults_file,
	    .uses_database = b->mysql_query == NULL};
	return login_new(&b->ask, &b->login, f);
}

static int
before_load_dialogue(struct before *b, struct payload *p, struct fault *f)
{
	const uint8_t *trigger, *control;
	size_t n_trigger, n_control;

	if (dialogue_load(b->dialogue_path, &b->dialogue, f) < 0)
		return -1;
	trigger = dialogue_trigger(b->dialogue, &n_trigger);
	control = dialogue_control(b->dialogue, &n_control);
	if (p->from == RESULT_TRIGGER_NONE && trigger == NULL)
		return fault(f, FAULT_INPUT,
		    "%s has no trigger line: add one, or give --payload",
		    b->dialogue_path);
	if (p->from != RESULT_TRIGGER_NONE && trigger != NULL)
		return fault(f, FAULT_USAGE,
		    "%s has a trigger of its own; take its trigger line out, "
		    "or leave --payload out",
		    b->dialogue_path);
	if (trigger != NULL &&
	    payload_set_bytes(
		p, RESULT_TRIGGER_DIALOGUE, trigger, n_trigger, f) < 0)
		return -1;
	return control == NULL || p->control != NULL
	    ? 0
	    : payload_set_control_bytes(p, control, n_control, f);
}

int
before_load(struct before *b, const char *host, uint16_t port,
    struct payload *p, struct fault *f)
{
	snprintf(b->server, sizeof(b->server), "%s:%u", host, port);
	if (before_is_mysql(b) && !b->logged_in)
		return before_load_login(b, b->user, NULL, f);
	return b->dialogue_path != NULL ? before_load_dialogue(b, p, f) : 0;
}

int
before_take_login(struct before *b, const struct suspect *s, const char *host,
    uint16_t port, struct fault *f)
{
	const char *user = b->user;

	snprintf(b->server, sizeof(b->server), "%s:%u", host, port);
	if (user == NULL && s->user[0] != '\0')
		user = s->user;
	return before_load_login(
	    b, user, s->database[0] != '\0' ? s->database : NULL, f);
}

struct talk_maker
before_maker(const struct before *b)
{
	struct talk_maker none = {0};

	if (b->login != NULL)
		return login_maker(b->login);
	return b->dialogue != NULL ? dialogue_maker(b->dialogue) : none;
}

enum result_before
before_kind(const struct before *b)
{
	if (b->login != NULL)
		return RESULT_BEFORE_LOGIN;
	return b->dialogue != NULL ? RESULT_BEFORE_DIALOGUE
				   : RESULT_BEFORE_NOTHING;
}

void
before_free(struct before *b)
{
	login_free(b->login);
	dialogue_free(b->dialogue);
	memset(b, 0, sizeof(*b));
}
