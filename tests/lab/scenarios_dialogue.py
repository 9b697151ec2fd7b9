"""Scenarios whose server wants a dialogue before the trigger: a greeting that
has to be awaited, a login that takes its time.

For up.py; run.py has those of scenarios.py.
"""

from scenarios import Scenario

HOP = 3  # of seven


def speaking(lab, protocol, word, *options):
    lab.serve("--speak", protocol, *options)
    lab.forge(HOP, "router", "--ends", "both", "--drop", "--probability",
              "0.5", match=word)


def smtp(lab):
    speaking(lab, "smtp", "MAIL FROM", "--greeting-s", "0.3")


def redis(lab):
    speaking(lab, "redis", "SELECT 3", "--login-s", "0.2")


def postgres(lab):
    speaking(lab, "postgres", "secrets", "--login-s", "0.2")


def row(name, story, arrange):
    return Scenario(name, story, arrange, hop=HOP, place="router",
                    policy="fixed", in_path=True, both_ends=True,
                    reset_ttl=62)


SCENARIOS = [
    row("smtp", "an SMTP server that greets late; a box in hop 3 resets half"
        " of MAIL FROM", smtp),
    row("redis", "a Redis server behind a slow login; a box in hop 3 resets"
        " half of SELECT 3", redis),
    row("postgres", "a PostgreSQL server behind a slow login; a box in hop 3"
        " resets half of what names secrets", postgres),
]
