#!/bin/sh
# make demo: the founding case, in a lab of network namespaces on this machine.
# usage: tests/demo.sh RSTHOP FOLDER, where the lab's programs are
#
# A client sends `use db` to a MySQL server behind six routers.  The first of
# them, a firewall, turns the packet round into a reset, half of the time, with
# its TTL and IP ID, and resets both ends.  Ends well only if rsthop names it.
set -eu
cd "$(dirname "$0")/.."
rsthop=$1 lab=$2
server=10.9.6.2:3306

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "The lab: client - r1 - r2 - r3 - r4 - r5 - r6 - server, each a network"
echo "namespace; a firewall in r1 resets whoever says 'use db', half the time."
echo
echo "\$ rsthop locate --payload 'use db' $server"
# Its status is looked at below, with its report: a wrong verdict has one too.
python3 tests/lab/up.py --quiet --scenario founding --hops 6 \
    --build "$lab" -- "$rsthop" locate -o "$tmp/report.json" \
    --payload 'use db' "$server" || echo "(exit status $?)"

echo
python3 - "$tmp/report.json" <<'PYTHON'
import json
import sys

try:
    with open(sys.argv[1], encoding="utf-8") as f:
        report = json.load(f)
except OSError:
    sys.exit("demo: there is no report")
verdict = report["verdict"]
reset = next((r for r in report["resets"] if r["ttl"] == 63), None)
echoed = any(r["code"] == "ip-id-echo" for r in verdict["reasons"])
if verdict["hop"] != 1 or reset is None or not echoed:
    sys.exit("demo: hop 1, TTL 63 and the echoed IP ID were to be found")
print(f"demo: hop 1 named, by a reset with TTL {reset['ttl']} and the client's"
      f" own IP ID {reset['ip_id']}")
PYTHON
