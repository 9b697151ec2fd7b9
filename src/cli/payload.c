#define _GNU_SOURCE /* memmem */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/random.h>

#include <rsthop/preset.h>
#include <rsthop/text.h>
#include <rsthop/trigger.h>

#include "payload.h"

#define PAYLOAD_EARLY 1200 /* bytes of a hello that one segment surely holds */
#define PAYLOAD_DRAWS 64

static int
payload_begin(struct payload *p, enum result_trigger from, struct fault *f)
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
payload_check_length(
    const char *what, size_t len, enum fault_kind kind, struct fault *f)
{
	if (len == 0)
		return fault(f, kind, "%s: empty; give at least a byte", what);
	if (len > TRIGGER_MAX)
		return fault(f, kind,
		    "%s: over %d bytes are more than a trigger may have", what,
		    TRIGGER_MAX);
	return 0;
}

int
payload_set_text(struct payload *p, const char *s, struct fault *f)
{
	if (payload_begin(p, RESULT_TRIGGER_PAYLOAD, f) < 0 ||
	    text_unescape("--payload", s, &p->bytes, &p->len, f) < 0)
		return -1;
	return payload_check_length("--payload", p->len, FAULT_USAGE, f);
}

int
payload_set_hex(struct payload *p, const char *s, struct fault *f)
{
	if (payload_begin(p, RESULT_TRIGGER_HEX, f) < 0 ||
	    text_from_hex("--payload-hex", s, &p->bytes, &p->len, f) < 0)
		return -1;
	return payload_check_length("--payload-hex", p->len, FAULT_USAGE, f);
}

int
payload_set_file(struct payload *p, const char *path, struct fault *f)
{
	if (payload_begin(p, RESULT_TRIGGER_FILE, f) < 0)
		return -1;
	p->path = path;
	return 0;
}

int
payload_set_mysql_use(struct payload *p, const char *db, struct fault *f)
{
	return payload_begin(p, RESULT_TRIGGER_MYSQL, f) < 0 ||
		preset_mysql_init_db("--mysql-use", db, &p->bytes, &p->len, f) <
		    0
	    ? -1
	    : payload_check_length("--mysql-use", p->len, FAULT_USAGE, f);
}

int
payload_set_mysql_query(struct payload *p, const char *sql, struct fault *f)
{
	return payload_begin(p, RESULT_TRIGGER_MYSQL, f) < 0 ||
		preset_mysql_query(
		    "--mysql-query", sql, &p->bytes, &p->len, f) < 0
	    ? -1
	    : payload_check_length("--mysql-query", p->len, FAULT_USAGE, f);
}

int
payload_make_mysql_control(struct payload *p, struct fault *f)
{
	return p->control != NULL
	    ? 0
	    : preset_mysql_control(p->len, &p->control, &p->control_len, f);
}

int
payload_set_http(struct payload *p, const char *host, struct fault *f)
{
	if (payload_begin(p, RESULT_TRIGGER_HTTP, f) < 0)
		return -1;
	p->name = host;
	return preset_check_name("--http-host", host, f);
}

int
payload_set_tls(struct payload *p, const char *sni, struct fault *f)
{
	if (payload_begin(p, RESULT_TRIGGER_TLS, f) < 0)
		return -1;
	p->name = sni;
	return preset_check_name("--tls-sni", sni, f);
}

/* The same for a name that no device minds. */
static int
payload_make_http(struct payload *p, uint16_t port, struct fault *f)
{
	char other[PRESET_NAME];

	if (preset_http(
		"--http-host", p->name, port, NULL, &p->bytes, &p->len, f) < 0)
		return -1;
	if (p->control != NULL)
		return 0;
	preset_control_name(p->name, other);
	return preset_http(
	    "--http-host", other, port, NULL, &p->control, &p->control_len, f);
}

/*
 * Browsers shuffle the extensions, so that the name stands in the first segment
 * now and then and in the second else; a device that looks at the first alone
 * is to see it each time.
 */
static bool
payload_is_early(const struct payload *p)
{
	const uint8_t *at = memmem(p->bytes, p->len, p->name, strlen(p->name));

	return at != NULL &&
	    (size_t)(at - p->bytes) + strlen(p->name) <= PAYLOAD_EARLY;
}

static int
payload_draw_hello(
    struct payload *p, struct rng *r, struct rng *drawn, struct fault *f)
{
	for (int i = 0; i < PAYLOAD_DRAWS; i++) {
		free(p->bytes);
		p->bytes = NULL;
		*drawn = *r;
		if (preset_tls_hello("--tls-sni", p->name, PRESET_TLS_FULL, r,
			&p->bytes, &p->len, f) < 0)
			return -1;
		if (payload_is_early(p))
			return 0;
	}
	return 0;
}

static int
payload_make_tls(struct payload *p, struct fault *f)
{
	struct rng r, again;
	char other[PRESET_NAME];
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) < 0)
		return fault(f, FAULT_SYSTEM, "getrandom: %s", strerror(errno));
	rng_seed(&r, seed);
	if (payload_draw_hello(p, &r, &again, f) < 0)
		return -1;
	if (p->control != NULL)
		return 0;
	preset_control_name(p->name, other);
	return preset_tls_hello("--tls-sni", other, PRESET_TLS_FULL, &again,
	    &p->control, &p->control_len, f);
}

int
payload_make(struct payload *p, uint16_t port, struct fault *f)
{
	if (p->from == RESULT_TRIGGER_HTTP)
		return payload_make_http(p, port, f);
	return p->from == RESULT_TRIGGER_TLS ? payload_make_tls(p, f) : 0;
}

int
payload_set_bytes(struct payload *p, enum result_trigger from,
    const uint8_t *bytes, size_t len, struct fault *f)
{
	if (payload_begin(p, from, f) < 0 ||
	    payload_check_length("the trigger", len, FAULT_INPUT, f) < 0)
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
	if (payload_check_length("the control", len, FAULT_INPUT, f) < 0)
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
	return payload_check_length(
	    "--control", p->control_len, FAULT_USAGE, f);
}

int
payload_load(struct payload *p, struct fault *f)
{
	FILE *in;

	if (p->path == NULL)
		return 0;
	p->bytes = malloc(TRIGGER_MAX + 1);
	if (p->bytes == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	in = fopen(p->path, "rbe");
	if (in == NULL)
		return fault(f, FAULT_INPUT, "cannot read %s: %s", p->path,
		    strerror(errno));
	errno = 0;
	p->len = fread(p->bytes, 1, TRIGGER_MAX + 1, in);
	if (ferror(in) != 0) {
		fault(f, FAULT_INPUT, "cannot read %s: %s", p->path,
		    strerror(errno));
		fclose(in);
		return -1;
	}
	fclose(in);
	return payload_check_length(p->path, p->len, FAULT_INPUT, f);
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
