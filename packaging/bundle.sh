#!/bin/sh
# bundle.sh: makes dist/tripline-VERSION-source.tar.gz, from which packages can be
# built and tests run where there is no network: the source of the present commit and
# in modules/ every Go module that building, packing and testing need, in the form of
# a module proxy. The Makefile uses that folder where it is there. What must be there
# already is Go, make and a shell.
#
# VERSION and SOURCE_DATE_EPOCH as for build.sh.
set -eu
umask 022
cd "$(dirname "$0")/.."
GO=${GO:-go}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name=tripline-$VERSION-source
folder=$work/$name
mkdir "$folder"
git archive HEAD | tar -x -C "$folder"
echo "$VERSION" >"$folder/VERSION"
echo "$SOURCE_DATE_EPOCH" >"$folder/SOURCE_DATE_EPOCH"

# Modules that this machine has already are not fetched again.
known=$("$GO" env GOMODCACHE)/cache/download
for modfile in go.mod tools/nfpm/go.mod; do
	(cd "$folder" && GOMODCACHE=$work/cache GOFLAGS="-modcacherw -modfile=$modfile" \
		GOPROXY="file://$known,$("$GO" env GOPROXY)" GOSUMDB=off "$GO" mod download)
done
mkdir "$folder/modules"
(cd "$work/cache/cache/download" && find . -type f \( -name '*.zip' -o -name '*.mod' -o -name '*.info' -o -name list \) -print |
	tar -c -T - | tar -x -C "$folder/modules")

mkdir -p dist
tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw -c "$name" |
	gzip -9n >"dist/$name.tar.gz"
echo "dist/$name.tar.gz"
