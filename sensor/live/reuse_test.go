package live

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tripline/auditrules/kernel"
)

// Of the processes of "behave reuse" every fourth connects and then calls setsid.
const (
	reuseKinds = 4
	reuseBoth  = 0
)

// reuseCount is how many processes the stress of pids that are used again makes.
// TRIPLINE_STRESS names another number: 100000 for a long one.
func reuseCount(t *testing.T, usual int) int {
	t.Helper()
	text := os.Getenv("TRIPLINE_STRESS")
	if text == "" {
		return usual
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 1 {
		t.Fatalf("TRIPLINE_STRESS=%q is not the number of processes", text)
	}
	return count
}

// reusePIDs is how many pids there are. They last for more than 100 ms, within
// which the time of an event does not tell two processes apart.
const reusePIDs = 4096

// TestPIDsUsedAgain lets some thousand pids go from process to process. The
// processes differ in nothing that a record shows but in what they do, and are
// gone before anybody looks.
func TestPIDsUsedAgain(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t, "--rules", unlimitedRule(t), "--config", configured(t, oneAlertFile))
	outcome := stressReuse(t, s, reuseCount(t, 10000), reusePIDs)
	if outcome.wrong > 0 {
		t.Errorf("%d alerts for processes that did not connect and then call setsid", outcome.wrong)
	}
	if outcome.missed > 0 {
		t.Errorf("%d of %d true pairs were missed", outcome.missed, outcome.pairs)
	}
	s.stop(syscall.SIGTERM)
	t.Logf("%+v\n%s", outcome, said(s, "identities of processes"))
}

// TestPIDsUsedAgainWithoutForks is the same where the sensor may not be told of
// forks: what was gone too soon may be missed, but nothing is joined wrongly.
func TestPIDsUsedAgainWithoutForks(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startApart(t)
	if !strings.Contains(s.log(), "does not tell of forks") {
		t.Errorf("that it is not told of forks is not said:\n%s", s.log())
	}
	outcome := stressReuse(t, s, reuseCount(t, 10000), reusePIDs)
	if outcome.wrong > 0 {
		t.Errorf("%d alerts for processes that did not connect and then call setsid", outcome.wrong)
	}
	if outcome.verified == outcome.pairs {
		t.Error("every identity is called verified")
	}
	s.stop(syscall.SIGTERM)
	t.Logf("%+v\n%s", outcome, said(s, "identities of processes"))
}

// oneAlertFile is the configuration of a sensor that never begins a new file of
// alerts.
const oneAlertFile = "[output.alerts]\nmax_size = \"0\"\n"

// unlimitedRule is a folder with the shipped rule, which raises every alert.
func unlimitedRule(t testing.TB) string {
	t.Helper()
	const file = "suspicious_network_connection_attempt_by_root.toml"
	text, err := os.ReadFile(filepath.Join("../../rules", file))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	unlimited := strings.Replace(string(text), "max_signals = 100\n", "max_signals = 1000000\n", 1)
	if unlimited == string(text) {
		t.Fatal("the shipped rule does not say how many alerts it raises")
	}
	if err := os.WriteFile(filepath.Join(folder, file), []byte(unlimited), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// startApart starts a sensor in a network namespace of its own, where the kernel
// tells nothing of processes.
func startApart(t testing.TB) *runningSensor {
	t.Helper()
	rules, config := unlimitedRule(t), configured(t, oneAlertFile)
	started := make(chan *runningSensor)
	go func() {
		defer close(started)
		// A new process is in the namespace of the thread that makes it. This one
		// ends with the goroutine, because it is never unlocked.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Error(err)
			return
		}
		started <- launchSensor(t, "--rules", rules, "--config", config)
	}()
	s := <-started
	if s == nil {
		t.FailNow()
		return nil // FailNow does not; the linter does not know that of a testing.TB
	}
	select {
	case <-s.ready:
	case <-time.After(10 * time.Second):
		t.Fatalf("the sensor does not watch after 10 s; it said:\n%s", s.log())
	}
	return s
}

// reuseOutcome is what a sensor made of the stress.
type reuseOutcome struct {
	processes, pairs        int
	pids                    int // distinct ones
	alerts, wrong, missed   int
	verified                int // alerts whose identity is
	lost                    uint32
	took                    time.Duration
	cpuOfSensor, perProcess time.Duration
}

// stressReuse makes the processes and holds the alerts against what they did.
func stressReuse(t *testing.T, s *runningSensor, count, size int) reuseOutcome {
	t.Helper()
	client, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }() // only asked
	before, err := client.Status()
	if err != nil {
		t.Fatal(err)
	}
	outcome := reuseOutcome{processes: count}
	cpu, began := cpuTime(t, s.command.Process.Pid), time.Now()
	did := reusedBy(t, count, size)
	outcome.took = time.Since(began)
	want := make(map[int]int) // process number to pid
	pids := make(map[int]bool)
	for number, pid := range did {
		pids[pid] = true
		if number%reuseKinds == reuseBoth {
			want[number] = pid
		}
	}
	outcome.pairs, outcome.pids = len(want), len(pids)
	s.settle(t)
	outcome.cpuOfSensor = cpuTime(t, s.command.Process.Pid) - cpu
	outcome.perProcess = outcome.cpuOfSensor / time.Duration(count)
	after, err := client.Status()
	if err != nil {
		t.Fatal(err)
	}
	outcome.lost = after.Lost - before.Lost
	for _, alert := range s.alertsInFile(t) {
		outcome.alerts++
		if strings.Contains(alert.raw, `"identity":"verified"`) {
			outcome.verified++
		}
		number := reuseNumber(t, alert.Destination.IP)
		if pid, ok := want[number]; !ok || pid != alert.Process.PID {
			outcome.wrong++
			continue
		}
		delete(want, number)
	}
	outcome.missed = max(0, len(want)-int(outcome.lost))
	return outcome
}

// reusedBy makes the processes and returns the pid of each.
func reusedBy(t *testing.T, count, size int) []int {
	t.Helper()
	const first = 20000
	out, err := exec.Command(built.behave, "reuse", fmt.Sprintf("%d,%d,%d", count, first, size)).Output()
	if err != nil {
		var ended *exec.ExitError
		if errors.As(err, &ended) && ended.ExitCode() == noSuchWay {
			t.Skipf("this machine cannot: %s", ended.Stderr)
		}
		t.Fatalf("behave reuse: %v", err)
	}
	pids := make([]int, count)
	for line := range strings.Lines(string(out)) {
		var number, kind, pid int
		if _, err := fmt.Sscan(line, &number, &kind, &pid); err != nil {
			t.Fatalf("behave reuse said %q: %v", line, err)
		}
		pids[number] = pid
	}
	return pids
}

// reuseNumber is the number of the process that connects to an address.
func reuseNumber(t *testing.T, address string) int {
	t.Helper()
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.Is4() {
		t.Fatalf("an alert has the destination %q", address)
	}
	bytes := ip.As4()
	return int(bytes[1]-1)<<16 | int(bytes[2])<<8 | int(bytes[3])
}

// alertsInFile are the alerts that the sensor wrote to its file. Standard output
// may get fewer: a reader that is too slow for thousands of alerts at once misses
// some, which the sensor says.
func (s *runningSensor) alertsInFile(t *testing.T) []alertDocument {
	t.Helper()
	written, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	var alerts []alertDocument
	for line := range strings.Lines(string(written)) {
		document := parseAlert(t, line)
		if len(document.Tripline.Alert.Sequence) > 0 {
			alerts = append(alerts, document)
		}
	}
	return alerts
}

// settle waits until no alert has come for a second.
func (s *runningSensor) settle(t *testing.T) {
	t.Helper()
	for count := -1; count != s.count(); time.Sleep(time.Second) {
		count = s.count()
	}
}

// said is the line of the sensor's log with a text in it.
func said(s *runningSensor, text string) string {
	for line := range strings.Lines(s.log()) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return "nothing is said of " + text
}
