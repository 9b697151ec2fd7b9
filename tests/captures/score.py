#!/usr/bin/env python3
"""Scores `rsthop analyze` against captures whose resets people have judged.

usage: score.py [--rsthop PROGRAM] [--captures DIR] [--verbose]

DIR holds labels.tsv, a row a reset: file, frame, label, confidence, group,
forger_hops_truth ...  Where there is no such folder it says so and passes:
the captures are not a part of this project.

Status 1 where a genuine reset of high confidence is called forged, where
fewer than 95 in 100 of the forged ones are found, or where all of a group's
forged ones are missed.
"""

import argparse
import collections
import csv
import json
import re
import subprocess
import sys
from pathlib import Path

ENOUGH = 0.95  # of the forged
STATUSES = (0, 1, 3)  # of analyze: forged, none forged, damaged


def analyze(rsthop, captures, name):
    """frame -> reset, and what went wrong."""
    r = subprocess.run([rsthop, "analyze", "--json", str(captures / name)],
                       stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, errors="replace", timeout=120)
    if r.returncode not in STATUSES:
        return {}, f"status {r.returncode}: {r.stderr.strip()[-300:]}"
    try:
        doc = json.loads(r.stdout)
    except ValueError:
        return {}, r.stderr.strip()[-300:] or "no JSON"
    return {x["frame"]: x for x in doc["resets"]}, None


def hops_of(text):
    """The hop that a row gives: the number that its text begins with."""
    m = re.match(r"(\d+)\b(?!-)", text)
    return int(m[1]) if m else None


def tell(row, reset):
    print(f"{row['file']} #{row['frame']}: {row['label']} "
          f"({row['confidence']}), not {reset['verdict'] if reset else '-'}")
    print(f"    {row['evidence'][:160]}")
    for reason in (reset or {}).get("reasons", []):
        print(f"    {reason['weight']:+5.1f} {reason['code']}: "
              f"{reason['text']}")


def table(title, counts):
    verdicts = ["forged", "undetermined", "genuine", "missing"]
    print(f"\n{title:34}" + "".join(f"{v:>14}" for v in verdicts))
    for key in sorted({k for k, _ in counts}):
        print(f"{key:34}" + "".join(
            f"{counts[key, v] or '-':>14}" for v in verdicts))


def judge(rows, found, verbose):
    """Prints the tables; the faults."""
    by_label, by_group = collections.Counter(), collections.Counter()
    wrong, hops = [], collections.Counter()
    for row in rows:
        reset = found[row["file"]].get(int(row["frame"]))
        got = reset["verdict"] if reset else "missing"
        by_label[f"{row['label']}, {row['confidence']}", got] += 1
        by_group[f"{row['group']}, {row['label']}", got] += 1
        if row["label"] != "ambiguous" and got != row["label"] and verbose:
            tell(row, reset)
        if (row["label"], row["confidence"], got) == (
                "genuine", "high", "forged"):
            wrong.append(f"{row['file']} #{row['frame']} is genuine and "
                         "called forged")
        truth = hops_of(row["forger_hops_truth"])
        if row["label"] == "forged" and truth and reset:
            best = (reset.get("hop") or {}).get("best")
            hops[row["group"], truth, best,
                 bool(reset.get("ttl_usable"))] += 1
    table("label, confidence", by_label)
    table("group, label", by_group)
    print(f"\n{'group':34}{'truth':>8}{'hop':>8}{'TTL usable':>12}")
    for (group, truth, best, usable), n in sorted(
            hops.items(), key=str):
        print(f"{group:34}{truth:>8}{best if best else '-':>8}"
              f"{'yes' if usable else 'no':>12}  {n} times")
    return wrong + misses(by_label, by_group)


def misses(by_label, by_group):
    bad = []
    forged = {v: n for (k, v), n in by_label.items()
              if k == "forged, high"}
    total = sum(forged.values())
    if total and forged.get("forged", 0) < ENOUGH * total:
        bad.append(f"{forged.get('forged', 0)} of {total} forged resets "
                   "found")
    for key in {k for k, _ in by_group if k.endswith(", forged")}:
        if by_group[key, "forged"] == 0:
            bad.append(f"none of {key} is found")
    return bad


def main():
    root = Path(__file__).resolve().parents[2]
    ap = argparse.ArgumentParser()
    ap.add_argument("--rsthop", default=str(root / "build/rsthop"))
    ap.add_argument("--captures", type=Path,
                    default=root.parent / "shared/captures")
    ap.add_argument("--verbose", action="store_true")
    args = ap.parse_args()
    labels = args.captures / "labels.tsv"
    if not labels.exists():
        print(f"skip no {labels}: no judged captures to score by")
        return 0
    with labels.open(newline="") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    found = {}
    for name in sorted({r["file"] for r in rows}):
        found[name], trouble = analyze(args.rsthop, args.captures, name)
        if trouble:
            print(f"{name}: {trouble}")
    faults = judge(rows, found, args.verbose)
    for fault in faults:
        print(f"FAIL {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
