#!/bin/sh
# shellcheck disable=SC1091
# signing.sh: signs both kinds of package with a key made for that, and verifies the
# signatures with gpg and rpm. Changed packages must not verify.
set -eu
cd "$(dirname "$0")/../.."
. packaging/test/common.sh
need_tool packages gpg
need_tool packages rpm
need_tool packages ar
[ -e dist/stage/amd64/nfpm.yaml ] || {
	echo "there is nothing to pack in dist: make packages" >&2
	exit 1
}
work=$(mktemp -d)
export GNUPGHOME="$work/keys"
trap 'gpgconf --kill all 2>/dev/null; rm -rf "$work"' EXIT
mkdir -m 700 "$GNUPGHOME"
gpg -q --batch --pinentry-mode loopback --passphrase secret --quick-gen-key 'test <test@localhost>' rsa3072 sign never 2>/dev/null
gpg -q --batch --pinentry-mode loopback --passphrase secret --armor --export-secret-keys >"$work/key.asc"
gpg --armor --export >"$work/public.asc"

for kind in deb rpm; do
	VERSION=1.0 ARCH=amd64 STAGE=dist/stage/amd64 MAINTAINER="test <test@localhost>" HOMEPAGE=https://localhost/ \
		SIGNING_KEY_FILE="$work/key.asc" NFPM_PASSPHRASE=secret \
		go tool -modfile=tools/nfpm/go.mod nfpm package --config dist/stage/amd64/nfpm.yaml --packager $kind --target "$work/signed.$kind" >/dev/null
done

ar p "$work/signed.deb" _gpgorigin >"$work/signature"
deb_verifies() { ar p "$work/signed.deb" debian-binary control.tar.gz data.tar.gz | gpg -q --verify "$work/signature" - 2>/dev/null; }
deb_verifies
mkdir "$work/rpmdb"
rpm --dbpath "$work/rpmdb" --import "$work/public.asc" 2>/dev/null
rpm --dbpath "$work/rpmdb" -K "$work/signed.rpm" 2>/dev/null | grep -q 'signatures OK'

# The same with a byte changed in the middle of each.
for kind in deb rpm; do
	size=$(wc -c <"$work/signed.$kind")
	printf 'X' | dd of="$work/signed.$kind" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
done
if deb_verifies || rpm --dbpath "$work/rpmdb" -K "$work/signed.rpm" >/dev/null 2>&1; then
	echo "FAIL signing: a changed package verifies" >&2
	exit 1
fi
echo "ok   signed packages verify, changed ones do not"
