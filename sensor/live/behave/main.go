// Behave performs, on loopback only, what the live tests and benchmarks need a
// process to do: the behaviour that the shipped rule describes, things that look
// like it and are not, floods, and a minimal audit daemon to compare with.
//
// Usage: behave ACTION [ARG]; the first line it prints says what was done. Exit
// code 77 means that this kernel has no such way, with the reason on standard
// error.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"

	"tripline/sensor/selftest/ways"
)

// action is one thing that this program can do. The argument has the action's
// default where the command line gives none.
type action struct {
	argument string
	run      func(argument string) error
}

func actions() map[string]action {
	return map[string]action{
		"connect-setsid":     {"127.0.0.1:9", connectSetsid},
		"await":              {"127.0.0.1:9", awaitConnectSetsid},
		"connect-hold":       {"127.0.0.1:9", connectHoldSetsid},
		"connect-open":       {"127.0.0.1:9", connectOpenSetsid},
		"nonblocking-setsid": {"127.0.0.1:9", nonblockingSetsid},
		"thread-setsid":      {"127.0.0.1:9", threadSetsid},
		"setsid-connect":     {"127.0.0.1:9", setsidConnect},
		"connect-wait":       {"61s", connectWaitSetsid},
		"connect-fork":       {"127.0.0.1:9", connectForkSetsid},
		"connect-failed":     {"127.0.0.1:9", connectFailedSetsid},
		"unix-setsid":        {"/nonexistent.sock", unixSetsid},
		"udp-setsid":         {"127.0.0.1:9", udpSetsid},
		"udp-probe-setsid":   {"127.0.0.1:9", udpProbeSetsid},
		"udp-tcp-setsid":     {"127.0.0.1:9", udpThenTCPSetsid},
		"setsid":             {"", setsidAlone},
		"late":               {"127.0.0.1:9", lateConnectSetsid},
		"late-hold":          {"127.0.0.1:9", lateHoldSetsid},
		"privately":          {"", privately},
		"contained":          {"", contained},
		"fastopen-setsid":    {"sendto", fastOpenSetsid},
		"iouring-setsid":     {"plain", ioUringSetsid},
		"int80-setsid":       {"connect", int80Setsid},
		"x32-setsid":         {"", x32Setsid},
		"reuse":              {"1000,20000,1024", reuse},
		"many":               {"40", many},
		"flood":              {"100000", flood},
		"load":               {"10s", load},
		"pace":               {"5s", pace},
		"guarded":            {"tripline", guarded},
		"calls":              {"400000", calls},
		"unix":               {"40000", unixConnects},
		"sockets":            {"20000", internetSockets},
		"unix-sockets":       {"20000", unixSockets},
		"tcp":                {"4000", tcpConnects},
		"tcp-clock":          {"20000", tcpByTheClock},
		"tcp-flood":          {"1000", tcpFlood},
		"process-flood":      {"1000", processFlood},
		"libaudit":           {"", libauditLoop},
		"naive":              {"", naiveLoop},
		"naive-times":        {"", naiveTimes},
		"status":             {"5s", askStatus},
		"least-alerts":       {"33000:/tmp/alerts", leastAlerts},
		"least-documents":    {"33000:/tmp/alerts", leastDocuments},
		"hold":               {"", holdSocket},
	}
}

func main() {
	err := run(os.Args[1:])
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "behave:", err)
	if errors.Is(err, ways.ErrImpossible) {
		os.Exit(77)
	}
	os.Exit(1)
}

func run(args []string) error {
	// Most actions are about one thread: keep to the thread group's leader.
	runtime.LockOSThread()
	known := actions()
	if len(args) == 0 || known[args[0]].run == nil {
		names := make([]string, 0, len(known))
		for name := range known {
			names = append(names, name)
		}
		sort.Strings(names)
		return fmt.Errorf("usage: behave ACTION [ARG], ACTION one of %s", strings.Join(names, ", "))
	}
	argument := known[args[0]].argument
	if len(args) > 1 {
		argument = args[1]
	}
	return known[args[0]].run(argument)
}

// linger keeps the process alive until its standard input ends, when the caller
// asks for it, so that it can be looked at.
func linger() {
	if os.Getenv("BEHAVE_LINGER") != "" {
		buffer := make([]byte, 1)
		_, _ = os.Stdin.Read(buffer) // the end is what is awaited
	}
}

// say prints the process's pid and what it did, for the caller to compare.
func say(words ...string) {
	fmt.Println(strconv.Itoa(os.Getpid()), strings.Join(words, " "))
}
