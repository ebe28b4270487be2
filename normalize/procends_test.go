package normalize

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// socketLine is a line of /proc/net/tcp on a machine of this one's byte order.
func socketLine(t testing.TB, local, remote string, inode int) string {
	t.Helper()
	return fmt.Sprintf("   3: %s %s 01 00000000:00000000 00:00000000 00000000     0        0 %d 1 00000000310061ff 20 4 30 10 -1\n",
		socketEnd(t, local), socketEnd(t, remote), inode)
}

func socketEnd(t testing.TB, text string) string {
	t.Helper()
	end, err := netip.ParseAddrPort(text)
	if err != nil {
		t.Fatal(err)
	}
	written := ""
	for raw := end.Addr().AsSlice(); len(raw) > 0; raw = raw[4:] {
		written += fmt.Sprintf("%08X", binary.NativeEndian.Uint32(raw))
	}
	return fmt.Sprintf("%s:%04X", written, end.Port())
}

// socketTree makes a copy of /proc in which descriptor 5 of process 7 is socket 33
// and both lists have the given lines.
func socketTree(t testing.TB, lines string) *procEnds {
	t.Helper()
	root := t.TempDir()
	for _, folder := range []string{"7/fd", "7/net"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("socket:[33]", filepath.Join(root, "7/fd/5")); err != nil {
		t.Fatal(err)
	}
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	for _, list := range []string{"tcp", "tcp6", "udp"} {
		if err := os.WriteFile(filepath.Join(root, "7/net", list), []byte(head+lines), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return newProcEnds(newProcFiles(root))
}

func socketQuery(transport, peer string) SocketQuery {
	return SocketQuery{PID: 7, Descriptor: 5, Transport: transport, Peer: netip.MustParseAddrPort(peer)}
}

// lookedUp waits for an answer as long as it takes.
func lookedUp(end *LocalEnd) string {
	if end == nil {
		return "not looked for"
	}
	<-end.done
	return end.get().String()
}

func TestOwnEndOfASocket(t *testing.T) {
	const none = "invalid AddrPort"
	for name, test := range map[string]struct{ local, remote, transport, peer, want string }{
		"TCP":                      {"192.0.2.1:40000", "203.0.113.9:443", "tcp", "203.0.113.9:443", "192.0.2.1:40000"},
		"UDP":                      {"192.0.2.1:40000", "203.0.113.9:53", "udp", "203.0.113.9:53", "192.0.2.1:40000"},
		"IPv6":                     {"[2001:db8::1]:40000", "[2001:db8::2]:443", "tcp", "[2001:db8::2]:443", "[2001:db8::1]:40000"},
		"mapped":                   {"[::ffff:192.0.2.1]:40000", "[::ffff:203.0.113.9]:443", "tcp", "[::ffff:203.0.113.9]:443", "[::ffff:192.0.2.1]:40000"},
		"to any address":           {"127.0.0.1:40000", "127.0.0.1:443", "tcp", "0.0.0.0:443", "127.0.0.1:40000"},
		"to any, bound":            {"192.0.2.1:40000", "192.0.2.1:443", "tcp", "0.0.0.0:443", "192.0.2.1:40000"},
		"to any address of IPv6":   {"[::1]:40000", "[::1]:443", "tcp", "[::]:443", "[::1]:40000"},
		"to any, but went away":    {"192.0.2.1:40000", "203.0.113.9:443", "tcp", "0.0.0.0:443", none},
		"another peer":             {"192.0.2.1:40000", "203.0.113.8:443", "tcp", "203.0.113.9:443", none},
		"another port of the peer": {"192.0.2.1:40000", "203.0.113.9:444", "tcp", "203.0.113.9:443", none},
		"another transport":        {"192.0.2.1:40000", "203.0.113.9:443", "sctp", "203.0.113.9:443", "not looked for"},
		"a transport nobody knows": {"192.0.2.1:40000", "203.0.113.9:443", "", "203.0.113.9:443", "not looked for"},
	} {
		t.Run(name, func(t *testing.T) {
			ends := socketTree(t, socketLine(t, "192.0.2.7:1", "203.0.113.9:443", 133)+socketLine(t, "192.0.2.8:2", "203.0.113.9:443", 0)+
				socketLine(t, test.local, test.remote, 33)+socketLine(t, "192.0.2.9:3", "203.0.113.9:443", 333))
			if got := lookedUp(ends.look(socketQuery(test.transport, test.peer))); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestNoEndIsMadeUp gives lists and descriptors that tell nothing.
func TestNoEndIsMadeUp(t *testing.T) {
	const peer = "203.0.113.9:443"
	right := socketLine(t, "192.0.2.1:40000", peer, 33)
	for name, lines := range map[string]string{
		"empty": "", "cut": right[:60], "cut in the inode": right[:len("   3: 010200C0:9C40 097100CB:01BB 01 00000000:00000000 00:00000000 00000000     0        0 3")],
		"no address": "3: : : 01 0:0 0:0 0 0 0 33\n", "long address": "3: 010200C001:9C40 097100CB:01BB 01 0:0 0:0 0 0 0 33\n",
		"big port": "3: 010200C0:19C40 097100CB:01BB 01 0:0 0:0 0 0 0 33\n", "no hexadecimal": "3: 010200CX:9C40 097100CB:01BB 01 0:0 0:0 0 0 0 33\n",
		"binary": "\x00\xff\x01 33 \x00\n 33 33 33 33 33 33 33 33 33 33 33\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got := lookedUp(socketTree(t, lines).look(socketQuery("tcp", peer))); got != "invalid AddrPort" {
				t.Errorf("got %s", got)
			}
		})
	}
	t.Run("no such descriptor", func(t *testing.T) {
		q := socketQuery("tcp", peer)
		q.Descriptor = 6
		if got := lookedUp(socketTree(t, right).look(q)); got != "invalid AddrPort" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("given to another socket meanwhile", func(t *testing.T) {
		ends := socketTree(t, right)
		link := filepath.Join(ends.root, "7/fd/5")
		calls := 0
		ends.now = func() time.Time { // asked when the list has been read
			if calls++; calls == 4 {
				if err := os.Remove(link); err != nil {
					t.Error(err)
				}
				if err := os.Symlink("socket:[34]", link); err != nil {
					t.Error(err)
				}
			}
			return time.Now()
		}
		if got := lookedUp(ends.look(socketQuery("tcp", peer))); got != "invalid AddrPort" || calls < 4 {
			t.Errorf("got %s after %d looks at the clock", got, calls)
		}
	})
}

// TestEndsTakeLittleTime: what takes too much time is not looked for any more
// until the next second, and counted.
func TestEndsTakeLittleTime(t *testing.T) {
	ends := socketTree(t, socketLine(t, "192.0.2.1:40000", "203.0.113.9:443", 33))
	now := time.Now()
	ends.now = func() time.Time { return now }
	query := socketQuery("tcp", "203.0.113.9:443")
	if got := lookedUp(ends.look(query)); got != "192.0.2.1:40000" {
		t.Fatalf("got %s", got)
	}
	for i, took := range [][2]time.Duration{{procEndTime, 0}, {0, procEndTime}} {
		ends.take(took[0], took[1])
		if end := ends.look(query); end != nil || ends.skipped.Load() != uint64(i+1) {
			t.Errorf("%v, %d are counted", end, ends.skipped.Load())
		}
		now = now.Add(2 * procEndWindow)
	}
	if got := lookedUp(ends.look(query)); got != "192.0.2.1:40000" {
		t.Errorf("a second later: %s", got)
	}
	for range procEndReaders { // two that do not come to an end
		ends.slots <- struct{}{}
	}
	if end := ends.look(query); end != nil || ends.skipped.Load() != 3 {
		t.Errorf("%v, %d are counted", end, ends.skipped.Load())
	}
}

// TestLongListIsGivenUp: a list that has not come to the socket in time.
func TestLongListIsGivenUp(t *testing.T) {
	other := socketLine(t, "192.0.2.1:40000", "203.0.113.9:443", 44)
	ends := socketTree(t, strings.Repeat(other, 10_000)+socketLine(t, "192.0.2.1:40000", "203.0.113.9:443", 33))
	query := socketQuery("tcp", "203.0.113.9:443")
	var used time.Duration
	ends.used = func() time.Duration { return used }
	if got := lookedUp(ends.look(query)); got != "192.0.2.1:40000" {
		t.Errorf("while it takes no time: %s", got)
	}
	ends.used = func() time.Duration { used += procEndTime / 4; return used }
	if got := lookedUp(ends.look(query)); got != "invalid AddrPort" || ends.skipped.Load() != 1 {
		t.Errorf("got %s, %d are counted", got, ends.skipped.Load())
	}
}

// TestEndsOfThisHost asks the kernel for sockets of this process, connected and
// half way to it.
func TestEndsOfThisHost(t *testing.T) {
	resolver := newTestResolver(t)
	resolver.ends.used = func() time.Duration { return 0 } // it may take long here
	pid := uint32(os.Getpid())
	for _, network := range []string{"tcp4", "tcp6", "udp4", "udp6"} {
		t.Run(network, func(t *testing.T) {
			conn := connectedTo(t, network)
			raw, err := conn.(interface{ File() (*os.File, error) }).File()
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			query := SocketQuery{
				PID: pid, Descriptor: uint64(raw.Fd()), Transport: network[:3], Peer: netip.MustParseAddrPort(conn.RemoteAddr().String()),
			}
			if got := lookedUp(resolver.LocalEnd(query)); got != conn.LocalAddr().String() {
				t.Errorf("got %s, want %s", got, conn.LocalAddr())
			}
			query.Peer = netip.MustParseAddrPort("198.51.100.1:9")
			if got := lookedUp(resolver.LocalEnd(query)); got != "invalid AddrPort" {
				t.Errorf("with another peer: %s", got)
			}
		})
	}
	t.Run("a copy", func(t *testing.T) {
		copied, _ := newCopyResolver(t)
		if end := copied.LocalEnd(SocketQuery{PID: pid, Transport: "tcp"}); end != nil {
			t.Error("the kernel is asked about sockets of another host")
		}
	})
}

// unavailable skips where a host has no IPv6, which is no defect; every one has IPv4.
func unavailable(t *testing.T, network string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case network[3] == '6':
		t.Skipf("this host has no IPv6 on loopback: %v", err)
	default:
		t.Fatal(err)
	}
}

// connectedTo connects to a listener on loopback.
func connectedTo(t *testing.T, network string) net.Conn {
	t.Helper()
	host := map[byte]string{'4': "127.0.0.1:0", '6': "[::1]:0"}[network[3]]
	var to string
	if network[:3] == "udp" {
		listener, err := net.ListenPacket(network, host)
		unavailable(t, network, err)
		t.Cleanup(func() { _ = listener.Close() })
		to = listener.LocalAddr().String()
	} else {
		listener, err := net.Listen(network, host)
		unavailable(t, network, err)
		t.Cleanup(func() { _ = listener.Close() })
		to = listener.Addr().String()
	}
	conn, err := net.Dial(network, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// BenchmarkLocalEnd reads the list of this host's TCP connections to its end, which
// a goroutine of its own does for an event.
func BenchmarkLocalEnd(b *testing.B) {
	resolver := newTestResolver(b)
	resolver.ends.used = func() time.Duration { return 0 } // it is not limited
	for b.Loop() {
		resolver.ends.listed(uint32(os.Getpid()), "net/tcp", 1)
	}
}
