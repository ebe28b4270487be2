package normalize

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTransportOfThisProcess(t *testing.T) {
	resolver := newTestResolver(t)
	for name, test := range map[string]struct {
		domain, kind, protocol int
		want                   string
	}{
		"TCP":        {unix.AF_INET, unix.SOCK_STREAM, 0, "tcp"},
		"TCPv6":      {unix.AF_INET6, unix.SOCK_STREAM, 0, "tcp"},
		"MPTCP":      {unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP, "tcp"},
		"UDP":        {unix.AF_INET, unix.SOCK_DGRAM, 0, "udp"},
		"UDPv6":      {unix.AF_INET6, unix.SOCK_DGRAM, 0, "udp"},
		"UDP-Lite":   {unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE, "udplite"},
		"UDPLITEv6":  {unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE, "udplite"},
		"SCTP":       {unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP, "sctp"},
		"RAW":        {unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP, "raw"},
		"RAWv6":      {unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6, "raw"},
		"PING":       {unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP, "icmp"},
		"PINGv6":     {unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_ICMPV6, "ipv6-icmp"},
		"unix":       {unix.AF_UNIX, unix.SOCK_STREAM, 0, "unix"},
		"unix dgram": {unix.AF_UNIX, unix.SOCK_DGRAM, 0, "unix"},
		"netlink":    {unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE, "netlink"},
		"packet":     {unix.AF_PACKET, unix.SOCK_DGRAM, 0, "packet"},
	} {
		t.Run(name, func(t *testing.T) {
			fd, err := unix.Socket(test.domain, test.kind|unix.SOCK_CLOEXEC, test.protocol)
			if err != nil {
				t.Skipf("socket: %v", err)
			}
			if got := resolver.Transport(uint32(os.Getpid()), uint64(fd)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			unix.Close(fd)
			if got := resolver.Transport(uint32(os.Getpid()), uint64(fd)); got != "" {
				t.Errorf("got %q of a closed descriptor", got)
			}
		})
	}
}

func TestTransportNames(t *testing.T) {
	for protocol, want := range map[string]string{
		"TCP": "tcp", "TCPv6": "tcp", "MPTCP": "tcp", "MPTCPv6": "tcp", "SMC": "tcp", "UDP": "udp", "UDPv6": "udp",
		"UDP-Lite": "udplite", "UDPLITEv6": "udplite", "SCTP": "sctp", "SCTPv6": "sctp", "DCCP": "dccp", "DCCPv6": "dccp",
		"RAW": "raw", "RAWv6": "raw", "PING": "icmp", "PINGv6": "ipv6-icmp", "UNIX": "unix", "UNIX-STREAM": "unix",
		"AF_VSOCK": "af_vsock", "": "",
	} {
		if got := procTransportName([]byte(protocol)); got != want {
			t.Errorf("%q: got %q, want %q", protocol, got, want)
		}
	}
}

func TestTransportOfWhatIsNoSocket(t *testing.T) {
	resolver := newTestResolver(t)
	file, err := os.CreateTemp(t.TempDir(), "socket:[1]")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	// A file may have an attribute of the same name on some file systems.
	_ = unix.Fsetxattr(int(file.Fd()), "system.sockprotoname", []byte("TCP"), 0)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	for name, fd := range map[string]uint64{
		"file": uint64(file.Fd()), "pipe": uint64(read.Fd()), "none": 1 << 20, "beyond an int": 1<<64 - 1,
	} {
		if got := resolver.Transport(uint32(os.Getpid()), fd); got != "" {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if got := resolver.Transport(1<<31-1, 3); got != "" {
		t.Errorf("no process: got %q", got)
	}
	if got := resolver.Transport(0, 0); got != "" {
		t.Errorf("pid 0: got %q", got)
	}
}

func TestTransportOfACopyIsNotThatOfThisHost(t *testing.T) {
	resolver, _ := newCopyResolver(t)
	if resolver.pidfds != nil || resolver.sockets != nil {
		t.Error("the kernel is asked about processes of another host")
	}
	if got := resolver.Transport(1, 0); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestTransportKeepsNoDescriptor(t *testing.T) {
	resolver := newTestResolver(t)
	fd := testSocket(t)
	before := countDescriptors(t)
	for range 100 {
		resolver.Transport(uint32(os.Getpid()), uint64(fd))
	}
	if after := countDescriptors(t); after != before {
		t.Errorf("%d descriptors before and %d after", before, after)
	}
}

func TestTransportDoesNotAllocate(t *testing.T) {
	resolver := newTestResolver(t)
	fd := testSocket(t)
	pid := uint32(os.Getpid())
	for name, run := range map[string]func(){
		"socket": func() { resolver.Transport(pid, uint64(fd)) },
		"none":   func() { resolver.Transport(pid, 1<<20) },
	} {
		if got := testing.AllocsPerRun(1000, run); got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

// testSocket is a TCP socket with a descriptor of three digits.
func testSocket(t testing.TB) int {
	t.Helper()
	low, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(low)
	fd, err := unix.FcntlInt(uintptr(low), unix.F_DUPFD_CLOEXEC, 150)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// countDescriptors counts the open descriptors of this process.
//
// The garbage collector closes what other tests have left behind, at a moment of
// its own choice: it runs now and then not again until the test ends.
func countDescriptors(t testing.TB) int {
	t.Helper()
	runtime.GC()
	time.Sleep(5 * time.Millisecond) // what it found is closed a little later
	former := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(former) })
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func BenchmarkTransport(b *testing.B) {
	resolver := newTestResolver(b)
	fd := testSocket(b)
	pid := uint32(os.Getpid())
	b.ReportAllocs()
	for b.Loop() {
		resolver.Transport(pid, uint64(fd))
	}
}

// TestTransportOfAReusedDescriptor gives one descriptor number to sockets of
// different kinds in turn: what is remembered of one must not be said of another.
func TestTransportOfAReusedDescriptor(t *testing.T) {
	resolver := newTestResolver(t)
	pid := uint32(os.Getpid())
	for round := range 1000 {
		kind, want := unix.SOCK_STREAM, "tcp"
		if round%2 == 1 {
			kind, want = unix.SOCK_DGRAM, "udp"
		}
		fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := resolver.Transport(pid, uint64(fd)); got != want {
				t.Errorf("round %d: got %q, want %q", round, got, want)
			}
		}
		if err := unix.Close(fd); err != nil {
			t.Fatal(err)
		}
	}
}
