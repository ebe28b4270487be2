#!/bin/sh
# After the files are there. Debian calls it with "configure" and the version from
# before (none at the first time), rpm with 1 (installed) or 2 (upgraded).
# Nothing here makes an installation fail; what was done is said in two lines.
set -u
umask 022

user=tripline
config=/etc/tripline/sensor.toml
# For a systemd or a kernel that lacks what the unit asks for.
dropin=/etc/systemd/system/tripline.service.d/50-old-host.conf

case ${1:-} in
configure)
	dialect=deb
	upgrade=no
	[ -z "${2:-}" ] || upgrade=yes
	;;
abort-upgrade | abort-remove | abort-deconfigure)
	dialect=deb
	upgrade=yes
	;;
1)
	dialect=rpm
	upgrade=no
	;;
[2-9])
	dialect=rpm
	upgrade=yes
	;;
*) exit 0 ;;
esac

have() { command -v "$1" >/dev/null 2>&1; }
systemd_runs() { [ -d /run/systemd/system ] && have systemctl; }
# Whether an init system runs at all: none does in a chroot or while an image is
# made, and then the service starts at the next boot.
init_runs() { systemd_runs || [ -e /run/initctl ] || [ -e /dev/initctl ] || [ -S /run/openrc/softlevel ]; }

# make_user makes the service's user, as Debian does or else as all do: the shell may
# be a busybox, whose own adduser does not know the arguments of Debian's.
make_user() {
	getent passwd "$user" >/dev/null 2>&1 && return 0
	[ $dialect = deb ] && have adduser &&
		adduser --system --group --quiet --no-create-home --home /var/lib/tripline --shell /usr/sbin/nologin "$user" >/dev/null 2>&1 &&
		return 0
	have useradd &&
		useradd --system --user-group --no-create-home --home-dir /var/lib/tripline --shell /sbin/nologin "$user" >/dev/null 2>&1
}

# systemd_is_new says whether systemd has what the unit cannot do without: limits of
# memory by their present name, commands as root ("+"), and ambient capabilities, of
# which 229, the first to have them, leaves out the kernel's last. All are there since
# 231; a systemd that runs is asked for one of them.
systemd_is_new() {
	if systemd_runs; then
		systemctl show --property=MemoryMax tripline.service 2>/dev/null | grep -q '^MemoryMax='
	else
		version=$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
		[ "${version:-231}" -ge 231 ]
	fi
}

# can_have_user says whether the service can run as a user of its own: the user is
# there, and kernel (Linux 4.3) and systemd can give capabilities to it.
can_have_user() {
	getent passwd "$user" >/dev/null 2>&1 || return 1
	grep -q '^CapAmb:' /proc/self/status 2>/dev/null || [ ! -e /proc/self/status ] || return 1
	systemd_is_new
}

# suit_old_host says in a drop-in what a host needs that cannot do all that is in the
# unit.
suit_old_host() {
	have systemctl || return 0
	if can_have_user; then
		[ ! -e "$dropin" ] || rm -f "$dropin"
		return
	fi
	mkdir -p "${dropin%/*}" && {
		echo '# Made by the package: this host cannot give capabilities to a user of its own.'
		echo '[Service]'
		echo 'User=root'
		echo 'Group=root'
		systemd_is_new || echo 'MemoryLimit=96M'
	} >"$dropin"
	# Root without the capability to override permissions needs them to be its own,
	# and so old a systemd does not see to that.
	chown -hR root:root /run/tripline /var/lib/tripline /var/log/tripline 2>/dev/null
}

make_folders() {
	for folder in /var/lib/tripline /var/log/tripline; do
		[ -d $folder ] && continue
		mkdir -m 0700 $folder && chown "$user:$user" $folder 2>/dev/null
	done
}

enable_service() {
	if [ $dialect = deb ]; then
		if have deb-systemd-helper; then
			deb-systemd-helper unmask tripline.service >/dev/null 2>&1
			if deb-systemd-helper --quiet was-enabled tripline.service; then
				deb-systemd-helper enable tripline.service >/dev/null 2>&1
			else
				deb-systemd-helper update-state tripline.service >/dev/null 2>&1
			fi
		fi
		if have update-rc.d; then
			update-rc.d tripline defaults >/dev/null 2>&1
		fi
	elif [ $upgrade = no ]; then
		# Whether a service is enabled is the distribution's decision (preset).
		if have systemctl; then
			systemctl preset tripline.service >/dev/null 2>&1
		elif have chkconfig; then
			chkconfig --add tripline >/dev/null 2>&1
		fi
	fi
}

start() {
	action=$1
	if systemd_runs; then
		if [ $dialect = deb ] && have deb-systemd-invoke; then
			deb-systemd-invoke "$action" tripline.service >/dev/null 2>&1
		else
			# An rpm restarts what runs and starts only what is enabled.
			if [ "$action" = restart ]; then
				systemctl try-restart tripline.service >/dev/null 2>&1
			elif systemctl --quiet is-enabled tripline.service 2>/dev/null; then
				systemctl start tripline.service >/dev/null 2>&1
			else
				return 3
			fi
		fi
	elif have invoke-rc.d; then
		invoke-rc.d tripline "$action" >/dev/null 2>&1
	elif [ "$action" = restart ]; then
		service tripline condrestart >/dev/null 2>&1
	else
		return 3 # a SysV service of an rpm is started by its administrator
	fi
}

# doctor_agrees asks whether this host can be watched; what it asks changes nothing.
doctor_agrees() {
	# That of an old busybox takes its arguments otherwise.
	if timeout 30 true >/dev/null 2>&1; then
		timeout 30 tripline doctor --config "$config" >/dev/null 2>&1
	else
		tripline doctor --config "$config" >/dev/null 2>&1
	fi
}

make_user || echo "tripline: the user \"$user\" could not be made; the service will run as root" >&2
make_folders
! systemd_runs || systemctl daemon-reload >/dev/null 2>&1
suit_old_host
! systemd_runs || systemctl daemon-reload >/dev/null 2>&1
enable_service

if ! init_runs; then
	word=installed
	[ $upgrade = no ] || word=upgraded
	did="$word; no init system runs here, so the service starts with the next boot where it is enabled"
elif [ $upgrade = yes ]; then
	if start restart; then
		did="upgraded, and the service restarted if it was running"
	else
		did="upgraded; the service did not start again: tripline doctor says whether the host is in the way"
	fi
elif doctor_agrees; then
	start start
	case $? in
	0) did="installed, and the service started" ;;
	3) did="installed and not started, as services are here: enable and start \"tripline\"" ;;
	*) did="installed; the service did not start: its log says why" ;;
	esac
else
	did="installed and NOT started, because this host cannot be watched as it is: tripline doctor says why"
fi
echo "tripline: $did."
echo "tripline: configuration in /etc/tripline, alerts in /var/log/tripline; \"tripline selftest\" shows that it works."
exit 0
