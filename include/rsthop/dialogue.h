/*
 * Dialogues: files that say what a client and a server tell each other before
 * the trigger, and the trigger itself.
 *
 *	# SMTP: the trigger follows the greeting
 *	expect "220 " 10s
 *	send "EHLO client.example\r\n"
 *	expect "250 "
 *	pause 200ms
 *	trigger "MAIL FROM:<a@example.com>\r\n"
 *	control "NOOP\r\n"
 *
 * expect TEXT [TIME]     until the server has said TEXT since the last send
 * expect N bytes [TIME]  until it has said N bytes since then
 * send TEXT              C escapes as of --payload
 * pause TIME             ms or s
 * trigger TEXT           once, the last but for control
 * control TEXT           at most once, anywhere
 *
 * A line holds one of them; a '#' outside of a text begins a comment.
 *
 * What is listened to: before the first send, all since the connection opened;
 * after it, what is taken in after that send.  Of several expects in a row,
 * with pauses between them or without, each goes on behind what satisfied the
 * one before it.  A pause loses nothing.  So an expect before a send had better
 * wait for the end of what the server says: what is still on its way when the
 * send goes out counts as said after it.
 *
 * Pure but for dialogue_load(), which reads one file.
 */
#ifndef RSTHOP_DIALOGUE_H
#define RSTHOP_DIALOGUE_H

#include <stddef.h>
#include <stdint.h>

#include <rsthop/fault.h>
#include <rsthop/talk.h>

#define DIALOGUE_WAIT_S	   10	   /* an expect without a time of its own */
#define DIALOGUE_TIME_S	   3600	   /* the longest wait or pause */
#define DIALOGUE_STEPS	   256	   /* at most */
#define DIALOGUE_TEXT_MAX  65536   /* of one text, unescaped */
#define DIALOGUE_BYTES_MAX 1000000 /* of expect N bytes */
#define DIALOGUE_FILE_MAX  1048576

struct dialogue;

/*
 * Parses text; `name` is what a fault calls it: FAULT_INPUT, with the number
 * of the line and how to mend it.  Without a trigger line the dialogue has
 * none; then the caller must have one.
 */
int dialogue_parse(const char *name, const char *text, size_t len,
    struct dialogue **out, struct fault *f);
int dialogue_load(const char *path, struct dialogue **out, struct fault *f);
void dialogue_free(struct dialogue *d);

/*
 * One made by hand: steps are added in order, bytes are copied.  What is
 * refused is a FAULT_INPUT: an empty text, one too long, a time below zero,
 * one step too many.
 */
int dialogue_new(struct dialogue **out, struct fault *f);
int dialogue_add_expect(struct dialogue *d, const uint8_t *p, size_t n,
    int64_t wait_ns, struct fault *f);
int dialogue_add_expect_bytes(
    struct dialogue *d, size_t n, int64_t wait_ns, struct fault *f);
int dialogue_add_send(
    struct dialogue *d, const uint8_t *p, size_t n, struct fault *f);
int dialogue_add_pause(struct dialogue *d, int64_t ns, struct fault *f);

/* NULL and *n 0 where there is none; the dialogue's. */
const uint8_t *dialogue_trigger(const struct dialogue *d, size_t *n);
const uint8_t *dialogue_control(const struct dialogue *d, size_t *n);

/*
 * Talks that follow d, which must outlive them.  A step says one send's text
 * at most and never together with TALK_READY; where it could go on at once,
 * wake_ns is now.  They fail with TALK_FAIL_ODD, once an expect's time is over
 * (FAULT_NETWORK), and then again at each later step.
 */
struct talk_maker dialogue_maker(struct dialogue *d);

#endif
