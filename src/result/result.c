/* The words of the results, what fills them and what frees them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/result.h>
#include <rsthop/vec.h>

/* Enough for any campaign; a flood must not eat the host's memory. */
#define RESULT_KEEP_PACKETS 20000
#define RESULT_KEEP_BYTES   ((size_t)64 << 20)

const char *
result_kind_name(enum result_kind k)
{
	switch (k) {
	case RESULT_MIDDLEBOX:
		return "middlebox";
	case RESULT_LOAD_BALANCER:
		return "load-balancer";
	case RESULT_SERVER:
		return "server";
	case RESULT_RESPONSE_TRIGGERED:
		return "response-triggered";
	case RESULT_NOT_REPRODUCED:
		return "not-reproduced";
	case RESULT_UNDETERMINED:
		return "undetermined";
	}
	return "undetermined";
}

const char *
result_seq_match_name(enum result_seq_match m)
{
	switch (m) {
	case RESULT_SEQ_NONE:
		return NULL;
	case RESULT_SEQ_TAG:
		return "tag";
	case RESULT_SEQ_STEPPED:
		return "stepped";
	case RESULT_SEQ_EXACT:
		return "exact";
	case RESULT_SEQ_ZERO:
		return "zero";
	}
	return NULL;
}

const char *
result_trigger_name(enum result_trigger t)
{
	switch (t) {
	case RESULT_TRIGGER_NONE:
		return NULL;
	case RESULT_TRIGGER_PAYLOAD:
		return "payload";
	case RESULT_TRIGGER_HEX:
		return "hex";
	case RESULT_TRIGGER_FILE:
		return "file";
	case RESULT_TRIGGER_MYSQL:
		return "mysql";
	case RESULT_TRIGGER_HTTP:
		return "http";
	case RESULT_TRIGGER_TLS:
		return "tls";
	case RESULT_TRIGGER_DIALOGUE:
		return "dialogue";
	case RESULT_TRIGGER_CAPTURE:
		return "capture";
	case RESULT_TRIGGER_EXEC:
		return "exec";
	}
	return NULL;
}

const char *
result_before_name(enum result_before b)
{
	switch (b) {
	case RESULT_BEFORE_NOTHING:
		return NULL;
	case RESULT_BEFORE_LOGIN:
		return "login";
	case RESULT_BEFORE_DIALOGUE:
		return "dialogue";
	case RESULT_BEFORE_RECORDED:
		return "recorded";
	}
	return NULL;
}

const char *
result_bound_name(enum result_bound b)
{
	switch (b) {
	case RESULT_BOUND_NONE:
		return NULL;
	case RESULT_BOUND_CONNECTIONS:
		return "connections";
	case RESULT_BOUND_TIME:
		return "time";
	}
	return NULL;
}

const char *
result_firing_name(enum result_firing f)
{
	switch (f) {
	case RESULT_FIRING_UNKNOWN:
		return NULL;
	case RESULT_FIRING_PER_PACKET:
		return "per-packet";
	case RESULT_FIRING_PER_CONNECTION:
		return "per-connection";
	case RESULT_FIRING_PER_FLOW:
		return "per-flow";
	}
	return NULL;
}

const char *
result_sweep_name(enum result_sweep_firing f)
{
	switch (f) {
	case RESULT_SWEEP_UNKNOWN:
		return NULL;
	case RESULT_SWEEP_BY_FLOW:
		return "by-flow";
	case RESULT_SWEEP_ANY_FLOW:
		return "any-flow";
	}
	return NULL;
}

const char *
result_scope_name(enum result_scope s)
{
	switch (s) {
	case RESULT_SCOPE_NONE:
		return "none";
	case RESULT_SCOPE_3TUPLE:
		return "3-tuple";
	case RESULT_SCOPE_4TUPLE:
		return "4-tuple";
	}
	return NULL;
}

void
result_note(struct result_notes *n, const char *fmt, ...)
{
	va_list ap;

	if (n->n >= RESULT_NOTES)
		return;
	va_start(ap, fmt);
	vsnprintf(n->text[n->n], sizeof(n->text[0]), fmt, ap);
	va_end(ap);
	n->n++;
}

/* A copy of n bytes; one byte is asked for where n is 0, so NULL means none. */
static uint8_t *
result_copy_bytes(const uint8_t *data, size_t n)
{
	uint8_t *p;

	p = malloc(n == 0 ? 1 : n);
	if (p != NULL && n > 0)
		memcpy(p, data, n);
	return p;
}

void
result_keep(struct result_evidence *e, int64_t unix_ns, enum pkt_link link,
    const uint8_t *data, uint32_t len, uint32_t wire_len, const char *note)
{
	struct result_packet *p;
	uint8_t *copy;

	if (e->n >= RESULT_KEEP_PACKETS || len > RESULT_KEEP_BYTES - e->bytes ||
	    VEC_ROOM(e->packets, e->n, e->cap) != 0 ||
	    (copy = result_copy_bytes(data, len)) == NULL) {
		e->left_out++;
		return;
	}
	p = &e->packets[e->n++];
	e->bytes += len;
	p->unix_ns = unix_ns;
	p->link = link;
	p->len = len;
	p->wire_len = wire_len;
	p->data = copy;
	snprintf(p->note, sizeof(p->note), "%s", note == NULL ? "" : note);
}

void
result_evidence_free(struct result_evidence *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->packets[i].data);
	free(e->packets);
	memset(e, 0, sizeof(*e));
}

void
trace_result_free(struct trace_result *r)
{
	if (r == NULL)
		return;
	result_evidence_free(&r->evidence);
}

void
locate_result_free(struct locate_result *r)
{
	if (r == NULL)
		return;
	result_evidence_free(&r->evidence);
	free(r->resets);
	r->resets = NULL;
	r->n_resets = 0;
}
