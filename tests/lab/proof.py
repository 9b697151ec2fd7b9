"""What the lab's checks of itself are written with: cases, comparisons, and
one connection whose triggers bring resets, errors, answers.
"""

import dataclasses
import time

import lab as labs
import wire

PORT = labs.PORT
TRIGGER = b"use db"
QUIET = 0.1  # seconds after which nothing more comes on a chain this short
TESTS = []


def test(words):
    """Lists a function; words say what it proves."""
    def add(function):
        TESTS.append((words, function))
        return function
    return add


class Wrong(Exception):
    """What was seen is not what was to be seen."""


def same(what, seen, wanted):
    if seen != wanted:
        raise Wrong(f"{what} is {seen!r}, not {wanted!r}")


def within(what, seen, low, high):
    if not low <= seen <= high:
        raise Wrong(f"{what} is {seen}, not within {low} ... {high}")


@dataclasses.dataclass
class Shot:
    """What one connection and its triggers brought, seen at the client."""
    resets: list
    errors: list
    data: list
    sent: list
    synack: object
    seq: int
    ack: int
    port: int


def shoot(server, ttls=(None,), payload=TRIGGER, resets=1, errors=0, data=0,
          wait=None, port=PORT, options=b"", first=b""):
    """In the client: connect, send the trigger with these TTLs, listen.

    A TTL of None is the socket's own.  It ends once that many resets, errors
    and answers came (and what comes right behind them), or after `wait`.
    """
    awaited = resets + errors + data
    if wait is None:
        wait = QUIET if awaited == 0 else 2.0
    with wire.Client(server, port) as c:
        if first:
            c.send(first)
            c.watch(2.0, lambda c: c.data())
        for ttl in ttls:
            if ttl is None:
                c.send(payload)
            else:
                c.inject(payload, ttl, options, ack=c.ack - ttl)
        c.watch(wait, lambda c: awaited > 0
                and len(c.resets()) >= resets and len(c.errors()) >= errors
                and len(c.data()) >= data)
        c.watch(0.015)
        return Shot(c.resets(), c.errors(), c.data(), c.sent(), c.synack(),
                    c.seq, c.ack, c.local[1])


def fire(lab, *args, version=4, **kw):
    call = lambda: shoot(lab.server_address(version), *args, **kw)
    return lab.call_in("client", call)


def one_reset(shot):
    same("the number of resets", len(shot.resets), 1)
    same("its checksum's truth", shot.resets[0].good, True)
    return shot.resets[0]


def has_ended(pid):
    """Also where nobody has fetched its exit status yet."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def gone(pid):
    end = time.monotonic() + 2
    while not has_ended(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return has_ended(pid)
