#!/bin/sh
# Installs what the live tests run beside: auditd. Where it is there, or where
# there is no apt-get or no root, nothing is done and the tests say what they
# lack. The daemon's own service is neither started nor left enabled: the tests
# start an auditd with a configuration of their own.
set -eu

if command -v auditd >/dev/null 2>&1; then
	exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "install-test-peers: auditd is not installed, and this is not root on a host with apt-get" >&2
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
apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends auditd
if [ -d /run/systemd/system ]; then
	systemctl disable --now auditd.service
elif command -v update-rc.d >/dev/null 2>&1; then
	update-rc.d auditd disable
fi
