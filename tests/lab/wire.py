"""Packets by hand, for checking the lab without rsthop.

A Client lives in the client's namespace: a connection of the kernel's, a
packet socket that sees all, a raw socket that injects copies with a TTL.
"""

import dataclasses
import errno
import select
import socket
import struct
import time

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ETH_P_ALL = 3
SO_RCVBUFFORCE = 33


@dataclasses.dataclass
class Packet:
    """What is of interest in an IP packet; time is monotonic seconds."""
    time: float = 0.0
    sent: bool = False
    mac: str = ""
    version: int = 0
    src: str = ""
    dst: str = ""
    ttl: int = 0
    tos: int = 0
    id: int = 0
    df: bool = False
    proto: int = 0
    good: bool = True  # the TCP checksum
    sport: int = 0
    dport: int = 0
    seq: int = 0
    ack: int = 0
    flags: int = 0
    window: int = 0
    payload: bytes = b""
    icmp: int = -1
    quote: object = None
    quote_tail: bytes = b""  # behind a quote that tells its length: RFC 4884

    def letters(self):
        return "".join(c for bit, c in
                       ((RST, "R"), (SYN, "S"), (FIN, "F"), (PSH, "P"),
                        (ACK, "A")) if self.flags & bit)


def checksum(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def address(text):
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return socket.inet_pton(family, text)


def build(p, options=b""):
    """The bytes of a TCP segment as p says."""
    src, dst = address(p.src), address(p.dst)
    offset = (20 + len(options)) // 4 << 4
    tcp = struct.pack("!HHIIBBHHH", p.sport, p.dport, p.seq & 0xffffffff,
                      p.ack & 0xffffffff, offset, p.flags, p.window, 0, 0)
    tcp += options + p.payload
    pseudo = src + dst + struct.pack("!II", len(tcp), 6)
    tcp = (tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:])
    if len(src) == 16:
        return struct.pack("!IHBB", 6 << 28 | p.tos << 20, len(tcp), 6,
                           p.ttl) + src + dst + tcp
    ip = struct.pack("!BBHHHBBH", 0x45, p.tos, 20 + len(tcp), p.id,
                     0x4000 if p.df else 0, p.ttl, 6, 0) + src + dst
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


def parse_tcp(p, data, whole):
    if len(data) < 8:
        return
    p.sport, p.dport, p.seq = struct.unpack("!HHI", data[:8])
    if len(data) < 20:
        return
    p.ack, offset, p.flags, p.window = struct.unpack("!IBBH", data[8:16])
    p.payload = data[(offset >> 4) * 4:]
    if whole:
        pseudo = (address(p.src) + address(p.dst)
                  + struct.pack("!II", len(data), 6))
        p.good = checksum(pseudo + data) == 0


def parse_icmp(p, data):
    p.icmp = data[0]
    if p.icmp in ((3, 11) if p.version == 4 else (1, 3)):
        p.quote = parse(data[8:], whole=False)
        quoted = data[5] * 4 if p.version == 4 else data[4] * 8
        if quoted > 0:
            p.quote_tail = data[8 + quoted:]


def parse_v4(p, data):
    total, p.id, frag = struct.unpack("!HHH", data[2:8])
    p.tos, p.ttl, p.proto = data[1], data[8], data[9]
    p.df = bool(frag & 0x4000)
    p.src = socket.inet_ntop(socket.AF_INET, data[12:16])
    p.dst = socket.inet_ntop(socket.AF_INET, data[16:20])
    return data[(data[0] & 15) * 4:total]


def parse_v6(p, data):
    word, length, p.proto, p.ttl = struct.unpack("!IHBB", data[:8])
    p.tos = word >> 20 & 255
    p.src = socket.inet_ntop(socket.AF_INET6, data[8:24])
    p.dst = socket.inet_ntop(socket.AF_INET6, data[24:40])
    return data[40:40 + length]


def parse(data, whole=True):
    """A Packet of an IP packet's bytes, or None where it is none of ours."""
    p = Packet(version=data[0] >> 4 if data else 0)
    if p.version == 4 and len(data) >= 20:
        data = parse_v4(p, data)
    elif p.version == 6 and len(data) >= 40:
        data = parse_v6(p, data)
    else:
        return None
    if p.proto == 6:
        parse_tcp(p, data, whole)
    elif p.proto in (1, 58) and len(data) >= 8:
        parse_icmp(p, data)
    return p


class Sniffer:
    def __init__(self, iface="toserver"):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                  socket.htons(ETH_P_ALL))
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        except PermissionError:
            pass  # in a user namespace; the default will do
        self.sock.bind((iface, 0))

    def next(self, until):
        """The next IP packet, or None when the time is up."""
        while True:
            left = until - time.monotonic()
            if not select.select([self.sock], [], [], max(left, 0))[0]:
                return None
            data, where = self.sock.recvfrom(65536)
            p = parse(data[14:])
            if p is not None:
                p.time = time.monotonic()
                p.sent = where[2] == socket.PACKET_OUTGOING
                p.mac = data[6:12].hex(":")
                return p


class Client:
    """One connection and all that is seen of it."""

    def __init__(self, server, port, timeout=3.0, local=None):
        self.server, self.port = server, port
        self.version = 6 if ":" in server else 4
        family = socket.AF_INET6 if self.version == 6 else socket.AF_INET
        self.raw = socket.socket(family, socket.SOCK_RAW, 255)
        self.sniffer = Sniffer()
        self.seen = []
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if local is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.sock.bind(("", local))
        self.sock.connect((server, port))
        self.local = self.sock.getsockname()
        self.watch(timeout, lambda c: c.synack() is not None)
        self.seq, self.ack = self.synack().ack, self.synack().seq + 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # An ordinary close would go on to send again what was dropped.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()
        self.raw.close()
        self.sniffer.sock.close()

    def mine(self, p):
        return p.proto == 6 and self.local[1] in (p.sport, p.dport)

    def synack(self):
        for p in self.seen:
            if not p.sent and self.mine(p) and p.flags & SYN:
                return p
        return None

    def watch(self, seconds, enough=lambda c: False):
        """Takes in packets for that long, or until it is enough."""
        end = time.monotonic() + seconds
        while not enough(self):
            p = self.sniffer.next(end)
            if p is None:
                return self
            self.seen.append(p)
        return self

    def resets(self):
        return [p for p in self.seen
                if not p.sent and self.mine(p) and p.flags & RST]

    def errors(self):
        """ICMP errors that came."""
        return [p for p in self.seen if not p.sent and p.quote is not None]

    def data(self):
        """Segments with data that came from the server."""
        return [p for p in self.seen
                if not p.sent and self.mine(p) and p.payload]

    def sent(self):
        return [p for p in self.seen
                if p.sent and self.mine(p) and p.payload]

    def send(self, payload):
        try:
            self.sock.send(payload)
        except OSError as e:
            if e.errno not in (errno.EPIPE, errno.ECONNRESET):
                raise

    def inject(self, payload, ttl, options=b"", **more):
        """A copy of what the socket would send next, with that TTL."""
        p = Packet(src=self.local[0], dst=self.server, ttl=ttl, id=1000 + ttl,
                   df=True, sport=self.local[1], dport=self.port,
                   seq=self.seq, ack=self.ack, flags=PSH | ACK, window=501,
                   payload=payload)
        p = dataclasses.replace(p, **more)
        self.raw.sendto(build(p, options), (self.server, 0))
        return p


def read_pcap(path):
    """The IP packets of a capture that watch.py wrote."""
    packets = []
    with open(path, "rb") as f:
        f.read(24)
        while len(head := f.read(16)) == 16:
            frame = f.read(struct.unpack("<IIII", head)[2])
            if frame[12:14] in (b"\x08\x00", b"\x86\xdd"):
                packets.append(parse(frame[14:]))
    return packets


def have_resets(n):
    return lambda c: len(c.resets()) >= n


def have_errors(n):
    return lambda c: len(c.errors()) >= n
