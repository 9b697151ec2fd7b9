#include <string.h>

#include <rsthop/talk.h>

void
talk_free(struct talk *t)
{
	if (t->free != NULL)
		t->free(t->ctx);
	memset(t, 0, sizeof(*t));
}
