/*
 * The sentences on probes that a capture holds.
 */
#include <stdio.h>

#include "words.h"
#include "words_analysis.h"

#define WORDS_PROBES_NEAR 0.05 /* less likely places are left out */

void
words_probes(struct text *t, const struct analysis_probed *p)
{
	if (p->probes == 0) {
		text_add(t, "a trace of the path, no probes for a device");
		return;
	}
	words_count(t, p->probes, "packet", "packets");
	text_addf(t, " with data and %s, ",
	    p->probes == 1 ? "a limited TTL" : "limited TTLs");
	if (p->drew == 0) {
		text_add(t, "none of which drew a reset");
		return;
	}
	text_addf(t, "%u of which drew a reset", p->drew);
	if (p->threshold_ttl != 0)
		text_addf(
		    t, "; the smallest TTL that did was %d", p->threshold_ttl);
	else
		text_add(t, "; which of them did is not to be told");
}

static void
words_probes_add_responder(struct text *t, const struct path *path, int hop)
{
	const struct path_hop *h = path_hop_at(path, hop);
	char buf[ADDR_TEXT];

	if (h != NULL && h->n_responders > 0)
		text_addf(t, ", %s", addr_format(&h->responders[0].addr, buf));
}

void
words_probed_place(struct text *t, const struct analysis_probed *p)
{
	for (size_t i = 0; i < p->n_candidates; i++) {
		if (i > 0 && p->candidates[i].probability < WORDS_PROBES_NEAR)
			break;
		text_add(t, i > 0 ? ", or " : "");
		words_candidate(t, &p->candidates[i]);
		if (p->candidates[i].place == PLACE_ROUTER)
			words_probes_add_responder(
			    t, &p->path, p->candidates[i].hop);
	}
	if (p->drew == 0)
		return;
	if (p->n_candidates == 0)
		text_add(t, "no telling by these");
	else if (p->hop == 0)
		text_add(t,
		    "; the probes tell too little for one hop to be "
		    "named");
	else if (p->place == PLACE_UNKNOWN && p->n_candidates > 1)
		text_add(t, "; no probe tells the first two apart");
	if (p->path.server_hops == 0)
		text_add(t,
		    "; how far the server is does not show, and is "
		    "taken from its TTL");
}

void
words_probed_path(struct text *t, const struct analysis_probed *p)
{
	char buf[ADDR_TEXT];

	for (int i = 0; i < p->path.n_hops; i++) {
		const struct path_hop *h = &p->path.hops[i];

		text_addf(t, "%s%d ", i > 0 ? ", " : "", i + 1);
		text_add(t,
		    h->n_responders > 0
			? addr_format(&h->responders[0].addr, buf)
			: "*");
		if (h->n_responders > 1)
			text_addf(t, " and %d more", h->n_responders - 1);
	}
	if (p->path.server_hops != 0)
		text_addf(t, "; the server is hop %d", p->path.server_hops);
}
