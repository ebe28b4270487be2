package normalize

import (
	"fmt"
	"testing"
)

// call is a SYSCALL record of pid 7 at a second; connects go to 127.0.0.1:9 and
// succeed.
func socketCalls(second int, pid, ppid int, calls ...string) []string {
	var lines []string
	for i, call := range calls {
		stamp := fmt.Sprintf("msg=audit(%d.%03d:%d):", second, i, second*100+i)
		process := fmt.Sprintf(`ppid=%d pid=%d auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm="x" exe="/bin/x"`, ppid, pid)
		lines = append(lines, fmt.Sprintf("type=SYSCALL %s arch=c000003e %s items=0 %s", stamp, call, process))
		if call == connect3 {
			lines = append(lines, "type=SOCKADDR "+stamp+" saddr=020000097F0000010000000000000000")
		}
	}
	return lines
}

const (
	udp3     = "syscall=41 success=yes exit=3 a0=2 a1=80002 a2=0 a3=0" // SOCK_CLOEXEC
	udp4     = "syscall=41 success=yes exit=4 a0=2 a1=2 a2=11 a3=0"
	tcp3     = "syscall=41 success=yes exit=3 a0=a a1=801 a2=6 a3=0" // SOCK_NONBLOCK
	failed3  = "syscall=41 success=no exit=-24 a0=2 a1=2 a2=0 a3=0"
	connect3 = "syscall=42 success=yes exit=0 a0=3 a1=7ff a2=10 a3=0"
)

// TestTransportFromSocketRecords: what socket(2) was asked for tells what is
// connected, whoever looks when.
func TestTransportFromSocketRecords(t *testing.T) {
	for name, test := range map[string]struct {
		lines             []string
		action, transport string // of the last event
	}{
		"udp":                       {socketCalls(1, 7, 1, udp3, connect3), "socket_connected", "udp"},
		"tcp":                       {socketCalls(1, 7, 1, tcp3, connect3), "connection_attempted", "tcp"},
		"connected several times":   {socketCalls(1, 7, 1, udp3, connect3, connect3), "socket_connected", "udp"},
		"another descriptor":        {socketCalls(1, 7, 1, udp4, connect3), "connection_attempted", ""},
		"made anew as tcp":          {socketCalls(1, 7, 1, udp3, connect3, tcp3, connect3), "connection_attempted", "tcp"},
		"made anew as udp":          {socketCalls(1, 7, 1, tcp3, connect3, udp3, connect3), "socket_connected", "udp"},
		"not made":                  {socketCalls(1, 7, 1, failed3, connect3), "connection_attempted", ""},
		"another process":           {append(socketCalls(1, 7, 1, udp3), socketCalls(2, 8, 1, connect3)...), "connection_attempted", ""},
		"another process, same pid": {append(socketCalls(1, 7, 1, udp3), socketCalls(2, 7, 2, connect3)...), "connection_attempted", ""},
		"long ago":                  {append(socketCalls(1, 7, 1, udp3), socketCalls(12, 7, 1, connect3)...), "connection_attempted", ""},
		"a while ago":               {append(socketCalls(1, 7, 1, udp3), socketCalls(10, 7, 1, connect3)...), "socket_connected", "udp"},
		"made up by a program": {
			append([]string{"type=USER_MGMT msg=audit(1.000:90): pid=7 uid=0 auid=0 ses=1 msg='ppid=1 arch=c000003e " + udp3 + "'"}, socketCalls(1, 7, 1, connect3)...),
			"connection_attempted", "",
		},
		"socketcall without its args": {socketCalls(1, 7, 1, "syscall=41 success=yes exit=3", connect3), "connection_attempted", ""},
	} {
		t.Run(name, func(t *testing.T) {
			events, _ := run(t, Options{Ordered: true}, test.lines...)
			last := events[len(events)-1]
			if last.text("event.action") != test.action || last.text("network.transport") != test.transport {
				t.Errorf("%s", last.json)
			}
		})
	}
}

func TestMadeTransport(t *testing.T) {
	for _, test := range []struct {
		family, kind, protocol uint64
		want                   string
	}{
		{2, 1, 0, "tcp"},
		{10, 1 | 0x80800, 6, "tcp"},
		{2, 1, 262, "tcp"},
		{43, 1, 0, "tcp"},
		{2, 1, 132, "sctp"},
		{10, 5, 132, "sctp"},
		{2, 2, 17, "udp"},
		{10, 2 | 0x800, 0, "udp"},
		{2, 2, 136, "udplite"},
		{2, 2, 1, "icmp"},
		{10, 2, 58, "ipv6-icmp"},
		{2, 3, 255, "raw"},
		{2, 6, 33, ""},
		{2, 1, 250, ""},
		{1, 1, 0, ""},
		{1<<32 + 2, 1, 0, ""},
	} {
		if got := madeTransport(test.family, test.kind, test.protocol); got != test.want {
			t.Errorf("%d, %d, %d: %q, want %q", test.family, test.kind, test.protocol, got, test.want)
		}
	}
}
