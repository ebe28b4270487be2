package source

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"tripline/auditrules/kernel"
)

func TestOlderThan(t *testing.T) {
	for release, want := range map[string]bool{
		"2.6.32-642.el6.x86_64": true, "3.10.0-1160.el7": true, "3.16.0-4-amd64": true, "4.9.0-19-amd64": true,
		"4.10.0": false, "4.18.0-147.el8.x86_64": false, "6.1.0-13-amd64": false, "10.0": false, "": false, "unknown": false,
	} {
		if olderThan(release, 4, 10) != want {
			t.Errorf("%q is older: %v", release, !want)
		}
	}
}

func TestWaits(t *testing.T) {
	settable := kernel.Status{Features: kernel.FeatureBacklogWaitTime}
	if waits(settable, "6.1.0") || !waits(settable, "4.9.0") || !waits(kernel.Status{}, "3.10.0-1160.el7") || !waits(kernel.Status{}, "") {
		t.Error("the kernels that make processes wait are not the ones that were measured")
	}
}

func TestStalled(t *testing.T) {
	pid := os.Getpid()
	for _, test := range []struct {
		name   string
		status kernel.Status
		err    error
		want   bool
	}{
		{"empty", kernel.Status{PID: uint32(pid), BacklogLimit: 100}, nil, false},
		{"half full", kernel.Status{PID: uint32(pid), BacklogLimit: 100, Backlog: 50}, nil, false},
		{"nearly full", kernel.Status{PID: uint32(pid), BacklogLimit: 100, Backlog: 75}, nil, true},
		{"over", kernel.Status{PID: uint32(pid), BacklogLimit: 100, Backlog: 104}, nil, true},
		{"no limit", kernel.Status{PID: uint32(pid), Backlog: 104}, nil, false},
		{"another's", kernel.Status{PID: 1, BacklogLimit: 100, Backlog: 100}, nil, false},
		{"no answer, and it runs", kernel.Status{}, kernel.ErrNoAnswer, false},
		{"an error", kernel.Status{}, errors.New("no"), false},
	} {
		options := GuardOptions{PID: pid, Status: func() (kernel.Status, error) { return test.status, test.err }}
		options.Waiting = func() int { return 1 << 30 } // of a receiver that was not stopped
		if stalled(options) != test.want {
			t.Errorf("%s counts as stalled: %v", test.name, !test.want)
		}
	}
}

// TestGuardEnds ends with the receiver, and never kills a process that is not its
// parent.
func TestGuardEnds(t *testing.T) {
	full := func() (kernel.Status, error) {
		return kernel.Status{PID: uint32(os.Getpid()), BacklogLimit: 1, Backlog: 1}, nil
	}
	if err := Guard(context.Background(), GuardOptions{PID: os.Getpid(), Status: full, Waiting: func() int { return 0 }, Alive: strings.NewReader("")}); err != nil {
		t.Errorf("at the receiver's end: %v", err)
	}
	reader, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	if err := Guard(context.Background(), GuardOptions{PID: os.Getpid(), Status: full, Waiting: func() int { return 0 }, Alive: reader}); err != nil {
		t.Errorf("where the receiver is not the parent: %v", err)
	}
}

func TestGuardProcess(t *testing.T) {
	said := &notes{}
	g, err := startGuard([]string{"/bin/sh", "-c", "cat >/dev/null"}, said.add)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	first := g.command.Process
	g.mu.Unlock()
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		g.mu.Lock()
		again := g.command.Process.Pid != first.Pid
		g.mu.Unlock()
		if again {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a guard that was killed is not started again")
		}
	}
	if !said.has("killed") {
		t.Errorf("it said %q", said.said)
	}
	if err := g.close(); err != nil {
		t.Error(err)
	}
	if _, err := startGuard([]string{"/nonexistent"}, said.add); err == nil {
		t.Error("a guard that does not exist was started")
	}
}

func TestWaitingBytes(t *testing.T) {
	const table = `sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
0000000000000000 0   0          00000000 900000   0        0     2        0        8
0000000000000000 9   4213       00000000 131072   0        0     2        0        9
0000000000000000 9   0          00000000 0        0        0     2        0        10
a line that is none
`
	if got := waitingBytes(table); got != 131072 {
		t.Errorf("%d bytes wait", got)
	}
}
