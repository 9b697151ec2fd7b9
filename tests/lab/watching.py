"""What `rsthop watch` must see and say in the client of the lab.

CASES: (name, what it proves, check, topology), for run.py.
"""

import json
import os
import signal
import socket
import struct
import time

import lab as labs

PORT = labs.PORT
ABORT = "quit"  # the word at which the server itself resets
DOWN = ("link set toserver down",)
UP = ("link set toserver up", "route replace 10.9.0.0/16 via 10.9.0.2")
GONE = ("link del toserver",)
ANEW = ("link add toserver type veth peer name other",
        "link set other up", "link set toserver up")


def call(address, words, n):
    """n connections, one after the other: a greeting, then these words."""
    for _ in range(n):
        with socket.create_connection((address, PORT), 5) as s:
            s.settimeout(5)
            s.sendall(b"hello")
            s.recv(100)
            s.sendall(words.encode())
            try:
                s.recv(100)
            except ConnectionError:
                pass


def leave(address, n):
    """n connections that the client itself resets."""
    for _ in range(n):
        s = socket.create_connection((address, PORT), 5)
        s.sendall(b"hello")
        s.recv(100)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        s.close()


def once(what, holds, seconds=10):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise labs.LabError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def is_listening(lab):
    """Whether a packet socket takes packets in the client."""
    seen = lab.run("client", ["cat", "/proc/net/packet"]).stdout
    return any(line.split()[5] == "1" for line in seen.splitlines()[1:])


def lines(path):
    try:
        with open(path, encoding="ascii") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]
    except FileNotFoundError:
        return []


def watch(bench, *options, during, number=signal.SIGTERM):
    """watch in the client while during() happens, then a signal."""
    def meanwhile(p):
        try:
            once("watch listens", lambda: is_listening(bench.lab))
            time.sleep(0.2)  # the filter is set last
            during(p)
        finally:
            if number is not None:
                p.send_signal(number)
    done = bench.run("watch", "-i", "toserver", "-n", *options,
                     meanwhile=meanwhile)
    if number is not None:
        bench.same("the exit status", done.status, 128 + number)
    return done


def told(bench, done):
    """(resets, summary) of JSON Lines."""
    seen = [json.loads(line) for line in done.out.splitlines()]
    if not seen or seen[-1].get("schema") != "rsthop.watch/1":
        bench.wrong.append("there is no summary at the end")
        return seen, {}
    return seen[:-1], seen[-1]


def keys(firings):
    """Of resets that a forger sent to the client."""
    return sorted((f["src"], f["dst"], r["seq"]) for f in firings
                  for r in f["sent"] if r["end"] == "client")


def forged(resets):
    return sorted((r["client"], r["server"], r["seq"]) for r in resets
                  if r["verdict"] == "forged")


def not_genuine(resets):
    return sorted((r["client"], r["server"], r["seq"]) for r in resets
                  if r["verdict"] != "genuine")


def judges(version):
    """Forged ones, the server's aborts and the client's own.

    Without an IP ID, as in IPv6, a TTL alone may leave it undetermined.
    """
    suspects = forged if version == 4 else not_genuine

    def check(bench):
        lab = bench.lab
        server = lab.server_address(version)
        lab.serve("--mode", "abort", "--keyword", ABORT)
        device = lab.forge(1, "router", "--ttl", "copy", "--id", "copy",
                           "--ends", "both", "--drop")
        log = os.path.join(lab.tmp, "watch.jsonl")
        text = os.path.join(lab.tmp, "watch.txt")
        ring = os.path.join(lab.tmp, "ring.pcapng")

        def during(_):
            lab.call_in("client", call, server, labs.KEYWORD, 4)
            lab.call_in("client", call, server, ABORT, 3)
            lab.call_in("client", leave, server, 3)
            # Nothing passes any more: a verdict comes all the same.
            once("ten verdicts", lambda: len(lines(log)) >= 10, 4)
        done = watch(bench, "--jsonl", "-o", log, "-o", text, "--ring",
                     ring, during=during)
        resets, summary = told(bench, done)
        bench.same("firings", len(device.firings()), 4)
        bench.same("what is judged forged", suspects(resets),
                   keys(device.firings()))
        bench.same("resets", len(resets), 10)
        bench.same("the sum of forged ones",
                   summary.get("summary", {}).get("forged"),
                   len(forged(resets)))
        bench.same("packets dropped", summary.get("dropped"), 0)
        bench.same("lines of the file", lines(log),
                   resets + [summary])
        with open(text, encoding="ascii") as f:
            words = f.read()
        bench.same("lines of text that say forged",
                   words.count(" forged ("), len(forged(resets)))
        bench.same("standard error", done.err, "")
        again(bench, ring, suspects, suspects(resets))
    return check


def again(bench, ring, suspects, wanted):
    """The evidence judged as a capture gives the same."""
    done = bench.run("analyze", "-n", "--jsonl", ring)
    bench.same("what analyze finds forged in the evidence",
               suspects([json.loads(line)
                         for line in done.out.splitlines()]),
               wanted)


def comes_back(away, back, ticks):
    """The interface goes and comes; what is forged later is seen, too."""
    def check(bench):
        lab = bench.lab
        server = lab.server_address()
        lab.serve()
        device = lab.forge(1, "router", "--ttl", "copy", "--id", "copy",
                           "--drop")
        seen = {}

        def during(p):
            lab.call_in("client", call, server, labs.KEYWORD, 2)
            time.sleep(0.5)
            for n in range(2):
                lab.change("client", *away)
                time.sleep(0.4)
                lab.change("client", *back)
                time.sleep(0.4)
            if ticks:
                lab.call_in("client", call, server, labs.KEYWORD, 3)
            with open(f"/proc/{p.pid}/stat", encoding="ascii") as f:
                seen["ticks"] = sum(map(int, f.read().split()[13:15]))
        done = watch(bench, "--jsonl", during=during)
        resets, summary = told(bench, done)
        bench.same("what is judged forged", forged(resets),
                   keys(device.firings()))
        bench.same("firings", len(device.firings()), 2 + 3 * ticks)
        bench.same("times it went", summary.get("interface_lost"), 2)
        bench.same("lines on standard error", len(done.err.splitlines()), 4)
        bench.same("is it at rest meanwhile", seen["ticks"] < 50, True)
    return check


def ends_by_count(bench):
    lab = bench.lab
    lab.serve()
    lab.forge(1, "router", "--ttl", "copy", "--id", "copy", "--drop")
    for option in ("--jsonl", "-v"):
        done = watch(bench, option, "--count", "3", number=None,
                     during=lambda _: lab.call_in(
                         "client", call, lab.server_address(),
                         labs.KEYWORD, 5))
        bench.same("the exit status", done.status, 0)
        if option == "--jsonl":
            resets, summary = told(bench, done)
            bench.same("resets", len(resets), 3)
            bench.same("the sum", summary.get("summary"),
                       {"forged": 3, "genuine": 0, "undetermined": 0})
        else:
            bench.same("resets", done.out.count(" forged ("), 3)
            bench.same("the answer", "All 3 resets are forged." in done.out,
                       True)


def ends_by_time(bench):
    """Nothing passes; the way out is that of the default route."""
    lab = bench.lab
    done = bench.run("watch", "--duration", "0.3")
    bench.one_line(done, 3)
    bench.same("what to do is said", "-i" in done.err, True)
    lab.change("client", "route add default via 10.9.0.2")
    done = bench.run("watch", "--duration", "1.5")
    bench.same("the exit status", done.status, 0)
    bench.same("standard error", done.err, "")
    bench.same("is toserver watched", "toserver: 0 packets" in done.out,
               True)
    bench.same("did it end in time", 1.4 < done.seconds < 3, True)


def filters(bench):
    """What a filter leaves out is not looked at; files are put aside."""
    lab = bench.lab
    lab.serve()
    lab.forge(1, "router", "--ttl", "copy", "--id", "copy", "--drop")
    log = os.path.join(lab.tmp, "small.txt")

    def during(_):
        for version in (4, 6):
            lab.call_in("client", call, lab.server_address(version),
                        labs.KEYWORD, 40)
    done = watch(bench, "--jsonl", "--rotate", "4K", "-o", log, "ip6 and",
                 f"port {PORT}", during=during)
    resets, summary = told(bench, done)
    bench.same("addresses seen", {r["server"] for r in resets},
               {f"[{lab.server_address(6)}]:{PORT}"})
    bench.same("resets", len(resets), 40)
    bench.same("the filter", summary.get("filter"), f"ip6 and port {PORT}")
    aside = sorted(n for n in os.listdir(lab.tmp)
                   if n.startswith("small.txt"))
    bench.same("files put aside", len(aside) > 1, True)
    text = ""
    for name in aside:
        with open(os.path.join(lab.tmp, name), encoding="ascii") as f:
            text += f.read()
    bench.same("lines in all of them", text.count(f"]:{PORT} "), 40)


CASES = [
    ("watch", "watch sees each forged reset and blames no other; its evidence"
     " gives the same", judges(4), {}),
    ("watch6", "it does so in IPv6", judges(6), {}),
    ("watch-bounce", "it goes on when the interface was down",
     comes_back(DOWN, UP, 1), {}),
    ("watch-gone", "it goes on when another comes by the interface's name",
     comes_back(GONE, ANEW, 0), {}),
    ("watch-count", "it ends with so many resets", ends_by_count, {}),
    ("watch-time", "it ends in time, on the default route's interface",
     ends_by_time, {}),
    ("watch-filter", "a filter holds; large files are put aside", filters,
     {}),
]
