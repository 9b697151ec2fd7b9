#!/usr/bin/env python3
"""Captures what passes an interface into a pcap file, until SIGTERM.

Prints `ready` once it listens.  Stamps are the kernel's, set forward by
--ahead seconds: a clock that is wrong.
"""

import argparse
import signal
import socket
import struct
import sys

ETH_P_ALL = 3
TIMESTAMPNS = 35  # SO_TIMESTAMPNS: a struct timespec beside each packet


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--interface", required=True)
    p.add_argument("--ahead", type=int, default=0)
    p.add_argument("file")
    args = p.parse_args()
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                      socket.htons(ETH_P_ALL))
    s.bind((args.interface, ETH_P_ALL))
    s.setsockopt(socket.SOL_SOCKET, TIMESTAMPNS, 1)
    signal.signal(signal.SIGTERM, lambda *_: s.close() or sys.exit(0))
    with open(args.file, "wb", buffering=0) as out:
        out.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        print("ready", flush=True)
        while True:
            frame, more, _, _ = s.recvmsg(65535, 64)
            sec, nsec = struct.unpack("qq", more[0][2][:16])
            out.write(struct.pack("<IIII", sec + args.ahead, nsec,
                                  len(frame), len(frame)) + frame)


if __name__ == "__main__":
    main()
