/*
 * Why a login failed, and how to mend it: one line.
 */
#include <stdio.h>
#include <string.h>

#include <rsthop/text.h>

#include <rsthop/login_faults.h>

#define LOGIN_TEXT_MAX 120 /* of what the server said */

/* What to do about an error; the numbers are the protocol's own. */
static const struct {
	unsigned int error;
	enum talk_failure failure;
	const char *advice;
} advice[] = {
    {1040, TALK_FAIL_BUSY,
	"the server takes no more connections: wait, or raise "
	"max_connections"},
    {1044, TALK_FAIL_FINAL, "name a database that this user may use"},
    {1045, TALK_FAIL_FINAL,
	"give --user, and the password in an option file "
	"(--defaults-file) or in MYSQL_PWD; an account that takes TLS only is "
	"refused as well"},
    {1049, TALK_FAIL_FINAL, "name a database that exists"},
    {1129, TALK_FAIL_FINAL,
	"run FLUSH HOSTS there, and raise max_connect_errors"},
    {1130, TALK_FAIL_FINAL, "run rsthop where the server lets clients in"},
    {1203, TALK_FAIL_BUSY,
	"the user has too many connections open: wait, or raise "
	"max_user_connections"},
    {1226, TALK_FAIL_BUSY, "the account's limit is reached: wait, or raise it"},
    {2003, TALK_FAIL_ODD, "see that the server is up"},
    {2006, TALK_FAIL_ODD, "the server ended the connection during the login"},
    {2012, TALK_FAIL_ODD,
	"is it a MySQL or MariaDB server that listens there?"},
    {2013, TALK_FAIL_ODD, "the server ended the connection during the login"},
    {2026, TALK_FAIL_FINAL,
	"the option file asks for TLS, in which no device can read the "
	"trigger: take its ssl lines out, or name another file with "
	"--defaults-file"},
    {2059, TALK_FAIL_FINAL,
	"give the account another way to log in, "
	"mysql_native_password for instance"},
    {2061, TALK_FAIL_FINAL,
	"give the account another way to log in, "
	"mysql_native_password for instance"},
    {3159, TALK_FAIL_FINAL,
	"the server takes TLS only, in which no device can read the trigger: "
	"run your own client instead, --exec -- CMD"},
};

enum talk_failure
login_explain(
    const char *server, unsigned int error, const char *text, struct fault *f)
{
	struct text safe = {0};
	const char *what = "see the server's log";
	enum talk_failure failure = TALK_FAIL_ODD;

	for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
		if (advice[i].error != error)
			continue;
		what = advice[i].advice;
		failure = advice[i].failure;
	}
	/* 1000 to 1999 and from 3000 on it is the server that said no. */
	if (failure == TALK_FAIL_ODD && (error < 2000 || error >= 3000))
		failure = TALK_FAIL_FINAL;
	text_add_safe(&safe, text, strlen(text), LOGIN_TEXT_MAX);
	/* What a user can mend is no trouble of the network. */
	fault(f, failure == TALK_FAIL_FINAL ? FAULT_INPUT : FAULT_NETWORK,
	    "%s: %s (error %u); %s", server, text_str(&safe), error, what);
	text_free(&safe);
	return failure;
}
