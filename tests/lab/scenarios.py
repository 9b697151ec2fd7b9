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
    reset_ttl: typing.Optional[int] = None  # one of a full-TTL probe
    version: int = 4
    silent: tuple = ()  # hops
    hops: int = 6
    options: tuple = ()  # of locate
    # The TTL says nothing and the threshold leaves two places that no probe
    # can tell apart: the report may name one or none, but has to show both.
    threshold_only: bool = False

    def statuses(self):
        """The exit statuses of locate: 0 where a device is located."""
        if self.threshold_only:
            return (0, 1)
        return (0,) if self.hop is not None else (1,)

    def address(self, lab):
        if self.hop is None or self.hop in self.silent:
            return None
        return lab.address(self.hop, self.version)

    def truth(self, lab):
        """The verdict's keys that are to be compared."""
        keys = {}
        if not self.threshold_only:
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


def residual(lab):
    lab.serve()
    lab.forge(2, "router", "--residual-s", "1.5", "--drop")


def abort(lab):
    lab.serve("--mode", "abort")


def none(lab):
    lab.serve()


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
             residual, hop=2, place="router", in_path=True),
    Scenario("response", "a box that the server's answer fires: no hop",
             response, kind="response-triggered"),
    Scenario("abort", "the server's own abort: no middlebox", abort,
             kind="server"),
    Scenario("none", "nothing resets: not reproduced", none,
             kind="not-reproduced"),
    Scenario("silent", "REJECT in hop 3, which sends no time-exceeded: a hop"
             " without an address", reject, hop=3, place="router",
             policy="fixed", in_path=True, silent=(3,)),
]


def find(name):
    for s in SCENARIOS:
        if s.name == name:
            return s
    return None
