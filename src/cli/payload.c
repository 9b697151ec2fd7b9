#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/locate.h>
#include <rsthop/text.h>

#include "payload.h"

static int
begin(struct payload *p, enum result_trigger from, struct fault *f)
{
	if (p->from != RESULT_TRIGGER_NONE)
		return fault(f, FAULT_USAGE,
		    "give one trigger: --payload, --payload-hex, "
		    "--payload-file, --mysql-use, --mysql-query, --http-host "
		    "or --tls-sni");
	p->from = from;
	return 0;
}

static int
check_length(
    const char *what, size_t len, enum fault_kind kind, struct fault *f)
{
	if (len == 0)
		return fault(f, kind, "%s: empty; give at least a byte", what);
	if (len > LOCATE_PAYLOAD_MAX)
		return fault(f, kind,
		    "%s: over %d bytes do not fit into one segment", what,
		    LOCATE_PAYLOAD_MAX);
	return 0;
}

int
payload_set_text(struct payload *p, const char *s, struct fault *f)
{
	if (begin(p, RESULT_TRIGGER_PAYLOAD, f) < 0 ||
	    text_unescape("--payload", s, &p->bytes, &p->len, f) < 0)
		return -1;
	return check_length("--payload", p->len, FAULT_USAGE, f);
}

int
payload_set_hex(struct payload *p, const char *s, struct fault *f)
{
	if (begin(p, RESULT_TRIGGER_HEX, f) < 0 ||
	    text_from_hex("--payload-hex", s, &p->bytes, &p->len, f) < 0)
		return -1;
	return check_length("--payload-hex", p->len, FAULT_USAGE, f);
}

int
payload_set_file(struct payload *p, const char *path, struct fault *f)
{
	if (begin(p, RESULT_TRIGGER_FILE, f) < 0)
		return -1;
	p->path = path;
	return 0;
}

/* A command packet: length (3, little endian), sequence 0, command, text. */
#define MYSQL_HEAD  5
#define COM_INIT_DB 2
#define COM_QUERY   3
#define COM_PING    14

static void
write_command(uint8_t *out, uint8_t command, const char *text, size_t len)
{
	out[0] = (uint8_t)(len + 1);
	out[1] = (uint8_t)((len + 1) >> 8);
	out[2] = 0;
	out[3] = 0;
	out[4] = command;
	memset(out + MYSQL_HEAD, ' ', len);
	memcpy(out + MYSQL_HEAD, text, strlen(text));
}

/* A statement that does nothing, as long as the trigger; else a ping. */
static int
make_mysql_control(struct payload *p, size_t len, struct fault *f)
{
	static const char nothing[] = "DO 0";

	if (p->control != NULL)
		return 0;
	p->control = malloc(MYSQL_HEAD + len);
	if (p->control == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (len < sizeof(nothing) - 1) {
		len = 0;
		write_command(p->control, COM_PING, "", 0);
	} else {
		write_command(p->control, COM_QUERY, nothing, len);
	}
	p->control_len = MYSQL_HEAD + len;
	return 0;
}

static int
set_mysql(struct payload *p, const char *what, uint8_t command,
    const char *text, struct fault *f)
{
	size_t len = strlen(text);

	if (begin(p, RESULT_TRIGGER_MYSQL, f) < 0 ||
	    check_length(what, len, FAULT_USAGE, f) < 0 ||
	    check_length(what, len + MYSQL_HEAD, FAULT_USAGE, f) < 0)
		return -1;
	p->bytes = malloc(MYSQL_HEAD + len);
	if (p->bytes == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	write_command(p->bytes, command, text, len);
	p->len = MYSQL_HEAD + len;
	return 0;
}

int
payload_set_mysql_use(struct payload *p, const char *db, struct fault *f)
{
	return set_mysql(p, "--mysql-use", COM_INIT_DB, db, f);
}

int
payload_set_mysql_query(struct payload *p, const char *sql, struct fault *f)
{
	return set_mysql(p, "--mysql-query", COM_QUERY, sql, f);
}

int
payload_make_mysql_control(struct payload *p, struct fault *f)
{
	return p->len > MYSQL_HEAD
	    ? make_mysql_control(p, p->len - MYSQL_HEAD, f)
	    : 0;
}

int
payload_set_bytes(struct payload *p, enum result_trigger from,
    const uint8_t *bytes, size_t len, struct fault *f)
{
	if (begin(p, from, f) < 0 ||
	    check_length("the trigger", len, FAULT_INPUT, f) < 0)
		return -1;
	p->bytes = malloc(len);
	if (p->bytes == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	memcpy(p->bytes, bytes, len);
	p->len = len;
	return 0;
}

int
payload_set_control_bytes(
    struct payload *p, const uint8_t *bytes, size_t len, struct fault *f)
{
	if (check_length("the control", len, FAULT_INPUT, f) < 0)
		return -1;
	p->control = malloc(len);
	if (p->control == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	memcpy(p->control, bytes, len);
	p->control_len = len;
	return 0;
}

int
payload_set_control(struct payload *p, const char *s, struct fault *f)
{
	if (p->control != NULL)
		return fault(f, FAULT_USAGE, "--control: given twice");
	if (text_unescape("--control", s, &p->control, &p->control_len, f) < 0)
		return -1;
	return check_length("--control", p->control_len, FAULT_USAGE, f);
}

int
payload_load(struct payload *p, struct fault *f)
{
	FILE *in;

	if (p->path == NULL)
		return 0;
	p->bytes = malloc(LOCATE_PAYLOAD_MAX + 1);
	if (p->bytes == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	in = fopen(p->path, "rbe");
	if (in == NULL)
		return fault(f, FAULT_INPUT, "cannot read %s: %s", p->path,
		    strerror(errno));
	errno = 0;
	p->len = fread(p->bytes, 1, LOCATE_PAYLOAD_MAX + 1, in);
	if (ferror(in)) {
		fault(f, FAULT_INPUT, "cannot read %s: %s", p->path,
		    strerror(errno));
		fclose(in);
		return -1;
	}
	fclose(in);
	return check_length(p->path, p->len, FAULT_INPUT, f);
}

int
payload_check_control(const struct payload *p, struct fault *f)
{
	if (p->control == NULL)
		return 0;
	if (p->from == RESULT_TRIGGER_NONE)
		return fault(f, FAULT_USAGE,
		    "--control goes with a trigger; give --payload too");
	if (p->control_len == p->len && p->bytes != NULL &&
	    memcmp(p->control, p->bytes, p->len) == 0)
		return fault(f, FAULT_USAGE,
		    "--control is the trigger itself; give bytes that no "
		    "device minds");
	return 0;
}

void
payload_free(struct payload *p)
{
	free(p->bytes);
	free(p->control);
	memset(p, 0, sizeof(*p));
}
