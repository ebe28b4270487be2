package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// flood is a kind of load: an action of behave that is repeated so often a second.
type flood struct {
	name, action string
	// first and most are the rates between which one is looked for.
	first, most int
}

// floods are the kinds, in the order in which they alternate.
func floods() []flood {
	return []flood{
		{"one socket", "flood", 250, 16_000},
		{"new sockets", "tcp-flood", 125, 8_000},
		{"processes", "process-flood", 25, 400},
	}
}

// run repeats the action for a time. It ends early with the context.
func (f flood) run(ctx context.Context, behave string, rate int, length time.Duration) error {
	// A machine that is too slow for the rate stops when its time is over.
	timed, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	return f.repeat(timed, behave, rate, max(1, int(length.Seconds()*float64(rate))))
}

// repeat repeats the action so often. It ends early with the context.
func (f flood) repeat(ctx context.Context, behave string, rate, count int) error {
	command := exec.CommandContext(ctx, behave, f.action, strconv.Itoa(count)+"@"+strconv.Itoa(rate))
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	if out, err := command.CombinedOutput(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("flooding (%s): %w: %s", f.name, err, out)
	}
	return nil
}

// trial is how long a rate is tried.
const trial = 4 * time.Second

// settle is longer than the sensor takes to read the kernel's counters again.
const settle = 6 * time.Second

// findRates looks for the highest rate of each kind of which a sensor loses
// nothing, and returns half of it: the rest is for what else a machine does within
// an hour.
func findRates(ctx context.Context, s *sensor, behave string) (map[string]int, error) {
	found := make(map[string]int)
	for _, kind := range floods() {
		for rate := kind.first; rate <= kind.most; rate *= 2 {
			before, err := s.status(ctx)
			if err != nil {
				return nil, err
			}
			if err := kind.run(ctx, behave, rate, trial); err != nil {
				return nil, err
			}
			lost, err := s.lostSince(ctx, before)
			if err != nil {
				return nil, err
			}
			if lost > 0 {
				break
			}
			found[kind.name] = rate / 2
		}
		if found[kind.name] == 0 {
			return nil, fmt.Errorf("this machine holds no flood (%s) of %d a second", kind.name, kind.first)
		}
	}
	return found, nil
}
