/*
 * Why a login failed, in words.
 */
#ifndef RSTHOP_LOGIN_FAULTS_H
#define RSTHOP_LOGIN_FAULTS_H

#include <rsthop/fault.h>
#include <rsthop/talk.h>

struct st_mysql;

/*
 * The library's plugin `dialog` calls this by its name for whatever a server
 * asks beyond the password; without it, it would print the question on
 * standard output and read the answer from standard input.  Nobody is there to
 * answer: NULL.
 */
char *mysql_authentication_dialog_ask(struct st_mysql *mysql, int type,
    const char *prompt, char *buf, int buf_len);

/*
 * From an error's number and text, as libmariadb or the server gave them: the
 * text is the server's, hence hostile.  server: HOST:PORT, for the words.
 * Fills *f, gives what to make of it.
 */
enum talk_failure login_explain(
    const char *server, unsigned int error, const char *text, struct fault *f);

#endif
