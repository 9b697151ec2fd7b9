#!/usr/bin/env python3
"""The lab's TCP server, IPv4 and IPv6: one thread a connection.

Prints `ready` once it listens; --log gets one line an event.
"""

import argparse
import os
import random
import socket
import struct
import sys
import threading
import time

import speaker


def parse():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--mode", default="echo",
                   choices=["echo", "silent", "abort"],
                   help="answer each message with itself; never answer;"
                   " reset the connection when the keyword comes")
    p.add_argument("--keyword", default="use db",
                   help="of abort; other messages are echoed")
    p.add_argument("--probability", type=float, default=1.0,
                   help="of an abort, rolled for each keyword")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--once", type=int, default=0, metavar="N",
                   help="die, with all connections, after the Nth was open"
                   " and had sent something")
    p.add_argument("--single", action="store_true",
                   help="refuse others while one connection is open")
    p.add_argument("--serial", action="store_true",
                   help="serve one connection after the other: one more may"
                   " wait, others' SYNs get no answer")
    p.add_argument("--life-s", type=float, metavar="S",
                   help="close each connection after so long")
    p.add_argument("--curt", action="store_true",
                   help="close it then with a reset")
    p.add_argument("--log", help="a file")
    speaker.add_options(p)
    return p.parse_args()


def abort(conn):
    """A close that sends a reset: RFC 9293 section 3.10.4, ABORT."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    conn.close()


class Server:
    def __init__(self, args):
        self.args = args
        self.keyword = args.keyword.encode()
        self.dice = random.Random(args.seed)
        self.lock = threading.Lock()
        self.count = 0
        self.busy = False
        self.log = open(args.log, "w") if args.log else None

    def note(self, words):
        if self.log:
            with self.lock:
                print(words, file=self.log, flush=True)

    def aborts(self, data):
        return (self.args.mode == "abort" and self.keyword in data
                and self.dice.random() < self.args.probability)

    def receive(self, conn, until):
        """b"" at its end, or at the end of the time that it is given."""
        if until is None:
            return conn.recv(65536)
        try:
            conn.settimeout(max(0.001, until - time.monotonic()))
            return conn.recv(65536)
        except socket.timeout:
            self.note("its time is over")
            if self.args.curt:
                abort(conn)
            return b""

    def hear(self, conn, until):
        data = self.receive(conn, until)
        if data:
            self.note(f"data {data!r}")
        return data

    def talk(self, conn, nth):
        """One connection to its end."""
        until = self.args.life_s and time.monotonic() + self.args.life_s
        if self.args.speak:
            speaker.speak(lambda: self.hear(conn, until), conn.sendall,
                          self.args)
            return
        while True:
            data = self.hear(conn, until)
            if not data:
                return
            if self.aborts(data):
                self.note("abort")
                abort(conn)
                return
            if self.args.mode != "silent":
                conn.sendall(data)
            if nth == self.args.once:
                os._exit(0)

    def serve(self, conn, nth):
        try:
            self.talk(conn, nth)
        except OSError as e:
            self.note(f"error {e.strerror}")
        finally:
            conn.close()
            with self.lock:
                self.busy = False

    def take(self, conn):
        with self.lock:
            turned_away = self.args.single and self.busy
            self.busy = True
            self.count += not turned_away
            nth = self.count
        if turned_away:
            abort(conn)
            return
        self.note(f"open {nth}")
        if self.args.serial:
            self.serve(conn, nth)
            return
        threading.Thread(target=self.serve, args=(conn, nth),
                         daemon=True).start()

    def listen(self, family, address):
        s = socket.socket(family, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((address, self.args.port))
        # Linux lets one more wait than it is told.
        s.listen(0 if self.args.serial else 512)
        return s

    def accept(self, listener):
        while True:
            conn, _ = listener.accept()
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.take(conn)

    def main(self):
        v4 = self.listen(socket.AF_INET, "0.0.0.0")
        v6 = self.listen(socket.AF_INET6, "::")
        threading.Thread(target=self.accept, args=(v6,), daemon=True).start()
        print("ready", flush=True)
        self.accept(v4)


if __name__ == "__main__":
    try:
        Server(parse()).main()
    except KeyboardInterrupt:
        sys.exit(130)
