"""The lab: client, r1 ... rN, server, each a network namespace.

    client --- r1 --- r2 --- ... --- rN --- server

Link k (0 is client to r1) has 10.9.k.1 and fd09:k::1 at its client's end,
.2 and ::2 at its server's end.  So hop h answers with 10.9.(h-1).2, and the
server behind N routers is 10.9.N.2.  The routers are this kernel's own.

A chain may have a second router at a hop (`branch`), another way back
(`back`), a bridge between client and r1 (`segment`).

Namespaces are made with `ip netns add` and entered with nsenter(1), for
`ip netns exec` mounts /sys anew, which a bare chroot does not allow.
"""

import ctypes
import dataclasses
import json
import os
import pickle
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import dns
import mariadb as mariadbs

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
# Where forger, link and others are, unless a Lab is told otherwise.
BUILD = os.path.join(TOP, "build", "tests", "lab")
PYTHON = sys.executable or "/usr/bin/python3"
PREFIX = "rsthop"
STALE = re.compile(rf"^{PREFIX}-(\d+)-[0-9a-f]{{4}}-\w+$")  # PID
# The founding case's box: an OUI of Ruijie Networks.
R1_MAC = "58:69:6c:00:00:01"
SEGMENT_MAC = "02:09:00:00:00:03"
SKIP = 77
TABLES = ("raw", "mangle", "filter")
BRANCH, BACK = 100, 200  # where the numbers of wires beside the chain begin
NAT_PORTS = "20000-29999"
PORT = 3306
PROXY_PORT = 3307
KEYWORD = "use db"
NEED_CAPS = (1 << 12) | (1 << 21)  # CAP_NET_ADMIN, CAP_SYS_ADMIN
INNER = "RSTHOP_LAB_INNER"
os.environ["PATH"] += ":/usr/sbin:/sbin"


class LabError(Exception):
    """The lab could not do what it was asked; the text says why."""


class Missing(LabError):
    """A program that only some tests need is not installed."""


# Privilege


def has_capabilities():
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("CapEff:"):
                caps = int(line.split()[1], 16)
                return caps & NEED_CAPS == NEED_CAPS
    return False


def is_real_root():
    """Whether other users exist here: not so in an `unshare -r`."""
    with open("/proc/self/uid_map", encoding="ascii") as uid_map:
        return os.geteuid() == 0 and int(uid_map.read().split()[2]) > 65534


def skip(why):
    print(f"SKIPPED, nothing was tested: {why}", file=sys.stderr)
    sys.exit(SKIP)


def require():
    """Makes sure that namespaces can be made; may run the program anew."""
    missing = [t for t in ("ip", "nsenter", "setpriv", "iptables-restore")
               if shutil.which(t) is None]
    if missing:
        skip("the lab needs " + ", ".join(missing)
             + " (packages iproute2, util-linux, iptables)")
    if os.geteuid() == 0 and has_capabilities():
        return
    if os.environ.get(INNER) or not can_unshare():
        skip("the lab needs root, or user namespaces for everyone"
             " (sysctl user.max_user_namespaces); run it with sudo")
    os.environ[INNER] = "1"
    inner = 'mount -t tmpfs tmpfs /run && exec "$@"'
    os.execvp("unshare", ["unshare", "-rnm", "sh", "-c", inner, "sh",
                          PYTHON] + sys.argv)


def can_unshare():
    try:
        done = subprocess.run(
            ["unshare", "-rnm", "mount", "-t", "tmpfs", "tmpfs", "/run"],
            stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return False
    return done.returncode == 0


# Processes


class Proc:
    """A process of the lab's that goes on by itself, such as a device."""

    def __init__(self, argv, name, log=None, end=signal.SIGTERM):
        self.name = name
        self.log = log
        self.argv = argv
        self.end = end
        self.errors = tempfile.TemporaryFile()
        self.popen = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=self.errors, start_new_session=True)

    def wait_ready(self, timeout=10.0):
        """Until it prints `ready`."""
        end = time.monotonic() + timeout
        seen = b""
        fd = self.popen.stdout.fileno()
        while b"ready\n" not in seen:
            left = end - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise LabError(f"{self.name}: not ready in {timeout} s")
            piece = os.read(fd, 4096)
            if not piece:
                self.popen.wait()
                raise LabError(f"{self.name}: ended with"
                               f" {self.popen.returncode}: {self.stderr()}")
            seen += piece
        return self

    def wait_stderr(self, words, timeout=5.0):
        """Until words stand on its standard error."""
        end = time.monotonic() + timeout
        while words not in self.stderr():
            if time.monotonic() > end or self.popen.poll() is not None:
                raise LabError(f"{self.name}: {self.stderr()}")
            time.sleep(0.01)
        return self

    def stderr(self):
        at = self.errors.tell()
        self.errors.seek(0)
        text = self.errors.read().decode("utf-8", "replace")
        self.errors.seek(at)
        return text.strip()

    def firings(self):
        """What a forger wrote into its log: a list of dicts."""
        with open(self.log, encoding="ascii") as log:
            return [json.loads(line) for line in log]

    def count(self, word=""):
        """Lines of its log that hold a word."""
        try:
            with open(self.log, encoding="ascii") as log:
                return sum(word in line for line in log)
        except FileNotFoundError:
            return 0

    def stop(self):
        """Ends it; None, or how it had ended otherwise."""
        if self.popen.poll() is None:
            self.popen.send_signal(self.end)
            try:
                self.popen.wait(2)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        status = self.popen.returncode
        words = self.stderr()
        self.popen.stdout.close()
        self.errors.close()
        if status in (0, -self.end):
            return None
        return f"{self.name} ended with {status}: {words}"


def call(argv, text=None):
    """Runs a short command of the lab's own; its output, or a LabError."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True,
                          check=False, start_new_session=True)
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def call_all(jobs):
    """Runs short commands side by side: a list of (argv, input)."""
    running = []
    for argv, text in jobs:
        p = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, start_new_session=True)
        p.stdin.write(text)
        p.stdin.close()
        running.append((argv, p))
    faults = []
    for argv, p in running:
        words = p.stderr.read()
        p.stderr.close()
        if p.wait() != 0:
            faults.append(f"{' '.join(argv)}: {words.strip()}")
    if faults:
        raise LabError("; ".join(faults))


def in_netns(netns, function, *args):
    """Calls function in a child within a namespace; what it returns."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        status = 1
        try:
            fd = os.open(f"/run/netns/{netns}", os.O_RDONLY)
            if ctypes.CDLL(None, use_errno=True).setns(fd, 0) < 0:
                raise OSError(ctypes.get_errno(), "setns")
            answer = (True, function(*args))
            status = 0
        except BaseException as e:  # all of it belongs to the parent
            answer = (False, f"{type(e).__name__}: {e}")
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    good, answer = pickle.loads(data) if data else (False, "child died")
    if not good:
        raise LabError(answer)
    return answer


# Namespaces left by runs that died


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def netns_names():
    try:
        return sorted(os.listdir("/run/netns"))
    except FileNotFoundError:
        return []


def delete_netns(names):
    if names:
        lines = "".join(f"netns del {n}\n" for n in names)
        call(["ip", "-force", "-batch", "-"], lines)


def is_stale(name):
    m = STALE.match(name)
    return m is not None and not is_alive(int(m.group(1)))


def remove_stale():
    """Removes the namespaces and files of labs whose process is gone."""
    delete_netns([n for n in netns_names() if is_stale(n)])
    tmp = tempfile.gettempdir()
    for name in os.listdir(tmp):
        path = os.path.join(tmp, name)
        if is_stale(name) and os.lstat(path).st_uid == os.geteuid():
            shutil.rmtree(path, ignore_errors=True)


def numbered(k, end, version):
    """The address of an end, 1 or 2, of wire k."""
    if version == 4:
        return f"10.9.{k}.{end}"
    return f"fd09:{k:x}::{end}" if k else f"fd09::{end}"


def route(k, ways, end, source=None):
    """For ip: to wire k, over the other end of each of these wires.

    source: the wire toward the client, whose address shall be the sender's
    whichever way it goes.
    """
    lines = []
    for version, net in ((4, f"10.9.{k}.0/24"),
                         (6, f"{numbered(k, '', 6)}/64")):
        words = f"route add {net}"
        if source is not None and ways != [source]:
            words += f" src {numbered(source, 2, version)}"
        hops = [f" via {numbered(w, end, version)}" for w in ways]
        lines.append(words + (hops[0] if len(hops) == 1 else
                              "".join(" nexthop" + h for h in hops)))
    return lines


@dataclasses.dataclass
class Wire:
    """A pair of interfaces: the near end is the one toward the client."""
    near: str
    near_name: str
    far: str
    far_name: str
    k: int  # 10.9.k.1 near, 10.9.k.2 far
    mac: str = ""  # of the far end, where it is not ours to choose

    def link(self, lab, nth):
        # The index: where both ends of a pair bear the same one, the
        # kernel takes a second to tell IPv6 of the carrier.
        mac = self.mac or f"02:09:00:00:{nth:02x}:02"
        return (f"link add name {self.near_name} index {9 + nth}"
                f" netns {lab.netns(self.near)}"
                f" address 02:09:00:00:{nth:02x}:01 type veth"
                f" peer name {self.far_name} netns {lab.netns(self.far)}"
                f" address {mac}")


class Lab:
    """A chain of namespaces; a context manager that leaves nothing.

    branch: a hop with a second router, r<hop>b; the router before it picks
        one of the two by the five-tuple, as the one behind it does for what
        goes back (branch_back "both"), or always the first ("a").
    back: (a, b, m): what comes back from r<a+1> and beyond goes by m more
        routers, x1 ... xm, to r<b>, and on from there; b <= a.
    segment: a bridge `seg` between client and r1.
    """

    def __init__(self, hops=6, silent=(), icmp_ratelimit=None, r1_mac=R1_MAC,
                 build=None, seed=1, branch=None, branch_back="a", back=None,
                 segment=False):
        self.hops = hops
        self.branch, self.branch_back = branch, branch_back
        self.back = back
        self.segment = segment
        self.silent = tuple(silent)
        self.icmp_ratelimit = icmp_ratelimit
        self.r1_mac = r1_mac
        self.seed = seed  # of the forgers' dice
        self.build = build or BUILD
        number = random.SystemRandom().randrange(1, 1 << 16)
        self.prefix = f"{PREFIX}-{os.getpid()}-{number:04x}"
        # Of what all labs of this process share.
        self.common_prefix = f"{PREFIX}-{os.getpid()}-0000"
        self.routers = [f"r{h}" for h in range(1, hops + 1)]
        self.nodes = ["client"] + self.routers + ["server"]
        self.extra = []  # nodes beside the chain; `seg` routes nothing
        self.wires = self._plan()
        self.procs = []
        self.faults = []  # of processes that ended as they should not
        self.ruled = set()  # nodes whose tables hold rules of devices
        self.natted = set()  # likewise, the nat table
        self.taken = set()  # (hop, chain) that a device sits in
        self.queues = 0
        self.backend = None
        self.tmp = None
        self.signals = {}

    def _plan(self):
        """All wires; those of the chain first."""
        wires = [Wire(self.nodes[k], "toserver", self.nodes[k + 1],
                      "toclient", k) for k in range(self.hops + 1)]
        wires[0].mac = self.r1_mac
        if self.segment:
            self.extra.append("seg")
            wires[0] = Wire("client", "toserver", "seg", "toclient", 0)
            wires.append(Wire("seg", "toserver", "r1", "toclient", 0,
                              mac=self.r1_mac))
        if self.branch is not None:
            wires += self._plan_branch(self.branch)
        if self.back is not None:
            wires += self._plan_back(*self.back)
        return wires

    def _plan_branch(self, hop):
        if not 2 <= hop <= self.hops:
            raise LabError("a branch needs a router before it")
        name = f"r{hop}b"
        self.extra.append(name)
        return [Wire(self.nodes[hop - 1], "toserverb", name, "toclient",
                     BRANCH + hop - 1),
                Wire(name, "toserver", self.nodes[hop + 1], "toclientb",
                     BRANCH + hop)]

    def _plan_back(self, a, b, more):
        if not 1 <= b <= a < self.hops:
            raise LabError("back: 1 <= b <= a < hops")
        extra = [f"x{i}" for i in range(1, more + 1)]
        self.extra += extra
        ways = [f"r{a + 1}"] + extra + [f"r{b}"]
        # The end toward the server is where what comes back comes from.
        return [Wire(ways[j + 1],
                     "toserver" if ways[j + 1] in extra else "fromback",
                     ways[j], "toclient" if ways[j] in extra else "toback",
                     BACK + j) for j in range(more + 1)]

    # Addresses

    def netns(self, node):
        return f"{self.prefix}-{node}"

    def node(self, hop):
        """A router's name by its hop; any node's by its own."""
        return hop if hop in self.nodes + self.extra else f"r{hop}"

    def address(self, hop, version=4):
        """Of hop 1 ... hops; the server is hops + 1, the client 0."""
        if hop == 0:
            return "10.9.0.1" if version == 4 else "fd09::1"
        return numbered(hop - 1, 2, version)

    def server_address(self, version=4):
        return self.address(self.hops + 1, version)

    def addresses(self, hop, version=4):
        """All that may answer for a hop: two where there is a branch."""
        found = [self.address(hop, version)]
        # Linux answers in IPv6 with the address of where a packet came in.
        if self.branch is not None and (
                hop == self.branch
                or version == 6 and hop == self.branch + 1 <= self.hops):
            found.append(numbered(BRANCH + hop - 1, 2, version))
        return found

    def longer_back(self, hop):
        """Routers that a packet from r<hop> to the client crosses more than
        the hop - 1 of its way there; may be negative."""
        if self.back is None or hop <= self.back[0]:
            return 0
        a, b, more = self.back
        return more + b - a

    def server_ttl(self):
        """With which the server's packets arrive."""
        return 64 - self.hops - self.longer_back(self.hops + 1)

    def far_side(self, hop, version=4):
        """Of hop's interface toward the server; hop 0 is the client."""
        return numbered(hop, 1, version)

    # Raising and removing

    def __enter__(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.signals[number] = signal.signal(number, self._on_signal)
        try:
            remove_stale()
            self.tmp = tempfile.mkdtemp(prefix=self.prefix + "-")
            os.chmod(self.tmp, 0o755)
            self._raise()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    @staticmethod
    def _on_signal(number, _):
        raise SystemExit(128 + number)

    def close(self):
        for number in self.signals:
            signal.signal(number, signal.SIG_IGN)
        try:
            self._stop_all()
            mine = [n for n in netns_names()
                    if n.startswith(self.prefix + "-")]
            delete_netns(mine)
            if self.tmp is not None:
                shutil.rmtree(self.tmp, ignore_errors=True)
        finally:
            for number, old in self.signals.items():
                signal.signal(number, old)
            self.signals = {}

    def _raise(self):
        nodes = self.nodes + self.extra
        lines = [f"netns add {self.netns(n)}" for n in nodes]
        call(["ip", "-batch", "-"], "\n".join(lines) + "\n")
        # Before the interfaces, for they inherit what is default then.
        call_all([(self._enter(n) + ["sh", "-e"], self._sysctls(n))
                  for n in nodes])
        lines = [w.link(self, nth) for nth, w in enumerate(self.wires)]
        call(["ip", "-batch", "-"], "\n".join(lines) + "\n")
        call_all([(self._enter(n) + ["sh", "-e"], self._script(n))
                  for n in nodes])
        for hop in self.silent:
            self.silence(hop)

    def _sysctls(self, node):
        values = {
            "ipv4/conf/all/rp_filter": 0, "ipv4/conf/default/rp_filter": 0,
            "ipv4/conf/all/accept_local": 1,
            "ipv6/conf/all/accept_dad": 0, "ipv6/conf/default/accept_dad": 0,
            "ipv6/conf/default/dad_transmits": 0,
            "ipv6/conf/default/accept_ra": 0,
            "ipv6/conf/default/router_solicitations": 0,
        }
        if node == "seg":
            values["bridge/bridge-nf-call-iptables"] = 1
            values["bridge/bridge-nf-call-ip6tables"] = 1
        elif node not in ("client", "server"):
            values["ipv4/ip_forward"] = 1
            values["ipv6/conf/all/forwarding"] = 1
            if self.branch is not None:
                # By the five-tuple.  Not policy 1, which takes the hash that
                # a socket gave its packets, and these keep across a veth.
                for ip in ("ipv4", "ipv6"):
                    values[f"{ip}/fib_multipath_hash_policy"] = 3
                    values[f"{ip}/fib_multipath_hash_fields"] = 0x37
            if self.icmp_ratelimit is not None:
                values["ipv4/icmp_ratelimit"] = self.icmp_ratelimit
                values["ipv6/icmp/ratelimit"] = self.icmp_ratelimit
            if self.icmp_ratelimit == 0:
                # Nor the bound on all errors together, which the mask lifts.
                values["ipv4/icmp_ratemask"] = 0
                values["ipv6/icmp/ratemask"] = ""
        return "".join(f"echo {v} > /proc/sys/net/{k}\n"
                       for k, v in values.items())

    def _script(self, node):
        """For sh: interfaces are named by where they lead."""
        batch, names = ["link set lo up"], []
        for w in self.wires:
            for end, name, of in ((1, w.near_name, w.near),
                                  (2, w.far_name, w.far)):
                if of == node:
                    names.append(name)
                    batch += self._interface(node, name, w.k, end)
        batch += self._bridge() if node == "seg" else self._routes(node)
        # Packets in captures and in quotes shall have whole checksums.
        offload = "".join(
            f"ethtool -K {d} tx off gso off tso off >/dev/null 2>&1 || :\n"
            for d in names)
        body = "\n".join(batch)
        return f"ip -batch - <<EOF\n{body}\nEOF\n{offload}"

    @staticmethod
    def _interface(node, name, k, end):
        if node == "seg":
            return []
        return [f"addr add {numbered(k, end, 4)}/24 dev {name}",
                f"addr add {numbered(k, end, 6)}/64 dev {name} nodad",
                f"link set {name} up"]

    def _bridge(self):
        """What sits in `seg` can send, by a MAC that is not the gateway's."""
        batch = [f"link add br0 address {SEGMENT_MAC} type bridge"]
        for name in ("toclient", "toserver"):
            batch += [f"link set {name} master br0", f"link set {name} up"]
        return batch + [
            "addr add 10.9.0.3/24 dev br0",
            "addr add fd09::3/64 dev br0 nodad",
            "link set br0 up", "route add 10.9.0.0/16 via 10.9.0.2",
            "route add fd09::/16 via fd09::2"]

    def _routes(self, node):
        if node in self.nodes:
            k = self.nodes.index(node)
            return self._chain_routes(k) + self._side_routes(k)
        if node.endswith("b"):
            return self._branch_routes()
        return self._back_routes(int(node[1:]))

    def _chain_routes(self, k):
        """The way to the links of the chain that node k is not on."""
        routes = []
        for j in range(self.hops + 1):
            if j > k:
                ways = [k]
                if self.branch == k + 1 and j > self.branch:
                    ways.append(BRANCH + k)
                routes += route(j, ways, 2)
            elif j < k - 1:
                routes += route(j, self._ways_back(k, j), 1, k - 1)
        return routes

    def _ways_back(self, k, j):
        """The wires by which node k sends to link j, nearer the client."""
        if self.branch == k - 1 and j < k - 2 and self.branch_back == "both":
            return [k - 1, BRANCH + k - 1]
        if self.back is not None and self.back[0] == k - 1 and j == 0:
            return [BACK]
        return [k - 1]

    def _side_routes(self, k):
        """The way to wires beside the chain, from a node in it."""
        routes = []
        for w in self.wires:
            if w.k < BRANCH or self.nodes[k] in (w.near, w.far):
                continue
            at = self.branch if w.k < BACK else self.back[1]
            if k < at:
                routes += route(w.k, [k], 2)
            elif k > at:
                routes += route(w.k, [k - 1], 1)
        return routes

    def _branch_routes(self):
        hop, routes = self.branch, []
        for j in range(self.hops + 1):
            if j >= hop:
                routes += route(j, [BRANCH + hop], 2)
            else:
                routes += route(j, [BRANCH + hop - 1], 1)
        return routes

    def _back_routes(self, nth):
        """Of x<nth>: to the client onward, to all else whence it came."""
        whence = BACK + nth - 1
        return (route(0, [BACK + nth], 1)
                + [f"route add 10.9.0.0/16 via {numbered(whence, 2, 4)}",
                   f"route add fd09::/16 via {numbered(whence, 2, 6)}"])

    # Running things

    def _enter(self, node):
        return ["nsenter", f"--net=/run/netns/{self.netns(node)}"]

    def command(self, node, argv):
        """argv as a command that runs it in node and dies with us."""
        return (["setpriv", "--pdeathsig", "KILL"] + self._enter(node)
                + list(argv))

    def run(self, node, argv, timeout=60, **kw):
        """Runs argv to its end in node; a CompletedProcess of text."""
        kw.setdefault("capture_output", True)
        return subprocess.run(self.command(node, argv), text=True,
                              stdin=subprocess.DEVNULL, timeout=timeout,
                              check=False, **kw)

    def start(self, node, argv, ready=True, log=None, end=signal.SIGTERM):
        """Starts argv in node; it is ended with the lab, by that signal."""
        p = Proc(self.command(node, argv), os.path.basename(argv[0]), log,
                 end)
        self.procs.append(p)
        return p.wait_ready() if ready else p

    def call_in(self, node, function, *args):
        """Calls a Python function in node, in a child; what it returns."""
        return in_netns(self.netns(node), function, *args)

    def _stop_all(self, keep=()):
        for p in reversed(self.procs):
            fault = None if p in keep else p.stop()
            if fault is not None:
                self.faults.append(fault)
        self.procs = [p for p in self.procs if p in keep]

    def program(self, name):
        path = os.path.join(self.build, name)
        if not os.access(path, os.X_OK):
            raise LabError(f"{path} is not there: run `make lab-bin`")
        return path

    def clear(self, keep=()):
        """Takes devices, servers and rules away; the chain stays."""
        self._stop_all(keep)
        # Not the nat table of others: it would have them track connections.
        empty = {node: "".join(f"*{t}\nCOMMIT\n" for t in
                               TABLES + ("nat",) * (node in self.natted))
                 for node in sorted(self.ruled)}
        call_all([(self._restore(node, version), text)
                  for node, text in empty.items() for version in (4, 6)])
        self.ruled = set()
        self.natted = set()
        self.taken = set()
        for hop in self.silent:
            self.silence(hop)

    # Firewall rules of routers

    def _tool(self, version, what):
        if self.backend is None:
            self.backend = self._find_backend()
        return f"ip{'6' if version == 6 else ''}tables-{self.backend}{what}"

    def _find_backend(self):
        """nft or legacy: the one in which this kernel has all we need."""
        probe = ("*filter\n-A FORWARD -j NFQUEUE --queue-num 1\n"
                 "-A FORWARD -p tcp -m string --algo bm --string a"
                 " -m statistic --mode random --probability 0.5"
                 " -j REJECT --reject-with tcp-reset\nCOMMIT\n"
                 "*raw\n-A PREROUTING -j NFQUEUE --queue-num 1\nCOMMIT\n"
                 "*mangle\n-A POSTROUTING -j NFQUEUE --queue-num 1\nCOMMIT\n")
        empty = "".join(f"*{t}\nCOMMIT\n" for t in TABLES)
        words = []
        for backend in ("nft", "legacy"):
            try:
                for six in ("", "6"):
                    tool = self._xtables(
                        "r1", f"ip{six}tables-{backend}-restore")
                    call(tool, probe)
                    call(tool, empty)
                return backend
            except (LabError, OSError) as e:
                words.append(str(e))
        raise LabError("no iptables that works here: " + "; ".join(words))

    def _xtables(self, node, tool, *options):
        # A lock of this lab's own: others need not wait for us.
        lock = os.path.join(self.tmp, "lock")
        return self._enter(node) + ["env", f"XTABLES_LOCKFILE={lock}", tool,
                                    *options]

    def _restore(self, node, version, *options):
        return self._xtables(node, self._tool(version, "-restore"), *options)

    def rules(self, hop, table, v4=(), v6=()):
        """Appends rules to a table of a router; removed by clear()."""
        node = self.node(hop)
        self.ruled.add(node)
        if table == "nat":
            self.natted.add(node)
        jobs = []
        for version, rules in ((4, v4), (6, v6)):
            lines = "".join(f"-A {r}\n" for r in rules)
            if rules:
                jobs.append((self._restore(node, version, "--noflush"),
                             f"*{table}\n{lines}COMMIT\n"))
        call_all(jobs)

    def silence(self, hop):
        """r<hop>'s kernel sends no time-exceeded any more; icmp.py may."""
        drop = "-m mark ! --mark 1 -j DROP"
        self.rules(hop, "filter",
                   ["OUTPUT -p icmp -m icmp --icmp-type time-exceeded "
                    + drop],
                   ["OUTPUT -p icmpv6 -m icmp6 --icmpv6-type time-exceeded "
                    + drop])

    def _take(self, hop, place):
        """What a queue lets pass, no later rule of that chain ever sees."""
        if (hop, place) in self.taken:
            raise LabError(f"r{hop} has a device in {place} already")
        self.taken.add((hop, place))

    def _next_queue(self):
        self.queues += 1
        return self.queues

    # Devices

    def forge(self, hop, place="router", *options, port=PORT,
              also=None, match=KEYWORD):
        """Our forger at a hop or node: place is router, wire or tap.

        also: another port of the server's that it watches.
        """
        log = os.path.join(self.tmp, f"forger-{len(self.procs)}.log")
        argv = [self.program("forger"), "--port", str(port), "--match",
                match, "--log", log, "--seed", str(self.seed)]
        ports = [port] if also is None else [port, also]
        if also is not None:
            argv += ["--also-port", str(also)]
        if place == "tap":
            argv += ["--tap", "toclient"]
        else:
            queue = self._next_queue()
            argv += ["--queue", str(queue)]
            table, chain = {"router": ("filter", "FORWARD"),
                            "wire": ("raw", "PREROUTING")}[place]
            to = f"-j NFQUEUE --queue-num {queue} --queue-bypass"
            self._take(hop, chain)
            rules = [f"{chain} -p tcp --{end} {number} {to}"
                     for number in ports for end in ("dport", "sport")]
            self.rules(hop, table, rules, rules)
        return self.start(self.node(hop), argv + list(options), log=log)

    def link(self, hop, *options):
        """Our line on the link behind r<hop>, both ways, options as link."""
        queue = self._next_queue()
        to = f"-j NFQUEUE --queue-num {queue} --queue-bypass"
        # Neighbour discovery stays whole, or the link itself is lost.
        spare = [f"{chain} -p icmpv6 -m icmp6 --icmpv6-type {t} -j RETURN"
                 for chain in ("POSTROUTING", "PREROUTING")
                 for t in (135, 136)]
        rules = [f"POSTROUTING -o toserver+ {to}",
                 f"PREROUTING -i toserver+ {to}"]
        self._take(hop, "link")
        self.rules(hop, "mangle", rules, spare + rules)
        return self.start(self.node(hop), [self.program("link"), "--queue",
                                           str(queue), *options])

    def reject(self, hop, keyword=KEYWORD, probability=1.0, versions=(4, 6)):
        """The kernel's own REJECT in r<hop>'s forwarding plane."""
        dice = ("" if probability >= 1 else
                f" -m statistic --mode random --probability {probability}")
        rule = (f'FORWARD -p tcp -m string --algo bm --string "{keyword}"'
                f'{dice} -j REJECT --reject-with tcp-reset')
        self._take(hop, "FORWARD")
        self.rules(hop, "filter", [rule] if 4 in versions else [],
                   [rule] if 6 in versions else [])

    def tcpkill(self, hop, keyword=KEYWORD):
        """dsniff's tcpkill, tapping a hop's interface to the client."""
        if shutil.which("tcpkill") is None:
            raise Missing("tcpkill is not installed (package dsniff)")
        word = keyword.encode()[:4]
        start = "((tcp[12] & 0xf0) >> 2)"
        expr = f"tcp[{start}:{len(word)}] = 0x{word.hex()}"
        iface = "br0" if hop == "seg" else "toclient"
        p = self.start(self.node(hop), ["tcpkill", "-i", iface, expr],
                       ready=False)
        return p.wait_stderr("listening on")

    def masquerade(self, hop=1, quotes="rewritten", liberal=False):
        """r<hop> hides the client behind an address and ports of its own.

        quotes "as-sent": time-exceeded messages come with their outer
        address rewritten alone, as some boxes do it and no Linux kernel.
        liberal: resets out of the window are let in, too.
        """
        rules = [f"POSTROUTING -o toserver+ -p tcp -j MASQUERADE"
                 f" --to-ports {NAT_PORTS}",
                 "POSTROUTING -o toserver+ -j MASQUERADE"]
        self.rules(hop, "nat", rules, rules)
        call(self._enter(self.node(hop)) + ["sh", "-e"], "".join(
            f"echo {int(liberal)} > /proc/sys/net/netfilter/nf_conntrack_tcp_"
            f"{name}\n" for name in ("be_liberal", "ignore_invalid_rst")))
        if quotes == "as-sent":
            error = "-p icmp -m icmp --icmp-type time-exceeded"
            self.rules(hop, "raw",
                       [f"PREROUTING -i toserver {error} -j DROP",
                        f"OUTPUT {error} -j CT --notrack"])
            self.icmp(hop, "--pass-to", self.address(0))

    def icmp(self, hop, *options):
        """Our own sender of ICMP errors; options as those of icmp.py."""
        argv = [PYTHON, os.path.join(HERE, "icmp.py")]
        return self.start(self.node(hop), argv + list(options))

    def labels(self, hop, *labels):
        """r<hop>'s time-exceeded tell an MPLS label stack (RFC 4950)."""
        self.silence(hop)
        return self.icmp(hop, "--labels", ",".join(map(str, labels)))

    def proxy(self, hop, port=PORT):
        """r<hop> answers for the server, and relays to it."""
        rule = (f"PREROUTING -i toclient -p tcp --dport {port}"
                f" -j REDIRECT --to-ports {PROXY_PORT}")
        self.rules(hop, "nat", [rule], [rule])
        argv = [PYTHON, os.path.join(HERE, "proxy.py"), "--port",
                str(PROXY_PORT)]
        for version in (4, 6):
            argv += ["--to", self.server_address(version)]
        return self.start(self.node(hop), argv + ["--to-port", str(port)])

    def serve(self, *options, port=PORT):
        """The server; options as those of server.py."""
        log = os.path.join(self.tmp, f"server-{len(self.procs)}.log")
        argv = [PYTHON, os.path.join(HERE, "server.py"), "--port", str(port),
                "--log", log]
        return self.start("server", argv + list(options), log=log)

    def mariadb(self, port=PORT, **options):
        """A real MariaDB; options as those of mariadb.Server."""
        try:
            return mariadbs.Server(self, port, **options)
        except mariadbs.Unavailable as e:
            raise Missing(str(e)) from e

    def name_server(self, node, *options):
        """Whatever runs in node learns at once that nothing has a name."""
        argv = [PYTHON, os.path.join(HERE, "dns.py")]
        return self.start(node, argv + list(options) + dns.name_servers())

    def mysql_defaults(self, user=mariadbs.USER, password=mariadbs.PASSWORD):
        """The path of an option file with a user and his password."""
        name = f"client-{user}-{len(password)}.cnf"
        return mariadbs.write_defaults(os.path.join(self.tmp, name), user,
                                      password)

    def mysql(self, sql, user=mariadbs.USER, password=mariadbs.PASSWORD,
              database=None, port=PORT, version=4, tls=False, options=()):
        """MariaDB's own client, run in the client: a CompletedProcess."""
        if shutil.which("mariadb") is None:
            raise Missing("mariadb is not installed (package"
                          " mariadb-client-core)")
        argv = ["mariadb",
                f"--defaults-file={self.mysql_defaults(user, password)}",
                "--host", self.server_address(version), "--port", str(port),
                "--protocol=tcp", "--connect-timeout=5", "--batch",
                "--skip-column-names", "--execute", sql,
                "--ssl" if tls else "--skip-ssl", *options]
        if database is not None:
            argv += ["--database", database]
        return self.run("client", argv)

    def change(self, node, *lines):
        """Has ip(8) do this in node."""
        call(self._enter(node) + ["ip", "-batch", "-"],
             "\n".join(lines) + "\n")

    # Looking

    def pids(self, node):
        """Processes that are in node's namespace."""
        return call(["ip", "netns", "pids", self.netns(node)]).split()

    def client_rules(self):
        """Firewall rules and chains in the client: there shall be none."""
        self._tool(4, "")  # finds out which backend works
        found = []
        for six in ("", "6"):
            for backend in ("legacy", "nft"):
                found += self._saved(f"ip{six}tables-{backend}-save")
        return [line for line in found
                if line.startswith("-") or
                (line.startswith(":") and " - " in line)]

    def _saved(self, tool):
        if shutil.which(tool) is None:
            return []
        done = subprocess.run(self._xtables("client", tool), text=True,
                              capture_output=True, check=False)
        # The backend that works here must; the other may not be there.
        if done.returncode != 0 and self.backend in tool:
            raise LabError(f"{tool}: {done.stderr.strip()}")
        return done.stdout.split("\n")

    def set_client_rules(self, *rules):
        """For a check that client_rules() sees what is there."""
        lines = "".join(f"-A {r}\n" for r in rules)
        call(self._restore("client", 4), f"*filter\n{lines}COMMIT\n")
