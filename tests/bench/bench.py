#!/usr/bin/env python3
"""make bench: speed, as ratios and in round trips, measured in one run.

In the lab, behind a line of 40 ms round trip (20 ms each way, behind r1):
`rsthop trace` against `traceroute -T`, in turn, with the bounds that it is to
keep; and how many round trips and connections `rsthop locate` takes to its
verdict, right or wrong.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lab"))
sys.dont_write_bytecode = True
import lab as labs  # noqa: E402

HOPS = 12
ONE_WAY_MS = 20
RTT_S = 2 * ONE_WAY_MS / 1000
# The path is known so many round trips after the program has started up, and
# the whole run takes so much of traceroute's time.
JOB_BOUND = 1.3
RATIO_BOUND = 0.75


class Failed(Exception):
    """Something did not run as it should; the text says what."""


def timed(lab, argv, good=(0,)):
    """Wall time in seconds of a command in the client, and its output."""
    start = time.monotonic()
    r = lab.run("client", argv, timeout=300)
    took = time.monotonic() - start
    if r.returncode not in good:
        raise Failed(f"{' '.join(argv)}: status {r.returncode}: "
                     f"{r.stderr.strip()}")
    return took, r.stdout


def count_hops(out):
    """The hops that a trace shows to have answered."""
    return sum(bool(hop["responders"]) for hop in json.loads(out)["path"])


def bound(value, most):
    return f"   at most {most:g}: {'met' if value <= most else 'missed'}"


def bench_trace(lab, rsthop, runs):
    server = lab.server_address()
    ours_cmd = [rsthop, "trace", "-n", "--json", f"{server}:{labs.PORT}"]
    theirs_cmd = ["traceroute", "-n", "-T", "-p", str(labs.PORT), server]
    start_up = statistics.median(
        timed(lab, [rsthop, "--version"])[0] for _ in range(runs))
    ours, jobs, theirs = [], [], []
    for _ in range(runs):
        took, out = timed(lab, ours_cmd)
        if count_hops(out) != HOPS + 1:
            raise Failed(f"rsthop trace saw {count_hops(out)} hops of "
                         f"{HOPS + 1}")
        ours.append(took)
        jobs.append(json.loads(out)["duration_s"])
        took, out = timed(lab, theirs_cmd)
        if server not in out.strip().split("\n")[-1]:
            raise Failed(f"traceroute did not reach {server}: {out}")
        theirs.append(took)
    a, b = statistics.median(ours), statistics.median(theirs)
    job = statistics.median(jobs)

    def row(words, seconds, remark=""):
        print(f"  {words:30}{seconds:9.3f}{seconds / RTT_S:13.2f}{remark}")

    print(f"the whole path, {HOPS} routers and the server, median of {runs}, "
          "in turn")
    print(f"  {'':30}{'seconds':>9}{'round trips':>13}")
    row("rsthop trace, whole process", a)
    row("  until the path is known", job, bound(job / RTT_S, JOB_BOUND))
    row("  rsthop --version", start_up)
    row("traceroute -T, whole process", b)
    print(f"  {'ratio':30}{a / b:9.2f}{'':13}{bound(a / b, RATIO_BOUND)}\n")


# Words, hop, the forger's options; bounds: round trips, connections.
CASES = [
    ("fixed TTL, every time", 6, ["--ttl", "64", "--drop"], 15, None),
    ("copied TTL and ID, every time", 6,
     ["--ttl", "copy", "--id", "copy", "--drop"], 15, None),
    ("fixed TTL, half the time", 6,
     ["--ttl", "64", "--drop", "--probability", "0.5"], None, None),
    ("fixed TTL, p = 0.3", 6,
     ["--ttl", "64", "--drop", "--probability", "0.3"], None, 15),
    ("the same, its seq no tag", 6,
     ["--ttl", "64", "--drop", "--probability", "0.3", "--seq", "state"],
     None, 33),
]


def against(value, bound, unit):
    """`at most 15 connections: met', or nothing where none is asked."""
    if bound is None:
        return ""
    return (f"  at most {bound} {unit}: "
            f"{'met' if value <= bound else 'missed'}")


def bench_locate(lab, rsthop, runs):
    target = f"{lab.server_address()}:{labs.PORT}"
    argv = [rsthop, "locate", "-n", "--json", "--payload", labs.KEYWORD,
            target]
    print(f"locate, a forger in hop 6 of {HOPS}, to its verdict, median of "
          f"{runs} (most)")
    print(f"  {'':32}{'round trips':>14}{'connections':>14}{'right':>9}")
    for n, (words, hop, options, trips_max, conns_max) in enumerate(CASES):
        trips, connections, right = [], [], 0
        for run in range(runs):
            lab.clear()
            lab.serve()
            lab.link(1, "--delay-ms", str(ONE_WAY_MS))
            lab.forge(hop, "router", *options, "--seed",
                      str(1000 * n + run + 1))
            _, out = timed(lab, argv, good=(0, 1))
            report = json.loads(out)
            trips.append(report["duration_s"] / RTT_S)
            connections.append(report["connections"])
            right += report["verdict"]["hop"] == hop
        print(f"  {words:32}"
              f"{statistics.median(trips):8.1f} {f'({max(trips):.1f})':>7}"
              f"{statistics.median(connections):6g} "
              f"{f'({max(connections)})':>5}"
              f"{f'{right} of {runs}':>11}"
              + against(statistics.median(trips), trips_max, "round trips")
              + against(statistics.median(connections), conns_max,
                        "connections"), flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--rsthop", default=os.path.join(ROOT, "build/rsthop"))
    ap.add_argument("--build", help="where the lab's programs are")
    ap.add_argument("--runs", type=int, default=9)
    args = ap.parse_args()
    labs.require()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if shutil.which("traceroute") is None:
        sys.exit("bench: traceroute is missing (package traceroute)")
    rsthop = os.path.abspath(args.rsthop)
    try:
        # No rate limit: what is measured is the way, not routers' manners.
        with labs.Lab(hops=HOPS, icmp_ratelimit=0, build=args.build) as lab:
            lab.serve()
            lab.link(1, "--delay-ms", str(ONE_WAY_MS))
            print(f"round trip {1000 * RTT_S:.0f} ms, {HOPS} routers\n")
            bench_trace(lab, rsthop, args.runs)
            bench_locate(lab, rsthop, args.runs)
    except (Failed, labs.LabError) as e:
        print(f"bench: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
