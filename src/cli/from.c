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
from_next_packet(void *ctx, struct capture_packet *out, struct fault *f)
{
	return capture_next(((struct tape *)ctx)->capture, out, f);
}

static int
from_open_again(void *ctx, struct fault *f)
{
	struct tape *t = ctx;

	capture_free(t->capture);
	t->capture = NULL;
	return capture_open_files(&t->path, 1, NULL, &t->capture, f);
}

/* One that cannot be opened at all is told by the capture, in its words. */
static int
from_check_path(const char *path, struct fault *f)
{
	struct stat st;

	if (strcmp(path, "-") == 0 ||
	    (stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
		!S_ISDIR(st.st_mode)))
		return fault(f, FAULT_USAGE,
		    "--from %.160s: it is read twice; save it to a file first",
		    path);
	return 0;
}

static int
from_read_suspects(const char *path, const struct endpoint *server,
    struct suspects *out, struct fault *f)
{
	struct suspect_ask ask = {.server = *server};
	struct tape tape = {.path = path};
	struct suspect_source src = {.ctx = &tape,
	    .n_names = 1,
	    .names = &path,
	    .next = from_next_packet,
	    .again = from_open_again};
	int rc;

	if (getrandom(&ask.hash_seed, sizeof(ask.hash_seed), 0) < 0)
		ask.hash_seed = (uint64_t)(uintptr_t)&tape;
	rc = from_open_again(&tape, f);
	if (rc == 0)
		rc = suspects_find(&src, &ask, out, f);
	capture_free(tape.capture);
	return rc;
}

/* --- which of them --- */

static void
from_list_all(const struct suspects *all)
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
from_complain_none(
    const char *path, const struct suspects *all, struct fault *f)
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
from_add_note(struct from *from, const char *fmt, ...)
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
from_pick_only(const struct suspects *all, bool *alone)
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
from_pick_without_operand(const char *path, struct from *from, struct fault *f)
{
	bool alone;
	const struct suspect *s = from_pick_only(&from->all, &alone);

	if (!alone) {
		from_list_all(&from->all);
		return fault(f, FAULT_USAGE,
		    "%.100s holds several suspects: name one of these servers "
		    "as operand, HOST:PORT",
		    path);
	}
	from->pick = s;
	addr_format(&s->server.addr, from->target.host);
	return 0;
}

/* The operand, resolved; no address and port 0 where there is none. */
static int
from_read_operand(const struct options *o, struct options_target *t,
    struct endpoint *server, struct fault *f)
{
	memset(server, 0, sizeof(*server));
	if (o->n_operands == 0)
		return 0;
	if (options_get_target(o, false, t, f) < 0)
		return -1;
	server->port = t->port;
	if (addr_parse(t->host, &server->addr) == 0)
		return 0;
	return lookup_host(t->host, o->version, &server->addr, f);
}

/*
 * What was asked for is first.  A name may have moved since the capture, or
 * stand for many addresses: then the port alone tells.
 */
static int
from_pick_by_operand(const char *path, const struct options *o,
    const struct endpoint *server, struct from *from, struct fault *f)
{
	const struct suspect *s = &from->all.list[0];
	bool port = server->port == 0 || server->port == s->server.port;
	char text[ADDR_TEXT];
	struct addr a;

	from->pick = s;
	if (port && addr_equal(&server->addr, &s->server.addr))
		return 0;
	if (port && server->port != 0 &&
	    addr_parse(from->target.host, &a) != 0) {
		from_add_note(from, "in the capture the server is %s",
		    addr_format(&s->server.addr, text));
		return 0;
	}
	from_list_all(&from->all);
	return fault(f, FAULT_USAGE,
	    "%.100s holds no suspect reset from %.120s: name one of these "
	    "servers",
	    path, o->operands[0]);
}

static void
from_note_rest(struct from *from)
{
	size_t rest = from->all.n - 1 + from->all.left_out;

	if (rest > 0)
		from_add_note(from, "%zu more suspect%s in the capture", rest,
		    rest == 1 ? "" : "s");
	if (from->all.damage[0] != '\0')
		from_add_note(from, "%.100s", from->all.damage);
}

int
from_load(const char *path, const struct options *o, struct from *out,
    struct fault *f)
{
	struct endpoint server;
	int rc;

	memset(out, 0, sizeof(*out));
	if (from_check_path(path, f) < 0 ||
	    from_read_operand(o, &out->target, &server, f) < 0 ||
	    from_read_suspects(path, &server, &out->all, f) < 0)
		return -1;
	if (out->all.n == 0)
		return from_complain_none(path, &out->all, f);
	rc = o->n_operands == 0
	    ? from_pick_without_operand(path, out, f)
	    : from_pick_by_operand(path, o, &server, out, f);
	if (rc < 0)
		return -1;
	if (out->target.port == 0)
		out->target.port = out->pick->server.port;
	from_note_rest(out);
	return 0;
}

void
from_free(struct from *from)
{
	suspects_free(&from->all);
	memset(from, 0, sizeof(*from));
}
