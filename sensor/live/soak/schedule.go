package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// flood alternates the kinds of floods with pauses, each kind once in a cycle.
func (k *soak) flood(ctx context.Context) error {
	kinds := floods()
	part := k.cycle / time.Duration(len(kinds))
	for turn := 0; ctx.Err() == nil; turn++ {
		kind := kinds[turn%len(kinds)]
		if err := k.mark(flooding, true, kind.name); err != nil {
			return err
		}
		// Two thirds flood, one third pause.
		if err := kind.run(ctx, k.behave, k.rates[kind.name], part*2/3); err != nil {
			return err
		}
		if err := k.mark(flooding, false, kind.name); err != nil {
			return err
		}
		pause(ctx, part/3)
	}
	return nil
}

// reload lets the sensor read its rules again, twice a cycle, in floods and pauses
// alike.
func (k *soak) reload(ctx context.Context) error {
	for pause(ctx, k.cycle*5/11) {
		if err := k.sensor.reload(); err != nil {
			return err
		}
		if err := k.mark(reloadedSensor, true, ""); err != nil {
			return err
		}
	}
	return nil
}

// outages lets the receivers go away in turn for a third of a cycle each, and in
// every third cycle both. They are back when it ends.
func (k *soak) outages(ctx context.Context) error {
	type away struct {
		name string
		*receiver
	}
	both := []away{{noSyslog, k.syslog.receiver}, {noElastic, k.elastic.receiver}}
	for turn := 0; pause(ctx, k.cycle/2); turn++ {
		leave := both
		if turn%3 < 2 {
			leave = both[turn%3 : turn%3+1]
		}
		for _, one := range leave {
			one.away()
			if err := k.mark(one.name, true, ""); err != nil {
				return err
			}
		}
		pause(ctx, k.cycle/3)
		for _, one := range leave {
			if err := one.back(); err != nil {
				return err
			}
			if err := k.mark(one.name, false, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// pause waits; false says that the context has ended.
func pause(ctx context.Context, length time.Duration) bool {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// readDocuments hands over each line of files, those that end in .gz unpacked.
func readDocuments(ctx context.Context, files []string, take func([]byte) error) error {
	for _, path := range files {
		if err := readFile(path, take); err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func readFile(path string, take func([]byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	from := io.Reader(file)
	if strings.HasSuffix(path, ".gz") {
		if from, err = gzip.NewReader(file); err != nil {
			return err
		}
	}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if err := take(lines.Bytes()); err != nil {
			return err
		}
	}
	return lines.Err()
}
