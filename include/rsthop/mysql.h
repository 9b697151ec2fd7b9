/*
 * How a connection to MySQL or MariaDB begins: the server's greeting and the
 * client's answer, as far as they can be read from outside.  Pure; every byte
 * through the checked cursor.
 *
 * What the words of commands mean is in trigger.h.
 */
#ifndef RSTHOP_MYSQL_H
#define RSTHOP_MYSQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MYSQL_VERSION_TEXT 64
#define MYSQL_NAME	   256 /* a user's or database's, with its NUL */
#define MYSQL_HEADER	   4   /* bytes before the body of each packet */

/* What a client may ask for, the first byte of a body: "Command Phase". */
enum mysql_command {
	MYSQL_COM_QUIT = 0x01,
	MYSQL_COM_INIT_DB = 0x02,
	MYSQL_COM_QUERY = 0x03,
	MYSQL_COM_FIELD_LIST = 0x04,
	MYSQL_COM_CREATE_DB = 0x05,
	MYSQL_COM_DROP_DB = 0x06,
	MYSQL_COM_STATISTICS = 0x09,
	MYSQL_COM_PING = 0x0e,
	MYSQL_COM_STMT_PREPARE = 0x16
};

/* Capabilities, those that matter here; both ends must say one to mean it. */
#define MYSQL_CAN_COMPRESS 0x00000020u
#define MYSQL_CAN_TLS	   0x00000800u

/* One whole packet: "Basic Packets". */
struct mysql_packet {
	uint8_t seq;	     /* 0 begins a command */
	const uint8_t *body; /* within the caller's bytes */
	size_t len;	     /* of the body */
	size_t size;	     /* with its header */
};

struct mysql_greeting {
	char version[MYSQL_VERSION_TEXT]; /* hostile bytes, cut */
	uint32_t capabilities;
};

struct mysql_login {
	bool asks_tls; /* SSLRequest: a ClientHello follows, no name does */
	uint32_t capabilities;
	char user[MYSQL_NAME]; /* hostile bytes, both */
	char database[MYSQL_NAME];
};

/* False where the len bytes at p do not hold all of it. */
bool mysql_parse_packet(const uint8_t *p, size_t len, struct mysql_packet *out);

/*
 * Each takes a whole packet at p, whatever follows it.  False where it is not
 * one: a greeting of protocol 10, a HandshakeResponse41 or SSLRequest.
 */
bool mysql_parse_greeting(
    const uint8_t *p, size_t len, struct mysql_greeting *out);
bool mysql_parse_login(const uint8_t *p, size_t len, struct mysql_login *out);

#endif
