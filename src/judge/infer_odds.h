/*
 * The numbers that infer believes before it sees anything, once each.
 *
 * The words behind a number say how tests/sim/sensitivity.py varies it:
 *
 *	odds	a probability: its odds are halved and doubled
 *	share	likewise, and the shares on the lines next to it give way, for
 *		those that stand line under line sum to 1
 *	weight	any size above 0: halved and doubled
 *	count	a whole number: halved and doubled, by one step at the least
 *	fixed	not varied: a part of the method, or a fact of another system
 *
 * Where no source is named, none is known: the number was chosen, and
 * tests/sim/SENSITIVITY.md shows what depends on it.  Sources: PHYSICS is the
 * notes behind this program; [seen] was counted over public captures, as in
 * rst_evidence.c; RFCs by number.
 *
 * Some move no verdict there when halved or doubled, yet fail a test when
 * they say nothing at all, and so are kept.  In tests/unit/test_infer.c:
 *
 *	HARDLY_IF_SERVER	test_faster_than_server
 *	ALIVE_IF_SERVER		test_server_abort, test_rewritten
 *	FOLLOWS_IF_*		test_server_abort, test_rewritten
 *	RESPONSE_REWRITTEN	test_server_abort, test_rewritten
 *	UNKNOWN_SENDER		test_own_segment
 *	TE_STRAY, TE_LEAST	test_in_path
 *	ODDS_BEHIND		test_reset_behind_data
 *	ODDS_REFUSED		test_refused_trigger
 *
 * ODDS_ACKED_MUTE, MUTE_IF_RESPONSE, TTL_BACKGROUND, BACK_GUESSED_TWO and
 * SERVER_INITIAL: the runs of tests/unit/test_runs.c are others without them.
 */
#ifndef RSTHOP_JUDGE_INFER_ODDS_H
#define RSTHOP_JUDGE_INFER_ODDS_H

/* What is at work.  Who asks has seen resets, most often of a device. */
#define INFER_PRIOR_DEVICE   0.59 /* share */
#define INFER_PRIOR_SERVER   0.20 /* share */
#define INFER_PRIOR_RESPONSE 0.06 /* share */
#define INFER_PRIOR_NOTHING  0.15 /* share */

/*
 * The values of p, how often a device sends a reset; and the prior of the
 * first, of the last, and of all between together, which are alike.  p is
 * rarely tiny and often exactly 1: a device that always sends one.
 */
#define INFER_P_VALUES                                                       \
	0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, \
	    1.0 /* fixed */

#define INFER_PRIOR_P_TINY   0.02 /* share */
#define INFER_PRIOR_P_USUAL  0.78 /* share */
#define INFER_PRIOR_P_ALWAYS 0.2  /* share */

/* Dice for each packet, for each connection, or until one was hit. */
#define INFER_PRIOR_DICE_PACKET	    0.5 /* share */
#define INFER_PRIOR_DICE_CONNECTION 0.2 /* share */
#define INFER_PRIOR_DICE_ONCE	    0.3 /* share */

/* A tap can only listen; what stands in the way mostly drops as well. */
#define INFER_DROPS_IF_WIRE   0.45 /* odds */
#define INFER_DROPS_IF_ROUTER 0.75 /* odds */

/*
 * How devices make their TTL, by what is known of deployed ones (PHYSICS,
 * sections 1 and 6): most fix it, at 64 before all (Linux and BSD below most
 * boxes); many copy the trigger's; random and stepping ones are the marks of
 * few.  A constant of its own is that of Alibaba's balancers (102).
 */
#define INFER_WEIGHT_255       10.0 /* weight */
#define INFER_WEIGHT_128       7.0  /* weight */
#define INFER_WEIGHT_64	       19.0 /* weight */
#define INFER_WEIGHT_32	       1.0  /* weight */
#define INFER_WEIGHT_ANY       3.0  /* weight */
#define INFER_WEIGHT_COPIED    9.0  /* weight */
#define INFER_WEIGHT_ARBITRARY 2.0  /* weight */
#define INFER_WEIGHT_IMITATED  1.0  /* weight */
/*
 * Of routers, the part whose forged packets pass their own forwarding path
 * and lose one there (PHYSICS, 1); and the part of those that copy the TTL
 * before they take their own off.
 */
#define INFER_PART_ONE_OFF 0.01 /* weight */
/* On the server's own segment: a small part of the path, no hop beyond. */
#define INFER_WEIGHT_LAST_WIRE 0.3 /* weight */

/* A reset that was sent and not seen: some loss a link, both ways. */
#define INFER_RESET_LOST 0.01 /* odds */
/* A reset charged to a packet that cannot have triggered it. */
#define INFER_RESET_STRAY 1e-5 /* odds */
/* A time-exceeded for a packet that was dropped before. */
#define INFER_TE_STRAY 0.005 /* odds */
/* Routers answer when they have time to (PHYSICS, trap 8). */
#define INFER_TE_MOST  0.95 /* odds */
#define INFER_TE_LEAST 1e-4 /* odds */

/*
 * The IP ID of the trigger in the reset.  Who copies the TTL most often copies
 * the ID with it (PHYSICS, 1); by chance 8 IDs of 65,536 are taken for it, as
 * in rst_evidence.c.  A device that the answer triggers saw the answer's ID.
 */
#define INFER_ECHO_IF_COPIED 0.6  /* odds */
#define INFER_ECHO_IF_NOT    0.06 /* odds */
#define INFER_ECHO_IF_ANSWER 0.01 /* odds */

/*
 * What the server's own reset hardly ever shows: the trigger's IP ID (8 of
 * 65,536 by chance), less time than the server's answers take.
 */
#define INFER_HARDLY_IF_SERVER 1e-4 /* odds */

/*
 * The server's side still stands: hardly after its own reset (RFC 9293,
 * 3.10.7.4).  Moves nothing in the simulation; kept apart from what hardly
 * ever happens, for servers behind a front end that resets in their name.
 */
#define INFER_ALIVE_IF_DEVICE 0.5  /* odds */
#define INFER_ALIVE_IF_SERVER 1e-3 /* odds */

/* Frames of resets that bear another MAC, but come from beyond the segment. */
#define INFER_UNKNOWN_SENDER 0.01 /* odds */

/*
 * The reset's IP ID follows the server's last.  A random ID is among the next
 * TCB_ID_STEP of 65,536 in 0.0002, the rest are imitators.  A server that
 * counts goes on, but for kernels that have forgotten the connection and for
 * what stands before it.  A rewritten answer keeps its own ID (PHYSICS, 6).
 */
#define INFER_FOLLOWS_IF_DEVICE	   0.002 /* odds */
#define INFER_FOLLOWS_IF_SERVER	   0.9	 /* odds */
#define INFER_FOLLOWS_IF_REWRITTEN 0.98	 /* odds */
/* More of the same prove little more: so many resets' IDs count. */
#define INFER_ID_STEPS_COUNT 2 /* count */

/*
 * What the server said to triggers that drew a reset, by what is at work:
 *
 *	a device that lets the trigger pass, one that drops it,
 *	the server, a device that the answer triggers
 *
 * A server acknowledges what reached it (RFC 9293, 3.10.7.4), so a device
 * that drops the trigger leaves it unacknowledged.
 */
#define INFER_ODDS_UNACKED     0.3, 0.97, 0.35, 0.15  /* odds */
#define INFER_ODDS_REFUSED     0.3, 0.003, 0.01, 0.05 /* odds */
#define INFER_ODDS_ACKED       0.4, 0.005, 0.45, 0.4  /* odds */
#define INFER_ODDS_ACKED_TALKS 0.4, 0.005, 0.45, 0.5  /* odds */
#define INFER_ODDS_ACKED_MUTE  0.9, 0.005, 0.5, 0.1   /* odds */
#define INFER_ODDS_BEHIND      0.5, 0.003, 0.001, 0.4 /* odds */
#define INFER_ODDS_BEYOND      0.05, 0.01, 0.1, 0.2   /* odds */
/* The reset comes before the server's word; one that drops it meets none. */
#define INFER_EARLY_IF_PASSED	0.3  /* odds */
#define INFER_EARLY_IF_SERVER	0.05 /* odds */
#define INFER_EARLY_IF_RESPONSE 0.03 /* odds */
/* Of a device that the answer triggers: harmless data draws no answer. */
#define INFER_MUTE_IF_RESPONSE 0.1 /* odds */
/* More of the same prove little more: so many of each kind count. */
#define INFER_ANSWERS_COUNT 3 /* count */

/*
 * A reset's TTL beside what it should be: the same, one off, two off, any
 * other.  Resets of one device arrive alike but for routes that flap.
 */
#define INFER_TTL_EXACT 0.95   /* odds */
#define INFER_TTL_NEAR	0.012  /* odds */
#define INFER_TTL_FAR	0.003  /* odds */
#define INFER_TTL_STRAY 1.2e-4 /* odds */
/* The server resets now and then, too, for reasons of its own. */
#define INFER_TTL_BACKGROUND 0.01 /* odds */
/* Any TTL is as good as another: some 200 are in use. */
#define INFER_TTL_ANY 0.005 /* odds */

/*
 * The way back is longer or shorter than thought (PHYSICS, trap 12), by one
 * router or by two, each way: where the hop's own replies show it, and where
 * it never answered and it is taken from a hop before.
 */
#define INFER_BACK_ONE	       0.004 /* odds */
#define INFER_BACK_TWO	       0.001 /* odds */
#define INFER_BACK_GUESSED_ONE 0.05  /* odds */
#define INFER_BACK_GUESSED_TWO 0.01  /* odds */
/* What is on the wire goes home by the next router's way, not by its own. */
#define INFER_BACK_OWN 0.5 /* odds */

/* TTLs without distance are drawn anew (Snort) or counted up (PHYSICS, 6). */
#define INFER_ARBITRARY_DRAWN	0.6 /* share */
#define INFER_ARBITRARY_COUNTED 0.4 /* share */
/* Those that count up lie within so much for each reset seen. */
#define INFER_ARBITRARY_SPAN 8 /* count */

/*
 * The server's own resets arrive as its data does (0.93 [seen]), one off, or
 * with another initial TTL (PHYSICS, 5).
 */
#define INFER_SERVER_SAME    0.93  /* share */
#define INFER_SERVER_ONE_OFF 0.004 /* share */
#define INFER_SERVER_INITIAL 0.066 /* share */

/*
 * A device that the answer triggers: any TTL; one of its own; the server's;
 * that of a device at some hop, by the weights above; the answer itself turned
 * into a reset, with the answer's IP ID (PHYSICS, 6).
 */
#define INFER_RESPONSE_ANY	 0.1  /* share */
#define INFER_RESPONSE_CONSTANT	 0.15 /* share */
#define INFER_RESPONSE_IMITATED	 0.15 /* share */
#define INFER_RESPONSE_AT_HOP	 0.45 /* share */
#define INFER_RESPONSE_REWRITTEN 0.15 /* share */

#endif
