/*
 * Captures of drawn connections, taken at the client and at the server, and
 * what analyze makes of one or both: its text stands in a golden file, and a
 * hash of each format.  No single line proves a rule; together they hold that
 * nothing changes unseen.  RSTHOP_SHOW=1 prints what was hashed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <rsthop/analyze.h>
#include <rsthop/craft.h>
#include <rsthop/hash.h>
#include <rsthop/report.h>
#include <rsthop/text.h>

#include "drawn_scene.h"
#include "golden.h"
#include "proves.h"

#define CAPTURES 20
#define EACH	 6 /* scenes in a capture */
#define KEPT	 2048
#define BYTES	 1600
#define ROUTERS	 6 /* between the vantages */
#define DELAY	 (20 * CLOCK_MS)

enum { C, S }; /* vantages */

struct record {
	int64_t ns;
	uint32_t len, wire_len;
	uint8_t data[BYTES];
};

struct file {
	size_t n, at;
	struct record *r;
};

struct tape {
	struct craft *craft;
	struct rng rng;
	struct file f[2];
	const struct drawn *d;
};

static void
put_ether(uint8_t *b, const struct pkt *p, uint16_t type)
{
	memcpy(b, p->mac_dst, ADDR_MAC);
	memcpy(b + ADDR_MAC, p->mac_src, ADDR_MAC);
	b[12] = (uint8_t)(type >> 8);
	b[13] = (uint8_t)type;
}

/* RFC 792: a time-exceeded that quotes an IP header and 8 bytes of TCP. */
static size_t
put_expired(uint8_t *b, const struct pkt *p)
{
	const struct pkt_quote *q = &p->quote;
	uint8_t *ip = b, *icmp = b + 20, *quoted = b + 28, *tcp = b + 48;

	memset(b, 0, 56);
	ip[0] = quoted[0] = 0x45;
	ip[3] = 56;
	ip[8] = p->ip.ttl;
	ip[9] = 1;
	memcpy(ip + 12, p->ip.src.b, 4);
	memcpy(ip + 16, p->ip.dst.b, 4);
	icmp[0] = 11;
	quoted[3] = 40;
	quoted[4] = (uint8_t)(q->ip.id >> 8);
	quoted[5] = (uint8_t)q->ip.id;
	quoted[8] = q->ip.ttl;
	quoted[9] = 6;
	memcpy(quoted + 12, q->ip.src.b, 4);
	memcpy(quoted + 16, q->ip.dst.b, 4);
	tcp[0] = (uint8_t)(q->sport >> 8);
	tcp[1] = (uint8_t)q->sport;
	tcp[2] = (uint8_t)(q->dport >> 8);
	tcp[3] = (uint8_t)q->dport;
	for (int i = 0; i < 4; i++)
		tcp[4 + i] = (uint8_t)(q->seq >> (24 - 8 * i));
	return 56;
}

static size_t
put_tcp(struct tape *t, uint8_t *b, const struct pkt *p, uint8_t ttl)
{
	uint8_t payload[1460] = {0};
	struct craft_tcp c = {.ttl = ttl,
	    .tos = p->ip.tos,
	    .id = p->ip.id,
	    .df = p->ip.df,
	    .flow_label = p->ip.flow_label,
	    .seq = p->tcp.seq,
	    .ack = p->tcp.ack,
	    .flags = p->tcp.flags,
	    .window = p->tcp.window,
	    .payload = payload,
	    .payload_len = p->payload_wire};
	size_t len;

	if (p->payload != NULL)
		memcpy(payload, p->payload, p->payload_len);
	assert_true(pkt_flow_key(p, &c.flow));
	assert_int_equal(craft_tcp(t->craft, &c, b, BYTES - 14, &len, NULL), 0);
	return len;
}

static void
keep(struct tape *t, int vantage, const struct pkt *p, uint8_t ttl, int64_t ns)
{
	struct file *f = &t->f[vantage];
	struct record *r = &f->r[f->n];
	size_t len;

	if (ttl == 0)
		return;
	assert_true(f->n < KEPT);
	put_ether(r->data, p, p->ip.version == 4 ? 0x0800 : 0x86dd);
	len = (p->has & PKT_HAS_TCP) != 0 ? put_tcp(t, r->data + 14, p, ttl)
					  : put_expired(r->data + 14, p);
	r->len = r->wire_len = (uint32_t)(len + 14);
	r->ns = ns;
	f->n++;
}

/* As the client's side has it; the server's, with what is between. */
static void
on_packet(void *ctx, const struct pkt *p, int64_t ns)
{
	struct tape *t = ctx;
	bool tcp = (p->has & PKT_HAS_TCP) != 0;
	bool by_client = addr_equal(&p->ip.src, &t->d->sc.c.self.addr);
	bool forged = tcp && (p->tcp.flags & PKT_TH_RST) != 0;

	if (!tcp && p->ip.version == 6)
		return;
	keep(t, C, p, p->ip.ttl, ns);
	/* Forged resets are not seen at the end that they claim to be of. */
	if (!tcp || (forged && rng_below(&t->rng, 2) == 0))
		return;
	if (by_client)
		keep(t, S, p,
		    p->ip.ttl > ROUTERS ? (uint8_t)(p->ip.ttl - ROUTERS) : 0,
		    ns + DELAY);
	else
		keep(t, S, p, (uint8_t)(p->ip.ttl + ROUTERS), ns - DELAY);
}

static int
by_time(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

static int
next_packet(void *ctx, struct capture_packet *out, struct fault *f)
{
	struct tape *t = ctx;
	int v = C;

	(void)f;
	if (t->f[C].at == t->f[C].n && t->f[S].at == t->f[S].n)
		return 0;
	if (t->f[C].at == t->f[C].n)
		v = S;
	else if (t->f[S].at < t->f[S].n)
		v = t->f[S].r[t->f[S].at].ns < t->f[C].r[t->f[C].at].ns;
	*out = (struct capture_packet){.unix_ns = t->f[v].r[t->f[v].at].ns,
	    .data = t->f[v].r[t->f[v].at].data,
	    .len = t->f[v].r[t->f[v].at].len,
	    .wire_len = t->f[v].r[t->f[v].at].wire_len,
	    .link = PKT_LINK_ETHERNET,
	    .file = (uint32_t)v,
	    .frame = t->f[v].at + 1};
	t->f[v].at++;
	return 1;
}

static int
again(void *ctx, struct fault *f)
{
	struct tape *t = ctx;

	(void)f;
	t->f[C].at = t->f[S].at = 0;
	return 0;
}

static void
put_report(
    struct text *t, const struct analysis *a, const char *writer, bool show)
{
	const struct report_style st = {.each = !show};
	char *s = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&s, &n);

	assert_non_null(f);
	assert_int_equal(
	    report_writer_by_name(writer)->analysis(a, &st, f, NULL), 0);
	assert_int_equal(fclose(f), 0);
	n = golden_forget_version(s, n);
	if (show) {
		text_add(t, s);
	} else {
		if (getenv("RSTHOP_SHOW") != NULL)
			print_message("%s\n", s);
		text_addf(t, "%s %016llx\n", writer,
		    (unsigned long long)hash_bytes(1, s, n));
	}
	free(s);
}

static void
judge(struct text *out, struct tape *t, bool both)
{
	const struct analyze_path paths[2] = {
	    {"c.pcap", both ? ANALYSIS_VANTAGE_CLIENT : ANALYSIS_VANTAGE_ANY},
	    {"s.pcap", ANALYSIS_VANTAGE_SERVER}};
	const struct analyze_ask ask = {.n_paths = both ? 2 : 1,
	    .paths = paths,
	    .hash_seed = 1,
	    .max_resets = 100,
	    .evidence = true};
	const struct analyze_input in = {
	    .ctx = t, .next = next_packet, .again = again};
	struct analysis a;
	struct fault f = {0};

	again(t, NULL);
	assert_int_equal(analyze_run(&ask, &in, &a, &f), 0);
	if (both)
		put_report(out, &a, "text", true);
	for (const struct report_writer *w = report_writers; w->name != NULL;
	     w++)
		put_report(out, &a, w->name, false);
	analysis_free(&a);
}

static void
put_capture(struct text *out, uint32_t nth)
{
	static struct drawn d;
	struct tape t = {.d = &d};
	size_t n;

	assert_int_equal(craft_new(&t.craft, NULL), 0);
	rng_seed(&t.rng, nth);
	for (int v = 0; v < 2; v++)
		assert_non_null(t.f[v].r = calloc(KEPT, sizeof(*t.f[v].r)));
	for (uint32_t i = 0; i < EACH; i++) {
		/* Scenes of one seed in ten's place share their hosts' ways. */
		drawn_begin(&d, 1000 + nth * EACH + i);
		d.sc.now_ns += (int64_t)i * 40 * CLOCK_S;
		d.sc.tap = on_packet;
		d.sc.tap_ctx = &t;
		drawn_connections(&d);
		assert_int_equal(flow_table_end(d.sc.t, NULL), 0);
		scene_end(&d.sc);
	}
	for (int v = 0; v < 2; v++)
		qsort(t.f[v].r, t.f[v].n, sizeof(*t.f[v].r), by_time);
	n = t.f[S].n;
	t.f[S].n = 0;
	text_addf(out, "=== capture %u, at the client\n", nth);
	judge(out, &t, false);
	t.f[S].n = n;
	text_addf(out, "=== capture %u, at both ends\n", nth);
	judge(out, &t, true);
	for (int v = 0; v < 2; v++)
		free(t.f[v].r);
	craft_free(t.craft);
}

static void
test_analyses(void **state)
{
	struct text t = {0};

	(void)state;
	setenv("TZ", "UTC", 1);
	for (uint32_t i = 0; i < CAPTURES; i++)
		put_capture(&t, i);
	assert_false(t.bad);
	golden_compare("analyses", ".txt", text_str(&t));
	text_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("analyses of drawn captures are as they were looked at",
		test_analyses),
	};

	return cmocka_run_group_tests_name("analyses", tests, NULL, NULL);
}
