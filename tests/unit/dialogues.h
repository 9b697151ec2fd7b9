/*
 * Dialogues that parse, those that do not and what is said of them, and what
 * servers say to them: one table for the unit test and for the fuzzer's seeds.
 */
#ifndef RSTHOP_UNIT_DIALOGUES_H
#define RSTHOP_UNIT_DIALOGUES_H

#include <stddef.h>

/* A file that is refused, and the words that must be in the fault. */
struct bad_dialogue {
	const char *what;
	const char *text;
	const char *fault;
};

static const struct bad_dialogue bad_dialogues[] = {
    {"a text that is not closed", "\n\nexpect \"220",
	"x:3: expect: a text that is not closed; end it with \""},
    {"a quote that is escaped closes nothing", "send \"a\\\"",
	"x:1: send: a text that is not closed"},
    {"an expect of nothing", "expect",
	"x:1: expect: a text in quotes is missing, as in expect \"...\""},
    {"a text without quotes", "send EHLO\\r\\n",
	"x:1: send: a text in quotes is missing, as in send \"...\""},
    {"an empty text", "send \"\"", "x:1: send: an empty text; give at least"},
    {"an empty trigger", "trigger \"\"", "x:1: trigger: an empty text"},
    {"an unknown escape", "send \"\\q\"", "x:1: send: no escape known"},
    {"a mistyped word", "# a\nexpct \"220\"",
	"x:2: no such statement: write expect, not: expct \"220\""},
    {"a plural", "sends \"a\"", "write send, not: sends"},
    {"an upper-case word", "SEND \"a\"", "x:1: no statement: begin with"},
    {"words of no dialogue", "GET / HTTP/1.1",
	"x:1: no statement: begin with expect, send, pause, trigger or control,"
	" not with: GET / HTTP/1.1"},
    {"a word that goes to a terminal's head", "send\x1b \"a\"",
	"write send, not: send\\x1b"},
    {"a text where a word should be", "\"a\"", "not with: \"a\""},
    {"a word of no length that fits", "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
	"x:1: no statement: begin with"},
    {"what stands behind a send", "send \"a\" 10s",
	"x:1: send: too much stands behind it; take this away: 10s"},
    {"what stands behind a time", "expect \"a\" 10s b",
	"x:1: expect: too much stands behind it; take this away: b"},
    {"a text behind a text", "expect \"a\" \"b\"", "take this away: \"b\""},
    {"a time without its unit", "expect \"a\" 10",
	"x:1: expect: no time with its unit, as in 10s or 200ms: 10"},
    {"a time of another unit", "pause 2min", "as in 10s or 200ms: 2min"},
    {"a unit alone", "pause ms", "is not a decimal number"},
    {"no time at all", "pause", "x:1: pause: a time is missing"},
    {"no time", "pause 0s", "is out of range"},
    {"a time below zero", "pause -1s", "is not a decimal number"},
    {"a time of more than an hour", "expect \"a\" 3601s", "out of range"},
    {"a time that hides behind zeros",
	"pause 00000000000000000000000000000000000001s",
	"no time with its unit"},
    {"bytes without the word", "expect 12", "expect 12 bytes"},
    {"bytes of another word", "expect 12 octets",
	"x:1: expect: the word bytes is missing behind 12: expect 12 bytes"},
    {"no bytes", "expect 0 bytes", "out of range"},
    {"more bytes than a dialogue may wait for", "expect 1000001 bytes",
	"out of range"},
    {"bytes that hide behind zeros",
	"expect 0000000000000000000000000000000000000000000001 bytes",
	"no number of bytes"},
    {"half a byte", "expect 1.5 bytes", "is not a whole number"},
    {"two triggers", "trigger \"a\"\n\ntrigger \"b\"",
	"x:3: trigger: a second one, for line 1 has one already"},
    {"two controls", "control \"a\"\ncontrol \"b\"",
	"x:2: control: a second one, for line 1"},
    {"a send after the trigger", "trigger \"a\"\nsend \"b\"",
	"x:2: send: nothing is said after the trigger; put it before line 1"},
    {"a pause after the trigger", "trigger \"a\"\npause 1s", "x:2: pause: "},
    {"an expect after the trigger",
	"trigger \"a\"\ncontrol \"c\"\nexpect 1 byte",
	"x:3: expect: nothing is said after"},
    {"a control that is the trigger", "control \"a\"\ntrigger \"\\x61\"\n",
	"x:1: control: the trigger once more"},
    {"no statement", "# a comment\n\n", "x: it has no statement"},
    {"nothing", "", "x: it has no statement"},
    {"lines of CR alone", "send \"a\"\rsend \"b\"", "take this away: \\rsend"},
};

/* A file that parses; each text of `says` comes once the last is answered. */
struct good_dialogue {
	const char *what;
	const char *text;
	size_t steps;
	const char *trigger; /* NULL: none */
	const char *control;
};

static const struct good_dialogue good_dialogues[] = {
    {"the one of the header",
	"# SMTP: the trigger follows the greeting\n"
	"expect \"220 \" 10s\n"
	"send \"EHLO client.example\\r\\n\"\n"
	"expect \"250 \"\n"
	"pause 200ms\n"
	"trigger \"MAIL FROM:<a@example.com>\\r\\n\"\n"
	"control \"NOOP\\r\\n\"\n",
	4, "MAIL FROM:<a@example.com>\r\n", "NOOP\r\n"},
    {"no newline at the end", "trigger \"use db\"", 0, "use db", NULL},
    {"lines of CR and LF", "expect 4 bytes\r\nsend \"a\" # b\r\n\r\n", 2, NULL,
	NULL},
    {"blanks everywhere",
	" \t expect\t\"a\"\t 0.5s \n\texpect  1  byte  2ms#x\nsend\"b\"", 3,
	NULL, NULL},
    {"a mark of UTF-8", "\xef\xbb\xbfsend \"\xc3\xa4\"\n", 1, NULL, NULL},
    {"quotes and marks within a text", "trigger \"a \\\"#\\\" \\\\\" # b", 0,
	"a \"#\" \\", NULL},
    {"a control alone", "control \"PING\"\n", 0, NULL, "PING"},
    {"a control before the trigger", "control \"a\"\nsend \"b\"\ntrigger \"c\"",
	1, "c", "a"},
};

/*
 * What real servers said to the dialogues that are shipped, up to where the
 * trigger is due, recorded by tests/lab/dialogues.py -v from exim 4.96, redis
 * 7.0, PostgreSQL 15 (of its parameters only some), dovecot 2.3, vsftpd 3.0 and
 * nginx 1.22.  C escapes.
 */
struct shipped_dialogue {
	const char *name;
	const char *answers[4]; /* one before each send or the trigger */
	const char *trigger;	/* how it begins */
};

static const struct shipped_dialogue shipped_dialogues[] = {
    {"smtp",
	{"220 mail.example ESMTP Exim 4.96 Fri, 27 Nov 2026 00:58:44 "
	 "+0000\\r\\n",
	    "250-mail.example Hello client.example "
	    "[127.0.0.1]\\r\\n250-SIZE 52428800\\r\\n250-8BITMIME\\r\\n"
	    "250-PIPELINING\\r\\n250-SMTPUTF8\\r\\n250 HELP\\r\\n"},
	"MAIL FROM:"},
    {"redis", {"", "+PONG\\r\\n"}, "*2\r\n$3\r\nGET"},
    {"postgresql",
	{"",
	    "R\\0\\0\\0\\x08\\0\\0\\0\\0"
	    "S\\0\\0\\0\\x16application_name\\0\\0"
	    "S\\0\\0\\0\\x15TimeZone\\0Etc/UTC\\0"
	    "K\\0\\0\\0\\x0c\\0\\0U\\xd9(\\x9a\\xb8\\xea"
	    "Z\\0\\0\\0\\x05I"},
	"Q"},
    {"imap",
	{"* OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN] Dovecot (Debian) "
	 "ready.\\r\\n",
	    "* CAPABILITY IMAP4rev1 ID AUTH=PLAIN\\r\\na1 OK Pre-login "
	    "capabilities listed, post-login capabilities have more.\\r\\n"},
	"a2 LOGIN "},
    {"ftp",
	{"220 (vsFTPd 3.0.3)\\r\\n", "331 Please specify the password.\\r\\n",
	    "230 Login successful.\\r\\n"},
	"CWD "},
    {"http",
	{"",
	    "HTTP/1.1 200 OK\\r\\nServer: nginx/1.22.1\\r\\n"
	    "Content-Length: 5\\r\\nConnection: keep-alive\\r\\n\\r\\n"},
	"GET / HTTP/1.1\r\n"},
};

#define SHIPPED_DIALOGUES \
	(sizeof(shipped_dialogues) / sizeof(shipped_dialogues[0]))
#define BAD_DIALOGUES  (sizeof(bad_dialogues) / sizeof(bad_dialogues[0]))
#define GOOD_DIALOGUES (sizeof(good_dialogues) / sizeof(good_dialogues[0]))

#endif
