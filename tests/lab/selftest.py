#!/usr/bin/env python3
"""Checks the lab itself, without rsthop: that the chain, the real injectors,
the forger, the line and the server do what they say and what physics asks.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time

import lab as labs
import run as runs
import wire
from proof import (PORT, QUIET, TRIGGER, Wrong, fire, gone, one_reset, same,
                   test, within)
from selftest_talk import TESTS  # the list of all; those there come first


# The chain


@test("six routers are raised in under 2 s")
def raised_quickly(_):
    start = time.monotonic()
    with labs.Lab(hops=6):
        pass
    within("seconds to raise and remove", time.monotonic() - start, 0, 2)


def trace(lab, version):
    lab.serve()
    shot = fire(lab, range(1, lab.hops + 1), version=version, resets=0,
                errors=lab.hops)
    return sorted((e.quote.seq == shot.seq and shot.ack - e.quote.ack, e.src,
                   e.ttl) for e in shot.errors), shot


@test("hop h answers as 10.9.(h-1).2, the server's TTL is 64 - 6")
def trace_v4(lab):
    seen, shot = trace(lab, 4)
    same("the path", seen, [(h, lab.address(h), 65 - h)
                            for h in range(1, lab.hops + 1)])
    same("the server's TTL", shot.synack.ttl, 64 - lab.hops)
    same("the MAC of r1", shot.synack.mac, labs.R1_MAC)
    if shutil.which("ethtool"):
        same("whole checksums", {p.good for p in shot.sent}, {True})


@test("hop h answers as fd09:(h-1)::2 in IPv6, the server's TTL is 64 - 6")
def trace_v6(lab):
    seen, shot = trace(lab, 6)
    same("the path", seen, [(h, lab.address(h, 6), 65 - h)
                            for h in range(1, lab.hops + 1)])
    same("the server's TTL", shot.synack.ttl, 64 - lab.hops)


@test("a silenced hop sends no time-exceeded, v4 and v6")
def silent_hop(lab):
    lab.silence(3)
    for version in (4, 6):
        lab.serve(port=PORT + version)
        shot = fire(lab, (3, 4), version=version, resets=0, errors=1,
                    port=PORT + version)
        same("who answers", [e.src for e in shot.errors],
             [lab.address(4, version)])


# Real injectors


@test("kernel REJECT at r3: TTL 62, fires from TTL 4, seq tells which copy")
def reject(lab, version=4):
    lab.serve()
    lab.reject(3)
    shot = fire(lab, range(1, 7), version=version, resets=3, errors=3)
    same("TTLs", [r.ttl for r in shot.resets], [62, 62, 62])
    same("flags", {r.letters() for r in shot.resets}, {"R"})
    same("tags", [shot.ack - r.seq for r in shot.resets], [4, 5, 6])
    same("who answered", [e.src for e in shot.errors],
         [lab.address(h, version) for h in (1, 2, 3)])
    if version == 4:
        same("IDs", {r.id for r in shot.resets}, {0})


@test("kernel REJECT at r3 does the same in IPv6")
def reject_v6(lab):
    reject(lab, 6)


@test("kernel REJECT with probability 0.5 fires now and then")
def reject_half(lab):
    lab.serve()
    lab.reject(1, probability=0.5)
    shot = fire(lab, (6,) * 60, resets=0, wait=0.3)
    within("resets of 60", len(shot.resets), 12, 48)


@test("tcpkill at r4: TTL 61, fires from TTL 4, three resets, half a second"
      " late at most")
def tcpkill(lab):
    lab.serve()
    lab.tcpkill(4)
    shot = fire(lab, range(1, 5), resets=3, errors=4)
    within("late by", shot.resets[0].time - shot.sent[-1].time, 0, 0.7)
    same("TTLs", [r.ttl for r in shot.resets], [61] * 3)
    same("flags", {r.letters() for r in shot.resets}, {"R"})
    same("DF", {r.df for r in shot.resets}, {False})
    steps = {b.seq - a.seq for a, b in zip(shot.resets, shot.resets[1:])}
    within("steps of seq", len(steps - {0}), 1, 2)
    same("tag", shot.ack - shot.resets[0].seq, 4)
    same("hops that answer", len(shot.errors), 4)


# The forger: places and TTLs


def copies(lab, hop, place, arrives, visible, version=4):
    """A copier's reset arrives as physics says, and dies below `visible`."""
    lab.serve()
    lab.forge(hop, place, "--ttl", "copy", "--id", "copy")
    for n in (64, 10, visible):
        shot = fire(lab, (n,), version=version)
        same(f"TTL for n = {n}", one_reset(shot).ttl, arrives(n))
        if version == 4:
            same("ID", shot.resets[0].id, 1000 + n)
    shot = fire(lab, (visible - 1,), version=version, resets=0)
    same(f"resets for n = {visible - 1}", len(shot.resets), 0)


@test("a copier at the ingress of r3: n - 4, visible from n = 5")
def copy_wire(lab):
    copies(lab, 3, "wire", lambda n: n - 4, 5)


@test("a copier by a tap before r3: the same")
def copy_tap(lab):
    copies(lab, 3, "tap", lambda n: n - 4, 5)


@test("a copier in r3's forwarding plane: n - 5, visible from n = 6")
def copy_router(lab):
    copies(lab, 3, "router", lambda n: n - 5, 6)


@test("a copier in r3's forwarding plane, IPv6: n - 5, visible from n = 6")
def copy_router_v6(lab):
    copies(lab, 3, "router", lambda n: n - 5, 6, 6)


def threshold(lab, place, version):
    """The smallest TTL that fires a forger at r4."""
    lab.serve()
    lab.forge(4, place)
    first = 5 if place == "router" else 4
    for n in (first - 1, first):
        wanted = [61] if n == first else []
        shot = fire(lab, (n,), version=version, resets=len(wanted))
        same(f"TTLs of resets for n = {n}", [r.ttl for r in shot.resets],
             wanted)


@test("a fixed TTL of 64 at r4 arrives with 61; T is 4 at its ingress")
def fixed_wire(lab):
    threshold(lab, "wire", 4)


@test("T is 5 in r4's forwarding plane, IPv6 too")
def fixed_router(lab):
    threshold(lab, "router", 4)
    lab.clear()
    threshold(lab, "router", 6)


@test("the founding case: TTL 63, the trigger's ID, both ends, trigger lost")
def founding(lab):
    lab.serve()
    forger = lab.forge(1, "router", "--ttl", "copy", "--id", "copy",
                       "--ends", "both", "--drop")
    shot = fire(lab)
    reset = one_reset(shot)
    same("TTL", reset.ttl, 63)
    same("ID", reset.id, shot.sent[0].id)
    same("flags", reset.letters(), "RA")
    same("seq, ack", (reset.seq, reset.ack),
         (shot.ack, shot.seq + len(TRIGGER)))
    same("the server's echo", len(shot.data), 0)
    same("ends", [r["end"] for r in forger.firings()[0]["sent"]],
         ["client", "server"])


@test("the reset toward the server dies a hop later; its time-exceeded comes"
      " to the client")
def server_reset_expires(lab):
    lab.serve()
    lab.forge(1, "router", "--ttl", "copy", "--id", "copy", "--ends", "both",
              "--drop")
    shot = fire(lab, (4,), errors=1)
    same("the reset's TTL", one_reset(shot).ttl, 3)
    error = shot.errors[0]
    same("who says so", error.src, lab.address(4))
    same("what is quoted", (error.quote.letters(), error.quote.id,
                            error.quote.seq), ("RA", 1004, shot.seq))


def server_log(lab, words):
    """The server's log, once it holds the words or a while has passed."""
    end = time.monotonic() + (2 if words else QUIET)
    while True:
        with open(os.path.join(lab.tmp, "server.log"),
                  encoding="ascii") as log:
            text = log.read()
        if words and words in text or time.monotonic() > end:
            return text
        time.sleep(0.01)


@test("--drop keeps the trigger from the server, else it comes there")
def drop(lab):
    for options, wanted in ((("--drop",), ""), ((), "data b'use db'")):
        lab.clear()
        lab.serve("--log", os.path.join(lab.tmp, "server.log"))
        lab.forge(2, "router", *options)
        one_reset(fire(lab))
        same("did the trigger come", "use db" in server_log(lab, wanted),
             wanted != "")


@test("both ends: the server's socket is reset too")
def server_end(lab):
    lab.serve("--log", os.path.join(lab.tmp, "server.log"))
    lab.forge(3, "router", "--ends", "server", "--drop")
    shot = fire(lab, resets=0)
    same("resets at the client", len(shot.resets), 0)
    words = "error Connection reset by peer"
    same("the server's log", words in server_log(lab, words), True)


# The forger: fields.  Option words, then what holds for the resets seen.

FIELDS = [
    ("--ttl 102 --id 31415",
     lambda r, s: (r[0].ttl, r[0].id) == (101, 31415)),
    ("--ttl 100 --decrement", lambda r, s: r[0].ttl == 98),
    ("--ttl imitate", lambda r, s: r[0].ttl == s.synack.ttl),
    ("--ttl step --count 3 --window step",
     lambda r, s: [p.ttl for p in r] == [64, 65, 66]
     and [p.window - r[0].window for p in r] == [0, 1, 2]),
    ("--ttl random --count 16",
     lambda r, s: len({p.ttl for p in r}) > 4
     and all(63 <= p.ttl <= 254 for p in r)),
    ("--id copy", lambda r, s: r[0].id == s.sent[0].id),
    ("--id 0 --df", lambda r, s: r[0].id == 0 and r[0].df),
    ("--id random --count 4 --no-df",
     lambda r, s: len({p.id for p in r}) > 1 and not r[0].df),
    ("--flags R", lambda r, s: r[0].flags == wire.RST and r[0].ack == 0),
    ("--flags RA", lambda r, s: r[0].flags == wire.RST | wire.ACK
     and r[0].ack == s.seq + len(TRIGGER)),
    ("--count 3 --step 1460", lambda r, s: [p.seq - s.ack for p in r]
     == [0, 1460, 2920]),
    ("--count 3 --step window", lambda r, s: [p.seq - s.ack for p in r]
     == [k * s.sent[0].window for k in range(3)]),
    ("--flags RA --seq 0", lambda r, s: r[0].seq == 0),
    ("--window copy", lambda r, s: r[0].window == s.sent[0].window),
    ("--window 777 --tos 40",
     lambda r, s: (r[0].window, r[0].tos) == (777, 40)),
    ("--payload \\x01\\x02\\x03", lambda r, s: r[0].payload == b"\1\2\3"),
    ("--delay-ms 60",
     lambda r, s: 0.055 < r[0].time - s.sent[0].time < 0.2),
]


def field_row(lab, options, holds, version):
    words = options.split()
    count = int(words[words.index("--count") + 1]) if "--count" in words \
        else 1
    forger = lab.forge(2, "router", *words, "--drop")
    shot = fire(lab, resets=count, version=version)
    same(f"{options}: resets", len(shot.resets), count)
    same(f"{options}: checksums", all(r.good for r in shot.resets), True)
    if not holds(shot.resets, shot):
        raise Wrong(f"{options}: {shot.resets}")
    told = forger.firings()[0]["sent"]
    same(f"{options}: the log", [(t["ttl"] - 1, t["seq"], t["flags"])
                                 for t in told],
         [(r.ttl, r.seq, r.letters()) for r in shot.resets])


@test(f"{len(FIELDS)} ways to make a reset, each as its option says, v4")
def fields_v4(lab):
    server = lab.serve()
    for options, holds in FIELDS:
        lab.clear(keep=[server])
        field_row(lab, options, holds, 4)


@test("the same ways in IPv6, where there is no IP ID")
def fields_v6(lab):
    server = lab.serve()
    for options, holds in FIELDS:
        if "--id" in options or "--tos" in options:
            continue
        lab.clear(keep=[server])
        field_row(lab, options, holds, 6)


@test("--seq state is the server's seq, whatever the trigger acknowledged")
def seq_state(lab):
    lab.serve()
    for place, words in (("router", "state"), ("tap", "state"),
                         ("router", "ack")):
        lab.clear(keep=lab.procs[:1])
        lab.forge(2, place, "--seq", words)
        shot = fire(lab, (4, 5), resets=2)
        same(f"{place}, {words}: seq", [shot.ack - r.seq
                                        for r in shot.resets],
             [0, 0] if words == "state" else [4, 5])


@test("on the wire, --ttl imitate --decrement is the server's own TTL")
def imitate_wire(lab):
    lab.serve()
    lab.forge(4, "wire", "--ttl", "imitate", "--decrement")
    same("TTL", one_reset(fire(lab)).ttl, 64 - lab.hops)


# The forger: when it fires


@test("dice per packet: about half of one connection's triggers fire")
def dice_packet(lab):
    lab.serve()
    lab.forge(1, "router", "--probability", "0.5")
    shot = fire(lab, (6,) * 60, resets=0, wait=0.3)
    within("resets of 60", len(shot.resets), 15, 45)


@test("dice per connection: all of a connection's triggers fire or none")
def dice_connection(lab):
    lab.serve()
    lab.forge(1, "router", "--probability", "0.5", "--dice", "connection")
    counts = [len(fire(lab, (6,) * 4, resets=4, wait=0.08).resets)
              for _ in range(12)]
    same("odd counts", [c for c in counts if c not in (0, 4)], [])
    within("connections that fired, of 12", counts.count(4), 1, 11)


def fires_at(server, local):
    """In the client: whether that local port's connection is reset."""
    with wire.Client(server, PORT) as c:
        c.local = (c.local[0], local)
        c.inject(TRIGGER, 6)
        c.watch(0.08, wire.have_resets(1))
        return len(c.resets()) > 0


@test("dice per flow: a five-tuple's fate is fixed, half of them fire")
def dice_flow(lab):
    lab.serve()
    lab.forge(1, "router", "--probability", "0.5", "--dice", "flow")
    fates = [[lab.call_in("client", fires_at, lab.server_address(), port)
              for port in range(41000, 41008)] for _ in range(2)]
    same("the second round", fates[1], fates[0])
    within("five-tuples that fire, of 8", sum(fates[0]), 1, 7)


@test("fired by the server's answer alone: full TTL fires, no TTL < N does")
def response_triggered(lab):
    lab.serve()
    lab.forge(3, "router", "--from", "server", "--drop")
    shot = fire(lab, range(1, 7), resets=0, errors=6)
    same("resets for TTL < N", len(shot.resets), 0)
    shot = fire(lab)
    same("seq: what it took the place of", one_reset(shot).seq, shot.ack)


@test("a rewriter: the server's packet is the template, the server gets ID 0")
def rewriter(lab):
    lab.serve()
    forger = lab.forge(3, "router", "--from", "server", "--drop", "--df",
                       "--ttl", "copy", "--id", "copy", "--back-id", "0",
                       "--ends", "both")
    shot = fire(lab)
    same("TTL", one_reset(shot).ttl, shot.synack.ttl)
    fired = forger.firings()[0]
    same("ID", shot.resets[0].id, fired["id"])
    same("IDs", [r["id"] for r in fired["sent"]], [fired["id"], 0])


@test("a residual block resets what is innocent, and ends")
def residual(lab):
    lab.serve()
    lab.forge(2, "router", "--residual-s", "0.4")
    innocent = lambda n: len(fire(lab, payload=b"hi", resets=n).resets)
    same("resets before", innocent(0), 0)
    one_reset(fire(lab))
    same("resets right after", innocent(1), 1)
    time.sleep(0.45)
    same("resets later", innocent(0), 0)


@test("blind spots: TCP options, later segments; a SYN as the trigger")
def blind_spots(lab):
    lab.serve()
    lab.forge(2, "router", "--plain-header", match="plain")
    nops = b"\1\1\1\1"
    for options, n in ((b"", 1), (nops, 0)):
        shot = fire(lab, (6,), payload=b"plain", resets=n, options=options)
        same("resets", len(shot.resets), n)
    lab.clear()
    lab.serve()
    lab.forge(2, "router", "--first-segment", match="early")
    for first, n in ((b"", 1), (b"hello", 0)):
        shot = fire(lab, payload=b"early", resets=n, first=first)
        same("resets", len(shot.resets), n)
    lab.clear()
    lab.serve()
    lab.forge(2, "router", "--on-syn", "--drop", "--seq", "0")
    try:
        fire(lab)
    except labs.LabError as e:
        same("connect", "ConnectionRefusedError" in str(e), True)
        return
    raise Wrong("a SYN that was reset made a connection")


# The line


def ping_pong(server, count, gap=0.0):
    """In the client: times of `count` one-byte echoes, in seconds."""
    with wire.Client(server, PORT) as c:
        times = []
        for _ in range(count):
            start = time.monotonic()
            c.sock.sendall(b"x")
            c.sock.recv(1)
            times.append(time.monotonic() - start)
            time.sleep(gap)
        return times


@test("a line of 20 ms each way behind r1 makes 40 ms, to r2 as well")
def link_delay(lab):
    lab.serve()
    lab.link(1, "--delay-ms", "20")
    for version in (4, 6):
        times = lab.call_in("client", ping_pong, lab.server_address(version),
                            5)
        within("the median round trip", sorted(times)[2], 0.040, 0.048)
    shot = fire(lab, (1, 2), resets=0, errors=2, wait=1)
    late = [e.time - p.time for e, p in zip(shot.errors, shot.sent)]
    within("r1's answer", late[0], 0, 0.01)
    within("r2's answer", late[1], 0.040, 0.050)


def burst(server, count):
    """In the client: which of `count` tagged probes come back from r2."""
    with wire.Client(server, PORT) as c:
        for i in range(count):
            c.inject(b"x", 2, ack=c.ack - i)
            if i % 10 == 9:  # the socket's buffer may be small
                c.watch(0)
        c.watch(0.5, wire.have_errors(count))
        return [c.ack - e.quote.ack for e in c.errors()]


def through(options, count):
    """The order in which a burst comes back over such a line."""
    with labs.Lab(hops=2, icmp_ratelimit=0) as lab:
        lab.serve()
        lab.link(1, *options.split())
        return lab.call_in("client", burst, lab.server_address(), count)


@test("the line keeps order, whatever its jitter")
def link_order(_):
    order = through("--delay-ms 2 --jitter-ms 30", 40)
    same("the order", order, list(range(40)))


@test("--reorder lets some be overtaken, and loses none")
def link_reorder(_):
    order = through("--delay-ms 2 --reorder 0.2", 40)
    same("what came", sorted(order), list(range(40)))
    same("in order", order == list(range(40)), False)


@test("--loss 0.2 each way lets about 64 % come back")
def link_loss(_):
    order = through("--loss 0.2 --seed 3", 300)
    within("of 300", len(order), 150, 230)


def flood(server, count):
    """In the client: `count` packets at once."""
    with wire.Client(server, PORT) as c:
        packet = wire.Packet(
            src=c.local[0], dst=server, ttl=64, id=7, df=True,
            sport=c.local[1], dport=PORT, seq=c.seq, ack=c.ack,
            flags=wire.ACK, window=501)
        data = wire.build(packet)
        for _ in range(count):
            c.raw.sendto(data, (server, 0))


def arrivals():
    """In the server: packets that its interface ever got."""
    with open("/proc/net/dev", encoding="ascii") as table:
        for line in table:
            name, _, numbers = line.partition(":")
            if name.strip() == "toclient":
                return int(numbers.split()[1])
    return 0


@test("the line holds ten thousand packets at once")
def link_many(lab):
    lab.serve()
    lab.link(1, "--delay-ms", "500")
    before = lab.call_in("server", arrivals)
    end = time.monotonic() + 8
    lab.call_in("client", flood, lab.server_address(), 10000)
    came = 0
    while came < 10000 and time.monotonic() < end:
        time.sleep(0.1)
        came = lab.call_in("server", arrivals) - before
    within("packets", came, 10000, 10020)


# The server


@test("the server aborts on the keyword, at its own TTL")
def server_abort(lab):
    lab.serve("--mode", "abort")
    reset = one_reset(fire(lab))
    same("TTL, flags", (reset.ttl, reset.letters()), (64 - lab.hops, "RA"))
    shot = fire(lab, payload=b"hello", resets=0, data=1)
    same("resets, answers", (len(shot.resets), len(shot.data)), (0, 1))


def second_is_reset(server, port):
    """In the client, while a first connection is open."""
    with wire.Client(server, port):
        try:
            with wire.Client(server, port) as second:
                second.watch(1.0, wire.have_resets(1))
                return len(second.resets()) == 1
        except ConnectionResetError:  # it came before connect was over
            return True


@test("the server's other modes: silent, dead after N, one at a time")
def server_modes(lab):
    lab.serve("--mode", "silent", port=PORT + 1)
    shot = fire(lab, payload=b"hi", resets=0, port=PORT + 1)
    same("answers of a silent one", len(shot.data), 0)
    dying = lab.serve("--once", "1", port=PORT + 2)
    fire(lab, payload=b"hi", resets=0, port=PORT + 2)
    same("exit status", dying.popen.wait(3), 0)
    lab.serve("--single", port=PORT + 3)

    same("is a second connection reset",
         lab.call_in("client", second_is_reset, lab.server_address(),
                     PORT + 3), True)


def ending(server, port):
    """In the client: how the server ends a connection, and when."""
    def ends(c):
        return any(p.flags & (wire.FIN | wire.RST) for p in c.seen
                   if not p.sent and c.mine(p))
    with wire.Client(server, port) as c:
        c.watch(2.0, ends)
        last = [p for p in c.seen if not p.sent and c.mine(p)][-1]
        return last.letters(), last.time - c.synack().time


def third_waits(server, port):
    """In the client: who of three, side by side, gets an answer."""
    with wire.Client(server, port) as a, wire.Client(server, port) as b:
        a.send(b"hi")
        b.send(b"hi")
        a.watch(1.0, lambda c: c.data())
        b.watch(QUIET)
        try:
            wire.Client(server, port, timeout=QUIET)
            third = True
        except OSError:  # nobody answered the SYN
            third = False
        return len(a.data()), len(b.data()), third


@test("the server's time limits: a close or a reset after so long; one"
      " connection after the other, where the third gets no answer")
def server_limits(lab):
    lab.serve("--life-s", "0.2", port=PORT + 1)
    lab.serve("--life-s", "0.2", "--curt", port=PORT + 2)
    lab.serve("--serial", port=PORT + 3)
    for port, letters in ((PORT + 1, "FA"), (PORT + 2, "RA")):
        how, after = lab.call_in("client", ending, lab.server_address(), port)
        same("how it ends", how, letters)
        within("seconds that it lasted", after, 0.19, 0.4)
    same("answers to the first, to the second; does a third open",
         lab.call_in("client", third_waits, lab.server_address(), PORT + 3),
         (1, 0, False))


# Topologies


def shaped(function, **shape):
    """Calls function with a lab of that shape."""
    with labs.Lab(icmp_ratelimit=0, **shape) as lab:
        lab.serve()
        function(lab)
        lab.clear()
        same("what processes died of", lab.faults, [])


def path_of(lab, version, **kw):
    """Who answers for each TTL of one connection, and with which TTL."""
    shot = fire(lab, range(1, lab.hops + 1), version=version, resets=0,
                errors=lab.hops, **kw)
    seen = {shot.ack - e.quote.ack: e for e in shot.errors}
    same("TTLs that were answered", sorted(seen),
         list(range(1, lab.hops + 1)))
    return [seen[n] for n in sorted(seen)], shot


def within_set(what, seen, wanted):
    if seen not in wanted:
        raise Wrong(f"{what} is {seen!r}, none of {wanted!r}")


def check_branches(lab):
    for version in (4, 6):
        ways = set()
        for _ in range(12):
            errors, _ = path_of(lab, version)
            ways.add(errors[2].src)
            for h in (1, 2, 4, 5):
                within_set(f"hop {h}", errors[h - 1].src,
                           lab.addresses(h, version))
        same("who answers for hop 3", ways, set(lab.addresses(3, version)))


@test("a branch: a five-tuple keeps its router, both are taken, v4 and v6")
def branch(_):
    shaped(check_branches, hops=5, branch=3)


@test("a device in one branch fires for some five-tuples only")
def branch_device(_):
    def check(lab):
        lab.forge("r3b", "router")
        for version in (4, 6):
            # By hand and from the socket: the same five-tuple.
            counts = {len(fire(lab, (4, None), wait=0.1, resets=2,
                               version=version).resets) for _ in range(12)}
            same("resets of a connection", counts, {0, 2})
    shaped(check, hops=4, branch=3, branch_back="both")


@test("another way back: what comes from beyond has other TTLs")
def way_back(_):
    def check(lab):
        for version in (4, 6):
            errors, shot = path_of(lab, version)
            same("who answers", [e.src for e in errors],
                 [lab.address(h, version) for h in range(1, 6)])
            same("their TTLs", [64 - e.ttl for e in errors],
                 [h - 1 + lab.longer_back(h) for h in range(1, 6)])
            same("the server's", shot.synack.ttl, lab.server_ttl())
        same("more routers", lab.longer_back(5), more)
    for back, more in (((2, 2, 2), 2), ((3, 2, 0), -1), ((2, 1, 1), 0)):
        shaped(check, hops=5, back=back)


def server_sees(lab, function):
    """Ports and addresses that the server's interface gets data from."""
    p = lab.start("server", [labs.PYTHON, "-c", SEES], ready=True)
    function()
    time.sleep(QUIET)
    p.popen.terminate()
    words = p.popen.stdout.read().decode().split()
    p.popen.wait()
    return words


SEES = f"""
import sys; sys.path.insert(0, {labs.HERE!r})
import time, wire
s = wire.Sniffer("toclient")
print("ready", flush=True)
while True:
    p = s.next(time.monotonic() + 60)
    if not p.sent and p.proto == 6:
        print(p.src, p.sport, flush=True)
"""


def check_nat(lab, quotes, liberal):
    lab.masquerade(quotes=quotes, liberal=liberal)
    shots = []
    words = server_sees(lab, lambda: shots.append(path_of(lab, 4)))
    errors, shot = shots[0]
    same("whom the server sees", set(words[::2]), {lab.far_side(1)})
    outside = {int(w) for w in words[1::2]}
    within("its port", outside.pop(), 20000, 29999)
    same("other ports", outside, set())
    beyond = {(e.quote.src, e.quote.sport) for e in errors[1:]}
    inside = (lab.address(0), shot.port)
    if quotes == "as-sent":
        inside = (lab.far_side(1), int(words[1]))
    same("what is quoted", beyond, {inside})
    lab.reject(3)
    shot = fire(lab, (4, 5), resets=2 if liberal else 0, wait=0.2)
    same("resets with old numbers", len(shot.resets), 2 if liberal else 0)
    same("a reset in the window", len(fire(lab).resets), 1)


@test("NAT in r1: the server sees it alone; quotes are rewritten, or not;"
      " resets out of the window get lost there, or not")
def nat(_):
    for quotes, liberal in (("rewritten", False), ("as-sent", False),
                            ("rewritten", True)):
        shaped(lambda lab, q=quotes, b=liberal: check_nat(lab, q, b),
               hops=4)


@test("a proxy in r3 answers for the server, and relays; its reset too")
def proxied(_):
    def check(lab):
        lab.proxy(3)
        for version in (4, 6):
            shot = fire(lab, resets=0, data=1, version=version)
            same("TTL of the answer", shot.synack.ttl, 62)
            same("the answer", shot.data[0].payload, TRIGGER)
        shot = fire(lab, (2, 3, 4), resets=0, errors=1)
        same("who says that a packet expired", [e.src for e in shot.errors],
             [lab.address(2)])
        lab.clear()
        lab.serve("--mode", "abort")
        lab.proxy(3)
        same("the reset's TTL", one_reset(fire(lab)).ttl, 62)
    shaped(check, hops=5)


@test("on the client's segment: TTL 64, a MAC that is not the gateway's")
def segment(_):
    def check(lab):
        for place, options in (("tap", ()), ("router", ("--drop",))):
            for version in (4, 6):
                lab.clear(keep=lab.procs[:1])
                lab.forge("seg", place, *options)
                shot = fire(lab, (1,), version=version)
                reset = one_reset(shot)
                same("TTL, MAC", (reset.ttl, reset.mac),
                     (64, labs.SEGMENT_MAC))
                same("r1's MAC", shot.synack.mac, labs.R1_MAC)
                same("hop 1 answers", len(shot.errors), place == "tap")
    shaped(check, hops=2, segment=True)


@test("labels: the quote of hop 2 ends with them, v4 and v6 (RFC 4884)")
def labels(_):
    def check(lab):
        lab.labels(2, 16001, 24)
        for version in (4, 6):
            errors, _ = path_of(lab, version)
            same("who answers", [e.src for e in errors],
                 [lab.address(h, version) for h in (1, 2, 3)])
            tail = errors[1].quote_tail
            same("the extension", (tail[0] >> 4, wire.checksum(tail),
                                   tail[4:]),
                 (2, 0, bytes.fromhex("000c0101 03e81001 00018101")))
    shaped(check, hops=3)


# Removal


@test("a firewall rule in the client would be seen")
def client_rules(lab):
    rule = "OUTPUT -p tcp --tcp-flags RST RST -j DROP"
    lab.set_client_rules(rule)
    same("rules", [r.split()[1] for r in lab.client_rules()], ["OUTPUT"])
    lab.set_client_rules()


UNTIDY = """#!/bin/sh
touch "$TMPDIR/left"
sleep 60 >/dev/null 2>&1 &
echo '{"schema": "rsthop.trace/1", "hops": NaN}'
"""


@test("a run that leaves a file or a process, or no strict JSON, is seen")
def untidy(lab):
    script = os.path.join(lab.tmp, "untidy")
    with open(script, "w", encoding="ascii") as f:
        f.write(UNTIDY)
    os.chmod(script, 0o755)
    bench = runs.Bench(script)
    bench.lab = lab
    bench.run("trace")
    for pid in lab.pids("client"):
        os.kill(int(pid), signal.SIGKILL)
    os.unlink(os.path.join(lab.tmp, "room", "left"))
    seen = [words.split(" is ")[0].split(":")[0] for words in bench.wrong]
    if bench.schemas is not None:
        same("no strict JSON", seen.pop(0), "no strict JSON")
    same("what was seen", seen, ["files left behind",
                                 "processes left behind"])


HOLD = """
import sys; sys.path.insert(0, {here!r})
import lab, time
lab.require()
with lab.Lab(hops=2) as l:
    l.serve()
    print(l.procs[0].popen.pid, *map(l.netns, l.nodes), flush=True)
    time.sleep(60)
"""


def held(how):
    """A lab in another process, ended by a signal: its server, its names."""
    p = subprocess.Popen(
        [labs.PYTHON, "-c", HOLD.format(here=labs.HERE)],
        stdout=subprocess.PIPE, text=True)
    words = p.stdout.readline().split()
    same("names of the other lab", len(words), 5)
    same("is its server there", labs.is_alive(int(words[0])), True)
    p.send_signal(how)
    p.wait()
    p.stdout.close()
    return int(words[0]), words[1:], p.returncode


@test("a signal takes a lab down, with its processes and files")
def teardown(_):
    for how in (signal.SIGTERM, signal.SIGINT):
        server, names, status = held(how)
        same("status", status, 128 + how)
        same("names left", set(names) & set(labs.netns_names()), set())
        same("the server's end", gone(server), True)


@test("what a killed lab left is removed by the next")
def stale(_):
    server, names, _ = held(signal.SIGKILL)
    same("the server's end", gone(server), True)
    same("names left", set(names) <= set(labs.netns_names()), True)
    labs.remove_stale()
    same("names left", set(names) & set(labs.netns_names()), set())


# All of it


def run_one(lab, function):
    """None, or what was wrong."""
    try:
        lab.faults.clear()
        lab.clear()
        function(lab)
        same("rules in the client", lab.client_rules(), [])
        lab.clear()
        same("what processes died of", lab.faults, [])
    except labs.Missing:
        raise
    except (Wrong, labs.LabError) as e:
        return str(e)
    except (OSError, subprocess.SubprocessError, LookupError) as e:
        return f"{type(e).__name__}: {e}"
    return None


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", help="where forger and link are")
    p.add_argument("--only", help="tests whose function's name contains it")
    p.add_argument("--verbose", action="store_true", help="with times")
    args = p.parse_args()
    labs.require()
    labs.BUILD = args.build or labs.BUILD
    failed = passed = 0
    with labs.Lab(hops=6, icmp_ratelimit=0) as lab:
        for words, function in TESTS:
            if args.only and args.only not in function.__name__:
                continue
            start = time.monotonic()
            try:
                wrong = run_one(lab, function)
            except labs.Missing as e:
                print(f"SKIPPED {words}: {e}", flush=True)
                continue
            took = f" ({function.__name__}, {time.monotonic() - start:.2f} s)"
            print(("ok     " if wrong is None else "FAILED ") + words
                  + (took if args.verbose else ""), flush=True)
            if wrong is None:
                passed += 1
            else:
                failed += 1
                print(f"       {wrong}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
