#!/usr/bin/env python3
"""make bench, for captures: speed as ratios, memory, cost by size.

Generates captures with known truth (gen_capture), then measures in turn, over
the same file in the page cache: `rsthop analyze`, a bare loop over libpcap's
pcap_next_ex, and `tshark -Y tcp.flags.reset==1`.  Every line that has a bound
says whether it was met.  Where rsthop has no analyze, a loop of our own reader
and decoder stands in for it; then no bound counts as met.
"""

import argparse
import csv
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
MB = 1000 * 1000

RATIO, RATIO_AIM = 2.5, 1.6  # of the bare loop's time
TSHARK_RATIO = 30
RSS_MB = 96
LINEAR = 1.3  # a packet of the largest file against one of the smallest
MILLION_RSS_MB = 1000


class Failed(Exception):
    """Something did not run as it should; the text says what."""


class Run:
    """One run of a command: seconds by the wall and of CPU, peak memory."""

    def __init__(self, argv, good=(0,)):
        with tempfile.TemporaryFile() as out:
            start = time.monotonic()
            with subprocess.Popen(argv, stdout=out, stdin=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as proc:
                _, status, usage = os.wait4(proc.pid, 0)
                self.wall_s = time.monotonic() - start
                proc.returncode = os.waitstatus_to_exitcode(status)
            if proc.returncode not in good:
                raise Failed(f"{' '.join(argv)}: status {proc.returncode}")
            out.seek(0)
            self.out = out.read().decode(errors="replace")
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.rss_mb = usage.ru_maxrss * 1024 / MB


def in_turn(commands, runs, good=(0, 1)):
    """name -> its fastest Run of some, all of them taking turns: what is
    left of other people's load then is shared fairly."""
    best = {}
    for _ in range(runs):
        for name, argv in commands.items():
            r = Run(argv, good)
            if name not in best or r.cpu_s < best[name].cpu_s:
                best[name] = r
    return best


class Ours:
    """What is measured: rsthop analyze, or what stands in for it."""

    def __init__(self, rsthop, tools):
        self.rsthop = rsthop
        self.real = has_analyze(rsthop)
        self.argv = [rsthop, "analyze", "--json"] if self.real else [
            os.path.join(tools, "loops"), "decode"]

    def verdict(self, words, value, bound, text, more=False):
        """Prints one line with its bound.  What stands in does less work and
        keeps nothing, so it meets no bound."""
        met = value >= bound if more else value <= bound
        said = ("met" if met else "MISSED") if self.real else "(stand-in)"
        print(f"  {words:44}{text:>12}   {'>=' if more else '<='} "
              f"{bound:<6g}{said}", flush=True)


def need_room(path, size):
    """A file twice as large as memory has room for measures the disk."""
    if shutil.disk_usage(path).free < 2 * size:
        raise Failed(f"{path} has no room for {2 * size // MB} MB: "
                     "set TMPDIR to where there is, or give --bytes")
    with open("/proc/meminfo", encoding="ascii") as f:
        info = dict(line.split(":") for line in f)
    free = int(info["MemAvailable"].split()[0]) * 1024
    if free < 2 * size:
        raise Failed(f"memory has no room to keep {size // MB} MB: give "
                     "fewer --bytes")


def generate(tools, folder, name, size, flows, concurrent=None, seed=1):
    """A capture in the page cache and its truth; gives both paths."""
    need_room(folder, size)
    pcap = os.path.join(folder, name + ".pcap")
    truth = os.path.join(folder, name + ".tsv")
    argv = [os.path.join(tools, "gen_capture"), "--bytes", str(size),
            "--flows", str(flows), "--seed", str(seed), "--truth", truth, pcap]
    if concurrent:
        argv[1:1] = ["--concurrent", str(concurrent)]
    print(f"{name}: {Run(argv).out.strip()}", flush=True)
    return pcap, truth


def has_analyze(rsthop):
    try:
        r = subprocess.run([rsthop, "analyze", "--help"], timeout=10,
                           stdin=subprocess.DEVNULL, capture_output=True,
                           check=False)
    except OSError:
        return False
    return r.returncode == 0


def read_truth(path):
    with open(path, newline="", encoding="ascii") as f:
        return {int(row["frame"]): row for row in csv.DictReader(
            f, delimiter="\t")}


def compare(truth, jsonl):
    """(forged and said so, forged in all, genuine but said to be forged,
    genuine in all, judged that are no resets of the truth, how many of the
    truth were not judged)"""
    found = wrong = strange = 0
    seen = set()
    for line in jsonl.splitlines():
        if not line.strip():
            continue
        reset = json.loads(line)
        row = truth.get(reset.get("frame"))
        if row is None:
            strange += 1
            continue
        seen.add(reset["frame"])
        if reset["verdict"] == "forged":
            found += row["label"] == "forged"
            wrong += row["label"] == "genuine"
    forged = sum(row["label"] == "forged" for row in truth.values())
    return (found, forged, wrong, len(truth) - forged, strange,
            len(truth) - len(seen))


def bench_truth(ours, pcap, truth):
    r = Run([ours.rsthop, "analyze", "--jsonl", pcap], good=(0, 1))
    found, forged, wrong, genuine, strange, missing = compare(
        read_truth(truth), r.out)
    print(f"  {'forged resets found':44}{found:>6} of {forged}")
    ours.verdict("genuine resets called forged", wrong, 0,
                 f"{wrong} of {genuine}")
    if strange or missing:
        print(f"  {strange} judged that are none, {missing} not judged")


def bench_speed(ours, tools, pcap, runs):
    loops = os.path.join(tools, "loops")
    commands = {
        "bare": [loops, "pcap", pcap], "capture": [loops, "capture", pcap],
        "decode": [loops, "decode", pcap]}
    if ours.real:
        commands["ours"] = ours.argv + [pcap]
    best = in_turn(commands, runs)
    packets = int(best["bare"].out.split()[0])
    bare = best["bare"].cpu_s
    print(f"  {'':44}{'CPU s':>8}{'wall s':>8}{'ns/packet':>11}{'ratio':>7}")
    for name, words in (("bare", "bare pcap_next_ex loop"),
                        ("capture", "our reader alone"),
                        ("decode", "... and the packet decoder"),
                        ("ours", "... and the judgement: rsthop analyze")):
        if name not in best:
            continue
        r = best[name]
        print(f"  {words:44}{r.cpu_s:8.2f}{r.wall_s:8.2f}"
              f"{r.cpu_s / packets * 1e9:11.0f}{r.cpu_s / bare:7.2f}")
    mine = best["ours" if ours.real else "decode"]
    ratio = mine.cpu_s / bare
    ours.verdict("CPU time, of the bare loop's", ratio, RATIO, f"{ratio:.2f}")
    ours.verdict("  what we aim at", ratio, RATIO_AIM, f"{ratio:.2f}")
    ours.verdict("peak memory, MB", mine.rss_mb, RSS_MB, f"{mine.rss_mb:.1f}")
    return mine


def bench_tshark(ours, mine, pcap):
    tshark = shutil.which("tshark")
    if tshark is None:
        print("  tshark is not installed: that line is skipped")
        return
    argv = [tshark, "-n", "-r", pcap, "-Y", "tcp.flags.reset==1"]
    ratio = Run(argv).wall_s / mine.wall_s
    ours.verdict("times faster than tshark -Y, by the wall", ratio,
                 TSHARK_RATIO, f"{ratio:.0f}", more=True)


def bench_sizes(ours, tools, folder, size, runs):
    """Cost per packet at three sizes, as many flows a byte in each; less
    what a capture without a packet costs, which would hide some growth."""
    files, cost = {}, {}
    empty = os.path.join(folder, "empty.pcap")
    with open(empty, "wb") as f:
        f.write(struct.pack("=IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    files[0] = empty
    for part in (16, 4, 1):
        files[part], _ = generate(tools, folder, f"size-{part}", size // part,
                                  60000 // part, seed=part)
    best = in_turn({p: ours.argv + [f] for p, f in files.items()}, runs)
    for part in (16, 4, 1):
        loop = Run([os.path.join(tools, "loops"), "pcap", files[part]])
        cost[part] = ((best[part].cpu_s - best[0].cpu_s)
                      / int(loop.out.split()[0]) * 1e9)
    for path in files.values():
        os.unlink(path)
    print(f"  ns a packet at {size // 16 // MB}, {size // 4 // MB}, "
          f"{size // MB} MB: "
          + ", ".join(f"{cost[p]:.0f}" for p in (16, 4, 1)))
    ours.verdict("the largest file's, of the smallest's", cost[1] / cost[16],
                 LINEAR, f"{cost[1] / cost[16]:.2f}")


def bench_million(ours, tools, folder, flows, size):
    pcap, _ = generate(tools, folder, "million", size, flows,
                       concurrent=flows)
    r = Run(ours.argv + [pcap], good=(0, 1))
    ours.verdict(f"peak memory, MB, {flows} flows at once", r.rss_mb,
                 MILLION_RSS_MB, f"{r.rss_mb:.0f}")
    print(f"  {'CPU s, wall s':44}{r.cpu_s:6.2f}{r.wall_s:6.2f}")
    os.unlink(pcap)


def bench(args, folder):
    tools = os.path.abspath(args.tools)
    ours = Ours(os.path.abspath(args.rsthop), tools)
    if not ours.real:
        print("rsthop has no analyze yet: our reader and decoder alone stand "
              "in for it below")
    pcap, truth = generate(tools, folder, "capture", args.bytes, 60000)
    fastest = bench_speed(ours, tools, pcap, args.runs)
    bench_tshark(ours, fastest, pcap)
    if ours.real:
        bench_truth(ours, pcap, truth)
    os.unlink(pcap)
    bench_sizes(ours, tools, folder, args.bytes, args.runs)
    bench_million(ours, tools, folder, args.flows, args.bytes)


def self_test():
    """The comparison with the truth counts what it says."""
    truth = {1: {"label": "forged"}, 2: {"label": "genuine"},
             3: {"label": "genuine"}, 4: {"label": "forged"}}
    lines = "\n".join(json.dumps({"frame": f, "verdict": v}) for f, v in (
        (1, "forged"), (2, "forged"), (3, "undetermined"), (9, "genuine")))
    got = compare(truth, lines + "\n")
    ok = got == (1, 2, 1, 2, 1, 1)
    print(f"{'ok  ' if ok else 'FAIL'} found, wrong, strange and missing "
          f"resets are counted{'' if ok else f': {got}'}")
    print(f"{int(ok)} passed, {int(not ok)} failed")
    return 0 if ok else 1


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--rsthop", default=os.path.join(ROOT, "build/rsthop"))
    ap.add_argument("--tools", default=os.path.join(ROOT,
                                                    "build/tests/bench"),
                    help="where gen_capture and loops are")
    ap.add_argument("--bytes", type=int, default=1000 * MB)
    ap.add_argument("--flows", type=int, default=1000000,
                    help="flows at once, for the bound on memory")
    ap.add_argument("--runs", type=int, default=5)
    ap.add_argument("--self-test", action="store_true")
    args = ap.parse_args()
    if args.self_test:
        return self_test()
    try:
        with tempfile.TemporaryDirectory(prefix="rsthop-bench-") as folder:
            bench(args, folder)
    except (Failed, OSError) as e:
        print(f"bench: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
