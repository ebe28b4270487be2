package normalize

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBootTimeOfThisHost(t *testing.T) {
	clock, err := newProcClock("/proc")
	if err != nil {
		t.Fatal(err)
	}
	btime, err := procReadBoot("/proc")
	if err != nil {
		t.Fatal(err)
	}
	if apart := time.Duration(clock.boot - btime); apart.Abs() > 1100*time.Millisecond {
		t.Errorf("the clocks say %d, btime %d", clock.boot, btime)
	}
}

func TestBootTimeWithoutTheClock(t *testing.T) {
	boot, err := procMeasureBoot()
	if err != nil {
		t.Skip(err)
	}
	for range 20 {
		got, err := procMeasureUptime("/proc")
		if err != nil {
			t.Fatal(err)
		}
		if late := time.Duration(got - boot); late > time.Millisecond || late < -11*time.Millisecond {
			t.Errorf("uptime gives a boot time %v later than the clock", late)
		}
		time.Sleep(time.Millisecond)
	}
	root := t.TempDir()
	for _, content := range []string{"", "x", "12 13", "12.345 13", ".12 13", "99999999999999999.00 1"} {
		if err := os.WriteFile(filepath.Join(root, "uptime"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := procMeasureUptime(root); err == nil {
			t.Errorf("%q is no error", content)
		}
	}
}

func TestBootTimeOfACopy(t *testing.T) {
	clock, err := newProcClock("testdata/proc/current/proc")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := clock.start(250), int64(1_700_000_002_500_000_000); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

func TestBootTimeIsMissing(t *testing.T) {
	root := t.TempDir()
	for content, want := range map[string]string{
		"":                                 "has no line",
		"btime soon\n":                     "has no line",
		"btime 99999999999999999999\n":     "has no line",
		"btime 9999999999999\n":            "has no line",
		"cpu 1\n btime 1700000000\nctxt 2": "has no line",
	} {
		if err := os.WriteFile(filepath.Join(root, "stat"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := newProcClock(root); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", content, err)
		}
	}
	if _, err := NewProcResolver(filepath.Join(root, "none"), nil); err == nil {
		t.Error("a directory that does not exist is no error")
	}
}

func TestStartedAfter(t *testing.T) {
	const boot = int64(1_700_000_000_000)
	measured := boot * int64(time.Millisecond)
	clock := &procClock{boot: measured, bootNow: measured, measure: func() (int64, error) { return measured, nil }}
	for name, test := range map[string]struct {
		ticks uint64
		event int64
		want  bool
	}{
		"long before":          {100, boot + 60_000, false},
		"at the same time":     {100, boot + 1000, false},
		"one tick later":       {101, boot + 1000, false},
		"as the clocks allow":  {102, boot + 1000, false},
		"beyond it":            {103, boot + 1000, true},
		"beyond it by 1 ms":    {102, boot + 999, true},
		"long after":           {100000, boot + 1000, true},
		"more ticks than time": {1<<64 - 1, boot, false},
	} {
		if got := clock.startedAfter(test.ticks, test.event); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	// After the time of day was set back, events seem to come from before.
	measured -= int64(time.Hour)
	if clock.startedAfter(100, boot+1000-3_600_000) {
		t.Error("setting the time of day back separates a process from its events")
	}
	if clock.start(0) != boot*int64(time.Millisecond) {
		t.Error("start times changed with the time of day")
	}
}
