#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <rsthop/lookup.h>

#include "from.h"

struct tape {
	const char *path;
	struct capture *capture;
};

static int
next_packet(void *ctx, struct capture_packet *out, struct fault *f)
{
	return capture_next(((struct tape *)ctx)->capture, out, f);
}

static int
open_again(void *ctx, struct fault *f)
{
	struct tape *t = ctx;

	capture_free(t->capture);
	t->capture = NULL;
	return capture_open_files(&t->path, 1, NULL, &t->capture, f);
}

/* One that cannot be opened at all is told by the capture, in its words. */
static int
check_path(const char *path, struct fault *f)
{
	struct stat st;

	if (strcmp(path, "-") == 0 ||
	    (stat(path, &st) == 0 && !S_ISREG(st.st_mode)))
		return fault(f, FAULT_USAGE,
		    "--from %.160s: it is read twice; save it to a file first",
		    path);
	return 0;
}

static int
read_suspects(const char *path, struct suspects *out, struct fault *f)
{
	struct tape tape = {.path = path};
	struct suspect_source src = {.ctx = &tape,
	    .n_names = 1,
	    .names = &path,
	    .next = next_packet,
	    .again = open_again};
	uint64_t seed;
	int rc;

	if (getrandom(&seed, sizeof(seed), 0) < 0)
		seed = (uint64_t)(uintptr_t)&tape;
	rc = open_again(&tape, f);
	if (rc == 0)
		rc = suspects_find(&src, seed, out, f);
	capture_free(tape.capture);
	return rc;
}

/* --- which of them --- */

static void
list_all(const struct suspects *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct text t = {0};

		suspect_describe(&all->list[i], i + 1, &t);
		fprintf(stderr, "%s\n", text_str(&t));
		text_free(&t);
	}
	if (all->left_out > 0)
		fprintf(stderr, "... and %zu more\n", all->left_out);
}

static int
complain_none(const char *path, const struct suspects *all, struct fault *f)
{
	struct text t = {0};
	int rc;

	suspects_explain_none(all, &t);
	rc = fault(f, FAULT_INPUT, "%.100s: nothing to locate: %.180s", path,
	    text_str(&t));
	text_free(&t);
	return rc;
}

__attribute__((format(printf, 2, 3))) static void
add_note(struct from *from, const char *fmt, ...)
{
	size_t n = strlen(from->note);
	va_list ap;

	if (n > 0 && n < sizeof(from->note) - 2)
		n += (size_t)snprintf(
		    from->note + n, sizeof(from->note) - n, "; ");
	va_start(ap, fmt);
	vsnprintf(from->note + n, sizeof(from->note) - n, fmt, ap);
	va_end(ap);
}

/* The first of the servers that are forged for, and whether it is alone. */
static const struct suspect *
pick_only(const struct suspects *all, bool *alone)
{
	const struct suspect *first = &all->list[0];
	bool forged = first->forged > 0;

	*alone = true;
	for (size_t i = 1; i < all->n; i++)
		if ((!forged || all->list[i].forged > 0) &&
		    !endpoint_equal(&all->list[i].server, &first->server))
			*alone = false;
	return first;
}

static int
pick_without_operand(const char *path, struct from *from, struct fault *f)
{
	bool alone;
	const struct suspect *s = pick_only(&from->all, &alone);

	if (!alone) {
		list_all(&from->all);
		return fault(f, FAULT_USAGE,
		    "%.100s holds several suspects: name one of these servers "
		    "as operand, HOST:PORT",
		    path);
	}
	from->pick = s;
	addr_format(&s->server.addr, from->target.host);
	return 0;
}

static const struct suspect *
find_server(const struct suspects *all, const struct addr *a, uint16_t port)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct suspect *s = &all->list[i];

		if ((a == NULL || addr_equal(&s->server.addr, a)) &&
		    (port == 0 || s->server.port == port))
			return s;
	}
	return NULL;
}

/*
 * A name may have moved since the capture, or stand for many addresses: then
 * the port alone tells.
 */
static int
pick_by_operand(const char *path, const struct options *o, struct from *from,
    struct fault *f)
{
	struct options_target *t = &from->target;
	char text[ADDR_TEXT];
	struct addr a;
	bool numeric;

	if (options_get_target(o, false, t, f) < 0)
		return -1;
	numeric = addr_parse(t->host, &a) == 0;
	if (!numeric && lookup_host(t->host, o->version, &a, f) < 0)
		return -1;
	from->pick = find_server(&from->all, &a, t->port);
	if (from->pick != NULL)
		return 0;
	if (!numeric && t->port != 0)
		from->pick = find_server(&from->all, NULL, t->port);
	if (from->pick == NULL) {
		list_all(&from->all);
		return fault(f, FAULT_USAGE,
		    "%.100s holds no suspect reset from %.120s: name one of "
		    "these servers",
		    path, o->operands[0]);
	}
	add_note(from, "in the capture the server is %s",
	    addr_format(&from->pick->server.addr, text));
	return 0;
}

static void
note_rest(struct from *from)
{
	size_t rest = from->all.n - 1 + from->all.left_out;

	if (rest > 0)
		add_note(from, "%zu more suspect%s in the capture", rest,
		    rest == 1 ? "" : "s");
	if (from->all.damage[0] != '\0')
		add_note(from, "%.100s", from->all.damage);
}

int
from_load(const char *path, const struct options *o, struct from *out,
    struct fault *f)
{
	int rc;

	memset(out, 0, sizeof(*out));
	if (check_path(path, f) < 0 || read_suspects(path, &out->all, f) < 0)
		return -1;
	if (out->all.n == 0)
		return complain_none(path, &out->all, f);
	rc = o->n_operands == 0 ? pick_without_operand(path, out, f)
				: pick_by_operand(path, o, out, f);
	if (rc < 0)
		return -1;
	if (out->target.port == 0)
		out->target.port = out->pick->server.port;
	note_rest(out);
	return 0;
}

struct talk_maker
from_talks(const struct from *from)
{
	if (from->pick->before == NULL)
		return (struct talk_maker){NULL, NULL};
	return dialogue_maker(from->pick->before);
}

void
from_free(struct from *from)
{
	suspects_free(&from->all);
	memset(from, 0, sizeof(*from));
}
