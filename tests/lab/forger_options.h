/*
 * The forger's knobs: one for each habit on record, as options of the command
 * line.
 */
#ifndef RSTHOP_LAB_FORGER_OPTIONS_H
#define RSTHOP_LAB_FORGER_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define FORGER_PACKET 2048 /* bytes of a forged packet, at most */

/* Words that an option takes beside, or instead of, a number from 0 on. */
enum word {
	WORD_COPY = -1,
	WORD_RANDOM = -2,
	WORD_STEP = -3,
	WORD_IMITATE = -4,
	WORD_WINDOW = -5,
	WORD_SAME = -6,
	WORD_CLIENT = -7,
	WORD_SERVER = -8,
	WORD_ANY = -9,
	WORD_BOTH = -10,
	WORD_PACKET = -11,
	WORD_CONNECTION = -12,
	WORD_FLOW = -13,
	WORD_R = -14,
	WORD_RA = -15,
	WORD_ACK = -16,
	WORD_NEXT = -17,
	WORD_STATE = -18,
	WORD_BYTES = -19,
	WORD_MYSQL = -20,
	WORD_INIT_DB = -21,
	WORD_QUERY = -22,
	WORD_PAIR = -23,
	WORD_3TUPLE = -24,
	WORD_4TUPLE = -25
};

struct bytes {
	uint8_t *p;
	size_t len;
};

struct options {
	int queue, port, also_port, from, ends;
	const char *tap, *log;
	struct bytes match, behind, payload;
	int ttl, decrement;
	int id, back_id;
	int flags, seq, onward, step, window;
	int df, tos;
	int count, seed, dice, drop;
	int on_syn, first_segment, plain_header;
	int protocol, command, once_in_order;
	int residual_scope, residual_refresh, residual_syn;
	double probability, delay_ms, residual_s;
};

/* Ends the program where the line is not to be understood. */
void forger_options_parse(struct options *o, int argc, char **argv);

/* What the parsing allocated. */
void forger_options_free(struct options *o);

#endif
