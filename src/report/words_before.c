/* Sentences on what came before the trigger. */
#include <string.h>

#include <rsthop/trigger.h>

#include "words.h"

#define WORDS_BEFORE_SHOWN 40 /* bytes of a name or statement in a sentence */

/* "COM_INIT_DB testdb", "the trigger" */
static void
words_before_add_trigger(struct text *t, const struct locate_result *r)
{
	struct trigger what;

	if (!trigger_parse(
		r->trigger_bytes, r->trigger_len, r->trigger_len, &what)) {
		text_add(t, "the trigger");
		return;
	}
	text_add(t, what.command);
	if (what.key[0] == '\0')
		return;
	text_add(t, " ");
	text_add_safe(t, what.key, strlen(what.key), WORDS_BEFORE_SHOWN);
	if (strlen(what.key) > WORDS_BEFORE_SHOWN)
		text_add(t, "...");
}

static void
words_before_add_said(struct text *t, const struct locate_result *r)
{
	enum result_before before = r->trigger != RESULT_TRIGGER_NONE
	    ? r->before
	    : RESULT_BEFORE_NOTHING;

	switch (before) {
	case RESULT_BEFORE_NOTHING:
		return;
	case RESULT_BEFORE_LOGIN:
		text_add(t, "Logged in as the application does, then sent ");
		break;
	case RESULT_BEFORE_DIALOGUE:
		text_add(t, "Followed the dialogue, then sent ");
		break;
	case RESULT_BEFORE_RECORDED:
		text_add(t,
		    r->trigger == RESULT_TRIGGER_EXEC
			? "Said what your client says, then sent "
			: "Said what the capture holds, then sent ");
		break;
	}
	words_before_add_trigger(t, r);
	text_add(t, ".");
}

static void
words_before_add_attached(struct text *t, const struct locate_result *r)
{
	text_add(t, "Injected into the open connection from ");
	words_endpoint(t, &r->head.source);
	text_add(t, "; no trigger was to reach the server.");
}

/* Its resets are the evidence of what follows. */
static void
words_before_add_exec(struct text *t, const struct locate_result *r)
{
	text_addf(t, "Your client was reset in %u of ", r->exec_resets);
	words_count(t, r->exec_runs, "run", "runs");
	text_add(t, ". ");
}

void
words_before(struct text *t, const struct locate_result *r)
{
	if (r->attached) {
		words_before_add_attached(t, r);
		return;
	}
	if (r->exec_runs > 0 &&
	    (r->trigger != RESULT_TRIGGER_NONE || r->n_given_ttls > 0))
		words_before_add_exec(t, r);
	words_before_add_said(t, r);
}
