/*
 * What the packets of one connection tell of its state (RFC 9293, section
 * 3.3.1: the transmission control block), seen from the client's side.  The
 * kernel owns the connection; this is how we know its numbers.
 */
#ifndef RSTHOP_TCB_H
#define RSTHOP_TCB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/pkt.h>

#define TCB_OPTS 12 /* bytes: NOP, NOP, timestamps */

struct tcb {
	struct flow_key flow; /* client to server */

	/* A connection whose beginning was not seen: tcb_adopt(). */
	bool adopted;
	bool has_syn, has_synack, established;
	bool client_fin, server_fin;
	uint32_t iss, irs;
	uint32_t snd_nxt, snd_una; /* ours */
	uint32_t rcv_nxt;	   /* the server's next */

	uint8_t client_ttl; /* as the client's packets leave; 0: not seen */
	uint8_t client_tos;
	bool client_df;
	uint16_t client_window; /* of the last segment, unscaled */
	uint16_t client_ip_id;	/* likewise */
	uint32_t flow_label;	/* v6 */

	uint8_t server_ttl; /* of the SYN-ACK as it arrived; 0: not seen */
	bool has_server_ip_id;
	uint16_t server_ip_id; /* of its last packet that is no RST */
	/*
	 * Its packets one after the other, both with an ID that is not 0, and
	 * of these the pairs whose IDs are a counter's.
	 */
	unsigned int id_pairs, id_steps;
	uint8_t server_mac[ADDR_MAC]; /* source MAC of what it sends */
	bool has_server_mac;

	uint16_t server_mss; /* 0: not said */
	bool sack_ok, ts_ok; /* both ends agreed */
	uint32_t tsval;	     /* our last */
	uint32_t tsecr;	     /* the server's last */

	int64_t syn_ns, synack_ns; /* last SYN; first SYN-ACK */
	int64_t rtt_ns;		   /* of the handshake; 0: not known */
	uint32_t data_end;	   /* where the kernel's last new data ends */
	int64_t data_ns;	   /* when it left; 0: none did */
	int64_t acked_ns; /* all our data was acknowledged; 0: not yet */
	/* The server's first data that acknowledges all of ours; 0: none. */
	int64_t answer_ns;
	uint32_t answer_seq;
};

enum tcb_event {
	TCB_OTHER,    /* not of this connection */
	TCB_SENT,     /* from the client's kernel */
	TCB_INJECTED, /* from us: another TTL than the kernel's */
	TCB_RECEIVED, /* from the server's address, no RST */
	TCB_RESET     /* from the server's address, an RST */
};

/* From one packet's IP ID to a later one's, were they of one counter. */
#define TCB_ID_STEP 16

/* Would `later` follow `id`, were they a counter's? */
bool tcb_id_follows(uint16_t id, uint16_t later);

void tcb_init(struct tcb *t, const struct flow_key *flow);

/*
 * A connection that stands already: the first packet of either side gives the
 * numbers of both, so far as nothing is under way.  has_syn and has_synack
 * then say that they are known.
 */
void tcb_adopt(struct tcb *t, const struct flow_key *flow);

/* Takes one packet in; at_ns is its time on the job's scale. */
enum tcb_event tcb_see(struct tcb *t, const struct pkt *p, int64_t at_ns);

/*
 * The options of an ordinary segment of this connection: timestamps where
 * they were agreed upon.  Gives the length: 0 or TCB_OPTS.
 */
size_t tcb_write_opts(const struct tcb *t, uint8_t out[TCB_OPTS]);

#endif
