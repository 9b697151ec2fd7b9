"""What `rsthop locate` must make of the user's own client: run by it (--exec),
captured before (--from), or attached to while it stands (--attach).

CASES: (name, what it proves, check, topology), for run.py.
"""

import json
import os
import shutil
import signal
import socket
import subprocess

import lab as labs
import mariadb
import scenarios_mysql
from logins import hear_no_more, listen, located, until

PORT = labs.PORT
NOBODY = 65534


def own_client(lab, *options, version=4):
    """The command line of MariaDB's own client."""
    if shutil.which("mariadb") is None:
        raise labs.Missing("mariadb is not installed (package"
                           " mariadb-client-core)")
    return ["mariadb", f"--defaults-file={lab.mysql_defaults()}",
            "--skip-ssl", "--protocol=tcp", "--host",
            lab.server_address(version), "--port", str(PORT), *options]


def use_once(lab, version=4):
    return own_client(lab, "--execute", f"use {mariadb.DATABASE}",
                      version=version)


def target(lab, version=4):
    address = lab.server_address(version)
    return f"[{address}]:{PORT}" if version == 6 else f"{address}:{PORT}"


def found(bench, scenario, document):
    """What the scenario says of the device."""
    verdict = document.get("verdict", {})
    for key, wanted in scenario.truth(bench.lab).items():
        bench.same(f"verdict.{key}", verdict.get(key), wanted)
    bench.same("resets of the controls", document.get(
        "reproduction", {}).get("control_resets"), 0)


def scenario(name):
    return next(s for s in scenarios_mysql.SCENARIOS if s.name == name)


# --exec and --from


def run_by_it(name):
    def check(bench):
        s = scenario(name)
        s.arrange(bench.lab)
        done = bench.run("locate", "--json", "-n", "--exec",
                         target(bench.lab, s.version), "--",
                         *use_once(bench.lab, s.version))
        bench.same("the exit status", done.status, 0)
        document = done.json() or {}
        bench.same("trigger.source",
                   (document.get("trigger") or {}).get("source"), "exec")
        found(bench, s, document)
    return check


def capture(lab, argv, is_reset, times=60):
    """A capture of the client's, run until it was reset."""
    path = os.path.join(lab.tmp, "own.pcap")
    ear = listen(lab, path)
    for _ in range(times):
        if is_reset(lab.run("client", argv)):
            break
    hear_no_more(ear)
    return path


def captured(name):
    def check(bench):
        s = scenario(name)
        s.arrange(bench.lab)
        path = capture(bench.lab, use_once(bench.lab, s.version),
                       lambda done: done.returncode != 0)
        done = bench.run("locate", "--json", "-n", "--defaults-file",
                         bench.lab.mysql_defaults(), "--from", path)
        bench.same("the exit status", done.status, 0)
        document = done.json() or {}
        bench.same("trigger.source",
                   (document.get("trigger") or {}).get("source"), "capture")
        found(bench, s, document)
    return check


# --attach


class Session:
    """MariaDB's client, kept open in the client; it does not reconnect."""

    def __init__(self, lab):
        self.popen = subprocess.Popen(
            lab.command("client", own_client(
                lab, "--batch", "--skip-column-names", "--unbuffered",
                "--skip-reconnect")),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True)

    def ask(self, sql):
        """The first line of the answer."""
        try:
            self.popen.stdin.write(sql + ";\n")
            self.popen.stdin.flush()
        except BrokenPipeError:
            return "it has ended"
        return self.popen.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.kill()
        self.popen.communicate()


def ends_of(lab, version=4):
    """Both ends of the one connection that stands in the client."""
    seen = lab.run("client", ["ss", "-Htn", "state", "established"]).stdout
    lines = [line.split() for line in seen.splitlines()]
    if len(lines) != 1:
        raise labs.LabError(f"connections in the client: {lines}")
    return "-".join(lines[0][-2:])


def attached(options, hop, place, policy):
    """The connection answers before and after, and is the same."""
    def check(bench):
        lab = bench.lab
        lab.mariadb()
        lab.forge(hop, place, "--protocol", "mysql", *options,
                  match=mariadb.DATABASE)
        with Session(lab) as session:
            number = session.ask("SELECT CONNECTION_ID()")
            done = bench.run("locate", "--json", "-n", "--attach",
                             ends_of(lab), "--mysql-use", mariadb.DATABASE,
                             beside=[str(session.popen.pid)])
            bench.same("the connection afterwards",
                       session.ask("SELECT CONNECTION_ID()"), number)
            bench.same("what it has in use",
                       session.ask("SELECT DATABASE()"), "NULL")
        document = located(bench, done, hop, place)
        bench.same("verdict.ttl_policy",
                   document.get("verdict", {}).get("ttl_policy"), policy)
    return check


# Whose it is, and that nothing is left of it

OWN = """
import json, os, socket, subprocess, sys, time
told, address, port, mode = sys.argv[1:5]
with open("/proc/self/status") as f:
    status = dict(line.rstrip("\\n").split(":\\t", 1) for line in f if ":\\t" in line)
child = subprocess.Popen(["sleep", "600"])
with open(told, "a") as f:
    json.dump({"pid": os.getpid(), "child": child.pid,
               "home": os.environ.get("HOME"),
               "uid": status["Uid"].split(), "gid": status["Gid"].split(),
               "groups": status["Groups"].split(),
               "caps": [status[k] for k in ("CapInh", "CapPrm", "CapEff",
                                            "CapAmb")]}, f)
    f.write("\\n")
print("NOISE", flush=True)
print("NOISE", file=sys.stderr, flush=True)
if mode == "idle":
    time.sleep(600)
s = socket.create_connection((address, int(port)), 5)
try:
    s.sendall(b"use db")
    s.recv(100)
except OSError:
    pass
if mode == "hang":
    time.sleep(600)
"""


class Told:
    """A client of ours, and what it wrote down about itself."""

    def __init__(self, lab, mode):
        folder = os.path.join(lab.tmp, "told")
        os.mkdir(folder)
        os.chmod(folder, 0o777)
        self.path = os.path.join(folder, "lines")
        program = os.path.join(folder, "own.py")
        with open(program, "w", encoding="ascii") as f:
            f.write(OWN)
        os.chmod(program, 0o755)
        # The system's: not in anybody's home.
        self.command = ["/usr/bin/python3", program, self.path,
                        lab.server_address(), str(PORT), mode]

    def lines(self):
        try:
            with open(self.path, encoding="ascii") as f:
                return [json.loads(line) for line in f
                        if line.endswith("\n")]
        except FileNotFoundError:
            return []


def run_own(bench, mode, *options, device=(), sudo=False, **kw):
    lab = bench.lab
    lab.serve()
    lab.forge(3, "router", "--drop", *device)
    told = Told(lab, mode)
    env = None
    if sudo:
        env = {"SUDO_UID": str(NOBODY), "SUDO_GID": str(NOBODY),
               "HOME": "/root"}
    meanwhile = kw.pop("meanwhile", None)
    done = bench.run(
        "locate", "--json", "-n", *options, "--exec", target(lab), "--",
        *told.command, env=env, **kw,
        meanwhile=None if meanwhile is None else
        lambda p: meanwhile(p, told))
    bench.same("did the command run", bool(told.lines()), True)
    return done, told.lines()


def is_nobodys(bench):
    """As sudo's invoker: identity, groups, home, no capability."""
    if not labs.is_real_root():
        raise labs.Missing("other users do not exist here")
    done, lines = run_own(bench, "once", sudo=True)
    located(bench, done)
    me = [str(NOBODY)] * 4
    # getent's, not the environment's.
    home = subprocess.run(["getent", "passwd", str(NOBODY)], text=True,
                          capture_output=True, check=True).stdout.split(":")
    for line in lines:
        for key, wanted in (("uid", me), ("gid", me),
                            ("groups", [str(NOBODY)]), ("home", home[5]),
                            ("caps", ["0" * 16] * 4)):
            bench.same(f"its {key}", line[key], wanted)
    bench.same("what it says on standard error", "NOISE" in done.err, False)


def is_heard_with_v(bench):
    """What the command prints goes to standard error, and with -v only;
    it is who runs rsthop where there was no sudo."""
    done, lines = run_own(bench, "once", "-v")
    located(bench, done)
    bench.same("NOISE on standard error", done.err.count("NOISE"),
               2 * len(lines))
    bench.same("NOISE on standard output", "NOISE" in done.out, False)
    bench.same("its user", lines[0]["uid"], [str(os.geteuid())] * 4)


def is_ended(bench):
    """A client that is reset and hangs: ended, and the hop."""
    done, lines = run_own(bench, "hang", "--max-time", "20")
    located(bench, done)
    bench.same("how often it was run", len(lines), 1)
    bench.same("was it waited for", done.seconds < 8, True)


def is_ended_by_signal(bench):
    def meanwhile(p, told):
        until("the command runs", lambda: len(told.lines()) == 1)
        p.send_signal(signal.SIGINT)
    done, _ = run_own(bench, "idle", meanwhile=meanwhile)
    bench.same("the exit status", done.status, 128 + signal.SIGINT)
    bench.same("was it at once", done.seconds < 5, True)


def is_not_there(bench):
    bench.lab.serve()
    done = bench.run("locate", "--exec", target(bench.lab), "--",
                     "/no/such/client")
    bench.one_line(done, 3)
    bench.same("is it named", "/no/such/client" in done.err, True)


def says_nothing(bench):
    """A command that opens no connection."""
    bench.lab.serve()
    done = bench.run("locate", "--json", "-n", "--max-time", "4", "--exec",
                     target(bench.lab), "--", "true")
    bench.same("the exit status", done.status, 3)
    bench.same("lines", done.err.count("\n"), 1)
    bench.same("is it told", "it did not connect to" in done.err, True)


# Boxes that read plain headers only


def say_trigger(address, times):
    for _ in range(times):
        with socket.create_connection((address, PORT), 5) as s:
            s.settimeout(1)
            try:
                s.sendall(b"please " + labs.KEYWORD.encode())
                s.recv(100)
            except OSError:
                pass


def speak_plainly(lab):
    """In the client, TCP without timestamps, as some applications' hosts
    have it; what draws the reset is captured."""
    stamps = "/proc/sys/net/ipv4/tcp_timestamps"
    path = os.path.join(lab.tmp, "own.pcap")
    ear = listen(lab, path)
    lab.run("client", ["sh", "-c", f"echo 0 > {stamps}"])
    lab.call_in("client", say_trigger, lab.server_address(), 6)
    lab.run("client", ["sh", "-c", f"echo 1 > {stamps}"])
    hear_no_more(ear)
    return path


def plain_headers(*options):
    """Fired by segments without TCP options alone, which the client had sent
    when it was captured, and its kernel does not any more."""
    def check(bench):
        lab = bench.lab
        lab.serve()
        device = lab.forge(3, "router", "--plain-header", "--drop", *options)
        path = speak_plainly(lab)
        bench.same("firings at the client's own", device.count() > 0, True)
        done = bench.run("locate", "--json", "-n", "--from", path)
        located(bench, done)
    return check


BOX = ("--ends", "client", "--probability", "0.7")

CASES = [
    ("exec", "the user's own client, run until it is reset: the hop",
     run_by_it("mysql"), {}),
    ("exec6", "likewise in IPv6", run_by_it("mysql6"), {}),
    ("exec-copier", "likewise, TTL and ID copied", run_by_it("mysql-copier"),
     {}),
    ("exec-tap", "likewise, a tap", run_by_it("mysql-tap"), {}),
    ("from", "a capture of the user's own client: the hop",
     captured("mysql"), {}),
    ("from-copier", "likewise, TTL and ID copied", captured("mysql-copier"),
     {}),
    ("from-tap", "likewise, a tap", captured("mysql-tap"), {}),
    ("attach", "a client's idle session: the hop, and the session goes on",
     attached(BOX, 3, "router", "fixed"), {}),
    ("attach-copier", "likewise, TTL and ID copied",
     attached((*BOX, "--ttl", "copy", "--id", "copy"), 3, "router", "copy"),
     {}),
    ("attach-drop", "likewise, what fires it is dropped",
     attached((*BOX, "--drop"), 3, "router", "fixed"), {}),
    ("exec-user", "the command runs as sudo's invoker, without privilege;"
     " its children end with it", is_nobodys, {}),
    ("exec-heard", "what it prints is shown with -v, never on standard"
     " output", is_heard_with_v, {}),
    ("exec-hangs", "a client that hangs is ended", is_ended, {}),
    ("exec-sigint", "SIGINT while it runs: exit 130, nothing left",
     is_ended_by_signal, {}),
    ("exec-missing", "a command that is not there: exit 3, one line",
     is_not_there, {}),
    ("exec-idle", "a command that opens no connection: no device, and why", says_nothing, {}),
    ("from-plain", "a box that reads plain headers only, a capture of such:"
     " the hop", plain_headers(), {}),
    ("from-plain-half", "likewise, half of the time",
     plain_headers("--probability", "0.5"), {}),
]
