package normalize

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// socketEnds is a resolver that knows the own end of every socket.
type socketEnds struct {
	host
	end   string
	asked []SocketQuery
	late  bool
}

func (s *socketEnds) LocalEnd(q SocketQuery) *LocalEnd {
	s.asked = append(s.asked, q)
	end := &LocalEnd{done: make(chan struct{}), took: func(time.Duration) {}}
	if s.end != "" {
		end.addr = netip.MustParseAddrPort(s.end)
	}
	if !s.late {
		close(end.done)
	}
	return end
}

func TestSourceOfAConnection(t *testing.T) {
	const args = "a0=3 a1=7f a2=10 a3=0"
	for _, test := range []struct {
		name, transport, success string
		number                   int
		exit                     int64
		address                  string
		asked                    bool
	}{
		{"connected", "tcp", "yes", 42, 0, inet4Line, true},
		{"in progress", "tcp", "no", 42, einprogress, inet4Line, true},
		{"interrupted", "tcp", "no", 42, erestartsys, inet4Line, true},
		{"datagrams", "udp", "yes", 42, 0, inet4Line, true},
		{"refused", "tcp", "no", 42, -111, inet4Line, false},
		{"already", "tcp", "no", 42, ealready, inet4Line, false},
		{"unix", "tcp", "yes", 42, 0, unixLine, false},
		{"disconnected", "tcp", "yes", 42, 0, unspecLine, false},
		{"sent without fast open", "tcp", "yes", 44, 5, inet4Line, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			resolver := &socketEnds{host: host{transport: test.transport}, end: "192.0.2.7:40000"}
			events, _ := run(t, Options{Resolver: resolver}, syscallLine("c000003e", test.number, test.success, test.exit, args), test.address)
			one := events[0]
			if !test.asked {
				if len(resolver.asked) != 0 || strings.Contains(one.json, `"source"`) {
					t.Errorf("asked %+v: %s", resolver.asked, one.json)
				}
				return
			}
			want := SocketQuery{PID: 9, Descriptor: 3, Transport: test.transport, Peer: netip.MustParseAddrPort("192.0.2.1:9")}
			if len(resolver.asked) != 1 || resolver.asked[0] != want {
				t.Errorf("asked %+v", resolver.asked)
			}
			if !strings.Contains(one.json, `"source":{"address":"192.0.2.7","ip":"192.0.2.7","port":40000}`) {
				t.Error(one.json)
			}
		})
	}
}

// TestSourceIsAskedForInTime: when an event is retained, and not before a field is
// read where it is not.
func TestSourceIsAskedForInTime(t *testing.T) {
	resolver := &socketEnds{host: host{transport: "tcp"}, end: "192.0.2.7:40000"}
	port, _ := Schema().Field("source.port")
	action, _ := Schema().Field("event.action")
	var before, retained, read int
	c := NewCorrelator(Options{Resolver: resolver, Emit: func(e *Event) {
		e.Value(action.ID)
		before = len(resolver.asked)
		e.Retain()
		e.Retain()
		retained = len(resolver.asked)
		e.Value(port.ID)
		read = len(resolver.asked)
		e.Release()
		e.Release()
	}})
	live(t, c, syscallLine("c000003e", 42, "yes", 0, "a0=3 a1=7f a2=10 a3=0"), inet4Line)
	c.Flush()
	if before != 0 || retained != 1 || read != 1 {
		t.Errorf("asked %d times before, %d retained, %d read", before, retained, read)
	}
}

// TestSourceThatDoesNotCome: who reads the field does not wait for it for long.
func TestSourceThatDoesNotCome(t *testing.T) {
	for name, resolver := range map[string]*socketEnds{
		"late": {host: host{transport: "tcp"}, end: "192.0.2.7:40000", late: true}, "none": {host: host{transport: "tcp"}},
	} {
		events, _ := run(t, Options{Resolver: resolver}, syscallLine("c000003e", 42, "yes", 0, "a0=3 a1=7f a2=10 a3=0"), inet4Line)
		if strings.Contains(events[0].json, `"source"`) || len(resolver.asked) != 1 {
			t.Errorf("%s: asked %+v: %s", name, resolver.asked, events[0].json)
		}
	}
}

// TestSourceOfADescriptorUsedAgain: where the process made another socket in the
// descriptor before the field was read, the end may be that one's.
func TestSourceOfADescriptorUsedAgain(t *testing.T) {
	at := func(sequence, line string) string { return strings.ReplaceAll(line, ":1)", ":"+sequence+")") }
	socket := syscallLine("c000003e", 41, "yes", 3, "a0=2 a1=1 a2=0 a3=0")
	connect := at("2", syscallLine("c000003e", 42, "yes", 0, "a0=3 a1=7f a2=10 a3=0"))
	other := at("3", strings.Replace(socket, "exit=3", "exit=4", 1))
	for name, test := range map[string]struct {
		last string
		want bool
	}{"another": {at("3", socket), false}, "one in another descriptor": {other, true}} {
		resolver := &socketEnds{host: host{transport: "tcp"}, end: "192.0.2.7:40000"}
		var held *Event
		c := NewCorrelator(Options{Resolver: resolver, Emit: func(e *Event) {
			if e.Retain(); e.known().call == callConnect {
				held = e
			}
		}})
		live(t, c, socket)
		c.Flush()
		live(t, c, connect, at("2", inet4Line))
		c.Flush()
		live(t, c, test.last)
		c.Flush()
		if got := strings.Contains(look(t, held).json, `"source"`); got != test.want {
			t.Errorf("%s: the event has its source: %v", name, got)
		}
	}
}
