#!/usr/bin/env python3
"""The program from outside: exit status, standard output, standard error.

usage: run.py --rsthop PATH

Needs no network, sends nothing (as root it runs in a network namespace of its
own, in case something tries), and runs as root or not: what one of the two
alone can see is tried as far as it can be.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import analyze

ROOT = Path(__file__).resolve().parent.parent.parent
NOBODY = 65534
CASES = []


class Wrong(Exception):
    """What was seen is not what was to be seen."""


class Ran:
    """One run of the program."""

    def __init__(self, program, args, **kw):
        self.args = args
        env = dict(os.environ, LC_ALL="C.UTF-8")
        env.pop("POSIXLY_CORRECT", None)
        kw.setdefault("stdout", subprocess.PIPE)
        r = subprocess.run(
            [program, *args], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, timeout=60, env=env, **kw)
        self.status = r.returncode
        self.out = (r.stdout or b"").decode(errors="replace")
        self.err = r.stderr.decode(errors="replace")


def expect(what, seen, wanted):
    if seen != wanted:
        raise Wrong(f"{what} is {seen!r}, not {wanted!r}")


def complains(status, pattern):
    """One line on stderr that says so, nothing on stdout."""
    def look(r):
        expect("status", r.status, status)
        expect("stdout", r.out, "")
        if not re.fullmatch(r"rsthop: [^\n]*\n", r.err):
            raise Wrong(f"stderr is not one line of rsthop's: {r.err!r}")
        if not re.search(pattern, r.err):
            raise Wrong(f"stderr does not say {pattern!r}: {r.err!r}")
    return look


def usage(pattern):
    return complains(2, pattern)


def shows(pattern):
    """Status 0, text on stdout, nothing on stderr, no line too long."""
    def look(r):
        expect("status", r.status, 0)
        expect("stderr", r.err, "")
        if not re.search(pattern, r.out, re.S):
            raise Wrong(f"stdout does not show {pattern!r}: {r.out!r}")
        for line in r.out.splitlines():
            if len(line) > 80:
                raise Wrong(f"over 80 columns: {line!r}")
    return look


def case(words, args, look, **kw):
    CASES.append((words, args.split() if isinstance(args, str) else args,
                  look, kw))


V4 = "192.0.2.1:3306"  # documentation, RFC 5737: no host

# Help and version
case("--version gives the version in VERSION", "--version",
     shows("^rsthop " + re.escape(
         (ROOT / "VERSION").read_text().strip()) + "\n$"))
case("help lists the commands", "help", shows("locate.*trace.*analyze.*watch.*help"))
case("--help does", "--help", shows("locate.*trace"))
case("-h does", "-h", shows("locate.*trace"))
case("help COMMAND shows its options", "help locate", shows("--rst-ttl N"))
case("COMMAND --help does too", "trace --help", shows("--max-hops N"))
case("--help wins over a missing target", "locate -h", shows("--payload"))
case("help of an unknown command", "help nosuch", usage("nosuch"))
case("help with too many words", "help locate trace", usage("usage: "))

# Commands and options
case("no command", [], usage("rsthop help"))
case("an unknown command", "frobnicate", usage("frobnicate"))
case("an unknown option before the command", "--frobnicate",
     usage("unknown option '--frobnicate'"))
case("an unknown long option", f"trace --frobnicate {V4}",
     usage("'--frobnicate'"))
case("an unknown long option with a value", f"trace {V4} --frob=3",
     usage("'--frob'"))
case("an unknown letter", f"trace -Z {V4}", usage("'-Z'"))
case("an unknown letter behind good ones", f"trace -nqZ {V4}", usage("'-Z'"))
for later in ("--from", "--mysql-use", "--dialogue", "--exec", "--http-host",
              "--tls-sni"):
    case(f"{later} is not offered before it works",
         f"locate {later} x {V4}", usage(f"'{later}'"))
case("a flag with a value", f"trace --json=yes {V4}",
     usage("--json takes no value"))
case("a long option without its value", f"locate {V4} --payload",
     usage("--payload needs a value"))
case("a letter without its value", f"trace {V4} -o",
     usage("-o needs a value"))
case("-4 and -6 at once", f"trace -4 -6 {V4}", usage("-4 and -6"))
case("a colour that is none", f"trace --color=blue {V4}", usage("blue"))

# The target
case("trace without a target", "trace", usage("no target"))
case("locate without a target", "locate --rst-ttl 63", usage("HOST:PORT"))
case("two targets", f"trace {V4} {V4}", usage("one too many"))
case("locate without a port", "locate --rst-ttl 63 192.0.2.1",
     usage("no port"))
case("locate with a bare v6 address", "locate --rst-ttl 63 2001:db8::1",
     usage("no port"))
for bad, says in (("192.0.2.1:", "port"), ("192.0.2.1:0", "1 to 65535"),
                  ("192.0.2.1:65536", "1 to 65535"),
                  ("192.0.2.1:http", "port"), ("192.0.2.1:+80", "port"),
                  (":3306", "no host"), ("[2001:db8::1", "lacks its"),
                  ("[2001:db8::1]3306", "':PORT'"), ("[db]:3306", "IPv6"),
                  ("a:b:c", "neither"), ("x" * 300 + ":1", "too long")):
    case(f"the target {bad[:24]}", ["locate", "--rst-ttl", "63", bad],
         usage(says))
case("-- ends the options", "trace -- --json=3",
     complains(3, "--json=3|CAP_NET_RAW"))

# Numbers
for option, bad in (
        ("--rst-ttl", ("0", "256", "-1", "x", "", "6 3", "0x40", "63x")),
        ("--server-ttl", ("0", "256")),
        ("--confidence", ("0.4", "1", "nan", "inf", "1e-1", "x", "-0.9")),
        ("--max-connections", ("0", "99999999999999999999", "-3")),
        ("--max-time", ("0", "x", "-1")),
        ("--cooldown", ("-1", "x")),
        ("--rate", ("0", "x")),
        ("--max-hops", ("0", "65", "1000", "x")),
        ("--source-port", ("0", "65536", "x")),
        ("--port-sweep", ("0", "1", "65", "x", ""))):
    for value in bad:
        case(f"{option}={value}",
             ["locate", "--rst-ttl=63", f"{option}={value}", V4],
             usage(re.escape(option)))
case("--port-sweep without a trigger",
     ["locate", "--rst-ttl=63", "--port-sweep=16", V4],
     usage("--port-sweep.*draws the reset"))
case("--port-sweep with too few connections",
     ["locate", "--payload=x", "--port-sweep=32", V4],
     usage("--port-sweep.*200 connections.*--max-connections"))
case("--port-sweep beyond the last port",
     ["locate", "--payload=x", "--port-sweep=16", "--source-port=65530", V4],
     usage("--port-sweep.*not 16 ports from 65530"))
case("more --rst-ttl than are taken",
     "locate " + "--rst-ttl=63 " * 9 + V4, usage("--rst-ttl"))

# Watching: what is wrong with the line is told before privilege
case("help of watch shows its options", "help watch", shows("--ring FILE"))
case("watch with a filter that does not compile", "watch tcp and and",
     usage("tcp and and.*syntax error"))
case("watch with a filter that closes what it did not open",
     ["watch", "tcp) or (udp"], usage("does not compile"))
case("watch into a file whose ending it has no use for",
     "watch -o report.json", usage(r"\.jsonl"))
case("watch with --rotate and no file", "watch --rotate 1M", usage("-o FILE"))
case("watch with --ring-size and no ring", "watch --ring-size 1M",
     usage("--ring FILE"))
case("watch with an empty ring", ["watch", "--ring="], usage("--ring"))
case("watch with an interface's name too long", "watch -i " + "x" * 16,
     usage("-i"))
for option, bad in (
        ("--count", ("0", "-1", "x", "99999999999999999999")),
        ("--duration", ("0", "-1", "1e3", "nan", "x")),
        ("--rotate", ("0", "4095", "1T", "x", "M", "99999999999G")),
        ("--ring-size", ("0", "65535", "63K", "1.5M", "-1", "")),
        ("--max-flows", ("0", "15", "x"))):
    for value in bad:
        case(f"watch {option}={value}", ["watch", f"{option}={value}"],
             usage(re.escape(option)))

# Triggers
case("locate with nothing to go by", f"locate {V4}", usage("--payload"))
case("an empty payload", ["locate", "--payload", "", V4], usage("empty"))
case("an empty payload in hex", ["locate", "--payload-hex", "", V4],
     usage("--payload-hex"))
case("hex that is none", ["locate", "--payload-hex", "0g", V4],
     usage("--payload-hex"))
case("an odd number of hex digits", ["locate", "--payload-hex", "abc", V4],
     usage("--payload-hex"))
case("an escape that is none", ["locate", "--payload", r"a\q", V4],
     usage("--payload"))
case("a payload too long for a segment", ["locate", "--payload", "x" * 1401,
                                          V4], usage("segment"))
case("two triggers", f"locate --payload a --payload-hex 61 {V4}",
     usage("one trigger"))
case("one trigger twice", f"locate --payload a --payload b {V4}",
     usage("one trigger"))
case("text and file at once", f"locate --payload a --payload-file /x {V4}",
     usage("one trigger"))
case("a control that is the trigger",
     f"locate --payload ab --control ab {V4}", usage("--control"))
case("a control without a trigger", f"locate --rst-ttl 63 --control ab {V4}",
     usage("--control"))
case("an empty control", ["locate", "--payload", "a", "--control", "", V4],
     usage("--control"))

# Files
case("a payload file that is not there",
     f"locate --payload-file no/such/file {V4}",
     complains(3, "no/such/file: No such file"))
case("a payload file that is a folder", f"locate --payload-file . {V4}",
     complains(3, "directory"))
case("an empty payload file", f"locate --payload-file /dev/null {V4}",
     complains(3, "empty"))
case("an endless payload file", f"locate --payload-file /dev/zero {V4}",
     complains(3, "segment"))
case("usage is told before files", f"locate --payload-file no/such {V4} -Z",
     usage("-Z"))
case("an ending that no format has", f"trace -o report.doc {V4}",
     usage(r"\.json"))
case("no ending", f"trace -o report {V4}", usage(r"\.txt"))
case("a report into a folder that is not there",
     f"trace -o no/such/report.json {V4}",
     complains(3, "no/such/report.json: No such file"))
case("a report in place of a folder", f"trace -o {{tmp}}/dir.json {V4}",
     complains(3, "dir.json: Is a directory"))
case("nine reports", "trace " + "-o a.json " * 9 + V4, usage("-o"))


def run_cases(program, tmp):
    for words, args, look, kw in CASES:
        args = [a.replace("{tmp}", tmp) for a in args]
        yield words, lambda a=args, lk=look, k=kw: lk(Ran(program, a, **k))


# What takes more than one line of a table.


def has_net_raw():
    status = Path("/proc/self/status").read_text()
    return bool(int(re.search(r"CapEff:\s*(\w+)", status)[1], 16) & 1 << 13)


def drop_privilege():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def others_may_enter():
    """Whether another user finds / at all: not so in some bare chroots."""
    return bool(os.stat("/").st_mode & 1)


def unprivileged(program, tmp):
    """Without privilege, one line that says how to mend it."""
    kw, before = {}, []
    if has_net_raw() and not others_may_enter():
        before = ["--inh-caps=-all", "--bounding-set=-all", program]
        program = shutil.which("setpriv")
    elif has_net_raw():
        # Where other users cannot be had (unshare -r), or may not see it:
        copy = shutil.copy(program, os.path.join(tmp, "rsthop"))
        os.chmod(tmp, 0o755)
        os.chmod(copy, 0o755)
        program, kw["preexec_fn"] = copy, drop_privilege
    for args in (f"trace {V4}", f"locate --payload a {V4}",
                 f"trace --json {V4}", "watch -i lo", "watch --json -i lo"):
        complains(3, "CAP_NET_RAW.*sudo")(
            Ran(program, before + args.split(), **kw))
    usage("-Z")(Ran(program, before + ["trace", "-Z"], **kw))
    complains(3, "No such file")(
        Ran(program, before + ["locate", "--payload-file", "/no/such", V4],
            **kw))


def unwritable(program, tmp):
    """A folder that the user may not write to is told before the run."""
    folder = os.path.join(tmp, "shut")
    os.mkdir(folder, 0o555)
    if os.geteuid() == 0:
        folder = "/proc"  # where not even root makes files
    complains(3, "cannot write .*report.json")(
        Ran(program, ["trace", "-o", f"{folder}/report.json", V4]))


def unknown_host(program, _):
    """A name that cannot be (RFC 6761) is told with the resolver's reason."""
    says = "no-such-host.invalid" if has_net_raw() else "CAP_NET_RAW"
    complains(3, says)(Ran(program, ["trace", "no-such-host.invalid:80"]))


def loopback(program, _):
    """No path leads to this very host."""
    says = r"127\.0\.0\.1 is this very host" if has_net_raw() \
        else "CAP_NET_RAW"
    complains(3, says)(Ran(program, ["trace", "127.0.0.1:80"]))
    complains(3, says)(
        Ran(program, ["locate", "--payload", "a", "127.0.0.1:80"]))


def no_interface(program, _):
    """An interface that is not there is told by its name."""
    says = "nosuch0" if has_net_raw() else "CAP_NET_RAW"
    complains(3, says)(Ran(program, ["trace", "-i", "nosuch0", V4]))
    complains(3, says)(Ran(program, ["watch", "-i", "nosuch0"]))


def odd_words(program, _):
    """Line breaks and escapes in a user's words do not break the line."""
    usage(r"\?")(Ran(program, ["fro\nb"]))
    usage(r"\?")(Ran(program, ["trace", "--color=\x1b[31m", V4]))


def full_disk(program, _):
    """A standard output that is full is told."""
    with open("/dev/full", "wb") as full:
        r = Ran(program, ["help"], stdout=full)
    expect("status", r.status, 3)
    if "No space left" not in r.err or r.err.count("\n") != 1:
        raise Wrong(f"stderr: {r.err!r}")


def closed_pipe(program, _):
    """A reader that has left is no error, and no signal."""
    read, write = os.pipe()
    os.close(read)
    r = Ran(program, ["help"], stdout=write)
    os.close(write)
    expect("status", r.status, 0)
    expect("stderr", r.err, "")


def closed_stdout(program, _):
    """Started without standard output, it still complains where it should."""
    r = Ran(program, ["trace", "-Z"], stdout=None,
            preexec_fn=lambda: os.close(1))
    expect("status", r.status, 2)
    if "-Z" not in r.err:
        raise Wrong(f"stderr: {r.err!r}")


def early_signal(program, tmp):
    """A signal before anything began ends it with 128 + signal."""
    fifo = os.path.join(tmp, "fifo")
    os.mkfifo(fifo)
    for sig in (signal.SIGINT, signal.SIGTERM):
        p = subprocess.Popen(
            [program, "locate", "--payload-file", fifo, V4],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        with open(fifo, "wb"):  # returns once the program is reading
            p.send_signal(sig)
            out, err = p.communicate(timeout=30)
        expect("status", p.returncode, 128 + sig)
        expect("stdout", out, b"")
        expect("stderr", err, b"")
    os.unlink(fifo)


def manual_and_completion(program, _):
    """Every option stands in the manual and in the completion."""
    completion = (ROOT / "src/completion/rsthop.bash").read_text()
    for command in ("locate", "trace", "analyze"):
        text = Ran(program, ["help", command]).out
        manual = (ROOT / f"man/rsthop-{command}.1").read_text()
        options = re.findall(r"^  (?:-(\w)(?:,)?|  )? *(?:--([a-z-]+))?",
                             text[text.index("Options"):], re.M)
        options = [o for o in options if any(o)]
        if len(options) < 11:
            raise Wrong(f"help {command} shows {len(options)} options")
        for letter, long in options:
            if long and not re.search(rf"--{long}\b", completion):
                raise Wrong(f"--{long} is not completed")
            if long and not re.search(rf"Fl Fl {long}\b", manual):
                raise Wrong(f"--{long} is not in {command}'s manual")
            if letter and not re.search(rf"Fl {letter}\b", manual):
                raise Wrong(f"-{letter} is not in {command}'s manual")


def reasons(_, __):
    """Every reason's code stands in the manual, and no other does."""
    used = set()
    for source in (ROOT / "src").glob("*/*.c"):
        used |= set(re.findall(r'reasons_add\([^;"]*"([a-z0-9-]+)"',
                               source.read_text()))
    manual = (ROOT / "man/rsthop-locate.1").read_text()
    section = manual.split("\n.Sh REASONS")[1].split("\n.Sh ")[0]
    expect("the manual's list", re.findall(r"^\.It Sy (\S+)", section, re.M),
           sorted(used))


def nothing_left(_, tmp):
    """Nothing was written anywhere."""
    expect("files", sorted(os.listdir(tmp)),
           sorted({"dir.json", "rsthop", "shut"} & set(os.listdir(tmp))))


SPECIAL = [unprivileged, unwritable, unknown_host, loopback, no_interface,
           odd_words, full_disk, closed_pipe, closed_stdout, early_signal,
           manual_and_completion, reasons, *analyze.ALL, nothing_left]


def isolate():
    """As root: the whole again, in a network namespace with lo alone."""
    if os.environ.get("RSTHOP_CLI_INNER"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=False)
        return
    if os.geteuid() != 0 or subprocess.run(
            ["unshare", "-n", "true"], stderr=subprocess.DEVNULL).returncode:
        return
    os.environ["RSTHOP_CLI_INNER"] = "1"
    os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--rsthop", required=True)
    args = ap.parse_args()
    program = os.path.abspath(args.rsthop)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    isolate()

    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="rsthop-cli-") as tmp:
        os.mkdir(os.path.join(tmp, "dir.json"))
        tests = list(run_cases(program, tmp))
        tests += [(f.__doc__.rstrip("."), lambda f=f: f(program, tmp))
                  for f in SPECIAL]
        for words, run in tests:
            try:
                run()
            except (Wrong, analyze.Wrong, OSError, subprocess.SubprocessError) as e:
                failed += 1
                print(f"FAIL {words}\n     {e}")
            else:
                passed += 1
                print(f"ok   {words}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
