/*
 * The trigger and the control as the user gave them.
 */
#ifndef RSTHOP_CLI_PAYLOAD_H
#define RSTHOP_CLI_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>
#include <rsthop/result.h>

struct payload {
	enum result_trigger from;
	const char *path; /* of RESULT_TRIGGER_FILE, until it is read */
	const char *name; /* of a preset, until it is made */
	uint8_t *bytes;	  /* owned */
	size_t len;
	uint8_t *control; /* owned; NULL: none given */
	size_t control_len;
};

int payload_set_text(struct payload *p, const char *s, struct fault *f);
int payload_set_hex(struct payload *p, const char *s, struct fault *f);
/* Only remembers the file: usage comes first. */
int payload_set_file(struct payload *p, const char *path, struct fault *f);
/* A packet of COM_INIT_DB or COM_QUERY. */
int payload_set_mysql_use(struct payload *p, const char *db, struct fault *f);
int payload_set_mysql_query(
    struct payload *p, const char *sql, struct fault *f);
/* The control to a command packet, where none was given. */
int payload_make_mysql_control(struct payload *p, struct fault *f);
/* Presets: the names are remembered; payload_make() makes the bytes. */
int payload_set_http(struct payload *p, const char *host, struct fault *f);
int payload_set_tls(struct payload *p, const char *sni, struct fault *f);
int payload_make(struct payload *p, uint16_t port, struct fault *f);
/* Bytes from elsewhere, which are copied. */
int payload_set_bytes(struct payload *p, enum result_trigger from,
    const uint8_t *bytes, size_t len, struct fault *f);
int payload_set_control_bytes(
    struct payload *p, const uint8_t *bytes, size_t len, struct fault *f);
int payload_set_control(struct payload *p, const char *s, struct fault *f);

/* Reads the file, if there is one. */
int payload_load(struct payload *p, struct fault *f);

/* The control is nothing without a trigger, nor as the same bytes. */
int payload_check_control(const struct payload *p, struct fault *f);

void payload_free(struct payload *p);

#endif
