package normalize

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestUserNamesOfAFile(t *testing.T) {
	users := newUserTable("testdata/proc/current/etc/passwd")
	users.name(0)
	want := map[uint32]string{0: "root", 1: "daemon", 1000: "alice", 65534: "nobody"}
	if !maps.Equal(users.names, want) {
		t.Errorf("got %v, want %v", users.names, want)
	}
	if got := users.name(4242); got != "" {
		t.Errorf("an id without a name has the name %q", got)
	}
}

// TestUserNamesOfABrokenFile: a name is that of a whole line, or there is none.
func TestUserNamesOfABrokenFile(t *testing.T) {
	long := strings.Repeat("x", userNameLimit+1)
	for name, test := range map[string]struct {
		content string
		want    map[uint32]string
	}{
		"empty":                 {"", map[uint32]string{}},
		"no line feed":          {"a:x:1:1:::", map[uint32]string{1: "a"}},
		"cut in the number":     {"a:x:1:1:::\nb:x:10", map[uint32]string{1: "a"}},
		"cut after the number":  {"a:x:10:", map[uint32]string{10: "a"}},
		"carriage returns":      {"a:x:1:1:::\r\nb:x:2\r\n", map[uint32]string{1: "a"}},
		"missing fields":        {"a\nb:x\nc:x:\nd:x::\ne:x:5:", map[uint32]string{5: "e"}},
		"an id twice":           {"a:x:0:0:::\nb:x:0:0:::\n", map[uint32]string{0: "a"}},
		"a name twice":          {"a:x:1:1:::\na:x:2:2:::\n", map[uint32]string{1: "a", 2: "a"}},
		"no number":             {"a:x:0x1:1:::\nb:x: 2:1:::\nc:x:+3:1:::\nd:x:4.0:1:::\n", map[uint32]string{}},
		"too big":               {"a:x:4294967296:1:::\nb:x:18446744073709551616:1:::\n", map[uint32]string{}},
		"binary":                {"\x00\x01:\xff:1:::\n\x7fELF\x02:x:0:::\n\x00root:x:0:0:::\nb:x:2:::\n", map[uint32]string{2: "b"}},
		"a long name":           {long + ":x:1:1:::\n" + long[1:] + ":x:2:2:::\n", map[uint32]string{2: long[1:]}},
		"a line of a megabyte":  {"a:" + strings.Repeat("y", 1<<20) + ":1:1:::\nb:x:2:::\n", map[uint32]string{1: "a", 2: "b"}},
		"as many colons as fit": {strings.Repeat(":", 1<<16), map[uint32]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "passwd")
			if err := os.WriteFile(path, []byte(test.content), 0o644); err != nil {
				t.Fatal(err)
			}
			users := newUserTable(path)
			users.name(0)
			if !maps.Equal(users.names, test.want) {
				t.Errorf("got %v, want %v", users.names, test.want)
			}
		})
	}
}

// TestUserNamesAreBounded: of a huge file so many names are kept, and the line on
// which the reading ends gives none.
func TestUserNamesAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	var content bytes.Buffer
	for id := 0; content.Len() <= userFileLimit; id++ {
		fmt.Fprintf(&content, "user%d:x:%d:%d:%s:/:/bin/sh\n", id, id, id, strings.Repeat("g", 40))
	}
	if err := os.WriteFile(path, content.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	users := newUserTable(path)
	if got := users.name(7); got != "user7" {
		t.Errorf("got %q", got)
	}
	if len(users.names) != userCountLimit {
		t.Errorf("%d names are kept", len(users.names))
	}
	for id, name := range users.names {
		if name != fmt.Sprintf("user%d", id) {
			t.Errorf("%d has the name %q", id, name)
		}
	}
}

func TestUserNamesFollowTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwd")
	write := func(name string) {
		t.Helper()
		// Written beside and renamed, as useradd(8) does it.
		if err := os.WriteFile(path+"+", []byte(name+":x:5:5:::\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+"+", path); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	users := newUserTable(path)
	users.now = func() time.Time { return now }
	expect := func(when, want string) {
		t.Helper()
		if got := users.name(5); got != want {
			t.Errorf("%s: got %q, want %q", when, got, want)
		}
	}
	expect("without a file", "")
	write("old")
	expect("before the file is looked at again", "")
	now = now.Add(userCheckInterval)
	expect("after 5 s", "old")
	write("new")
	now = now.Add(userCheckInterval - 1)
	expect("a moment before 5 s", "old")
	now = now.Add(1)
	expect("after 5 s again", "new")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now = now.Add(userCheckInterval)
	expect("without the file", "new")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(userCheckInterval)
	expect("with a pipe in its place", "new")
}

func TestUserNameDoesNotAllocate(t *testing.T) {
	users := newUserTable("testdata/proc/current/etc/passwd")
	if got := testing.AllocsPerRun(1000, func() { users.name(1000) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func FuzzPasswd(f *testing.F) {
	data, err := os.ReadFile("testdata/proc/current/etc/passwd")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("a:x:1:"))
	f.Add([]byte("a:x:1\nb::+2:\x00:::\n\n:::::\n" + strings.Repeat("c", userNameLimit+1) + ":x:3:3"))
	f.Fuzz(func(t *testing.T, data []byte) {
		names := userParse(data)
		for uid, name := range names {
			if !userNameValid([]byte(name)) || strings.ContainsAny(name, ":\n") {
				t.Errorf("%d has the name %q", uid, name)
			}
			if !bytes.Contains(append([]byte("\n"), data...), []byte("\n"+name+":")) {
				t.Errorf("%q starts no line", name)
			}
		}
		// A bad line costs nothing but itself, and the first name stays.
		after := userParse(append(append([]byte{}, data...), "\nlast:x:77:77:::\n"...))
		if _, known := names[77]; !known {
			names[77] = "last"
		}
		// What was cut off at the end may have become complete by the line feed.
		for uid, name := range names {
			if after[uid] != name {
				t.Errorf("%d was %q and is %q after another line", uid, name, after[uid])
			}
		}
	})
}
