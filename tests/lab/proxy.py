#!/usr/bin/env python3
"""The lab's transparent proxy: whom a REDIRECT rule sends here meets us in
the server's name; we open a connection of our own and relay both ways.

A reset from the server is handed on as a reset of ours.  Prints `ready`.
"""

import argparse
import socket
import struct
import sys
import threading


def parse():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--to", action="append", required=True,
                   help="the server, one address a family")
    p.add_argument("--to-port", type=int, required=True)
    return p.parse_args()


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def abort(*socks):
    """Closes with resets: RFC 9293 section 3.10.4, ABORT."""
    for s in socks:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        # The other thread may sit in recv, which a close does not end.
        try:
            s.shutdown(socket.SHUT_RD)
        except OSError:
            pass
        s.close()


def pump(source, sink):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(data)
    except OSError:
        abort(source, sink)


def relay(client, target):
    try:
        server = socket.create_connection(target, timeout=10)
    except OSError:
        abort(client)
        return
    server.settimeout(None)
    for s in (client, server):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    back = threading.Thread(target=pump, args=(server, client), daemon=True)
    back.start()
    pump(client, server)
    back.join()
    for s in (client, server):
        s.close()


def listen(family, port):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
    s.listen(512)
    return s


def accept(listener, target):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=relay, args=(client, target),
                         daemon=True).start()


def main():
    args = parse()
    threads = [threading.Thread(
        target=accept, daemon=True,
        args=(listen(family_of(to), args.port), (to, args.to_port)))
        for to in args.to]
    for t in threads:
        t.start()
    print("ready", flush=True)
    for t in threads:
        t.join()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
