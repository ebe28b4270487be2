package tick

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestTicker(t *testing.T) {
	const interval = 20 * time.Millisecond
	began := time.Now()
	ticker := New(interval)
	for range 3 {
		<-ticker.C
	}
	if took := time.Since(began); took < 3*interval {
		t.Errorf("three ticks after %s", took)
	}
	before := timers(t)
	ticker.Stop()
	ticker.Stop()
	if after := timers(t); before-after != 1 {
		t.Errorf("%d timers are open, before %d", after, before)
	}
	drain(ticker)
	time.Sleep(3 * interval)
	select {
	case <-ticker.C:
		t.Error("it ticks after Stop")
	default:
	}
}

func drain(ticker *Ticker) {
	select {
	case <-ticker.C:
	default:
	}
}

// TestTickerHoldsOne has ticks that nobody takes not wait.
func TestTickerHoldsOne(t *testing.T) {
	ticker := New(time.Millisecond)
	defer ticker.Stop()
	time.Sleep(50 * time.Millisecond)
	if waiting := len(ticker.C); waiting > 1 {
		t.Errorf("%d ticks wait", waiting)
	}
	<-ticker.C
	<-ticker.C
}

// TestFallback has a process that may open no more files tick all the same.
func TestFallback(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 0
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	ticker := New(time.Millisecond)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	defer ticker.Stop()
	if ticker.fallback == nil {
		t.Error("a file was opened")
	}
	<-ticker.C
}

// timers counts the kernel's timers that this process has open.
func timers(t *testing.T) (count int) {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		target, err := os.Readlink("/proc/self/fd/" + file.Name())
		if err == nil && strings.Contains(target, "timerfd") {
			count++
		}
	}
	return count
}
