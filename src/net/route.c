/*
 * Routes, interfaces and neighbours over rtnetlink (RFC 3549), one question
 * a socket: nothing is cached, nothing is watched.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <rsthop/route.h>

/* The kernel's first interface in every network namespace. */
#define ROUTE_LOOPBACK_INDEX 1

/* net/if.h stops short of it: the wire or peer is there. */
#ifndef ROUTE_IFF_LOWER_UP
#define ROUTE_IFF_LOWER_UP (1 << 16)
#endif

#define ROUTE_QUESTION 256   /* bytes; each takes well under 100 */
#define ROUTE_ANSWER   32768 /* the largest piece that a dump comes in */

struct route_answer {
	int type;   /* RTN_* */
	int family; /* AF_* */
	int ifindex;
	struct addr src;
	struct addr gateway;
};

struct route_link {
	int index;
	int type;	    /* ARPHRD_* */
	unsigned int flags; /* IFF_* */
	char name[ROUTE_IFNAME];
	bool has_mac;
	uint8_t mac[ADDR_MAC];
	int mtu;
};

struct route_neigh {
	int family; /* AF_* */
	int ifindex;
	struct addr addr;
	bool has_mac;
	uint8_t mac[ADDR_MAC];
};

/* Sends one request and hands each message of the answer to cb: 0 or errno. */
static int
route_ask(struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	struct mnl_socket *nl;
	char *buf;
	ssize_t got;
	int rc = -1;

	buf = malloc(ROUTE_ANSWER);
	nl = mnl_socket_open(NETLINK_ROUTE);
	if (buf == NULL || nl == NULL ||
	    mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) != 0)
		goto out;
	nlh->nlmsg_seq = 1;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1)
		goto out;
	do {
		got = mnl_socket_recvfrom(nl, buf, ROUTE_ANSWER);
		if (got == -1)
			goto out;
		rc = mnl_cb_run(
		    buf, (size_t)got, 1, mnl_socket_get_portid(nl), cb, data);
	} while (rc > MNL_CB_STOP);
out:
	rc = rc < 0 ? errno : 0;
	if (nl != NULL)
		mnl_socket_close(nl);
	free(buf);
	return rc;
}

static int
route_family(const struct addr *a)
{
	return a->version == 4 ? AF_INET : AF_INET6;
}

static size_t
route_addr_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

static void
route_read_addr(int family, const void *p, size_t len, struct addr *out)
{
	uint8_t b[16];

	if ((family != AF_INET && family != AF_INET6) ||
	    len < route_addr_len(family))
		return;
	memcpy(b, p, route_addr_len(family));
	*out = family == AF_INET ? addr_from_v4(b) : addr_from_v6(b);
}

/* RTA_VIA: a next hop of the other family, as RFC 5549 routes have it. */
static void
route_read_via(const struct nlattr *a, struct addr *out)
{
	const uint8_t *p = mnl_attr_get_payload(a);
	uint16_t family;

	if (mnl_attr_get_payload_len(a) < sizeof(family))
		return;
	memcpy(&family, p, sizeof(family));
	route_read_addr(family, p + sizeof(family),
	    mnl_attr_get_payload_len(a) - sizeof(family), out);
}

static int
route_on_route_attr(const struct nlattr *a, void *data)
{
	const void *p = mnl_attr_get_payload(a);
	size_t len = mnl_attr_get_payload_len(a);
	struct route_answer *r = data;

	switch (mnl_attr_get_type(a)) {
	case RTA_OIF:
		if (len >= sizeof(uint32_t))
			r->ifindex = (int)mnl_attr_get_u32(a);
		break;
	case RTA_PREFSRC:
		route_read_addr(r->family, p, len, &r->src);
		break;
	case RTA_GATEWAY:
		route_read_addr(r->family, p, len, &r->gateway);
		break;
	case RTA_VIA:
		route_read_via(a, &r->gateway);
		break;
	}
	return MNL_CB_OK;
}

static int
route_on_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct route_answer *r = data;

	if (nlh->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm))
		return MNL_CB_OK;
	r->type = rtm->rtm_type;
	r->family = rtm->rtm_family;
	mnl_attr_parse(nlh, sizeof(*rtm), route_on_route_attr, r);
	return MNL_CB_STOP; /* the one answer */
}

static int
route_ask_route(const struct addr *dst, int ifindex, struct route_answer *out)
{
	_Alignas(struct nlmsghdr) char buf[ROUTE_QUESTION];
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;
	size_t len = route_addr_len(route_family(dst));

	memset(out, 0, sizeof(*out));
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = (unsigned char)route_family(dst);
	rtm->rtm_dst_len = (unsigned char)(len * 8);
	mnl_attr_put(nlh, RTA_DST, len, dst->b);
	if (ifindex != 0)
		mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)ifindex);
	return route_ask(nlh, route_on_route, out);
}

static int
route_on_link_attr(const struct nlattr *a, void *data)
{
	size_t len = mnl_attr_get_payload_len(a);
	struct route_link *l = data;

	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		snprintf(l->name, sizeof(l->name), "%.*s", (int)len,
		    mnl_attr_get_str(a));
		break;
	case IFLA_MTU:
		if (len >= sizeof(uint32_t))
			l->mtu = (int)mnl_attr_get_u32(a);
		break;
	case IFLA_ADDRESS:
		l->has_mac = l->type == ARPHRD_ETHER && len == sizeof(l->mac);
		if (l->has_mac)
			memcpy(l->mac, mnl_attr_get_payload(a), len);
		break;
	}
	return MNL_CB_OK;
}

static int
route_on_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct route_link *l = data;

	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return MNL_CB_OK;
	l->index = ifi->ifi_index;
	l->type = ifi->ifi_type;
	l->flags = ifi->ifi_flags;
	mnl_attr_parse(nlh, sizeof(*ifi), route_on_link_attr, l);
	return MNL_CB_STOP;
}

/* By name where one is given, else by index. */
static int
route_ask_link(const char *ifname, int index, struct route_link *out)
{
	_Alignas(struct nlmsghdr) char buf[ROUTE_QUESTION];
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;

	memset(out, 0, sizeof(*out));
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = index;
	if (ifname != NULL)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	return route_ask(nlh, route_on_link, out);
}

static int
route_on_neigh_attr(const struct nlattr *a, void *data)
{
	size_t len = mnl_attr_get_payload_len(a);
	struct route_neigh *seen = data;

	switch (mnl_attr_get_type(a)) {
	case NDA_DST:
		route_read_addr(
		    seen->family, mnl_attr_get_payload(a), len, &seen->addr);
		break;
	case NDA_LLADDR:
		seen->has_mac = len == sizeof(seen->mac);
		if (seen->has_mac)
			memcpy(seen->mac, mnl_attr_get_payload(a), len);
		break;
	}
	return MNL_CB_OK;
}

static int
route_on_neigh(const struct nlmsghdr *nlh, void *data)
{
	const unsigned int known = NUD_REACHABLE | NUD_STALE | NUD_DELAY |
	    NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct route_neigh *wanted = data, seen = {0};

	if (nlh->nlmsg_type != RTM_NEWNEIGH ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*ndm) ||
	    ndm->ndm_ifindex != wanted->ifindex ||
	    (ndm->ndm_state & known) == 0)
		return MNL_CB_OK;
	seen.family = ndm->ndm_family;
	mnl_attr_parse(nlh, sizeof(*ndm), route_on_neigh_attr, &seen);
	if (seen.has_mac && addr_equal(&seen.addr, &wanted->addr)) {
		memcpy(wanted->mac, seen.mac, sizeof(wanted->mac));
		wanted->has_mac = true;
	}
	return MNL_CB_OK;
}

/* A dump, since older kernels know no other way to ask. */
static void
route_ask_neigh(const struct addr *hop, struct route *r)
{
	struct route_neigh n = {.ifindex = r->ifindex, .addr = *hop};
	_Alignas(struct nlmsghdr) char buf[ROUTE_QUESTION];
	struct nlmsghdr *nlh;
	struct ndmsg *ndm;

	if (!r->has_if_mac) /* tunnels, loopback: nobody to resolve */
		return;
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = (uint8_t)route_family(hop);
	if (route_ask(nlh, route_on_neigh, &n) != 0 || !n.has_mac)
		return;
	memcpy(r->next_hop_mac, n.mac, ADDR_MAC);
	r->has_next_hop_mac = true;
}

static int
route_check_link(const struct route_link *l, struct fault *f)
{
	if ((l->flags & IFF_UP) == 0)
		return fault(f, FAULT_NETWORK,
		    "interface %s is down: bring it up with ip link set %s up",
		    l->name, l->name);
	if ((l->flags & ROUTE_IFF_LOWER_UP) == 0)
		return fault(f, FAULT_NETWORK,
		    "interface %s has no carrier: is its cable or its peer "
		    "connected?",
		    l->name);
	return 0;
}

static int
route_get_link(
    const char *ifname, int index, struct route_link *out, struct fault *f)
{
	int err;

	err = route_ask_link(ifname, index, out);
	if (err == 0 && out->index != 0)
		return route_check_link(out, f);
	if (ifname != NULL && (err == ENODEV || err == ERANGE || err == 0))
		return fault(f, FAULT_NETWORK,
		    "there is no interface %.64s: see ip link", ifname);
	if (ifname == NULL)
		return fault(f, FAULT_SYSTEM, "asking about interface %d: %s",
		    index, strerror(err));
	return fault(f, FAULT_SYSTEM, "asking about interface %.64s: %s",
	    ifname, strerror(err));
}

/* The kernel tells a kind of route that drops by the error it would give. */
static int
route_fault(
    const struct addr *dst, const char *ifname, int err, struct fault *f)
{
	char to[ADDR_TEXT], through[ROUTE_IFNAME + 12] = "";

	addr_format(dst, to);
	if (ifname != NULL)
		snprintf(through, sizeof(through), " through %.15s", ifname);
	switch (err) {
	case ENETUNREACH:
	case ESRCH:
	case ENODEV:
		return fault(f, FAULT_NETWORK,
		    "no route to %s%s: see ip%s route", to, through,
		    dst->version == 6 ? " -6" : "");
	case EHOSTUNREACH:
		return fault(f, FAULT_NETWORK,
		    "no route to %s%s: this host's routes call it unreachable",
		    to, through);
	case EACCES:
		return fault(f, FAULT_NETWORK,
		    "no route to %s%s: this host's routes prohibit it", to,
		    through);
	case EINVAL:
		return fault(f, FAULT_NETWORK,
		    "no route to %s%s: this host's routes send it into a "
		    "blackhole",
		    to, through);
	}
	return fault(f, FAULT_SYSTEM, "asking for the route to %s: %s", to,
	    strerror(err));
}

static int
route_check_type(
    const struct addr *dst, const char *ifname, int type, struct fault *f)
{
	char to[ADDR_TEXT];

	switch (type) {
	case RTN_UNREACHABLE:
		return route_fault(dst, ifname, EHOSTUNREACH, f);
	case RTN_PROHIBIT:
		return route_fault(dst, ifname, EACCES, f);
	case RTN_BLACKHOLE:
		return route_fault(dst, ifname, EINVAL, f);
	case RTN_UNICAST:
	case RTN_LOCAL:
		return 0;
	}
	return fault(f, FAULT_NETWORK,
	    "%s is a broadcast, multicast or anycast address: TCP needs that "
	    "of one host",
	    addr_format(dst, to));
}

/* What the route and the link say, put into the plain result. */
static void
route_fill(const struct route_answer *a, const struct route_link *l,
    const struct addr *dst, struct route *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->ifname, l->name, sizeof(out->ifname));
	out->ifindex = l->index;
	out->is_loopback = a->type == RTN_LOCAL;
	out->src = a->src;
	out->gateway = a->gateway;
	out->has_if_mac = l->has_mac;
	memcpy(out->if_mac, l->mac, sizeof(out->if_mac));
	out->mtu = l->mtu;
	if (!out->is_loopback)
		route_refresh_mac(dst, out);
}

int
route_get(const struct addr *dst, const char *ifname, struct route *out,
    struct fault *f)
{
	struct route_answer a;
	struct route_link l = {0};
	char to[ADDR_TEXT];
	int err;

	if (ifname != NULL && route_get_link(ifname, 0, &l, f) != 0)
		return -1;
	err = route_ask_route(dst, l.index, &a);
	if (err != 0)
		return route_fault(dst, ifname, err, f);
	if (route_check_type(dst, ifname, a.type, f) != 0)
		return -1;
	/* What goes to ourselves never leaves by the interface named. */
	if (a.type == RTN_LOCAL)
		a.ifindex = ROUTE_LOOPBACK_INDEX;
	if (a.ifindex == 0)
		return route_fault(dst, ifname, ENETUNREACH, f);
	if (a.ifindex != l.index && route_get_link(NULL, a.ifindex, &l, f) != 0)
		return -1;
	if (addr_is_none(&a.src))
		return fault(f, FAULT_NETWORK,
		    "interface %s has no IPv%u address to reach %s from",
		    l.name, dst->version, addr_format(dst, to));
	route_fill(&a, &l, dst, out);
	return 0;
}

void
route_refresh_mac(const struct addr *dst, struct route *r)
{
	route_ask_neigh(addr_is_none(&r->gateway) ? dst : &r->gateway, r);
}
