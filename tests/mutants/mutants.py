#!/usr/bin/env python3
"""make mutants: changes one operator at a time in src, and tells which changes
no test notices.

usage: mutants.py [--folder F]... [--file F]... [--line N] [--per-folder N |
                  --all] [--seed N] [--list] [--require PERCENT] | --self-test

The tree is copied once and built there: the library as a shared object, the
unit tests linked with an empty libmutant.so before it.  A mutant is one object
in a libmutant.so of its own, whose functions then come before the library's,
so that nothing else is linked anew.  A build with gcov tells which programs
reach which line; a mutant meets only these, the fastest first, until one
notices it: fails, crashes or takes too long.

Neither noticed nor survived: what does not compile, and what compiles to the
object of the unmutated file, or of another mutant of it.
"""

import argparse
import concurrent.futures
import json
import os
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ACCEPTED = "tests/mutants/accepted.txt"

PER_FOLDER = 10
# A program may take so many times what it takes unmutated, and so many
# seconds in any case.
LIMIT_TIMES = 5
PATIENCE = 5
# Programs that take more seconds need not fail twice.
LONG = 10
# A mutant that loops may not take the machine's memory or disk with it.
MEMORY_MAX = 4 << 30
FILE_MAX = 1 << 30

OPTIONS = ["-w", "-g0", "-fPIC"]


# -- the mutants of a file

# What is no code: comments, strings, characters, the preprocessor's lines.
NO_CODE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
    r"""|^[ \t]*\#(?:\\\n|[^\n])*""", re.S | re.M)

# clang-format puts blanks round binary operators and round no other.
BINARY = re.compile(r"(?<=\s)(==|!=|<=|>=|<|>|&&|\|\||\+|-)(?=\s)")
BINARY_TO = {
    "==": ["!="], "!=": ["=="], "<": ["<=", ">="], "<=": ["<"],
    ">": [">="], ">=": [">"], "&&": ["||"], "||": ["&&"],
    "+": ["-"], "-": ["+"],
}
NOT = re.compile(r"!(?!=)")
IF = re.compile(r"\bif \(")
FUNCTION = re.compile(r"^([A-Za-z_]\w*)\(", re.M)
RETURN = re.compile(r"\breturn\b[^;]*;")
RETURN_NUMBER = re.compile(r"(?:\breturn|\?|:)\s*([01])\s*(?=[;:])")
RETURN_BOOL = re.compile(r"\b(true|false)\b")
OPERAND = r"([\w.\[\]]+(?:->[\w.\[\]]+)*)"
TERNARY = re.compile(
    rf"{OPERAND}\s*[<>]=?\s*{OPERAND}\)?\s*\?\s*({OPERAND}\s*:\s*{OPERAND})")


def normalise(text):
    """The text with one blank where there were several."""
    return " ".join(text.split())


def blank_out(text):
    """The text with blanks for all that is no code; lines stay lines."""
    return NO_CODE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def close_of(code, at):
    """Where the bracket at `at` is closed, or -1."""
    deep = 0
    opens = code[at]
    closes = {"(": ")", "{": "}"}[opens]
    for i in range(at, len(code)):
        deep += (code[i] == opens) - (code[i] == closes)
        if deep == 0:
            return i
    return -1


def is_guard(code, at):
    """Whether what begins at `at` is a return, or a block that ends in one."""
    at += len(code[at:]) - len(code[at:].lstrip())
    if not code.startswith("{", at):
        return re.match(r"return\b", code[at:at + 7]) is not None
    inside = code[at + 1:close_of(code, at)].rstrip().rstrip(";")
    last = re.split(r"[;{}]", inside)[-1]
    return re.match(r"\s*return\b", last) is not None


class Mutant:
    """One change: `new` for file[start:end], by the name of `what`."""

    def __init__(self, file, text, start, end, new, what):
        self.file = file
        self.start, self.end, self.what = start, end, what
        # Later lines keep their numbers.
        self.new = new + "\n" * text.count("\n", start, end)
        self.line = text.count("\n", 0, start) + 1
        names = FUNCTION.findall(text, 0, start)
        self.function = names[-1] if names else "-"
        begin = text.rfind("\n", 0, start) + 1
        stop = text.find("\n", end)
        stop = len(text) if stop == -1 else stop
        self.before = normalise(text[begin:stop])
        self.after = normalise(text[begin:start] + new + text[end:stop])
        self.library = None
        self.reached = True
        self.noticed_by = None

    def apply(self, text):
        """The mutated file."""
        return text[:self.start] + self.new + text[self.end:]

    def key(self):
        """What a line of accepted.txt says of it."""
        return (self.file, self.function, self.before, self.what)

    def __str__(self):
        return (f"{self.file}:{self.line}: {self.before} -> {self.after}"
                f"  [{self.what}] in {self.function}")


def find_changes(code):
    """All (start, end, new, what) of code that is blanked out."""
    for m in BINARY.finditer(code):
        for new in BINARY_TO[m[1]]:
            yield m.start(1), m.end(1), new, f"{m[1]} -> {new}"
    for m in NOT.finditer(code):
        yield m.start(), m.end(), "", "! dropped"
    for m in IF.finditer(code):
        close = close_of(code, m.end() - 1)
        if close != -1 and is_guard(code, close + 1):
            for new in "01":
                yield m.end(), close, new, f"condition -> {new}"
    for r in RETURN.finditer(code):
        for m in RETURN_NUMBER.finditer(code, r.start(), r.end()):
            new = "0" if m[1] == "1" else "1"
            yield m.start(1), m.end(1), new, f"return {m[1]} -> {new}"
        for m in RETURN_BOOL.finditer(code, r.start(), r.end()):
            new = "false" if m[1] == "true" else "true"
            yield m.start(1), m.end(1), new, f"{m[1]} -> {new}"
    for m in TERNARY.finditer(code):
        if {m[1], m[2]} == {m[4], m[5]} and m[4] != m[5]:
            yield m.start(3), m.end(3), f"{m[5]} : {m[4]}", "arms swapped"


def find_mutants(root, file):
    """All mutants of a file, in its order."""
    text = (root / file).read_text()
    seen = {}
    out = []
    for start, end, new, what in sorted(find_changes(blank_out(text))):
        m = Mutant(file, text, start, end, new, what)
        # The second of a kind on a line is told from the first.
        nth = seen[m.line, what] = seen.get((m.line, what), 0) + 1
        if nth > 1:
            m.what += f" ({nth})"
        out.append(m)
    return out


# -- what was accepted

def read_accepted(path):
    """{(file, function, text, mutation): reason}; a fault of form ends the
    program."""
    out = {}
    if not path.exists():
        return out
    for n, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        # The text in the middle is C, and may hold a bar itself.
        parts = line.split(" | ", 2)
        parts = parts[:2] + parts[-1].rsplit(" | ", 2)
        if len(parts) != 5 or not all(p.strip() for p in parts):
            sys.exit(f"{path}:{n}: not `file | function | text | mutation"
                     " | reason`")
        *key, reason = map(normalise, parts)
        out[tuple(key)] = reason
    return out


# -- programs

# The shell stays, as the init that takes in orphans.
INSIDE = 'ip link set lo up; "$@"; exit $?'


def fence():
    """A command that shuts a program in: processes and network of its own,
    for a mutant may kill or send anything.  Empty where it is not allowed."""
    for user in ([], ["--user", "--map-current-user"]):
        words = ["unshare", *user, "--pid", "--fork", "--kill-child", "--net",
                 "--mount-proc", "sh", "-c", INSIDE, "sh"]
        try:
            if subprocess.run([*words, "true"], stdin=subprocess.DEVNULL,
                              capture_output=True).returncode == 0:
                return words
        except OSError:
            break
    return []


class Program:
    """A test program.  `only` names the one folder that it is for."""

    def __init__(self, name, argv, only=None):
        self.name, self.argv, self.only = name, argv, only
        self.seconds = 0.0
        self.lines = {}  # file -> the lines that it reaches

    def limit(self, patience):
        """Seconds that it may take."""
        return max(patience, LIMIT_TIMES * self.seconds)

    def run(self, build, libraries, limit, env=()):
        """None where it passed, or what went wrong."""
        argv = [a.replace("@RSTHOP@", str(libraries / "rsthop"))
                for a in self.argv]
        proc = subprocess.Popen(
            build.fence + argv, cwd=build.tree, start_new_session=True,
            env=dict(os.environ, **dict(env), PYTHONDONTWRITEBYTECODE="1",
                     LD_LIBRARY_PATH=f"{libraries}:{build.base}"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        try:
            status = proc.wait(limit)
        except subprocess.TimeoutExpired:
            return "time"
        finally:
            try:
                os.killpg(proc.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            proc.wait()
        return f"status {status}" if status != 0 else None


# A test's child that ends by _exit(2) tells what it reached all the same.
COVER_EXIT = """
#include <sys/syscall.h>
#include <unistd.h>
void __gcov_dump(void);
void
_exit(int status)
{
	__gcov_dump();
	for (;;)
		syscall(SYS_exit_group, status);
}
"""


class Build:
    """The tree's copy, and what is built of it."""

    def __init__(self, args, work):
        self.work = work
        self.tree = work / "tree"
        self.base = work / "base"
        self.cover = work / "cover"
        self.cc = shlex.split(args.cc)
        self.flags = (shlex.split(args.cppflags) + shlex.split(args.cflags)
                      + OPTIONS)
        self.libs = shlex.split(args.libs)
        self.test_libs = shlex.split(args.test_libs)
        self.pool = concurrent.futures.ThreadPoolExecutor(args.jobs)
        self.fence = fence()
        self.patience = args.patience
        self.programs = []
        self.known = {}  # file -> lines with code, {function: first line}
        self.objects = {}  # file -> objects that are no mutant of their own
        shutil.copytree(args.root, self.tree, symlinks=True,
                        ignore=shutil.ignore_patterns(
                            ".git", "build", "__pycache__", "*.o"))
        for folder in (self.base, self.cover, work / "mutants"):
            folder.mkdir()

    def call(self, argv, **more):
        """A compiler's run that must go well."""
        p = subprocess.run(argv, cwd=self.tree, text=True,
                           capture_output=True, **more)
        if p.returncode != 0:
            sys.exit(f"mutants: {shlex.join(map(str, argv))}\n{p.stderr}")
        return p

    def compile(self, source, out, *more):
        """An object of a file of the tree."""
        out.parent.mkdir(parents=True, exist_ok=True)
        self.call([*self.cc, *self.flags, *more,
                   f"-I{Path(source).parent}", "-Isrc", "-Itests",
                   "-Itests/unit", "-c", "-o", out, source])
        return out

    def compile_all(self, sources, into, *more):
        """Objects of many files, in their order."""
        return list(self.pool.map(
            lambda s: self.compile(s, into / (s + ".o"), *more), sources))

    def share(self, out, objects, *more):
        """A shared object."""
        self.call([*self.cc, "-shared", "-o", out, *objects, *more])

    def sources(self, pattern):
        """Files of the tree."""
        return sorted(str(p.relative_to(self.tree))
                      for p in self.tree.glob(pattern))

    def make_base(self):
        """The library, an empty mutant and the programs."""
        objects = self.compile_all(self.sources("src/*/*.c"), self.base)
        in_cli = [o for o in objects if o.parent.name == "cli"]
        in_library = [o for o in objects if o.parent.name != "cli"]
        self.share(self.base / "librsthop.so", in_library, *self.libs)
        self.call([*self.cc, "-shared", "-o", self.base / "libmutant.so",
                   "-x", "c", "-"], input="")
        sims = self.compile_all(
            [s for s in self.sources("tests/sim/*.c")
             if Path(s).name != "sim.c"], self.base)
        if sims:
            self.call(["ar", "qcs", self.base / "libsim.a", *sims])
        tests = self.compile_all(self.sources("tests/unit/test_*.c"),
                                 self.base)
        for o in tests:
            exe = o.with_suffix("").with_suffix("")
            self.programs.append(Program(exe.name, [str(exe)]))
        list(self.pool.map(lambda o: self.link(
            o.with_suffix("").with_suffix(""), [o], bool(sims)), tests))
        if in_cli:
            self.make_cli(in_cli)

    def link(self, exe, objects, with_sim=False, *more):
        """A program over the mutant first, then the library."""
        self.call([*self.cc, "-o", exe, *objects, f"-L{self.base}",
                   *(["-lsim"] if with_sim else []),
                   "-Wl,--no-as-needed", "-lmutant", *more, "-lrsthop",
                   *self.libs, *self.test_libs, "-pthread"])

    def make_cli(self, objects):
        """rsthop, whose main is in a library of its own.  It finds a mutant
        beside itself, for the tests of cli choose its environment."""
        self.share(self.base / "libcli.so", objects, f"-L{self.base}",
                   "-lrsthop", *self.libs)
        self.link(self.base / "rsthop", [], False, "-lcli",
                  f"-Wl,-rpath,$ORIGIN:{self.base}")
        if (self.tree / "tests/cli/run.py").exists():
            self.programs.append(Program(
                "cli", [sys.executable, "tests/cli/run.py", "--rsthop",
                        "@RSTHOP@"], only="cli"))

    def measure(self, folders):
        """Runs all programs unmutated, twice, at once as later; drops those
        that fail."""
        self.programs = [p for p in self.programs
                         if p.only is None or p.only in folders]
        faults = {}

        def run(program):
            began = time.monotonic()
            fault = program.run(self, self.base, 600)
            program.seconds = max(program.seconds, time.monotonic() - began)
            if fault is not None:
                faults[program] = fault

        list(self.pool.map(run, self.programs * 2))
        for program, fault in faults.items():
            print(f"!! {program.name} fails unmutated ({fault}): "
                  "it is left out", flush=True)
            self.programs.remove(program)
        self.programs.sort(key=lambda p: p.seconds)

    def make_cover(self, files):
        """A second library, whose `files` tell which lines are reached."""
        exits = self.cover / "exit.c"
        exits.write_text(COVER_EXIT)
        objects = [self.compile(str(exits), self.cover / "exit.o")]
        in_cli = []
        sources = self.sources("src/*/*.c")
        self.compile_all([s for s in sources if s in files], self.cover,
                         "-O0", "-U_FORTIFY_SOURCE", "--coverage")
        for source in sources:
            into = self.cover if source in files else self.base
            o = into / (source + ".o")
            (in_cli if o.parent.name == "cli" else objects).append(o)
        self.share(self.cover / "librsthop.so", objects, "--coverage",
                   *self.libs)
        if in_cli:
            self.share(self.cover / "libcli.so", in_cli, "--coverage",
                       f"-L{self.base}", "-lrsthop")
            os.link(self.base / "rsthop", self.cover / "rsthop")

    def read_cover(self, program):
        """Runs a program over the second library; fills in its lines."""
        into = self.cover / "data" / program.name
        into.mkdir(parents=True)
        into.chmod(0o1777)
        program.run(self, self.cover, 600, [("GCOV_PREFIX", str(into))])
        data = sorted(into.rglob("*.gcda"))
        for d in data:
            note = d.with_suffix(".gcno")
            note.symlink_to("/" / note.relative_to(into))
        if not data:
            return
        p = self.call(["gcov", "--json-format", "--stdout", *data])
        for line in p.stdout.splitlines():
            for file in json.loads(line)["files"]:
                self.read_lines(program, file)

    def read_lines(self, program, file):
        """What gcov says of a program and a file."""
        name = file["file"]
        reached = {x["line_number"] for x in file["lines"] if x["count"] > 0}
        if reached:
            program.lines.setdefault(name, set()).update(reached)
        self.known[name] = (
            sorted({x["line_number"] for x in file["lines"]}),
            [(x["start_line"], x["end_line"]) for x in file["functions"]])

    def learn(self, files):
        """Which programs reach which lines of `files`."""
        self.make_cover(files)
        list(self.pool.map(self.read_cover, reversed(self.programs)))

    def programs_of(self, mutant):
        """Those that reach a mutant, the fastest first."""
        lines, functions = self.known.get(mutant.file, ([], []))
        folder = Path(mutant.file).parent.name
        may = [p for p in self.programs if p.only in (None, folder)]
        for first, last in functions:
            if first <= mutant.line <= last:
                # gcov knows lines on which a statement's code begins.
                at = max((n for n in lines if first <= n <= mutant.line),
                         default=first)
                return [p for p in may
                        if at in p.lines.get(mutant.file, ())]
        # A table: whoever comes to its file may read it, or anyone.
        return [p for p in may if mutant.file in p.lines] or may

    def compile_text(self, file, text):
        """The bytes of an object, or None where it does not compile."""
        with tempfile.NamedTemporaryFile(dir=self.work, suffix=".o") as out:
            p = subprocess.run(
                [*self.cc, *self.flags, f"-I{Path(file).parent}", "-x", "c",
                 "-c", "-o", out.name, "-"], cwd=self.tree, text=True,
                input=f'# 1 "{file}"\n{text}', capture_output=True)
            return Path(out.name).read_bytes() if p.returncode == 0 else None

    def make_mutant(self, mutant):
        """The bytes of its object."""
        text = (self.tree / mutant.file).read_text()
        return self.compile_text(mutant.file, mutant.apply(text))

    def is_new(self, mutant, code):
        """Whether an object is none that was there before; keeps it then."""
        if code is None:
            return False
        if mutant.file not in self.objects:
            text = (self.tree / mutant.file).read_text()
            self.objects[mutant.file] = {self.compile_text(mutant.file, text)}
        if code in self.objects[mutant.file]:
            return False
        self.objects[mutant.file].add(code)
        number = sum(len(o) for o in self.objects.values())
        mutant.library = self.work / "mutants" / str(number)
        mutant.library.mkdir()
        (mutant.library / "mutant.o").write_bytes(code)
        return True

    def choose(self, mutants, most):
        """The first `most` of them that count."""
        out = []
        batch = self.pool._max_workers * 2
        while mutants and len(out) < most:
            some, mutants = mutants[:batch], mutants[batch:]
            for mutant, code in zip(some, self.pool.map(self.make_mutant,
                                                        some)):
                if len(out) < most and self.is_new(mutant, code):
                    out.append(mutant)
        return out

    def notices(self, program, mutant):
        """Whether a program fails, and not by chance: it must do so twice,
        where that does not take long."""
        limit = program.limit(self.patience)
        fault = program.run(self, mutant.library, limit)
        if fault is None or fault == "time" or program.seconds > LONG:
            return fault is not None
        return program.run(self, mutant.library, limit) is not None

    def try_mutant(self, mutant):
        """Runs what reaches it until a program notices."""
        programs = self.programs_of(mutant)
        mutant.reached = bool(programs)
        if not programs:
            return
        self.share(mutant.library / "libmutant.so",
                   [mutant.library / "mutant.o"], "-nostdlib")
        if any(p.only == "cli" for p in programs):
            os.link(self.base / "rsthop", mutant.library / "rsthop")
        for program in programs:
            if program.run(self, mutant.library, 
                           program.limit(self.patience)):
                mutant.noticed_by = program.name
                break
        shutil.rmtree(mutant.library)


# -- a run

def choose_folders(args):
    """{folder: its files} as the options say."""
    out = {}
    for path in sorted(args.root.glob("src/*/*.c")):
        file = str(path.relative_to(args.root))
        if args.file and file not in args.file:
            continue
        if args.folder and path.parent.name not in args.folder:
            continue
        out.setdefault(path.parent.name, []).append(file)
    missing = [f for f in args.folder if f not in out] + [
        f for f in args.file if not any(f in files for files in out.values())]
    if missing or not out:
        sys.exit("mutants: nothing in src is " + ", ".join(missing or "?"))
    return out


def find_all(args, folders):
    """{folder: its mutants, in the order of the seed}."""
    out = {}
    for folder, files in folders.items():
        mutants = [m for f in files for m in find_mutants(args.root, f)
                   if args.line in (None, m.line)]
        random.Random(f"{args.seed} {folder}").shuffle(mutants)
        out[folder] = mutants
    return out


def find_stale(root, accepted):
    """Entries that fit nothing in the sources any more."""
    keys = set()
    for file in {key[0] for key in accepted}:
        if (root / file).exists():
            keys |= {m.key() for m in find_mutants(root, file)}
    return [key for key in accepted if key not in keys]


def report(folder, mutants, accepted):
    """One folder's line, then its survivors; gives the share noticed."""
    survivors = [m for m in mutants if m.noticed_by is None]
    waived = [m for m in survivors if m.key() in accepted]
    survivors = sorted((m for m in survivors if m.key() not in accepted),
                       key=lambda m: (m.file, m.line, m.what))
    of = len(mutants) - len(waived)
    noticed = of - len(survivors)
    share = 100 * noticed / of if of else 100.0
    print(f"{folder:8} {noticed:3} of {of} noticed ({len(waived)} accepted),"
          f" {share:.0f} %")
    for m in survivors:
        print(f"  {m}" + ("" if m.reached else "  not reached"))
    return share


def say(text):
    """What goes on."""
    print(text, file=sys.stderr, flush=True)


def leave_out_killers(build, mutants):
    """Without a fence, a mutant of what kills may kill anything."""
    def kills(file):
        return re.search(r"\bkill\(", (build.tree / file).read_text())

    print("!! no namespaces here: files that call kill(2) are left out")
    return {folder: [m for m in some if not kills(m.file)]
            for folder, some in mutants.items()}


def run_all(build, args, mutants):
    """{folder: its mutants, each tried}."""
    most = sys.maxsize if args.all else args.per_folder
    build.make_base()
    build.measure(set(mutants))
    if not build.programs:
        sys.exit("mutants: no test program passes unmutated")
    say(f"mutants: {len(build.programs)} programs, "
        f"{sum(p.seconds for p in build.programs):.1f} s unmutated")
    if not build.fence:
        mutants = leave_out_killers(build, mutants)
    chosen = {f: build.choose(some, most) for f, some in mutants.items()}
    every = [m for some in chosen.values() for m in some]
    build.learn({m.file for m in every})
    say(f"mutants: {len(every)} to try")
    began = time.monotonic()
    for n, _ in enumerate(build.pool.map(build.try_mutant, every), 1):
        if sys.stderr.isatty():
            print(f"\r{n} of {len(every)}", end="\r", file=sys.stderr)
    took = time.monotonic() - began
    say(f"mutants: {took:.0f} s, {took / max(1, len(every)):.1f} s each")
    return chosen


def run(args):
    """Gives the exit status."""
    mutants = find_all(args, choose_folders(args))
    accepted = read_accepted(args.root / ACCEPTED)
    if args.list:
        for some in mutants.values():
            for m in sorted(some, key=lambda m: (m.file, m.start, m.what)):
                print(m)
        return 0
    with tempfile.TemporaryDirectory(prefix="rsthop-mutants-") as work:
        os.chmod(work, 0o755)  # some tests become another user
        build = Build(args, Path(work))
        chosen = run_all(build, args, mutants)
    shares = [report(f, some, accepted) for f, some in chosen.items()]
    for key in find_stale(args.root, accepted):
        print(f"!! {ACCEPTED}: stale, fits nothing: {' | '.join(key)}")
    return int(args.require is not None and min(shares) < args.require)


# -- the self-test

TINY = {
    "src/base/tiny.c": """
#include "tiny.h"

/* a == b is a comment */
int
tiny_less(int a, int b)
{
	if (a == b)
		return 0;
	return a < b ? 1 : 0;
}

int
tiny_sum(int a, int b)
{
	return a + b;
}

int
tiny_lost(int a, int b)
{
	return a - b;
}

unsigned
tiny_waits(unsigned n)
{
	while (*(volatile unsigned *)&n > 1)
		n = (n + 1) / 2;
	return n;
}

unsigned
tiny_same(unsigned n)
{
	return n > 0 ? n : 0;
}
""",
    "src/base/tiny.h": "int tiny_less(int, int);\nint tiny_sum(int, int);\n"
                       "int tiny_lost(int, int);\n"
                       "unsigned tiny_waits(unsigned);\n"
                       "unsigned tiny_same(unsigned);\n",
    "tests/unit/test_tiny.c": """
#include <base/tiny.h>
#include <unistd.h>
int
main(void)
{
	if (tiny_waits(9) != 1 || tiny_same(2) != 2)
		return 1;
	if (!tiny_less(1, 2) || tiny_less(2, 1) || tiny_less(1, 1))
		return 1;
	return tiny_sum(7, 0) != 7;
}
""",
    "tests/unit/test_broken.c": """
#include <base/tiny.h>
int
main(void)
{
	return tiny_sum(1, 0) + tiny_less(1, 2) + tiny_same(1);
}
""",
    ACCEPTED: "src/base/tiny.c | tiny_lost | return a - b; | - -> + | lost\n"
              "src/base/tiny.c | tiny_lost | return a + b; | + -> - | not\n"
              "src/base/tiny.c | - | return a | b; | || -> && | not there\n",
}
TINY_WANT = [
    ("a mutant that a test notices is none of the survivors",
     lambda out: "[== -> !=]" not in out),
    ("a mutant that no test notices is told with its line",
     lambda out: "src/base/tiny.c:16: return a + b; -> return a - b;"
                 "  [+ -> -] in tiny_sum\n" in out),
    ("what is accepted is counted apart",
     lambda out: re.search(r"^base +\d+ of \d+ noticed \(1 accepted\)", out,
                           re.M)
     and "return a - b; ->" not in out),
    ("what fits nothing is stale",
     lambda out: "stale, fits nothing: src/base/tiny.c | - | return a"
                 " | b; | || -> &&" in out
     and "stale, fits nothing: src/base/tiny.c | tiny_lost | return a + b;"
     in out),
    ("a program that fails unmutated is left out",
     lambda out: "!! test_broken fails unmutated" in out),
    ("a mutant that compiles to the same object does not count",
     lambda out: "n >= 0" not in out),
    ("a mutant that loops is noticed",
     lambda out: "while" not in out),
]


def self_test(args):
    """Each sort of mutant, in a library of a few lines."""
    me = [sys.executable, os.path.abspath(__file__), "--cc", args.cc,
          "--cppflags=-D_DEFAULT_SOURCE", "--cflags=-O2", "--all",
          "--patience", "1"]
    good = bad = 0

    def check(ok, what):
        nonlocal good, bad
        print(f"{'ok  ' if ok else 'FAIL'} {what}")
        good, bad = good + bool(ok), bad + (not ok)

    with tempfile.TemporaryDirectory() as folder:
        for name, text in TINY.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        p = subprocess.run([*me, "--root", folder], capture_output=True,
                           text=True)
        for what, holds in TINY_WANT:
            check(p.returncode == 0 and holds(p.stdout), what)
        listed = subprocess.run([*me, "--root", folder, "--list"],
                                capture_output=True, text=True).stdout
        check("tiny.c:4" not in listed and "tiny.c:8" in listed,
              "comments are no code")
        p2 = subprocess.run([*me, "--root", folder, "--line", "16",
                             "--require", "85"], capture_output=True)
        check(p2.returncode == 1, "a folder below what is required fails")
    if bad:
        print(p.stdout + p.stderr)
    print(f"{good} passed, {bad} failed")
    return 1 if bad else 0


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--self-test", action="store_true")
    ap.add_argument("--root", type=Path, default=ROOT)
    ap.add_argument("--cc", default="cc")
    ap.add_argument("--cppflags", default="")
    ap.add_argument("--cflags", default="-O2")
    ap.add_argument("--libs", default="")
    ap.add_argument("--test-libs", default="")
    ap.add_argument("--jobs", type=int, default=os.cpu_count())
    ap.add_argument("--folder", action="append", default=[])
    ap.add_argument("--file", action="append", default=[])
    ap.add_argument("--line", type=int, help="those of this line alone")
    ap.add_argument("--per-folder", type=int, default=PER_FOLDER)
    ap.add_argument("--all", action="store_true", help="no sample")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--list", action="store_true", help="try none")
    ap.add_argument("--patience", type=float, default=PATIENCE,
                    help="seconds that a program may take at least")
    ap.add_argument("--require", type=float, metavar="PERCENT")
    args = ap.parse_args()
    if args.self_test:
        return self_test(args)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_MAX, FILE_MAX))
    return run(args)


if __name__ == "__main__":
    sys.exit(main())
