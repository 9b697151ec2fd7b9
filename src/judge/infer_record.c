/*
 * What an infer was told, kept so that infer_explain can tell it again.
 *
 * To see something cannot fail, so want of memory is remembered instead: the
 * record is then lost, and what asks for it later says so.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/vec.h>

#include "infer_int.h"

void
infer_record_trial(struct infer_record *r, const struct infer_trial *t)
{
	if (vec_grow(&r->shots, r->n_shots + t->n_shots, &r->cap_shots,
		sizeof(*r->shots)) == -1 ||
	    VEC_ROOM(r->trials, r->n_trials, r->cap_trials) == -1) {
		r->is_lost = true;
		return;
	}
	if (t->n_shots > 0)
		memcpy(&r->shots[r->n_shots], t->shots,
		    t->n_shots * sizeof(*t->shots));
	r->trials[r->n_trials] = *t;
	r->trials[r->n_trials++].shots = NULL;
	r->n_shots += t->n_shots;
}

void
infer_record_given(struct infer_record *r, int rst_ttl, int client_ttl)
{
	if (VEC_ROOM(r->given, r->n_given, r->cap_given) == -1) {
		r->is_lost = true;
		return;
	}
	r->given[r->n_given++] = (struct infer_given){rst_ttl, client_ttl};
}

void
infer_record_clear(struct infer_record *r)
{
	struct infer_record empty = {.shots = r->shots,
	    .cap_shots = r->cap_shots,
	    .trials = r->trials,
	    .cap_trials = r->cap_trials,
	    .given = r->given,
	    .cap_given = r->cap_given};

	*r = empty;
}

void
infer_record_free(struct infer_record *r)
{
	free(r->shots);
	free(r->trials);
	free(r->given);
	memset(r, 0, sizeof(*r));
}

int
infer_record_copy(const struct infer_record *r, struct infer_record *out)
{
	struct infer_record c = *r;

	c.shots = NULL;
	c.trials = NULL;
	c.given = NULL;
	c.cap_shots = c.cap_trials = c.cap_given = 0;
	if (vec_grow(&c.shots, r->n_shots, &c.cap_shots, sizeof(*c.shots)) ==
		-1 ||
	    vec_grow(&c.trials, r->n_trials, &c.cap_trials,
		sizeof(*c.trials)) == -1 ||
	    vec_grow(&c.given, r->n_given, &c.cap_given, sizeof(*c.given)) ==
		-1) {
		infer_record_free(&c);
		return -1;
	}
	if (r->n_shots > 0)
		memcpy(c.shots, r->shots, r->n_shots * sizeof(*c.shots));
	if (r->n_trials > 0)
		memcpy(c.trials, r->trials, r->n_trials * sizeof(*c.trials));
	if (r->n_given > 0)
		memcpy(c.given, r->given, r->n_given * sizeof(*c.given));
	*out = c;
	return 0;
}
