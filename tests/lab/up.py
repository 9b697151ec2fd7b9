#!/usr/bin/env python3
"""Raises the lab with a scenario, for people to try things in.

Stays until Ctrl-C; or runs CMD in the client and ends with its status.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys

import lab as labs
import scenarios
import scenarios_dialogue
import scenarios_mysql
import scenarios_residual

ALL = (scenarios.SCENARIOS + scenarios_mysql.PLAYED
       + scenarios_dialogue.SCENARIOS + scenarios_residual.SCENARIOS)


def parse():
    p = argparse.ArgumentParser(
        description=__doc__, usage="%(prog)s [options] [-- CMD ...]")
    p.add_argument("--scenario", default="none",
                   choices=[s.name for s in ALL],
                   metavar="NAME", help="see --list")
    p.add_argument("--hops", type=int, help="routers in the chain (6)")
    p.add_argument("--build", help="where forger and link are"
                   " (build/tests/lab)")
    p.add_argument("--list", action="store_true", help="list the scenarios")
    p.add_argument("-q", "--quiet", action="store_true",
                   help="print nothing of our own")
    p.add_argument("cmd", nargs="*", help=argparse.SUPPRESS)
    return p.parse_args()


def list_all():
    for s in ALL:
        print(f"{s.name:16} {s.story}")


def to_try(lab, scenario):
    """A command that is reset, or finds out by whom."""
    if scenario.to_try is not None:
        return scenario.to_try(lab)
    target = shlex.quote(scenario.target(lab, labs.PORT))
    return f"build/rsthop locate --payload '{labs.KEYWORD}' {target}"


def show(lab, scenario):
    """What stands, and how to use it."""
    enter = "nsenter --net=/run/netns/"
    print(f"{scenario.name}: {scenario.story}")
    print("client 10.9.0.1 -- "
          + " -- ".join(f"r{h} {lab.address(h)}"
                        for h in range(1, lab.hops + 1))
          + f" -- server {lab.server_address()}")
    print("namespaces:")
    for node in lab.nodes + lab.extra:
        print(f"  {node:7} {enter}{lab.netns(node)}")
    print("for instance:")
    print(f"  {enter}{lab.netns('client')} {to_try(lab, scenario)}")
    if os.environ.get(labs.INNER):
        print("(in a mount namespace of its own: first"
              f" nsenter -U -m --preserve-credentials -t {os.getpid()})")


def run(lab, cmd):
    """Runs cmd in the client, on our own terminal; its exit status."""
    # A handler, not SIG_IGN, for the latter would be inherited.
    old = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        status = subprocess.call(lab.command("client", cmd))
    finally:
        signal.signal(signal.SIGINT, old)
    return status if status >= 0 else 128 - status


def main():
    args = parse()
    if args.list:
        list_all()
        return 0
    labs.require()
    scenario = next(s for s in ALL if s.name == args.scenario)
    try:
        topology = scenario.topology()
        topology["hops"] = args.hops or scenario.hops
        with labs.Lab(build=args.build, **topology) as lab:
            scenario.arrange(lab)
            if not args.quiet:
                show(lab, scenario)
                sys.stdout.flush()
            if args.cmd:
                return run(lab, args.cmd)
            if not args.quiet:
                print("Ctrl-C takes it down.", flush=True)
            signal.pause()
    except labs.LabError as e:
        print(f"up.py: {e}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
