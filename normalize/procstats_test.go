package normalize

import (
	"bytes"
	"os"
	"strconv"
	"testing"
)

// TestStatsOfAProcessThatEnds reads the open stat file of a process, of which nothing can
// be read once it has ended, and gives its descriptor back.
func TestStatsOfAProcessThatEnds(t *testing.T) {
	before := countDescriptors(t)
	stats := newProcStats(newProcFiles("/proc"))
	cmd, _ := startShell(t, "read line")
	pid := uint32(cmd.Process.Pid)
	for range 3 {
		data, err := stats.read(pid)
		if err != nil || !bytes.HasPrefix(data, strconv.AppendUint(nil, uint64(pid), 10)) {
			t.Fatalf("read %q, %v", data, err)
		}
	}
	if stats.open.peek(pid) == nil {
		t.Error("the file is not kept open")
	}
	end(cmd)
	if data, err := stats.read(pid); err == nil {
		t.Errorf("of a process that ended it read %q", data)
	}
	if stats.open.peek(pid) != nil {
		t.Error("the file of a process that ended is kept")
	}
	for range 2 * procStatsLimit {
		if _, err := stats.read(uint32(os.Getpid())); err != nil {
			t.Fatal(err)
		}
	}
	stats.close()
	if after := countDescriptors(t); after > before {
		t.Errorf("%d files are open, %d were before", after, before)
	}
}

// TestStatsAreBounded has no more files open than there may be.
func TestStatsAreBounded(t *testing.T) {
	stats := newProcStats(newProcFiles("/proc"))
	defer stats.close()
	read := 0
	processes, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range processes {
		pid, err := strconv.ParseUint(one.Name(), 10, 32)
		if err != nil {
			continue
		}
		if _, err := stats.read(uint32(pid)); err == nil {
			read++
		}
	}
	if kept := len(stats.open.index); kept == 0 || kept > min(read, procStatsLimit) {
		t.Errorf("of %d files %d are kept open", read, kept)
	}
}

// TestSiblingsShareAncestors climbs to init once for processes of one parent. On a busy
// machine more than a second may pass between two looks, then others are tried.
func TestSiblingsShareAncestors(t *testing.T) {
	r := newTestResolver(t)
	look := func() *Family {
		cmd, _ := startShell(t, "read line")
		family := patientFamily(t, r, queryNow(uint32(cmd.Process.Pid)), false)
		if len(family.Ancestors) == 0 || family.Ancestors[0].PID != uint32(os.Getpid()) {
			t.Fatalf("the ancestors are %+v", family.Ancestors)
		}
		return family
	}
	elder := look()
	for range 20 {
		younger := look()
		if &younger.Ancestors[0] == &elder.Ancestors[0] {
			return
		}
		elder = younger
	}
	t.Error("siblings never have the same list of ancestors")
}
