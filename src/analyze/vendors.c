/*
 * The makers of MACs, each asked for once: the list of them is long.
 */
#include <stdlib.h>
#include <string.h>

#include "vendors.h"

#define VENDORS	    256 /* that are asked for, at most */
#define VENDOR_NAME 80
#define VENDORS_OUI 3 /* bytes of a MAC that tell its maker */

struct vendors {
	const struct analyze_input *in;
	size_t n;
	struct {
		uint8_t oui[VENDORS_OUI];
		const char *name; /* NULL: not known */
	} known[VENDORS];
};

int
vendors_new(
    const struct analyze_input *in, struct vendors **out, struct fault *f)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	(*out)->in = in;
	return 0;
}

void
vendors_free(struct vendors *v)
{
	free(v);
}

/* A name that stays where it is while others come. */
static const char *
vendors_keep_name(struct analysis *a, const char *name)
{
	char **more =
	    realloc(a->vendors, (a->n_vendors + 1) * sizeof(*a->vendors));
	char *copy;

	if (more == NULL)
		return NULL;
	a->vendors = more;
	copy = strdup(name);
	if (copy != NULL)
		a->vendors[a->n_vendors++] = copy;
	return copy;
}

const char *
vendors_find(struct vendors *v, struct analysis *a, const uint8_t mac[ADDR_MAC])
{
	char name[VENDOR_NAME] = "";

	if (v->in->vendor == NULL)
		return NULL;
	for (size_t i = 0; i < v->n; i++)
		if (memcmp(v->known[i].oui, mac, VENDORS_OUI) == 0)
			return v->known[i].name;
	if (v->n == VENDORS)
		return NULL;
	v->in->vendor(mac, name, sizeof(name));
	memcpy(v->known[v->n].oui, mac, VENDORS_OUI);
	v->known[v->n].name =
	    name[0] != '\0' ? vendors_keep_name(a, name) : NULL;
	return v->known[v->n++].name;
}
