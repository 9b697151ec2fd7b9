#!/usr/bin/env python3
"""make sim SENSITIVITY=1: what depends on each number of the inference and of
the search.

usage: sensitivity.py --sim SIM --cc CC --cppflags … --cflags … --libs …
                      [--runs N] [--batch N] [--minutes N] [--jobs N]
                      [--only PATTERN] [--out FILE] OBJECT...
       sensitivity.py --list | --self-test

The numbers are the #defines of FILES.  The word in the comment behind each
says how it is varied; infer_odds.h explains these words.  For each number the
simulation is linked with it halved and with it doubled, and works in the same
networks as the unchanged one, batch by batch, until something has moved for
certain.  The table shows the differences, each with the standard error of the
mean of paired differences.  What --only leaves out keeps its row of the table
that is there.
"""

import argparse
import concurrent.futures
import math
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = ["src/judge/infer_odds.h", "src/locate/search.c"]
KINDS = ["odds", "share", "weight", "count", "fixed"]
SURE = 0.95
# A difference of so many standard errors is no noise: of a thousand cells
# that noise alone makes, fewer than three reach it.
CLEAR = 3
# Right, wrong, Brier, connections: as shown, and the least that is seen there.
SCALES = (1000, 1000, 1000, 1)
LEAST = (0.05, 0.05, 0.05, 0.005)

DEFINE = re.compile(
    r"^#define[ \t]+((?:INFER|SEARCH)_\w+)[ \t]+((?:\\\n|[^\n])*)$", re.M)
VALUE = re.compile(r"(?<![\w.])[\d.]+(?:e-?\d+)?(?![\w.])")
KIND = re.compile(r"/\* (\w+) \*/\s*$")


class Failure(Exception):
    """What keeps the table from being made."""


# -- the numbers

class Number:
    """One number: where it stands, its value, its kind, its table."""

    def __init__(self, file, name, kind, match, table):
        self.file, self.name, self.kind, self.table = file, name, kind, table
        self.start, self.end = match
        self.text = ""
        self.value = 0.0

    def is_varied(self):
        """Certain and impossible stay what they are."""
        if self.kind in ("odds", "share"):
            return 0 < self.value < 1
        return self.kind != "fixed"

    def varied(self, factor):
        """The value with its odds, or itself, times factor."""
        if self.kind in ("odds", "share"):
            odds = self.value / (1 - self.value) * factor
            return odds / (1 + odds)
        if self.kind == "count":
            new = math.floor(self.value * factor)
            step = 1 if factor > 1 else -1
            return max(0, new if new != self.value else new + step)
        return self.value * factor


def parse(file, text):
    """The numbers of a file, in its order."""
    numbers = []
    table, last_line = 0, -2
    for found in DEFINE.finditer(text):
        name, body = found[1], found[2]
        at = found.start(2)
        kind = KIND.search(body)
        if VALUE.match(body.lstrip("( \t\\\n")) is None and kind is None:
            continue
        if kind is None or kind[1] not in KINDS:
            raise Failure(f"{file}: {name} bears none of the words "
                          + ", ".join(KINDS))
        first = text.count("\n", 0, found.start())
        table += first != last_line + 1
        last_line = text.count("\n", 0, found.end())
        values = list(VALUE.finditer(body[:kind.start()]))
        for i, v in enumerate(values):
            number = Number(file, f"{name}[{i}]" if len(values) > 1 else name,
                            kind[1], (at + v.start(), at + v.end()), table)
            number.text, number.value = v[0], float(v[0])
            numbers.append(number)
    return numbers


def change(text, numbers, number, factor):
    """The file's text with the number varied, its fellow shares scaled."""
    new = {number: number.varied(factor)}
    if number.kind == "share":
        scale = (1 - new[number]) / (1 - number.value)
        for n in numbers:
            if n.kind == "share" and n.table == number.table and n != number:
                new[n] = n.value * scale
    for n in sorted(new, key=lambda n: -n.start):
        shown = f"{new[n]:.9g}"
        if n.kind != "count" and "." not in shown and "e" not in shown:
            shown += ".0"
        text = text[:n.start] + shown + text[n.end:]
    return text


# -- the simulation with a changed number

class Builder:
    """Compiles and links the simulation anew where a number is changed."""

    def __init__(self, args, where):
        self.args, self.where = args, where
        self.sources = {p.relative_to(ROOT).as_posix(): p.read_text()
                        for p in sorted((ROOT / "src").rglob("*.[ch]"))}

    def users(self, file, name):
        """The sources that must be compiled again when a number changes."""
        if file.endswith(".c"):
            return [file]
        header = f'#include "{Path(file).name}"'
        word = re.compile(rf"\b{name}\b")
        return [f for f, text in self.sources.items() if f.endswith(".c")
                and header in text and word.search(text)]

    def build(self, label, file, text, names):
        """The path of a simulation in which file holds text."""
        tree = self.where / label
        for floor in ("judge", "locate"):
            shutil.copytree(ROOT / "src" / floor, tree / "src" / floor)
        (tree / file).write_text(text)
        changed = sorted({f for n in names for f in self.users(file, n)})
        if not changed:
            raise Failure(f"nothing uses {', '.join(names)}")
        objects = list(self.args.objects)
        for source in changed:
            at = [i for i, o in enumerate(objects)
                  if o.endswith(source[:-2] + ".o")]
            if len(at) != 1:
                raise Failure(f"{source} has {len(at)} objects")
            objects[at[0]] = str(tree / (source.replace("/", "_") + ".o"))
            self.run([*shlex.split(self.args.cc),
                      *shlex.split(self.args.cppflags),
                      *shlex.split(self.args.cflags), "-w", "-g0",
                      f"-I{tree}/{Path(source).parent}", "-c",
                      "-o", objects[at[0]], str(tree / source)])
        sim = tree / "sim"
        self.run([*shlex.split(self.args.cc), *shlex.split(self.args.cflags),
                  "-g0", "-o", str(sim), *objects,
                  *shlex.split(self.args.libs)])
        return sim

    def run(self, command):
        """Runs a command; what it complains of is the failure."""
        done = subprocess.run(command, cwd=ROOT, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{' '.join(command)}: {done.stderr}")


def simulate(sim, first, runs, out):
    """What became of each run, by its seed, from the first seed on."""
    # It ends with 1 where a promise is broken, as doubled numbers may do.
    done = subprocess.run(
        [str(sim), "--seed", str(first), "--runs", str(runs), "--jobs", "1",
         "--per-run", str(out)], stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise Failure(f"the simulation ended with {done.returncode}: "
                      f"{done.stderr}")
    return read_runs(out.read_text())


def read_runs(text):
    """Of each run, by seed: (right, surely wrong, Brier, connections), and
    what must be alike where nothing moved."""
    runs = {}
    for line in text.splitlines()[1:]:
        seed, right, wrong, claims, hop, confidence, top, top_right, conns = \
            line.split()
        sure = int(wrong) and float(confidence) >= SURE
        runs[int(seed)] = ((int(right), int(bool(sure)),
                            (float(top) - int(top_right)) ** 2, int(conns)),
                           (right, wrong, claims, hop, top_right, conns))
    return runs


# -- the table

class Effect:
    """What one variant moved in the networks that it has seen so far."""

    def __init__(self, base, runs):
        if not runs or not runs.keys() <= base.keys():
            raise Failure("a variant had other runs")
        n = self.runs = len(runs)
        self.moved = sum(base[s][1] != runs[s][1] for s in runs) / n
        self.mean, self.error = [], []
        for k in range(4):
            d = [runs[s][0][k] - base[s][0][k] for s in runs]
            mean = sum(d) / n
            spread = sum((x - mean) ** 2 for x in d) / max(1, n - 1)
            self.mean.append(mean)
            self.error.append(math.sqrt(spread / n))

    def is_clear(self, k):
        """No noise, and large enough to be shown."""
        return (abs(self.mean[k]) > CLEAR * self.error[k] > 0
                and abs(self.mean[k]) * SCALES[k] >= LEAST[k])

    def is_settled(self):
        """Something moved for certain: more runs would tell little more."""
        return any(self.is_clear(k) for k in range(4))

    def cells(self):
        """Its cells of the table."""
        shown = [str(self.runs), f"{100 * self.moved:.1f}"]
        for k in range(4):
            if self.error[k] == 0:
                shown.append("0")
                continue
            digits = 2 if k == 3 else 1
            cell = (f"{self.mean[k] * SCALES[k]:+.{digits}f} ± "
                    f"{self.error[k] * SCALES[k]:.{digits}f}")
            shown.append(f"**{cell}**" if self.is_clear(k) else cell)
        return shown


HEAD = """# What depends on each number

Written by `{command}`.

Each number of `src/judge/infer_odds.h` and of the search was halved and
doubled; of a probability, its odds were. Each variant worked in the same
random networks as the unchanged program, {batch} at a time, until something
moved for certain; at most in {runs}. The unchanged program there:
{base}.

- moved: the share of runs, in %, with another verdict or another number of
  connections
- right: more right verdicts, per 1000 runs
- wrong: more wrong verdicts that claimed 0.95 or more, per 1000 runs
- Brier: a larger Brier score of the most probable hypothesis, times 1000
- connections: more of them, in the mean of a run

± is one standard error, of paired differences. What is more than {clear} of
them is **bold**; all else may be noise. `0` is no difference in any run.

| number | value | | runs | moved | right | wrong | Brier | connections |
|---|--:|---|--:|--:|--:|--:|--:|--:|
"""


def base_words(base):
    """The unchanged program's figures, in words."""
    n = len(base)
    mean = [sum(r[0][k] for r in base.values()) / n for k in range(4)]
    return (f"{1000 * mean[0]:.0f} of 1000 verdicts right, "
            f"{1000 * mean[1]:.1f} wrong at 0.95 or more, Brier score "
            f"{mean[2]:.4f}, {mean[3]:.1f} connections")


def old_rows(text):
    """The pairs of rows of an older table, by the number's name."""
    pairs = re.findall(r"^\| `(\S+)` \|.*\n\|  \|.*\n", text, re.M)
    rows = re.findall(r"^\| `\S+` \|.*\n\|  \|.*\n", text, re.M)
    return dict(zip(pairs, rows))


def table(args, base, numbers, effects, old):
    """The whole file; numbers without effects keep their old rows."""
    text = HEAD.format(command=args.command, runs=len(base), batch=args.batch,
                       base=base_words(base), clear=CLEAR)
    for number in numbers:
        if (number.name, 0.5) not in effects or \
                (number.name, 2) not in effects:
            text += old.get(number.name, "")
            continue
        for factor, sign in ((0.5, "÷ 2"), (2, "× 2")):
            first = factor == 0.5
            cells = [f"`{number.name}`" if first else "",
                     number.text if first else f"{number.varied(2):.4g}"]
            if first:
                cells[1] += f" → {number.varied(0.5):.4g}"
            else:
                cells[1] = "→ " + cells[1]
            cells += [sign, *effects[number.name, factor].cells()]
            text += "| " + " | ".join(cells) + " |\n"
    return text + still(text)


def still(text):
    """Those that move nothing clearly, in words."""
    names = [f"`{name}`" for name, rows in old_rows(text).items()
             if "**" not in rows]
    if not names:
        return ""
    return ("\nNothing that is clearly more than noise moved with:\n"
            + ",\n".join(names) + ".\n")


class Variant:
    """One number, halved or doubled, and what became of its runs."""

    def __init__(self, number, factor):
        self.number, self.factor = number, factor
        self.sim, self.runs, self.effect = None, {}, None

    def build(self, builder, texts, numbers):
        """Links its simulation."""
        n = self.number
        same = [x for x in numbers if x.file == n.file]
        names = {x.name.split("[")[0] for x in same if x == n or
                 n.kind == x.kind == "share" and x.table == n.table}
        self.sim = builder.build(
            re.sub(r"\W", "_", f"{n.name}_{self.factor}"), n.file,
            change(texts[n.file], same, n, self.factor), sorted(names))

    def work(self, base, first, runs):
        """More runs of it."""
        self.runs.update(simulate(self.sim, first, runs,
                                  self.sim.with_suffix(".runs")))
        self.effect = Effect(base, self.runs)

    def __str__(self):
        sign = "÷" if self.factor < 1 else "×"
        return (f"{self.number.name} {sign} 2: "
                + ", ".join(self.effect.cells()))


def work(args, numbers, texts):
    """All variants, a batch of runs at a time; the table after each batch."""
    end = time.monotonic() + 60 * args.minutes
    variants = [Variant(n, f) for n in numbers if n.is_varied()
                and re.search(args.only, n.name) for f in (0.5, 2)]
    base, old = {}, {}
    if Path(args.out).exists():
        old = old_rows(Path(args.out).read_text())
    with tempfile.TemporaryDirectory(prefix="sensitivity-") as where:
        builder = Builder(args, Path(where))

        def step(variant, first, n):
            if time.monotonic() > end:
                return
            if variant.sim is None:
                variant.build(builder, texts, numbers)
            variant.work(base, first, n)
            print(variant, flush=True)

        for first in range(1, args.runs + 1, args.batch):
            if time.monotonic() > end:
                break
            n = min(args.batch, args.runs - first + 1)
            base.update(simulate(args.sim, first, n,
                                 Path(where) / "base.runs"))
            still_open = [v for v in variants if v.effect is None
                          or not v.effect.is_settled()]
            with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
                steps = [pool.submit(step, v, first, n) for v in still_open]
                for done in concurrent.futures.as_completed(steps):
                    done.result()
                    effects = {(v.number.name, v.factor): v.effect
                               for v in variants if v.effect is not None}
                    Path(args.out).write_text(
                        table(args, base, numbers, effects, old))


# -- its own test

SAMPLE = """\
/* Two shares. */
#define INFER_A 0.2 /* share */
#define INFER_B 0.8 /* share */

#define INFER_LIST \\
	0.5, 1, \\
	    0.25 /* odds */
#define SEARCH_N 3 /* count */
#define SEARCH_NAP (CLOCK_S + 50 * CLOCK_MS) /* fixed */
#define INFER_GUARD_H
"""


def self_test():
    """Fails where a planted fault goes unseen."""
    numbers = {n.name: n for n in parse("sample", SAMPLE)}
    want = ["INFER_A", "INFER_B", "INFER_LIST[0]", "INFER_LIST[1]",
            "INFER_LIST[2]", "SEARCH_N", "SEARCH_NAP"]
    assert list(numbers) == want, list(numbers)
    assert [n.is_varied() for n in numbers.values()] == \
        [True, True, True, False, True, True, False]
    text = change(SAMPLE, numbers.values(), numbers["INFER_A"], 2)
    shares = [float(x) for x in re.findall(r"([\d.]+) /\* share", text)]
    assert abs(shares[0] - 1 / 3) < 1e-6 and abs(sum(shares) - 1) < 1e-6
    assert "0.5, 1, \\\n\t    0.4 /*" in change(
        SAMPLE, numbers.values(), numbers["INFER_LIST[2]"], 2)
    assert [numbers["SEARCH_N"].varied(f) for f in (0.5, 2)] == [1, 6]
    try:
        parse("sample", SAMPLE.replace(" /* count */", ""))
        raise AssertionError("a number without a word went unseen")
    except Failure:
        pass
    head = "seed\n"
    base = read_runs(head + "1 1 0 1 3 0.9 0.9 1 10\n2 1 0 1 3 0.9 0.9 1 10\n")
    other = read_runs(head + "1 1 0 1 3 0.9 0.9 1 10\n2 0 1 1 4 0.99 1 0 14\n")
    effect = Effect(base, other)
    assert not effect.is_clear(3)
    effect.error[3] = 0.5
    assert effect.is_clear(3)
    effect.error[3], effect.mean[3] = 0.0001, 0.004
    assert not effect.is_clear(3)
    effect.mean[3] = 2
    assert effect.moved == 0.5 and effect.mean[3] == 2
    assert effect.mean[:2] == [-0.5, 0.5] and effect.error[0] == 0.5
    rows = "| `INFER_A` | 1 | **+2** |\n|  | 3 | 0 |\n" \
        "| `INFER_B` | 1 | 0 |\n|  | 3 | 0 |\n"
    assert list(old_rows(rows)) == ["INFER_A", "INFER_B"]
    assert "".join(old_rows(rows).values()) == rows
    assert "INFER_B" in still(rows) and "INFER_A" not in still(rows)
    print("1 passed, 0 failed")


def main():
    """Reads the line, does the work."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sim", help="the simulation, unchanged")
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--cppflags", default="")
    parser.add_argument("--cflags", default="")
    parser.add_argument("--libs", default="")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=math.inf,
                        help="stop after so many")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", default="", help="names that hold this")
    parser.add_argument("--out", default="tests/sim/SENSITIVITY.md")
    parser.add_argument("--command", default="make sim SENSITIVITY=1",
                        help="what the table says that it was made by")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("objects", nargs="*")
    args = parser.parse_args()
    if args.self_test:
        self_test()
        return
    texts = {f: (ROOT / f).read_text() for f in FILES}
    numbers = [n for f in FILES for n in parse(f, texts[f])]
    if args.list:
        for n in numbers:
            print(f"{n.name} {n.text} {n.kind} {n.varied(0.5):.4g} "
                  f"{n.varied(2):.4g}" if n.is_varied() else
                  f"{n.name} {n.text} {n.kind}")
        return
    work(args, numbers, texts)


if __name__ == "__main__":
    try:
        main()
    except Failure as e:
        sys.exit(f"sensitivity: {e}")
