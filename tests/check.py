#!/usr/bin/env python3
"""Runs the parts of `make check` one after the other, streams what they say,
and ends with one line: N passed, N failed.

A part tells its numbers by cmocka's lines or by a last line of its own,
"N passed, N failed".  One that crashes, hangs or exits with a status that its
numbers do not explain counts as a failure more.  Status 77 says that this
machine does not allow the part: it is skipped, loudly, and where NO_SKIP is
set in the environment that is a failure too.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

COUNTS = re.compile(r"^(\d+) passed, (\d+) failed$")
CMOCKA_PASSED = re.compile(r"^\[  PASSED  \] (\d+) test\(s\)\.$")
CMOCKA_FAILED = re.compile(r"^\[  FAILED  \] .*?(\d+) test\(s\), listed")

# A sanitizer's end must never look like one of the program's own statuses.
SANITIZER_STATUS = 86
SKIP_STATUS = 77
SANITIZER = {
    "ASAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:detect_stack_use_after_"
                    "return=1:strict_string_checks=1",
    "LSAN_OPTIONS": f"exitcode={SANITIZER_STATUS}",
    "UBSAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:print_stacktrace=1",
}


class Count:
    """What one part said about itself."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.told = False
        self.skipped = False

    def read(self, line):
        """Takes the numbers out of a line; true where it was a summary."""
        m = COUNTS.match(line)
        if m:
            self.passed, self.failed = int(m[1]), int(m[2])
            self.told = True
            return True
        m = CMOCKA_PASSED.match(line)
        if m:
            self.passed += int(m[1])
            self.told = True
        m = CMOCKA_FAILED.match(line)
        if m:
            self.failed += int(m[1])
            self.told = True
        return False

    def settle(self, status):
        """The exit status has the last word; gives why it counts, or None."""
        if status == 0 and self.told:
            return None
        if status == SKIP_STATUS and not self.failed \
                and not os.environ.get("NO_SKIP"):
            self.skipped = True
            return "SKIPPED: this machine does not allow it"
        if status == 0:
            self.failed += 1
            return "it told no numbers"
        if self.failed == 0 or status < 0 or status == SANITIZER_STATUS:
            self.failed += 1
            if status < 0:
                return f"it died of {signal.Signals(-status).name}"
            return f"it ended with status {status}"
        return None


def end_group(proc):
    """Asks first, so that a lab can take its namespaces down."""
    for sig, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        try:
            os.killpg(proc.pid, sig)
            proc.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def run_part(name, command, timeout):
    """Streams a part; gives its Count."""
    count = Count()
    print(f"\n== {name}", flush=True)
    env = dict(os.environ, PYTHONUNBUFFERED="1", PYTHONDONTWRITEBYTECODE="1")
    for key, value in SANITIZER.items():
        env.setdefault(key, value)
    try:
        proc = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", start_new_session=True)
    except OSError as e:
        print(f"!! {name}: {e}")
        count.failed = 1
        return count
    late = threading.Event()

    def give_up():
        late.set()
        end_group(proc)

    timer = threading.Timer(timeout, give_up)
    timer.start()
    try:
        for line in proc.stdout:
            line = line.rstrip("\n")
            if not count.read(line):
                print("  " + line, flush=True)
        status = proc.wait()
    finally:
        timer.cancel()
        if proc.poll() is None:
            end_group(proc)
    why = count.settle(status)
    if late.is_set():
        why = f"it took more than {timeout} s"
    if why:
        print(f"!! {name}: {why}")
    print(f"== {name}: {count.passed} passed, {count.failed} failed",
          flush=True)
    return count


def list_parts(args):
    """(name, command, seconds at most) of all parts, in their order."""
    python = sys.executable
    floors = [python, "tests/check_floors.py", "--cc", args.cc,
              f"--cflags={args.cflags}"]
    if not args.sanitized:
        floors += ["--objects", args.build]
    yield "checks themselves", [python, "tests/check.py", "--self-test"], 60
    yield ("floors, that the check can fail",
           [python, "tests/check_floors.py", "--self-test",
            "--cc", args.cc], 120)
    yield "floors", floors, 300
    yield ("form, that the check can fail",
           [python, "tests/check_form.py", "--self-test"], 60)
    yield ("bench, that it counts",
           [python, "tests/bench/bench_analyze.py", "--self-test"], 60)
    yield ("mutants, that survivors are told",
           [python, "tests/mutants/mutants.py", "--self-test"], 120)
    for binary in args.unit:
        yield f"unit: {Path(binary).name}", [str(ROOT / binary)], 900
    yield "cli", [python, "tests/cli/run.py", "--rsthop", args.rsthop], 600
    yield ("lab, that it is what it says",
           [python, "tests/lab/selftest.py",
            "--build", args.build + "/tests/lab"], 1800)
    yield ("lab", [python, "tests/lab/run.py", "--rsthop", args.rsthop,
                   "--build", args.build + "/tests/lab"],
           3600)
    yield ("lab, a sample of the matrix",
           [python, "tests/lab/matrix.py", "--sample", "--rsthop",
            args.rsthop, "--build", args.build + "/tests/lab"],
           1800)


def self_test():
    """Parts of every bad sort must be counted as failures."""
    cases = [
        ("a part that passes counts its tests",
         "echo '3 passed, 0 failed'", (3, 0)),
        ("a part that fails counts both",
         "echo '3 passed, 2 failed'; exit 1", (3, 2)),
        ("cmocka's numbers are read",
         "echo '[  PASSED  ] 4 test(s).'; "
         "echo '[  FAILED  ] tests: 1 test(s), listed below:'; exit 1",
         (4, 1)),
        ("a status without a failed test is a failure",
         "echo '3 passed, 0 failed'; exit 1", (3, 1)),
        ("a crash is a failure", "kill -SEGV $$", (0, 1)),
        ("a crash after good numbers is a failure",
         "echo '[  PASSED  ] 4 test(s).'; kill -ABRT $$", (4, 1)),
        ("a sanitizer's end is a failure",
         f"echo '1 passed, 1 failed'; exit {SANITIZER_STATUS}", (1, 2)),
        ("silence is a failure", "true", (0, 1)),
        ("a part that may not be skipped is a failure",
         f"exit {SKIP_STATUS}", (0, 1)),
        ("a part that hangs is a failure", "sleep 60", (0, 1)),
    ]
    good = bad = 0
    os.environ["NO_SKIP"] = "1"
    for what, script, want in cases:
        with open(os.devnull, "w") as null:
            out, sys.stdout = sys.stdout, null
            try:
                c = run_part("x", ["sh", "-c", script], 2)
            finally:
                sys.stdout = out
        ok = (c.passed, c.failed) == want
        print(f"{'ok  ' if ok else 'FAIL'} {what}")
        good, bad = good + ok, bad + (not ok)
    print(f"{good} passed, {bad} failed")
    return 1 if bad else 0


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--self-test", action="store_true")
    ap.add_argument("--build", default="build")
    ap.add_argument("--rsthop", default="build/rsthop")
    ap.add_argument("--cc", default="cc")
    ap.add_argument("--cflags", default="")
    ap.add_argument("--sanitized", action="store_true")
    ap.add_argument("--only", help="parts whose name contains this")
    ap.add_argument("unit", nargs="*", help="the unit tests' programs")
    args = ap.parse_args()
    if args.self_test:
        return self_test()
    args.rsthop = str((ROOT / args.rsthop).resolve())

    passed = failed = 0
    skipped = []
    for name, command, timeout in list_parts(args):
        if args.only and args.only not in name:
            continue
        c = run_part(name, command, timeout)
        passed += c.passed
        failed += c.failed
        if c.skipped:
            skipped.append(name)
    if skipped:
        print(f"\n!! SKIPPED: {', '.join(skipped)}")
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
