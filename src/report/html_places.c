/*
 * Where a device may sit, as a small inline SVG: the first hops in a row, a
 * filled node for a hop's forwarding plane, a diamond for the wire before a
 * hop; each as dark as it is likely.
 */
#include <stdbool.h>

#include "html_parts.h"

#define PLACES_STEP   34.0
#define PLACES_LEFT   16.0 /* of the node that is here */
#define PLACES_LINE_Y 13
#define PLACES_TEXT_Y 34
#define PLACES_NODE_R 6.0
#define PLACES_NODES  7	   /* hops drawn at most */
#define PLACES_NEAR   0.05 /* what is less likely is left out */

struct places {
	struct text *t;
	int from, to; /* hops drawn; from > 1: a gap before */
};

static double
places_node_x(const struct places *p, int hop)
{
	return PLACES_LEFT +
	    PLACES_STEP * (hop - p->from + (p->from > 1 ? 2 : 1));
}

static bool
places_is_drawn(const struct places *p, const struct rst_candidate *c)
{
	return c->probability >= PLACES_NEAR && c->hop >= p->from &&
	    c->hop <= p->to;
}

static void
places_add_line(const struct places *p)
{
	double from = PLACES_LEFT;

	if (p->from > 1) {
		text_addf(p->t,
		    "<line class=\"l s\" x1=\"%.0f\" y1=\"%d\" x2=\"%.0f\" "
		    "y2=\"%d\"/>",
		    from, PLACES_LINE_Y, places_node_x(p, p->from),
		    PLACES_LINE_Y);
		from = places_node_x(p, p->from);
	}
	text_addf(p->t,
	    "<line class=\"l\" x1=\"%.0f\" y1=\"%d\" x2=\"%.0f\" y2=\"%d\"/>",
	    from, PLACES_LINE_Y, places_node_x(p, p->to) + PLACES_STEP / 2,
	    PLACES_LINE_Y);
	text_addf(p->t,
	    "<circle class=\"e\" cx=\"%.0f\" cy=\"%d\" r=\"%.0f\"/>"
	    "<text x=\"%.0f\" y=\"%d\">here</text>",
	    PLACES_LEFT, PLACES_LINE_Y, PLACES_NODE_R, PLACES_LEFT,
	    PLACES_TEXT_Y);
}

static void
places_add_shape(const struct places *p, const struct rst_candidate *c)
{
	double x = places_node_x(p, c->hop);
	const double d = PLACES_NODE_R + 1;

	if (c->place == PLACE_WIRE)
		text_addf(p->t,
		    "<path d=\"M%.0f %.0fl%.0f %.0fl%.0f %.0fl%.0f %.0fz\"/>",
		    x - PLACES_STEP / 2, PLACES_LINE_Y - d, d, d, -d, d, -d,
		    -d);
	else
		text_addf(p->t, "<circle cx=\"%.0f\" cy=\"%d\" r=\"%.0f\"/>", x,
		    PLACES_LINE_Y, PLACES_NODE_R);
}

/* On an empty one, so that the line does not show through. */
static void
places_add_candidate(const struct places *p, const struct rst_candidate *c)
{
	text_add(p->t, "<g class=\"n\">");
	places_add_shape(p, c);
	text_addf(p->t, "</g><g class=\"d\" fill-opacity=\"%.2f\">",
	    c->probability > 1 ? 1.0 : c->probability);
	places_add_shape(p, c);
	text_add(p->t, "</g>");
}

/* The hops around the likely places; false where there is none. */
static bool
places_find_span(struct places *p, const struct rst_candidate *c, size_t n)
{
	int lo = 0, hi = 0;

	for (size_t i = 0; i < n; i++) {
		if (c[i].probability < PLACES_NEAR)
			continue;
		lo = lo == 0 || c[i].hop < lo ? c[i].hop : lo;
		hi = c[i].hop > hi ? c[i].hop : hi;
	}
	if (lo < 1)
		return false;
	p->from = hi < PLACES_NODES || lo < 3 ? 1 : lo - 1;
	p->to = hi + 1;
	if (p->to - p->from >= PLACES_NODES)
		p->to = p->from + PLACES_NODES - 1;
	return true;
}

void
html_places(struct text *t, const struct rst_candidate *c, size_t n)
{
	struct places p = {.t = t};

	if (!places_find_span(&p, c, n))
		return;
	text_addf(t,
	    "<svg class=\"places\" viewBox=\"0 0 %.0f 40\" width=\"%.0f\" "
	    "height=\"40\" role=\"img\"><title>Where it may be</title>",
	    places_node_x(&p, p.to) + PLACES_STEP / 2,
	    places_node_x(&p, p.to) + PLACES_STEP / 2);
	places_add_line(&p);
	for (int hop = p.from; hop <= p.to; hop++)
		text_addf(t,
		    "<circle class=\"n\" cx=\"%.0f\" cy=\"%d\" r=\"%.0f\"/>"
		    "<text x=\"%.0f\" y=\"%d\">%d</text>",
		    places_node_x(&p, hop), PLACES_LINE_Y, PLACES_NODE_R,
		    places_node_x(&p, hop), PLACES_TEXT_Y, hop);
	for (size_t i = n; i-- > 0;)
		if (places_is_drawn(&p, &c[i]))
			places_add_candidate(&p, &c[i]);
	text_add(t, "</svg>");
}
