/*
 * What a client asked for, out of the start of its data: the words that a
 * middlebox may have fired at.  Pure; every byte through the checked cursor.
 */
#ifndef RSTHOP_TRIGGER_H
#define RSTHOP_TRIGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of one segment of it, at most: they fit on any sane path. */
#define TRIGGER_SEGMENT 1400
/* And of all its segments. */
#define TRIGGER_MAX (4 * TRIGGER_SEGMENT)

#define TRIGGER_COMMAND 32
#define TRIGGER_KEY	256

enum trigger_protocol {
	TRIGGER_UNKNOWN,
	TRIGGER_MYSQL, /* a command packet */
	TRIGGER_HTTP,  /* a request of HTTP/1 */
	TRIGGER_TLS    /* a ClientHello */
};

struct trigger {
	enum trigger_protocol protocol;
	/* "COM_INIT_DB", "GET", "ClientHello"; "" where unknown. */
	char command[TRIGGER_COMMAND];
	/*
	 * The database or statement, the Host, the server's name; "" for none.
	 * Bytes as they came, hostile, up to the first NUL.
	 */
	char key[TRIGGER_KEY];
};

/*
 * The first len of `sent` bytes of a segment.  False, and TRIGGER_UNKNOWN,
 * where no protocol is recognized beyond doubt.
 */
bool trigger_parse(
    const uint8_t *p, size_t len, size_t sent, struct trigger *out);

/* "mysql", "http", "tls"; NULL for unknown. */
const char *trigger_protocol_name(enum trigger_protocol p);

struct trigger_bytes {
	const uint8_t *p;
	size_t len;
};

/*
 * The longest run of bytes that all n have in common; the first such in s[0].
 * Gives its length and sets *at, within s[0]; 0 where there is none.
 * Takes up to 2 * s[0].len searches through all of them.
 */
size_t trigger_common(
    const struct trigger_bytes *s, size_t n, const uint8_t **at);

#endif
