/*
 * Packets in.  Live captures, by libpcap, never block; files are read to their
 * end, by parts of ours.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <net/if.h>

#include <pcap/pcap.h>

#include <rsthop/capture.h>
#include <rsthop/clock.h>

#include "filter.h"
#include "merge.h"

/*
 * The ring holds a fixed number of slots of this size, so a large one makes
 * a ring of few packets: 64 KB would leave 64 of them in CAPTURE_RING, less
 * than one burst of probes with its answers.  Resets and ICMP are small.
 */
#define CAPTURE_SNAPLEN 1600
#define CAPTURE_RING	(2 * 1024 * 1024)

struct capture {
	struct merge *files; /* NULL where live; all else is of live ones */
	pcap_t *pcap;
	enum pkt_link link;
	char name[256]; /* the interface, for faults */
};

static int
capture_set_link(struct capture *c, struct fault *f)
{
	int dlt = pcap_datalink(c->pcap);

	if (dlt >= 0 && capture_link_find((uint32_t)dlt, &c->link) == 0)
		return 0;
	return capture_link_fault(c->name, (uint32_t)dlt, f);
}

static struct capture *
capture_new(const char *name, struct fault *f)
{
	struct capture *c;

	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		fault(f, FAULT_SYSTEM, "out of memory");
		return NULL;
	}
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

static int
capture_fault_activate(struct capture *c, int status, struct fault *f)
{
	if (status == PCAP_ERROR_PERM_DENIED ||
	    status == PCAP_ERROR_PROMISC_PERM_DENIED)
		return fault(f, FAULT_PRIVILEGE,
		    "capturing on %s needs root or CAP_NET_RAW: run it with "
		    "sudo",
		    c->name);
	if (status == PCAP_ERROR_NO_SUCH_DEVICE)
		return fault(f, FAULT_NETWORK,
		    "there is no interface %s: see ip link", c->name);
	if (status == PCAP_ERROR_IFACE_NOT_UP)
		return fault(f, FAULT_NETWORK,
		    "interface %s is down: bring it up with ip link set %s up",
		    c->name, c->name);
	if (status == PCAP_ERROR)
		return fault(f, FAULT_SYSTEM, "capturing on %s: %s", c->name,
		    pcap_geterr(c->pcap));
	return fault(f, FAULT_SYSTEM, "capturing on %s: %s", c->name,
	    pcap_statustostr(status));
}

/* ring_bytes 0: each packet at once, from CAPTURE_RING. */
static int
capture_activate(struct capture *c, int ring_bytes, struct fault *f)
{
	char err[PCAP_ERRBUF_SIZE];
	int rc;

	c->pcap = pcap_create(c->name, err);
	if (c->pcap == NULL)
		return fault(
		    f, FAULT_SYSTEM, "capturing on %s: %s", c->name, err);
	pcap_set_snaplen(c->pcap, CAPTURE_SNAPLEN);
	pcap_set_promisc(c->pcap, 0);
	pcap_set_immediate_mode(c->pcap, ring_bytes == 0);
	pcap_set_timeout(c->pcap, CAPTURE_BATCH_MS);
	pcap_set_buffer_size(
	    c->pcap, ring_bytes != 0 ? ring_bytes : CAPTURE_RING);
	/* Refused where the kernel has none; microseconds come scaled up. */
	pcap_set_tstamp_precision(c->pcap, PCAP_TSTAMP_PRECISION_NANO);
	rc = pcap_activate(c->pcap);
	if (rc < 0) /* above 0 are warnings */
		return capture_fault_activate(c, rc, f);
	if (pcap_setnonblock(c->pcap, 1, err) != 0)
		return fault(
		    f, FAULT_SYSTEM, "capturing on %s: %s", c->name, err);
	return 0;
}

static int
capture_set_filter(struct capture *c, const char *filter, struct fault *f)
{
	struct bpf_program prog;
	int rc;

	rc = pcap_compile(c->pcap, &prog, filter, 1, PCAP_NETMASK_UNKNOWN);
	if (rc != 0)
		return fault(f, FAULT_USAGE,
		    "the filter \"%.120s\" does not compile: %s", filter,
		    pcap_geterr(c->pcap));
	rc = pcap_setfilter(c->pcap, &prog);
	pcap_freecode(&prog);
	if (rc != 0)
		return fault(f, FAULT_SYSTEM, "setting the filter on %s: %s",
		    c->name, pcap_geterr(c->pcap));
	return 0;
}

static int
capture_open(const char *iface, const char *filter, int ring_bytes,
    struct capture **out, struct fault *f)
{
	struct capture *c;
	int rc = -1;

	c = capture_new(iface, f);
	if (c == NULL)
		return -1;
	if (capture_activate(c, ring_bytes, f) != 0)
		goto out;
	if (capture_set_link(c, f) != 0)
		goto out;
	if (filter != NULL && capture_set_filter(c, filter, f) != 0)
		goto out;
	*out = c; /* hand over last */
	c = NULL;
	rc = 0;
out:
	capture_free(c);
	return rc;
}

int
capture_open_live(const char *iface, const char *filter, struct capture **out,
    struct fault *f)
{
	return capture_open(iface, filter, 0, out, f);
}

int
capture_open_batches(const char *iface, const char *filter, int ring_bytes,
    struct capture **out, struct fault *f)
{
	return capture_open(iface, filter, ring_bytes, out, f);
}

int
capture_check_filter(const char *filter, struct fault *f)
{
	struct capture_filter *cf;
	int rc;

	if (capture_filter_new(filter, &cf, f) != 0)
		return -1;
	rc = capture_filter_prepare(cf, PKT_LINK_ETHERNET, f);
	capture_filter_free(cf);
	return rc;
}

int
capture_open_files_until(const char *const *paths, size_t n, const char *filter,
    int stop_fd, struct capture **out, struct fault *f)
{
	struct capture *c = capture_new("files", f);

	if (c == NULL)
		return -1;
	if (merge_open(paths, n, filter, stop_fd, &c->files, f) != 0) {
		capture_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

int
capture_open_files(const char *const *paths, size_t n, const char *filter,
    struct capture **out, struct fault *f)
{
	return capture_open_files_until(paths, n, filter, -1, out, f);
}

/* tv_usec holds nanoseconds at this precision. */
static int64_t
capture_stamp_ns(const struct timeval *ts)
{
	return (int64_t)ts->tv_sec * CLOCK_S + ts->tv_usec;
}

/*
 * libpcap takes an interface that went down for one that may come back, and
 * waits.  We do not: whatever was being measured is void.
 */
static int
capture_check_up(const struct capture *c, struct fault *f)
{
	struct ifreq ifr;

	if (strcmp(c->name, "any") == 0)
		return 0;
	memset(&ifr, 0, sizeof(ifr));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%.15s", c->name);
	if (ioctl(pcap_fileno(c->pcap), SIOCGIFFLAGS, &ifr) != 0) {
		if (errno != ENODEV)
			return 0;
		return fault(f, FAULT_NETWORK,
		    "interface %s went away during the capture", c->name);
	}
	if ((ifr.ifr_flags & IFF_UP) == 0)
		return fault(f, FAULT_NETWORK,
		    "interface %s went down during the capture", c->name);
	return 0;
}

static int
capture_fault_read(struct capture *c, struct fault *f)
{
	if (capture_check_up(c, f) != 0)
		return -1;
	return fault(f, FAULT_NETWORK, "capturing on %s: %s", c->name,
	    pcap_geterr(c->pcap));
}

int
capture_next(struct capture *c, struct capture_packet *out, struct fault *f)
{
	struct pcap_pkthdr *h;
	const u_char *p;
	int rc;

	if (c->files != NULL)
		return merge_next(c->files, out, f);
	rc = pcap_next_ex(c->pcap, &h, &p);
	if (rc == 0)
		return capture_check_up(c, f);
	if (rc < 0)
		return capture_fault_read(c, f);
	out->unix_ns = capture_stamp_ns(&h->ts);
	out->data = p;
	out->len = h->caplen;
	out->wire_len = h->len < h->caplen ? h->caplen : h->len;
	out->link = c->link;
	out->file = 0;
	out->frame = 0;
	return 1;
}

bool
capture_is_ready(const struct capture *c)
{
	return c->files != NULL && merge_is_ready(c->files);
}

int
capture_fd(const struct capture *c)
{
	return c->files != NULL ? -1 : pcap_get_selectable_fd(c->pcap);
}

int
capture_get_stats(struct capture *c, struct capture_stats *out)
{
	struct pcap_stat st;

	if (c->files != NULL || pcap_stats(c->pcap, &st) != 0)
		return -1;
	out->received = st.ps_recv;
	out->dropped = st.ps_drop;
	return 0;
}

void
capture_free(struct capture *c)
{
	if (c == NULL)
		return;
	if (c->pcap != NULL)
		pcap_close(c->pcap);
	merge_free(c->files);
	free(c);
}
