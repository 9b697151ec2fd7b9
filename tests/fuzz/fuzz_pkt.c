/*
 * libFuzzer over pkt_decode.  The first byte of an input picks the link
 * layer, the second how many bytes the capture left out, or claims too many;
 * the rest is the frame.
 *
 * Each input is decoded twice, over memory of ones and of zeros: what differs
 * then is a fact that was claimed and never written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/pkt.h>
#include <rsthop/text.h>

#include "../unit/hex_packets.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

/* NULL, or wholly within the frame. */
static void
must_be_inside(const uint8_t *p, size_t n, const uint8_t *frame, size_t len)
{
	if (p == NULL)
		must(n == 0);
	else
		must(p >= frame && n <= len && p <= frame + (len - n));
}

static void
mix(uint64_t *d, uint64_t v)
{
	*d = (*d ^ v) * UINT64_C(0x100000001b3);
}

static void
mix_bytes(uint64_t *d, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mix(d, p[i]);
}

static void
mix_ip(uint64_t *d, const struct pkt_ip *ip)
{
	must(ip->version == 4 || ip->version == 6);
	must(ip->src.version == ip->version && ip->dst.version == ip->version);
	must(ip->header_len >= (ip->version == 4 ? 20 : 40));
	mix_bytes(d, ip->src.b, 16);
	mix_bytes(d, ip->dst.b, 16);
	mix(d, ip->ttl);
	mix(d, ip->tos);
	mix(d, ip->proto);
	mix(d, ip->df);
	mix(d, ip->mf);
	mix(d, ip->has_id);
	mix(d, ip->id);
	mix(d, ip->id6);
	mix(d, ip->flow_label);
	mix(d, ip->frag_off);
	mix(d, ip->header_len);
	mix(d, ip->total_len);
}

static void
mix_tcp(uint64_t *d, const struct pkt_tcp *t, const uint8_t *frame, size_t len)
{
	must(t->n_sacks <= PKT_SACKS);
	must_be_inside(t->opts, t->opts_len, frame, len);
	mix(d, t->sport);
	mix(d, t->dport);
	mix(d, t->seq);
	mix(d, t->ack);
	mix(d, t->flags);
	mix(d, t->window);
	mix(d, t->checksum);
	mix(d, t->urg);
	mix(d, t->header_len);
	mix_bytes(d, t->opts, t->opts_len);
	mix(d, t->has_mss);
	mix(d, t->has_wscale);
	mix(d, t->sack_ok);
	mix(d, t->has_ts);
	mix(d, t->mss);
	mix(d, t->wscale);
	mix(d, t->tsval);
	mix(d, t->tsecr);
	for (int i = 0; i < t->n_sacks; i++) {
		mix(d, t->sacks[i].left);
		mix(d, t->sacks[i].right);
	}
}

static void
mix_icmp(uint64_t *d, const struct pkt_icmp *m)
{
	mix(d, m->type);
	mix(d, m->code);
	mix(d, m->checksum);
	mix(d, m->id);
	mix(d, m->seq);
	mix(d, m->is_echo_request);
	mix(d, m->is_echo_reply);
	mix(d, m->is_time_exceeded);
	mix(d, m->is_unreachable);
}

static void
mix_mpls(uint64_t *d, const struct pkt_mpls *m)
{
	must(m->label < 1 << 20 && m->tc < 8);
	mix(d, m->label);
	mix(d, m->tc);
	mix(d, m->bottom);
	mix(d, m->ttl);
}

static void
mix_quote(
    uint64_t *d, const struct pkt_quote *q, const uint8_t *frame, size_t len)
{
	must(q->n_mpls <= PKT_MPLS);
	must(q->has_extensions || q->n_mpls == 0);
	must(q->has_ports || !q->has_ack);
	must(q->has_ack || !q->has_flags);
	must(q->has_flags || !q->has_checksum);
	must_be_inside(q->tcp_opts, q->tcp_opts_len, frame, len);
	mix_ip(d, &q->ip);
	mix(d, q->has_ports ? q->sport : 1u << 16);
	mix(d, q->has_ports ? q->dport : 1u << 16);
	mix(d, q->seq);
	mix(d, q->has_ack ? q->ack : 1);
	mix(d, q->flags);
	mix(d, q->window);
	mix(d, q->checksum);
	mix(d, q->has_echo);
	mix(d, q->echo_id);
	mix(d, q->echo_seq);
	mix(d, q->quoted_len);
	for (int i = 0; i < q->n_mpls; i++)
		mix_mpls(d, &q->mpls[i]);
}

/* All that the decoder claims to know, checked and in one number. */
static uint64_t
digest(const struct pkt *p, const uint8_t *frame, size_t len)
{
	uint64_t d = p->has;

	must(p->n_vlans <= PKT_VLANS);
	must(p->n_tunnels <= PKT_TUNNELS);
	mix(&d, p->n_tunnels);
	must_be_inside(p->payload, p->payload_len, frame, len);
	must(p->payload_len <= p->payload_wire);
	must((p->has & PKT_HAS_QUOTE) == 0 || (p->has & PKT_HAS_ICMP) != 0);
	mix(&d, p->ethertype);
	mix(&d, p->payload_wire);
	for (int i = 0; i < p->n_vlans; i++)
		mix(&d, p->vlans[i]);
	if ((p->has & PKT_HAS_MAC) != 0) {
		mix_bytes(&d, p->mac_src, ADDR_MAC);
		mix_bytes(&d, p->mac_dst, ADDR_MAC);
	}
	if ((p->has & PKT_HAS_IP) != 0)
		mix_ip(&d, &p->ip);
	if ((p->has & PKT_HAS_TCP) != 0)
		mix_tcp(&d, &p->tcp, frame, len);
	if ((p->has & PKT_HAS_ICMP) != 0)
		mix_icmp(&d, &p->icmp);
	if ((p->has & PKT_HAS_QUOTE) != 0)
		mix_quote(&d, &p->quote, frame, len);
	return d;
}

static size_t
wire_len(uint8_t unseen, size_t len)
{
	if (unseen == 0xff)
		return len / 2;
	return len + (size_t)unseen * unseen;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum pkt_link link;
	struct pkt zeros, ones;
	uint8_t *frame;
	size_t len, sent;

	if (size < 2)
		return 0;
	link = (enum pkt_link)(data[0] % (PKT_LINK_LOOP + 1));
	len = size - 2;
	sent = wire_len(data[1], len);
	frame = malloc(len); /* of that very size: ASan guards its end */
	if (frame == NULL)
		return 0;
	memcpy(frame, data + 2, len);
	memset(&zeros, 0, sizeof(zeros));
	memset(&ones, 0xff, sizeof(ones));
	pkt_decode(link, frame, len, sent, &zeros);
	pkt_decode(link, frame, len, sent, &ones);
	must(digest(&zeros, frame, len) == digest(&ones, frame, len));
	must(((zeros.has & PKT_SNAPPED) == 0) == (sent <= len));
	free(frame);
	return 0;
}

static void
write_seed(const char *dir, const struct hex_packet *h)
{
	struct fault f;
	char path[4096];
	uint8_t *p;
	size_t n;
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, h->name);
	out = fopen(path, "wb");
	if (out == NULL || text_from_hex(h->name, h->hex, &p, &n, &f) == -1) {
		perror(path);
		exit(1);
	}
	fputc((int)h->link, out);
	fputc(h->unseen > 0 ? 38 : 0, out); /* 38 squared is 1444 */
	fwrite(p, 1, n, out);
	fclose(out);
	free(p);
}

/*
 * With FUZZ_SEEDS=DIR the unit tests' packets are written there, and no more.
 */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *dir = getenv("FUZZ_SEEDS");

	(void)argc;
	(void)argv;
	if (dir == NULL)
		return 0;
	for (size_t i = 0; i < HEX_PACKETS; i++)
		write_seed(dir, &hex_packets[i]);
	exit(0);
}
