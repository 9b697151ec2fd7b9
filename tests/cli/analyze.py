"""rsthop analyze from outside: captures of our own making (tests/data), what
is wrong with a line or a file, signals, and every JSON against its schema.

With RSTHOP_UPDATE_GOLDEN=1 the files NAME.json in tests/data are written
anew, to be read before they are committed.
"""

import gzip
import html.parser
import importlib.util
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "tests/data"
SCHEMA = ROOT / "share/schema/rsthop.analyze-1.schema.json"
LINE_SCHEMA = ROOT / "share/schema/rsthop.analyze-reset-1.schema.json"


class Wrong(Exception):
    """What was seen is not what was to be seen."""


def expect(what, seen, wanted):
    if seen != wanted:
        raise Wrong(f"{what} is {seen!r}, not {wanted!r}")


def load_maker():
    spec = importlib.util.spec_from_file_location("make", DATA / "make.py")
    make = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(make)
    return make


def run(program, *args, stdin=subprocess.DEVNULL, **kw):
    r = subprocess.run([program, "analyze", *map(str, args)],
                       stdin=None if "input" in kw else stdin,
                       capture_output=True, timeout=120, cwd=DATA,
                       env=dict(os.environ, LC_ALL="C.UTF-8"), check=False,
                       **kw)
    r.stdout = r.stdout.decode()
    r.stderr = r.stderr.decode()
    return r


def complains(program, status, pattern, *args):
    """One line on stderr that says so, nothing on stdout."""
    r = run(program, *args)
    expect(f"status of {args}", r.returncode, status)
    expect("stdout", r.stdout, "")
    if not re.fullmatch(r"rsthop: [^\n]*\n", r.stderr) or \
            not re.search(pattern, r.stderr):
        raise Wrong(f"stderr is not one line with {pattern!r}: {r.stderr!r}")


def validate(text, schema=SCHEMA):
    r = subprocess.run([sys.executable, ROOT / "tests/cli/schema.py", schema],
                       input=text.encode(), capture_output=True, check=False)
    if r.returncode not in (0, 77):
        raise Wrong(f"not what {schema.name} says: {r.stderr.decode()}")


def document(r, status):
    expect("status", r.returncode, status)
    validate(r.stdout)
    return json.loads(r.stdout)


def steady(d):
    """Without what changes from run to run, or with each tuning of weights."""
    for key in ("started", "duration_s", "version"):
        del d[key]
    for part in d["resets"] + d["groups"]:
        for key in ("probability", "log_odds", "hop"):
            part.pop(key, None)
        part["reasons"] = sorted(r["code"] for r in part["reasons"])
    return d


def golden(program, _):
    """Each capture in tests/data is judged as its golden JSON says."""
    for name in load_maker().KEPT:
        forged = name not in ("genuine", "quiet")
        d = document(run(program, "--json", f"{name}.pcap"), int(not forged))
        text = json.dumps(steady(d), indent=1) + "\n"
        path = DATA / f"{name}.json"
        if os.environ.get("RSTHOP_UPDATE_GOLDEN"):
            path.write_text(text)
        if text != path.read_text():
            raise Wrong(f"{name}.pcap is not judged as {path.name} says")


def made_again(_, tmp):
    """The captures in tests/data are what their maker makes."""
    make = load_maker()
    for name, how in make.KEPT.items():
        if how().bytes() != (DATA / f"{name}.pcap").read_bytes():
            raise Wrong(f"{name}.pcap is not what make.py makes")


def founding_told(program, _):
    """The founding case is told: who, how far, by what, what to do."""
    r = run(program, "founding.pcap")
    expect("stderr", r.stderr, "")
    expect("status", r.returncode, 0)
    for words in (r"^4 of 8 resets are forged\.", r"hop 1, its forwarding",
                  r'mysql COM_INIT_DB "db": 4 of 6 drew', r"own packet",
                  r"rsthop locate --from\s+\S*founding\.pcap\s+198\.51",
                  r"Genuine\n +4 "):
        if not re.search(words, r.stdout):
            raise Wrong(f"{words!r} is not told: {r.stdout}")
    if max(map(len, r.stdout.splitlines())) > 80:
        raise Wrong("a line is over 80 columns")


def listed(program, _):
    """-v lists each reset, --color=always paints, -n leaves out makers."""
    r = run(program, "-v", "-n", "--color=always", "founding.pcap")
    expect("resets listed", len(re.findall(r"^  frame \d+", r.stdout, re.M)),
           8)
    if "\033[1;31m" not in r.stdout:
        raise Wrong("the forged are not painted")


def many_told_shortly(program, tmp):
    """Ten thousand forged resets read as a few lines; all are counted."""
    path = os.path.join(tmp, "many.pcap")
    Path(path).write_bytes(load_maker().many().bytes())
    r = run(program, path)
    expect("status", r.returncode, 0)
    if len(r.stdout.splitlines()) > 20 or "All 10000 resets" not in r.stdout:
        raise Wrong(f"not short, or not all: {r.stdout}")
    d = document(run(program, "--json", path), 0)
    expect("resets", len(d["resets"]), 10000)
    expect("fired", d["triggers"][0]["fired"], 10000)
    os.unlink(path)


def lines(program, _):
    """--jsonl writes a valid object a reset, the same as --json has."""
    r = run(program, "--jsonl", "founding.pcap")
    expect("status", r.returncode, 0)
    whole = json.loads(run(program, "--json", "founding.pcap").stdout)
    seen = []
    for line in r.stdout.splitlines():
        validate(line, LINE_SCHEMA)
        seen.append(json.loads(line))
    for reset in whole["resets"]:
        del reset["group"]
    expect("the resets", sorted(seen, key=lambda x: x["frame"]),
           whole["resets"])


class Page(html.parser.HTMLParser):
    """A page whose elements close as they opened; its text and rows."""

    VOID = ("meta", "br")
    KNOWN = set("""html head meta title style body main p h1 h2 h3 div b a
        br section table thead tr th td dl dt dd ul li i figure svg g line
        circle path text footer""".split())

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.words = [], 0, []
        self.feed(text)
        self.close()
        expect("elements left open", self.open, [])

    def handle_starttag(self, tag, attrs):
        if tag not in self.KNOWN or any(
                name.startswith("on") or name in ("src", "srcset") or
                (name == "href" and not value.startswith("#"))
                for name, value in attrs):
            raise Wrong(f"what should <{tag} {attrs}> here?")
        self.rows += tag == "tr"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        expect("what closes", tag, self.open.pop() if self.open else None)

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)


def page_of(program, tmp, status, *captures):
    path = os.path.join(tmp, "page.html")
    expect("status", run(program, "-o", path, *captures).returncode, status)
    page = Page(Path(path).read_text())
    os.unlink(path)
    return page, "".join(page.words).replace("\xa0", " ")


def told_in_html(program, tmp):
    """-o FILE.html is one page, told in the text's order, with all in it."""
    _, words = page_of(program, tmp, 0, "founding.pcap")
    at = 0
    for part in ("4 of 8 resets are forged.", "Forged and doubtful",
                 "IP ID 13145 is that of", "(70 %)", "4 of 6", "rsthop locate",
                 "ip-id-echo", "Genuine resets", "Resets one by one",
                 "2023-11-14 22:13:20.122", "founding.pcap"):
        at = words.find(part, at)
        if at < 0:
            raise Wrong(f"{part!r} is not told there: {words}")
    _, words = page_of(program, tmp, 1, "quiet.pcap")
    if "There is no reset" not in words or "Resets one" in words:
        raise Wrong(f"no reset is not told: {words}")
    path = os.path.join(tmp, "many.pcap")
    Path(path).write_bytes(load_maker().many(1000).bytes())
    page, words = page_of(program, tmp, 0, path)
    if page.rows > 230 or "And 800 more" not in words:
        raise Wrong(f"{page.rows} rows of a thousand resets")
    os.unlink(path)


def harmless_html(program, tmp):
    """What is hostile in a capture, or its name, is harmless in the page."""
    make = load_maker()
    evil = b"<script>alert(1)&lt;x"
    c = make.Capture()
    s = make.Story(c, make.client(51514), make.server(3306))
    s.handshake()
    ident, _, _ = s.say(s.client, make.mysql(2, evil))
    s.packet(s.server, make.RST | make.ACK, ttl=63, ident=ident, after=0.0007)
    s.answer(b"\7\0\0\1\0\0\0\2\0\0\0")
    path = os.path.join(tmp, "<img src=x onerror='alert(1)'>&amp;\x1b.pcap")
    Path(path).write_bytes(c.bytes())
    _, words = page_of(program, tmp, 0, path)
    os.unlink(path)
    for part in (evil.decode(), "<img src=x onerror='alert(1)'>&amp;\\x1b"):
        if part not in words:
            raise Wrong(f"{part!r} is not told: {words}")


def reports_in_files(program, tmp):
    """-o writes text and JSON beside JSON Lines; other endings are refused."""
    text, doc = (os.path.join(tmp, n) for n in ("r.txt", "r.json"))
    r = run(program, "--jsonl", "-o", text, "-o", doc, "founding.pcap")
    expect("status", r.returncode, 0)
    validate(Path(doc).read_text())
    if not Path(text).read_text().startswith("4 of 8 resets"):
        raise Wrong("the text is not the report")
    expect("resets in the file",
           len(json.loads(Path(doc).read_text())["resets"]), 8)
    os.unlink(text)
    os.unlink(doc)
    complains(program, 2, "ending", "-o", "x.doc", "founding.pcap")


def blamed(program, *captures):
    """(client, server, seq, verdict) of each reset that is not genuine."""
    d = json.loads(run(program, "--json", *captures).stdout)
    return [(r["client"], r["server"], r["seq"], r["verdict"])
            for r in d["resets"] if r["verdict"] != "genuine"]


def evidence(program, tmp):
    """-o FILE.pcapng keeps packets that give the same verdicts, with why."""
    path = os.path.join(tmp, "e.pcapng")
    for captures in (("founding.pcap",), ("sni-v6.pcap", "founding.pcap"),
                     ("founding.pcap", "--", "port", "3306")):
        run(program, "-o", path, *captures)
        expect(f"what is blamed in the evidence of {captures}",
               blamed(program, path), blamed(program, *captures))
    data = Path(path).read_bytes()
    expect("who may read it", os.stat(path).st_mode & 0o777, 0o600)
    for words in (b"4 of 8 resets are forged.",
                  b"frame 10: forged, middlebox: ip-id-echo, ",
                  b"frame 9: the reset of frame 10 answers this"):
        if words not in data:
            raise Wrong(f"no comment says {words!r}")
    d = json.loads(run(program, "--json", path).stdout)
    expect("connections in the evidence", d["flows"], 4)
    expect("status", run(program, "-o", path, "quiet.pcap").returncode, 1)
    expect("packets of no reset", json.loads(
        run(program, "--json", path).stdout)["packets"], 0)
    many = os.path.join(tmp, "many.pcap")
    Path(many).write_bytes(load_maker().many(1000).bytes())
    run(program, "-o", path, many)
    expect("resets in the evidence of many", len(blamed(program, path)), 256)
    if b"Of 744 resets the packets are not in here." not in \
            Path(path).read_bytes():
        raise Wrong("what is left out is not told")
    os.unlink(many)
    os.unlink(path)
    complains(program, 2, "read twice", "-o", path, "-")


def bad_lines(program, _):
    """What is wrong with a line is one line and status 2."""
    for pattern, *args in (
            ("no capture", ), ("no capture", "--", "tcp"),
            ("--json and --jsonl", "--json", "--jsonl", "founding.pcap"),
            ("--max-flows", "--max-flows=0", "founding.pcap"),
            ("--max-flows", "--max-flows=x", "founding.pcap"),
            ("--client-capture", "--client-capture"),
            ("empty", ""), ("'-i'", "-i", "lo", "founding.pcap"),
            ("'-4'", "-4", "founding.pcap"),
            ("does not compile", "founding.pcap", "--", "tcp", "and"),
            ("2 times", "-", "-"), ("'--frob'", "--frob", "founding.pcap")):
        complains(program, 2, pattern, *args)


def bad_files(program, tmp):
    """What cannot be read is one line and status 3."""
    path = os.path.join(tmp, "junk.pcap")
    Path(path).write_bytes(b"no capture, but words")
    for pattern, *args in (
            ("no/such.pcap: No such file", "no/such.pcap"),
            ("directory", tmp), ("it is empty", "/dev/null"),
            ("neither pcap nor pcapng", path),
            ("neither pcap nor pcapng", "--json", path),
            ("cannot write", "-o", "no/such/r.json", "founding.pcap")):
        complains(program, 3, pattern, *args)
    os.unlink(path)


def damaged(program, tmp):
    """A file that breaks off gives the verdicts up to there, then status 3."""
    path = os.path.join(tmp, "cut.pcap")
    whole = (DATA / "founding.pcap").read_bytes()
    Path(path).write_bytes(whole[:len(whole) // 2])
    r = run(program, "--json", path)
    d = document(r, 3)
    expect("lines on stderr", r.stderr.count("\n"), 1)
    frames = d["files"][0]["damage_frame"]
    if f"damaged behind packet {frames}, at byte {len(whole) // 2}" \
            not in r.stderr or d["files"][0]["damage"] not in r.stderr:
        raise Wrong(f"it is not said where: {r.stderr}")
    expect("packets", d["packets"], frames)
    if d["summary"]["forged"] < 1:
        raise Wrong("what stands before the damage was not judged")
    r = run(program, path, "quiet.pcap", "no/such.pcap")
    expect("status with good files", r.returncode, 3)
    expect("lines on stderr", r.stderr.count("\n"), 2)
    os.unlink(path)


def ways_in(program, tmp):
    """gzip, standard input, several files, vantages and filters give as much."""
    raw = (DATA / "founding.pcap").read_bytes()
    packed = os.path.join(tmp, "founding.pcap.gz")
    Path(packed).write_bytes(gzip.compress(raw))
    for what, r in (
            ("gzip", run(program, "--json", packed)),
            ("standard input", run(program, "--json", "-", input=raw)),
            ("a filter", run(program, "--json", "founding.pcap", "--",
                             "tcp", "port", "3306")),
            ("a few flows", run(program, "--json", "--max-flows", "16",
                                "founding.pcap")),
            ("a vantage", run(program, "--json", "--client-capture",
                              "founding.pcap"))):
        expect(f"forged of {what}", document(r, 0)["summary"]["forged"], 4)
    d = document(run(program, "--json", "founding.pcap", "sni-v6.pcap",
                     "--server-capture=quiet.pcap"), 0)
    expect("forged of all", d["summary"]["forged"], 8)
    expect("vantages", [f["vantage"] for f in d["files"]],
           ["server", None, None])
    d = document(run(program, "--json", "founding.pcap", "--", "udp"), 1)
    expect("packets of a filter that leaves all out", d["packets"], 0)
    os.unlink(packed)


def vxlan(frame):
    """The frame in a datagram from one router to another (RFC 7348)."""
    outer = struct.pack("!HHHHII", 50000, 4789, 16 + len(frame), 0,
                        8 << 24, 42 << 8) + frame
    return bytes(12) + struct.pack(
        "!HBBHHHBBH4s4s", 0x0800, 0x45, 0, 20 + len(outer), 7, 0x4000, 250,
        17, 0, bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))) + outer


def gre(frame):
    """The frame's IP packet in one of IPv6 (RFC 2784, RFC 7676)."""
    inner = struct.pack("!H2s", 0, frame[12:14]) + frame[14:]
    return bytes(12) + struct.pack("!HIHBB", 0x86dd, 6 << 28, len(inner), 47,
                                   250) + bytes(32) + inner


def through_tunnels(program, tmp):
    """What is in tunnels is judged as what is not, by its own TTLs."""
    path = os.path.join(tmp, "tunnel.pcap")
    make = load_maker()
    for wrap in (vxlan, gre, lambda frame: vxlan(gre(frame))):
        for name in ("founding", "sni-v6"):
            c = make.KEPT[name]()
            head = make.Capture().bytes()
            records = b""
            for r in c.records:
                frame = wrap(r[16:])
                records += r[:8] + struct.pack("<II", len(frame),
                                               len(frame)) + frame
            Path(path).write_bytes(head + records)
            d, plain = (json.loads(run(program, "--json", f).stdout)
                        for f in (path, f"{name}.pcap"))
            for key in ("client", "server", "frame", "verdict", "ttl", "hop"):
                expect(f"{key} in a tunnel", [r[key] for r in d["resets"]],
                       [r[key] for r in plain["resets"]])
    os.unlink(path)


def signals(program, _):
    """A signal ends a silent pipe with the report so far and 128 + signal."""
    raw = (DATA / "founding.pcap").read_bytes()
    for sig in (signal.SIGINT, signal.SIGTERM):
        for given in (b"", raw):
            with subprocess.Popen(
                    [program, "analyze", "--json", "-"],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE) as p:
                p.stdin.write(given)
                p.stdin.flush()
                time.sleep(0.3)
                p.send_signal(sig)
                out = p.stdout.read().decode()
                err = p.stderr.read().decode()
                p.wait(timeout=10)
            expect("status", p.returncode, 128 + sig)
            expect("stderr", err, "")
            validate(out)
            d = json.loads(out)
            expect("interrupted", d["interrupted"], True)
            expect("forged so far", d["summary"]["forged"],
                   4 if given else 0)


def reader_gone(program, _):
    """A reader that has left is no error, and ends nothing badly."""
    for option in ("--json", "--jsonl", "-q"):
        read, write = os.pipe()
        os.close(read)
        r = subprocess.run([program, "analyze", option,
                            DATA / "founding.pcap"], stdout=write,
                           stderr=subprocess.PIPE, timeout=60, check=False)
        os.close(write)
        expect(f"status with {option}", r.returncode, 0)
        expect("stderr", r.stderr, b"")


def full_disk(program, _):
    """A standard output that is full is told."""
    for option in ("--json", "--jsonl", "-q"):
        with open("/dev/full", "wb") as full:
            r = subprocess.run([program, "analyze", option,
                                DATA / "founding.pcap"], stdout=full,
                               stderr=subprocess.PIPE, timeout=60,
                               check=False)
        expect(f"status with {option}", r.returncode, 3)
        if b"No space left" not in r.stderr or r.stderr.count(b"\n") != 1:
            raise Wrong(f"stderr with {option}: {r.stderr!r}")


def clues_in_manual(_, __):
    """Every clue's code stands in the manual, and no other does."""
    source = (ROOT / "src/judge/rst_evidence.c").read_text()
    used = set(re.findall(r'\{"([a-z0-9-]+)", FAMILY', source))
    manual = (ROOT / "man/rsthop-analyze.1").read_text()
    section = manual.split("\n.Sh REASONS")[1].split("\n.Sh ")[0]
    expect("the manual's list", re.findall(r"^\.It Sy (\S+)", section, re.M),
           sorted(used))


def shared_captures(program, _):
    """Public captures, where they are at hand: valid JSON, no crash."""
    folder = ROOT.parent / "shared/captures"
    files = sorted(p for p in folder.glob("**/*") if p.is_file() and
                   not p.suffix in (".md", ".tsv"))
    if not files:
        print("     skipped: no ../shared/captures here")
    for path in files:
        r = run(program, "--json", path)
        if r.returncode not in (0, 1, 3):
            raise Wrong(f"{path}: status {r.returncode}: {r.stderr}")
        if r.stdout:
            validate(r.stdout)


ALL = [golden, made_again, founding_told, listed, many_told_shortly, lines,
       told_in_html, harmless_html, reports_in_files, evidence, bad_lines,
       bad_files, damaged, ways_in, through_tunnels, signals, reader_gone,
       full_disk, clues_in_manual, shared_captures]
