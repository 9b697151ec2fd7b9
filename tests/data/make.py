#!/usr/bin/env python3
"""Makes the captures in this folder, byte for byte the same each time.

usage: make.py [FOLDER]          this one where none is given

Each tells one story, packet by packet; NAME.json beside it is what
`rsthop analyze` is to say of it (tests/cli/analyze.py compares).
"""

import ipaddress
import os
import struct
import sys

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT_MAC = bytes.fromhex("020000000005")
GATEWAY_MAC = bytes.fromhex("020000000001")


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Host:
    """An end of a connection and how its stack makes packets."""

    def __init__(self, address, port, ttl, ident, isn, mac):
        self.address = ipaddress.ip_address(address)
        self.port, self.ttl, self.ident, self.isn = port, ttl, ident, isn
        self.mac = mac
        self.window = 502


class Story:
    """A connection as it is captured at the client."""

    def __init__(self, capture, client, server, rtt=0.04):
        self.capture, self.client, self.server = capture, client, server
        self.rtt = rtt
        self.sent = {client: 0, server: 0}

    def packet(self, src, flags, data=b"", after=0.0005, **odd):
        """One packet; `odd` is what a forger makes otherwise."""
        dst = self.server if src is self.client else self.client
        seq = odd.get("seq", src.isn + self.sent[src])
        ack = odd.get("ack", dst.isn + self.sent[dst] if flags & ACK else 0)
        ident = odd.get("ident", src.ident)
        if "ident" not in odd:
            src.ident = (src.ident + 1) & 0xffff
        tcp = struct.pack(
            "!HHIIBBHHH", src.port, dst.port, seq & 0xffffffff,
            ack & 0xffffffff, 5 << 4, flags, odd.get("window", src.window),
            0, 0) + data
        v4 = src.address.version == 4
        pseudo = src.address.packed + dst.address.packed + (
            struct.pack("!BBH", 0, 6, len(tcp)) if v4
            else struct.pack("!II", len(tcp), 6))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        ttl = odd.get("ttl", src.ttl)
        if v4:
            head = struct.pack(
                "!BBHHHBBH4s4s", 0x45, odd.get("tos", 0), 20 + len(tcp),
                ident, 0x4000 if odd.get("df", True) else 0, ttl, 6, 0,
                src.address.packed, dst.address.packed)
            head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        else:
            head = struct.pack("!IHBB", 6 << 28, len(tcp), 6, ttl) + \
                src.address.packed + dst.address.packed
        mac = odd.get("mac", src.mac)
        self.capture.add(after, dst.mac + mac + struct.pack(
            "!H", 0x0800 if v4 else 0x86dd) + head + tcp)
        if not flags & RST:
            self.sent[src] += len(data) + bool(flags & SYN) + bool(flags & FIN)
        return ident, seq, ack

    def handshake(self):
        self.packet(self.client, SYN)
        self.packet(self.server, SYN | ACK, after=self.rtt)
        self.packet(self.client, ACK, after=0.0001)

    def say(self, src, data):
        return self.packet(src, PSH | ACK, data)

    def answer(self, data):
        """The server answers, the client acknowledges."""
        self.packet(self.server, PSH | ACK, data, after=self.rtt)
        self.packet(self.client, ACK, after=0.0001)

    def close(self):
        self.packet(self.client, FIN | ACK)
        self.packet(self.server, FIN | ACK, after=self.rtt)
        self.packet(self.client, ACK, after=0.0001)


class Capture:
    def __init__(self, start=1700000000.0):
        self.now_us = int(start * 1e6)
        self.records = []

    def add(self, after, frame):
        self.now_us += int(after * 1e6)
        self.records.append(struct.pack(
            "<IIII", self.now_us // 1000000, self.now_us % 1000000,
            len(frame), len(frame)) + frame)

    def bytes(self):
        head = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
        return head + b"".join(self.records)


def client(port, address="10.0.0.5"):
    return Host(address, port, 64, 13000 + port % 100 * 10, port * 7919,
                CLIENT_MAC)


def server(port, address="198.51.100.7", ttl=47):
    return Host(address, port, ttl, 23400, port * 104729, GATEWAY_MAC)


def mysql(command, words):
    return struct.pack("<I", len(words) + 1) + bytes([command]) + words


def hello(name):
    """A TLS ClientHello with a server's name (RFC 8446, 4.1.2)."""
    sni = struct.pack("!HBH", len(name) + 3, 0, len(name)) + name
    ext = struct.pack("!HH", 0, len(sni)) + sni
    body = b"\3\3" + bytes(range(32)) + b"\0" + b"\0\2\x13\1" + b"\1\0" + \
        struct.pack("!H", len(ext)) + ext
    shake = b"\1" + struct.pack("!I", len(body))[1:] + body
    return b"\x16\3\1" + struct.pack("!H", len(shake)) + shake


def founding():
    """A LAN firewall resets `use db`, now and then: four of six times."""
    c = Capture()
    for i in range(6):
        s = Story(c, client(51514 + i), server(3306))
        s.handshake()
        s.answer(b"J\0\0\0\x0a8.0.36")
        s.say(s.client, b"\x20\0\0\1login" + bytes(27))
        s.answer(b"\7\0\0\2\0\0\0\2\0\0\0")
        ident, _, ack = s.say(s.client, mysql(2, b"db"))
        if i % 3 == 2:
            s.answer(b"\7\0\0\1\0\0\0\2\0\0\0")
            s.close()
            continue
        # The trigger turned round: its TTL less one, its IP ID, its window.
        s.packet(s.server, RST | ACK, ttl=63, ident=ident, after=0.0007)
        s.packet(s.server, PSH | ACK, b"\7\0\0\1\0\0\0\2\0\0\0", after=s.rtt)
        s.packet(s.client, RST, ident=0, seq=ack, window=0, after=0.0001)
    return c


def genuine():
    """What stacks send: a refusal, an abort, an answer after the end."""
    c = Capture()
    s = Story(c, client(40001), server(81))
    s.packet(s.client, SYN)
    s.packet(s.server, RST | ACK, seq=0, ident=0, window=0, after=s.rtt)
    s = Story(c, client(40002), server(443))
    s.handshake()
    s.say(s.client, hello(b"www.example.org"))
    s.answer(b"\x16\3\3\0\4\2\0\0\0")
    s.packet(s.server, RST | ACK, after=1.5)
    s = Story(c, client(40003), server(80))
    s.handshake()
    s.say(s.client, b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
    s.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    s.close()
    s.packet(s.server, PSH | ACK, b"late", after=0.01)
    s.packet(s.client, RST, seq=s.client.isn + s.sent[s.client], ident=0,
             window=0, after=0.0001)
    return c


def sni_v6():
    """Over IPv6 a middlebox fires at a server's name, not at another."""
    c = Capture()
    for i, name in enumerate((b"www.example.org", b"www.example.net",
                              b"www.example.org", b"www.example.net")):
        s = Story(c, client(42000 + i, "2001:db8::5"),
                  server(443, "2001:db8:1::7", 52))
        s.handshake()
        s.say(s.client, hello(name))
        if name.endswith(b"org"):
            s.packet(s.server, RST | ACK, ttl=61, after=0.004)
            s.packet(s.server, RST | ACK, ttl=61, after=0.00001,
                     seq=s.server.isn + s.sent[s.server] + 1460)
        s.answer(b"\x16\3\3\0\4\2\0\0\0")
        s.close()
    return c


def quiet():
    """No reset at all."""
    c = Capture()
    s = Story(c, client(43000), server(80))
    s.handshake()
    s.say(s.client, b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
    s.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    s.close()
    return c


def greeting(version=b"8.0.36"):
    """HandshakeV10: version, challenge, capabilities."""
    body = b"\x0a" + version + b"\0" + struct.pack("<I", 7) + b"12345678" + \
        b"\0" + b"\xff\xff" + b"\xff\x02\x00" + b"\xff\xdf" + b"\x15" + \
        bytes(10) + b"123456789012\0" + b"caching_sha2_password\0"
    return struct.pack("<I", len(body)) + body


def login(user, database, capabilities=0x00088208, answer=b"a" * 32):
    """HandshakeResponse41; an SSLRequest where user is None."""
    body = struct.pack("<IIB", capabilities, 1 << 24, 0xff) + bytes(23)
    if user is not None:
        body += user + b"\0" + bytes([len(answer)]) + answer
        if capabilities & 8:
            body += database + b"\0"
        body += b"caching_sha2_password\0"
    return struct.pack("<I", len(body))[:3] + b"\1" + body


def turned_round(s, ident, after=0.0007):
    """A forged reset: the trigger's own packet, its TTL less one."""
    s.packet(s.server, RST | ACK, ttl=63, ident=ident, after=after)


OK_2 = b"\7\0\0\2\0\0\0\2\0\0\0"
OK_1 = b"\7\0\0\1\0\0\0\2\0\0\0"


def mysql_login():
    """A login to `shop` as ann, a query, then `use db` is reset."""
    c = Capture()
    for i in range(3):
        s = Story(c, client(51514 + i), server(3306))
        s.handshake()
        s.packet(s.server, PSH | ACK, greeting(), after=s.rtt)
        s.say(s.client, login(b"ann", b"shop"))
        s.answer(OK_2)
        s.say(s.client, mysql(3, b"select 1"))
        s.answer(OK_1)
        ident, _, _ = s.say(s.client, mysql(2, b"db"))
        turned_round(s, ident)
    return c


def mysql_tls():
    """The same inside TLS, from the SSLRequest on."""
    c = Capture()
    s = Story(c, client(51514), server(3306))
    s.handshake()
    s.packet(s.server, PSH | ACK, greeting(), after=s.rtt)
    s.say(s.client, login(None, None, 0x00088a08))
    s.say(s.client, hello(b"db.example.org"))
    s.answer(b"\x16\3\3\0\4\2\0\0\0")
    ident, _, _ = s.say(s.client, b"\x17\3\3\0\x10" + bytes(range(16)))
    turned_round(s, ident)
    return c


def two_suspects():
    """Two servers' names are reset, one more often; and a refusal."""
    c = Capture()
    for i in range(5):
        far = i % 2
        s = Story(c, client(40100 + i),
                  server(80, "203.0.113.9") if far else server(443))
        s.handshake()
        ident, _, _ = s.say(
            s.client, b"GET /a HTTP/1.1\r\nHost: www.example.net\r\n\r\n"
            if far else hello(b"www.example.org"))
        turned_round(s, ident)
    s = Story(c, client(40200), server(81))
    s.packet(s.client, SYN)
    s.packet(s.server, RST | ACK, seq=0, ident=0, window=0, after=s.rtt)
    return c


def smtp():
    """A sender's address is reset, behind a greeting and an EHLO."""
    c = Capture()
    s = Story(c, client(40300), server(25))
    s.handshake()
    s.answer(b"220 mail.example.org ESMTP\r\n")
    s.say(s.client, b"EHLO client.example\r\n")
    s.answer(b"250-mail.example.org\r\n250-SIZE 1000\r\n250 HELP\r\n")
    ident, _, _ = s.say(s.client, b"MAIL FROM:<a@example.com>\r\n")
    turned_round(s, ident)
    return c


def many(n=10000):
    """Ten thousand of the founding case: not kept, made when it is needed."""
    c = Capture()
    for i in range(n):
        s = Story(c, client(10000 + i % 50000), server(3306))
        s.handshake()
        ident, _, _ = s.say(s.client, mysql(2, b"db"))
        s.packet(s.server, RST | ACK, ttl=63, ident=ident, after=0.0007)
        c.now_us += 40 * 1000000
    return c


KEPT = {"founding": founding, "genuine": genuine, "sni-v6": sni_v6,
        "quiet": quiet, "mysql-login": mysql_login, "mysql-tls": mysql_tls,
        "two-suspects": two_suspects, "smtp": smtp}


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(
        os.path.abspath(__file__))
    for name, make in KEPT.items():
        with open(os.path.join(folder, name + ".pcap"), "wb") as f:
            f.write(make().bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
