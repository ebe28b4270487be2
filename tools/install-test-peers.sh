#!/bin/sh
# Installs what tests and benchmarks run beside: auditd, and with the arguments
# "rsyslog" and "laurel" those too. What is there already is left alone; where there is no apt-get or no root,
# nothing is done and the tests say what they lack. The daemons' own services are
# neither started nor left enabled: the tests start daemons with a configuration
# of their own.
set -eu

packages=
services=
if ! command -v auditd >/dev/null 2>&1; then
	packages=auditd
	services=auditd
fi
for peer in "$@"; do
	case "$peer" in
	rsyslog)
		if ! ls /usr/lib*/*/rsyslog/lmnsd_gtls.so >/dev/null 2>&1; then
			packages="$packages rsyslog rsyslog-gnutls rsyslog-openssl"
			services="$services rsyslog"
		fi
		;;
	laurel)
		if ! command -v laurel >/dev/null 2>&1; then
			packages="$packages laurel"
		fi
		;;
	*)
		echo "install-test-peers: nothing is known of $peer: use rsyslog or laurel" >&2
		exit 2
		;;
	esac
done
if [ -z "$packages" ]; then
	exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "install-test-peers: not installed: $packages, and this is not root on a host with apt-get" >&2
	exit 0
fi

# A package asks policy-rc.d whether its service may be started: 101 is no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update -qq
apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $packages
for service in $services; do
	if [ -d /run/systemd/system ]; then
		systemctl disable --now "$service.service"
	elif command -v update-rc.d >/dev/null 2>&1; then
		update-rc.d "$service" disable
	fi
done
# Its package registers LAUREL as a plugin of the audit daemon, for which nobody
# asked here.
plugin=/etc/audit/plugins.d/laurel.conf
case " $packages " in
*" laurel "*)
	if [ -e "$plugin" ]; then
		sed -i 's/^active *=.*/active = no/' "$plugin"
	fi
	;;
esac
