/*
 * What an infer was told, kept so that infer_explain can tell it again.
 *
 * To see something cannot fail, so want of memory is remembered instead: the
 * record is then lost, and what asks for it later says so.
 */
#include <stdlib.h>
#include <string.h>

#include "infer_int.h"

/* Room for `more` at the end of an array; NULL: out of memory. */
static void *
record_grow(void *array, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap;
	void *p;

	if (array != NULL && need <= n)
		return array;
	while (n < need || n == 0)
		n = n == 0 ? 16 : 2 * n;
	p = realloc(array, n * size);
	if (p != NULL)
		*cap = n;
	return p;
}

static int
record_reserve_shots(struct infer_record *r, size_t more)
{
	struct infer_shot *shots = record_grow(
	    r->shots, &r->cap_shots, r->n_shots + more, sizeof(*shots));

	if (shots == NULL)
		return -1;
	r->shots = shots;
	return 0;
}

static int
record_reserve_trials(struct infer_record *r, size_t more)
{
	struct infer_trial *trials = record_grow(
	    r->trials, &r->cap_trials, r->n_trials + more, sizeof(*trials));

	if (trials == NULL)
		return -1;
	r->trials = trials;
	return 0;
}

static int
record_reserve_given(struct infer_record *r, size_t more)
{
	struct infer_given *given = record_grow(
	    r->given, &r->cap_given, r->n_given + more, sizeof(*given));

	if (given == NULL)
		return -1;
	r->given = given;
	return 0;
}

void
infer_record_trial(struct infer_record *r, const struct infer_trial *t)
{
	if (record_reserve_shots(r, t->n_shots) == -1 ||
	    record_reserve_trials(r, 1) == -1) {
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
	if (record_reserve_given(r, 1) == -1) {
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
	if (record_reserve_shots(&c, 0) == -1 ||
	    record_reserve_trials(&c, 0) == -1 ||
	    record_reserve_given(&c, 0) == -1) {
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
