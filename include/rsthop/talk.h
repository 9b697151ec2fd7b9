/*
 * A talk: what is said on a connection before the trigger, so that it stands
 * where the application's stood when it was reset: a login, a dialogue.  Bytes
 * from the server in, bytes for it out; whoever owns the connection carries
 * them, and the time, back and forth.  A talk does no I/O of its own.
 *
 * One talk serves one connection.  A maker makes as many as there are
 * connections.
 */
#ifndef RSTHOP_TALK_H
#define RSTHOP_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>

enum talk_state {
	TALK_WAITS, /* for bytes of the server, or for wake_ns */
	TALK_READY, /* the trigger is due; what comes now answers it */
	TALK_FAILED /* struct fault says why */
};

/* Why a talk failed: what whoever repeats it should make of that. */
enum talk_failure {
	TALK_FAIL_NONE,
	TALK_FAIL_FINAL, /* the next one fails as well: password, TLS only */
	TALK_FAIL_BUSY,	 /* the server is full, or minds so many: back off */
	TALK_FAIL_ODD	 /* no answer in time, or not the one expected */
};

struct talk_step {
	enum talk_state state;
	enum talk_failure failure;
	const uint8_t
	    *say; /* to be sent now; the talk's, until its next call */
	size_t say_len;
	int64_t wake_ns; /* call step again then, at the latest; INT64_MAX */
};

struct talk {
	void *ctx;
	bool secret; /* what is said before TALK_READY is not to be kept */
	/*
	 * Takes n bytes of the server's, any number, cut anywhere; now_ns on a
	 * clock that never goes back.  The first call, once the connection is
	 * open, has n 0.  -1 where state is TALK_FAILED, with the fault.  After
	 * TALK_READY it may still fail: the answer to the trigger was no.
	 */
	int (*step)(void *ctx, int64_t now_ns, const uint8_t *in, size_t n,
	    struct talk_step *out, struct fault *f);
	/* The last words to a connection that is still open; NULL: none. */
	const uint8_t *(*bye)(void *ctx, size_t *n);
	void (*free)(void *ctx);
};

/* Frees what it owns, and leaves none.  One that was none is fine. */
void talk_free(struct talk *t);

/* Makes a talk for one more connection; *out is the caller's to free. */
struct talk_maker {
	void *ctx; /* NULL make: no talk, the trigger comes first */
	int (*make)(void *ctx, struct talk *out, struct fault *f);
};

#endif
