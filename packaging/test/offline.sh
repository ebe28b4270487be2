#!/bin/sh
# shellcheck disable=SC1091,SC2016 # evaluated later
# offline.sh: unpacks the archive of "make vendor-bundle" and builds the packages and
# runs the tests from it in a network namespace that has nothing but its own loopback,
# with empty caches of Go. Packages of the same name in dist/ must be the same, so
# they and the archive must be of the same commit. With BUILD_ONLY=1 the tests are
# left out. Needs root.
set -eu
cd "$(dirname "$0")/../.."
. packaging/test/common.sh
need_root offline
need_tool offline unshare
need_tool offline ip
# shellcheck disable=SC2012 # names are ours
archive=$(ls -t dist/tripline-*-source.tar.gz | head -n 1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -x -C "$work" -f "$archive"
folder=$(echo "$work"/tripline-*-source)

# A proxy that nobody may ask: that Go fails to does not always fail what asked it.
proxy=http://127.0.0.1:9/asked
unshare --net env -i PATH="$PATH" HOME="$work/home" GOCACHE="$work/build" GOMODCACHE="$work/modules" GOTOOLCHAIN=local \
	GOPROXY="$proxy" ARCHS="${ARCHS:-amd64}" BUILD_ONLY="${BUILD_ONLY:-}" sh -eu -c '
	cd "$1"
	ip link set lo up
	[ "$(ip -o link | grep -c .)" = "$(ip -o link | grep -c -e " lo:" -e "state DOWN")" ]
	! ip route get 192.0.2.1 >/dev/null 2>&1
	make packages ARCHS="$ARCHS"
	# LIVE= leaves out the tests that use the kernel of this machine.
	[ -n "$BUILD_ONLY" ] || make test LIVE=
' sh "$folder" 2>"$work/errors" || failed=$?
cat "$work/errors" >&2
[ -z "${failed:-}" ] || exit "$failed"
if grep -q "$proxy" "$work/errors"; then
	echo "the network was asked for a module" >&2
	exit 1
fi

compared=0
for one in "$folder"/dist/*.deb "$folder"/dist/*.rpm; do
	other=dist/$(basename "$one")
	if [ -e "$other" ]; then
		cmp "$one" "$other" || {
			echo "FAIL offline: other bytes; are dist/ and the archive of one commit, and nothing else?" >&2
			exit 1
		}
		compared=$((compared + 1))
	fi
done
echo "built without a network; $compared packages are the same as those in dist/"
