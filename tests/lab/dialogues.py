#!/usr/bin/env python3
"""Follows each dialogue of share/dialogues with a real server, on loopback in
a network namespace of its own.

A part of no other test, for it takes servers that nobody needs otherwise:
exim4-daemon-light, redis-server, postgresql, dovecot-imapd, vsftpd,
nginx-light.  One that is not installed is skipped, and told.

usage: dialogues.py [--build build/tests/lab] [--only NAME] [-v]
"""

import argparse
import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"


def write(path, text):
    Path(path).write_text(text)
    return path


def smtp(tmp, port):
    """exim, which runs as its own user and wants its files so."""
    shutil.chown(tmp, "Debian-exim", "Debian-exim")
    conf = write(f"{tmp}/exim.conf", f"""
primary_hostname = mail.example
spool_directory = {tmp}
log_file_path = {tmp}/%slog
pid_file_path =
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
host_lookup =
acl_smtp_rcpt = deny
acl_smtp_mail = accept
begin acl
accept:
  accept
deny:
  deny
""")
    return ["exim4", "-bdf", "-C", conf], "250 OK"


def redis(tmp, port):
    return ["redis-server", "--port", str(port), "--bind", "127.0.0.1",
            "--dir", tmp, "--save", ""], "$-1"


def postgresql(tmp, port):
    """Its programs refuse to run as root."""
    where = os.path.dirname(find_postgresql("initdb"))
    shutil.chown(tmp, "postgres", "postgres")
    user = ["setpriv", "--reuid", "postgres", "--regid", "postgres",
            "--clear-groups"]
    subprocess.run([*user, f"{where}/initdb", "-D", f"{tmp}/db", "-A",
                    "trust", "-U", "postgres"], check=True, cwd=tmp,
                   stdout=subprocess.DEVNULL)
    return [*user, f"{where}/postgres", "-D", f"{tmp}/db", "-p", str(port),
            "-h", "127.0.0.1", "-k", tmp], "SELECT 1"


def imap(tmp, port):
    conf = write(f"{tmp}/dovecot.conf", f"""
protocols = imap
base_dir = {tmp}/run
state_dir = {tmp}/state
log_path = {tmp}/log
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{tmp}/mail
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
passdb {{
  driver = static
  args = password=other
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={tmp}
}}
""")
    os.chmod(tmp, 0o755)
    return ["dovecot", "-F", "-c", conf], None


def ftp(tmp, port):
    root = f"{tmp}/ftp"
    os.mkdir(root, 0o555)
    os.chmod(tmp, 0o755)
    os.mkdir(f"{tmp}/empty")
    conf = write(f"{tmp}/vsftpd.conf", f"""
listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
anonymous_enable=YES
anon_root={root}
secure_chroot_dir={tmp}/empty
xferlog_enable=NO
""")
    return ["vsftpd", conf], "550 "


def http(tmp, port):
    conf = write(f"{tmp}/nginx.conf", f"""
daemon off;
pid {tmp}/pid;
error_log {tmp}/log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {tmp}/a; proxy_temp_path {tmp}/b;
  fastcgi_temp_path {tmp}/c; uwsgi_temp_path {tmp}/d;
  scgi_temp_path {tmp}/e;
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 200 "hello"; }}
  }}
}}
""")
    return ["nginx", "-c", conf, "-e", f"{tmp}/log"], "hello"


SERVERS = {"smtp": smtp, "redis": redis, "postgresql": postgresql,
           "imap": imap, "ftp": ftp, "http": http}
NEEDS = {"smtp": "exim4", "redis": "redis-server", "postgresql": "initdb",
         "imap": "dovecot", "ftp": "vsftpd", "http": "nginx"}


def find_postgresql(program):
    """Debian keeps them out of PATH, a folder a version."""
    return max(glob.glob(f"/usr/lib/postgresql/*/bin/{program}"), default=None)


def is_installed(name):
    if name == "postgresql":
        return find_postgresql("initdb") is not None
    return shutil.which(NEEDS[name]) is not None


def is_ready(name, port):
    """It listens; PostgreSQL does so before it lets anyone in."""
    if name == "postgresql":
        return subprocess.run(
            [find_postgresql("pg_isready"), "-q", "-h", "127.0.0.1", "-p",
             str(port)], check=False).returncode == 0
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def wait_for(name, port, proc):
    late = time.monotonic() + 20
    while time.monotonic() < late and proc.poll() is None:
        if is_ready(name, port):
            return True
        time.sleep(0.1)
    return False


def end(proc):
    proc.terminate()
    try:
        proc.wait(10)
    except subprocess.TimeoutExpired:
        proc.kill()
        proc.wait()


def follow(name, port, args):
    """None, or what was wrong."""
    tmp = tempfile.mkdtemp(prefix="rsthop-dialogue-")
    with open(f"{tmp}.out", "w+") as out:
        proc = None
        try:
            command, answer = SERVERS[name](tmp, port)
            proc = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                    stdout=out, stderr=out, cwd="/")
            if not wait_for(name, port, proc):
                out.seek(0)
                return f"the server does not listen: {out.read()[-500:]}"
            r = subprocess.run(
                [f"{args.build}/talk", f"share/dialogues/{name}.dialogue",
                 "127.0.0.1", str(port)], cwd=ROOT, capture_output=True,
                text=True, timeout=60)
            if args.verbose:
                print(r.stdout, end="")
            ready = r.stdout.partition("ready\n")[2]
            if r.returncode or not ready:
                return f"status {r.returncode}: {r.stdout}{r.stderr}"
            if answer is not None and answer not in ready:
                return f"the trigger was not answered: {ready}"
            return None
        finally:
            if proc:
                end(proc)
            shutil.rmtree(tmp, ignore_errors=True)
            os.unlink(f"{tmp}.out")


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--build", default=str(ROOT / "build/tests/lab"))
    ap.add_argument("--only", help="dialogues whose name contains this")
    ap.add_argument("-v", "--verbose", action="store_true")
    args = ap.parse_args()
    args.build = str(Path(args.build).resolve())
    if os.geteuid() != 0:
        print("!! SKIPPED: the servers want to be started as root")
        return 77
    if "RSTHOP_DIALOGUES" not in os.environ:
        os.environ["RSTHOP_DIALOGUES"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    passed = failed = 0
    for port, name in enumerate(SERVERS, 20001):
        if args.only and args.only not in name:
            continue
        if not is_installed(name):
            print(f"!! SKIPPED {name}: {NEEDS[name]} is not installed")
            continue
        bad = follow(name, port, args)
        print(f"{'FAIL' if bad else 'ok  '} {name}")
        if bad:
            print(f"     {bad}")
        passed, failed = passed + (not bad), failed + bool(bad)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
