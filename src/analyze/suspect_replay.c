/*
 * From a connection's bytes to the trigger, and to what it takes to stand
 * where the application stood when it sent it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <rsthop/clock.h>

#include "suspect_control.h"
#include "suspect_replay.h"
#include "suspect_stream.h"

#define REPLAY_SAID_MAX	   120 /* messages: each takes two steps at most */
#define REPLAY_PAUSE_MAX   (5 * CLOCK_S)
#define REPLAY_WAITED_MAX  (60 * CLOCK_S)
#define REPLAY_TLS_LONGEST 16640 /* a record, RFC 8446, section 5.2 */
#define REPLAY_TLS_HEADER  5
#define REPLAY_TLS_FIRST   20 /* kinds of records, section 5.1 */
#define REPLAY_TLS_LAST	   23
/* messages: the banner, the key exchange's start */
#define REPLAY_SSH_IN_CLEAR 2
#define REPLAY_COMPRESSED   7 /* bytes before a compressed packet's body */

/* A connection as it is read: what was said, and when the trigger was. */
struct reading {
	const struct stream *s;
	size_t n_before; /* events before that of the trigger */
	const struct stream_event *event; /* with the trigger; NULL: none */
	uint32_t begin, end;	/* of the message with the trigger, offsets */
	const uint8_t *message; /* NULL: not all of it is there */
	size_t len;
	bool torn; /* only the segment that drew the reset is there */
};

static void
replay_say_why(struct suspect *out, enum suspect_replay replay, const char *why)
{
	out->replay = replay;
	snprintf(out->why, sizeof(out->why), "%s", why);
}

/* --- the message with the trigger --- */

/*
 * The client's words up to the segment that drew the reset, or up to the
 * reset where that segment bore none: a reset that answers an acknowledgement
 * was drawn by what had been said before.
 */
static void
replay_find_message(struct reading *r)
{
	const struct stream *s = r->s;
	size_t i = s->n_events;

	r->n_before = i;
	r->end = s->drew.end != 0 ? s->drew.end : s->side[0].next;
	if (r->end > s->side[0].next)
		return; /* bytes before it never came */
	while (i > 0 &&
	    (!s->events[i - 1].from_client || s->events[i - 1].begin >= r->end))
		i--;
	if (i == 0)
		return;
	r->event = &s->events[i - 1];
	r->n_before = i - 1;
	r->begin = r->event->begin;
	if (r->end > r->event->end)
		r->end = r->event->end;
	r->len = r->end - r->begin;
	r->message = stream_bytes(&s->side[0], r->begin, r->end);
}

/* Where only the segment itself was captured, or so much was said before. */
static void
replay_fall_back(struct reading *r)
{
	const struct stream *s = r->s;

	if (r->message != NULL || s->segment == NULL)
		return;
	r->torn = true;
	r->message = s->segment;
	r->len = s->segment_len;
	r->begin = s->drew.begin;
	r->end = s->drew.end;
}

/*
 * The last TRIGGER_SEGMENT bytes of a long message, or fewer, from the
 * beginning of the segment that drew the reset.  A device may put segments
 * together, so what is before them is said ahead.
 */
static size_t
replay_trigger_at(const struct reading *r)
{
	size_t last, at;

	if (r->len <= TRIGGER_SEGMENT)
		return 0;
	at = r->len - TRIGGER_SEGMENT;
	last = r->s->drew.begin > r->begin ? r->s->drew.begin - r->begin : 0;
	return last > at && last < r->len ? last : at;
}

static int
replay_keep_trigger(
    struct suspect *out, const uint8_t *p, size_t n, struct fault *f)
{
	uint8_t *copy = malloc(n);

	if (copy == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	memcpy(copy, p, n);
	free(out->trigger);
	out->trigger = copy;
	out->trigger_len = n;
	return 0;
}

/* --- what was said before --- */

static const uint8_t *
replay_event_bytes(
    const struct reading *r, const struct stream_event *e, size_t *n)
{
	*n = e->end - e->begin;
	return stream_bytes(&r->s->side[!e->from_client], e->begin, e->end);
}

/* The nth message of one side before the trigger; NULL: none, or not whole. */
static const uint8_t *
replay_said(const struct reading *r, bool client, size_t nth, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < r->n_before; i++)
		if (r->s->events[i].from_client == client && nth-- == 0)
			return replay_event_bytes(r, &r->s->events[i], n);
	return NULL;
}

static size_t
replay_count_said(const struct reading *r, bool client)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_before; i++)
		n += r->s->events[i].from_client == client;
	return n;
}

static bool
replay_has_gap(const struct reading *r)
{
	size_t n;

	for (size_t i = 0; i < r->n_before; i++)
		if (r->s->events[i].from_client &&
		    replay_event_bytes(r, &r->s->events[i], &n) == NULL)
			return true;
	return r->torn || r->s->events_full;
}

static int
replay_pause_for(struct dialogue *d, int64_t ns, struct fault *f)
{
	return dialogue_add_pause(
	    d, ns < REPLAY_PAUSE_MAX ? ns : REPLAY_PAUSE_MAX, f);
}

/*
 * What tells that a server has answered.  Of line protocols it is the code at
 * the beginning of the last line (RFC 5321, section 4.2; RFC 1939, section
 * 3), without the words behind it, which vary.  Of all others it is that it
 * says anything: lengths vary as well.
 */
static size_t
replay_answer_code(const uint8_t *p, size_t n, const uint8_t **code)
{
	size_t at = n > 0 ? n - 1 : 0;

	if (n < 4 || p[n - 1] != '\n')
		return 0;
	while (at > 0 && p[at - 1] != '\n')
		at--;
	*code = p + at;
	if (n - at >= 3 && memcmp(*code, "+OK", 3) == 0)
		return 3;
	if (n - at < 4 || (*code)[3] != ' ')
		return 0;
	for (int i = 0; i < 3; i++)
		if ((*code)[i] < '0' || (*code)[i] > '9')
			return 0;
	return 4;
}

static int
replay_expect_event(struct dialogue *d, const struct reading *r,
    const struct stream_event *e, int64_t waited_ns, struct fault *f)
{
	int64_t wait_ns = DIALOGUE_WAIT_S * CLOCK_S +
	    (waited_ns < REPLAY_WAITED_MAX ? waited_ns : REPLAY_WAITED_MAX);
	const uint8_t *code = NULL, *p;
	size_t n;

	p = replay_event_bytes(r, e, &n);
	n = p != NULL ? replay_answer_code(p, n, &code) : 0;
	if (n > 0)
		return dialogue_add_expect(d, code, n, wait_ns, f);
	return dialogue_add_expect_bytes(d, 1, wait_ns, f);
}

/* e as the step it makes; `was` is what came before it, NULL: nothing did. */
static int
replay_add_step(struct dialogue *d, const struct reading *r,
    const struct stream_event *was, const struct stream_event *e,
    struct fault *f)
{
	int64_t ns = was != NULL ? e->first_ns - was->last_ns : 0;
	const uint8_t *p;
	size_t n;

	ns = ns > 0 ? ns : 0;
	if (!e->from_client && was != NULL && !was->from_client)
		return 0; /* it only took its time */
	if (!e->from_client)
		return replay_expect_event(d, r, e, ns, f);
	if (was != NULL && was->from_client && replay_pause_for(d, ns, f) != 0)
		return -1;
	p = replay_event_bytes(r, e, &n);
	return p != NULL ? dialogue_add_send(d, p, n, f) : 0;
}

/* All before the trigger, then the part of its message that goes ahead. */
static int
replay_make_dialogue(
    struct suspect *out, const struct reading *r, size_t ahead, struct fault *f)
{
	const struct stream_event *was = NULL, *e = r->s->events;
	struct dialogue *d;
	int rc = -1;

	if (dialogue_new(&d, f) != 0)
		return -1;
	for (size_t i = 0; i < r->n_before; i++, was = e++)
		if (replay_add_step(d, r, was, e, f) != 0)
			goto out;
	if (was != NULL && was->from_client &&
	    replay_pause_for(d, r->event->first_ns - was->last_ns, f) != 0)
		goto out;
	if (ahead > 0 && dialogue_add_send(d, r->message, ahead, f) != 0)
		goto out;
	replay_say_why(out, SUSPECT_REPLAY_DIALOGUE,
	    "what was said before the trigger is said again, passwords "
	    "included");
	out->before = d; /* hand over last */
	d = NULL;
	rc = 0;
out:
	dialogue_free(d);
	return rc;
}

/* --- protocols --- */

/* A record of TLS that is no ClientHello, at the beginning of a message. */
static bool
replay_is_tls_record(const uint8_t *p, size_t n)
{
	struct trigger t;

	return n >= REPLAY_TLS_HEADER && p[0] >= REPLAY_TLS_FIRST &&
	    p[0] <= REPLAY_TLS_LAST && p[1] == 3 && p[2] <= 4 &&
	    (p[3] << 8 | p[4]) <= REPLAY_TLS_LONGEST &&
	    !trigger_parse(p, n, n, &t);
}

/* Was a ClientHello said before the trigger? */
static bool
replay_is_inside_tls(const struct reading *r)
{
	size_t total = replay_count_said(r, true), n;
	struct trigger t;

	for (size_t i = 0; i < total; i++) {
		const uint8_t *p = replay_said(r, true, i, &n);

		if (p != NULL && trigger_parse(p, n, n, &t) &&
		    t.protocol == TRIGGER_TLS)
			return true;
	}
	return replay_is_tls_record(r->message, r->len);
}

static bool
replay_is_inside_ssh(const struct reading *r)
{
	size_t n;
	const uint8_t *p = replay_said(r, true, 0, &n);

	return p != NULL && n > 4 && memcmp(p, "SSH-", 4) == 0 &&
	    replay_count_said(r, true) >= REPLAY_SSH_IN_CLEAR;
}

/* A connection to MySQL, as far as its beginning was captured. */
struct mysql_session {
	bool greeted, answered; /* the greeting, the login were read */
	bool compressed;
	struct mysql_greeting greeting;
	struct mysql_login login;
};

static bool
replay_read_mysql(const struct reading *r, struct mysql_session *m)
{
	const uint8_t *p;
	size_t n;

	memset(m, 0, sizeof(*m));
	p = replay_said(r, false, 0, &n);
	m->greeted = p != NULL && mysql_parse_greeting(p, n, &m->greeting);
	p = replay_said(r, true, 0, &n);
	m->answered =
	    m->greeted && p != NULL && mysql_parse_login(p, n, &m->login);
	m->compressed = m->answered &&
	    (m->greeting.capabilities & m->login.capabilities &
		MYSQL_CAN_COMPRESS) != 0;
	return m->greeted;
}

static void
replay_keep_database(struct suspect *out, const char *name)
{
	snprintf(out->database, sizeof(out->database), "%s", name);
}

/* The login's, or the one that was gone to since. */
static void
replay_find_database(
    struct suspect *out, const struct reading *r, const struct mysql_session *m)
{
	size_t total = replay_count_said(r, true), n;
	struct trigger t;

	replay_keep_database(out, m->login.database);
	for (size_t i = 0; i < total; i++) {
		const uint8_t *p = replay_said(r, true, i, &n);

		if (p != NULL && trigger_parse(p, n, n, &t) &&
		    strcmp(t.command, "COM_INIT_DB") == 0)
			replay_keep_database(out, t.key);
	}
}

/*
 * "Compression": length, number, length before compression, each low byte
 * first.  0 for the last of them says that the body is as it is.
 */
static int
replay_read_compressed(
    struct suspect *out, const struct reading *r, struct fault *f)
{
	const uint8_t *p = r->message;

	if (r->len <= REPLAY_COMPRESSED + MYSQL_HEADER ||
	    (p[4] | p[5] | p[6]) != 0) {
		replay_say_why(out, SUSPECT_REPLAY_NONE,
		    "the command is compressed: reproduce it without "
		    "--compress");
		return 0;
	}
	trigger_parse(p + REPLAY_COMPRESSED, r->len - REPLAY_COMPRESSED,
	    r->len - REPLAY_COMPRESSED, &out->what);
	return replay_keep_trigger(
	    out, p + REPLAY_COMPRESSED, r->len - REPLAY_COMPRESSED, f);
}

/*
 * Of a long command its beginning: the server waits for the rest, and does
 * nothing.
 */
static int
replay_cut_command(
    struct suspect *out, const struct reading *r, struct fault *f)
{
	if (r->len <= TRIGGER_SEGMENT)
		return 0;
	replay_say_why(out, SUSPECT_REPLAY_MYSQL,
	    "a login cannot be said again: log in as the user; of the command "
	    "only the beginning is sent");
	return replay_keep_trigger(out, r->message, TRIGGER_SEGMENT, f);
}

static int
replay_mysql(struct suspect *out, const struct reading *r,
    const struct mysql_session *m, struct fault *f)
{
	struct mysql_packet packet;

	snprintf(out->user, sizeof(out->user), "%s", m->login.user);
	replay_find_database(out, r, m);
	replay_say_why(out, SUSPECT_REPLAY_MYSQL,
	    "a login cannot be said again: log in as the user with the "
	    "password");
	if (m->compressed)
		return replay_read_compressed(out, r, f);
	if (mysql_parse_packet(r->message, r->len, &packet) &&
	    packet.seq != 0) {
		replay_say_why(out, SUSPECT_REPLAY_NONE,
		    "the trigger is a part of the login, which differs each "
		    "time");
		return 0;
	}
	return replay_cut_command(out, r, f);
}

/* Requests of HTTP stand alone, unless a proxy was asked to connect first. */
static bool
replay_is_http_alone(const struct suspect *out, const struct reading *r)
{
	size_t total = replay_count_said(r, true), n;
	struct trigger t;

	if (out->what.protocol != TRIGGER_HTTP)
		return false;
	for (size_t i = 0; i < total; i++) {
		const uint8_t *p = replay_said(r, true, i, &n);

		if (p != NULL &&
		    (!trigger_parse(p, n, n, &t) ||
			t.protocol != TRIGGER_HTTP ||
			strcmp(t.command, "CONNECT") == 0))
			return false;
	}
	return true;
}

/* --- the whole --- */

/* Statements that only read, in lower case. */
static const char *const reading_words[] = {
    "select ", "show ", "use ", "explain ", "describe ", "set names "};

static bool
replay_only_reads(const char *statement)
{
	size_t n = sizeof(reading_words) / sizeof(reading_words[0]);

	for (size_t i = 0; i < n; i++)
		if (strncasecmp(statement, reading_words[i],
			strlen(reading_words[i])) == 0)
			return true;
	return false;
}

static bool
replay_trigger_acts(const struct trigger *t)
{
	switch (t->protocol) {
	case TRIGGER_UNKNOWN:
	case TRIGGER_TLS:
		return false;
	case TRIGGER_HTTP:
		return strcmp(t->command, "GET") != 0 &&
		    strcmp(t->command, "HEAD") != 0 &&
		    strcmp(t->command, "OPTIONS") != 0;
	case TRIGGER_MYSQL:
		if (strcmp(t->command, "COM_QUERY") == 0)
			return !replay_only_reads(t->key);
		return strcmp(t->command, "COM_CREATE_DB") == 0 ||
		    strcmp(t->command, "COM_DROP_DB") == 0;
	}
	return false;
}

/* Where it cannot be done again; false where it may. */
static bool
replay_is_impossible(struct suspect *out, const struct reading *r)
{
	if (r->s->segment != NULL && r->s->segment_len < r->s->drew_wire)
		replay_say_why(out, SUSPECT_REPLAY_NONE,
		    "the capture cut the trigger short: capture whole packets "
		    "(tcpdump -s 0)");
	else if (replay_is_inside_tls(r))
		replay_say_why(out, SUSPECT_REPLAY_NONE,
		    "the trigger is inside TLS: it cannot be read, nor said "
		    "again");
	else if (replay_is_inside_ssh(r))
		replay_say_why(out, SUSPECT_REPLAY_NONE,
		    "the trigger is inside SSH: it cannot be read, nor said "
		    "again");
	else
		return false;
	return true;
}

static int
replay_others(
    struct suspect *out, const struct reading *r, size_t ahead, struct fault *f)
{
	bool alone = replay_is_http_alone(out, r);

	if (!alone && r->n_before > REPLAY_SAID_MAX) {
		replay_say_why(out, SUSPECT_REPLAY_NONE,
		    "too much was said before the trigger to say it again");
		return 0;
	}
	if (!alone && (!r->s->begun || replay_has_gap(r))) {
		replay_say_why(out, SUSPECT_REPLAY_PLAIN,
		    r->s->begun ? "the capture lacks some of what was said "
				  "before: the trigger is tried by itself"
				: "the capture begins in the midst of the "
				  "connection: the trigger is tried by itself");
		return 0;
	}
	if (ahead == 0 && (alone || r->n_before == 0))
		return 0;
	if (alone) {
		struct reading only = *r;

		only.n_before = 0;
		return replay_make_dialogue(out, &only, ahead, f);
	}
	return replay_make_dialogue(out, r, ahead, f);
}

static int
replay_find(
    struct suspect *out, const struct reading *r, size_t ahead, struct fault *f)
{
	struct mysql_session m;
	bool greeted = replay_read_mysql(r, &m);

	if (replay_is_impossible(out, r)) {
		out->mysql_tls = m.login.asks_tls;
		snprintf(out->user, sizeof(out->user), "%s", m.login.user);
		return 0;
	}
	if ((greeted && m.answered && !m.login.asks_tls) ||
	    out->what.protocol == TRIGGER_MYSQL)
		return replay_mysql(out, r, &m, f);
	return replay_others(out, r, ahead, f);
}

int
suspect_read_stream(
    struct suspect *out, const struct stream *s, struct fault *f)
{
	struct reading r = {.s = s};
	size_t ahead;

	out->client_ttl = s->client_ttl;
	out->client_ts = s->client_ts;
	out->tcp_header_len = s->tcp_header_len;
	out->begun = s->begun;
	replay_find_message(&r);
	replay_fall_back(&r);
	if (r.message == NULL) {
		replay_say_why(out, SUSPECT_REPLAY_PLAIN,
		    r.event != NULL ? "the capture lacks the trigger's bytes"
				    : "the client had said nothing by then");
		return 0;
	}
	ahead = replay_trigger_at(&r);
	trigger_parse(r.message, r.len, r.len, &out->what);
	if (replay_keep_trigger(out, r.message + ahead, r.len - ahead, f) !=
		0 ||
	    replay_find(out, &r, ahead, f) != 0)
		return -1;
	out->acts = replay_trigger_acts(&out->what);
	return suspect_make_control(out, f);
}
