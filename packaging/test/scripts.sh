#!/bin/sh
# shellcheck disable=SC2015,SC2016,SC2086 # conditions are evaluated later, lists are words
# Runs the packages' scripts with stubs in the place of everything that they call,
# as dpkg and rpm call them, under every sh that is here. Needs no root.
set -eu
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
passed=0
failed=0

# Programs that do no harm and are used as they are.
plain="grep sed mkdir rm rmdir cat timeout chown head ls test echo env true"

# host NAME… makes an empty host on which the named programs are stubs: each writes
# its call down and ends with the code in exit/NAME, or 0. Those that must never be
# called are always there.
host() {
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/exit" "$root/etc/systemd/system" "$root/run" "$root/usr/bin" "$root/var/lib" "$root/var/log" "$root/proc/self"
	: >"$root/calls"
	echo "CapAmb: 0" >"$root/proc/self/status"
	for name in $plain; do
		ln -s "$(command -v "$name")" "$root/bin/$name" 2>/dev/null || true
	done
	for name in auditctl augenrules auditd killall pkill "$@"; do
		stub "$root/bin/$name" "$name"
	done
	stub "$root/bin/tripline" tripline
	# The user is there once it was made.
	cat >"$root/bin/getent" <<-STUB
		#!/bin/sh
		[ -e "$root/user" ]
	STUB
	chmod +x "$root/bin/getent"
	export ROOT="$root"
}

stub() {
	cat >"$1" <<-STUB
		#!/bin/sh
		echo "$2 \$*" >>"$root/calls"
		case "$2 \$*" in
		"adduser "* | "useradd "*) [ -e "$root/exit/$2" ] || : >"$root/user" ;;
		"systemctl show --property=MemoryMax"*) [ ! -e "$root/new" ] || echo "MemoryMax=" ;;
		"systemctl --version") echo "systemd 219" ;;
		"systemctl --quiet is-enabled"*) [ -e "$root/enabled" ]; exit ;;
		"deb-systemd-helper --quiet was-enabled"*) exit 0 ;;
		esac
		[ ! -e "$root/exit/$2" ] || exit "\$(cat "$root/exit/$2")"
	STUB
	chmod +x "$1"
}

# systemd is one that runs and knows all that the unit says.
systemd() {
	mkdir -p "$root/run/systemd/system"
	: >"$root/new"
}
breaks() { for name in "$@"; do echo 1 >"$root/exit/$name"; done; }

# run SCRIPT ARGUMENT… runs a script on the host.
run() {
	script=$1
	shift
	sed -e "s#\([ =\t\"']\)\(/run\|/etc\|/var\|/proc\|/usr/bin\|/dev\)/#\1$root\2/#g" "packaging/scripts/$script.sh" >"$work/script"
	: >"$root/calls"
	set +e
	said=$(PATH="$root/bin" $shell "$work/script" "$@" 2>"$work/errors")
	code=$?
	set -e
}

case_name=
begin() { case_name=$1; }
expect() {
	if eval "$2"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL under %s: %s: %s\n  said: %s\n  errors: %s\n  calls:\n' "$shell" "$case_name" "$1" "$said" "$(cat "$work/errors")"
		sed 's/^/    /' "$root/calls"
	fi
}
called() { grep -q -E -- "^($1)" "$root/calls"; }
says() { case $said in *"$1"*) true ;; *) false ;; esac }
lines() { [ -z "$said" ] && echo 0 || echo "$said" | wc -l; }

# Whatever happens: success, at most two lines, nothing of auditd's touched.
always() {
	expect "exit code 0, not $code" '[ "$code" = 0 ]'
	expect "at most two lines" '[ "$(lines)" -le 2 ]'
	expect "no errors of the shell" '! grep -q "not found\|syntax\|unexpected" "$work/errors"'
	expect "auditd is left alone" '! grep -q "^audit\|^augenrules\|auditd\|^killall\|^pkill" "$root/calls"'
}

debian="adduser systemctl deb-systemd-helper deb-systemd-invoke update-rc.d invoke-rc.d"
redhat="useradd systemctl"

installing() {
	begin "deb, first installation"
	host $debian && systemd
	run postinstall configure ""
	always
	expect "two lines" '[ "$(lines)" = 2 ] && says "the service started"'
	expect "makes the user" 'called "adduser --system"'
	expect "asks doctor" 'called "tripline doctor"'
	expect "starts" 'called "deb-systemd-invoke start"'
	expect "enables" 'called "deb-systemd-helper enable"'
	expect "no drop-in" '[ ! -e "$root/etc/systemd/system/tripline.service.d/50-old-host.conf" ]'

	begin "deb, doctor says no"
	host $debian && systemd && breaks tripline
	run postinstall configure ""
	always
	expect "does not start" '! called "deb-systemd-invoke start" && says "NOT started"'

	begin "deb, upgrade"
	host $debian && systemd && : >"$root/user"
	run postinstall configure 0.0.9-1
	always
	expect "restarts" 'called "deb-systemd-invoke restart" && says "upgraded"'
	expect "makes no user" '! called "adduser"'

	begin "deb, in a chroot"
	host $debian
	run postinstall configure ""
	always
	expect "starts nothing and asks no kernel" '! called "deb-systemd-invoke|invoke-rc.d|tripline" && says "next boot"'

	begin "deb, an adduser that is not Debian's"
	host $debian useradd && systemd && breaks adduser
	run postinstall configure ""
	always
	expect "makes the user all the same" 'called "useradd --system" && [ -e "$root/user" ]'

	begin "deb, sysv-rc"
	host adduser update-rc.d invoke-rc.d && : >"$root/run/initctl"
	run postinstall configure ""
	always
	expect "starts" 'called "invoke-rc.d tripline start" && called "update-rc.d tripline defaults"'

	begin "rpm, first installation, disabled by preset"
	host $redhat && systemd
	run postinstall 1
	always
	expect "obeys the preset" 'called "systemctl preset" && ! called "systemctl start" && says "not started"'

	begin "rpm, first installation, enabled by preset"
	host $redhat && systemd && : >"$root/enabled"
	run postinstall 1
	always
	expect "starts" 'called "systemctl start" && says "the service started"'

	begin "rpm, upgrade"
	host $redhat && systemd && : >"$root/user"
	run postinstall 2
	always
	expect "restarts what runs" 'called "systemctl try-restart" && ! called "systemctl preset"'

	begin "rpm, a systemd from before 231 (RHEL 7)"
	host $redhat && systemd && rm "$root/new"
	run postinstall 1
	always
	expect "runs as root" 'grep -q "^User=root" "$root/etc/systemd/system/tripline.service.d/50-old-host.conf"'
	expect "and within its memory" 'grep -q "^MemoryLimit=96M" "$root/etc/systemd/system/tripline.service.d/50-old-host.conf"'
	expect "and can write its folders" '[ "$(stat -c %u "$root/var/log/tripline")" = "$(id -u)" ]'

	begin "rpm, a kernel without ambient capabilities"
	host $redhat && systemd && : >"$root/proc/self/status"
	run postinstall 1
	expect "runs as root" 'grep -q "^User=root" "$root/etc/systemd/system/tripline.service.d/50-old-host.conf"'
	expect "its systemd knows the memory" '! grep -q "^MemoryLimit" "$root/etc/systemd/system/tripline.service.d/50-old-host.conf"'

	begin "rpm, image of a host with an old systemd"
	host $redhat
	run postinstall 1
	always
	expect "runs as root" 'grep -q "^User=root" "$root/etc/systemd/system/tripline.service.d/50-old-host.conf"'

	begin "rpm, chkconfig (RHEL 6)"
	host useradd chkconfig service && : >"$root/dev-initctl" && mkdir -p "$root/dev" && : >"$root/dev/initctl"
	run postinstall 1
	always
	expect "registers and does not start" 'called "chkconfig --add" && ! called "service"'

	begin "an upgrade that ends the drop-in"
	host $redhat && systemd && mkdir -p "$root/etc/systemd/system/tripline.service.d" && : >"$root/etc/systemd/system/tripline.service.d/50-old-host.conf"
	run postinstall 2
	expect "the drop-in is gone" '[ ! -e "$root/etc/systemd/system/tripline.service.d/50-old-host.conf" ]'

	begin "everything fails"
	host $debian && systemd && breaks adduser systemctl deb-systemd-helper deb-systemd-invoke update-rc.d tripline
	run postinstall configure ""
	always
	begin "nothing is there"
	host
	run postinstall 1
	always
	for argument in abort-upgrade abort-remove triggered "" nonsense; do
		begin "called with '$argument'"
		host $debian && systemd
		run postinstall $argument
		always
	done
}

removing() {
	for argument in remove 0; do
		begin "preremove $argument"
		host $debian chkconfig && systemd
		run preremove $argument
		always
		expect "stops" 'called "systemctl stop"'
		expect "leaves the kernel alone where nothing was written down" '! called "tripline rules"'

		begin "preremove $argument after a kill"
		host $debian && systemd && mkdir -p "$root/run/tripline" && : >"$root/run/tripline/state.json"
		run preremove $argument
		always
		expect "puts back what is recorded" 'called "tripline rules remove --recorded" && says "as it was before"'

		begin "preremove $argument, everything fails"
		host $debian && systemd && mkdir -p "$root/run/tripline" && : >"$root/run/tripline/state.json"
		breaks systemctl tripline
		run preremove $argument
		always
	done
	begin "preremove remove, nothing but the script in init.d"
	host && mkdir -p "$root/etc/init.d" && stub "$root/etc/init.d/tripline" init.d
	run preremove remove
	always
	expect "stops" 'called "init.d stop"'
	begin "preremove 0"
	host $debian && systemd
	run preremove 0
	expect "an erase disables" 'called "systemctl --no-reload disable"'
	for argument in upgrade deconfigure 1 ""; do
		begin "preremove $argument"
		host $debian && systemd
		run preremove $argument
		always
		expect "does nothing" '[ ! -s "$root/calls" ] && [ -z "$said" ]'
	done
	for argument in remove 0; do
		begin "postremove $argument"
		host $debian && systemd && mkdir -p "$root/var/log/tripline" "$root/var/lib/tripline" "$root/etc/tripline"
		run postremove $argument
		always
		expect "keeps alerts" '[ -d "$root/var/log/tripline" ] && [ -d "$root/etc/tripline" ] && says "stay"'
	done
	begin "postremove purge"
	host $debian deluser && systemd && mkdir -p "$root/var/log/tripline" "$root/var/lib/tripline" "$root/etc/tripline/rules" "$root/etc/audit/rules.d" && : >"$root/user"
	: >"$root/etc/audit/rules.d/theirs.rules"
	run postremove purge
	always
	expect "nothing of ours is left" '[ ! -e "$root/var/log/tripline" ] && [ ! -e "$root/var/lib/tripline" ] && [ ! -e "$root/etc/tripline" ]'
	expect "the user goes" 'called "deluser"'
	expect "auditd's rules stay" '[ -e "$root/etc/audit/rules.d/theirs.rules" ]'
	begin "postremove purge, everything fails"
	host $debian deluser && systemd && breaks $debian deluser && : >"$root/user"
	run postremove purge
	always
	for argument in upgrade 1 failed-upgrade abort-install ""; do
		begin "postremove $argument"
		host $debian && systemd && mkdir -p "$root/var/log/tripline"
		run postremove $argument
		always
		expect "does nothing" '[ ! -s "$root/calls" ] && [ -d "$root/var/log/tripline" ]'
	done
}

for shell in dash "bash --posix" "busybox sh"; do
	command -v "${shell%% *}" >/dev/null 2>&1 || continue
	shell="$(command -v "${shell%% *}")${shell#"${shell%% *}"}"
	installing
	removing
done
if command -v shellcheck >/dev/null 2>&1; then
	shellcheck -s sh packaging/scripts/*.sh packaging/sysv/tripline packaging/sysv/supervise packaging/build.sh packaging/audisp/audisp-plugin &&
		passed=$((passed + 1)) || failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
