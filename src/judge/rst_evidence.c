/*
 * The clues and what each is worth: the natural log of how much likelier it
 * is in a forged reset than in a genuine one.  Shares are given as forged :
 * genuine.  Those marked [seen] were counted over public captures with some
 * 200 genuine resets of 9 stacks and 30 forged ones of 4 devices, and pulled
 * toward even odds where the counts are small; [known] ones follow from how
 * stacks and boxes make resets (PHYSICS, sections 5 and 6).
 *
 * A new clue is a row here, a name in rst_int.h, and the place that finds it
 * in rst_header.c or rst_course.c.
 */
#include "rst_int.h"

const struct clue_row rst_clues[N_CLUES] = {
    /* 0.60 : 0.02; genuine: a front end far before the server [seen]. */
    [CLUE_TTL_NEARER] = {"ttl-differs", FAMILY_HEADER, 3.4},
    /* 0.15 : 0.045; just before the server: its load balancer stands there. */
    [CLUE_TTL_BEFORE] = {"ttl-differs", FAMILY_HEADER, 1.2},
    /* 0.25 : 0.015; no initial TTL in use gives it within 40 routers. */
    [CLUE_TTL_ODD] = {"ttl-differs", FAMILY_HEADER, 2.8},
    /* 0.10 : 0.011; one or two off; of 190 genuine ones none was [seen]. */
    [CLUE_TTL_NEAR_BY] = {"ttl-differs", FAMILY_HEADER, 2.2},
    /* 0.05 : 0.03; a box on the path can't be behind the server. */
    [CLUE_TTL_FARTHER] = {"ttl-differs", FAMILY_HEADER, 0.5},
    /* 0.05 : 0.03; as far, another initial TTL: the stack's own way. */
    [CLUE_TTL_OTHER_INITIAL] = {"ttl-differs", FAMILY_HEADER, 0.5},
    /* 0.05 : 0.93 [seen]; forged: few boxes imitate, fewer by chance. */
    [CLUE_TTL_MATCHES] = {"ttl-matches", FAMILY_SAME, -2.9},
    /* 0.20 : 0.80; one of several TTLs of that sender. */
    [CLUE_TTL_MATCHES_ONE] = {"ttl-matches", FAMILY_SAME, -1.4},
    /* 0.08 : 0.85; known from its other connections. */
    [CLUE_TTL_MATCHES_HOST] = {"ttl-matches", FAMILY_SAME, -2.4},

    /* 0.10 : 1e-4; by chance 8 in 65536, and some stacks reuse buffers. */
    [CLUE_ID_ECHO] = {"ip-id-echo", FAMILY_NONE, 6.9},
    /* 0.03 : 2e-4; that of an older packet, or of one of many. */
    [CLUE_ID_ECHO_OLDER] = {"ip-id-echo", FAMILY_NONE, 4.6},
    /* 0.05 : 5e-4; no counter gives one number twice [known]. */
    [CLUE_ID_REPEATS] = {"ip-id-repeats", FAMILY_NONE, 4.6},
    /* 0.03 : 1e-4; the sender's own data packet, turned into a reset. */
    [CLUE_REWRITTEN] = {"response-rewritten", FAMILY_NONE, 5.7},
    /* 0.01 : 0.55 [seen]; by chance 16 in 65536, or an imitator. */
    [CLUE_ID_CONTINUES] = {"ip-id-continues", FAMILY_SAME, -4.0},
    /* 0.01 : 0.33; a counter for all connections. */
    [CLUE_ID_CONTINUES_HOST] = {"ip-id-continues", FAMILY_SAME, -3.5},
    /* 0.07 : 0.50; ahead by some hundreds. */
    [CLUE_ID_CONTINUES_LOOSELY] = {"ip-id-continues", FAMILY_SAME, -2.0},
    /* 0.60 : 0.03; genuine: another counter for packets without socket. */
    [CLUE_ID_BREAKS] = {"ip-id-breaks-sequence", FAMILY_HEADER, 3.0},
    /* 0.50 : 0.11; a counter that many share may have run on. */
    [CLUE_ID_BREAKS_LOOSELY] = {"ip-id-breaks-sequence", FAMILY_HEADER, 1.5},
    /* 0.50 : 0.08; its sender numbers nothing else. */
    [CLUE_ID_NOT_ZERO] = {"ip-id-breaks-sequence", FAMILY_HEADER, 1.8},
    /* 0.15 : 0.45 [seen]; Linux without a socket, and REJECT (PHYSICS 5). */
    [CLUE_ID_ZERO] = {"ip-id-zero", FAMILY_SAME, -1.1},
    /* 0.20 : 0.60; its sender's IDs are all zero. */
    [CLUE_ID_ZERO_SAME] = {"ip-id-zero", FAMILY_SAME, -1.1},
    /* 0.20 : 0.07; a socket's own reset would go on counting. */
    [CLUE_ID_ZERO_ODD] = {"ip-id-zero", FAMILY_HEADER, 1.0},

    /* 0.03 : 0.50 [seen]; by chance 1 in 65536, or an imitator. */
    [CLUE_LABEL_CONTINUES] = {"flow-label-continues", FAMILY_SAME, -2.8},
    /* 0.75 : 0.17; of a socket's own resets none of 5 was [seen]. */
    [CLUE_LABEL_DIFFERS] = {"flow-label-differs", FAMILY_HEADER, 1.5},

    /* 0.30 : 0.02; genuine: two routers share the work. */
    [CLUE_MAC] = {"mac-differs", FAMILY_HEADER, 2.7},
    /* 0.40 : 0.06 [seen]. */
    [CLUE_DF] = {"df-differs", FAMILY_HEADER, 1.9},
    /* 0.25 : 0.06; Linux copies that of the trigger, which is no clue. */
    [CLUE_TOS] = {"tos-differs", FAMILY_HEADER, 1.4},

    /* 0.15 : 0.02; the trigger's window, not the sender's. */
    [CLUE_WINDOW_COPIED] = {"window-odd", FAMILY_NUMBERS, 2.0},
    /* 0.30 : 0.12; a reset opens no window (RFC 9293, 3.10.7.1: none). */
    [CLUE_WINDOW_ODD] = {"window-odd", FAMILY_NUMBERS, 0.9},
    /* 0.12 : 0.30; the window that its sender had open. */
    [CLUE_WINDOW_OWN] = {"window-matches", FAMILY_SAME, -0.9},
    /* 0.30 : 0.05; made without the socket that had just been speaking. */
    [CLUE_NO_SOCKET] = {"no-socket", FAMILY_NUMBERS, 1.8},
    /* 0.15 : 0.004; guesses at where the window stands by then. */
    [CLUE_STEPPED] = {"seq-stepped", FAMILY_NUMBERS, 3.6},
    /* 0.10 : 0.035; genuine: idle time-outs of front ends [seen]. */
    [CLUE_OUT_OF_WINDOW] = {"seq-out-of-window", FAMILY_NUMBERS, 1.0},
    /* 0.08 : 0.03; what answers an ACK takes its number (RFC 9293). */
    [CLUE_SEQ_ZERO] = {"seq-zero", FAMILY_NUMBERS, 1.0},
    /* 0.08 : 0.006; a SYN counts for one. */
    [CLUE_ACK_ODD] = {"ack-odd", FAMILY_NUMBERS, 2.5},
    /* 0.03 : 0.004. */
    [CLUE_RESERVED] = {"reserved-bits", FAMILY_NUMBERS, 2.0},
    /* 0.03 : 0.25; its sender's own clock goes on in it. */
    [CLUE_TIMESTAMPS] = {"timestamps-continue", FAMILY_SAME, -2.1},

    /* 0.30 : 0.01; three and more of one make, ID and all. */
    [CLUE_COPIES] = {"copies", FAMILY_BURST, 3.4},
    /* 0.10 : 0.03; twice: a mirror port makes that, too. */
    [CLUE_COPY] = {"copies", FAMILY_BURST, 1.2},
    /* 0.30 : 0.06; this one unlike, another like its sender's packets. */
    [CLUE_OTHER_ORIGIN] = {"two-origins", FAMILY_BURST, 1.6},

    /* 0.10 : 0.001; one hand numbers injected data and this reset. */
    [CLUE_INJECTED] = {"injected-data", FAMILY_BURST, 4.6},
    /* 0.15 : 0.012; data of the same strange make came before it. */
    [CLUE_INJECTED_ALIKE] = {"injected-data", FAMILY_BURST, 2.5},

    /* 0.35 : 0.008 [seen]; who resets a connection is done with it. */
    [CLUE_DATA_AFTER] = {"data-after-reset", FAMILY_AFTER, 3.8},
    /* 0.20 : 0.015; and repeats nothing. */
    [CLUE_RESENT_AFTER] = {"data-after-reset", FAMILY_AFTER, 2.6},
    /* 0.30 : 0.015; who refuses a SYN does not accept it. */
    [CLUE_HANDSHAKE_AFTER] = {"handshake-after-reset", FAMILY_AFTER, 3.0},

    /* 0.30 : 0.005; acknowledges what can't have arrived yet. */
    [CLUE_FASTER] = {"faster-than-path", FAMILY_TIME, 4.1},
    /* 0.30 : 0.07; its number may answer an earlier packet as well. */
    [CLUE_FASTER_BARE] = {"faster-than-path", FAMILY_TIME, 1.5},
    /* 0.15 : 0.45; as long as the path to its sender and back takes. */
    [CLUE_TIMING_FITS] = {"timing-fits", FAMILY_TIME, -1.1},
    /* 0.50 : 0.002; what it answers had died on its way. */
    [CLUE_TRIGGER_EXPIRED] = {"trigger-expired", FAMILY_NONE, 5.5},
    /* 0.45 : 0.0045; likewise, but the path may have become another. */
    [CLUE_TRIGGER_SHORT] = {"trigger-short", FAMILY_NONE, 4.6},

    /* Nothing stands between a host and itself. */
    [CLUE_LOOPBACK] = {"loopback", FAMILY_NONE, -7.0},
    /* 0.03 : 0.40; no router crossed, where its sender is the capturer. */
    [CLUE_LEAVES_HERE] = {"leaves-here", FAMILY_SAME, -2.6},
    /* 0.05 : 0.35; both in one /24 or /64 and no router crossed. */
    [CLUE_SAME_NETWORK] = {"same-network", FAMILY_SAME, -2.0},

    /* 1 : 6e-6; proof, but for a capture that lost this packet alone. */
    [CLUE_NEVER_SENT] = {"peer-never-sent", FAMILY_NONE, 12.0},
    [CLUE_SENT] = {"peer-sent", FAMILY_NONE, -8.0},

    /* Its weight is that of its own row in rst_signatures.c. */
    [CLUE_SIGNATURE] = {"signature", FAMILY_NUMBERS, 1.0},
};
