package live

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// disk measures what an alert's line costs to write and sync with nothing else, and how
// much the disk has to do for it.
func (l latencies) disk(b *testing.B, size int, name string, figures map[string]float64) {
	b.Helper()
	file, err := os.OpenFile(filepath.Join(b.TempDir(), "line"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	line := append(bytes.Repeat([]byte("x"), size), '\n')
	before, counted := diskWorkOf(file)
	for range latencySamples {
		time.Sleep(latencyPause)
		began := time.Now()
		if _, err := file.Write(line); err != nil {
			b.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			b.Fatal(err)
		}
		l[syncing] = append(l[syncing], time.Since(began))
	}
	if after, ok := diskWorkOf(file); counted && ok {
		figures["disk_writes_a_sync_"+name] = float64(after.writes-before.writes) / latencySamples
		figures["disk_flushes_a_sync_"+name] = float64(after.flushes-before.flushes) / latencySamples
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
}

// diskWork is how many writes and flushes of its cache a disk has done. The kernel counts
// a request that asks for a flush and nothing else as a write, too.
type diskWork struct{ writes, flushes uint64 }

// diskWorkOf asks for those of the disk on which a file is; false where it is on none, or
// where the kernel does not count flushes, before Linux 5.5 (Documentation/block/stat.rst).
func diskWorkOf(file *os.File) (work diskWork, ok bool) {
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		return work, false
	}
	text, err := os.ReadFile(fmt.Sprintf("/sys/dev/block/%d:%d/stat", unix.Major(stat.Dev), unix.Minor(stat.Dev)))
	fields := strings.Fields(string(text))
	const writesField, flushesField = 4, 15
	if err != nil || len(fields) <= flushesField {
		return work, false
	}
	for _, one := range []struct {
		count *uint64
		field int
	}{{&work.writes, writesField}, {&work.flushes, flushesField}} {
		if *one.count, err = strconv.ParseUint(fields[one.field], 10, 64); err != nil {
			return work, false
		}
	}
	return work, true
}
