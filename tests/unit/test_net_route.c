/*
 * Routes as a real kernel gives them, in namespaces of the test's own.
 */
#include "netns.h"
#include "proves.h"

#include <rsthop/route.h>

static int
setup(void **state)
{
	if (netns_setup(state) != 0)
		return -1;
	if (!netns.ready)
		return 0;
	netns_run("ip route add 10.66.0.0/16 via 10.55.0.2 && "
		  "ip route add blackhole 10.77.0.0/16 && "
		  "ip route add unreachable 10.78.0.0/16 && "
		  "ip route add prohibit 10.79.0.0/16 && "
		  "ip route add 10.80.0.0/16 via inet6 fd55::2 dev near0");
	netns_run("ip -6 route add fd66::/32 via fd55::2 && "
		  "ip -6 route add blackhole fd77::/32 && "
		  "ip -6 route add unreachable fd78::/32 && "
		  "ip -6 route add prohibit fd79::/32");
	netns_run("ip link add down0 type veth peer name down1");
	netns_run("ip link add bare0 type veth peer name bare1 && "
		  "ip link set bare0 up && ip link set bare1 up && "
		  "ip route add 10.81.0.0/16 dev bare0");
	return 0;
}

static void
expect_mac(const uint8_t mac[ADDR_MAC], const char *text)
{
	char buf[ADDR_MAC_TEXT];

	assert_string_equal(addr_format_mac(mac, buf), text);
}

static void
expect_addr(const struct addr *a, const char *text)
{
	char buf[ADDR_TEXT];

	assert_string_equal(addr_format(a, buf), text);
}

static void
on_link_v4(void **state)
{
	struct addr dst;
	struct route r;
	struct fault f;

	(void)state;
	NETNS_NEED();
	dst = netns_addr("10.55.0.2");
	assert_int_equal(route_get(&dst, NULL, &r, &f), 0);
	assert_string_equal(r.ifname, "near0");
	assert_true(r.ifindex > 0);
	assert_false(r.is_loopback);
	expect_addr(&r.src, "10.55.0.1");
	assert_true(addr_is_none(&r.gateway));
	assert_true(r.has_if_mac);
	expect_mac(r.if_mac, NETNS_NEAR_MAC);
	assert_int_equal(r.mtu, 1500);
	print_message("on-link: interface, source, MTU, own MAC\n");
}

static void
neighbour_is_learned(void **state)
{
	struct addr dst;
	struct route r;
	struct fault f;

	(void)state;
	NETNS_NEED();
	netns_run("ip neigh flush dev near0");
	dst = netns_addr("10.66.0.1");
	assert_int_equal(route_get(&dst, NULL, &r, &f), 0);
	expect_addr(&r.gateway, "10.55.0.2");
	expect_addr(&r.src, "10.55.0.1");
	assert_false(r.has_next_hop_mac);
	netns_run("ip neigh replace 10.55.0.2 lladdr " NETNS_FAR_MAC
		  " dev near0 nud stale");
	route_refresh_mac(&dst, &r);
	assert_true(r.has_next_hop_mac);
	expect_mac(r.next_hop_mac, NETNS_FAR_MAC);
	print_message("gateway: unknown MAC stays unknown, then is learned\n");

	memset(&r, 0, sizeof(r));
	dst = netns_addr("10.55.0.2");
	assert_int_equal(route_get(&dst, NULL, &r, &f), 0);
	assert_true(r.has_next_hop_mac);
	expect_mac(r.next_hop_mac, NETNS_FAR_MAC);
	print_message("on-link: the next hop is the target itself\n");
}

static void
failed_neighbour_has_no_mac(void **state)
{
	struct addr dst;
	struct route r;
	struct fault f;

	(void)state;
	NETNS_NEED();
	netns_run("ip neigh replace 10.55.0.9 dev near0 nud failed");
	dst = netns_addr("10.55.0.9");
	assert_int_equal(route_get(&dst, NULL, &r, &f), 0);
	assert_false(r.has_next_hop_mac);
}

static void
gateway_v6(void **state)
{
	struct addr dst;
	struct route r;
	struct fault f;

	(void)state;
	NETNS_NEED();
	netns_run("ip -6 neigh replace fd55::2 lladdr " NETNS_FAR_MAC
		  " dev near0 nud reachable");
	dst = netns_addr("fd66::1");
	assert_int_equal(route_get(&dst, NULL, &r, &f), 0);
	assert_string_equal(r.ifname, "near0");
	expect_addr(&r.gateway, "fd55::2");
	expect_addr(&r.src, "fd55::1");
	assert_true(r.has_next_hop_mac);
	expect_mac(r.next_hop_mac, NETNS_FAR_MAC);
	print_message("IPv6: gateway, source selection, neighbour\n");
}

static void
v4_through_v6_gateway(void **state)
{
	struct addr dst;
	struct route r;
	struct fault f;

	(void)state;
	NETNS_NEED();
	dst = netns_addr("10.80.0.1");
	assert_int_equal(route_get(&dst, NULL, &r, &f), 0);
	expect_addr(&r.gateway, "fd55::2");
	expect_addr(&r.src, "10.55.0.1");
	print_message("RFC 5549: an IPv4 route through an IPv6 gateway\n");
}

static void
loopback(void **state)
{
	static const char *const own[] = {
	    "127.0.0.1", "10.55.0.1", "::1", "fd55::1"};
	struct addr dst;
	struct route r;
	struct fault f;

	(void)state;
	NETNS_NEED();
	for (size_t i = 0; i < 4; i++) {
		dst = netns_addr(own[i]);
		assert_int_equal(route_get(&dst, NULL, &r, &f), 0);
		print_message(
		    "%s is this very host, through %s\n", own[i], r.ifname);
		assert_true(r.is_loopback);
		assert_string_equal(r.ifname, "lo");
		assert_false(r.has_if_mac);
		assert_false(r.has_next_hop_mac);
		expect_addr(&r.src, own[i]);
	}
	dst = netns_addr("10.55.0.1");
	assert_int_equal(route_get(&dst, "near0", &r, &f), 0);
	assert_string_equal(r.ifname, "lo");
}

static void
expect_no_route(const char *to, const char *ifname, const char *words)
{
	struct addr dst = netns_addr(to);
	struct fault f = {0};
	struct route r;

	print_message("%s%s%s:\n", to, ifname != NULL ? " through " : "",
	    ifname != NULL ? ifname : "");
	netns_expect_fault(
	    route_get(&dst, ifname, &r, &f), &f, FAULT_NETWORK, words);
}

static void
no_route(void **state)
{
	(void)state;
	NETNS_NEED();
	expect_no_route("192.0.2.1", NULL, "no route to 192.0.2.1: see");
	expect_no_route("2001:db8::1", NULL, "no route to 2001:db8::1: see");
	expect_no_route("10.77.0.1", NULL, "blackhole");
	expect_no_route("fd77::1", NULL, "blackhole");
	expect_no_route("10.78.0.1", NULL, "unreachable");
	expect_no_route("fd78::1", NULL, "unreachable");
	expect_no_route("10.79.0.1", NULL, "prohibit");
	expect_no_route("fd79::1", NULL, "prohibit");
	expect_no_route("224.0.0.1", "near0", "multicast");
	expect_no_route("10.55.0.255", NULL, "broadcast");
}

static void
bad_interfaces(void **state)
{
	(void)state;
	NETNS_NEED();
	expect_no_route("10.55.0.2", "eth77", "there is no interface eth77");
	expect_no_route("10.55.0.2", "a-name-much-too-long-for-any-interface",
	    "there is no interface a-name");
	expect_no_route("10.55.0.2", "down0", "down0 is down");
	netns_run("ip link set down0 up");
	expect_no_route("10.55.0.2", "down0", "no carrier");
	netns_run("ip link set down0 down");
}

static void
interface_without_address(void **state)
{
	struct addr dst;
	struct route r;
	struct fault f;

	(void)state;
	NETNS_NEED();
	dst = netns_addr("10.81.0.1");
	assert_int_equal(route_get(&dst, "bare0", &r, &f), 0);
	assert_string_equal(r.ifname, "bare0");
	expect_addr(&r.src, "10.55.0.1");
	print_message("an interface without an address borrows one\n");

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	netns_run("ip link set lo up && "
		  "ip link add bare0 type veth peer name bare1 && "
		  "ip link set bare0 up && ip link set bare1 up && "
		  "ip route add 10.81.0.0/16 dev bare0");
	expect_no_route("10.81.0.1", NULL, "has no IPv4 address");
	netns_near();
}

static void
chosen_interface(void **state)
{
	struct addr dst;
	struct route r;
	struct fault f;

	(void)state;
	NETNS_NEED();
	dst = netns_addr("10.66.0.1");
	assert_int_equal(route_get(&dst, "near0", &r, &f), 0);
	assert_string_equal(r.ifname, "near0");
	expect_addr(&r.gateway, "10.55.0.2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PROVES("on link v4", on_link_v4),
	    PROVES("neighbour is learned", neighbour_is_learned),
	    PROVES("failed neighbour has no mac", failed_neighbour_has_no_mac),
	    PROVES("gateway v6", gateway_v6),
	    PROVES("v4 through v6 gateway", v4_through_v6_gateway),
	    PROVES("loopback", loopback),
	    PROVES("no route", no_route),
	    PROVES("bad interfaces", bad_interfaces),
	    PROVES("interface without address", interface_without_address),
	    PROVES("chosen interface", chosen_interface),
	};

	return cmocka_run_group_tests_name(
	    "net_route", tests, setup, netns_teardown);
}
