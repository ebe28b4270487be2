#!/bin/sh
# shellcheck disable=SC2016,SC1091,SC2317 # conditions are evaluated later
#
# rpm.sh: installs, upgrades, downgrades and erases the rpm in a scratch root with
# the rpm program of this machine, and runs rpmlint on it where that is installed.
# The root is a small Debian, because what the scripts need must be there; rpm's own
# database in it is empty. Needs root, rpm and debootstrap.
set -eu
cd "$(dirname "$0")/../.."
. packaging/test/common.sh

need_root packages
need_tool packages rpm
need_tool packages debootstrap
# shellcheck disable=SC2012 # names are ours
rpm=$(ls -t dist/tripline-*.x86_64.rpm | head -n 1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
failed=0

expect() {
	if eval "$2"; then
		echo "ok   rpm: $1"
	else
		echo "FAIL rpm: $1"
		failed=1
	fi
}

everything() {
	(cd "$root" && find . \( -path ./proc -o -path ./tmp -o -path ./var/lib/rpm -o -path ./var/cache -o -path ./run \) -prune -o -print | LC_ALL=C sort)
	cat "$root/etc/group"
}

# rpm_do ARGUMENT… runs rpm on the root. What Debian's packages provide is not in
# rpm's database.
rpm_do() { rpm --root "$root" --dbpath /var/lib/rpm --nosignature "$@"; }

cp -a "$(packaging/test/bootstrap.sh bookworm)" "$root"
rm -rf "$root"/etc/rc?.d
# Folders that a distribution with rpm has and Debian has not.
mkdir -p "$root/var/lib/rpm" "$root/etc/rc.d/init.d" "$root/usr/share/fish/vendor_completions.d" "$root/usr/share/zsh/site-functions"
everything >"$work/before"
header() { rpm -qp --nosignature --qf "$1" "$rpm"; }
expect "gzip, for old rpms" '[ "$(header "%{PAYLOADCOMPRESSOR}")" = gzip ]'
expect "the build host is not this one" '[ "$(header "%{BUILDHOST}")" = localhost ]'
expect "configuration is kept (noreplace)" 'rpm -qp --nosignature --qf "[%{FILENAMES} %{FILEFLAGS:fflags}\n]" "$rpm" | grep -q "^/etc/tripline/sensor.toml cn"'

rpm_do -i --nodeps "$rpm" >"$work/said" 2>&1 || cat "$work/said"
expect "two lines are said" '[ "$(grep -c "^tripline: " "$work/said")" = 2 ]'
expect "the program runs" 'chroot "$root" tripline --version >/dev/null'
expect "the configuration is good" 'chroot "$root" tripline check --config /etc/tripline/sensor.toml >/dev/null'
expect "the user is there" 'grep -q "^tripline:" "$root/etc/passwd"'
expect "files are as packed" '! rpm_do -V --nodeps tripline | grep -v "^.........  c"'

sed -i 's/^level = "info"/level = "debug"/' "$root/etc/tripline/sensor.toml"
# Another version: the same description built again.
VERSION=9.0.0 ARCH=amd64 STAGE=dist/stage/amd64 MAINTAINER="test <test@localhost>" \
	go tool -modfile=tools/nfpm/go.mod nfpm package --config dist/stage/amd64/nfpm.yaml --packager rpm --target "$work/9.rpm" >/dev/null
rpm_do -U --nodeps "$work/9.rpm" >"$work/said" 2>&1 || cat "$work/said"
expect "upgraded" '[ "$(rpm_do -q --qf "%{VERSION}" tripline)" = 9.0.0 ]'
expect "an upgrade keeps the edited configuration" 'grep -q "^level = \"debug\"" "$root/etc/tripline/sensor.toml"'
expect "an upgrade says its two lines" '[ "$(grep -c "^tripline: " "$work/said")" = 2 ] && grep -q upgraded "$work/said" || { cat "$work/said"; false; }'
rpm_do -U --nodeps --oldpackage "$rpm" >"$work/said" 2>&1 || cat "$work/said"
expect "downgraded, with the edited configuration" '[ "$(rpm_do -q --qf "%{VERSION}" tripline)" != 9.0.0 ] && grep -q "^level = \"debug\"" "$root/etc/tripline/sensor.toml"'
expect "erased" 'rpm_do -e tripline >"$work/said" 2>&1'
expect "the edited configuration is beside its place" 'grep -q "^level = \"debug\"" "$root/etc/tripline/sensor.toml.rpmsave"'
# What an erase leaves on purpose: the edited file, alerts and state, the user.
rm -rf "$root/etc/tripline" "$root/var/lib/tripline" "$root/var/log/tripline"
chroot "$root" userdel tripline
everything >"$work/after"
if ! diff "$work/before" "$work/after" >"$work/difference"; then
	cat "$work/difference"
fi
expect "nothing else is left" 'cmp -s "$work/before" "$work/after"'

# An erase must succeed where the scripts' shell is gone, too, as in an image that
# is being taken apart: rpm ends with an error then, whatever a package does.
if command -v rpmlint >/dev/null 2>&1; then
	rpmlint --config packaging/rpmlint.toml "$rpm" >"$work/said" 2>&1 || true
	expect "rpmlint has nothing to say that packaging/rpmlint.toml does not explain" 'grep -q " 0 errors, 0 warnings" "$work/said" || { cat "$work/said"; false; }'
else
	echo "rpmlint is not installed: not tried"
fi
exit $failed
