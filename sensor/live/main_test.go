package live

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"tripline/auditrules/kernel"
)

var record = flag.Bool("record", false, "record the logs under testdata/ anew on this kernel")

// programs are the binaries under test, built once for all tests.
type programs struct {
	folder, tripline, behave string
	// behave32 is behave as a 32-bit program, on 64-bit machines of its kind.
	behave32 string
}

var built programs

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(runAll(m))
}

// runAll builds the programs, runs the tests and checks that kernel audit is
// left as it was found.
func runAll(m *testing.M) int {
	if reason := whyNotLive(); reason != nil {
		return m.Run() // every test skips or fails with the reason
	}
	before, err := snapshot()
	if err != nil {
		fmt.Fprintln(os.Stderr, "reading the state of kernel audit:", err)
		return 1
	}
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(built.folder)
	code := m.Run()
	after, err := snapshot()
	if err != nil {
		fmt.Fprintln(os.Stderr, "reading the state of kernel audit:", err)
		return 1
	}
	if difference := before.difference(after); difference != "" {
		fmt.Fprintln(os.Stderr, "the tests changed kernel audit:", difference)
		repair()
		return 1
	}
	return code
}

// repair puts back what a sensor that did not end well has changed, so that one
// failed test does not make others fail.
func repair() {
	out, err := exec.Command(built.tripline, "rules", "remove").CombinedOutput()
	fmt.Fprintf(os.Stderr, "tripline rules remove: %v\n%s", err, out)
}

// build compiles the sensor and the helper, static so that they also run in an
// empty root directory.
func build() error {
	folder, err := os.MkdirTemp("", "tripline-live-")
	if err != nil {
		return err
	}
	// Other users run the programs too.
	if err := os.Chmod(folder, 0o755); err != nil {
		return err
	}
	built = programs{folder: folder, tripline: filepath.Join(folder, "tripline"), behave: filepath.Join(folder, "behave")}
	if err := compile(built.tripline, "tripline/cmd/tripline", runtime.GOARCH); err != nil {
		return err
	}
	if runtime.GOARCH == "amd64" {
		built.behave32 = built.behave + "32"
		if err := compile(built.behave32, "tripline/sensor/live/behave", "386"); err != nil {
			return err
		}
	}
	return compile(built.behave, "tripline/sensor/live/behave", runtime.GOARCH)
}

func compile(output, from, arch string) error {
	command := exec.Command("go", "build", "-buildvcs=false", "-o", output, from)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", from, err, out)
	}
	return nil
}

// needLive skips a test where kernel audit cannot be used, or fails it where it
// must not be skipped.
func needLive(t testing.TB) {
	t.Helper()
	reason := whyNotLive()
	if reason == nil {
		return
	}
	if os.Getenv("CI") == "true" || os.Getenv("TRIPLINE_LIVE") == "require" {
		t.Fatalf("this live test must run here and cannot: %v", reason)
	}
	t.Skipf("needs the kernel's audit: %v", reason)
}

// whyNotLive says why kernel audit cannot be used, nil where it can.
func whyNotLive() error {
	client, err := kernel.Open()
	if err != nil {
		return err
	}
	status, err := client.Status()
	if err != nil {
		return errors.Join(err, client.Close())
	}
	if status.Locked() {
		err = kernel.ErrLocked
	} else if status.PID != 0 {
		err = fmt.Errorf("process %d holds the audit socket; stop the audit daemon first", status.PID)
	}
	return errors.Join(err, client.Close())
}

// auditState is what must be the same before and after.
type auditState struct {
	status kernel.Status
	rules  []byte
	list   [][]byte // the rules one by one
}

func snapshot() (auditState, error) {
	client, err := kernel.Open()
	if err != nil {
		return auditState{}, err
	}
	status, statusErr := client.Status()
	rules, rulesErr := client.Rules()
	// What only counts is left out.
	status.Lost, status.Backlog = 0, 0
	return auditState{status: status, rules: bytes.Join(rules, []byte{'\n'}), list: rules},
		errors.Join(statusErr, rulesErr, client.Close())
}

// difference names what differs, empty where nothing does.
func (s auditState) difference(other auditState) string {
	if s.status != other.status {
		return fmt.Sprintf("status was %+v and is %+v", s.status, other.status)
	}
	if !bytes.Equal(s.rules, other.rules) {
		return fmt.Sprintf("rules were %q and are %q", s.rules, other.rules)
	}
	return ""
}

// unchanged checks at the end of a test that kernel audit is as it was.
func unchanged(t testing.TB) {
	t.Helper()
	before, err := snapshot()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		after, err := snapshot()
		if err != nil {
			t.Error(err)
		}
		if difference := before.difference(after); difference != "" {
			t.Errorf("kernel audit was changed: %s", difference)
			repair()
		}
	})
}
