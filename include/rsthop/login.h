/*
 * Logins to MySQL and MariaDB, by libmariadb, as talks: the library speaks the
 * protocol, whoever owns the connection carries its bytes.  Never over TLS: no
 * device could read the trigger there.
 */
#ifndef RSTHOP_LOGIN_H
#define RSTHOP_LOGIN_H

#include <stdbool.h>

#include <rsthop/fault.h>
#include <rsthop/talk.h>

struct login_ask {
	const char *server;	   /* for faults: HOST:PORT */
	const char *user;	   /* NULL: of the option file */
	const char *database;	   /* to begin with; NULL: none */
	const char *defaults_file; /* NULL: the usual option files */
	/* The trigger is COM_INIT_DB: an error as its answer is told. */
	bool uses_database;
};

struct login;

/*
 * Borrows what ask points to.  The password is that of the option file or of
 * MYSQL_PWD; it is never copied here.  FAULT_INPUT for an option file that
 * can't be read, FAULT_USAGE where rsthop was built without libmariadb.
 */
int login_new(const struct login_ask *ask, struct login **out, struct fault *f);
void login_free(struct login *l); /* after all its talks */

struct talk_maker login_maker(struct login *l);

#endif
