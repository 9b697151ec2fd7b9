/*
 * What is believed of the device: the posterior, from all that the rounds have
 * shown.  belief.c alone writes it.
 */
#ifndef RSTHOP_BELIEF_H
#define RSTHOP_BELIEF_H

#include <stdbool.h>
#include <stddef.h>

#include <rsthop/fault.h>
#include <rsthop/infer.h>
#include <rsthop/rounds.h>

/* What is seen once, not with each trial. */
struct belief_clues {
	int echo; /* resets carry the ID of what drew them; -1: not known */
	unsigned int alive, dead; /* servers' sides after a reset */
	bool own_segment; /* resets come in frames of an unknown sender */
	bool tags_pass;	  /* a tagged burst has drawn a reset */
	bool blocked;	  /* all is reset since the first reset */
};

/* Of one trial: is it taken in, and with how many resets? */
struct belief_mark {
	bool counted;
	unsigned int drew;
};

struct belief {
	struct infer *infer;   /* by all that has settled; owned */
	struct infer *assumed; /* as if no more came; NULL before the first */
	struct infer_posterior post;
	struct infer_path path;	      /* that infer was made with */
	struct belief_clues clues;    /* that it has seen */
	struct infer_answers answers; /* likewise */
	/*
	 * Resets whose IP ID follows the server's counter, and that break off.
	 */
	unsigned int id_follow, id_break;
	bool untagged; /* tagged bursts draw resets that name no copy */
	struct belief_mark *marks; /* by trial; owned */
	size_t n_marks, cap_marks;
};

/*
 * The posterior from all that has settled; with `assume`, as if nothing came
 * any more to what still waits.  rounds_conclude_path() goes before.
 */
int belief_update(struct belief *b, const struct rounds *rounds, bool assume,
    struct fault *f);
/* Something was taken in already. */
bool belief_has_begun(const struct belief *b);
/* Forgets what was taken in; the next update begins anew. */
void belief_forget(struct belief *b);
void belief_free(struct belief *b);

#endif
