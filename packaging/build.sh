#!/bin/sh
# build.sh MACHINE…: makes dist/*.deb and dist/*.rpm for each machine (amd64, arm64,
# 386), their bills of materials, and dist/SHA256SUMS. The same commit gives the
# same bytes, wherever it is built.
#
#   VERSION            the version, as make knows it
#   SOURCE_DATE_EPOCH  the time that everything in the packages has
#   MAINTAINER         "Name <address>" of who makes the packages
#   HOMEPAGE           where the packages come from
#   SIGNING_KEY_FILE   an OpenPGP private key to sign with; NFPM_PASSPHRASE for it
#   GO                 the go command
set -eu
umask 022
cd "$(dirname "$0")/.."

GO=${GO:-go}
export SOURCE_DATE_EPOCH MAINTAINER="${MAINTAINER:-Tripline authors <tripline@localhost>}"
export HOMEPAGE="${HOMEPAGE:-https://localhost/tripline}" SIGNING_KEY_FILE="${SIGNING_KEY_FILE:-}"

# What comes after a release sorts after it, what comes before (-rc.1, -dev) before:
# 0.2.0-5-g1a2b3c4 becomes 0.2.0+5.g1a2b3c4, 0.2.0-rc.1 becomes 0.2.0~rc.1.
program_version=$VERSION
VERSION=$(echo "$VERSION" | sed -e 's/-\([0-9][0-9]*\)-g\([0-9a-f]*\)/+\1.g\2/' -e 's/-dirty$/+dirty/' -e 's/-/~/g' -e 's/\(+.*\)+/\1./')
export VERSION

build_program() {
	CGO_ENABLED=0 GOOS=linux GOARCH=$1 GOAMD64=v1 GO386=sse2 GOARM64=v8.0 "$GO" build -trimpath -buildvcs=false -tags nethttpomithttp2 \
		-ldflags "-s -w -buildid= -X tripline/internal/version.Version=$program_version" -o "$2" ./cmd/tripline
}

date_of_source() {
	LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" "$1"
}

# stage_common lays out what is the same for every machine.
stage_common() {
	"$GO" run -tags man -ldflags "-X tripline/internal/version.Version=$program_version" ./cmd/tripline docs sensor.toml "$1"
	gzip -9n "$1"/man1/*.1 "$1"/man5/*.5
	# As installed, the rules are files that can be changed and added to.
	sed 's,^folder = ""$,folder = "/etc/tripline/rules",' sensor.toml >"$1/sensor.toml"
	grep -q '^folder = "/etc/tripline/rules"$' "$1/sensor.toml"
	mkdir "$1/doc"
	# As installed all pages are in one folder, so that links between them are shorter.
	for page in README.md docs/*.md; do
		sed -e 's,](docs/,](,g' -e 's,](\.\./README\.md,](README.md,g' -e 's,](\.\./CHANGELOG\.md,](changelog.gz,g' \
			-e 's,](\.\./sensor\.toml,](/etc/tripline/sensor.toml,g' "$page" >"$1/doc/${page##*/}"
	done
	cp docs/*.svg "$1/doc/"
	gzip -9nc CHANGELOG.md >"$1/doc/changelog.gz"
	cp packaging/copyright "$1/doc/copyright"
	{
		echo "tripline ($VERSION-1) unstable; urgency=medium"
		echo
		echo "  * This version; what has changed since others is in changelog.gz."
		echo
		echo " -- $MAINTAINER  $(date_of_source '+%a, %d %b %Y %H:%M:%S +0000')"
	} | gzip -9n >"$1/changelog.Debian.gz"
	cp packaging/lintian-overrides "$1/lintian"
}

# describe writes the description with each page of documentation as an entry.
describe() {
	entries=
	for file in "$STAGE"/man?/* "$STAGE"/doc/*; do
		case $file in
		*/doc/*) folder=/usr/share/doc/tripline ;;
		*) folder=/usr/share/man/$(basename "$(dirname "$file")") ;;
		esac
		entries="$entries  - {src: $file, dst: $folder/${file##*/}, packager: rpm, type: doc, file_info: {mode: 0644}}
"
	done
	while IFS= read -r line; do
		case $line in
		*RPM-DOCUMENTATION) printf '%s' "$entries" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done <packaging/nfpm.yaml
}

rm -rf dist/stage
mkdir -p dist/stage/common
stage_common dist/stage/common
goroot=$("$GO" env GOROOT)
made=
for ARCH in "$@"; do
	export ARCH STAGE="dist/stage/$ARCH"
	cp -r dist/stage/common "$STAGE"
	build_program "$ARCH" "$STAGE/tripline"
	sbom="dist/tripline-$VERSION-$ARCH.cdx.json"
	GOARCH=$ARCH GOOS=linux CGO_ENABLED=0 "$GO" list -deps -json=Dir,Standard,Module ./cmd/tripline |
		"$GO" run ./packaging/manifest -binary "$STAGE/tripline" -notices "$STAGE/doc/THIRD-PARTY-NOTICES" -sbom "$sbom" \
			-version "$program_version" -epoch "$SOURCE_DATE_EPOCH" -goroot "$goroot"
	gzip -9n "$STAGE/doc/THIRD-PARTY-NOTICES"
	made="$made $(basename "$sbom")"
	deb_arch=$ARCH
	rpm_arch=$ARCH
	case $ARCH in
	amd64) rpm_arch=x86_64 ;;
	arm64) rpm_arch=aarch64 ;;
	386) rpm_arch=i686 deb_arch=i386 ;;
	esac
	deb="tripline_$VERSION-1_$deb_arch.deb"
	rpm="tripline-$VERSION-1.$rpm_arch.rpm"
	describe >"$STAGE/nfpm.yaml"
	for target in "$deb" "$rpm"; do
		"$GO" tool -modfile=tools/nfpm/go.mod nfpm package --config "$STAGE/nfpm.yaml" --packager "${target##*.}" --target "dist/$target" >"$STAGE/said" 2>&1 || {
			cat "$STAGE/said" >&2
			exit 1
		}
		made="$made $target"
		echo "dist/$target"
	done
done
# shellcheck disable=SC2086 # a list of names without spaces
(cd dist && sha256sum $made >SHA256SUMS)
echo "dist/SHA256SUMS"
