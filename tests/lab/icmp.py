#!/usr/bin/env python3
"""ICMP errors that no kernel here sends, from beside a router.

--labels L,L...   answers what expires here, in the place of the kernel, with
                  a time-exceeded that tells an MPLS label stack
--pass-to ADDR    a NAT that rewrites the outer address of a time-exceeded
                  alone, and leaves the quote as it was on the wire (IPv4)

Prints `ready`.
"""

import argparse
import socket
import struct
import sys

import wire

OUTGOING = socket.PACKET_OUTGOING
ETH_P_ALL = 3
SO_MARK = 36
QUOTE = 128  # bytes of the original datagram: RFC 4884 section 4


def parse():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--labels", help="of 20 bits each, the outermost first")
    p.add_argument("--pass-to", metavar="ADDR")
    return p.parse_args()


def tap(iface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                      socket.htons(ETH_P_ALL))
    s.bind((iface, 0))
    return s


def packets(iface):
    """IP packets that come in by an interface, as bytes."""
    s = tap(iface)
    print("ready", flush=True)
    while True:
        data, where = s.recvfrom(65536)
        if where[2] != OUTGOING and data[12:14] in (b"\x08\x00", b"\x86\xdd"):
            yield data[14:]


# Labels


def extension(labels):
    """RFC 4884 section 7 with the object of RFC 4950 section 3."""
    stack = b"".join(
        struct.pack("!I", label << 12 | (i == len(labels) - 1) << 8 | 1)
        for i, label in enumerate(labels))
    body = struct.pack("!HBB", 4 + len(stack), 1, 1) + stack
    head = struct.pack("!BBH", 2 << 4, 0, 0)
    total = wire.checksum(head + body)
    return head[:2] + struct.pack("!H", total) + body


def error(data, labels):
    """The bytes of a time-exceeded about an IP packet, without IP header.

    RFC 4884: the quote's length stands in words of 32 bits in IPv4, of 64
    in IPv6; the kernel writes ICMPv6 checksums itself.
    """
    quote = data[:QUOTE].ljust(QUOTE, b"\0")
    tail = quote + extension(labels)
    if data[0] >> 4 == 6:
        return struct.pack("!BBHBBH", 3, 0, 0, QUOTE // 8, 0, 0) + tail
    head = struct.pack("!BBHBBH", 11, 0, 0, 0, QUOTE // 4, 0)
    total = wire.checksum(head + tail)
    return head[:2] + struct.pack("!H", total) + head[4:] + tail


def own_addresses():
    """A socket can be bound to these; the rest of the world is not us."""
    known = {}

    def is_own(text):
        if text not in known:
            family = socket.AF_INET6 if ":" in text else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as s:
                try:
                    s.bind((text, 0))
                    known[text] = True
                except OSError:
                    known[text] = False
        return known[text]
    return is_own


def expires(p, is_own):
    """RFC 1812 section 4.2.2.9; no error about an error (4.3.2.7)."""
    return (p is not None and p.ttl <= 1 and p.icmp in (-1, 8, 128)
            and p.proto in (1, 6, 17, 58) and not is_own(p.dst)
            and not p.dst.startswith(("ff", "fe80", "224.")))


def answer_expired(labels):
    is_own = own_addresses()
    out = {4: socket.socket(socket.AF_INET, socket.SOCK_RAW,
                            socket.IPPROTO_ICMP),
           6: socket.socket(socket.AF_INET6, socket.SOCK_RAW,
                            socket.IPPROTO_ICMPV6)}
    for s in out.values():  # lets it pass where the kernel's is dropped
        s.setsockopt(socket.SOL_SOCKET, SO_MARK, 1)
    for data in packets("toclient"):
        p = wire.parse(data)
        if expires(p, is_own):
            out[p.version].sendto(error(data, labels), (p.src, 0))


# A NAT that leaves quotes alone


def pass_on(to):
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for data in packets("toserver"):
        p = wire.parse(data, whole=False)
        if p is None or p.version != 4 or p.icmp != 11 or p.ttl <= 1:
            continue
        total = struct.unpack("!H", data[2:4])[0]
        head = bytearray(data[:20])
        head[8] -= 1
        head[10:12] = b"\0\0"
        head[16:20] = wire.address(to)
        head[10:12] = struct.pack("!H", wire.checksum(bytes(head)))
        out.sendto(bytes(head) + data[20:total], (to, 0))


def main():
    args = parse()
    if (args.labels is None) == (args.pass_to is None):
        sys.exit("icmp.py: give --labels or --pass-to")
    if args.labels is not None:
        answer_expired([int(word) for word in args.labels.split(",")])
    else:
        pass_on(args.pass_to)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
