/*
 * How a connection to MySQL or MariaDB begins.
 */
#include <string.h>

#include <rsthop/mysql.h>

#include "cur.h"

#define MYSQL_GREETING_PROTOCOL 10
#define MYSQL_GREETING_SALT	8
#define MYSQL_LOGIN_FILLER	23
#define MYSQL_LOGIN_FIXED	32 /* before the name: all of an SSLRequest */

#define MYSQL_CAN_CONNECT_WITH_DB 0x00000008u
#define MYSQL_CAN_PROTOCOL_41	  0x00000200u
#define MYSQL_CAN_SECURE	  0x00008000u /* a length before the answer */
#define MYSQL_CAN_AUTH_LENENC	  0x00200000u /* ... one that can be long */

static uint32_t
mysql_cur_le(struct cur *c, int bytes)
{
	uint32_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint32_t)cur_u8(c) << (8 * i);
	return v;
}

/* A length-encoded number: one byte below 251, else its size and it. */
static size_t
mysql_cur_lenenc(struct cur *c)
{
	uint8_t first = cur_u8(c);

	if (first < 0xfb)
		return first;
	if (first == 0xfc)
		return mysql_cur_le(c, 2);
	if (first == 0xfd)
		return mysql_cur_le(c, 3);
	cur_lie(c); /* nothing in a login takes 16 MiB */
	return 0;
}

/* Up to a NUL, which is taken; longer than the room counts as a lie. */
static void
mysql_take_string(struct cur *c, char *out, size_t size)
{
	const uint8_t *end;
	size_t n;

	out[0] = '\0';
	if (c->bad)
		return;
	end = memchr(c->p, '\0', cur_left(c));
	if (end == NULL || (n = (size_t)(end - c->p)) >= size) {
		cur_lie(c);
		return;
	}
	memcpy(out, c->p, n + 1);
	cur_skip(c, n + 1);
}

/*
 *   3 bytes  length of the body, low byte first
 *   1 byte   sequence number
 */
bool
mysql_parse_packet(const uint8_t *p, size_t len, struct mysql_packet *out)
{
	struct cur c = cur_new(p, len, 0);

	memset(out, 0, sizeof(*out));
	out->len = mysql_cur_le(&c, 3);
	out->seq = cur_u8(&c);
	out->body = cur_take(&c, out->len);
	out->size = MYSQL_HEADER + out->len;
	return out->body != NULL;
}

/*
 * "HandshakeV10":
 *
 *    1 byte   protocol, 10
 *    string   version, with its NUL
 *    4 bytes  connection
 *    8 bytes  challenge, first part
 *    1 byte   0
 *    2 bytes  capabilities, low half
 *    1 byte   character set         \
 *    2 bytes  status                 > not from very old servers
 *    2 bytes  capabilities, high half/
 */
bool
mysql_parse_greeting(const uint8_t *p, size_t len, struct mysql_greeting *out)
{
	struct mysql_packet m;
	struct cur c;

	memset(out, 0, sizeof(*out));
	if (!mysql_parse_packet(p, len, &m) || m.seq != 0)
		return false;
	c = cur_new(m.body, m.len, 0);
	if (cur_u8(&c) != MYSQL_GREETING_PROTOCOL)
		return false;
	mysql_take_string(&c, out->version, sizeof(out->version));
	cur_skip(&c, 4 + MYSQL_GREETING_SALT);
	if (cur_u8(&c) != 0)
		return false;
	out->capabilities = mysql_cur_le(&c, 2);
	if (c.bad || out->version[0] == '\0')
		return false;
	cur_skip(&c, 3);
	out->capabilities |= mysql_cur_le(&c, 2) << 16;
	return true;
}

/* The answer to the challenge, in one of three forms. */
static void
mysql_skip_answer(struct cur *c, uint32_t capabilities)
{
	char answer[MYSQL_NAME];

	if ((capabilities & MYSQL_CAN_AUTH_LENENC) != 0)
		cur_skip(c, mysql_cur_lenenc(c));
	else if ((capabilities & MYSQL_CAN_SECURE) != 0)
		cur_skip(c, cur_u8(c));
	else
		mysql_take_string(c, answer, sizeof(answer));
}

/*
 * "HandshakeResponse41"; an SSLRequest is its first 32 bytes alone:
 *
 *    4 bytes  capabilities
 *    4 bytes  largest packet
 *    1 byte   character set
 *   23 bytes  0, or more capabilities (MariaDB)
 *    string   user, with its NUL
 *             answer to the challenge
 *    string   database, with its NUL, where the capabilities say so
 *
 * A database that is not there or too long is told as none: the name of the
 * user is what a login cannot do without.
 */
bool
mysql_parse_login(const uint8_t *p, size_t len, struct mysql_login *out)
{
	struct mysql_packet m;
	struct cur c;

	memset(out, 0, sizeof(*out));
	if (!mysql_parse_packet(p, len, &m) || m.seq != 1)
		return false;
	c = cur_new(m.body, m.len, 0);
	out->capabilities = mysql_cur_le(&c, 4);
	cur_skip(&c, 5 + MYSQL_LOGIN_FILLER);
	if (c.bad || (out->capabilities & MYSQL_CAN_PROTOCOL_41) == 0)
		return false;
	if (m.len == MYSQL_LOGIN_FIXED) {
		out->asks_tls = (out->capabilities & MYSQL_CAN_TLS) != 0;
		return out->asks_tls;
	}
	mysql_take_string(&c, out->user, sizeof(out->user));
	if (c.bad)
		return false;
	mysql_skip_answer(&c, out->capabilities);
	if (c.bad)
		return false;
	if ((out->capabilities & MYSQL_CAN_CONNECT_WITH_DB) != 0)
		mysql_take_string(&c, out->database, sizeof(out->database));
	return true;
}
