/*
 * The state of one connection, from its packets alone.
 */
#include <string.h>

#include <rsthop/tcb.h>

void
tcb_init(struct tcb *t, const struct flow_key *flow)
{
	memset(t, 0, sizeof(*t));
	t->flow = *flow;
}

void
tcb_adopt(struct tcb *t, const struct flow_key *flow)
{
	tcb_init(t, flow);
	t->adopted = true;
}

bool
tcb_id_follows(uint16_t id, uint16_t later)
{
	uint16_t step = (uint16_t)(later - id);

	return step >= 1 && step <= TCB_ID_STEP;
}

static uint32_t
tcb_segment_len(const struct pkt *p)
{
	uint32_t n = p->payload_wire;

	if ((p->tcp.flags & PKT_TH_SYN) != 0)
		n++;
	if ((p->tcp.flags & PKT_TH_FIN) != 0)
		n++;
	return n;
}

static void
tcb_see_syn(struct tcb *t, const struct pkt *p, int64_t at_ns)
{
	t->has_syn = true;
	t->iss = p->tcp.seq;
	t->snd_una = t->iss;
	t->snd_nxt = t->iss + 1;
	t->client_ttl = p->ip.ttl;
	t->sack_ok = p->tcp.sack_ok;
	t->ts_ok = p->tcp.has_ts;
	t->syn_ns = at_ns;
}

/* The client's next number: its own word, or what the server awaits. */
static void
tcb_adopt_client(struct tcb *t, uint32_t next)
{
	t->has_syn = true;
	t->iss = next - 1;
	t->snd_una = t->snd_nxt = next;
}

static void
tcb_adopt_server(struct tcb *t, uint32_t next)
{
	t->has_synack = true;
	t->irs = next - 1;
	t->rcv_nxt = next;
}

/* A packet of a connection whose beginning was not seen tells of both ends. */
static void
tcb_see_adopted_sent(struct tcb *t, const struct pkt *p)
{
	if (!t->adopted || (p->tcp.flags & PKT_TH_ACK) == 0)
		return;
	if (t->client_ttl == 0)
		t->client_ttl = p->ip.ttl;
	t->ts_ok = p->tcp.has_ts;
	if (!t->has_syn)
		tcb_adopt_client(t, p->tcp.seq);
	if (!t->has_synack)
		tcb_adopt_server(t, p->tcp.ack);
	t->established = true;
}

static void
tcb_see_adopted_received(struct tcb *t, const struct pkt *p)
{
	if (!t->adopted || (p->tcp.flags & PKT_TH_ACK) == 0)
		return;
	t->server_ttl = p->ip.ttl;
	t->ts_ok = p->tcp.has_ts;
	if (p->tcp.has_ts && t->tsval == 0)
		t->tsval = p->tcp.tsecr;
	if (!t->has_synack)
		tcb_adopt_server(t, p->tcp.seq);
	if (!t->has_syn)
		tcb_adopt_client(t, p->tcp.ack);
	t->established = true;
}

static void
tcb_see_sent(struct tcb *t, const struct pkt *p, int64_t at_ns)
{
	uint32_t end = p->tcp.seq + tcb_segment_len(p);

	tcb_see_adopted_sent(t, p);
	if ((p->tcp.flags & PKT_TH_SYN) != 0 && !t->has_synack)
		tcb_see_syn(t, p, at_ns);
	if ((p->tcp.flags & PKT_TH_FIN) != 0)
		t->client_fin = true;
	t->client_tos = p->ip.tos;
	t->client_df = p->ip.df;
	t->client_ip_id = p->ip.id;
	t->flow_label = p->ip.flow_label;
	t->client_window = p->tcp.window;
	if (p->tcp.has_ts)
		t->tsval = p->tcp.tsval;
	if (t->has_syn && seq_after(end, t->snd_nxt)) {
		t->snd_nxt = end;
		if (p->payload_wire > 0) {
			t->data_end = p->tcp.seq + p->payload_wire;
			t->data_ns = at_ns;
			t->acked_ns = 0;
			t->answer_ns = 0;
		}
	}
	if (t->has_synack && (p->tcp.flags & PKT_TH_ACK) != 0 &&
	    (p->tcp.flags & PKT_TH_RST) == 0)
		t->established = true;
}

static void
tcb_see_synack(struct tcb *t, const struct pkt *p, int64_t at_ns)
{
	if (t->has_synack)
		return;
	t->has_synack = true;
	t->irs = p->tcp.seq;
	t->rcv_nxt = t->irs + 1;
	t->server_ttl = p->ip.ttl;
	t->server_mss = p->tcp.has_mss ? p->tcp.mss : 0;
	t->sack_ok = t->sack_ok && p->tcp.sack_ok;
	t->ts_ok = t->ts_ok && p->tcp.has_ts;
	t->synack_ns = at_ns;
	if (t->syn_ns != 0)
		t->rtt_ns = at_ns - t->syn_ns;
}

static void
tcb_see_answer(struct tcb *t, const struct pkt *p, int64_t at_ns)
{
	if (t->data_ns == 0 || t->answer_ns != 0 || p->payload_wire == 0 ||
	    (p->tcp.flags & PKT_TH_ACK) == 0 ||
	    seq_after(t->data_end, p->tcp.ack))
		return;
	t->answer_ns = at_ns;
	t->answer_seq = p->tcp.seq;
}

static void
tcb_see_received(struct tcb *t, const struct pkt *p, int64_t at_ns)
{
	uint32_t end = p->tcp.seq + tcb_segment_len(p);

	tcb_see_adopted_received(t, p);
	if ((p->tcp.flags & PKT_TH_SYN) != 0 &&
	    (p->tcp.flags & PKT_TH_ACK) != 0)
		tcb_see_synack(t, p, at_ns);
	if (t->has_server_ip_id && t->server_ip_id != 0 && p->ip.id != 0) {
		t->id_pairs++;
		t->id_steps += tcb_id_follows(t->server_ip_id, p->ip.id);
	}
	t->has_server_ip_id = p->ip.has_id;
	t->server_ip_id = p->ip.id;
	if ((p->has & PKT_HAS_MAC) != 0) {
		t->has_server_mac = true;
		memcpy(t->server_mac, p->mac_src, ADDR_MAC);
	}
	if (p->tcp.has_ts)
		t->tsecr = p->tcp.tsval;
	if (!t->has_synack)
		return;
	if (!seq_after(p->tcp.seq, t->rcv_nxt) && seq_after(end, t->rcv_nxt))
		t->rcv_nxt = end;
	if ((p->tcp.flags & PKT_TH_FIN) != 0)
		t->server_fin = true;
	if ((p->tcp.flags & PKT_TH_ACK) != 0 &&
	    seq_after(p->tcp.ack, t->snd_una) &&
	    !seq_after(p->tcp.ack, t->snd_nxt)) {
		t->snd_una = p->tcp.ack;
		if (t->data_ns != 0 && t->acked_ns == 0 &&
		    !seq_after(t->data_end, t->snd_una))
			t->acked_ns = at_ns;
	}
	tcb_see_answer(t, p, at_ns);
}

enum tcb_event
tcb_see(struct tcb *t, const struct pkt *p, int64_t at_ns)
{
	struct flow_key key, back;

	if (!pkt_flow_key(p, &key))
		return TCB_OTHER;
	if (flow_key_equal(&key, &t->flow)) {
		/*
		 * What we inject for this flow expires on its way, so its TTL
		 * is not the kernel's, or repeats bytes sent before.
		 */
		if (t->client_ttl != 0 && p->ip.ttl != t->client_ttl)
			return TCB_INJECTED;
		tcb_see_sent(t, p, at_ns);
		return TCB_SENT;
	}
	back = flow_key_reverse(&key);
	if (!flow_key_equal(&back, &t->flow))
		return TCB_OTHER;
	if ((p->tcp.flags & PKT_TH_RST) != 0)
		return TCB_RESET;
	tcb_see_received(t, p, at_ns);
	return TCB_RECEIVED;
}

size_t
tcb_write_opts(const struct tcb *t, uint8_t out[TCB_OPTS])
{
	/* RFC 7323, appendix A: NOP, NOP, kind 8, length 10. */
	static const uint8_t head[4] = {1, 1, 8, 10};

	if (!t->ts_ok)
		return 0;
	memcpy(out, head, sizeof(head));
	for (int i = 0; i < 4; i++) {
		out[4 + i] = (uint8_t)(t->tsval >> (24 - 8 * i));
		out[8 + i] = (uint8_t)(t->tsecr >> (24 - 8 * i));
	}
	return TCB_OPTS;
}
