package normalize

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// procTick is the unit of start times in /proc/PID/stat. USER_HZ is 100 on every
// architecture that Go runs on, whatever the kernel's own HZ.
const procTick = 10 * time.Millisecond

// procClockSlack is how much earlier than its process an event may seem to be.
// Event times come from a clock that advances once in up to 10 ms and are cut to
// milliseconds.
const procClockSlack = procTick + 10*time.Millisecond

// procClock relates start times, which count from boot, to event times, which
// are times of day.
type procClock struct {
	// boot is when the host was booted, in nanoseconds since the Unix epoch, as it
	// seemed first. It never changes, so that start times don't either.
	boot int64
	// bootNow is the same by the present time of day. It differs once the time of
	// day has been set.
	bootNow int64
	// now reads the time of day, and measure both clocks.
	now     func() time.Time
	measure func() (boot int64, err error)
}

// newProcClock uses the kernel's clocks where root is a proc file system, and
// what root/stat says where it is a copy of one.
func newProcClock(root string) (*procClock, error) {
	measures := []func() (int64, error){func() (int64, error) { return procReadBoot(root) }}
	if procIsMounted(root) {
		measures = []func() (int64, error){
			procMeasureBoot,
			func() (int64, error) { return procMeasureUptime(root) }, // before 2.6.39
		}
	}
	var failed []error
	for _, measure := range measures {
		boot, err := measure()
		if err == nil {
			return &procClock{boot: boot, bootNow: boot, now: time.Now, measure: measure}, nil
		}
		failed = append(failed, err)
	}
	return nil, errors.Join(failed...)
}

// start is the time of day at which a process started, in nanoseconds since the
// Unix epoch. Its precision is that of a tick.
func (c *procClock) start(ticks uint64) int64 {
	return c.boot + int64(ticks)*int64(procTick)
}

// startedAfter says whether a process that started at ticks cannot have caused
// an event of the time given in milliseconds since the Unix epoch.
func (c *procClock) startedAfter(ticks uint64, event int64) bool {
	earliest := event*int64(time.Millisecond) + int64(procClockSlack) - int64(ticks)*int64(procTick)
	if c.bootNow <= earliest {
		return false
	}
	c.refresh() // the time of day may have been set back
	return c.bootNow > earliest
}

// startedBefore says whether a process that started at ticks certainly existed at
// the time of an event, given in milliseconds since the Unix epoch.
func (c *procClock) startedBefore(ticks uint64, event int64) bool {
	return int64(ticks+1)*int64(procTick) < c.sinceBoot(event*int64(time.Millisecond))
}

// sinceBoot is a time of day, in nanoseconds since the Unix epoch, as one since
// the host was booted, by the present time of day.
func (c *procClock) sinceBoot(day int64) int64 { return day - c.bootNow }

// refresh notices that the time of day was set.
func (c *procClock) refresh() {
	if boot, err := c.measure(); err == nil {
		c.bootNow = boot
	}
}

// procMeasureBoot compares the time of day with the time since boot. It tries
// again where so much time passed between the readings that they do not compare.
func procMeasureBoot() (int64, error) {
	var before, day, after unix.Timespec
	for range 5 {
		err := errors.Join(
			unix.ClockGettime(unix.CLOCK_BOOTTIME, &before),
			unix.ClockGettime(unix.CLOCK_REALTIME, &day),
			unix.ClockGettime(unix.CLOCK_BOOTTIME, &after))
		if err != nil {
			return 0, fmt.Errorf("clock_gettime: %w", err)
		}
		if after.Nano()-before.Nano() < int64(100*time.Microsecond) {
			break
		}
	}
	return day.Nano() - before.Nano()/2 - after.Nano()/2, nil
}

// procMeasureUptime compares the time of day with root/uptime, which counts the
// hundredths of a second that have passed as a whole. The result is the earliest
// time of boot that this allows.
func procMeasureUptime(root string) (int64, error) {
	path := filepath.Join(root, "uptime")
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("boot time: %w", err)
	}
	now := time.Now()
	text, _, _ := bytes.Cut(data, []byte(" "))
	seconds, hundredths, _ := bytes.Cut(text, []byte("."))
	whole, ok := procParseUint(seconds)
	part, okPart := procParseUint(hundredths)
	if !ok || !okPart || whole > procMaxSeconds || part > 99 {
		return 0, fmt.Errorf("boot time: %s does not begin with SECONDS.HUNDREDTHS", path)
	}
	const hundredth = 10 * time.Millisecond
	uptime := int64(whole)*int64(time.Second) + int64(part+1)*int64(hundredth)
	return now.UnixNano() - uptime, nil
}

// procReadBoot reads the time of boot, in whole seconds, from the line "btime" of
// root/stat.
func procReadBoot(root string) (int64, error) {
	path := filepath.Join(root, "stat")
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("boot time: %w", err)
	}
	for line := range bytes.Lines(data) {
		value, found := bytes.CutPrefix(line, []byte("btime "))
		if !found {
			continue
		}
		if seconds, ok := procParseUint(bytes.TrimSpace(value)); ok && seconds <= procMaxSeconds {
			return int64(seconds) * int64(time.Second), nil
		}
	}
	return 0, fmt.Errorf("boot time: %s has no line \"btime SECONDS\"", path)
}

// procMaxSeconds keeps times in nanoseconds within an int64.
const procMaxSeconds = 9_000_000_000
