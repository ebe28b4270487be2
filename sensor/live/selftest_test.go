package live

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

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
	if err != nil {
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

// TestSelftestAll performs every technique, idle and while another process of root
// connects as fast as it can.
func TestSelftestAll(t *testing.T) {
	needLive(t)
	unchanged(t)
	runs := selftestRuns(t)
	t.Run("idle", func(t *testing.T) { judgeSelftests(t, runs) })
	t.Run("flood", func(t *testing.T) {
		if os.Getenv("TRIPLINE_SELFTEST_RUNS") == "" {
			t.Skip("a flood at full speed loses records on some machines, and that loss is not the test's matter: set TRIPLINE_SELFTEST_RUNS to run it")
		}
		flood := exec.Command(built.behave, "flood", "2000000000")
		if err := flood.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = flood.Process.Kill() // that is how it ends
			_ = flood.Wait()
		}()
		judgeSelftests(t, runs)
	})
}

// judgeSelftests holds every result against what the technique is: nothing may be
// explained away that this kernel reports.
func judgeSelftests(t *testing.T, runs int) {
	t.Helper()
	counts := map[selftest.Outcome]int{}
	var slowest int64
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
				t.Errorf("run %d: %+v", run+1, one)
			}
		}
	}
	t.Logf("%d runs: %v; the slowest detection took %d ms", runs, counts, slowest)
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
