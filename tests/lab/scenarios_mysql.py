"""Scenarios in which the reset comes where an application's does: a database
client logs in, selects a database, and a firewall that follows the protocol
resets that.  A bare payload fires none of them.
"""

import mariadb
from scenarios import Scenario

HOP = 3  # of seven
P = "0.3"


def follow(lab, *options):
    """The forger of all these: behind a login, a database's name fires."""
    return lab.forge(HOP, "router", "--protocol", "mysql", "--ends", "both",
                     "--drop", *options, match=mariadb.DATABASE)


def mysql(lab):
    lab.mariadb()
    follow(lab, "--probability", P)


def mysql_half(lab):
    """All that such a connection says of it is reset, or nothing."""
    lab.mariadb()
    follow(lab, "--probability", "0.5", "--dice", "connection")


def mysql_always(lab):
    lab.mariadb()
    follow(lab)


def mysql_copier(lab):
    """The founding case as it was: TTL and ID of the trigger."""
    lab.mariadb()
    lab.forge(1, "router", "--protocol", "mysql", "--ttl", "copy", "--id",
              "copy", "--ends", "both", "--drop", "--probability", P,
              match=mariadb.DATABASE)


def mysql_tap(lab):
    lab.mariadb()
    lab.forge(HOP, "tap", "--protocol", "mysql", "--ends", "both",
              "--probability", P, match=mariadb.DATABASE)


def mysql_once(lab):
    """Of the copies in one connection, the first that it sees counts."""
    lab.mariadb()
    follow(lab, "--probability", P, "--once-in-order")


def mysql_query(lab):
    lab.mariadb()
    follow(lab, "--probability", P, "--command", "query")


def mysql_strict(lab):
    """The server turns a host away after ten errors in a row."""
    lab.mariadb(max_connect_errors=10)
    follow(lab, "--probability", P)


def mysql_full(lab):
    """Room for ten connections, and for three of one user's."""
    lab.mariadb(max_connections=10, max_user_connections=3)
    follow(lab, "--probability", "0.7")


def mysql_tls(lab):
    lab.mariadb(require_tls=True)
    follow(lab, "--probability", P)


def mysql_none(lab):
    lab.mariadb()


def use(lab):
    """What rsthop is told: log in, then USE testdb."""
    return ("--defaults-file", lab.mysql_defaults(), "--mysql-use",
            mariadb.DATABASE)


def query(lab):
    return ("--defaults-file", lab.mysql_defaults(), "--mysql-query",
            f"SELECT '{mariadb.DATABASE}'")


def to_try(lab):
    """For people: the client's own line that is reset now and then."""
    return (f"mariadb --defaults-file={lab.mysql_defaults()}"
            f" --skip-ssl -h {lab.server_address()}"
            f" -e 'use {mariadb.DATABASE}'")


def row(name, story, arrange, **truth):
    found = {"hop": HOP, "place": "router", "policy": "fixed",
             "in_path": True, "both_ends": True, "reset_ttl": 62,
             "say": use, "options": ("--max-time", "60")}
    return Scenario(name, story, arrange, to_try=to_try, **{**found, **truth})


NOTHING = {"kind": "not-reproduced", "hop": None, "place": None,
           "policy": None, "in_path": None, "both_ends": None,
           "reset_ttl": None}

SCENARIOS = [
    row("mysql", "a box in hop 3 resets USE testdb behind a login, three"
        " times of ten", mysql),
    row("mysql6", "the same in IPv6", mysql, version=6),
    row("mysql-always", "the same, each time", mysql_always),
    row("mysql-half", "the same for half of the connections", mysql_half),
    row("mysql-copier", "a box in hop 1 that turns COM_INIT_DB round, TTL and"
        " ID, three times of ten", mysql_copier, hop=1, policy="copy",
        reset_ttl=63, codes=("ip-id-echo",)),
    row("mysql-tap", "a tap before hop 3, three times of ten", mysql_tap,
        place="wire", in_path=False, both_ends=None),
    row("mysql-once", "a box in hop 3 that reassembles: one chance a"
        " connection", mysql_once, in_path=None,
        either={"kind": ("middlebox",), "hop": (HOP,),
                # One copy in a connection tells little of the place.
                "place": ("router", None)}),
    row("mysql-query", "a box in hop 3 resets queries that name testdb",
        mysql_query, say=query),
    row("mysql-strict", "the same as mysql; the server blocks a host after"
        " ten logins that it gave up", mysql_strict),
    row("mysql-full", "the same, more often; the server has room for three"
        " connections of a user", mysql_full),
    row("mysql-none", "a database and no box", mysql_none, **NOTHING),
]

# Where rsthop has nothing to report, for no login comes about.
PLAYED = SCENARIOS + [
    row("mysql-tls", "the server demands TLS, in which a box sees nothing",
        mysql_tls, **NOTHING),
]
