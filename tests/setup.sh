#!/bin/sh
# Installs the Debian packages that are missing, and touches nothing where none
# is.  usage: tests/setup.sh PURPOSE...
#
# An entry is a package, or package?command where the command is what counts,
# whichever package it came from.
set -eu

packages_of() {
	case $1 in
	build)	echo "make?make gcc?cc libc6-dev pkg-config?pkg-config" \
		    "libpcap-dev libnet1-dev libjansson-dev libmnl-dev" \
		    "zlib1g-dev libmariadb-dev" ;;
	lab)	echo "iproute2?ip iptables?iptables dsniff?tcpkill" \
		    "libnetfilter-queue-dev python3?python3 ethtool?ethtool" \
		    "procps?sysctl util-linux?nsenter" \
	    "mariadb-server-core?mariadbd mariadb-client-core?mariadb" \
	    "openssl?openssl" ;;
	check)	echo "libcmocka-dev binutils?nm python3-jsonschema" \
		    "util-linux?setpriv" ;;
	lint)	echo "clang-format?clang-format clang-tidy?clang-tidy" \
		    "cppcheck?cppcheck shellcheck?shellcheck mandoc?mandoc" \
		    "python3?python3 pyflakes3?pyflakes3" ;;
	demo)	echo "ieee-data" ;;
	fuzz)	echo "clang?clang libclang-rt-14-dev" ;;
	bench)	echo "traceroute?traceroute" ;;
	*)	echo "setup.sh: unknown purpose '$1'" >&2
		exit 2 ;;
	esac
}

is_there() {
	case $1 in
	*\?*)	command -v "${1#*\?}" >/dev/null 2>&1 ;;
	*)	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" \
		    2>/dev/null)" = installed ] ;;
	esac
}

# Tools of the system live in sbin, which a user's PATH may lack.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

if ! command -v dpkg-query >/dev/null 2>&1; then
	echo "setup: this is no Debian; README.md lists what is needed" >&2
	exit 0
fi

missing=
for purpose; do
	for entry in $(packages_of "$purpose"); do
		is_there "$entry" || missing="$missing ${entry%%\?*}"
	done
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "setup: packages are missing; install them, or run make by sudo:" >&2
	echo "  sudo apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 # a list
apt-get install -q -y --no-install-recommends $missing </dev/null
