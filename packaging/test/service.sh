#!/bin/sh
# shellcheck disable=SC1091
#
# service.sh GUEST…: boots a Debian guest in an emulator (no KVM needed) with the
# package installed, and tries the service there: packaging/test/guest/ has what is
# done inside. A guest is a name that bootstrap.sh knows. Needs root, debootstrap,
# cpio, qemu-system-x86_64 and the packages of "make packages"; where one is missing
# it says so and skips, or fails where TRIPLINE_SERVICE=require is set.
#
# The guest has its own kernel and its own audit; this machine's is not touched.
set -eu
cd "$(dirname "$0")/../.."
. packaging/test/common.sh

need_root service
for tool in debootstrap cpio qemu-system-x86_64; do
	need_tool service "$tool"
done
limit=${LIMIT:-1800}

deb=$(newest_deb amd64)

# image GUEST makes the guest's file system as an initial one: it is copied to a
# tmpfs at the start, which services can have namespaces on.
image() {
	root=$(packaging/test/bootstrap.sh "$1")
	work=dist/guests/$1.image
	rm -rf "$work"
	cp -a "$root" "$work"
	rm -rf "$work"/usr/share/doc/* "$work"/usr/share/man "$work"/usr/share/locale "$work"/var/cache/* "$work"/var/log/*.log
	cp "$deb" "$work/tmp/tripline.deb"
	chroot "$work" dpkg -i /tmp/tripline.deb
	mkdir -p "$work/guest"
	mv "$work/tmp/tripline.deb" "$work/guest/"
	cp packaging/test/guest/* "$work/guest/"
	cp packaging/test/guest/init "$work/init"
	chmod 755 "$work/init" "$work"/guest/*
	chmod 644 "$work/guest/tripline.deb"
	echo tripline-guest >"$work/etc/hostname"
	case $1 in
	*-sysv) sysv_boot "$work" ;;
	*-busybox) busybox_boot "$work" ;;
	*) systemd_boot "$work" ;;
	esac
	(cd "$work" && find . | cpio -o -H newc --quiet) >"dist/guests/$1.cpio"
	rm -rf "$work"
}

# The trial runs as a service of its own, after everything else was started.
systemd_boot() {
	cat >"$1/etc/systemd/system/before.service" <<-'UNIT'
		[Unit]
		DefaultDependencies=no
		Before=tripline.service
		[Service]
		Type=oneshot
		ExecStart=/guest/before
	UNIT
	cat >"$1/etc/systemd/system/trial.service" <<-'UNIT'
		[Unit]
		Wants=before.service
		[Service]
		Type=idle
		ExecStart=/bin/sh -c 'exec /guest/systemd-trial >/dev/ttyS1 2>&1'
		TimeoutStartSec=0
	UNIT
	mkdir -p "$1/etc/systemd/system/multi-user.target.wants"
	for unit in before trial; do
		ln -sf "/etc/systemd/system/$unit.service" "$1/etc/systemd/system/multi-user.target.wants/$unit.service"
	done
	# Nobody logs in.
	for unit in getty@tty1 serial-getty@ttyS0 systemd-timesyncd apt-daily.timer apt-daily-upgrade.timer; do
		case $unit in *.timer) ;; *) unit=$unit.service ;; esac
		ln -sf /dev/null "$1/etc/systemd/system/$unit"
	done
}

sysv_boot() {
	sed -i '/getty/d' "$1/etc/inittab"
	echo 'TR:2345:once:/guest/sysv-trial >/dev/ttyS1 2>&1' >>"$1/etc/inittab"
	echo 'TB::bootwait:/guest/before' >>"$1/etc/inittab"
}

# As on a small system: busybox is init and sh, and two scripts start and stop what
# is registered.
busybox_boot() {
	ln -sf busybox "$1/bin/sh"
	ln -sf /bin/busybox "$1/sbin/init"
	cat >"$1/etc/inittab" <<-'TABLE'
		::sysinit:/etc/init.d/rcS
		::once:/guest/sysv-trial >/dev/ttyS1 2>&1
		::shutdown:/etc/init.d/rcK
	TABLE
	cat >"$1/etc/init.d/rcS" <<-'SCRIPT'
		#!/bin/sh
		PATH=/usr/sbin:/usr/bin:/sbin:/bin
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		ip link set lo up
		/guest/before
		for script in /etc/rc2.d/S??*; do "$script" start; done
	SCRIPT
	cat >"$1/etc/init.d/rcK" <<-'SCRIPT'
		#!/bin/sh
		PATH=/usr/sbin:/usr/bin:/sbin:/bin
		for script in $(ls -r /etc/rc2.d); do "/etc/rc2.d/$script" stop; done
		/guest/after
	SCRIPT
	chmod 755 "$1/etc/init.d/rcS" "$1/etc/init.d/rcK"
}

boot() {
	report=dist/guests/$1.report
	console=dist/guests/$1.console
	: >"$report"
	kernel=$(kernel_of "${1%%-*}")
	echo "booting $1 with $(basename "$kernel")"
	timeout "$limit" qemu-system-x86_64 -accel tcg,thread=multi -machine pc -cpu max -smp 2 -m 1536 -nodefaults -display none -no-reboot \
		-kernel "$kernel" -initrd "dist/guests/$1.cpio" -append "console=ttyS0 panic=1 rdinit=/init quiet" \
		-serial "file:$console" -serial "file:$report" &
	emulator=$!
	wait $emulator || true
	rm -f "dist/guests/$1.cpio"
	cat "$report"
	if ! grep -q '^END' "$report"; then
		echo "FAIL $1: the guest did not come to the end; its console ends with:"
		tail -n 15 "$console"
		return 1
	fi
	! grep -q '^FAIL' "$report"
}

failed=0
for guest in "$@"; do
	image "$guest"
	boot "$guest" || failed=1
done
exit $failed
