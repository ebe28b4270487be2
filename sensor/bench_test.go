package sensor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-libaudit/v2/auparse"

	"tripline/detect"
)

// syntheticLog makes an audit log of about size bytes, as auditd writes it: many
// processes that connect, one in a thousand of which shows the behaviour. It
// returns how many lines and attacks are in it.
func syntheticLog(size int) (log []byte, lines, attacks int) {
	var b bytes.Buffer
	const call = "type=SYSCALL msg=audit(%d.%03d:%d): arch=c000003e syscall=%d success=%s exit=%d a0=3 a1=7ffd03b3ce90 a2=10 a3=0 items=0 ppid=%d pid=%d auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm=\"agent\" exe=\"/usr/local/bin/agent\" key=\"tripline\"\n"
	const title = "type=PROCTITLE msg=audit(%d.%03d:%d): proctitle=2F7573722F6C6F63616C2F62696E2F6167656E74002D2D666F726567726F756E64\n"
	for i := 0; b.Len() < size; i++ {
		seconds, millis, sequence := 1_700_000_000+i/1000, i%1000, 2*i
		pid := 1000 + i%2000
		fmt.Fprintf(&b, call, seconds, millis, sequence, 42, "no", -115, 1, pid)
		fmt.Fprintf(&b, "type=SOCKADDR msg=audit(%d.%03d:%d): saddr=020001BBC0000201%016x\n", seconds, millis, sequence, 0)
		fmt.Fprintf(&b, title, seconds, millis, sequence)
		lines += 3
		if i%1000 == 0 {
			fmt.Fprintf(&b, call, seconds, millis, sequence+1, 112, "yes", pid, 1, pid)
			fmt.Fprintf(&b, title, seconds, millis, sequence+1)
			lines += 2
			attacks++
		}
	}
	return b.Bytes(), lines, attacks
}

// BenchmarkReplay measures a replay of 100 MB logs with the shipped rule on one core and
// on all, and in the same run what go-libaudit's parser alone needs for a part of them: a
// ratio that holds on any machine. Every event of the first log begins the rule's
// sequence; the others are like a host's, plain and enriched, and like one's whose rules watch
// little. The last is the first as a host that gathers the logs of others has it, whose lines
// go-libaudit's parser does not read: it has the first.
func BenchmarkReplay(b *testing.B) {
	rules, err := LoadRules("", nil)
	if err != nil {
		b.Fatal(err)
	}
	log, lines, attacks := syntheticLog(100 << 20)
	for name, cores := range map[string]int{"one core": 1, "all cores": runtime.NumCPU()} {
		b.Run(name, func(b *testing.B) { benchmarkReplay(b, rules, cores, log, log, lines, attacks) })
	}
	for name, enriched := range map[string]bool{"of a host": false, "of a host, enriched": true} {
		log, lines, attacks := hostLog(100<<20, enriched)
		b.Run(name, func(b *testing.B) { benchmarkReplay(b, rules, 1, log, log, lines, attacks) })
	}
	reports, reportLines, reportAttacks := reportLog(100 << 20)
	b.Run("of programs' records", func(b *testing.B) { benchmarkReplay(b, rules, 1, reports, reports, reportLines, reportAttacks) })
	named := bytes.ReplaceAll(log, []byte("type="), []byte("node=a.example.org type="))
	b.Run("one core, named", func(b *testing.B) { benchmarkReplay(b, rules, 1, named, log, lines, attacks) })
}

func benchmarkReplay(b *testing.B, rules []*detect.Compiled, cores int, log, plain []byte, lines, attacks int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	var took time.Duration
	for b.Loop() {
		options := ReplayOptions{
			Rules: rules, Alerts: true, Stdin: bytes.NewReader(log),
			Report: func(err error) { b.Error(err) },
		}
		began := time.Now()
		summary, err := Replay(context.Background(), []string{"-"}, options, io.Discard)
		took += time.Since(began)
		if err != nil || summary.Correlated.Records != uint64(lines) || summary.Alerts != uint64(attacks) {
			b.Fatalf("%d records, %d alerts, %v", summary.Correlated.Records, summary.Alerts, err)
		}
	}
	perSecond := float64(lines) * float64(b.N) / took.Seconds()
	b.ReportMetric(perSecond, "records/s")
	b.ReportMetric(float64(len(log))*float64(b.N)/1e6/took.Seconds(), "MB/s")
	b.ReportMetric(perSecond/auparseRate(b, plain[:len(plain)/50]), "times-auparse")
}

// auparseRate is how many lines a second go-libaudit parses, fields included,
// without joining or matching anything.
func auparseRate(b *testing.B, log []byte) float64 {
	b.Helper()
	lines := 0
	began := time.Now()
	for line := range strings.Lines(string(log)) {
		if message, err := auparse.ParseLogLine(strings.TrimSuffix(line, "\n")); err == nil {
			if _, err := message.Data(); err == nil {
				lines++
			}
		}
	}
	if lines == 0 {
		b.Fatal("go-libaudit parsed nothing")
	}
	return float64(lines) / time.Since(began).Seconds()
}
