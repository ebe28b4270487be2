package normalize

import "testing"

func TestSockaddr(t *testing.T) {
	const link = "fe800000000000000000000000000001"
	for _, test := range []struct{ saddr, address, ip, kind string }{
		{"020000097F0000010000000000000000", "127.0.0.1", "127.0.0.1", "ipv4"},
		{"0002115C7F0000010000000000000000", "127.0.0.1", "127.0.0.1", "ipv4"}, // big-endian host
		{"0A000009000000000000000000000000000000000000000100000000", "::1", "::1", "ipv6"},
		{"0A0000090000000000000000000000000000FFFF7F00000100000000", "::ffff:127.0.0.1", "::ffff:127.0.0.1", "ipv4"},
		{"0A000009FFFFFFFF" + link + "02000000", "fe80::1%2", "fe80::1", "ipv6"},
		{"000A000900000000" + link + "00000002", "fe80::1%2", "fe80::1", "ipv6"},
		{"0A00000900000000" + link, "fe80::1", "fe80::1", "ipv6"}, // RFC 2133's shorter form
		{"01002F746D702F6E6F2E736F636B0000", "/tmp/no.sock", "", "unix"},
		{"010000616273", "@abs", "", "unix"},
		{"01000061006200", "@a@b", "", "unix"},
		{"0100", "", "", "unix"},
		{"000000097F0000010000000000000000", "", "", ""},
		{"100000000000000000000000", "", "", ""}, // netlink
		{"02000009", "", "", ""},
		{"0A00", "", "", ""},
		{"02", "", "", ""},
		{"", "", "", ""},
		{"zz", "", "", ""},
	} {
		events, _ := run(t, Options{}, "type=SOCKADDR msg=audit(1.000:1): saddr="+test.saddr)
		one := events[0]
		if one.text("destination.address") != test.address || one.text("destination.ip") != test.ip || one.text("network.type") != test.kind {
			t.Errorf("%s: %s", test.saddr, one.json)
		}
	}
}
