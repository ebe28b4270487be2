#!/bin/sh
# bootstrap.sh NAME: makes the root file system of a small Debian in
# dist/guests/NAME, once, and prints its path. Needs root, debootstrap, and the
# Debian mirror of this machine's apt configuration or DEBIAN_MIRROR.
#
#   bookworm, bullseye, …   with systemd, as Debian installs it
#   bookworm-sysv           with sysvinit, sysv-rc and no systemd
#   bookworm-busybox        with busybox as init, and no other
#   xenial                  Ubuntu 16.04 of UBUNTU_MIRROR: systemd 229, Linux 4.4, audit 2
set -eu
cd "$(dirname "$0")/../.."

name=$1
suite=${name%%-*}
root=dist/guests/$name
if [ -d "$root" ]; then
	echo "$PWD/$root"
	exit 0
fi

debian_mirror() {
	[ -z "${DEBIAN_MIRROR:-}" ] || {
		echo "$DEBIAN_MIRROR"
		return
	}
	cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
		sed -n -e 's#^ *deb  *\(\[[^]]*\]  *\)*\([^ ]*/debian\)/* .*#\2#p' -e 's#^ *URIs:  *\([^ ]*/debian\)/* *$#\1#p' |
		head -n 1
}

# What the tests look with. The audit daemon is there and does not start by itself.
include=procps,iproute2,auditd
options=
case $suite in
xenial)
	mirror=${UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}
	# Debian has no keys of Ubuntu's; what is made here runs in an emulator alone.
	options=--no-check-gpg
	;;
*) mirror=$(debian_mirror) ;;
esac
case $name in
*-sysv) include=sysvinit-core,sysv-rc,initscripts,insserv,$include ;;
*-busybox) include=busybox-static,$include ;;
*) include=systemd,systemd-sysv,$include ;;
esac
if [ -z "$mirror" ]; then
	echo "bootstrap.sh: apt's configuration names no Debian mirror; name one with DEBIAN_MIRROR=" >&2
	exit 1
fi

mkdir -p dist/guests
rm -rf "$root.part"
debootstrap --variant=minbase $options --include="$include" "$suite" "$root.part" "$mirror" >"dist/guests/$name.log" 2>&1 || {
	tail -n 5 "dist/guests/$name.log" >&2
	exit 1
}
if [ "$suite" = xenial ]; then
	# Its kernel is fetched in it, because there apt has the keys to check it.
	chroot "$root.part" sh -c 'apt-get -q update && cd /tmp && apt-get -q download linux-image-4.4.0-21-generic' >>"dist/guests/$name.log" 2>&1
	mkdir -p dist/kernels/xenial
	dpkg-deb --fsys-tarfile "$root.part"/tmp/linux-image-*.deb | tar -x -C dist/kernels/xenial --strip-components=2 --wildcards './boot/vmlinuz-*'
	rm -f "$root.part"/tmp/*.deb
fi
rm -f "$root.part"/etc/systemd/system/multi-user.target.wants/auditd.service "$root.part"/etc/rc?.d/S*auditd
rm -rf "$root.part"/var/cache/apt/archives/*.deb "$root.part"/var/lib/apt/lists/*
mv "$root.part" "$root"
echo "$PWD/$root"
