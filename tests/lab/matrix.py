#!/usr/bin/env python3
"""Every forger of the lab over every path: is rsthop right, and how fast?

All of forger x probability x path, and with them any two values of the other
factors together at least once.  Prints wrong runs, one a line with how to
repeat it, and a table by forger and probability; a row fails where more than
one run in twenty is wrong, or a wrong one claims 0.95 or more.
"""

import argparse
import collections
import dataclasses
import itertools
import json
import os
import queue
import random
import signal
import statistics
import subprocess
import sys
import threading

import lab as labs
import run as runs

SURE = 0.95
TOLERATED = 20  # of so many runs one may be wrong

FORGERS = {  # options, and the policy that is the truth about it
    "fixed-64": (["--ttl", "64"], ("fixed",)),
    "fixed-255": (["--ttl", "255"], ("fixed",)),
    "fixed-128": (["--ttl", "128"], ("fixed",)),
    "copy": (["--ttl", "copy"], ("copy",)),
    "random": (["--ttl", "random"], ("random",)),
    # No word says that a TTL counts up.
    "step": (["--ttl", "step", "--window", "step"], ("random",)),
    "imitate": (["--ttl", "imitate"], ("imitates-server",)),
    "REJECT": (None, ("fixed",)),
    "tcpkill": (None, ("fixed",)),
}
# Those whose TTL tells no distance.
FAR_BLIND = ("random", "step", "imitate")

PATHS = {  # of the Lab; what is done to it besides is in lay()
    "plain6": {"hops": 6},
    "plain12": {"hops": 12},
    "rtt40": {"hops": 12},
    "limited": {"hops": 6},
    "branch": {"hops": 8, "branch": 3, "branch_back": "both"},
    "in-branch": {"hops": 6, "branch": 3},
    "nat": {"hops": 8},
    "way-back": {"hops": 8, "back": (2, 2, 2)},
    "silent": {"hops": 8},
    "loss": {"hops": 8},
    "segment": {"hops": 4, "segment": True},
}

FACTORS = {
    "forger": list(FORGERS),
    "p": [1, 0.5, 0.2],
    "path": list(PATHS),
    "place": ["router", "wire", "tap"],
    "at": ["first", "middle", "last"],
    "version": [4, 6],
    "id": ["copy", "random", "zero"],
    "dice": ["packet", "connection", "flow"],
    "drop": ["drop", "pass"],
    "ends": ["client", "both"],
    # What of a trigger the reset lets see, besides its ID.
    "tags": ["seq", "window", "none"],
}
BASE = ("forger", "p", "path")


# Cases: a value of each factor


def allowed(c):
    """c: a value for each of some factors."""
    get = c.get
    real = {"REJECT": {"place": "router", "id": "zero", "dice": "packet",
                       "drop": "drop", "ends": "client", "tags": "seq"},
            "tcpkill": {"p": 1, "place": "tap", "version": 4,
                        "id": "random", "dice": "packet", "drop": "pass",
                        "ends": "client", "tags": "seq"}}
    for key, value in real.get(get("forger"), {}).items():
        if get(key, value) != value:
            return False
    if get("forger") == "step" and get("tags") == "window":
        return False  # its window counts
    if get("place") == "tap" and get("drop") == "drop":
        return False
    if get("path") == "segment":
        # A bridge is no router: what it forwards keeps its TTL.
        return get("at", "first") == "first" and get("place") != "router" \
            and get("forger") != "REJECT"
    if get("path") == "in-branch":
        # It sees no packet of the server's that it could imitate.
        return get("at", "middle") == "middle" \
            and get("forger") != "imitate"
    return True


def pairs(c):
    return itertools.combinations(sorted(c.items()), 2)


def complete(part, rng, open_pairs):
    """part with values for the rest, that cover most pairs yet open."""
    best, best_count = None, -1
    for _ in range(80):
        c = {f: part[f] if f in part else rng.choice(values)
             for f, values in FACTORS.items()}
        if not allowed(c):
            continue
        count = sum(p in open_pairs for p in pairs(c))
        if count > best_count:
            best, best_count = c, count
    if best is None:
        return exhaust(part)
    return best


def exhaust(part):
    """The first that is allowed, where chance finds none; or None."""
    values = [[part[f]] if f in part else v for f, v in FACTORS.items()]
    for row in itertools.product(*values):
        c = dict(zip(FACTORS, row))
        if allowed(c):
            return c
    return None


def all_pairs():
    found = set()
    for (f, vs), (g, ws) in itertools.combinations(
            sorted(FACTORS.items()), 2):
        found |= {((f, v), (g, w)) for v in vs for w in ws
                  if exhaust({f: v, g: w}) is not None}
    return found


def cover():
    """The cases; the same each time."""
    rng = random.Random(1)
    open_pairs = all_pairs()
    cases = []

    def take(part):
        c = complete(part, rng, open_pairs)
        if c is not None:
            open_pairs.difference_update(pairs(c))
            cases.append(c)

    for row in itertools.product(*(FACTORS[f] for f in BASE)):
        part = dict(zip(BASE, row))
        if allowed(part):
            take(part)
    while open_pairs:
        take(dict(min(open_pairs, key=repr)))
    return cases


def name_of(c):
    return ",".join(str(c[f]) for f in FACTORS)


def case_of(name):
    c = {}
    for (f, values), word in zip(FACTORS.items(), name.split(",")):
        c[f] = next((v for v in values if str(v) == word), None)
    if len(c) != len(FACTORS) or None in c.values() or not allowed(c):
        sys.exit(f"matrix.py: {name} is no case")
    return c


# In the lab


def hop_of(c):
    hops = PATHS[c["path"]]["hops"]
    if c["path"] == "in-branch":
        return 3
    # Behind the NAT; and before the last router, for what fires from TTL N
    # on is hidden from all that must not reach the server.
    first = 2 if c["path"] == "nat" else 1
    return {"first": first, "middle": (hops + 2) // 2,
            "last": hops - 1}[c["at"]]


def topology(c):
    shape = dict(PATHS[c["path"]])
    if c["path"] == "silent":
        shape["silent"] = (hop_of(c),)
    return shape


def forger_options(c):
    options = list(FORGERS[c["forger"]][0])
    if c["forger"] == "imitate" and c["place"] == "wire" \
            and c["path"] != "segment":
        options.append("--decrement")  # as the router will do to the server's
    options += ["--id", "0", "--df"] if c["id"] == "zero" else \
        ["--id", c["id"]]
    options += ["--seq", "ack" if c["tags"] == "seq" else "state"]
    if c["tags"] == "window":
        options += ["--window", "copy"]
    options += ["--probability", str(c["p"]), "--dice", c["dice"],
                "--ends", c["ends"]]
    return options + (["--drop"] if c["drop"] == "drop" else [])


def device(lab, c):
    hop = hop_of(c)
    node = {"in-branch": "r3b", "segment": "seg"}.get(c["path"], hop)
    if c["forger"] == "REJECT":
        lab.reject(node, probability=c["p"])
    elif c["forger"] == "tcpkill":
        lab.tcpkill(node)
    else:
        place = c["place"]
        if node == "seg" and place == "wire":
            place = "router"  # the bridge's own FORWARD chain
        lab.forge(node, place, *forger_options(c))


def lay(lab, c):
    """What a path has besides its topology."""
    if c["path"] == "rtt40":
        lab.link(1, "--delay-ms", "20")
    elif c["path"] == "loss":
        lab.link(1, "--loss", "0.05", "--seed", str(lab.seed))
    elif c["path"] == "nat":
        lab.masquerade()


def target(lab, c):
    address = lab.server_address(c["version"])
    return f"[{address}]:{labs.PORT}" if c["version"] == 6 else \
        f"{address}:{labs.PORT}"


def play(bench, c, seed, build, text=False):
    """One run: what Judge needs, as a dict."""
    with labs.Lab(seed=seed, build=build, **topology(c)) as lab:
        bench.lab, bench.wrong = lab, []
        lab.serve()
        lay(lab, c)
        if c["path"] == "limited":
            # The routers have then answered all they do in one go.
            for _ in range(2):
                bench.run("trace", "--json", "-n", target(lab, c))
        device(lab, c)
        words = () if text else ("--json",)
        done = bench.run("locate", "-n", *words, "--payload", labs.KEYWORD,
                         target(lab, c))
        addresses = true_addresses(lab, c)
        lab.clear()
        faults = bench.wrong + lab.faults
    faults += runs.leftovers(bench.lab)
    return {"case": name_of(c), "seed": seed, "status": done.status,
            "seconds": done.seconds, "faults": faults, "err": done.err,
            "out": done.out, "addresses": addresses}


def true_addresses(lab, c):
    """What may be told for the hop; None: no address is told."""
    if c["path"] == "silent":
        return [None]
    known = lab.addresses(hop_of(c), c["version"])
    if c["path"] != "in-branch":
        return known[:1]
    # A device before r3b that drops what fires hides r3b from the very
    # five-tuples that fire.
    hidden = c["place"] == "wire" and c["drop"] == "drop"
    return [known[1], None] if hidden else [known[1]]


# Judgement


def twin(hop, place):
    """What no probe tells from it, where TTLs of resets tell nothing."""
    return (hop + 1, "wire") if place == "router" else (hop - 1, "router")


@dataclasses.dataclass
class Verdict:
    """How a run ended: right, undetermined or wrong; and why."""
    state: str
    sure: bool = False  # it claims SURE or more
    why: str = ""
    partly: bool = False  # right, without a word on place or TTL policy
    connections: int = 0
    seconds: float = 0.0
    claims: tuple = ()  # what else it says, and is not so


def false_claims(c, v):
    """What a device does beside the reset to the client; None: not told."""
    claims = []
    drops = c["drop"] == "drop"
    if v["in_path"] not in (None, drops):
        claims.append(f"in_path {v['in_path']}")
    both = c["ends"] == "both"
    # tcpkill is fired by the server's echo, too.
    if v["resets_server_too"] not in (None, both) \
            and c["forger"] != "tcpkill":
        claims.append(f"resets_server_too {v['resets_server_too']}")
    return tuple(claims)


def judge(r):
    c = case_of(r["case"])
    try:
        document = json.loads(r["out"])
    except ValueError:
        return Verdict("wrong", True, "no report: "
                       + (r["err"].strip() or f"status {r['status']}"))
    v = document["verdict"]
    sure = v["confidence"] >= SURE
    if r["faults"]:
        judged = Verdict("wrong", sure, "; ".join(r["faults"]))
    elif v["kind"] == "middlebox" and v["hop"] is not None:
        judged = judge_hop(c, v, r["addresses"], sure)
        judged.claims = false_claims(c, v)
    elif names_pair(c, v):
        judged = Verdict("right")
    elif v["kind"] == "undetermined" or \
            v["kind"] == "not-reproduced" and c["p"] < 1 and not sure:
        judged = Verdict("undetermined")
    else:
        judged = Verdict("wrong", sure,
                         f"{v['kind']} {v['confidence']:.2f}")
    judged.connections = document["connections"]
    judged.seconds = r["seconds"]
    return judged


def truth_of(c):
    return hop_of(c), "router" if c["place"] == "router" else "wire"


def names_pair(c, v):
    """Open which of two, where no probe could tell: that is the answer."""
    truth = truth_of(c)
    first = {(a["hop"], a["place"]) for a in v["alternatives"][:2]}
    return c["forger"] in FAR_BLIND and v["kind"] == "undetermined" \
        and first == {truth, twin(*truth)}


def judge_hop(c, v, addresses, sure):
    policies = FORGERS[c["forger"]][1]
    truth = truth_of(c)
    found = (v["hop"], v["place"])
    said = (f"hop {v['hop']} {v['place']} {v['ttl_policy']}"
            f" {v['confidence']:.2f}, not hop {truth[0]} {truth[1]}"
            f" {policies[0]}")
    if c["forger"] in FAR_BLIND and not sure and found == twin(*truth):
        found = truth
    if found not in (truth, (truth[0], None)):
        return Verdict("wrong", sure, said)
    # Of routers that share a hop none is named unless the flows tell which.
    unnamed = v["address"] is None and "branch" in c["path"]
    if v["hop"] == truth[0] and v["address"] not in addresses and not unnamed:
        return Verdict("wrong", sure, f"{v['address']}, not {addresses[0]}")
    if v["ttl_policy"] not in policies + ("unknown",):
        return Verdict("wrong", False, said)
    return Verdict("right", partly=None in found or unnamed
                   or v["ttl_policy"] == "unknown")


# Side by side


class Worker:
    """Another process with a lab: a line of JSON in, a line out."""

    def __init__(self, args):
        argv = [labs.PYTHON, os.path.abspath(__file__), "--worker",
                "--rsthop", args.rsthop]
        if args.build:
            argv += ["--build", args.build]
        self.popen = subprocess.Popen(argv, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)

    def ask(self, case, seed):
        self.popen.stdin.write(json.dumps([case, seed]) + "\n")
        self.popen.stdin.flush()
        line = self.popen.stdout.readline()
        if not line:
            raise labs.LabError(f"a worker died on {case} {seed}")
        return json.loads(line)

    def close(self):
        """Lets it end what it is at."""
        self.popen.stdin.close()
        self.popen.wait()
        self.popen.stdout.close()


def work(args):
    """The worker's side."""
    bench = runs.Bench(args.rsthop)
    for line in sys.stdin:
        case, seed = json.loads(line)
        try:
            answer = play(bench, case_of(case), seed, args.build)
        except labs.Missing as e:
            answer = {"case": case, "seed": seed, "missing": str(e)}
        except (labs.LabError, OSError, LookupError, ValueError) as e:
            answer = {"case": case, "seed": seed, "status": None,
                      "seconds": 0, "faults": [], "out": "",
                      "err": f"{type(e).__name__}: {e}", "addresses": []}
        print(json.dumps(answer), flush=True)


def drive(worker, todo, done):
    """A thread's: feeds a worker until nothing is left to do."""
    while True:
        try:
            case, seed = todo.popleft()
        except IndexError:
            return
        try:
            done.put(worker.ask(case, seed))
        except (labs.LabError, OSError) as e:
            done.put(e)
            return


def run_all(args, jobs):
    """Yields what play() gave, as it comes."""
    todo, done = collections.deque(jobs), queue.Queue()
    workers = [Worker(args) for _ in range(min(args.labs, len(jobs)))]
    for w in workers:
        threading.Thread(target=drive, args=(w, todo, done),
                         daemon=True).start()
    try:
        for _ in jobs:
            answer = done.get()
            if isinstance(answer, Exception):
                raise answer
            yield answer
    finally:
        todo.clear()
        for w in workers:
            w.close()


# What is printed


COLUMNS = ("runs", "right", "undet", "wrong", "sure wrong", "partly",
           "false claims", "connections", "seconds")


def row_of(verdicts):
    count = collections.Counter(v.state for v in verdicts)
    return (len(verdicts), count["right"], count["undetermined"],
            count["wrong"],
            sum(v.state == "wrong" and v.sure for v in verdicts),
            sum(v.partly for v in verdicts),
            sum(len(v.claims) for v in verdicts),
            f"{statistics.median(v.connections for v in verdicts):g}",
            f"{statistics.median(v.seconds for v in verdicts):.1f}")


def fails(verdicts):
    wrong = [v for v in verdicts if v.state == "wrong"]
    return len(wrong) * TOLERATED > len(verdicts) or any(
        v.sure for v in wrong)


def show_table(heads, groups):
    """groups: verdicts by a tuple of as many words as heads."""
    rows = [(*heads, *COLUMNS)]
    rows += [(*map(str, key), *map(str, row_of(verdicts)))
             for key, verdicts in groups.items()]
    widths = [max(map(len, column)) for column in zip(*rows)]
    print()
    for row in rows:
        print("  ".join(
            word.ljust(width) if i < len(heads) else word.rjust(width)
            for i, (word, width) in enumerate(zip(row, widths))))


def group(judged, *factors):
    """Verdicts by the values of these factors, in the factors' order."""
    keys = itertools.product(*(FACTORS[f] for f in factors))
    groups = {key: [v for c, v in judged
                    if tuple(c[f] for f in factors) == key] for key in keys}
    return {key: verdicts for key, verdicts in groups.items() if verdicts}


def report(judged):
    """Tables by forger and p, and by path; the numbers of good, bad rows."""
    groups = group(judged, "forger", "p")
    show_table(("forger", "p"), groups)
    show_table(("path",), group(judged, "path"))
    failed = sum(fails(v) for v in groups.values())
    return len(groups) - failed, failed


def tell(r, v):
    how = f"tests/lab/matrix.py --case {r['case']} --seed {r['seed']}"
    if v.state == "wrong":
        print(f"WRONG{' AND SURE' if v.sure else ''}: {v.why}\n      {how}",
              flush=True)
    for claim in v.claims:
        print(f"not so: {claim}\n      {how}", flush=True)


def run_matrix(args, cases):
    jobs = [(name_of(c), args.seed + n) for n in range(args.runs)
            for c in cases]
    covered = len(set().union(*(pairs(c) for c in cases)))
    print(f"{len(cases)} cases, which cover {covered} pairs of values of"
          f" {len(FACTORS)} factors; {len(jobs)} runs", flush=True)
    judged = []
    # Our workers shall take their labs down before we go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    for nth, r in enumerate(run_all(args, jobs), 1):
        if "missing" in r:
            print(f"SKIPPED {r['case']}: {r['missing']}", flush=True)
            continue
        v = judge(r)
        judged.append((case_of(r["case"]), v))
        tell(r, v)
        if args.save:
            print(json.dumps({**r, **dataclasses.asdict(v)}),
                  file=args.save, flush=True)
        if sys.stderr.isatty():
            print(f"\r{nth} of {len(jobs)}", end="", file=sys.stderr)
    if not judged:
        print("0 passed, 1 failed")
        return 1
    passed, failed = report(judged)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def show_case(args):
    """One case as people see it, then its judgement."""
    bench = runs.Bench(args.rsthop, verbose=True)
    c = case_of(args.case)
    print(", ".join(f"{f} {c[f]}" for f in FACTORS)
          + f"; truth: hop {hop_of(c)}")
    text = play(bench, c, args.seed, args.build, text=True)
    bench.verbose = False
    v = judge(play(bench, c, args.seed, args.build))
    print(f"a second time, by its JSON: {v.state} {v.why}")
    return 1 if v.state == "wrong" or text["faults"] else 0


def sample(cases):
    """A small share, of what is quick: each forger, each path."""
    chosen, seen = [], collections.Counter()
    for c in sorted(cases, key=lambda c: (c["path"] != "plain6", c["p"])):
        if c["p"] < 0.5 or c["forger"] == "tcpkill":
            continue
        if seen[c["forger"]] == 0 or seen[c["path"]] == 0 and \
                seen[c["forger"]] < 3:
            seen.update([c["path"], c["forger"]])
            chosen.append(c)
    return chosen


def parse():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rsthop", default=os.path.join(labs.TOP, "build",
                                                    "rsthop"))
    p.add_argument("--build", help="where forger and link are")
    p.add_argument("--runs", type=int, default=1, metavar="N",
                   help="each case N times, with N seeds (1)")
    p.add_argument("--seed", type=int, default=1, help="the first (1)")
    p.add_argument("--only", action="append", metavar="WORD", default=[],
                   help="cases with this value, such as nat or 0.5"
                   " (repeatable)")
    p.add_argument("--labs", type=int, default=2, metavar="N",
                   help="side by side (2)")
    p.add_argument("--sample", action="store_true", help="a small share")
    p.add_argument("--list", action="store_true", help="the cases")
    p.add_argument("--case", metavar="CASE", help="this one, in full")
    p.add_argument("--save", metavar="FILE", type=argparse.FileType("w"),
                   help="every run as a line of JSON")
    p.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return p.parse_args()


def choose(args):
    cases = cover()
    if args.sample:
        cases = sample(cases)
    for word in args.only:
        cases = [c for c in cases if word in name_of(c).split(",")]
    return cases


def main():
    args = parse()
    if args.worker:
        work(args)
        return 0
    cases = choose(args)
    if args.list:
        print("\n".join(map(name_of, cases)))
        return 0
    if not cases:
        sys.exit("matrix.py: no case has all of " + " ".join(args.only))
    if not os.access(args.rsthop, os.X_OK):
        sys.exit(f"matrix.py: {args.rsthop} is not there: run `make` first")
    labs.require()
    return show_case(args) if args.case else run_matrix(args, cases)


if __name__ == "__main__":
    sys.exit(main())
