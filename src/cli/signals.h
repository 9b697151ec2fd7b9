/*
 * SIGINT and SIGTERM as a descriptor, while a job runs: they end the job, not
 * the program.
 */
#ifndef RSTHOP_CLI_SIGNALS_H
#define RSTHOP_CLI_SIGNALS_H

#include <rsthop/fault.h>

/* Blocks them; *fd can be read from once one has come. */
int signals_hold(int *fd, struct fault *f);

/* One that came and was not taken before; 0: none. */
int signals_take(int fd);

/* Back to how it was; *fd becomes -1.  Fine where it is -1. */
void signals_release(int *fd);

#endif
