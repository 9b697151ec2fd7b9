"""What the lab's server says where it speaks a protocol: just enough of SMTP,
Redis' and PostgreSQL's for a login and a few commands behind it, or a script.

Each protocol is a function of a Line that returns where it hangs up.
"""

import base64
import struct
import time

USER, PASSWORD = "app", "secret word"


class Gone(Exception):
    """The client has hung up, or its time is over."""


class Line:
    """A connection's bytes, as the protocols want them."""

    def __init__(self, receive, send, args):
        self.receive, self.send, self.args = receive, send, args
        self.kept = b""

    def more(self):
        data = self.receive()
        if not data:
            raise Gone
        self.kept += data

    def exactly(self, n):
        while len(self.kept) < n:
            self.more()
        data, self.kept = self.kept[:n], self.kept[n:]
        return data

    def line(self):
        """Up to a newline, without it and the CR before it."""
        while b"\n" not in self.kept:
            self.more()
        data, _, self.kept = self.kept.partition(b"\n")
        return data.rstrip(b"\r")

    def say(self, data, login=False):
        """After the delays that were asked for, in such pieces."""
        time.sleep(self.args.answer_s + (self.args.login_s if login else 0))
        step = self.args.piece or len(data)
        for at in range(0, len(data), step):
            if at > 0:
                time.sleep(0.01)  # or they might leave as one
            self.send(data[at:at + step])

    def greet(self, data):
        time.sleep(self.args.greeting_s)
        self.say(data)


# SMTP: RFC 5321, RFC 4954


def is_plain(word):
    """Whether AUTH PLAIN's word (RFC 4616) is our user's."""
    try:
        words = base64.b64decode(word, validate=True).split(b"\0")
    except ValueError:
        return False
    return words[1:] == [USER.encode(), PASSWORD.encode()]


def smtp_answer(verb, rest, greeted):
    if verb == b"EHLO":
        return b"250-lab.example\r\n250-AUTH PLAIN\r\n250 SIZE 1000000\r\n"
    if verb in (b"HELO", b"NOOP", b"RSET"):
        return b"250 OK\r\n"
    if verb == b"QUIT":
        return b"221 Bye\r\n"
    if verb in (b"MAIL", b"RCPT", b"DATA", b"AUTH") and not greeted:
        return b"503 EHLO first\r\n"
    if verb == b"AUTH":
        method, _, word = rest.partition(b" ")
        good = method.upper() == b"PLAIN" and is_plain(word)
        return b"235 OK\r\n" if good else b"535 Authentication failed\r\n"
    if verb in (b"MAIL", b"RCPT"):
        return b"250 OK\r\n"
    if verb == b"DATA":
        return b"354 Go on\r\n"
    return b"502 Not implemented\r\n"


def smtp(line):
    line.greet(b"220 lab.example ESMTP\r\n")
    greeted = False
    while True:
        verb, _, rest = line.line().partition(b" ")
        verb = verb.upper()
        greeted = greeted or verb in (b"EHLO", b"HELO")
        if greeted and verb == b"AUTH" and b" " not in rest:
            line.say(b"334 \r\n")  # its word comes on a line of its own
            rest += b" " + line.line()
        said = smtp_answer(verb, rest, greeted)
        line.say(said, login=verb == b"AUTH")
        if verb == b"QUIT":
            return
        if said.startswith(b"354"):
            while line.line() != b".":
                pass
            line.say(b"250 OK\r\n")


# Redis: RESP, and words on a line


def redis_command(line):
    """The words of a command."""
    first = line.line()
    if not first.startswith(b"*"):
        return first.split()
    words = []
    for _ in range(int(first[1:])):
        length = int(line.line()[1:])
        words.append(line.exactly(length + 2)[:-2])
    return words


STORE = {}  # of all connections


def redis_answer(words, store):
    verb, args = words[0].upper(), words[1:]
    if verb == b"PING":
        return b"+PONG\r\n"
    if verb in (b"QUIT", b"SELECT", b"HELLO"):
        return b"+OK\r\n"
    if verb == b"SET" and len(args) >= 2:
        store[args[0]] = args[1]
        return b"+OK\r\n"
    if verb in (b"GET", b"ECHO") and len(args) == 1:
        value = args[0] if verb == b"ECHO" else store.get(args[0])
        if value is None:
            return b"$-1\r\n"
        return b"$%d\r\n%s\r\n" % (len(value), value)
    return b"-ERR unknown command\r\n"


def redis(line):
    """The client speaks first, and has to log in first."""
    logged_in = False
    while True:
        words = redis_command(line)
        if not words:
            continue
        verb = words[0].upper()
        if verb == b"AUTH":
            logged_in = words[-1] == PASSWORD.encode()
            line.say(b"+OK\r\n" if logged_in else
                     b"-WRONGPASS invalid password\r\n", login=True)
        elif not logged_in and verb != b"QUIT":
            line.say(b"-NOAUTH Authentication required.\r\n")
        else:
            line.say(redis_answer(words, STORE))
        if verb == b"QUIT":
            return


# PostgreSQL: Frontend/Backend Protocol 3.0

PG_SSL, PG_GSS, PG_VERSION = 80877103, 80877104, 196608


def pg_message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def pg_error(code, words):
    fields = b"SFATAL\0VFATAL\0C" + code + b"\0M" + words + b"\0\0"
    return pg_message(b"E", fields)


def pg_startup(line):
    """What the client calls itself, or None; asks for TLS are refused."""
    while True:
        length, code = struct.unpack("!II", line.exactly(8))
        if code not in (PG_SSL, PG_GSS):
            break
        line.say(b"N")
    words = line.exactly(length - 8).split(b"\0")
    if code != PG_VERSION:
        return None
    return dict(zip(words[::2], words[1::2]))


def pg_login(line):
    names = pg_startup(line)
    if names is None:
        line.say(pg_error(b"08P01", b"unsupported protocol"))
        return False
    line.say(pg_message(b"R", struct.pack("!I", 3)))  # a clear password
    kind, length = struct.unpack("!cI", line.exactly(5))
    password = line.exactly(length - 4).rstrip(b"\0")
    if (kind, names.get(b"user"), password) != (b"p", USER.encode(),
                                                PASSWORD.encode()):
        line.say(pg_error(b"28P01", b"password authentication failed"),
                 login=True)
        return False
    line.say(pg_message(b"R", struct.pack("!I", 0))
             + pg_message(b"S", b"server_version\0" b"15.0\0")
             + pg_message(b"K", struct.pack("!II", 1, 1))
             + pg_message(b"Z", b"I"), login=True)
    return True


def postgres(line):
    if not pg_login(line):
        return
    while True:
        kind, length = struct.unpack("!cI", line.exactly(5))
        body = line.exactly(length - 4)
        if kind == b"X":
            return
        if kind == b"Q":
            verb = body.split(b" ", 1)[0].rstrip(b"\0;").upper()
            line.say(pg_message(b"C", verb + b"\0") + pg_message(b"Z", b"I"))


# A script: what no server of good will says


def script(line):
    """Words of --script: say:HEX, await:BYTES, pause:SECONDS.  Then silence,
    until the client hangs up."""
    for word in line.args.script:
        verb, _, rest = word.partition(":")
        if verb == "say":
            line.say(bytes.fromhex(rest))
        elif verb == "await":
            line.exactly(int(rest))
        elif verb == "pause":
            time.sleep(float(rest))
        else:
            raise ValueError(word)
    while True:
        line.more()


PROTOCOLS = {"smtp": smtp, "redis": redis, "postgres": postgres,
             "script": script}


def add_options(p):
    p.add_argument("--speak", choices=sorted(PROTOCOLS),
                   help="a protocol, in place of a mode; user"
                   f" {USER}, password {PASSWORD!r}")
    p.add_argument("--script", nargs="*", default=[], metavar="WORD",
                   help="of it: say:HEX, await:BYTES, pause:SECONDS")
    for name, what in (("greeting", "before the greeting"),
                       ("answer", "before whatever it says"),
                       ("login", "more, before it answers a login")):
        p.add_argument(f"--{name}-s", type=float, default=0, metavar="S",
                       help=f"{what}, wait so long")
    p.add_argument("--piece", type=int, default=0, metavar="BYTES",
                   help="say everything in pieces of so many")


def speak(receive, send, args):
    """One connection to its end."""
    try:
        PROTOCOLS[args.speak](Line(receive, send, args))
    except (Gone, ValueError, struct.error):
        pass  # it is over, or was no such protocol: hang up
