package output

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// logged is a log whose text can be read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) logger() hclog.Logger { return hclog.New(&hclog.LoggerOptions{Output: l}) }

// openFile opens a file output in a folder of its own.
func openFile(t *testing.T, rotation Rotation) (*File, string, *logged) {
	t.Helper()
	said := &logged{}
	path := filepath.Join(t.TempDir(), "logs", "alerts.ndjson")
	file, err := OpenFile(FileOptions{Path: path, Sync: true, Rotation: rotation, Log: said.logger()})
	if err != nil {
		t.Fatal(err)
	}
	return file, path, said
}

// write writes documents that count from n, each of about 100 bytes.
func write(t *testing.T, file *File, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		text := fmt.Sprintf(`{"@timestamp":%q,"n":%d,"filling":%q}`, time.Now().UTC().Format(time.RFC3339Nano), n, strings.Repeat("x", 40))
		if err := file.Write(context.Background(), Document{JSON: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
}

// readAll reads a file and its rotated ones, the oldest first, and returns the
// number n of each line.
func readAll(t *testing.T, path string) []int {
	t.Helper()
	rotator := rotator{path: path}
	found, err := rotator.rotated()
	if err != nil {
		t.Fatal(err)
	}
	paths := make([]string, 0, len(found)+1)
	for i, one := range found {
		if i+1 < len(found) && found[i+1].number == one.number {
			continue // compressed already, and about to be removed
		}
		paths = append(paths, one.path)
	}
	var numbers []int
	for _, one := range append(paths, path) {
		for line := range strings.Lines(string(readPlain(t, one))) {
			var at string
			var n int
			if _, err := fmt.Sscanf(line, `{"@timestamp":%q,"n":%d,`, &at, &n); err != nil || !strings.HasSuffix(line, "}\n") {
				t.Fatalf("%s has the line %q: %v", one, line, err)
			}
			numbers = append(numbers, n)
		}
	}
	return numbers
}

func readPlain(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return data
	}
	packed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if data, err = io.ReadAll(packed); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return data
}

func counting(from, to int) []int {
	var all []int
	for ; from < to; from++ {
		all = append(all, from)
	}
	return all
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come: %s", what)
		}
	}
}

func TestRotationBySize(t *testing.T) {
	file, path, _ := openFile(t, Rotation{MaxSize: 1000, Keep: 100, Compress: true})
	write(t, file, 0, 100)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	// A second run goes on with the numbers and compresses what is left over.
	file, err := OpenFile(file.options)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, 100, 130)
	await(t, "all rotated files are compressed", func() bool {
		plain, _ := filepath.Glob(path + ".*[0-9]")
		packed, _ := filepath.Glob(path + ".*.gz")
		return len(plain) == 0 && len(packed) >= 13
	})
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, path); !slices.Equal(got, counting(0, 130)) {
		t.Errorf("the files hold %v", got)
	}
	all, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		info, err := os.Stat(one)
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() > 1000 {
			t.Errorf("%s has mode %v and %d bytes, %v", one, info.Mode(), info.Size(), err)
		}
	}
}

func TestRotationKeepsTheNewest(t *testing.T) {
	file, path, _ := openFile(t, Rotation{MaxSize: 1000, Keep: 3, Compress: true})
	write(t, file, 0, 200)
	rotator := rotator{path: path}
	await(t, "three old files are left", func() bool {
		found, err := rotator.rotated()
		return err == nil && len(found) == 3 && found[0].packed && found[1].packed && found[2].packed
	})
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	got := readAll(t, path)
	if !slices.Equal(got, counting(got[0], 200)) || len(got) < 25 {
		t.Errorf("the files hold %v", got)
	}
}

// TestRotationByAge begins a new file where the first document of the old one
// is too old, and not where the clock was set back since.
func TestRotationByAge(t *testing.T) {
	for _, test := range []struct {
		name    string
		age     time.Duration
		rotated int
	}{
		{"young", time.Minute, 0},
		{"old", 2 * time.Hour, 1},
		{"from the future: the clock was set back", -48 * time.Hour, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "alerts.ndjson")
			first := fmt.Sprintf(`{"@timestamp":%q,"n":0,"filling":""}`+"\n", time.Now().Add(-test.age).UTC().Format(time.RFC3339Nano))
			if err := os.WriteFile(path, []byte(first), 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := OpenFile(FileOptions{Path: path, Rotation: Rotation{MaxAge: time.Hour}, Log: hclog.NewNullLogger()})
			if err != nil {
				t.Fatal(err)
			}
			write(t, file, 1, 3)
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			found, err := (&rotator{path: path}).rotated()
			if err != nil || len(found) != test.rotated {
				t.Errorf("%d rotated files, %v", len(found), err)
			}
			if got := readAll(t, path); !slices.Equal(got, counting(0, 3)) {
				t.Errorf("the files hold %v", got)
			}
		})
	}
}

// TestCrashWhileCompressing starts from what a crash can leave: a file beside
// its compressed form, and a half-compressed one.
func TestCrashWhileCompressing(t *testing.T) {
	file, path, _ := openFile(t, Rotation{MaxSize: 1000, Compress: true})
	write(t, file, 0, 40)
	await(t, "a compressed file", func() bool { return exists(path + ".000001.gz") })
	await(t, "the first file is removed", func() bool { return !exists(path + ".000001") })
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".000001", readPlain(t, path+".000001.gz"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".000009.gz.partial", []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := OpenFile(file.options)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the remains are gone", func() bool {
		return !exists(path+".000001") && !exists(path+".000009.gz.partial")
	})
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, path); !slices.Equal(got, counting(0, 40)) {
		t.Errorf("the files hold %v", got)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestReopen(t *testing.T) {
	file, path, said := openFile(t, Rotation{})
	write(t, file, 0, 2)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	file.Reopen()
	write(t, file, 2, 4)
	if got := readAll(t, path); !slices.Equal(got, counting(2, 4)) {
		t.Errorf("the new file holds %v", got)
	}
	if said.String() != "" {
		t.Errorf("it said %s", said)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFolderRemovedWhileRunning(t *testing.T) {
	file, path, said := openFile(t, Rotation{MaxSize: 1000, Compress: true})
	write(t, file, 0, 20)
	// Moved away at once, because the compressor may put a file into a folder that
	// is being removed.
	if err := os.Rename(filepath.Dir(path), filepath.Dir(path)+".removed"); err != nil {
		t.Fatal(err)
	}
	write(t, file, 20, 22)
	// What the compressor had opened may come back beside it.
	if got := readAll(t, path); len(got) < 2 || !slices.Equal(got[len(got)-2:], counting(20, 22)) {
		t.Errorf("the new files hold %v", got)
	}
	if !strings.Contains(said.String(), "removed") {
		t.Errorf("it said %s", said)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFolderThatCannotBeMade puts a file where the folder was: documents wait,
// it is said, and they are written when the file is gone.
func TestFolderThatCannotBeMade(t *testing.T) {
	file, path, said := openFile(t, Rotation{})
	write(t, file, 0, 1)
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Dir(path), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		write(t, file, 1, 3)
	}()
	await(t, "trouble", func() bool { return file.Counters().Trouble != "" && file.Counters().Retried > 0 })
	if err := os.Remove(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	<-written
	if got := readAll(t, path); !slices.Equal(got, counting(1, 3)) || file.Counters().Trouble != "" {
		t.Errorf("the new file holds %v, trouble %q", got, file.Counters().Trouble)
	}
	if text := said.String(); strings.Count(text, "cannot be written") != 1 || strings.Count(text, "works again") != 1 {
		t.Errorf("it said %s", text)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
