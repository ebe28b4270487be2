package packages

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// redHat is a host whose rpm database is a file of testdata.
func redHat(t *testing.T, fixture, place string) string {
	t.Helper()
	root := t.TempDir()
	content, err := os.ReadFile("testdata/" + fixture)
	if err != nil {
		t.Fatal(err)
	}
	write(t, root, map[string]string{place: string(content)})
	return root
}

func TestRPM(t *testing.T) {
	for _, database := range []struct{ name, fixture, place string }{
		{"SQLite", "rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite"},
		{"SQLite where image-based systems have it", "rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite"},
		{"ndb", "Packages.db", "usr/lib/sysimage/rpm/Packages.db"},
		{"Berkeley DB", "Packages.little", "var/lib/rpm/Packages"},
		{"Berkeley DB of the other byte order", "Packages.big", "var/lib/rpm/Packages"},
	} {
		t.Run(database.name, func(t *testing.T) {
			finder := NewFinder(redHat(t, database.fixture, database.place))
			for _, test := range []struct {
				path  string
				state State
				owner Package
			}{
				{"/usr/bin/bash", Owned, Package{"rpm", "bash", "5.1-2.el9", "x86_64", time.Unix(1700000000, 0).UTC()}},
				{"/opt/big/tool299", Owned, Package{"rpm", "big", "3:1-1", "noarch", time.Unix(1700000100, 0).UTC()}},
				{"/opt/p0/run", Owned, Package{"rpm", "p0", "1-1", "noarch", time.Unix(1, 0).UTC()}},
				{"/usr/share/doc/bash", None, Package{}}, // no executable
				{"/usr/bin", None, Package{}},            // a folder
				{"/tmp/x", None, Package{}},
			} {
				owner, state, err := finder.Owner(context.Background(), test.path)
				if owner != test.owner || state != test.state || err != nil {
					t.Errorf("%s: %+v, %s, %v", test.path, owner, state, err)
				}
			}
		})
	}
}

// TestBadRPM says that nothing is known where a database is damaged.
func TestBadRPM(t *testing.T) {
	for _, database := range []struct{ fixture, place string }{
		{"rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite"}, {"Packages.db", "var/lib/rpm/Packages.db"}, {"Packages.little", "var/lib/rpm/Packages"},
	} {
		for name, damage := range map[string]func([]byte) []byte{
			"empty":     func([]byte) []byte { return nil },
			"cut off":   func(whole []byte) []byte { return whole[:len(whole)-600] },
			"other":     func([]byte) []byte { return []byte(strings.Repeat("other ", 1000)) },
			"zeros":     func(whole []byte) []byte { clear(whole[512:]); return whole },
			"its start": func(whole []byte) []byte { return whole[:100] },
		} {
			t.Run(database.fixture+" "+name, func(t *testing.T) {
				root := redHat(t, database.fixture, database.place)
				path := filepath.Join(root, database.place)
				whole, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, damage(whole), 0o600); err != nil {
					t.Fatal(err)
				}
				_, state, err := NewFinder(root).Owner(context.Background(), "/tmp/x")
				if name == "zeros" && err == nil && database.fixture != "rpmdb.sqlite" {
					return // empty pages and slots are none
				}
				if state != Unknown || err == nil || !strings.Contains(err.Error(), "rpm database") {
					t.Errorf("%s, %v", state, err)
				}
			})
		}
	}
}

// FuzzRPM reads anything as each form of database.
func FuzzRPM(f *testing.F) {
	for form, name := range []string{"rpmdb.sqlite", "Packages.db", "Packages.little", "Packages.big"} {
		content, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content[:min(len(content), 16<<10)], byte(form))
	}
	f.Fuzz(func(_ *testing.T, content []byte, form byte) {
		read := []func(io.ReaderAt, func([]byte) error) error{readSQLite, readNDB, readBerkeley}[form%3]
		_ = read(bytes.NewReader(content), func(blob []byte) error {
			header, err := parseHeader(blob)
			if err != nil {
				return err
			}
			header.owner()
			header.executables(func([]byte) {})
			return nil
		})
		if header, err := parseHeader(content); err == nil {
			header.owner()
			header.executables(func([]byte) {})
		}
	})
}
