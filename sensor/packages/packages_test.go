package packages

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// write makes the files of a host.
func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const status = `Package: coreutils
Status: install ok installed
Architecture: amd64
Version: 9.1-1
Description: tools
 Package: not a field

Package: libc6
Architecture: amd64
Version: 2.36-9

Package: libc6
Architecture: i386
Version: 2.31-1
`

func debian(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, map[string]string{
		"var/lib/dpkg/status":                 status,
		"var/lib/dpkg/info/coreutils.list":    "/.\n/bin\n/bin/ls\n/usr/bin/env\n/usr/share/doc/coreutils\n/usr/share/coreutils/run",
		"var/lib/dpkg/info/libc6:i386.list":   "/.\n/lib/ld-linux.so.2\n",
		"var/lib/dpkg/info/libc6.list":        "/.\n/lib64/ld-linux-x86-64.so.2\n",
		"var/lib/dpkg/info/coreutils.md5sums": "x /bin/other\n",
	})
	return root
}

func TestDpkg(t *testing.T) {
	plain, merged := debian(t), debian(t)
	for _, name := range []string{"bin", "lib", "lib64"} {
		if err := os.MkdirAll(filepath.Join(merged, "usr", name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("usr/"+name, filepath.Join(merged, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name, root, path string
		state            State
		owner, version   string
	}{
		{"the path as listed", plain, "/bin/ls", Owned, "coreutils", "9.1-1"},
		{"another folder", plain, "/usr/bin/ls", None, "", ""},
		{"a listed folder's link", merged, "/usr/bin/ls", Owned, "coreutils", "9.1-1"},
		{"the other way round", merged, "/bin/env", Owned, "coreutils", "9.1-1"},
		{"of one architecture", plain, "/lib/ld-linux.so.2", Owned, "libc6", "2.31-1"},
		{"of the other", merged, "/usr/lib64/ld-linux-x86-64.so.2", Owned, "libc6", "2.36-9"},
		{"where data is, without a line end", plain, "/usr/share/coreutils/run", Owned, "coreutils", "9.1-1"},
		{"part of a path", plain, "/bin/l", None, "", ""},
		{"of another kind of list", plain, "/bin/other", None, "", ""},
		{"nowhere", plain, "/tmp/x", None, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			finder := NewFinder(test.root)
			for range 2 { // the second answer is remembered
				owner, state, err := finder.Owner(context.Background(), test.path)
				if err != nil || state != test.state || owner.Name != test.owner || owner.Version != test.version || (state == Owned) == owner.Installed.IsZero() {
					t.Errorf("%+v, %s, %v", owner, state, err)
				}
			}
		})
	}
}

// TestDpkgLongList has a list that is read in pieces, and an index that grows.
func TestDpkgLongList(t *testing.T) {
	root := debian(t)
	var list strings.Builder
	for i := range 3 * dpkgChunk / 16 {
		fmt.Fprintf(&list, "/opt/tool/%09d\n", i)
	}
	write(t, root, map[string]string{"var/lib/dpkg/info/tool.list": list.String(), "var/lib/dpkg/status": status + "\nPackage: tool\nVersion: 1\n"})
	finder := NewFinder(root)
	for path, want := range map[string]string{
		"/opt/tool/000000000": "tool", "/opt/tool/000006543": "tool", "/opt/tool/000012287": "tool", "/opt/tool/000012288": "",
		"/bin/ls": "coreutils", "/lib64/ld-linux-x86-64.so.2": "libc6",
	} {
		owner, _, err := finder.Owner(t.Context(), path)
		if err != nil || owner.Name != want {
			t.Errorf("%s is of %q, not of %q; %v", path, owner.Name, want, err)
		}
	}
}

func TestNoDatabase(t *testing.T) {
	_, state, err := NewFinder(t.TempDir()).Owner(context.Background(), "/bin/ls")
	if state != Unknown || err == nil || !strings.Contains(err.Error(), "neither") {
		t.Errorf("%s, %v", state, err)
	}
}

// TestDatabaseChanges finds a package that was installed after the first question.
func TestDatabaseChanges(t *testing.T) {
	root := debian(t)
	finder := NewFinder(root)
	if _, state, err := finder.Owner(context.Background(), "/usr/bin/new"); state != None || err != nil {
		t.Fatalf("%s, %v", state, err)
	}
	write(t, root, map[string]string{
		"var/lib/dpkg/info/new.list": "/.\n/usr/bin/new\n",
		"var/lib/dpkg/status":        status + "\nPackage: new\nVersion: 1\n",
	})
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(root, "var/lib/dpkg/status"), later, later); err != nil {
		t.Fatal(err)
	}
	owner, state, err := finder.Owner(context.Background(), "/usr/bin/new")
	if state != Owned || owner.Name != "new" || owner.Version != "1" || err != nil {
		t.Errorf("%+v, %s, %v", owner, state, err)
	}
}

// TestThisHost compares with dpkg's own answer.
func TestThisHost(t *testing.T) {
	out, err := exec.Command("dpkg-query", "-S", "/usr/bin/perl").Output()
	if err != nil {
		t.Skip("needs dpkg and perl")
	}
	want, _, _ := strings.Cut(string(out), ":")
	owner, state, err := NewFinder("/").Owner(context.Background(), "/usr/bin/perl")
	if state != Owned || owner.Name != want || err != nil {
		t.Errorf("%+v, %s, %v, not %s", owner, state, err, want)
	}
}

// TestTimeRunsOut answers that nothing is known yet, and knows it later.
func TestTimeRunsOut(t *testing.T) {
	finder := NewFinder(debian(t))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, state, err := finder.Owner(ended, "/bin/ls"); (state == Unknown) != (err != nil) {
		t.Errorf("%s, %v", state, err)
	}
	if owner, state, err := finder.Owner(context.Background(), "/bin/ls"); state != Owned || err != nil {
		t.Errorf("%+v, %s, %v", owner, state, err)
	}
}
