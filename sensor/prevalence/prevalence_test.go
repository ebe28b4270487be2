package prevalence

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func at(second int) time.Time { return time.Unix(1_700_000_000+int64(second), 0).UTC() }

func TestRemembers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "connections.json")
	store, err := Open(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	store.Saw("/usr/bin/curl", at(1))
	store.Saw("/usr/bin/curl", at(5))
	store.Saw("", at(6))
	store.Saw(strings.Repeat("x", pathLimit+1), at(7))
	store.Describe("/usr/bin/curl", File{SHA256: "a"})
	if err := store.Save(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	again, err := Open(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	record, known := again.Lookup("/usr/bin/curl")
	if !known || record.Count != 2 || !record.First.Equal(at(1)) || !record.Last.Equal(at(5)) || !again.Since().Equal(store.Since()) {
		t.Errorf("%+v, %v, since %v", record, known, again.Since())
	}
	if !record.Changed(File{SHA256: "b"}) || record.Changed(File{SHA256: "a"}) {
		t.Error("another file is not told from the same")
	}
	if stats := store.Stats(); stats != (Stats{Executables: 1, TooLong: 1}) {
		t.Errorf("%+v", stats)
	}
}

func TestChanged(t *testing.T) {
	for _, test := range []struct {
		name   string
		record Record
		file   File
		want   bool
	}{
		{"same inode", Record{file: File{Device: "8:1", Inode: 5}}, File{Device: "8:1", Inode: 5, SHA256: "a"}, false},
		{"another inode", Record{file: File{Device: "8:1", Inode: 5}}, File{Device: "8:1", Inode: 6}, true},
		{"changed after the last connection", Record{Last: at(5)}, File{Inode: 6, Changed: at(6)}, true},
		{"changed before", Record{Last: at(5)}, File{Inode: 6, Changed: at(4)}, false},
		{"nothing is known", Record{}, File{}, false},
	} {
		if got := test.record.Changed(test.file); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestForgetsTheOldest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "connections.json")
	store, _ := Open(path, 3)
	for i, name := range []string{"a", "b", "c", "a", "d"} {
		store.Saw(name, at(i))
	}
	if err := store.Save(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path, 2)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]bool{"a": {true, true}, "b": {false, false}, "c": {true, false}, "d": {true, true}} {
		_, first := store.Lookup(name)
		_, second := again.Lookup(name)
		if first != want[0] || second != want[1] {
			t.Errorf("%s is remembered: %v, then %v", name, first, second)
		}
	}
	if store.Stats().Evicted != 1 {
		t.Errorf("%+v", store.Stats())
	}
}

// TestBadFiles begins anew and keeps what cannot be read.
func TestBadFiles(t *testing.T) {
	for _, test := range []struct{ name, content, says string }{
		{"damaged", `{"version":1,"executables":[{"pa`, "damaged"},
		{"empty", "", "damaged"},
		{"of another version", `{"version":9}`, "version 9"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "connections.json")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			store, err := Open(path, 0)
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), path+".unreadable") {
				t.Errorf("the error is %v", err)
			}
			if kept, err := os.ReadFile(path + ".unreadable"); err != nil || string(kept) != test.content {
				t.Errorf("%q is kept, %v", kept, err)
			}
			store.Saw("/bin/x", at(1))
			if err := store.Save(); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(path, 0); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFilesOfOthers leaves alone what no store has written: a wrong path in the
// configuration must not cost a folder or a file.
func TestFilesOfOthers(t *testing.T) {
	folder := t.TempDir()
	for name, make := range map[string]func(path string) error{
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"file":   func(path string) error { return os.WriteFile(path, []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o600) },
		"JSON":   func(path string) error { return os.WriteFile(path, []byte(`{"alerts":[]}`), 0o600) },
		"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		path := filepath.Join(folder, name)
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		store, err := Open(path, 0)
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "stays as it is") {
			t.Errorf("%s: the error is %v", name, err)
		}
		store.Saw("/bin/x", at(1))
		if err := store.Save(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		after, err := os.Stat(path)
		if err != nil || !os.SameFile(before, after) || after.Size() != before.Size() {
			t.Errorf("%s: it was changed: %v", name, err)
		}
		if _, known := store.Lookup("/bin/x"); !known {
			t.Errorf("%s: nothing is remembered meanwhile", name)
		}
	}
}

// TestSaveFails keeps what could not be saved for the next time.
func TestSaveFails(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state", "connections.json")
	if err := os.WriteFile(filepath.Join(folder, "state"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	store, _ := Open(path, 0)
	store.Saw("/bin/x", at(1))
	if err := store.Save(); err == nil {
		t.Fatal("a folder that is a file is no error")
	}
	if err := os.Remove(filepath.Join(folder, "state")); err != nil {
		t.Fatal(err)
	}
	if err := store.Save(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "state", "*new*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if again, err := Open(path, 0); err != nil || again.Stats().Executables != 1 {
		t.Errorf("%+v, %v", again.Stats(), err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"version":1,"since":"2023-01-01T00:00:00Z","executables":[{"path":"/bin/x","first_seen":"2023-01-01T00:00:00Z","connections":3,"file":{"inode":1}}]}`)
	f.Add(`{"version":1,"executables":[{"path":"a"},{"path":"a"},{"path":""}]}`)
	f.Fuzz(func(t *testing.T, content string) {
		store, _ := Open("", 4)
		if store.read(strings.NewReader(content)) == nil && store.Stats().Executables > 4 {
			t.Error("the limit does not hold")
		}
		store.Saw("/bin/x", at(1))
		if _, known := store.Lookup("/bin/x"); !known {
			t.Error("the store does not work after it")
		}
	})
}

func BenchmarkSaw(b *testing.B) {
	for _, test := range []struct {
		name  string
		count int
	}{{"known", 1000}, {"evicting", 4 * DefaultLimit}} {
		b.Run(test.name, func(b *testing.B) {
			store, _ := Open("", 0)
			names := make([]string, test.count)
			for i := range names {
				names[i] = fmt.Sprintf("/usr/lib/x/program-%d", i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				store.Saw(names[i%len(names)], at(i))
			}
		})
	}
}
