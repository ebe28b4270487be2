#!/bin/sh
# After the files are gone. Debian calls it with "remove", "purge" or "upgrade" and
# others, rpm with 0 (erased) or 1 (upgraded). Nothing here makes a removal fail.
set -u

have() { command -v "$1" >/dev/null 2>&1; }

reload() {
	if [ -d /run/systemd/system ] && have systemctl; then
		systemctl daemon-reload >/dev/null 2>&1
		systemctl reset-failed tripline.service >/dev/null 2>&1
	fi
}

# remove_empty removes the folders that auditd has where it is installed, and that
# were ours otherwise.
remove_empty() { rmdir /etc/audisp/plugins.d /etc/audisp /etc/audit/plugins.d /etc/audit 2>/dev/null; }

case ${1:-} in
remove)
	reload
	! have deb-systemd-helper || deb-systemd-helper mask tripline.service >/dev/null 2>&1
	rm -rf /run/tripline
	echo "tripline: removed; configuration, alerts and state stay until it is purged."
	;;
purge)
	if have deb-systemd-helper; then
		deb-systemd-helper purge tripline.service >/dev/null 2>&1
		deb-systemd-helper unmask tripline.service >/dev/null 2>&1
	fi
	if have update-rc.d; then
		update-rc.d tripline remove >/dev/null 2>&1
	fi
	reload
	rm -rf /run/tripline /var/lib/tripline /var/log/tripline /etc/tripline
	remove_empty
	if getent passwd tripline >/dev/null 2>&1; then
		# A shell that is a busybox may have a deluser of its own.
		{ have deluser && deluser --quiet --system tripline >/dev/null 2>&1; } ||
			{ have userdel && userdel tripline >/dev/null 2>&1; }
	fi
	echo "tripline: purged; its user, alerts and state are gone."
	;;
0)
	reload
	rm -rf /run/tripline
	remove_empty
	echo "tripline: removed; alerts stay in /var/log/tripline, state in /var/lib/tripline, changed configuration in /etc/tripline."
	;;
esac
exit 0
