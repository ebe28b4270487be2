package live

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/auditrules/kernel"
)

// peerRounds is how often each peer is flooded, in turn with the others.
const peerRounds = 3

// peer is a program that receives audit records, beside which the sensor is
// measured.
type peer struct {
	name string
	// start starts it under the sensor's kernel rules; it returns its processes, whose
	// processor time counts, and what ends it.
	start func(b *testing.B) (pids []int, stop func())
	// events is how many connects it is flooded with: fewer for those that take long.
	events int
	runs   []floodResult
}

// BenchmarkPeersLive floods the sensor, the naive loop, auditd that writes RAW lines,
// LAUREL behind auditd, and go-libaudit with its Reassembler and aucoalesce, in turn
// in one run, under the same kernel rules. The flooding process waits for whoever
// receives. It is asked for with BENCH_PEERS=1.
func BenchmarkPeersLive(b *testing.B) {
	if os.Getenv("BENCH_PEERS") == "" {
		b.Skip("compares with programs of others for some minutes: make bench-peers")
	}
	needLive(b)
	unchanged(b)
	for range b.N {
		all := peers(b)
		for range peerRounds {
			for _, one := range all {
				one.runs = append(one.runs, one.flood(b))
			}
		}
		printPeers(b, all)
	}
}

// peers are those that are installed; the first two are the naive loop and the sensor.
func peers(b *testing.B) []*peer {
	b.Helper()
	all := []*peer{
		{name: "naive", start: startNaivePeer, events: floodEvents},
		{name: "sensor", start: startSensorPeer, events: floodEvents},
		{name: "go-libaudit", start: startLibauditPeer, events: floodEvents / 12},
	}
	if _, err := exec.LookPath("auditd"); err != nil {
		b.Log("auditd is not installed: it and LAUREL are left out")
		return all
	}
	all = append(all, &peer{name: "auditd RAW", start: startAuditdPeer, events: floodEvents / 6})
	if _, err := exec.LookPath("laurel"); err != nil {
		b.Log("LAUREL is not installed and left out")
		return all
	}
	return append(all, &peer{name: "auditd and LAUREL", start: startLaurelPeer, events: floodEvents / 12})
}

// flood starts the peer, floods it once and ends it.
func (p *peer) flood(b *testing.B) floodResult {
	b.Helper()
	client, err := kernel.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = client.Close() }() // only asked
	pids, stop := p.start(b)
	defer stop()
	before, err := client.Status()
	if err != nil {
		b.Fatal(err)
	}
	used := cpuOfAll(b, pids)
	out, err := exec.Command(built.behave, "flood", strconv.Itoa(p.events)).Output()
	if err != nil {
		b.Fatal(err)
	}
	waitForEmptyBacklog(b, client)
	waitUntilIdle(b, pids)
	after, err := client.Status()
	if err != nil {
		b.Fatal(err)
	}
	return floodResult{
		perSecond: float64(p.events) / floodTook(b, out).Seconds(),
		cpu:       (cpuOfAll(b, pids) - used) / time.Duration(p.events),
		lost:      after.Lost - before.Lost,
	}
}

// cpuOfAll adds up the processor time of processes.
func cpuOfAll(b *testing.B, pids []int) (total time.Duration) {
	b.Helper()
	for _, pid := range pids {
		total += cpuTime(b, pid)
	}
	return total
}

// waitUntilIdle waits until processes have done what they still had to: a plugin has
// a pipe full of records when the daemon has none.
func waitUntilIdle(b *testing.B, pids []int) {
	b.Helper()
	const look, little = 500 * time.Millisecond, 20 * time.Millisecond
	for last := cpuOfAll(b, pids); ; {
		time.Sleep(look)
		now := cpuOfAll(b, pids)
		if now-last < little {
			return
		}
		last = now
	}
}

func startNaivePeer(b *testing.B) ([]int, func()) {
	b.Helper()
	naive := startNaive(b, floodWaitTime)
	return []int{naive.command.Process.Pid}, naive.stop
}

func startLibauditPeer(b *testing.B) ([]int, func()) {
	b.Helper()
	loop := startReceiver(b, floodWaitTime, func() *exec.Cmd { return hold(b, "libaudit").command })
	return []int{loop.command.Process.Pid}, loop.stop
}

func startAuditdPeer(b *testing.B) ([]int, func()) {
	b.Helper()
	daemon := startRawAuditd(b, floodWaitTime, flushDefault)
	return []int{daemon.command.Process.Pid}, daemon.stop
}

func startSensorPeer(b *testing.B) ([]int, func()) {
	b.Helper()
	client, err := kernel.Open()
	if err != nil {
		b.Fatal(err)
	}
	before, err := client.Status()
	if err != nil {
		b.Fatal(err)
	}
	s := startSensor(b)
	if err := client.Set(kernel.SettingBacklogWaitTime, floodWaitTime); err != nil {
		b.Fatal(err)
	}
	return []int{s.command.Process.Pid}, func() {
		s.stop(syscall.SIGTERM)
		if err := client.Set(kernel.SettingBacklogWaitTime, before.BacklogWaitTime); err != nil {
			b.Error(err)
		}
		_ = client.Close() // only asked
	}
}

const (
	// laurelPlugin registers LAUREL with the daemon, as its own package does.
	laurelPlugin = "active = yes\ndirection = out\ntype = always\nformat = string\npath = %s\nargs = --config %s\n"
	// laurelConfig leaves LAUREL's defaults but for the place of its log.
	laurelConfig = "directory = %q\nstatusreport-period = 0\n[auditlog]\nfile = \"laurel.log\"\nsize = 1000000000\ngenerations = 1\n"
)

// startLaurelPeer starts an auditd that writes no log of its own and hands
// everything to LAUREL.
func startLaurelPeer(b *testing.B) ([]int, func()) {
	b.Helper()
	program, err := exec.LookPath("laurel")
	if err != nil {
		b.Fatal(err)
	}
	d := &auditDaemon{t: b, folder: b.TempDir()}
	if err := os.Mkdir(filepath.Join(d.folder, "plugins.d"), 0o750); err != nil {
		b.Fatal(err)
	}
	configuration := filepath.Join(d.folder, "laurel.toml")
	d.write("laurel.toml", fmt.Sprintf(laurelConfig, d.folder), 0o640)
	d.write("plugins.d/laurel.conf", fmt.Sprintf(laurelPlugin, program, configuration), 0o640)
	d.write("auditd.conf", strings.NewReplacer("ENRICHED", "RAW", "write_logs = yes", "write_logs = no").
		Replace(fmt.Sprintf(daemonConfig, d.folder))+"q_depth = 99999\n", 0o640)
	daemon := startReceiver(b, floodWaitTime, func() *exec.Cmd {
		command := exec.Command("auditd", "-n", "-s", "nochange", "-c", d.folder)
		if err := command.Start(); err != nil {
			b.Fatal(err)
		}
		return command
	})
	log := filepath.Join(d.folder, "laurel.log")
	wait(b, "LAUREL writes", func() bool {
		_, err := os.Stat(log)
		return err == nil
	})
	laurel := childOf(b, daemon.command.Process.Pid)
	return []int{daemon.command.Process.Pid, laurel}, func() {
		daemon.stop()
		text, err := os.ReadFile(log)
		if err != nil || len(text) == 0 {
			b.Errorf("LAUREL wrote nothing: %v", err)
		}
		// What does not fit into auditd's queue for plugins is dropped by auditd, and
		// costs LAUREL nothing.
		fmt.Printf("LAUREL wrote %d documents\n", bytes.Count(text, []byte{'\n'}))
	}
}

// printPeers prints the best of each, and its ratio to the naive loop and to the
// sensor.
func printPeers(b *testing.B, all []*peer) {
	b.Helper()
	fmt.Printf("\none datagram socket connected again and again by a process of root, which waits for the receiver; best of %d rounds in turn\n", peerRounds)
	fmt.Printf("%-20s %12s %10s %14s %10s %6s\n", "", "connects/s", "of naive's", "CPU us/connect", "of naive's", "lost")
	var naiveRate, naiveCPU float64
	for _, one := range all {
		best := contender{runs: one.runs}
		perSecond, cpu, lost, _ := best.best()
		if naiveCPU == 0 {
			naiveRate, naiveCPU = perSecond, cpu
		}
		fmt.Printf("%-20s %12.0f %10.2f %14.2f %10.2f %6.0f\n", one.name, perSecond, perSecond/naiveRate, cpu, cpu/naiveCPU, lost)
		name := strings.ReplaceAll(one.name, " ", "_")
		b.ReportMetric(perSecond, name+"_connects/s")
		b.ReportMetric(cpu, name+"_us/connect")
		b.ReportMetric(lost, name+"_lost")
	}
}
