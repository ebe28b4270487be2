#!/bin/sh
# twice.sh: builds the packages of the present commit in two clones, in folders of
# different names and depths, with different umasks, times of files and languages, and
# compares every byte. ARCHS says for which machines.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

first=$work/a
second=$work/another/folder/with\ a\ name
git clone -q . "$first"
mkdir -p "$work/another/folder"
git clone -q . "$second"
find "$second" -path "$second/.git" -prune -o -type f -exec touch -d 2001-01-01 {} +

(umask 022 && cd "$first" && make packages ${ARCHS:+ARCHS="$ARCHS"} >/dev/null)
(umask 077 && cd "$second" && TZ=Asia/Tokyo LC_ALL=C.UTF-8 HOSTNAME=elsewhere make packages ${ARCHS:+ARCHS="$ARCHS"} >/dev/null)

compared=0
for one in "$first"/dist/*.deb "$first"/dist/*.rpm "$first"/dist/*.json "$first"/dist/SHA256SUMS; do
	cmp "$one" "$second/dist/$(basename "$one")"
	compared=$((compared + 1))
done
[ "$compared" -ge 4 ]
echo "$compared files are the same to the byte, $(sha256sum "$first/dist/SHA256SUMS" | cut -c 1-16)"
