"""Scenarios whose server wants a dialogue before the trigger: a greeting that
has to be awaited, a login that takes its time.

The forger fires only behind the server's yes, so no bare payload draws a
reset.
"""

import os
import struct

import lab as labs
import speaker
from scenarios import Scenario

HOP = 3  # of seven
SHARED = os.path.join(labs.TOP, "share", "dialogues")


def speaking(lab, protocol, word, behind, *options):
    lab.serve("--speak", protocol, *options)
    lab.forge(HOP, "router", "--ends", "both", "--drop", "--probability",
              "0.5", "--behind", behind, match=word)


def smtp(lab):
    speaking(lab, "smtp", "MAIL FROM", "250 ", "--greeting-s", "0.3")


def redis(lab):
    speaking(lab, "redis", "SELECT 3", "+OK", "--login-s", "0.2")


def postgres(lab):
    # Z, length 5, idle: ready for a query.
    speaking(lab, "postgres", "secrets", "Z\\0\\0\\0\\x05I", "--login-s",
             "0.2")


# What rsthop is told


def escape(data):
    """Bytes as a dialogue's words."""
    return "".join(chr(b) if 32 <= b < 127 and b not in b'"\\'
                   else f"\\x{b:02x}" for b in data)


def write(lab, name, *lines):
    """--dialogue of a file with these lines: (verb, bytes)."""
    path = os.path.join(lab.tmp, f"{name}.dialogue")
    with open(path, "w", encoding="ascii") as f:
        f.writelines(f'{verb} "{escape(data)}"\n' for verb, data in lines)
    return ("--dialogue", path)


def say_smtp(_):
    return ("--dialogue", os.path.join(SHARED, "smtp.dialogue"))


def say_redis(lab):
    words = speaker.PASSWORD.encode()
    login = b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n" % (len(words), words)
    return write(lab, "redis", ("send", login), ("expect", b"+OK\r\n"),
                 ("trigger", b"SELECT 3\r\n"), ("control", b"ECHO abc\r\n"))


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def say_postgres(lab):
    names = f"user\0{speaker.USER}\0\0".encode()
    start = struct.pack("!II", len(names) + 8, speaker.PG_VERSION) + names
    return write(
        lab, "postgres", ("send", start), ("expect", b"R\0\0\0\x08\0\0\0\3"),
        ("send", message(b"p", speaker.PASSWORD.encode() + b"\0")),
        ("expect", b"Z\0\0\0\5I"),
        ("trigger", message(b"Q", b"select * from secrets\0")),
        ("control", message(b"Q", b"select * from nothing\0")))


def row(name, story, arrange, say):
    return Scenario(name, story, arrange, hop=HOP, place="router",
                    policy="fixed", in_path=True, both_ends=True,
                    reset_ttl=62, say=say)


SCENARIOS = [
    row("smtp", "an SMTP server that greets late; a box in hop 3 resets half"
        " of MAIL FROM behind its answer to EHLO", smtp, say_smtp),
    row("redis", "a Redis server behind a slow login; a box in hop 3 resets"
        " half of SELECT 3 behind it", redis, say_redis),
    row("postgres", "a PostgreSQL server behind a slow login; a box in hop 3"
        " resets half of what names secrets behind it", postgres,
        say_postgres),
]
