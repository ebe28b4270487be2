# What the tests of packages share; sourced, from the repository's root.
# shellcheck shell=sh

# skip TEST REASON ends a test that cannot run here; where TRIPLINE_<TEST>=require it
# fails.
skip() {
	name=$1
	shift
	required=$(eval "echo \${TRIPLINE_$(echo "$name" | tr '[:lower:]' '[:upper:]'):-}")
	if [ "$required" = require ]; then
		echo "$name: cannot run here: $*" >&2
		exit 1
	fi
	echo "$name: SKIPPED: $*" >&2
	exit 0
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "$1" "it needs root"
}

need_tool() {
	command -v "$2" >/dev/null 2>&1 || skip "$1" "it needs $2"
}

# newest_deb MACHINE is the package that make packages made.
newest_deb() {
	# shellcheck disable=SC2012 # names are ours
	found=$(ls -t dist/tripline_*_"$1".deb 2>/dev/null | head -n 1)
	[ -n "$found" ] || {
		echo "there is no package in dist: make packages" >&2
		exit 1
	}
	echo "$found"
}

# kernel_of SUITE is the path of a Debian release's kernel, fetched once.
kernel_of() {
	if ! ls dist/kernels/"$1"/vmlinuz-* >/dev/null 2>&1; then
		go run ./sensor/kernels -suites "$1" -fetch >/dev/null
	fi
	# shellcheck disable=SC2012 # names are Debian's
	ls dist/kernels/"$1"/vmlinuz-* | tail -n 1
}
