"""Scenarios of devices that, once fired, go on to reset for a while.

run.py holds rsthop to the hop, and to the block's scope and length.
"""

from scenarios import Scenario

HOP = 2


def blocking(*options):
    def arrange(lab):
        lab.serve()
        lab.forge(HOP, "router", "--drop", "--residual-s", "5", *options)
    return arrange


def untagged(*options):
    """No reset tells which packet fired it."""
    return blocking("--seq", "state", "--window", "0", *options)


def row(name, story, arrange, scope, refreshed=False, options=()):
    return Scenario(name, story, arrange, hop=HOP, place="router",
                    in_path=True, codes=("residual-block",),
                    options=options, block=(scope, 5, refreshed))


PORT = ("--source-port", "41234")

SCENARIOS = [
    row("residual-pair", "a block of 5 s of the pair of addresses",
        blocking(), "3-tuple"),
    row("residual-3tuple", "a block of 5 s of the server's port",
        blocking("--residual-scope", "3tuple"), "3-tuple"),
    row("residual-4tuple", "a block of 5 s of the five-tuple",
        blocking("--residual-scope", "4tuple"), "4-tuple"),
    row("residual-3tuple-port", "a block of the server's port, and one"
        " source port asked for", blocking("--residual-scope", "3tuple"),
        "3-tuple", options=PORT),
    row("residual-4tuple-port", "a block of the five-tuple, and one source"
        " port asked for", blocking("--residual-scope", "4tuple"),
        "4-tuple", options=PORT),
    row("residual-refresh", "a block of 5 s that each hit prolongs",
        blocking("--residual-refresh"), "3-tuple", True),
    row("residual-syn", "a block of 5 s that meets SYNs too",
        blocking("--residual-syn"), "3-tuple"),
    row("residual-untagged", "a block of 5 s, and resets that no tag names",
        untagged(), "3-tuple"),
]
