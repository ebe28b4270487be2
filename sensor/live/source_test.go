package live

import (
	"encoding/json"
	"net"
	"net/netip"
	"testing"
	"time"
)

// sourceDocument is where a connection comes from and goes to.
type sourceDocument struct {
	Source, Destination struct {
		IP   string `json:"ip"`
		Port int    `json:"port"`
	}
}

// TestAlertTellsTheSource: the event of a connection that is still open has the end
// that the other side sees, and one of a connection that was refused has none. On a
// busy host it may be found too late, but never be another.
func TestAlertTellsTheSource(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t)
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			listener, err := net.Listen("tcp", address)
			if err != nil && address[0] == '[' {
				t.Skipf("this host has no IPv6 on loopback: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			const tries = 20
			for range tries {
				if toldSource(t, s, listener) {
					return
				}
				time.Sleep(200 * time.Millisecond) // it is not looked for all the time
			}
			t.Errorf("none of %d alerts has a source", tries)
		})
	}
	h := hold(t, "connect-open", "127.0.0.1:9")
	if one := sourceOf(t, s, h.pid()); one.Source.IP != "" || one.Source.Port != 0 || one.Destination.Port != 9 {
		t.Errorf("a refused connection has a source: %+v", one)
	}
}

// toldSource says whether the alert of a connection to a listener has its source.
func toldSource(t *testing.T, s *runningSensor, listener net.Listener) bool {
	t.Helper()
	h := hold(t, "connect-open", listener.Addr().String())
	client, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	want := netip.MustParseAddrPort(client.RemoteAddr().String())
	one := sourceOf(t, s, h.pid())
	h.release(t)
	told := one.Source.IP != "" || one.Source.Port != 0
	if told && (one.Source.IP != want.Addr().String() || one.Source.Port != int(want.Port())) {
		t.Errorf("the source is %+v, not %s", one.Source, want)
	}
	return told
}

// sourceOf reads the first event of a process's alert.
func sourceOf(t *testing.T, s *runningSensor, pid int) (one sourceDocument) {
	t.Helper()
	alert, ok := s.alertOf(pid, soon)
	if !ok {
		t.Fatalf("no alert; the sensor said:\n%s", s.log())
	}
	if err := json.Unmarshal(alert.Tripline.Alert.Sequence[0], &one); err != nil {
		t.Fatal(err)
	}
	return one
}
