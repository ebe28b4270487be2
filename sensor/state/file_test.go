package state

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tripline/auditrules/kernel"
)

// goodState is what a sensor writes.
func goodState(t testing.TB) []byte {
	t.Helper()
	s := &State{
		Version: version, BootID: "boot", PID: 7, Key: testKey,
		Settings: []Setting{{"backlog_limit", 64, []uint32{8192}}},
		Rules:    []Rule{{ownRules(t)[0]}},
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestNonsenseIsRefused gives files that no sensor writes: each is an error that
// names the file, nothing in the kernel changes, and a start sets it aside.
func TestNonsenseIsRefused(t *testing.T) {
	good := string(goodState(t))
	foreign, err := json.Marshal(wireOf(t, "-a always,exit -F arch=b64 -S connect -k others"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, content, says string }{
		{"empty", "", "cut off"},
		{"torn", good[:len(good)/2], "cut off"},
		{"zeros after a power loss", strings.Repeat("\x00", len(good)), "no state of this form"},
		{"twice", good + good, "something follows"},
		{"of a later version", strings.Replace(good, `"version":1`, `"version":2`, 1), "version 2"},
		{"an unknown field", strings.Replace(good, `"pid"`, `"command"`, 1), "unknown field"},
		{"a setting that is none", strings.Replace(good, "backlog_limit", "panic", 1), `"panic"`},
		{"a setting that locks", strings.Replace(strings.Replace(good, "backlog_limit", "enabled", 1), `"before":64`, `"before":2`, 1), "cannot be undone"},
		{"no value of ours", strings.Replace(good, "[8192]", "[]", 1), "0 values"},
		{"no boot", strings.Replace(good, `"boot_id":"boot"`, `"boot_id":""`, 1), "boot"},
		{"another's rule", strings.Replace(good, good[strings.Index(good, `"wire":`)+7:len(good)-3], string(foreign), 1), `the keys ["others"]`},
		{"a rule that is none", strings.Replace(good, good[strings.Index(good, `"wire":`)+7:len(good)-3], `"AAAA"`, 1), "an audit rule has 3 bytes"},
		{"too large", `{"key":"` + strings.Repeat("a", maxSize) + `"}`, "more than"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, path, test.says)
		})
	}
}

// refused checks that a file is refused and that a start sets it aside.
func refused(t *testing.T, path, says string) {
	t.Helper()
	control := &fakeKernel{} // without a budget: every change fails
	var unusable *FileError
	if _, _, err := Recover(control, path); !errors.As(err, &unusable) || unusable.Path != path || !strings.Contains(err.Error(), says) {
		t.Fatalf("the error is %v, want it to say %q", err, says)
	}
	_, _, problem, err := Begin(control, path, testKey)
	if err != nil || problem == nil {
		t.Fatalf("a start gave %v, %v", problem, err)
	}
	if _, err := os.Lstat(path + ".bad"); err != nil {
		t.Error(err)
	}
	if s, err := Load(path); err != nil || s == nil || !s.empty() {
		t.Errorf("the new state is %+v, %v", s, err)
	}
}

func TestHostileFilesAreRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(path string) error
		says string
	}{
		{"a symbolic link", func(path string) error {
			return errors.Join(os.WriteFile(path+".target", goodState(t), 0o600), os.Symlink(path+".target", path))
		}, "symbolic link"},
		{"a pipe that nobody writes", func(path string) error { return syscall.Mkfifo(path, 0o600) }, "no regular file"},
		{"a folder", func(path string) error { return os.Mkdir(path, 0o700) }, "is a directory"},
		{"others may write it", func(path string) error {
			return errors.Join(os.WriteFile(path, goodState(t), 0o600), os.Chmod(path, 0o666))
		}, "others may write"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			if err := test.make(path); err != nil {
				t.Fatal(err)
			}
			refused(t, path, test.says)
		})
	}
	t.Run("of another user", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("giving a file away needs root")
		}
		path := filepath.Join(t.TempDir(), "state.json")
		if err := errors.Join(os.WriteFile(path, goodState(t), 0o600), os.Chown(path, 65534, 65534)); err != nil {
			t.Fatal(err)
		}
		refused(t, path, "belongs to user 65534")
	})
	t.Run("a folder that others may write", func(t *testing.T) {
		folder := t.TempDir()
		if err := os.Chmod(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := Begin(&fakeKernel{}, filepath.Join(folder, "state.json"), testKey); err == nil || !strings.Contains(err.Error(), "cannot hold the state file") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("a draft that is a link", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.json")
		target := path + ".target"
		if err := errors.Join(os.WriteFile(target, []byte("x"), 0o600), os.Symlink(target, path+".new")); err != nil {
			t.Fatal(err)
		}
		begin(t, &fakeKernel{}, path)
		if text, err := os.ReadFile(target); err != nil || string(text) != "x" {
			t.Errorf("what the link led to is %q, %v", text, err)
		}
	})
}

// TestRootBelievesTheFoldersOwner has the service's user own the folder in /run:
// root puts back what that user wrote down, and may write there itself.
func TestRootBelievesTheFoldersOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving a file away needs root")
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "state.json")
	write := func(owner int) {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, goodState(t), 0o600), os.Chown(path, owner, owner)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(folder, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	for _, owner := range []int{65534, 0} {
		write(owner)
		if s, err := Load(path); err != nil || s == nil {
			t.Errorf("the file of user %d gives %v, %v", owner, s, err)
		}
	}
	if err := save(path, &State{Version: version, BootID: "boot", PID: 7, Key: testKey}); err != nil {
		t.Error(err)
	}
	write(65533)
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "belongs to user 65533 and not to 0") {
		t.Errorf("a third user's file gives %v", err)
	}
	if err := os.Chmod(folder, 0o775); err != nil {
		t.Fatal(err)
	}
	write(65534)
	if _, err := Load(path); err == nil {
		t.Error("a file in a folder that a group may write is believed")
	}
}

// FuzzParse acts on whatever parses: only rules with the state's key and known
// settings are ever touched.
func FuzzParse(f *testing.F) {
	f.Add(goodState(f))
	f.Add(goodState(f)[:40])
	f.Add([]byte(`{"version":1,"boot_id":"b","key":"k","settings":[{"name":"enabled","before":2,"ours":[1]}]}`))
	others := newKernel(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parse(data)
		if err != nil {
			return
		}
		now := others.clone()
		now.status = kernel.Status{Enabled: 1, BacklogLimit: 8192}
		if _, err := Restore(now, s); err != nil && !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if s.Key != "others" && len(now.rules) != len(others.rules) {
			t.Errorf("a rule of others was removed by %q", data)
		}
		if now.status.Enabled > 1 {
			t.Errorf("auditing is locked by %q", data)
		}
	})
}
