/*
 * What the parts of login share: why a login failed, in words.
 */
#ifndef RSTHOP_NET_LOGIN_INT_H
#define RSTHOP_NET_LOGIN_INT_H

#include <rsthop/login.h>

/*
 * From an error's number and text, as libmariadb or the server gave them: the
 * text is the server's, hence hostile.  Fills *f, gives what to make of it.
 */
enum talk_failure login_explain(const struct login_ask *ask, unsigned int error,
    const char *text, struct fault *f);

#endif
