/*
 * What a dialogue is made of; for its parser and its talks.
 */
#ifndef RSTHOP_TALK_DIALOGUE_INT_H
#define RSTHOP_TALK_DIALOGUE_INT_H

#include <rsthop/dialogue.h>

enum dialogue_kind {
	DIALOGUE_EXPECT,       /* text, within ns */
	DIALOGUE_EXPECT_BYTES, /* text_len bytes of any kind, within ns */
	DIALOGUE_SEND,	       /* text */
	DIALOGUE_PAUSE	       /* ns */
};

struct dialogue_text {
	uint8_t *p; /* owned; NULL: none */
	size_t n;
};

struct dialogue_step {
	enum dialogue_kind kind;
	unsigned int line; /* of the file; 0: made by hand */
	struct dialogue_text text;
	/*
	 * Of an expect: border[i] is how long the longest part of text is
	 * that ends with text[i], begins text and is shorter than i + 1 (Knuth,
	 * Morris, Pratt 1977).  So what the server said need not be kept.
	 */
	uint32_t *border;
	int64_t ns;
};

struct dialogue {
	char *name;	   /* safe to show; "" where made by hand */
	unsigned int line; /* that is being parsed */
	struct dialogue_step *steps;
	size_t n, cap;
	struct dialogue_text trigger, control;
	unsigned int trigger_line, control_line; /* 0: none */
};

#define DIALOGUE_WHERE 128

/* "smtp.dialogue:7: expect", or "expect" alone where made by hand. */
void dialogue_where(const struct dialogue *d, unsigned int line,
    const char *word, char out[DIALOGUE_WHERE]);

/* A copy of n bytes, at least one, as a dialogue may have them. */
int dialogue_copy_text(struct dialogue *d, const char *word, const uint8_t *p,
    size_t n, struct dialogue_text *out, struct fault *f);

#endif
