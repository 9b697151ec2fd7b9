/*
 * Addresses: IPv4 and IPv6 in one plain struct, endpoints, five-tuples, MACs.
 */
#ifndef RSTHOP_ADDR_H
#define RSTHOP_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;
struct sockaddr_storage;

#define ADDR_TEXT     46 /* an address as text, with its NUL */
#define ADDR_ENDPOINT 56 /* [v6]:port as text, with its NUL */
#define ADDR_MAC      6
#define ADDR_MAC_TEXT 18

struct addr {
	uint8_t version; /* 4, 6, or 0 for none */
	uint8_t b[16];	 /* network order; v4 in the first four, rest 0 */
};

struct endpoint {
	struct addr addr;
	uint16_t port; /* host order */
};

/* One direction of a TCP connection. */
struct flow_key {
	struct endpoint src;
	struct endpoint dst;
};

bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_is_none(const struct addr *a);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
bool flow_key_equal(const struct flow_key *a, const struct flow_key *b);
struct flow_key flow_key_reverse(const struct flow_key *k);

/* Go on from the hash h, which is a seed at first: see hash.h. */
uint64_t addr_hash(uint64_t h, const struct addr *a);
uint64_t endpoint_hash(uint64_t h, const struct endpoint *e);

struct addr addr_from_v4(const uint8_t b[4]);
struct addr addr_from_v6(const uint8_t b[16]);
/* Numeric text only; -1 where it is none. */
int addr_parse(const char *s, struct addr *out);
/* -1 for a family that is neither. */
int endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *out);
/* Gives the length of what it filled. */
unsigned int endpoint_to_sockaddr(
    const struct endpoint *e, struct sockaddr_storage *out);

/* Each writes into buf and returns it. */
const char *addr_format(const struct addr *a, char buf[ADDR_TEXT]);
const char *endpoint_format(const struct endpoint *e, char buf[ADDR_ENDPOINT]);
const char *addr_format_mac(
    const uint8_t mac[ADDR_MAC], char buf[ADDR_MAC_TEXT]);

#endif
