/*
 * Bytes from the wire to a plain record of facts.  All reading goes through
 * a checked cursor; nothing here trusts a length, and nothing is kept: the
 * pointers in struct pkt point into the caller's buffer.
 */
#ifndef RSTHOP_PKT_H
#define RSTHOP_PKT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rsthop/addr.h>
#include <rsthop/clock.h>

enum pkt_link {
	PKT_LINK_ETHERNET, /* DLT_EN10MB, with 802.1Q and 802.1ad tags */
	PKT_LINK_SLL,	   /* DLT_LINUX_SLL: cooked v1 */
	PKT_LINK_SLL2,	   /* DLT_LINUX_SLL2: cooked v2 */
	PKT_LINK_RAW,	   /* DLT_RAW, DLT_IPV4, DLT_IPV6: starts at IP */
	PKT_LINK_NULL,	   /* DLT_NULL: 4-byte family, either byte order */
	PKT_LINK_LOOP	   /* DLT_LOOP: 4-byte family, network order */
};

/* Which records of struct pkt hold facts. */
enum pkt_has {
	PKT_HAS_MAC = 1 << 0,
	PKT_HAS_IP = 1 << 1,
	PKT_HAS_TCP = 1 << 2,	   /* at least the fixed 20 bytes */
	PKT_HAS_ICMP = 1 << 3,	   /* ICMP or ICMPv6, at least 8 bytes */
	PKT_HAS_QUOTE = 1 << 4,	   /* an ICMP error that quotes an IP packet */
	PKT_HAS_FRAGMENT = 1 << 5, /* a later fragment: no transport header */
	PKT_SNAPPED = 1 << 6,	   /* the capture kept less than was sent */
	PKT_MALFORMED = 1 << 7	   /* a length or field that can't be true */
};

#define PKT_VLANS   2
#define PKT_TUNNELS 4 /* one in another */
#define PKT_MPLS    8
#define PKT_SACKS   4
#define PKT_TH_FIN  0x01
#define PKT_TH_SYN  0x02
#define PKT_TH_RST  0x04
#define PKT_TH_PSH  0x08
#define PKT_TH_ACK  0x10
#define PKT_TH_URG  0x20
#define PKT_TH_ECE  0x40
#define PKT_TH_CWR  0x80

#define PKT_PROTO_ICMP	 1
#define PKT_PROTO_TCP	 6
#define PKT_PROTO_UDP	 17
#define PKT_PROTO_ICMPV6 58

struct pkt_ip {
	struct addr src;
	struct addr dst;
	uint8_t version;     /* 4 or 6 */
	uint8_t ttl;	     /* or hop limit */
	uint8_t tos;	     /* or traffic class */
	uint8_t proto;	     /* upper-layer protocol, after v6 extensions */
	bool df;	     /* v4 */
	bool mf;	     /* more fragments, v4 or the v6 fragment header */
	bool has_id;	     /* v4 always; v6 with a fragment header */
	uint16_t id;	     /* v4 */
	uint32_t id6;	     /* v6 fragment identification */
	uint32_t flow_label; /* v6 */
	uint16_t frag_off;   /* bytes */
	uint16_t header_len; /* bytes, with options or extension headers */
	uint32_t total_len;  /* bytes by the header's own word, header in */
};

struct pkt_tcp {
	uint16_t sport;
	uint16_t dport;
	uint32_t seq;
	uint32_t ack;
	uint8_t flags;	 /* PKT_TH_* */
	uint16_t window; /* as on the wire, unscaled */
	uint16_t checksum;
	uint16_t urg;
	uint8_t header_len;  /* bytes */
	uint8_t reserved;    /* the 4 bits behind it, which should be 0 */
	const uint8_t *opts; /* as on the wire; NULL where none */
	uint8_t opts_len;
	bool has_mss, has_wscale, sack_ok, has_ts;
	uint16_t mss;
	uint8_t wscale;
	uint32_t tsval;
	uint32_t tsecr;
	uint8_t n_sacks; /* RFC 2018 blocks; the first may be a D-SACK */
	struct {
		uint32_t left, right;
	} sacks[PKT_SACKS];
};

/* ICMP type and code are those of the packet's own version, v4 or v6. */
struct pkt_icmp {
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	uint16_t id;  /* of an echo request or reply */
	uint16_t seq; /* likewise */
	bool is_echo_request, is_echo_reply;
	bool is_time_exceeded; /* in transit: v4 11/0, v6 3/0 */
	bool is_unreachable;   /* v4 type 3, v6 type 1 */
};

/* RFC 4950: one entry of an MPLS label stack. */
struct pkt_mpls {
	uint32_t label; /* 20 bits */
	uint8_t tc;
	bool bottom;
	uint8_t ttl;
};

/*
 * The packet that an ICMP error quotes, as the router saw it.  RFC 792 asks
 * for the IP header and 8 bytes; RFC 1812 and RFC 4443 for more.  What the
 * quote was too short to show is said by the has_ flags.
 */
struct pkt_quote {
	struct pkt_ip ip;
	bool has_ports; /* sport, dport, and for TCP seq: the first 8 bytes */
	uint16_t sport;
	uint16_t dport;
	uint32_t seq;
	bool has_ack; /* the first 12 bytes of TCP */
	uint32_t ack;
	bool has_flags; /* the first 16 bytes of TCP: flags and window */
	uint8_t flags;
	uint16_t window;
	bool has_checksum; /* the first 18 bytes */
	uint16_t checksum;
	bool has_echo; /* the quoted packet is an ICMP echo */
	uint16_t echo_id;
	uint16_t echo_seq;
	const uint8_t *tcp_opts; /* the quoted TCP options, NULL where cut */
	uint8_t tcp_opts_len;
	uint32_t quoted_len; /* bytes of the quoted packet in the error */
	bool has_extensions; /* RFC 4884 structure with a good version */
	uint8_t n_mpls;
	struct pkt_mpls mpls[PKT_MPLS];
};

struct pkt {
	uint32_t has; /* enum pkt_has */
	uint8_t mac_src[ADDR_MAC];
	uint8_t mac_dst[ADDR_MAC];
	uint8_t n_vlans;
	uint8_t n_tunnels;	   /* what follows is of the packet in them */
	uint16_t vlans[PKT_VLANS]; /* VLAN IDs, outermost first */
	uint16_t ethertype;
	struct pkt_ip ip;
	struct pkt_tcp tcp;
	struct pkt_icmp icmp;
	struct pkt_quote quote;
	const uint8_t *payload; /* of TCP; NULL where none was captured */
	uint32_t payload_len;	/* bytes that payload points at */
	uint32_t payload_wire;	/* bytes that were sent, by the IP header */
};

/*
 * Decodes one frame of `len` captured bytes, `wire_len` of which were on the
 * wire.  Never fails: *out says what could be read.
 */
void pkt_decode(enum pkt_link link, const uint8_t *p, size_t len,
    size_t wire_len, struct pkt *out);

/* src and dst with their ports; false where it is not TCP. */
bool pkt_flow_key(const struct pkt *p, struct flow_key *out);

/*
 * Linux sends each target one ICMP error of a kind a second at most
 * (Documentation/networking/ip-sysctl.rst: icmp_ratelimit, 1000 ms by
 * default).  So long after one, with a margin for jitter, the next will come.
 */
#define PKT_ICMP_REST_NS (CLOCK_S + 50 * CLOCK_MS)

/* a is after b in sequence space (RFC 9293, section 3.4). */
static inline bool
seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* The initial TTL next above ttl: 32, 64, 128 or 255. */
uint8_t pkt_initial_ttl(uint8_t ttl);

/* Room for pkt_format_flags, with its NUL. */
#define PKT_FLAGS_TEXT 9
/* One letter a flag, in the order R, S, F, P, A, U, E, C: "RA", "S", "PA". */
const char *pkt_format_flags(uint8_t flags, char buf[PKT_FLAGS_TEXT]);

#endif
