/*
 * What went wrong: a kind, which picks the exit status, and words for people.
 *
 * A function that can fail returns -1 and fills the struct fault that it was
 * handed.  The words are one line without a newline; they say what is wrong
 * and, where it is known, how to mend it.
 */
#ifndef RSTHOP_FAULT_H
#define RSTHOP_FAULT_H

enum fault_kind {
	FAULT_NONE,
	FAULT_USAGE,	  /* the command line is wrong: exit 2 */
	FAULT_INPUT,	  /* a file or its contents: exit 3 */
	FAULT_PRIVILEGE,  /* not root, no CAP_NET_RAW: exit 3 */
	FAULT_NETWORK,	  /* no route, refused, unknown host: exit 3 */
	FAULT_SYSTEM,	  /* memory, a system call: exit 3 */
	FAULT_INTERRUPTED /* a signal asked for the end: exit 128 + signal */
};

struct fault {
	enum fault_kind kind;
	int signal; /* for FAULT_INTERRUPTED, else 0 */
	char text[320];
};

/* Fills *f (NULL is fine) and returns -1, so that it can end a function. */
int fault(struct fault *f, enum fault_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Records that signal ended the work; returns -1. */
int fault_interrupted(struct fault *f, int signal);

/* Back to no fault. */
void fault_clear(struct fault *f);

/* The process's exit status for this fault; 0 for FAULT_NONE. */
int fault_exit_status(const struct fault *f);

#endif
