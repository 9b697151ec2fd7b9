/*
 * Filters over packets at rest, and link types by number and name.
 */
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "filter.h"

/* The most that a packet of a file may hold; libpcap's own bound. */
#define FILTER_SNAPLEN 262144

#define FILTER_LINKS (PKT_LINK_LOOP + 1)

struct capture_filter {
	char *words;
	bool ready[FILTER_LINKS];
	struct bpf_program prog[FILTER_LINKS];
};

/*
 * Numbers of LINKTYPE_ and DLT_ kind at once: they differ for raw IP alone,
 * where 101 is the file's number and 12 and 14 are systems' own, which old
 * files hold too.
 */
int
capture_link_find(uint32_t number, enum pkt_link *out)
{
	static const struct {
		uint32_t number;
		enum pkt_link link;
	} table[] = {{DLT_EN10MB, PKT_LINK_ETHERNET},
	    {DLT_LINUX_SLL, PKT_LINK_SLL}, {DLT_LINUX_SLL2, PKT_LINK_SLL2},
	    {101, PKT_LINK_RAW}, {12, PKT_LINK_RAW}, {14, PKT_LINK_RAW},
	    {DLT_IPV4, PKT_LINK_RAW}, {DLT_IPV6, PKT_LINK_RAW},
	    {DLT_NULL, PKT_LINK_NULL}, {DLT_LOOP, PKT_LINK_LOOP}};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].number == number) {
			*out = table[i].link;
			return 0;
		}
	}
	return -1;
}

int
capture_link_fault(const char *where, uint32_t number, struct fault *f)
{
	const char *name = pcap_datalink_val_to_name((int)number);

	return fault(f, FAULT_INPUT,
	    "%.180s: link type %s (%u) is not supported: Ethernet, Linux "
	    "cooked, raw IP and BSD loopback are",
	    where, name != NULL ? name : "unknown", number);
}

int
capture_filter_new(
    const char *words, struct capture_filter **out, struct fault *f)
{
	struct capture_filter *cf = calloc(1, sizeof(*cf));

	if (cf != NULL)
		cf->words = strdup(words);
	if (cf == NULL || cf->words == NULL) {
		capture_filter_free(cf);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	*out = cf;
	return 0;
}

/*
 * Behind BSD's loopback header it is raw IP: how libpcap reads the header
 * depends on the system and the byte order that it believes the file to be
 * from, and our decoder reads them all.
 */
static bool
filter_is_loopback(enum pkt_link link)
{
	return link == PKT_LINK_NULL || link == PKT_LINK_LOOP;
}

static int
filter_dlt(enum pkt_link link)
{
	switch (link) {
	case PKT_LINK_ETHERNET:
		return DLT_EN10MB;
	case PKT_LINK_SLL:
		return DLT_LINUX_SLL;
	case PKT_LINK_SLL2:
		return DLT_LINUX_SLL2;
	case PKT_LINK_RAW:
	case PKT_LINK_NULL:
	case PKT_LINK_LOOP:
		break;
	}
	return DLT_RAW;
}

int
capture_filter_prepare(
    struct capture_filter *cf, enum pkt_link link, struct fault *f)
{
	pcap_t *dead;
	int dlt = filter_dlt(link), rc = -1;

	if (cf == NULL || cf->ready[link])
		return 0;
	dead = pcap_open_dead(dlt, FILTER_SNAPLEN);
	if (dead == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (pcap_compile(dead, &cf->prog[link], cf->words, 1,
		PCAP_NETMASK_UNKNOWN) != 0) {
		fault(f, FAULT_USAGE,
		    "the filter \"%.120s\" does not compile for link type %s: "
		    "%s",
		    cf->words, pcap_datalink_val_to_name(dlt),
		    pcap_geterr(dead));
		goto out;
	}
	cf->ready[link] = true;
	rc = 0;
out:
	pcap_close(dead);
	return rc;
}

bool
capture_filter_pass(
    const struct capture_filter *cf, const struct capture_packet *p)
{
	uint32_t skip = filter_is_loopback(p->link) ? 4 : 0;
	struct pcap_pkthdr h = {0};

	if (p->len < skip)
		return false;
	h.caplen = p->len - skip;
	h.len = p->wire_len - skip;
	return pcap_offline_filter(&cf->prog[p->link], &h, p->data + skip) != 0;
}

void
capture_filter_free(struct capture_filter *cf)
{
	if (cf == NULL)
		return;
	for (size_t i = 0; i < FILTER_LINKS; i++)
		if (cf->ready[i])
			pcap_freecode(&cf->prog[i]);
	free(cf->words);
	free(cf);
}
