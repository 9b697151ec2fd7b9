"""Checks of the lab about what is said on a connection: the real database,
the forger that follows its protocol, and blocks with a scope.
"""

import hashlib
import os
import signal
import stat
import struct
import subprocess
import time

import lab as labs
import mariadb
import wire
from proof import PORT, QUIET, TESTS, Wrong, fire, gone, same, test, within

assert TESTS is not None  # for selftest.py
DB, OTHER = mariadb.DATABASE, mariadb.OTHER_DATABASE


# MySQL by hand

CAPABILITIES = (1 << 0 | 1 << 9 | 1 << 15 | 1 << 19)  # long password,
# protocol 4.1, secure connection, plugin auth
NATIVE = b"mysql_native_password"
COM_INIT_DB, COM_QUERY = 2, 3
GREETING, OK, MORE, SWITCH, ERROR = 10, 0, 1, 0xfe, 0xff


def packet(number, body):
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


def init_db(name=DB):
    return packet(0, bytes([COM_INIT_DB]) + name.encode())


def query(text):
    return packet(0, bytes([COM_QUERY]) + text.encode())


def scramble(password, salt):
    """mysql_native_password: SHA1(p) xor SHA1(salt + SHA1(SHA1(p)))."""
    once = hashlib.sha1(password.encode()).digest()
    mixed = hashlib.sha1(salt + hashlib.sha1(once).digest()).digest()
    return bytes(a ^ b for a, b in zip(once, mixed))


def receive(c):
    """A packet of the server's: its number and body."""
    data = b""
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:3],
                                                          "little"):
        piece = c.sock.recv(65536)
        if not piece:
            raise Wrong("the server hung up")
        data += piece
    return data[3], data[4:]


def salt_of(greeting):
    """The scramble's two parts in a greeting."""
    at = greeting.index(b"\0") + 1 + 4
    return greeting[at:at + 8] + greeting[at + 27:at + 39]


def response(user, proof, plugin):
    return packet(1, struct.pack("<IIB23x", CAPABILITIES, 1 << 24, 45)
                  + user.encode() + b"\0" + bytes([len(proof)]) + proof
                  + plugin + b"\0")


def log_in(c, switch=False):
    """A login; switch: the server has to ask for another method first."""
    _, greeting = receive(c)
    same("the greeting's version", greeting[0], GREETING)
    proof = scramble(mariadb.PASSWORD, salt_of(greeting))
    first = (b"", b"no_such_password") if switch else (proof, NATIVE)
    c.sock.sendall(response(mariadb.USER, *first))
    number, body = receive(c)
    if switch:
        same("what the server says", body[0], SWITCH)
        salt = body[body.index(b"\0") + 1:][:20]
        c.sock.sendall(packet(number + 1, scramble(mariadb.PASSWORD, salt)))
        number, body = receive(c)
    same("what the server says to the login", body[0], OK)
    c.watch(0.02)


def advance(c):
    """By what the socket has sent and got, so that inject() goes on."""
    c.watch(0.02)
    sent = [p for p in c.sent() if p.ttl == 64]
    c.seq = max((p.seq + len(p.payload) for p in sent), default=c.seq)
    c.ack = max((p.seq + len(p.payload) for p in c.data()), default=c.ack)


def mysql_shot(server, payload, ttls=(6,), login=True, switch=False,
               wanted=1, wait=2.0):
    """In the client: resets that a connection's injected segments bring."""
    with wire.Client(server, PORT) as c:
        if login:
            log_in(c, switch)
        else:
            receive(c)
        advance(c)
        for ttl in ttls:
            c.inject(payload, ttl, ack=c.ack - ttl)
        c.watch(wait if wanted else QUIET, wire.have_resets(max(wanted, 1)))
        c.watch(0.02)
        return len(c.resets())


def shots(lab, *args, **kw):
    call = lambda: mysql_shot(lab.server_address(), *args, **kw)
    return lab.call_in("client", call)


# The database


@test("a real MariaDB: its client logs in by an option file of mode 600,"
      " v4 and v6, and is refused with another password")
def database(lab):
    server = lab.mariadb()
    for version in (4, 6):
        done = lab.mysql("SELECT DATABASE(), USER()", database=DB,
                         version=version)
        same("rows", done.stdout.split(),
             [DB, f"{mariadb.USER}@{lab.address(0, version)}"])
        same("is the password on the line",
             [a for a in done.args if mariadb.PASSWORD in a], [])
    path = lab.mysql_defaults()
    same("mode", stat.S_IMODE(os.stat(path).st_mode), 0o600)
    same("USE", lab.mysql(f"USE {OTHER}").returncode, 0)
    same("COM_INIT_DB in its log", server.count("Init DB"), 1)
    refused = lab.mysql("SELECT 1", password="wrong")
    same("status, error", (refused.returncode, "1045" in refused.stderr),
         (1, True))


@test("MariaDB's limits: TLS only, connections in all and for a user, errors"
      " in a row of a host")
def database_limits(lab):
    lab.mariadb(port=PORT, require_tls=True)
    lab.mariadb(port=PORT + 1, max_connections=10, max_user_connections=1)
    seen = [lab.mysql("SELECT 1", user=user, port=port, tls=tls).returncode
            for user, port, tls in (
                (mariadb.USER, PORT, False), (mariadb.USER, PORT, True),
                (mariadb.TLS_USER, PORT, True),
                (mariadb.TLS_USER, PORT + 1, False),
                (mariadb.USER, PORT + 1, False))]
    same("which are refused", seen, [1, 0, 0, 1, 0])
    words = lab.call_in("client", crowd, lab.server_address(), PORT + 1)
    same("errors of one too many", words, (1203, 1040))


def error_of(c):
    """What a server that refuses says: an error's number."""
    _, body = receive(c)
    return struct.unpack("<H", body[1:3])[0] if body[0] == ERROR else None


def crowd(server, port):
    """In the client: a user's second connection; one more than all."""
    held = [wire.Client(server, port) for _ in range(2)]
    log_in(held[0])
    _, greeting = receive(held[1])
    proof = scramble(mariadb.PASSWORD, salt_of(greeting))
    held[1].sock.sendall(response(mariadb.USER, proof, NATIVE))
    second = error_of(held[1])
    while len(held) < 20:
        held.append(wire.Client(server, port))
        number = error_of(held[-1])
        if number is not None:
            break
    for c in held:
        c.__exit__()
    return second, number


def hang_up(server):
    """In the client: a connection that ends before its login."""
    with wire.Client(server, PORT) as c:
        receive(c)


@test("MariaDB counts a host's errors, and turns it away after so many")
def database_blocks(lab):
    server = lab.mariadb(max_connect_errors=2)
    same("USE before", lab.mysql(f"USE {DB}").returncode, 0)
    for n in (1, 2):
        lab.call_in("client", hang_up, lab.server_address())
        end = time.monotonic() + 2
        while (server.connect_errors(lab.address(0))[0] < n
               and time.monotonic() < end):
            time.sleep(0.01)
        same("errors", server.connect_errors(lab.address(0)), (n, 0))
    same("aborted", server.status("Aborted_connects"), 2)
    done = lab.mysql(f"USE {DB}")
    same("the client's error", "1129" in done.stderr, True)
    same("errors, refusals", server.connect_errors(lab.address(0)), (2, 1))


HOLD = """
import sys; sys.path.insert(0, {here!r})
import lab, mariadb, time
lab.require()
with lab.Lab(hops=1) as l:
    s = l.mariadb()
    print(s.proc.popen.pid, s.folder, mariadb.template(""), flush=True)
    time.sleep(60)
"""


@test("two databases of two labs at once; neither a signal nor a kill leaves"
      " a process or a folder behind")
def database_held(lab):
    lab.mariadb()
    for how in (signal.SIGTERM, signal.SIGKILL):
        p = subprocess.Popen(
            [labs.PYTHON, "-c", HOLD.format(here=labs.HERE)],
            stdout=subprocess.PIPE, text=True)
        pid, *folders = p.stdout.readline().split()
        same("are its folders there", [os.path.isdir(f) for f in folders],
             [True, True])
        same("does ours answer", lab.mysql("SELECT 1").stdout, "1\n")
        p.send_signal(how)
        p.wait()
        p.stdout.close()
        if how == signal.SIGKILL:
            labs.remove_stale()
        same("is its server gone", gone(int(pid)), True)
        same("folders left", [f for f in folders if os.path.exists(f)], [])
    same("does ours answer yet", lab.mysql("SELECT 1").stdout, "1\n")


# The forger that follows it


def forge_mysql(lab, *options, match=DB, hop=3):
    return lab.forge(hop, "router", "--protocol", "mysql", *options,
                     match=match)


def count_firings(forger, wanted):
    """It writes them down after its resets have left."""
    end = time.monotonic() + 1
    while len(forger.firings()) < wanted and time.monotonic() < end:
        time.sleep(0.005)
    return len(forger.firings())


@test("mysql: the real client's USE fires after its login; its queries,"
      " another database, one named in the login, TLS, compression do not")
def mysql_client(lab):
    lab.mariadb(tls=True)
    forger = forge_mysql(lab, "--drop", "--ends", "both")
    for sql, more, status, fired in (
            (f"USE {OTHER}", {}, 0, 0), (f"SELECT '{DB}'", {}, 0, 0),
            ("SELECT 1", {"database": DB}, 0, 0),
            (f"USE {DB}", {"tls": True}, 0, 0),
            (f"USE {DB}", {"options": ["--compress"]}, 0, 0),
            (f"USE {DB}", {}, 1, 1),
            (f"USE {DB}", {"version": 6}, 1, 2)):
        done = lab.mysql(sql, **more)
        same(f"{sql} {more}: status, firings",
             (done.returncode, count_firings(forger, fired)), (status, fired))
    same("the client's error", "2013" in done.stderr, True)


@test("mysql: a command fires behind a login alone, in one round or two;"
      " neither before it nor without one")
def mysql_login(lab):
    lab.mariadb()
    forge_mysql(lab)
    for login, switch, n in ((True, False, 1), (True, True, 1),
                             (False, False, 0)):
        same(f"resets, login {login}, switch {switch}",
             shots(lab, init_db(), login=login, switch=switch, wanted=n), n)
    same("resets of the name alone", shots(lab, b"use testdb", wanted=0), 0)
    lab.clear()
    lab.serve()
    forge_mysql(lab)
    same("resets by a bare connection",
         len(fire(lab, payload=init_db(), resets=0).resets), 0)


@test("mysql: copies fire each, a box that reassembles is fired by the first")
def mysql_copies(lab):
    lab.mariadb()
    forge_mysql(lab)
    same("resets of copies", shots(lab, init_db(), (2, 4, 5, 6), wanted=3), 3)
    lab.clear(keep=lab.procs[:1])
    forge_mysql(lab, "--once-in-order")
    same("resets in order", shots(lab, init_db(), (2, 4, 5, 6)), 1)


@test("once-in-order without a protocol: the same bytes again fire nothing")
def bytes_once(lab):
    lab.serve()
    for options, n in (((), 3), (("--once-in-order",), 1)):
        lab.clear(keep=lab.procs[:1])
        lab.forge(3, "router", *options)
        same("resets", len(fire(lab, (4, 5, 6), resets=n).resets), n)


@test("mysql: --command query is fired by a statement, any by both")
def mysql_command(lab):
    lab.mariadb()
    for command, wanted in (("query", (0, 1)), ("any", (1, 1)),
                            ("init-db", (1, 0))):
        lab.clear(keep=lab.procs[:1])
        forge_mysql(lab, "--command", command)
        seen = tuple(shots(lab, what, wanted=n) for what, n in
                     zip((init_db(), query(f"SELECT '{DB}'")), wanted))
        same(f"resets by {command}", seen, wanted)


def in_pieces(server):
    """In the client: resets by a command cut in two, and after one more."""
    with wire.Client(server, PORT) as c:
        log_in(c)
        c.sock.sendall(query("SELECT 1"))
        receive(c)
        advance(c)
        command = init_db()
        c.inject(command[:7], 6)
        c.watch(QUIET)
        before = len(c.resets())
        c.inject(command[7:], 6, seq=c.seq + 7)
        c.watch(2.0, wire.have_resets(1))
        c.watch(0.02)
        return before, len(c.resets())


@test("mysql: a later command, cut in two, fires with its end")
def mysql_pieces(lab):
    lab.mariadb()
    forge_mysql(lab)
    same("resets before and after its end",
         lab.call_in("client", in_pieces, lab.server_address()), (0, 1))


@test("mysql: the dice are rolled for commands")
def mysql_dice(lab):
    lab.mariadb()
    forge_mysql(lab, "--probability", "0.3")
    within("resets of 60 copies", shots(lab, init_db(), (6,) * 60, wanted=60,
                                        wait=0.3), 6, 32)


# A method of more rounds than MariaDB's, and answers that are none


GREETING_HEX = packet(0, bytes([GREETING]) + b"8.0\0" + bytes(4)
                      + b"12345678" + bytes(28) + b"90abcdef1234\0"
                      + b"caching_sha2_password\0").hex()
ANSWER = response("app", b"x" * 32, b"caching_sha2_password")


def scripted(server, replies):
    """In the client: resets by a command behind these answers; each but the
    last is answered with a packet of five bytes."""
    with wire.Client(server, PORT) as c:
        receive(c)
        c.sock.sendall(ANSWER)
        for n in range(replies):
            number, _ = receive(c)
            if n + 1 < replies:
                c.sock.sendall(packet(number + 1, b"x"))
        advance(c)
        c.inject(init_db(), 6)
        c.watch(0.2, wire.have_resets(1))
        return len(c.resets())


@test("mysql: more data is no OK, an error is the end")
def mysql_rounds(lab):
    more = lambda n: packet(n, bytes([MORE, 4])).hex()
    good, bad = (packet(4, bytes([b]) + bytes(6)).hex() for b in (OK, ERROR))
    for replies, wanted in (((more(2), good), 1), ((more(2),), 0),
                            ((good,), 1), ((bad,), 0), ((more(2), bad), 0)):
        lab.clear()
        words = [f"say:{GREETING_HEX}", f"await:{len(ANSWER)}"]
        for reply in replies:
            words += [f"say:{reply}", "await:5"]
        lab.serve("--speak", "script", "--script", *words[:-1])
        forge_mysql(lab)
        same(f"resets behind {replies}",
             lab.call_in("client", scripted, lab.server_address(),
                         len(replies)), wanted)


# Servers that speak


def dialogue(server, port, steps):
    """In the client: (what is sent, what has to be in the answer, seconds
    that it takes)."""
    with wire.Client(server, port) as c:
        for send, wanted, least in steps:
            start, seen = time.monotonic(), b""
            if send:
                c.sock.sendall(send)
            while wanted not in seen:
                piece = c.sock.recv(4096)
                if not piece:
                    return f"hung up after {seen!r} to {send!r}"
                seen += piece
            took = time.monotonic() - start
            if not least <= took < least + 0.4:
                return f"{took} s for {seen!r}"
    return None


def pg_text(kind, text):
    return kind + struct.pack("!I", 4 + len(text)) + text


PLAIN = b"AGFwcABzZWNyZXQgd29yZA=="
STARTUP = struct.pack("!I", 196608) + b"user\0app\0database\0testdb\0\0"
DIALOGUES = (
    ("smtp", (), ((b"", b"220 ", 0), (b"MAIL FROM:<a@b>\r\n", b"503 ", 0),
                  (b"EHLO x\r\n", b"250 SIZE", 0),
                  (b"AUTH PLAIN eA==\r\n", b"535 ", 0),
                  (b"AUTH PLAIN " + PLAIN + b"\r\n", b"235 ", 0),
                  (b"MAIL FROM:<a@b>\r\n", b"250 ", 0),
                  (b"DATA\r\n", b"354 ", 0), (b"a\r\n.\r\n", b"250 ", 0),
                  (b"QUIT\r\n", b"221 ", 0))),
    ("smtp", ("--greeting-s", "0.3", "--login-s", "0.2"),
     ((b"", b"220 ", 0.3), (b"EHLO x\r\n", b"250 SIZE", 0),
      (b"AUTH PLAIN\r\n", b"334 ", 0),
      (PLAIN + b"\r\n", b"235 ", 0.2))),
    ("smtp", ("--piece", "5"), ((b"", b"220 lab.example ESMTP\r\n", 0.03),)),
    ("redis", (), ((b"PING\r\n", b"-NOAUTH", 0),
                   (b"AUTH wrong\r\n", b"-WRONGPASS", 0),
                   (b"*2\r\n$4\r\nAUTH\r\n$11\r\nsecret word\r\n",
                    b"+OK\r\n", 0),
                   (b"SET a bc\r\n", b"+OK\r\n", 0),
                   (b"GET a\r\n", b"$2\r\nbc\r\n", 0),
                   (b"GET b\r\n", b"$-1\r\n", 0))),
    ("redis", ("--answer-s", "0.2"), ((b"PING\r\n", b"-NOAUTH", 0.2),)),
    ("postgres", ("--login-s", "0.2"),
     ((struct.pack("!II", 8, 80877103), b"N", 0),
      (struct.pack("!I", len(STARTUP) + 4) + STARTUP,
       b"R\0\0\0\x08\0\0\0\x03", 0),
      (pg_text(b"p", b"secret word\0"), b"Z\0\0\0\x05I", 0.2),
      (pg_text(b"Q", b"SELECT 1\0"), b"SELECT\0Z", 0))),
    ("postgres", (),
     ((struct.pack("!I", len(STARTUP) + 4) + STARTUP, b"R", 0),
      (pg_text(b"p", b"wrong\0"), b"28P01", 0))),
)


@test("servers that speak SMTP, Redis, PostgreSQL: logins right and wrong,"
      " late answers, slow logins, answers in pieces")
def speakers(lab):
    for protocol, options, steps in DIALOGUES:
        lab.clear()
        lab.serve("--speak", protocol, *options)
        same(f"{protocol} {options}",
             lab.call_in("client", dialogue, lab.server_address(), PORT,
                         steps), None)


def behind_login(server, port, logs_in):
    """In the client: whether PING is reset, behind a login or without."""
    with wire.Client(server, port) as c:
        words = b"AUTH wrong\r\n" if not logs_in else \
            b'*2\r\n$4\r\nAUTH\r\n$11\r\nsecret word\r\n'
        c.sock.sendall(words)
        c.sock.recv(100)
        advance(c)
        c.inject(b"PING\r\n", 6)
        c.watch(1 if logs_in else QUIET, wire.have_resets(1))
        return len(c.resets()) > 0


@test("--behind: only where the server has said so before")
def behind(lab):
    lab.serve("--speak", "redis")
    lab.forge(2, "router", "--behind", "+OK", match="PING")
    for logs_in in (False, True):
        same(f"logged in: {logs_in}: is it reset", lab.call_in(
            "client", behind_login, lab.server_address(), PORT, logs_in),
             logs_in)


# Residual blocks


def block_shot(server, local, port, payload):
    """In the client: whether that local port's connection is reset, which
    may happen to its SYN already."""
    with wire.Client(server, port, local=local) as c:
        c.send(payload)
        c.watch(QUIET, wire.have_resets(1))
        return len(c.resets()) > 0


def is_reset(lab, local, port=PORT, payload=b"hi"):
    try:
        return lab.call_in("client", block_shot, lab.server_address(), local,
                           port, payload)
    except labs.LabError as e:
        same("connect", "ConnectionRefusedError" in str(e), True)
        return "syn"


@test("a residual block's scope: the pair of addresses, the server's port"
      " too, both ports")
def residual_scope(lab):
    for port in (PORT, PORT + 1):
        lab.serve(port=port)
    for scope, wanted in (("pair", (True, True, True)),
                          ("3tuple", (True, True, False)),
                          ("4tuple", (True, False, False))):
        lab.clear(keep=lab.procs[:2])
        lab.forge(2, "router", "--residual-s", "30", "--residual-scope",
                  scope, also=PORT + 1)
        same(f"{scope}: is the trigger reset",
             is_reset(lab, 42000, payload=b"use db"), True)
        same(f"{scope}: the same ports, another of the client's, of the"
             " server's", (is_reset(lab, 42000), is_reset(lab, 42001),
                           is_reset(lab, 42000, PORT + 1)), wanted)


def innocent_for(lab, seconds):
    """For how long after a firing innocent connections are reset."""
    same("is the trigger reset", is_reset(lab, 43000, payload=b"use db"),
         True)
    start = last = time.monotonic()
    for local in range(43001, 43999):
        at = time.monotonic()
        if at > start + seconds:
            break
        if is_reset(lab, local):
            last = at
    return last - start


@test("a residual block lasts from its firing, or from what met it last")
def residual_refresh(lab):
    lab.serve()
    for options, low, high in (
            ((), 0.3, 0.65), (("--residual-refresh",), 1.4, 1.7)):
        lab.clear(keep=lab.procs[:1])
        lab.forge(2, "router", "--residual-s", "0.6", *options)
        lasted = innocent_for(lab, 1.6)
        within(f"seconds with {options}", lasted, low, high)


@test("a residual block hits without dice, and SYNs where it is asked to")
def residual_syn(lab):
    lab.serve()
    for options, wanted in (((), True), (("--residual-syn",), "syn")):
        lab.clear(keep=lab.procs[:1])
        lab.forge(2, "router", "--residual-s", "30", "--probability", "0.5",
                  *options)
        for local in range(44000, 44040):
            if is_reset(lab, local, payload=b"use db"):
                break
        same(f"{options}: what is reset",
             {is_reset(lab, 44100 + i) for i in range(8)}, {wanted})
