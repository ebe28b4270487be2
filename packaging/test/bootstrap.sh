#!/bin/sh
# bootstrap.sh NAME: makes the root file system of a small Debian in
# dist/guests/NAME, once, and prints its path. Needs root, debootstrap, and the
# Debian mirror of this machine's apt configuration or DEBIAN_MIRROR.
#
#   bookworm, bullseye, …   with systemd, as Debian installs it
#   bookworm-sysv           with sysvinit, sysv-rc and no systemd
set -eu
cd "$(dirname "$0")/../.."

name=$1
suite=${name%-sysv}
root=dist/guests/$name
if [ -d "$root" ]; then
	echo "$PWD/$root"
	exit 0
fi

mirror=${DEBIAN_MIRROR:-}
if [ -z "$mirror" ]; then
	mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
		sed -n -e 's#^ *deb  *\(\[[^]]*\]  *\)*\([^ ]*/debian\)/* .*#\2#p' -e 's#^ *URIs:  *\([^ ]*/debian\)/* *$#\1#p' |
		head -n 1)
fi
if [ -z "$mirror" ]; then
	echo "bootstrap.sh: apt's configuration names no Debian mirror; name one with DEBIAN_MIRROR=" >&2
	exit 1
fi

# What the tests look with. The audit daemon is there and does not start by itself.
common=procps,iproute2,auditd
case $name in
*-sysv) include=sysvinit-core,sysv-rc,initscripts,insserv,$common ;;
*) include=systemd,systemd-sysv,$common ;;
esac
mkdir -p dist/guests
rm -rf "$root.part"
debootstrap --variant=minbase --include="$include" "$suite" "$root.part" "$mirror" >"dist/guests/$name.log" 2>&1 || {
	tail -n 5 "dist/guests/$name.log" >&2
	exit 1
}
rm -f "$root.part"/etc/systemd/system/multi-user.target.wants/auditd.service "$root.part"/etc/rc?.d/S*auditd
rm -rf "$root.part"/var/cache/apt/archives/*.deb "$root.part"/var/lib/apt/lists/*
mv "$root.part" "$root"
echo "$PWD/$root"
