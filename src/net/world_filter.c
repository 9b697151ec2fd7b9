/*
 * The kernel's share of telling this job's packets from all others.  It goes by
 * the outer header alone: what travels in a tunnel does not come through, so
 * that nothing in one is taken for an answer to a probe.
 */
#include <stdio.h>

#include <rsthop/world_filter.h>

/* RFC 792: unreachable, time exceeded, parameter problem; echo. */
#define FILTER_ICMP                                                \
	"(icmp and ((dst host %s and (icmp[0]=3 or icmp[0]=11 or " \
	"icmp[0]=12)) or (ip host %s and (icmp[0]=0 or icmp[0]=8))))"

/*
 * RFC 4443: unreachable, too big, time exceeded, parameter problem; echo.
 * Behind extension headers it goes unseen: pcap's language cannot skip them.
 */
#define FILTER_ICMPV6                                                        \
	"(icmp6 and ((dst host %s and (ip6[40]=1 or ip6[40]=2 or ip6[40]=3 " \
	"or ip6[40]=4)) or (ip6 host %s and (ip6[40]=128 or ip6[40]=129))))"

void
world_format_filter(const struct endpoint *target, const struct addr *src,
    char buf[WORLD_FILTER])
{
	char there[ADDR_TEXT], here[ADDR_TEXT], tcp[128] = "";
	bool is_v4 = target->addr.version == 4;

	addr_format(&target->addr, there);
	addr_format(src, here);
	if (target->port != 0)
		snprintf(tcp, sizeof(tcp),
		    "(tcp and %s host %s and port %u) or ",
		    is_v4 ? "ip" : "ip6", there, target->port);
	if (is_v4)
		snprintf(buf, WORLD_FILTER, "%s" FILTER_ICMP, tcp, here, there);
	else
		snprintf(
		    buf, WORLD_FILTER, "%s" FILTER_ICMPV6, tcp, here, there);
}
