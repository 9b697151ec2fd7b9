#include "forger_mysql.h"

#include <string.h>

#include <wire/cur.h>

/* Capabilities in the client's answer to the greeting. */
#define CLIENT_COMPRESS	   (UINT32_C(1) << 5)
#define CLIENT_PROTOCOL_41 (UINT32_C(1) << 9)
#define CLIENT_SSL	   (UINT32_C(1) << 11)
#define CLIENT_ZSTD	   (UINT32_C(1) << 26)
#define ANSWER_MIN	   32 /* up to the name; all where TLS is asked for */

#define PROTOCOL_10 0x0a /* of a greeting */

/* The first byte of what a server says to a login. */
#define SAYS_OK	    0x00
#define SAYS_MORE   0x01
#define SAYS_SWITCH 0xfe

#define COM_INIT_DB 0x02
#define COM_QUERY   0x03

/* A packet within what has come: id numbers the packets of one exchange. */
struct packet {
	uint8_t id;
	const uint8_t *body;
	size_t len;
};

static uint32_t
read_le(struct cur *c, int bytes)
{
	uint32_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint32_t)cur_u8(c) << (8 * i);
	return v;
}

/* False, and nothing read, where the packet is not whole. */
static bool
read_packet(struct cur *c, struct packet *p)
{
	struct cur at = *c;

	p->len = read_le(&at, 3);
	p->id = cur_u8(&at);
	p->body = cur_take(&at, p->len);
	if (at.bad)
		return false;
	*c = at;
	return true;
}

bool
bytes_contain(const uint8_t *p, size_t n, const struct bytes *what)
{
	if (what->len == 0)
		return false;
	for (size_t i = 0; i + what->len <= n; i++)
		if (memcmp(p + i, what->p, what->len) == 0)
			return true;
	return false;
}

/* --- streams --- */

/* What is new in a segment goes behind what is kept; false where a gap is. */
static bool
stream_take(struct mysql_stream *s, const struct mysql_segment *seg)
{
	uint32_t old;

	if (!s->known) {
		s->known = true;
		s->next = seg->seq;
	}
	old = s->next - seg->seq; /* bytes of it that were taken before */
	if (old >= seg->len || s->n + seg->len - old > sizeof(s->kept))
		return false;
	memcpy(s->kept + s->n, seg->p + old, seg->len - old);
	s->n = (uint16_t)(s->n + seg->len - old);
	s->next = seg->seq + (uint32_t)seg->len;
	return true;
}

/* What c has not read stays. */
static void
stream_keep(struct mysql_stream *s, const struct cur *c)
{
	s->n = (uint16_t)cur_left(c);
	memmove(s->kept, c->p, s->n);
}

/* --- the connection phase --- */

static enum mysql_state
after_greeting(const struct packet *p)
{
	bool good = p->id == 0 && p->len > 0 && p->body[0] == PROTOCOL_10;

	return good ? MYSQL_GREETED : MYSQL_BLIND;
}

static enum mysql_state
after_answer(const struct packet *p)
{
	struct cur c = cur_new(p->body, p->len, 0);
	uint32_t can = read_le(&c, 4);

	if (p->id != 1 || p->len < ANSWER_MIN ||
	    (can & CLIENT_PROTOCOL_41) == 0)
		return MYSQL_BLIND;
	if ((can & CLIENT_SSL) != 0 && p->len == ANSWER_MIN)
		return MYSQL_BLIND; /* the rest comes inside TLS */
	if ((can & (CLIENT_COMPRESS | CLIENT_ZSTD)) != 0)
		return MYSQL_BLIND;
	return MYSQL_LOGIN;
}

/* More rounds follow a switch of the method or more data for it. */
static enum mysql_state
after_login(const struct packet *p)
{
	uint8_t says = p->len > 0 ? p->body[0] : 0xff;

	if (says == SAYS_OK)
		return MYSQL_COMMAND;
	return says == SAYS_MORE || says == SAYS_SWITCH ? MYSQL_LOGIN
							: MYSQL_BLIND;
}

static void
see_login(struct mysql_conn *c, struct mysql_stream *s, bool from_server)
{
	struct cur at = cur_new(s->kept, s->n, 0);
	struct packet p;

	while (read_packet(&at, &p)) {
		if (from_server && c->state == MYSQL_OPEN)
			c->state = after_greeting(&p);
		else if (from_server && c->state == MYSQL_LOGIN)
			c->state = after_login(&p);
		else if (!from_server && c->state == MYSQL_GREETED)
			c->state = after_answer(&p);
		else if (c->state != MYSQL_LOGIN) /* out of turn */
			c->state = MYSQL_BLIND;
	}
	stream_keep(s, &at);
}

/* --- the command phase --- */

static bool
is_wanted(const struct packet *p, int command, const struct bytes *what)
{
	bool init_db = command != WORD_QUERY;
	bool query = command != WORD_INIT_DB;

	if (p->id != 0 || p->len < 1)
		return false;
	if (!(init_db && p->body[0] == COM_INIT_DB) &&
	    !(query && p->body[0] == COM_QUERY))
		return false;
	return bytes_contain(p->body + 1, p->len - 1, what);
}

/* Commands in a row that begin at p; sets how many bytes are not read. */
static bool
has_wanted(const uint8_t *p, size_t n, int command, const struct bytes *what,
    struct cur *rest)
{
	bool found = false;
	struct packet packet;

	*rest = cur_new(p, n, 0);
	while (read_packet(rest, &packet))
		found = is_wanted(&packet, command, what) || found;
	return found;
}

/*
 * What begins where a command is due is one, the first time and any other:
 * copies with another TTL, bytes that the connection itself never sends.  So
 * nothing is taken away from it before the server has answered.
 */
static bool
see_command(struct mysql_conn *c, const struct mysql_segment *seg, int command,
    const struct bytes *what)
{
	struct mysql_stream *s = &c->client;
	struct mysql_segment tail = *seg;
	struct cur rest;
	bool found;

	if (seg->seq == c->command) {
		found = has_wanted(seg->p, seg->len, command, what, &rest);
		tail.p = rest.p;
		tail.len = cur_left(&rest);
		tail.seq += (uint32_t)(seg->len - tail.len);
		s->n = 0;
		s->next = tail.seq;
		stream_take(s, &tail); /* not whole: the end is to come */
		return found;
	}
	if (s->n == 0 || seg->seq != s->next || !stream_take(s, seg))
		return false;
	found = has_wanted(s->kept, s->n, command, what, &rest);
	stream_keep(s, &rest);
	return found;
}

void
mysql_open(struct mysql_conn *c, uint32_t next)
{
	c->state = MYSQL_OPEN;
	c->client.known = true;
	c->client.next = next;
	c->server.known = false;
	c->client.n = c->server.n = 0;
}

void
mysql_see_server(struct mysql_conn *c, const struct mysql_segment *s)
{
	if (c->state == MYSQL_BLIND)
		return;
	if (c->state == MYSQL_COMMAND) {
		/* It answers what it has read: the next command follows. */
		if ((int32_t)(s->ack - c->command) > 0)
			c->command = s->ack;
		return;
	}
	if (!stream_take(&c->server, s))
		return;
	see_login(c, &c->server, true);
	c->command = s->ack;
}

bool
mysql_see_client(struct mysql_conn *c, const struct mysql_segment *s,
    int command, const struct bytes *what)
{
	if (c->state == MYSQL_BLIND)
		return false;
	if (c->state == MYSQL_COMMAND)
		return see_command(c, s, command, what);
	if (stream_take(&c->client, s))
		see_login(c, &c->client, false);
	return false;
}
