package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/auditrules/kernel"
	"tripline/sensor/selftest"
)

// selftestRuns is how often every technique is performed in each situation:
// TRIPLINE_SELFTEST_RUNS, or 1.
func selftestRuns(t *testing.T) int {
	t.Helper()
	text := os.Getenv("TRIPLINE_SELFTEST_RUNS")
	if text == "" {
		return 1
	}
	runs, err := strconv.Atoi(text)
	if err != nil || runs < 1 {
		t.Fatalf("TRIPLINE_SELFTEST_RUNS is %q, which is no number of runs", text)
	}
	return runs
}

// selftestAll performs every technique in a folder of the test's own, which must
// be empty afterwards.
func selftestAll(t *testing.T, args ...string) []selftest.Result {
	t.Helper()
	folder := t.TempDir()
	command := exec.Command(built.tripline, append([]string{"selftest", "--all", "--json"}, args...)...)
	command.Env = append(os.Environ(), "TMPDIR="+folder)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil && command.ProcessState == nil || stderr.Len() > 0 && len(out) == 0 {
		t.Errorf("selftest --all: %v; it said:\n%s", err, stderr.String())
	}
	var results []selftest.Result
	for line := range strings.Lines(string(out)) {
		var one selftest.Result
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("a line is no JSON: %v: %q", err, line)
		}
		results = append(results, one)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) > 0 {
		t.Errorf("the self-test left %v behind: %v", left, err)
	}
	return results
}

// endless is more connects than are ever made.
const endless = "2000000000"

// TestSelftestAll performs every technique idle, and while another process of root
// connects: nine tenths as often as a loop that only receives can take without loss
// on this machine now, and, where TRIPLINE_SELFTEST_RUNS is set, as fast as it can.
// In the last case the kernel loses millions of records to any receiver, so that
// what becomes of it is reported and not judged.
func TestSelftestAll(t *testing.T) {
	needLive(t)
	unchanged(t)
	runs := selftestRuns(t)
	t.Run("idle", func(t *testing.T) { judgeSelftests(t, runs, t.Errorf) })
	t.Run("flood", func(t *testing.T) {
		rate := heldRate(t) * 9 / 10
		if rate == 0 {
			t.Skip("this machine loses records to a loop that only receives at 5,000 connects a second")
		}
		stop := startFlood(t, endless+"@"+strconv.Itoa(rate))
		defer func() { t.Logf("in a flood of %d connects a second, of which %d were made", rate, stop()) }()
		judgeSelftests(t, runs, t.Errorf)
	})
	t.Run("full speed", func(t *testing.T) {
		if os.Getenv("TRIPLINE_SELFTEST_RUNS") == "" {
			t.Skip("set TRIPLINE_SELFTEST_RUNS to see what becomes of it")
		}
		const atMost = 3 // each takes a minute
		stop := startFlood(t, endless)
		defer func() { t.Logf("in a flood at full speed, %d connects a second", stop()) }()
		judgeSelftests(t, min(runs, atMost), t.Logf)
	})
}

// startFlood starts a flood and returns what ends it and says how many connects a
// second it made.
func startFlood(t testing.TB, argument string) (stop func() int) {
	t.Helper()
	flood := exec.Command(built.behave, "flood", argument)
	var said bytes.Buffer
	flood.Stdout = &said
	if err := flood.Start(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	return func() int {
		if err := flood.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := flood.Wait(); err != nil {
			t.Errorf("the flood: %v", err)
		}
		words := strings.Fields(said.String())
		made, err := strconv.Atoi(words[len(words)-1])
		if err != nil {
			t.Errorf("the flood said %q", said.String())
		}
		return int(float64(made) / time.Since(began).Seconds())
	}
}

// judgeSelftests holds every result against what the technique is: nothing may be
// explained away that this kernel reports. fail is told of what is not as it should
// be.
func judgeSelftests(t *testing.T, runs int, fail func(format string, args ...any)) {
	t.Helper()
	counts := map[selftest.Outcome]int{}
	var slowest int64
	lost := kernelLost(t)
	defer func() { t.Logf("the kernel lost %d records", kernelLost(t)-lost) }()
	for run := range runs {
		results := selftestAll(t)
		expected := 0
		for _, one := range selftest.All() {
			if !one.Slow {
				expected++
			}
		}
		if len(results) != expected {
			t.Fatalf("run %d has %d results, want %d", run+1, len(results), expected)
		}
		for _, one := range results {
			counts[one.Outcome]++
			slowest = max(slowest, one.Milliseconds)
			switch {
			case one.Outcome == one.Expected && (one.Outcome == selftest.Quiet || one.Record != ""):
			case one.OK && one.Reason != "":
				if run == 0 {
					t.Logf("%s is %s: %s", one.Technique, one.Outcome, one.Reason)
				}
			default:
				fail("run %d: %+v", run+1, one)
			}
		}
	}
	t.Logf("%d runs: %v; the slowest detection took %d ms", runs, counts, slowest)
}

// kernelLost is the kernel's count of lost records.
func kernelLost(t *testing.T) uint32 {
	t.Helper()
	client, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	status, err := client.Status()
	if err := errors.Join(err, client.Close()); err != nil {
		t.Fatal(err)
	}
	return status.Lost
}

// TestSelftestAllBeside performs every technique beside a running sensor, whose
// own alerts are then no tests.
func TestSelftestAllBeside(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t)
	detected := 0
	for _, one := range selftestAll(t) {
		if !one.OK {
			t.Errorf("%+v", one)
		}
		if one.Detected {
			detected++
		}
	}
	// One more is the sample that ends the silence.
	for deadline := time.Now().Add(soon); s.count() < detected+1 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if s.count() != detected+1 {
		t.Errorf("the sensor raised %d alerts for %d detections", s.count(), detected)
	}
}

// TestSelftestInterrupted ends a self-test in the middle: nothing of it is left.
func TestSelftestInterrupted(t *testing.T) {
	needLive(t)
	unchanged(t)
	for _, after := range []time.Duration{300 * time.Millisecond, time.Second, 2 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			folder := t.TempDir()
			command := exec.Command(built.tripline, "selftest", "--all")
			command.Env = append(os.Environ(), "TMPDIR="+folder)
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(after)
			if err := command.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			if err := command.Wait(); err == nil {
				t.Log("the self-test was over before it was interrupted")
			}
			left, err := os.ReadDir(folder)
			if err != nil || len(left) > 0 {
				t.Errorf("%v is left: %v", left, err)
			}
			if found := processesNamed(t, selftest.ChildCommand); len(found) > 0 {
				t.Errorf("samples still run: %v", found)
			}
		})
	}
}

// processesNamed lists the processes that have a word among their arguments, and
// waits a moment for those that are about to end.
func processesNamed(t *testing.T, word string) []string {
	t.Helper()
	var found []string
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		found = nil
		entries, err := os.ReadDir("/proc")
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			arguments, err := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
			if err == nil && strings.Contains(string(arguments), "\x00"+word+"\x00") {
				found = append(found, entry.Name())
			}
		}
		if len(found) == 0 {
			return nil
		}
	}
	return found
}
