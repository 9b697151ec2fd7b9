/*
 * The probes, built by libnet in a context that sends nothing.
 *
 * Each packet is built from nothing: libnet can also change what it built
 * before, but then keeps its own count of lengths, which goes wrong when
 * options or payload come and go.
 */
#include <libnet.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/craft.h>
#include <rsthop/pkt.h>

#define CRAFT_IP4      20
#define CRAFT_IP6      40
#define CRAFT_TCP      20
#define CRAFT_TCP_OPTS 40
#define CRAFT_ECHO     8
#define CRAFT_DF       0x4000
#define CRAFT_REQUEST4 8   /* ICMP echo request, RFC 792 */
#define CRAFT_REQUEST6 128 /* RFC 4443 section 4.1 */

struct craft {
	libnet_t *l;
};

/* What either probe says to IP. */
struct craft_ip {
	const struct addr *src;
	const struct addr *dst;
	uint8_t ttl;
	uint8_t tos;
	uint8_t proto;
	uint16_t id;
	bool df;
	uint32_t flow_label;
	size_t body_len;
};

int
craft_new(struct craft **out, struct fault *f)
{
	char why[LIBNET_ERRBUF_SIZE] = "";
	struct craft *c = calloc(1, sizeof(*c));
	int rc = -1;

	if (c == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	c->l = libnet_init(LIBNET_NONE, NULL, why);
	if (c->l == NULL) {
		fault(f, FAULT_SYSTEM, "libnet: %.*s", (int)strcspn(why, "\n"),
		    why);
		goto out;
	}
	*out = c;
	c = NULL;
	rc = 0;
out:
	craft_free(c);
	return rc;
}

void
craft_free(struct craft *c)
{
	if (c == NULL)
		return;
	if (c->l != NULL)
		libnet_destroy(c->l);
	free(c);
}

/* libnet's words, of which some end in a newline. */
static int
craft_fault(struct craft *c, struct fault *f)
{
	const char *why = libnet_geterror(c->l);

	return fault(
	    f, FAULT_SYSTEM, "libnet: %.*s", (int)strcspn(why, "\n"), why);
}

static size_t
craft_ip_len(const struct craft_ip *ip)
{
	return ip->body_len + (ip->src->version == 4 ? CRAFT_IP4 : CRAFT_IP6);
}

static int
craft_check(const struct craft_ip *ip, size_t cap, struct fault *f)
{
	size_t len;

	if (ip->src->version != ip->dst->version ||
	    (ip->src->version != 4 && ip->src->version != 6))
		return fault(f, FAULT_SYSTEM,
		    "a probe from IPv%d to IPv%d can't be built",
		    ip->src->version, ip->dst->version);
	len = craft_ip_len(ip);
	if (len > cap || len > CRAFT_MAX)
		return fault(f, FAULT_SYSTEM,
		    "a probe of %zu bytes is too long: at most %zu fit", len,
		    cap < CRAFT_MAX ? cap : (size_t)CRAFT_MAX);
	return 0;
}

static int
craft_ip4(struct craft *c, const struct craft_ip *ip, struct fault *f)
{
	uint32_t src, dst;

	memcpy(&src, ip->src->b, 4);
	memcpy(&dst, ip->dst->b, 4);
	if (libnet_build_ipv4((uint16_t)craft_ip_len(ip), ip->tos, ip->id,
		ip->df ? CRAFT_DF : 0, ip->ttl, ip->proto, 0, src, dst, NULL, 0,
		c->l, 0) == -1)
		return craft_fault(c, f);
	return 0;
}

static int
craft_ip6(struct craft *c, const struct craft_ip *ip, struct fault *f)
{
	struct libnet_in6_addr src, dst;

	memcpy(&src, ip->src->b, 16);
	memcpy(&dst, ip->dst->b, 16);
	if (libnet_build_ipv6(ip->tos, ip->flow_label & 0xfffff,
		(uint16_t)ip->body_len, ip->proto, ip->ttl, src, dst, NULL, 0,
		c->l, 0) == -1)
		return craft_fault(c, f);
	return 0;
}

/*
 * The first word of an IPv6 header, RFC 8200 section 3.  libnet 1.1.6 gets
 * the middle byte of the flow label wrong; no checksum covers it.
 */
static void
craft_flow_label(const struct craft_ip *ip, uint8_t *buf)
{
	buf[0] = (uint8_t)(6 << 4 | ip->tos >> 4);
	buf[1] = (uint8_t)(ip->tos << 4 | (ip->flow_label >> 16 & 0xf));
	buf[2] = (uint8_t)(ip->flow_label >> 8);
	buf[3] = (uint8_t)ip->flow_label;
}

/* Puts IP around the upper layer that was built, and copies the whole. */
static int
craft_finish(struct craft *c, const struct craft_ip *ip, uint8_t *buf,
    size_t *len, struct fault *f)
{
	uint8_t *packet = NULL;
	uint32_t n = 0;
	int rc;

	if (ip->src->version == 4)
		rc = craft_ip4(c, ip, f);
	else
		rc = craft_ip6(c, ip, f);
	if (rc == -1)
		return -1;
	if (libnet_pblock_coalesce(c->l, &packet, &n) == -1)
		return craft_fault(c, f);
	if (n == craft_ip_len(ip)) {
		memcpy(buf, packet, n);
		if (ip->src->version == 6)
			craft_flow_label(ip, buf);
		*len = n;
	} else {
		rc = fault(f, FAULT_SYSTEM,
		    "libnet built %u bytes where %zu were asked", n,
		    craft_ip_len(ip));
	}
	libnet_adv_free_packet(c->l, packet);
	return rc;
}

int
craft_tcp(struct craft *c, const struct craft_tcp *t, uint8_t *buf, size_t cap,
    size_t *len, struct fault *f)
{
	size_t tcp_len = CRAFT_TCP + t->opts_len + t->payload_len;
	struct craft_ip ip = {&t->flow.src.addr, &t->flow.dst.addr, t->ttl,
	    t->tos, PKT_PROTO_TCP, t->id, t->df, t->flow_label, tcp_len};

	if (t->opts_len > CRAFT_TCP_OPTS || t->opts_len % 4 != 0)
		return fault(f, FAULT_SYSTEM,
		    "%zu bytes of TCP options can't be sent: give a multiple "
		    "of 4, at most 40",
		    t->opts_len);
	if (craft_check(&ip, cap, f) == -1)
		return -1;
	libnet_clear_packet(c->l);
	if (t->opts_len > 0 &&
	    libnet_build_tcp_options(t->opts, (uint32_t)t->opts_len, c->l, 0) ==
		-1)
		return craft_fault(c, f);
	if (libnet_build_tcp(t->flow.src.port, t->flow.dst.port, t->seq, t->ack,
		t->flags, t->window, 0, 0, (uint16_t)tcp_len, t->payload,
		(uint32_t)t->payload_len, c->l, 0) == -1)
		return craft_fault(c, f);
	return craft_finish(c, &ip, buf, len, f);
}

static uint32_t
craft_sum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

/*
 * The 16 bits that bring the checksum to what is asked: the complement of
 * the sum of all the rest, that checksum in (RFC 1071).  The rest of the
 * payload is 0.  ICMPv6 sums a pseudo-header too (RFC 8200 section 8.1).
 */
static uint16_t
craft_balance(const struct craft_echo *e, size_t icmp_len)
{
	uint32_t sum = (uint32_t)e->checksum + e->echo_id + e->echo_seq;

	if (e->src.version == 4) {
		sum += CRAFT_REQUEST4 << 8;
	} else {
		sum += CRAFT_REQUEST6 << 8;
		sum += craft_sum(e->src.b, 16) + craft_sum(e->dst.b, 16);
		sum += (uint32_t)icmp_len + PKT_PROTO_ICMPV6;
	}
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static int
craft_build_echo(struct craft *c, const struct craft_echo *e, struct fault *f)
{
	uint8_t payload[CRAFT_MAX] = {0};
	uint32_t n = (uint32_t)e->payload_len;
	uint16_t balance = craft_balance(e, CRAFT_ECHO + e->payload_len);
	libnet_ptag_t tag;

	payload[0] = (uint8_t)(balance >> 8);
	payload[1] = (uint8_t)balance;
	if (e->src.version == 4)
		tag = libnet_build_icmpv4_echo(CRAFT_REQUEST4, 0, 0, e->echo_id,
		    e->echo_seq, payload, n, c->l, 0);
	else
		tag = libnet_build_icmpv6_echo(CRAFT_REQUEST6, 0, 0, e->echo_id,
		    e->echo_seq, payload, n, c->l, 0);
	return tag == -1 ? craft_fault(c, f) : 0;
}

int
craft_echo(struct craft *c, const struct craft_echo *e, uint8_t *buf,
    size_t cap, size_t *len, struct fault *f)
{
	struct craft_ip ip = {&e->src, &e->dst, e->ttl, e->tos,
	    e->src.version == 4 ? PKT_PROTO_ICMP : PKT_PROTO_ICMPV6, e->id,
	    false, e->flow_label, CRAFT_ECHO + e->payload_len};

	if (e->payload_len < 2)
		return fault(f, FAULT_SYSTEM,
		    "an echo needs 2 bytes of payload to hold its checksum");
	/* 0 and 0xffff are one number to this sum, and can't be told apart. */
	if (e->checksum == 0 || e->checksum == 0xffff)
		return fault(f, FAULT_SYSTEM,
		    "an echo's checksum can't be held at %#x", e->checksum);
	if (craft_check(&ip, cap, f) == -1)
		return -1;
	libnet_clear_packet(c->l);
	if (craft_build_echo(c, e, f) == -1)
		return -1;
	return craft_finish(c, &ip, buf, len, f);
}
