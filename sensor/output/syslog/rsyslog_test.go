package syslog

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/sensor/output"
	"tripline/sensor/output/secure"
)

// rsyslog is a real rsyslogd with a configuration of its own.
type rsyslog struct {
	folder, config string
	process        *exec.Cmd
}

// needDriver skips where rsyslogd or its driver for a network is not installed.
func needDriver(t *testing.T, driver string) {
	t.Helper()
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		t.Skip("rsyslogd is not installed; `tools/install-test-peers.sh rsyslog` installs it")
	}
	if found, _ := filepath.Glob("/usr/lib*/*/rsyslog/lmnsd_" + driver + ".so"); len(found) == 0 {
		t.Skipf("rsyslogd has no driver %s; `tools/install-test-peers.sh rsyslog` installs it", driver)
	}
}

// newRsyslog writes a configuration that receives over TLS, with a driver, from
// clients with a certificate, over plain TCP, UDP and a Unix socket.
func newRsyslog(t *testing.T, ca *authority, driver string, tlsPort, tcpPort, udpPort int) *rsyslog {
	t.Helper()
	needDriver(t, driver)
	r := &rsyslog{folder: t.TempDir()}
	r.config = filepath.Join(r.folder, "rsyslog.conf")
	certificate, key := ca.pair(t, "logs.example")
	secured := ""
	if driver != "ptcp" {
		secured = fmt.Sprintf(`input(type="imtcp" port="%d" address="127.0.0.1" ruleset="received" streamDriver.name=%q streamDriver.mode="1" streamDriver.authMode="x509/name" permittedPeer=["sensor.example"])`, tlsPort, driver)
	}
	text := fmt.Sprintf(`
global(workDirectory=%[1]q maxMessageSize="64k" processInternalMessages="on" DefaultNetstreamDriver="%[8]s"
  DefaultNetstreamDriverCAFile=%[2]q DefaultNetstreamDriverCertFile=%[3]q DefaultNetstreamDriverKeyFile=%[4]q)
template(name="json" type="string" string="%%structured-data%% %%msg:::drop-last-lf%%\n")
template(name="head" type="string" string="%%pri%% %%hostname%% %%app-name%% %%msgid%% %%structured-data%%\n")
ruleset(name="received") {
  action(type="omfile" file="%[1]s/received" template="json")
  action(type="omfile" file="%[1]s/heads" template="head")
}
action(type="omfile" file="%[1]s/said")
module(load="imtcp" maxSessions="500")
%[5]s
input(type="imtcp" port="%[6]d" address="127.0.0.1" ruleset="received" streamDriver.name="ptcp" streamDriver.mode="0")
module(load="imudp")
input(type="imudp" port="%[7]d" address="127.0.0.1" ruleset="received")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" socket="%[1]s/log" useSpecialParser="off" parseHostname="on" ruleset="received")
`, r.folder, ca.file, certificate, key, secured, tcpPort, udpPort, driver)
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.process != nil {
			r.stop(t, syscall.SIGKILL)
		}
		if t.Failed() {
			for _, file := range []string{"said", "errors"} {
				log, _ := os.ReadFile(filepath.Join(r.folder, file))
				t.Logf("rsyslogd said: %s", log)
			}
		}
	})
	return r
}

// start starts rsyslogd, and waits until it takes connections.
func (r *rsyslog) start(t *testing.T, tcpPort int) {
	t.Helper()
	said, err := os.OpenFile(filepath.Join(r.folder, "errors"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	r.process = exec.Command("rsyslogd", "-n", "-f", r.config, "-i", filepath.Join(r.folder, "pid"))
	r.process.Stdout, r.process.Stderr = said, said
	if err := r.process.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", tcpPort))
		if err == nil {
			_ = connection.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func (r *rsyslog) stop(t *testing.T, how syscall.Signal) {
	t.Helper()
	if err := r.process.Process.Signal(how); err != nil {
		t.Error(err)
	}
	_ = r.process.Wait() // it was told to end
	r.process = nil
}

// received reads the numbers of the documents that arrived, without those that came
// again with the same number of their message, and how many the latter are.
func (r *rsyslog) received(t *testing.T) (got []int, again int) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.folder, "received"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for line := range strings.Lines(string(data)) {
		var body struct{ N *int }
		head, text, found := strings.Cut(line, "] {")
		_, sequence, numbered := strings.Cut(head, "[meta sequenceId=")
		if err := json.Unmarshal([]byte("{"+text), &body); err != nil || body.N == nil || !found || !numbered {
			t.Fatalf("rsyslog received %q: %v", line, err)
		}
		one := fmt.Sprint(sequence, *body.N)
		if seen[one] {
			again++
			continue
		}
		seen[one] = true
		got = append(got, *body.N)
	}
	return got, again
}

// awaitReceived waits until n documents arrived.
func (r *rsyslog) awaitReceived(t *testing.T, n int) (got []int, again int) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if got, again = r.received(t); len(got) >= n || time.Now().After(deadline) {
			return got, again
		}
	}
}

func freePorts(t *testing.T) (a, b, c int) {
	t.Helper()
	var ports [3]int
	for i := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports[0], ports[1], ports[2]
}

// rsyslogBatch is how many documents are sent at once, and so how many may come
// twice when rsyslog stops within a batch.
const rsyslogBatch = 16

// TestRsyslog sends alerts to a real rsyslog, stops it under load and starts it
// again: everything arrives once, in order. Where it stops between reading a batch
// and reading the end of its connection the batch comes twice, with the numbers that
// its messages had. TRIPLINE_RSYSLOG_PAUSE says for how long rsyslog is away.
//
// With its OpenSSL driver rsyslog loses what it has read, because it closes files of
// its own (github.com/rsyslog/rsyslog/pull/6375), so that the driver is tried only
// where TRIPLINE_RSYSLOG_OPENSSL is set.
func TestRsyslog(t *testing.T) {
	pause := 300 * time.Millisecond
	if text := os.Getenv("TRIPLINE_RSYSLOG_PAUSE"); text != "" {
		var err error
		if pause, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	ca := newAuthority(t)
	certificate, key := ca.pair(t, "sensor.example")
	files := secure.Files{CA: ca.file, Certificate: certificate, Key: key, ServerName: "logs.example"}
	for _, test := range []struct{ network, driver string }{{"tls", "gtls"}, {"tls", "ossl"}, {"tcp", "ptcp"}} {
		t.Run(test.network+" "+test.driver, func(t *testing.T) {
			if test.driver == "ossl" && os.Getenv("TRIPLINE_RSYSLOG_OPENSSL") == "" {
				t.Skip("set TRIPLINE_RSYSLOG_OPENSSL to try rsyslog's OpenSSL driver")
			}
			tlsPort, tcpPort, udpPort := freePorts(t)
			r := newRsyslog(t, ca, test.driver, tlsPort, tcpPort, udpPort)
			r.start(t, tcpPort)
			port := tlsPort
			if test.network == "tcp" {
				port = tcpPort
			}
			options := testOptions(test.network, fmt.Sprintf("127.0.0.1:%d", port))
			options.MaxMessage = 64 << 10
			remote := openStream(t, StreamOptions{Options: options, Confirm: true, Settle: 50 * time.Millisecond, TLS: files})
			stopUnderLoad(t, r, remote, tcpPort, pause)
		})
	}
}

// TestRsyslogThatStopsReading freezes a real rsyslog under load: nothing is sent twice,
// however long it reads nothing, and all arrives once it goes on.
func TestRsyslogThatStopsReading(t *testing.T) {
	ca := newAuthority(t)
	certificate, key := ca.pair(t, "sensor.example")
	tlsPort, tcpPort, udpPort := freePorts(t)
	r := newRsyslog(t, ca, "gtls", tlsPort, tcpPort, udpPort)
	r.start(t, tcpPort)
	options := testOptions("tls", fmt.Sprintf("127.0.0.1:%d", tlsPort))
	options.MaxMessage = 64 << 10
	remote := openStream(t, StreamOptions{
		Options: options, Confirm: true, TLS: secure.Files{CA: ca.file, Certificate: certificate, Key: key, ServerName: "logs.example"},
	})
	const all = 400
	send(t, remote, 0, all/4)
	r.awaitReceived(t, all/8)
	if err := r.process.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	send(t, remote, all/4, all)
	time.Sleep(time.Second)
	if counters := remote.Counters(); counters.Waiting == 0 || counters.Delivered == all {
		t.Errorf("nobody reads, and yet: %+v", counters)
	}
	if err := r.process.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	await(t, remote, "all is delivered", idle)
	if got, again := r.awaitReceived(t, all); !slices.Equal(got, counting(0, all)) || again > 0 {
		t.Errorf("of %d documents arrived %d, %d of them again: %v", all, len(got), again, got)
	}
	if err := remote.Close(); err != nil {
		t.Error(err)
	}
	r.stop(t, syscall.SIGTERM)
}

// stopUnderLoad raises documents while rsyslog is stopped and started, and looks at
// what arrived.
func stopUnderLoad(t *testing.T, r *rsyslog, remote *output.Remote, tcpPort int, pause time.Duration) {
	t.Helper()
	queue := output.NewQueue(remote, 1024, func(err error) { t.Error(err) })
	ctx, cancel := context.WithCancel(context.Background())
	raised := make(chan int)
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			one := document(n)
			one.JSON = fmt.Appendf(nil, `{"n":%d,"filling":%q}`, n, strings.Repeat("x", 500))
			if !queue.Add(one) {
				t.Errorf("document %d was dropped", n)
			}
			time.Sleep(5 * time.Millisecond)
		}
		raised <- n
	}()
	r.awaitReceived(t, 50)
	r.stop(t, syscall.SIGTERM)
	time.Sleep(pause)
	r.start(t, tcpPort)
	time.Sleep(time.Second)
	cancel()
	n := <-raised
	await(t, remote, "all is delivered", func(c output.Counters) bool { return c.Delivered == uint64(n) })
	got, again := r.awaitReceived(t, n)
	if !slices.Equal(got, counting(0, n)) {
		t.Errorf("of %d documents arrived %d: %v", n, len(got), got)
	}
	if again > rsyslogBatch {
		t.Errorf("%d documents arrived again, more than a batch", again)
	}
	if err := queue.Close(context.Background()); err != nil {
		t.Error(err)
	}
	heads, err := os.ReadFile(filepath.Join(r.folder, "heads"))
	want := `24 host tripline alert [origin software="tripline" swVersion="0"][meta sequenceId="1"]`
	if line, _, _ := strings.Cut(string(heads), "\n"); err != nil || line != want {
		t.Errorf("the header is %q, not %q, %v", line, want, err)
	}
	t.Logf("%d documents, rsyslog away for %s, %d arrived twice, %d attempts failed", n, pause, again, remote.Counters().Retried)
	r.stop(t, syscall.SIGTERM)
}

// TestRsyslogLocal sends to a real rsyslog over UDP and a Unix socket.
func TestRsyslogLocal(t *testing.T) {
	ca := newAuthority(t)
	tlsPort, tcpPort, udpPort := freePorts(t)
	r := newRsyslog(t, ca, "ptcp", tlsPort, tcpPort, udpPort)
	r.start(t, tcpPort)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		bound, err := os.ReadFile("/proc/net/udp") // nothing else tells that a datagram will be received
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(bound), fmt.Sprintf("0100007F:%04X", udpPort)) {
			break
		}
	}
	sent := 0
	for _, options := range []Options{
		testOptions("udp", fmt.Sprintf("127.0.0.1:%d", udpPort)), testOptions("unix", filepath.Join(r.folder, "log")),
	} {
		local := NewLocal(options)
		for range 20 {
			if err := local.Write(context.Background(), document(sent)); err != nil {
				t.Fatal(err)
			}
			sent++
		}
		if got, _ := r.awaitReceived(t, sent); !slices.Equal(got, counting(0, sent)) {
			t.Errorf("over %s arrived %v", options.Network, got)
		}
		if err := local.Close(); err != nil {
			t.Error(err)
		}
	}
	r.stop(t, syscall.SIGTERM)
}
