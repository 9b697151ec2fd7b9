#!/usr/bin/env python3
"""watch beside a forger that is kept busy: which of its resets were seen?

The forger's own log says what it sent; the client's watch must tell each of
them, judged forged, but for what the kernel says that it dropped.
"""

import argparse
import collections
import json
import os
import resource
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lab"))
import lab as labs  # noqa: E402

HOPS = 2
RATE = 2000  # connections a second, the bound of the issue
# As the founding case's box does it, each time.
FORGER = ["--ttl", "copy", "--id", "copy", "--ends", "both", "--drop"]


class Failed(Exception):
    """The bench could not be run, or what it is to show does not hold."""


def start_watch(lab, argv, out):
    """Once it watches: with -v it says so."""
    p = subprocess.Popen(lab.command("client", argv), stdout=out,
                         stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                         text=True)
    line = p.stderr.readline()
    if "watching" not in line:
        raise Failed(f"watch: {line}{p.stderr.read()}")
    return p


def end_watch(p):
    """Its exit status, the rest of what it said, its processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    p.send_signal(signal.SIGTERM)
    said = p.stderr.read()
    p.stderr.close()
    status = p.wait(60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return status, said, (after.ru_utime - before.ru_utime
                          + after.ru_stime - before.ru_stime)


def read_lines(path):
    """(resets, the summary) of a watch."""
    with open(path, encoding="ascii") as f:
        lines = [json.loads(line) for line in f]
    if not lines or lines[-1].get("schema") != "rsthop.watch/1":
        raise Failed("there is no summary at the end")
    return lines[:-1], lines[-1]


def compare(firings, resets):
    """What was forged and not seen, seen and not judged so, and the rest
    that was judged so by mistake."""
    made, seen = collections.Counter(), {}
    for fire in firings:
        for r in fire["sent"]:
            if r["end"] == "client":
                made[fire["src"], fire["dst"], r["seq"], r["flags"]] += 1
    innocent = 0
    for r in resets:
        key = (r["client"], r["server"], r["seq"], r["flags"])
        if key in made and r["direction"] == "to-client":
            seen.setdefault(key, []).append(r["verdict"])
        else:
            innocent += r["verdict"] == "forged"
    lost = sum(max(0, n - len(seen.get(k, []))) for k, n in made.items())
    verdicts = collections.Counter(v for k in seen for v in seen[k])
    return sum(made.values()), lost, verdicts, innocent


def bench(lab, args):
    crowd = os.path.join(args.tools, "crowd")
    out = os.path.join(lab.tmp, "watch.jsonl")
    lab.start("server", [crowd, "serve", str(labs.PORT)])
    forger = lab.forge(1, "router", *FORGER)
    with open(out, "w", encoding="ascii") as f:
        p = start_watch(lab, [os.path.abspath(args.rsthop), "watch", "-v",
                              "--jsonl", "-i", "toserver"]
                        + (["--ring", os.path.join(lab.tmp, "ring.pcapng")]
                           if args.ring else []), f)
        try:
            done = lab.run("client", [
                crowd, "call", lab.server_address(), str(labs.PORT),
                str(args.rate), str(args.seconds), labs.KEYWORD],
                timeout=args.seconds + 60)
            time.sleep(2)  # until the last of them is settled
            status, said, cpu = end_watch(p)
        except BaseException:
            p.kill()
            p.wait()
            raise
    if done.returncode != 0 or status != 128 + signal.SIGTERM:
        raise Failed(f"crowd: {done.stderr}; watch: {status}: {said}")
    calls = json.loads(done.stdout)
    resets, summary = read_lines(out)
    made, lost, verdicts, innocent = compare(forger.firings(), resets)
    dropped = summary["dropped"]
    print(f"watch: {calls['opened']} connections in {calls['seconds']:.2f} s,"
          f" {calls['opened'] / max(calls['seconds'], 0.001):.0f} a second")
    print(f"  reset at the client       {calls['reset']:8}")
    print(f"  forged, by the forger     {made:8}")
    print(f"  seen by watch             {made - lost:8}")
    print(f"  judged forged             {verdicts['forged']:8}")
    print(f"  undetermined              {verdicts['undetermined']:8}")
    print(f"  others judged forged      {innocent:8}")
    print(f"  packets                   {summary['received']:8}")
    print(f"  dropped by the kernel     {dropped:8}")
    print(f"  judged before their time  "
          f"{summary['bounds']['resets_hurried']:8}")
    print(f"  processor time of watch   {cpu:8.2f} s")
    faults = []
    if calls["opened"] / max(calls["seconds"], 0.001) < 0.95 * args.rate:
        faults.append("the client did not keep the rate")
    if made < 0.95 * calls["opened"]:
        faults.append("the forger did not keep the rate")
    if lost > dropped:
        faults.append(f"{lost} resets lost, {dropped} packets dropped")
    if verdicts["genuine"]:
        faults.append(f"{verdicts['genuine']} forged ones judged genuine")
    if verdicts["forged"] < 0.999 * (made - lost):
        faults.append("hardly all that were seen were judged forged")
    if innocent:
        faults.append("others were judged forged")
    for words in faults:
        print(f"  MISSED: {words}")
    print("  every forged reset seen: " + ("missed" if faults else "met"))
    return 1 if faults else 0


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--rsthop", default=os.path.join(ROOT, "build/rsthop"))
    ap.add_argument("--build", help="where the lab's programs are")
    ap.add_argument("--tools", default=os.path.join(ROOT,
                                                    "build/tests/bench"))
    ap.add_argument("--rate", type=int, default=RATE)
    ap.add_argument("--seconds", type=int, default=10)
    ap.add_argument("--ring", action="store_true",
                    help="have it keep evidence, too")
    args = ap.parse_args()
    labs.require()
    try:
        with labs.Lab(hops=HOPS, build=args.build) as lab:
            return bench(lab, args)
    except (Failed, labs.LabError) as e:
        print(f"bench: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
