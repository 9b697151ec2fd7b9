#!/usr/bin/env python3
"""Holds rsthop against every scenario of the lab and against bad luck.

One line a test says what it proves; the last line counts them.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import clients
import evidence
import lab as labs
import logins
import scenarios
import scenarios_dialogue
import scenarios_mysql
import scenarios_residual
import watching

sys.path.insert(0, os.path.join(labs.TOP, "tests", "cli"))
import schema  # noqa: E402

PORT = labs.PORT
RESET_LINE = "a reset's line"
TIMEOUT = 150  # more than locate takes by itself
SANITIZERS = ("AddressSanitizer", "runtime error:", "LeakSanitizer",
              "ThreadSanitizer")


class Case:
    """A test: its name, what it proves, its topology, its check.

    waits: it mostly does, so that others may run beside it.
    """

    def __init__(self, name, words, check, waits=False, **topology):
        self.name, self.words, self.check = name, words, check
        self.waits, self.topology = waits, topology


class Run:
    """One run of rsthop in the client."""

    def __init__(self, argv, status, out, err, seconds):
        self.argv, self.status = argv, status
        self.out, self.err, self.seconds = out, err, seconds

    def json(self):
        """The document on stdout, or None."""
        try:
            return json.loads(self.out)
        except ValueError:
            return None

    def faults(self):
        """What no run may do, whatever it was asked."""
        if any(word in self.err for word in SANITIZERS):
            return ["a sanitizer spoke up"]
        if self.status < 0:
            return [f"killed by signal {-self.status}"]
        return []


def validators():
    """By the schema's name, such as rsthop.locate/1; None: cannot be had."""
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        return None
    folder = os.path.join(labs.TOP, "share", "schema")
    known = {}
    for name in os.listdir(folder):
        text = schema.load(os.path.join(folder, name))
        if "schema" not in text["properties"]:
            continue  # a line's
        known[text["properties"]["schema"]["const"]] = \
            Draft202012Validator(text)
    text = schema.load(
        os.path.join(folder, "rsthop.analyze-reset-1.schema.json"))
    known[RESET_LINE] = Draft202012Validator(text)
    return known


class Bench:
    """rsthop beside a lab; gathers what differs from what it should be."""

    def __init__(self, rsthop, verbose=False):
        self.rsthop = os.path.abspath(rsthop)
        self.verbose = verbose
        self.lab = None
        self.wrong = []
        self.schemas = validators()

    def same(self, what, seen, wanted):
        if seen != wanted:
            self.wrong.append(f"{what} is {seen!r}, not {wanted!r}")

    def among(self, what, seen, wanted):
        if seen not in wanted:
            self.wrong.append(f"{what} is {seen!r}, none of {wanted!r}")

    def run(self, *args, prefix=(), after=None, number=signal.SIGINT,
            meanwhile=None, env=None, beside=()):
        """Runs rsthop in the client; `after` seconds it gets a signal.

        meanwhile: called with the process, once that runs.
        env: more of the environment.
        beside: PIDs of others that may be in the client.
        """
        argv = [*prefix, self.rsthop, *args]
        room = os.path.join(self.lab.tmp, "room")
        os.makedirs(room, mode=0o755, exist_ok=True)
        os.chmod(room, 0o777)  # also for a run without privilege
        start = time.monotonic()
        p = subprocess.Popen(
            self.lab.command("client", argv), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=room,
            env=dict(os.environ, TMPDIR=room, **(env or {})),
            start_new_session=True)
        try:
            if after is not None:
                self.interrupt(p, after, number)
            if meanwhile is not None:
                meanwhile(p)
            out, err = p.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            self.wrong.append(f"not over after {TIMEOUT} s")
            p.kill()
            out, err = p.communicate()
        except BaseException:
            p.kill()
            p.communicate()
            raise
        done = Run(argv, p.returncode, out.decode("utf-8", "replace"),
                   err.decode("utf-8", "replace"), time.monotonic() - start)
        self.wrong += done.faults()
        self.look_at(done)
        self.same("files left behind", os.listdir(room), [])
        self.same("processes left behind",
                  [pid for pid in self.lab.pids("client")
                   if pid not in beside], [])
        self.tell(done)
        return done

    def look_at(self, done):
        """A document on standard output holds to its schema."""
        if self.schemas is None or not done.out.startswith("{"):
            return
        # JSON Lines, or one document over many lines.
        parts = done.out.splitlines()
        if not parts[0].endswith("}"):
            parts = [done.out]
        for part in parts:
            self.look_at_document(part)

    def look_at_document(self, text):
        try:
            document = json.loads(text, parse_constant=schema.no_constant,
                                  object_pairs_hook=schema.no_twins)
        except ValueError as e:
            self.wrong.append(f"no strict JSON: {e}")
            return
        name = document.get("schema", RESET_LINE)
        if name not in self.schemas:
            self.wrong.append(f"there is no schema {name!r}")
            return
        self.wrong += [
            f"schema: /{'/'.join(map(str, e.absolute_path))}: {e.message}"
            for e in self.schemas[name].iter_errors(document)]

    def interrupt(self, p, after, number):
        time.sleep(after)
        if p.poll() is not None:
            self.wrong.append(f"it was over within {after} s, before the"
                              " signal")
        p.send_signal(number)

    def once(self, p, holds):
        """Until that holds, while p runs."""
        end = time.monotonic() + TIMEOUT
        while not holds():
            if p.poll() is not None or time.monotonic() > end:
                self.wrong.append("it was over before its time came")
                return
            time.sleep(0.001)

    def tell(self, done):
        if self.verbose:
            print(f"       $ {' '.join(done.argv)}\n{done.out}{done.err}"
                  f"       exit {done.status}, {done.seconds:.1f} s",
                  flush=True)

    def locate(self, target, *args, **kw):
        return self.say(("--payload", labs.KEYWORD), target, *args, **kw)

    def say(self, trigger, target, *args, **kw):
        """Runs locate with options of one's own for what draws the reset."""
        return self.run("locate", "--json", "-n", *trigger, *args, target,
                        **kw)

    def one_line(self, done, status):
        """A failure as it should be: a status, one line, no document."""
        self.same("the exit status", done.status, status)
        self.same("standard output", done.out, "")
        self.same("lines on standard error", len(done.err.splitlines()), 1)


# Scenarios


def check_resets(bench, scenario, document):
    resets = document.get("resets", [])
    if scenario.reset_ttl is not None:
        full = [r.get("ttl") for r in resets if r.get("probe_ttl") == 64]
        if scenario.reset_ttl not in full:
            bench.wrong.append(
                f"TTLs of resets that full-TTL probes drew are {full!r},"
                f" without {scenario.reset_ttl}")
    codes = [r.get("code") for r in
             document.get("verdict", {}).get("reasons", [])]
    for code in scenario.codes:
        if code not in codes:
            bench.wrong.append(f"reasons are {codes!r}, without {code!r}")


def check_path(bench, scenario, document):
    """Every hop before the one that answers for the server, by name."""
    last = scenario.server_hop or bench.lab.hops + 1
    path = document.get("path", [])
    bench.same("server.hops", document.get("server", {}).get("hops"), last)
    if len(path) < last or not scenario.server_hop and len(path) > last:
        bench.wrong.append(f"the path has {len(path)} rows, not {last}")
    for h, hop in enumerate(path[:last - 1], 1):
        seen = [r.get("address") for r in hop.get("responders", [])]
        wanted = [] if h in scenario.silent else \
            bench.lab.addresses(h, scenario.version)
        if not set(seen) <= set(wanted) or bool(seen) != bool(wanted):
            bench.wrong.append(f"hop {h} is {seen!r}, not {wanted!r}")
        labels = [m.get("label") for r in hop.get("responders", [])
                  for m in r.get("mpls", [])]
        bench.same(f"labels of hop {h}", labels,
                   list(scenario.mpls.get(h, ())))


def check_told(bench, scenario, document):
    texts = document.get("notes", []) + [
        r.get("text", "") for r in
        document.get("verdict", {}).get("reasons", [])]
    if scenario.told not in " ".join(texts):
        bench.wrong.append(f"neither notes nor reasons say"
                           f" {scenario.told!r}: {texts!r}")


def check_document(bench, scenario, document):
    lab = bench.lab
    bench.same("schema", document.get("schema"), "rsthop.locate/1")
    bench.same("target.address", document.get("target", {}).get("address"),
               lab.server_address(scenario.version))
    bench.same("server.ttl", document.get("server", {}).get("ttl"),
               scenario.server_ttl or lab.server_ttl())
    verdict = document.get("verdict", {})
    for key, wanted in scenario.truth(lab).items():
        bench.same(f"verdict.{key}", verdict.get(key), wanted)
    if scenario.threshold_only:
        check_threshold(bench, scenario, document)
    for key, wanted in (scenario.either or {}).items():
        bench.among(f"verdict.{key}", verdict.get(key), wanted)
    if scenario.say is not None:
        bench.same("resets of the controls",
                   document.get("reproduction", {}).get("control_resets"), 0)
    check_candidates(bench, scenario, verdict)
    check_sweep(bench, scenario, document)
    check_block(bench, scenario, document)
    check_path(bench, scenario, document)
    check_told(bench, scenario, document)
    check_resets(bench, scenario, document)


def check_candidates(bench, scenario, verdict):
    found = [(v.get("hop"), v.get("kind"))
             for v in verdict.get("alternatives", [])]
    for candidate in scenario.candidates:
        if candidate not in found:
            bench.wrong.append(f"alternatives are {found!r}, without"
                               f" {candidate!r}")


def check_sweep(bench, scenario, document):
    """Which ports fire, and where their ways part from the others'."""
    sweep = document.get("port_sweep")
    if scenario.sweep is None:
        bench.same("port_sweep", sweep, None)
        return
    firing, address = scenario.sweep
    bench.among("port_sweep.firing", (sweep or {}).get("firing"), firing)
    split = (sweep or {}).get("split") or {}
    bench.same("port_sweep.split", split.get("address"), address)
    ports = (sweep or {}).get("ports", [])
    bench.same("ports in the sweep", len(ports), int(scenario.options[1]))
    # Always or never, where it goes by the flow.
    for p in ports:
        if sweep["firing"] == "by-flow" and \
                p["resets"] not in (0, p["trials"]):
            bench.wrong.append(f"port {p!r}")
def check_block(bench, scenario, document):
    """Its scope, and its length within a fifth; or that there is none."""
    seen = document.get("residual") or {}
    if scenario.block is None:
        bench.among("residual.scope", seen.get("scope"), ("none", None))
        return
    scope, seconds, refreshed = scenario.block
    bench.same("residual.scope", seen.get("scope"), scope)
    bench.same("residual.refreshed", seen.get("refreshed"), refreshed)
    length = seen.get("seconds") or 0
    if not 0.8 * seconds <= length <= 1.2 * seconds:
        bench.wrong.append(f"residual.seconds is {length}, not {seconds}")


def check_threshold(bench, scenario, document):
    """hop h's forwarding plane and the wire before h + 1 look the same."""
    verdict = document.get("verdict", {})
    bench.among("verdict.kind", verdict.get("kind"),
                ("middlebox", "undetermined"))
    after = scenario.hop + (scenario.place == "router")
    bench.same("threshold.ttl",
               (document.get("threshold") or {}).get("ttl"), after)
    found = [(v.get("hop"), v.get("place")) for v in
             [verdict] + verdict.get("alternatives", [])[:2]]
    for candidate in ((after - 1, "router"), (after, "wire")):
        if candidate not in found:
            bench.wrong.append(f"the best candidates are {found!r},"
                               f" without {candidate!r}")


def seen_path(document):
    """Addresses by TTL, the first responder of each; None: silent."""
    return [next((r.get("address") for r in hop.get("responders", [])), None)
            for hop in document.get("path", [])]


def mostly_waits(scenario):
    """For a server's words, or for a long block to end."""
    return (scenario.say is not None or
            scenario.block is not None and scenario.block[1] > 3)


def scenario_case(scenario):
    def check(bench):
        scenario.arrange(bench.lab)
        trigger = ("--payload", labs.KEYWORD) if scenario.say is None \
            else scenario.say(bench.lab)
        done = bench.say(trigger, scenario.target(bench.lab, PORT),
                         *scenario.options)
        bench.among("the exit status", done.status, scenario.statuses())
        document = done.json()
        if document is None:
            words = done.err.strip() or done.out[:200]
            bench.wrong.append(f"no JSON on standard output: {words}")
            return
        check_document(bench, scenario, document)
    return Case(scenario.name, scenario.story, check,
                waits=mostly_waits(scenario), **scenario.topology())


# trace


def trace(version):
    def check(bench):
        bench.lab.serve()
        address = bench.lab.server_address(version)
        target = f"[{address}]" if version == 6 else address
        done = bench.run("trace", "--json", "-n", f"{target}:{PORT}")
        bench.same("the exit status", done.status, 0)
        hops = [None if h in bench.lab.silent
                else bench.lab.address(h, version)
                for h in range(1, bench.lab.hops + 2)]
        bench.same("the path", seen_path(done.json() or {}), hops)
    return check


def first_mac(bench):
    bench.lab.serve()
    done = bench.run("trace", "--json", "-n",
                     f"{bench.lab.server_address()}:{PORT}")
    path = (done.json() or {}).get("path") or [{}]
    responders = path[0].get("responders") or [{}]
    bench.same("the MAC of hop 1", responders[0].get("mac"), labs.R1_MAC)


# Bad luck


def closed_port(bench):
    bench.one_line(bench.locate(f"{bench.lab.server_address()}:{PORT}"), 3)


def no_route(bench):
    bench.one_line(bench.locate(f"192.0.2.1:{PORT}"), 3)
    bench.one_line(bench.locate(f"[2001:db8::1]:{PORT}"), 3)


def unknown_host(bench):
    bench.one_line(bench.locate(f"no-such-host.invalid:{PORT}"), 3)


def unprivileged(bench):
    bench.lab.serve()
    # Others may not be let into the directory that it was built in.
    mine = os.path.join(bench.lab.tmp, "rsthop")
    shutil.copy(bench.rsthop, mine)
    os.chmod(mine, 0o755)
    real, bench.rsthop = bench.rsthop, mine
    user = (["--reuid", "65534", "--regid", "65534", "--clear-groups"]
            if labs.is_real_root() and os.stat("/").st_mode & 1 else [])
    prefix = ["setpriv", *user, "--inh-caps=-all", "--bounding-set=-all"]
    try:
        done = bench.locate(f"{bench.lab.server_address()}:{PORT}",
                            prefix=prefix)
    finally:
        bench.rsthop = real
    bench.one_line(done, 3)


def server_dies(bench):
    for n in (1, 3):
        bench.lab.clear()
        bench.lab.serve("--once", str(n))
        bench.lab.reject(3, probability=0.5)
        done = bench.locate(f"{bench.lab.server_address()}:{PORT}")
        bench.among("the exit status", done.status, (0, 1, 3))
        if done.status == 3:
            bench.same("lines on standard error",
                       len(done.err.splitlines()), 1)
        elif done.json() is None:
            bench.wrong.append("no JSON on standard output")


def interrupted(number):
    def check(bench):
        bench.lab.serve()
        bench.lab.link(1, "--delay-ms", "250")
        done = bench.locate(f"{bench.lab.server_address()}:{PORT}",
                            after=1.2, number=number)
        bench.same("the exit status", done.status, 128 + number)
        document = done.json()
        if document is None:
            bench.wrong.append("no JSON on standard output")
            return
        bench.same("schema", document.get("schema"), "rsthop.locate/1")
        bench.same("target.address",
                   document.get("target", {}).get("address"),
                   bench.lab.server_address())
        bench.same("verdict.hop", document["verdict"].get("hop"), None)
    return check


# What changes midway


def never_wrong(bench, document, hop):
    """Another hop than the device's own is not named, nor believed in."""
    verdict = document.get("verdict", {})
    bench.among("verdict.hop", verdict.get("hop"), (None, hop))
    for a in verdict.get("alternatives", []):
        if a.get("hop") not in (None, hop) and a["probability"] >= 0.95:
            bench.wrong.append(f"so sure of a wrong hop: {a!r}")


def loses_network(*lines):
    """The client's network changes once the device has fired."""
    def check(bench):
        lab = bench.lab
        lab.serve()
        lab.link(1, "--delay-ms", "30")
        device = lab.forge(4, "router", "--drop")
        report = os.path.join(lab.tmp, "report.txt")

        def change(p):
            bench.once(p, device.count)
            lab.change("client", *lines)
        done = bench.locate(f"{lab.server_address()}:{PORT}", "-o", report,
                            meanwhile=change)
        document = done.json() or {}
        verdict = document.get("verdict", {})
        located = verdict.get("hop") is not None
        bench.same("the exit status", done.status, 0 if located else 1)
        never_wrong(bench, document, 4)
        if not located:
            bench.same("verdict.kind", verdict.get("kind"), "undetermined")
            bench.same("does it tell what went wrong",
                       bool(document.get("trouble")), True)
        bench.same("the path", seen_path(document)[:lab.hops],
                   [lab.address(h) for h in range(1, lab.hops + 1)])
        with open(report, encoding="utf-8") as text:
            words = text.read()
        for part in ("Cut short", lab.server_address(), "10.9.2.2"):
            if not located and part not in words:
                bench.wrong.append(f"the report lacks {part!r}: {words}")
    return check


def device_stops(firings, hop, place, *options):
    """It is switched off after so many firings."""
    def check(bench):
        lab = bench.lab
        lab.serve()
        device = lab.forge(hop, place, *options)

        def switch_off(p):
            bench.once(p, lambda: device.count() >= firings)
            device.popen.terminate()
        done = bench.locate(f"{lab.server_address()}:{PORT}",
                            "--max-connections", "60", meanwhile=switch_off)
        bench.among("the exit status", done.status, (0, 1))
        document = done.json() or {}
        never_wrong(bench, document, hop)
        bench.among("verdict.kind", document.get("verdict", {}).get("kind"),
                    ("middlebox", "undetermined"))
        resets = document.get("reproduction", {}).get("resets", 0)
        bench.same("is a reset reported", resets >= 1, True)
    return check


def device_starts(connections, hop, place, *options):
    """It is switched on once the server has seen so many connections."""
    def check(bench):
        lab = bench.lab
        server = lab.serve()

        def switch_on(p):
            bench.once(p, lambda: server.count("open") >= connections)
            lab.forge(hop, place, *options)
        done = bench.locate(f"{lab.server_address()}:{PORT}",
                            meanwhile=switch_on)
        bench.same("the exit status", done.status, 0)
        verdict = (done.json() or {}).get("verdict", {})
        for key, wanted in (("kind", "middlebox"), ("hop", hop),
                            ("place", place), ("forged", True)):
            bench.same(f"verdict.{key}", verdict.get(key), wanted)
    return check


DOWN = "link set toserver down"
UP = ("link set toserver up", "route add 10.9.0.0/16 via 10.9.0.2")

# analyze, with a capture at either end


def converse(address, times):
    """So many connections that end with the keyword, or with a reset."""
    for i in range(times):
        with socket.socket() as s:
            s.settimeout(1.5)
            try:
                s.connect((address, PORT))
                s.sendall(b"greetings %d" % i)
                s.recv(100)
                s.sendall(b"please " + labs.KEYWORD.encode())
                s.recv(100)
            except OSError:
                pass
        time.sleep(0.02)
    return times


def end_all(*procs):
    for p in procs:
        p.popen.terminate()
        p.popen.wait(5)


def two_vantages(hop, place, bracket, *options, nat=False):
    """Of half the connections the forger is to blame, else the server."""
    def check(bench):
        lab = bench.lab
        lab.serve("--mode", "abort", "--keyword", labs.KEYWORD)
        device = lab.forge(hop, place, "--drop", "--ends", "both",
                           "--probability", "0.5", *options)
        if nat:
            lab.masquerade()
        files = [os.path.join(lab.tmp, f"{n}.pcap")
                 for n in ("client", "server")]
        watch = os.path.join(labs.HERE, "watch.py")
        eyes = [lab.start("client", [labs.PYTHON, watch, "--interface",
                                     "toserver", files[0]]),
                lab.start("server", [labs.PYTHON, watch, "--interface",
                                     "toclient", "--ahead", "400",
                                     files[1]])]
        lab.call_in("client", converse, lab.server_address(), 24)
        time.sleep(0.3)
        # Another one, so that what is last has something behind it.
        end_all(device)
        lab.call_in("client", converse, lab.server_address(), 1)
        time.sleep(0.3)
        end_all(*eyes)
        done = bench.run("analyze", "--json", "-n", "--client-capture",
                         files[0], "--server-capture", files[1])
        check_vantages(bench, done.json() or {}, device.count(), bracket, nat)
    return check


def check_vantages(bench, document, fired, bracket, nat):
    compared = document.get("compared") or {}
    bench.same("compared.flows", compared.get("flows"), 25)
    bench.same("compared.nat", compared.get("nat"), nat)
    bench.same("compared.path_hops", compared.get("path_hops"),
               bench.lab.hops)
    bench.same("compared.hop", compared.get("hop"), bracket)
    off = (compared.get("offset_ms") or 0) - 400e3
    if abs(off) > compared.get("offset_error_ms", 0):
        bench.wrong.append(f"the offset is wrong by {off} ms: {compared!r}")
    said = [(r["peer"]["sent"] if r["peer"] else None, r["verdict"],
             r["direction"]) for r in document.get("resets", [])]
    # Each at its receiver; the genuine ones leave the server as well, and it
    # may answer with one more what comes after it was reset itself.
    for what, wanted in (((False, "forged", "to-client"), fired),
                         ((False, "forged", "to-server"), fired)):
        bench.same(f"resets that are {what}", said.count(what), wanted)
    genuine = said.count((True, "genuine", "to-client"))
    if not 25 - fired <= genuine <= 25:
        bench.wrong.append(f"{genuine} genuine resets, {fired} forged")
    if not 4 <= fired <= 20:
        bench.wrong.append(f"the device fired {fired} times")
    bench.same("compared.never_sent", compared.get("never_sent"), 2 * fired)


CASES = [scenario_case(s) for s in scenarios.SCENARIOS
         + scenarios_mysql.SCENARIOS + scenarios_dialogue.SCENARIOS
         + scenarios_residual.SCENARIOS] + [
    Case(name, words, check, **topology)
    for name, words, check, topology in watching.CASES + evidence.CASES] + [
    Case(name, words, check, waits=True, **topology)
    for name, words, check, topology in logins.CASES + clients.CASES] + [
    Case("trace", "trace names every hop and the server", trace(4)),
    Case("trace6", "trace does so in IPv6", trace(6)),
    Case("trace-silent", "a silent hop keeps its row", trace(4),
         silent=(3,)),
    Case("mac", "the first hop's MAC is told", first_mac),
    Case("vantages", "a capture at either end: every forged reset proven"
         " never sent, no genuine one, the device bracketed",
         two_vantages(3, "router", [3, 3], "--ttl", "64")),
    Case("vantages-copy", "likewise, of the founding case",
         two_vantages(2, "router", [2, 2], "--ttl", "copy", "--id", "copy")),
    Case("vantages-nat", "likewise, with NAT between",
         two_vantages(4, "wire", [4, 4], "--ttl", "64", nat=True)),
    Case("closed-port", "a reset to the SYN is no handshake: exit 3, one"
         " line", closed_port),
    Case("no-route", "no route: exit 3, one line", no_route),
    Case("unknown-host", "an unknown host: exit 3, one line", unknown_host),
    Case("unprivileged", "without privilege: exit 3, one line",
         unprivileged),
    Case("server-dies", "the server dies midway: a report or one line",
         server_dies),
    Case("sigint", "SIGINT midway: exit 130 and what was learned so far",
         interrupted(signal.SIGINT)),
    Case("sigterm", "SIGTERM midway: exit 143 and what was learned so far",
         interrupted(signal.SIGTERM)),
    Case("link-down", "the client's interface goes down midway: what was"
         " learned so far, and why no more", loses_network(DOWN)),
    Case("link-bounces", "it goes down and comes back: likewise, or the"
         " right hop", loses_network(DOWN, *UP)),
    Case("link-gone", "it is taken away: likewise",
         loses_network("link del toserver")),
    Case("address-gone", "its address is taken away: likewise",
         loses_network("addr del 10.9.0.1/24 dev toserver")),
    Case("stops-at-once", "the device is switched off after one firing:"
         " never a wrong hop", device_stops(1, 4, "router", "--drop")),
    Case("stops-midway", "it is switched off after the first burst: never a"
         " wrong hop", device_stops(4, 4, "router", "--ttl", "copy",
                                    "--drop")),
    Case("starts-late", "the device is switched on after 40 connections:"
         " its hop", device_starts(40, 4, "router", "--drop")),
]


# All of it


def leftovers(lab):
    """What a lab that is down has left on this machine."""
    left = [n for n in labs.netns_names() if n.startswith(lab.prefix)]
    left += [n for n in os.listdir(tempfile.gettempdir())
             if n.startswith(lab.prefix)]
    return [f"left behind: {name}" for name in left]


def run_case(bench, case):
    """What is wrong, a list of words."""
    bench.wrong = []
    try:
        case.check(bench)
        bench.same("rules in the client", bench.lab.client_rules(), [])
        bench.lab.clear()
        bench.same("what processes of the lab died of", bench.lab.faults, [])
    except labs.Missing:
        raise
    except (labs.LabError, OSError, LookupError, AttributeError) as e:
        bench.wrong.append(f"{type(e).__name__}: {e}")
    return bench.wrong


def run_cases(bench, cases, args, seed):
    """The numbers of tests that passed and failed."""
    counts = [0, 0]
    for case in cases:
        start = time.monotonic()
        # A chain of its own: routers remember whom they sent ICMP errors,
        # and raising one takes a tenth of a second.
        try:
            with labs.Lab(build=args.build, seed=seed,
                          **case.topology) as bench.lab:
                wrong = run_case(bench, case)
            wrong += leftovers(bench.lab)
        except labs.Missing as e:
            print(f"SKIPPED {case.name}: {e}", flush=True)
            continue
        took = time.monotonic() - start
        counts[bool(wrong)] += 1
        verdict = "FAILED" if wrong else "ok    "
        print(f"{verdict} {case.name}: {case.words} ({took:.1f} s)",
              flush=True)
        for words in wrong:
            print(f"       {words}", flush=True)
    return counts


def run_beside(cases, args, seed):
    """Likewise of cases that wait, in processes of their own."""
    counts = [0, 0]
    parts = [cases[i::args.jobs] for i in range(args.jobs)]
    argv = [labs.PYTHON, __file__, "--jobs", "1", "--seed", str(seed),
            "--rsthop", args.rsthop]
    argv += ["--build", args.build] if args.build else []
    running = [subprocess.Popen(
        argv + [w for case in part for w in ("--only", case.name)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        for part in parts if part]
    for p in running:
        *said, last = p.communicate()[0].splitlines() or [""]
        print("\n".join(said), flush=True)
        m = re.fullmatch(r"(\d+) passed, (\d+) failed", last)
        if m is None:
            print(f"FAILED one of the processes: {p.returncode}, {last}")
        numbers = (int(m[1]), int(m[2])) if m else (0, 1)
        counts = [a + b for a, b in zip(counts, numbers)]
    return counts


def parse():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--rsthop", default=os.path.join(labs.TOP, "build",
                                                    "rsthop"))
    p.add_argument("--build", help="where forger and link are")
    p.add_argument("--only", action="append", metavar="NAME",
                   help="these tests (repeatable)")
    p.add_argument("--list", action="store_true")
    p.add_argument("--seed", type=int, default=1,
                   help="of the forgers' dice (1)")
    p.add_argument("--repeat", type=int, default=1, metavar="N",
                   help="all of it N times, with N seeds")
    p.add_argument("--verbose", action="store_true",
                   help="show what rsthop says")
    p.add_argument("--jobs", type=int, default=4, metavar="N",
                   help="of the tests that mostly wait, so many at once (4)")
    args = p.parse_args()
    if args.verbose:
        args.jobs = 1
    return args


def choose(only):
    unknown = set(only or ()) - {c.name for c in CASES}
    if unknown:
        sys.exit("run.py: no test is named " + ", ".join(sorted(unknown)))
    return [c for c in CASES if not only or c.name in only]


def main():
    args = parse()
    cases = choose(args.only)
    if args.list:
        for case in cases:
            print(f"{case.name:16} {case.words}")
        return 0
    if not os.access(args.rsthop, os.X_OK):
        sys.exit(f"run.py: {args.rsthop} is not there: run `make` first")
    labs.require()
    bench = Bench(args.rsthop, args.verbose)
    if bench.schemas is None:
        print("SKIPPED the schema of what rsthop writes: install"
              " python3-jsonschema", flush=True)
    passed = failed = 0
    for seed in range(args.seed, args.seed + args.repeat):
        beside = [c for c in cases if c.waits and args.jobs > 1]
        for counts in (run_beside(beside, args, seed),
                       run_cases(bench, [c for c in cases
                                         if c not in beside], args, seed)):
            passed += counts[0]
            failed += counts[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
