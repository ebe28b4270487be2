package live

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/detect"
)

// receiver is an audit daemon that the sensor is compared with, under the kernel
// rules and settings that the sensor would have.
type receiver struct {
	t         testing.TB
	client    *kernel.Client
	before    auditState
	command   *exec.Cmd
	installed *auditrules.Installed
}

// startNaive starts a loop that receives one record with each recvfrom(2) and throws
// it away, with a backlog wait time in jiffies.
func startNaive(t testing.TB, waitTime uint32) *receiver {
	t.Helper()
	return startReceiver(t, waitTime, func() *exec.Cmd { return hold(t, "naive").command })
}

// flushDefault is how auditd flushes as its package has it.
const flushDefault = "flush = INCREMENTAL_ASYNC"

// startRawAuditd starts an auditd that writes what it receives and does nothing else
// to it; flush is the line of its configuration for that.
func startRawAuditd(t testing.TB, waitTime uint32, flush string) *receiver {
	t.Helper()
	d := &auditDaemon{t: t, folder: t.TempDir()}
	d.write("auditd.conf", strings.NewReplacer("ENRICHED", "RAW", flushDefault, flush).Replace(fmt.Sprintf(daemonConfig, d.folder)), 0o640)
	return startReceiver(t, waitTime, func() *exec.Cmd {
		command := exec.Command("auditd", "-n", "-s", "nochange", "-c", d.folder)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		return command
	})
}

// startReceiver starts a daemon that registers itself, and installs the rules.
func startReceiver(t testing.TB, waitTime uint32, start func() *exec.Cmd) *receiver {
	t.Helper()
	client, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, client: client}
	if r.before, err = snapshot(); err != nil {
		t.Fatal(err)
	}
	r.command = start()
	wait(t, "the daemon holds the audit socket", func() bool {
		status, err := client.Status()
		if err != nil {
			t.Fatal(err)
		}
		return int(status.PID) == r.command.Process.Pid
	})
	for setting, value := range map[kernel.Setting]uint32{
		kernel.SettingBacklogWaitTime: waitTime, kernel.SettingBacklogLimit: 8192, kernel.SettingEnabled: 1,
	} {
		if err := client.Set(setting, value); err != nil {
			t.Fatal(err)
		}
	}
	if r.installed, err = auditrules.Install(client, rootPlan(t)); err != nil {
		t.Fatal(err)
	}
	return r
}

// stop ends the daemon and puts everything back.
func (r *receiver) stop() {
	r.t.Helper()
	if err := r.installed.Remove(); err != nil {
		r.t.Error(err)
	}
	if err := r.command.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Error(err)
	}
	_ = r.command.Wait() // ended by the signal
	for _, setting := range []kernel.Setting{kernel.SettingEnabled, kernel.SettingBacklogLimit, kernel.SettingBacklogWaitTime} {
		if err := r.client.Set(setting, setting.Of(r.before.status)); err != nil {
			r.t.Error(err)
		}
	}
	waitForNoOwner(r.t, r.client)
	if err := r.client.Close(); err != nil {
		r.t.Error(err)
	}
}

// heldRates are the floods, in connects a second, that heldRate tries.
func heldRates() []int { return []int{5_000, 10_000, 15_000, 20_000, 30_000, 40_000, 60_000, 80_000} }

// heldRate finds the fastest flood of which the kernel loses nothing to the naive
// loop while no process waits for it, in connects a second: what is beyond it is
// lost before any receiver could do something about it. A busy machine makes fewer
// connects than it is told to. 0 is none.
func heldRate(t testing.TB) int {
	t.Helper()
	n := startNaive(t, 0)
	defer n.stop()
	best, most := 0, 0
	for _, rate := range heldRates() {
		lost, made := floodAt(t, n.client, rate)
		if lost > 0 || made <= most { // a busy machine may make no more
			break
		}
		best, most = rate, made
	}
	return best
}

// floodAt floods for two seconds and says what the kernel lost and how many connects a
// second were made.
func floodAt(t testing.TB, client *kernel.Client, rate int) (lost uint32, made int) {
	t.Helper()
	before, err := client.Status()
	if err != nil {
		t.Fatal(err)
	}
	const seconds = 2
	out, err := exec.Command(built.behave, "flood", strconv.Itoa(seconds*rate)+"@"+strconv.Itoa(rate)).Output()
	if err != nil {
		t.Fatal(err)
	}
	waitForEmptyBacklog(t, client)
	after, err := client.Status()
	if err != nil {
		t.Fatal(err)
	}
	return after.Lost - before.Lost, int(seconds * float64(rate) / floodTook(t, out).Seconds())
}

// waitForEmptyBacklog waits until the kernel has handed over what it has.
func waitForEmptyBacklog(t testing.TB, client *kernel.Client) {
	t.Helper()
	wait(t, "the backlog is empty", func() bool {
		status, err := client.Status()
		if err != nil {
			t.Fatal(err)
		}
		return status.Backlog == 0
	})
	time.Sleep(300 * time.Millisecond) // for what the receiver still has to read
}

// waitForNoOwner makes the kernel notice that the naive loop is gone.
func waitForNoOwner(b testing.TB, client *kernel.Client) {
	b.Helper()
	wait(b, "the kernel noticed the loop's end", func() bool {
		status, err := client.Status()
		if err != nil {
			b.Fatal(err)
		}
		if status.PID != 0 {
			// Any change makes a record, and the record finds nobody.
			_ = client.Set(kernel.SettingBacklogLimit, status.BacklogLimit)
		}
		return status.PID == 0
	})
}

// rootPlan is what the shipped rule asks of the kernel.
func rootPlan(b testing.TB) *auditrules.Plan {
	b.Helper()
	root := []detect.Condition{{Field: "user.id", Values: []string{"0"}}}
	plan, err := auditrules.NewPlan([]detect.Need{
		{Category: "network", Actions: []string{"connection_attempted"}, Conditions: root},
		{Category: "process", Actions: []string{"session_id_change"}, Conditions: root},
	}, hostFeatures(b), "tripline")
	if err != nil {
		b.Fatal(err)
	}
	return plan
}
