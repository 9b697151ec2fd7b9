/*
 * Bare loops over a capture file, to measure others by.
 *
 * usage: loops pcap|capture|decode FILE
 *
 *	pcap	 libpcap's pcap_next_ex, nothing done with the packets
 *	capture	 capture_next, likewise
 *	decode	 capture_next and pkt_decode
 *
 * Each says how many packets there were, and a sum over what it looked at, so
 * that no work can be left out.
 */
#include <stdio.h>
#include <string.h>

#include <pcap/pcap.h>

#include <rsthop/capture.h>
#include <rsthop/pkt.h>

static int
loop_pcap(const char *path, unsigned long *n, unsigned long *sum)
{
	char err[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, err);
	struct pcap_pkthdr *h;
	const u_char *data;

	if (pcap == NULL) {
		fprintf(stderr, "%s: %s\n", path, err);
		return -1;
	}
	for (; pcap_next_ex(pcap, &h, &data) == 1; (*n)++)
		*sum += h->caplen + data[0];
	pcap_close(pcap);
	return 0;
}

static int
loop_capture(const char *path, int decode, unsigned long *n, unsigned long *sum)
{
	struct capture_packet p;
	struct capture *c;
	struct fault f;
	struct pkt pkt;
	int rc;

	if (capture_open_files(&path, 1, NULL, &c, &f) != 0) {
		fprintf(stderr, "%s\n", f.text);
		return -1;
	}
	for (; (rc = capture_next(c, &p, &f)) == 1; (*n)++) {
		*sum += p.len + p.data[0];
		if (decode == 0)
			continue;
		pkt_decode(p.link, p.data, p.len, p.wire_len, &pkt);
		*sum += pkt.tcp.flags;
	}
	if (rc < 0)
		fprintf(stderr, "%s\n", f.text);
	capture_free(c);
	return rc;
}

int
main(int argc, char **argv)
{
	unsigned long n = 0, sum = 0;
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: loops pcap|capture|decode FILE\n");
		return 2;
	}
	if (strcmp(argv[1], "pcap") == 0)
		rc = loop_pcap(argv[2], &n, &sum);
	else
		rc = loop_capture(
		    argv[2], strcmp(argv[1], "decode") == 0, &n, &sum);
	printf("%lu %lu\n", n, sum);
	return rc == 0 ? 0 : 1;
}
