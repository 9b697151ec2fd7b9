/*
 * What is said on each connection before the trigger, as the user asks for
 * it: a login, a dialogue.
 */
#ifndef RSTHOP_CLI_BEFORE_H
#define RSTHOP_CLI_BEFORE_H

#include <stdbool.h>

#include <rsthop/dialogue.h>
#include <rsthop/login.h>
#include <rsthop/suspect.h>

#include "payload.h"

struct before {
	const char *mysql_use, *mysql_query;
	const char *user, *defaults_file, *ssl_mode;
	const char *dialogue_path;
	bool logged_in;	  /* the connection is there already */
	char server[320]; /* HOST:PORT, for the words of faults */
	struct login_ask ask;
	struct login *login;	   /* owned; NULL: none */
	struct dialogue *dialogue; /* owned; NULL: none */
};

/*
 * MYSQL_PWD stays in the environment, for the library and for the user's own
 * client, but ps shows it no more.
 */
void before_hide_password(void);

/*
 * Whether the options given go together, before any file is read; from: a
 * capture may ask for a login too.
 */
int before_check(const struct before *b, bool from, struct fault *f);

/*
 * Reads files, and takes the trigger and the control out of them, or makes
 * them, where *p has none of its own.
 */
int before_load(struct before *b, const char *host, uint16_t port,
    struct payload *p, struct fault *f);

/*
 * A login as one that a capture holds: its user unless --user names another,
 * in its database.  *s must outlive *b.
 */
int before_take_login(struct before *b, const struct suspect *s,
    const char *host, uint16_t port, struct fault *f);

/* make NULL: nothing is said before.  *b must outlive what it makes. */
struct talk_maker before_maker(const struct before *b);

/* What that is. */
enum result_before before_kind(const struct before *b);

void before_free(struct before *b);

#endif
