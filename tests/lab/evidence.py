"""What `rsthop analyze` must find in the evidence that `locate` leaves.

CASES: (name, what it proves, check, topology), for run.py.
"""

import os

import lab as labs
import scenarios


def best(probes):
    """Of what was probed, that which fired most."""
    return max(probes, key=lambda p: p["fired"], default={})


def found_again(scenario):
    """The hop that locate names, and resets that are forged; or neither."""
    def check(bench):
        scenario.arrange(bench.lab)
        path = os.path.join(bench.lab.tmp, "evidence.pcapng")
        done = bench.locate(scenario.target(bench.lab, labs.PORT),
                            *scenario.options, "-o", path)
        verdict = (done.json() or {}).get("verdict", {})
        for key in ("hop", "place"):
            bench.same(f"verdict.{key} of locate", verdict.get(key),
                       getattr(scenario, key))
        again = bench.run("analyze", "--json", "-n", path)
        document = again.json() or {}
        bench.same("the exit status", again.status, int(scenario.hop is None))
        bench.same("damage", [f.get("damage") for f in
                              document.get("files", [])], [None])
        probed = best(document.get("probes", []))
        for key in ("hop", "place"):
            bench.same(f"{key} by the evidence", probed.get(key),
                       verdict.get(key))
        hops = {g["hop"]["best"] for g in document.get("groups", [])
                if g["verdict"] == "forged" and g["direction"] == "to-client"}
        bench.same("hops of the forged groups", hops,
                   {scenario.hop} - {None})
    return check


NAMES = ("founding", "founding6", "reject", "reject6", "tcpkill",
         "tap-copier", "beyond-branch", "nat", "thirty", "abort")

CASES = [
    (f"evidence-{s.name}", "analyze finds in locate's evidence what locate"
     f" found: {s.story}", found_again(s), s.topology())
    for s in scenarios.SCENARIOS if s.name in NAMES]
