/*
 * Triggers out of a name: names checked, HTTP requests, MySQL commands.  TLS
 * is in preset_tls.c.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <rsthop/mysql.h>
#include <rsthop/preset.h>
#include <rsthop/text.h>

#include "preset_int.h"

#define PRESET_LABEL_MAX 63
#define PRESET_NAME_MAX	 (PRESET_NAME - 1)
#define PRESET_SHOWN	 60

int
preset_hand_over(struct text *t, uint8_t **out, size_t *len, struct fault *f)
{
	if (t->bad) {
		text_free(t);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	*out = (uint8_t *)t->p;
	*len = t->len;
	return 0;
}

int
preset_fault(
    const char *what, const char *given, const char *why, struct fault *f)
{
	struct text t = {0};

	text_add_safe(&t, given, strlen(given), PRESET_SHOWN);
	fault(f, FAULT_USAGE, "%s: \"%s\" %s", what, text_str(&t), why);
	text_free(&t);
	return -1;
}

/* --- names --- */

static bool
preset_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
preset_is_ldh(char c)
{
	return preset_is_digit(c) || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '-';
}

/* Why no name has such a letter. */
static const char *
preset_blame_letter(char c)
{
	if ((unsigned char)c >= 0x80)
		return "has letters beyond ASCII: give the name's xn-- form";
	if (c == ':' || c == '/')
		return "is more than a name: leave out port, scheme and path";
	return "is no host name: letters, digits, hyphens and dots make one";
}

/* NULL where n letters from s on may be a label. */
static const char *
preset_blame_label(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!preset_is_ldh(s[i]))
			return preset_blame_letter(s[i]);
	if (n == 0)
		return "has nothing before, behind or between dots: take the "
		       "dot out";
	if (n > PRESET_LABEL_MAX)
		return "has over 63 letters without a dot: shorten it";
	if (s[0] == '-' || s[n - 1] == '-')
		return "has a hyphen beside a dot or at an end: take it out";
	return NULL;
}

int
preset_check_name(const char *what, const char *name, struct fault *f)
{
	const char *s = name, *why;

	if (*name == '\0')
		return fault(
		    f, FAULT_USAGE, "%s: empty; give a host's name", what);
	for (;; s++) {
		size_t n = strcspn(s, ".");

		why = preset_blame_label(s, n);
		if (why != NULL)
			return preset_fault(what, name, why, f);
		s += n;
		if (*s == '\0')
			break;
	}
	if (strlen(name) > PRESET_NAME_MAX)
		return preset_fault(
		    what, name, "has over 253 letters: shorten it", f);
	return 0;
}

bool
preset_is_address(const char *name)
{
	const char *last = strrchr(name, '.');

	last = last == NULL ? name : last + 1;
	return last[strspn(last, "0123456789")] == '\0';
}

/* n letters; a dot each 32, counted from the end so that none comes first. */
static void
preset_fill_labels(char *out, size_t n, char letter)
{
	for (size_t i = 0; i < n; i++)
		out[i] = i > 0 && (n - i) % 32 == 0 ? '.' : letter;
}

void
preset_control_name(const char *name, char out[PRESET_NAME])
{
	static const char below[] = ".example";
	static const char *const words[] = {"examples", "harmless"};
	size_t n = strlen(name), tail = strlen(below);

	if (n > PRESET_NAME_MAX)
		n = PRESET_NAME_MAX;
	out[n] = '\0';
	if (n <= tail) {
		memcpy(out, words[strncasecmp(words[0], name, n) == 0], n);
		return;
	}
	memcpy(out + n - tail, below, tail);
	preset_fill_labels(out, n - tail, 'a');
	if (strcasecmp(out, name) == 0)
		preset_fill_labels(out, n - tail, 'b');
}

/* --- HTTP --- */

static int
preset_check_path(const char *what, const char *path, struct fault *f)
{
	if (*path != '/')
		return preset_fault(
		    what, path, "is no path: begin it with /", f);
	for (const char *s = path; *s != '\0'; s++)
		if (*s <= ' ' || *s >= 0x7f)
			return preset_fault(what, path,
			    "has letters that no request has: write them as "
			    "%XX",
			    f);
	return 0;
}

int
preset_http(const char *what, const char *host, int port, const char *path,
    uint8_t **out, size_t *len, struct fault *f)
{
	struct text t = {0};

	if (path == NULL)
		path = "/";
	if (preset_check_name(what, host, f) < 0 ||
	    preset_check_path(what, path, f) < 0)
		return -1;
	text_addf(&t, "GET %s HTTP/1.1\r\nHost: %s", path, host);
	if (port != 0 && port != 80)
		text_addf(&t, ":%d", port);
	text_add(&t,
	    "\r\n"
	    "Connection: keep-alive\r\n"
	    "Upgrade-Insecure-Requests: 1\r\n"
	    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
	    "(KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r\n"
	    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,"
	    "image/jxl,image/avif,image/webp,image/apng,*/*;q=0.8,"
	    "application/signed-exchange;v=b3;q=0.7\r\n"
	    "Accept-Encoding: gzip, deflate\r\n"
	    "Accept-Language: en-US,en;q=0.9\r\n"
	    "\r\n");
	return preset_hand_over(&t, out, len, f);
}

/* --- MySQL --- */

#define PRESET_MYSQL_HEAD    (MYSQL_HEADER + 1) /* with the command */
#define PRESET_MYSQL_NOTHING "DO 0"
/* Longer words are sent in several packets. */
#define PRESET_MYSQL_WORDS 0xfffffe

/*
 *   3 bytes  length of what follows these four, low byte first
 *   1 byte   sequence number: 0 begins a command
 *   1 byte   the command; its words up to the end
 */
static void
preset_put_mysql_header(struct text *t, uint8_t command, size_t words)
{
	size_t n = words + 1;
	uint8_t h[PRESET_MYSQL_HEAD] = {
	    (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), 0, command};

	text_add_bytes(t, h, sizeof(h));
}

static int
preset_make_mysql(const char *what, uint8_t command, const char *words,
    uint8_t **out, size_t *len, struct fault *f)
{
	size_t n = strlen(words);
	struct text t = {0};

	if (n == 0)
		return fault(f, FAULT_USAGE,
		    "%s: empty; give a database or a statement", what);
	if (n >= PRESET_MYSQL_WORDS)
		return preset_fault(
		    what, words, "... is too long for a packet", f);
	preset_put_mysql_header(&t, command, n);
	text_add(&t, words);
	return preset_hand_over(&t, out, len, f);
}

int
preset_mysql_init_db(const char *what, const char *db, uint8_t **out,
    size_t *len, struct fault *f)
{
	return preset_make_mysql(what, MYSQL_COM_INIT_DB, db, out, len, f);
}

int
preset_mysql_query(const char *what, const char *sql, uint8_t **out,
    size_t *len, struct fault *f)
{
	return preset_make_mysql(what, MYSQL_COM_QUERY, sql, out, len, f);
}

int
preset_mysql_control(size_t n, uint8_t **out, size_t *len, struct fault *f)
{
	size_t nothing = strlen(PRESET_MYSQL_NOTHING);
	struct text t = {0};

	if (n < PRESET_MYSQL_HEAD + nothing) {
		preset_put_mysql_header(&t, MYSQL_COM_PING, 0);
		return preset_hand_over(&t, out, len, f);
	}
	n -= PRESET_MYSQL_HEAD;
	if (n >= PRESET_MYSQL_WORDS)
		return fault(f, FAULT_USAGE,
		    "a control of %zu bytes is too long for a packet", n);
	preset_put_mysql_header(&t, MYSQL_COM_QUERY, n);
	text_add(&t, PRESET_MYSQL_NOTHING);
	text_pad(&t, ' ', (int)(n - nothing));
	return preset_hand_over(&t, out, len, f);
}
