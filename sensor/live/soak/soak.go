package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"tripline/sensor/alertlog"
)

// soak is one that runs.
type soak struct {
	*settings
	sensor   *sensor
	syslog   *syslogServer
	elastic  *cluster
	pairs    *pairs
	rates    map[string]int
	began    time.Time
	problems chan error

	mu     sync.Mutex // of what follows
	to     io.Writer
	record Record
}

// soakHost runs a soak on this machine.
func soakHost(ctx context.Context, s *settings, to io.Writer) (*Verdict, error) {
	k := &soak{settings: s, to: to, pairs: &pairs{behave: s.behave}, problems: make(chan error, 16)}
	var err error
	if k.syslog, err = newSyslogServer(k.problems); err != nil {
		return nil, err
	}
	defer k.syslog.away()
	if k.elastic, err = newCluster(k.problems); err != nil {
		return nil, err
	}
	defer k.elastic.away()
	if err := prepareFolder(s.folder, k.syslog.address, k.elastic.address); err != nil {
		return nil, err
	}
	if err := k.chooseRates(ctx); err != nil {
		return nil, err
	}
	if k.sensor, err = startSensor(ctx, s.tripline, s.folder); err != nil {
		return nil, err
	}
	workErr := k.fillTables(ctx)
	if workErr == nil {
		workErr = k.work(ctx)
	}
	stopErr := k.sensor.stop()
	if workErr != nil {
		return nil, errors.Join(workErr, stopErr)
	}
	return k.judge(ctx, stopErr)
}

// chooseRates finds the rates of the floods with a sensor of its own, so that what
// is lost in finding them is not of the soak.
func (k *soak) chooseRates(ctx context.Context) error {
	if k.rate > 0 {
		k.rates = make(map[string]int)
		for i, kind := range floods() {
			k.rates[kind.name] = max(1, k.rate/[]int{1, 2, 40}[i])
		}
		return nil
	}
	trying, err := startSensor(ctx, k.tripline, k.folder)
	if err != nil {
		return err
	}
	k.rates, err = findRates(ctx, trying, k.behave)
	return errors.Join(err, trying.stop())
}

// fillRate is so low that none of the sequences that begin is given up: 8192 may
// wait, for a minute each.
const fillRate = 120

// fillTables fills the sensor's tables.
func (k *soak) fillTables(ctx context.Context) error {
	if k.fill == 0 {
		return nil
	}
	kind := flood{name: "processes", action: "process-flood"}
	return kind.repeat(ctx, k.behave, fillRate, k.fill)
}

// work runs the schedule and takes samples until the time is over, and then waits
// until everything was delivered.
func (k *soak) work(ctx context.Context) error {
	k.began = time.Now()
	first, err := k.sensor.status(ctx)
	if err != nil {
		return err
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // only told
	if err := k.write(Line{Head: &Head{
		Version: first.Version, Kernel: string(release[:max(0, len(release)-1)]), CPUs: runtime.NumCPU(),
		Began: k.began.UTC().Format(time.RFC3339), Planned: k.length.Seconds(), Rates: k.rates,
	}}); err != nil {
		return err
	}
	timed, cancel := context.WithTimeout(ctx, k.length)
	defer cancel()
	var running sync.WaitGroup
	for _, part := range []func(context.Context) error{
		k.flood, k.reload, k.outages, func(ctx context.Context) error { return k.pairs.run(ctx, k.interval) },
	} {
		running.Go(func() {
			if err := part(timed); err != nil {
				tell(k.problems, err)
				cancel()
			}
		})
	}
	sampleErr := k.sampleUntil(timed)
	cancel()
	running.Wait()
	if err := errors.Join(sampleErr, k.problem(), ctx.Err()); err != nil {
		return err
	}
	return k.drain(ctx)
}

// problem is what a part of the soak reported, nil where all is well.
func (k *soak) problem() error {
	var all error
	for len(k.problems) > 0 {
		all = errors.Join(all, <-k.problems)
	}
	return all
}

// sampleUntil takes samples until the context ends.
func (k *soak) sampleUntil(ctx context.Context) error {
	ticker := time.NewTicker(k.interval)
	defer ticker.Stop()
	for {
		if err := k.sample(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// sample takes one sample.
func (k *soak) sample(ctx context.Context) error {
	now, err := k.sensor.status(ctx)
	if err != nil {
		return err
	}
	taken := &Sample{
		At: time.Since(k.began).Seconds(), Resident: now.Process.Resident, Heap: now.Process.Heap, CPU: now.Process.CPU,
		Goroutines: now.Process.Goroutines, Forks: now.Identities.Forks, Records: now.Records.Received, Events: now.Events.Joined, Pending: now.Engine.Pending,
		KernelLost: kernelLost(now), RecordsLost: recordsLost(now), Lost: losses(now), Reloads: now.Reloads.Done, FailedReloads: now.Reloads.Failed,
		Planted: len(k.pairs.all()), Raised: now.Alerts.Raised, Syslog: k.syslog.got.count(), Elasticsearch: k.elastic.got.count(),
	}
	for _, output := range now.Outputs {
		taken.SpoolBytes += output.SpoolBytes
		taken.Waiting += output.Waiting
		taken.DocumentsLost += output.Dropped + output.Failed
	}
	return k.write(Line{Sample: taken})
}

// write writes a line and keeps it.
func (k *soak) write(line Line) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.record.add(line)
	return writeLine(k.to, line)
}

func (k *soak) mark(what string, begin bool, detail string) error {
	return k.write(Line{Mark: &Mark{At: time.Since(k.began).Seconds(), What: what, Begin: begin, Detail: detail}})
}

// drainLimit is how long deliveries may take at the end: a sender that failed for
// long waits for up to a minute before it tries again.
const drainLimit = 3 * time.Minute

// drain waits until every pair arrived and nothing waits, and takes a last sample.
func (k *soak) drain(ctx context.Context) error {
	pause(ctx, settle)
	for deadline := time.Now().Add(drainLimit); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(time.Second) {
		now, err := k.sensor.status(ctx)
		if err != nil {
			return err
		}
		waiting := uint64(0)
		for _, output := range now.Outputs {
			waiting += output.Waiting
		}
		planted := len(k.pairs.all())
		if waiting == 0 && k.syslog.got.count() >= planted && k.elastic.got.count() >= planted {
			break
		}
	}
	return errors.Join(k.sample(ctx), k.problem())
}

// fileArrivals reads the sensor's alert files.
func (k *soak) fileArrivals(ctx context.Context) (*arrivals, error) {
	files, err := alertlog.Files(filepath.Join(k.folder, "alerts.ndjson"))
	if err != nil {
		return nil, fmt.Errorf("looking for alert files: %w", err)
	}
	got := newArrivals()
	return got, readDocuments(ctx, files, got.add)
}
