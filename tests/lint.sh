#!/bin/sh
# make lint: what is wrong without being run.
# usage: tests/lint.sh CPPFLAGS...
set -u
cd "$(dirname "$0")/.." || exit 1

passed=0 failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# check WORDS COMMAND...: silent where it passes, for some warn with status 0.
check() {
	what=$1
	shift
	if "$@" >"$out" 2>&1 </dev/null && [ ! -s "$out" ]; then
		echo "ok   $what"
		passed=$((passed + 1))
	else
		echo "FAIL $what"
		sed 's/^/     /' "$out"
		failed=$((failed + 1))
	fi
}

# One process a file.  What it counts on stderr is other people's headers.
tidy() {
	# shellcheck disable=SC2016 # for the inner shell
	for f in $tidied; do
		echo "$f"
	done | xargs -P "$(nproc)" -I{} sh -c '
		f=$1; shift
		clang-tidy --quiet "$f" -- "$@" -I"${f%/*}" -Isrc 2>/dev/null |
		    grep -A2 -e "error:" -e "warning:"
		[ $? -eq 1 ]
	' sh {} "$@"
}

shells=$(find tests src .ci -type f \( -name '*.sh' -o -path .ci/run \))
pythons=$(find tests -type f -name '*.py')
sources=$(find include src tests -type f -name '*.[ch]')
tidied=$(find src -type f -name '*.c')

# shellcheck disable=SC2086 # lists of our own names, without blanks
{
	check "the form of every C file is clang-format's" \
	    clang-format --dry-run -Werror $sources
	check "the C files speak one dialect" python3 tests/check_form.py
	check "cppcheck finds nothing" \
	    cppcheck --quiet --std=c11 --inline-suppr -Iinclude \
	    --enable=warning,performance,portability \
	    --suppress=missingIncludeSystem --error-exitcode=1 \
	    -j "$(nproc)" src
	check "clang-tidy finds nothing" tidy "$@"
	check "shellcheck finds nothing" shellcheck $shells
	check "bash completion parses" bash -n src/completion/rsthop.bash
	check "mandoc finds nothing in any manual" \
	    mandoc -Tlint -W warning man/*.[15]
	check "pyflakes finds nothing" pyflakes3 $pythons
}

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
