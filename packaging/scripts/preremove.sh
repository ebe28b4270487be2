#!/bin/sh
# Before the files go. Debian calls it with "remove", "upgrade" or "deconfigure",
# rpm with 0 (erased) or 1 (upgraded). Nothing here makes a removal fail.
set -u

dropin=/etc/systemd/system/tripline.service.d/50-old-host.conf

case ${1:-} in
remove | 0) ;;
# The new version's postinstall restarts the service.
*) exit 0 ;;
esac

have() { command -v "$1" >/dev/null 2>&1; }

if [ -d /run/systemd/system ] && have systemctl; then
	systemctl stop tripline.service >/dev/null 2>&1
elif have invoke-rc.d; then
	invoke-rc.d tripline stop >/dev/null 2>&1
elif [ -x /etc/rc.d/init.d/tripline ]; then
	/etc/rc.d/init.d/tripline stop >/dev/null 2>&1
elif [ -x /etc/init.d/tripline ]; then
	/etc/init.d/tripline stop >/dev/null 2>&1
fi
did=stopped
# In case that the sensor was killed: what it wrote down of its own rules and
# settings is put back, and nothing else.
if [ -e /run/tripline/state.json ]; then
	if tripline rules remove --recorded >/dev/null 2>&1; then
		did="stopped; kernel audit is as it was before"
	else
		did="stopped; kernel audit could not be put back: tripline rules of the kernel (auditctl -l) end with the next boot"
	fi
fi
if [ "$1" = 0 ]; then
	if have systemctl; then
		systemctl --no-reload disable tripline.service >/dev/null 2>&1
	elif have chkconfig; then
		chkconfig --del tripline >/dev/null 2>&1
	fi
fi
if [ -e "$dropin" ]; then
	rm -f "$dropin"
	rmdir "${dropin%/*}" 2>/dev/null
fi
echo "tripline: $did."
exit 0
