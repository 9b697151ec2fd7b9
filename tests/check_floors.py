#!/usr/bin/env python3
"""Holds the house to src/ARCHITECTURE.md: floors, who may see which library,
pure floors, headers that compile alone, functions that fit a screen.

usage: check_floors.py [--root DIR] [--cc CC] [--cflags FLAGS]
                       [--objects BUILD] | --self-test
"""

import argparse
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

FLOORS = ["base", "wire", "judge", "result", "capture", "net", "talk", "probe",
          "locate", "analyze", "report", "cli"]
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


class Tree:
    """The sources and who includes whom."""

    def __init__(self, root):
        self.root = root
        self.sources = sorted(
            p for f in FLOORS for p in (root / "src" / f).glob("*.[ch]"))
        self.headers = sorted((root / "include/rsthop").glob("*.h"))
        # A public header is the lowest such module's; a writer of report may
        # share its name.
        self.module_floor = {}
        for p in self.sources:
            if p.suffix == ".c":
                self.module_floor.setdefault(p.stem, p.parent.name)

    def rel(self, path):
        return path.relative_to(self.root).as_posix()

    def floor_of(self, path):
        """The floor's name, None where no module stands behind a header."""
        if path.parent.name in FLOORS:
            return path.parent.name
        return self.module_floor.get(path.stem)

    def module_of(self, path):
        """floor/name, None for a header without a .c of its name."""
        module = f"{self.floor_of(path)}/{path.stem}"
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


def check_known_floors(t):
    """Every public header belongs to a module."""
    return [f"{t.rel(h)}: no src/*/{h.stem}.c stands behind it"
            for h in t.headers if t.floor_of(h) is None]


def check_downward(t):
    """Includes go downward, private headers stay in their folder."""
    bad = []
    for p in t.sources + t.headers:
        own = t.floor_of(p)
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
            floor = t.floor_of(target)
            if own and floor and FLOORS.index(floor) > FLOORS.index(own):
                bad.append(f"{t.rel(p)} ({own}) looks up to <{name}> "
                           f"({floor})")
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


def edges_on_floor(t):
    """module -> modules of the same floor that it includes.  A module without
    a public header is a part of one that has; it may see what the whole
    promises, so only its private includes count."""
    edges = {}
    for p in t.sources + t.headers:
        module = t.module_of(p)
        if module is None:
            continue
        floor = module.split("/")[0]
        part = not t.is_public(module)
        edges.setdefault(module, set()).update(
            m for m in modules_seen(t, p)
            if m != module and m.split("/")[0] == floor
            and not (part and t.is_public(m)))
    return edges


def check_circles(t):
    """Modules of one floor never include each other in a circle."""
    edges, done, bad = edges_on_floor(t), set(), []

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
        if t.floor_of(p) == "cli":
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


def objects_of(t, build):
    for floor in PURE:
        for p in sorted((t.root / "src" / floor).glob("*.c")):
            yield p, build / "src" / floor / (p.stem + ".o")


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


def check_pure(t, build):
    """The pure floors call no I/O, no clock, no chance."""
    bad = []
    for src, obj in objects_of(t, build):
        if not obj.exists():
            bad.append(f"{obj}: not built")
            continue
        for line in run_tool("nm", "-u", str(obj)).splitlines():
            symbol = line.split()[-1]
            if {symbol, plain_name(symbol)} & IMPURE:
                bad.append(f"{t.rel(src)} calls {plain_name(symbol)}")
    return bad


def check_no_state(t, build):
    """The pure floors keep nothing between calls."""
    bad = []
    for src, obj in objects_of(t, build):
        if not obj.exists():
            continue  # told by check_pure
        for line in run_tool("objdump", "-t", str(obj)).splitlines():
            m = re.match(r"^[0-9a-f]+ .{7} (\S+)\s+[0-9a-f]+ (.*)$", line)
            if not m or line[23:24] == "d" or m[1] == m[2].strip():
                continue
            if (m[1].startswith((".data", ".bss", ".tdata", ".tbss"))
                    and not m[1].startswith(".data.rel.ro")) \
                    or m[1] == "*COM*":
                bad.append(f"{t.rel(src)}: {m[2]} can be written to")
    return bad


def run_checks(root, cc, cflags, objects):
    """(what, faults) of each check."""
    t = Tree(root)
    checks = [check_known_floors, check_downward, check_circles, check_owners,
              check_cli_only, check_lengths]
    for c in checks:
        yield c.__doc__, c(t)
    if cc:
        yield check_alone.__doc__, check_alone(t, cc, cflags)
    if objects:
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

PLANTED = [
    ("an upward include", "src/base/low.c", "#include <rsthop/high.h>\n",
     "looks up to"),
    ("an upward include in a public header", "include/rsthop/low.h",
     "#include <rsthop/high.h>\n", "looks up to"),
    ("a private header of another floor", "src/net/high.c",
     '#include "../base/low_private.h"\n', "not a private header"),
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
    for floor in FLOORS:
        (root / "src" / floor).mkdir(parents=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def faults_of(files, cc):
    """All faults of a planted house."""
    root = Path(tempfile.mkdtemp(prefix="rsthop-floors-"))
    try:
        plant(root, files)
        build = root / "build"
        for floor in PURE:
            for src in (root / "src" / floor).glob("*.c"):
                obj = build / "src" / floor / (src.stem + ".o")
                obj.parent.mkdir(parents=True)
                subprocess.run(
                    [*shlex.split(cc), "-w", "-fPIE", "-O2",
                     f"-I{root}/include", "-c", "-o", str(obj), str(src)],
                    stderr=subprocess.DEVNULL, check=False)
        return [f for _, bad in run_checks(root, cc, "", build) for f in bad]
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

    bad = faults_of(GOOD, cc)
    tell(not bad, "a good house passes", bad)
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
    ap.add_argument("--self-test", action="store_true")
    args = ap.parse_args()
    if args.self_test:
        return self_test(args.cc)

    passed = failed = 0
    for what, bad in run_checks(args.root, args.cc, args.cflags, args.objects):
        print(f"{'FAIL' if bad else 'ok  '} {what}")
        for fault in bad:
            print(f"     {fault}")
        passed, failed = passed + (not bad), failed + bool(bad)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
