package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/elastic/go-libaudit/v2"
	"github.com/elastic/go-libaudit/v2/aucoalesce"
	"github.com/elastic/go-libaudit/v2/auparse"
)

// written takes the events that go-libaudit joined, decodes them and writes them as
// JSON to nowhere.
type written struct{ events int }

// ReassemblyComplete implements libaudit.Stream.
func (w *written) ReassemblyComplete(messages []*auparse.AuditMessage) {
	event, err := aucoalesce.CoalesceMessages(messages)
	if err == nil && json.NewEncoder(io.Discard).Encode(event) == nil {
		w.events++
	}
}

// EventsLost implements libaudit.Stream.
func (w *written) EventsLost(int) {}

// libauditLoop is an audit daemon made of go-libaudit, as its users put it together:
// its client receives, its Reassembler joins, aucoalesce decodes.
func libauditLoop(string) error {
	client, err := libaudit.NewAuditClient(nil)
	if err != nil {
		return err
	}
	if err := client.SetPID(libaudit.NoWait); err != nil {
		return err
	}
	// Those that are joined at once, and how long one may take: those of Auditbeat's
	// configuration.
	const inFlight, patience = 50, 2 * time.Second
	reassembler, err := libaudit.NewReassembler(inFlight, patience, new(written))
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		os.Exit(0) // the kernel notices; the caller restores what it set
	}()
	say("daemon")
	for {
		message, err := client.Receive(false)
		if errors.Is(err, syscall.EINTR) || errors.Is(err, syscall.ENOBUFS) {
			continue
		}
		if err != nil {
			return err
		}
		// Replies to requests are not part of any event, and are refused.
		_ = reassembler.Push(message.Type, message.Data)
	}
}
