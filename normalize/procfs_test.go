package normalize

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// statLine is the content of a stat file with 52 fields, as Linux 6.1 has it.
func statLine(pid uint32, comm string, ppid uint32, ticks uint64) string {
	return fmt.Sprintf("%d (%s) S %d %d %d 0 -1 4194560 118 0 0 0 3 1 0 0 20 0 1 0 %d 2838528 341 18446744073709551615"+
		" 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n", pid, comm, ppid, pid, pid, ticks)
}

func TestParseStat(t *testing.T) {
	full := procStat{pid: 7, ppid: 3, ticks: 12345}
	for name, test := range map[string]struct {
		text string
		want procStat
		ok   bool
	}{
		"plain":               {statLine(7, "cat", 3, 12345), full, true},
		"no name":             {statLine(7, "", 3, 12345), full, true},
		"space":               {statLine(7, "tmux: server", 3, 12345), full, true},
		"parentheses":         {statLine(7, "(sd-pam)", 3, 12345), full, true},
		"another stat":        {statLine(7, "x) R 1 1 1 (y", 3, 12345), full, true},
		"line feed":           {statLine(7, "a\n8 (b", 3, 12345), full, true},
		"largest":             {statLine(1<<31-1, "x", 0, 1<<64-1), procStat{1<<31 - 1, 0, 1<<64 - 1}, true},
		"empty":               {"", procStat{}, false},
		"no parentheses":      {"7 cat S 3", procStat{}, false},
		"only a name":         {"7 (cat)", procStat{}, false},
		"turned":              {")7(", procStat{}, false},
		"cut in the ticks":    {strings.SplitAfter(statLine(7, "cat", 3, 12345), "123")[0], procStat{}, false},
		"negative parent":     {strings.Replace(statLine(7, "cat", 3, 12345), "S 3 ", "S -3 ", 1), procStat{}, false},
		"two spaces":          {strings.Replace(statLine(7, "cat", 3, 12345), "S 3 ", "S  3 ", 1), procStat{}, false},
		"ticks too large":     {strings.Replace(statLine(7, "cat", 3, 12345), "12345", "18446744073709551616", 1), procStat{}, false},
		"pid is not a number": {"x" + statLine(7, "cat", 3, 12345), procStat{}, false},
	} {
		got, ok := procParseStat([]byte(test.text))
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%s: got %+v, %v, want %+v, %v", name, got, ok, test.want, test.ok)
		}
	}
}

func TestParseTgid(t *testing.T) {
	for text, want := range map[string]uint32{
		"Name:\tcat\nTgid:\t12\nPid:\t13\n":       12,
		"Name:\tTgid:\\n5\nTgid:\t12\n":           12,
		"Name:\tTgid:\t5\nState:\tS\nTgid:\t12\n": 12,
		"Name:\tcat\nTgid:\t12":                   0, // cut off
		"Name:\tcat\nTgid:\t\n":                   0,
		"Name:\tcat\nTgid:\t-1\n":                 0,
		"Name:\tcat\nTgid:\t4294967297\n":         0,
		"":                                        0,
	} {
		if got, ok := procParseStatus([]byte(text), "Tgid:"); got != want || ok != (want != 0) {
			t.Errorf("%q: got %d, %v, want %d", text, got, ok, want)
		}
	}
}

func TestProcFilesOfACopy(t *testing.T) {
	files := newProcFiles("testdata/proc/current/proc")
	for pid, want := range map[uint32]procStat{
		1:   {pid: 1, ppid: 0, ticks: 4},
		100: {pid: 100, ppid: 1, ticks: 50000},
		200: {pid: 200, ppid: 1, ticks: 60000},
		201: {pid: 200, ppid: 1, ticks: 60000},   // a thread
		300: {pid: 300, ppid: 100, ticks: 70000}, // a zombie
	} {
		if got, err := files.stat(pid, false); err != nil || got != want {
			t.Errorf("%d: got %+v, %v, want %+v", pid, got, err, want)
		}
	}
	if _, err := files.stat(400, false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no process: got %v", err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(statLine(7, "cat", 3, 12345)), uint32(7), uint64(12345))
	f.Add([]byte("7 (a) b) S 1"), uint32(1), uint64(0))
	f.Add([]byte(")("), uint32(0), uint64(1<<64-1))
	f.Fuzz(func(t *testing.T, data []byte, number uint32, ticks uint64) {
		if got, ok := procParseStat(data); ok {
			// What was read is in the text.
			for _, field := range []uint64{uint64(got.pid), uint64(got.ppid), got.ticks} {
				trimmed := bytes.ReplaceAll(data, []byte("0"), nil)
				digits := strings.ReplaceAll(fmt.Sprint(field), "0", "")
				if !bytes.Contains(trimmed, []byte(digits)) {
					t.Errorf("%d is not in %q", field, data)
				}
			}
		}
		procParseStatus(data, "Tgid:")
		want := procStat{pid: number >> 1, ppid: number >> 2, ticks: ticks}
		line := statLine(want.pid, string(data), want.ppid, want.ticks)
		if got, ok := procParseStat([]byte(line)); !ok || got != want {
			t.Errorf("got %+v, %v of %q, want %+v", got, ok, line, want)
		}
		kin := procKinStat{procStat: want, group: want.pid, session: want.pid, name: string(data)}
		if got, ok := procParseKin([]byte(line)); !ok || got != kin {
			t.Errorf("got %+v, %v of %q, want %+v", got, ok, line, kin)
		}
		if _, ok := procParseStat(data); !ok {
			if got, ok := procParseKin(data); ok {
				t.Errorf("%q is no stat file, and is read as %+v", data, got)
			}
		}
	})
}
