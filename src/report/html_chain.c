/*
 * The chain from here to the server as an inline SVG: a node a hop, hollow
 * and dashed where it was silent; the device in the colour of alarm, and an
 * arrow back from it to here.
 */
#include "html_parts.h"

#define CHAIN_WIDTH  900
#define CHAIN_MARGIN 46
#define CHAIN_LINE_Y 74
#define CHAIN_TEXT_Y 106
#define CHAIN_NODE_R 9

struct chain {
	struct text *t;
	const struct path *path;
	int nodes;   /* the client is 0, the last may be the server */
	bool server; /* the last one is */
	int device;  /* node; 0: none */
	bool wire;   /* the device sits on the link before that node */
	double step, r;
};

static double
chain_node_x(const struct chain *c, int i)
{
	return CHAIN_MARGIN + c->step * i;
}

static double
chain_device_x(const struct chain *c)
{
	return chain_node_x(c, c->device) - (c->wire ? c->step / 2 : 0);
}

static bool
chain_is_silent(const struct chain *c, int i)
{
	const struct path_hop *h = path_hop_at(c->path, i);

	if (i == 0 || (c->server && i == c->nodes - 1))
		return false;
	return h == NULL || h->n_responders == 0;
}

static void
chain_add_node(const struct chain *c, int i)
{
	const char *class = "n";

	if (i == 0 || (c->server && i == c->nodes - 1))
		class = "e";
	else if (chain_is_silent(c, i))
		class = "n s";
	if (i > 0 && i == c->device && !c->wire)
		class = "d";
	text_addf(c->t,
	    "<circle class=\"%s\" cx=\"%.1f\" cy=\"%d\" "
	    "r=\"%.1f\"/>",
	    class, chain_node_x(c, i), CHAIN_LINE_Y, c->r);
}

/* Every number where they have room, else every fifth. */
static void
chain_add_label(const struct chain *c, int i)
{
	double x = chain_node_x(c, i);

	if (i == 0)
		text_addf(c->t, "<text x=\"%.1f\" y=\"%d\">here</text>", x,
		    CHAIN_TEXT_Y);
	else if (c->server && i == c->nodes - 1)
		text_addf(c->t, "<text x=\"%.1f\" y=\"%d\">server</text>", x,
		    CHAIN_TEXT_Y);
	else if ((c->step >= 24 || i % 5 == 0) &&
	    (!c->server || i < c->nodes - 2 || c->step >= 40))
		text_addf(c->t, "<text x=\"%.1f\" y=\"%d\">%d</text>", x,
		    CHAIN_TEXT_Y, i);
}

static void
chain_add_device(const struct chain *c)
{
	double x = chain_device_x(c), d = c->r + 1,
	       half = (x + chain_node_x(c, 0)) / 2;

	if (c->wire)
		text_addf(c->t,
		    "<path class=\"d\" d=\"M%.1f %d l%.1f %.1f l%.1f %.1f "
		    "l%.1f %.1fz\"/>",
		    x, CHAIN_LINE_Y - (int)d, d, d, -d, d, -d, -d);
	text_addf(c->t,
	    "<path class=\"a\" d=\"M%.1f %d C%.1f 22 %.1f 22 %.1f %d\"/>", x,
	    CHAIN_LINE_Y - 16, x, chain_node_x(c, 0), chain_node_x(c, 0),
	    CHAIN_LINE_Y - 18);
	text_addf(c->t, "<path class=\"a\" d=\"M%.1f %d l5 9 l5 -9\"/>",
	    chain_node_x(c, 0) - 5, CHAIN_LINE_Y - 26);
	text_addf(
	    c->t, "<text class=\"t\" x=\"%.1f\" y=\"22\">reset</text>", half);
}

static int
chain_device_node(const struct chain *c, const struct locate_result *l)
{
	if (l == NULL)
		return 0;
	if (l->verdict.hop > 0)
		return l->verdict.hop < c->nodes ? l->verdict.hop : 0;
	if (l->verdict.kind == RESULT_SERVER && c->server &&
	    l->trigger != RESULT_TRIGGER_NONE)
		return c->nodes - 1;
	return 0;
}

/* last: where the path itself does not say how long it is. */
static void
chain_begin(struct chain *c, struct text *t, const struct path *p, int last)
{
	c->t = t;
	c->path = p;
	c->server = p->server_hops > 0;
	if (p->n_hops > 0)
		last = p->n_hops;
	if (c->server)
		last = p->server_hops;
	if (last > PATH_MAX_HOPS)
		last = PATH_MAX_HOPS;
	c->nodes = last + 1;
	c->step = last == 0 ? 0 : (CHAIN_WIDTH - 2.0 * CHAIN_MARGIN) / last;
	if (c->step > 150)
		c->step = 150;
	c->r = c->step < 3 * CHAIN_NODE_R ? c->step / 3 : CHAIN_NODE_R;
}

static void
chain_draw(const struct chain *c)
{
	if (c->nodes < 2)
		return;
	text_addf(c->t,
	    "<figure class=\"box chain\"><svg viewBox=\"0 0 %d 120\" "
	    "role=\"img\"><title>The chain of %d hops%s</title>",
	    CHAIN_WIDTH, c->nodes - 1,
	    c->device > 0 ? ", with the device marked" : "");
	text_addf(c->t,
	    "<line class=\"l\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" "
	    "y2=\"%d\"/>",
	    chain_node_x(c, 0), CHAIN_LINE_Y, chain_node_x(c, c->nodes - 1),
	    CHAIN_LINE_Y);
	for (int i = 0; i < c->nodes; i++) {
		chain_add_node(c, i);
		chain_add_label(c, i);
	}
	if (c->device > 0)
		chain_add_device(c);
	text_add(c->t, "</svg></figure>\n");
}

void
html_chain(struct text *t, const struct path *p, const struct locate_result *l)
{
	struct chain c;

	chain_begin(&c, t, p, l != NULL ? l->verdict.hop : 0);
	c.device = chain_device_node(&c, l);
	c.wire = c.device > 0 && l->verdict.place == PLACE_WIRE;
	chain_draw(&c);
}

void
html_chain_at(struct text *t, const struct path *p, int hop, bool wire)
{
	struct chain c;

	chain_begin(&c, t, p, hop);
	c.device = hop < c.nodes ? hop : 0;
	c.wire = c.device > 0 && wire;
	chain_draw(&c);
}
