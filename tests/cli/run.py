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
sys.path.insert(0, str(ROOT / "tests/data"))
import make  # of tests/data: how its captures are made

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


def beyond_the_line(r):
    """The line and its files are good; what fails is the network."""
    complains(3, "no route|CAP_NET_RAW")(r)


V4 = "192.0.2.1:3306"  # documentation, RFC 5737: no host
DATA = ROOT / "tests/data"
SHARE = ROOT / "share/dialogues"

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
case("a payload too long for a trigger", ["locate", "--payload", "x" * 5601,
                                          V4], usage("5600 bytes"))
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

# Presets
for option, bad, says in (
        ("--http-host", "", "empty"), ("--http-host", "a..b", "dot"),
        ("--http-host", "a_b.example", "no host name"),
        ("--http-host", "www.example.com/x", "more than a name"),
        ("--http-host", "-a.example", "hyphen"),
        ("--http-host", "x" * 64 + ".example", "63"),
        ("--http-host", ".".join(["x" * 60] * 5), "253"),
        ("--tls-sni", "", "empty"), ("--tls-sni", "192.0.2.1", "an address"),
        ("--tls-sni", "a b", "no host name"),
        ("--mysql-use", "", "empty"), ("--mysql-query", "", "empty"),
        ("--mysql-use", "x" * 5596, "5600 bytes"),
        ("--mysql-query", "x" * 5596, "5600 bytes")):
    case(f"{option}={bad[:20]}", ["locate", f"{option}={bad}", V4],
         usage(f"{option}.*{says}"))
for option, good in (("--http-host", "www.example.com"),
                     ("--http-host", "192.0.2.1"),
                     ("--tls-sni", "xn--bcher-kva.example"),
                     ("--mysql-use", "db"), ("--mysql-query", "select 1"),
                     ("--payload", "a")):
    case(f"{option}={good} is taken", ["locate", f"{option}={good}", V4],
         beyond_the_line)
TRIGGERS = ("--payload a", "--payload-hex 61", "--payload-file /x",
            "--mysql-use a", "--mysql-query a", "--http-host a.example",
            "--tls-sni a.example")
for first, second in zip(TRIGGERS, TRIGGERS[1:] + TRIGGERS[:1]):
    case(f"{first} and {second}", f"locate {first} {second} {V4}",
         usage("one trigger"))

# What comes before the trigger
for option in ("--user a", "--defaults-file /x", "--ssl-mode disabled"):
    case(f"{option} without a login", f"locate {option} --payload a {V4}",
         usage(f"{option.split()[0]} goes with --mysql-use"))
for mode in ("required", "preferred", "", "disabled2"):
    case(f"--ssl-mode={mode}",
         ["locate", "--mysql-use=db", f"--ssl-mode={mode}", V4],
         usage("--ssl-mode: only 'disabled'.*--exec"))
for mode in ("disabled", "DISABLED"):
    case(f"--ssl-mode={mode} is taken",
         f"locate --mysql-use=db --ssl-mode={mode} {V4}", beyond_the_line)
for option in ("--mysql-use a", "--mysql-query a"):
    case(f"{option} and --dialogue", f"locate {option} --dialogue /x {V4}",
         usage("--dialogue does not go with a MySQL login"))
case("an option file that is not there",
     f"locate --mysql-use a --defaults-file no/such.cnf {V4}",
     complains(3, "no/such.cnf: No such file"))
case("a dialogue that is not there", f"locate --dialogue no/such {V4}",
     complains(3, "no/such: No such file"))
case("a dialogue that is a folder", f"locate --dialogue . {V4}",
     complains(3, "directory"))
case("an endless dialogue", f"locate --dialogue /dev/zero {V4}",
     complains(3, "over 1048576 bytes"))
case("a dialogue's trigger and another",
     f"locate --dialogue {SHARE}/smtp.dialogue --payload a {V4}",
     usage("trigger of its own"))
for twice in ("--user", "--defaults-file", "--dialogue", "--from",
              "--attach"):
    case(f"{twice} given twice", f"locate {twice} a {twice} b {V4}",
         usage(f"{twice}: given twice"))

# Connections of others
for bad in ("", "192.0.2.5:1", "192.0.2.5:1,192.0.2.1:2", ):
    case(f"--attach={bad}", ["locate", "--payload=a", f"--attach={bad}"],
         usage("--attach.*give SRC:PORT-DST:PORT"))
for bad in ("-", ":-:", "192.0.2.5-192.0.2.1:3306", "192.0.2.5:1-192.0.2.1",
            "192.0.2.5:0-192.0.2.1:3306", "192.0.2.5:1-192.0.2.1:65536",
            "db-1:1-192.0.2.1:3306", "192.0.2.5:1-db.example:3306",
            "192.0.2.5:1-[2001:db8::1]:3306", "2001:db8::5:1-2001:db8::1:2",
            "192.0.2.5:1-192.0.2.1:3306-"):
    case(f"--attach={bad}", ["locate", "--payload=a", f"--attach={bad}"],
         usage("--attach.*both ends are addresses with a port"))
FLOW = "192.0.2.5:41000-192.0.2.1:3306"
case("--attach and a target", f"locate --payload a --attach {FLOW} {V4}",
     usage("leave HOST:PORT out"))
case("--attach without a trigger", f"locate --attach {FLOW}",
     usage("nothing to go by"))
for other in ("--source-port 4000", "--dialogue /x", "--from /x",
              "--exec -- x"):
    case(f"--attach and {other}",
         f"locate --payload a --attach {FLOW} {other}",
         usage("--attach goes with a trigger alone"))
for flow in (FLOW, "[2001:db8::5]:41000-[2001:db8::1]:3306"):
    case(f"--attach {flow} is taken", f"locate --payload a --attach {flow}",
         beyond_the_line)
case("--attach with a command of MySQL asks for no login",
     f"locate --mysql-use db --attach {FLOW} --defaults-file no/such",
     beyond_the_line)

# The user's own client
case("--exec without a command", f"locate {V4} --exec",
     usage("--exec: no command.*behind --"))
case("--exec with -- and nothing behind it", f"locate {V4} --exec --",
     usage("--exec: no command"))
case("a command without --exec", f"locate {V4} -- mariadb",
     usage("a command behind -- goes with --exec"))
case("a trigger and a command without --exec",
     f"locate --payload a {V4} -- mariadb -e x",
     usage("a command behind -- goes with --exec"))
case("--exec without a target", "locate --exec -- mariadb",
     usage("no target given"))
case("--exec behind a bad target", "locate 192.0.2.1 --exec -- mariadb",
     usage("no port"))
case("--exec and --from", f"locate --from /x {V4} --exec -- x",
     usage("--exec and --from"))
case("--exec=x", f"locate {V4} --exec=x", usage("--exec takes no value"))
case("an option of the command is not rsthop's",
     f"locate {V4} --exec -- mariadb --frobnicate -Z", beyond_the_line)

# Captures of the reset
case("--from without a value", "locate --from", usage("--from needs a value"))
case("--from of what is not there", "locate --from no/such.pcap",
     complains(3, "no/such.pcap: No such file"))
case("--from of a folder", "locate --from .", complains(3, "directory"))
for pipe in ("-", "/dev/null"):
    case(f"--from {pipe}", f"locate --from {pipe}",
         usage("read twice; save it to a file"))
case("--from of what is no capture", f"locate --from {SHARE}/smtp.dialogue",
     complains(3, "smtp.dialogue"))
case("--from of genuine resets", f"locate --from {DATA}/genuine.pcap",
     complains(3, "nothing to locate: all 3 resets are genuine"))
case("--from of genuine resets, with a target",
     f"locate --from {DATA}/genuine.pcap 198.51.100.7:443",
     complains(3, "nothing to locate"))
case("--from without resets", f"locate --from {DATA}/quiet.pcap",
     complains(3, "no reset in 9 packets"))
for target in ("198.51.100.7:443", "203.0.113.9:80", "203.0.113.9"):
    case(f"--from of two suspects, {target} named",
         f"locate --from {DATA}/two-suspects.pcap {target}", beyond_the_line)
for name in ("founding", "sni-v6", "smtp", "mysql-login", "mysql-tls"):
    case(f"--from of {name}, alone in its capture",
         f"locate --from {DATA}/{name}.pcap", beyond_the_line)
case("--from and two targets", f"locate --from {DATA}/smtp.pcap {V4} {V4}",
     usage("one too many"))

# Files
case("a payload file that is not there",
     f"locate --payload-file no/such/file {V4}",
     complains(3, "no/such/file: No such file"))
case("a payload file that is a folder", f"locate --payload-file . {V4}",
     complains(3, "directory"))
case("an empty payload file", f"locate --payload-file /dev/null {V4}",
     complains(3, "empty"))
case("an endless payload file", f"locate --payload-file /dev/zero {V4}",
     complains(3, "5600 bytes"))
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


def dialogues(program, tmp):
    """What is wrong with a dialogue is told with the number of its line."""
    path = os.path.join(tmp, "d.dialogue")
    good = b'# a comment\n\nexpect "220 " 10s\n'
    for text, says in (
            (b"", "d.dialogue: it has no statement"),
            (good, "has no trigger line"),
            (good + b'expct "250 "', ":4: .*write expect, not"),
            (good + b"frobnicate", ":4: .*begin with expect"),
            (good + b'send "a', ":4: send: a text that is not closed"),
            (good + b"send a", ":4: send: a text in quotes is missing"),
            (good + b'send "\\q"', r":4: send.*\\q"),
            (good + b'send ""', ":4: send: an empty text"),
            (good + b'send "a" 10s', ":4: send: too much stands behind"),
            (good + b'expect "a" 10', ":4: expect: no time with its unit"),
            (good + b'expect "a" 2h', ":4: expect: no time with its unit"),
            (good + b'expect "a" 4000s', ":4: expect"),
            (good + b"expect 0 bytes", ":4: expect"),
            (good + b"expect 7 words", ":4: expect: the word bytes"),
            (good + b"pause", ":4: pause: a time is missing"),
            (good + b"trigger 'a'", ":4: trigger: a text in quotes"),
            (good + b'trigger "a"\ntrigger "b"', ":5: trigger: a second one"),
            (good + b'trigger "a"\nsend "b"', ":5: send: nothing is said"),
            (good + b'trigger "a"\ncontrol "a"', ":5: control: the trigger"),
            (good + b'trigger "' + 5601 * b"a" + b'"', "5600 bytes"),
            (good + b"send \0", ":4: a NUL byte"),
            (257 * b'send "a"\n', ":257: send: more than 256 steps")):
        with open(path, "wb") as f:
            f.write(text)
        complains(3, says)(Ran(program, ["locate", "--dialogue", path, V4]))
    with open(path, "wb") as f:
        f.write(good)
    beyond_the_line(Ran(
        program, ["locate", "--dialogue", path, "--payload", "a", V4]))
    for shipped in sorted(SHARE.glob("*.dialogue")):
        beyond_the_line(Ran(program, ["locate", "--dialogue", shipped, V4]))
    os.unlink(path)


def several_suspects(program, _):
    """Where a capture has several suspects, they are listed."""
    path = DATA / "two-suspects.pcap"
    for target, says in (([], "holds several suspects: name one"),
                         (["198.51.100.9:443"], "no suspect reset from"),
                         (["198.51.100.7:80"], "no suspect reset from")):
        r = Ran(program, ["locate", "--from", path, *target])
        expect("status", r.status, 2)
        expect("stdout", r.out, "")
        *listed, last = r.err.splitlines()
        expect("the list", sorted(
            re.sub(r"^\d  (\S+ -> \S+)  forged .*", r"\1", line)
            for line in listed), ["10.0.0.5 -> 198.51.100.7:443",
                                  "10.0.0.5 -> 203.0.113.9:80"])
        if says not in last:
            raise Wrong(f"{last!r} does not say {says!r}")


def cut_captures(program, tmp):
    """A capture that is cut short serves as far as it goes."""
    path = os.path.join(tmp, "cut.pcap")
    whole = (DATA / "founding.pcap").read_bytes()
    # Half of it has resets; the first packets have none; nor has the header.
    for n, look in ((len(whole) // 2 + 7, beyond_the_line),
                    (300, complains(3, "no reset in [0-9]+ packets; .*cut")),
                    (10, complains(3, "cut.pcap"))):
        with open(path, "wb") as f:
            f.write(whole[:n])
        look(Ran(program, ["locate", "--from", path]))
    os.unlink(path)


def acting_triggers(program, tmp):
    """A trigger that may change something is not sent again unasked."""
    path = os.path.join(tmp, "acts.pcap")
    post = (b"POST /order HTTP/1.1\r\nHost: shop.example\r\n"
            b"Content-Length: 1\r\n\r\na")
    for words, says in ((post, "POST shop.example"),
                        (make.mysql(3, b"delete from t"),
                         "COM_QUERY delete from t")):
        c = make.Capture()
        s = make.Story(c, make.client(40000), make.server(3306))
        s.handshake()
        ident, _, _ = s.say(s.client, words)
        make.turned_round(s, ident)
        with open(path, "wb") as f:
            f.write(c.bytes())
        usage(f"{says}, may change something.*give it yourself")(
            Ran(program, ["locate", "--from", path]))
        beyond_the_line(
            Ran(program, ["locate", "--from", path, "--payload", "a"]))
    os.unlink(path)


def idle_commands(program, _):
    """A command of --exec that does not connect ends it after three runs."""
    here = os.environ.get("RSTHOP_CLI_INNER") and has_net_raw()
    if here:
        for line in ("link add cli0 type veth peer name cli1",
                     "address add 192.0.2.5/24 dev cli0",
                     "link set cli1 up", "link set cli0 up"):
            subprocess.run(["ip", *line.split()], check=True)
    try:
        for command, says in (
                (["true"], "true: in 3 runs it did not connect to "
                 "192.0.2.1:3306: give the address"),
                (["sh", "-c", "exit 7"], "sh: in 3 runs.*with status 7"),
                (["no-such-command"], "no-such-command: No such file"),
                (["/"], "/: Permission denied")):
            complains(3, says if here else "no route|CAP_NET_RAW")(
                Ran(program, ["locate", V4, "--exec", "--", *command]))
    finally:
        if here:
            subprocess.run(["ip", "link", "del", "cli0"], check=True)


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


SPECIAL = [unprivileged, dialogues, several_suspects, cut_captures,
           acting_triggers, idle_commands, unwritable, unknown_host,
           loopback, no_interface, odd_words, full_disk, closed_pipe,
           closed_stdout, early_signal, manual_and_completion, reasons,
           *analyze.ALL, nothing_left]


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
