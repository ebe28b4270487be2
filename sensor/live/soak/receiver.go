package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
)

// receiver is a server on a port of loopback that can go away, as a host that
// crashes does, and come back on the same port.
type receiver struct {
	address string
	serve   func(net.Conn)

	mu          sync.Mutex
	listener    net.Listener // nil while it is away
	connections map[net.Conn]struct{}
	served      sync.WaitGroup
}

// newReceiver takes a free port and begins to serve on it.
func newReceiver(serve func(net.Conn)) (*receiver, error) {
	r := &receiver{address: "127.0.0.1:0", serve: serve, connections: make(map[net.Conn]struct{})}
	if err := r.back(); err != nil {
		return nil, err
	}
	return r, nil
}

// back begins to serve.
func (r *receiver) back() error {
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		return fmt.Errorf("a receiver cannot listen: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listener, r.address = listener, listener.Addr().String()
	r.served.Go(func() { r.accept(listener) })
	return nil
}

func (r *receiver) accept(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return // it is away
		}
		r.mu.Lock()
		if r.listener != listener {
			reset(connection)
		} else {
			r.connections[connection] = struct{}{}
			r.served.Go(func() {
				r.serve(connection)
				r.end(connection, nil)
			})
		}
		r.mu.Unlock()
	}
}

// end closes a connection. Where it was not reset meanwhile, keep is called first,
// so that what is kept and what the sender is told agree.
func (r *receiver) end(connection net.Conn, keep func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, open := r.connections[connection]; !open {
		return
	}
	if keep != nil {
		keep()
	}
	delete(r.connections, connection)
	_ = connection.Close() // whoever sends notices
}

// away ends everything: connections are reset, and new ones refused.
func (r *receiver) away() {
	r.mu.Lock()
	if r.listener != nil {
		_ = r.listener.Close() // nothing is served any more either way
		r.listener = nil
	}
	for connection := range r.connections {
		reset(connection)
		delete(r.connections, connection)
	}
	r.mu.Unlock()
	r.served.Wait()
}

func reset(connection net.Conn) {
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // then it ends in order, which the sender may take for a success
	}
	_ = connection.Close() // as above
}

// arrivals are the planted pairs whose alerts arrived somewhere, and how often.
type arrivals struct {
	mu    sync.Mutex
	times map[string]int
	// others are alerts that are not about a planted pair.
	others int
}

func newArrivals() *arrivals { return &arrivals{times: make(map[string]int)} }

// alertDocument is what is read of a document.
type alertDocument struct {
	Event struct {
		Kind string `json:"kind"`
	} `json:"event"`
	Tripline struct {
		Alert struct {
			Test     bool `json:"test"`
			Sequence []struct {
				Destination struct {
					IP string `json:"ip"`
				} `json:"destination"`
			} `json:"sequence"`
		} `json:"alert"`
	} `json:"tripline"`
}

var errNoDocument = errors.New("what arrived is no JSON document")

// pairOf says of which planted pair a document is the alert: the address that it
// connected to. It is empty for documents that are no alerts, and "-" for alerts of
// others.
func pairOf(document []byte) (string, error) {
	var read alertDocument
	if err := json.Unmarshal(document, &read); err != nil {
		return "", errors.Join(errNoDocument, err)
	}
	if read.Event.Kind != "alert" || len(read.Tripline.Alert.Sequence) == 0 {
		return "", nil
	}
	if address := read.Tripline.Alert.Sequence[0].Destination.IP; isPlanted(address) {
		return address, nil
	}
	return "-", nil
}

// add counts a document.
func (a *arrivals) add(document []byte) error {
	pair, err := pairOf(document)
	if err != nil || pair == "" {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if pair == "-" {
		a.others++
		return nil
	}
	a.times[pair]++
	return nil
}

// count is how many pairs arrived.
func (a *arrivals) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.times)
}

// compare says which of the planted pairs are missing, and how many came more than
// once or were never planted.
func (a *arrivals) compare(planted []string) (missing, repeated, unknown int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := make(map[string]bool, len(planted))
	for _, pair := range planted {
		known[pair] = true
		if a.times[pair] == 0 {
			missing++
		}
	}
	for pair, times := range a.times {
		if !known[pair] {
			unknown++
		}
		repeated += times - 1
	}
	return missing, repeated, unknown
}
