#!/usr/bin/env python3
"""Holds the house to src/ARCHITECTURE.md: floors and circles, by includes and
by symbols, who may see which library, pure floors, the map of the folders,
headers that compile alone, functions that fit a screen.

usage: check_floors.py [--root DIR] [--cc CC] [--cflags FLAGS]
                       [--objects BUILD]
       check_floors.py [--root DIR] --map --objects BUILD
       check_floors.py [--cc CC] --self-test

Without --objects, nothing is asked of the objects: the instructions that
sanitizers add call much that the sources do not.
"""

import argparse
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# From the lowest floor to the highest, the folders of each.
FLOORS = [["base"], ["wire"], ["judge"], ["result"],
          ["capture", "net", "talk"], ["probe"], ["analyze", "locate"],
          ["report"], ["cli"]]
# On one floor only these see each other, and only from right to left in
# FLOORS: (who looks, at whom).
BESIDE = [("net", "capture")]
PURE = ["base", "wire", "judge", "result"]

# Who may see a header of a library: a folder, or modules.
OWNERS = {
    "pcap.h": ["src/capture/capture.c", "src/capture/filter.c"],
    "pcap/pcap.h": ["src/capture/capture.c", "src/capture/filter.c"],
    "zlib.h": ["src/capture/source.c"],
    "libnet.h": ["src/wire/craft.c", "src/net/send.c"],
    "jansson.h": ["src/report/"],
    "libmnl/libmnl.h": ["src/net/"],
    "mysql.h": ["src/talk/login.c"],
    "getopt.h": ["src/cli/"],
    "err.h": ["src/cli/"],
}

# Only cli prints and exits.  report writes to the FILE that it is handed.
CLI_ONLY = re.compile(
    r"\b(_?exit|_Exit|quick_exit|printf|vprintf|puts|putchar|perror|err|errx"
    r"|warn|warnx|getopt|getopt_long)\s*\(|\b(stdout|stderr)\b")

# A child between fork(2) and exec(2) is not the program: it has no other end.
CHILD_ENDS = {("src/net/spawn.c", "_exit")}

# Circles that are still allowed, by the call that closes each:
# ("folder/file", "folder/file"), who calls whom.  The list may only shrink.
CIRCLES = []

# What a pure floor may not call: I/O, clocks, chance, processes.
IMPURE = set("""
    open openat creat close read write pread pwrite readv writev lseek ioctl
    fcntl dup dup2 pipe pipe2 socket socketpair connect bind listen accept
    accept4 send sendto sendmsg recv recvfrom recvmsg setsockopt getsockopt
    poll ppoll select pselect epoll_create epoll_create1 epoll_wait
    fopen fopen64 fdopen freopen fclose fread fwrite fgets fgetc getc getchar
    fputs fputc putc putchar puts printf vprintf fprintf vfprintf dprintf
    vdprintf perror scanf fscanf getline getdelim fflush stdout stderr stdin
    time clock clock_gettime gettimeofday ftime nanosleep clock_nanosleep
    sleep usleep alarm timer_create timerfd_create
    rand srand random srandom rand_r drand48 lrand48 getrandom getentropy
    arc4random fork vfork execve execvp system popen posix_spawn kill raise
    signal sigaction pthread_create exit _exit abort_handler getenv setenv
    putenv secure_getenv getaddrinfo getnameinfo gethostbyname if_nametoindex
    stat fstat lstat access unlink rename mkdir rmdir opendir readdir mmap
    syslog syscall getpid libnet_write libnet_adv_write_raw_ipv4
    libnet_write_raw_ipv4 libnet_write_raw_ipv6 libnet_write_link
    libnet_get_prand libnet_seed_prand libnet_name2addr4 libnet_name2addr6
    """.split())

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
LONGEST, MEDIAN, P90 = 80, 15, 40

FOLDERS = [folder for floor in FLOORS for folder in floor]
LEVEL = {folder: n for n, floor in enumerate(FLOORS) for folder in floor}
ARCHITECTURE = "src/ARCHITECTURE.md"
MAP_BEGIN = "<!-- The next block is written by check_floors.py --map. -->"
MAP_END = "<!-- End of what check_floors.py --map writes. -->"


def direction(own, other):
    """The way one folder looks at another, None where it may."""
    if own == other or LEVEL[own] > LEVEL[other]:
        return None
    if LEVEL[own] < LEVEL[other]:
        return "up"
    if (own, other) in BESIDE and \
            FOLDERS.index(own) > FOLDERS.index(other):
        return None
    return "aside"


class Tree:
    """The sources and who includes whom."""

    def __init__(self, root):
        self.root = root
        self.sources = sorted(
            p for f in FOLDERS for p in (root / "src" / f).glob("*.[ch]"))
        self.headers = sorted((root / "include/rsthop").glob("*.h"))
        self.modules = [p for p in self.sources if p.suffix == ".c"]
        # A public header is the lowest such module's; a writer of report may
        # share its name.
        self.module_folder = {}
        for p in sorted(self.modules,
                        key=lambda p: FOLDERS.index(p.parent.name)):
            self.module_folder.setdefault(p.stem, p.parent.name)

    def rel(self, path):
        return path.relative_to(self.root).as_posix()

    def folder_of(self, path):
        """The folder, None where no module stands behind a header."""
        if path.parent.name in FOLDERS:
            return path.parent.name
        return self.module_folder.get(path.stem)

    def module_of(self, path):
        """folder/name, None for a header without a .c of its name."""
        module = f"{self.folder_of(path)}/{path.stem}"
        return module if (self.root / f"src/{module}.c").exists() else None

    def is_public(self, module):
        stem = module.split("/")[1]
        return (self.root / f"include/rsthop/{stem}.h").exists()

    def resolve(self, path, quote, name):
        """The file of the house that an #include means, or None."""
        if quote == "<" and not name.startswith("rsthop/"):
            return None
        target = (path.parent / name if quote == '"'
                  else self.root / "include" / name)
        return target if target.exists() else None


def strip(text, strings=True):
    """The code without comments (and strings); newlines stay."""
    def blank(m):
        if m[0][0] in "\"'":
            return '""' if strings else m[0]
        return re.sub(r"[^\n]", " ", m[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'
                  r"'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


def includes(path):
    return [(m[1], m[2]) for m in
            INCLUDE.finditer(strip(path.read_text(), strings=False))]


def check_known(t):
    """Every folder has a floor, every public header a module."""
    bad = [f"src/{name} has no floor" for name in sorted(
        {p.parent.name for p in (t.root / "src").glob("*/*.[ch]")}
        - set(FOLDERS))]
    return bad + [f"{t.rel(h)}: no src/*/{h.stem}.c stands behind it"
                  for h in t.headers if t.folder_of(h) is None]


def check_downward(t):
    """Includes go downward, private headers stay in their folder."""
    bad = []
    for p in t.sources + t.headers:
        own = t.folder_of(p)
        for quote, name in includes(p):
            if quote == '"':
                if "/" in name or not (p.parent / name).exists():
                    bad.append(f"{t.rel(p)}: \"{name}\" is not a private "
                               "header of its folder")
                continue
            if not name.startswith("rsthop/"):
                continue
            target = t.root / "include" / name
            if not target.exists():
                bad.append(f"{t.rel(p)}: <{name}> does not exist")
                continue
            folder = t.folder_of(target)
            way = direction(own, folder) if own and folder else None
            if way:
                bad.append(f"{t.rel(p)} ({own}) looks {way} to <{name}> "
                           f"({folder})")
    return bad


def modules_seen(t, path, trail=()):
    """The modules whose headers a file includes.  A private header that has
    no .c of its own is a part of whoever includes it."""
    seen = set()
    for quote, name in includes(path):
        target = t.resolve(path, quote, name)
        if target is None or target in trail:
            continue
        if t.module_of(target):
            seen.add(t.module_of(target))
        else:
            seen |= modules_seen(t, target, trail + (target,))
    return seen


def includes_in_folder(t):
    """module -> modules of the same folder that it includes.  A module without
    a public header is a part of one that has; it may see what the whole
    promises, so only its private includes count."""
    edges = {}
    for p in t.sources + t.headers:
        module = t.module_of(p)
        if module is None:
            continue
        folder = module.split("/")[0]
        part = not t.is_public(module)
        edges.setdefault(module, set()).update(
            m for m in modules_seen(t, p)
            if m != module and m.split("/")[0] == folder
            and not (part and t.is_public(m)))
    return edges


def check_circles(t):
    """Modules of one folder never include each other in a circle."""
    edges, done, bad = includes_in_folder(t), set(), []

    def walk(node, trail):
        if node in trail:
            bad.append(" -> ".join(trail[trail.index(node):] + [node]))
            return
        if node in done:
            return
        for nxt in sorted(edges.get(node, ())):
            walk(nxt, trail + [node])
        done.add(node)

    for node in sorted(edges):
        walk(node, [])
    return bad


def check_owners(t):
    """Each library's header is seen by its owner alone."""
    bad = []
    for p in t.sources + t.headers:
        rel = t.rel(p)
        for _, name in includes(p):
            owners = OWNERS.get(name)
            if owners and not any(
                    rel == o or (o.endswith("/") and rel.startswith(o))
                    for o in owners):
                bad.append(f"{rel}: {name} belongs to {', '.join(owners)}")
    return bad


def check_cli_only(t):
    """No library floor prints, exits or reads a command line."""
    bad = []
    for p in t.sources:
        if t.folder_of(p) == "cli":
            continue
        for n, line in enumerate(strip(p.read_text()).split("\n"), 1):
            m = CLI_ONLY.search(line)
            what = m[0].strip("( ") if m else None
            if m and (str(t.rel(p)), what) not in CHILD_ENDS:
                bad.append(f"{t.rel(p)}:{n}: {what} is cli's")
    return bad


def functions(path):
    """(name, lines) of each function; KNF has its braces in column 0."""
    lines = strip(path.read_text()).split("\n")
    start = name = None
    for n, line in enumerate(lines):
        if line == "{":
            start = n
            back = n
            while back > 0 and not re.match(r"^\w+\(", lines[back]):
                back -= 1
            name = lines[back].split("(")[0]
        elif line.startswith("}") and start is not None:
            yield name, n - start + 1
            start = None


def check_lengths(t):
    """Functions fit a screen."""
    sizes, bad = [], []
    for p in t.sources:
        for name, n in functions(p):
            sizes.append(n)
            if n > LONGEST:
                bad.append(f"{t.rel(p)}: {name} has {n} lines, "
                           f"{LONGEST} at most")
    if len(sizes) >= 10:
        median = statistics.median(sizes)
        p90 = sorted(sizes)[int(len(sizes) * 0.9)]
        print(f"     {len(sizes)} functions: median {median:g} lines, "
              f"nine in ten within {p90}, longest {max(sizes)}")
        if median > MEDIAN:
            bad.append(f"the median function has {median:g} lines, "
                       f"{MEDIAN} at most")
        if p90 > P90:
            bad.append(f"nine in ten functions have {p90} lines, "
                       f"{P90} at most")
    return bad


def check_alone(t, cc, cflags):
    """Each header compiles by itself."""
    bad = []
    private = [p for p in t.sources if p.suffix == ".h"]
    for h in t.headers + private:
        r = subprocess.run(
            [*shlex.split(cc), *shlex.split(cflags), "-std=c11",
             "-D_DEFAULT_SOURCE", f"-I{t.root}/include", "-Wall", "-Wextra",
             "-Werror", "-Wno-unused-function", "-fsyntax-only",
             "-include", str(h), "-x", "c", "/dev/null"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if r.returncode:
            first = (r.stderr.strip().split("\n") or ["?"])[0]
            bad.append(f"{t.rel(h)} does not compile alone: {first}")
    return bad


def objects_of(t, build, folders=FOLDERS):
    """(source, object) of each module that is built."""
    for p in t.modules:
        obj = build / "src" / p.parent.name / (p.stem + ".o")
        if p.parent.name in folders and obj.exists():
            yield p, obj


def run_tool(*command):
    return subprocess.run(command, capture_output=True, text=True,
                          check=True).stdout


def plain_name(symbol):
    """clock_gettime of __clock_gettime64_chk@GLIBC_2.4"""
    symbol = symbol.split("@")[0].lstrip("_")
    for suffix in ("_chk", "64"):
        if symbol.endswith(suffix) and len(symbol) > len(suffix):
            symbol = symbol[:-len(suffix)]
    return symbol


def check_built(t, build):
    """The objects are those of the sources."""
    built = dict(objects_of(t, build))
    bad = [f"{t.rel(p)}: not built" for p in t.modules if p not in built]
    return bad + [f"{t.rel(src)}: not built since it changed"
                  for src, obj in built.items()
                  if obj.stat().st_mtime_ns < src.stat().st_mtime_ns]


class Symbols:
    """Which module uses which symbols of which other, by the objects.
    A module is "folder/name".  What goes through a pointer to a function is
    not seen."""

    def __init__(self, t, build):
        owners, wanted = {}, {}
        for src, obj in objects_of(t, build):
            module = f"{src.parent.name}/{src.stem}"
            for line in run_tool("nm", "-P", "-g", str(obj)).splitlines():
                symbol, kind = line.split()[:2]
                # w and v: weak symbols that are not defined
                where = wanted if kind in "Uwv" else owners
                where.setdefault(symbol, []).append(module)
        self.owners = owners
        # caller -> callee -> symbols
        self.calls = {}
        for symbol, callers in wanted.items():
            for caller in callers:
                for callee in owners.get(symbol, []):
                    self.calls.setdefault(caller, {}).setdefault(
                        callee, []).append(symbol)


def check_symbols_once(s):
    """A symbol has one module."""
    return [f"{symbol} is defined by {' and by '.join(sorted(owners))}"
            for symbol, owners in sorted(s.owners.items())
            if len(owners) > 1]


def check_calls(s):
    """Calls go downward, as includes do."""
    bad = []
    for a in sorted(s.calls):
        for b, symbols in sorted(s.calls[a].items()):
            way = direction(a.split("/")[0], b.split("/")[0])
            if way:
                bad.append(f"{a} calls {way} to {b}: "
                           f"{' '.join(sorted(symbols))}")
    return bad


def reachable(edges, start):
    """All that can be come to from a node, by one edge at least."""
    seen, todo = set(), [start]
    while todo:
        for node in edges.get(todo.pop(), ()):
            if node not in seen:
                seen.add(node)
                todo.append(node)
    return seen


def strong_components(edges):
    """The sorted sets of nodes that reach each other, of two at least."""
    reach = {node: reachable(edges, node) for node in edges}
    found = {tuple(sorted(m for m in reach[node] if node in reach.get(m, ())))
             for node in edges if node in reach[node]}
    return sorted(c for c in found if len(c) > 1)


def check_call_circles(s, allowed):
    """No circle of calls, but for those allowed."""
    bad = []
    edges = {a: {b for b in s.calls[a] if (a, b) not in allowed}
             for a in s.calls}
    # An allowed call that closes no circle stays in, so that of two for the
    # same circle only one is needed.
    for a, b in allowed:
        if b not in s.calls.get(a, {}) or a not in reachable(edges, b):
            bad.append(f"{a} -> {b} closes no circle any more: remove it "
                       "from CIRCLES")
            if b in s.calls.get(a, {}):
                edges[a].add(b)
    for circle in strong_components(edges):
        bad.append(f"a circle of {len(circle)} files: {' '.join(circle)}")
        bad += [f"    {a} -> {b}: {' '.join(sorted(s.calls[a][b]))}"
                for a in circle for b in circle if b in edges.get(a, ())]
    return bad


def folder_map(t, s):
    """The map's lines: a row for each folder that there is, from the roof
    down; a column for each that it may see."""
    seen = set()
    for p in t.sources + t.headers:
        for quote, name in includes(p):
            target = t.resolve(p, quote, name)
            if target and quote == "<":
                seen.add((t.folder_of(p), t.folder_of(target), "i"))
    for a in s.calls:
        seen |= {(a.split("/")[0], b.split("/")[0], "c") for b in s.calls[a]}
    rows = [f for f in FOLDERS if any(p.parent.name == f for p in t.sources)]
    columns = rows[:-1]
    lines = [" ".join([f"{'':8}"] + columns)]
    for row in reversed(rows):
        cells = []
        for column in columns:
            what = "".join(w for w in "ic" if (row, column, w) in seen)
            if column == row or (what == "" and direction(row, column)):
                what = ""
            elif what == "":
                what = "."
            cells.append(f"{what:{len(column)}}")
        lines.append(" ".join([f"{row:8}"] + cells).rstrip())
    return lines


def framed_map(t, s):
    return "\n".join([MAP_BEGIN, "```", *folder_map(t, s), "```", MAP_END])


def check_map(t, s):
    """The map of the folders is the one in src/ARCHITECTURE.md."""
    path = t.root / ARCHITECTURE
    want = framed_map(t, s)
    if path.exists() and f"\n{want}\n" in "\n" + path.read_text():
        return []
    return [f"{ARCHITECTURE} should say:", *want.split("\n")]


def check_pure(t, build):
    """The pure floors call no I/O, no clock, no chance."""
    bad = []
    for src, obj in objects_of(t, build, PURE):
        for line in run_tool("nm", "-u", str(obj)).splitlines():
            symbol = line.split()[-1]
            if {symbol, plain_name(symbol)} & IMPURE:
                bad.append(f"{t.rel(src)} calls {plain_name(symbol)}")
    return bad


def check_no_state(t, build):
    """The pure floors keep nothing between calls."""
    bad = []
    for src, obj in objects_of(t, build, PURE):
        for line in run_tool("objdump", "-t", str(obj)).splitlines():
            m = re.match(r"^[0-9a-f]+ .{7} (\S+)\s+[0-9a-f]+ (.*)$", line)
            if not m or line[23:24] == "d" or m[1] == m[2].strip():
                continue
            if (m[1].startswith((".data", ".bss", ".tdata", ".tbss"))
                    and not m[1].startswith(".data.rel.ro")) \
                    or m[1] == "*COM*":
                bad.append(f"{t.rel(src)}: {m[2]} can be written to")
    return bad


def run_checks(root, cc, cflags, objects, allowed):
    """(what, faults) of each check."""
    t = Tree(root)
    checks = [check_known, check_downward, check_circles, check_owners,
              check_cli_only, check_lengths]
    for c in checks:
        yield c.__doc__, c(t)
    if cc:
        yield check_alone.__doc__, check_alone(t, cc, cflags)
    if objects:
        s = Symbols(t, objects)
        yield check_built.__doc__, check_built(t, objects)
        for c in (check_symbols_once, check_calls):
            yield c.__doc__, c(s)
        yield (f"{check_call_circles.__doc__[:-1]}: {len(allowed)}.",
               check_call_circles(s, allowed))
        yield check_map.__doc__, check_map(t, s)
        yield check_pure.__doc__, check_pure(t, objects)
        yield check_no_state.__doc__, check_no_state(t, objects)


# The self-test: a small good house, then one fault at a time.

GOOD = {
    "include/rsthop/low.h": "#ifndef L\n#define L\nint low_get(int);\n#endif\n",
    "include/rsthop/high.h": "#ifndef H\n#define H\n#include <rsthop/low.h>\n"
                             "int high_get(void);\n#endif\n",
    "src/base/low.c": "#include <rsthop/low.h>\nstatic const char *const "
                      'words[] = {"a", "b"};\nint\nlow_get(int i)\n{\n'
                      "\treturn words[i & 1][0];\n}\n",
    "src/net/high.c": "#include <rsthop/high.h>\nint\nhigh_get(void)\n{\n"
                      "\treturn low_get(1); /* never printf(stdout) */\n}\n",
}

GOOD_MAP = f"""{MAP_BEGIN}
```
         base
net      ic
base
```
{MAP_END}
"""


def module(name, calls="", sees=""):
    """The source of a module with a function that calls another's, whose
    header it includes, or has a prototype of its own for."""
    text = f"#include <rsthop/{sees}.h>\n" if sees else ""
    if calls:
        text += f"int {calls}_f(void);\n"
    return text + (f"int {name}_f(void);\nint\n{name}_f(void)\n{{\n"
                   f"\treturn {calls + '_f()' if calls else '0'};\n}}\n")


def header(*names):
    """A header that declares the functions of modules."""
    guard = f"F_{'_'.join(names)}"
    return (f"#ifndef {guard}\n#define {guard}\n"
            + "".join(f"int {name}_f(void);\n" for name in names)
            + "#endif\n")


# One and two call each other; no header of theirs shows it.
THIRD = {
    "include/rsthop/third.h": header("one", "two", "third"),
    "src/locate/third.c": module("third", sees="third"),
    "src/locate/one.c": module("one", calls="two", sees="third"),
    "src/locate/two.c": module("two", calls="one", sees="third"),
}
NO_CIRCLE = {**THIRD, "src/locate/two.c": module("two", sees="third")}
ONE_TWO, TWO_ONE = [("locate/one", "locate/two"), ("locate/two", "locate/one")]


def beside(folder, other, calls=False, sees=False):
    """Two modules of two folders, one of which looks at the other."""
    return {
        "include/rsthop/other.h": header("other"),
        f"src/{other}/other.c": module("other", sees="other"),
        f"src/{folder}/one.c": module("one", calls=calls and "other",
                                      sees=sees and "other"),
    }


# (what is planted, its files, the circles allowed, a part of the fault or
# None where there is none).
HOUSES = [
    ("two files that call each other through a third's header", THIRD, [],
     "a circle of 2 files: locate/one locate/two"),
    ("the symbols of a circle", THIRD, [],
     "locate/two -> locate/one: one_f"),
    ("a circle of three files, a part among them",
     {**THIRD, "src/locate/two.c": module("two", calls="third"),
      "src/locate/third.c": module("third", calls="one")}, [],
     "a circle of 3 files: locate/one locate/third locate/two"),
    ("calls that go one way", NO_CIRCLE, [], None),
    ("an allowed circle", THIRD, [TWO_ONE], None),
    ("an allowed circle that is gone", NO_CIRCLE, [TWO_ONE],
     "locate/two -> locate/one closes no circle any more"),
    ("an allowed call that closes no circle", NO_CIRCLE, [ONE_TWO],
     "locate/one -> locate/two closes no circle any more"),
    ("a circle that is allowed twice", THIRD, [ONE_TWO, TWO_ONE],
     "locate/one -> locate/two closes no circle any more"),
    ("a circle beside an allowed one",
     {**THIRD, "src/probe/three.c": module("three", calls="four"),
      "src/probe/four.c": module("four", calls="three")}, [ONE_TWO],
     "a circle of 2 files: probe/four probe/three"),
    ("locate that includes analyze", beside("locate", "analyze", sees=True),
     [], "src/locate/one.c (locate) looks aside to <rsthop/other.h>"),
    ("locate that calls analyze", beside("locate", "analyze", calls=True),
     [], "locate/one calls aside to analyze/other: other_f"),
    ("analyze that includes locate", beside("analyze", "locate", sees=True),
     [], "src/analyze/one.c (analyze) looks aside to <rsthop/other.h>"),
    ("analyze that calls locate", beside("analyze", "locate", calls=True),
     [], "analyze/one calls aside to locate/other: other_f"),
    ("net that sees capture",
     beside("net", "capture", calls=True, sees=True), [], None),
    ("capture that calls net", beside("capture", "net", calls=True), [],
     "capture/one calls aside to net/other: other_f"),
    ("capture that includes net", beside("capture", "net", sees=True), [],
     "looks aside to <rsthop/other.h> (net)"),
    ("talk that calls net", beside("talk", "net", calls=True), [],
     "talk/one calls aside to net/other: other_f"),
    ("a writer of report that bears a module's name",
     {**beside("report", "wire", calls=True, sees=True),
      "src/report/other.c": "int words_f(void);\nint\nwords_f(void)\n{\n"
                            "\treturn 0;\n}\n"}, [], None),
]

PLANTED = [
    ("an upward include", "src/base/low.c", "#include <rsthop/high.h>\n",
     "looks up to"),
    ("an upward include in a public header", "include/rsthop/low.h",
     "#include <rsthop/high.h>\n", "looks up to"),
    ("a private header of another floor", "src/net/high.c",
     '#include "../base/low_private.h"\n', "not a private header"),
    ("a folder without a floor", "src/jobs/lost.c", "int lost;\n",
     "src/jobs has no floor"),
    ("an upward call by a prototype of one's own", "src/base/low.c",
     "int high_get(void);\nint low_up(void);\nint\nlow_up(void)\n{\n"
     "\treturn high_get();\n}\n",
     "base/low calls up to net/high: high_get"),
    ("an upward look at data", "src/base/low.c",
     "int high_get(void);\nint (*const low_up)(void) = high_get;\n",
     "base/low calls up to net/high: high_get"),
    ("a symbol of two modules", "src/report/low.c",
     "int\nlow_get(int i)\n{\n\treturn i;\n}\n",
     "low_get is defined by base/low and by report/low"),
    ("a map without a folder that is looked at", ARCHITECTURE,
     GOOD_MAP.replace("ic", ". "), "should say"),
    ("a map with a folder too many", ARCHITECTURE,
     GOOD_MAP.replace("        base", "        base wire"), "should say"),
    ("no map", ARCHITECTURE, "# The house\n", "should say"),
    ("a header that no module stands behind", "include/rsthop/orphan.h",
     "int orphan(void);\n", "stands behind it"),
    ("pcap.h outside of capture", "src/net/high.c", "#include <pcap.h>\n",
     "belongs to"),
    ("libnet.h outside of craft and send", "src/net/high.c",
     "#include <libnet.h>\n", "belongs to"),
    ("jansson.h outside of report", "src/net/high.c",
     "#include <jansson.h>\n", "belongs to"),
    ("mysql.h outside of login", "src/net/high.c", "#include <mysql.h>\n",
     "belongs to"),
    ("getopt.h outside of cli", "src/net/high.c", "#include <getopt.h>\n",
     "belongs to"),
    ("an exit in a library", "src/net/high.c",
     "#include <stdlib.h>\nvoid\ndie(void)\n{\n\texit(1);\n}\n", "is cli's"),
    ("an _exit in a library", "src/net/high.c",
     "#include <unistd.h>\nvoid\ndie(void)\n{\n\t_exit(1);\n}\n",
     "is cli's"),
    ("a print to stderr in a library", "src/net/high.c",
     "#include <stdio.h>\nvoid\nsay(void)\n{\n\tfputs(\"x\", stderr);\n}\n",
     "is cli's"),
    ("a function of 81 lines", "src/net/high.c",
     "int\nlong_one(void)\n{\n" + "\n" * 78 + "\treturn 0;\n}\n",
     "has 81 lines"),
    ("a header that does not compile alone", "include/rsthop/low.h",
     "size_t low_size(void);\n", "does not compile alone"),
    ("an object that was not built", "src/base/low.c", "#error\n",
     "not built"),
    ("a clock on a pure floor", "src/base/low.c",
     "#include <time.h>\nlong low_now(void);\nlong\nlow_now(void)\n{\n"
     "\treturn (long)time(NULL);\n}\n", "calls time"),
    ("a socket on a pure floor", "src/base/low.c",
     "#include <sys/socket.h>\nint low_so(void);\nint\nlow_so(void)\n{\n"
     "\treturn socket(1, 2, 0);\n}\n", "calls socket"),
    ("a static counter on a pure floor", "src/base/low.c",
     "int low_n(void);\nint\nlow_n(void)\n{\n\tstatic int n;\n"
     "\treturn n++;\n}\n", "can be written to"),
    ("a global table that is not const", "src/base/low.c",
     "int low_table[2] = {1, 2};\n", "can be written to"),
]


def plant(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def faults_of(files, cc, allowed=(), touched=None):
    """All faults of a planted house.  One that brings no map gets its own.
    A source that is touched is newer than its object."""
    root = Path(tempfile.mkdtemp(prefix="rsthop-floors-"))
    try:
        plant(root, files)
        build = root / "build"
        t = Tree(root)
        for src in t.modules:
            obj = build / "src" / src.parent.name / (src.stem + ".o")
            obj.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                [*shlex.split(cc), "-w", "-fPIE", "-O2",
                 f"-I{root}/include", "-c", "-o", str(obj), str(src)],
                stderr=subprocess.DEVNULL, check=False)
        if touched:
            later = time.time_ns() + 10**9
            os.utime(root / touched, ns=(later, later))
        if ARCHITECTURE not in files:
            (root / ARCHITECTURE).write_text(
                framed_map(t, Symbols(t, build)) + "\n")
        return [f for _, bad in run_checks(root, cc, "", build, allowed)
                for f in bad]
    finally:
        shutil.rmtree(root)


def circle(public):
    """A house whose two modules of a floor include each other."""
    files = dict(GOOD)
    for a, b in (("one", "two"), ("two", "one")):
        folder, include = (("include/rsthop", f"<rsthop/{b}.h>") if public
                           else ("src/locate", f'"{b}.h"'))
        files[f"{folder}/{a}.h"] = \
            f"#ifndef F_{a}\n#define F_{a}\nint {a}_f(void);\n#endif\n"
        files[f"src/locate/{a}.c"] = \
            f"#include {include}\nint\n{a}_f(void)\n{{\n\treturn 0;\n}}\n"
    return files


def self_test(cc):
    passed = failed = 0

    def tell(ok, what, seen):
        nonlocal passed, failed
        passed, failed = passed + ok, failed + (not ok)
        print(f"{'ok  ' if ok else 'FAIL'} {what}"
              + ("" if ok else f" (seen: {seen})"))

    bad = faults_of({**GOOD, ARCHITECTURE: f"# House\n\n{GOOD_MAP}\nX\n"}, cc)
    tell(not bad, "a good house passes", bad)
    bad = faults_of(GOOD, cc, touched="src/net/high.c")
    tell(any("src/net/high.c: not built since it changed" in b for b in bad),
         "found: an object older than its source", bad)
    BESIDE.append(("capture", "net"))
    way = direction("capture", "net")
    BESIDE.pop()
    tell(way == "aside", "found: two folders that see each other", way)
    bad = faults_of({**GOOD, **THIRD}, cc, [ONE_TWO, TWO_ONE])
    tell(len(bad) == 1, "found: one call too many, the other is needed", bad)
    for what, files, allowed, want in HOUSES:
        bad = faults_of({**GOOD, **files}, cc, allowed)
        if want is None:
            tell(not bad, f"passes: {what}", bad)
        else:
            tell(any(want in b for b in bad), f"found: {what}", bad)
    for public, words in ((True, "public"), (False, "private")):
        bad = faults_of(circle(public), cc)
        tell(any("->" in b for b in bad),
             f"found: a circle of {words} headers on one floor", bad)
    for what, name, text, want in PLANTED:
        bad = faults_of({**GOOD, name: GOOD.get(name, "") + text}, cc)
        tell(any(want in b for b in bad), f"found: {what}", bad)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--root", type=Path,
                    default=Path(__file__).resolve().parent.parent)
    ap.add_argument("--cc", default="cc")
    ap.add_argument("--cflags", default="")
    ap.add_argument("--objects", type=Path)
    ap.add_argument("--map", action="store_true",
                    help="print the map for src/ARCHITECTURE.md")
    ap.add_argument("--self-test", action="store_true")
    args = ap.parse_args()
    if args.self_test:
        return self_test(args.cc)
    if args.map:
        if args.objects is None:
            ap.error("--map needs --objects")
        t = Tree(args.root)
        bad = check_built(t, args.objects)
        if bad:
            print("\n".join(bad), file=sys.stderr)
            return 1
        print(framed_map(t, Symbols(t, args.objects)))
        return 0

    passed = failed = 0
    for what, bad in run_checks(args.root, args.cc, args.cflags, args.objects,
                                CIRCLES):
        print(f"{'FAIL' if bad else 'ok  '} {what}")
        for fault in bad:
            print(f"     {fault}")
        passed, failed = passed + (not bad), failed + bool(bad)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
