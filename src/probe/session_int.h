/*
 * What the parts of session show each other.  Calls go one way: session.c ->
 * session_match.c, session_talk.c -> session_store.c.
 */
#ifndef RSTHOP_PROBE_SESSION_INT_H
#define RSTHOP_PROBE_SESSION_INT_H

#include <rsthop/session.h>

/* session_store.c: adds to the arrays, which may move.  The index, or -1. */
int session_add_conn(
    struct session *s, const struct session_conn *c, struct fault *f);
/* Also counts it as asked of its hop, unless it went the whole way. */
int session_add_probe(
    struct session *s, const struct probe *p, struct fault *f);
int session_add_reset(
    struct session *s, const struct seen_reset *r, struct fault *f);

/*
 * session_match.c: which probe a packet answers.  note, of `size` bytes, gets
 * the packet's line in the evidence; it stays as it is where there is nothing
 * to say.
 */

/* The packet answers this probe: notes it in the probe and in the path. */
void session_record_answer(struct session *s, int probe,
    const struct world_packet *wp, bool from_server);
/* An ICMP error. */
void session_match_quote(
    struct session *s, const struct world_packet *wp, char *note, size_t size);
/* A segment of the server's, no reset, on this connection. */
void session_take_server_segment(struct session *s, int conn,
    const struct world_packet *wp, char *note, size_t size);
/* A reset to this end of the connection, whoever sent it. */
int session_take_reset(struct session *s, int conn,
    const struct world_packet *wp, char *note, size_t size, struct fault *f);

/* --- session_talk.c: what is said before the trigger --- */

/* Carries bytes between all talks and the server. */
void session_step_talks(struct session *s);
/* When the next talk wants to be called; INT64_MAX: none does. */
int64_t session_talks_wake_at(const struct session *s);
/*
 * Blanks what a login said in the packet that was kept last: it holds a
 * password, or what one can be guessed from.  conn -1: it is of none.
 */
void session_blank_evidence(
    struct session *s, int conn, const struct world_packet *wp);
/* Says the talk's last words where the connection is open, and frees it. */
void session_end_talk(struct session *s, int conn);

#endif
