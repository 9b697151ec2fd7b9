"""What can be played in the lab, and the truth about each.

A scenario arranges devices and a server in a chain that stands already; its
truth is what a perfect `rsthop locate` reports.  up.py shows them to people,
run.py holds rsthop against them.
"""

import dataclasses
import typing


@dataclasses.dataclass
class Scenario:
    name: str
    story: str  # what it proves that rsthop finds this
    arrange: typing.Callable  # called with the Lab
    kind: str = "middlebox"
    hop: typing.Optional[int] = None
    place: typing.Optional[str] = None
    policy: typing.Optional[str] = None  # None: not looked at
    in_path: typing.Optional[bool] = None  # likewise
    both_ends: typing.Optional[bool] = None  # likewise
    codes: tuple = ()  # reasons that must be given
    candidates: tuple = ()  # (hop, kind) that alternatives have to name
    reset_ttl: typing.Optional[int] = None  # one of a full-TTL probe
    version: int = 4
    silent: tuple = ()  # hops
    hops: int = 6
    shape: dict = dataclasses.field(default_factory=dict)  # of the Lab
    options: tuple = ()  # of locate
    # Called with the Lab: the options that say what draws the reset, in
    # place of --payload.
    say: typing.Optional[typing.Callable] = None
    at: typing.Optional[str] = None  # address, where it is not the hop's
    # Where several verdicts are true, or more cannot be known: sets that
    # take the place of kind, hop, place; None in them: not told.
    either: typing.Optional[dict] = None
    mpls: dict = dataclasses.field(default_factory=dict)  # labels by hop
    server_ttl: typing.Optional[int] = None  # where it is not the Lab's
    server_hop: typing.Optional[int] = None  # where it is another's
    # What --port-sweep finds: firing, the address where ways part; firing may
    # be a tuple of what is allowed.
    sweep: typing.Optional[tuple] = None
    told: str = ""  # a word that a reason or a note has to hold
    # Of a residual block: scope, seconds, whether hits prolong it.
    block: typing.Optional[tuple] = None
    # The TTL says nothing and the threshold leaves two places that no probe
    # can tell apart: the report may name one or none, but has to show both.
    threshold_only: bool = False
    # For people: called with the Lab, a command for the client to try.
    to_try: typing.Optional[typing.Callable] = None

    def topology(self):
        """Keyword arguments of the Lab."""
        return {"hops": self.hops, "silent": self.silent, **self.shape}

    def statuses(self):
        """The exit statuses of locate: 0 where a device is located."""
        if self.threshold_only or self.either is not None:
            return (0, 1)
        return (0,) if self.hop is not None else (1,)

    def address(self, lab):
        if self.at is not None:
            return self.at
        if self.hop is None or self.hop in self.silent:
            return None
        return lab.address(self.hop, self.version)

    def truth(self, lab):
        """The verdict's keys that are to be compared."""
        keys = {}
        if not self.threshold_only and self.either is None:
            keys = {"kind": self.kind, "hop": self.hop,
                    "address": self.address(lab), "place": self.place}
        if self.policy is not None:
            keys["ttl_policy"] = self.policy
        if self.in_path is not None:
            keys["in_path"] = self.in_path
        if self.both_ends is not None:
            keys["resets_server_too"] = self.both_ends
        return keys

    def target(self, lab, port):
        address = lab.server_address(self.version)
        return f"[{address}]:{port}" if self.version == 6 else \
            f"{address}:{port}"


def founding(lab):
    lab.serve()
    lab.forge(1, "router", "--ttl", "copy", "--id", "copy", "--ends", "both",
              "--drop", "--probability", "0.5")


def reject(lab):
    lab.serve()
    lab.reject(3)


def reject_half(lab):
    lab.serve()
    lab.reject(5, probability=0.5)


def tcpkill(lab):
    lab.serve()
    lab.tcpkill(4)


def copier(lab):
    lab.serve()
    lab.forge(3, "wire", "--ttl", "copy", "--id", "copy", "--drop")


def tap_copier(lab):
    lab.serve()
    lab.forge(2, "tap", "--ttl", "copy", "--id", "copy")


def random_ttl(lab):
    lab.serve()
    lab.forge(4, "router", "--ttl", "random", "--drop")


def imitator(lab):
    lab.serve()
    lab.forge(4, "router", "--ttl", "imitate", "--drop")


def stepper(lab):
    """As a national firewall of 2023: three, TTL and window rising."""
    lab.serve()
    lab.forge(5, "tap", "--ttl", "step", "--window", "step", "--count", "3")


def connection_dice(lab):
    lab.serve()
    lab.forge(2, "router", "--dice", "connection", "--probability", "0.5",
              "--drop")


def far(lab):
    lab.serve()
    lab.link(1, "--delay-ms", "20")
    lab.reject(3)


def response(lab):
    lab.serve()
    lab.forge(3, "router", "--from", "server", "--drop", "--ends", "both")


def rewriter(lab):
    """The server's data turned into a reset, for the client alone."""
    lab.serve()
    lab.forge(3, "router", "--from", "server", "--drop", "--ttl", "copy",
              "--id", "copy")


def rewriter_both(lab):
    lab.serve()
    lab.forge(3, "router", "--from", "server", "--drop", "--ttl", "copy",
              "--id", "copy", "--ends", "both", "--back-id", "0", "--df")


def residual(lab):
    lab.serve()
    lab.forge(2, "router", "--residual-s", "1.5", "--drop")


def abort(lab):
    lab.serve("--mode", "abort")


def none(lab):
    lab.serve()


def branch(lab):
    lab.serve()
    lab.forge("r3b", "router", "--drop")


def by_flow(lab):
    """It chooses by the five-tuple; all of them take the same way."""
    lab.serve()
    lab.forge(3, "router", "--drop", "--dice", "flow", "--probability", "0.4")


def by_packet(lab):
    lab.serve()
    lab.forge(3, "router", "--drop", "--probability", "0.4")


def beyond(lab):
    """In hop 5, behind whatever the path has of its own."""
    lab.serve()
    lab.reject(5)


def beyond_copier(lab):
    lab.serve()
    lab.forge(5, "wire", "--ttl", "copy", "--drop")


def hangs_up(lab):
    lab.serve("--life-s", "1")
    lab.reject(3, probability=0.5)


def one_by_one(lab):
    """Of what comes side by side, SYNs go unanswered for a second."""
    lab.serve("--serial", "--life-s", "0.2")
    lab.reject(3)


def single(lab):
    lab.serve("--single")
    lab.reject(3)


def single_none(lab):
    lab.serve("--single")


def nat(lab):
    lab.masquerade()
    reject(lab)


def nat_liberal(lab):
    lab.masquerade(liberal=True)
    reject(lab)


def nat_as_sent(lab):
    lab.masquerade(quotes="as-sent")
    reject(lab)


def nat_stateful(lab):
    """Resets with the seq that the client awaits: conntrack passes them."""
    lab.serve()
    lab.masquerade()
    lab.forge(4, "router", "--seq", "state", "--drop")


def proxy(lab):
    lab.serve()
    lab.proxy(3)


def proxy_behind(lab):
    lab.serve()
    lab.proxy(4)
    lab.reject(2)


def proxy_before(lab):
    """What resets the proxy's own connection is out of a client's sight."""
    lab.serve()
    lab.proxy(3)
    lab.reject(5)


def segment_tap(lab):
    lab.serve()
    lab.forge("seg", "tap")


def segment_bridge(lab):
    """The founding case, had the box been a switch."""
    lab.serve()
    lab.forge("seg", "router", "--ttl", "copy", "--id", "copy", "--drop",
              "--probability", "0.5")


def thirty(lab):
    lab.serve()
    lab.reject(25)


def thirty_copier(lab):
    """Its resets come back from TTL 2 * 12 on only."""
    lab.serve()
    lab.forge(12, "router", "--ttl", "copy", "--drop")


def loss(lab):
    lab.link(1, "--loss", "0.05", "--seed", str(lab.seed))
    reject(lab)


def reorder(lab):
    lab.link(1, "--delay-ms", "2", "--reorder", "0.2", "--seed",
             str(lab.seed))
    reject(lab)


def labels(lab):
    lab.serve()
    lab.labels(2, 16001, 24)
    lab.reject(4)


# A reset that a proxy hands on is the proxy's own: it comes from where the
# connection ends.  Who made the proxy send it stands on the other side.
HANDED_ON = {"kind": ("server", "load-balancer", "undetermined"),
             "hop": (None, 3)}

SCENARIOS = [
    Scenario("founding", "a box in hop 1 that turns the trigger round, TTL"
             " and ID, both ends, half of the time", founding, hop=1,
             place="router", policy="copy", in_path=True, both_ends=True,
             codes=("ip-id-echo",), reset_ttl=63),
    Scenario("reject", "the kernel's REJECT in hop 3", reject, hop=3,
             place="router", policy="fixed", in_path=True, reset_ttl=62),
    Scenario("reject6", "the kernel's REJECT in hop 3, IPv6", reject, hop=3,
             place="router", policy="fixed", in_path=True, reset_ttl=62,
             version=6),
    Scenario("reject-half", "the kernel's REJECT in hop 5, half of the time",
             reject_half, hop=5, place="router", policy="fixed",
             in_path=True),
    Scenario("tcpkill", "tcpkill on the wire before hop 4, half a second"
             " late", tcpkill, hop=4, place="wire", policy="fixed",
             in_path=False, reset_ttl=61),
    Scenario("copier", "a copier of TTLs at the ingress of hop 3", copier,
             hop=3, place="wire", policy="copy", in_path=True),
    Scenario("tap-copier", "a copier of TTLs that taps the wire before hop"
             " 2", tap_copier, hop=2, place="wire", policy="copy",
             in_path=False),
    Scenario("founding6", "the founding case in IPv6, where no ID tells",
             founding, hop=1, place="router", policy="copy", in_path=True,
             both_ends=True, version=6),
    Scenario("random", "a box in hop 4 whose TTLs are random: the threshold"
             " alone tells", random_ttl, hop=4, place="router",
             policy="random", in_path=True, threshold_only=True),
    Scenario("imitator", "a box in hop 4 that bears the server's TTL",
             imitator, hop=4, place="router", policy="imitates-server",
             in_path=True, threshold_only=True),
    Scenario("stepper", "a tap before hop 5 whose TTLs count up", stepper,
             hop=5, place="wire", in_path=False, threshold_only=True),
    Scenario("connection-dice", "a box in hop 2 that resets half of the"
             " connections", connection_dice, hop=2, place="router",
             in_path=True),
    Scenario("far", "REJECT in hop 3 on a path of 40 ms", far, hop=3,
             place="router", policy="fixed", in_path=True),
    Scenario("residual", "a box in hop 2 that goes on resetting for 1.5 s",
             residual, hop=2, place="router", in_path=True,
             block=("3-tuple", 1.5, False)),
    Scenario("response", "a box that the server's answer fires: no hop, but"
             " candidates", response, kind="response-triggered",
             both_ends=True, codes=("response-triggered", "return-distance"),
             candidates=((3, "response-triggered"),)),
    Scenario("rewriter", "a box that makes the server's answer the reset:"
             " its TTL tells nothing", rewriter, kind="response-triggered",
             both_ends=False, reset_ttl=58,
             codes=("response-triggered", "response-rewritten",
                    "server-still-open")),
    Scenario("rewriter-both", "the same for both ends: it cannot be told from"
             " the server's own, and that is said", rewriter_both,
             either={"kind": ("server", "response-triggered",
                              "undetermined"), "hop": (None,)},
             reset_ttl=58, candidates=((None, "response-triggered"),)),
    Scenario("abort", "the server's own abort: no middlebox", abort,
             kind="server"),
    Scenario("none", "nothing resets: not reproduced", none,
             kind="not-reproduced"),
    Scenario("silent", "REJECT in hop 3, which sends no time-exceeded: a hop"
             " without an address", reject, hop=3, place="router",
             policy="fixed", in_path=True, silent=(3,)),
    Scenario("branch", "a box in one of two parallel routers at hop 3: some"
             " five-tuples never meet it", branch, hop=3, place="router",
             policy="fixed", in_path=True, shape={"branch": 3},
             at="10.9.102.2", reset_ttl=62),
    Scenario("branch-both", "the same, where what comes back may take either"
             " branch", branch, hop=3, place="router", policy="fixed",
             in_path=True, at="10.9.102.2",
             shape={"branch": 3, "branch_back": "both"}),
    Scenario("branch6", "a box in one of two parallel routers, IPv6", branch,
             hop=3, place="router", policy="fixed", in_path=True, version=6,
             shape={"branch": 3}, at="fd09:66::2"),
    Scenario("sweep-branch", "a box in one of two parallel routers: the"
             " ports that fire go through it, the others do not", branch,
             hop=3, place="router", policy="fixed", in_path=True,
             shape={"branch": 3}, at="10.9.102.2", reset_ttl=62,
             options=("--port-sweep", "16"), codes=("fires-per-flow",),
             sweep=(("by-flow",), "10.9.102.2")),
    Scenario("sweep-branch6", "the same in IPv6", branch, hop=3,
             place="router", policy="fixed", in_path=True, version=6,
             shape={"branch": 3}, at="fd09:66::2",
             options=("--port-sweep", "16"),
             sweep=(("by-flow",), "fd09:66::2")),
    Scenario("sweep-flow", "a box that chooses by the flow: some ports, one"
             " way", by_flow, hop=3, place="router", policy="fixed",
             in_path=True, options=("--port-sweep", "16"),
             codes=("fires-per-flow",), sweep=(("by-flow",), None)),
    Scenario("sweep-packet", "a box that rolls dice for each packet: no"
             " choice of ports", by_packet, hop=3, place="router",
             policy="fixed", in_path=True, options=("--port-sweep", "12"),
             sweep=(("any-flow", None), None)),
    Scenario("beyond-branch", "REJECT in hop 5, behind two parallel routers",
             beyond, hop=5, place="router", policy="fixed", in_path=True,
             shape={"branch": 3}, reset_ttl=60),
    Scenario("longer-back", "REJECT in hop 5; the way back has two routers"
             " more", beyond, hop=5, place="router", policy="fixed",
             in_path=True, shape={"back": (2, 2, 2)}, reset_ttl=58),
    Scenario("shorter-back", "REJECT in hop 5; the way back has a router"
             " less", beyond, hop=5, place="router", policy="fixed",
             in_path=True, shape={"back": (3, 2, 0)}, reset_ttl=61),
    Scenario("shorter-back6", "the same in IPv6", beyond, hop=5, version=6,
             place="router", policy="fixed", in_path=True,
             shape={"back": (3, 2, 0)}, reset_ttl=61),
    Scenario("longer-back-copier", "a copier before hop 5; the way back has"
             " two routers more", beyond_copier, hop=5, place="wire",
             policy="copy", in_path=True, shape={"back": (2, 2, 2)}),
    Scenario("nat", "REJECT in hop 3, NAT in hop 1: resets with old numbers"
             " get lost there", nat, hop=3, place="router", policy="fixed",
             in_path=True, reset_ttl=62),
    Scenario("nat6", "the same in IPv6", nat, hop=3, place="router",
             policy="fixed", in_path=True, reset_ttl=62, version=6),
    Scenario("nat-liberal", "NAT in hop 1 that lets any reset in",
             nat_liberal, hop=3, place="router", policy="fixed",
             in_path=True, reset_ttl=62),
    Scenario("nat-as-sent", "NAT in hop 1 that leaves quotes as they were on"
             " the wire", nat_as_sent, hop=3, place="router",
             policy="fixed", in_path=True, reset_ttl=62),
    Scenario("nat-stateful", "NAT in hop 1, a box in hop 4 that keeps state",
             nat_stateful, hop=4, place="router", policy="fixed",
             in_path=True, reset_ttl=61),
    Scenario("proxy", "a proxy in hop 3 answers for the server, nothing"
             " resets", proxy, kind="not-reproduced", server_ttl=62,
             server_hop=3, told="proxy"),
    Scenario("proxy-behind", "REJECT in hop 2, before a proxy in hop 4",
             proxy_behind, hop=2, place="router", policy="fixed",
             in_path=True, server_ttl=61, server_hop=4, reset_ttl=63),
    Scenario("proxy-before", "REJECT in hop 5, behind a proxy in hop 3: the"
             " proxy's own reset", proxy_before, either=HANDED_ON,
             server_ttl=62, server_hop=3, told="proxy"),
    Scenario("segment-tap", "a tap on the client's own segment", segment_tap,
             hop=1, place="wire", policy="fixed", in_path=False,
             shape={"segment": True}, reset_ttl=64, codes=("mac-differs",)),
    Scenario("segment-bridge", "a bridge on the client's own segment, TTL"
             " and ID copied, half of the time", segment_bridge, hop=1,
             place="wire", policy="copy", in_path=True,
             shape={"segment": True}, reset_ttl=64,
             codes=("mac-differs", "ip-id-echo")),
    Scenario("thirty", "REJECT in hop 25 of 30", thirty, hop=25,
             place="router", policy="fixed", in_path=True, hops=29),
    Scenario("thirty-copier", "a copier in hop 12 of 30", thirty_copier,
             hop=12, place="router", policy="copy", in_path=True, hops=29),
    Scenario("loss", "REJECT in hop 3 on a path that loses 5 % each way",
             loss, hop=3, place="router", policy="fixed", in_path=True),
    Scenario("reorder", "REJECT in hop 3 on a path that overtakes itself",
             reorder, hop=3, place="router", policy="fixed", in_path=True),
    Scenario("hangs-up", "REJECT in hop 3, half of the time; the server"
             " closes each connection after a second", hangs_up, hop=3,
             place="router", policy="fixed", in_path=True, reset_ttl=62),
    Scenario("one-by-one", "REJECT in hop 3; the server takes one connection"
             " after the other, a fifth of a second each", one_by_one, hop=3,
             place="router", policy="fixed", in_path=True, reset_ttl=62),
    Scenario("single", "REJECT in hop 3; the server resets a connection"
             " while another is open", single, hop=3, place="router",
             policy="fixed", in_path=True, reset_ttl=62, told="one at a"),
    Scenario("single-none", "the same without a device: no hop is blamed for"
             " it", single_none, kind="not-reproduced", told="one at a",
             options=("--max-time", "3")),
    Scenario("labels", "REJECT in hop 4; hop 2 tells its MPLS labels",
             labels, hop=4, place="router", policy="fixed", in_path=True,
             mpls={2: (16001, 24)}),
]


def find(name):
    for s in SCENARIOS:
        if s.name == name:
            return s
    return None
