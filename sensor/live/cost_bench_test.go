package live

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/elastic/go-libaudit/v2/rule"
	"github.com/elastic/go-libaudit/v2/rule/flags"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
)

// costRounds is how often each set of rules is measured, in turn with the others.
const costRounds = 7

// throughputRounds is how often the throughput of connections beside the sensor is
// compared with that beside the naive loop.
const throughputRounds = 20

// ruleSet is a set of kernel rules whose cost is measured.
type ruleSet struct {
	name string
	plan *auditrules.Plan // nil for no rules
	// cost has for each action of behave the picoseconds that one call took, by
	// round.
	cost map[string][]float64
}

// BenchmarkLiveCost measures what the shipped rule's plan costs the processes that
// it is not about: system calls that match nothing, and connects to a Unix socket;
// beside no rules, beside the same calls audited without conditions on user and
// address family, and beside the smallest rules by hand, with and without those
// that tell a resolver's UDP socket from a connection. And it measures what the
// sensor costs a process that opens and closes TCP connections.
func BenchmarkLiveCost(b *testing.B) {
	needLive(b)
	unchanged(b)
	for range b.N {
		sets := costSets(b)
		for range costRounds {
			for i := range sets {
				sets[i].measure(b)
			}
		}
		printCosts(b, sets)
		printConnections(b)
		printThroughput(b)
	}
}

// costSets are the sets to compare; the first is none at all.
func costSets(b *testing.B) []ruleSet {
	b.Helper()
	plan := rootPlan(b)
	sets := []ruleSet{{name: "no rules"}, {name: "the plan", plan: plan}, {name: "three by hand", plan: handWritten(b, []string{
		"-a always,exit -F arch=b64 -S connect,setsid -F euid=0 -k hand",
		"-a always,exit -F arch=b32 -S connect,setsid -F euid=0 -k hand",
		"-a always,exit -F arch=b32 -S socketcall -F a0=3 -F euid=0 -k hand",
	})}, {name: "the same by hand", plan: handWritten(b, []string{
		"-a always,exit -F arch=b64 -S connect,setsid -F euid=0 -k hand",
		"-a always,exit -F arch=b64 -S socket -F a0&2 -F euid=0 -k hand",
		"-a always,exit -F arch=b64 -S sendto,sendmmsg -F a3&536870912 -F euid=0 -k hand",
		"-a always,exit -F arch=b64 -S sendmsg -F a2&536870912 -F euid=0 -k hand",
		"-a always,exit -F arch=b32 -S connect,setsid -F euid=0 -k hand",
		"-a always,exit -F arch=b32 -S socket -F a0&2 -F euid=0 -k hand",
		"-a always,exit -F arch=b32 -S sendto,sendmmsg -F a3&536870912 -F euid=0 -k hand",
		"-a always,exit -F arch=b32 -S sendmsg -F a2&536870912 -F euid=0 -k hand",
		"-a always,exit -F arch=b32 -S socketcall -F a0=3 -F euid=0 -k hand",
		"-a always,exit -F arch=b32 -S socketcall -F a0=1 -F euid=0 -k hand",
	})}, {name: "without socket", plan: handWritten(b, []string{
		"-a always,exit -F arch=b64 -S connect,setsid -F euid=0 -k hand",
		"-a always,exit -F arch=b64 -S sendto,sendmmsg -F a3&536870912 -F euid=0 -k hand",
		"-a always,exit -F arch=b64 -S sendmsg -F a2&536870912 -F euid=0 -k hand",
		"-a always,exit -F arch=b32 -S connect,setsid -F euid=0 -k hand",
		"-a always,exit -F arch=b32 -S sendto,sendmmsg -F a3&536870912 -F euid=0 -k hand",
		"-a always,exit -F arch=b32 -S sendmsg -F a2&536870912 -F euid=0 -k hand",
		"-a always,exit -F arch=b32 -S socketcall -F a0=3 -F euid=0 -k hand",
	})}, {name: "without euid and saddr_fam", plan: handWritten(b, []string{
		"-a always,exit -F arch=b64 -S connect,setsid -k hand",
		"-a always,exit -F arch=b64 -S sendto,sendmmsg -F a3&536870912 -k hand",
		"-a always,exit -F arch=b64 -S sendmsg -F a2&536870912 -k hand",
		"-a always,exit -F arch=b32 -S connect,setsid -k hand",
		"-a always,exit -F arch=b32 -S sendto,sendmmsg -F a3&536870912 -k hand",
		"-a always,exit -F arch=b32 -S sendmsg -F a2&536870912 -k hand",
		"-a always,exit -F arch=b32 -S socketcall -F a0=3 -k hand",
	})}}
	for i := range sets {
		sets[i].cost = make(map[string][]float64)
	}
	return sets
}

// handWritten encodes lines with the library, on the machines that the benchmark
// is for.
func handWritten(b *testing.B, lines []string) *auditrules.Plan {
	b.Helper()
	if built.behave32 == "" {
		b.Skip("the rules by hand are those of x86_64")
	}
	plan := &auditrules.Plan{Key: "hand"}
	for _, line := range lines {
		parsed, err := flags.Parse(line)
		if err != nil {
			b.Fatal(err)
		}
		wire, err := rule.Build(parsed)
		if err != nil {
			b.Fatal(err)
		}
		plan.Rules = append(plan.Rules, auditrules.Rule{Line: line, Wire: wire})
	}
	return plan
}

// measure runs the actions under the rules, with a daemon that throws away what is
// recorded.
func (r *ruleSet) measure(b *testing.B) {
	b.Helper()
	client, err := kernel.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = client.Close() }() // only asked
	before, err := client.Status()
	if err != nil {
		b.Fatal(err)
	}
	daemon := hold(b, "naive")
	defer func() {
		if err := daemon.command.Process.Signal(syscall.SIGTERM); err != nil {
			b.Error(err)
		}
		_ = daemon.command.Wait() // ended by the signal
		setEnabled(b, client, before.Enabled)
		waitForNoOwner(b, client)
	}()
	setEnabled(b, client, 1)
	plan := r.plan
	if plan == nil {
		plan = &auditrules.Plan{}
	}
	installed, err := auditrules.Install(client, plan)
	if err != nil {
		b.Fatal(err)
	}
	for _, action := range []string{"calls", "unix"} {
		r.cost[action] = append(r.cost[action], costOf(b, action))
	}
	if err := installed.Remove(); err != nil {
		b.Error(err)
	}
}

// costOf is what behave says that one call of an action took, in nanoseconds.
func costOf(b *testing.B, action string) float64 {
	b.Helper()
	out, err := exec.Command(built.behave, action).Output()
	if err != nil {
		b.Fatal(err)
	}
	words := strings.Fields(string(out))
	cost, err := strconv.ParseFloat(words[len(words)-1], 64)
	if err != nil {
		b.Fatal(err)
	}
	return cost / 1000
}

// printCosts prints the least of each set, and its ratio to no rules and to the
// smallest rules by hand that see the same.
func printCosts(b *testing.B, sets []ruleSet) {
	b.Helper()
	for _, action := range []string{"calls", "unix"} {
		what := map[string]string{"calls": "getppid, which matches nothing", "unix": "connect to a Unix socket"}[action]
		none, byHand := slices.Min(sets[0].cost[action]), slices.Min(sets[3].cost[action])
		fmt.Printf("\n%s, ns of CPU, least of %d rounds in turn\n", what, costRounds)
		for _, set := range sets {
			least := slices.Min(set.cost[action])
			fmt.Printf("%-28s %8.1f   %.2f of no rules   %.3f of the same by hand\n", set.name, least, least/none, least/byHand)
			if set.plan != nil {
				b.ReportMetric(least/none, strings.ReplaceAll(action+" "+set.name, " ", "_")+"_ratio")
			}
		}
	}
}

// printConnections prints what a TCP connection costs its process beside the sensor and
// without it.
func printConnections(b *testing.B) {
	b.Helper()
	var bare, watched []float64
	for range costRounds {
		bare = append(bare, costOf(b, "tcp"))
		s := startSensor(b)
		watched = append(watched, costOf(b, "tcp"))
		s.stop(syscall.SIGTERM)
	}
	without, with := slices.Min(bare), slices.Min(watched)
	fmt.Printf("\nTCP connect, accept and two closes on loopback by root, ns of the process's CPU, least of %d rounds in turn\n"+
		"without the sensor %.0f, with it %.0f: %.2f\n", costRounds, without, with, with/without)
	b.ReportMetric(with/without, "tcp_ratio")
}

// printThroughput prints how many TCP connections are made a second beside the sensor, and
// beside the naive loop with the same kernel rules. Each round measures both, by turns the
// one first or the other, and the quartiles of the rounds' ratios say how much rounds differ.
func printThroughput(b *testing.B) {
	b.Helper()
	var bySensor, byNaive, ratios []float64
	for round := range throughputRounds {
		beside := []func(){
			func() {
				s := startSensor(b)
				bySensor = append(bySensor, 1e9/costOf(b, "tcp-clock"))
				s.stop(syscall.SIGTERM)
			},
			func() {
				naive := startNaive(b, 0)
				byNaive = append(byNaive, 1e9/costOf(b, "tcp-clock"))
				naive.stop()
			},
		}
		beside[round%2]()
		beside[1-round%2]()
		ratios = append(ratios, bySensor[round]/byNaive[round])
	}
	slices.Sort(ratios)
	median := ratios[throughputRounds/2]
	fmt.Printf("\nTCP connect, accept and two closes on loopback by root, a second by the clock, medians of %d rounds\n"+
		"beside the naive loop with the same kernel rules %.0f, beside the sensor %.0f: %.2f of its throughput, quartiles %.2f and %.2f\n",
		throughputRounds, middle(byNaive), middle(bySensor), median, ratios[throughputRounds/4], ratios[throughputRounds*3/4])
	b.ReportMetric(median, "tcp_throughput_ratio")
}

// middle is the median of measurements.
func middle(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
