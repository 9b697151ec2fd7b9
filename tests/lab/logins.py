"""What `rsthop locate` must make of servers that want a login: refusals,
limits, late answers, and passwords that nobody else shall see.

CASES: (name, what it proves, check, topology), for run.py.
"""

import os
import socket
import threading
import time

import lab as labs
import mariadb
import scenarios_dialogue
import wire

PORT = labs.PORT
HOP = 3
CLIENT = "10.9.0.1"
BLOCK_S = 1.5  # how long a device goes on, where it does
BESIDE = "r6"  # where other clients of the server's live


def follow(lab, *options):
    """The forger of scenarios_mysql.py: USE testdb behind a login."""
    return lab.forge(HOP, "router", "--protocol", "mysql", *options,
                     match=mariadb.DATABASE)


def use(path, database=mariadb.DATABASE):
    return ("--defaults-file", path, "--mysql-use", database)


def target(lab):
    return f"{lab.server_address()}:{PORT}"


def located(bench, done, hop=HOP, place="router"):
    """The hop is named; gives the document."""
    document = done.json() or {}
    bench.same("the exit status", done.status, 0)
    verdict = document.get("verdict", {})
    for key, wanted in (("hop", hop), ("place", place),
                        ("address", bench.lab.address(hop))):
        bench.same(f"verdict.{key}", verdict.get(key), wanted)
    bench.same("resets of the controls",
               document.get("reproduction", {}).get("control_resets"), 0)
    return document


# Refusals


def refused(words, user=mariadb.USER, password=mariadb.PASSWORD,
            database=mariadb.DATABASE, before=None, **limits):
    """One line that says `words` and what to do; few connections."""
    def check(bench):
        lab = bench.lab
        server = lab.mariadb(**limits)
        follow(lab, "--probability", "0.3")
        if before is not None:
            before(lab, server)
        counted = server.status("Connections")
        done = bench.say(use(lab.mysql_defaults(user, password), database),
                         target(lab))
        bench.one_line(done, 3)
        for word in words:
            bench.same(f"is {word!r} said", word in done.err, True)
        bench.same("is the password said", password in done.err, False)
        tried = server.status("Connections") - counted
        bench.same(f"are {tried} connections few", 1 <= tried <= 12, True)
    return check


def sleepers(lab, n, seconds):
    """So many connections that do nothing, logged in; for so long."""
    # Some may come too late: the server is full by then.
    argv = ["sh", "-c", '"$@" || :', "sh", "mariadb",
            f"--defaults-file={lab.mysql_defaults()}", "--skip-ssl",
            "--protocol=tcp", "--host", lab.server_address(), "--port",
            str(PORT), "--execute", f"SELECT SLEEP({seconds})"]
    return [lab.start(BESIDE, argv, ready=False) for _ in range(n)]


def until(what, holds, seconds=15):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise labs.LabError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def fill(lab, server, seconds=60):
    sleepers(lab, 10, seconds)
    # Root's own connection asks through a place beside the ten.
    until("the server is full",
          lambda: server.count("SLEEP") >= 10)


def hang_up(address, times):
    """In the client: connections that end without a login."""
    for _ in range(times):
        with socket.create_connection((address, PORT), 5) as s:
            s.settimeout(5)
            s.recv(4096)


def get_blocked(lab, server):
    lab.call_in("client", hang_up, lab.server_address(), 4)
    until("the host is blocked",
          lambda: server.connect_errors(CLIENT)[0] >= 2)


# Errors that the server counts


def count_errors(server, stop, worst):
    """The most that the server holds against the client, until `stop`."""
    while not stop.wait(0.05):
        errors, blocked = server.connect_errors(CLIENT)
        worst[0] = max(worst[0], errors)
        worst[1] = max(worst[1], blocked)


def never_locked_out(*options):
    """Of ten errors in a row that lock a host out, some are always left,
    though logins are cut short as well."""
    def check(bench):
        lab = bench.lab
        server = lab.mariadb(max_connect_errors=10)
        device = follow(lab, "--probability", "0.3", "--residual-s",
                        str(BLOCK_S), *options)
        stop, worst = threading.Event(), [0, 0]
        eye = threading.Thread(target=count_errors,
                               args=(server, stop, worst))
        eye.start()
        try:
            done = bench.say(use(lab.mysql_defaults()), target(lab),
                             "--max-time", "15")
        finally:
            stop.set()
            eye.join()
        bench.same("did the device fire", device.count() > 0, True)
        bench.same("how often the client was turned away", worst[1], 0)
        bench.same(f"are {worst[0]} errors less than 10", worst[0] < 10,
                   True)
        bench.among("the exit status", done.status, (0, 1))
        verdict = (done.json() or {}).get("verdict", {})
        bench.among("verdict.hop", verdict.get("hop"), (None, HOP))
        time.sleep(BLOCK_S)
        again = lab.mysql("SELECT 1")
        bench.same("does the client's own login pass", again.stdout, "1\n")
    return check


def becomes_full(bench):
    """The last places are taken for two seconds, once it has begun."""
    lab = bench.lab
    server = lab.mariadb(max_connections=10)
    follow(lab, "--probability", "0.9", "--drop", "--ends", "both")
    lab.link(5, "--delay-ms", "40")

    def crowd(p):
        bench.once(p, lambda: server.count("Connect") >= 1)
        sleepers(lab, 10, 2)
    done = bench.say(use(lab.mysql_defaults()), target(lab), meanwhile=crowd)
    document = located(bench, done)
    bench.same("is it told", any("took no more connections" in n
                                 for n in document.get("notes", [])), True)


# Late servers


def late_names(bench):
    """The server asks a name server that takes 2 s, before each greeting."""
    lab = bench.lab
    lab.mariadb(max_connect_errors=100, names_after_s=2,
                options=("--host-cache-size=0",))
    follow(lab, "--drop", "--ends", "both")
    located(bench, bench.say(use(lab.mysql_defaults()), target(lab)))


SALT = b"abcdefgh", b"ijklmnopqrst"
# Long password, 4.1, transactions, secure connection, plugin auth.
CAPABILITIES = 1 << 0 | 1 << 9 | 1 << 13 | 1 << 15 | 1 << 19


def packet(number, body):
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def greeting(plugin=b"mysql_native_password"):
    """Protocol 10, as servers have it since 4.1."""
    caps = CAPABILITIES.to_bytes(4, "little")
    return packet(0, b"\x0a" + b"5.7.0-lab\0" + b"\1\0\0\0" + SALT[0] + b"\0"
                  + caps[:2] + b"\x2d" + b"\2\0" + caps[2:] + b"\x15"
                  + bytes(10) + SALT[1] + b"\0" + plugin + b"\0")


def ok(number):
    return packet(number, b"\0\0\0\2\0\0\0")


def switch(number, plugin):
    # What `dialog` asks first: 4, words; to other methods a challenge.
    return packet(number, b"\xfe" + plugin + b"\0\4Password: ")


def say(data):
    return f"say:{data.hex()}"


def slow_login(bench):
    """A server that takes a second to let the client in; it lets anyone."""
    lab = bench.lab
    lab.serve("--speak", "script", "--script", say(greeting()), "await:40",
              "pause:1", say(ok(2)))
    follow(lab, "--drop", "--ends", "both")
    located(bench, bench.say(use(lab.mysql_defaults()), target(lab)))


# Captures


def listen(lab, path):
    """Captures at the client's interface, until hear_no_more()."""
    return lab.start("client", [labs.PYTHON, os.path.join(labs.HERE,
                                                          "watch.py"),
                                "--interface", "toserver", path])


def hear_no_more(ear):
    time.sleep(0.2)  # what has come is on its way to the file
    ear.popen.terminate()
    ear.popen.wait(5)


# Passwords


SECRET = mariadb.PASSWORD.encode()
FORMATS = ("txt", "json", "html", "pcapng")


class Eye(threading.Thread):
    """Looks at what ps would show of the client's processes."""

    def __init__(self, lab, program):
        super().__init__()
        self.lab, self.program = lab, program
        self.over = threading.Event()
        self.begun = {}  # by PID: when it was first seen to be the program
        self.looks = 0
        self.seen = []

    @staticmethod
    def read(pid, name):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as f:
                return f.read()
        except OSError:
            return b""

    def look(self, pid):
        if self.read(pid, "comm").strip() != self.program:
            return
        begun = self.begun.setdefault(pid, time.monotonic())
        # What it was started with stands there until it has looked itself.
        if time.monotonic() < begun + 0.2:
            return
        self.looks += 1
        for name in ("cmdline", "environ"):
            if SECRET in self.read(pid, name):
                self.seen.append(f"{name} of {pid}")

    def run(self):
        while not self.over.is_set():
            for pid in self.lab.pids("client"):
                self.look(pid)
            time.sleep(0.02)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def said_by_both(path):
    """Of a capture: the client's and the server's payloads."""
    sides = ([], [])
    for p in wire.read_pcap(path):
        if p.payload and PORT in (p.sport, p.dport):
            sides[p.sport == PORT].append(p.payload)
    return sides


def spellings(secret):
    """As reports and evidence could hold it."""
    return {"as it is": secret, "in hex": secret.hex().encode(),
            "in capital hex": secret.hex().upper().encode()}


def look_into(bench, reports, done, secrets):
    """None of the secrets, by name, in any report or on a stream."""
    texts = {"standard output": done.out.encode(),
             "standard error": done.err.encode()}
    for path in reports:
        with open(path, "rb") as f:
            texts[os.path.basename(path)] = f.read()
    for where, text in texts.items():
        for what, secret in secrets.items():
            for how, spelled in spellings(secret).items():
                if spelled in text:
                    bench.wrong.append(f"{what}, {how}, is in {where}")


def watched(bench, trigger, env=None, status=0, program=b"rsthop"):
    """Runs locate with all reports, ps and the wire watched: the run, the
    paths of its reports, what both sides said."""
    lab = bench.lab
    reports = [os.path.join(lab.tmp, f"report.{f}") for f in FORMATS]
    heard = os.path.join(lab.tmp, "heard.pcap")
    ear = listen(lab, heard)
    with Eye(lab, program) as eye:
        done = bench.say(("-v", *trigger), target(lab),
                         *(w for r in reports for w in ("-o", r)), env=env,
                         beside=[str(ear.popen.pid)])
    hear_no_more(ear)
    bench.same("the exit status", done.status, status)
    bench.same("was it looked at", eye.looks >= 3, True)
    bench.same("the password, as ps shows it", eye.seen, [])
    reports = [r for r in reports if os.path.exists(r)]
    bench.same("reports", len(reports), len(FORMATS) if status < 2 else 0)
    return done, reports, said_by_both(heard)


def hides_password(environment):
    """A real login: neither the password nor what it could be guessed from,
    the challenge and its answer, is anywhere but on the wire."""
    def check(bench):
        lab = bench.lab
        lab.mariadb()
        lab.link(5, "--delay-ms", "20")  # time for ps to be looked at
        follow(lab, "--probability", "0.3", "--drop", "--ends", "both")
        trigger, env = use(lab.mysql_defaults()), None
        if environment:
            path = mariadb.write_defaults(
                os.path.join(lab.tmp, "no-password.cnf"), mariadb.USER, None)
            trigger, env = use(path), {"MYSQL_PWD": mariadb.PASSWORD}
        done, reports, (client, server) = watched(bench, trigger, env)
        logins = [p for p in client if mariadb.USER.encode() + b"\0" in p]
        greetings = [p for p in server if b"mysql_native_password" in p
                     and p[4] == 10]
        bench.same("were logins heard", bool(logins and greetings), True)
        # The proof stands behind the user and its own length, 20; of the
        # challenge, eight bytes behind version and number, then twelve.
        secrets = {"the password": SECRET}
        for p in logins:
            at = p.index(mariadb.USER.encode() + b"\0") + len(mariadb.USER)
            bench.same("the proof's length", p[at + 1], 20)
            secrets[f"the proof {p[at + 2:at + 22].hex()}"] = \
                p[at + 2:at + 22]
        for p in greetings:
            at = p.index(b"\0", 5) + 1 + 4
            secrets[f"the challenge {p[at:at + 8].hex()}"] = p[at:at + 8]
            secrets[f"the challenge {p[at + 27:at + 39].hex()}"] = \
                p[at + 27:at + 39]
        look_into(bench, reports, done, secrets)
    return check


def hides_clear_password(plugin):
    """A method that has the client say its password in clear."""
    def check(bench):
        lab = bench.lab
        lab.serve("--speak", "script", "--script", say(greeting()),
                  "await:40", say(switch(2, plugin)), "await:52",
                  "pause:0.3", say(ok(4)))
        follow(lab, "--probability", "0.5")
        done, reports, (client, _) = watched(
            bench, use(lab.mysql_defaults()))
        bench.same("was it said on the wire",
                   any(SECRET + b"\0" in p for p in client), True)
        look_into(bench, reports, done, {"the password": SECRET})
    return check


def hides_in_errors(bench):
    """A login that fails, told with -v."""
    lab = bench.lab
    lab.mariadb()
    lab.link(5, "--delay-ms", "150")
    path = lab.mysql_defaults("nobody")
    done, reports, _ = watched(bench, use(path), status=3)
    look_into(bench, reports, done, {"the password": SECRET})


def hides_dialogue(bench):
    """A dialogue's own password: it is said on the wire alone."""
    lab = bench.lab
    scenarios_dialogue.redis(lab)
    done, reports, (client, _) = watched(
        bench, scenarios_dialogue.say_redis(lab))
    bench.same("was it said on the wire",
               any(SECRET in p for p in client), True)
    look_into(bench, reports, done, {"the password": SECRET})


CASES = [
    ("login-password", "a wrong password: one line, exit 3",
     refused(("1045", "password"), password="another",
             max_connect_errors=10), {}),
    ("login-database", "an unknown database: one line, exit 3",
     refused(("1044", "database"), database="nosuchdb"), {}),
    ("login-tls-account", "an account that takes TLS only: one line, exit 3",
     refused(("1045", "TLS"), user=mariadb.TLS_USER, tls=True), {}),
    ("login-tls-server", "a server that takes TLS only: one line, exit 3",
     refused(("TLS",), require_tls=True), {}),
    ("login-full", "a server that is full: one line, exit 3",
     refused(("1040", "max_connections"), before=fill, max_connections=10),
     {}),
    ("login-blocked", "a server that has locked the client out: one line,"
     " exit 3", refused(("1129", "FLUSH HOSTS"), before=get_blocked,
                        max_connect_errors=2), {}),
    ("login-errors", "a device that goes on to cut logins short: the server"
     " never counts as many errors as lock a client out",
     never_locked_out("--ends", "both", "--drop"), {}),
    ("login-errors-client", "likewise where the client alone is reset",
     never_locked_out(), {}),
    ("login-becomes-full", "a server that becomes full midway: the hop, and"
     " a note", becomes_full, {}),
    ("login-late", "a server that greets after two seconds: the hop",
     late_names, {}),
    ("login-slow", "one that takes a second for the login: the hop",
     slow_login, {}),
    ("password-file", "a password of an option file is in no report, not in"
     " the evidence, nor does ps show it", hides_password(False), {}),
    ("password-environment", "likewise one of MYSQL_PWD",
     hides_password(True), {}),
    ("password-clear", "likewise where the server wants it in clear",
     hides_clear_password(b"mysql_clear_password"), {}),
    ("password-dialog", "likewise by the method `dialog`",
     hides_clear_password(b"dialog"), {}),
    ("password-dialogue", "likewise what a dialogue sends", hides_dialogue,
     {}),
    ("password-errors", "likewise where the login fails", hides_in_errors,
     {}),
]
