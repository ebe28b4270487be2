#!/bin/sh
# shellcheck disable=SC2016,SC1091 # conditions are evaluated later
#
# debian.sh SUITE…: installs, upgrades, downgrades, removes and purges the package
# in a chroot of each Debian release, and runs lintian on it where that is installed.
# Two further versions are made for that from the package itself. Needs root and
# debootstrap; kernel audit is not touched.
set -eu
cd "$(dirname "$0")/../.."
. packaging/test/common.sh

need_root packages
need_tool packages debootstrap
deb=$(newest_deb amd64)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

ok() { echo "ok   $suite: $*"; }
fail() {
	echo "FAIL $suite: $*"
	failed=1
}
# expect WHAT CONDITION
expect() { if eval "$2"; then ok "$1"; else fail "$1"; fi; }

# other_version VERSION LINE makes a package of another version, whose default
# configuration and rule have a line more.
other_version() {
	rm -rf "$work/other"
	dpkg-deb -R "$deb" "$work/other"
	sed -i "s/^Version: .*/Version: $1/" "$work/other/DEBIAN/control"
	echo "# $2" >>"$work/other/etc/tripline/sensor.toml"
	dpkg-deb --root-owner-group -Zgzip -b "$work/other" "$root/tmp/tripline-$1.deb" >/dev/null
}

in_root() { chroot "$root" env DEBIAN_FRONTEND=noninteractive "$@"; }

# everything lists all files, but those of dpkg and of programs that keep logs and
# caches.
everything() {
	(cd "$root" && find . \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp -o -path ./var/lib/dpkg -o -path ./var/log -o \
		-path ./var/cache -o -path ./run \) -prune -o -print | LC_ALL=C sort)
	find "$root/var/log" "$root/run" -name '*tripline*'
	grep -h "^tripline:" "$root/etc/passwd" "$root/etc/group" || true
	true
}

for suite in "$@"; do
	base=$(packaging/test/bootstrap.sh "$suite")
	root=$work/$suite
	cp -a "$base" "$root"
	everything >"$work/before"

	cp "$deb" "$root/tmp/tripline.deb"
	in_root dpkg -i /tmp/tripline.deb >"$work/said" 2>&1 || fail "installation: $(cat "$work/said")"
	expect "two lines are said" '[ "$(grep -c "^tripline: " "$work/said")" = 2 ]'
	expect "the program runs" 'in_root tripline --version >/dev/null'
	expect "the configuration is good" 'in_root tripline check --config /etc/tripline/sensor.toml >/dev/null'
	expect "the installed rule is the one that runs" 'in_root tripline rules list --config /etc/tripline/sensor.toml | grep -q "/etc/tripline/rules/"'
	expect "the user is there" 'in_root getent passwd tripline | grep -q "nologin"'
	expect "enabled" '[ -L "$root/etc/systemd/system/multi-user.target.wants/tripline.service" ]'
	expect "registered for sysv-rc" 'ls "$root"/etc/rc2.d/S*tripline >/dev/null 2>&1'
	expect "the plugins are off" 'grep -q "^active = no" "$root/etc/audit/plugins.d/tripline.conf" "$root/etc/audisp/plugins.d/tripline.conf"'
	expect "a replay works" 'cp testdata/positive.log "$root/tmp/" && in_root tripline replay /tmp/positive.log 2>/dev/null | grep -q "\"kind\":\"alert\""'
	expect "the completion is bash" 'bash -n "$root/usr/share/bash-completion/completions/tripline"'
	expect "there is a man page for every command" '[ "$(ls "$root"/usr/share/man/man1/tripline*.1.gz | wc -l)" -ge 20 ] && zcat "$root/usr/share/man/man1/tripline-run.1.gz" | grep -q "^.SH OPTIONS"'
	expect "files are as packed" '[ -z "$(in_root dpkg --verify tripline)" ]'

	sed -i 's/^level = "info"/level = "debug"/' "$root/etc/tripline/sensor.toml"
	echo '# edited' >>"$root/etc/tripline/rules/suspicious_network_connection_attempt_by_root.toml"
	other_version 9.0.0-1 "new in 9"
	in_root dpkg --force-confold -i /tmp/tripline-9.0.0-1.deb >"$work/said" 2>&1 || fail "upgrade: $(cat "$work/said")"
	expect "upgraded" '[ "$(in_root dpkg-query -W -f "\${Version}" tripline)" = 9.0.0-1 ]'
	expect "an upgrade keeps the edited configuration" 'grep -q "^level = \"debug\"" "$root/etc/tripline/sensor.toml" && ! grep -q "new in 9" "$root/etc/tripline/sensor.toml"'
	expect "an upgrade puts the new one beside it" 'grep -q "new in 9" "$root/etc/tripline/sensor.toml.dpkg-dist"'
	expect "an upgrade keeps the edited rule" 'grep -q "^# edited" "$root"/etc/tripline/rules/*.toml'
	in_root dpkg --force-confold -i /tmp/tripline.deb >"$work/said" 2>&1 || fail "downgrade: $(cat "$work/said")"
	expect "downgraded, with the edited configuration" 'grep -q "^level = \"debug\"" "$root/etc/tripline/sensor.toml"'

	echo '{}' >"$root/var/log/tripline/alerts.ndjson"
	in_root dpkg -r tripline >"$work/said" 2>&1 || fail "removal: $(cat "$work/said")"
	expect "removed" '[ ! -e "$root/usr/bin/tripline" ]'
	expect "a removal keeps configuration and alerts" '[ -e "$root/etc/tripline/sensor.toml" ] && [ -e "$root/var/log/tripline/alerts.ndjson" ]'
	in_root dpkg -i /tmp/tripline.deb >/dev/null 2>&1 || fail "installation again"
	expect "installed again, with the edited configuration" 'grep -q "^level = \"debug\"" "$root/etc/tripline/sensor.toml" && [ -L "$root/etc/systemd/system/multi-user.target.wants/tripline.service" ]'
	in_root dpkg -P tripline >"$work/said" 2>&1 || fail "purge: $(cat "$work/said")"
	everything >"$work/after"
	if diff "$work/before" "$work/after" >"$work/difference"; then
		ok "purged, and nothing is left"
	else
		fail "a purge leaves: $(cat "$work/difference")"
	fi
	rm -rf "$root"
done

suite=lintian
if command -v lintian >/dev/null 2>&1; then
	for one in amd64 arm64 i386; do
		if lintian --allow-root --fail-on error,warning,info --suppress-tags spelling-error-in-binary --display-info --tag-display-limit 0 "$(newest_deb $one)" >"$work/said" 2>&1; then
			ok "nothing to say of $one"
		else
			fail "$one: $(cat "$work/said")"
		fi
	done
else
	echo "lintian is not installed: not tried"
fi
exit $failed
