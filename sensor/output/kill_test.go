package output_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/sensor/output"
	"tripline/sensor/output/syslog"
)

// Where the child of TestKilled works, what it sends to, and the first number
// that it raises.
const killFolder, killAddress, killFrom = "TRIPLINE_KILL_FOLDER", "TRIPLINE_KILL_ADDRESS", "TRIPLINE_KILL_FROM"

// confirming says on standard output what its writer has confirmed.
type confirming struct {
	output.BatchWriter
	letter string
}

func (c confirming) WriteBatch(ctx context.Context, documents []output.Document) (int, error) {
	n, err := c.BatchWriter.WriteBatch(ctx, documents)
	var said []byte
	for _, one := range documents[:n] {
		said = append(said, c.letter+one.ID+"\n"...)
	}
	_, _ = os.Stdout.Write(said) // the parent reads it
	return n, err
}

// TestKilledChild is the process that TestKilled kills: it raises alerts as fast
// as its queues take them.
func TestKilledChild(t *testing.T) {
	folder := os.Getenv(killFolder)
	if folder == "" {
		t.Skip("it is run by TestKilled")
	}
	from, err := strconv.Atoi(os.Getenv(killFrom))
	if err != nil {
		t.Fatal(err)
	}
	file := output.NewQueue(confirming{openKillFile(t, folder), "f"}, 64, func(err error) { t.Error(err) })
	spool := output.NewQueue(confirming{openKillRemote(t, folder, os.Getenv(killAddress)), "s"}, 64, func(err error) { t.Error(err) })
	for n := from; ; n++ {
		document := output.Document{ID: fmt.Sprint(n), JSON: fmt.Appendf(nil, `{"n":%d,"filling":%q}`, n, strings.Repeat("x", n%3000)), Time: time.Now()}
		for _, queue := range []*output.Queue{file, spool} {
			for !queue.Add(document) {
				time.Sleep(time.Millisecond)
			}
		}
	}
}

func openKillFile(t *testing.T, folder string) *output.File {
	t.Helper()
	file, err := output.OpenFile(output.FileOptions{
		Path: filepath.Join(folder, "alerts.ndjson"), Sync: true, Log: hclog.NewNullLogger(),
		Rotation: output.Rotation{MaxSize: 128 << 10, Compress: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func openKillRemote(t *testing.T, folder, address string) *output.Remote {
	t.Helper()
	sender := syslog.NewStream(syslog.StreamOptions{Confirm: true, Options: syslog.Options{
		Network: "tcp", Address: address, MaxMessage: 64 << 10, Log: hclog.NewNullLogger(),
	}})
	remote, err := output.OpenRemote(sender, output.RemoteOptions{
		Folder: filepath.Join(folder, "spool"), MaxBytes: 64 << 20, Documents: 16, Bytes: 1 << 20,
		FirstPause: time.Millisecond, LongestPause: 10 * time.Millisecond, Log: hclog.NewNullLogger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return remote
}

// killReceiver is a syslog receiver that remembers the numbers of documents.
type killReceiver struct {
	net.Listener
	mu  sync.Mutex
	got []int
}

func (r *killReceiver) serve(t *testing.T) {
	for {
		connection, err := r.Accept()
		if err != nil {
			return
		}
		from := bufio.NewReader(connection)
		for {
			var length int
			if _, err := fmt.Fscanf(from, "%d ", &length); err != nil {
				break
			}
			message := make([]byte, length)
			if _, err := io.ReadFull(from, message); err != nil {
				break
			}
			_, body, _ := bytes.Cut(message, []byte("] "))
			r.mu.Lock()
			r.got = append(r.got, killNumber(t, body))
			r.mu.Unlock()
		}
		_ = connection.Close()
	}
}

func killNumber(t *testing.T, line []byte) int {
	t.Helper()
	var body struct{ N *int }
	if err := json.Unmarshal(line, &body); err != nil || body.N == nil {
		t.Errorf("a document is %q: %v", line, err)
		return -1
	}
	return *body.N
}

// TestKilled kills a process with SIGKILL, at random moments and 25 times, or as
// often as TRIPLINE_KILLS says, while it raises alerts, rotates and compresses its file and delivers from its
// spool. Every alert that the file output confirmed is in the files; every one
// that the spool confirmed is delivered in the end, and in order.
func TestKilled(t *testing.T) {
	kills := 25
	if text := os.Getenv("TRIPLINE_KILLS"); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	receiver := &killReceiver{Listener: listener}
	go receiver.serve(t)
	confirmed := map[byte][]int{}
	next := 0
	for range kills {
		said := runAndKill(t, folder, listener.Addr().String(), next)
		for line := range bytes.Lines(said) {
			number, whole := strings.CutSuffix(string(line[1:]), "\n")
			n, err := strconv.Atoi(number)
			if !whole || err != nil {
				continue // the kill cut it
			}
			confirmed[line[0]] = append(confirmed[line[0]], n)
			next = max(next, n+1)
		}
		next += 1000 // beyond what was raised and not confirmed
	}
	remote := openKillRemote(t, folder, listener.Addr().String())
	for deadline := time.Now().Add(60 * time.Second); remote.Counters().Waiting > 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if err := remote.Close(); err != nil {
		t.Error(err)
	}
	if counters := remote.Counters(); counters.Waiting+counters.Rejected > 0 {
		t.Errorf("%+v", counters)
	}
	_ = listener.Close()
	receiver.mu.Lock()
	delivered := receiver.got
	receiver.mu.Unlock()
	inFiles := readKillFiles(t, folder)
	if len(confirmed['f']) < kills || len(confirmed['s']) < kills {
		t.Errorf("only %d and %d alerts were confirmed", len(confirmed['f']), len(confirmed['s']))
	}
	missing(t, "the files", confirmed['f'], inFiles)
	missing(t, "what was delivered", confirmed['s'], delivered)
	first, twice := firsts(delivered)
	if !slices.IsSorted(first) {
		t.Error("it was not delivered in order")
	}
	if _, twice := firsts(inFiles); twice > 0 {
		t.Errorf("%d alerts are twice in the files", twice)
	}
	t.Logf("%d kills: %d confirmed by the file, %d by the spool, %d delivered, %d of them twice",
		kills, len(confirmed['f']), len(confirmed['s']), len(first), twice)
}

// runAndKill runs the child until a random moment after it confirmed something,
// and returns what it said.
func runAndKill(t *testing.T, folder, address string, from int) []byte {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKilledChild$")
	child.Env = append(os.Environ(), killFolder+"="+folder, killAddress+"="+address, fmt.Sprintf("%s=%d", killFrom, from))
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pipe := bufio.NewReader(said)
	if _, err := pipe.Peek(1); err != nil {
		t.Fatalf("the child ended: %v", err)
	}
	time.AfterFunc(time.Duration(rand.IntN(60000))*time.Microsecond, func() { _ = child.Process.Kill() })
	all, err := io.ReadAll(pipe)
	if err != nil {
		t.Error(err)
	}
	_ = child.Wait() // it was killed
	return all
}

// readKillFiles reads the file and its rotated ones. A line that is not whole may
// only be what a kill cut, which was not confirmed.
func readKillFiles(t *testing.T, folder string) []int {
	t.Helper()
	file := openKillFile(t, folder) // compresses the rest
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if plain, _ := filepath.Glob(filepath.Join(folder, "alerts.ndjson.*[0-9]")); len(plain) == 0 {
			break
		}
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	paths, err := filepath.Glob(filepath.Join(folder, "alerts.ndjson*"))
	if err != nil || len(paths) < 2 {
		t.Fatalf("there are the files %v, %v", paths, err)
	}
	var got []int
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, ".gz") {
			packed, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if data, err = io.ReadAll(packed); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
		for line := range bytes.Lines(data) {
			if json.Valid(line) {
				got = append(got, killNumber(t, line))
			}
		}
	}
	return got
}

// missing complains of what was promised and is not there.
func missing(t *testing.T, where string, promised, there []int) {
	t.Helper()
	set := make(map[int]bool, len(there))
	for _, n := range there {
		set[n] = true
	}
	lost := 0
	for _, n := range promised {
		if !set[n] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d alerts are not in %s", lost, len(promised), where)
	}
}

// firsts lists numbers without those that came before, and counts the latter.
func firsts(numbers []int) (first []int, twice int) {
	seen := make(map[int]bool)
	for _, n := range numbers {
		if seen[n] {
			twice++
			continue
		}
		seen[n] = true
		first = append(first, n)
	}
	return first, twice
}
