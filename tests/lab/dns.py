#!/usr/bin/env python3
"""A name server that knows no name: NXDOMAIN to whatever is asked.

What looks at names gets an answer at once, where nobody else would give one.
It listens at the addresses that are given, which it adds to `lo`.
"""

import argparse
import select
import socket
import subprocess
import threading

RESOLV = "/etc/resolv.conf"
RESPONSE, RECURSION, NXDOMAIN = 0x80, 0x80, 3


def name_servers(path=RESOLV):
    """Whom this machine's resolver asks: resolv.conf(5)."""
    found = []
    try:
        with open(path, encoding="utf-8") as f:
            for line in f:
                words = line.split()
                if len(words) > 1 and words[0] == "nameserver":
                    found.append(words[1].partition("%")[0])
    except FileNotFoundError:
        pass
    return found or ["127.0.0.1"]


def end_of_question(query):
    """RFC 1035 section 4.1.2: labels, a zero, type and class."""
    at = 12
    while at < len(query) and query[at] != 0:
        at += 1 + query[at]
    return at + 5


def answer(query):
    """RFC 1035 section 4.1.1; the question is repeated, nothing else."""
    flags = bytes([RESPONSE | query[2] & 0x79, RECURSION | NXDOMAIN])
    counts = query[4:6] + bytes(6)
    return query[:2] + flags + counts + query[12:end_of_question(query)]


def listen(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    subprocess.run(["ip", "addr", "replace", address, "dev", "lo"],
                   check=False, stderr=subprocess.DEVNULL)
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, 53))
    return s


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--after-s", type=float, default=0,
                   help="it thinks so long")
    p.add_argument("address", nargs="+")
    args = p.parse_args()
    socks = [listen(a) for a in args.address]
    print("ready", flush=True)
    while True:
        for s in select.select(socks, [], [])[0]:
            query, whence = s.recvfrom(4096)
            if len(query) >= 17 and not query[2] & RESPONSE:
                threading.Timer(args.after_s, s.sendto,
                                (answer(query), whence)).start()


if __name__ == "__main__":
    main()
