/*
 * What a client asked for: MySQL commands, HTTP requests, TLS ClientHellos.
 */
#define _GNU_SOURCE /* memmem */

#include <string.h>
#include <strings.h>

#include <rsthop/mysql.h>
#include <rsthop/trigger.h>

#include "cur.h"

#define TRIGGER_TLS_HANDSHAKE	 22
#define TRIGGER_TLS_CLIENT_HELLO 1
#define TRIGGER_TLS_RANDOM	 32
/* The extension, and its only kind of name */
#define TRIGGER_TLS_SERVER_NAME 0
#define TRIGGER_TLS_EXTENSIONS	64

const char *
trigger_protocol_name(enum trigger_protocol p)
{
	switch (p) {
	case TRIGGER_UNKNOWN:
		return NULL;
	case TRIGGER_MYSQL:
		return "mysql";
	case TRIGGER_HTTP:
		return "http";
	case TRIGGER_TLS:
		return "tls";
	}
	return NULL;
}

/* n bytes as a string; what is too long is cut. */
static void
trigger_set_words(char *out, size_t size, const uint8_t *p, size_t n)
{
	if (n > size - 1)
		n = size - 1;
	if (n > 0)
		memcpy(out, p, n);
	out[n] = '\0';
}

static void
trigger_set_name(
    struct trigger *t, enum trigger_protocol p, const char *command)
{
	t->protocol = p;
	trigger_set_words(t->command, sizeof(t->command),
	    (const uint8_t *)command, strlen(command));
}

/* --- MySQL --- */

/* What a client asks for in words; the others say little by themselves. */
static const struct trigger_mysql {
	uint8_t byte;
	bool has_text;
	const char *name;
} mysql_commands[] = {
    {MYSQL_COM_INIT_DB, true, "COM_INIT_DB"},
    {MYSQL_COM_QUERY, true, "COM_QUERY"},
    {MYSQL_COM_FIELD_LIST, true, "COM_FIELD_LIST"},
    {MYSQL_COM_CREATE_DB, true, "COM_CREATE_DB"},
    {MYSQL_COM_DROP_DB, true, "COM_DROP_DB"},
    {MYSQL_COM_STATISTICS, false, "COM_STATISTICS"},
    {MYSQL_COM_PING, false, "COM_PING"},
    {MYSQL_COM_STMT_PREPARE, true, "COM_STMT_PREPARE"},
};

static const struct trigger_mysql *
trigger_find_mysql_command(uint8_t byte)
{
	size_t n = sizeof(mysql_commands) / sizeof(mysql_commands[0]);

	for (size_t i = 0; i < n; i++)
		if (mysql_commands[i].byte == byte)
			return &mysql_commands[i];
	return NULL;
}

/* Text in any encoding: no control characters but blanks. */
static bool
trigger_is_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < ' ' && (p[i] < '\t' || p[i] > '\r')) ||
		    p[i] == 0x7f)
			return false;
	return true;
}

/*
 * MySQL's protocol, "Basic Packets" and "Command Phase":
 *
 *   3 bytes  length of what follows these four, low byte first
 *   1 byte   sequence number: 0 begins a command
 *   1 byte   the command; its words up to the end
 *
 * Since 8.0.23 a query may begin with how many parameters (0) and sets (1).
 */
static bool
trigger_parse_mysql(struct cur c, struct trigger *out)
{
	uint32_t len = cur_u8(&c);
	const struct trigger_mysql *m;
	const uint8_t *p;
	size_t n;

	len |= (uint32_t)cur_u8(&c) << 8;
	len |= (uint32_t)cur_u8(&c) << 16;
	if (cur_u8(&c) != 0 || c.bad || len == 0 || len != cur_sent(&c))
		return false;
	m = trigger_find_mysql_command(cur_u8(&c));
	if (c.bad || m == NULL || (len > 1) != m->has_text)
		return false;
	if (m->byte == MYSQL_COM_QUERY && cur_left(&c) > 2 && c.p[0] == 0 &&
	    c.p[1] == 1)
		cur_skip(&c, 2);
	n = cur_left(&c);
	p = cur_take(&c, n);
	if (p == NULL || !trigger_is_text(p, n))
		return false;
	trigger_set_name(out, TRIGGER_MYSQL, m->name);
	trigger_set_words(out->key, sizeof(out->key), p, n);
	return true;
}

/* --- HTTP/1 --- */

static const char *const http_methods[] = {"GET", "POST", "HEAD", "PUT",
    "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND"};

/* Up to the end of the line, which is taken; false where it was cut. */
static bool
trigger_take_line(struct cur *c, const uint8_t **p, size_t *n)
{
	const uint8_t *end = memchr(c->p, '\n', cur_left(c));

	if (end == NULL)
		return false;
	*p = c->p;
	*n = (size_t)(end - c->p);
	cur_skip(c, *n + 1);
	if (*n > 0 && (*p)[*n - 1] == '\r')
		(*n)--;
	return true;
}

static const char *
trigger_find_method(const struct cur *c)
{
	size_t n = sizeof(http_methods) / sizeof(http_methods[0]);

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(http_methods[i]);

		if (cur_left(c) > len && c->p[len] == ' ' &&
		    memcmp(c->p, http_methods[i], len) == 0)
			return http_methods[i];
	}
	return NULL;
}

/* A line of the header, "Host: name", its value without blanks around. */
static bool
trigger_take_host(const uint8_t *p, size_t n, struct trigger *out)
{
	if (n < 5 || strncasecmp((const char *)p, "host:", 5) != 0)
		return false;
	for (p += 5, n -= 5; n > 0 && (*p == ' ' || *p == '\t'); p++)
		n--;
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	trigger_set_words(out->key, sizeof(out->key), p, n);
	return true;
}

/* RFC 9112, section 3: method, target, version; then fields, by lines. */
static bool
trigger_parse_http(struct cur c, struct trigger *out)
{
	const char *method = trigger_find_method(&c);
	const uint8_t *p;
	size_t n;

	if (method == NULL || !trigger_take_line(&c, &p, &n) ||
	    memmem(p, n, " HTTP/1.", 8) == NULL)
		return false;
	trigger_set_name(out, TRIGGER_HTTP, method);
	while (trigger_take_line(&c, &p, &n) && n > 0)
		if (trigger_take_host(p, n, out))
			break;
	return true;
}

/* --- TLS --- */

/* RFC 6066, section 3: a list of names, each with its kind and length. */
static void
trigger_take_server_name(struct cur ext, struct trigger *out)
{
	const uint8_t *p;
	uint16_t n;

	(void)cur_be16(&ext);
	if (cur_u8(&ext) != TRIGGER_TLS_SERVER_NAME)
		return;
	n = cur_be16(&ext);
	p = cur_take(&ext, n);
	if (p != NULL)
		trigger_set_words(out->key, sizeof(out->key), p, n);
}

static void
trigger_find_server_name(struct cur *c, struct trigger *out)
{
	for (int i = 0; i < TRIGGER_TLS_EXTENSIONS && !c->bad; i++) {
		uint16_t kind = cur_be16(c), n = cur_be16(c);
		struct cur ext = cur_sub(c, n);

		if (!ext.bad && kind == TRIGGER_TLS_SERVER_NAME) {
			trigger_take_server_name(ext, out);
			return;
		}
	}
}

/*
 * RFC 8446, sections 5.1 and 4.1.2: record (type, version, length), handshake
 * (type, length), then version, random, session, suites, compression and
 * extensions, each but the first two behind its length.
 */
static bool
trigger_parse_tls(struct cur c, struct trigger *out)
{
	if (cur_u8(&c) != TRIGGER_TLS_HANDSHAKE || cur_u8(&c) != 3)
		return false;
	cur_skip(&c, 3);
	if (cur_u8(&c) != TRIGGER_TLS_CLIENT_HELLO)
		return false;
	cur_skip(&c, 3);
	if (cur_u8(&c) != 3 || c.bad)
		return false;
	trigger_set_name(out, TRIGGER_TLS, "ClientHello");
	cur_skip(&c, 1 + TRIGGER_TLS_RANDOM);
	cur_skip(&c, cur_u8(&c));
	cur_skip(&c, cur_be16(&c));
	cur_skip(&c, cur_u8(&c));
	(void)cur_be16(&c);
	trigger_find_server_name(&c, out);
	return true;
}

bool
trigger_parse(const uint8_t *p, size_t len, size_t sent, struct trigger *out)
{
	struct cur c;

	out->protocol = TRIGGER_UNKNOWN;
	out->command[0] = out->key[0] = '\0';
	if (p == NULL || len < 5)
		return false;
	c = cur_new(p, len, sent > len ? sent - len : 0);
	return trigger_parse_tls(c, out) || trigger_parse_http(c, out) ||
	    trigger_parse_mysql(c, out);
}

/* --- what several have in common --- */

static bool
trigger_all_have(
    const struct trigger_bytes *s, size_t n, const uint8_t *p, size_t len)
{
	for (size_t i = 1; i < n; i++)
		if (s[i].len < len || memmem(s[i].p, s[i].len, p, len) == NULL)
			return false;
	return true;
}

/* From each start on, only what is longer than the best is looked for. */
size_t
trigger_common(const struct trigger_bytes *s, size_t n, const uint8_t **at)
{
	size_t best = 0;

	*at = NULL;
	for (size_t i = 0; n > 0 && i + best < s[0].len; i++)
		while (i + best < s[0].len &&
		    trigger_all_have(s, n, s[0].p + i, best + 1)) {
			best++;
			*at = s[0].p + i;
		}
	return best;
}
