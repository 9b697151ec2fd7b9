#!/usr/bin/env python3
"""Writes what clients send first, a file a connection.

usage: grab.py PORT PREFIX        listens on 127.0.0.1 until 30 s of silence
"""

import itertools
import socket
import sys


def is_whole(data):
    """A whole record of TLS, or the header of a request."""
    if data[:1] == b"\x16":
        return (len(data) >= 5
                and len(data) >= 5 + int.from_bytes(data[3:5], "big"))
    return b"\r\n\r\n" in data


def first_words(conn):
    data = b""
    conn.settimeout(2)
    try:
        while not is_whole(data):
            more = conn.recv(65536)
            if not more:
                break
            data += more
    except OSError:
        pass
    return data


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
        listener.settimeout(30)
        for i in itertools.count():
            try:
                conn, _ = listener.accept()
            except socket.timeout:
                return
            with conn:
                data = first_words(conn)
            with open(f"{sys.argv[2]}.{i}", "wb") as out:
                out.write(data)
            print(f"{sys.argv[2]}.{i}: {len(data)} bytes", flush=True)


if __name__ == "__main__":
    main()
