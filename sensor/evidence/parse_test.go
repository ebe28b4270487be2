package evidence

import (
	"strings"
	"testing"
)

func TestParseStat(t *testing.T) {
	rest := " S 7 20 20 34816 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0"
	for _, test := range []struct {
		name, text string
		ok         bool
		program    string
	}{
		{"plain", "20 (cat)" + rest, true, "cat"},
		{"parentheses and spaces", "20 (a) S 1 (b)" + rest, true, "a) S 1 (b"},
		{"line feed", "20 (a\nb)" + rest, true, "a\nb"},
		{"cut off", "20 (cat) S 7 20", false, ""},
		{"no number", "20 (cat)" + strings.Replace(rest, "12345", "x", 1), false, ""},
		{"empty", "", false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			stat, ok := parseStat([]byte(test.text))
			if ok != test.ok || ok && (stat.name != test.program || stat.ppid != 7 || stat.session != 20 || stat.start != 12345 || terminalName(stat.terminal) != "pts/0") {
				t.Errorf("%+v, %v", stat, ok)
			}
		})
	}
}

func TestParseInternet(t *testing.T) {
	for _, test := range []struct {
		name, protocol, line string
		want                 Socket
		listen               bool
	}{
		{
			"listening", "tcp", "   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0",
			Socket{Protocol: "tcp", State: "LISTEN", LocalIP: "127.0.0.1", LocalPort: 80},
			true,
		},
		{
			"connected over IPv6", "tcp6", "   1: 00000000000000000000000001000000:0050 B80D0120000000000000000001000000:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0",
			Socket{Protocol: "tcp6", State: "ESTABLISHED", LocalIP: "::1", LocalPort: 80, PeerIP: "2001:db8::1", PeerPort: 8080},
			false,
		},
		{
			"UDP that waits", "udp", "  5: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0 0",
			Socket{Protocol: "udp", State: "UNCONNECTED", LocalIP: "0.0.0.0", LocalPort: 68},
			true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := parseInternet(test.protocol, []byte(test.line))
			if !ok || got.Socket != test.want || got.listen != test.listen || got.inode != 4711 {
				t.Errorf("%+v, %v", got, ok)
			}
		})
	}
}

func TestParseContainer(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for _, test := range []struct{ name, text, id, runtime, unit string }{
		{"Docker with cgroup v1", "5:cpu:/docker/" + id + "\n", id, "docker", ""},
		{"Docker with systemd", "0::/system.slice/docker-" + id + ".scope\n", id, "docker", "docker-" + id + ".scope"},
		{"Kubernetes", "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope\n", id, "containerd", "cri-containerd-" + id + ".scope"},
		{"Podman", "0::/machine.slice/libpod-" + id + ".scope\n", id, "podman", "libpod-" + id + ".scope"},
		{"LXC", "3:pids:/lxc/web/init.scope\n", "web", "lxc", "init.scope"},
		{"none", "0::/user.slice/user-0.slice/session-3.scope\n", "", "", "session-3.scope"},
		{"not a cgroup file", "garbage", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got Container
			got.parse(test.text)
			if got.ID != test.id || got.Runtime != test.runtime || got.Unit != test.unit {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestTerminalName(t *testing.T) {
	for device, want := range map[uint64]string{0x8800: "pts/0", 0x8901: "pts/257", 0x401: "tty1", 0x440: "ttyS0", 0x105: "1:5"} {
		if got := terminalName(device); got != want {
			t.Errorf("%#x is %q, want %q", device, got, want)
		}
	}
}

// FuzzParse reads anything as any of the kernel's files.
func FuzzParse(f *testing.F) {
	f.Add([]byte("20 (cat) S 7 20 20 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 12345 0"))
	f.Add([]byte("   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1"))
	f.Add([]byte("ffff: 00000002 00000000 00010000 0001 01 4711 /run/x y\n"))
	f.Add([]byte("5:cpu:/docker/0123\n"))
	f.Add([]byte("root:x:0:0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		parseStat(data)
		if one, ok := parseInternet("tcp", data); ok && one.LocalIP == "" {
			t.Errorf("%+v has no address", one)
		}
		parsePacket(data)
		parseUnix(data)
		parseUsers(data)
		var container Container
		container.parse(string(data))
		_, _ = parseUptime(data)
	})
}
