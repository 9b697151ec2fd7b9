/*
 * Addresses, endpoints and five-tuples: compared, read and written.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <rsthop/addr.h>
#include <rsthop/hash.h>

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->version != b->version)
		return false;
	return a->version == 0 || memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool
addr_is_none(const struct addr *a)
{
	return a->version == 0;
}

bool
endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

bool
flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
	return endpoint_equal(&a->src, &b->src) &&
	    endpoint_equal(&a->dst, &b->dst);
}

struct flow_key
flow_key_reverse(const struct flow_key *k)
{
	return (struct flow_key){.src = k->dst, .dst = k->src};
}

_Static_assert(sizeof(struct addr) == 17, "no padding is hashed");

uint64_t
addr_hash(uint64_t h, const struct addr *a)
{
	return hash_bytes(h, a, sizeof(*a));
}

/* Its members alone: what lies between them is anything. */
uint64_t
endpoint_hash(uint64_t h, const struct endpoint *e)
{
	uint8_t b[sizeof(e->addr) + sizeof(e->port)];

	memcpy(b, &e->addr, sizeof(e->addr));
	memcpy(b + sizeof(e->addr), &e->port, sizeof(e->port));
	return hash_bytes(h, b, sizeof(b));
}

struct addr
addr_from_v4(const uint8_t b[4])
{
	struct addr a = {.version = 4};

	memcpy(a.b, b, 4);
	return a;
}

struct addr
addr_from_v6(const uint8_t b[16])
{
	struct addr a = {.version = 6};

	memcpy(a.b, b, 16);
	return a;
}

int
addr_parse(const char *s, struct addr *out)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, s, b) == 1)
		*out = addr_from_v4(b);
	else if (inet_pton(AF_INET6, s, b) == 1)
		*out = addr_from_v6(b);
	else
		return -1;
	return 0;
}

int
endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *out)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	/* Copied, since sa need not be aligned as its family's struct is. */
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		out->addr = addr_from_v4((const uint8_t *)&in.sin_addr);
		out->port = ntohs(in.sin_port);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		out->addr = addr_from_v6(in6.sin6_addr.s6_addr);
		out->port = ntohs(in6.sin6_port);
		return 0;
	}
	return -1;
}

unsigned int
endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	memset(out, 0, sizeof(*out));
	if (e->addr.version == 4) {
		in.sin_port = htons(e->port);
		memcpy(&in.sin_addr, e->addr.b, 4);
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	if (e->addr.version == 6) {
		in6.sin6_port = htons(e->port);
		memcpy(&in6.sin6_addr, e->addr.b, 16);
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return 0;
}

const char *
addr_format(const struct addr *a, char buf[ADDR_TEXT])
{
	int family = a->version == 4 ? AF_INET : AF_INET6;

	if (a->version == 0 || inet_ntop(family, a->b, buf, ADDR_TEXT) == NULL)
		snprintf(buf, ADDR_TEXT, "-");
	return buf;
}

const char *
endpoint_format(const struct endpoint *e, char buf[ADDR_ENDPOINT])
{
	char a[ADDR_TEXT];

	snprintf(buf, ADDR_ENDPOINT, e->addr.version == 6 ? "[%s]:%u" : "%s:%u",
	    addr_format(&e->addr, a), e->port);
	return buf;
}

const char *
addr_format_mac(const uint8_t mac[ADDR_MAC], char buf[ADDR_MAC_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *p = buf;

	/* Each reset of a report has some; printf took 3,000 instructions. */
	for (int i = 0; i < ADDR_MAC; i++) {
		*p++ = digits[mac[i] >> 4];
		*p++ = digits[mac[i] & 0xf];
		*p++ = i < ADDR_MAC - 1 ? ':' : '\0';
	}
	return buf;
}
