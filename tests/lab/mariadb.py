"""A real MariaDB server in the lab, with data of its own, and its client.

The system tables are made once a process, by the SQL that the server's
package brings for it; each server starts on a copy of them.  Not by
mariadb-install-db, for that changes the owner of a system folder where PAM's
plugin is installed.  The only engine is Aria: without InnoDB, a server is
there in less than a tenth of a second and its data take 3 MB.
"""

import atexit
import glob
import os
import shutil
import signal
import subprocess
import tempfile

USER = "app"
TLS_USER = "tlsonly"
PASSWORD = "secret word"
DATABASE = "testdb"
OTHER_DATABASE = "otherdb"

ENGINE = ("--innodb=OFF", "--default-storage-engine=Aria",
          "--enforce-storage-engine=", "--aria-log-file-size=8M",
          "--key-buffer-size=64K", "--aria-pagecache-buffer-size=1M",
          "--performance-schema=OFF")

# In what order; the names have a prefix, mysql_ or, since 11.0, mariadb_.
SYSTEM_SQL = ("system_tables.sql", "performance_tables.sql",
              "system_tables_data.sql")

BY_PASSWORD = f"""
IDENTIFIED VIA mysql_native_password USING PASSWORD('{PASSWORD}')"""

USERS_SQL = f"""
FLUSH PRIVILEGES;
CREATE DATABASE {DATABASE};
CREATE DATABASE {OTHER_DATABASE};
CREATE USER {USER} {BY_PASSWORD};
CREATE USER {TLS_USER} {BY_PASSWORD} REQUIRE SSL;
GRANT ALL ON {DATABASE}.* TO {USER}, {TLS_USER};
GRANT ALL ON {OTHER_DATABASE}.* TO {USER}, {TLS_USER};
"""

_template = {}  # "folder": where the data lie that servers start on


class Unavailable(Exception):
    """What is missing for it, in words."""


def find_program(name, package):
    path = shutil.which(name)
    if path is None:
        raise Unavailable(f"{name} is not installed (package {package})")
    return path


def system_sql():
    """The SQL that fills an empty data folder."""
    for share in ("/usr/share/mariadb", "/usr/share/mysql"):
        found = [glob.glob(os.path.join(share, f"m*_{name}"))
                 for name in SYSTEM_SQL]
        if all(found):
            break
    else:
        raise Unavailable("the SQL of MariaDB's system tables is not"
                          " installed (package mariadb-server-core)")
    parts = ["CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\n"
             "SET @auth_root_socket=NULL;\n"]
    for paths in found:
        with open(paths[0], encoding="utf-8") as f:
            parts.append(f.read())
    # Nothing shall depend on how this machine is called.
    lines = "".join(parts).splitlines(keepends=True)
    return "".join(line for line in lines
                   if "@current_hostname" not in line) + USERS_SQL


def drop_template(folder, pid):
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)


def template(prefix):
    """The folder of data that servers start on; goes with this process.

    prefix: as labs have it, so that a later run knows what a killed one left.
    """
    if "folder" in _template:
        return _template["folder"]
    argv = [find_program("mariadbd", "mariadb-server-core"), "--no-defaults",
            "--bootstrap", "--user=root", "--log-warnings=0",
            "--max-allowed-packet=8M", *ENGINE]
    sql = system_sql()
    folder = tempfile.mkdtemp(prefix=f"{prefix}-mariadb_")
    atexit.register(drop_template, folder, os.getpid())
    # A tmpdir of its own: each server clears that of all others' tables.
    room = os.path.join(folder, "tmp")
    os.mkdir(room)
    argv += [f"--datadir={folder}", f"--tmpdir={room}"]
    done = subprocess.run(argv, input=sql,
                          capture_output=True, text=True, check=False,
                          timeout=60, start_new_session=True)
    if done.returncode != 0 or "ERROR" in done.stderr:
        raise Unavailable(f"mariadbd --bootstrap: {done.stderr.strip()}")
    _template["folder"] = folder
    return folder


def make_certificate(folder):
    """A key and a certificate that names nobody, for a day."""
    key, cert = (os.path.join(folder, n) for n in ("key.pem", "cert.pem"))
    argv = [find_program("openssl", "openssl"), "req", "-x509", "-nodes",
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-subj", "/CN=lab", "-days", "1", "-keyout", key, "-out", cert]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"openssl: {done.stderr.strip()}")
    return [f"--ssl-key={key}", f"--ssl-cert={cert}"]


def write_defaults(path, user, password):
    """An option file of MySQL's clients, for nobody else to read.

    password None: none is in it.
    """
    lines = ["[client]", f'user="{user}"']
    if password is not None:
        quoted = password.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'password="{quoted}"')
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in lines)
    return path


class Server:
    """mariadbd in the lab's server; ends with the lab.

    A limit that is None is the server's default.  max_connections below 10
    means 10.  max_connect_errors has it look at names and keep its table of
    hosts, for it does not count what clients did wrong otherwise; the name
    server that it asks takes names_after_s.
    """

    def __init__(self, lab, port, max_connections=None,
                 max_connect_errors=None, max_user_connections=None,
                 tls=False, require_tls=False, names_after_s=0,
                 options=()):
        self.folder = tempfile.mkdtemp(prefix="mariadb-", dir=lab.tmp)
        data = os.path.join(self.folder, "data")
        shutil.copytree(template(lab.common_prefix), data)
        self.socket = os.path.join(self.folder, "sock")
        log = os.path.join(self.folder, "general.log")
        argv = [find_program("mariadbd", "mariadb-server-core"),
                "--no-defaults", "--user=root", f"--datadir={data}",
                f"--socket={self.socket}", f"--port={port}",
                f"--pid-file={self.folder}/pid", "--bind-address=*",
                f"--tmpdir={self.folder}",
                "--general-log", f"--general-log-file={log}",
                "--log-warnings=1", *ENGINE]
        if max_connect_errors is None:
            argv.append("--skip-name-resolve")
        else:
            argv.append("--performance-schema=ON")  # shows that table
            lab.name_server("server", "--after-s", str(names_after_s))
        for name, value in (("max-connections", max_connections),
                            ("max-connect-errors", max_connect_errors),
                            ("max-user-connections", max_user_connections)):
            if value is not None:
                argv.append(f"--{name}={value}")
        if tls or require_tls:
            argv += make_certificate(self.folder)
        if require_tls:
            argv.append("--require-secure-transport=ON")
        # Its orderly end takes long, and its data are of no more use.
        self.proc = lab.start("server", argv + list(options), ready=False,
                              log=log, end=signal.SIGKILL)
        self.proc.wait_stderr("ready for connections", 20.0)

    def query(self, sql):
        """Asked by root at its socket: rows, lists of words."""
        argv = [find_program("mariadb", "mariadb-client-core"),
                "--no-defaults", f"--socket={self.socket}", "--user=root",
                "--batch", "--skip-column-names", "--execute", sql]
        done = subprocess.run(argv, capture_output=True, text=True,
                              check=False, timeout=30)
        if done.returncode != 0:
            raise Unavailable(f"{sql}: {done.stderr.strip()}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def status(self, name):
        """A counter of SHOW GLOBAL STATUS."""
        return int(self.query(f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1])

    def connect_errors(self, address):
        """Errors in a row that it holds against an address, and how often
        it turned that away for them; (0, 0) where it knows none."""
        rows = self.query("SELECT SUM_CONNECT_ERRORS,"
                          " COUNT_HOST_BLOCKED_ERRORS FROM"
                          f" performance_schema.host_cache WHERE IP ="
                          f" '{address}'")
        return tuple(map(int, rows[0])) if rows else (0, 0)

    def count(self, word):
        """How many lines of what clients asked hold a word: `Init DB`."""
        return self.proc.count(word)
