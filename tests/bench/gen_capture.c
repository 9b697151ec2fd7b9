/*
 * Writes a capture of TCP flows whose resets are known, for measuring.
 *
 * usage: gen_capture [--bytes N] [--flows N] [--concurrent N] [--seed N]
 *                    [--forged PERMILLE] --truth FILE OUT.pcap
 *
 * The vantage is a border close to the clients.  Flows shake hands, send
 * requests and answers with their acknowledgements, and end by FIN, by a
 * reset of their own (an abort, no socket any more, a refusal), or by one that
 * a device on the way forges upon a request.  The truth lists each reset:
 * frame, forged or genuine, its kind, and of a forged one the TTL and IP ID
 * policies and the hop of the device, counted from the vantage.
 *
 * Checksums of TCP are left out, as cards do that fill them in later.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rsthop/rng.h>

#include "../rng_unit.h"

#define SERVERS	  400
#define SEGMENT	  1448
#define OPTIONS	  12 /* timestamps, padded */
#define ETHERNET  14
#define RECORD	  16
#define FRAME_MAX 1600
#define TH_FIN	  0x01
#define TH_SYN	  0x02
#define TH_RST	  0x04
#define TH_PSH	  0x08
#define TH_ACK	  0x10

enum id_policy { ID_COUNTER, ID_HOST, ID_ZERO, ID_RANDOM };
enum fate { BY_FIN, BY_ABORT, BY_NO_SOCKET, BY_REFUSAL, BY_FORGERY };
enum phase {
	SYN,
	SYN_ACK,
	ACK,
	REQUEST,
	ANSWER,
	ANSWER_ACK,
	END,
	END_2,
	END_3
};
enum forged_ttl { TTL_64, TTL_128, TTL_255, TTL_COPY, TTL_RANDOM, TTL_KINDS };
enum forged_id { FORGED_ZERO, FORGED_ECHO, FORGED_RANDOM, FORGED_IDS };

static const char *const ttl_names[TTL_KINDS] = {
    "fixed-64", "fixed-128", "fixed-255", "copy", "random"};
static const char *const id_names[FORGED_IDS] = {"zero", "echo", "random"};

/* One end of a flow, as this vantage sees what it sends. */
struct end {
	uint32_t next; /* sequence number */
	uint16_t id;
	uint8_t ttl;
	uint8_t ids; /* enum id_policy */
};

struct flow {
	struct end client, server;
	uint32_t client_addr;
	uint16_t client_port;
	uint16_t server_index;
	uint16_t segments; /* of answers still to come, all rounds */
	uint16_t answer;   /* ... and of this round */
	uint8_t rounds, unacked;
	uint8_t phase, fate;
	bool v6, stamps, forged, tight;
};

struct gen {
	struct rng rng;
	FILE *out, *truth;
	uint64_t now_us, gap_us; /* the mean gap between packets */
	uint64_t frame, written;
	uint64_t bytes, planned; /* what it is to be; of flows that began */
	uint64_t flows, started; /* in all; so far */
	uint32_t permille;	 /* of flows that end by forgery */
	uint16_t host_ids[SERVERS];
	uint8_t noise[4096];
};

static uint32_t
below(struct gen *g, uint32_t n)
{
	return rng_below(&g->rng, n);
}

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static void
fill_checksum(uint8_t *ip)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~(sum + (sum >> 16)) & 0xffff);
}

/* A segment that is still to be written. */
struct segment {
	bool up; /* from the client */
	uint8_t flags;
	uint8_t ttl;
	uint16_t id;
	bool df;
	uint32_t seq, ack;
	uint16_t window;
	uint32_t len; /* of its payload */
	bool options;
};

static void
put_addrs(const struct flow *fl, bool up, uint8_t *p)
{
	uint8_t *client = up ? p : p + (fl->v6 ? 16 : 4);
	uint8_t *server = up ? p + (fl->v6 ? 16 : 4) : p;

	if (fl->v6) {
		put32(client, 0x20010db8);
		put32(server, 0x20010db8);
		client[4] = 1;
		server[4] = 2;
		client += 12;
		server += 12;
	}
	put32(client, 0x0a000000 | fl->client_addr);
	put32(server, 0xc6120000 | fl->server_index);
}

/* Gives the length of the header. */
static uint32_t
put_ip(const struct flow *fl, const struct segment *s, uint32_t tcp_len,
    uint8_t *p)
{
	if (fl->v6) {
		p[0] = 0x60;
		put16(p + 4, tcp_len);
		p[6] = 6;
		p[7] = s->ttl;
		put_addrs(fl, s->up, p + 8);
		return 40;
	}
	p[0] = 0x45;
	put16(p + 2, 20 + tcp_len);
	put16(p + 4, s->id);
	p[6] = s->df ? 0x40 : 0;
	p[8] = s->ttl;
	p[9] = 6;
	put_addrs(fl, s->up, p + 12);
	fill_checksum(p);
	return 20;
}

static void
put_tcp(const struct gen *g, const struct flow *fl, const struct segment *s,
    uint8_t *p)
{
	put16(p, s->up ? fl->client_port : 443);
	put16(p + 2, s->up ? 443 : fl->client_port);
	put32(p + 4, s->seq);
	put32(p + 8, s->ack);
	p[12] = s->options ? 0x80 : 0x50;
	p[13] = s->flags;
	put16(p + 14, s->window);
	if (s->options) {
		p[20] = p[21] = 1;
		p[22] = 8;
		p[23] = 10;
		put32(p + 24, (uint32_t)(g->now_us / 1000));
		put32(p + 28, (uint32_t)(g->now_us / 1000 - 20));
	}
}

static void
write_segment(struct gen *g, const struct flow *fl, const struct segment *s)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	uint32_t tcp = 20 + (s->options ? OPTIONS : 0), n, record[4];
	uint8_t frame[FRAME_MAX] = {0}, *p = frame;

	memcpy(p, s->up ? macs : macs + 6, 6);
	memcpy(p + 6, s->up ? macs + 6 : macs, 6);
	put16(p + 12, fl->v6 ? 0x86dd : 0x0800);
	p += ETHERNET;
	p += put_ip(fl, s, tcp + s->len, p);
	put_tcp(g, fl, s, p);
	p += tcp;
	memcpy(p, g->noise + below(g, sizeof(g->noise) - SEGMENT), s->len);
	n = (uint32_t)(p + s->len - frame);
	record[0] = (uint32_t)(g->now_us / 1000000);
	record[1] = (uint32_t)(g->now_us % 1000000);
	record[2] = record[3] = n;
	fwrite(record, RECORD, 1, g->out);
	fwrite(frame, n, 1, g->out);
	g->written += RECORD + n;
	g->frame++;
}

static uint16_t
next_id(struct gen *g, const struct flow *fl, struct end *e, uint8_t flags)
{
	switch ((enum id_policy)e->ids) {
	case ID_COUNTER:
		if (flags == (TH_SYN | TH_ACK))
			return 0; /* no socket of its own yet */
		return e->id++;
	case ID_HOST: /* the host sends to others too */
		g->host_ids[fl->server_index] += (uint16_t)(1 + below(g, 3));
		return g->host_ids[fl->server_index];
	case ID_ZERO:
		return 0;
	case ID_RANDOM:
		break;
	}
	return (uint16_t)below(g, 65536);
}

/* What an end sends in the ordinary way. */
static struct segment
send_segment(
    struct gen *g, struct flow *fl, bool up, uint8_t flags, uint32_t len)
{
	struct end *from = up ? &fl->client : &fl->server;
	struct end *to = up ? &fl->server : &fl->client;
	struct segment s = {.up = up,
	    .flags = flags,
	    .ttl = from->ttl,
	    .id = next_id(g, fl, from, flags),
	    .df = true,
	    .seq = from->next,
	    .ack = (flags & TH_ACK) != 0 ? to->next : 0,
	    .window = (uint16_t)(500 + below(g, 100)),
	    .len = len,
	    .options = fl->stamps && (flags & TH_RST) == 0};

	write_segment(g, fl, &s);
	from->next += len + ((flags & (TH_SYN | TH_FIN)) != 0);
	return s;
}

static void
tell(struct gen *g, const char *label, const char *kind)
{
	fprintf(g->truth, "%llu\t%s\t%s\t\t\t\n", (unsigned long long)g->frame,
	    label, kind);
}

/* As a Linux client answers what it has no socket for: R alone, ID 0. */
static void
send_no_socket(struct gen *g, const struct flow *fl)
{
	const struct end *from = &fl->client;
	struct segment s = {.up = true,
	    .flags = TH_RST,
	    .ttl = from->ttl,
	    .df = true,
	    .seq = from->next};

	write_segment(g, fl, &s);
	tell(g, "genuine", "no-socket");
}

static uint8_t
forged_ttl(
    struct gen *g, const struct flow *fl, enum forged_ttl kind, uint32_t hop)
{
	switch (kind) {
	case TTL_64:
		return (uint8_t)(64 - (hop - 1));
	case TTL_128:
		return (uint8_t)(128 - (hop - 1));
	case TTL_255:
		return (uint8_t)(255 - (hop - 1));
	case TTL_COPY: /* turned round in its forwarding plane */
		return (uint8_t)(fl->client.ttl - (2 * hop - 1));
	case TTL_RANDOM:
	case TTL_KINDS:
		break;
	}
	return (uint8_t)(64 + below(g, 192) - (hop - 1));
}

/* Upon the request that was just sent; the truth, and what came after. */
static void
forge(struct gen *g, struct flow *fl, const struct segment *trigger)
{
	enum forged_ttl ttl = (enum forged_ttl)below(g, TTL_KINDS);
	enum forged_id id = (enum forged_id)below(g, FORGED_IDS);
	uint32_t path = 4 + fl->server_index % 20;
	uint32_t hop = 1 + below(g, path < 8 ? path : 8);
	struct segment s = {
	    .flags = below(g, 2) != 0 ? TH_RST | TH_ACK : TH_RST,
	    .ttl = forged_ttl(g, fl, ttl, hop),
	    .id = id == FORGED_ZERO ? 0
		: id == FORGED_ECHO ? trigger->id
				    : (uint16_t)below(g, 65536),
	    .df = below(g, 2) != 0,
	    .seq = fl->server.next,
	    .window = below(g, 2) != 0 ? trigger->window : 0};

	if ((s.flags & TH_ACK) != 0)
		s.ack = fl->client.next;
	g->now_us += 200 + 400 * hop;
	write_segment(g, fl, &s);
	fprintf(g->truth, "%llu\tforged\tmiddlebox\t%s\t%s\t%u\n",
	    (unsigned long long)g->frame, ttl_names[ttl],
	    fl->v6 ? "none" : id_names[id], hop);
	fl->forged = true;
	if (below(g, 2) !=
	    0) /* where it does not, the server answers all the same */
		fl->phase = END_3;
}

static void
start_end(struct gen *g, struct end *e, uint8_t initial, uint32_t hops)
{
	static const uint8_t policies[] = {
	    ID_COUNTER, ID_COUNTER, ID_HOST, ID_ZERO, ID_RANDOM};

	e->next = (uint32_t)rng_u64(&g->rng);
	e->id = (uint16_t)below(g, 65536);
	e->ttl = (uint8_t)(initial - hops);
	e->ids = policies[below(g, sizeof(policies))];
}

static uint8_t
pick_fate(struct gen *g)
{
	uint32_t dice = below(g, 1000);

	if (dice < g->permille)
		return BY_FORGERY;
	dice = below(g, 100);
	if (dice < 85)
		return BY_FIN;
	return dice < 92 ? BY_ABORT : dice < 97 ? BY_NO_SOCKET : BY_REFUSAL;
}

/* What a flow takes beside the segments of its answers, roughly. */
#define FLOW_BYTES  (9 * (RECORD + 66))
#define ROUND_BYTES (3 * (RECORD + 66) + 350)
/* Below this a flow has one short request and one short answer. */
#define FLOW_TIGHT 4000

/* Shares what is left of the file's size among the flows to come. */
static void
plan_flow(struct gen *g, struct flow *fl)
{
	const double segment = SEGMENT + 130; /* with its share of acks */
	uint64_t left = g->bytes > g->planned ? g->bytes - g->planned : 0;
	double each = (double)left / (double)(g->flows - g->started + 1);
	double own, n = 0;

	fl->tight = each < FLOW_TIGHT;
	fl->rounds = (uint8_t)(fl->tight ? 1 : 1 + below(g, 4));
	/* The last segment of an answer is half a one. */
	own = FLOW_BYTES + (ROUND_BYTES - SEGMENT / 2.) * fl->rounds;
	/* Most are short and a few long: a product of two dice, mean 1. */
	if (each > own)
		n = (each - own) / segment * 4 * rng_unit(&g->rng) *
		    rng_unit(&g->rng);
	fl->segments = (uint16_t)(n > 60000 ? 60000 : n);
	if (fl->segments < fl->rounds)
		fl->segments = fl->rounds;
	g->planned += (uint64_t)(own + fl->segments * segment);
}

static void
start_flow(struct gen *g, struct flow *fl)
{
	static const uint8_t initials[] = {64, 64, 64, 128, 255};
	uint32_t number = (uint32_t)g->started++;

	memset(fl, 0, sizeof(*fl));
	fl->server_index = (uint16_t)below(g, SERVERS);
	/* Each pair of address and port comes once. */
	fl->client_addr = number / 50000 << 8 | (1 + number % 200);
	fl->client_port =
	    (uint16_t)(10000 + number / 200 % 250 * 200 + below(g, 200));
	fl->v6 = fl->server_index % 10 == 0;
	fl->stamps = fl->server_index % 4 != 0;
	start_end(g, &fl->client, below(g, 3) != 0 ? 64 : 128, below(g, 3));
	start_end(g, &fl->server, initials[fl->server_index % 5],
	    5 + fl->server_index % 20);
	if (fl->client.ids == ID_HOST) /* hosts' counters are the servers' */
		fl->client.ids = ID_COUNTER;
	fl->fate = pick_fate(g);
	plan_flow(g, fl);
	fl->phase = SYN;
}

static void
step_open(struct gen *g, struct flow *fl)
{
	if (fl->phase == SYN) {
		send_segment(g, fl, true, TH_SYN, 0);
		fl->phase = SYN_ACK;
	} else if (fl->phase == SYN_ACK && fl->fate == BY_REFUSAL) {
		struct segment s = {.flags = TH_RST | TH_ACK,
		    .ttl = fl->server.ttl,
		    .df = true,
		    .ack = fl->client.next};

		write_segment(g, fl, &s);
		tell(g, "genuine", "refused");
		fl->phase = END_3;
	} else if (fl->phase == SYN_ACK) {
		send_segment(g, fl, false, TH_SYN | TH_ACK, 0);
		fl->phase = ACK;
	} else {
		send_segment(g, fl, true, TH_ACK, 0);
		fl->phase = REQUEST;
	}
}

static void
step_request(struct gen *g, struct flow *fl)
{
	struct segment s = send_segment(
	    g, fl, true, TH_PSH | TH_ACK, 100 + below(g, fl->tight ? 60 : 500));

	fl->answer = fl->rounds > 1 ? fl->segments / fl->rounds : fl->segments;
	if (fl->answer == 0)
		fl->answer = 1;
	fl->segments -= fl->answer < fl->segments ? fl->answer : fl->segments;
	fl->rounds--;
	fl->phase = ANSWER;
	if (fl->fate == BY_FORGERY && (fl->rounds == 0 || below(g, 2) != 0))
		forge(g, fl, &s);
}

static void
step_answer(struct gen *g, struct flow *fl)
{
	bool last = fl->answer == 1;

	if (fl->forged) { /* whom it was meant for has no socket any more */
		send_segment(g, fl, false, TH_PSH | TH_ACK, 300);
		send_no_socket(g, fl);
		fl->phase = END_3;
		return;
	}
	send_segment(g, fl, false, last ? TH_PSH | TH_ACK : TH_ACK,
	    last ? 1 + below(g, fl->tight ? 200 : SEGMENT) : SEGMENT);
	fl->answer--;
	if (++fl->unacked == 2 || last)
		fl->phase = ANSWER_ACK;
}

static void
step_ack(struct gen *g, struct flow *fl)
{
	send_segment(g, fl, true, TH_ACK, 0);
	fl->unacked = 0;
	fl->phase = fl->answer > 0 ? ANSWER : fl->rounds > 0 ? REQUEST : END;
}

static void
step_end(struct gen *g, struct flow *fl)
{
	bool up = below(g, 2) != 0;

	if (fl->fate == BY_ABORT) {
		send_segment(g, fl, up, TH_RST | TH_ACK, 0);
		tell(g, "genuine", "abort");
		fl->phase = END_3;
	} else if (fl->phase == END_2 && fl->fate == BY_NO_SOCKET) {
		send_segment(g, fl, false, TH_PSH | TH_ACK, 700);
		send_no_socket(g, fl);
		fl->phase = END_3;
	} else {
		send_segment(g, fl, fl->phase == END, TH_FIN | TH_ACK, 0);
		if (fl->phase == END_2)
			send_segment(g, fl, true, TH_ACK, 0);
		fl->phase++;
	}
}

/* One packet, or two; false where the flow is over with it. */
static bool
step(struct gen *g, struct flow *fl)
{
	g->now_us += below(g, (uint32_t)(2 * g->gap_us) + 1);
	switch ((enum phase)fl->phase) {
	case SYN:
	case SYN_ACK:
	case ACK:
		step_open(g, fl);
		break;
	case REQUEST:
		step_request(g, fl);
		break;
	case ANSWER:
		step_answer(g, fl);
		break;
	case ANSWER_ACK:
		step_ack(g, fl);
		break;
	case END:
	case END_2:
		step_end(g, fl);
		break;
	case END_3:
		return false;
	}
	return fl->phase != END_3;
}

static bool
step_or_start(struct gen *g, struct flow *fl)
{
	if (step(g, fl))
		return true;
	if (g->started == g->flows)
		return false;
	start_flow(g, fl);
	return true;
}

/* n flows at a time: all shake hands first, then take turns by chance. */
static int
generate(struct gen *g, uint64_t n)
{
	struct flow *pool = calloc(n, sizeof(*pool));

	if (pool == NULL)
		return -1;
	for (uint64_t i = 0; i < n; i++)
		start_flow(g, &pool[i]);
	for (uint64_t i = 0; i < 3 * n; i++)
		step_or_start(g, &pool[i % n]);
	while (n > 0) {
		uint32_t i = below(g, (uint32_t)n);

		if (!step_or_start(g, &pool[i]))
			pool[i] = pool[--n];
	}
	free(pool);
	return ferror(g->out) != 0 || ferror(g->truth) != 0 ? -1 : 0;
}

static void
write_header(struct gen *g)
{
	const uint32_t h[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};

	fwrite(h, sizeof(h), 1, g->out);
	g->written = sizeof(h);
	fprintf(g->truth, "frame\tlabel\tkind\tttl\tid\thop\n");
}

static int
run(struct gen *g, uint64_t concurrent, const char *out, const char *truth)
{
	int rc = -1;

	g->now_us = UINT64_C(1700000000000000);
	/* A flow's packets stand 40 ms apart, a million's 1 s. */
	g->gap_us = concurrent < 40000 ? 40000 / concurrent : 1;
	g->out = fopen(out, "w");
	g->truth = fopen(truth, "w");
	if (g->out != NULL && g->truth != NULL) {
		setvbuf(g->out, NULL, _IOFBF, 1024 * 1024);
		write_header(g);
		rc = generate(g, concurrent);
	}
	if (g->out != NULL && fclose(g->out) != 0)
		rc = -1;
	if (g->truth != NULL && fclose(g->truth) != 0)
		rc = -1;
	return rc;
}

enum { OPT_BYTES, OPT_FLOWS, OPT_CONCURRENT, OPT_SEED, OPT_FORGED, OPT_TRUTH };

static const struct option options[] = {
    {"bytes", required_argument, NULL, OPT_BYTES},
    {"flows", required_argument, NULL, OPT_FLOWS},
    {"concurrent", required_argument, NULL, OPT_CONCURRENT},
    {"seed", required_argument, NULL, OPT_SEED},
    {"forged", required_argument, NULL, OPT_FORGED},
    {"truth", required_argument, NULL, OPT_TRUTH}, {NULL, 0, NULL, 0}};

int
main(int argc, char **argv)
{
	static struct gen g;
	uint64_t n[] = {1000000000, 60000, 2000, 1, 20};
	const char *truth = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?')
			return 2;
		if (c == OPT_TRUTH)
			truth = optarg;
		else
			n[c] = strtoull(optarg, NULL, 10);
	}
	if (optind != argc - 1 || truth == NULL || n[OPT_FLOWS] == 0 ||
	    n[OPT_CONCURRENT] == 0 || n[OPT_FLOWS] > UINT32_MAX) {
		fprintf(stderr, "usage: see the head of gen_capture.c\n");
		return 2;
	}
	if (n[OPT_CONCURRENT] > n[OPT_FLOWS])
		n[OPT_CONCURRENT] = n[OPT_FLOWS];
	rng_seed(&g.rng, n[OPT_SEED]);
	for (size_t i = 0; i < sizeof(g.noise); i++)
		g.noise[i] = (uint8_t)(32 + below(&g, 95));
	g.bytes = n[OPT_BYTES];
	g.flows = n[OPT_FLOWS];
	g.permille = (uint32_t)n[OPT_FORGED];
	if (run(&g, n[OPT_CONCURRENT], argv[optind], truth) != 0) {
		perror(argv[optind]);
		return 1;
	}
	printf("%llu packets, %llu bytes, %llu flows\n",
	    (unsigned long long)g.frame, (unsigned long long)g.written,
	    (unsigned long long)g.flows);
	return 0;
}
